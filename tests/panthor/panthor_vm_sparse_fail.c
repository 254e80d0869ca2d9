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
 * TEST: Sparse mappings of panthor when there is no memory for them
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings, eviction
 * Feature: fail
 * Test category: negative test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, a kernel with CONFIG_FAILSLAB
 * Failure mode: Requests that fail for want of memory and leave something half done, or fail
 *	without saying so.
 * Description: The first allocation that a request makes in the kernel fails, then the
 *	second, and so on, until none does. Each time the request is refused and
 *	nothing has changed, or it is done.
 *
 * SUBTEST: fail-bind
 * Run type: BAT, FULL
 * Description: A sparse range is bound beside another one.
 *
 * SUBTEST: fail-bind-evicted
 * Test requirement: panthor uAPI 1.9, debugfs, a kernel with CONFIG_FAILSLAB, swap
 * Description: The same while the dummy object is evicted, which stays possible after a
 *	bind that was refused.
 *
 * SUBTEST: fail-punch
 * Description: A BO is mapped over the middle of a sparse range.
 *
 * SUBTEST: fail-unbind
 * Description: The middle of a sparse range is unmapped.
 *
 * SUBTEST: fail-queued
 * Description: Four operations are queued at once.
 *
 * SUBTEST: fail-restore
 * Run type: BAT, FULL
 * Test requirement: panthor uAPI 1.9, debugfs, a kernel with CONFIG_FAILSLAB, swap
 * Description: A job is submitted while the dummy object is evicted, which is possible
 *	again after a restore that failed.
 *
 * SUBTEST: fail-restore-bo
 * Test requirement: panthor uAPI 1.9, debugfs, a kernel with CONFIG_FAILSLAB, swap
 * Description: The same with a BO, which keeps its content.
 *
 * SUBTEST: fail-open
 * Description: The device is opened, which takes a dummy object.
 *
 * SUBTEST: fail-vm-destroy
 * Description: A VM is destroyed, which cannot fail: nothing of it stays.
 */

IGT_TEST_DESCRIPTION("Check what is left of requests that the kernel has no memory for");

/*
 * The scenarios, and the failure that each one hunts:
 *
 * 1. fail-bind, fail-punch, fail-unbind: VMAs or page table entries that a request
 *    changes before it has all that it needs.
 * 2. fail-*-evicted, fail-restore*: pages that are there and can never be reclaimed
 *    again, restores that stop half-way and say that all is well.
 * 3. fail-queued: operations of a refused batch that run all the same.
 * 4. fail-open: objects of a file that was never opened.
 * 5. fail-vm-destroy: mappings that nobody can unmap any more.
 *
 * The range starts one page behind a block and ends within one, so that it takes page
 * tables of the last level at both ends, which is where splits need them, too.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE

/* 1 GiB-aligned, and free of what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)

#define RANGE_VA (BASE_VA + PAGE)
#define RANGE_SIZE ((uint64_t)(SZ_4M + SZ_512K))

/* Where no page table is yet. */
#define OTHER_VA (BASE_VA + SZ_1G + SZ_2M - PAGE)

#define HOLE_SIZE ((uint64_t)SZ_64K)
#define HOLE_VA (BASE_VA + SZ_2M + SZ_1M)

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND

/* More than any request here allocates. */
#define MAX_ALLOCATIONS 400

#define BO_LABEL "short of memory"

/* How long objects may stay after they were given up. */
#define RELEASE_DEADLINE_MS 300

/* How long a queued batch may take. */
#define QUEUED_DEADLINE_MS 5000

/**
 * fail:
 * @exec: VM with a sparse range at %RANGE_VA
 * @bo: BO of %HOLE_SIZE with a mark of its own at %HOLE_VA
 * @vmas: VMAs of the VM before a request, and after one that was refused
 * @bos: BOs of this process, likewise
 * @syncobj: signalled by the last operation of a batch
 * @other_vm: VM to be destroyed
 * @other: file that was opened
 */
struct fail {
	struct igt_panthor_exec exec;
	struct panthor_bo bo;
	struct igt_panthor_vmas vmas;
	unsigned int bos;
	uint32_t syncobj;
	uint32_t other_vm;
	int other;
};

