// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_core.h"
#include "igt_panthor_debugfs.h"
#include "igt_panthor_fail.h"

#define FAILSLAB "/sys/kernel/debug/failslab/"

/* Of the task that opens it. */
#define FAIL_NTH "/proc/thread-self/fail-nth"

/**
 * setting:
 * @path: file
 * @value: what it is to hold while a subtest runs
 * @before: what it held before, empty if nothing was changed
 */
struct setting {
	const char *path;
	const char *value;
	char before[16];
};

static struct setting settings[] = {
	/* Those that may wait for memory, too: they are nearly all. */
	{ .path = FAILSLAB "ignore-gfp-wait", .value = "N" },
	/* No backtrace of each one in the kernel log. */
	{ .path = FAILSLAB "verbose", .value = "0" },
};

static int fail_nth = -1;

static bool write_text(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);
	bool written;

	if (file < 0)
		return false;

	written = write(file, text, strlen(text)) == (ssize_t)strlen(text);
	close(file);

	return written;
}

static bool read_text(const char *path, char *text, size_t size)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (file < 0)
		return false;

	length = read(file, text, size - 1);
	close(file);
	if (length <= 0)
		return false;

	text[length] = '\0';
	return true;
}

static void restore_settings(int sig)
{
	(void)sig;
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (settings[i].before[0])
			write_text(settings[i].path, settings[i].before);
		settings[i].before[0] = '\0';
	}
}

/**
 * igt_panthor_require_failslab:
 * @fd: device
 *
 * Skips if the kernel cannot have allocations fail on demand, or does not let this
 * user. What is set for it is set back when the test exits.
 */
void igt_panthor_require_failslab(int fd)
{
	char text[16];

	igt_panthor_require_debugfs(fd);
	if (fail_nth < 0)
		fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	igt_require_f(fail_nth >= 0 && read_text(FAILSLAB "verbose", text, sizeof(text)),
		      "the kernel has no allocations that fail on demand (CONFIG_FAILSLAB)\n");

	igt_install_exit_handler(restore_settings);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		struct setting *s = &settings[i];

		if (!s->before[0])
			igt_assert(read_text(s->path, s->before, sizeof(s->before)));
		igt_assert(write_text(s->path, s->value));
	}
}

/**
 * igt_panthor_fail_nth:
 * @nth: 1 for the next allocation of small objects by this task, 2 for the one after
 *	it, and so on
 *
 * Has it fail. Ended by igt_panthor_fail_nth_end(), with no other system call in
 * between than the one to be tested. Needs igt_panthor_require_failslab().
 */
void igt_panthor_fail_nth(unsigned int nth)
{
	char text[16];
	const int length = snprintf(text, sizeof(text), "%u", nth);

	igt_assert_eq(pwrite(fail_nth, text, length, 0), length);
}

/**
 * igt_panthor_fail_nth_end:
 *
 * Has no allocation fail any more.
 *
 * Returns: whether one did; if not, there were fewer.
 */
bool igt_panthor_fail_nth_end(void)
{
	char text[16] = "";

	igt_assert_lt(0, pread(fail_nth, text, sizeof(text) - 1, 0));
	igt_assert_eq(pwrite(fail_nth, "0", 1, 0), 1);

	return strtoul(text, NULL, 10) == 0;
}
