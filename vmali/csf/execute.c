// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "csf/internal.h"
#include "mmu/mmu.h"
#include "rules/rules.h"
#include "trace/trace.h"

#define LINE_SIZE 64		/* bytes of a fetch, aligned */
#define LINE_INSTRS (LINE_SIZE / CSF_INSTR_SIZE)
#define DECODED_COUNT 64	/* cached decoded words, far more than a loop has */
#define ALL_SB ((1u << CSF_SB_COUNT) - 1)

/*
 * Instructions that are fetched but not yet executed. They are kept during one csf_stream_run()
 * only: between two calls the driver may invalidate the translation or lock a region.
 */
struct line {
	uint64_t va;
	unsigned int count;
	uint64_t word[LINE_INSTRS];
};

/* Address of the next instruction, and the bytes left before the buffer ends or wraps. */
struct cursor {
	uint64_t va, bytes;
};

enum csf_step csf_fatal(struct csf_stream *cs, enum csf_exception exception, uint64_t info)
{
	cs->exception = exception;
	cs->exception_info = info;
	return CSF_STEP_FATAL;
}

enum csf_step csf_access_step(struct csf_stream *cs, int error, uint64_t va)
{
	if (error == -EAGAIN)
		return CSF_STEP_STALLED;
	if (error == -EFAULT)
		return CSF_STEP_PAGE_FAULT;
	/* -EINVAL: a word that is not aligned */
	return csf_fatal(cs, CSF_EXC_ADDR_RANGE_FAULT, va);
}

enum csf_step csf_exec_nothing(struct csf_stream *cs, const struct csf_instr *instr)
{
	(void)cs;
	(void)instr;
	return CSF_STEP_NEXT;
}

/*
 * Work for the tiler, and for fragments, which are not modelled. The driver logs the name of the
 * fault and terminates the group (panthor_sched.c, cs_slot_process_fatal_event_locked()).
 */
static enum csf_step exec_endpoint(struct csf_stream *cs, const struct csf_instr *instr)
{
	rules_broken(RULE_STREAM_NOT_MODELLED, cs->config.as, 0, "%s: 0x%016llx", instr->op->name,
		     (unsigned long long)instr->word);
	return csf_fatal(cs, CSF_EXC_CS_ENDPOINT_FAULT, instr->word);
}

/*
 * Instructions without effect: FLUSH_CACHE2, since stores reach memory at once; ERROR_BARRIER,
 * since the model has no error state to end; REQ_RESOURCE, since all resources are always
 * available; HEAP_SET, since HEAP_OPERATION, which would use the heap, faults;
 * SET_EXCEPTION_HANDLER, since its handlers are for exceptions that only the tiler raises.
 */
static const csf_exec_fn exec[CSF_OPCODE_COUNT] = {
	[CSF_OP_NOP]			= csf_exec_nothing,
	[CSF_OP_MOVE48]			= csf_exec_move48,
	[CSF_OP_MOVE32]			= csf_exec_move32,
	[CSF_OP_WAIT]			= csf_exec_wait,
	[CSF_OP_RUN_COMPUTE]		= csf_exec_run_compute,
	[CSF_OP_RUN_TILING]		= exec_endpoint,
	[CSF_OP_RUN_IDVS]		= exec_endpoint,
	[CSF_OP_RUN_FRAGMENT]		= exec_endpoint,
	[CSF_OP_RUN_FULLSCREEN]		= exec_endpoint,
	[CSF_OP_FINISH_TILING]		= exec_endpoint,
	[CSF_OP_FINISH_FRAGMENT]	= exec_endpoint,
	[CSF_OP_ADD_IMM32]		= csf_exec_add_imm32,
	[CSF_OP_ADD_IMM64]		= csf_exec_add_imm64,
	[CSF_OP_UMIN32]			= csf_exec_umin32,
	[CSF_OP_LOAD_MULTIPLE]		= csf_exec_load_multiple,
	[CSF_OP_STORE_MULTIPLE]		= csf_exec_store_multiple,
	[CSF_OP_BRANCH]			= csf_exec_branch,
	[CSF_OP_SET_SB_ENTRY]		= csf_exec_set_sb_entry,
	[CSF_OP_SET_EXCEPTION_HANDLER]	= csf_exec_nothing,
	[CSF_OP_CALL]			= csf_exec_call,
	[CSF_OP_JUMP]			= csf_exec_jump,
	[CSF_OP_REQ_RESOURCE]		= csf_exec_nothing,
	[CSF_OP_FLUSH_CACHE2]		= csf_exec_nothing,
	[CSF_OP_SYNC_ADD32]		= csf_exec_sync_add32,
	[CSF_OP_SYNC_SET32]		= csf_exec_sync_set32,
	[CSF_OP_SYNC_WAIT32]		= csf_exec_sync_wait32,
	[CSF_OP_STORE_STATE]		= csf_exec_store_state,
	[CSF_OP_RUN_COMPUTE_INDIRECT]	= csf_exec_run_compute,
	[CSF_OP_ERROR_BARRIER]		= csf_exec_nothing,
	[CSF_OP_HEAP_SET]		= csf_exec_nothing,
	[CSF_OP_HEAP_OPERATION]		= exec_endpoint,
	[CSF_OP_SYNC_ADD64]		= csf_exec_sync_add64,
	[CSF_OP_SYNC_SET64]		= csf_exec_sync_set64,
	[CSF_OP_SYNC_WAIT64]		= csf_exec_sync_wait64,
};

