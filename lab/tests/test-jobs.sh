#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# lab/guest/jobs against igt_runner: each runs the subtests of lib/igt/standalone/tests/demo.c, and
# igt_results makes results.json of what it leaves. Verdicts and words must be alike, for every way in
# which a subtest ends. lab/guest/jobs has nothing but busybox here, as on the board. Runs itself in the
# toolbox.

# shellcheck disable=SC2317,SC2329 # check() calls the functions

set -eu

REPO=$(readlink -f -- "$(dirname -- "$0")/../..")

# shellcheck source=lab/tests/inside.sh
. "$REPO/lab/tests/inside.sh"
[ "${1:-}" = inside ] || become_inside test-jobs.sh

# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"

STANDALONE=$REPO/lib/igt/standalone
JOBS=$SCRATCH/jobs
RUNNER=$SCRATCH/runner
unset IGT_LOG_LEVEL IGT_DEVICE IGT_SENTINEL_ON_STDERR DEMO
export IGT_SRANDOM=1 IGT_RUNNER_DISABLE_SOCKET_COMMUNICATION=1

# Programs that crash on purpose need no core file.
# shellcheck disable=SC3045 # dash has it
ulimit -c 0

build() {
	mkdir -p "$SCRATCH/root/panthor" "$SCRATCH/bin"
	gcc -std=gnu11 -O1 -Wall -Wextra -Werror -Wno-clobbered -D_GNU_SOURCE -I/usr/include/drm \
		-I"$REPO/lib/igt" "$STANDALONE/tests/demo.c" "$STANDALONE"/*.c \
		-o "$SCRATCH/root/panthor/demo"
	printf 'TESTLIST\npanthor/demo\nEND TESTLIST\n' >"$SCRATCH/root/test-list.txt"
	cp "$(command -v busybox)" "$SCRATCH/bin/"
	"$SCRATCH/bin/busybox" --install "$SCRATCH/bin"
}

need_kernel_log() {
	if [ ! -c /dev/kmsg ] || [ ! -r /dev/kmsg ] || [ ! -w /dev/kmsg ]; then
		skip 'the kernel log is not readable and writable here'
	fi
}

# select_subtests SUBTEST...: with seconds enough for a busy machine.
select_subtests() {
	echo 'SUBTEST_SECONDS=4' >"$SCRATCH/root/settings"
	for subtest; do
		echo "igt@panthor/demo@$subtest"
	done >"$SCRATCH/root/selected.txt"
}

# A process that is left behind ends with its process group.
by_jobs() {
	JOBS_ROOT=$SCRATCH/root JOBS_RESULTS=$JOBS PATH=$SCRATCH/bin setsid \
		"$SCRATCH/bin/busybox" sh "$REPO/lab/guest/jobs" >"$SCRATCH/jobs.log" 2>&1 || {
		cat "$SCRATCH/jobs.log"
		return 1
	}
	igt_results "$JOBS" >"$SCRATCH/results.log" 2>&1 || {
		cat "$SCRATCH/results.log"
		return 1
	}
}

by_runner() {
	setsid igt_runner --overwrite --prune-mode keep-all --per-test-timeout 4 \
		--test-list "$SCRATCH/root/selected.txt" "$SCRATCH/root" "$RUNNER" \
		>"$SCRATCH/runner.log" 2>&1 || {
		cat "$SCRATCH/runner.log"
		return 1
	}
}

# said FOLDER: verdicts and words, without times.
said() {
	jq -r '.tests | to_entries[] | "\(.key): \(.value.result)",
		((.value.out, .value.err) // "" | split("\n")[])' "$1/results.json" |
		sed -f "$REPO/lab/tests/standalone.sed"
}

# Left out is what leaves processes behind, to the group of the runner.
all_alike() {
	need_kernel_log
	# shellcheck disable=SC2046 # names
	select_subtests $("$SCRATCH/root/panthor/demo" --list-subtests |
		grep -v -e '^fork-crash$' -e '^fork-hang$') no-such-subtest
	by_runner
	by_jobs
	said "$RUNNER" >"$RUNNER.said"
	said "$JOBS" >"$JOBS.said"
	for verdict in pass fail skip crash timeout warn; do
		grep -q "^igt@panthor/demo@.*: $verdict\$" "$JOBS.said"
	done
	for runner in "$RUNNER" "$JOBS"; do
		tail -q -n 1 "$runner"/*/journal.txt | sed 's/([0-9.]*s)$/(T)/' >"$runner.ends"
	done
	diff -u "$RUNNER.ends" "$JOBS.ends"
	diff -u "$RUNNER.said" "$JOBS.said"
}

