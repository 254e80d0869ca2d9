// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "igt_aux.h"
#include "igt_core.h"
#include "igt_panthor_memory.h"

/* The slab cache of page tables (panthor_mmu_pt_cache_init() in panthor_mmu.c). */
#define TABLE_CACHE "panthor-mmu-pt"

/* What a table takes: the size in slabinfo has what the kernel's own checks add, if they are on. */
#define TABLE_SIZE ((int64_t)4096)

/**
 * igt_panthor_meminfo:
 * @field: a name in /proc/meminfo
 *
 * Returns: its value in bytes.
 */
uint64_t igt_panthor_meminfo(const char *field)
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

/*
 * Has the kernel give back what it keeps of tables that are free, where it can be told to:
 * with KASAN, those stay in their slabs for long after they were freed.
 */
static void shrink_table_cache(void)
{
	int file = open("/sys/kernel/slab/" TABLE_CACHE "/shrink", O_WRONLY | O_CLOEXEC);

	if (file < 0)
		return;

	igt_assert_eq(write(file, "1", 1), 1);
	close(file);
}

/* False if the cache was merged with others of its object size, or cannot be seen. */
static bool read_table_cache(int64_t *bytes)
{
	FILE *file = fopen("/proc/slabinfo", "r");
	int64_t objects;
	bool found = false;
	char line[256];

	if (!file)
		return false;

	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, TABLE_CACHE " %*d %" SCNd64, &objects) == 1;
	fclose(file);
	if (found)
		*bytes = objects * TABLE_SIZE;

	return found;
}

/**
 * igt_panthor_page_table_bytes:
 *
 * The memory of panthor's page tables, or where slabinfo does not tell them apart,
 * of all that the kernel cannot reclaim from its slabs. Good for differences.
 *
 * Returns: bytes.
 */
int64_t igt_panthor_page_table_bytes(void)
{
	int64_t bytes;

	shrink_table_cache();
	if (read_table_cache(&bytes))
		return bytes;

	return igt_panthor_meminfo("SUnreclaim");
}

/**
 * igt_panthor_clear_warn_once:
 *
 * Has warnings that the kernel gives once be given again, where debugfs is mounted
 * in its usual place: a subtest must not pass because another one failed.
 */
void igt_panthor_clear_warn_once(void)
{
	int file = open("/sys/kernel/debug/clear_warn_once", O_WRONLY | O_CLOEXEC);

	if (file < 0)
		return;

	igt_assert_eq(write(file, "1", 1), 1);
	close(file);
}

/**
 * igt_panthor_map_shared:
 * @size: bytes
 *
 * Maps memory that a process shares with the children that it forks.
 *
 * Returns: the memory, which holds zeros; munmap() takes it.
 */
void *igt_panthor_map_shared(size_t size)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	igt_assert(map != MAP_FAILED);
	return map;
}

static void watch(struct igt_panthor_memory_watch *w)
{
	while (!w->stop && getppid() != 1) {
		w->peak = max(w->peak, igt_panthor_meminfo("SUnreclaim"));
		w->samples++;
	}
}

/**
 * igt_panthor_memory_watch_start:
 *
 * Starts to watch, in a child of its own.
 *
 * Returns: what igt_panthor_memory_watch_stop() takes.
 */
struct igt_panthor_memory_watch *igt_panthor_memory_watch_start(void)
{
	struct igt_panthor_memory_watch *w = igt_panthor_map_shared(sizeof(*w));

	igt_fork(child, 1)
		watch(w);
	igt_assert(igt_wait(w->samples > 0, 5000, 1));
	w->before = igt_panthor_meminfo("SUnreclaim");

	return w;
}

/**
 * igt_panthor_memory_watch_stop:
 * @w: from igt_panthor_memory_watch_start()
 *
 * Waits for all children of the caller.
 *
 * Returns: the most memory in use since the start above what was before, in bytes.
 */
int64_t igt_panthor_memory_watch_stop(struct igt_panthor_memory_watch *w)
{
	int64_t peak;

	w->stop = true;
	igt_waitchildren();
	peak = w->peak - w->before;
	munmap(w, sizeof(*w));

	return peak;
}
