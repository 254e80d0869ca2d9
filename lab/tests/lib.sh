# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh
#
# For the tests of lab/, which are scripts of their own: prints a line a check, and a closing line
# with the counts. A test sets REPO, sources this, checks, and ends with checks_done.
#
# SCRATCH is a folder that is removed at the end. XDG_CACHE_HOME points into it, so that no test
# touches the cache of whoever runs it; that one is CACHE_OF_USER.

checks_passed=0 checks_failed=0 checks_skipped=0

export QUIET=1 VERBOSE=0 REPO
# A test may call itself, to be another process.
if [ -z "${SCRATCH:-}" ]; then
	SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/vmali-test.XXXXXX")
	CACHE_OF_USER=${XDG_CACHE_HOME:-${HOME:-}/.cache}
	export SCRATCH CACHE_OF_USER XDG_CACHE_HOME="$SCRATCH/cache"
	trap 'rm -rf "$SCRATCH"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
fi

# check DESCRIPTION CMD…: CMD must succeed. It runs in a subshell in which `set -e` acts, so CMD may
# be a function of several steps; its output is shown if it fails.
check() {
	check_name=$1
	shift
	set +e
	(
		set -e
		"$@"
	) >"$SCRATCH/output" 2>&1 </dev/null
	check_status=$?
	set -e
	if [ "$check_status" -eq 0 ]; then
		checks_passed=$((checks_passed + 1))
		printf 'ok - %s\n' "$check_name"
	elif [ "$check_status" -eq 77 ]; then
		checks_skipped=$((checks_skipped + 1))
		printf 'ok - %s # SKIP %s\n' "$check_name" "$(tail -n 1 "$SCRATCH/output")"
	else
		checks_failed=$((checks_failed + 1))
		printf 'not ok - %s (status %s)\n' "$check_name" "$check_status"
		sed 's/^/# /' "$SCRATCH/output"
	fi
}

# skip REASON: ends the present check as skipped.
skip() {
	printf '%s\n' "$*"
	exit 77
}

checks_done() {
	printf '%d passed, %d failed, %d skipped\n' "$checks_passed" "$checks_failed" \
		"$checks_skipped"
	[ "$checks_failed" -eq 0 ] || exit 1
	exit 0
}

# ---------------------------------------------------------------------------------------------
# Assertions, each of which says what it saw instead

# same WANTED GOT
same() {
	[ "$1" = "$2" ] || {
		printf 'wanted: %s\ngot:    %s\n' "$1" "$2"
		return 1
	}
}

# fails CMD…: `! CMD` would not end a function under `set -e`.
fails() {
	if "$@"; then
		echo "succeeded: $*"
		return 1
	fi
}

fails_quietly() {
	! "$@" >/dev/null 2>&1
}

# fails_with STATUS PATTERN CMD…: CMD, in a subshell, exits with STATUS, and its stderr is one line,
# which matches the shell pattern PATTERN.
fails_with() {
	want_status=$1 want_line=$2
	shift 2
	got_status=0
	("$@") 2>"$SCRATCH/stderr" || got_status=$?
	got_lines=$(wc -l <"$SCRATCH/stderr")
	got_line=$(cat "$SCRATCH/stderr")
	same "status $want_status, 1 line" "status $got_status, $got_lines line" || {
		printf '%s\n' "$got_line"
		return 1
	}
	# shellcheck disable=SC2254 # it is a pattern
	case $got_line in
	$want_line) ;;
	*)
		printf 'wanted a line like: %s\ngot: %s\n' "$want_line" "$got_line"
		return 1
		;;
	esac
}

# nothing_left KIND…: the cache holds no entry and no unfinished entry of these kinds.
nothing_left() {
	for left_kind; do
		left=$(find "$XDG_CACHE_HOME/vmali/$left_kind" -mindepth 1 -maxdepth 1 \
			! -name '*.lock' 2>/dev/null) || :
		same '' "$left"
	done
}

# wait_for CMD…: until CMD succeeds, ten seconds at most.
wait_for() {
	wait_n=0
	until "$@"; do
		wait_n=$((wait_n + 1))
		[ "$wait_n" -lt 100 ] || {
			echo "waited in vain for: $*"
			return 1
		}
		sleep 0.1
	done
}

# gone PID: no such process, or only its remains.
gone() {
	! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}
