#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

# list-subtests.sh TEST
#
# Checks without a device what igt_runner needs of a test binary: it accepts --help,
# refuses unknown options, lists subtests with well-formed names, each name once, and
# describes each of them. That the descriptions are those of the SUBTEST blocks is
# checked by docs/testplan, which knows the values of wildcards.

set -eu

test=$1

fail()
{
	echo "$test: $*" >&2
	exit 1
}

"$test" --help >/dev/null 2>&1 || fail "--help fails"

if "$test" --no-such-option >/dev/null 2>&1; then
	fail "accepts an unknown option"
fi

subtests=$("$test" --list-subtests) || fail "--list-subtests fails"
[ -n "$subtests" ] || fail "lists no subtests"

if printf '%s\n' "$subtests" | grep -v '^[a-z0-9-]*$'; then
	fail "has subtests of malformed names"
fi

twice=$(printf '%s\n' "$subtests" | sort | uniq -d)
[ -z "$twice" ] || fail "has subtests twice: $twice"

described=$("$test" --describe 2>/dev/null) || fail "--describe fails"
case $described in
*"NO DOCUMENTATION!"*) fail "has subtests without igt_describe" ;;
esac
