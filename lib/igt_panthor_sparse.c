// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <inttypes.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_memcg.h"
#include "igt_panthor_sparse.h"

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE

/**
 * igt_panthor_sparse_require_dummy:
 * @exec: VM with a sparse range: the first sparse bind allocates the pages of the dummy
 *
 * Skips if debugfs does not show the dummy with 2 MiB of resident pages. The dummy is the object
 * that the driver maps to all sparse ranges of a file.
 */
void igt_panthor_sparse_require_dummy(const struct igt_panthor_exec *exec)
{
	igt_panthor_require_debugfs(exec->fd);
	igt_require_f(exec->dummy && igt_panthor_dummy_resident(exec->fd, exec->dummy) ==
					     IGT_PANTHOR_DUMMY_SIZE,
		      "debugfs shows no 2 MiB object behind sparse ranges\n");
}

/* Deadline for memory.stat to show a charge. The kernel updates it every 2 s. */
#define CHARGE_DEADLINE_MS 10000

/**
 * igt_panthor_sparse_dummy_is_huge:
 * @exec: VM of a file without any sparse bind so far
 * @va: an unmapped page
 *
 * Without a huge page behind the dummy, the driver maps no blocks, and each 2 MiB of a range takes
 * a page table: 128 MiB for 64 GiB. The kernel charges the dummy to the memory cgroup of the
 * process that binds first, and memory.stat counts huge pages separately. Skips without memory
 * cgroups.
 *
 * Returns: true if a huge page backs the dummy.
 */
bool igt_panthor_sparse_dummy_is_huge(struct igt_panthor_exec *exec, uint64_t va)
{
	int64_t before, huge;

	igt_require_f(igt_memcg_enter(), "what backs the dummy is not known: no memory cgroups\n");
	before = igt_memcg_stat("shmem");
	huge = igt_memcg_stat("shmem_thp");
	igt_panthor_exec_bind_sparse(exec, va, PAGE);
	igt_require_f(igt_wait(igt_memcg_stat("shmem") - before >= (int64_t)IGT_PANTHOR_DUMMY_SIZE,
			       CHARGE_DEADLINE_MS, 10),
		      "what backs the dummy is not known: its pages are not charged\n");
	huge = igt_memcg_stat("shmem_thp") - huge;
	igt_panthor_exec_unbind(exec, va, PAGE);
	igt_memcg_leave();

	return huge >= (int64_t)IGT_PANTHOR_DUMMY_SIZE;
}

/*
 * The uAPI leaves loads from a sparse range undefined: only those from a known dummy are compared.
 * Otherwise a message is printed once.
 */
static bool contents_are_known(struct igt_panthor_exec *exec)
{
	if (!exec->dummy && !exec->told)
		igt_info("contents not compared: debugfs does not show the dummy of this file\n");
	exec->told = !exec->dummy;

	return exec->dummy;
}

/**
 * igt_panthor_sparse_walk:
 * @exec: VM
 * @walk: a STORE_LOAD walk over pages of sparse ranges
 *
 * Runs a walk and asserts that no access faults. Compares the loaded words if debugfs shows the
 * dummy: each word is loaded right after its store, before another store can overwrite it.
 */
void igt_panthor_sparse_walk(struct igt_panthor_exec *exec, const struct igt_panthor_walk *walk)
{
	igt_assert(walk->access == IGT_PANTHOR_STORE_LOAD);

	if (contents_are_known(exec))
		igt_panthor_exec_walk_verify(exec, walk);
	else
		igt_panthor_exec_walk(exec, walk);
}

/**
 * igt_panthor_sparse_store_load:
 * @exec: VM
 * @va: first page
 * @size: bytes, a multiple of the page size
 * @seed: seed of the values
 *
 * Stores to every page and loads each word back at once, before a store to another page of the
 * range can overwrite it (pages 2 MiB apart share a page of the dummy). No page may fault. The
 * values are compared if debugfs shows the dummy.
 */
