// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "igt_teardown.h"

/**
 * TEST: Holes in sparse mappings of panthor, and what is left around them
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: punch
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9
 * Scenario: punch-edges
 * Failure mode: Missing mappings at an edge of a hole, edges that are mapped to
 *	another object or offset, holes that stay mapped.
 * Description: Parts of sparse ranges are unmapped or replaced by BOs, and parts
 *	of BOs by sparse ranges. Loads and stores of command streams check every
 *	page around each hole; faults are checked at the edges of the hole and at
 *	pages that are drawn by a printed seed.
 *
 * SUBTEST: punch-tiles
 * Scenario: punch-tiles
 * Failure mode: Unmaps that are widened to pages of another mapping in the block.
 * Description: Every other 64 KiB of two blocks is unmapped, in an order that
 *	splits what was split before. Each page that is left is readable and
 *	writable, and each hole faults at a page drawn by the printed seed. Then
 *	both blocks are bound as a whole, and each page is readable and writable
 *	again.
 *
 * SUBTEST: punch-idle-vm
 * Scenario: punch-idle-vm
 * Failure mode: Translations in the TLB that outlive an unmap in an idle VM.
 * Test requirement: panthor uAPI 1.9, debugfs, no other GPU client
 * Description: A page that a VM used is unmapped while no group of the VM is on
 *	the GPU, but its address space is still assigned: the page faults in the
 *	next job of the VM.
 *
 * SUBTEST: punch-in-use
 * Run type: BAT, FULL
 * Scenario: punch-in-use
 * Failure mode: Partial unmaps of a block that are not atomic for a running job.
 * Description: A job stores to every other page of a block, round after round, while a page between
 *	them is unmapped and bound again: no store faults, and rounds end between the start of an
 *	unmap and the end of the bind after it. Then every page of the block is readable and
 *	writable.
 *
 * SUBTEST: punch-others
 * Scenario: punch-others
 * Failure mode: A fault that ends groups of VMs that did not fault.
 * Description: A job faults in a hole while a job of another VM is on the GPU:
 *	the other job ends well, and so does the next job of the VM that faulted.
 */

/**
 * SUBTEST: punch-%s-many-blocks
 * Run type: BAT, FULL
 * Description: The hole, two whole blocks and some pages on both sides, is
 *	%arg[1]. Every mapped page is readable and writable, and the neighbours
 *	of the range fault. Then the hole is bound like the rest of the range:
 *	every page is readable and writable, and the neighbours fault again.
 *
 * SUBTEST: punch-%s-%s
 * Description: The hole, %arg[2], is %arg[1]. Every mapped page is readable and
 *	writable, and the neighbours of the range fault. Then the hole is bound
 *	like the rest of the range: every page is readable and writable, and the
 *	neighbours fault again.
 *
 * arg[1]:
 *
 * @unmap:		unmapped from a sparse range, and faults at its first and
 *			last page and at up to three pages between, drawn by the
 *			printed seed
 * @bo-over-sparse:	replaced by a BO in a sparse range, and the BO holds
 *			exactly what is stored to the hole
 * @sparse-over-bo:	bound sparse over a BO, and the BO holds exactly what is
 *			stored around the hole
 *
 * arg[2]:
 *
 * @head:		the first 64 KiB
 * @first-block:	three pages inside the first block
 * @middle:		64 KiB inside a block
 * @block:		exactly one block
 * @block-but-first:	one block without its first page
 * @block-but-last:	one block without its last page
 * @two-blocks:		the second half of a block and the first half of the next
 * @tail:		the last 64 KiB
 * @odd-head:		three pages inside an incomplete first block
 * @odd-middle:		the end of an incomplete first block and half of the next
 * @odd-tail:		three pages inside an incomplete last block
 */

/**
 * SUBTEST: punch-%s-%s
 * Scenario: punch-several
 * Failure mode: An unmap that takes the range of the whole operation for the part
 *	that lies in one mapping.
 * Description: The hole, %arg[2], is %arg[1]. Every mapped page is readable and
 *	writable, and the neighbours of the range fault. Then the hole is bound
 *	like the rest of the range: every page is readable and writable, and the
 *	neighbours fault again.
 *
 * arg[1]:
 *
 * @bo-over-seam:	replaced by a BO over the seam of two sparse ranges, and
 *			the BO holds exactly what is stored to the hole
 * @unmap-mixed:	unmapped from two sparse ranges and the BO between them,
 *			and faults at its first and last page and at up to three
 *			pages between, drawn by the printed seed
 *
 * arg[2]:
 *
 * @first-block:	three pages inside the first block
 * @two-blocks:		the second half of a block and the first half of the next
 * @many-blocks:	two whole blocks and some pages on both sides
 * @odd-head:		three pages inside an incomplete first block
 * @odd-middle:		the end of an incomplete first block and half of the next
 * @odd-tail:		three pages inside an incomplete last block
 */

