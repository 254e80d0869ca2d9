#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# lab/toolbox.sh: which of the host's apt settings it follows, what it says where it cannot make the
# toolbox, and what a command sees and leaves that runs in it. The last part needs a toolbox in the
# cache of whoever runs this, and is skipped without.

# shellcheck disable=SC2317,SC2329 # check() calls the functions
# shellcheck disable=SC2016 # scripts for the inside

set -eu

REPO=$(readlink -f -- "$(dirname -- "$0")/../..")
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
# shellcheck source=lab/tests/inside.sh
. "$REPO/lab/tests/inside.sh"
for part in common toolbox kernel; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done

BIN=$SCRATCH/bin
mkdir -p "$BIN"
PATH=$BIN:$PATH

# command NAME: makes a command of what stdin holds, that hides the real one.
fake() {
	{
		echo '#!/bin/sh'
		cat
	} >"$BIN/$1"
	chmod 755 "$BIN/$1"
}

fake_targets() {
	printf '%s\n' "$@" >"$SCRATCH/targets"
	echo "cat '$SCRATCH/targets'" | fake apt-get
}

fake_options() {
	printf '%s\n' "$@" >"$SCRATCH/dump"
	echo "cat '$SCRATCH/dump'" | fake apt-config
}

real() {
	rm -f "$BIN"/*
}

# What apt prints for a field that it does not know.
NO_ORIGIN='$(ORIGIN)|$(LABEL)' NO_KEY='$(SIGNED_BY)'

# ---------------------------------------------------------------------------------------------

test_packages() {
	toolbox_packages >"$SCRATCH/packages"
	[ "$(wc -l <"$SCRATCH/packages")" -gt 20 ]
	fails grep -v -x '[a-z0-9][a-z0-9.+-]*' "$SCRATCH/packages"
	same '' "$(sort "$SCRATCH/packages" | uniq -d)"
}

test_key() {
	cp -r "$REPO/lab" "$SCRATCH/lab"
	first=$(REPO=$SCRATCH toolbox_key)
	same "$first" "$(toolbox_key)"
	echo '# a remark' >>"$SCRATCH/lab/toolbox.packages"
	same "$first" "$(REPO=$SCRATCH toolbox_key)"
	echo hello >>"$SCRATCH/lab/toolbox.packages"
	fails same "$first" "$(REPO=$SCRATCH toolbox_key)" >/dev/null
}

test_archive() {
	fake_targets \
		"Example|Example|main|trixie|https://example.com/apt/|$NO_KEY|" \
		"Debian|Debian-Security|main|trixie-security|http://m.test/security/|$NO_KEY|" \
		"Debian|Debian|main|trixie-updates|http://updates.test/debian/|$NO_KEY|" \
		"Debian|Debian|contrib|trixie|http://contrib.test/debian/|$NO_KEY|" \
		"Debian|Debian|main|trixie|cdrom://disc/|$NO_KEY|" \
		'Debian|Debian|main|trixie|http://m.test/debian/|/etc/key.gpg|' \
		"Debian|Debian|main|sid|http://second.test/debian/|$NO_KEY|"
	same 'http://m.test/debian|/etc/key.gpg' "$(apt_archive)"
}

# Before the first `apt-get update` there are no Release files.
test_archive_new_host() {
	fake_targets \
		"$NO_ORIGIN|main|stable|https://example.com/apt/|$NO_KEY|" \
		"$NO_ORIGIN|main|trixie-security|http://m.test/debian-security/|$NO_KEY|" \
		"$NO_ORIGIN|main|trixie|http://m.test/debian/|$NO_KEY|"
	if grep -q '^ID=debian$' /etc/os-release; then
		same 'http://m.test/debian|' "$(apt_archive)"
	else
		same '' "$(apt_archive)"
	fi
}

# A key within the sources is no path of a file.
test_archive_key() {
	fake_targets \
		'Debian|Debian|main|sid|http://m.test/debian/|-----BEGIN PGP PUBLIC KEY' \
		' .' ' mQINBGPL0BUBEADmW5NdOOHwPIJlgPu6JDcKw/NZJPR8lsD3K87ZM18gzyQZJD' \
		' -----END PGP PUBLIC KEY|'
	same 'http://m.test/debian|' "$(apt_archive)"
}

test_archive_none() {
	fake_targets "Ubuntu|Ubuntu|main|noble|http://archive.test/ubuntu/|$NO_KEY|"
	same '' "$(apt_archive)"
}

test_options() {
	fake_options 'APT::Architecture "amd64";' 'Dir::Etc "etc/apt";' 'Acquire "";' \
		'Acquire::Check-Valid-Until "false";' 'Acquire::Languages:: "none";' \
		'Acquire::http "";' 'Acquire::http::Proxy "http://proxy.test:3128";' \
		'Acquire::http::Proxy-Auto-Detect "/usr/bin/finder";' 'Acquire::Retries "3";' \
		'Acquire::AllowInsecureRepositories "1";' 'DPkg::Post-Invoke:: "rm -f x";'
	same 'Acquire::Check-Valid-Until "false";
Acquire::http::Proxy "http://proxy.test:3128";
Acquire::Retries "3";' "$(apt_options)"
}

test_options_none() {
	fake_options 'APT::Architecture "amd64";' 'Acquire "";'
	same '' "$(apt_options)"
}

test_settings() {
	fake_options 'Acquire::Check-Date "false";'
	echo '-----BEGIN PGP PUBLIC KEY BLOCK-----' >"$SCRATCH/key.pgp"
	fake_targets "Debian|Debian|main|sid|http://m.test/debian/|$SCRATCH/key.pgp|"
	apt_settings "$SCRATCH/settings"
	same http://m.test/debian "$(cat "$SCRATCH/settings/mirror")"
	same 'Acquire::Check-Date "false";' "$(cat "$SCRATCH/settings/options")"
	cmp "$SCRATCH/key.pgp" "$SCRATCH/settings/keys/1.asc"
	VMALI_MIRROR=http://other.test/debian/ apt_settings "$SCRATCH/other"
	same http://other.test/debian "$(cat "$SCRATCH/other/mirror")"
}

# ---------------------------------------------------------------------------------------------

need_mmdebstrap() {
	namespace true 2>/dev/null || skip 'no namespaces here'
	command -v mmdebstrap >/dev/null || skip 'no mmdebstrap here'
}

test_no_mirror() {
	need_mmdebstrap
	fake_targets "Ubuntu|Ubuntu|main|noble|http://archive.test/ubuntu/|$NO_KEY|"
	fails_with 2 'run: this machine knows no Debian mirror: set VMALI_MIRROR*' toolbox_ensure
	nothing_left toolbox
}

# Nobody listens on the discard port.
test_no_network() {
	need_mmdebstrap
	export VMALI_MIRROR=http://127.0.0.1:9/debian
	fails_with 2 'run: cannot reach http://127.0.0.1:9/debian: *VMALI_MIRROR*' toolbox_ensure
	nothing_left toolbox
	fails grep -q "$SCRATCH" /proc/self/mounts
}

without_mmdebstrap() {
	PATH=$BIN
	toolbox_need mmdebstrap
}

test_no_mmdebstrap() {
	ln -s "$(command -v id)" "$BIN/"
	if [ "$(id -u)" -eq 0 ]; then
		fails_with 2 'run: mmdebstrap is missing: *' without_mmdebstrap
	else
		echo 'exit 0' | fake apt-get
		fails_with 2 'run: mmdebstrap is missing: as root, type: *' without_mmdebstrap
	fi
}

# Root installs it; the lists of packages may have to be fetched first.
test_installs_mmdebstrap() {
	[ "$(id -u)" -eq 0 ] || skip 'not root'
	for program in id touch chmod; do
		ln -s "$(command -v "$program")" "$BIN/"
	done
	fake apt-get <<-'SCRIPT'
		case "$*" in
		*update*) touch "$SCRATCH/updated" ;;
		*install*)
			[ -e "$SCRATCH/updated" ] || exit 100
			touch "$SCRATCH/bin/mmdebstrap"
			chmod 755 "$SCRATCH/bin/mmdebstrap"
			;;
		esac
	SCRIPT
	ln -s "$(command -v sh)" "$BIN/"
	(without_mmdebstrap)
	test -x "$BIN/mmdebstrap"
}

test_apt_explain() {
	for case in \
		'E: The repository x is not signed.|no key on this machine verifies sid of URL*' \
		'E: Release file for x is expired|sid of URL is out of date*' \
		'Err:1 URL sid Release 404  Not Found|URL does not serve sid*' \
		'Err:1 URL Could not connect to x|cannot reach URL*' \
		'E: x: No space left on device|no space left in *'; do
		printf '%s\n' "${case%%|*}" >"$SCRATCH/log"
		fails_with 2 "run: ${case#*|}" apt_explain "$SCRATCH" URL sid
	done
}

# No mirror and no path of one machine in what is shipped.
test_no_host_name() {
	fails grep -n -i -E -e 'debian\.(org|net)' -e 'ubuntu\.com' "$REPO"/lab/*.sh \
		"$REPO/lab/toolbox.packages" "$REPO/kernel/base"
}

test_host_tools() {
	namespace true 2>/dev/null || skip 'no namespaces here'
	missing=
	for program in $TOOLBOX_PROGRAMS; do
		command -v "$program" >/dev/null || missing="$missing $program"
	done
	export HOST_TOOLS=1
	if [ -n "$missing" ]; then
		fails_with 2 "run: --host-tools: this machine lacks:$missing (*" toolbox_ensure
	else
		same 1 "$(toolbox_exec sh -c 'echo $$')"
	fi
}

# ---------------------------------------------------------------------------------------------

test_inside() {
	need_toolbox
	same "$REPO 1 0" "$(inside sh -c 'echo "$(pwd) $$ $(id -u)"')"
	got=0
	inside sh -c 'exit 7' || got=$?
	same 7 "$got"
	same input "$(echo input | inside cat)"
	same "arguments: a b|c" "$(inside printf 'arguments: %s|%s' 'a b' c)"
}

test_inside_environment() {
	need_toolbox
	same "/tmp||$CACHE_OF_USER|set" "$(CFLAGS=-O9 SOME=set inside sh -c \
		'echo "$HOME|${CFLAGS:-}|$XDG_CACHE_HOME|$SOME"')"
}

# The host's /tmp and processes are not there; the root cannot be changed.
test_inside_apart() {
	need_toolbox
	inside test ! -e "$SCRATCH"
	same sh "$(inside sh -c 'cat /proc/[0-9]*/comm' | grep -v -x cat)"
	fails inside touch /etc/vmali-test
	inside sh -c ': >/dev/null && : >/tmp/file && [ -d /sys/kernel ]'
}

