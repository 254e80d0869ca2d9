/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_MEMCG_H
#define IGT_MEMCG_H

#include <stdbool.h>
#include <stdint.h>

/* A memory cgroup (version 2) for what one process makes the kernel allocate. */

/**
 * igt_memcg:
 * @root: file descriptor of the root of the hierarchy
 * @group: file descriptor of a new group in it
 * @name: name of the group
 * @enabled: the memory controller was enabled for it
 */
struct igt_memcg {
	int root;
	int group;
	char name[64];
	bool enabled;
};

struct igt_memcg *igt_memcg_create(void);
void igt_memcg_destroy(struct igt_memcg *memcg);
void igt_memcg_join(const struct igt_memcg *memcg);
int64_t igt_memcg_stat(const struct igt_memcg *memcg, const char *field);

#endif /* IGT_MEMCG_H */
