#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# lab/options.sh and the part of ./run that builds nothing: every option, its bad values with exit
# status 2 and one line, and the selection of subtests.
# shellcheck disable=SC2317,SC2329 # check() calls the functions
# shellcheck disable=SC2034 # the libraries under test read these variables

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
# shellcheck source=lab/common.sh
. "$REPO/lab/common.sh"
# shellcheck source=lab/options.sh
. "$REPO/lab/options.sh"
# shellcheck source=lab/guest.sh
. "$REPO/lab/guest.sh"

cd "$SCRATCH"
mkdir 'a tree' results full old
mkdir -p repo/kernel/patches
printf '# first\n0001-a.patch\n\n0002-b.patch # second\nx/0001-c.patch\nx/0002-b.patch\n' \
	>repo/kernel/patches/series
touch 'a tree/Kbuild' full/file old/metadata.json old/file linux.tar 'my first.patch' second.patch
mkfifo pipe
echo '+++ b/file' >added.patch
mkdir record
echo '{}' >record/metadata.json
echo '[]' >record/verdicts.json

# ---------------------------------------------------------------------------------------------
# What the variables become

# after VARIABLE WANTED ARG…: VARIABLE after parsing ARG….
after() {
	after_variable=$1 after_wanted=$2
	shift 2
	options_parse "$@"
	eval "same \"\$after_wanted\" \"\$$after_variable\""
}

# The same, in a repository that has a series of two patches.
after_series() {
	REPO=$SCRATCH/repo
	after "$@"
}

defaults() {
	options_parse
	same 'run keep 0 0 0 0 0 0 0 0 0 0' \
		"$ACTION $TLB $CPU_PAGE $STOCK $SANITIZE $KUNIT $MULTIPLE $FAIL_FAST $NO_SKIPS $HOST_TOOLS \
$QUIET $VERBOSE"
	same '' "$MUTANTS$MUTANTS_OF"
	same fail "$RULES"
	same 'libigt x86-64 ' "$IGT $BOARD_ARCH $PAGES"
	same '' "$GLOBS$TESTS$TEST_LIST$KERNEL_ARG$WITHOUT$PATCHES$PARAMS$RESULTS_DIR$TRACE_FILE"
	same '1:' "$SEED:$OPERATIONS"
}

check 'without arguments: the defaults' defaults
check '--list' after ACTION list --list
check '--shell' after ACTION shell --shell
check '--build' after ACTION build --build
check '--build with what is built' after KUNIT 1 --build --kunit --stock --param a=1
check '--clean-cache' after ACTION clean-cache --clean-cache
check '--help' after ACTION help --help
check '--help goes with everything' after ACTION help --list --help
check '--stock' after STOCK 1 --stock
check '--fail-fast' after FAIL_FAST 1 --fail-fast
check '--mutants' after ACTION mutants --mutants 40
check '--mutants: a number' after MUTANTS 40 --mutants 40
check '--mutants: a number and a seed' after MUTANTS 40:7 --mutants=40:7
check '--mutants: a patch' after MUTANTS_OF "$SCRATCH/added.patch" --mutants added.patch
check '--mutants: a patch is no number' after MUTANTS '' --mutants added.patch
check '--mutants of some subtests' after GLOBS 'evict-*' --mutants 3 'evict-*' --fail-fast
check '--without' after_series WITHOUT 0001-a.patch --without 0001-a.patch
check '--without, no ending' after_series WITHOUT 0001-a.patch --without=0001-a
check '--without, no folder' after_series WITHOUT x/0001-c.patch --without 0001-c
check '--without, a path' after_series WITHOUT x/0002-b.patch --without x/0002-b
check '--without, a name without its number' after_series WITHOUT x/0001-c.patch --without c.patch
check '--until' after_series UNTIL x/0001-c.patch --until c
check '--sanitize' after SANITIZE 1 --sanitize
check '--coverage' after COVERAGE 1 --coverage --sanitize
check '--kunit' after KUNIT 1 --kunit
check '--multiple-mode' after MULTIPLE 1 --multiple-mode
check '--multiple-mode with a selection' after GLOBS 'evict-*' --multiple-mode --test x 'evict-*'
check '--no-skips' after NO_SKIPS 1 --no-skips
check '--host-tools' after HOST_TOOLS 1 --host-tools
check '--quiet' after QUIET 1 --quiet
check '--verbose' after VERBOSE 1 --verbose
check '--tlb off' after TLB off --tlb off
check '--rules warn' after RULES warn --rules warn
check '--rules=off' after RULES off --rules=off
check '--bench: without rules' after RULES off --bench
check '--mutants: without rules' after RULES off --mutants 40
check '--bench --rules off' after RULES off --bench --rules off
check '--cpu-page 4K' after CPU_PAGE 4096 --cpu-page 4K
check '--cpu-page 64K' after CPU_PAGE 65536 --cpu-page=64K
check '--igt standalone' after IGT standalone --igt standalone
check '--igt=libigt' after IGT libigt --igt standalone --igt=libigt
check '--arch x86-64' after BOARD_ARCH x86-64 --arch=x86-64
check '--arch arm64' after BOARD_ARCH arm64 --arch arm64
check '--arch arm64: tests without libigt' after IGT standalone --arch arm64
check '--arch arm64: pages' after PAGES 16k --pages 16k --arch arm64
check '--arch arm64 with what works there' after TLB off --arch arm64 --pages=4k --stock --tlb off \
	--patch second.patch --param a=1 --cpu-page 64K --igt standalone --fail-fast --no-skips \
	--trace trace --results new --seed 2 --operations 9 --test-list linux.tar 'evict-*'
