#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# lab/libraries.sh: what stands in for a library has the functions and versions that are asked for,
# and nothing of what the library itself needs. In the toolbox in the cache of whoever runs this;
# skipped without.

# shellcheck disable=SC2317,SC2329 # check() calls the functions
# shellcheck disable=SC2016 # scripts for the inside

set -eu

REPO=$(readlink -f -- "$(dirname -- "$0")/../..")
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
# shellcheck source=lab/tests/inside.sh
. "$REPO/lab/tests/inside.sh"
for part in common toolbox; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done

# with_stand_ins SCRIPT: in the toolbox, after lab/libraries.sh has made its stand-ins. `set -e` does
# not act on `! CMD`: that is what `fails` is for.
with_stand_ins() {
	inside sh -euc '
		die() { echo "$2"; exit "$1"; }
		fails() { ! "$@"; }
		WORK=/tmp/work BUILD_DIR=/tmp/build TESTS=
		mkdir -p "$WORK" "$BUILD_DIR"
		. lab/libraries.sh
		libraries_build
		'"$1"
}

# With all that is asked for bound at once, and each version looked for.
test_complete() {
	need_toolbox
	with_stand_ins 'LD_LIBRARY_PATH=$BUILD_DIR/stand-ins ldd -r "$(command -v igt_runner)"' \
		>"$SCRATCH/bound" 2>&1
	grep -q '/tmp/build/stand-ins/libcairo' "$SCRATCH/bound"
	fails grep 'undefined\|not found\|no version' "$SCRATCH/bound"
	with_stand_ins 'LD_LIBRARY_PATH=$BUILD_DIR/stand-ins LD_BIND_NOW=1 igt_runner --version |
		grep -q IGT-Version'
}

test_needs_nothing() {
	need_toolbox
	with_stand_ins 'for file in "$BUILD_DIR"/stand-ins/*; do readelf -d "$file"; done' \
		>"$SCRATCH/dynamic"
	grep -q SONAME "$SCRATCH/dynamic"
	fails grep NEEDED "$SCRATCH/dynamic"
}

# A call ends the program at once.
test_calls() {
	need_toolbox
	with_stand_ins '
		echo "void cairo_create(void); int main(void) { cairo_create(); return 0; }" >/tmp/c.c
		cc -o /tmp/c /tmp/c.c "$BUILD_DIR/stand-ins/libcairo.so.2"
		status=0
		LD_LIBRARY_PATH=$BUILD_DIR/stand-ins /tmp/c 2>/dev/null || status=$?
		[ "$status" = 132 ]'
}

# The board gets them instead of the libraries, and of what those need nothing: for tests that are
# not ours all is as it was.
test_copied() {
	need_toolbox
	with_stand_ins '
		guest_libraries /tmp/ours
		TESTS=kms_getfb
		guest_libraries /tmp/all
		cmp /tmp/ours/libcairo.so.2 "$BUILD_DIR/stand-ins/libcairo.so.2"
		fails cmp -s /tmp/all/libcairo.so.2 "$BUILD_DIR/stand-ins/libcairo.so.2"
		[ -e /tmp/all/libfreetype.so.6 ]
		[ ! -e /tmp/ours/libfreetype.so.6 ]'
}

# One of which nothing is asked is an error: the libraries are not what they were.
test_unused() {
	need_toolbox
	with_stand_ins '
		echo "int unused;" >/tmp/unused.c
		cc -shared -o /tmp/unused.so /tmp/unused.c
		fails stand_in /tmp/unused.so /tmp/none
		[ ! -e /tmp/none ]'
}

check 'stand-ins have all that is asked for' test_complete
check '... need nothing' test_needs_nothing
check '... and are not to be called' test_calls
check 'our tests run with them, others without' test_copied
check 'a library without a function that is called has none' test_unused
checks_done
