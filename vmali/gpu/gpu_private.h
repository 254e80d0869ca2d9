/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_GPU_GPU_PRIVATE_H
#define VMALI_GPU_GPU_PRIVATE_H

#include <pthread.h>

#include "gpu/gpu.h"
#include "gpu/irq.h"
#include "gpu/power.h"
#include "gpu/turnstile.h"
#include "mcu/mcu.h"

/*
 * Frequencies of the two counters. TIMESTAMP is the system counter, which on an Arm board is the
 * one behind the generic timer: fixed at 1 GHz since Armv8.6, so a tick is a nanosecond (on x86
 * panthor reports the frequency as unknown and converts nothing, panthor_drv.c,
 * panthor_query_timestamp_info()). CYCLE_COUNT counts core clocks: 500 MHz, the rate that the
 * board's guest module gives the clock, from which the driver computes the firmware's timeouts
 * (panthor_fw.c, panthor_fw_conv_timeout()). Both start with the host's monotonic clock, not with
 * the GPU, so that the trace shows the same time.
 */
#define GPU_TIMESTAMP_HZ 1000000000ull
#define GPU_NS_PER_CYCLE 2

/* Registers that keep what is written and do nothing, by index in the table of registers.c. */
#define GPU_PLAIN_COUNT 8

struct gpu {
	struct board_irq_sink sink;
	uint64_t (*now_ns)(void);

	struct turnstile lock;	/* guards all that follows, mmu and mcu included */
	struct mmu *mmu;
	struct mcu *mcu;
	struct gpu_irq irq[BOARD_VECTOR_COUNT];
	struct gpu_power power;
	uint32_t plain[GPU_PLAIN_COUNT];
	uint32_t latest_flush;

	pthread_t engine;
	bool engine_started;
};

/* Counters; monotonic, not touched by any reset. */
uint64_t gpu_timestamp(void *gpu);
uint64_t gpu_cycles(void *gpu);

/* GPU_CMD was written. */
void gpu_command(struct gpu *gpu, uint32_t value);

/*
 * Register dispatch (registers.c). gpu_reg_write() returns whether the engine has something new
 * to look at.
 */
uint32_t gpu_reg_read(struct gpu *gpu, uint32_t offset);
bool gpu_reg_write(struct gpu *gpu, uint32_t offset, uint32_t value);

#endif
