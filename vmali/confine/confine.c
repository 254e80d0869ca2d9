// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "confine/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define ANY { 0 }

/* The argument @index has none of the bits @bits, or all of them. */
#define WITHOUT(index, bits) { index, SCMP_CMP_MASKED_EQ, bits, 0 }
#define WITH(index, bits) { index, SCMP_CMP_MASKED_EQ, bits, bits }
#define EQUAL(index, value) { index, SCMP_CMP_EQ, value, 0 }

/**
 * struct allowed - A system call that is kept
 * @number: of the call; a negative one does not exist on this architecture, and is left out.
 * @is_limited: @argument has to hold.
 */
struct allowed {
	int number;
	bool is_limited;
	struct scmp_arg_cmp argument;
};

static const struct allowed calls[] = {
	/* messages of the client, interrupts, trace, findings, standard error */
	{ SCMP_SYS(recvmsg), false, ANY },
	{ SCMP_SYS(sendto), true, EQUAL(4, 0) },
	{ SCMP_SYS(read), false, ANY },
	{ SCMP_SYS(write), false, ANY },
	{ SCMP_SYS(writev), false, ANY },
	{ SCMP_SYS(poll), false, ANY },
	{ SCMP_SYS(ppoll), false, ANY },
	{ SCMP_SYS(close), false, ANY },
	/* files that the client sends: size, flags */
	{ SCMP_SYS(fstat), false, ANY },
	{ SCMP_SYS(newfstatat), true, WITH(3, AT_EMPTY_PATH) },
	{ SCMP_SYS(lseek), false, ANY },
	{ SCMP_SYS(fcntl), true, EQUAL(1, F_GETFL) },
	{ SCMP_SYS(fcntl), true, EQUAL(1, F_SETFL) },
	/* the buffering of a stream whose file may be a terminal */
	{ SCMP_SYS(ioctl), true, EQUAL(1, TCGETS) },
	/* guest memory, malloc() */
	{ SCMP_SYS(mmap), true, WITHOUT(2, PROT_EXEC) },
	{ SCMP_SYS(mprotect), true, WITHOUT(2, PROT_EXEC) },
	{ SCMP_SYS(munmap), false, ANY },
	{ SCMP_SYS(mremap), false, ANY },
	{ SCMP_SYS(madvise), false, ANY },
	{ SCMP_SYS(brk), false, ANY },
	/* locks, waits, time */
	{ SCMP_SYS(futex), false, ANY },
	{ SCMP_SYS(sched_yield), false, ANY },
	{ SCMP_SYS(clock_gettime), false, ANY },
	{ SCMP_SYS(clock_nanosleep), false, ANY },
	{ SCMP_SYS(nanosleep), false, ANY },
	{ SCMP_SYS(restart_syscall), false, ANY },
	/* the begin of a thread that has not run yet, the ends of threads and of the process, abort() */
	{ SCMP_SYS(rseq), false, ANY },
	{ SCMP_SYS(set_robust_list), false, ANY },
	{ SCMP_SYS(rt_sigreturn), false, ANY },
	{ SCMP_SYS(rt_sigprocmask), false, ANY },
	{ SCMP_SYS(getpid), false, ANY },
	{ SCMP_SYS(gettid), false, ANY },
	{ SCMP_SYS(tgkill), true, EQUAL(2, SIGABRT) },
	{ SCMP_SYS(exit), false, ANY },
	{ SCMP_SYS(exit_group), false, ANY },
};

/* Appends the digits of @number at @text. Return: their end. */
static char *put_number(char *text, unsigned int number)
{
	if (number >= 10)
		text = put_number(text, number / 10);
	*text = '0' + number % 10;
	return text + 1;
}

/* Nothing but calls that are safe in a signal handler, and allowed. */
static void refused(int signal, siginfo_t *info, void *context)
{
	char line[64] = "vmali: system call ";
	char *end = put_number(line + strlen(line), info->si_syscall);
	static const char rest[] = " is not allowed: ended\n";
	ssize_t written;

	(void)signal;
	(void)context;
	memcpy(end, rest, sizeof(rest));
	written = write(STDERR_FILENO, line, strlen(line));
	(void)written;
	_exit(1);
}

static int handle_refused(void)
{
	struct sigaction action = { .sa_sigaction = refused, .sa_flags = SA_SIGINFO };

	sigemptyset(&action.sa_mask);
	return sigaction(SIGSYS, &action, NULL) ? -errno : 0;
}

static int allow(scmp_filter_ctx filter, const struct allowed *call)
{
	if (call->number < 0)
		return 0;
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call->number, call->is_limited,
				      &call->argument);
}

/* For all threads. */
static int load(scmp_filter_ctx filter)
{
	int ret = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	for (size_t i = 0; !ret && i < sizeof(calls) / sizeof(calls[0]); i++)
		ret = allow(filter, &calls[i]);
	return ret ? ret : seccomp_load(filter);
}

int confine(void)
{
	scmp_filter_ctx filter;
	int ret;

	if (VMALI_SANITIZED)
		return 0;
	ret = handle_refused();
	if (ret)
		return ret;
	filter = seccomp_init(SCMP_ACT_TRAP);
	if (!filter)
		return -ENOMEM;
	ret = load(filter);
	seccomp_release(filter);
	return ret;
}
