#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# kernel/mail and kernel/export, with the real patches: from patches to commits and back nothing
# changes, what is edited changes and nothing else, and what can be sent names its sender alone. Needs
# the toolbox and the kernel source in the cache of whoever runs this.

# shellcheck disable=SC2317,SC2329 # check() calls the functions

set -eu

REPO=$(readlink -f -- "$(dirname -- "$0")/../..")
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
for part in common toolbox kernel; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done

XDG_CACHE_HOME=$CACHE_OF_USER
# shellcheck disable=SC2034 # for lab/kernel.sh
KERNEL_ARG=''
if ! cache_has toolbox "$(toolbox_key)" || ! kernel_source_cached; then
	echo '0 passed, 0 failed, 1 skipped: no toolbox or no kernel source in the cache'
	exit 77
fi

# A user whose settings would change what git does.
export HOME="$SCRATCH/home" GIT_CONFIG_GLOBAL="$SCRATCH/gitconfig"
mkdir "$HOME"
printf '[format]\n\tsignature = x\n[diff]\n\talgorithm = patience\n\tnoprefix = true\n' \
	>"$GIT_CONFIG_GLOBAL"

printf '[user]\n\tname = Ann Author\n\temail = ann@example.org\n' >"$SCRATCH/ann"

TREE=$SCRATCH/tree PATCHES_COPY=$SCRATCH/patches

mail() {
	"$REPO/kernel/mail" "$@"
}

# A copy of the patches, and their repository, made once.
fresh() {
	rm -rf "$PATCHES_COPY" "$TREE"
	cp -r "$REPO/kernel/patches" "$PATCHES_COPY"
	[ -d "$SCRATCH/first" ] || mail unpack "$SCRATCH/first"
	cp -r "$SCRATCH/first" "$TREE"
}

in_tree() {
	git -C "$TREE" "$@"
}

# ---------------------------------------------------------------------------------------------

round_trip() {
	fresh
	find "$PATCHES_COPY" -name '0*.patch' ! -path '*/backport/*' -delete
	mail pack --patches "$PATCHES_COPY" "$TREE"
	diff -r "$REPO/kernel/patches" "$PATCHES_COPY"
}

# The blobs that the index lines name are those of the source: git am -3 needs them.
blobs() {
	fresh
	file=drivers/gpu/drm/panthor/panthor_mmu.c
	blob=$(in_tree rev-parse "base:$file")
	grep -q -h "^index $blob\.\." "$REPO"/kernel/patches/1-security/*.patch
}

# The second series from its end: a commit of the first one is edited, by the commands of --help.
edited() {
	fresh
	cat >"$SCRATCH/editor" <<-'EDITOR'
		#!/bin/sh
		sed -i '1s/^pick/reword/' "$1"
	EDITOR
	cat >"$SCRATCH/reword" <<-'EDITOR'
		#!/bin/sh
		sed -i '1s/$/ at all/' "$1"
	EDITOR
	chmod +x "$SCRATCH/editor" "$SCRATCH/reword"
	GIT_SEQUENCE_EDITOR=$SCRATCH/editor GIT_EDITOR=$SCRATCH/reword in_tree rebase -q -i base
	mail pack --patches "$PATCHES_COPY" "$TREE"
	old=$(sed -n '/^[^#]/{p;q}' "$REPO/kernel/patches/series")
	new=$(sed -n '/^[^#]/{p;q}' "$PATCHES_COPY/series")
	same "${old%.patch}-at-all.patch" "$new"
	test ! -e "$PATCHES_COPY/$old"
	same "$(grep '^Caught-by' "$REPO/kernel/patches/$old")" \
		"$(grep '^Caught-by' "$PATCHES_COPY/$new")"
	# The subject is in the patch, in the cover letter, and in the series file.
	same 3 "$(diff -rq "$REPO/kernel/patches" "$PATCHES_COPY" | grep -c -e ' differ$' \
		-e "${old##*/}")"
}

# A new series is a folder and a branch.
new_series() {
	fresh
	mkdir "$PATCHES_COPY/7-more"
	printf 'drm/panthor: More\n\nWhy.\n' >"$PATCHES_COPY/7-more/cover.txt"
	in_tree switch -q -c 7-more
	echo >>"$TREE/drivers/gpu/drm/panthor/panthor_mmu.c"
	in_tree commit -q -a -m 'drm/panthor: Add a line'
	mail pack --patches "$PATCHES_COPY" "$TREE"
	same 7-more/0001-Add-a-line.patch "$(tail -n 1 "$PATCHES_COPY/series")"
	grep -q '^Subject: \[PATCH 0/1\] drm/panthor: More$' \
		"$PATCHES_COPY/7-more/0000-cover-letter.patch"
}

