/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef DRMTEST_H
#define DRMTEST_H

#include <errno.h>

#include "igt_core.h"

/* The mask that drm_open_driver() takes; panthor has its bit since 2.3. */
#define DRIVER_PANTHOR (1 << 11)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define ALIGN(value, to) __igt_align(value, (__typeof__(value))(to) - 1)
#define __igt_align(value, mask) (((value) + (mask)) & ~(mask))
#define ALIGN_DOWN(value, to) ((value) & ~((__typeof__(value))(to) - 1))
#define IS_ALIGNED(value, to) (((value) & ((__typeof__(value))(to) - 1)) == 0)

int drm_open_driver_render(int chipset);

/* To be used with ioctl_wrappers.h, which IGT's drmtest.h does not bring along either. */
#define do_ioctl(fd, request, arg) \
	do { \
		igt_assert_eq(igt_ioctl((fd), (request), (arg)), 0); \
		errno = 0; \
	} while (0)

#define do_ioctl_err(fd, request, arg, err) \
	do { \
		igt_assert_eq(igt_ioctl((fd), (request), (arg)), -1); \
		igt_assert_eq(errno, err); \
		errno = 0; \
	} while (0)

#endif /* DRMTEST_H */
