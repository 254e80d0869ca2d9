// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_fail_nth.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "igt_teardown.h"
#include "ioctl_wrappers.h"

/**
 * TEST: Fault injection into requests for panthor's sparse mappings
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings, eviction
 * Feature: fail
 * Test category: negative test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, a kernel with CONFIG_FAILSLAB
 * Failure mode: Requests that fail with ENOMEM and leave something half done, or fail
 *	without an error.
 * Description: The first allocation that a request makes in the kernel fails, then the
 *	second, and so on, until none does. Each time either the request is refused and
 *	nothing has changed, or all of it is done.
 *
 * SUBTEST: fail-bind
 * Run type: BAT, FULL
 * Scenario: fail-bind
 * Description: Bind a sparse range in a VM that has another one, with each allocation failing in
 *	turn: a refused bind maps nothing, and the other range is unchanged.
 *
 * SUBTEST: fail-punch
 * Scenario: fail-bind
 * Description: Map a BO over the middle of a sparse range, with each allocation failing in turn: a
 *	refused map leaves every page of the range sparse, and the BO unmapped.
 *
 * SUBTEST: fail-unbind
 * Scenario: fail-bind
 * Description: Unmap the middle of a sparse range, with each allocation failing in turn: a refused
 *	unmap leaves every page of the range mapped.
 *
 * SUBTEST: fail-bind-evicted
 * Test requirement: panthor uAPI 1.9, debugfs, root, a kernel with CONFIG_FAILSLAB, swap
 * Scenario: fail-pin
 * Description: Bind a sparse range while the dummy is evicted, with each allocation failing in
 *	turn: a refused bind changes no VMA and leaves the VM usable, and the dummy can be evicted
 *	again.
 *
 * SUBTEST: fail-queued
 * Scenario: fail-queued
 * Description: Queue an unmap and three binds by one request, with each allocation failing in
 *	turn: a refused request queues none of them, and signals nothing.
 *
 * SUBTEST: fail-restore
 * Run type: BAT, FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, a kernel with CONFIG_FAILSLAB, swap
 * Scenario: fail-restore
 * Description: Submit a job while the dummy is evicted, with each allocation failing in turn: a
 *	refused job leaves the VM usable and the dummy evictable, and an accepted one finds every
 *	page of the range mapped.
 *
 * SUBTEST: fail-restore-bo
 * Test requirement: panthor uAPI 1.9, debugfs, root, a kernel with CONFIG_FAILSLAB, swap
 * Scenario: fail-restore
 * Description: Submit a job while a BO is evicted, with each allocation failing in turn: a refused
 *	job leaves the VM usable and the BO evictable, and an accepted one finds the contents of the
 *	BO.
 *
 * SUBTEST: fail-restore-many
 * Test requirement: panthor uAPI 1.9, debugfs, root, a kernel with CONFIG_FAILSLAB, swap
 * Scenario: fail-restore
 * Description: Submit a job while a BO that is mapped 66 times is evicted, with each allocation
 *	failing in turn: a refused job leaves the VM usable. The job behind it, or an accepted one,
 *	finds the contents of the BO in all 66 mappings, and the BO can be evicted again.
 *
 * SUBTEST: fail-open
 * Scenario: fail-open
 * Description: Open the device, with each allocation failing in turn: an open that fails leaves no
 *	BO behind, and a sparse range works in a file that is opened.
 *
 * SUBTEST: fail-vm-destroy
 * Scenario: fail-vm-destroy
 * Description: Destroy a VM, with each allocation failing in turn: the request succeeds each
 *	time, and no mapping of the VM stays.
 */

IGT_TEST_DESCRIPTION("Inject allocation failures into requests for sparse mappings of panthor");

