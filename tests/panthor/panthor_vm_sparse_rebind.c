// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
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
 * TEST: Sparse mappings of panthor that are bound anew under a running job
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: rebind
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs
 * Scenario: rebind-whole
 * Failure mode: A bind that lets a running job access the range between its unmap and its
 *	map.
 * Description: A job loads and stores at pages all over a range, round after round, while the
 *	range or a part of it is bound anew dozens of times. The job itself compares
 *	each loaded word with the contents before and after the bind.
 *
 * SUBTEST: rebind-neighbours
 * Run type: BAT, FULL
 * Scenario: rebind-two
 * Failure mode: A VM_BIND that unlocks the region of a concurrent VM_BIND of the same VM.
 * Description: Two processes replace parts of a sparse range by a BO and bind them sparse again,
 *	under a running job. The parts meet inside a block. The job finds contents of the dummy or
 *	of the BO in each part, those of the dummy beside them, and no access faults. At the end,
 *	both parts have the contents of the BO, and the neighbours of the range fault. The BO has no
 *	words that were stored to other pages.
 *
 * SUBTEST: rebind-contested
 * Scenario: rebind-two
 * Failure mode: A VM_BIND that unlocks the region of a concurrent VM_BIND of the same VM.
 * Description: Under a running job, one process binds two BOs in turn at the middle of a sparse
 *	range, and another one binds the range and its middle sparse. The job finds contents of the
 *	dummy or of a BO in the middle, those of the dummy beside it, and no access faults. At the
 *	end, the middle has the contents of the second BO, and the neighbours of the range fault.
 *	The BOs have no words that were stored to other pages.
 */

/**
 * SUBTEST: rebind-%s-whole
 * Description: Two binds in turn under a running job: %arg[1]. Both cover the same addresses. Each
 *	load of the job returns old or new contents, and no access faults. After the last bind, each
 *	load returns new contents, and the neighbours of the range fault. No BO has words that were
 *	stored to other pages.
 *
 * arg[1]:
 *
 * @bo-over-sparse:	a sparse range, and a BO
 * @sparse-over-bo:	a BO, and a sparse range
 * @sparse-over-sparse:	a sparse range, and the same sparse range
 * @bo-over-itself:	a BO, and the same BO from the same offset
 * @bo-moved:		a BO, and the same BO from another offset
 */

/**
 * SUBTEST: rebind-%s-part
 * Scenario: rebind-part
 * Failure mode: A bind over a part of a block that lets a running job access the rest of the
 *	block before it is mapped again.
 * Description: Two binds in turn under a running job: %arg[1]. The first one covers a range, the
 *	second one a part of it, from inside a block to inside another. Each load of the job returns
 *	old or new contents in the part and old contents beside it, and no access faults. After the
 *	last bind, the part has new contents, the rest has old ones, and the neighbours of the range
 *	fault. No BO has words that were stored to other pages.
 *
 * arg[1]:
 *
 * @bo-over-sparse:	a sparse range, and a BO
 * @sparse-over-bo:	a BO, and a sparse range
 * @sparse-over-sparse:	a sparse range, and the same sparse range
 * @bo-over-itself:	a BO, and the same BO from the same offset
 * @bo-moved:		a BO, and the same BO from another offset
 */

/**
 * TEST: Regions that panthor locks beside a running job
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: lock
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs
 * Scenario: lock-holes
 * Failure mode: Locked regions that leave out a part of the block which an operation unmaps
 *	and maps again.
 * Description: A job loads and stores at pages around holes, while the holes are unmapped and
 *	bound again.
 *
 * SUBTEST: lock-holes-sparse
 * Description: Holes of one page to 1.5 MiB, at the edges of blocks and across them, are unmapped
 *	from a sparse range one by one, and the range is bound anew after each. No access of a
 *	running job to the pages on both sides of each hole faults, and each load returns the
 *	contents of the dummy. At the end, the edges of each hole have these contents, and the
 *	neighbours of the range fault.
 *
 * SUBTEST: lock-holes-bo
 * Run type: BAT, FULL
 * Description: Holes of one page to 1.5 MiB, at the edges of blocks and across them, are unmapped
 *	from a BO one by one, and the BO is bound anew after each. No access of a running job to the
 *	pages on both sides of each hole faults, and each load returns the contents of the BO. At
 *	the end, the edges of each hole have these contents, and the neighbours of the range fault.
 *	The BO has no words that were stored to other pages.
 *
 * SUBTEST: lock-batch
 * Description: One VM_BIND unmaps seven holes of one page to 1.5 MiB from a sparse range across
 *	five blocks, and another one fills each by a part of a BO, then sparse. Then the range is
 *	bound anew. No access of a running job to the pages on both sides of each hole faults, and
 *	each load returns the contents of the dummy. At the end, the edges of each hole have these
 *	contents, and the neighbours of the range fault. The BO has no stored words.
 */

/**
 * TEST: Address spaces of the GPU that panthor takes from idle VMs
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: recycle
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9
 * Scenario: lock-holes
 * Failure mode: An address space that keeps the locked region of the VM that it was taken
 *	from.
 * Description: Jobs of more VMs than the GPU has address spaces.
 *
 * SUBTEST: recycle-binding
 * Run type: BAT, FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, no other GPU client
 * Description: All address spaces are in use. While a process binds and unbinds a wide range in an
 *	idle VM, a job of another VM takes the address space of the idle VM, and loads from
 *	addresses in the wide range. The job finds the contents of its own VM. The next job of the
 *	idle VM finds the contents of the idle VM.
 *
 * SUBTEST: recycle-turns
 * Failure mode: Translations and mappings of a VM that the next VM of its address space finds.
 * Description: Twice as many VMs as address spaces submit in turn, while another process binds and
 *	unbinds a wide range in an idle VM. Each VM has a BO of its own at the same address, and a
 *	sparse range at one of two addresses. Each job finds the contents of its own VM, and no
 *	store faults. At the end, the address that only the other VMs bind sparse faults in VMs of
 *	both kinds.
 */

IGT_TEST_DESCRIPTION("Check sparse mappings of panthor that change under a running job");

/*
 * The scenarios, and the failures that each one finds:
 *
 * 1. rebind-whole: A bind that replaces all of what it meets. The driver unmaps the old mapping and
 *    maps the new one under one locked region. A job that runs between the two faults.
 * 2. rebind-part: A bind inside a block. The driver unmaps the whole block, and maps what is left
 *    of the old mapping before the new one.
 * 3. rebind-two: Two binds in one VM at the same time. There is one locked region for each address
 *    space: an operation that unlocks it too late unlocks that of the next one.
 * 4. lock-holes: Locked regions of the wrong size, or of the wrong address space. An unmap of a
 *    part of a block locks the whole block. Jobs of more VMs than there are address spaces have
 *    pages of their own at the same addresses; an idle VM is bound when another VM takes its
 *    address space, in which the region is locked: left locked, it stalls the other VM.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define BLOCK ((uint64_t)SZ_2M)
#define GIB ((uint64_t)SZ_1G)

/* Above what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)

/* Half a block, three blocks, half a block. */
#define RANGE_VA (BASE_VA + SZ_1M)
#define RANGE_SIZE (4 * BLOCK)
#define RANGE_END (RANGE_VA + RANGE_SIZE)

