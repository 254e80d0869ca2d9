// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
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
 * TEST: Page tables of sparse mappings of panthor
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings, page tables
 * Feature: reserve
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, swap and memory cgroups for some
 * Failure mode: Kernel memory out of all proportion to what is behind a range, memory that
 *	nobody is charged for, requests that cannot be ended, and page tables that
 *	are not all right.
 * Description: The page tables of large sparse ranges: how many are set aside and for
 *	how long, who pays for them, and whether all of them are right.
 *
 * SUBTEST: reserve-async
 * Run type: BAT, FULL
 * Description: Binds of 64 GiB in all that wait for a fence hold little kernel memory
 *	meanwhile, and work once it is signalled.
 *
 * SUBTEST: reserve-refused-batch
 * Description: A batch in which one range takes all user addresses is done, or
 *	refused at once and none of it is done; little kernel memory is taken.
 *
 * SUBTEST: reserve-restore
 * Description: Little kernel memory is taken while 64 GiB are restored after an
 *	eviction of the dummy object, and each GiB works again.
 *
 * SUBTEST: reserve-blocks
 * Description: Each 2 MiB of a range of 8 GiB across the boundary of page tables of
 *	all levels leads to its place in the dummy object.
 *
 * SUBTEST: reserve-blocks-again
 * Description: The same where page tables were left by what was mapped before.
 *
 * SUBTEST: reserve-blocks-restored
 * Description: The same after an eviction of the dummy object.
 *
 * SUBTEST: reserve-time
 * Description: Binding 64 GiB does not take much longer than binding 1 GiB.
 *
 * SUBTEST: reserve-pages
 * Description: Each page of 256 MiB leads to its place in the dummy object.
 *
 * SUBTEST: reserve-cut-head
 * Description: All but the first page of a range of whole GiBs is unmapped; the page
 *	works, the rest faults.
 *
 * SUBTEST: reserve-cut-tail
 * Description: All but the last page of such a range is unmapped.
 *
 * SUBTEST: reserve-given-back
 * Description: Ranges of 1 TiB in all that have been unmapped leave few page tables
 *	behind.
 *
 * SUBTEST: reserve-kill
 * Description: A process is killed soon that is in the middle of a request of many
 *	binds, and the VM works as before.
 *
 * SUBTEST: reserve-accounted
 * Description: Page tables are charged to the memory cgroup of the process that has
 *	ranges mapped, also those that stay behind when they are unmapped.
 *
 * SUBTEST: reserve-scattered
 * Description: Where the dummy object is not a huge page, 40 GiB are refused at once
 *	or bound with little memory, 4 GiB work.
 *
 * SUBTEST: reserve-scattered-sum
 * Description: Nor do ranges of 64 GiB in all take more than 64 MiB there; what is
 *	unbound makes room for others.
 */

IGT_TEST_DESCRIPTION("Check the page tables of large sparse mappings of panthor");

/*
 * The scenarios, and the failure that each one hunts:
 *
 * 1. reserve-async, reserve-refused-batch, reserve-restore, reserve-scattered: memory
 *    out of all proportion that is taken for a moment, or for as long as a fence is
 *    not signalled.
 * 2. reserve-blocks*, reserve-pages: page tables that are not filled, or filled with
 *    what belongs elsewhere, in the midst of a range, where no edge is.
 * 3. reserve-time: work for each block, with the VM locked.
 * 4. reserve-cut-*: too few page tables for what is left of a range.
 * 5. reserve-given-back: page tables that are kept for nothing.
 * 6. reserve-kill: requests that cannot be ended.
 * 7. reserve-accounted: memory that nobody is charged for.
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

/* A table for each 2 MiB of 64 GiB takes 128 MiB: that much must not hurt. */
#define LARGE_NEEDS (512 * (uint64_t)SZ_1M)

/* What slabs keep, and what the rest of the system does meanwhile. */
#define SLACK ((int64_t)SZ_8M)

/* At once, on a machine that emulates another. */
#define REFUSED_MAX_MS 1000

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND

static void init_large(struct igt_panthor_exec *exec, int fd)
{
	igt_require_f(igt_meminfo_bytes("MemAvailable") > LARGE_NEEDS,
		      "needs %" PRIu64 " MiB of free memory\n", LARGE_NEEDS / SZ_1M);
	igt_panthor_exec_init(exec, fd);
	igt_require_f(exec->uva_range >= LARGE_VA + LARGE_SIZE,
		      "needs user addresses up to %#" PRIx64 "\n", LARGE_VA + LARGE_SIZE);
}

