#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# ./check itself: its groups, and its judgement on planted defects and on patches taken out of the
# series, in a repository of its own whose ./run is made up. Uses the caller's toolbox.
# shellcheck disable=SC2317,SC2329 # check() calls the functions

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
export XDG_CACHE_HOME="$CACHE_OF_USER"

MADE=$SCRATCH/repo

# ---------------------------------------------------------------------------------------------
# A repository whose ./run prints three subtests of one scenario, and fails those that $MADE/fails
# names for the defect that it is given: lines `DEFECT SUBTEST RESULT`, where the result `dies` is
# the board's end. With --multiple-mode the DEFECT is NAME+multiple, `+multiple` without one. Each run
# does what $MADE/running.sh says, and one of mutants what $MADE/mutating.sh says; $4 is its results
# folder.

fresh() {
	rm -rf "$MADE"
	mkdir -p "$MADE/kernel/patches" "$MADE/kernel/regressions" "$MADE/lab/expectations"
	cp "$REPO/check" "$MADE/"
	# With the source package in the cache, the toolbox need not look at the settings of apt each time.
	cp "$REPO/kernel/base" "$MADE/kernel/"
	cp "$REPO"/lab/*.sh "$REPO/lab/toolbox.packages" "$MADE/lab/"
	cp -r "$REPO/lab/arch" "$REPO/lab/tests" "$REPO/lab/report" "$MADE/lab/"
	mkdir -p "$MADE/docs/testplan" "$MADE/tests/panthor"
	cp "$REPO"/docs/testplan/*.py "$MADE/docs/testplan/"
	sed 's/"panthor_vm_sparse\*\.c"/"t.c"/' "$REPO/tests/panthor/panthor_test_config.json" \
		>"$MADE/tests/panthor/panthor_test_config.json"
	made_source >"$MADE/tests/panthor/t.c"
	: >"$MADE/kernel/patches/series"
	: >"$MADE/kernel/regressions/series"
	: >"$MADE/fails"
	: >"$MADE/calls"
	: >"$MADE/running.sh"
	made_run >"$MADE/run"
	chmod 755 "$MADE/run"
	defect remap-first-2m uapi-a
	misses remap-first-2m map-a
}

made_source() {
	cat <<'SOURCE'
/**
 * TEST: One
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: uapi
 * Test category: functionality test
 * Run type: FULL
 * Scenario: all
 * Failure mode: One.
 *
 * SUBTEST: uapi-%s
 * Description: %arg[1].
 *
 * arg[1].values: a, b
 */

/**
 * TEST: Two
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: map
 * Test category: functionality test
 * Run type: FULL
 * Scenario: all
 * Failure mode: Two.
 *
 * SUBTEST: map-a
 * Description: A.
 */

/*
 * 1. all: what may fail.
 */
SOURCE
}

# apart: gives map-a a scenario of its own.
apart() {
	sed -i -e '/^ \* TEST: Two/,$s/Scenario: all/Scenario: other/' \
		-e 's/^ \* 1\..*/&\n * 2. other: more./' \
		"$MADE/tests/panthor/t.c"
}

made_run() {
	cat <<'RUN'
#!/bin/sh
here=$(dirname -- "$(readlink -f -- "$0")")
defect='' mode='' results='' names='' rules=fail
[ "$1" != --list ] || { printf 'panthor/t@%s\n' uapi-a uapi-b map-a; exit; }
echo "$*" >>"$here/calls"
[ "$1" != --mutants ] || {
	mkdir -p "$4"
	. "$here/mutating.sh"
}
while [ $# -gt 0 ]; do
	case $1 in
	--patch | --without) defect=$(basename "$2" .patch) && shift ;;
	--results) results=$2 && shift ;;
	--test | --test-list | --tlb | --param) shift ;;
	--rules) rules=$2 && shift ;;
	--igt)
		[ "$2" = libigt ] || mode=+$2
		shift
		;;
	--multiple-mode) mode=+multiple ;;
	evict-*) names="$names evict-a evict-b evict-c evict-d" ;;
	*-\*) ;;
	--*) ;;
	*) names="$names ${1#panthor/t@}" ;;
	esac
	shift
