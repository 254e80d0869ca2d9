// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <inttypes.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_kernel_memory.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_teardown.h"

/**
 * TEST: Huge sparse mappings of panthor
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings, stress
 * Feature: huge
 * Test category: stress test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, root, memory cgroups, slabinfo without merged caches
 * Failure mode: Kernel memory in proportion to the size of a sparse range, which has
 *	2 MiB of memory behind it, and page tables that are never freed.
 * Scenario: huge-memory
 * Description: Sparse ranges from 64 GiB to all user addresses of a VM, and the kernel
 *	memory that they take.
 *
 * SUBTEST: huge-64g
 * Run type: BAT, FULL
 * Scenario: huge-tables
 * Failure mode: Ranges mapped by pages instead of blocks, and reserved page tables that are lost.
 * Description: Bind and unbind 64 GiB four times, each time after binding 64 KiB of 512 blocks
 *	again. Both edges and the pages on either side of each GiB boundary are readable and
 *	writable, and both edges fault after the last unbind. The page tables in use after each
 *	bind, and after the last unbind, stay below twice what blocks need, plus 8 MiB.
 *
 * SUBTEST: huge-64g-bounded
 * Description: Bind and unbind 64 GiB three times. The median of the page tables that are used or
 *	reserved during a bind stays below twice what blocks need, plus 8 MiB. That of an unbind
 *	stays below 8 MiB.
 *
 * SUBTEST: huge-1t
 * Description: Bind 1 TiB. The subtest fails without the attempt if 16 GiB need so many page tables
 *	that those of 1 TiB exceed half of the available memory. Either pages from start to end are
 *	readable and writable, or the bind is refused with ENOMEM. The page tables of the bind stay
 *	below 16 MiB, those of a refused one below 8 MiB. Afterwards both edges fault, and 4 MiB of
 *	the range can be bound, read and written.
 *
 * SUBTEST: huge-user-range
 * Description: Bind all user addresses of an empty VM, and those above 256 GiB of a VM with a
 *	group. Each bind succeeds or is refused with ENOMEM. Its page tables stay below 64 MiB,
 *	those of a refused one below 8 MiB. If the second bind succeeds, pages from start to end are
 *	readable and writable. Afterwards both edges fault, and 4 MiB can be bound and used. The
 *	subtest fails without the attempt if 16 GiB need so many page tables that the range exceeds
 *	half of the available memory.
 */

IGT_TEST_DESCRIPTION("Check huge sparse mappings of panthor");

/*
 * The scenarios, and the failures that each one finds:
 *
 * 1. huge-tables: Page tables of a large range while it is bound and after it was
 *    unbound. Blocks that are mapped by pages take 512 times as many, and tables that were
 *    reserved or used are lost.
 * 2. huge-memory: Kernel memory during a single call, up to all user addresses. A
 *    reservation for every 2 MiB of the range takes 2 GiB for 1 TiB, for a mapping that
 *    needs 4 MiB.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define GIB ((uint64_t)SZ_1G)
#define TIB (1024 * GIB)

/* 1 GiB-aligned, and above what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND

/* As large as fits below the address that a struct igt_panthor_exec has its tag at. */
#define HUGE_VA (64 * GIB)
#define HUGE_SIZE (64 * GIB)

/* Small enough for any machine, and large enough to tell what 1 TiB would take. */
#define SAMPLE_SIZE (16 * GIB)

#define HUGE_ROUNDS 4

/*
 * Blocks of which 64 KiB are bound again in each round. Each bind reserves three tables and uses
 * none. That is 6 MiB in a round: the loss of all of them exceeds %HUGE_SLACK in the second one.
 */
#define AGAIN_BLOCKS 512

/* Free objects that slabs keep, and page tables of other users of the GPU. */
#define HUGE_SLACK ((int64_t)SZ_8M)

/* No single call may take more, however large its range. */
#define HUGE_MEMORY_MAX ((int64_t)SZ_64M)

