// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <inttypes.h>
#include <sys/mman.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_teardown.h"

/**
 * TEST: What sparse mappings of panthor keep to themselves
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: leak
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs for some
 * Failure mode: Contents of another file or process, stores that land in a BO, memory
 *	that is never given back.
 * Description: Nothing that is stored through a sparse range may be seen by another
 *	file, or change a BO.
 *
 * SUBTEST: leak-fresh
 * Description: The first loads from the sparse ranges of a file bring zeros, though
 *	memory with other contents was given back just before.
 *
 * SUBTEST: leak-two-files
 * Run type: BAT, FULL
 * Description: What is stored through the sparse range of one file is not seen
 *	through that of another one, opened before or after.
 *
 * SUBTEST: leak-two-processes
 * Description: The same for files of other processes.
 *
 * SUBTEST: leak-reopen
 * Description: What is stored through the sparse range of a file is not seen
 *	through that of a file opened after it was closed, by the same process or
 *	another one.
 *
 * SUBTEST: leak-reopen-busy
 * Description: The same for a file that is closed while its job runs.
 *
 * SUBTEST: leak-close
 * Run type: BAT, FULL
 * Description: The object behind the sparse ranges of a file goes away with the
 *	file, whatever number of VMs it has.
 *
 * SUBTEST: leak-close-vms
 * Description: The same when the VMs are destroyed before.
 *
 * SUBTEST: leak-edges
 * Run type: BAT, FULL
 * Description: Stores to what is left of a sparse range beside BOs that were mapped
 *	over it do not change the BOs.
 *
 * SUBTEST: leak-edges-evicted
 * Description: The same with the sparse range evicted in between.
 *
 * SUBTEST: leak-over-bo
 * Description: Stores to a sparse range over the middle of a BO change nothing of
 *	the BO, neither there nor beside it, and are not seen beside it.
 */

IGT_TEST_DESCRIPTION("Check that nothing leaks out of sparse mappings of panthor");

/*
 * The scenarios, and the failure that each one hunts:
 *
 * 1. leak-fresh, leak-two-*, leak-reopen*: memory behind sparse ranges that is
 *    shared by those who must not know of each other, or not cleared.
 * 2. leak-close*: memory that nobody can reach and nobody gets back.
 * 3. leak-edges*, leak-over-bo: what is mapped again beside a new mapping is
 *    mapped to the wrong memory.
 *
 * The uAPI leaves open what a load from a sparse range brings; but whatever it
 * is, it must not be of others. So each file stores values of its own, a word in
 * every cache line of 2 MiB, the most that is known to be behind the ranges.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define BLOCK IGT_PANTHOR_DUMMY_SIZE
#define LINE 64

/* 2 MiB-aligned, and free of what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)

/* The most VMs of a file (PANTHOR_MAX_VMS_PER_FILE in panthor_mmu.c). */
#define MAX_VMS 32

/* When the memory of a closed file must be back: VMs and groups are released later. */
#define RELEASE_DEADLINE_MS 3000

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND

/* Not at the address of the others' ranges, lest anything depend on it. */
static uint64_t sparse_va(unsigned int file)
{
	return BASE_VA + file * SZ_64M;
}

static void file_open(struct igt_panthor_exec *exec, unsigned int file)
{
	igt_panthor_exec_init(exec, igt_panthor_open());
	igt_panthor_exec_bind_sparse(exec, sparse_va(file), BLOCK);
}

static void file_close(struct igt_panthor_exec *exec)
{
	igt_panthor_exec_fini(exec);
	igt_panthor_close(exec->fd);
}

static struct igt_panthor_walk lines(enum igt_panthor_access access, uint64_t va, uint32_t seed)
{
	return (struct igt_panthor_walk){
		.access = access,
		.va = va,
		.count = BLOCK / LINE,
		.stride = LINE,
		.seed = seed,
	};
}

static void file_store(struct igt_panthor_exec *exec, unsigned int file, uint32_t seed)
{
	const struct igt_panthor_walk walk = lines(IGT_PANTHOR_STORE, sparse_va(file), seed);

	igt_panthor_exec_walk(exec, &walk);
}

