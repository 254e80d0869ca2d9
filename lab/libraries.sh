# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh disable=SC2154
#
# The libraries of igt_runner and the tests on the board, inside the session.
#
# Each subtest is a process, and libigt, which igt_runner needs too, brings some forty libraries. In
# the initramfs, since from the root that the guest shares they cost a message to the host for each
# piece; and without those that no test of panthor calls. To load and relocate libcairo, with what
# it draws on, and libcrypto, which libkmod reads signatures with, is half of the time that it takes
# to start a process. libigt and libkmod are linked to have all that they call bound at once: what
# stands in for a library has the functions that it is asked for, each an invalid instruction.

LIBRARIES_LEFT_OUT='libcairo.so.2 libcrypto.so.3'

# libraries_loaded [FOLDER]: prints the paths of the libraries that igt_runner loads, a line each; from
# FOLDER what is there.
libraries_loaded() {
	LD_LIBRARY_PATH=${1:-} ldd "$(command -v igt_runner)" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p'
}

# stand_in_symbols LIBRARY: prints those functions of a library that igt_runner's other libraries
# call, as NAME or NAME@VERSION.
stand_in_symbols() {
	nm -D --defined-only --with-symbol-versions "$1" |
		awk '$2 ~ /[TWi]/ { sub(/@@/, "@"); print $3 }' | sort -u >"$WORK/defined"
	# shellcheck disable=SC2046 # paths without blanks
	nm -D --undefined-only --with-symbol-versions $(libraries_loaded) | awk '{ print $NF }' |
		sort -u | comm -12 - "$WORK/defined"
}

# Makes of stand_in_symbols' lines the assembler source $1.s, none if there is no line, and the
# version script $1.map.
stand_in_source() {
	rm -f "$1.s"
	awk -F@ -v source="$1.s" -v map="$1.map" '
		{ printf ".globl f%d\n.type f%d, @function\nf%d: ud2\n", NR, NR, NR >source }
		$2 { printf ".symver f%d, %s@@%s, remove\n", NR, $1, $2 >source; version[$2] }
		!$2 { printf ".globl %s\n.set %s, f%d\n", $1, $1, NR >source }
		END {
			for (name in version) print name " {};" >map
			if (!length(version)) print "{ global: *; };" >map
		}'
}

# stand_in LIBRARY FILE: makes what stands in for a library.
stand_in() {
	stand_in_symbols "$1" | stand_in_source "$WORK/stand-in" &&
		cc -nostdlib -shared -o "$2.new" "$WORK/stand-in.s" \
			-Wl,--version-script="$WORK/stand-in.map" -Wl,-soname,"${2##*/}" &&
		mv "$2.new" "$2"
}

# Makes in the build folder what stands in for the libraries that are left out, where igt_runner
# has them. Again if a library, or how it is done, is newer.
libraries_build() {
	mkdir -p "$BUILD_DIR/stand-ins"
	for name in $LIBRARIES_LEFT_OUT; do
		library=$(libraries_loaded | grep "/${name}\$") || continue
		file=$BUILD_DIR/stand-ins/$name
		[ "$file" -nt "$library" ] && [ "$file" -nt "$REPO/lab/libraries.sh" ] ||
			stand_in "$library" "$file" || return 1
	done
}

# Copies the libraries into the folder $1. Tests that are not ours may call what ours do not.
#
# For the stack trace of a subtest that fails, libdw would open some thirty more, to ask a server on
# the network, which the board does not have: a file that is no library ends that at once.
guest_libraries() {
	mkdir -p "$1"
	instead=
	[ -n "$TESTS" ] || instead=$BUILD_DIR/stand-ins
	# shellcheck disable=SC2046 # paths without blanks
	cp -L $(libraries_loaded "$instead") "$1/" ||
		die 2 'the libraries of igt_runner could not be copied'
	: >"$1/libdebuginfod.so.1"
}
