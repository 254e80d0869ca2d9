/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_OS_H
#define IGT_OS_H

#include <stdint.h>

/* Despite its name: the swap space that is free. */
uint64_t igt_get_total_swap_mb(void);

#endif /* IGT_OS_H */
