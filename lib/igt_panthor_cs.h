/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_PANTHOR_CS_H
#define IGT_PANTHOR_CS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Command-stream instructions of Arm Mali CSF GPUs, and a builder for streams.
 *
 * Nothing here needs libigt: an encoder returns a word, and igt_panthor_cs_end() returns the first
 * error of the builder.
 *
 * Words used below:
 *  register pair  a 64-bit operand: an even register (low half) and the next one
 *  scoreboard     one counter of unfinished asynchronous operations; WAIT stalls
 *                 until all counters of its mask are zero
 *
 * The encodings of MOVE, WAIT, CALL, FLUSH_CACHE2, STORE_STATE, SYNC_ADD64 and
 * ERROR_BARRIER are those that the driver emits itself (panthor_sched.c,
 * prepare_job_instrs()); the others are those that Mesa's panfrost emits for
 * architecture 10.
 */

enum cs_opcode {
	CS_OPCODE_NOP = 0,
	CS_OPCODE_MOVE48 = 1,
	CS_OPCODE_MOVE32 = 2,
	CS_OPCODE_WAIT = 3,
	CS_OPCODE_ADD_IMM32 = 16,
	CS_OPCODE_ADD_IMM64 = 17,
	CS_OPCODE_UMIN32 = 18,
	CS_OPCODE_LDM = 20,
	CS_OPCODE_STM = 21,
	CS_OPCODE_BRANCH = 22,
	CS_OPCODE_SET_SB_ENTRY = 23,
	CS_OPCODE_CALL = 32,
	CS_OPCODE_JUMP = 33,
	CS_OPCODE_REQ_RESOURCE = 34,
	CS_OPCODE_FLUSH_CACHE = 36,
	CS_OPCODE_SYNC_ADD32 = 37,
	CS_OPCODE_SYNC_SET32 = 38,
	CS_OPCODE_SYNC_WAIT32 = 39,
	CS_OPCODE_STORE_STATE = 40,
	CS_OPCODE_ERROR_BARRIER = 47,
	CS_OPCODE_HEAP_SET = 48,
	CS_OPCODE_HEAP_OPERATION = 49,
	CS_OPCODE_SYNC_ADD64 = 51,
	CS_OPCODE_SYNC_SET64 = 52,
	CS_OPCODE_SYNC_WAIT64 = 53,
};

enum cs_flush_mode {
	CS_FLUSH_MODE_NONE = 0,
	CS_FLUSH_MODE_CLEAN = 1,
	CS_FLUSH_MODE_INVALIDATE = 2,
	CS_FLUSH_MODE_CLEAN_AND_INVALIDATE = 3,
};

/* BRANCH compares a register with zero, as a signed number. */
enum cs_condition {
	CS_CONDITION_LEQUAL = 0,
	CS_CONDITION_GREATER = 1,
	CS_CONDITION_EQUAL = 2,
	CS_CONDITION_NEQUAL = 3,
	CS_CONDITION_LESS = 4,
	CS_CONDITION_GEQUAL = 5,
	CS_CONDITION_ALWAYS = 6,
};

enum cs_sync_scope {
	CS_SYNC_SCOPE_SYSTEM = 0,
	CS_SYNC_SCOPE_GROUP = 2,
};

enum cs_state {
	CS_STATE_TIMESTAMP = 0,
	CS_STATE_CYCLE_COUNT = 1,
	CS_STATE_DISJOINT_COUNT = 2,
	CS_STATE_ERROR_STATUS = 3,
};

/*
 * The layout of the instructions: F(layout, field, lowest bit, width in bits).
 * Instructions that share a layout share its rows.
 */
