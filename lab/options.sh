# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh disable=SC2034
#
# The command line of ./run. options_parse() checks everything that can be checked before
# anything is built, and sets these variables; all paths are absolute afterwards:
#
#   ACTION       run | bench | mutants | each-patch | replay | build | list | shell | clean-cache | help
#   BENCH        the form of the benchmarks: full | short
#   MUTANTS      how many mutants to draw, as N or N:SEED; empty: none, or those of a patch
#   MUTANTS_OF   the patch whose added lines are mutated; empty: none
#   EACH_PATCH   the mailbox of --each-patch
#   REPLAY       the results folder of --replay
#   PATCH_READ   the copy of a patch from standard input; empty: none
#   GLOBS        newline-separated patterns; a leading ! or ^ excludes
#   TESTS        newline-separated names of installed IGT tests; empty: the sparse suite
#   TEST_LIST    igt_runner's test list to run; empty: none
#   SHARD        I/N: of the selected subtests every N-th, beginning with the I-th; empty: all
#   BOARD_ARCH   architecture of the board's processors: x86-64 | arm64 (lab/arch)
#   CLIENT       panvk: the client of clients/panvk_sparse instead of the suite; empty: none
#   MESA         the suite of Debian whose Mesa that client has
#   PAGES        size of their pages: 4k | 16k (arm64)
#   KERNEL_ARG   kernel source folder or tarball; empty: the base
#   STOCK        1: the base as it is, without kernel/patches
#   UNTIL        the path of the last patch of kernel/patches/series that is applied; empty: all are
#   WITHOUT      the path of the one patch of kernel/patches/series to leave out; empty: none
#   PATCHES      newline-separated patch files on top
#   PARAMS       newline-separated panthor module parameters, K=V
#   TLB          keep | off | tiny:SEED
#   RULES        what a finding of the referee does: fail | warn | off (rules are not looked at)
#   IGT          what the suite's tests are linked with: libigt | standalone (lib/igt/standalone)
#   CPU_PAGE     bytes of the CPU page that the subtests reckon with; 0: the board's
#   SEED         seed of what subtests draw at random
#   OPERATIONS   number of operations of each random-* subtest; empty: that of the subtest
#   RESULTS_DIR  results folder; empty: a new one under build/results
#   TRACE_FILE   where vmali writes its trace; empty: nowhere
#   SANITIZE     1: the kernel has the options of kernel/config/sanitize.config, too
#   COVERAGE     1: the lines of the driver that run are counted
#   KUNIT        1: the driver's KUnit tests instead of subtests
#   MULTIPLE     1: all subtests of a binary in one process
#   FAIL_FAST    1: the first unexpected result ends the run
#   NO_SKIPS     1: run what the expectations leave out, too
#   HOST_TOOLS   1: no toolbox
#   QUIET        1: only failures and the summary
#   VERBOSE      1: the commands as well

NL='
'
OPTIONS_LAB=$REPO/lab

OPTION_VARIABLES='ACTION BOARD_ARCH PAGES CLIENT MESA GLOBS TESTS TEST_LIST SHARD KERNEL_ARG STOCK WITHOUT
UNTIL PATCHES PARAMS TLB RULES IGT CPU_PAGE SEED OPERATIONS RESULTS_DIR TRACE_FILE SANITIZE COVERAGE
KUNIT MULTIPLE FAIL_FAST NO_SKIPS HOST_TOOLS QUIET VERBOSE BENCH MUTANTS MUTANTS_OF'

