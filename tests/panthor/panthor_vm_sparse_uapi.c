// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <inttypes.h>
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
 * TEST: What panthor refuses about sparse mappings
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: uapi
 * Test category: negative test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9
 * Failure mode: Rules of the ioctl that are not checked, that are checked after the
 *	damage, or that only the queue finds out about.
 * Description: Requests against the rules of VM_BIND, each made once at once and
 *	once queued. After each one, what was mapped must still work and be all
 *	that is mapped, and the VM must take further requests.
 *
 * SUBTEST: uapi-sparse-exec
 * Run type: BAT, FULL
 * Description: A sparse bind that leaves the range executable is refused, over a
 *	BO that is in use.
 *
 * SUBTEST: uapi-sparse-handle
 * Description: A sparse bind that names a BO is refused, whether the BO is there,
 *	was closed, or never existed.
 *
 * SUBTEST: uapi-sparse-offset
 * Run type: BAT, FULL
 * Description: A sparse bind that has a BO offset is refused.
 *
 * SUBTEST: uapi-sparse-unmap
 * Description: An unmap that has flags of a map, or a BO, is refused, over a sparse
 *	range that is in use.
 *
 * SUBTEST: uapi-sync-only
 * Description: A synchronization point that has flags of a map, an address, a size
 *	or a BO is refused.
 *
 * SUBTEST: uapi-sync-only-at-once
 * Description: A synchronization point is refused where there is no queue.
 *
 * SUBTEST: uapi-syncs-at-once
 * Description: Syncs are refused where there is no queue, and not signalled.
 *
 * SUBTEST: uapi-unknown-flags
 * Description: Each flag that no operation knows is refused, with a sparse bind
 *	and with a BO, and so is each type that does not exist.
 *
 * SUBTEST: uapi-unknown-bind-flags
 * Description: Each flag that VM_BIND itself does not know is refused.
 *
 * SUBTEST: uapi-align
 * Run type: BAT, FULL
 * Description: Addresses, sizes and BO offsets that are no multiples of a page are
 *	refused; the pages that rounding would reach stay as they were.
 *
 * SUBTEST: uapi-size-zero
 * Description: An operation on no bytes changes nothing, inside of a range or
 *	outside of any.
 *
 * SUBTEST: uapi-size-zero-queued
 * Description: The same for operations that are queued.
 *
 * SUBTEST: uapi-size-zero-unmap
 * Description: An unmap of a page behind the one where an operation on no bytes was
 *	queued, in the middle of a BO, comes to its end and unmaps this page.
 *
 * SUBTEST: uapi-wrap
 * Description: Ranges that end behind the last address of 64 bits are refused.
 *
 * SUBTEST: uapi-kernel-range
 * Run type: BAT, FULL
 * Description: Ranges that reach into the part of the VM that is not the user's
 *	are refused.
 *
 * SUBTEST: uapi-array
 * Description: Arrays of operations with a wrong stride, an unknown tail, or
 *	nothing behind their address are refused.
 */

IGT_TEST_DESCRIPTION("Check what panthor refuses about sparse mappings");

/*
 * Each subtest is a list of requests that have to fail. The failures that they
 * hunt: a rule that is not checked; one that is checked after the damage is done,
 * so that the errno is right and the old mapping gone; and one that only the
 * queue finds out about, after the ioctl said yes, which costs the whole VM.
 *
 * Three things lie side by side, for what a request does too much to show: a BO,
 * a sparse range, and nothing.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE

/* 64 KiB of each: enough for a rounded or misplaced page to hit one of them. */
#define PART_SIZE SZ_64K
#define BO_VA (2 * IGT_PANTHOR_EXEC_VA_END)
#define SPARSE_VA (BO_VA + PART_SIZE)
#define FREE_VA (SPARSE_VA + PART_SIZE)

/* Where the bind that follows each refusal goes. */
#define NEXT_VA (BO_VA + SZ_64M)

/* No handle that a file with a dozen BOs gives out. */
#define WILD_HANDLE UINT32_C(0xffffffff)