check '--client panvk: Mesa of sid' after MESA sid --arch arm64 --client panvk
check '--client panvk: another Mesa' after MESA forky --client=panvk --mesa=forky --arch arm64
check '--client panvk: seeds and scenes' after GLOBS "walk-17${NL}tail${NL}!walk-3" --arch arm64 \
	--client panvk 17 tail '!walk-3'
check 'no client: a number is a GLOB' after GLOBS 17 --arch arm64 17
check '--arch arm64: --shell' after ACTION shell --shell --arch arm64
check '--arch arm64: --list' after ACTION list --list --arch arm64
check '--seed' after SEED 5 --seed 5
check '--seed: the largest' after SEED 2147483647 --seed=2147483647
check '--operations' after OPERATIONS 100000 --operations 100000
check '--operations with a selection' after GLOBS 'random-*' --operations=7 'random-*'
check '--tlb=tiny:7' after TLB tiny:7 --tlb=tiny:7
check '--test, repeated' after TESTS "panthor_vm${NL}core_getversion" --test panthor_vm \
	--test=core_getversion
check '--test with its folder' after TESTS panthor_vm --test panthor/panthor_vm
check '--test-list, with a blank' after TEST_LIST "$PWD/my first.patch" --test-list 'my first.patch'
check '--kernel: a folder, with a blank' after KERNEL_ARG "$PWD/a tree" --kernel 'a tree'
check '--kernel: a tarball' after KERNEL_ARG "$PWD/linux.tar" --kernel=linux.tar
check '--patch, repeated, with a blank' after PATCHES \
	"$PWD/my first.patch$NL$PWD/second.patch" --patch 'my first.patch' --patch second.patch
check '--each-patch' after EACH_PATCH "$PWD/added.patch" --each-patch added.patch
check '--each-patch, and how' after ACTION each-patch --each-patch=added.patch --fail-fast
check '--replay' after REPLAY "$PWD/record" --replay record
check '--replay, and how' after ACTION replay --replay=record --multiple-mode --quiet

# reads VARIABLE OPTION: the option takes the patch of standard input, once.
reads() {
	options_parse "$2" - <added.patch
	eval "same \"\$PATCH_READ\" \"\$$1\""
	cmp added.patch "$PATCH_READ"
	option_read_remove
	test ! -e "${PATCH_READ%/*}"
}
check '--patch -' reads PATCHES --patch
check '--each-patch -' reads EACH_PATCH --each-patch

check '--param, repeated' after PARAMS "a=1${NL}b_c=x,y" --param a=1 --param b_c=x,y
check '--results: a new folder' after RESULTS_DIR "$PWD/new" --results new
check '--results: an empty folder' after RESULTS_DIR "$PWD/results" --results results
check '--results: those of an earlier run' after RESULTS_DIR "$PWD/old" --results old
check '--trace' after TRACE_FILE "$PWD/trace" --trace trace
check 'patterns' after GLOBS "evict-*$NL!*-huge" 'evict-*' '!*-huge'
check '-- ends the options' after GLOBS "a$NL--list" a -- --list

# ---------------------------------------------------------------------------------------------
# What is refused

# refused PATTERN ARG…
refused() {
	refused_line=$1
	shift
	fails_with 2 "run: $refused_line" options_parse "$@"
}

