#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# ./run --kunit: what becomes of the KTAP of KUnit's debugfs files, made up here, and on the board a
# suite that a patch brings along. Runs in the toolbox, for its python3, and out of it, for the board.
# shellcheck disable=SC2317,SC2329 # check() calls the functions
# shellcheck disable=SC2034 # the libraries under test read these variables

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
# shellcheck source=lab/tests/inside.sh
. "$REPO/lab/tests/inside.sh"
[ "${1:-}" = inside ] || (become_inside test-kunit.sh)
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
for part in common options kernel results kunit; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done

# ---------------------------------------------------------------------------------------------

# ktap WANTED: what stdin holds becomes these results, `CASE RESULT [OUT|ERR]` in lines.
ktap() {
	mkdir -p "$SCRATCH/kunit"
	cat >"$SCRATCH/kunit/s"
	results_python ktap "$SCRATCH/kunit" "$SCRATCH/kunit.json" >/dev/null
	same "$1" "$(jq -r '.tests | to_entries[] |
		"\(.key) \(.value.result) \(.value.out)\(.value.err)" | sub(" $"; "")' \
		"$SCRATCH/kunit.json")"
}

passes() {
	ktap 'igt@kunit/s@one pass
igt@kunit/s@two skip no such thing' <<-'END'
		KTAP version 1
		1..1
		    KTAP version 1
		    # Subtest: s
		    # module: s_kunit
		    1..2
		    ok 1 one
		    ok 2 two # SKIP no such thing
		# s: pass:1 fail:0 skip:1 total:2
		# Totals: pass:1 fail:0 skip:1 total:2
		ok 1 s
	END
}

failures() {
	ktap 'igt@kunit/s@one fail # one: EXPECTATION FAILED at x.c:7
Expected 3 == 1 + 0, but
1 + 0 == 1 (0x1)
igt@kunit/s@two fail # two: EXPECTATION FAILED at x.c:9
not ok 2 n2
igt@kunit/s@three pass' <<-'END'
		KTAP version 1
		1..1
		    KTAP version 1
		    # Subtest: s
		    1..3
		    # one: EXPECTATION FAILED at x.c:7
		    Expected 3 == 1 + 0, but
		        1 + 0 == 1 (0x1)
		    not ok 1 one
		        KTAP version 1
		        # Subtest: two
		        ok 1 n1
		    # two: EXPECTATION FAILED at x.c:9
		        not ok 2 n2
		    # two: pass:1 fail:1 skip:0 total:2
		    not ok 2 two
		    ok 3 three
		not ok 1 s
	END
}

unfinished() {
	ktap 'igt@kunit/s@one pass
igt@kunit/s@suite fail # two: says something
1 of 3 cases have a result' <<-'END'
		KTAP version 1
		1..1
		    KTAP version 1
		    # Subtest: s
		    1..3
		    ok 1 one
		    # two: says something
	END
}

suite_failed() {
	ktap 'igt@kunit/s@one pass
igt@kunit/s@suite fail the suite itself failed' <<-'END'
		KTAP version 1
		1..1
		    KTAP version 1
		    # Subtest: s
		    1..1
		    ok 1 one
		not ok 1 s
	END
}

# collected GLOB: the cases of one suite of three that the pattern selects.
collected() {
	WORK=$SCRATCH/work RESULTS_DIR=$SCRATCH/results STATUSES='' GLOBS=$1
	mkdir -p "$WORK" "$RESULTS_DIR/guest/kunit"
	printf '    %s\n' '# Subtest: s' 1..3 'ok 1 map_a' 'ok 2 map_b' 'ok 3 Cap' \
		>"$RESULTS_DIR/guest/kunit/s"
	kunit_collect
	paste -s -d ' ' "$WORK/selected.txt"
}

collects() {
	same 'igt@kunit/s@map_a igt@kunit/s@map_b igt@kunit/s@Cap' "$(collected '')"
	same 'igt@kunit/s@map_a igt@kunit/s@map_b' "$(collected 'map_*')"
	same pass "$(jq -r '.tests["igt@kunit/s@cap"].result' "$SCRATCH/results/results.json")"
	collected lunch >/dev/null 2>"$SCRATCH/stderr"
	same 'run: no KUnit case ran' "$(cat "$SCRATCH/stderr")"
	same 3 "$(status_final)"
}

# ---------------------------------------------------------------------------------------------
# On the board

# A patch that gives the driver a suite of two cases; $1 decides whether the second passes.
kunit_patch() {
	file=drivers/gpu/drm/panthor/panthor_lab_kunit.c
	set -- '#include <kunit/test.h>' '#include <linux/module.h>' \
		'static void good(struct kunit *test) { KUNIT_EXPECT_EQ(test, 2, 1 + 1); }' \
		"static void bad(struct kunit *test) { KUNIT_EXPECT_EQ(test, 2, 1 + $1); }" \
		'static struct kunit_case cases[] = { KUNIT_CASE(good), KUNIT_CASE(bad), {} };' \
		'static struct kunit_suite suite = { .name = "lab", .test_cases = cases };' \
		'kunit_test_suite(suite);' 'MODULE_LICENSE("Dual MIT/GPL");' \
		'MODULE_DESCRIPTION("for lab/tests");'
	printf -- '--- /dev/null\n+++ b/%s\n@@ -0,0 +1,%d @@\n' "$file" $#
	printf '+%s\n' "$@"
	file=drivers/gpu/drm/panthor/Makefile
	printf -- '--- a/%s\n+++ b/%s\n@@ -1,1 +1,2 @@\n' "$file" "$file"
	# shellcheck disable=SC2016 # make's own variable
	printf '+%s\n' 'obj-$(CONFIG_DRM_PANTHOR_KUNIT_TEST) += panthor_lab_kunit.o'
	printf ' # SPDX-License-Identifier: GPL-2.0 or MIT\n'
}

# board STATUS PATTERN TERM: ./run on the suite above, with that term, ends with STATUS.
board() {
	XDG_CACHE_HOME=$CACHE_OF_USER
	kunit_patch "$3" >"$SCRATCH/kunit.patch"
	board_status=0
	"$REPO/run" --kunit --stock --patch "$SCRATCH/kunit.patch" --results "$SCRATCH/board" \
		>"$SCRATCH/stdout" 2>"$SCRATCH/stderr" || board_status=$?
	cat "$SCRATCH/stdout" "$SCRATCH/stderr"
	same "$1" "$board_status"
	grep -q '^kunit/lab@good  *Pass ' "$SCRATCH/stdout"
	grep -q -e "$2" "$SCRATCH/stdout"
}

# What is not asked for is not there.
no_kunit() {
	XDG_CACHE_HOME=$CACHE_OF_USER
	"$REPO/run" --test panthor_query --results "$SCRATCH/board" >/dev/null 2>&1
	fails grep -i kunit "$SCRATCH/board/kernel.log"
}

if [ "${1:-}" = inside ]; then
	check 'cases that pass and skip' passes
	check 'cases that fail, and why' failures
	check 'a suite that ended early' unfinished
	check 'a suite that failed as a whole' suite_failed
	check 'patterns select cases' collects
else
	check 'a good suite on the board' board 0 '^kunit/lab@bad  *Pass ' 1
	check '... and one with a bad case' board 1 '^    Expected 2 == 1 + 0, but' 0
	check 'no KUnit on other boards' no_kunit
fi
checks_done
