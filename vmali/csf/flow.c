// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "csf/internal.h"

uint64_t csf_position(const struct csf_stream *cs)
{
	const struct csf_state *state = &cs->state;

	return state->depth ? state->frame[state->depth - 1].pc : state->extract;
}

void csf_set_position(struct csf_stream *cs, uint64_t position)
{
	struct csf_state *state = &cs->state;

	if (state->depth)
		state->frame[state->depth - 1].pc = position;
	else
		state->extract = position;
}

/* True if @condition holds. @order: -1 less, 0 equal, 1 greater. */
static bool condition_holds(enum csf_condition condition, int order)
{
	switch (condition) {
	case CSF_COND_LEQUAL:
		return order <= 0;
	case CSF_COND_GREATER:
		return order > 0;
	case CSF_COND_EQUAL:
		return order == 0;
	case CSF_COND_NEQUAL:
		return order != 0;
	case CSF_COND_LESS:
		return order < 0;
	case CSF_COND_GEQUAL:
		return order >= 0;
	case CSF_COND_ALWAYS:
	case CSF_COND_COUNT:
		break;
	}
	return true;
}

bool csf_compare_unsigned(enum csf_condition condition, uint64_t value, uint64_t reference)
{
	return condition_holds(condition, (value > reference) - (value < reference));
}

bool csf_compare_signed(enum csf_condition condition, int64_t value, int64_t reference)
{
	return condition_holds(condition, (value > reference) - (value < reference));
}

/*
 * The offset counts instructions from the next one. A target behind the end of the frame faults at
 * the next fetch. A target before the start of the frame does not: a frame has no start (assumed of
 * hardware, too).
 */
enum csf_step csf_exec_branch(struct csf_stream *cs, const struct csf_instr *instr)
{
	int32_t value = cs->state.reg[instr->arg[CSF_ARG_SRC]];
	int64_t distance = (instr->arg[CSF_ARG_OFFSET] + 1) * CSF_INSTR_SIZE;

	if (!csf_compare_signed(instr->arg[CSF_ARG_COND], value, 0))
		return CSF_STEP_NEXT;
	csf_set_position(cs, csf_position(cs) + distance);
	return CSF_STEP_MOVED;
}

/* The target buffer of a CALL or JUMP; its length is in bytes. */
static bool get_target(const struct csf_stream *cs, const struct csf_instr *instr,
		       struct csf_frame *frame)
{
	uint64_t length = cs->state.reg[instr->arg[CSF_ARG_LENGTH]];

	frame->pc = csf_reg64(cs, instr->arg[CSF_ARG_ADDR]);
	frame->end = frame->pc + length;
	return frame->pc % CSF_INSTR_SIZE == 0 && length % CSF_INSTR_SIZE == 0 &&
	       frame->end >= frame->pc;
}

static enum csf_step push(struct csf_stream *cs, const struct csf_frame *frame)
{
	if (cs->state.depth == CSF_CALL_DEPTH)
		return csf_fatal(cs, CSF_EXC_CS_CALL_STACK_OVERFLOW, frame->pc);
	csf_set_position(cs, csf_position(cs) + CSF_INSTR_SIZE);
	cs->state.frame[cs->state.depth++] = *frame;
	return CSF_STEP_MOVED;
}

enum csf_step csf_exec_call(struct csf_stream *cs, const struct csf_instr *instr)
{
	struct csf_frame target;

	if (!get_target(cs, instr, &target))
		return csf_fatal(cs, CSF_EXC_INSTR_INVALID_PC, target.pc);
	return push(cs, &target);
}

/*
 * A JUMP replaces the innermost frame: the end of the new buffer returns to the caller of the old
 * one. In the ring, which has no frame, a JUMP is a CALL (assumed).
 */
enum csf_step csf_exec_jump(struct csf_stream *cs, const struct csf_instr *instr)
{
	struct csf_frame target;

	if (!get_target(cs, instr, &target))
		return csf_fatal(cs, CSF_EXC_INSTR_INVALID_PC, target.pc);
	if (!cs->state.depth)
		return push(cs, &target);
	cs->state.frame[cs->state.depth - 1] = target;
	return CSF_STEP_MOVED;
}
