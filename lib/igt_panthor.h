/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_PANTHOR_H
#define IGT_PANTHOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "igt_panthor_cs.h"
#include "panthor_drm.h"

/*
 * ioctls of panthor. igt_panthor_x() asserts, __igt_panthor_x() returns a negative errno. Functions
 * with @err assert that the ioctl fails with that errno, or succeeds if @err is 0.
 */

/**
 * panthor_bo:
 * @handle: GEM handle
 * @offset: offset for mmap() of the device, 0 if not queried
 * @size: size in bytes, rounded up by the kernel
 * @map: CPU mapping of the whole BO, or NULL
 */
struct panthor_bo {
	int handle;
	uint64_t offset;
	uint64_t size;
	void *map;
};

/* Version of the panthor uAPI that added DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE. */
#define IGT_PANTHOR_SPARSE_MAJOR 1
#define IGT_PANTHOR_SPARSE_MINOR 9

/* The GPU's smallest page, and the alignment of VM_BIND (panthor_vm_page_size()). */
#define IGT_PANTHOR_GPU_PAGE_SIZE UINT64_C(4096)

/* Maximum number of CSG slots (MAX_CSGS in panthor_fw.h). */
#define IGT_PANTHOR_MAX_SLOTS 31

/*
 * Deadline for the end of a job: twice the driver's job timeout (JOB_TIMEOUT_MS in
 * panthor_sched.c), so that a job that hangs is ended by the driver first.
 */
#define IGT_PANTHOR_JOB_DEADLINE_MS 10000

uint64_t igt_panthor_cpu_page_size(void);
uint64_t igt_panthor_cpu_page_align(uint64_t size);

void igt_panthor_skip_on_big_endian(void);
bool igt_panthor_has_uapi(int fd, int major, int minor);
void igt_panthor_require_sparse(int fd);

void igt_panthor_query(int fd, int32_t type, void *data, size_t size, int err);
uint64_t igt_panthor_get_first_core(uint64_t cores_present);
void igt_panthor_cs_query_limits(int fd, struct igt_panthor_cs_limits *limits);

void igt_panthor_vm_create_userva_range(int fd, uint32_t *vm_id, int err, uint64_t *uva_range);
void igt_panthor_vm_destroy(int fd, uint32_t vm_id, int err);
uint32_t igt_panthor_vm_get_state(int fd, uint32_t vm_id);
void igt_panthor_vm_assert_usable(int fd, uint32_t vm_id);

static inline void igt_panthor_vm_create(int fd, uint32_t *vm_id, int err)
{
	uint64_t uva_range = 0;

	igt_panthor_vm_create_userva_range(fd, vm_id, err, &uva_range);
}

int ___igt_panthor_vm_bind(int fd, struct drm_panthor_vm_bind *bind);
int __igt_panthor_vm_bind_ops(int fd, uint32_t vm_id, uint32_t flags,
			      struct drm_panthor_vm_bind_op *ops, uint32_t count);
void igt_panthor_vm_bind_ops(int fd, uint32_t vm_id, struct drm_panthor_vm_bind_op *ops,
			     uint32_t count, int err);
void igt_panthor_vm_bind_ops_async(int fd, uint32_t vm_id, struct drm_panthor_vm_bind_op *ops,
				   uint32_t count, int err);
void igt_panthor_vm_bind_offset(int fd, uint32_t vm_id, uint32_t bo_handle, uint64_t va,
				uint64_t size, uint64_t offset, uint32_t flags, int err);

static inline void igt_panthor_vm_bind(int fd, uint32_t vm_id, uint32_t bo_handle, uint64_t va,
				       uint64_t size, uint32_t flags, int err)
{
	igt_panthor_vm_bind_offset(fd, vm_id, bo_handle, va, size, 0, flags, err);
}

/* Flags of an ordinary BO mapping. */
#define IGT_PANTHOR_BO_MAP_FLAGS \
	(DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC)

#define IGT_PANTHOR_SPARSE_FLAGS \
	(DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE | \
	 DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC)

static inline void igt_panthor_vm_bind_sparse(int fd, uint32_t vm_id, uint64_t va,
					      uint64_t size, int err)
{
	igt_panthor_vm_bind(fd, vm_id, 0, va, size, IGT_PANTHOR_SPARSE_FLAGS, err);
}

static inline void igt_panthor_vm_unbind(int fd, uint32_t vm_id, uint64_t va, uint64_t size,
					 int err)
{
	igt_panthor_vm_bind(fd, vm_id, 0, va, size, DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP, err);
}

void igt_panthor_bo_create(int fd, struct panthor_bo *bo, uint64_t size, uint32_t flags, int err);
void igt_panthor_bo_create_mapped(int fd, struct panthor_bo *bo, uint64_t size, uint32_t flags,
				  int err);
int igt_panthor_bo_export(int fd, uint32_t handle);
uint32_t igt_panthor_bo_import(int fd, int dmabuf);
void igt_panthor_bo_set_label(int fd, const struct panthor_bo *bo, const char *label);
uint64_t igt_panthor_bo_mmap_offset(int fd, uint32_t handle, int err);
void *igt_panthor_mmap_bo(int fd, uint32_t handle, uint64_t size, unsigned int prot,
			  uint64_t offset);
void igt_panthor_unmap_bo(struct panthor_bo *bo);
void igt_panthor_free_bo(int fd, struct panthor_bo *bo);

/* Wait and signal operations on a binary syncobj (@point 0) or on a timeline's point. */
struct drm_panthor_sync_op igt_panthor_sync_wait(uint32_t syncobj, uint64_t point);
struct drm_panthor_sync_op igt_panthor_sync_signal(uint32_t syncobj, uint64_t point);

void igt_panthor_group_create(int fd, struct drm_panthor_group_create *group_create, int err);
uint32_t igt_panthor_group_create_queues(int fd, uint32_t vm_id, uint32_t count, int err);
uint32_t igt_panthor_group_create_simple(int fd, uint32_t vm_id, int err);
void igt_panthor_group_destroy(int fd, uint32_t group_handle, int err);
int __igt_panthor_group_submit(int fd, struct drm_panthor_group_submit *group_submit);
void igt_panthor_group_submit(int fd, struct drm_panthor_group_submit *group_submit, int err);
void igt_panthor_group_submit_simple(int fd, uint32_t group_handle, uint32_t queue_index,
				     uint64_t stream_addr, uint32_t stream_size,
				     uint32_t syncobj_handle, int err);
struct drm_panthor_group_get_state igt_panthor_group_get_state(int fd, uint32_t group_handle);

int64_t igt_panthor_deadline(unsigned int ms);

/**
 * igt_panthor_job_result:
 * @fence: 0 if the job ended well, -ETIME if its fence was not signalled in time, else the negative
 *	errno in the fence
 * @group_state: flags of enum drm_panthor_group_state_flags
 * @fatal_queues: mask of the queues that ended with a fatal fault
 *
 * Result of a job.
 */
struct igt_panthor_job_result {
	int fence;
	uint32_t group_state;
	uint32_t fatal_queues;
};

struct igt_panthor_job_result igt_panthor_job_wait(int fd, uint32_t group_handle,
						   uint32_t syncobj, unsigned int deadline_ms);
void igt_panthor_job_assert_done(const struct igt_panthor_job_result *result);

#endif /* IGT_PANTHOR_H */
