/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_GPU_H
#define VMALI_GPU_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"
#include "mmu/mmu.h"

/*
 * The GPU as a whole: register dispatch, identification, power, reset, interrupts, and the
 * engine thread that runs the MCU and the command streams. One lock guards all of it. A slice of
 * execution is bounded, and the engine gives way to a waiting register access, so no stream can
 * stall the guest's CPUs.
 */
struct guest_memory;
struct gpu;

/**
 * struct gpu_config - How the GPU is made
 * @irq: where its interrupts go.
 * @tlb, @tlb_seed: behaviour of the TLB, see mmu/mmu.h.
 * @now_ns: monotonic clock in nanoseconds, or NULL for CLOCK_MONOTONIC (tests bring their own).
 */
struct gpu_config {
	struct board_irq_sink irq;
	enum mmu_tlb_mode tlb;
	uint64_t tlb_seed;
	uint64_t (*now_ns)(void);
};

struct gpu *gpu_create(struct guest_memory *mem, const struct gpu_config *config);
void gpu_destroy(struct gpu *gpu);

/* Start and stop the engine thread. Without it gpu_step() drives the GPU (unit tests). */
int gpu_start(struct gpu *gpu);
void gpu_stop(struct gpu *gpu);

/* One slice of the engine's work. Return: false when there is nothing to do until the next
 * register write.
 */
bool gpu_step(struct gpu *gpu);

/* For a transport: the first argument of each operation is the struct gpu. */
extern const struct board_gpu_ops gpu_board_ops;

#endif
