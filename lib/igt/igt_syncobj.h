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

#endif /* IGT_SYNCOBJ_H */
