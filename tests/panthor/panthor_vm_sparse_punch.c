// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "drmtest.h"
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
 * Failure mode: Holes that swallow their neighbours or stay mapped, edges that come
 *	back with another object, offset, size or flags.
 * Description: Parts of sparse ranges are unmapped or give way to BOs, and the
 *	reverse; loads and stores of command streams check every page.
 *
 * SUBTEST: punch-unmap-head
 * Description: Unmap the first 64 KiB of a sparse range: every page around the
 *	hole works, the hole faults, and can be bound again.
 *
 * SUBTEST: punch-unmap-first-block
 * Description: Unmap three pages of the first block of a sparse range: every
 *	page around the hole works, the hole faults, and can be bound again.
 *
 * SUBTEST: punch-unmap-middle
 * Description: Unmap 64 KiB within a block of a sparse range: every page around
 *	the hole works, the hole faults, and can be bound again.
 *
 * SUBTEST: punch-unmap-block
 * Description: Unmap a block of a sparse range: every page around the hole
 *	works, the hole faults, and can be bound again.
 *
 * SUBTEST: punch-unmap-block-but-first
 * Description: Unmap a block but its first page of a sparse range: every page
 *	around the hole works, the hole faults, and can be bound again.
 *
 * SUBTEST: punch-unmap-block-but-last
 * Description: Unmap a block but its last page of a sparse range: every page
 *	around the hole works, the hole faults, and can be bound again.
 *
 * SUBTEST: punch-unmap-two-blocks
 * Description: Unmap halves of two blocks of a sparse range: every page around
 *	the hole works, the hole faults, and can be bound again.
 *
 * SUBTEST: punch-unmap-many-blocks
 * Run type: BAT, FULL
 * Description: Unmap two blocks and pages on both sides of a sparse range: every
 *	page around the hole works, the hole faults, and can be bound again.
 *
 * SUBTEST: punch-unmap-tail
 * Description: Unmap the last 64 KiB of a sparse range: every page around the
 *	hole works, the hole faults, and can be bound again.
 *
 * SUBTEST: punch-unmap-odd-head
 * Description: Unmap pages of an incomplete first block of a sparse range: every
 *	page around the hole works, the hole faults, and can be bound again.
 *
 * SUBTEST: punch-unmap-odd-middle
 * Description: Unmap an incomplete first block and half of the next of a sparse
 *	range: every page around the hole works, the hole faults, and can be bound
 *	again.
 *
 * SUBTEST: punch-unmap-odd-tail
 * Description: Unmap pages of an incomplete last block of a sparse range: every
 *	page around the hole works, the hole faults, and can be bound again.
 *
 * SUBTEST: punch-bo-over-sparse-head
 * Description: Map a BO over the first 64 KiB of a sparse range: every page of
 *	both works, stores around the BO miss it, and the range can be bound
 *	again.
 *
 * SUBTEST: punch-bo-over-sparse-first-block
 * Description: Map a BO over three pages of the first block of a sparse range:
 *	every page of both works, stores around the BO miss it, and the range can
 *	be bound again.
 *
 * SUBTEST: punch-bo-over-sparse-middle
 * Description: Map a BO over 64 KiB within a block of a sparse range: every page
 *	of both works, stores around the BO miss it, and the range can be bound
 *	again.
 *
 * SUBTEST: punch-bo-over-sparse-block
 * Description: Map a BO over a block of a sparse range: every page of both
 *	works, stores around the BO miss it, and the range can be bound again.
 *
 * SUBTEST: punch-bo-over-sparse-block-but-first
 * Description: Map a BO over a block but its first page of a sparse range: every
 *	page of both works, stores around the BO miss it, and the range can be
 *	bound again.
 *
 * SUBTEST: punch-bo-over-sparse-block-but-last
 * Description: Map a BO over a block but its last page of a sparse range: every
 *	page of both works, stores around the BO miss it, and the range can be
 *	bound again.
 *
 * SUBTEST: punch-bo-over-sparse-two-blocks
 * Description: Map a BO over halves of two blocks of a sparse range: every page
 *	of both works, stores around the BO miss it, and the range can be bound
 *	again.
 *
 * SUBTEST: punch-bo-over-sparse-many-blocks
 * Description: Map a BO over two blocks and pages on both sides of a sparse
 *	range: every page of both works, stores around the BO miss it, and the
 *	range can be bound again.
 *
 * SUBTEST: punch-bo-over-sparse-tail
 * Description: Map a BO over the last 64 KiB of a sparse range: every page of
 *	both works, stores around the BO miss it, and the range can be bound
 *	again.
 *
 * SUBTEST: punch-bo-over-sparse-odd-head
 * Description: Map a BO over pages of an incomplete first block of a sparse
 *	range: every page of both works, stores around the BO miss it, and the
 *	range can be bound again.
 *
 * SUBTEST: punch-bo-over-sparse-odd-middle
 * Run type: BAT, FULL
 * Description: Map a BO over an incomplete first block and half of the next of a
 *	sparse range: every page of both works, stores around the BO miss it, and
 *	the range can be bound again.
 *
 * SUBTEST: punch-bo-over-sparse-odd-tail
 * Description: Map a BO over pages of an incomplete last block of a sparse
 *	range: every page of both works, stores around the BO miss it, and the
 *	range can be bound again.
 *
 * SUBTEST: punch-sparse-over-bo-head
 * Description: Bind a sparse range over the first 64 KiB of a BO: what is left
 *	of the BO is mapped to its own pages, stores to the sparse pages miss it,
 *	and the BO can be mapped again.
 *
 * SUBTEST: punch-sparse-over-bo-first-block
 * Description: Bind a sparse range over three pages of the first block of a BO:
 *	what is left of the BO is mapped to its own pages, stores to the sparse
 *	pages miss it, and the BO can be mapped again.
 *
 * SUBTEST: punch-sparse-over-bo-middle
 * Description: Bind a sparse range over 64 KiB within a block of a BO: what is
 *	left of the BO is mapped to its own pages, stores to the sparse pages miss
 *	it, and the BO can be mapped again.
 *
 * SUBTEST: punch-sparse-over-bo-block
 * Description: Bind a sparse range over a block of a BO: what is left of the BO
 *	is mapped to its own pages, stores to the sparse pages miss it, and the BO
 *	can be mapped again.
 *
 * SUBTEST: punch-sparse-over-bo-block-but-first
 * Description: Bind a sparse range over a block but its first page of a BO: what
 *	is left of the BO is mapped to its own pages, stores to the sparse pages
 *	miss it, and the BO can be mapped again.
 *
 * SUBTEST: punch-sparse-over-bo-block-but-last
 * Description: Bind a sparse range over a block but its last page of a BO: what
 *	is left of the BO is mapped to its own pages, stores to the sparse pages
 *	miss it, and the BO can be mapped again.
 *
 * SUBTEST: punch-sparse-over-bo-two-blocks
 * Description: Bind a sparse range over halves of two blocks of a BO: what is
 *	left of the BO is mapped to its own pages, stores to the sparse pages miss
 *	it, and the BO can be mapped again.
 *
 * SUBTEST: punch-sparse-over-bo-many-blocks
 * Description: Bind a sparse range over two blocks and pages on both sides of a
 *	BO: what is left of the BO is mapped to its own pages, stores to the
 *	sparse pages miss it, and the BO can be mapped again.
 *
 * SUBTEST: punch-sparse-over-bo-tail
 * Description: Bind a sparse range over the last 64 KiB of a BO: what is left of
 *	the BO is mapped to its own pages, stores to the sparse pages miss it, and
 *	the BO can be mapped again.
 *
 * SUBTEST: punch-sparse-over-bo-odd-head
 * Run type: BAT, FULL
 * Description: Bind a sparse range over pages of an incomplete first block of a
 *	BO: what is left of the BO is mapped to its own pages, stores to the
 *	sparse pages miss it, and the BO can be mapped again.
 *
 * SUBTEST: punch-sparse-over-bo-odd-middle
 * Description: Bind a sparse range over an incomplete first block and half of
 *	the next of a BO: what is left of the BO is mapped to its own pages,
 *	stores to the sparse pages miss it, and the BO can be mapped again.
 *
 * SUBTEST: punch-sparse-over-bo-odd-tail
 * Description: Bind a sparse range over pages of an incomplete last block of a
 *	BO: what is left of the BO is mapped to its own pages, stores to the
 *	sparse pages miss it, and the BO can be mapped again.
 *
 * SUBTEST: punch-sparse-over-sparse-first-block
 * Description: Bind a sparse range that refuses writes over three pages of the
 *	first block of another: its pages refuse writes, those around it do not,
 *	and the range can be bound again.
 *
 * SUBTEST: punch-sparse-over-sparse-two-blocks
 * Description: Bind a sparse range that refuses writes over halves of two blocks
 *	of another: its pages refuse writes, those around it do not, and the range
 *	can be bound again.
 *
 * SUBTEST: punch-sparse-over-sparse-many-blocks
 * Description: Bind a sparse range that refuses writes over two blocks and pages
 *	on both sides of another: its pages refuse writes, those around it do not,
 *	and the range can be bound again.
 *
 * SUBTEST: punch-sparse-over-sparse-odd-head
 * Description: Bind a sparse range that refuses writes over pages of an
 *	incomplete first block of another: its pages refuse writes, those around
 *	it do not, and the range can be bound again.
 *
 * SUBTEST: punch-sparse-over-sparse-odd-middle
 * Description: Bind a sparse range that refuses writes over an incomplete first
 *	block and half of the next of another: its pages refuse writes, those
 *	around it do not, and the range can be bound again.
 *
 * SUBTEST: punch-sparse-over-sparse-odd-tail
 * Description: Bind a sparse range that refuses writes over pages of an
 *	incomplete last block of another: its pages refuse writes, those around it
 *	do not, and the range can be bound again.
 *
 * SUBTEST: punch-bo-over-seam-first-block
 * Description: Map a BO over three pages of the first block of two sparse ranges
 *	that meet there: every page of all three works, stores around the BO miss
 *	it, and the hole can be bound sparse again.
 *
 * SUBTEST: punch-bo-over-seam-two-blocks
 * Description: Map a BO over halves of two blocks of two sparse ranges that meet
 *	there: every page of all three works, stores around the BO miss it, and
 *	the hole can be bound sparse again.
 *
 * SUBTEST: punch-bo-over-seam-many-blocks
 * Description: Map a BO over two blocks and pages on both sides of two sparse
 *	ranges that meet there: every page of all three works, stores around the
 *	BO miss it, and the hole can be bound sparse again.
 *
 * SUBTEST: punch-bo-over-seam-odd-head
 * Description: Map a BO over pages of an incomplete first block of two sparse
 *	ranges that meet there: every page of all three works, stores around the
 *	BO miss it, and the hole can be bound sparse again.
 *
 * SUBTEST: punch-bo-over-seam-odd-middle
 * Description: Map a BO over an incomplete first block and half of the next of
 *	two sparse ranges that meet there: every page of all three works, stores
 *	around the BO miss it, and the hole can be bound sparse again.
 *
 * SUBTEST: punch-bo-over-seam-odd-tail
 * Description: Map a BO over pages of an incomplete last block of two sparse
 *	ranges that meet there: every page of all three works, stores around the
 *	BO miss it, and the hole can be bound sparse again.
 *
 * SUBTEST: punch-unmap-mixed-first-block
 * Description: Unmap three pages of the first block of two sparse ranges, with
 *	the BO between them: every page around the hole works, the hole faults,
 *	the BO keeps its content, and the hole can be bound again.
 *
 * SUBTEST: punch-unmap-mixed-two-blocks
 * Description: Unmap halves of two blocks of two sparse ranges, with the BO
 *	between them: every page around the hole works, the hole faults, the BO
 *	keeps its content, and the hole can be bound again.
 *
 * SUBTEST: punch-unmap-mixed-many-blocks
 * Description: Unmap two blocks and pages on both sides of two sparse ranges,
 *	with the BO between them: every page around the hole works, the hole
 *	faults, the BO keeps its content, and the hole can be bound again.
 *
 * SUBTEST: punch-unmap-mixed-odd-head
 * Description: Unmap pages of an incomplete first block of two sparse ranges,
 *	with the BO between them: every page around the hole works, the hole
 *	faults, the BO keeps its content, and the hole can be bound again.
 *
 * SUBTEST: punch-unmap-mixed-odd-middle
 * Description: Unmap an incomplete first block and half of the next of two
 *	sparse ranges, with the BO between them: every page around the hole works,
 *	the hole faults, the BO keeps its content, and the hole can be bound
 *	again.
 *
 * SUBTEST: punch-unmap-mixed-odd-tail
 * Description: Unmap pages of an incomplete last block of two sparse ranges,
 *	with the BO between them: every page around the hole works, the hole
 *	faults, the BO keeps its content, and the hole can be bound again.
 *
 * SUBTEST: punch-readonly
 * Description: Unmap part of a READONLY sparse range: stores to what is left of
 *	the block, and to the rest of the range, still fault, and loads work.
 *
 * SUBTEST: punch-readonly-by-bo
 * Description: Map a BO over part of a READONLY sparse range: stores to the BO
 *	work, stores around it fault.
 *
 * SUBTEST: punch-writable-by-readonly-bo
 * Description: Map a READONLY BO over part of a sparse range: stores around it
 *	work, stores to the BO fault.
 *
 * SUBTEST: punch-tiles
 * Description: Every other 64 KiB of two blocks is unmapped, in an order that
 *	splits what was split before: all that is left works, the holes fault.
 *
 * SUBTEST: punch-idle-vm
 * Description: A page that was in use is unmapped while its VM is idle but keeps
 *	its address space: it faults in the VM's next job.
 *
 * SUBTEST: punch-in-use
 * Run type: BAT, FULL
 * Description: A job stores to half a block while part of the other half is
 *	unmapped and bound over and over: it never faults.
 *
 * SUBTEST: punch-others
 * Description: Faults in a hole end their group only: a job of another VM that
 *	is on the GPU meanwhile ends well, and so does the next job of the VM
 *	itself.
 */

