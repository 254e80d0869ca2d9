#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# The files for pipelines: .gitlab-ci.yml and the LAVA job against schemas of what they use, and their
# commands, executed. ./run and ./check are stood in for: the real parsers of their options read the
# command lines. A board is stood in for by scripts that end like subtests. The lists for drm-ci. Needs the
# toolbox for perl's YAML.

# shellcheck disable=SC2317,SC2329 # check() calls the functions

set -eu

REPO=$(readlink -f -- "$(dirname -- "$0")/../..")
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
for part in common toolbox tests/inside; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done
# shellcheck disable=SC2034 # for lab/kernel.sh
KERNEL_ARG=''
if ! (XDG_CACHE_HOME=$CACHE_OF_USER && cache_has toolbox "$(toolbox_key)"); then
	echo '0 passed, 0 failed, 1 skipped: no toolbox in the cache'
	exit 77
fi

# A parser that comes with perl: it knows block style, and no flow style or anchors.
# shellcheck disable=SC2016 # perl's
TO_JSON='
	my $read = CPAN::Meta::YAML->read($ARGV[0]) or die CPAN::Meta::YAML->errstr;
	print JSON::PP->new->canonical->encode($read->[0]);'

# in_pipeline SCHEMA FILE COMMAND: what lab/tests/pipeline.py says of a file.
in_pipeline() {
	(
		# shellcheck disable=SC2030,SC2034 # for lab/toolbox.sh
		TOOLBOX_BIND=$SCRATCH
		# shellcheck disable=SC2016 # of the inner shell
		inside sh -c 'perl -MCPAN::Meta::YAML -MJSON::PP -e "$1" "$2" >/tmp/json &&
			python3 -B lab/tests/pipeline.py "lab/tests/$3.schema.json" "$4" </tmp/json' \
			sh "$TO_JSON" "$2" "$1" "$3"
	)
}

GITLAB=$REPO/.gitlab-ci.yml

gitlab_schema() {
	in_pipeline gitlab "$GITLAB" check
}

# spoilt SCHEMA FILE SED PATTERN: what SED makes of FILE is refused by a line like PATTERN.
spoilt() {
	sed "$3" "$2" >"$SCRATCH/spoilt.yml"
	fails cmp -s "$2" "$SCRATCH/spoilt.yml"
	fails in_pipeline "$1" "$SCRATCH/spoilt.yml" check >"$SCRATCH/errors"
	grep -q -e "$4" "$SCRATCH/errors"
}

gitlab_spoilt() {
	spoilt gitlab "$GITLAB" 's/^  stage: test/  stage: tests/' 'stage tests is none of the stages'
	spoilt gitlab "$GITLAB" 's/^  script:/  scripts:/' 'scripts: not known'
	spoilt gitlab "$GITLAB" 's/extends: suite/extends: suit/' 'extends suit, which is no other job'
	spoilt gitlab "$GITLAB" 's/timeout: 1 hour$/timeout: 1/' "'1' does not match"
	spoilt gitlab "$GITLAB" 's/policy: pull$/policy: read/' "'read' is none of"
	spoilt gitlab "$GITLAB" 's/junit: .*/junit:/' 'junit: not of type string'
	spoilt gitlab "$GITLAB" 's/- SHARD:/- PART:/' 'SHARD is in the matrix or in the script alone'
	spoilt gitlab "$GITLAB" '/^workflow:/,/^$/d' 'lacks workflow'
}

