#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# lab/kernel.sh, on trees of a few files: which tree, patches and options make which kernel, what is
# built again, and what is said of what cannot be. Runs itself in the toolbox, whose tools it needs.
# The last part builds the modules against the kernel in the cache of whoever runs this, and is
# skipped where there is none.

# shellcheck disable=SC2317,SC2329 # check() calls the functions
# shellcheck disable=SC2034 # lab/kernel.sh reads the variables

set -eu

REPO=$(readlink -f -- "$(dirname -- "$0")/../..")

# shellcheck source=lab/tests/inside.sh
. "$REPO/lab/tests/inside.sh"
[ "${1:-}" = inside ] || become_inside test-kernel.sh

# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
for part in common toolbox kernel; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done

REAL_REPO=$REPO

# tree FOLDER: a tree that looks like a kernel source with a driver.
tree() {
	mkdir -p "$1/$PANTHOR" "$1/include"
	printf 'one\ntwo\nthree\n' >"$1/$PANTHOR/panthor_mmu.c"
	printf 'one\ntwo\nthree\n' >"$1/include/other.h"
	printf 'kernelversion:\n\t@echo 7.3.9\nmrproper:\n\t@rm -rf .config include/config\n' \
		>"$1/Makefile"
	: >"$1/Kbuild"
}

# patch_of FILE [WORD]: a patch of one line of that file of a tree.
patch_of() {
	printf -- '--- a/%s\n+++ b/%s\t2026-01-01\n@@ -1,3 +1,3 @@\n one\n-two\n+%s\n three\n' \
		"$1" "$1" "${2:-changed}"
}

# A repository without patches of its own, a source of its own, and a cache of its own.
fresh() {
	rm -rf "$SCRATCH/cache" "$SCRATCH/repo" "$SCRATCH/tree"
	REPO=$SCRATCH/repo
	mkdir -p "$REPO/kernel/config" "$REPO/kernel/patches" "$REPO/kernel/vmali-pci" "$REPO/lab"
	cp "$REAL_REPO/lab/patch-part.awk" "$REPO/lab/"
	printf 'CONFIG_A=y\nCONFIG_B="text"\n# CONFIG_C is not set\n# a remark\nCONFIG_D=m\n' \
		>"$REPO/kernel/config/board.config"
	printf '# a remark\npackage=linux-source-0.0\nsuite=none\n' >"$REPO/kernel/base"
	tree "$SCRATCH/tree"
	KERNEL_ARG=$SCRATCH/tree STOCK=0 WITHOUT='' PATCHES='' SANITIZE=0 KUNIT=0
	KERNEL_SOURCE_ID=''
}

# The key of the source, which must not depend on what it was asked before.
source_id() {
	KERNEL_SOURCE_ID=''
	kernel_source_ensure
	echo "$KERNEL_SOURCE_ID"
}

# ---------------------------------------------------------------------------------------------

test_patch_paths() {
	{
		patch_of drivers/a.c
		printf -- '--- /dev/null\n+++ b/new/file.h\n@@ -0,0 +1 @@\n+-- text\n'
		printf -- '--- a/old.h\n+++ /dev/null\n@@ -1,2 +0,0 @@\n--- not/a/header\n-two\n'
		printf 'rename from from.c\nrename to to.c\n'
	} >"$SCRATCH/patch"
	same 'drivers/a.c from.c new/file.h old.h to.c' \
		"$(patch_paths "$SCRATCH/patch" | paste -s -d ' ' -)"
	echo 'no patch' >"$SCRATCH/none"
	same '' "$(patch_paths "$SCRATCH/none")"
}

