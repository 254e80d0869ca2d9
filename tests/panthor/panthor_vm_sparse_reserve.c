// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>
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
 * TEST: Page tables of sparse mappings of panthor
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings, page tables
 * Feature: reserve
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, swap and memory cgroups for some
 * Scenario: reserve-held
 * Failure mode: Kernel memory out of all proportion to the memory behind a range, page tables that
 *	are charged to nobody, requests that cannot be killed, wrong or missing entries.
 * Description: Large sparse ranges are bound, cut, unbound and restored. The kernel's figures show
 *	how many page tables are reserved, kept and charged; loads of command streams show that all
 *	entries are right.
 *
 * SUBTEST: reserve-async
 * Run type: BAT, FULL
 * Description: Queue binds of 64 GiB in all behind a fence. Until the fence is signalled, they hold
 *	at most 8.5 MiB of page tables, and the first page faults. Afterwards, the first and the
 *	last page of each range are readable and writable.
 *
 * SUBTEST: reserve-refused-batch
 * Description: Queue a batch in which one range covers all user addresses. The batch is accepted,
 *	or refused with ENOMEM within a second. Page tables grow by at most 8 MiB meanwhile, and the
 *	VM stays usable.
 *
 * SUBTEST: reserve-restore
 * Description: Evict the dummy behind 64 GiB, and restore it. Page tables grow by at most 8.5 MiB
 *	meanwhile, and the first and the last page of each GiB are readable and writable.
 *
 * SUBTEST: reserve-blocks
 * Scenario: reserve-entries
 * Description: Bind 8 GiB across the boundary of page tables of all levels: each 2 MiB maps the
 *	dummy from its start, and the neighbours fault.
 *
 * SUBTEST: reserve-blocks-again
 * Scenario: reserve-entries
 * Description: Bind 8 GiB over earlier mappings, and over page tables that unmapped ones left
 *	behind: each 2 MiB maps the dummy from its start, and the neighbours fault.
 *
 * SUBTEST: reserve-blocks-restored
 * Scenario: reserve-entries
 * Description: Evict and restore 8 GiB across the boundary of page tables of all levels: each 2
 *	MiB maps the dummy from its start, and the neighbours fault.
 *
 * SUBTEST: reserve-time
 * Scenario: reserve-time
 * Description: Bind a sparse range of 32 GiB, mapped by blocks, and a BO of 64 MiB, mapped by
 *	pages, five times each. Both have equally many page table entries. The fastest bind of the
 *	range takes at most 4 times as long as the fastest one of the BO.
 *
 * SUBTEST: reserve-pages
 * Scenario: reserve-entries
 * Description: Bind 256 MiB across a boundary of 1 GiB: each page maps the page of the dummy at its
 *	address modulo 2 MiB, and the neighbours fault.
 *
 * SUBTEST: reserve-cut-head
 * Scenario: reserve-cut
 * Description: Unmap all but the first page of a sparse range of 2 GiB: the page is readable and
 *	writable, and the first, a middle and the last page of the rest fault.
 *
 * SUBTEST: reserve-cut-tail
 * Scenario: reserve-cut
 * Description: Unmap all but the last page of a sparse range of 2 GiB: the page is readable and
 *	writable, and the first, a middle and the last page of the rest fault.
 *
 * SUBTEST: reserve-given-back
 * Scenario: reserve-given-back
 * Description: Bind and unbind 1 TiB in sparse ranges of 64 GiB: at most 2 MiB of page tables stay
 *	behind.
 *
 * SUBTEST: reserve-kill
 * Scenario: reserve-kill
 * Description: Kill a process during a VM_BIND of many operations: some of them are done and not
 *	all. Afterwards, the VM is usable, a sparse range in it is readable and writable, and the
 *	neighbours of the range fault.
 *
 * SUBTEST: reserve-accounted
 * Scenario: reserve-accounted
 * Description: Bind and unbind a page in each of 2048 blocks, in a memory cgroup: at least three
 *	quarters of the page tables that stay behind are charged to it.
 *
 * SUBTEST: reserve-scattered
 * Scenario: reserve-scattered
 * Description: Bind 40 GiB over a dummy that no huge page backs: the bind succeeds, or is refused
 *	with ENOMEM within a second. Page tables grow by at most 8.3 MiB meanwhile. Then bind 4 GiB:
 *	the first and the last page of each 64 MiB are readable and writable.
 *
 * SUBTEST: reserve-scattered-sum
 * Scenario: reserve-scattered
 * Description: Bind up to 16 ranges of 4 GiB over a dummy that no huge page backs, and unbind them,
 *	twice. Each time, some binds succeed, others may be refused with ENOMEM, and page tables
 *	grow by at most 72 MiB. As many binds succeed the second time as the first time, although
 *	the unbinds of the first time split a range. The first and the last page of each 64 MiB of
 *	the first range are readable and writable.
 */
