// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_core.h"
#include "igt_panthor.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "igt_teardown.h"
#include "ioctl_wrappers.h"
#include "sw_sync.h"

/**
 * SECTION:igt_panthor
 * @short_description: Panthor support library
 * @title: Panthor
 * @include: igt_panthor.h
 *
 * Wrappers of panthor's ioctls, and waits for its jobs.
 */

/* Enough for hundreds of jobs: one takes 128 bytes of its queue's ring. */
#define RING_SIZE SZ_64K

/**
 * mapping:
 * @next: mapping that was made before this one
 * @map: CPU mapping of a BO
 * @size: bytes
 */
struct mapping {
	struct mapping *next;
	void *map;
	size_t size;
};

static struct mapping *mappings;

static struct mapping **find_mapping(const void *map)
{
	struct mapping **m = &mappings;

	while (*m && (*m)->map != map)
		m = &(*m)->next;

	return m;
}

static void unmap(void *data)
{
	struct mapping *m = data;

	*find_mapping(m->map) = m->next;
	munmap(m->map, m->size);
	free(m);
}

/*
 * A CPU mapping keeps its BO alive after the device is closed. igt_teardown() removes mappings that
 * a failed subtest leaves behind.
 */
static void register_mapping(void *map, size_t size)
{
	struct mapping *m = malloc(sizeof(*m));

	igt_assert(m);
	*m = (struct mapping){ .next = mappings, .map = map, .size = size };
	mappings = m;
	igt_teardown_add(unmap, m);
}

static void forget_mapping(const void *map)
{
	struct mapping **place = find_mapping(map), *m = *place;

	if (!m)
		return;

	igt_teardown_drop(unmap, m);
	*place = m->next;
	free(m);
}

static int __ioctl_err(int fd, unsigned long request, void *arg)
{
	int err = 0;

	if (igt_ioctl(fd, request, arg))
		err = -errno;

	errno = 0;
	return err;
}