/*
 * The scenarios, and the failure mode of each:
 *
 * 1. fail-bind: VMAs or page table entries that a request changes before it has all memory that it
 *    needs.
 * 2. fail-pin: pages that a refused bind leaves pinned, and that can never be reclaimed.
 * 3. fail-queued: operations of a refused batch that run nevertheless.
 * 4. fail-restore: a restore that stops half-way and reports success, or leaves its BO on no LRU.
 * 5. fail-open: objects of a file that was never opened.
 * 6. fail-vm-destroy: mappings of a destroyed VM that stay for want of memory to unmap them.
 *
 * Only allocations of the calling task fail, not those of workers. The range starts one page behind
 * a block boundary and ends inside a block. So it has page tables of the last level at both ends,
 * and a split needs more of them.
 *
 * The allocations of a request are not dynamic subtests, since their number and order depend on the
 * kernel. A debug message names the allocation before a failed assertion.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE

/* 1 GiB-aligned, and not used by struct igt_panthor_exec. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)

#define RANGE_VA (BASE_VA + PAGE)
#define RANGE_SIZE ((uint64_t)(SZ_4M + SZ_512K))

/* In a part of the address space without page tables. */
#define OTHER_VA (BASE_VA + SZ_1G + SZ_2M - PAGE)

#define HOLE_SIZE ((uint64_t)SZ_64K)
#define HOLE_VA (BASE_VA + SZ_2M + SZ_1M)

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND

/* More allocations than any request here makes. */
#define MAX_ALLOCATIONS 400

#define BO_LABEL "short of memory"

/**
 * fail:
 * @exec: VM with a sparse range at %RANGE_VA
 * @bo: BO of %HOLE_SIZE, filled with the pattern of %HOLE_VA
 * @many: BO of a page that is mapped %MANY times, or none
 * @vmas: VMAs of the VM as they must be before a request, and after a refused one
 * @bos: number of BOs of the process
 * @syncobj: signalled by the last operation of a batch
 * @other_vm: VM to be destroyed
 * @other: opened file
 */
struct fail {
	struct igt_panthor_exec exec;
	struct panthor_bo bo;
	struct panthor_bo many;
	struct igt_panthor_vmas vmas;
	unsigned int bos;
	uint32_t syncobj;
	uint32_t other_vm;
	int other;
};

/**
 * fail_case:
 * @name: name of the subtest
 * @describe: its description
 * @prepare: called before each attempt, or NULL
 * @request: makes one system call; returns 0 or a negative errno
 * @refused: called after an attempt that failed: checks that nothing has changed
 * @done: called after an attempt that succeeded: checks the result and undoes it
 * @shrinks: @prepare evicts
 * @cannot_fail: the request has no way to report an error
 * @not_ours: other parts of the kernel choose the errno, and may log the failure
 */
struct fail_case {
	const char *name;
	const char *describe;
	void (*prepare)(struct fail *f);
	int (*request)(struct fail *f);
	void (*refused)(struct fail *f);
	void (*done)(struct fail *f);
	bool shrinks;
	bool cannot_fail;
	bool not_ours;
};

static void fill_bo(const struct panthor_bo *bo)
{
	for (uint64_t offset = 0; offset < bo->size; offset += PAGE)
		*(uint32_t *)((char *)bo->map + offset) =
			igt_panthor_pattern(HOLE_VA + offset, FIRST);
	__sync_synchronize();
}

/* User addresses only: the driver's own VMAs come and go with groups. */
static void read_vmas(const struct fail *f, struct igt_panthor_vmas *vmas)
{
	size_t kept = 0;

	igt_panthor_exec_read_vmas(&f->exec, vmas);
	for (size_t i = 0; i < vmas->count; i++)
		if (vmas->vma[i].va < f->exec.uva_range)
			vmas->vma[kept++] = vmas->vma[i];
	vmas->count = kept;
}

static void fail_init(struct fail *f, int fd)
{
	memset(f, 0, sizeof(*f));
	igt_panthor_exec_init(&f->exec, fd);
	igt_panthor_exec_create_bo(&f->exec, &f->bo, HOLE_SIZE);
	igt_panthor_bo_set_label(fd, &f->bo, BO_LABEL);
	fill_bo(&f->bo);
	f->syncobj = syncobj_create(fd, 0);
	igt_panthor_exec_bind_sparse(&f->exec, RANGE_VA, RANGE_SIZE);
	read_vmas(f, &f->vmas);
	f->bos = igt_panthor_count_own_gems(fd);
}

