#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# regression-verdict.sh NAME WANTED VERDICTS STATUS OUT: which of the subtests in the file WANTED,
# one TEST@SUBTEST a line, caught the defect NAME. VERDICTS and STATUS are what that run of ./run
# left. Appends `NAME SUBTEST caught|missed` for each to OUT, and writes those that had no turn,
# because an earlier one took the board down, to WANTED. Fails if the run was none that can show a
# defect.

set -eu

name=$1 wanted=$2 verdicts=$3 status=$4 out=$5
work=$(mktemp -d /tmp/verdict.XXXXXX)
trap 'rm -rf "$work"' EXIT

case $status in
[156]) ;;
*)
	echo "./run ended with status $status: nothing failed, or nothing ran"
	exit 1
	;;
esac

# A known failure of the driver as it is proves nothing.
jq -r '.[] | "\(.test | split("/") | last)@\(.subtest) " +
	(if .result == "notrun" or .class == "left" then "notrun"
	 elif .class == "fail" then "caught" else "missed" end)' \
	"$verdicts" >"$work/verdicts"
awk -v name="$name" -v out="$out" -v left="$work/left" '
	BEGIN { printf "" >left }
	NR == FNR { verdict[$1] = $2; next }
	verdict[$1] == "notrun" { print >left; next }
	{ print name, $1, ($1 in verdict ? verdict[$1] : "missed") >>out }
	' "$work/verdicts" "$wanted"
cp "$work/left" "$wanted"