/* From inside a block to inside the next but one. */
#define PART_VA (BASE_VA + BLOCK + 3 * SZ_64K)
#define PART_END (BASE_VA + 3 * BLOCK + 5 * SZ_64K)

/* Inside the part, and inside a block. */
#define SEAM_VA (BASE_VA + 2 * BLOCK + 7 * SZ_64K)

/* The part of a BO that is bound at RANGE_VA: blocks of the range are huge pages of the BO. */
#define BO_OFFSET (RANGE_VA % BLOCK)
#define BO_SIZE (BO_OFFSET + RANGE_SIZE)

/* Between two offsets from which a BO is bound, so that both have the same blocks. */
#define MOVED_BY BLOCK

#define STREAM_VA (BASE_VA + SZ_64M)
#define STREAM_SIZE SZ_64K
#define WORD_VA (STREAM_VA + SZ_16M)
/* A sparse range of one block, where the job finds each page of the dummy. */
#define DUMMY_VA (WORD_VA + SZ_16M)

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND
#define THIRD IGT_PANTHOR_THIRD

/* As many binds are made, and as many pairs of them have to see a round of the job end. */
#define REBINDS 60
#define REBINDS_MET 8

/* Two processes, each of which makes the other one wait. */
#define BESIDE_BINDS 32

/* Half of the time after which the driver ends a job. */
#define REBIND_DEADLINE_MS 2500

/* Deadline for the first round of the job; includes a boot of the MCU. */
#define START_DEADLINE_MS 4000

enum {
	REG_ADDRESS = 0,
	REG_LOADED = 2,
	REG_PAGE = 3, /* behind REG_LOADED: both are stored at once */
	REG_DIFF = 4,
	REG_ROUNDS = 5,
	REG_BAD = 6,
	REG_STOP = 7,
	REG_VALUE = 8,
	REG_SCRATCH = 9,
};

/* Words at WORD_VA. */
enum {
	WORD_ROUNDS,
	WORD_STOP,
	WORD_BAD,
	WORD_BAD_VALUE,
	WORD_BAD_PAGE,
};

/* Words of each page of the range: one to load, one to store. */
enum {
	PAGE_LOAD,
	PAGE_STORE,
	PAGE_WORDS,
};

/**
 * backing:
 * @bo: BO, or NULL if sparse
 * @offset: of the byte of the BO that is mapped at %RANGE_VA
 *
 * What is bound to a range.
 */
struct backing {
	const struct panthor_bo *bo;
	uint64_t offset;
};

#define PAGES_MAX 64
#define BACKINGS_MAX 3

/**
 * page:
 * @va: GPU virtual address
 * @backing: what may be bound there during a round
 * @count: number of @backing
 */
struct page {
	uint64_t va;
	const struct backing *backing[BACKINGS_MAX];
	unsigned int count;
};

/**
 * space:
 * @exec: VM, the group of which runs the job
 * @stream: the job
 * @words: words at %WORD_VA
 * @bo: BOs to bind, filled with a pattern
 * @bos: number of @bo
 * @page: pages that the job accesses
 * @count: number of @page
 */
struct space {
	struct igt_panthor_exec exec;
	struct panthor_bo stream;
	struct panthor_bo words;
	struct panthor_bo bo[2];
	unsigned int bos;
	struct page page[PAGES_MAX];
	unsigned int count;
};

static const struct backing sparse = {};

static volatile uint32_t *word(const struct space *s, unsigned int i)
{
	return (volatile uint32_t *)s->words.map + i;
}

static uint32_t bo_value(const struct space *s, const struct panthor_bo *bo, uint64_t offset)
{
	return igt_panthor_pattern(offset, bo == &s->bo[0] ? FIRST : SECOND);
}

/* What the job finds in the first word of a page. */
static uint32_t value_at(const struct space *s, const struct backing *b, uint64_t va)
{
	if (!b->bo)
		return igt_panthor_pattern(DUMMY_VA + va % IGT_PANTHOR_DUMMY_SIZE, THIRD);

	return bo_value(s, b->bo, b->offset + va - RANGE_VA);
}

/* What the job stores in the second word of a page, through each of its addresses. */
static uint32_t stored_value(uint64_t va)
{
	return igt_panthor_pattern(va % BLOCK, ~FIRST);
}

static struct backing space_add_bo(struct space *s, uint64_t size)
{
	struct panthor_bo *bo = &s->bo[s->bos++];

	igt_panthor_exec_create_bo(&s->exec, bo, size);
	for (uint64_t offset = 0; offset < bo->size; offset += PAGE)
		*(uint32_t *)((char *)bo->map + offset) = bo_value(s, bo, offset);

	return (struct backing){ .bo = bo, .offset = BO_OFFSET };
}

static void space_init(struct space *s, int fd)
{
	memset(s, 0, sizeof(*s));
	igt_panthor_exec_init(&s->exec, fd);
	igt_panthor_exec_create_bo(&s->exec, &s->stream, STREAM_SIZE);
	igt_panthor_vm_bind(fd, s->exec.vm_id, s->stream.handle, STREAM_VA, s->stream.size,
			    DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_READONLY,
			    0);
	igt_panthor_exec_create_bo(&s->exec, &s->words, PAGE);
	igt_panthor_vm_bind(fd, s->exec.vm_id, s->words.handle, WORD_VA, PAGE,
			    IGT_PANTHOR_BO_MAP_FLAGS | DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED, 0);

	igt_panthor_exec_bind_sparse(&s->exec, DUMMY_VA, IGT_PANTHOR_DUMMY_SIZE);
	igt_panthor_sparse_require_dummy(&s->exec);
	igt_panthor_exec_store_pages(&s->exec, DUMMY_VA, IGT_PANTHOR_DUMMY_SIZE, THIRD);
}

static void space_fini(struct space *s)
{
	igt_panthor_exec_fini(&s->exec);
	for (unsigned int i = 0; i < s->bos; i++)
		igt_panthor_free_bo(s->exec.fd, &s->bo[i]);
	igt_panthor_free_bo(s->exec.fd, &s->words);
	igt_panthor_free_bo(s->exec.fd, &s->stream);
}

static struct drm_panthor_vm_bind_op bind_op(const struct backing *b, uint64_t va, uint64_t end)
{
	return (struct drm_panthor_vm_bind_op){
		.flags = b->bo ? IGT_PANTHOR_BO_MAP_FLAGS : IGT_PANTHOR_SPARSE_FLAGS,
		.bo_handle = b->bo ? b->bo->handle : 0,
		.bo_offset = b->bo ? b->offset + va - RANGE_VA : 0,
		.va = va,
		.size = end - va,
	};
}