IGT_TEST_DESCRIPTION("Check what is left of sparse mappings of panthor around holes");

/*
 * The scenarios, and the failure that each one hunts:
 *
 * 1. punch-KIND-GEOMETRY: part of a range gives way to something else. The driver
 *    cannot unmap a part of a 2 MiB block: it widens the hole to whole blocks and
 *    maps again what it should not have unmapped. So pages may be lost at either
 *    edge, be mapped to the wrong place, or stay mapped in the hole.
 * 2. punch-tiles: many holes in one block, each of which splits what the one before
 *    left over.
 * 3. punch-readonly*: the edges that are mapped again take the flags of the
 *    operation instead of those of their VMA.
 * 4. punch-idle-vm: translations that an idle VM keeps although its range is gone.
 * 5. punch-in-use: accesses to a block whose other half is unmapped and mapped again
 *    meet the moment at which all of it is unmapped.
 * 6. punch-others: a fault in a hole takes others with it.
 *
 * A geometry says where the range and the hole are relative to 2 MiB blocks. A kind
 * says what the range consists of, and what takes the place of the hole. What each
 * page should be is kept in a table beside the VM (struct space), and every page of
 * the range is held against it after the punch and again after the hole was filled.
 * The uAPI leaves open what a sparse page brings back, so a load there is compared
 * with nothing but the store right before it.
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
 * @exec: the VM
 * @va: address of page[0], the one before the range
 * @pages: pages of the range, and 2
 * @bo: BO that any page of backing BO is mapped to
 * @bo_va: where the first page of the BO would be if it were mapped as a whole; the
 *	values in the BO derive from these addresses
 * @page: what each page should be
 *
 * A VM with one range, and what should be found there.
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

static struct space *space_create(int fd, uint64_t va, uint64_t size, uint64_t bo_va,
				  uint64_t bo_size)
{
	struct space *s = calloc(1, sizeof(*s));

	igt_assert(s);
	igt_assert(size / PAGE + 2 <= SPACE_PAGES);
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
	free(s);
}

static const uint32_t backing_flags[] = {
	[NOTHING] = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
	[SPARSE] = IGT_PANTHOR_SPARSE_FLAGS,
	[SPARSE_READONLY] = IGT_PANTHOR_SPARSE_FLAGS | DRM_PANTHOR_VM_BIND_OP_MAP_READONLY,
	[BO] = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC,
	[BO_READONLY] = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC |
			DRM_PANTHOR_VM_BIND_OP_MAP_READONLY,
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

/* Pages of one backing that are next to each other, those outside of the range apart. */
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

