// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "standalone.h"

/* Helpers that run at a time. */
#define HELPERS 4

/* An entry of @pids is 0 once that child has been reaped. */
static struct {
	pid_t *pids;
	unsigned int count, capacity;
	pid_t helpers[HELPERS];
	bool is_child;
} children;

bool standalone_in_child(void)
{
	return children.is_child;
}

/* A child has none of its parent's handlers and children, and ends when the parent does. */
static void child_begin(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(IGT_EXIT_FAILURE);
	children.is_child = true;
	children.count = 0;
	memset(children.helpers, 0, sizeof(children.helpers));
	standalone_exit_handlers_child();
	standalone_log_child();
}

/* The process number of the child, or 0 in it. */
static pid_t fork_child(void)
{
	const pid_t parent = getpid();
	pid_t pid;

	fflush(NULL);
	pid = fork();
	igt_assert_f(pid >= 0, "fork: %m\n");
	if (!pid)
		child_begin(parent);
	return pid;
}

/**
 * __igt_fork:
 *
 * Starts a child of the subtest, for igt_fork(). igt_waitchildren() waits for it.
 *
 * Returns: true in the child, whose body has to end in exit().
 */
bool __igt_fork(void)
{
	pid_t pid;

	if (!standalone_in_subtest())
		standalone_misuse("igt_fork() outside of a subtest");
	if (children.is_child)
		standalone_misuse("igt_fork() in a child");
	if (children.count == children.capacity) {
		children.capacity = children.capacity ? 2 * children.capacity : 16;
		children.pids =
			realloc(children.pids, children.capacity * sizeof(children.pids[0]));
		igt_assert(children.pids);
	}
	pid = fork_child();
	if (!pid)
		return true;
	children.pids[children.count++] = pid;
	return false;
}

void standalone_children_kill(void)
{
	for (unsigned int i = 0; i < children.count; i++)
		if (children.pids[i])
			kill(children.pids[i], SIGKILL);
	for (unsigned int i = 0; i < HELPERS; i++)
		if (children.helpers[i])
			kill(children.helpers[i], SIGKILL);
}

/* The status of a process of our own, whatever signals come meanwhile. */
static int reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

void standalone_children_stop(void)
{
	if (children.is_child)
		return;
	for (unsigned int i = 0; i < children.count; i++)
		if (children.pids[i])
			kill(children.pids[i], SIGKILL);
	for (unsigned int i = 0; i < children.count; i++)
		if (children.pids[i])
			reap(children.pids[i]);
	children.count = 0;
}

bool standalone_children_left(void)
{
	int status;

	return waitpid(-1, &status, WNOHANG) != -1 || errno != ECHILD;
}

/* Says how child @n ended, on stdout; not in the log, which has the child's own words. */
static int child_report(unsigned int n, int status)
{
	const int sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (sig)
		printf("child %u: ended by signal %d (%s)\n", n, sig, strsignal(sig));
	else
		printf("child %u: exit status %d\n", n, WEXITSTATUS(status));
	fflush(stdout);
	return sig ? 128 + sig : WEXITSTATUS(status);
}

/* The child with this process number, or @children.count. */
static unsigned int child_find(pid_t pid)
{
	unsigned int n = 0;

	while (n < children.count && children.pids[n] != pid)
		n++;
	return n;
}

/**
 * __igt_waitchildren:
 *
 * Waits for the children of igt_fork(). After the first that fails, kills the others.
 *
 * Returns: 0, or the exit status of the first that failed, 128 and more for a signal.
 */
int __igt_waitchildren(void)
{
	unsigned int left = children.count;
	int err = 0;

	if (children.is_child)
		standalone_misuse("igt_waitchildren() in a child");
	while (left) {
		int status;
		const pid_t pid = waitpid(-1, &status, 0);
		unsigned int n;

		if (pid < 0 && errno == EINTR)
			continue;
		igt_assert_f(pid > 0, "%u children cannot be waited for: %m\n", left);
		n = child_find(pid);
		if (n == children.count)
			continue;
		children.pids[n] = 0;
		left--;
		if (!status || err)
			continue;
		err = child_report(n, status);
		for (unsigned int i = 0; i < children.count; i++)
			if (children.pids[i])
				kill(children.pids[i], SIGKILL);
	}
	children.count = 0;
	return err;
}

/**
 * igt_waitchildren:
 *
 * Waits for the children of igt_fork(), and fails as the first of them that failed did.
 */
void igt_waitchildren(void)
{
	const int err = __igt_waitchildren();

	if (err)
		igt_fail(err);
}

/**
 * __igt_fork_helper:
 * @proc: the helper, zeroed
 *
 * Starts a process beside subtests, for igt_fork_helper(). A fixture may do so, too.
 *
 * Returns: true in the helper.
 */
bool __igt_fork_helper(struct igt_helper_process *proc)
{
	int id = 0;
	pid_t pid;

	igt_assert(!proc->running);
	while (id < HELPERS && children.helpers[id])
		id++;
	igt_assert_lt(id, HELPERS);
	pid = fork_child();
	if (!pid)
		return true;
	children.helpers[id] = pid;
	proc->running = true;
	proc->pid = pid;
	proc->id = id;
	return false;
}

/**
 * igt_wait_helper:
 * @proc: a running helper
 *
 * Waits for its end.
 *
 * Returns: its status, as waitpid() has it.
 */
int igt_wait_helper(struct igt_helper_process *proc)
{
	int status;

	igt_assert(proc->running);
	status = reap(proc->pid);
	children.helpers[proc->id] = 0;
	proc->running = false;
	return status;
}

/**
 * igt_stop_helper:
 * @proc: a helper, running or not
 *
 * Ends it. A helper that ended before is a failure.
 */
void igt_stop_helper(struct igt_helper_process *proc)
{
	const int sig = proc->use_SIGKILL ? SIGKILL : SIGTERM;
	int status;

	if (!proc->running)
		return;
	kill(proc->pid, sig);
	status = igt_wait_helper(proc);
	igt_assert_f(WIFSIGNALED(status) && WTERMSIG(status) == sig,
		     "the helper had ended before, with status %#x\n", status);
}