static void space_bind(struct space *s, const struct backing *b, uint64_t va, uint64_t end)
{
	struct drm_panthor_vm_bind_op op = bind_op(b, va, end);

	igt_panthor_vm_bind_ops(s->exec.fd, s->exec.vm_id, &op, 1, 0);
}

/* Ignores what was added before, and what lies outside of the range. */
static void add_page(struct space *s, uint64_t va)
{
	if (va < RANGE_VA || va >= RANGE_END)
		return;
	for (unsigned int i = 0; i < s->count; i++)
		if (s->page[i].va == va)
			return;

	igt_assert_lt_u32(s->count, PAGES_MAX);
	s->page[s->count++].va = va;
}

/* The pages on both sides of @va. */
static void add_edge(struct space *s, uint64_t va)
{
	add_page(s, va - PAGE);
	add_page(s, va);
}

/* Edges of the range and of its blocks, and a page inside each half of a block. */
static void add_pages(struct space *s)
{
	add_page(s, RANGE_VA);
	add_page(s, RANGE_END - PAGE);
	for (uint64_t va = BASE_VA; va < RANGE_END; va += BLOCK / 2) {
		add_page(s, va + 77 * PAGE);
		if (va % BLOCK == 0)
			add_edge(s, va);
	}
}

/* Lets the job find @b in [@va, @end), beside what it may find there otherwise. */
static void allow(struct space *s, const struct backing *b, uint64_t va, uint64_t end)
{
	for (struct page *p = s->page; p < s->page + s->count; p++) {
		if (p->va < va || p->va >= end)
			continue;
		igt_assert_lt_u32(p->count, BACKINGS_MAX);
		p->backing[p->count++] = b;
	}
}

/* Lets the job find nothing but @b in [@va, @end). */
static void allow_only(struct space *s, const struct backing *b, uint64_t va, uint64_t end)
{
	for (struct page *p = s->page; p < s->page + s->count; p++)
		if (p->va >= va && p->va < end)
			p->count = 0;
	allow(s, b, va, end);
}

static void build_bad(struct igt_panthor_cs *cs, unsigned int page)
{
	igt_panthor_cs_mov32(cs, REG_PAGE, page);
	igt_panthor_cs_mov48(cs, REG_ADDRESS, WORD_VA);
	igt_panthor_cs_store(cs, REG_LOADED, 2, REG_ADDRESS, WORD_BAD_VALUE * sizeof(uint32_t));
	igt_panthor_cs_add32(cs, REG_BAD, REG_BAD, 1);
	igt_panthor_cs_store(cs, REG_BAD, 1, REG_ADDRESS, WORD_BAD * sizeof(uint32_t));
	igt_panthor_cs_wait(cs);
}

/*
 * A BRANCH compares with zero: the difference of the loaded word and each word that is allowed. The
 * branches lead behind build_bad().
 */
static void build_page(const struct space *s, struct igt_panthor_cs *cs, unsigned int page)
{
	const struct page *p = &s->page[page];
	uint32_t branch[BACKINGS_MAX];

	igt_panthor_cs_mov48(cs, REG_ADDRESS, p->va);
	igt_panthor_cs_mov32(cs, REG_VALUE, stored_value(p->va));
	igt_panthor_cs_store(cs, REG_VALUE, 1, REG_ADDRESS, PAGE_STORE * sizeof(uint32_t));
	igt_panthor_cs_load(cs, REG_LOADED, 1, REG_ADDRESS, PAGE_LOAD * sizeof(uint32_t));
	for (unsigned int i = 0; i < p->count; i++) {
		const uint32_t value = value_at(s, p->backing[i], p->va);

		igt_panthor_cs_add32(cs, REG_DIFF, REG_LOADED, (int32_t)-value);
		branch[i] = cs->count;
		igt_panthor_cs_raw(cs, cs_branch(CS_CONDITION_EQUAL, REG_DIFF, 0));
	}
	build_bad(cs, page);
	for (unsigned int i = 0; i < p->count && !cs->err; i++)
		cs->words[branch[i]] =
			cs_branch(CS_CONDITION_EQUAL, REG_DIFF, cs->count - branch[i] - 1);
}

static void build_rounds(const struct space *s, struct igt_panthor_cs *cs, bool once)
{
	unsigned int loop;

	igt_panthor_cs_mov32(cs, REG_ROUNDS, 0);
	igt_panthor_cs_mov32(cs, REG_BAD, 0);
	loop = igt_panthor_cs_new_label(cs);
	igt_panthor_cs_set_label(cs, loop);
	for (unsigned int i = 0; i < s->count; i++)
		build_page(s, cs, i);

	igt_panthor_cs_add32(cs, REG_ROUNDS, REG_ROUNDS, 1);
	igt_panthor_cs_mov48(cs, REG_ADDRESS, WORD_VA);
	igt_panthor_cs_store(cs, REG_ROUNDS, 1, REG_ADDRESS, WORD_ROUNDS * sizeof(uint32_t));
	if (once)
		return;

	igt_panthor_cs_load(cs, REG_STOP, 1, REG_ADDRESS, WORD_STOP * sizeof(uint32_t));
	/* Reports progress, so that the firmware's progress timer does not end the job. */
	igt_panthor_cs_raw(cs, cs_wait(0, true));
	igt_panthor_cs_branch(cs, CS_CONDITION_EQUAL, REG_STOP, loop);
}

static void submit_rounds(struct space *s, bool once)
{
	struct igt_panthor_cs cs;
	int size;

	for (unsigned int i = WORD_ROUNDS; i <= WORD_BAD_PAGE; i++)
		*word(s, i) = 0;
	igt_panthor_cs_init(&cs, s->stream.map, STREAM_SIZE, &s->exec.limits);
	build_rounds(s, &cs, once);
	size = igt_panthor_cs_end(&cs, REG_SCRATCH);
	igt_assert_lt(0, size);
	/* Drain the CPU's write-combining buffers, which may still hold the stream. */
	__sync_synchronize();
	igt_panthor_group_submit_simple(s->exec.fd, igt_panthor_exec_group(&s->exec), 0, STREAM_VA,
					size, s->exec.syncobj, 0);
}

static void wait_rounds(struct space *s)
{
	const struct igt_panthor_job_result result = igt_panthor_job_wait(
		s->exec.fd, s->exec.group, s->exec.syncobj, IGT_PANTHOR_JOB_DEADLINE_MS);
	const uint32_t bad = *word(s, WORD_BAD), page = *word(s, WORD_BAD_PAGE);

	igt_panthor_job_assert_done(&result);
	igt_assert_f(!bad, "%u loads returned something else, the last one %#x at %#" PRIx64 "\n",
		     bad, *word(s, WORD_BAD_VALUE), page < s->count ? s->page[page].va : 0);
}

