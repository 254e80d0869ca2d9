// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

/* The parsers of debugfs files and of the kernel log, on text in the driver's formats. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "igt_panthor_debugfs.h"

#define GEMS_HEAD \
	"GEM state flags: imported (0x1), exported (0x2), evicted (0x4)\n" \
	"GEM usage flags: kernel (0x1), fw-mapped (0x2)\n\n" \
	"created-by                      global-name     refcount   evictions  size       " \
	"     resident-size   file-offset       state      usage       label\n" \
	"--------------------------------------------------------------------------------\n"

#define GEMS_TAIL \
	"================================================================================\n" \
	"Total size: 6295552, Total resident: 4198400, Total reclaimable: 2097152\n"

/* A kernel BO, a dummy, a dummy that was evicted, and a BO with a label. */
static const char gems_text[] =
	GEMS_HEAD
	"swapper/0/1                     0               2          0          4096       "
	"     4096            0x100000          0x0        0x3         MCU FW section\n"
	"panthor_vm_spar/412             0               3          0          2097152    "
	"     2097152         0x100001          0x0        0x0         \n"
	"panthor_vm_spar/412             0               3          12         2097152    "
	"     0               0x100201          0x4        0x0         \n"
	"a b/c d/77                      0               1          1          2097152    "
	"     2097152         0x100401          0x2        0x0         loaded words\n"
	GEMS_TAIL;

static void test_gems(void **state)
{
	struct igt_panthor_gems gems;

	(void)state;
	assert_int_equal(igt_panthor_parse_gems(gems_text, &gems), 0);
	assert_int_equal(gems.count, 4);

	assert_int_equal(gems.gem[0].pid, 1);
	assert_string_equal(gems.gem[0].comm, "swapper/0");
	assert_int_equal(gems.gem[0].size, 4096);
	assert_int_equal(gems.gem[0].usage, 3);
	assert_string_equal(gems.gem[0].label, "MCU FW section");

	assert_int_equal(gems.gem[1].pid, 412);
	assert_int_equal(gems.gem[1].references, 3);
	assert_int_equal(gems.gem[1].size, IGT_PANTHOR_DUMMY_SIZE);
	assert_int_equal(gems.gem[1].resident, IGT_PANTHOR_DUMMY_SIZE);
	assert_int_equal(gems.gem[1].evictions, 0);
	assert_int_equal(gems.gem[1].file_offset, 0x100001);
	assert_int_equal(gems.gem[1].state, 0);
	assert_string_equal(gems.gem[1].label, "");

	assert_int_equal(gems.gem[2].resident, 0);
	assert_int_equal(gems.gem[2].evictions, 12);
	assert_int_equal(gems.gem[2].state, 4);

	assert_int_equal(gems.gem[3].pid, 77);
	assert_string_equal(gems.gem[3].comm, "a b/c d");
	assert_int_equal(gems.gem[3].state, 2);
	assert_string_equal(gems.gem[3].label, "loaded words");

	assert_int_equal(gems.size, 6295552);
	assert_int_equal(gems.resident, 4198400);
	assert_int_equal(gems.reclaimable, 2097152);

	igt_panthor_free_gems(&gems);
	assert_int_equal(gems.count, 0);
}

/* A label may hold anything: what it makes of the table must not be taken for a row. */
static void test_gems_label_with_newlines(void **state)
{
	static const char text[] =
		GEMS_HEAD
		"x/5                             0               1          0          4096      "
		"      0               0x100000          0x0        0x0         one\n"
		"\n"
		"/\n"
		"two/2                           0               1          0          nonsense\n"
		GEMS_TAIL;
	struct igt_panthor_gems gems;

	(void)state;
	assert_int_equal(igt_panthor_parse_gems(text, &gems), 0);
	assert_int_equal(gems.count, 1);
	assert_int_equal(gems.gem[0].pid, 5);
	igt_panthor_free_gems(&gems);
}

static void test_gems_long_label(void **state)
{
	char text[1024] =
		GEMS_HEAD
		"x/5                             0               1          0          4096      "
		"      0               0x100000          0x0        0x0         ";
	struct igt_panthor_gems gems;

	(void)state;
	memset(text + strlen(text), 'L', 2 * IGT_PANTHOR_GEM_LABEL_LEN);
	assert_int_equal(igt_panthor_parse_gems(text, &gems), 0);
	assert_int_equal(gems.count, 1);
	assert_int_equal(strlen(gems.gem[0].label), IGT_PANTHOR_GEM_LABEL_LEN - 1);
	igt_panthor_free_gems(&gems);
}

#define GPUVAS_HEAD(name) \
	"DRM GPU VA space (" name ") [0x0000000000000000;0x0001000000000000]\n" \
	"Kernel reserved node [0x0000000000000000;0x0000000000000000]\n\n" \
	" VAs | start              | range              | end                | object       " \
	"      | object offset\n" \
	"-----------------------------------------------------------------------------------\n"

