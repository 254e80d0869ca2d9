// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "igt_teardown.h"
#include "sw_sync.h"

/**
 * TEST: Queued binds of sparse mappings of panthor, and their fences
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: async
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9
 * Failure mode: Binds that run before their fences or in another order, fences that
 *	are signalled too early or never, batches that are applied in part,
 *	VMs that outlive their file.
 * Description: Binds that wait behind a fence which the test holds back: what loads
 *	and stores of command streams find before it is signalled, and after.
 *
 * SUBTEST: async-bind
 * Run type: BAT, FULL
 * Description: A queued sparse bind waits for the fence that it was given, and the
 *	range is within reach once its own is signalled; an unbind likewise.
 *
 * SUBTEST: async-sync-order
 * Description: A bind waits for its fence although what it signals is named first.
 *
 * SUBTEST: async-sync-order-timeline
 * Description: The same with points of timelines.
 *
 * SUBTEST: async-sync-order-three
 * Description: The same when a wait that is over at once stands before both.
 *
 * SUBTEST: async-batch
 * Run type: BAT, FULL
 * Description: Sixteen binds, of which the first waits and the last signals: none is
 *	done before the wait is over, and all are when the signal comes.
 *
 * SUBTEST: async-batch-timeline
 * Description: The same with points of timelines.
 *
 * SUBTEST: async-batch-mixed
 * Description: Sixteen binds and unbinds that overlap, of sparse ranges and of a BO:
 *	each page is what the last operation on it made of it.
 *
 * SUBTEST: async-last-signals
 * Description: Sixteen binds, of which the ninth waits and the last signals: the
 *	first eight are done meanwhile, no other is, and no signal comes.
 *
 * SUBTEST: async-last-signals-timeline
 * Description: The same with points of timelines.
 *
 * SUBTEST: async-timeline
 * Description: Sixteen binds, each of which waits for the point of a timeline that
 *	the one before it signals.
 *
 * SUBTEST: async-sync-only
 * Description: Operations that only wait and signal hold back the binds behind them,
 *	not those before, and do the VM no harm.
 *
 * SUBTEST: async-order-binds
 * Description: An unbind without any sync is not done before a bind that was queued
 *	earlier and waits.
 *
 * SUBTEST: async-job-between-binds
 * Description: A job waits for the bind of the range that it stores to, and the
 *	unbind waits for the job, all three submitted in advance.
 *
 * SUBTEST: async-bad-op
 * Run type: BAT, FULL
 * Description: Sixteen operations with an invalid one amid them are refused: nothing
 *	is bound, nothing is signalled, the VM is usable.
 *
 * SUBTEST: async-bad-op-last
 * Description: The same with the invalid one at the end.
 *
 * SUBTEST: async-bad-wait
 * Description: The same with a wait for a syncobj that has no fence.
 *
 * SUBTEST: async-wait-own-signal
 * Description: An operation that waits for what it is to signal itself is refused, and
 *	the kernel does not warn.
 *
 * SUBTEST: async-destroy-bind-queued
 * Description: A VM is destroyed while a bind waits: its fence is signalled in the
 *	end, nothing stays mapped, and nothing of the VM stays behind.
 *
 * SUBTEST: async-destroy-unbind-queued
 * Description: The same with an unbind.
 *
 * SUBTEST: async-close-bind-queued
 * Description: The file is closed while a bind waits: its fence is signalled in the
 *	end, nothing stays mapped, and nothing of the file stays behind.
 *
 * SUBTEST: async-close-unbind-queued
 * Description: The same with an unbind.
 */

IGT_TEST_DESCRIPTION("Check the order of queued binds of sparse mappings of panthor");

/*
 * The scenarios, and the failure that each one hunts:
 *
 * 1. async-bind, async-sync-order*: waits that are overlooked.
 * 2. async-batch*, async-last-signals*, async-timeline: fences of a batch that belong
 *    to another operation of it.
 * 3. async-sync-only, async-order-binds, async-job-between-binds: operations that
 *    leave the order of the queue.
 * 4. async-bad-*, async-wait-own-signal: batches that are refused too late.
 * 5. async-destroy-*, async-close-*: operations that outlive what they work on.
 *
 * A job of another VM that runs until it is told to go on, the gate, is a fence that
 * is not signalled. It has 5 s, then the driver ends it; what happens before the gate
 * opens takes a fraction of that.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define BLOCK UINT64_C(0x200000)

/* 2 MiB-aligned, 400 MiB and more from a 1 GiB boundary, and free in every VM. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END + UINT64_C(0x23400000))

/* As many operations as PanVK sends at most in one request. */
#define BATCH 16

