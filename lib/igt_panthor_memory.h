/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_PANTHOR_MEMORY_H
#define IGT_PANTHOR_MEMORY_H

#include <stdint.h>

/* What the kernel says of its memory, in bytes, and how to have it warn again. */

uint64_t igt_panthor_meminfo(const char *field);
int64_t igt_panthor_page_table_bytes(void);
void igt_panthor_clear_warn_once(void);

#endif /* IGT_PANTHOR_MEMORY_H */