# A patch of both: each part has its own files. A line of a hunk that looks like the head of a file is
# none, and the paths of git are read, too.
test_patch_part() {
	{
		printf 'Subject: both\n\nWhy.\n---\n'
		patch_of include/other.h
		printf -- '--- a/%s/x.c\n+++ b/%s/x.c\n@@ -1,2 +1,2 @@\n' "$PANTHOR" "$PANTHOR"
		printf -- '--- a/include/no.h\n+++ b/include/no.h\n one\n'
		printf 'diff --git a/%s/y.c b/%s/y.c\nnew file mode 100644\n' "$PANTHOR" "$PANTHOR"
		printf -- '--- /dev/null\n+++ b/%s/y.c\n@@ -0,0 +1 @@\n+y\n' "$PANTHOR"
		printf -- '--- a/old.h\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n-- \n2.47.3\n'
	} >"$SCRATCH/both"
	patch_part rest "$SCRATCH/both" >"$SCRATCH/rest"
	patch_part driver "$SCRATCH/both" >"$SCRATCH/driver"
	same 'include/other.h old.h' "$(patch_paths "$SCRATCH/rest" | paste -s -d ' ' -)"
	same 12 "$(wc -l <"$SCRATCH/driver")"
	same '+++ b/include/no.h' "$(sed -n 5p "$SCRATCH/driver")"
	same '+y' "$(tail -n 1 "$SCRATCH/driver")"
	fails grep -q 'other.h\|old.h' "$SCRATCH/driver"
	fails grep -q "$PANTHOR" "$SCRATCH/rest"
}

test_patch_list() {
	fresh
	printf '# remark\none.patch\n\ntwo.patch # why\n' >"$REPO/kernel/patches/series"
	PATCHES=$(printf '/x/a b.patch\n/x/c.patch')
	same "$(printf '%s\n' "$REPO/kernel/patches/one.patch" "$REPO/kernel/patches/two.patch" \
		'/x/a b.patch' /x/c.patch)" "$(kernel_patches)"
	STOCK=1
	same "$(printf '%s\n' '/x/a b.patch' /x/c.patch)" "$(kernel_patches)"
}

test_patch_until() {
	fresh
	printf 'one.patch\ntwo.patch\nthree.patch\n' >"$REPO/kernel/patches/series"
	UNTIL=two.patch
	same "one.patch two.patch" "$(kernel_patches | sed 's,.*/,,' | paste -s -d ' ' -)"
}

# A series of two patches of one file. The second changes what the first changed if $1 is `on`,
# otherwise a line that is in the first one's context.
two_patches() {
	fresh
	first=$REPO/kernel/patches/first.patch second=$REPO/kernel/patches/second.patch
	file=$PANTHOR/panthor_mmu.c
	printf 'one\ntwo\nthree\nfour\n' >"$SCRATCH/tree/$file"
	printf 'first.patch\nsecond.patch\n' >"$REPO/kernel/patches/series"
	printf -- '--- a/%s\n+++ b/%s\n@@ -1,4 +1,4 @@\n one\n-two\n+first\n three\n four\n' \
		"$file" "$file" >"$first"
	printf -- '--- a/%s\n+++ b/%s\n@@ -1,4 +1,4 @@\n one\n' "$file" "$file" >"$second"
	case ${1:-} in
	on) printf -- '-first\n+1st\n three\n four\n' ;;
	*) printf -- ' first\n three\n-four\n+second\n' ;;
	esac >>"$second"
	WITHOUT=first.patch
}

apply_all() {
	KERNEL_VERSION=here
	rm -rf "$SCRATCH/log"
	mkdir "$SCRATCH/log"
	kernel_patches_apply "$SCRATCH/log" "$SCRATCH/tree" driver || return
	paste -s -d ' ' "$SCRATCH/tree/$PANTHOR/panthor_mmu.c"
}

test_without() {
	two_patches
	same "$first $second -$first" "$(kernel_patches | paste -s -d ' ' -)"
	same 'one two three second' "$(apply_all)"
	before=$(kernel_patches_content)
	fails_quietly same "$before" "$(WITHOUT=second.patch kernel_patches_content)"
}

# A patch on the command line lands on what is left.
test_without_and_patch() {
	two_patches
	patch_of "$PANTHOR/panthor_mmu.c" third >"$SCRATCH/third"
	PATCHES=$SCRATCH/third
	same 'one third three second' "$(apply_all)"
}

test_without_overlap() {
	two_patches on
	fails_with_last 4 "run: --without first.patch: later patches build on it: *" \
		apply_all
	mkdir "$REPO/kernel/reverts"
	patch_of "$PANTHOR/panthor_mmu.c" back | sed 's/^-two/-1st/' \
		>"$REPO/kernel/reverts/first.patch"
	printf 'one\ntwo\nthree\nfour\n' >"$SCRATCH/tree/$PANTHOR/panthor_mmu.c"
	same 'one back three four' "$(apply_all)"
}

