// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

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
 * Test requirement: panthor uAPI 1.9
 * Failure mode: Arithmetic that overflows, and kernel memory out of all proportion to
 *	the range.
 * Description: Sparse ranges from 64 GiB to all addresses of the user, and the
 *	kernel memory that they take.
 *
 * SUBTEST: huge-64g
 * Run type: BAT, FULL
 * Description: 64 GiB are bound and unbound four times: the GPU reaches both edges
 *	and either side of each GiB, the range keeps few page tables, and none are
 *	left behind.
 *
 * SUBTEST: huge-64g-bounded
 * Description: The kernel memory taken while 64 GiB are being bound is not more
 *	than a few MiB above what the mapping needs.
 *
 * SUBTEST: huge-1t
 * Description: 1 TiB is bound and works, or is refused at once for want of memory;
 *	in both cases by little kernel memory, and the VM works as before.
 *
 * SUBTEST: huge-user-range
 * Description: The same for all user addresses of a VM.
 */

/**
 * TEST: Sparse mappings of panthor under memory pressure
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings, stress
 * Feature: pressure
 * Test category: stress test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap, memory
 * Failure mode: Contents that are lost, and memory that is not given back, when the
 *	kernel really runs short of memory.
 * Description: Processes take so much memory that the kernel evicts what the
 *	GPU has, with swap to put it into.
 *
 * SUBTEST: pressure-content
 * Description: What the GPU stored to BOs survives that the kernel really takes
 *	their pages, and the sparse ranges beside them work again.
 *
 * SUBTEST: pressure-evicts
 * Description: Memory that only an idle VM holds is evicted when another process
 *	needs it, the dummy object too, and nobody is killed.
 */

/**
 * TEST: Sparse mappings of panthor, hammered
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings, stress
 * Feature: race
 * Test category: stress test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap
 * Failure mode: Operations that do not exclude each other: binds, evictions and
 *	restores of the same page tables.
 * Description: Processes bind, unbind, submit and evict at once, for a bounded
 *	time; then everything is checked.
 *
 * SUBTEST: race-evict-bind
 * Description: On one VM, a process maps and unmaps BOs and ranges, one of them of
 *	many blocks, one evicts, one submits jobs: no job fails, and at the end
 *	everything is in its place.
 *
 * SUBTEST: race-restore-unmap
 * Run type: BAT, FULL
 * Description: A large range is evicted, and unmapped while a job restores it, a
 *	little later each time: it can be bound again at once, and at the end it is
 *	there when bound, gone when not.
 *
 * SUBTEST: race-vms
 * Description: Processes bind, submit and unbind on VMs of one file that share the
 *	dummy object, another evicts it.
 *
 * SUBTEST: race-beside
 * Description: A process binds and unbinds in a VM that shares the dummy object with
 *	one that is left alone, while another evicts it: evictions that stop half-way
 *	do not harm the jobs there.
 *
 * SUBTEST: race-files
 * Description: Processes bind, submit and unbind on files of their own, another
 *	evicts.
 *
 * SUBTEST: race-count
 * Test requirement: panthor uAPI 1.9, debugfs, swap, a kernel with CONFIG_SHRINKER_DEBUG
 * Description: After two processes have bound and unbound BOs at once, thousands of
 *	times, the shrinker promises as many pages as before.
 */

IGT_TEST_DESCRIPTION("Check sparse mappings of panthor under stress");

/*
 * The scenarios, and the failure that each one hunts:
 *
 * 1. huge-*: arithmetic that overflows, ranges mapped by pages instead of blocks,
 *    page tables that are lost, and memory out of all proportion for a range that
 *    needs a table for each GiB.
 * 2. pressure-*: a shrinker that the kernel does not call, and pages that come back
 *    empty. debugfs shrink, as the evict-* subtests use it, shows neither.
 * 3. race-*: operations on a VM that do not exclude each other, and, in race-beside,
 *    evictions that stop at a VM which is busy.
 * 4. race-count: a sum that loses updates. It comes last: where it is wrong it stays so
 *    until the driver is loaded again, and reclaim goes by it.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define GIB ((uint64_t)SZ_1G)
#define TIB (1024 * GIB)

/* 1 GiB-aligned, and free of what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND
#define THIRD IGT_PANTHOR_THIRD

static void assert_usable(const struct igt_panthor_exec *exec)
{
	igt_assert_eq_u32(igt_panthor_vm_get_state(exec->fd, exec->vm_id),
			  DRM_PANTHOR_VM_STATE_USABLE);
}

/*
 * huge-*
 */

/* As large as fits below the address that a struct igt_panthor_exec has its tag at. */
#define HUGE_VA (64 * GIB)
#define HUGE_SIZE (64 * GIB)

/* Small enough for any machine, and large enough to tell what 1 TiB would take. */
#define SAMPLE_SIZE (16 * GIB)

#define HUGE_ROUNDS 4

/* What slabs keep, and what the rest of the system does meanwhile. */
#define HUGE_SLACK ((int64_t)SZ_8M)

/* No single call may take more, however large its range. */
#define HUGE_MEMORY_MAX ((int64_t)SZ_64M)

/* At once, on a machine that emulates another. */
#define REFUSED_MAX_MS 1000

/* A table of 4 KiB for each GiB, mapped by 2 MiB blocks; twice that is still in proportion. */
static int64_t huge_limit(uint64_t size)
{
	return min(2 * (int64_t)(size >> 18) + HUGE_SLACK, HUGE_MEMORY_MAX);
}

