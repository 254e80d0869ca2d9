// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "drmtest.h"
#include "igt_core.h"
#include "igt_kernel_memory.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "igt_teardown.h"
#include "ioctl_wrappers.h"

/**
 * TEST: Bounds of BOs in VM_BIND and BO_CREATE
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: bounds
 * Test category: negative test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs
 * Failure mode: Sums of offset and size that overflow or lose their upper half, bounds that
 *	are one page off, and references that a refused operation keeps.
 * Scenario: bounds-end
 * Description: Map parts of a BO that reach beyond its end, over mappings that are in use, each
 *	in a synchronous and in a queued call. Each is refused, all mappings stay, and the BO
 *	has as many references as before.
 *
 * SUBTEST: bounds-offset
 * Run type: BAT, FULL
 * Description: VM_BIND, synchronous or queued, refuses BO offsets at the end of the BO and behind
 *	it. The mappings in the requested range stay readable and writable, and the BO has as many
 *	references as before.
 *
 * SUBTEST: bounds-size
 * Description: VM_BIND, synchronous or queued, refuses sizes that reach beyond the end of the BO
 *	from an offset inside it, by one page to almost 1 TiB. The mappings in the requested range
 *	stay readable and writable, and the BO has as many references as before.
 *
 * SUBTEST: bounds-wrap
 * Scenario: bounds-wrap
 * Description: VM_BIND, synchronous or queued, refuses BO offsets whose sum with the size exceeds
 *	64 bits and lies inside the BO again, or at its end. The mappings in the requested range
 *	stay readable and writable, and the BO has as many references as before.
 *
 * SUBTEST: bounds-align
 * Description: VM_BIND, synchronous or queued, refuses BO offsets that are not multiples of the
 *	GPU's page size, from one byte to the last word of the BO. The mappings in the requested
 *	range stay readable and writable, and the BO has as many references as before.
 *
 * SUBTEST: bounds-inside
 * Description: Map the first page, the last page, the last half and all of a BO. Each mapping shows
 *	exactly these pages, its neighbours fault, and its reference is gone with it.
 *
 * SUBTEST: bounds-create
 * Scenario: bounds-create
 * Description: BO_CREATE refuses BOs of size 0 and of 2^63 bytes or more, sizes among them that
 *	exceed 64 bits when they are rounded to pages, with and without CPU mappings, shareable and
 *	private. None of them is left.
 *
 * SUBTEST: bounds-create-huge
 * Scenario: bounds-create
 * Description: Request a BO of 256 TiB, and map one page of it if it is created. One of the two
 *	requests is refused, and the mappings in the requested range stay readable and writable.
 *	Kernel warnings are left to igt_runner.
 */

IGT_TEST_DESCRIPTION("Check the bounds of BOs in requests to panthor");

/*
 * The scenarios, and the failures that each one finds:
 *
 * 1. bounds-end: offset and size are compared with the BO one by one, or one page too early or too
 *    late, or the offset is left out of the check of alignment.
 * 2. bounds-wrap: the end of the mapping is computed in 64 bits, and the sum overflows.
 * 3. bounds-create: the size overflows when it is rounded, or no array of the pages can have that
 *    size.
 *
 * A BO and a sparse range lie side by side. Each refused VM_BIND begins at the last page of the BO,
 * and names another BO, which is mapped nowhere.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE

/* A multiple of every CPU page size. */
#define PART_SIZE ((uint64_t)SZ_64K)
#define BO_VA (2 * IGT_PANTHOR_EXEC_VA_END)
#define SPARSE_VA (BO_VA + PART_SIZE)
#define SEAM_VA (SPARSE_VA - PAGE)

/* Where bounds-inside maps, with unmapped neighbours. */
#define INSIDE_VA (BO_VA + SZ_64M)

#define FIRST IGT_PANTHOR_FIRST
#define THIRD IGT_PANTHOR_THIRD

#define TARGET_LABEL "target of bounds"

