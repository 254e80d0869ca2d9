// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "drmtest.h"
#include "igt_core.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "igt_teardown.h"
#include "ioctl_wrappers.h"

/**
 * TEST: Padding, unused bits and empty arrays of panthor's ioctls
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: uAPI
 * Functionality: uAPI validation
 * Feature: padding
 * Test category: negative test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9
 * Failure mode: Fields without a meaning that are not checked, and can't be given one later; fields
 *	that return memory of the kernel; arrays without elements that are refused.
 * Scenario: padding-zero
 * Description: Requests with a value in a field that must be zero. Each is refused and does
 *	nothing; the request without the value succeeds.
 *
 * SUBTEST: padding-vm
 * Run type: BAT, FULL
 * Description: The driver refuses padding of VM_DESTROY and flags of VM_CREATE that are not zero. A
 *	refused request creates no VM or BO and changes no VM, group, BO or syncobj, and a request
 *	with 0 succeeds. Kernels with a newer uAPI than the test may have given flags of VM_CREATE a
 *	meaning, which are skipped there.
 *
 * SUBTEST: padding-bo
 * Description: The driver refuses padding of BO_CREATE, BO_MMAP_OFFSET and BO_SET_LABEL that is not
 *	zero. A refused request creates no BO and changes no VM, group, BO or syncobj, and a request
 *	with 0 succeeds.
 *
 * SUBTEST: padding-bo-info
 * Scenario: padding-info
 * Description: The driver refuses padding of BO_QUERY_INFO that is not zero. A request with 0
 *	succeeds.
 *
 * SUBTEST: padding-bo-values
 * Description: The driver refuses unused flags of BO_CREATE, its two flags together, and unused
 *	operations of BO_SYNC. A refused request creates no BO, and a request with 0 succeeds. Skips
 *	on kernels with a newer uAPI than the test, which may have given the values a meaning.
 *
 * SUBTEST: padding-group
 * Description: The driver refuses padding of GROUP_CREATE, of its queues, of GROUP_SUBMIT, of its
 *	jobs, of GROUP_GET_STATE and of GROUP_DESTROY that is not zero. A refused request creates no
 *	BO and changes no VM, group, BO or syncobj, and a request with 0 succeeds.
 *
 * SUBTEST: padding-heap
 * Description: The driver refuses padding of TILER_HEAP_DESTROY that is not zero. The BOs of the
 *	heap stay, and a request with 0 succeeds.
 *
 * SUBTEST: padding-syncs
 * Description: The driver refuses unused flags of the syncs of binds and jobs, and timeline points
 *	of binary syncobjs. A refused bind maps nothing, the syncobj of a refused signal has no
 *	fence, and a request without the value succeeds. Skips on kernels with a newer uAPI than the
 *	test, which may have given the flags a meaning.
 *
 * SUBTEST: padding-handle
 * Scenario: padding-handle
 * Description: The driver refuses handles of VMs, BOs and groups that equal a valid one in their
 *	low 16 bits only. A refused request does not destroy the object of the valid handle, and a
 *	request with that handle succeeds.
 *
 * SUBTEST: padding-submit-handle
 * Scenario: padding-handle
 * Description: The driver refuses a handle in GROUP_SUBMIT that equals that of a group in its low
 *	16 bits only. The job of a refused request signals nothing, and a request with the valid
 *	handle succeeds.
 *
 * SUBTEST: padding-tail
 * Scenario: padding-array
 * Description: Arrays of queues, jobs, syncs and BO syncs whose elements are longer than the kernel
 *	knows are accepted if the tail is zero, and refused with E2BIG if it is not. Shorter elements
 *	are refused with EINVAL.
 *
 * SUBTEST: padding-empty
 * Scenario: padding-array
 * Description: The ioctls accept empty arrays of operations, jobs, syncs and BO syncs, whatever
 *	their stride and address.
 *
 * SUBTEST: padding-returned
 * Scenario: padding-info
 * Description: Padding that DEV_QUERY, BO_QUERY_INFO and GROUP_GET_STATE return is zero. DEV_QUERY
 *	clears what a structure has behind the members that the kernel knows, and writes nothing
 *	beyond the requested size. Fields that BO_QUERY_INFO, VM_GET_STATE, GROUP_GET_STATE,
 *	VM_CREATE and BO_CREATE return do not depend on what was in them.
 */

IGT_TEST_DESCRIPTION("Check that panthor refuses values in fields that must be zero");

/*
 * The scenarios, and the failures that each one finds:
 *
 * 1. padding-zero: padding or a flag that is not looked at. A later kernel can't use it: old
 *    userspace may pass anything there. Or a refusal after the work is done.
 * 2. padding-info: padding of a structure that the kernel returns. It is not written, or what the
 *    caller has there is ignored.
 * 3. padding-handle: a handle that is cut to a shorter type. The request reaches another object.
 * 4. padding-array: members of elements that only a later kernel knows are ignored, or cause a
 *    refusal even if they are zero. The stride or address of an array without elements is checked.
 *
 * Rows share a file until one of them destroys what the others need, or fails.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE

/* Free of what struct igt_panthor_exec maps. */
#define SPARSE_VA (2 * IGT_PANTHOR_EXEC_VA_END)
#define SPARSE_SIZE ((uint64_t)SZ_64K)
#define FREE_VA (SPARSE_VA + SZ_64M)

#define FIRST IGT_PANTHOR_FIRST

#define LABEL "label of padding"
#define NEW_LABEL "new label of padding"

#define HEAP_CHUNK_SIZE SZ_256K

/* What a caller leaves in fields that the kernel has to write. */
#define STALE 0xa5

/**
 * padding:
 * @exec: VM with a sparse range at %SPARSE_VA, and a group
 * @vm_id: another VM
 * @group: group in it
 * @heap: tiler heap in it
 * @bo: BO with the label %LABEL
 * @syncobj: without a fence
 * @debugfs: gems and gpuvas can be read
 * @bos: number of BOs of the process
 */
