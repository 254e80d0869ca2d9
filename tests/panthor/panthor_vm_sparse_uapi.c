// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_kernel_memory.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "igt_teardown.h"

/**
 * TEST: Refusals of VM_BIND around sparse mappings
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: uapi
 * Test category: negative test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9
 * Failure mode: Rules of the ioctl that are not checked, that are checked after the
 *	old mapping is gone, or whose violation only the queue notices and makes the
 *	VM unusable.
 * Scenario: uapi-flags
 * Description: Requests that break a rule of VM_BIND, most of them in a synchronous and in a
 *	queued call. After each one, the BO and the sparse range that were bound before are
 *	readable and writable, gpuvas, where it can be read, shows no other VMAs than before,
 *	and the VM accepts a bind and an unmap.
 *
 * SUBTEST: uapi-sparse-exec
 * Run type: BAT, FULL
 * Description: VM_BIND refuses a sparse bind without NOEXEC over a BO and over a sparse range. The
 *	mappings there stay as they were.
 *
 * SUBTEST: uapi-sparse-unmap
 * Description: VM_BIND refuses an unmap with map flags, a BO handle or a BO offset. The BO and the
 *	sparse range that it covers stay mapped.
 *
 * SUBTEST: uapi-unknown-flags
 * Description: VM_BIND refuses an unused operation flag with a sparse bind and with a BO bind, and
 *	an unused operation type, and changes no mapping. Skips on kernels with a newer uAPI than
 *	the test, which may have given them a meaning.
 *
 * SUBTEST: uapi-unknown-bind-flags
 * Description: VM_BIND refuses an unused flag of the request, and changes no mapping. Skips on
 *	kernels with a newer uAPI than the test, which may have given it a meaning.
 *
 * SUBTEST: uapi-sparse-handle
 * Scenario: uapi-object
 * Description: VM_BIND refuses a sparse bind with a BO handle, whether the BO exists, was closed,
 *	or never existed, and changes no mapping.
 *
 * SUBTEST: uapi-sparse-offset
 * Run type: BAT, FULL
 * Scenario: uapi-object
 * Description: VM_BIND refuses a sparse bind with a BO offset, and changes no mapping.
 *
 * SUBTEST: uapi-unknown-vm
 * Scenario: uapi-object
 * Description: VM_BIND refuses handles of VMs that were destroyed or never existed, without
 *	operations and with one, and changes no mapping of another VM.
 *
 * SUBTEST: uapi-align
 * Run type: BAT, FULL
 * Scenario: uapi-range
 * Description: VM_BIND refuses addresses, sizes and BO offsets that are not multiples of the
 *	GPU's page size. The pages that rounding would reach keep their mappings.
 *
 * SUBTEST: uapi-wrap
 * Scenario: uapi-range
 * Description: VM_BIND refuses ranges whose end exceeds 64 bits, and changes no mapping.
 *
 * SUBTEST: uapi-kernel-range
 * Run type: BAT, FULL
 * Scenario: uapi-range
 * Description: VM_BIND refuses ranges that reach into the kernel's part of the VM or lie above the
 *	GPU's address space, and changes no mapping.
 *
 * SUBTEST: uapi-size-zero
 * Scenario: uapi-empty
 * Description: A synchronous operation of size 0 changes no mapping, inside and outside
 *	of mapped ranges.
 *
 * SUBTEST: uapi-size-zero-queued
 * Scenario: uapi-empty
 * Description: A queued operation of size 0 changes no mapping, inside and outside of
 *	mapped ranges.
 *
 * SUBTEST: uapi-size-zero-unmap
 * Scenario: uapi-empty
 * Description: Queue a bind of size 0 in the middle of a BO mapping, then unmap the page after the
 *	one at its address. The unmap returns, and that page faults. The other pages of the BO stay
 *	readable and writable.
 *
 * SUBTEST: uapi-sync-only
 * Scenario: uapi-queue
 * Description: VM_BIND refuses a queued SYNC_ONLY operation with map flags, an address, a range, a
 *	BO handle or a BO offset, changes no mapping, and leaves its syncobj without a fence.
 *
 * SUBTEST: uapi-sync-only-at-once
 * Scenario: uapi-queue
 * Description: A synchronous VM_BIND refuses a SYNC_ONLY operation, and changes no mapping.
 *
 * SUBTEST: uapi-syncs-at-once
 * Scenario: uapi-queue
 * Description: A synchronous VM_BIND refuses a sparse bind and an unmap with a sync, changes no
 *	mapping, and leaves the syncobj without a fence.
 *
 * SUBTEST: uapi-array
 * Scenario: uapi-array
 * Description: VM_BIND refuses arrays of operations with a stride that is too short, with data
 *	behind the members that the kernel knows, and at addresses that are not mapped, and changes
 *	no mapping.
 */