static void require_user_range(const struct igt_panthor_exec *exec, uint64_t end)
{
	igt_require_f(exec->uva_range >= end, "needs user addresses up to %#" PRIx64 "\n", end);
}

static void require_huge_dummy(struct igt_panthor_exec *exec)
{
	igt_require_f(igt_panthor_sparse_dummy_is_huge(exec, BASE_VA),
		      "the sparse dummy object is not a huge page\n");
}

/**
 * huge_bind:
 * @err: 0 or the errno of the bind
 * @peak: most kernel memory in use during the call above what was before, bytes
 * @ms: how long it took
 */
struct huge_bind {
	int err;
	int64_t peak;
	unsigned int ms;
};

static struct huge_bind huge_bind(int fd, uint32_t vm_id, uint64_t va, uint64_t size)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = IGT_PANTHOR_SPARSE_FLAGS,
		.va = va,
		.size = size,
	};
	struct igt_memory_watch *watch = igt_memory_watch_start(igt_panthor_page_table_sample);
	struct huge_bind result = {};
	struct timespec since = {};

	igt_nsec_elapsed(&since);
	result.err = -__igt_panthor_vm_bind_ops(fd, vm_id, 0, &op, 1);
	result.ms = igt_nsec_elapsed(&since) / 1000000;
	result.peak = igt_memory_watch_stop(watch);
	igt_info("%" PRIu64 " GiB: errno %d, %" PRId64 " KiB of kernel memory, %u ms\n", size / GIB,
		 result.err, result.peak / 1024, result.ms);

	return result;
}

static void huge_unbind(int fd, uint32_t vm_id, uint64_t va, uint64_t size)
{
	igt_panthor_vm_unbind(fd, vm_id, va, size, 0);
}

/* The first and the last page, and those on either side of each boundary of 1 GiB. */
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

static void assert_kept(const char *what, int64_t bytes, int64_t limit)
{
	igt_info("%s: %" PRId64 " KiB\n", what, bytes / 1024);
	igt_assert_f(bytes <= limit, "%s: %" PRId64 " KiB, expected %" PRId64 " KiB at most\n",
		     what, bytes / 1024, limit / 1024);
}