IGT_TEST_DESCRIPTION("Check the page tables of large sparse mappings of panthor");

/*
 * The scenarios, and the failure that each one hunts:
 *
 * 1. reserve-held: memory out of all proportion that is held during a request, or for as long as
 *    a fence is not signalled.
 * 2. reserve-entries: page tables that are not filled, or filled with what belongs elsewhere, in
 *    the midst of a range, where no edge is.
 * 3. reserve-time: work for each block, with the VM locked.
 * 4. reserve-cut: too few page tables for what is left of a range.
 * 5. reserve-given-back: page tables that are kept without use.
 * 6. reserve-kill: requests that cannot be killed.
 * 7. reserve-accounted: memory that is charged to nobody.
 * 8. reserve-scattered: page tables without a limit, where the dummy is no huge page and each
 *    2 MiB of a range takes one.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define BLOCK IGT_PANTHOR_DUMMY_SIZE
#define GIB ((uint64_t)SZ_1G)
#define TIB (1024 * GIB)

/* 1 GiB-aligned, and free of what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)

/* As large as fits below the address that a struct igt_panthor_exec has its tag at. */
#define LARGE_VA (64 * GIB)
#define LARGE_SIZE (64 * GIB)

/* A table for each 2 MiB of 64 GiB takes 128 MiB, four times of which must be free. */
#define LARGE_NEEDS (512 * (uint64_t)SZ_1M)

/* Freed page tables that stay in their slabs, and those of other clients. */
#define SLACK ((int64_t)SZ_8M)

/* Generous: a refusal takes some 2 ms on an emulated machine, a bind of such a range minutes. */
#define REFUSED_DEADLINE_MS 1000

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND

static void init_large(struct igt_panthor_exec *exec, int fd)
{
	igt_panthor_page_tables_require();
	igt_require_f(igt_meminfo_bytes("MemAvailable") > LARGE_NEEDS,
		      "needs %" PRIu64 " MiB of free memory\n", LARGE_NEEDS / SZ_1M);
	igt_panthor_exec_init(exec, fd);
	igt_panthor_exec_require_range(exec, LARGE_VA + LARGE_SIZE);
}

static void require_huge_dummy(struct igt_panthor_exec *exec)
{
	igt_require_f(igt_panthor_sparse_dummy_is_huge(exec, BASE_VA),
		      "the sparse dummy object is not a huge page\n");
}

/* By blocks, a range takes a table of 4 KiB for each GiB. The limit is twice that. */
static void assert_little(const char *what, int64_t bytes, uint64_t size)
{
	const int64_t limit = 2 * (int64_t)(size >> 18) + SLACK;

	igt_info("%s: %" PRId64 " KiB of page tables\n", what, bytes / 1024);
	igt_assert_f(bytes <= limit,
		     "%s: %" PRId64 " KiB of page tables, expected %" PRId64 " KiB at most\n",
		     what, bytes / 1024, limit / 1024);
}

static struct drm_panthor_vm_bind_op sparse_op(uint64_t va, uint64_t size)
{
	return (struct drm_panthor_vm_bind_op){
		.flags = IGT_PANTHOR_SPARSE_FLAGS,
		.va = va,
		.size = size,
	};
}

static void op_set_sync(struct drm_panthor_vm_bind_op *op, struct drm_panthor_sync_op *sync)
{
	op->syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, sync);
}

/* The first and the last page of each of @count pieces of a range. */
static void pieces_work(struct igt_panthor_exec *exec, uint64_t va, uint64_t size,
			unsigned int count, uint32_t seed)
{
	const uint64_t piece = size / count;

	for (uint64_t at = va; at < va + size; at += piece) {
		igt_panthor_sparse_store_load(exec, at, PAGE, seed);
		igt_panthor_sparse_store_load(exec, at + piece - PAGE, PAGE, seed);
	}
}

/*
 * reserve-held, reserve-scattered
 */

#define ASYNC_OPS 8

