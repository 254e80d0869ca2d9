// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <inttypes.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_kernel_memory.h"
#include "igt_memcg.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "igt_teardown.h"

/**
 * TEST: Eviction and restore of panthor's sparse mappings
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings, eviction
 * Feature: evict
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap
 * Failure mode: Missing or wrong mappings after restore: other pages, offsets,
 *	flags or sizes; evictions that do not happen, or happen under a job.
 * Description: Evicts the pages behind sparse ranges with the driver's shrinker.
 *	The next job must find every mapping again, and no others. The GPU checks
 *	that by loads and stores.
 *
 * SUBTEST: evict-remap
 * Run type: BAT, FULL
 * Scenario: evict-range
 * Description: Evict and restore a sparse range of 64 MiB at an odd alignment: every page is
 *	readable and writable again, the neighbours fault, and the first and the last page fault
 *	after an unbind. The first row evicts right after a job, the second one on a suspended
 *	device.
 *
 * SUBTEST: evict-4g-less
 * Scenario: evict-4g
 * Description: Evict and restore a sparse range of 4 GiB less 2 MiB, the largest multiple of 2 MiB
 *	that fits in 32 bits: one page of each 2 MiB and every page of the last 4 MiB are readable
 *	and writable again, the neighbours fault, and the first and the last page fault after an
 *	unbind.
 *
 * SUBTEST: evict-4g
 * Scenario: evict-4g
 * Description: Evict and restore a sparse range of 4 GiB, a size beyond 32 bits: one page of each 2
 *	MiB and every page of the last 4 MiB are readable and writable again, the neighbours fault,
 *	and the first and the last page fault after an unbind.
 *
 * SUBTEST: evict-4g-odd
 * Scenario: evict-4g
 * Description: Evict and restore a sparse range of 4 GiB and one page at an odd alignment: one page
 *	of each 2 MiB and every page of the last 4 MiB are readable and writable again, the
 *	neighbours fault, and the first and the last page fault after an unbind.
 *
 * SUBTEST: evict-sparse-over-bo
 * Scenario: evict-split
 * Description: Bind a sparse range over the middle of a BO, then evict and restore both: every page
 *	of the BO that is still mapped shows its own contents, every page of the sparse range is
 *	readable and writable, and the BO keeps all its contents.
 *
 * SUBTEST: evict-two-vms
 * Scenario: evict-vms
 * Description: Evict the dummy of a file behind the sparse ranges of two VMs: the next job of each
 *	VM finds every page of its range mapped again, and the neighbours of the ranges fault.
 *
 * SUBTEST: evict-many-vms
 * Scenario: evict-vms
 * Description: Evict the dummy of a file behind the sparse ranges of as many VMs as the GPU has
 *	address spaces, one of which is the firmware's: the next job of each VM finds every page of
 *	its range mapped again, and the neighbours of the ranges fault.
 *
 * SUBTEST: evict-two-files
 * Scenario: evict-files
 * Description: Evict the dummies of two files by one scan of the shrinker. The next job of one file
 *	restores its range, and leaves that of the other file evicted until a job of that file. The
 *	neighbours of both ranges fault. Once the one file is closed, the range of the other file is
 *	still readable and writable.
 *
 * SUBTEST: evict-twice
 * Scenario: evict-again
 * Description: Evict the dummy three times, with jobs but without a bind in between: each eviction
 *	takes place, and each job finds its ranges mapped again. The rows differ in what is mapped:
 *	a range, a range with a hole that is made before or after the first eviction, or the ranges
 *	of two VMs.
 *
 * SUBTEST: evict-bos
 * Scenario: evict-again
 * Description: Evict BOs and the sparse ranges behind them twice, with accesses by the GPU and the
 *	CPU but without a bind in between: each BO is evicted each time, and the GPU and the CPU
 *	load what the GPU stored. Every page of the sparse ranges is readable and writable.
 *
 * SUBTEST: evict-tables
 * Scenario: evict-again
 * Description: Evict and restore sparse ranges in 512 blocks eight times: page tables grow by less
 *	than half of the 16 MiB that the restores reserve at least.
 *
 * SUBTEST: evict-thousand
 * Scenario: evict-vmas
 * Description: Evict the dummy behind a thousand sparse ranges of a VM: the next jobs find the
 *	first and the last page of each range mapped again, and the pages behind the first and the
 *	last range fault.
 *
 * SUBTEST: evict-two-ranges
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap, memory cgroups
 * Scenario: evict-vmas
 * Description: Evict the dummy behind two sparse ranges of a VM, swap its pages out, and fill new
 *	BOs. Neither range shows contents of the new BOs, and words that are stored through one
 *	range are loaded through the other.
 *
 * SUBTEST: evict-readonly
 * Scenario: evict-readonly
 * Description: Evict and restore a read-only sparse range: every page is readable, and stores fault
 *	in its incomplete first block, its full second block and its incomplete last block.
 *
 * SUBTEST: evict-readonly-split
 * Run type: BAT, FULL
 * Scenario: evict-readonly
 * Description: Make a hole in a read-only sparse range, then evict and restore it: loads work
 *	and stores fault on both sides of the hole, and the hole faults.
 *
 * SUBTEST: evict-readonly-punch
 * Scenario: evict-readonly
 * Description: Evict a read-only sparse range, make a hole in it, then restore it: loads work
 *	and stores fault on both sides of the hole, and the hole faults.
 *
 * SUBTEST: evict-busy
 * Scenario: evict-busy
 * Description: Run the shrinker while a job runs that has not accessed its sparse range yet: the
 *	dummy keeps its pages, and every access of the job succeeds. After the job, the dummy is
 *	evicted, and the next job finds every page mapped again.
 *
 * SUBTEST: evict-next-bind
 * Scenario: evict-bind
 * Description: Evict a sparse range and bind a second one: the next jobs find every page of both
 *	mapped, and the neighbours of both fault.
 *
 * SUBTEST: evict-next-async-bind
 * Scenario: evict-bind
 * Description: Evict a sparse range and queue a bind of a second one: the next jobs find every page
 *	of both mapped, and the neighbours of both fault.
 *
 * SUBTEST: evict-next-evict
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap, memory cgroups
 * Scenario: evict-bind
 * Description: Evict a sparse range, bind a second one, evict again without a job in between, swap
 *	the pages out, and fill new BOs. Neither range shows contents of the new BOs, and words that
 *	are stored through one range are loaded through the other.
 *
 * SUBTEST: evict-unmap
 * Run type: BAT, FULL
 * Scenario: evict-unmap
 * Description: Unmap a sparse range while it is evicted: it has no VMA any more, its first, a
 *	middle and its last page fault, and it can be bound again.
 *
 * SUBTEST: evict-map-bo-over
 * Run type: BAT, FULL
 * Scenario: evict-unmap
 * Description: Map a BO over all of an evicted sparse range: the stores of the next job arrive in
 *	the BO, another job loads them, and the VM stays usable.
 *
 * SUBTEST: evict-map-sparse-over
 * Scenario: evict-unmap
 * Description: Bind a sparse range over all of an evicted one: every page is readable and writable,
 *	the neighbours fault, and the first page faults after an unbind.
 *
 * SUBTEST: evict-destroy
 * Scenario: evict-unmap
 * Description: Destroy a VM while its sparse range is evicted: the VM is released, and a sparse
 *	range in the file's next VM is readable and writable.
 *
 * SUBTEST: evict-close
 * Scenario: evict-unmap
 * Description: Close a file while its sparse range is evicted: its VM and its dummy are
 *	released.
 */

