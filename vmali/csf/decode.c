// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "csf/decode.h"

#include "csf/stream.h"
#include "rules/rules.h"
#include "trace/text.h"

#define FLUSH_MODE_MAX 3	/* clean and invalidate */
#define AXIS_MAX 2

/* Constant initialisers: the compound literal of FIELD() is none. */
#define BITS(hi, lo) { .lsb = (lo), .width = (hi) - (lo) + 1 }
#define ARG(operand, kind, hi, lo) { CSF_ARG_##operand, CSF_KIND_##kind, BITS(hi, lo) }

/* Fields at the same bits in several instructions. */
#define ARG_ADDR	ARG(ADDR, PAIR, 47, 40)
#define ARG_WAIT	ARG(WAIT, HEX, 31, 16)
#define ARG_SIGNAL	ARG(SIGNAL, DEFERRED_SB, 51, 48)

#define MULTIPLE(mnemonic) { \
	.name = mnemonic, .traced = true, \
	.operand = { \
		ARG(BASE, REG, 55, 48), ARG(MASK, HEX, 31, 16), ARG_ADDR, \
		ARG(OFFSET, SIGNED, 15, 0), \
	} }

#define SYNC_UPDATE(mnemonic, data_kind) { \
	.name = mnemonic, .traced = true, \
	.operand = { \
		ARG_ADDR, ARG(DATA, data_kind, 39, 32), ARG(ERROR, UNSIGNED, 0, 0), \
		ARG(SCOPE, UNSIGNED, 2, 1), ARG_WAIT, ARG_SIGNAL, \
	} }

#define SYNC_WAIT(mnemonic, data_kind) { \
	.name = mnemonic, .traced = true, \
	.operand = { \
		ARG_ADDR, ARG(DATA, data_kind, 39, 32), ARG(COND, COND, 31, 28), \
		ARG(ERROR, UNSIGNED, 0, 0), \
	} }

#define TRANSFER(mnemonic) { \
	.name = mnemonic, .traced = true, \
	.operand = { ARG_ADDR, ARG(LENGTH, REG, 39, 32) } }

#define JOB_SELECTS \
	ARG(PROGRESS, UNSIGNED, 32, 32), ARG(SRT, UNSIGNED, 41, 40), ARG(SPD, UNSIGNED, 43, 42), \
	ARG(TSD, UNSIGNED, 45, 44), ARG(FAU, UNSIGNED, 47, 46)

/* Instructions for the tiler and for fragments: decoded, but not executed (csf/execute.c). */
#define NEEDS_ENDPOINT(mnemonic) { .name = mnemonic, .opaque = true }

