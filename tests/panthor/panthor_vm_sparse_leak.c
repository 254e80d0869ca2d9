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
 * TEST: Isolation of the memory behind sparse mappings of panthor
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: leak
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs for some
 * Scenario: leak-shared
 * Failure mode: Contents of another file, process or BO behind a sparse range; stores through
 *	a sparse range that land in a BO; memory that outlives its file.
 * Description: Values that are stored through the sparse ranges of a file are not seen by
 *	other files, and do not change BOs.
 *
 * SUBTEST: leak-fresh
 * Scenario: leak-freed
 * Description: Fill BOs and anonymous memory with known words, free them, and bind the first sparse
 *	ranges of a new file. Loads from every cache line of a range of one block, and of a range of
 *	4 MiB that begins in the middle of a block, do not return these words.
 *
 * SUBTEST: leak-two-files
 * Run type: BAT, FULL
 * Scenario: leak-shared
 * Description: Open three files in one process, and bind a sparse range in each. Loads through
 *	the range of a file do not return what was stored through the range of another file.
 *
 * SUBTEST: leak-two-processes
 * Scenario: leak-shared
 * Description: A process and its two children open a file each, and bind a sparse range. Loads
 *	of a child do not return what the parent stored, and loads of the parent do not return
 *	what a child stored.
 *
 * SUBTEST: leak-reopen
 * Scenario: leak-recycled
 * Description: Store through the sparse range of a file, and close the file. Loads through the
 *	range of a file that is opened afterwards, by this process or a child, do not return
 *	the stored words.
 *
 * SUBTEST: leak-reopen-busy
 * Scenario: leak-recycled
 * Description: Close a file while its job runs that has stored through a sparse range. Loads
 *	through the range of a file that is opened afterwards, by this process or a child, do
 *	not return the stored words.
 *
 * SUBTEST: leak-close
 * Run type: BAT, FULL
 * Scenario: leak-released
 * Description: Close a file with 1, 2 and 32 VMs that have sparse ranges. The object behind
 *	the ranges is freed with the file.
 *
 * SUBTEST: leak-close-vms
 * Scenario: leak-released
 * Description: Destroy all VMs of a file with 1, 2 and 32 VMs that have sparse ranges, and
 *	close it. The object behind the ranges is freed with the file.
 *
 * SUBTEST: leak-edges
 * Run type: BAT, FULL
 * Scenario: leak-into-bo
 * Description: Map three BOs over parts of a sparse range, and store to every page of the
 *	rest. No BO changes, as the CPU and the GPU see it.
 *
 * SUBTEST: leak-edges-evicted
 * Scenario: leak-into-bo
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap
 * Description: Map three BOs over parts of a sparse range, evict the dummy object, and store
 *	to every sparse page. Evict it again, map one BO over part of the evicted range and bind
 *	that part sparse again, and store once more. No BO changes, as the CPU and the GPU see it.
 *
 * SUBTEST: leak-over-bo
 * Scenario: leak-into-bo
 * Description: Bind a sparse range over the middle of a BO, and store to every page of the
 *	range. No page of the BO changes, as the CPU sees it, and the pages beside the range still
 *	map the BO.
 */

IGT_TEST_DESCRIPTION("Check that sparse mappings of panthor leak no contents");

/*
 * The scenarios, and the failure mode of each:
 *
 * 1. leak-freed: the memory behind the ranges of a new file was freed by a BO or by a process, and
 *    still has its contents.
 * 2. leak-shared: open files, of one process or of several, share the memory behind their ranges.
 * 3. leak-recycled: a file gets the memory of a closed one, with its contents.
 * 4. leak-released: the object behind the ranges outlives its file and VMs.
 * 5. leak-into-bo: a page of a sparse range, at the edge of a BO above all, is mapped to the BO.
 *
 * The uAPI leaves loads from a sparse range undefined: zeros, or any other filling, are as good. A
 * load must not return what another file, process or BO stored. Each of them stores words of its
 * own to every cache line of 2 MiB, the size of the object that panthor maps sparse ranges to.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define BLOCK IGT_PANTHOR_DUMMY_SIZE
#define LINE 64

/*
 * So many words of another owner are a leak: a quarter of a page. An undefined word may equal one
 * of them by chance: 512 of 2^32 do.
 */
#define LEAKED_WORDS (PAGE / LINE / 4)

