#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# lab/report, by pytest. Runs in the toolbox.

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
# shellcheck source=lab/tests/inside.sh
. "$REPO/lab/tests/inside.sh"
[ "${1:-}" = inside ] || become_inside test-report.sh
cd "$REPO"
PYTHONPATH=lab exec python3 -B -m pytest -q -p no:cacheprovider lab/report/tests