static void fail_fini(struct fail *f)
{
	igt_panthor_free_vmas(&f->vmas);
	syncobj_destroy(f->exec.fd, f->syncobj);
	igt_panthor_exec_fini(&f->exec);
	igt_panthor_free_bo(f->exec.fd, &f->bo);
	if (f->many.handle)
		igt_panthor_free_bo(f->exec.fd, &f->many);
}

/* The VMAs are those of fail_init(). */
static void assert_same_vmas(struct fail *f)
{
	struct igt_panthor_vmas now;

	read_vmas(f, &now);
	igt_assert_eq_u64(now.count, f->vmas.count);
	for (size_t i = 0; i < now.count; i++) {
		const struct igt_panthor_vma *a = &f->vmas.vma[i], *b = &now.vma[i];

		igt_assert_f(a->va == b->va && a->size == b->size && a->object == b->object &&
				     a->offset == b->offset,
			     "VMA at %#" PRIx64 " of %#" PRIx64 " bytes, expected one at %#" PRIx64
			     " of %#" PRIx64 " bytes\n",
			     b->va, b->size, a->va, a->size);
	}
	igt_panthor_free_vmas(&now);
}

/* The sparse range is mapped without a gap, and the BO is mapped nowhere. */
static void assert_as_before(struct fail *f)
{
	assert_same_vmas(f);
	igt_panthor_sparse_store_load(&f->exec, RANGE_VA, RANGE_SIZE, SECOND);
	igt_panthor_bo_assert_holds(&f->bo, HOLE_VA, FIRST);
}

/* Replaces whatever the request made of the range by a fresh one. */
static void bind_again(struct fail *f)
{
	igt_panthor_exec_unbind(&f->exec, RANGE_VA, RANGE_SIZE);
	igt_panthor_exec_bind_sparse(&f->exec, RANGE_VA, RANGE_SIZE);
	assert_same_vmas(f);
}

static int bind_op(struct fail *f, uint32_t flags, uint32_t handle, uint64_t va, uint64_t size)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = flags,
		.bo_handle = handle,
		.va = va,
		.size = size,
	};

	return __igt_panthor_vm_bind_ops(f->exec.fd, f->exec.vm_id, 0, &op, 1);
}

static int request_bind(struct fail *f)
{
	return bind_op(f, IGT_PANTHOR_SPARSE_FLAGS, 0, OTHER_VA, RANGE_SIZE);
}

