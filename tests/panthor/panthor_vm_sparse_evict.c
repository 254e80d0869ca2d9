// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_kernel_memory.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "igt_teardown.h"

/**
 * TEST: Sparse mappings of panthor, evicted and found again
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings, eviction
 * Feature: evict
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap
 * Failure mode: What is not mapped again after eviction, or not as it was: other
 *	pages, offsets, flags or sizes; evictions that come at the wrong time,
 *	or only once.
 * Description: Has the driver's shrinker take the pages behind sparse ranges, and
 *	checks by loads and stores of the GPU that all is there again when it is
 *	used next, no more and no less.
 *
 * SUBTEST: evict-remap
 * Run type: BAT, FULL
 * Description: 64 MiB at an odd alignment, evicted: the next job reaches every
 *	page, and nothing more is mapped than before.
 *
 * SUBTEST: evict-whole-page
 * Description: A single page, evicted while the VM has its address space and
 *	again when the device is idle: it works after each, its neighbours fault.
 *
 * SUBTEST: evict-whole-tile
 * Description: The same for 64 KiB inside of a 2 MiB block.
 *
 * SUBTEST: evict-whole-block
 * Description: The same for exactly one 2 MiB block.
 *
 * SUBTEST: evict-whole-edges
 * Description: The same for a range of head, whole blocks and tail.
 *
 * SUBTEST: evict-whole-64m
 * Description: The same for 64 MiB, far more than the dummy object has.
 *
 * SUBTEST: evict-4g-less
 * Description: The same for 4 GiB less 2 MiB; an access every 2 MiB.
 *
 * SUBTEST: evict-4g
 * Description: The same for 4 GiB, where a size no longer fits into 32 bits.
 *
 * SUBTEST: evict-4g-odd
 * Description: The same for a page more than 4 GiB at an odd alignment.
 *
 * SUBTEST: evict-split-unmap
 * Description: A range with a hole, evicted: both sides work, the hole faults.
 *
 * SUBTEST: evict-split-bo
 * Description: A range with a BO in its middle, evicted: both sides work, the BO
 *	has its own content.
 *
 * SUBTEST: evict-split-blocks
 * Description: A range with a hole of whole blocks, evicted: as with a small one.
 *
 * SUBTEST: evict-punch-unmap
 * Description: A hole is made in a range while it is evicted: both sides come
 *	back, the hole does not.
 *
 * SUBTEST: evict-punch-bo
 * Description: A BO is mapped into a range while it is evicted: both sides come
 *	back, and leave the BO alone.
 *
 * SUBTEST: evict-punch-sparse
 * Description: A sparse range is bound into an evicted one: all of it works.
 *
 * SUBTEST: evict-punch-head
 * Description: The head of a range is unmapped while it is evicted: the rest comes
 *	back.
 *
 * SUBTEST: evict-punch-tail
 * Description: The tail of a range is unmapped while it is evicted: the rest comes
 *	back.
 *
 * SUBTEST: evict-punch-blocks
 * Description: Whole blocks of a range are unmapped while it is evicted: the rest
 *	comes back.
 *
 * SUBTEST: evict-sparse-over-bo
 * Description: A BO with a sparse range over its middle, evicted: each page of the
 *	BO that can be reached shows its own content.
 *
 * SUBTEST: evict-bos
 * Description: BOs between sparse ranges are evicted with them, twice, and keep
 *	what the GPU stored.
 *
 * SUBTEST: evict-two-vms
 * Description: Two VMs of a file share the dummy object: it is evicted, and both
 *	find their ranges again, also when only one had come back before.
 *
 * SUBTEST: evict-many-vms
 * Description: The same for more VMs than the GPU has address spaces.
 *
 * SUBTEST: evict-two-files
 * Description: The ranges of two files are evicted at once, and come back for one
 *	after the other.
 *
 * SUBTEST: evict-twice
 * Description: Three evictions with nothing but jobs in between: each one takes
 *	place, each job finds its range.
 *
 * SUBTEST: evict-thousand
 * Description: A thousand ranges on the dummy object are all mapped again by the
 *	next job.
 *
 * SUBTEST: evict-readonly
 * Description: A range bound READONLY takes loads and refuses stores after it was
 *	evicted, in its head, its blocks and its tail.
 *
 * SUBTEST: evict-readonly-split
 * Run type: BAT, FULL
 * Description: The same for both sides of a hole made before the eviction.
 *
 * SUBTEST: evict-readonly-punch
 * Description: The same for both sides of a hole made while it was evicted.
 *
 * SUBTEST: evict-busy
 * Description: Nothing that a running job uses is evicted; it is once the job has
 *	ended.
 *
 * SUBTEST: evict-next-bind
 * Description: After an eviction a second range is bound: the job behind it reaches
 *	both.
 *
 * SUBTEST: evict-next-async-bind
 * Description: The same with a queued bind.
 *
 * SUBTEST: evict-unmap
 * Run type: BAT, FULL
 * Description: A range that is unmapped while evicted is gone: no VMA, and a fault
 *	for each access.
 *
 * SUBTEST: evict-map-bo-over
 * Run type: BAT, FULL
 * Description: A BO that is mapped over the whole of an evicted range takes all
 *	accesses, and the range does not come back.
 *
 * SUBTEST: evict-map-sparse-over
 * Description: The same for a sparse range over an evicted one.
 *
 * SUBTEST: evict-destroy
 * Description: A VM that is destroyed while its range is evicted goes away, and the
 *	file's next VM works.
 *
 * SUBTEST: evict-close
 * Description: A file that is closed while its range is evicted leaves neither a VM
 *	nor its dummy object behind.
 *
 * SUBTEST: evict-tables
 * Description: Evicting and restoring a range of 1 GiB over and over takes no
 *	more memory for page tables than the first time.
 */

