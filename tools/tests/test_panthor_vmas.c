// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

/* What panthor_vmas reads, what it concludes, and what it prints as text. */

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "samples.h"

/* Rounds with damaged files. */
#define DAMAGES 1000

static struct vmas_model model_of(const struct vmas_input *input)
{
	char error[VMAS_ERROR_LEN] = "";
	struct vmas_model model;

	assert_int_equal(vmas_model_init(&model, input, error), 0);
	return model;
}

static const struct vmas_object *object_at(const struct vmas_model *model, unsigned int vm,
					   uint64_t va)
{
	const struct vmas_vma *vma = vmas_find(model, &model->vm[vm], va);

	assert_non_null(vma);
	return &model->object[vma->object];
}

/* ---------------------------------------------------------------------------------------------- */

static void test_model(void **state)
{
	struct vmas_input input = sample_copies();
	struct vmas_model model = model_of(&input);
	const struct vmas_object *object;

	(void)state;
	assert_int_equal(model.vm_count, 3);
	assert_int_equal(model.vma_count, 13);
	assert_true(model.vm[0].is_firmware);
	assert_int_equal(model.vm[0].pid, 0);
	assert_int_equal(model.vm[1].pid, 412);
	assert_string_equal(model.vm[1].comm, "panthor_vm_spar");
	assert_int_equal(model.vm[1].count, 8);
	assert_int_equal(model.vm[2].pid, 77);

	object = object_at(&model, 1, SAMPLE_SPARSE + 0x2000000);
	assert_int_equal(object->kind, VMAS_SPARSE);
	assert_int_equal(object->pages, VMAS_PAGES_RESIDENT);
	assert_int_equal(object->evictions, 1);
	assert_string_equal(object->label, "sparse dummy, client 7");
	assert_false(vmas_is_odd_sparse(vmas_find(&model, &model.vm[1], SAMPLE_SPARSE), object));

	object = object_at(&model, 1, 0x180000000);
	assert_int_equal(object->kind, VMAS_BO);
	assert_int_equal(object->pages, VMAS_PAGES_EVICTED);
	assert_string_equal(object->label, "bystander");

	/* Four lines of gems have its size. One of them is evicted, so that nothing is known. */
	object = object_at(&model, 1, 0x10000000);
	assert_int_equal(object->kind, VMAS_BO);
	assert_int_equal(object->candidates, 4);
	assert_null(object->gem);
	assert_int_equal(object->pages, VMAS_PAGES_UNKNOWN);
	assert_string_equal(object->label, "streams | flags | tag | CS ring buffer");

	assert_int_equal(object_at(&model, 2, 0x3000000)->pages, VMAS_PAGES_NONE);
	vmas_model_fini(&model);
	vmas_input_free(&input);
}

static void test_model_without_gems(void **state)
{
	struct vmas_input input = { .gpuvas = sample("gpuvas") };
	struct vmas_model model = model_of(&input);

	(void)state;
	assert_int_equal(object_at(&model, 1, SAMPLE_SPARSE)->kind, VMAS_UNKNOWN);
	assert_int_equal(object_at(&model, 1, 0x180000000)->kind, VMAS_BO);
	assert_int_equal(model.vm[1].pid, 0);
	vmas_model_fini(&model);
	vmas_input_free(&input);
}

#define GPUVAS_HEAD \
	"DRM GPU VA space (x) [0x0000000000000000;0x0001000000000000]\n\n" \
	" VAs | start              | range              | end                | object           " \
	"  | object offset\n"
#define GPUVAS_LINE(va, size, end, object, offset) \
	"     | " va " | " size " | " end " | " object " | " offset "\n"
#define GEMS_HEAD \
	"created-by                      global-name     refcount   evictions  size       " \
	"     resident-size   file-offset       state      usage       label\n"
#define GEMS_LINE(creator, refs, size, state, label) \
	creator " 0               " refs "          0          " size " 4096            " \
	"0x100000          " state "        0x0         " label "\n"
#define CREATOR_A "a/1                            "
#define CREATOR_B "b/2                            "
#define OBJECT_1 "0xffff000000000001"
#define OBJECT_2 "0xffff000000000002"
#define ZERO "0x0000000000000000"

