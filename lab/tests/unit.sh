#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# unit.sh COMPILER SANITIZERS: builds everything without a warning and runs the unit tests, inside
# the toolbox. SANITIZERS is meson's b_sanitize.

set -eu

compiler=$1 sanitizers=$2

for part in common options toolbox kernel; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done
options_defaults
WORK=$(mktemp -d /tmp/unit.XXXXXX)
kernel_ensure

# A sanitized program cannot be linked against with symbols left undefined (clang), and libigt
# loads no such test: the IGT tests are compiled plain only.
igt_tests=enabled
[ "$sanitizers" = none ] || igt_tests=disabled

export CC="$compiler" UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
meson setup "$WORK/build" "$REPO" --werror -Db_sanitize="$sanitizers" -Db_lundef=false \
	-Dboard=enabled -Dtools=enabled -Dunit_tests=enabled -Digt_tests="$igt_tests" \
	-Dkernel_headers="$KERNEL_DIR/headers/include"
meson test -C "$WORK/build" --print-errorlogs