/**
 * SUBTEST: evict-whole-%s
 * Scenario: evict-range
 * Description: Evict and restore %arg[1]: every page is readable and writable again, the neighbours
 *	fault, and the first and the last page fault after an unbind. The first row evicts right
 *	after a job, the second one on a suspended device.
 *
 * arg[1]:
 *
 * @page:	a sparse range of one page
 * @tile:	a sparse range of 64 KiB inside a 2 MiB block
 * @block:	a sparse range of exactly one 2 MiB block
 * @edges:	a sparse range of 8 MiB that starts and ends inside a 2 MiB block
 * @64m:	a sparse range of 64 MiB, 32 times the size of the dummy
 */

/**
 * SUBTEST: evict-split-%s
 * Scenario: evict-split
 * Description: Make a hole in a sparse range, then evict and restore the range. Every page of the
 *	range around the hole is readable and writable, and the neighbours of the range fault. The
 *	hole, %arg[1]. Every page of the range is readable and writable after an unbind and a second
 *	bind.
 *
 * arg[1]:
 *
 * @unmap:	64 KiB at the start of a block, faults at both ends
 * @bo:		64 KiB at the start of a block, shows the contents of the BO that is mapped there
 * @blocks:	two full blocks, faults at both ends
 */

/**
 * SUBTEST: evict-punch-%s
 * Scenario: evict-punch
 * Description: Make a hole in an evicted sparse range, then restore the range. Every page of the
 *	range around the hole is readable and writable, and the neighbours of the range fault. The
 *	hole, %arg[1]. Every page of the range is readable and writable after an unbind and a second
 *	bind.
 *
 * arg[1]:
 *
 * @unmap:	64 KiB at the start of a block, faults at both ends
 * @bo:		64 KiB at the start of a block, shows the contents of the BO that is mapped there
 * @sparse:	64 KiB at the start of a block, is another sparse range, readable and writable
 * @head:	the first 64 KiB of the range, faults at both ends
 * @tail:	the last 64 KiB of the range, faults at both ends
 * @blocks:	two full blocks, faults at both ends
 */

IGT_TEST_DESCRIPTION("Evict and restore sparse mappings of panthor");

/*
 * The scenarios, and the failure mode of each. A subtest evicts no more often than its scenario
 * needs: second evictions are tested by evict-again. The dummy is the BO of 2 MiB that panthor maps
 * all sparse ranges of a file to.
 *
 * 1. evict-range: a restore that leaves pages out or maps beyond the range, or an eviction that
 *    leaves page tables alone. Behind a job, the VM has an address space, which the eviction locks.
 *    On a suspended device it has none.
 * 2. evict-4g: a restore that keeps 32 bits of the size.
 * 3. evict-split: pieces of a split VMA that are restored at another offset or size.
 * 4. evict-punch: pieces of a VMA that is split while evicted, and lose the evicted mark.
 * 5. evict-vms: a BO that several VMs map, and that is on no LRU. One VM for each address space is
 *    one too many, since the firmware has an address space of its own.
 * 6. evict-files: a scan of the shrinker that ends before the second file's VM.
 * 7. evict-again: BOs that are on no LRU after a restore, page tables reserved by a restore and
 *    never freed. There is no bind between the evictions: a bind puts the BO on an LRU.
 * 8. evict-vmas: a restore with a limit on the number of VMAs, an eviction of the first VMA only.
 * 9. evict-readonly: flags that a split or a restore loses. NOEXEC and UNCACHED are kept in the
 *    same word, but loads and stores of a stream cannot tell them.
 * 10. evict-busy: pages evicted under a running job.
 * 11. evict-bind: a bind between an eviction and the next job. The BO has pages again, and one
 *     VMA is mapped while another is evicted.
 * 12. evict-unmap: evicted VMAs that an unmap, another map, or the end of the VM leaves behind.
 *
 * A file of debugfs runs the shrinker, and another one shows that it evicted. An evicted page stays
 * in the page cache, and a restore finds that same page: a stale mapping shows the right contents.
 * Only evict-two-ranges and evict-next-evict swap the pages out, so that others take their place.
 * Contents under memory pressure are tested by pressure-*.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE

/* 1 GiB-aligned, and not used by struct igt_panthor_exec. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)
#define OTHER_VA (BASE_VA + IGT_PANTHOR_EXEC_VA_END)

/* Seven pages into a 2 MiB block. */
#define ODD_VA (BASE_VA + 7 * PAGE)

#define GIB ((uint64_t)SZ_1G)

/* Every page of a range up to this size is accessed, else one page of each 2 MiB and its end. */
#define EVERY_PAGE_MAX (2 * (uint64_t)SZ_128M)

/* When an idle device must be suspended: the driver waits for 50 ms (autosuspend delay). */
#define SUSPEND_DEADLINE_MS 1000

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND
#define THIRD IGT_PANTHOR_THIRD

static void start(struct igt_panthor_exec *exec, int fd)
{
	igt_panthor_require_shrink(fd);
	/* The driver warns once when it restores a VMA at a wrong offset of the dummy. */
	igt_clear_warn_once();
	igt_panthor_exec_init(exec, fd);
}

static void evict(const struct igt_panthor_exec *exec)
{
	igt_panthor_evict_dummy(exec->fd, exec->dummy);
}

static bool is_evicted(const struct igt_panthor_exec *exec)
{
	return igt_panthor_dummy_resident(exec->fd, exec->dummy) == 0;
}

static void bind_touched(struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	igt_panthor_exec_bind_sparse(exec, va, size);
	igt_panthor_sparse_require_dummy(exec);
	igt_panthor_sparse_store_load(exec, va, size, FIRST);
}

/* Accesses every page of a small range. A large one is sampled: one page of each 2 MiB, its end. */
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

