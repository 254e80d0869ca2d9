// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

/* The shadow model of random walks, the steps that are drawn, and the minimiser. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "igt_panthor_steps.h"

static struct igt_panthor_shadow shadow;

static void apply(const struct igt_panthor_step *steps)
{
	for (; steps->kind != STEP_END; steps++) {
		assert_true(igt_panthor_step_is_valid(steps));
		igt_panthor_shadow_apply(&shadow, steps);
	}
}

static void begin(const struct igt_panthor_step *steps)
{
	memset(&shadow, 0, sizeof(shadow));
	apply(steps);
}

static void assert_run(unsigned int vm, bool by_bind, struct igt_panthor_shadow_run *run,
		       unsigned int page, unsigned int pages, unsigned int offset)
{
	assert_true(igt_panthor_shadow_next_run(&shadow, vm, by_bind, run));
	assert_int_equal(run->page, page);
	assert_int_equal(run->pages, pages);
	assert_int_equal(run->offset, offset);
}

static void test_print(void **state)
{
	const struct igt_panthor_step bo = {
		STEP_BO, .vm = 1, .bo = 2, .flags = STEP_READONLY | STEP_ASYNC,
		.page = 511, .pages = 3, .offset = 7,
	};
	const struct igt_panthor_step check = { .kind = STEP_CHECK };
	char text[128];

	(void)state;
	igt_panthor_step_print(&bo, text, sizeof(text));
	assert_string_equal(text, "{ .kind = STEP_BO, .vm = 1, .bo = 2, .page = 511, .pages = 3, "
				  ".offset = 7,\n\t  .flags = STEP_READONLY | STEP_ASYNC }");
	igt_panthor_step_print(&check, text, sizeof(text));
	assert_string_equal(text, "{ .kind = STEP_CHECK }");
}

static void test_valid(void **state)
{
	const struct igt_panthor_step bad[] = {
		{ .kind = STEP_END },
		{ .kind = STEP_KINDS },
		{ .kind = STEP_SPARSE },
		{ .kind = STEP_SPARSE, .vm = STEP_VMS, .pages = 1 },
		{ .kind = STEP_SPARSE, .page = STEP_PAGES, .pages = 1 },
		{ .kind = STEP_UNMAP, .page = 1, .pages = STEP_PAGES },
		{ .kind = STEP_BO, .bo = STEP_BOS, .pages = 1 },
		{ .kind = STEP_BO, .bo = 2, .pages = 33 },
		{ .kind = STEP_BO, .bo = 2, .pages = 1, .offset = 32 },
		{ .kind = STEP_CPU, .bo = 2, .pages = 0 },
		{ .kind = STEP_FAULT, .page = STEP_PAGES },
		{ .kind = STEP_UNMAP, .flags = 1 << 5, .pages = 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(igt_panthor_step_is_valid(&bad[i]));
}

static void test_batches(void **state)
{
	const struct igt_panthor_step more = { .kind = STEP_UNMAP, .flags = STEP_MORE, .pages = 1 };
	const struct igt_panthor_step alone = { .kind = STEP_UNMAP, .pages = 1 };
	const struct igt_panthor_step queued = { .kind = STEP_UNMAP, .flags = STEP_ASYNC, .pages = 1 };
	const struct igt_panthor_step other = { .kind = STEP_UNMAP, .vm = 1, .pages = 1 };
	const struct igt_panthor_step load = { .kind = STEP_LOAD, .pages = 1 };

	(void)state;
	assert_true(igt_panthor_step_continues(&more, &alone));
	assert_false(igt_panthor_step_continues(&alone, &alone));
	assert_false(igt_panthor_step_continues(&more, &queued));
	assert_false(igt_panthor_step_continues(&more, &other));
	assert_false(igt_panthor_step_continues(&more, &load));
}

/* A hole in a BO leaves two parts, each at its place in the BO. */
static void test_hole(void **state)
{
	const struct igt_panthor_step steps[] = {
		{ .kind = STEP_BO, .page = 100, .pages = 20, .offset = 30 },
		{ .kind = STEP_UNMAP, .page = 105, .pages = 5 },
		{}
	};
	struct igt_panthor_shadow_run run = {};

	(void)state;
	begin(steps);
	assert_run(0, true, &run, 100, 5, 30);
	assert_run(0, true, &run, 110, 10, 40);
	assert_false(igt_panthor_shadow_next_run(&shadow, 0, true, &run));
	run = (struct igt_panthor_shadow_run){};
	assert_false(igt_panthor_shadow_next_run(&shadow, 1, true, &run));
}

