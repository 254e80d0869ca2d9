# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh disable=SC2016,SC2154
#
# The results folder, the times of the stages, the verdicts and the exit status. A results folder
# holds
#
#   metadata.json  what ran: kernel, patches, parameters, versions
#   results.json   igt_runner's results            junit.xml  the same for a CI
#   verdicts.json  one verdict a subtest, with expectations applied (see report/verdicts.py)
#   kernel.log     the guest's kernel log          console.log  its serial console
#   vmali.log      the model                       qemu.log     QEMU
#   build.log      the last build of the model and the tests
#   results.html   all of it on a page (see report/page.py)
#   rules.jsonl    findings of the model's referee, a JSON object a line (see report/rules.py)
#   bench.json     the benchmarks, side by side      bench/      a folder like this for each boot
#   mutants.json   verdicts on mutants               mutants/    see lab/mutants/__main__.py
#   mutants.txt    the same for people
#   igt/           igt_runner's own folder         guest/       what the guest left
#   given/         copies of the patches and the test list that the run was given, for --replay
#   coverage.txt   with --coverage: lines that ran, by function; coverage.json with their numbers,
#                  coverage.info and coverage/ are lcov's
#   each/          with --each-patch: a folder like this for each run
#
# Verdicts come from JSON and exit statuses only. Text is quoted, never parsed for a verdict.

RESULT_FILES='metadata.json results.json junit.xml verdicts.json kernel.log console.log vmali.log
qemu.log build.log results.html rules.jsonl bench.json bench mutants.json mutants.txt igt guest given
each coverage.txt coverage.json coverage.info coverage'

# An upper bound of what a run writes there.
RESULTS_MIB=32

# Sets RESULTS_DIR to a new folder, unless one was named.
results_name() {
	[ -z "$RESULTS_DIR" ] || return 0
	mkdir -p "$REPO/build/results" 2>/dev/null || die 2 "build/results cannot be made"
	RESULTS_DIR=$REPO/build/results/$(date +%Y%m%d-%H%M%S)-$$
	ln -sfn "${RESULTS_DIR##*/}" "$REPO/build/results/latest"
}

# Ends this shell if a file that was given is in the folder that is about to be emptied.
results_spare() {
	printf '%s\n' "$PATCHES" "$TEST_LIST" "$EACH_PATCH" | while IFS= read -r results_file; do
		case $results_file in
		"$RESULTS_DIR"/*)
			die 2 "$results_file: in the results folder, which is emptied: copy it first"
			;;
		esac
	done || exit
}

# Copies what was given by files, the patches as NN-NAME in their order. A patch from standard input has
# no other place.
results_given() {
	mkdir "$RESULTS_DIR/given" || return
	[ -z "$TEST_LIST" ] || cp -- "$TEST_LIST" "$RESULTS_DIR/given/test-list" || return
	results_n=0 results_patches=$PATCHES PATCHES=''
	while IFS= read -r results_file; do
		[ -n "$results_file" ] || continue
		results_n=$((results_n + 1))
		results_copy=$RESULTS_DIR/given/$(printf '%02d' "$results_n")-${results_file##*/}
		cp -- "$results_file" "$results_copy" || return
		[ "$results_file" != "$PATCH_READ" ] || results_file=$results_copy
		list_add PATCHES "$results_file"
	done <<LIST
$results_patches
LIST
}

# On the host: makes the folder, or empties that of an earlier run, and sets RESULTS_DIR. What a run of
# mutants left stays, if this is to continue it.
results_begin() {
	results_name
	results_spare
	mkdir -p "$RESULTS_DIR" 2>/dev/null || die 2 "--results $RESULTS_DIR: cannot be made"
	# The mark of a results folder, also of one whose run does not get far, is metadata.json.
	# shellcheck disable=SC2086 # names without blanks
	{
		(cd "$RESULTS_DIR" && rm -rf $RESULT_FILES) &&
			{ [ "${ACTION:-run}" = mutants ] || rm -rf "$RESULTS_DIR/mutants"; } &&
			mkdir "$RESULTS_DIR/guest" && echo '{}' >"$RESULTS_DIR/metadata.json" &&
			results_given
	} 2>/dev/null ||
		die 2 "--results $RESULTS_DIR: not writable"
	[ "$(cache_free_mib "$RESULTS_DIR")" -ge "$RESULTS_MIB" ] ||
		die 2 "less than $RESULTS_MIB MiB are free for results in $RESULTS_DIR: free some"
}