static const struct csf_op ops[CSF_OPCODE_COUNT] = {
	[CSF_OP_NOP] = { .name = "NOP", .opaque = true },
	[CSF_OP_MOVE48] = {
		.name = "MOVE48",
		.operand = { ARG(DST, PAIR, 55, 48), ARG(IMM, HEX, 47, 0) },
	},
	[CSF_OP_MOVE32] = {
		.name = "MOVE32",
		.operand = { ARG(DST, REG, 55, 48), ARG(IMM, HEX, 31, 0) },
	},
	[CSF_OP_WAIT] = {
		.name = "WAIT",
		.operand = { ARG(WAIT, HEX, 31, 16), ARG(PROGRESS, UNSIGNED, 32, 32) },
	},
	[CSF_OP_RUN_COMPUTE] = {
		.name = "RUN_COMPUTE",
		.operand = {
			ARG(INCREMENT, UNSIGNED, 13, 0), ARG(AXIS, AXIS, 15, 14), JOB_SELECTS,
		},
	},
	[CSF_OP_RUN_TILING] = NEEDS_ENDPOINT("RUN_TILING"),
	[CSF_OP_RUN_IDVS] = NEEDS_ENDPOINT("RUN_IDVS"),
	[CSF_OP_RUN_FRAGMENT] = NEEDS_ENDPOINT("RUN_FRAGMENT"),
	[CSF_OP_RUN_FULLSCREEN] = NEEDS_ENDPOINT("RUN_FULLSCREEN"),
	[CSF_OP_FINISH_TILING] = NEEDS_ENDPOINT("FINISH_TILING"),
	[CSF_OP_FINISH_FRAGMENT] = NEEDS_ENDPOINT("FINISH_FRAGMENT"),
	[CSF_OP_ADD_IMM32] = {
		.name = "ADD_IMM32",
		.operand = {
			ARG(DST, REG, 55, 48), ARG(SRC, REG, 47, 40), ARG(IMM, SIGNED, 31, 0),
		},
	},
	[CSF_OP_ADD_IMM64] = {
		.name = "ADD_IMM64",
		.operand = {
			ARG(DST, PAIR, 55, 48), ARG(SRC, PAIR, 47, 40), ARG(IMM, SIGNED, 31, 0),
		},
	},
	[CSF_OP_UMIN32] = {
		.name = "UMIN32",
		.operand = {
			ARG(DST, REG, 55, 48), ARG(SRC, REG, 47, 40), ARG(SRC1, REG, 39, 32),
		},
	},
	[CSF_OP_LOAD_MULTIPLE] = MULTIPLE("LOAD_MULTIPLE"),
	[CSF_OP_STORE_MULTIPLE] = MULTIPLE("STORE_MULTIPLE"),
	[CSF_OP_BRANCH] = {
		.name = "BRANCH",
		.operand = {
			ARG(OFFSET, SIGNED, 15, 0), ARG(COND, COND, 30, 28), ARG(SRC, REG, 47, 40),
		},
	},
	[CSF_OP_SET_SB_ENTRY] = {
		.name = "SET_SB_ENTRY",
		.operand = { ARG(ENDPOINT_SB, SB, 3, 0), ARG(OTHER_SB, SB, 7, 4) },
	},
	[CSF_OP_SET_EXCEPTION_HANDLER] = {
		.name = "SET_EXCEPTION_HANDLER", .traced = true,
		.operand = {
			ARG(EXCEPTION, UNSIGNED, 7, 0), ARG(LENGTH, REG, 39, 32), ARG_ADDR,
		},
	},
	[CSF_OP_CALL] = TRANSFER("CALL"),
	[CSF_OP_JUMP] = TRANSFER("JUMP"),
	[CSF_OP_REQ_RESOURCE] = {
		.name = "REQ_RESOURCE",
		.operand = { ARG(RESOURCES, HEX, 3, 0) },
	},
	[CSF_OP_FLUSH_CACHE2] = {
		.name = "FLUSH_CACHE2",
		.operand = {
			ARG(L2_MODE, FLUSH_MODE, 3, 0), ARG(LSC_MODE, FLUSH_MODE, 7, 4),
			ARG(OTHER_MODE, FLUSH_MODE, 11, 8), ARG_WAIT, ARG(SRC, REG, 47, 40),
			ARG(SIGNAL, SB, 51, 48),
		},
	},
	[CSF_OP_SYNC_ADD32] = SYNC_UPDATE("SYNC_ADD32", REG),
	[CSF_OP_SYNC_SET32] = SYNC_UPDATE("SYNC_SET32", REG),
	[CSF_OP_SYNC_WAIT32] = SYNC_WAIT("SYNC_WAIT32", REG),
	[CSF_OP_STORE_STATE] = {
		.name = "STORE_STATE", .traced = true,
		.operand = {
			ARG_ADDR, ARG(OFFSET, SIGNED, 15, 0), ARG(STATE, UNSIGNED, 33, 32),
			ARG_WAIT, ARG_SIGNAL,
		},
	},
	[CSF_OP_RUN_COMPUTE_INDIRECT] = {
		.name = "RUN_COMPUTE_INDIRECT",
		.operand = { ARG(INCREMENT, UNSIGNED, 15, 0), JOB_SELECTS },
	},
	[CSF_OP_ERROR_BARRIER] = { .name = "ERROR_BARRIER" },
	[CSF_OP_HEAP_SET] = { .name = "HEAP_SET", .operand = { ARG_ADDR } },
	[CSF_OP_HEAP_OPERATION] = {
		.name = "HEAP_OPERATION",
		.operand = { ARG(OPERATION, UNSIGNED, 33, 32), ARG_WAIT, ARG_SIGNAL },
	},
	[CSF_OP_SYNC_ADD64] = SYNC_UPDATE("SYNC_ADD64", PAIR),
	[CSF_OP_SYNC_SET64] = SYNC_UPDATE("SYNC_SET64", PAIR),
	[CSF_OP_SYNC_WAIT64] = SYNC_WAIT("SYNC_WAIT64", PAIR),
};

