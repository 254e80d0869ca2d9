/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_KERNEL_MEMORY_H
#define IGT_KERNEL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Memory figures of the kernel in bytes, and memory that processes share. */

uint64_t igt_meminfo_bytes(const char *field);
uint64_t igt_vmstat(const char *field);
void igt_slab_shrink(const char *cache);
bool igt_slab_objects(const char *cache, int64_t *objects);
void igt_clear_warn_once(void);

void *igt_map_shared(size_t size);
void igt_unmap_shared(void *map, size_t size);

/**
 * igt_memory_watch:
 * @stop: set by the parent
 * @samples: number of samples so far
 * @peak: largest sample in bytes
 * @before: bytes in use at the start
 *
 * A child process that samples the kernel's use of memory during a request.
 */
struct igt_memory_watch {
	volatile bool stop;
	volatile unsigned int samples;
	volatile int64_t peak;
	int64_t before;
};

struct igt_memory_watch *igt_memory_watch_start(int64_t (*sample)(void));
int64_t igt_memory_watch_stop(struct igt_memory_watch *watch);

struct igt_memory_filler;

struct igt_memory_filler *igt_memory_filler_start(uint64_t size);
void igt_memory_filler_stop(struct igt_memory_filler *filler);

#endif /* IGT_KERNEL_MEMORY_H */