/* Asserts that an ioctl fails with @err, or succeeds if @err is 0. The message names the ioctl. */
#define ioctl_expect(fd, request, arg, err) \
	assert_errno(__ioctl_err(fd, request, arg), err, #request)

#define assert_errno(ret, err, what) \
	do { \
		const int __ret = (ret), __err = (err); \
		igt_assert_f(__ret == -__err, what ": %s, expected %s\n", \
			     strerror(-__ret), strerror(__err)); \
	} while (0)

/**
 * igt_panthor_skip_on_big_endian:
 *
 * Skips on a big-endian CPU: command streams are little-endian, and the tests write them with plain
 * stores.
 */
void igt_panthor_skip_on_big_endian(void)
{
	igt_skip_on_f(__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
		      "panthor tests need a little-endian CPU\n");
}

/**
 * igt_panthor_cpu_page_size:
 *
 * The CPU's page: the kernel rounds BO sizes to it, and CPU mappings consist of it. The GPU's page
 * is %IGT_PANTHOR_GPU_PAGE_SIZE.
 *
 * Returns: bytes; 4096, 16384 or 65536. A build may fix a multiple of the machine's page by
 * -DIGT_PANTHOR_CPU_PAGE_SIZE=BYTES, which runs the arithmetic of larger pages on any machine.
 */
uint64_t igt_panthor_cpu_page_size(void)
{
#ifdef IGT_PANTHOR_CPU_PAGE_SIZE
	return IGT_PANTHOR_CPU_PAGE_SIZE;
#else
	return sysconf(_SC_PAGESIZE);
#endif
}

/**
 * igt_panthor_cpu_page_align:
 * @size: bytes
 *
 * Returns: @size, rounded up to whole CPU pages as the kernel rounds the size of a BO.
 */
uint64_t igt_panthor_cpu_page_align(uint64_t size)
{
	return ALIGN(size, igt_panthor_cpu_page_size());
}

/**
 * igt_panthor_has_uapi:
 * @fd: device
 * @major: version of the uAPI, as in DRM_IOCTL_VERSION
 * @minor: version of the uAPI
 *
 * Returns: true if the driver's uAPI is @major.@minor or a later one.
 */
bool igt_panthor_has_uapi(int fd, int major, int minor)
{
	struct drm_version version = {};

	ioctl_expect(fd, DRM_IOCTL_VERSION, &version, 0);

	return version.version_major > major ||
	       (version.version_major == major && version.version_minor >= minor);
}

/**
 * igt_panthor_require_sparse:
 * @fd: device
 *
 * Skips if the driver has no sparse mappings.
 */
void igt_panthor_require_sparse(int fd)
{
	igt_require_f(igt_panthor_has_uapi(fd, IGT_PANTHOR_SPARSE_MAJOR, IGT_PANTHOR_SPARSE_MINOR),
		      "sparse mappings need panthor uAPI %d.%d\n",
		      IGT_PANTHOR_SPARSE_MAJOR, IGT_PANTHOR_SPARSE_MINOR);
}

/**
 * igt_panthor_query:
 * @fd: device
 * @type: one of enum drm_panthor_dev_query_type
 * @data: structure that goes with @type
 * @size: size of @data in bytes
 * @err: expected errno, or 0
 */
void igt_panthor_query(int fd, int32_t type, void *data, size_t size, int err)
{
	struct drm_panthor_dev_query query = {
		.type = type,
		.size = size,
		.pointer = to_user_pointer(data),
	};

	ioctl_expect(fd, DRM_IOCTL_PANTHOR_DEV_QUERY, &query, err);
}

/**
 * igt_panthor_get_first_core:
 * @cores_present: mask of cores
 *
 * Returns: the lowest bit of @cores_present alone, 0 if there is none.
 */
uint64_t igt_panthor_get_first_core(uint64_t cores_present)
{
	return cores_present & -cores_present;
}

/**
 * igt_panthor_cs_query_limits:
 * @fd: device
 * @limits: filled with the registers and scoreboard entries that a stream may use
 *
 * The driver's code in the queue's ring, which calls the stream, overwrites the upper
 * unpreserved_cs_reg_count registers. @limits leaves them out.
 */
void igt_panthor_cs_query_limits(int fd, struct igt_panthor_cs_limits *limits)
{
	struct drm_panthor_gpu_info gpu = {};
	struct drm_panthor_csif_info csif = {};

	igt_panthor_query(fd, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &gpu, sizeof(gpu), 0);
	igt_panthor_query(fd, DRM_PANTHOR_DEV_QUERY_CSIF_INFO, &csif, sizeof(csif), 0);
	igt_assert_lt_u32(csif.unpreserved_cs_reg_count, csif.cs_reg_count);

	limits->arch_major = DRM_PANTHOR_ARCH_MAJOR(gpu.gpu_id);
	limits->reg_count = csif.cs_reg_count - csif.unpreserved_cs_reg_count;
	limits->scoreboard_count = csif.scoreboard_slot_count;
}

/**
 * igt_panthor_vm_create_userva_range:
 * @fd: device
 * @vm_id: set to the VM on success
 * @err: expected errno, or 0
 * @uva_range: set to the size of the range for user mappings on success
 *
 * The driver chooses the size. User mappings lie in [0, @uva_range).
 */
void igt_panthor_vm_create_userva_range(int fd, uint32_t *vm_id, int err, uint64_t *uva_range)
{
	struct drm_panthor_vm_create vm = {};

	ioctl_expect(fd, DRM_IOCTL_PANTHOR_VM_CREATE, &vm, err);
	if (err)
		return;

	*vm_id = vm.id;
	*uva_range = vm.user_va_range;
}

/**
 * igt_panthor_vm_destroy:
 * @fd: device
 * @vm_id: VM
 * @err: expected errno, or 0
 */
void igt_panthor_vm_destroy(int fd, uint32_t vm_id, int err)
{
	struct drm_panthor_vm_destroy destroy = {
		.id = vm_id,
	};

	ioctl_expect(fd, DRM_IOCTL_PANTHOR_VM_DESTROY, &destroy, err);
}

/**
 * igt_panthor_vm_get_state:
 * @fd: device
 * @vm_id: VM
 *
 * Returns: one of enum drm_panthor_vm_state.
 */
uint32_t igt_panthor_vm_get_state(int fd, uint32_t vm_id)
{
	struct drm_panthor_vm_get_state state = {
		.vm_id = vm_id,
	};

	ioctl_expect(fd, DRM_IOCTL_PANTHOR_VM_GET_STATE, &state, 0);

	return state.state;
}

/**
 * igt_panthor_vm_assert_usable:
 * @fd: device
 * @vm_id: VM
 *
 * Asserts that the VM is usable.
 */
void igt_panthor_vm_assert_usable(int fd, uint32_t vm_id)
{
	igt_assert_f(igt_panthor_vm_get_state(fd, vm_id) == DRM_PANTHOR_VM_STATE_USABLE,
		     "VM %u is unusable\n", vm_id);
}

/**
 * ___igt_panthor_vm_bind:
 * @fd: device
 * @bind: arguments; ops.count is set to the index of the failing operation if a synchronous request
 *	fails
 *
 * Returns: 0 or a negative errno.
 */
int ___igt_panthor_vm_bind(int fd, struct drm_panthor_vm_bind *bind)
{
	return __ioctl_err(fd, DRM_IOCTL_PANTHOR_VM_BIND, bind);
}

/**
 * __igt_panthor_vm_bind_ops:
 * @fd: device
 * @vm_id: VM
 * @flags: of enum drm_panthor_vm_bind_flags
 * @ops: operations
 * @count: number of @ops
 *
 * Returns: 0 or a negative errno.
 */
int __igt_panthor_vm_bind_ops(int fd, uint32_t vm_id, uint32_t flags,
			      struct drm_panthor_vm_bind_op *ops, uint32_t count)
{
	struct drm_panthor_vm_bind bind = {
		.vm_id = vm_id,
		.flags = flags,
		.ops = DRM_PANTHOR_OBJ_ARRAY(count, ops),
	};

	return ___igt_panthor_vm_bind(fd, &bind);
}

/**
 * igt_panthor_vm_bind_ops:
 * @fd: device
 * @vm_id: VM
 * @ops: operations, without syncs
 * @count: number of @ops
 * @err: expected errno, or 0
 *
 * Executes @ops synchronously.
 */
void igt_panthor_vm_bind_ops(int fd, uint32_t vm_id, struct drm_panthor_vm_bind_op *ops,
			     uint32_t count, int err)
{
	assert_errno(__igt_panthor_vm_bind_ops(fd, vm_id, 0, ops, count), err,
		     "DRM_IOCTL_PANTHOR_VM_BIND");
}

/**
 * igt_panthor_vm_bind_ops_async:
 * @fd: device
 * @vm_id: VM
 * @ops: operations, each with the syncs it waits for and signals
 * @count: number of @ops
 * @err: expected errno, or 0
 *
 * Puts @ops into the VM's queue.
 */
void igt_panthor_vm_bind_ops_async(int fd, uint32_t vm_id, struct drm_panthor_vm_bind_op *ops,
				   uint32_t count, int err)
{
	assert_errno(__igt_panthor_vm_bind_ops(fd, vm_id, DRM_PANTHOR_VM_BIND_ASYNC, ops, count),
		     err, "DRM_IOCTL_PANTHOR_VM_BIND, asynchronous");
}

/**
 * igt_panthor_vm_bind_offset:
 * @fd: device
 * @vm_id: VM
 * @bo_handle: BO to map, 0 for other operations
 * @va: GPU virtual address
 * @size: size in bytes
 * @offset: offset in the BO in bytes
 * @flags: of enum drm_panthor_vm_bind_op_flags
 * @err: expected errno, or 0
 *
 * Executes one operation synchronously.
 */
void igt_panthor_vm_bind_offset(int fd, uint32_t vm_id, uint32_t bo_handle, uint64_t va,
				uint64_t size, uint64_t offset, uint32_t flags, int err)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = flags,
		.bo_handle = bo_handle,
		.bo_offset = offset,
		.va = va,
		.size = size,
	};

	igt_panthor_vm_bind_ops(fd, vm_id, &op, 1, err);
}