static void refused_bind(struct fail *f)
{
	assert_as_before(f);
	igt_panthor_exec_must_fault(&f->exec, OTHER_VA, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(&f->exec, OTHER_VA + RANGE_SIZE - PAGE, IGT_PANTHOR_STORE);
}

static void done_bind(struct fail *f)
{
	igt_panthor_sparse_store_load(&f->exec, OTHER_VA, RANGE_SIZE, FIRST);
	igt_panthor_exec_neighbours_fault(&f->exec, OTHER_VA, RANGE_SIZE);
	igt_panthor_exec_unbind(&f->exec, OTHER_VA, RANGE_SIZE);
	assert_as_before(f);
}

static void prepare_evict_dummy(struct fail *f)
{
	if (igt_panthor_dummy_resident(f->exec.fd, f->exec.dummy))
		igt_panthor_evict_dummy(f->exec.fd, f->exec.dummy);
}

/* Submits no job: a job would restore the dummy, and put it on an LRU. */
static void refused_bind_evicted(struct fail *f)
{
	assert_same_vmas(f);
	igt_panthor_vm_assert_usable(f->exec.fd, f->exec.vm_id);
}

static int request_punch(struct fail *f)
{
	return bind_op(f, IGT_PANTHOR_BO_MAP_FLAGS, f->bo.handle, HOLE_VA, HOLE_SIZE);
}

static void done_punch(struct fail *f)
{
	const uint64_t behind = HOLE_VA + HOLE_SIZE;

	igt_panthor_exec_store_pages(&f->exec, HOLE_VA, HOLE_SIZE, SECOND);
	igt_panthor_bo_assert_holds(&f->bo, HOLE_VA, SECOND);
	igt_panthor_sparse_store_load(&f->exec, RANGE_VA, HOLE_VA - RANGE_VA, SECOND);
	igt_panthor_sparse_store_load(&f->exec, behind, RANGE_VA + RANGE_SIZE - behind, SECOND);
	igt_panthor_bo_assert_holds(&f->bo, HOLE_VA, SECOND);

	fill_bo(&f->bo);
	bind_again(f);
}

static int request_unbind(struct fail *f)
{
	return bind_op(f, DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP, 0, HOLE_VA, HOLE_SIZE);
}

static void done_unbind(struct fail *f)
{
	const uint64_t behind = HOLE_VA + HOLE_SIZE;

	igt_panthor_exec_must_fault(&f->exec, HOLE_VA, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(&f->exec, behind - PAGE, IGT_PANTHOR_STORE);
	igt_panthor_sparse_store_load(&f->exec, RANGE_VA, HOLE_VA - RANGE_VA, SECOND);
	igt_panthor_sparse_store_load(&f->exec, behind, RANGE_VA + RANGE_SIZE - behind, SECOND);
	bind_again(f);
}

/* An unmap, a BO in a part of that hole, a sparse range in the rest, and one elsewhere. */
static int request_queued(struct fail *f)
{
	struct drm_panthor_sync_op signal = igt_panthor_sync_signal(f->syncobj, 0);
	struct drm_panthor_vm_bind_op ops[] = {
		{
			.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
			.va = HOLE_VA,
			.size = 2 * HOLE_SIZE,
		},
		{
			.flags = IGT_PANTHOR_BO_MAP_FLAGS,
			.bo_handle = f->bo.handle,
			.va = HOLE_VA,
			.size = HOLE_SIZE,
		},
		{
			.flags = IGT_PANTHOR_SPARSE_FLAGS,
			.va = HOLE_VA + HOLE_SIZE,
			.size = HOLE_SIZE,
		},
		{
			.flags = IGT_PANTHOR_SPARSE_FLAGS,
			.va = OTHER_VA,
			.size = RANGE_SIZE,
			.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &signal),
		},
	};

	return __igt_panthor_vm_bind_ops(f->exec.fd, f->exec.vm_id, DRM_PANTHOR_VM_BIND_ASYNC,
					 ops, ARRAY_SIZE(ops));
}

/* A syncobj without a fence cannot be waited for. */
static void refused_queued(struct fail *f)
{
	assert_as_before(f);
	igt_assert_eq(syncobj_wait_err(f->exec.fd, &f->syncobj, 1, 0, 0), -EINVAL);
}

static void done_queued(struct fail *f)
{
	igt_assert_f(syncobj_wait(f->exec.fd, &f->syncobj, 1,
				  igt_panthor_deadline(IGT_PANTHOR_JOB_DEADLINE_MS), 0, NULL),
		     "VM_BIND was not done within %d ms\n", IGT_PANTHOR_JOB_DEADLINE_MS);
	syncobj_destroy(f->exec.fd, f->syncobj);
	f->syncobj = syncobj_create(f->exec.fd, 0);
	igt_panthor_sparse_store_load(&f->exec, OTHER_VA, RANGE_SIZE, FIRST);
	igt_panthor_exec_unbind(&f->exec, OTHER_VA, RANGE_SIZE);
	done_punch(f);
}

/* Accesses every page of the range. done_restore() waits for the end of the job. */
static int request_restore(struct fail *f)
{
	const struct igt_panthor_walk walk =
		igt_panthor_pages(IGT_PANTHOR_STORE_LOAD, RANGE_VA, RANGE_SIZE, SECOND);

	return __igt_panthor_exec_start(&f->exec, &walk);
}

static void refused_restore(struct fail *f)
{
	assert_same_vmas(f);
	igt_panthor_vm_assert_usable(f->exec.fd, f->exec.vm_id);
}

static void done_restore(struct fail *f)
{
	igt_panthor_exec_finish(&f->exec);
	assert_as_before(f);
	igt_panthor_exec_neighbours_fault(&f->exec, RANGE_VA, RANGE_SIZE);
}

/* Behind the range. The first attempt maps the BO there, and it stays mapped. */
#define BO_VA (RANGE_VA + RANGE_SIZE + SZ_1M)

static void prepare_evict_bo(struct fail *f)
{
	if (!igt_panthor_find_vma(&f->vmas, 0, BO_VA)) {
		igt_panthor_exec_bind_bo(&f->exec, &f->bo, BO_VA);
		igt_panthor_exec_store_pages(&f->exec, BO_VA, HOLE_SIZE, FIRST);
		igt_panthor_free_vmas(&f->vmas);
		read_vmas(f, &f->vmas);
	}
	igt_panthor_evict_gem(f->exec.fd, BO_LABEL);
}

static int request_restore_bo(struct fail *f)
{
	const struct igt_panthor_walk walk =
		igt_panthor_pages(IGT_PANTHOR_LOAD, BO_VA, HOLE_SIZE, FIRST);

	return __igt_panthor_exec_start(&f->exec, &walk);
}

static void done_restore_bo(struct fail *f)
{
	const uint32_t *loaded = igt_panthor_exec_finish(&f->exec);

	for (uint64_t i = 0; i < HOLE_SIZE / PAGE; i++)
		igt_assert_eq_u32(loaded[i], igt_panthor_pattern(BO_VA + i * PAGE, FIRST));
	igt_panthor_exec_neighbours_fault(&f->exec, BO_VA, HOLE_SIZE);
}

/*
 * Mappings of a BO: more than a driver restores in one batch, which has 64 VMAs at most
 * (PANTHOR_VM_RESTORE_BATCH in panthor_mmu.c, with kernel/patches). The BO has one page, since each
 * allocation of a page is an attempt.
 */
#define MANY 66
#define MANY_STRIDE (2 * SZ_64K)
#define MANY_LABEL "mapped often"

static const struct igt_panthor_walk many_walk = {
	.access = IGT_PANTHOR_LOAD,
	.va = OTHER_VA,
	.count = MANY,
	.stride = MANY_STRIDE,
};

/* Each mapping shows the first word of the BO. */
static void assert_many_loaded(const uint32_t *loaded)
{
	for (unsigned int i = 0; i < MANY; i++)
		igt_assert_eq_u32(loaded[i], igt_panthor_pattern(OTHER_VA, FIRST));
}

/* The first attempt maps the BO, and it stays mapped. */
static void prepare_evict_many(struct fail *f)
{
	if (!igt_panthor_find_vma(&f->vmas, 0, OTHER_VA)) {
		igt_panthor_exec_create_bo(&f->exec, &f->many, PAGE);
		igt_panthor_bo_set_label(f->exec.fd, &f->many, MANY_LABEL);
		for (unsigned int i = 0; i < MANY; i++)
			igt_panthor_exec_bind_bo(&f->exec, &f->many, OTHER_VA + i * MANY_STRIDE);
		igt_panthor_exec_store_pages(&f->exec, OTHER_VA, PAGE, FIRST);
		assert_many_loaded(igt_panthor_exec_walk(&f->exec, &many_walk));
		igt_panthor_free_vmas(&f->vmas);
		read_vmas(f, &f->vmas);
	}
	igt_panthor_evict_gem(f->exec.fd, MANY_LABEL);
}

static int request_restore_many(struct fail *f)
{
	return __igt_panthor_exec_start(&f->exec, &many_walk);
}

/* Some mappings may be restored by now: the next job has to restore the rest. */
static void refused_restore_many(struct fail *f)
{
	refused_restore(f);
	assert_many_loaded(igt_panthor_exec_walk(&f->exec, &many_walk));
}

static void done_restore_many(struct fail *f)
{
	assert_many_loaded(igt_panthor_exec_finish(&f->exec));
}

static int request_open(struct fail *f)
{
	f->other = __igt_panthor_reopen(f->exec.fd);

	return min(f->other, 0);
}

static void refused_open(struct fail *f)
{
	igt_assert_eq(igt_panthor_count_own_gems(f->exec.fd), f->bos);
}

static void done_open(struct fail *f)
{
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, f->other);
	igt_panthor_exec_bind_sparse(&exec, RANGE_VA, RANGE_SIZE);
	igt_panthor_sparse_store_load(&exec, RANGE_VA, RANGE_SIZE, FIRST);
	igt_panthor_exec_fini(&exec);
	igt_panthor_close(f->other);
	igt_assert_f(igt_wait(igt_panthor_count_own_gems(f->exec.fd) == f->bos,
			      IGT_PANTHOR_RELEASE_DEADLINE_MS, 10),
		     "BOs of a closed file are left after %d ms\n",
		     IGT_PANTHOR_RELEASE_DEADLINE_MS);
}

