// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * Tests of confine(), each in a child process.
 *
 *  1. what serving a client needs goes on: memory, files that are open, waits, threads.
 *  2. each other call ends the process with status 1 and a line that has its number. Hunts a call
 *     that was forgotten, and arguments that are not looked at.
 *  3. a thread that was there before is confined too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "confine/confine.h"

#define PAGE 4096
#define DEADLINE_S 10

/* Status of a child in which something went otherwise than it has to. */
#define WRONG 77

/**
 * struct child - The end of a child process
 * @status: of its exit.
 * @words: what it printed on standard error.
 */
struct child {
	int status;
	char words[256];
};

/* A child process calls @prepare, confine() and @body. */
static void run(struct child *child, void (*prepare)(void), void (*body)(void))
{
	ssize_t got;
	int pipes[2], status;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		alarm(DEADLINE_S);
		dup2(pipes[1], STDERR_FILENO);
		if (prepare)
			prepare();
		if (confine())
			_exit(WRONG);
		body();
		_exit(0);
	}
	close(pipes[1]);
	got = read(pipes[0], child->words, sizeof(child->words) - 1);
	assert_true(got >= 0);
	child->words[got] = '\0';
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	child->status = WEXITSTATUS(status);
}

static void need(bool good)
{
	if (!good)
		_exit(WRONG);
}

static void serve(void)
{
	struct timespec now, nap = { .tv_nsec = 1000 };
	struct pollfd wait = { .fd = STDERR_FILENO, .events = POLLOUT };
	char *large = malloc(1 << 24);
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(large && page != MAP_FAILED);
	memset(large, 1, 1 << 24);
	large = realloc(large, 1 << 25);
	need(large);
	free(large);
	need(!munmap(page, PAGE));
	need(poll(&wait, 1, 1000) == 1);
	need(!clock_gettime(CLOCK_MONOTONIC, &now) && !nanosleep(&nap, NULL));
	need(fcntl(STDERR_FILENO, F_SETFL, fcntl(STDERR_FILENO, F_GETFL) | O_NONBLOCK) == 0);
	need(lseek(STDERR_FILENO, 0, SEEK_CUR) < 0 && errno == ESPIPE);
	fprintf(stderr, "served %d\n", 1);
}

static void test_serving(void **state)
{
	struct child child;

	(void)state;
	run(&child, NULL, serve);
	assert_string_equal(child.words, "served 1\n");
	assert_int_equal(child.status, 0);
}

static void open_file(void)
{
	open("/dev/null", O_RDONLY);
}

static void make_socket(void)
{
	socket(AF_UNIX, SOCK_STREAM, 0);
}

static void duplicate(void)
{
	fcntl(STDERR_FILENO, F_DUPFD, 10);
}

static void map_executable(void)
{
	mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void make_executable(void)
{
	mprotect((void *)((uintptr_t)make_executable & ~(uintptr_t)(PAGE - 1)), PAGE,
		 PROT_READ | PROT_WRITE | PROT_EXEC);
}

static void start_program(void)
{
	execl("/bin/true", "true", NULL);
}

static void make_process(void)
{
	syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void signal_others(void)
{
	syscall(SYS_kill, 1, 0);
}

static void look_at_path(void)
{
	char stat[256];

	syscall(SYS_newfstatat, AT_FDCWD, "/", stat, 0);
}

static const struct {
	const char *name;
	void (*body)(void);
	long number;
} refused[] = {
	{ "open()", open_file, SYS_openat },
	{ "socket()", make_socket, SYS_socket },
	{ "fcntl(F_DUPFD)", duplicate, SYS_fcntl },
	{ "mmap(PROT_EXEC)", map_executable, SYS_mmap },
	{ "mprotect(PROT_EXEC)", make_executable, SYS_mprotect },
	{ "execve()", start_program, SYS_execve },
	{ "clone()", make_process, SYS_clone },
	{ "kill()", signal_others, SYS_kill },
	{ "fstatat() of a path", look_at_path, SYS_newfstatat },
};

static void assert_refused(void (*prepare)(void), void (*body)(void), const char *name,
			   long number)
{
	struct child child;
	char words[sizeof(child.words)];

	run(&child, prepare, body);
	snprintf(words, sizeof(words), "vmali: system call %ld is not allowed: ended\n", number);
	if (strcmp(child.words, words))
		print_error("%s\n", name);
	assert_string_equal(child.words, words);
	assert_int_equal(child.status, 1);
}

static void test_refused(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_refused(NULL, refused[i].body, refused[i].name, refused[i].number);
}

static pthread_barrier_t barrier;

static void *wait_and_open(void *arg)
{
	pthread_barrier_wait(&barrier);
	open_file();
	return arg;
}

static void start_thread(void)
{
	pthread_t thread;

	need(!pthread_barrier_init(&barrier, NULL, 2));
	need(!pthread_create(&thread, NULL, wait_and_open, NULL));
}

static void await_thread(void)
{
	pthread_barrier_wait(&barrier);
	for (;;)
		poll(NULL, 0, -1);
}

static void test_thread(void **state)
{
	(void)state;
	assert_refused(start_thread, await_thread, "open() of a thread", SYS_openat);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serving),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_thread),
	};

	if (VMALI_SANITIZED)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
