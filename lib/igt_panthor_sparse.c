// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <inttypes.h>

#include "drmtest.h"
#include "igt_core.h"
#include "igt_panthor_memory.h"
#include "igt_panthor_sparse.h"

#define PAGE IGT_PANTHOR_PAGE_SIZE

/**
 * igt_panthor_pages:
 * @access: what to do in each page
 * @va: first page
 * @size: bytes, a multiple of the page size
 * @seed: seed of the values
 *
 * Returns: a walk with one access at the start of every page of [@va, @va + @size).
 */
struct igt_panthor_walk igt_panthor_pages(enum igt_panthor_access access, uint64_t va,
					  uint64_t size, uint32_t seed)
{
	return (struct igt_panthor_walk){
		.access = access,
		.va = va,
		.count = size / PAGE,
		.stride = PAGE,
		.seed = seed,
	};
}

/**
 * igt_panthor_sparse_require_dummy:
 * @exec: VM with a sparse range bound, which gives the dummy object its pages
 *
 * Skips where debugfs does not show the driver's way of doing it, a 2 MiB object
 * behind the sparse ranges of a file.
 */
void igt_panthor_sparse_require_dummy(const struct igt_panthor_exec *exec)
{
	igt_panthor_require_debugfs(exec->fd);
	igt_require_f(exec->dummy && igt_panthor_dummy_resident(exec->fd, exec->dummy) ==
					     IGT_PANTHOR_DUMMY_SIZE,
		      "debugfs shows no 2 MiB object behind sparse ranges\n");
}

/**
 * igt_panthor_sparse_dummy_is_huge:
 * @exec: VM of a file that has not bound any sparse range yet
 * @va: a page that is free
 *
 * Without a huge page behind the dummy object there is nothing to map by blocks, and
 * each 2 MiB of a range takes a page table: 128 MiB for 64 GiB.
 *
 * Returns: whether there is one.
 */
bool igt_panthor_sparse_dummy_is_huge(struct igt_panthor_exec *exec, uint64_t va)
{
	const uint64_t before = igt_panthor_meminfo("ShmemHugePages");
	int64_t more;

	igt_panthor_exec_bind_sparse(exec, va, PAGE);
	more = igt_panthor_meminfo("ShmemHugePages") - before;
	igt_panthor_exec_unbind(exec, va, PAGE);

	return more >= (int64_t)IGT_PANTHOR_DUMMY_SIZE;
}

/**
 * igt_panthor_sparse_store_load:
 * @exec: VM
 * @va: first page
 * @size: bytes, a multiple of the page size
 * @seed: seed of the values
 *
 * A store to every page, each loaded back at once, so that nothing can have come
 * between. No page may fault; the values are compared where the range is known
 * to be backed by the dummy object.
 */
void igt_panthor_sparse_store_load(struct igt_panthor_exec *exec, uint64_t va, uint64_t size,
				   uint32_t seed)
{
	const struct igt_panthor_walk walk =
		igt_panthor_pages(IGT_PANTHOR_STORE_LOAD, va, size, seed);

	if (exec->dummy)
		igt_panthor_exec_walk_verify(exec, &walk);
	else
		igt_panthor_exec_walk(exec, &walk);
}

/**
 * igt_panthor_exec_store_pages:
 * @exec: VM
 * @va: first page
 * @size: bytes, a multiple of the page size
 * @seed: seed of the values
 *
 * A store to every page, of which none may fault.
 */
void igt_panthor_exec_store_pages(struct igt_panthor_exec *exec, uint64_t va, uint64_t size,
				  uint32_t seed)
{
	const struct igt_panthor_walk walk = igt_panthor_pages(IGT_PANTHOR_STORE, va, size, seed);

	igt_panthor_exec_walk(exec, &walk);
}

/* Of the stores to one page of the dummy object, the one at the highest address remains. */
static uint64_t last_alias(uint64_t va, uint64_t end)
{
	return va + (end - 1 - va) / IGT_PANTHOR_DUMMY_SIZE * IGT_PANTHOR_DUMMY_SIZE;
}

