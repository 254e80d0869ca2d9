// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "standalone.h"

/* The messages of this file that libigt gives a domain of its own. */
#define CORE "igt_core"

/* What becomes of the subtests of a group after a fixture. */
enum outlook {
	OUTLOOK_RUN,
	OUTLOOK_SKIP,
	OUTLOOK_FAIL,
};

/* Something that runs: a subtest, or a dynamic subtest in it, a row. @name is NULL if none does. */
struct running {
	const char *name;
	struct timespec start;
};

/**
 * test:
 * @subtest: the subtest that runs
 * @row: the row in it that runs
 * @has_rows: the subtest is a container of rows
 * @rows: rows that passed or failed
 * @row_failed: one of them failed
 * @in_fixture: a fixture runs
 * @outlook: of the subtests to come in this group
 * @found: --run-subtest selects something
 * @passed: a subtest passed
 * @failed: a subtest or a fixture failed
 * @exiting: igt_exit() ends the process
 * @exitcode: of the first failure
 */
static struct {
	struct running subtest, row;
	bool has_rows;
	unsigned int rows;
	bool row_failed;
	bool in_fixture;
	enum outlook outlook;
	bool found, passed, failed, exiting;
	int exitcode;
} test;

/* An assertion failed in a thread, which has ended. */
static atomic_bool thread_failed;

jmp_buf igt_subtest_jmpbuf;
jmp_buf igt_dynamic_jmpbuf;

bool standalone_in_subtest(void)
{
	return test.subtest.name;
}

bool standalone_is_exiting(void)
{
	return test.exiting;
}

void standalone_misuse(const char *what)
{
	fflush(stdout);
	fprintf(stderr, "%s: the test is wrong: %s\n", standalone_program(), what);
	abort();
}

static bool is_listing(void)
{
	return standalone_options.mode != STANDALONE_RUN;
}

/* ---------------------------------------------------------------------------------------------- */
/* Fixtures and groups */

/**
 * __igt_fixture:
 *
 * Returns: whether the body of a fixture is to run.
 */
bool __igt_fixture(void)
{
	if (test.in_fixture || test.subtest.name)
		standalone_misuse("a fixture in a fixture or a subtest");
	test.in_fixture = !is_listing() && test.outlook == OUTLOOK_RUN;
	return test.in_fixture;
}

/**
 * __igt_fixture_complete:
 *
 * The body of a fixture has reached its end.
 */
void __igt_fixture_complete(void)
{
	test.in_fixture = false;
}

/* Leaves the fixture that runs; subtests of its group will end with @outlook. */
static void __standalone_noreturn fixture_leave(enum outlook outlook)
{
	test.in_fixture = false;
	test.outlook = outlook;
	siglongjmp(igt_subtest_jmpbuf, 1);
}

/**
 * __igt_subtest_group_save:
 * @skip: gets what __igt_subtest_group_restore() has to restore
 * @describe: for the same
 *
 * A group begins.
 */
void __igt_subtest_group_save(int *skip, int *describe)
{
	if (test.in_fixture || test.subtest.name)
		standalone_misuse("a group in a fixture or a subtest");
	*skip = test.outlook;
	*describe = 0;
	standalone_describe_group_begin();
}

/**
 * __igt_subtest_group_restore:
 * @skip: from __igt_subtest_group_save()
 * @describe: from __igt_subtest_group_save()
 *
 * A group ends, and with it the effect of fixtures in it.
 */
void __igt_subtest_group_restore(int skip, int describe)
{
	(void)describe;
	test.outlook = skip;
	standalone_describe_group_end();
}

/* ---------------------------------------------------------------------------------------------- */
/* Subtests and rows, their beginnings and ends */

/* The streams that show where subtests begin and end: igt_runner asks for both. */
static void sentinel_on_stderr(const char *line)
{
	fflush(stdout);
	if (!getenv("IGT_SENTINEL_ON_STDERR"))
		return;
	fputs(line, stderr);
	fflush(stderr);
}

