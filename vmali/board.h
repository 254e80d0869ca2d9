/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_BOARD_H
#define VMALI_BOARD_H

#include <stdint.h>

/*
 * The interface between a transport (vfio-user, or a unit test in the same process) and the GPU:
 * register accesses and interrupts. The transport contains nothing of Mali, the GPU nothing of
 * sockets. Both also use guest memory (memory/guest_memory.h).
 */

/* The MSI-X vectors of the board, in the order in which the guest module assigns them. */
enum board_vector {
	BOARD_VECTOR_JOB,
	BOARD_VECTOR_MMU,
	BOARD_VECTOR_GPU,
	BOARD_VECTOR_COUNT
};

/* Size of the register window (BAR0), in bytes: the last user doorbell page ends at 4 MiB. */
#define BOARD_REGS_SIZE 0x400000u

/**
 * struct board_gpu_ops - Operations of the GPU, called by a transport
 * @read32: value of the register at byte @offset (4-byte aligned, below BOARD_REGS_SIZE).
 * @write32: write of a register.
 * @reset: the PCI function was reset: back to the state after power-on, no interrupt pending.
 *
 * Callable from any thread. Each waits for one slice of stream execution at most.
 */
struct board_gpu_ops {
	uint32_t (*read32)(void *gpu, uint32_t offset);
	void (*write32)(void *gpu, uint32_t offset, uint32_t value);
	void (*reset)(void *gpu);
};

/**
 * struct board_irq_sink - Operation of a transport, called by the GPU
 * @raise: one edge on @vector. Callable from any thread, never blocks, never calls back.
 * @ctx: first argument of @raise.
 */
struct board_irq_sink {
	void (*raise)(void *ctx, enum board_vector vector);
	void *ctx;
};

#endif