IGT_TEST_DESCRIPTION("Check that panthor refuses wrong VM_BIND requests around sparse mappings");

/*
 * The scenarios, one for each kind of check, and the failures that each one finds:
 *
 * 1. uapi-flags: Flags and types that an operation does not take. They are accepted
 *    and ignored, or refused only after the old mapping is gone.
 * 2. uapi-object: BO handles and offsets of sparse binds, which name no BO, and handles
 *    that name no VM. One of the fields is not looked at.
 * 3. uapi-range: Addresses and sizes. Sums that overflow, sizes that are rounded, and
 *    ranges that reach the ring buffers of the kernel.
 * 4. uapi-empty: Operations of size 0. They split VMAs, or make a later operation loop.
 * 5. uapi-queue: Synchronization points and syncs, which need a queue. They are ignored
 *    where there is none, so that their user waits forever.
 * 6. uapi-array: The array that holds the operations. Memory behind it is read as an
 *    operation, or a part of an operation is ignored.
 *
 * A BO, a sparse range and unmapped pages lie side by side, so that a request that does
 * too much changes a neighbour.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE

/* A multiple of every CPU page size. A rounded or misplaced page hits one of the three parts. */
#define PART_SIZE SZ_64K
#define BO_VA (2 * IGT_PANTHOR_EXEC_VA_END)
#define SPARSE_VA (BO_VA + PART_SIZE)
#define FREE_VA (SPARSE_VA + PART_SIZE)

/* Where the bind that follows each refusal goes. */
#define NEXT_VA (BO_VA + SZ_64M)

/* No handle that a file with a dozen objects gives out. */
#define WILD_HANDLE UINT32_C(0xffffffff)

#define MAP DRM_PANTHOR_VM_BIND_OP_TYPE_MAP
#define UNMAP DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP
#define SYNC_ONLY DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY
#define READONLY DRM_PANTHOR_VM_BIND_OP_MAP_READONLY
#define NOEXEC DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC
#define UNCACHED DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED
#define SPARSE DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE
#define ASYNC DRM_PANTHOR_VM_BIND_ASYNC

/*
 * The lowest bits and the first type that uAPI 1.9 leaves unused. Later versions may define them:
 * the subtests that use them skip there.
 */
#define UNKNOWN_FLAG (SPARSE << 1)
#define UNKNOWN_TYPE (SYNC_ONLY + UNMAP)
#define UNKNOWN_BIND_FLAG (ASYNC << 1)

enum handle {
	NONE,
	LIVE,
	CLOSED,
	WILD,
};

/* What the address of a request counts from. */
enum origin {
	ZERO,
	USER_END,
	GPU_END,
};

/**
 * request:
 * @name: name of the row
 * @flags: flags of the operation
 * @handle: its BO handle
 * @origin: what @va counts from
 * @va: address
 * @size: size in bytes
 * @bo_offset: offset in the BO
 * @bind_flags: flags of the whole VM_BIND, where the subtest leaves them to the row
 *
 * A VM_BIND with one operation. A list ends with a request that has no name.
 */
struct request {
	const char *name;
	uint32_t flags;
	enum handle handle;
	enum origin origin;
	uint64_t va;
	uint64_t size;
	uint64_t bo_offset;
	uint32_t bind_flags;
};

#define REQUESTS(...) ((const struct request[]){ __VA_ARGS__, {} })

/**
 * uapi:
 * @exec: VM
 * @gpu_end: end of the GPU's address space
 * @bo: BO at %BO_VA
 * @closed: handle of a BO that was closed
 * @vmas: VMAs of the VM, empty if debugfs does not show them
 * @checks: number of checks of the mappings so far
 */
struct uapi {
	struct igt_panthor_exec exec;
	uint64_t gpu_end;
	struct panthor_bo bo;
	uint32_t closed;
	struct igt_panthor_vmas vmas;
	uint32_t checks;
};

static uint64_t read_gpu_end(int fd)
{
	struct drm_panthor_gpu_info gpu = {};

	igt_panthor_query(fd, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &gpu, sizeof(gpu), 0);
	return UINT64_C(1) << DRM_PANTHOR_MMU_VA_BITS(gpu.mmu_features);
}

static void uapi_init(struct uapi *u, int fd)
{
	struct panthor_bo closed;

	memset(u, 0, sizeof(*u));
	u->gpu_end = read_gpu_end(fd);
	igt_panthor_exec_init(&u->exec, fd);
	igt_panthor_exec_create_bo(&u->exec, &u->bo, PART_SIZE);
	igt_panthor_exec_bind_bo(&u->exec, &u->bo, BO_VA);
	igt_panthor_exec_bind_sparse(&u->exec, SPARSE_VA, PART_SIZE);

	igt_panthor_exec_create_bo(&u->exec, &closed, PAGE);
	u->closed = closed.handle;
	igt_panthor_free_bo(fd, &closed);

	if (igt_panthor_has_debugfs(fd))
		igt_panthor_exec_read_vmas(&u->exec, &u->vmas);
}

