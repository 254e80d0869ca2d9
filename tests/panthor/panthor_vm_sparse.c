// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <inttypes.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_teardown.h"

/**
 * TEST: Sparse mappings of panthor, as the GPU sees them
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: map
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9
 * Failure mode: Pages that a bind forgets, at its edges above all, or maps beyond
 *	them; what an unbind leaves behind.
 * Description: Loads and stores of command streams through sparse mappings,
 *	checked page by page, at both edges and beyond them.
 *
 * SUBTEST: map-bind-unbind
 * Description: A range faults before it is bound sparse, takes accesses to every
 *	page while it is, faults again once it is unbound, and can be bound again.
 *
 * SUBTEST: map-blocks
 * Description: Whole 2 MiB blocks, one and several, take accesses to every page
 *	and none beyond.
 *
 * SUBTEST: map-head
 * Description: The same for ranges that start inside of a block.
 *
 * SUBTEST: map-tail
 * Description: The same for ranges that end inside of a block.
 *
 * SUBTEST: map-head-and-tail
 * Description: The same for ranges that start and end inside of blocks.
 *
 * SUBTEST: map-inside-block
 * Description: The same for ranges that reach no edge of their block, or one.
 *
 * SUBTEST: map-tail-page
 * Description: The same for ranges of which one page is left for the last block,
 *	or that are one page.
 *
 * SUBTEST: map-odd-sizes
 * Description: The same for odd numbers of pages at odd pages.
 *
 * SUBTEST: map-across-1g
 * Description: The same for ranges across a boundary of 1 GiB.
 *
 * SUBTEST: map-64k-tiles
 * Description: 64 KiB at every second 64 KiB of four blocks: the tiles take
 *	accesses to every page, what is between them faults.
 *
 * SUBTEST: map-thousand
 * Description: A thousand ranges of a few pages, bound by one request: every page
 *	takes accesses, what is between the ranges faults.
 *
 * SUBTEST: map-top
 * Run type: BAT, FULL
 * Description: The last page and the last blocks of the user's addresses.
 *
 * SUBTEST: map-reserve
 * Description: The first ranges in regions of 512 GiB that are empty, across
 *	boundaries of 2 MiB, 1 GiB and 512 GiB.
 *
 * SUBTEST: map-readonly
 * Run type: BAT, FULL
 * Description: A read-only range is loaded from, and faults on a store to its
 *	head, to a whole block, and to its tail.
 *
 * SUBTEST: map-uncached
 * Description: An uncached range takes accesses to every page, and faults on
 *	stores if it is read-only too.
 *
 * SUBTEST: map-64m-odd
 * Description: Every page of 64 MiB at an odd 4 KiB alignment takes a store and
 *	brings it back; the page before it and the one behind it fault.
 *
 * SUBTEST: map-64m-odd-between-bos
 * Run type: BAT, FULL
 * Description: The same between two BOs that touch the range: no store through
 *	the range changes them, and the GPU still reaches them.
 */

/**
 * TEST: The dummy object behind sparse mappings of panthor
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: cycle
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs
 * Failure mode: Pages that are mapped, but to the wrong page of the dummy object.
 * Description: What is stored at an address comes back where the same page of
 *	the 2 MiB dummy object is mapped, and nowhere else.
 *
 * SUBTEST: cycle-heads
 * Description: What is stored to the first pages of a range that starts inside of
 *	a block comes back from the blocks behind it, at the same offset and no
 *	other.
 *
 * SUBTEST: cycle-64m
 * Run type: BAT, FULL
 * Description: Each page of 64 MiB at an odd alignment brings back what was stored
 *	last to a page 2 MiB, or a multiple of that, away.
 *
 * SUBTEST: cycle-far
 * Description: A store to the first page of 1 GiB comes back from all 512 pages
 *	that are a multiple of 2 MiB away.
 *
 * SUBTEST: cycle-split
 * Description: What is left and right of a hole still goes to its own pages of the
 *	2 MiB.
 *
 * SUBTEST: cycle-two-vms
 * Run type: BAT, FULL
 * Description: What is stored through the range of one VM comes back through that
 *	of another VM of the file, at the same offset.
 */

/**
 * TEST: Offsets of sparse VMAs of panthor
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: offset
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs
 * Failure mode: Bookkeeping of offsets that is wrong and shows only when a VMA is
 *	split or restored.
 * Description: debugfs shows the offset that each sparse VMA has in the dummy
 *	object, and the GPU reaches every page behind it.
 *
 * SUBTEST: offset-bind
 * Run type: BAT, FULL
 * Description: Binds at 64 alignments each start at the offset in the dummy object
 *	that their address has in its 2 MiB.
 *
 * SUBTEST: offset-split
 * Description: The same for both parts of ranges that had a page unmapped; the GPU
 *	still reaches every page of them.
 *
 * SUBTEST: offset-split-unmap
 * Run type: BAT, FULL
 * Description: The same for the parts of a range with holes of several shapes, one
 *	of them in what an earlier hole left.
 *
 * SUBTEST: offset-split-bo
 * Description: The same where BOs take the place of the holes.
 *
 * SUBTEST: offset-split-sparse
 * Description: The same where read-only sparse ranges do.
 *
 * SUBTEST: offset-split-restored
 * Description: The same for a range that is split, evicted, and mapped again by
 *	the next job.
 *
 * SUBTEST: offset-split-evicted
 * Description: The same for a range that is split while it is evicted.
 */