/**
 * SUBTEST: punch-sparse-over-sparse-%s
 * Scenario: punch-flags
 * Failure mode: Edges that are mapped again with the flags of the operation.
 * Description: The hole, %arg[1], is bound sparse and READONLY over a sparse
 *	range. Every page of the range is readable, every page around the hole is
 *	writable. Stores to the hole fault at its first and last page and at up
 *	to three pages between, drawn by the printed seed. The neighbours of the
 *	range fault. Then the hole is bound without READONLY: every page is
 *	writable, and the neighbours fault again.
 *
 * arg[1]:
 *
 * @first-block:	three pages inside the first block
 * @two-blocks:		the second half of a block and the first half of the next
 * @many-blocks:	two whole blocks and some pages on both sides
 * @odd-head:		three pages inside an incomplete first block
 * @odd-middle:		the end of an incomplete first block and half of the next
 * @odd-tail:		three pages inside an incomplete last block
 */

/**
 * SUBTEST: punch-readonly
 * Scenario: punch-flags
 * Failure mode: READONLY pages that become writable around a hole.
 * Description: Part of a READONLY sparse range is unmapped: loads work in every page that is left.
 *	Accesses fault in the hole and on both sides of the range. Stores fault beside the hole, at
 *	the edges of its block and of the range, and at pages drawn by the printed seed. Then the
 *	hole is bound READONLY: every page is readable, and stores to the edges of the hole fault.
 *
 * SUBTEST: punch-readonly-by-bo
 * Scenario: punch-flags
 * Failure mode: READONLY pages that become writable around a BO.
 * Description: A writable BO replaces part of a READONLY sparse range: every page is readable, and
 *	each page of the BO is writable. Stores fault beside the BO, at the edges of its block and
 *	of the range, and at pages drawn by the printed seed. Then the range replaces the BO: every
 *	page is readable, and stores to the edges of the hole fault.
 *
 * SUBTEST: punch-writable-by-readonly-bo
 * Scenario: punch-flags
 * Failure mode: Writable pages that become READONLY around a BO, and BO pages that
 *	take the flags of the range.
 * Description: A READONLY BO replaces part of a writable sparse range: every page is readable, and
 *	each page around the BO is writable. Stores fault at the first and last page of the BO and
 *	at pages between, drawn by the printed seed. Then the range replaces the BO: every page is
 *	writable, and the neighbours of the range fault.
 */

IGT_TEST_DESCRIPTION("Check what is left of sparse mappings of panthor around holes");

/*
 * The scenarios, and the failure that each one looks for:
 *
 * 1. punch-edges: One operation replaces a part of one mapping. The driver cannot
 *    unmap a part of a 2 MiB block. It widens the unmap to whole blocks, and maps
 *    again what lies around the hole. Pages may be lost at either edge, be mapped
 *    to the wrong place, or stay mapped in the hole.
 * 2. punch-several: One operation meets several mappings. Each of them has a hole
 *    of its own, which is a part of the operation's range.
 * 3. punch-flags: The hole and its edges have different flags. Edges may be mapped
 *    again with the flags of the operation instead of those of their VMA.
 * 4. punch-tiles: Further holes in a block that was split before. The block then
 *    has several VMAs, and a widened unmap may take pages of another one.
 * 5. punch-idle-vm: A VM without a group on the GPU keeps its address space. The
 *    TLB may keep translations of what is unmapped meanwhile.
 * 6. punch-in-use: A running job uses a block that is unmapped in part. Between the
 *    widened unmap and the mapping of the edges, the job must wait, not fault.
 * 7. punch-others: The GPU runs jobs of several VMs, and one of them faults in a
 *    hole. The fault may end groups of the other VMs.
 *
 * A geometry says where the range and the hole are relative to 2 MiB blocks. A kind
 * says what the range is made of, and what replaces the hole. What each page should
 * be is kept in a table (struct space), and every page of the range is compared with
 * the table after the hole is made and after it is filled.
 *
 * A fault ends its group, so a fault is not checked in every page of a hole, but at
 * its edges and at pages that are drawn by a seed.
 *
 * The uAPI leaves loads from sparse pages undefined. A load there is compared only
 * with the store right before it, and only where debugfs shows the dummy BO.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define BLOCK UINT64_C(0x200000)

/* 2 MiB-aligned, 400 MiB and more from a 1 GiB boundary, and free in every VM. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END + UINT64_C(0x23400000))

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND
#define THIRD IGT_PANTHOR_THIRD

enum backing {
	NOTHING,
	SPARSE,
	SPARSE_READONLY,
	BO,
	BO_READONLY,
};

/* A range of at most 12 MiB, and a page on each side that has to stay unmapped. */
#define SPACE_PAGES (6 * 512 + 2)

