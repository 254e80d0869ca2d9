#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# lab/arch and lab/packaged.sh, without a board: the tables are complete, keys differ by architecture and
# size of pages, the packaged kernel is the one of the base, expectations have the most special file, and
# a patch that such a kernel cannot take is refused.
# shellcheck disable=SC2317,SC2329 # check() calls the functions
# shellcheck disable=SC2034,SC2154 # the libraries under test read and set these variables

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
for part in common options toolbox kernel results; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done

# with ARG... -- CMD...: CMD with the libraries as ./run ARG... has them. check() gives it a shell of its own.
with() {
	with_arguments=''
	while [ "$1" != -- ]; do
		with_arguments="$with_arguments $1"
		shift
	done
	shift
	# shellcheck disable=SC2086 # words
	options_parse $with_arguments
	# shellcheck source=/dev/null
	. "$REPO/lab/kernel.sh"
	TOOLBOX_ID='test'
	"$@"
}

# Prints the variables and functions of a table.
table() {
	sed -n -e 's/^\(ARCH_[A-Z]*\)=.*/\1/p' -e 's/^\(arch_[a-z]*\)() {$/\1/p' \
		"$REPO/lab/arch/$1.sh" | sort -u
}

tables_alike() {
	table x86-64 >"$SCRATCH/x86-64"
	table arm64 >"$SCRATCH/arm64"
	[ "$(wc -l <"$SCRATCH/x86-64")" -gt 15 ]
	same '' "$(comm -23 "$SCRATCH/x86-64" "$SCRATCH/arm64")"
}

# Each board has a build folder, a kernel and modules of its own.
keys_differ() {
	for pages in 4k 16k; do
		(with --arch arm64 --pages "$pages" -- packaged_key 'linux-source-7.3 7.3.4-1')
	done >"$SCRATCH/keys"
	(with --arch arm64 --pages 4k -- packaged_key 'linux-source-7.3 7.3.5-1') >>"$SCRATCH/keys"
	(with --arch arm64 -- tools_key) >>"$SCRATCH/keys"
	same 4 "$(sort -u "$SCRATCH/keys" | wc -l)"
}

# In place of apt: an index with several kernels.
indexed() {
	# shellcheck disable=SC2317
	source_apt() {
		case $3 in
		pkgnames)
			for name in 7.2.9+deb13-arm64 7.3.4+deb13-arm64 7.3.4+deb13-cloud-arm64 \
				7.3.4+deb13-arm64-16k 7.3.4+deb13-common arm64 arm64-16k; do
				echo "linux-headers-$name"
			done
			;;
		show)
			case $4 in
			*7.2.9*) echo 'Version: 7.2.9-1~bpo13+1' ;;
			*) echo 'Version: 7.3.4-1~bpo13+1' ;;
			esac
			;;
		esac
	}
	packaged_abi folder "$1"
}

abi() {
	same 7.3.4+deb13 "$(with --arch arm64 -- indexed '7.3.4-1~bpo13+1')"
	same 7.3.4+deb13 "$(with --arch arm64 --pages 16k -- indexed '7.3.4-1~bpo13+1')"
	same 7.2.9+deb13 "$(with --arch arm64 -- indexed '7.2.9-1~bpo13+1')"
	same '' "$(with --arch arm64 -- indexed '7.3.5-1~bpo13+1')"
}

wide_patch() {
	printf -- '--- a/mm/shmem.c\n+++ b/mm/shmem.c\n@@ -1 +1 @@\n-a\n+b\n' >"$SCRATCH/wide.patch"
	fails_with 2 'run: --arch arm64: its kernel is packaged, and a patch changes more than *' \
		with --arch arm64 --patch "$SCRATCH/wide.patch" -- packaged_ensure
}

until_shown() {
	packaged_until
	echo "$UNTIL"
}

# Series that change more than the driver, which are the last ones, are left out.
until_wide() {
	same "$(grep '^5-' "$REPO/kernel/patches/series" | tail -n 1)" \
		"$(with --arch arm64 -- until_shown)"
	same '' "$(with --arch arm64 --stock -- until_shown)"
	until_first=$(grep -m 1 '^1-' "$REPO/kernel/patches/series")
	same "$until_first" "$(with --arch arm64 --until "${until_first##*/}" -- until_shown)"
}

# special WANTED ARG...: what the names of expectation files may end in, the most special ending first.
special() {
	special_wanted=$1
	shift
	same "$special_wanted" "$(with "$@" -- arch_expectations)"
}

# Those of a client begin with the version of Mesa.
client_special() {
	MESA_VERSION=26.1.6
	special '-panvk-26.1.6
-panvk
-arm64' --arch arm64 --client panvk
}

# What the release calls itself does not matter.
release_name() {
	KERNEL_RELEASE=7.3.4+deb13-arm64-16k
	same 7.3-stock "$(with --arch arm64 --pages 16k --stock -- expectations_name)"
}

check 'the tables have the same names' tables_alike
check 'keys of kernels and tools' keys_differ
check 'the packaged kernel of the version of the base' abi
check 'a patch beyond the driver is refused' wide_patch
check '... and a series is left out' until_wide
check 'expectations: x86-64' special ''
check 'expectations: a client' client_special
check 'expectations: arm64' special -arm64 --arch arm64
check 'expectations: arm64, 16 KiB' special '-arm64-16k
-arm64' --arch arm64 --pages 16k
check 'expectations: the version of a packaged kernel' release_name

checks_done
