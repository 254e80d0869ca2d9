// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "shader/internal.h"

/*
 * Instructions without memory accesses. The operations on elements treat a source as a vector of
 * elements of 8, 16, 32 or 64 bits, extended to 64 bits by the sign of the instruction.
 */

uint32_t shader_src(const struct shader_core *core, const struct shader_instr *instr,
		    enum shader_arg arg)
{
	uint32_t src = instr->arg[arg];
	unsigned int index = field_get(src, SHADER_SRC_INDEX);

	switch ((enum shader_src_type)field_get(src, SHADER_SRC_TYPE)) {
	case SHADER_SRC_REG:
	case SHADER_SRC_REG_LAST:
		return core->job->reg[index];
	case SHADER_SRC_UNIFORM:
		return core->uniform[instr->page * SHADER_PAGE_WORDS + index];
	case SHADER_SRC_TABLE:
		break;
	}
	return shader_constants[field_get(src, SHADER_SRC_CONSTANT)];
}

/* Constants are zero-extended. The decoder rejects pairs at odd numbers. */
uint64_t shader_src64(const struct shader_core *core, const struct shader_instr *instr,
		      enum shader_arg arg)
{
	uint32_t src = instr->arg[arg];
	unsigned int index = field_get(src, SHADER_SRC_INDEX) & ~1u;
	const uint32_t *pair;

	switch ((enum shader_src_type)field_get(src, SHADER_SRC_TYPE)) {
	case SHADER_SRC_REG:
	case SHADER_SRC_REG_LAST:
		pair = &core->job->reg[index];
		break;
	case SHADER_SRC_UNIFORM:
		pair = &core->uniform[instr->page * SHADER_PAGE_WORDS + index];
		break;
	default:
		return shader_constants[field_get(src, SHADER_SRC_CONSTANT)];
	}
	return pair[0] | (uint64_t)pair[1] << 32;
}

/* Write the halves of the destination that the instruction names; the other one stays. */
static void set_dst(struct shader_core *core, const struct shader_instr *instr, uint32_t value)
{
	static const uint32_t halves[] = { 0, 0x0000ffff, 0xffff0000, 0xffffffff };
	uint32_t dst = instr->arg[SHADER_ARG_DST];
	uint32_t mask = halves[field_get(dst, SHADER_DST_HALVES)];
	uint32_t *reg = &core->job->reg[field_get(dst, SHADER_DST_REG)];

	*reg = (*reg & ~mask) | (value & mask);
}

static void set_dst64(struct shader_core *core, const struct shader_instr *instr, uint64_t value)
{
	uint32_t *pair =
		&core->job->reg[field_get(instr->arg[SHADER_ARG_DST], SHADER_DST_REG) & ~1u];

	pair[0] = value;
	pair[1] = value >> 32;
}

static struct field part(unsigned int bits, unsigned int index)
{
	return (struct field){ .lsb = bits * index, .width = bits };
}

static uint64_t get_part(uint64_t value, unsigned int bits, unsigned int index, bool is_signed)
{
	struct field f = part(bits, index);

	return is_signed ? (uint64_t)field_get_signed(value, f) : field_get(value, f);
}

/* For each swizzle of 8-bit elements, the byte that each element takes. */
static const uint8_t bytes_swizzle[][4] = {
	{ 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 0, 1, 0, 1 }, { 2, 3, 2, 3 },
	{ 0, 0, 0, 0 }, { 1, 1, 1, 1 }, { 2, 2, 2, 2 }, { 3, 3, 3, 3 },
	{ 2, 3, 0, 1 }, { 1, 0, 3, 2 }, { 0, 0, 1, 1 }, { 2, 2, 3, 3 },
};

static const uint8_t halves_swizzle[][2] = { { 0, 0 }, { 1, 0 }, { 0, 1 }, { 1, 1 } };

/* A part of a word, extended to an element of 32 or 64 bits. Swizzle 0: the whole element. */
static uint64_t widened(uint64_t value, unsigned int bits, unsigned int swizzle, bool is_signed)
{
	if (swizzle == SHADER_SWIZZLE_W0)
		return get_part(value, 32, 0, is_signed);
	if (swizzle >= 4)
		return get_part(value, 8, swizzle - 4, is_signed);
	if (swizzle >= 2)
		return get_part(value, 16, swizzle - 2, is_signed);
	return get_part(value, bits, 0, is_signed);
}

