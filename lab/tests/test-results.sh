#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# lab/results.sh and lab/report, on made-up results of igt_runner and made-up kernel logs: every
# verdict, every exit status, the expectation files, the table, JUnit.
# Runs in the toolbox, for its python3 and jq.
# shellcheck disable=SC2317,SC2329 # check() calls the functions
# shellcheck disable=SC2034 # the libraries under test read these variables

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
# shellcheck source=lab/tests/inside.sh
. "$REPO/lab/tests/inside.sh"
[ "${1:-}" = inside ] || become_inside test-results.sh
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
for part in common options kernel results; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done

WORK=$SCRATCH/work EXPECTATIONS=$SCRATCH/expectations KERNEL_RELEASE=7.3.4 STOCK=0 QUIET=0
NO_SKIPS=0 RULES=fail SANITIZE=0 ACTION=run deadline_subtest=90 PATCHES='' TEST_LIST='' EACH_PATCH=''
mkdir "$WORK" "$EXPECTATIONS" "$SCRATCH/bin"

# A series of one patch, whatever the project's own.
kernel_series() {
	[ "$STOCK" = 1 ] || echo /x.patch
}

# In the place of IGT's program, which makes results.json from what igt_runner wrote.
cat >"$SCRATCH/bin/igt_results" <<'PROGRAM'
#!/bin/sh
cp "$MADE_UP" "$1/results.json"
PROGRAM
chmod 755 "$SCRATCH/bin/igt_results"
export MADE_UP="$WORK/results.json" PATH="$SCRATCH/bin:$PATH"

# ---------------------------------------------------------------------------------------------
# Made-up results