#define MAP DRM_PANTHOR_VM_BIND_OP_TYPE_MAP
#define UNMAP DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP
#define SYNC_ONLY DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY
#define READONLY DRM_PANTHOR_VM_BIND_OP_MAP_READONLY
#define NOEXEC DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC
#define UNCACHED DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED
#define SPARSE DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE
#define ASYNC DRM_PANTHOR_VM_BIND_ASYNC

/* The bits of an operation's flags that neither a flag nor the type has. */
#define FIRST_UNKNOWN_FLAG 4
#define FIRST_TYPE_BIT 28
#define FIRST_UNKNOWN_TYPE UINT32_C(3)
#define LAST_TYPE UINT32_C(15)

enum handle {
	NONE,
	LIVE,
	CLOSED,
	WILD,
};

/**
 * request:
 * @flags: of the operation
 * @handle: BO that it names
 * @above_user: @va counts from the end of the user's addresses
 * @va: address
 * @size: bytes
 * @bo_offset: offset in the BO
 *
 * An operation that the driver has to refuse. One without address and size ends
 * a list, unless it has flags.
 */
struct request {
	uint32_t flags;
	enum handle handle;
	bool above_user;
	uint64_t va;
	uint64_t size;
	uint64_t bo_offset;
};

#define REQUESTS(...) ((const struct request[]){ __VA_ARGS__, {} })

/**
 * uapi:
 * @exec: VM
 * @bo: BO at %BO_VA
 * @closed: handle that was a BO's
 * @vmas: what is mapped, empty if debugfs does not show it
 * @checks: how often the mappings have been checked
 */
struct uapi {
	struct igt_panthor_exec exec;
	struct panthor_bo bo;
	uint32_t closed;
	struct igt_panthor_vmas vmas;
	uint32_t checks;
};