static void uapi_fini(struct uapi *u)
{
	igt_panthor_free_vmas(&u->vmas);
	igt_panthor_exec_fini(&u->exec);
	igt_panthor_free_bo(u->exec.fd, &u->bo);
}

static bool is_same_vma(const struct igt_panthor_vma *a, const struct igt_panthor_vma *b)
{
	return a->va == b->va && a->size == b->size && a->object == b->object &&
	       a->offset == b->offset;
}

static void assert_same_vmas(struct uapi *u)
{
	struct igt_panthor_vmas now;

	if (!u->vmas.count)
		return;

	igt_panthor_exec_read_vmas(&u->exec, &now);
	igt_assert_eq_u64(now.count, u->vmas.count);
	for (size_t i = 0; i < now.count; i++)
		igt_assert_f(is_same_vma(&now.vma[i], &u->vmas.vma[i]),
			     "VMA at %#" PRIx64 " of %#" PRIx64 " bytes was not there before\n",
			     now.vma[i].va, now.vma[i].size);
	igt_panthor_free_vmas(&now);
}

/* The BO and the sparse range work, there are no other VMAs, and the VM accepts more requests. */
static void assert_mappings_unchanged(struct uapi *u)
{
	const uint32_t seed = IGT_PANTHOR_FIRST + u->checks++;
	struct igt_panthor_exec *exec = &u->exec;

	igt_panthor_vm_assert_usable(exec->fd, exec->vm_id);
	assert_same_vmas(u);

	igt_panthor_sparse_store_load(exec, BO_VA, 2 * PART_SIZE, seed);
	igt_panthor_bo_assert_holds(&u->bo, BO_VA, seed);

	igt_panthor_exec_bind_sparse(exec, NEXT_VA, PART_SIZE);
	igt_panthor_exec_unbind(exec, NEXT_VA, PART_SIZE);
}

static uint32_t request_handle(const struct uapi *u, enum handle handle)
{
	switch (handle) {
	case LIVE:
		return u->bo.handle;
	case CLOSED:
		return u->closed;
	case WILD:
		return WILD_HANDLE;
	default:
		return 0;
	}
}

static uint64_t request_origin(const struct uapi *u, enum origin origin)
{
	switch (origin) {
	case USER_END:
		return u->exec.uva_range;
	case GPU_END:
		return u->gpu_end;
	default:
		return 0;
	}
}

static struct drm_panthor_vm_bind_op request_op(const struct uapi *u, const struct request *r)
{
	return (struct drm_panthor_vm_bind_op){
		.flags = r->flags,
		.bo_handle = request_handle(u, r->handle),
		.bo_offset = r->bo_offset,
		.va = request_origin(u, r->origin) + r->va,
		.size = r->size,
	};
}

static void assert_refused(struct uapi *u, struct drm_panthor_vm_bind_op *op, uint32_t bind_flags)
{
	const int err = __igt_panthor_vm_bind_ops(u->exec.fd, u->exec.vm_id, bind_flags, op, 1);

	igt_assert_f(err == -EINVAL,
		     "VM_BIND flags %#x, operation flags %#x, BO %u + %#" PRIx64 ", va %#" PRIx64
		     ", size %#" PRIx64 ": got %d, expected %d\n",
		     bind_flags, op->flags, op->bo_handle, (uint64_t)op->bo_offset,
		     (uint64_t)op->va, (uint64_t)op->size, err, -EINVAL);
	assert_mappings_unchanged(u);
}

static void refuse_request(struct uapi *u, const void *row)
{
	struct drm_panthor_vm_bind_op op = request_op(u, row);

	assert_refused(u, &op, 0);
	assert_refused(u, &op, ASYNC);
}

static void refuse_bind_flags(struct uapi *u, const void *row)
{
	const struct request *r = row;
	struct drm_panthor_vm_bind_op op = request_op(u, r);

	assert_refused(u, &op, r->bind_flags);
}

/* A syncobj that no fence was ever attached to. */
static void assert_no_fence(int fd, uint32_t syncobj)
{
	igt_assert_eq(syncobj_wait_err(fd, &syncobj, 1, 0, 0), -EINVAL);
}