options_help() {
	cat <<'HELP'
Usage: ./run [OPTION...] [GLOB...]
  or:  ./run --arch arm64 --client panvk [OPTION...] [SEED|GLOB...]

Runs the subtests for sparse mappings of the panthor driver on a virtual Mali board.
GLOBs select subtests; one that begins with ! or ^ excludes, and the last match decides.

What to run (default: the whole suite):
  --list                  list the subtests, one a line, and exit
  --test NAME             an installed IGT test instead of the sparse suite; repeatable
  --test-list FILE        only subtests of this list, as igt_runner takes it; see
                          tests/panthor/*.testlist
  --shard I/N             of the selected subtests every N-th, beginning with the I-th: for N
                          machines side by side. A subtest is in exactly one shard, and for the
                          same selection always in the same one
  --no-skips              run what lab/expectations leaves out (a GLOB that is the whole
                          name of a subtest does so for that one)
  --multiple-mode         run all subtests of a binary in one process, as igt_runner does with
                          this option
  --fail-fast             end the run at the first unexpected result
  --kunit                 the driver's own KUnit tests instead of the sparse suite
  --client panvk          with --arch arm64: sparse buffers of Vulkan, by Debian's Mesa (PanVK),
                          which is downloaded, instead of the suite: scenes, and walks of random
                          operations, each with a SEED
  --igt standalone        the suite without libigt, linked with lib/igt/standalone as on a board
                          that has none (default: --igt libigt, that of the toolbox; with
                          --arch arm64 always standalone)
  --cpu-page SIZE         subtests whose sizes fit CPU pages of 4K, 16K or 64K (default: those
                          of the board); its kernel stays as it is
  --seed N                seed of what subtests draw at random (default: 1)
  --operations N          operations of each random-* subtest (default: some two seconds), or of
                          each walk with --client (default: 250); their deadline grows with N
  --replay DIR            repeat the run that the results folder DIR records, with its patches,
                          seeds and options, and compare the verdicts; further options are added
  --shell                 an interactive shell on the board
  --build                 build all that a run needs, boot nothing, and exit

Which driver (default: kernel/base with all of kernel/patches):
  --stock                 the base as it is, without kernel/patches
  --patch FILE            one more patch on top, or a mailbox; repeatable; - is standard input
  --each-patch MBOX       run the subtests before a series and after each of its patches, up to the
                          first that breaks something; MBOX as git format-patch --stdout or
                          b4 am -o - print it; - is standard input
  --without PATCH         without this one patch of kernel/patches/series
  --until PATCH           with the patches up to this one
  --kernel DIR|TARBALL    this kernel source instead of the default base
  --param K=V             a panthor module parameter; repeatable

Which board (default: x86-64, KVM where it works):
  --arch arm64            a board with processors of that architecture: Debian's packaged kernel
                          of the base's version, which is downloaded, with the driver of
                          kernel/patches, or as packaged with --stock
  --pages SIZE            with --arch arm64: the kernel with pages of 4k (default) or 16k
  --mesa SUITE            with --client: Mesa of Debian's sid (default) or forky
  --sanitize              a kernel with KASAN, UBSAN, lockdep, kmemleak and more; slower
  --tlb MODE              the GPU's TLB: keep (default), off, tiny:SEED
  --rules MODE            a rule of vmali's referee that the driver breaks fails the subtest (fail,
                          the default), is a remark of its verdict (warn), or is not checked (off)

Results:
  --results DIR           where results go (default: a new folder under build/results)
  --trace FILE            write what the driver did to FILE
  --coverage              which lines of the driver run: a line for each function of mapping,
                          eviction, restore and VM_BIND, and pages of the sources
  --quiet                 only failures and the summary
  --verbose               show the commands as well

Mutants and benchmarks:
  --mutants N[:SEED]      N mutants of the driver, each with one operator, constant, condition or
                          statement changed, drawn by SEED from kernel/mutants/functions; says
                          which subtest kills which, and which survive. 200 take some 90
                          minutes on two cores. With --results of a run that was cut, goes on
                          where that one ended
  --mutants FILE          all mutants of the lines that this patch adds; FILE is applied as by
                          --patch, unless it is one of kernel/patches
  --bench[=short]         the benchmarks, without patches against with them

Other:
  --host-tools            use the tools of this machine, not the toolbox
  --clean-cache           remove the cache
  --help                  this text

Environment:
  XDG_CACHE_HOME          folder of the cache, which is vmali/ in it (default: ~/.cache)
  VMALI_MIRROR            Debian mirror (default: that of the machine's own apt settings)
  VMALI_DEADLINES         deadlines in seconds, as NAME=SECONDS with blanks between them:
                          kernel, model, board, suite, subtest, poweroff
  VMALI_APPEND            words for the command line of the guest's kernel

Examples:
  ./run 'evict-*' '!evict-thousand'                all of a group but one
  ./run --patch my.patch --fail-fast               a change of the driver
  b4 am -o - MSGID | ./run --each-patch -          a series from the list, patch by patch

Exit status; when several apply, the first of 5, 6, 1, 7, 3:
  0  every selected subtest passed, skipped for a stated reason, or failed as expected
  1  a subtest failed or crashed, the kernel gave a warning that no subtest asked for, the driver
     broke a rule, or still held something after the last subtest
  2  usage or set-up error
  3  nothing ran, or everything was skipped
  4  a build failed
  5  the guest or the model died
  6  a deadline passed
  7  an expectation is stale: an unexpected pass
  8  a mutant survived
HELP
}

usage_error() {
	die 2 "$*; see ./run --help"
}

# Appends a line to the list in the variable named $1.
list_add() {
	eval "$1=\${$1:+\$$1\$NL}\$2"
}

# Prints the absolute path of $2, the value of option $1; its parent folder must exist.
absolute_path() {
	readlink -f -- "$2" || die 2 "$1 $2: no such folder"
}

one_line() {
	case $2 in
	*"$NL"*) usage_error "$1: a value must be one line" ;;
	'') usage_error "$1: a value must not be empty" ;;
	esac
}

# --mutants N[:SEED]|FILE. A file whose name is a number can be given as ./17.
option_mutants() {
	[ -z "$MUTANTS$MUTANTS_OF" ] || usage_error '--mutants was given twice'
	option_action mutants
	case $1 in
	*[!0-9:]* | *:*:* | :* | *:)
		option_mutants_of "$1"
		return
		;;
	esac
	option_number=${1%%:*}
	case $option_number in
	0* | ???????*) usage_error "--mutants $1: the number is from 1 to 999999" ;;
	esac
	MUTANTS=$1
}

option_mutants_of() {
	readable_file "$1" ||
		die 2 "--mutants $1: neither N or N:SEED, in decimals, nor a readable file"
	grep -q '^+++ ' -- "$1" || die 2 "--mutants $1: holds no patch"
	MUTANTS_OF=$(absolute_path --mutants "$1") || exit
}

option_action() {
	[ "$ACTION" = run ] || [ "$ACTION" = "$1" ] || [ "$1" = help ] ||
		usage_error "--$ACTION and --$1 exclude each other"
	[ "$ACTION" = help ] || ACTION=$1
}

option_test() {
	case $1 in
	*[!A-Za-z0-9_/.-]* | /* | *..*) usage_error "--test $1: not the name of a test" ;;
	esac
	list_add TESTS "${1#panthor/}"
}

readable_file() {
	[ -f "$1" ] && [ -r "$1" ]
}

option_test_list() {
	[ -z "$TEST_LIST" ] || usage_error '--test-list was given twice'
	readable_file "$1" || die 2 "--test-list $1: not a readable file"
	TEST_LIST=$(absolute_path --test-list "$1") || exit
}

option_shard() {
	[ -z "$SHARD" ] || usage_error '--shard was given twice'
	case $1 in
	*[!0-9/]* | */*/* | 0* | */0* | /* | */ | *?????*/* | */?????*) shard_ok=0 ;;
	*/*) shard_ok=1 ;;
	*) shard_ok=0 ;;
	esac
	[ "$shard_ok" = 1 ] && [ "${1%/*}" -le "${1#*/}" ] ||
		usage_error "--shard $1: not I/N, two numbers from 1 to 9999 with I not above N"
	SHARD=$1
}

