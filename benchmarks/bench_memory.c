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

/* Files that the kernel writes anew for each reader: the beginning is enough of both. */
#define TEXT_SIZE 16384

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

	return line && sscanf(line, " " TABLE_CACHE " %" SCNd64, &memory->tables) == 1;
}

/* Reads the beginning of a file; an empty text if there is none. */
static void read_text(const char *path, char text[TEXT_SIZE])
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t got = file < 0 ? 0 : 1;

	while (got > 0 && length < TEXT_SIZE - 1) {
		got = read(file, text + length, TEXT_SIZE - 1 - length);
		if (got > 0)
			length += got;
	}
	text[length] = '\0';
	if (file >= 0)
		close(file);
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
	char text[TEXT_SIZE];

	read_text("/proc/meminfo", text);
	if (!bench_memory_parse_meminfo(text, memory))
		*memory = (struct bench_memory){};
	read_text("/proc/slabinfo", text);
	bench_memory_parse_slabinfo(text, memory);
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

static void look(struct bench_sampler *sampler)
{
	struct bench_memory now;

	bench_memory_read(&now);
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