done
mkdir -p "$results"
. "$here/running.sh"
dead=0 job=0
# Where rules are broken, each subtest has the folder that igt_runner makes for it.
finding() {
	[ -f "$here/rules" ] && [ "$rules" != off ] || return 1
	mkdir -p "$results/igt/$job"
	echo "panthor/t $name" >>"$results/igt/joblist.txt"
	job=$((job + 1))
	rule=$(sed -n "s/^$defect $name //p" "$here/rules")
	[ -n "$rule" ] || return
	sleep 0.01
	printf '{"rule":"%s","time":%s}\n' "$rule" "$(date +%s.%N)" >>"$results/rules.jsonl"
	sleep 0.01
}
for name in ${names:-uapi-a uapi-b map-a}; do
	result=$(sed -n "s/^$defect$mode $name //p" "$here/fails") class=fail
	[ "$dead" = 0 ] || result=notrun
	case ${result:=pass} in
	pass) class=pass ;;
	known | skip) class=$result ;;
	dies) dead=1 result=incomplete ;;
	esac
	! finding || result=fail class=fail
	printf '{"id":"igt@panthor/t@%s","test":"panthor/t","subtest":"%s","result":"%s",' \
		"$name" "$name" "$result"
	printf '"class":"%s"}\n' "$class"
done >"$results/list"
status=0
! grep -q '"class":"fail"' "$results/list" || status=1
! grep -q incomplete "$results/list" || status=5
sed -e '$!s/$/,/' -e '1s/^/[/' -e '$s/$/]/' "$results/list" >"$results/verdicts.json"
exit "$status"
RUN
}

# defect NAME SUBTEST…: a planted defect that these subtests have to catch.
defect() {
	defect_name=$1
	shift
	echo "$defect_name.patch" >>"$MADE/kernel/regressions/series"
	for defect_subtest; do
		echo "Caught-by: t@$defect_subtest"
		echo "$defect_name $defect_subtest fail" >>"$MADE/fails"
	done >"$MADE/kernel/regressions/$defect_name.patch"
}

# rule_defect NAME RULE SUBTEST…: a planted defect that breaks this rule in these subtests.
rule_defect() {
	rule_defect_name=$1 rule_defect_rule=$2
	shift 2
	echo "$rule_defect_name.patch" >>"$MADE/kernel/regressions/series.rules"
	for rule_defect_subtest; do
		echo "Rule: $rule_defect_rule t@$rule_defect_subtest"
		echo "$rule_defect_name $rule_defect_subtest $rule_defect_rule" >>"$MADE/rules"
	done >"$MADE/kernel/regressions/$rule_defect_name.patch"
}

# misses NAME SUBTEST…: these subtests have to pass with that defect.
misses() {
	misses_patch=$MADE/kernel/regressions/$1.patch
	shift
	printf 'Missed-by: t@%s\n' "$@" >>"$misses_patch"
}

# patch NAME LINE…: a patch of the series with these lines below its three dashes.
patch() {
	patch_name=$1
	shift
	echo "$patch_name.patch" >>"$MADE/kernel/patches/series"
	{
		printf 'Subject: one\n\nCaught-by: t@not-here\n---\n'
		printf '%s\n' "$@"
		printf '\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n'
	} >"$MADE/kernel/patches/$patch_name.patch"
}

# fails_by DEFECT SUBTEST [RESULT]
fails_by() {
	echo "$1 $2 ${3:-fail}" >>"$MADE/fails"
}

