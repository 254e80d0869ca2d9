// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static bool write_number(const char *path, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return igt_knob_write(path, text);
}

/* Writing "!NAME" to inject removes one function, writing an empty line removes all. */
static void remove_functions(void *data)
{
	(void)data;
	igt_knob_write(FAIL_FUNCTION "times", "0");
	igt_knob_write(FAIL_FUNCTION "probability", "0");
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
 * @times: number of calls that fail, at least 1
 *
 * Makes the next @times calls of @function, in any task, return -@err without running its body.
 * igt_fail_function_stop() or igt_teardown() ends the injection.
 */
void igt_fail_function_start(const char *function, int err, unsigned int times)
{
	char path[256];

	igt_teardown_add(remove_functions, NULL);
	igt_assert(igt_knob_write(FAIL_FUNCTION "inject", function));
	snprintf(path, sizeof(path), FAIL_FUNCTION "%s/retval", function);
	igt_assert(write_number(path, (uint64_t)-err));
	igt_assert(igt_knob_write(FAIL_FUNCTION "verbose", "0"));
	igt_assert(igt_knob_write(FAIL_FUNCTION "interval", "1"));
	igt_assert(igt_knob_write(FAIL_FUNCTION "space", "0"));
	igt_assert(igt_knob_write(FAIL_FUNCTION "task-filter", "N"));
	igt_assert(write_number(FAIL_FUNCTION "times", times));
	igt_assert(igt_knob_write(FAIL_FUNCTION "probability", "100"));
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
 * Ends error injection.
 */
void igt_fail_function_stop(void)
{
	igt_teardown_drop(remove_functions, NULL);
	remove_functions(NULL);
}
