/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_CSF_INTERNAL_H
#define VMALI_CSF_INTERNAL_H

#include "csf/decode.h"
#include "csf/stream.h"

/* Shared by the files of csf/ only. */

/* Outcome of an instruction. */
enum csf_step {
	CSF_STEP_NEXT,		/* done: continue behind the instruction */
	CSF_STEP_MOVED,		/* done: the instruction has set the position */
	CSF_STEP_SLICE_USED,	/* this and below: not done, the position stays */
	CSF_STEP_BLOCKED,
	CSF_STEP_STALLED,
	CSF_STEP_PAGE_FAULT,
	CSF_STEP_FATAL
};

typedef enum csf_step (*csf_exec_fn)(struct csf_stream *cs, const struct csf_instr *instr);

/* Set the exception of the stream; returns CSF_STEP_FATAL. */
enum csf_step csf_fatal(struct csf_stream *cs, enum csf_exception exception, uint64_t info);

/* Outcome of an instruction whose access at @va returned @error (of mmu/mmu.h). */
enum csf_step csf_access_step(struct csf_stream *cs, int error, uint64_t va);

/* Write the loads in flight on the scoreboard entries of @mask to their registers. */
void csf_loads_arrive(struct csf_stream *cs, uint32_t mask);

/* Position of the innermost frame, or of the ring. */
uint64_t csf_position(const struct csf_stream *cs);
void csf_set_position(struct csf_stream *cs, uint64_t position);

/* True if @value @condition @reference holds, both unsigned or both signed. */
bool csf_compare_unsigned(enum csf_condition condition, uint64_t value, uint64_t reference);
bool csf_compare_signed(enum csf_condition condition, int64_t value, int64_t reference);

static inline uint64_t csf_reg64(const struct csf_stream *cs, unsigned int pair)
{
	return cs->state.reg[pair] | (uint64_t)cs->state.reg[pair + 1] << 32;
}

static inline void csf_set_reg64(struct csf_stream *cs, unsigned int pair, uint64_t value)
{
	cs->state.reg[pair] = value;
	cs->state.reg[pair + 1] = value >> 32;
}

/* Address of a memory instruction: its register pair, plus its offset if it has one. */
static inline uint64_t csf_address(const struct csf_stream *cs, const struct csf_instr *instr)
{
	return csf_reg64(cs, instr->arg[CSF_ARG_ADDR]) + instr->arg[CSF_ARG_OFFSET];
}

enum csf_step csf_exec_nothing(struct csf_stream *cs, const struct csf_instr *instr);

/* alu.c */
enum csf_step csf_exec_move48(struct csf_stream *cs, const struct csf_instr *instr);
enum csf_step csf_exec_move32(struct csf_stream *cs, const struct csf_instr *instr);
enum csf_step csf_exec_add_imm32(struct csf_stream *cs, const struct csf_instr *instr);
enum csf_step csf_exec_add_imm64(struct csf_stream *cs, const struct csf_instr *instr);
enum csf_step csf_exec_umin32(struct csf_stream *cs, const struct csf_instr *instr);

/* memory.c */
enum csf_step csf_exec_load_multiple(struct csf_stream *cs, const struct csf_instr *instr);
enum csf_step csf_exec_store_multiple(struct csf_stream *cs, const struct csf_instr *instr);
enum csf_step csf_exec_store_state(struct csf_stream *cs, const struct csf_instr *instr);

/* sync.c */
enum csf_step csf_exec_wait(struct csf_stream *cs, const struct csf_instr *instr);
enum csf_step csf_exec_set_sb_entry(struct csf_stream *cs, const struct csf_instr *instr);
enum csf_step csf_exec_sync_add32(struct csf_stream *cs, const struct csf_instr *instr);
enum csf_step csf_exec_sync_add64(struct csf_stream *cs, const struct csf_instr *instr);
enum csf_step csf_exec_sync_set32(struct csf_stream *cs, const struct csf_instr *instr);
enum csf_step csf_exec_sync_set64(struct csf_stream *cs, const struct csf_instr *instr);
enum csf_step csf_exec_sync_wait32(struct csf_stream *cs, const struct csf_instr *instr);
enum csf_step csf_exec_sync_wait64(struct csf_stream *cs, const struct csf_instr *instr);

/* compute.c */
enum csf_step csf_exec_run_compute(struct csf_stream *cs, const struct csf_instr *instr);

/* flow.c */
enum csf_step csf_exec_branch(struct csf_stream *cs, const struct csf_instr *instr);
enum csf_step csf_exec_call(struct csf_stream *cs, const struct csf_instr *instr);
enum csf_step csf_exec_jump(struct csf_stream *cs, const struct csf_instr *instr);

#endif