# A file that it makes is gone again; where the tree is made of links, its origin stays.
test_without_new_file() {
	two_patches
	new_file "$PANTHOR/new.h" new >>"$first"
	cp -al "$SCRATCH/tree" "$SCRATCH/linked"
	same 'one two three second' "$(apply_all)"
	test ! -e "$SCRATCH/tree/$PANTHOR/new.h"
	same 'one two three four' "$(paste -s -d ' ' "$SCRATCH/linked/$PANTHOR/panthor_mmu.c")"
}

# fails_with_last STATUS PATTERN CMD…: CMD fails with STATUS, and its last line matches PATTERN.
fails_with_last() {
	last_status=$1 last_pattern=$2 last_got=0
	shift 2
	("$@") >/dev/null 2>"$SCRATCH/stderr" || last_got=$?
	same "$last_status" "$last_got"
	# shellcheck disable=SC2254 # it is a pattern
	case $(tail -n 1 "$SCRATCH/stderr") in
	$last_pattern) ;;
	*)
		cat "$SCRATCH/stderr"
		return 1
		;;
	esac
}

# A mail of git format-patch, with remarks below its three dashes, and new files.
test_patch_mail() {
	fresh
	file=$PANTHOR/new.h
	{
		printf 'From 0123 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] drm/panthor: Add\n\n'
		printf 'Why.\n---\nCaught-by: t@a\nKUnit: none\n\n %s | 1 +\n' "$file"
		printf ' create mode 100644 %s\n\ndiff --git a/%s b/%s\n' "$file" "$file" "$file"
		printf 'new file mode 100644\nindex 0000000..1111111\n'
		printf -- '--- /dev/null\n+++ b/%s\n' "$file"
		printf '@@ -0,0 +1 @@\n+new\n-- \n2.47.3\n\n'
	} >"$REPO/kernel/patches/mail.patch"
	echo mail.patch >"$REPO/kernel/patches/series"
	same '' "$(kernel_patches_wide)"
	apply_all
	same new "$(cat "$SCRATCH/tree/$file")"
}

test_patch_wide() {
	fresh
	same '' "$(kernel_patches_wide)"
	patch_of "$PANTHOR/panthor_mmu.c" >"$SCRATCH/narrow"
	patch_of include/other.h >"$SCRATCH/wide"
	patch_of "${PANTHOR}_elsewhere/x.c" >"$SCRATCH/near"
	PATCHES=$SCRATCH/narrow
	same '' "$(kernel_patches_wide)"
	PATCHES=$(printf '%s\n' "$SCRATCH/narrow" "$SCRATCH/wide")
	same "$SCRATCH/wide" "$(kernel_patches_wide)"
	PATCHES=$SCRATCH/near
	same "$SCRATCH/near" "$(kernel_patches_wide)"
}

test_patch_bad() {
	fresh
	echo 'no patch' >"$SCRATCH/none"
	PATCHES=$SCRATCH/none
	fails_with 4 "run: $SCRATCH/none: holds no patch" kernel_source_ensure
	PATCHES=''
	echo gone.patch >"$REPO/kernel/patches/series"
	fails_with 4 "run: $REPO/kernel/patches/gone.patch: *not there" kernel_source_ensure
}

# The last lines say what was refused, the very last one which patch; nothing stays.
test_patch_does_not_apply() {
	fresh
	patch_of include/other.h | sed 's/^-two/-2/' >"$SCRATCH/bad"
	PATCHES=$SCRATCH/bad
	got=0
	(kernel_source_ensure) 2>"$SCRATCH/stderr" || got=$?
	same 4 "$got"
	same "run: $SCRATCH/bad does not apply to 7.3.9 in $SCRATCH/tree" \
		"$(tail -n 1 "$SCRATCH/stderr")"
	grep -q 'FAILED' "$SCRATCH/stderr"
	nothing_left source
	same two "$(sed -n 2p "$SCRATCH/tree/include/other.h")"
}

# A hunk that fits only if lines around it are ignored does not apply.
test_patch_fuzz() {
	fresh
	sed -i 's/one/ONE/' "$SCRATCH/tree/include/other.h"
	patch_of include/other.h >"$SCRATCH/fuzzy"
	PATCHES=$SCRATCH/fuzzy
	got=0
	(kernel_source_ensure) 2>/dev/null || got=$?
	same 4 "$got"
}

# ---------------------------------------------------------------------------------------------

