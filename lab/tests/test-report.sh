#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# lab/report, by pytest. Runs in the toolbox.

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
if [ "${1:-}" != inside ]; then
	for part in common toolbox kernel; do
		# shellcheck source=/dev/null
		. "$REPO/lab/$part.sh"
	done
	toolbox_ensure
	toolbox_exec sh "$REPO/lab/tests/test-report.sh" inside
fi
cd "$REPO"
PYTHONPATH=lab exec python3 -B -m pytest -q -p no:cacheprovider lab/report/tests