/**
 * TEST: Sparse mappings of panthor and the GPU's TLB
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: tlb
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9
 * Failure mode: Translations that outlive their mapping in a TLB of the GPU.
 * Description: One job makes the accesses before and after a change of the
 *	mapping, and runs in between, so that no switch of the address space
 *	hides what was not flushed.
 *
 * SUBTEST: tlb-bo-over-sparse
 * Run type: BAT, FULL
 * Description: While the VM keeps its address space, stores to a sparse range go
 *	to the BO that was just mapped over it, and no longer to the dummy object.
 *
 * SUBTEST: tlb-sparse-over-bo
 * Description: While the VM keeps its address space, stores no longer go to the BO
 *	over which a sparse range was just bound.
 *
 * SUBTEST: tlb-sparse-after-unmap
 * Description: The same when the BO was unmapped first.
 *
 * SUBTEST: tlb-bo-over-bo
 * Description: While the VM keeps its address space, stores go to the BO that was
 *	just mapped over another one.
 *
 * SUBTEST: tlb-unbind-sparse
 * Run type: BAT, FULL
 * Description: While the VM keeps its address space, a sparse range that was in
 *	use faults as soon as it is unbound.
 *
 * SUBTEST: tlb-unbind-bo
 * Description: While the VM keeps its address space, a BO that was in use is out
 *	of reach as soon as it is unmapped.
 */

IGT_TEST_DESCRIPTION("Check sparse mappings of panthor by GPU loads and stores");

/*
 * The scenarios, and the failure that each one hunts:
 *
 * 1. map-*: pages that a bind forgets, at its edges above all, pages that it maps
 *    beyond them, and what an unbind leaves behind: each range is bound twice.
 * 2. cycle-*: pages that are mapped, but to the wrong page of the object.
 * 3. offset-*: wrong bookkeeping that shows only when a VMA is split or restored.
 * 4. tlb-*: translations that outlive their mapping in a TLB. One job makes the
 *    accesses before and after, and runs all the time in between, so that the VM
 *    does not lose its address space, which would flush the TLB.
 *
 * The uAPI leaves open what a load from a sparse range brings. So map-* is
 * content if a word comes back that was stored there just before; where debugfs
 * does not show the driver's way, not even that is looked at. That way is one
 * 2 MiB object for each file, to which the range is mapped over and over, the
 * address modulo 2 MiB being the offset: a store at va shows at va + n * 2 MiB.
 * This is what cycle-* and offset-* are about, which skip where it is not so.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define BLOCK IGT_PANTHOR_DUMMY_SIZE
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)

/* 2 MiB-aligned, and free of what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)

/*
 * Seven pages into a 2 MiB block: 64 MiB from there have a head of 505 pages, 31
 * whole blocks, and a tail of 7.
 */
#define ODD_VA (BASE_VA + 7 * PAGE)
#define ODD_SIZE SZ_64M

/* Somewhere else, with the same alignment to 2 MiB, and with none. */
#define CONTROL_VA (ODD_VA + IGT_PANTHOR_EXEC_VA_END)
#define OBJECT_VA (BASE_VA + IGT_PANTHOR_EXEC_VA_END)

/* Head, one block, tail: the least that has all of them. */
#define SMALL_SIZE SZ_4M

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND
#define THIRD IGT_PANTHOR_THIRD

static void map_bind_unbind(int fd)
{
	const uint64_t unbound[] = { ODD_VA, BASE_VA + SZ_2M, ODD_VA + SMALL_SIZE - PAGE };
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_must_fault(&exec, ODD_VA, IGT_PANTHOR_LOAD);

	igt_panthor_exec_bind_sparse(&exec, ODD_VA, SMALL_SIZE);
	igt_panthor_sparse_store_load(&exec, ODD_VA, SMALL_SIZE, FIRST);

	igt_panthor_exec_unbind(&exec, ODD_VA, SMALL_SIZE);
	for (unsigned int i = 0; i < ARRAY_SIZE(unbound); i++) {
		igt_panthor_exec_must_fault(&exec, unbound[i], IGT_PANTHOR_LOAD);
		igt_panthor_exec_must_fault(&exec, unbound[i], IGT_PANTHOR_STORE);
	}

	igt_panthor_exec_bind_sparse(&exec, ODD_VA, SMALL_SIZE);
	igt_panthor_sparse_store_load(&exec, ODD_VA, SMALL_SIZE, SECOND);

	igt_panthor_exec_fini(&exec);
}

struct range {
	uint64_t va;
	uint64_t size;
};

/* A list of ranges, none of which is empty. */
#define RANGES(...) ((const struct range[]){ __VA_ARGS__, {} })

/**
 * map_case:
 * @name: name of the subtest
 * @describe: what it is for
 * @ranges: to bind one after the other, alone in their surroundings
 */
struct map_case {
	const char *name;
	const char *describe;
	const struct range *ranges;
};

