/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_PANTHOR_FAIL_H
#define IGT_PANTHOR_FAIL_H

#include <stdbool.h>

/*
 * Allocations of the kernel that fail on demand, one by one: fault injection of
 * kernels with CONFIG_FAILSLAB (Documentation/fault-injection). Only those of the
 * calling task fail; what its request leaves to workers does not.
 */

void igt_panthor_require_failslab(int fd);
void igt_panthor_fail_nth(unsigned int nth);
bool igt_panthor_fail_nth_end(void);

#endif /* IGT_PANTHOR_FAIL_H */