/* 2 MiB-aligned, and free of what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)

/* The most VMs of a file (PANTHOR_MAX_VMS_PER_FILE in panthor_mmu.c). */
#define MAX_VMS 32

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND

/* The owner, in place of a file, of memory that is freed. */
#define FREED 3

/* Each file has its range at an address of its own, and words that follow from it. */
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

/* True if the owner stored @word at @offset of some page. */
static bool is_of(uint32_t word, unsigned int owner, uint32_t seed, uint64_t offset)
{
	const uint64_t va = igt_panthor_pattern_va(word, seed);

	return va >= sparse_va(owner) && va < sparse_va(owner) + BLOCK && va % PAGE == offset;
}

/*
 * Loads every cache line of the block at @va. Pages may have changed their place in the block since
 * the owner stored there, words do not change their place in a page.
 */
static void assert_nothing_of(struct igt_panthor_exec *exec, uint64_t va, unsigned int owner,
			      uint32_t seed)
{
	const struct igt_panthor_walk walk = lines(IGT_PANTHOR_LOAD, va, 0);
	const uint32_t *loaded = igt_panthor_exec_walk(exec, &walk);
	uint32_t found = 0, last = 0;

	for (uint32_t i = 0; i < walk.count; i++) {
		if (!is_of(loaded[i], owner, seed, i * LINE % PAGE))
			continue;
		found++;
		last = i;
	}
	igt_assert_f(found < LEAKED_WORDS,
		     "GPU loaded %u words that owner %u stored, the last one at %#" PRIx64 "\n",
		     found, owner, va + last * LINE);
}

static void file_assert_apart(struct igt_panthor_exec *exec, unsigned int file, unsigned int other,
			      uint32_t seed)
{
	assert_nothing_of(exec, sparse_va(file), other, seed);
}

/* Stores the words that a file of the number FREED would store. */
static void fill(void *map, uint64_t size)
{
	for (uint64_t offset = 0; offset < size; offset += LINE)
		*(uint32_t *)((char *)map + offset) =
			igt_panthor_pattern(sparse_va(FREED) + offset % BLOCK, FIRST);
}

static void free_filled_bo(int fd, uint64_t size)
{
	struct panthor_bo bo;

	igt_panthor_bo_create_mapped(fd, &bo, size, 0, 0);
	fill(bo.map, bo.size);
	igt_panthor_free_bo(fd, &bo);
}

