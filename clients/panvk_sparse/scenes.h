/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef PANVK_SPARSE_SCENES_H
#define PANVK_SPARSE_SCENES_H

#include "world.h"

/**
 * struct scene - A fixed list of operations
 * @run: does them in a new world. What goes wrong is in the world's message.
 */
struct scene {
	const char *name, *description;
	const struct geometry *geometry;
	bool (*run)(struct world *world, bool evict);
};

/* Ends with an entry without name. */
extern const struct scene scenes[];

#endif