/**
 * fail_case:
 * @prepare: before each attempt, or NULL
 * @request: the system call; returns 0 or a negative errno
 * @refused: after each attempt that failed
 * @done: after each one that succeeded; undoes it
 * @shrinks: @prepare evicts
 * @cannot_fail: there is no way to refuse it
 * @not_ours: other parts of the kernel have a say in how it is refused, and may log it
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

static unsigned int count_bos(int fd)
{
	struct igt_panthor_gems gems;
	unsigned int count = 0;

	igt_panthor_read_gems(fd, &gems);
	for (size_t i = 0; i < gems.count; i++)
		count += gems.gem[i].pid == getpid();
	igt_panthor_free_gems(&gems);

	return count;
}

static void fill_bo(const struct panthor_bo *bo)
{
	for (uint64_t offset = 0; offset < bo->size; offset += PAGE)
		*(uint32_t *)((char *)bo->map + offset) =
			igt_panthor_pattern(HOLE_VA + offset, FIRST);
	__sync_synchronize();
}

/* Not the driver's own, of which the group has some: groups come and go. */
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
	f->bos = count_bos(fd);
}

static void fail_fini(struct fail *f)
{
	igt_panthor_free_vmas(&f->vmas);
	syncobj_destroy(f->exec.fd, f->syncobj);
	igt_panthor_exec_fini(&f->exec);
	igt_panthor_free_bo(f->exec.fd, &f->bo);
}

/* All VMAs are what they were. */
static void assert_same_vmas(struct fail *f)
{
	struct igt_panthor_vmas now;

	read_vmas(f, &now);
	igt_assert_eq_u64(now.count, f->vmas.count);
	for (size_t i = 0; i < now.count; i++) {
		const struct igt_panthor_vma *a = &f->vmas.vma[i], *b = &now.vma[i];

		igt_assert_f(a->va == b->va && a->size == b->size && a->object == b->object &&
				     a->offset == b->offset,
			     "VMA at %#" PRIx64 " of %#" PRIx64 " bytes has become one at %#" PRIx64
			     " of %#" PRIx64 " bytes\n",
			     a->va, a->size, b->va, b->size);
	}
	igt_panthor_free_vmas(&now);
}

/* The sparse range, with nothing missing, and the BO, which is mapped nowhere. */
static void assert_as_before(struct fail *f)
{
	assert_same_vmas(f);
	igt_panthor_sparse_store_load(&f->exec, RANGE_VA, RANGE_SIZE, SECOND);
	igt_panthor_bo_assert_holds(&f->bo, HOLE_VA, FIRST);
}

/* From whatever has become of it to what it was before. */
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

#define BO_FLAGS (DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC)

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

/* No job: one would restore what is evicted, and set right what the bind has left. */
static void refused_bind_evicted(struct fail *f)
{
	assert_same_vmas(f);
}

static int request_punch(struct fail *f)
{
	return bind_op(f, BO_FLAGS, f->bo.handle, HOLE_VA, HOLE_SIZE);
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

/* A hole, a BO in a part of it, sparse in the rest, and a range of its own. */
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
			.flags = BO_FLAGS,
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

static void done_queued(struct fail *f)
{
	igt_assert(syncobj_wait(f->exec.fd, &f->syncobj, 1,
				igt_panthor_deadline(QUEUED_DEADLINE_MS), 0, NULL));
	igt_panthor_sparse_store_load(&f->exec, OTHER_VA, RANGE_SIZE, FIRST);
	igt_panthor_exec_unbind(&f->exec, OTHER_VA, RANGE_SIZE);
	done_punch(f);
}

/* Every page of the range; ended by done_restore(). */
static int request_restore(struct fail *f)
{
	const struct igt_panthor_walk walk =
		igt_panthor_pages(IGT_PANTHOR_STORE_LOAD, RANGE_VA, RANGE_SIZE, SECOND);

	return __igt_panthor_exec_start(&f->exec, &walk);
}

static void refused_restore(struct fail *f)
{
	assert_same_vmas(f);
	igt_assert_eq_u32(igt_panthor_vm_get_state(f->exec.fd, f->exec.vm_id),
			  DRM_PANTHOR_VM_STATE_USABLE);
}

static void done_restore(struct fail *f)
{
	igt_panthor_exec_finish(&f->exec);
	assert_as_before(f);
	igt_panthor_exec_neighbours_fault(&f->exec, RANGE_VA, RANGE_SIZE);
}

/* The BO has its place behind the range, mapped once and left there. */
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

static int request_open(struct fail *f)
{
	f->other = __igt_panthor_reopen(f->exec.fd);

	return min(f->other, 0);
}

static void refused_open(struct fail *f)
{
	igt_assert_eq(count_bos(f->exec.fd), f->bos);
}

static void done_open(struct fail *f)
{
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, f->other);
	igt_panthor_exec_bind_sparse(&exec, RANGE_VA, RANGE_SIZE);
	igt_panthor_sparse_store_load(&exec, RANGE_VA, RANGE_SIZE, FIRST);
	igt_panthor_exec_fini(&exec);
	igt_assert_eq(close(f->other), 0);
	igt_assert_f(igt_wait(count_bos(f->exec.fd) == f->bos, RELEASE_DEADLINE_MS, 10),
		     "BOs of a file stay after it was closed\n");
}

