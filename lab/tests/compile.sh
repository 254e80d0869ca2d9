#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# compile.sh [igt|IGT_SOURCE]: compiles the IGT tests and their helpers without a warning, for x86-64
# by gcc and clang, and for arm64 by clang. Runs itself in the toolbox, whose tools it needs.
#
# Without an argument, lib/igt/standalone is compiled as well, and for arm64 each test is linked with it
# and libc: there is no libigt for arm64 here.
#
# The headers are those of lib/igt, or of a source tree of IGT 2.3 or later: the files must compile
# in one unchanged. `igt` is the tree that VMALI_IGT names, or the source package of the toolbox's
# suite; the exit status is 77 if that cannot be had. With a tree, the panthor tests of IGT must
# compile against lib/igt_panthor.h of this project and find all their functions here, and IGT's
# igt_doc.py must read the TEST and SUBTEST blocks as docs/testplan does.

set -eu

REPO=$(readlink -f -- "$(dirname -- "$0")/../..")
for part in common options toolbox kernel igt; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done

if [ "${1:-}" != inside ]; then
	compile_tree=${1:-}
	[ "$compile_tree" != igt ] || [ -z "${VMALI_IGT:-}" ] || compile_tree=$VMALI_IGT
	case $compile_tree in
	'' | igt) ;;
	*)
		[ -f "$compile_tree/lib/igt_core.h" ] ||
			die 2 "$compile_tree: not a source tree of IGT"
		TOOLBOX_BIND=$(readlink -f -- "$compile_tree")
		compile_tree=$TOOLBOX_BIND
		;;
	esac
	# shellcheck disable=SC2034 # for toolbox_exec()
	QUIET=1 VERBOSE=0
	[ -z "$compile_tree" ] || export TOOLBOX_APT=1
	toolbox_exec sh "$REPO/lab/tests/compile.sh" inside "$compile_tree"
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

# Where Debian's cross packages have libc and its headers, and linux-libc-dev those of the kernel.
ARM64_LIBC=/usr/aarch64-linux-gnu
ARM64_KERNEL=/usr/include/aarch64-linux-gnu

# Sets $IGT_SOURCE, which is empty for the headers of lib/igt. What cannot be fetched is no fault of
# the files.
tree() {
	IGT_SOURCE=''
	[ -n "$1" ] || return 0
	case $1 in
	igt) igt_source_ensure ;;
	*) igt_source_ensure "$1" ;;
	esac || exit 77
}

# Sets $HEADERS. The header of the driver is the kernel's, as in ./run. The headers of libdrm are the
# same for all machines.
headers() {
	if [ -z "$IGT_SOURCE" ]; then
		HEADERS="-I$KERNEL_DIR/headers/include/drm -I$REPO/lib/igt"
		return
	fi
	mkdir "$WORK/uapi"
	cp "$KERNEL_DIR/headers/include/drm/panthor_drm.h" "$WORK/uapi/"
	: >"$WORK/uapi/config.h"
	HEADERS="-I$WORK/uapi"
	for headers_folder in lib include include/drm-uapi include/linux-uapi; do
		HEADERS="$HEADERS -isystem $IGT_SOURCE/$headers_folder"
	done
	HEADERS="$HEADERS -isystem /usr/include/libdrm -isystem /usr/include/cairo"
	HEADERS="$HEADERS -include $WORK/uapi/config.h"
}

failed=0

fail() {
	printf '%s\n' "$*"
	failed=$((failed + 1))
}

# compile FOLDER FILES NAME CMD...: the files, a pattern, by CMD, with the objects in $WORK/FOLDER.
compile() {
	compile_folder=$WORK/$1 compile_files=$2 compile_name=$3
	shift 3
	mkdir -p "$compile_folder"
	for file in $compile_files; do
		object=${file##*/}
		# shellcheck disable=SC2086 # words
		"$@" -std=gnu11 -O2 -D_GNU_SOURCE '-DIGT_LOG_DOMAIN="compile"' $HEADERS \
			-I"$REPO/lib" -c "$file" -o "$compile_folder/${object%.c}.o" ||
			fail "$file does not compile: $compile_name"
	done
}

# ours NAME CMD...: this project's files.
ours() {
	ours_name=$1
	shift
	# shellcheck disable=SC2086 # words
	compile "$ours_name" 'lib/igt_*.c' "$ours_name" "$@" $WARNINGS
	# shellcheck disable=SC2086 # words
	compile "$ours_name-tests" 'tests/panthor/*.c' "$ours_name" "$@" $WARNINGS
	[ -z "$IGT_SOURCE" ] || return 0
	# shellcheck disable=SC2086 # words
	compile "$ours_name-standalone" 'lib/igt/standalone/*.c' "$ours_name" "$@" $WARNINGS
	# shellcheck disable=SC2086 # words
	compile "$ours_name-demo" 'lib/igt/standalone/tests/*.c' "$ours_name" "$@" $WARNINGS
}

# Links each test for arm64, with nothing but libc.
link_arm64() {
	for object in "$WORK"/arm64-tests/*.o "$WORK"/arm64-demo/*.o; do
		ld.lld -pie -dynamic-linker /lib/ld-linux-aarch64.so.1 -o "$WORK/linked" \
			-L "$ARM64_LIBC/lib" "$ARM64_LIBC/lib/Scrt1.o" "$ARM64_LIBC/lib/crti.o" \
			"$object" "$WORK"/arm64/*.o "$WORK"/arm64-standalone/*.o -lc \
			"$ARM64_LIBC/lib/crtn.o" ||
			fail "${object##*/} cannot be linked with lib/igt/standalone for arm64"
	done
}