/**
 * space:
 * @exec: VM with one range
 * @va: address of page[0], the page before the range
 * @pages: pages of the range, and 2
 * @bo: BO that any page of backing BO is mapped to
 * @bo_va: where the first page of the BO would be if all of it were mapped; the
 *	values in the BO derive from these addresses
 * @page: what each page should be
 *
 * A range, and the table of what it should be.
 */
struct space {
	struct igt_panthor_exec exec;
	uint64_t va;
	unsigned int pages;
	struct panthor_bo bo;
	uint64_t bo_va;
	enum backing page[SPACE_PAGES];
};

static void bo_fill(struct space *s)
{
	for (uint64_t offset = 0; offset < s->bo.size; offset += PAGE)
		*(uint32_t *)((char *)s->bo.map + offset) =
			igt_panthor_pattern(s->bo_va + offset, FIRST);

	/* The values have to leave the CPU's write-combining buffers. */
	__sync_synchronize();
}

/* The kernel rounds @bo_size up to CPU pages. What it adds is never mapped. */
static struct space *space_create(int fd, uint64_t va, uint64_t size, uint64_t bo_va,
				  uint64_t bo_size)
{
	static struct space space;
	struct space *s = &space;

	igt_assert(size / PAGE + 2 <= SPACE_PAGES);
	memset(s, 0, sizeof(*s));
	s->va = va - PAGE;
	s->pages = size / PAGE + 2;
	s->bo_va = bo_va;

	igt_panthor_exec_init(&s->exec, fd);
	igt_panthor_exec_create_bo(&s->exec, &s->bo, bo_size);
	bo_fill(s);

	return s;
}

static void space_destroy(struct space *s)
{
	igt_panthor_exec_fini(&s->exec);
	igt_panthor_free_bo(s->exec.fd, &s->bo);
}

static const uint32_t backing_flags[] = {
	[NOTHING] = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
	[SPARSE] = IGT_PANTHOR_SPARSE_FLAGS,
	[SPARSE_READONLY] = IGT_PANTHOR_SPARSE_FLAGS | DRM_PANTHOR_VM_BIND_OP_MAP_READONLY,
	[BO] = IGT_PANTHOR_BO_MAP_FLAGS,
	[BO_READONLY] = IGT_PANTHOR_BO_MAP_FLAGS | DRM_PANTHOR_VM_BIND_OP_MAP_READONLY,
};

static bool is_bo(enum backing backing)
{
	return backing == BO || backing == BO_READONLY;
}

/* One operation of VM_BIND, in the VM and in the table. */
static void space_bind(struct space *s, uint64_t va, uint64_t size, enum backing backing)
{
	const bool bo = is_bo(backing);

	if (!size)
		return;

	igt_panthor_vm_bind_offset(s->exec.fd, s->exec.vm_id, bo ? s->bo.handle : 0, va, size,
				   bo ? va - s->bo_va : 0, backing_flags[backing], 0);
	for (uint64_t i = (va - s->va) / PAGE; i < (va + size - s->va) / PAGE; i++)
		s->page[i] = backing;
}

/**
 * run:
 * @va: first page
 * @size: bytes
 * @backing: what each page should be
 *
 * Neighbouring pages of one backing. The page before the range and the page behind
 * it are runs of their own.
 */
struct run {
	uint64_t va;
	uint64_t size;
	enum backing backing;
};

static bool next_run(const struct space *s, struct run *run)
{
	unsigned int first = run->size ? (run->va + run->size - s->va) / PAGE : 0;
	unsigned int end = first;

	if (first == s->pages)
		return false;
	do {
		end++;
	} while (end < s->pages - 1 && end > 1 && s->page[end] == s->page[first]);

	run->va = s->va + first * PAGE;
	run->size = (end - first) * PAGE;
	run->backing = s->page[first];
	return true;
}

