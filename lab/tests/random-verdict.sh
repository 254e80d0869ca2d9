#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# random-verdict.sh RESULTS OPERATIONS ROWS: whether the one subtest of igt_runner's RESULTS, a random
# walk, failed within OPERATIONS operations, and printed at most ROWS rows that fail. Prints both.

set -eu

results=$1 most_operations=$2 most_rows=$3

# number PATTERN: prints the number that follows PATTERN in the output of the subtest.
number() {
	jq -r '[.tests[] | .out] | first' "$results" | sed -n "s/.*$1\([0-9][0-9]*\).*/\1/p" |
		head -n 1
}

operations=$(number 'failed at operation ')
rows=$(number 'minimised to ')
[ -n "$operations" ] || {
	echo 'no operation failed'
	exit 1
}
[ -n "$rows" ] || {
	echo "operation $operations failed, and could not be minimised"
	exit 1
}
echo "$operations operations, $rows rows"
[ "$operations" -le "$most_operations" ] && [ "$rows" -le "$most_rows" ]
