// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "trace/trace.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINE_MAX_BYTES 512

bool trace_enabled;

/* Guards trace_file: trace_event() must not write to a file that trace_close() closes. */
static pthread_mutex_t trace_lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *trace_file;

static FILE *open_file(const char *path)
{
	/* 'e': close on exec. finish_file() does not close standard error. */
	return strcmp(path, "-") ? fopen(path, "we") : stderr;
}

int trace_open(const char *path)
{
	FILE *file;

	trace_close();
	file = open_file(path);
	if (!file)
		return -errno;
	pthread_mutex_lock(&trace_lock);
	trace_file = file;
	pthread_mutex_unlock(&trace_lock);
	__atomic_store_n(&trace_enabled, true, __ATOMIC_RELAXED);
	return 0;
}

static int finish_file(FILE *file)
{
	int lost = ferror(file);

	if (file == stderr)
		return 0;
	return fclose(file) || lost ? -EIO : 0;
}

void trace_close(void)
{
	FILE *file;

	__atomic_store_n(&trace_enabled, false, __ATOMIC_RELAXED);
	pthread_mutex_lock(&trace_lock);
	file = trace_file;
	trace_file = NULL;
	pthread_mutex_unlock(&trace_lock);
	if (file && finish_file(file))
		log_line("trace: part of it could not be written");
}

void trace_event(const char *room, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	struct timespec now;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	/* the time is read under the lock, so that the lines of a file are in the order of time */
	pthread_mutex_lock(&trace_lock);
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (trace_file)
		fprintf(trace_file, "[%5lld.%06ld] %s: %s\n", (long long)now.tv_sec,
			now.tv_nsec / 1000, room, text);
	pthread_mutex_unlock(&trace_lock);
}

void log_line(const char *fmt, ...)
{
	char text[LINE_MAX_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);

	/* a single call, so that lines of several threads do not mix */
	fprintf(stderr, "vmali: %s\n", text);
}