static void space_start(struct space *s)
{
	submit_rounds(s, false);
	igt_assert_f(igt_wait(*word(s, WORD_ROUNDS), START_DEADLINE_MS, 1),
		     "the job did not end its first round within %d ms\n", START_DEADLINE_MS);
}

static void space_stop(struct space *s)
{
	*word(s, WORD_STOP) = 1;
	__sync_synchronize();
	wait_rounds(s);
}

/* One round, which finds what is allowed. The GPU may still have translations of the last job. */
static void space_check(struct space *s)
{
	submit_rounds(s, true);
	wait_rounds(s);
}

static bool job_ended(struct space *s)
{
	return syncobj_wait(s->exec.fd, &s->exec.syncobj, 1, 0, 0, NULL);
}

/* True if the job stores to this page of the BO. */
static bool bo_page_used(const struct space *s, const struct panthor_bo *bo, uint64_t offset)
{
	for (const struct page *p = s->page; p < s->page + s->count; p++)
		for (unsigned int i = 0; i < p->count; i++)
			if (p->backing[i]->bo == bo &&
			    p->backing[i]->offset + p->va - RANGE_VA == offset)
				return true;

	return false;
}

/* Before allow_only(): stores may have reached each page that was allowed. */
static void assert_bos_hold(const struct space *s)
{
	for (unsigned int i = 0; i < s->bos; i++) {
		const struct panthor_bo *bo = &s->bo[i];

		for (uint64_t offset = 0; offset < bo->size; offset += PAGE) {
			const uint32_t *found = (uint32_t *)((char *)bo->map + offset);
			const uint32_t stored = found[PAGE_STORE];

			igt_assert_f(found[PAGE_LOAD] == bo_value(s, bo, offset),
				     "BO has %#x at %#" PRIx64 ", where nothing was stored\n",
				     found[PAGE_LOAD], offset);
			igt_assert_f(!stored || (stored == stored_value(offset) &&
						 bo_page_used(s, bo, offset)),
				     "BO has %#x at %#" PRIx64 ", stored to another page\n", stored,
				     offset);
		}
	}
}

/**
 * turn:
 * @first: bound to [@first_va, @first_end)
 * @second: bound to [@va, @end) afterwards
 *
 * Two binds in turn.
 */
struct turn {
	const struct backing *first;
	uint64_t first_va;
	uint64_t first_end;
	const struct backing *second;
	uint64_t va;
	uint64_t end;
};

/* Makes both binds, the second one first; true if the job ended a round meanwhile. */
static bool rebind_pair(struct space *s, const struct turn *t)
{
	const uint32_t before = *word(s, WORD_ROUNDS);

	space_bind(s, t->second, t->va, t->end);
	space_bind(s, t->first, t->first_va, t->first_end);

	return *word(s, WORD_ROUNDS) != before;
}

static void rebind_pairs(struct space *s, const struct turn *t)
{
	unsigned int pairs = 0, met = 0;

	igt_for_milliseconds(REBIND_DEADLINE_MS) {
		if ((pairs >= REBINDS / 2 && met >= REBINDS_MET) || job_ended(s))
			break;
		pairs++;
		met += rebind_pair(s, t);
	}
	space_bind(s, t->second, t->va, t->end);
	space_stop(s);

	igt_info("%u pairs of binds, %u of them met the end of a round, %u rounds\n", pairs, met,
		 *word(s, WORD_ROUNDS));
	igt_require_f(met >= REBINDS_MET, "the job ended a round during %u pairs of binds only\n",
		      met);
}

struct kind {
	const char *name;
	const char *describe;
	bool first_sparse;
	bool second_sparse;
	bool moved;
};

static const struct kind kinds[] = {
	{ "bo-over-sparse", "a sparse range, and a BO", .first_sparse = true },
	{ "sparse-over-bo", "a BO, and a sparse range", .second_sparse = true },
	{ "sparse-over-sparse", "a sparse range, and the same sparse range",
	  .first_sparse = true, .second_sparse = true },
	{ .name = "bo-over-itself", .describe = "a BO, and the same BO from the same offset" },
	{ "bo-moved", "a BO, and the same BO from another offset", .moved = true },
};

/* The first bind covers the range, so that the second one cuts a mapping each time. */
static void rebind(int fd, const struct kind *kind, uint64_t va, uint64_t end)
{
	struct backing bo, first = {}, second = {};
	const struct turn turn = { &first, RANGE_VA, RANGE_END, &second, va, end };
	struct space s;

	space_init(&s, fd);
	bo = space_add_bo(&s, BO_SIZE + MOVED_BY);
	if (!kind->first_sparse)
		first = bo;
	if (!kind->second_sparse)
		second = bo;
	if (kind->moved)
		second.offset += MOVED_BY;
	add_pages(&s);
	add_edge(&s, va);
	add_edge(&s, end);
	allow(&s, &first, RANGE_VA, RANGE_END);
	allow(&s, &second, va, end);

	space_bind(&s, &first, RANGE_VA, RANGE_END);
	space_start(&s);
	rebind_pairs(&s, &turn);
	assert_bos_hold(&s);

	allow_only(&s, &second, va, end);
	space_check(&s);
	igt_panthor_exec_neighbours_fault(&s.exec, RANGE_VA, RANGE_SIZE);

	space_fini(&s);
}

/**
 * rebinder:
 * @stop: set by the parent
 * @binds: number of binds that ended
 * @err: errno of the first bind that failed
 *
 * A child process that binds a range anew.
 */
struct rebinder {
	volatile bool stop;
	volatile uint32_t binds;
	volatile int err;
};

/*
 * An access that finds its translation in the TLB does not look at the page table. So the TLB is
 * flushed right before an operation: by an unmap of two pages where nothing is mapped, on both
 * sides of the middle of the addresses below 1 TiB, for which the driver locks all of them.
 */
#define MIDDLE_VA (512 * GIB)

static const struct drm_panthor_vm_bind_op flush_op = {
	.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
	.va = MIDDLE_VA - PAGE,
	.size = 2 * PAGE,
};

static void require_middle(const struct space *s)
{
	igt_require_f(s->exec.uva_range >= MIDDLE_VA + PAGE, "needs user addresses up to %#llx\n",
		      (unsigned long long)(MIDDLE_VA + PAGE));
}

static void rebind_in_turn(struct space *s, struct rebinder *r, const struct turn *t, pid_t parent)
{
	struct drm_panthor_vm_bind_op ops[][2] = {
		{ flush_op, bind_op(t->second, t->va, t->end) },
		{ flush_op, bind_op(t->first, t->first_va, t->first_end) },
	};

	while (!r->stop && !r->err && getppid() == parent) {
		r->err = -__igt_panthor_vm_bind_ops(s->exec.fd, s->exec.vm_id, 0, ops[r->binds % 2],
						    2);
		r->binds++;
	}
}