void csf_stream_start(struct csf_stream *cs, struct mmu *mmu, const struct csf_host *host,
		      const struct csf_stream_config *config, uint64_t extract)
{
	*cs = (struct csf_stream){
		.mmu = mmu,
		.host = host,
		.config = *config,
		.state.extract = extract,
	};
}

void csf_stream_drain(struct csf_stream *cs)
{
	csf_loads_arrive(cs, ALL_SB);
}

bool csf_state_valid(const struct csf_state *state)
{
	if (state->depth > CSF_CALL_DEPTH || state->extract % CSF_INSTR_SIZE)
		return false;
	for (unsigned int i = 0; i < state->depth; i++) {
		const struct csf_frame *frame = &state->frame[i];

		if (frame->pc % CSF_INSTR_SIZE || frame->end % CSF_INSTR_SIZE)
			return false;
	}
	return state->sb_endpoint < CSF_SB_COUNT && state->sb_other < CSF_SB_COUNT &&
	       shader_job_valid(&state->job);
}

/* Return from frames whose end is reached to their callers. */
static void leave_finished_frames(struct csf_state *state)
{
	while (state->depth && state->frame[state->depth - 1].pc ==
			       state->frame[state->depth - 1].end)
		state->depth--;
}

static uint64_t ring_va(const struct csf_stream *cs)
{
	return cs->config.ring_va + (cs->state.extract & (cs->config.ring_size - 1));
}

/* The rest of the innermost frame. Return: false if the position is outside of the frame. */
static bool locate_in_frame(const struct csf_state *state, struct cursor *cursor)
{
	const struct csf_frame *frame = &state->frame[state->depth - 1];

	*cursor = (struct cursor){ frame->pc, frame->end - frame->pc };
	return frame->pc < frame->end;
}

/*
 * The rest of the ring; @cursor->bytes is 0 if there is nothing to execute. Return: false after a
 * BRANCH out of the ring: the position is then beyond the insert position, or more than the size of
 * the ring before it.
 */
static bool locate_in_ring(const struct csf_stream *cs, uint64_t insert, struct cursor *cursor)
{
	uint64_t available = insert - cs->state.extract;
	uint64_t before_wrap = cs->config.ring_size -
			       (cs->state.extract & (cs->config.ring_size - 1));

	cursor->va = ring_va(cs);
	cursor->bytes = available < before_wrap ? available : before_wrap;
	/* Only whole instructions: the driver may have written half of the last one. */
	cursor->bytes -= cursor->bytes % CSF_INSTR_SIZE;
	return available <= cs->config.ring_size && cursor->va % CSF_INSTR_SIZE == 0;
}

static uint64_t bytes_of_line(const struct cursor *cursor)
{
	uint64_t bytes = LINE_SIZE - cursor->va % LINE_SIZE;

	return cursor->bytes < bytes ? cursor->bytes : bytes;
}

static enum csf_step fetch(struct csf_stream *cs, const struct cursor *cursor, struct line *line,
			   uint64_t *word)
{
	uint64_t index = (cursor->va - line->va) / CSF_INSTR_SIZE;

	if (index >= line->count) {
		uint64_t bytes = bytes_of_line(cursor);
		int error = mmu_read(cs->mmu, cs->config.as, cursor->va, line->word, bytes);

		line->va = cursor->va;
		line->count = error ? 0 : bytes / CSF_INSTR_SIZE;
		if (error)
			return csf_access_step(cs, error, cursor->va);
		index = 0;
	}
	*word = le64toh(line->word[index]);
	return CSF_STEP_NEXT;
}