/* How long nothing may happen. Long enough for a queue that does not wait. */
#define QUIET_MS 50

/* Releasing what nothing refers to any more is done by workers. */
#define RELEASE_DEADLINE_MS 300

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND

/* The point of the timelines; the gate's is less than that which is signalled. */
#define WAIT_POINT 2
#define DONE_POINT 5

/**
 * async:
 * @fd: device
 * @exec: VM that the binds are for
 * @gate: another VM, with the job that is the gate
 * @wait: sync operation that waits for the gate
 * @done: sync operation that signals what assert_done() waits for
 */
struct async {
	int fd;
	struct igt_panthor_exec exec;
	struct igt_panthor_exec gate;
	struct drm_panthor_sync_op wait;
	struct drm_panthor_sync_op done;
};

static void gate_close(struct async *a)
{
	const uint32_t wait = a->wait.handle;

	igt_panthor_exec_pause(&a->gate, NULL, NULL);
	if (a->wait.timeline_value)
		syncobj_binary_to_timeline(a->fd, wait, WAIT_POINT, a->gate.syncobj);
	else
		syncobj_timeline_to_binary(a->fd, wait, a->gate.syncobj, 0, 0);
}

static void async_init(struct async *a, int fd, bool timeline)
{
	a->fd = fd;
	a->wait = igt_panthor_sync_wait(syncobj_create(fd, 0), timeline ? WAIT_POINT : 0);
	a->done = igt_panthor_sync_signal(syncobj_create(fd, 0), timeline ? DONE_POINT : 0);
	igt_panthor_exec_init(&a->exec, fd);
	igt_panthor_exec_init(&a->gate, fd);
	gate_close(a);
}

static void async_fini(struct async *a)
{
	syncobj_destroy(a->fd, a->done.handle);
	syncobj_destroy(a->fd, a->wait.handle);
	igt_panthor_exec_fini(&a->gate);
	igt_panthor_exec_fini(&a->exec);
}

static bool signalled(int fd, const struct drm_panthor_sync_op *sync, unsigned int ms)
{
	uint32_t handle = sync->handle;
	uint64_t point = sync->timeline_value;

	if (point)
		return syncobj_timeline_wait(fd, &handle, &point, 1, igt_panthor_deadline(ms), 0,
					     NULL);

	return syncobj_wait(fd, &handle, 1, igt_panthor_deadline(ms), 0, NULL);
}

static void assert_quiet(struct async *a)
{
	igt_assert_f(!signalled(a->fd, &a->done, QUIET_MS),
		     "signalled although the wait is not over\n");
}

/* 1 if it is signalled, a negative errno if by a failure. */
static int sync_status(int fd, const struct drm_panthor_sync_op *sync)
{
	uint32_t binary = syncobj_create(fd, 0);
	int file, status;

	syncobj_timeline_to_binary(fd, binary, sync->handle, sync->timeline_value, 0);
	file = syncobj_handle_to_fd(fd, binary, DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE);
	status = sync_fence_status(file);
	igt_assert_eq(close(file), 0);
	syncobj_destroy(fd, binary);

	return status;
}

static void assert_done(int fd, const struct drm_panthor_sync_op *sync)
{
	igt_assert_f(signalled(fd, sync, IGT_PANTHOR_JOB_DEADLINE_MS),
		     "VM_BIND was not done within %d ms\n", IGT_PANTHOR_JOB_DEADLINE_MS);
	igt_assert_eq(sync_status(fd, sync), 1);
}

static void assert_usable(const struct igt_panthor_exec *exec)
{
	igt_assert_eq_u32(igt_panthor_vm_get_state(exec->fd, exec->vm_id),
			  DRM_PANTHOR_VM_STATE_USABLE);
}