static uint64_t element(const struct shader_op *op, uint64_t value, unsigned int swizzle,
			unsigned int index)
{
	switch (op->bits) {
	case 8:
		return get_part(value, 8, bytes_swizzle[swizzle][index], op->is_signed);
	case 16:
		return get_part(value, 16, halves_swizzle[swizzle][index], op->is_signed);
	default:
		return widened(value, op->bits, swizzle, op->is_signed);
	}
}

/* Source @arg as it is before its elements are taken. @swizzle: 0 if it is a 64-bit pair. */
static uint64_t whole_src(const struct shader_core *core, const struct shader_instr *instr,
			  enum shader_arg arg, unsigned int swizzle)
{
	if (instr->op->bits == 64 && !swizzle)
		return shader_src64(core, instr, arg);
	return shader_src(core, instr, arg);
}

/* The shift amounts are bytes of their source. */
static unsigned int shift_amount(const struct shader_instr *instr, uint32_t value,
				 unsigned int index)
{
	unsigned int lane = instr->arg[SHADER_ARG_SWIZZLE1], bits = instr->op->bits;
	unsigned int byte = lane >= 4 ? lane - 4 : index * bits / 8;

	/* modulo the size, as in NIR: the compiler does not mask amounts (bifrost_compile.c) */
	return get_part(value, 8, byte, false) % bits;
}

static uint64_t shifted(const struct shader_instr *instr, uint64_t value, unsigned int amount)
{
	if (instr->op->variant & SHADER_SHIFT_LEFT)
		return value << amount;
	if (instr->arg[SHADER_ARG_ARITHMETIC])
		return field_get_signed(value, part(instr->op->bits, 0)) >> amount;
	return value >> amount;
}

static uint64_t shift(const struct shader_instr *instr, uint64_t a, unsigned int amount, uint64_t b)
{
	uint64_t value = shifted(instr, a, amount);

	if (instr->arg[SHADER_ARG_NOT_SRC])
		b = ~b;
	switch (instr->op->variant & ~SHADER_SHIFT_LEFT) {
	case SHADER_LOGIC_AND:
		value &= b;
		break;
	case SHADER_LOGIC_OR:
		value |= b;
		break;
	default:
		value ^= b;
		break;
	}
	return instr->arg[SHADER_ARG_NOT_RESULT] ? ~value : value;
}

/* Elements of up to 32 bits, extended by their sign, are ordered as signed 64-bit numbers. */
static bool compare(enum shader_condition condition, int64_t a, int64_t b)
{
	switch (condition) {
	case SHADER_COND_EQ:
		return a == b;
	case SHADER_COND_GT:
		return a > b;
	case SHADER_COND_GE:
		return a >= b;
	case SHADER_COND_NE:
		return a != b;
	case SHADER_COND_LT:
		return a < b;
	case SHADER_COND_LE:
		return a <= b;
	case SHADER_COND_COUNT:
		break;
	}
	return false;
}

/*
 * Compares the upper halves of two 64-bit numbers. If they are equal, the result is @lower, that of
 * the lower halves.
 */
static bool compare_upper(enum shader_condition condition, int64_t a, int64_t b, bool lower)
{
	if (a == b)
		return lower;
	return compare(condition, a, b);
}

/* The result of the lower half, of type U1, is 0 or 1: only the upper half reads it (assumed). */
static bool chained(const struct shader_instr *instr, int64_t a, int64_t b, uint64_t c)
{
	enum shader_condition condition = instr->arg[SHADER_ARG_COND];
	bool holds = compare(condition, a, b);

	switch (instr->op->variant) {
	case SHADER_CHAIN_OR:
		return holds || c;
	case SHADER_CHAIN_AND:
		return holds && c;
	default:
		return instr->arg[SHADER_ARG_RESULT] == SHADER_RESULT_U1 ? holds :
		       compare_upper(condition, a, b, c);
	}
}