# Stand-ins for ./run and ./check in $1: they refuse what the real ones refuse, and leave what those leave.
stand_ins() {
	cat >"$1/run" <<-'RUN'
		#!/bin/sh
		set -eu
		. "$REPO/lab/common.sh"
		. "$REPO/lab/options.sh"
		options_parse "$@"
		case $ACTION in
		run)
			mkdir -p "$RESULTS_DIR"
			for file in metadata.json results.html junit.xml; do
				: >"$RESULTS_DIR/$file"
			done
			;;
		build) ;;
		*) exit 1 ;;
		esac
		echo "$ACTION stock=$STOCK sanitize=$SANITIZE shard=$SHARD" >>did
	RUN
	cat >"$1/check" <<-'CHECK'
		#!/bin/sh
		set -eu
		XDG_CACHE_HOME=$CACHE_OF_USER "$REPO/check" --list "$@" >listed </dev/null
		test -s listed
		mkdir -p build/check/one
		: >build/check/one/junit.xml
		echo "check $*" >>did
	CHECK
	chmod +x "$1/run" "$1/check"
}

# Each job in a folder of its own, with the variables of its row; its artifacts must be there.
gitlab_commands() {
	in_pipeline gitlab "$GITLAB" commands >"$SCRATCH/commands"
	in_pipeline gitlab "$GITLAB" paths >"$SCRATCH/paths"
	rm -rf "$SCRATCH/jobs"
	tab=$(printf '\t')
	while IFS=$tab read -r job variables command; do
		# A tab is white space to `read`: an empty field is lost.
		[ -n "$command" ] || command=$variables variables=''
		folder=$SCRATCH/jobs/$job
		mkdir -p "$folder"
		stand_ins "$folder"
		# shellcheck disable=SC2086 # a word for each variable
		(cd "$folder" && env ${variables:-_=_} sh -e -c "$command")
	done <"$SCRATCH/commands"
	while IFS=$tab read -r job path; do
		# shellcheck disable=SC2086 # a pattern of one file
		(cd "$SCRATCH/jobs/$job" && test -e $path)
	done <"$SCRATCH/paths"
	same 'build stock=0 sanitize=0 shard=,build stock=1 sanitize=0 shard=' \
		"$(paste -s -d , - <"$SCRATCH/jobs/board/did")"
	same 'check style unit lab' "$(cat "$SCRATCH/jobs/checks/did")"
	same 'run stock=0 sanitize=1 shard=' "$(cat "$SCRATCH/jobs/sanitized/did")"
	for job in suite:0 suite-stock:1; do
		same "$(seq 1 4 | sed "s,.*,run stock=${job#*:} sanitize=0 shard=&/4,")" \
			"$(cat "$SCRATCH/jobs/${job%:*}/did")"
	done
}

# A command that the real ./run refuses does not pass.
gitlab_commands_spoilt() {
	mkdir -p "$SCRATCH/refused"
	stand_ins "$SCRATCH/refused"
	fails_quietly sh -c "cd '$SCRATCH/refused' && ./run --shard 5/4 --results results"
	fails_quietly sh -c "cd '$SCRATCH/refused' && ./check stile"
}

# ---------------------------------------------------------------------------------------------
# LAVA

U=https://example.org/panthor

lava() {
	"$REPO/lab/ci/lava" --kernel "$U/Image" --modules "$U/modules.tar.xz" \
		--dtb "$U/rk3588-rock-5b.dtb" --rootfs "$U/rootfs.tar.xz" --tests "$U/tests.tar.gz" "$@"
}

lava_schema() {
	for list in bat full; do
		lava --list "$list" >"$SCRATCH/lava.yml"
		in_pipeline lava "$SCRATCH/lava.yml" check
		fails grep -q '@[A-Z]*@' "$SCRATCH/lava.yml"
		grep -q "run-list $list results" "$SCRATCH/lava.yml"
	done
}

lava_spoilt() {
	lava >"$SCRATCH/lava.yml"
	spoilt lava "$SCRATCH/lava.yml" 's/  to: tftp/  too: tftp/' 'lacks to'
	spoilt lava "$SCRATCH/lava.yml" 's/minutes: 90/minutes: ninety/' "'ninety' does not match"
	spoilt lava "$SCRATCH/lava.yml" 's/steps:/step:/' 'lacks steps'
	spoilt lava "$REPO/lab/ci/lava-rk3588.yml" 's/x86/arm/;s/priority/prio/' "'@KERNEL@' does not match"
}

# A build folder whose tests are scripts: they end by the name of the subtest.
made_build() {
	mkdir -p "$SCRATCH/build/tests/panthor"
	sed -n 's,^igt@\(panthor/.*\)@.*,\1,p' "$REPO/tests/panthor/panthor_vm_sparse.full.testlist" |
		sort -u | while IFS= read -r test; do
		cat >"$SCRATCH/build/tests/$test" <<-'TEST'
			#!/bin/sh
			echo "Starting subtest: $2"
			case $2 in
			evict-remap) status=98 word=FAIL ;;
			tlb-*) status=77 word=SKIP ;;
			wait-sparse) kill -SEGV $$ ;;
			*) status=0 word=SUCCESS ;;
			esac
			echo "Subtest $2: $word (0.001s)"
			exit $status
		TEST
		chmod +x "$SCRATCH/build/tests/$test"
	done
	cp "$SCRATCH/build/tests/panthor/panthor_vm_sparse" "$SCRATCH/build/tests/panthor/panthor_preflight"
	mkdir "$SCRATCH/build/tests/panthor/panthor_vm_sparse.p"
}