static void require_huge_dummy(struct igt_panthor_exec *exec)
{
	igt_require_f(igt_panthor_sparse_dummy_is_huge(exec, BASE_VA),
		      "the sparse dummy object is not a huge page\n");
}

static void assert_usable(const struct igt_panthor_exec *exec)
{
	igt_assert_eq_u32(igt_panthor_vm_get_state(exec->fd, exec->vm_id),
			  DRM_PANTHOR_VM_STATE_USABLE);
}

/* What maps @size by blocks takes a table of 4 KiB for each GiB; twice that is fine. */
static void assert_little(const char *what, int64_t bytes, uint64_t size)
{
	const int64_t limit = 2 * (int64_t)(size >> 18) + SLACK;

	igt_info("%s: %" PRId64 " KiB of kernel memory\n", what, bytes / 1024);
	igt_assert_f(bytes <= limit,
		     "%s: %" PRId64 " KiB of kernel memory, expected %" PRId64 " KiB at most\n",
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
 * Memory for a moment, or for as long as a fence takes
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
	assert_usable(&exec);

	syncobj_destroy(fd, done.handle);
	igt_panthor_exec_fini(&gate);
	igt_panthor_exec_fini(&exec);
}

/* A VM of its own, whose user addresses are free. */
static void reserve_refused_batch(int fd)
{
	struct igt_memory_watch *watch;
	struct drm_panthor_vm_bind_op ops[3];
	struct timespec since = {};
	uint64_t range = 0;
	uint32_t vm_id;
	int64_t peak;
	int err;

	igt_panthor_vm_create_userva_range(fd, &vm_id, 0, &range);
	ops[0] = sparse_op(0, BLOCK);
	ops[1] = sparse_op(0, range);
	ops[2] = sparse_op(0, BLOCK);
	igt_clear_warn_once();

	watch = igt_memory_watch_start();
	igt_nsec_elapsed(&since);
	err = -__igt_panthor_vm_bind_ops(fd, vm_id, DRM_PANTHOR_VM_BIND_ASYNC, ops,
					 ARRAY_SIZE(ops));
	igt_assert(err == 0 || err == ENOMEM);
	igt_assert(!err || igt_nsec_elapsed(&since) / 1000000 <= REFUSED_MAX_MS);
	peak = igt_memory_watch_stop(watch);
	assert_little("a batch with all user addresses", peak, 0);

	igt_assert_eq_u32(igt_panthor_vm_get_state(fd, vm_id), DRM_PANTHOR_VM_STATE_USABLE);
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
	watch = igt_memory_watch_start();
	igt_panthor_sparse_store_load(&exec, LARGE_VA, PAGE, FIRST);
	peak = igt_memory_watch_stop(watch);
	assert_little("restoring 64 GiB", peak, LARGE_SIZE);

	pieces_work(&exec, LARGE_VA, LARGE_SIZE, LARGE_SIZE / GIB, SECOND);
	assert_usable(&exec);
	igt_panthor_exec_fini(&exec);
}

/* As much as any driver should bind by pages; and so often that it takes 128 MiB. */
#define SCATTERED_SIZE (4 * GIB)
#define SCATTERED_RANGES 16

/* No more for an object of 2 MiB. */
#define SCATTERED_MAX ((int64_t)SZ_64M + SLACK)

/* One range that would take 80 MiB. */
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
		igt_assert(bound > 0);
		pieces_work(&exec, LARGE_VA, SCATTERED_SIZE, 64, FIRST);
		/* In two steps, of which the first one splits. */
		igt_panthor_exec_unbind(&exec, LARGE_VA + GIB, GIB);
		igt_panthor_exec_unbind(&exec, LARGE_VA, LARGE_SIZE);
	}
	assert_usable(&exec);
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

	watch = igt_memory_watch_start();
	igt_nsec_elapsed(&since);
	err = -__igt_panthor_vm_bind_ops(fd, exec.vm_id, 0, &op, 1);
	igt_assert(err == 0 || err == ENOMEM);
	igt_assert(!err || igt_nsec_elapsed(&since) / 1000000 <= REFUSED_MAX_MS);
	peak = igt_memory_watch_stop(watch);
	assert_little("40 GiB by pages", peak, SCATTERED_LARGE);

	igt_panthor_exec_bind_sparse(&exec, LARGE_VA, SCATTERED_SIZE);
	pieces_work(&exec, LARGE_VA, SCATTERED_SIZE, 64, FIRST);
	assert_usable(&exec);
	igt_panthor_exec_fini(&exec);
}

