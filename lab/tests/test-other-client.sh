#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# The suite on the real board while another client has the device open. Jobs of another client may
# take an address space, and the TLB is flushed for it: subtests of the TLB must skip, and say why.
# Other subtests must pass. Uses the caller's cache.
# shellcheck disable=SC2317,SC2329 # check() calls the functions

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
export XDG_CACHE_HOME="$CACHE_OF_USER"

tlb_skips() {
	tlb_status=0
	VMALI_APPEND=vmali.test=board:client "$REPO/run" --results "$SCRATCH/results" 'tlb-*' \
		map-bind-unbind cycle-two-vms leak-two-files >"$SCRATCH/stdout" 2>&1 || tlb_status=$?
	cat "$SCRATCH/stdout"
	same 'status 0' "status $tlb_status"
	grep -q '^3 passed, 0 failed, 6 skipped$' "$SCRATCH/stdout"
	grep -q 'uses the GPU, too' "$SCRATCH/results/results.json"
}

check 'subtests of the TLB skip beside another client' tlb_skips

checks_done