# What LAVA and the network would be there.
made_board() {
	mkdir -p "$SCRATCH/bin" "$SCRATCH/board"
	cat >"$SCRATCH/bin/wget" <<-'WGET'
		#!/bin/sh
		[ "$*" = "-q -O tests.tar.gz https://example.org/panthor/tests.tar.gz" ] || exit 1
		cp "$SCRATCH/tests.tar.gz" tests.tar.gz
	WGET
	cat >"$SCRATCH/bin/lava-test-case" <<-'CASE'
		#!/bin/sh
		[ "$2 $4 $6" = '--result --measurement --units' ] || exit 1
		echo "$1 $3" >>"$SCRATCH/cases"
	CASE
	chmod +x "$SCRATCH/bin/wget" "$SCRATCH/bin/lava-test-case"
	mkfifo "$SCRATCH/kmsg"
}

# The very steps of the job, as LAVA runs them: one after the other, in one folder.
lava_steps() {
	made_build
	made_board
	"$REPO/lab/ci/board-tests" "$SCRATCH/build" "$SCRATCH/tests.tar.gz"
	lava >"$SCRATCH/lava.yml"
	in_pipeline lava "$SCRATCH/lava.yml" steps >"$SCRATCH/steps"
	# The kernel's log, which somebody has to hold open.
	exec 9<>"$SCRATCH/kmsg"
	export JOBS_KMSG="$SCRATCH/kmsg"
	status=0
	(cd "$SCRATCH/board" && PATH=$SCRATCH/bin:$PATH sh -e "$SCRATCH/steps") || status=$?
	exec 9>&-
	same 1 "$status"
	list=$REPO/tests/panthor/panthor_vm_sparse.bat.testlist
	same "$(sed -n 's,^igt@panthor/\(.*\)@,\1.,p' "$list" | sort)" \
		"$(cut -d ' ' -f 1 "$SCRATCH/cases" | sort)"
	same 'panthor_vm_sparse_evict.evict-remap fail' "$(grep ' fail$' "$SCRATCH/cases" | head -n 1)"
	same "$(grep -c '@tlb-' "$list")" "$(grep -c ' skip$' "$SCRATCH/cases")"
	fails grep -v -e ' pass$' -e ' skip$' -e '\.evict-remap fail$' -e '\.wait-sparse fail$' \
		"$SCRATCH/cases"
}