#define SYNC_ONLY DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY
#define UNMAP DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP

/* Where operation @i of a batch binds a block of its own. */
static uint64_t tile_va(unsigned int i)
{
	return BASE_VA + i * 2 * BLOCK;
}

static struct drm_panthor_vm_bind_op tile_op(uint32_t flags, unsigned int i)
{
	return (struct drm_panthor_vm_bind_op){
		.flags = flags,
		.va = flags == SYNC_ONLY ? 0 : tile_va(i),
		.size = flags == SYNC_ONLY ? 0 : BLOCK,
	};
}

static void op_set_syncs(struct drm_panthor_vm_bind_op *op, struct drm_panthor_sync_op *syncs,
			 uint32_t count)
{
	op->syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(count, syncs);
}

static void batch_init(struct drm_panthor_vm_bind_op *ops)
{
	for (unsigned int i = 0; i < BATCH; i++)
		ops[i] = tile_op(IGT_PANTHOR_SPARSE_FLAGS, i);
}

static void queue(const struct igt_panthor_exec *exec, struct drm_panthor_vm_bind_op *ops,
		  uint32_t count)
{
	igt_panthor_vm_bind_ops_async(exec->fd, exec->vm_id, ops, count, 0);
}

static void queue_one(const struct igt_panthor_exec *exec, struct drm_panthor_vm_bind_op op,
		      struct drm_panthor_sync_op *syncs, uint32_t count)
{
	op_set_syncs(&op, syncs, count);
	queue(exec, &op, 1);
}

static void tiles_work(struct async *a, unsigned int first, unsigned int end)
{
	for (unsigned int i = first; i < end; i++)
		igt_panthor_sparse_store_load(&a->exec, tile_va(i), BLOCK, FIRST);
}

static void tile_faults(struct async *a, unsigned int i)
{
	igt_panthor_exec_must_fault(&a->exec, tile_va(i), IGT_PANTHOR_LOAD);
}

static void async_bind(int fd)
{
	struct drm_panthor_sync_op syncs[2];
	struct async a;

	async_init(&a, fd, false);
	syncs[0] = a.wait;
	syncs[1] = a.done;

	queue_one(&a.exec, tile_op(IGT_PANTHOR_SPARSE_FLAGS, 0), syncs, 2);
	assert_quiet(&a);
	tile_faults(&a, 0);
	igt_panthor_exec_resume(&a.gate);
	assert_done(fd, &a.done);
	tiles_work(&a, 0, 1);

	gate_close(&a);
	queue_one(&a.exec, tile_op(UNMAP, 0), syncs, 2);
	assert_quiet(&a);
	tiles_work(&a, 0, 1);
	igt_panthor_exec_resume(&a.gate);
	assert_done(fd, &a.done);
	tile_faults(&a, 0);

	async_fini(&a);
}

/**
 * order_row:
 * @name: name of the subtest
 * @describe: its description
 * @timeline: points of timelines, not binary syncobjs
 * @first_is_over: a wait for what is signalled comes first
 */
struct order_row {
	const char *name;
	const char *describe;
	bool timeline;
	bool first_is_over;
};

static const struct order_row order_rows[] = {
	{ "async-sync-order", "A wait that is named after a signal counts", false, false },
	{ "async-sync-order-timeline", "So does one of a timeline's point", true, false },
	{ "async-sync-order-three", "So does one that is named last of three", false, true },
};

static void async_sync_order(int fd, const void *row)
{
	const struct order_row *r = row;
	uint32_t over = syncobj_create(fd, DRM_SYNCOBJ_CREATE_SIGNALED);
	struct drm_panthor_sync_op syncs[3];
	uint32_t count = 0;
	struct async a;

	async_init(&a, fd, r->timeline);
	if (r->first_is_over)
		syncs[count++] = igt_panthor_sync_wait(over, 0);
	syncs[count++] = a.done;
	syncs[count++] = a.wait;

	queue_one(&a.exec, tile_op(IGT_PANTHOR_SPARSE_FLAGS, 0), syncs, count);
	assert_quiet(&a);
	tile_faults(&a, 0);
	igt_panthor_exec_resume(&a.gate);
	assert_done(fd, &a.done);
	tiles_work(&a, 0, 1);

	async_fini(&a);
	syncobj_destroy(fd, over);
}

