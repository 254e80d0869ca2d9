#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# The list of defects that `./check random` looks for.
# shellcheck disable=SC2317,SC2329 # check() calls the functions

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"

# Each line names a planted defect and a subtest that there is.
defects_exist() {
	sed -e 's/#.*//' -e '/^$/d' "$REPO/lab/tests/random-defects" >"$SCRATCH/defects"
	[ "$(wc -l <"$SCRATCH/defects")" -ge 10 ]
	while read -r name subtest; do
		grep -q -x -F -e "$name.patch" "$REPO/kernel/regressions/series"
		grep -q -F -e "\"$subtest\"" "$REPO/tests/panthor/panthor_vm_sparse_random.c"
	done <"$SCRATCH/defects"
}

check 'ten planted defects' defects_exist
checks_done