/* No VM but those of fail-vm-destroy has anything there. */
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
	igt_assert_f(igt_wait(!count_destroyed_vmas(f->exec.fd), RELEASE_DEADLINE_MS, 10),
		     "gpuvas still has the mapping of a VM that was destroyed\n");
}

static const struct fail_case cases[] = {
	{
		.name = "fail-bind",
		.describe = "A sparse bind that there is no memory for leaves nothing behind",
		.request = request_bind,
		.refused = refused_bind,
		.done = done_bind,
	},
	{
		.name = "fail-bind-evicted",
		.describe = "Nor does it keep the dummy object from being evicted",
		.prepare = prepare_evict_dummy,
		.request = request_bind,
		.refused = refused_bind_evicted,
		.done = done_bind,
		.shrinks = true,
	},
	{
		.name = "fail-punch",
		.describe = "A BO that there is no memory to map leaves the sparse range whole",
		.request = request_punch,
		.refused = assert_as_before,
		.done = done_punch,
	},
	{
		.name = "fail-unbind",
		.describe = "A hole that there is no memory for leaves the sparse range whole",
		.request = request_unbind,
		.refused = assert_as_before,
		.done = done_unbind,
	},
	{
		.name = "fail-queued",
		.describe = "Nothing is done of a batch that there is no memory for",
		.request = request_queued,
		.refused = assert_as_before,
		.done = done_queued,
	},
	{
		.name = "fail-restore",
		.describe = "A job whose sparse range cannot be restored is refused, and the next is not",
		.prepare = prepare_evict_dummy,
		.request = request_restore,
		.refused = refused_restore,
		.done = done_restore,
		.shrinks = true,
	},
	{
		.name = "fail-restore-bo",
		.describe = "The same of a BO, whose content stays",
		.prepare = prepare_evict_bo,
		.request = request_restore_bo,
		.refused = refused_restore,
		.done = done_restore_bo,
		.shrinks = true,
	},
	{
		.name = "fail-open",
		.describe = "A file that there is no memory for leaves no object behind",
		.request = request_open,
		.refused = refused_open,
		.done = done_open,
		.not_ours = true,
	},
	{
		.name = "fail-vm-destroy",
		.describe = "A VM can be destroyed without memory",
		.prepare = prepare_destroy,
		.request = request_destroy,
		.done = done_destroy,
		.cannot_fail = true,
	},
	{}
};

/*
 * One attempt: false if no allocation failed, because there are fewer than @nth. An
 * allocation may fail, and the request succeed all the same.
 */
static bool attempt(struct fail *f, const struct fail_case *c, unsigned int nth)
{
	bool failed;
	int err;

	if (c->prepare)
		c->prepare(f);

	igt_fail_nth_start(nth);
	err = c->request(f);
	failed = igt_fail_nth_stop();

	igt_debug("allocation %u %s: %d\n", nth, failed ? "failed" : "was not made", err);
	if (!err) {
		c->done(f);
		return failed;
	}
	igt_assert_f(failed && !c->cannot_fail, "refused: %s\n", strerror(-err));
	if (!c->not_ours)
		igt_assert_eq(err, -ENOMEM);
	c->refused(f);

	return true;
}

static void run_fail(int fd, const void *row)
{
	const struct fail_case *c = row;
	unsigned int nth = 1;
	struct fail f;

	igt_fail_nth_require();
	if (c->shrinks)
		igt_panthor_require_shrink(fd);
	fail_init(&f, fd);
	if (c->shrinks)
		igt_panthor_sparse_require_dummy(&f.exec);
	if (c->not_ours)
		igt_emit_ignore_dmesg_regex("debugfs: out of free dentries");

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
		igt_subtest(c->name) {
			int fd = igt_panthor_open();

			run_fail(fd, c);
			igt_panthor_close(fd);
		}
		igt_fixture()
			igt_teardown();
	}
}
