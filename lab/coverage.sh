# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh disable=SC2154
#
# ./run --coverage, inside the session: which lines of the driver ran. The driver is compiled for the
# kernel's gcov, whose counts the guest leaves in guest/gcov, one file an object. lab/report prints a line
# for each function of kernel/mutants/functions, lcov makes pages of the sources.

# Puts the counts beside the objects' descriptions, in $WORK/gcov, and the sources to the path that these
# name.
coverage_gather() {
	mkdir "$WORK/gcov"
	module_mount_objects "$MODULE_DIR"
	for coverage_counts in "$RESULTS_DIR"/guest/gcov/*.gcda; do
		coverage_name=${coverage_counts##*/}
		cp "$coverage_counts" "$MODULE_OBJECTS/$PANTHOR/${coverage_name%.gcda}.gcno" "$WORK/gcov/" ||
			return
	done
}

# genhtml takes a line that ran in a function that was never called for a corrupt file. A function that is
# compiled into its callers is such a one.
coverage_pages() {
	lcov --quiet --capture --directory "$WORK/gcov" --base-directory "$MODULE_OBJECTS" \
		--output-file "$RESULTS_DIR/coverage.info" &&
		genhtml --quiet --rc check_data_consistency=0 --output-directory "$RESULTS_DIR/coverage" \
			--title panthor --prefix "$MODULE_OBJECTS" "$RESULTS_DIR/coverage.info"
}

# Prints the lines for people, and leaves coverage.txt, coverage.json, coverage.info and coverage/.
coverage_report() {
	[ "$COVERAGE" = 1 ] || return 0
	[ -n "$(ls "$RESULTS_DIR/guest/gcov" 2>/dev/null)" ] || {
		run_failed 1 'the board left no counts of lines: the driver may not be the one that was built'
		return
	}
	coverage_gather || die 2 'the counts of lines and the objects do not fit'
	(cd "$WORK/gcov" && gcov --json-format --stdout -- *.gcda) >"$WORK/gcov.json" 2>"$WORK/gcov.log" ||
		die 2 "gcov failed: $(tail -n 1 "$WORK/gcov.log")"
	results_python coverage "$WORK/gcov.json" --sources "$MODULE_OBJECTS" \
		--functions "$REPO/kernel/mutants/functions" --unreached "$REPO/kernel/coverage/unreached" \
		--out "$RESULTS_DIR/coverage.json" >"$RESULTS_DIR/coverage.txt" || die 2 'the lines could not be counted'
	[ "$QUIET" = 1 ] || cat "$RESULTS_DIR/coverage.txt"
	coverage_pages >"$WORK/lcov.log" 2>&1 ||
		run_failed 1 "lcov made no pages: $(tail -n 1 "$WORK/lcov.log")"
	umount "$MODULE_OBJECTS"
}