/* An exported BO of another process does not hide whose VM it is. */
static void test_shared_bo(void **state)
{
	struct vmas_input input = {
		.gpuvas = strdup(GPUVAS_HEAD
			GPUVAS_LINE("0x0000000000001000", "0x0000000000001000",
				    "0x0000000000002000", OBJECT_1, ZERO)
			GPUVAS_LINE("0x0000000000100000", "0x0000000000010000",
				    "0x0000000000110000", OBJECT_2, ZERO)),
		.gems = strdup(GEMS_HEAD
			GEMS_LINE(CREATOR_A, "1", "4096           ", "0x0", "mine")
			GEMS_LINE(CREATOR_B, "1", "65536          ", "0x2", "theirs")
			GEMS_LINE(CREATOR_B, "9", "2048           ", "0x0", "none")),
	};
	struct vmas_model model = model_of(&input);

	(void)state;
	assert_int_equal(model.vm[0].pid, 1);
	assert_string_equal(object_at(&model, 0, 0x1000)->label, "mine");
	assert_string_equal(object_at(&model, 0, 0x100000)->label, "theirs");
	assert_int_equal(object_at(&model, 0, 0x100000)->pid, 2);
	vmas_model_fini(&model);
	vmas_input_free(&input);
}

/* Two objects that can be two lines only: a third one is neither of them. */
static void test_group(void **state)
{
	struct vmas_input input = {
		.gpuvas = strdup(GPUVAS_HEAD
			GPUVAS_LINE("0x0000000000200000", "0x0000000000200000", ZERO, OBJECT_1, ZERO)
			GPUVAS_LINE("0x0000000000400000", "0x0000000000200000", ZERO, OBJECT_2, ZERO)
			GPUVAS_LINE("0x0000000000600000", "0x0000000000100000", ZERO,
				    "0xffff000000000003", ZERO)),
		.gems = strdup(GEMS_HEAD
			GEMS_LINE(CREATOR_A, "2", "2097152        ", "0x0", "one")
			GEMS_LINE(CREATOR_A, "2", "2097152        ", "0x0", "two")
			GEMS_LINE(CREATOR_A, "2", "1048576        ", "0x0", "three")
			GEMS_LINE(CREATOR_A, "2", "1048576        ", "0x0", "four")),
	};
	struct vmas_model model = model_of(&input);

	(void)state;
	assert_string_equal(object_at(&model, 0, 0x200000)->label, "one | two");
	assert_string_equal(object_at(&model, 0, 0x400000)->label, "one | two");
	assert_string_equal(object_at(&model, 0, 0x600000)->label, "three | four");
	vmas_model_fini(&model);
	vmas_input_free(&input);
}

/* A sparse VMA whose offset is not that of its address in its block is shown as such. */
static void test_odd_sparse(void **state)
{
	const struct vmas_object sparse = { .kind = VMAS_SPARSE }, bo = { .kind = VMAS_BO };
	const struct vmas_vma odd = { .va = 0x201000, .size = 0x1000, .offset = 0 };
	const struct vmas_vma even = { .va = 0x201000, .size = 0x1000, .offset = 0x1000 };

	(void)state;
	assert_true(vmas_is_odd_sparse(&odd, &sparse));
	assert_false(vmas_is_odd_sparse(&even, &sparse));
	assert_false(vmas_is_odd_sparse(&odd, &bo));
}

static void test_impossible_lines(void **state)
{
	struct vmas_input input = {
		.gpuvas = strdup(GPUVAS_HEAD
			GPUVAS_LINE("0xfffffffffffff000", "0x0000000000002000", ZERO, OBJECT_1, ZERO)
			GPUVAS_LINE("0x0000000000001000", ZERO, ZERO, OBJECT_1, ZERO)
			GPUVAS_LINE("0x0000000000001000", "0x0000000000001000", ZERO, OBJECT_1,
				    "0xffffffffffffffff")),
	};
	struct vmas_model model = model_of(&input);

	(void)state;
	assert_int_equal(model.vma_count, 0);
	assert_int_equal(model.ignored, 3);
	vmas_model_fini(&model);
	vmas_input_free(&input);
}

