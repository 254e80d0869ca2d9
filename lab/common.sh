# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh
#
# Messages, the cache, and the namespaces that everything runs in.
#
# The cache, ${XDG_CACHE_HOME:-$HOME/.cache}/vmali, holds KIND/KEY folders. A KEY is a digest of all
# inputs of the entry; an entry is made in KIND/.KEY.XXXXXX.tmp while KIND/.KEY.lock is locked, and
# renamed into place when it is complete. So whoever finds KIND/KEY can use it without a lock, and
# an interrupted step leaves nothing but a .tmp folder whose lock is free, which the next step
# removes. REPO must be the absolute path of the repository.

# The kinds of cache entries, in the order in which a run needs them: the steps of a run.
CACHE_KINDS='toolbox source kernel module'

# ---------------------------------------------------------------------------------------------
# Messages

# say TEXT…: progress, on stderr; nothing if QUIET is 1.
say() {
	[ "${QUIET:-0}" = 1 ] || printf '%s\n' "$*" >&2
}

# verbose TEXT…: only if VERBOSE is 1.
verbose() {
	[ "${VERBOSE:-0}" != 1 ] || printf '%s\n' "$*" >&2
}

# die STATUS TEXT…: one line, and the end of this shell.
die() {
	die_status=$1
	shift
	step_stop
	printf 'run: %s\n' "$*" >&2
	exit "$die_status"
}

# elapsed SECONDS: prints it as `41 s` or `2 min 05 s`.
elapsed() {
	if [ "$1" -lt 60 ]; then
		printf '%d s' "$1"
	else
		printf '%d min %02d s' $(($1 / 60)) $(($1 % 60))
	fi
}

# ---------------------------------------------------------------------------------------------
# The progress of one step. On a terminal one line is rewritten every second. Otherwise a line is
# written every 30 s, so that a log shows progress.

# step_title KIND TITLE: prints `step N of M: TITLE`.
step_title() {
	step_n=0 step_m=0
	for step_kind in $CACHE_KINDS; do
		step_m=$((step_m + 1))
		[ "$step_kind" != "$1" ] || step_n=$step_m
	done
	printf 'step %d of %d: %s' "$step_n" "$step_m" "$2"
}

# step_line FOLDER: the present state of the step that is being made in FOLDER. STEP_DETAIL may
# name a function that prints more about it, given FOLDER.
step_line() {
	step_more=''
	[ -z "${STEP_DETAIL:-}" ] || step_more=$("$STEP_DETAIL" "$1" 2>/dev/null) || step_more=
	printf '%s (%s%s)' "$STEP_TITLE" "$(elapsed $(($(date +%s) - STEP_START)))" \
		"${step_more:+, $step_more}"
}

# Sleeps for $1 seconds; ends at once, and leaves no process, when it is told to terminate.
step_sleep() {
	sleep "$1" &
	# shellcheck disable=SC2064 # this very process
	trap "kill $! 2>/dev/null; exit 0" TERM
	wait $!
}

step_tick() {
	step_period=1
	[ -t 2 ] || step_period=30
	step_sleep "$step_period"
	while kill -0 $$ 2>/dev/null; do
		if [ -t 2 ]; then
			printf '\r%s\033[K' "$(step_line "$1")" >&2
		else
			say "$(step_line "$1")"
		fi
		step_sleep "$step_period"
	done
}

# step_start TITLE FOLDER
step_start() {
	STEP_TITLE=$1
	STEP_START=$(date +%s)
	STEP_TICKER=''
	[ "${QUIET:-0}" = 1 ] || {
		[ -t 2 ] || say "$STEP_TITLE"
		step_tick "$2" </dev/null 9>&- &
		STEP_TICKER=$!
	}
}

step_stop() {
	[ -n "${STEP_TICKER:-}" ] || return 0
	kill "$STEP_TICKER" 2>/dev/null || :
	wait "$STEP_TICKER" 2>/dev/null || :
	STEP_TICKER=''
	[ ! -t 2 ] || printf '\r\033[K' >&2
}