/**
 * bounds:
 * @exec: VM
 * @bo: BO at %BO_VA
 * @target: BO of %PART_SIZE that the requests name, with the pattern of %INSIDE_VA
 * @references: number of references to @target
 * @vmas: VMAs of the VM
 * @checks: number of checks of the mappings so far
 */
struct bounds {
	struct igt_panthor_exec exec;
	struct panthor_bo bo;
	struct panthor_bo target;
	uint64_t references;
	struct igt_panthor_vmas vmas;
	uint32_t checks;
};

/**
 * part:
 * @name: name of the row
 * @offset: offset in the BO in bytes
 * @size: size in bytes
 *
 * A part of a BO of %PART_SIZE. A list ends with a part that has no name.
 */
struct part {
	const char *name;
	uint64_t offset;
	uint64_t size;
};

static uint64_t count_references(struct bounds *b)
{
	struct igt_panthor_gem gem;

	igt_assert(igt_panthor_find_gem(b->exec.fd, TARGET_LABEL, &gem));
	return gem.references;
}

static void fill(const struct panthor_bo *bo, uint64_t va)
{
	for (uint64_t offset = 0; offset < bo->size; offset += PAGE)
		*(uint32_t *)((char *)bo->map + offset) = igt_panthor_pattern(va + offset, THIRD);
	__sync_synchronize();
}

/* User addresses only: the driver's own VMAs come and go with groups. */
static void read_vmas(const struct bounds *b, struct igt_panthor_vmas *vmas)
{
	size_t kept = 0;

	igt_panthor_exec_read_vmas(&b->exec, vmas);
	for (size_t i = 0; i < vmas->count; i++)
		if (vmas->vma[i].va < b->exec.uva_range)
			vmas->vma[kept++] = vmas->vma[i];
	vmas->count = kept;
}

static void bounds_init(struct bounds *b, int fd)
{
	memset(b, 0, sizeof(*b));
	igt_panthor_exec_init(&b->exec, fd);
	igt_panthor_exec_create_bo(&b->exec, &b->bo, PART_SIZE);
	igt_panthor_exec_bind_bo(&b->exec, &b->bo, BO_VA);
	igt_panthor_exec_bind_sparse(&b->exec, SPARSE_VA, PART_SIZE);
	igt_panthor_bo_create_mapped(fd, &b->target, PART_SIZE, 0, 0);
	igt_panthor_bo_set_label(fd, &b->target, TARGET_LABEL);
	fill(&b->target, INSIDE_VA);
	b->references = count_references(b);
	read_vmas(b, &b->vmas);
}

static bool is_same_vma(const struct igt_panthor_vma *a, const struct igt_panthor_vma *b)
{
	return a->va == b->va && a->size == b->size && a->object == b->object &&
	       a->offset == b->offset;
}

static void assert_same_vmas(struct bounds *b)
{
	struct igt_panthor_vmas now;

	read_vmas(b, &now);
	igt_assert_eq_u64(now.count, b->vmas.count);
	for (size_t i = 0; i < now.count; i++)
		igt_assert_f(is_same_vma(&now.vma[i], &b->vmas.vma[i]),
			     "VMA at %#" PRIx64 " of %#" PRIx64 " bytes was not there before\n",
			     now.vma[i].va, now.vma[i].size);
	igt_panthor_free_vmas(&now);
}

/* The BO and the sparse range work, nothing else is mapped, and nothing refers to the target. */
static void assert_unchanged(struct bounds *b)
{
	const uint32_t seed = FIRST + b->checks++;

	igt_panthor_vm_assert_usable(b->exec.fd, b->exec.vm_id);
	igt_assert_eq_u64(count_references(b), b->references);
	assert_same_vmas(b);
	igt_panthor_sparse_store_load(&b->exec, BO_VA, 2 * PART_SIZE, seed);
	igt_panthor_bo_assert_holds(&b->bo, BO_VA, seed);
	igt_panthor_bo_assert_holds(&b->target, INSIDE_VA, THIRD);
}