option_kernel() {
	[ -z "$KERNEL_ARG" ] || usage_error '--kernel was given twice'
	[ -e "$1" ] || die 2 "--kernel $1: no such folder or file"
	[ -r "$1" ] || die 2 "--kernel $1: not readable"
	[ ! -d "$1" ] || [ -f "$1/Kbuild" ] || die 2 "--kernel $1: not a kernel source folder"
	KERNEL_ARG=$(absolute_path --kernel "$1") || exit
}

# Copies standard input, the value - of option $1, to a file, and sets PATCH_READ to it. ./run removes the
# folder of the file at its end.
option_read() {
	[ -z "$PATCH_READ" ] || usage_error 'standard input can be read once'
	PATCH_READ=$(mktemp -d "${TMPDIR:-/tmp}/vmali.XXXXXX")/standard-input.patch
	cat >"$PATCH_READ"
	grep -q '^+++ ' "$PATCH_READ" || {
		option_read_remove
		die 2 "$1 -: standard input holds no patch"
	}
}

option_read_remove() {
	[ -z "${PATCH_READ:-}" ] || rm -rf "${PATCH_READ%/*}"
}

option_patch() {
	[ "$1" != - ] || {
		option_read --patch
		list_add PATCHES "$PATCH_READ"
		return
	}
	readable_file "$1" || die 2 "--patch $1: not a readable file"
	option_path=$(absolute_path --patch "$1") || exit
	list_add PATCHES "$option_path"
}