struct padding {
	struct igt_panthor_exec exec;
	uint32_t vm_id;
	uint32_t group;
	uint32_t heap;
	struct panthor_bo bo;
	uint32_t syncobj;
	bool debugfs;
	unsigned int bos;
};

static int call(int fd, unsigned long request, void *arg)
{
	return igt_ioctl(fd, request, arg) ? -errno : 0;
}

static uint32_t create_heap(int fd, uint32_t vm_id)
{
	struct drm_panthor_tiler_heap_create create = {
		.vm_id = vm_id,
		.initial_chunk_count = 1,
		.chunk_size = HEAP_CHUNK_SIZE,
		.max_chunks = 2,
		.target_in_flight = 1,
	};

	igt_assert_eq(call(fd, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &create), 0);
	return create.handle;
}

/* BOs of this process while one file is open and nothing is in it. */
static unsigned int least_bos;

static void count_least_bos(void)
{
	const int fd = igt_panthor_open();

	if (igt_panthor_has_debugfs(fd))
		least_bos = igt_panthor_count_own_gems(fd);
	igt_panthor_close(fd);
}

static void finish_queue(const struct igt_panthor_exec *exec)
{
	uint32_t done = syncobj_create(exec->fd, 0);
	struct drm_panthor_sync_op signal = igt_panthor_sync_signal(done, 0);
	struct drm_panthor_vm_bind_op op = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &signal),
	};

	igt_assert_eq(__igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, DRM_PANTHOR_VM_BIND_ASYNC,
						&op, 1), 0);
	igt_assert_f(syncobj_wait(exec->fd, &done, 1,
				  igt_panthor_deadline(IGT_PANTHOR_JOB_DEADLINE_MS), 0, NULL),
		     "queued binds did not end within %d ms\n", IGT_PANTHOR_JOB_DEADLINE_MS);
	syncobj_destroy(exec->fd, done);
}

/* A refused bind leaves %FREE_VA free: what an accepted one has mapped there goes before. */
static void clear_free_va(struct padding *p)
{
	finish_queue(&p->exec);
	igt_panthor_exec_unbind(&p->exec, FREE_VA, PAGE);
}

static void assert_va_free(const struct padding *p)
{
	struct igt_panthor_vmas vmas;

	finish_queue(&p->exec);
	igt_panthor_exec_read_vmas(&p->exec, &vmas);
	igt_assert_f(!igt_panthor_find_vma(&vmas, 0, FREE_VA),
		     "gpuvas shows what a refused bind should have mapped\n");
	igt_panthor_free_vmas(&vmas);
}

static void padding_init(struct padding *p)
{
	const int fd = igt_panthor_open();

	memset(p, 0, sizeof(*p));
	p->debugfs = igt_panthor_has_debugfs(fd);
	/* Workers may still release the file of the row before. */
	if (p->debugfs)
		igt_panthor_wait_own_gems(fd, least_bos, IGT_PANTHOR_RELEASE_DEADLINE_MS);
	igt_panthor_exec_init(&p->exec, fd);
	igt_panthor_exec_bind_sparse(&p->exec, SPARSE_VA, SPARSE_SIZE);
	igt_panthor_vm_create(fd, &p->vm_id, 0);
	p->group = igt_panthor_group_create_simple(fd, p->vm_id, 0);
	p->heap = create_heap(fd, p->vm_id);
	igt_panthor_bo_create_mapped(fd, &p->bo, SPARSE_SIZE, 0, 0);
}

/*
 * No request has created, destroyed or mapped anything, or given the syncobj a fence. A worker
 * releases what a refused GROUP_CREATE had created.
 */
static void assert_nothing_done(struct padding *p)
{
	const int fd = p->exec.fd;
	struct igt_panthor_gem gem;

	igt_panthor_vm_assert_usable(fd, p->exec.vm_id);
	igt_panthor_vm_assert_usable(fd, p->vm_id);
	igt_assert_eq_u32(igt_panthor_group_get_state(fd, p->group).state, 0);
	igt_assert_eq(syncobj_wait_err(fd, &p->syncobj, 1, 0, 0), -EINVAL);
	if (!p->debugfs)
		return;

	igt_assert_f(igt_panthor_wait_own_gems(fd, p->bos, IGT_PANTHOR_RELEASE_DEADLINE_MS),
		     "gems has %u BOs of the process, %u before\n",
		     igt_panthor_count_own_gems(fd), p->bos);
	igt_assert(igt_panthor_find_gem(fd, LABEL, &gem));
	assert_va_free(p);
}

static void assert_signalled(struct padding *p)
{
	igt_assert_f(syncobj_wait(p->exec.fd, &p->syncobj, 1,
				  igt_panthor_deadline(IGT_PANTHOR_JOB_DEADLINE_MS), 0, NULL),
		     "the syncobj was not signalled within %d ms\n", IGT_PANTHOR_JOB_DEADLINE_MS);
}

static int vm_destroy(struct padding *p, uint32_t value)
{
	struct drm_panthor_vm_destroy destroy = { .id = p->vm_id, .pad = value };

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_VM_DESTROY, &destroy);
}

/*
 * A VM gets the lowest free id (xa_alloc() in panthor_vm_pool_create_vm()): it is not the next one
 * if a refused request has left a VM behind.
 */
static int vm_create(struct padding *p, uint32_t value)
{
	struct drm_panthor_vm_create create = { .flags = value };
	const int err = call(p->exec.fd, DRM_IOCTL_PANTHOR_VM_CREATE, &create);

	if (!err)
		igt_assert_eq_u32(create.id, p->vm_id + 1);

	return err;
}

static int bo_create(struct padding *p, uint32_t value)
{
	struct drm_panthor_bo_create create = { .size = PAGE, .pad = value };

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_BO_CREATE, &create);
}

static int bo_create_flags(struct padding *p, uint32_t value)
{
	struct drm_panthor_bo_create create = { .size = PAGE, .flags = value };

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_BO_CREATE, &create);
}

