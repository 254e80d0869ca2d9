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
 * Scenario: map-range
 * Failure mode: Pages that a bind misses, or maps beyond its range; pages that stay mapped
 *	after an unbind.
 * Description: Command streams load and store through sparse mappings: page by page, at both
 *	edges and beyond them.
 *
 * SUBTEST: map-bind-unbind
 * Description: An address faults before its range is bound sparse. Every page of the range is
 *	readable and writable while it is bound. The first page, an inner one and the last one fault
 *	once it is unbound. A second bind makes every page readable and writable.
 *
 * SUBTEST: map-%s
 * Description: Bind %arg[1]. Every page is readable and writable, and the pages before and
 *	behind fault. The middle and the last page fault after an unbind. Every page is
 *	readable and writable after a second bind.
 *
 * arg[1]:
 *
 * @blocks:	sparse ranges of one 2 MiB block and of four
 * @head:	sparse ranges that start inside a 2 MiB block and end where one ends
 * @tail:	sparse ranges that start where a 2 MiB block starts and end inside one
 * @head-and-tail:	sparse ranges that start and end inside different 2 MiB blocks
 * @inside-block:	sparse ranges that lie inside one 2 MiB block and reach at most one of its
 *		edges
 * @tail-page:	sparse ranges of a single page, and sparse ranges that have a single page in their
 *		last 2 MiB block
 * @odd-sizes:	sparse ranges of an odd number of pages that start at an odd page of a 2 MiB block
 *
 * SUBTEST: map-64m-odd
 * Description: Bind a sparse range of 64 MiB that starts seven pages into a 2 MiB block. Every page
 *	is readable and writable, and the pages before and behind the range fault.
 *
 * SUBTEST: map-across-1g
 * Scenario: map-levels
 * Description: Bind sparse ranges across a boundary of 1 GiB. Every page is readable and writable,
 *	and the pages before and behind fault. The middle and the last page fault after an unbind.
 *	Every page is readable and writable after a second bind.
 *
 * SUBTEST: map-reserve
 * Scenario: map-levels
 * Description: Bind sparse ranges across boundaries of 2 MiB, 1 GiB and 512 GiB, in regions of 512
 *	GiB that have no page table yet. Every page is readable and writable, and the VM stays
 *	usable.
 *
 * SUBTEST: map-top
 * Run type: BAT, FULL
 * Scenario: map-levels
 * Description: Bind sparse ranges that end where the user's addresses end. Every page is readable
 *	and writable, the page before the range faults, and the last page faults once the range is
 *	unbound.
 *
 * SUBTEST: map-readonly
 * Run type: BAT, FULL
 * Scenario: map-flags
 * Description: Every page of a read-only sparse range is readable. Stores fault in the first and
 *	the last page of its incomplete first block, its full second block and its incomplete last
 *	block, and every page stays readable. Every page is readable and writable after a bind over
 *	the range without the flag.
 *
 * SUBTEST: map-uncached
 * Scenario: map-flags
 * Description: Every page of an uncached sparse range is readable and writable, and the pages
 *	before and behind fault. After a bind over the range as uncached and read-only, every page
 *	is readable, and stores fault in the first and the last page of its incomplete first block,
 *	its full second block and its incomplete last block.
 *
 * SUBTEST: map-64k-tiles
 * Scenario: map-many
 * Description: Bind 64 KiB sparse at every second 64 KiB of four blocks, by one request each. Every
 *	page of these tiles is readable and writable. The page before the first tile and both edges
 *	of the first, the last and four random gaps fault, and no gap has a VMA. The GPU loads every
 *	page of a BO that is mapped into each gap. After an unbind of every second tile, the others
 *	are readable and writable, and one of the unbound tiles faults.
 *
 * SUBTEST: map-thousand
 * Scenario: map-many
 * Description: Bind a thousand sparse ranges of three pages by one request. Every page of them is
 *	readable and writable. The page before the first range and both edges of the first, the last
 *	and four random gaps fault, and no gap has a VMA. The GPU loads every page of a BO that is
 *	mapped into each gap.
 *
 * SUBTEST: map-64m-odd-between-bos
 * Run type: BAT, FULL
 * Scenario: map-between-bos
 * Description: Bind a sparse range of 64 MiB at an odd page between two BOs that touch it. Stores
 *	to every page of the range leave both BOs unchanged. The BOs stay writable, and the range
 *	stays readable and writable.
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
 * Scenario: cycle-page
 * Failure mode: Pages that are mapped to the wrong page of the dummy object.
 * Description: A value that is stored at an address is loaded from every address that maps the
 *	same page of the 2 MiB dummy object, and from no other.
 *
 * SUBTEST: cycle-heads
 * Description: Store to the incomplete first block of a sparse range. The values are loaded from
 *	the same offsets of the two blocks behind and of another sparse range, and the other pages
 *	of the dummy object are unchanged. The rows differ in where the range starts in its block.
 *
 * SUBTEST: cycle-64m
 * Run type: BAT, FULL
 * Description: Store to all pages of a sparse range of 64 MiB at an odd page. Each page returns the
 *	last value that was stored to it or to a page a multiple of 2 MiB away.
 *
 * SUBTEST: cycle-far
 * Description: Store to the first page of a sparse range of 1 GiB. The value is loaded from all 512
 *	pages of the range that are a multiple of 2 MiB behind its start, and the other pages of the
 *	dummy object are unchanged.
 *
 * SUBTEST: cycle-split
 * Description: Punch two holes into a sparse range, and store to the rest of the blocks around
 *	them. Each value arrives at the page of the dummy object that belongs to its address, and
 *	the pages of the holes are unchanged.
 *
 * SUBTEST: cycle-two-vms
 * Run type: BAT, FULL
 * Description: Two VMs of one file share the dummy object. A value that is stored through one
 *	VM is loaded through the other one at the same offset, and the other pages are unchanged.
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
 * Scenario: offset-split
 * Failure mode: Wrong offsets of VMAs, which show when the VMA is split or restored.
 * Description: gpuvas shows the offset of each sparse VMA in the dummy object.
 *
 * SUBTEST: offset-bind
 * Run type: BAT, FULL
 * Scenario: offset-bind
 * Description: Bind sparse ranges at 64 different offsets in a 2 MiB block. gpuvas shows each
 *	VMA with its address modulo 2 MiB as the offset in the dummy object.
 *
 * SUBTEST: offset-split
 * Description: Unmap a page of sparse ranges at 64 different offsets in a 2 MiB block. gpuvas shows
 *	both parts of each range with their address modulo 2 MiB as the offset, and no VMA in
 *	between. Every page of the parts of every fifth range is readable and writable.
 *
 * SUBTEST: offset-split-unmap
 * Run type: BAT, FULL
 * Description: Unmap six parts of a sparse range. gpuvas shows each remaining VMA with its
 *	address modulo 2 MiB as the offset, and every page of it is readable and writable.
 *
 * SUBTEST: offset-split-bo
 * Description: Map BOs over six parts of a sparse range. gpuvas shows each remaining sparse VMA
 *	with its address modulo 2 MiB as the offset, and every page of it is readable and
 *	writable.
 *
 * SUBTEST: offset-split-sparse
 * Description: Bind read-only sparse ranges over six parts of a writable one. gpuvas shows each
 *	remaining writable VMA with its address modulo 2 MiB as the offset, and every page of
 *	it is readable and writable.
 *
 * SUBTEST: offset-split-restored
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap
 * Scenario: offset-evicted
 * Description: Unmap six parts of a sparse range, evict the dummy object, and restore it by a
 *	job. gpuvas shows each remaining VMA with its address modulo 2 MiB as the offset, and
 *	every page of it is readable and writable.
 *
 * SUBTEST: offset-split-evicted
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap
 * Scenario: offset-evicted
 * Description: Evict the dummy object, then unmap six parts of the sparse range. gpuvas shows
 *	each remaining VMA with its address modulo 2 MiB as the offset, and every page of it
 *	is readable and writable after restore.
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
 * Test requirement: panthor uAPI 1.9, debugfs, no other GPU client
 * Scenario: tlb-stale
 * Failure mode: Stale translations: TLB entries of a mapping that is gone.
 * Description: One job accesses a range before and after the mapping changes, and runs in
 *	between: the VM keeps its address space, so nothing but the change of the mapping flushes
 *	the TLB.
 *
 * SUBTEST: tlb-bo-over-sparse
 * Run type: BAT, FULL
 * Description: Map a BO over a sparse range that a running job has stored to. The next stores
 *	of the job arrive in the BO and leave the dummy object unchanged.
 *
 * SUBTEST: tlb-sparse-over-bo
 * Description: Bind a sparse range over a BO that a running job has stored to. The next stores
 *	of the job arrive in the dummy object and leave the BO unchanged.
 *
 * SUBTEST: tlb-sparse-after-unmap
 * Description: Unmap a BO that a running job has stored to, and bind a sparse range there. The
 *	next stores of the job arrive in the dummy object and leave the BO unchanged.
 *
 * SUBTEST: tlb-bo-over-bo
 * Description: Map a BO over another one that a running job has stored to. The next stores of
 *	the job arrive in the new BO and leave the old one unchanged.
 *
 * SUBTEST: tlb-unbind-sparse
 * Run type: BAT, FULL
 * Description: Unbind a sparse range that a running job has stored to. The next store of the
 *	job faults and leaves the dummy object unchanged.
 *
 * SUBTEST: tlb-unbind-bo
 * Description: Unmap a BO that a running job has stored to. The next store of the job faults
 *	and leaves the BO unchanged.
 */