option_each_patch() {
	[ -z "$EACH_PATCH" ] || usage_error '--each-patch was given twice'
	option_action each-patch
	[ "$1" != - ] || {
		option_read --each-patch
		EACH_PATCH=$PATCH_READ
		return
	}
	readable_file "$1" || die 2 "--each-patch $1: not a readable file"
	EACH_PATCH=$(absolute_path --each-patch "$1") || exit
}

option_replay() {
	[ -z "$REPLAY" ] || usage_error '--replay was given twice'
	option_action replay
	[ -s "$1/metadata.json" ] && [ -s "$1/verdicts.json" ] ||
		die 2 "--replay $1: not a results folder of ./run, or of a run that did not end"
	REPLAY=$(absolute_path --replay "$1") || exit
}

# The patches of kernel/patches, by their paths.
options_series() {
	[ ! -f "$REPO/kernel/patches/series" ] ||
		sed -e 's/[[:space:]]*#.*//' -e '/^$/d' "$REPO/kernel/patches/series"
}

# option_series OPTION PATCH: prints the path of a patch of the series that is named by its path, by its
# file name, or by that without the number, each with .patch or not.
option_series() {
	option_found=$(options_series | awk -v name="${2%.patch}" '
		{ path = $0; sub(/\.patch$/, "", path) }
		{ file = path; sub(/.*\//, "", file) }
		{ title = file; sub(/^[0-9][0-9][0-9][0-9]-/, "", title) }
		name == path || name == file || name == title')
	case $option_found in
	'') die 2 "$1 $2: not in kernel/patches/series" ;;
	*[!A-Za-z0-9._/-]*) die 2 "$1 $2: more than one patch of kernel/patches/series" ;;
	esac
	printf '%s\n' "$option_found"
}

option_without() {
	[ -z "$WITHOUT" ] || usage_error '--without was given twice'
	WITHOUT=$(option_series --without "$1") || exit
}

option_until() {
	[ -z "$UNTIL" ] || usage_error '--until was given twice'
	UNTIL=$(option_series --until "$1") || exit
}

option_param() {
	case $1 in
	*[[:space:]\"\']*) usage_error "--param $1: no blanks and no quotes" ;;
	[A-Za-z_]*=*) ;;
	*) usage_error "--param $1: not of the form K=V" ;;
	esac
	case ${1%%=*} in
	*[!A-Za-z0-9_]*) usage_error "--param $1: not of the form K=V" ;;
	esac
	list_add PARAMS "$1"
}

