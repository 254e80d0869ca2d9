/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* What the kernel says of its memory, before, during and after a call. */

/**
 * bench_memory:
 * @kernel: memory that the kernel took for itself and cannot reclaim, in bytes:
 *	unreclaimable slabs and vmalloc areas
 * @available: what it could still give, in bytes
 * @tables: objects in panthor's cache of page tables, 4 KiB each, or -1 where
 *	slabinfo does not show that cache
 */
struct bench_memory {
	int64_t kernel;
	int64_t available;
	int64_t tables;
};

/**
 * bench_sampler:
 * @thread: looks as often as it can
 * @started: has looked once
 * @stop: set by bench_sampler_stop()
 * @samples: how often it looked
 * @peak: the most of @kernel and @tables, the least of @available
 */
struct bench_sampler {
	pthread_t thread;
	volatile bool started;
	volatile bool stop;
	unsigned int samples;
	struct bench_memory peak;
};

bool bench_memory_parse_meminfo(const char *text, struct bench_memory *memory);
bool bench_memory_parse_slabinfo(const char *text, struct bench_memory *memory);

void bench_memory_settle(void);
void bench_memory_read(struct bench_memory *memory);

int bench_sampler_start(struct bench_sampler *sampler);
void bench_sampler_stop(struct bench_sampler *sampler);

#endif /* BENCH_MEMORY_H */