static const char *const operand_names[CSF_ARG_COUNT] = {
	[CSF_ARG_DST] = "dst",
	[CSF_ARG_SRC] = "src",
	[CSF_ARG_SRC1] = "src1",
	[CSF_ARG_ADDR] = "addr",
	[CSF_ARG_DATA] = "data",
	[CSF_ARG_LENGTH] = "length",
	[CSF_ARG_BASE] = "base",
	[CSF_ARG_MASK] = "mask",
	[CSF_ARG_IMM] = "imm",
	[CSF_ARG_OFFSET] = "offset",
	[CSF_ARG_COND] = "cond",
	[CSF_ARG_WAIT] = "wait",
	[CSF_ARG_SIGNAL] = "signal",
	[CSF_ARG_ENDPOINT_SB] = "endpoint",
	[CSF_ARG_OTHER_SB] = "other",
	[CSF_ARG_STATE] = "state",
	[CSF_ARG_OPERATION] = "operation",
	[CSF_ARG_RESOURCES] = "resources",
	[CSF_ARG_L2_MODE] = "l2",
	[CSF_ARG_LSC_MODE] = "lsc",
	[CSF_ARG_OTHER_MODE] = "caches",
	[CSF_ARG_SCOPE] = "scope",
	[CSF_ARG_ERROR] = "error",
	[CSF_ARG_PROGRESS] = "progress",
	[CSF_ARG_INCREMENT] = "increment",
	[CSF_ARG_AXIS] = "axis",
	[CSF_ARG_SRT] = "srt",
	[CSF_ARG_SPD] = "spd",
	[CSF_ARG_TSD] = "tsd",
	[CSF_ARG_FAU] = "fau",
	[CSF_ARG_EXCEPTION] = "exception",
};

static const char *const condition_names[CSF_COND_COUNT] = {
	"lequal", "greater", "equal", "nequal", "less", "gequal", "always"
};

static int64_t operand_value(uint64_t word, const struct csf_operand_desc *desc)
{
	if (desc->kind == CSF_KIND_SIGNED)
		return field_get_signed(word, desc->field);
	return field_get(word, desc->field);
}

/* Get the operands of @op from @word. Return: mask of the bits of the opcode and the operands. */
static uint64_t unpack(uint64_t word, const struct csf_op *op, int64_t *arg)
{
	uint64_t known = field_mask(CSF_OPCODE_FIELD);

	for (int i = 0; i < CSF_OPERANDS_MAX; i++) {
		const struct csf_operand_desc *desc = &op->operand[i];

		if (desc->operand == CSF_ARG_NONE)
			break;
		arg[desc->operand] = operand_value(word, desc);
		known |= field_mask(desc->field);
	}
	return known;
}

