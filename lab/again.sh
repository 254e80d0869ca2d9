# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh disable=SC2154
#
# Options of ./run that start ./run again, on the host: --each-patch does so before a series and after each
# of its patches, --replay with the options that a results folder records (see lab/results.sh).

# Prints the command line $@ without --each-patch, --replay and --results, one argument a line.
again_arguments() {
	while [ $# -gt 0 ]; do
		case $1 in
		--each-patch | --replay | --results) [ $# = 1 ] || shift ;;
		--each-patch=* | --replay=* | --results=*) ;;
		*) printf '%s\n' "$1" ;;
		esac
		shift
	done
}

# again_run FILE ARG…: ./run with ARG… and the arguments that FILE holds, one a line. Ends with its
# status. It runs in the background, because a trap would have to wait for a command in the foreground.
again_run() {
	again_file=$1
	shift
	while IFS= read -r again_word; do
		set -- "$@" "$again_word"
	done <"$again_file"
	"$REPO/run" "$@" </dev/null &
	SESSION=$! again_status=0
	wait "$SESSION" || again_status=$?
	return "$again_status"
}

# Called by traps. The ./run that is waited for ignores INT, as all that runs in the background, and says
# itself that it was interrupted.
again_interrupted() {
	trap '' INT TERM HUP
	kill -s TERM "$SESSION" 2>/dev/null || :
	wait "$SESSION" 2>/dev/null || :
	exit "$1"
}

again_traps() {
	trap 'again_interrupted 130' INT
	trap 'again_interrupted 143' TERM
	trap 'again_interrupted 129' HUP
}

# Makes a folder for files of this process, which removes it at its end.
again_scratch() {
	AGAIN=$(mktemp -d "${TMPDIR:-/tmp}/vmali.XXXXXX")
	trap 'rm -rf "$AGAIN"; option_read_remove' EXIT
}

# ---------------------------------------------------------------------------------------------
# --each-patch

# Splits the mailbox into given/NNNN.patch, and writes their subjects to given/subjects, one a line.
each_split() {
	cp -- "$EACH_PATCH" "$RESULTS_DIR/given/mailbox"
	(toolbox_exec /bin/sh "$REPO/lab/split-mailbox.sh" "$RESULTS_DIR/given") ||
		die 2 "--each-patch $EACH_PATCH: cannot be split into mails"
	EACH_COUNT=$(wc -l <"$RESULTS_DIR/given/subjects")
	[ "$EACH_COUNT" -gt 0 ] ||
		die 2 "--each-patch $EACH_PATCH: has no mail with a patch: give it a mailbox," \
			'as git format-patch --stdout or b4 am -o - print it'
}

# each_step N TITLE ARG…: one run, whose results are in each/NNNN. Ends with its status.
each_step() {
	each_folder=$RESULTS_DIR/each/$(printf '%04d' "$1")
	printf '%d of %d: %s\n' "$1" "$EACH_COUNT" "$2"
	shift 2
	mkdir -p "$each_folder"
	again_run "$AGAIN/arguments" --results "$each_folder" "$@"
}

# Runs before the series, and after each patch until one breaks something. Ends with the status of the
# last run.
each_patches() {
	set --
	each_status=0
	each_step 0 'before the series' || each_status=$?
	[ "$each_status" = 0 ] || {
		printf 'before the series: exit status %d: select what passes there\n' "$each_status"
		return "$each_status"
	}
	each_n=0
	while IFS= read -r each_subject <&5; do
		each_n=$((each_n + 1))
		set -- "$@" --patch "$RESULTS_DIR/given/$(printf '%04d' "$each_n").patch"
		each_step "$each_n" "$each_subject" "$@" || {
			each_status=$?
			printf 'the first that breaks something: %d of %d, %s (exit status %d)\n' \
				"$each_n" "$EACH_COUNT" "$each_subject" "$each_status"
			return "$each_status"
		}
	done 5<"$RESULTS_DIR/given/subjects"
	printf 'none of %d patches breaks anything; results in %s\n' "$EACH_COUNT" "$RESULTS_DIR"
}

# each_run ARG…: ./run --each-patch, with its command line.
each_run() {
	results_begin
	again_scratch
	again_arguments "$@" >"$AGAIN/arguments"
	toolbox_ensure
	each_split
	again_traps
	each_patches
}

# ---------------------------------------------------------------------------------------------
# --replay

# A command of lab/report, in the toolbox.
replay_report() {
	(toolbox_exec env PYTHONPATH="$REPO/lab" python3 -B -m report "$@")
}

# replay_run ARG…: ./run --replay, with its command line. Ends with the status of the run.
replay_run() {
	results_name
	[ "$RESULTS_DIR" != "$REPLAY" ] ||
		die 2 "--results $RESULTS_DIR: the folder that is replayed: name another one"
	mkdir -p "$RESULTS_DIR" 2>/dev/null || die 2 "--results $RESULTS_DIR: cannot be made"
	again_scratch
	# shellcheck disable=SC2034 # for toolbox_exec()
	TOOLBOX_BIND=$REPLAY
	toolbox_ensure
	replay_kernel=
	[ -z "$KERNEL_ARG" ] || replay_kernel=--kernel-given
	# shellcheck disable=SC2086 # one option or none
	replay_report replay $replay_kernel "$REPLAY" >"$AGAIN/arguments" 2>"$AGAIN/reason" ||
		die 2 "--replay $REPLAY: $(cat "$AGAIN/reason")"
	again_arguments "$@" >>"$AGAIN/arguments"
	again_traps
	replay_status=0
	again_run "$AGAIN/arguments" --results "$RESULTS_DIR" || replay_status=$?
	[ ! -s "$RESULTS_DIR/verdicts.json" ] ||
		replay_report replayed "$REPLAY" "$RESULTS_DIR" || :
	return "$replay_status"
}
