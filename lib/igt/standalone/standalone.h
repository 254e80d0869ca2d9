/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef STANDALONE_H
#define STANDALONE_H

#include <signal.h>

#include "../igt_core.h"

/*
 * What the files of this folder share. They implement the part of libigt's interface that
 * lib/igt/ declares, for machines without libigt, in the output format that igt_runner and
 * igt_results take. Stack traces are left out: no tool reads them.
 *
 *   options.c       the command line, environment, patterns
 *   describe.c      igt_describe_f() and --describe
 *   subtest.c       fixtures, groups, subtests, dynamic subtests, verdicts
 *   log.c           messages, the log that a failure prints, /dev/kmsg
 *   fork.c          children and helpers
 *   exit_handler.c  exit handlers, signals
 *   device.c        the render node, debugfs, attributes
 *   syncobj.c       ioctls, BOs, syncobjs, sync files
 *   os.c            time, swap
 *
 * All of it is for the main thread, except igt_log(), igt_ioctl, igt_nsec_elapsed() and assertions.
 * As in libigt, a misuse by the test prints one line and aborts.
 */

#define __standalone_noreturn __attribute__((noreturn))
#define __standalone_printf(string, first) __attribute__((format(printf, string, first)))

/* What the process was started for. */
enum standalone_mode {
	STANDALONE_RUN,
	STANDALONE_LIST,
	STANDALONE_TESTLIST,
	STANDALONE_DESCRIBE,
};

/**
 * standalone_options:
 * @is_test: the program has subtests. One with a main() of its own may use assertions, skips and
 *	exit handlers, too; the first failure or skip ends it.
 * @mode: what to do with the subtests
 * @subtests: patterns of --run-subtest or --describe, or NULL: all
 * @rows: patterns of --dynamic-subtest, or NULL: all
 * @device: path of the device that --device or IGT_DEVICE names, or NULL: the first that fits
 */
extern struct standalone_options {
	bool is_test;
	enum standalone_mode mode;
	const char *subtests;
	const char *rows;
	const char *device;
} standalone_options;

/* The file name of the program. */
const char *standalone_program(void);
/* Whether the last of the comma-separated patterns that match @name does not begin with !. */
bool standalone_pattern_selects(const char *patterns, const char *name);

/* The description of the subtest @name, on stdout; that of the file with @name NULL. */
void standalone_describe(const char *name, const char *file, int line);
void standalone_describe_group_begin(void);
void standalone_describe_group_end(void);
/* Forgets the description of the subtest that comes next. */
void standalone_describe_forget(void);

bool standalone_in_subtest(void);
/* Whether igt_exit() ends the process. */
bool standalone_is_exiting(void);
/* Ends the running subtest or row, which crashed by @sig. */
void standalone_crash(int sig) __standalone_noreturn;
void igt_fail(int exitcode) __standalone_noreturn;
/* Reports how the test uses this library wrongly, and aborts. */
void standalone_misuse(const char *what) __standalone_noreturn;

/* Reads IGT_LOG_LEVEL. */
void standalone_log_init(void);
void standalone_log_level(enum igt_log_level level);
/* Only messages of @domain are printed; NULL: all. */
void standalone_log_filter(const char *domain);
void standalone_log_forget(void);
/* Prints on stderr that @what failed, and the messages since the last standalone_log_forget(). */
void standalone_log_dump(const char *what, const char *name);
void standalone_log_child(void);
void standalone_vlog(const char *domain, enum igt_log_level level, const char *format, va_list args)
	__standalone_printf(3, 0);
/* A record of the kernel log, of level 6. */
void standalone_kmsg(const char *format, ...) __standalone_printf(1, 2);
bool standalone_in_thread(void);

bool standalone_in_child(void);
/* Kills and reaps the children of igt_fork(). */
void standalone_children_stop(void);
/* Kills children and helpers. For signal handlers. */
void standalone_children_kill(void);
/* Whether processes are left that this one started. */
bool standalone_children_left(void);

/* Has signals and exit() call the exit handlers. */
void standalone_exit_handlers_begin(void);
/* In a child: the handlers of the parent are not its own. */
void standalone_exit_handlers_child(void);

#endif /* STANDALONE_H */
