/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_SHADER_ISA_H
#define VMALI_SHADER_ISA_H

#include <stdbool.h>
#include <stdint.h>

#include "regs/field.h"

/*
 * Instructions of a Valhall shader core, architecture 10: 64-bit little-endian words. The layouts
 * are in the table of shader/decode.c. Source of all facts about encodings and operations: Mesa,
 * src/panfrost/compiler/bifrost/valhall/ISA.xml, and valhall.py beside it for the bit positions.
 * Only integer instructions and memory accesses are modelled.
 */
#define SHADER_INSTR_SIZE 8	/* bytes of an instruction */
#define SHADER_REG_COUNT 64	/* 32-bit registers of a thread */
#define SHADER_PAGE_WORDS 64	/* 32-bit uniforms of a page of the FAU */
#define SHADER_UNIFORM_COUNT (4 * SHADER_PAGE_WORDS)
#define SHADER_CONSTANT_COUNT 32	/* constants that instructions can name */

/* Fields of every instruction. */
#define SHADER_OPCODE_FIELD	FIELD(56, 48)
#define SHADER_PAGE_FIELD	FIELD(58, 57)	/* page of the uniforms in the sources */
#define SHADER_FLOW_FIELD	FIELD(62, 59)

/*
 * Flow control. Instructions complete in order, and threads run one by one: waits and the
 * reconvergence of threads have no effect.
 */
enum shader_flow {
	SHADER_FLOW_NONE	= 0,	/* 1..9: waits */
	SHADER_FLOW_RECONVERGE	= 10,
	SHADER_FLOW_RESOURCE	= 12,	/* another wait */
	SHADER_FLOW_DISCARD	= 13,	/* of fragment shaders */
	SHADER_FLOW_END		= 15	/* the thread ends after this instruction */
};

/* A source operand: 8 bits. */
#define SHADER_SRC_TYPE		FIELD(7, 6)
#define SHADER_SRC_INDEX	FIELD(5, 0)
#define SHADER_SRC_SPECIAL	FIELD(5, 5)	/* of SHADER_SRC_TABLE */
#define SHADER_SRC_CONSTANT	FIELD(4, 0)	/* of SHADER_SRC_TABLE, if not special */

enum shader_src_type {
	SHADER_SRC_REG		= 0,
	SHADER_SRC_REG_LAST	= 1,	/* a register that nothing reads after this instruction */
	SHADER_SRC_UNIFORM	= 2,
	SHADER_SRC_TABLE	= 3	/* a constant, or a special value of the FAU */
};

/* A destination operand, or a staging register: 8 bits. */
#define SHADER_DST_HALVES	FIELD(7, 6)	/* bit n: half n of the register is written */
#define SHADER_DST_REG		FIELD(5, 0)
#define SHADER_STAGING_WRITE	FIELD(7, 7)
#define SHADER_STAGING_READ	FIELD(6, 6)

enum shader_condition {
	SHADER_COND_EQ,
	SHADER_COND_GT,
	SHADER_COND_GE,
	SHADER_COND_NE,
	SHADER_COND_LT,
	SHADER_COND_LE,
	SHADER_COND_COUNT	/* two more are for floating-point comparisons */
};

/* Encoding of the result of a comparison. */
enum shader_result {
	SHADER_RESULT_I1,	/* 1 */
	SHADER_RESULT_F1,	/* 1.0 */
	SHADER_RESULT_M1,	/* all bits */
	SHADER_RESULT_U1	/* the lower half of a 64-bit comparison */
};

enum shader_mux {
	SHADER_MUX_NEGATIVE,
	SHADER_MUX_ZERO,
	SHADER_MUX_FLOAT_ZERO,	/* not modelled */
	SHADER_MUX_BIT
};

enum shader_atomic {
	SHADER_ATOM_ADD		= 2,
	SHADER_ATOM_SMIN	= 8,
	SHADER_ATOM_SMAX	= 9,
	SHADER_ATOM_UMIN	= 10,
	SHADER_ATOM_UMAX	= 11,
	SHADER_ATOM_AND		= 12,
	SHADER_ATOM_OR		= 13,
	SHADER_ATOM_XOR		= 14,
	SHADER_ATOM_EXCHANGE	= 15
};

/* Atomic operations whose operand is 1. */
enum shader_atomic1 {
	SHADER_ATOM1_INC,
	SHADER_ATOM1_DEC,
	SHADER_ATOM1_UMAX,
	SHADER_ATOM1_SMAX,
	SHADER_ATOM1_OR,
	SHADER_ATOM1_COUNT
};

/* Half of the source of BRANCHZ. */
enum shader_combine {
	SHADER_COMBINE_NONE,
	SHADER_COMBINE_H0,
	SHADER_COMBINE_H1,
	SHADER_COMBINE_COUNT	/* two more look at the whole warp */
};

/* Swizzle of a 64-bit source that is a 32-bit word, extended. */
#define SHADER_SWIZZLE_W0 8