/**
 * igt_panthor_sparse_load:
 * @exec: VM
 * @va: first page to load
 * @size: bytes, a multiple of the page size
 * @stored: first page of what was stored, as far into its 2 MiB as @va
 * @seed: seed of what was stored
 *
 * Loads every page of a sparse range and expects what igt_panthor_exec_store_pages()
 * left behind in [@stored, @stored + @size), the range being mapped to the 2 MiB
 * of the dummy object over and over. Only for tests of that cycle: the uAPI
 * leaves open what a sparse range brings back.
 */
void igt_panthor_sparse_load(struct igt_panthor_exec *exec, uint64_t va, uint64_t size,
			     uint64_t stored, uint32_t seed)
{
	const struct igt_panthor_walk walk = igt_panthor_pages(IGT_PANTHOR_LOAD, va, size, seed);
	const uint32_t *loaded = igt_panthor_exec_walk(exec, &walk);

	if (!exec->dummy)
		return;

	for (uint32_t i = 0; i < walk.count; i++) {
		const uint64_t from = last_alias(stored + i * PAGE, stored + size);
		const uint32_t expected = igt_panthor_pattern(from, seed);

		igt_assert_f(loaded[i] == expected,
			     "GPU loaded %#x at %#" PRIx64 ", expected %#x as stored at %#" PRIx64
			     "\n",
			     loaded[i], va + i * PAGE, expected, from);
	}
}

/**
 * igt_panthor_exec_neighbours_fault:
 * @exec: VM
 * @va: start of a range
 * @size: its bytes
 *
 * Expects the page before the range and the page behind it to be unmapped.
 */
