// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

/* Sizes in CPU pages, built once for each CPU page: 4, 16 and 64 KiB. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "igt_panthor.h"

static void test_size(void **state)
{
	(void)state;
	assert_int_equal(igt_panthor_cpu_page_size(), IGT_PANTHOR_CPU_PAGE_SIZE);
	assert_int_equal(igt_panthor_cpu_page_size() % IGT_PANTHOR_GPU_PAGE_SIZE, 0);
}

/* A BO of one GPU page takes a CPU page; one more byte than whole CPU pages takes one more. */
static void test_align(void **state)
{
	const uint64_t page = IGT_PANTHOR_CPU_PAGE_SIZE;

	(void)state;
	assert_int_equal(igt_panthor_cpu_page_align(0), 0);
	assert_int_equal(igt_panthor_cpu_page_align(IGT_PANTHOR_GPU_PAGE_SIZE), page);
	assert_int_equal(igt_panthor_cpu_page_align(page), page);
	assert_int_equal(igt_panthor_cpu_page_align(page + 1), 2 * page);
	assert_int_equal(igt_panthor_cpu_page_align((UINT64_C(1) << 40) - 1), UINT64_C(1) << 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_align),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