option_tlb() {
	case $1 in
	keep | off) ;;
	tiny:*[!0-9]* | tiny:) usage_error "--tlb $1: the seed is a decimal number" ;;
	tiny:*) ;;
	*) usage_error "--tlb $1: not keep, off or tiny:SEED" ;;
	esac
	TLB=$1
}

option_rules() {
	case $1 in
	fail | warn | off) RULES=$1 ;;
	*) usage_error "--rules $1: not fail, warn or off" ;;
	esac
}

option_cpu_page() {
	case $1 in
	4K | 16K | 64K) CPU_PAGE=$((${1%K} * 1024)) ;;
	*) usage_error "--cpu-page $1: not 4K, 16K or 64K" ;;
	esac
}

option_arch() {
	case $1 in
	x86-64 | arm64) BOARD_ARCH=$1 ;;
	*) usage_error "--arch $1: not x86-64 or arm64" ;;
	esac
}

option_pages() {
	case $1 in
	4k | 16k) PAGES=$1 ;;
	*) usage_error "--pages $1: not 4k or 16k" ;;
	esac
}

option_client() {
	[ "$1" = panvk ] || usage_error "--client $1: no such client; there is panvk"
	CLIENT=$1
}

option_mesa() {
	case $1 in
	sid | forky) MESA=$1 ;;
	*) usage_error "--mesa $1: not sid or forky" ;;
	esac
}

option_igt() {
	case $1 in
	libigt | standalone) IGT=$1 ;;
	*) usage_error "--igt $1: not libigt or standalone" ;;
	esac
}

# option_number OPTION VALUE MOST: VALUE is a decimal number from 1 to MOST, which has at most 11 digits:
# the shell cannot compare any number.
option_number() {
	case $2 in
	*[!0-9]* | 0* | ????????????*) usage_error "$1 $2: not a number from 1 to $3" ;;
	esac
	[ "$2" -le "$3" ] || usage_error "$1 $2: not a number from 1 to $3"
}

option_seed() {
	option_number --seed "$1" 2147483647
	SEED=$1
}

option_operations() {
	option_number --operations "$1" 1000000000
	OPERATIONS=$1
}

option_results() {
	[ -z "$RESULTS_DIR" ] || usage_error '--results was given twice'
	[ ! -e "$1" ] || [ -d "$1" ] || die 2 "--results $1: not a folder"
	RESULTS_DIR=$(absolute_path --results "$1") || exit
	if [ -d "$RESULTS_DIR" ] && [ ! -e "$RESULTS_DIR/metadata.json" ] &&
		[ -n "$(ls -A -- "$RESULTS_DIR")" ]; then
		die 2 "--results $1: not empty, and not the results of an earlier run"
	fi
}

option_trace() {
	[ -z "$TRACE_FILE" ] || usage_error '--trace was given twice'
	[ ! -d "$1" ] || die 2 "--trace $1: is a folder"
	TRACE_FILE=$(absolute_path --trace "$1") || exit
}

option_glob() {
	one_line "GLOB" "$1"
	case $1 in
	'!' | '^') usage_error "$1: nothing to exclude" ;;
	esac
	list_add GLOBS "$1"
}

