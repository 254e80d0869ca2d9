// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "shader/decode.h"

#include "shader/internal.h"
#include "trace/text.h"

#define NO_DST_VALUE 0xc0u
#define BARRIER_SLOT 7
#define SLOT_COUNT 3		/* slots of instructions that access memory */

/* Constant initialisers: the compound literal of FIELD() is none. */
#define BITS(hi, lo) { .lsb = (lo), .width = (hi) - (lo) + 1 }
#define ARG(arg, kind, hi, lo) { SHADER_ARG_##arg, SHADER_KIND_##kind, BITS(hi, lo) }
#define SUB(hi, lo, v) { BITS(hi, lo), v }

/* Fields at the same bits in several instructions. */
#define ARG_DST		ARG(DST, DST, 47, 40)
#define ARG_DST64	ARG(DST, DST64, 47, 40)
#define ARG_NO_DST	ARG(DST, NO_DST, 47, 40)
#define SRC(n)		ARG(SRC##n, SRC, 8 * (n) + 7, 8 * (n))
#define SRC64(n)	ARG(SRC##n, SRC64, 8 * (n) + 7, 8 * (n))
#define SWIZZLES	ARG(SWIZZLE0, SWIZZLE, 39, 36), ARG(SWIZZLE1, SWIZZLE, 29, 26)
#define COND		ARG(COND, COND, 34, 32)
#define SLOT		ARG(SLOT, SLOT, 32, 30)
#define STAGING(kind)	ARG(STAGING, kind, 47, 40), ARG(COUNT_READ, UNSIGNED, 35, 33)

#define ALU2(mnemonic, code, second, function, size, sign) { \
	.name = mnemonic, .opcode = code, .sub = { SUB(19, 16, second) }, \
	.exec = SHADER_EXEC_##function, .bits = size, .is_signed = sign, \
	.operand = { ARG_DST, SRC(0), SRC(1), SWIZZLES } }

#define ALU2_64(mnemonic, code, second, function, sign) { \
	.name = mnemonic, .opcode = code, .sub = { SUB(19, 16, second) }, \
	.exec = SHADER_EXEC_##function, .bits = 64, .is_signed = sign, \
	.operand = { ARG_DST64, SRC64(0), SRC64(1), SWIZZLES } }

/* The sizes and signs of an operation on two integers. */
#define ALU2_SIZES(mnemonic, second, function) \
	ALU2(mnemonic ".u32", 0xa0, second, function, 32, false), \
	ALU2(mnemonic ".v2u16", 0xa1, second, function, 16, false), \
	ALU2(mnemonic ".v4u8", 0xa2, second, function, 8, false), \
	ALU2(mnemonic ".s32", 0xa8, second, function, 32, true), \
	ALU2(mnemonic ".v2s16", 0xa9, second, function, 16, true), \
	ALU2(mnemonic ".v4s8", 0xaa, second, function, 8, true)

#define UNARY(mnemonic, second, function) { \
	.name = mnemonic, .opcode = 0x91, .sub = { SUB(20, 16, second) }, \
	.exec = SHADER_EXEC_##function, .bits = 32, .operand = { ARG_DST, SRC(0) } }

#define CONVERT(mnemonic, second, size, sign, hi) { \
	.name = mnemonic, .opcode = 0x90, .sub = { SUB(20, 16, second) }, \
	.exec = SHADER_EXEC_CONVERT, .variant = size, .bits = 32, .is_signed = sign, \
	.operand = { ARG_DST, SRC(0), ARG(LANE0, UNSIGNED, hi, 28) } }

#define CONVERT_PAIR(mnemonic, second, sign) { \
	.name = mnemonic, .opcode = 0x90, .sub = { SUB(20, 16, second) }, \
	.exec = SHADER_EXEC_CONVERT_PAIR, .bits = 32, .is_signed = sign, \
	.operand = { ARG_DST, SRC(0), ARG(LANE0, UNSIGNED, 39, 36) } }

#define IMMEDIATE(mnemonic, code, size) { \
	.name = mnemonic, .opcode = code, .exec = SHADER_EXEC_IADD_IMM, .bits = size, \
	.operand = { ARG_DST, SRC(0), ARG(IMM, HEX, 39, 8) } }

/* Bit 32 tells left from right; only a right shift has a sign. */
#define SHIFT_ARGS(dst, src) \
	ARG(DST, dst, 47, 40), ARG(SRC0, src, 7, 0), ARG(SWIZZLE0, SWIZZLE, 39, 36), \
	SRC(1), ARG(SWIZZLE1, AMOUNT, 29, 26), ARG(SRC2, src, 23, 16), \
	ARG(NOT_SRC, UNSIGNED, 35, 35), ARG(NOT_RESULT, UNSIGNED, 30, 30)

