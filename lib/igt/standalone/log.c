// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "standalone.h"

/* Messages that a failure shows again, among them those of level debug, not printed before. */
#define LOG_ENTRIES 256

/* A record of the kernel log is not longer. */
#define KMSG_BYTES 992

/* In the order of enum igt_log_level. */
static const char *const level_names[] = { "DEBUG", "INFO", "WARNING", "CRITICAL", "NONE" };

static struct {
	pthread_mutex_t mutex;
	enum igt_log_level level;
	const char *filter;
	char *entries[LOG_ENTRIES];
	unsigned int count;
	/* The last message had no end of line. */
	bool continued;
} logger = {
	.level = IGT_LOG_INFO,
};

/* A handler of a signal may log while its own thread does. */
static void mutex_init(void)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&logger.mutex, &attributes);
	pthread_mutexattr_destroy(&attributes);
}

/* For programs that log without a command line of IGT's, too. */
__attribute__((constructor)) static void logger_init(void)
{
	mutex_init();
}

void standalone_log_level(enum igt_log_level level)
{
	logger.level = level;
}

void standalone_log_init(void)
{
	static const struct {
		const char *name;
		enum igt_log_level level;
	} levels[] = {
		{ "debug", IGT_LOG_DEBUG },
		{ "info", IGT_LOG_INFO },
		{ "warn", IGT_LOG_WARN },
		{ "none", IGT_LOG_NONE },
	};
	const char *wanted = getenv("IGT_LOG_LEVEL");

	for (unsigned int i = 0; wanted && i < sizeof(levels) / sizeof(levels[0]); i++)
		if (!strcmp(levels[i].name, wanted))
			logger.level = levels[i].level;
}

void standalone_log_filter(const char *domain)
{
	logger.filter = domain;
}

/* A thread of the parent may have held the mutex when the child was made. */
void standalone_log_child(void)
{
	mutex_init();
	standalone_log_forget();
}

bool standalone_in_thread(void)
{
	return gettid() != getpid();
}

static void remember(char *text)
{
	char **entry = &logger.entries[logger.count++ % LOG_ENTRIES];

	free(*entry);
	*entry = text;
}

void standalone_log_forget(void)
{
	logger.count = 0;
}

void standalone_log_dump(const char *what, const char *name)
{
	const unsigned int first = logger.count > LOG_ENTRIES ? logger.count - LOG_ENTRIES : 0;

	pthread_mutex_lock(&logger.mutex);
	fflush(stdout);
	fprintf(stderr, "%s %s failed.\n", what, name);
	if (!logger.count)
		fprintf(stderr, "No log.\n");
	else
		fprintf(stderr, "**** DEBUG ****\n");
	for (unsigned int i = first; i < logger.count; i++)
		fputs(logger.entries[i % LOG_ENTRIES], stderr);
	if (logger.count)
		fprintf(stderr, "****  END  ****\n");
	fflush(stderr);
	pthread_mutex_unlock(&logger.mutex);
}

/* Time, process, thread, domain and level of a message, in @text. */
static void head_format(char *text, size_t size, const char *thread, const char *domain,
			enum igt_log_level level)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, size, "[%lld.%06ld] (%s:%d) %s%s%s%s: ", (long long)now.tv_sec,
		 now.tv_nsec / 1000, standalone_program(), getpid(), thread, domain ?: "",
		 domain ? "-" : "", level_names[level]);
}

static bool is_printed(const char *domain, enum igt_log_level level)
{
	return level >= logger.level &&
	       (!logger.filter || !strcmp(logger.filter, domain ?: "application"));
}

/* Messages of level info are printed without a head. Worse ones, and debug, have it. */
static void print(const char *head, const char *thread, const char *text, enum igt_log_level level)
{
	FILE *stream = level >= IGT_LOG_WARN ? stderr : stdout;

	/* One call a line, for readers of both streams. */
	fprintf(stream, "%s%s", level == IGT_LOG_INFO ? thread : head, text);
	fflush(stream);
}

void standalone_vlog(const char *domain, enum igt_log_level level, const char *format, va_list args)
{
	char head[512] = "", thread[32] = "", *text, *line;

	if (vasprintf(&text, format, args) < 0)
		return;
	pthread_mutex_lock(&logger.mutex);
	if (!logger.continued) {
		if (standalone_in_thread())
			snprintf(thread, sizeof(thread), "[thread:%d] ", gettid());
		head_format(head, sizeof(head), thread, domain, level);
	}
	if (*text)
		logger.continued = text[strlen(text) - 1] != '\n';
	if (asprintf(&line, "%s%s", head, text) >= 0)
		remember(line);
	if (is_printed(domain, level))
		print(head, thread, text, level);
	pthread_mutex_unlock(&logger.mutex);
	free(text);
}

/**
 * igt_log:
 * @domain: part of the test that speaks, or NULL
 * @level: how bad it is
 * @format: message, a whole line or several
 *
 * Prints a message, on stderr from level warning on. Those below IGT_LOG_LEVEL are shown if the
 * subtest fails.
 */
void igt_log(const char *domain, enum igt_log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	standalone_vlog(domain, level, format, args);
	va_end(args);
}

void standalone_kmsg(const char *format, ...)
{
	char record[KMSG_BYTES];
	va_list args;
	int fd, size;

	/* Without the node, O_CREAT would make an ordinary file, which igt_runner cannot bear. */
	fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	size = snprintf(record, sizeof(record), "<6>[IGT] ");
	va_start(args, format);
	size += vsnprintf(record + size, sizeof(record) - size, format, args);
	va_end(args);
	if (size < (int)sizeof(record) && write(fd, record, size) < 0)
		igt_debug("/dev/kmsg: %m\n");
	close(fd);
}

/**
 * igt_emit_ignore_dmesg_regex:
 * @ignore_dmesg_regex: extended regular expression
 *
 * Tells igt_results which lines of the kernel log the rest of the subtest provokes on purpose.
 */
void igt_emit_ignore_dmesg_regex(const char *ignore_dmesg_regex)
{
	standalone_kmsg("add ignored dmesg regex: %s\n", ignore_dmesg_regex);
}