option_with_value() {
	one_line "$1" "$2"
	case $1 in
	--test) option_test "$2" ;;
	--test-list) option_test_list "$2" ;;
	--shard) option_shard "$2" ;;
	--kernel) option_kernel "$2" ;;
	--without) option_without "$2" ;;
	--until) option_until "$2" ;;
	--patch) option_patch "$2" ;;
	--each-patch) option_each_patch "$2" ;;
	--replay) option_replay "$2" ;;
	--param) option_param "$2" ;;
	--tlb) option_tlb "$2" ;;
	--rules) option_rules "$2" ;;
	--cpu-page) option_cpu_page "$2" ;;
	--arch) option_arch "$2" ;;
	--pages) option_pages "$2" ;;
	--client) option_client "$2" ;;
	--mesa) option_mesa "$2" ;;
	--igt) option_igt "$2" ;;
	--seed) option_seed "$2" ;;
	--operations) option_operations "$2" ;;
	--results) option_results "$2" ;;
	--mutants) option_mutants "$2" ;;
	--trace) option_trace "$2" ;;
	esac
}

option_flag() {
	case $1 in
	--build | --list | --shell | --clean-cache | --help) option_action "${1#--}" ;;
	-h) option_action help ;;
	--bench) option_action bench ;;
	--bench=short) option_action bench && BENCH=short ;;
	--stock) STOCK=1 ;;
	--sanitize) SANITIZE=1 ;;
	--coverage) COVERAGE=1 ;;
	--kunit) KUNIT=1 ;;
	--multiple-mode) MULTIPLE=1 ;;
	--fail-fast) FAIL_FAST=1 ;;
	--no-skips) NO_SKIPS=1 ;;
	--host-tools) HOST_TOOLS=1 ;;
	--quiet) QUIET=1 ;;
	--verbose) VERBOSE=1 ;;
	*) usage_error "$1: no such option" ;;
	esac
}

options_defaults() {
	ACTION=run TLB=keep BENCH=full
	GLOBS='' TESTS='' TEST_LIST='' KERNEL_ARG='' PATCHES='' PARAMS='' RESULTS_DIR='' TRACE_FILE=''
	WITHOUT='' UNTIL='' SHARD='' CPU_PAGE=0 IGT='' SEED=1 OPERATIONS='' MUTANTS='' MUTANTS_OF=''
	BOARD_ARCH=x86-64 PAGES='' CLIENT='' MESA='' EACH_PATCH='' REPLAY='' PATCH_READ='' RULES=''
	STOCK=0 SANITIZE=0 COVERAGE=0 KUNIT=0 MULTIPLE=0 FAIL_FAST=0 NO_SKIPS=0 HOST_TOOLS=0 QUIET=0 VERBOSE=0
}

# True if the option that a line of arch_refuses() names was given.
option_given() {
	case $1 in
	--kernel) [ -n "$KERNEL_ARG" ] ;;
	--kunit) [ "$KUNIT" = 1 ] ;;
	--sanitize) [ "$SANITIZE" = 1 ] ;;
	--coverage) [ "$COVERAGE" = 1 ] ;;
	--multiple-mode) [ "$MULTIPLE" = 1 ] ;;
	--test) [ -n "$TESTS" ] ;;
	--igt*) [ "$IGT" = "${1#* }" ] ;;
	--cpu-page*) [ "$CPU_PAGE" = 4096 ] ;;
	--bench | --mutants) [ "$ACTION" = "${1#--}" ] ;;
	esac
}

# What the board of $BOARD_ARCH cannot do.
options_arch() {
	[ -z "$PAGES" ] || [ "$ACTION" = help ] || [ "$BOARD_ARCH" = arm64 ] ||
		usage_error '--pages goes with --arch arm64'
	# shellcheck source=/dev/null
	. "$OPTIONS_LAB/arch/$BOARD_ARCH.sh"
	[ "$ACTION" = help ] || arch_refuses | while IFS='|' read -r option_name option_reason; do
		! option_given "$option_name" ||
			usage_error "$option_name and --arch $BOARD_ARCH exclude each other: $option_reason"
	done || exit
	IGT=${IGT:-$(arch_igt)}
	[ "$BOARD_ARCH" = x86-64 ] || PAGES=${PAGES:-4k}
}

