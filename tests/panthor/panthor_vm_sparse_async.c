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
 * Scenario: async-wait
 * Failure mode: Binds, unbinds and jobs that run before what they wait for.
 * Description: Binds and unbinds are queued behind a fence that the test
 *	controls. Loads and stores of command streams check the ranges before
 *	the fence is signalled, and after.
 *
 * SUBTEST: async-bind
 * Run type: BAT, FULL
 * Description: A sparse bind is queued behind a fence: the range faults until the fence is
 *	signalled, and is mapped when the bind signals its own fence. An unbind that is queued
 *	behind a fence leaves the range mapped until the fence is signalled, and the range faults
 *	when the unbind signals its own.
 *
 * SUBTEST: async-sync-order
 * Description: A queued bind names the syncobj that it signals before the one
 *	that it waits for: the range faults until the wait is over.
 *
 * SUBTEST: async-sync-order-timeline
 * Description: A queued bind names the timeline point that it signals before
 *	the one that it waits for: the range faults until the wait is over.
 *
 * SUBTEST: async-sync-order-three
 * Description: A queued bind names a syncobj that is signalled, the one that it
 *	signals, and last one that is not signalled: the range faults until the
 *	last wait is over.
 *
 * SUBTEST: async-job-between-binds
 * Description: A job waits for the bind of the range that it stores to, and an
 *	unbind waits for the job; all three are submitted before the bind may
 *	run. The job ends well, and the range faults after the unbind.
 *
 * SUBTEST: async-batch
 * Run type: BAT, FULL
 * Scenario: async-batch
 * Failure mode: Fences and waits of a request that are given to another
 *	operation of it.
 * Description: Sixteen sparse binds in one request, of which the first waits and the last signals:
 *	before the wait is over, the first and the last range fault, and no signal comes. All ranges
 *	are mapped when the signal comes.
 *
 * SUBTEST: async-batch-timeline
 * Scenario: async-batch
 * Failure mode: Fences and waits of a request that are given to another
 *	operation of it.
 * Description: Sixteen sparse binds in one request, of which the first waits for a timeline point
 *	and the last signals one: before the wait is over, the first and the last range fault, and
 *	no signal comes. All ranges are mapped when the signal comes.
 *
 * SUBTEST: async-batch-mixed
 * Scenario: async-batch
 * Failure mode: Operations of a request that are done in another order, or that
 *	start from the state before the request.
 * Description: Sixteen binds and unbinds in one request overlap, of sparse
 *	ranges and of a BO. Each mapped page is what the last operation on it
 *	made of it, and each hole faults at its first and its last page.
 *
 * SUBTEST: async-last-signals
 * Scenario: async-batch
 * Failure mode: Fences and waits of a request that are given to another
 *	operation of it.
 * Description: Sixteen sparse binds in one request, of which the eighth signals, the ninth waits
 *	and the last signals: before the wait is over, the first signal comes, the first eight
 *	ranges are mapped, the ninth and the last fault, and the last signal does not come. All
 *	ranges are mapped when it comes.
 *
 * SUBTEST: async-last-signals-timeline
 * Scenario: async-batch
 * Failure mode: Fences and waits of a request that are given to another
 *	operation of it.
 * Description: Sixteen sparse binds in one request, of which the eighth signals, the ninth waits
 *	for a timeline point and the last signals one: before the wait is over, the first signal
 *	comes, the first eight ranges are mapped, the ninth and the last fault, and the last point
 *	is not signalled. All ranges are mapped when it is.
 *
 * SUBTEST: async-timeline
 * Scenario: async-timeline
 * Failure mode: Points of one timeline that are taken for each other in one
 *	request.
 * Description: Sixteen sparse binds in one request, each of which waits for the
 *	timeline point that the bind before it signals. Before the first wait is
 *	over, the first range faults and its point is not signalled; then all
 *	points are signalled, and all ranges are mapped.
 *
 * SUBTEST: async-sync-only
 * Scenario: async-sync-only
 * Failure mode: SYNC_ONLY operations that fail, or that do not keep their place
 *	in the queue.
 * Description: Queue two sparse binds in one request, with a SYNC_ONLY signal and a SYNC_ONLY wait
 *	between them, and a SYNC_ONLY signal behind them. Before the wait is over, the first signal
 *	comes, the first range is mapped, the second one faults, and the last signal does not come.
 *	Afterwards, the last signal comes, both ranges are mapped, and the VM stays usable.
 *
 * SUBTEST: async-order-binds
 * Scenario: async-order
 * Failure mode: Operations without syncs that overtake others in the queue.
 * Description: A bind that waits, two unbinds without syncs and a SYNC_ONLY signal are queued. The
 *	unbinds are of the range of the bind and of a bound one. Before the wait is over, no signal
 *	comes, and the bound range stays mapped. Both ranges fault when the signal comes.
 *
 * SUBTEST: async-bad-op
 * Run type: BAT, FULL
 * Scenario: async-refused
 * Failure mode: Requests that are refused after a part of them is queued or
 *	signalled.
 * Description: The ninth of sixteen operations in a queued request is invalid: the request is
 *	refused, the syncobj that the first would signal gets no fence, the first and the
 *	tenth range fault, and the VM stays usable.
 *
 * SUBTEST: async-bad-op-last
 * Scenario: async-refused
 * Failure mode: Requests that are refused after a part of them is queued or
 *	signalled.
 * Description: The last of sixteen operations in a queued request is invalid: the request is
 *	refused, the syncobj that the first would signal gets no fence, the first and the
 *	tenth range fault, and the VM stays usable.
 *
 * SUBTEST: async-bad-wait
 * Scenario: async-refused
 * Failure mode: Requests that are refused after a part of them is queued or
 *	signalled.
 * Description: The ninth of sixteen operations in a queued request waits for a syncobj without
 *	a fence: the request is refused, the syncobj that the first would signal gets no
 *	fence, the first and the tenth range fault, and the VM stays usable.
 *
 * SUBTEST: async-wait-own-signal
 * Scenario: async-refused
 * Failure mode: Requests that are refused after a part of them is queued or
 *	signalled.
 * Description: A queued bind waits for the syncobj that it signals itself: it is refused, the
 *	syncobj gets no fence, the range faults, and can be bound afterwards. Kernel warnings are
 *	left to igt_runner.
 *
 * SUBTEST: async-destroy-bind-queued
 * Scenario: async-destroy
 * Failure mode: VMs and dummy BOs that are never released, binds into a
 *	destroyed VM.
 * Test requirement: panthor uAPI 1.9, debugfs
 * Description: A VM is destroyed while its queued sparse bind waits. After the wait, the fence
 *	of the bind is signalled, no mapping of the range stays, and the dummy BO is released
 *	with the file.
 *
 * SUBTEST: async-destroy-unbind-queued
 * Scenario: async-destroy
 * Failure mode: VMs and dummy BOs that are never released, binds into a
 *	destroyed VM.
 * Test requirement: panthor uAPI 1.9, debugfs
 * Description: A VM is destroyed while its queued unbind waits. After the wait, the fence of
 *	the unbind is signalled, no mapping of the range stays, and the dummy BO is released
 *	with the file.
 *
 * SUBTEST: async-close-bind-queued
 * Scenario: async-destroy
 * Failure mode: VMs and dummy BOs that are never released, binds into a
 *	destroyed VM.
 * Test requirement: panthor uAPI 1.9, debugfs
 * Description: A file is closed while its queued sparse bind waits. After the wait, the fence
 *	of the bind is signalled, no mapping of the range stays, and the dummy BO of the file
 *	is released.
 *
 * SUBTEST: async-close-unbind-queued
 * Scenario: async-destroy
 * Failure mode: VMs and dummy BOs that are never released, binds into a
 *	destroyed VM.
 * Test requirement: panthor uAPI 1.9, debugfs
 * Description: A file is closed while its queued unbind waits. After the wait, the fence of the
 *	unbind is signalled, no mapping of the range stays, and the dummy BO of the file is
 *	released.
 */