/* Everything that may be done in a run, but stores to BOs. */
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

/* Pages of the BO that are mapped at their place have @seed there, all others FIRST. */
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

/* Every page that is mapped works, and no store goes where it should not. */
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

/* The first and the last page of a run refuse what they should. */
static void run_must_fault(struct space *s, const struct run *run)
{
	const uint64_t last = run->va + run->size - PAGE;

	if (run->backing == SPARSE || run->backing == BO)
		return;

	igt_panthor_exec_must_fault(&s->exec, run->va,
				    run->backing == NOTHING ? IGT_PANTHOR_LOAD : IGT_PANTHOR_STORE);
	if (last > run->va)
		igt_panthor_exec_must_fault(&s->exec, last, IGT_PANTHOR_STORE);
}

/* The page before the range and the one behind it are runs as well. */
static void space_check_faults(struct space *s)
{
	for (struct run run = {}; next_run(s, &run);)
		run_must_fault(s, &run);
}

/**
 * geometry:
 * @name: part of the subtests' names
 * @describe: likewise
 * @va: where the range starts in its 2 MiB block
 * @size: bytes of the range
 * @hole: where the hole starts in the range
 * @hole_size: bytes of the hole
 * @every_kind: whether every kind of operation is done in it
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
	{ "first-block", "three pages of the first block",
	  0, RANGE_SIZE, SZ_64K, 3 * PAGE, true },
	{ "middle", "64 KiB within a block",
	  0, RANGE_SIZE, 5 * SZ_1M, SZ_64K, false },
	{ "block", "a block",
	  0, RANGE_SIZE, BLOCK, BLOCK, false },
	{ "block-but-first", "a block but its first page",
	  0, RANGE_SIZE, BLOCK + PAGE, BLOCK - PAGE, false },
	{ "block-but-last", "a block but its last page",
	  0, RANGE_SIZE, BLOCK, BLOCK - PAGE, false },
	{ "two-blocks", "halves of two blocks",
	  0, RANGE_SIZE, SZ_1M, BLOCK, true },
	{ "many-blocks", "two blocks and pages on both sides",
	  0, RANGE_SIZE, BLOCK - 3 * PAGE, 2 * BLOCK + 8 * PAGE, true },
	{ "tail", "the last 64 KiB",
	  0, RANGE_SIZE, RANGE_SIZE - SZ_64K, SZ_64K, false },
	{ "odd-head", "pages of an incomplete first block",
	  ODD, RANGE_SIZE, SZ_64K, 3 * PAGE, true },
	{ "odd-middle", "an incomplete first block and half of the next",
	  ODD, RANGE_SIZE, SZ_1M, BLOCK, true },
	{ "odd-tail", "pages of an incomplete last block",
	  ODD, RANGE_SIZE, RANGE_SIZE - 5 * PAGE, 3 * PAGE, true },
};
/* clang-format on */

