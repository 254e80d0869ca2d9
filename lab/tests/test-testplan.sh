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

if [ "${1:-}" != inside ]; then
	for part in common toolbox; do
		# shellcheck source=/dev/null
		. "$REPO/lab/$part.sh"
	done
	if ! cache_has toolbox "$(toolbox_key)"; then
		echo '0 passed, 0 failed, 1 skipped: no toolbox in the cache'
		exit 77
	fi
	toolbox_exec sh "$REPO/lab/tests/test-testplan.sh" inside
fi

# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"

# A project of one test with two subtests, a planted defect and a change of the driver.
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
 * Hunts: What is <missing>.
 * Description: Of the test.
 *
 * SUBTEST: map-one
 * Run type: BAT, FULL
 * Description: One, and
 *	more of it.
 *
 * SUBTEST: map-two
 * Description: Two.
 */

/**
 * function:
 * @argument: no test
 */
SOURCE
	lists map-one map-two
	echo plant.patch >regressions/series
	printf 'SPDX-License-Identifier: MIT\n\nPlant it\n\nBecause.\n\n%s\n---\ndiff a b\n' \
		'Caught-by: panthor_vm_sparse@map-one' >regressions/plant.patch
	printf '# none\n0001-fix.patch # the first\n' >patches/series
	printf 'Subject: [PATCH 1/2] drm/panthor: Fix\n it\n\nWhy.\n\n---\n%s\n\ndiff a b\n' \
		'Caught-by: panthor_vm_sparse@map-two' >patches/0001-fix.patch
	printf '# It never\n# worked.\npanthor/panthor_vm_sparse@map-two,Fail\n' >7.3-fails.txt
}

# lists NAME…: what the test lists.
lists() {
	printf '#!/bin/sh\n[ "$*" = --list-subtests ] && printf "%%s\\n" %s\n' "$*" \
		>panthor_vm_sparse
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
	for line in ':Description: One, and more of it.' ':Hunts: What is <missing>.' \
		':Run type: BAT, FULL' ':Catches: `plant: Plant it <defect-plant_>`__' \
		':Fixed by: `0001-fix: drm/panthor: Fix it <patch-0001-fix_>`__' \
		':Fails: on 7.3: It never worked.' ':Subtests: `panthor_vm_sparse@map-two'; do
		grep -q -F -e "$line" plan.rst || fails echo "not in the RST: $line"
	done
	for line in '<h3 id="panthor-vm-sparse-map-one">map-one</h3>' 'What is &lt;missing&gt;.' \
		'<a href="#defect-plant">plant: Plant it</a>'; do
		grep -q -F -e "$line" plan.html || fails echo "not in the HTML: $line"
	done
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
check 'the plan says what each subtest does, hunts and catches' plan_holds
check 'the plan depends on all that it was made of' plan_knows_its_inputs

# ---------------------------------------------------------------------------------------------
# What fails the build

undocumented() {
	fresh
	lists map-one map-two map-three
	refused '*panthor_vm_sparse.c: map-three: undocumented'
}

gone() {
	fresh
	lists map-one
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
	refused '*:18: panthor_vm_sparse@map-two: lacks the field Description'
}

unknown_field() {
	fresh
	document 's/Description: Two/Descriptoin: Two/'
	fails_with 1 '*:19: no field is called Descriptoin*lacks the field Description' \
		two_lines_as_one
}

twice() {
	fresh
	document 's/SUBTEST: map-two/SUBTEST: map-one/'
	lists map-one
	rm 7.3-fails.txt patches/*.patch
	: >patches/series
	: >7.3-fails.txt
	refused 'panthor_vm_sparse@map-one: documented twice'
}

wrong_feature() {
	fresh
	document 's/Feature: map/Feature: evict/; /SUBTEST: map-two/,/Two/d'
	lists map-one
	: >patches/series
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
	cp panthor/panthor_vm_sparse.c panthor/panthor_vm_sparse_b.c
	refused '*panthor_vm_sparse_b.c: documented, but no such test is built'
}

gone_from_patch() {
	fresh
	echo 'Caught-by: panthor_vm_sparse@map-three' >regressions/plant.patch
	refused '*plant.patch: Caught-by: panthor_vm_sparse@map-three: no such subtest*'
}

gone_from_expectations() {
	fresh
	echo 'panthor/panthor_vm_sparse@map-three,Fail' >7.3-fails.txt
	refused 'panthor_vm_sparse@map-three: is expected to fail, but not documented'
}

check 'a subtest without documentation' undocumented
check 'documentation without a subtest' gone
for field in Category 'Mega feature' Sub-category Functionality 'Test category' Hunts; do
	check "no $field" lacks "$field"
done
check 'no Description' lacks_description
check 'a field that nobody knows' unknown_field
check 'a subtest documented twice' twice
check 'a Feature that is not the group' wrong_feature
check 'a test list that is not there' unknown_list
check 'a source that is not built' not_built
check 'a patch that names no subtest' gone_from_patch
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
	cp -r meson.build meson.options benchmarks docs kernel lab lib tests vmali "$SCRATCH/project"
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
check 'ninja fails: undocumented' build_fails '/SUBTEST: map-blocks/,/beyond/d' \
	'map-blocks: undocumented'
check 'ninja fails: gone' build_fails 's/"map-blocks"/"map-cubes"/' \
	'map-blocks: documented, but there is no such subtest'
check 'ninja fails: a field is missing' build_fails '/^ \* Hunts:/,/^ \* Desc/d' \
	'map-blocks: lacks the field Hunts'

checks_done