void igt_panthor_exec_neighbours_fault(struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	igt_panthor_exec_must_fault(exec, va - PAGE, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(exec, va + size, IGT_PANTHOR_STORE);
}

/**
 * igt_panthor_exec_bind_sparse:
 * @exec: VM
 * @va: start of the range
 * @size: its bytes
 *
 * Binds a sparse range.
 */
void igt_panthor_exec_bind_sparse(struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	igt_panthor_vm_bind_sparse(exec->fd, exec->vm_id, va, size, 0);
}

/**
 * igt_panthor_exec_unbind:
 * @exec: VM
 * @va: start of the range
 * @size: its bytes
 *
 * Unmaps whatever is mapped there.
 */
void igt_panthor_exec_unbind(struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	igt_panthor_vm_unbind(exec->fd, exec->vm_id, va, size, 0);
}

/**
 * igt_panthor_exec_create_bo:
 * @exec: VM
 * @bo: filled in; to be released with igt_panthor_free_bo()
 * @size: bytes
 *
 * Makes a BO that the CPU can see, with a label, so that it is not taken for a
 * dummy object in gems.
 */
void igt_panthor_exec_create_bo(struct igt_panthor_exec *exec, struct panthor_bo *bo, uint64_t size)
{
	igt_panthor_bo_create_mapped(exec->fd, bo, size, 0, 0);
	igt_panthor_bo_set_label(exec->fd, bo, "bystander");
}

/**
 * igt_panthor_exec_bind_bo:
 * @exec: VM
 * @bo: BO
 * @va: where to
 *
 * Maps the whole BO.
 */
void igt_panthor_exec_bind_bo(struct igt_panthor_exec *exec, const struct panthor_bo *bo,
			      uint64_t va)
{
	igt_panthor_vm_bind(exec->fd, exec->vm_id, bo->handle, va, bo->size,
			    DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC, 0);
}

/**
 * igt_panthor_bo_assert_holds:
 * @bo: BO with a CPU mapping
 * @va: where it was mapped when the GPU stored
 * @seed: seed of what it stored
 *
 * Compares the first word of every page of the BO, as the CPU finds it.
 */
void igt_panthor_bo_assert_holds(const struct panthor_bo *bo, uint64_t va, uint32_t seed)
{
	for (uint64_t offset = 0; offset < bo->size; offset += PAGE) {
		const uint32_t found = *(uint32_t *)((char *)bo->map + offset);
		const uint32_t expected = igt_panthor_pattern(va + offset, seed);

		igt_assert_f(found == expected, "BO has %#x at %#" PRIx64 ", expected %#x\n", found,
			     offset, expected);
	}
}

/**
 * igt_panthor_sparse_assert_vma:
 * @vmas: contents of gpuvas
 * @vm: VM, from igt_panthor_exec_find_vm()
 * @va: start of the VMA
 * @size: its bytes
 * @object: the dummy object, 0 before the first call, which then sets it
 *
 * gpuvas must have exactly this VMA, at its place in the one dummy object.
 */
void igt_panthor_sparse_assert_vma(const struct igt_panthor_vmas *vmas, int vm, uint64_t va,
				   uint64_t size, uint64_t *object)
{
	const struct igt_panthor_vma *vma = igt_panthor_find_vma(vmas, vm, va);

	igt_assert_f(vma && vma->va == va && vma->size == size,
		     "gpuvas has no VMA at %#" PRIx64 " of %#" PRIx64 " bytes\n", va, size);
	igt_assert_f(vma->offset == va % IGT_PANTHOR_DUMMY_SIZE,
		     "VMA at %#" PRIx64 " has offset %#" PRIx64 "\n", va, vma->offset);

	if (!*object)
		*object = vma->object;
	igt_assert_eq_u64(vma->object, *object);
}

/**
 * igt_panthor_exec_find_vm:
 * @exec: VM
 * @vmas: contents of gpuvas
 *
 * Returns: the number of the VM in gpuvas.
 */
int igt_panthor_exec_find_vm(const struct igt_panthor_exec *exec,
			     const struct igt_panthor_vmas *vmas)
{
	const int vm = igt_panthor_find_vm(vmas, exec->tag_va, exec->tag.size);

	igt_assert_f(vm >= 0, "gpuvas does not show the VM: %d\n", vm);
	return vm;
}

/**
 * igt_panthor_sparse_fixture:
 *
 * Skips the whole test where the driver has no sparse mappings.
 */
void igt_panthor_sparse_fixture(void)
{
	igt_fixture() {
		int fd;

		igt_panthor_skip_on_big_endian();
		fd = igt_panthor_open();
		igt_panthor_require_sparse(fd);
		drm_close_driver(fd);
	}
}

/**
 * igt_panthor_add_subtest:
 * @name: name of the subtest, which outlives the call
 * @describe: what it is for, below 512 characters
 * @run: its body
 * @row: second argument of @run
 *
 * Adds a subtest. A file has its own dummy object, so each subtest opens one of
 * its own.
 */
void igt_panthor_add_subtest(const char *name, const char *describe,
			     void (*run)(int fd, const void *row), const void *row)
{
	igt_describe(describe);
	igt_subtest(name) {
		int fd = igt_panthor_open();

		run(fd, row);
		drm_close_driver(fd);
	}
}

static void run_case(int fd, const void *row)
{
	const struct igt_panthor_case *c = row;

	c->run(fd);
}

/**
 * igt_panthor_add_cases:
 * @cases: table, ended by an entry without a name
 *
 * Adds a subtest for each row of a table of functions.
 */
void igt_panthor_add_cases(const struct igt_panthor_case *cases)
{
	for (; cases->name; cases++)
		igt_panthor_add_subtest(cases->name, cases->describe, run_case, cases);
}

/**
 * igt_panthor_exec_read_vmas:
 * @exec: VM
 * @vmas: filled; to be freed by igt_panthor_free_vmas()
 *
 * Reads gpuvas, which debugfs has to have, and leaves only the VMAs of this VM,
 * as those of VM 0, since its number changes as other VMs come and go.
 */
void igt_panthor_exec_read_vmas(const struct igt_panthor_exec *exec,
				struct igt_panthor_vmas *vmas)
{
	size_t kept = 0;
	int vm;

	igt_panthor_read_gpuvas(exec->fd, vmas);
	vm = igt_panthor_exec_find_vm(exec, vmas);
	for (size_t i = 0; i < vmas->count; i++) {
		if (vmas->vma[i].vm != (unsigned int)vm)
			continue;
		vmas->vma[kept] = vmas->vma[i];
		vmas->vma[kept++].vm = 0;
	}
	vmas->count = kept;
}
