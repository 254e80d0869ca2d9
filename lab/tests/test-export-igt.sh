#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# lab/export-igt: on a made-up tree in the shape of IGT's, git am takes the series, each commit of a
# library compiles, what the tree had of its own stays, and what cannot be exported is refused in one
# line. With VMALI_IGT, the same on that tree, and IGT's panthor tests compile in the result. Needs the
# toolbox and the kernel source in the cache of whoever runs this.

# shellcheck disable=SC2317,SC2329 # check() calls the functions

set -eu

REPO=$(readlink -f -- "$(dirname -- "$0")/../..")
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
for part in common toolbox kernel igt tests/inside; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done

# ---------------------------------------------------------------------------------------------
# In the toolbox

# compiles TREE FILE…: without a warning that matters, against the headers of the tree.
compiles() {
	tree=$1
	shift
	[ -e "$tree/config.h" ] || : >"$tree/config.h"
	for file; do
		# shellcheck disable=SC2086 # words
		(cd "$tree" && gcc -fsyntax-only -std=gnu11 -O1 -Wall -Wshadow -Werror \
			-D_GNU_SOURCE -include config.h -I. -Ilib -Iinclude -Iinclude/drm-uapi \
			-Iinclude/linux-uapi -isystem /usr/include/libdrm ${MORE_HEADERS:-} "$file")
	done
}

# compile_commits TREE TESTS: at each commit of the series, the libraries that it touches, and at the
# last one those of panthor and the TESTS, a pattern. Tests are new files that touch nothing: each
# compiles at its commit if it does at the last.
compile_commits() {
	# The folder of the project may be a worktree, whose repository is not here.
	cd "$1"
	export GIT_CONFIG_GLOBAL="$SCRATCH/inside.gitconfig"
	git config --global safe.directory '*'
	git -C "$1" rev-list --reverse base..series >"$1.commits"
	while read -r commit; do
		git -C "$1" checkout -q "$commit"
		git -C "$1" diff-tree --no-commit-id --name-only -r "$commit" -- 'lib/*.c' \
			'lib/*.h' >"$1.files"
		# A header of panthor's library is read by its source file.
		sed -n 's/\.[ch]$/.c/p' "$1.files" | sort -u | while IFS= read -r file; do
			[ ! -e "$1/$file" ] || compiles "$1" "$file"
		done
	done <"$1.commits"
	# shellcheck disable=SC2086 # patterns, and paths without blanks
	compiles "$1" lib/igt_panthor*.c $2
}

if [ "${1:-}" = inside ]; then
	case $2 in
	pytest)
		cd "$REPO"
		PYTHONPATH=lab exec python3 -B -m pytest -q -p no:cacheprovider lab/igt_series/tests
		;;
	commits) compile_commits "$3" 'tests/panthor/panthor_vm.c tests/panthor/*_[ef]*.c' ;;
	real)
		igt_headers_ensure || exit 77
		MORE_HEADERS="-isystem $IGT_HEADERS/cairo -isystem $IGT_HEADERS -Wno-all"
		compile_commits "$3" 'tests/panthor/*.c'
		;;
	esac
	exit
fi

# ---------------------------------------------------------------------------------------------
# The made-up tree

# shellcheck disable=SC2034 # for lab/kernel.sh
KERNEL_ARG=''
if ! (XDG_CACHE_HOME=$CACHE_OF_USER && cache_has toolbox "$(toolbox_key)" && kernel_source_cached); then
	echo '0 passed, 0 failed, 1 skipped: no toolbox or no kernel source in the cache'
	exit 77
fi

export HOME="$SCRATCH/home" GIT_CONFIG_GLOBAL="$SCRATCH/gitconfig"
mkdir "$HOME"
# A user whose settings would change what git does.
printf '[user]\n\tname = Ann Author\n\temail = ann@example.org\n' >"$GIT_CONFIG_GLOBAL"
printf '[diff]\n\tnoprefix = true\n[format]\n\tsignature = x\n' >>"$GIT_CONFIG_GLOBAL"