void igt_panthor_sparse_store_load(struct igt_panthor_exec *exec, uint64_t va, uint64_t size,
				   uint32_t seed)
{
	const struct igt_panthor_walk walk =
		igt_panthor_pages(IGT_PANTHOR_STORE_LOAD, va, size, seed);

	igt_panthor_sparse_walk(exec, &walk);
}

/* The last store to a page of the dummy remains: that at the highest of its addresses. */
static uint64_t last_alias(uint64_t va, uint64_t end)
{
	return va + (end - 1 - va) / IGT_PANTHOR_DUMMY_SIZE * IGT_PANTHOR_DUMMY_SIZE;
}

/**
 * igt_panthor_sparse_load:
 * @exec: VM
 * @va: first page to load
 * @size: bytes, a multiple of the page size
 * @stored: first page of the stores, equal to @va modulo 2 MiB
 * @seed: seed of the stores
 *
 * Loads every page of a sparse range and compares the words with the stores of
 * igt_panthor_exec_store_pages() to [@stored, @stored + @size). The driver maps the 2 MiB of the
 * dummy repeatedly, so pages 2 MiB apart share their contents. Only for tests of this repetition:
 * the uAPI leaves the contents of a sparse range undefined. Skips if debugfs does not show the
 * dummy.
 */
void igt_panthor_sparse_load(struct igt_panthor_exec *exec, uint64_t va, uint64_t size,
			     uint64_t stored, uint32_t seed)
{
	const struct igt_panthor_walk walk = igt_panthor_pages(IGT_PANTHOR_LOAD, va, size, seed);
	const uint32_t *loaded;

	igt_require_f(exec->dummy, "debugfs does not show the dummy of this file\n");
	loaded = igt_panthor_exec_walk(exec, &walk);
	for (uint32_t i = 0; i < walk.count; i++) {
		const uint64_t from = last_alias(stored + i * PAGE, stored + size);
		const uint32_t expected = igt_panthor_pattern(from, seed);

		if (loaded[i] != expected)
			igt_panthor_snapshot_mark(va + i * PAGE, "another word than expected");
		igt_assert_f(loaded[i] == expected,
			     "GPU loaded %#x at %#" PRIx64 ", expected %#x as stored at %#" PRIx64
			     "\n",
			     loaded[i], va + i * PAGE, expected, from);
	}
}

/**
 * igt_panthor_sparse_assert_vma:
 * @vmas: contents of gpuvas
 * @vm: VM, from igt_panthor_exec_find_vm()
 * @va: start of the VMA
 * @size: size of the VMA in bytes
 * @object: the dummy; the first call, with 0, sets it
 *
 * Asserts that gpuvas has exactly this VMA, and that it maps the dummy from offset
 * @va % IGT_PANTHOR_DUMMY_SIZE.
 */
void igt_panthor_sparse_assert_vma(const struct igt_panthor_vmas *vmas, int vm, uint64_t va,
				   uint64_t size, uint64_t *object)
{
	const struct igt_panthor_vma *vma = igt_panthor_find_vma(vmas, vm, va);

	igt_panthor_snapshot_mark(va, "another VMA than expected");
	igt_assert_f(vma && vma->va == va && vma->size == size,
		     "gpuvas has no VMA at %#" PRIx64 " of %#" PRIx64 " bytes\n", va, size);
	igt_assert_f(vma->offset == va % IGT_PANTHOR_DUMMY_SIZE,
		     "VMA at %#" PRIx64 " has offset %#" PRIx64 "\n", va, vma->offset);

	if (!*object)
		*object = vma->object;
	igt_assert_eq_u64(vma->object, *object);
	igt_panthor_snapshot_mark_clear();
}

/**
 * igt_panthor_sparse_require:
 *
 * For the fixture of a test: skips if the driver has no sparse mappings.
 */
void igt_panthor_sparse_require(void)
{
	int fd;

	igt_panthor_skip_on_big_endian();
	fd = igt_panthor_open();
	igt_panthor_require_sparse(fd);
	igt_panthor_close(fd);
}