static void stop_rebinder(void *data)
{
	struct rebinder *r = data;

	r->stop = true;
	igt_waitchildren();
}

static struct rebinder *start_rebinder(struct space *s, const struct turn *t)
{
	struct rebinder *r = igt_map_shared(sizeof(*r));
	const pid_t parent = getpid();

	igt_fork(child, 1) rebind_in_turn(s, r, t, parent);
	igt_teardown_add(stop_rebinder, r);

	return r;
}

static void end_rebinder(struct rebinder *r)
{
	igt_teardown_drop(stop_rebinder, r);
	stop_rebinder(r);
	igt_assert_eq(r->err, 0);
}

/*
 * Makes both binds in turn until both processes have made enough binds, and the job has ended
 * enough rounds meanwhile.
 */
static void rebind_beside(struct space *s, struct rebinder *r, const struct turn *t)
{
	unsigned int pairs = 0, met = 0;

	igt_for_milliseconds(REBIND_DEADLINE_MS) {
		const uint32_t before = r->binds;

		if ((pairs >= BESIDE_BINDS / 2 && met >= REBINDS_MET && r->binds >= BESIDE_BINDS) ||
		    job_ended(s))
			break;
		pairs++;
		met += rebind_pair(s, t) && r->binds != before;
	}
	end_rebinder(r);
	igt_info("%u pairs of binds, %u of them met a bind of the other process and the end of a "
		 "round, %u other binds, %u rounds\n",
		 pairs, met, r->binds, *word(s, WORD_ROUNDS));
	if (met < REBINDS_MET)
		space_stop(s);
	igt_require_f(met >= REBINDS_MET, "both processes and the job met %u times only\n", met);
}

static void rebind_neighbours(int fd)
{
	struct backing bo;
	const struct turn left = { &sparse, PART_VA, SEAM_VA, &bo, PART_VA, SEAM_VA };
	const struct turn right = { &sparse, SEAM_VA, PART_END, &bo, SEAM_VA, PART_END };
	struct rebinder *r;
	struct space s;

	space_init(&s, fd);
	require_middle(&s);
	bo = space_add_bo(&s, BO_SIZE);
	add_pages(&s);
	add_edge(&s, PART_VA);
	add_edge(&s, SEAM_VA);
	add_edge(&s, PART_END);
	allow(&s, &sparse, RANGE_VA, RANGE_END);
	allow(&s, &bo, PART_VA, PART_END);

	space_bind(&s, &sparse, RANGE_VA, RANGE_END);
	space_start(&s);
	r = start_rebinder(&s, &left);
	rebind_beside(&s, r, &right);
	space_bind(&s, &bo, PART_VA, PART_END);
	space_stop(&s);
	assert_bos_hold(&s);

	allow_only(&s, &bo, PART_VA, PART_END);
	space_check(&s);
	igt_panthor_exec_neighbours_fault(&s.exec, RANGE_VA, RANGE_SIZE);

	space_fini(&s);
}

static void rebind_contested(int fd)
{
	struct backing bo[2];
	const struct turn whole = { &sparse, RANGE_VA, RANGE_END, &sparse, PART_VA, PART_END };
	const struct turn part = { &bo[0], PART_VA, PART_END, &bo[1], PART_VA, PART_END };
	struct rebinder *r;
	struct space s;

	space_init(&s, fd);
	require_middle(&s);
	for (unsigned int i = 0; i < ARRAY_SIZE(bo); i++)
		bo[i] = space_add_bo(&s, BO_SIZE);
	add_pages(&s);
	add_edge(&s, PART_VA);
	add_edge(&s, PART_END);
	allow(&s, &sparse, RANGE_VA, RANGE_END);
	for (unsigned int i = 0; i < ARRAY_SIZE(bo); i++)
		allow(&s, &bo[i], PART_VA, PART_END);

	space_bind(&s, &sparse, RANGE_VA, RANGE_END);
	space_start(&s);
	r = start_rebinder(&s, &whole);
	rebind_beside(&s, r, &part);
	space_bind(&s, &bo[1], PART_VA, PART_END);
	space_stop(&s);
	assert_bos_hold(&s);

	allow_only(&s, &bo[1], PART_VA, PART_END);
	space_check(&s);
	igt_panthor_exec_neighbours_fault(&s.exec, RANGE_VA, RANGE_SIZE);

	space_fini(&s);
}

/*
 * lock-*
 */

struct hole {
	uint64_t va;
	uint64_t end;
};

/* None touches another. */
static const struct hole holes[] = {
	/* Inside the half block at the start, which is mapped by pages. */
	{ BASE_VA + 3 * SZ_512K, BASE_VA + 3 * SZ_512K + PAGE },
	/* The start, the middle and the end of a block. */
	{ BASE_VA + BLOCK, BASE_VA + BLOCK + PAGE },
	{ BASE_VA + BLOCK + SZ_1M, BASE_VA + BLOCK + SZ_1M + SZ_64K },
	{ BASE_VA + 2 * BLOCK - PAGE, BASE_VA + 2 * BLOCK },
	/* From the end of a block to the start of the next. */
	{ BASE_VA + 3 * BLOCK - 3 * PAGE, BASE_VA + 3 * BLOCK + 5 * PAGE },
	/* From the second page of a block to its middle. */
	{ BASE_VA + 2 * BLOCK + PAGE, BASE_VA + 2 * BLOCK + SZ_1M },
	/* From the middle of a block to the middle of the half block at the end. */
	{ BASE_VA + 3 * BLOCK + SZ_1M, BASE_VA + 4 * BLOCK + SZ_512K },
};

/* Times that each hole is made alone. */
#define HOLE_TIMES 5

static bool in_hole(uint64_t va)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++)
		if (va >= holes[i].va && va < holes[i].end)
			return true;

	return false;
}

/* The job accesses no page of a hole. */
static void add_pages_around_holes(struct space *s)
{
	unsigned int kept = 0;

	add_pages(s);
	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++) {
		add_edge(s, holes[i].va);
		add_edge(s, holes[i].end);
	}
	for (unsigned int i = 0; i < s->count; i++)
		if (!in_hole(s->page[i].va))
			s->page[kept++] = s->page[i];
	s->count = kept;
}

static struct drm_panthor_vm_bind_op hole_op(const struct hole *hole)
{
	return (struct drm_panthor_vm_bind_op){
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
		.va = hole->va,
		.size = hole->end - hole->va,
	};
}

/* Unmaps the hole and binds it again; true if the job ended a round meanwhile. */
static bool hole_pair(struct space *s, const struct backing *range, const struct hole *hole)
{
	const uint32_t before = *word(s, WORD_ROUNDS);
	struct drm_panthor_vm_bind_op ops[] = { flush_op, hole_op(hole) };

	igt_panthor_vm_bind_ops(s->exec.fd, s->exec.vm_id, ops, ARRAY_SIZE(ops), 0);
	space_bind(s, range, RANGE_VA, RANGE_END);

	return *word(s, WORD_ROUNDS) != before;
}