static const struct map_case map_cases[] = {
	{
		.name = "map-blocks",
		.describe = "Whole blocks are mapped, and nothing beside them",
		.ranges = RANGES({ BASE_VA, SZ_2M }, { BASE_VA, SZ_8M }),
	},
	{
		.name = "map-head",
		.describe = "Ranges that start inside of a block are mapped from there",
		.ranges = RANGES({ BASE_VA + SZ_2M - PAGE, SZ_4M + PAGE },
				 { BASE_VA + 7 * PAGE, SZ_8M - 7 * PAGE }),
	},
	{
		.name = "map-tail",
		.describe = "Ranges that end inside of a block are mapped up to there",
		.ranges = RANGES({ BASE_VA, SZ_4M + 2 * PAGE }, { BASE_VA, SZ_8M - 7 * PAGE }),
	},
	{
		.name = "map-head-and-tail",
		.describe = "Ranges that start and end inside of blocks are mapped in between",
		.ranges = RANGES({ BASE_VA + SZ_2M - 2 * PAGE, 4 * PAGE },
				 { BASE_VA + SZ_1M, SZ_2M }, { BASE_VA + PAGE, SZ_8M - 2 * PAGE }),
	},
	{
		.name = "map-inside-block",
		.describe = "Ranges of less than a block are mapped, and nothing beside them",
		.ranges = RANGES({ BASE_VA, SZ_2M - PAGE }, { BASE_VA + 5 * PAGE, SZ_64K },
				 { BASE_VA + SZ_2M - SZ_64K, SZ_64K }),
	},
	{
		.name = "map-tail-page",
		.describe = "A single page in the last block is mapped",
		.ranges = RANGES({ BASE_VA, SZ_2M + PAGE }, { BASE_VA, PAGE },
				 { BASE_VA + SZ_2M - PAGE, PAGE },
				 { BASE_VA + SZ_2M - 2 * PAGE, 3 * PAGE }),
	},
	{
		.name = "map-odd-sizes",
		.describe = "Odd numbers of pages at odd pages are mapped",
		.ranges = RANGES({ BASE_VA + PAGE, 3 * PAGE }, { BASE_VA + 127 * PAGE, 255 * PAGE },
				 { BASE_VA + 255 * PAGE, 511 * PAGE },
				 { BASE_VA + 511 * PAGE, 1027 * PAGE }),
	},
	{
		.name = "map-across-1g",
		.describe = "Ranges across 1 GiB can be mapped, unmapped, and mapped again",
		.ranges = RANGES({ 5 * GIB - SZ_8M, SZ_16M }, { 6 * GIB - SZ_1M, SZ_2M }),
	},
};

/*
 * Binds a range and uses every page of it. In the middle of a range is the
 * boundary that it was chosen for, if there is one.
 */
static void map_range(struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	const uint64_t middle = ALIGN_DOWN(va + size / 2, PAGE);

	igt_panthor_exec_bind_sparse(exec, va, size);
	igt_panthor_sparse_store_load(exec, va, size, FIRST);
	igt_panthor_exec_neighbours_fault(exec, va, size);

	igt_panthor_exec_unbind(exec, va, size);
	igt_panthor_exec_must_fault(exec, middle, IGT_PANTHOR_STORE);
	igt_panthor_exec_must_fault(exec, va + size - PAGE, IGT_PANTHOR_LOAD);

	igt_panthor_exec_bind_sparse(exec, va, size);
	igt_panthor_sparse_store_load(exec, va, size, SECOND);
	igt_panthor_exec_unbind(exec, va, size);
	igt_assert_eq_u32(igt_panthor_vm_get_state(exec->fd, exec->vm_id),
			  DRM_PANTHOR_VM_STATE_USABLE);
}

static void map(int fd, const void *row)
{
	const struct map_case *c = row;
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	for (const struct range *r = c->ranges; r->size; r++)
		map_range(&exec, r->va, r->size);
	igt_panthor_exec_fini(&exec);
}

#define TILE_SIZE SZ_64K
#define TILE_COUNT 64

static void map_64k_tiles(int fd)
{
	const struct igt_panthor_walk first_pages = {
		.access = IGT_PANTHOR_STORE,
		.va = BASE_VA,
		.count = TILE_COUNT,
		.stride = 2 * TILE_SIZE,
		.seed = SECOND,
	};
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	for (unsigned int i = 0; i < TILE_COUNT; i++)
		igt_panthor_exec_bind_sparse(&exec, BASE_VA + i * 2 * TILE_SIZE, TILE_SIZE);

	for (unsigned int i = 0; i < TILE_COUNT; i++)
		igt_panthor_sparse_store_load(&exec, BASE_VA + i * 2 * TILE_SIZE, TILE_SIZE, FIRST);
	for (unsigned int i = 0; i < TILE_COUNT; i += TILE_COUNT / 4)
		igt_panthor_exec_neighbours_fault(&exec, BASE_VA + i * 2 * TILE_SIZE, TILE_SIZE);

	/* The others still work when every second one is gone. */
	igt_panthor_exec_walk(&exec, &first_pages);
	for (unsigned int i = 1; i < TILE_COUNT; i += 2)
		igt_panthor_exec_unbind(&exec, BASE_VA + i * 2 * TILE_SIZE, TILE_SIZE);
	for (unsigned int i = 0; i < TILE_COUNT; i += 2)
		igt_panthor_sparse_store_load(&exec, BASE_VA + i * 2 * TILE_SIZE, TILE_SIZE, THIRD);
	igt_panthor_exec_must_fault(&exec, BASE_VA + 2 * TILE_SIZE, IGT_PANTHOR_LOAD);

	igt_panthor_exec_fini(&exec);
}

/* Ranges of three pages, each 65 KiB after the one before: at any offset in a block. */
#define MANY_COUNT 1000
#define MANY_PAGES 3
#define MANY_STRIDE (17 * PAGE)