# Sets NOW, hundredths of a second since the machine's boot.
clock_now() {
	read -r uptime _ </proc/uptime
	NOW=${uptime%.*}${uptime#*.}
}

# Runs $2... as the stage named $1 and notes its time.
stage() {
	title=$1
	shift
	clock_now
	stage_start=$NOW
	"$@"
	clock_now
	stage_note "$title" "$((NOW - stage_start))"
}

# Appends the stage $1 and its time $2, in hundredths of a second, to $STAGE_TIMES.
stage_note() {
	STAGE_TIMES="${STAGE_TIMES:+$STAGE_TIMES, }$1 $(($2 / 100)).$(($2 / 10 % 10)) s"
}

# $STATUSES collects the exit statuses that apply.
STATUSES=''

status_add() {
	STATUSES="$STATUSES $1"
}

# A failure of the run itself: one clear line, and its exit status.
run_failed() {
	status_add "$1"
	shift
	printf 'run: %s\n' "$*" >&2
}

# True if the board died or missed a deadline.
board_failed() {
	case $STATUSES in
	*[56]*) return 0 ;;
	esac
	return 1
}

# Prints the exit status of the run: of those that apply the first of 5, 6, 1, 7, 3, 8.
status_final() {
	for status in 5 6 1 7 3 8; do
		case "$STATUSES " in
		*" $status "*)
			echo "$status"
			return
			;;
		esac
	done
	echo 0
}

EXPECTATIONS=$REPO/lab/expectations

# Prints what the expectation files of this kernel begin with: its version, as 7.3, and for the
# driver without any of kernel/patches 7.3-stock. Where the kernel comes from does not matter.
expectations_name() {
	kernel=${KERNEL_RELEASE#*.}
	kernel=${KERNEL_RELEASE%%.*}.${kernel%%[!0-9]*}
	[ -n "$(kernel_series)" ] || kernel=$kernel-stock
	echo "$kernel"
}

# Prints for people which expectations hold.
expectations_shown() {
	for file in "$EXPECTATIONS/$(expectations_name)"-*.txt; do
		if [ -f "$file" ]; then
			echo "expectations $(expectations_name)"
			return
		fi
	done
	echo "no expectations for $(expectations_name)"
}

# lab/report, which judges: results_python COMMAND ARG…
results_python() {
	PYTHONPATH=$REPO/lab python3 -B -m report "$@"
}

# results_expect COMMAND ARG…: the same, with the expectations that hold.
results_expect() {
	results_command=$1
	shift
	[ "$NO_SKIPS" = 0 ] || set -- "$@" --no-skips
	for results_special in $(arch_expectations); do
		set -- "$@" "--special=$results_special"
	done
	results_python "$results_command" --expectations "$EXPECTATIONS" \
		--kernel "$(expectations_name)" "$@"
}

# Prints the subtests to start, out of $WORK/selected.txt.
results_planned() {
	results_expect planned --selected "$WORK/selected.txt" --named "$WORK/named.txt"
}

# Makes results.json from the files of igt_runner, which are incomplete if the guest died: the last
# record may be cut, and a results.json that the runner itself began is not used.
results_collect() {
	file=$RESULTS_DIR/igt/results.json
	rm -f "$file"
	if [ -s "$RESULTS_DIR/igt/joblist.txt" ]; then
		timeout 30 igt_results "$RESULTS_DIR/igt" >"$WORK/igt_results.log" 2>&1 ||
			board_failed || [ "${OUTCOME:-}" = failed ] ||
			run_failed 1 "igt_results failed: $(tail -n 1 "$WORK/igt_results.log")"
	fi
	results_python collected "$file" "$RESULTS_DIR/results.json"
}

# Makes a readable kernel.log, and $WORK/splats: its reports outside of any subtest.
results_kernel_log() {
	: >"$WORK/splats"
	[ -f "$RESULTS_DIR/guest/kmsg" ] || return 0
	results_python kernel-log "$RESULTS_DIR" --reports "$WORK/splats"
}

# Such reports fail a run, unless the board died, which is the reason that is shown, or was stopped in
# the middle of a subtest.
results_kernel_reports() {
	if [ -s "$WORK/splats" ] && ! board_failed && [ "${OUTCOME:-}" != failed ]; then
		run_failed 1 'the kernel log has reports outside of any subtest (kernel.log):'
		head -n 10 "$WORK/splats" | sed 's/^/    /' >&2
	fi
}

# Prints the option for the verdicts of a run that --fail-fast ended: it had no other failures than those
# of $WORK/unexpected.txt.
results_unrun() {
	case ${FAIL_FAST:-0}:${OUTCOME:-} in
	1:failed | 1:deadline) [ ! -s "$WORK/unexpected.txt" ] || echo "--ended-for=$WORK/unexpected.txt" ;;
	esac
}

