// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

/*
 * A program with a main() of its own that uses helpers of tests, as benchmarks do, for
 * lab/tests/test-standalone.sh. Its argument says how it ends.
 */

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "igt.h"

static void at_end(int sig)
{
	char text[32];
	const int size = snprintf(text, sizeof(text), "handler: signal %d\n", sig);

	if (write(STDERR_FILENO, text, size) < 0)
		_exit(1);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	igt_install_exit_handler(at_end);
	igt_info("info\n");
	igt_warn("warning\n");
	errno = 0;
	igt_assert(strcmp(how, "fail"));
	igt_skip_on_f(!strcmp(how, "skip"), "for a reason\n");
	if (!strcmp(how, "term"))
		raise(SIGTERM);
	if (!strcmp(how, "crash"))
		raise(SIGSEGV);
	if (!strcmp(how, "exit"))
		exit(3);
	return 0;
}
