// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_kernel_memory.h"
#include "igt_knob.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_swap.h"
#include "igt_teardown.h"

/**
 * TEST: Values that panthor's shrinker reports to the kernel
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: buffer objects, eviction
 * Feature: scan
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap, /proc/sys/vm/drop_caches
 * Failure mode: A request of the kernel for memory that ends while there is more to reclaim, or
 *	goes on while there is nothing to reclaim.
 * Scenario: scan-goes-on
 * Description: The kernel asks the shrinker for all its pages once, in scans of few pages each.
 *
 * SUBTEST: scan-idle
 * Description: One reclaim request covers all pages of an idle VM, whose BOs fill many scans. All
 *	BOs are evicted, and the next job finds their contents.
 *
 * SUBTEST: scan-unused
 * Description: One reclaim request covers all pages of BOs that no VM maps and that fill many
 *	scans. All BOs are evicted. Their contents are there when they are mapped again.
 *
 * SUBTEST: scan-pages
 * Scenario: scan-pages
 * Description: Scan for one page, for more pages than one of two VMs has, and for all. Each scan
 *	reports as many pages as the BOs lost. The first two reclaim what was asked for, and less
 *	than 2 MiB more. After the last one, all BOs of both VMs are evicted, and the next jobs find
 *	their contents.
 *
 * SUBTEST: scan-beside-busy
 * Scenario: scan-little
 * Description: One reclaim request covers all pages of a VM with a running job and of two idle VMs,
 *	one scanned before it and one behind it. All BOs of the idle VMs are evicted, none of the
 *	busy one. Fewer than 1024 pages are scanned in vain. The next jobs of all VMs find the
 *	contents of the BOs.
 *
 * SUBTEST: scan-busy
 * Scenario: scan-nothing
 * Description: One reclaim request covers all pages of a VM with a running job. No BO is evicted,
 *	and fewer pages are scanned than the VM has. The next job finds the contents of the BOs.
 */

/**
 * TEST: Eviction by panthor without free swap space
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: buffer objects, sparse mappings, eviction
 * Feature: noswap
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap areas that can be turned off
 * Failure mode: BOs that are evicted although their pages cannot be freed.
 * Scenario: noswap
 * Description: Eviction is asked for while no swap space is free.
 *
 * SUBTEST: noswap-none
 * Description: Turn all swap areas off and run the shrinker. The shrinker reports no pages. The
 *	dummy, and BOs that are mapped by the GPU, by the CPU and not at all, keep their pages, and
 *	the BOs their contents. After swap is back, dummy and BOs are evicted. Then, the BOs have
 *	their contents, the sparse range is readable and writable, and the neighbours of each fault.
 *
 * SUBTEST: noswap-full
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap areas that can be turned off, zram
 * Description: Replace all swap areas by a small one, fill it and run the shrinker. The shrinker
 *	reports no pages. The dummy, and BOs that are mapped by the GPU, by the CPU and not at all,
 *	keep their pages, and the BOs their contents. After swap is back, dummy and BOs are evicted.
 *	Then, the BOs have their contents, the sparse range is readable and writable, and the
 *	neighbours of each fault.
 */

/**
 * TEST: CPU mappings of panthor under memory pressure
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: buffer objects, CPU mappings, eviction, stress
 * Feature: pressure
 * Test category: stress test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap, memory
 * Failure mode: CPU mappings of pages that were given back to the kernel.
 * Scenario: pressure-cpu
 * Description: Memory pressure from another process evicts BOs that the CPU has mapped.
 *
 * SUBTEST: pressure-cpu-write
 * Description: Memory pressure evicts BOs that CPU and GPU have mapped, and frees 16 MiB of shared
 *	memory. The CPU finds in each page what it wrote there, by at least one page fault for each
 *	huge page of evicted BOs. The GPU finds in each page what the CPU writes after that, and the
 *	neighbours of the BOs fault.
 */

IGT_TEST_DESCRIPTION("Check what panthor gives back when the kernel asks for memory");