# The panthor tests of IGT. The warnings of files that are not this project's are not its business,
# other than those on what lib/igt_panthor.h declares.
theirs() {
	compile igt-tests "$IGT_SOURCE/tests/panthor/*.c" "lib/igt_panthor.h and IGT's tests" \
		gcc -Wall -Werror=implicit-function-declaration -Werror=incompatible-pointer-types
	nm "$WORK"/igt-tests/*.o | sed -n 's/^ *U \(igt_panthor_.*\)/\1/p' | sort -u >"$WORK/called"
	nm --defined-only "$WORK"/gcc/*.o | sed -n 's/^[0-9a-f]* T //p' | sort -u >"$WORK/defined"
	[ -s "$WORK/called" ] || fail 'the panthor tests of IGT call no function of igt_panthor.h'
	missing=$(comm -23 "$WORK/called" "$WORK/defined" | paste -s -d ' ' -)
	[ -z "$missing" ] || fail "IGT's panthor tests call functions that lib/ lacks: $missing"
}

# doc ARG...: igt_doc.py, which has to be silent. It ends with status 0 after most warnings.
doc() {
	doc_status=0
	python3 -B "$IGT_SOURCE/scripts/igt_doc.py" --config "$CONFIG" "$@" >"$WORK/doc" 2>&1 ||
		doc_status=$?
	if [ -s "$WORK/doc" ] || [ "$doc_status" -ne 0 ]; then
		cat "$WORK/doc"
		fail "igt_doc.py $1 complains (status $doc_status)"
	fi
}

# Prints the output of igt_doc.py --rest as lines `TEST@SUBTEST<tab>FIELD<tab>TEXT`. Leaves out the
# fields of the hierarchy, which are headings there.
doc_fields() {
	awk '
		/^``igt@.*``$/ { name = substr($0, 7, length($0) - 8); next }
		name != "" && match($0, /^:[A-Z][A-Za-z -]*: /) {
			text = substr($0, RLENGTH + 1)
			gsub(/[ \t]+/, " ", text)
			print name "\t" substr($0, 2, RLENGTH - 3) "\t" text
		}' "$1" | sort
}

# igt_doc.py must read the blocks as docs/testplan does. Its --check-testlist compares with the
# binaries in one folder, and ignores tests that have none there. So each test has an empty file
# there, with a list of the names that the build has compared with what the binary lists.
documentation() {
	CONFIG=$REPO/tests/panthor/panthor_test_config.json
	python3 -B docs/testplan/testplan.py --config "$CONFIG" --fields "$WORK/fields" ||
		fail 'docs/testplan refuses the blocks'
	doc --rest "$WORK/rest"
	doc_fields "$WORK/rest" >"$WORK/theirs"
	cut -f 2 "$WORK/theirs" | sort -u >"$WORK/names"
	awk -F '\t' 'NR == FNR { known[$1]; next } $2 in known' "$WORK/names" "$WORK/fields" |
		sort >"$WORK/ours"
	grep -q -x Description "$WORK/names" || fail 'igt_doc.py reads no Description'
	diff -u "$WORK/ours" "$WORK/theirs" ||
		fail 'igt_doc.py reads other fields than docs/testplan'
	mkdir -p "$WORK/build/tests"
	cut -f 1 "$WORK/fields" | sort -u | while IFS=@ read -r test subtest; do
		: >"$WORK/build/tests/$test"
		echo "igt@$test@$subtest" >>"$WORK/build/tests/$test.testlist"
	done
	doc --check-testlist --igt-build-path "$WORK/build"
}

tree "$2"
kernel_ensure
headers
cd "$REPO"
ours gcc gcc
ours clang clang -Wno-unknown-warning-option
if [ -n "$IGT_SOURCE" ]; then
	theirs
	documentation
fi
if [ ! -d "$ARM64_LIBC/include" ] || [ ! -d "$ARM64_KERNEL" ]; then
	echo 'the headers for arm64 are missing: install libc6-dev-arm64-cross'
	[ "$failed" -ne 0 ] || exit 77
	exit 1
fi
ours arm64 clang --target=aarch64-linux-gnu -Wno-unknown-warning-option \
	-nostdlibinc -isystem "$ARM64_LIBC/include" -idirafter "$ARM64_KERNEL" -idirafter /usr/include
[ -n "$IGT_SOURCE" ] || link_arm64
[ "$failed" -eq 0 ]