# checked STATUS ARGS [PATTERN…]: ./check ARGS exits with STATUS; each pattern matches a line.
checked() {
	checked_status=$1 checked_args=$2 checked_got=0
	shift 2
	# shellcheck disable=SC2086 # words, none of which is a pattern of a file there
	(cd "$MADE" && ./check $checked_args) >"$SCRATCH/checked" 2>&1 || checked_got=$?
	cat "$SCRATCH/checked"
	same "status $checked_status" "status $checked_got"
	for checked_pattern; do
		grep -q -e "$checked_pattern" "$SCRATCH/checked" || {
			echo "no line like: $checked_pattern"
			return 1
		}
	done
}

# ---------------------------------------------------------------------------------------------

rule_caught() {
	fresh
	rule_defect quiet lock-moved uapi-b map-a
	checked 0 regressions:quiet '^pass  regressions: quiet' '^1 passed, 0 failed'
	same 2 "$(grep -c quiet.patch "$MADE/calls")"
	grep quiet.patch "$MADE/calls" | tail -n 1 | grep -q -e '--rules off'
}

rule_not_broken() {
	fresh
	rule_defect quiet lock-moved uapi-b map-a
	sed -i '/map-a/d' "$MADE/rules"
	checked 8 regressions:quiet '^FAIL  regressions: quiet' 'did not catch it: t@map-a'
}

other_rule_broken() {
	fresh
	rule_defect quiet lock-moved uapi-b
	sed -i 's/lock-moved/ring-invalid/' "$MADE/rules"
	checked 8 regressions:quiet 't@uapi-b broke ring-invalid, not lock-moved'
}

rule_caught_by_subtest() {
	fresh
	rule_defect quiet lock-moved uapi-b
	fails_by quiet uapi-b
	checked 8 regressions:quiet 'did not pass with it: t@uapi-b (fail)'
}

# The short list has the first defect of each group and the first of the referee.
short_list() {
	fresh
	defect two uapi-b map-a
	defect three map-a
	rule_defect quiet lock-moved uapi-b
	rule_defect silent ring-invalid map-a
	checked 0 'caught --list'
	same 'caught:every subtest can fail
caught:every scenario has its own defect
caught:remap-first-2m
caught:two
caught:quiet' "$(cat "$SCRATCH/checked")"
}

rule_not_named() {
	fresh
	rule_defect quiet lock-moved
	: >"$MADE/rules"
	checked 8 regressions:quiet 'kernel/regressions/quiet.patch has no Rule line'
}

check 'a defect that the referee alone notices' rule_caught
check '... and does not, in one of the subtests' rule_not_broken
check '... by another rule' other_rule_broken
check '... that a subtest notices as well' rule_caught_by_subtest
check '... without a Rule line' rule_not_named
check 'the short list has a defect of each group and of the referee' short_list

unknown_group() {
	fails_with 2 'check: lunch: no such group; see ./check --help' "$REPO/check" lunch
}

unknown_defect() {
	fails_with 2 'check: matrix:lunch: no such item; see ./check --list matrix' "$REPO/check" \
		matrix:lunch
}

all_caught() {
	fresh
	defect two uapi-b map-a
	checked 0 regressions '^pass  regressions: every subtest can' '^pass  regressions: two' \
		'^ *uapi *map$' '^two *1/1 *1/1$' '^remap-first-2m *1/1$' '^5 passed, 0 failed'
	grep -q '^two t@map-a caught$' "$MADE/build/check/latest/matrix.txt"
	grep -q -e '--stock .*/two.patch' "$MADE/calls"
}

# A defect that one of its subtests does not see.
survivor() {
	fresh
	defect two uapi-b map-a
	sed -i '/^two map-a/d' "$MADE/fails"
	checked 8 regressions '^FAIL  regressions: two' 'did not catch it: t@map-a' \
		'^two *1/1 *0/1$'
	same 'failed: regressions: two
4 passed, 1 failed, 0 skipped' "$(tail -n 2 "$SCRATCH/checked")"
	grep -q 'tests="5" failures="1"' "$MADE/build/check/latest/junit.xml"
}

