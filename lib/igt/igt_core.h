/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_CORE_H
#define IGT_CORE_H

/*
 * Declarations of the part of libigt's binary interface that the tests use,
 * under the names of IGT's own headers, for building against an installed
 * libigt (2.3 or later) without IGT's source tree, or against standalone/,
 * which implements them.
 *
 * How the control flow works, since the macros hide it: libigt decides at every
 * fixture, subtest and group whether its body is to run, and leaves a body by
 * siglongjmp() to the buffer that was filled in right before it. A body that
 * reaches its end calls igt_success(), which leaves it in the same way. So each
 * macro is a for loop whose condition asks libigt and then fills the buffer.
 * Locals changed in a body and read behind it have to be volatile or static.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#ifndef IGT_LOG_DOMAIN
#define IGT_LOG_DOMAIN (NULL)
#endif

#define IGT_EXIT_SUCCESS 0
#define IGT_EXIT_SKIP 77
#define IGT_EXIT_INVALID 79
#define IGT_EXIT_FAILURE 98
#define IGT_EXIT_ABORT 112

#define __igt_printf(string, first) __attribute__((format(printf, string, first)))
#define __igt_noreturn __attribute__((noreturn))

struct option;

typedef int (*igt_opt_handler_t)(int opt, int opt_index, void *data);

/* libigt refers to it weakly: the executable has to export it. */
extern const char *__igt_test_description __attribute__((weak, visibility("default")));
#define IGT_TEST_DESCRIPTION(str) const char *__igt_test_description = str

extern jmp_buf igt_subtest_jmpbuf;
extern jmp_buf igt_dynamic_jmpbuf;

int igt_subtest_init_parse_opts(int *argc, char **argv, const char *short_opts,
				const struct option *long_opts, const char *help,
				igt_opt_handler_t handler, void *data);

bool __igt_fixture(void);
void __igt_fixture_complete(void);
bool __igt_run_subtest(const char *name, const char *file, const int line);
void __igt_enter_dynamic_container(void);
bool __igt_run_dynamic_subtest(const char *name);
void __igt_subtest_group_save(int *skip, int *describe);
void __igt_subtest_group_restore(int skip, int describe);
void igt_success(void) __igt_noreturn;

void igt_describe_f(const char *fmt, ...) __igt_printf(1, 2);

void igt_exit(void) __igt_noreturn;

/* At most ten, libigt's own included. Also called by signals, with their number. */
typedef void (*igt_exit_handler_t)(int sig);
void igt_install_exit_handler(igt_exit_handler_t fn);
void igt_skip(const char *f, ...) __igt_printf(1, 2) __igt_noreturn;
void __igt_skip_check(const char *file, const int line, const char *func, const char *check,
		      const char *format, ...) __igt_printf(5, 6) __igt_noreturn;
void __igt_fail_assert(const char *domain, const char *file, const int line, const char *func,
		       const char *assertion, const char *format, ...)
	__igt_printf(6, 7) __igt_noreturn;

enum igt_log_level {
	IGT_LOG_DEBUG,
	IGT_LOG_INFO,
	IGT_LOG_WARN,
	IGT_LOG_CRITICAL,
	IGT_LOG_NONE,
};

void igt_log(const char *domain, enum igt_log_level level, const char *format, ...)
	__igt_printf(3, 4);

bool __igt_fork(void);
void igt_waitchildren(void);
int __igt_waitchildren(void);

/* A process beside subtests. igt_stop_helper() sends it SIGTERM, or SIGKILL. */
struct igt_helper_process {
	bool running;
	bool use_SIGKILL;
	pid_t pid;
	int id;
};

bool __igt_fork_helper(struct igt_helper_process *proc);
/* The status that waitpid() has. */
int igt_wait_helper(struct igt_helper_process *proc);
void igt_stop_helper(struct igt_helper_process *proc);

void igt_emit_ignore_dmesg_regex(const char *ignore_dmesg_regex);

struct timespec;
uint64_t igt_nsec_elapsed(struct timespec *start);

#define __igt_paste(a, b) a ## b
#define igt_tokencat(a, b) __igt_paste(a, b)
#define igt_unique(prefix) igt_tokencat(__igt_unique_##prefix##_, __LINE__)

/* Fills the buffer; true on the way in, false when libigt jumps back. */
#define __igt_enter(buffer) (sigsetjmp(buffer, 1) == 0)

#define igt_main_args(short_opts, long_opts, help_str, opt_handler, handler_data) \
	main(int argc, char **argv); \
	static void igt_unique(body)(void); \
	int main(int argc, char **argv) \
	{ \
		igt_subtest_init_parse_opts(&argc, argv, short_opts, long_opts, help_str, \
					    opt_handler, handler_data); \
		igt_unique(body)(); \
		igt_exit(); \
	} \
	static void igt_unique(body)(void)

#define igt_main() igt_main_args(NULL, NULL, NULL, NULL, NULL)

#define igt_fixture() \
	for (volatile bool igt_unique(once) = true; \
	     igt_unique(once) && __igt_fixture() && __igt_enter(igt_subtest_jmpbuf); \
	     igt_unique(once) = false, __igt_fixture_complete())

#define igt_subtest(name) \
	for (; __igt_run_subtest((name), __FILE__, __LINE__) && \
	       __igt_enter(igt_subtest_jmpbuf); \
	     igt_success())

#define __igt_subtest_named(buffer, ...) \
	for (char buffer[256]; \
	     snprintf(buffer, sizeof(buffer), __VA_ARGS__), \
	     __igt_run_subtest(buffer, __FILE__, __LINE__) && __igt_enter(igt_subtest_jmpbuf); \
	     igt_success())

