// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <sys/sysinfo.h>
#include <time.h>

#include "../igt_aux.h"
#include "../igt_os.h"
#include "standalone.h"

/**
 * igt_nsec_elapsed:
 * @start: zeroed, or as an earlier call left it
 *
 * Returns: nanoseconds since the first call with @start; that one takes the time.
 */
uint64_t igt_nsec_elapsed(struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!start->tv_sec && !start->tv_nsec) {
		*start = now;
		return 0;
	}
	return (now.tv_sec - start->tv_sec) * 1000000000ll + now.tv_nsec - start->tv_nsec;
}

/**
 * igt_get_total_swap_mb:
 *
 * Returns: mebibytes of swap space that are free. The name is libigt's.
 */
uint64_t igt_get_total_swap_mb(void)
{
	struct sysinfo info;

	igt_assert_eq(sysinfo(&info), 0);
	return (uint64_t)info.freeswap * info.mem_unit >> 20;
}