/*
 * The scenarios, and the failures that each one finds:
 *
 * 1. scan-goes-on: A scan that freed pages and ends the request. debugfs shrink makes one scan, and
 *    does not show whether it would end a request.
 * 2. scan-pages: Pages of a scan of several VMs that do not add up. Reclaim takes too much, or too
 *    little.
 * 3. scan-little: A scan that freed some pages, left others, and ends the request.
 * 4. scan-nothing: Scans that free nothing and do not end the request. The kernel repeats them
 *    until it has asked for twice the pages that the driver counts. Each scan waits for jobs.
 * 5. noswap: Scans that do not look for free swap.
 * 6. pressure-cpu: Evictions by the kernel that leave CPU mappings. Tests of CPU mappings evict by
 *    debugfs shrink, which leaves the pages in the page cache.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE

/* Above what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND

/*
 * scan-*
 */

/*
 * The kernel asks for 128 pages in a scan (SHRINK_BATCH), as many as a BO has. Twice the pages of
 * all BOs are 16 scans.
 */
#define SCAN_PAGES 128
#define SCAN_BOS 8

/* Each scan waits for the job of the busy VM first. */
#define SCAN_BOS_BESIDE_BUSY 4

#define DROP_CACHES "/proc/sys/vm/drop_caches"

/**
 * scan:
 * @exec: VM
 * @label: label of its BOs
 * @bo: BOs, next to each other from %BASE_VA
 * @count: number of BOs
 */
struct scan {
	struct igt_panthor_exec exec;
	const char *label;
	struct panthor_bo bo[SCAN_BOS];
	unsigned int count;
};

static uint64_t scan_bo_size(void)
{
	return SCAN_PAGES * igt_panthor_cpu_page_size();
}

static uint64_t scan_size(const struct scan *s)
{
	return s->count * scan_bo_size();
}

/*
 * Has the kernel ask each shrinker for twice what it counts, until it gives up, as for an
 * allocation that fails. The kernel repeats that as long as it frees something.
 *
 * Returns: the number of pages and objects in scans that did not give up.
 */
static uint64_t drop_slabs(void)
{
	const uint64_t before = igt_vmstat("slabs_scanned");

	igt_require_f(igt_knob_write(DROP_CACHES, "2"), "cannot write to " DROP_CACHES "\n");

	return igt_vmstat("slabs_scanned") - before;
}

static void scan_init(struct scan *s, int fd, const char *label, unsigned int count)
{
	igt_panthor_require_shrink(fd);
	s->label = label;
	s->count = count;
	igt_panthor_exec_init(&s->exec, fd);
	for (unsigned int i = 0; i < s->count; i++) {
		igt_panthor_bo_create(fd, &s->bo[i], scan_bo_size(), 0, 0);
		igt_panthor_bo_set_label(fd, &s->bo[i], label);
		igt_panthor_exec_bind_bo(&s->exec, &s->bo[i], BASE_VA + i * scan_bo_size());
	}
	igt_panthor_exec_store_pages(&s->exec, BASE_VA, scan_size(s), FIRST);
	/* Frees what others have to free, so that the next request is for these BOs. */
	drop_slabs();
	igt_panthor_exec_store_pages(&s->exec, BASE_VA, scan_size(s), SECOND);
}

static void scan_assert_evicted(const struct scan *s, unsigned int expected)
{
	struct igt_panthor_gems gems;
	unsigned int evicted = 0;

	igt_panthor_read_gems(s->exec.fd, &gems);
	for (size_t i = 0; i < gems.count; i++)
		evicted += !strcmp(gems.gem[i].label, s->label) && !gems.gem[i].resident;
	igt_panthor_free_gems(&gems);
	igt_assert_f(evicted == expected, "%u of %u BOs of the %s VM are evicted, expected %u\n",
		     evicted, s->count, s->label, expected);
}

static void scan_fini(struct scan *s)
{
	const struct igt_panthor_walk load =
		igt_panthor_pages(IGT_PANTHOR_LOAD, BASE_VA, scan_size(s), SECOND);

	igt_panthor_exec_walk_verify(&s->exec, &load);
	igt_panthor_exec_fini(&s->exec);
	for (unsigned int i = 0; i < s->count; i++)
		igt_panthor_free_bo(s->exec.fd, &s->bo[i]);
}

