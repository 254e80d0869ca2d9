// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "igt_aux.h"
#include "igt_core.h"
#include "igt_udmabuf.h"

/**
 * SECTION:igt_udmabuf
 * @short_description: dma-bufs of memory files
 * @title: udmabuf
 * @include: igt_udmabuf.h
 *
 * The udmabuf driver makes a dma-buf of a memory file: something to import that no GPU driver has
 * exported.
 */

#define UDMABUF_PATH "/dev/udmabuf"

/**
 * igt_udmabuf_require:
 *
 * Skips if the kernel has no udmabuf, or the process may not open it.
 */
void igt_udmabuf_require(void)
{
	const int device = open(UDMABUF_PATH, O_RDWR | O_CLOEXEC);

	igt_require_f(device >= 0, UDMABUF_PATH ": %s\n", strerror(errno));
	close(device);
}

/**
 * igt_udmabuf_create:
 * @name: name of the memory file
 * @size: bytes, a multiple of the CPU's page
 *
 * Returns: a dma-buf; the caller closes it.
 */
int igt_udmabuf_create(const char *name, uint64_t size)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = size };
	const int device = open(UDMABUF_PATH, O_RDWR | O_CLOEXEC);
	int dmabuf;

	igt_assert_fd(device);
	create.memfd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	igt_assert_fd((int)create.memfd);
	igt_assert_eq(ftruncate(create.memfd, size), 0);
	igt_assert_eq(fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	dmabuf = ioctl(device, UDMABUF_CREATE, &create);
	igt_assert_fd(dmabuf);
	close(create.memfd);
	close(device);

	return dmabuf;
}