/* @dst, @src: kinds of the operands that have the size of an element. */
#define SHIFT(mnemonic, code, size, logic, dst, src) \
	{ .name = "LSHIFT_" mnemonic, .opcode = code, \
	  .sub = { SUB(25, 24, SHADER_LOGIC_##logic), SUB(33, 32, 1) }, \
	  .exec = SHADER_EXEC_SHIFT, .variant = SHADER_LOGIC_##logic | SHADER_SHIFT_LEFT, \
	  .bits = size, .operand = { SHIFT_ARGS(dst, src) } }, \
	{ .name = "RSHIFT_" mnemonic, .opcode = code, \
	  .sub = { SUB(25, 24, SHADER_LOGIC_##logic), SUB(33, 32, 0) }, \
	  .exec = SHADER_EXEC_SHIFT, .variant = SHADER_LOGIC_##logic, .bits = size, \
	  .operand = { SHIFT_ARGS(dst, src), ARG(ARITHMETIC, UNSIGNED, 34, 34) } }

#define SHIFT_LOGICS(suffix, code, size, dst, src) \
	SHIFT("AND" suffix, code, size, AND, dst, src), \
	SHIFT("OR" suffix, code, size, OR, dst, src), \
	SHIFT("XOR" suffix, code, size, XOR, dst, src)

#define ICMP(mnemonic, code, chain, size, sign) { \
	.name = mnemonic, .opcode = code, .sub = { SUB(25, 24, SHADER_CHAIN_##chain) }, \
	.exec = SHADER_EXEC_ICMP, .variant = SHADER_CHAIN_##chain, .bits = size, \
	.is_signed = sign, \
	.operand = { \
		ARG_DST, SRC(0), SRC(1), SRC(2), SWIZZLES, COND, ARG(RESULT, UNSIGNED, 31, 30), \
	} }

#define ICMP_SIZES(mnemonic, chain) \
	ICMP(mnemonic ".u32", 0xf0, chain, 32, false), \
	ICMP(mnemonic ".v2u16", 0xf1, chain, 16, false), \
	ICMP(mnemonic ".v4u8", 0xf2, chain, 8, false), \
	ICMP(mnemonic ".s32", 0xf8, chain, 32, true), \
	ICMP(mnemonic ".v2s16", 0xf9, chain, 16, true), \
	ICMP(mnemonic ".v4s8", 0xfa, chain, 8, true)

#define CSEL(mnemonic, code, size, sign) { \
	.name = mnemonic, .opcode = code, .exec = SHADER_EXEC_CSEL, .bits = size, \
	.is_signed = sign, .operand = { ARG_DST, SRC(0), SRC(1), SRC(2), SRC(3), COND } }

#define MUX(mnemonic, code, size, ...) { \
	.name = mnemonic, .opcode = code, .exec = SHADER_EXEC_MUX, .bits = size, \
	.operand = { ARG_DST, SRC(0), SRC(1), SRC(2), ARG(MODE, MUX, 33, 32), ##__VA_ARGS__ } }

/* The size of an access to memory is a field of the word. */
#define LOAD_ARGS \
	STAGING(LOADED), ARG(LOAD_LANE, LOAD_LANE, 38, 36), ARG(UNSIGNED, UNSIGNED, 39, 39), \
	SLOT, ARG(HINT, UNSIGNED, 25, 24)

#define LOAD(mnemonic, size_code, bytes) { \
	.name = "LOAD" mnemonic, .opcode = 0x60, .sub = { SUB(29, 27, size_code) }, \
	.exec = SHADER_EXEC_LOAD, .variant = bytes, \
	.operand = { LOAD_ARGS, SRC64(0), ARG(OFFSET, SIGNED, 23, 8) } }

#define STORE(mnemonic, size_code, bytes) { \
	.name = "STORE" mnemonic, .opcode = 0x61, .sub = { SUB(29, 27, size_code) }, \
	.exec = SHADER_EXEC_STORE, .variant = bytes, \
	.operand = { \
		STAGING(STORED), SLOT, SRC64(0), ARG(OFFSET, SIGNED, 23, 8), \
		ARG(HINT, UNSIGNED, 25, 24), \
	} }

#define LD_PKA(mnemonic, size_code, bytes) { \
	.name = "LD_PKA" mnemonic, .opcode = 0x6a, .sub = { SUB(29, 27, size_code) }, \
	.exec = SHADER_EXEC_LD_PKA, .variant = bytes, \
	.operand = { LOAD_ARGS, SRC(0), SRC(1) } }

#define ACCESS_SIZES(access) \
	access(".i8", 0, 1), access(".i16", 1, 2), access(".i24", 2, 3), access(".i32", 3, 4), \
	access(".i48", 4, 6), access(".i64", 5, 8), access(".i96", 6, 12), access(".i128", 7, 16)

#define ATOM_ARGS	SLOT, SRC64(0), ARG(OFFSET, UNSIGNED, 15, 8)

#define ATOM(suffix, size_code, bytes) \
	{ .name = "ATOM" suffix, .opcode = 0x68, .sub = { SUB(29, 27, size_code) }, \
	  .exec = SHADER_EXEC_ATOM, .variant = bytes, \
	  .operand = { STAGING(STORED), ATOM_ARGS, ARG(ATOMIC, ATOMIC, 25, 22) } }, \
	{ .name = "ATOM_RETURN" suffix, .opcode = 0x120, .sub = { SUB(29, 27, size_code) }, \
	  .exec = SHADER_EXEC_ATOM, .variant = bytes, \
	  .operand = { \
		STAGING(EXCHANGED), ATOM_ARGS, ARG(ATOMIC, ATOMIC, 25, 22), \
		ARG(STAGING_DST, REG, 21, 16), ARG(COUNT_WRITE, UNSIGNED, 38, 36), \
		ARG(COMPARE, UNSIGNED, 26, 26), \
	} }, \
	{ .name = "ATOM1_RETURN" suffix, .opcode = 0x69, .sub = { SUB(29, 27, size_code) }, \
	  .exec = SHADER_EXEC_ATOM1, .variant = bytes, \
	  .operand = { STAGING(OPTIONAL), ATOM_ARGS, ARG(ATOMIC, ATOMIC1, 25, 22) } }

/*
 * Fields that change a result in a way that is not modelled, such as saturation, are left out:
 * shader_decode() rejects a word that has one of them set.
 */
static const struct shader_op ops[] = {
	{ .name = "NOP", .opcode = 0x00, .exec = SHADER_EXEC_NOTHING, .operand = { ARG_NO_DST } },
	{ .name = "BRANCHZ", .opcode = 0x1f, .exec = SHADER_EXEC_BRANCHZ,
	  .operand = {
		ARG_NO_DST, SRC(0), ARG(OFFSET, SIGNED, 34, 8), ARG(HINT, UNSIGNED, 35, 35),
		ARG(EQ, UNSIGNED, 36, 36), ARG(COMBINE, COMBINE, 39, 37),
	} },
	{ .name = "BARRIER", .opcode = 0x45, .exec = SHADER_EXEC_BARRIER,
	  .operand = { ARG_NO_DST, ARG(SLOT, BARRIER_SLOT, 32, 30) } },

	ACCESS_SIZES(LOAD),
	ACCESS_SIZES(STORE),
	ACCESS_SIZES(LD_PKA),
	{ .name = "LEA_PKA", .opcode = 0x6b, .exec = SHADER_EXEC_LEA_PKA,
	  .operand = { STAGING(LOADED), SLOT, SRC(0), SRC(1) } },
	ATOM(".i32", 3, 4),
	ATOM(".i64", 5, 8),

	CONVERT("S8_TO_S32", 0x00, 8, true, 29),
	CONVERT("S16_TO_S32", 0x04, 16, true, 28),
	CONVERT("U8_TO_U32", 0x10, 8, false, 29),
	CONVERT("U16_TO_U32", 0x14, 16, false, 28),
	CONVERT_PAIR("V2S8_TO_V2S16", 0x02, true),
	CONVERT_PAIR("V2U8_TO_V2U16", 0x12, false),

	UNARY("MOV.i32", 0x0, MOV),
	UNARY("CLZ.u32", 0x4, CLZ),
	{ .name = "IABS.s32", .opcode = 0x91, .sub = { SUB(20, 16, 8) },
	  .exec = SHADER_EXEC_IABS, .bits = 32, .is_signed = true,
	  .operand = { ARG_DST, SRC(0), ARG(SWIZZLE0, SWIZZLE, 39, 36) } },
	UNARY("POPCOUNT.i32", 0xc, POPCOUNT),
	UNARY("BITREV.i32", 0xd, BITREV),
	UNARY("NOT_OLD.i32", 0xe, NOT),
	{ .name = "NOT_OLD.i64", .opcode = 0x191, .sub = { SUB(20, 16, 0xe) },
	  .exec = SHADER_EXEC_NOT, .bits = 64, .operand = { ARG_DST64, SRC64(0) } },

	ALU2_SIZES("IADD", 0x0, IADD),
	ALU2_64("IADD.u64", 0x1a3, 0x0, IADD, false),
	ALU2_64("IADD.s64", 0x1ab, 0x0, IADD, true),
	ALU2_SIZES("ISUB", 0x1, ISUB),
	ALU2_64("ISUB.u64", 0x1a3, 0x1, ISUB, false),
	ALU2_64("ISUB.s64", 0x1ab, 0x1, ISUB, true),
	ALU2_SIZES("IMUL", 0xa, IMUL),
	ALU2_64("IMULD.u64", 0x1a3, 0xa, IMULD, false),
	{ .name = "SHADDX.u64", .opcode = 0x1a3, .sub = { SUB(19, 16, 7) },
	  .exec = SHADER_EXEC_SHADDX, .bits = 64,
	  .operand = {
		ARG_DST64, SRC64(0), SRC64(1), ARG(SWIZZLE1, SWIZZLE, 29, 26),
		ARG(SHIFT, UNSIGNED, 22, 20),
	} },
	{ .name = "SHADDX.s64", .opcode = 0x1ab, .sub = { SUB(19, 16, 7) },
	  .exec = SHADER_EXEC_SHADDX, .bits = 64, .is_signed = true,
	  .operand = {
		ARG_DST64, SRC64(0), SRC64(1), ARG(SWIZZLE1, SWIZZLE, 29, 26),
		ARG(SHIFT, UNSIGNED, 22, 20),
	} },
	{ .name = "MKVEC.v2i16", .opcode = 0xa1, .sub = { SUB(19, 16, 5) },
	  .exec = SHADER_EXEC_MKVEC16, .bits = 32,
	  .operand = {
		ARG_DST, SRC(0), SRC(1), ARG(LANE0, UNSIGNED, 28, 28), ARG(LANE1, UNSIGNED, 26, 26),
	} },
	{ .name = "MKVEC.v2i8", .opcode = 0xbd, .exec = SHADER_EXEC_MKVEC8, .bits = 32,
	  .operand = {
		ARG_DST, SRC(0), SRC(1), SRC(2), ARG(LANE0, UNSIGNED, 39, 38),
		ARG(LANE1, UNSIGNED, 37, 36),
	} },
	IMMEDIATE("IADD_IMM.i32", 0x110, 32),
	IMMEDIATE("IADD_IMM.v2i16", 0x111, 16),
	IMMEDIATE("IADD_IMM.v4i8", 0x112, 8),

	SHIFT_LOGICS(".i32", 0xb4, 32, DST, SRC),
	SHIFT_LOGICS(".v2i16", 0xb5, 16, DST, SRC),
	SHIFT_LOGICS(".v4i8", 0xb6, 8, DST, SRC),
	SHIFT_LOGICS(".i64", 0x1b7, 64, DST64, SRC64),

	MUX("MUX.i32", 0xb8, 32),
	MUX("MUX.v2i16", 0xb9, 16, ARG(SWIZZLE0, SWIZZLE, 29, 28), ARG(SWIZZLE1, SWIZZLE, 27, 26),
	    ARG(SWIZZLE2, SWIZZLE, 25, 24)),
	MUX("MUX.v4i8", 0xba, 8),

	ICMP_SIZES("ICMP_OR", OR),
	ICMP_SIZES("ICMP_AND", AND),
	ICMP("ICMP_MULTI.u32", 0xf0, MULTI, 32, false),
	ICMP("ICMP_MULTI.s32", 0xf8, MULTI, 32, true),

	CSEL("CSEL.u32", 0x150, 32, false),
	CSEL("CSEL.v2u16", 0x151, 16, false),
	CSEL("CSEL.s32", 0x158, 32, true),
	CSEL("CSEL.v2s16", 0x159, 16, true),
};

#define OP_COUNT (sizeof(ops) / sizeof(ops[0]))

static const char *const arg_names[SHADER_ARG_COUNT] = {
	[SHADER_ARG_DST] = "dst",
	[SHADER_ARG_SRC0] = "src0",
	[SHADER_ARG_SRC1] = "src1",
	[SHADER_ARG_SRC2] = "src2",
	[SHADER_ARG_SRC3] = "src3",
	[SHADER_ARG_SWIZZLE0] = "swizzle0",
	[SHADER_ARG_SWIZZLE1] = "swizzle1",
	[SHADER_ARG_SWIZZLE2] = "swizzle2",
	[SHADER_ARG_LANE0] = "lane0",
	[SHADER_ARG_LANE1] = "lane1",
	[SHADER_ARG_STAGING] = "staging",
	[SHADER_ARG_COUNT_READ] = "count",
	[SHADER_ARG_STAGING_DST] = "old",
	[SHADER_ARG_COUNT_WRITE] = "old-count",
	[SHADER_ARG_IMM] = "imm",
	[SHADER_ARG_OFFSET] = "offset",
	[SHADER_ARG_SHIFT] = "shift",
	[SHADER_ARG_COND] = "cond",
	[SHADER_ARG_RESULT] = "result",
	[SHADER_ARG_MODE] = "mode",
	[SHADER_ARG_ATOMIC] = "operation",
	[SHADER_ARG_COMPARE] = "compare",
	[SHADER_ARG_LOAD_LANE] = "lane",
	[SHADER_ARG_UNSIGNED] = "unsigned",
	[SHADER_ARG_ARITHMETIC] = "arithmetic",
	[SHADER_ARG_NOT_SRC] = "not-src2",
	[SHADER_ARG_NOT_RESULT] = "not",
	[SHADER_ARG_EQ] = "eq",
	[SHADER_ARG_COMBINE] = "half",
	[SHADER_ARG_HINT] = "hint",
	[SHADER_ARG_SLOT] = "slot",
};

static const char *const condition_names[SHADER_COND_COUNT] = {
	"eq", "gt", "ge", "ne", "lt", "le"
};

/* ISA.xml, <lut name="Immediates"> */
const uint32_t shader_constants[SHADER_CONSTANT_COUNT] = {
	0x00000000, 0xffffffff, 0x7fffffff, 0xfafcfdfe, 0x01000000, 0x80002000, 0x70605030,
	0xc0b0a090, 0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c, 0x13121110, 0x17161514,
	0x1b1a1918, 0x1f1e1d1c, 0x3f800000, 0x3dcccccd, 0x3ea2f983, 0x3f317218, 0x40490fdb,
	0x00000000, 0x477fff00, 0x5c005bf8, 0x2e660000, 0x34000000, 0x38000000, 0x3c000000,
	0x40000000, 0x44000000, 0x48000000, 0x42480000,
};

struct shader_lane shader_load_lane(unsigned int bytes, unsigned int lane)
{
	static const struct {
		uint8_t bytes, lane;
		struct shader_lane place;
	} lanes[] = {
		{ 1, 0, { 0, 1 } }, { 1, 1, { 1, 1 } }, { 1, 2, { 2, 1 } }, { 1, 3, { 3, 1 } },
		{ 1, 4, { 0, 2 } }, { 1, 5, { 2, 2 } }, { 1, 6, { 0, 4 } }, { 1, 7, { 0, 8 } },
		{ 2, 0, { 0, 2 } }, { 2, 1, { 2, 2 } }, { 2, 2, { 0, 4 } }, { 2, 3, { 0, 8 } },
		{ 3, 0, { 0, 3 } },
		{ 4, 0, { 0, 4 } }, { 4, 1, { 0, 8 } },
		{ 6, 4, { 0, 6 } },
		{ 8, 7, { 0, 8 } },
		{ 12, 6, { 0, 12 } },
		{ 16, 7, { 0, 16 } },
	};

	for (size_t i = 0; i < sizeof(lanes) / sizeof(lanes[0]); i++) {
		if (lanes[i].bytes == bytes && lanes[i].lane == lane)
			return lanes[i].place;
	}
	return (struct shader_lane){ 0, 0 };
}

static bool is_op(const struct shader_op *op, uint64_t word)
{
	if (op->opcode != field_get(word, SHADER_OPCODE_FIELD))
		return false;
	for (int i = 0; i < SHADER_SUBCODES_MAX && op->sub[i].field.width; i++) {
		if (field_get(word, op->sub[i].field) != op->sub[i].value)
			return false;
	}
	return true;
}

static const struct shader_op *find_op(uint64_t word)
{
	for (size_t i = 0; i < OP_COUNT; i++) {
		if (is_op(&ops[i], word))
			return &ops[i];
	}
	return NULL;
}

/* Get the operands of @op from @word. Return: mask of the bits that have a meaning. */
static uint64_t unpack(uint64_t word, const struct shader_op *op, int32_t *arg)
{
	uint64_t known = field_mask(SHADER_OPCODE_FIELD) | field_mask(SHADER_PAGE_FIELD) |
			 field_mask(SHADER_FLOW_FIELD);

	for (int i = 0; i < SHADER_SUBCODES_MAX && op->sub[i].field.width; i++)
		known |= field_mask(op->sub[i].field);
	for (int i = 0; i < SHADER_OPERANDS_MAX; i++) {
		const struct shader_operand_desc *desc = &op->operand[i];

		if (desc->arg == SHADER_ARG_NONE)
			break;
		arg[desc->arg] = desc->kind == SHADER_KIND_SIGNED ?
				 field_get_signed(word, desc->field) :
				 (int64_t)field_get(word, desc->field);
		known |= field_mask(desc->field);
	}
	return known;
}

static unsigned int src_type(uint32_t src)
{
	return field_get(src, SHADER_SRC_TYPE);
}

static unsigned int src_index(uint32_t src)
{
	return field_get(src, SHADER_SRC_INDEX);
}

static bool src_valid(uint32_t src)
{
	return src_type(src) != SHADER_SRC_TABLE || !field_get(src, SHADER_SRC_SPECIAL);
}

/* True if source @arg is a pair of registers or uniforms, not one word that is extended. */
static bool src_is_pair(const struct shader_instr *instr, unsigned int arg)
{
	if (arg == SHADER_ARG_SRC0 && instr->arg[SHADER_ARG_SWIZZLE0])
		return false;
	return !(arg == SHADER_ARG_SRC1 && instr->arg[SHADER_ARG_SWIZZLE1]);
}

static bool src64_valid(const struct shader_instr *instr, unsigned int arg)
{
	uint32_t src = instr->arg[arg];

	if (!src_valid(src))
		return false;
	return src_type(src) == SHADER_SRC_TABLE || !src_is_pair(instr, arg) ||
	       src_index(src) % 2 == 0;
}

static bool swizzle_valid(const struct shader_op *op, unsigned int value)
{
	/* The description contradicts itself about 16-bit elements that are bytes: not modelled. */
	switch (op->bits) {
	case 8:
		return value <= 11;
	case 16:
		return value <= 3;
	case 32:
		return value != 1 && value <= 7;
	default:
		return value != 1 && value <= SHADER_SWIZZLE_W0;
	}
}

/* Value 0 is the lowest byte of each element, 4..7 is one byte for all elements. */
static bool amount_valid(const struct shader_op *op, unsigned int value)
{
	return (value >= 4 && value <= 7) || (!value && op->bits != 8);
}

static bool atomic_valid(unsigned int value)
{
	return value == SHADER_ATOM_ADD ||
	       (value >= SHADER_ATOM_SMIN && value <= SHADER_ATOM_EXCHANGE);
}

static bool staging_flags(uint32_t value, bool write, bool read)
{
	return field_get(value, SHADER_STAGING_WRITE) == write &&
	       field_get(value, SHADER_STAGING_READ) == read;
}

static bool operand_valid(const struct shader_instr *instr, const struct shader_operand_desc *desc)
{
	uint32_t value = instr->arg[desc->arg];

	switch ((enum shader_kind)desc->kind) {
	case SHADER_KIND_SRC:
		return src_valid(value);
	case SHADER_KIND_SRC64:
		return src64_valid(instr, desc->arg);
	case SHADER_KIND_DST:
		return field_get(value, SHADER_DST_HALVES);
	case SHADER_KIND_DST64:
		return field_get(value, SHADER_DST_HALVES) == 3 && value % 2 == 0;
	case SHADER_KIND_NO_DST:
		return value == NO_DST_VALUE;
	case SHADER_KIND_LOADED:
		return staging_flags(value, true, false);
	case SHADER_KIND_STORED:
		return staging_flags(value, false, true);
	case SHADER_KIND_EXCHANGED:
		return staging_flags(value, true, true);
	case SHADER_KIND_OPTIONAL:
		/* without a register the compiler sets both flags */
		return staging_flags(value, true, false) || !instr->arg[SHADER_ARG_COUNT_READ];
	case SHADER_KIND_SWIZZLE:
		return swizzle_valid(instr->op, value);
	case SHADER_KIND_AMOUNT:
		return amount_valid(instr->op, value);
	case SHADER_KIND_COND:
		return value < SHADER_COND_COUNT;
	case SHADER_KIND_MUX:
		return value != SHADER_MUX_FLOAT_ZERO;
	case SHADER_KIND_ATOMIC:
		return atomic_valid(value);
	case SHADER_KIND_ATOMIC1:
		return value < SHADER_ATOM1_COUNT;
	case SHADER_KIND_LOAD_LANE:
		return shader_load_lane(instr->op->variant, value).width;
	case SHADER_KIND_COMBINE:
		return value < SHADER_COMBINE_COUNT;
	case SHADER_KIND_SLOT:
		return value < SLOT_COUNT;
	case SHADER_KIND_BARRIER_SLOT:
		return value == BARRIER_SLOT;
	case SHADER_KIND_REG:
	case SHADER_KIND_UNSIGNED:
	case SHADER_KIND_SIGNED:
	case SHADER_KIND_HEX:
		return true;
	}
	return false;
}

/* @count registers from the staging register @first exist. */
static bool staging_fits(uint32_t first, unsigned int count)
{
	return field_get(first, SHADER_DST_REG) + count <= SHADER_REG_COUNT;
}

static bool atomic_registers_valid(const struct shader_instr *instr, bool exchanges)
{
	unsigned int words = instr->op->variant / sizeof(uint32_t);
	unsigned int compare = instr->arg[SHADER_ARG_COMPARE];

	if (instr->arg[SHADER_ARG_COUNT_READ] != (int)(compare ? 2 * words : words))
		return false;
	if (!exchanges)
		return true;
	return instr->arg[SHADER_ARG_COUNT_WRITE] + 1 == (int)words &&
	       staging_fits(instr->arg[SHADER_ARG_STAGING_DST], words) &&
	       (!compare || instr->arg[SHADER_ARG_ATOMIC] == SHADER_ATOM_EXCHANGE);
}

/* The number of staging registers is given by the size of the access. */
static bool staging_valid(const struct shader_instr *instr)
{
	unsigned int count = instr->arg[SHADER_ARG_COUNT_READ], bytes = instr->op->variant;
	struct shader_lane lane;

	if (!staging_fits(instr->arg[SHADER_ARG_STAGING], count))
		return false;
	switch (instr->op->exec) {
	case SHADER_EXEC_LOAD:
	case SHADER_EXEC_LD_PKA:
		lane = shader_load_lane(bytes, instr->arg[SHADER_ARG_LOAD_LANE]);
		return count == (lane.offset + lane.width + 3u) / 4;
	case SHADER_EXEC_STORE:
		return count == (bytes + 3) / 4;
	case SHADER_EXEC_LEA_PKA:
		return count == 2;
	case SHADER_EXEC_ATOM:
		return atomic_registers_valid(instr, instr->op->opcode == 0x120);
	case SHADER_EXEC_ATOM1:
		return !count || count == bytes / 4;
	default:
		return true;
	}
}

/* Values that are valid alone and not together. */
static bool combination_valid(const struct shader_instr *instr)
{
	switch (instr->op->exec) {
	case SHADER_EXEC_BRANCHZ:
		return instr->flow != SHADER_FLOW_END;
	case SHADER_EXEC_SHIFT:
		/* how a part of a word is extended for an arithmetic shift is not known */
		return !instr->arg[SHADER_ARG_ARITHMETIC] ||
		       instr->arg[SHADER_ARG_SWIZZLE0] == (int)shader_identity(instr->op->bits);
	case SHADER_EXEC_ICMP:
		if (instr->arg[SHADER_ARG_RESULT] == SHADER_RESULT_U1)
			return instr->op->variant == SHADER_CHAIN_MULTI;
		return instr->arg[SHADER_ARG_RESULT] != SHADER_RESULT_F1 || instr->op->bits != 8;
	default:
		return staging_valid(instr);
	}
}

static bool flow_valid(unsigned int flow)
{
	return flow <= SHADER_FLOW_RECONVERGE || flow == SHADER_FLOW_RESOURCE ||
	       flow == SHADER_FLOW_END;
}

static void count_source(struct shader_instr *instr, const struct shader_operand_desc *desc)
{
	uint32_t src = instr->arg[desc->arg];
	unsigned int end = instr->page * SHADER_PAGE_WORDS + src_index(src) + 1;

	if (desc->arg - SHADER_ARG_SRC0 >= instr->sources)
		instr->sources = desc->arg - SHADER_ARG_SRC0 + 1;
	if (src_type(src) != SHADER_SRC_UNIFORM)
		return;
	if (desc->kind == SHADER_KIND_SRC64 && src_is_pair(instr, desc->arg))
		end++;
	if (end > instr->uniforms)
		instr->uniforms = end;
}

static bool operands_valid(struct shader_instr *instr)
{
	for (int i = 0; i < SHADER_OPERANDS_MAX; i++) {
		const struct shader_operand_desc *desc = &instr->op->operand[i];

		if (desc->arg == SHADER_ARG_NONE)
			break;
		if (!operand_valid(instr, desc))
			return false;
		if (desc->kind == SHADER_KIND_SRC || desc->kind == SHADER_KIND_SRC64)
			count_source(instr, desc);
	}
	return combination_valid(instr);
}

/* Sources without a swizzle field have their elements in order. */
static void set_identity(struct shader_instr *instr)
{
	for (unsigned int arg = SHADER_ARG_SWIZZLE0; arg <= SHADER_ARG_SWIZZLE2; arg++)
		instr->arg[arg] = shader_identity(instr->op->bits);
}

bool shader_decode(uint64_t word, struct shader_instr *instr)
{
	const struct shader_op *op = find_op(word);

	*instr = (struct shader_instr){
		.word = word,
		.op = op,
		.flow = field_get(word, SHADER_FLOW_FIELD),
		.page = field_get(word, SHADER_PAGE_FIELD),
	};
	if (!op || !flow_valid(instr->flow))
		return false;
	set_identity(instr);
	if (word & ~unpack(word, op, instr->arg))
		return false;
	return operands_valid(instr);
}

static void print_src(unsigned int page, uint32_t src, char *buf, size_t size)
{
	switch ((enum shader_src_type)src_type(src)) {
	case SHADER_SRC_REG:
	case SHADER_SRC_REG_LAST:
		text_append(buf, size, "r%u", src_index(src));
		break;
	case SHADER_SRC_UNIFORM:
		text_append(buf, size, "u%u", page * SHADER_PAGE_WORDS + src_index(src));
		break;
	case SHADER_SRC_TABLE:
		if (src_valid(src))
			text_append(buf, size, "0x%x",
			       shader_constants[field_get(src, SHADER_SRC_CONSTANT)]);
		else
			text_append(buf, size, "special%u.%u", page, src_index(src));
		break;
	}
}

static void print_dst(uint32_t dst, char *buf, size_t size)
{
	static const char *const halves[] = { ".none", ".h0", ".h1", "" };

	text_append(buf, size, "r%u%s", (unsigned int)field_get(dst, SHADER_DST_REG),
	       halves[field_get(dst, SHADER_DST_HALVES)]);
}

static void print_operand(const struct shader_operand_desc *desc, unsigned int page, int32_t value,
			  char *buf, size_t size)
{
	text_append(buf, size, " %s ", arg_names[desc->arg]);
	switch ((enum shader_kind)desc->kind) {
	case SHADER_KIND_SRC:
	case SHADER_KIND_SRC64:
		print_src(page, value, buf, size);
		break;
	case SHADER_KIND_DST:
	case SHADER_KIND_DST64:
		print_dst(value, buf, size);
		break;
	case SHADER_KIND_LOADED:
	case SHADER_KIND_STORED:
	case SHADER_KIND_EXCHANGED:
	case SHADER_KIND_OPTIONAL:
	case SHADER_KIND_REG:
		text_append(buf, size, "r%u", (unsigned int)field_get(value, SHADER_DST_REG));
		break;
	case SHADER_KIND_COND:
		text_append(buf, size, "%s", value < SHADER_COND_COUNT ? condition_names[value] : "?");
		break;
	case SHADER_KIND_HEX:
		text_append(buf, size, "0x%x", (unsigned int)value);
		break;
	default:
		text_append(buf, size, "%d", value);
		break;
	}
}

static void print_flow(unsigned int flow, char *buf, size_t size)
{
	if (flow == SHADER_FLOW_END)
		text_append(buf, size, ", end");
	else if (flow != SHADER_FLOW_NONE)
		text_append(buf, size, ", flow %u", flow);
}

void shader_disassemble(uint64_t word, char *buf, size_t size)
{
	const struct shader_op *op = find_op(word);
	int32_t arg[SHADER_ARG_COUNT] = { 0 };
	const char *separator = "";

	if (!size)
		return;
	buf[0] = '\0';
	if (!op) {
		text_append(buf, size, "UNKNOWN 0x%016llx", (unsigned long long)word);
		return;
	}
	text_append(buf, size, "%s", op->name);
	unpack(word, op, arg);
	for (int i = 0; i < SHADER_OPERANDS_MAX && op->operand[i].arg; i++) {
		const struct shader_operand_desc *desc = &op->operand[i];

		if (desc->kind == SHADER_KIND_NO_DST)
			continue;
		text_append(buf, size, "%s", separator);
		print_operand(desc, field_get(word, SHADER_PAGE_FIELD), arg[desc->arg], buf, size);
		separator = ",";
	}
	print_flow(field_get(word, SHADER_FLOW_FIELD), buf, size);
}