static void test_select(void **state)
{
	struct vmas_input input = sample_copies();
	struct vmas_model model = model_of(&input);
	char error[VMAS_ERROR_LEN] = "";

	(void)state;
	assert_int_equal(vmas_model_select(&model, -1, 412, error), 0);
	assert_int_equal(model.vm_count, 1);
	assert_int_equal(model.vm[0].number, 1);
	assert_int_equal(vmas_model_select(&model, 2, 0, error), -ENOENT);
	assert_string_not_equal(error, "");
	vmas_model_fini(&model);
	vmas_input_free(&input);
}

static void assert_blocks(uint64_t va, uint64_t size, uint64_t head, uint64_t whole, uint64_t tail)
{
	const struct vmas_blocks blocks = vmas_split_blocks(va, size);

	assert_int_equal(blocks.head, head);
	assert_int_equal(blocks.whole, whole);
	assert_int_equal(blocks.tail, tail);
}

static void test_blocks(void **state)
{
	(void)state;
	assert_blocks(0, VMAS_BLOCK, 0, 1, 0);
	assert_blocks(0, 0x1000, 0, 0, 0x1000);
	assert_blocks(0x1000, 0x1000, 0x1000, 0, 0);
	assert_blocks(0x1ff000, 0x1000, 0x1000, 0, 0);
	assert_blocks(0x1ff000, 0x2000, 0x1000, 0, 0x1000);
	assert_blocks(SAMPLE_SPARSE, 64 << 20, 0xbb000, 31, 0x145000);
	assert_blocks(UINT64_MAX - 0xfff, 0xfff, 0xfff, 0, 0);
}

static void assert_size(uint64_t size, const char *wanted)
{
	char text[32];

	vmas_format_size(size, text, sizeof(text));
	assert_string_equal(text, wanted);
}

static void test_sizes(void **state)
{
	(void)state;
	assert_size(0, "0 B");
	assert_size(0x1000, "4 KiB");
	assert_size((16 << 20) - 0x1000, "16380 KiB");
	assert_size(3 << 19, "1.50 MiB");
	assert_size(UINT64_C(1) << 48, "256 TiB");
	assert_size(UINT64_MAX, "18446744073709551615 B");
}

static void test_marks(void **state)
{
	struct vmas_mark mark;

	(void)state;
	assert_int_equal(vmas_parse_mark("0x1000", VMAS_MARK_FAULT, &mark), 0);
	assert_int_equal(mark.va, 0x1000);
	assert_int_equal(mark.size, 0);
	assert_int_equal(vmas_parse_mark("4096+0x2000:a b\x1b[1m", VMAS_MARK_ACCESS, &mark), 0);
	assert_int_equal(mark.va, 4096);
	assert_int_equal(mark.size, 0x2000);
	assert_string_equal(mark.text, "a b[1m");
	assert_int_equal(vmas_parse_mark("", VMAS_MARK_PLAIN, &mark), -EINVAL);
	assert_int_equal(vmas_parse_mark("-1", VMAS_MARK_PLAIN, &mark), -EINVAL);
	assert_int_equal(vmas_parse_mark("0x1000x", VMAS_MARK_PLAIN, &mark), -EINVAL);
	assert_int_equal(vmas_parse_mark("0xfffffffffffff000+0x2000", VMAS_MARK_PLAIN, &mark),
			 -EINVAL);
}

/* ---------------------------------------------------------------------------------------------- */