IGT_TEST_DESCRIPTION("Check sparse mappings of panthor across evictions");

/*
 * The scenarios, and the failure that each one hunts:
 *
 * 1. evict-remap, evict-whole-*, evict-4g*: pages that the restore forgets, or
 *    maps beyond the range; work on page tables that are not locked. The first
 *    eviction comes right behind a job, while the VM still has its address
 *    space, the second when the device has suspended.
 * 2. evict-split-*, evict-punch-*: VMAs that lose their evicted mark, their flags
 *    or their place in a BO when they are split, before or while evicted.
 * 3. evict-*-vms, evict-two-files: one object behind the ranges of several VMs.
 * 4. evict-twice, evict-bos: objects that are on no list after they were restored.
 *    There is no bind between: that would put them on a list again.
 * 5. evict-thousand: a limit on how much one restore does.
 * 6. evict-readonly*: flags that a split or a restore loses. NOEXEC and UNCACHED
 *    are kept in the same word, but nothing a stream does tells them apart.
 * 7. evict-busy: eviction under a job.
 * 8. evict-next-*, evict-unmap, evict-map-*, evict-destroy, evict-close: what
 *    comes after an eviction when it is not a job.
 * 9. evict-tables: memory set aside for a restore and never given back.
 *
 * Evicting is asked for by debugfs, and that it happened is read from there. The
 * pages stay in the page cache meanwhile, so the same ones come back: whether
 * contents survive when memory is really short is for the pressure-* subtests.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE

/* 1 GiB-aligned, and free of what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)
#define OTHER_VA (BASE_VA + IGT_PANTHOR_EXEC_VA_END)

/* Seven pages into a 2 MiB block. */
#define ODD_VA (BASE_VA + 7 * PAGE)

#define GIB ((uint64_t)SZ_1G)

/* Up to here every page is accessed, beyond one page of each 2 MiB and the edges. */
#define EVERY_PAGE_MAX (2 * (uint64_t)SZ_128M)

/* Far more than the 50 ms of idleness after which the driver suspends the device. */
#define SUSPENDED_MS 200

/* How long VMs and objects may stay after they were given up: groups go later. */
#define RELEASE_DEADLINE_MS 3000

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND
#define THIRD IGT_PANTHOR_THIRD

static void start(struct igt_panthor_exec *exec, int fd)
{
	igt_panthor_require_shrink(fd);
	/* A restore warns once about a VMA that is not at its place in the dummy object. */
	igt_clear_warn_once();
	igt_panthor_exec_init(exec, fd);
}

static void evict(const struct igt_panthor_exec *exec)
{
	igt_panthor_evict_dummy(exec->fd, exec->dummy);
}

static void assert_usable(const struct igt_panthor_exec *exec)
{
	igt_assert_eq_u32(igt_panthor_vm_get_state(exec->fd, exec->vm_id),
			  DRM_PANTHOR_VM_STATE_USABLE);
}

static void bind_touched(struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	igt_panthor_exec_bind_sparse(exec, va, size);
	igt_panthor_sparse_require_dummy(exec);
	igt_panthor_sparse_store_load(exec, va, size, FIRST);
}

/* Every page, or where they are too many one of each 2 MiB and those at the end. */
static void store_load_range(struct igt_panthor_exec *exec, uint64_t va, uint64_t size,
			     uint32_t seed)
{
	const struct igt_panthor_walk blocks = {
		.access = IGT_PANTHOR_STORE_LOAD,
		.va = va,
		.count = DIV_ROUND_UP(size, IGT_PANTHOR_DUMMY_SIZE),
		.stride = IGT_PANTHOR_DUMMY_SIZE,
		.seed = seed,
	};

	if (size <= EVERY_PAGE_MAX) {
		igt_panthor_sparse_store_load(exec, va, size, seed);
		return;
	}

	igt_panthor_exec_walk_verify(exec, &blocks);
	igt_panthor_sparse_store_load(exec, va + size - SZ_4M, SZ_4M, seed);
}

struct range_case {
	const char *name;
	const char *describe;
	uint64_t va;
	uint64_t size;
};

static const struct range_case range_cases[] = {
	{
		.name = "evict-remap",
		.describe = "The job after an eviction finds the whole range mapped again",
		.va = ODD_VA,
		.size = SZ_64M,
	},
	{
		.name = "evict-whole-page",
		.describe = "A single page comes back, and only that",
		.va = ODD_VA,
		.size = PAGE,
	},
	{
		.name = "evict-whole-tile",
		.describe = "64 KiB inside of a block come back, and only those",
		.va = BASE_VA + SZ_1M,
		.size = SZ_64K,
	},
	{
		.name = "evict-whole-block",
		.describe = "One whole block comes back, and only that",
		.va = BASE_VA,
		.size = SZ_2M,
	},
	{
		.name = "evict-whole-edges",
		.describe = "Head, blocks and tail come back, and no more",
		.va = BASE_VA + SZ_1M,
		.size = SZ_8M,
	},
	{
		.name = "evict-whole-64m",
		.describe = "A range of many blocks is evicted and restored as a whole",
		.va = BASE_VA,
		.size = SZ_64M,
	},
	{
		.name = "evict-4g-less",
		.describe = "The largest whole blocks below 4 GiB come back",
		.va = BASE_VA,
		.size = 4 * GIB - SZ_2M,
	},
	{
		.name = "evict-4g",
		.describe = "4 GiB come back",
		.va = BASE_VA,
		.size = 4 * GIB,
	},
	{
		.name = "evict-4g-odd",
		.describe = "A page more than 4 GiB comes back, at an odd alignment",
		.va = ODD_VA,
		.size = 4 * GIB + PAGE,
	},
};

