// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_core.h"
#include "igt_knob.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_teardown.h"

/**
 * TEST: Caching of panthor's mappings
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings, buffer objects, flags of mappings
 * Feature: flags
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap, DRM debug messages that show attributes
 * Failure mode: Uncached mappings that the page table has as cached, or the other way round.
 * Scenario: flags-map
 * Description: The attributes in the driver's debug messages of BOs and sparse ranges that are
 *	mapped with UNCACHED and without.
 *
 * SUBTEST: flags-uncached-map
 * Description: Bind a BO and a sparse range with UNCACHED and without, evict both and run a job.
 *	The driver's debug messages show every page mapped with the attribute that was asked for, by
 *	the bind and by the restore.
 *
 * SUBTEST: flags-uncached-split
 * Scenario: flags-split
 * Description: Cut a hole into blocks of a BO and of a sparse range that were bound with UNCACHED
 *	and without, evict both and run a job. The driver's debug messages show the attribute of the
 *	bind for the pages that the cut maps again, which are the rest of the block, and for those
 *	that the restore maps, all but the hole.
 */

IGT_TEST_DESCRIPTION("Check whether panthor's mappings are cached");

/*
 * The scenarios, and the failures that each one finds:
 *
 * 1. flags-map: An attribute that does not come from VM_BIND's flags to the page table. Loads and
 *    stores are the same in both cases on a GPU without caches, and nearly always on others.
 * 2. flags-split: An attribute that gets lost where a VMA is split.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE

/* Above what struct igt_panthor_exec maps, where other clients are not likely to have anything. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END + 0x7b3ull * SZ_2M)

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND

/*
 * A block and some pages. Of more blocks, the driver may copy the page tables of a sparse range,
 * and a message for each page fills the kernel's log.
 */
#define RANGE_SIZE ((uint64_t)SZ_2M + SZ_64K)
#define HOLE ((uint64_t)SZ_1M)
#define HOLE_SIZE ((uint64_t)SZ_64K)

#define LABEL "cached or not"

#define DRM_DEBUG "/sys/module/drm/parameters/debug"
#define DRM_DEBUG_DRIVER "0x2"

/* IOMMU_CACHE of the kernel's include/linux/iommu.h. */
#define PROT_CACHE 4

/**
 * range:
 * @exec: VM
 * @va: GPU virtual address
 * @sparse: a sparse range, or a BO
 * @uncached: flag of the mapping
 * @has_block: a block was mapped, not pages
 * @bo: the BO
 */
struct range {
	struct igt_panthor_exec exec;
	uint64_t va;
	bool sparse;
	bool uncached;
	bool has_block;
	struct panthor_bo bo;
};

/**
 * map_record:
 * @va: GPU virtual address
 * @size: bytes
 * @is_block: mapped by a block
 * @prot: attributes, IOMMU_* of the kernel
 *
 * A run of pages that the driver mapped (panthor_vm_map_pages()).
 */
struct map_record {
	uint64_t va;
	uint64_t size;
	bool is_block;
	unsigned int prot;
};

/* Returns: the number of values in @record, 4 if it has attributes. */
static int parse_map_record(const char *record, struct map_record *map)
{
	const char *text = strstr(record, "map: as=");
	uint64_t count = 0, size = 0;
	int values;

	/* Not a message of an unmap. */
	if (!text || (text > record && text[-1] == 'n'))
		return 0;

	values = sscanf(text,
			"map: as=%*d, iova=%*x, sz=%*u, va=%" SCNx64 ", pa=%*x, pgcnt=%" SCNu64
			", pgsz=%" SCNu64 ", prot=%x",
			&map->va, &count, &size, &map->prot);
	map->size = count * size;
	map->is_block = size == SZ_2M;

	return values;
}

static bool next_map_record(int log, struct map_record *map)
{
	char record[8192];
	ssize_t got;
	int values;

	do {
		got = read(log, record, sizeof(record) - 1);
		if (got < 0 && errno != EPIPE)
			return false;
		record[got > 0 ? got : 0] = '\0';
		values = parse_map_record(record, map);
	} while (values < 3);
	igt_require_f(values == 4, "the driver's debug messages show no attributes\n");

	return true;
}

/* Has the driver print messages until log_close(). */
static int log_open(void)
{
	const int log = igt_panthor_fault_log_open();

	igt_require_f(log >= 0, "cannot read the kernel log: %s\n", strerror(-log));
	igt_require_f(igt_knob_set(DRM_DEBUG, DRM_DEBUG_DRIVER), "cannot write to " DRM_DEBUG "\n");

	return log;
}

/* Returns: bytes of the range that were mapped since log_open(), with the right attribute. */
static uint64_t log_close(int log, struct range *range, const char *step)
{
	struct map_record map;
	uint64_t bytes = 0;

	igt_knob_restore(DRM_DEBUG);
	while (next_map_record(log, &map)) {
		const bool cached = map.prot & PROT_CACHE;

		if (map.va < range->va || map.va >= range->va + RANGE_SIZE)
			continue;
		igt_assert_f(cached == !range->uncached,
			     "%s: the page table has %#" PRIx64 " as %s, expected %s\n", step,
			     map.va, cached ? "cached" : "uncached",
			     range->uncached ? "uncached" : "cached");
		bytes += map.size;
		range->has_block |= map.is_block;
	}
	close(log);

	return bytes;
}