static void assert_zeros(struct igt_panthor_exec *exec, uint64_t va)
{
	const struct igt_panthor_walk walk = lines(IGT_PANTHOR_LOAD, va, 0);
	const uint32_t *loaded = igt_panthor_exec_walk(exec, &walk);

	for (uint32_t i = 0; i < walk.count; i++)
		igt_assert_f(!loaded[i],
			     "GPU loaded %#x at %#" PRIx64 ", where this file stored nothing\n",
			     loaded[i], va + i * LINE);
}

static void file_assert_zeros(struct igt_panthor_exec *exec, unsigned int file)
{
	assert_zeros(exec, sparse_va(file));
}

/* Nothing of what @other stored is seen through the range of @file. */
static void file_assert_apart(struct igt_panthor_exec *exec, unsigned int file, unsigned int other,
			      uint32_t seed)
{
	const struct igt_panthor_walk walk = lines(IGT_PANTHOR_LOAD, sparse_va(file), 0);
	const uint32_t *loaded = igt_panthor_exec_walk(exec, &walk);

	for (uint32_t i = 0; i < walk.count; i++)
		igt_assert_f(loaded[i] != igt_panthor_pattern(sparse_va(other) + i * LINE, seed),
			     "GPU loaded %#x at %#" PRIx64 ", which another file stored\n",
			     loaded[i], sparse_va(file) + i * LINE);
}

/* Memory full of something, given back: a new object may well get it. */
static void soil_memory(int fd)
{
	struct panthor_bo bo;

	igt_panthor_bo_create_mapped(fd, &bo, 4 * BLOCK, 0, 0);
	memset(bo.map, 0xa5, bo.size);
	igt_panthor_free_bo(fd, &bo);
}

static void leak_fresh(int fd)
{
	struct igt_panthor_exec exec;

	soil_memory(fd);
	file_open(&exec, 1);
	file_assert_zeros(&exec, 1);

	/* More ranges, at another alignment and in a second block, bring nothing new. */
	igt_panthor_exec_bind_sparse(&exec, sparse_va(2) + SZ_1M, 2 * BLOCK);
	assert_zeros(&exec, sparse_va(2) + SZ_1M);
	assert_zeros(&exec, sparse_va(2) + SZ_1M + BLOCK);
	file_close(&exec);
}

static void leak_two_files(int fd)
{
	struct igt_panthor_exec early, exec, late;

	(void)fd;
	file_open(&early, 0);
	file_open(&exec, 1);
	file_store(&exec, 1, FIRST);
	file_open(&late, 2);

	file_assert_zeros(&early, 0);
	file_assert_zeros(&late, 2);

	file_store(&early, 0, SECOND);
	file_store(&late, 2, SECOND);
	file_assert_apart(&exec, 1, 0, SECOND);
	file_assert_apart(&exec, 1, 2, SECOND);
	file_assert_apart(&early, 0, 2, SECOND);

	file_close(&late);
	file_close(&exec);
	file_close(&early);
}

static void store_as_child(unsigned int file)
{
	struct igt_panthor_exec exec;

	file_open(&exec, file);
	file_assert_zeros(&exec, file);
	file_store(&exec, file, SECOND);
	file_close(&exec);
}

static void leak_two_processes(int fd)
{
	struct igt_panthor_exec exec;

	(void)fd;
	file_open(&exec, 0);
	file_store(&exec, 0, FIRST);

	igt_fork(child, 2)
		store_as_child(1 + child);
	igt_waitchildren();

	file_assert_apart(&exec, 0, 1, SECOND);
	file_assert_apart(&exec, 0, 2, SECOND);
	file_close(&exec);
}

/* Opens a file after another was closed, here and in a child. */
static void assert_reopened_zeros(void)
{
	struct igt_panthor_exec exec;

	file_open(&exec, 1);
	file_assert_zeros(&exec, 1);
	file_store(&exec, 1, FIRST);
	file_close(&exec);

	igt_fork(child, 1)
		store_as_child(2);
	igt_waitchildren();
}

static void leak_reopen(int fd)
{
	struct igt_panthor_exec exec;

	(void)fd;
	file_open(&exec, 0);
	file_store(&exec, 0, FIRST);
	file_close(&exec);

	assert_reopened_zeros();
}

/* CPU mappings would keep the file open. */
static void unmap_bo(struct panthor_bo *bo)
{
	igt_assert_eq(munmap(bo->map, bo->size), 0);
	bo->map = NULL;
}

