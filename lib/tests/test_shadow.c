// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

/* The model of what VMs map, compared with a table of pages. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "igt_panthor_shadow.h"

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define PAGES 32
#define VMS 2
#define OPERATIONS 5000

/* Object and page of each page of each VM; 0 if nothing is mapped. */
static unsigned int table[VMS][PAGES];

static struct igt_panthor_shadow shadow;

static unsigned int draw(unsigned int below)
{
	static uint32_t state = 1;

	state = state * 1664525 + 1013904223;
	return (state >> 16) % below;
}

static uint64_t va_of(unsigned int page)
{
	return IGT_PANTHOR_SHADOW_VA + page * PAGE;
}

static void operate(void)
{
	const unsigned int vm = draw(VMS), first = draw(PAGES), count = 1 + draw(PAGES - first);
	struct igt_panthor_shadow_run run = {
		.vm = vm,
		.object = 1 + draw(2),
		.va = va_of(first),
		.size = count * PAGE,
		.offset = draw(100) * PAGE,
	};
	const unsigned int value = run.object * 1000 + run.offset / PAGE;
	const bool cut = draw(3) == 0;

	if (cut)
		igt_panthor_shadow_cut(&shadow, vm, run.va, run.size);
	else
		igt_panthor_shadow_put(&shadow, &run);
	for (unsigned int i = 0; i < count; i++)
		table[vm][first + i] = cut ? 0 : value + i;
}

static void assert_table(void)
{
	unsigned int found[VMS][PAGES] = {};

	for (unsigned int i = 0; i < shadow.runs; i++) {
		const struct igt_panthor_shadow_run *run = &shadow.run[i];
		const unsigned int first = (run->va - IGT_PANTHOR_SHADOW_VA) / PAGE;

		assert_true(run->size > 0 && first + run->size / PAGE <= PAGES);
		for (unsigned int page = 0; page < run->size / PAGE; page++) {
			assert_int_equal(found[run->vm][first + page], 0);
			found[run->vm][first + page] =
				run->object * 1000 + run->offset / PAGE + page;
		}
	}
	assert_memory_equal(found, table, sizeof(table));
}

static void test_operations(void **state)
{
	(void)state;
	igt_panthor_shadow_init(&shadow);
	for (unsigned int i = 0; i < OPERATIONS; i++) {
		operate();
		assert_table();
	}
}

/* What is left on either side of a hole keeps its own offset. */
static void test_hole(void **state)
{
	const struct igt_panthor_shadow_run run = {
		.object = 1, .va = va_of(4), .size = 8 * PAGE, .offset = 3 * PAGE,
	};

	(void)state;
	igt_panthor_shadow_init(&shadow);
	igt_panthor_shadow_put(&shadow, &run);
	igt_panthor_shadow_cut(&shadow, 0, va_of(6), 2 * PAGE);
	assert_int_equal(shadow.runs, 2);
	assert_int_equal(shadow.run[0].va, va_of(4));
	assert_int_equal(shadow.run[0].size, 2 * PAGE);
	assert_int_equal(shadow.run[0].offset, 3 * PAGE);
	assert_int_equal(shadow.run[1].va, va_of(8));
	assert_int_equal(shadow.run[1].size, 4 * PAGE);
	assert_int_equal(shadow.run[1].offset, 7 * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