static void refuse_part(struct bounds *b, const struct part *part)
{
	for (uint32_t flags = 0; flags <= DRM_PANTHOR_VM_BIND_ASYNC; flags++) {
		struct drm_panthor_vm_bind_op op = {
			.flags = IGT_PANTHOR_BO_MAP_FLAGS,
			.bo_handle = b->target.handle,
			.bo_offset = part->offset,
			.va = SEAM_VA,
			.size = part->size,
		};
		const int err =
			__igt_panthor_vm_bind_ops(b->exec.fd, b->exec.vm_id, flags, &op, 1);

		igt_assert_f(err == -EINVAL,
			     "VM_BIND flags %#x, %#" PRIx64 " bytes at offset %#" PRIx64
			     " of a BO of %#" PRIx64 ": got %d, expected %d\n",
			     flags, part->size, part->offset, PART_SIZE, err, -EINVAL);
		assert_unchanged(b);
	}
}

static bool target_is_gone(int fd)
{
	struct igt_panthor_gem gem;

	return !igt_panthor_find_gem(fd, TARGET_LABEL, &gem);
}

/* Synchronous requests and refused ones leave nothing to a worker: the last handle frees the BO. */
static void assert_target_goes(struct bounds *b)
{
	igt_panthor_free_bo(b->exec.fd, &b->target);
	igt_assert_f(target_is_gone(b->exec.fd), "the BO is still there after its handle\n");
}

/* Rows share a file, until one of them fails and may have changed its mappings. */
static struct bounds rows;
static bool rows_intact;

static void start_row(void)
{
	if (!rows_intact) {
		igt_panthor_free_vmas(&rows.vmas);
		igt_teardown();
		bounds_init(&rows, igt_panthor_open());
	}
	rows_intact = false;
}

static void run_parts(const struct part *parts,
		      void (*run)(struct bounds *b, const struct part *part))
{
	const int fd = igt_panthor_open();

	igt_panthor_require_debugfs(fd);
	rows_intact = false;
	for (const struct part *part = parts; part->name; part++)
		igt_dynamic(part->name) {
			start_row();
			run(&rows, part);
			rows_intact = true;
		}
	igt_dynamic("released") {
		start_row();
		assert_target_goes(&rows);
	}
}

/* Loads every page of the mapping, by words that depend on the place in the BO. */
static void assert_shows(struct bounds *b, const struct part *part)
{
	const uint64_t va = INSIDE_VA + part->offset;
	const struct igt_panthor_walk load =
		igt_panthor_pages(IGT_PANTHOR_LOAD, va, part->size, THIRD);

	igt_panthor_exec_walk_verify(&b->exec, &load);
	igt_panthor_exec_neighbours_fault(&b->exec, va, part->size);
}

static void map_part(struct bounds *b, const struct part *part)
{
	const uint64_t va = INSIDE_VA + part->offset;

	igt_panthor_vm_bind_offset(b->exec.fd, b->exec.vm_id, b->target.handle, va, part->size,
				   part->offset, IGT_PANTHOR_BO_MAP_FLAGS, 0);
	assert_shows(b, part);
	igt_assert_lt_u64(b->references, count_references(b));
	igt_panthor_exec_unbind(&b->exec, va, part->size);
	assert_unchanged(b);
}

/**
 * creation:
 * @name: name of the row
 * @size: size of a BO that cannot exist
 */
static const struct {
	const char *name;
	uint64_t size;
} creations[] = {
	{ "zero", 0 },
	{ "last-byte", UINT64_MAX },
	{ "last-page", -PAGE + 1 },
	{ "last-64k", -PART_SIZE + 1 },
	{ "half", INT64_MIN },
	{ "half-and-page", INT64_MIN + PAGE },
};

static const uint32_t creation_flags[] = { 0, DRM_PANTHOR_BO_WB_MMAP, DRM_PANTHOR_BO_NO_MMAP };

/* BOs of this process while one file is open and nothing is in it. */
static unsigned int least_bos;

static void count_least_bos(void)
{
	const int fd = igt_panthor_open();

	if (igt_panthor_has_debugfs(fd))
		least_bos = igt_panthor_count_own_gems(fd);
	igt_panthor_close(fd);
}

