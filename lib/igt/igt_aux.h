/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_AUX_H
#define IGT_AUX_H

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "igt_core.h"

#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))

#define __igt_pick(cmp, a, b) \
	__extension__({ \
		__typeof__(a) __igt_pick_a = (a); \
		__typeof__(b) __igt_pick_b = (b); \
		__igt_pick_a cmp __igt_pick_b ? __igt_pick_a : __igt_pick_b; \
	})

#define min(a, b) __igt_pick(<, a, b)
#define max(a, b) __igt_pick(>, a, b)

/* Elapsed time counts in units of 1 << 20 ns here, close enough to 1 ms. */
#define igt_for_milliseconds(ms) \
	for (struct timespec __igt_since = {}; igt_nsec_elapsed(&__igt_since) >> 20 < (ms); )

/* True as soon as @condition is, false when it was not within @timeout_ms. */
#define igt_wait(condition, timeout_ms, interval_ms) \
	__extension__({ \
		struct timespec __igt_since = {}; \
		bool __igt_held; \
		while (!(__igt_held = (condition)) && \
		       igt_nsec_elapsed(&__igt_since) >> 20 <= (timeout_ms)) \
			usleep(1000 * (interval_ms)); \
		__igt_held; \
	})

#endif /* IGT_AUX_H */
