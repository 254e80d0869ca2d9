// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <unistd.h>

#include "igt_aux.h"
#include "igt_core.h"
#include "igt_kernel_memory.h"
#include "igt_knob.h"
#include "igt_sizes.h"
#include "igt_swap.h"
#include "igt_teardown.h"

/**
 * SECTION:igt_swap
 * @short_description: Swap areas taken away and added
 * @title: Swap
 * @include: igt_swap.h
 */

#define AREAS_MAX 8

/* Contents of swap areas have to fit into memory. More than this takes long. */
#define USED_MAX ((uint64_t)SZ_128M)

/* How long a new device may take to appear in /dev. */
#define DEVICE_DEADLINE_MS 2000

#define ZRAM_CONTROL "/sys/class/zram-control/"

/**
 * area:
 * @path: device or file
 * @priority: priority, negative if the kernel chose it
 */
struct area {
	char path[256];
	int priority;
};

/**
 * swap:
 * @off: areas that igt_swap_off() took away
 * @count: number of @off
 * @zram: number of the device of igt_swap_add(), or -1
 * @device: its path
 * @filler: memory of igt_swap_fill(), partly swapped out
 * @filler_size: bytes of @filler
 */
static struct {
	struct area off[AREAS_MAX];
	unsigned int count;
	int zram;
	char device[32];
	char *filler;
	size_t filler_size;
} swap = { .zram = -1 };

/* The first line of /proc/swaps is a heading. */
static bool read_areas(struct area *areas, unsigned int *count)
{
	FILE *file = fopen("/proc/swaps", "r");
	char line[512];

	*count = 0;
	if (!file)
		return false;

	while (fgets(line, sizeof(line), file)) {
		struct area area;

		if (sscanf(line, "%255s %*s %*u %*u %d", area.path, &area.priority) != 2)
			continue;
		if (*count == AREAS_MAX)
			break;
		areas[(*count)++] = area;
	}
	fclose(file);

	return *count > 0 && *count < AREAS_MAX;
}

static void remove_filler(void)
{
	if (swap.filler)
		munmap(swap.filler, swap.filler_size);
	swap.filler = NULL;
}

static void remove_zram(void)
{
	char number[16];

	if (swap.zram < 0)
		return;

	swapoff(swap.device);
	snprintf(number, sizeof(number), "%d", swap.zram);
	if (!igt_knob_write(ZRAM_CONTROL "hot_remove", number))
		igt_warn("%s stays\n", swap.device);
	swap.zram = -1;
}

static void restore(void *data)
{
	(void)data;
	remove_filler();
	remove_zram();
	/* Priorities that the kernel chooses fall with each area. */
	for (unsigned int i = 0; i < swap.count; i++) {
		const struct area *area = &swap.off[i];
		const int flags = area->priority < 0 ? 0 : SWAP_FLAG_PREFER | area->priority;

		if (swapon(area->path, flags))
			igt_warn("swap area %s stays off: %m\n", area->path);
	}
	swap.count = 0;
}

/**
 * igt_swap_off:
 *
 * Takes all swap areas away.
 *
 * Returns: false if there is none, the caller may not do that, or the areas hold much.
 */
bool igt_swap_off(void)
{
	struct area areas[AREAS_MAX];
	unsigned int count;

	igt_assert(!swap.count);
	if (igt_meminfo_bytes("SwapTotal") - igt_meminfo_bytes("SwapFree") > USED_MAX ||
	    !read_areas(areas, &count))
		return false;

	/* What cannot be opened, for one of another mount namespace, cannot be put back. */
	for (unsigned int i = 0; i < count; i++)
		if (access(areas[i].path, R_OK | W_OK))
			return false;

	igt_teardown_add(restore, NULL);
	while (swap.count < count && !swapoff(areas[swap.count].path)) {
		swap.off[swap.count] = areas[swap.count];
		swap.count++;
	}
	if (swap.count == count)
		return true;

	igt_swap_restore();
	return false;
}

/* Version and number of the last page at 1 KiB, and a magic word at the end of the page. */
static bool make_swap(const char *device, size_t size)
{
	static const char magic[] = "SWAPSPACE2";
	const size_t page = sysconf(_SC_PAGESIZE);
	const uint32_t head[] = { 1, size / page - 1 };
	const int file = open(device, O_WRONLY | O_CLOEXEC);
	char *buffer = calloc(1, page);
	bool written;

	igt_assert(buffer);
	if (file < 0) {
		free(buffer);
		return false;
	}

	memcpy(buffer + 1024, head, sizeof(head));
	memcpy(buffer + page - strlen(magic), magic, strlen(magic));
	written = write(file, buffer, page) == (ssize_t)page && !fsync(file);
	close(file);
	free(buffer);

	return written;
}

/**
 * igt_swap_add:
 * @size: bytes, a multiple of 64 KiB
 *
 * Adds a swap area on a new device of zram. To be called after igt_swap_off().
 *
 * Returns: false if the kernel has no zram, or it does not work.
 */
bool igt_swap_add(size_t size)
{
	char text[32], path[64];

	if (!igt_knob_read(ZRAM_CONTROL "hot_add", text, sizeof(text)) ||
	    sscanf(text, "%d", &swap.zram) != 1)
		return false;

	snprintf(swap.device, sizeof(swap.device), "/dev/zram%d", swap.zram);
	snprintf(path, sizeof(path), "/sys/block/zram%d/disksize", swap.zram);
	snprintf(text, sizeof(text), "%zu", size);

	return igt_knob_write(path, text) &&
	       igt_wait(!access(swap.device, W_OK), DEVICE_DEADLINE_MS, 10) &&
	       make_swap(swap.device, size) && !swapon(swap.device, 0);
}

/* Numbers, so that no page is taken for one of zeros. */
static bool page_out(void)
{
	for (size_t i = 0; i < swap.filler_size / sizeof(size_t); i++)
		((volatile size_t *)swap.filler)[i] = i;
	if (madvise(swap.filler, swap.filler_size, MADV_PAGEOUT))
		return true;

	return igt_meminfo_bytes("SwapFree") == 0;
}

/**
 * igt_swap_fill:
 *
 * Swaps out memory of the caller until no swap is free.
 *
 * Returns: false if some stays free.
 */
bool igt_swap_fill(void)
{
	swap.filler_size = 2 * igt_meminfo_bytes("SwapTotal");
	swap.filler = mmap(NULL, swap.filler_size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (swap.filler == MAP_FAILED) {
		swap.filler = NULL;
		return false;
	}
	madvise(swap.filler, swap.filler_size, MADV_NOHUGEPAGE);

	return igt_wait(page_out(), DEVICE_DEADLINE_MS, 10) && igt_meminfo_bytes("SwapFree") == 0;
}

/**
 * igt_swap_restore:
 *
 * Undoes igt_swap_off(), igt_swap_add() and igt_swap_fill().
 */
void igt_swap_restore(void)
{
	igt_teardown_drop(restore, NULL);
	restore(NULL);
}
