#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# regression-verdict.sh NAME WANTED VERDICTS STATUS OUT [MISSERS OUT_MISSERS]: which of the subtests
# in the file WANTED, one TEST@SUBTEST a line, caught the defect NAME. VERDICTS and STATUS are what
# that run of ./run left. Appends `NAME SUBTEST caught|missed` for each to OUT. Those that the file
# MISSERS names have to pass with the defect: for them it appends `NAME SUBTEST RESULT` to
# OUT_MISSERS, where RESULT is `pass` or what else happened. Writes the subtests that did not run,
# since an earlier one took the board down, to WANTED. Fails if the run cannot show a defect.

set -eu

name=$1 wanted=$2 verdicts=$3 status=$4 out=$5 missers=${6:-/dev/null} out_missers=${7:-/dev/null}
work=$(mktemp -d /tmp/verdict.XXXXXX)
trap 'rm -rf "$work"' EXIT

grep -v -x -F -f "$missers" "$wanted" >"$work/catchers" || :
case $status in
[156]) ;;
0)
	[ ! -s "$work/catchers" ] || {
		echo "./run ended with status $status: nothing failed"
		exit 1
	}
	;;
*)
	echo "./run ended with status $status: nothing ran"
	exit 1
	;;
esac

# A known failure of the driver as it is proves nothing, neither to have caught a defect nor to have
# missed it.
jq -r '.[] | "\(.test | split("/") | last)@\(.subtest) " +
	(if .result == "notrun" or .class == "left" then "notrun"
	 elif .class == "fail" then "caught " + .result
	 elif .class == "pass" then "missed pass"
	 else "missed " + .class end)' \
	"$verdicts" >"$work/verdicts"
awk -v name="$name" -v out="$out" -v out_missers="$out_missers" -v left="$work/left" '
	BEGIN { printf "" >left }
	FILENAME == ARGV[1] { verdict[$1] = $2; result[$1] = $3; next }
	FILENAME == ARGV[2] { misser[$1]; next }
	verdict[$1] == "notrun" { print >left; next }
	$1 in misser { print name, $1, ($1 in verdict ? result[$1] : "unknown") >>out_missers; next }
	{ print name, $1, ($1 in verdict ? verdict[$1] : "missed") >>out }
	' "$work/verdicts" "$missers" "$wanted"
cp "$work/left" "$wanted"
