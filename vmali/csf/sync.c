// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "csf/internal.h"
#include "mmu/mmu.h"
#include "rules/rules.h"
#include "trace/trace.h"

/*
 * Scoreboard and sync objects. A sync object is a value and a 32-bit status word right behind it
 * (0: no fault). All instructions but loads complete when they are issued, so wait masks and signal
 * slots of sync instructions have no effect.
 */
#define STATUS_NO_FAULT 0

/* A sync object of either size; 32-bit values are zero-extended. */
struct sync_object {
	uint64_t va;
	unsigned int size;	/* of the value, in bytes */
};

static int read_value(struct csf_stream *cs, const struct sync_object *sync, uint64_t *value)
{
	uint32_t word;
	int error;

	if (sync->size == sizeof(*value))
		return mmu_read64(cs->mmu, cs->config.as, sync->va, value);
	error = mmu_read32(cs->mmu, cs->config.as, sync->va, &word);
	if (!error)
		*value = word;
	return error;
}

static int write_value(struct csf_stream *cs, const struct sync_object *sync, uint64_t value)
{
	if (sync->size == sizeof(value))
		return mmu_write64(cs->mmu, cs->config.as, sync->va, value);
	return mmu_write32(cs->mmu, cs->config.as, sync->va, value);
}

static uint64_t status_va(const struct sync_object *sync)
{
	return sync->va + sync->size;
}

static uint64_t data_operand(const struct csf_stream *cs, const struct csf_instr *instr,
			     unsigned int size)
{
	unsigned int reg = instr->arg[CSF_ARG_DATA];

	return size == sizeof(uint64_t) ? csf_reg64(cs, reg) : cs->state.reg[reg];
}

/*
 * The value is written last: an access that faults or stalls before does not change it, so that no
 * addition is done twice. With error-propagate the status word becomes the error status of the
 * stream, which is 0 as long as it runs.
 */
static enum csf_step sync_update(struct csf_stream *cs, const struct csf_instr *instr,
				 unsigned int size, bool add)
{
	struct sync_object sync = { csf_address(cs, instr), size };
	uint64_t value = 0;
	int error = 0;

	if (sync.va % size)
		return csf_fatal(cs, CSF_EXC_ADDR_RANGE_FAULT, sync.va);
	if (add)
		error = read_value(cs, &sync, &value);
	if (!error && instr->arg[CSF_ARG_ERROR])
		error = mmu_write32(cs->mmu, cs->config.as, status_va(&sync), STATUS_NO_FAULT);
	if (!error)
		error = write_value(cs, &sync, value + data_operand(cs, instr, size));
	if (error)
		return csf_access_step(cs, error, sync.va);
	cs->writes++;
	cs->host->sync_update(cs->host->ctx);
	return CSF_STEP_NEXT;
}

enum csf_step csf_exec_sync_add32(struct csf_stream *cs, const struct csf_instr *instr)
{
	return sync_update(cs, instr, sizeof(uint32_t), true);
}

enum csf_step csf_exec_sync_add64(struct csf_stream *cs, const struct csf_instr *instr)
{
	return sync_update(cs, instr, sizeof(uint64_t), true);
}

enum csf_step csf_exec_sync_set32(struct csf_stream *cs, const struct csf_instr *instr)
{
	return sync_update(cs, instr, sizeof(uint32_t), false);
}

enum csf_step csf_exec_sync_set64(struct csf_stream *cs, const struct csf_instr *instr)
{
	return sync_update(cs, instr, sizeof(uint64_t), false);
}

/*
 * With error-reject, after the wait: an error status of the sync object becomes a fault of the
 * stream (CS_INHERIT_FAULT, assumed from its name).
 */
static enum csf_step reject_error(struct csf_stream *cs, const struct sync_object *sync)
{
	uint32_t status;
	int error = mmu_read32(cs->mmu, cs->config.as, status_va(sync), &status);

	if (error)
		return csf_access_step(cs, error, sync->va);
	if (status != STATUS_NO_FAULT)
		return csf_fatal(cs, CSF_EXC_CS_INHERIT_FAULT, sync->va);
	return CSF_STEP_NEXT;
}

static enum csf_step block(struct csf_stream *cs, const struct csf_instr *instr,
			   const struct sync_object *sync)
{
	cs->wait = (struct csf_wait){
		.sync_va = sync->va,
		.value = data_operand(cs, instr, sync->size),
		.condition = instr->arg[CSF_ARG_COND],
		.is_64bit = sync->size == sizeof(uint64_t),
	};
	/*
	 * The driver evaluates CS_STATUS_WAIT_SYNC_COND_* of panthor_fw.h only, and would wake a
	 * suspended queue with another condition wrongly.
	 */
	if (cs->wait.condition > CSF_COND_GREATER)
		rules_broken(RULE_STREAM_WAIT_CONDITION, cs->config.as, sync->va,
			     "SYNC_WAIT blocks on condition %u", (unsigned int)cs->wait.condition);
	return CSF_STEP_BLOCKED;
}

static enum csf_step sync_wait(struct csf_stream *cs, const struct csf_instr *instr,
			       unsigned int size)
{
	struct sync_object sync = { csf_address(cs, instr), size };
	uint64_t value;
	int error;

	if (sync.va % size)
		return csf_fatal(cs, CSF_EXC_ADDR_RANGE_FAULT, sync.va);
	error = read_value(cs, &sync, &value);
	if (error)
		return csf_access_step(cs, error, sync.va);
	if (!csf_compare_unsigned(instr->arg[CSF_ARG_COND], value, data_operand(cs, instr, size)))
		return block(cs, instr, &sync);
	return instr->arg[CSF_ARG_ERROR] ? reject_error(cs, &sync) : CSF_STEP_NEXT;
}

enum csf_step csf_exec_sync_wait32(struct csf_stream *cs, const struct csf_instr *instr)
{
	return sync_wait(cs, instr, sizeof(uint32_t));
}

enum csf_step csf_exec_sync_wait64(struct csf_stream *cs, const struct csf_instr *instr)
{
	return sync_wait(cs, instr, sizeof(uint64_t));
}

enum csf_step csf_exec_wait(struct csf_stream *cs, const struct csf_instr *instr)
{
	csf_loads_arrive(cs, instr->arg[CSF_ARG_WAIT]);
	return CSF_STEP_NEXT;
}

enum csf_step csf_exec_set_sb_entry(struct csf_stream *cs, const struct csf_instr *instr)
{
	cs->state.sb_endpoint = instr->arg[CSF_ARG_ENDPOINT_SB];
	cs->state.sb_other = instr->arg[CSF_ARG_OTHER_SB];
	return CSF_STEP_NEXT;
}