static void map_thousand(int fd)
{
	struct drm_panthor_vm_bind_op op[MANY_COUNT] = {};
	struct igt_panthor_walk walk = {
		.access = IGT_PANTHOR_STORE_LOAD,
		.count = MANY_COUNT,
		.stride = MANY_STRIDE,
	};
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	for (unsigned int i = 0; i < MANY_COUNT; i++)
		op[i] = (struct drm_panthor_vm_bind_op){
			.flags = IGT_PANTHOR_SPARSE_FLAGS,
			.va = BASE_VA + i * MANY_STRIDE,
			.size = MANY_PAGES * PAGE,
		};
	igt_panthor_vm_bind_ops(fd, exec.vm_id, op, MANY_COUNT, 0);

	for (unsigned int page = 0; page < MANY_PAGES; page++) {
		walk.va = BASE_VA + page * PAGE;
		walk.seed = FIRST + page;
		if (exec.dummy)
			igt_panthor_exec_walk_verify(&exec, &walk);
		else
			igt_panthor_exec_walk(&exec, &walk);
	}
	for (unsigned int i = 0; i < MANY_COUNT; i += MANY_COUNT / 4)
		igt_panthor_exec_neighbours_fault(&exec, op[i].va, op[i].size);

	igt_panthor_exec_fini(&exec);
}

/* Behind the user's addresses are the kernel's: no fault can be expected there. */
static void map_top(int fd)
{
	const uint64_t sizes[] = { PAGE, SZ_2M, SZ_4M + SZ_1M };
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		const uint64_t va = exec.uva_range - sizes[i];

		igt_panthor_exec_bind_sparse(&exec, va, sizes[i]);
		igt_panthor_sparse_store_load(&exec, va, sizes[i], FIRST);
		igt_panthor_exec_must_fault(&exec, va - PAGE, IGT_PANTHOR_LOAD);
		igt_panthor_exec_unbind(&exec, va, sizes[i]);
		igt_panthor_exec_must_fault(&exec, exec.uva_range - PAGE, IGT_PANTHOR_STORE);
	}
	igt_panthor_exec_fini(&exec);
}

/*
 * In an empty region of 512 GiB each bind needs a table of every level, and two
 * of those whose boundary it crosses.
 */
static void map_reserve(int fd)
{
	const struct range ranges[] = {
		{ 3 * TIB + SZ_1M, SZ_2M },
		{ 5 * TIB + GIB - SZ_64K, 2 * SZ_64K },
		{ 6 * TIB - SZ_64K, 2 * SZ_64K },
	};
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	igt_require_f(exec.uva_range >= 7 * TIB, "needs user addresses up to 7 TiB\n");
	for (unsigned int i = 0; i < ARRAY_SIZE(ranges); i++) {
		igt_panthor_exec_bind_sparse(&exec, ranges[i].va, ranges[i].size);
		igt_panthor_sparse_store_load(&exec, ranges[i].va, ranges[i].size, FIRST);
	}
	igt_assert_eq_u32(igt_panthor_vm_get_state(fd, exec.vm_id), DRM_PANTHOR_VM_STATE_USABLE);
	igt_panthor_exec_fini(&exec);
}

static void bind_sparse_flags(struct igt_panthor_exec *exec, uint32_t flags)
{
	igt_panthor_vm_bind(exec->fd, exec->vm_id, 0, ODD_VA, SMALL_SIZE,
			    IGT_PANTHOR_SPARSE_FLAGS | flags, 0);
}

/* Every page is loaded before and after; a store faults in the head, a block, the tail. */
static void assert_readonly(struct igt_panthor_exec *exec)
{
	const uint64_t va[] = {
		ODD_VA,
		BASE_VA + SZ_2M - PAGE,
		BASE_VA + SZ_2M,
		BASE_VA + SZ_4M - PAGE,
		ODD_VA + SMALL_SIZE - PAGE,
	};
	const struct igt_panthor_walk load =
		igt_panthor_pages(IGT_PANTHOR_LOAD, ODD_VA, SMALL_SIZE, FIRST);

	igt_panthor_exec_walk(exec, &load);
	for (unsigned int i = 0; i < ARRAY_SIZE(va); i++)
		igt_panthor_exec_must_fault(exec, va[i], IGT_PANTHOR_STORE);
	igt_panthor_exec_walk(exec, &load);
}

static void map_readonly(int fd)
{
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	bind_sparse_flags(&exec, DRM_PANTHOR_VM_BIND_OP_MAP_READONLY);
	assert_readonly(&exec);

	/* Nothing of it stays when the range becomes writable. */
	bind_sparse_flags(&exec, 0);
	igt_panthor_sparse_store_load(&exec, ODD_VA, SMALL_SIZE, FIRST);

	igt_panthor_exec_fini(&exec);
}

static void map_uncached(int fd)
{
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	bind_sparse_flags(&exec, DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED);
	igt_panthor_sparse_store_load(&exec, ODD_VA, SMALL_SIZE, FIRST);
	igt_panthor_exec_neighbours_fault(&exec, ODD_VA, SMALL_SIZE);

	bind_sparse_flags(&exec, DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED |
					 DRM_PANTHOR_VM_BIND_OP_MAP_READONLY);
	assert_readonly(&exec);

	igt_panthor_exec_fini(&exec);
}

static void map_64m_odd(int fd)
{
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_bind_sparse(&exec, ODD_VA, ODD_SIZE);

	igt_panthor_sparse_store_load(&exec, ODD_VA, ODD_SIZE, FIRST);
	igt_panthor_exec_neighbours_fault(&exec, ODD_VA, ODD_SIZE);

	igt_panthor_exec_fini(&exec);
}