/* A sparse page has the page of the dummy that its address says, whoever bound it. */
static void test_sparse(void **state)
{
	const struct igt_panthor_step steps[] = {
		{ .kind = STEP_SPARSE, .page = 500, .pages = 600 },
		{ .kind = STEP_SPARSE, .page = 511, .pages = 2, .flags = STEP_READONLY },
		{}
	};
	struct igt_panthor_shadow_run run = {};

	(void)state;
	begin(steps);
	assert_int_equal(shadow.page[0][500].offset, 500);
	assert_int_equal(shadow.page[0][512].offset, 0);
	assert_int_equal(shadow.page[0][1024].offset, 0);
	assert_int_equal(shadow.page[0][512].flags, STEP_READONLY);
	assert_int_equal(shadow.page[0][513].flags, 0);
	assert_run(0, true, &run, 500, 11, 500);
	assert_run(0, true, &run, 511, 2, 511);
	assert_run(0, true, &run, 513, 587, 1);
	run = (struct igt_panthor_shadow_run){};
	assert_run(0, false, &run, 500, 600, 500);
}

/* Parts of a BO that follow each other may be one VMA; parts that do not must not. */
static void test_merge(void **state)
{
	const struct igt_panthor_step steps[] = {
		{ .kind = STEP_BO, .pages = 4 },
		{ .kind = STEP_BO, .page = 4, .pages = 4, .offset = 4 },
		{ .kind = STEP_BO, .page = 8, .pages = 4, .offset = 9 },
		{}
	};
	struct igt_panthor_shadow_run run = {};

	(void)state;
	begin(steps);
	assert_run(0, false, &run, 0, 8, 0);
	assert_run(0, false, &run, 8, 4, 9);
	assert_false(igt_panthor_shadow_next_run(&shadow, 0, false, &run));
}

/* What is stored through one page is loaded through each other one of the object. */
static void test_aliases(void **state)
{
	const struct igt_panthor_step steps[] = {
		{ .kind = STEP_SPARSE, .pages = 1024 },
		{ .kind = STEP_SPARSE, .vm = 1, .page = 512, .pages = 512 },
		{ .kind = STEP_SPARSE, .vm = 2, .pages = 512 },
		{}
	};
	const struct igt_panthor_step store = { .kind = STEP_STORE, .page = 510, .pages = 512 };
	uint16_t pages[STEP_PAGES];
	uint32_t value;

	(void)state;
	begin(steps);
	assert_int_equal(igt_panthor_shadow_stores(&shadow, &store, pages), 512);
	value = igt_panthor_shadow_value(&shadow, 0, 7);
	igt_panthor_shadow_apply(&shadow, &store);
	for (unsigned int vm = 0; vm < 2; vm++) {
		const struct igt_panthor_shadow_page *page = &shadow.page[vm][512 + 7];

		assert_int_equal(shadow.word[page->object][page->offset], value);
	}
	assert_int_not_equal(shadow.page[2][7].object, shadow.page[0][7].object);
	assert_int_equal(shadow.word[shadow.page[2][7].object][7], 0);
}

/* One store for each page of an object, none to READONLY pages. */
static void test_stores(void **state)
{
	const struct igt_panthor_step steps[] = {
		{ .kind = STEP_BO, .bo = 2, .pages = 8 },
		{ .kind = STEP_BO, .bo = 2, .page = 8, .pages = 8, .offset = 4 },
		{ .kind = STEP_BO, .bo = 2, .page = 16, .pages = 8, .offset = 16, .flags = STEP_READONLY },
		{}
	};
	const struct igt_panthor_step store = { .kind = STEP_STORE, .pages = STEP_PAGES };
	const struct igt_panthor_step load = { .kind = STEP_CHECK, .pages = STEP_PAGES };
	uint16_t pages[STEP_PAGES];

	(void)state;
	begin(steps);
	assert_int_equal(igt_panthor_shadow_stores(&shadow, &store, pages), 12);
	assert_int_equal(igt_panthor_shadow_loads(&shadow, &load, pages), 24);
}