test_folder() {
	fresh
	kernel_source_ensure
	same "$SCRATCH/tree" "$KERNEL_SOURCE"
	same "7.3.9 in $SCRATCH/tree" "$KERNEL_VERSION"
	same 0 "$KERNEL_PATCHED"
	first=$KERNEL_SOURCE_ID
	same "$first" "$(source_id)"
	echo more >>"$SCRATCH/tree/$PANTHOR/panthor_mmu.c"
	mkdir -p "$SCRATCH/tree/.git"
	echo ref >"$SCRATCH/tree/.git/HEAD"
	same "$first" "$(source_id)"
	echo more >>"$SCRATCH/tree/include/other.h"
	fails_quietly same "$first" "$(source_id)"
}

test_folder_bad() {
	fresh
	rm -r "${SCRATCH:?}/tree/$PANTHOR"
	fails_with 2 "run: --kernel $SCRATCH/tree: has no $PANTHOR" kernel_source_ensure
}

# A tree with a build in it is not touched: a clean copy is shown in its place.
test_folder_built() {
	fresh
	: >"$SCRATCH/tree/.config"
	: >"$SCRATCH/tree/x.o"
	(
		kernel_source_ensure
		same "$SCRATCH/tree" "$KERNEL_SOURCE"
		test ! -e "$SCRATCH/tree/.config"
		test ! -e "$SCRATCH/tree/x.o"
		test -f "$SCRATCH/tree/include/other.h"
	)
	umount "$SCRATCH/tree"
	test -e "$SCRATCH/tree/.config"
	test -e "$SCRATCH/tree/x.o"
}

# A patch beyond the driver: a patched copy is shown in the place of the tree.
test_folder_patched() {
	fresh
	patch_of include/other.h >"$SCRATCH/wide"
	before=$(source_id)
	PATCHES=$SCRATCH/wide
	(
		kernel_source_ensure
		same "$SCRATCH/tree" "$KERNEL_SOURCE"
		same 1 "$KERNEL_PATCHED"
		fails_quietly same "$before" "$KERNEL_SOURCE_ID"
		same changed "$(sed -n 2p "$SCRATCH/tree/include/other.h")"
	)
	umount "$SCRATCH/tree"
	same two "$(sed -n 2p "$SCRATCH/tree/include/other.h")"
}

# Its part of the driver is left to the modules, so the key of the kernel does not depend on it.
test_folder_patched_in_part() {
	fresh
	patch_of include/other.h >"$SCRATCH/wide"
	{ cat "$SCRATCH/wide" && patch_of "$PANTHOR/panthor_mmu.c"; } >"$SCRATCH/both"
	PATCHES=$SCRATCH/wide
	id=$(source_id)
	umount "$SCRATCH/tree" 2>/dev/null || :
	PATCHES=$SCRATCH/both
	(
		kernel_source_ensure
		same "$id" "$KERNEL_SOURCE_ID"
		same changed "$(sed -n 2p "$SCRATCH/tree/include/other.h")"
		same two "$(sed -n 2p "$SCRATCH/tree/$PANTHOR/panthor_mmu.c")"
	)
	umount "$SCRATCH/tree"
}

# Patches that cancel each other out leave the kernel as it is.
test_folder_patched_back() {
	fresh
	before=$(source_id)
	patch_of include/other.h >"$SCRATCH/wide"
	patch_of include/other.h two | sed 's/^-two/-changed/' >"$SCRATCH/back"
	PATCHES=$(printf '%s\n' "$SCRATCH/wide" "$SCRATCH/back")
	same "$before" "$(source_id)"
	nothing_left source
}

# A patch of the driver alone leaves the kernel as it is.
test_folder_patched_narrowly() {
	fresh
	patch_of "$PANTHOR/panthor_mmu.c" >"$SCRATCH/narrow"
	before=$(source_id)
	PATCHES=$SCRATCH/narrow
	same "$before" "$(source_id)"
	kernel_source_ensure
	same 0 "$KERNEL_PATCHED"
	same two "$(sed -n 2p "$KERNEL_SOURCE/$PANTHOR/panthor_mmu.c")"
}