/**
 * layout:
 * @WHOLE: the range is one mapping
 * @SEAM: the range is two mappings, which meet within the hole
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
 * @what: is done to the hole; part of the descriptions
 * @of: that the hole is a part of; likewise
 * @layout: how the range is made up
 * @range: what it is made of
 * @hole: what takes the place of the hole
 * @every_geometry: whether it is done in every geometry
 */
struct kind {
	const char *name;
	const char *what;
	const char *of;
	enum layout layout;
	enum backing range;
	enum backing hole;
	bool every_geometry;
};

/* clang-format off */
static const struct kind kinds[] = {
	{ "unmap", "Unmap", "a sparse range",
	  WHOLE, SPARSE, NOTHING, true },
	{ "bo-over-sparse", "Map a BO over", "a sparse range",
	  WHOLE, SPARSE, BO, true },
	{ "sparse-over-bo", "Bind a sparse range over", "a BO",
	  WHOLE, BO, SPARSE, true },
	{ "sparse-over-sparse", "Bind a sparse range that refuses writes over", "another",
	  WHOLE, SPARSE, SPARSE_READONLY, false },
	{ "bo-over-seam", "Map a BO over", "two sparse ranges that meet there",
	  SEAM, SPARSE, BO, false },
	{ "unmap-mixed", "Unmap", "two sparse ranges, with the BO between them",
	  MIXED, SPARSE, NOTHING, false },
};
/* clang-format on */