static void reserve_async(int fd)
{
	struct drm_panthor_sync_op wait, done = igt_panthor_sync_signal(syncobj_create(fd, 0), 0);
	struct drm_panthor_vm_bind_op ops[ASYNC_OPS];
	struct igt_panthor_exec exec, gate;
	int64_t before, held;

	init_large(&exec, fd);
	require_huge_dummy(&exec);
	igt_panthor_exec_init(&gate, fd);
	for (unsigned int i = 0; i < ASYNC_OPS; i++)
		ops[i] = sparse_op(LARGE_VA + i * LARGE_SIZE / ASYNC_OPS, LARGE_SIZE / ASYNC_OPS);
	wait = igt_panthor_sync_wait(gate.syncobj, 0);
	op_set_sync(&ops[0], &wait);
	op_set_sync(&ops[ASYNC_OPS - 1], &done);

	igt_panthor_exec_pause(&gate, NULL, NULL);
	before = igt_panthor_page_table_bytes();
	igt_panthor_vm_bind_ops_async(fd, exec.vm_id, ops, ASYNC_OPS, 0);
	held = igt_panthor_page_table_bytes() - before;
	igt_panthor_exec_must_fault(&exec, LARGE_VA, IGT_PANTHOR_LOAD);
	igt_panthor_exec_resume(&gate);

	igt_assert(syncobj_wait(fd, &done.handle, 1,
				igt_panthor_deadline(IGT_PANTHOR_JOB_DEADLINE_MS), 0, NULL));
	assert_little("held by 64 GiB that wait", held, LARGE_SIZE);
	pieces_work(&exec, LARGE_VA, LARGE_SIZE, ASYNC_OPS, FIRST);
	igt_panthor_vm_assert_usable(fd, exec.vm_id);

	syncobj_destroy(fd, done.handle);
	igt_panthor_exec_fini(&gate);
	igt_panthor_exec_fini(&exec);
}

/* In a VM without other mappings. */
static void reserve_refused_batch(int fd)
{
	struct igt_memory_watch *watch;
	struct drm_panthor_vm_bind_op ops[3];
	struct timespec since = {};
	uint64_t range = 0;
	uint32_t vm_id;
	int64_t peak;
	int err;

	igt_panthor_page_tables_require();
	igt_panthor_vm_create_userva_range(fd, &vm_id, 0, &range);
	ops[0] = sparse_op(0, BLOCK);
	ops[1] = sparse_op(0, range);
	ops[2] = sparse_op(0, BLOCK);
	igt_clear_warn_once();

	watch = igt_memory_watch_start(igt_panthor_page_table_sample);
	igt_nsec_elapsed(&since);
	err = -__igt_panthor_vm_bind_ops(fd, vm_id, DRM_PANTHOR_VM_BIND_ASYNC, ops,
					 ARRAY_SIZE(ops));
	igt_assert(err == 0 || err == ENOMEM);
	igt_assert(!err || igt_nsec_elapsed(&since) / 1000000 <= REFUSED_DEADLINE_MS);
	peak = igt_memory_watch_stop(watch);
	assert_little("a batch with all user addresses", peak, 0);

	igt_panthor_vm_assert_usable(fd, vm_id);
	igt_panthor_vm_destroy(fd, vm_id, 0);
}

static void reserve_restore(int fd)
{
	struct igt_memory_watch *watch;
	struct igt_panthor_exec exec;
	int64_t peak;

	igt_panthor_require_shrink(fd);
	init_large(&exec, fd);
	require_huge_dummy(&exec);
	igt_panthor_exec_bind_sparse(&exec, LARGE_VA, LARGE_SIZE);
	igt_panthor_sparse_require_dummy(&exec);

	igt_panthor_evict_dummy(fd, exec.dummy);
	watch = igt_memory_watch_start(igt_panthor_page_table_sample);
	igt_panthor_sparse_store_load(&exec, LARGE_VA, PAGE, FIRST);
	peak = igt_memory_watch_stop(watch);
	assert_little("restoring 64 GiB", peak, LARGE_SIZE);

	pieces_work(&exec, LARGE_VA, LARGE_SIZE, LARGE_SIZE / GIB, SECOND);
	igt_panthor_vm_assert_usable(fd, exec.vm_id);
	igt_panthor_exec_fini(&exec);
}

/* A size that takes 8 MiB of tables by pages, and ranges that take 128 MiB in all. */
#define SCATTERED_SIZE (4 * GIB)
#define SCATTERED_RANGES 16

/* The limit of page tables for a dummy of 2 MiB. */
#define SCATTERED_MAX ((int64_t)SZ_64M + SLACK)

/* A range that takes 80 MiB of tables by pages. */
#define SCATTERED_LARGE (40 * GIB)

/* Ends with the first range that makes too many page tables beyond @before bytes. */
static unsigned int bind_scattered(const struct igt_panthor_exec *exec, int64_t before)
{
	unsigned int bound = 0;

	for (unsigned int i = 0; i < SCATTERED_RANGES &&
	     igt_panthor_page_table_bytes() - before <= SCATTERED_MAX; i++) {
		struct drm_panthor_vm_bind_op op =
			sparse_op(LARGE_VA + i * SCATTERED_SIZE, SCATTERED_SIZE);
		const int err = -__igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, 0, &op, 1);

		igt_assert(err == 0 || err == ENOMEM);
		bound += !err;
	}

	return bound;
}