static void whole(int fd, const void *row)
{
	const struct range_case *c = row;
	struct igt_panthor_exec exec;

	start(&exec, fd);
	igt_panthor_exec_bind_sparse(&exec, c->va, c->size);
	igt_panthor_sparse_require_dummy(&exec);
	store_load_range(&exec, c->va, c->size, FIRST);

	evict(&exec);
	store_load_range(&exec, c->va, c->size, SECOND);
	igt_assert_eq_u64(igt_panthor_dummy_resident(fd, exec.dummy), IGT_PANTHOR_DUMMY_SIZE);
	igt_panthor_exec_neighbours_fault(&exec, c->va, c->size);

	igt_panthor_wait_suspended(fd, SUSPENDED_MS);
	evict(&exec);
	store_load_range(&exec, c->va, c->size, THIRD);

	igt_panthor_exec_unbind(&exec, c->va, c->size);
	igt_panthor_exec_must_fault(&exec, c->va, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(&exec, c->va + c->size - PAGE, IGT_PANTHOR_STORE);
	assert_usable(&exec);

	igt_panthor_exec_fini(&exec);
}

/* The range that is split: a head of 1 MiB, seven blocks, a tail of 1 MiB. */
#define SPLIT_VA (BASE_VA + SZ_1M)
#define SPLIT_SIZE ((uint64_t)SZ_16M)

enum filling {
	NOTHING,
	BO,
	SPARSE,
};

/**
 * split_case:
 * @evicted: the hole is made while the range is evicted, not before
 * @offset: start of the hole, from %SPLIT_VA
 * @size: its bytes
 * @filling: what takes its place
 */
struct split_case {
	const char *name;
	const char *describe;
	bool evicted;
	uint64_t offset;
	uint64_t size;
	enum filling filling;
};

static const struct split_case split_cases[] = {
	{
		.name = "evict-split-unmap",
		.describe = "Both sides of a hole come back, the hole does not",
		.offset = 5 * SZ_1M,
		.size = SZ_64K,
	},
	{
		.name = "evict-split-bo",
		.describe = "Both sides of a BO come back, and the BO has its content",
		.offset = 5 * SZ_1M,
		.size = SZ_64K,
		.filling = BO,
	},
	{
		.name = "evict-split-blocks",
		.describe = "Both sides of a large hole come back",
		.offset = 3 * SZ_1M,
		.size = SZ_4M,
	},
	{
		.name = "evict-punch-unmap",
		.describe = "Both sides of a hole made in an evicted range come back",
		.evicted = true,
		.offset = 5 * SZ_1M,
		.size = SZ_64K,
	},
	{
		.name = "evict-punch-bo",
		.describe = "Both sides of a BO mapped into an evicted range come back",
		.evicted = true,
		.offset = 5 * SZ_1M,
		.size = SZ_64K,
		.filling = BO,
	},
	{
		.name = "evict-punch-sparse",
		.describe = "A range bound into an evicted one works, and so does the rest",
		.evicted = true,
		.offset = 5 * SZ_1M,
		.size = SZ_64K,
		.filling = SPARSE,
	},
	{
		.name = "evict-punch-head",
		.describe = "What is left behind the head of an evicted range comes back",
		.evicted = true,
		.offset = 0,
		.size = SZ_64K,
	},
	{
		.name = "evict-punch-tail",
		.describe = "What is left before the tail of an evicted range comes back",
		.evicted = true,
		.offset = SPLIT_SIZE - SZ_64K,
		.size = SZ_64K,
	},
	{
		.name = "evict-punch-blocks",
		.describe = "Both sides of a large hole made in an evicted range come back",
		.evicted = true,
		.offset = 3 * SZ_1M,
		.size = SZ_4M,
	},
};

struct split {
	const struct split_case *c;
	struct igt_panthor_exec exec;
	struct panthor_bo bo;
	uint64_t hole_va;
};

static void split_punch(struct split *s)
{
	switch (s->c->filling) {
	case NOTHING:
		igt_panthor_exec_unbind(&s->exec, s->hole_va, s->c->size);
		break;
	case BO:
		igt_panthor_exec_bind_bo(&s->exec, &s->bo, s->hole_va);
		break;
	case SPARSE:
		igt_panthor_exec_bind_sparse(&s->exec, s->hole_va, s->c->size);
		break;
	}
}

static void split_fill_bo(struct split *s)
{
	if (s->c->filling == BO)
		igt_panthor_exec_store_pages(&s->exec, s->hole_va, s->c->size, FIRST);
}

static void split_assert_hole(struct split *s)
{
	const struct igt_panthor_walk load =
		igt_panthor_pages(IGT_PANTHOR_LOAD, s->hole_va, s->c->size, FIRST);

	switch (s->c->filling) {
	case NOTHING:
		igt_panthor_exec_must_fault(&s->exec, s->hole_va, IGT_PANTHOR_LOAD);
		igt_panthor_exec_must_fault(&s->exec, s->hole_va + s->c->size - PAGE,
					    IGT_PANTHOR_STORE);
		break;
	case BO:
		igt_panthor_exec_walk_verify(&s->exec, &load);
		igt_panthor_bo_assert_holds(&s->bo, s->hole_va, FIRST);
		break;
	case SPARSE:
		igt_panthor_sparse_store_load(&s->exec, s->hole_va, s->c->size, THIRD);
		break;
	}
}

static void split_assert(struct split *s)
{
	const uint64_t behind = s->c->offset + s->c->size;

	if (s->c->offset)
		igt_panthor_sparse_store_load(&s->exec, SPLIT_VA, s->c->offset, SECOND);
	if (behind < SPLIT_SIZE)
		igt_panthor_sparse_store_load(&s->exec, SPLIT_VA + behind, SPLIT_SIZE - behind,
					      SECOND);
	split_assert_hole(s);
	igt_panthor_exec_neighbours_fault(&s->exec, SPLIT_VA, SPLIT_SIZE);
}

static void split(int fd, const void *row)
{
	struct split s = { .c = row };

	s.hole_va = SPLIT_VA + s.c->offset;
	start(&s.exec, fd);
	igt_panthor_exec_create_bo(&s.exec, &s.bo, s.c->size);
	bind_touched(&s.exec, SPLIT_VA, SPLIT_SIZE);

	if (s.c->evicted)
		evict(&s.exec);
	split_punch(&s);
	if (!s.c->evicted) {
		split_fill_bo(&s);
		evict(&s.exec);
	} else {
		split_fill_bo(&s);
	}
	split_assert(&s);

	evict(&s.exec);
	split_assert(&s);

	igt_panthor_exec_unbind(&s.exec, SPLIT_VA, SPLIT_SIZE);
	assert_usable(&s.exec);
	bind_touched(&s.exec, SPLIT_VA, SPLIT_SIZE);

	igt_panthor_exec_fini(&s.exec);
	igt_panthor_free_bo(fd, &s.bo);
}

/* A BO of whole blocks, a tile of it under a sparse range that starts mid-block. */
static void evict_sparse_over_bo(int fd)
{
	const uint64_t va = BASE_VA, size = SZ_8M;
	const uint64_t sparse_va = va + 3 * SZ_1M;
	const uint64_t behind_va = sparse_va + SZ_64K;
	const struct igt_panthor_walk before =
		igt_panthor_pages(IGT_PANTHOR_LOAD, va, sparse_va - va, FIRST);
	const struct igt_panthor_walk behind =
		igt_panthor_pages(IGT_PANTHOR_LOAD, behind_va, va + size - behind_va, FIRST);
	struct igt_panthor_exec exec;
	struct panthor_bo bo;

	start(&exec, fd);
	igt_panthor_exec_create_bo(&exec, &bo, size);
	igt_panthor_exec_bind_bo(&exec, &bo, va);
	igt_panthor_exec_store_pages(&exec, va, size, FIRST);
	bind_touched(&exec, sparse_va, SZ_64K);

	for (unsigned int round = 0; round < 2; round++) {
		evict(&exec);
		igt_panthor_exec_walk_verify(&exec, &before);
		igt_panthor_exec_walk_verify(&exec, &behind);
		igt_panthor_sparse_store_load(&exec, sparse_va, SZ_64K, SECOND);
		igt_panthor_bo_assert_holds(&bo, va, FIRST);
	}

	igt_panthor_exec_fini(&exec);
	igt_panthor_free_bo(fd, &bo);
}

/* BOs of a page, of a tile, of a block and of several, each between two ranges. */
static const uint64_t bo_sizes[] = { PAGE, SZ_64K, SZ_2M, 3 * SZ_2M };

#define BOS ARRAY_SIZE(bo_sizes)
#define BO_STRIDE SZ_16M

static uint64_t bo_va(unsigned int i)
{
	return BASE_VA + i * BO_STRIDE;
}

static void bind_bos(struct igt_panthor_exec *exec, struct panthor_bo *bos)
{
	for (unsigned int i = 0; i < BOS; i++) {
		bind_touched(exec, bo_va(i) + bo_sizes[i], BO_STRIDE - bo_sizes[i]);
		igt_panthor_exec_create_bo(exec, &bos[i], bo_sizes[i]);
		igt_panthor_exec_bind_bo(exec, &bos[i], bo_va(i));
		igt_panthor_exec_store_pages(exec, bo_va(i), bo_sizes[i], FIRST);
	}
}

/* gems has as many evictions for each of the BOs. */
static void assert_bos_evicted(int fd, uint64_t evictions)
{
	struct igt_panthor_gems gems;
	unsigned int found = 0;

	igt_panthor_read_gems(fd, &gems);
	for (size_t i = 0; i < gems.count; i++) {
		const struct igt_panthor_gem *gem = &gems.gem[i];

		if (gem->pid != getpid() || strcmp(gem->label, "bystander"))
			continue;
		igt_assert_eq_u64(gem->evictions, evictions);
		igt_assert_eq_u64(gem->resident, 0);
		found++;
	}
	igt_panthor_free_gems(&gems);
	igt_assert_eq(found, BOS);
}

static void assert_bos(struct igt_panthor_exec *exec, const struct panthor_bo *bos)
{
	for (unsigned int i = 0; i < BOS; i++) {
		const struct igt_panthor_walk load =
			igt_panthor_pages(IGT_PANTHOR_LOAD, bo_va(i), bo_sizes[i], FIRST);

		igt_panthor_exec_walk_verify(exec, &load);
		igt_panthor_sparse_store_load(exec, bo_va(i) + bo_sizes[i], BO_STRIDE - bo_sizes[i],
					      SECOND);
	}
	for (unsigned int i = 0; i < BOS; i++)
		igt_panthor_bo_assert_holds(&bos[i], bo_va(i), FIRST);
}

static void evict_bos(int fd)
{
	struct igt_panthor_exec exec;
	struct panthor_bo bos[BOS];

	start(&exec, fd);
	bind_bos(&exec, bos);

	for (unsigned int round = 1; round <= 2; round++) {
		evict(&exec);
		assert_bos_evicted(fd, round);
		assert_bos(&exec, bos);
	}

	igt_panthor_exec_fini(&exec);
	for (unsigned int i = 0; i < BOS; i++)
		igt_panthor_free_bo(fd, &bos[i]);
}

/* The ranges of several VMs of a file: at the same address, of different length. */
static uint64_t vm_range_size(unsigned int i)
{
	return SZ_4M + i * SZ_64K;
}

static void vm_store_load(struct igt_panthor_exec *execs, unsigned int i, uint32_t seed)
{
	igt_panthor_sparse_store_load(&execs[i], ODD_VA, vm_range_size(i), seed);
}

static void several_vms(int fd, struct igt_panthor_exec *execs, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		start(&execs[i], fd);
		bind_touched(&execs[i], ODD_VA, vm_range_size(i));
	}

	evict(&execs[0]);
	for (unsigned int i = 0; i < count; i++)
		vm_store_load(execs, i, SECOND);

	/* Mapped in one VM only, it is on that VM's list and not on that of shared BOs. */
	evict(&execs[0]);
	vm_store_load(execs, 0, THIRD);
	evict(&execs[0]);
	for (unsigned int i = count; i > 0; i--)
		vm_store_load(execs, i - 1, FIRST);

	for (unsigned int i = 0; i < count; i++) {
		igt_panthor_exec_neighbours_fault(&execs[i], ODD_VA, vm_range_size(i));
		igt_panthor_exec_fini(&execs[i]);
	}
}