/* With a sync to signal: without any sync, a synchronization point is refused in any case. */
static void refuse_sync_only(struct uapi *u, const void *row)
{
	uint32_t done = syncobj_create(u->exec.fd, 0);
	struct drm_panthor_sync_op signal = igt_panthor_sync_signal(done, 0);
	struct drm_panthor_vm_bind_op op = request_op(u, row);

	op.syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &signal);
	assert_refused(u, &op, ASYNC);
	assert_no_fence(u->exec.fd, done);
	syncobj_destroy(u->exec.fd, done);
}

/* The uAPI leaves open whether an operation of size 0 is refused or does nothing. */
static void assert_empty_op_changes_nothing(struct uapi *u, const struct request *r,
					    uint32_t bind_flags)
{
	uint32_t done = syncobj_create(u->exec.fd, 0);
	struct drm_panthor_sync_op signal = igt_panthor_sync_signal(done, 0);
	struct drm_panthor_vm_bind_op op = request_op(u, r);
	int err;

	if (bind_flags & ASYNC)
		op.syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &signal);
	err = __igt_panthor_vm_bind_ops(u->exec.fd, u->exec.vm_id, bind_flags, &op, 1);
	igt_assert_f(!err || err == -EINVAL,
		     "flags %#x, va %#" PRIx64 ", size 0: got %d, expected 0 or %d\n", op.flags,
		     (uint64_t)op.va, err, -EINVAL);
	if (!err && bind_flags & ASYNC)
		igt_assert(syncobj_wait(u->exec.fd, &done, 1,
					igt_panthor_deadline(IGT_PANTHOR_JOB_DEADLINE_MS), 0,
					NULL));

	assert_mappings_unchanged(u);
	syncobj_destroy(u->exec.fd, done);
}

static void empty_op(struct uapi *u, const void *row)
{
	assert_empty_op_changes_nothing(u, row, 0);
}

static void empty_op_queued(struct uapi *u, const void *row)
{
	assert_empty_op_changes_nothing(u, row, ASYNC);
}

static void require_known_uapi(void)
{
	const int fd = igt_panthor_open();
	const bool newer =
		igt_panthor_has_uapi(fd, IGT_PANTHOR_SPARSE_MAJOR, IGT_PANTHOR_SPARSE_MINOR + 1);

	igt_panthor_close(fd);
	igt_require_f(!newer, "the uAPI is newer than %d.%d and may define flags unused there\n",
		      IGT_PANTHOR_SPARSE_MAJOR, IGT_PANTHOR_SPARSE_MINOR);
}

static const struct request empty_requests[] = {
	{ "sparse-in-sparse", MAP | SPARSE | NOEXEC, .va = SPARSE_VA + PAGE },
	{ "sparse-in-bo", MAP | SPARSE | NOEXEC, .va = BO_VA + PAGE },
	{ "sparse-outside", MAP | SPARSE | NOEXEC, .va = FREE_VA + PAGE },
	{ "sparse-at-zero", MAP | SPARSE | NOEXEC, .va = 0 },
	{ "bo-in-sparse", MAP | NOEXEC, LIVE, .va = SPARSE_VA + PAGE },
	{ "unmap-in-sparse", UNMAP, .va = SPARSE_VA + PAGE },
	{ "unmap-in-bo", UNMAP, .va = BO_VA + PAGE },
	{}
};

/**
 * uapi_case:
 * @name: name of the subtest
 * @describe: what it does
 * @require: skips where the rows mean something else, or NULL
 * @run: body of each row
 * @requests: the rows
 */
struct uapi_case {
	const char *name;
	const char *describe;
	void (*require)(void);
	void (*run)(struct uapi *u, const void *row);
	const struct request *requests;
};

