/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bench_memory.h"

/* What was measured, as a table for people and as JSON for programs. */

#define BENCH_REPEAT_MAX 100
#define BENCH_POINTS_MAX 64

enum bench_status {
	BENCH_MEASURED,
	/* The kernel refused the call. */
	BENCH_REFUSED,
	/* It would take more time or memory than there is, by what came before it. */
	BENCH_NOT_TRIED,
	/* This machine lacks what it needs. */
	BENCH_SKIPPED,
};

/**
 * bench_use:
 * @peak: the most memory in use during a call, above what was before it; of
 *	@available, how much less there was
 * @kept: what it left in use, in the same way
 * @samples: how often somebody looked during the call
 */
struct bench_use {
	struct bench_memory peak;
	struct bench_memory kept;
	unsigned int samples;
};

/**
 * bench_point:
 * @operation: what was measured
 * @size: bytes of each range that it works on
 * @count: how many ranges
 * @status: whether it was measured
 * @reason: if not, why not; one line
 * @ns: a duration of each timed repetition, in nanoseconds
 * @times: number of @ns
 * @use: memory of each repetition that was sampled; those are not in @ns
 * @uses: number of @use
 */
struct bench_point {
	const char *operation;
	uint64_t size;
	uint64_t count;
	enum bench_status status;
	char reason[160];
	uint64_t ns[BENCH_REPEAT_MAX];
	unsigned int times;
	struct bench_use use[BENCH_REPEAT_MAX];
	unsigned int uses;
};

/**
 * bench_results:
 * @kernel: release of the kernel
 * @machine: its architecture
 * @memory: bytes of memory of the machine
 * @driver: version of the driver's uAPI, MAJOR.MINOR.PATCH
 * @dummy: "huge" if sparse ranges are mapped to a huge page, "pages" if not
 * @tables_counted: false where nothing tells how many page tables there are; all
 *	numbers of tables are 0 then
 * @complete: false until the last point is measured
 * @point: the points
 * @points: number of @point
 */
struct bench_results {
	char kernel[80];
	char machine[80];
	char driver[32];
	uint64_t memory;
	const char *dummy;
	bool tables_counted;
	bool complete;
	struct bench_point point[BENCH_POINTS_MAX];
	unsigned int points;
};

/**
 * bench_spread:
 * @min: least value
 * @median: middle one, or the mean of the two in the middle
 * @max: largest
 */
struct bench_spread {
	int64_t min;
	int64_t median;
	int64_t max;
};

struct bench_spread bench_spread_of(const int64_t *values, size_t count);
struct bench_spread bench_point_ns(const struct bench_point *point);
int64_t bench_point_peak(const struct bench_point *point);
int64_t bench_point_tables(const struct bench_point *point);

struct bench_point *bench_results_add(struct bench_results *results, const char *operation,
				      uint64_t size, uint64_t count);

void bench_print_size(char *text, size_t length, uint64_t bytes);
bool bench_parse_size(const char *text, uint64_t *bytes);

void bench_table_head(FILE *file);
void bench_table_row(FILE *file, const struct bench_point *point);
void bench_write_json(FILE *file, const struct bench_results *results);

#endif /* BENCH_RESULTS_H */