static void evict_two_vms(int fd)
{
	struct igt_panthor_exec execs[2];

	several_vms(fd, execs, ARRAY_SIZE(execs));
}

/* One VM for each address space is one too many: the firmware has one of them. */
static void evict_many_vms(int fd)
{
	struct drm_panthor_gpu_info info;
	struct igt_panthor_exec execs[32];
	unsigned int count;

	igt_panthor_query(fd, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &info, sizeof(info), 0);
	count = __builtin_popcount(info.as_present);
	igt_assert_lte(count, ARRAY_SIZE(execs));
	several_vms(fd, execs, count);
}

static void evict_two_files(int fd)
{
	struct igt_panthor_exec first, second;
	int other;

	start(&first, fd);
	other = igt_panthor_open();
	start(&second, other);
	igt_assert(first.dummy != second.dummy);
	bind_touched(&first, ODD_VA, SZ_4M);
	bind_touched(&second, ODD_VA, SZ_8M);

	for (unsigned int round = 0; round < 2; round++) {
		evict(&first);
		igt_assert_eq_u64(igt_panthor_dummy_resident(fd, second.dummy), 0);
		igt_panthor_sparse_store_load(&second, ODD_VA, SZ_8M, SECOND);
		igt_assert_eq_u64(igt_panthor_dummy_resident(fd, first.dummy), 0);
		igt_panthor_sparse_store_load(&first, ODD_VA, SZ_4M, THIRD);
	}

	igt_panthor_exec_fini(&second);
	igt_panthor_close(other);
	igt_panthor_sparse_store_load(&first, ODD_VA, SZ_4M, FIRST);
	igt_panthor_exec_neighbours_fault(&first, ODD_VA, SZ_4M);
	igt_panthor_exec_fini(&first);
}

