# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh
#
# The defects of ./check regressions, KIND:PATCH each, and what the files of kernel/regressions and
# kernel/patches say about them.

# For `setpriv --pdeathsig TERM -- sh -c "$UNLESS_ORPHAN" $$ CMD…`: runs CMD, unless this shell has ended
# before setpriv asked for the signal.
# shellcheck disable=SC2016,SC2034 # for the inner shell
UNLESS_ORPHAN='[ "$PPID" = "$0" ] || exit 143; exec "$@"'

# The patches of kernel/$1, one a line.
series() {
	sed -e 's/[[:space:]]*#.*//' -e '/^$/d' "$REPO/kernel/$1/series"
}

# The planted defects that the referee alone notices, one patch of kernel/regressions a line.
rule_series() {
	[ ! -f "$REPO/kernel/regressions/series.rules" ] ||
		sed -e 's/[[:space:]]*#.*//' -e '/^$/d' "$REPO/kernel/regressions/series.rules"
}

# Prints the path of the patch of kernel/patches whose file name is $1.
series_path() {
	series patches | grep -x -e "\(.*/\)\?$1"
}

# What a planted defect says by lines $2: Caught-by and Missed-by are subtests, as TEST@SUBTEST.
regression_says() {
	sed -n "s/^$2: *//p" "$REPO/kernel/regressions/$1"
}

# What a patch of the series says by lines $2 below its three dashes.
patch_says() {
	sed -n "/^---\$/,/^diff /s/^$2: *//p" "$REPO/kernel/patches/$1"
}

# Prints the options of ./run that a patch asks for by lines Param, without which its subtests skip.
patch_params() {
	sed -n '/^diff /q; s/^Param: */--param /p' "$REPO/kernel/$1"
}

# Prints what a planted defect needs of ./run: most are defects of the driver as it was released.
regression_base() {
	grep -q '^Base: series$' "$REPO/kernel/regressions/$1" || echo --stock
}
# Prints all defects as KIND:PATCH, one a line. That defect which the suite was written for is
# planted in the driver with the series, too.
defects() {
	series regressions | sed 's/^/planted:/'
	rule_series | sed 's/^/rule:/'
	[ -z "$(series patches)" ] || echo series:remap-first-2m.patch
	echo backport:restore-sparse-vmas.patch
	series patches | sed 's/^/revert:/'
}

# Prints of the planted defects the first for each group of subtests, as planted:PATCH, and the first
# for the referee, as rule:PATCH.
defects_of_groups() {
	for of_groups_patch in $(series regressions); do
		regression_says "$of_groups_patch" Caught-by | sed "s/\$/ $of_groups_patch/"
	done | awk '{
		group = $1
		sub(/^[^@]*@/, "", group)
		sub(/-.*/, "", group)
		if (!(group in seen) && !printed[$2]++)
			print "planted:" $2
		seen[group]
	}'
	rule_series | sed -n '1s/^/rule:/p'
}

# Prints the defects of lab/tests/arm64-defects, as arm64-PAGES:PATCH.
defects_arm64() {
	sed -e 's/[[:space:]]*#.*//' -e '/^$/d' "$REPO/lab/tests/arm64-defects" |
		while read -r arm64_patch arm64_pages; do
			for arm64_size in $arm64_pages; do
				echo "arm64-$arm64_size:$arm64_patch.patch"
			done
		done
}

# Prints the name of the item that judges KIND:PATCH.
defect_item() {
	defect_name=${1##*[:/]}
	defect_name=${defect_name%.patch}
	case $1 in
	planted:* | rule:*) echo "regressions: $defect_name" ;;
	arm64-*:*)
		defect_pages=${1%%:*}
		echo "arm64: $defect_name, pages of ${defect_pages#arm64-}"
		;;
	series:*) echo "regressions: $defect_name, on the series" ;;
	backport:*) echo "backport: $defect_name" ;;
	step:*) echo "series: $defect_name" ;;
	revert:*) echo "reverts: $defect_name" ;;
	esac
}

# Prints the name of the results of KIND:PATCH.
defect_results() {
	defect_name=${1##*[:/]}
	case $1 in
	series:*) echo "${defect_name%.patch}+series" ;;
	step:*) echo "${defect_name%.patch}+step" ;;
	arm64-*:*) echo "${defect_name%.patch}+${1%%:*}" ;;
	*) echo "${defect_name%.patch}" ;;
	esac
}

# Runs a command in the toolbox, in the repository's folder.
in_toolbox() {
	(toolbox_exec "$@")
}

# Judges there: a command of lab/report.
in_report() {
	in_toolbox env PYTHONPATH=lab python3 -B -m report "$@"
}