/* All accesses that a run allows, except stores to BOs. */
static void run_check(struct space *s, const struct run *run)
{
	const struct igt_panthor_walk load =
		igt_panthor_pages(IGT_PANTHOR_LOAD, run->va, run->size, FIRST);

	switch (run->backing) {
	case NOTHING:
		break;
	case SPARSE:
		igt_panthor_sparse_store_load(&s->exec, run->va, run->size, SECOND);
		break;
	case SPARSE_READONLY:
		igt_panthor_exec_walk(&s->exec, &load);
		break;
	case BO:
	case BO_READONLY:
		igt_panthor_exec_walk_verify(&s->exec, &load);
		break;
	}
}

/* Pages of the BO that are mapped and writable have @seed, all others FIRST. */
static void space_assert_bo(const struct space *s, uint32_t seed)
{
	for (uint64_t offset = 0; offset < s->bo.size; offset += PAGE) {
		const uint64_t va = s->bo_va + offset;
		const bool mapped = va >= s->va && va < s->va + s->pages * PAGE &&
				    s->page[(va - s->va) / PAGE] == BO;
		const uint32_t found = *(uint32_t *)((char *)s->bo.map + offset);
		const uint32_t expected = igt_panthor_pattern(va, mapped ? seed : FIRST);

		igt_assert_f(found == expected,
			     "BO has %#x at %#" PRIx64 ", expected %#x, as its page is %smapped\n",
			     found, offset, expected, mapped ? "" : "not ");
	}
}

/* Every mapped page allows what its flags say, and the BO has no store of another page. */
static void space_check_mapped(struct space *s)
{
	for (struct run run = {}; next_run(s, &run);)
		run_check(s, &run);
	space_assert_bo(s, FIRST);

	for (struct run run = {}; next_run(s, &run);) {
		if (run.backing == BO)
			igt_panthor_exec_store_pages(&s->exec, run.va, run.size, THIRD);
	}
	space_assert_bo(s, THIRD);
	bo_fill(s);
}

/* Pages drawn from a run, beside its first and its last page. */
#define DRAWN UINT64_C(3)

/* libigt prints the seed, and takes one from the environment variable IGT_SRANDOM. */
static uint64_t draw_page(uint64_t va, uint64_t size)
{
	return va + random() % (size / PAGE) * PAGE;
}

/* The edges of a run and DRAWN pages inside it refuse what they should. */
static void run_must_fault(struct space *s, const struct run *run)
{
	const uint64_t inner = run->size / PAGE > 2 ? run->size / PAGE - 2 : 0;

	if (run->backing == SPARSE || run->backing == BO)
		return;

	igt_panthor_exec_must_fault(&s->exec, run->va,
				    run->backing == NOTHING ? IGT_PANTHOR_LOAD : IGT_PANTHOR_STORE);
	if (run->size > PAGE)
		igt_panthor_exec_must_fault(&s->exec, run->va + run->size - PAGE,
					    IGT_PANTHOR_STORE);
	for (uint64_t i = 0; i < min(inner, DRAWN); i++)
		igt_panthor_exec_must_fault(&s->exec, draw_page(run->va + PAGE, inner * PAGE),
					    IGT_PANTHOR_STORE);
}

static void space_check_faults(struct space *s)
{
	for (struct run run = {}; next_run(s, &run);)
		run_must_fault(s, &run);
}

/**
 * geometry:
 * @name: part of the subtests' names
 * @describe: the hole, for the subtests' descriptions
 * @va: where the range starts in its 2 MiB block
 * @size: bytes of the range
 * @hole: where the hole starts in the range
 * @hole_size: bytes of the hole
 * @every_kind: true if it is combined with each kind
 */
struct geometry {
	const char *name;
	const char *describe;
	uint64_t va;
	uint64_t size;
	uint64_t hole;
	uint64_t hole_size;
	bool every_kind;
};

#define RANGE_SIZE SZ_8M
/* A start that leaves blocks at both ends of the range incomplete. */
#define ODD (7 * PAGE)

