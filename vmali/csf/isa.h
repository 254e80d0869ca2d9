/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_CSF_ISA_H
#define VMALI_CSF_ISA_H

#include <stdbool.h>
#include <stdint.h>

#include "regs/field.h"

/*
 * The instructions of a command stream, architecture 10: 64-bit little-endian words. The layouts
 * are in the table of csf/decode.c. Sources: Mesa, src/panfrost/genxml/v10.xml ("CS ..." structs)
 * and Linux, panthor_sched.c, prepare_job_instrs().
 */
#define CSF_OPCODE_FIELD FIELD(63, 56)
#define CSF_OPCODE_COUNT 256

enum csf_opcode {
	CSF_OP_NOP			= 0,
	CSF_OP_MOVE48			= 1,
	CSF_OP_MOVE32			= 2,
	CSF_OP_WAIT			= 3,
	CSF_OP_RUN_COMPUTE		= 4,
	CSF_OP_RUN_TILING		= 5,
	CSF_OP_RUN_IDVS			= 6,
	CSF_OP_RUN_FRAGMENT		= 7,
	CSF_OP_RUN_FULLSCREEN		= 8,
	CSF_OP_FINISH_TILING		= 9,
	CSF_OP_FINISH_FRAGMENT		= 11,
	CSF_OP_ADD_IMM32		= 16,
	CSF_OP_ADD_IMM64		= 17,
	CSF_OP_UMIN32			= 18,
	CSF_OP_LOAD_MULTIPLE		= 20,
	CSF_OP_STORE_MULTIPLE		= 21,
	CSF_OP_BRANCH			= 22,
	CSF_OP_SET_SB_ENTRY		= 23,
	CSF_OP_SET_EXCEPTION_HANDLER	= 25,
	CSF_OP_CALL			= 32,
	CSF_OP_JUMP			= 33,
	CSF_OP_REQ_RESOURCE		= 34,
	CSF_OP_FLUSH_CACHE2		= 36,
	CSF_OP_SYNC_ADD32		= 37,
	CSF_OP_SYNC_SET32		= 38,
	CSF_OP_SYNC_WAIT32		= 39,
	CSF_OP_STORE_STATE		= 40,
	CSF_OP_RUN_COMPUTE_INDIRECT	= 44,
	CSF_OP_ERROR_BARRIER		= 47,
	CSF_OP_HEAP_SET			= 48,
	CSF_OP_HEAP_OPERATION		= 49,
	CSF_OP_SYNC_ADD64		= 51,
	CSF_OP_SYNC_SET64		= 52,
	CSF_OP_SYNC_WAIT64		= 53
};

enum csf_condition {
	CSF_COND_LEQUAL,
	CSF_COND_GREATER,
	CSF_COND_EQUAL,
	CSF_COND_NEQUAL,
	CSF_COND_LESS,
	CSF_COND_GEQUAL,
	CSF_COND_ALWAYS,
	CSF_COND_COUNT
};

enum csf_store_state {
	CSF_STATE_TIMESTAMP,
	CSF_STATE_CYCLE_COUNT,
	CSF_STATE_DISJOINT_COUNT,
	CSF_STATE_ERROR_STATUS
};

/* Role of an operand in its instruction. */
enum csf_operand {
	CSF_ARG_NONE,
	CSF_ARG_DST,
	CSF_ARG_SRC,
	CSF_ARG_SRC1,
	CSF_ARG_ADDR,		/* register pair that holds an address */
	CSF_ARG_DATA,
	CSF_ARG_LENGTH,
	CSF_ARG_BASE,		/* first register of a LOAD_MULTIPLE or STORE_MULTIPLE */
	CSF_ARG_MASK,		/* bit n selects register CSF_ARG_BASE + n, n < 16 */
	CSF_ARG_IMM,
	CSF_ARG_OFFSET,
	CSF_ARG_COND,
	CSF_ARG_WAIT,		/* scoreboard entries to wait for */
	CSF_ARG_SIGNAL,		/* scoreboard entry to signal */
	CSF_ARG_ENDPOINT_SB,
	CSF_ARG_OTHER_SB,
	CSF_ARG_STATE,
	CSF_ARG_OPERATION,
	CSF_ARG_RESOURCES,
	CSF_ARG_L2_MODE,
	CSF_ARG_LSC_MODE,
	CSF_ARG_OTHER_MODE,
	CSF_ARG_SCOPE,
	CSF_ARG_ERROR,		/* error-propagate, error-reject */
	CSF_ARG_PROGRESS,
	CSF_ARG_INCREMENT,	/* workgroups of a task */
	CSF_ARG_AXIS,		/* dimension in which a task has several workgroups */
	CSF_ARG_SRT,		/* select one of four register pairs: resource tables, */
	CSF_ARG_SPD,		/* shader program descriptor, */
	CSF_ARG_TSD,		/* thread storage descriptor, */
	CSF_ARG_FAU,		/* uniforms */
	CSF_ARG_EXCEPTION,
	CSF_ARG_COUNT
};

/* Kinds of operands: each is encoded, checked and printed in its own way. */
enum csf_kind {
	CSF_KIND_REG,		/* one register */
	CSF_KIND_PAIR,		/* a pair, even-aligned */
	CSF_KIND_UNSIGNED,
	CSF_KIND_SIGNED,
	CSF_KIND_HEX,
	CSF_KIND_COND,
	CSF_KIND_SB,		/* a scoreboard entry */
	CSF_KIND_DEFERRED_SB,	/* a scoreboard entry, used only with a wait mask */
	CSF_KIND_FLUSH_MODE,
	CSF_KIND_AXIS
};

struct csf_operand_desc {
	uint8_t operand;	/* enum csf_operand; CSF_ARG_NONE ends a list */
	uint8_t kind;		/* enum csf_kind */
	struct field field;
};

#define CSF_OPERANDS_MAX 8

/**
 * struct csf_op - An instruction
 * @name: mnemonic; NULL: the opcode does not exist.
 * @opaque: bits outside of @operand are not checked: the model does not use them.
 * @traced: the trace shows this instruction.
 */
struct csf_op {
	const char *name;
	struct csf_operand_desc operand[CSF_OPERANDS_MAX];
	bool opaque, traced;
};

#endif
