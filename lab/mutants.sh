# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh disable=SC2034,SC2154
#
# ./run --mutants, inside the session: builds each mutant while the board runs the one before, and
# starts its subtests with --fail-fast. lab/mutants, in Python, draws the mutants, orders the subtests
# and judges the runs. $RESULTS_DIR/mutants holds all that a run needs to go on after it was cut; see
# lab/mutants/__main__.py. Beside that it has a folder for each mutant, with the verdicts of its
# subtests and its kernel log.

mutants_python() {
	PYTHONPATH=$REPO/lab python3 -B -m mutants --out "$RESULTS_DIR/mutants" "$@"
}

# Writes the driver's sources, with all patches, to the tree $1.
mutants_sources() {
	mkdir -p "$1/$PANTHOR"
	cp "$KERNEL_SOURCE/$PANTHOR"/* "$1/$PANTHOR/" &&
		kernel_patches_apply "$1" "$1" driver
}

# The patch whose lines are mutated is applied, unless the series has it.
mutants_patches() {
	[ -n "$MUTANTS_OF" ] || return 0
	! kernel_patches | grep -q -x -F -e "$MUTANTS_OF" || return 0
	list_add PATCHES "$MUTANTS_OF"
}

mutants_draw() {
	mutants_sources "$WORK/driver" || exit
	mutants_seed='' mutants_stale=''
	case $MUTANTS in
	*:*) mutants_seed=${MUTANTS#*:} ;;
	esac
	[ -n "$PATCHES" ] || [ "$STOCK" = 1 ] || mutants_stale=--stale
	mutants_python draw --tree "$WORK/driver" --functions "$REPO/kernel/mutants/functions" \
		--equivalents "$REPO/kernel/mutants/equivalent" --count "${MUTANTS%%:*}" \
		--seed "$mutants_seed" --patch "$MUTANTS_OF" --globs "$GLOBS" \
		--results "$RESULTS_DIR" $mutants_stale || exit
}

# mutants_code MODULE: prints a digest of the module's code and data, without what tells builds apart.
mutants_code() {
	objcopy --strip-debug --remove-section=.note.gnu.build-id --remove-section=.comment \
		"$1/panthor.ko" "$WORK/code.ko" && key_of <"$WORK/code.ko"
}

# mutants_compile NAME: builds the mutant, and writes the path of its modules to $WORK/NAME.module.
# What does not build ends this shell with status 4.
mutants_compile() {
	QUIET=1
	list_add PATCHES "$RESULTS_DIR/mutants/$1.patch"
	module_ensure
	printf '%s\n' "$MODULE_DIR" >"$WORK/$1.module"
}

# Starts mutants_compile in the background, with low priority: the board has a mutant meanwhile.
mutants_ahead() {
	MUTANTS_AHEAD=''
	[ -n "$1" ] || return 0
	(
		KERNEL_NICE='nice -n 19'
		mutants_compile "$1"
	) >"$WORK/$1.log" 2>&1 </dev/null &
	MUTANTS_AHEAD=$!
}

# mutants_boot NAME: boots the driver in MODULE_DIR and runs $WORK/planned.txt, with the results in the
# folder NAME. Ends with the run's status. Runs in a subshell.
mutants_boot() {
	mutants_lists=$WORK WORK=$WORK/boot RESULTS_DIR=$RESULTS_DIR/mutants/$1 STATUSES='' OUTCOME=''
	rm -rf "$WORK" "$RESULTS_DIR"
	mkdir -p "$WORK" "$RESULTS_DIR/guest"
	for mutants_file in planned.txt limits.txt tests.txt; do
		[ ! -f "$mutants_lists/$mutants_file" ] ||
			cp "$mutants_lists/$mutants_file" "$WORK/"
	done
	cp "$WORK/planned.txt" "$WORK/selected.txt"
	cp "$WORK/planned.txt" "$WORK/named.txt"
	guest_ensure suite
	board_boot
	for mutants_file in hangs oops; do
		[ ! -f "$WORK/$mutants_file" ] || cp "$WORK/$mutants_file" "$RESULTS_DIR/"
	done
	cp "$WORK/splats" "$RESULTS_DIR/"
	results_judge results_collect
	results_leaks
	results_kmemleak
	for mutants_file in igt results.json junit.xml guest/kmsg console.log qemu.log; do
		rm -rf "${RESULTS_DIR:?}/$mutants_file"
	done
	exit "$(status_final)"
}

# mutants_board NAME: boots in a subshell, and sets BOARD_STATUS and BOARD_SECONDS. In the background,
# since `wait` can be interrupted.
mutants_board() {
	clock_now
	mutants_since=$NOW BOARD_STATUS=0
	(mutants_boot "$1") >"$WORK/board.log" 2>&1 &
	wait $! || BOARD_STATUS=$?
	clock_now
	mutants_tenths=$(((NOW - mutants_since + 5) / 10))
	BOARD_SECONDS=$((mutants_tenths / 10)).$((mutants_tenths % 10))
}

# The subtests on the driver without mutation, or those of the run that is continued.
mutants_baseline() {
	if [ ! -s "$RESULTS_DIR/mutants/baseline.json" ]; then
		say "booting the board ($ACCEL), without mutation"
		mutants_fail_fast=$FAIL_FAST
		FAIL_FAST=0
		rm -f "$WORK/limits.txt"
		mutants_board baseline
		FAIL_FAST=$mutants_fail_fast
		case $BOARD_STATUS in
		0 | 1 | 7) ;;
		*)
			cat "$WORK/board.log" >&2
			exit "$BOARD_STATUS"
			;;
		esac
		mv "$RESULTS_DIR/mutants/baseline/verdicts.json" "$RESULTS_DIR/mutants/baseline.json"
	fi
	mutants_python usable || exit
	deadline_suite=$(mutants_python deadline) || exit
}

# mutant_judge NAME [--doubt]: boots the mutant and notes the verdict. With --doubt it is false if the
# board missed a deadline that a busy machine makes it miss. A subtest that fails twice decides.
mutant_judge() {
	mutants_board "$1"
	mv "$WORK/board.log" "$RESULTS_DIR/mutants/$1/board.log"
	mutant_status=0
	mutants_python judge "$@" --run "$RESULTS_DIR/mutants/$1" --code "$mutant_code" \
		--status "$BOARD_STATUS" --seconds "$BOARD_SECONDS" || mutant_status=$?
	case $mutant_status in
	0) ;;
	4) return 1 ;;
	*) exit 5 ;;
	esac
}

# mutant NAME: judges a mutant that was built ahead.
mutant() {
	if [ ! -s "$WORK/$1.module" ]; then
		[ "$MUTANTS_BUILT" = 4 ] || {
			cat "$WORK/$1.log" >&2
			die 5 "the mutant $1 could not be built, with status $MUTANTS_BUILT"
		}
		mv "$WORK/$1.log" "$RESULTS_DIR/mutants/$1.log"
		mutants_python unbuilt "$1"
		return
	fi
	read -r MODULE_DIR <"$WORK/$1.module"
	mutant_code=$(mutants_code "$MODULE_DIR")
	mutant_same=0
	mutants_python code "$1" --base "$MUTANTS_BASE" --code "$mutant_code" || mutant_same=$?
	case $mutant_same in
	0) ;;
	3)
		mutants_python order "$1" --basic "$REPO/tests/panthor/panthor_vm_sparse.bat.testlist" \
			--planned "$WORK/planned.txt" --limits "$WORK/limits.txt" || exit
		mutant_judge "$1" --doubt || mutant_judge "$1"
		;;
	*) exit 5 ;;
	esac
	cache_remove "$MODULE_DIR"
}

# All mutants that have no verdict yet.
mutants_loop() {
	[ "$QUIET" = 0 ] || exec >/dev/null
	# shellcheck disable=SC2046 # names
	set -- $(mutants_python left)
	mutants_ahead "${1:-}"
	while [ $# -gt 0 ]; do
		MUTANTS_BUILT=0
		wait "$MUTANTS_AHEAD" || MUTANTS_BUILT=$?
		mutants_ahead "${2:-}"
		mutant "$1"
		shift
	done
}

mutants_report() {
	mutants_python report --json "$RESULTS_DIR/mutants.json" >"$RESULTS_DIR/mutants.txt" || {
		[ $? = 8 ] || exit 5
		status_add 8
	}
	cat "$RESULTS_DIR/mutants.txt"
}

session_mutants() {
	mutants_patches
	build_stages
	session_select
	accel_probe
	results_metadata
	mkdir -p "$RESULTS_DIR/mutants"
	FAIL_FAST=1
	mutants_draw
	MUTANTS_BASE=$(mutants_code "$MODULE_DIR")
	stage baseline mutants_baseline
	exec 4>&1
	stage mutants mutants_loop
	exec >&4 4>&-
	[ "$QUIET" = 1 ] || echo "$STAGE_TIMES; results in $RESULTS_DIR"
	mutants_report
}
