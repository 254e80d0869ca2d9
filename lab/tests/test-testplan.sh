#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# docs/testplan: what it takes from the sources, patches and expectations, and each fault for which
# the build has to fail. The tests are scripts that list subtests, as the binaries do; the last part
# builds the project's own tests with meson. Runs itself in the toolbox, whose tools it needs.

# shellcheck disable=SC2317,SC2329 # check() calls the functions
# shellcheck disable=SC2016,SC2034,SC2046,SC2086 # backquotes are text; words are meant

set -eu

REPO=$(readlink -f -- "$(dirname -- "$0")/../..")

# shellcheck source=lab/tests/inside.sh
. "$REPO/lab/tests/inside.sh"
[ "${1:-}" = inside ] || become_inside test-testplan.sh

# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"

# A project of one test with two subtests in two scenarios, a planted defect and a change of the
# driver.
fresh() {
	rm -rf "$SCRATCH/p"
	mkdir -p "$SCRATCH/p/panthor" "$SCRATCH/p/regressions" "$SCRATCH/p/patches"
	cd "$SCRATCH/p"
	cp "$REPO/tests/panthor/panthor_test_config.json" panthor/
	cat >panthor/panthor_vm_sparse.c <<'SOURCE'
/**
 * TEST: All of it
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: map
 * Test category: functionality test
 * Run type: FULL
 * Scenario: map-small
 * Failure mode: What is <missing>.
 * Description: Of the test.
 *
 * SUBTEST: map-one
 * Run type: BAT, FULL
 * Description: One, and
 *	more of it.
 *
 * SUBTEST: map-two
 * Scenario: map-large
 * Description: Two.
 */

/**
 * function:
 * @argument: no test
 */

/*
 * The scenarios:
 *
 * 1. map-small: what a bind
 *    forgets.
 * 2. map-large: too much.
 *
 * 64 pages fit.
 */
SOURCE
	lists map-one 'One, and more of it.' map-two Two.
	echo plant.patch >regressions/series
	printf 'SPDX-License-Identifier: MIT\n\nPlant it\n\nBecause.\n\n%s\n%s\n---\ndiff a b\n' \
		'Caught-by: panthor_vm_sparse@map-one' 'Missed-by: panthor_vm_sparse@map-two' \
		>regressions/plant.patch
	printf '# none\n0001-fix.patch # the first\n' >patches/series
	printf 'Subject: [PATCH 1/2] drm/panthor: Fix\n it\n\n%s\n\n---\n%s\n%s\n\ndiff a b\n' \
		'Caught-by: nobody' 'Caught-by: panthor_vm_sparse@map-two' \
		'Missed-by: panthor_vm_sparse@map-one' >patches/0001-fix.patch
	printf '# It never\n# worked.\npanthor/panthor_vm_sparse@map-two,Fail\n' >7.3-fails.txt
}