/*
 * Each entry of the page tables
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

	for (uint32_t i = 0; exec->dummy && i < walk.count; i++) {
		const uint64_t at = va + (uint64_t)i * stride;
		const uint32_t expected = igt_panthor_pattern(FILL_VA + at % BLOCK, FIRST);

		igt_assert_f(loaded[i] == expected,
			     "GPU loaded %#x at %#" PRIx64 ", expected %#x\n", loaded[i], at,
			     expected);
	}
}

/* A page of every block, another one from block to block. */
static void blocks_work(struct igt_panthor_exec *exec)
{
	loads_dummy(exec, BLOCKS_VA, BLOCKS_SIZE, BLOCK + PAGE);
	loads_dummy(exec, BLOCKS_VA, BLOCKS_SIZE, BLOCK);
	igt_panthor_exec_neighbours_fault(exec, BLOCKS_VA, BLOCKS_SIZE);
	assert_usable(exec);
}

static void init_blocks(struct igt_panthor_exec *exec, int fd)
{
	igt_panthor_exec_init(exec, fd);
	igt_require_f(exec->uva_range >= BLOCKS_VA + BLOCKS_SIZE + PAGE,
		      "needs user addresses up to %#" PRIx64 "\n", BLOCKS_VA + BLOCKS_SIZE);
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
	igt_panthor_sparse_require_dummy(&exec);
	igt_panthor_evict_dummy(fd, exec.dummy);
	igt_panthor_exec_store_pages(&exec, FILL_VA, BLOCK, FIRST);
	blocks_work(&exec);
	igt_panthor_exec_fini(&exec);
}

#define TIME_ROUNDS 5

/* By how much more at most, where the range is 64 times as large. */
#define TIME_FACTOR 16

/* The least of some rounds, so that nothing else is measured. */
static uint64_t bind_ns(struct igt_panthor_exec *exec, uint64_t size)
{
	uint64_t least = UINT64_MAX;

	for (unsigned int round = 0; round < TIME_ROUNDS; round++) {
		struct timespec since = {};

		igt_nsec_elapsed(&since);
		igt_panthor_exec_bind_sparse(exec, LARGE_VA, size);
		least = min(least, igt_nsec_elapsed(&since));
		igt_panthor_exec_unbind(exec, LARGE_VA, size);
	}

	return least;
}

