// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <pthread.h>
#include <unistd.h>

#include "standalone.h"

#define HANDLERS 10

/* The signals that run the exit handlers. @name: announced; @survived: costs only the subtest. */
static const struct {
	int number;
	const char *name;
	bool survived;
} signals[] = {
	{ .number = SIGHUP },
	{ .number = SIGINT },
	{ .number = SIGPIPE },
	{ .number = SIGTERM },
	{ .number = SIGQUIT, .name = "SIGQUIT" },
	{ .number = SIGABRT, .name = "SIGABRT" },
	{ .number = SIGSEGV, .name = "SIGSEGV", .survived = true },
	{ .number = SIGBUS, .name = "SIGBUS", .survived = true },
	{ .number = SIGFPE, .name = "SIGFPE", .survived = true },
};

#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

/* @owner is the process whose handlers these are: a plain fork() copies them. */
static struct {
	igt_exit_handler_t handlers[HANDLERS];
	unsigned int count;
	pid_t owner;
} at_exit;

/* Newest first. A handler that does not return is not called again. */
static void handlers_call(int sig)
{
	if (at_exit.owner != getpid())
		return;
	while (at_exit.count)
		at_exit.handlers[--at_exit.count](sig);
}

static void announce(const char *name)
{
	char text[64];
	const int size = snprintf(text, sizeof(text), "Received signal %s.\n", name);

	if (write(STDERR_FILENO, text, size) < 0)
		return;
}

/* Only the process that runs the subtest can end it, in its main thread. */
static bool ends_the_subtest(void)
{
	return standalone_in_subtest() && !standalone_in_child() && !standalone_in_thread() &&
	       at_exit.owner == getpid();
}

/* What the end of a process takes. From here on signals end it at once. */
static void last_calls(int sig)
{
	for (unsigned int i = 0; i < SIGNALS; i++)
		signal(signals[i].number, SIG_DFL);
	if (at_exit.owner == getpid())
		standalone_children_kill();
	handlers_call(sig);
}

static void on_signal(int sig)
{
	for (unsigned int i = 0; i < SIGNALS; i++) {
		if (signals[i].number != sig)
			continue;
		if (signals[i].name)
			announce(signals[i].name);
		if (signals[i].survived && ends_the_subtest())
			standalone_crash(sig);
	}
	last_calls(sig);
	/* Blocked while this handler runs: takes effect when it returns. */
	raise(sig);
}

/* A copy that plain fork() made has nothing to do with the verdicts. */
static void on_exit_of_process(void)
{
	if (at_exit.owner != getpid())
		return;
	last_calls(0);
	if (standalone_options.is_test && !standalone_in_child() && !standalone_is_exiting())
		standalone_misuse("it calls exit()");
}

void standalone_exit_handlers_begin(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	if (at_exit.owner)
		return;
	at_exit.owner = getpid();
	atexit(on_exit_of_process);
	for (unsigned int i = 0; i < SIGNALS; i++)
		sigaction(signals[i].number, &action, NULL);
}

void standalone_exit_handlers_child(void)
{
	at_exit.count = 0;
	at_exit.owner = getpid();
}

/**
 * igt_install_exit_handler:
 * @fn: function, called with the number of the signal that ends the process, or 0
 *
 * Has @fn called when the process ends, before the functions that were installed earlier. Does
 * nothing if it is installed already. Children of igt_fork() begin without handlers.
 */
void igt_install_exit_handler(igt_exit_handler_t fn)
{
	for (unsigned int i = 0; i < at_exit.count; i++)
		if (at_exit.handlers[i] == fn)
			return;
	standalone_exit_handlers_begin();
	igt_assert_lt(at_exit.count, HANDLERS);
	at_exit.handlers[at_exit.count++] = fn;
}