TREE=$SCRATCH/tree

made_library() {
	cat >"$TREE/lib/igt_panthor.h" <<'C'
/* SPDX-License-Identifier: MIT */
/* Copyright of somebody */
#ifndef IGT_PANTHOR_H
#define IGT_PANTHOR_H

#include <stddef.h>
#include <stdint.h>
#include "panthor_drm.h"

struct panthor_bo {
	int handle;
	uint64_t offset;
	uint64_t size;
	void *map;
};

void igt_panthor_query(int fd, int32_t kind, void *data, size_t size, int err);
void igt_panthor_vm_create(int fd, uint32_t *vm_id, int err);
void igt_panthor_bo_create(int fd, struct panthor_bo *bo, uint64_t size, uint32_t flags, int err);
void igt_panthor_bo_create_mapped(int fd, struct panthor_bo *bo, uint64_t size, uint32_t flags,
				  int err);
uint64_t igt_panthor_bo_mmap_offset(int fd, uint32_t handle, int err);
void *igt_panthor_mmap_bo(int fd, uint32_t handle, uint64_t size, unsigned int prot,
			  uint64_t offset);
void igt_panthor_free_bo(int fd, struct panthor_bo *bo);
uint64_t igt_panthor_get_first_core(uint64_t cores_present);
int igt_panthor_only_here(void);

enum cs_opcode {
	CS_OPCODE_NOP = 0,
};

static inline uint64_t cs_nop(void)
{
	return CS_OPCODE_NOP;
}

static inline uint64_t cs_only_here(void)
{
	return cs_nop();
}

#endif
C
	cat >"$TREE/lib/igt_panthor.c" <<'C'
// SPDX-License-Identifier: MIT
// Copyright of somebody

#include <strings.h>
#include <sys/mman.h>

#include "drmtest.h"
#include "igt_panthor.h"
#include "ioctl_wrappers.h"

/* Of this tree. */
int igt_panthor_only_here(void)
{
	return 1;
}

void igt_panthor_query(int fd, int32_t kind, void *data, size_t size, int err)
{
	struct drm_panthor_dev_query query = { .type = kind, .size = size };

	query.pointer = (uintptr_t)data;
	do_ioctl(fd, DRM_IOCTL_PANTHOR_DEV_QUERY, &query);
}

void igt_panthor_vm_create(int fd, uint32_t *vm_id, int err)
{
	struct drm_panthor_vm_create create = {};

	do_ioctl(fd, DRM_IOCTL_PANTHOR_VM_CREATE, &create);
	*vm_id = create.id;
}

void igt_panthor_bo_create(int fd, struct panthor_bo *bo, uint64_t size, uint32_t flags, int err)
{
	struct drm_panthor_bo_create create = { .size = size, .flags = flags };

	do_ioctl(fd, DRM_IOCTL_PANTHOR_BO_CREATE, &create);
	bo->handle = create.handle;
}

uint64_t igt_panthor_bo_mmap_offset(int fd, uint32_t handle, int err)
{
	return handle;
}

void *igt_panthor_mmap_bo(int fd, uint32_t handle, uint64_t size, unsigned int prot,
			  uint64_t offset)
{
	return mmap(NULL, size, prot, MAP_SHARED, fd, offset);
}

void igt_panthor_bo_create_mapped(int fd, struct panthor_bo *bo, uint64_t size, uint32_t flags,
				  int err)
{
	igt_panthor_bo_create(fd, bo, size, flags, err);
}

void igt_panthor_free_bo(int fd, struct panthor_bo *bo)
{
	gem_close(fd, bo->handle);
}

uint64_t igt_panthor_get_first_core(uint64_t cores_present)
{
	return 1ULL << (ffs(cores_present) - 1);
}
C
}

