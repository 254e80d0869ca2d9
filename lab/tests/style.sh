#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# style.sh shellcheck|checkpatch|mypy: checks the project's own files with one tool, inside
# the toolbox. It calls itself as style.sh patch, to check several patches at once.

set -eu

# The files that git knows or would add, whose name ends with one of the given endings.
files() {
	git -c safe.directory='*' ls-files --cached --others --exclude-standard -- "$@"
}

# Scripts are known by their first line, function libraries by their directive.
shell_files() {
	files | while IFS= read -r file; do
		[ ! -f "$file" ] || head -n 3 "$file" |
			grep -q -e '^#!/bin/sh' -e '^# shellcheck shell=sh' \
				-e '^# shellcheck shell=bash' && printf '%s\n' "$file"
	done
}

style_shellcheck() {
	shell_files | tr '\n' '\0' | xargs -0 shellcheck
}

# What checkpatch asks of kernel code and cannot be had, or means something else, in user space.
USER_SPACE_IGNORES=ARRAY_SIZE,BIT_MACRO,BOOL_MEMBER,COMPLEX_MACRO,CONSTANT_COMPARISON,\
FUNCTION_WITHOUT_ARGS,LINE_SPACING,LONG_LINE_STRING,MINMAX,NAKED_SSCANF,OPEN_BRACE,\
PREFER_DEFINED_ATTRIBUTE_MACRO,QUOTED_WHITESPACE_BEFORE_NEWLINE,SPLIT_STRING,\
STATIC_CONST_CHAR_ARRAY,STRCPY,VOLATILE

# patch_style PATCH CHECKPATCH...: by standard input, as checkpatch takes what git has for source code.
# Two exceptions: it needs a kernel's history to know what Fixes: names, and asks of each new file whether
# MAINTAINERS needs a change, where the driver's folder is.
patch_style() {
	style_patch=$1
	shift
	style_ignore=UNKNOWN_COMMIT_ID
	! sed -n '/^new file mode/{x;p};h' "$style_patch" | grep -q "^diff --git a/$PANTHOR/" ||
		style_ignore=$style_ignore,FILE_PATH_CHANGES
	(cd / && perl "$@" --strict --ignore "$style_ignore" -) <"$style_patch" || {
		echo "in $style_patch"
		return 1
	}
}

# Writes the patches to the folder $1 as they are sent, by nobody.
style_export() {
	# shellcheck disable=SC2034 # for lab/mail.sh
	MAIL_IDENTITY='Nobody <nobody@example.org>' MAIL_PROGRAM=style.sh
	mail_begin
	# shellcheck disable=SC2046 # words
	mail_export "$1" "$REPO/kernel/patches" $(mail_all_series "$REPO/kernel/patches")
	mkdir "$1/backport"
	for style_patch in "$REPO"/kernel/patches/backport/*.patch; do
		sed "0,/^---\$/s/^---\$/Signed-off-by: $MAIL_NAME <$MAIL_EMAIL>\n---/" "$style_patch" \
			>"$1/backport/${style_patch##*/}"
	done
}

# checkpatch comes with the base. Its checks of --strict are for the kernel's own code; so is the
# macro whose arguments are operators (lib/igt/igt_aux.h). Patches are checked as they are sent.
style_checkpatch() {
	for part in common options toolbox kernel mail; do
		# shellcheck source=/dev/null
		. "$REPO/lab/$part.sh"
	done
	options_defaults
	# shellcheck disable=SC2034 # the source without patches
	STOCK=1
	kernel_source_ensure
	set -- "$KERNEL_SOURCE/scripts/checkpatch.pl" --no-tree --max-line-length=100 --show-types \
		--terse --quiet --no-summary
	perl "$@" --strict --file kernel/vmali-pci/*.c
	style_mails=$(mktemp -d)
	style_status=0
	(style_export "$style_mails") || style_status=1
	find "$style_mails" -name '*.patch' ! -name 0000-cover-letter.patch -print0 |
		xargs -0 -P "$(nproc)" -I {} sh "$0" patch {} "$@" || style_status=1
	rm -rf "$style_mails"
	[ "$style_status" = 0 ] || return 1
	files '*.c' '*.h' ':!kernel' ':!lib/igt/igt_aux.h' | tr '\n' '\0' |
		xargs -0 -n 16 -P "$(nproc)" perl "$@" --ignore "$USER_SPACE_IGNORES" --file
}

# The types of lab/report and lab/igt_series, all of which they have to state.
style_mypy() {
	MYPYPATH=lab mypy --strict --no-incremental --cache-dir=/dev/null lab/report lab/igt_series
}

case ${1:-} in
shellcheck | checkpatch | mypy)
	# In a pipe git's failure would leave no file to check, and pass.
	files >/dev/null
	"style_$1"
	;;
patch)
	shift
	REPO=$PWD
	# shellcheck source=/dev/null
	. "$REPO/lab/kernel.sh"
	patch_style "$@"
	;;
*)
	echo 'usage: style.sh shellcheck|checkpatch|mypy' >&2
	exit 2
	;;
esac