#define CS_FIELDS(F) \
	F(ANY, OPCODE, 56, 8) \
	F(MOVE48, IMM, 0, 48) \
	F(MOVE48, DST, 48, 8) \
	F(MOVE32, IMM, 0, 32) \
	F(MOVE32, DST, 48, 8) \
	F(WAIT, MASK, 16, 16) \
	F(WAIT, PROGRESS_INC, 32, 1) \
	F(ADD_IMM, IMM, 0, 32) \
	F(ADD_IMM, SRC, 40, 8) \
	F(ADD_IMM, DST, 48, 8) \
	F(UMIN32, SRC1, 32, 8) \
	F(UMIN32, SRC0, 40, 8) \
	F(UMIN32, DST, 48, 8) \
	F(LDST, OFFSET, 0, 16) \
	F(LDST, MASK, 16, 16) \
	F(LDST, ADDR, 40, 8) \
	F(LDST, BASE, 48, 8) \
	F(BRANCH, OFFSET, 0, 16) \
	F(BRANCH, CONDITION, 28, 3) \
	F(BRANCH, VALUE, 40, 8) \
	F(SET_SB_ENTRY, ENDPOINT, 0, 4) \
	F(SET_SB_ENTRY, OTHER, 4, 4) \
	F(CALL, LENGTH, 32, 8) \
	F(CALL, ADDR, 40, 8) \
	F(REQ_RESOURCE, MASK, 0, 4) \
	F(FLUSH_CACHE, L2, 0, 4) \
	F(FLUSH_CACHE, LSC, 4, 4) \
	F(FLUSH_CACHE, OTHER, 8, 4) \
	F(FLUSH_CACHE, WAIT_MASK, 16, 16) \
	F(FLUSH_CACHE, FLUSH_ID, 40, 8) \
	F(FLUSH_CACHE, SIGNAL, 48, 4) \
	F(SYNC, ERROR_PROPAGATE, 0, 1) \
	F(SYNC, SCOPE, 1, 2) \
	F(SYNC, WAIT_MASK, 16, 16) \
	F(SYNC, DATA, 32, 8) \
	F(SYNC, ADDR, 40, 8) \
	F(SYNC, SIGNAL, 48, 4) \
	F(SYNC_WAIT, ERROR_REJECT, 0, 1) \
	F(SYNC_WAIT, CONDITION, 28, 4) \
	F(SYNC_WAIT, DATA, 32, 8) \
	F(SYNC_WAIT, ADDR, 40, 8) \
	F(STORE_STATE, OFFSET, 0, 16) \
	F(STORE_STATE, WAIT_MASK, 16, 16) \
	F(STORE_STATE, STATE, 32, 2) \
	F(STORE_STATE, ADDR, 40, 8) \
	F(STORE_STATE, SIGNAL, 48, 4) \
	F(HEAP_SET, ADDR, 40, 8) \
	F(HEAP_OPERATION, WAIT_MASK, 16, 16) \
	F(HEAP_OPERATION, OPERATION, 32, 2) \
	F(HEAP_OPERATION, SIGNAL, 48, 4)

#define CS_FIELD_CONSTANTS(layout, field, lsb, width) \
	CS_##layout##_##field##_LSB = (lsb), \
	CS_##layout##_##field##_WIDTH = (width),

enum {
	CS_FIELDS(CS_FIELD_CONSTANTS)
};

#undef CS_FIELD_CONSTANTS

static inline uint64_t cs_field_mask(unsigned int width)
{
	return (UINT64_C(1) << width) - 1;
}