static void scan_idle(int fd)
{
	struct scan idle;

	scan_init(&idle, fd, "idle", SCAN_BOS);
	drop_slabs();
	scan_assert_evicted(&idle, SCAN_BOS);
	scan_fini(&idle);
}

static void scan_unused(int fd)
{
	struct scan idle;

	scan_init(&idle, fd, "idle", SCAN_BOS);
	igt_panthor_exec_unbind(&idle.exec, BASE_VA, scan_size(&idle));
	drop_slabs();
	scan_assert_evicted(&idle, SCAN_BOS);

	for (unsigned int i = 0; i < idle.count; i++)
		igt_panthor_exec_bind_bo(&idle.exec, &idle.bo[i], BASE_VA + i * scan_bo_size());
	scan_fini(&idle);
}

/* A scan evicts BOs as a whole. The largest one that it may meet is a dummy. */
#define SCAN_EXCESS (IGT_PANTHOR_DUMMY_SIZE / igt_panthor_cpu_page_size())

/* Other files may just have been closed. */
#define SETTLE_DEADLINE_MS IGT_PANTHOR_RELEASE_DEADLINE_MS
#define SETTLE_US 50000

static uint64_t count_resident(int fd)
{
	struct igt_panthor_gems gems;
	uint64_t bytes;

	igt_panthor_read_gems(fd, &gems);
	bytes = gems.resident;
	igt_panthor_free_gems(&gems);

	return bytes;
}

static bool stays_resident(int fd, uint64_t *bytes)
{
	*bytes = count_resident(fd);
	usleep(SETTLE_US);

	return count_resident(fd) == *bytes;
}

/* Returns: the number of pages that a scan for @pages tells. */
static uint64_t assert_scan_adds_up(int fd, uint64_t pages)
{
	uint64_t before, lost, told;

	igt_require_f(igt_wait(stays_resident(fd, &before), SETTLE_DEADLINE_MS, 0),
		      "BOs come and go all the time\n");
	igt_panthor_shrink_pages(fd, pages);
	told = igt_panthor_shrink_result(fd);
	lost = (before - count_resident(fd)) / sysconf(_SC_PAGESIZE);
	igt_info("asked for %" PRIu64 " pages, told %" PRIu64 "\n", pages, told);
	if (told != lost)
		igt_panthor_require_alone(fd);
	igt_assert_f(told == lost, "the scan tells %" PRIu64 " pages, BOs lost %" PRIu64 "\n", told,
		     lost);

	return told;
}

static void scan_pages(int fd)
{
	const uint64_t asked[] = { 1, 2 * SCAN_BOS_BESIDE_BUSY * SCAN_PAGES };
	struct scan first, second;
	uint64_t told;

	scan_init(&first, fd, "first", SCAN_BOS_BESIDE_BUSY);
	scan_init(&second, fd, "second", SCAN_BOS_BESIDE_BUSY);
	for (unsigned int i = 0; i < ARRAY_SIZE(asked); i++) {
		igt_panthor_exec_store_pages(&first.exec, BASE_VA, scan_size(&first), SECOND);
		igt_panthor_exec_store_pages(&second.exec, BASE_VA, scan_size(&second), SECOND);
		told = assert_scan_adds_up(fd, asked[i]);
		igt_assert_f(told >= asked[i] && told < asked[i] + SCAN_EXCESS,
			     "a scan for %" PRIu64 " pages took %" PRIu64 "\n", asked[i], told);
	}

	assert_scan_adds_up(fd, UINT32_MAX);
	scan_assert_evicted(&first, SCAN_BOS_BESIDE_BUSY);
	scan_assert_evicted(&second, SCAN_BOS_BESIDE_BUSY);
	scan_fini(&second);
	scan_fini(&first);
}

/* The kernel counts the pages of scans that freed something or are to be repeated. */
static void assert_ends(uint64_t scanned, unsigned int freed)
{
	const unsigned int pages = freed + SCAN_BOS * SCAN_PAGES;

	igt_info("%" PRIu64 " pages and objects scanned\n", scanned);
	igt_assert_f(scanned < pages,
		     "the kernel scanned %" PRIu64 " pages and objects, expected fewer than %u\n",
		     scanned, pages);
}