static int bo_mmap_offset(struct padding *p, uint32_t value)
{
	struct drm_panthor_bo_mmap_offset offset = { .handle = p->bo.handle, .pad = value };

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &offset);
}

static int bo_set_label(struct padding *p, uint32_t value)
{
	struct drm_panthor_bo_set_label label = {
		.handle = p->bo.handle,
		.pad = value,
		.label = to_user_pointer(NEW_LABEL),
	};

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_BO_SET_LABEL, &label);
}

static int bo_query_info(struct padding *p, uint32_t value)
{
	struct drm_panthor_bo_query_info info = { .handle = p->bo.handle, .pad = value };

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_BO_QUERY_INFO, &info);
}

static int bo_sync_type(struct padding *p, uint32_t value)
{
	struct drm_panthor_bo_sync_op op = {
		.handle = p->bo.handle,
		.type = value,
		.size = p->bo.size,
	};
	struct drm_panthor_bo_sync sync = { .ops = DRM_PANTHOR_OBJ_ARRAY(1, &op) };

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_BO_SYNC, &sync);
}

static int create_group(struct padding *p, const struct drm_panthor_queue_create *queue,
			uint32_t pad)
{
	struct drm_panthor_group_create create = {
		.queues = DRM_PANTHOR_OBJ_ARRAY(1, queue),
		.priority = PANTHOR_GROUP_PRIORITY_MEDIUM,
		.pad = pad,
		.vm_id = p->vm_id,
	};

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_GROUP_CREATE, &create);
}

static int group_create(struct padding *p, uint32_t value)
{
	const struct drm_panthor_queue_create queue = { .ringbuf_size = SZ_4K };

	return create_group(p, &queue, value);
}

/* The padding of a queue is a byte. */
static int create_group_queue_pad(struct padding *p, unsigned int i, uint32_t value)
{
	struct drm_panthor_queue_create queue = { .ringbuf_size = SZ_4K };

	queue.pad[i] = value % 0x100 ?: value >> 24;
	return create_group(p, &queue, 0);
}

static int group_create_queue_0(struct padding *p, uint32_t value)
{
	return create_group_queue_pad(p, 0, value);
}

static int group_create_queue_1(struct padding *p, uint32_t value)
{
	return create_group_queue_pad(p, 1, value);
}

static int group_create_queue_2(struct padding *p, uint32_t value)
{
	return create_group_queue_pad(p, 2, value);
}

/* A job without a stream, which signals the syncobj. */
static int submit_empty(struct padding *p, uint32_t pad, uint32_t job_pad)
{
	struct drm_panthor_sync_op signal = igt_panthor_sync_signal(p->syncobj, 0);
	struct drm_panthor_queue_submit job = {
		.pad = job_pad,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &signal),
	};
	struct drm_panthor_group_submit submit = {
		.group_handle = p->group,
		.pad = pad,
		.queue_submits = DRM_PANTHOR_OBJ_ARRAY(1, &job),
	};

	return __igt_panthor_group_submit(p->exec.fd, &submit);
}

static int group_submit(struct padding *p, uint32_t value)
{
	return submit_empty(p, value, 0);
}

static int group_submit_job(struct padding *p, uint32_t value)
{
	return submit_empty(p, 0, value);
}

static int group_get_state(struct padding *p, uint32_t value)
{
	struct drm_panthor_group_get_state state = { .group_handle = p->group, .pad = value };

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_GROUP_GET_STATE, &state);
}

static int group_destroy(struct padding *p, uint32_t value)
{
	struct drm_panthor_group_destroy destroy = { .group_handle = p->group, .pad = value };

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_GROUP_DESTROY, &destroy);
}

static int heap_destroy(struct padding *p, uint32_t value)
{
	struct drm_panthor_tiler_heap_destroy destroy = { .handle = p->heap, .pad = value };

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_TILER_HEAP_DESTROY, &destroy);
}

static int bind_sync(struct padding *p, struct drm_panthor_sync_op *sync)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = IGT_PANTHOR_SPARSE_FLAGS,
		.va = FREE_VA,
		.size = PAGE,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(1, sync),
	};

	return __igt_panthor_vm_bind_ops(p->exec.fd, p->exec.vm_id, DRM_PANTHOR_VM_BIND_ASYNC, &op,
					 1);
}

static int submit_sync(struct padding *p, struct drm_panthor_sync_op *sync)
{
	struct drm_panthor_queue_submit job = { .syncs = DRM_PANTHOR_OBJ_ARRAY(1, sync) };
	struct drm_panthor_group_submit submit = {
		.group_handle = p->group,
		.queue_submits = DRM_PANTHOR_OBJ_ARRAY(1, &job),
	};

	return __igt_panthor_group_submit(p->exec.fd, &submit);
}

static struct drm_panthor_sync_op sync_with_flags(struct padding *p, uint32_t value)
{
	struct drm_panthor_sync_op sync = igt_panthor_sync_signal(p->syncobj, 0);

	sync.flags |= value;
	return sync;
}

static int bind_sync_flags(struct padding *p, uint32_t value)
{
	struct drm_panthor_sync_op sync = sync_with_flags(p, value);

	return bind_sync(p, &sync);
}

static int submit_sync_flags(struct padding *p, uint32_t value)
{
	struct drm_panthor_sync_op sync = sync_with_flags(p, value);

	return submit_sync(p, &sync);
}

static struct drm_panthor_sync_op binary_with_point(struct padding *p, uint32_t value)
{
	struct drm_panthor_sync_op sync = igt_panthor_sync_signal(p->syncobj, 0);

	sync.timeline_value = (uint64_t)value << 31;
	return sync;
}

static int bind_binary_point(struct padding *p, uint32_t value)
{
	struct drm_panthor_sync_op sync = binary_with_point(p, value);

	return bind_sync(p, &sync);
}

static int submit_binary_point(struct padding *p, uint32_t value)
{
	struct drm_panthor_sync_op sync = binary_with_point(p, value);

	return submit_sync(p, &sync);
}