refused_series() {
	REPO=$SCRATCH/repo
	refused "$@"
}

check 'an unknown option' refused '--lists: no such option; see ./run --help' --lists
check 'an unknown short option' refused '-l: no such option*' -l
check 'a flag with a value' refused '--list=1: no such option*' --list=1
check 'no value' refused '--tlb: needs a value*' --tlb
check '... but an option' refused '--trace: needs a value, and --results is an option*' --trace --results x
check 'an empty value' refused '--test: a value must not be empty*' --test=
check 'a value of two lines' refused '--test: a value must be one line*' --test "a${NL}b"
check '--tlb: no such mode' refused '--tlb on: not keep, off or tiny:SEED*' --tlb on
check '--tlb: no seed' refused '--tlb tiny:: the seed is*' --tlb tiny:
check '--tlb: a bad seed' refused '--tlb tiny:1x: the seed is*' --tlb tiny:1x
check '--rules: no such mode' refused '--rules on: not fail, warn or off*' --rules on
check '--rules: no value' refused '--rules: needs a value*' --rules
check '--rules: empty' refused '--rules: a value must not be empty*' --rules=
check '--bench and --rules' refused '--bench and --rules fail exclude each other*' --bench --rules fail
check '--mutants and --rules' refused '--mutants and --rules warn exclude each other*' --mutants 3 \
	--rules warn
check '--test: a way out' refused '--test ../sh: not the name of a test*' --test ../sh
check '--test: an absolute path' refused '--test /bin/sh: not*' --test /bin/sh
check '--test-list: not there' refused '--test-list no.list: not a readable file' --test-list no.list
check '--test-list: a folder' refused '--test-list full: not a readable file' --test-list full
check '--test-list: a pipe' refused '--test-list pipe: not a readable file' --test-list pipe
check '--test-list: twice' refused '--test-list was given twice*' --test-list linux.tar \
	--test-list=linux.tar
check '--kernel: not there' refused '--kernel nowhere: no such folder or file' --kernel nowhere
check '--kernel: another folder' refused '--kernel full: not a kernel source folder' --kernel full
check '--kernel: twice' refused '--kernel was given twice*' --kernel linux.tar --kernel linux.tar
check '--patch: not there' refused '--patch no.patch: not a readable file' --patch no.patch
check '--patch: a folder' refused '--patch full: not a readable file' --patch full
check '--patch -: no patch' refused '--patch -: standard input holds no patch' --patch -
check '--each-patch -: no patch' refused '--each-patch -: standard input holds no patch' --each-patch=-
check '--each-patch: not there' refused '--each-patch no.mbox: not a readable file' --each-patch no.mbox
check '--each-patch: twice' refused '--each-patch was given twice*' --each-patch added.patch \
	--each-patch added.patch
check '--each-patch and --list' refused '--each-patch and --list exclude*' --each-patch added.patch \
	--list
check '--replay: not there' refused '--replay nowhere: not a results folder of ./run*' --replay nowhere
check '--replay: of a run that was cut' refused '--replay old: not a results folder*' --replay old
check '--replay: twice' refused '--replay was given twice*' --replay record --replay record
check '--replay and --each-patch' refused '--replay and --each-patch exclude*' --replay record \
	--each-patch added.patch
check '--without: not in the series' refused_series \
	'--without 0003-c: not in kernel/patches/series' --without 0003-c
check '--without: a name of two' refused_series '--without b: more than one patch of *' --without b
check '--without: a part of a name' refused_series '--without 0001: not in *' --without 0001
check '--without: a pattern' refused_series '--without 000.-a.patch: not in *' \
	--without 000.-a.patch
check '--without: twice' refused_series '--without was given twice*' --without 0001-a \
	--without 0001-c
check '--without: no series' refused '--without x: not in kernel/patches/series' --without x
check '--without and --stock' refused_series '--stock and --without exclude*' --stock \
	--without 0001-a
check '--until and --stock' refused_series '--until excludes*' --stock --until c
check '--until and --without' refused_series '--until excludes*' --until c --without c
check '--kunit and --test' refused '--kunit and --test exclude each other*' --kunit --test x
check '--kunit and --shell' refused '--kunit and --shell exclude each other*' --kunit --shell
check '--multiple-mode: a value' refused '--multiple-mode=1: no such option*' --multiple-mode=1
check '--multiple-mode and --kunit' refused '--multiple-mode and --kunit exclude each other*' \
	--multiple-mode --kunit
