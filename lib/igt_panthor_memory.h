/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_PANTHOR_MEMORY_H
#define IGT_PANTHOR_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the kernel says of its memory, in bytes, how to have it warn again, and memory that
 * processes share.
 */

uint64_t igt_panthor_meminfo(const char *field);
int64_t igt_panthor_page_table_bytes(void);
void igt_panthor_clear_warn_once(void);
void *igt_panthor_map_shared(size_t size);

/**
 * igt_panthor_memory_watch:
 * @stop: set by the parent
 * @samples: how often the child has looked
 * @peak: the most that it saw
 * @before: what was in use before
 *
 * A child that looks all the time how much memory the kernel's slabs take, of that
 * which cannot be reclaimed; page tables are the largest part of it.
 */
struct igt_panthor_memory_watch {
	volatile bool stop;
	volatile unsigned int samples;
	volatile uint64_t peak;
	uint64_t before;
};

struct igt_panthor_memory_watch *igt_panthor_memory_watch_start(void);
int64_t igt_panthor_memory_watch_stop(struct igt_panthor_memory_watch *watch);

#endif /* IGT_PANTHOR_MEMORY_H */
