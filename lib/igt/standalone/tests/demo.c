// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

/*
 * Every end of a subtest, for lab/tests/test-standalone.sh: this program is linked with libigt and with
 * lib/igt/standalone, and both have to print the same. The environment variable DEMO asks for what
 * changes the whole program. errno is 0 unless a subtest is about it: libigt leaves others behind.
 */

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "igt.h"
#include "igt_os.h"

IGT_TEST_DESCRIPTION("A demonstration of how subtests end.");

static bool demo(const char *what)
{
	const char *wanted = getenv("DEMO");

	return wanted && !strcmp(wanted, what);
}

/* On stdout: igt_results takes what stderr has beside log lines for a warning. */
static void say(const char *words, int sig)
{
	char text[64];
	const int size = snprintf(text, sizeof(text), "%s: signal %d\n", words, sig);

	if (write(STDOUT_FILENO, text, size) < 0)
		_exit(1);
}

static void first_handler(int sig)
{
	say("first handler", sig);
}

static void second_handler(int sig)
{
	say("second handler", sig);
}

static void __igt_noreturn wait_for_ever(void)
{
	for (;;)
		pause();
}

static int option(int opt, int index, void *data)
{
	(void)index;
	(void)data;
	if (opt == 'n')
		return -2;
	printf("extra: %s\n", optarg);
	return 0;
}

static const struct option options[] = {
	{ "extra", required_argument, NULL, 'x' },
	{ "no", no_argument, NULL, 'n' },
	{},
};

static void *assert_in_thread(void *holds)
{
	errno = 0;
	igt_assert(holds);
	return NULL;
}

static void run_thread(bool holds)
{
	pthread_t thread;

	igt_assert_eq(pthread_create(&thread, NULL, assert_in_thread, holds ? &thread : NULL), 0);
	pthread_join(thread, NULL);
	igt_info("the thread is gone\n");
}

static void *require_in_thread(void *holds)
{
	igt_require(holds);
	return NULL;
}

static void verdicts(void)
{
	igt_describe("Passes.");
	igt_subtest("pass")
		igt_info("a line\n");

	igt_describe("Prints messages of every level, some of them in pieces.");
	igt_subtest("messages") {
		igt_debug("debug\n");
		igt_info("info");
		igt_info(", and more\nsecond line\n");
		igt_warn("warning\n");
		igt_critical("critical\n");
		igt_log("other", IGT_LOG_INFO, "info of another domain\n");
		igt_log("other", IGT_LOG_WARN, "warning of another domain\n");
	}

	igt_subtest("fail") {
		igt_debug("what came before\n");
		errno = 0;
		igt_assert(1 == 2);
	}
	igt_subtest("fail-message") {
		errno = 0;
		igt_assert_f(1 == 2, "two lines, the first with %d\nthe second\n", 5);
	}
	igt_subtest("fail-errno") {
		errno = ENOENT;
		igt_assert_eq(1, 2);
	}
	igt_subtest("fail-u64") {
		errno = 0;
		igt_assert_eq_u64(1, 1ull << 32 | 1);
	}
	igt_subtest("fail-lte") {
		errno = 0;
		igt_assert_lte(2, 1);
	}
	igt_subtest("skip") {
		errno = 0;
		igt_require(1 == 2);
	}
	igt_subtest("skip-message") {
		errno = EIO;
		igt_require_f(1 == 2, "not in this %s\n", "world");
	}
	igt_subtest("skip-on") {
		errno = 0;
		igt_skip_on_f(1 == 1, "not in this world\n");
	}
	igt_subtest("skip-plain")
		igt_skip("not here\n");
	igt_subtest("skip-late") {
		igt_warn("before the skip\n");
		igt_skip("not here\n");
	}
	igt_subtest("regex")
		igt_emit_ignore_dmesg_regex("one|another");
	igt_subtest("swap")
		igt_assert_lte_u64(igt_get_total_swap_mb(), 1ull << 40);
}

