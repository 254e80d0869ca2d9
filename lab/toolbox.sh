# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh
#
# The toolbox: a Debian root in the cache, with the compilers, QEMU and IGT that everything is built
# and run with, so that the versions of the host do not matter. Needs lab/common.sh.
#
# It follows the host's apt settings: mirror, keys, validity policy, proxy. VMALI_MIRROR names a
# mirror where the host has none, or another one.

TOOLBOX_SUITE=forky
# To be counted up when toolbox_make() changes.
TOOLBOX_RECIPE=1
# An upper bound of what it takes in the cache.
TOOLBOX_MIB=1600

# ---------------------------------------------------------------------------------------------
# The host's apt settings

# Prints MIRROR|KEYS of the host's Debian archive; KEYS are paths of key files, if any are named.
# The entry is recognised by its Release file, or, before the first `apt-get update` of a Debian host,
# by its address. Update, backport and security suites are not chosen: they may have other mirrors.
apt_archive() {
	apt_host=other
	! grep -q '^ID=debian$' /etc/os-release 2>/dev/null || apt_host=debian
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format \
		'$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(RELEASE)|$(REPO_URI)|$(SIGNED_BY)|' \
		'Created-By: Packages' 2>/dev/null |
		awk -F '|' -v host="$apt_host" '
			$3 != "main" || $4 ~ /[-\/]/ || $5 !~ /^https?:/ { next }
			{ keys = $6 ~ /^\// ? $6 : ""; sub(/\/*$/, "", $5) }
			$1 == "Debian" && $2 == "Debian" && !named { named = $5 "|" keys }
			$1 ~ /^\$/ && host == "debian" && $5 ~ /\/debian$/ && !guess {
				guess = $5 "|" keys
			}
			END { print named ? named : guess }'
}

# Prints the host's options of transport and validity, as lines of an apt configuration file.
apt_options() {
	apt-config dump 2>/dev/null | grep -E \
		-e '^Acquire::(Check-Valid-Until|Check-Date|(Min|Max)-ValidTime|Max-FutureTime) ' \
		-e '^Acquire::(Retries|ForceIPv4|ForceIPv6) ' \
		-e '^Acquire::https?::' |
		grep -v -E -e ' "";$' -e '::Proxy-?Auto-?Detect ' || :
}

# Prints the proxy that a program of the host detects: the toolbox lacks that program.
apt_found_proxy() {
	apt-config dump 2>/dev/null | grep -q -E '::Proxy-?Auto-?Detect "[^"]' || return 0
	/usr/lib/apt/apt-helper auto-detect-proxy "$1/" 2>/dev/null |
		sed -n "s/^Using proxy '\\(http[^']*\\)'.*/Acquire::http::Proxy \"\\1\";/p"
}

# The keys of the host: those that its sources name, those of its trusted keyrings, Debian's own.
apt_copy_keys() {
	mkdir -p "$2"
	apt_n=0
	for apt_key in $(printf '%s\n' "$1" | tr ',' ' ') /etc/apt/trusted.gpg.d/*.asc \
		/etc/apt/trusted.gpg.d/*.gpg /usr/share/keyrings/debian-archive-keyring.gpg; do
		if [ ! -s "$apt_key" ] || [ ! -r "$apt_key" ]; then
			continue
		fi
		apt_n=$((apt_n + 1)) apt_ending=gpg
		# apt tells armoured keys by the ending alone.
		! grep -q -a -e '^-----BEGIN PGP' "$apt_key" || apt_ending=asc
		cp -L "$apt_key" "$2/$apt_n.$apt_ending" || return
	done
}

# The certificates that the host trusts, for a mirror behind TLS.
apt_copy_certificates() {
	apt_ca=$(sed -n 's/^Acquire::https::CAInfo "\(.*\)";$/\1/p' "$1/options" | tail -n 1)
	apt_ca=${apt_ca:-/etc/ssl/certs/ca-certificates.crt}
	[ ! -r "$apt_ca" ] || cp -L "$apt_ca" "$1/ca.crt"
}

# apt_settings FOLDER: writes the host's settings to FOLDER: mirror (one line, may be empty),
# options, keys/, ca.crt.
apt_settings() {
	mkdir -p "$1"
	apt_found=
	! command -v apt-get >/dev/null 2>&1 || apt_found=$(apt_archive)
	apt_mirror=${VMALI_MIRROR:-${apt_found%%|*}}
	printf '%s\n' "${apt_mirror%/}" >"$1/mirror"
	{
		apt_options
		apt_found_proxy "$apt_mirror"
	} >"$1/options"
	apt_copy_keys "${apt_found#*|}" "$1/keys" && apt_copy_certificates "$1"
}

# apt_explain FOLDER MIRROR SUITE: says why apt failed, from its messages in FOLDER/log; exit 2.
apt_explain() {
	! cache_full "$1" || cache_no_space
	if grep -q -i -e NO_PUBKEY -e 'not signed' -e 'Missing key' -e 'keyring' "$1/log"; then
		die 2 "no key on this machine verifies $3 of $2: install a newer" \
			'debian-archive-keyring'
	elif grep -q -e 'is expired' -e 'not valid yet' "$1/log"; then
		die 2 "$3 of $2 is out of date: set VMALI_MIRROR to a current mirror," \
			'or set Acquire::Check-Valid-Until in apt.conf'
	elif grep -q -e '404 ' -e 'does not have a Release file' "$1/log"; then
		die 2 "$2 does not serve $3: set VMALI_MIRROR to a Debian mirror that does"
	elif grep -q -e 'Failed to fetch' -e 'Could not' -e 'resolv' -e 'onnect' "$1/log"; then
		die 2 "cannot reach $2: check the network, or set VMALI_MIRROR to another mirror"
	fi
}

# ---------------------------------------------------------------------------------------------
# Making it

toolbox_packages() {
	sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$REPO/lab/toolbox.packages"
}

toolbox_key() {
	{
		printf '%s\n' "recipe $TOOLBOX_RECIPE" "suite $TOOLBOX_SUITE" "machine $(uname -m)"
		toolbox_packages
	} | key_of
}

# toolbox_need PROGRAM: installs the package of that name, where that takes no more than a command.
toolbox_need() {
	! command -v "$1" >/dev/null 2>&1 || return 0
	command -v apt-get >/dev/null 2>&1 ||
		die 2 "$1 is missing: install it with the package manager of this machine"
	[ "$(id -u)" -eq 0 ] || die 2 "$1 is missing: as root, type: apt-get install $1"
	say "installing $1 with apt-get"
	toolbox_apt_install "$1" ||
		{ apt-get -qq update >/dev/null 2>&1 && toolbox_apt_install "$1"; } ||
		die 2 "apt-get could not install $1: see what apt-get install $1 says"
}

toolbox_apt_install() {
	DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$1" \
		</dev/null >/dev/null 2>&1
}

# Runs mmdebstrap for FOLDER/root with the settings in FOLDER/apt.
toolbox_mmdebstrap() {
	toolbox_tmp=$1
	set -- --mode=root --variant=apt --format=directory
	while IFS= read -r toolbox_option; do
		set -- "$@" "--aptopt=$toolbox_option"
	done <"$toolbox_tmp/apt/options"
	for toolbox_key_file in "$toolbox_tmp"/apt/keys/*; do
		[ ! -e "$toolbox_key_file" ] || set -- "$@" "--keyring=$toolbox_key_file"
	done
	for toolbox_path in doc man info locale gnome icons bash-completion zsh lintian bug; do
		set -- "$@" "--dpkgopt=path-exclude=/usr/share/$toolbox_path/*"
	done
	mmdebstrap "$@" --aptopt='Acquire::Languages "none"' \
		--include="$(toolbox_packages | paste -s -d , -)" \
		"$TOOLBOX_SUITE" "$toolbox_tmp/root" "$(cat "$toolbox_tmp/apt/mirror")"
}

# Mount points for every session, see toolbox_enter().
toolbox_links() {
	for toolbox_link in resolv.conf hosts; do
		ln -sfn "/run/vmali/$toolbox_link" "$1/etc/$toolbox_link" || return
	done
}

# What the step is doing: the last line of mmdebstrap's messages.
toolbox_progress() {
	sed -n 's/^I: //p' "$1/log" | tail -n 1
}

# Fills an entry: root/, and versions, the list of what is installed. Runs in a namespace, so that
# no mount of mmdebstrap's can stay.
toolbox_make() {
	apt_settings "$1/apt" || return
	toolbox_mirror=$(cat "$1/apt/mirror")
	[ -n "$toolbox_mirror" ] ||
		die 2 'this machine knows no Debian mirror: set VMALI_MIRROR to the address of one'
	cache_room "$TOOLBOX_MIB"
	verbose "mmdebstrap $TOOLBOX_SUITE $toolbox_mirror"
	toolbox_mmdebstrap "$1" >"$1/log" 2>&1 </dev/null || {
		apt_explain "$1" "$toolbox_mirror" "$TOOLBOX_SUITE"
		cache_failed "$1" 2 'mmdebstrap failed: its last lines are above'
	}
	toolbox_links "$1/root" && rm -rf "$1/apt" &&
		dpkg-query --admindir="$1/root/var/lib/dpkg" -W >"$1/versions"
}

toolbox_build() {
	# shellcheck disable=SC2034 # for step_line()
	STEP_DETAIL=toolbox_progress
	cache_build toolbox "$1" "toolbox (Debian $TOOLBOX_SUITE)" toolbox_make
}

# The programs that --host-tools takes from the host.
TOOLBOX_PROGRAMS='bc bison busybox cc cpio depmod flex gcc igt_runner jq ld make meson ninja patch
perl pkg-config python3 qemu-system-x86_64 rsync tar xz zstd'

toolbox_check_host() {
	toolbox_missing=
	for toolbox_program in $TOOLBOX_PROGRAMS ${ARCH_PROGRAMS:-}; do
		command -v "$toolbox_program" >/dev/null 2>&1 ||
			toolbox_missing="$toolbox_missing $toolbox_program"
	done
	[ -z "$toolbox_missing" ] ||
		die 2 "--host-tools: this machine lacks:$toolbox_missing" \
			'(without that option, a toolbox is made)'
}

# toolbox_ensure: makes the toolbox if it is missing. Sets TOOLBOX_ROOT, which is empty with
# HOST_TOOLS=1, and TOOLBOX_ID, which stands for the versions of all tools in keys.
toolbox_ensure() {
	cache_hold
	toolbox_need mount
	namespace_check
	if [ "${HOST_TOOLS:-0}" = 1 ]; then
		toolbox_check_host
		TOOLBOX_ROOT=''
		TOOLBOX_ID=host-$({
			gcc --version
			ld --version
			qemu-system-x86_64 --version
			meson --version
		} | key_of)
	else
		toolbox_present=$(toolbox_key)
		cache_has toolbox "$toolbox_present" || {
			toolbox_need mmdebstrap
			toolbox_status=0
			namespace_call toolbox_build "$toolbox_present" || toolbox_status=$?
			[ "$toolbox_status" -le 128 ] || die "$toolbox_status" 'interrupted'
			[ "$toolbox_status" -eq 0 ] || exit "$toolbox_status"
		}
		TOOLBOX_ROOT=$(cache_entry toolbox "$toolbox_present")/root
		TOOLBOX_ID=$(key_of <"${TOOLBOX_ROOT%/root}/versions")
	fi
	export TOOLBOX_ROOT TOOLBOX_ID
}

# ---------------------------------------------------------------------------------------------
# Running commands in it

# The paths of the host that are there under the same name: folders and files, one a line. The
# variables are those of lab/options.sh.
toolbox_paths() {
	printf '%s\n' "$REPO" "$CACHE_DIR" "${KERNEL_ARG:-}" "${RESULTS_DIR:-}" "${TRACE_FILE:-}" \
		"${TEST_LIST:-}" "${PATCHES:-}" "${MUTANTS_OF:-}" "${TOOLBOX_BIND:-}" | sed '/^$/d'
}

toolbox_mount_path() {
	if [ -d "$1" ]; then
		mkdir -p "$TOOLBOX_ROOT$1"
	else
		mkdir -p "$TOOLBOX_ROOT${1%/*}" && : >>"$TOOLBOX_ROOT$1"
	fi && mount --bind "$1" "$TOOLBOX_ROOT$1"
}

toolbox_mount_paths() {
	toolbox_paths | while IFS= read -r toolbox_path; do
		toolbox_mount_path "$toolbox_path" ||
			die 2 "$toolbox_path: cannot be made available in the toolbox"
	done
}

# Makes the root read-only, since an entry of the cache must not change. Where an ordinary user is not
# permitted to, it stays writable.
toolbox_mounts() {
	mount --bind "$TOOLBOX_ROOT" "$TOOLBOX_ROOT" &&
		mount -t tmpfs -o mode=1777 tmpfs "$TOOLBOX_ROOT/tmp" &&
		mount -t tmpfs -o mode=755 tmpfs "$TOOLBOX_ROOT/run" &&
		mount --rbind /dev "$TOOLBOX_ROOT/dev" &&
		mount --rbind /sys "$TOOLBOX_ROOT/sys" &&
		mount -t proc proc "$TOOLBOX_ROOT/proc" &&
		toolbox_mount_paths || return
	mount -o remount,bind,ro "$TOOLBOX_ROOT" 2>/dev/null || :
}

# The host's names, and if a package is to be downloaded its apt settings, in /run/vmali of the
# session. TOOLBOX_APT=1 says that one is, beside those of the kernel and of the board's architecture.
toolbox_settings() {
	mkdir -p "$TOOLBOX_ROOT/run/vmali" "$TOOLBOX_ROOT/run/lock"
	for toolbox_file in resolv.conf hosts; do
		[ ! -r "/etc/$toolbox_file" ] ||
			cp -L "/etc/$toolbox_file" "$TOOLBOX_ROOT/run/vmali/$toolbox_file"
	done
	if [ "${TOOLBOX_APT:-0}" = 1 ] || ! kernel_source_cached || ! arch_cached; then
		apt_settings "$TOOLBOX_ROOT/run/vmali/apt"
	fi
}

# Variables that would change what compilers, make and the kernel's build do.
TOOLBOX_UNSET='ARCH CC CXX CPP LD AR AS NM CFLAGS CPPFLAGS CXXFLAGS LDFLAGS CROSS_COMPILE KCFLAGS
KCPPFLAGS KAFLAGS KBUILD_OUTPUT KBUILD_EXTMOD LLVM LLVM_IAS MAKEFLAGS MAKELEVEL MFLAGS O M V W C
CDPATH ENV GREP_OPTIONS TAR_OPTIONS XZ_OPT XZ_DEFAULTS ZSTD_CLEVEL LD_PRELOAD LD_LIBRARY_PATH
PKG_CONFIG_PATH PKG_CONFIG_LIBDIR PYTHONPATH PYTHONHOME PERL5LIB TMPDIR XDG_RUNTIME_DIR DESTDIR
LANGUAGE POSIXLY_CORRECT'

# Process 1 of the namespaces: goes into the toolbox, and becomes CMD.
toolbox_enter() {
	# shellcheck disable=SC2086 # names
	unset $TOOLBOX_UNSET
	export LC_ALL=C.UTF-8 XDG_CACHE_HOME="${CACHE_DIR%/vmali}"
	exec 7>&-
	if [ -z "$TOOLBOX_ROOT" ]; then
		mount -t proc proc /proc || die 2 'cannot mount /proc in a namespace: be root'
		cd "$REPO" || exit
		exec "$@"
	fi
	toolbox_mounts ||
		die 2 'cannot mount what the toolbox needs in a namespace: be root,' \
			'or see --host-tools'
	toolbox_settings
	export HOME=/tmp PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	exec chroot "$TOOLBOX_ROOT" env --chdir="$REPO" -- "$@"
}

# toolbox_exec CMD…: becomes the unshare that waits for CMD, which runs in the toolbox, in the
# repository's folder, as process 1 of its own namespaces. In CMD's environment are REPO, CACHE_DIR,
# XDG_CACHE_HOME, TOOLBOX_ID and what the caller exported. That unshare exits with CMD's status and
# blocks INT and TERM: send them to its child, or KILL to it, which ends all that CMD started.
toolbox_exec() {
	[ -n "${TOOLBOX_ID:-}" ] || toolbox_ensure
	[ -z "${TRACE_FILE:-}" ] || (: >>"$TRACE_FILE") 2>/dev/null ||
		die 2 "--trace $TRACE_FILE: cannot be written"
	export KERNEL_ARG RESULTS_DIR TRACE_FILE TEST_LIST PATCHES TOOLBOX_BIND TOOLBOX_APT
	namespace_exec toolbox_enter "$@"
}
