/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_CSF_STREAM_H
#define VMALI_CSF_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shader/job.h"

/*
 * A command stream (CS): its architectural state and its execution. All memory accesses use the
 * MMU. The queues in memory are in mcu/, registers and clocks in gpu/.
 * Not thread-safe: the caller holds the GPU's lock and calls csf_stream_run() in slices.
 */
struct mmu;

#define CSF_REG_COUNT 96	/* CS_FEATURES: registers of a stream (DRM_PANTHOR csif_info) */
#define CSF_SB_COUNT 8		/* scoreboard entries */
#define CSF_CALL_DEPTH 8	/* nested CALLs below the ring; the number is assumed */
#define CSF_INSTR_SIZE 8	/* bytes of an instruction */
#define CSF_JOB_INSTRUCTIONS 2048	/* of compute jobs in a slice */

/* Reason for the return of csf_stream_run(). */
enum csf_outcome {
	CSF_SLICE_USED,		/* the budget is used up, the stream can go on */
	CSF_RING_EMPTY,		/* extract has reached insert */
	CSF_BLOCKED_SYNC,	/* a SYNC_WAIT's condition does not hold yet */
	CSF_STALLED,		/* an access waits for a locked region of the AS */
	CSF_PAGE_FAULT,		/* an access faulted in the MMU: halted until terminated */
	CSF_FATAL		/* @exception is set: halted until terminated */
};

/*
 * CS exception types that the model raises (panthor_device.h, enum drm_panthor_exception_type).
 * Those of a compute job are in enum shader_exception.
 */
enum csf_exception {
	CSF_EXC_OK			= 0x00,
	CSF_EXC_CS_ENDPOINT_FAULT	= 0x44,	/* needs a tiler or fragment work */
	CSF_EXC_CS_INSTR_INVALID	= 0x49,	/* info: the instruction word */
	CSF_EXC_CS_CALL_STACK_OVERFLOW	= 0x4a,	/* info: address called */
	CSF_EXC_CS_INHERIT_FAULT	= 0x4b,	/* info: address of the sync object */
	CSF_EXC_INSTR_INVALID_PC	= 0x50,	/* info: the address */
	CSF_EXC_ADDR_RANGE_FAULT	= 0x5a	/* info: the misaligned address */
};

/* A linear buffer that a CALL or JUMP entered: [pc, end). */
struct csf_frame {
	uint64_t pc, end;
};

/* Operands of a blocked SYNC_WAIT, for CS_STATUS_WAIT_*. */
struct csf_wait {
	uint64_t sync_va;
	uint64_t value;
	uint8_t condition;
	bool is_64bit;
};

/* State of a stream in its group's suspend buffer (plain data, no pointers). */
struct csf_state {
	uint32_t reg[CSF_REG_COUNT];
	struct csf_frame frame[CSF_CALL_DEPTH];
	uint64_t extract;		/* ring position in bytes since start, not yet wrapped */
	uint32_t depth;			/* frames in use; 0: the ring itself */
	uint8_t sb_endpoint, sb_other;	/* scoreboard entries set by SET_SB_ENTRY */
	uint8_t pad[2];
	struct shader_job job;		/* of the RUN_COMPUTE at the position */
};

_Static_assert(sizeof(struct csf_state) == 856, "the suspend buffer's layout");
_Static_assert(CSF_REG_COUNT % 32 == 0, "registers are counted by words of bits");

/**
 * struct csf_stream_config - Configuration of a stream
 * @as: address space of its group.
 * @ring_va, @ring_size: the ring buffer in @as; size in bytes, a power of two.
 */
struct csf_stream_config {
	unsigned int as;
	uint64_t ring_va;
	uint32_t ring_size;
};

/**
 * struct csf_host - Callbacks of a stream
 * @timestamp: GPU timestamp, @cycles: cycle count (STORE_STATE).
 * @sync_update: called after a SYNC_SET or SYNC_ADD: all blocked streams must check their condition
 *	again, and the group must send a CSG_SYNC_UPDATE event.
 */
struct csf_host {
	uint64_t (*timestamp)(void *ctx);
	uint64_t (*cycles)(void *ctx);
	void (*sync_update)(void *ctx);
	void *ctx;
};

struct csf_stream {
	struct mmu *mmu;
	const struct csf_host *host;
	struct csf_stream_config config;
	struct csf_state state;
	struct csf_wait wait;		/* valid after CSF_BLOCKED_SYNC */
	uint32_t exception;		/* valid after CSF_FATAL: enum csf_exception */
	uint64_t exception_info;
	uint64_t writes;		/* instructions that may have written memory */
	unsigned int job_budget;	/* instructions of compute jobs left in this slice */
	/* loads without a WAIT for their scoreboard entry so far, see csf/memory.c */
	struct {
		uint32_t reg[CSF_REG_COUNT / 32];	/* a bit for each register with a load */
		uint32_t value[CSF_REG_COUNT];
		uint8_t sb[CSF_REG_COUNT];
	} in_flight;
};

/* All registers zero, at ring position @extract. */
void csf_stream_start(struct csf_stream *cs, struct mmu *mmu, const struct csf_host *host,
		      const struct csf_stream_config *config, uint64_t extract);

/**
 * csf_stream_run() - Execute at most @budget instructions
 * @insert: ring position up to which the driver has written instructions.
 *
 * Compute jobs execute at most CSF_JOB_INSTRUCTIONS besides. A job that is not done then keeps the
 * stream at its instruction, and goes on in the next slice.
 *
 * After CSF_BLOCKED_SYNC and CSF_STALLED the next call repeats the instruction. After
 * CSF_PAGE_FAULT and CSF_FATAL the position is that of the failed instruction.
 */
enum csf_outcome csf_stream_run(struct csf_stream *cs, uint64_t insert, unsigned int budget);

/* Complete loads in flight, so that @cs->state is the whole state (before a suspend). */
void csf_stream_drain(struct csf_stream *cs);

/**
 * csf_state_valid() - Check a state that was read from a suspend buffer
 *
 * The buffer is guest memory and may hold anything.
 *
 * Return: true if the state can be resumed.
 */
bool csf_state_valid(const struct csf_state *state);

#endif
