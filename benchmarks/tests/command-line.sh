#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

# command-line.sh BENCHMARK
#
# What the benchmark's command line takes and refuses, without a device: bad input is one line on
# standard error and its own exit status.

set -eu

benchmark=$1

# refuses STATUS PATTERN ARG...
refuses() {
	want=$1 pattern=$2 status=0
	shift 2
	text=$("$benchmark" "$@" 2>&1 >/dev/null </dev/null) || status=$?
	[ "$status" -eq "$want" ] || {
		echo "$*: exit status $status, expected $want" >&2
		exit 1
	}
	# shellcheck disable=SC2254 # it is a pattern; a second line would not match
	case $text in
	*"
"*)
		printf '%s: more than one line:\n%s\n' "$*" "$text" >&2
		exit 1
		;;
	"panthor_sparse_bind: "$pattern) ;;
	*)
		printf '%s: says: %s\n' "$*" "$text" >&2
		exit 1
		;;
	esac
}

"$benchmark" --help | grep -q '^  --json FILE'

refuses 2 'bad option*' --no-such-option
refuses 2 'bad option*' --json
refuses 2 'bad option*' -x
refuses 2 '64G: no arguments*' 64G
refuses 2 '--operation fly: no such operation*' --operation fly
refuses 2 '--operation : no such operation*' --operation ''
refuses 2 '--max-size 1M: not a size*' --max-size 1M
refuses 2 '--max-size -2M: not a size*' --max-size -2M
refuses 2 '--max-size 64Gx: not a size*' --max-size 64Gx
refuses 2 '--max-size 99999999T: not a size*' --max-size 99999999T
refuses 2 '--max-vmas 0: not a number*' --max-vmas 0
refuses 2 '--max-vmas 65537: not a number*' --max-vmas 65537
refuses 2 '--max-vmas 1e3: not a number*' --max-vmas 1e3
refuses 2 '--repeat 101: not a number*' --repeat 101
refuses 2 '--repeat 99999999999999999999: not a number*' --repeat 99999999999999999999
refuses 2 '--repeat : not a number*' --repeat ''
refuses 2 '--budget -1: not a number*' --budget -1
refuses 3 '--device /nowhere: No such file*' --device /nowhere
refuses 3 '--device /dev/null: not a device of panthor' --device /dev/null
