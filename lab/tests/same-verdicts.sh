#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# same-verdicts.sh APART TOGETHER [LEAST]: whether each subtest fares alike in two verdicts.json, APART
# of a run with a process for each subtest, TOGETHER of one with a process for each binary. Prints
# each difference with its reasons. Every subtest must have run, and LEAST of them have to fail.

set -eu

differences=$(jq -rn --slurpfile apart "$1" --slurpfile together "$2" --argjson least "${3:-0}" '
	def fares:
		if .class == "left" then "left out"
		elif .result == "notrun" then "not run"
		elif .result == "pass" or .result == "skip" then
			if .class == "fail" then "fail" else .result end
		else "fail" end;
	def by_id: map({key: .id, value: .}) | from_entries;
	def fares_of($id): .[$id] | if . then fares else "not selected" end;

	($apart[0] | by_id) as $apart | ($together[0] | by_id) as $together
	| ($apart + $together | keys_unsorted) as $ids
	| ($ids | map(select(. as $id | $apart | fares_of($id) == "fail"))) as $failed
	| ($ids[] | . as $id
	   | ($apart | fares_of($id)) as $one | ($together | fares_of($id)) as $other
	   | select($one != $other or $one == "not run")
	   | "\($id): \($one) in a process of its own, \($other) beside others",
	     (($apart[$id], $together[$id]) | (.reason // [])[] | "    " + .)),
	  (select(($failed | length) < $least)
	   | "only \($failed | length) fail, of \($least) that have to"),
	  (select($ids == []) | "no subtest at all")')
[ -z "$differences" ] || {
	printf '%s\n' "$differences"
	exit 1
}
jq -r '"\(length) subtests fare alike, \(map(select(.class == "fail")) | length) of them fail"' "$2"