static void scan_busy(int fd)
{
	struct scan busy;
	uint64_t scanned;

	scan_init(&busy, fd, "busy", SCAN_BOS);
	igt_panthor_exec_pause(&busy.exec, NULL, NULL);
	scanned = drop_slabs();
	assert_ends(scanned, 0);
	scan_assert_evicted(&busy, 0);
	igt_panthor_exec_resume(&busy.exec);
	scan_fini(&busy);
}

/*
 * A scan comes to the VM first whose last job was submitted first, in the driver as released to the
 * VM that was restored last. The busy VM is between the idle ones in either order. The driver as
 * released waits for each BO of the busy VM whenever it comes to it, and the job must not time out:
 * the busy VM and the first idle one, which it scans last, have one BO each.
 */
static void scan_beside_busy(int fd)
{
	struct scan before, busy, behind;
	uint64_t scanned;

	scan_init(&before, fd, "first idle", 1);
	scan_init(&busy, fd, "busy", 1);
	scan_init(&behind, fd, "second idle", SCAN_BOS_BESIDE_BUSY);
	igt_panthor_exec_store_pages(&before.exec, BASE_VA, scan_size(&before), SECOND);
	igt_panthor_exec_store_pages(&busy.exec, BASE_VA, scan_size(&busy), SECOND);
	igt_panthor_exec_pause(&busy.exec, NULL, NULL);
	igt_panthor_exec_store_pages(&behind.exec, BASE_VA, scan_size(&behind), SECOND);
	scanned = drop_slabs();
	assert_ends(scanned, (1 + SCAN_BOS_BESIDE_BUSY) * SCAN_PAGES);
	scan_assert_evicted(&busy, 0);
	scan_assert_evicted(&before, 1);
	scan_assert_evicted(&behind, SCAN_BOS_BESIDE_BUSY);
	igt_panthor_exec_resume(&busy.exec);
	scan_fini(&behind);
	scan_fini(&busy);
	scan_fini(&before);
}

/*
 * noswap-*
 */

#define NOSWAP_BO_SIZE ((uint64_t)SZ_256K)
#define NOSWAP_SWAP_SIZE SZ_1M

/* Where the BOs are, and a sparse range of several blocks. */
#define NOSWAP_VA(i) (BASE_VA + (i) * (uint64_t)SZ_2M)
#define NOSWAP_SPARSE_VA (BASE_VA + IGT_PANTHOR_EXEC_VA_END)
#define NOSWAP_SPARSE_SIZE ((uint64_t)SZ_4M)

/* On which list the driver has a BO depends on who maps it. */
enum user {
	BY_GPU,
	BY_CPU,
	BY_NOBODY,
	USERS,
};

static const char *const labels[USERS] = {
	[BY_GPU] = "used by GPU",
	[BY_CPU] = "used by CPU",
	[BY_NOBODY] = "used by nobody",
};

/**
 * noswap:
 * @exec: VM with a sparse range
 * @bo: BOs
 */
struct noswap {
	struct igt_panthor_exec exec;
	struct panthor_bo bo[USERS];
};

static void noswap_init(struct noswap *n, int fd)
{
	struct igt_panthor_exec *exec = &n->exec;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(exec, fd);
	igt_panthor_exec_bind_sparse(exec, NOSWAP_SPARSE_VA, NOSWAP_SPARSE_SIZE);
	igt_panthor_sparse_require_dummy(exec);
	for (unsigned int i = 0; i < USERS; i++) {
		struct panthor_bo *bo = &n->bo[i];

		if (i == BY_CPU)
			igt_panthor_bo_create_mapped(fd, bo, NOSWAP_BO_SIZE, 0, 0);
		else
			igt_panthor_bo_create(fd, bo, NOSWAP_BO_SIZE, 0, 0);
		igt_panthor_bo_set_label(fd, bo, labels[i]);
		igt_panthor_exec_bind_bo(exec, bo, NOSWAP_VA(i));
		igt_panthor_exec_store_pages(exec, NOSWAP_VA(i), bo->size, FIRST);
		if (i != BY_GPU)
			igt_panthor_exec_unbind(exec, NOSWAP_VA(i), bo->size);
	}
	igt_panthor_bo_assert_holds(&n->bo[BY_CPU], NOSWAP_VA(BY_CPU), FIRST);
}

