// SPDX-License-Identifier: MIT
/* Copyright (C) 2026 The vmali authors */
#include "gpu/irq.h"

#include "regs/gpu_regs.h"
#include "trace/trace.h"

void gpu_irq_init(struct gpu_irq *irq, const struct board_irq_sink *sink, enum board_vector vector,
		  const char *name)
{
	*irq = (struct gpu_irq){ .sink = sink, .vector = vector, .name = name };
}

/* Set RAWSTAT and MASK. Raises one edge if STAT turns from zero to non-zero. */
static void gpu_irq_update(struct gpu_irq *irq, uint32_t raw, uint32_t mask)
{
	uint32_t before = irq->raw & irq->mask;
	uint32_t after = raw & mask;

	irq->raw = raw;
	irq->mask = mask;
	if (before || !after)
		return;
	trace("irq", "%s raised, STAT 0x%08x", irq->name, after);
	if (irq->sink->raise)
		irq->sink->raise(irq->sink->ctx, irq->vector);
}

void gpu_irq_raise(struct gpu_irq *irq, uint32_t bits)
{
	gpu_irq_update(irq, irq->raw | bits, irq->mask);
}

void gpu_irq_drop(struct gpu_irq *irq)
{
	gpu_irq_update(irq, 0, irq->mask);
}

uint32_t gpu_irq_read(const struct gpu_irq *irq, uint32_t reg)
{
	switch (reg) {
	case INT_RAWSTAT:
		return irq->raw;
	case INT_MASK:
		return irq->mask;
	case INT_STAT:
		return irq->raw & irq->mask;
	default:
		return 0;	/* CLEAR is write-only */
	}
}

void gpu_irq_write(struct gpu_irq *irq, uint32_t reg, uint32_t value)
{
	switch (reg) {
	case INT_CLEAR:
		gpu_irq_update(irq, irq->raw & ~value, irq->mask);
		break;
	case INT_MASK:
		gpu_irq_update(irq, irq->raw, value);
		break;
	default:
		log_once("%s: write to a read-only interrupt register (+0x%x)", irq->name, reg);
	}
}
