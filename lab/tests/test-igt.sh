#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# lab/igt.sh: the source tree of IGT, from a mirror that is made up in a folder. Runs itself in the
# toolbox, whose apt it needs.

# shellcheck disable=SC2317,SC2329 # check() calls the functions

set -eu

REPO=$(readlink -f -- "$(dirname -- "$0")/../..")

# shellcheck source=lab/tests/inside.sh
. "$REPO/lab/tests/inside.sh"
[ "${1:-}" = inside ] || become_inside test-igt.sh

# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
for part in common toolbox kernel igt; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done

MIRROR=$SCRATCH/mirror

# The made-up mirror is not signed.
source_apt_settings() {
	mkdir -p "$1/apt/keys"
	# shellcheck disable=SC2034 # for lab/igt.sh
	SOURCE_MIRROR=file:$MIRROR
	printf '%s\n' 'Acquire::AllowInsecureRepositories "true";' \
		'APT::Get::AllowUnauthenticated "true";' >"$1/apt/options"
}

# sums COMMAND FILE…: the lines of files in an index of apt, from the present folder.
sums() {
	sums_command=$1
	shift
	for sums_file; do
		printf ' %s %s %s\n' "$("$sums_command" <"$sums_file" | cut -d ' ' -f 1)" \
			"$(stat -c %s "$sums_file")" "$sums_file"
	done
}

# A mirror that has one source package, of two versions.
fresh() {
	rm -rf "$MIRROR" "$XDG_CACHE_HOME"
	cache_open
	made=$MIRROR/dists/$TOOLBOX_SUITE
	mkdir -p "$MIRROR/pool" "$made/main/source" "$made/main/binary-amd64"
	for version in 9 10; do
		mkdir -p "$SCRATCH/igt-$version/lib"
		echo "$version" >"$SCRATCH/igt-$version/lib/igt_core.h"
		tar -c -J -f "$MIRROR/pool/igt_$version.orig.tar.xz" -C "$SCRATCH" "igt-$version"
		echo dsc >"$MIRROR/pool/igt_$version-1.dsc"
		echo debian >"$MIRROR/pool/igt_$version-1.debian.tar.xz"
		(cd "$MIRROR/pool" && made_package "$version")
	done >"$made/main/source/Sources"
	: >"$made/main/binary-amd64/Packages"
	(cd "$made" && made_release >Release)
}

made_package() {
	set -- "$1" "igt_$1-1.dsc" "igt_$1.orig.tar.xz" "igt_$1-1.debian.tar.xz"
	printf '%s\n' 'Package: igt' "Binary: igt, $IGT_PACKAGE" "Version: $1-1" \
		'Format: 3.0 (quilt)' 'Directory: pool' Files:
	shift
	sums md5sum "$@"
	echo Checksums-Sha256:
	sums sha256sum "$@"
	echo
}

made_release() {
	printf '%s\n' "Suite: $TOOLBOX_SUITE" "Codename: $TOOLBOX_SUITE" "Date: $(date -u -R)" \
		'Components: main' 'Architectures: amd64' SHA256:
	sums sha256sum main/source/Sources main/binary-amd64/Packages
}

newest() {
	fresh
	igt_source_ensure
	same 10 "$(cat "$IGT_SOURCE/lib/igt_core.h")"
	same igt "$(ls "${IGT_SOURCE%/*}")"
}

# What a binary mirror is like: the index has the package, the pool does not.
no_sources() {
	fresh
	rm "$MIRROR"/pool/*
	fails_with 2 'run: * does not serve the source of igt-gpu-tools: set *' igt_source_ensure
	nothing_left source
}

no_package() {
	fresh
	sed -i 's/^Binary: .*/Binary: igt/' "$MIRROR/dists/$TOOLBOX_SUITE/main/source/Sources"
	(cd "$MIRROR/dists/$TOOLBOX_SUITE" && made_release >Release)
	fails_with 2 'run: * does not serve the source of igt-gpu-tools: set *' igt_source_ensure
	nothing_left source
}

given() {
	fresh
	igt_source_ensure /there
	same /there "$IGT_SOURCE"
	nothing_left source
}

check 'the newest source package is fetched, upstream part alone' newest
check 'a mirror without sources: one line, status 2, nothing left' no_sources
check 'a suite without the package: one line, status 2, nothing left' no_package
check 'a source tree that is given is taken' given

checks_done