# lists [NAME DESCRIPTION]…: what the test lists and describes, the latter as libigt prints it.
lists() {
	{
		printf '#!/bin/sh\ncase $* in\n--list-subtests) cat <<LIST\n'
		lists_described=''
		while [ $# -gt 0 ]; do
			printf '%s\n' "$1"
			lists_described="$lists_described
SUB $1 ../tests/panthor/panthor_vm_sparse.c:7:
$(printf '%s' "$2" | fold -s -w 40 | sed 's/^/  /')
"
			shift 2
		done
		printf 'LIST\n;;\n--describe) cat <<LIST\nOf it.\n%s\nLIST\n;;\nesac\n' \
			"$lists_described"
	} >panthor_vm_sparse
	chmod 755 panthor_vm_sparse
}

# document SED: changes the source.
document() {
	sed -i "$1" panthor/panthor_vm_sparse.c
}

plan() {
	python3 -B "$REPO/docs/testplan/testplan.py" --config panthor/panthor_test_config.json \
		--test ./panthor_vm_sparse --regressions regressions --patches patches \
		--expectations . --rst plan.rst --html plan.html --depfile plan.d "$@"
}

# refused LINE ARG…: the plan is refused with one line, and not written.
refused() {
	refused_line=$1
	shift
	fails_with 1 "testplan: $refused_line" plan "$@"
	[ ! -e plan.rst ] && [ ! -e plan.html ]
}

# ---------------------------------------------------------------------------------------------
# The plan

plan_holds() {
	plan
	for line in ':Description: One, and more of it.' ':Failure mode: What is <missing>.' \
		':Run type: BAT, FULL' ':Catches: `plant: Plant it <defect-plant_>`__' \
		':Fixed by: `0001-fix: drm/panthor: Fix it <patch-0001-fix_>`__' \
		':Fails: on 7.3: It never worked.' ':Subtests: `panthor_vm_sparse@map-two' \
		':Scenario: `map-small <scenario-map-small_>`__' \
		':Failure mode: what a bind forgets.' \
		':Own defects: `plant: Plant it <defect-plant_>`__' \
		':Own defects: `0001-fix: drm/panthor: Fix it <patch-0001-fix_>`__' \
		':Own defect of: `map-small <scenario-map-small_>`__' \
		':Missed by: `panthor_vm_sparse@map-two <panthor-vm-sparse-map-two_>`__'; do
		grep -q -F -x -e "$line" plan.rst || grep -q -F -e "$line <" plan.rst ||
			fails echo "not in the RST: $line"
	done
	for line in '<h3 id="panthor-vm-sparse-map-one">map-one</h3>' 'What is &lt;missing&gt;.' \
		'<a href="#defect-plant">plant: Plant it</a>' \
		'<h3 id="scenario-map-large">map-large</h3>'; do
		grep -q -F -e "$line" plan.html || fails echo "not in the HTML: $line"
	done
}

# A defect that is caught by two scenarios, or missed by nothing, is none's own.
plan_knows_own_defects() {
	plan --scenarios plan.scenarios
	same 'scenario map-small
subtest map-small panthor_vm_sparse@map-one
own map-small regressions plant
scenario map-large
subtest map-large panthor_vm_sparse@map-two
own map-large patches 0001-fix' "$(cat plan.scenarios)"
	sed -i /^Missed-by/d regressions/plant.patch
	echo 'Caught-by: panthor_vm_sparse@map-one' >patches/0001-fix.patch
	echo 'Caught-by: panthor_vm_sparse@map-two' >>patches/0001-fix.patch
	plan --scenarios plan.scenarios
	same '' "$(grep ^own plan.scenarios)"
	same 2 "$(grep -c -x ':Own defects: none' plan.rst)"
}

# A patch that is added or changed makes the plan anew.
plan_knows_its_inputs() {
	plan
	for input in panthor/panthor_vm_sparse.c regressions/series regressions/plant.patch \
		patches/0001-fix.patch 7.3-fails.txt; do
		grep -q -F -e "$input" plan.d || fails echo "not in the depfile: $input"
	done
}

fresh
check 'the plan says what each subtest does, what it fails with, and what it catches' plan_holds
check 'the plan depends on all that it was made of' plan_knows_its_inputs
check 'the plan knows the own defects of a scenario' plan_knows_own_defects

# ---------------------------------------------------------------------------------------------
# Names with wildcards

# wildcards LINE…: the fields of what this block documents, with the test's scenarios as they are.
wildcards() {
	fresh
	sed -i '/SUBTEST: map-one/,/Two\./d' panthor/panthor_vm_sparse.c
	{
		echo '/**'
		printf ' * %s\n' "$@"
		echo ' */'
	} >>panthor/panthor_vm_sparse.c
	: >patches/series
	: >regressions/series
	: >7.3-fails.txt
	python3 -B "$REPO/docs/testplan/testplan.py" --config panthor/panthor_test_config.json \
		--rst plan.rst --fields plan.fields
	sed -n 's/^panthor_vm_sparse@\(.*\)\tDescription\t/\1: /p' plan.fields
}

TAB=$(printf '\t')

expands() {
	got=$(wildcards 'SUBTEST: map-%s-%d' 'Scenario: map-small' 'Description: Map %arg[2] of' \
		"${TAB}arg[1]." '' 'SUBTEST: map-%s' 'Scenario: map-large' \
		'Description: Map arg[1].' '' 'arg[1]:' '' "@page:${TAB}a page" \
		"@block:${TAB}a block" "${TAB}of 2 MiB" '' 'arg[2].values: 2,' 'arg[2].values: 8')
	same 'map-page-2: Map 2 of a page.
map-page-8: Map 8 of a page.
map-block-2: Map 2 of a block of 2 MiB.
map-block-8: Map 8 of a block of 2 MiB.
map-page: Map a page.
map-block: Map a block of 2 MiB.' "$got"
}

# expands_not LINE BLOCK…: the block is refused with this line.
expands_not() {
	expands_line=$1
	shift
	wildcards "$@" 2>&1 | grep -q -e "^testplan: .*: $expands_line\$" || {
		wildcards "$@"
		return 1
	}
}

check 'a name with wildcards' expands
check '... without values' expands_not \
	'SUBTEST map-%s: arg\[1\] is not that of a wildcard or has no values' \
	'SUBTEST: map-%s' 'Description: One.' 'arg[1]:'
check '... and a text that refers to no wildcard' expands_not \
	'SUBTEST map-%s: arg\[2\] is not that of a wildcard or has no values' \
	'SUBTEST: map-%s' 'Description: %arg[2].' 'arg[1].values: a' 'arg[2].values: a'
check '... and a value without a text' expands_not \
	'SUBTEST map-a: the value of a wildcard has no text' \
	'SUBTEST: map-%s' 'Description: One.' 'arg[1]:' '@a:'
check '... and a value twice' expands_not 'arg\[1\]: the value a twice' \
	'SUBTEST: map-%s' 'Description: One.' 'arg[1]:' '@a: a' '@a: b'
check '... and a value that no name can have' expands_not \
	'SUBTEST map-A_1: not the name of a subtest' \
	'SUBTEST: map-%s' 'Description: One.' 'arg[1].values: A_1'
check '... and an argument that is a text' expands_not \
	'arg\[1\] needs a list of values, not a text' \
	'SUBTEST: map-%s' 'Description: One.' 'arg[1]: sizes' '@a: a'
check '... and a line that igt_doc.py would ignore' expands_not \
	'text that belongs to no field' \
	'SUBTEST: map-%s' 'Description: One.' 'arg[1]:' '@a: a' 'and more'

# ---------------------------------------------------------------------------------------------
# What fails the build

undocumented() {
	fresh
	lists map-one 'One, and more of it.' map-two Two. map-three Three.
	refused '*panthor_vm_sparse.c: map-three: undocumented'
}

gone() {
	fresh
	lists map-one 'One, and more of it.'
	refused '*panthor_vm_sparse.c: map-two: documented, but there is no such subtest'
}

lacks() {
	fresh
	document "/ \* $1: /d"
	fails_with 1 "*@map-one: lacks the field $1*@map-two: lacks the field $1" two_lines_as_one
}

# The same fault in both subtests, for fails_with.
two_lines_as_one() {
	plan_status=0
	plan 2>plan.err || plan_status=$?
	[ ! -e plan.rst ] || return 99
	tr '\n' ' ' <plan.err | sed 's/ $/\n/' >&2
	return "$plan_status"
}

lacks_description() {
	fresh
	document 's/ \* Description: Two./ */'
	lists map-one 'One, and more of it.' map-two ''
	refused '*:19: panthor_vm_sparse@map-two: lacks the field Description'
}

lacks_scenario() {
	fresh
	document '/Scenario: map-large/d; /2\. map-large/d; /Scenario: map-small/d
		s/^ \* Run type: BAT/ * Scenario: map-small\n&/'
	refused '*@map-two: lacks the field Scenario'
}

unknown_field() {
	fresh
	document 's/Description: Two/Descriptoin: Two/'
	lists map-one 'One, and more of it.' map-two ''
	fails_with 1 '*:21: no field is called Descriptoin*lacks the field Description' \
		two_lines_as_one
}

twice() {
	fresh
	document 's/SUBTEST: map-two/SUBTEST: map-one/; s/: Two\./: One, and more of it./'
	lists map-one 'One, and more of it.'
	rm 7.3-fails.txt patches/*.patch
	: >patches/series
	: >regressions/series
	: >7.3-fails.txt
	refused 'panthor_vm_sparse@map-one: documented twice'
}

wrong_feature() {
	fresh
	document 's/Feature: map/Feature: evict/; /SUBTEST: map-two/,/Two/d; /2\. map-large/d'
	lists map-one 'One, and more of it.'
	: >patches/series
	: >regressions/series
	: >7.3-fails.txt
	refused '*@map-one: its name does not begin with its Feature'
}

unknown_list() {
	fresh
	document 's/BAT, FULL/BAT, NIGHTLY/'
	refused '*@map-one: Run type NIGHTLY: there is no such test list'
}

not_built() {
	fresh
	sed 's/map-\(small\|large\)/&-b/' panthor/panthor_vm_sparse.c >panthor/panthor_vm_sparse_b.c
	refused '*panthor_vm_sparse_b.c: documented, but no such test is built'
}

# gone_from_patch TAG
gone_from_patch() {
	fresh
	echo "$1: panthor_vm_sparse@map-three" >regressions/plant.patch
	refused "*plant.patch: $1: panthor_vm_sparse@map-three: no such subtest*"
}

caught_and_missed() {
	fresh
	sed -i 's/^Missed-by: .*/Missed-by: panthor_vm_sparse@map-one/' regressions/plant.patch
	refused '*plant.patch: panthor_vm_sparse@map-one: both Caught-by and Missed-by'
}

other_description() {
	fresh
	lists map-one 'One, and less of it.' map-two Two.
	refused '*:14: *@map-one: its Description is not its igt_describe(): One, and less of it.'
}

described_elsewhere() {
	fresh
	sed -i 's,tests/panthor/panthor_vm_sparse.c,lib/igt_panthor_sparse.c,' panthor_vm_sparse
	fails_with 1 '*@map-one: --describe finds it in *lib/igt_panthor_sparse.c*@map-two: *' \
		two_lines_as_one
}

# leans BEGINNING
leans() {
	fresh
	document "s/: Two\\./: $1 for two./"
	lists map-one 'One, and more of it.' map-two "$1 for two."
	refused "*:19: *@map-two: its Description begins with \"$1\""
}

# As each of these words begins longer ones.
stands_alone() {
	fresh
	document 's/: Two\./: Some of two./'
	lists map-one 'One, and more of it.' map-two 'Some of two.'
	plan
}

too_long() {
	fresh
	long=$(printf '%0512d' 0)
	document "s/: Two\\./: $long/"
	lists map-one 'One, and more of it.' map-two ''
	sed -i "s/^SUB map-two .*/&\\n  $long/" panthor_vm_sparse
	refused '*@map-two: its Description has 512 characters, more than 511'
}

unlisted_scenario() {
	fresh
	document '/ 2\. map-large/d'
	refused '*:19: *@map-two: Scenario map-large is not in the list of the file'
}

scenario_without_subtest() {
	fresh
	document 's/ \* 64 pages fit\./ * 3. map-more: nothing./'
	refused '*:*: scenario map-more: no subtest is of it'
}

misnumbered_scenario() {
	fresh
	document 's/ 2\. map-large/ 3. map-large/'
	refused '*:*: scenario map-large: number 3 instead of 2'
}

scenario_twice() {
	fresh
	document 's/ \* 64 pages fit\./ * 3. map-small: again./'
	refused '*:*: scenario map-small: is in panthor_vm_sparse too'
}

gone_from_expectations() {
	fresh
	echo 'panthor/panthor_vm_sparse@map-three,Fail' >7.3-fails.txt
	refused 'panthor_vm_sparse@map-three: is expected to fail, but not documented'
}

check 'a subtest without documentation' undocumented
check 'documentation without a subtest' gone
for field in Category 'Mega feature' Sub-category Functionality 'Test category' 'Failure mode'; do
	check "no $field" lacks "$field"
done
check 'no Scenario' lacks_scenario
check 'no Description' lacks_description
check 'a field that nobody knows' unknown_field
check 'a subtest documented twice' twice
check 'a Feature that is not the group' wrong_feature
check 'a test list that is not there' unknown_list
check 'a source that is not built' not_built
check 'a patch that names no subtest' gone_from_patch Caught-by
check '... as one that misses it' gone_from_patch Missed-by
check 'a patch whose defect is both caught and missed' caught_and_missed
check 'a Description that is not igt_describe()' other_description
check 'a subtest that --describe finds in another file' described_elsewhere
for word in 'The same' Nor So; do
	check "a Description that leans on another: $word" leans "$word"
done
check '... and one that does not' stands_alone
check 'a Description that igt_describe() does not take' too_long
check 'a Scenario that the file does not list' unlisted_scenario
check 'a scenario without a subtest' scenario_without_subtest
check 'a scenario with the wrong number' misnumbered_scenario
check 'a scenario twice' scenario_twice
check 'an expectation that names no subtest' gone_from_expectations

# ---------------------------------------------------------------------------------------------
# Test lists

lists_written() {
	fresh
	plan --lists list --write-lists
	same 'igt@panthor/panthor_vm_sparse@map-one' "$(grep -v '^#' list.bat.testlist)"
	same 2 "$(grep -c '^igt@panthor/panthor_vm_sparse@map-' list.full.testlist)"
	plan --lists list
}

lists_stale() {
	fresh
	plan --lists list --write-lists
	rm plan.rst plan.html
	document 's/Run type: BAT, FULL/Run type: FULL/'
	refused 'list.bat.testlist: not what the sources say: run `ninja testlists`' --lists list
}

check 'the lists have what the sources say' lists_written
check 'a list that is stale' lists_stale

# ---------------------------------------------------------------------------------------------
# ./run --test-list

# listed WANTED ENTRY…: what of the tests a/t (one, two) and b (no subtests) a list of these leaves.
listed() {
	listed_wanted=$1
	shift
	# shellcheck source=lab/guest.sh
	. "$REPO/lab/guest.sh"
	WORK=$SCRATCH TEST_LIST=$SCRATCH/test.list
	printf '%s\n' "$@" >"$TEST_LIST"
	test_list_entries >"$WORK/unknown.txt"
	printf 'one\ntwo\n' >"$WORK/list.txt"
	test_list_keep a/t
	listed_got=$(sed 's,^,a/t@,' "$WORK/list.txt")
	echo >"$WORK/list.txt"
	test_list_keep b
	[ ! -s "$WORK/list.txt" ] || listed_got="$listed_got b"
	same "$listed_wanted" "$(printf '%s\n' "$listed_got" '|' | cat - "$WORK/unknown.txt" |
		paste -s -d ' ' -)"
}