for action in shell bench build clean-cache; do
	check "--multiple-mode and --$action" refused \
		"--multiple-mode and --$action exclude each other*" "--$action" --multiple-mode
done
check '--cpu-page: no such page' refused '--cpu-page 8K: not 4K, 16K or 64K*' --cpu-page 8K
check '--cpu-page: bytes' refused '--cpu-page 4096: not 4K, 16K or 64K*' --cpu-page 4096
check '--cpu-page and --test' refused '--cpu-page and --test exclude each other*' \
	--cpu-page 16K --test x
check '--igt: no such form' refused '--igt mine: not libigt or standalone*' --igt mine
check '--igt and --test' refused '--igt and --test exclude each other*' --igt standalone --test x
check '--mutants: no number' refused '--mutants many: neither N or N:SEED,*' --mutants many
check '--mutants: none' refused '--mutants 0: the number is from 1 to 999999*' --mutants 0
check '--mutants: too many' refused '--mutants 1000000: the number is*' --mutants 1000000
check '--mutants: no seed' refused '--mutants 5:: neither N or N:SEED,*' --mutants 5:
check '--mutants: two seeds' refused '--mutants 5:1:2: neither*' --mutants 5:1:2
check '--mutants: not there' refused '--mutants no.patch: neither*' --mutants no.patch
check '--mutants: no patch' refused '--mutants linux.tar: holds no patch' --mutants linux.tar
check '--mutants: twice' refused '--mutants was given twice*' --mutants 1 --mutants 2
check '--mutants and --list' refused '--list and --mutants exclude*' --list --mutants 1
check '--mutants and --kunit' refused '--kunit and --mutants exclude*' --kunit --mutants 1
check '--mutants and --multiple-mode' refused '--multiple-mode and --mutants exclude*' \
	--mutants 1 --multiple-mode
check '--mutants and --trace' refused '--mutants and --trace exclude*' --mutants 1 --trace new
check '--coverage and --kunit' refused '--coverage and --kunit exclude*' --kunit --coverage
for action in shell bench mutants=1 each-patch=added.patch clean-cache; do
	check "--coverage and --$action" refused "--coverage and --${action%=*} exclude*" "--$action" \
		--coverage
done
check '--fail-fast and --kunit' refused '--fail-fast and --kunit exclude*' --kunit --fail-fast
for action in shell bench build list clean-cache; do
	check "--fail-fast and --$action" refused "--fail-fast and --$action exclude*" "--$action" \
		--fail-fast
done
check '--arch: no such board' refused '--arch foo: not x86-64 or arm64*' --arch foo
check '--arch: no value' refused '--arch: needs a value*' --arch
check '--arch: another name' refused '--arch aarch64: not x86-64 or arm64*' --arch=aarch64
check '--client: no such client' refused '--client foo: no such client; there is panvk*' \
	--arch arm64 --client foo
check '--client: no value' refused '--client: needs a value*' --arch arm64 --client
check '--client: without --arch' refused '--client goes with --arch arm64*' --client panvk
check '--client: a seed that is too long' refused '9999999999: the seed of a walk*' --arch arm64 \
	--client panvk 9999999999
for option in '--cpu-page 16K' '--seed 2' --host-tools; do
	# shellcheck disable=SC2086 # words
	check "--client and $option" refused "--client and ${option%% *} exclude each other*" \
		--arch arm64 --client panvk $option
done
check '--mesa: no such suite' refused '--mesa trixie: not sid or forky*' --arch arm64 --client panvk \
	--mesa trixie
check '--mesa: without --client' refused '--mesa goes with --client*' --arch arm64 --mesa sid
check '--pages: no such size' refused '--pages 64k: not 4k or 16k*' --arch arm64 --pages 64k
check '--pages: bytes' refused '--pages 4096: not 4k or 16k*' --arch arm64 --pages 4096
check '--pages: no value' refused '--pages: needs a value*' --arch arm64 --pages
check '--pages: without --arch' refused '--pages goes with --arch arm64*' --pages 16k
check '--pages and --arch x86-64' refused '--pages goes with --arch arm64*' --pages 4k --arch x86-64
for option in --kunit --sanitize --coverage --multiple-mode --bench '--mutants=1' '--test=x' '--igt=libigt' \
	'--kernel=linux.tar'; do
	check "--arch arm64 and $option" refused \
		"${option%%=*}* and --arch arm64 exclude each other: *" --arch arm64 "$option"
