// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <inttypes.h>
#include <string.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_kernel_memory.h"
#include "igt_memcg.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_teardown.h"

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
 * Failure mode: BOs that the kernel cannot reclaim, or that come back without their
 *	contents, when it runs short of memory.
 * Scenario: pressure-contents
 * Description: A process allocates so much memory that the kernel evicts the GPU's
 *	memory to swap.
 *
 * SUBTEST: pressure-content
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap, memory, memory cgroups
 * Description: Memory pressure evicts BOs and the dummy, and the pages of the BOs leave the memory.
 *	What the GPU stored in the BOs comes back with the next job. The sparse range beside them is
 *	readable and writable, and its hole still faults.
 *
 * SUBTEST: pressure-evicts
 * Scenario: pressure-eviction
 * Description: Memory pressure from another process evicts the dummy and at least one BO of an idle
 *	VM. The OOM killer does not kill that process. What the GPU stored in the BOs comes back
 *	with the next job, the sparse range beside them is readable and writable, and its hole still
 *	faults.
 */

IGT_TEST_DESCRIPTION("Check sparse mappings of panthor under memory pressure");

/*
 * The scenarios, and the failures that each one finds:
 *
 * 1. pressure-contents: Contents of BOs whose pages leave the memory. debugfs shrink
 *    leaves them in the page cache, where nothing can be lost.
 * 2. pressure-eviction: Evictions that the kernel asks for by itself. debugfs shrink
 *    calls the scan, and does not show what the count before it says.
 */

/* Above what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND
#define THIRD IGT_PANTHOR_THIRD

#define PRESSURE_BO_SIZE ((uint64_t)SZ_16M)
#define PRESSURE_BOS_MAX 64

/* A sparse range with a hole, beside the BOs. */
#define PRESSURE_SPARSE_VA (BASE_VA + IGT_PANTHOR_EXEC_VA_END + SZ_1M)
#define PRESSURE_SPARSE_SIZE SZ_64M
#define PRESSURE_HOLE (5 * SZ_1M)

#define PRESSURE_LABEL "under pressure"

/*
 * Deadlines for the kernel to reclaim some of the idle BOs, and all of them. For the latter, nearly
 * all of the memory has to be filled first: up to 32 s on a kernel that checks itself.
 */
#define SOME_DEADLINE_MS 20000
#define ALL_DEADLINE_MS 60000

/* Between two looks. */
#define PRESSURE_INTERVAL_MS 20

/* Shared memory that the process is charged for meanwhile, which no BO is made of. */
#define PRESSURE_SLACK SZ_1M

/**
 * pressure:
 * @exec: VM whose memory is to be evicted
 * @bo: BOs, next to each other from %BASE_VA, without CPU mappings
 * @count: number of BOs
 * @shmem: bytes of shared memory, which BOs are made of, that the process was charged for before
 *	the pressure
 */
struct pressure {
	struct igt_panthor_exec exec;
	struct panthor_bo bo[PRESSURE_BOS_MAX];
	unsigned int count;
	int64_t shmem;
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
	/* The dummy is bound first: the shrinker takes the BO first that was bound first. */
	igt_panthor_exec_bind_sparse(&p->exec, PRESSURE_SPARSE_VA, PRESSURE_SPARSE_SIZE);
	igt_panthor_sparse_require_dummy(&p->exec);
	igt_panthor_exec_unbind(&p->exec, PRESSURE_SPARSE_VA + PRESSURE_HOLE, SZ_64K);
	for (unsigned int i = 0; i < p->count; i++) {
		igt_panthor_bo_create(fd, &p->bo[i], PRESSURE_BO_SIZE, 0, 0);
		igt_panthor_bo_set_label(fd, &p->bo[i], PRESSURE_LABEL);
		igt_panthor_exec_bind_bo(&p->exec, &p->bo[i], BASE_VA + i * PRESSURE_BO_SIZE);
	}
	igt_panthor_exec_store_pages(&p->exec, BASE_VA, pressure_size(p), FIRST);
}

static void pressure_assert_contents(struct pressure *p)
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

