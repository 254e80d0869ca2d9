/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_TESTS_FAKE_GPU_H
#define VMALI_TESTS_FAKE_GPU_H

#include <stdint.h>

#include "board.h"

/*
 * A minimal GPU for transports: a register reads as a function of its offset. The register that was
 * written last reads as the written value.
 */
struct fake_gpu {
	unsigned int reads, writes, resets;
	uint32_t last_offset, last_value;
};

static inline uint32_t fake_gpu_value(uint32_t offset)
{
	return offset * 2654435761u;
}

static inline uint32_t fake_gpu_read32(void *gpu, uint32_t offset)
{
	struct fake_gpu *fake = gpu;

	fake->reads++;
	if (fake->writes && offset == fake->last_offset)
		return fake->last_value;
	return fake_gpu_value(offset);
}

static inline void fake_gpu_write32(void *gpu, uint32_t offset, uint32_t value)
{
	struct fake_gpu *fake = gpu;

	fake->writes++;
	fake->last_offset = offset;
	fake->last_value = value;
}

static inline void fake_gpu_reset(void *gpu)
{
	struct fake_gpu *fake = gpu;

	fake->resets++;
}

static const struct board_gpu_ops fake_gpu_ops = {
	.read32 = fake_gpu_read32,
	.write32 = fake_gpu_write32,
	.reset = fake_gpu_reset,
};

#endif