static void uapi_init(struct uapi *u, int fd)
{
	struct panthor_bo closed;

	memset(u, 0, sizeof(*u));
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

/* The BO and the sparse range work, nothing more is there, and the VM goes on. */
static void assert_unharmed(struct uapi *u)
{
	const uint32_t seed = IGT_PANTHOR_FIRST + u->checks++;
	struct igt_panthor_exec *exec = &u->exec;

	igt_assert_eq_u32(igt_panthor_vm_get_state(exec->fd, exec->vm_id),
			  DRM_PANTHOR_VM_STATE_USABLE);
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

static struct drm_panthor_vm_bind_op request_op(const struct uapi *u, const struct request *r)
{
	return (struct drm_panthor_vm_bind_op){
		.flags = r->flags,
		.bo_handle = request_handle(u, r->handle),
		.bo_offset = r->bo_offset,
		.va = r->va + (r->above_user ? u->exec.uva_range : 0),
		.size = r->size,
	};
}

static void assert_einval(struct uapi *u, struct drm_panthor_vm_bind_op *op, uint32_t bind_flags)
{
	const int err = __igt_panthor_vm_bind_ops(u->exec.fd, u->exec.vm_id, bind_flags, op, 1);

	igt_assert_f(err == -EINVAL,
		     "%s operation, flags %#x, BO %u + %#" PRIx64 ", va %#" PRIx64
		     ", size %#" PRIx64 ": got %d, expected %d\n",
		     bind_flags & ASYNC ? "queued" : "immediate", op->flags, op->bo_handle,
		     (uint64_t)op->bo_offset, (uint64_t)op->va, (uint64_t)op->size, err, -EINVAL);
}

static void assert_refused(struct uapi *u, struct drm_panthor_vm_bind_op *op, uint32_t bind_flags)
{
	assert_einval(u, op, bind_flags);
	assert_unharmed(u);
}

static void assert_request_refused(struct uapi *u, const struct request *r)
{
	struct drm_panthor_vm_bind_op op = request_op(u, r);

	assert_refused(u, &op, 0);
	assert_refused(u, &op, ASYNC);
}

struct uapi_case {
	const char *name;
	const char *describe;
	const struct request *requests;
};

static const struct uapi_case uapi_cases[] = {
	{
		.name = "uapi-sparse-exec",
		.describe = "A sparse range may not be executable",
		.requests = REQUESTS(
			{ .flags = MAP | SPARSE, .va = BO_VA, .size = PART_SIZE },
			{ .flags = MAP | SPARSE | READONLY, .va = BO_VA, .size = PAGE },
			{ .flags = MAP | SPARSE | UNCACHED, .va = SPARSE_VA, .size = PAGE }),
	},
	{
		.name = "uapi-sparse-handle",
		.describe = "A sparse range has no BO of the user's",
		.requests =
			REQUESTS({ MAP | SPARSE | NOEXEC, LIVE, .va = BO_VA, .size = PART_SIZE },
				 { MAP | SPARSE | NOEXEC, LIVE, .va = FREE_VA, .size = SZ_2M },
				 { MAP | SPARSE | NOEXEC, CLOSED, .va = FREE_VA, .size = SZ_2M },
				 { MAP | SPARSE | NOEXEC, WILD, .va = FREE_VA, .size = SZ_2M }),
	},
	{
		.name = "uapi-sparse-offset",
		.describe = "A sparse range has no BO offset",
		.requests = REQUESTS(
			{ MAP | SPARSE | NOEXEC, .va = BO_VA, .size = PAGE, .bo_offset = PAGE },
			{ MAP | SPARSE | NOEXEC, .va = BO_VA, .size = PAGE, .bo_offset = SZ_2M },
			{ MAP | SPARSE | NOEXEC, .va = FREE_VA, .size = SZ_2M,
			  .bo_offset = UINT64_C(1) << 40 }),
	},
	{
		.name = "uapi-sparse-unmap",
		.describe = "An unmap does not ask what is mapped",
		.requests =
			REQUESTS({ UNMAP | SPARSE, .va = SPARSE_VA, .size = PART_SIZE },
				 { UNMAP | SPARSE | NOEXEC, .va = SPARSE_VA, .size = PART_SIZE },
				 { UNMAP | NOEXEC, .va = SPARSE_VA, .size = PART_SIZE },
				 { UNMAP, LIVE, .va = BO_VA, .size = PART_SIZE },
				 { UNMAP, .va = SPARSE_VA, .size = PART_SIZE, .bo_offset = PAGE }),
	},
	{
		.name = "uapi-align",
		.describe = "Addresses, sizes and offsets are multiples of a page",
		.requests = REQUESTS(
			{ MAP | SPARSE | NOEXEC, .va = BO_VA, .size = 1 },
			{ MAP | SPARSE | NOEXEC, .va = BO_VA, .size = PAGE - 1 },
			{ MAP | SPARSE | NOEXEC, .va = BO_VA, .size = PAGE + 1 },
			{ MAP | SPARSE | NOEXEC, .va = BO_VA, .size = SZ_2M + 8 },
			{ MAP | SPARSE | NOEXEC, .va = BO_VA + 8, .size = PAGE },
			{ MAP | SPARSE | NOEXEC, .va = FREE_VA - PAGE / 2, .size = PAGE },
			{ MAP | SPARSE | NOEXEC, .va = SPARSE_VA + 1, .size = PAGE - 1 },
			{ MAP | NOEXEC, LIVE, .va = FREE_VA, .size = PAGE, .bo_offset = 8 },
			{ UNMAP, .va = SPARSE_VA, .size = PAGE - 1 },
			{ UNMAP, .va = SPARSE_VA + 8, .size = PAGE }),
	},
	{
		.name = "uapi-wrap",
		.describe = "A range ends where 64 bits end",
		.requests = REQUESTS({ MAP | SPARSE | NOEXEC, .va = -PAGE, .size = 2 * PAGE },
				     { MAP | SPARSE | NOEXEC, .va = PAGE, .size = -PAGE },
				     { MAP | SPARSE | NOEXEC, .va = INT64_MIN, .size = INT64_MIN },
				     { MAP | SPARSE | NOEXEC, .va = BO_VA, .size = -BO_VA },
				     { MAP | SPARSE | NOEXEC, .va = BO_VA, .size = -BO_VA + PAGE },
				     { UNMAP, .va = -PAGE, .size = 2 * PAGE },
				     { UNMAP, .va = PAGE, .size = -PAGE },
				     { UNMAP, .va = INT64_MIN, .size = INT64_MIN },
				     { UNMAP, .va = BO_VA, .size = -BO_VA + PAGE }),
	},
	{
		.name = "uapi-kernel-range",
		.describe = "A range stays out of the kernel's part of the VM",
		.requests = REQUESTS(
			{ MAP | SPARSE | NOEXEC, .above_user = true, .size = PAGE },
			{ MAP | SPARSE | NOEXEC, .above_user = true, .va = -PAGE,
			  .size = 2 * PAGE },
			{ MAP | SPARSE | NOEXEC, .va = (UINT64_C(1) << 48) - SZ_2M, .size = SZ_2M },
			{ MAP | SPARSE | NOEXEC, .va = UINT64_C(1) << 48, .size = SZ_2M },
			{ UNMAP, .above_user = true, .size = PAGE },
			{ UNMAP, .above_user = true, .va = -PAGE, .size = 2 * PAGE },
			{ UNMAP, .va = (UINT64_C(1) << 48) - SZ_2M, .size = SZ_2M }),
	},
};

static void refused(int fd, const void *row)
{
	const struct uapi_case *c = row;
	struct uapi u;

	uapi_init(&u, fd);
	for (const struct request *r = c->requests; r->flags || r->size; r++)
		assert_request_refused(&u, r);
	uapi_fini(&u);
}

/* What the requests do is checked for several together, for there are so many. */
static void assert_flags_einval(struct uapi *u, struct request *r, uint32_t flags)
{
	struct drm_panthor_vm_bind_op op;

	r->flags = flags;
	op = request_op(u, r);
	assert_einval(u, &op, 0);
	assert_einval(u, &op, ASYNC);
}

static void unknown_flags(int fd)
{
	struct request sparse = { .va = BO_VA, .size = PART_SIZE };
	struct request bo = { .handle = LIVE, .va = SPARSE_VA, .size = PART_SIZE };
	struct uapi u;

	uapi_init(&u, fd);
	for (unsigned int bit = FIRST_UNKNOWN_FLAG; bit < FIRST_TYPE_BIT; bit++) {
		assert_flags_einval(&u, &sparse, MAP | SPARSE | NOEXEC | UINT32_C(1) << bit);
		assert_flags_einval(&u, &bo, MAP | NOEXEC | UINT32_C(1) << bit);
		assert_unharmed(&u);
	}
	for (uint32_t type = FIRST_UNKNOWN_TYPE; type <= LAST_TYPE; type++) {
		assert_flags_einval(&u, &sparse, type << FIRST_TYPE_BIT);
		assert_unharmed(&u);
	}
	uapi_fini(&u);
}

static void unknown_bind_flags(int fd)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = IGT_PANTHOR_SPARSE_FLAGS,
		.va = FREE_VA,
		.size = PART_SIZE,
	};
	struct uapi u;

	uapi_init(&u, fd);
	for (unsigned int bit = 1; bit < 32; bit++) {
		assert_einval(&u, &op, UINT32_C(1) << bit);
		assert_refused(&u, &op, ASYNC | UINT32_C(1) << bit);
	}
	uapi_fini(&u);
}