# ---------------------------------------------------------------------------------------------
# The cache

# key_of: the key of what stdin holds.
key_of() {
	sha256sum | cut -c 1-16
}

# cache_path: prints the cache folder. A relative XDG_CACHE_HOME is to be ignored, says the
# XDG Base Directory Specification.
cache_path() {
	case ${XDG_CACHE_HOME:-} in
	/*) printf '%s/vmali\n' "${XDG_CACHE_HOME%/}" ;;
	*)
		[ -n "${HOME:-}" ] ||
			die 2 'neither HOME nor XDG_CACHE_HOME is set: set one of them'
		printf '%s/.cache/vmali\n' "${HOME%/}"
		;;
	esac
}

# cache_refused FOLDER: says why nothing can be made in FOLDER.
cache_refused() {
	cache_near=$1
	while [ ! -e "$cache_near" ] && [ -n "$cache_near" ]; do
		cache_near=${cache_near%/*}
	done
	[ ! -d "$cache_near" ] || [ ! -w "$cache_near" ] || ! cache_full "$cache_near" ||
		cache_no_space
	die 2 "cannot use the cache folder $1: make it readable and writable," \
		'or set XDG_CACHE_HOME to another folder'
}

# cache_open: sets CACHE_DIR, and makes it.
cache_open() {
	CACHE_DIR=$(cache_path) || exit 2
	mkdir -p "$CACHE_DIR" 2>/dev/null || cache_refused "$CACHE_DIR"
	if [ ! -r "$CACHE_DIR" ] || [ ! -w "$CACHE_DIR" ] || [ ! -x "$CACHE_DIR" ]; then
		cache_refused "$CACHE_DIR"
	fi
}

# cache_entry KIND KEY: prints the folder of an entry, whether it exists or not.
cache_entry() {
	cache_entry_dir=$(cache_path) || exit 2
	printf '%s/%s/%s\n' "$cache_entry_dir" "$1" "$2"
}

# cache_has KIND KEY: true if the entry is complete.
cache_has() {
	[ -d "$(cache_entry "$1" "$2")" ]
}

cache_free_mib() {
	df -k --output=avail "$1" | awk 'END { print int($1 / 1024) }'
}

# cache_full FOLDER: true if a step that failed in FOLDER had no space left.
cache_full() {
	[ "$(cache_free_mib "$1")" -ge 4 ] || return 0
	[ -f "$1/log" ] && grep -q -e 'No space left on device' -e 'Disk quota exceeded' "$1/log"
}

cache_no_space() {
	die 2 "no space left in ${CACHE_DIR:-the cache folder}: free some there," \
		'or set XDG_CACHE_HOME to a folder with more'
}

# cache_room MIB: ends with one line if the cache cannot take MIB mebibytes more.
cache_room() {
	cache_room_free=$(cache_free_mib "$CACHE_DIR")
	[ "$cache_room_free" -ge "$1" ] ||
		die 2 "this step needs $1 MiB in $CACHE_DIR, only $cache_room_free MiB are free:" \
			'free some, or set XDG_CACHE_HOME to a folder with more'
}

# cache_failed FOLDER STATUS TEXT…: for the functions that make an entry in FOLDER and write their
# output to FOLDER/log: shows its last lines, if the reason is not simply a lack of space.
cache_failed() {
	! cache_full "$1" || cache_no_space
	step_stop
	[ ! -s "$1/log" ] || tail -n 15 "$1/log" | sed 's/^/  | /' >&2
	shift
	die "$@"
}

# cache_remove PATH…: removes what steps made, also where the files of a root made by an ordinary
# user belong to that user's subordinate ids.
cache_remove() {
	rm -rf --one-file-system -- "$@" 2>/dev/null ||
		namespace rm -rf --one-file-system -- "$@" 2>/dev/null || :
}

# cache_sweep [SECONDS]: removes leftovers of interrupted steps: .tmp folders whose lock is free.
# Waits SECONDS (default 2) at most for each lock, which a killed step holds until it is gone.
cache_sweep() {
	cache_sweep_dir=$(cache_path) || exit 2
	for cache_tmp in "$cache_sweep_dir"/*/.*.tmp; do
		[ -d "$cache_tmp" ] || continue
		cache_name=${cache_tmp##*/.}
		(flock -w "${1:-2}" 8 && cache_remove "$cache_tmp") \
			8>>"${cache_tmp%/*}/.${cache_name%%.*}.lock" 2>/dev/null || :
	done
}

# cache_hold: keeps the cache from being removed as long as this shell lives.
cache_hold() {
	cache_open
	(: >>"$CACHE_DIR/.lock") 2>/dev/null || cache_refused "$CACHE_DIR"
	exec 7>>"$CACHE_DIR/.lock"
	flock -n -s 7 || die 2 'the cache is being removed: try again when that is done'
}

# cache_clean: removes the cache, unless a run is using it.
cache_clean() {
	CACHE_DIR=$(cache_path) || exit 2
	[ -d "$CACHE_DIR" ] || return 0
	cache_open
	(: >>"$CACHE_DIR/.lock") 2>/dev/null || cache_refused "$CACHE_DIR"
	exec 7>>"$CACHE_DIR/.lock"
	flock -n -x 7 || die 2 'another run is using the cache: let it end first'
	# Entries are renamed first: an interruption must not leave half of one under its final name.
	for cache_old in "$CACHE_DIR"/*/*; do
		[ ! -d "$cache_old" ] ||
			mv -T "$cache_old" "${cache_old%/*}/.${cache_old##*/}.clean.tmp"
	done
	cache_remove "$CACHE_DIR"
	[ ! -e "$CACHE_DIR" ] || cache_refused "$CACHE_DIR"
}