made_lists() {
	printf "lib_sources = [\n\t'drmtest.c',\n\t'igt_core.c',\n\t'igt_panthor.c',\n\t'igt_x86.c',\n]\n" \
		>"$TREE/lib/meson.build"
	printf "panthor_progs = [\n\t'panthor_gem',\n\t'panthor_vm',\n]\n" \
		>"$TREE/tests/panthor/meson.build"
	cat >"$TREE/docs/testplan/meson.build" <<'MESON'
kms_test_config = join_paths(source_root, 'tests', 'intel', 'kms_test_config.json')

test_dict = {
	'kms_tests': { 'input': kms_test_config, 'extra_args': check_testlist }
}

testplans = []
MESON
	printf '%s\n' '<book>' '  <chapter>' '    <title>API</title>' \
		'    <xi:include href="xml/igt_msm.xml"/>' '  </chapter>' '</book>' \
		>"$TREE/docs/reference/igt-gpu-tools/igt-gpu-tools-docs.xml"
}

# A tree that has the headers of libigt that the tests use, and an older uAPI.
fresh() {
	rm -rf "$TREE" "$SCRATCH/out" "$SCRATCH/am"
	mkdir -p "$TREE/lib" "$TREE/tests/panthor" "$TREE/include/drm-uapi" \
		"$TREE/docs/testplan" "$TREE/docs/reference/igt-gpu-tools"
	cp "$REPO"/lib/igt/*.h "$TREE/lib/"
	made_library
	made_lists
	echo '#define DRM_IOCTL_PANTHOR_OLD 1' >"$TREE/include/drm-uapi/panthor_drm.h"
	printf '#include "igt_panthor.h"\nint igt_main();\nint igt_main()\n{\n\treturn igt_panthor_only_here();\n}\n' \
		>"$TREE/tests/panthor/panthor_vm.c"
	git init -q -b base "$TREE"
	commit
}

commit() {
	git -C "$TREE" add --all
	git -C "$TREE" commit -q -m 'A tree of IGT'
}

pieces() {
	inside sh "$REPO/lab/tests/test-export-igt.sh" inside pytest
}

# Users have their cache; what a test does must not show there.
export_igt() {
	XDG_CACHE_HOME=$CACHE_OF_USER "$REPO/lab/export-igt" "$@"
}

# refused STATUS PATTERN ARG…: one line, and nothing is left.
refused() {
	refused_status=$1 refused_line=$2
	shift 2
	fails_with "$refused_status" "lab/export-igt: $refused_line" export_igt "$@"
	test ! -e "$SCRATCH/out"
}

exported() {
	export_igt "$TREE" --output "$SCRATCH/out" >"$SCRATCH/said"
}

# applied: the mails in a clone, as somebody else.
applied() {
	git clone -q "$TREE" "$SCRATCH/am"
	git -C "$SCRATCH/am" switch -q -c series
	git -C "$SCRATCH/am" -c user.name=Bob -c user.email=bob@example.org am -q --empty=drop \
		"$SCRATCH"/out/*.patch
}

# ---------------------------------------------------------------------------------------------

whole() {
	fresh
	echo 'int not_committed;' >>"$TREE/lib/igt_panthor.c"
	exported
	test ! -e "$TREE/lib/igt_swap.c"
	applied
	mails=$(find "$SCRATCH/out" -name '*.patch' ! -name '0000-*' | wc -l)
	same "$SCRATCH/out: $mails patches and a cover letter, for commit * of IGT" \
		"$(sed 's/commit [0-9a-f]* /commit * /' "$SCRATCH/said")"
	same "$mails" "$(git -C "$SCRATCH/am" rev-list --count base..series)"
	for file in "$REPO"/lib/igt_*.[ch] "$REPO"/tests/panthor/panthor_vm_*.c \
		"$REPO/tests/panthor/panthor_test_config.json"; do
		case $file in
		*/igt_panthor.[ch]) ;;
		*) cmp "$file" "$SCRATCH/am/${file#"$REPO/"}" ;;
		esac
	done
	for test in "$REPO"/tests/panthor/panthor_vm_*.c "$REPO"/lib/igt_*.c; do
		name=${test##*/}
		same 1 "$(grep -c "'${name%.c}'\|'$name'" "$SCRATCH/am/tests/panthor/meson.build" \
			"$SCRATCH/am/lib/meson.build" | awk -F : '{ n += $2 } END { print n }')"
	done
}

