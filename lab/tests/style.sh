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
			grep -q -e '^#!/bin/sh' -e '^# shellcheck shell=sh' && printf '%s\n' "$file"
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
patch_style() {
	style_patch=$1
	shift
	perl "$@" --strict --no-signoff --ignore FILE_PATH_CHANGES,BAD_SIGN_OFF,REPEATED_WORD - \
		<"$style_patch" || {
		echo "in $style_patch"
		return 1
	}
}

# checkpatch comes with the base. Its checks of --strict are for the kernel's own code; so is the
# macro whose arguments are operators (lib/igt/igt_aux.h). The sender of a patch signs it, its lines
# Caught-by are no signatures, files of the driver's folder are in MAINTAINERS already, and the
# kernel's words that a patch quotes may repeat themselves.
style_checkpatch() {
	for part in common options toolbox kernel; do
		# shellcheck source=/dev/null
		. "$REPO/lab/$part.sh"
	done
	options_defaults
	kernel_source_ensure
	set -- "$KERNEL_SOURCE/scripts/checkpatch.pl" --no-tree --max-line-length=100 --show-types \
		--terse --quiet --no-summary
	perl "$@" --strict --file kernel/vmali-pci/*.c
	printf '%s\0' kernel/patches/*.patch kernel/patches/backport/*.patch |
		xargs -0 -P "$(nproc)" -I {} sh "$0" patch {} "$@"
	files '*.c' '*.h' ':!kernel' ':!lib/igt/igt_aux.h' | tr '\n' '\0' |
		xargs -0 -n 16 -P "$(nproc)" perl "$@" --ignore "$USER_SPACE_IGNORES" --file
}

# The types of lab/report, all of which it has to state.
style_mypy() {
	MYPYPATH=lab mypy --strict --no-incremental --cache-dir=/dev/null lab/report
}

case ${1:-} in
shellcheck | checkpatch | mypy) "style_$1" ;;
patch)
	shift
	patch_style "$@"
	;;
*)
	echo 'usage: style.sh shellcheck|checkpatch|mypy' >&2
	exit 2
	;;
esac