test_tarball() {
	fresh
	tar -C "$SCRATCH" -cJf "$SCRATCH/linux.tar.xz" tree
	KERNEL_ARG=$SCRATCH/linux.tar.xz
	kernel_source_ensure
	same two "$(sed -n 2p "$KERNEL_SOURCE/include/other.h")"
	same linux.tar.xz "$KERNEL_VERSION"
	# Patched, it is made of links to the same files, which must not change.
	base=$KERNEL_SOURCE
	patch_of include/other.h >"$SCRATCH/wide"
	PATCHES=$SCRATCH/wide
	(
		source_id >/dev/null
		same changed "$(sed -n 2p "$base/include/other.h")"
	)
	umount "$base"
	same two "$(sed -n 2p "$base/include/other.h")"
}

test_tarball_bad() {
	fresh
	tar -C "$SCRATCH" -czf "$SCRATCH/other.tar.gz" repo
	KERNEL_ARG=$SCRATCH/other.tar.gz
	fails_with 2 "run: $SCRATCH/other.tar.gz holds no kernel source *" kernel_source_ensure
	nothing_left source
	echo 'no tarball' >"$SCRATCH/text.tar"
	KERNEL_ARG=$SCRATCH/text.tar
	got=0
	(kernel_source_ensure) 2>"$SCRATCH/stderr" || got=$?
	same 2 "$got"
	same "run: $SCRATCH/text.tar cannot be unpacked" "$(tail -n 1 "$SCRATCH/stderr")"
	nothing_left source
}

# A name of a package that no mirror has; and a mirror that is not there.
test_package_bad() {
	fresh
	KERNEL_ARG=''
	export VMALI_MIRROR=http://127.0.0.1:9/debian
	rm -rf /run/vmali/apt
	fails_with 2 'run: cannot reach http://127.0.0.1:9/debian: *' kernel_source_ensure
	nothing_left source
}

# What is in the cache needs no network.
test_package_cached() {
	fresh
	KERNEL_ARG=''
	entry=$(cache_entry source "$(source_package_key)")
	tree "$entry/linux"
	echo linux-source-0.0 1.2.3 >"$entry/version"
	export VMALI_MIRROR=http://127.0.0.1:9/debian
	kernel_source_ensure
	same 'linux-source-0.0 1.2.3' "$KERNEL_VERSION"
	same "$entry/linux" "$KERNEL_SOURCE"
}

test_blanks() {
	fresh
	export XDG_CACHE_HOME="$SCRATCH/with blank"
	fails_with 2 'run: a kernel cannot be built in *: set XDG_CACHE_HOME*' kernel_source_ensure
}

# ---------------------------------------------------------------------------------------------

test_config() {
	fresh
	printf 'CONFIG_A=y\nCONFIG_B="text"\n# CONFIG_C is not set\nCONFIG_D=m\nCONFIG_AB=y\n' \
		>"$SCRATCH/config"
	same '' "$(kernel_config_lost "$SCRATCH/config")"
	sed -i '/CONFIG_C/d' "$SCRATCH/config"
	same '' "$(kernel_config_lost "$SCRATCH/config")"
	printf '# CONFIG_A is not set\nCONFIG_B="tex"\nCONFIG_C=y\nCONFIG_AB=y\n' >"$SCRATCH/config"
	same 'CONFIG_A CONFIG_B CONFIG_C CONFIG_D' \
		"$(kernel_config_lost "$SCRATCH/config" | paste -s -d ' ' -)"
}

# A line of the second fragment goes before the same option in the first; both kernels have keys.
test_config_sanitized() {
	fresh
	KERNEL_SOURCE=$SCRATCH/tree
	printf '# a remark\n# CONFIG_A is not set\nCONFIG_C=y\nCONFIG_E=m\n' \
		>"$REPO/kernel/config/sanitize.config"
	same 'CONFIG_A=y|CONFIG_B="text"|# CONFIG_C is not set|CONFIG_D=m' \
		"$(kernel_config | paste -s -d '|' -)"
	before=$(kernel_key)
	SANITIZE=1
	same '# CONFIG_A is not set|CONFIG_B="text"|CONFIG_C=y|CONFIG_D=m|CONFIG_E=m' \
		"$(kernel_config | paste -s -d '|' -)"
	fails_quietly same "$before" "$(kernel_key)"
}