IGT_TEST_DESCRIPTION("Check sparse mappings of panthor by GPU loads and stores");

/*
 * The scenarios, and the failure mode of each:
 *
 * 1. map-range: a bind misses pages or maps beyond its range, an unbind leaves pages mapped. Each
 *    range is bound twice.
 * 2. map-levels: a range across a boundary of a page-table level, or at the end of the user's
 *    addresses, is refused or mapped in part.
 * 3. map-flags: a flag is refused, or READONLY is ignored in some pages of a range. Whether a page
 *    is cached does not show in loads and stores.
 * 4. map-many: one of many small ranges maps a page of the gap behind it.
 * 5. map-between-bos: a bind unmaps or changes what is mapped next to its range.
 * 6. cycle-page: a page of a range is mapped to the wrong page of the dummy object.
 * 7. offset-bind: a new VMA has the wrong offset.
 * 8. offset-split: a VMA that is left by a split has the wrong offset.
 * 9. offset-evicted: eviction, or a split while evicted, changes the offset of a VMA.
 * 10. tlb-stale: a TLB entry outlives its mapping. A job accesses the range before and after the
 *    change and keeps running in between: a VM that loses its address space has its TLB flushed.
 *    Jobs of other clients may take the address space, so tlb-* need the GPU for themselves.
 *
 * The uAPI leaves loads from a sparse range undefined. map-* compare a word only right after it was
 * stored, and only where debugfs shows the driver's way: one 2 MiB object for each file, the dummy,
 * mapped over and over, with the address modulo 2 MiB as offset. A store at va shows at
 * va + n * 2 MiB. cycle-* and offset-* test this, and skip where debugfs does not show it.
 *
 * A fault costs a group, so not every page of a thousand gaps can be shown to fault. map-many
 * checks every gap twice without faults: gpuvas must show no VMA there, and a BO must go there.
 * The driver refuses to map over a page that its page table has and no VMA covers (-EEXIST from
 * io-pgtable), and the GPU has to find the BO in every page. Faults are checked at a sample of the
 * gaps. libigt prints the seed of the sample (IGT_SRANDOM).
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define BLOCK IGT_PANTHOR_DUMMY_SIZE
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)

/* 2 MiB-aligned, and free of what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)

/* Seven pages into a block: 64 MiB have a head of 505 pages, 31 blocks, and a tail of 7 pages. */
#define ODD_VA (BASE_VA + 7 * PAGE)
#define ODD_SIZE SZ_64M