/* @capital and @small are the word for what begins or ends, as the formats have it. */
struct kind {
	const char *capital, *small;
};

static const struct kind subtest_kind = { "Subtest", "subtest" };
static const struct kind row_kind = { "Dynamic subtest", "dynamic subtest" };

static void begin(struct running *running, const struct kind *kind, const char *name)
{
	char line[512];

	standalone_kmsg("%s: starting %s %s\n", standalone_program(), kind->small, name);
	snprintf(line, sizeof(line), "Starting %s: %s\n", kind->small, name);
	igt_log(CORE, IGT_LOG_INFO, "%s", line);
	sentinel_on_stderr(line);
	standalone_log_forget();
	thread_failed = false;
	running->name = name;
	clock_gettime(CLOCK_MONOTONIC, &running->start);
}

/* The line from which igt_results takes the verdict. */
static void verdict_print(const struct kind *kind, const char *name, const char *verdict,
			  double seconds)
{
	char line[512];

	snprintf(line, sizeof(line), "%s %s: %s (%.3fs)\n", kind->capital, name, verdict, seconds);
	fputs(line, stdout);
	sentinel_on_stderr(line);
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - start->tv_sec + (now.tv_nsec - start->tv_nsec) / 1e9;
}

static void end(struct running *running, const struct kind *kind, const char *verdict)
{
	const char *name = running->name;

	verdict_print(kind, name, verdict, seconds_since(&running->start));
	standalone_kmsg("%s: finished %s %s, %s\n", standalone_program(), kind->small, name,
			verdict);
	standalone_children_stop();
	thread_failed = false;
	running->name = NULL;
}

/* Ends the row that runs, or else the subtest, and leaves its body. */
static void __standalone_noreturn leave(const char *verdict)
{
	if (test.row.name) {
		end(&test.row, &row_kind, verdict);
		siglongjmp(igt_dynamic_jmpbuf, 1);
	}
	end(&test.subtest, &subtest_kind, verdict);
	test.has_rows = false;
	siglongjmp(igt_subtest_jmpbuf, 1);
}

/* A name that igt_runner can select. A test with another one does not go on. */
static void name_check(const struct kind *kind, const char *name)
{
	for (const char *c = name; *c; c++) {
		if (isalnum((unsigned char)*c) || *c == '-' || *c == '_')
			continue;
		igt_log(CORE, IGT_LOG_CRITICAL, "not a name of a %s: \"%s\"\n", kind->small, name);
		igt_exit();
	}
}

/* What --list-subtests and its kin print of a subtest. */
static void list(const char *name, const char *file, int line)
{
	if (standalone_options.mode == STANDALONE_LIST)
		printf("%s\n", name);
	else if (standalone_options.mode == STANDALONE_TESTLIST)
		printf("igt@%s@%s\n", standalone_program(), name);
	else if (standalone_pattern_selects(standalone_options.subtests, name))
		standalone_describe(name, file, line);
}

/* Whether this process is to run or describe the subtest @name. */
static bool is_selected(const char *name)
{
	const bool selected = standalone_pattern_selects(standalone_options.subtests, name);

	test.found |= selected;
	return selected;
}

/**
 * __igt_run_subtest:
 * @name: of the subtest, used until it ends
 * @file: where it is
 * @line: where it is
 *
 * Returns: whether the body of the subtest is to run.
 */
bool __igt_run_subtest(const char *name, const char *file, const int line)
{
	bool runs = false;

	if (test.in_fixture || test.subtest.name)
		standalone_misuse("a subtest in a fixture or a subtest");
	name_check(&subtest_kind, name);
	if (is_listing()) {
		is_selected(name);
		list(name, file, line);
	} else if (is_selected(name)) {
		runs = test.outlook == OUTLOOK_RUN;
		if (!runs)
			verdict_print(&subtest_kind, name,
				      test.outlook == OUTLOOK_SKIP ? "SKIP" : "FAIL", 0);
	}
	standalone_describe_forget();
	if (!runs)
		return false;
	begin(&test.subtest, &subtest_kind, name);
	test.has_rows = false;
	return true;
}