static void require_met(unsigned int made, unsigned int met)
{
	igt_info("%u times, %u of them met the end of a round\n", made, met);
	igt_require_f(met >= REBINDS_MET, "the job ended a round %u times only\n", met);
}

/* Ends the job. In the end the whole range has its own pages, the edges of the holes among them. */
static void end_holes(struct space *s, const struct backing *range, unsigned int made,
		      unsigned int met)
{
	space_stop(s);
	assert_bos_hold(s);
	require_met(made, met);

	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++) {
		add_page(s, holes[i].va);
		add_page(s, holes[i].end - PAGE);
	}
	allow_only(s, range, RANGE_VA, RANGE_END);
	space_check(s);
	igt_panthor_exec_neighbours_fault(&s->exec, RANGE_VA, RANGE_SIZE);
}

static void lock_holes(int fd, bool is_sparse)
{
	const unsigned int last = HOLE_TIMES * ARRAY_SIZE(holes);
	struct backing range = {};
	unsigned int made = 0, met = 0;
	struct space s;

	space_init(&s, fd);
	require_middle(&s);
	if (!is_sparse)
		range = space_add_bo(&s, BO_SIZE);
	add_pages_around_holes(&s);
	allow(&s, &range, RANGE_VA, RANGE_END);

	space_bind(&s, &range, RANGE_VA, RANGE_END);
	space_start(&s);
	igt_for_milliseconds(REBIND_DEADLINE_MS) {
		if (made == last || job_ended(&s))
			break;
		met += hole_pair(&s, &range, &holes[made++ % ARRAY_SIZE(holes)]);
	}
	end_holes(&s, &range, made, met);

	space_fini(&s);
}

static void lock_holes_sparse(int fd)
{
	lock_holes(fd, true);
}

static void lock_holes_bo(int fd)
{
	lock_holes(fd, false);
}

static void lock_batch(int fd)
{
	struct drm_panthor_vm_bind_op unmap[2 * ARRAY_SIZE(holes)], fill[2 * ARRAY_SIZE(holes)];
	unsigned int made = 0, met = 0;
	struct backing bo;
	struct space s;

	space_init(&s, fd);
	require_middle(&s);
	bo = space_add_bo(&s, BO_SIZE);
	add_pages_around_holes(&s);
	allow(&s, &sparse, RANGE_VA, RANGE_END);
	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++) {
		unmap[2 * i] = flush_op;
		unmap[2 * i + 1] = hole_op(&holes[i]);
		fill[2 * i] = bind_op(&bo, holes[i].va, holes[i].end);
		fill[2 * i + 1] = bind_op(&sparse, holes[i].va, holes[i].end);
	}

	space_bind(&s, &sparse, RANGE_VA, RANGE_END);
	space_start(&s);
	igt_for_milliseconds(REBIND_DEADLINE_MS) {
		const uint32_t before = *word(&s, WORD_ROUNDS);

		if (met == REBINDS_MET || job_ended(&s))
			break;
		made++;
		igt_panthor_vm_bind_ops(fd, s.exec.vm_id, unmap, ARRAY_SIZE(unmap), 0);
		igt_panthor_vm_bind_ops(fd, s.exec.vm_id, fill, ARRAY_SIZE(fill), 0);
		space_bind(&s, &sparse, RANGE_VA, RANGE_END);
		met += *word(&s, WORD_ROUNDS) != before;
	}
	end_holes(&s, &sparse, made, met);

	space_fini(&s);
}

/*
 * recycle-*
 */

/*
 * A VM_BIND of the wide range has to last longer than a job. What a GiB takes depends on the pages
 * behind the dummy: the size is doubled until one VM_BIND takes as long as that.
 */
#define WIDE_VA (1024 * GIB)
#define WIDE_MIN (4 * GIB)
#define WIDE_MAX (512 * GIB)
#define WIDE_US 15000

/* Between two VM_BINDs: who needs the VM's lock must get it. */
#define WIDE_PAUSE_US 2000

#define WIDE_DEADLINE_MS 5000

/* Inside the wide range. */
#define OWN_VA (WIDE_VA + GIB / 2)
#define OWN_SIZE ((uint64_t)SZ_64K)

/* Outside of the wide range: what a job of the VM accesses that has it. */
#define BESIDE_VA BASE_VA

/* Inside the wide range: mapped by VMs with an even number alone, and by those with an odd one. */
#define EVEN_VA (OWN_VA + GIB)
#define ODD_VA (OWN_VA + 2 * GIB)

#define VMS_MAX 30

/* User address spaces of the GPU: the first one is the MCU's. */
static unsigned int query_address_spaces(int fd)
{
	struct drm_panthor_gpu_info info;

	igt_panthor_query(fd, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &info, sizeof(info), 0);
	return __builtin_popcount(info.as_present) - 1;
}

/**
 * wide_bind:
 * @size: bytes of the range
 * @us: what binding it took, in microseconds
 * @calls: twice the number of VM_BINDs that ended, plus 1 during one
 * @go: set by the parent while the child has to bind
 * @waiting: set by the child while it does not bind
 * @stop: set by the parent
 * @err: errno of the first VM_BIND that failed
 *
 * A child process that binds and unbinds a wide sparse range.
 */
struct wide_bind {
	uint64_t size;
	unsigned int us;
	volatile uint32_t calls;
	volatile bool go;
	volatile bool waiting;
	volatile bool stop;
	volatile int err;
};

static void bind_wide(int fd, uint32_t vm_id, struct wide_bind *w, pid_t parent)
{
	while (!w->stop && !w->err && getppid() == parent) {
		struct drm_panthor_vm_bind_op op = {
			.flags = w->calls % 4 ? DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP
					      : IGT_PANTHOR_SPARSE_FLAGS,
			.va = WIDE_VA,
			.size = w->size,
		};

		usleep(WIDE_PAUSE_US);
		w->waiting = !w->go;
		if (w->waiting)
			continue;
		w->calls++;
		w->err = -__igt_panthor_vm_bind_ops(fd, vm_id, 0, &op, 1);
		w->calls++;
	}
}

static void stop_wide_bind(void *data)
{
	struct wide_bind *w = data;

	w->stop = true;
	igt_waitchildren();
}

static unsigned int bind_us(const struct igt_panthor_exec *exec, uint64_t size)
{
	struct timespec start = {};
	uint64_t ns;

	igt_nsec_elapsed(&start);
	igt_panthor_vm_bind_sparse(exec->fd, exec->vm_id, WIDE_VA, size, 0);
	ns = igt_nsec_elapsed(&start);
	igt_panthor_vm_unbind(exec->fd, exec->vm_id, WIDE_VA, size, 0);

	return ns / 1000;
}