static void reserve_scattered_sum(int fd)
{
	struct igt_panthor_exec exec;
	unsigned int first = 0;
	int64_t before, taken;

	init_large(&exec, fd);
	igt_require_f(!igt_panthor_sparse_dummy_is_huge(&exec, BASE_VA),
		      "the sparse dummy object is a huge page\n");

	before = igt_panthor_page_table_bytes();
	for (unsigned int round = 0; round < 2; round++) {
		const unsigned int bound = bind_scattered(&exec, before);

		taken = igt_panthor_page_table_bytes() - before;
		igt_info("%u of %u ranges: %" PRId64 " KiB\n", bound, SCATTERED_RANGES,
			 taken / 1024);
		igt_assert_f(taken <= SCATTERED_MAX,
			     "%" PRId64 " KiB of page tables, expected %" PRId64 " KiB at most\n",
			     taken / 1024, SCATTERED_MAX / 1024);
		if (!round)
			first = bound;
		igt_assert_lt(0, bound);
		igt_assert_eq_u32(bound, first);
		pieces_work(&exec, LARGE_VA, SCATTERED_SIZE, 64, FIRST);
		/* The first unbind splits the range. */
		igt_panthor_exec_unbind(&exec, LARGE_VA + GIB, GIB);
		igt_panthor_exec_unbind(&exec, LARGE_VA, LARGE_SIZE);
	}
	igt_panthor_vm_assert_usable(fd, exec.vm_id);
	igt_panthor_exec_fini(&exec);
}

static void reserve_scattered(int fd)
{
	struct drm_panthor_vm_bind_op op = sparse_op(LARGE_VA, SCATTERED_LARGE);
	struct igt_memory_watch *watch;
	struct igt_panthor_exec exec;
	struct timespec since = {};
	int64_t peak;
	int err;

	init_large(&exec, fd);
	igt_require_f(!igt_panthor_sparse_dummy_is_huge(&exec, BASE_VA),
		      "the sparse dummy object is a huge page\n");

	watch = igt_memory_watch_start(igt_panthor_page_table_sample);
	igt_nsec_elapsed(&since);
	err = -__igt_panthor_vm_bind_ops(fd, exec.vm_id, 0, &op, 1);
	igt_assert(err == 0 || err == ENOMEM);
	igt_assert(!err || igt_nsec_elapsed(&since) / 1000000 <= REFUSED_DEADLINE_MS);
	peak = igt_memory_watch_stop(watch);
	assert_little("40 GiB by pages", peak, SCATTERED_LARGE);

	igt_panthor_exec_bind_sparse(&exec, LARGE_VA, SCATTERED_SIZE);
	pieces_work(&exec, LARGE_VA, SCATTERED_SIZE, 64, FIRST);
	igt_panthor_vm_assert_usable(fd, exec.vm_id);
	igt_panthor_exec_fini(&exec);
}

/*
 * reserve-entries, reserve-time, reserve-cut
 */

/*
 * 2 GiB below the first boundary of tables of all levels, and 6 GiB above it. The
 * tag is below: see struct igt_panthor_exec.
 */
#define BLOCKS_VA (TIB / 2 - 2 * GIB)
#define BLOCKS_SIZE (8 * GIB)

/* Some whole tables of pages. */
#define PAGES_SIZE (256 * (uint64_t)SZ_1M)

/* A block that is bound by itself, through which the dummy object is filled. */
#define FILL_VA BASE_VA

static void fill_dummy(struct igt_panthor_exec *exec)
{
	igt_panthor_exec_bind_sparse(exec, FILL_VA, BLOCK);
	igt_panthor_sparse_require_dummy(exec);
	igt_panthor_exec_store_pages(exec, FILL_VA, BLOCK, FIRST);
}

/* Loads what fill_dummy() stored, every @stride bytes of a range. */
static void loads_dummy(struct igt_panthor_exec *exec, uint64_t va, uint64_t size, uint32_t stride)
{
	const struct igt_panthor_walk walk = {
		.access = IGT_PANTHOR_LOAD,
		.va = va,
		.count = size / stride,
		.stride = stride,
	};
	const uint32_t *loaded = igt_panthor_exec_walk(exec, &walk);

	for (uint32_t i = 0; i < walk.count; i++) {
		const uint64_t at = va + (uint64_t)i * stride;
		const uint32_t expected = igt_panthor_pattern(FILL_VA + at % BLOCK, FIRST);

		igt_assert_f(loaded[i] == expected,
			     "GPU loaded %#x at %#" PRIx64 ", expected %#x\n", loaded[i], at,
			     expected);
	}
}

