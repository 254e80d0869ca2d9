# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh
#
# The items of ./check, each of which is one command with one verdict, by its exit status: 0 pass,
# 77 skip, anything else a failure. An item is named `WORD: TEXT`. Its output is in $OUT/NAME.log, its
# verdict a line `VERDICT SECONDS NAME` of $OUT/verdicts. A filter selects items by the TEXT.
#
# Lanes: items that do not depend on each other can run side by side, each as a process of its own
# that ends when ./check does. They are reported as they end.

passed=0 failed=0 skipped=0
# One a line, for the end: of a long run that is all that some see.
failures=''
# The processes of the lanes.
LANES=''

# The options of ./check: 1 if items are only listed; 1 if what passed before is not run again; the
# most lanes. The group whose items run, and the shell pattern that the TEXT has to match.
LIST=0 RESUME=0 JOBS=1 GROUP='' FILTER='*'

# The log of the item $1.
item_log() {
	printf '%s/%s.log' "$OUT" "$(printf '%s' "$1" | tr -c 'A-Za-z0-9._\n-' _)"
}

# item_wanted NAME: true if the item is to run. One that is only listed, or that passed before, is
# printed here.
item_wanted() {
	# shellcheck disable=SC2254 # it is a pattern
	case ${1#*: } in
	$FILTER) ;;
	*) return 1 ;;
	esac
	if [ "$LIST" = 1 ]; then
		printf '%s:%s\n' "$GROUP" "${1#*: }"
		return 1
	elif [ "$RESUME" = 1 ] && item_before "$1"; then
		passed=$((passed + 1))
		printf 'pass  %-60s before\n' "$1"
		return 1
	fi
}

# Whether the item $1 passed in the run that is resumed.
item_before() {
	cut -d ' ' -f 1,3- "$OUT/verdicts" | grep -q -x -F -e "pass $1"
}

# Prints the end of the output of a failed item. The rows of subtests that passed are left out, since
# they would take the place of the row that failed.
item_excerpt() {
	sed '/ [Pp]ass  *[0-9.]* s$/d' "$1" | tail -n 20 | sed 's/^/      | /'
}

# item_done NAME STATUS SECONDS: reports and counts a verdict.
item_done() {
	item_file=$(item_log "$1")
	case $2 in
	0)
		passed=$((passed + 1)) item_verdict=pass
		printf 'pass  %-60s %4d s\n' "$1" "$3"
		;;
	77)
		skipped=$((skipped + 1)) item_verdict=skip
		printf 'skip  %-60s %4d s\n' "$1" "$3"
		tail -n 1 "$item_file" | sed 's/^/      | /'
		;;
	*)
		failed=$((failed + 1)) item_verdict=fail
		failures=$failures"failed: $1
"
		printf 'FAIL  %-60s %4d s  exit %d\n' "$1" "$3" "$2"
		item_excerpt "$item_file"
		;;
	esac
	printf '%s %s %s\n' "$item_verdict" "$3" "$1" >>"$OUT/verdicts"
}

# item NAME CMD...: one test, here and now.
item() {
	item_name=$1
	shift
	item_wanted "$item_name" || return 0
	item_start=$(date +%s) item_status=0
	"$@" >"$(item_log "$item_name")" 2>&1 </dev/null || item_status=$?
	item_done "$item_name" "$item_status" $(($(date +%s) - item_start))
}

# lane NAME CMD...: one test in a lane, as soon as one is free. CMD is an external command that writes
# its exit status to the file "$(item_log NAME).status".
lane() {
	lane_name=$1
	shift
	item_wanted "$lane_name" || return 0
	lanes_wait $((JOBS - 1))
	rm -f "$(item_log "$lane_name").status"
	setpriv --pdeathsig TERM -- sh -c "$UNLESS_ORPHAN" $$ "$@" \
		>"$(item_log "$lane_name")" 2>&1 </dev/null &
	LANES="$LANES$! $(date +%s) $lane_name
"
}

# lanes_wait N: reports lanes as they end, until at most N are busy.
lanes_wait() {
	lanes_collect
	while [ "$(printf '%s' "$LANES" | wc -l)" -gt "$1" ]; do
		sleep 0.1
		lanes_collect
	done
}

# Reports the lanes that have ended.
lanes_collect() {
	lanes_all=$LANES LANES=''
	while read -r lane_pid lane_start lane_item; do
		if [ -z "$lane_pid" ]; then
			continue
		elif lane_ended "$lane_pid" "$lane_item"; then
			item_done "$lane_item" "$lane_status" $(($(date +%s) - lane_start))
		else
			LANES="$LANES$lane_pid $lane_start $lane_item
"
		fi
	done <<LANES_END
$lanes_all
LANES_END
}

# lane_ended PID NAME: sets lane_status. A process that was killed has written none, and is a failure
# whatever the shell knows of its end.
lane_ended() {
	! kill -0 "$1" 2>/dev/null || [ -s "$(item_log "$2").status" ] || return 1
	lane_status=0
	wait "$1" 2>/dev/null || lane_status=$?
	if [ -s "$(item_log "$2").status" ]; then
		lane_status=$(cat "$(item_log "$2").status")
	elif [ "$lane_status" = 0 ]; then
		lane_status=1
	fi
}

# The most lanes for this machine: one for each processor, and each with the memory of a board.
lanes_default() {
	lanes_cores=$(nproc)
	lanes_memory=$(awk '$1 == "MemAvailable:" { print int($2 / 2097152) }' /proc/meminfo)
	[ "$lanes_memory" -ge "$lanes_cores" ] || lanes_cores=$lanes_memory
	[ "$lanes_cores" -gt 0 ] || lanes_cores=1
	echo "$lanes_cores"
}

# ---------------------------------------------------------------------------------------------
# The folder of the results

# Prints what the results depend on: the commit, and what is not committed.
results_tree() {
	git -C "$REPO" rev-parse HEAD 2>/dev/null || echo "unknown $$"
	{
		git -C "$REPO" status --porcelain
		git -C "$REPO" diff HEAD
	} 2>/dev/null | sha256sum
}

# Sets OUT to a new folder, build/check/latest, and keeps the older ones.
results_new() {
	OUT=$REPO/build/check/$(date -u +%Y%m%d-%H%M%S)-$$
	mkdir -p "$OUT"
	ln -sfn "${OUT##*/}" "$REPO/build/check/latest"
	results_tree >"$OUT/tree"
	: >"$OUT/verdicts"
}

# Sets OUT to the folder of the run before, of the tree as it is.
results_resume() {
	OUT=$REPO/build/check/latest
	[ -f "$OUT/tree" ] || {
		echo 'check: --resume: there is no run before: leave the option out' >&2
		exit 2
	}
	OUT=$(readlink -f "$OUT")
	results_tree | cmp -s - "$OUT/tree" || {
		echo 'check: --resume: the tree has changed since: leave the option out' >&2
		exit 2
	}
}

# Sets OUT: to a new folder, or with --resume to that of the run before.
results_begin() {
	if [ "$RESUME" = 1 ]; then
		results_resume
	else
		results_new
	fi
}