/* Only the VMs of fail-vm-destroy have a VMA there. */
#define DESTROYED_VA (BASE_VA + UINT64_C(0x56780000))

static unsigned int count_destroyed_vmas(int fd)
{
	struct igt_panthor_vmas vmas;
	unsigned int count = 0;

	igt_panthor_read_gpuvas(fd, &vmas);
	for (size_t i = 0; i < vmas.count; i++)
		count += vmas.vma[i].va == DESTROYED_VA;
	igt_panthor_free_vmas(&vmas);

	return count;
}

static void prepare_destroy(struct fail *f)
{
	igt_panthor_vm_create(f->exec.fd, &f->other_vm, 0);
	igt_panthor_vm_bind_sparse(f->exec.fd, f->other_vm, DESTROYED_VA, RANGE_SIZE, 0);
	igt_assert_eq(count_destroyed_vmas(f->exec.fd), 1);
}

static int request_destroy(struct fail *f)
{
	struct drm_panthor_vm_destroy destroy = { .id = f->other_vm };

	return igt_ioctl(f->exec.fd, DRM_IOCTL_PANTHOR_VM_DESTROY, &destroy) ? -errno : 0;
}

static void done_destroy(struct fail *f)
{
	igt_assert_f(igt_wait(!count_destroyed_vmas(f->exec.fd), IGT_PANTHOR_RELEASE_DEADLINE_MS,
			      10),
		     "gpuvas has a VMA of a destroyed VM after %d ms\n",
		     IGT_PANTHOR_RELEASE_DEADLINE_MS);
}