/* What an instruction does: index of its function (shader/execute.c). */
enum shader_exec {
	SHADER_EXEC_NOTHING,
	SHADER_EXEC_BRANCHZ,
	SHADER_EXEC_BARRIER,
	/* shader/alu.c, element by element */
	SHADER_EXEC_IADD,
	SHADER_EXEC_ISUB,
	SHADER_EXEC_IMUL,
	SHADER_EXEC_IADD_IMM,
	SHADER_EXEC_SHIFT,		/* variant: enum shader_logic, and SHADER_SHIFT_LEFT */
	SHADER_EXEC_ICMP,		/* variant: enum shader_chain */
	SHADER_EXEC_CSEL,
	SHADER_EXEC_MUX,
	SHADER_EXEC_IABS,
	/* shader/alu.c, with sources of several sizes */
	SHADER_EXEC_MOV,
	SHADER_EXEC_NOT,
	SHADER_EXEC_CLZ,
	SHADER_EXEC_POPCOUNT,
	SHADER_EXEC_BITREV,
	SHADER_EXEC_IMULD,
	SHADER_EXEC_SHADDX,
	SHADER_EXEC_MKVEC16,
	SHADER_EXEC_MKVEC8,
	SHADER_EXEC_CONVERT,		/* variant: bits of the source */
	SHADER_EXEC_CONVERT_PAIR,
	/* shader/memory.c; variant: bytes of the access */
	SHADER_EXEC_LOAD,
	SHADER_EXEC_STORE,
	SHADER_EXEC_LD_PKA,
	SHADER_EXEC_LEA_PKA,
	SHADER_EXEC_ATOM,
	SHADER_EXEC_ATOM1,
	SHADER_EXEC_COUNT
};

enum shader_logic {
	SHADER_LOGIC_AND,
	SHADER_LOGIC_OR,
	SHADER_LOGIC_XOR
};

#define SHADER_SHIFT_LEFT 0x10

/* How a comparison uses its third source. */
enum shader_chain {
	SHADER_CHAIN_OR,
	SHADER_CHAIN_AND,
	SHADER_CHAIN_MULTI	/* the lower half of a 64-bit comparison */
};

/* Role of an operand in its instruction. */
enum shader_arg {
	SHADER_ARG_NONE,
	SHADER_ARG_DST,
	SHADER_ARG_SRC0,
	SHADER_ARG_SRC1,
	SHADER_ARG_SRC2,
	SHADER_ARG_SRC3,
	SHADER_ARG_SWIZZLE0,	/* elements of source n; for SHIFT, 1 is the lane of the amount */
	SHADER_ARG_SWIZZLE1,
	SHADER_ARG_SWIZZLE2,
	SHADER_ARG_LANE0,		/* part of source n */
	SHADER_ARG_LANE1,
	SHADER_ARG_STAGING,		/* registers that are loaded or stored */
	SHADER_ARG_COUNT_READ,		/* number of staging registers, or of those that are read */
	SHADER_ARG_STAGING_DST,		/* register that gets the old value */
	SHADER_ARG_COUNT_WRITE,		/* number of STAGING_DST, minus one */
	SHADER_ARG_IMM,
	SHADER_ARG_OFFSET,
	SHADER_ARG_SHIFT,
	SHADER_ARG_COND,
	SHADER_ARG_RESULT,
	SHADER_ARG_MODE,
	SHADER_ARG_ATOMIC,
	SHADER_ARG_COMPARE,
	SHADER_ARG_LOAD_LANE,
	SHADER_ARG_UNSIGNED,
	SHADER_ARG_ARITHMETIC,
	SHADER_ARG_NOT_SRC,
	SHADER_ARG_NOT_RESULT,
	SHADER_ARG_EQ,
	SHADER_ARG_COMBINE,
	SHADER_ARG_HINT,		/* without effect */
	SHADER_ARG_SLOT,
	SHADER_ARG_COUNT
};

/* Kinds of operands: each is checked and printed in its own way. */
enum shader_kind {
	SHADER_KIND_SRC,		/* a 32-bit source */
	SHADER_KIND_SRC64,	/* an even-aligned pair, or a word that its swizzle extends */
	SHADER_KIND_DST,
	SHADER_KIND_DST64,
	SHADER_KIND_NO_DST,		/* the field has the value of an unused destination */
	SHADER_KIND_LOADED,		/* first staging register, written */
	SHADER_KIND_STORED,		/* first staging register, read */
	SHADER_KIND_EXCHANGED,		/* first staging register, read and written */
	SHADER_KIND_OPTIONAL,		/* first staging register, written if there is one */
	SHADER_KIND_REG,
	SHADER_KIND_SWIZZLE,		/* of elements of the instruction's size */
	SHADER_KIND_AMOUNT,		/* bytes that hold the amounts of a shift */
	SHADER_KIND_COND,
	SHADER_KIND_MUX,
	SHADER_KIND_ATOMIC,
	SHADER_KIND_ATOMIC1,
	SHADER_KIND_LOAD_LANE,
	SHADER_KIND_COMBINE,
	SHADER_KIND_SLOT,
	SHADER_KIND_BARRIER_SLOT,
	SHADER_KIND_UNSIGNED,
	SHADER_KIND_SIGNED,
	SHADER_KIND_HEX
};

struct shader_operand_desc {
	uint8_t arg;		/* enum shader_arg; SHADER_ARG_NONE ends a list */
	uint8_t kind;		/* enum shader_kind */
	struct field field;
};

/* A field that, besides the opcode, tells instructions apart. Width 0: none. */
struct shader_subcode {
	struct field field;
	uint16_t value;
};

#define SHADER_OPERANDS_MAX 11
#define SHADER_SUBCODES_MAX 2

/**
 * struct shader_op - An instruction
 * @exec: enum shader_exec.
 * @variant: for @exec.
 * @bits: size of an element: 8, 16, 32 or 64.
 * @is_signed: elements are sign-extended.
 */
struct shader_op {
	const char *name;
	uint16_t opcode;
	struct shader_subcode sub[SHADER_SUBCODES_MAX];
	uint8_t exec, variant, bits;
	bool is_signed;
	struct shader_operand_desc operand[SHADER_OPERANDS_MAX];
};

#endif
