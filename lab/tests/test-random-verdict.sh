#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# lab/tests/random-verdict.sh, on made-up results of igt_runner; and the defects that `./check random`
# looks for. Runs in the toolbox, for its jq.
# shellcheck disable=SC2317,SC2329 # check() calls the functions

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
if [ "${1:-}" != inside ]; then
	for part in common toolbox kernel; do
		# shellcheck source=/dev/null
		. "$REPO/lab/$part.sh"
	done
	toolbox_ensure
	toolbox_exec sh "$REPO/lab/tests/test-random-verdict.sh" inside
fi
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"

# results LINE...: results.json of a subtest with this output.
results() {
	printf '%s\n' "$@" | jq -Rs '{tests: {"igt@t@random-vms": {out: .}}}' >"$SCRATCH/results"
}

# says LINE: that the walk is good enough, and what is said of it.
says() {
	same "$1" "$(sh "$REPO/lab/tests/random-verdict.sh" "$SCRATCH/results" 100 8)"
}

# refuses LINE: that it is not, and why.
refuses() {
	fails sh "$REPO/lab/tests/random-verdict.sh" "$SCRATCH/results" 100 8 >"$SCRATCH/said"
	same "$1" "$(cat "$SCRATCH/said")"
}

failed='process 0 failed at operation 100: VM 1: no word loaded'
minimised='minimised to 8 rows by 31 replays: VM 0: no word loaded'

results 'seed 1' "$failed" "$minimised"
check 'a failure with rows' says '100 operations, 8 rows'
results "$failed" "minimised to 9 rows by 31 replays: VM 0"
check 'too many rows' refuses '100 operations, 9 rows'
results 'process 2 failed at operation 101: VM 1' "$minimised"
check 'too many operations' refuses '101 operations, 8 rows'
results 'process 0: 5000 operations'
check 'no failure' refuses 'no operation failed'
results "$failed" 'not minimised: the steps do not fail again in a new process'
check 'no rows' refuses 'operation 100 failed, and could not be minimised'

# Each line names a planted defect and a subtest that there is.
defects_exist() {
	sed -e 's/#.*//' -e '/^$/d' "$REPO/lab/tests/random-defects" >"$SCRATCH/defects"
	[ "$(wc -l <"$SCRATCH/defects")" -ge 10 ]
	while read -r name subtest; do
		grep -q -x -F -e "$name.patch" "$REPO/kernel/regressions/series"
		grep -q -F -e "\"$subtest\"" "$REPO/tests/panthor/panthor_vm_sparse_random.c"
	done <"$SCRATCH/defects"
}

check 'ten planted defects' defects_exist
checks_done