/**
 * __igt_enter_dynamic_container:
 *
 * The subtest that has begun consists of rows.
 */
void __igt_enter_dynamic_container(void)
{
	test.has_rows = true;
	test.rows = 0;
	test.row_failed = false;
}

/**
 * __igt_run_dynamic_subtest:
 * @name: of the row, used until it ends
 *
 * Returns: whether the body of the row is to run.
 */
bool __igt_run_dynamic_subtest(const char *name)
{
	if (!test.has_rows)
		standalone_misuse("igt_dynamic() outside of igt_subtest_with_dynamic()");
	if (test.row.name)
		standalone_misuse("igt_dynamic() in igt_dynamic()");
	name_check(&row_kind, name);
	if (!standalone_pattern_selects(standalone_options.rows, name))
		return false;
	begin(&test.row, &row_kind, name);
	return true;
}

/* ---------------------------------------------------------------------------------------------- */
/* Verdicts */

/**
 * igt_success:
 *
 * The body of a subtest or row has reached its end, and is left.
 */
void igt_success(void)
{
	if (thread_failed) {
		igt_log("igt_thread", IGT_LOG_CRITICAL, "an assertion failed in a thread\n");
		igt_fail(IGT_EXIT_FAILURE);
	}
	if (test.row.name) {
		test.rows++;
		leave("SUCCESS");
	}
	if (test.has_rows && !test.rows)
		igt_skip("no row of this subtest passed or failed\n");
	if (test.has_rows && test.row_failed)
		igt_fail(IGT_EXIT_FAILURE);
	test.passed = true;
	leave("SUCCESS");
}

static void __standalone_noreturn skip_leave(void)
{
	fflush(stdout);
	if (!standalone_options.is_test)
		exit(IGT_EXIT_SKIP);
	if (test.in_fixture)
		fixture_leave(OUTLOOK_SKIP);
	if (!test.subtest.name)
		standalone_misuse("a skip outside of fixtures and subtests");
	leave("SKIP");
}

/* Before the reason of a skip is printed, which is no part of the log of a failure. */
static void skip_is_allowed(void)
{
	if (standalone_in_child())
		standalone_misuse("a skip in a child of igt_fork()");
	if (standalone_in_thread())
		standalone_misuse("a skip in a thread");
}

/**
 * igt_skip:
 * @f: reason
 *
 * Skips the subtest or row that runs, or all that come after the fixture in its group.
 */
void igt_skip(const char *f, ...)
{
	va_list args;

	skip_is_allowed();
	va_start(args, f);
	vprintf(f, args);
	va_end(args);
	skip_leave();
}

/* The line about errno, in @text, if there is an error; its message changes with errno itself. */
static const char *errno_format(char *text, size_t size, int err)
{
	*text = '\0';
	if (err)
		snprintf(text, size, "Last errno: %d, %s\n", err, strerror(err));
	return text;
}

/**
 * __igt_skip_check:
 * @file: where the requirement is
 * @line: where it is
 * @func: where it is
 * @check: the requirement
 * @format: reason, or NULL
 *
 * Skips for a requirement that is not met.
 */
void __igt_skip_check(const char *file, const int line, const char *func, const char *check,
		      const char *format, ...)
{
	char error[128];
	va_list args;

	errno_format(error, sizeof(error), errno);
	skip_is_allowed();
	printf("Test requirement not met in function %s, file %s:%i:\n", func, file, line);
	printf("Test requirement: %s\n", check);
	va_start(args, format);
	if (format)
		vprintf(format, args);
	va_end(args);
	fputs(error, stdout);
	skip_leave();
}

static void count_failure(int exitcode)
{
	if (!test.failed)
		test.exitcode = exitcode;
	test.failed = true;
}