IGT_TEST_DESCRIPTION("Check the order of queued binds of sparse mappings of panthor");

/*
 * The scenarios, and the failure that each one looks for:
 *
 * 1. async-wait: An operation or a job waits for a fence. The wait may be overlooked:
 *    because of its place among the syncs, or because the operation seems to need
 *    no wait.
 * 2. async-batch: The operations of a request have waits and signals of their own.
 *    Each of them may be given to another operation of the request.
 * 3. async-timeline: Several points of one timeline in one request. They may be taken
 *    for one.
 * 4. async-sync-only: Operations that do nothing but wait and signal.
 * 5. async-order: An operation without syncs has its place in the queue. It may
 *    overtake one that waits.
 * 6. async-refused: A request with an invalid operation is refused as a whole. A part
 *    of it may be executed or signalled.
 * 7. async-destroy: The VM or the file of an operation goes while the operation is
 *    queued. The operation may map something into the destroyed VM, or keep it.
 *
 * The fence that is not signalled is the end of a job in another VM, called the gate:
 * the job runs until the test opens the gate. The driver ends a job after 5 s; what
 * happens before the gate opens takes a fraction of that.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define BLOCK UINT64_C(0x200000)

/* 2 MiB-aligned, 400 MiB and more from a 1 GiB boundary, and free in every VM. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END + UINT64_C(0x23400000))

/* As many operations as PanVK sends at most in one request. */
#define BATCH 16