/* clang-format off */
static const struct geometry geometries[] = {
	{ "head", "the first 64 KiB",
	  0, RANGE_SIZE, 0, SZ_64K, false },
	{ "first-block", "three pages inside the first block",
	  0, RANGE_SIZE, SZ_64K, 3 * PAGE, true },
	{ "middle", "64 KiB inside a block",
	  0, RANGE_SIZE, 5 * SZ_1M, SZ_64K, false },
	{ "block", "exactly one block",
	  0, RANGE_SIZE, BLOCK, BLOCK, false },
	{ "block-but-first", "one block without its first page",
	  0, RANGE_SIZE, BLOCK + PAGE, BLOCK - PAGE, false },
	{ "block-but-last", "one block without its last page",
	  0, RANGE_SIZE, BLOCK, BLOCK - PAGE, false },
	{ "two-blocks", "the second half of a block and the first half of the next",
	  0, RANGE_SIZE, SZ_1M, BLOCK, true },
	{ "many-blocks", "two whole blocks and some pages on both sides",
	  0, RANGE_SIZE, BLOCK - 3 * PAGE, 2 * BLOCK + 8 * PAGE, true },
	{ "tail", "the last 64 KiB",
	  0, RANGE_SIZE, RANGE_SIZE - SZ_64K, SZ_64K, false },
	{ "odd-head", "three pages inside an incomplete first block",
	  ODD, RANGE_SIZE, SZ_64K, 3 * PAGE, true },
	{ "odd-middle", "the end of an incomplete first block and half of the next",
	  ODD, RANGE_SIZE, SZ_1M, BLOCK, true },
	{ "odd-tail", "three pages inside an incomplete last block",
	  ODD, RANGE_SIZE, RANGE_SIZE - 5 * PAGE, 3 * PAGE, true },
};
/* clang-format on */

/**
 * layout:
 * @WHOLE: the range is one mapping
 * @SEAM: the range is two mappings, which meet inside the hole
 * @MIXED: a BO lies in the hole, between two mappings that reach into it
 */
enum layout {
	WHOLE,
	SEAM,
	MIXED,
};

/**
 * kind:
 * @name: part of the subtests' names
 * @describe: what is done to the hole, for the subtests' descriptions
 * @layout: mappings of the range
 * @range: what the range is made of
 * @hole: what replaces the hole
 * @every_geometry: true if it is combined with each geometry
 */
struct kind {
	const char *name;
	const char *describe;
	enum layout layout;
	enum backing range;
	enum backing hole;
	bool every_geometry;
};

/* clang-format off */
static const struct kind kinds[] = {
	{ "unmap",
	  "unmapped from a sparse range, and faults at its first and last page and at up "
	  "to three pages between, drawn by the printed seed",
	  WHOLE, SPARSE, NOTHING, true },
	{ "bo-over-sparse",
	  "replaced by a BO in a sparse range, and the BO holds exactly what is stored to "
	  "the hole",
	  WHOLE, SPARSE, BO, true },
	{ "sparse-over-bo",
	  "bound sparse over a BO, and the BO holds exactly what is stored around the "
	  "hole",
	  WHOLE, BO, SPARSE, true },
	{ "sparse-over-sparse", "bound sparse and READONLY over a sparse range",
	  WHOLE, SPARSE, SPARSE_READONLY, false },
	{ "bo-over-seam",
	  "replaced by a BO over the seam of two sparse ranges, and the BO holds exactly "
	  "what is stored to the hole",
	  SEAM, SPARSE, BO, false },
	{ "unmap-mixed",
	  "unmapped from two sparse ranges and the BO between them, and faults at its "
	  "first and last page and at up to three pages between, drawn by the printed "
	  "seed",
	  MIXED, SPARSE, NOTHING, false },
};
/* clang-format on */

/* A BO in the hole, or one under the whole range, of which the first block is not mapped. */
static struct space *punch_create(int fd, const struct kind *kind, const struct geometry *g)
{
	const uint64_t va = BASE_VA + g->va;

	if (is_bo(kind->range))
		return space_create(fd, va, g->size, va - BLOCK, g->size + BLOCK);

	return space_create(fd, va, g->size, va + g->hole, g->hole_size);
}

static void punch_bind_range(struct space *s, const struct kind *kind, const struct geometry *g)
{
	const uint64_t va = BASE_VA + g->va, end = va + g->size;
	const uint64_t third = g->hole_size / PAGE / 3 * PAGE;
	const uint64_t seam = va + g->hole + third;

	switch (kind->layout) {
	case WHOLE:
		space_bind(s, va, g->size, kind->range);
		break;
	case SEAM:
		space_bind(s, va, seam - va, kind->range);
		space_bind(s, seam, end - seam, kind->range);
		break;
	case MIXED:
		space_bind(s, va, seam - va, kind->range);
		space_bind(s, seam, third, BO);
		space_bind(s, seam + third, end - seam - third, kind->range);
		break;
	}
}

