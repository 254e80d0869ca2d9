/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_FRONT_IN_PROCESS_H
#define VMALI_FRONT_IN_PROCESS_H

#include <stdint.h>

#include "board.h"

/*
 * A transport without sockets or PCI, for unit tests of the GPU. Guest memory starts empty; tests
 * add regions with guest_memory_map_private().
 *
 * Order of use: in_process_init(), create the GPU with @mem and in_process_sink(), then
 * in_process_attach(). Register accesses and edges may come from any thread.
 */
struct guest_memory;

struct in_process {
	struct guest_memory *mem;
	const struct board_gpu_ops *ops;
	void *gpu;
	unsigned int edges[BOARD_VECTOR_COUNT];
};

/**
 * in_process_init() - Empty guest memory, no GPU, no edges
 *
 * Return: 0 or -ENOMEM.
 */
int in_process_init(struct in_process *front);

/* Frees the guest memory. The GPU must have been destroyed before. */
void in_process_fini(struct in_process *front);

/* Sink that counts the GPU's interrupts, see in_process_take_edges(). */
struct board_irq_sink in_process_sink(struct in_process *front);

void in_process_attach(struct in_process *front, const struct board_gpu_ops *ops, void *gpu);

uint32_t in_process_read32(struct in_process *front, uint32_t offset);
void in_process_write32(struct in_process *front, uint32_t offset, uint32_t value);

/* Access a 64-bit register like the driver: two words, the low one first. */
uint64_t in_process_read64(struct in_process *front, uint32_t offset);
void in_process_write64(struct in_process *front, uint32_t offset, uint64_t value);

/* Reset of the PCI function. */
void in_process_reset(struct in_process *front);

/**
 * in_process_take_edges() - Edges on @vector since the last call
 */
unsigned int in_process_take_edges(struct in_process *front, enum board_vector vector);

#endif