static void choose_size(const struct igt_panthor_exec *exec, struct wide_bind *w)
{
	const uint64_t max = min(WIDE_MAX, exec->uva_range - WIDE_VA);

	igt_require_f(exec->uva_range >= WIDE_VA + WIDE_MIN, "needs user addresses up to %#llx\n",
		      (unsigned long long)(WIDE_VA + WIDE_MIN));
	w->size = WIDE_MIN;
	while ((w->us = bind_us(exec, w->size)) < WIDE_US && 2 * w->size <= max)
		w->size *= 2;
}

static struct wide_bind *start_wide_bind(const struct igt_panthor_exec *exec)
{
	struct wide_bind *w = igt_map_shared(sizeof(*w));
	const pid_t parent = getpid();

	choose_size(exec, w);
	w->waiting = true;
	igt_fork(child, 1) bind_wide(exec->fd, exec->vm_id, w, parent);
	igt_teardown_add(stop_wide_bind, w);

	return w;
}

/* Returns during a VM_BIND. */
static void resume_wide_bind(struct wide_bind *w)
{
	w->go = true;
	igt_assert_f(igt_wait(w->calls % 2, WIDE_DEADLINE_MS, 0), "the child does not bind\n");
}

/* Returns when no VM_BIND is in progress. */
static void pause_wide_bind(struct wide_bind *w)
{
	w->go = false;
	igt_assert_f(igt_wait(w->waiting, WIDE_DEADLINE_MS, 1),
		     "VM_BIND did not end within %d ms\n", WIDE_DEADLINE_MS);
}

static void end_wide_bind(struct wide_bind *w)
{
	igt_teardown_drop(stop_wide_bind, w);
	stop_wide_bind(w);
	igt_assert_eq(w->err, 0);
}

static struct igt_panthor_walk own_pages(enum igt_panthor_access access, uint64_t va, uint32_t seed)
{
	return igt_panthor_pages(access, va, OWN_SIZE, seed);
}

/* A VM with a BO at @va, which has the pattern of @seed. */
static void own_init(struct igt_panthor_exec *exec, struct panthor_bo *bo, int fd, uint64_t va,
		     uint32_t seed)
{
	igt_panthor_exec_init(exec, fd);
	igt_panthor_exec_create_bo(exec, bo, OWN_SIZE);
	for (uint64_t offset = 0; offset < bo->size; offset += PAGE)
		*(uint32_t *)((char *)bo->map + offset) = igt_panthor_pattern(va + offset, seed);
	igt_panthor_exec_bind_bo(exec, bo, va);
}

static void own_fini(struct igt_panthor_exec *exec, struct panthor_bo *bo)
{
	igt_panthor_exec_fini(exec);
	igt_panthor_free_bo(exec->fd, bo);
}

static void load_own(struct igt_panthor_exec *exec, uint64_t va, uint32_t seed)
{
	const struct igt_panthor_walk load = own_pages(IGT_PANTHOR_LOAD, va, seed);

	igt_panthor_exec_walk_verify(exec, &load);
}

/*
 * Address spaces taken from the VM that is being bound, and how many have to meet a VM_BIND. Each
 * is taken a bit later after the start of a VM_BIND, which prepares before it locks its region.
 */
#define TAKEN_LEAST 8
#define TAKEN_MET 4
#define TAKEN_DEADLINE_MS 2500

/* True if the job was submitted during a VM_BIND. */
static bool take_address_space(struct igt_panthor_exec *taker, const struct wide_bind *w)
{
	const uint32_t before = w->calls;

	load_own(taker, OWN_VA, SECOND);
	return before % 2;
}

/*
 * The address spaces are those of @idle or @taker, and of the others. The groups of these stay on
 * the GPU. A destroyed group is taken off the GPU by the tick that puts the next one on it, so
 * @idle is the only VM that has an address space to give when @taker submits. The first of the
 * others runs a job meanwhile, which keeps the GPU from being suspended.
 */
static void recycle_binding(int fd)
{
	const unsigned int others = query_address_spaces(fd) - 1;
	struct igt_panthor_exec idle, taker, execs[VMS_MAX];
	struct panthor_bo idle_bo, taker_bo, bos[VMS_MAX];
	unsigned int taken = 0, met = 0;
	struct wide_bind *w;

	igt_require_f(others >= 2 && others <= VMS_MAX, "the GPU has %u address spaces\n",
		      others + 1);
	igt_panthor_require_alone(fd);
	own_init(&idle, &idle_bo, fd, BESIDE_VA, FIRST);
	own_init(&taker, &taker_bo, fd, OWN_VA, SECOND);
	for (unsigned int i = 0; i < others; i++)
		own_init(&execs[i], &bos[i], fd, OWN_VA, THIRD);

	w = start_wide_bind(&idle);
	igt_for_milliseconds(TAKEN_DEADLINE_MS) {
		if (taken >= TAKEN_LEAST && met >= TAKEN_MET)
			break;
		igt_panthor_exec_pause(&execs[0], NULL, NULL);
		for (unsigned int i = 1; i < others; i++)
			load_own(&execs[i], OWN_VA, THIRD);
		load_own(&idle, BESIDE_VA, FIRST);
		igt_panthor_group_destroy(fd, idle.group, 0);
		resume_wide_bind(w);
		usleep(w->us / TAKEN_LEAST * (taken % TAKEN_LEAST));
		met += take_address_space(&taker, w);
		taken++;
		pause_wide_bind(w);
		idle.group = igt_panthor_group_create_simple(fd, idle.vm_id, 0);
		igt_panthor_exec_new_group(&taker);
		igt_panthor_exec_resume(&execs[0]);
	}
	end_wide_bind(w);
	igt_info("%u address spaces taken, %u of them during a VM_BIND, of %u of %" PRIu64 " GiB\n",
		 taken, met, w->calls / 2, w->size / GIB);
	igt_require_f(met, "no address space was taken during a VM_BIND\n");

	load_own(&idle, BESIDE_VA, FIRST);
	load_own(&taker, OWN_VA, SECOND);
	for (unsigned int i = 0; i < others; i++) {
		load_own(&execs[i], OWN_VA, THIRD);
		own_fini(&execs[i], &bos[i]);
	}
	own_fini(&taker, &taker_bo);
	own_fini(&idle, &idle_bo);
}

#define TURNS 2

static uint64_t shared_va(unsigned int vm)
{
	return vm % 2 ? ODD_VA : EVEN_VA;
}