static void ends_of_the_process(void)
{
	static const struct {
		const char *name;
		int sig;
	} signals[] = {
		{ "signal-abrt", SIGABRT }, { "signal-alrm", SIGALRM }, { "signal-bus", SIGBUS },
		{ "signal-fpe", SIGFPE },   { "signal-hup", SIGHUP },	{ "signal-ill", SIGILL },
		{ "signal-int", SIGINT },   { "signal-kill", SIGKILL }, { "signal-pipe", SIGPIPE },
		{ "signal-quit", SIGQUIT }, { "signal-term", SIGTERM }, { "signal-usr1", SIGUSR1 },
	};

	igt_subtest("crash") {
		volatile char *volatile nowhere = NULL;

		*nowhere = 1;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(signals); i++) {
		igt_subtest(signals[i].name)
			raise(signals[i].sig);
	}
	igt_subtest("exit")
		exit(3);
	igt_subtest("hang") {
		igt_warn("for ever\n");
		wait_for_ever();
	}
	igt_subtest("raw-child") {
		if (!fork()) {
			sleep(1);
			_exit(0);
		}
	}
}

static void children(void)
{
	static struct igt_helper_process helper;

	igt_subtest("fork") {
		igt_fork(child, 3)
			usleep(1000);
		igt_waitchildren();
	}
	igt_subtest("fork-fail") {
		igt_fork(child, 2) {
			errno = 0;
			igt_assert(child == 0);
			wait_for_ever();
		}
		igt_waitchildren();
	}
	igt_subtest("fork-exit") {
		igt_fork(child, 1)
			exit(5);
		igt_waitchildren();
	}
	igt_subtest("fork-term") {
		igt_fork(child, 1)
			raise(SIGTERM);
		igt_waitchildren();
	}
	igt_subtest("fork-status") {
		igt_fork(child, 1)
			exit(7);
		igt_assert_eq(__igt_waitchildren(), 7);
	}
	igt_subtest("fork-handler") {
		igt_fork(child, 1)
			igt_install_exit_handler(second_handler);
		igt_waitchildren();
	}
	igt_subtest("fork-skip") {
		igt_fork(child, 1)
			igt_skip("in a child\n");
		igt_waitchildren();
	}
	igt_subtest("fork-left") {
		igt_fork(child, 1)
			wait_for_ever();
	}
	igt_subtest("fork-left-fail") {
		igt_fork(child, 1)
			wait_for_ever();
		errno = 0;
		igt_assert(false);
	}
	igt_subtest("fork-log") {
		igt_fork(child, 1)
			igt_debug("of the child\n");
		igt_waitchildren();
		igt_debug("of the parent\n");
		errno = 0;
		igt_assert(false);
	}
	igt_subtest("fork-crash") {
		igt_fork(child, 1)
			raise(SIGSEGV);
		igt_waitchildren();
	}
	igt_subtest("fork-hang") {
		igt_fork(child, 1) {
			igt_info("child of %d: %d\n", getppid(), getpid());
			wait_for_ever();
		}
		wait_for_ever();
	}
	igt_subtest("helper") {
		igt_fork_helper(&helper)
			wait_for_ever();
		igt_stop_helper(&helper);
		igt_assert(!helper.running);
	}
	igt_subtest("helper-wait") {
		igt_fork_helper(&helper)
			exit(3);
		igt_assert_eq(igt_wait_helper(&helper), 3 << 8);
	}
	igt_subtest("helper-left") {
		igt_fork_helper(&helper)
			wait_for_ever();
	}
	igt_subtest("thread")
		run_thread(true);
	igt_subtest("thread-fail")
		run_thread(false);
	igt_subtest("thread-skip") {
		pthread_t thread;

		pthread_create(&thread, NULL, require_in_thread, NULL);
		pthread_join(thread, NULL);
	}
}