static void huge_64g(int fd)
{
	struct igt_panthor_exec exec;
	int64_t before;

	igt_panthor_exec_init(&exec, fd);
	require_user_range(&exec, HUGE_VA + HUGE_SIZE);
	require_huge_dummy(&exec);

	before = igt_panthor_page_table_bytes();
	for (unsigned int round = 0; round < HUGE_ROUNDS; round++) {
		igt_panthor_exec_bind_sparse(&exec, HUGE_VA, HUGE_SIZE);
		assert_kept("page tables of 64 GiB", igt_panthor_page_table_bytes() - before,
			    huge_limit(HUGE_SIZE));
		if (!round)
			huge_store_load(&exec, HUGE_VA, HUGE_SIZE, FIRST);
		huge_unbind(fd, exec.vm_id, HUGE_VA, HUGE_SIZE);
	}
	assert_kept("page tables left behind", igt_panthor_page_table_bytes() - before,
		    huge_limit(HUGE_SIZE));

	igt_panthor_exec_must_fault(&exec, HUGE_VA, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(&exec, HUGE_VA + HUGE_SIZE - PAGE, IGT_PANTHOR_STORE);
	assert_usable(&exec);
	igt_panthor_exec_fini(&exec);
}

static void assert_bounded(const struct huge_bind *bind, uint64_t size)
{
	const int64_t limit = bind->err ? HUGE_SLACK : huge_limit(size);

	igt_assert_f(bind->peak <= limit,
		     "binding %" PRIu64 " GiB took %" PRId64
		     " KiB of kernel memory, expected %" PRId64 " KiB at most\n",
		     size / GIB, bind->peak / 1024, limit / 1024);
}

static void huge_64g_bounded(int fd)
{
	struct igt_panthor_exec exec;
	struct huge_bind bind;

	igt_panthor_exec_init(&exec, fd);
	require_user_range(&exec, HUGE_VA + HUGE_SIZE);
	require_huge_dummy(&exec);

	bind = huge_bind(fd, exec.vm_id, HUGE_VA, HUGE_SIZE);
	igt_assert_eq(bind.err, 0);
	assert_bounded(&bind, HUGE_SIZE);

	igt_panthor_exec_fini(&exec);
}

/*
 * A driver that takes memory in proportion to the range would have the kernel kill
 * processes before it fails. So that is a failure before it is tried.
 */
static void assert_affordable(struct igt_panthor_exec *exec, uint64_t size)
{
	const struct huge_bind bind = huge_bind(exec->fd, exec->vm_id, HUGE_VA, SAMPLE_SIZE);
	const int64_t available = igt_meminfo_bytes("MemAvailable");
	int64_t needed;

	igt_assert_eq(bind.err, 0);
	huge_unbind(exec->fd, exec->vm_id, HUGE_VA, SAMPLE_SIZE);

	needed = max(bind.peak - HUGE_SLACK, (int64_t)0) / (int64_t)(SAMPLE_SIZE / GIB) *
		 (int64_t)(size / GIB);
	igt_assert_f(needed < available / 2,
		     "not tried: %" PRIu64 " GiB took %" PRId64 " KiB, so %" PRIu64
		     " GiB would take %" PRId64 " MiB of the %" PRId64 " MiB available\n",
		     SAMPLE_SIZE / GIB, bind.peak / 1024, size / GIB, needed / SZ_1M,
		     available / SZ_1M);
}

static void assert_huge_bind(const struct huge_bind *bind, uint64_t size)
{
	igt_assert_f(bind->err == 0 || bind->err == ENOMEM, "errno %d, expected 0 or ENOMEM\n",
		     bind->err);
	igt_assert_f(!bind->err || bind->ms <= REFUSED_MAX_MS,
		     "refused after %u ms, expected %u at most\n", bind->ms, REFUSED_MAX_MS);
	assert_bounded(bind, size);
}

/* Binds a range that may be too large, and uses it if it is not. */
static void huge_try(struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	const struct huge_bind bind = huge_bind(exec->fd, exec->vm_id, va, size);

	assert_huge_bind(&bind, size);
	if (!bind.err) {
		huge_store_load(exec, va, size, FIRST);
		huge_unbind(exec->fd, exec->vm_id, va, size);
	}
	igt_panthor_exec_must_fault(exec, va, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(exec, va + size - PAGE, IGT_PANTHOR_STORE);

	assert_usable(exec);
	igt_panthor_exec_bind_sparse(exec, va, SZ_4M);
	igt_panthor_sparse_store_load(exec, va, SZ_4M, SECOND);
}

static void huge_1t(int fd)
{
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	require_user_range(&exec, 2 * TIB);
	require_huge_dummy(&exec);

	assert_affordable(&exec, TIB);
	igt_clear_warn_once();
	huge_try(&exec, TIB, TIB);

	igt_panthor_exec_fini(&exec);
}

/* All of a VM that holds nothing else, then all that lies above what a walk needs. */
static void huge_user_range(int fd)
{
	struct igt_panthor_exec exec;
	struct huge_bind bind;
	uint64_t range = 0;
	uint32_t vm_id;

	igt_panthor_exec_init(&exec, fd);
	require_huge_dummy(&exec);
	assert_affordable(&exec, exec.uva_range);
	igt_clear_warn_once();

	igt_panthor_vm_create_userva_range(fd, &vm_id, 0, &range);
	bind = huge_bind(fd, vm_id, 0, range);
	assert_huge_bind(&bind, range);
	igt_assert_eq_u32(igt_panthor_vm_get_state(fd, vm_id), DRM_PANTHOR_VM_STATE_USABLE);
	igt_panthor_vm_destroy(fd, vm_id, 0);

	huge_try(&exec, IGT_PANTHOR_EXEC_TAG_VA_END, range - IGT_PANTHOR_EXEC_TAG_VA_END);
	igt_panthor_exec_fini(&exec);
}

/*
 * pressure-*
 */

#define PRESSURE_BO_SIZE ((uint64_t)SZ_16M)
#define PRESSURE_BOS_MAX 64

/* A sparse range with a hole, beside the BOs. */
#define PRESSURE_SPARSE_VA (BASE_VA + IGT_PANTHOR_EXEC_VA_END + SZ_1M)
#define PRESSURE_SPARSE_SIZE SZ_64M
#define PRESSURE_HOLE (5 * SZ_1M)

/*
 * How long the kernel may take to reclaim some of what nobody uses, and all of it, for which
 * nearly all of the memory has to be filled first: up to 32 s on a kernel that checks itself.
 */
#define SOME_DEADLINE_MS 20000
#define ALL_DEADLINE_MS 60000

/**
 * pressure:
 * @exec: VM whose memory is to be evicted
 * @bo: BOs, next to each other from %BASE_VA, none of which the CPU sees
 * @count: how many
 * @shmem: memory of the kind that BOs are made of, before the pressure
 */
struct pressure {
	struct igt_panthor_exec exec;
	struct panthor_bo bo[PRESSURE_BOS_MAX];
	unsigned int count;
	uint64_t shmem;
};

static uint64_t pressure_size(const struct pressure *p)
{
	return p->count * PRESSURE_BO_SIZE;
}

static void pressure_init(struct pressure *p, int fd, uint64_t size)
{
	igt_panthor_require_shrink(fd);
	p->count = min(size / PRESSURE_BO_SIZE, (uint64_t)PRESSURE_BOS_MAX);
	igt_require_f(igt_meminfo_bytes("MemAvailable") > 2 * pressure_size(p) &&
			      igt_meminfo_bytes("SwapFree") > 2 * pressure_size(p),
		      "needs %" PRIu64 " MiB of free memory, and of swap\n",
		      2 * pressure_size(p) / SZ_1M);

	igt_panthor_exec_init(&p->exec, fd);
	/* First, so that the dummy object is the first to go when little has to. */
	igt_panthor_exec_bind_sparse(&p->exec, PRESSURE_SPARSE_VA, PRESSURE_SPARSE_SIZE);
	igt_panthor_sparse_require_dummy(&p->exec);
	igt_panthor_exec_unbind(&p->exec, PRESSURE_SPARSE_VA + PRESSURE_HOLE, SZ_64K);
	for (unsigned int i = 0; i < p->count; i++) {
		igt_panthor_bo_create(fd, &p->bo[i], PRESSURE_BO_SIZE, 0, 0);
		igt_panthor_bo_set_label(fd, &p->bo[i], "under pressure");
		igt_panthor_exec_bind_bo(&p->exec, &p->bo[i], BASE_VA + i * PRESSURE_BO_SIZE);
	}
	igt_panthor_exec_store_pages(&p->exec, BASE_VA, pressure_size(p), FIRST);
	p->shmem = igt_meminfo_bytes("Shmem");
}

static void pressure_assert(struct pressure *p)
{
	const uint64_t behind = PRESSURE_HOLE + SZ_64K;
	const struct igt_panthor_walk load =
		igt_panthor_pages(IGT_PANTHOR_LOAD, BASE_VA, pressure_size(p), FIRST);

	igt_panthor_exec_walk_verify(&p->exec, &load);
	igt_panthor_sparse_store_load(&p->exec, PRESSURE_SPARSE_VA, PRESSURE_HOLE, SECOND);
	igt_panthor_sparse_store_load(&p->exec, PRESSURE_SPARSE_VA + behind,
				      PRESSURE_SPARSE_SIZE - behind, THIRD);
	igt_panthor_exec_must_fault(&p->exec, PRESSURE_SPARSE_VA + PRESSURE_HOLE, IGT_PANTHOR_LOAD);
}

static void pressure_fini(struct pressure *p)
{
	igt_panthor_exec_fini(&p->exec);
	for (unsigned int i = 0; i < p->count; i++)
		igt_panthor_free_bo(p->exec.fd, &p->bo[i]);
}

/* Keeps @size bytes in use, of zeros, which take nothing of a compressed swap. */
static void fill_memory(uint64_t size, const volatile bool *stop)
{
	volatile char *map =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	igt_assert(map != MAP_FAILED);
	while (!*stop && getppid() != 1)
		for (uint64_t offset = 0; offset < size && !*stop; offset += PAGE)
			map[offset] = 0;
}

/* The BOs and the dummy object that have been evicted since they were made. */
static unsigned int count_evicted(const struct pressure *p, bool *dummy)
{
	struct igt_panthor_gems gems;
	unsigned int count = 0;

	*dummy = false;
	igt_panthor_read_gems(p->exec.fd, &gems);
	for (size_t i = 0; i < gems.count; i++) {
		const struct igt_panthor_gem *gem = &gems.gem[i];

		if (!gem->evictions || gem->pid != getpid())
			continue;
		if (igt_panthor_gem_is_dummy(gem, p->exec.dummy))
			*dummy = true;
		else if (!strcmp(gem->label, "under pressure"))
			count++;
	}
	igt_panthor_free_gems(&gems);

	return count;
}

static bool some_evicted(const struct pressure *p)
{
	bool dummy;

	return count_evicted(p, &dummy) > 0 && dummy;
}

/* Evicting gives the pages back to the page cache: they are gone when that is smaller. */
static bool all_gone(const struct pressure *p)
{
	bool dummy;

	return count_evicted(p, &dummy) == p->count && dummy &&
	       igt_meminfo_bytes("Shmem") + pressure_size(p) < p->shmem + SZ_2M;
}

static void pressure_apply(const struct pressure *p, uint64_t size,
			   bool (*done)(const struct pressure *p), unsigned int deadline_ms)
{
	volatile bool *stop = igt_map_shared(sizeof(*stop));
	struct timespec since = {};
	bool reclaimed;

	igt_nsec_elapsed(&since);

	igt_fork(child, 1)
		fill_memory(size, stop);
	reclaimed = igt_wait(done(p), deadline_ms, 20);
	igt_info("%u ms\n", (unsigned int)(igt_nsec_elapsed(&since) / 1000000));
	*stop = true;
	/* Fails if the child was killed. */
	igt_waitchildren();
	munmap((void *)stop, sizeof(*stop));

	igt_assert_f(reclaimed, "the kernel did not reclaim the GPU's memory within %u ms\n",
		     deadline_ms);
}

static void pressure_content(int fd)
{
	struct pressure p = {};

	pressure_init(&p, fd, SZ_64M);
	pressure_apply(&p,
		       igt_meminfo_bytes("MemAvailable") + igt_meminfo_bytes("SwapFree") / 2,
		       all_gone, ALL_DEADLINE_MS);
	pressure_assert(&p);
	pressure_fini(&p);
}

/*
 * What is asked for fits if the GPU's memory goes. The swap has room for as much of
 * what asks for it, so nothing but the kernel's fairness has the BOs evicted.
 */
static void pressure_evicts(int fd)
{
	struct pressure p = {};

	pressure_init(&p, fd, igt_meminfo_bytes("MemTotal") / 4);
	pressure_apply(&p, igt_meminfo_bytes("MemAvailable") + pressure_size(&p), some_evicted,
		       SOME_DEADLINE_MS);
	pressure_assert(&p);
	pressure_fini(&p);
}

/*
 * race-*
 */

#define RACE_MS 650

static bool race_goes_on_for(struct timespec *since, unsigned int ms)
{
	return igt_nsec_elapsed(since) / 1000000 < ms && getppid() != 1;
}

static bool race_goes_on(struct timespec *since)
{
	return race_goes_on_for(since, RACE_MS);
}

static void race_evict(int fd)
{
	struct timespec since = {};

	while (race_goes_on(&since))
		igt_panthor_shrink(fd);
}

/* Ranges and BOs, each at the start of its stride. */
#define RACE_RANGES 64
#define RACE_BOS 16
#define RACE_STRIDE ((uint64_t)SZ_4M)
#define RACE_BOS_VA (BASE_VA + GIB)
#define RACE_BO_SIZE SZ_64K

/* What the binder's BO replaces and leaves: the second block of a range of its own. */
#define RACE_HOLE_VA (BASE_VA + 2 * GIB)

/* Many blocks, so that evictions meet the operations that map them. */
#define RACE_BLOCKS_VA (64 * GIB)
#define RACE_BLOCKS_SIZE GIB

static void race_blocks_assert_gone(struct igt_panthor_exec *exec)
{
	igt_panthor_exec_neighbours_fault(exec, RACE_BLOCKS_VA + PAGE, RACE_BLOCKS_SIZE - 2 * PAGE);
}

/* From a page to more than a block. */
static uint64_t race_range_size(unsigned int i)
{
	return (i % 8) * (SZ_64K * 5) + PAGE;
}

struct race {
	struct igt_panthor_exec exec;
	struct panthor_bo bo[RACE_BOS];
	struct panthor_bo hole_bo;
};

static void race_init(struct race *r, int fd)
{
	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&r->exec, fd);
	require_user_range(&r->exec, RACE_BLOCKS_VA + RACE_BLOCKS_SIZE);
	for (unsigned int i = 0; i < RACE_RANGES; i++)
		igt_panthor_exec_bind_sparse(&r->exec, BASE_VA + i * RACE_STRIDE,
					     race_range_size(i));
	igt_panthor_sparse_require_dummy(&r->exec);
	for (unsigned int i = 0; i < RACE_BOS; i++) {
		igt_panthor_exec_create_bo(&r->exec, &r->bo[i], RACE_BO_SIZE);
		igt_panthor_exec_bind_bo(&r->exec, &r->bo[i], RACE_BOS_VA + i * RACE_STRIDE);
		igt_panthor_exec_store_pages(&r->exec, RACE_BOS_VA + i * RACE_STRIDE, RACE_BO_SIZE,
					     FIRST);
	}
	igt_panthor_exec_create_bo(&r->exec, &r->hole_bo, RACE_BO_SIZE);
	igt_panthor_exec_bind_sparse(&r->exec, RACE_HOLE_VA, SZ_4M);
}

static void race_fini(struct race *r)
{
	igt_panthor_exec_fini(&r->exec);
	for (unsigned int i = 0; i < RACE_BOS; i++)
		igt_panthor_free_bo(r->exec.fd, &r->bo[i]);
	igt_panthor_free_bo(r->exec.fd, &r->hole_bo);
}

/* A job that uses each range and each BO: it restores what was evicted. */
static void race_job(struct igt_panthor_exec *exec)
{
	const struct igt_panthor_walk ranges = {
		.access = IGT_PANTHOR_STORE,
		.va = BASE_VA,
		.count = RACE_RANGES,
		.stride = RACE_STRIDE,
		.seed = SECOND,
	};
	const struct igt_panthor_walk bos = {
		.access = IGT_PANTHOR_LOAD,
		.va = RACE_BOS_VA,
		.count = RACE_BOS,
		.stride = RACE_STRIDE,
		.seed = FIRST,
	};

	igt_panthor_exec_walk(exec, &ranges);
	igt_panthor_exec_walk_verify(exec, &bos);
}

static void race_bind(struct race *r)
{
	struct timespec since = {};

	while (race_goes_on(&since)) {
		igt_panthor_exec_bind_sparse(&r->exec, RACE_BLOCKS_VA, RACE_BLOCKS_SIZE);
		igt_panthor_exec_bind_bo(&r->exec, &r->hole_bo, RACE_HOLE_VA + SZ_1M);
		igt_panthor_exec_unbind(&r->exec, RACE_HOLE_VA + SZ_1M, RACE_BO_SIZE);
		igt_panthor_exec_bind_sparse(&r->exec, RACE_HOLE_VA + SZ_1M, RACE_BO_SIZE);
		igt_panthor_exec_unbind(&r->exec, RACE_HOLE_VA + 3 * SZ_1M, RACE_BO_SIZE);
		igt_panthor_exec_bind_sparse(&r->exec, RACE_HOLE_VA, SZ_4M);
		igt_panthor_exec_unbind(&r->exec, RACE_BLOCKS_VA, RACE_BLOCKS_SIZE);
	}
}

/* One eviction more, with nothing beside it: what it leads to is no matter of luck. */
static void race_assert(struct race *r)
{
	igt_panthor_shrink(r->exec.fd);
	for (unsigned int i = 0; i < RACE_RANGES; i++)
		igt_panthor_sparse_store_load(&r->exec, BASE_VA + i * RACE_STRIDE,
					      race_range_size(i), THIRD);
	for (unsigned int i = 0; i < RACE_BOS; i++) {
		const uint64_t va = RACE_BOS_VA + i * RACE_STRIDE;
		const struct igt_panthor_walk load =
			igt_panthor_pages(IGT_PANTHOR_LOAD, va, RACE_BO_SIZE, FIRST);

		igt_panthor_exec_walk_verify(&r->exec, &load);
		igt_panthor_bo_assert_holds(&r->bo[i], va, FIRST);
	}
	igt_panthor_sparse_store_load(&r->exec, RACE_HOLE_VA, SZ_4M, THIRD);
	igt_panthor_exec_neighbours_fault(&r->exec, RACE_HOLE_VA, SZ_4M);
	igt_panthor_exec_must_fault(&r->exec, BASE_VA + SZ_2M, IGT_PANTHOR_LOAD);
	race_blocks_assert_gone(&r->exec);
	assert_usable(&r->exec);
}

static void race_evict_bind(int fd)
{
	struct timespec since = {};
	unsigned int jobs = 0;
	struct race r;

	race_init(&r, fd);
	igt_fork(child, 2) {
		if (child)
			race_evict(fd);
		else
			race_bind(&r);
	}
	for (; race_goes_on(&since); jobs++)
		race_job(&r.exec);
	igt_waitchildren();
	igt_debug("%u jobs\n", jobs);

	race_assert(&r);
	race_fini(&r);
}

/*
 * Large, so that its restore takes long: long enough with fewer bytes where no huge page backs the
 * dummy object and each page is mapped by itself.
 */
#define RACE_LARGE_VA (64 * GIB)
#define RACE_LARGE_SIZE (16 * GIB)
#define RACE_LARGE_SIZE_PAGES (256 * SZ_1M)

/* In each round the range is unmapped a little later: from before its restore to after it. */
#define RACE_ROUNDS 20

/* How often the restore is measured. The least counts: whatever else runs only adds to it. */
#define RACE_MEASUREMENTS 3

/**
 * race_unmapper:
 * @size: bytes of the range
 * @told: pipe that says when to unmap the range, in us from now
 * @done: pipe that says that it is unmapped
 */
struct race_unmapper {
	uint64_t size;
	int told[2];
	int done[2];
};

/* Each process keeps its own ends only, so that it sees when the other one has ended. */
static void race_unmap_large(struct igt_panthor_exec *exec, const struct race_unmapper *unmapper)
{
	unsigned int delay_us;

	close(unmapper->told[1]);
	close(unmapper->done[0]);
	while (read(unmapper->told[0], &delay_us, sizeof(delay_us)) == sizeof(delay_us)) {
		usleep(delay_us);
		igt_panthor_exec_unbind(exec, RACE_LARGE_VA, unmapper->size);
		igt_assert_eq(write(unmapper->done[1], &delay_us, sizeof(delay_us)),
			      sizeof(delay_us));
	}
}

/* Returns how long a job took for which all of an evicted VM was restored, in us. */
static unsigned int race_restore(struct igt_panthor_exec *exec)
{
	struct timespec since = {};

	igt_nsec_elapsed(&since);
	igt_panthor_exec_store_pages(exec, BASE_VA, SZ_64K, FIRST);
	return igt_nsec_elapsed(&since) / 1000;
}

static unsigned int race_measure_restore(struct igt_panthor_exec *exec)
{
	unsigned int least = UINT_MAX;

	for (unsigned int i = 0; i < RACE_MEASUREMENTS; i++) {
		igt_panthor_shrink(exec->fd);
		least = min(least, race_restore(exec));
	}
	return least;
}

/* False if the process that unmaps has ended. */
static bool race_unmapped(const struct race_unmapper *unmapper)
{
	struct pollfd done = { .fd = unmapper->done[0], .events = POLLIN };
	unsigned int delay_us;

	igt_assert_f(poll(&done, 1, IGT_PANTHOR_JOB_DEADLINE_MS) == 1,
		     "the range was not unmapped in time\n");
	return read(unmapper->done[0], &delay_us, sizeof(delay_us)) == sizeof(delay_us);
}

/* The same. */
static bool race_restore_while_unmapped(struct igt_panthor_exec *exec,
					const struct race_unmapper *unmapper, unsigned int delay_us)
{
	igt_panthor_shrink(exec->fd);
	igt_assert_eq(write(unmapper->told[1], &delay_us, sizeof(delay_us)), sizeof(delay_us));
	race_restore(exec);
	return race_unmapped(unmapper);
}

static void race_restore_unmap_rounds(struct igt_panthor_exec *exec, uint64_t size)
{
	const unsigned int restore_us = race_measure_restore(exec);
	struct race_unmapper unmapper = { .size = size };

	igt_assert_eq(pipe(unmapper.told), 0);
	igt_assert_eq(pipe(unmapper.done), 0);
	igt_fork(child, 1)
		race_unmap_large(exec, &unmapper);
	close(unmapper.told[0]);
	close(unmapper.done[1]);

	for (unsigned int i = 0; i < RACE_ROUNDS; i++) {
		if (!race_restore_while_unmapped(exec, &unmapper, i * restore_us / RACE_ROUNDS))
			break;
		igt_panthor_exec_bind_sparse(exec, RACE_LARGE_VA, size);
	}
	close(unmapper.told[1]);
	close(unmapper.done[0]);
	igt_waitchildren();
}

static void race_restore_unmap(int fd)
{
	struct igt_panthor_walk blocks = {
		.access = IGT_PANTHOR_STORE_LOAD,
		.va = RACE_LARGE_VA,
		.stride = SZ_2M,
		.seed = THIRD,
	};
	struct igt_panthor_exec exec;
	uint64_t size;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	require_user_range(&exec, RACE_LARGE_VA + RACE_LARGE_SIZE);
	size = igt_panthor_sparse_dummy_is_huge(&exec, BASE_VA) ? RACE_LARGE_SIZE :
								  RACE_LARGE_SIZE_PAGES;
	blocks.count = size / SZ_2M;
	igt_panthor_exec_bind_sparse(&exec, BASE_VA, SZ_4M);
	igt_panthor_sparse_require_dummy(&exec);
	igt_panthor_exec_bind_sparse(&exec, RACE_LARGE_VA, size);

	race_restore_unmap_rounds(&exec, size);

	igt_panthor_exec_walk_verify(&exec, &blocks);
	igt_panthor_exec_unbind(&exec, RACE_LARGE_VA, size);
	igt_panthor_exec_neighbours_fault(&exec, RACE_LARGE_VA + PAGE, size - 2 * PAGE);
	igt_panthor_exec_bind_sparse(&exec, RACE_LARGE_VA, size);
	igt_panthor_exec_walk_verify(&exec, &blocks);
	igt_panthor_sparse_store_load(&exec, BASE_VA, SZ_4M, SECOND);
	assert_usable(&exec);
	igt_panthor_exec_fini(&exec);
}

#define RACERS 3

/* Where each process has its range: head, blocks and tail, split and whole again. */
#define RACER_VA (BASE_VA + SZ_1M)
#define RACER_SIZE SZ_8M

/*
 * Binds, uses, splits, uses, unbinds, over and over. What is loaded is not looked at:
 * the VMs of a file store to the same dummy object.
 */
static void racer(struct igt_panthor_exec *exec)
{
	struct timespec since = {};

	while (race_goes_on(&since)) {
		igt_panthor_exec_bind_sparse(exec, RACER_VA, RACER_SIZE);
		igt_panthor_exec_store_pages(exec, RACER_VA, RACER_SIZE, FIRST);
		igt_panthor_exec_unbind(exec, RACER_VA + 3 * SZ_1M, SZ_64K);
		igt_panthor_exec_store_pages(exec, RACER_VA, 3 * SZ_1M, FIRST);
		igt_panthor_exec_store_pages(exec, RACER_VA + 3 * SZ_1M + SZ_64K, SZ_4M, FIRST);
		igt_panthor_exec_unbind(exec, RACER_VA, RACER_SIZE);
	}
}

static void racer_assert(struct igt_panthor_exec *exec)
{
	igt_panthor_exec_must_fault(exec, RACER_VA, IGT_PANTHOR_LOAD);
	igt_panthor_exec_bind_sparse(exec, RACER_VA, RACER_SIZE);
	igt_panthor_sparse_store_load(exec, RACER_VA, RACER_SIZE, FIRST);
	igt_panthor_shrink(exec->fd);
	igt_panthor_sparse_store_load(exec, RACER_VA, RACER_SIZE, SECOND);
	igt_panthor_exec_neighbours_fault(exec, RACER_VA, RACER_SIZE);
	assert_usable(exec);
}

static void race_vms(int fd)
{
	struct igt_panthor_exec execs[RACERS];

	igt_panthor_require_shrink(fd);
	for (unsigned int i = 0; i < RACERS; i++)
		igt_panthor_exec_init(&execs[i], fd);

	igt_fork(child, RACERS)
		racer(&execs[child]);
	race_evict(fd);
	igt_waitchildren();

	for (unsigned int i = 0; i < RACERS; i++) {
		racer_assert(&execs[i]);
		igt_panthor_exec_fini(&execs[i]);
	}
}

/* Evictions are far between beside that: the shrinker waits for the VMs, too. */
#define RACE_BESIDE_MS 2000

/*
 * A VM keeps its address space after a job, and then each operation on it waits for the GPU's
 * caches: long enough for evictions to meet it.
 */
static void race_activate(struct igt_panthor_exec *exec)
{
	igt_panthor_exec_bind_sparse(exec, RACER_VA, RACER_SIZE);
	igt_panthor_exec_store_pages(exec, RACER_VA, SZ_64K, FIRST);
}

/* In one call: the VM's lock is free for no longer than the driver takes between two of them. */
#define REBIND_OPS 16

static void race_rebind(struct igt_panthor_exec *exec)
{
	struct drm_panthor_vm_bind_op ops[REBIND_OPS] = {};
	struct timespec since = {};

	for (unsigned int i = 0; i < REBIND_OPS; i++) {
		ops[i].va = RACE_BLOCKS_VA;
		ops[i].size = RACE_BLOCKS_SIZE;
		ops[i].flags = i % 2 ? DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP :
				       IGT_PANTHOR_SPARSE_FLAGS;
	}
	while (race_goes_on_for(&since, RACE_BESIDE_MS))
		igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, ops, REBIND_OPS, 0);
}