static void reserve_time(int fd)
{
	struct igt_panthor_exec exec;
	uint64_t small, large;

	init_large(&exec, fd);
	require_huge_dummy(&exec);
	small = bind_ns(&exec, GIB);
	large = bind_ns(&exec, LARGE_SIZE);
	igt_info("1 GiB: %" PRIu64 " us, 64 GiB: %" PRIu64 " us\n", small / 1000, large / 1000);
	igt_assert_f(large <= TIME_FACTOR * small,
		     "64 GiB take %" PRIu64 " us, expected %" PRIu64 " us at most\n", large / 1000,
		     TIME_FACTOR * small / 1000);
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

/* Where nothing else keeps page tables: one page of @CUT_SIZE stays. */
static void cut(int fd, uint64_t kept)
{
	const uint64_t end = BASE_VA + CUT_SIZE;
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_bind_sparse(&exec, BASE_VA, CUT_SIZE);
	igt_panthor_exec_unbind(&exec, kept == BASE_VA ? BASE_VA + PAGE : BASE_VA, CUT_SIZE - PAGE);

	assert_usable(&exec);
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
 * What is kept, and who pays
 */

#define KEPT_RANGES 16
#define KEPT_MAX ((int64_t)SZ_2M)

static void reserve_given_back(int fd)
{
	struct igt_panthor_exec exec;
	int64_t before, kept = 0;

	init_large(&exec, fd);
	igt_require_f(exec.uva_range >= TIB + KEPT_RANGES * LARGE_SIZE,
		      "needs user addresses up to 2 TiB\n");
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

/* Each stride takes a page table; three of four charged would do. */
#define CHARGED_MIN ((int64_t)STRIDES * (int64_t)PAGE * 3 / 4)

/**
 * memcg:
 * @root: the root of the hierarchy, a file descriptor
 * @name: name of a new group in it
 * @group: that group, a file descriptor
 */
struct memcg {
	int root;
	char name[64];
	int group;
};

static bool write_at(int folder, const char *name, const char *text)
{
	const int file = openat(folder, name, O_WRONLY | O_CLOEXEC);
	ssize_t written;

	if (file < 0)
		return false;

	written = write(file, text, strlen(text));
	close(file);

	return written == (ssize_t)strlen(text);
}

/* A mount of its own, that goes when the descriptor does; -1 if that cannot be. */
static int open_cgroup_root(void)
{
	char folder[] = "/tmp/igt-cgroup-XXXXXX";
	int root = -1;

	igt_assert(mkdtemp(folder));
	if (!mount("none", folder, "cgroup2", 0, NULL)) {
		root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		umount2(folder, MNT_DETACH);
	}
	rmdir(folder);

	return root;
}

static void memcg_init(struct memcg *m)
{
	m->root = open_cgroup_root();
	igt_require_f(m->root >= 0, "cgroup2 cannot be mounted\n");
	write_at(m->root, "cgroup.subtree_control", "+memory");
	snprintf(m->name, sizeof(m->name), "igt-panthor-%d", getpid());
	igt_require_f(!mkdirat(m->root, m->name, 0700), "no cgroup can be made\n");
	m->group = openat(m->root, m->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	igt_assert(m->group >= 0);
}

static void memcg_fini(struct memcg *m)
{
	close(m->group);
	unlinkat(m->root, m->name, AT_REMOVEDIR);
	close(m->root);
}

/* Bytes of slabs that the group is charged for, -1 if it does not tell. */
static int64_t memcg_slab(const struct memcg *m)
{
	const int file = openat(m->group, "memory.stat", O_RDONLY | O_CLOEXEC);
	FILE *stat = file < 0 ? NULL : fdopen(file, "r");
	int64_t bytes = -1;
	char line[128];

	while (stat && bytes < 0 && fgets(line, sizeof(line), stat))
		sscanf(line, "slab_unreclaimable %" SCNd64, &bytes);
	if (stat)
		fclose(stat);

	return bytes;
}

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
	volatile int64_t *charged = igt_map_shared(sizeof(*charged));
	struct memcg m;
	uint32_t vm_id;

	memcg_init(&m);
	igt_panthor_vm_create(fd, &vm_id, 0);
	igt_fork(child, 1) {
		int64_t before;

		igt_assert(write_at(m.group, "cgroup.procs", "0"));
		before = memcg_slab(&m);
		map_strides(fd, vm_id);
		*charged = before < 0 ? -1 : memcg_slab(&m) - before;
	}
	igt_waitchildren();
	igt_panthor_vm_destroy(fd, vm_id, 0);
	memcg_fini(&m);

	igt_require_f(*charged >= 0, "no memory cgroups\n");
	igt_info("charged: %" PRId64 " KiB\n", *charged / 1024);
	igt_assert_f(*charged >= CHARGED_MIN,
		     "%" PRId64 " KiB charged for page tables, expected %" PRId64
		     " KiB at least\n",
		     *charged / 1024, CHARGED_MIN / 1024);
	munmap((void *)charged, sizeof(*charged));
}

/*
 * Killing
 */

/* A request that takes this long if nobody ends it. */
#define KILL_REQUEST_MS 600

/* When it is killed, and how much longer than one that does nothing it may live on. */
#define KILL_AFTER_MS 50
#define KILL_MAX_MS 300
#define KILL_DEADLINE_MS (20 * KILL_REQUEST_MS)

/* To find out how long an operation takes. */
#define KILL_SAMPLE 4000
#define KILL_OPS_MAX 4000000

/**
 * killed:
 * @started: the request is about to be made
 * @bind: the request; ops.count is how many operations were done if it was ended
 *
 * What the process that is killed shares with the one that looks on.
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

static bool kill_ended(pid_t pid, int *status)
{
	return waitpid(pid, status, WNOHANG) == pid;
}

/* Kills the process, and tells how long it lives on. */
static unsigned int kill_ms(pid_t pid, int *status)
{
	struct timespec since = {};

	igt_nsec_elapsed(&since);
	kill(pid, SIGKILL);
	igt_assert(igt_wait(kill_ended(pid, status), KILL_DEADLINE_MS, 1));

	return igt_nsec_elapsed(&since) / 1000000;
}

/* The end of any process takes time: 0.3 s on a kernel that checks itself. */
static unsigned int kill_idle_ms(void)
{
	const pid_t pid = fork();
	unsigned int ms;
	int status;

	igt_assert(pid >= 0);
	if (!pid) {
		usleep(KILL_DEADLINE_MS * 1000);
		_exit(0);
	}
	usleep(KILL_AFTER_MS * 1000);
	ms = kill_ms(pid, &status);
	igt_assert(WIFSIGNALED(status));

	return ms;
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
	unsigned int ms, most, count;
	int status = 0;
	pid_t pid;

	igt_panthor_exec_init(&exec, fd);
	igt_require_f(exec.uva_range >= LARGE_VA + LARGE_SIZE,
		      "needs user addresses up to %#" PRIx64 "\n", LARGE_VA + LARGE_SIZE);
	count = kill_count(&exec);
	most = kill_idle_ms() + KILL_MAX_MS;
	pid = kill_start(&exec, k, count);
	igt_assert(igt_wait(k->started, 1000, 1));
	usleep(KILL_AFTER_MS * 1000);
	igt_assert(!kill_ended(pid, &status));

	ms = kill_ms(pid, &status);
	igt_info("ended after %u of %u ms, and %u of %u operations\n", ms, most,
		 k->bind.ops.count, count);
	igt_assert_f(WIFSIGNALED(status) && ms <= most && k->bind.ops.count < count,
		     "ended %u ms after it was killed, expected %u ms at most, with %u operations done of %u\n",
		     ms, most, k->bind.ops.count, count);

	assert_usable(&exec);
	igt_panthor_exec_bind_sparse(&exec, LARGE_VA, 3 * BLOCK);
	igt_panthor_sparse_store_load(&exec, LARGE_VA, 3 * BLOCK, FIRST);
	igt_panthor_exec_neighbours_fault(&exec, LARGE_VA, 3 * BLOCK);
	igt_panthor_exec_fini(&exec);
	munmap(k, sizeof(*k));
}

static const struct igt_panthor_case cases[] = {
	{
		.name = "reserve-async",
		.describe = "Binds that wait for a fence hold little kernel memory",
		.run = reserve_async,
	},
	{
		.name = "reserve-refused-batch",
		.describe = "A batch with a range out of proportion takes little kernel memory",
		.run = reserve_refused_batch,
	},
	{
		.name = "reserve-restore",
		.describe = "Restoring 64 GiB takes little kernel memory",
		.run = reserve_restore,
	},
	{
		.name = "reserve-blocks",
		.describe = "Each block of a large range is mapped to its place",
		.run = reserve_blocks,
	},
	{
		.name = "reserve-blocks-again",
		.describe = "So it is where page tables are left of what was there before",
		.run = reserve_blocks_again,
	},
	{
		.name = "reserve-blocks-restored",
		.describe = "So it is after an eviction",
		.run = reserve_blocks_restored,
	},
	{
		.name = "reserve-time",
		.describe = "64 GiB do not take much longer than 1 GiB",
		.run = reserve_time,
	},
	{
		.name = "reserve-pages",
		.describe = "Each page of a range is mapped to its place",
		.run = reserve_pages,
	},
	{
		.name = "reserve-cut-head",
		.describe = "The first page of whole GiBs is left",
		.run = reserve_cut_head,
	},
	{
		.name = "reserve-cut-tail",
		.describe = "The last page of whole GiBs is left",
		.run = reserve_cut_tail,
	},
	{
		.name = "reserve-given-back",
		.describe = "Ranges that were unmapped keep few page tables",
		.run = reserve_given_back,
	},
	{
		.name = "reserve-kill",
		.describe = "A process is killed soon that has many binds to do",
		.run = reserve_kill,
	},
	{
		.name = "reserve-accounted",
		.describe = "Page tables are charged to a memory cgroup",
		.run = reserve_accounted,
	},
	{
		.name = "reserve-scattered",
		.describe = "Without a huge page, large ranges are refused or bound with little memory",
		.run = reserve_scattered,
	},
	{
		.name = "reserve-scattered-sum",
		.describe = "Nor do many of them take more, and unbinding makes room",
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
		igt_subtest(c->name) {
			int fd = igt_panthor_open();

			c->run(fd);
			igt_panthor_close(fd);
		}
		igt_fixture()
			igt_teardown();
	}
}