/* Shows the log of what failed: of the row, the subtest, or the program in a fixture. */
static void log_dump(void)
{
	if (test.row.name)
		standalone_log_dump(row_kind.capital, test.row.name);
	else if (test.subtest.name)
		standalone_log_dump(subtest_kind.capital, test.subtest.name);
	else
		standalone_log_dump("Test", standalone_program());
}

/**
 * igt_fail:
 * @exitcode: exit status of the program, if this is its first failure
 *
 * Fails the subtest or row that runs, or all that come after the fixture in its group. Ends a child
 * of igt_fork(), and a program without subtests.
 */
void igt_fail(int exitcode)
{
	const bool between_rows = test.has_rows && !test.row.name;

	if (standalone_in_child() || !standalone_options.is_test) {
		log_dump();
		exit(exitcode);
	}
	if (between_rows && !test.row_failed)
		standalone_misuse("a failure in igt_subtest_with_dynamic(), outside of its rows");
	/* The log of each row that failed has been shown. */
	if (!between_rows)
		log_dump();
	if (test.row.name) {
		/* The exit status is that of the subtest, which fails at its end. */
		test.rows++;
		test.row_failed = true;
		leave("FAIL");
	}
	count_failure(exitcode);
	if (test.in_fixture)
		fixture_leave(OUTLOOK_FAIL);
	if (!test.subtest.name)
		standalone_misuse("a failure outside of fixtures and subtests");
	leave("FAIL");
}

/**
 * __igt_fail_assert:
 * @domain: log domain of the file
 * @file: where the assertion is
 * @line: where it is
 * @func: where it is
 * @assertion: what does not hold
 * @format: message, or NULL
 *
 * An assertion failed. In a thread, ends that, and igt_success() fails.
 */
void __igt_fail_assert(const char *domain, const char *file, const int line, const char *func,
		       const char *assertion, const char *format, ...)
{
	char error[128];
	va_list args;

	errno_format(error, sizeof(error), errno);
	igt_log(domain, IGT_LOG_CRITICAL, "Test assertion failure function %s, file %s:%i:\n", func,
		file, line);
	igt_log(domain, IGT_LOG_CRITICAL, "Failed assertion: %s\n", assertion);
	if (*error)
		igt_log(domain, IGT_LOG_CRITICAL, "%s", error);
	va_start(args, format);
	if (format)
		standalone_vlog(domain, IGT_LOG_CRITICAL, format, args);
	va_end(args);
	if (standalone_in_thread()) {
		thread_failed = true;
		pthread_exit(NULL);
	}
	igt_fail(IGT_EXIT_FAILURE);
}

/* As in libigt, the crash of a row counts for the exit status, and its container does not fail. */
void standalone_crash(int sig)
{
	count_failure(128 + sig);
	if (test.row.name)
		test.rows++;
	leave("CRASH");
}

static int exitcode(void)
{
	if (test.failed)
		return test.exitcode;
	return test.passed ? IGT_EXIT_SUCCESS : IGT_EXIT_SKIP;
}

/**
 * igt_exit:
 *
 * Ends the program, with the status of the first failure; without one, with 0 if a subtest passed,
 * or else with IGT_EXIT_SKIP.
 */
void igt_exit(void)
{
	test.exiting = true;
	if (standalone_options.subtests && !test.found) {
		igt_log(CORE, IGT_LOG_CRITICAL, "no such subtest: %s\n",
			standalone_options.subtests);
		exit(IGT_EXIT_INVALID);
	}
	if (is_listing())
		exit(IGT_EXIT_SUCCESS);
	standalone_kmsg("%s: exiting, ret=%d\n", standalone_program(), exitcode());
	igt_log(CORE, IGT_LOG_DEBUG, "exit status %d\n", exitcode());
	standalone_children_stop();
	if (standalone_children_left())
		standalone_misuse("it leaves processes behind");
	exit(exitcode());
}