static void test_log(void **state)
{
	char *log = sample("evict-remap.log"), error[VMAS_ERROR_LEN] = "", text[512];
	struct vmas_input input = {};
	struct vmas_model model;

	(void)state;
	assert_int_equal(vmas_parse_log(log, "evict-remap", &input, error), 0);
	assert_string_equal(input.subtest, "evict-remap");
	assert_int_equal(input.mark_count, 2);
	assert_int_equal(input.mark[0].kind, VMAS_MARK_FAULT);
	assert_int_equal(input.mark[0].va, SAMPLE_FAULT);
	assert_int_equal(input.left_vmas, 5);
	assert_int_equal(input.left_gems, 4);
	assert_int_equal(vmas_accessed_end(&input, &input.mark[1]), SAMPLE_FAULT);

	model = model_of(&input);
	assert_int_equal(model.vm_count, 1);
	assert_true(model.vm[0].is_marked);
	vmas_describe_mark(&model, &model.vm[0], &input, &input.mark[0], text, sizeof(text));
	assert_string_equal(text, "fault 0x100200000 store: in the sparse VMA of 0x100145000, "
				  "block 2 of 33, at its edge; object resident");
	vmas_describe_mark(&model, &model.vm[0], &input, &input.mark[1], text, sizeof(text));
	assert_string_equal(text, "accesses 0x100145000 to 0x104145000, 64 MiB, store: 748 KiB of "
				  "it worked");
	vmas_model_fini(&model);
	vmas_input_free(&input);
	free(log);
}

/* The last of several, or the one that is named. Lines of other parts do not count. */
static void test_log_of_several(void **state)
{
	static const char log[] =
		"gpuvas: not yet\n"
		"address spaces of one: begin\nmark: 0x1000\ngpuvas: first\nanything\n"
		"address spaces of one: end\nmark: 0x2000\n"
		"address spaces of two-2: begin\nvm: 0x9000\nmark: 0x3000 words\ngpuvas: second\n";
	char error[VMAS_ERROR_LEN] = "";
	struct vmas_input input = {};

	(void)state;
	assert_int_equal(vmas_parse_log(log, NULL, &input, error), 0);
	assert_string_equal(input.subtest, "two-2");
	assert_string_equal(input.gpuvas, "second\n");
	assert_null(input.gems);
	assert_true(input.has_vm_va);
	assert_int_equal(input.mark[0].va, 0x3000);
	assert_string_equal(input.mark[0].text, "words");
	vmas_input_free(&input);

	assert_int_equal(vmas_parse_log(log, "one", &input, error), 0);
	assert_string_equal(input.gpuvas, "first\n");
	assert_int_equal(input.mark_count, 1);
	assert_int_equal(input.mark[0].va, 0x1000);
	vmas_input_free(&input);

	/* A row, by its own name and by that of its subtest. */
	assert_int_equal(vmas_parse_log("address spaces of a@b: begin\n", "a", &input, error), 0);
	assert_string_equal(input.subtest, "a@b");
	vmas_input_free(&input);
	assert_int_equal(vmas_parse_log("address spaces of a@b: begin\n", "a@b", &input, error), 0);
	vmas_input_free(&input);
	assert_int_equal(vmas_parse_log("address spaces of ab: begin\n", "a", &input, error),
			 -ENOENT);

	assert_int_equal(vmas_parse_log(log, "three", &input, error), -ENOENT);
	vmas_input_free(&input);
}

static void test_log_with_many_marks(void **state)
{
	char log[4096] = "address spaces of x: begin\n", error[VMAS_ERROR_LEN] = "";
	struct vmas_input input = {};

	(void)state;
	for (unsigned int i = 0; i < 3 * VMAS_MARKS_MAX; i++)
		strcat(log, "mark: 0x1000\n");
	assert_int_equal(vmas_parse_log(log, NULL, &input, error), 0);
	assert_int_equal(input.mark_count, VMAS_MARKS_MAX);
	vmas_input_free(&input);
}

/* ---------------------------------------------------------------------------------------------- */

static void write_file(const char *folder, const char *name)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "text of %s\n", name);
	fclose(file);
}

static void make_device(const char *debugfs, const char *name, bool is_panthor)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", debugfs, name);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file(path, "gpuvas");
	if (is_panthor)
		write_file(path, "gems");
}

