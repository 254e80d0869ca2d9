# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh
#
# Builds the model, the firmware image and the tests with meson, in the cache, inside the
# session. A build folder is keyed by the inputs of meson's set-up. ninja notices other changes.

# Deadlines of the two commands, in seconds.
MESON_SECONDS=120
NINJA_SECONDS=600

# The inputs of the build folder's key. Kernels with equal headers share one.
build_inputs() {
	printf '%s\n' "$REPO" "$TOOLBOX_ID" "$CPU_PAGE"
	[ "$(arch_form)" = libigt ] || arch_form
	(cd "$KERNEL_DIR/headers/include" && find . -type f -exec sha256sum {} + | LC_ALL=C sort)
}

# build_set_up FOLDER ARG...: meson with the arguments that all build folders share.
build_set_up() {
	[ ! -f "$1/build.ninja" ] || return 0
	rm -rf "$1"
	build_folder=$1
	shift
	timeout -k 5 "$MESON_SECONDS" meson setup "$build_folder" "$REPO" -Dunit_tests=disabled \
		-Digt_tests=enabled -Db_colorout=never \
		-Dkernel_headers="$KERNEL_DIR/headers/include" -Dcpu_page_size="$CPU_PAGE" "$@" &&
		return
	# A folder without build.ninja is set up from nothing the next time.
	rm -f "$build_folder/build.ninja"
	return 1
}

build_all() {
	build_set_up "$@" && timeout -k 5 "$NINJA_SECONDS" ninja -C "$1"
}

# build_locked FOLDER ARG...: builds the project in FOLDER.
build_locked() {
	build_with build_all "$@"
}

# build_with FUNC FOLDER ARG...: FUNC FOLDER ARG... builds. A failure ends the session with status 4 and the
# last lines of the log.
build_with() {
	mkdir -p "${2%/*}" 2>/dev/null || cache_refused "${2%/*}"
	build_log=$WORK/build.log
	verbose "ninja -C $2"
	(
		flock -w 900 9 || exit 1
		"$@" >"$build_log" 2>&1
	) 9>>"${2%/*}/.${2##*/}.lock" || build_failed
	[ -z "$RESULTS_DIR" ] || cat "$build_log" >>"$RESULTS_DIR/build.log"
}

# Sets BUILD_DIR, and TESTS_DIR, which has the guest's tests.
build_ensure() {
	BUILD_DIR=$(cache_entry build "$(build_inputs | key_of)")
	build_locked "$BUILD_DIR" -Dboard=enabled -Digt="$(arch_form)"
	arch_tests_ensure
	[ -z "$CLIENT" ] || client_build_ensure
}

build_failed() {
	! cache_full "${BUILD_DIR%/*}" || cache_no_space
	! grep -q 'No space left on device' "$build_log" || cache_no_space
	# Other commands may have ended after the one that failed.
	sed -n '/^FAILED:/,$p' "$build_log" | head -n 20 >"$build_log.failed"
	[ -s "$build_log.failed" ] || tail -n 20 "$build_log" >"$build_log.failed"
	sed 's/^/  | /' "$build_log.failed" >&2
	[ -z "$RESULTS_DIR" ] || cat "$build_log" >>"$RESULTS_DIR/build.log"
	die 4 'the build of the model and the tests failed (see above)'
}