/* @address: csf_address() of the instruction before it was executed. */
static void trace_instr(const struct csf_stream *cs, uint64_t va, const struct csf_instr *instr,
			uint64_t address)
{
	char text[128];

	csf_disassemble(instr->word, text, sizeof(text));
	trace("cs", "AS%u 0x%llx: %s, at 0x%llx", cs->config.as, (unsigned long long)va, text,
	      (unsigned long long)address);
}

static void trace_stop(const struct csf_stream *cs, uint64_t va, enum csf_step step)
{
	if (step == CSF_STEP_PAGE_FAULT)
		trace("cs", "AS%u 0x%llx: page fault", cs->config.as, (unsigned long long)va);
	if (step == CSF_STEP_FATAL)
		trace("cs", "AS%u 0x%llx: exception 0x%02x, info 0x%llx", cs->config.as,
		      (unsigned long long)va, cs->exception,
		      (unsigned long long)cs->exception_info);
}

/*
 * Decode @word. Return: the instruction, or NULL. The result depends on the word only, so recently
 * decoded words are cached: a loop has few different words.
 */
static const struct csf_instr *decode(uint64_t word)
{
	static _Thread_local struct csf_instr last[DECODED_COUNT];
	struct csf_instr *instr = &last[(word ^ word >> 32 ^ word >> 48) % DECODED_COUNT];

	if (instr->op && instr->word == word)
		return instr;
	if (csf_decode(word, instr))
		return instr;
	instr->op = NULL;
	return NULL;
}

static enum csf_step execute(struct csf_stream *cs, uint64_t va, uint64_t word)
{
	const struct csf_instr *instr = decode(word);
	uint64_t address;
	enum csf_step step;

	if (!instr)
		return csf_fatal(cs, CSF_EXC_CS_INSTR_INVALID, word);
	address = csf_address(cs, instr);
	step = exec[field_get(word, CSF_OPCODE_FIELD)](cs, instr);
	if (step == CSF_STEP_NEXT)
		csf_set_position(cs, csf_position(cs) + CSF_INSTR_SIZE);
	/* Trace completed instructions only: a repeated wait would fill the trace. */
	if (trace_enabled && instr->op->traced && step <= CSF_STEP_MOVED)
		trace_instr(cs, va, instr, address);
	return step;
}

static enum csf_outcome outcome_of(enum csf_step step)
{
	switch (step) {
	case CSF_STEP_BLOCKED:
		return CSF_BLOCKED_SYNC;
	case CSF_STEP_STALLED:
		return CSF_STALLED;
	case CSF_STEP_PAGE_FAULT:
		return CSF_PAGE_FAULT;
	case CSF_STEP_FATAL:
		return CSF_FATAL;
	case CSF_STEP_NEXT:
	case CSF_STEP_MOVED:
	case CSF_STEP_SLICE_USED:
		break;
	}
	return CSF_SLICE_USED;
}

/* Find the next instruction. Without one, return CSF_STEP_NEXT and set @cursor->bytes to 0. */
static enum csf_step locate(struct csf_stream *cs, uint64_t insert, struct cursor *cursor)
{
	bool inside;

	leave_finished_frames(&cs->state);
	if (cs->state.depth)
		inside = locate_in_frame(&cs->state, cursor);
	else
		inside = locate_in_ring(cs, insert, cursor);
	return inside ? CSF_STEP_NEXT : csf_fatal(cs, CSF_EXC_INSTR_INVALID_PC, cursor->va);
}

enum csf_outcome csf_stream_run(struct csf_stream *cs, uint64_t insert, unsigned int budget)
{
	struct line line = { .count = 0 };
	struct cursor cursor;
	uint64_t word = 0; /* silences gcc: fetch() sets it if it returns NEXT */

	cs->job_budget = CSF_JOB_INSTRUCTIONS;
	while (budget--) {
		enum csf_step step = locate(cs, insert, &cursor);

		if (step == CSF_STEP_NEXT && !cursor.bytes)
			return CSF_RING_EMPTY;
		if (step == CSF_STEP_NEXT)
			step = fetch(cs, &cursor, &line, &word);
		if (step == CSF_STEP_NEXT)
			step = execute(cs, cursor.va, word);
		if (step > CSF_STEP_MOVED) {
			trace_stop(cs, cursor.va, step);
			return outcome_of(step);
		}
	}
	return CSF_SLICE_USED;
}