/* The VM without operations comes first, so that it is evicted before another is in the way. */
static void race_beside(int fd)
{
	struct igt_panthor_exec quiet, busy;
	struct timespec since = {};

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&quiet, fd);
	require_user_range(&quiet, RACE_BLOCKS_VA + RACE_BLOCKS_SIZE);
	igt_panthor_exec_bind_sparse(&quiet, RACER_VA, RACER_SIZE);
	igt_panthor_sparse_require_dummy(&quiet);
	igt_panthor_exec_init(&busy, fd);
	race_activate(&busy);

	igt_fork(child, 1)
		race_rebind(&busy);
	while (race_goes_on_for(&since, RACE_BESIDE_MS)) {
		igt_panthor_shrink(fd);
		igt_panthor_exec_store_pages(&quiet, RACER_VA, SZ_64K, FIRST);
	}
	igt_waitchildren();

	igt_panthor_sparse_store_load(&quiet, RACER_VA, RACER_SIZE, SECOND);
	igt_panthor_exec_neighbours_fault(&quiet, RACER_VA, RACER_SIZE);
	race_blocks_assert_gone(&busy);
	igt_panthor_exec_unbind(&busy, RACER_VA, RACER_SIZE);
	racer_assert(&busy);
	igt_panthor_exec_fini(&busy);
	igt_panthor_exec_fini(&quiet);
}