/*
 * A call is measured three times, and the middle figure counts: other users of the GPU may add to
 * one, and the child that samples may miss one.
 */
#define HUGE_MEASUREMENTS 3

/* A table of 4 KiB for each GiB, mapped by 2 MiB blocks; twice that is still in proportion. */
static int64_t huge_limit(uint64_t size)
{
	return min(2 * (int64_t)(size >> 18) + HUGE_SLACK, HUGE_MEMORY_MAX);
}

static void require_countable_blocks(struct igt_panthor_exec *exec)
{
	igt_panthor_page_tables_require();
	igt_require_f(igt_panthor_sparse_dummy_is_huge(exec, BASE_VA),
		      "no huge page backs the dummy\n");
}

/**
 * huge_call:
 * @err: 0 or the errno of the VM_BIND
 * @peak: bytes of page tables in use or reserved during the call, above what was before
 */
struct huge_call {
	int err;
	int64_t peak;
};

static struct huge_call huge_call(int fd, uint32_t vm_id, uint64_t va, uint64_t size,
				  uint32_t flags)
{
	struct drm_panthor_vm_bind_op op = { .flags = flags, .va = va, .size = size };
	struct igt_memory_watch *watch = igt_memory_watch_start(igt_panthor_page_table_sample);
	struct huge_call result;

	result.err = -__igt_panthor_vm_bind_ops(fd, vm_id, 0, &op, 1);
	result.peak = igt_memory_watch_stop(watch);

	return result;
}

static struct huge_call huge_bind(int fd, uint32_t vm_id, uint64_t va, uint64_t size)
{
	return huge_call(fd, vm_id, va, size, IGT_PANTHOR_SPARSE_FLAGS);
}

static struct huge_call huge_unbind(int fd, uint32_t vm_id, uint64_t va, uint64_t size)
{
	return huge_call(fd, vm_id, va, size, DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP);
}

/*
 * The first and the last page, and those on either side of each boundary of 1 GiB, or of a 64th of
 * the range if that is more.
 */
static void huge_store_load(struct igt_panthor_exec *exec, uint64_t va, uint64_t size,
			    uint32_t seed)
{
	const uint64_t step = max(GIB, size / 64);

	for (uint64_t offset = 0; offset < size; offset += step) {
		const uint64_t to = min(offset + step, size);

		igt_panthor_sparse_store_load(exec, va + offset, PAGE, seed);
		igt_panthor_sparse_store_load(exec, va + to - PAGE, PAGE, seed);
	}
}

/* The cache has the page tables of all clients: too many are a failure if there is no other. */
static void assert_tables_below(int fd, const char *what, uint64_t size, int64_t bytes,
				int64_t limit)
{
	igt_info("%s %" PRIu64 " GiB: %" PRId64 " KiB of page tables\n", what, size / GIB,
		 bytes / 1024);
	if (bytes > limit)
		igt_panthor_require_alone(fd);
	igt_assert_f(bytes <= limit,
		     "%s %" PRIu64 " GiB: %" PRId64 " KiB of page tables, expected %" PRId64
		     " KiB at most\n",
		     what, size / GIB, bytes / 1024, limit / 1024);
}

static void bind_again(const struct igt_panthor_exec *exec)
{
	static struct drm_panthor_vm_bind_op ops[AGAIN_BLOCKS];

	for (unsigned int i = 0; i < AGAIN_BLOCKS; i++)
		ops[i] = (struct drm_panthor_vm_bind_op){
			.flags = IGT_PANTHOR_SPARSE_FLAGS,
			.va = BASE_VA + i * (uint64_t)SZ_2M,
			.size = SZ_64K,
		};
	igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, ops, AGAIN_BLOCKS, 0);
}