/*
 * Ranges that show the content of the dummy: one with the offset in its block that ODD_VA has, and
 * one block.
 */
#define CONTROL_VA (ODD_VA + IGT_PANTHOR_EXEC_VA_END)
#define OBJECT_VA (BASE_VA + IGT_PANTHOR_EXEC_VA_END)

/* At ODD_VA: a head, one block, and a tail. */
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

/**
 * range:
 * @name: name of the dynamic subtest, where the range is one
 * @va: first page
 * @size: its bytes
 */
struct range {
	const char *name;
	uint64_t va;
	uint64_t size;
};

/* A list of ranges, ended by one without a size. */
#define RANGES(...) ((const struct range[]){ __VA_ARGS__, {} })

/**
 * map_case:
 * @name: name of the subtest
 * @what: what is bound, for its description
 * @ranges: one dynamic subtest each
 */
struct map_case {
	const char *name;
	const char *what;
	const struct range *ranges;
};

static const struct map_case map_cases[] = {
	{
		.name = "map-blocks",
		.what = "sparse ranges of one 2 MiB block and of four",
		.ranges = RANGES({ "one", BASE_VA, SZ_2M }, { "four", BASE_VA, SZ_8M }),
	},
	{
		.name = "map-head",
		.what = "sparse ranges that start inside a 2 MiB block and end where one ends",
		.ranges = RANGES({ "last-page", BASE_VA + SZ_2M - PAGE, SZ_4M + PAGE },
				 { "all-but-7-pages", BASE_VA + 7 * PAGE, SZ_8M - 7 * PAGE }),
	},
	{
		.name = "map-tail",
		.what = "sparse ranges that start where a 2 MiB block starts and end inside one",
		.ranges = RANGES({ "2-pages", BASE_VA, SZ_4M + 2 * PAGE },
				 { "all-but-7-pages", BASE_VA, SZ_8M - 7 * PAGE }),
	},
	{
		.name = "map-head-and-tail",
		.what = "sparse ranges that start and end inside different 2 MiB blocks",
		.ranges = RANGES({ "2-pages", BASE_VA + SZ_2M - 2 * PAGE, 4 * PAGE },
				 { "half-blocks", BASE_VA + SZ_1M, SZ_2M },
				 { "all-but-edges", BASE_VA + PAGE, SZ_8M - 2 * PAGE }),
	},
	{
		.name = "map-inside-block",
		.what = "sparse ranges that lie inside one 2 MiB block and reach at most one of "
			"its edges",
		.ranges = RANGES({ "all-but-last-page", BASE_VA, SZ_2M - PAGE },
				 { "inside", BASE_VA + 5 * PAGE, SZ_64K },
				 { "to-the-end", BASE_VA + SZ_2M - SZ_64K, SZ_64K }),
	},
	{
		.name = "map-tail-page",
		.what = "sparse ranges of a single page, and sparse ranges that have a single "
			"page in their last 2 MiB block",
		.ranges = RANGES({ "block-and-page", BASE_VA, SZ_2M + PAGE },
				 { "first-page", BASE_VA, PAGE },
				 { "last-page", BASE_VA + SZ_2M - PAGE, PAGE },
				 { "2-pages-and-page", BASE_VA + SZ_2M - 2 * PAGE, 3 * PAGE }),
	},
	{
		.name = "map-odd-sizes",
		.what = "sparse ranges of an odd number of pages that start at an odd page of a "
			"2 MiB block",
		.ranges = RANGES({ "3-pages", BASE_VA + PAGE, 3 * PAGE },
				 { "255-pages", BASE_VA + 127 * PAGE, 255 * PAGE },
				 { "511-pages", BASE_VA + 255 * PAGE, 511 * PAGE },
				 { "1027-pages", BASE_VA + 511 * PAGE, 1027 * PAGE }),
	},
	{
		.name = "map-across-1g",
		.what = "sparse ranges across a boundary of 1 GiB",
		.ranges = RANGES({ "blocks", 5 * GIB - SZ_8M, SZ_16M },
				 { "half-blocks", 6 * GIB - SZ_1M, SZ_2M }),
	},
};

/*
 * Binds a range, uses every page of it, and unbinds it, twice. The middle of a range is the
 * boundary that the range was chosen for, if there is one.
 */