/**
 * range_case:
 * @name: name of the subtest
 * @what: words of its description
 * @va: start of the range
 * @size: bytes
 */
struct range_case {
	const char *name;
	const char *what;
	uint64_t va;
	uint64_t size;
};

#define RANGE_DESCRIBE \
	"Evict and restore %s: every page is readable and writable again, the neighbours " \
	"fault, and the first and the last page fault after an unbind. The first row evicts " \
	"right after a job, the second one on a suspended device."

static const struct range_case range_cases[] = {
	{
		.name = "evict-remap",
		.what = "a sparse range of 64 MiB at an odd alignment",
		.va = ODD_VA,
		.size = SZ_64M,
	},
	{
		.name = "evict-whole-page",
		.what = "a sparse range of one page",
		.va = ODD_VA,
		.size = PAGE,
	},
	{
		.name = "evict-whole-tile",
		.what = "a sparse range of 64 KiB inside a 2 MiB block",
		.va = BASE_VA + SZ_1M,
		.size = SZ_64K,
	},
	{
		.name = "evict-whole-block",
		.what = "a sparse range of exactly one 2 MiB block",
		.va = BASE_VA,
		.size = SZ_2M,
	},
	{
		.name = "evict-whole-edges",
		.what = "a sparse range of 8 MiB that starts and ends inside a 2 MiB block",
		.va = BASE_VA + SZ_1M,
		.size = SZ_8M,
	},
	{
		.name = "evict-whole-64m",
		.what = "a sparse range of 64 MiB, 32 times the size of the dummy",
		.va = BASE_VA,
		.size = SZ_64M,
	},
};

#define LARGE_DESCRIBE \
	"Evict and restore %s: one page of each 2 MiB and every page of the last 4 MiB are " \
	"readable and writable again, the neighbours fault, and the first and the last page " \
	"fault after an unbind."

static const struct range_case large_cases[] = {
	{
		.name = "evict-4g-less",
		.what = "a sparse range of 4 GiB less 2 MiB, the largest multiple of 2 MiB that "
			"fits in 32 bits",
		.va = BASE_VA,
		.size = 4 * GIB - SZ_2M,
	},
	{
		.name = "evict-4g",
		.what = "a sparse range of 4 GiB, a size beyond 32 bits",
		.va = BASE_VA,
		.size = 4 * GIB,
	},
	{
		.name = "evict-4g-odd",
		.what = "a sparse range of 4 GiB and one page at an odd alignment",
		.va = ODD_VA,
		.size = 4 * GIB + PAGE,
	},
};

enum {
	ROW_BEHIND_JOB,
	ROW_SUSPENDED,
};

static const char * const range_rows[] = {
	[ROW_BEHIND_JOB] = "behind-job",
	[ROW_SUSPENDED] = "suspended",
};

/*
 * Evicts while the device is suspended and the VM has no address space. Something else may wake the
 * device meanwhile: then the row shows nothing.
 */
static void evict_suspended(const struct igt_panthor_exec *exec)
{
	igt_require_f(igt_panthor_wait_suspended(exec->fd, SUSPEND_DEADLINE_MS),
		      "the device was not suspended within %d ms\n", SUSPEND_DEADLINE_MS);
	evict(exec);
	igt_require_f(igt_panthor_wait_suspended(exec->fd, 0),
		      "the device was resumed during the eviction\n");
}