static void map_64m_odd_between_bos(int fd)
{
	const uint64_t va[] = { ODD_VA - PAGE, ODD_VA + ODD_SIZE };
	struct igt_panthor_exec exec;
	struct panthor_bo bo[2];

	igt_panthor_exec_init(&exec, fd);
	for (unsigned int i = 0; i < ARRAY_SIZE(bo); i++) {
		igt_panthor_exec_create_bo(&exec, &bo[i], PAGE);
		igt_panthor_exec_bind_bo(&exec, &bo[i], va[i]);
		igt_panthor_exec_store_pages(&exec, va[i], PAGE, FIRST);
	}

	igt_panthor_exec_bind_sparse(&exec, ODD_VA, ODD_SIZE);
	igt_panthor_sparse_store_load(&exec, ODD_VA, ODD_SIZE, SECOND);

	for (unsigned int i = 0; i < ARRAY_SIZE(bo); i++) {
		igt_panthor_bo_assert_holds(&bo[i], va[i], FIRST);
		igt_panthor_exec_store_pages(&exec, va[i], PAGE, THIRD);
		igt_panthor_bo_assert_holds(&bo[i], va[i], THIRD);
	}
	igt_panthor_sparse_store_load(&exec, ODD_VA, ODD_SIZE, FIRST);

	igt_panthor_exec_fini(&exec);
	for (unsigned int i = 0; i < ARRAY_SIZE(bo); i++)
		igt_panthor_free_bo(fd, &bo[i]);
}

/*
 * Binds the whole object, one block at its own alignment, and fills it: what a
 * later store through another range does not change keeps these values.
 */
static void object_bind(struct igt_panthor_exec *exec)
{
	igt_panthor_exec_bind_sparse(exec, OBJECT_VA, BLOCK);
	igt_panthor_sparse_require_dummy(exec);
}

static void object_fill(struct igt_panthor_exec *exec)
{
	igt_panthor_exec_store_pages(exec, OBJECT_VA, BLOCK, FIRST);
}

/* Where in the object an address is to be found. */
static uint64_t object_va(uint64_t va)
{
	return OBJECT_VA + va % BLOCK;
}

/* The first @size bytes of the object are as object_fill() left them, from @offset on. */
static void object_assert_kept(struct igt_panthor_exec *exec, uint64_t offset, uint64_t size)
{
	if (size)
		igt_panthor_sparse_load(exec, OBJECT_VA + offset, size, OBJECT_VA + offset, FIRST);
}

static void cycle_head(struct igt_panthor_exec *exec, uint64_t head)
{
	const uint64_t va = BASE_VA + head;
	const uint64_t size = BLOCK - head;

	igt_panthor_exec_bind_sparse(exec, va, SZ_4M + SZ_2M);
	object_fill(exec);

	igt_panthor_exec_store_pages(exec, va, size, SECOND);
	igt_panthor_sparse_load(exec, va + BLOCK, size, va, SECOND);
	igt_panthor_sparse_load(exec, va + 2 * BLOCK, size, va, SECOND);
	igt_panthor_sparse_load(exec, object_va(va), size, va, SECOND);
	object_assert_kept(exec, 0, head);

	igt_panthor_exec_unbind(exec, va, SZ_4M + SZ_2M);
}

static void cycle_heads(int fd)
{
	const uint64_t heads[] = {
		PAGE, SZ_64K, SZ_1M - PAGE, SZ_1M, SZ_1M + PAGE, SZ_1M + SZ_512K, SZ_2M - PAGE,
	};
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	object_bind(&exec);
	for (unsigned int i = 0; i < ARRAY_SIZE(heads); i++)
		cycle_head(&exec, heads[i]);
	igt_panthor_exec_fini(&exec);
}

static void cycle_64m(int fd)
{
	const uint64_t va = ODD_VA + SZ_1M;
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_bind_sparse(&exec, va, ODD_SIZE);
	igt_panthor_sparse_require_dummy(&exec);

	igt_panthor_exec_store_pages(&exec, va, ODD_SIZE, FIRST);
	igt_panthor_sparse_load(&exec, va, ODD_SIZE, va, FIRST);

	igt_panthor_exec_fini(&exec);
}

static void cycle_far(int fd)
{
	const uint64_t va = BASE_VA + SZ_1M + SZ_512K;
	const struct igt_panthor_walk alike = {
		.access = IGT_PANTHOR_LOAD,
		.va = va,
		.count = GIB / BLOCK,
		.stride = BLOCK,
	};
	struct igt_panthor_exec exec;
	const uint32_t *loaded;

	igt_panthor_exec_init(&exec, fd);
	object_bind(&exec);
	igt_panthor_exec_bind_sparse(&exec, va, GIB);
	object_fill(&exec);

	igt_panthor_exec_store_pages(&exec, va, PAGE, SECOND);
	loaded = igt_panthor_exec_walk(&exec, &alike);
	for (uint32_t i = 0; i < alike.count; i++)
		igt_assert_f(loaded[i] == igt_panthor_pattern(va, SECOND),
			     "GPU loaded %#x %u blocks behind %#" PRIx64 ", expected %#x\n",
			     loaded[i], i, va, igt_panthor_pattern(va, SECOND));
	object_assert_kept(&exec, 0, va % BLOCK);
	object_assert_kept(&exec, va % BLOCK + PAGE, BLOCK - va % BLOCK - PAGE);

	igt_panthor_exec_fini(&exec);
}