/**
 * igt_panthor_bo_create:
 * @fd: device
 * @bo: filled
 * @size: size in bytes
 * @flags: of enum drm_panthor_bo_flags
 * @err: expected errno, or 0
 */
void igt_panthor_bo_create(int fd, struct panthor_bo *bo, uint64_t size, uint32_t flags, int err)
{
	struct drm_panthor_bo_create create = {
		.size = size,
		.flags = flags,
	};

	ioctl_expect(fd, DRM_IOCTL_PANTHOR_BO_CREATE, &create, err);

	*bo = (struct panthor_bo) {
		.handle = create.handle,
		.size = create.size,
	};
}

/**
 * igt_panthor_bo_create_mapped:
 * @fd: device
 * @bo: filled
 * @size: size in bytes
 * @flags: of enum drm_panthor_bo_flags
 * @err: expected errno of the creation, or 0
 *
 * Creates a BO and maps all of it for the CPU, to read and to write. igt_teardown() removes the
 * mapping if igt_panthor_free_bo() did not.
 */
void igt_panthor_bo_create_mapped(int fd, struct panthor_bo *bo, uint64_t size, uint32_t flags,
				  int err)
{
	igt_panthor_bo_create(fd, bo, size, flags, err);
	if (err)
		return;

	bo->offset = igt_panthor_bo_mmap_offset(fd, bo->handle, 0);
	bo->map = igt_panthor_mmap_bo(fd, bo->handle, bo->size, PROT_READ | PROT_WRITE,
				      bo->offset);
	igt_assert_f(bo->map, "mmap of a BO of %llu bytes failed\n",
		     (unsigned long long)bo->size);
	register_mapping(bo->map, bo->size);
}