/* The first page of every block, and another page of nearly every one. */
static void blocks_work(struct igt_panthor_exec *exec)
{
	loads_dummy(exec, BLOCKS_VA, BLOCKS_SIZE, BLOCK + PAGE);
	loads_dummy(exec, BLOCKS_VA, BLOCKS_SIZE, BLOCK);
	igt_panthor_exec_neighbours_fault(exec, BLOCKS_VA, BLOCKS_SIZE);
	igt_panthor_vm_assert_usable(exec->fd, exec->vm_id);
}

static void init_blocks(struct igt_panthor_exec *exec, int fd)
{
	igt_panthor_exec_init(exec, fd);
	igt_panthor_exec_require_range(exec, BLOCKS_VA + BLOCKS_SIZE + PAGE);
	fill_dummy(exec);
}

static void reserve_blocks(int fd)
{
	struct igt_panthor_exec exec;

	init_blocks(&exec, fd);
	igt_panthor_exec_bind_sparse(&exec, BLOCKS_VA, BLOCKS_SIZE);
	blocks_work(&exec);
	igt_panthor_exec_fini(&exec);
}

/* Pages and blocks here and there, some of them still mapped when all is bound. */
static void reserve_blocks_again(int fd)
{
	struct igt_panthor_exec exec;

	init_blocks(&exec, fd);
	for (uint64_t at = 0; at < BLOCKS_SIZE; at += 3 * GIB) {
		igt_panthor_exec_bind_sparse(&exec, BLOCKS_VA + at + 5 * BLOCK, 2 * BLOCK);
		igt_panthor_exec_bind_sparse(&exec, BLOCKS_VA + at + 9 * BLOCK + PAGE, PAGE);
		if (at / GIB % 2)
			igt_panthor_exec_unbind(&exec, BLOCKS_VA + at, GIB);
	}

	igt_panthor_exec_bind_sparse(&exec, BLOCKS_VA, BLOCKS_SIZE);
	blocks_work(&exec);
	igt_panthor_exec_fini(&exec);
}

static void reserve_blocks_restored(int fd)
{
	struct igt_panthor_exec exec;

	igt_panthor_require_shrink(fd);
	init_blocks(&exec, fd);
	igt_panthor_exec_bind_sparse(&exec, BLOCKS_VA, BLOCKS_SIZE);
	igt_panthor_evict_dummy(fd, exec.dummy);
	igt_panthor_exec_store_pages(&exec, FILL_VA, BLOCK, FIRST);
	blocks_work(&exec);
	igt_panthor_exec_fini(&exec);
}

#define TIME_ROUNDS 5

/* Where no block fits, so that each entry maps a page. */
#define TIME_VA (LARGE_VA + PAGE)
#define TIME_BO_SIZE ((uint64_t)SZ_64M)

/* With as many blocks as the BO has pages. */
#define TIME_SPARSE_SIZE (TIME_BO_SIZE / PAGE * BLOCK)

/*
 * The most that the sparse range may take of the time of the BO. Both fill as many page tables
 * with as many entries. A call of io-pgtable for each block takes some 20 times as long.
 */
#define TIME_FACTOR 4

/* Binds @bo, or a sparse range. The least of some rounds excludes interruptions by other work. */
static uint64_t bind_ns(struct igt_panthor_exec *exec, const struct panthor_bo *bo, uint64_t va,
			uint64_t size)
{
	uint64_t least = UINT64_MAX;

	for (unsigned int round = 0; round < TIME_ROUNDS; round++) {
		struct timespec since = {};

		igt_nsec_elapsed(&since);
		if (bo)
			igt_panthor_exec_bind_bo(exec, bo, va);
		else
			igt_panthor_exec_bind_sparse(exec, va, size);
		least = min(least, igt_nsec_elapsed(&since));
		igt_panthor_exec_unbind(exec, va, size);
	}

	return least;
}

static void reserve_time(int fd)
{
	struct igt_panthor_exec exec;
	uint64_t pages, blocks;
	struct panthor_bo bo;

	init_large(&exec, fd);
	require_huge_dummy(&exec);
	igt_panthor_bo_create(fd, &bo, TIME_BO_SIZE, 0, 0);
	pages = bind_ns(&exec, &bo, TIME_VA, TIME_BO_SIZE);
	blocks = bind_ns(&exec, NULL, LARGE_VA, TIME_SPARSE_SIZE);
	igt_info("BO: %" PRIu64 " us, sparse range: %" PRIu64 " us\n", pages / 1000,
		 blocks / 1000);
	igt_assert_f(blocks <= TIME_FACTOR * pages,
		     "the sparse range takes %" PRIu64 " us, expected %" PRIu64 " us at most\n",
		     blocks / 1000, TIME_FACTOR * pages / 1000);
	igt_panthor_free_bo(fd, &bo);
	igt_panthor_exec_fini(&exec);
}

