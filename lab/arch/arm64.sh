# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh disable=SC2034,SC2154
#
# The board for --arch arm64: the kernel is Debian's package (lab/packaged.sh), with pages of 4 or
# 16 KiB as PAGES says. The tests are built across, and linked with lib/igt/standalone. The guest's root
# is its initramfs. See lab/arch/x86-64.sh for what each variable and function is.

. "$REPO/lab/packaged.sh"
. "$REPO/lab/client.sh"

ARCH_QEMU=qemu-system-aarch64
# Version 2 of the interrupt controller takes message-signalled interrupts without an ITS.
ARCH_MACHINE=virt,gic-version=2
# The fastest emulated processor that has pages of 16 KiB: pointer authentication costs a third.
ARCH_CPU=max,pauth=off
ARCH_CONSOLE=ttyAMA0
ARCH_IMAGE=vmlinuz
ARCH_ROOT=initramfs

# Of Debian: the architecture, and the flavour of the kernel.
ARCH_DEBIAN=arm64
ARCH_FLAVOUR=arm64
[ "${PAGES:-4k}" = 4k ] || ARCH_FLAVOUR=arm64-$PAGES
# The prefix of the cross tools, and for make.
ARCH_CROSS=aarch64-linux-gnu-
ARCH_KBUILD=arm64
# The packages with those tools, and QEMU; the package with the guest's busybox.
ARCH_TOOLS='gcc-aarch64-linux-gnu qemu-system-arm'
ARCH_BUSYBOX=busybox-static:arm64
ARCH_PROGRAMS="dpkg-deb ${ARCH_CROSS}gcc ${ARCH_CROSS}strip $ARCH_QEMU"
ARCH_LIBC=/usr/aarch64-linux-gnu

arch_refuses() {
	cat <<'REFUSED'
--kernel|its kernel is the packaged one
--kunit|the packaged kernel has no KUnit
--sanitize|the packaged kernel has no sanitizers
--coverage|the packaged kernel has no gcov
--multiple-mode|it takes igt_runner, which is not packaged for arm64
--test|the tests of the IGT package are not packaged for arm64
--igt libigt|libigt is not packaged for arm64
--bench|the figures to compare with are those of x86-64
--mutants|a run takes too long for it
REFUSED
	[ "${PAGES:-4k}" = 4k ] || echo "--cpu-page 4K|its pages are larger"
}

arch_expectations() {
	[ -z "$CLIENT" ] || printf '%s\n' "-panvk-$MESA_VERSION" -panvk
	[ "${PAGES:-4k}" = 4k ] || echo "-arm64-$PAGES"
	echo -arm64
}

arch_shown() {
	echo "arm64, pages of ${PAGES%k} KiB, ${MESA_VERSION:+Mesa $MESA_VERSION, }"
}

# The packaged kernel takes three times as long to boot.
arch_deadlines() {
	deadline_kernel=$((deadline_kernel * 3)) deadline_board=$((deadline_board * 3))
	deadline_suite=$((deadline_suite * 2))
}

arch_igt() {
	echo standalone
}

arch_cached() {
	packaged_cached && { [ -z "$CLIENT" ] || client_cached; }
}

arch_tools_ensure() {
	tools_ensure
	[ -z "$CLIENT" ] || client_ensure
}

arch_kernel_ensure() {
	packaged_ensure
}

arch_module_make() {
	packaged_module_make "$@"
}

arch_module_finish() {
	packaged_module_finish "$1"
}

arch_form() {
	echo libigt
}

arch_tests_ensure() {
	cross_ensure
}

arch_busybox() {
	printf '%s\n' "$TOOLS_DIR/busybox"
}

arch_accel() {
	ACCEL=tcg
}
