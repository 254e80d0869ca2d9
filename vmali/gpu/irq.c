// SPDX-License-Identifier: MIT
/* Copyright (C) 2026 The vmali authors */
#include "gpu/irq.h"

#include "regs/gpu_regs.h"
#include "rules/rules.h"
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
	irq->seen = 0;
	gpu_irq_update(irq, 0, irq->mask);
}

uint32_t gpu_irq_read(struct gpu_irq *irq, uint32_t reg)
{
	switch (reg) {
	case INT_RAWSTAT:
		irq->seen |= irq->raw;
		irq->read_closed |= !irq->mask;
		return irq->raw;
	case INT_MASK:
		return irq->mask;
	case INT_STAT:
		irq->seen |= irq->raw & irq->mask;
		return irq->raw & irq->mask;
	default:
		return 0;	/* CLEAR is write-only */
	}
}

/*
 * For the referee: enabled bits that the driver clears without having read them are lost. A bit
 * that was read and is raised again before it is cleared is not: handlers clear bits first, and
 * then look for what has happened. While it is suspended, the driver reads no bits, and when it
 * resumes, it clears all (panthor_irq_resume()).
 */
static void check_clear(struct gpu_irq *irq, uint32_t value)
{
	uint32_t lost = value & irq->raw & irq->enabled & ~irq->seen;

	irq->seen &= ~value;
	if (lost && (irq->mask || irq->read_closed))
		rules_broken(RULE_IRQ_CLEARED_UNREAD, RULES_NO_AS, lost, "%s_INT_CLEAR of 0x%08x",
			     irq->name, lost);
}

void gpu_irq_write(struct gpu_irq *irq, uint32_t reg, uint32_t value)
{
	switch (reg) {
	case INT_CLEAR:
		check_clear(irq, value);
		gpu_irq_update(irq, irq->raw & ~value, irq->mask);
		break;
	case INT_MASK:
		irq->read_closed = false;
		if (value)
			irq->enabled = value;
		gpu_irq_update(irq, irq->raw, value);
		break;
	default:
		rules_broken(RULE_REGISTER_READ_ONLY, RULES_NO_AS, reg, "0x%08x to %s_INT +0x%x",
			     value, irq->name, reg);
	}
}