# A fresh results folder in which the subtests $1 (words) are selected and nothing has run.
fresh() {
	RESULTS_DIR=$SCRATCH/results STATUSES=''
	rm -rf "$RESULTS_DIR"
	mkdir -p "$RESULTS_DIR/igt" "$RESULTS_DIR/guest"
	rm -f "$EXPECTATIONS"/*
	for fresh_name in $1; do
		echo "igt@panthor/t@$fresh_name"
	done >"$WORK/selected.txt"
	: >"$WORK/named.txt"
	echo jobs >"$RESULTS_DIR/igt/joblist.txt"
	echo '{"tests":{}}' >"$MADE_UP"
}

# row SUBTEST RESULT [OUT [ERR]]: what igt_runner says about a subtest.
row() {
	jq --arg name "igt@panthor/t@$1" --arg result "$2" --arg out "${3:-}" --arg err "${4:-}" \
		'.tests[$name] = {result: $result, time: {start: 1.0, end: 1.25}, out: $out,
			err: $err}' "$MADE_UP" >"$WORK/new.json"
	mv "$WORK/new.json" "$MADE_UP"
}

# dynamic SUBTEST ROW RESULT [WORDS]: what igt_runner says about a row of a subtest. Each row but the
# last ends with its verdict line, the last one with that of the subtest.
dynamic() {
	case $3 in
	skip) row "$1@$2" skip "Starting dynamic subtest: $2
${4:-}
Dynamic subtest $2: SKIP (0.00s)
No dynamic tests executed.
Subtest $1: SKIP (0.01s)" ;;
	*) row "$1@$2" "$3" '' "${4:+[1.5] (t:7) CRITICAL: $4}" ;;
	esac
}

# expect_file NAME TEXT: an expectation file.
expect_file() {
	printf '%s\n' "$2" >"$EXPECTATIONS/$1"
}

# verdict SUBTEST FILTER: what verdicts.json has.
verdict() {
	jq -c ".[] | select(.subtest == \"$1\") | $2" "$RESULTS_DIR/verdicts.json"
}

SKIP_TEXT='Test requirement not met in function __igt_unique____real_main, file ../t.c:7:
Test requirement: !(fd<0)
no such feature
Subtest s: SKIP (0.01s)'

# judged STATUS [PATTERN…]: the exit status; every pattern matches a line of the output.
judged() {
	judged_status=$1
	shift
	results_judge results_collect >"$WORK/output" 2>&1
	results_summary >>"$WORK/output"
	cat "$WORK/output"
	same "status $judged_status" "status $(status_final)"
	for judged_pattern; do
		grep -q -e "$judged_pattern" "$WORK/output" || {
			echo "no line like: $judged_pattern"
			return 1
		}
	done
}

# ---------------------------------------------------------------------------------------------
# Verdicts

all_pass() {
	fresh 'a b'
	row a pass
	row b pass
	judged 0 '^a .*Pass .* 0\.25 s$' '^2 passed, 0 failed, 0 skipped$'
}

# What igt_runner quotes of a failed assertion is shown once, without times and folders.
reasons() {
	fresh 'a'
	row a fail '' '[1.5] (t:7) CRITICAL: Assertion failure in f, file ../../lib/x.c:3:
[1.5] (t:7) CRITICAL: Failed assertion: a == b
**** DEBUG ****
[1.5] (t:7) CRITICAL: Failed assertion: a == b'
	judged 1 '^    Assertion failure in f, file lib/x.c:3:$' \
		'^    Failed assertion: a == b$'
	same 1 "$(grep -c 'a == b' "$WORK/output")"
}

kernel_reasons() {
	fresh 'a'
	jq '.tests["igt@panthor/t@a"] = {result: "dmesg-warn",
		"dmesg-warnings":
			"<4> [1.5] Modules linked in: x\nmore\n<4> [1.5] WARNING: at f\n"}' \
		"$MADE_UP" >"$WORK/new.json"
	mv "$WORK/new.json" "$MADE_UP"
	judged 1 '^a .*Fail (dmesg-warn)' '^    <4> \[1.5\] WARNING: at f$'
	! grep -q 'Modules' "$WORK/output"
}

# one_bad RESULT STATUS SHOWN COUNTED [PATTERN]: a subtest with that result beside one that passes.
one_bad() {
	fresh 'a b'
	row a pass
	row b "$1" '' '[1.5] (t:7) CRITICAL: Test assertion failure function f'
	judged "$2" "^b  *$3  *0" '^    .*assertion failure' "^1 passed, $4\$" ${5:+"$5"}
}

not_run() {
	fresh 'a b'
	row a pass
	judged 1 '^b .*Missing' '^    did not run' '^1 passed, 0 failed, 0 skipped, 1 missing$'
}

# What --fail-fast left out is counted, and not shown. The last test ended the run, though its result is
# only that it did not end.
ended_early() {
	fresh 'a b c d'
	row a pass
	row b incomplete
	row c incomplete
	FAIL_FAST=1 OUTCOME=failed
	echo igt@panthor/t@c >"$WORK/unexpected.txt"
	judged 1 '^a .*Pass' '^c .*incomplete' \
		'^1 passed, 0 failed, 0 skipped, 1 crashed, 2 not run after the first unexpected result$'
	fails grep -q '^[bd] ' "$WORK/output"
	grep -q 'skipped="2"' "$RESULTS_DIR/junit.xml"
}

no_results() {
	fresh 'a'
	rm "$RESULTS_DIR/igt/joblist.txt"
	judged 1 '^a .*Missing' '^0 passed, 0 failed, 0 skipped, 1 missing$'
}

# The runner's own file, begun in the last moments of the guest, is not believed.
early_file() {
	fresh 'a'
	row a pass
	echo '{"tests":{}}' >"$RESULTS_DIR/igt/results.json"
	judged 0 '^a .*Pass'
}

unreadable() {
	fresh 'a'
	rm "$MADE_UP"
	judged 1 '^run: igt_results failed: ' '^a .*Missing'
}

half_a_file() {
	fresh 'a'
	echo '{"tests": {"igt@panthor/t@a": {"result": "pa' >"$MADE_UP"
	judged 1 '^a .*Missing'
}

skip_with_reason() {
	fresh 'a b'
	row a pass
	row b skip "$SKIP_TEXT"
	judged 0 '^b .*Skip' '^    no such feature$' '^1 passed, 0 failed, 1 skipped$'
	! grep -q 'SKIP' "$WORK/output"
}

skip_without_reason() {
	fresh 'a b'
	row a pass
	row b skip 'Subtest b: SKIP (0.00s)'
	judged 1 '^    skipped without saying why'
}

all_skip() {
	fresh 'a b'
	row a skip "$SKIP_TEXT"
	row b skip "$SKIP_TEXT"
	judged 3 '^0 passed, 0 failed, 2 skipped$'
}

upper_case() {
	fresh 'Big'
	row big pass
	judged 0 '^Big .*Pass'
}

extra_row() {
	fresh 'a'
	row a pass
	row other fail
	judged 0 '^1 passed, 0 failed, 0 skipped$'
}

check 'all pass' all_pass
for result in fail abort dmesg-warn dmesg-fail warn; do
	shown="Fail ($result)"
	[ "$result" != fail ] || shown=Fail
	check "a subtest's result is $result" one_bad "$result" 1 "$shown" '1 failed, 0 skipped'
done
check "a subtest's result is crash" one_bad crash 1 Crash '0 failed, 0 skipped, 1 crashed'
check "a subtest's result is incomplete" one_bad incomplete 1 'Crash (incomplete)' \
	'0 failed, 0 skipped, 1 crashed'
check "a subtest's result is timeout" one_bad timeout 6 Timeout '0 failed, 0 skipped, 1 timed out' \
	"deadline 'subtest' (90 s) passed"
check 'the reason of a failure' reasons
check 'the reason of a kernel warning' kernel_reasons
check 'a subtest that did not run fails' not_run
check 'what --fail-fast leaves out' ended_early
check 'no results at all' no_results
check "igt_runner's own results.json" early_file
check 'results that IGT cannot read' unreadable
check 'a results.json that ends in the middle' half_a_file
check 'a skip that says why' skip_with_reason
check 'a skip that does not say why fails' skip_without_reason
check 'nothing but skips' all_skip
check 'names in capitals, which igt_runner lowers' upper_case
check 'results that nobody asked for' extra_row

# ---------------------------------------------------------------------------------------------
# Rows: dynamic subtests

# The subtest's own words are those of all its rows.
row_fails() {
	fresh 'a b'
	row a pass
	row b fail '' '[1.5] (t:7) CRITICAL: words of 64k
[1.5] (t:7) CRITICAL: words of 1m'
	dynamic b 4k pass
	dynamic b 64k fail 'words of 64k'
	dynamic b 2m skip 'no such page'
	dynamic b 1m fail 'words of 1m'
	judged 1 '^b .*Fail ' '^    row 64k: fail$' '^      words of 64k$' '^    row 1m: fail$' \
		'^      words of 1m$' '^    row 2m: skip$' '^      no such page$' \
		'^1 passed, 1 failed, 0 skipped$'
	same 1 "$(grep -c 'words of 64k' "$WORK/output")"
	fails grep 'row 4k' "$WORK/output"
	same '[{"name":"4k","result":"pass"},{"name":"64k","result":"fail"},'\
'{"name":"2m","result":"skip"},{"name":"1m","result":"fail"}]' "$(verdict b .rows)"
	same '[]' "$(verdict a .rows)"
}

rows_pass() {
	fresh 'a'
	row a pass
	dynamic a one pass
	dynamic a two pass
	judged 0 '^a .*Pass' '^1 passed, 0 failed, 0 skipped$'
	same 2 "$(wc -l <"$WORK/output")"
	same 2 "$(verdict a '.rows | length')"
}

# The names of rows are not part of the selection.
rows_of_another() {
	fresh 'a'
	row a pass
	dynamic ab one fail
	dynamic b one fail
	judged 0 '^a .*Pass'
}

all_rows_skip() {
	fresh 'a b'
	row a pass
	row b skip 'Starting subtest: b
words of the rows
No dynamic tests executed.
Subtest b: SKIP (0.01s)'
	dynamic b one skip 'no first thing'
	dynamic b two skip 'no second thing'
	judged 0 '^b .*Skip' '^    row one: skip$' '^      no first thing$' '^    row two: skip$' \
		'^      no second thing$' '^1 passed, 0 failed, 1 skipped$'
	fails grep -e 'No dynamic' -e SKIP "$WORK/output"
}

no_rows_at_all() {
	fresh 'a b'
	row a pass
	row b skip 'Starting subtest: b
No dynamic tests executed.
Subtest b: SKIP (0.01s)'
	judged 0 '^b .*Skip' '^    No dynamic tests executed.$'
}

some_rows_skip() {
	fresh 'a'
	row a pass
	dynamic a one skip 'no first thing'
	dynamic a two pass
	judged 0 '^a .*Pass' '^    row one: skip$' '^      no first thing$' '^1 passed'
	python3 -c 'import sys, xml.etree.ElementTree as tree
case, = tree.parse(sys.argv[1]).getroot().find("testsuite")
assert "row one: skip" in case.find("system-out").text' "$RESULTS_DIR/junit.xml"
}

row_skips_silently() {
	fresh 'a'
	row a pass
	dynamic a one skip
	dynamic a two pass
	judged 1 '^    row one: skip$' '^      skipped without saying why$' '^0 passed, 1 failed'
}

# IGT makes no such results: a subtest fails with its row.
row_fails_alone() {
	fresh 'a'
	row a pass
	dynamic a one "$1" 'words of one'
	judged 1 "^    row one: $1\$" '^      words of one$' '^0 passed, 1 failed'
}

# What failed behind or before the rows has the subtest's own words.
rows_pass_subtest_fails() {
	fresh 'a'
	row a crash '' 'Received signal SIGSEGV.'
	dynamic a one pass
	judged 1 '^a .*Crash' '^    Received signal SIGSEGV.$'
}

# Words of the first six, the names of all.
many_rows_fail() {
	fresh 'a'
	row a fail '' 'CRITICAL: many'
	for many_name in 1 2 3 4 5 6 7 8; do
		dynamic a "r$many_name" fail "words of r$many_name"
	done
	dynamic a s skip 'no s'
	judged 1 '^      words of r6$' '^    3 more: r7 fail, r8 fail, s skip$'
	fails grep 'words of r7' "$WORK/output"
}

known_row_failure() {
	fresh 'a b'
	row a pass
	row b fail
	dynamic b one fail 'words of one'
	expect_file 7.3-fails.txt '# the driver forgets b
panthor/t@b,Fail'
	judged 0 '^b .*ExpectedFail' '^    row one: fail$' '^    expected: the driver forgets b'
}

# JUnit and the page name the rows.
rows_shown() {
	fresh 'a'
	row a fail
	dynamic a four-kib pass
	dynamic a big-one fail 'words of <it>'
	judged 1
	python3 -c 'import sys, xml.etree.ElementTree as tree
case, = tree.parse(sys.argv[1]).getroot().find("testsuite")
assert "row big-one: fail\n  words of <it>" in case.find("failure").text' "$RESULTS_DIR/junit.xml"
	STAGE_TIMES='' : >"$WORK/splats"
	results_page
	grep -q 'row big-one: fail' "$RESULTS_DIR/results.html"
	grep -q '2 rows.*four-kib: pass' "$RESULTS_DIR/results.html"
}

check 'rows that fail and skip are named' row_fails
check 'rows that pass are not' rows_pass
check 'rows of another subtest' rows_of_another
check 'a subtest whose every row skips' all_rows_skip
check 'a subtest without a row' no_rows_at_all
check 'a row that skips in a subtest that passes' some_rows_skip
check 'a row that does not say why it skips' row_skips_silently
check 'a row that fails in a subtest that passes' row_fails_alone fail
check 'a row with a kernel warning in a subtest that passes' row_fails_alone dmesg-warn
check 'a subtest that fails outside of its rows' rows_pass_subtest_fails
check 'many rows that fail' many_rows_fail
check 'an expected failure with rows' known_row_failure
check 'rows in JUnit and on the page' rows_shown

# ---------------------------------------------------------------------------------------------
# Expectations

known_failure() {
	fresh 'a b'
	row a pass
	row b fail
	expect_file 7.3-fails.txt '# the driver forgets b
panthor/t@b,Fail'
	judged 0 '^b .*ExpectedFail' '^    expected: the driver forgets b' \
		'^1 passed, 0 failed, 0 skipped, 1 failed as expected$'
}

only_known_failures() {
	fresh 'b'
	row b fail
	expect_file 7.3-fails.txt 'panthor/t@b,Fail'
	judged 3
}

other_kernel() {
	fresh 'a b'
	row a pass
	row b fail
	expect_file "$1" 'panthor/t@b,Fail'
	judged 1
}

stock_kernel() {
	STOCK=1
	fresh 'a b'
	row a pass
	row b fail
	expect_file 7.3-stock-fails.txt 'panthor/t@b,Fail'
	judged 0
}

other_name() {
	fresh 'a b'
	row a pass
	row b fail
	expect_file 7.3-fails.txt 'panthor/t@b-c,Fail
panthor/t@.*,Fail'
	judged 1
}

stale() {
	fresh 'a b'
	row a pass
	row b pass
	expect_file 7.3-fails.txt 'panthor/t@b,Fail'
	judged 7 '^b .*UnexpectedPass' '^1 passed, 0 failed, 0 skipped, 1 passed unexpectedly$'
}

stale_and_failed() {
	fresh 'a b'
	row a fail
	row b pass
	expect_file 7.3-fails.txt 'panthor/t@b,Fail'
	judged 1
}

flake() {
	fresh 'a b'
	row a pass
	row b "$1"
	expect_file 7.3-flakes.txt '# one run in fifty
panthor/t@b.*'
	judged 0 '^a .*Pass'
}

skips_file() {
	fresh 'a b bc'
	expect_file 7.3-skips.txt '# takes an hour
panthor/t@b'
	same 'igt@panthor/t@a igt@panthor/t@bc ' "$(results_planned | tr '\n' ' ')"
	row a pass
	row bc pass
	judged 0 '^b .*LeftOut' '^    not run: takes an hour' \
		'^2 passed, 0 failed, 0 skipped, 1 left out, as expectations say$'
}

# Asked for by its whole name, such a subtest runs and is judged like others.
skips_named() {
	fresh 'a b bc'
	expect_file 7.3-skips.txt '# takes an hour
panthor/t@b.*'
	echo igt@panthor/t@b >"$WORK/named.txt"
	same 'igt@panthor/t@a igt@panthor/t@b ' "$(results_planned | tr '\n' ' ')"
	row a pass
	row b fail
	judged 1 '^b .*Fail ' '^bc .*LeftOut' '^1 passed, 1 failed, 0 skipped, 1 left out'
}

no_skips() {
	NO_SKIPS=1
	fresh 'a b'
	expect_file 7.3-skips.txt 'panthor/t@b'
	same 'igt@panthor/t@a igt@panthor/t@b ' "$(results_planned | tr '\n' ' ')"
}

all_left_out() {
	fresh 'b'
	expect_file 7.3-skips.txt 'panthor/t@b'
	same '' "$(results_planned)"
	judged 3
}

# By version and series, wherever the kernel comes from.
shown() {
	fresh 'a'
	same 'no expectations for 7.3' "$(expectations_shown)"
	expect_file 7.3-fails.txt 'panthor/t@b,Fail'
	same 'expectations 7.3' "$(expectations_shown)"
	STOCK=1
	same 'no expectations for 7.3-stock' "$(expectations_shown)"
	KERNEL_RELEASE=7.12.0-rc1+
	same 'no expectations for 7.12-stock' "$(expectations_shown)"
}

no_series() {
	kernel_series() { :; }
	fresh 'a b'
	row a pass
	row b fail
	expect_file 7.3-stock-fails.txt 'panthor/t@b,Fail'
	judged 0
}

# Whether the patch itself is merged out or another one takes it back on top.
counted() {
	same 1 "$(results_patches)"
	WITHOUT=x.patch PATCHES=
	same 1 "$(results_patches)"
	WITHOUT=4-reclaim/0001-Restore-evicted-VMAs-in-linear-time.patch
	[ -f "$REPO/kernel/reverts/Restore-evicted-VMAs-in-linear-time.patch" ]
	same 1 "$(results_patches)"
	PATCHES=/mine.patch
	same 2 "$(results_patches)"
	STOCK=1 WITHOUT=
	same 1 "$(results_patches)"
	PATCHES=
	same 0 "$(results_patches)"
}

check 'patches are counted, what takes one back is not' counted
check 'an expected failure' known_failure
check 'nothing but expected failures' only_known_failures
check "another kernel's expectations" other_kernel 7.2-fails.txt
check "the unpatched driver's expectations" other_kernel 7.3-stock-fails.txt
check 'expectations with --stock' stock_kernel
check 'expected failures are named in full' other_name
check 'an unexpected pass' stale
check 'an unexpected pass and a failure' stale_and_failed
check 'a flake that fails' flake fail
check 'a flake that passes' flake pass
check 'the skips file' skips_file
check '... does not hold for what is named in full' skips_named
check '... nor with --no-skips' no_skips
check '... and may leave out everything' all_left_out
check 'the expectations that hold are named' shown
check 'an empty series is the unpatched driver' no_series

# ---------------------------------------------------------------------------------------------
# The exit status

first_of() {
	STATUSES=''
	for first_status in $2; do
		status_add "$first_status"
	done
	same "$1" "$(status_final)"
}

check 'status: none applies' first_of 0 ''
check 'status: 5 before all' first_of 5 '3 7 1 6 5'
check 'status: 6 before 1' first_of 6 '3 7 1 6'
check 'status: 1 before 7' first_of 1 '3 7 1'
check 'status: 7 before 3' first_of 7 '3 7'
check 'status: 3' first_of 3 '3'

# ---------------------------------------------------------------------------------------------
# The kernel log

# logged STATUS LINE…: judges a run whose kernel log has these texts, all at warning level. The
# runner has claimed those that begin with a +.
logged() {
	logged_status=$1 logged_sequence=100
	shift
	fresh 'a'
	row a pass
	mkdir "$RESULTS_DIR/igt/0"
	for logged_text; do
		logged_sequence=$((logged_sequence + 1))
		logged_record="4,$logged_sequence,1500000,-;${logged_text#+}"
		printf '%s\n' "$logged_record" >>"$RESULTS_DIR/guest/kmsg"
		case $logged_text in
		+*) printf '%s\n' "$logged_record" >>"$RESULTS_DIR/igt/0/dmesg.txt" ;;
		esac
	done
	results_kernel_log
	results_kernel_reports
	judged "$logged_status"
}

readable_log() {
	logged 0 'one' ' SUBSYSTEM=pci' 'two'
	same '[    1.500000] <4> one' "$(head -n 1 "$RESULTS_DIR/kernel.log")"
	same 3 "$(wc -l <"$RESULTS_DIR/kernel.log")"
}

check 'the kernel log is made readable' readable_log
check 'ordinary warnings of a boot' logged 0 'ACPI: IRQ 4 override to edge(!), high(!)'
check 'a WARN outside of the subtests' logged 1 'WARNING: CPU: 0 PID: 1 at mm/x.c:1 f+0x1/0x2'
check 'an oops' logged 1 'Oops: Oops: 0000 [#1] SMP'
check 'a page fault' logged 1 'BUG: unable to handle page fault for address: 0000'
check 'a KASAN report' logged 1 'BUG: KASAN: slab-use-after-free in f+0x1/0x2'
check 'a UBSAN report' logged 1 'UBSAN: shift-out-of-bounds in drivers/x.c:1:2'
check 'a lockdep report' logged 1 'WARNING: possible circular locking dependency detected'
check 'a hung task' logged 1 'INFO: task panthor:12 blocked for more than 20 seconds.'
check 'an error of the driver' logged 1 'panthor panthor.0: [drm] *ERROR* AS_ACTIVE bit stuck'
check "a subtest's own WARN is igt_runner's to judge" logged 0 '+[IGT] t: executing' \
	'+WARNING: asked for' '+[IGT] t: exiting, ret=0'
check 'a WARN between two tests' logged 1 '+[IGT] t: executing' '+[IGT] t: exiting, ret=0' \
	'WARNING: late' '+[IGT] t: executing'
check 'the same WARN in a test and after it' logged 1 '+WARNING: once' 'WARNING: once'

# ---------------------------------------------------------------------------------------------
# What stays behind in the driver

leaks() {
	fresh 'a'
	row a pass
	echo '2 VMs, 7 page-tables' >"$RESULTS_DIR/guest/leaks"
	results_leaks >"$WORK/leaks" 2>&1
	same 'run: left in the driver after the last subtest: 2 VMs, 7 page-tables' \
		"$(cat "$WORK/leaks")"
	judged 1 '^1 passed, 0 failed, 0 skipped$'
}

known_leaks() {
	fresh 'a'
	row a pass
	expect_file 7.3-fails.txt '# closed files keep it
run@leaks,Fail'
	echo '2 VMs' >"$RESULTS_DIR/guest/leaks"
	same 'left in the driver after the last subtest: 2 VMs (expected: closed files keep it)' \
		"$(results_leaks)"
	judged 0 '^1 passed, 0 failed, 0 skipped$'
	expect_file 7.3-fails.txt 'run@leaks,Fail'
	same 'left in the driver after the last subtest: 2 VMs (expected: no reason given)' \
		"$(results_leaks)"
}

no_leaks() {
	fresh 'a'
	row a pass
	expect_file 7.3-fails.txt 'run@leaks,Fail'
	same '' "$(results_leaks)"
	judged 0
}

kmemleak() {
	fresh 'a'
	row a pass
	printf 'unreferenced object %s (size 64):\n  comm "t"\n' 0xff 0xfe \
		>"$RESULTS_DIR/guest/kmemleak"
	results_kmemleak >"$WORK/leaks" 2>&1
	same 'run: kmemleak: 2 objects of the driver are lost (guest/kmemleak):' \
		"$(head -n 1 "$WORK/leaks")"
	judged 1
}

check 'what kmemleak finds fails the run' kmemleak
check 'a leak fails the run' leaks
check '... unless it is known' known_leaks
check '... which need not show each time' no_leaks

# ---------------------------------------------------------------------------------------------
# Output

quiet() {
	QUIET=1
	fresh 'a b'
	row a pass
	row b fail
	judged 1 '^b .*Fail'
	! grep -q '^a ' "$WORK/output"
}

several_tests() {
	fresh 'a'
	echo 'igt@core_x' >>"$WORK/selected.txt"
	row a pass
	jq '.tests["igt@core_x"] = {result: "pass"}' "$MADE_UP" >"$WORK/new.json"
	mv "$WORK/new.json" "$MADE_UP"
	judged 0 '^panthor/t@a .*Pass' '^core_x .*Pass'
}

junit() {
	fresh 'a b c d'
	row a pass
	row b fail '' '(t:7) CRITICAL: <&"> failed'
	row c skip "$SKIP_TEXT"
	judged 1
	python3 - "$RESULTS_DIR/junit.xml" <<'PYTHON'
import sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot().find("testsuite")
assert suite.attrib["tests"] == "4", suite.attrib
assert suite.attrib["failures"] == "2", suite.attrib
assert suite.attrib["skipped"] == "1", suite.attrib
cases = {case.attrib["name"]: case for case in suite}
assert list(cases["a"]) == []
assert '<&">' in cases["b"].find("failure").text
assert "no such feature" in cases["c"].find("skipped").text
assert cases["d"].find("failure").attrib["message"] == "Missing"
PYTHON
}

# What was shown while the suite ran is not shown again, unless the end made another verdict of it.
shown_live() {
	fresh 'a b c'
	row a pass
	row b fail '' '(t:7) CRITICAL: words of b'
	printf 'panthor/t %s\n' a b c >"$RESULTS_DIR/igt/joblist.txt"
	mkdir "$RESULTS_DIR/igt/0" "$RESULTS_DIR/igt/1" "$RESULTS_DIR/igt/2"
	cp "$WORK/selected.txt" "$WORK/planned.txt"
	rm -rf "$WORK/live" "$WORK/shown.json"
	results_live_begin >"$WORK/shown"
	results_live_end
	cat "$WORK/shown"
	grep -q '^1/3 .* a  *Pass ' "$WORK/shown"
	grep -q '^2/3 .* b  *Fail ' "$WORK/shown"
	grep -q '^    repeat it: ./run panthor/t@b$' "$WORK/shown"
	row c crash
	row a fail
	judged 1 '^a .*Fail' '^c .*Crash' '^0 passed, 2 failed, 0 skipped, 1 crashed$'
	fails grep -q '^b ' "$WORK/output"
	rm "$WORK/shown.json"
	judged 1 '^b .*Fail'
}

check 'verdicts while the suite runs' shown_live
check '--quiet shows only failures' quiet
check 'several tests, one without subtests' several_tests
check 'junit.xml' junit

# An earlier run's folder is emptied of what a run writes, and of nothing else.
reused_folder() {
	fresh 'a'
	touch "$RESULTS_DIR/results.json" "$RESULTS_DIR/notes"
	results_begin
	test -e "$RESULTS_DIR/notes"
	test ! -e "$RESULTS_DIR/results.json"
	test ! -e "$RESULTS_DIR/igt"
	test -d "$RESULTS_DIR/guest"
	options_parse --results "$RESULTS_DIR"
}

check 'a folder used again' reused_folder

checks_done