# Each mail: subject prefix, sender, sign-off, a body; nothing of this project's own affairs.
mails() {
	n=0
	for mail in "$SCRATCH"/out/*.patch; do
		grep -q '^Subject: \[PATCH i-g-t [0-9]*/[0-9]*\] ' "$mail"
		grep -q '^From: Ann Author <ann@example.org>$' "$mail"
		case $mail in
		*/0000-*) continue ;;
		esac
		n=$((n + 1))
		same 1 "$(grep -c '^Signed-off-by: Ann Author <ann@example.org>$' "$mail")"
		test -n "$(sed '1,/^$/d;/^Signed-off-by:/,$d' "$mail" | tr -d '\n ')"
	done
	test "$n" -gt 20
	grep -q "^base-commit: $(git -C "$TREE" rev-parse HEAD)\$" "$SCRATCH/out/0000-cover-letter.patch"
	fails grep -q -r -e "$REPO" -e vmali@ -e kernel/regressions "$SCRATCH/out"
	git -C "$SCRATCH/am" log --format=%s base..series >"$SCRATCH/subjects"
	fails grep -E '.{76}' "$SCRATCH/subjects"
	fails grep -v -E '^(drm-uapi/panthor|lib/igt_[a-z_]*|tests/panthor/[a-z_]*|docs/testplan): [A-Z]' \
		"$SCRATCH/subjects"
}

# What the tree had of its own: functions that this project lacks, and those that it has as well.
kept() {
	for text in 'int igt_panthor_only_here(void);' 'cs_only_here(void)' 'Copyright of somebody'; do
		grep -q -F "$text" "$SCRATCH/am/lib/igt_panthor.h"
	done
	grep -q 'struct drm_panthor_vm_create create = {};' "$SCRATCH/am/lib/igt_panthor.c"
	fails grep -q 'enum cs_opcode {' "$SCRATCH/am/lib/igt_panthor.h"
	fails grep -q 'ffs(' "$SCRATCH/am/lib/igt_panthor.c"
	# Every function once.
	same '' "$(sed -n 's/^[a-z].* \**\(igt_panthor_[a-z_]*\)(.*/\1/p' \
		"$SCRATCH/am/lib/igt_panthor.c" | sort | uniq -d)"
}

# uAPI, then each library behind what it includes, then the tests.
ordered() {
	git -C "$SCRATCH/am" log --reverse --format=%s base..series | sed 's,[:/].*,,' | uniq |
		paste -s -d ' ' - >"$SCRATCH/order"
	same 'drm-uapi lib tests docs' "$(cat "$SCRATCH/order")"
}

compiled() {
	# shellcheck disable=SC2034 # for lab/toolbox.sh
	TOOLBOX_BIND=$SCRATCH
	inside sh "$REPO/lab/tests/test-export-igt.sh" inside commits "$SCRATCH/am"
}

# A commit that does not compile shows: the second one lacks a header of a later one.
compiled_not() {
	git -C "$SCRATCH/am" switch -q -C series base
	printf '#include "igt_swap.h"\n' >>"$SCRATCH/am/lib/igt_panthor.c"
	git -C "$SCRATCH/am" commit -q -a -m 'lib/igt_panthor: Too early'
	# shellcheck disable=SC2034 # for lab/toolbox.sh
	TOOLBOX_BIND=$SCRATCH
	fails inside sh "$REPO/lab/tests/test-export-igt.sh" inside commits "$SCRATCH/am" \
		2>"$SCRATCH/errors"
	grep -q 'igt_swap.h: No such file' "$SCRATCH/errors"
}

