// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <linux/sync_file.h>
#include <sys/ioctl.h>

#include "../drmtest.h"
#include "../igt_syncobj.h"
#include "../ioctl_wrappers.h"
#include "../sw_sync.h"

/* Repeats the ioctl when a signal interrupted it. */
static int ioctl_repeated(int fd, unsigned long request, void *arg)
{
	int ret;

	do
		ret = ioctl(fd, request, arg);
	while (ret < 0 && (errno == EINTR || errno == EAGAIN));
	return ret;
}

__thread int (*igt_ioctl)(int fd, unsigned long request, void *arg) = ioctl_repeated;

/**
 * gem_close:
 * @fd: open device
 * @handle: BO
 */
void gem_close(int fd, uint32_t handle)
{
	struct drm_gem_close args = { .handle = handle };

	igt_assert_neq(handle, 0);
	do_ioctl(fd, DRM_IOCTL_GEM_CLOSE, &args);
}

/**
 * syncobj_create:
 * @fd: open device
 * @flags: DRM_SYNCOBJ_CREATE_SIGNALED or 0
 *
 * Returns: a new syncobj.
 */
uint32_t syncobj_create(int fd, uint32_t flags)
{
	struct drm_syncobj_create args = { .flags = flags };

	do_ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &args);
	igt_assert(args.handle);
	return args.handle;
}

/**
 * syncobj_destroy:
 * @fd: open device
 * @handle: syncobj
 */
void syncobj_destroy(int fd, uint32_t handle)
{
	struct drm_syncobj_destroy args = { .handle = handle };

	do_ioctl(fd, DRM_IOCTL_SYNCOBJ_DESTROY, &args);
}

/**
 * syncobj_handle_to_fd:
 * @fd: open device
 * @handle: syncobj
 * @flags: DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE or 0
 *
 * Returns: a file for the syncobj, or for its fence.
 */
int syncobj_handle_to_fd(int fd, uint32_t handle, uint32_t flags)
{
	struct drm_syncobj_handle args = { .handle = handle, .flags = flags, .fd = -1 };

	do_ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);
	igt_assert_fd(args.fd);
	return args.fd;
}

/**
 * syncobj_fd_to_handle:
 * @fd: open device
 * @syncobj_fd: what syncobj_handle_to_fd() returned
 * @flags: flags of the ioctl
 *
 * Returns: the syncobj.
 */
uint32_t syncobj_fd_to_handle(int fd, int syncobj_fd, uint32_t flags)
{
	struct drm_syncobj_handle args = { .fd = syncobj_fd, .flags = flags };

	do_ioctl(fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &args);
	igt_assert(args.handle);
	return args.handle;
}

static int wait_err(int fd, struct drm_syncobj_wait *args)
{
	const int err = igt_ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, args) ? -errno : 0;

	errno = 0;
	return err;
}

/**
 * syncobj_wait_err:
 * @fd: open device
 * @handles: syncobjs
 * @count: their number
 * @abs_timeout_nsec: point of CLOCK_MONOTONIC
 * @flags: DRM_SYNCOBJ_WAIT_FLAGS_*
 *
 * Returns: 0, -ETIME when time ran out, or another negative errno.
 */
int syncobj_wait_err(int fd, uint32_t *handles, uint32_t count, uint64_t abs_timeout_nsec,
		     uint32_t flags)
{
	struct drm_syncobj_wait args = {
		.handles = to_user_pointer(handles),
		.count_handles = count,
		.timeout_nsec = abs_timeout_nsec,
		.flags = flags,
	};

	return wait_err(fd, &args);
}

/* Whether a wait was in time; fails on every other error. */
static bool was_in_time(int err)
{
	igt_assert_f(!err || err == -ETIME, "waiting for syncobjs: %s\n", strerror(-err));
	return !err;
}

/**
 * syncobj_wait:
 * @fd: open device
 * @handles: syncobjs
 * @count: their number
 * @abs_timeout_nsec: point of CLOCK_MONOTONIC
 * @flags: DRM_SYNCOBJ_WAIT_FLAGS_*
 * @first_signaled: gets the index of one that is signalled, or NULL
 *
 * Returns: false when time ran out.
 */
bool syncobj_wait(int fd, uint32_t *handles, uint32_t count, uint64_t abs_timeout_nsec,
		  uint32_t flags, uint32_t *first_signaled)
{
	struct drm_syncobj_wait args = {
		.handles = to_user_pointer(handles),
		.count_handles = count,
		.timeout_nsec = abs_timeout_nsec,
		.flags = flags,
	};
	const bool in_time = was_in_time(wait_err(fd, &args));

	if (in_time && first_signaled)
		*first_signaled = args.first_signaled;
	return in_time;
}

/**
 * syncobj_timeline_wait:
 * @fd: open device
 * @handles: syncobjs
 * @points: the point of each
 * @count: their number
 * @abs_timeout_nsec: point of CLOCK_MONOTONIC
 * @flags: DRM_SYNCOBJ_WAIT_FLAGS_*
 * @first_signaled: gets the index of one that is signalled, or NULL
 *
 * Returns: false when time ran out.
 */
bool syncobj_timeline_wait(int fd, uint32_t *handles, uint64_t *points, unsigned int count,
			   int64_t abs_timeout_nsec, unsigned int flags, uint32_t *first_signaled)
{
	struct drm_syncobj_timeline_wait args = {
		.handles = to_user_pointer(handles),
		.points = to_user_pointer(points),
		.count_handles = count,
		.timeout_nsec = abs_timeout_nsec,
		.flags = flags,
	};
	const int err = igt_ioctl(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args) ? -errno : 0;
	const bool in_time = was_in_time(err);

	errno = 0;
	if (in_time && first_signaled)
		*first_signaled = args.first_signaled;
	return in_time;
}

static void transfer(int fd, struct drm_syncobj_transfer args)
{
	do_ioctl(fd, DRM_IOCTL_SYNCOBJ_TRANSFER, &args);
}

/**
 * syncobj_binary_to_timeline:
 * @fd: open device
 * @timeline_handle: timeline syncobj
 * @point: point of it that gets the fence
 * @binary_handle: syncobj that has the fence
 */
void syncobj_binary_to_timeline(int fd, uint32_t timeline_handle, uint64_t point,
				uint32_t binary_handle)
{
	transfer(fd, (struct drm_syncobj_transfer){
			     .src_handle = binary_handle,
			     .dst_handle = timeline_handle,
			     .dst_point = point,
		     });
}

/**
 * syncobj_timeline_to_binary:
 * @fd: open device
 * @binary_handle: syncobj that gets the fence
 * @timeline_handle: timeline syncobj
 * @point: point of it that has the fence
 * @flags: flags of the ioctl
 */
void syncobj_timeline_to_binary(int fd, uint32_t binary_handle, uint32_t timeline_handle,
				uint64_t point, uint32_t flags)
{
	transfer(fd, (struct drm_syncobj_transfer){
			     .src_handle = timeline_handle,
			     .src_point = point,
			     .dst_handle = binary_handle,
			     .flags = flags,
		     });
}

/**
 * sync_fence_status:
 * @fence: sync file
 *
 * Returns: 1 if its fences are signalled, 0 if not, or a negative errno, theirs or of the ioctl.
 */
int sync_fence_status(int fence)
{
	struct sync_file_info info = {};

	return ioctl_repeated(fence, SYNC_IOC_FILE_INFO, &info) ? -errno : info.status;
}