static uint64_t comparison(const struct shader_instr *instr, uint64_t a, uint64_t b, uint64_t c)
{
	if (!chained(instr, a, b, c))
		return 0;
	switch ((enum shader_result)instr->arg[SHADER_ARG_RESULT]) {
	case SHADER_RESULT_M1:
		return ~0ull;
	case SHADER_RESULT_F1:
		return instr->op->bits == 16 ? 0x3c00 : 0x3f800000;
	default:
		return 1;
	}
}

/* @a where @mask meets the condition, @b elsewhere. */
static uint64_t mux(const struct shader_instr *instr, uint64_t a, uint64_t b, uint64_t mask)
{
	switch ((enum shader_mux)instr->arg[SHADER_ARG_MODE]) {
	case SHADER_MUX_NEGATIVE:
		return field_get_signed(mask, part(instr->op->bits, 0)) < 0 ? a : b;
	case SHADER_MUX_ZERO:
		return mask ? b : a;
	default:
		return (a & mask) | (b & ~mask);
	}
}

static uint64_t operate(const struct shader_instr *instr, const uint64_t *src)
{
	switch (instr->op->exec) {
	case SHADER_EXEC_IADD:
	case SHADER_EXEC_IADD_IMM:
		return src[0] + src[1];
	case SHADER_EXEC_ISUB:
		return src[0] - src[1];
	case SHADER_EXEC_IMUL:
		return src[0] * src[1];
	case SHADER_EXEC_SHIFT:
		return shift(instr, src[0], src[1], src[2]);
	case SHADER_EXEC_ICMP:
		return comparison(instr, src[0], src[1], src[2]);
	case SHADER_EXEC_CSEL:
		return compare(instr->arg[SHADER_ARG_COND], src[0], src[1]) ? src[2] : src[3];
	case SHADER_EXEC_MUX:
		return mux(instr, src[0], src[1], src[2]);
	default: /* SHADER_EXEC_IABS */
		return (int64_t)src[0] < 0 ? -src[0] : src[0];
	}
}

#define SRC_COUNT 4

static void get_sources(const struct shader_core *core, const struct shader_instr *instr,
			uint64_t *src)
{
	bool is_shift = instr->op->exec == SHADER_EXEC_SHIFT;

	for (unsigned int i = 0; i < instr->sources; i++) {
		unsigned int swizzle = i < 3 ? instr->arg[SHADER_ARG_SWIZZLE0 + i] : 0;

		if (i == 1 && is_shift)
			src[i] = shader_src(core, instr, SHADER_ARG_SRC1);
		else
			src[i] = whole_src(core, instr, SHADER_ARG_SRC0 + i, swizzle);
	}
	if (instr->op->exec == SHADER_EXEC_IADD_IMM)
		src[1] = (uint32_t)instr->arg[SHADER_ARG_IMM];
}

static void get_elements(const struct shader_instr *instr, const uint64_t *src, unsigned int index,
			 uint64_t *out)
{
	const struct shader_op *op = instr->op;
	unsigned int count = instr->sources + (op->exec == SHADER_EXEC_IADD_IMM);

	for (unsigned int i = 0; i < count; i++) {
		unsigned int swizzle = i < 3 ? (unsigned int)instr->arg[SHADER_ARG_SWIZZLE0 + i] :
					       shader_identity(op->bits);

		if (i == 1 && op->exec == SHADER_EXEC_SHIFT)
			out[i] = shift_amount(instr, src[i], index);
		else
			out[i] = element(op, src[i], swizzle, index);
	}
}

enum shader_step shader_exec_elements(struct shader_core *core, const struct shader_instr *instr)
{
	unsigned int bits = instr->op->bits, count = bits == 64 ? 1 : 32 / bits;
	uint64_t src[SRC_COUNT] = { 0 }, one[SRC_COUNT] = { 0 }, result = 0;

	get_sources(core, instr, src);
	for (unsigned int i = 0; i < count; i++) {
		get_elements(instr, src, i, one);
		result = field_set(result, part(bits, i), operate(instr, one));
	}
	if (bits == 64)
		set_dst64(core, instr, result);
	else
		set_dst(core, instr, result);
	return SHADER_STEP_NEXT;
}