check 'a list: one subtest' listed 'a/t@two |' 'igt@a/t@two'
check 'a list: comments, blanks, no prefix' listed 'a/t@one a/t@two b |' '# all' '' \
	'  igt@a/t@one # the first' 'a/t@two' igt@b
check 'a list: what is not there' listed 'a/t@one | a/t@on c@one a/one' igt@a/t@on igt@a/t@one \
	igt@c@one igt@a/one

# ---------------------------------------------------------------------------------------------
# The project's own build

cd "$REPO"
KERNEL_HEADERS=$(find "$CACHE_OF_USER"/vmali/kernel/*/headers/include -maxdepth 0 2>/dev/null |
	head -n 1)

project() {
	[ -n "$KERNEL_HEADERS" ] || skip 'no kernel in the cache'
	mkdir "$SCRATCH/project"
	cp -r meson.build meson.options benchmarks docs kernel lab lib tests tools vmali \
		"$SCRATCH/project"
	meson setup "$SCRATCH/build" "$SCRATCH/project" -Dboard=disabled -Dunit_tests=disabled \
		-Digt_tests=enabled -Dkernel_headers="$KERNEL_HEADERS"
	ninja -C "$SCRATCH/build"
	[ -s "$SCRATCH/build/docs/testplan/panthor_tests.html" ]
}

# build_fails SED PATTERN: after a change of a source, ninja fails and says why.
build_fails() {
	[ -d "$SCRATCH/project" ] || skip 'no kernel in the cache'
	source=$SCRATCH/project/tests/panthor/panthor_vm_sparse.c
	cp "$source" "$SCRATCH/saved.c"
	sed -i "$1" "$source"
	build_status=0
	ninja -C "$SCRATCH/build" >"$SCRATCH/ninja.log" || build_status=$?
	cp "$SCRATCH/saved.c" "$source"
	same 1 "$build_status"
	grep -q -e "$2" "$SCRATCH/ninja.log" || {
		cat "$SCRATCH/ninja.log"
		return 1
	}
}

# What igt_runner would start, of a list and of the whole test root.
runner_takes() {
	[ -d "$SCRATCH/project" ] || skip 'no kernel in the cache'
	list=$REPO/tests/panthor/panthor_vm_sparse.$1.testlist
	igt_runner -L --test-list "$list" "$SCRATCH/build/tests" >"$SCRATCH/listed"
	same "$(grep '^igt@' "$list")" "$(cat "$SCRATCH/listed")"
	igt_runner -L "$SCRATCH/build/tests" >"$SCRATCH/all"
	same '' "$(grep -v -x -F -f "$SCRATCH/all" "$SCRATCH/listed")"
}

check 'ninja makes the plan' project
check 'igt_runner takes the list bat' runner_takes bat
check 'igt_runner takes the list full' runner_takes full
# The first subtest of the file that is documented without wildcards.
some=$(sed -n 's/^ \* SUBTEST: \([a-z0-9-]*\)$/\1/p' tests/panthor/panthor_vm_sparse.c | head -n 1)
check 'ninja fails: undocumented' build_fails "s/SUBTEST: $some\$/&-or-not/" \
	"panthor_vm_sparse.c: $some: undocumented"
check 'ninja fails: gone' build_fails \
	"s/^ \* SUBTEST: $some\$/ * SUBTEST: map-none\n * Description: None.\n *\n&/" \
	'map-none: documented, but there is no such subtest'
check 'ninja fails: a field is missing' build_fails '/^ \* Failure mode:/,/^ \* Desc/d' \
	"$some: lacks the field Failure mode"
check 'ninja fails: another description' build_fails \
	"/SUBTEST: $some\$/,/Desc/s/Description:/& Do not/" \
	"$some: its Description is not its igt_describe()"

checks_done