static struct igt_panthor_gem noswap_gem(const struct noswap *n, unsigned int i)
{
	struct igt_panthor_gem gem;

	igt_assert(igt_panthor_find_gem(n->exec.fd, labels[i], &gem));
	return gem;
}

static void noswap_assert_resident(const struct noswap *n)
{
	for (unsigned int i = 0; i < USERS; i++) {
		const struct igt_panthor_gem gem = noswap_gem(n, i);

		igt_assert_f(gem.resident == gem.size && !gem.evictions,
			     "the BO \"%s\" was evicted without free swap\n", labels[i]);
	}
	igt_assert_f(igt_panthor_dummy_resident(n->exec.fd, n->exec.dummy),
		     "the dummy was evicted without free swap\n");
}

static void noswap_assert_contents(struct noswap *n)
{
	struct igt_panthor_exec *exec = &n->exec;

	igt_panthor_bo_assert_holds(&n->bo[BY_CPU], NOSWAP_VA(BY_CPU), FIRST);
	for (unsigned int i = 0; i < USERS; i++) {
		const struct igt_panthor_walk load =
			igt_panthor_pages(IGT_PANTHOR_LOAD, NOSWAP_VA(i), n->bo[i].size, FIRST);

		if (i != BY_GPU)
			igt_panthor_exec_bind_bo(exec, &n->bo[i], NOSWAP_VA(i));
		igt_panthor_exec_walk_verify(exec, &load);
		igt_panthor_exec_neighbours_fault(exec, NOSWAP_VA(i), n->bo[i].size);
		if (i != BY_GPU)
			igt_panthor_exec_unbind(exec, NOSWAP_VA(i), n->bo[i].size);
	}
	igt_panthor_sparse_store_load(exec, NOSWAP_SPARSE_VA, NOSWAP_SPARSE_SIZE, SECOND);
	igt_panthor_exec_neighbours_fault(exec, NOSWAP_SPARSE_VA, NOSWAP_SPARSE_SIZE);
}

/* As often as there are lists of BOs: a scan that frees nothing may be repeated. */
static void ask_for_eviction(int fd)
{
	for (unsigned int i = 0; i < USERS; i++)
		igt_panthor_shrink(fd);
	drop_slabs();
}

static void noswap(int fd, bool small)
{
	struct noswap n = {};

	noswap_init(&n, fd);
	igt_require_f(igt_swap_off(), "swap areas cannot be turned off\n");
	if (small)
		igt_require_f(igt_swap_add(NOSWAP_SWAP_SIZE) && igt_swap_fill(),
			      "no swap area can be made and filled\n");

	ask_for_eviction(fd);
	noswap_assert_resident(&n);
	igt_assert_eq_u64(igt_panthor_shrink_result(fd), 0);
	noswap_assert_contents(&n);

	igt_swap_restore();
	igt_panthor_evict_dummy(fd, n.exec.dummy);
	for (unsigned int i = 0; i < USERS; i++)
		igt_panthor_evict_gem(fd, labels[i]);
	noswap_assert_contents(&n);

	igt_panthor_exec_fini(&n.exec);
	for (unsigned int i = 0; i < USERS; i++)
		igt_panthor_free_bo(fd, &n.bo[i]);
}

static void noswap_none(int fd)
{
	noswap(fd, false);
}

static void noswap_full(int fd)
{
	noswap(fd, true);
}

/*
 * pressure-cpu-*
 */

#define PRESSURE_BO_SIZE ((uint64_t)SZ_16M)
#define PRESSURE_BOS_MAX 16
#define PRESSURE_LABEL "written by the CPU"

/* When the kernel must have freed as many pages of BOs as a BO has. */
#define PRESSURE_DEADLINE_MS 20000
#define PRESSURE_INTERVAL_MS 20

/**
 * pressure:
 * @exec: VM with the BOs next to each other from %BASE_VA
 * @bo: BOs with a CPU mapping
 * @count: number of BOs
 * @shmem: bytes of shared memory, which BOs are made of, before the pressure
 */
struct pressure {
	struct igt_panthor_exec exec;
	struct panthor_bo bo[PRESSURE_BOS_MAX];
	unsigned int count;
	uint64_t shmem;
};

