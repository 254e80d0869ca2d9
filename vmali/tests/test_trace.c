// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * Unit tests of trace/.
 *
 *  1. off: nothing is evaluated; a file that cannot be opened is an error and leaves it off.
 *  2. form and time of a line: the time is between two readings of CLOCK_MONOTONIC.
 *  3. lines of several threads are whole and in the order of their times.
 *  4. a full disk is reported when the trace ends, and does not stop anything.
 *  5. log_once() writes one line for each call site.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "trace/trace.h"

#define THREADS 4
#define LINES 500 /* per thread: more than the buffer of a FILE holds */

static char path[] = "/tmp/vmali-trace.XXXXXX";

static int setup(void **state)
{
	int fd;

	(void)state;
	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	trace_close();
	return unlink(path);
}

static unsigned int evaluated;

static unsigned int evaluate(void)
{
	return ++evaluated;
}

static long file_size(void)
{
	FILE *file = fopen(path, "re");
	long size;

	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	fclose(file);
	return size;
}

static void test_off(void **state)
{
	(void)state;
	evaluated = 0;
	trace("mmu", "%u", evaluate());
	assert_int_equal(evaluated, 0);
	assert_int_equal(trace_open("/nonexistent/trace"), -ENOENT);
	assert_false(trace_enabled);

	assert_int_equal(trace_open(path), 0);
	trace("mmu", "%u", evaluate());
	assert_int_equal(evaluated, 1);
	trace_close();
	assert_true(file_size() > 0);
	trace("mmu", "%u", evaluate());
	assert_int_equal(evaluated, 1);
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void test_line(void **state)
{
	unsigned long long seconds, us;
	uint64_t before, after;
	char text[64];
	FILE *file;

	(void)state;
	assert_int_equal(trace_open(path), 0);
	before = now_us();
	trace("mmu", "AS%u LOCK 0x%x", 1, 0x80000000);
	after = now_us();
	trace_close();

	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "[ %llu.%6llu] %63[^\n]", &seconds, &us, text), 3);
	fclose(file);
	assert_string_equal(text, "mmu: AS1 LOCK 0x80000000");
	assert_true(seconds * 1000000 + us >= before && seconds * 1000000 + us <= after);
}

static void *write_lines(void *arg)
{
	for (unsigned int i = 0; i < LINES; i++)
		trace("cs", "thread %u line %u", *(unsigned int *)arg, i);
	return NULL;
}

static void check_lines(FILE *file)
{
	unsigned int next[THREADS] = { 0 }, thread, line;
	unsigned long long seconds, us, last = 0;

	for (unsigned int i = 0; i < THREADS * LINES; i++) {
		assert_int_equal(fscanf(file, "[ %llu.%6llu] cs: thread %u line %u\n", &seconds,
					&us, &thread, &line),
				 4);
		assert_true(thread < THREADS);
		assert_int_equal(line, next[thread]++);
		assert_true(seconds * 1000000 + us >= last);
		last = seconds * 1000000 + us;
	}
	assert_int_equal(fgetc(file), EOF);
}

static void test_threads(void **state)
{
	unsigned int number[THREADS];
	pthread_t thread[THREADS];
	FILE *file;

	(void)state;
	assert_int_equal(trace_open(path), 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		number[i] = i;
		assert_int_equal(pthread_create(&thread[i], NULL, write_lines, &number[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	trace_close();
	file = fopen(path, "re");
	assert_non_null(file);
	check_lines(file);
	fclose(file);
}

/* Count the lines of @write on standard error. Copies the first one to @first. */
static unsigned int count_stderr_lines(void (*write)(void), char *first, size_t size)
{
	int saved = dup(STDERR_FILENO), fd = open(path, O_RDWR | O_TRUNC | O_CLOEXEC);
	unsigned int lines = 0;
	char line[256];
	FILE *file;

	assert_true(saved >= 0 && fd >= 0);
	dup2(fd, STDERR_FILENO);
	write();
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);

	file = fdopen(fd, "r");
	assert_non_null(file);
	rewind(file);
	*first = '\0';
	for (; fgets(line, sizeof(line), file); lines++) {
		if (!lines)
			snprintf(first, size, "%s", line);
	}
	fclose(file);
	return lines;
}

static void fill_disk(void)
{
	assert_int_equal(trace_open("/dev/full"), 0);
	for (unsigned int i = 0; i < LINES; i++)
		trace("cs", "line %u", i);
	trace_close();
}

static void test_full_disk(void **state)
{
	char first[256];

	(void)state;
	assert_int_equal(count_stderr_lines(fill_disk, first, sizeof(first)), 1);
	assert_string_equal(first, "vmali: trace: part of it could not be written\n");
}

static void log_some(void)
{
	for (unsigned int i = 0; i < 3; i++) {
		log_once("number %u", i);
		log_once("again %u", i);
	}
	log_line("line %u", 7);
}

static void test_log_once(void **state)
{
	char first[256];

	(void)state;
	assert_int_equal(count_stderr_lines(log_some, first, sizeof(first)), 3);
	assert_string_equal(first, "vmali: number 0\n");
	assert_int_equal(count_stderr_lines(log_some, first, sizeof(first)), 1);
}

static void trace_to_stderr(void)
{
	assert_int_equal(trace_open("-"), 0);
	trace("pci", "one");
	trace_close();
	log_line("still there");
}

static void test_stderr(void **state)
{
	char first[256];

	(void)state;
	assert_int_equal(count_stderr_lines(trace_to_stderr, first, sizeof(first)), 2);
	assert_non_null(strstr(first, "] pci: one\n"));
}

#define TRACE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		TRACE_TEST(test_off),
		TRACE_TEST(test_line),
		TRACE_TEST(test_threads),
		TRACE_TEST(test_full_disk),
		TRACE_TEST(test_log_once),
		TRACE_TEST(test_stderr),
	};
	/* clang-format on */

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