static void reserve_pages(int fd)
{
	const uint64_t va = FILL_VA + GIB - PAGES_SIZE / 2 + PAGE;
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	fill_dummy(&exec);
	igt_panthor_exec_bind_sparse(&exec, va, PAGES_SIZE);
	loads_dummy(&exec, va, PAGES_SIZE, PAGE);
	igt_panthor_exec_neighbours_fault(&exec, va, PAGES_SIZE);
	igt_panthor_exec_fini(&exec);
}

#define CUT_SIZE (2 * GIB)

/* Unmaps all but the page @kept, in GiBs that no other mapping has page tables in. */
static void cut(int fd, uint64_t kept)
{
	const uint64_t end = BASE_VA + CUT_SIZE;
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_bind_sparse(&exec, BASE_VA, CUT_SIZE);
	igt_panthor_exec_unbind(&exec, kept == BASE_VA ? BASE_VA + PAGE : BASE_VA, CUT_SIZE - PAGE);

	igt_panthor_vm_assert_usable(fd, exec.vm_id);
	igt_panthor_sparse_store_load(&exec, kept, PAGE, FIRST);
	igt_panthor_exec_must_fault(&exec, kept == BASE_VA ? kept + PAGE : kept - PAGE,
				    IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(&exec, BASE_VA + CUT_SIZE / 2, IGT_PANTHOR_STORE);
	igt_panthor_exec_must_fault(&exec, kept == BASE_VA ? end - PAGE : BASE_VA,
				    IGT_PANTHOR_LOAD);
	igt_panthor_sparse_store_load(&exec, kept, PAGE, SECOND);
	igt_panthor_exec_fini(&exec);
}

static void reserve_cut_head(int fd)
{
	cut(fd, BASE_VA);
}

static void reserve_cut_tail(int fd)
{
	cut(fd, BASE_VA + CUT_SIZE - PAGE);
}

/*
 * reserve-given-back, reserve-accounted
 */

#define KEPT_RANGES 16
#define KEPT_MAX ((int64_t)SZ_2M)

static void reserve_given_back(int fd)
{
	struct igt_panthor_exec exec;
	int64_t before, kept = 0;

	init_large(&exec, fd);
	igt_panthor_exec_require_range(&exec, TIB + KEPT_RANGES * LARGE_SIZE);
	require_huge_dummy(&exec);

	before = igt_panthor_page_table_bytes();
	for (unsigned int i = 0; i < KEPT_RANGES && kept <= KEPT_MAX; i++) {
		igt_panthor_exec_bind_sparse(&exec, TIB + i * LARGE_SIZE, LARGE_SIZE);
		igt_panthor_exec_unbind(&exec, TIB + i * LARGE_SIZE, LARGE_SIZE);
		kept = igt_panthor_page_table_bytes() - before;
	}
	igt_info("kept: %" PRId64 " KiB\n", kept / 1024);
	igt_assert_f(kept <= KEPT_MAX,
		     "%" PRId64 " KiB of page tables are left of what was unbound, expected %"
		     PRId64 " KiB at most\n",
		     kept / 1024, KEPT_MAX / 1024);
	igt_panthor_exec_fini(&exec);
}

#define STRIDES 2048

/* Each stride takes a page table of 4 KiB. Some may come from slabs of another cgroup. */
#define CHARGED_MIN ((int64_t)STRIDES * 4096 * 3 / 4)

/* Leaves an empty page table in each of many blocks. */
static void map_strides(int fd, uint32_t vm_id)
{
	struct drm_panthor_vm_bind_op *ops = calloc(2 * STRIDES, sizeof(*ops));

	igt_assert(ops);
	for (unsigned int i = 0; i < STRIDES; i++) {
		ops[2 * i] = sparse_op(BASE_VA + i * BLOCK, PAGE);
		ops[2 * i + 1] = (struct drm_panthor_vm_bind_op){
			.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
			.va = BASE_VA + i * BLOCK,
			.size = PAGE,
		};
	}
	igt_panthor_vm_bind_ops(fd, vm_id, ops, 2 * STRIDES, 0);
	free(ops);
}

static void reserve_accounted(int fd)
{
	int64_t charged;
	uint32_t vm_id;

	igt_panthor_vm_create(fd, &vm_id, 0);
	igt_require_f(igt_memcg_enter(), "no memory cgroups, or no root\n");
	charged = -igt_memcg_stat("slab_unreclaimable");
	map_strides(fd, vm_id);
	charged += igt_memcg_stat("slab_unreclaimable");
	igt_memcg_leave();
	igt_panthor_vm_destroy(fd, vm_id, 0);

	igt_info("charged: %" PRId64 " KiB\n", charged / 1024);
	igt_assert_f(charged >= CHARGED_MIN,
		     "%" PRId64 " KiB charged for page tables, expected %" PRId64
		     " KiB at least\n",
		     charged / 1024, CHARGED_MIN / 1024);
}

/*
 * reserve-kill
 */

/* Duration of the request if it is not killed: long enough for any stall before the kill. */
#define KILL_REQUEST_MS 3000

/* From the start of the request to the kill. */
#define KILL_AFTER_MS 50
#define KILL_DEADLINE_MS (10 * KILL_REQUEST_MS)

/* Operations that are timed to learn how many make the request. */
#define KILL_SAMPLE 4000
#define KILL_OPS_MAX 4000000

/**
 * killed:
 * @started: the request is about to be made
 * @bind: the request; VM_BIND sets ops.count to the index of the operation that it stopped at
 *
 * Memory that the victim shares with the test.
 */
struct killed {
	volatile bool started;
	struct drm_panthor_vm_bind bind;
};

static struct drm_panthor_vm_bind_op *kill_ops(unsigned int count)
{
	struct drm_panthor_vm_bind_op *ops = calloc(count, sizeof(*ops));

	igt_assert(ops);
	for (unsigned int i = 0; i < count; i++)
		ops[i] = sparse_op(LARGE_VA + i % 2 * BLOCK, BLOCK + PAGE);

	return ops;
}

static unsigned int kill_count(const struct igt_panthor_exec *exec)
{
	struct drm_panthor_vm_bind_op *ops = kill_ops(KILL_SAMPLE);
	struct timespec since = {};
	uint64_t ns;

	igt_nsec_elapsed(&since);
	igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, ops, KILL_SAMPLE, 0);
	ns = igt_nsec_elapsed(&since);
	free(ops);

	return min(KILL_REQUEST_MS * UINT64_C(1000000) * KILL_SAMPLE / ns, (uint64_t)KILL_OPS_MAX);
}

