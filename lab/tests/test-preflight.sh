#!/bin/sh
# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
#
# tests/panthor/panthor_preflight on a made-up /proc, /sys and /dev: each lack is found, and nothing else.
# A library that is loaded in front of libc answers for the device. Runs itself in the toolbox.

# shellcheck disable=SC2317,SC2329 # check() calls the functions

set -eu

REPO=$(readlink -f -- "$(dirname -- "$0")/../..")

if [ "${1:-}" != inside ]; then
	for part in common toolbox kernel; do
		# shellcheck source=/dev/null
		. "$REPO/lab/$part.sh"
	done
	# shellcheck disable=SC2034 # for lab/kernel.sh
	KERNEL_ARG=''
	if ! cache_has toolbox "$(toolbox_key)" || ! kernel_source_cached; then
		echo '0 passed, 0 failed, 1 skipped: no toolbox or no kernel source in the cache'
		exit 77
	fi
	toolbox_exec sh "$REPO/lab/tests/test-preflight.sh" inside "$(source_package_key)"
fi

# shellcheck source=lab/tests/lib.sh
. "$REPO/lab/tests/lib.sh"
# The uAPI header of the kernel's source, beside libdrm's, whose drm.h it includes.
mkdir "$SCRATCH/uapi"
cp "$CACHE_DIR/source/$2/linux/include/uapi/drm/panthor_drm.h" "$SCRATCH/uapi/"
gcc -std=gnu11 -Wall -Wextra -Werror -D_GNU_SOURCE -I"$SCRATCH/uapi" -isystem /usr/include/libdrm \
	"$REPO/tests/panthor/panthor_preflight.c" -o "$SCRATCH/preflight"

cat >"$SCRATCH/device.c" <<'C'
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "panthor_drm.h"

uid_t geteuid(void)
{
	return getenv("FAKE_ROOT") ? 0 : 1000;
}

int ioctl(int fd, unsigned long request, ...)
{
	struct drm_panthor_dev_query *query;
	struct drm_version *version;
	va_list args;
	void *arg;

	(void)fd;
	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	version = arg;
	query = arg;
	if (request == DRM_IOCTL_VERSION) {
		strcpy(version->name, getenv("FAKE_DRIVER"));
		version->version_major = 1;
		version->version_minor = atoi(getenv("FAKE_MINOR"));
		return 0;
	}
	if (request != DRM_IOCTL_PANTHOR_DEV_QUERY || getenv("FAKE_DEAD")) {
		errno = EIO;
		return -1;
	}
	((struct drm_panthor_gpu_info *)(uintptr_t)query->pointer)->gpu_id =
		strtoul(getenv("FAKE_GPU_ID"), NULL, 0);
	return 0;
}
C
gcc -shared -fPIC -I"$SCRATCH/uapi" -isystem /usr/include/libdrm "$SCRATCH/device.c" -o "$SCRATCH/device.so"

TREE=$SCRATCH/tree

meminfo() {
	printf 'MemTotal: %d kB\nMemAvailable: %d kB\nSwapTotal: %d kB\nSwapFree: %d kB\n' \
		$(($1 * 1024)) $(($2 * 1024)) $(($3 * 1024)) $(($4 * 1024)) >"$TREE/proc/meminfo"
}

# A machine that has all.
fresh() {
	rm -rf "$TREE"
	mkdir -p "$TREE/dev/dri" "$TREE/proc/self" "$TREE/proc/4242/fd" "$TREE/proc/acpi" \
		"$TREE/sys/class/zram-control" "$TREE/sys/kernel/mm/transparent_hugepage" \
		"$TREE/sys/module/panthor/parameters" "$TREE/sys/fs/cgroup" \
		"$TREE/sys/kernel/debug/failslab" "$TREE/sys/kernel/debug/fail_function" \
		"$TREE/sys/kernel/slab/panthor-mmu-pt" "$TREE/lib/modules/$(uname -r)"
	: >"$TREE/dev/dri/renderD129"
	printf 'nodev\tsysfs\nnodev\tdebugfs\n\text4\n' >"$TREE/proc/filesystems"
	echo 'root=/dev/x quiet' >"$TREE/proc/cmdline"
	echo 0 >"$TREE/proc/self/fail-nth"
	echo other >"$TREE/proc/4242/comm"
	ln -s /dev/null "$TREE/proc/4242/fd/0"
	echo Y >"$TREE/sys/module/panthor/parameters/transparent_hugepage"
	echo 'cpu io memory pids' >"$TREE/sys/fs/cgroup/cgroup.controllers"
	meminfo 16000 9000 4000 3000
	export FAKE_ROOT=1 FAKE_DRIVER=panthor FAKE_MINOR=9 FAKE_GPU_ID=0xa8670005
	unset FAKE_DEAD
}