static void containers_of_rows(void)
{
	igt_describe("Rows that pass.");
	igt_subtest_with_dynamic("rows-pass") {
		igt_dynamic("one")
			igt_info("in row one\n");
		igt_dynamic_f("number-%d", 2)
			igt_debug("in row two\n");
	}
	igt_subtest_with_dynamic("rows-mix") {
		igt_dynamic("one")
			igt_info("in row one\n");
		igt_dynamic("two") {
			errno = 0;
			igt_assert(false);
		}
		igt_dynamic("three")
			igt_skip("in row three\n");
		igt_dynamic("four") {
			igt_fork(child, 1)
				exit(9);
			igt_waitchildren();
		}
		igt_dynamic("five");
	}
	igt_subtest_with_dynamic("rows-skip") {
		igt_dynamic("one")
			igt_skip("in row one\n");
	}
	igt_subtest_with_dynamic("rows-pass-skip") {
		igt_dynamic("one");
		igt_dynamic("two")
			igt_skip("in row two\n");
	}
	igt_subtest_with_dynamic("rows-none")
		igt_debug("no row\n");
	igt_subtest_with_dynamic("rows-skip-outside") {
		igt_dynamic("one");
		igt_skip("outside of rows\n");
	}
	igt_subtest_with_dynamic("rows-fail-skip-outside") {
		igt_dynamic("one") {
			errno = 0;
			igt_assert(false);
		}
		igt_skip("outside of rows\n");
	}
	igt_subtest_with_dynamic("rows-fail-outside") {
		igt_dynamic("one");
		errno = 0;
		igt_assert(false);
	}
	igt_subtest_with_dynamic("rows-crash") {
		igt_dynamic("one")
			raise(SIGSEGV);
		igt_dynamic("two");
	}
	igt_subtest("rows-nowhere") {
		igt_dynamic("one");
	}
}

static void groups_of_subtests(void)
{
	igt_describe("The first group.");
	igt_subtest_group() {
		igt_fixture() {
			errno = 0;
			igt_require(!demo("skip"));
		}
		igt_fixture()
			igt_info("fixture after the requirement\n");
		igt_describe("In the first group.");
		igt_subtest("group-skip")
			igt_info("runs\n");
		igt_describe("A group in the first group.");
		igt_subtest_group()
			igt_subtest("group-in-group");
	}
	igt_subtest_group() {
		igt_fixture() {
			errno = 0;
			igt_assert(!demo("fail"));
		}
		igt_subtest("group-fail")
			igt_info("runs\n");
		igt_subtest("group-fail-more");
		igt_subtest_with_dynamic("group-rows")
			igt_dynamic("one");
	}
	igt_subtest("after-groups")
		igt_info("runs\n");
}

static void misuses(void)
{
	igt_subtest("misuse-fixture") {
		igt_fixture();
	}
	igt_subtest("misuse-subtest") {
		igt_subtest("inner");
	}
	if (demo("misuse-fail")) {
		errno = 0;
		igt_assert(false);
	}
	if (demo("misuse-skip"))
		igt_skip("outside\n");
	if (demo("misuse-name"))
		igt_subtest("a b");
	igt_fixture() {
		if (demo("misuse-fork"))
			igt_fork(child, 1);
	}
}

int igt_main_args("x:n", options, "  --extra <text>\tprint text\n", option, NULL)
{
	igt_fixture() {
		igt_info("first fixture\n");
		igt_install_exit_handler(first_handler);
		igt_install_exit_handler(second_handler);
		igt_install_exit_handler(first_handler);
		if (demo("crash"))
			raise(SIGSEGV);
	}
	verdicts();
	ends_of_the_process();
	children();
	containers_of_rows();
	groups_of_subtests();
	misuses();
	igt_describe("A description that is longer than a line of the output can be, which has to be "
		     "wrapped after a hundred columns, and has one word that no line can take: "
		     "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnop0123456789abcdefghijklmnop "
		     "before it ends.");
	igt_subtest("last");
	igt_fixture() {
		errno = 0;
		igt_assert(!demo("fail-last"));
		igt_info("last fixture\n");
	}
}