# Nothing at all fails: the run has another status.
survives_all() {
	fresh
	defect two uapi-b map-a
	sed -i '/^two/d' "$MADE/fails"
	checked 8 regressions '^FAIL  regressions: two' 'ended with status 0: nothing failed'
}

# What fails on the driver as it is proves nothing.
known_failure() {
	fresh
	defect two uapi-b map-a
	sed -i 's/^two map-a.*/two map-a known/' "$MADE/fails"
	checked 8 regressions 'did not catch it: t@map-a'
}

names_nobody() {
	fresh
	defect two uapi-b map-a
	defect three
	checked 8 regressions '^FAIL  regressions: three' 'three.patch has no Caught-by line'
}

useless_subtest() {
	fresh
	defect two uapi-b
	checked 8 regressions 'catches no defect: t@map-a'
}

# A subtest for which no defect was planted yet is a skip, as long as that is so.
admitted_subtest() {
	fresh
	defect two uapi-b
	echo 't@map-a # soon' >"$MADE/kernel/regressions/unproven"
	checked 0 regressions '^skip  regressions: every subtest can fail' \
		'| no defect was planted yet for 1 subtests: kernel/regressions/unproven'
	defect three map-a
	checked 8 regressions 'unproven names what catches one, or no subtest: t@map-a'
}

gone_subtest() {
	fresh
	defect two uapi-b map-a map-z
	checked 8 regressions 'is named, but no subtest: t@map-z'
}

gone_misser() {
	fresh
	defect two uapi-b map-a
	misses two uapi-z
	checked 8 regressions 'is named, but no subtest: t@uapi-z'
}

# What misses a defect runs on the same boot, and is no part of the matrix.
missed() {
	fresh
	defect two uapi-b
	misses two uapi-a map-a
	defect three map-a
	checked 0 regressions '^pass  regressions: two' '^two *1/1$'
	same 'panthor/t@uapi-b panthor/t@uapi-a panthor/t@map-a' \
		"$(sed -n 's,.*two\.results/1 ,,p' "$MADE/calls")"
}

# not_missed RESULT: what has to pass with the defect does not.
not_missed() {
	fresh
	defect two uapi-b
	misses two uapi-a
	defect three map-a
	fails_by two uapi-a "$1"
	checked 8 regressions '^FAIL  regressions: two' "did not pass with it: t@uapi-a ($1)"
}

# Alone on the next boot, which fails nothing.
missed_later() {
	fresh
	defect two uapi-b map-a
	misses two uapi-a
	sed -i 's/^two uapi-b.*/two uapi-b dies/; s/^two map-a.*/two map-a dies/' "$MADE/fails"
	checked 0 regressions '^pass  regressions: two'
	same 3 "$(grep -c two.patch "$MADE/calls")"
}

scenarios() {
	fresh
	apart
	defect two uapi-b
	misses two map-a
	defect three map-a
	misses three uapi-a
	checked 0 regressions '^all: remap-first-2m, two$' '^    uapi-a uapi-b$' '^other: three$' \
		'^    map-a$'
}

# A defect that two scenarios catch, and one that no subtest misses.
scenario_without() {
	fresh
	apart
	defect two uapi-b map-a
	misses two uapi-a
	defect three map-a
	checked 8 regressions \
		'^FAIL  regressions: every scenario has its own defect' '^other: none$' \
		'has no defect of its own: other' '^5 passed, 1 failed'
}

scenario_of_patch() {
	fresh
	apart
	patch 0001-a 'Caught-by: t@map-a' 'Missed-by: t@uapi-b'
	fails_by 0001-a map-a
	fails_by remap-first-2m+series uapi-a
	defect two uapi-b
	checked 0 regressions '^other: 0001-a$'
	fails_by 0001-a uapi-b
	checked 8 regressions '^FAIL  reverts: 0001-a' 'did not pass with it: t@uapi-b (fail)'
}