static const struct uapi_case uapi_cases[] = {
	{
		.name = "uapi-sparse-exec",
		.describe = "VM_BIND refuses a sparse bind without NOEXEC over a BO and over a "
			    "sparse range. The mappings there stay as they were.",
		.run = refuse_request,
		.requests = REQUESTS(
			{ "over-bo", MAP | SPARSE, .va = BO_VA, .size = PART_SIZE },
			{ "readonly-over-bo", MAP | SPARSE | READONLY, .va = BO_VA, .size = PAGE },
			{ "uncached-over-sparse", MAP | SPARSE | UNCACHED, .va = SPARSE_VA,
			  .size = PAGE }),
	},
	{
		.name = "uapi-sparse-unmap",
		.describe = "VM_BIND refuses an unmap with map flags, a BO handle or a BO offset. "
			    "The BO and the sparse range that it covers stay mapped.",
		.run = refuse_request,
		.requests = REQUESTS(
			{ "sparse", UNMAP | SPARSE, .va = SPARSE_VA, .size = PART_SIZE },
			{ "sparse-noexec", UNMAP | SPARSE | NOEXEC, .va = SPARSE_VA,
			  .size = PART_SIZE },
			{ "noexec", UNMAP | NOEXEC, .va = SPARSE_VA, .size = PART_SIZE },
			{ "handle", UNMAP, LIVE, .va = BO_VA, .size = PART_SIZE },
			{ "offset", UNMAP, .va = SPARSE_VA, .size = PART_SIZE, .bo_offset = PAGE }),
	},
	{
		.name = "uapi-unknown-flags",
		.describe = "VM_BIND refuses an unused operation flag with a sparse bind and with "
			    "a BO bind, and an unused operation type, and changes no mapping. "
			    "Skips on kernels with a newer uAPI than the test, which may have "
			    "given them a meaning.",
		.require = require_known_uapi,
		.run = refuse_request,
		.requests = REQUESTS({ "sparse", MAP | SPARSE | NOEXEC | UNKNOWN_FLAG, .va = BO_VA,
				       .size = PART_SIZE },
				     { "bo", MAP | NOEXEC | UNKNOWN_FLAG, LIVE, .va = SPARSE_VA,
				       .size = PART_SIZE },
				     { "type", UNKNOWN_TYPE, .va = BO_VA, .size = PART_SIZE }),
	},
	{
		.name = "uapi-unknown-bind-flags",
		.describe = "VM_BIND refuses an unused flag of the request, and changes no "
			    "mapping. Skips on kernels with a newer uAPI than the test, which may "
			    "have given it a meaning.",
		.require = require_known_uapi,
		.run = refuse_bind_flags,
		.requests =
			REQUESTS({ "at-once", MAP | SPARSE | NOEXEC, .va = FREE_VA,
				   .size = PART_SIZE, .bind_flags = UNKNOWN_BIND_FLAG },
				 { "queued", MAP | SPARSE | NOEXEC, .va = FREE_VA,
				   .size = PART_SIZE, .bind_flags = ASYNC | UNKNOWN_BIND_FLAG }),
	},
	{
		.name = "uapi-sparse-handle",
		.describe = "VM_BIND refuses a sparse bind with a BO handle, whether the BO "
			    "exists, was closed, or never existed, and changes no mapping.",
		.run = refuse_request,
		.requests = REQUESTS(
			{ "live-over-bo", MAP | SPARSE | NOEXEC, LIVE, .va = BO_VA,
			  .size = PART_SIZE },
			{ "live", MAP | SPARSE | NOEXEC, LIVE, .va = FREE_VA, .size = SZ_2M },
			{ "closed", MAP | SPARSE | NOEXEC, CLOSED, .va = FREE_VA, .size = SZ_2M },
			{ "never-there", MAP | SPARSE | NOEXEC, WILD, .va = FREE_VA,
			  .size = SZ_2M }),
	},
	{
		.name = "uapi-sparse-offset",
		.describe = "VM_BIND refuses a sparse bind with a BO offset, and changes no "
			    "mapping.",
		.run = refuse_request,
		.requests = REQUESTS({ "page", MAP | SPARSE | NOEXEC, .va = BO_VA, .size = PAGE,
				       .bo_offset = PAGE },
				     { "block", MAP | SPARSE | NOEXEC, .va = BO_VA, .size = PAGE,
				       .bo_offset = SZ_2M },
				     { "terabyte", MAP | SPARSE | NOEXEC, .va = FREE_VA,
				       .size = SZ_2M, .bo_offset = UINT64_C(1) << 40 }),
	},
	{
		.name = "uapi-align",
		.describe = "VM_BIND refuses addresses, sizes and BO offsets that are not "
			    "multiples of the GPU's page size. The pages that rounding would "
			    "reach keep their mappings.",
		.run = refuse_request,
		.requests = REQUESTS(
			{ "size-byte", MAP | SPARSE | NOEXEC, .va = BO_VA, .size = 1 },
			{ "size-below-page", MAP | SPARSE | NOEXEC, .va = BO_VA, .size = PAGE - 1 },
			{ "size-above-page", MAP | SPARSE | NOEXEC, .va = BO_VA, .size = PAGE + 1 },
			{ "size-above-block", MAP | SPARSE | NOEXEC, .va = BO_VA,
			  .size = SZ_2M + 8 },
			{ "va-word", MAP | SPARSE | NOEXEC, .va = BO_VA + 8, .size = PAGE },
			{ "va-half-page", MAP | SPARSE | NOEXEC, .va = FREE_VA - PAGE / 2,
			  .size = PAGE },
			{ "va-and-size", MAP | SPARSE | NOEXEC, .va = SPARSE_VA + 1,
			  .size = PAGE - 1 },
			{ "bo-offset-word", MAP | NOEXEC, LIVE, .va = FREE_VA, .size = PAGE,
			  .bo_offset = 8 },
			{ "unmap-size", UNMAP, .va = SPARSE_VA, .size = PAGE - 1 },
			{ "unmap-va", UNMAP, .va = SPARSE_VA + 8, .size = PAGE }),
	},
	{
		.name = "uapi-wrap",
		.describe = "VM_BIND refuses ranges whose end exceeds 64 bits, and changes no "
			    "mapping.",
		.run = refuse_request,
		.requests = REQUESTS(
			{ "sparse-last-page", MAP | SPARSE | NOEXEC, .va = -PAGE,
			  .size = 2 * PAGE },
			{ "sparse-second-page", MAP | SPARSE | NOEXEC, .va = PAGE, .size = -PAGE },
			{ "sparse-half", MAP | SPARSE | NOEXEC, .va = INT64_MIN,
			  .size = INT64_MIN },
			{ "sparse-to-end", MAP | SPARSE | NOEXEC, .va = BO_VA, .size = -BO_VA },
			{ "sparse-around", MAP | SPARSE | NOEXEC, .va = BO_VA,
			  .size = -BO_VA + PAGE },
			{ "unmap-last-page", UNMAP, .va = -PAGE, .size = 2 * PAGE },
			{ "unmap-second-page", UNMAP, .va = PAGE, .size = -PAGE },
			{ "unmap-half", UNMAP, .va = INT64_MIN, .size = INT64_MIN },
			{ "unmap-around", UNMAP, .va = BO_VA, .size = -BO_VA + PAGE }),
	},
	{
		.name = "uapi-kernel-range",
		.describe = "VM_BIND refuses ranges that reach into the kernel's part of the VM or "
			    "lie above the GPU's address space, and changes no mapping.",
		.run = refuse_request,
		.requests = REQUESTS(
			{ "sparse-first-page", MAP | SPARSE | NOEXEC, .origin = USER_END,
			  .size = PAGE },
			{ "sparse-across-start", MAP | SPARSE | NOEXEC,
			  .origin = USER_END, .va = -PAGE, .size = 2 * PAGE },
			{ "sparse-last-block", MAP | SPARSE | NOEXEC, .origin = GPU_END,
			  .va = -SZ_2M, .size = SZ_2M },
			{ "sparse-above", MAP | SPARSE | NOEXEC, .origin = GPU_END, .size = SZ_2M },
			{ "unmap-first-page", UNMAP, .origin = USER_END, .size = PAGE },
			{ "unmap-across-start", UNMAP, .origin = USER_END, .va = -PAGE,
			  .size = 2 * PAGE },
			{ "unmap-last-block", UNMAP, .origin = GPU_END, .va = -SZ_2M,
			  .size = SZ_2M }),
	},
	{
		.name = "uapi-size-zero",
		.describe = "A synchronous operation of size 0 changes no mapping, inside and "
			    "outside of mapped ranges.",
		.run = empty_op,
		.requests = empty_requests,
	},
	{
		.name = "uapi-size-zero-queued",
		.describe = "A queued operation of size 0 changes no mapping, inside and outside "
			    "of mapped ranges.",
		.run = empty_op_queued,
		.requests = empty_requests,
	},
	{
		.name = "uapi-sync-only",
		.describe = "VM_BIND refuses a queued SYNC_ONLY operation with map flags, an "
			    "address, a range, a BO handle or a BO offset, changes no mapping, and "
			    "leaves its syncobj without a fence.",
		.run = refuse_sync_only,
		.requests = REQUESTS(
			{ .name = "sparse", .flags = SYNC_ONLY | SPARSE },
			{ .name = "sparse-noexec", .flags = SYNC_ONLY | SPARSE | NOEXEC },
			{ .name = "readonly", .flags = SYNC_ONLY | READONLY },
			{ "va", SYNC_ONLY, .va = FREE_VA },
			{ "range", SYNC_ONLY, .va = SPARSE_VA, .size = PART_SIZE },
			{ .name = "handle", .flags = SYNC_ONLY, .handle = LIVE },
			{ "offset", SYNC_ONLY, .bo_offset = PAGE }),
	},
	{}
};

