#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# defect.sh OUT KIND:PATCH STATUS: whether the subtests that the patch names catch that defect, and
# miss it as it says. A lane of ./check (items.sh): its exit status is written to the file STATUS as
# well. OUT is the folder of the results: defects/NAME.catches and NAME.misses there get a line for
# each subtest.

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
for part in common toolbox tests/defects; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done

OUT=$1 defect=$2 status_file=$3
mkdir -p "$OUT/defects"
toolbox_ensure

# board_run ARG...: ./run, which ends when this shell does.
board_run() {
	setpriv --pdeathsig TERM -- sh -c "$UNLESS_ORPHAN" $$ "$REPO/run" "$@"
}

# How long a board may work on the subtests of one defect: some of those defects leave it hanging.
CAUGHT_SECONDS=60

# caught NAME ARG...: whether the subtests in $OUT/defects/NAME, one TEST@SUBTEST a line, catch the
# defect of the driver that ./run ARG... makes, and those in $OUT/defects/NAME.missers pass with it.
# All run on one boot. If one takes the board down, the rest runs on the next.
caught() {
	caught_name=$1 caught_left=$OUT/defects/$1.left caught_boot=0
	caught_missers=$OUT/defects/$1.missers
	caught_catches=$OUT/defects/$1.catches caught_misses=$OUT/defects/$1.misses
	shift
	: >"$caught_catches"
	: >"$caught_misses"
	cat "$OUT/defects/$caught_name" "$caught_missers" >"$caught_left"
	while [ -s "$caught_left" ]; do
		caught_before=$(wc -l <"$caught_left") caught_status=0
		caught_boot=$((caught_boot + 1))
		caught_results=$OUT/defects/$caught_name.results/$caught_boot
		mkdir -p "${caught_results%/*}"
		# shellcheck disable=SC2046 # names without blanks
		VMALI_DEADLINES="suite=$CAUGHT_SECONDS" board_run "$@" \
			--results "$caught_results" $(sed 's,^,panthor/,' "$caught_left") ||
			caught_status=$?
		in_report caught --whole "$caught_name" "$caught_left" "$caught_results/verdicts.json" \
			"$caught_status" "$caught_catches" "$caught_missers" "$caught_misses" || return
		[ "$(wc -l <"$caught_left")" -lt "$caught_before" ] || {
			sed 's/^/did not run: /' "$caught_left"
			return 1
		}
	done
}