static void close_busy(struct igt_panthor_exec *exec)
{
	unmap_bo(&exec->cmd);
	unmap_bo(&exec->out);
	unmap_bo(&exec->flag);
	unmap_bo(&exec->tag);
	igt_panthor_close(exec->fd);
}

static void leak_reopen_busy(int fd)
{
	const struct igt_panthor_walk walk = lines(IGT_PANTHOR_STORE, sparse_va(0), FIRST);
	struct igt_panthor_exec exec;

	(void)fd;
	file_open(&exec, 0);
	igt_panthor_exec_pause(&exec, &walk, NULL);
	close_busy(&exec);

	assert_reopened_zeros();
}

static bool is_released(int fd, uint64_t dummy)
{
	struct igt_panthor_gem gem;

	return !igt_panthor_read_dummy(fd, dummy, &gem);
}

/* A file with @vms VMs, each with a sparse range, one of them in use. */
static void assert_released(int fd, unsigned int vms, bool destroy)
{
	struct igt_panthor_exec exec;
	uint32_t vm_id[MAX_VMS];

	file_open(&exec, 0);
	igt_panthor_sparse_require_dummy(&exec);
	for (unsigned int i = 1; i < vms; i++) {
		igt_panthor_vm_create(exec.fd, &vm_id[i], 0);
		igt_panthor_vm_bind_sparse(exec.fd, vm_id[i], sparse_va(i), SZ_4M, 0);
	}
	file_store(&exec, 0, FIRST);

	for (unsigned int i = 1; destroy && i < vms; i++)
		igt_panthor_vm_destroy(exec.fd, vm_id[i], 0);
	if (destroy)
		file_close(&exec);
	else
		close_busy(&exec);

	igt_assert_f(igt_wait(is_released(fd, exec.dummy), RELEASE_DEADLINE_MS, 5),
		     "%d ms after the end of a file with %u VMs the object is still there\n",
		     RELEASE_DEADLINE_MS, vms);
}

static void leak_close_files(int fd, bool destroy)
{
	const unsigned int vms[] = { 1, 2, MAX_VMS };

	for (unsigned int i = 0; i < ARRAY_SIZE(vms); i++)
		assert_released(fd, vms[i], destroy);
}

static void leak_close(int fd)
{
	leak_close_files(fd, false);
}

static void leak_close_vms(int fd)
{
	leak_close_files(fd, true);
}

/* The sparse range around the BOs, and where the BOs go: offset and size. */
#define EDGES_SIZE SZ_8M

static const struct {
	uint64_t offset;
	uint64_t size;
} edges_bos[] = {
	{ SZ_1M, SZ_64K },
	{ SZ_2M + SZ_1M, SZ_2M },
	{ SZ_8M - SZ_64K - PAGE, SZ_64K },
};

struct edges {
	struct igt_panthor_exec exec;
	struct panthor_bo bo[ARRAY_SIZE(edges_bos)];
};

static uint64_t edges_va(unsigned int i)
{
	return BASE_VA + edges_bos[i].offset;
}

static void edges_init(struct edges *e, int fd)
{
	igt_panthor_exec_init(&e->exec, fd);
	igt_panthor_exec_bind_sparse(&e->exec, BASE_VA, EDGES_SIZE);
	for (unsigned int i = 0; i < ARRAY_SIZE(edges_bos); i++) {
		igt_panthor_exec_create_bo(&e->exec, &e->bo[i], edges_bos[i].size);
		igt_panthor_exec_bind_bo(&e->exec, &e->bo[i], edges_va(i));
		igt_panthor_exec_store_pages(&e->exec, edges_va(i), edges_bos[i].size, FIRST);
	}
}

/* Stores to all that is sparse, and looks for it in the BOs, by the CPU and by the GPU. */
static void edges_assert_tight(struct edges *e)
{
	uint64_t va = BASE_VA;

	for (unsigned int i = 0; i < ARRAY_SIZE(edges_bos); i++) {
		igt_panthor_exec_store_pages(&e->exec, va, edges_va(i) - va, SECOND);
		va = edges_va(i) + edges_bos[i].size;
	}
	igt_panthor_exec_store_pages(&e->exec, va, BASE_VA + EDGES_SIZE - va, SECOND);

	for (unsigned int i = 0; i < ARRAY_SIZE(edges_bos); i++) {
		const struct igt_panthor_walk load =
			igt_panthor_pages(IGT_PANTHOR_LOAD, edges_va(i), edges_bos[i].size, FIRST);

		igt_panthor_bo_assert_holds(&e->bo[i], edges_va(i), FIRST);
		igt_panthor_exec_walk_verify(&e->exec, &load);
	}
}

