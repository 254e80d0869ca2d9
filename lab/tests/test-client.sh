#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# clients/panvk_sparse and lab/client.sh, without Vulkan: the model of the client, the selection of its
# scenes, and the libraries that the guest's root gets. Runs itself in the toolbox, which has the compiler.
# clients/panvk_sparse/README.md says how to run the client.
# shellcheck disable=SC2317,SC2329 # check() calls the functions
# shellcheck disable=SC2034,SC2154 # the libraries under test read and set these variables

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
# shellcheck source=lab/tests/inside.sh
. "$REPO/lab/tests/inside.sh"
[ "${1:-}" = inside ] || become_inside test-client.sh

# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
for part in common options toolbox kernel client; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done

model() {
	(
		cd "$REPO/clients/panvk_sparse" &&
			cc -std=gnu11 -Wall -Wextra -Werror -fsanitize=address,undefined model.c test_model.c \
				-o "$SCRATCH/test_model"
	) && "$SCRATCH/test_model"
}

# list GLOB...: what the client has, and what the patterns name.
list() {
	printf '#!/bin/sh\necho tail\necho walk-1\n' >"$SCRATCH/panvk_sparse_here"
	chmod +x "$SCRATCH/panvk_sparse_here"
	CLIENT_DIR=$SCRATCH
	options_parse --arch arm64 --client panvk "$@"
	client_list | tr '\n' ' '
}

selection() {
	same 'tail walk-1 ' "$(list)"
	same 'tail walk-1 ' "$(list 'walk-*' tail 1)"
	same 'tail walk-1 walk-17 walk-99 ' "$(list 17 panvk_sparse@walk-99)"
}

# In place of the package: one library that needs another.
libraries() {
	mkdir -p "$SCRATCH/deb/usr/lib/aarch64-linux-gnu"
	(
		cd "$SCRATCH/deb/usr/lib/aarch64-linux-gnu"
		cc -shared -o libb.so.1 -Wl,-soname,libb.so.1 -x c - </dev/null
		ln -s libb.so.1 libb.so
		cc -shared -o liba.so.1 -x c /dev/null -L. -Wl,--no-as-needed -lb
		cc -shared -o libunused.so -x c /dev/null
	)
	mesa_libraries "$SCRATCH" liba.so.1 2>/dev/null && return 1
	# libc is missing in it, until it is there.
	cp "$SCRATCH/deb/usr/lib/aarch64-linux-gnu/libunused.so" \
		"$SCRATCH/deb/usr/lib/aarch64-linux-gnu/libc.so.6"
	rm -rf "$SCRATCH/root"
	mesa_libraries "$SCRATCH" liba.so.1
	same 'liba.so.1 libb.so.1 libc.so.6 ' \
		"$(cd "$SCRATCH/root/usr/lib/aarch64-linux-gnu" && printf '%s ' *)"
}

check 'the model' model
check 'scenes, and walks by their seeds' selection
check 'libraries with what they need' libraries

checks_done