test_inside_programs() {
	need_toolbox
	inside sh -euc 'for program in $1; do command -v "$program" >/dev/null ||
		{ echo "$program"; exit 1; }; done' sh "$TOOLBOX_PROGRAMS"
}

# The paths of the options are there under their own names, blanks and all, and writable.
test_inside_paths() {
	need_toolbox
	mkdir -p "$SCRATCH/re sults"
	echo patch >"$SCRATCH/a patch"
	export RESULTS_DIR="$SCRATCH/re sults" TRACE_FILE="$SCRATCH/trace file"
	export PATCHES="$SCRATCH/a patch"
	inside sh -euc 'cat "$PATCHES" >"$RESULTS_DIR/copy"; echo trace >"$TRACE_FILE"'
	same patch "$(cat "$SCRATCH/re sults/copy")"
	same trace "$(cat "$SCRATCH/trace file")"
}

test_inside_trace_file() {
	need_toolbox
	export TRACE_FILE="$SCRATCH/none/trace"
	fails_with 2 "run: --trace $SCRATCH/none/trace: *" inside true
}

# What the command started does not outlive it.
test_inside_children() {
	need_toolbox
	inside sh -c 'setsid sleep 987 </dev/null >/dev/null 2>&1 & exit 0'
	wait_for fails_quietly pgrep -f '^sleep 987$'
	fails grep -q "$CACHE_OF_USER.*/root" /proc/self/mounts
}