/* A wait for a syncobj that is signalled: with the value, the wait is refused. */
static int wait_signalled(struct padding *p, uint32_t flags, uint64_t point,
			  int (*request)(struct padding *p, struct drm_panthor_sync_op *sync))
{
	const uint32_t syncobj = syncobj_create(p->exec.fd, DRM_SYNCOBJ_CREATE_SIGNALED);
	struct drm_panthor_sync_op sync = igt_panthor_sync_wait(syncobj, 0);
	int err;

	sync.flags |= flags;
	sync.timeline_value = point;
	err = request(p, &sync);
	syncobj_destroy(p->exec.fd, syncobj);

	return err;
}

static int bind_wait_flags(struct padding *p, uint32_t value)
{
	return wait_signalled(p, value, 0, bind_sync);
}

static int submit_wait_flags(struct padding *p, uint32_t value)
{
	return wait_signalled(p, value, 0, submit_sync);
}

static int bind_wait_point(struct padding *p, uint32_t value)
{
	return wait_signalled(p, 0, (uint64_t)value << 31, bind_sync);
}

static int submit_wait_point(struct padding *p, uint32_t value)
{
	return wait_signalled(p, 0, (uint64_t)value << 31, submit_sync);
}

static int vm_destroy_handle(struct padding *p, uint32_t value)
{
	struct drm_panthor_vm_destroy destroy = { .id = p->vm_id | value };

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_VM_DESTROY, &destroy);
}

static int vm_get_state_handle(struct padding *p, uint32_t value)
{
	struct drm_panthor_vm_get_state state = { .vm_id = p->vm_id | value };

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_VM_GET_STATE, &state);
}

static int bind_vm_handle(struct padding *p, uint32_t value)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = IGT_PANTHOR_SPARSE_FLAGS,
		.va = FREE_VA,
		.size = PAGE,
	};

	return __igt_panthor_vm_bind_ops(p->exec.fd, p->exec.vm_id | value, 0, &op, 1);
}

static int bind_bo_handle(struct padding *p, uint32_t value)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = IGT_PANTHOR_BO_MAP_FLAGS,
		.bo_handle = p->bo.handle | value,
		.va = FREE_VA,
		.size = PAGE,
	};

	return __igt_panthor_vm_bind_ops(p->exec.fd, p->exec.vm_id, 0, &op, 1);
}

static int bo_create_vm_handle(struct padding *p, uint32_t value)
{
	struct drm_panthor_bo_create create = {
		.size = PAGE,
		.exclusive_vm_id = p->vm_id | value,
	};

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_BO_CREATE, &create);
}

static int group_create_vm_handle(struct padding *p, uint32_t value)
{
	const struct drm_panthor_queue_create queue = { .ringbuf_size = SZ_4K };
	struct drm_panthor_group_create create = {
		.queues = DRM_PANTHOR_OBJ_ARRAY(1, &queue),
		.priority = PANTHOR_GROUP_PRIORITY_MEDIUM,
		.vm_id = p->vm_id | value,
	};

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_GROUP_CREATE, &create);
}

static int group_submit_handle(struct padding *p, uint32_t value)
{
	const uint32_t group = p->group;
	int err;

	p->group |= value;
	err = submit_empty(p, 0, 0);
	p->group = group;

	return err;
}

static int group_get_state_handle(struct padding *p, uint32_t value)
{
	struct drm_panthor_group_get_state state = { .group_handle = p->group | value };

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_GROUP_GET_STATE, &state);
}

static int group_destroy_handle(struct padding *p, uint32_t value)
{
	struct drm_panthor_group_destroy destroy = { .group_handle = p->group | value };

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_GROUP_DESTROY, &destroy);
}

static int heap_create_vm_handle(struct padding *p, uint32_t value)
{
	struct drm_panthor_tiler_heap_create create = {
		.vm_id = p->vm_id | value,
		.initial_chunk_count = 1,
		.chunk_size = HEAP_CHUNK_SIZE,
		.max_chunks = 2,
		.target_in_flight = 1,
	};

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &create);
}

/**
 * field:
 * @name: name of the row
 * @request: makes a request whose field has @value; returns 0 or a negative errno
 * @signals: the request signals the syncobj of the row
 * @destroys: the request destroys what other rows need
 * @newer: a newer uAPI may give the values a meaning
 *
 * A field that must be zero. A list ends with a field that has no name.
 */
struct field {
	const char *name;
	int (*request)(struct padding *p, uint32_t value);
	bool signals;
	bool destroys;
	bool newer;
};

#define FIELD(_name, _request, ...) { .name = (_name), .request = (_request), ##__VA_ARGS__ }
#define FIELDS(...) ((const struct field[]){ __VA_ARGS__, {} })
#define VALUES(...) ((const uint32_t[]){ __VA_ARGS__, 0 })

/* The lowest bit, the highest one, and all. */
#define PADDING_VALUES VALUES(1, 0x80000000, 0xffffffff)

/* Added to the handle of an object. */
#define HANDLE_VALUES VALUES(1 << 16, 0x80000000, 0xffff0000)

/**
 * field_case:
 * @name: name of the subtest
 * @describe: its description
 * @fields: its rows
 * @values: values that are refused in each field, up to a 0
 * @newer: a newer uAPI may give the values of all fields a meaning
 */
struct field_case {
	const char *name;
	const char *describe;
	const struct field *fields;
	const uint32_t *values;
	bool newer;
};