preflight() {
	preflight_status=0
	LD_PRELOAD=$SCRATCH/device.so "$SCRATCH/preflight" --root "$TREE" >"$SCRATCH/said" ||
		preflight_status=$?
}

# lacks WHAT PATTERN: that line alone says lacks.
lacks() {
	preflight
	same 0 "$preflight_status"
	same "$1" "$(sed -n 's/^lacks  //p' "$SCRATCH/said" | cut -c 1-16 | sed 's/ *$//')"
	# shellcheck disable=SC2254 # it is a pattern
	case $(grep '^lacks' "$SCRATCH/said" | cut -c 25-) in
	$2) ;;
	*) cat "$SCRATCH/said" && return 1 ;;
	esac
}

whole() {
	fresh
	preflight
	same 0 "$preflight_status"
	same 12 "$(grep -c '^ok ' "$SCRATCH/said")"
	same 13 "$(wc -l <"$SCRATCH/said")"
	same 'All subtests can run.' "$(tail -n 1 "$SCRATCH/said")"
	grep -q '^ok     GPU              Mali-G610 (GPU_ID 0xa8670005), /dev/dri/renderD129$' "$SCRATCH/said"
	grep -q '^ok     uAPI             panthor 1.9$' "$SCRATCH/said"
}

# stops PATTERN: no subtest can run, and the line that says so.
stops() {
	preflight
	same 1 "$preflight_status"
	same 'No subtest can run.' "$(tail -n 1 "$SCRATCH/said")"
	# shellcheck disable=SC2254 # it is a pattern
	case $(grep '^lacks' "$SCRATCH/said") in
	$1) ;;
	*) cat "$SCRATCH/said" && return 1 ;;
	esac
}

no_device() {
	fresh
	rm "$TREE/dev/dri/renderD129"
	stops 'lacks  GPU *no device of panthor*'
	fresh
	FAKE_DRIVER=panfrost
	stops 'lacks  GPU *no device of panthor*'
	fresh
	export FAKE_DEAD=1
	stops 'lacks  GPU */dev/dri/renderD129 does not answer*'
}

old_uapi() {
	fresh
	FAKE_MINOR=8
	stops 'lacks  uAPI *panthor 1.8 has no sparse mappings*'
	FAKE_MINOR=10
	preflight
	same 0 "$preflight_status"
}

new_model() {
	fresh
	FAKE_GPU_ID=0xf0050000
	preflight
	same 0 "$preflight_status"
	grep -q 'a Mali of a model that this program does not know (GPU_ID 0xf0050000)' "$SCRATCH/said"
}

no_root() {
	fresh
	unset FAKE_ROOT
	lacks root 'no: *'
	same 'debugfs,fault injection,other clients' "$(sed -n 's/^?      //p' "$SCRATCH/said" |
		cut -c 1-16 | sed 's/ *$//' | paste -s -d , -)"
}

no_debugfs() {
	fresh
	printf 'nodev\tmydebugfs\nnodev\tdebugfs2\n' >"$TREE/proc/filesystems"
	lacks debugfs '*CONFIG_DEBUG_FS*evict-\**'
}

no_swap() {
	fresh
	meminfo 16000 9000 0 0
	lacks 'swap
memory' 'none: evict-\**pressure-\**'
	meminfo 16000 9000 4000 0
	lacks 'swap
memory' 'none is free: *'
}

no_memory() {
	fresh
	meminfo 2000 900 4000 4000
	lacks memory '900 of 2000 MiB available*more than 1000 of both*'
	meminfo 16000 2000 4000 4000
	lacks memory '*more than 2048 of both*'
}