done
check '--pages 16k and smaller ones' refused '--cpu-page 4K and --arch arm64 exclude*: its pages*' \
	--arch arm64 --pages 16k --cpu-page 4K
for value in 0 -1 1x '' 05 2147483648 99999999999999999999; do
	check "--seed: '$value'" refused '--seed*' --seed "$value"
done
check '--seed: not a number' refused '--seed x: not a number from 1 to 2147483647*' --seed x
for value in 0 -1 1k 1000000001; do
	check "--operations: '$value'" refused \
		"--operations $value: not a number from 1 to 1000000000*" --operations "$value"
done
check '--operations: no value' refused '--operations: needs a value*' --operations
for value in 0/4 5/4 x 4 1/0 01/4 1/04 /4 1/ 1/4/4 -1/4 1/10000 99999999999999999999/4 ' 1/4'; do
	check "--shard: '$value'" refused "--shard $value: not I/N*" --shard "$value"
done
check '--shard: no value' refused '--shard: needs a value*' --shard
check '--shard: twice' refused '--shard was given twice*' --shard 1/2 --shard 2/2
check '--shard and --kunit' refused '--shard and --kunit exclude*' --shard 1/2 --kunit
for action in shell build bench clean-cache 'mutants=5'; do
	check "--shard and --$action" refused "--shard and --${action%=*} exclude*" --shard 1/2 \
		"--$action"
done
check '--param: no value' refused '--param a: not of the form K=V*' --param a
check '--param: no name' refused '--param =1: not of the form K=V*' --param =1
check '--param: a bad name' refused '--param a-b=1: not of the form K=V*' --param a-b=1
check '--param: a blank' refused '--param a=1 b=2: no blanks*' --param 'a=1 b=2'
check '--results: a file' refused '--results linux.tar: not a folder' --results linux.tar
check '--results: somebody else'\''s' refused '--results full: not empty*' --results full
check '--results: nowhere' refused '--results no/where: no such folder' --results no/where
check '--trace: a folder' refused '--trace full: is a folder' --trace full
check '--trace: nowhere' refused '--trace no/where: no such folder' --trace no/where
check 'an empty pattern' refused 'GLOB: a value must not be empty*' ''
check 'a pattern of nothing' refused '!: nothing to exclude*' '!'
check 'two actions' refused '--list and --shell exclude each other*' --list --shell
check '--build and --list' refused '--build and --list exclude each other*' --build --list
check '--shell and --build' refused '--shell and --build exclude each other*' --shell --build
check '--build with a pattern' refused '--build runs no subtest*' --build a
check '--build with a test' refused '--build runs no subtest*' --test x --build
check '--build with results' refused '--build leaves neither*' --build --results new
check '--build with a trace' refused '--build leaves neither*' --build --trace trace
check 'quiet and verbose' refused '--quiet and --verbose exclude*' --quiet --verbose
shell_reads() {
	fails_with 2 'run: --shell and --patch - exclude each other*' options_parse --shell --patch - \
		<added.patch
}
check '--shell and --patch -' shell_reads
check '--shell with a pattern' refused '--shell runs no subtest*' --shell a
check '--shell with a test list' refused '--shell runs no subtest*' --shell --test-list linux.tar
check '--clean-cache with a pattern' refused '--clean-cache runs no subtest*' a --clean-cache

# ---------------------------------------------------------------------------------------------
# The selection

# selects WANTED ARG…: the subtests of test panthor/t that the patterns leave.
selects() {
	selects_wanted=$1
	shift
	options_parse "$@"
	selects_got=''
	for selects_name in bind evict-one evict-two; do
		! glob_selects panthor/t "$selects_name" || selects_got="$selects_got $selects_name"
	done
	same "$selects_wanted" "${selects_got# }"
}

check 'all without a pattern' selects 'bind evict-one evict-two'
check 'a name' selects bind bind
check 'no part of a name' selects '' evict
check 'a pattern' selects 'evict-one evict-two' 'evict-*'
check 'two patterns' selects 'bind evict-two' bind '*-two'
check 'a set' selects 'evict-one' 'evict-[ab-o]*'
check 'only an exclusion' selects 'bind evict-two' '!*-one'
check 'an exclusion by ^' selects 'bind evict-two' '^*-one'
check 'a pattern and an exclusion' selects 'evict-one' 'evict-*' '!*-two'
check 'the last match decides' selects 'evict-one evict-two' '!*-two' 'evict-*' '!bind'
check 'with the name of the test' selects bind 'panthor/t@bind'
check 'another test' selects '' 'panthor/u@*'