# Shows verdicts while the suite runs, in the background. What was shown is in $WORK/shown.json.
results_live_begin() {
	mkdir -p "$WORK/live"
	set --
	[ "$QUIET" = 0 ] || set -- --quiet
	results_expect live "$@" "$RESULTS_DIR" --planned "$WORK/planned.txt" --work "$WORK/live" \
		--shown "$WORK/shown.json" --rules "$RULES" &
	LIVE=$!
}

# Waits until all is shown.
results_live_end() {
	[ -n "${LIVE:-}" ] || return 0
	: >"$WORK/live/stop"
	wait "$LIVE" || :
	LIVE=''
}

# Judges the subtests by what the guest left in $RESULTS_DIR and prints the table. $1 makes
# results.json.
results_judge() {
	"$1"
	set -- --selected "$WORK/selected.txt" --named "$WORK/named.txt"
	[ "$QUIET" = 0 ] || set -- "$@" --quiet
	[ ! -s "$WORK/shown.json" ] || set -- "$@" --shown "$WORK/shown.json"
	# shellcheck disable=SC2046 # one option or none, without blanks
	results_expect judge "$@" --results "$RESULTS_DIR/results.json" --out "$RESULTS_DIR" \
		--statuses "$WORK/statuses" --rules "$RULES" $(results_unrun)
	read -r results_statuses <"$WORK/statuses"
	for status in $results_statuses; do
		status_add "$status"
		[ "$status" != 6 ] ||
			run_failed 6 "the deadline 'subtest' ($deadline_subtest s) passed"
	done
}

# Leaks of the driver after the suite fail the run, unless the expectations have a line for them.
results_leaks() {
	[ -s "$RESULTS_DIR/guest/leaks" ] || return 0
	leaks=$(cat "$RESULTS_DIR/guest/leaks")
	leaks="left in the driver after the last subtest: $leaks"
	if known=$(results_expect expected run@leaks); then
		[ "$QUIET" = 1 ] || echo "$leaks (expected: $known)"
	else
		run_failed 1 "$leaks"
	fi
}

# On a sanitized kernel: memory of the driver or its helpers that kmemleak found unreferenced.
results_kmemleak() {
	[ -s "$RESULTS_DIR/guest/kmemleak" ] || return 0
	run_failed 1 "kmemleak: $(grep -c '^unreferenced object' "$RESULTS_DIR/guest/kmemleak")" \
		'objects of the driver are lost (guest/kmemleak):'
	head -n 20 "$RESULTS_DIR/guest/kmemleak" | sed 's/^/    /' >&2
}