static void punch(int fd, const struct kind *kind, const struct geometry *g)
{
	const uint64_t hole = BASE_VA + g->va + g->hole;
	struct space *s = punch_create(fd, kind, g);

	punch_bind_range(s, kind, g);
	space_check_mapped(s);

	space_bind(s, hole, g->hole_size, kind->hole);
	space_check_mapped(s);
	space_check_faults(s);

	space_bind(s, hole, g->hole_size, kind->range);
	space_check_mapped(s);
	space_check_faults(s);

	space_destroy(s);
}

#define TILE UINT64_C(0x10000)
#define TILES (2 * BLOCK / TILE)

static void punch_tiles(int fd)
{
	struct space *s = space_create(fd, BASE_VA, 2 * BLOCK, BASE_VA, PAGE);

	space_bind(s, BASE_VA, 2 * BLOCK, SPARSE);
	/* The odd tiles, 22 apart modulo TILES. */
	for (unsigned int i = 0; i < TILES; i += 2)
		space_bind(s, BASE_VA + (i * 11 + 1) % TILES * TILE, TILE, NOTHING);
	space_check_mapped(s);
	for (unsigned int tile = 1; tile < TILES; tile += 2)
		igt_panthor_exec_must_fault(&s->exec, draw_page(BASE_VA + tile * TILE, TILE),
					    IGT_PANTHOR_LOAD);

	space_bind(s, BASE_VA, 2 * BLOCK, SPARSE);
	space_check_mapped(s);

	space_destroy(s);
}

struct readonly_row {
	const char *name;
	const char *describe;
	enum backing range;
	enum backing hole;
};

/* clang-format off */
static const struct readonly_row readonly_rows[] = {
	{ "punch-readonly",
	  "Part of a READONLY sparse range is unmapped: loads work in every page that is left. "
	  "Accesses fault in the hole and on both sides of the range. Stores fault beside the "
	  "hole, at the edges of its block and of the range, and at pages drawn by the printed "
	  "seed. Then the hole is bound READONLY: every page is readable, and stores to the edges "
	  "of the hole fault.",
	  SPARSE_READONLY, NOTHING },
	{ "punch-readonly-by-bo",
	  "A writable BO replaces part of a READONLY sparse range: every page is readable, and "
	  "each page of the BO is writable. Stores fault beside the BO, at the edges of its block "
	  "and of the range, and at pages drawn by the printed seed. Then the range replaces the "
	  "BO: every page is readable, and stores to the edges of the hole fault.",
	  SPARSE_READONLY, BO },
	{ "punch-writable-by-readonly-bo",
	  "A READONLY BO replaces part of a writable sparse range: every page is readable, and "
	  "each page around the BO is writable. Stores fault at the first and last page of the BO "
	  "and at pages between, drawn by the printed seed. Then the range replaces the BO: every "
	  "page is writable, and the neighbours of the range fault.",
	  SPARSE, BO_READONLY },
};
/* clang-format on */

/* The hole is in a block of its own, which is mapped again around it. */
static void punch_readonly(int fd, const struct readonly_row *row)
{
	const uint64_t hole = BASE_VA + 3 * SZ_1M;
	struct space *s = space_create(fd, BASE_VA, 3 * BLOCK, hole, SZ_64K);
	const uint64_t block_edge[] = { BASE_VA + BLOCK, BASE_VA + 2 * BLOCK - PAGE };

	space_bind(s, BASE_VA, 3 * BLOCK, row->range);
	space_bind(s, hole, SZ_64K, row->hole);
	space_check_mapped(s);
	space_check_faults(s);
	if (row->range == SPARSE_READONLY) {
		for (unsigned int i = 0; i < ARRAY_SIZE(block_edge); i++)
			igt_panthor_exec_must_fault(&s->exec, block_edge[i], IGT_PANTHOR_STORE);
	}

	space_bind(s, hole, SZ_64K, row->range);
	space_check_mapped(s);
	if (row->range == SPARSE_READONLY) {
		igt_panthor_exec_must_fault(&s->exec, hole, IGT_PANTHOR_STORE);
		igt_panthor_exec_must_fault(&s->exec, hole + SZ_64K - PAGE, IGT_PANTHOR_STORE);
	}
	space_check_faults(s);

	space_destroy(s);
}