# Objects are used again only if make can see what has changed since.
test_base() {
	mkdir -p "$SCRATCH/base"
	printf 'a 1 100\nb 1 100\n' >"$SCRATCH/base/files"
	touch -d @200 "$SCRATCH/base/files"
	printf 'a 1 100\nb 2 300\nc 1 301\n' >"$SCRATCH/newer"
	kernel_usable_base "$SCRATCH/base" "$SCRATCH/newer"
	printf 'a 1 100\nb 2 150\n' >"$SCRATCH/older"
	fails kernel_usable_base "$SCRATCH/base" "$SCRATCH/older"
}

# A patched copy that is older than the kernel without the patches: of its files those that were patched
# become newer, and those of the package stay.
test_patched_newer() {
	KERNEL_SOURCE=$SCRATCH/package/linux
	mkdir -p "$KERNEL_SOURCE" "$SCRATCH/copy"
	touch -d @100 "$KERNEL_SOURCE/a.h" "$KERNEL_SOURCE/b.h"
	touch -d @200 "$SCRATCH/package/version"
	ln "$KERNEL_SOURCE/a.h" "$SCRATCH/copy/a.h"
	touch -d @300 "$SCRATCH/copy/b.h"
	touch -d @400 "$SCRATCH/kernel-files"
	source_patched_newer "$SCRATCH/copy" "$SCRATCH/kernel-files"
	same 100 "$(stat -c %Y "$KERNEL_SOURCE/a.h")"
	[ "$(stat -c %Y "$SCRATCH/copy/b.h")" -gt 400 ]
	# One that is newer already stays, since another session may build from it.
	touch -d @500 "$SCRATCH/copy/b.h"
	source_patched_newer "$SCRATCH/copy" "$SCRATCH/kernel-files"
	same 500 "$(stat -c %Y "$SCRATCH/copy/b.h")"
}

# The default place of the cache is below a folder with a dot, as are the entries that are being made.
test_start_from_base() {
	CACHE_DIR=$SCRATCH/.cache/vmali start_entry=$SCRATCH/.cache/vmali/kernel/.two.X.tmp
	for start_name in one .unfinished.X.tmp; do
		mkdir -p "$CACHE_DIR/kernel/$start_name/build"
		printf 'a 1 100\n' >"$CACHE_DIR/kernel/$start_name/files"
		touch -d @200 "$CACHE_DIR/kernel/$start_name/files"
		echo "$start_name" >"$CACHE_DIR/kernel/$start_name/build/object"
		echo gcc >"$CACHE_DIR/kernel/$start_name/lineage"
	done
	mkdir -p "$start_entry"
	echo gcc >"$start_entry/lineage"
	printf 'a 2 300\n' >"$start_entry/files"
	kernel_start_from_base "$start_entry"
	same one "$(cat "$start_entry/build/object")"
}

# What make has made of a source that is not wanted any more would be taken for wanted.
test_module_base() {
	mkdir -p "$SCRATCH/made/a" "$SCRATCH/wanted/a"
	touch "$SCRATCH/made/Kbuild" "$SCRATCH/made/a/one.c" "$SCRATCH/made/a/one.o" \
		"$SCRATCH/made/a/one.mod.c" "$SCRATCH/wanted/Kbuild" "$SCRATCH/wanted/a/one.c" \
		"$SCRATCH/wanted/a/two.h"
	fails module_has_more "$SCRATCH/made" "$SCRATCH/wanted"
	touch "$SCRATCH/made/a/test.c" "$SCRATCH/made/a/test.ko"
	module_has_more "$SCRATCH/made" "$SCRATCH/wanted"
}

# The keys of entries do not depend on where the repository or the cache is.
test_keys_have_no_paths() {
	fresh
	KERNEL_SOURCE=$SCRATCH/tree
	first=$(kernel_lineage | grep -v -x -F "$KERNEL_SOURCE")
	mv "$REPO" "$SCRATCH/moved"
	REPO=$SCRATCH/moved
	KERNEL_SOURCE=/elsewhere
	same "$first" "$(kernel_lineage | grep -v -x -F "$KERNEL_SOURCE")"
	fails grep -q "$SCRATCH" <<-LINES
		$first
	LINES
	rm -rf "$SCRATCH/moved"
}