/* Frees filled pages, which the next object may get: of BOs of two sizes, and of this process. */
static void free_filled_pages(int fd)
{
	void *map;

	free_filled_bo(fd, 4 * BLOCK);
	free_filled_bo(fd, BLOCK);

	map = mmap(NULL, 4 * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	igt_assert(map != MAP_FAILED);
	fill(map, 4 * BLOCK);
	igt_assert_eq(munmap(map, 4 * BLOCK), 0);
}

static void leak_fresh(void)
{
	const uint64_t second = sparse_va(2) + SZ_1M;
	int fd = igt_panthor_open();
	struct igt_panthor_exec exec;

	free_filled_pages(fd);
	file_open(&exec, 1);
	assert_nothing_of(&exec, sparse_va(1), FREED, FIRST);

	igt_panthor_exec_bind_sparse(&exec, second, 2 * BLOCK);
	assert_nothing_of(&exec, second, FREED, FIRST);
	assert_nothing_of(&exec, second + BLOCK, FREED, FIRST);
	file_close(&exec);
	igt_panthor_close(fd);
}

static void leak_two_files(void)
{
	struct igt_panthor_exec early, exec, late;

	file_open(&early, 0);
	file_open(&exec, 1);
	file_store(&exec, 1, FIRST);
	file_open(&late, 2);

	file_assert_apart(&early, 0, 1, FIRST);
	file_assert_apart(&late, 2, 1, FIRST);

	file_store(&early, 0, SECOND);
	file_store(&late, 2, SECOND);
	file_assert_apart(&exec, 1, 0, SECOND);
	file_assert_apart(&exec, 1, 2, SECOND);
	file_assert_apart(&early, 0, 2, SECOND);
	file_assert_apart(&late, 2, 0, SECOND);

	file_close(&late);
	file_close(&exec);
	file_close(&early);
}

/* A file of a child finds nothing of what its parent stored as file 0, and stores SECOND. */
static void child_file(unsigned int file)
{
	struct igt_panthor_exec exec;

	file_open(&exec, file);
	file_assert_apart(&exec, file, 0, FIRST);
	file_store(&exec, file, SECOND);
	file_close(&exec);
}

static void leak_two_processes(void)
{
	struct igt_panthor_exec exec;

	file_open(&exec, 0);
	file_store(&exec, 0, FIRST);

	igt_fork(child, 2)
		child_file(1 + child);
	igt_waitchildren();

	file_assert_apart(&exec, 0, 1, SECOND);
	file_assert_apart(&exec, 0, 2, SECOND);
	file_close(&exec);
}

/*
 * File 0 stored FIRST and was closed: files that are opened now, here and in a child, see none of
 * it.
 */
static void assert_reopened_apart(void)
{
	struct igt_panthor_exec exec;

	file_open(&exec, 1);
	file_assert_apart(&exec, 1, 0, FIRST);
	file_close(&exec);

	igt_fork(child, 1)
		child_file(2);
	igt_waitchildren();
}

static void leak_reopen(void)
{
	struct igt_panthor_exec exec;

	file_open(&exec, 0);
	file_store(&exec, 0, FIRST);
	file_close(&exec);

	assert_reopened_apart();
}

/* Closes the file as the end of a process does: whatever is in it stays until then. */
static void close_busy(struct igt_panthor_exec *exec)
{
	igt_panthor_unmap_bo(&exec->cmd);
	igt_panthor_unmap_bo(&exec->out);
	igt_panthor_unmap_bo(&exec->flag);
	igt_panthor_unmap_bo(&exec->tag);
	igt_panthor_close(exec->fd);
}

static void leak_reopen_busy(void)
{
	const struct igt_panthor_walk walk = lines(IGT_PANTHOR_STORE, sparse_va(0), FIRST);
	struct igt_panthor_exec exec;

	file_open(&exec, 0);
	igt_panthor_exec_pause(&exec, &walk, NULL);
	close_busy(&exec);

	assert_reopened_apart();
}

static bool is_released(int fd, uint64_t dummy)
{
	struct igt_panthor_gem gem;

	return !igt_panthor_read_dummy(fd, dummy, &gem);
}

/* A file with @vms VMs, each with a sparse range, one of which the GPU has used. */
static void assert_released(unsigned int vms, bool destroy)
{
	int fd = igt_panthor_open();
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

	igt_assert_f(igt_wait(is_released(fd, exec.dummy), IGT_PANTHOR_RELEASE_DEADLINE_MS, 5),
		     "%d ms after the end of a file with %u VMs the object is still there\n",
		     IGT_PANTHOR_RELEASE_DEADLINE_MS, vms);
	igt_panthor_close(fd);
}

static void run_leak_close(bool destroy)
{
	static const unsigned int vms[] = { 1, 2, MAX_VMS };

	for (unsigned int i = 0; i < ARRAY_SIZE(vms); i++) {
		igt_dynamic_f("vms-%u", vms[i])
			assert_released(vms[i], destroy);
		igt_teardown();
	}
}

/* The size of the sparse range, and where the BOs go in it. */
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

static void edges_init(struct edges *e)
{
	igt_panthor_exec_init(&e->exec, igt_panthor_open());
	igt_panthor_exec_bind_sparse(&e->exec, BASE_VA, EDGES_SIZE);
	for (unsigned int i = 0; i < ARRAY_SIZE(edges_bos); i++) {
		igt_panthor_exec_create_bo(&e->exec, &e->bo[i], edges_bos[i].size);
		igt_panthor_exec_bind_bo(&e->exec, &e->bo[i], edges_va(i));
		igt_panthor_exec_store_pages(&e->exec, edges_va(i), edges_bos[i].size, FIRST);
	}
}

/* Stores to every sparse page, and compares the BOs as the CPU and the GPU see them. */
static void edges_store_beside_bos(struct edges *e)
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
	igt_panthor_close(e->exec.fd);
}

static void leak_edges(void)
{
	struct edges e;

	edges_init(&e);
	edges_store_beside_bos(&e);
	edges_fini(&e);
}