static void range_bind(struct range *range)
{
	const uint32_t flags =
		(range->sparse ? IGT_PANTHOR_SPARSE_FLAGS : IGT_PANTHOR_BO_MAP_FLAGS) |
		(range->uncached ? DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED : 0);

	igt_panthor_vm_bind(range->exec.fd, range->exec.vm_id, range->sparse ? 0 : range->bo.handle,
			    range->va, RANGE_SIZE, flags, 0);
}

static void range_init(struct range *range, int fd, bool sparse, bool uncached)
{
	*range = (struct range){ .va = BASE_VA, .sparse = sparse, .uncached = uncached };
	igt_panthor_exec_init(&range->exec, fd);
	if (sparse)
		return;
	igt_panthor_bo_create(fd, &range->bo, RANGE_SIZE, 0, 0);
	igt_panthor_bo_set_label(fd, &range->bo, LABEL);
}

static void range_fini(struct range *range)
{
	igt_panthor_exec_fini(&range->exec);
	if (!range->sparse)
		igt_panthor_free_bo(range->exec.fd, &range->bo);
}

static void range_evict(struct range *range)
{
	if (range->sparse)
		igt_panthor_evict_dummy(range->exec.fd, range->exec.dummy);
	else
		igt_panthor_evict_gem(range->exec.fd, LABEL);
}

static void assert_bytes(uint64_t bytes, uint64_t expected, const char *step)
{
	igt_assert_f(bytes == expected,
		     "%s: %" PRIu64 " KiB were mapped, expected %" PRIu64 " KiB\n", step,
		     bytes / 1024, expected / 1024);
}

/* The submission restores the mappings. */
static void restore(struct range *range, uint64_t expected)
{
	const struct igt_panthor_walk store =
		igt_panthor_pages(IGT_PANTHOR_STORE, range->va, PAGE, SECOND);
	uint64_t bytes;
	int log;

	range_evict(range);
	log = log_open();
	igt_panthor_exec_start(&range->exec, &store, NULL, 0);
	bytes = log_close(log, range, "restore");
	igt_panthor_exec_finish(&range->exec);
	assert_bytes(bytes, expected, "restore");
}

static void uncached_map(struct range *range)
{
	const int log = log_open();

	range_bind(range);
	assert_bytes(log_close(log, range, "bind"), RANGE_SIZE, "bind");
	if (range->sparse)
		igt_panthor_sparse_require_dummy(&range->exec);
	igt_panthor_sparse_store_load(&range->exec, range->va, RANGE_SIZE, FIRST);
	/* Once for BOs and once for sparse ranges: a group takes long to replace. */
	if (range->uncached)
		igt_panthor_exec_neighbours_fault(&range->exec, range->va, RANGE_SIZE);

	restore(range, RANGE_SIZE);
	igt_panthor_sparse_store_load(&range->exec, range->va, RANGE_SIZE, SECOND);
}

/* If the block was mapped by pages, the cut may leave the others as they are. */
static void uncached_split(struct range *range)
{
	const uint64_t rest = SZ_2M - HOLE_SIZE;
	uint64_t bytes;
	int log = log_open();

	range_bind(range);
	assert_bytes(log_close(log, range, "bind"), RANGE_SIZE, "bind");
	if (range->sparse)
		igt_panthor_sparse_require_dummy(&range->exec);
	igt_panthor_sparse_store_load(&range->exec, range->va, RANGE_SIZE, FIRST);

	log = log_open();
	igt_panthor_exec_unbind(&range->exec, range->va + HOLE, HOLE_SIZE);
	bytes = log_close(log, range, "cut");
	igt_info("%" PRIu64 " KiB were mapped beside the hole\n", bytes / 1024);
	if (bytes || range->has_block)
		assert_bytes(bytes, rest, "cut");

	restore(range, RANGE_SIZE - HOLE_SIZE);
	igt_panthor_sparse_store_load(&range->exec, range->va, HOLE, SECOND);
	igt_panthor_sparse_store_load(&range->exec, range->va + HOLE + HOLE_SIZE,
				      RANGE_SIZE - HOLE - HOLE_SIZE, SECOND);
	if (range->uncached)
		igt_panthor_exec_must_fault(&range->exec, range->va + HOLE, IGT_PANTHOR_LOAD);
}

static void for_each_range(int fd, void (*check)(struct range *range))
{
	igt_panthor_require_shrink(fd);
	for (unsigned int i = 0; i < 4; i++) {
		struct range range;

		range_init(&range, fd, i & 1, i & 2);
		check(&range);
		range_fini(&range);
	}
}

static void flags_uncached_map(int fd)
{
	for_each_range(fd, uncached_map);
}

static void flags_uncached_split(int fd)
{
	for_each_range(fd, uncached_split);
}

static const struct igt_panthor_case cases[] = {
	{
		.name = "flags-uncached-map",
		.describe =
			"Bind a BO and a sparse range with UNCACHED and without, evict both and "
			"run a job. The driver's debug messages show every page mapped with the "
			"attribute that was asked for, by the bind and by the restore.",
		.run = flags_uncached_map,
	},
	{
		.name = "flags-uncached-split",
		.describe = "Cut a hole into blocks of a BO and of a sparse range that were bound "
			    "with UNCACHED and without, evict both and run a job. The driver's "
			    "debug messages show the attribute of the bind for the pages that the "
			    "cut maps again, which are the rest of the block, and for those that "
			    "the restore maps, all but the hole.",
		.run = flags_uncached_split,
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