static const struct field_case field_cases[] = {
	{
		.name = "padding-vm",
		.describe = "The driver refuses padding of VM_DESTROY and flags of VM_CREATE that "
			    "are not zero. A refused request creates no VM or BO and changes no VM, "
			    "group, BO or syncobj, and a request with 0 succeeds. Kernels with a "
			    "newer uAPI than the test may have given flags of VM_CREATE a meaning, "
			    "which are skipped there.",
		.fields = FIELDS(FIELD("destroy", vm_destroy, .destroys = true),
				 FIELD("create-flags", vm_create, .newer = true)),
		.values = PADDING_VALUES,
	},
	{
		.name = "padding-bo",
		.describe = "The driver refuses padding of BO_CREATE, BO_MMAP_OFFSET and "
			    "BO_SET_LABEL that is not zero. A refused request creates no BO and "
			    "changes no VM, group, BO or syncobj, and a request with 0 succeeds.",
		.fields = FIELDS(FIELD("create", bo_create), FIELD("mmap-offset", bo_mmap_offset),
				 FIELD("set-label", bo_set_label)),
		.values = PADDING_VALUES,
	},
	{
		.name = "padding-bo-info",
		.describe = "The driver refuses padding of BO_QUERY_INFO that is not zero. A "
			    "request with 0 succeeds.",
		.fields = FIELDS(FIELD("query-info", bo_query_info)),
		.values = PADDING_VALUES,
	},
	{
		.name = "padding-bo-values",
		.describe = "The driver refuses unused flags of BO_CREATE, its two flags together, "
			    "and unused operations of BO_SYNC. A refused request creates no BO, "
			    "and a request with 0 succeeds. Skips on kernels with a newer uAPI "
			    "than the test, which may have given the values a meaning.",
		.fields = FIELDS(FIELD("create-flags", bo_create_flags),
				 FIELD("sync-type", bo_sync_type)),
		/* The flags are those of BO_CREATE, which can't be combined, and the next one. */
		.values = VALUES(DRM_PANTHOR_BO_NO_MMAP | DRM_PANTHOR_BO_WB_MMAP, 1 << 2,
				 0x80000000, 0xffffffff),
		.newer = true,
	},
	{
		.name = "padding-group",
		.describe = "The driver refuses padding of GROUP_CREATE, of its queues, of "
			    "GROUP_SUBMIT, of its jobs, of GROUP_GET_STATE and of GROUP_DESTROY "
			    "that is not zero. A refused request creates no BO and changes no VM, "
			    "group, BO or syncobj, and a request with 0 succeeds.",
		.fields = FIELDS(FIELD("create", group_create),
				 FIELD("create-queue-0", group_create_queue_0),
				 FIELD("create-queue-1", group_create_queue_1),
				 FIELD("create-queue-2", group_create_queue_2),
				 FIELD("submit", group_submit, .signals = true),
				 FIELD("submit-job", group_submit_job, .signals = true),
				 FIELD("get-state", group_get_state),
				 FIELD("destroy", group_destroy, .destroys = true)),
		.values = PADDING_VALUES,
	},
	{
		.name = "padding-heap",
		.describe = "The driver refuses padding of TILER_HEAP_DESTROY that is not zero. "
			    "The BOs of the heap stay, and a request with 0 succeeds.",
		.fields = FIELDS(FIELD("destroy", heap_destroy, .destroys = true)),
		.values = PADDING_VALUES,
	},
	{
		.name = "padding-syncs",
		.describe = "The driver refuses unused flags of the syncs of binds and jobs, and "
			    "timeline points of binary syncobjs. A refused bind maps nothing, the "
			    "syncobj of a refused signal has no fence, and a request without the "
			    "value succeeds. Skips on kernels with a newer uAPI than the test, "
			    "which may have given the flags a meaning.",
		.fields = FIELDS(FIELD("bind-signal-flags", bind_sync_flags, .signals = true),
				 FIELD("job-signal-flags", submit_sync_flags, .signals = true),
				 FIELD("bind-wait-flags", bind_wait_flags),
				 FIELD("job-wait-flags", submit_wait_flags),
				 FIELD("bind-signal-point", bind_binary_point, .signals = true),
				 FIELD("job-signal-point", submit_binary_point, .signals = true),
				 FIELD("bind-wait-point", bind_wait_point),
				 FIELD("job-wait-point", submit_wait_point)),
		/* Two types of handles that do not exist, and the flags between types and SIGNAL. */
		.values = VALUES(2, 0xff, 1 << 8, 1 << 30),
		.newer = true,
	},
	{
		.name = "padding-handle",
		.describe = "The driver refuses handles of VMs, BOs and groups that equal a valid "
			    "one in their low 16 bits only. A refused request does not destroy the "
			    "object of the valid handle, and a request with that handle succeeds.",
		.fields = FIELDS(FIELD("vm-destroy", vm_destroy_handle, .destroys = true),
				 FIELD("vm-get-state", vm_get_state_handle),
				 FIELD("bind-vm", bind_vm_handle), FIELD("bind-bo", bind_bo_handle),
				 FIELD("bo-create-vm", bo_create_vm_handle),
				 FIELD("group-create-vm", group_create_vm_handle),
				 FIELD("group-get-state", group_get_state_handle),
				 FIELD("group-destroy", group_destroy_handle, .destroys = true),
				 FIELD("heap-create-vm", heap_create_vm_handle)),
		.values = HANDLE_VALUES,
	},
	{
		.name = "padding-submit-handle",
		.describe = "The driver refuses a handle in GROUP_SUBMIT that equals that of a "
			    "group in its low 16 bits only. The job of a refused request signals "
			    "nothing, and a request with the valid handle succeeds.",
		.fields = FIELDS(FIELD("group-submit", group_submit_handle, .signals = true)),
		.values = HANDLE_VALUES,
	},
	{}
};

static void require_known_uapi(void)
{
	const int fd = igt_panthor_open();
	const bool newer =
		igt_panthor_has_uapi(fd, IGT_PANTHOR_SPARSE_MAJOR, IGT_PANTHOR_SPARSE_MINOR + 1);

	igt_panthor_close(fd);
	igt_require_f(!newer, "the uAPI is newer than %d.%d and may define values unused there\n",
		      IGT_PANTHOR_SPARSE_MAJOR, IGT_PANTHOR_SPARSE_MINOR);
}