no_zram() {
	fresh
	rmdir "$TREE/sys/class/zram-control"
	echo 'kernel/fs/a.ko: kernel/drivers/block/zram/zram.ko' >"$TREE/lib/modules/$(uname -r)/modules.dep"
	lacks zram '*noswap-\**'
	echo 'kernel/drivers/block/zram/zram.ko.xz: kernel/mm/zsmalloc.ko.xz' \
		>>"$TREE/lib/modules/$(uname -r)/modules.dep"
	preflight
	grep -q '^ok     zram *as a module' "$SCRATCH/said"
}

no_huge_pages() {
	fresh
	echo N >"$TREE/sys/module/panthor/parameters/transparent_hugepage"
	lacks 'huge pages' 'panthor.transparent_hugepage is off: huge-\**'
	rmdir "$TREE/sys/kernel/mm/transparent_hugepage"
	lacks 'huge pages' '*CONFIG_TRANSPARENT_HUGEPAGE*'
}

no_cgroups() {
	fresh
	echo 'cpu memory_other' >"$TREE/sys/fs/cgroup/cgroup.controllers"
	lacks 'memory cgroups' '*reserve-\**'
}

no_faults() {
	fresh
	rmdir "$TREE/sys/kernel/debug/fail_function"
	lacks 'fault injection' 'no CONFIG_FAIL_FUNCTION: reset-\**'
	fresh
	rmdir "$TREE/sys/kernel/debug/failslab"
	lacks 'fault injection' 'no CONFIG_FAILSLAB: fail-\**'
	rm -r "$TREE/proc/self/fail-nth" "$TREE/sys/kernel/debug/fail_function"
	lacks 'fault injection' '*CONFIG_FAULT_INJECTION_DEBUG_FS*'
}

merged() {
	fresh
	rmdir "$TREE/sys/kernel/slab/panthor-mmu-pt"
	ln -s :A-0004096 "$TREE/sys/kernel/slab/panthor-mmu-pt"
	lacks 'slab merging' '*slab_nomerge*reserve-\**'
	rm "$TREE/sys/kernel/slab/panthor-mmu-pt"
	lacks 'slab merging' '*slab_nomerge*'
	echo 'quiet slab_nomerge' >"$TREE/proc/cmdline"
	preflight
	grep -q '^ok     slab merging' "$SCRATCH/said"
}

other_client() {
	fresh
	ln -s /dev/dri/renderD128 "$TREE/proc/4242/fd/3"
	preflight
	grep -q '^ok     other clients' "$SCRATCH/said"
	ln -s /dev/dri/renderD129 "$TREE/proc/4242/fd/4"
	lacks 'other clients' '1, process 4242 (other) first: tlb-\**'
}

# Every group and subtest that a line names is one.
names() {
	grep -o '"[^"]*"' "$REPO/tests/panthor/panthor_preflight.c" | grep -o '[a-z][a-z-]*-\*' | sort -u |
		while IFS= read -r group; do
			grep -q "@${group%\*}" "$REPO/tests/panthor/panthor_vm_sparse.full.testlist" || {
				echo "$group: no such subtests"
				exit 1
			}
		done
	for subtest in punch-idle-vm race-count recycle-binding refs-failed; do
		grep -q "@$subtest\$" "$REPO/tests/panthor/panthor_vm_sparse.full.testlist"
	done
}

bad_lines() {
	for arg in --all x; do
		fails_with 2 "panthor_preflight: $arg: type *" "$SCRATCH/preflight" "$arg"
	done
	fails_with 2 'panthor_preflight: --root: type *' "$SCRATCH/preflight" --root
	"$SCRATCH/preflight" --help | grep -q '^Usage: panthor_preflight'
}

check 'a machine that has all' whole
check 'no device, another driver, one that does not answer' no_device
check 'a uAPI without sparse mappings' old_uapi
check 'a GPU of an unknown model' new_model
check 'no root: what only root can see is not known' no_root
check 'no debugfs' no_debugfs
check 'no swap' no_swap
check 'too little memory' no_memory
check 'no zram, and zram as a module' no_zram
check 'no huge pages' no_huge_pages
check 'no memory cgroups' no_cgroups
check 'no fault injection' no_faults
check 'merged slab caches' merged
check 'another client' other_client
check 'the groups and subtests that it names exist' names
check 'a wrong command line' bad_lines
checks_done