/**
 * batch_row:
 * @name: name of the subtest
 * @describe: its description
 * @timeline: points of timelines, not binary syncobjs
 * @waiting: operation that waits
 */
struct batch_row {
	const char *name;
	const char *describe;
	bool timeline;
	unsigned int waiting;
};

static const struct batch_row batch_rows[] = {
	{ "async-batch", "A batch waits at its start and signals at its end", false, 0 },
	{ "async-batch-timeline", "So it does with points of timelines", true, 0 },
	{ "async-last-signals", "A batch that waits midway does not signal early", false, 8 },
	{ "async-last-signals-timeline", "Nor does it with points of timelines", true, 8 },
};

static void async_batch(int fd, const void *row)
{
	const struct batch_row *r = row;
	struct drm_panthor_vm_bind_op ops[BATCH];
	struct drm_panthor_sync_op early = igt_panthor_sync_signal(syncobj_create(fd, 0), 0);
	struct async a;

	async_init(&a, fd, r->timeline);
	batch_init(ops);
	op_set_syncs(&ops[r->waiting], &a.wait, 1);
	op_set_syncs(&ops[BATCH - 1], &a.done, 1);
	if (r->waiting)
		op_set_syncs(&ops[r->waiting - 1], &early, 1);

	queue(&a.exec, ops, BATCH);
	assert_quiet(&a);
	if (r->waiting)
		assert_done(fd, &early);
	tiles_work(&a, 0, r->waiting);
	tile_faults(&a, r->waiting);
	tile_faults(&a, BATCH - 1);

	igt_panthor_exec_resume(&a.gate);
	assert_done(fd, &a.done);
	tiles_work(&a, 0, BATCH);

	async_fini(&a);
	syncobj_destroy(fd, early.handle);
}

/*
 * A sparse range, then by turns a BO and a hole of 64 KiB in each of its blocks, half
 * of the last ones bound over again. What operation i does is 64 KiB into block i.
 */
#define MIXED_SIZE (BATCH * BLOCK)
#define MIXED_HOLE SZ_64K

#define BO_FLAGS (DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC)

static uint64_t mixed_va(unsigned int i)
{
	return BASE_VA + i * BLOCK + MIXED_HOLE;
}

static void mixed_init(struct drm_panthor_vm_bind_op *ops, const struct panthor_bo *bo)
{
	ops[0] = (struct drm_panthor_vm_bind_op){
		.flags = IGT_PANTHOR_SPARSE_FLAGS,
		.va = BASE_VA,
		.size = MIXED_SIZE,
	};
	for (unsigned int i = 1; i < BATCH - 1; i++) {
		ops[i] = (struct drm_panthor_vm_bind_op){
			.flags = i % 2 ? UNMAP : BO_FLAGS,
			.bo_handle = i % 2 ? 0 : bo->handle,
			.bo_offset = i % 2 ? 0 : i * MIXED_HOLE,
			.va = mixed_va(i),
			.size = MIXED_HOLE,
		};
	}
	ops[BATCH - 1] = (struct drm_panthor_vm_bind_op){
		.flags = IGT_PANTHOR_SPARSE_FLAGS,
		.va = mixed_va(BATCH / 2),
		.size = MIXED_SIZE / 2 - MIXED_HOLE,
	};
}

/* BO pages of operation i have FIRST where it was mapped, all others are as they were. */
static void mixed_assert_bo(const struct panthor_bo *bo)
{
	for (uint64_t offset = 0; offset < bo->size; offset += PAGE) {
		const unsigned int i = offset / MIXED_HOLE;
		const uint32_t found = *(uint32_t *)((char *)bo->map + offset);
		const bool mapped = i && i % 2 == 0 && i < BATCH / 2;
		const uint32_t expected =
			mapped ? igt_panthor_pattern(mixed_va(i) + offset % MIXED_HOLE, FIRST) : 0;

		igt_assert_f(found == expected, "BO has %#x at %#" PRIx64 ", expected %#x\n", found,
			     offset, expected);
	}
}

