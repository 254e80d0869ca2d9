/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_GPU_H
#define VMALI_GPU_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "mmu/mmu.h"

/*
 * The GPU as a whole: register dispatch, identification, power, reset, interrupts, and the engine
 * thread, which runs the MCU and the command streams. One lock guards all of it. The engine holds
 * the lock for one slice of execution only, which is bounded, and a waiting register access gets
 * the lock next. No stream can stall the guest's CPUs.
 */
struct guest_memory;
struct gpu;

/**
 * struct gpu_config - Configuration of the GPU
 * @irq: sink of its interrupts.
 * @tlb, @tlb_seed: mode of the TLB and seed of its replacement, see mmu/mmu.h.
 * @now_ns: monotonic clock in nanoseconds, for tests; NULL for CLOCK_MONOTONIC.
 */
struct gpu_config {
	struct board_irq_sink irq;
	enum mmu_tlb_mode tlb;
	uint64_t tlb_seed;
	uint64_t (*now_ns)(void);
};

struct gpu *gpu_create(struct guest_memory *mem, const struct gpu_config *config);
void gpu_destroy(struct gpu *gpu);

/* Start and stop the engine thread. Unit tests call gpu_step() instead. */
int gpu_start(struct gpu *gpu);
void gpu_stop(struct gpu *gpu);

/* Run one slice of the engine. Return: false if there is no work until the next register write. */
bool gpu_step(struct gpu *gpu);

/* Operations for a transport. Their first argument is the struct gpu. */
extern const struct board_gpu_ops gpu_board_ops;

#endif
