#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# lab/tests/same-verdicts.sh, on made-up verdicts of two runs. Runs in the toolbox, for its jq.
# shellcheck disable=SC2317,SC2329 # check() calls the functions

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
if [ "${1:-}" != inside ]; then
	for part in common toolbox kernel; do
		# shellcheck source=/dev/null
		. "$REPO/lab/$part.sh"
	done
	toolbox_ensure
	toolbox_exec sh "$REPO/lab/tests/test-same-verdicts.sh" inside
fi
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"

# verdicts SUBTEST:RESULT[:CLASS]...: a verdicts.json; the class is the result if not given.
verdicts() {
	for verdicts_word; do
		printf '%s\n' "$verdicts_word"
	done | jq -Rn '[inputs | split(":")
		| {id: "igt@panthor/t@\(.[0])", result: .[1], class: (.[2] // .[1]),
		   reason: (if .[1] == "pass" then [] else ["words of \(.[0])"] end)}]'
}

# alike LEAST PATTERN: whether $SCRATCH/apart and $SCRATCH/together are alike, and say so.
alike() {
	sh "$REPO/lab/tests/same-verdicts.sh" "$SCRATCH/apart" "$SCRATCH/together" "$1" \
		>"$SCRATCH/said" || {
		cat "$SCRATCH/said"
		return 1
	}
	grep -q -x -e "$2" "$SCRATCH/said"
}

# differ LEAST PATTERN...: that they are not; every pattern is a line.
differ() {
	differ_least=$1
	shift
	fails sh "$REPO/lab/tests/same-verdicts.sh" "$SCRATCH/apart" "$SCRATCH/together" \
		"$differ_least" >"$SCRATCH/said"
	for differ_pattern; do
		grep -q -x -e "$differ_pattern" "$SCRATCH/said" || {
			echo "no line like: $differ_pattern"
			cat "$SCRATCH/said"
			return 1
		}
	done
}

pair() {
	verdicts a:pass b:skip c:fail d:timeout:fail "$1" >"$SCRATCH/apart"
	verdicts a:pass b:skip c:dmesg-fail:fail d:fail "$2" >"$SCRATCH/together"
}

same_failures() {
	pair e:pass e:pass
	alike 2 '5 subtests fare alike, 2 of them fail'
}

too_few() {
	pair e:pass e:pass
	differ 3 'only 2 fail, of 3 that have to'
}

one_more() {
	pair e:pass e:fail
	differ 0 'igt@panthor/t@e: pass in a process of its own, fail beside others' \
		'    words of e'
}

one_less() {
	pair e:fail e:pass
	differ 0 'igt@panthor/t@e: fail in a process of its own, pass beside others'
}

one_skips() {
	pair e:pass e:skip
	differ 0 'igt@panthor/t@e: pass in a process of its own, skip beside others'
}

# Such a skip is a failure.
silent_skip() {
	pair e:skip e:skip:fail
	differ 0 'igt@panthor/t@e: skip in a process of its own, fail beside others'
}

# A known failure fails, too, and what is left out in both runs is alike.
known() {
	pair e:fail:known e:fail
	alike 3 '5 subtests fare alike, 3 of them fail'
	pair e:skip:left e:skip:left
	alike 2 '5 .*'
}

not_run() {
	pair e:notrun:fail e:notrun:fail
	differ 0 'igt@panthor/t@e: not run in a process of its own, not run beside others'
}

another() {
	pair e:pass f:pass
	differ 0 'igt@panthor/t@e: pass in a process of its own, not selected beside others' \
		'igt@panthor/t@f: not selected in a process of its own, pass beside others'
}

nothing() {
	echo '[]' >"$SCRATCH/apart"
	echo '[]' >"$SCRATCH/together"
	differ 0 'no subtest at all'
}

no_file() {
	pair e:pass e:pass
	rm "$SCRATCH/together"
	fails sh "$REPO/lab/tests/same-verdicts.sh" "$SCRATCH/apart" "$SCRATCH/together" 0
}

check 'the same subtests fail' same_failures
check '... but too few' too_few
check 'one more fails beside others' one_more
check 'one fails in a process of its own only' one_less
check 'one skips beside others' one_skips
check 'one does not say why it skips beside others' silent_skip
check 'a known failure, and one left out' known
check 'one that did not run' not_run
check 'runs of different subtests' another
check 'no subtest' nothing
check 'a run that left no verdicts' no_file
checks_done
