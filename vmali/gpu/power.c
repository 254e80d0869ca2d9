// SPDX-License-Identifier: MIT
/* Copyright (C) 2026 The vmali authors */
#include "gpu/power.h"

#include "regs/gpu_identity.h"
#include "trace/trace.h"

static const struct {
	uint64_t present;
	const char *name;
} domains[POWER_DOMAIN_COUNT] = {
	[POWER_SHADER] = { GPU_SHADER_PRESENT, "SHADER" },
	[POWER_TILER] = { GPU_TILER_PRESENT, "TILER" },
	[POWER_L2] = { GPU_L2_PRESENT, "L2" },
};

/* Decode a register offset. Return: false if there is no register. */
static bool power_decode(uint32_t offset, enum power_kind *kind, enum power_domain *domain,
			 unsigned int *shift)
{
	uint64_t high = field_get(offset, REG_POWER_HIGH);

	*kind = field_get(offset, REG_POWER_KIND);
	*domain = field_get(offset, REG_POWER_DOMAIN);
	*shift = high * 32;
	return *kind < POWER_KIND_COUNT && *domain < POWER_DOMAIN_COUNT && high <= 1;
}

uint32_t gpu_power_read(const struct gpu_power *power, uint32_t offset)
{
	enum power_kind kind;
	enum power_domain domain;
	unsigned int shift;

	if (!power_decode(offset, &kind, &domain, &shift))
		return 0;
	switch (kind) {
	case POWER_PRESENT:
		return domains[domain].present >> shift;
	case POWER_READY:
	case POWER_ACTIVE:
		return power->ready[domain] >> shift;
	default:
		return 0;	/* PWRTRANS: no transition takes time; PWRON, PWROFF: write-only */
	}
}

uint32_t gpu_power_write(struct gpu_power *power, uint32_t offset, uint32_t value)
{
	enum power_kind kind;
	enum power_domain domain;
	unsigned int shift;
	uint64_t bits, before;

	if (!power_decode(offset, &kind, &domain, &shift))
		return 0;
	bits = ((uint64_t)value << shift) & domains[domain].present;
	before = power->ready[domain];
	if (kind == POWER_ON)
		power->ready[domain] |= bits;
	else if (kind == POWER_OFF)
		power->ready[domain] &= ~bits;
	if (power->ready[domain] == before)
		return 0;
	trace("gpu", "%s power 0x%llx", domains[domain].name,
	      (unsigned long long)power->ready[domain]);
	return GPU_IRQ_POWER_CHANGED | GPU_IRQ_POWER_CHANGED_ALL;
}