# The board dies in the first subtest; the second has its turn after that.
dies() {
	fresh
	defect two uapi-b map-a
	sed -i 's/^two uapi-b.*/two uapi-b dies/' "$MADE/fails"
	checked 0 regressions '^pass  regressions: two'
	same 2 "$(grep -c two.patch "$MADE/calls")"
}

dies_and_survives() {
	fresh
	defect two uapi-b map-a
	sed -i -e 's/^two uapi-b.*/two uapi-b dies/' -e 's/^two map-a.*/two map-a known/' \
		"$MADE/fails"
	checked 8 regressions '^FAIL  regressions: two'
}

patch_caught() {
	fresh
	patch 0001-a 'Caught-by: t@uapi-b' 'Caught-by: t@map-a'
	fails_by 0001-a uapi-b
	fails_by 0001-a map-a
	fails_by remap-first-2m+series uapi-a
	checked 0 regressions '^pass  reverts: 0001-a' '^0001-a *1/1 *1/1$' \
		'^pass  regressions: remap-first-2m, on the series'
	grep -q -e '--without 0001-a.patch' "$MADE/calls"
}

patch_idle() {
	fresh
	defect two uapi-b map-a
	patch 0001-a 'Caught-by: t@uapi-b' 'Caught-by: t@map-a'
	fails_by 0001-a uapi-b
	checked 8 regressions '^FAIL  reverts: 0001-a' 'did not catch it: t@map-a'
}

patch_kunit() {
	fresh
	defect two uapi-b map-a
	patch 0001-a 'KUnit: they need it'
	fails_by 0001-a uapi-a
	checked 0 regressions '^pass  reverts: 0001-a'
	grep -q -e '--kunit --without 0001-a.patch' "$MADE/calls"
}

patch_kunit_idle() {
	fresh
	defect two uapi-b map-a
	patch 0001-a 'KUnit: they need it'
	checked 8 regressions '^FAIL  reverts: 0001-a' 'the KUnit tests pass without'
}

# A patch that no test proves is a skip, with its reason.
patch_untested() {
	fresh
	defect two uapi-b map-a
	patch 0001-a 'Untested: a race'
	checked 0 regressions '^skip  reverts: 0001-a' '| kernel/patches/0001-a.patch has no test: a race'
}

# patch_silent LINE…: lines that do not say what has to be said.
patch_silent() {
	fresh
	defect two uapi-b map-a
	patch 0001-a "$@"
	checked 8 regressions '^FAIL  reverts: 0001-a' \
		'0001-a.patch needs either Caught-by lines or a line KUnit or Untested below ---'
}

# With two lanes one board boots while another one runs; with one lane none does. The run of a defect
# notes its begin, waits TENTHS of a second at most for the begin of the other, and notes its end.
# lanes JOBS TENTHS WANTED
lanes() {
	fresh
	defect two uapi-b map-a
	# shellcheck disable=SC2016 # for the stub
	echo "tenths=$2"'
		[ -z "$defect" ] || echo begin >>"$here/times"
		while [ "$(grep -c begin "$here/times")" -lt 2 ] && [ "$tenths" -gt 0 ]; do
			tenths=$((tenths - 1))
			sleep 0.1
		done
		[ -z "$defect" ] || echo end >>"$here/times"' >"$MADE/running.sh"
	checked 0 "--jobs $1 regressions" '^5 passed, 0 failed'
	same "$3" "$(head -n 2 "$MADE/times" | paste -s -d ' ')"
}

# However ./check ends, its lanes do so too.
# lanes_end SIGNAL
lanes_end() {
	fresh
	defect two uapi-b map-a
	# shellcheck disable=SC2016 # for the stub
	echo '[ -z "$defect" ] || { echo $$ >"$here/lane.new"; mv "$here/lane.new" "$here/lane"
		while :; do sleep 0.1; done; }' >"$MADE/running.sh"
	(
		flock 6
		cd "$MADE" && exec env --default-signal=INT ./check regressions
	) >"$SCRATCH/checked" 2>&1 6>"$SCRATCH/alive" &
	lanes_check=$!
	wait_for test -e "$MADE/lane"
	kill -s "$1" "$lanes_check"
	wait "$lanes_check" || :
	wait_for gone "$(cat "$MADE/lane")"
	# What a ./check that is killed leaves behind has a moment more, and still writes there.
	flock -w 30 "$SCRATCH/alive" true
}