static uint64_t pressure_va(unsigned int i)
{
	return BASE_VA + i * PRESSURE_BO_SIZE;
}

static void cpu_write(const struct panthor_bo *bo, uint64_t va, uint32_t seed)
{
	for (uint64_t offset = 0; offset < bo->size; offset += PAGE)
		*(volatile uint32_t *)((char *)bo->map + offset) =
			igt_panthor_pattern(va + offset, seed);
}

static void pressure_init(struct pressure *p, int fd)
{
	uint64_t size;

	igt_panthor_require_shrink(fd);
	p->count = min(igt_meminfo_bytes("MemTotal") / 8 / PRESSURE_BO_SIZE,
		       (uint64_t)PRESSURE_BOS_MAX);
	size = p->count * PRESSURE_BO_SIZE;
	igt_require_f(p->count && igt_meminfo_bytes("MemAvailable") > 2 * size &&
			      igt_meminfo_bytes("SwapFree") > 2 * size,
		      "needs %" PRIu64 " MiB of free memory, and of swap\n", 2 * size / SZ_1M);

	igt_panthor_exec_init(&p->exec, fd);
	for (unsigned int i = 0; i < p->count; i++) {
		igt_panthor_bo_create_mapped(fd, &p->bo[i], PRESSURE_BO_SIZE, 0, 0);
		igt_panthor_bo_set_label(fd, &p->bo[i], PRESSURE_LABEL);
		igt_panthor_exec_bind_bo(&p->exec, &p->bo[i], pressure_va(i));
		cpu_write(&p->bo[i], pressure_va(i), FIRST);
	}
	__sync_synchronize();
	p->shmem = igt_meminfo_bytes("Shmem");
}

static unsigned int pressure_evicted(const struct pressure *p)
{
	struct igt_panthor_gems gems;
	unsigned int count = 0;

	igt_panthor_read_gems(p->exec.fd, &gems);
	for (size_t i = 0; i < gems.count; i++)
		count += !strcmp(gems.gem[i].label, PRESSURE_LABEL) && !gems.gem[i].resident;
	igt_panthor_free_gems(&gems);

	return count;
}

/* Eviction leaves pages in the page cache. The kernel frees them after it has swapped them out. */
static bool some_freed(const struct pressure *p)
{
	return pressure_evicted(p) && igt_meminfo_bytes("Shmem") + PRESSURE_BO_SIZE <= p->shmem;
}

static void pressure_apply(const struct pressure *p)
{
	const uint64_t size = igt_meminfo_bytes("MemAvailable") + p->count * PRESSURE_BO_SIZE;
	struct igt_memory_filler *filler = igt_memory_filler_start(size);
	const bool freed = igt_wait(some_freed(p), PRESSURE_DEADLINE_MS, PRESSURE_INTERVAL_MS);

	igt_memory_filler_stop(filler);
	igt_assert_f(freed, "the kernel did not free pages of BOs within %d ms\n",
		     PRESSURE_DEADLINE_MS);
}

/* The most that a page fault maps: as much as a page of the lowest page table has entries for. */
static uint64_t cpu_huge_page_size(void)
{
	return igt_panthor_cpu_page_size() * (igt_panthor_cpu_page_size() / sizeof(uint64_t));
}