# Benchmarks and mutants are judged by what they measure and by what subtests notice.
options_rules() {
	case $ACTION:$RULES in
	bench: | mutants:) RULES=off ;;
	bench:off | mutants:off) ;;
	bench:* | mutants:*) usage_error "--$ACTION and --rules $RULES exclude each other" ;;
	esac
	RULES=${RULES:-fail}
}

# With a client a GLOB that is a number is the seed of a walk.
options_seeds() {
	GLOBS=$(printf '%s\n' "$GLOBS" | sed 's/^[1-9][0-9]*$/walk-&/')
	options_long=$(printf '%s\n' "$GLOBS" | grep -x 'walk-[0-9]*' | grep -x 'walk-.\{10,\}' |
		head -n 1) || :
	[ -z "$options_long" ] ||
		usage_error "${options_long#walk-}: the seed of a walk is from 1 to 999999999"
}

# The client's tests are its own, and it takes neither a seed for all nor another harness.
options_client() {
	[ "$ACTION" != help ] || return 0
	if [ -z "$CLIENT" ]; then
		[ -z "$MESA" ] || usage_error '--mesa goes with --client'
		return
	fi
	[ "$BOARD_ARCH" = arm64 ] || usage_error '--client goes with --arch arm64'
	[ -z "$TEST_LIST" ] || usage_error '--client and --test-list exclude each other'
	[ "$CPU_PAGE" = 0 ] || usage_error '--client and --cpu-page exclude each other'
	[ "$SEED" = 1 ] || usage_error '--client and --seed exclude each other: seeds are arguments'
	[ "$HOST_TOOLS" = 0 ] || usage_error '--client and --host-tools exclude each other'
	MESA=${MESA:-sid}
	options_seeds
}

options_conflicts() {
	options_arch
	options_rules
	options_client
	[ "$QUIET$VERBOSE" != 11 ] || usage_error '--quiet and --verbose exclude each other'
	[ "$STOCK" = 0 ] || [ -z "$WITHOUT" ] ||
		usage_error '--stock and --without exclude each other'
	[ -z "$UNTIL" ] || [ "$STOCK$WITHOUT" = 0 ] ||
		usage_error '--until excludes --stock and --without'
	[ "$KUNIT" = 0 ] || [ -z "$TESTS" ] || usage_error '--kunit and --test exclude each other'
	case $KUNIT:$ACTION in
	0:* | 1:run | 1:each-patch | 1:replay | 1:build | 1:help) ;;
	*) usage_error "--kunit and --$ACTION exclude each other" ;;
	esac
	[ "$MULTIPLE$KUNIT" != 11 ] || usage_error '--multiple-mode and --kunit exclude each other'
	case $MULTIPLE:$ACTION in
	0:* | 1:run | 1:each-patch | 1:replay | 1:list | 1:help) ;;
	*) usage_error "--multiple-mode and --$ACTION exclude each other" ;;
	esac
	[ -z "$SHARD" ] || [ "$KUNIT" = 0 ] || usage_error '--shard and --kunit exclude each other'
	case $SHARD:$ACTION in
	:* | ?*:run | ?*:each-patch | ?*:list | ?*:help) ;;
	*) usage_error "--shard and --$ACTION exclude each other" ;;
	esac
	[ "$FAIL_FAST$KUNIT" != 11 ] || usage_error '--fail-fast and --kunit exclude each other'
	[ "$COVERAGE$KUNIT" != 11 ] || usage_error '--coverage and --kunit exclude each other'
	case $COVERAGE:$ACTION in
	0:* | 1:run | 1:build | 1:list | 1:replay | 1:help) ;;
	*) usage_error "--coverage and --$ACTION exclude each other" ;;
	esac
	case $FAIL_FAST:$ACTION in
	0:* | 1:run | 1:each-patch | 1:replay | 1:mutants | 1:help) ;;
	*) usage_error "--fail-fast and --$ACTION exclude each other" ;;
	esac
	[ "$ACTION" != mutants ] || [ -z "$TRACE_FILE" ] ||
		usage_error '--mutants and --trace exclude each other'
	[ "$CPU_PAGE" = 0 ] || [ -z "$TESTS" ] ||
		usage_error '--cpu-page and --test exclude each other'
	[ "$IGT" = libigt ] || [ -z "$TESTS" ] || usage_error '--igt and --test exclude each other'
	[ "$ACTION" != shell ] || [ -z "$PATCH_READ" ] ||
		usage_error '--shell and --patch - exclude each other: both read standard input'
	[ "$ACTION" != shell ] || [ -z "$GLOBS" ] || usage_error '--shell runs no subtest'
	[ "$ACTION" != shell ] || [ -z "$TEST_LIST" ] || usage_error '--shell runs no subtest'
	[ "$ACTION" != bench ] || [ -z "$GLOBS$TESTS$TEST_LIST" ] || usage_error '--bench runs no subtest'
	[ "$ACTION" != bench ] || [ "$STOCK" = 0 ] ||
		usage_error '--bench and --stock exclude each other: it measures both'
	[ "$ACTION" != bench ] || [ -z "$TRACE_FILE" ] ||
		usage_error '--bench and --trace exclude each other'
	[ "$ACTION" != build ] || [ -z "$GLOBS$TESTS$TEST_LIST" ] || usage_error '--build runs no subtest'
	[ "$ACTION" != build ] || [ -z "$RESULTS_DIR$TRACE_FILE" ] ||
		usage_error '--build leaves neither results nor a trace'
	[ "$ACTION" != clean-cache ] || [ -z "$GLOBS$TESTS$TEST_LIST" ] ||
		usage_error '--clean-cache runs no subtest'
}