static void edges_fini(struct edges *e)
{
	igt_panthor_exec_fini(&e->exec);
	for (unsigned int i = 0; i < ARRAY_SIZE(edges_bos); i++)
		igt_panthor_free_bo(e->exec.fd, &e->bo[i]);
}

static void leak_edges(int fd)
{
	struct edges e;

	edges_init(&e, fd);
	edges_assert_tight(&e);
	edges_fini(&e);
}

static void leak_edges_evicted(int fd)
{
	struct edges e;

	igt_panthor_require_shrink(fd);
	edges_init(&e, fd);
	igt_panthor_sparse_require_dummy(&e.exec);

	igt_panthor_evict_dummy(fd, e.exec.dummy);
	edges_assert_tight(&e);

	/* Split once more while evicted: what the hole leaves is not mapped to the BO. */
	igt_panthor_evict_dummy(fd, e.exec.dummy);
	igt_panthor_exec_bind_bo(&e.exec, &e.bo[0], BASE_VA + SZ_4M + SZ_2M);
	igt_panthor_exec_bind_sparse(&e.exec, BASE_VA + SZ_4M + SZ_2M, SZ_64K);
	edges_assert_tight(&e);

	edges_fini(&e);
}

static void leak_over_bo(int fd)
{
	const uint64_t sparse = BASE_VA + SZ_2M + SZ_1M;
	const struct igt_panthor_walk before =
		igt_panthor_pages(IGT_PANTHOR_LOAD, BASE_VA, SZ_2M + SZ_1M, FIRST);
	const struct igt_panthor_walk behind =
		igt_panthor_pages(IGT_PANTHOR_LOAD, sparse + SZ_2M, SZ_2M + SZ_1M, FIRST);
	struct igt_panthor_exec exec;
	struct panthor_bo bo;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_create_bo(&exec, &bo, EDGES_SIZE);
	igt_panthor_exec_bind_bo(&exec, &bo, BASE_VA);
	igt_panthor_exec_store_pages(&exec, BASE_VA, EDGES_SIZE, FIRST);

	igt_panthor_exec_bind_sparse(&exec, sparse, SZ_2M);
	igt_panthor_exec_store_pages(&exec, sparse, SZ_2M, SECOND);
	igt_panthor_bo_assert_holds(&bo, BASE_VA, FIRST);
	igt_panthor_exec_walk_verify(&exec, &before);
	igt_panthor_exec_walk_verify(&exec, &behind);

	igt_panthor_exec_fini(&exec);
	igt_panthor_free_bo(fd, &bo);
}

static const struct igt_panthor_case cases[] = {
	{
		.name = "leak-fresh",
		.describe = "A file that was just opened has zeros behind its sparse ranges",
		.run = leak_fresh,
	},
	{
		.name = "leak-two-files",
		.describe = "Two files do not see what the other one stores",
		.run = leak_two_files,
	},
	{
		.name = "leak-two-processes",
		.describe = "Two processes do not see what the other one stores",
		.run = leak_two_processes,
	},
	{
		.name = "leak-reopen",
		.describe = "What was stored is gone once the file is closed",
		.run = leak_reopen,
	},
	{
		.name = "leak-reopen-busy",
		.describe = "What a running job stored is gone once its file is closed",
		.run = leak_reopen_busy,
	},
	{
		.name = "leak-close",
		.describe = "The memory behind sparse ranges is given back with the file",
		.run = leak_close,
	},
	{
		.name = "leak-close-vms",
		.describe = "The memory behind sparse ranges is given back with VMs and file",
		.run = leak_close_vms,
	},
	{
		.name = "leak-edges",
		.describe = "Stores beside a BO in a sparse range miss the BO",
		.run = leak_edges,
	},
	{
		.name = "leak-edges-evicted",
		.describe = "Stores beside a BO in a sparse range miss the BO after an eviction",
		.run = leak_edges_evicted,
	},
	{
		.name = "leak-over-bo",
		.describe = "Stores to a sparse range over a BO miss the BO",
		.run = leak_over_bo,
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