static int create_bo(int fd, struct drm_panthor_bo_create *create)
{
	return igt_ioctl(fd, DRM_IOCTL_PANTHOR_BO_CREATE, create) ? -errno : 0;
}

static void refuse_creation(int fd, uint64_t size, uint32_t flags, uint32_t vm_id)
{
	struct drm_panthor_bo_create create = {
		.size = size,
		.flags = flags,
		.exclusive_vm_id = vm_id,
	};

	igt_assert_f(create_bo(fd, &create),
		     "a BO of %#" PRIx64 " bytes was created, flags %#x: it has %#llx bytes\n",
		     size, flags, (unsigned long long)create.size);
}

static void run_creations(int fd)
{
	static uint32_t vm_id;

	igt_panthor_require_debugfs(fd);
	/* Workers may still release the files of other subtests. */
	igt_panthor_wait_own_gems(fd, least_bos, IGT_PANTHOR_RELEASE_DEADLINE_MS);
	igt_panthor_vm_create(fd, &vm_id, 0);
	for (size_t i = 0; i < ARRAY_SIZE(creations); i++)
		igt_dynamic(creations[i].name) {
			const unsigned int bos = igt_panthor_count_own_gems(fd);

			for (size_t j = 0; j < ARRAY_SIZE(creation_flags); j++) {
				refuse_creation(fd, creations[i].size, creation_flags[j], 0);
				refuse_creation(fd, creations[i].size, creation_flags[j], vm_id);
			}
			igt_assert_eq_u32(igt_panthor_count_own_gems(fd), bos);
		}
}

/* The kernel's array of its pages would have more than 2 GiB, whatever the page size. */
#define HUGE_SIZE (UINT64_C(1) << 48)

static void create_huge(int fd)
{
	struct drm_panthor_bo_create create = {
		.size = HUGE_SIZE,
		.flags = DRM_PANTHOR_BO_NO_MMAP,
	};
	struct drm_panthor_vm_bind_op op = {
		.flags = IGT_PANTHOR_BO_MAP_FLAGS,
		.bo_offset = HUGE_SIZE / 2,
		.va = SEAM_VA,
		.size = PAGE,
	};
	struct bounds b;
	int err;

	igt_panthor_require_debugfs(fd);
	bounds_init(&b, fd);
	igt_clear_warn_once();
	err = create_bo(fd, &create);
	if (!err) {
		op.bo_handle = create.handle;
		err = __igt_panthor_vm_bind_ops(fd, b.exec.vm_id, 0, &op, 1);
		gem_close(fd, create.handle);
	}
	igt_info("a BO of %#" PRIx64 " bytes: %s\n", HUGE_SIZE, strerror(-err));
	igt_assert_lt(err, 0);
	assert_unchanged(&b);
}

static const struct part offsets[] = {
	{ "at-end", PART_SIZE, PAGE },
	{ "page-behind", PART_SIZE + PAGE, PAGE },
	{ "block-behind", SZ_2M, PAGE },
	{ "2-to-32", UINT64_C(1) << 32, PAGE },
	{ "terabyte", UINT64_C(1) << 40, PART_SIZE },
	{ "half", INT64_MIN, PAGE },
	{}
};

static const struct part sizes[] = {
	{ "page-above", 0, PART_SIZE + PAGE },
	{ "page-behind", PAGE, PART_SIZE },
	{ "last-page-and-next", PART_SIZE - PAGE, 2 * PAGE },
	{ "second-half-doubled", PART_SIZE / 2, PART_SIZE },
	{ "block", 0, SZ_2M },
	{ "2-to-32", 0, UINT64_C(1) << 32 },
	{ "2-to-32-and-page", PAGE, (UINT64_C(1) << 32) + PAGE },
	{ "terabyte", PART_SIZE - PAGE, UINT64_C(1) << 40 },
	{}
};

static const struct part wraps[] = {
	{ "to-zero", -PAGE, PAGE },
	{ "to-second-page", -PAGE, 2 * PAGE },
	{ "to-end", -PART_SIZE, 2 * PART_SIZE },
	{ "block-to-end", -(uint64_t)SZ_2M, SZ_2M + PART_SIZE },
	{ "terabyte-to-end", -(UINT64_C(1) << 40), (UINT64_C(1) << 40) + PART_SIZE },
	{}
};