#define igt_subtest_f(...) __igt_subtest_named(igt_unique(name), __VA_ARGS__)

/*
 * A subtest whose body only runs dynamic subtests: rows that --list-subtests does not know. The
 * subtest fails if one of them fails, and skips if none of them ran.
 */
#define igt_subtest_with_dynamic(name) \
	for (; __igt_run_subtest((name), __FILE__, __LINE__) && \
	       (__igt_enter_dynamic_container(), true) && __igt_enter(igt_subtest_jmpbuf); \
	     igt_success())

#define igt_dynamic(name) \
	for (; __igt_run_dynamic_subtest(name) && __igt_enter(igt_dynamic_jmpbuf); igt_success())

#define __igt_dynamic_named(buffer, ...) \
	for (char buffer[256]; \
	     snprintf(buffer, sizeof(buffer), __VA_ARGS__), \
	     __igt_run_dynamic_subtest(buffer) && __igt_enter(igt_dynamic_jmpbuf); \
	     igt_success())

#define igt_dynamic_f(...) __igt_dynamic_named(igt_unique(name), __VA_ARGS__)

#define igt_subtest_group() \
	for (int igt_unique(once) = 1, igt_unique(skip) = 0, igt_unique(describe) = 0; \
	     igt_unique(once) && \
	     (__igt_subtest_group_save(&igt_unique(skip), &igt_unique(describe)), true); \
	     igt_unique(once) = 0, \
	     __igt_subtest_group_restore(igt_unique(skip), igt_unique(describe)))

#define igt_describe(text) igt_describe_f("%s", text)

/* Children of @count processes; @child counts them. Their body ends in exit(0). */
#define igt_fork(child, count) \
	for (int child = 0; child < (count); child++) \
		for (; __igt_fork(); exit(0))

#define igt_fork_helper(helper) \
	for (; __igt_fork_helper(helper); exit(0))

#define igt_debug(...) igt_log(IGT_LOG_DOMAIN, IGT_LOG_DEBUG, __VA_ARGS__)
#define igt_info(...) igt_log(IGT_LOG_DOMAIN, IGT_LOG_INFO, __VA_ARGS__)
#define igt_warn(...) igt_log(IGT_LOG_DOMAIN, IGT_LOG_WARN, __VA_ARGS__)
#define igt_critical(...) igt_log(IGT_LOG_DOMAIN, IGT_LOG_CRITICAL, __VA_ARGS__)

#define __igt_fail(expression, ...) \
	__igt_fail_assert(IGT_LOG_DOMAIN, __FILE__, __LINE__, __func__, expression, __VA_ARGS__)

#define igt_assert_f(expr, ...) \
	do { \
		if (!(expr)) \
			__igt_fail(#expr, __VA_ARGS__); \
	} while (0)

#define igt_assert(expr) \
	do { \
		if (!(expr)) \
			__igt_fail(#expr, NULL); \
	} while (0)

#define igt_fail_on(expr) igt_assert(!(expr))
#define igt_fail_on_f(expr, ...) igt_assert_f(!(expr), __VA_ARGS__)

#define __igt_compare(type, format, a, cmp, b) \
	do { \
		type igt_unique(left) = (a), igt_unique(right) = (b); \
		if (!(igt_unique(left) cmp igt_unique(right))) \
			__igt_fail(#a " " #cmp " " #b, \
				   "error: not " format " " #cmp " " format "\n", \
				   igt_unique(left), igt_unique(right)); \
	} while (0)

/* The forms without a suffix compare int: 64-bit values would be cut. */
#define igt_assert_eq(a, b) __igt_compare(int, "%d", a, ==, b)
#define igt_assert_neq(a, b) __igt_compare(int, "%d", a, !=, b)
#define igt_assert_lt(a, b) __igt_compare(int, "%d", a, <, b)
#define igt_assert_lte(a, b) __igt_compare(int, "%d", a, <=, b)
#define igt_assert_eq_u32(a, b) __igt_compare(uint32_t, "%#x", a, ==, b)
#define igt_assert_neq_u32(a, b) __igt_compare(uint32_t, "%#x", a, !=, b)
#define igt_assert_lt_u32(a, b) __igt_compare(uint32_t, "%#x", a, <, b)
#define igt_assert_lte_u32(a, b) __igt_compare(uint32_t, "%#x", a, <=, b)
#define igt_assert_eq_u64(a, b) __igt_compare(unsigned long long, "%#llx", a, ==, b)
#define igt_assert_neq_u64(a, b) __igt_compare(unsigned long long, "%#llx", a, !=, b)
#define igt_assert_lt_u64(a, b) __igt_compare(unsigned long long, "%#llx", a, <, b)
#define igt_assert_lte_u64(a, b) __igt_compare(unsigned long long, "%#llx", a, <=, b)
#define igt_assert_fd(fd) igt_assert_f((fd) >= 0, "file descriptor " #fd " failed\n")

#define __igt_skip_if(condition, text, ...) \
	do { \
		if (condition) \
			__igt_skip_check(__FILE__, __LINE__, __func__, text, __VA_ARGS__); \
	} while (0)

#define igt_require(expr) __igt_skip_if(!(expr), #expr, NULL)
#define igt_require_f(expr, ...) __igt_skip_if(!(expr), #expr, __VA_ARGS__)
#define igt_skip_on(expr) __igt_skip_if(expr, "!(" #expr ")", NULL)
#define igt_skip_on_f(expr, ...) __igt_skip_if(expr, "!(" #expr ")", __VA_ARGS__)
#define igt_require_fd(fd) igt_require_f((fd) >= 0, "file descriptor " #fd " failed\n")

#endif /* IGT_CORE_H */
