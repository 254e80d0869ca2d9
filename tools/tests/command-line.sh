#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors

# command-line.sh PANTHOR_VMAS SAMPLES
#
# What panthor_vmas takes and refuses, without a device: bad input is one line on standard error, exit
# status 2, and leaves no file.

set -eu

tool=$1 samples=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
	echo "$*" >&2
	exit 1
}

# refuses PATTERN ARG...
refuses() {
	pattern=$1 status=0
	shift
	text=$("$tool" "$@" 2>&1 >/dev/null </dev/null) || status=$?
	[ "$status" -eq 2 ] || fail "$*: exit status $status, expected 2"
	# shellcheck disable=SC2254 # it is a pattern; a second line would not match
	case $text in
	*"
"*) fail "$*: more than one line: $text" ;;
	"panthor_vmas: "$pattern) ;;
	*) fail "$*: says: $text" ;;
	esac
}

copies="--gpuvas $samples/gpuvas --gems $samples/gems"
# shellcheck disable=SC2086 # words
set -- $copies

"$tool" --help | grep -q '^  --log FILE'

refuses '*no such option*--help' --no-such-option
refuses '*no such option*' -x
refuses '*needs a value*' --gpuvas
refuses 'gpuvas: not an option*' gpuvas
refuses '--vm -1: not a number*' "$@" --vm -1
refuses '--vm 3: gpuvas has the VMs 0 to 2' "$@" --vm 3
refuses '--vm 99999999999999999999: not a number*' "$@" --vm 99999999999999999999
refuses '--pid 5: no VM is known*' "$@" --pid 5
refuses '--fault here: not an address*type 0x*' "$@" --fault here
refuses '--fault 0x10000000000000000: not an address*' "$@" --fault 0x10000000000000000
refuses '--access 0x1000: not an address*type 0x*+0x*' "$@" --access 0x1000
refuses '--access 0xffffffffffffffff+2: not an address*' "$@" --access 0xffffffffffffffff+2
refuses '--format gif: type table, json, svg or png' "$@" --format gif
refuses '--log, --gpuvas and --device*name one' "$@" --log "$samples/evict-remap.log"
refuses '--gems needs*' --gems "$samples/gems"
refuses '--subtest chooses in a log*' "$@" --subtest evict-remap
refuses '*both standard input*' --gpuvas - --gems -
refuses '/nowhere: No such file*' --gpuvas /nowhere
refuses '*gpuvas has no table*' --gpuvas /dev/null
refuses '*gems has no table*' --gpuvas "$samples/gpuvas" --gems "$samples/gpuvas"
refuses '*no address spaces of no-such-subtest*' --log "$samples/evict-remap.log" \
	--subtest no-such-subtest
refuses '*no address spaces of a failed subtest*' --log "$samples/gems"
refuses '*larger than 64 MiB*' --gpuvas /dev/zero
refuses '--device /dev/null: no GPU of panthor*' --device /dev/null
refuses '--device ../..: no GPU of panthor*' --device ../..
refuses '--output /nowhere/a.svg: No such file*' "$@" --output /nowhere/a.svg
refuses '/dev/full: No space left*' "$@" --output /dev/full
[ -c /dev/full ] || fail 'a device was removed'

# A file of which a part would not be read.
printf 'text\0text\n' >"$work/zero"
refuses '*has zero bytes*' --gpuvas "$work/zero"

# Each form, from copies and from a log, by standard input too.
"$tool" "$@" --pid 412 --fault 0x100200000 | grep -q '^> fault 0x100200000: in the sparse VMA'
"$tool" --log - <"$samples/evict-remap.log" | grep -q '^> accesses .*: 748 KiB of it worked'
"$tool" "$@" --output "$work/a.json"
grep -q '"kind": "sparse"' "$work/a.json"
"$tool" "$@" --output "$work/a.svg"
grep -q '</svg>' "$work/a.svg"
"$tool" "$@" --format png >"$work/a.png"
head -c 4 "$work/a.png" | grep -q PNG