/*
 * How long the test watches that nothing happens. A driver that waits as it should passes however
 * long it takes; one that does not wait is done within a few milliseconds.
 */
#define QUIET_MS 50

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND

/* Points of the timelines: the gate's, and the one that the last operation signals. */
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

/* 1 if it is signalled, a negative errno if it is signalled with an error. */
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

#define SYNC_ONLY DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY
#define UNMAP DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP

/* The block that operation @i of a batch binds. No two blocks are neighbours. */
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
 * @timeline: the syncs are points of timelines, otherwise binary syncobjs
 * @first_is_over: a wait for a signalled syncobj precedes the other syncs
 */
struct order_row {
	const char *name;
	const char *describe;
	bool timeline;
	bool first_is_over;
};

/* clang-format off */
static const struct order_row order_rows[] = {
	{ "async-sync-order",
	  "A queued bind names the syncobj that it signals before the one that it waits for: "
	  "the range faults until the wait is over.",
	  false, false },
	{ "async-sync-order-timeline",
	  "A queued bind names the timeline point that it signals before the one that it waits "
	  "for: the range faults until the wait is over.",
	  true, false },
	{ "async-sync-order-three",
	  "A queued bind names a syncobj that is signalled, the one that it signals, and last "
	  "one that is not signalled: the range faults until the last wait is over.",
	  false, true },
};
/* clang-format on */