/* Each has a sync to signal, without which a synchronization point is refused anyway. */
static void sync_only(int fd)
{
	const struct request *requests =
		REQUESTS({ .flags = SYNC_ONLY | SPARSE }, { .flags = SYNC_ONLY | SPARSE | NOEXEC },
			 { .flags = SYNC_ONLY | READONLY }, { SYNC_ONLY, .va = FREE_VA },
			 { SYNC_ONLY, .va = SPARSE_VA, .size = PART_SIZE },
			 { .flags = SYNC_ONLY, .handle = LIVE }, { SYNC_ONLY, .bo_offset = PAGE });
	uint32_t done = syncobj_create(fd, 0);
	struct drm_panthor_sync_op signal = igt_panthor_sync_signal(done, 0);
	struct uapi u;

	uapi_init(&u, fd);
	for (const struct request *r = requests; r->flags; r++) {
		struct drm_panthor_vm_bind_op op = request_op(&u, r);

		op.syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &signal);
		assert_refused(&u, &op, ASYNC);
		/* Nothing has given it a fence. */
		igt_assert_eq(syncobj_wait_err(fd, &done, 1, 0, 0), -EINVAL);
	}
	uapi_fini(&u);
	syncobj_destroy(fd, done);
}

static void sync_only_at_once(int fd)
{
	struct drm_panthor_vm_bind_op op = { .flags = SYNC_ONLY };
	struct uapi u;

	uapi_init(&u, fd);
	assert_refused(&u, &op, 0);
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
	igt_assert_eq(syncobj_wait_err(fd, &done, 1, 0, 0), -EINVAL);

	op.flags = UNMAP;
	assert_refused(&u, &op, 0);
	uapi_fini(&u);
	syncobj_destroy(fd, done);
}

