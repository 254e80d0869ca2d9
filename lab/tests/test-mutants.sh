#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# lab/mutants, which draws and judges mutants of the driver, on small C sources and made-up runs; the
# lists of kernel/mutants; and --fail-fast on made-up results of igt_runner. Runs in the toolbox, for
# its python3, pytest and jq.
# shellcheck disable=SC2317,SC2329 # check() calls the functions
# shellcheck disable=SC2034 # the libraries under test read these variables

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
# shellcheck source=lab/tests/inside.sh
. "$REPO/lab/tests/inside.sh"
[ "${1:-}" = inside ] || become_inside test-mutants.sh
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
for part in common options kernel results fail-fast mutants; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done

# ---------------------------------------------------------------------------------------------
# Python

tested() {
	PYTHONPATH=$REPO/lab python3 -B -m pytest -q -p no:cacheprovider "$REPO/lab/mutants/tests"
}

# The lists can be read: a driver without any function of theirs is told after that.
lists_read() {
	mkdir -p "$SCRATCH/driver/drivers/gpu/drm/panthor" "$SCRATCH/out"
	fails_with 2 'run: */functions: names no function of this driver' env PYTHONPATH="$REPO/lab" \
		python3 -B -m mutants --out "$SCRATCH/out" draw --tree "$SCRATCH/driver" \
		--functions "$REPO/kernel/mutants/functions" \
		--equivalents "$REPO/kernel/mutants/equivalent" --seed 1 --count 1
}

check 'mutator and judge: pytest' tested
check 'the lists of kernel/mutants' lists_read

# ---------------------------------------------------------------------------------------------
# --fail-fast

WORK=$SCRATCH/work EXPECTATIONS=$SCRATCH/expectations KERNEL_RELEASE=7.3.4 STOCK=0 NO_SKIPS=0 RULES=off
FAIL_FAST=1 STAGE=board MULTIPLE=0 QUIET=0 deadline_subtest=90
mkdir "$WORK" "$EXPECTATIONS" "$SCRATCH/bin"

kernel_series() {
	echo /x.patch
}