/* With 0 the request succeeds: nothing else in it is wrong, and its object is still there. */
static void refuse_values(struct padding *p, const struct field *field, const uint32_t *values)
{
	int err;

	for (const uint32_t *value = values; *value; value++) {
		err = field->request(p, *value);
		igt_assert_f(err == -EINVAL || err == -ENOENT, "%#x: got %d, expected %d\n",
			     *value, err, -EINVAL);
		assert_nothing_done(p);
	}

	err = field->request(p, 0);
	igt_assert_f(!err, "0: got %d, expected success\n", err);
	if (field->signals)
		assert_signalled(p);
	clear_free_va(p);
	igt_panthor_sparse_store_load(&p->exec, SPARSE_VA, SPARSE_SIZE, FIRST);
}

/* An element of an array, and a member behind it that only a later kernel knows. */
#define LONG(type) struct { type element; uint64_t unknown; }

/**
 * array:
 * @name: name of the row
 * @size: size of an element in bytes
 * @mandatory: bytes of an element without which it is refused
 * @request: makes a request with an array of one element of a stride, with a tail
 */
struct array {
	const char *name;
	uint32_t size;
	uint32_t mandatory;
	int (*request)(struct padding *p, uint32_t stride, uint64_t tail);
};

static int array_queues(struct padding *p, uint32_t stride, uint64_t tail)
{
	LONG(struct drm_panthor_queue_create) queue = {
		.element.ringbuf_size = SZ_4K, .unknown = tail,
	};
	struct drm_panthor_group_create create = {
		.queues = { .stride = stride, .count = 1, .array = to_user_pointer(&queue) },
		.priority = PANTHOR_GROUP_PRIORITY_MEDIUM,
		.vm_id = p->vm_id,
	};

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_GROUP_CREATE, &create);
}

static int array_jobs(struct padding *p, uint32_t stride, uint64_t tail)
{
	LONG(struct drm_panthor_queue_submit) job = { .unknown = tail };
	struct drm_panthor_group_submit submit = {
		.group_handle = p->group,
		.queue_submits = { .stride = stride, .count = 1, .array = to_user_pointer(&job) },
	};

	return __igt_panthor_group_submit(p->exec.fd, &submit);
}

static int array_job_syncs(struct padding *p, uint32_t stride, uint64_t tail)
{
	LONG(struct drm_panthor_sync_op) sync = {
		.element = igt_panthor_sync_signal(p->syncobj, 0), .unknown = tail,
	};
	struct drm_panthor_queue_submit job = {
		.syncs = { .stride = stride, .count = 1, .array = to_user_pointer(&sync) },
	};
	struct drm_panthor_group_submit submit = {
		.group_handle = p->group,
		.queue_submits = DRM_PANTHOR_OBJ_ARRAY(1, &job),
	};

	return __igt_panthor_group_submit(p->exec.fd, &submit);
}

static int array_bind_syncs(struct padding *p, uint32_t stride, uint64_t tail)
{
	LONG(struct drm_panthor_sync_op) sync = {
		.element = igt_panthor_sync_signal(p->syncobj, 0), .unknown = tail,
	};
	struct drm_panthor_vm_bind_op op = {
		.flags = IGT_PANTHOR_SPARSE_FLAGS,
		.va = FREE_VA,
		.size = PAGE,
		.syncs = { .stride = stride, .count = 1, .array = to_user_pointer(&sync) },
	};

	return __igt_panthor_vm_bind_ops(p->exec.fd, p->exec.vm_id, DRM_PANTHOR_VM_BIND_ASYNC, &op,
					 1);
}

static int array_bo_syncs(struct padding *p, uint32_t stride, uint64_t tail)
{
	LONG(struct drm_panthor_bo_sync_op) op = {
		.element = { .handle = p->bo.handle, .size = p->bo.size }, .unknown = tail,
	};
	struct drm_panthor_bo_sync sync = {
		.ops = { .stride = stride, .count = 1, .array = to_user_pointer(&op) },
	};

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_BO_SYNC, &sync);
}

/* All members were there when the structures were added. */
#define ARRAY_OF(type) .size = sizeof(type), .mandatory = sizeof(type)

static const struct array arrays[] = {
	{ "queues", ARRAY_OF(struct drm_panthor_queue_create), array_queues },
	{ "jobs", ARRAY_OF(struct drm_panthor_queue_submit), array_jobs },
	{ "job-syncs", ARRAY_OF(struct drm_panthor_sync_op), array_job_syncs },
	{ "bind-syncs", ARRAY_OF(struct drm_panthor_sync_op), array_bind_syncs },
	{ "bo-syncs", ARRAY_OF(struct drm_panthor_bo_sync_op), array_bo_syncs },
};

static void assert_array(struct padding *p, const struct array *a, uint32_t stride, uint64_t tail,
			 int err)
{
	const int got = a->request(p, stride, tail);

	igt_assert_f(got == -err, "stride %u, tail %#" PRIx64 ": got %d, expected %d\n", stride,
		     tail, got, -err);
	if (err)
		assert_nothing_done(p);
}

static void check_tails(struct padding *p, const struct array *a)
{
	const uint32_t longer = a->size + sizeof(uint64_t);

	assert_array(p, a, 0, 0, EINVAL);
	assert_array(p, a, 1, 0, EINVAL);
	assert_array(p, a, a->mandatory - 1, 0, EINVAL);
	assert_array(p, a, longer, 1, E2BIG);
	assert_array(p, a, longer, UINT64_C(1) << 63, E2BIG);
	assert_array(p, a, longer, 0, 0);
	assert_array(p, a, a->size, UINT64_MAX, 0);
	clear_free_va(p);
	igt_panthor_sparse_store_load(&p->exec, SPARSE_VA, SPARSE_SIZE, FIRST);
}

static int empty_bind(struct padding *p, const struct drm_panthor_obj_array *empty, uint32_t flags)
{
	struct drm_panthor_vm_bind bind = {
		.vm_id = p->exec.vm_id, .flags = flags, .ops = *empty,
	};

	return ___igt_panthor_vm_bind(p->exec.fd, &bind);
}