static void reap(void *data)
{
	const pid_t pid = (intptr_t)data;

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static bool kill_ended(pid_t pid, int *status)
{
	return waitpid(pid, status, WNOHANG) == pid;
}

/* Starts the request in a process of its own. */
static pid_t kill_start(const struct igt_panthor_exec *exec, struct killed *k, unsigned int count)
{
	struct drm_panthor_vm_bind_op *ops = kill_ops(count);
	pid_t pid;

	k->bind = (struct drm_panthor_vm_bind){
		.vm_id = exec->vm_id,
		.ops = DRM_PANTHOR_OBJ_ARRAY(count, ops),
	};
	pid = fork();
	igt_assert(pid >= 0);
	if (!pid) {
		k->started = true;
		___igt_panthor_vm_bind(exec->fd, &k->bind);
		_exit(0);
	}
	free(ops);

	return pid;
}

static void reserve_kill(int fd)
{
	struct killed *k = igt_map_shared(sizeof(*k));
	struct igt_panthor_exec exec;
	unsigned int count;
	int status = 0;
	pid_t pid;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_require_range(&exec, LARGE_VA + LARGE_SIZE);
	count = kill_count(&exec);
	pid = kill_start(&exec, k, count);
	igt_teardown_add(reap, (void *)(intptr_t)pid);
	igt_assert(igt_wait(k->started, KILL_DEADLINE_MS, 1));
	usleep(KILL_AFTER_MS * 1000);
	kill(pid, SIGKILL);
	igt_assert_f(igt_wait(kill_ended(pid, &status), KILL_DEADLINE_MS, 1),
		     "the process lives %d ms after it was killed\n", KILL_DEADLINE_MS);
	igt_teardown_drop(reap, (void *)(intptr_t)pid);
	igt_info("stopped at operation %u of %u\n", k->bind.ops.count, count);
	igt_assert(WIFSIGNALED(status));
	igt_assert_f(k->bind.ops.count > 0 && k->bind.ops.count < count,
		     "the request stopped at operation %u of %u\n", k->bind.ops.count, count);

	igt_panthor_vm_assert_usable(fd, exec.vm_id);
	igt_panthor_exec_bind_sparse(&exec, LARGE_VA, 3 * BLOCK);
	igt_panthor_sparse_store_load(&exec, LARGE_VA, 3 * BLOCK, FIRST);
	igt_panthor_exec_neighbours_fault(&exec, LARGE_VA, 3 * BLOCK);
	igt_panthor_exec_fini(&exec);
	igt_unmap_shared(k, sizeof(*k));
}

static const struct igt_panthor_case cases[] = {
	{
		.name = "reserve-async",
		.describe = "Queue binds of 64 GiB in all behind a fence. Until the fence is "
			    "signalled, they hold at most 8.5 MiB of page tables, and the first "
			    "page faults. Afterwards, the first and the last page of each range "
			    "are readable and writable.",
		.run = reserve_async,
	},
	{
		.name = "reserve-refused-batch",
		.describe = "Queue a batch in which one range covers all user addresses. The batch "
			    "is accepted, or refused with ENOMEM within a second. Page tables grow "
			    "by at most 8 MiB meanwhile, and the VM stays usable.",
		.run = reserve_refused_batch,
	},
	{
		.name = "reserve-restore",
		.describe = "Evict the dummy behind 64 GiB, and restore it. Page tables grow by at "
			    "most 8.5 MiB meanwhile, and the first and the last page of each GiB "
			    "are readable and writable.",
		.run = reserve_restore,
	},
	{
		.name = "reserve-blocks",
		.describe = "Bind 8 GiB across the boundary of page tables of all levels: each 2 "
			    "MiB maps the dummy from its start, and the neighbours fault.",
		.run = reserve_blocks,
	},
	{
		.name = "reserve-blocks-again",
		.describe = "Bind 8 GiB over earlier mappings, and over page tables that unmapped "
			    "ones left behind: each 2 MiB maps the dummy from its start, and the "
			    "neighbours fault.",
		.run = reserve_blocks_again,
	},
	{
		.name = "reserve-blocks-restored",
		.describe = "Evict and restore 8 GiB across the boundary of page tables of all "
			    "levels: each 2 MiB maps the dummy from its start, and the neighbours "
			    "fault.",
		.run = reserve_blocks_restored,
	},
	{
		.name = "reserve-time",
		.describe = "Bind a sparse range of 32 GiB, mapped by blocks, and a BO of 64 MiB, "
			    "mapped by pages, five times each. Both have equally many page table "
			    "entries. The fastest bind of the range takes at most 4 times as long "
			    "as the fastest one of the BO.",
		.run = reserve_time,
	},
	{
		.name = "reserve-pages",
		.describe = "Bind 256 MiB across a boundary of 1 GiB: each page maps the page of "
			    "the dummy at its address modulo 2 MiB, and the neighbours fault.",
		.run = reserve_pages,
	},
	{
		.name = "reserve-cut-head",
		.describe = "Unmap all but the first page of a sparse range of 2 GiB: the page is "
			    "readable and writable, and the first, a middle and the last page of "
			    "the rest fault.",
		.run = reserve_cut_head,
	},
	{
		.name = "reserve-cut-tail",
		.describe = "Unmap all but the last page of a sparse range of 2 GiB: the page is "
			    "readable and writable, and the first, a middle and the last page of "
			    "the rest fault.",
		.run = reserve_cut_tail,
	},
	{
		.name = "reserve-given-back",
		.describe = "Bind and unbind 1 TiB in sparse ranges of 64 GiB: at most 2 MiB of "
			    "page tables stay behind.",
		.run = reserve_given_back,
	},
	{
		.name = "reserve-kill",
		.describe = "Kill a process during a VM_BIND of many operations: some of them are "
			    "done and not all. Afterwards, the VM is usable, a sparse range in it "
			    "is readable and writable, and the neighbours of the range fault.",
		.run = reserve_kill,
	},
	{
		.name = "reserve-accounted",
		.describe = "Bind and unbind a page in each of 2048 blocks, in a memory cgroup: at "
			    "least three quarters of the page tables that stay behind are charged "
			    "to it.",
		.run = reserve_accounted,
	},
	{
		.name = "reserve-scattered",
		.describe = "Bind 40 GiB over a dummy that no huge page backs: the bind succeeds, "
			    "or is refused with ENOMEM within a second. Page tables grow by at "
			    "most 8.3 MiB meanwhile. Then bind 4 GiB: the first and the last page "
			    "of each 64 MiB are readable and writable.",
		.run = reserve_scattered,
	},
	{
		.name = "reserve-scattered-sum",
		.describe = "Bind up to 16 ranges of 4 GiB over a dummy that no huge page backs, "
			    "and unbind them, twice. Each time, some binds succeed, others may be "
			    "refused with ENOMEM, and page tables grow by at most 72 MiB. As many "
			    "binds succeed the second time as the first time, although the unbinds "
			    "of the first time split a range. The first and the last page of each "
			    "64 MiB of the first range are readable and writable.",
		.run = reserve_scattered_sum,
	},
	{}
};

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();
	for (const struct igt_panthor_case *c = cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest(c->name)
			igt_panthor_with_device(fd)
				c->run(fd);
		igt_fixture()
			igt_teardown();
	}
}