static void cycle_split(int fd)
{
	const struct range holes[] = {
		{ BASE_VA + SZ_1M + SZ_256K, SZ_64K },
		{ BASE_VA + SZ_4M + SZ_1M + SZ_256K, PAGE },
	};
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	object_bind(&exec);
	igt_panthor_exec_bind_sparse(&exec, BASE_VA, SZ_8M);
	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++) {
		const uint64_t start = ALIGN_DOWN(holes[i].va, BLOCK);
		const uint64_t end = holes[i].va + holes[i].size;

		igt_panthor_exec_unbind(&exec, holes[i].va, holes[i].size);
		object_fill(&exec);
		igt_panthor_exec_store_pages(&exec, start, holes[i].va - start, SECOND);
		igt_panthor_exec_store_pages(&exec, end, start + BLOCK - end, THIRD);

		igt_panthor_sparse_load(&exec, OBJECT_VA, holes[i].va - start, start, SECOND);
		igt_panthor_sparse_load(&exec, object_va(end), start + BLOCK - end, end, THIRD);
		object_assert_kept(&exec, holes[i].va % BLOCK, holes[i].size);
	}
	igt_panthor_exec_fini(&exec);
}

static void cycle_two_vms(int fd)
{
	const uint64_t va = BASE_VA + SZ_1M + PAGE;
	const uint64_t size = BLOCK - va % BLOCK;
	struct igt_panthor_exec one, other;

	igt_panthor_exec_init(&one, fd);
	igt_panthor_exec_init(&other, fd);
	object_bind(&one);
	object_fill(&one);
	igt_panthor_exec_bind_sparse(&other, va, SZ_4M);

	igt_panthor_sparse_load(&other, va, size, object_va(va), FIRST);
	igt_panthor_exec_store_pages(&other, va, size, SECOND);
	igt_panthor_sparse_load(&one, object_va(va), size, va, SECOND);
	object_assert_kept(&one, 0, va % BLOCK);

	igt_panthor_exec_fini(&other);
	igt_panthor_exec_fini(&one);
}

/*
 * 64 places in a 2 MiB block, odd and even, its edges among them. Each range has
 * a head, a whole block and a tail unless it is aligned.
 */
#define ALIGNMENTS 64
#define OFFSET_SIZE (SZ_2M + 3 * PAGE)
#define OFFSET_STRIDE (2 * SZ_4M)

static uint64_t offset_va(unsigned int i)
{
	return BASE_VA + i * OFFSET_STRIDE + (8 * i + i % 8) * PAGE;
}

static void bind_at_alignments(struct igt_panthor_exec *exec)
{
	for (unsigned int i = 0; i < ALIGNMENTS; i++)
		igt_panthor_exec_bind_sparse(exec, offset_va(i), OFFSET_SIZE);

	igt_panthor_sparse_require_dummy(exec);
}

static void offset_bind(int fd)
{
	struct igt_panthor_exec exec;
	struct igt_panthor_vmas vmas;
	uint64_t object = 0;

	igt_panthor_exec_init(&exec, fd);
	bind_at_alignments(&exec);

	igt_panthor_exec_read_vmas(&exec, &vmas);
	for (unsigned int i = 0; i < ALIGNMENTS; i++)
		igt_panthor_sparse_assert_vma(&vmas, 0, offset_va(i), OFFSET_SIZE, &object);
	igt_panthor_free_vmas(&vmas);

	igt_panthor_exec_fini(&exec);
}

static void offset_split(int fd)
{
	const uint64_t hole = SZ_1M;
	const uint64_t right = hole + PAGE;
	struct igt_panthor_exec exec;
	struct igt_panthor_vmas vmas;
	uint64_t object = 0;

	igt_panthor_exec_init(&exec, fd);
	bind_at_alignments(&exec);
	for (unsigned int i = 0; i < ALIGNMENTS; i++)
		igt_panthor_exec_unbind(&exec, offset_va(i) + hole, PAGE);

	igt_panthor_exec_read_vmas(&exec, &vmas);
	for (unsigned int i = 0; i < ALIGNMENTS; i++) {
		const uint64_t va = offset_va(i);

		igt_panthor_sparse_assert_vma(&vmas, 0, va, hole, &object);
		igt_assert(!igt_panthor_find_vma(&vmas, 0, va + hole));
		igt_panthor_sparse_assert_vma(&vmas, 0, va + right, OFFSET_SIZE - right, &object);
	}
	igt_panthor_free_vmas(&vmas);

	for (unsigned int i = 0; i < ALIGNMENTS; i += 5) {
		igt_panthor_sparse_store_load(&exec, offset_va(i), hole, FIRST);
		igt_panthor_sparse_store_load(&exec, offset_va(i) + right, OFFSET_SIZE - right,
					      SECOND);
	}

	igt_panthor_exec_fini(&exec);
}

/*
 * The range of offset-split-*, and its holes by their addresses: in the middle of
 * a block, a block, across two blocks, the last page of a block, the first one of
 * another, and a page of what that one left.
 */
#define SPLIT_VA (BASE_VA + SZ_1M)
#define SPLIT_SIZE SZ_16M

static const struct range split_holes[] = {
	{ BASE_VA + SZ_4M + SZ_2M, SZ_64K },
	{ BASE_VA + SZ_8M, SZ_2M },
	{ BASE_VA + SZ_8M + SZ_4M - SZ_64K, 2 * SZ_64K },
	{ BASE_VA + SZ_16M - SZ_2M - PAGE, PAGE },
	{ BASE_VA + SZ_16M, PAGE },
	{ BASE_VA + SZ_16M + SZ_64K, PAGE },
};

enum backing {
	NOTHING,
	SPARSE,
	OLD_BO,
	NEW_BO,
};

enum when {
	NEVER,
	BEFORE_SPLIT,
	AFTER_SPLIT,
};

/**
 * split_case:
 * @name: name of the subtest
 * @describe: what it is for
 * @by: what takes the place of the holes
 * @evict: when the dummy object is evicted
 */
struct split_case {
	const char *name;
	const char *describe;
	enum backing by;
	enum when evict;
};