static void huge_64g(int fd)
{
	struct igt_panthor_exec exec;
	int64_t before;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_require_range(&exec, HUGE_VA + HUGE_SIZE);
	require_countable_blocks(&exec);

	bind_again(&exec);
	before = igt_panthor_page_table_bytes();
	for (unsigned int round = 0; round < HUGE_ROUNDS; round++) {
		bind_again(&exec);
		igt_panthor_exec_bind_sparse(&exec, HUGE_VA, HUGE_SIZE);
		assert_tables_below(fd, "after binding", HUGE_SIZE,
				    igt_panthor_page_table_bytes() - before, huge_limit(HUGE_SIZE));
		if (!round)
			huge_store_load(&exec, HUGE_VA, HUGE_SIZE, FIRST);
		igt_panthor_exec_unbind(&exec, HUGE_VA, HUGE_SIZE);
	}
	assert_tables_below(fd, "after unbinding", HUGE_SIZE,
			    igt_panthor_page_table_bytes() - before, huge_limit(HUGE_SIZE));

	igt_panthor_exec_must_fault(&exec, HUGE_VA, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(&exec, HUGE_VA + HUGE_SIZE - PAGE, IGT_PANTHOR_STORE);
	igt_panthor_vm_assert_usable(fd, exec.vm_id);
	igt_panthor_exec_fini(&exec);
}

static int64_t middle(const int64_t *figure)
{
	const int64_t low = min(figure[0], figure[1]), high = max(figure[0], figure[1]);
	const int64_t third = min(high, figure[2]);

	return max(low, third);
}

static void huge_64g_bounded(int fd)
{
	int64_t bind[HUGE_MEASUREMENTS], unbind[HUGE_MEASUREMENTS];
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_require_range(&exec, HUGE_VA + HUGE_SIZE);
	require_countable_blocks(&exec);

	for (unsigned int i = 0; i < HUGE_MEASUREMENTS; i++) {
		struct huge_call call = huge_bind(fd, exec.vm_id, HUGE_VA, HUGE_SIZE);

		igt_assert_eq(call.err, 0);
		bind[i] = call.peak;
		call = huge_unbind(fd, exec.vm_id, HUGE_VA, HUGE_SIZE);
		igt_assert_eq(call.err, 0);
		unbind[i] = call.peak;
	}
	assert_tables_below(fd, "binding", HUGE_SIZE, middle(bind), huge_limit(HUGE_SIZE));
	assert_tables_below(fd, "unbinding", HUGE_SIZE, middle(unbind), HUGE_SLACK);

	igt_panthor_exec_fini(&exec);
}

/*
 * A driver that takes memory in proportion to the range would have the OOM killer kill processes
 * before it fails. What a smaller range takes shows that without the attempt.
 */
static void assert_affordable(struct igt_panthor_exec *exec, uint64_t size)
{
	const struct huge_call bind = huge_bind(exec->fd, exec->vm_id, HUGE_VA, SAMPLE_SIZE);
	const int64_t available = igt_meminfo_bytes("MemAvailable");
	int64_t needed;

	igt_assert_eq(bind.err, 0);
	igt_panthor_exec_unbind(exec, HUGE_VA, SAMPLE_SIZE);

	needed = max(bind.peak - HUGE_SLACK, (int64_t)0) / (int64_t)(SAMPLE_SIZE / GIB) *
		 (int64_t)(size / GIB);
	igt_assert_f(needed < available / 2,
		     "not tried: %" PRIu64 " GiB took %" PRId64 " KiB, so %" PRIu64
		     " GiB would take %" PRId64 " MiB of the %" PRId64 " MiB available\n",
		     SAMPLE_SIZE / GIB, bind.peak / 1024, size / GIB, needed / SZ_1M,
		     available / SZ_1M);
}

static void assert_bound_or_refused(int fd, const struct huge_call *bind, uint64_t size)
{
	igt_assert_f(bind->err == 0 || bind->err == ENOMEM, "errno %d, expected 0 or ENOMEM\n",
		     bind->err);
	assert_tables_below(fd, bind->err ? "refusing" : "binding", size, bind->peak,
			    bind->err ? HUGE_SLACK : huge_limit(size));
}

/* Binds a range that may be too large, and uses it if it is not. */
static void huge_try(struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	const struct huge_call bind = huge_bind(exec->fd, exec->vm_id, va, size);

	assert_bound_or_refused(exec->fd, &bind, size);
	if (!bind.err) {
		huge_store_load(exec, va, size, FIRST);
		igt_panthor_exec_unbind(exec, va, size);
	}
	igt_panthor_exec_must_fault(exec, va, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(exec, va + size - PAGE, IGT_PANTHOR_STORE);

	igt_panthor_vm_assert_usable(exec->fd, exec->vm_id);
	igt_panthor_exec_bind_sparse(exec, va, SZ_4M);
	igt_panthor_sparse_store_load(exec, va, SZ_4M, SECOND);
}

static void huge_1t(int fd)
{
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_require_range(&exec, 2 * TIB);
	require_countable_blocks(&exec);

	assert_affordable(&exec, TIB);
	igt_clear_warn_once();
	huge_try(&exec, TIB, TIB);

	igt_panthor_exec_fini(&exec);
}

/* All of a VM that holds nothing else, then all that lies above what a walk needs. */
static void huge_user_range(int fd)
{
	struct igt_panthor_exec exec;
	struct huge_call bind;
	uint64_t range = 0;
	uint32_t vm_id;

	igt_panthor_exec_init(&exec, fd);
	require_countable_blocks(&exec);
	assert_affordable(&exec, exec.uva_range);
	igt_clear_warn_once();

	igt_panthor_vm_create_userva_range(fd, &vm_id, 0, &range);
	bind = huge_bind(fd, vm_id, 0, range);
	assert_bound_or_refused(fd, &bind, range);
	igt_panthor_vm_assert_usable(fd, vm_id);
	igt_panthor_vm_destroy(fd, vm_id, 0);

	huge_try(&exec, IGT_PANTHOR_EXEC_TAG_VA_END, range - IGT_PANTHOR_EXEC_TAG_VA_END);
	igt_panthor_exec_fini(&exec);
}

static const struct igt_panthor_case cases[] = {
	{
		.name = "huge-64g",
		.describe = "Bind and unbind 64 GiB four times, each time after binding 64 KiB of "
			    "512 blocks again. Both edges and the pages on either side of each GiB "
			    "boundary are readable and writable, and both edges fault after the "
			    "last unbind. The page tables in use after each bind, and after the "
			    "last unbind, stay below twice what blocks need, plus 8 MiB.",
		.run = huge_64g,
	},
	{
		.name = "huge-64g-bounded",
		.describe = "Bind and unbind 64 GiB three times. The median of the page tables "
			    "that are used or reserved during a bind stays below twice what blocks "
			    "need, plus 8 MiB. That of an unbind stays below 8 MiB.",
		.run = huge_64g_bounded,
	},
	{
		.name = "huge-1t",
		.describe = "Bind 1 TiB. The subtest fails without the attempt if 16 GiB need so "
			    "many page tables that those of 1 TiB exceed half of the available "
			    "memory. Either pages from start to end are readable and writable, or "
			    "the bind is refused with ENOMEM. The page tables of the bind stay "
			    "below 16 MiB, those of a refused one below 8 MiB. Afterwards both "
			    "edges fault, and 4 MiB of the range can be bound, read and written.",
		.run = huge_1t,
	},
	{
		.name = "huge-user-range",
		.describe = "Bind all user addresses of an empty VM, and those above 256 GiB of a "
			    "VM with a group. Each bind succeeds or is refused with ENOMEM. Its "
			    "page tables stay below 64 MiB, those of a refused one below 8 MiB. If "
			    "the second bind succeeds, pages from start to end are readable and "
			    "writable. Afterwards both edges fault, and 4 MiB can be bound and "
			    "used. The subtest fails without the attempt if 16 GiB need so many "
			    "page tables that the range exceeds half of the available memory.",
		.run = huge_user_range,
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
