#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# regression-only.sh PATCH VERDICTS: whether, in a run of the whole suite on the driver with that
# defect, subtests of the group failed that the Only line of PATCH names, and none of another.

set -eu

patch=$1 verdicts=$2

group=$(sed -n 's/^Only: *//p' "$patch")
[ -n "$group" ] || {
	echo "$patch has no Only line"
	exit 1
}
jq -e 'any(.class == "pass")' "$verdicts" >/dev/null || {
	echo 'nothing passed: that was no run of the suite'
	exit 1
}
jq -r '.[] | select(.class == "fail") | .subtest' "$verdicts" |
	awk -v group="$group" '
		{ print }
		index($0, group "-") == 1 { own++; next }
		{ other++ }
		END {
			printf "%d of group %s, %d of others\n", own, group, other
			exit !own || other
		}'