static void test_devices(void **state)
{
	char debugfs[] = "/tmp/test_panthor_vmas.XXXXXX", command[128], path[256];
	char error[VMAS_ERROR_LEN] = "";
	struct vmas_input input = {};

	(void)state;
	assert_non_null(mkdtemp(debugfs));
	assert_int_equal(vmas_find_device(debugfs, NULL, path, sizeof(path), error), -ENOENT);
	make_device(debugfs, "0", true);
	make_device(debugfs, "128", true);
	make_device(debugfs, "129", false);
	assert_int_equal(vmas_find_device(debugfs, NULL, path, sizeof(path), error), 0);
	assert_string_equal(strrchr(path, '/'), "/128");
	assert_int_equal(vmas_read_device(path, &input, error), 0);
	assert_string_equal(input.gems, "text of gems\n");
	vmas_input_free(&input);

	make_device(debugfs, "130", true);
	assert_int_equal(vmas_find_device(debugfs, NULL, path, sizeof(path), error), -ENOENT);
	assert_non_null(strstr(error, "--device"));
	assert_int_equal(vmas_find_device(debugfs, "130", path, sizeof(path), error), 0);
	assert_int_equal(vmas_find_device(debugfs, "129", path, sizeof(path), error), -ENOENT);
	assert_int_equal(vmas_find_device(debugfs, "../130", path, sizeof(path), error), -ENOENT);
	snprintf(command, sizeof(command), "rm -r %s", debugfs);
	assert_int_equal(system(command), 0);
}

/* ---------------------------------------------------------------------------------------------- */

/* A label may have any bytes. Neither a terminal nor a reader of JSON gets them. */
static void test_hostile_label(void **state)
{
	struct vmas_input input = {
		.gpuvas = strdup(GPUVAS_HEAD
			GPUVAS_LINE("0x0000000000001000", "0x0000000000001000",
				    "0x0000000000002000", OBJECT_1, ZERO)),
		.gems = strdup(GEMS_HEAD
			GEMS_LINE(CREATOR_A, "1", "4096           ", "0x0", "\x1b[2J\"\\\xff<b>")),
	};
	struct vmas_model model = model_of(&input);
	char *text;
	size_t size;
	FILE *out;

	(void)state;
	assert_string_equal(object_at(&model, 0, 0x1000)->label, "?[2J\"\\?<b>");
	out = open_memstream(&text, &size);
	vmas_print_json(out, &model, &input);
	fclose(out);
	assert_non_null(strstr(text, "\"?[2J\\\"\\\\?<b>\""));
	free(text);
	vmas_model_fini(&model);
	vmas_input_free(&input);
}

static void print_all(const struct vmas_model *model, const struct vmas_input *input)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	vmas_print_table(out, model, input);
	vmas_print_json(out, model, input);
	fclose(out);
	free(text);
}

/* Damaged files are refused or shown. The sanitizers judge the rest. */
static void test_damaged_copies(void **state)
{
	uint64_t seed = 1;
	unsigned int shown = 0;

	(void)state;
	for (unsigned int i = 0; i < DAMAGES; i++) {
		struct vmas_input input = sample_copies();
		char error[VMAS_ERROR_LEN] = "";
		struct vmas_model model;

		sample_damage(input.gpuvas, &seed);
		sample_damage(input.gems, &seed);
		input.mark[input.mark_count++] = (struct vmas_mark) {
			.kind = VMAS_MARK_FAULT, .va = sample_random(&seed),
		};
		if (!vmas_model_init(&model, &input, error)) {
			print_all(&model, &input);
			vmas_model_fini(&model);
			shown++;
		} else {
			assert_string_not_equal(error, "");
		}
		vmas_input_free(&input);
	}
	assert_true(shown > DAMAGES / 4);
}

static void test_damaged_log(void **state)
{
	uint64_t seed = 2;

	(void)state;
	for (unsigned int i = 0; i < DAMAGES; i++) {
		char *log = sample("evict-remap.log"), error[VMAS_ERROR_LEN] = "";
		struct vmas_input input = {};
		struct vmas_model model;

		sample_damage(log, &seed);
		if (!vmas_parse_log(log, NULL, &input, error) &&
		    !vmas_model_init(&model, &input, error)) {
			print_all(&model, &input);
			vmas_model_fini(&model);
		}
		vmas_input_free(&input);
		free(log);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_model_without_gems),
		cmocka_unit_test(test_shared_bo),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_odd_sparse),
		cmocka_unit_test(test_impossible_lines),
		cmocka_unit_test(test_select),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_log_of_several),
		cmocka_unit_test(test_log_with_many_marks),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_hostile_label),
		cmocka_unit_test(test_damaged_copies),
		cmocka_unit_test(test_damaged_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
