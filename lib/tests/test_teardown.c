// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

/* What a subtest leaves behind: the order of undoing it, settings that are put back. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "igt_knob.h"
#include "igt_teardown.h"

static char undone[16];

static void undo(void *data)
{
	strcat(undone, data);
}

static int reset(void **state)
{
	(void)state;
	undone[0] = '\0';
	return 0;
}

static char a[] = "a", b[] = "b", c[] = "c";

static void test_order(void **state)
{
	(void)state;
	igt_teardown_add(undo, a);
	igt_teardown_add(undo, b);
	igt_teardown_add(undo, c);
	igt_teardown();
	assert_string_equal(undone, "cba");

	igt_teardown();
	assert_string_equal(undone, "cba");
}

static void test_drop(void **state)
{
	(void)state;
	igt_teardown_add(undo, a);
	igt_teardown_add(undo, b);
	igt_teardown_add(undo, b);
	igt_teardown_drop(undo, b);
	igt_teardown_drop(undo, c);
	igt_teardown();
	assert_string_equal(undone, "ba");
}

/* A child leaves the entries of its parent alone. */
static void test_fork(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	igt_teardown_add(undo, a);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		igt_teardown();
		_exit(undone[0] != '\0');
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	igt_teardown();
	assert_string_equal(undone, "a");
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void assert_file(const char *path, const char *text)
{
	char found[64];

	assert_true(igt_knob_read(path, found, sizeof(found)));
	assert_string_equal(found, text);
}

/* Files of the kernel show the chosen word in brackets, and take it alone. */
static void test_knob(void **state)
{
	char path[] = "/tmp/test-knob-XXXXXX";
	const int file = mkstemp(path);

	(void)state;
	assert_true(file >= 0);
	close(file);

	write_file(path, "1\n");
	assert_true(igt_knob_set(path, "2"));
	assert_true(igt_knob_set(path, "3"));
	assert_file(path, "3");
	igt_teardown();
	assert_file(path, "1");

	write_file(path, "4\n");
	assert_true(igt_knob_set(path, "5"));
	igt_knob_restore(path);
	assert_file(path, "4");
	write_file(path, "6");
	igt_teardown();
	assert_file(path, "6");

	write_file(path, "x [y] z\n");
	assert_true(igt_knob_set(path, "z"));
	igt_teardown();
	/* A plain file keeps the rest of its line behind the word. */
	assert_file(path, "y [y] z");
	unlink(path);
}

static void test_knob_missing(void **state)
{
	(void)state;
	assert_false(igt_knob_set("/nonexistent/knob", "1"));
	igt_knob_restore("/nonexistent/knob");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_order, reset),
		cmocka_unit_test_setup(test_drop, reset),
		cmocka_unit_test_setup(test_fork, reset),
		cmocka_unit_test(test_knob),
		cmocka_unit_test(test_knob_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
