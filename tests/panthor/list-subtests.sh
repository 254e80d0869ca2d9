#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

# list-subtests.sh TEST SOURCE
#
# What igt_runner and the test plan ask of a test binary, without a device: that
# it takes --help, refuses options that it does not have, lists subtests of
# well-formed names, each once, describes every one of them, and that its source
# documents these and no others.

set -eu

test=$1
source=$2

fail()
{
	echo "$test: $*" >&2
	exit 1
}

"$test" --help >/dev/null 2>&1 || fail "--help fails"

if "$test" --no-such-option >/dev/null 2>&1; then
	fail "takes an option that it does not have"
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

documented=$(sed -n 's/^ \* SUBTEST: //p' "$source" | sort)
listed=$(printf '%s\n' "$subtests" | sort)
[ "$documented" = "$listed" ] || fail "$source documents other subtests:
$documented"
