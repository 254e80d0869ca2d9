/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_FAIL_NTH_H
#define IGT_FAIL_NTH_H

#include <stdbool.h>

/*
 * Fault injection into the kernel's slab allocations, one by one: CONFIG_FAILSLAB and
 * /proc/thread-self/fail-nth (Documentation/fault-injection). Allocations of the calling task fail;
 * those of workers do not.
 */

void igt_fail_nth_require(void);
void igt_fail_nth_start(unsigned int nth);
bool igt_fail_nth_stop(void);

#endif /* IGT_FAIL_NTH_H */