/* The number of BOs that were evicted since they were made. */
static unsigned int count_evicted(const struct pressure *p, bool *dummy)
{
	struct igt_panthor_gems gems;
	unsigned int count = 0;

	*dummy = false;
	igt_panthor_read_gems(p->exec.fd, &gems);
	for (size_t i = 0; i < gems.count; i++) {
		const struct igt_panthor_gem *gem = &gems.gem[i];

		if (!gem->evictions)
			continue;
		if (igt_panthor_gem_is_dummy(gem, p->exec.dummy))
			*dummy = true;
		else if (!strcmp(gem->label, PRESSURE_LABEL))
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

/* Eviction leaves pages in the page cache. They are gone once no process is charged. */
static bool all_gone(const struct pressure *p)
{
	bool dummy;

	return count_evicted(p, &dummy) == p->count && dummy &&
	       igt_memcg_stat("shmem") + (int64_t)pressure_size(p) < p->shmem + PRESSURE_SLACK;
}

static bool pressure_apply(const struct pressure *p, uint64_t size,
			   bool (*done)(const struct pressure *p), unsigned int deadline_ms)
{
	struct igt_memory_filler *filler = igt_memory_filler_start(size);
	const bool reclaimed = igt_wait(done(p), deadline_ms, PRESSURE_INTERVAL_MS);

	igt_memory_filler_stop(filler);

	return reclaimed;
}

static void assert_reclaimed(bool reclaimed, unsigned int deadline_ms)
{
	igt_assert_f(reclaimed, "the kernel did not reclaim the GPU's memory within %u ms\n",
		     deadline_ms);
}

/* The child that fills the memory is charged for another kind of memory. */
static void pressure_content(int fd)
{
	struct pressure p = {};
	int64_t empty;

	igt_require_f(igt_memcg_enter(),
		      "whether pages are gone is not known: no memory cgroups\n");
	empty = igt_memcg_stat("shmem");
	pressure_init(&p, fd, 2 * PRESSURE_BO_SIZE);
	igt_require_f(
		igt_wait((p.shmem = igt_memcg_stat("shmem")) - empty >= (int64_t)pressure_size(&p),
			 SOME_DEADLINE_MS, PRESSURE_INTERVAL_MS),
		"whether pages are gone is not known: BOs are not charged\n");

	assert_reclaimed(pressure_apply(&p,
					igt_meminfo_bytes("MemAvailable") +
						igt_meminfo_bytes("SwapFree") / 2,
					all_gone, ALL_DEADLINE_MS),
			 ALL_DEADLINE_MS);
	pressure_assert_contents(&p);
	pressure_fini(&p);
	igt_memcg_leave();
}

/*
 * The memory that is asked for fits if the GPU's memory goes. The swap has room for as much of the
 * process that asks, so only a count by the driver's shrinker has the BOs evicted.
 */
static void pressure_evicts(int fd)
{
	struct pressure p = {};

	pressure_init(&p, fd, igt_meminfo_bytes("MemTotal") / 4);
	assert_reclaimed(pressure_apply(&p, igt_meminfo_bytes("MemAvailable") + pressure_size(&p),
					some_evicted, SOME_DEADLINE_MS),
			 SOME_DEADLINE_MS);
	pressure_assert_contents(&p);
	pressure_fini(&p);
}

static const struct igt_panthor_case cases[] = {
	{
		.name = "pressure-content",
		.describe = "Memory pressure evicts BOs and the dummy, and the pages of the BOs "
			    "leave the memory. What the GPU stored in the BOs comes back with the "
			    "next job. The sparse range beside them is readable and writable, and "
			    "its hole still faults.",
		.run = pressure_content,
	},
	{
		.name = "pressure-evicts",
		.describe = "Memory pressure from another process evicts the dummy and at least "
			    "one BO of an idle VM. The OOM killer does not kill that process. What "
			    "the GPU stored in the BOs comes back with the next job, the sparse "
			    "range beside them is readable and writable, and its hole still "
			    "faults.",
		.run = pressure_evicts,
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
