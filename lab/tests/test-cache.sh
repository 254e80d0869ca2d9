#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# lab/common.sh: messages, keys, entries of the cache, and what becomes of them when the builder
# fails, is killed, has company, or has nowhere to write; supervise().

# shellcheck disable=SC2317,SC2329 # check() calls the functions

set -eu

REPO=$(readlink -f -- "$(dirname -- "$0")/../..")
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
# shellcheck source=lab/common.sh
. "$REPO/lab/common.sh"

KEY=0123456789abcdef

# ---------------------------------------------------------------------------------------------
# What stands for the making of an entry

make_good() {
	echo made >>"$SCRATCH/made"
	echo "${2:-content}" >"$1/file"
}

make_status() {
	echo half >"$1/file"
	return "$2"
}

make_die() {
	echo half >"$1/file"
	die "$2" 'cannot be made'
}

make_log() {
	printf 'one\ntwo\n' >"$1/log"
	cache_failed "$1" 4 'cannot be made'
}

# Waits in the middle until it is killed or told to go on.
make_slowly() {
	echo half >"$1/file"
	echo made >>"$SCRATCH/made"
	: >"$SCRATCH/started"
	while [ ! -e "$SCRATCH/go" ]; do
		sleep 0.1
	done
}

make_huge() {
	dd if=/dev/zero of="$1/file" bs=1M count=64 2>/dev/null
}

# A tool that has cleaned up after itself: only its log tells.
make_huge_quietly() {
	echo 'tool: write error: No space left on device' >"$1/log"
	cache_failed "$1" 4 'tool failed'
}

fresh() {
	rm -rf "$SCRATCH/cache" "$SCRATCH/made" "$SCRATCH/started" "$SCRATCH/go" \
		"$SCRATCH/supervised"
}

build() {
	cache_build toolbox "$KEY" test "$@"
}

entry() {
	cache_entry toolbox "$KEY"
}

# background FUNC ARG…: starts a shell of its own, as ./run is one, that calls a function of this
# file; sets STARTED to its process.
background() {
	SCRATCH=$SCRATCH sh "$0" call "$@" &
	STARTED=$!
}

# ---------------------------------------------------------------------------------------------

test_messages() {
	same 'run: a b' "$( (die 3 a b) 2>&1 || :)"
	same '' "$(QUIET=1 say text 2>&1)"
	same text "$(QUIET=0 say text 2>&1)"
	same '' "$(VERBOSE=0 verbose text 2>&1)"
	same text "$(VERBOSE=1 verbose text 2>&1)"
	same '59 s' "$(elapsed 59)"
	same '1 min 05 s' "$(elapsed 65)"
	same 'step 1 of 4: text' "$(step_title toolbox text)"
	same 'step 4 of 4: text' "$(step_title module text)"
}

test_key() {
	same 9f86d081884c7d65 "$(printf test | key_of)"
	[ "$(echo a | key_of)" != "$(echo b | key_of)" ]
}

test_path() {
	same /x/vmali "$(XDG_CACHE_HOME=/x/ cache_path)"
	same /h/.cache/vmali "$(XDG_CACHE_HOME=relative HOME=/h cache_path)"
	same /h/.cache/vmali "$(XDG_CACHE_HOME='' HOME=/h cache_path)"
	# shellcheck disable=SC2016 # for the inner shell
	fails_with 2 'run: neither HOME nor*' env -u HOME -u XDG_CACHE_HOME \
		sh -c '. "$REPO/lab/common.sh"; cache_path'
}

test_build() {
	fresh
	fails cache_has toolbox "$KEY"
	build make_good 'with blanks'
	cache_has toolbox "$KEY"
	same 'with blanks' "$(cat "$(entry)/file")"
	same 755 "$(stat -c %a "$(entry)")"
	build make_good other
	same made "$(cat "$SCRATCH/made")"
	same 'with blanks' "$(cat "$(entry)/file")"
}

test_progress() {
	fresh
	same 2 "$(QUIET=0 build make_good 2>&1 | grep -c '^step 1 of 4: test')"
}

test_fail() {
	fresh
	got=0
	build make_status 5 || got=$?
	same 5 "$got"
	nothing_left toolbox
	fails_with 4 'run: cannot be made' build make_die 4
	nothing_left toolbox
	got=$(build make_log 2>&1) || :
	same "$(printf '  | one\n  | two\nrun: cannot be made')" "$got"
	nothing_left toolbox
	build make_good
}