static void leak_edges_evicted(void)
{
	struct edges e;

	edges_init(&e);
	igt_panthor_require_shrink(e.exec.fd);
	igt_panthor_sparse_require_dummy(&e.exec);

	igt_panthor_evict_dummy(e.exec.fd, e.exec.dummy);
	edges_store_beside_bos(&e);

	/* A split while evicted. */
	igt_panthor_evict_dummy(e.exec.fd, e.exec.dummy);
	igt_panthor_exec_bind_bo(&e.exec, &e.bo[0], BASE_VA + SZ_4M + SZ_2M);
	igt_panthor_exec_bind_sparse(&e.exec, BASE_VA + SZ_4M + SZ_2M, SZ_64K);
	edges_store_beside_bos(&e);

	edges_fini(&e);
}

static void leak_over_bo(void)
{
	const uint64_t sparse = BASE_VA + SZ_2M + SZ_1M;
	const struct igt_panthor_walk before =
		igt_panthor_pages(IGT_PANTHOR_LOAD, BASE_VA, SZ_2M + SZ_1M, FIRST);
	const struct igt_panthor_walk behind =
		igt_panthor_pages(IGT_PANTHOR_LOAD, sparse + SZ_2M, SZ_2M + SZ_1M, FIRST);
	int fd = igt_panthor_open();
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
	igt_panthor_close(fd);
}

/**
 * leak_case:
 * @name: name of the subtest
 * @describe: its description
 * @run: its body, which opens what it needs: other files of the device could share with its own
 */
struct leak_case {
	const char *name;
	const char *describe;
	void (*run)(void);
};

static const struct leak_case cases[] = {
	{
		.name = "leak-fresh",
		.describe = "Fill BOs and anonymous memory with known words, free them, and bind "
			    "the first sparse ranges of a new file. Loads from every cache line of "
			    "a range of one block, and of a range of 4 MiB that begins in the "
			    "middle of a block, do not return these words.",
		.run = leak_fresh,
	},
	{
		.name = "leak-two-files",
		.describe = "Open three files in one process, and bind a sparse range in each. "
			    "Loads through the range of a file do not return what was stored "
			    "through the range of another file.",
		.run = leak_two_files,
	},
	{
		.name = "leak-two-processes",
		.describe = "A process and its two children open a file each, and bind a sparse "
			    "range. Loads of a child do not return what the parent stored, and "
			    "loads of the parent do not return what a child stored.",
		.run = leak_two_processes,
	},
	{
		.name = "leak-reopen",
		.describe = "Store through the sparse range of a file, and close the file. Loads "
			    "through the range of a file that is opened afterwards, by this "
			    "process or a child, do not return the stored words.",
		.run = leak_reopen,
	},
	{
		.name = "leak-reopen-busy",
		.describe = "Close a file while its job runs that has stored through a sparse "
			    "range. Loads through the range of a file that is opened afterwards, "
			    "by this process or a child, do not return the stored words.",
		.run = leak_reopen_busy,
	},
	{
		.name = "leak-edges",
		.describe = "Map three BOs over parts of a sparse range, and store to every page "
			    "of the rest. No BO changes, as the CPU and the GPU see it.",
		.run = leak_edges,
	},
	{
		.name = "leak-edges-evicted",
		.describe = "Map three BOs over parts of a sparse range, evict the dummy object, "
			    "and store to every sparse page. Evict it again, map one BO over part "
			    "of the evicted range and bind that part sparse again, and store once "
			    "more. No BO changes, as the CPU and the GPU see it.",
		.run = leak_edges_evicted,
	},
	{
		.name = "leak-over-bo",
		.describe = "Bind a sparse range over the middle of a BO, and store to every page "
			    "of the range. No page of the BO changes, as the CPU sees it, and the "
			    "pages beside the range still map the BO.",
		.run = leak_over_bo,
	},
	{}
};

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();

	for (const struct leak_case *c = cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest(c->name)
			c->run();
		igt_fixture()
			igt_teardown();
	}

	igt_describe("Close a file with 1, 2 and 32 VMs that have sparse ranges. The object "
		     "behind the ranges is freed with the file.");
	igt_subtest_with_dynamic("leak-close")
		run_leak_close(false);

	igt_describe("Destroy all VMs of a file with 1, 2 and 32 VMs that have sparse ranges, and "
		     "close it. The object behind the ranges is freed with the file.");
	igt_subtest_with_dynamic("leak-close-vms")
		run_leak_close(true);
}
