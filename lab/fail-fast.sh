# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh disable=SC2016,SC2034,SC2154
#
# --fail-fast, inside the session: judges each subtest while the next ones run, and ends the board at
# the first unexpected result. igt_runner keeps the results of its n-th job in the folder n, from 0. It
# makes the folder of the next job, or endtime.txt, when a job has ended. A job is a subtest, or with
# --multiple-mode a binary.
#
# An oops of the kernel ends the board, too: what holds a lock then never gives it back.
#
# $WORK/unexpected.txt has the subtests that ended the run.
#
# If there is a file $WORK/limits.txt, its n-th line is how many seconds the n-th subtest of
# $WORK/planned.txt may take.

# Hundredths of a second between two looks at the results and the kernel log, each of which costs some
# processes.
FAIL_FAST_INTERVAL=50

fail_fast_begin() {
	FAIL_FAST_JOB=0 FAIL_FAST_SINCE='' FAIL_FAST_JUDGED=0 FAIL_FAST_NEXT=0 FAIL_FAST_LIMIT_OF=''
	: >"$WORK/unexpected.txt"
}

# Judges the jobs that have ended. True if the board is to be stopped: OUTCOME is failed, or deadline.
fail_fast_ends() {
	[ "$FAIL_FAST" = 1 ] || return 1
	while fail_fast_job_ended; do
		FAIL_FAST_JOB=$((FAIL_FAST_JOB + 1)) FAIL_FAST_SINCE=$NOW
	done
	if [ "$NOW" -ge "$FAIL_FAST_NEXT" ] || [ -e "$RESULTS_DIR/igt/endtime.txt" ]; then
		FAIL_FAST_NEXT=$((NOW + FAIL_FAST_INTERVAL))
		if fail_fast_unexpected || fail_fast_oops; then
			OUTCOME=failed
			return 0
		fi
	fi
	fail_fast_limit_passed
}

# True if the kernel log has an oops. The rest of its report is waited for.
fail_fast_oops() {
	[ "$STAGE" = board ] && grep -q -a -E ';(Oops|BUG: (kernel|unable)|kernel BUG|general protection)' \
		"$RESULTS_DIR/guest/kmsg" || return 1
	sleep 0.5
	fail_fast_running | tee "$WORK/oops" >"$WORK/unexpected.txt"
}

# Prints the subtest that runs, unless jobs are binaries.
fail_fast_running() {
	[ "$MULTIPLE" = 1 ] || sed -n "$((FAIL_FAST_JOB + 1))p" "$WORK/planned.txt"
}

# True if the job FAIL_FAST_JOB has begun and ended.
fail_fast_job_ended() {
	[ -e "$RESULTS_DIR/igt/$FAIL_FAST_JOB" ] || return 1
	FAIL_FAST_SINCE=${FAIL_FAST_SINCE:-$NOW}
	[ -e "$RESULTS_DIR/igt/$((FAIL_FAST_JOB + 1))" ] || [ -e "$RESULTS_DIR/igt/endtime.txt" ]
}

# True if a job that has ended, and was not judged, has an unexpected result: makes igt_runner's results
# of those jobs alone.
fail_fast_unexpected() {
	[ "$FAIL_FAST_JOB" -gt "$FAIL_FAST_JUDGED" ] || return 1
	rm -rf "$WORK/jobs"
	mkdir "$WORK/jobs"
	cp "$RESULTS_DIR/igt/metadata.txt" "$RESULTS_DIR/igt/uname.txt" "$WORK/jobs/" 2>/dev/null || :
	sed -n "$((FAIL_FAST_JUDGED + 1)),${FAIL_FAST_JOB}p" "$RESULTS_DIR/igt/joblist.txt" \
		>"$WORK/jobs/joblist.txt"
	fail_fast_n=0
	while [ "$FAIL_FAST_JUDGED" -lt "$FAIL_FAST_JOB" ]; do
		ln -s "$RESULTS_DIR/igt/$FAIL_FAST_JUDGED" "$WORK/jobs/$fail_fast_n"
		FAIL_FAST_JUDGED=$((FAIL_FAST_JUDGED + 1)) fail_fast_n=$((fail_fast_n + 1))
	done
	timeout 30 igt_results "$WORK/jobs" >"$WORK/jobs.log" 2>&1 || return 1
	results_expect unexpected --results "$WORK/jobs/results.json" --folder "$RESULTS_DIR" \
		--rules "$RULES" >"$WORK/unexpected.txt"
	[ -s "$WORK/unexpected.txt" ]
}

# Sets FAIL_FAST_LIMIT to the limit of the job FAIL_FAST_JOB, empty if it has none.
fail_fast_read_limit() {
	[ "$FAIL_FAST_LIMIT_OF" != "$FAIL_FAST_JOB" ] || return 0
	FAIL_FAST_LIMIT_OF=$FAIL_FAST_JOB FAIL_FAST_LIMIT=''
	[ ! -s "$WORK/limits.txt" ] ||
		FAIL_FAST_LIMIT=$(sed -n "$((FAIL_FAST_JOB + 1))p" "$WORK/limits.txt")
}

# True if the subtest that runs has taken longer than it may.
fail_fast_limit_passed() {
	[ -n "$FAIL_FAST_SINCE" ] && [ "$STAGE" = board ] || return 1
	fail_fast_read_limit
	[ -n "$FAIL_FAST_LIMIT" ] &&
		[ "$((NOW - FAIL_FAST_SINCE))" -ge "$((FAIL_FAST_LIMIT * 100))" ] || return 1
	OUTCOME=deadline WAITING=subtest LIMIT=$FAIL_FAST_LIMIT
	fail_fast_running | tee "$WORK/hangs" >"$WORK/unexpected.txt"
}
