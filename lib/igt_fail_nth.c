// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "igt_core.h"
#include "igt_fail_nth.h"
#include "igt_knob.h"
#include "igt_teardown.h"

/**
 * SECTION:igt_fail_nth
 * @short_description: Failing kernel allocations
 * @title: Fault injection
 * @include: igt_fail_nth.h
 */

#define FAILSLAB "/sys/kernel/debug/failslab/"

/* Per task: applies to the task that opens the file. */
#define FAIL_NTH "/proc/thread-self/fail-nth"

static int fail_nth = -1;

static void close_fail_nth(void *data)
{
	(void)data;
	close(fail_nth);
	fail_nth = -1;
}

/**
 * igt_fail_nth_require:
 *
 * Skips if the kernel cannot inject faults or the caller is not root. Sets up fault injection for
 * the calling task until igt_teardown().
 */
void igt_fail_nth_require(void)
{
	char text[16];

	igt_require_f(geteuid() == 0, "fault injection needs root\n");
	if (fail_nth < 0) {
		fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
		igt_require_f(fail_nth >= 0, "no " FAIL_NTH " (CONFIG_FAULT_INJECTION)\n");
		igt_teardown_add(close_fail_nth, NULL);
	}
	igt_require_f(igt_knob_read(FAILSLAB "verbose", text, sizeof(text)),
		      "no " FAILSLAB " (CONFIG_FAILSLAB, debugfs)\n");

	/* Nearly all allocations may wait for memory (GFP_KERNEL): these fail as well. */
	igt_assert(igt_knob_set(FAILSLAB "ignore-gfp-wait", "N"));
	/* A backtrace for each failure would fill the kernel log. */
	igt_assert(igt_knob_set(FAILSLAB "verbose", "0"));
}

/**
 * igt_fail_nth_start:
 * @nth: which allocation of the calling task fails, counted from 1
 *
 * Allocations of every system call count until igt_fail_nth_stop(): make only the calls under test.
 * Needs igt_fail_nth_require().
 */
void igt_fail_nth_start(unsigned int nth)
{
	char text[16];
	const int length = snprintf(text, sizeof(text), "%u", nth);

	igt_assert_eq(pwrite(fail_nth, text, length, 0), length);
}

/**
 * igt_fail_nth_stop:
 *
 * Ends fault injection.
 *
 * Returns: true if an allocation failed, false if the task made fewer than @nth allocations.
 */
bool igt_fail_nth_stop(void)
{
	char text[16] = "";

	igt_assert_lt(0, pread(fail_nth, text, sizeof(text) - 1, 0));
	igt_assert_eq(pwrite(fail_nth, "0", 1, 0), 1);

	return strtoul(text, NULL, 10) == 0;
}