# kill -9 in the middle: the next builder clears up and does not wait.
test_killed() {
	fresh
	background build make_slowly
	wait_for test -e "$SCRATCH/started"
	kill -KILL $(pgrep -P "$STARTED") "$STARTED"
	wait_for gone "$STARTED"
	fails cache_has toolbox "$KEY"
	[ -n "$(find "$SCRATCH/cache" -name '*.tmp')" ]
	build make_good
	same content "$(cat "$(entry)/file")"
	same '' "$(find "$SCRATCH/cache" -name '*.tmp')"
}

# A signal that can be caught leaves nothing at all.
test_terminated() {
	for signal in TERM HUP; do
		fresh
		background build make_slowly
		wait_for test -e "$SCRATCH/started"
		kill -s "$signal" $(pgrep -P "$STARTED")
		wait_for gone "$STARTED"
		nothing_left toolbox
	done
}

test_two() {
	fresh
	background build make_slowly
	first=$STARTED
	wait_for test -e "$SCRATCH/started"
	background build make_slowly
	second=$STARTED
	sleep 0.3
	kill -0 "$second"
	: >"$SCRATCH/go"
	wait "$first"
	wait "$second"
	same made "$(cat "$SCRATCH/made")"
}

# Two different entries do not wait for each other.
test_apart() {
	fresh
	background build make_slowly
	wait_for test -e "$SCRATCH/started"
	cache_build toolbox fedcba9876543210 other make_good
	cache_has toolbox fedcba9876543210
	[ -n "$(find "$SCRATCH/cache" -name ".$KEY.*.tmp")" ]
	: >"$SCRATCH/go"
	wait "$STARTED"
	cache_has toolbox "$KEY"
}

# What was left for another entry goes as well.
test_sweep() {
	fresh
	mkdir -p "$SCRATCH/cache/vmali/kernel/.aaaa.XYZ.tmp/build"
	cache_sweep
	same '' "$(find "$SCRATCH/cache" -name '*.tmp')"
}

test_is_file() {
	fresh
	: >"$SCRATCH/cache"
	fails_with 2 "run: cannot use the cache folder $SCRATCH/cache/vmali: *XDG_CACHE_HOME*" \
		build make_good
	fresh
	mkdir -p "$SCRATCH/cache/vmali"
	: >"$SCRATCH/cache/vmali/toolbox"
	fails_with 2 "run: cannot use the cache folder $SCRATCH/cache/vmali/toolbox: *" \
		build make_good
}

# Root may write where a mode forbids it, but not to a read-only file system.
unwritable() {
	mount --bind "$SCRATCH/cache" "$SCRATCH/cache"
	mount -o remount,bind,ro "$SCRATCH/cache"
	fails_with 2 "run: cannot use the cache folder $SCRATCH/cache/vmali*: *" build make_good
}

unreadable() {
	fails_with 2 "run: cannot use the cache folder $SCRATCH/cache/vmali: *" build make_good
}

small() {
	mount -t tmpfs -o "size=$1" tmpfs "$SCRATCH/cache"
}

full_while_made() {
	small 8m
	fails_with 2 'run: no space left in *: free some there*XDG_CACHE_HOME*' build make_huge
	nothing_left toolbox
}

full_in_log() {
	small 8m
	fails_with 2 'run: no space left in *' build make_huge_quietly
	nothing_left toolbox
}

full_before() {
	small 1m
	dd if=/dev/zero of="$SCRATCH/cache/x" bs=64k 2>/dev/null || :
	fails_with 2 'run: no space left in *' build make_good
}

needs_room() {
	cache_room 100
	make_good "$1"
}

too_small() {
	small 8m
	fails_with 2 'run: this step needs 100 MiB in *, only 8 MiB are free: *' build needs_room
	nothing_left toolbox
}

# Runs a function of this file in namespaces, where it may mount.
test_mounting() {
	namespace true 2>/dev/null || skip 'no namespaces here'
	fresh
	mkdir -p "$SCRATCH/cache/vmali"
	namespace sh "$0" call "$@"
}