/* Rows share a file, until one of them fails and may have changed its mappings. */
static struct uapi rows;
static bool rows_intact;

static void start_rows(void)
{
	rows_intact = false;
}

static void run_row(const char *name, void (*run)(struct uapi *u, const void *row), const void *row)
{
	igt_dynamic(name) {
		if (!rows_intact) {
			igt_panthor_free_vmas(&rows.vmas);
			igt_teardown();
			uapi_init(&rows, igt_panthor_open());
		}
		rows_intact = false;
		run(&rows, row);
		rows_intact = true;
	}
}

static void sync_only_at_once(int fd)
{
	struct drm_panthor_vm_bind_op op = { .flags = SYNC_ONLY };
	struct uapi u;

	uapi_init(&u, fd);
	assert_refused(&u, &op, 0);
	uapi_fini(&u);
}

static void assert_no_vm(struct uapi *u, uint32_t vm_id, struct drm_panthor_vm_bind_op *op)
{
	for (uint32_t flags = 0; flags <= ASYNC; flags++)
		for (unsigned int count = 0; count <= 1; count++) {
			const int err = __igt_panthor_vm_bind_ops(u->exec.fd, vm_id, flags, op,
								  count);

			igt_assert_f(err == -EINVAL,
				     "VM_BIND flags %#x, VM %#x, %u operations: got %d, expected "
				     "%d\n", flags, vm_id, count, err, -EINVAL);
		}
	assert_mappings_unchanged(u);
}