static void race_files(int fd)
{
	struct igt_panthor_exec execs[RACERS];
	int fds[RACERS];

	igt_panthor_require_shrink(fd);
	for (unsigned int i = 0; i < RACERS; i++) {
		fds[i] = igt_panthor_open();
		igt_panthor_exec_init(&execs[i], fds[i]);
	}

	igt_fork(child, RACERS)
		racer(&execs[child]);
	race_evict(fd);
	igt_waitchildren();

	for (unsigned int i = 0; i < RACERS; i++) {
		racer_assert(&execs[i]);
		igt_panthor_exec_fini(&execs[i]);
		igt_panthor_close(fds[i]);
	}
}

/* What the shrinker says it could reclaim, where the kernel shows that. */
#define COUNT_FILES "/sys/kernel/debug/shrinker/drm-panthor-gem-*/count"

/*
 * How long two processes bind and unbind, in batches of so many operations. What is lost is
 * lost in both directions, so it takes several looks for it not to have evened out, and BOs
 * of different sizes.
 */
#define COUNT_ROUNDS 6
#define COUNT_MS 100
#define COUNT_OPS 64

static const uint64_t count_sizes[] = { PAGE, 16 * PAGE };

/*
 * How long BOs may stay after their file was closed; and how long the count has to stay what it is
 * before anything is compared with it, since files of an earlier subtest may just have been closed.
 */