# says STATUS PATTERN CMD…: one line of that form.
says() {
	fails_with "$@"
}

person() {
	fresh
	in_tree -c user.name=Somebody -c user.email=s@example.org commit -q --amend --no-edit \
		--reset-author
	says 1 "kernel/mail: $TREE: the commit * names a person (Somebody <s@example.org>): *" \
		mail pack --patches "$PATCHES_COPY" "$TREE"
	diff -r "$REPO/kernel/patches" "$PATCHES_COPY"
}

no_branch() {
	fresh
	in_tree branch -q -D 2-stable
	says 1 "kernel/mail: $TREE: no branch 2-stable on top of the branch 1-security" \
		mail pack --patches "$PATCHES_COPY" "$TREE"
}

# Spoils the first hunk of the second patch.
spoil() {
	spoilt=$(grep -v '^#' "$PATCHES_COPY/series" | sed -n 2p)
	sed -i '/^@@/{n;s/./ spoilt/}' "$PATCHES_COPY/$spoilt"
}

not_applying() {
	fresh
	spoil
	rm -rf "$TREE"
	got=0
	mail unpack --patches "$PATCHES_COPY" "$TREE" 2>"$SCRATCH/stderr" || got=$?
	same 1 "$got"
	same "kernel/mail: $PATCHES_COPY/$spoilt does not apply to" \
		"$(tail -n 1 "$SCRATCH/stderr" | sed 's/ to .*/ to/')"
}

bad_lines() {
	says 2 'kernel/mail: unpack or pack?: *' mail
	says 2 'kernel/mail: repack: neither unpack nor pack: *' mail repack x
	says 2 'kernel/mail: --all: no such option: *' mail --all
	says 2 'kernel/mail: pack needs the folder *' mail pack
	says 1 "kernel/mail: $SCRATCH: there is something already" mail unpack "$SCRATCH"
	says 1 "kernel/mail: $SCRATCH: no repository *" mail pack "$SCRATCH"
}

# ---------------------------------------------------------------------------------------------

export_as() {
	GIT_CONFIG_GLOBAL=$SCRATCH/ann "$REPO/kernel/export" "$@"
}

exported() {
	rm -rf "$SCRATCH/out"
	export_as "$SCRATCH/out" >"$SCRATCH/said"
	n=$(grep -c -v '^#' "$REPO/kernel/patches/series")
	same "$n" "$(grep -l '^Signed-off-by: Ann Author <ann@example.org>$' \
		"$SCRATCH"/out/*/*.patch | wc -l)"
	covers=$(find "$SCRATCH/out" -mindepth 1 -maxdepth 1 | wc -l)
	same $((n + covers)) "$(grep -l '^From: Ann Author <ann@example.org>$' \
		"$SCRATCH"/out/*/*.patch | wc -l)"
	fails grep -r -q -e vmali@ -e '^Caught-by:' -e '^Missed-by:' -e '^Culprit:' "$SCRATCH/out"
	grep -r -q '^Tested by the IGT subtest' "$SCRATCH/out"
	grep -q 'Check the line Fixes' "$SCRATCH/said"
}

exported_some() {
	rm -rf "$SCRATCH/out"
	export_as "$SCRATCH/out" 2-stable >/dev/null
	same 2-stable "$(ls "$SCRATCH/out")"
}

export_checks() {
	same 0 "$("$REPO/kernel/export" --check | grep -c -v ' patches apply to ')"
	fresh
	spoil
	fails_quietly "$REPO/kernel/export" --check --patches "$PATCHES_COPY"
}

export_bad() {
	says 1 'kernel/export: git knows no name and address of yours: *' env \
		-u GIT_AUTHOR_NAME -u GIT_AUTHOR_EMAIL -u EMAIL "$REPO/kernel/export" "$SCRATCH/none"
	says 2 'kernel/export: where to?: *' export_as
	says 2 'kernel/export: 8-none: no such series; they are 1-security *' \
		export_as "$SCRATCH/none" 8-none
	says 1 "kernel/export: $SCRATCH: there is something already" export_as "$SCRATCH"
	says 2 'kernel/export: --check writes nothing: *' export_as --check x
	test ! -e "$SCRATCH/none"
}

check 'from patches to commits and back: nothing changes' round_trip
check 'the index lines name blobs of the source' blobs
check 'a commit is edited by git rebase, with its note' edited
check 'a new series' new_series
check 'a commit that names a person is refused' person
check 'a series without its branch is refused' no_branch
check 'a patch that does not apply is named' not_applying
check 'what cannot be done: one line' bad_lines
check 'what is sent names its sender alone' exported
check '... and may be one series' exported_some
check '--check says whether the series apply' export_checks
check 'what cannot be exported: one line' export_bad
checks_done