static void unknown_vm(int fd)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = IGT_PANTHOR_SPARSE_FLAGS,
		.va = BO_VA,
		.size = 2 * PART_SIZE,
	};
	uint32_t destroyed;
	struct uapi u;

	uapi_init(&u, fd);
	igt_panthor_vm_create(fd, &destroyed, 0);
	igt_panthor_vm_destroy(fd, destroyed, 0);
	assert_no_vm(&u, destroyed, &op);
	assert_no_vm(&u, 0, &op);
	assert_no_vm(&u, WILD_HANDLE, &op);
	uapi_fini(&u);
}

static void syncs_at_once(int fd)
{
	uint32_t done = syncobj_create(fd, 0);
	struct drm_panthor_sync_op signal = igt_panthor_sync_signal(done, 0);
	struct drm_panthor_vm_bind_op op = {
		.flags = IGT_PANTHOR_SPARSE_FLAGS,
		.va = BO_VA,
		.size = 2 * PART_SIZE,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &signal),
	};
	struct uapi u;

	uapi_init(&u, fd);
	assert_refused(&u, &op, 0);
	assert_no_fence(fd, done);

	op.flags = UNMAP;
	assert_refused(&u, &op, 0);
	assert_no_fence(fd, done);
	uapi_fini(&u);
	syncobj_destroy(fd, done);
}

/**
 * unmap:
 * @pid: process that unmaps
 * @err: what its VM_BIND returned, -ETIME before
 */
struct unmap {
	volatile pid_t pid;
	volatile int err;
};

/* The runner of the tests waits for every process that has the test's output open. */
static void __attribute__((noreturn))
unmap_and_exit(const struct igt_panthor_exec *exec, uint64_t va, uint64_t size, struct unmap *unmap)
{
	struct drm_panthor_vm_bind_op op = { .flags = UNMAP, .va = va, .size = size };

	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	unmap->pid = getpid();
	unmap->err = __igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, 0, &op, 1);
	_exit(0);
}

static void kill_unmapper(void *data)
{
	const struct unmap *unmap = data;

	if (unmap->pid && unmap->err == -ETIME)
		kill(unmap->pid, SIGKILL);
}

/*
 * Unmaps in a process that a defective driver keeps forever, even after a SIGKILL. Its parent exits
 * at once, so that nothing has to wait for it.
 */
static int unmap_within_deadline(const struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	struct unmap *unmap = igt_map_shared(sizeof(*unmap));
	pid_t child;

	unmap->err = -ETIME;
	igt_teardown_add(kill_unmapper, unmap);
	child = fork();
	igt_assert(child >= 0);
	if (!child) {
		if (!fork())
			unmap_and_exit(exec, va, size, unmap);
		_exit(0);
	}
	igt_assert_eq(waitpid(child, NULL, 0), child);
	igt_wait(unmap->err != -ETIME, IGT_PANTHOR_JOB_DEADLINE_MS, 1);

	return unmap->err;
}

static void size_zero_unmap(int fd)
{
	const uint64_t va = BO_VA + PART_SIZE / 2;
	const struct request request = { .flags = MAP | NOEXEC, .handle = LIVE, .va = va };
	uint32_t done = syncobj_create(fd, DRM_SYNCOBJ_CREATE_SIGNALED);
	struct drm_panthor_sync_op signal = igt_panthor_sync_signal(done, 0);
	struct drm_panthor_vm_bind_op op;
	struct uapi u;

	uapi_init(&u, fd);
	op = request_op(&u, &request);
	op.syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &signal);
	__igt_panthor_vm_bind_ops(fd, u.exec.vm_id, ASYNC, &op, 1);
	igt_assert(syncobj_wait(fd, &done, 1, igt_panthor_deadline(IGT_PANTHOR_JOB_DEADLINE_MS), 0,
				NULL));

	igt_assert_eq(unmap_within_deadline(&u.exec, va + PAGE, PAGE), 0);
	igt_panthor_exec_must_fault(&u.exec, va + PAGE, IGT_PANTHOR_LOAD);
	igt_panthor_sparse_store_load(&u.exec, BO_VA, va + PAGE - BO_VA, IGT_PANTHOR_FIRST);
	igt_panthor_sparse_store_load(&u.exec, va + 2 * PAGE, BO_VA + PART_SIZE - va - 2 * PAGE,
				      IGT_PANTHOR_FIRST);

	uapi_fini(&u);
	syncobj_destroy(fd, done);
}

