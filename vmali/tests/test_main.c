// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * Tests of the program vmali from outside; the first argument is its path.
 *
 *  1. command line: wrong usage is status 2 and one line, --help and --version are status 0.
 *  2. set-up that fails is status 1 and one line, and leaves no socket.
 *  3. SIGTERM, SIGINT and SIGHUP, before a client is there and while one is connected: status 0,
 *     the socket is gone, the trace is written.
 *  4. a client that disconnects: status 0; a client that violates the protocol: status 1.
 *  5. after the first client has connected, a second one is refused and the socket's name is free.
 *  6. a client that breaks a rule: a line in the file of findings, and a status that --rules decides.
 *
 * Each wait ends after DEADLINE_MS. On an idle machine, waits are much shorter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "front/protocol.h"

#define DEADLINE_MS 10000
#define MAX_ARGS 8

static const char *program;
static char folder[] = "/tmp/vmali-main.XXXXXX";
static char socket_path[sizeof(folder) + 8], trace_path[sizeof(folder) + 8];

struct process {
	pid_t pid;
	int output; /* its standard output and standard error */
};

static int setup(void **state)
{
	(void)state;
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(socket_path, sizeof(socket_path), "%s/s", folder);
	snprintf(trace_path, sizeof(trace_path), "%s/trace", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(trace_path);
	return rmdir(folder); /* fails if vmali left anything */
}

static void start(struct process *process, const char *const *args)
{
	const char *argv[MAX_ARGS + 2] = { program };
	int pipes[2];

	for (unsigned int i = 0; args[i]; i++)
		argv[i + 1] = args[i];
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	process->pid = fork();
	assert_true(process->pid >= 0);
	if (!process->pid) {
		/* a failed test leaves no process behind */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(pipes[1], STDOUT_FILENO);
		dup2(pipes[1], STDERR_FILENO);
		execv(program, (char *const *)argv);
		_exit(127);
	}
	close(pipes[1]);
	process->output = pipes[0];
}

/* Wait for the end of the process, which closes its output. Return: exit status. */
static int finish(struct process *process, char *output, size_t size)
{
	struct pollfd poll_fd = { .fd = process->output, .events = POLLIN };
	size_t len = 0;
	ssize_t got;
	int status;

	do {
		assert_int_equal(poll(&poll_fd, 1, DEADLINE_MS), 1);
		got = read(process->output, output + len, size - 1 - len);
		assert_true(got >= 0);
		len += (size_t)got;
	} while (got);
	output[len] = '\0';
	close(process->output);
	assert_int_equal(waitpid(process->pid, &status, 0), process->pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static unsigned int count_lines(const char *text)
{
	unsigned int lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static bool socket_exists(void)
{
	struct stat st;

	return !lstat(socket_path, &st);
}

static void test_usage(void **state)
{
	static const struct {
		const char *args[MAX_ARGS];
		int status;
		const char *says;
	} rows[] = {
		{ { NULL }, 2, "--socket" },
		{ { "--socket" }, 2, "--socket" },
		{ { "--socket", "" }, 2, "--socket" },
		{ { "--socket", socket_path, "more" }, 2, "more" },
		{ { "--socket", socket_path, "--tlb", "large" }, 2, "large" },
		{ { "--socket", socket_path, "--tlb", "tiny:" }, 2, "tiny:" },
		{ { "--socket", socket_path, "--tlb" }, 2, "--tlb" },
		{ { "--socket", socket_path, "--rules", "on" }, 2, "on" },
		{ { "--socket", socket_path, "--rules" }, 2, "--rules" },
		{ { "--socket", socket_path, "--rules", "off", "--findings", "f" }, 2, "--findings" },
		{ { "--socket", socket_path, "--findings", "/nonexistent/f" }, 1, "/nonexistent/f" },
		{ { "--sockets", socket_path }, 2, "--sockets" },
		{ { "-x" }, 2, "-x" },
		{ { "--version" }, 0, "vmali " },
		{ { "--socket", "/nonexistent/s" }, 1, "/nonexistent/s" },
		{ { "--socket", "/" }, 1, "/" },
		{ { "--socket", socket_path, "--trace", "/nonexistent/t" }, 1, "/nonexistent/t" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct process process;
		char output[4096];
		int status;

		start(&process, rows[i].args);
		status = finish(&process, output, sizeof(output));
		if (status != rows[i].status || count_lines(output) != 1 ||
		    !strstr(output, rows[i].says))
			fail_msg("row %zu: status %d, output: %s", i, status, output);
		assert_false(socket_exists());
	}
}

static void test_help(void **state)
{
	static const char *const args[] = { "--help", NULL };
	static const char *const options[] = {
		"--socket", "--tlb", "--rules", "--findings", "--trace", "--help", "--version",
	};
	struct process process;
	char output[4096];

	(void)state;
	start(&process, args);
	assert_int_equal(finish(&process, output, sizeof(output)), 0);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		assert_non_null(strstr(output, options[i]));
}

/* Wait until the socket is there. */
static void await_socket(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (unsigned int ms = 0; !socket_exists(); ms++) {
		assert_true(ms < DEADLINE_MS);
		nanosleep(&pause, NULL);
	}
}

/* Start with a socket and a trace. */
static void start_server(struct process *process)
{
	const char *args[] = { "--socket", socket_path, "--trace", trace_path, NULL };

	start(process, args);
	await_socket();
}

/* Return: a connected socket, or -1. */
static int connect_client(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(addr.sun_path, socket_path, strlen(socket_path) + 1);
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	close(fd);
	return -1;
}

/* Send one request and wait for its reply. */
static void ask(int client, uint16_t command, const void *payload, size_t size)
{
	struct vfio_user_header header = {
		.command = command,
		.size = (uint32_t)(sizeof(header) + size),
	};
	struct pollfd poll_fd = { .fd = client, .events = POLLIN };
	uint8_t reply[4096];

	assert_int_equal(send(client, &header, sizeof(header), 0), sizeof(header));
	assert_int_equal(send(client, payload, size, 0), size);
	assert_int_equal(poll(&poll_fd, 1, DEADLINE_MS), 1);
	assert_true(recv(client, reply, sizeof(reply), 0) >= (ssize_t)sizeof(header));
	memcpy(&header, reply, sizeof(header));
	assert_int_equal(header.flags, VFIO_USER_TYPE_REPLY);
}

static int connect_and_agree(void)
{
	int client = connect_client();

	assert_true(client >= 0);
	ask(client, VFIO_USER_VERSION, "\0\0\0\0", 4);
	ask(client, VFIO_USER_DEVICE_RESET, "", 0);
	return client;
}

/* The trace holds the reset, and its last line is whole. */
static void check_trace(void)
{
	char text[4096];
	FILE *file = fopen(trace_path, "re");
	size_t len;

	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	assert_non_null(strstr(text, "pci: function reset\n"));
	assert_int_equal(text[len - 1], '\n');
}

static void test_signals(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	char output[4096];

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		bool connected = i % 2;
		struct process process;
		int client = -1;

		start_server(&process);
		if (connected)
			client = connect_and_agree();
		assert_int_equal(kill(process.pid, signals[i / 2]), 0);
		assert_int_equal(finish(&process, output, sizeof(output)), 0);
		assert_string_equal(output, "");
		assert_false(socket_exists());
		if (connected) {
			check_trace();
			close(client);
		}
	}
}

static void test_disconnect(void **state)
{
	struct process process;
	char output[4096];

	(void)state;
	start_server(&process);
	close(connect_and_agree());
	assert_int_equal(finish(&process, output, sizeof(output)), 0);
	assert_string_equal(output, "");
	check_trace();
}

static void test_second_client(void **state)
{
	struct process process;
	char output[4096];
	int client;

	(void)state;
	start_server(&process);
	client = connect_and_agree();
	assert_false(socket_exists());
	assert_int_equal(connect_client(), -1);
	close(client);
	assert_int_equal(finish(&process, output, sizeof(output)), 0);
}

static void test_garbage(void **state)
{
	struct process process;
	char output[4096];
	int client;

	(void)state;
	start_server(&process);
	client = connect_client();
	assert_true(client >= 0);
	assert_int_equal(send(client, "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
	assert_int_equal(finish(&process, output, sizeof(output)), 1);
	assert_non_null(strstr(output, "vfio-user"));
	close(client);
}

/* The write of 0 to register 0, GPU_ID, which is read-only. */
static void break_a_rule(int client)
{
	struct {
		struct vfio_user_region_access access;
		uint32_t value;
	} write = { .access = { .region = VFIO_USER_REGION_BAR0, .count = 4 } };

	ask(client, VFIO_USER_REGION_WRITE, &write, sizeof(write.access) + sizeof(write.value));
}

static void test_rules(void **state)
{
	static const struct {
		const char *mode;
		bool breaks;
		int status;
	} rows[] = {
		{ "fail", false, 0 }, { "fail", true, 3 }, { "warn", true, 0 }, { "off", true, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *args[] = { "--socket", socket_path, "--rules", rows[i].mode,
				       "--findings", trace_path, NULL };
		bool off = !strcmp(rows[i].mode, "off"), told = rows[i].breaks && !off;
		struct process process;
		char output[4096];
		struct stat st;
		int client;

		if (off)
			args[4] = NULL;
		unlink(trace_path);
		start(&process, args);
		await_socket();
		client = connect_and_agree();
		if (rows[i].breaks)
			break_a_rule(client);
		close(client);
		assert_int_equal(finish(&process, output, sizeof(output)), rows[i].status);
		assert_int_equal(count_lines(output), told);
		assert_int_equal(!!strstr(output, "register-read-only"), told);
		assert_int_equal(stat(trace_path, &st), off ? -1 : 0);
		if (!off)
			assert_int_equal(st.st_size > 0, told);
	}
}

#define MAIN_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		MAIN_TEST(test_usage),
		MAIN_TEST(test_help),
		MAIN_TEST(test_signals),
		MAIN_TEST(test_disconnect),
		MAIN_TEST(test_second_client),
		MAIN_TEST(test_garbage),
		MAIN_TEST(test_rules),
	};
	/* clang-format on */

	if (argc != 2) {
		fprintf(stderr, "usage: %s PATH-OF-VMALI\n", argv[0]);
		return 2;
	}
	program = argv[1];
	return cmocka_run_group_tests_name("main", tests, NULL, NULL);
}
