#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck disable=SC2034,SC2329 # used by the libraries, and by name
#
# The inside of ./run: the first process of its own process and mount namespaces, in the
# toolbox's root. The options come as the environment variables that options.sh names, with REPO,
# CACHE_DIR and TOOLBOX_ID of lab/toolbox.sh; STAGE_TIMES holds the times of the stages before.
# When this process ends, for whatever reason, the kernel ends all that it started.

# shellcheck disable=SC2317 # the traps and "session_$ACTION" call the functions
set -eu

for part in common options toolbox kernel build guest kunit boot fail-fast results bench mutants coverage; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done

# The first process of a namespace takes no signal that it has not asked for.
trap 'session_end 143' TERM
trap 'session_end 130' INT
trap 'session_end 129' HUP

session_end() {
	trap '' TERM INT HUP
	exit "$1"
}

# Without a toolbox, /tmp is the host's.
trap 'rm -rf "${WORK:-}"' EXIT

build_stages() {
	[ "$BOARD_ARCH" = x86-64 ] || stage tools arch_tools_ensure
	stage kernel arch_kernel_ensure
	stage module module_ensure
	stage build build_ensure
	KERNEL_RELEASE=$(cat "$KERNEL_DIR/release")
}

session_build() {
	build_stages
	[ "$QUIET" = 1 ] || echo "$STAGE_TIMES"
}

session_list() {
	if [ -z "$TESTS" ]; then
		arch_tools_ensure
		arch_kernel_ensure
		build_ensure
	fi
	tests_select
	sed "s/^igt@//; $([ "$(wc -l <"$WORK/tests.txt")" -gt 1 ] || echo 's/^[^@]*@//')" \
		"$WORK/selected.txt"
	[ -s "$WORK/selected.txt" ] || die 3 'no subtest is selected'
}

session_shell() {
	build_stages
	tests_wanted >"$WORK/tests.txt"
	: >"$WORK/planned.txt"
	guest_ensure shell
	arch_accel
	results_metadata
	board_shell
}

session_select() {
	tests_select
	[ -s "$WORK/selected.txt" ] || die 3 'no subtest is selected'
	results_planned >"$WORK/planned.txt"
	[ -s "$WORK/planned.txt" ] ||
		die 3 "$(expectations_name)-skips.txt leaves out all that is selected:" \
			'name a subtest in full, or give --no-skips'
}

session_run() {
	build_stages
	if [ "$KUNIT" = 1 ]; then
		mode=kunit collect=kunit_collect
		: >"$WORK/named.txt"
	else
		mode=suite collect=results_collect
		session_select
	fi
	guest_ensure "$mode"
	arch_accel
	results_metadata
	say "booting the board ($ACCEL)"
	[ "$KUNIT" = 1 ] || results_live_begin
	board_boot
	results_live_end
	[ -z "$BOARD_AT" ] || stage_note boot "$((BOARD_AT - BOOT_AT))"
	[ -z "$BOARD_AT" ] || [ -z "$SUITE_AT" ] || stage_note suite "$((SUITE_AT - BOARD_AT))"
	results_judge "$collect"
	results_leaks
	results_kmemleak
	[ "$QUIET" = 1 ] || {
		results_board
		echo "$STAGE_TIMES; results in $RESULTS_DIR"
	}
	coverage_report
	results_summary
	results_page
}

umask 022
WORK=$(mktemp -d /tmp/vmali.XXXXXX)
deadlines_set
"session_$ACTION"
exit "$(status_final)"