/* An operation, and a member behind it that only a later kernel knows. */
struct long_op {
	struct drm_panthor_vm_bind_op op;
	uint64_t unknown;
};

/**
 * array:
 * @name: name of the row
 * @stride: stride of the array
 * @address: its address, 0 for that of a valid operation
 * @err: errno of the refusal
 *
 * An array of one operation.
 */
struct array {
	const char *name;
	uint32_t stride;
	uint64_t address;
	int err;
};

/* The first page of a process and the last ones of 64 bits are never mapped. */
static const struct array arrays[] = {
	{ .name = "stride-zero", .stride = 0, .err = EINVAL },
	{ .name = "stride-word", .stride = 8, .err = EINVAL },
	{ .name = "stride-one-short",
	  .stride = sizeof(struct drm_panthor_vm_bind_op) - 8,
	  .err = EINVAL },
	{ .name = "unknown-tail", .stride = sizeof(struct long_op), .err = E2BIG },
	{ .name = "unmapped-low",
	  .stride = sizeof(struct drm_panthor_vm_bind_op),
	  .address = sizeof(uint64_t),
	  .err = EFAULT },
	{ .name = "unmapped-high",
	  .stride = sizeof(struct drm_panthor_vm_bind_op),
	  .address = UINT64_MAX - PAGE,
	  .err = EFAULT },
	{}
};

static void refuse_array(struct uapi *u, const void *row)
{
	const struct array *a = row;
	const struct long_op op = {
		.op = { .flags = IGT_PANTHOR_SPARSE_FLAGS, .va = BO_VA, .size = 2 * PART_SIZE },
		.unknown = 1,
	};

	for (uint32_t flags = 0; flags <= ASYNC; flags++) {
		struct drm_panthor_vm_bind bind = {
			.vm_id = u->exec.vm_id,
			.flags = flags,
			.ops = { .stride = a->stride,
				 .count = 1,
				 .array = a->address ?: (uintptr_t)&op },
		};

		igt_assert_eq(___igt_panthor_vm_bind(u->exec.fd, &bind), -a->err);
		assert_mappings_unchanged(u);
	}
}

static const struct igt_panthor_case plain_cases[] = {
	{
		.name = "uapi-unknown-vm",
		.describe = "VM_BIND refuses handles of VMs that were destroyed or never existed, "
			    "without operations and with one, and changes no mapping of another "
			    "VM.",
		.run = unknown_vm,
	},
	{
		.name = "uapi-size-zero-unmap",
		.describe = "Queue a bind of size 0 in the middle of a BO mapping, then unmap the "
			    "page after the one at its address. The unmap returns, and that page "
			    "faults. The other pages of the BO stay readable and writable.",
		.run = size_zero_unmap,
	},
	{
		.name = "uapi-sync-only-at-once",
		.describe = "A synchronous VM_BIND refuses a SYNC_ONLY operation, and changes no "
			    "mapping.",
		.run = sync_only_at_once,
	},
	{
		.name = "uapi-syncs-at-once",
		.describe = "A synchronous VM_BIND refuses a sparse bind and an unmap with a sync, "
			    "changes no mapping, and leaves the syncobj without a fence.",
		.run = syncs_at_once,
	},
	{}
};

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();

	for (const struct uapi_case *c = uapi_cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest_with_dynamic(c->name) {
			start_rows();
			if (c->require)
				c->require();
			for (const struct request *r = c->requests; r->name; r++)
				run_row(r->name, c->run, r);
		}
		igt_fixture()
			igt_teardown();
	}

	for (const struct igt_panthor_case *c = plain_cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest(c->name)
			igt_panthor_with_device(fd)
				c->run(fd);
		igt_fixture()
			igt_teardown();
	}

	igt_describe("VM_BIND refuses arrays of operations with a stride that is too short, with "
		     "data behind the members that the kernel knows, and at addresses that are not "
		     "mapped, and changes no mapping.");
	igt_subtest_with_dynamic("uapi-array") {
		start_rows();
		for (const struct array *a = arrays; a->name; a++)
			run_row(a->name, refuse_array, a);
	}
	igt_fixture()
		igt_teardown();
}