static void load_page(struct igt_panthor_exec *exec, uint64_t va)
{
	const struct igt_panthor_walk walk = igt_panthor_pages(IGT_PANTHOR_LOAD, va, PAGE, FIRST);

	igt_panthor_exec_walk(exec, &walk);
}

/*
 * A VM without a group on the GPU keeps its address space, and the TLB its translations, until
 * another VM needs the address space or the GPU is suspended. The paused job of @awake keeps the
 * GPU from being suspended. A destroyed group is taken off the GPU before a new group is put on it:
 * it is gone when the first job of @other's new group has ended.
 */
static void make_idle(struct igt_panthor_exec *exec, struct igt_panthor_exec *other)
{
	igt_panthor_group_destroy(exec->fd, exec->group, 0);
	igt_panthor_exec_new_group(other);
	load_page(other, BASE_VA);
}

/* The job that faults keeps the GPU awake itself, so that @awake can end before. */
static void punch_idle_vm(int fd)
{
	const uint64_t hole = BASE_VA + SZ_64K;
	const struct igt_panthor_walk load = igt_panthor_pages(IGT_PANTHOR_LOAD, hole, PAGE, FIRST);
	struct igt_panthor_exec exec, awake, other;

	igt_panthor_require_alone(fd);
	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_init(&awake, fd);
	igt_panthor_exec_init(&other, fd);
	igt_panthor_exec_bind_sparse(&exec, BASE_VA, 2 * BLOCK);
	igt_panthor_exec_bind_sparse(&other, BASE_VA, PAGE);

	igt_panthor_exec_pause(&awake, NULL, NULL);
	load_page(&exec, hole);
	make_idle(&exec, &other);
	igt_panthor_exec_unbind(&exec, hole, SZ_64K);

	exec.group = igt_panthor_group_create_simple(fd, exec.vm_id, 0);
	igt_panthor_exec_pause(&exec, NULL, &load);
	igt_panthor_exec_resume(&awake);
	igt_panthor_exec_resume_must_fault(&exec, hole, IGT_PANTHOR_LOAD);
	igt_panthor_exec_store_pages(&exec, BASE_VA, SZ_64K, FIRST);
	igt_panthor_require_alone(fd);

	igt_panthor_exec_fini(&other);
	igt_panthor_exec_fini(&awake);
	igt_panthor_exec_fini(&exec);
}

/* Holes during which the job has completed a round: as many as are made, and as are required. */
#define IN_USE_HOLES 64
#define IN_USE_MIN_HOLES 8

/* Half of the time after which the driver ends a job. */
#define IN_USE_DEADLINE_MS 2500

/* Unmaps a page and binds it again; true if the job completed a round meanwhile. */
static bool punch_under_job(struct igt_panthor_exec *exec, uint64_t va)
{
	const uint32_t before = igt_panthor_exec_repeat_rounds(exec);

	igt_panthor_exec_unbind(exec, va, PAGE);
	igt_panthor_exec_bind_sparse(exec, va, PAGE);

	return igt_panthor_exec_repeat_rounds(exec) != before;
}

static bool job_ended(struct igt_panthor_exec *exec)
{
	return syncobj_wait(exec->fd, &exec->syncobj, 1, 0, 0, NULL);
}

/* The even pages are the job's, the hole is an odd page amid them. */
static void punch_in_use(int fd)
{
	const uint64_t hole = BASE_VA + SZ_1M + PAGE;
	const struct igt_panthor_walk walk = {
		.access = IGT_PANTHOR_STORE,
		.va = BASE_VA,
		.count = BLOCK / (2 * PAGE),
		.stride = 2 * PAGE,
		.seed = FIRST,
	};
	unsigned int punched = 0, met = 0;
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_bind_sparse(&exec, BASE_VA, BLOCK);

	igt_panthor_exec_repeat(&exec, &walk);
	igt_for_milliseconds(IN_USE_DEADLINE_MS) {
		if (met == IN_USE_HOLES || job_ended(&exec))
			break;
		punched++;
		met += punch_under_job(&exec, hole);
	}
	igt_panthor_exec_repeat_end(&exec);
	igt_info("%u rounds, %u holes, %u of them met a round\n",
		 igt_panthor_exec_repeat_rounds(&exec), punched, met);
	igt_require_f(met >= IN_USE_MIN_HOLES, "the job completed a round during %u holes only\n",
		      met);

	igt_panthor_sparse_store_load(&exec, BASE_VA, BLOCK, SECOND);

	igt_panthor_exec_fini(&exec);
}