# rule PATCH NAME ARG...: whether the driver with the defect breaks that rule of the referee, and no
# other, in each subtest that the patch names by lines `Rule: RULE TEST@SUBTEST`; and whether these
# subtests pass where no rule is looked at. A catch by the referee is none by the subtest: +rules
# and +off keep it out of the matrix.
rule() {
	patch=$1 name=$2
	shift 2
	# shellcheck disable=SC2046 # words
	set -- "$@" $(patch_params "regressions/$patch") --patch "$REPO/kernel/regressions/$patch"
	regression_says "$patch" Rule >"$OUT/defects/$name.rules"
	[ -s "$OUT/defects/$name.rules" ] || {
		echo "kernel/regressions/$patch has no Rule line"
		return 1
	}
	sed 's/.* //' "$OUT/defects/$name.rules" >"$OUT/defects/$name+rules"
	: >"$OUT/defects/$name+rules.missers"
	cp "$OUT/defects/$name+rules" "$OUT/defects/$name+off.missers"
	: >"$OUT/defects/$name+off"
	caught "$name+rules" "$@" || return
	for rule_results in "$OUT/defects/$name+rules.results"/*; do
		in_report ruled "$rule_results" "$OUT/defects/$name.rules" || return
	done
	caught "$name+off" --rules off "$@"
}

# regression PATCH NAME ARG...: plants the defect and runs the subtests that have to catch it, without
# the help of the referee.
regression() {
	patch=$1 name=$2
	shift 2
	regression_says "$patch" Caught-by >"$OUT/defects/$name"
	regression_says "$patch" Missed-by >"$OUT/defects/$name.missers"
	[ -s "$OUT/defects/$name" ] || {
		echo "kernel/regressions/$patch has no Caught-by line"
		return 1
	}
	# shellcheck disable=SC2046 # words
	caught "$name" --rules off "$@" $(patch_params "regressions/$patch") \
		--patch "$REPO/kernel/regressions/$patch"
}

# backport PATCH DEFECT: what catches the defect passes once the patch for older trees is applied to
# what the defect makes of the driver.
backport() {
	# shellcheck disable=SC2046 # names without blanks
	board_run --stock --patch "$REPO/kernel/regressions/$2" \
		--patch "$REPO/kernel/patches/backport/$1" --results "$OUT/backport" \
		$(regression_says "$2" Caught-by | sed 's,^,panthor/,')
}

# revert_kunit PATCH NAME: whether the driver's own tests fail, or cannot even be built, without it.
revert_kunit() {
	kunit_status=0
	board_run --kunit --without "$1" --results "$OUT/defects/$2.results" || kunit_status=$?
	case $kunit_status in
	0) echo "the KUnit tests pass without kernel/patches/$1" && return 1 ;;
	1 | 3 | 4) ;;
	*) return "$kunit_status" ;;
	esac
}

# revert PATCH NAME: takes the patch out of the series and runs what needs it: subtests, or the
# driver's own tests.
revert() {
	untested=$(patch_says "$1" Untested)
	[ -z "$untested" ] || {
		echo "kernel/patches/$1 has no test: $untested"
		return 77
	}
	kunit=$(patch_says "$1" KUnit)
	patch_says "$1" Caught-by >"$OUT/defects/$2"
	patch_says "$1" Missed-by >"$OUT/defects/$2.missers"
	if [ -s "$OUT/defects/$2" ] && [ -z "$kunit" ]; then
		# shellcheck disable=SC2046 # words
		caught "$2" --rules off $(patch_params "patches/$1") --without "$1"
	elif [ -s "$OUT/defects/$2" ] || [ -z "$kunit" ]; then
		echo "kernel/patches/$1 needs either Caught-by lines or a line KUnit or Untested below ---"
		return 1
	else
		revert_kunit "$1" "$2"
	fi
}

# step PATCH NAME: whether the driver compiles without a warning with the series up to the patch, and the
# subtests that the patch names pass.
step() {
	in_toolbox sh lab/tests/step.sh "$1" || return
	: >"$OUT/defects/$2"
	patch_says "$1" Caught-by >"$OUT/defects/$2.missers"
	[ -s "$OUT/defects/$2.missers" ] || {
		echo "kernel/patches/$1 names no subtest: compiled only"
		return 0
	}
	# shellcheck disable=SC2046 # words
	caught "$2" $(patch_params "patches/$1") --until "$1"
}

# No subshell may stand between this shell and ./run, which would outlive this shell then.
judge() {
	patch=${defect#*:} name=$(defect_results "$defect")
	case $defect in
	planted:*)
		# shellcheck disable=SC2046 # one option or none
		regression "$patch" "$name" $(regression_base "$patch")
		;;
	rule:*)
		# shellcheck disable=SC2046 # one option or none
		rule "$patch" "$name" $(regression_base "$patch")
		;;
	arm64-*:*)
		pages=${defect%%:*}
		# shellcheck disable=SC2046 # one option or none
		regression "$patch" "$name" --arch arm64 --pages "${pages#arm64-}" \
			$(regression_base "$patch")
		;;
	series:*) regression "$patch" "$name" ;;
	backport:*) backport "$patch" remap-first-2m.patch ;;
	revert:*) revert "$patch" "$name" ;;
	step:*) step "$patch" "$name" ;;
	esac
}

status=0
judge || status=$?
echo "$status" >"$status_file.new"
mv "$status_file.new" "$status_file"
exit "$status"