static void evict_twice(int fd)
{
	const uint32_t seeds[] = { SECOND, THIRD, FIRST };
	struct igt_panthor_exec exec;

	start(&exec, fd);
	bind_touched(&exec, ODD_VA, SZ_4M);

	for (unsigned int i = 0; i < ARRAY_SIZE(seeds); i++) {
		evict(&exec);
		igt_panthor_sparse_store_load(&exec, ODD_VA, SZ_4M, seeds[i]);
	}
	igt_panthor_exec_neighbours_fault(&exec, ODD_VA, SZ_4M);

	igt_panthor_exec_fini(&exec);
}

#define THOUSAND 1000

/* One access to each range, at the same offset in all of them. */
static void thousand_store_load(struct igt_panthor_exec *exec, uint64_t offset, uint32_t seed)
{
	const struct igt_panthor_walk walk = {
		.access = IGT_PANTHOR_STORE_LOAD,
		.va = BASE_VA + offset,
		.count = THOUSAND,
		.stride = SZ_2M,
		.seed = seed,
	};

	igt_panthor_exec_walk_verify(exec, &walk);
}

static void evict_thousand(int fd)
{
	static struct drm_panthor_vm_bind_op ops[THOUSAND];
	struct igt_panthor_exec exec;

	start(&exec, fd);
	for (unsigned int i = 0; i < THOUSAND; i++)
		ops[i] = (struct drm_panthor_vm_bind_op){
			.flags = IGT_PANTHOR_SPARSE_FLAGS,
			.va = BASE_VA + (uint64_t)i * SZ_2M,
			.size = SZ_64K,
		};
	igt_panthor_vm_bind_ops(fd, exec.vm_id, ops, THOUSAND, 0);
	igt_panthor_sparse_require_dummy(&exec);

	evict(&exec);
	thousand_store_load(&exec, 0, FIRST);
	thousand_store_load(&exec, SZ_64K - PAGE, SECOND);

	igt_panthor_exec_must_fault(&exec, BASE_VA + SZ_64K, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(&exec, BASE_VA + (THOUSAND - 1) * (uint64_t)SZ_2M + SZ_64K,
				    IGT_PANTHOR_STORE);
	igt_panthor_exec_fini(&exec);
}

static void bind_readonly(struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	igt_panthor_vm_bind(exec->fd, exec->vm_id, 0, va, size,
			    IGT_PANTHOR_SPARSE_FLAGS | DRM_PANTHOR_VM_BIND_OP_MAP_READONLY, 0);
	igt_panthor_sparse_require_dummy(exec);
}

static void load_pages(struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	const struct igt_panthor_walk walk = igt_panthor_pages(IGT_PANTHOR_LOAD, va, size, 0);

	igt_panthor_exec_walk(exec, &walk);
}

static void evict_readonly(int fd)
{
	const uint64_t va = BASE_VA + SZ_1M, size = SZ_4M;
	const uint64_t stores[] = { va, BASE_VA + SZ_2M, va + size - PAGE };
	struct igt_panthor_exec exec;

	start(&exec, fd);
	bind_readonly(&exec, va, size);
	load_pages(&exec, va, size);

	for (unsigned int round = 0; round < 2; round++) {
		evict(&exec);
		load_pages(&exec, va, size);
		for (unsigned int i = 0; i < ARRAY_SIZE(stores); i++)
			igt_panthor_exec_must_fault(&exec, stores[i], IGT_PANTHOR_STORE);
	}

	igt_panthor_exec_fini(&exec);
}

static void readonly_hole(int fd, bool evicted)
{
	const uint64_t va = BASE_VA, size = SZ_8M;
	const uint64_t hole = 3 * SZ_1M, behind = hole + SZ_64K;
	const uint64_t stores[] = { va, va + SZ_2M, va + behind, va + 3 * SZ_2M };
	struct igt_panthor_exec exec;

	start(&exec, fd);
	bind_readonly(&exec, va, size);
	load_pages(&exec, va, size);

	if (evicted)
		evict(&exec);
	igt_panthor_exec_unbind(&exec, va + hole, SZ_64K);
	if (!evicted)
		evict(&exec);

	load_pages(&exec, va, hole);
	load_pages(&exec, va + behind, size - behind);
	for (unsigned int i = 0; i < ARRAY_SIZE(stores); i++)
		igt_panthor_exec_must_fault(&exec, stores[i], IGT_PANTHOR_STORE);

	igt_panthor_exec_fini(&exec);
}

static void evict_readonly_split(int fd)
{
	readonly_hole(fd, false);
}

static void evict_readonly_punch(int fd)
{
	readonly_hole(fd, true);
}

static void evict_busy(int fd)
{
	const struct igt_panthor_walk walk =
		igt_panthor_pages(IGT_PANTHOR_STORE_LOAD, ODD_VA, SZ_4M, SECOND);
	struct igt_panthor_gem before, during;
	struct igt_panthor_exec exec;

	start(&exec, fd);
	bind_touched(&exec, ODD_VA, SZ_4M);
	igt_assert(igt_panthor_read_dummy(fd, exec.dummy, &before));

	igt_panthor_exec_pause(&exec, NULL, &walk);
	igt_panthor_shrink(fd);
	igt_assert(igt_panthor_read_dummy(fd, exec.dummy, &during));
	igt_assert_eq_u64(during.resident, IGT_PANTHOR_DUMMY_SIZE);
	igt_assert_eq_u64(during.evictions, before.evictions);
	igt_panthor_exec_resume(&exec);

	evict(&exec);
	igt_panthor_sparse_store_load(&exec, ODD_VA, SZ_4M, THIRD);
	igt_panthor_exec_fini(&exec);
}

/* Both ranges work, whichever the restore and whichever the bind has mapped. */
static void assert_both(struct igt_panthor_exec *exec)
{
	igt_panthor_sparse_store_load(exec, OTHER_VA, SZ_8M, SECOND);
	igt_panthor_sparse_store_load(exec, ODD_VA, SZ_4M, THIRD);
	igt_panthor_exec_neighbours_fault(exec, ODD_VA, SZ_4M);
	igt_panthor_exec_neighbours_fault(exec, OTHER_VA, SZ_8M);
}

static void evict_next_bind(int fd)
{
	struct igt_panthor_exec exec;

	start(&exec, fd);
	bind_touched(&exec, ODD_VA, SZ_4M);

	evict(&exec);
	igt_panthor_exec_bind_sparse(&exec, OTHER_VA, SZ_8M);
	assert_both(&exec);
	evict(&exec);
	assert_both(&exec);

	igt_panthor_exec_fini(&exec);
}

static void bind_async(struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	uint32_t done = syncobj_create(exec->fd, 0);
	struct drm_panthor_sync_op signal = igt_panthor_sync_signal(done, 0);
	struct drm_panthor_vm_bind_op op = {
		.flags = IGT_PANTHOR_SPARSE_FLAGS,
		.va = va,
		.size = size,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &signal),
	};

	igt_panthor_vm_bind_ops_async(exec->fd, exec->vm_id, &op, 1, 0);
	igt_assert_f(syncobj_wait(exec->fd, &done, 1,
				  igt_panthor_deadline(IGT_PANTHOR_JOB_DEADLINE_MS), 0, NULL),
		     "VM_BIND was not done within %d ms\n", IGT_PANTHOR_JOB_DEADLINE_MS);
	syncobj_destroy(exec->fd, done);
}

