#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# regression-verdict.sh PATCH VERDICTS STATUS: whether each subtest of the Caught-by lines of PATCH
# failed on the driver with that defect. STATUS is the exit status of that run.

set -eu

patch=$1 verdicts=$2 status=$3
work=$(mktemp -d /tmp/verdict.XXXXXX)

sed -n 's/^Caught-by: *//p' "$patch" | sort >"$work/expected"
[ -s "$work/expected" ] || {
	echo "$patch has no Caught-by line"
	exit 1
}
[ "$status" -eq 1 ] || {
	echo "./run ended with status $status, not 1"
	exit 1
}
jq -r '.[] | select(.class == "fail") | "\(.test | split("/") | last)@\(.subtest)"' "$verdicts" |
	sort >"$work/failed"
comm -23 "$work/expected" "$work/failed" >"$work/missed"
sed 's/^/did not catch it: /' "$work/missed"
[ ! -s "$work/missed" ]
