#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# same-verdicts.sh ONE OTHER [LEAST [WORDS WORDS]]: whether each subtest fares alike in two verdicts.json.
# Prints each difference with its reasons. Every subtest must have run, and LEAST of them have to fail.
# The WORDS say what the two runs were; by default, ONE had a process for each subtest, OTHER one for each
# binary.

set -eu

differences=$(jq -rn --slurpfile apart "$1" --slurpfile together "$2" --argjson least "${3:-0}" \
	--arg words "${4:-in a process of its own}" --arg others "${5:-beside others}" '
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
	   | "\($id): \($one) \($words), \($other) \($others)",
	     (($apart[$id], $together[$id]) | (.reason // [])[] | "    " + .)),
	  (select(($failed | length) < $least)
	   | "only \($failed | length) fail, of \($least) that have to"),
	  (select($ids == []) | "no subtest at all")')
[ -z "$differences" ] || {
	printf '%s\n' "$differences"
	exit 1
}
jq -r '"\(length) subtests fare alike, \(map(select(.class == "fail")) | length) of them fail"' "$2"