#define COUNT_SETTLE_MS 1000
#define COUNT_STILL_US 50000

/*
 * Pages; nothing is written where there are none. A sum that has become negative looks
 * huge there. False if it cannot be seen.
 */
static bool read_shrinker_count(int64_t *count)
{
	char text[64] = "";
	uint64_t pages = 0;
	glob_t found;
	int file;

	if (glob(COUNT_FILES, 0, NULL, &found))
		return false;

	file = open(found.gl_pathv[0], O_RDONLY | O_CLOEXEC);
	igt_assert_fd(file);
	igt_assert_lte(0, (int)read(file, text, sizeof(text) - 1));
	close(file);
	globfree(&found);
	igt_assert(!text[0] || sscanf(text, "%*u %" SCNu64, &pages) == 1);
	*count = pages;

	return true;
}

static bool count_is(int64_t expected, int64_t *count)
{
	igt_assert(read_shrinker_count(count));

	return *count == expected;
}

/* Whether the count stays what it was. */
static bool count_stays(int64_t *count)
{
	const int64_t last = *count;

	usleep(COUNT_STILL_US);
	return count_is(last, count);
}

/* A BO comes and goes, in a VM that no group makes active. */
static void bind_and_unbind(uint64_t size)
{
	struct drm_panthor_vm_bind_op ops[COUNT_OPS] = {};
	struct timespec since = {};
	const int fd = igt_panthor_open();
	struct panthor_bo bo;
	uint32_t vm_id;

	igt_panthor_vm_create(fd, &vm_id, 0);
	igt_panthor_bo_create(fd, &bo, size, 0, 0);
	for (unsigned int i = 0; i < COUNT_OPS; i++) {
		ops[i].va = BASE_VA;
		ops[i].size = size;
		ops[i].flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP;
		if (i % 2 == 0) {
			ops[i].flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP;
			ops[i].bo_handle = bo.handle;
		}
	}
	while (igt_nsec_elapsed(&since) / 1000000 < COUNT_MS)
		igt_panthor_vm_bind_ops(fd, vm_id, ops, COUNT_OPS, 0);
	igt_panthor_free_bo(fd, &bo);
	igt_panthor_vm_destroy(fd, vm_id, 0);
	igt_assert_eq(close(fd), 0);
}

