// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drmtest.h"
#include "igt_core.h"
#include "igt_fail_function.h"
#include "igt_knob.h"
#include "igt_teardown.h"

/**
 * SECTION:igt_fail_function
 * @short_description: Failing kernel functions
 * @title: Error injection
 * @include: igt_fail_function.h
 */

#define FAIL_FUNCTION "/sys/kernel/debug/fail_function/"

/* The probability is set last and restored first. */
static const char * const settings[] = {
	FAIL_FUNCTION "verbose",     FAIL_FUNCTION "interval", FAIL_FUNCTION "space",
	FAIL_FUNCTION "task-filter", FAIL_FUNCTION "times",    FAIL_FUNCTION "probability",
};

static void set_all(unsigned int pass, unsigned int times)
{
	char space[16], number[16];
	const char *const values[] = { "0", "1", space, "N", number, "100" };

	/* A call takes 1 off the space while that is above 1. */
	snprintf(space, sizeof(space), "%u", pass + 1);
	snprintf(number, sizeof(number), "%u", times);
	for (unsigned int i = 0; i < ARRAY_SIZE(settings); i++)
		igt_assert_f(igt_knob_set(settings[i], values[i]), "%s: cannot set %s\n",
			     settings[i], values[i]);
}

static void restore_all(void)
{
	for (unsigned int i = ARRAY_SIZE(settings); i-- > 0;)
		igt_knob_restore(settings[i]);
}

/* Writing "!NAME" to inject removes one function, writing an empty line removes all. */
static void remove_functions(void *data)
{
	(void)data;
	igt_knob_write(FAIL_FUNCTION "inject", "\n");
}

/* Lines of the list are "FUNCTION TYPE", or "FUNCTION [MODULE] TYPE" for a function of a module. */
static bool is_injectable(const char *function)
{
	FILE *file = fopen("/sys/kernel/debug/error_injection/list", "r");
	bool found = false;
	char line[256], name[128];

	if (!file)
		return false;

	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%127s", name) == 1 && !strcmp(name, function);
	fclose(file);

	return found;
}

/**
 * igt_fail_function_has:
 * @function: name of a function
 *
 * Returns: true if the kernel has CONFIG_FAIL_FUNCTION and allows error injection into @function,
 * and the caller can read debugfs.
 */
bool igt_fail_function_has(const char *function)
{
	char text[32];

	return igt_knob_read(FAIL_FUNCTION "times", text, sizeof(text)) && is_injectable(function);
}

/**
 * igt_fail_function_start:
 * @function: name of a function that passed igt_fail_function_has()
 * @err: errno to return, positive
 * @pass: number of calls that run first
 * @times: number of calls that fail, at least 1
 *
 * Makes @times calls of @function, in any task, return -@err without running its body, after the
 * next @pass ones. igt_fail_function_stop() or igt_teardown() ends the injection.
 */
void igt_fail_function_start(const char *function, int err, unsigned int pass, unsigned int times)
{
	char path[256], value[32];

	igt_teardown_add(remove_functions, NULL);
	igt_assert(igt_knob_write(FAIL_FUNCTION "inject", function));
	snprintf(path, sizeof(path), FAIL_FUNCTION "%s/retval", function);
	snprintf(value, sizeof(value), "%" PRIu64, (uint64_t)-err);
	igt_assert(igt_knob_write(path, value));
	set_all(pass, times);
}

/**
 * igt_fail_function_left:
 *
 * Returns: the number of calls that have yet to fail.
 */
unsigned int igt_fail_function_left(void)
{
	char text[32];

	igt_assert(igt_knob_read(FAIL_FUNCTION "times", text, sizeof(text)));
	return strtoul(text, NULL, 10);
}

/**
 * igt_fail_function_stop:
 *
 * Ends error injection, and restores the settings that it changed.
 */
void igt_fail_function_stop(void)
{
	restore_all();
	igt_teardown_drop(remove_functions, NULL);
	remove_functions(NULL);
}
