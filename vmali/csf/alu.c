// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "csf/internal.h"

/*
 * Instructions without memory accesses. They do not wait for loads in flight: they read the value
 * that the register had before the load, and the arriving load overwrites their result
 * (csf/memory.c).
 */

enum csf_step csf_exec_move48(struct csf_stream *cs, const struct csf_instr *instr)
{
	csf_set_reg64(cs, instr->arg[CSF_ARG_DST], instr->arg[CSF_ARG_IMM]);
	return CSF_STEP_NEXT;
}

enum csf_step csf_exec_move32(struct csf_stream *cs, const struct csf_instr *instr)
{
	cs->state.reg[instr->arg[CSF_ARG_DST]] = instr->arg[CSF_ARG_IMM];
	return CSF_STEP_NEXT;
}

enum csf_step csf_exec_add_imm32(struct csf_stream *cs, const struct csf_instr *instr)
{
	cs->state.reg[instr->arg[CSF_ARG_DST]] =
		cs->state.reg[instr->arg[CSF_ARG_SRC]] + (uint32_t)instr->arg[CSF_ARG_IMM];
	return CSF_STEP_NEXT;
}

enum csf_step csf_exec_add_imm64(struct csf_stream *cs, const struct csf_instr *instr)
{
	uint64_t value = csf_reg64(cs, instr->arg[CSF_ARG_SRC]);

	csf_set_reg64(cs, instr->arg[CSF_ARG_DST], value + (uint64_t)instr->arg[CSF_ARG_IMM]);
	return CSF_STEP_NEXT;
}

enum csf_step csf_exec_umin32(struct csf_stream *cs, const struct csf_instr *instr)
{
	uint32_t a = cs->state.reg[instr->arg[CSF_ARG_SRC]];
	uint32_t b = cs->state.reg[instr->arg[CSF_ARG_SRC1]];

	cs->state.reg[instr->arg[CSF_ARG_DST]] = a < b ? a : b;
	return CSF_STEP_NEXT;
}
