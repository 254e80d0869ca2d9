/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_GPU_IRQ_H
#define VMALI_GPU_IRQ_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"

/*
 * An interrupt block: RAWSTAT, CLEAR, MASK, STAT, and its edges to the transport.
 *
 * On hardware the interrupt line is a level: STAT (RAWSTAT & MASK) is not zero. A message-signalled
 * interrupt has rising edges only: one edge whenever STAT turns from zero to non-zero, by a new bit
 * in RAWSTAT or by a write to MASK. No interrupt is lost: the driver masks all bits in its first
 * handler and unmasks them at the end (PANTHOR_IRQ_HANDLER, panthor_device.h). Bits raised in
 * between cause an edge at the unmask.
 */
struct gpu_irq {
	const struct board_irq_sink *sink;
	enum board_vector vector;
	const char *name;
	uint32_t raw, mask;
	/* For the referee (rules/). */
	uint32_t seen;		/* bits that the driver has read since it cleared them */
	uint32_t enabled;	/* last mask that was not 0 */
	bool read_closed;	/* RAWSTAT was read since the mask became 0 */
};

/* All registers zero. */
void gpu_irq_init(struct gpu_irq *irq, const struct board_irq_sink *sink, enum board_vector vector,
		  const char *name);

/* Set @bits in RAWSTAT. */
void gpu_irq_raise(struct gpu_irq *irq, uint32_t bits);

/* Clear RAWSTAT; the mask stays (for a soft reset, see gpu_reset_core()). */
void gpu_irq_drop(struct gpu_irq *irq);

/* @reg: enum int_reg. */
uint32_t gpu_irq_read(struct gpu_irq *irq, uint32_t reg);
void gpu_irq_write(struct gpu_irq *irq, uint32_t reg, uint32_t value);

#endif