test_modules_order() {
	mkdir -p "$SCRATCH/k/build/d"
	for module in needs-two one two_b; do
		: >"$SCRATCH/k/build/d/$module.ko"
	done
	printf 'd/needs-two.o\nd/one.o\nd/two_b.o\n' >"$SCRATCH/k/build/modules.order"
	modinfo() {
		case $3 in
		*/needs-two.ko) echo one,two_b ;;
		*/one.ko) echo two-b ;;
		*) echo ;;
		esac
	}
	kernel_collect_modules "$SCRATCH/k"
	same 'two_b.ko one.ko needs-two.ko' "$(paste -s -d ' ' "$SCRATCH/k/modules/order")"
}

# ---------------------------------------------------------------------------------------------
# With the real kernel

real_kernel() {
	REPO=$REAL_REPO
	XDG_CACHE_HOME=$CACHE_OF_USER
	KERNEL_ARG='' PATCHES='' STOCK=1 WITHOUT='' SANITIZE=0 KUNIT=0
	KERNEL_SOURCE_ID='' KERNEL_DIR=''
	kernel_source_cached || skip 'no kernel source in the cache'
	kernel_source_ensure
	[ -d "$(cache_entry kernel "$(kernel_key)")" ] || skip 'no kernel in the cache'
	kernel_ensure
}

test_kernel_entry() {
	real_kernel
	for file in bzImage release source-version headers/include/drm/panthor_drm.h \
		build/Module.symvers; do
		test -s "$KERNEL_DIR/$file"
	done
	while read -r module; do
		test -s "$KERNEL_DIR/modules/$module"
	done <"$KERNEL_DIR/modules/order"
	fails grep panthor "$KERNEL_DIR/modules/order"
	same '' "$(kernel_config_lost "$KERNEL_DIR/build/.config")"
	grep -q DRM_PANTHOR_DEV_QUERY_MMU_INFO "$KERNEL_DIR/headers/include/drm/panthor_drm.h"
}

test_module_entry() {
	real_kernel
	module_ensure
	same "$(modinfo -F vermagic "$MODULE_DIR/panthor.ko")" \
		"$(modinfo -F vermagic "$MODULE_DIR/vmali-pci.ko")"
	modinfo -F vermagic "$MODULE_DIR/panthor.ko" | grep -q "^$(cat "$KERNEL_DIR/release") "
}

# A broken driver: status 4, the compiler's words, nothing left, and the tree as it was.
test_module_broken() {
	real_kernel
	file=$PANTHOR/panthor_drv.c
	{
		printf -- '--- a/%s\n+++ b/%s\n@@ -1,4 +1,5 @@\n' "$file" "$file"
		sed -n -e '1,4s/^/ /p' -e '1a+int broken = ;' "$KERNEL_SOURCE/$file"
	} >"$SCRATCH/broken"
	PATCHES=$SCRATCH/broken
	got=0
	(module_ensure) 2>"$SCRATCH/stderr" || got=$?
	same 4 "$got"
	grep -q 'panthor_drv.c:2:.*error: expected expression' "$SCRATCH/stderr"
	same 'run: panthor or vmali-pci could not be built' \
		"$(tail -n 1 "$SCRATCH/stderr" | sed 's/ (.*//')"
	same '' "$(find "$CACHE_OF_USER/vmali/module" -name ".$(module_inputs | key_of).*.tmp")"
}

# new_file FILE LINE…: a patch that makes it.
new_file() {
	printf -- '--- /dev/null\n+++ b/%s\n@@ -0,0 +1,%d @@\n' "$1" "$(($# - 1))"
	shift
	printf '+%s\n' "$@"
}

# A patch that gives the driver a KUnit suite of one case, good or bad by $1.
kunit_patch() {
	new_file "$PANTHOR/panthor_test_kunit.c" '#include <kunit/test.h>' \
		'#include <linux/module.h>' \
		'static void one(struct kunit *test)' '{' "	KUNIT_EXPECT_EQ(test, 1, $1);" '}' \
		'static struct kunit_case cases[] = { KUNIT_CASE(one), {} };' \
		'static struct kunit_suite suite = { .name = "lab", .test_cases = cases };' \
		'kunit_test_suite(suite);' 'MODULE_LICENSE("Dual MIT/GPL");' \
		'MODULE_DESCRIPTION("for lab/tests");'
	line=$(wc -l <"$KERNEL_SOURCE/$PANTHOR/Makefile")
	printf -- '--- a/%s\n+++ b/%s\n@@ -%d,1 +%d,2 @@\n' "$PANTHOR/Makefile" \
		"$PANTHOR/Makefile" "$line" "$line"
	tail -n 1 "$KERNEL_SOURCE/$PANTHOR/Makefile" | sed 's/^/ /'
	# shellcheck disable=SC2016 # make's own variable
	printf '+%s\n' 'obj-$(CONFIG_DRM_PANTHOR_KUNIT_TEST) += panthor_test_kunit.o'
}

