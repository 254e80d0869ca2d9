// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "igt_aux.h"
#include "igt_core.h"
#include "igt_kernel_memory.h"
#include "igt_knob.h"
#include "igt_teardown.h"

/**
 * SECTION:igt_kernel_memory
 * @short_description: Memory figures of the kernel
 * @title: Kernel memory
 * @include: igt_kernel_memory.h
 */

/* Deadline for the first sample of a watch; includes the start of the child process. */
#define FIRST_SAMPLE_DEADLINE_MS 5000

/**
 * igt_meminfo_bytes:
 * @field: a name in /proc/meminfo
 *
 * Returns: its value in bytes.
 */
uint64_t igt_meminfo_bytes(const char *field)
{
	const size_t length = strlen(field);
	FILE *file = fopen("/proc/meminfo", "r");
	uint64_t kib = 0;
	bool found = false;
	char line[128];

	igt_assert(file);
	while (!found && fgets(line, sizeof(line), file))
		found = !strncmp(line, field, length) &&
			sscanf(line + length, ": %" SCNu64 " kB", &kib) == 1;
	fclose(file);
	igt_assert_f(found, "/proc/meminfo has no %s\n", field);

	return kib * 1024;
}

/**
 * igt_vmstat:
 * @field: a name in /proc/vmstat
 *
 * Returns: its value, a number of events or of pages.
 */
uint64_t igt_vmstat(const char *field)
{
	const size_t length = strlen(field);
	FILE *file = fopen("/proc/vmstat", "r");
	uint64_t value = 0;
	bool found = false;
	char line[128];

	igt_assert(file);
	while (!found && fgets(line, sizeof(line), file))
		found = !strncmp(line, field, length) &&
			sscanf(line + length, " %" SCNu64, &value) == 1;
	fclose(file);
	igt_assert_f(found, "/proc/vmstat has no %s\n", field);

	return value;
}

/**
 * igt_slab_shrink:
 * @cache: name of a slab cache
 *
 * Frees the empty slabs of a cache; does nothing if sysfs has no shrink file for it. Under KASAN,
 * freed objects stay in their slabs for long.
 */
void igt_slab_shrink(const char *cache)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", cache);
	igt_knob_write(path, "1");
}

/**
 * igt_slab_objects:
 * @cache: name of a slab cache
 * @objects: set to the number of objects in use, including recently freed ones
 *
 * Returns: false if slabinfo does not show the cache: the reader is not root, or the kernel merged
 * the cache with others of its object size.
 */
bool igt_slab_objects(const char *cache, int64_t *objects)
{
	const size_t length = strlen(cache);
	bool found = false;
	char line[256];
	FILE *file;

	file = fopen("/proc/slabinfo", "r");
	if (!file)
		return false;

	while (!found && fgets(line, sizeof(line), file))
		found = !strncmp(line, cache, length) && line[length] == ' ' &&
			sscanf(line + length, "%" SCNd64, objects) == 1;
	fclose(file);

	return found;
}

/**
 * igt_clear_warn_once:
 *
 * Lets the kernel print its once-only warnings (WARN_ONCE()) again. Otherwise a defect that warned
 * in one subtest would be silent in the next. Does nothing without debugfs at /sys/kernel/debug.
 */
void igt_clear_warn_once(void)
{
	igt_knob_write("/sys/kernel/debug/clear_warn_once", "1");
}

/**
 * igt_map_shared:
 * @size: bytes
 *
 * Maps memory that the process shares with the children that it forks.
 *
 * Returns: the memory, filled with zeros, to be unmapped by igt_unmap_shared().
 */
void *igt_map_shared(size_t size)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	igt_assert(map != MAP_FAILED);
	return map;
}

/**
 * igt_unmap_shared:
 * @map: from igt_map_shared()
 * @size: bytes
 */
void igt_unmap_shared(void *map, size_t size)
{
	igt_assert_eq(munmap(map, size), 0);
}

static void watch(struct igt_memory_watch *w, int64_t (*sample)(void), pid_t parent)
{
	while (!w->stop && getppid() == parent) {
		w->peak = max(w->peak, sample());
		w->samples++;
	}
}

/**
 * igt_memory_watch_start:
 * @sample: returns bytes of memory in use
 *
 * Forks a child that calls @sample over and over until igt_memory_watch_stop().
 *
 * Returns: the watch.
 */
struct igt_memory_watch *igt_memory_watch_start(int64_t (*sample)(void))
{
	struct igt_memory_watch *w = igt_map_shared(sizeof(*w));
	const pid_t parent = getpid();

	w->before = sample();
	igt_fork(child, 1)
		watch(w, sample, parent);
	igt_assert_f(igt_wait(w->samples > 0, FIRST_SAMPLE_DEADLINE_MS, 1),
		     "no sample of /proc/meminfo within %d ms\n", FIRST_SAMPLE_DEADLINE_MS);

	return w;
}

/**
 * igt_memory_watch_stop:
 * @w: from igt_memory_watch_start()
 *
 * Waits for all children of the caller.
 *
 * Returns: the largest increase since the start, in bytes.
 */
int64_t igt_memory_watch_stop(struct igt_memory_watch *w)
{
	int64_t peak;

	w->stop = true;
	igt_waitchildren();
	peak = w->peak - w->before;
	igt_unmap_shared(w, sizeof(*w));

	return peak;
}

struct igt_memory_filler {
	volatile bool stop;
};

static void stop_filling(void *data)
{
	struct igt_memory_filler *filler = data;

	filler->stop = true;
}

/* Zeros take no memory in a compressed swap. */
static void fill(const struct igt_memory_filler *filler, uint64_t size, pid_t parent)
{
	const uint64_t page = sysconf(_SC_PAGESIZE);
	volatile char *map =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	igt_assert(map != MAP_FAILED);
	while (!filler->stop && getppid() == parent)
		for (uint64_t offset = 0; offset < size && !filler->stop; offset += page)
			map[offset] = 0;
}

/**
 * igt_memory_filler_start:
 * @size: bytes
 *
 * Forks a child that writes to all pages of @size bytes, over and over, until
 * igt_memory_filler_stop() or igt_teardown().
 *
 * Returns: the filler.
 */
struct igt_memory_filler *igt_memory_filler_start(uint64_t size)
{
	struct igt_memory_filler *filler = igt_map_shared(sizeof(*filler));
	const pid_t parent = getpid();

	igt_teardown_add(stop_filling, filler);
	igt_fork(child, 1)
		fill(filler, size, parent);

	return filler;
}

/**
 * igt_memory_filler_stop:
 * @filler: from igt_memory_filler_start()
 *
 * Waits for all children of the caller. Fails if the OOM killer killed one.
 */
void igt_memory_filler_stop(struct igt_memory_filler *filler)
{
	filler->stop = true;
	igt_waitchildren();
	igt_teardown_drop(stop_filling, filler);
	igt_unmap_shared(filler, sizeof(*filler));
}