static const struct part unaligned[] = {
	{ "byte", 1, PAGE },
	{ "word", 8, PAGE },
	{ "line", 64, PAGE },
	{ "half-page", PAGE / 2, PAGE },
	{ "below-page", PAGE - 1, PAGE },
	{ "above-page", PAGE + 1, PART_SIZE - 2 * PAGE },
	{ "last-word", PART_SIZE - 8, PAGE },
	{ "last-page-less-word", PART_SIZE - PAGE - 8, PAGE },
	{}
};

static const struct part inside[] = {
	{ "first-page", 0, PAGE },
	{ "last-page", PART_SIZE - PAGE, PAGE },
	{ "last-half", PART_SIZE / 2, PART_SIZE / 2 },
	{ "all", 0, PART_SIZE },
	{}
};

/**
 * bounds_case:
 * @name: name of the subtest
 * @describe: its description
 * @parts: its rows
 * @run: body of each row
 */
static const struct {
	const char *name;
	const char *describe;
	const struct part *parts;
	void (*run)(struct bounds *b, const struct part *part);
} cases[] = {
	{
		.name = "bounds-offset",
		.describe = "VM_BIND, synchronous or queued, refuses BO offsets at the end of "
			    "the BO and behind it. The mappings in the requested range stay "
			    "readable and writable, and the BO has as many references as before.",
		.parts = offsets,
		.run = refuse_part,
	},
	{
		.name = "bounds-size",
		.describe = "VM_BIND, synchronous or queued, refuses sizes that reach beyond the "
			    "end of the BO from an offset inside it, by one page to almost 1 "
			    "TiB. The mappings in the requested range stay readable and "
			    "writable, and the BO has as many references as before.",
		.parts = sizes,
		.run = refuse_part,
	},
	{
		.name = "bounds-wrap",
		.describe = "VM_BIND, synchronous or queued, refuses BO offsets whose sum with "
			    "the size exceeds 64 bits and lies inside the BO again, or at its "
			    "end. The mappings in the requested range stay readable and "
			    "writable, and the BO has as many references as before.",
		.parts = wraps,
		.run = refuse_part,
	},
	{
		.name = "bounds-align",
		.describe = "VM_BIND, synchronous or queued, refuses BO offsets that are not "
			    "multiples of the GPU's page size, from one byte to the last word of "
			    "the BO. The mappings in the requested range stay readable and "
			    "writable, and the BO has as many references as before.",
		.parts = unaligned,
		.run = refuse_part,
	},
	{
		.name = "bounds-inside",
		.describe = "Map the first page, the last page, the last half and all of a BO. "
			    "Each mapping shows exactly these pages, its neighbours fault, and "
			    "its reference is gone with it.",
		.parts = inside,
		.run = map_part,
	},
};

int igt_main()
{
	igt_fixture() {
		igt_panthor_sparse_require();
		count_least_bos();
	}

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		igt_describe(cases[i].describe);
		igt_subtest_with_dynamic(cases[i].name)
			run_parts(cases[i].parts, cases[i].run);
		igt_fixture()
			igt_teardown();
	}

	igt_describe("BO_CREATE refuses BOs of size 0 and of 2^63 bytes or more, sizes among "
		     "them that exceed 64 bits when they are rounded to pages, with and without "
		     "CPU mappings, shareable and private. None of them is left.");
	igt_subtest_with_dynamic("bounds-create")
		run_creations(igt_panthor_open());
	igt_fixture()
		igt_teardown();

	igt_describe("Request a BO of 256 TiB, and map one page of it if it is created. One of "
		     "the two requests is refused, and the mappings in the requested range stay "
		     "readable and writable. Kernel warnings are left to igt_runner.");
	igt_subtest("bounds-create-huge")
		create_huge(igt_panthor_open());
	igt_fixture()
		igt_teardown();
}