static bool operand_valid(const struct csf_instr *instr, const struct csf_operand_desc *desc)
{
	int64_t value = instr->arg[desc->operand];

	switch ((enum csf_kind)desc->kind) {
	case CSF_KIND_REG:
		return value < CSF_REG_COUNT;
	case CSF_KIND_PAIR:
		return value % 2 == 0 && value < CSF_REG_COUNT;
	case CSF_KIND_COND:
		return value < CSF_COND_COUNT;
	case CSF_KIND_SB:
		return value < CSF_SB_COUNT;
	case CSF_KIND_DEFERRED_SB:
		return value < CSF_SB_COUNT || !instr->arg[CSF_ARG_WAIT];
	case CSF_KIND_FLUSH_MODE:
		return value <= FLUSH_MODE_MAX;
	case CSF_KIND_AXIS:
		return value <= AXIS_MAX;
	case CSF_KIND_UNSIGNED:
	case CSF_KIND_SIGNED:
	case CSF_KIND_HEX:
		return true;
	}
	return false;
}

/* The last register of a LOAD_MULTIPLE or STORE_MULTIPLE must exist. */
static bool register_list_valid(const struct csf_instr *instr)
{
	uint64_t mask = instr->arg[CSF_ARG_MASK];

	return !mask || instr->arg[CSF_ARG_BASE] + 63 - __builtin_clzll(mask) < CSF_REG_COUNT;
}

static bool operands_valid(const struct csf_instr *instr)
{
	for (int i = 0; i < CSF_OPERANDS_MAX; i++) {
		const struct csf_operand_desc *desc = &instr->op->operand[i];

		if (desc->operand == CSF_ARG_NONE)
			break;
		if (!operand_valid(instr, desc))
			return false;
	}
	return register_list_valid(instr);
}

bool csf_decode(uint64_t word, struct csf_instr *instr)
{
	const struct csf_op *op = &ops[field_get(word, CSF_OPCODE_FIELD)];
	uint64_t known;

	*instr = (struct csf_instr){ .word = word, .op = op };
	if (!op->name)
		return false;
	known = unpack(word, op, instr->arg);
	if (!op->opaque && (word & ~known))
		rules_broken(RULE_STREAM_UNDEFINED_BITS, RULES_NO_AS, 0, "%s: 0x%016llx", op->name,
			     (unsigned long long)word);
	return operands_valid(instr);
}

static void print_operand(const struct csf_operand_desc *desc, int64_t value, char *buf,
			  size_t size)
{
	text_append(buf, size, " %s ", operand_names[desc->operand]);
	switch ((enum csf_kind)desc->kind) {
	case CSF_KIND_REG:
		text_append(buf, size, "r%lld", (long long)value);
		break;
	case CSF_KIND_PAIR:
		text_append(buf, size, "d%lld", (long long)value);
		break;
	case CSF_KIND_COND:
		text_append(buf, size, "%s", value < CSF_COND_COUNT ? condition_names[value] : "?");
		break;
	case CSF_KIND_HEX:
		text_append(buf, size, "0x%llx", (unsigned long long)value);
		break;
	case CSF_KIND_UNSIGNED:
	case CSF_KIND_SIGNED:
	case CSF_KIND_SB:
	case CSF_KIND_DEFERRED_SB:
	case CSF_KIND_FLUSH_MODE:
	case CSF_KIND_AXIS:
		text_append(buf, size, "%lld", (long long)value);
		break;
	}
}

void csf_disassemble(uint64_t word, char *buf, size_t size)
{
	const struct csf_op *op = &ops[field_get(word, CSF_OPCODE_FIELD)];
	int64_t arg[CSF_ARG_COUNT] = { 0 };

	if (!size)
		return;
	buf[0] = '\0';
	if (!op->name) {
		text_append(buf, size, "UNKNOWN 0x%016llx", (unsigned long long)word);
		return;
	}
	text_append(buf, size, "%s", op->name);
	unpack(word, op, arg);
	for (int i = 0; i < CSF_OPERANDS_MAX; i++) {
		const struct csf_operand_desc *desc = &op->operand[i];

		if (desc->operand == CSF_ARG_NONE)
			break;
		text_append(buf, size, "%s", i ? "," : "");
		print_operand(desc, arg[desc->operand], buf, size);
	}
}
