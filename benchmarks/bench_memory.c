// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench_memory.h"

/* The slab cache of page tables (panthor_mmu_pt_cache_init() in panthor_mmu.c). */
#define TABLE_CACHE "panthor-mmu-pt"

/* Enough of what the kernel says: the newest caches come first in slabinfo. */
#define TEXT_SIZE 16384

/*
 * The kernel writes these anew whenever somebody reads from their beginning. They
 * stay open: a sampler that opens them each time sees half as much.
 */
static struct text_file {
	const char *path;
	int file;
} meminfo = { "/proc/meminfo", -1 }, slabinfo = { "/proc/slabinfo", -1 };

/* False if @text has no line for @field. */
static bool add_field(const char *text, const char *field, int64_t *bytes)
{
	const char *line = strstr(text, field);
	int64_t kib;

	if (!line || sscanf(line + strlen(field), " %" SCNd64 " kB", &kib) != 1)
		return false;

	*bytes += kib * 1024;
	return true;
}

/**
 * bench_memory_parse_meminfo:
 * @text: what /proc/meminfo says
 * @memory: its @kernel and @available are filled
 *
 * Returns: false if a field is missing.
 */
bool bench_memory_parse_meminfo(const char *text, struct bench_memory *memory)
{
	memory->kernel = 0;
	memory->available = 0;

	return add_field(text, "\nSUnreclaim:", &memory->kernel) &&
	       add_field(text, "\nVmallocUsed:", &memory->kernel) &&
	       add_field(text, "\nMemAvailable:", &memory->available);
}

/**
 * bench_memory_parse_slabinfo:
 * @text: what /proc/slabinfo says
 * @memory: its @tables is filled
 *
 * Returns: false if it does not name panthor's cache: it may be merged with others
 * of its size (slab_nomerge on the kernel's command line keeps it apart).
 */
bool bench_memory_parse_slabinfo(const char *text, struct bench_memory *memory)
{
	const char *line = strstr(text, "\n" TABLE_CACHE " ");

	memory->tables = -1;

	/* Only a whole line: a number may be cut. */
	return line && strchr(line + 1, '\n') &&
	       sscanf(line, " " TABLE_CACHE " %" SCNd64, &memory->tables) == 1;
}

/* Reads a file until @parse is content with it, false at its end or if there is none. */
static bool read_until(struct text_file *from, struct bench_memory *memory,
		       bool (*parse)(const char *text, struct bench_memory *memory))
{
	char text[TEXT_SIZE] = "";
	size_t length = 0;
	ssize_t got;

	if (from->file < 0)
		from->file = open(from->path, O_RDONLY | O_CLOEXEC);

	do {
		got = pread(from->file, text + length, TEXT_SIZE - 1 - length, length);
		if (got <= 0)
			return false;
		length += got;
		text[length] = '\0';
	} while (!parse(text, memory));

	return true;
}

/* Root only, and only where the kernel has it. */
static void poke(const char *path)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);

	if (file < 0)
		return;
	if (write(file, "1", 1) < 0)
		errno = 0;
	close(file);
}

/**
 * bench_memory_settle:
 *
 * Has the kernel give back the page tables that its cache keeps for the next
 * caller, and add up what each processor counted, where it lets us: what
 * bench_memory_read() says next is then exact.
 */
void bench_memory_settle(void)
{
	poke("/sys/kernel/slab/" TABLE_CACHE "/shrink");
	poke("/proc/sys/vm/stat_refresh");
}

/**
 * bench_memory_read:
 * @memory: filled
 */
void bench_memory_read(struct bench_memory *memory)
{
	*memory = (struct bench_memory){ .tables = -1 };
	read_until(&meminfo, memory, bench_memory_parse_meminfo);
	read_until(&slabinfo, memory, bench_memory_parse_slabinfo);
}

static void keep_extremes(struct bench_memory *peak, const struct bench_memory *now)
{
	if (now->kernel > peak->kernel)
		peak->kernel = now->kernel;
	if (now->tables > peak->tables)
		peak->tables = now->tables;
	if (now->available < peak->available)
		peak->available = now->available;
}

/* Page tables each time, since they come and go with a call; all else now and then. */
static void look(struct bench_sampler *sampler)
{
	struct bench_memory now = sampler->peak;

	if (now.tables < 0 || sampler->stop || sampler->samples % 8 == 0)
		bench_memory_read(&now);
	else
		read_until(&slabinfo, &now, bench_memory_parse_slabinfo);
	keep_extremes(&sampler->peak, &now);
	sampler->samples++;
}

static void *sample(void *data)
{
	struct bench_sampler *sampler = data;

	while (!sampler->stop) {
		look(sampler);
		sampler->started = true;
		sched_yield();
	}

	return NULL;
}

/**
 * bench_sampler_start:
 * @sampler: filled
 *
 * Returns once the sampler has looked at least once.
 *
 * Returns: 0 or a negative errno.
 */
int bench_sampler_start(struct bench_sampler *sampler)
{
	int err;

	*sampler = (struct bench_sampler){};
	bench_memory_read(&sampler->peak);
	err = pthread_create(&sampler->thread, NULL, sample, sampler);
	if (err)
		return -err;

	while (!sampler->started)
		usleep(100);

	return 0;
}

/**
 * bench_sampler_stop:
 * @sampler: from bench_sampler_start(); @peak and @samples are its result
 *
 * Looks once more: of a call that is too short to be seen, what it keeps is seen.
 */
void bench_sampler_stop(struct bench_sampler *sampler)
{
	sampler->stop = true;
	pthread_join(sampler->thread, NULL);
	look(sampler);
}
