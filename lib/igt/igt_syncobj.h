/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_SYNCOBJ_H
#define IGT_SYNCOBJ_H

#include <drm.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The timeout is a point of CLOCK_MONOTONIC in nanoseconds. syncobj_wait() says
 * false when time ran out and asserts on every other error.
 */
uint32_t syncobj_create(int fd, uint32_t flags);
void syncobj_destroy(int fd, uint32_t handle);
int syncobj_handle_to_fd(int fd, uint32_t handle, uint32_t flags);
bool syncobj_wait(int fd, uint32_t *handles, uint32_t count, uint64_t abs_timeout_nsec,
		  uint32_t flags, uint32_t *first_signaled);
/* 0 or a negative errno; -EINVAL for a syncobj that has no fence. */
int syncobj_wait_err(int fd, uint32_t *handles, uint32_t count, uint64_t abs_timeout_nsec,
		     uint32_t flags);

uint32_t syncobj_fd_to_handle(int fd, int syncobj_fd, uint32_t flags);
bool syncobj_timeline_wait(int fd, uint32_t *handles, uint64_t *points, unsigned int count,
			   int64_t abs_timeout_nsec, unsigned int flags,
			   uint32_t *first_signaled);
/* Point 0 stands for the fence of a binary syncobj. */
void syncobj_binary_to_timeline(int fd, uint32_t timeline_handle, uint64_t point,
				uint32_t binary_handle);
void syncobj_timeline_to_binary(int fd, uint32_t binary_handle, uint32_t timeline_handle,
				uint64_t point, uint32_t flags);

#endif /* IGT_SYNCOBJ_H */