/* The MCU's VM, one with a sparse range that was split, and one with nothing. */
static const char gpuvas_text[] =
	GPUVAS_HEAD("panthor-MCU-VM")
	"     | 0x0000000004000000 | 0x0000000000080000 | 0x0000000004080000 | "
	"0xffff888003a1c000 | 0x0000000000000000\n"
	"\n"
	GPUVAS_HEAD("panthor-GPU-VM")
	"     | 0x0000000080100000 | 0x0000000000200000 | 0x0000000080300000 | "
	"0xffff888003a1d000 | 0x0000000000100000\n"
	"     | 0x0000000080301000 | 0x0000000000003000 | 0x0000000080304000 | "
	"0xffff888003a1d000 | 0x0000000000101000\n"
	"\n"
	GPUVAS_HEAD("panthor-GPU-VM")
	"\n";

static void test_gpuvas(void **state)
{
	const struct igt_panthor_vma *vma;
	struct igt_panthor_vmas vmas;

	(void)state;
	assert_int_equal(igt_panthor_parse_gpuvas(gpuvas_text, &vmas), 0);
	assert_int_equal(vmas.count, 3);
	assert_int_equal(vmas.vma[0].vm, 0);

	vma = igt_panthor_find_vma(&vmas, 1, 0x80301000 + 0x2fff);
	assert_ptr_equal(vma, &vmas.vma[2]);
	assert_int_equal(vma->va, 0x80301000);
	assert_int_equal(vma->size, 0x3000);
	assert_int_equal(vma->offset, 0x101000);
	assert_true(vma->object == 0xffff888003a1d000);

	assert_null(igt_panthor_find_vma(&vmas, 1, 0x80300000));
	assert_null(igt_panthor_find_vma(&vmas, 1, 0x80304000));
	assert_null(igt_panthor_find_vma(&vmas, 0, 0x80301000));

	igt_panthor_free_vmas(&vmas);
}

static void test_find_vm(void **state)
{
	static const char twice[] =
		GPUVAS_HEAD("panthor-GPU-VM")
		"     | 0x0000000000001000 | 0x0000000000001000 | 0x0000000000002000 | 0x1 | 0x0\n"
		GPUVAS_HEAD("panthor-GPU-VM")
		"     | 0x0000000000001000 | 0x0000000000001000 | 0x0000000000002000 | "
		"0x0000000000000001 | 0x0000000000000000\n"
		GPUVAS_HEAD("panthor-GPU-VM")
		"     | 0x0000000000001000 | 0x0000000000001000 | 0x0000000000002000 | "
		"0x0000000000000001 | 0x0000000000000000\n";
	struct igt_panthor_vmas vmas;

	(void)state;
	assert_int_equal(igt_panthor_parse_gpuvas(gpuvas_text, &vmas), 0);
	assert_int_equal(igt_panthor_find_vm(&vmas, 0x80301000, 0x3000), 1);
	assert_int_equal(igt_panthor_find_vm(&vmas, 0x80301000, 0x2000), -ENOENT);
	assert_int_equal(igt_panthor_find_vm(&vmas, 0x80302000, 0x3000), -ENOENT);
	igt_panthor_free_vmas(&vmas);

	assert_int_equal(igt_panthor_parse_gpuvas(twice, &vmas), 0);
	assert_int_equal(vmas.count, 2);
	assert_int_equal(igt_panthor_find_vm(&vmas, 0x1000, 0x1000), -ENOTUNIQ);
	igt_panthor_free_vmas(&vmas);
}

static void test_unknown_formats(void **state)
{
	/* All columns, but not in the driver's order. */
	static const char other_order[] =
		"refcount  evictions  size  resident-size  file-offset  state  usage  label  created-by\n"
		"1         1          1     1              1            1      1\n";
	static const char * const texts[] = {
		"", "\n", "created-by size\n", GEMS_TAIL, other_order,
		" VAs | object offset | object | range | start\n | 1 | 1 | 1 | 1\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct igt_panthor_gems gems;
		struct igt_panthor_vmas vmas;

		assert_int_equal(igt_panthor_parse_gems(texts[i], &gems), -EPROTO);
		assert_int_equal(gems.count, 0);
		assert_int_equal(igt_panthor_parse_gpuvas(texts[i], &vmas), -EPROTO);
		assert_int_equal(vmas.count, 0);
	}
}

static void test_fault(void **state)
{
	struct igt_panthor_fault fault = {};

	(void)state;
	assert_true(igt_panthor_parse_fault(
		"3,412,9000000,-;panthor panthor.0: [drm] *ERROR* Unhandled Page fault in AS3 at "
		"VA 0x0000000200007FFC\\x0araw fault status: 0x3C3\n", &fault));
	assert_int_equal(fault.as, 3);
	assert_true(fault.va == 0x200007ffc);
	assert_int_equal(fault.sequence, 412);

	assert_false(igt_panthor_parse_fault("4,1,1,-;CSG slot 0 CS slot: 0\n", &fault));
	assert_false(igt_panthor_parse_fault("Unhandled Page fault in AS3\n", &fault));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gems),
		cmocka_unit_test(test_gems_label_with_newlines),
		cmocka_unit_test(test_gems_long_label),
		cmocka_unit_test(test_gpuvas),
		cmocka_unit_test(test_find_vm),
		cmocka_unit_test(test_unknown_formats),
		cmocka_unit_test(test_fault),
	};

	return cmocka_run_group_tests_name("debugfs", tests, NULL, NULL);
}
