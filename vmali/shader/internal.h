/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_SHADER_INTERNAL_H
#define VMALI_SHADER_INTERNAL_H

#include "shader/decode.h"
#include "shader/job.h"

/* Shared by the files of shader/ only. */

#define SHADER_LINE_SIZE 64	/* bytes of a fetch, aligned */
#define SHADER_LINE_COUNT 16	/* lines that are kept: more than a kernel of the driver has */

/* Code that is fetched. It is kept during one shader_job_run() only, like the uniforms. */
struct shader_line {
	uint64_t va;
	bool valid;
	uint64_t word[SHADER_LINE_SIZE / SHADER_INSTR_SIZE];
};

/* Surroundings of the running thread, during one shader_job_run(). */
struct shader_core {
	struct mmu *mmu;
	unsigned int as;
	struct shader_job *job;
	struct shader_fault *fault;
	bool uniforms_loaded;
	uint32_t uniform[SHADER_UNIFORM_COUNT];
	struct shader_line line[SHADER_LINE_COUNT];
};

/* Outcome of an instruction. */
enum shader_step {
	SHADER_STEP_NEXT,	/* done: continue behind the instruction */
	SHADER_STEP_MOVED,	/* done: the instruction has set the position */
	SHADER_STEP_STALLED,	/* this and below: not done, the position stays */
	SHADER_STEP_PAGE_FAULT,
	SHADER_STEP_FAULT
};

typedef enum shader_step (*shader_exec_fn)(struct shader_core *core,
					   const struct shader_instr *instr);

/* Set the fault of the job; returns SHADER_STEP_FAULT. */
enum shader_step shader_fault(struct shader_core *core, enum shader_exception exception,
			      uint64_t info);

/* Outcome of an access at @va that returned @error (of mmu/mmu.h). */
enum shader_step shader_access_step(struct shader_core *core, int error, uint64_t va);

/* Swizzle that leaves elements of @bits in order. */
static inline unsigned int shader_identity(unsigned int bits)
{
	return bits == 16 ? 2 : 0;
}

extern const uint32_t shader_constants[SHADER_CONSTANT_COUNT];

/* Value of source @arg, 32 or 64 bits. */
uint32_t shader_src(const struct shader_core *core, const struct shader_instr *instr,
		    enum shader_arg arg);
uint64_t shader_src64(const struct shader_core *core, const struct shader_instr *instr,
		      enum shader_arg arg);

/* alu.c */
enum shader_step shader_exec_elements(struct shader_core *core, const struct shader_instr *instr);
enum shader_step shader_exec_word(struct shader_core *core, const struct shader_instr *instr);

/* memory.c */
enum shader_step shader_exec_load(struct shader_core *core, const struct shader_instr *instr);
enum shader_step shader_exec_store(struct shader_core *core, const struct shader_instr *instr);
enum shader_step shader_exec_ld_pka(struct shader_core *core, const struct shader_instr *instr);
enum shader_step shader_exec_lea_pka(struct shader_core *core, const struct shader_instr *instr);
enum shader_step shader_exec_atom(struct shader_core *core, const struct shader_instr *instr);

/* A buffer that a resource handle names. */
struct shader_buffer {
	uint64_t va, size;
};

/* descriptor.c: Find the buffer of @handle in the job's resource tables. */
enum shader_step shader_find_buffer(struct shader_core *core, uint32_t handle,
				    struct shader_buffer *buffer);

#endif
