/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_GPU_POWER_H
#define VMALI_GPU_POWER_H

#include <stdbool.h>
#include <stdint.h>

#include "regs/gpu_regs.h"

/*
 * Power domains: shader cores, tiler, L2. Transitions take no time: PWRTRANS reads 0, and READY has
 * changed when the write returns. In a zeroed structure all domains are off.
 */
struct gpu_power {
	uint64_t ready[POWER_DOMAIN_COUNT];
};

/* @offset: bytes from REG_POWER, below REG_POWER_SIZE. */
uint32_t gpu_power_read(const struct gpu_power *power, uint32_t offset);

/**
 * gpu_power_write() - Write of a power control register
 *
 * Return: the bits of the GPU interrupt that the write raises, 0 if none.
 */
uint32_t gpu_power_write(struct gpu_power *power, uint32_t offset, uint32_t value);

#endif
