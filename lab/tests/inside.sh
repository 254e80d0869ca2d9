# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh
#
# For tests of lab/ that need the toolbox of whoever runs them.

# become_inside TEST: becomes the script TEST of lab/tests, in the toolbox, with the argument `inside`.
# Before lab/tests/lib.sh, which makes a folder.
become_inside() {
	for part in common toolbox kernel; do
		# shellcheck source=/dev/null
		. "$REPO/lab/$part.sh"
	done
	toolbox_ensure
	toolbox_exec sh "$REPO/lab/tests/$1" inside
}

# The others come after lab/tests/lib.sh and lab/toolbox.sh.

need_toolbox() {
	namespace true 2>/dev/null || skip 'no namespaces here'
	[ -d "$CACHE_OF_USER/vmali/toolbox/$(toolbox_key)" ] || skip 'no toolbox in the cache'
}

# inside CMD…: in that toolbox.
inside() {
	(
		# shellcheck disable=SC2034 # for cache_path()
		XDG_CACHE_HOME=$CACHE_OF_USER
		toolbox_exec "$@"
	)
}
