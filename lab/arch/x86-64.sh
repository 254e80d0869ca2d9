# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=sh disable=SC2034
#
# The board for --arch x86-64: the kernel is built here (lab/kernel.sh), and the guest's root is the
# toolbox, with its igt_runner. Each file of lab/arch has these variables and functions.

# QEMU, its machine, the processor that it emulates, the serial console.
ARCH_QEMU=qemu-system-x86_64
# RDRAND seeds the guest's random numbers at boot: mkswap would wait a second for them. Emulation is a
# tenth faster without the vector instructions that glibc uses on a newer processor.
ARCH_MACHINE=q35
ARCH_CPU=Nehalem,+rdrand
ARCH_CONSOLE=ttyS0
# The kernel's image in KERNEL_DIR.
ARCH_IMAGE=bzImage
# The guest's root, see lab/guest/init: toolbox | initramfs.
ARCH_ROOT=toolbox

# The programs that it takes from the host with --host-tools, beside those of lab/toolbox.sh.
ARCH_PROGRAMS=''

# Prints the options of ./run that this board cannot serve, as OPTION|REASON lines.
arch_refuses() {
	:
}

# Prints what names of expectation files may end with, the most special first.
arch_expectations() {
	:
}

# Prints for people what the board is, if that is not the common case.
arch_shown() {
	:
}

# Changes the deadlines of lab/boot.sh.
arch_deadlines() {
	:
}

# Prints the value of --igt that is not given.
arch_igt() {
	echo libigt
}

# True if a session will download nothing for this board.
arch_cached() {
	:
}

# Makes the tools that the toolbox lacks.
arch_tools_ensure() {
	:
}

# Sets KERNEL_DIR and KERNEL_KEY, as kernel_ensure() does.
arch_kernel_ensure() {
	kernel_ensure
}

# arch_module_make ARG...: make, against the objects of the kernel.
arch_module_make() {
	kernel_make O="$KERNEL_DIR/build" "$@"
}

# Changes the modules in the cache entry $1, once they are built.
arch_module_finish() {
	:
}

# Prints what the tests in BUILD_DIR are linked with. They run here to list their subtests.
arch_form() {
	echo "$IGT"
}

# Sets TESTS_DIR, a build folder with the tests for the guest, once BUILD_DIR is built.
arch_tests_ensure() {
	TESTS_DIR=$BUILD_DIR
}

# Prints the path of the guest's busybox.
arch_busybox() {
	command -v busybox
}

# Sets ACCEL: kvm | tcg.
arch_accel() {
	accel_probe
}