static void map_range(int fd, const struct range *r)
{
	const uint64_t middle = ALIGN_DOWN(r->va + r->size / 2, PAGE);
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_bind_sparse(&exec, r->va, r->size);
	igt_panthor_sparse_store_load(&exec, r->va, r->size, FIRST);
	igt_panthor_exec_neighbours_fault(&exec, r->va, r->size);

	igt_panthor_exec_unbind(&exec, r->va, r->size);
	igt_panthor_exec_must_fault(&exec, middle, IGT_PANTHOR_STORE);
	igt_panthor_exec_must_fault(&exec, r->va + r->size - PAGE, IGT_PANTHOR_LOAD);

	igt_panthor_exec_bind_sparse(&exec, r->va, r->size);
	igt_panthor_sparse_store_load(&exec, r->va, r->size, SECOND);
	igt_panthor_exec_unbind(&exec, r->va, r->size);
	igt_panthor_vm_assert_usable(fd, exec.vm_id);
	igt_panthor_exec_fini(&exec);
}

/**
 * tiles:
 * @va: first page of the first range
 * @size: bytes of each range
 * @stride: from the start of a range to that of the next one
 * @count: number of ranges
 *
 * Ranges of one size, with a gap of @stride - @size behind each.
 */
struct tiles {
	uint64_t va;
	uint64_t size;
	uint64_t stride;
	uint32_t count;
};

/* How many gaps beside the first and the last one have faults at their edges. */
#define GAP_SAMPLES 4

static uint64_t tile_va(const struct tiles *t, uint32_t i)
{
	return t->va + i * t->stride;
}

static void gap_edges_fault(struct igt_panthor_exec *exec, const struct tiles *t, uint32_t i)
{
	igt_panthor_exec_must_fault(exec, tile_va(t, i) + t->size, IGT_PANTHOR_STORE);
	igt_panthor_exec_must_fault(exec, tile_va(t, i + 1) - PAGE, IGT_PANTHOR_LOAD);
}

static void sampled_gaps_fault(struct igt_panthor_exec *exec, const struct tiles *t)
{
	igt_panthor_exec_must_fault(exec, t->va - PAGE, IGT_PANTHOR_LOAD);
	gap_edges_fault(exec, t, 0);
	gap_edges_fault(exec, t, t->count - 1);
	for (unsigned int i = 0; i < GAP_SAMPLES; i++)
		gap_edges_fault(exec, t, random() % t->count);
}

/* From the first range to the last gap, the VMAs are exactly the ranges. */
static void gaps_have_no_vma(struct igt_panthor_exec *exec, const struct tiles *t)
{
	struct igt_panthor_vmas vmas;
	uint32_t count = 0;

	if (!igt_panthor_has_debugfs(exec->fd)) {
		igt_info("VMAs of the gaps not looked at: debugfs has no gpuvas\n");
		return;
	}

	igt_panthor_exec_read_vmas(exec, &vmas);
	for (uint32_t i = 0; i < t->count; i++) {
		const uint64_t va = tile_va(t, i);
		const struct igt_panthor_vma *vma = igt_panthor_find_vma(&vmas, 0, va);

		igt_assert_f(vma && vma->va == va && vma->size == t->size,
			     "gpuvas has no VMA at %#" PRIx64 " of %#" PRIx64 " bytes\n", va,
			     t->size);
	}
	for (size_t i = 0; i < vmas.count; i++)
		count += vmas.vma[i].va >= t->va && vmas.vma[i].va < tile_va(t, t->count);
	igt_assert_eq_u32(count, t->count);
	igt_panthor_free_vmas(&vmas);
}

static void fill_gaps(struct igt_panthor_exec *exec, const struct tiles *t,
		      const struct panthor_bo *bo)
{
	struct drm_panthor_vm_bind_op *op = calloc(t->count, sizeof(*op));

	igt_assert(op);
	for (uint32_t i = 0; i < t->count; i++)
		op[i] = (struct drm_panthor_vm_bind_op){
			.flags = IGT_PANTHOR_BO_MAP_FLAGS,
			.bo_handle = bo->handle,
			.va = tile_va(t, i) + t->size,
			.size = t->stride - t->size,
		};
	igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, op, t->count, 0);
	free(op);
}

static uint32_t *bo_word(const struct panthor_bo *bo, uint64_t offset)
{
	return (uint32_t *)((char *)bo->map + offset);
}

/* Every page of every gap is free: a BO goes there, and the GPU finds the right page of it. */
static void gaps_take_a_bo(struct igt_panthor_exec *exec, const struct tiles *t)
{
	struct panthor_bo bo;

	igt_panthor_exec_create_bo(exec, &bo, t->stride - t->size);
	for (uint64_t offset = 0; offset < bo.size; offset += PAGE)
		*bo_word(&bo, offset) = igt_panthor_pattern(offset, THIRD);
	fill_gaps(exec, t, &bo);

	for (uint64_t offset = 0; offset < t->stride - t->size; offset += PAGE) {
		const struct igt_panthor_walk walk = {
			.access = IGT_PANTHOR_LOAD,
			.va = t->va + t->size + offset,
			.count = t->count,
			.stride = t->stride,
		};
		const uint32_t *loaded = igt_panthor_exec_walk(exec, &walk);

		for (uint32_t i = 0; i < t->count; i++)
			igt_assert_f(loaded[i] == *bo_word(&bo, offset),
				     "GPU loaded %#x at %#" PRIx64 ", expected %#x of the BO\n",
				     loaded[i], walk.va + i * t->stride, *bo_word(&bo, offset));
	}
	igt_panthor_free_bo(exec->fd, &bo);
}

/* Every page of the ranges works, and their gaps have no page. The gaps have BOs afterwards. */
static void tiles_check(struct igt_panthor_exec *exec, const struct tiles *t)
{
	for (uint64_t offset = 0; offset < t->size; offset += PAGE) {
		const struct igt_panthor_walk walk = {
			.access = IGT_PANTHOR_STORE_LOAD,
			.va = t->va + offset,
			.count = t->count,
			.stride = t->stride,
			.seed = FIRST + offset,
		};

		igt_panthor_sparse_walk(exec, &walk);
	}
	sampled_gaps_fault(exec, t);
	gaps_have_no_vma(exec, t);
	gaps_take_a_bo(exec, t);
}

