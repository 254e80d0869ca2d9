// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "igt_core.h"
#include "igt_memcg.h"
#include "igt_teardown.h"

/**
 * SECTION:igt_memcg
 * @short_description: A memory cgroup of the test's own
 * @title: Memory cgroup
 * @include: igt_memcg.h
 */

/**
 * memcg:
 * @root: root folder of the cgroup2 hierarchy
 * @group: folder of the group
 * @name: name of the group in @root
 * @before: path of the group that the process was in
 * @enabled: true if the memory controller was off in @root and was enabled for the group
 */
static struct {
	int root;
	int group;
	char name[32];
	char before[PATH_MAX];
	bool enabled;
} memcg = { .root = -1, .group = -1 };

static bool write_at(int dir, const char *name, const char *text)
{
	const int file = openat(dir, name, O_WRONLY | O_CLOEXEC);
	ssize_t written;

	if (file < 0)
		return false;

	written = write(file, text, strlen(text));
	close(file);

	return written == (ssize_t)strlen(text);
}

static FILE *open_at(int dir, const char *name)
{
	const int file = openat(dir, name, O_RDONLY | O_CLOEXEC);

	return file < 0 ? NULL : fdopen(file, "r");
}

/* Mounts the cgroup2 hierarchy and detaches the mount, which ends with its last descriptor. */
static int open_root(void)
{
	char folder[] = "/tmp/igt-cgroup-XXXXXX";
	int root = -1;

	if (!mkdtemp(folder))
		return -1;

	if (!mount("none", folder, "cgroup2", 0, NULL)) {
		root = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		umount2(folder, MNT_DETACH);
	}
	rmdir(folder);

	return root;
}

/* The line of the cgroup2 hierarchy is "0::PATH". */
static bool read_own_group(char *path)
{
	FILE *file = fopen("/proc/self/cgroup", "r");
	bool found = false;
	char line[PATH_MAX];

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "0::/%[^\n]", path) == 1 || !strcmp(line, "0::/\n");
	if (file)
		fclose(file);

	return found;
}

static bool is_controlled(void)
{
	FILE *file = open_at(memcg.root, "cgroup.subtree_control");
	char line[256] = "";
	bool found;

	found = file && fgets(line, sizeof(line), file) && strstr(line, "memory");
	if (file)
		fclose(file);

	return found;
}

static void leave(void *data)
{
	char procs[PATH_MAX + 16];

	(void)data;
	if (memcg.group >= 0) {
		snprintf(procs, sizeof(procs), "%s%scgroup.procs", memcg.before,
			 memcg.before[0] ? "/" : "");
		write_at(memcg.root, procs, "0");
		close(memcg.group);
		unlinkat(memcg.root, memcg.name, AT_REMOVEDIR);
	}
	if (memcg.enabled)
		write_at(memcg.root, "cgroup.subtree_control", "-memory");
	if (memcg.root >= 0)
		close(memcg.root);
	memcg.root = memcg.group = -1;
	memcg.enabled = false;
	memcg.before[0] = '\0';
}

static bool enter(void)
{
	memcg.root = open_root();
	if (memcg.root < 0 || !read_own_group(memcg.before))
		return false;

	if (!is_controlled())
		memcg.enabled = write_at(memcg.root, "cgroup.subtree_control", "+memory");
	snprintf(memcg.name, sizeof(memcg.name), "igt-%d", getpid());
	if (mkdirat(memcg.root, memcg.name, 0700))
		return false;

	memcg.group = openat(memcg.root, memcg.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return memcg.group >= 0 && write_at(memcg.group, "cgroup.procs", "0") &&
	       igt_memcg_stat("anon") >= 0;
}

/**
 * igt_memcg_enter:
 *
 * Moves the calling process into a new memory cgroup. igt_memcg_leave() or igt_teardown() moves it
 * back and removes the group; all children forked in the group must have ended by then.
 *
 * Returns: false if the kernel has no memory cgroups or the caller may not create one.
 */
bool igt_memcg_enter(void)
{
	igt_assert(memcg.root < 0);
	if (enter()) {
		igt_teardown_add(leave, NULL);
		return true;
	}

	leave(NULL);
	return false;
}

/**
 * igt_memcg_stat:
 * @field: a name in memory.stat
 *
 * The kernel updates memory.stat with a delay of up to some two seconds.
 *
 * Returns: bytes charged to the group of igt_memcg_enter(), or -1 if there is no such field.
 */
int64_t igt_memcg_stat(const char *field)
{
	FILE *file = open_at(memcg.group, "memory.stat");
	const size_t length = strlen(field);
	int64_t bytes = -1;
	char line[128];

	while (file && bytes < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, field, length) && line[length] == ' ')
			sscanf(line + length, "%" SCNd64, &bytes);
	if (file)
		fclose(file);

	return bytes;
}

/**
 * igt_memcg_current:
 *
 * Returns: bytes that are charged to the group of igt_memcg_enter() now, or -1.
 */
int64_t igt_memcg_current(void)
{
	FILE *file = open_at(memcg.group, "memory.current");
	int64_t bytes = -1;

	if (file) {
		if (fscanf(file, "%" SCNd64, &bytes) != 1)
			bytes = -1;
		fclose(file);
	}

	return bytes;
}

/**
 * igt_memcg_reclaim:
 * @bytes: bytes to reclaim
 *
 * Makes the kernel reclaim memory of the group of igt_memcg_enter(). Memory of shared and anonymous
 * mappings is swapped out. The kernel may reclaim less.
 *
 * Returns: true if all of @bytes was reclaimed.
 */
bool igt_memcg_reclaim(uint64_t bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, bytes);

	return write_at(memcg.group, "memory.reclaim", text);
}

/**
 * igt_memcg_leave:
 *
 * Undoes igt_memcg_enter().
 */
void igt_memcg_leave(void)
{
	igt_teardown_drop(leave, NULL);
	leave(NULL);
}