static const struct split_case split_cases[] = {
	{
		.name = "offset-split-unmap",
		.describe = "What holes leave stays at its place in the dummy object",
	},
	{
		.name = "offset-split-bo",
		.describe = "What BOs leave stays at its place in the dummy object",
		.by = NEW_BO,
	},
	{
		.name = "offset-split-sparse",
		.describe = "What other sparse ranges leave stays at its place in the dummy object",
		.by = SPARSE,
	},
	{
		.name = "offset-split-restored",
		.describe = "What holes left is restored at its place in the dummy object",
		.evict = AFTER_SPLIT,
	},
	{
		.name = "offset-split-evicted",
		.describe = "What is left of an evicted range stays at its place in the object",
		.evict = BEFORE_SPLIT,
	},
};

static void split_fill_hole(struct igt_panthor_exec *exec, const struct range *hole,
			    const struct panthor_bo *bo, enum backing by)
{
	if (by == NOTHING)
		igt_panthor_exec_unbind(exec, hole->va, hole->size);
	else if (by == SPARSE)
		igt_panthor_vm_bind(exec->fd, exec->vm_id, 0, hole->va, hole->size,
				    IGT_PANTHOR_SPARSE_FLAGS | DRM_PANTHOR_VM_BIND_OP_MAP_READONLY,
				    0);
	else
		igt_panthor_vm_bind(exec->fd, exec->vm_id, bo->handle, hole->va, hole->size,
				    DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC, 0);
}

/* The part behind hole @i, counted from -1: what is in front of the first one. */
static struct range split_part(int i)
{
	const int last = ARRAY_SIZE(split_holes) - 1;
	const uint64_t va = i < 0 ? SPLIT_VA : split_holes[i].va + split_holes[i].size;
	const uint64_t end = i == last ? SPLIT_VA + SPLIT_SIZE : split_holes[i + 1].va;

	return (struct range){ va, end - va };
}

static void split_assert_vmas(struct igt_panthor_exec *exec)
{
	struct igt_panthor_vmas vmas;
	uint64_t object = 0;

	igt_panthor_exec_read_vmas(exec, &vmas);
	for (int i = -1; i < (int)ARRAY_SIZE(split_holes); i++) {
		const struct range part = split_part(i);

		igt_panthor_sparse_assert_vma(&vmas, 0, part.va, part.size, &object);
	}
	igt_panthor_free_vmas(&vmas);
}

static void split(int fd, const void *row)
{
	const struct split_case *c = row;
	struct igt_panthor_exec exec;
	struct panthor_bo bo;

	if (c->evict != NEVER)
		igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_create_bo(&exec, &bo, SZ_4M);
	igt_panthor_exec_bind_sparse(&exec, SPLIT_VA, SPLIT_SIZE);
	igt_panthor_sparse_require_dummy(&exec);

	if (c->evict == BEFORE_SPLIT)
		igt_panthor_evict_dummy(fd, exec.dummy);
	for (unsigned int i = 0; i < ARRAY_SIZE(split_holes); i++)
		split_fill_hole(&exec, &split_holes[i], &bo, c->by);
	split_assert_vmas(&exec);
	if (c->evict == AFTER_SPLIT)
		igt_panthor_evict_dummy(fd, exec.dummy);

	for (int i = -1; i < (int)ARRAY_SIZE(split_holes); i++) {
		const struct range part = split_part(i);

		igt_panthor_sparse_store_load(&exec, part.va, part.size, FIRST + i);
	}
	split_assert_vmas(&exec);

	igt_panthor_exec_fini(&exec);
	igt_panthor_free_bo(fd, &bo);
}

struct tlb_case {
	const char *name;
	const char *describe;
	enum backing before;
	bool unmap_first;
	enum backing after;
};

static const struct tlb_case tlb_cases[] = {
	{
		.name = "tlb-bo-over-sparse",
		.describe = "A BO mapped over a sparse range in use gets the next stores",
		.before = SPARSE,
		.after = NEW_BO,
	},
	{
		.name = "tlb-sparse-over-bo",
		.describe = "A BO in use gets no store once a sparse range is bound over it",
		.before = OLD_BO,
		.after = SPARSE,
	},
	{
		.name = "tlb-sparse-after-unmap",
		.describe = "A BO in use gets no store once it gave way to a sparse range",
		.before = OLD_BO,
		.unmap_first = true,
		.after = SPARSE,
	},
	{
		.name = "tlb-bo-over-bo",
		.describe = "A BO mapped over another in use gets the next stores",
		.before = OLD_BO,
		.after = NEW_BO,
	},
	{
		.name = "tlb-unbind-sparse",
		.describe = "A sparse range in use is out of reach once it is unbound",
		.before = SPARSE,
		.unmap_first = true,
		.after = NOTHING,
	},
	{
		.name = "tlb-unbind-bo",
		.describe = "A BO in use is out of reach once it is unmapped",
		.before = OLD_BO,
		.unmap_first = true,
		.after = NOTHING,
	},
};

struct tlb {
	struct igt_panthor_exec exec;
	struct panthor_bo old_bo;
	struct panthor_bo new_bo;
};

static void tlb_bind(struct tlb *r, enum backing backing)
{
	switch (backing) {
	case NOTHING:
		break;
	case SPARSE:
		igt_panthor_exec_bind_sparse(&r->exec, ODD_VA, SMALL_SIZE);
		break;
	case OLD_BO:
		igt_panthor_exec_bind_bo(&r->exec, &r->old_bo, ODD_VA);
		break;
	case NEW_BO:
		igt_panthor_exec_bind_bo(&r->exec, &r->new_bo, ODD_VA);
		break;
	}
}