static void evict_range(int fd, const struct range_case *c, bool suspended)
{
	struct igt_panthor_exec exec;

	start(&exec, fd);
	igt_panthor_exec_bind_sparse(&exec, c->va, c->size);
	igt_panthor_sparse_require_dummy(&exec);
	store_load_range(&exec, c->va, c->size, FIRST);

	if (suspended)
		evict_suspended(&exec);
	else
		evict(&exec);
	store_load_range(&exec, c->va, c->size, SECOND);
	igt_assert_eq_u64(igt_panthor_dummy_resident(fd, exec.dummy), IGT_PANTHOR_DUMMY_SIZE);
	igt_panthor_exec_neighbours_fault(&exec, c->va, c->size);

	igt_panthor_exec_unbind(&exec, c->va, c->size);
	igt_panthor_exec_must_fault(&exec, c->va, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(&exec, c->va + c->size - PAGE, IGT_PANTHOR_STORE);
	igt_panthor_vm_assert_usable(fd, exec.vm_id);

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
 * @name: name of the subtest
 * @what: words of its description
 * @evicted: the hole is made while the range is evicted, else before
 * @offset: start of the hole, from %SPLIT_VA
 * @size: bytes of the hole
 * @filling: what takes its place
 */
struct split_case {
	const char *name;
	const char *what;
	bool evicted;
	uint64_t offset;
	uint64_t size;
	enum filling filling;
};

#define SPLIT_DESCRIBE \
	"Make a hole in a sparse range, then evict and restore the range. Every page of the " \
	"range around the hole is readable and writable, and the neighbours of the range " \
	"fault. The hole, %s. Every page of the range is readable and writable after an unbind " \
	"and a second bind."
#define PUNCH_DESCRIBE \
	"Make a hole in an evicted sparse range, then restore the range. Every page of the " \
	"range around the hole is readable and writable, and the neighbours of the range " \
	"fault. The hole, %s. Every page of the range is readable and writable after an unbind " \
	"and a second bind."

static const struct split_case split_cases[] = {
	{
		.name = "evict-split-unmap",
		.what = "64 KiB at the start of a block, faults at both ends",
		.offset = 5 * SZ_1M,
		.size = SZ_64K,
	},
	{
		.name = "evict-split-bo",
		.what = "64 KiB at the start of a block, shows the contents of the BO that is "
			"mapped there",
		.offset = 5 * SZ_1M,
		.size = SZ_64K,
		.filling = BO,
	},
	{
		.name = "evict-split-blocks",
		.what = "two full blocks, faults at both ends",
		.offset = 3 * SZ_1M,
		.size = SZ_4M,
	},
	{
		.name = "evict-punch-unmap",
		.what = "64 KiB at the start of a block, faults at both ends",
		.evicted = true,
		.offset = 5 * SZ_1M,
		.size = SZ_64K,
	},
	{
		.name = "evict-punch-bo",
		.what = "64 KiB at the start of a block, shows the contents of the BO that is "
			"mapped there",
		.evicted = true,
		.offset = 5 * SZ_1M,
		.size = SZ_64K,
		.filling = BO,
	},
	{
		.name = "evict-punch-sparse",
		.what = "64 KiB at the start of a block, is another sparse range, readable and "
			"writable",
		.evicted = true,
		.offset = 5 * SZ_1M,
		.size = SZ_64K,
		.filling = SPARSE,
	},
	{
		.name = "evict-punch-head",
		.what = "the first 64 KiB of the range, faults at both ends",
		.evicted = true,
		.offset = 0,
		.size = SZ_64K,
	},
	{
		.name = "evict-punch-tail",
		.what = "the last 64 KiB of the range, faults at both ends",
		.evicted = true,
		.offset = SPLIT_SIZE - SZ_64K,
		.size = SZ_64K,
	},
	{
		.name = "evict-punch-blocks",
		.what = "two full blocks, faults at both ends",
		.evicted = true,
		.offset = 3 * SZ_1M,
		.size = SZ_4M,
	},
};

/**
 * split:
 * @c: case
 * @exec: VM
 * @bo: BO of the hole's size
 * @hole_va: start of the hole
 */
struct split {
	const struct split_case *c;
	struct igt_panthor_exec exec;
	struct panthor_bo bo;
	uint64_t hole_va;
};

static void split_make_hole(struct split *s)
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

static void evict_split(int fd, const struct split_case *c)
{
	struct split s = { .c = c, .hole_va = SPLIT_VA + c->offset };

	start(&s.exec, fd);
	igt_panthor_exec_create_bo(&s.exec, &s.bo, c->size);
	bind_touched(&s.exec, SPLIT_VA, SPLIT_SIZE);

	if (c->evicted) {
		evict(&s.exec);
		split_make_hole(&s);
		split_fill_bo(&s);
	} else {
		split_make_hole(&s);
		split_fill_bo(&s);
		evict(&s.exec);
	}
	split_assert(&s);

	igt_panthor_exec_unbind(&s.exec, SPLIT_VA, SPLIT_SIZE);
	igt_panthor_vm_assert_usable(fd, s.exec.vm_id);
	bind_touched(&s.exec, SPLIT_VA, SPLIT_SIZE);

	igt_panthor_exec_fini(&s.exec);
	igt_panthor_free_bo(fd, &s.bo);
}

#define COVERED_LABEL "under a sparse range"

/* The sparse range starts in the middle of a block, so the BO is mapped at an offset behind it. */
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
	igt_panthor_bo_set_label(fd, &bo, COVERED_LABEL);
	igt_panthor_exec_bind_bo(&exec, &bo, va);
	igt_panthor_exec_store_pages(&exec, va, size, FIRST);
	bind_touched(&exec, sparse_va, SZ_64K);

	evict(&exec);
	igt_panthor_evict_gem(fd, COVERED_LABEL);
	igt_panthor_exec_walk_verify(&exec, &before);
	igt_panthor_exec_walk_verify(&exec, &behind);
	igt_panthor_sparse_store_load(&exec, sparse_va, SZ_64K, SECOND);
	igt_panthor_bo_assert_holds(&bo, va, FIRST);

	igt_panthor_exec_fini(&exec);
	igt_panthor_free_bo(fd, &bo);
}

/* The ranges of several VMs are at the same address and differ in size. */
static uint64_t vm_range_size(unsigned int i)
{
	return SZ_4M + i * SZ_64K;
}

static void vm_bind(struct igt_panthor_exec *execs, unsigned int i, int fd)
{
	start(&execs[i], fd);
	bind_touched(&execs[i], ODD_VA, vm_range_size(i));
}

static void vm_store_load(struct igt_panthor_exec *execs, unsigned int i, uint32_t seed)
{
	igt_panthor_sparse_store_load(&execs[i], ODD_VA, vm_range_size(i), seed);
}

static void several_vms(int fd, struct igt_panthor_exec *execs, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		vm_bind(execs, i, fd);

	evict(&execs[0]);
	for (unsigned int i = 0; i < count; i++)
		vm_store_load(execs, i, SECOND);

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

/* Runs one scan, and restores both ranges if it did not evict both dummies. */
static bool one_scan_evicts_both(struct igt_panthor_exec *first, struct igt_panthor_exec *second)
{
	igt_panthor_shrink(first->fd);
	if (is_evicted(first) && is_evicted(second))
		return true;

	igt_panthor_sparse_store_load(first, ODD_VA, SZ_4M, FIRST);
	igt_panthor_sparse_store_load(second, ODD_VA, SZ_8M, FIRST);
	return false;
}

/*
 * A scan that asks for all pages goes on until no VM has any left. It may skip a BO whose locks are
 * taken, so several scans are tried, each with both dummies in place.
 */
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

	igt_assert_f(igt_wait(one_scan_evicts_both(&first, &second), IGT_PANTHOR_EVICT_DEADLINE_MS,
			      IGT_PANTHOR_EVICT_INTERVAL_MS),
		     "no scan of the shrinker evicted the dummies of both files within %d ms\n",
		     IGT_PANTHOR_EVICT_DEADLINE_MS);
	igt_panthor_sparse_store_load(&second, ODD_VA, SZ_8M, SECOND);
	igt_assert(is_evicted(&first));
	igt_panthor_sparse_store_load(&first, ODD_VA, SZ_4M, THIRD);

	igt_panthor_exec_neighbours_fault(&second, ODD_VA, SZ_8M);
	igt_panthor_exec_fini(&second);
	igt_panthor_close(other);
	igt_panthor_sparse_store_load(&first, ODD_VA, SZ_4M, FIRST);
	igt_panthor_exec_neighbours_fault(&first, ODD_VA, SZ_4M);
	igt_panthor_exec_fini(&first);
}

#define TWICE_ROUNDS 3

static const uint32_t twice_seeds[TWICE_ROUNDS] = { SECOND, THIRD, FIRST };

static void twice_range(int fd)
{
	struct igt_panthor_exec exec;

	start(&exec, fd);
	bind_touched(&exec, ODD_VA, SZ_4M);

	for (unsigned int i = 0; i < TWICE_ROUNDS; i++) {
		evict(&exec);
		igt_panthor_sparse_store_load(&exec, ODD_VA, SZ_4M, twice_seeds[i]);
	}
	igt_panthor_exec_neighbours_fault(&exec, ODD_VA, SZ_4M);

	igt_panthor_exec_fini(&exec);
}

/* The hole is made before the first eviction, or while the range is evicted. */
static void twice_hole(int fd, bool evicted)
{
	const uint64_t hole_va = BASE_VA + 5 * SZ_1M, behind_va = hole_va + SZ_64K;
	struct igt_panthor_exec exec;

	start(&exec, fd);
	bind_touched(&exec, SPLIT_VA, SPLIT_SIZE);
	if (!evicted)
		igt_panthor_exec_unbind(&exec, hole_va, SZ_64K);

	for (unsigned int i = 0; i < TWICE_ROUNDS; i++) {
		evict(&exec);
		if (evicted && !i)
			igt_panthor_exec_unbind(&exec, hole_va, SZ_64K);
		igt_panthor_sparse_store_load(&exec, SPLIT_VA, hole_va - SPLIT_VA, twice_seeds[i]);
		igt_panthor_sparse_store_load(&exec, behind_va, SPLIT_VA + SPLIT_SIZE - behind_va,
					      twice_seeds[i]);
	}
	igt_panthor_exec_must_fault(&exec, hole_va, IGT_PANTHOR_LOAD);

	igt_panthor_exec_fini(&exec);
}

static void twice_hole_before(int fd)
{
	twice_hole(fd, false);
}

static void twice_hole_evicted(int fd)
{
	twice_hole(fd, true);
}

/* A dummy that two VMs map is on the LRU of shared BOs. Restored in one VM, it is on that VM's. */
static void twice_one_of_two_vms(int fd)
{
	struct igt_panthor_exec execs[2];

	for (unsigned int i = 0; i < ARRAY_SIZE(execs); i++)
		vm_bind(execs, i, fd);

	evict(&execs[0]);
	vm_store_load(execs, 0, SECOND);
	evict(&execs[0]);
	vm_store_load(execs, 1, THIRD);
	vm_store_load(execs, 0, THIRD);
	evict(&execs[0]);
	vm_store_load(execs, 0, FIRST);

	for (unsigned int i = 0; i < ARRAY_SIZE(execs); i++)
		igt_panthor_exec_fini(&execs[i]);
}

/**
 * twice_case:
 * @row: name of the dynamic subtest
 * @run: its body
 */
static const struct twice_case {
	const char *row;
	void (*run)(int fd);
} twice_cases[] = {
	{ .row = "range", .run = twice_range },
	{ .row = "hole-before", .run = twice_hole_before },
	{ .row = "hole-while-evicted", .run = twice_hole_evicted },
	{ .row = "one-of-two-vms", .run = twice_one_of_two_vms },
};

/* A page, a tile of 64 KiB, a block, several blocks; the kernel rounds them to CPU pages. */
static const uint64_t bo_sizes[] = { PAGE, SZ_64K, SZ_2M, 3 * SZ_2M };

#define BOS ARRAY_SIZE(bo_sizes)
#define BO_STRIDE SZ_16M

static uint64_t bo_va(unsigned int i)
{
	return BASE_VA + i * BO_STRIDE;
}

static void bo_label(unsigned int i, char label[IGT_PANTHOR_GEM_LABEL_LEN])
{
	snprintf(label, IGT_PANTHOR_GEM_LABEL_LEN, "evicted BO %u", i);
}

/* Behind each BO is a sparse range, which ends where the next BO starts. */
static void bind_bos(struct igt_panthor_exec *exec, struct panthor_bo *bos)
{
	char label[IGT_PANTHOR_GEM_LABEL_LEN];

	for (unsigned int i = 0; i < BOS; i++) {
		igt_panthor_exec_create_bo(exec, &bos[i], bo_sizes[i]);
		bo_label(i, label);
		igt_panthor_bo_set_label(exec->fd, &bos[i], label);
		bind_touched(exec, bo_va(i) + bos[i].size, BO_STRIDE - bos[i].size);
		igt_panthor_exec_bind_bo(exec, &bos[i], bo_va(i));
		igt_panthor_exec_store_pages(exec, bo_va(i), bos[i].size, FIRST);
	}
}

/* One scan may skip a BO, so each BO has scans of its own. They leave evicted BOs alone. */
static void evict_bos_once(const struct igt_panthor_exec *exec, uint64_t evictions)
{
	char label[IGT_PANTHOR_GEM_LABEL_LEN];
	struct igt_panthor_gem gem;

	evict(exec);
	for (unsigned int i = 0; i < BOS; i++) {
		bo_label(i, label);
		igt_panthor_evict_gem(exec->fd, label);
		igt_assert(igt_panthor_find_gem(exec->fd, label, &gem));
		igt_assert_eq_u64(gem.evictions, evictions);
	}
}

static void assert_bos(struct igt_panthor_exec *exec, const struct panthor_bo *bos)
{
	for (unsigned int i = 0; i < BOS; i++) {
		const struct igt_panthor_walk load =
			igt_panthor_pages(IGT_PANTHOR_LOAD, bo_va(i), bos[i].size, FIRST);

		igt_panthor_exec_walk_verify(exec, &load);
		igt_panthor_sparse_store_load(exec, bo_va(i) + bos[i].size, BO_STRIDE - bos[i].size,
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
		evict_bos_once(&exec, round);
		assert_bos(&exec, bos);
	}

	igt_panthor_exec_fini(&exec);
	for (unsigned int i = 0; i < BOS; i++)
		igt_panthor_free_bo(fd, &bos[i]);
}

/* Sparse ranges of the first 64 KiB of each of a number of blocks. */
#define RANGE_SIZE SZ_64K
#define RANGES_MAX 1000

static void ranges_bind(struct igt_panthor_exec *exec, unsigned int count)
{
	static struct drm_panthor_vm_bind_op ops[RANGES_MAX];

	for (unsigned int i = 0; i < count; i++)
		ops[i] = (struct drm_panthor_vm_bind_op){
			.flags = IGT_PANTHOR_SPARSE_FLAGS,
			.va = BASE_VA + (uint64_t)i * SZ_2M,
			.size = RANGE_SIZE,
		};
	igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, ops, count, 0);
	igt_panthor_sparse_require_dummy(exec);
}

/* Accesses one page of each range, at the same offset in all of them. */
static void ranges_store_load(struct igt_panthor_exec *exec, unsigned int count, uint64_t offset,
			      uint32_t seed)
{
	const struct igt_panthor_walk walk = {
		.access = IGT_PANTHOR_STORE_LOAD,
		.va = BASE_VA + offset,
		.count = count,
		.stride = SZ_2M,
		.seed = seed,
	};

	igt_panthor_exec_walk_verify(exec, &walk);
}

/*
 * A restore reserves one page table or more for each range, and uses none of them: the tables of
 * the ranges stay when their pages are unmapped.
 */
#define TABLES_RANGES 512
#define TABLES_ROUNDS 8

/* Half of the growth if no restore freed what it reserved. */
#define TABLES_GROWTH_MAX ((int64_t)(TABLES_ROUNDS * TABLES_RANGES * PAGE / 2))

static void evict_tables(int fd)
{
	struct igt_panthor_exec exec;
	int64_t before, growth;

	igt_panthor_page_tables_require();
	start(&exec, fd);
	ranges_bind(&exec, TABLES_RANGES);
	ranges_store_load(&exec, TABLES_RANGES, 0, FIRST);

	before = igt_panthor_page_table_bytes();
	for (unsigned int round = 0; round < TABLES_ROUNDS; round++) {
		evict(&exec);
		ranges_store_load(&exec, TABLES_RANGES, 0, SECOND);
	}
	growth = igt_panthor_page_table_bytes() - before;
	igt_info("page tables after %d evictions: %" PRId64 " KiB more\n", TABLES_ROUNDS,
		 growth / 1024);
	igt_assert_f(growth < TABLES_GROWTH_MAX,
		     "page tables after %d evictions: %" PRId64 " KiB more, expected below %" PRId64
		     "\n",
		     TABLES_ROUNDS, growth / 1024, TABLES_GROWTH_MAX / 1024);

	igt_panthor_exec_fini(&exec);
}

static void evict_thousand(int fd)
{
	struct igt_panthor_exec exec;

	start(&exec, fd);
	ranges_bind(&exec, RANGES_MAX);

	evict(&exec);
	ranges_store_load(&exec, RANGES_MAX, 0, FIRST);
	ranges_store_load(&exec, RANGES_MAX, RANGE_SIZE - PAGE, SECOND);

	igt_panthor_exec_must_fault(&exec, BASE_VA + RANGE_SIZE, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(&exec,
				    BASE_VA + (RANGES_MAX - 1) * (uint64_t)SZ_2M + RANGE_SIZE,
				    IGT_PANTHOR_STORE);
	igt_panthor_exec_fini(&exec);
}

/*
 * What takes the place of the freed pages: BOs of the dummy's size. Their pages come from where the
 * dummy's came from, and the kernel first uses the memory that was freed last.
 */
#define FILLERS 8
#define FILLER 0x5a5a5a5a

/* More than the process has in its memory cgroup. */
#define RECLAIM_SIZE SZ_64M

/**
 * replaced:
 * @exec: VM
 * @fillers: BOs that replace_pages() creates, filled with %FILLER
 *
 * A VM with a sparse range at %BASE_VA and another at %OTHER_VA, each as large as the dummy.
 */
struct replaced {
	struct igt_panthor_exec exec;
	struct panthor_bo fillers[FILLERS];
};

static void replaced_init(struct replaced *r, int fd)
{
	igt_panthor_require_shrink(fd);
	igt_require_f(igt_memcg_enter(), "no memory cgroup can be created\n");
	start(&r->exec, fd);
	igt_panthor_exec_bind_sparse(&r->exec, BASE_VA, IGT_PANTHOR_DUMMY_SIZE);
	igt_panthor_sparse_require_dummy(&r->exec);
}

/* When the kernel must have freed the pages that it was asked to reclaim, once they are in swap. */
#define RECLAIM_DEADLINE_MS 2000
#define RECLAIM_INTERVAL_MS 10

static bool is_reclaimed(int64_t before)
{
	igt_memcg_reclaim(RECLAIM_SIZE);

	return before - igt_memcg_current() >= (int64_t)IGT_PANTHOR_DUMMY_SIZE;
}

/*
 * Swaps the evicted pages out, which frees them, and reuses the memory that they were in. A page is
 * charged until it is freed, in the swap cache too. All other memory that was charged since the
 * process entered the group is smaller than the dummy, so some pages of the dummy were freed.
 */
static void replace_pages(struct replaced *r)
{
	const int64_t before = igt_memcg_current();

	igt_require_f(igt_wait(is_reclaimed(before), RECLAIM_DEADLINE_MS, RECLAIM_INTERVAL_MS),
		      "memory.reclaim left evicted pages in memory for %d ms\n",
		      RECLAIM_DEADLINE_MS);
	igt_info("memory.current: %" PRId64 " KiB before reclaim, %" PRId64 " KiB after it\n",
		 before / 1024, igt_memcg_current() / 1024);

	for (unsigned int i = 0; i < FILLERS; i++) {
		struct panthor_bo *bo = &r->fillers[i];

		igt_panthor_exec_create_bo(&r->exec, bo, IGT_PANTHOR_DUMMY_SIZE);
		for (size_t word = 0; word < bo->size / sizeof(uint32_t); word++)
			((uint32_t *)bo->map)[word] = FILLER;
	}
	__sync_synchronize();
}

/* The freed pages hold the filler now, which a stale mapping would show. */
static void assert_no_filler(struct replaced *r, uint64_t va)
{
	const struct igt_panthor_walk walk =
		igt_panthor_pages(IGT_PANTHOR_LOAD, va, IGT_PANTHOR_DUMMY_SIZE, 0);
	const uint32_t *loaded = igt_panthor_exec_walk(&r->exec, &walk);

	for (uint32_t i = 0; i < walk.count; i++)
		igt_assert_f(loaded[i] != FILLER,
			     "GPU loaded contents of another BO at %#" PRIx64 "\n", va + i * PAGE);
}

/*
 * Loads come first: a store through a stale mapping would overwrite the memory of another BO.
 * Both ranges map the dummy from its start: a word stored through one is loaded through the other.
 */
static void replaced_assert(struct replaced *r)
{
	assert_no_filler(r, BASE_VA);
	assert_no_filler(r, OTHER_VA);
	igt_panthor_exec_store_pages(&r->exec, BASE_VA, IGT_PANTHOR_DUMMY_SIZE, SECOND);
	igt_panthor_sparse_load(&r->exec, OTHER_VA, IGT_PANTHOR_DUMMY_SIZE, BASE_VA, SECOND);
}

static void replaced_fini(struct replaced *r)
{
	igt_panthor_exec_fini(&r->exec);
	for (unsigned int i = 0; i < FILLERS; i++)
		igt_panthor_free_bo(r->exec.fd, &r->fillers[i]);
	igt_memcg_leave();
}

static void evict_two_ranges(int fd)
{
	struct replaced r;

	replaced_init(&r, fd);
	igt_panthor_exec_bind_sparse(&r.exec, OTHER_VA, IGT_PANTHOR_DUMMY_SIZE);
	igt_panthor_exec_store_pages(&r.exec, BASE_VA, IGT_PANTHOR_DUMMY_SIZE, FIRST);

	evict(&r.exec);
	replace_pages(&r);
	replaced_assert(&r);
	replaced_fini(&r);
}

static void evict_next_evict(int fd)
{
	struct replaced r;

	replaced_init(&r, fd);
	igt_panthor_exec_store_pages(&r.exec, BASE_VA, IGT_PANTHOR_DUMMY_SIZE, FIRST);

	evict(&r.exec);
	igt_panthor_exec_bind_sparse(&r.exec, OTHER_VA, IGT_PANTHOR_DUMMY_SIZE);
	evict(&r.exec);
	replace_pages(&r);
	replaced_assert(&r);
	replaced_fini(&r);
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

	evict(&exec);
	load_pages(&exec, va, size);
	for (unsigned int i = 0; i < ARRAY_SIZE(stores); i++)
		igt_panthor_exec_must_fault(&exec, stores[i], IGT_PANTHOR_STORE);

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
	igt_panthor_exec_must_fault(&exec, va + hole, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(&exec, va + behind - PAGE, IGT_PANTHOR_LOAD);

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

/* Number of scans while the job runs. In each, the shrinker waits up to 10 jiffies for jobs. */
#define BUSY_SCANS 5

static bool job_is_done(const struct igt_panthor_exec *exec)
{
	uint32_t syncobj = exec->syncobj;

	return syncobj_wait(exec->fd, &syncobj, 1, 0, 0, NULL);
}

/* igt_panthor_exec_pause() returns once the running job has stored to its flag. */
static void evict_busy(int fd)
{
	const struct igt_panthor_walk walk =
		igt_panthor_pages(IGT_PANTHOR_STORE_LOAD, ODD_VA, SZ_4M, SECOND);
	struct igt_panthor_gem before, during;
	struct igt_panthor_exec exec;
	const uint32_t *loaded;

	start(&exec, fd);
	bind_touched(&exec, ODD_VA, SZ_4M);
	igt_assert(igt_panthor_read_dummy(fd, exec.dummy, &before));

	igt_panthor_exec_pause(&exec, NULL, &walk);
	for (unsigned int i = 0; i < BUSY_SCANS; i++) {
		igt_panthor_shrink(fd);
		igt_assert(igt_panthor_read_dummy(fd, exec.dummy, &during));
		igt_assert_eq_u64(during.resident, IGT_PANTHOR_DUMMY_SIZE);
		igt_assert_eq_u64(during.evictions, before.evictions);
	}
	igt_assert_f(!job_is_done(&exec), "the job ended before it was told to\n");
	igt_panthor_exec_resume(&exec);
	loaded = exec.out.map;
	for (uint32_t i = 0; i < walk.count; i++)
		igt_assert_eq_u32(loaded[i], igt_panthor_pattern(ODD_VA + i * PAGE, SECOND));

	evict(&exec);
	igt_panthor_sparse_store_load(&exec, ODD_VA, SZ_4M, THIRD);
	igt_panthor_exec_fini(&exec);
}

/* Both ranges are mapped, one by the restore and one by its bind. */
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
	igt_panthor_vm_assert_usable(fd, exec.vm_id);

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

	igt_panthor_exec_unbind(&exec, ODD_VA, SZ_4M);
	igt_panthor_exec_must_fault(&exec, ODD_VA, IGT_PANTHOR_LOAD);
	igt_panthor_vm_assert_usable(fd, exec.vm_id);
	igt_panthor_exec_fini(&exec);
}

/* The VM is known by its tag, whose address no other VM uses. */
static bool vm_is_gone(int fd, uint64_t tag_va, uint64_t tag_size)
{
	struct igt_panthor_vmas vmas;
	bool gone;

	igt_panthor_read_gpuvas(fd, &vmas);
	gone = igt_panthor_find_vm(&vmas, tag_va, tag_size) < 0;
	igt_panthor_free_vmas(&vmas);

	return gone;
}

static bool dummy_is_gone(int fd, uint64_t dummy)
{
	struct igt_panthor_gem gem;

	return !igt_panthor_read_dummy(fd, dummy, &gem);
}

static void assert_vm_released(int fd, const struct igt_panthor_exec *exec)
{
	igt_assert_f(igt_wait(vm_is_gone(fd, exec->tag_va, exec->tag.size),
			      IGT_PANTHOR_RELEASE_DEADLINE_MS, 10),
		     "the VM is still in gpuvas after %d ms\n", IGT_PANTHOR_RELEASE_DEADLINE_MS);
}

static void evict_destroy(int fd)
{
	struct igt_panthor_exec exec;

	start(&exec, fd);
	bind_touched(&exec, ODD_VA, SZ_4M);
	evict(&exec);
	igt_assert(!vm_is_gone(fd, exec.tag_va, exec.tag.size));
	igt_panthor_exec_fini(&exec);
	assert_vm_released(fd, &exec);

	igt_panthor_exec_init(&exec, fd);
	bind_touched(&exec, ODD_VA, SZ_4M);
	igt_panthor_exec_fini(&exec);
}

/* A CPU mapping of a BO keeps its file open. The VM still maps the BOs that are freed here. */
static void free_bos(struct igt_panthor_exec *exec)
{
	struct panthor_bo *bos[] = { &exec->cmd, &exec->out, &exec->flag, &exec->tag };

	for (unsigned int i = 0; i < ARRAY_SIZE(bos); i++)
		igt_panthor_free_bo(exec->fd, bos[i]);
}

static void evict_close(int fd)
{
	int other = igt_panthor_open();
	struct igt_panthor_exec exec;

	start(&exec, other);
	bind_touched(&exec, ODD_VA, SZ_4M);
	evict(&exec);
	free_bos(&exec);
	igt_assert(!vm_is_gone(fd, exec.tag_va, exec.tag.size));
	igt_assert(!dummy_is_gone(fd, exec.dummy));
	igt_panthor_close(other);

	assert_vm_released(fd, &exec);
	igt_assert_f(igt_wait(dummy_is_gone(fd, exec.dummy), IGT_PANTHOR_RELEASE_DEADLINE_MS, 10),
		     "the dummy is still in gems after %d ms\n", IGT_PANTHOR_RELEASE_DEADLINE_MS);
}

static const struct igt_panthor_case plain_cases[] = {
	{
		.name = "evict-sparse-over-bo",
		.describe = "Bind a sparse range over the middle of a BO, then evict and restore "
			    "both: every page of the BO that is still mapped shows its own "
			    "contents, every page of the sparse range is readable and writable, "
			    "and the BO keeps all its contents.",
		.run = evict_sparse_over_bo,
	},
	{
		.name = "evict-two-vms",
		.describe = "Evict the dummy of a file behind the sparse ranges of two VMs: the "
			    "next job of each VM finds every page of its range mapped again, and "
			    "the neighbours of the ranges fault.",
		.run = evict_two_vms,
	},
	{
		.name = "evict-many-vms",
		.describe = "Evict the dummy of a file behind the sparse ranges of as many VMs "
			    "as the GPU has address spaces, one of which is the firmware's: the "
			    "next job of each VM finds every page of its range mapped again, and "
			    "the neighbours of the ranges fault.",
		.run = evict_many_vms,
	},
	{
		.name = "evict-two-files",
		.describe = "Evict the dummies of two files by one scan of the shrinker. The "
			    "next job of one file restores its range, and leaves that of the "
			    "other file evicted until a job of that file. The neighbours of both "
			    "ranges fault. Once the one file is closed, the range of the other "
			    "file is still readable and writable.",
		.run = evict_two_files,
	},
	{
		.name = "evict-bos",
		.describe = "Evict BOs and the sparse ranges behind them twice, with accesses by "
			    "the GPU and the CPU but without a bind in between: each BO is "
			    "evicted each time, and the GPU and the CPU load what the GPU "
			    "stored. Every page of the sparse ranges is readable and writable.",
		.run = evict_bos,
	},
	{
		.name = "evict-tables",
		.describe = "Evict and restore sparse ranges in 512 blocks eight times: page "
			    "tables grow by less than half of the 16 MiB that the restores "
			    "reserve at least.",
		.run = evict_tables,
	},
	{
		.name = "evict-thousand",
		.describe = "Evict the dummy behind a thousand sparse ranges of a VM: the next "
			    "jobs find the first and the last page of each range mapped again, "
			    "and the pages behind the first and the last range fault.",
		.run = evict_thousand,
	},
	{
		.name = "evict-two-ranges",
		.describe = "Evict the dummy behind two sparse ranges of a VM, swap its pages "
			    "out, and fill new BOs. Neither range shows contents of the new BOs, "
			    "and words that are stored through one range are loaded through the "
			    "other.",
		.run = evict_two_ranges,
	},
	{
		.name = "evict-readonly",
		.describe = "Evict and restore a read-only sparse range: every page is readable, "
			    "and stores fault in its incomplete first block, its full second "
			    "block and its incomplete last block.",
		.run = evict_readonly,
	},
	{
		.name = "evict-readonly-split",
		.describe = "Make a hole in a read-only sparse range, then evict and restore it: "
			    "loads work and stores fault on both sides of the hole, and the hole "
			    "faults.",
		.run = evict_readonly_split,
	},
	{
		.name = "evict-readonly-punch",
		.describe = "Evict a read-only sparse range, make a hole in it, then restore it: "
			    "loads work and stores fault on both sides of the hole, and the hole "
			    "faults.",
		.run = evict_readonly_punch,
	},
	{
		.name = "evict-busy",
		.describe = "Run the shrinker while a job runs that has not accessed its sparse "
			    "range yet: the dummy keeps its pages, and every access of the job "
			    "succeeds. After the job, the dummy is evicted, and the next job "
			    "finds every page mapped again.",
		.run = evict_busy,
	},
	{
		.name = "evict-next-bind",
		.describe = "Evict a sparse range and bind a second one: the next jobs find "
			    "every page of both mapped, and the neighbours of both fault.",
		.run = evict_next_bind,
	},
	{
		.name = "evict-next-async-bind",
		.describe = "Evict a sparse range and queue a bind of a second one: the next "
			    "jobs find every page of both mapped, and the neighbours of both "
			    "fault.",
		.run = evict_next_async_bind,
	},
	{
		.name = "evict-next-evict",
		.describe = "Evict a sparse range, bind a second one, evict again without a job "
			    "in between, swap the pages out, and fill new BOs. Neither range "
			    "shows contents of the new BOs, and words that are stored through "
			    "one range are loaded through the other.",
		.run = evict_next_evict,
	},
	{
		.name = "evict-unmap",
		.describe = "Unmap a sparse range while it is evicted: it has no VMA any more, "
			    "its first, a middle and its last page fault, and it can be bound "
			    "again.",
		.run = evict_unmap,
	},
	{
		.name = "evict-map-bo-over",
		.describe = "Map a BO over all of an evicted sparse range: the stores of the "
			    "next job arrive in the BO, another job loads them, and the VM stays "
			    "usable.",
		.run = evict_map_bo_over,
	},
	{
		.name = "evict-map-sparse-over",
		.describe = "Bind a sparse range over all of an evicted one: every page is "
			    "readable and writable, the neighbours fault, and the first page "
			    "faults after an unbind.",
		.run = evict_map_sparse_over,
	},
	{
		.name = "evict-destroy",
		.describe = "Destroy a VM while its sparse range is evicted: the VM is released, "
			    "and a sparse range in the file's next VM is readable and writable.",
		.run = evict_destroy,
	},
	{
		.name = "evict-close",
		.describe = "Close a file while its sparse range is evicted: its VM and its dummy "
			    "are released.",
		.run = evict_close,
	},
	{}
};

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();

	for (unsigned int i = 0; i < ARRAY_SIZE(range_cases); i++) {
		igt_describe_f(RANGE_DESCRIBE, range_cases[i].what);
		igt_subtest_with_dynamic(range_cases[i].name) {
			for (unsigned int row = 0; row < ARRAY_SIZE(range_rows); row++)
				igt_dynamic(range_rows[row])
					igt_panthor_with_device(fd)
						evict_range(fd, &range_cases[i],
							    row == ROW_SUSPENDED);
		}
		igt_fixture()
			igt_teardown();
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(large_cases); i++) {
		igt_describe_f(LARGE_DESCRIBE, large_cases[i].what);
		igt_subtest(large_cases[i].name)
			igt_panthor_with_device(fd)
				evict_range(fd, &large_cases[i], false);
		igt_fixture()
			igt_teardown();
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(split_cases); i++) {
		const struct split_case *c = &split_cases[i];

		igt_describe_f(c->evicted ? PUNCH_DESCRIBE : SPLIT_DESCRIBE, c->what);
		igt_subtest(c->name)
			igt_panthor_with_device(fd)
				evict_split(fd, c);
		igt_fixture()
			igt_teardown();
	}

	igt_describe("Evict the dummy three times, with jobs but without a bind in between: each "
		     "eviction takes place, and each job finds its ranges mapped again. The rows "
		     "differ in what is mapped: a range, a range with a hole that is made before "
		     "or after the first eviction, or the ranges of two VMs.");
	igt_subtest_with_dynamic("evict-twice") {
		for (unsigned int i = 0; i < ARRAY_SIZE(twice_cases); i++)
			igt_dynamic(twice_cases[i].row)
				igt_panthor_with_device(fd)
					twice_cases[i].run(fd);
	}
	igt_fixture()
		igt_teardown();

	for (const struct igt_panthor_case *c = plain_cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest(c->name)
			igt_panthor_with_device(fd)
				c->run(fd);
		igt_fixture()
			igt_teardown();
	}
}