results_summary() {
	results_python summary "$RESULTS_DIR/verdicts.json"
}

# Prints the number of patches. A patch that reverts another one does not count.
results_patches() {
	kernel_patches | grep -v "^$REPO/kernel/reverts/" | grep -c '^/' || :
}

# Prints one line on what ran where. The driver's version is the one that it logs.
results_board() {
	driver=$(sed -n 's/.*Initialized \(panthor [0-9.]*\) .*/, \1/p' \
		"$RESULTS_DIR/kernel.log") || driver=''
	echo "Linux $KERNEL_RELEASE ($KERNEL_VERSION)$driver," \
		"$(results_patches) patches${WITHOUT:+ but $WITHOUT}${UNTIL:+ up to $UNTIL}, TLB $TLB," \
		"$(arch_shown)$ACCEL$([ "$SANITIZE" = 0 ] || echo ', sanitized')$([ "$MULTIPLE" = 0 ] ||
			echo ', multiple mode')$([ "$CPU_PAGE" = 0 ] ||
			echo ", sized for CPU pages of $((CPU_PAGE / 1024)) KiB")$([ "$IGT" = libigt ] ||
			echo ', without libigt')," \
		"$(expectations_shown)"
}

# Makes results.html from the files that this run has made.
results_page() {
	set -- --status "$(status_final)" --times "$STAGE_TIMES" --reports "$WORK/splats"
	[ "$ACTION" != bench ] || set -- "$@" --bench
	results_python page "$RESULTS_DIR" "$@" \
		--plan "${BUILD_DIR:-}/docs/testplan/panthor_tests.fields" \
		--vmas "${BUILD_DIR:-}/tools/panthor_vmas"
}

# Prints the commit of this repository, with a + if files of it have changed since.
results_commit() {
	git -c safe.directory="$REPO" -C "$REPO" describe --always --abbrev=12 --dirty=+ --exclude='*' \
		2>/dev/null || :
}

# Copies paths; those in this repository become relative to it.
results_paths() {
	while IFS= read -r results_path; do
		printf '%s\n' "${results_path#"$REPO/"}"
	done
}

# metadata.json, from the session's variables.
results_metadata() {
	results_python metadata "$RESULTS_DIR/metadata.json" \
		--text started "$(date -u +%Y-%m-%dT%H:%M:%SZ)" --text action "$ACTION" \
		--text commit "$(results_commit)" --text arch "$BOARD_ARCH" --text pages "$PAGES" \
		--text client "$CLIENT" --text mesa "$MESA" --text mesa_version "${MESA_VERSION:-}" \
		--text kernel "$KERNEL_RELEASE" --text kernel_source "$KERNEL_VERSION" \
		--text kernel_given "$KERNEL_ARG" --flag stock "$STOCK" --text without "$WITHOUT" \
		--text until "$UNTIL" --list patches "$(kernel_patches | sed 's/^-/taken back: /')" \
		--list patches_added "$(printf '%s\n' "$PATCHES" | results_paths)" \
		--list params "$PARAMS" --flag sanitize "$SANITIZE" --flag kunit "$KUNIT" \
		--flag coverage "$COVERAGE" --flag multiple_mode "$MULTIPLE" --flag fail_fast "$FAIL_FAST" --flag no_skips "$NO_SKIPS" \
		--text expectations "$(expectations_name)" --text rules "$RULES" --text tlb "$TLB" \
		--number cpu_page "$CPU_PAGE" --text seed "$SEED" --text operations "$OPERATIONS" \
		--text linked_with "$IGT" --list tests "$TESTS" --list globs "$GLOBS" --text shard "$SHARD" \
		--text accel "$ACCEL" --text qemu "$(timeout 10 "$ARCH_QEMU" --version | head -n 1)" \
		--text igt "$(timeout 10 igt_runner --version | head -n 1)"
}