/* The second walk must have gone to what is mapped now ... */
static void tlb_assert_arrived(struct tlb *r, enum backing after)
{
	if (after == NEW_BO)
		igt_panthor_bo_assert_holds(&r->new_bo, ODD_VA, SECOND);
	if (after == SPARSE)
		igt_panthor_sparse_load(&r->exec, CONTROL_VA, SMALL_SIZE, ODD_VA, SECOND);
}

/* ... and must not have gone to what was mapped before. */
static void tlb_assert_spared(struct tlb *r, enum backing before)
{
	if (before == OLD_BO)
		igt_panthor_bo_assert_holds(&r->old_bo, ODD_VA, FIRST);
	if (before == SPARSE)
		igt_panthor_sparse_load(&r->exec, CONTROL_VA, SMALL_SIZE, ODD_VA, FIRST);
}

/*
 * A second sparse range, the control, has the same alignment to 2 MiB. It shows
 * the content of the dummy object without the range that is being rebound.
 */
static void tlb(int fd, const void *row)
{
	const struct igt_panthor_walk first =
		igt_panthor_pages(IGT_PANTHOR_STORE, ODD_VA, SMALL_SIZE, FIRST);
	const struct igt_panthor_walk second =
		igt_panthor_pages(IGT_PANTHOR_STORE, ODD_VA, SMALL_SIZE, SECOND);
	const struct tlb_case *c = row;
	struct tlb r;

	igt_panthor_exec_init(&r.exec, fd);
	igt_panthor_exec_create_bo(&r.exec, &r.old_bo, SMALL_SIZE);
	igt_panthor_exec_create_bo(&r.exec, &r.new_bo, SMALL_SIZE);
	igt_panthor_exec_bind_sparse(&r.exec, CONTROL_VA, SMALL_SIZE);
	tlb_bind(&r, c->before);

	igt_panthor_exec_pause(&r.exec, &first, &second);
	if (c->unmap_first)
		igt_panthor_exec_unbind(&r.exec, ODD_VA, SMALL_SIZE);
	tlb_bind(&r, c->after);
	if (c->after == NOTHING)
		igt_panthor_exec_resume_must_fault(&r.exec, ODD_VA, IGT_PANTHOR_STORE);
	else
		igt_panthor_exec_resume(&r.exec);

	tlb_assert_arrived(&r, c->after);
	tlb_assert_spared(&r, c->before);

	igt_panthor_exec_fini(&r.exec);
	igt_panthor_free_bo(fd, &r.old_bo);
	igt_panthor_free_bo(fd, &r.new_bo);
}

static const struct igt_panthor_case plain_cases[] = {
	{
		.name = "map-bind-unbind",
		.describe = "A range is within reach of the GPU while it is bound, no longer",
		.run = map_bind_unbind,
	},
	{
		.name = "map-64k-tiles",
		.describe = "Tiles of 64 KiB are mapped, and nothing between them",
		.run = map_64k_tiles,
	},
	{
		.name = "map-thousand",
		.describe = "A thousand small ranges are mapped, and nothing between them",
		.run = map_thousand,
	},
	{
		.name = "map-top",
		.describe = "Ranges may end where the user's addresses end",
		.run = map_top,
	},
	{
		.name = "map-reserve",
		.describe = "Ranges in empty regions get all the page tables they need",
		.run = map_reserve,
	},
	{
		.name = "map-readonly",
		.describe = "A read-only range can be loaded from, not stored to",
		.run = map_readonly,
	},
	{
		.name = "map-uncached",
		.describe = "A range may be uncached, and read-only at the same time",
		.run = map_uncached,
	},
	{
		.name = "map-64m-odd",
		.describe = "Every page of a large unaligned range can be stored to and loaded",
		.run = map_64m_odd,
	},
	{
		.name = "map-64m-odd-between-bos",
		.describe = "A large unaligned range leaves the BOs beside it alone",
		.run = map_64m_odd_between_bos,
	},
	{
		.name = "cycle-heads",
		.describe = "The first pages of a range are those of the blocks behind it",
		.run = cycle_heads,
	},
	{
		.name = "cycle-64m",
		.describe = "The pages of a large unaligned range repeat every 2 MiB",
		.run = cycle_64m,
	},
	{
		.name = "cycle-far",
		.describe = "The first page of a large range is that of all its blocks",
		.run = cycle_far,
	},
	{
		.name = "cycle-split",
		.describe = "What a hole leaves has the same pages as before",
		.run = cycle_split,
	},
	{
		.name = "cycle-two-vms",
		.describe = "Two VMs of a file have the same pages",
		.run = cycle_two_vms,
	},
	{
		.name = "offset-bind",
		.describe = "Ranges are mapped at their own place in the dummy object",
		.run = offset_bind,
	},
	{
		.name = "offset-split",
		.describe = "Both parts of a split range stay at their place in the dummy object",
		.run = offset_split,
	},
	{}
};

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();
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

	for (unsigned int i = 0; i < ARRAY_SIZE(map_cases); i++) {
		igt_describe(map_cases[i].describe);
		igt_subtest(map_cases[i].name) {
			int fd = igt_panthor_open();

			map(fd, &map_cases[i]);
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

	for (unsigned int i = 0; i < ARRAY_SIZE(tlb_cases); i++) {
		igt_describe(tlb_cases[i].describe);
		igt_subtest(tlb_cases[i].name) {
			int fd = igt_panthor_open();

			tlb(fd, &tlb_cases[i]);
			igt_panthor_close(fd);
		}
		igt_fixture()
			igt_teardown();
	}
}
