/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_SHADER_JOB_H
#define VMALI_SHADER_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "shader/isa.h"

/*
 * A compute job of a shader core: threads of a shader in workgroups. All memory accesses use the
 * MMU. Threads run one by one, in the order of their IDs, so barriers and operations across the
 * lanes of a warp are not modelled, nor are thread-local and workgroup-local memory, images,
 * textures and floating-point numbers: a shader that uses them faults.
 * Not thread-safe: the caller holds the GPU's lock and calls shader_job_run() in slices.
 */
struct mmu;

#define SHADER_DIMENSIONS 3
#define SHADER_WORKGROUP_MAX 1024	/* threads: THREAD_MAX_WORKGROUP_SIZE */

/* Reason for the return of shader_job_start() and shader_job_run(). */
enum shader_outcome {
	SHADER_DONE,		/* all threads have ended */
	SHADER_SLICE_USED,	/* the budget is used up, the job can go on */
	SHADER_STALLED,		/* an access waits for a locked region of the AS */
	SHADER_PAGE_FAULT,	/* an access faulted in the MMU */
	SHADER_FAULT		/* struct shader_fault is set */
};

/* Exceptions of a shader core (panthor_device.h, enum drm_panthor_exception_type). */
enum shader_exception {
	SHADER_EXC_INSTR_INVALID_PC	= 0x50,	/* info: the address */
	SHADER_EXC_INSTR_INVALID_ENC	= 0x51,	/* info: the instruction word */
	SHADER_EXC_INSTR_BARRIER_FAULT	= 0x55,	/* info: the instruction word */
	SHADER_EXC_DATA_INVALID_FAULT	= 0x58,	/* info: the address or value of what is invalid */
	SHADER_EXC_ADDR_RANGE_FAULT	= 0x5a	/* info: the misaligned address */
};

struct shader_fault {
	uint32_t exception;
	uint64_t info;
};

/* Registers of the stream that describe a job (Mesa, v10.xml, enum "COMPUTE SR"). */
struct shader_params {
	uint64_t srt;		/* address of the resource tables, and their number */
	uint64_t fau;		/* address of the uniforms, and their number */
	uint64_t spd;		/* address of the shader program descriptor */
	uint32_t workgroup;	/* threads of a workgroup, in each dimension */
	uint32_t offset[SHADER_DIMENSIONS], size[SHADER_DIMENSIONS];	/* in workgroups */
};

/*
 * State of a job, and of the thread that runs, in the suspend buffer of its group (plain data, no
 * pointers). @srt and @fau are those of struct shader_params.
 */
struct shader_job {
	uint32_t reg[SHADER_REG_COUNT];
	uint64_t pc, entry;
	uint64_t srt, fau;
	uint32_t size[SHADER_DIMENSIONS];	/* of the job, in workgroups */
	uint32_t group[SHADER_DIMENSIONS];	/* workgroup of the thread */
	uint16_t local_size[SHADER_DIMENSIONS];	/* of a workgroup, in threads */
	uint16_t local[SHADER_DIMENSIONS];	/* the thread in its workgroup */
	uint16_t preload;			/* bit n: register 48 + n is preloaded */
	uint8_t active;				/* 1: the job is started and not done */
	uint8_t pad;
};

_Static_assert(sizeof(struct shader_job) == 328, "the suspend buffer's layout");

/**
 * shader_job_start() - Read the descriptors of a job
 *
 * On SHADER_SLICE_USED the job is active and can run. A job without workgroups is done at once.
 */
enum shader_outcome shader_job_start(struct shader_job *job, struct mmu *mmu, unsigned int as,
				     const struct shader_params *params,
				     struct shader_fault *fault);

/**
 * shader_job_run() - Execute at most @budget instructions of an active job
 *
 * The executed instructions are subtracted from @budget. After SHADER_STALLED the next call repeats
 * the instruction. After SHADER_PAGE_FAULT and SHADER_FAULT the job stays at the instruction that
 * failed, which had no effect.
 */
enum shader_outcome shader_job_run(struct shader_job *job, struct mmu *mmu, unsigned int as,
				   unsigned int *budget, struct shader_fault *fault);

/**
 * shader_job_valid() - Check a job that was read from a suspend buffer
 *
 * The buffer is guest memory and may hold anything.
 *
 * Return: true if the job can be resumed, or is not active.
 */
bool shader_job_valid(const struct shader_job *job);

#endif