static void test_new_file(void **state)
{
	const struct igt_panthor_step steps[] = {
		{ .kind = STEP_BO, .pages = 1 },
		{ .kind = STEP_BO, .bo = 3, .page = 1, .pages = 1 },
		{ .kind = STEP_BO, .bo = 4, .vm = 1, .pages = 1 },
		{ .kind = STEP_BO, .vm = 2, .bo = 3, .pages = 1 },
		{ .kind = STEP_NEW_VM, .vm = 1 },
		{}
	};
	const struct igt_panthor_step more[] = { { .kind = STEP_NEW_FILE, .vm = 1 }, {} };
	const unsigned int shared = igt_panthor_step_object(0, 3);

	(void)state;
	begin(steps);
	assert_int_equal(shadow.page[1][0].bind, 0);
	assert_int_not_equal(shadow.page[0][0].bind, 0);
	assert_false(shadow.exists[igt_panthor_step_object(1, 4)]);
	assert_true(shadow.exists[igt_panthor_step_object(0, 0)]);

	apply(more);
	assert_int_equal(shadow.page[0][0].bind, 0);
	assert_int_not_equal(shadow.page[2][0].bind, 0);
	assert_false(shadow.exists[igt_panthor_step_object(0, 0)]);
	assert_true(shadow.exists[shared]);
	assert_int_equal(shared, igt_panthor_step_object(3, 3));
}

/* The steps that rebuild a layout make an equal one. */
static void test_rebuild(void **state)
{
	static struct igt_panthor_shadow drawn;
	struct igt_panthor_step steps[1024];
	struct igt_panthor_draw draw;
	size_t count;

	(void)state;
	memset(&drawn, 0, sizeof(drawn));
	igt_panthor_draw_init(&draw, 3, STEP_VMS, false);
	for (unsigned int i = 0; i < 300; i++) {
		const struct igt_panthor_step step = igt_panthor_draw_step(&draw, &drawn);

		igt_panthor_shadow_apply(&drawn, &step);
	}
	count = igt_panthor_shadow_rebuild(&drawn, steps, 1023);
	assert_int_not_equal(count, 0);
	assert_int_equal(igt_panthor_shadow_rebuild(&drawn, steps, count - 1), 0);
	assert_int_equal(igt_panthor_shadow_rebuild(&drawn, steps, 1023), count);
	steps[count] = (struct igt_panthor_step){};
	begin(steps);

	for (unsigned int vm = 0; vm < STEP_VMS; vm++)
		for (unsigned int i = 0; i < STEP_PAGES; i++) {
			const struct igt_panthor_shadow_page *a = &drawn.page[vm][i];
			const struct igt_panthor_shadow_page *b = &shadow.page[vm][i];

			assert_int_equal(!a->bind, !b->bind);
			assert_int_equal(a->object, b->object);
			assert_int_equal(a->offset, b->offset);
			assert_int_equal(a->flags, b->flags);
		}
}

/* Every step is valid, every kind is drawn, and equal seeds draw equal steps. */
static void test_draw(void **state)
{
	unsigned int kinds[STEP_KINDS] = {};
	struct igt_panthor_draw draw, again;

	(void)state;
	memset(&shadow, 0, sizeof(shadow));
	igt_panthor_draw_init(&draw, 5, 3, true);
	igt_panthor_draw_init(&again, 5, 3, true);
	for (unsigned int i = 0; i < 20000; i++) {
		const struct igt_panthor_step a = igt_panthor_draw_step(&draw, &shadow);
		const struct igt_panthor_step b = igt_panthor_draw_step(&again, &shadow);

		assert_memory_equal(&a, &b, sizeof(a));
		assert_true(igt_panthor_step_is_valid(&a));
		assert_true(a.vm < 3);
		igt_panthor_shadow_apply(&shadow, &a);
		kinds[a.kind]++;
	}
	for (unsigned int i = STEP_END + 1; i < STEP_KINDS; i++)
		assert_int_not_equal(kinds[i], 0);

	igt_panthor_draw_init(&again, 6, 3, true);
	igt_panthor_draw_init(&draw, 5, 3, true);
	assert_int_not_equal(draw.state, again.state);
}

/* A driver that loses the last page of a READONLY BO bind when it is evicted. */
static size_t evict_loses_page(void *data, const struct igt_panthor_step *steps, size_t count)
{
	unsigned int *replays = data;
	bool mapped = false, lost = false;

	(*replays)++;
	for (size_t i = 0; i < count; i++) {
		const struct igt_panthor_step *step = &steps[i];

		if (step->kind == STEP_BO && step->flags & STEP_READONLY)
			mapped = true;
		if (step->kind == STEP_EVICT)
			lost = mapped;
		if (step->kind == STEP_CHECK && lost)
			return i + 1;
	}

	return 0;
}

