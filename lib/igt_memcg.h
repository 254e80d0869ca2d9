/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_MEMCG_H
#define IGT_MEMCG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A memory cgroup of the test's own. It counts the memory charged to the calling process and to the
 * children forked in the group.
 */

bool igt_memcg_enter(void);
int64_t igt_memcg_stat(const char *field);
int64_t igt_memcg_current(void);
bool igt_memcg_reclaim(uint64_t bytes);
void igt_memcg_leave(void);

#endif /* IGT_MEMCG_H */
