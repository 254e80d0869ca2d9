#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# lib/igt/standalone against libigt: two programs, lib/igt/standalone/tests/demo.c and plain.c, are linked
# with each of them. Started directly and by igt_runner, both forms must end with the same status and
# print the same lines, but for what standalone.sed takes away. Runs itself in the toolbox, which has
# libigt.

# shellcheck disable=SC2317,SC2329 # check() calls the functions

set -eu

REPO=$(readlink -f -- "$(dirname -- "$0")/../..")

# shellcheck source=lab/tests/inside.sh
. "$REPO/lab/tests/inside.sh"
[ "${1:-}" = inside ] || become_inside test-standalone.sh

# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"

STANDALONE=$REPO/lib/igt/standalone
IMPLEMENTATIONS='libigt standalone'
unset IGT_LOG_LEVEL IGT_DEVICE IGT_SRANDOM IGT_SENTINEL_ON_STDERR DEMO

# Programs that crash on purpose need no core file.
# shellcheck disable=SC3045 # dash has it
ulimit -c 0

# build NAME WORD...: the programs, as $SCRATCH/NAME/demo and plain.
build() {
	mkdir -p "$SCRATCH/$1"
	build_into=$SCRATCH/$1
	shift
	for program in demo plain; do
		gcc -std=gnu11 -O1 -g -Wall -Wextra -Werror -Wno-clobbered -D_GNU_SOURCE \
			-I/usr/include/drm -I"$REPO/lib/igt" "$STANDALONE/tests/$program.c" "$@" \
			-o "$build_into/$program"
	done
}

build_both() {
	build libigt -ligt
	build standalone "$STANDALONE"/*.c
}

# Both have the list from the program, so that no subtest is left out here.
subtests() {
	"$SCRATCH/standalone/demo" --list-subtests
}

# started IMPLEMENTATION ARG...: prints the exit status and what the program prints, streams apart.
started() {
	started_status=0 started_in=$SCRATCH/$1
	shift
	(
		cd "$started_in"
		exec timeout -k 5 "${SECONDS_MOST:-20}" "./${PROGRAM:-demo}" "$@"
	) >"$started_in/out" 2>"$started_in/err" || started_status=$?
	echo "status $started_status"
	sed -f "$REPO/lab/tests/standalone.sed" "$started_in/out" | sed 's/^/out: /'
	sed -f "$REPO/lab/tests/standalone.sed" "$started_in/err" | sed 's/^/err: /'
}

# alike ARG...: both print the same.
alike() {
	for implementation in $IMPLEMENTATIONS; do
		started "$implementation" "$@" >"$SCRATCH/$implementation.printed"
	done
	diff -u "$SCRATCH/libigt.printed" "$SCRATCH/standalone.printed"
}

# with NAME=VALUE ARG...: alike, in this environment.
with() (
	export "${1?}"
	shift
	alike "$@"
)

# plain_alike ARG...: both forms of the program without subtests.
plain_alike() (
	PROGRAM=plain
	alike "$@"
)

# What libigt 2.5 does here is not to be imitated: a child that crashes goes on with the subtests that
# follow, beside its parent; a test that is to end by a signal waits for its children for ever.
is_apart() {
	case $1 in
	fork-crash | fork-hang | hang) return 0 ;;
	*) return 1 ;;
	esac
}

crash_of_child() {
	started standalone --run-subtest fork-crash >"$SCRATCH/printed"
	cat "$SCRATCH/printed"
	same 'status 139' "$(head -n 1 "$SCRATCH/printed")"
	grep -q -x 'out: CHILD 0 SIGNAL 11' "$SCRATCH/printed"
	grep -q -x 'out: Subtest fork-crash: FAIL (T)' "$SCRATCH/printed"
	same 1 "$(grep -c 'last fixture' "$SCRATCH/printed")"
}

# A signal from outside, in a subtest that hangs.
terminated() {
	for implementation in $IMPLEMENTATIONS; do
		SECONDS_MOST=1 started "$implementation" --run-subtest hang >"$SCRATCH/printed"
		cat "$SCRATCH/printed"
		same 'status 124' "$(head -n 1 "$SCRATCH/printed")"
		grep -q -x 'out: second handler: signal 15' "$SCRATCH/printed"
		grep -q -x 'out: first handler: signal 15' "$SCRATCH/printed"
		fails grep -q 'Subtest hang' "$SCRATCH/printed"
	done
}

# Children do not outlive a test that is killed.
killed() {
	started_in=$SCRATCH/standalone
	"$started_in/demo" --run-subtest fork-hang >"$SCRATCH/printed" 2>&1 &
	killed_test=$!
	wait_for grep -q '^child of' "$SCRATCH/printed"
	killed_child=$(sed -n 's/^child of .*: //p' "$SCRATCH/printed")
	kill -s KILL "$killed_test"
	wait_for gone "$killed_child"
}

# The options of the standalone form are options of libigt's.
options_known() {
	for implementation in $IMPLEMENTATIONS; do
		"$SCRATCH/$implementation/demo" --help | grep -o -e '^  --[a-z-]*' | sort \
			>"$SCRATCH/$implementation.options"
	done
	same '' "$(comm -13 "$SCRATCH/libigt.options" "$SCRATCH/standalone.options")"
	[ "$(wc -l <"$SCRATCH/standalone.options")" -ge 10 ]
}

device_refused() {
	started standalone --device pci:vendor=1 --run-subtest pass >"$SCRATCH/printed"
	cat "$SCRATCH/printed"
	same 'status 79' "$(head -n 1 "$SCRATCH/printed")"
	grep -q 'err: pci:vendor=1: not of the form' "$SCRATCH/printed"
}

# Everything that a process writes to the kernel log: by it, igt_results gives each subtest its part.
records() {
	strace -f -qq -s 300 -e trace=write -o "$SCRATCH/strace" "$SCRATCH/$1/demo" \
		--run-subtest "$2" >/dev/null 2>&1 || :
	sed -n 's/.*write([0-9]*, "<6>\[IGT\] \(.*\)\\n", .*/\1/p' "$SCRATCH/strace"
}