/**
 * igt_panthor_bo_export:
 * @fd: device
 * @handle: BO
 *
 * Returns: a dma-buf of the BO that can be mapped for loads and stores; the caller closes it.
 */
int igt_panthor_bo_export(int fd, uint32_t handle)
{
	struct drm_prime_handle prime = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR };

	do_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);
	return prime.fd;
}

/**
 * igt_panthor_bo_import:
 * @fd: device
 * @dmabuf: a dma-buf of any driver, which stays open
 *
 * Returns: a handle of its BO.
 */
uint32_t igt_panthor_bo_import(int fd, int dmabuf)
{
	struct drm_prime_handle prime = { .fd = dmabuf };

	do_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);
	return prime.handle;
}

/**
 * igt_panthor_bo_set_label:
 * @fd: device
 * @bo: BO
 * @label: text for debugfs
 */
void igt_panthor_bo_set_label(int fd, const struct panthor_bo *bo, const char *label)
{
	struct drm_panthor_bo_set_label set_label = {
		.handle = bo->handle,
		.label = to_user_pointer(label),
	};

	ioctl_expect(fd, DRM_IOCTL_PANTHOR_BO_SET_LABEL, &set_label, 0);
}

/**
 * igt_panthor_bo_mmap_offset:
 * @fd: device
 * @handle: BO
 * @err: expected errno, or 0
 *
 * Returns: the offset for mmap() of the device.
 */
uint64_t igt_panthor_bo_mmap_offset(int fd, uint32_t handle, int err)
{
	struct drm_panthor_bo_mmap_offset offset = {
		.handle = handle,
	};

	ioctl_expect(fd, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &offset, err);

	return offset.offset;
}

/**
 * igt_panthor_mmap_bo:
 * @fd: device
 * @handle: BO; not used, @offset identifies the BO
 * @size: size in bytes
 * @prot: PROT_ flags of mmap()
 * @offset: from igt_panthor_bo_mmap_offset()
 *
 * Returns: the mapping, or NULL.
 */
void *igt_panthor_mmap_bo(int fd, uint32_t handle, uint64_t size, unsigned int prot,
			  uint64_t offset)
{
	void *map = mmap(NULL, size, prot, MAP_SHARED, fd, offset);

	(void)handle;
	return map == MAP_FAILED ? NULL : map;
}

/**
 * igt_panthor_unmap_bo:
 * @bo: BO
 *
 * Removes the CPU mapping of igt_panthor_bo_create_mapped(), if there is one. The mapping keeps the
 * file of the device open.
 */
void igt_panthor_unmap_bo(struct panthor_bo *bo)
{
	if (!bo->map)
		return;

	forget_mapping(bo->map);
	igt_assert_eq(munmap(bo->map, bo->size), 0);
	bo->map = NULL;
}

/**
 * igt_panthor_free_bo:
 * @fd: device
 * @bo: BO, or NULL
 *
 * Undoes igt_panthor_bo_create() and igt_panthor_bo_create_mapped().
 */
void igt_panthor_free_bo(int fd, struct panthor_bo *bo)
{
	if (!bo)
		return;

	igt_panthor_unmap_bo(bo);
	gem_close(fd, bo->handle);
}

