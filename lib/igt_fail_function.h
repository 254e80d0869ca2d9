/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_FAIL_FUNCTION_H
#define IGT_FAIL_FUNCTION_H

#include <stdbool.h>

/*
 * Error injection into functions of the kernel: CONFIG_FAIL_FUNCTION and functions that are marked
 * by ALLOW_ERROR_INJECTION() (Documentation/fault-injection). Applies to all tasks and workers.
 */

bool igt_fail_function_has(const char *function);
void igt_fail_function_start(const char *function, int err, unsigned int pass, unsigned int times);
unsigned int igt_fail_function_left(void);
void igt_fail_function_stop(void);

#endif /* IGT_FAIL_FUNCTION_H */