static void map_64k_tiles(int fd)
{
	const struct tiles tiles = {
		.va = BASE_VA, .size = SZ_64K, .stride = 2 * SZ_64K, .count = 64,
	};
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	for (uint32_t i = 0; i < tiles.count; i++)
		igt_panthor_exec_bind_sparse(&exec, tile_va(&tiles, i), tiles.size);
	tiles_check(&exec, &tiles);

	for (uint32_t i = 1; i < tiles.count; i += 2)
		igt_panthor_exec_unbind(&exec, tile_va(&tiles, i), tiles.size);
	for (uint32_t i = 0; i < tiles.count; i += 2)
		igt_panthor_sparse_store_load(&exec, tile_va(&tiles, i), tiles.size, SECOND);
	igt_panthor_exec_must_fault(&exec, tile_va(&tiles, 1), IGT_PANTHOR_LOAD);

	igt_panthor_exec_fini(&exec);
}

#define MANY_COUNT 1000

/* Each range 68 KiB behind the one before: the ranges lie at any offset in a block. */
static void map_thousand(int fd)
{
	const struct tiles tiles = {
		.va = BASE_VA, .size = 3 * PAGE, .stride = 17 * PAGE, .count = MANY_COUNT,
	};
	struct drm_panthor_vm_bind_op op[MANY_COUNT] = {};
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	for (uint32_t i = 0; i < tiles.count; i++)
		op[i] = (struct drm_panthor_vm_bind_op){
			.flags = IGT_PANTHOR_SPARSE_FLAGS,
			.va = tile_va(&tiles, i),
			.size = tiles.size,
		};
	igt_panthor_vm_bind_ops(fd, exec.vm_id, op, tiles.count, 0);
	tiles_check(&exec, &tiles);

	igt_panthor_exec_fini(&exec);
}

/* Ranges that end where the user's addresses end. */
static const struct range top_ranges[] = {
	{ .name = "page", .size = PAGE },
	{ .name = "block", .size = SZ_2M },
	{ .name = "blocks-and-half", .size = SZ_4M + SZ_1M },
	{}
};

/* The kernel's addresses follow the user's: no fault can be expected behind the range. */
static void map_top(int fd, const struct range *r)
{
	struct igt_panthor_exec exec;
	uint64_t va;

	igt_panthor_exec_init(&exec, fd);
	va = exec.uva_range - r->size;
	igt_panthor_exec_bind_sparse(&exec, va, r->size);
	igt_panthor_sparse_store_load(&exec, va, r->size, FIRST);
	igt_panthor_exec_must_fault(&exec, va - PAGE, IGT_PANTHOR_LOAD);
	igt_panthor_exec_unbind(&exec, va, r->size);
	igt_panthor_exec_must_fault(&exec, exec.uva_range - PAGE, IGT_PANTHOR_STORE);
	igt_panthor_exec_fini(&exec);
}

/*
 * In an empty region of 512 GiB each bind needs a table of every level, and two of those whose
 * boundary it crosses.
 */
static const struct range reserve_ranges[] = {
	{ "inside", 3 * TIB + SZ_1M, SZ_2M },
	{ "across-1g", 5 * TIB + GIB - SZ_64K, 2 * SZ_64K },
	{ "across-512g", 6 * TIB - SZ_64K, 2 * SZ_64K },
	{}
};

static void map_reserve(int fd, const struct range *r)
{
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_require_range(&exec, 7 * TIB);
	igt_panthor_exec_bind_sparse(&exec, r->va, r->size);
	igt_panthor_sparse_store_load(&exec, r->va, r->size, FIRST);
	igt_panthor_vm_assert_usable(fd, exec.vm_id);
	igt_panthor_exec_fini(&exec);
}

static void bind_sparse_flags(struct igt_panthor_exec *exec, uint32_t flags)
{
	igt_panthor_vm_bind(exec->fd, exec->vm_id, 0, ODD_VA, SMALL_SIZE,
			    IGT_PANTHOR_SPARSE_FLAGS | flags, 0);
}

