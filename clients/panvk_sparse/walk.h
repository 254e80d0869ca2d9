/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef PANVK_SPARSE_WALK_H
#define PANVK_SPARSE_WALK_H

#include "vk.h"

/**
 * walk_run() - Do @rounds operations at random, drawn by @seed, and compare after most of them
 * @minimise_s: seconds to look for a shorter list of operations that fails, and 0: do not look.
 *
 * On failure the first difference is printed, and the operations that lead to it.
 */
bool walk_run(struct vk_instance *instance, const char *shrink, uint32_t seed, unsigned int rounds,
	      unsigned int minimise_s);

#endif
