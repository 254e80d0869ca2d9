# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh disable=SC2016,SC2154,SC2034
#
# ./run --bench, inside the session: boots the driver without its patches and with them in turn,
# runs benchmarks/panthor_sparse_bind on each, and sets the results side by side. Each boot has a
# results folder of its own, bench/stock-1, bench/patched-1 and so on.

# The guest's memory: stock needs 2 GiB to bind 1 TiB, and the benchmark uses at most half of the free
# memory. The host must have some more.
BENCH_MEMORY_GIB=6 BENCH_HOST_GIB=8

# Deadline of one boot's benchmark, in seconds.
BENCH_SECONDS=1800

# Prints the benchmark's arguments.
bench_arguments() {
	case $BENCH in
	short) echo --short --repeat 2 --budget 10 ;;
	*) echo --repeat 8 --budget 30 ;;
	esac
}

# Selects no test, for lab/guest.sh.
bench_no_tests() {
	for bench_list in tests selected named planned; do
		: >"$WORK/$bench_list.txt"
	done
}

# Called by guest_ensure() for the folder of the board's files.
bench_guest() {
	cp "$REPO/lab/guest/bench" "$1/suite"
	cp "$BUILD_DIR/benchmarks/panthor_sparse_bind" "$1/igt/"
	bench_arguments >"$1/igt/arguments"
}

# Builds both drivers. What is in $KERNEL_SOURCE may change with the patches, so stock comes first.
bench_build() {
	bench_patches=$PATCHES bench_without=${WITHOUT:-}
	STOCK=1 PATCHES='' WITHOUT=''
	session_build
	BENCH_STOCK_KERNEL=$KERNEL_DIR BENCH_STOCK_MODULE=$MODULE_DIR
	STOCK=0 PATCHES=$bench_patches WITHOUT=$bench_without KERNEL_SOURCE_ID=''
	stage 'patched kernel' kernel_ensure
	stage 'patched module' module_ensure
	BENCH_PATCHED_KERNEL=$KERNEL_DIR BENCH_PATCHED_MODULE=$MODULE_DIR
}

# The page tables must have a slab cache of their own to be counted.
bench_set_up() {
	deadline_suite=$BENCH_SECONDS
	deadlines_set
	VMALI_APPEND="slab_nomerge ${VMALI_APPEND:-}"
	bench_free=$(awk '$1 == "MemAvailable:" { print int($2 / 1048576) }' /proc/meminfo)
	if [ "$bench_free" -ge "$BENCH_HOST_GIB" ]; then
		GUEST_MEMORY=${BENCH_MEMORY_GIB}G
	else
		say "only $bench_free GiB of memory are free: large ranges will not be tried"
	fi
	bench_no_tests
	guest_ensure bench
	accel_probe
	results_metadata
}

# Replaces the function of lab/results.sh: no subtest can be the reason of a report.
bench_kernel_reports() {
	cp "$WORK/splats" "$RESULTS_DIR/reports.txt"
	[ -s "$WORK/splats" ] || return 0
	run_failed 1 "the kernel log has reports (bench/${RESULTS_DIR##*/}/kernel.log):"
	head -n 4 "$WORK/splats" | sed 's/^/    /' >&2
}

# Prints the benchmark's exit status, or nothing if it did not end.
bench_program_status() {
	cat "$RESULTS_DIR/guest/bench.status" 2>/dev/null || :
}

bench_program_verdict() {
	bench_status=$(bench_program_status)
	if [ "${bench_status:-0}" != 0 ]; then
		run_failed 1 "the benchmark failed with status $bench_status:"
		tail -n 5 "$RESULTS_DIR/guest/runner.log" | sed 's/^/    /' >&2
	elif [ -z "$bench_status" ] && ! board_failed; then
		run_failed 5 'the benchmark did not end'
	fi
}

# Boots the board once; its results in $RESULTS_DIR/bench/$1. Runs in a subshell: what a boot
# leaves in variables and in $WORK is its own. Ends with the boot's status.
bench_boot() {
	WORK=$WORK/$1 RESULTS_DIR=$RESULTS_DIR/bench/$1 STATUSES='' OUTCOME=''
	mkdir -p "$WORK" "$RESULTS_DIR/guest"
	bench_no_tests
	guest_ensure bench
	# shellcheck disable=SC2317,SC2329 # lab/boot.sh calls it
	results_kernel_reports() {
		bench_kernel_reports
	}
	board_boot
	[ "$OUTCOME" != ended ] || bench_program_verdict
	[ ! -f "$RESULTS_DIR/guest/bench.json" ] ||
		cp "$RESULTS_DIR/guest/bench.json" "$RESULTS_DIR/bench.json"
	exit "$(status_final)"
}

# bench_round N: one boot of each. In the background, since `wait` can be interrupted. What the
# stock driver's log has is known, and shown; it is no failure of this run.
bench_round() {
	for bench_driver in stock patched; do
		case $bench_driver in
		stock) KERNEL_DIR=$BENCH_STOCK_KERNEL MODULE_DIR=$BENCH_STOCK_MODULE ;;
		*) KERNEL_DIR=$BENCH_PATCHED_KERNEL MODULE_DIR=$BENCH_PATCHED_MODULE ;;
		esac
		say "booting the board ($ACCEL): $bench_driver, round $1 of $BENCH_ROUNDS"
		status=0
		bench_boot "$bench_driver-$1" &
		wait $! || status=$?
		[ "$bench_driver-$status" = stock-1 ] || status_add "$status"
	done
}

session_bench() {
	BENCH_ROUNDS=2
	[ "$BENCH" = full ] || BENCH_ROUNDS=1
	bench_build
	bench_set_up
	clock_now
	bench_start=$NOW
	for bench_n in 1 2; do
		[ "$bench_n" -gt "$BENCH_ROUNDS" ] || bench_round "$bench_n"
	done
	clock_now
	stage_note benchmark "$((NOW - bench_start))"
	set -- --patches "$(kernel_patches | grep -c .)" --statuses "$WORK/statuses"
	[ "$QUIET" = 0 ] || set -- "$@" --quiet
	results_python bench "$RESULTS_DIR" "$@" \
		--times "$STAGE_TIMES; results in $RESULTS_DIR"
	read -r bench_statuses <"$WORK/statuses"
	for status in $bench_statuses; do
		status_add "$status"
	done
	results_page
}