# Nor does it outlive the shell that started it.
test_inside_killed() {
	need_toolbox
	SCRATCH=$SCRATCH sh "$0" call inside_supervised &
	supervisor=$!
	wait_for pgrep -f '^sleep 986$'
	kill -KILL "$supervisor"
	wait_for fails_quietly pgrep -f '^sleep 986$'
}

inside_supervised() {
	XDG_CACHE_HOME=$CACHE_OF_USER
	toolbox_exec sh -c 'sleep 986 & wait' &
	wait
}

if [ "${1:-}" = call ]; then
	shift
	"$@"
	exit
fi

check 'the list of packages is well formed' test_packages
check 'the key follows the packages, not remarks' test_key
check 'the mirror is that of the main archive' test_archive
check 'the mirror is found before the first update' test_archive_new_host
check 'a key within the sources is not taken for a path' test_archive_key
check 'a host without a Debian mirror is recognised' test_archive_none
check 'options of transport and validity are followed' test_options
check 'no option is invented' test_options_none
check 'mirror, options and keys are written down; VMALI_MIRROR goes first' test_settings
real
check 'no mirror: one line, status 2, nothing left' test_no_mirror
real
check 'no network: one line, status 2, nothing left' test_no_network
check 'no mmdebstrap: one line, status 2' test_no_mmdebstrap
real
check 'root installs mmdebstrap' test_installs_mmdebstrap
real
check 'what apt says is told in one line' test_apt_explain
check 'no host name is built in' test_no_host_name
check '--host-tools says what is missing' test_host_tools
check 'a command runs in the toolbox' test_inside
check '... in a clean environment' test_inside_environment
check '... apart from the host' test_inside_apart
check '... with all programs' test_inside_programs
check '... with the paths of the options' test_inside_paths
check '... unless the trace cannot be written' test_inside_trace_file
check '... and leaves no process and no mount' test_inside_children
check '... not even if killed' test_inside_killed
checks_done
