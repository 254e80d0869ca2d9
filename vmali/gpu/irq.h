/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_GPU_IRQ_H
#define VMALI_GPU_IRQ_H

#include <stdint.h>

#include "board.h"

/*
 * An interrupt block: RAWSTAT, CLEAR, MASK, STAT, and the edge that goes to the transport.
 *
 * The block's line is the level "STAT != 0", STAT being RAWSTAT & MASK; what a message-signalled
 * interrupt can carry of it is its rising edges. An edge goes out whenever STAT turns from zero
 * to non-zero, be it by a new bit or by a MASK write that uncovers an old one. The driver masks
 * everything in its first handler and unmasks when done (PANTHOR_IRQ_HANDLER, panthor_device.h),
 * so nothing is lost: what came in between raises the edge at the unmask.
 */
struct gpu_irq {
	const struct board_irq_sink *sink;
	enum board_vector vector;
	const char *name;
	uint32_t raw, mask;
};

/* All registers zero. */
void gpu_irq_init(struct gpu_irq *irq, const struct board_irq_sink *sink, enum board_vector vector,
		  const char *name);

/* Set @bits in RAWSTAT. */
void gpu_irq_raise(struct gpu_irq *irq, uint32_t bits);

/* Drop what is pending; the mask stays (a soft reset, see gpu_reset()). */
void gpu_irq_drop(struct gpu_irq *irq);

/* @reg: enum int_reg. */
uint32_t gpu_irq_read(const struct gpu_irq *irq, uint32_t reg);
void gpu_irq_write(struct gpu_irq *irq, uint32_t reg, uint32_t value);

#endif