# Root reads everything, so somebody else must try.
test_unreadable() {
	fresh
	mkdir -p "$SCRATCH/cache/vmali"
	chmod 0 "$SCRATCH/cache/vmali"
	if [ "$(id -u)" -eq 0 ]; then
		chmod 777 "$SCRATCH"
		rm -f "$SCRATCH/stderr"
		setpriv --reuid 65534 --clear-groups sh "$0" call unreadable
	else
		unreadable
	fi
}

test_clean() {
	fresh
	cache_clean
	build make_good
	mkdir -p "$SCRATCH/cache/other"
	(
		cache_hold
		fails_with 2 'run: another run is using the cache*' sh "$0" call cache_clean
	)
	cache_has toolbox "$KEY"
	(cache_clean)
	same other "$(ls "$SCRATCH/cache")"
}

# In a root that an ordinary user made are files of that user's subordinate ids.
test_clean_subordinate() {
	[ "$(id -u)" -ne 0 ] || skip 'root has no subordinate ids'
	namespace true 2>/dev/null || skip 'no namespaces here'
	fresh
	build make_good
	namespace sh -c "mkdir '$(entry)/daemon' && : >'$(entry)/daemon/file' &&
		chown -R 1:1 '$(entry)/daemon'"
	fails_quietly rm -r "$(entry)/daemon"
	(cache_clean)
	test ! -e "$SCRATCH/cache/vmali"
}

# ---------------------------------------------------------------------------------------------

supervised() {
	# shellcheck disable=SC2016 # for the inner shell
	supervise sh -c 'echo $$ >"$SCRATCH/supervised"; exec sleep 60'
}

test_supervise_status() {
	for want in 0 3; do
		got=0
		(supervise sh -c "exit $want") || got=$?
		same "$want" "$got"
	done
	same input "$(echo input | (supervise cat))"
}

test_supervise_killed() {
	fresh
	background supervised
	wait_for test -s "$SCRATCH/supervised"
	kill -KILL "$STARTED"
	wait_for gone "$(cat "$SCRATCH/supervised")"
}

# Whoever is told to end ends at once, with all that it started; what was half made is swept.
test_supervise_signals() {
	namespace true 2>/dev/null || skip 'no namespaces here'
	for signal in TERM HUP; do
		fresh
		mkdir -p "$SCRATCH/cache/vmali/kernel/.aaaa.XYZ.tmp"
		background supervised
		wait_for test -s "$SCRATCH/supervised"
		kill -s "$signal" "$STARTED"
		got=0
		wait "$STARTED" 2>/dev/null || got=$?
		same "$([ "$signal" = TERM ] && echo 143 || echo 129)" "$got"
		wait_for gone "$(cat "$SCRATCH/supervised")"
		same '' "$(find "$SCRATCH/cache" -name '*.tmp')"
	done
}

if [ "${1:-}" = call ]; then
	shift
	"$@"
	exit
fi

check 'messages and progress lines have their form' test_messages
check 'a key is 16 digits of the SHA-256 sum' test_key
check 'the cache folder follows the XDG specification' test_path
check 'an entry is made once' test_build
check 'a step shows its number' test_progress
check 'a step that fails leaves nothing and passes its status on' test_fail
check 'a killed builder does not hinder the next' test_killed
check 'a terminated builder leaves nothing' test_terminated
check 'two builders of one entry: one works, one waits' test_two
check 'builders of two entries do not meet' test_apart
check 'what nobody is working at is swept' test_sweep
check 'the cache folder is a file: one line, status 2' test_is_file
check 'the cache folder is on a read-only file system: one line, status 2' \
	test_mounting unwritable
check 'the cache folder is unreadable: one line, status 2' test_unreadable
check 'the disk becomes full in a step: one line, status 2' test_mounting full_while_made
check 'only the log knows of the full disk: one line, status 2' test_mounting full_in_log
check 'the disk is full before: one line, status 2' test_mounting full_before
check 'too little room for a step: one line, status 2' test_mounting too_small
check 'the cache is removed, but not while it is used' test_clean
check 'a cache with files of subordinate ids is removed' test_clean_subordinate
check 'supervise passes status and input' test_supervise_status
check 'what is supervised dies with a killed supervisor' test_supervise_killed
check 'what is supervised ends with the supervisor, however that ends' test_supervise_signals
checks_done
