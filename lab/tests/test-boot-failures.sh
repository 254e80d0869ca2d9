#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# ./run on the real board, when things go wrong: the model or QEMU is killed or stopped, the guest
# panics or hangs, the run is interrupted. Each must end in seconds with its exit status and one
# clear line, and leave no process and no mount; the next run must work. Uses IGT's own
# panthor tests, and the caller's cache.
# shellcheck disable=SC2317,SC2329 # check() calls the functions

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
export XDG_CACHE_HOME="$CACHE_OF_USER"

RESULTS=$SCRATCH/results

# ---------------------------------------------------------------------------------------------
# A run in the background, and its processes

# run_start ARG…: starts ./run, with the signals of a terminal's foreground.
run_start() {
	rm -rf "$RESULTS"
	env --default-signal=INT,TERM,HUP QUIET=0 "$REPO/run" --results "$RESULTS" "$@" \
		>"$SCRATCH/stdout" 2>"$SCRATCH/stderr" &
	RUN=$!
}

# Prints all processes below process $1.
descendants() {
	cat "/proc/$1"/task/*/children 2>/dev/null | tr ' ' '\n' | while read -r child; do
		[ -z "$child" ] || {
			echo "$child"
			descendants "$child"
		}
	done
}

# Prints the process below the run whose name begins with $1.
run_process() {
	for process in $(descendants "$RUN"); do
		read -r name <"/proc/$process/comm" 2>/dev/null || continue
		case $name in
		"$1"*)
			echo "$process"
			return
			;;
		esac
	done
	return 1
}

# True if the guest has reached stage $1.
in_stage() {
	grep -q "^$1" "$RESULTS/guest/stage" 2>/dev/null
}

# Waits, 40 s at most, for a condition on the run.
run_until() {
	until_n=0
	until "$@"; do
		until_n=$((until_n + 1))
		if [ "$until_n" -ge 400 ] || gone "$RUN"; then
			echo "the run never came to: $*"
			cat "$SCRATCH/stderr"
			return 1
		fi
		sleep 0.1
	done
}

# run_signal SIGNAL NAME: signals a process of the run.
run_signal() {
	kill -s "$1" "$(run_process "$2")"
}

# run_ends STATUS SECONDS [LINE]: the run ends within SECONDS from now with STATUS; its only line
# that begins with `run: ` matches the pattern LINE; nothing of it is left.
run_ends() {
	ends_processes=$(descendants "$RUN")
	ends_tenths=0
	until gone "$RUN" || [ "$ends_tenths" -gt "$(($2 * 10))" ]; do
		ends_tenths=$((ends_tenths + 1))
		sleep 0.1
	done
	cat "$SCRATCH/stderr" "$SCRATCH/stdout"
	gone "$RUN" || {
		echo "has not ended after $2 s"
		kill -s KILL "$RUN"
		return 1
	}
	ends_status=0
	wait "$RUN" || ends_status=$?
	same "status $1" "status $ends_status"
	says "${3:-}"
	leaves_nothing
}

says() {
	says_lines=$(grep '^run: ' "$SCRATCH/stderr") || :
	# shellcheck disable=SC2254 # it is a pattern
	case $says_lines in
	*"
"*)
		echo 'more than one line of what went wrong'
		return 1
		;;
	$1) ;;
	*)
		echo "wanted a line like: $1"
		return 1
		;;
	esac
}

leaves_nothing() {
	for left_process in $ends_processes; do
		wait_for gone "$left_process"
	done
	! grep -e "$SCRATCH" -e "$CACHE_OF_USER/vmali" /proc/self/mounts
}

# ---------------------------------------------------------------------------------------------
# Deaths

model_killed() {
	VMALI_APPEND=vmali.test=board:hang run_start --test panthor_query
	run_until in_stage board
	run_signal KILL vmali
	run_ends 5 3 'run: the model died: killed by signal 9'
}

qemu_killed() {
	VMALI_APPEND=vmali.test=board:hang run_start --test panthor_query
	run_until in_stage board
	run_signal KILL qemu
	run_ends 5 3 'run: QEMU died: killed by signal 9'
}

# What had run until then keeps its verdict.
qemu_killed_in_suite() {
	run_start --test panthor_vm
	run_until test -d "$RESULTS/igt/4"
	run_signal KILL qemu
	run_ends 5 4 'run: QEMU died: killed by signal 9'
	grep -q -E '(^| )vm_create_destroy +Pass ' "$SCRATCH/stdout"
	grep -q '^vm_bind_intersect_kbo_range  *Missing ' "$SCRATCH/stdout"
}

guest_panics() {
	VMALI_APPEND=vmali.test=$1:panic run_start --test panthor_query
	run_ends 5 40 "run: the guest died in stage '$1': Kernel panic - not syncing: sysrq*"
}

no_init() {
	VMALI_APPEND=rdinit=/nothing run_start --test panthor_query
	run_ends 5 40 "run: the guest died in stage 'boot': Kernel panic - not syncing: *"
}

# A suite that did not start has no time.
no_module() {
	run_start --param transparent_hugepage=junk --test panthor_query
	run_ends 5 40 'run: the board did not come up: module panthor does not load'
	grep 'build [0-9]' "$SCRATCH/stdout"
	fails grep 'suite [0-9]' "$SCRATCH/stdout"
}

# A run has seconds to come to a stage, and a build takes longer.
"$REPO/run" --build >/dev/null 2>&1

check 'the model is killed' model_killed
check 'QEMU is killed' qemu_killed
check 'QEMU is killed in the middle of the suite' qemu_killed_in_suite
check 'the guest panics before the board is up' guest_panics kernel
check 'the guest panics in the suite' guest_panics board
check 'the guest panics without a first process' no_init
check 'the driver does not load' no_module

# ---------------------------------------------------------------------------------------------
# Deadlines

# hangs STAGE NAME: the guest hangs when it reaches STAGE; the deadline NAME ends the run.
hangs() {
	VMALI_APPEND=vmali.test=$1:hang VMALI_DEADLINES=$2=3 run_start --test panthor_query
	run_until in_stage "$1"
	run_ends 6 8 "run: the deadline '$2' (3 s) passed"
}

# A process that is stopped neither runs nor dies; the end must not wait for it.
stopped() {
	VMALI_APPEND=vmali.test=board:hang VMALI_DEADLINES=suite=3 run_start --test panthor_query
	run_until in_stage board
	run_signal STOP "$1"
	run_ends 6 12 "run: the deadline 'suite' (3 s) passed"
}

kernel_not_up() {
	VMALI_DEADLINES=kernel=2 run_start --test panthor_query
	run_until test -e "$RESULTS/console.log"
	run_signal STOP qemu
	run_ends 6 6 "run: the deadline 'kernel' (2 s) passed"
}

bad_deadline() {
	VMALI_DEADLINES=$1 run_start --test panthor_query
	run_ends 2 10 "run: VMALI_DEADLINES: $1: *"
}

check 'the kernel does not come up' kernel_not_up
check 'the board does not come up' hangs kernel board
check 'the suite does not end' hangs board suite
check 'the guest does not power off' hangs off poweroff
check 'QEMU is stopped' stopped qemu
check 'the model is stopped' stopped vmali
check 'no such deadline' bad_deadline lunch=3
check 'a deadline that is no number' bad_deadline suite=soon

# ---------------------------------------------------------------------------------------------
# Interruptions

interrupted() {
	VMALI_APPEND=vmali.test=board:hang run_start --test panthor_query
	run_until in_stage board
	kill -s "$1" "$RUN"
	run_ends "$2" 2 "$3"
}

interrupted_early() {
	run_start --test panthor_query
	run_until run_process sh
	kill -s INT "$RUN"
	run_ends 130 2 'run: interrupted'
}

check 'Ctrl-C' interrupted INT 130 'run: interrupted'
check 'Ctrl-C before the boot' interrupted_early
check 'terminated' interrupted TERM 143 'run: interrupted'
check 'its terminal goes away' interrupted HUP 129 'run: interrupted'
check 'killed' interrupted KILL 137 ''

# ---------------------------------------------------------------------------------------------
# Errors of the caller, and of the kernel

refused() {
	refused_line=$1
	shift
	run_start "$@"
	run_ends 2 30 "run: $refused_line"
}

nothing_selected() {
	run_start --test panthor_query no-such-subtest
	run_ends 3 30 'run: no subtest is selected'
}

kernel_warns() {
	VMALI_APPEND=vmali.test=board:warn run_start --test panthor_query
	run_ends 1 40 'run: the kernel log has reports outside of any subtest*'
	grep -q 'WARNING: asked for' "$SCRATCH/stderr"
	grep -q -E '(^| )query +Pass ' "$SCRATCH/stdout"
}

leaks() {
	VMALI_APPEND=vmali.test=board:leak run_start --test panthor_query
	run_ends 1 40 'run: left in the driver after the last subtest: * BOs'
}

check 'a test that is not installed' refused '--test panthor_nothing: no such IGT test*' \
	--test panthor_nothing
check 'a parameter that panthor lacks' refused '--param no_such=1: panthor has no such*' \
	--test panthor_query --param no_such=1
check 'patterns that select nothing' nothing_selected
check 'the kernel warns outside of the subtests' kernel_warns
check 'something stays behind in the driver' leaks

# ---------------------------------------------------------------------------------------------
# After all that

works() {
	run_start --test panthor_query
	run_ends 0 60 ''
	grep -q '^1 passed, 0 failed, 0 skipped$' "$SCRATCH/stdout"
}

two_at_once() {
	"$REPO/run" --quiet --results "$SCRATCH/other" --test panthor_query \
		>"$SCRATCH/other.out" 2>&1 &
	other=$!
	works
	wait "$other"
}

check 'the next run works' works
check 'two runs at once' two_at_once

checks_done