static int empty_ops(struct padding *p, const struct drm_panthor_obj_array *empty)
{
	return empty_bind(p, empty, 0);
}

static int empty_ops_queued(struct padding *p, const struct drm_panthor_obj_array *empty)
{
	return empty_bind(p, empty, DRM_PANTHOR_VM_BIND_ASYNC);
}

static int empty_op_syncs(struct padding *p, const struct drm_panthor_obj_array *empty,
			  uint32_t flags)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = IGT_PANTHOR_SPARSE_FLAGS,
		.va = SPARSE_VA,
		.size = SPARSE_SIZE,
		.syncs = *empty,
	};

	return __igt_panthor_vm_bind_ops(p->exec.fd, p->exec.vm_id, flags, &op, 1);
}

static int empty_bind_syncs(struct padding *p, const struct drm_panthor_obj_array *empty)
{
	return empty_op_syncs(p, empty, 0);
}

static int empty_bind_syncs_queued(struct padding *p, const struct drm_panthor_obj_array *empty)
{
	return empty_op_syncs(p, empty, DRM_PANTHOR_VM_BIND_ASYNC);
}

static int empty_jobs(struct padding *p, const struct drm_panthor_obj_array *empty)
{
	struct drm_panthor_group_submit submit = {
		.group_handle = p->group, .queue_submits = *empty,
	};

	return __igt_panthor_group_submit(p->exec.fd, &submit);
}

static int empty_job_syncs(struct padding *p, const struct drm_panthor_obj_array *empty)
{
	struct drm_panthor_queue_submit job = { .syncs = *empty };
	struct drm_panthor_group_submit submit = {
		.group_handle = p->group,
		.queue_submits = DRM_PANTHOR_OBJ_ARRAY(1, &job),
	};

	return __igt_panthor_group_submit(p->exec.fd, &submit);
}

static int empty_bo_syncs(struct padding *p, const struct drm_panthor_obj_array *empty)
{
	struct drm_panthor_bo_sync sync = { .ops = *empty };

	return call(p->exec.fd, DRM_IOCTL_PANTHOR_BO_SYNC, &sync);
}

static const struct {
	const char *name;
	int (*request)(struct padding *p, const struct drm_panthor_obj_array *empty);
} empties[] = {
	{ "ops", empty_ops },
	{ "ops-queued", empty_ops_queued },
	{ "bind-syncs", empty_bind_syncs },
	{ "bind-syncs-queued", empty_bind_syncs_queued },
	{ "jobs", empty_jobs },
	{ "job-syncs", empty_job_syncs },
	{ "bo-syncs", empty_bo_syncs },
};

/* The first page of a process and the last ones of 64 bits are never mapped. */
static const struct drm_panthor_obj_array empty_arrays[] = {
	{},
	{ .stride = 1 },
	{ .stride = 8 },
	{ .stride = 8, .array = 8 },
	{ .stride = sizeof(struct drm_panthor_vm_bind_op), .array = UINT64_MAX - PAGE },
	{ .stride = UINT32_MAX, .array = UINT64_MAX },
};

static void accept_empty(struct padding *p,
			 int (*request)(struct padding *p,
					const struct drm_panthor_obj_array *empty))
{
	for (size_t i = 0; i < ARRAY_SIZE(empty_arrays); i++) {
		const int err = request(p, &empty_arrays[i]);

		igt_assert_f(!err, "stride %u, array %#llx: got %d, expected success\n",
			     empty_arrays[i].stride, (unsigned long long)empty_arrays[i].array,
			     err);
	}
	assert_nothing_done(p);
	igt_panthor_sparse_store_load(&p->exec, SPARSE_VA, SPARSE_SIZE, FIRST);
}

/* Queries into stale memory, with 8 bytes behind the structure. */
static void query_stale(struct padding *p, uint32_t type, void *info, size_t size)
{
	unsigned char text[512];
	struct drm_panthor_dev_query query = {
		.type = type,
		.size = size + sizeof(uint64_t),
		.pointer = to_user_pointer(text),
	};

	igt_assert_lt_u64(query.size, sizeof(text));
	memset(text, STALE, sizeof(text));
	igt_assert_eq(call(p->exec.fd, DRM_IOCTL_PANTHOR_DEV_QUERY, &query), 0);
	for (size_t i = size; i < size + sizeof(uint64_t); i++)
		igt_assert_f(!text[i], "byte %zu behind the structure is %#x\n", i - size, text[i]);
	for (size_t i = size + sizeof(uint64_t); i < sizeof(text); i++)
		igt_assert_eq_u32(text[i], STALE);
	memcpy(info, text, size);
}

static void returned_gpu_info(struct padding *p)
{
	struct drm_panthor_gpu_info info;

	query_stale(p, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &info, sizeof(info));
	igt_assert_eq_u32(info.pad, 0);
}

static void returned_csif_info(struct padding *p)
{
	struct drm_panthor_csif_info info;

	query_stale(p, DRM_PANTHOR_DEV_QUERY_CSIF_INFO, &info, sizeof(info));
	igt_assert_eq_u32(info.pad, 0);
}

static void returned_priorities(struct padding *p)
{
	struct drm_panthor_group_priorities_info info;

	query_stale(p, DRM_PANTHOR_DEV_QUERY_GROUP_PRIORITIES_INFO, &info, sizeof(info));
	igt_assert(!info.pad[0] && !info.pad[1] && !info.pad[2]);
}

static void returned_mmu_info(struct padding *p)
{
	struct drm_panthor_mmu_info info;

	query_stale(p, DRM_PANTHOR_DEV_QUERY_MMU_INFO, &info, sizeof(info));
	igt_assert(info.page_size_bitmap & PAGE);
}

