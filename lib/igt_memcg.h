/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_MEMCG_H
#define IGT_MEMCG_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A memory cgroup for the calling process: memory that is charged to this process and the children
 * that it forks meanwhile.
 */

bool igt_memcg_enter(void);
int64_t igt_memcg_stat(const char *field);
int64_t igt_memcg_current(void);
bool igt_memcg_reclaim(uint64_t bytes);
void igt_memcg_leave(void);

#endif /* IGT_MEMCG_H */