/* All jobs of a turn are submitted before the first one is waited for. */
static void recycle_turns(int fd)
{
	const unsigned int count = 2 * query_address_spaces(fd);
	struct igt_panthor_exec idle, execs[VMS_MAX];
	struct panthor_bo idle_bo, bos[VMS_MAX];
	struct wide_bind *w;

	igt_require_f(count >= 2 && count <= VMS_MAX, "the GPU has %u address spaces\n", count / 2);
	own_init(&idle, &idle_bo, fd, BESIDE_VA, FIRST);
	for (unsigned int i = 0; i < count; i++) {
		own_init(&execs[i], &bos[i], fd, OWN_VA, SECOND + i);
		igt_panthor_exec_bind_sparse(&execs[i], shared_va(i), OWN_SIZE);
	}

	load_own(&idle, BESIDE_VA, FIRST);
	w = start_wide_bind(&idle);
	resume_wide_bind(w);
	for (unsigned int turn = 0; turn < TURNS; turn++) {
		for (unsigned int i = 0; i < count; i++) {
			const struct igt_panthor_walk load =
				own_pages(IGT_PANTHOR_LOAD, OWN_VA, SECOND + i);

			igt_panthor_exec_start(&execs[i], &load, NULL, 0);
		}
		for (unsigned int i = 0; i < count; i++) {
			const uint32_t *loaded = igt_panthor_exec_finish(&execs[i]);

			for (uint64_t page = 0; page < OWN_SIZE / PAGE; page++)
				igt_assert_eq_u32(
					loaded[page],
					igt_panthor_pattern(OWN_VA + page * PAGE, SECOND + i));
		}
		for (unsigned int i = 0; i < count; i++)
			igt_panthor_exec_store_pages(&execs[i], shared_va(i), OWN_SIZE, FIRST);
	}
	end_wide_bind(w);
	igt_info("%u VMs, %u VM_BINDs\n", count, w->calls / 2);

	for (unsigned int i = 0; i < count; i++) {
		if (i < 2 || i >= count - 2)
			igt_panthor_exec_must_fault(&execs[i], shared_va(i + 1), IGT_PANTHOR_LOAD);
		load_own(&execs[i], OWN_VA, SECOND + i);
	}
	load_own(&idle, BESIDE_VA, FIRST);

	for (unsigned int i = 0; i < count; i++)
		own_fini(&execs[i], &bos[i]);
	own_fini(&idle, &idle_bo);
}

static const struct igt_panthor_case cases[] = {
	{
		.name = "rebind-neighbours",
		.describe = "Two processes replace parts of a sparse range by a BO and bind them "
			    "sparse again, under a running job. The parts meet inside a block. The "
			    "job finds contents of the dummy or of the BO in each part, those of "
			    "the dummy beside them, and no access faults. At the end, both parts "
			    "have the contents of the BO, and the neighbours of the range fault. "
			    "The BO has no words that were stored to other pages.",
		.run = rebind_neighbours,
	},
	{
		.name = "rebind-contested",
		.describe = "Under a running job, one process binds two BOs in turn at the middle "
			    "of a sparse range, and another one binds the range and its middle "
			    "sparse. The job finds contents of the dummy or of a BO in the middle, "
			    "those of the dummy beside it, and no access faults. At the end, the "
			    "middle has the contents of the second BO, and the neighbours of the "
			    "range fault. The BOs have no words that were stored to other pages.",
		.run = rebind_contested,
	},
	{
		.name = "lock-holes-sparse",
		.describe = "Holes of one page to 1.5 MiB, at the edges of blocks and across them, "
			    "are unmapped from a sparse range one by one, and the range is bound "
			    "anew after each. No access of a running job to the pages on both "
			    "sides of each hole faults, and each load returns the contents of the "
			    "dummy. At the end, the edges of each hole have these contents, and "
			    "the neighbours of the range fault.",
		.run = lock_holes_sparse,
	},
	{
		.name = "lock-holes-bo",
		.describe = "Holes of one page to 1.5 MiB, at the edges of blocks and across them, "
			    "are unmapped from a BO one by one, and the BO is bound anew after "
			    "each. No access of a running job to the pages on both sides of each "
			    "hole faults, and each load returns the contents of the BO. At the "
			    "end, the edges of each hole have these contents, and the neighbours "
			    "of the range fault. The BO has no words that were stored to other "
			    "pages.",
		.run = lock_holes_bo,
	},
	{
		.name = "lock-batch",
		.describe = "One VM_BIND unmaps seven holes of one page to 1.5 MiB from a sparse "
			    "range across five blocks, and another one fills each by a part of a "
			    "BO, then sparse. Then the range is bound anew. No access of a running "
			    "job to the pages on both sides of each hole faults, and each load "
			    "returns the contents of the dummy. At the end, the edges of each hole "
			    "have these contents, and the neighbours of the range fault. The BO "
			    "has no stored words.",
		.run = lock_batch,
	},
	{
		.name = "recycle-binding",
		.describe = "All address spaces are in use. While a process binds and unbinds a "
			    "wide range in an idle VM, a job of another VM takes the address "
			    "space of the idle VM, and loads from addresses in the wide range. "
			    "The job finds the contents of its own VM. The next job of the idle "
			    "VM finds the contents of the idle VM.",
		.run = recycle_binding,
	},
	{
		.name = "recycle-turns",
		.describe = "Twice as many VMs as address spaces submit in turn, while another "
			    "process binds and unbinds a wide range in an idle VM. Each VM has a "
			    "BO of its own at the same address, and a sparse range at one of two "
			    "addresses. Each job finds the contents of its own VM, and no store "
			    "faults. At the end, the address that only the other VMs bind sparse "
			    "faults in VMs of both kinds.",
		.run = recycle_turns,
	},
	{}
};

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();

	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		igt_describe_f("Two binds in turn under a running job: %s. Both cover the same "
			       "addresses. Each load of the job returns old or new contents, and "
			       "no access faults. After the last bind, each load returns new "
			       "contents, and the neighbours of the range fault. No BO has words "
			       "that were stored to other pages.",
			       kinds[i].describe);
		igt_subtest_f("rebind-%s-whole", kinds[i].name)
			igt_panthor_with_device(fd)
				rebind(fd, &kinds[i], RANGE_VA, RANGE_END);
		igt_fixture()
			igt_teardown();

		igt_describe_f("Two binds in turn under a running job: %s. The first one covers a "
			       "range, the second one a part of it, from inside a block to inside "
			       "another. Each load of the job returns old or new contents in the "
			       "part and old contents beside it, and no access faults. After the "
			       "last bind, the part has new contents, the rest has old ones, and "
			       "the neighbours of the range fault. No BO has words that were "
			       "stored to other pages.",
			       kinds[i].describe);
		igt_subtest_f("rebind-%s-part", kinds[i].name)
			igt_panthor_with_device(fd)
				rebind(fd, &kinds[i], PART_VA, PART_END);
		igt_fixture()
			igt_teardown();
	}

	for (const struct igt_panthor_case *c = cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest(c->name)
			igt_panthor_with_device(fd)
				c->run(fd);
		igt_fixture()
			igt_teardown();
	}
}