static uint32_t reversed(uint32_t value)
{
	uint32_t result = 0;

	for (unsigned int i = 0; i < 32; i++)
		result |= (value >> i & 1) << (31 - i);
	return result;
}

/* Two bytes, named by the field, as two 16-bit elements. */
static uint32_t convert_pair(const struct shader_instr *instr, uint32_t value)
{
	unsigned int lanes = instr->arg[SHADER_ARG_LANE0];
	bool is_signed = instr->op->is_signed;
	uint64_t low = get_part(value, 8, lanes % 4, is_signed);
	uint64_t high = get_part(value, 8, lanes / 4, is_signed);

	return field_set(field_set(0, part(16, 0), low), part(16, 1), high);
}

static uint32_t make_halves(const struct shader_instr *instr, uint32_t a, uint32_t b)
{
	return get_part(a, 16, instr->arg[SHADER_ARG_LANE0], false) |
	       get_part(b, 16, instr->arg[SHADER_ARG_LANE1], false) << 16;
}

static uint32_t make_bytes(const struct shader_instr *instr, uint32_t a, uint32_t b, uint32_t upper)
{
	return get_part(a, 8, instr->arg[SHADER_ARG_LANE0], false) |
	       get_part(b, 8, instr->arg[SHADER_ARG_LANE1], false) << 8 | upper << 16;
}

static uint64_t address_sum(const struct shader_core *core, const struct shader_instr *instr)
{
	unsigned int swizzle = instr->arg[SHADER_ARG_SWIZZLE1];
	uint64_t index = whole_src(core, instr, SHADER_ARG_SRC1, swizzle);

	return shader_src64(core, instr, SHADER_ARG_SRC0) +
	       (widened(index, 64, swizzle, instr->op->is_signed) << instr->arg[SHADER_ARG_SHIFT]);
}

/* The product of two 32-bit numbers; of a pair, the lower one. */
static uint64_t product(const struct shader_core *core, const struct shader_instr *instr)
{
	uint64_t a = shader_src(core, instr, SHADER_ARG_SRC0);
	uint64_t b = shader_src(core, instr, SHADER_ARG_SRC1);

	return (uint64_t)(uint32_t)widened(a, 64, instr->arg[SHADER_ARG_SWIZZLE0], false) *
	       (uint32_t)widened(b, 64, instr->arg[SHADER_ARG_SWIZZLE1], false);
}

static uint32_t word_result(const struct shader_core *core, const struct shader_instr *instr)
{
	uint32_t a = shader_src(core, instr, SHADER_ARG_SRC0);
	uint32_t b = shader_src(core, instr, SHADER_ARG_SRC1);

	switch (instr->op->exec) {
	case SHADER_EXEC_NOT:
		return ~a;
	case SHADER_EXEC_CLZ:
		return a ? __builtin_clz(a) : 32;
	case SHADER_EXEC_POPCOUNT:
		return __builtin_popcount(a);
	case SHADER_EXEC_BITREV:
		return reversed(a);
	case SHADER_EXEC_MKVEC16:
		return make_halves(instr, a, b);
	case SHADER_EXEC_MKVEC8:
		return make_bytes(instr, a, b, shader_src(core, instr, SHADER_ARG_SRC2));
	case SHADER_EXEC_CONVERT:
		return get_part(a, instr->op->variant, instr->arg[SHADER_ARG_LANE0],
				instr->op->is_signed);
	case SHADER_EXEC_CONVERT_PAIR:
		return convert_pair(instr, a);
	default: /* SHADER_EXEC_MOV */
		return a;
	}
}

static uint64_t pair_result(const struct shader_core *core, const struct shader_instr *instr)
{
	switch (instr->op->exec) {
	case SHADER_EXEC_SHADDX:
		return address_sum(core, instr);
	case SHADER_EXEC_IMULD:
		return product(core, instr);
	default: /* SHADER_EXEC_NOT */
		return ~shader_src64(core, instr, SHADER_ARG_SRC0);
	}
}

enum shader_step shader_exec_word(struct shader_core *core, const struct shader_instr *instr)
{
	if (instr->op->bits == 64)
		set_dst64(core, instr, pair_result(core, instr));
	else
		set_dst(core, instr, word_result(core, instr));
	return SHADER_STEP_NEXT;
}