/* The uAPI does not say whether these are refused or done, so both are right. */
static void assert_no_bytes_no_change(struct uapi *u, const struct request *r, uint32_t bind_flags)
{
	uint32_t done = syncobj_create(u->exec.fd, 0);
	struct drm_panthor_sync_op signal = igt_panthor_sync_signal(done, 0);
	struct drm_panthor_vm_bind_op op = request_op(u, r);
	int err;

	if (bind_flags & ASYNC)
		op.syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &signal);
	err = __igt_panthor_vm_bind_ops(u->exec.fd, u->exec.vm_id, bind_flags, &op, 1);
	igt_assert_f(!err || err == -EINVAL,
		     "flags %#x, va %#" PRIx64 ", no bytes: got %d, expected 0 or %d\n", op.flags,
		     (uint64_t)op.va, err, -EINVAL);
	if (!err && bind_flags & ASYNC)
		igt_assert(syncobj_wait(u->exec.fd, &done, 1,
					igt_panthor_deadline(IGT_PANTHOR_JOB_DEADLINE_MS), 0,
					NULL));

	assert_unharmed(u);
	syncobj_destroy(u->exec.fd, done);
}

static void size_zero(int fd, uint32_t bind_flags)
{
	const struct request *requests = REQUESTS(
		{ MAP | SPARSE | NOEXEC, .va = SPARSE_VA + PAGE },
		{ MAP | SPARSE | NOEXEC, .va = BO_VA + PAGE },
		{ MAP | SPARSE | NOEXEC, .va = FREE_VA + PAGE }, { MAP | SPARSE | NOEXEC, .va = 0 },
		{ MAP | NOEXEC, LIVE, .va = SPARSE_VA + PAGE }, { UNMAP, .va = SPARSE_VA + PAGE },
		{ UNMAP, .va = BO_VA + PAGE });
	struct uapi u;

	uapi_init(&u, fd);
	for (const struct request *r = requests; r->flags; r++)
		assert_no_bytes_no_change(&u, r, bind_flags);
	uapi_fini(&u);
}

static void size_zero_at_once(int fd)
{
	size_zero(fd, 0);
}

static void size_zero_queued(int fd)
{
	size_zero(fd, ASYNC);
}

/* Twenty times as long as an unmap takes on a board that is emulated. */
#define UNMAP_DEADLINE_MS 2000

/* Nothing is open that the runner of the tests could wait for. */
static void __attribute__((noreturn))
unmap_and_exit(const struct igt_panthor_exec *exec, uint64_t va, uint64_t size, volatile int *err)
{
	struct drm_panthor_vm_bind_op op = { .flags = UNMAP, .va = va, .size = size };

	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	*err = __igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, 0, &op, 1);
	_exit(0);
}

/*
 * Unmaps by a process that may never return from that, nor die. It is the child of one
 * that exits at once, so that nobody has to wait for it.
 */