# cache_lock FILE TITLE: locks FILE as file descriptor 9 until this shell ends.
cache_lock() {
	(: >>"$1") 2>/dev/null || cache_refused "${1%/*}"
	exec 9>>"$1"
	flock -n 9 || {
		say "another run is making the same: $2; waiting for it"
		flock 9
	}
}

# cache_build KIND KEY TITLE FUNC [ARG…]: unless the entry exists, makes it: runs FUNC FOLDER ARG…,
# which fills FOLDER. Fails with FUNC's status, and leaves nothing then. `set -e` does not act
# inside FUNC, which must return or die (see die, cache_failed) on its own; what it sets is not seen
# outside.
cache_build() (
	cache_has "$1" "$2" && exit 0
	cache_open
	folder=$CACHE_DIR/$1 entry=$CACHE_DIR/$1/$2 title=$(step_title "$1" "$3") func=$4
	cache_id=$2
	shift 4
	mkdir -p "$folder" 2>/dev/null || cache_refused "$folder"
	cache_lock "$folder/.$cache_id.lock" "$title"
	[ ! -d "$entry" ] || exit 0
	cache_remove "$folder/.$cache_id".*.tmp
	cache_sweep 0
	! cache_full "$folder" || cache_no_space
	tmp=$(mktemp -d "$folder/.$cache_id.XXXXXX.tmp" 2>/dev/null) ||
		cache_refused "$folder/$cache_id"
	trap 'step_stop; cache_remove "$tmp"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	chmod 755 "$tmp"
	step_start "$title" "$tmp"
	status=0
	"$func" "$tmp" "$@" || status=$?
	[ "$status" -eq 0 ] || {
		! cache_full "$tmp" || cache_no_space
		exit "$status"
	}
	STEP_DETAIL=''
	step_done=$(step_line "$tmp")
	rm -f "$tmp/log"
	mv -T "$tmp" "$entry" || exit 2
	step_stop
	say "$step_done"
)

# ---------------------------------------------------------------------------------------------
# Namespaces: a process tree and its mounts that always end together.