static const struct fail_case cases[] = {
	{
		.name = "fail-bind",
		.describe = "Bind a sparse range in a VM that has another one, with each "
			    "allocation failing in turn: a refused bind maps nothing, and the "
			    "other range is unchanged.",
		.request = request_bind,
		.refused = refused_bind,
		.done = done_bind,
	},
	{
		.name = "fail-bind-evicted",
		.describe = "Bind a sparse range while the dummy is evicted, with each allocation "
			    "failing in turn: a refused bind changes no VMA and leaves the VM "
			    "usable, and the dummy can be evicted again.",
		.prepare = prepare_evict_dummy,
		.request = request_bind,
		.refused = refused_bind_evicted,
		.done = done_bind,
		.shrinks = true,
	},
	{
		.name = "fail-punch",
		.describe = "Map a BO over the middle of a sparse range, with each allocation "
			    "failing in turn: a refused map leaves every page of the range "
			    "sparse, and the BO unmapped.",
		.request = request_punch,
		.refused = assert_as_before,
		.done = done_punch,
	},
	{
		.name = "fail-unbind",
		.describe = "Unmap the middle of a sparse range, with each allocation failing in "
			    "turn: a refused unmap leaves every page of the range mapped.",
		.request = request_unbind,
		.refused = assert_as_before,
		.done = done_unbind,
	},
	{
		.name = "fail-queued",
		.describe = "Queue an unmap and three binds by one request, with each allocation "
			    "failing in turn: a refused request queues none of them, and signals "
			    "nothing.",
		.request = request_queued,
		.refused = refused_queued,
		.done = done_queued,
	},
	{
		.name = "fail-restore",
		.describe = "Submit a job while the dummy is evicted, with each allocation "
			    "failing in turn: a refused job leaves the VM usable and the dummy "
			    "evictable, and an accepted one finds every page of the range mapped.",
		.prepare = prepare_evict_dummy,
		.request = request_restore,
		.refused = refused_restore,
		.done = done_restore,
		.shrinks = true,
	},
	{
		.name = "fail-restore-bo",
		.describe = "Submit a job while a BO is evicted, with each allocation failing in "
			    "turn: a refused job leaves the VM usable and the BO evictable, and "
			    "an accepted one finds the contents of the BO.",
		.prepare = prepare_evict_bo,
		.request = request_restore_bo,
		.refused = refused_restore,
		.done = done_restore_bo,
		.shrinks = true,
	},
	{
		.name = "fail-restore-many",
		.describe = "Submit a job while a BO that is mapped 66 times is evicted, with each "
			    "allocation failing in turn: a refused job leaves the VM usable. The job "
			    "behind it, or an accepted one, finds the contents of the BO in all 66 "
			    "mappings, and the BO can be evicted again.",
		.prepare = prepare_evict_many,
		.request = request_restore_many,
		.refused = refused_restore_many,
		.done = done_restore_many,
		.shrinks = true,
	},
	{
		.name = "fail-open",
		.describe = "Open the device, with each allocation failing in turn: an open that "
			    "fails leaves no BO behind, and a sparse range works in a file that "
			    "is opened.",
		.request = request_open,
		.refused = refused_open,
		.done = done_open,
		.not_ours = true,
	},
	{
		.name = "fail-vm-destroy",
		.describe = "Destroy a VM, with each allocation failing in turn: the request "
			    "succeeds each time, and no mapping of the VM stays.",
		.prepare = prepare_destroy,
		.request = request_destroy,
		.done = done_destroy,
		.cannot_fail = true,
	},
	{}
};