checked() {
	fresh
	same "patches apply to commit $(git -C "$TREE" rev-parse --short=12 HEAD) of IGT" \
		"$(export_igt --check "$TREE" | sed 's/^[0-9]* //')"
	refused 2 '--check writes nothing: *' --check "$TREE" --output "$SCRATCH/out"
}

# A tree with a part of the series gets the rest, and one with all of it nothing.
again() {
	fresh
	cp "$REPO"/lib/igt_teardown.[ch] "$TREE/lib/"
	sed -i "s/^\t'igt_panthor.c',/&\n\t'igt_teardown.c',/" "$TREE/lib/meson.build"
	commit
	exported
	applied
	# What is left of the library is its place in the documentation.
	fails sh -c "grep -l '^+++ b/lib/igt_teardown' '$SCRATCH'/out/*.patch"
	rm -rf "$TREE" "$SCRATCH/out"
	mv "$SCRATCH/am" "$TREE"
	refused 1 "$TREE: has all of it already" "$TREE" --output "$SCRATCH/out"
}

spoilt() {
	fresh
	echo '/* another one */' >"$TREE/lib/igt_swap.h"
	commit
	refused 1 '*: no series for this tree: it has another lib/igt_swap.h' "$TREE" \
		--output "$SCRATCH/out"
}

bad_lines() {
	fresh
	refused 2 'which tree of IGT?: *'
	refused 2 '--all: no such option: *' --all
	refused 2 '--output needs a folder: *' "$TREE" --output
	refused 2 'two: one tree at a time: *' "$TREE" two
	refused 1 "$SCRATCH/none: not a git repository *" "$SCRATCH/none"
	refused 1 "$HOME: not a git repository *" "$HOME"
	refused 1 "$SCRATCH: there is something already" "$TREE" --output "$SCRATCH"
	git -C "$TREE" rm -q lib/igt_core.h
	commit
	refused 1 "$TREE: not a tree of IGT: *" "$TREE" --output "$SCRATCH/out"
	: >"$GIT_CONFIG_GLOBAL"
	fresh_anonymous=$SCRATCH/anonymous
	git clone -q "$TREE" "$fresh_anonymous"
	git -C "$fresh_anonymous" reset -q --hard HEAD~1
	refused 1 'git knows no name and address of yours: *' "$fresh_anonymous" \
		--output "$SCRATCH/out"
}

# The tree of VMALI_IGT, as a repository of one commit.
real() {
	[ -n "${VMALI_IGT:-}" ] || skip 'VMALI_IGT names no tree of IGT'
	rm -rf "$TREE" "$SCRATCH/out" "$SCRATCH/am"
	mkdir "$TREE"
	(cd "$VMALI_IGT" && tar -c --exclude=.git lib include tests/panthor docs scripts) | tar -x -C "$TREE"
	git init -q -b base "$TREE"
	commit
	exported
	applied
	kept_real=$(git -C "$SCRATCH/am" diff --stat base series -- tests/panthor/panthor_vm.c)
	same '' "$kept_real"
	# shellcheck disable=SC2034 # for lab/toolbox.sh
	TOOLBOX_BIND=$SCRATCH
	export TOOLBOX_APT=1
	inside sh "$REPO/lab/tests/test-export-igt.sh" inside real "$SCRATCH/am"
}

check 'C files item by item, and trees that do not fit' pieces
check 'git am takes all of it, and every file arrives' whole
check 'prefix, sender, sign-off, and no word about this project' mails
check 'what the tree has of its own stays' kept
check 'uAPI, libraries, tests, documentation' ordered
check 'each commit of a library compiles, and in the end all does' compiled
check '... and one that does not compile is found' compiled_not
check '--check says that the series applies' checked
check 'what the tree has already is left out' again
check 'a tree that does not fit is refused' spoilt
check 'a source tree of IGT (VMALI_IGT)' real
check 'what cannot be exported: one line, nothing left' bad_lines
checks_done
