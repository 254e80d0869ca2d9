// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <drm.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../drmtest.h"
#include "../igt_debugfs.h"
#include "../igt_sysfs.h"
#include "../ioctl_wrappers.h"
#include "standalone.h"

#define DEBUGFS "/sys/kernel/debug"

/* The minors of DRM: from 0 on those of cards, from 128 on those of render nodes. */
#define CARDS 16
#define FIRST_RENDER_NODE 128
#define LAST_RENDER_NODE 191

static bool is_panthor(int fd)
{
	char name[16] = "";
	struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };

	return !igt_ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "panthor");
}

/* A file of the device at @path if that is of panthor, or -1. */
static int open_panthor(const char *path)
{
	const int fd = open(path, O_RDWR);

	if (fd < 0)
		return -1;
	if (is_panthor(fd)) {
		igt_info("Opened device: %s\n", path);
		return fd;
	}
	close(fd);
	return -1;
}

static int open_first_panthor(void)
{
	char path[32];
	int fd = -1;

	for (int minor = FIRST_RENDER_NODE; fd < 0 && minor <= LAST_RENDER_NODE; minor++) {
		snprintf(path, sizeof(path), "/dev/dri/renderD%d", minor);
		fd = open_panthor(path);
	}
	return fd;
}

/**
 * drm_open_driver_render:
 * @chipset: DRIVER_PANTHOR
 *
 * Opens the device that --device or IGT_DEVICE names, or else the first of panthor. Skips if there
 * is none.
 *
 * Returns: its file descriptor.
 */
int drm_open_driver_render(int chipset)
{
	const char *path = standalone_options.device;
	int fd;

	igt_assert_eq(chipset, DRIVER_PANTHOR);
	fd = path ? open_panthor(path) : open_first_panthor();
	errno = 0;
	if (fd < 0 && path)
		igt_skip("%s: no device of panthor\n", path);
	if (fd < 0)
		igt_skip("no device of panthor here\n");
	return fd;
}

/* Whether debugfs is there; root can mount it. */
static bool debugfs_is_mounted(void)
{
	struct stat root, above;

	if (stat(DEBUGFS, &root) || stat(DEBUGFS "/..", &above))
		return false;
	return root.st_dev != above.st_dev || !mount("debug", DEBUGFS, "debugfs", 0, NULL);
}

/* A folder of dri/ in debugfs, if a file in it says which device it is of. */
static int debugfs_folder(unsigned int number)
{
	char path[64];
	int dir;

	snprintf(path, sizeof(path), DEBUGFS "/dri/%u", number);
	dir = open(path, O_RDONLY | O_DIRECTORY);
	if (dir >= 0 && faccessat(dir, "name", F_OK, 0)) {
		close(dir);
		dir = -1;
	}
	return dir;
}

/* The card of the device whose render node has this minor, or -1. */
static int card_of_render_node(unsigned int minor)
{
	char path[96];

	for (int card = 0; card < CARDS; card++) {
		snprintf(path, sizeof(path), "/sys/dev/char/226:%u/device/drm/card%d", minor, card);
		if (!access(path, F_OK))
			return card;
	}
	return -1;
}

/**
 * igt_debugfs_dir:
 * @device: open device
 *
 * Returns: a file descriptor of its folder in debugfs, or -1.
 */
int igt_debugfs_dir(int device)
{
	struct stat node;
	int card, dir;

	if (fstat(device, &node) || !S_ISCHR(node.st_mode) || !debugfs_is_mounted())
		return -1;
	dir = debugfs_folder(minor(node.st_rdev));
	if (dir >= 0)
		return dir;
	/* Kernels differ in whether a render node has a folder of its own. */
	card = card_of_render_node(minor(node.st_rdev));
	return card < 0 ? -1 : debugfs_folder(card);
}

/**
 * igt_sysfs_set:
 * @dir: folder
 * @attr: file in it
 * @value: text to write
 *
 * Returns: whether it was written.
 */
bool igt_sysfs_set(int dir, const char *attr, const char *value)
{
	const ssize_t size = strlen(value);
	const int fd = openat(dir, attr, O_WRONLY);
	ssize_t written;

	if (fd < 0)
		return false;
	do
		written = write(fd, value, size);
	while (written < 0 && (errno == EINTR || errno == EAGAIN));
	close(fd);
	return written == size;
}