/* Bits of @value that do not fit the field are dropped: the builder checks them. */
#define CS_PUT(layout, field, value) \
	(((uint64_t)(value) & cs_field_mask(CS_##layout##_##field##_WIDTH)) << \
	 CS_##layout##_##field##_LSB)

static inline uint64_t cs_opcode_bits(enum cs_opcode opcode)
{
	return CS_PUT(ANY, OPCODE, opcode);
}

static inline uint64_t cs_nop(void)
{
	return cs_opcode_bits(CS_OPCODE_NOP);
}

static inline uint64_t cs_mov48(uint8_t dst, uint64_t imm)
{
	return cs_opcode_bits(CS_OPCODE_MOVE48) | CS_PUT(MOVE48, DST, dst) |
	       CS_PUT(MOVE48, IMM, imm);
}

static inline uint64_t cs_mov32(uint8_t dst, uint32_t imm)
{
	return cs_opcode_bits(CS_OPCODE_MOVE32) | CS_PUT(MOVE32, DST, dst) |
	       CS_PUT(MOVE32, IMM, imm);
}

static inline uint64_t cs_wait(uint16_t wait_mask, bool progress_inc)
{
	return cs_opcode_bits(CS_OPCODE_WAIT) | CS_PUT(WAIT, MASK, wait_mask) |
	       CS_PUT(WAIT, PROGRESS_INC, progress_inc);
}

static inline uint64_t cs_add_imm(enum cs_opcode opcode, uint8_t dst, uint8_t src, int32_t imm)
{
	return cs_opcode_bits(opcode) | CS_PUT(ADD_IMM, DST, dst) |
	       CS_PUT(ADD_IMM, SRC, src) | CS_PUT(ADD_IMM, IMM, imm);
}

static inline uint64_t cs_add_imm32(uint8_t dst, uint8_t src, int32_t imm)
{
	return cs_add_imm(CS_OPCODE_ADD_IMM32, dst, src, imm);
}

static inline uint64_t cs_add_imm64(uint8_t dst, uint8_t src, int32_t imm)
{
	return cs_add_imm(CS_OPCODE_ADD_IMM64, dst, src, imm);
}

static inline uint64_t cs_umin32(uint8_t dst, uint8_t src0, uint8_t src1)
{
	return cs_opcode_bits(CS_OPCODE_UMIN32) | CS_PUT(UMIN32, DST, dst) |
	       CS_PUT(UMIN32, SRC0, src0) | CS_PUT(UMIN32, SRC1, src1);
}

static inline uint64_t cs_ldst(enum cs_opcode opcode, uint8_t address, uint8_t base,
			       uint16_t mask, int16_t offset)
{
	return cs_opcode_bits(opcode) | CS_PUT(LDST, BASE, base) | CS_PUT(LDST, ADDR, address) |
	       CS_PUT(LDST, MASK, mask) | CS_PUT(LDST, OFFSET, offset);
}

/* Bit n of @mask selects register @dst + n. */
static inline uint64_t cs_ldm(uint8_t address, uint8_t dst, uint16_t mask, int16_t offset)
{
	return cs_ldst(CS_OPCODE_LDM, address, dst, mask, offset);
}

static inline uint64_t cs_ldm32(uint8_t address, uint8_t dst, int16_t offset)
{
	return cs_ldm(address, dst, 0x1, offset);
}

static inline uint64_t cs_ldm64(uint8_t address, uint8_t dst, int16_t offset)
{
	return cs_ldm(address, dst, 0x3, offset);
}

static inline uint64_t cs_stm(uint8_t address, uint8_t src, uint16_t mask, int16_t offset)
{
	return cs_ldst(CS_OPCODE_STM, address, src, mask, offset);
}

static inline uint64_t cs_stm32(uint8_t address, uint8_t src, int16_t offset)
{
	return cs_stm(address, src, 0x1, offset);
}

static inline uint64_t cs_stm64(uint8_t address, uint8_t src, int16_t offset)
{
	return cs_stm(address, src, 0x3, offset);
}

/* @offset is in instructions, from the one behind the branch. */
static inline uint64_t cs_branch(enum cs_condition condition, uint8_t value, int16_t offset)
{
	return cs_opcode_bits(CS_OPCODE_BRANCH) | CS_PUT(BRANCH, VALUE, value) |
	       CS_PUT(BRANCH, CONDITION, condition) | CS_PUT(BRANCH, OFFSET, offset);
}

/* Architecture 10 only: later ones select scoreboard entries by another instruction. */
static inline uint64_t cs_set_sb_entry(uint8_t endpoint, uint8_t other)
{
	return cs_opcode_bits(CS_OPCODE_SET_SB_ENTRY) |
	       CS_PUT(SET_SB_ENTRY, ENDPOINT, endpoint) | CS_PUT(SET_SB_ENTRY, OTHER, other);
}

static inline uint64_t cs_call(uint8_t address, uint8_t length)
{
	return cs_opcode_bits(CS_OPCODE_CALL) | CS_PUT(CALL, ADDR, address) |
	       CS_PUT(CALL, LENGTH, length);
}

static inline uint64_t cs_jump(uint8_t address, uint8_t length)
{
	return cs_opcode_bits(CS_OPCODE_JUMP) | CS_PUT(CALL, ADDR, address) |
	       CS_PUT(CALL, LENGTH, length);
}

/* @mask: compute 1, fragment 2, tiler 4, IDVS 8. */
static inline uint64_t cs_req_resource(uint8_t mask)
{
	return cs_opcode_bits(CS_OPCODE_REQ_RESOURCE) | CS_PUT(REQ_RESOURCE, MASK, mask);
}

/* @flush_id is a register; zero in it makes the flush unconditional. */
static inline uint64_t cs_flush(enum cs_flush_mode l2_mode, enum cs_flush_mode lsc_mode,
				enum cs_flush_mode other_mode, uint16_t wait_mask,
				uint8_t flush_id, uint8_t signal_slot)
{
	return cs_opcode_bits(CS_OPCODE_FLUSH_CACHE) | CS_PUT(FLUSH_CACHE, L2, l2_mode) |
	       CS_PUT(FLUSH_CACHE, LSC, lsc_mode) | CS_PUT(FLUSH_CACHE, OTHER, other_mode) |
	       CS_PUT(FLUSH_CACHE, WAIT_MASK, wait_mask) |
	       CS_PUT(FLUSH_CACHE, FLUSH_ID, flush_id) |
	       CS_PUT(FLUSH_CACHE, SIGNAL, signal_slot);
}

/* @opcode: SYNC_ADD32, SYNC_SET32, SYNC_ADD64 or SYNC_SET64. */
static inline uint64_t cs_sync(enum cs_opcode opcode, uint8_t address, uint8_t data,
			       enum cs_sync_scope scope, bool error_propagate,
			       uint16_t wait_mask, uint8_t signal_slot)
{
	return cs_opcode_bits(opcode) | CS_PUT(SYNC, ADDR, address) | CS_PUT(SYNC, DATA, data) |
	       CS_PUT(SYNC, SCOPE, scope) | CS_PUT(SYNC, ERROR_PROPAGATE, error_propagate) |
	       CS_PUT(SYNC, WAIT_MASK, wait_mask) | CS_PUT(SYNC, SIGNAL, signal_slot);
}

/* @opcode: SYNC_WAIT32 or SYNC_WAIT64; @condition: LEQUAL or GREATER. */
static inline uint64_t cs_sync_wait(enum cs_opcode opcode, uint8_t address, uint8_t data,
				    enum cs_condition condition, bool error_reject)
{
	return cs_opcode_bits(opcode) | CS_PUT(SYNC_WAIT, ADDR, address) |
	       CS_PUT(SYNC_WAIT, DATA, data) | CS_PUT(SYNC_WAIT, CONDITION, condition) |
	       CS_PUT(SYNC_WAIT, ERROR_REJECT, error_reject);
}

static inline uint64_t cs_store_state(uint8_t address, int16_t offset, enum cs_state state,
				      uint16_t wait_mask, uint8_t signal_slot)
{
	return cs_opcode_bits(CS_OPCODE_STORE_STATE) | CS_PUT(STORE_STATE, ADDR, address) |
	       CS_PUT(STORE_STATE, OFFSET, offset) | CS_PUT(STORE_STATE, STATE, state) |
	       CS_PUT(STORE_STATE, WAIT_MASK, wait_mask) |
	       CS_PUT(STORE_STATE, SIGNAL, signal_slot);
}

static inline uint64_t cs_error_barrier(void)
{
	return cs_opcode_bits(CS_OPCODE_ERROR_BARRIER);
}

static inline uint64_t cs_heap_set(uint8_t address)
{
	return cs_opcode_bits(CS_OPCODE_HEAP_SET) | CS_PUT(HEAP_SET, ADDR, address);
}

static inline uint64_t cs_heap_operation(uint8_t operation, uint16_t wait_mask,
					 uint8_t signal_slot)
{
	return cs_opcode_bits(CS_OPCODE_HEAP_OPERATION) |
	       CS_PUT(HEAP_OPERATION, OPERATION, operation) |
	       CS_PUT(HEAP_OPERATION, WAIT_MASK, wait_mask) |
	       CS_PUT(HEAP_OPERATION, SIGNAL, signal_slot);
}

#define IGT_PANTHOR_CS_MAX_LABELS 16
#define IGT_PANTHOR_CS_MAX_BRANCHES 32
#define IGT_PANTHOR_CS_MAX_REGS 256

/**
 * igt_panthor_cs_limits:
 * @arch_major: architecture of the GPU (DRM_PANTHOR_ARCH_MAJOR of gpu_id)
 * @reg_count: registers that a stream may use: cs_reg_count less
 *	unpreserved_cs_reg_count, at most %IGT_PANTHOR_CS_MAX_REGS
 * @scoreboard_count: scoreboard entries of a stream
 *
 * Resources of a stream, from DRM_PANTHOR_DEV_QUERY.
 */
struct igt_panthor_cs_limits {
	uint32_t arch_major;
	uint32_t reg_count;
	uint32_t scoreboard_count;
};

struct igt_panthor_cs_regs {
	uint64_t bits[IGT_PANTHOR_CS_MAX_REGS / 64];
};

struct igt_panthor_cs_branch_site {
	uint32_t at;
	unsigned int label;
};

/**
 * igt_panthor_cs:
 *
 * A stream under construction. Loads and stores are asynchronous: the builder records which
 * registers they still write (@loading) or still read (@reading), and puts a WAIT in front of the
 * first instruction that depends on one of them, in front of every label and branch, and at the
 * end. Several loads may be unfinished at once, or several stores (in any order), never loads and
 * stores together.
 *
 * The first error is kept in @err and makes every later call do nothing.
 */
struct igt_panthor_cs {
	uint64_t *words;
	uint32_t capacity;
	uint32_t count;
	struct igt_panthor_cs_limits limits;
	struct igt_panthor_cs_regs loading;
	struct igt_panthor_cs_regs reading;
	bool load_pending;
	bool store_pending;
	int64_t labels[IGT_PANTHOR_CS_MAX_LABELS];
	unsigned int label_count;
	struct igt_panthor_cs_branch_site branches[IGT_PANTHOR_CS_MAX_BRANCHES];
	unsigned int branch_count;
	int err;
};

void igt_panthor_cs_init(struct igt_panthor_cs *cs, void *words, uint32_t size,
			 const struct igt_panthor_cs_limits *limits);
void igt_panthor_cs_mov32(struct igt_panthor_cs *cs, unsigned int dst, uint32_t imm);
void igt_panthor_cs_mov48(struct igt_panthor_cs *cs, unsigned int dst, uint64_t imm);
void igt_panthor_cs_add32(struct igt_panthor_cs *cs, unsigned int dst, unsigned int src,
			  int64_t imm);
void igt_panthor_cs_add64(struct igt_panthor_cs *cs, unsigned int dst, unsigned int src,
			  int64_t imm);
void igt_panthor_cs_load(struct igt_panthor_cs *cs, unsigned int dst, unsigned int count,
			 unsigned int address, int32_t offset);
void igt_panthor_cs_store(struct igt_panthor_cs *cs, unsigned int src, unsigned int count,
			  unsigned int address, int32_t offset);
void igt_panthor_cs_wait(struct igt_panthor_cs *cs);
unsigned int igt_panthor_cs_new_label(struct igt_panthor_cs *cs);
void igt_panthor_cs_set_label(struct igt_panthor_cs *cs, unsigned int label);
void igt_panthor_cs_branch(struct igt_panthor_cs *cs, enum cs_condition condition,
			   unsigned int value, unsigned int label);
void igt_panthor_cs_spin_while(struct igt_panthor_cs *cs, enum cs_condition condition,
			       unsigned int value, unsigned int address, int32_t offset);
void igt_panthor_cs_raw(struct igt_panthor_cs *cs, uint64_t word);
void igt_panthor_cs_flush_caches(struct igt_panthor_cs *cs, unsigned int scratch);
int igt_panthor_cs_end(struct igt_panthor_cs *cs, unsigned int scratch);

#endif /* IGT_PANTHOR_CS_H */