/**
 * punch_row:
 * @name: name of the subtest
 * @describe: its description
 * @kind: kind of operation
 * @geometry: where
 */
struct punch_row {
	char name[64];
	char describe[128];
	const struct kind *kind;
	const struct geometry *geometry;
};

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

static void punch(int fd, const void *row)
{
	const struct kind *kind = ((const struct punch_row *)row)->kind;
	const struct geometry *g = ((const struct punch_row *)row)->geometry;
	const uint64_t hole = BASE_VA + g->va + g->hole;
	struct space *s = punch_create(fd, kind, g);

	punch_bind_range(s, kind, g);
	space_check_mapped(s);

	space_bind(s, hole, g->hole_size, kind->hole);
	space_check_mapped(s);
	space_check_faults(s);

	space_bind(s, hole, g->hole_size, kind->range);
	space_check_mapped(s);

	space_destroy(s);
}

static void add_punch(struct punch_row *row, const struct kind *kind, const struct geometry *g)
{
	row->kind = kind;
	row->geometry = g;
	snprintf(row->name, sizeof(row->name), "punch-%s-%s", kind->name, g->name);
	snprintf(row->describe, sizeof(row->describe), "%s %s of %s", kind->what, g->describe,
		 kind->of);

	igt_describe(row->describe);
	igt_subtest(row->name) {
		int fd = igt_panthor_open();

		punch(fd, row);
		igt_panthor_close(fd);
	}
	igt_fixture()
		igt_teardown();
}