static void returned_bo_info(struct padding *p)
{
	struct drm_panthor_bo_query_info info;

	memset(&info, STALE, sizeof(info));
	info.handle = p->bo.handle;
	info.pad = 0;
	igt_assert_eq(call(p->exec.fd, DRM_IOCTL_PANTHOR_BO_QUERY_INFO, &info), 0);
	igt_assert_eq_u32(info.pad, 0);
	igt_assert_eq_u32(info.create_flags, 0);
	igt_assert_eq_u32(info.extra_flags, 0);
}

static void returned_vm_state(struct padding *p)
{
	struct drm_panthor_vm_get_state state;

	memset(&state, STALE, sizeof(state));
	state.vm_id = p->vm_id;
	igt_assert_eq(call(p->exec.fd, DRM_IOCTL_PANTHOR_VM_GET_STATE, &state), 0);
	igt_assert_eq_u32(state.state, DRM_PANTHOR_VM_STATE_USABLE);
}

static void returned_group_state(struct padding *p)
{
	struct drm_panthor_group_get_state state;

	memset(&state, STALE, sizeof(state));
	state.group_handle = p->group;
	state.pad = 0;
	igt_assert_eq(call(p->exec.fd, DRM_IOCTL_PANTHOR_GROUP_GET_STATE, &state), 0);
	igt_assert_eq_u32(state.state, 0);
	igt_assert_eq_u32(state.fatal_queues, 0);
	igt_assert_eq_u32(state.pad, 0);
}

static void returned_vm(struct padding *p)
{
	struct drm_panthor_vm_create create;

	memset(&create, STALE, sizeof(create));
	create.flags = 0;
	create.user_va_range = 0;
	igt_assert_eq(call(p->exec.fd, DRM_IOCTL_PANTHOR_VM_CREATE, &create), 0);
	igt_assert_eq_u64(create.user_va_range, p->exec.uva_range);
	igt_panthor_vm_assert_usable(p->exec.fd, create.id);
}

static void returned_bo(struct padding *p)
{
	struct drm_panthor_bo_create create;

	memset(&create, STALE, sizeof(create));
	create.size = igt_panthor_cpu_page_size() - 1;
	create.flags = 0;
	create.exclusive_vm_id = 0;
	create.pad = 0;
	igt_assert_eq(call(p->exec.fd, DRM_IOCTL_PANTHOR_BO_CREATE, &create), 0);
	igt_assert_eq_u64(create.size, igt_panthor_cpu_page_size());
	gem_close(p->exec.fd, create.handle);
}

static const struct {
	const char *name;
	void (*check)(struct padding *p);
} returned[] = {
	{ "gpu-info", returned_gpu_info },
	{ "csif-info", returned_csif_info },
	{ "group-priorities", returned_priorities },
	{ "mmu-info", returned_mmu_info },
	{ "bo-info", returned_bo_info },
	{ "vm-state", returned_vm_state },
	{ "group-state", returned_group_state },
	{ "vm", returned_vm },
	{ "bo", returned_bo },
};

static struct padding rows;
static bool rows_intact;

static void start_row(void)
{
	if (!rows_intact) {
		igt_teardown();
		padding_init(&rows);
	}
	rows_intact = false;
	igt_panthor_bo_set_label(rows.exec.fd, &rows.bo, LABEL);
	rows.syncobj = syncobj_create(rows.exec.fd, 0);
	if (rows.debugfs)
		rows.bos = igt_panthor_count_own_gems(rows.exec.fd);
}

static void run_fields(const struct field_case *c)
{
	if (c->newer)
		require_known_uapi();
	rows_intact = false;
	for (const struct field *field = c->fields; field->name; field++)
		igt_dynamic(field->name) {
			if (field->newer)
				require_known_uapi();
			start_row();
			refuse_values(&rows, field, c->values);
			rows_intact = !field->destroys;
		}
}

static void run_tails(void)
{
	rows_intact = false;
	for (size_t i = 0; i < ARRAY_SIZE(arrays); i++)
		igt_dynamic(arrays[i].name) {
			start_row();
			check_tails(&rows, &arrays[i]);
			rows_intact = true;
		}
}

static void run_empty(void)
{
	rows_intact = false;
	for (size_t i = 0; i < ARRAY_SIZE(empties); i++)
		igt_dynamic(empties[i].name) {
			start_row();
			accept_empty(&rows, empties[i].request);
			rows_intact = true;
		}
}

static void run_returned(void)
{
	rows_intact = false;
	for (size_t i = 0; i < ARRAY_SIZE(returned); i++)
		igt_dynamic(returned[i].name) {
			start_row();
			returned[i].check(&rows);
			rows_intact = true;
		}
}

int igt_main()
{
	igt_fixture() {
		igt_panthor_sparse_require();
		count_least_bos();
	}

	for (const struct field_case *c = field_cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest_with_dynamic(c->name)
			run_fields(c);
		igt_fixture()
			igt_teardown();
	}

	igt_describe("Arrays of queues, jobs, syncs and BO syncs whose elements are longer than the "
		     "kernel knows are accepted if the tail is zero, and refused with E2BIG if it is "
		     "not. Shorter elements are refused with EINVAL.");
	igt_subtest_with_dynamic("padding-tail")
		run_tails();
	igt_fixture()
		igt_teardown();

	igt_describe("The ioctls accept empty arrays of operations, jobs, syncs and BO syncs, "
		     "whatever their stride and address.");
	igt_subtest_with_dynamic("padding-empty")
		run_empty();
	igt_fixture()
		igt_teardown();

	igt_describe("Padding that DEV_QUERY, BO_QUERY_INFO and GROUP_GET_STATE return is zero. "
		     "DEV_QUERY clears what a structure has behind the members that the kernel "
		     "knows, and writes nothing beyond the requested size. Fields that "
		     "BO_QUERY_INFO, VM_GET_STATE, GROUP_GET_STATE, VM_CREATE and BO_CREATE "
		     "return do not depend on what was in them.");
	igt_subtest_with_dynamic("padding-returned")
		run_returned();
	igt_fixture()
		igt_teardown();
}