# A lane that is killed is a failure.
lane_killed() {
	fresh
	defect two uapi-b map-a
	# shellcheck disable=SC2016 # for the stub
	echo '[ "$defect" != two ] || kill -KILL $(ps -o ppid= $$)' >"$MADE/running.sh"
	checked 8 regressions '^FAIL  regressions: two .* exit 137$' '^4 passed, 1 failed'
}

bad_options() {
	fails_with 2 'check: --jobs 0: not a number of boards: type 1 or more' "$REPO/check" --jobs 0
	fails_with 2 'check: --jobs needs a number: see ./check --help' "$REPO/check" --jobs
	fails_with 2 'check: --lunch: no such option; see ./check --help' "$REPO/check" --lunch
}

items_listed() {
	fresh
	defect two uapi-b
	patch 0001-a 'Caught-by: t@map-a'
	(cd "$MADE" && ./check --list 'regressions:*a*' 'matrix:t*') >"$SCRATCH/checked"
	same 'regressions:every subtest can fail
regressions:every scenario has its own defect
regressions:remap-first-2m
regressions:remap-first-2m, on the series
regressions:restore-sparse-vmas
regressions:0001-a
matrix:two' "$(cat "$SCRATCH/checked")"
	same '' "$(cat "$MADE/calls")"
	same '' "$(ls -A "$MADE/build/check")"
}

item_selected() {
	fresh
	defect two uapi-b map-a
	checked 0 regressions:t* '^pass  regressions: two' '^two *1/1 *1/1$' '^1 passed, 0 failed'
}

# Results of older runs stay, and a run that is resumed repeats what failed, or had no turn.
resumed() {
	fresh
	defect two uapi-b map-a
	git -C "$MADE" init -q
	git -C "$MADE" -c user.name=a -c user.email=a commit -q --allow-empty -m a
	echo '/*' >"$MADE/.git/info/exclude"
	sed -i 's/^two map-a.*/two map-a pass/' "$MADE/fails"
	checked 8 regressions '^4 passed, 1 failed'
	fails_by two map-a
	sed -i '/^two map-a pass/d' "$MADE/fails"
	: >"$MADE/calls"
	checked 0 '--resume regressions' '^pass  regressions: remap-first-2m *before$' \
		'^pass  regressions: two .* s$' '^two *1/1 *1/1$' '^5 passed, 0 failed'
	same 1 "$(wc -l <"$MADE/calls")"
	git -C "$MADE" -c user.name=a -c user.email=a commit -q --allow-empty -m b
	checked 2 '--resume regressions' \
		'^check: --resume: the tree has changed since: leave the option out$'
	checked 0 regressions:two
	same 2 "$(find "$MADE/build/check" -mindepth 1 -maxdepth 1 -type d | wc -l)"
}

nothing_resumed() {
	fresh
	checked 2 --resume '^check: --resume: there is no run before: leave the option out$'
}

matrix() {
	fresh
	defect two uapi-b
	fails_by two map-a
	defect three map-a
	checked 0 matrix '^pass  matrix: two' '^remap-first-2m *\. *1$' '^two *1 *1$' \
		'^three *1 *\.$' \
		'^only uapi-\*: remap-first-2m$' '^only map-\*: three$'
	checked 0 matrix:three '^three *1 *\.$' '^1 passed, 0 failed'
}

matrix_redundant() {
	fresh
	defect two uapi-b
	fails_by two map-a
	checked 1 matrix '^only map-\*: none$' '^FAIL  matrix: only map-\* catches'
}

