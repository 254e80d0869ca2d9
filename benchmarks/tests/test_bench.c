// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

/* What the benchmark computes and writes, on made-up measurements. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench_results.h"

static void test_spread(void **state)
{
	static const struct {
		int64_t values[4];
		size_t count;
		struct bench_spread spread;
	} rows[] = {
		{ { 7 }, 1, { 7, 7, 7 } },
		{ { 9, 4 }, 2, { 4, 6, 9 } },
		{ { 9, -1, 4 }, 3, { -1, 4, 9 } },
		{ { 40, 10, 30, 20 }, 4, { 10, 25, 40 } },
		{ { INT64_MAX, 0, 1 }, 3, { 0, 1, INT64_MAX } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct bench_spread spread = bench_spread_of(rows[i].values, rows[i].count);

		assert_int_equal(spread.min, rows[i].spread.min);
		assert_int_equal(spread.median, rows[i].spread.median);
		assert_int_equal(spread.max, rows[i].spread.max);
	}
}

static void test_parse_size(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "4K", 4096 },
		{ "2M", UINT64_C(2) << 20 },
		{ "1022G", UINT64_C(1022) << 30 },
		{ "1T", UINT64_C(1) << 40 },
		{ "8388607T", UINT64_C(8388607) << 40 },
	};
	static const char *const bad[] = {
		"", "K", "-1", "+1", " 1", "1 ", "1k", "1KB", "1KK", "0x10", "8388608T",
		"18446744073709551616",
	};
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(bench_parse_size(good[i].text, &bytes));
		assert_int_equal(bytes, good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(bench_parse_size(bad[i], &bytes));
}

static void test_print_size(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 B" },
		{ 1000, "1000 B" },
		{ 4096, "4 KiB" },
		{ UINT64_C(2) << 20, "2 MiB" },
		{ (UINT64_C(2) << 20) + 4096, "2052 KiB" },
		{ UINT64_C(1022) << 30, "1022 GiB" },
		{ UINT64_C(1) << 40, "1 TiB" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bench_print_size(text, sizeof(text), rows[i].bytes);
		assert_string_equal(text, rows[i].text);
	}
}

static void test_meminfo(void **state)
{
	static const char text[] =
		"MemTotal:        4000000 kB\n"
		"MemAvailable:    3000000 kB\n"
		"SReclaimable:       1000 kB\n"
		"SUnreclaim:         2000 kB\n"
		"VmallocUsed:         500 kB\n";
	struct bench_memory memory;

	(void)state;
	assert_true(bench_memory_parse_meminfo(text, &memory));
	assert_int_equal(memory.available, INT64_C(3000000) << 10);
	assert_int_equal(memory.kernel, 2500 << 10);
	assert_false(bench_memory_parse_meminfo("MemTotal: 1 kB\n", &memory));
	assert_false(bench_memory_parse_meminfo("", &memory));
}

static void test_slabinfo(void **state)
{
	static const char text[] =
		"slabinfo - version: 2.1\n"
		"# name            <active_objs> <num_objs> <objsize> ...\n"
		"panthor-mmu-pt-x       7      8   4096    8    8 : tunables\n"
		"panthor-mmu-pt       525    528   4096    8    8 : tunables\n";
	struct bench_memory memory;

	(void)state;
	assert_true(bench_memory_parse_slabinfo(text, &memory));
	assert_int_equal(memory.tables, 525);
	assert_false(bench_memory_parse_slabinfo("slabinfo\nkmalloc-4k 1 2 4096\n", &memory));
	assert_int_equal(memory.tables, -1);
	assert_false(bench_memory_parse_slabinfo("slabinfo\npanthor-mmu-pt 52", &memory));
}

/* Of a point: the larger of what is counted and what the statistics say, of all repetitions. */
static void test_peak(void **state)
{
	static struct bench_results results;
	struct bench_point *point = bench_results_add(&results, "bind", 4096, 1);

	(void)state;
	assert_int_equal(bench_point_peak(point), -1);
	assert_int_equal(bench_point_tables(point), 0);

	point->uses = 2;
	point->use[0] = (struct bench_use){ .peak = { .kernel = 9000, .tables = 1 } };
	point->use[1] = (struct bench_use){
		.peak = { .kernel = 100, .tables = 2 }, .kept = { .tables = -3 },
	};
	assert_int_equal(bench_point_peak(point), 9000);
	assert_int_equal(bench_point_tables(point), -3);

	point->use[1].peak.tables = 3;
	assert_int_equal(bench_point_peak(point), 3 * 4096);
}

static char *written(const struct bench_results *results)
{
	size_t length;
	char *text;
	FILE *file = open_memstream(&text, &length);

	assert_non_null(file);
	bench_write_json(file, results);
	fclose(file);

	return text;
}

static void test_json(void **state)
{
	static struct bench_results results = {
		.kernel = "7.3.4\"\\\n", .machine = "x86_64", .driver = "1.9.0", .dummy = "huge",
	};
	struct bench_point *point;
	char *text;

	(void)state;
	point = bench_results_add(&results, "bind", 2 << 20, 1);
	point->ns[0] = 5;
	point->ns[1] = UINT64_C(60000000000);
	point->times = 2;
	point->uses = 1;
	point->use[0] = (struct bench_use){ .samples = 4, .kept = { .tables = -2 } };
	point = bench_results_add(&results, "unbind", 2 << 20, 1);
	point->status = BENCH_REFUSED;
	strcpy(point->reason, "Cannot allocate memory");

	text = written(&results);
	assert_non_null(strstr(text, "\"kernel\": \"7.3.4\\\"\\\\\\u000a\","));
	assert_non_null(strstr(text, "\"complete\": false"));
	assert_non_null(strstr(text, "\"ns\": [5, 60000000000]"));
	assert_non_null(strstr(text, "\"kept_tables\": -2}]}"));
	assert_non_null(strstr(text, "\"status\": \"refused\", \"reason\": \"Cannot allocate memory\""));
	assert_non_null(strstr(text, "\"ns\": [],\n     \"memory\": []}\n  ]\n}\n"));
	free(text);

	results.complete = true;
	text = written(&results);
	assert_non_null(strstr(text, "\"complete\": true"));
	free(text);
}

static void test_table(void **state)
{
	static struct bench_results results;
	struct bench_point *point = bench_results_add(&results, "bind", UINT64_C(1) << 40, 1);
	char line[256] = "";
	FILE *file = fmemopen(line, sizeof(line), "w");

	(void)state;
	assert_non_null(file);
	point->ns[0] = 1500000;
	point->times = 1;
	point->uses = 1;
	point->use[0] = (struct bench_use){ .peak = { .tables = 1026 }, .kept = { .tables = 1025 } };
	bench_table_row(file, point);
	fclose(file);
	assert_non_null(strstr(line, "bind                1 TiB       1 "));
	assert_non_null(strstr(line, " 1.500      1.500      1.500 "));
	assert_non_null(strstr(line, " 4104      +1025\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_parse_size),
		cmocka_unit_test(test_print_size),
		cmocka_unit_test(test_meminfo),
		cmocka_unit_test(test_slabinfo),
		cmocka_unit_test(test_peak),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