/*
 * The driver ends all groups of a VM that are on the GPU when one of them faults, so the job that
 * must survive is one of another VM. It is on the GPU during both faults.
 */
static void punch_others(int fd)
{
	const struct igt_panthor_walk walk =
		igt_panthor_pages(IGT_PANTHOR_STORE_LOAD, BASE_VA, 2 * BLOCK, FIRST);
	const uint64_t hole = BASE_VA + SZ_1M;
	struct igt_panthor_exec exec, other;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_init(&other, fd);
	igt_panthor_exec_bind_sparse(&exec, BASE_VA, 2 * BLOCK);
	igt_panthor_exec_bind_sparse(&other, BASE_VA, 2 * BLOCK);

	igt_panthor_exec_pause(&other, NULL, &walk);
	igt_panthor_exec_unbind(&exec, hole, BLOCK);
	igt_panthor_exec_must_fault(&exec, hole, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(&exec, hole + BLOCK - PAGE, IGT_PANTHOR_STORE);
	igt_panthor_exec_resume(&other);

	igt_panthor_sparse_store_load(&exec, BASE_VA, SZ_1M, SECOND);
	igt_panthor_sparse_store_load(&other, BASE_VA, 2 * BLOCK, SECOND);

	igt_panthor_exec_fini(&other);
	igt_panthor_exec_fini(&exec);
}

static const struct igt_panthor_case plain_cases[] = {
	{
		.name = "punch-tiles",
		.describe =
			"Every other 64 KiB of two blocks is unmapped, in an order that splits "
			"what was split before. Each page that is left is readable and writable, "
			"and each hole faults at a page drawn by the printed seed. Then both "
			"blocks are bound as a whole, and each page is readable and writable "
			"again.",
		.run = punch_tiles,
	},
	{
		.name = "punch-idle-vm",
		.describe = "A page that a VM used is unmapped while no group of the VM is on the "
			    "GPU, but its address space is still assigned: the page faults in the "
			    "next job of the VM.",
		.run = punch_idle_vm,
	},
	{
		.name = "punch-in-use",
		.describe = "A job stores to every other page of a block, round after round, while "
			    "a page between them is unmapped and bound again: no store faults, and "
			    "rounds end between the start of an unmap and the end of the bind "
			    "after it. Then every page of the block is readable and writable.",
		.run = punch_in_use,
	},
	{
		.name = "punch-others",
		.describe = "A job faults in a hole while a job of another VM is on the GPU: the "
			    "other job ends well, and so does the next job of the VM that faulted.",
		.run = punch_others,
	},
	{}
};

static void describe_punch(const struct kind *kind, const struct geometry *g)
{
	if (kind->hole == SPARSE_READONLY)
		igt_describe_f("The hole, %s, is %s. Every page of the range is readable, every "
			       "page around the hole is writable. Stores to the hole fault at "
			       "its first and last page and at up to three pages between, drawn "
			       "by the printed seed. The neighbours of the range fault. Then the "
			       "hole is bound without READONLY: every page is writable, and the "
			       "neighbours fault again.",
			       g->describe, kind->describe);
	else
		igt_describe_f("The hole, %s, is %s. Every mapped page is readable and writable, "
			       "and the neighbours of the range fault. Then the hole is bound "
			       "like the rest of the range: every page is readable and writable, "
			       "and the neighbours fault again.",
			       g->describe, kind->describe);
}

/* A kind that is a variant of another one is combined with half of the geometries. */
static void add_punches(const struct kind *kind)
{
	for (const struct geometry *g = geometries; g < geometries + ARRAY_SIZE(geometries); g++) {
		if (!kind->every_geometry && !g->every_kind)
			continue;

		describe_punch(kind, g);
		igt_subtest_f("punch-%s-%s", kind->name, g->name)
			igt_panthor_with_device(fd)
				punch(fd, kind, g);
		igt_fixture()
			igt_teardown();
	}
}

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();

	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++)
		add_punches(&kinds[i]);

	for (unsigned int i = 0; i < ARRAY_SIZE(readonly_rows); i++) {
		igt_describe(readonly_rows[i].describe);
		igt_subtest(readonly_rows[i].name)
			igt_panthor_with_device(fd)
				punch_readonly(fd, &readonly_rows[i]);
		igt_fixture()
			igt_teardown();
	}

	for (const struct igt_panthor_case *c = plain_cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest(c->name)
			igt_panthor_with_device(fd)
				c->run(fd);
		igt_fixture()
			igt_teardown();
	}
}