/* libigt keeps the names. */
static struct punch_row punch_rows[ARRAY_SIZE(kinds)][ARRAY_SIZE(geometries)];

static void add_punches(void)
{
	for (unsigned int k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (unsigned int g = 0; g < ARRAY_SIZE(geometries); g++) {
			if (kinds[k].every_geometry || geometries[g].every_kind)
				add_punch(&punch_rows[k][g], &kinds[k], &geometries[g]);
		}
	}
}

/* Every other 64 KiB of two blocks, in an order that splits what was split before. */
static void punch_tiles(int fd)
{
	const unsigned int tiles = 2 * BLOCK / SZ_64K;
	struct space *s = space_create(fd, BASE_VA, 2 * BLOCK, BASE_VA, PAGE);

	space_bind(s, BASE_VA, 2 * BLOCK, SPARSE);
	for (unsigned int i = 0; i < tiles; i += 2) {
		const unsigned int tile = (i * 11 + 1) % tiles;

		space_bind(s, BASE_VA + tile * SZ_64K, SZ_64K, NOTHING);
	}
	space_check_mapped(s);
	for (unsigned int tile = 1; tile < tiles; tile += tiles / 4)
		igt_panthor_exec_must_fault(&s->exec, BASE_VA + tile * SZ_64K, IGT_PANTHOR_LOAD);

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

static const struct readonly_row readonly_rows[] = {
	{ "punch-readonly", "What is left around a hole in a READONLY sparse range is READONLY",
	  SPARSE_READONLY, NOTHING },
	{ "punch-readonly-by-bo", "A BO over part of a READONLY sparse range leaves it READONLY",
	  SPARSE_READONLY, BO },
	{ "punch-writable-by-readonly-bo",
	  "A READONLY BO over part of a sparse range leaves it writable", SPARSE, BO_READONLY },
};

/* The hole is in a block of its own, which is mapped again around it. */
static void punch_readonly(int fd, const void *row)
{
	const struct readonly_row *r = row;
	const uint64_t hole = BASE_VA + 3 * SZ_1M;
	struct space *s = space_create(fd, BASE_VA, 3 * BLOCK, hole, SZ_64K);
	const uint64_t block_edge[] = { BASE_VA + BLOCK, BASE_VA + 2 * BLOCK - PAGE };

	space_bind(s, BASE_VA, 3 * BLOCK, r->range);
	space_bind(s, hole, SZ_64K, r->hole);
	space_check_mapped(s);
	space_check_faults(s);
	if (r->range == SPARSE_READONLY) {
		for (unsigned int i = 0; i < ARRAY_SIZE(block_edge); i++)
			igt_panthor_exec_must_fault(&s->exec, block_edge[i], IGT_PANTHOR_STORE);
	}

	space_bind(s, hole, SZ_64K, r->range);
	space_check_mapped(s);

	space_destroy(s);
}

static void load_page(struct igt_panthor_exec *exec, uint64_t va)
{
	const struct igt_panthor_walk walk = igt_panthor_pages(IGT_PANTHOR_LOAD, va, PAGE, FIRST);

	igt_panthor_exec_walk(exec, &walk);
}

/*
 * A VM of which no group is on the GPU keeps its address space, and the GPU what it
 * has cached of it, until another VM needs the slot or the GPU is suspended. A job
 * that does not end keeps the GPU from being suspended. The group is taken off the
 * GPU before a new one is put on it, so it is gone when the job of a third VM's new
 * group has ended. The VM's next group comes last: one without jobs is put on the
 * GPU as well if there is room.
 */
static void punch_idle_vm(int fd)
{
	const uint64_t hole = BASE_VA + SZ_64K;
	struct igt_panthor_exec exec, busy, other;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_init(&busy, fd);
	igt_panthor_exec_init(&other, fd);
	igt_panthor_exec_bind_sparse(&exec, BASE_VA, 2 * BLOCK);
	igt_panthor_exec_bind_sparse(&other, BASE_VA, PAGE);

	igt_panthor_exec_pause(&busy, NULL, NULL);
	load_page(&exec, hole);
	igt_panthor_group_destroy(fd, exec.group, 0);
	igt_panthor_exec_new_group(&other);
	load_page(&other, BASE_VA);

	igt_panthor_exec_unbind(&exec, hole, SZ_64K);
	exec.group = igt_panthor_group_create_simple(fd, exec.vm_id, 0);
	igt_panthor_exec_must_fault(&exec, hole, IGT_PANTHOR_LOAD);
	igt_panthor_exec_store_pages(&exec, BASE_VA, SZ_64K, FIRST);
	igt_panthor_exec_resume(&busy);

	igt_panthor_exec_fini(&other);
	igt_panthor_exec_fini(&busy);
	igt_panthor_exec_fini(&exec);
}

/* Words of the half block that the job of punch-in-use goes through. */
#define IN_USE_SIZE SZ_1M
#define IN_USE_COUNT (IN_USE_SIZE / 32)

/* Holes until it is enough, should the job outlast them all. */
#define IN_USE_MAX 1000

static void punch_in_use(int fd)
{
	const struct igt_panthor_walk walk = {
		.access = IGT_PANTHOR_STORE,
		.va = BASE_VA,
		.count = IN_USE_COUNT,
		.stride = 32,
		.seed = FIRST,
	};
	struct igt_panthor_exec exec;
	unsigned int punched = 0;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_bind_sparse(&exec, BASE_VA, BLOCK);

	igt_panthor_exec_start(&exec, &walk, NULL, 0);
	do {
		igt_panthor_exec_unbind(&exec, BASE_VA + IN_USE_SIZE, SZ_64K);
		igt_panthor_exec_bind_sparse(&exec, BASE_VA + IN_USE_SIZE, SZ_64K);
		punched++;
	} while (!syncobj_wait(fd, &exec.syncobj, 1, 0, 0, NULL) && punched < IN_USE_MAX);
	igt_panthor_exec_finish(&exec);
	igt_info("%u holes while the job ran\n", punched);

	igt_panthor_sparse_store_load(&exec, BASE_VA, BLOCK, SECOND);

	igt_panthor_exec_fini(&exec);
}

/*
 * The driver ends all groups of a VM that are on the GPU when one of them faults, so
 * the other group is one of another VM. Its job is on the GPU all the time.
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
		.describe = "Every other 64 KiB of a sparse range can be unmapped",
		.run = punch_tiles,
	},
	{
		.name = "punch-idle-vm",
		.describe = "A VM that went idle finds no page that was unmapped meanwhile",
		.run = punch_idle_vm,
	},
	{
		.name = "punch-in-use",
		.describe = "A job reaches its part of a block while holes come and go in the rest",
		.run = punch_in_use,
	},
	{
		.name = "punch-others",
		.describe = "A fault in a hole harms no job of another VM",
		.run = punch_others,
	},
	{}
};

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();
	add_punches();

	for (unsigned int i = 0; i < ARRAY_SIZE(readonly_rows); i++) {
		igt_describe(readonly_rows[i].describe);
		igt_subtest(readonly_rows[i].name) {
			int fd = igt_panthor_open();

			punch_readonly(fd, &readonly_rows[i]);
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
