// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

/* The pictures of panthor_vmas: whole files, bounded, whatever they show. */

#include <errno.h>

#include "samples.h"

/* Rounds with damaged files. */
#define DAMAGES 60

/* A page has several pictures. */
#define SVG_MAX (400 << 10)

static size_t draw(enum vmas_picture form, const struct vmas_input *input, char **text)
{
	char error[VMAS_ERROR_LEN] = "";
	struct vmas_model model;
	size_t size;
	FILE *out;

	assert_int_equal(vmas_model_init(&model, input, error), 0);
	out = open_memstream(text, &size);
	assert_int_equal(vmas_draw(out, form, &model, input, error), 0);
	fclose(out);
	vmas_model_fini(&model);
	return size;
}

static void draw_svg(const struct vmas_input *input)
{
	char *text;

	assert_true(draw(VMAS_SVG, input, &text) < SVG_MAX);
	assert_non_null(strstr(text, "<svg"));
	assert_non_null(strstr(text, "</svg>"));
	/* An address that is drawn from no number is not in the file. */
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf"));
	free(text);
}

static void test_svg(void **state)
{
	char *log = sample("evict-remap.log"), error[VMAS_ERROR_LEN] = "";
	struct vmas_input input = {};

	(void)state;
	assert_int_equal(vmas_parse_log(log, NULL, &input, error), 0);
	draw_svg(&input);
	vmas_input_free(&input);
	free(log);
}

static void test_png(void **state)
{
	struct vmas_input input = sample_copies();
	char *text;

	(void)state;
	assert_true(draw(VMAS_PNG, &input, &text) > 1000);
	assert_memory_equal(text, "\x89PNG", 4);
	free(text);
	vmas_input_free(&input);
}

/* The first and the last addresses, a VMA of nearly all addresses, and marks at its ends. */
static void test_extremes(void **state)
{
	struct vmas_input input = {
		.gpuvas = strdup(" VAs | start              | range              | end           "
				 "     | object             | object offset\n"
				 "     | 0x0000000000000000 | 0xfffffffffffff000 | 0xfffffffffffff000"
				 " | 0x0000000000000001 | 0x0000000000000000\n"),
		.mark = {
			{ .kind = VMAS_MARK_FAULT, .va = UINT64_MAX },
			{ .kind = VMAS_MARK_ACCESS, .va = 0, .size = UINT64_MAX },
			{ .va = 0 },
		},
		.mark_count = 3,
	};

	(void)state;
	draw_svg(&input);
	input.mark[0].va = 0;
	draw_svg(&input);
	input.mark[0].va = 0x7fffffffffffffff;
	draw_svg(&input);
	vmas_input_free(&input);
}

static void add_vma(FILE *out, uint64_t va)
{
	fprintf(out, "     | 0x%016llx | 0x%016llx | 0x%016llx | 0x%016llx | 0x%016llx\n",
		(unsigned long long)va, 0x1000ull, (unsigned long long)va + 0x1000,
		(unsigned long long)va * 2 + 1, 0ull);
}

/* What is drawn of ten thousand VMAs is bounded, whether the mark is among them or not. */
static void test_many_vmas(void **state)
{
	struct vmas_input input = { .mark_count = 1 };
	size_t size;
	FILE *out = open_memstream(&input.gpuvas, &size);

	(void)state;
	fprintf(out, " VAs | start              | range              | end                | object "
		     "            | object offset\n");
	for (unsigned int i = 0; i < 10000; i++)
		add_vma(out, i * 0x2000ull);
	fclose(out);
	draw_svg(&input);
	input.mark[0].va = 5000 * 0x2000ull;
	draw_svg(&input);
	input.mark[0].va = 9999 * 0x2000ull;
	draw_svg(&input);
	vmas_input_free(&input);
}

static void test_damaged(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (unsigned int i = 0; i < DAMAGES; i++) {
		struct vmas_input input = sample_copies();
		char error[VMAS_ERROR_LEN] = "";
		struct vmas_model model;

		sample_damage(input.gpuvas, &seed);
		sample_damage(input.gems, &seed);
		input.mark[input.mark_count++] = (struct vmas_mark) {
			.kind = VMAS_MARK_FAULT, .va = SAMPLE_FAULT,
		};
		if (!vmas_model_init(&model, &input, error)) {
			vmas_model_fini(&model);
			draw_svg(&input);
		}
		vmas_input_free(&input);
	}
}

static ssize_t no_space(void *cookie, const char *data, size_t size)
{
	(void)cookie;
	(void)data;
	(void)size;
	errno = ENOSPC;
	return 0;
}

static void test_no_space(void **state)
{
	const cookie_io_functions_t functions = { .write = no_space };
	struct vmas_input input = sample_copies();
	char error[VMAS_ERROR_LEN] = "";
	struct vmas_model model;
	FILE *out;

	(void)state;
	assert_int_equal(vmas_model_init(&model, &input, error), 0);
	for (unsigned int form = VMAS_SVG; form <= VMAS_PNG; form++) {
		out = fopencookie(NULL, "w", functions);
		assert_non_null(out);
		setbuf(out, NULL);
		error[0] = '\0';
		assert_int_equal(vmas_draw(out, form, &model, &input, error), -EIO);
		assert_string_not_equal(error, "");
		fclose(out);
	}
	vmas_model_fini(&model);
	vmas_input_free(&input);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_svg),
		cmocka_unit_test(test_png),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_many_vmas),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_no_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
