#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# compile.sh [IGT_SOURCE]: compiles the IGT tests and their helpers for x86-64, by gcc and clang, and
# for arm64, by clang, without a warning. The headers are those of lib/igt, or of a source tree of
# IGT 2.3 or later: the files must compile in one unchanged. Nothing is linked. Runs itself in the
# toolbox, whose tools it needs.

set -eu

REPO=$(readlink -f -- "$(dirname -- "$0")/../..")
for part in common options toolbox kernel; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done

if [ "${1:-}" != inside ]; then
	[ $# -eq 0 ] || [ -f "$1/lib/igt_core.h" ] || die 2 "$1: not a source tree of IGT"
	[ $# -eq 0 ] || TOOLBOX_BIND=$(readlink -f -- "$1")
	# shellcheck disable=SC2034 # for toolbox_exec()
	QUIET=1 VERBOSE=0
	toolbox_exec sh "$REPO/lab/tests/compile.sh" inside "${TOOLBOX_BIND:-}"
fi

options_defaults
WORK=$(mktemp -d /tmp/compile.XXXXXX)

# What IGT asks of its files, beside -Wextra, and what this project does. A compiler that does not
# know a warning passes over it.
WARNINGS='-Wall -Wextra -Werror -Wbad-function-cast -Wdeclaration-after-statement -Wformat=2
-Wlogical-op -Wmissing-declarations -Wmissing-format-attribute -Wmissing-noreturn
-Wmissing-prototypes -Wnested-externs -Wold-style-definition -Wredundant-decls
-Wshadow -Wstrict-prototypes -Wuninitialized -Wunused -Wvla -Wno-clobbered
-Wno-missing-field-initializers -Wno-sign-compare -Wno-type-limits -Wno-unused-parameter'

# Where Debian's cross packages have the headers of libc, and linux-libc-dev those of the kernel.
ARM64_LIBC=/usr/aarch64-linux-gnu/include
ARM64_KERNEL=/usr/include/aarch64-linux-gnu

# Sets $HEADERS. A header that IGT shares with the kernel is the kernel's, as in ./run; libdrm's
# headers are the same for all machines.
headers() {
	HEADERS="-I$KERNEL_DIR/headers/include/drm"
	if [ -z "$1" ]; then
		HEADERS="$HEADERS -I$REPO/lib/igt"
		return
	fi
	: >"$WORK/config.h"
	for headers_folder in lib include include/drm-uapi include/linux-uapi; do
		HEADERS="$HEADERS -isystem $1/$headers_folder"
	done
	HEADERS="$HEADERS -isystem /usr/include/libdrm -include $WORK/config.h"
}

failed=0

# compile NAME CMD...: every file, by CMD; the failures are counted in $failed.
compile() {
	compile_name=$1
	shift
	for file in lib/igt_panthor*.c tests/panthor/*.c; do
		# shellcheck disable=SC2086 # words
		"$@" -std=gnu11 -O2 -D_GNU_SOURCE '-DIGT_LOG_DOMAIN="compile"' $WARNINGS $HEADERS \
			-I"$REPO/lib" -c "$file" -o "$WORK/object" || {
			echo "$file does not compile: $compile_name"
			failed=$((failed + 1))
		}
	done
}

kernel_ensure
headers "$2"
cd "$REPO"
compile 'gcc, x86-64' gcc
compile 'clang, x86-64' clang -Wno-unknown-warning-option
if [ ! -d "$ARM64_LIBC" ] || [ ! -d "$ARM64_KERNEL" ]; then
	echo 'the headers for arm64 are missing: install libc6-dev-arm64-cross'
	[ "$failed" -ne 0 ] || exit 77
	exit 1
fi
compile 'clang, arm64' clang --target=aarch64-linux-gnu -Wno-unknown-warning-option \
	-nostdlibinc -isystem "$ARM64_LIBC" -idirafter "$ARM64_KERNEL" -idirafter /usr/include
[ "$failed" -eq 0 ]