static int unmap_within_deadline(const struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	volatile int *err = igt_map_shared(sizeof(*err));
	pid_t child;

	*err = -ETIME;
	child = fork();
	igt_assert(child >= 0);
	if (!child) {
		if (!fork())
			unmap_and_exit(exec, va, size, err);
		_exit(0);
	}
	igt_assert_eq(waitpid(child, NULL, 0), child);
	igt_wait(*err != -ETIME, UNMAP_DEADLINE_MS, 1);

	return *err;
}

static void size_zero_unmap(int fd)
{
	const uint64_t va = BO_VA + PART_SIZE / 2;
	const struct request request = { MAP | NOEXEC, LIVE, .va = va };
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

/* An operation with room behind it for members that only a later kernel knows. */
struct long_op {
	struct drm_panthor_vm_bind_op op;
	uint64_t unknown;
};

static void assert_array_refused(struct uapi *u, const struct drm_panthor_obj_array *ops, int err)
{
	struct drm_panthor_vm_bind bind = { .vm_id = u->exec.vm_id };

	for (bind.flags = 0; bind.flags <= ASYNC; bind.flags++) {
		bind.ops = *ops;
		igt_assert_eq(___igt_panthor_vm_bind(u->exec.fd, &bind), -err);
		assert_unharmed(u);
	}
}

static void array(int fd)
{
	struct long_op op = {
		.op = { .flags = IGT_PANTHOR_SPARSE_FLAGS, .va = BO_VA, .size = 2 * PART_SIZE },
		.unknown = 1,
	};
	const struct {
		struct drm_panthor_obj_array ops;
		int err;
	} arrays[] = {
		{ { .stride = 0, .count = 1, .array = (uintptr_t)&op }, EINVAL },
		{ { .stride = 8, .count = 1, .array = (uintptr_t)&op }, EINVAL },
		{ { .stride = sizeof(op.op) - 8, .count = 1, .array = (uintptr_t)&op }, EINVAL },
		{ { .stride = sizeof(op), .count = 1, .array = (uintptr_t)&op }, E2BIG },
		{ { .stride = sizeof(op.op), .count = 1, .array = 0 }, EFAULT },
		{ { .stride = sizeof(op.op), .count = 1, .array = UINT64_MAX - PAGE }, EFAULT },
	};
	struct uapi u;

	uapi_init(&u, fd);
	for (unsigned int i = 0; i < ARRAY_SIZE(arrays); i++)
		assert_array_refused(&u, &arrays[i].ops, arrays[i].err);
	uapi_fini(&u);
}

static const struct igt_panthor_case plain_cases[] = {
	{
		.name = "uapi-sync-only",
		.describe = "A synchronization point maps nothing",
		.run = sync_only,
	},
	{
		.name = "uapi-sync-only-at-once",
		.describe = "A synchronization point needs a queue",
		.run = sync_only_at_once,
	},
	{
		.name = "uapi-syncs-at-once",
		.describe = "What is done at once neither waits nor signals",
		.run = syncs_at_once,
	},
	{
		.name = "uapi-unknown-flags",
		.describe = "Flags and types that do not exist are refused",
		.run = unknown_flags,
	},
	{
		.name = "uapi-unknown-bind-flags",
		.describe = "Flags that do not exist are refused for the whole request",
		.run = unknown_bind_flags,
	},
	{
		.name = "uapi-size-zero",
		.describe = "An operation on no bytes changes nothing",
		.run = size_zero_at_once,
	},
	{
		.name = "uapi-size-zero-queued",
		.describe = "A queued operation on no bytes changes nothing",
		.run = size_zero_queued,
	},
	{
		.name = "uapi-size-zero-unmap",
		.describe = "An operation on no bytes is not in the way of later ones",
		.run = size_zero_unmap,
	},
	{
		.name = "uapi-array",
		.describe = "Operations are read as their array says, or not at all",
		.run = array,
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

	for (unsigned int i = 0; i < ARRAY_SIZE(uapi_cases); i++) {
		igt_describe(uapi_cases[i].describe);
		igt_subtest(uapi_cases[i].name) {
			int fd = igt_panthor_open();

			refused(fd, &uapi_cases[i]);
			igt_panthor_close(fd);
		}
		igt_fixture()
			igt_teardown();
	}
}