# The folders of both, but for what igt_runner alone has: its command line, its socket's messages.
files_alike() {
	need_kernel_log
	select_subtests pass skip rows-mix crash
	by_runner
	by_jobs
	for runner in "$RUNNER" "$JOBS"; do
		(cd "$runner" && find . | grep -v '/comms$' | LC_ALL=C sort) >"$runner.files"
		for file in joblist.txt uname.txt 0/journal.txt 1/journal.txt 3/journal.txt; do
			echo "$file"
			sed 's/([0-9.]*s)$/(T)/' "$runner/$file"
		done >"$runner.texts"
	done
	diff -u "$RUNNER.files" "$JOBS.files"
	diff -u "$RUNNER.texts" "$JOBS.texts"
	grep -v -x -F -f "$RUNNER/metadata.txt" "$JOBS/metadata.txt" >"$SCRATCH/settings" || :
	same "name : jobs results_path : $JOBS" "$(paste -s -d ' ' "$SCRATCH/settings")"
}

# The words of a subtest in the kernel log are in its part, and in no other one.
kernel_log_parts() {
	need_kernel_log
	select_subtests pass fail skip
	by_jobs
	job=0
	for name in pass fail skip; do
		sed -n 's/.*demo: starting subtest //p' "$JOBS/$job/dmesg.txt" >"$SCRATCH/names"
		same "$name" "$(cat "$SCRATCH/names")"
		job=$((job + 1))
	done
}

# A kernel warning during a subtest makes its pass a dmesg-warn, as igt_runner's; one before it does not.
kernel_warning() {
	need_kernel_log
	[ -n "${JOBS_WARN:-}" ] || skip 'JOBS_WARN=1 writes a warning to the kernel log of this machine'
	echo '<4>before' >/dev/kmsg
	cat >"$SCRATCH/root/panthor/warn" <<'TEST'
#!/bin/sh
echo '<4>WARNING: asked for by lab/tests/test-jobs.sh' >/dev/kmsg
exec "${0%/*}/demo" "$@"
TEST
	chmod 755 "$SCRATCH/root/panthor/warn"
	select_subtests pass
	sed 's/demo/warn/' "$SCRATCH/root/selected.txt" >"$SCRATCH/list"
	mv "$SCRATCH/list" "$SCRATCH/root/selected.txt"
	by_jobs
	same dmesg-warn "$(jq -r '.tests[].result' "$JOBS/results.json")"
}

# Without the kernel log a subtest that the kernel complains about would pass.
no_kernel_log() {
	select_subtests pass
	export JOBS_KMSG=/dev/null
	! by_jobs || return 1
	grep -q "^jobs: the kernel log ends before 'vmali guest: " "$SCRATCH/jobs.log"
}

# What is left when the guest dies in the middle: the subtest is incomplete, those behind it did not run.
cut() {
	need_kernel_log
	select_subtests pass hang skip
	JOBS_ROOT=$SCRATCH/root JOBS_RESULTS=$JOBS PATH=$SCRATCH/bin setsid \
		"$SCRATCH/bin/busybox" sh "$REPO/lab/guest/jobs" >"$SCRATCH/jobs.log" 2>&1 &
	wait_for grep -s -q 'Starting subtest: hang' "$JOBS/1/out.txt"
	kill -s KILL -- "-$!"
	igt_results "$JOBS" >"$SCRATCH/results.log" 2>&1
	jq -r '.tests | to_entries[] | "\(.key): \(.value.result)"' "$JOBS/results.json" \
		>"$SCRATCH/verdicts"
	printf '%s\n' 'igt@panthor/demo@pass: pass' 'igt@panthor/demo@hang: incomplete' \
		'igt@panthor/demo@skip: notrun' | diff -u - "$SCRATCH/verdicts"
}

check 'the program, and a folder of busybox' build
[ "$checks_failed" -eq 0 ] || checks_done
check 'verdicts and words as those of igt_runner' all_alike
check 'files as those of igt_runner' files_alike
check 'each subtest has its part of the kernel log' kernel_log_parts
check 'a kernel warning' kernel_warning
check 'a kernel log that says nothing' no_kernel_log
check 'a run that is cut' cut

checks_done
