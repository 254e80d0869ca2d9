// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "igt_core.h"
#include "igt_memcg.h"
#include "igt_teardown.h"

/**
 * SECTION:igt_memcg
 * @short_description: Memory cgroups
 * @title: Memory cgroups
 * @include: igt_memcg.h
 */

static bool write_at(int folder, const char *name, const char *text)
{
	const int file = openat(folder, name, O_WRONLY | O_CLOEXEC);
	bool written;

	if (file < 0)
		return false;

	written = write(file, text, strlen(text)) == (ssize_t)strlen(text);
	close(file);

	return written;
}

/* The value behind @field in a file of "FIELD VALUE" lines, or in a line of words 1; else -1. */
static int64_t read_field(int folder, const char *name, const char *field)
{
	const int file = openat(folder, name, O_RDONLY | O_CLOEXEC);
	FILE *stream = file < 0 ? NULL : fdopen(file, "r");
	char word[64];
	int64_t value = -1;

	while (stream && value < 0 && fscanf(stream, "%63s", word) == 1)
		if (!strcmp(word, field) && fscanf(stream, "%" SCNd64, &value) != 1)
			value = 1;
	if (stream)
		fclose(stream);

	return value;
}

/* A mount that lasts as long as the descriptor; -1 if there is none. */
static int open_root(void)
{
	char folder[] = "/tmp/igt-memcg-XXXXXX";
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

static void destroy(void *data)
{
	struct igt_memcg *memcg = data;

	close(memcg->group);
	unlinkat(memcg->root, memcg->name, AT_REMOVEDIR);
	if (memcg->enabled)
		write_at(memcg->root, "cgroup.subtree_control", "-memory");
	close(memcg->root);
	free(memcg);
}

/**
 * igt_memcg_create:
 *
 * Makes a memory cgroup below the root of the hierarchy, for children of the caller to join.
 *
 * Returns: the group, removed by igt_memcg_destroy() or igt_teardown() once its processes have ended;
 * NULL if the kernel has no memory cgroups or the caller is not root.
 */
struct igt_memcg *igt_memcg_create(void)
{
	struct igt_memcg *memcg = calloc(1, sizeof(*memcg));

	igt_assert(memcg);
	memcg->root = open_root();
	if (memcg->root < 0) {
		free(memcg);
		return NULL;
	}

	memcg->enabled = read_field(memcg->root, "cgroup.subtree_control", "memory") < 0 &&
			 write_at(memcg->root, "cgroup.subtree_control", "+memory");
	snprintf(memcg->name, sizeof(memcg->name), "igt-%d", getpid());
	mkdirat(memcg->root, memcg->name, 0700);
	memcg->group = openat(memcg->root, memcg->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (igt_memcg_stat(memcg, "slab_unreclaimable") < 0) {
		destroy(memcg);
		return NULL;
	}

	igt_teardown_add(destroy, memcg);
	return memcg;
}

/**
 * igt_memcg_destroy:
 * @memcg: from igt_memcg_create()
 */
void igt_memcg_destroy(struct igt_memcg *memcg)
{
	igt_teardown_drop(destroy, memcg);
	destroy(memcg);
}

/**
 * igt_memcg_join:
 * @memcg: from igt_memcg_create()
 *
 * Moves the calling process into the group. It stays there: for a child that ends.
 */
void igt_memcg_join(const struct igt_memcg *memcg)
{
	igt_assert(write_at(memcg->group, "cgroup.procs", "0"));
}

/**
 * igt_memcg_stat:
 * @memcg: from igt_memcg_create()
 * @field: a name in memory.stat
 *
 * Returns: its value, in bytes for most; -1 if there is none.
 */
int64_t igt_memcg_stat(const struct igt_memcg *memcg, const char *field)
{
	return read_field(memcg->group, "memory.stat", field);
}