# The suite in a process for each binary, without a defect and with one that fails some of evict-*.
multiple() {
	fresh
	for multiple_name in evict-a evict-b evict-d; do
		fails_by evicted-next-lost "$multiple_name"
		fails_by evicted-next-lost+multiple "$multiple_name"
	done
	[ $# -eq 0 ] || "$@"
}

multiple_alike() {
	multiple
	checked 0 board '^pass  board: sparse suite, a process for each binary' \
		'^pass  board: evict-\* on a defect, a process for each binary'
}

multiple_fails() {
	multiple fails_by +multiple map-a
	checked 1 board '^FAIL  board: sparse suite, a process for each binary' \
		'| igt@panthor/t@map-a: pass in a process of its own, fail beside others' \
		'^pass  board: evict-\* on a defect, a process for each binary'
}

# The row that failed is shown, although more rows than the excerpt has lines follow.
failed_row_shown() {
	fresh
	{
		echo 'echo "panthor/t@early fail 0.10 s"'
		echo 'seq -f "panthor/t@late-%g pass 0.10 s" 30; exit 1'
	} >"$MADE/running.sh"
	checked 1 'board:*64?KiB' '^ *| panthor/t@early fail 0.10 s$'
	! grep 't@late-' "$SCRATCH/checked"
}

# What fails each time is alike, and still no healthy suite.
multiple_fails_alike() {
	multiple fails_by +multiple map-a
	fails_by '' map-a
	checked 1 board '^FAIL  board: sparse suite, a process for each binary'
}

multiple_defect_spreads() {
	multiple fails_by evicted-next-lost+multiple evict-c
	checked 1 board '^pass  board: sparse suite, a process for each binary' \
		'^FAIL  board: evict-\* on a defect, a process for each binary' \
		'| igt@panthor/t@evict-c: pass in a process of its own, fail beside others'
}

multiple_defect_idle() {
	multiple sed -i '/ evict-a /d' "$MADE/fails"
	checked 1 board '^FAIL  board: evict-\* on a defect, a process for each binary' \
		'| only 2 fail, of 3 that have to'
}

# The suite, and a defect, on tests that are linked without libigt.
standalone() {
	fresh
	fails_by remap-first-2m+standalone uapi-a
	[ $# -eq 0 ] || "$@"
}

standalone_alike() {
	standalone
	checked 0 standalone '^pass  standalone: sparse suite' '^pass  standalone: remap-first-2m' \
		'^2 passed, 0 failed'
}

standalone_fails() {
	standalone fails_by +standalone map-a
	checked 1 standalone '^FAIL  standalone: sparse suite' '^pass  standalone: remap-first-2m'
}

standalone_defect_spreads() {
	standalone fails_by remap-first-2m+standalone map-a
	checked 1 standalone '^pass  standalone: sparse suite' '^FAIL  standalone: remap-first-2m' \
		'| igt@panthor/t@map-a: pass with libigt, fail without it'
}

standalone_defect_idle() {
	standalone sed -i '/^remap-first-2m/d' "$MADE/fails"
	checked 1 standalone '^FAIL  standalone: remap-first-2m'
}

# The own defects of a scenario are caught by no other, in the whole suite.
matrix_scenarios() {
	fresh
	apart
	defect two uapi-b
	misses two map-a
	defect three map-a
	misses three uapi-a
	fails_by two map-a
	patch 0001-a 'Caught-by: t@map-a' 'Missed-by: t@uapi-b'
	fails_by 0001-a map-a
	checked 1 matrix '^FAIL  matrix: two' '^pass  matrix: three' \
		'^pass  matrix: without 0001-a' \
		'own defect of all, but caught by t@map-a of other'
}

check 'an unknown group: one line, status 2' unknown_group
check 'an unknown defect: one line, status 2' unknown_defect
check 'all defects are caught' all_caught
check 'a subtest that does not catch its defect is named, and the defect at the end' survivor
check '... and so is a defect that changes nothing' survives_all
check 'a known failure is no proof' known_failure
check 'a defect that names no subtest' names_nobody
check 'a subtest that nothing names' useless_subtest
check '... or is said to have no defect yet' admitted_subtest
check 'a subtest that is gone' gone_subtest
check '... or a misser that is gone' gone_misser
check 'what misses a defect passes on the same boot' missed
for result in fail skip known; do
	check "... and is named if it does not: $result" not_missed "$result"
done
check '... or on the next boot, if the board died' missed_later
check 'the own defects of each scenario are printed' scenarios
check '... and a scenario without any' scenario_without
check '... and patches are among them' scenario_of_patch
check 'what had no turn has one on the next boot' dies
check '... and is judged then' dies_and_survives
check 'a patch is taken out of the series' patch_caught
check '... and not missed by all of its subtests' patch_idle
check 'a patch that the KUnit tests need' patch_kunit
check '... and do not' patch_kunit_idle
check 'a patch that does not say so' patch_silent 'It moves code.'
check 'a patch that no test proves: a skip' patch_untested
check 'a patch that says both' patch_silent 'Caught-by: t@map-a' 'KUnit: both'
check 'one lane: one defect after the other' lanes 1 5 'begin end'
check '... two: side by side' lanes 2 300 'begin begin'
for signal in TERM INT KILL; do
	check "... and no longer than ./check lives: $signal" lanes_end "$signal"
done
check '... one that is killed has failed' lane_killed
check 'bad options: one line, status 2' bad_options
check 'items are listed, and nothing runs' items_listed
check 'one item alone' item_selected
check 'a run is resumed, and only on the same tree' resumed
check '... and not without one' nothing_resumed

# mutating SCORE STATUS: what ./run --mutants leaves.
mutating() {
	cat >"$MADE/mutating.sh" <<MUTATING
echo '{"score": $1}' >"\$4/mutants.json"
echo 'of 40: $1' >"\$4/mutants.txt"
exit $2
MUTATING
}

mutants_killed() {
	fresh
	mutating 100 0
	checked 0 mutants '^pass  mutants: drawn at random' '^of 40: 100$' '^1 passed, 0 failed'
	grep -q -e '^--mutants 40 --results' "$MADE/calls"
}

mutants_mostly() {
	fresh
	mutating 95 8
	checked 0 mutants '^pass  mutants: drawn'
}

mutants_survive() {
	fresh
	mutating 94.9 8
	checked 8 mutants '^FAIL  mutants: drawn' '^of 40: 94.9$' '^failed: mutants: drawn'
}

mutants_unjudged() {
	fresh
	mutating 100 5
	checked 8 mutants '^FAIL  mutants: drawn .* exit 5$'
}

mutants_chosen() {
	fresh
	mutating 100 0
	export VMALI_MUTANTS=8:17
	checked 0 mutants '^pass  mutants: drawn'
	grep -q -e '^--mutants 8:17 --results' "$MADE/calls"
}

check 'mutants that are all killed' mutants_killed
check '... mostly' mutants_mostly
check '... not often enough' mutants_survive
check '... without a verdict' mutants_unjudged
check '... of a number and a seed' mutants_chosen
check 'the matrix of all' matrix
check '... and defects that are caught outside their scenario' matrix_scenarios
check '... and groups that are alone with nothing' matrix_redundant

check 'a process for each binary: the same verdicts' multiple_alike
check '... or not' multiple_fails
check '... whose rows are shown' failed_row_shown
check '... or failures in both' multiple_fails_alike
check '... a defect fails more of them' multiple_defect_spreads
check '... or too few' multiple_defect_idle

check 'tests without libigt: the same verdicts' standalone_alike
check '... or not' standalone_fails
check '... or not, on a defect' standalone_defect_spreads
check '... which has to fail some' standalone_defect_idle

checks_done