static void evict_next_async_bind(int fd)
{
	struct igt_panthor_exec exec;

	start(&exec, fd);
	bind_touched(&exec, ODD_VA, SZ_4M);

	evict(&exec);
	bind_async(&exec, OTHER_VA, SZ_8M);
	assert_both(&exec);
	evict(&exec);
	assert_both(&exec);

	igt_panthor_exec_fini(&exec);
}

static bool has_vma(const struct igt_panthor_exec *exec, uint64_t va)
{
	struct igt_panthor_vmas vmas;
	bool found;
	int vm;

	igt_panthor_read_gpuvas(exec->fd, &vmas);
	vm = igt_panthor_exec_find_vm(exec, &vmas);
	found = igt_panthor_find_vma(&vmas, vm, va) != NULL;
	igt_panthor_free_vmas(&vmas);

	return found;
}

static void evict_unmap(int fd)
{
	struct igt_panthor_exec exec;

	start(&exec, fd);
	bind_touched(&exec, ODD_VA, SZ_4M);
	igt_assert(has_vma(&exec, ODD_VA));

	evict(&exec);
	igt_panthor_exec_unbind(&exec, ODD_VA, SZ_4M);
	igt_assert(!has_vma(&exec, ODD_VA));
	igt_panthor_exec_must_fault(&exec, ODD_VA, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(&exec, ODD_VA + SZ_2M, IGT_PANTHOR_STORE);
	igt_panthor_exec_must_fault(&exec, ODD_VA + SZ_4M - PAGE, IGT_PANTHOR_LOAD);

	bind_touched(&exec, ODD_VA, SZ_4M);
	igt_panthor_exec_fini(&exec);
}

static void evict_map_bo_over(int fd)
{
	const struct igt_panthor_walk load =
		igt_panthor_pages(IGT_PANTHOR_LOAD, ODD_VA, SZ_4M, SECOND);
	struct igt_panthor_exec exec;
	struct panthor_bo bo;

	start(&exec, fd);
	igt_panthor_exec_create_bo(&exec, &bo, SZ_4M);
	bind_touched(&exec, ODD_VA, SZ_4M);

	evict(&exec);
	igt_panthor_exec_bind_bo(&exec, &bo, ODD_VA);
	igt_panthor_exec_store_pages(&exec, ODD_VA, SZ_4M, SECOND);
	igt_panthor_bo_assert_holds(&bo, ODD_VA, SECOND);
	igt_panthor_exec_walk_verify(&exec, &load);
	assert_usable(&exec);

	igt_panthor_exec_fini(&exec);
	igt_panthor_free_bo(fd, &bo);
}

static void evict_map_sparse_over(int fd)
{
	struct igt_panthor_exec exec;

	start(&exec, fd);
	bind_touched(&exec, ODD_VA, SZ_4M);

	evict(&exec);
	igt_panthor_exec_bind_sparse(&exec, ODD_VA, SZ_4M);
	igt_panthor_sparse_store_load(&exec, ODD_VA, SZ_4M, SECOND);
	igt_panthor_exec_neighbours_fault(&exec, ODD_VA, SZ_4M);

	evict(&exec);
	igt_panthor_exec_unbind(&exec, ODD_VA, SZ_4M);
	igt_panthor_exec_must_fault(&exec, ODD_VA, IGT_PANTHOR_LOAD);
	assert_usable(&exec);
	igt_panthor_exec_fini(&exec);
}

/* The VM is known by its tag, whose address no other VM uses. */
static bool vm_is_gone(int fd, uint64_t tag_va)
{
	struct igt_panthor_vmas vmas;
	bool gone;

	igt_panthor_read_gpuvas(fd, &vmas);
	gone = igt_panthor_find_vm(&vmas, tag_va, PAGE) < 0;
	igt_panthor_free_vmas(&vmas);

	return gone;
}

static bool dummy_is_gone(int fd, uint64_t dummy)
{
	struct igt_panthor_gem gem;

	return !igt_panthor_read_dummy(fd, dummy, &gem);
}

static void assert_vm_goes(int fd, uint64_t tag_va)
{
	igt_assert_f(igt_wait(vm_is_gone(fd, tag_va), RELEASE_DEADLINE_MS, 10),
		     "the VM is still in gpuvas after %d ms\n", RELEASE_DEADLINE_MS);
}

static void evict_destroy(int fd)
{
	struct igt_panthor_exec exec;

	start(&exec, fd);
	bind_touched(&exec, ODD_VA, SZ_4M);
	evict(&exec);
	igt_panthor_exec_fini(&exec);
	assert_vm_goes(fd, exec.tag_va);

	igt_panthor_exec_init(&exec, fd);
	bind_touched(&exec, ODD_VA, SZ_4M);
	evict(&exec);
	igt_panthor_sparse_store_load(&exec, ODD_VA, SZ_4M, SECOND);
	igt_panthor_exec_fini(&exec);
}

/* A CPU mapping of a BO keeps the file open. */
static void unmap_cpu(struct igt_panthor_exec *exec)
{
	struct panthor_bo *bos[] = { &exec->cmd, &exec->out, &exec->flag, &exec->tag };

	for (unsigned int i = 0; i < ARRAY_SIZE(bos); i++)
		igt_assert_eq(munmap(bos[i]->map, bos[i]->size), 0);
}

static void evict_close(int fd)
{
	int other = igt_panthor_open();
	struct igt_panthor_exec exec;

	start(&exec, other);
	bind_touched(&exec, ODD_VA, SZ_4M);
	evict(&exec);
	unmap_cpu(&exec);
	igt_panthor_close(other);

	assert_vm_goes(fd, exec.tag_va);
	igt_assert_f(igt_wait(dummy_is_gone(fd, exec.dummy), RELEASE_DEADLINE_MS, 10),
		     "the dummy object is still in gems after %d ms\n", RELEASE_DEADLINE_MS);
}

/* A restore sets aside a table for each 2 MiB: 2 MiB of memory with each round. */
#define TABLES_SIZE GIB
#define TABLES_ROUNDS 8

/* Half of what was lost if no round gave its tables back. */
#define TABLES_GROWTH_MAX SZ_8M

static void evict_tables(int fd)
{
	struct igt_panthor_exec exec;
	int64_t before, growth;

	start(&exec, fd);
	igt_panthor_exec_bind_sparse(&exec, BASE_VA, TABLES_SIZE);
	igt_panthor_sparse_require_dummy(&exec);
	store_load_range(&exec, BASE_VA, TABLES_SIZE, FIRST);

	before = igt_panthor_page_table_bytes();
	for (unsigned int round = 0; round < TABLES_ROUNDS; round++) {
		evict(&exec);
		store_load_range(&exec, BASE_VA, TABLES_SIZE, SECOND);
	}
	growth = igt_panthor_page_table_bytes() - before;
	igt_info("%d rounds took %" PRId64 " KiB\n", TABLES_ROUNDS, growth / 1024);
	igt_assert_f(growth < TABLES_GROWTH_MAX, "%d rounds of eviction took %" PRId64 " KiB\n",
		     TABLES_ROUNDS, growth / 1024);

	igt_panthor_exec_fini(&exec);
}

static const struct igt_panthor_case plain_cases[] = {
	{
		.name = "evict-sparse-over-bo",
		.describe = "A BO under a sparse range keeps each page at its place",
		.run = evict_sparse_over_bo,
	},
	{
		.name = "evict-bos",
		.describe = "BOs beside sparse ranges are evicted twice and keep their content",
		.run = evict_bos,
	},
	{
		.name = "evict-two-vms",
		.describe = "Ranges of two VMs of a file are evicted and found again",
		.run = evict_two_vms,
	},
	{
		.name = "evict-many-vms",
		.describe = "Ranges of more VMs than address spaces are found again",
		.run = evict_many_vms,
	},
	{
		.name = "evict-two-files",
		.describe = "Ranges of two files are evicted and found again, each for itself",
		.run = evict_two_files,
	},
	{
		.name = "evict-twice",
		.describe = "What was evicted and restored can be evicted again",
		.run = evict_twice,
	},
	{
		.name = "evict-thousand",
		.describe = "One job restores a thousand ranges",
		.run = evict_thousand,
	},
	{
		.name = "evict-readonly",
		.describe = "A range that may not be stored to stays so",
		.run = evict_readonly,
	},
	{
		.name = "evict-readonly-split",
		.describe = "Both sides of a hole in such a range stay so",
		.run = evict_readonly_split,
	},
	{
		.name = "evict-readonly-punch",
		.describe = "Both sides stay so when the hole was made while evicted",
		.run = evict_readonly_punch,
	},
	{
		.name = "evict-busy",
		.describe = "What a running job uses stays",
		.run = evict_busy,
	},
	{
		.name = "evict-next-bind",
		.describe = "A bind after an eviction brings its own range, a job the other",
		.run = evict_next_bind,
	},
	{
		.name = "evict-next-async-bind",
		.describe = "So does a queued bind",
		.run = evict_next_async_bind,
	},
	{
		.name = "evict-unmap",
		.describe = "An evicted range can be unmapped, and stays away",
		.run = evict_unmap,
	},
	{
		.name = "evict-map-bo-over",
		.describe = "A BO can take the place of an evicted range",
		.run = evict_map_bo_over,
	},
	{
		.name = "evict-map-sparse-over",
		.describe = "A sparse range can take the place of an evicted one",
		.run = evict_map_sparse_over,
	},
	{
		.name = "evict-destroy",
		.describe = "A VM with an evicted range can be destroyed",
		.run = evict_destroy,
	},
	{
		.name = "evict-close",
		.describe = "A file with an evicted range can be closed",
		.run = evict_close,
	},
	{
		.name = "evict-tables",
		.describe = "Restoring over and over takes no more memory",
		.run = evict_tables,
	},
	{}
};

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();

	for (unsigned int i = 0; i < ARRAY_SIZE(range_cases); i++) {
		igt_describe(range_cases[i].describe);
		igt_subtest(range_cases[i].name) {
			int fd = igt_panthor_open();

			whole(fd, &range_cases[i]);
			igt_panthor_close(fd);
		}
		igt_fixture()
			igt_teardown();
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(split_cases); i++) {
		igt_describe(split_cases[i].describe);
		igt_subtest(split_cases[i].name) {
			int fd = igt_panthor_open();

			split(fd, &split_cases[i]);
			igt_panthor_close(fd);
		}
		igt_fixture()
			igt_teardown();
	}

	for (const struct igt_panthor_case *c = plain_cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest(c->name) {
			int fd = igt_panthor_open();

			c->run(fd);
			igt_panthor_close(fd);
		}
		igt_fixture()
			igt_teardown();
	}
}