# The options of unshare: new mount and process namespaces, and for an ordinary user a user
# namespace in which that user is root.
namespace_options() {
	[ "$(id -u)" -eq 0 ] || printf '%s ' --user --map-root-user --map-auto
	printf '%s ' --mount --pid --fork --kill-child=KILL
}

# namespace CMD…: runs CMD as process 1 of new namespaces, where it ignores the signals that it does
# not handle. Its processes and mounts end with CMD, and CMD ends with this unshare.
namespace() {
	# shellcheck disable=SC2046 # words
	unshare $(namespace_options) -- "$@"
}

# The inside of namespace_call() and namespace_exec().
# shellcheck disable=SC2016 # for the inner shell
NAMESPACE_SHELL='
	for library in common toolbox kernel; do
		. "$REPO/lab/$library.sh"
	done
	"$@"'

# namespace_call FUNC ARG…: calls a function of these libraries in new namespaces, under
# supervise(). A command in the background ignores INT; env restores the default.
namespace_call() {
	export REPO CACHE_DIR QUIET VERBOSE
	# shellcheck disable=SC2046 # words
	supervise unshare $(namespace_options) -- env --default-signal=INT,QUIT \
		sh -euc "$NAMESPACE_SHELL" sh "$@"
}

# namespace_exec FUNC ARG…: becomes the unshare that waits for FUNC, in new namespaces. In a
# subshell, it ends as soon as the parent of that subshell is dead.
namespace_exec() {
	export REPO CACHE_DIR QUIET VERBOSE
	read -r namespace_self _ </proc/self/stat
	# shellcheck disable=SC2046 # words
	set -- unshare $(namespace_options) -- env --default-signal=INT,QUIT \
		sh -euc "$NAMESPACE_SHELL" sh "$@"
	[ "$namespace_self" = $$ ] || set -- setpriv --pdeathsig KILL -- "$@"
	exec "$@"
}

# namespace_check: ends with one line if namespaces are not permitted.
namespace_check() {
	! namespace true >/dev/null 2>&1 || return 0
	[ "$(id -u)" -ne 0 ] ||
		die 2 'this machine permits root no namespaces: give it CAP_SYS_ADMIN' \
			'(for a container: --privileged)'
	namespace_user=$(id -un)
	if ! grep -q "^$namespace_user:" /etc/subuid 2>/dev/null ||
		! command -v newuidmap >/dev/null 2>&1; then
		die 2 'as root, type: apt-get install uidmap && usermod' \
			'--add-subuids 100000-165535 --add-subgids 100000-165535' \
			"$namespace_user (or be root)"
	fi
	die 2 'this machine permits ordinary users no namespaces: be root, or as root type:' \
		'sysctl kernel.unprivileged_userns_clone=1' \
		'kernel.apparmor_restrict_unprivileged_userns=0'
}

# supervise CMD…: runs CMD, an external command such as unshare, on this shell's terminal, and
# returns its status. CMD is killed when this shell gets a signal to end, or dies. CMD must tolerate a
# kill at any time, as the steps of the cache do. Must not be called in a subshell. Resets the shell's
# traps of INT, TERM and HUP.
supervise() {
	supervise_caught=0
	{ setpriv --pdeathsig KILL -- "$@" <&3 3<&- & } 3<&0
	supervise_pid=$!
	trap 'supervise_caught=130; kill -KILL "$supervise_pid" 2>/dev/null || :' INT
	trap 'supervise_caught=143; kill -KILL "$supervise_pid" 2>/dev/null || :' TERM
	trap 'supervise_caught=129; kill -KILL "$supervise_pid" 2>/dev/null || :' HUP
	while :; do
		supervise_status=0
		wait "$supervise_pid" 2>/dev/null || supervise_status=$?
		kill -0 "$supervise_pid" 2>/dev/null || break
	done
	trap - INT TERM HUP
	[ "$supervise_caught" -eq 0 ] || {
		[ ! -t 2 ] || printf '\r\033[K' >&2
		cache_sweep
		supervise_status=$supervise_caught
	}
	return "$supervise_status"
}