static void async_sync_order(int fd, const struct order_row *r)
{
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
 * @timeline: the syncs are points of timelines, otherwise binary syncobjs
 * @waiting: operation that waits
 */
struct batch_row {
	const char *name;
	const char *describe;
	bool timeline;
	unsigned int waiting;
};

/* clang-format off */
static const struct batch_row batch_rows[] = {
	{ "async-batch",
	  "Sixteen sparse binds in one request, of which the first waits and the last signals: "
	  "before the wait is over, the first and the last range fault, and no signal comes. All "
	  "ranges are mapped when the signal comes.",
	  false, 0 },
	{ "async-batch-timeline",
	  "Sixteen sparse binds in one request, of which the first waits for a timeline point and "
	  "the last signals one: before the wait is over, the first and the last range fault, and "
	  "no signal comes. All ranges are mapped when the signal comes.",
	  true, 0 },
	{ "async-last-signals",
	  "Sixteen sparse binds in one request, of which the eighth signals, the ninth waits and "
	  "the last signals: before the wait is over, the first signal comes, the first eight "
	  "ranges are mapped, the ninth and the last fault, and the last signal does not come. "
	  "All ranges are mapped when it comes.",
	  false, 8 },
	{ "async-last-signals-timeline",
	  "Sixteen sparse binds in one request, of which the eighth signals, the ninth waits for "
	  "a timeline point and the last signals one: before the wait is over, the first signal "
	  "comes, the first eight ranges are mapped, the ninth and the last fault, and the last "
	  "point is not signalled. All ranges are mapped when it is.",
	  true, 8 },
};
/* clang-format on */

static void async_batch(int fd, const struct batch_row *r)
{
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
 * The first operation binds a sparse range of BATCH blocks. Operation i then replaces 64 KiB of
 * block i, 64 KiB from its start: by a BO if i is even, by a hole if i is odd. The last operation
 * binds a sparse range over the second half of the blocks.
 */
#define MIXED_SIZE (BATCH * BLOCK)
#define MIXED_HOLE SZ_64K

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
			.flags = i % 2 ? UNMAP : IGT_PANTHOR_BO_MAP_FLAGS,
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

/* What operation i mapped of the BO has FIRST if it is still mapped, the rest has 0. */
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

static void mixed_check_holes(struct async *a)
{
	for (unsigned int i = 1; i < BATCH / 2; i += 2) {
		igt_panthor_exec_must_fault(&a->exec, mixed_va(i), IGT_PANTHOR_LOAD);
		igt_panthor_exec_must_fault(&a->exec, mixed_va(i) + MIXED_HOLE - PAGE,
					    IGT_PANTHOR_STORE);
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
	mixed_check_holes(a);
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

/* Operation i waits for a point of the timeline, and signals the next one. */
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
	igt_panthor_vm_assert_usable(fd, a.exec.vm_id);
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
 * @waits_for_nothing: it waits for a syncobj without a fence
 */
struct bad_row {
	const char *name;
	const char *describe;
	unsigned int position;
	uint32_t flags;
	bool waits_for_nothing;
};

/* The uAPI requires NOEXEC of sparse ranges. */
#define BAD_FLAGS (IGT_PANTHOR_SPARSE_FLAGS & ~DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC)

/* clang-format off */
static const struct bad_row bad_rows[] = {
	{ "async-bad-op",
	  "The ninth of sixteen operations in a queued request is invalid: the request is "
	  "refused, the syncobj that the first would signal gets no fence, the first and the "
	  "tenth range fault, and the VM stays usable.",
	  8, BAD_FLAGS, false },
	{ "async-bad-op-last",
	  "The last of sixteen operations in a queued request is invalid: the request is "
	  "refused, the syncobj that the first would signal gets no fence, the first and the "
	  "tenth range fault, and the VM stays usable.",
	  BATCH - 1, BAD_FLAGS, false },
	{ "async-bad-wait",
	  "The ninth of sixteen operations in a queued request waits for a syncobj without a "
	  "fence: the request is refused, the syncobj that the first would signal gets no fence, "
	  "the first and the tenth range fault, and the VM stays usable.",
	  8, IGT_PANTHOR_SPARSE_FLAGS, true },
};
/* clang-format on */

static void assert_no_fence(int fd, uint32_t syncobj)
{
	igt_assert_eq(syncobj_wait_err(fd, &syncobj, 1, 0, 0), -EINVAL);
}

static void async_bad(int fd, const struct bad_row *r)
{
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
	/* Time for a queue to execute what should not be in it. */
	usleep(QUIET_MS * 1000);
	tile_faults(&a, 0);
	tile_faults(&a, 9);

	batch_init(ops);
	op_set_syncs(&ops[BATCH - 1], &done, 1);
	queue(&a.exec, ops, BATCH);
	assert_done(fd, &done);
	tiles_work(&a, 0, BATCH);
	igt_panthor_vm_assert_usable(fd, a.exec.vm_id);

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
 * @flags: of the operation that is queued
 * @close: close the file; otherwise destroy the VM, and close the file in the end
 */
struct destroy_row {
	const char *name;
	const char *describe;
	uint32_t flags;
	bool close;
};

/* clang-format off */
static const struct destroy_row destroy_rows[] = {
	{ "async-destroy-bind-queued",
	  "A VM is destroyed while its queued sparse bind waits. After the wait, the fence of "
	  "the bind is signalled, no mapping of the range stays, and the dummy BO is released "
	  "with the file.",
	  IGT_PANTHOR_SPARSE_FLAGS, false },
	{ "async-destroy-unbind-queued",
	  "A VM is destroyed while its queued unbind waits. After the wait, the fence of the "
	  "unbind is signalled, no mapping of the range stays, and the dummy BO is released with "
	  "the file.",
	  UNMAP, false },
	{ "async-close-bind-queued",
	  "A file is closed while its queued sparse bind waits. After the wait, the fence of the "
	  "bind is signalled, no mapping of the range stays, and the dummy BO of the file is "
	  "released.",
	  IGT_PANTHOR_SPARSE_FLAGS, true },
	{ "async-close-unbind-queued",
	  "A file is closed while its queued unbind waits. After the wait, the fence of the "
	  "unbind is signalled, no mapping of the range stays, and the dummy BO of the file is "
	  "released.",
	  UNMAP, true },
};
/* clang-format on */

/*
 * The range of the victim. gpuvas does not tell VMs apart, so each process and row has its own
 * address, modulo 1024 processes.
 */
static uint64_t victim_va(const struct destroy_row *r)
{
	return tile_va(getpid() % 1024 * ARRAY_SIZE(destroy_rows) + (r - destroy_rows));
}

static bool is_mapped(int fd, uint64_t va)
{
	struct igt_panthor_vmas vmas;
	bool found = false;

	igt_panthor_read_gpuvas(fd, &vmas);
	for (size_t i = 0; i < vmas.count; i++)
		found |= vmas.vma[i].va == va && vmas.vma[i].size == BLOCK;
	igt_panthor_free_vmas(&vmas);

	return found;
}

static uint32_t import_syncobj(int from, uint32_t handle, int to)
{
	int shared = syncobj_handle_to_fd(from, handle, 0);
	uint32_t imported = syncobj_fd_to_handle(to, shared, 0);

	igt_assert_eq(close(shared), 0);
	return imported;
}

/* An unbind gets a range that is bound. */
static uint32_t queue_in_file(struct async *a, int victim, const struct destroy_row *r)
{
	struct drm_panthor_sync_op syncs[] = {
		igt_panthor_sync_wait(import_syncobj(a->fd, a->wait.handle, victim), 0),
		igt_panthor_sync_signal(import_syncobj(a->fd, a->done.handle, victim), 0),
	};
	struct drm_panthor_vm_bind_op op = {
		.flags = r->flags,
		.va = victim_va(r),
		.size = BLOCK,
	};
	uint32_t vm_id;

	igt_panthor_vm_create(victim, &vm_id, 0);
	if (r->flags == UNMAP)
		igt_panthor_vm_bind_sparse(victim, vm_id, op.va, op.size, 0);
	op_set_syncs(&op, syncs, ARRAY_SIZE(syncs));
	igt_panthor_vm_bind_ops_async(victim, vm_id, &op, 1, 0);

	return vm_id;
}

static void assert_dummy_released(int fd, uint64_t dummy)
{
	struct igt_panthor_gem gem;

	if (!dummy) {
		igt_info("release of the dummy not checked: gems does not show it\n");
		return;
	}

	igt_assert_f(igt_wait(!igt_panthor_read_dummy(fd, dummy, &gem),
			      IGT_PANTHOR_RELEASE_DEADLINE_MS, 5),
		     "gems still has the dummy after %d ms\n", IGT_PANTHOR_RELEASE_DEADLINE_MS);
}

static void async_destroy(int fd, const struct destroy_row *r)
{
	uint64_t dummy;
	uint32_t vm_id;
	struct async a;
	int victim;

	igt_panthor_require_debugfs(fd);
	async_init(&a, fd, false);
	/* A process with the same address may have left it behind. */
	igt_require_f(!is_mapped(fd, victim_va(r)), "gpuvas has the range of the victim already\n");
	victim = igt_panthor_open();
	dummy = igt_panthor_newest_dummy(victim);
	vm_id = queue_in_file(&a, victim, r);
	igt_assert_eq(is_mapped(fd, victim_va(r)), r->flags == UNMAP);

	if (r->close)
		igt_panthor_close(victim);
	else
		igt_panthor_vm_destroy(victim, vm_id, 0);
	igt_panthor_exec_resume(&a.gate);
	igt_assert(signalled(fd, &a.done, IGT_PANTHOR_JOB_DEADLINE_MS));
	igt_assert_f(igt_wait(!is_mapped(fd, victim_va(r)), IGT_PANTHOR_RELEASE_DEADLINE_MS, 5),
		     "gpuvas still has the range after %d ms\n", IGT_PANTHOR_RELEASE_DEADLINE_MS);

	if (!r->close)
		igt_panthor_close(victim);
	assert_dummy_released(fd, dummy);

	async_fini(&a);
}

static const struct igt_panthor_case plain_cases[] = {
	{
		.name = "async-bind",
		.describe =
			"A sparse bind is queued behind a fence: the range faults until the fence "
			"is signalled, and is mapped when the bind signals its own fence. An "
			"unbind that is queued behind a fence leaves the range mapped until the "
			"fence is signalled, and the range faults when the unbind signals its own.",
		.run = async_bind,
	},
	{
		.name = "async-batch-mixed",
		.describe =
			"Sixteen binds and unbinds in one request overlap, of sparse ranges and "
			"of a BO. Each mapped page is what the last operation on it made of it, "
			"and each hole faults at its first and its last page.",
		.run = async_batch_mixed,
	},
	{
		.name = "async-timeline",
		.describe = "Sixteen sparse binds in one request, each of which waits for the "
			    "timeline point that the bind before it signals. Before the first wait "
			    "is over, the first range faults and its point is not signalled; then "
			    "all points are signalled, and all ranges are mapped.",
		.run = async_timeline,
	},
	{
		.name = "async-sync-only",
		.describe = "Queue two sparse binds in one request, with a SYNC_ONLY signal and a "
			    "SYNC_ONLY wait between them, and a SYNC_ONLY signal behind them. "
			    "Before the wait is over, the first signal comes, the first range is "
			    "mapped, the second one faults, and the last signal does not come. "
			    "Afterwards, the last signal comes, both ranges are mapped, and the "
			    "VM stays usable.",
		.run = async_sync_only,
	},
	{
		.name = "async-order-binds",
		.describe = "A bind that waits, two unbinds without syncs and a SYNC_ONLY signal "
			    "are queued. The unbinds are of the range of the bind and of a bound "
			    "one. Before the wait is over, no signal comes, and the bound range "
			    "stays mapped. Both ranges fault when the signal comes.",
		.run = async_order_binds,
	},
	{
		.name = "async-job-between-binds",
		.describe =
			"A job waits for the bind of the range that it stores to, and an unbind "
			"waits for the job; all three are submitted before the bind may run. "
			"The job ends well, and the range faults after the unbind.",
		.run = async_job_between_binds,
	},
	{
		.name = "async-wait-own-signal",
		.describe = "A queued bind waits for the syncobj that it signals itself: it is "
			    "refused, the syncobj gets no fence, the range faults, and can be "
			    "bound afterwards. Kernel warnings are left to igt_runner.",
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
		igt_subtest(c->name)
			igt_panthor_with_device(fd)
				c->run(fd);
		igt_fixture()
			igt_teardown();
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(order_rows); i++) {
		igt_describe(order_rows[i].describe);
		igt_subtest(order_rows[i].name)
			igt_panthor_with_device(fd)
				async_sync_order(fd, &order_rows[i]);
		igt_fixture()
			igt_teardown();
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(batch_rows); i++) {
		igt_describe(batch_rows[i].describe);
		igt_subtest(batch_rows[i].name)
			igt_panthor_with_device(fd)
				async_batch(fd, &batch_rows[i]);
		igt_fixture()
			igt_teardown();
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(bad_rows); i++) {
		igt_describe(bad_rows[i].describe);
		igt_subtest(bad_rows[i].name)
			igt_panthor_with_device(fd)
				async_bad(fd, &bad_rows[i]);
		igt_fixture()
			igt_teardown();
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(destroy_rows); i++) {
		igt_describe(destroy_rows[i].describe);
		igt_subtest(destroy_rows[i].name)
			igt_panthor_with_device(fd)
				async_destroy(fd, &destroy_rows[i]);
		igt_fixture()
			igt_teardown();
	}
}