static void race_count(int fd)
{
	int64_t before, after;

	igt_panthor_require_shrink(fd);
	igt_require_f(read_shrinker_count(&before),
		      "the kernel has no " COUNT_FILES " (CONFIG_SHRINKER_DEBUG)\n");
	igt_assert_f(igt_wait(count_stays(&before), COUNT_SETTLE_MS, 0),
		     "what the shrinker promises changes all the time\n");

	for (unsigned int i = 0; i < COUNT_ROUNDS; i++) {
		igt_fork(child, (int)ARRAY_SIZE(count_sizes))
			bind_and_unbind(count_sizes[child]);
		igt_waitchildren();
		igt_assert_f(igt_wait(count_is(before, &after), COUNT_SETTLE_MS, 10),
			     "the shrinker promises %" PRId64 " pages, and %" PRId64 " before\n",
			     after, before);
	}
}

static const struct igt_panthor_case cases[] = {
	{
		.name = "huge-64g",
		.describe = "64 GiB work, and keep no more page tables than they need",
		.run = huge_64g,
	},
	{
		.name = "huge-64g-bounded",
		.describe = "Binding 64 GiB takes little kernel memory meanwhile",
		.run = huge_64g_bounded,
	},
	{
		.name = "huge-1t",
		.describe = "1 TiB works or is refused at once, by little kernel memory",
		.run = huge_1t,
	},
	{
		.name = "huge-user-range",
		.describe = "All user addresses work or are refused at once",
		.run = huge_user_range,
	},
	{
		.name = "pressure-content",
		.describe = "Contents survive that the kernel takes the pages",
		.run = pressure_content,
	},
	{
		.name = "pressure-evicts",
		.describe = "Memory of an idle VM is there for others",
		.run = pressure_evicts,
	},
	{
		.name = "race-evict-bind",
		.describe = "Binds, evictions and jobs at once on one VM",
		.run = race_evict_bind,
	},
	{
		.name = "race-restore-unmap",
		.describe = "A range is unmapped while it is being restored",
		.run = race_restore_unmap,
	},
	{
		.name = "race-vms",
		.describe = "Binds, evictions and jobs at once on several VMs of a file",
		.run = race_vms,
	},
	{
		.name = "race-beside",
		.describe = "A VM works while evictions stop at another that is bound to",
		.run = race_beside,
	},
	{
		.name = "race-files",
		.describe = "Binds, evictions and jobs at once on several files",
		.run = race_files,
	},
	{
		.name = "race-count",
		.describe = "No page is miscounted when BOs are mapped at once",
		.run = race_count,
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