# One file is patched: it is the only one of the driver that is compiled.
test_module_again() {
	real_kernel
	module_ensure
	: >"$SCRATCH/mark"
	file=$PANTHOR/panthor_drv.c
	{
		printf -- '--- a/%s\n+++ b/%s\n@@ -1,4 +1,5 @@\n' "$file" "$file"
		sed -n -e '1,4s/^/ /p' -e "1a+/* $SCRATCH */" "$KERNEL_SOURCE/$file"
	} >"$SCRATCH/remark"
	PATCHES=$SCRATCH/remark
	umount() {
		! mountpoint -q "$1" ||
			find "$1" -name 'panthor_*.o' -newer "$SCRATCH/mark" >"$SCRATCH/compiled"
		command umount "$1"
	}
	module_ensure
	rm -rf "$MODULE_DIR"
	same panthor_drv.o "$(sed 's,.*/,,' "$SCRATCH/compiled")"
}

test_module_kunit() {
	real_kernel
	[ -f "$KERNEL_DIR/modules/kunit.ko" ] || skip 'a kernel without KUnit'
	kunit_patch 1 >"$SCRATCH/kunit"
	PATCHES=$SCRATCH/kunit
	module_ensure
	test ! -e "$MODULE_DIR/kunit"
	KUNIT=1
	module_ensure
	test -s "$MODULE_DIR/panthor.ko"
	same "$(printf '%s\n' io-pgtable-arm-selftests.ko panthor_test_kunit.ko)" \
		"$(LC_ALL=C ls "$MODULE_DIR/kunit")"
}

test_module_no_kunit() {
	real_kernel
	KUNIT=1
	fails_with 3 'run: the driver under test has no KUnit tests' module_ensure
}

check 'the paths of a patch are read from its headers' test_patch_paths
check 'a patch has a part of the driver and another' test_patch_part
check 'patches come from the series and the command line' test_patch_list
check 'the series ends where it is asked to' test_patch_until
check 'a patch of the series is merged out' test_without
check '... with the files that it makes' test_without_new_file
check '... below a patch of the command line' test_without_and_patch
check '... or by hand, where later ones build on it' test_without_overlap
check 'mails of git format-patch are applied' test_patch_mail
check 'a patch beyond the driver is told apart' test_patch_wide
check 'what is no patch: one line, status 4' test_patch_bad
check 'a patch that does not apply is named, status 4' test_patch_does_not_apply
check 'a patch is not applied with fuzz' test_patch_fuzz
check 'the key of a folder follows all but the driver' test_folder
check 'a folder without the driver: one line, status 2' test_folder_bad
check 'a folder with a build in it is copied' test_folder_built
check 'a folder is patched in a copy' test_folder_patched
check '... as far as it is not of the driver' test_folder_patched_in_part
check '... unless nothing is changed in the end' test_folder_patched_back
check 'a patch of the driver is no change of the kernel' test_folder_patched_narrowly
check 'a tarball is unpacked, and patched in a copy' test_tarball
check 'a tarball of something else: one line, status 2' test_tarball_bad
check 'no network for the package: one line, status 2' test_package_bad
check 'what is cached needs no network' test_package_cached
check 'a cache folder with blanks is refused' test_blanks
check 'options that did not stick are named' test_config
check 'the sanitized kernel has options of its own' test_config_sanitized
check 'objects are used again only if that is right' test_base
check '... of a patched copy, if it is newer' test_patched_newer
check '... and found in the default place of the cache' test_start_from_base
check '... and those of a driver with more files are not' test_module_base
check 'keys hold no paths' test_keys_have_no_paths
check 'modules are in the order of their dependencies' test_modules_order
check 'the kernel in the cache is complete' test_kernel_entry
check 'the modules fit the kernel' test_module_entry
check 'a broken driver: status 4 and the reason' test_module_broken
check 'only what a patch changes is compiled again' test_module_again
check 'KUnit modules are built on demand' test_module_kunit
check 'a driver without KUnit tests: one line, status 3' test_module_no_kunit
checks_done