kernel_log() {
	[ -w /dev/kmsg ] || skip 'the kernel log is not writable here'
	strace -qq -e trace=write true 2>/dev/null || skip 'strace does not work here'
	for subtest in pass fail skip crash rows-mix regex signal-term no-such-subtest; do
		for implementation in $IMPLEMENTATIONS; do
			records "$implementation" "$subtest" >"$SCRATCH/$implementation.records"
		done
		grep -q executing "$SCRATCH/standalone.records"
		diff -u "$SCRATCH/libigt.records" "$SCRATCH/standalone.records"
	done
}

# ---------------------------------------------------------------------------------------------
# igt_runner

# root NAME: makes the program's folder a test root.
root() {
	printf 'TESTLIST\ndemo\nEND TESTLIST\n' >"$SCRATCH/$1/test-list.txt"
}

# runner NAME SUBTEST... -- ARG...: igt_runner with the subtests, a line of the list each. Prints what
# results.json says of each, without what standalone.sed takes away. The runner kills its process group
# when a process is left behind.
runner() {
	runner_in=$SCRATCH/$1
	shift
	: >"$runner_in/list"
	while [ "$1" != -- ]; do
		echo "igt@demo@$1" >>"$runner_in/list"
		shift
	done
	shift
	root "${runner_in##*/}"
	IGT_SRANDOM=1 setsid igt_runner --overwrite --prune-mode keep-all --per-test-timeout 4 "$@" \
		--test-list "$runner_in/list" "$runner_in" "$runner_in/results" \
		>"$runner_in/runner.log" 2>&1 || {
		cat "$runner_in/runner.log"
		return 1
	}
	jq -r '.tests | to_entries[] | "\(.key): \(.value.result)",
		((.value.out, .value.err) // "" | split("\n")[])' "$runner_in/results/results.json" |
		sed -f "$REPO/lab/tests/standalone.sed"
}

need_runner() {
	# igt_runner waits for ever for a kernel log that it cannot read.
	if [ ! -c /dev/kmsg ] || [ ! -r /dev/kmsg ] || [ ! -w /dev/kmsg ]; then
		skip 'igt_runner needs the kernel log, which is not readable and writable here'
	fi
}

# run_alike ARG...: by igt_runner, all subtests fare alike, and print the same. Only verdicts are compared
# with what the runner gets through its socket, which the standalone form does not use.
run_alike() {
	need_runner
	# shellcheck disable=SC2046,SC2086 # words
	set -- $(subtests | grep -v -e '^fork-crash$' -e '^fork-hang$' $LEFT_OUT) -- "$@"
	for implementation in $IMPLEMENTATIONS; do
		IGT_RUNNER_DISABLE_SOCKET_COMMUNICATION=1 runner "$implementation" "$@" \
			>"$SCRATCH/$implementation.printed"
	done
	grep -q '^igt@demo@pass: pass$' "$SCRATCH/standalone.printed"
	diff -u "$SCRATCH/libigt.printed" "$SCRATCH/standalone.printed"
}

verdicts() {
	sed -n 's/^\(igt@demo@[^ ]*: [a-z-]*\)$/\1/p' "$SCRATCH/$1.printed"
}

verdicts_alike() {
	need_runner
	# shellcheck disable=SC2046 # names
	set -- $(subtests | grep -v '^fork-hang$') --
	for implementation in $IMPLEMENTATIONS; do
		runner "$implementation" "$@" >"$SCRATCH/$implementation.printed"
		verdicts "$implementation" >"$SCRATCH/$implementation.verdicts"
	done
	for verdict in pass fail skip crash timeout warn; do
		grep -q ": $verdict\$" "$SCRATCH/standalone.verdicts"
	done
	diff -u "$SCRATCH/libigt.verdicts" "$SCRATCH/standalone.verdicts"
}

check 'the program links with libigt and without' build_both
[ "$checks_failed" -eq 0 ] || checks_done
for subtest in $(subtests); do
	is_apart "$subtest" || check "alike: $subtest" alike --run-subtest "$subtest"
done
check 'a child that crashes fails the subtest, and nothing else' crash_of_child
check 'children do not outlive a test that is killed' killed
check 'SIGTERM calls the exit handlers' terminated
check 'alike: --list-subtests' alike --list-subtests
check 'alike: --show-testlist' alike --show-testlist
check 'alike: --list-subtests with a pattern' alike --list-subtests --run-subtest 'skip*'
check 'alike: --describe' alike --describe
check 'alike: --describe with a pattern' alike --describe='rows-*'
check 'alike: --describe of nothing' alike --describe=nothing
check 'alike: --help-description' alike --help-description
check 'alike: --help' alike --help
check 'alike: --version' alike --version
check 'alike: an unknown option' alike --unknown
check 'alike: an option without its argument' alike --run-subtest
check 'alike: an option that is abbreviated' alike --run pass
check 'alike: an option of the test' alike --extra words --run-subtest pass
check 'alike: a short option of the test' alike -x words --run-subtest pass
check 'alike: an option that the test refuses' alike --no --run-subtest pass
check 'alike: an unknown subtest' alike --run-subtest nothing
check 'alike: several subtests' alike --run-subtest pass,skip,last
check 'alike: a pattern' alike --run-subtest 'skip*'
check 'alike: characters of a pattern' alike --run-subtest '[ls]?s[t]'
check 'alike: an exclusion' alike --run-subtest 'skip*,!skip-o*'
check 'alike: an inclusion after an exclusion' alike --run-subtest 'skip*,!skip-*,skip-on'
check 'alike: nothing but an exclusion' alike --run-subtest '!*'
check 'alike: ^ does not exclude' alike --run-subtest 'skip*,^skip-on'
check 'alike: the last --run-subtest counts' alike --run-subtest skip --run-subtest pass
check 'alike: failures of several subtests' alike --run-subtest 'fail*,pass,rows-mix'
check 'alike: --dynamic-subtest' alike --run-subtest rows-mix --dynamic-subtest 'one,f*'
check 'alike: --dynamic-subtest, an exclusion' alike --run-subtest rows-mix \
	--dynamic-subtest '*,!two'
check 'alike: --dynamic-subtest of nothing' alike --run-subtest rows-pass --dynamic-subtest nothing
check 'alike: --debug' alike --debug --run-subtest messages
check 'alike: --debug of a domain' alike --debug=other --run-subtest messages
check 'alike: --debug of no domain' alike --debug=nothing --run-subtest messages
for level in debug info warn none nonsense; do
	check "alike: IGT_LOG_LEVEL=$level" with "IGT_LOG_LEVEL=$level" --run-subtest messages
done
check 'alike: IGT_SENTINEL_ON_STDERR' with IGT_SENTINEL_ON_STDERR=1 --run-subtest rows-mix
check 'alike: a skip in a fixture' with DEMO=skip --run-subtest 'group*,after-groups'
check 'alike: a skip in a fixture, all skip' with DEMO=skip --run-subtest 'group-skip,group-in-*'
check 'alike: a failure in a fixture' with DEMO=fail --run-subtest 'group*,after-groups'
check 'alike: a failure in the last fixture' with DEMO=fail-last --run-subtest pass
check 'alike: a crash in a fixture' with DEMO=crash --run-subtest pass
check 'alike: a failure outside' with DEMO=misuse-fail --run-subtest last
check 'alike: a skip outside' with DEMO=misuse-skip --run-subtest last
check 'alike: a wrong name' with DEMO=misuse-name --run-subtest last
check 'alike: a wrong name in a list' with DEMO=misuse-name --list-subtests
check 'alike: igt_fork() outside' with DEMO=misuse-fork --run-subtest last
for how in pass exit skip fail term crash; do
	check "alike: a program without subtests: $how" plain_alike "$how"
done
check 'every option is one of libigt' options_known
check 'a device filter of another form is refused' device_refused
check 'alike: records of the kernel log' kernel_log
LEFT_OUT=''
check 'igt_runner: alike, a process for each subtest' run_alike
LEFT_OUT='-e ^signal -e ^exit -e ^hang -e ^raw -e ^helper-left -e ^misuse -e ^rows-fail-outside
	-e ^rows-nowhere -e ^thread-skip'
check 'igt_runner: alike, one process' run_alike --multiple-mode
check 'igt_runner: verdicts alike through the socket' verdicts_alike

checks_done
