#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# docs/vmali-run.1 is the manual page of the present --help. Runs in the toolbox, for its help2man.
# shellcheck disable=SC2317,SC2329 # check() calls the functions

set -eu

REPO=$(readlink -f -- "$(dirname -- "$(readlink -f -- "$0")")/../..")
# shellcheck source=lab/tests/inside.sh
. "$REPO/lab/tests/inside.sh"
[ "${1:-}" = inside ] || become_inside test-man.sh
# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"

present() {
	"$REPO/lab/man" "$SCRATCH/page"
	diff -u "$REPO/docs/vmali-run.1" "$SCRATCH/page" || {
		echo 'docs/vmali-run.1 is not that of ./run --help: write it by lab/man docs/vmali-run.1'
		return 1
	}
}

# Each option has a paragraph of its own.
complete_page() {
	sed -e 's/\\f.//g' -e 's/\\-/-/g' "$REPO/docs/vmali-run.1" >"$SCRATCH/plain"
	for page_option in $("$REPO/run" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | sort -u); do
		grep -q -e "^$page_option\([[ ]\|\$\)" "$SCRATCH/plain" || {
			echo "no paragraph of $page_option"
			return 1
		}
	done
}

check 'the manual page is up to date' present
check '... and has every option' complete_page
check 'lab/man without a file' fails_with 2 'man: Usage: lab/man FILE' "$REPO/lab/man"

checks_done