# In the place of IGT's program: each job of the made-up board has its results in a file.
cat >"$SCRATCH/bin/igt_results" <<'PROGRAM'
#!/bin/sh
cat "$1"/*/made-up.json | jq -s '{tests: (map(.tests) | add)}' >"$1/results.json"
PROGRAM
chmod 755 "$SCRATCH/bin/igt_results"
PATH=$SCRATCH/bin:$PATH

# A board whose runner has begun nothing of the subtests a, b and c.
fresh() {
	RESULTS_DIR=$SCRATCH/results OUTCOME=${1:-ended} NOW=1000
	rm -rf "$RESULTS_DIR" "$WORK"
	mkdir -p "$RESULTS_DIR/igt" "$RESULTS_DIR/guest" "$WORK"
	echo '6,1,1,-;all is well' >"$RESULTS_DIR/guest/kmsg"
	rm -f "$EXPECTATIONS"/*
	printf 'igt@panthor/t@%s\n' a b c >"$WORK/planned.txt"
	cp "$WORK/planned.txt" "$WORK/selected.txt"
	: >"$WORK/named.txt"
	printf 'panthor/t %s\n' a b c >"$RESULTS_DIR/igt/joblist.txt"
	fail_fast_begin
}

# ran N SUBTEST RESULT: job N has begun, and if there is a RESULT, ended.
ran() {
	mkdir -p "$RESULTS_DIR/igt/$1"
	[ -z "${3:-}" ] || jq -n --arg name "igt@panthor/t@$2" --arg result "$3" \
		'{tests: {($name): {$result, out: "", err: "", time: {start: 1, end: 2}}}}' \
		>"$RESULTS_DIR/igt/$1/made-up.json"
}

goes_on() {
	fails fail_fast_ends
}

ends() {
	fail_fast_ends
	same "$1" "$OUTCOME"
}

nothing_begun() {
	fresh
	goes_on
}

a_pass() {
	fresh
	ran 0 a pass
	ran 1 b
	goes_on
	same 1 "$FAIL_FAST_JOB"
}

a_failure() {
	fresh
	ran 0 a pass
	ran 1 b fail
	ran 2 c
	ends failed
	same 2 "$FAIL_FAST_JOB"
	same igt@panthor/t@b "$(cat "$WORK/unexpected.txt")"
}

# Two jobs have ended since the last judgement.
two_at_once() {
	fresh
	ran 0 a pass
	ran 1 b fail
	ran 2 c
	ends failed
	same 'igt@panthor/t@b 2' "$(cat "$WORK/unexpected.txt") $FAIL_FAST_JUDGED"
}

# A judgement is not due before half a second has passed.
not_too_often() {
	fresh
	ran 0 a pass
	ran 1 b
	goes_on
	ran 1 b fail
	ran 2 c
	NOW=1049
	goes_on
	same '2 1' "$FAIL_FAST_JOB $FAIL_FAST_JUDGED"
	NOW=1050
	ends failed
}

# The result of a job that has not ended is none.
a_job_that_runs() {
	fresh
	ran 0 a fail
	goes_on
}

the_last_job() {
	fresh
	ran 0 a pass
	ran 1 b pass
	ran 2 c fail
	goes_on
	: >"$RESULTS_DIR/igt/endtime.txt"
	ends failed
}

a_kernel_warning() {
	fresh
	ran 0 a dmesg-warn
	ran 1 b
	ends failed
}

an_expected_failure() {
	fresh
	echo panthor/t@a,Fail >"$EXPECTATIONS/7.3-fails.txt"
	ran 0 a fail
	ran 1 b
	goes_on
}

a_known_flake() {
	fresh
	echo panthor/t@a >"$EXPECTATIONS/7.3-flakes.txt"
	ran 0 a fail
	ran 1 b
	goes_on
}

an_unexpected_pass() {
	fresh
	echo panthor/t@a,Fail >"$EXPECTATIONS/7.3-fails.txt"
	ran 0 a pass
	ran 1 b
	ends failed
}

an_oops() {
	fresh
	ran 0 a pass
	ran 1 b
	echo '1,2,2,-;BUG: kernel NULL pointer dereference, address: 0' >>"$RESULTS_DIR/guest/kmsg"
	ends failed
	same igt@panthor/t@b "$(cat "$WORK/unexpected.txt")"
}

not_asked_for() {
	fresh
	ran 0 a fail
	ran 1 b
	FAIL_FAST=0
	goes_on
}

# The limits of the subtests are 5, 9 and 5 seconds.
a_limit() {
	fresh
	printf '%s\n' 5 9 5 >"$WORK/limits.txt"
	ran 0 a pass
	ran 1 b
	NOW=2000
	goes_on
	NOW=2899
	goes_on
	NOW=2900
	ends deadline
	same 'subtest 9' "$WAITING $LIMIT"
	same igt@panthor/t@b "$(cat "$WORK/hangs")"
}

no_limit() {
	fresh
	ran 0 a pass
	ran 1 b
	goes_on
	NOW=999999
	goes_on
}

check '--fail-fast: nothing has begun' nothing_begun
check '--fail-fast: a pass' a_pass
check '--fail-fast: a failure' a_failure
check '--fail-fast: two jobs at once' two_at_once
check '--fail-fast: not too often' not_too_often
check '--fail-fast: a job that runs' a_job_that_runs
check '--fail-fast: the last job' the_last_job
check '--fail-fast: a kernel warning' a_kernel_warning
check '--fail-fast: an expected failure' an_expected_failure
check '--fail-fast: a known flake' a_known_flake
check '--fail-fast: an unexpected pass' an_unexpected_pass
check '--fail-fast: an oops of the kernel' an_oops
check 'a failure without --fail-fast' not_asked_for
check 'a subtest that takes longer than its limit' a_limit
check 'a subtest without a limit' no_limit

# The classes of verdicts in a run that was ended for the subtest $1.
unrun() {
	fresh "$OUTCOME"
	echo "$1" >"$WORK/unexpected.txt"
	printf 'igt@panthor/t@%s\n' a b c d >"$WORK/selected.txt"
	jq -n '{tests: ([["a", "fail"], ["b", "incomplete"], ["d", "pass"]] | map({
		key: "igt@panthor/t@\(.[0])", value: {result: .[1], out: "", err: ""}}) | from_entries)}' \
		>"$RESULTS_DIR/results.json"
	results_judge true >/dev/null
	jq -c 'map(.class)' "$RESULTS_DIR/verdicts.json"
}

ended_by_a_failure() {
	OUTCOME=failed
	same '["fail","unrun","unrun","pass"]' "$(unrun igt@panthor/t@a)"
}

ended_by_what_did_not_end() {
	OUTCOME=failed
	same '["fail","fail","unrun","pass"]' "$(unrun igt@panthor/t@b)"
	OUTCOME=deadline
	same '["fail","fail","unrun","pass"]' "$(unrun igt@panthor/t@b)"
}

not_ended() {
	OUTCOME=ended
	same '' "$(results_unrun)"
}

check 'what did not run after a failure' ended_by_a_failure
check 'what did not run after an oops, or a limit that passed' ended_by_what_did_not_end
check 'what did not run otherwise' not_ended

checks_done