# names WANTED ARG…: those subtests of panthor/t that a pattern is the whole name of.
names() {
	names_wanted=$1
	shift
	options_parse "$@"
	names_got=''
	for names_name in bind evict-one evict-two; do
		! glob_names panthor/t "$names_name" || names_got="$names_got $names_name"
	done
	same "$names_wanted" "${names_got# }"
}

check 'asked for by name: none without a pattern' names ''
check 'asked for by name: no pattern does' names '' 'evict-*' 'bin?' '!bind'
check 'asked for by name: the subtest' names evict-one evict-one 'b*'
check 'asked for by name: with its test' names bind panthor/t@bind
check 'asked for by name: another test' names '' panthor/u@bind

# ---------------------------------------------------------------------------------------------
# Shards

# shard_of SHARD: what it leaves of seven subtests, two of which are named.
shard_of() {
	WORK=$SCRATCH/shard
	mkdir -p "$WORK"
	options_parse --shard "$1"
	seq 1 7 | sed 's/^/igt@t@s/' >"$WORK/selected.txt"
	printf 'igt@t@s2\nigt@t@s5\n' >"$WORK/named.txt"
	tests_shard
}

shard_leaves() {
	shard_of "$1"
	same "$2" "$(sed 's/igt@t@//' "$WORK/selected.txt" | paste -s -d ' ' -)"
	same "$3" "$(sed 's/igt@t@//' "$WORK/named.txt" | paste -s -d ' ' -)"
}

# Each subtest is in exactly one of N shards.
shards_cover() {
	for shard_n in 1 2 3 6 7; do
		for shard_i in $(seq 1 "$shard_n"); do
			shard_of "$shard_i/$shard_n"
			cat "$WORK/selected.txt"
		done | sort >"$SCRATCH/covered"
		same 7 "$(wc -l <"$SCRATCH/covered")"
		same 7 "$(sort -u "$SCRATCH/covered" | wc -l)"
	done
}

check '--shard 1/3' shard_leaves 1/3 's1 s4 s7' ''
check '--shard 2/3' shard_leaves 2/3 's2 s5' 's2 s5'
check '--shard 3/3' shard_leaves 3/3 's3 s6' ''
check '--shard 1/1: all' shard_leaves 1/1 's1 s2 s3 s4 s5 s6 s7' 's2 s5'
check 'a subtest is in exactly one shard' shards_cover
check 'a shard without a subtest' fails_with 3 \
	'run: --shard 8/8: only 7 subtests are selected' shard_of 8/8

# ---------------------------------------------------------------------------------------------
# ./run itself

# Every option of the help is one that is parsed, and the other way round.
help_complete() {
	same "$(sed -n '/^option_valued/,/^}/p; /^option_flag/,/^}/p' "$REPO/lab/options.sh" |
		grep -o -e '--[a-z-]*[a-z]' | sort -u)" \
		"$("$REPO/run" --help | grep -o -e '^  --[a-z-]*' | tr -d ' ' | sort -u)"
}

check './run --help names every option' help_complete
check './run: a usage error is status 2 and one line' fails_with 2 \
	'run: --foo: no such option; see ./run --help' "$REPO/run" --foo
check './run: nothing is made after a usage error' test ! -e "$XDG_CACHE_HOME"

# completed WORDS WORD…: completing the last of the words prints these.
completed() {
	completed_words=$1
	shift
	same "$*" "$(cd "$REPO" && bash -c '. lab/completion/vmali.bash
		IFS=" " read -r -a COMP_WORDS <<<"$1"
		[[ $1 != *" " ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_vmali_"${COMP_WORDS[0]#./}" && echo "${COMPREPLY[@]}"' - "$completed_words")"
}

check 'completion: an option' completed './run --shar' --shard
check 'completion: a value' completed './run --arch ' arm64 x86-64
check 'completion: a subtest' completed './run --stock evict-tab' evict-tables
check 'completion: a patch' completed './run --until 1-security/0003' \
	1-security/0003-Don-t-run-jobs-on-an-unusable-VM
check 'completion: a file' completed './run --patch README' README.md
check 'completion: a group' completed './check reg' regressions
check 'completion: an option of ./check' completed './check --res' --resume

checks_done
