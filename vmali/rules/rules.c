// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "rules/rules.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "trace/trace.h"

#define TEXT_MAX_BYTES 256

/* Events that are remembered, of all address spaces, and that a finding shows. */
#define HISTORY 64
#define LED_TO 8

struct event {
	int as;
	const char *what; /* NULL: nothing happened yet */
	uint64_t first, last;
	struct timespec at; /* CLOCK_MONOTONIC, as in the trace */
};

bool rules_enabled;

static uint64_t counts[RULE_COUNT];

/* Guards the variables below. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *file;
static struct event history[HISTORY];
static unsigned int next_event;

uint64_t rules_count(enum rule rule)
{
	return __atomic_load_n(&counts[rule], __ATOMIC_RELAXED);
}

static void finish_file(void)
{
	int lost;

	if (!file)
		return;
	lost = ferror(file);
	if (fclose(file) || lost)
		log_line("rules: part of the findings could not be written");
	file = NULL;
}

static void write_lost(void)
{
	for (int rule = 0; file && rule < RULE_COUNT; rule++) {
		if (rules_count(rule) > RULES_FINDINGS_MAX)
			fprintf(file, "{\"rule\":\"%s\",\"by\":\"%s\",\"lost\":%llu}\n",
				rule_text(rule)->name,
				rule_text(rule)->by_client ? "client" : "driver",
				(unsigned long long)rules_count(rule) - RULES_FINDINGS_MAX);
	}
}

int rules_open(const char *path)
{
	int ret = 0;

	rules_close();
	pthread_mutex_lock(&lock);
	for (int rule = 0; rule < RULE_COUNT; rule++)
		__atomic_store_n(&counts[rule], 0, __ATOMIC_RELAXED);
	memset(history, 0, sizeof(history));
	if (path) {
		file = fopen(path, "we");
		ret = file ? 0 : -errno;
	}
	pthread_mutex_unlock(&lock);
	__atomic_store_n(&rules_enabled, !ret, __ATOMIC_RELAXED);
	return ret;
}

void rules_close(void)
{
	__atomic_store_n(&rules_enabled, false, __ATOMIC_RELAXED);
	pthread_mutex_lock(&lock);
	write_lost();
	finish_file();
	pthread_mutex_unlock(&lock);
}

uint64_t rules_count_of_driver(void)
{
	uint64_t count = 0;

	for (int rule = 0; rule < RULE_COUNT; rule++) {
		if (!rule_text(rule)->by_client)
			count += rules_count(rule);
	}
	return count;
}

void rules_remember(int as, const char *what, uint64_t first, uint64_t last)
{
	struct event event = { .as = as, .what = what, .first = first, .last = last };

	clock_gettime(CLOCK_MONOTONIC, &event.at);
	pthread_mutex_lock(&lock);
	history[next_event++ % HISTORY] = event;
	pthread_mutex_unlock(&lock);
}

static bool concerns(const struct event *event, int as)
{
	return event->what && (event->as == as || event->as == RULES_NO_AS || as == RULES_NO_AS);
}

/* Collect the last events that concern @as, the oldest first. Return: their number. */
static unsigned int find_led_to(int as, const struct event *found[LED_TO])
{
	unsigned int count = 0;

	for (unsigned int back = 1; back <= HISTORY && count < LED_TO; back++) {
		const struct event *event = &history[(next_event - back) % HISTORY];

		if (concerns(event, as))
			found[LED_TO - ++count] = event;
	}
	memmove(found, found + LED_TO - count, count * sizeof(*found));
	return count;
}

static void write_led_to(int as)
{
	const struct event *found[LED_TO];
	unsigned int count = find_led_to(as, found);

	fputs("\"led_to\":[", file);
	for (unsigned int i = 0; i < count; i++) {
		const struct event *event = found[i];

		fprintf(file, "%s\"[%5lld.%06ld] ", i ? "," : "", (long long)event->at.tv_sec,
			event->at.tv_nsec / 1000);
		if (event->as != RULES_NO_AS)
			fprintf(file, "AS%d ", event->as);
		fprintf(file, "%s 0x%llx", event->what, (unsigned long long)event->first);
		if (event->last != event->first)
			fprintf(file, "..0x%llx", (unsigned long long)event->last);
		fputc('"', file);
	}
	fputc(']', file);
}

/*
 * "time" is that of CLOCK_REALTIME, which the files of the results folder have. "clock" is that of
 * the trace.
 */
static void write_finding(enum rule rule, int as, uint64_t address, const char *seen)
{
	const struct rule_text *text = rule_text(rule);
	struct timespec real, monotonic;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	fprintf(file, "{\"rule\":\"%s\",\"by\":\"%s\",\"time\":%lld.%06ld,\"clock\":%lld.%06ld,",
		text->name, text->by_client ? "client" : "driver", (long long)real.tv_sec,
		real.tv_nsec / 1000, (long long)monotonic.tv_sec, monotonic.tv_nsec / 1000);
	if (as != RULES_NO_AS)
		fprintf(file, "\"as\":%d,", as);
	fprintf(file, "\"address\":\"0x%llx\",\"words\":\"%s\",\"source\":\"%s\",\"seen\":\"%s\",",
		(unsigned long long)address, text->words, text->source, seen);
	write_led_to(as);
	fputs("}\n", file);
	/* what is written stays, should the model die */
	fflush(file);
}

/* A JSON string needs no escapes then. */
static void make_plain(char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\')
			*text = '?';
	}
}

void rules_finding(enum rule rule, int as, uint64_t address, const char *fmt, ...)
{
	char seen[TEXT_MAX_BYTES], where[16] = "";
	uint64_t count = __atomic_add_fetch(&counts[rule], 1, __ATOMIC_RELAXED);
	va_list args;

	if (count > RULES_FINDINGS_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(seen, sizeof(seen), fmt, args);
	va_end(args);
	make_plain(seen);
	if (as != RULES_NO_AS)
		snprintf(where, sizeof(where), "AS%d: ", as);
	pthread_mutex_lock(&lock);
	if (file)
		write_finding(rule, as, address, seen);
	pthread_mutex_unlock(&lock);
	trace("rules", "%s: %s%s", rule_text(rule)->name, where, seen);
	if (count == 1)
		log_line("rule %s: %s%s", rule_text(rule)->name, where, seen);
}