# True if the option $1 takes a value, as `--NAME VALUE` or `--NAME=VALUE`.
option_valued() {
	case $1 in
	--arch | --pages | --client | --mesa | --test | --test-list | --shard | --kernel | --without | \
		--until | --patch | --each-patch | --replay | --param | --tlb | --rules | --cpu-page | \
		--igt | --seed | --operations | --results | --trace | --mutants) ;;
	*) return 1 ;;
	esac
}

options_parse() {
	options_defaults
	while [ $# -gt 0 ]; do
		if option_valued "$1"; then
			[ $# -ge 2 ] || usage_error "$1: needs a value"
			case $2 in
			--*) usage_error "$1: needs a value, and $2 is an option" ;;
			esac
			option_with_value "$1" "$2"
			shift 2
			continue
		elif option_valued "${1%%=*}"; then
			option_with_value "${1%%=*}" "${1#*=}"
			shift
			continue
		fi
		case $1 in
		--)
			shift
			break
			;;
		-?*) option_flag "$1" ;;
		*) option_glob "$1" ;;
		esac
		shift
	done
	for glob; do
		option_glob "$glob"
	done
	options_conflicts
}

# True if the subtest $2 of the test $1 is selected by $GLOBS. A pattern may name the subtest or
# test@subtest; the last one that matches decides, as in IGT.
glob_selects() {
	chosen=yes
	case $GLOBS in
	'' | ['!^']*) ;;
	*) chosen=no ;;
	esac
	while IFS= read -r glob; do
		verdict=yes
		case $glob in
		['!^']*) verdict=no glob=${glob#?} ;;
		esac
		# shellcheck disable=SC2254 # it is a pattern
		case $2 in
		$glob) chosen=$verdict ;;
		esac
		# shellcheck disable=SC2254
		case $1@$2 in
		$glob) chosen=$verdict ;;
		esac
	done <<LIST
$GLOBS
LIST
	[ "$chosen" = yes ]
}

# True if a pattern is the whole name of the subtest $2 of the test $1: it is asked for by name.
glob_names() {
	printf '%s\n' "$GLOBS" | grep -q -x -F -e "$1@$2" -e "${2:-$1}"
}