static struct drm_panthor_sync_op sync_op(uint32_t syncobj, uint64_t point, uint32_t flags)
{
	flags |= point ? DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ :
			 DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_SYNCOBJ;

	return (struct drm_panthor_sync_op) {
		.flags = flags,
		.handle = syncobj,
		.timeline_value = point,
	};
}

/**
 * igt_panthor_sync_wait:
 * @syncobj: syncobj
 * @point: point of a timeline, or 0 for a binary syncobj
 *
 * Returns: the operation that makes a job or bind wait.
 */
struct drm_panthor_sync_op igt_panthor_sync_wait(uint32_t syncobj, uint64_t point)
{
	return sync_op(syncobj, point, DRM_PANTHOR_SYNC_OP_WAIT);
}

/**
 * igt_panthor_sync_signal:
 * @syncobj: syncobj
 * @point: point of a timeline, or 0 for a binary syncobj
 *
 * Returns: the operation that makes a job or bind signal its end.
 */
struct drm_panthor_sync_op igt_panthor_sync_signal(uint32_t syncobj, uint64_t point)
{
	return sync_op(syncobj, point, DRM_PANTHOR_SYNC_OP_SIGNAL);
}

/**
 * igt_panthor_group_create:
 * @fd: device
 * @group_create: arguments; group_handle is set on success
 * @err: expected errno, or 0
 */
void igt_panthor_group_create(int fd, struct drm_panthor_group_create *group_create, int err)
{
	ioctl_expect(fd, DRM_IOCTL_PANTHOR_GROUP_CREATE, group_create, err);
}

/**
 * igt_panthor_group_create_queues:
 * @fd: device
 * @vm_id: VM that the group runs in
 * @count: number of queues, 1 to 32
 * @err: expected errno, or 0
 *
 * Creates a group of medium priority with one core of each kind. Streams that only load and store
 * need no core.
 *
 * Returns: the group's handle.
 */
uint32_t igt_panthor_group_create_queues(int fd, uint32_t vm_id, uint32_t count, int err)
{
	struct drm_panthor_queue_create queues[32] = {};
	struct drm_panthor_gpu_info gpu = {};
	struct drm_panthor_group_create create = {
		.queues = DRM_PANTHOR_OBJ_ARRAY(count, queues),
		.max_compute_cores = 1,
		.max_fragment_cores = 1,
		.max_tiler_cores = 1,
		.priority = PANTHOR_GROUP_PRIORITY_MEDIUM,
		.vm_id = vm_id,
	};

	igt_assert_lte_u32(count, ARRAY_SIZE(queues));
	for (uint32_t i = 0; i < count; i++)
		queues[i].ringbuf_size = RING_SIZE;

	igt_panthor_query(fd, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &gpu, sizeof(gpu), 0);
	create.compute_core_mask = igt_panthor_get_first_core(gpu.shader_present);
	create.fragment_core_mask = igt_panthor_get_first_core(gpu.shader_present);
	create.tiler_core_mask = igt_panthor_get_first_core(gpu.tiler_present);

	igt_panthor_group_create(fd, &create, err);
	return create.group_handle;
}

/**
 * igt_panthor_group_create_simple:
 * @fd: device
 * @vm_id: VM that the group runs in
 * @err: expected errno, or 0
 *
 * Creates a group with one queue.
 *
 * Returns: the group's handle.
 */
uint32_t igt_panthor_group_create_simple(int fd, uint32_t vm_id, int err)
{
	return igt_panthor_group_create_queues(fd, vm_id, 1, err);
}

/**
 * igt_panthor_group_destroy:
 * @fd: device
 * @group_handle: group
 * @err: expected errno, or 0
 */
void igt_panthor_group_destroy(int fd, uint32_t group_handle, int err)
{
	struct drm_panthor_group_destroy destroy = {
		.group_handle = group_handle,
	};

	ioctl_expect(fd, DRM_IOCTL_PANTHOR_GROUP_DESTROY, &destroy, err);
}

/**
 * __igt_panthor_group_submit:
 * @fd: device
 * @group_submit: arguments
 *
 * Returns: 0 or a negative errno.
 */
int __igt_panthor_group_submit(int fd, struct drm_panthor_group_submit *group_submit)
{
	return __ioctl_err(fd, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, group_submit);
}

/**
 * igt_panthor_group_submit:
 * @fd: device
 * @group_submit: arguments
 * @err: expected errno, or 0
 */
