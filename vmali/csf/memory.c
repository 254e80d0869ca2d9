// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include <endian.h>

#include "csf/internal.h"
#include "mmu/mmu.h"

/*
 * Loads and stores, through the MMU.
 *
 * A LOAD_MULTIPLE reads memory when it is issued. Its registers change when a WAIT covers its
 * scoreboard entry, the latest time that hardware may choose. Until then all instructions,
 * including stores, read the old contents. The arriving load overwrites the result of any
 * instruction that wrote the register meanwhile; a second load to the same register replaces the
 * first. Stores read their registers when they are issued.
 */
#define REGS_MAX 16

/* A run of set bits of a register mask. */
struct run {
	unsigned int first, count;
};

/* The lowest run in @mask, which is not 0. */
static struct run first_run(uint32_t mask)
{
	unsigned int first = __builtin_ctz(mask);

	return (struct run){ first, __builtin_ctz(~(mask >> first)) };
}

static uint32_t without_run(uint32_t mask, struct run run)
{
	return mask & ~(((1u << run.count) - 1) << run.first);
}

/* Register i of the list is at @va + 4 * i, even if the mask leaves out lower registers. */
static uint64_t run_va(uint64_t va, struct run run)
{
	return va + run.first * sizeof(uint32_t);
}

static void put_in_flight(struct csf_stream *cs, const struct csf_instr *instr,
			  const uint32_t *value)
{
	uint64_t mask = instr->arg[CSF_ARG_MASK];

	for (unsigned int i = 0; i < REGS_MAX; i++) {
		unsigned int reg = instr->arg[CSF_ARG_BASE] + i;

		if (!(mask >> i & 1))
			continue;
		cs->in_flight.reg[reg / 32] |= 1u << reg % 32;
		cs->in_flight.value[reg] = le32toh(value[i]);
		cs->in_flight.sb[reg] = cs->state.sb_other;
	}
}

/* csf_loads_arrive() for the 32 registers from @first on. */
static void loads_arrive_at(struct csf_stream *cs, unsigned int first, uint32_t mask)
{
	uint32_t left = cs->in_flight.reg[first / 32];

	for (; left; left &= left - 1) {
		unsigned int reg = first + __builtin_ctz(left);

		if (!(mask >> cs->in_flight.sb[reg] & 1))
			continue;
		cs->state.reg[reg] = cs->in_flight.value[reg];
		cs->in_flight.reg[first / 32] &= ~(1u << reg % 32);
	}
}

void csf_loads_arrive(struct csf_stream *cs, uint32_t mask)
{
	for (unsigned int first = 0; first < CSF_REG_COUNT; first += 32)
		loads_arrive_at(cs, first, mask);
}

enum csf_step csf_exec_load_multiple(struct csf_stream *cs, const struct csf_instr *instr)
{
	uint64_t va = csf_address(cs, instr);
	uint32_t mask = instr->arg[CSF_ARG_MASK], value[REGS_MAX];

	if (va % sizeof(uint32_t))
		return csf_fatal(cs, CSF_EXC_ADDR_RANGE_FAULT, va);
	while (mask) {
		struct run run = first_run(mask);
		int error = mmu_read(cs->mmu, cs->config.as, run_va(va, run), &value[run.first],
				     run.count * sizeof(uint32_t));

		if (error)
			return csf_access_step(cs, error, va);
		mask = without_run(mask, run);
	}
	put_in_flight(cs, instr, value);
	return CSF_STEP_NEXT;
}

/* A store that stalls half-way is repeated from its start, with the same values. */
enum csf_step csf_exec_store_multiple(struct csf_stream *cs, const struct csf_instr *instr)
{
	uint64_t va = csf_address(cs, instr);
	uint32_t mask = instr->arg[CSF_ARG_MASK], value[REGS_MAX];

	if (va % sizeof(uint32_t))
		return csf_fatal(cs, CSF_EXC_ADDR_RANGE_FAULT, va);
	while (mask) {
		struct run run = first_run(mask);
		const uint32_t *reg = &cs->state.reg[instr->arg[CSF_ARG_BASE] + run.first];
		int error;

		for (unsigned int i = 0; i < run.count; i++)
			value[i] = htole32(reg[i]);
		error = mmu_write(cs->mmu, cs->config.as, run_va(va, run), value,
				  run.count * sizeof(uint32_t));
		if (error)
			return csf_access_step(cs, error, va);
		mask = without_run(mask, run);
	}
	cs->writes++;
	return CSF_STEP_NEXT;
}

/* DISJOINT_COUNT and ERROR_STATUS are 0: the model has no disjoint events and no error state. */
static uint64_t read_state(const struct csf_stream *cs, enum csf_store_state state)
{
	switch (state) {
	case CSF_STATE_TIMESTAMP:
		return cs->host->timestamp(cs->host->ctx);
	case CSF_STATE_CYCLE_COUNT:
		return cs->host->cycles(cs->host->ctx);
	case CSF_STATE_DISJOINT_COUNT:
	case CSF_STATE_ERROR_STATUS:
		break;
	}
	return 0;
}

enum csf_step csf_exec_store_state(struct csf_stream *cs, const struct csf_instr *instr)
{
	uint64_t va = csf_address(cs, instr);
	uint64_t value = read_state(cs, instr->arg[CSF_ARG_STATE]);
	int error = mmu_write64(cs->mmu, cs->config.as, va, value);

	if (error)
		return csf_access_step(cs, error, va);
	cs->writes++;
	return CSF_STEP_NEXT;
}
