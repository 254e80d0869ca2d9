// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench_results.h"

/* A page table of the GPU. */
#define TABLE_BYTES 4096

static const char *const status_names[] = {
	[BENCH_MEASURED] = "measured",
	[BENCH_REFUSED] = "refused",
	[BENCH_NOT_TRIED] = "not-tried",
	[BENCH_SKIPPED] = "skipped",
};

static int compare(const void *a, const void *b)
{
	const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

/**
 * bench_spread_of:
 * @values: values, in any order
 * @count: number of @values, 1 to %BENCH_REPEAT_MAX
 *
 * Returns: least, middle and largest of them.
 */
struct bench_spread bench_spread_of(const int64_t *values, size_t count)
{
	int64_t sorted[BENCH_REPEAT_MAX];

	assert(count > 0 && count <= BENCH_REPEAT_MAX);
	memcpy(sorted, values, count * sizeof(*values));
	qsort(sorted, count, sizeof(*sorted), compare);

	return (struct bench_spread){
		.min = sorted[0],
		.median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2,
		.max = sorted[count - 1],
	};
}

/**
 * bench_point_ns:
 * @point: with one timed repetition at least
 *
 * Returns: the spread of its durations, in nanoseconds.
 */
struct bench_spread bench_point_ns(const struct bench_point *point)
{
	int64_t values[BENCH_REPEAT_MAX];

	for (unsigned int i = 0; i < point->times; i++)
		values[i] = point->ns[i];

	return bench_spread_of(values, point->times);
}

static int64_t max_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/**
 * bench_point_peak:
 * @point: any point
 *
 * Returns: the most kernel memory that any of its repetitions had in use, in
 * bytes, or -1 if none was sampled. Page tables are counted exactly, all else by
 * statistics of the kernel that lag behind: so the larger of the two is it.
 */
int64_t bench_point_peak(const struct bench_point *point)
{
	int64_t peak = -1;

	for (unsigned int i = 0; i < point->uses; i++)
		peak = max_of(peak, max_of(point->use[i].peak.kernel,
					   point->use[i].peak.tables * TABLE_BYTES));

	return peak;
}

/**
 * bench_point_tables:
 * @point: any point
 *
 * Returns: the page tables that it keeps, by the last repetition that was sampled;
 * negative if it gave some back; 0 if none was sampled.
 */
int64_t bench_point_tables(const struct bench_point *point)
{
	return point->uses ? point->use[point->uses - 1].kept.tables : 0;
}

/**
 * bench_results_add:
 * @results: gets another point
 * @operation: what is measured
 * @size: bytes of each range
 * @count: how many ranges
 *
 * Returns: the point, without any repetition.
 */
struct bench_point *bench_results_add(struct bench_results *results, const char *operation,
				      uint64_t size, uint64_t count)
{
	struct bench_point *point = &results->point[results->points];

	assert(results->points < BENCH_POINTS_MAX);
	results->points++;
	*point = (struct bench_point){
		.operation = operation,
		.size = size,
		.count = count,
	};

	return point;
}

static const struct {
	char suffix;
	unsigned int shift;
} units[] = { { 'T', 40 }, { 'G', 30 }, { 'M', 20 }, { 'K', 10 } };

#define UNITS (sizeof(units) / sizeof(units[0]))

/**
 * bench_print_size:
 * @text: gets `64 GiB`
 * @length: bytes of @text
 * @bytes: the size
 */
void bench_print_size(char *text, size_t length, uint64_t bytes)
{
	for (unsigned int i = 0; i < UNITS; i++) {
		const uint64_t unit = UINT64_C(1) << units[i].shift;

		if (bytes >= unit && bytes % unit == 0) {
			snprintf(text, length, "%" PRIu64 " %ciB", bytes / unit, units[i].suffix);
			return;
		}
	}
	snprintf(text, length, "%" PRIu64 " B", bytes);
}

/**
 * bench_parse_size:
 * @text: decimal digits, and K, M, G or T for a power of 1024
 * @bytes: the size
 *
 * Returns: false if it is none, or above 63 bits.
 */
bool bench_parse_size(const char *text, uint64_t *bytes)
{
	unsigned int shift = 0;
	char *end;

	if (*text < '0' || *text > '9')
		return false;

	*bytes = strtoull(text, &end, 10);
	for (unsigned int i = 0; i < UNITS && !shift; i++)
		if (*end == units[i].suffix)
			shift = units[i].shift;
	if (shift)
		end++;
	if (*end || *bytes > (uint64_t)INT64_MAX >> shift)
		return false;

	*bytes <<= shift;
	return true;
}

/**
 * bench_table_head:
 * @file: where to
 */
void bench_table_head(FILE *file)
{
	fprintf(file, "%-14s %10s %7s  %31s  %13s %9s\n", "", "", "",
		"time, ms", "kernel memory", "page");
	fprintf(file, "%-14s %10s %7s  %10s %10s %10s %13s %10s\n", "operation", "range", "count",
		"min", "median", "max", "peak, KiB", "tables");
}

static void print_measured(FILE *file, const struct bench_point *point)
{
	const struct bench_spread ns = bench_point_ns(point);

	fprintf(file, "  %10.3f %10.3f %10.3f", ns.min / 1e6, ns.median / 1e6, ns.max / 1e6);
	if (!point->uses)
		fprintf(file, "\n");
	else
		fprintf(file, " %13" PRId64 " %+10" PRId64 "\n", bench_point_peak(point) / 1024,
			bench_point_tables(point));
}

/**
 * bench_table_row:
 * @file: where to
 * @point: what to print
 */
void bench_table_row(FILE *file, const struct bench_point *point)
{
	char size[32];

	bench_print_size(size, sizeof(size), point->size);
	fprintf(file, "%-14s %10s %7" PRIu64, point->operation, size, point->count);
	if (point->status == BENCH_MEASURED)
		print_measured(file, point);
	else
		fprintf(file, "  %s: %s\n", status_names[point->status], point->reason);
}

/* As a JSON string. */
static void write_string(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(file, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			fprintf(file, "\\u%04x", *text);
		else
			fputc(*text, file);
	}
	fputc('"', file);
}

static void write_member(FILE *file, const char *name, const char *text)
{
	fprintf(file, "  \"%s\": ", name);
	write_string(file, text);
	fprintf(file, ",\n");
}

static void write_use(FILE *file, const struct bench_use *use)
{
	fprintf(file, "{\"samples\": %u, \"peak_kernel\": %" PRId64 ", \"kept_kernel\": %" PRId64
		", \"peak_available\": %" PRId64, use->samples, use->peak.kernel, use->kept.kernel,
		use->peak.available);
	fprintf(file, ", \"peak_tables\": %" PRId64 ", \"kept_tables\": %" PRId64 "}",
		use->peak.tables, use->kept.tables);
}

static void write_point(FILE *file, const struct bench_point *point)
{
	fprintf(file, "    {\"operation\": \"%s\", \"size\": %" PRIu64 ", \"count\": %" PRIu64
		", \"status\": \"%s\", \"reason\": ", point->operation, point->size, point->count,
		status_names[point->status]);
	write_string(file, point->reason);

	fprintf(file, ",\n     \"ns\": [");
	for (unsigned int i = 0; i < point->times; i++)
		fprintf(file, "%s%" PRIu64, i ? ", " : "", point->ns[i]);

	fprintf(file, "],\n     \"memory\": [");
	for (unsigned int i = 0; i < point->uses; i++) {
		fprintf(file, "%s", i ? ",\n       " : "");
		write_use(file, &point->use[i]);
	}
	fprintf(file, "]}");
}

/**
 * bench_write_json:
 * @file: where to
 * @results: what to write
 */
void bench_write_json(FILE *file, const struct bench_results *results)
{
	fprintf(file, "{\n");
	write_member(file, "benchmark", "panthor_sparse_bind");
	write_member(file, "kernel", results->kernel);
	write_member(file, "machine", results->machine);
	write_member(file, "driver", results->driver);
	write_member(file, "dummy", results->dummy);
	fprintf(file, "  \"memory\": %" PRIu64 ",\n  \"tables_counted\": %s,\n", results->memory,
		results->tables_counted ? "true" : "false");
	fprintf(file, "  \"complete\": %s,\n  \"points\": [", results->complete ? "true" : "false");
	for (unsigned int i = 0; i < results->points; i++) {
		fprintf(file, "%s\n", i ? "," : "");
		write_point(file, &results->point[i]);
	}
	fprintf(file, "\n  ]\n}\n");
}