static void test_minimise(void **state)
{
	unsigned int replays = 0;
	struct igt_panthor_minimiser m = {
		.fails = evict_loses_page, .data = &replays, .trials = 1000,
	};
	struct igt_panthor_step steps[] = {
		{ .kind = STEP_SPARSE, .vm = 2, .pages = 100 },
		{ .kind = STEP_BO, .vm = 2, .bo = 1, .page = 300, .pages = 200, .offset = 5,
		  .flags = STEP_READONLY | STEP_ASYNC | STEP_MORE },
		{ .kind = STEP_UNMAP, .vm = 1, .pages = 3 },
		{ .kind = STEP_EVICT, .pages = 33 },
		{ .kind = STEP_STORE, .pages = 5 },
		{ .kind = STEP_CHECK },
		{ .kind = STEP_UNMAP, .pages = 9 },
	};
	const struct igt_panthor_step *bo = &steps[0];

	(void)state;
	assert_int_equal(igt_panthor_minimise(&m, steps, sizeof(steps) / sizeof(steps[0])), 3);
	assert_int_equal(bo->kind, STEP_BO);
	assert_int_equal(bo->vm, 0);
	assert_int_equal(bo->bo, 0);
	assert_int_equal(bo->pages, 1);
	assert_int_equal(bo->offset, 0);
	assert_int_equal(bo->flags, STEP_READONLY);
	assert_int_equal(steps[1].kind, STEP_EVICT);
	assert_int_equal(steps[2].kind, STEP_CHECK);
	assert_int_equal(replays, 1000 - m.trials);
}

/* The minimiser stops when its replays are used up, with steps that fail. */
static void test_minimise_bounded(void **state)
{
	unsigned int replays = 0;
	struct igt_panthor_minimiser m = {
		.fails = evict_loses_page, .data = &replays, .trials = 4,
	};
	struct igt_panthor_step steps[64] = {
		[0] = { .kind = STEP_BO, .pages = 1, .flags = STEP_READONLY },
		[1 ... 61] = { .kind = STEP_UNMAP, .pages = 1 },
		[62] = { .kind = STEP_EVICT },
		[63] = { .kind = STEP_CHECK },
	};
	size_t count;

	(void)state;
	count = igt_panthor_minimise(&m, steps, 64);
	assert_int_equal(replays, 4);
	assert_int_not_equal(evict_loses_page(&replays, steps, count), 0);
}

/* A driver that maps a bind across a block boundary only up to the boundary. */
static size_t lost_at_boundary(void *data, const struct igt_panthor_step *steps, size_t count)
{
	static struct igt_panthor_shadow driver, model;

	(void)data;
	memset(&driver, 0, sizeof(driver));
	memset(&model, 0, sizeof(model));
	for (size_t i = 0; i < count; i++) {
		struct igt_panthor_step wrong = steps[i];
		const unsigned int left = STEP_BLOCK_PAGES - wrong.page % STEP_BLOCK_PAGES;

		if (wrong.kind == STEP_BO && wrong.pages > left)
			wrong.pages = left;
		igt_panthor_shadow_apply(&driver, &wrong);
		igt_panthor_shadow_apply(&model, &steps[i]);
		for (unsigned int page = 0; steps[i].kind == STEP_CHECK && page < STEP_PAGES; page++)
			if (!driver.page[0][page].bind != !model.page[0][page].bind)
				return i + 1;
	}

	return 0;
}

/* A walk is drawn until the driver is wrong. It then needs two steps and two pages. */
static void test_minimise_walk(void **state)
{
	struct igt_panthor_minimiser m = { .fails = lost_at_boundary, .trials = 5000 };
	struct igt_panthor_step *drawn = calloc(4000, sizeof(*drawn)), *steps;
	struct igt_panthor_draw draw;
	const struct igt_panthor_draw *source = &draw;
	struct igt_panthor_draw walk;
	size_t failed = 0, count;

	(void)state;
	igt_panthor_draw_init(&draw, 9, 1, false);
	walk = draw;
	memset(&shadow, 0, sizeof(shadow));
	for (size_t i = 0; i < 4000; i++) {
		drawn[i] = igt_panthor_draw_step(&walk, &shadow);
		igt_panthor_shadow_apply(&shadow, &drawn[i]);
	}
	failed = lost_at_boundary(NULL, drawn, 4000);
	assert_int_not_equal(failed, 0);
	free(drawn);

	count = igt_panthor_minimise_walk(&m, source, failed, &steps);
	assert_int_equal(count, 2);
	assert_int_equal(steps[0].kind, STEP_BO);
	assert_int_equal(steps[0].pages, 2);
	assert_int_equal(steps[0].page % STEP_BLOCK_PAGES, STEP_BLOCK_PAGES - 1);
	assert_int_equal(steps[1].kind, STEP_CHECK);
	free(steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_hole),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_stores),
		cmocka_unit_test(test_new_file),
		cmocka_unit_test(test_rebuild),
		cmocka_unit_test(test_draw),
		cmocka_unit_test(test_minimise),
		cmocka_unit_test(test_minimise_bounded),
		cmocka_unit_test(test_minimise_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