static void mixed_check(struct async *a, const struct panthor_bo *bo)
{
	for (unsigned int i = 1; i < BATCH / 2; i++) {
		const uint64_t end = mixed_va(i) + MIXED_HOLE;

		if (i % 2 == 0)
			igt_panthor_exec_store_pages(&a->exec, mixed_va(i), MIXED_HOLE, FIRST);
		igt_panthor_sparse_store_load(&a->exec, end, BLOCK - MIXED_HOLE, SECOND);
	}
	igt_panthor_sparse_store_load(&a->exec, BASE_VA, BLOCK + MIXED_HOLE, SECOND);
	igt_panthor_sparse_store_load(&a->exec, mixed_va(BATCH / 2), MIXED_SIZE / 2 - MIXED_HOLE,
				      SECOND);
	mixed_assert_bo(bo);

	igt_panthor_exec_must_fault(&a->exec, mixed_va(1), IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(&a->exec, mixed_va(BATCH / 2 - 1) + MIXED_HOLE - PAGE,
				    IGT_PANTHOR_STORE);
}

static void async_batch_mixed(int fd)
{
	struct drm_panthor_vm_bind_op ops[BATCH];
	struct panthor_bo bo;
	struct async a;

	async_init(&a, fd, false);
	igt_panthor_exec_create_bo(&a.exec, &bo, BATCH * MIXED_HOLE);
	mixed_init(ops, &bo);
	op_set_syncs(&ops[0], &a.wait, 1);
	op_set_syncs(&ops[BATCH - 1], &a.done, 1);

	queue(&a.exec, ops, BATCH);
	assert_quiet(&a);
	igt_panthor_exec_resume(&a.gate);
	assert_done(fd, &a.done);
	mixed_check(&a, &bo);

	async_fini(&a);
	igt_panthor_free_bo(fd, &bo);
}

/* Operation i waits for point 2 + i of the timeline and signals point 3 + i. */
static void async_timeline(int fd)
{
	struct drm_panthor_sync_op syncs[BATCH][2];
	struct drm_panthor_vm_bind_op ops[BATCH];
	struct async a;

	async_init(&a, fd, true);
	batch_init(ops);
	for (unsigned int i = 0; i < BATCH; i++) {
		syncs[i][0] = igt_panthor_sync_wait(a.wait.handle, WAIT_POINT + i);
		syncs[i][1] = igt_panthor_sync_signal(a.wait.handle, WAIT_POINT + i + 1);
		op_set_syncs(&ops[i], syncs[i], 2);
	}

	queue(&a.exec, ops, BATCH);
	igt_assert(!signalled(fd, &syncs[0][1], QUIET_MS));
	tile_faults(&a, 0);
	igt_panthor_exec_resume(&a.gate);
	for (unsigned int i = 0; i < BATCH; i++)
		assert_done(fd, &syncs[i][1]);
	tiles_work(&a, 0, BATCH);

	async_fini(&a);
}

static void async_sync_only(int fd)
{
	struct drm_panthor_sync_op early = igt_panthor_sync_signal(syncobj_create(fd, 0), 0);
	struct drm_panthor_vm_bind_op ops[] = {
		tile_op(IGT_PANTHOR_SPARSE_FLAGS, 0), tile_op(SYNC_ONLY, 0), tile_op(SYNC_ONLY, 0),
		tile_op(IGT_PANTHOR_SPARSE_FLAGS, 1), tile_op(SYNC_ONLY, 0),
	};
	struct async a;

	async_init(&a, fd, false);
	op_set_syncs(&ops[1], &early, 1);
	op_set_syncs(&ops[2], &a.wait, 1);
	op_set_syncs(&ops[4], &a.done, 1);

	queue(&a.exec, ops, ARRAY_SIZE(ops));
	assert_done(fd, &early);
	tiles_work(&a, 0, 1);
	assert_quiet(&a);
	tile_faults(&a, 1);

	igt_panthor_exec_resume(&a.gate);
	assert_done(fd, &a.done);
	assert_usable(&a.exec);
	tiles_work(&a, 0, 2);
	igt_panthor_exec_bind_sparse(&a.exec, tile_va(2), BLOCK);
	tiles_work(&a, 2, 3);

	async_fini(&a);
	syncobj_destroy(fd, early.handle);
}

static void async_order_binds(int fd)
{
	struct async a;

	async_init(&a, fd, false);
	igt_panthor_exec_bind_sparse(&a.exec, tile_va(1), BLOCK);

	queue_one(&a.exec, tile_op(IGT_PANTHOR_SPARSE_FLAGS, 0), &a.wait, 1);
	queue_one(&a.exec, tile_op(UNMAP, 0), NULL, 0);
	queue_one(&a.exec, tile_op(UNMAP, 1), NULL, 0);
	queue_one(&a.exec, tile_op(SYNC_ONLY, 0), &a.done, 1);
	assert_quiet(&a);
	tiles_work(&a, 1, 2);

	igt_panthor_exec_resume(&a.gate);
	assert_done(fd, &a.done);
	tile_faults(&a, 0);
	tile_faults(&a, 1);

	async_fini(&a);
}

static void async_job_between_binds(int fd)
{
	const struct igt_panthor_walk walk =
		igt_panthor_pages(IGT_PANTHOR_STORE_LOAD, tile_va(0), BLOCK, FIRST);
	const uint32_t bound = syncobj_create(fd, 0);
	struct drm_panthor_sync_op bind[2], job, unbind[2];
	struct async a;

	async_init(&a, fd, false);
	bind[0] = a.wait;
	bind[1] = igt_panthor_sync_signal(bound, 0);
	job = igt_panthor_sync_wait(bound, 0);
	unbind[0] = igt_panthor_sync_wait(a.exec.syncobj, 0);
	unbind[1] = a.done;

	queue_one(&a.exec, tile_op(IGT_PANTHOR_SPARSE_FLAGS, 0), bind, 2);
	igt_panthor_exec_start(&a.exec, &walk, &job, 1);
	queue_one(&a.exec, tile_op(UNMAP, 0), unbind, 2);
	assert_quiet(&a);

	igt_panthor_exec_resume(&a.gate);
	igt_panthor_exec_finish(&a.exec);
	assert_done(fd, &a.done);
	tile_faults(&a, 0);

	async_fini(&a);
	syncobj_destroy(fd, bound);
}

/**
 * bad_row:
 * @name: name of the subtest
 * @describe: its description
 * @position: operation that is invalid
 * @flags: its flags
 * @waits_for_nothing: it waits for a syncobj that has no fence
 */
struct bad_row {
	const char *name;
	const char *describe;
	unsigned int position;
	uint32_t flags;
	bool waits_for_nothing;
};

/* Sparse ranges may not be executable. */
#define BAD_FLAGS (IGT_PANTHOR_SPARSE_FLAGS & ~DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC)

static const struct bad_row bad_rows[] = {
	{ "async-bad-op", "A batch with an invalid operation amid is refused", 8, BAD_FLAGS,
	  false },
	{ "async-bad-op-last", "A batch with an invalid operation at the end is refused", BATCH - 1,
	  BAD_FLAGS, false },
	{ "async-bad-wait", "A batch with a wait for a syncobj without fence is refused", 8,
	  IGT_PANTHOR_SPARSE_FLAGS, true },
};

static void assert_no_fence(int fd, uint32_t syncobj)
{
	igt_assert_eq(syncobj_wait_err(fd, &syncobj, 1, 0, 0), -EINVAL);
}

static void async_bad(int fd, const void *row)
{
	const struct bad_row *r = row;
	struct drm_panthor_sync_op nothing = igt_panthor_sync_wait(syncobj_create(fd, 0), 0);
	struct drm_panthor_sync_op done = igt_panthor_sync_signal(syncobj_create(fd, 0), 0);
	struct drm_panthor_vm_bind_op ops[BATCH];
	struct async a = { .fd = fd };

	igt_panthor_exec_init(&a.exec, fd);
	batch_init(ops);
	op_set_syncs(&ops[0], &done, 1);
	ops[r->position].flags = r->flags;
	if (r->waits_for_nothing)
		op_set_syncs(&ops[r->position], &nothing, 1);

	igt_panthor_vm_bind_ops_async(fd, a.exec.vm_id, ops, BATCH, EINVAL);
	assert_no_fence(fd, done.handle);
	usleep(QUIET_MS * 1000);
	tile_faults(&a, 0);
	tile_faults(&a, 9);

	batch_init(ops);
	op_set_syncs(&ops[BATCH - 1], &done, 1);
	queue(&a.exec, ops, BATCH);
	assert_done(fd, &done);
	tiles_work(&a, 0, BATCH);
	assert_usable(&a.exec);

	igt_panthor_exec_fini(&a.exec);
	syncobj_destroy(fd, done.handle);
	syncobj_destroy(fd, nothing.handle);
}

static void async_wait_own_signal(int fd)
{
	const uint32_t syncobj = syncobj_create(fd, 0);
	struct drm_panthor_sync_op syncs[] = {
		igt_panthor_sync_signal(syncobj, 0),
		igt_panthor_sync_wait(syncobj, 0),
	};
	struct drm_panthor_vm_bind_op op = tile_op(IGT_PANTHOR_SPARSE_FLAGS, 0);
	struct async a = { .fd = fd };

	igt_panthor_exec_init(&a.exec, fd);
	op_set_syncs(&op, syncs, ARRAY_SIZE(syncs));
	igt_panthor_vm_bind_ops_async(fd, a.exec.vm_id, &op, 1, EINVAL);
	assert_no_fence(fd, syncobj);
	tile_faults(&a, 0);

	igt_panthor_exec_bind_sparse(&a.exec, tile_va(0), BLOCK);
	tiles_work(&a, 0, 1);

	igt_panthor_exec_fini(&a.exec);
	syncobj_destroy(fd, syncobj);
}

/**
 * destroy_row:
 * @name: name of the subtest
 * @describe: its description
 * @flags: what is queued
 * @close: close the file; else destroy the VM, and close the file in the end
 */
struct destroy_row {
	const char *name;
	const char *describe;
	uint32_t flags;
	bool close;
};

static const struct destroy_row destroy_rows[] = {
	{ "async-destroy-bind-queued", "A VM is gone although a bind was queued",
	  IGT_PANTHOR_SPARSE_FLAGS, false },
	{ "async-destroy-unbind-queued", "A VM is gone although an unbind was queued", UNMAP,
	  false },
	{ "async-close-bind-queued", "A file is gone although a bind was queued",
	  IGT_PANTHOR_SPARSE_FLAGS, true },
	{ "async-close-unbind-queued", "A file is gone although an unbind was queued", UNMAP,
	  true },
};

/* VMAs of all VMs with the bounds of a tile; those that another run left behind stay. */
static unsigned int count_tiles(int fd, unsigned int i)
{
	struct igt_panthor_vmas vmas;
	unsigned int count = 0;

	igt_panthor_read_gpuvas(fd, &vmas);
	for (size_t v = 0; v < vmas.count; v++)
		count += vmas.vma[v].va == tile_va(i) && vmas.vma[v].size == BLOCK;
	igt_panthor_free_vmas(&vmas);

	return count;
}

static uint32_t import_syncobj(int from, uint32_t handle, int to)
{
	int shared = syncobj_handle_to_fd(from, handle, 0);
	uint32_t imported = syncobj_fd_to_handle(to, shared, 0);

	igt_assert_eq(close(shared), 0);
	return imported;
}

/* The tile is bound before if it is to be unbound. */
static uint32_t queue_in_file(struct async *a, int victim, uint32_t flags)
{
	struct drm_panthor_sync_op syncs[] = {
		igt_panthor_sync_wait(import_syncobj(a->fd, a->wait.handle, victim), 0),
		igt_panthor_sync_signal(import_syncobj(a->fd, a->done.handle, victim), 0),
	};
	struct drm_panthor_vm_bind_op op = tile_op(flags, 0);
	uint32_t vm_id;

	igt_panthor_vm_create(victim, &vm_id, 0);
	if (flags == UNMAP)
		igt_panthor_vm_bind_sparse(victim, vm_id, op.va, op.size, 0);
	op_set_syncs(&op, syncs, ARRAY_SIZE(syncs));
	igt_panthor_vm_bind_ops_async(victim, vm_id, &op, 1, 0);

	return vm_id;
}

static void async_destroy(int fd, const void *row)
{
	const struct destroy_row *r = row;
	struct igt_panthor_gem gem;
	unsigned int before;
	uint64_t dummy;
	uint32_t vm_id;
	struct async a;
	int victim;

	igt_panthor_require_debugfs(fd);
	async_init(&a, fd, false);
	before = count_tiles(fd, 0);
	victim = igt_panthor_open();
	dummy = igt_panthor_newest_dummy(victim);
	vm_id = queue_in_file(&a, victim, r->flags);

	if (r->close)
		igt_panthor_close(victim);
	else
		igt_panthor_vm_destroy(victim, vm_id, 0);
	igt_panthor_exec_resume(&a.gate);
	igt_assert(signalled(fd, &a.done, IGT_PANTHOR_JOB_DEADLINE_MS));
	igt_assert_f(igt_wait(count_tiles(fd, 0) == before, RELEASE_DEADLINE_MS, 5),
		     "gpuvas still has the range %d ms later\n", RELEASE_DEADLINE_MS);

	if (!r->close)
		igt_panthor_close(victim);
	igt_assert_f(!dummy || igt_wait(!igt_panthor_read_dummy(fd, dummy, &gem),
					RELEASE_DEADLINE_MS, 5),
		     "gems still has the object behind sparse ranges %d ms later\n",
		     RELEASE_DEADLINE_MS);

	async_fini(&a);
}

static const struct igt_panthor_case plain_cases[] = {
	{
		.name = "async-bind",
		.describe =
			"A queued bind waits for its fence, and signals when the range is mapped",
		.run = async_bind,
	},
	{
		.name = "async-batch-mixed",
		.describe = "Operations of a batch that overlap are done in their order",
		.run = async_batch_mixed,
	},
	{
		.name = "async-timeline",
		.describe = "Operations of a batch wait for each other by points of a timeline",
		.run = async_timeline,
	},
	{
		.name = "async-sync-only",
		.describe = "Operations that do nothing but wait and signal hold back the others",
		.run = async_sync_only,
	},
	{
		.name = "async-order-binds",
		.describe = "Operations without syncs keep their place in the queue",
		.run = async_order_binds,
	},
	{
		.name = "async-job-between-binds",
		.describe = "A job finds the range that is bound for it and unbound after it",
		.run = async_job_between_binds,
	},
	{
		.name = "async-wait-own-signal",
		.describe = "An operation that waits for itself is refused",
		.run = async_wait_own_signal,
	},
	{}
};

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();
	for (const struct igt_panthor_case *c = plain_cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest(c->name) {
			int fd = igt_panthor_open();

			c->run(fd);
			igt_panthor_close(fd);
		}
		igt_fixture()
			igt_teardown();
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(order_rows); i++) {
		igt_describe(order_rows[i].describe);
		igt_subtest(order_rows[i].name) {
			int fd = igt_panthor_open();

			async_sync_order(fd, &order_rows[i]);
			igt_panthor_close(fd);
		}
		igt_fixture()
			igt_teardown();
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(batch_rows); i++) {
		igt_describe(batch_rows[i].describe);
		igt_subtest(batch_rows[i].name) {
			int fd = igt_panthor_open();

			async_batch(fd, &batch_rows[i]);
			igt_panthor_close(fd);
		}
		igt_fixture()
			igt_teardown();
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(bad_rows); i++) {
		igt_describe(bad_rows[i].describe);
		igt_subtest(bad_rows[i].name) {
			int fd = igt_panthor_open();

			async_bad(fd, &bad_rows[i]);
			igt_panthor_close(fd);
		}
		igt_fixture()
			igt_teardown();
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(destroy_rows); i++) {
		igt_describe(destroy_rows[i].describe);
		igt_subtest(destroy_rows[i].name) {
			int fd = igt_panthor_open();

			async_destroy(fd, &destroy_rows[i]);
			igt_panthor_close(fd);
		}
		igt_fixture()
			igt_teardown();
	}
}
