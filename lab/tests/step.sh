#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# step.sh PATCH: compiles the driver with the series up to that patch, with the KUnit tests it has then,
# inside the toolbox. Fails, and shows it, if compiler, kernel-doc or sparse have a warning.

set -eu

for part in common options toolbox kernel; do
	# shellcheck source=/dev/null
	. "$REPO/lab/$part.sh"
done
options_defaults
# shellcheck disable=SC2034 # for lab/kernel.sh
UNTIL=$1
kernel_ensure
WORK=$(mktemp -d /tmp/step.XXXXXX)
trap 'rm -rf "$WORK"' EXIT

mkdir -p "$WORK/src/$PANTHOR"
rsync -a --exclude='*.o' --exclude='*.ko' --exclude='.*.cmd' "$KERNEL_SOURCE/$PANTHOR/" \
	"$WORK/src/$PANTHOR"
kernel_patches_apply "$WORK" "$WORK/src" driver
printf 'obj-m += %s/\n' "$PANTHOR" >"$WORK/src/Kbuild"
# shellcheck disable=SC2034 # for lab/kernel.sh
KUNIT=1
module_add_selftest "$WORK/src"
# shellcheck disable=SC2046 # options without blanks
kernel_make -s O="$KERNEL_DIR/build" M="$WORK/src" W=1 C=1 $(module_options) modules \
	>"$WORK/make" 2>&1 || {
	cat "$WORK/make"
	exit 1
}
! grep -i -A 3 -e warning -e error "$WORK/make"