/*
 * Makes the request once, with its allocation number @nth failing. A request may succeed without
 * the allocation that failed. Returns false if it made fewer than @nth allocations.
 */
static bool attempt(struct fail *f, const struct fail_case *c, unsigned int nth)
{
	bool failed;
	int err;

	if (c->prepare)
		c->prepare(f);
	igt_panthor_exec_group(&f->exec);

	igt_fail_nth_start(nth);
	err = c->request(f);
	failed = igt_fail_nth_stop();

	igt_debug("allocation %u %s, request: %s\n", nth, failed ? "failed" : "was not made",
		  err ? strerror(-err) : "done");
	if (!err) {
		c->done(f);
		return failed;
	}
	igt_assert_f(failed && !c->cannot_fail, "refused with allocation %u failing: %s\n", nth,
		     strerror(-err));
	igt_assert_f(c->not_ours || err == -ENOMEM, "allocation %u failed: %s, expected %s\n", nth,
		     strerror(-err), strerror(ENOMEM));
	c->refused(f);

	return true;
}

/*
 * A request that makes no allocation passes without a failure. That injected failures reach the
 * driver is shown by a bind, which needs memory.
 */
static void assert_bind_is_refused(struct fail *f)
{
	unsigned int nth = 0;
	bool failed;
	int err;

	do {
		igt_fail_nth_start(++nth);
		err = request_bind(f);
		failed = igt_fail_nth_stop();
		if (!err)
			igt_panthor_exec_unbind(&f->exec, OTHER_VA, RANGE_SIZE);
	} while (!err && failed);
	igt_assert_f(err == -ENOMEM, "no failed allocation made VM_BIND fail\n");
}

static void run_fail(int fd, const struct fail_case *c)
{
	unsigned int nth = 1;
	struct fail f;

	igt_fail_nth_require();
	if (c->shrinks)
		igt_panthor_require_shrink(fd);
	else
		igt_panthor_require_debugfs(fd);
	fail_init(&f, fd);
	if (c->shrinks)
		igt_panthor_sparse_require_dummy(&f.exec);
	if (c->not_ours)
		igt_emit_ignore_dmesg_regex("debugfs: out of free dentries");
	if (c->cannot_fail)
		assert_bind_is_refused(&f);

	while (nth <= MAX_ALLOCATIONS && attempt(&f, c, nth))
		nth++;
	igt_assert_lte(nth, MAX_ALLOCATIONS);
	igt_info("%u allocations failed, one by one\n", nth - 1);
	igt_assert_f(nth > 1 || c->cannot_fail, "no allocation failed\n");
	fail_fini(&f);
}

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();
	for (const struct fail_case *c = cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest(c->name)
			igt_panthor_with_device(fd)
				run_fail(fd, c);
		igt_fixture()
			igt_teardown();
	}
}
