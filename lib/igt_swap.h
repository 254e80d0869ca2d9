/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_SWAP_H
#define IGT_SWAP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The swap areas of the machine. igt_swap_restore() and igt_teardown() undo what the other functions
 * did.
 */

bool igt_swap_off(void);
bool igt_swap_add(size_t size);
bool igt_swap_fill(void);
void igt_swap_restore(void);

#endif /* IGT_SWAP_H */