# one_line STATUS PATTERN CMD…
lava_bad() {
	fails_with 2 'lab/ci/lava: --tests is missing: *' "$REPO/lab/ci/lava" --kernel "$U" \
		--modules "$U" --dtb "$U" --rootfs "$U"
	fails_with 2 'lab/ci/lava: --kernel /x: not an address: *' lava --kernel /x
	fails_with 2 "lab/ci/lava: --dtb *: not an address: *" lava --dtb "https://x/'; rm -r"
	fails_with 2 'lab/ci/lava: --list all: neither bat nor full: *' lava --list all
	fails_with 2 'lab/ci/lava: --lists: no such option: *' lava --lists
	fails_with 2 'lab/ci/board-tests: type *' "$REPO/lab/ci/board-tests"
	fails_with 2 "lab/ci/board-tests: $SCRATCH: no build folder with tests: *" \
		"$REPO/lab/ci/board-tests" "$SCRATCH" "$SCRATCH/none.tar.gz"
	fails_with 2 "lab/ci/board-tests: $SCRATCH/no/x: cannot be written" \
		"$REPO/lab/ci/board-tests" "$SCRATCH/build" "$SCRATCH/no/x"
	fails_with 2 'lava-cases: *: no results of run-list' sh "$REPO/lab/ci/lava-cases" "$SCRATCH"
	fails_with 2 'run-list: type *' sh "$REPO/lab/ci/run-list" bat
	fails_with 2 'run-list: none: neither bat nor full nor a file' sh "$REPO/lab/ci/run-list" \
		none "$SCRATCH/none"
	fails_with 2 'run-list: *: there is something already' sh "$REPO/lab/ci/run-list" \
		"$REPO/README.md" "$SCRATCH"
	test ! -e "$SCRATCH/none" && test ! -e "$SCRATCH/none.tar.gz"
}

# ---------------------------------------------------------------------------------------------
# drm-ci

drm_ci() {
	"$REPO/lab/ci/drm-ci" "$SCRATCH/drm"
	same "$(sed -n 's/^igt@//p' "$REPO/tests/panthor/panthor_vm_sparse.full.testlist")" \
		"$(cat "$SCRATCH/drm/ci-testlist.txt")"
	same "$(grep -c '^panthor/' "$REPO/lab/expectations/7.3-stock-fails.txt")" \
		"$(grep -c '^panthor/.*,[A-Z]' "$SCRATCH/drm/panthor-rk3588-fails.txt")"
	# Every line is a reason, an entry or blank; every entry is of a case.
	for kind in fails flakes skips; do
		grep -v -e '^#' -e '^$' "$SCRATCH/drm/panthor-rk3588-$kind.txt" >"$SCRATCH/entries" || :
		test -s "$SCRATCH/entries"
		sed 's/,\(Fail\|Crash\|Timeout\)$//' "$SCRATCH/entries" | while IFS= read -r entry; do
			grep -q -x -E -e "$entry" "$SCRATCH/drm/ci-testlist.txt" || {
				echo "$kind: $entry: no such case"
				exit 1
			}
		done
	done
	fails grep -q '^run@' -r "$SCRATCH/drm"
}

drm_ci_bad() {
	for said in ': where to*' '--list all: --list all: neither bat nor full' \
		'--all: --all: no such option*' '--expectations 6.1: --expectations 6.1: there are none' \
		"$SCRATCH: $SCRATCH: there is something already"; do
		case ${said%%: *} in
		--list*) set -- --list all "$SCRATCH/none" ;;
		--expectations*) set -- --expectations 6.1 "$SCRATCH/none" ;;
		'') set -- ;;
		*) set -- "${said%%: *}" ;;
		esac
		fails_with 2 "lab/ci/drm-ci: ${said#*: }" "$REPO/lab/ci/drm-ci" "$@"
	done
	test ! -e "$SCRATCH/none"
}

check '.gitlab-ci.yml fits the schema' gitlab_schema
check '... and the schema refuses what does not' gitlab_spoilt
check 'the commands of .gitlab-ci.yml, and their artifacts' gitlab_commands
check '... and what ./run and ./check refuse' gitlab_commands_spoilt
check 'the LAVA job fits the schema' lava_schema
check '... and the schema refuses what does not' lava_spoilt
check 'the steps of the LAVA job' lava_steps
check 'what is refused: one line' lava_bad
check 'the lists for drm-ci' drm_ci
check '... and what is refused' drm_ci_bad
checks_done
