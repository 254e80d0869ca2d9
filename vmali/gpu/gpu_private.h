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
 * Frequencies of the two counters.
 *
 * TIMESTAMP is the system counter, which on an Arm board is that of the generic timer: 1 GHz since
 * Armv8.6, so a tick is a nanosecond. On x86, panthor reports the frequency as unknown
 * (panthor_drv.c, panthor_query_timestamp_info()).
 *
 * CYCLE_COUNT counts core clocks of 500 MHz, the clock rate set by the board's guest module. The
 * driver computes the firmware's timeouts from this rate (panthor_fw.c, panthor_fw_conv_timeout()).
 *
 * Both are derived from the host's monotonic clock, so that they match the times in the trace.
 */
#define GPU_TIMESTAMP_HZ 1000000000ull
#define GPU_NS_PER_CYCLE 2

/* Number of registers that store the written value and have no effect (registers.c, plain[]). */
#define GPU_PLAIN_COUNT 8

struct gpu {
	struct board_irq_sink sink;
	uint64_t (*now_ns)(void);

	struct turnstile lock;	/* guards the members below, including mmu and mcu */
	struct mmu *mmu;
	struct mcu *mcu;
	struct gpu_irq irq[BOARD_VECTOR_COUNT];
	struct gpu_power power;
	uint32_t plain[GPU_PLAIN_COUNT];
	uint32_t latest_flush;

	pthread_t engine;
	bool engine_started;
};

/* Counters: monotonic, not changed by any reset. */
uint64_t gpu_timestamp(void *gpu);
uint64_t gpu_cycles(void *gpu);

/* Execute a write to GPU_CMD. */
void gpu_command(struct gpu *gpu, uint32_t value);

/*
 * Register dispatch (registers.c). gpu_reg_write() returns true if the write may give work to the
 * engine.
 */
uint32_t gpu_reg_read(struct gpu *gpu, uint32_t offset);
bool gpu_reg_write(struct gpu *gpu, uint32_t offset, uint32_t value);

#endif