/* Every page is readable before and after stores that fault in the head, the block and the tail. */
static void assert_readonly(struct igt_panthor_exec *exec)
{
	const uint64_t va[] = {
		ODD_VA,
		BASE_VA + SZ_2M - PAGE,
		BASE_VA + SZ_2M,
		BASE_VA + SZ_4M - PAGE,
		BASE_VA + SZ_4M,
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

	/* No page stays read-only when the range is bound as writable. */
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
	struct igt_panthor_exec exec;
	struct panthor_bo bo[2];
	uint64_t va[2];

	igt_panthor_exec_init(&exec, fd);
	for (unsigned int i = 0; i < ARRAY_SIZE(bo); i++) {
		igt_panthor_exec_create_bo(&exec, &bo[i], igt_panthor_cpu_page_size());
		va[i] = i ? ODD_VA + ODD_SIZE : ODD_VA - bo[i].size;
		igt_panthor_exec_bind_bo(&exec, &bo[i], va[i]);
		igt_panthor_exec_store_pages(&exec, va[i], bo[i].size, FIRST);
	}

	igt_panthor_exec_bind_sparse(&exec, ODD_VA, ODD_SIZE);
	igt_panthor_sparse_store_load(&exec, ODD_VA, ODD_SIZE, SECOND);

	for (unsigned int i = 0; i < ARRAY_SIZE(bo); i++) {
		igt_panthor_bo_assert_holds(&bo[i], va[i], FIRST);
		igt_panthor_exec_store_pages(&exec, va[i], bo[i].size, THIRD);
		igt_panthor_bo_assert_holds(&bo[i], va[i], THIRD);
	}
	igt_panthor_sparse_store_load(&exec, ODD_VA, ODD_SIZE, FIRST);

	igt_panthor_exec_fini(&exec);
	for (unsigned int i = 0; i < ARRAY_SIZE(bo); i++)
		igt_panthor_free_bo(fd, &bo[i]);
}

/* Binds one aligned block: all of the dummy object, once. */
static void object_bind(struct igt_panthor_exec *exec)
{
	igt_panthor_exec_bind_sparse(exec, OBJECT_VA, BLOCK);
	igt_panthor_sparse_require_dummy(exec);
}

/* Pages that no later store through another range changes keep these values. */
static void object_fill(struct igt_panthor_exec *exec)
{
	igt_panthor_exec_store_pages(exec, OBJECT_VA, BLOCK, FIRST);
}

/* The address in the range of object_bind() that maps the same page of the object as @va. */
static uint64_t object_va(uint64_t va)
{
	return OBJECT_VA + va % BLOCK;
}

/* @size bytes of the object at @offset are unchanged since object_fill(). */
static void object_assert_kept(struct igt_panthor_exec *exec, uint64_t offset, uint64_t size)
{
	if (size)
		igt_panthor_sparse_load(exec, OBJECT_VA + offset, size, OBJECT_VA + offset, FIRST);
}

/* Where in their 2 MiB block the ranges of cycle-heads start. */
static const uint64_t cycle_offsets[] = {
	PAGE, SZ_64K, SZ_1M - PAGE, SZ_1M, SZ_1M + PAGE, SZ_1M + SZ_512K, SZ_2M - PAGE,
};

static void cycle_head(int fd, uint64_t head)
{
	const uint64_t va = BASE_VA + head;
	const uint64_t size = BLOCK - head;
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	object_bind(&exec);
	igt_panthor_exec_bind_sparse(&exec, va, SZ_4M + SZ_2M);
	object_fill(&exec);

	igt_panthor_exec_store_pages(&exec, va, size, SECOND);
	igt_panthor_sparse_load(&exec, va + BLOCK, size, va, SECOND);
	igt_panthor_sparse_load(&exec, va + 2 * BLOCK, size, va, SECOND);
	igt_panthor_sparse_load(&exec, object_va(va), size, va, SECOND);
	object_assert_kept(&exec, 0, head);

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
		{ .va = BASE_VA + SZ_1M + SZ_256K, .size = SZ_64K },
		{ .va = BASE_VA + SZ_4M + SZ_1M + SZ_256K, .size = PAGE },
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
 * 64 offsets in a 2 MiB block, odd and even, and those of its edges. Only the ranges at the edges
 * cover a block: the first range has a tail behind it, the last one a head and a tail.
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
 * The range of offset-split-*, and its holes by rising address: at the start of a block, a block,
 * across two blocks, the last page of a block, the first one of another, and a page of the VMA
 * behind that one.
 */
#define SPLIT_VA (BASE_VA + SZ_1M)
#define SPLIT_SIZE SZ_16M

static const struct range split_holes[] = {
	{ .va = BASE_VA + SZ_4M + SZ_2M, .size = SZ_64K },
	{ .va = BASE_VA + SZ_8M, .size = SZ_2M },
	{ .va = BASE_VA + SZ_8M + SZ_4M - SZ_64K, .size = 2 * SZ_64K },
	{ .va = BASE_VA + SZ_16M - SZ_2M - PAGE, .size = PAGE },
	{ .va = BASE_VA + SZ_16M, .size = PAGE },
	{ .va = BASE_VA + SZ_16M + SZ_64K, .size = PAGE },
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
 * @describe: its description
 * @by: what is mapped into the holes
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
		.describe = "Unmap six parts of a sparse range. gpuvas shows each remaining VMA "
			    "with its address modulo 2 MiB as the offset, and every page of it "
			    "is readable and writable.",
	},
	{
		.name = "offset-split-bo",
		.describe = "Map BOs over six parts of a sparse range. gpuvas shows each "
			    "remaining sparse VMA with its address modulo 2 MiB as the offset, "
			    "and every page of it is readable and writable.",
		.by = NEW_BO,
	},
	{
		.name = "offset-split-sparse",
		.describe = "Bind read-only sparse ranges over six parts of a writable one. "
			    "gpuvas shows each remaining writable VMA with its address modulo 2 "
			    "MiB as the offset, and every page of it is readable and writable.",
		.by = SPARSE,
	},
	{
		.name = "offset-split-restored",
		.describe = "Unmap six parts of a sparse range, evict the dummy object, and "
			    "restore it by a job. gpuvas shows each remaining VMA with its "
			    "address modulo 2 MiB as the offset, and every page of it is "
			    "readable and writable.",
		.evict = AFTER_SPLIT,
	},
	{
		.name = "offset-split-evicted",
		.describe = "Evict the dummy object, then unmap six parts of the sparse range. "
			    "gpuvas shows each remaining VMA with its address modulo 2 MiB as "
			    "the offset, and every page of it is readable and writable after "
			    "restore.",
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
				    IGT_PANTHOR_BO_MAP_FLAGS, 0);
}

/* The part behind hole @i. Part -1 is in front of the first hole. */
static struct range split_part(int i)
{
	const int last = ARRAY_SIZE(split_holes) - 1;
	const uint64_t va = i < 0 ? SPLIT_VA : split_holes[i].va + split_holes[i].size;
	const uint64_t end = i == last ? SPLIT_VA + SPLIT_SIZE : split_holes[i + 1].va;

	return (struct range){ .va = va, .size = end - va };
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

static void split(int fd, const struct split_case *c)
{
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

/**
 * tlb_case:
 * @name: name of the subtest
 * @describe: its description
 * @before: what the job stores to first
 * @unmap_first: whether @before is unmapped before @after is mapped
 * @after: what is mapped when the job stores again
 */
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
		.describe = "Map a BO over a sparse range that a running job has stored to. The "
			    "next stores of the job arrive in the BO and leave the dummy object "
			    "unchanged.",
		.before = SPARSE,
		.after = NEW_BO,
	},
	{
		.name = "tlb-sparse-over-bo",
		.describe = "Bind a sparse range over a BO that a running job has stored to. The "
			    "next stores of the job arrive in the dummy object and leave the BO "
			    "unchanged.",
		.before = OLD_BO,
		.after = SPARSE,
	},
	{
		.name = "tlb-sparse-after-unmap",
		.describe = "Unmap a BO that a running job has stored to, and bind a sparse range "
			    "there. The next stores of the job arrive in the dummy object and "
			    "leave the BO unchanged.",
		.before = OLD_BO,
		.unmap_first = true,
		.after = SPARSE,
	},
	{
		.name = "tlb-bo-over-bo",
		.describe = "Map a BO over another one that a running job has stored to. The "
			    "next stores of the job arrive in the new BO and leave the old one "
			    "unchanged.",
		.before = OLD_BO,
		.after = NEW_BO,
	},
	{
		.name = "tlb-unbind-sparse",
		.describe = "Unbind a sparse range that a running job has stored to. The next "
			    "store of the job faults and leaves the dummy object unchanged.",
		.before = SPARSE,
		.unmap_first = true,
		.after = NOTHING,
	},
	{
		.name = "tlb-unbind-bo",
		.describe = "Unmap a BO that a running job has stored to. The next store of the "
			    "job faults and leaves the BO unchanged.",
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

/*
 * The second walk arrived in the new mapping, and the old one is unchanged. BOs first: always
 * known.
 */
static void tlb_assert_contents(struct tlb *r, const struct tlb_case *c)
{
	if (c->after == NEW_BO)
		igt_panthor_bo_assert_holds(&r->new_bo, ODD_VA, SECOND);
	if (c->before == OLD_BO)
		igt_panthor_bo_assert_holds(&r->old_bo, ODD_VA, FIRST);

	if (c->after == SPARSE)
		igt_panthor_sparse_load(&r->exec, CONTROL_VA, SMALL_SIZE, ODD_VA, SECOND);
	if (c->before == SPARSE)
		igt_panthor_sparse_load(&r->exec, CONTROL_VA, SMALL_SIZE, ODD_VA, FIRST);
}

/*
 * A second sparse range, the control, has the same alignment to 2 MiB. It shows the content of the
 * dummy object without the range whose mapping changes.
 */
static void tlb(int fd, const struct tlb_case *c)
{
	const struct igt_panthor_walk first =
		igt_panthor_pages(IGT_PANTHOR_STORE, ODD_VA, SMALL_SIZE, FIRST);
	const struct igt_panthor_walk second =
		igt_panthor_pages(IGT_PANTHOR_STORE, ODD_VA, SMALL_SIZE, SECOND);
	struct tlb r;

	igt_panthor_require_alone(fd);
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

	tlb_assert_contents(&r, c);

	igt_panthor_exec_fini(&r.exec);
	igt_panthor_free_bo(fd, &r.old_bo);
	igt_panthor_free_bo(fd, &r.new_bo);
	/* A client that came in between may have had the TLB flushed: no pass. */
	igt_panthor_require_alone(fd);
}

static const struct igt_panthor_case plain_cases[] = {
	{
		.name = "map-bind-unbind",
		.describe = "An address faults before its range is bound sparse. Every page of "
			    "the range is readable and writable while it is bound. The first "
			    "page, an inner one and the last one fault once it is unbound. A "
			    "second bind makes every page readable and writable.",
		.run = map_bind_unbind,
	},
	{
		.name = "map-64k-tiles",
		.describe = "Bind 64 KiB sparse at every second 64 KiB of four blocks, by one "
			    "request each. Every page of these tiles is readable and writable. "
			    "The page before the first tile and both edges of the first, the "
			    "last and four random gaps fault, and no gap has a VMA. The GPU "
			    "loads every page of a BO that is mapped into each gap. After an "
			    "unbind of every second tile, the others are readable and writable, "
			    "and one of the unbound tiles faults.",
		.run = map_64k_tiles,
	},
	{
		.name = "map-thousand",
		.describe = "Bind a thousand sparse ranges of three pages by one request. Every "
			    "page of them is readable and writable. The page before the first "
			    "range and both edges of the first, the last and four random gaps "
			    "fault, and no gap has a VMA. The GPU loads every page of a BO that "
			    "is mapped into each gap.",
		.run = map_thousand,
	},
	{
		.name = "map-readonly",
		.describe = "Every page of a read-only sparse range is readable. Stores fault in "
			    "the first and the last page of its incomplete first block, its full "
			    "second block and its incomplete last block, and every page stays "
			    "readable. Every page is readable and writable after a bind over the "
			    "range without the flag.",
		.run = map_readonly,
	},
	{
		.name = "map-uncached",
		.describe = "Every page of an uncached sparse range is readable and writable, "
			    "and the pages before and behind fault. After a bind over the range "
			    "as uncached and read-only, every page is readable, and stores fault "
			    "in the first and the last page of its incomplete first block, its "
			    "full second block and its incomplete last block.",
		.run = map_uncached,
	},
	{
		.name = "map-64m-odd",
		.describe = "Bind a sparse range of 64 MiB that starts seven pages into a 2 MiB "
			    "block. Every page is readable and writable, and the pages before "
			    "and behind the range fault.",
		.run = map_64m_odd,
	},
	{
		.name = "map-64m-odd-between-bos",
		.describe = "Bind a sparse range of 64 MiB at an odd page between two BOs that "
			    "touch it. Stores to every page of the range leave both BOs "
			    "unchanged. The BOs stay writable, and the range stays readable and "
			    "writable.",
		.run = map_64m_odd_between_bos,
	},
	{
		.name = "cycle-64m",
		.describe = "Store to all pages of a sparse range of 64 MiB at an odd page. Each "
			    "page returns the last value that was stored to it or to a page a "
			    "multiple of 2 MiB away.",
		.run = cycle_64m,
	},
	{
		.name = "cycle-far",
		.describe = "Store to the first page of a sparse range of 1 GiB. The value is "
			    "loaded from all 512 pages of the range that are a multiple of 2 MiB "
			    "behind its start, and the other pages of the dummy object are "
			    "unchanged.",
		.run = cycle_far,
	},
	{
		.name = "cycle-split",
		.describe = "Punch two holes into a sparse range, and store to the rest of the "
			    "blocks around them. Each value arrives at the page of the dummy "
			    "object that belongs to its address, and the pages of the holes "
			    "are unchanged.",
		.run = cycle_split,
	},
	{
		.name = "cycle-two-vms",
		.describe = "Two VMs of one file share the dummy object. A value that is stored "
			    "through one VM is loaded through the other one at the same "
			    "offset, and the other pages are unchanged.",
		.run = cycle_two_vms,
	},
	{
		.name = "offset-bind",
		.describe = "Bind sparse ranges at 64 different offsets in a 2 MiB block. gpuvas "
			    "shows each VMA with its address modulo 2 MiB as the offset in the "
			    "dummy object.",
		.run = offset_bind,
	},
	{
		.name = "offset-split",
		.describe = "Unmap a page of sparse ranges at 64 different offsets in a 2 MiB "
			    "block. gpuvas shows both parts of each range with their address "
			    "modulo 2 MiB as the offset, and no VMA in between. Every page of "
			    "the parts of every fifth range is readable and writable.",
		.run = offset_split,
	},
	{}
};

#define MAP_TOP_DESCRIBE \
	"Bind sparse ranges that end where the user's addresses end. Every page is readable " \
	"and writable, the page before the range faults, and the last page faults once the " \
	"range is unbound."

#define MAP_RESERVE_DESCRIBE \
	"Bind sparse ranges across boundaries of 2 MiB, 1 GiB and 512 GiB, in regions of 512 " \
	"GiB that have no page table yet. Every page is readable and writable, and the VM " \
	"stays usable."

#define CYCLE_HEADS_DESCRIBE \
	"Store to the incomplete first block of a sparse range. The values are loaded from the " \
	"same offsets of the two blocks behind and of another sparse range, and the other " \
	"pages of the dummy object are unchanged. The rows differ in where the range starts in " \
	"its block."

/* A dynamic subtest for each range, with a file of its own. */
static void run_ranges(void (*run)(int fd, const struct range *r), const struct range *ranges)
{
	for (const struct range *r = ranges; r->size; r++) {
		igt_dynamic(r->name)
			igt_panthor_with_device(fd)
				run(fd, r);
		igt_teardown();
	}
}

static void run_cycle_heads(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(cycle_offsets); i++) {
		igt_dynamic_f("page-%u", (unsigned int)(cycle_offsets[i] / PAGE))
			igt_panthor_with_device(fd)
				cycle_head(fd, cycle_offsets[i]);
		igt_teardown();
	}
}

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();

	for (const struct igt_panthor_case *c = plain_cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest(c->name)
			igt_panthor_with_device(fd)
				c->run(fd);
		igt_fixture()
			igt_teardown();
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(map_cases); i++) {
		igt_describe_f("Bind %s. Every page is readable and writable, and the pages "
			       "before and behind fault. The middle and the last page fault "
			       "after an unbind. Every page is readable and writable after a "
			       "second bind.",
			       map_cases[i].what);
		igt_subtest_with_dynamic(map_cases[i].name)
			run_ranges(map_range, map_cases[i].ranges);
	}

	igt_describe(MAP_TOP_DESCRIBE);
	igt_subtest_with_dynamic("map-top")
		run_ranges(map_top, top_ranges);

	igt_describe(MAP_RESERVE_DESCRIBE);
	igt_subtest_with_dynamic("map-reserve")
		run_ranges(map_reserve, reserve_ranges);

	igt_describe(CYCLE_HEADS_DESCRIBE);
	igt_subtest_with_dynamic("cycle-heads")
		run_cycle_heads();

	for (unsigned int i = 0; i < ARRAY_SIZE(split_cases); i++) {
		igt_describe(split_cases[i].describe);
		igt_subtest(split_cases[i].name)
			igt_panthor_with_device(fd)
				split(fd, &split_cases[i]);
		igt_fixture()
			igt_teardown();
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(tlb_cases); i++) {
		igt_describe(tlb_cases[i].describe);
		igt_subtest(tlb_cases[i].name)
			igt_panthor_with_device(fd)
				tlb(fd, &tlb_cases[i]);
		igt_fixture()
			igt_teardown();
	}
}