static long count_faults(void)
{
	struct rusage usage;

	igt_assert_eq(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_minflt + usage.ru_majflt;
}

/*
 * Nothing writes to a BO before all were read: a write to pages that were given back may go
 * anywhere, and a job needs writes to the BOs of its streams.
 */
static void pressure_assert_contents(const struct pressure *p)
{
	const unsigned int evicted = pressure_evicted(p);
	const long expected = evicted * max(PRESSURE_BO_SIZE / cpu_huge_page_size(), UINT64_C(1));
	long faults = -count_faults();

	igt_assert_lt(0, evicted);
	for (unsigned int i = 0; i < p->count; i++)
		igt_panthor_bo_assert_holds(&p->bo[i], pressure_va(i), FIRST);
	faults += count_faults();
	igt_info("%u of %u BOs evicted, %ld page faults of the CPU\n", evicted, p->count, faults);
	igt_assert_f(faults >= expected,
		     "%ld page faults of the CPU in %u evicted BOs, expected %ld at least\n", faults,
		     evicted, expected);
}

static void pressure_cpu_write(int fd)
{
	struct pressure p = {};
	struct igt_panthor_walk load;

	pressure_init(&p, fd);
	pressure_apply(&p);
	pressure_assert_contents(&p);

	for (unsigned int i = 0; i < p.count; i++)
		cpu_write(&p.bo[i], pressure_va(i), SECOND);
	__sync_synchronize();
	load = igt_panthor_pages(IGT_PANTHOR_LOAD, BASE_VA, p.count * PRESSURE_BO_SIZE, SECOND);
	igt_panthor_exec_walk_verify(&p.exec, &load);
	igt_panthor_exec_neighbours_fault(&p.exec, BASE_VA, p.count * PRESSURE_BO_SIZE);

	igt_panthor_exec_fini(&p.exec);
	for (unsigned int i = 0; i < p.count; i++)
		igt_panthor_free_bo(fd, &p.bo[i]);
}

static const struct igt_panthor_case cases[] = {
	{
		.name = "scan-idle",
		.describe = "One reclaim request covers all pages of an idle VM, whose BOs fill "
			    "many scans. All BOs are evicted, and the next job finds their "
			    "contents.",
		.run = scan_idle,
	},
	{
		.name = "scan-unused",
		.describe = "One reclaim request covers all pages of BOs that no VM maps and that "
			    "fill many scans. All BOs are evicted. Their contents are there when "
			    "they are mapped again.",
		.run = scan_unused,
	},
	{
		.name = "scan-pages",
		.describe = "Scan for one page, for more pages than one of two VMs has, and for "
			    "all. Each scan reports as many pages as the BOs lost. The first two "
			    "reclaim what was asked for, and less than 2 MiB more. After the last "
			    "one, all BOs of both VMs are evicted, and the next jobs find their "
			    "contents.",
		.run = scan_pages,
	},
	{
		.name = "scan-beside-busy",
		.describe = "One reclaim request covers all pages of a VM with a running job and "
			    "of two idle VMs, one scanned before it and one behind it. All BOs of "
			    "the idle VMs are evicted, none of the busy one. Fewer than 1024 pages "
			    "are scanned in vain. The next jobs of all VMs find the contents of "
			    "the BOs.",
		.run = scan_beside_busy,
	},
	{
		.name = "scan-busy",
		.describe = "One reclaim request covers all pages of a VM with a running job. No "
			    "BO is evicted, and fewer pages are scanned than the VM has. The next "
			    "job finds the contents of the BOs.",
		.run = scan_busy,
	},
	{
		.name = "noswap-none",
		.describe = "Turn all swap areas off and run the shrinker. The shrinker reports no "
			    "pages. The dummy, and BOs that are mapped by the GPU, by the CPU and "
			    "not at all, keep their pages, and the BOs their contents. After swap "
			    "is back, dummy and BOs are evicted. Then, the BOs have their "
			    "contents, the sparse range is readable and writable, and the "
			    "neighbours of each fault.",
		.run = noswap_none,
	},
	{
		.name = "noswap-full",
		.describe = "Replace all swap areas by a small one, fill it and run the shrinker. "
			    "The shrinker reports no pages. The dummy, and BOs that are mapped by "
			    "the GPU, by the CPU and not at all, keep their pages, and the BOs "
			    "their contents. After swap is back, dummy and BOs are evicted. Then, "
			    "the BOs have their contents, the sparse range is readable and "
			    "writable, and the neighbours of each fault.",
		.run = noswap_full,
	},
	{
		.name = "pressure-cpu-write",
		.describe = "Memory pressure evicts BOs that CPU and GPU have mapped, and frees 16 "
			    "MiB of shared memory. The CPU finds in each page what it wrote there, "
			    "by at least one page fault for each huge page of evicted BOs. The GPU "
			    "finds in each page what the CPU writes after that, and the neighbours "
			    "of the BOs fault.",
		.run = pressure_cpu_write,
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
			igt_panthor_with_device(fd) c->run(fd);
		igt_fixture()
			igt_teardown();
	}
}