void igt_panthor_group_submit(int fd, struct drm_panthor_group_submit *group_submit, int err)
{
	assert_errno(__igt_panthor_group_submit(fd, group_submit), err,
		     "DRM_IOCTL_PANTHOR_GROUP_SUBMIT");
}

/**
 * igt_panthor_group_submit_simple:
 * @fd: device
 * @group_handle: group
 * @queue_index: queue of the group
 * @stream_addr: GPU virtual address of the stream, 64-byte aligned
 * @stream_size: size of the stream in bytes
 * @syncobj_handle: binary syncobj that the job signals
 * @err: expected errno, or 0
 *
 * Submits one job. An unconditional flush in front of the stream (latest_flush 0) makes earlier
 * stores of the CPU visible to the GPU.
 */
void igt_panthor_group_submit_simple(int fd, uint32_t group_handle, uint32_t queue_index,
				     uint64_t stream_addr, uint32_t stream_size,
				     uint32_t syncobj_handle, int err)
{
	struct drm_panthor_sync_op signal = igt_panthor_sync_signal(syncobj_handle, 0);
	struct drm_panthor_queue_submit job = {
		.queue_index = queue_index,
		.stream_size = stream_size,
		.stream_addr = stream_addr,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &signal),
	};
	struct drm_panthor_group_submit submit = {
		.group_handle = group_handle,
		.queue_submits = DRM_PANTHOR_OBJ_ARRAY(1, &job),
	};

	igt_panthor_group_submit(fd, &submit, err);
}

/**
 * igt_panthor_group_get_state:
 * @fd: device
 * @group_handle: group
 *
 * Returns: state and fatal_queues of the group.
 */
struct drm_panthor_group_get_state igt_panthor_group_get_state(int fd, uint32_t group_handle)
{
	struct drm_panthor_group_get_state state = {
		.group_handle = group_handle,
	};

	ioctl_expect(fd, DRM_IOCTL_PANTHOR_GROUP_GET_STATE, &state, 0);

	return state;
}

/**
 * igt_panthor_deadline:
 * @ms: milliseconds from now
 *
 * Returns: the deadline for syncobj waits, in nanoseconds of CLOCK_MONOTONIC.
 */
int64_t igt_panthor_deadline(unsigned int ms)
{
	struct timespec now;

	igt_assert_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);

	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec + ms * INT64_C(1000000);
}

static int fence_status(int fd, uint32_t syncobj)
{
	int sync_file = syncobj_handle_to_fd(fd, syncobj,
					     DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE);
	int status = sync_fence_status(sync_file);

	igt_assert_eq(close(sync_file), 0);
	igt_assert_neq(status, 0);

	return status < 0 ? status : 0;
}

/**
 * igt_panthor_job_wait:
 * @fd: device
 * @group_handle: group of the job
 * @syncobj: binary syncobj that the job signals
 * @deadline_ms: when to give up
 *
 * Waits until a job ends, with success or failure. The driver marks the faulted queues of a group
 * before it signals the fences of their jobs (tick_ctx_init() and group_term_post_processing() in
 * panthor_sched.c): fence and group state agree.
 *
 * Returns: the result of the job.
 */
struct igt_panthor_job_result igt_panthor_job_wait(int fd, uint32_t group_handle,
						   uint32_t syncobj, unsigned int deadline_ms)
{
	struct igt_panthor_job_result result = {};
	struct drm_panthor_group_get_state state;

	if (syncobj_wait(fd, &syncobj, 1, igt_panthor_deadline(deadline_ms), 0, NULL))
		result.fence = fence_status(fd, syncobj);
	else
		result.fence = -ETIME;

	state = igt_panthor_group_get_state(fd, group_handle);
	result.group_state = state.state;
	result.fatal_queues = state.fatal_queues;

	return result;
}

/**
 * igt_panthor_job_assert_done:
 * @result: from igt_panthor_job_wait()
 *
 * Asserts that the job ended well.
 */
void igt_panthor_job_assert_done(const struct igt_panthor_job_result *result)
{
	igt_assert_f(!result->fence && !result->group_state && !result->fatal_queues,
		     "job ended with fence %d, group state %#x, fatal queues %#x\n",
		     result->fence, result->group_state, result->fatal_queues);
}
