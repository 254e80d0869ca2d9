// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * Unit tests of shader/: instructions of compute jobs. (The decoder alone: test_shader_decode.c. Jobs
 * as a whole: test_shader_jobs.c.)
 *
 *  1. programs: a few instructions with their expected registers, each instruction at its edges.
 *     Hunts a wrong sign, carry, lane or swizzle.
 *  2. comparisons: each condition, signed and unsigned, of 32 and of 64 bits.
 *  3. loads and stores of every size, with both neighbours; atomic operations; wild addresses.
 *  4. resources: bounds of buffers, handles of what is not there, descriptors of other types.
 *  5. flow: branches, endless loops, code that is nowhere or not executable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/shader_board.h"

/* 1. Programs */

struct program {
	const char *name;
	uint64_t word[6];
	size_t count;
	struct { unsigned int reg; uint32_t value; } reg[4];
};

#define CODE_OF(...) .word = { __VA_ARGS__ }, .count = COUNT(__VA_ARGS__)

static const struct program programs[] = {
	{ .name = "MOV.i32",
	  CODE_OF(SH_MOV(63, U_MIXED)),
	  .reg = { { 63, 0x80ff7f01 }, { 62, 0 } } },
	{ .name = "MOV.i32 of a register that is not read again",
	  CODE_OF(SH_MOV(1, U_FIVE), SH_MOV(2, LAST(1))),
	  .reg = { { 2, 5 } } },
	{ .name = "MOV.i32, pages of uniforms",
	  CODE_OF(SH_MOV(1, U(63)), SH_MOV(2, U(0)) | PAGE(1), SH_MOV(3, U(1)) | PAGE(2),
		  SH_MOV(4, U(63)) | PAGE(3)),
	  .reg = { { 1, 0x1000 + 63 },
		   { 2, 0x1000 + 64 },
		   { 3, 0x1000 + 129 },
		   { 4, 0x1000 + 255 } } },
	{ .name = "MOV.i32 of constants",
	  CODE_OF(SH_MOV(1, K_0), SH_MOV(2, K_ONES), SH_MOV(3, 0xd0), SH_MOV(4, 0xdf)),
	  .reg = { { 1, 0 }, { 2, 0xffffffff }, { 3, 0x3f800000 }, { 4, 0x42480000 } } },
	{ .name = "constants on any page",
	  CODE_OF(SH_MOV(1, K_3210) | PAGE(3)),
	  .reg = { { 1, 0x03020100 } } },
	{ .name = "one half of the destination",
	  CODE_OF(SH_MOV(1, U_MIXED), SH_MOV(1, K_ONES) & ~B(0x80, 40), SH_MOV(2, U_MIXED),
		  SH_MOV(2, K_0) & ~B(0x40, 40)),
	  .reg = { { 1, 0x80ffffff }, { 2, 0x00007f01 } } },

	{ .name = "IADD.u32 wraps", CODE_OF(SH_IADD(U32, 1, U_BIG, U_FIVE)), .reg = { { 1, 3 } } },
	{ .name = "IADD.u32, parts are zero-extended",
	  CODE_OF(SH_IADD(U32, 1, U_MIXED, K_0) | SWZ0(BYTE(3)),
		  SH_IADD(U32, 2, K_0, U_MIXED) | SWZ1(BYTE(2)),
		  SH_IADD(U32, 3, K_0, U_MIXED) | SWZ1(H1),
		  SH_IADD(U32, 4, U_MIXED, U_MIXED) | SWZ0(H0) | SWZ1(BYTE(0))),
	  .reg = { { 1, 0x80 }, { 2, 0xff }, { 3, 0x80ff }, { 4, 0x7f02 } } },
	{ .name = "IADD.s32, parts are sign-extended",
	  CODE_OF(SH_IADD(I32S, 1, U_MIXED, K_0) | SWZ0(BYTE(3)),
		  SH_IADD(I32S, 2, K_0, U_MIXED) | SWZ1(BYTE(2)),
		  SH_IADD(I32S, 3, K_0, U_MIXED) | SWZ1(H1),
		  SH_IADD(I32S, 4, U_MIXED, U_MIXED) | SWZ0(H0) | SWZ1(BYTE(1))),
	  .reg = { { 1, 0xffffff80 }, { 2, 0xffffffff }, { 3, 0xffff80ff }, { 4, 0x7f80 } } },
	{ .name = "IADD.v2u16, no carry between the halves",
	  CODE_OF(SH_IADD(V2U16, 1, U_MIXED, K_ONES) | IDENTITY16,
		  SH_IADD(V2U16, 2, U_MIXED, K_0) | SWZ0(1) | SWZ1(2),
		  SH_IADD(V2U16, 3, U_MIXED, K_0) | SWZ0(3) | SWZ1(2),
		  SH_IADD(V2U16, 4, K_0, U_MIXED) | SWZ0(2)),
	  .reg = { { 1, 0x80fe7f00 }, { 2, 0x7f0180ff }, { 3, 0x80ff80ff }, { 4, 0x7f017f01 } } },
	{ .name = "IADD.v4u8, no carry between the bytes",
	  CODE_OF(SH_IADD(V4U8, 1, U_MIXED, K_ONES), SH_IADD(V4U8, 2, U_MIXED, K_0) | SWZ0(1),
		  SH_IADD(V4U8, 3, U_MIXED, K_0) | SWZ0(6),
		  SH_IADD(V4S8, 4, K_0, U_MIXED) | SWZ1(11)),
	  .reg = { { 1, 0x7ffe7e00 }, { 2, 0x017fff80 }, { 3, 0xffffffff }, { 4, 0x8080ffff } } },
	{ .name = "IADD.u64 carries",
	  CODE_OF(SH_IADD(U64, 2, U_WIDE, U_WIDE), SH_IADD(U64, 4, U_WIDE, K_ONES)),
	  .reg = { { 2, 0xfdb97530 }, { 3, 0x13579bdf }, { 4, 0xfedcba97 }, { 5, 0x89abcdf0 } } },
	{ .name = "IADD.u64, IADD.s64 of an extended word",
	  CODE_OF(SH_IADD(U64, 2, K_0, U_MINUS_5) | SWZ1(W0),
		  SH_IADD(S64, 4, U_MINUS_5, K_0) | SWZ0(W0)),
	  .reg = { { 2, -5 }, { 3, 0 }, { 4, -5 }, { 5, -1 } } },
	{ .name = "IADD.s64 of parts",
	  CODE_OF(SH_IADD(S64, 2, U_MIXED, K_0) | SWZ0(H1),
		  SH_IADD(U64, 4, K_0, U_MIXED) | SWZ1(7)),
	  .reg = { { 2, 0xffff80ff }, { 3, -1 }, { 4, 0x80 }, { 5, 0 } } },
	{ .name = "ISUB",
	  CODE_OF(SH_ISUB(U32, 1, K_0, U_FIVE), SH_ISUB(V2U16, 2, K_0, K_ONES) | IDENTITY16,
		  SH_ISUB(V4U8, 3, K_0, U_MIXED)),
	  .reg = { { 1, -5 }, { 2, 0x00010001 }, { 3, 0x800181ff } } },
	{ .name = "ISUB.u64 borrows",
	  CODE_OF(SH_ISUB(U64, 2, K_0, K_ONES)),
	  .reg = { { 2, 1 }, { 3, 0xffffffff } } },
	{ .name = "IMUL",
	  CODE_OF(SH_IMUL(U32, 1, U_BIG, U_BIG), SH_IMUL(I32S, 2, U_MINUS_5, U_FIVE),
		  SH_IMUL(V2U16, 3, U_MIXED, U_MIXED) | IDENTITY16,
		  SH_IMUL(V4U8, 4, U_MIXED, U_MIXED)),
	  .reg = { { 1, 4 }, { 2, -25 }, { 3, 0xfe01fe01 }, { 4, 0x00010101 } } },
	{ .name = "IMULD.u64",
	  CODE_OF(SH_IMULD(2, U_WIDE, U_WIDE),
		  SH_IMULD(4, U_BIG, U_FIVE) | SWZ0(W0) | SWZ1(BYTE(0))),
	  .reg = { { 2, 0xfedcba98u * 0xfedcba98u },
		   { 3, 0xfdbac096 },
		   { 4, 0xfffffff6 },
		   { 5, 4 } } },
	{ .name = "SHADDX.u64",
	  CODE_OF(SH_SHADDX(U64, 2, U_DATA, U_BIG, 4) | SWZ1(W0),
		  SH_SHADDX(U64, 4, U_WIDE, U_WIDE, 0)),
	  .reg = { { 2, 0x0fffffe0 }, { 3, 0x10 }, { 4, 0xfdb97530 }, { 5, 0x13579bdf } } },
	{ .name = "SHADDX.s64",
	  CODE_OF(SH_SHADDX(S64, 2, U_DATA, U_BIG, 7) | SWZ1(W0),
		  SH_SHADDX(S64, 4, K_0, U_WIDE, 4)),
	  .reg = { { 2, 0x0fffff00 }, { 3, 0 }, { 4, 0xedcba980 }, { 5, 0x9abcdeff } } },
	{ .name = "IADD_IMM",
	  CODE_OF(SH_IADD_IMM(1, U_BIG, 0x12345678), SH_IADD_IMM_V2(2, U_MIXED, 0xffffffff),
		  SH_IADD_IMM_V4(3, U_MIXED, 0x01010101), SH_MOV_IMM(4, -1)),
	  .reg = { { 1, 0x12345676 }, { 2, 0x80fe7f00 }, { 3, 0x81008002 }, { 4, -1 } } },

	{ .name = "LSHIFT_OR.i32",
	  CODE_OF(SH_LSHIFT_OR(1, U_FIVE, U_AMOUNTS, U_INT_MIN),
		  SH_LSHIFT_OR(2, U_FIVE, U_AMOUNTS, K_0) | AMOUNT_BYTE(2),
		  SH_LSHIFT_OR(3, U_FIVE, K_0, K_0),
		  SH_LSHIFT_OR(4, U_FIVE, U_AMOUNTS, K_0) ^ B(4, 26)),
	  .reg = { { 1, 0x80000050 }, { 2, 0x80000000 }, { 3, 5 }, { 4, 0x50 } } },
	{ .name = "amounts are modulo the size",
	  CODE_OF(SH_LSHIFT_OR(1, U_FIVE, U_33, K_0), SH_RSHIFT_OR(2, U_FIVE, U_33, K_0),
		  SH_LSHIFT_OR(3, U_FIVE, U_AMOUNTS, K_0) | AMOUNT_BYTE(1)),
	  .reg = { { 1, 10 }, { 2, 2 }, { 3, 10 } } },
	{ .name = "RSHIFT_OR.i32",
	  CODE_OF(SH_RSHIFT_OR(1, U_INT_MIN, U_AMOUNTS, K_0),
		  SH_RSHIFT_OR(2, U_INT_MIN, U_AMOUNTS, K_0) | ARITHMETIC,
		  SH_RSHIFT_OR(3, U_MIXED, U_AMOUNTS, K_0) | SWZ0(BYTE(3))),
	  .reg = { { 1, 0x08000000 }, { 2, 0xf8000000 }, { 3, 8 } } },
	{ .name = "logic of shifts",
	  CODE_OF(SH_SHIFT(SHIFT32, 1, LOGIC_AND, 1, U_MIXED, K_0, U_FIVE),
		  SH_SHIFT(SHIFT32, 1, LOGIC_AND, 2, U_MIXED, K_0, U_FIVE) | NOT_B,
		  SH_SHIFT(SHIFT32, 0, LOGIC_XOR, 3, U_MIXED, K_0, K_ONES),
		  SH_SHIFT(SHIFT32, 0, LOGIC_OR, 4, U_MIXED, K_0, U_FIVE) | NOT_RESULT),
	  .reg = { { 1, 1 }, { 2, 0x80ff7f00 }, { 3, 0x7f0080fe }, { 4, 0x7f0080fa } } },
	{ .name = "shifts of 16-bit elements",
	  CODE_OF(SH_SHIFT(SHIFT16, 1, LOGIC_OR, 1, U_MIXED, U_AMOUNTS, K_0) | SWZ0(2),
		  SH_SHIFT(SHIFT16, 0, LOGIC_OR, 2, U_MIXED, U_AMOUNTS, K_0) | SWZ0(2) | ARITHMETIC,
		  (SH_SHIFT(SHIFT16, 0, LOGIC_OR, 3, K_ONES, U_AMOUNTS, K_0) | SWZ0(2)) ^ B(4, 26)),
	  .reg = { { 1, 0x0ff0f010 }, { 2, 0xf80f07f0 }, { 3, 0x00010fff } } },
	{ .name = "shifts of bytes",
	  CODE_OF(SH_SHIFT(SHIFT8, 1, LOGIC_OR, 1, U_MIXED, U_AMOUNTS, K_0),
		  SH_SHIFT(SHIFT8, 0, LOGIC_OR, 2, U_MIXED, U_AMOUNTS, K_0) | ARITHMETIC),
	  .reg = { { 1, 0x00f0f010 }, { 2, 0xf8ff0700 } } },
	{ .name = "shifts of 64 bits",
	  CODE_OF(SH_SHIFT(SHIFT64, 1, LOGIC_OR, 2, U_WIDE, U_33, K_0),
		  SH_SHIFT(SHIFT64, 0, LOGIC_OR, 4, U_WIDE, U_AMOUNTS, K_0) | AMOUNT_BYTE(3) |
			  ARITHMETIC),
	  .reg = { { 2, 0 }, { 3, 0xfdb97530 }, { 4, -1 }, { 5, -1 } } },
	{ .name = "shifts of 64 bits, logic",
	  CODE_OF(SH_SHIFT(SHIFT64, 0, LOGIC_XOR, 2, U_WIDE, U_AMOUNTS, U_WIDE),
		  SH_SHIFT(SHIFT64, 1, LOGIC_AND, 4, U_BIG, K_0, K_ONES) | SWZ0(W0) | NOT_RESULT),
	  .reg = { { 2, 0xfedcba98 ^ 0xffedcba9 },
		   { 3, 0x89abcdef ^ 0x089abcde },
		   { 4, 1 },
		   { 5, -1 } } },

	{ .name = "CLZ.u32",
	  CODE_OF(SH_CLZ(1, K_0), SH_CLZ(2, K_ONES), SH_CLZ(3, U_FIVE)),
	  .reg = { { 1, 32 }, { 2, 0 }, { 3, 29 } } },
	{ .name = "IABS.s32",
	  CODE_OF(SH_IABS(1, U_MINUS_5), SH_IABS(2, U_INT_MIN), SH_IABS(3, U_MIXED) | SWZ0(BYTE(2)),
		  SH_IABS(4, U_FIVE)),
	  .reg = { { 1, 5 }, { 2, 0x80000000 }, { 3, 1 }, { 4, 5 } } },
	{ .name = "POPCOUNT, BITREV, NOT",
	  CODE_OF(SH_POPCOUNT(1, U_MIXED), SH_BITREV(2, U_MIXED), SH_NOT(3, U_MIXED),
		  SH_POPCOUNT(4, K_ONES)),
	  .reg = { { 1, 17 }, { 2, 0x80feff01 }, { 3, 0x7f0080fe }, { 4, 32 } } },
	{ .name = "NOT_OLD.i64",
	  CODE_OF(SH_NOT64(2, U_WIDE), SH_NOT64(4, K_ONES)),
	  .reg = { { 2, 0x01234567 }, { 3, 0x76543210 }, { 4, 0 }, { 5, -1 } } },
	{ .name = "conversions from 16 bits",
	  CODE_OF(SH_CONVERT(0x04, 1, U_MIXED, 1), SH_CONVERT(0x14, 2, U_MIXED, 1),
		  SH_CONVERT(0x04, 3, U_MIXED, 0)),
	  .reg = { { 1, 0xffff80ff }, { 2, 0x80ff }, { 3, 0x7f01 } } },
	{ .name = "conversions from 8 bits",
	  CODE_OF(SH_CONVERT(0x00, 1, U_MIXED, 3), SH_CONVERT(0x10, 2, U_MIXED, 3),
		  SH_CONVERT(0x00, 3, U_MIXED, 1), SH_CONVERT(0x10, 4, U_MIXED, 0)),
	  .reg = { { 1, 0xffffff80 }, { 2, 0x80 }, { 3, 0x7f }, { 4, 1 } } },
	{ .name = "conversions of pairs",
	  CODE_OF(SH_CONVERT_PAIR(0x02, 1, U_MIXED, 2, 3), SH_CONVERT_PAIR(0x12, 2, U_MIXED, 3, 0)),
	  .reg = { { 1, 0xff80ffff }, { 2, 0x00010080 } } },
	{ .name = "MKVEC",
	  CODE_OF(SH_MKVEC16(1, U_MIXED, 1, U_MIXED, 0), SH_MKVEC16(2, U_FIVE, 0, U_MIXED, 1),
		  SH_MKVEC8(3, U_MIXED, 3, U_MIXED, 1, U_BIG)),
	  .reg = { { 1, 0x7f0180ff }, { 2, 0x80ff0005 }, { 3, 0xfffe7f80 } } },

	{ .name = "results of comparisons",
	  CODE_OF(SH_ICMP_U32(EQ, I1, 1, K_0, K_0), SH_ICMP_U32(EQ, F1, 2, K_0, K_0),
		  SH_ICMP_U32(EQ, M1, 3, K_0, K_0), SH_ICMP_U32(NE, M1, 4, K_0, K_0)),
	  .reg = { { 1, 1 }, { 2, 0x3f800000 }, { 3, -1 }, { 4, 0 } } },
	{ .name = "comparisons with a third source",
	  CODE_OF(SH_ICMP(0xf0, 0, NE, M1, 1, K_0, K_0, K_ONES),
		  SH_ICMP(0xf0, 1, EQ, M1, 2, K_0, K_0, K_0),
		  SH_ICMP(0xf0, 1, EQ, I1, 3, K_0, K_0, K_ONES),
		  SH_ICMP(0xf8, 1, NE, I1, 4, K_0, K_0, K_ONES)),
	  .reg = { { 1, -1 }, { 2, 0 }, { 3, 1 }, { 4, 0 } } },
	{ .name = "comparisons of elements",
	  CODE_OF(SH_ICMP(0xf1, 0, GT, M1, 1, U_MIXED, U_FIVE, K_0) | IDENTITY16,
		  SH_ICMP(0xf9, 0, GT, I1, 2, U_MIXED, U_FIVE, K_0) | IDENTITY16,
		  SH_ICMP(0xf2, 0, LT, M1, 3, U_MIXED, K_ONES, K_0),
		  SH_ICMP(0xfa, 0, LT, I1, 4, U_MIXED, K_0, K_0)),
	  .reg = { { 1, 0xffffffff }, { 2, 0x00000001 }, { 3, 0xff00ffff }, { 4, 0x01010000 } } },
	{ .name = "comparisons of parts",
	  CODE_OF(SH_ICMP_U32(GT, I1, 1, U_MIXED, K_2_24) | SWZ0(BYTE(2)) | SWZ1(BYTE(3)),
		  SH_ICMP_S32(GT, I1, 2, U_MIXED, K_2_24) | SWZ0(BYTE(2)) | SWZ1(BYTE(3)),
		  SH_ICMP(0xf1, 0, EQ, F1, 3, K_0, K_0, K_0) | IDENTITY16),
	  .reg = { { 1, 1 }, { 2, 0 }, { 3, 0x3c003c00 } } },
	{ .name = "CSEL",
	  CODE_OF(SH_CSEL(0x150, LT, 1, U_MINUS_5, U_FIVE, K_ONES, K_3210),
		  SH_CSEL(0x158, LT, 2, U_MINUS_5, U_FIVE, K_ONES, K_3210),
		  SH_CSEL(0x151, LT, 3, U_MIXED, U_BIG, U_FIVE, K_ONES),
		  SH_CSEL(0x159, LT, 4, U_MIXED, U_BIG, U_FIVE, K_ONES)),
	  .reg = { { 1, 0x03020100 }, { 2, -1 }, { 3, 0x00000005 }, { 4, 0x0000ffff } } },
	{ .name = "MUX.i32",
	  CODE_OF(SH_MUX(0xb8, 1, 1, U_FIVE, K_3210, K_0),
		  SH_MUX(0xb8, 1, 2, U_FIVE, K_3210, K_ONES),
		  SH_MUX(0xb8, 0, 3, U_FIVE, K_3210, U_INT_MIN),
		  SH_MUX(0xb8, 3, 4, U_MIXED, U_FIVE, U_BIG)),
	  .reg = { { 1, 5 }, { 2, 0x03020100 }, { 3, 5 }, { 4, 0x80ff7f01 } } },
	{ .name = "MUX of elements",
	  CODE_OF(SH_MUX(0xb9, 1, 1, K_ONES, U_FIVE, K_2_24) | B(0x2a, 24),
		  SH_MUX(0xba, 0, 2, K_0, K_ONES, U_MIXED),
		  SH_MUX(0xb9, 1, 3, U_MIXED, K_0, K_0) | B(0x1a, 24)),
	  .reg = { { 1, 0x0000ffff }, { 2, 0x0000ffff }, { 3, 0x7f0180ff } } },
};

static void test_programs(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(programs); i++) {
		const struct program *p = &programs[i];

		print_message("  %s\n", p->name);
		reset(f);
		assert_int_equal(run_words(f, p->word, p->count), SHADER_DONE);
		for (size_t r = 0; r < 4 && (p->reg[r].reg || p->reg[r].value); r++)
			assert_int_equal(f->job.reg[p->reg[r].reg], p->reg[r].value);
		assert_false(f->job.active);
	}
	drop_fixture(f);
}

/* The constants are those of the description: their sum finds a wrong one. */
static void test_constants(void **state)
{
	struct fixture *f = make_fixture();
	uint32_t sum = 0, hash = 0;

	(void)state;
	for (unsigned int i = 0; i < 32; i++) {
		assert_int_equal(run(f, SH_MOV(1, 0xc0 | i)), SHADER_DONE);
		sum += f->job.reg[1];
		hash = hash * 31 + f->job.reg[1];
		if (i >= 8 && i < 16)
			assert_int_equal(f->job.reg[1], 0x03020100 + (i - 8) * 0x04040404);
	}
	assert_int_equal(sum, 0x79272a67);
	assert_int_equal(hash, 0x794f794d);
	drop_fixture(f);
}

/* 2. Comparisons */

/* For each condition: true if it holds for less, equal, greater. */
static const bool holds[][3] = {
	[EQ] = { false, true, false },
	[GT] = { false, false, true },
	[GE] = { false, true, true },
	[NE] = { true, false, true },
	[LT] = { true, false, false },
	[LE] = { true, true, false },
};

static unsigned int order_of(bool is_signed, uint32_t a, uint32_t b)
{
	if (a == b)
		return 1;
	return (is_signed ? (int32_t)a > (int32_t)b : a > b) ? 2 : 0;
}

static const uint32_t edges[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff };

static void check_comparison(struct fixture *f, unsigned int cond, uint32_t a, uint32_t b)
{
	bool uns = holds[cond][order_of(false, a, b)], sig = holds[cond][order_of(true, a, b)];

	assert_int_equal(run(f, SH_MOV_IMM(1, a), SH_MOV_IMM(2, b), SH_ICMP_U32(cond, M1, 3, 1, 2),
			     SH_ICMP_S32(cond, M1, 4, 1, 2),
			     SH_CSEL(0x150, cond, 5, 1, 2, K_ONES, K_0),
			     SH_CSEL(0x158, cond, 6, 1, 2, K_ONES, K_0)), SHADER_DONE);
	assert_int_equal(f->job.reg[3], uns ? 0xffffffff : 0);
	assert_int_equal(f->job.reg[4], sig ? 0xffffffff : 0);
	assert_int_equal(f->job.reg[5], uns ? 0xffffffff : 0);
	assert_int_equal(f->job.reg[6], sig ? 0xffffffff : 0);
}

static void test_conditions(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	for (unsigned int cond = EQ; cond <= LE; cond++) {
		for (size_t i = 0; i < COUNT_OF(edges) * COUNT_OF(edges); i++)
			check_comparison(f, cond, edges[i / COUNT_OF(edges)],
					 edges[i % COUNT_OF(edges)]);
	}
	drop_fixture(f);
}

static bool holds64(unsigned int cond, bool is_signed, uint64_t a, uint64_t b)
{
	if (a == b)
		return holds[cond][1];
	return holds[cond][(is_signed ? (int64_t)a > (int64_t)b : a > b) ? 2 : 0];
}

/* Two instructions compare numbers of 64 bits. */
static void check_wide_comparison(struct fixture *f, unsigned int cond, uint64_t a, uint64_t b)
{
	assert_int_equal(run(f, SH_MOV_IMM(2, a), SH_MOV_IMM(3, a >> 32), SH_MOV_IMM(4, b),
			     SH_MOV_IMM(5, b >> 32), SH_ICMP(0xf0, 2, cond, U1, 6, 2, 4, K_0),
			     SH_ICMP(0xf0, 2, cond, M1, 7, 3, 5, 6),
			     SH_ICMP(0xf8, 2, cond, I1, 8, 3, 5, 6)), SHADER_DONE);
	assert_int_equal(f->job.reg[7], holds64(cond, false, a, b) ? 0xffffffff : 0);
	assert_int_equal(f->job.reg[8], holds64(cond, true, a, b));
}

static void test_wide_conditions(void **state)
{
	static const uint64_t values[] = {
		0, 1, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
		0x8000000000000001, 0xffffffffffffffff,
	};
	struct fixture *f = make_fixture();

	(void)state;
	for (unsigned int cond = EQ; cond <= LE; cond++) {
		for (size_t i = 0; i < COUNT_OF(values) * COUNT_OF(values); i++)
			check_wide_comparison(f, cond, values[i / COUNT_OF(values)],
					      values[i % COUNT_OF(values)]);
	}
	drop_fixture(f);
}

/* 3. Memory */

/* Loads of the byte 0x88 and its successors, at DATA + 7, to registers that hold ones. */
static const struct {
	unsigned int size, lane, count;
	bool extends;
	uint64_t result[2];		/* as pairs of registers */
} loads[] = {
	{ I8, 0, 1, false, { 0xffffffffffffff88, ~0ull } },
	{ I8, 1, 1, false, { 0xffffffffffff88ff, ~0ull } },
	{ I8, 2, 1, false, { 0xffffffffff88ffff, ~0ull } },
	{ I8, 3, 1, false, { 0xffffffff88ffffff, ~0ull } },
	{ I8, 4, 1, true, { 0xffffffffffff0088, ~0ull } },
	{ I8, 5, 1, true, { 0xffffffff0088ffff, ~0ull } },
	{ I8, 6, 1, true, { 0xffffffff00000088, ~0ull } },
	{ I8, 7, 2, true, { 0x0000000000000088, ~0ull } },
	{ I16, 0, 1, false, { 0xffffffffffff8988, ~0ull } },
	{ I16, 1, 1, false, { 0xffffffff8988ffff, ~0ull } },
	{ I16, 2, 1, true, { 0xffffffff00008988, ~0ull } },
	{ I16, 3, 2, true, { 0x0000000000008988, ~0ull } },
	{ I24, 0, 1, false, { 0xffffffffff8a8988, ~0ull } },
	{ I32, 0, 1, false, { 0xffffffff8b8a8988, ~0ull } },
	{ I32, 1, 2, true, { 0x000000008b8a8988, ~0ull } },
	{ I48, 4, 2, false, { 0xffff8d8c8b8a8988, ~0ull } },
	{ I64, 7, 2, false, { 0x8f8e8d8c8b8a8988, ~0ull } },
	{ I96, 6, 3, false, { 0x8f8e8d8c8b8a8988, 0xffffffff93929190 } },
	{ I128, 7, 4, false, { 0x8f8e8d8c8b8a8988, 0x9796959493929190 } },
};

/* The bytes that an extension adds are 0, or copies of the sign, which is set. */
static uint64_t with_sign(unsigned int i, unsigned int pair)
{
	static const uint64_t sign[] = {
		[4] = 0xff00, [5] = 0xff000000, [6] = 0xffffff00, [7] = ~0xffull,
		[10] = 0xffff0000, [11] = ~0xffffull, [14] = ~0xffffffffull,
	};

	return loads[i].result[pair] | (loads[i].extends && !pair ? sign[i] : 0);
}

static void check_load(struct fixture *f, unsigned int i, bool zero_extends)
{
	uint64_t word = SH_LOAD_LANE(loads[i].size, loads[i].lane, 20, loads[i].count, 2, 8);

	assert_int_equal(run(f, SH_IADD(U64, 2, U_DATA, K_0), SH_MOV(19, K_ONES),
			     SH_MOV(20, K_ONES), SH_MOV(21, K_ONES), SH_MOV(22, K_ONES),
			     SH_MOV(23, K_ONES), word | (zero_extends ? ZERO_EXTEND : 0)),
			 SHADER_DONE);
	for (unsigned int pair = 0; pair < 2; pair++)
		assert_int_equal(f->job.reg[20 + 2 * pair] |
				 (uint64_t)f->job.reg[21 + 2 * pair] << 32,
				 zero_extends ? loads[i].result[pair] : with_sign(i, pair));
	assert_int_equal(f->job.reg[19], 0xffffffff);
	assert_int_equal(f->job.reg[24], 0);
}

static void test_loads(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(guest_memory_write(f->mem, DATA_GPA + 8 + i,
						    &(uint8_t){ 0x88 + i }, 1), 0);
	for (unsigned int i = 0; i < COUNT_OF(loads); i++) {
		check_load(f, i, true);
		check_load(f, i, false);
	}
	drop_fixture(f);
}

static const struct {
	unsigned int size, count, bytes, align;
} sizes[] = {
	{ I8, 1, 1, 1 }, { I16, 1, 2, 2 }, { I24, 1, 3, 1 }, { I32, 1, 4, 4 }, { I48, 2, 6, 2 },
	{ I64, 2, 8, 4 }, { I96, 3, 12, 4 }, { I128, 4, 16, 4 },
};

static void fill(struct fixture *f, uint8_t value)
{
	uint8_t bytes[128];

	memset(bytes, value, sizeof(bytes));
	assert_int_equal(guest_memory_write(f->mem, DATA_GPA, bytes, sizeof(bytes)), 0);
}

static void check_stored(struct fixture *f, unsigned int offset, unsigned int bytes)
{
	uint8_t now[128];

	assert_int_equal(guest_memory_read(f->mem, DATA_GPA, now, sizeof(now)), 0);
	for (unsigned int i = 0; i < sizeof(now); i++) {
		bool inside = i >= offset && i < offset + bytes;

		assert_int_equal(now[i], inside ? 0x10 + i - offset : 0xee);
	}
}

static void test_stores(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		unsigned int at = 64 + sizes[i].align;

		fill(f, 0xee);
		assert_int_equal(
			run(f, SH_IADD(U64, 2, U_DATA, K_0), SH_IADD_IMM(2, 2, 64),
			    SH_MOV_IMM(20, 0x13121110), SH_MOV_IMM(21, 0x17161514),
			    SH_MOV_IMM(22, 0x1b1a1918), SH_MOV_IMM(23, 0x1f1e1d1c),
			    SH_STORE(sizes[i].size, 20, sizes[i].count, 2, sizes[i].align)),
			SHADER_DONE);
		check_stored(f, at, sizes[i].bytes);
		fill(f, 0xee);
		assert_int_equal(run(f, SH_IADD(U64, 2, U_DATA, K_0), SH_IADD_IMM(2, 2, 64),
				     SH_MOV_IMM(20, 0x13121110), SH_MOV_IMM(21, 0x17161514),
				     SH_MOV_IMM(22, 0x1b1a1918), SH_MOV_IMM(23, 0x1f1e1d1c),
				     SH_STORE(sizes[i].size, 20, sizes[i].count, 2, -16)),
				 SHADER_DONE);
		check_stored(f, 48, sizes[i].bytes);
	}
	drop_fixture(f);
}

/* Bytes that are not aligned: to their size, or to a word. */
static void test_alignment(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		uint64_t word = SH_STORE(sizes[i].size, 20, sizes[i].count, U_DATA, 1);

		reset(f);
		if (sizes[i].align == 1)
			assert_int_equal(run(f, word), SHADER_DONE);
		else
			assert_fault(f, run(f, word), 0x5a, DATA + 1);
	}
	reset(f);
	assert_fault(f, run(f, SH_LOAD32(0, U_DATA, 2)), 0x5a, DATA + 2);
	reset(f);
	assert_fault(f, run(f, SH_ATOM1(I64, AINC, 0, 2, U_DATA, 4)), 0x5a, DATA + 4);
	reset(f);
	assert_fault(f, run(f, SH_ATOM(I32, AADD, 0, 1, U_DATA, 1)), 0x5a, DATA + 1);
	drop_fixture(f);
}

/* Addresses where nothing is, or nothing may be written. An access that faults has no effect. */
static void test_wild_addresses(void **state)
{
	static const uint64_t addresses[] = {
		0, 8, UNMAPPED, UNMAPPED - 8, 0x7fffffffffff - 15, 0x800000000000,
		0xffffffff00000000, UINT64_MAX - 15, UINT64_MAX - 3, 1ull << 48,
		(1ull << 63) | DATA,
	};
	struct fixture *f = make_fixture();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(addresses); i++) {
		uint64_t va = addresses[i] & ~3ull;

		for (unsigned int load = 0; load < 2; load++) {
			reset(f);
			assert_int_equal(run(f, SH_MOV_IMM(2, va), SH_MOV_IMM(3, va >> 32),
					     load ? SH_LOAD_LANE(I128, 7, 20, 4, 2, 0) :
						    SH_STORE(I128, 20, 4, 2, 0)),
					 SHADER_PAGE_FAULT);
			assert_int_equal(f->job.pc, CODE + 16);
			assert_int_equal(f->job.reg[20], 0);
			assert_true(f->job.active);
		}
	}
	reset(f);
	assert_int_equal(run(f, SH_STORE32(0, U_READ_ONLY, 0)), SHADER_PAGE_FAULT);
	assert_int_equal(guest_get64(f->mem, DATA_GPA), pattern(0));
	reset(f);
	assert_int_equal(run(f, SH_ATOM1(I32, AINC, 20, 1, U_READ_ONLY, 0)), SHADER_PAGE_FAULT);
	assert_int_equal(f->job.reg[20], 0);
	/* an offset that leaves the address space */
	reset(f);
	assert_int_equal(run(f, SH_LOAD32(0, K_0, -4)), SHADER_PAGE_FAULT);
	drop_fixture(f);
}

static const struct {
	unsigned int size, op;
	uint64_t memory, operand, result;
} atomics[] = {
	{ I32, AADD, 0xffffffff, 2, 1 },
	{ I32, ASMIN, 5, 0xffffffff, 0xffffffff },
	{ I32, ASMAX, 5, 0xffffffff, 5 },
	{ I32, AUMIN, 5, 0xffffffff, 5 },
	{ I32, AUMAX, 5, 0xffffffff, 0xffffffff },
	{ I32, AAND, 0xff00ff00, 0x0ff00ff0, 0x0f000f00 },
	{ I32, AOR, 0xff00ff00, 0x0ff00ff0, 0xfff0fff0 },
	{ I32, AXOR, 0xff00ff00, 0x0ff00ff0, 0xf0f0f0f0 },
	{ I32, AXCHG, 1, 2, 2 },
	{ I64, AADD, 0xffffffff, 1, 0x100000000 },
	{ I64, ASMIN, 0x100000000, 0x8000000000000000, 0x8000000000000000 },
	{ I64, ASMAX, 0x100000000, 0x8000000000000000, 0x100000000 },
	{ I64, AUMIN, 0x100000000, 0x8000000000000000, 0x100000000 },
	{ I64, AUMAX, 0x100000000, 0x8000000000000000, 0x8000000000000000 },
	{ I64, AXCHG, ~0ull, 1, 1 },
};

static const struct {
	unsigned int size, op;
	uint64_t memory, result;
} atomics1[] = {
	{ I32, AINC, 0xffffffff, 0 },
	{ I32, ADEC, 0, 0xffffffff },
	{ I32, AUMAX1, 0, 1 },
	{ I32, AUMAX1, 0xffffffff, 0xffffffff },
	{ I32, ASMAX1, 0xffffffff, 1 },
	{ I32, AOR1, 6, 7 },
	{ I64, AINC, 0xffffffff, 0x100000000 },
	{ I64, ADEC, 0x100000000, 0xffffffff },
	{ I64, ASMAX1, ~0ull, 1 },
};

/* A 32-bit operation must leave the next word alone. */
static void set_operand(struct fixture *f, unsigned int size, uint64_t value)
{
	guest_set64(f->mem, DATA_GPA + 64, size == I64 ? value : value | B(0xabcd, 32));
}

static void assert_operand(struct fixture *f, unsigned int size, uint64_t value)
{
	assert_int_equal(guest_get64(f->mem, DATA_GPA + 64), size == I64 ? value : value | B(0xabcd, 32));
}

static void check_old_value(struct fixture *f, unsigned int size, uint64_t value)
{
	assert_int_equal(f->job.reg[30], (uint32_t)value);
	assert_int_equal(f->job.reg[31], size == I64 ? value >> 32 : 0);
	assert_int_equal(f->job.reg[29], 0);
	assert_int_equal(f->job.reg[32], 0);
}

static void test_atomics(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(atomics); i++) {
		unsigned int size = atomics[i].size, count = size == I64 ? 2 : 1;
		uint64_t low = SH_MOV_IMM(20, atomics[i].operand);
		uint64_t high = SH_MOV_IMM(21, atomics[i].operand >> 32);

		set_operand(f, size, atomics[i].memory);
		assert_int_equal(
			run(f, low, high, SH_ATOM(size, atomics[i].op, 20, count, U_DATA, 64)),
			SHADER_DONE);
		assert_operand(f, size, atomics[i].result);
		set_operand(f, size, atomics[i].memory);
		assert_int_equal(
			run(f, low, high,
			    SH_ATOM_RETURN(size, atomics[i].op, 30, count, 20, count, U_DATA, 64)),
			SHADER_DONE);
		assert_operand(f, size, atomics[i].result);
		check_old_value(f, size, atomics[i].memory);
	}
	drop_fixture(f);
}

static void test_atomics_with_1(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(atomics1); i++) {
		unsigned int size = atomics1[i].size, count = size == I64 ? 2 : 1;

		set_operand(f, size, atomics1[i].memory);
		assert_int_equal(run(f, SH_ATOM1(size, atomics1[i].op, 30, count, U_DATA, 64)),
				 SHADER_DONE);
		assert_operand(f, size, atomics1[i].result);
		check_old_value(f, size, atomics1[i].memory);
		/* without a register for the old value */
		set_operand(f, size, atomics1[i].memory);
		assert_int_equal(run(f, SH_ATOM1(size, atomics1[i].op, 30, 0, U_DATA, 64)),
				 SHADER_DONE);
		assert_operand(f, size, atomics1[i].result);
		check_old_value(f, size, 0);
	}
	drop_fixture(f);
}

static void test_compare_exchange(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	for (unsigned int equal = 0; equal < 2; equal++) {
		set_operand(f, I32, 7);
		assert_int_equal(
			run(f, SH_MOV_IMM(20, 99), SH_MOV_IMM(21, equal ? 7 : 8),
			    SH_ATOM_RETURN(I32, AXCHG, 30, 1, 20, 2, U_DATA, 64) | COMPARE),
			SHADER_DONE);
		assert_operand(f, I32, equal ? 99 : 7);
		check_old_value(f, I32, 7);
		set_operand(f, I64, B(7, 32));
		assert_int_equal(
			run(f, SH_MOV_IMM(20, 99), SH_MOV_IMM(23, equal ? 7 : 8),
			    SH_ATOM_RETURN(I64, AXCHG, 30, 2, 20, 4, U_DATA, 64) | COMPARE),
			SHADER_DONE);
		assert_operand(f, I64, equal ? 99 : B(7, 32));
		check_old_value(f, I64, B(7, 32));
	}
	drop_fixture(f);
}

/* 4. Resources */

static uint32_t word_at(struct fixture *f, uint64_t offset)
{
	return guest_get32(f->mem, DATA_GPA + offset);
}

/* Loads at the end of the buffer: words inside are loaded, words outside are 0. */
static void test_buffer_bounds(void **state)
{
	static const uint32_t offsets[] = { 0, 4, 8, 12, 16, 20, 24, 0x7ffffffc, 0xfffffffc };
	struct fixture *f = make_fixture();

	(void)state;
	put_resources(f);
	for (size_t i = 0; i < COUNT_OF(offsets); i++) {
		assert_int_equal(run(f, SH_MOV_IMM(1, offsets[i]), SH_MOV_IMM(2, HANDLE(1u, 0)),
				     SH_LD_PKA(I128, 7, 20, 4, 1, 2), SH_LD_PKA32(24, 1, 2)),
				 SHADER_DONE);
		for (unsigned int n = 0; n < 4; n++) {
			uint64_t at = (uint64_t)offsets[i] + 4 * n;

			assert_int_equal(f->job.reg[20 + n], at < 20 ? word_at(f, 8 + at) : 0);
		}
		assert_int_equal(f->job.reg[24], offsets[i] < 20 ? word_at(f, 8 + offsets[i]) : 0);
	}
	drop_fixture(f);
}

static void test_buffer_bounds_of_bytes(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	put_resources(f);
	put_buffer(f, 0, SIMPLE, DATA + 8, 19);
	for (unsigned int offset = 16; offset < 22; offset++) {
		assert_int_equal(run(f, SH_MOV_IMM(1, offset), SH_MOV_IMM(2, HANDLE(1u, 0)),
				     SH_LD_PKA(I8, 6, 20, 1, 1, 2)), SHADER_DONE);
		assert_int_equal(f->job.reg[20],
				 offset < 19 ? pattern(3) >> (offset - 16) * 8 & 0xff : 0);
	}
	/* a word of which one byte is outside */
	assert_int_equal(run(f, SH_MOV_IMM(1, 16), SH_MOV_IMM(2, HANDLE(1u, 0)),
			     SH_LD_PKA32(20, 1, 2)), SHADER_DONE);
	assert_int_equal(f->job.reg[20], 0);
	assert_fault(f, run(f, SH_MOV_IMM(1, 2), SH_MOV_IMM(2, HANDLE(1u, 0)),
			    SH_LD_PKA32(20, 1, 2)), 0x5a, DATA + 10);
	drop_fixture(f);
}

static void test_buffer_address(void **state)
{
	static const struct {
		uint32_t offset;
		uint64_t va;
	} cases[] = {
		{ 0, DATA + 8 }, { 19, DATA + 27 }, { 20, 0 }, { 0xffffffff, 0 },
	};
	struct fixture *f = make_fixture();

	(void)state;
	put_resources(f);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(run(f, SH_MOV_IMM(1, cases[i].offset),
				     SH_MOV_IMM(2, HANDLE(1u, 0)), SH_MOV(21, K_ONES),
				     SH_LEA_PKA(20, 1, 2)),
				 SHADER_DONE);
		assert_int_equal(f->job.reg[20] | (uint64_t)f->job.reg[21] << 32, cases[i].va);
	}
	drop_fixture(f);
}

/* Table 62 is the resource tables: its buffer n is the memory of resource n. */
static void test_resource_memory(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	put_resources(f);
	assert_int_equal(run(f, SH_MOV_IMM(1, 4), SH_MOV_IMM(2, HANDLE(62u, 1)),
			     SH_LD_PKA32(20, 1, 2), SH_MOV_IMM(1, 5 * 32 + 28),
			     SH_LD_PKA32(21, 1, 2), SH_MOV_IMM(1, 6 * 32),
			     SH_LD_PKA32(22, 1, 2)), SHADER_DONE);
	assert_int_equal(f->job.reg[20], 20);
	/* the resource has a size of 31 bytes more than five descriptors */
	assert_int_equal(f->job.reg[21], 0);
	assert_int_equal(f->job.reg[22], 0);
	assert_fault(f, run(f, SH_MOV_IMM(2, HANDLE(62u, 2)), SH_LD_PKA32(20, K_0, 2)), 0x58,
		     HANDLE(62u, 2));
	drop_fixture(f);
}

static void test_bad_handles(void **state)
{
	static const uint32_t handles[] = {
		HANDLE(2u, 0),			/* no such table */
		HANDLE(63u, 0),
		HANDLE(255u, 0),
		HANDLE(0u, 0),			/* not a table of descriptors */
		HANDLE(1u, 5),			/* one byte is beyond the end */
		HANDLE(1u, 6),
		HANDLE(1u, 0xffffff),
		HANDLE(1u, 2),			/* not a simple buffer */
		HANDLE(1u, 3),			/* not a buffer */
	};
	struct fixture *f = make_fixture();

	(void)state;
	put_resources(f);
	for (size_t i = 0; i < COUNT_OF(handles); i++) {
		uint64_t handle = SH_MOV_IMM(2, handles[i]);

		assert_fault(f, run(f, handle, SH_LD_PKA32(20, K_0, 2)), 0x58, handles[i]);
		assert_fault(f, run(f, handle, SH_LEA_PKA(20, K_0, 2)), 0x58, handles[i]);
	}
	/* a null descriptor is a buffer of size 0 */
	assert_int_equal(run(f, SH_MOV_IMM(2, HANDLE(1u, 1)), SH_MOV(20, K_ONES),
			     SH_LD_PKA32(20, K_0, 2)), SHADER_DONE);
	assert_int_equal(f->job.reg[20], 0);
	/* memory that is not there */
	assert_int_equal(run(f, SH_MOV_IMM(2, HANDLE(1u, 4)), SH_LD_PKA32(20, K_0, 2)),
			 SHADER_PAGE_FAULT);
	mmu_fault_cleared(f->mmu, AS);
	put_resource(f, 1, DESCRIPTORS, UNMAPPED, 64);
	assert_int_equal(run(f, SH_MOV_IMM(2, HANDLE(1u, 0)), SH_LD_PKA32(20, K_0, 2)),
			 SHADER_PAGE_FAULT);
	mmu_fault_cleared(f->mmu, AS);
	/* a size with which the end of the table wraps */
	put_resource(f, 1, DESCRIPTORS, BUFFERS, UINT64_MAX);
	assert_int_equal(run(f, SH_MOV_IMM(2, HANDLE(1u, 0)), SH_LD_PKA32(20, K_0, 2)),
			 SHADER_DONE);
	f->params.srt = UNMAPPED | 2;
	assert_int_equal(run(f, SH_MOV_IMM(2, HANDLE(1u, 0)), SH_LD_PKA32(20, K_0, 2)),
			 SHADER_PAGE_FAULT);
	drop_fixture(f);
}

/* 5. Flow */

static void test_branches(void **state)
{
	static const struct {
		uint32_t value;
		uint64_t modifier;
		bool taken;
	} cases[] = {
		{ 0, 0, false }, { 1, 0, true }, { 0x80000000, 0, true },
		{ 0, IF_ZERO, true }, { 1, IF_ZERO, false },
		{ 0xffff0000, OF_H0, false }, { 0xffff0000, OF_H0 | IF_ZERO, true },
		{ 0x00010000, OF_H1, true }, { 0x0000ffff, OF_H1, false },
		{ 0x0000ffff, OF_H1 | IF_ZERO, true }, { 0x00008000, OF_H0, true },
		{ 0x00008000, B(1, 35) | OF_H0, true },
	};
	struct fixture *f = make_fixture();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(run(f, SH_MOV_IMM(1, cases[i].value),
				     SH_BRANCHZ(1, 1) | cases[i].modifier, SH_MOV_IMM(2, 1),
				     SH_MOV_IMM(3, 1)), SHADER_DONE);
		assert_int_equal(f->job.reg[2], !cases[i].taken);
		assert_int_equal(f->job.reg[3], 1);
	}
	drop_fixture(f);
}

static void test_loop(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	assert_int_equal(run(f, SH_MOV_IMM(1, 100), SH_IADD(U32, 2, 2, 1), SH_IADD_IMM(1, 1, -1),
			     SH_BRANCHZ(1, -3)), SHADER_DONE);
	assert_int_equal(f->job.reg[2], 5050);
	drop_fixture(f);
}

static void test_code_positions(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	/* the widest branches, to where nothing is */
	assert_int_equal(run(f, SH_BRANCHZ(K_ONES, 0x3ffffff)), SHADER_PAGE_FAULT);
	assert_int_equal(f->job.pc, CODE + 8 + 8 * 0x3ffffffull);
	reset(f);
	assert_int_equal(run(f, SH_BRANCHZ(K_ONES, -0x4000000)), SHADER_PAGE_FAULT);
	assert_int_equal(f->job.pc, CODE + 8 - 8 * 0x4000000ull);
	/* code that is not executable, not there, or at the end of the address space */
	reset(f);
	put_program(f, 0, NOT_CODE);
	assert_int_equal(run(f, SH_NOP), SHADER_PAGE_FAULT);
	reset(f);
	put_program(f, 0, UNMAPPED);
	assert_int_equal(run(f, SH_NOP), SHADER_PAGE_FAULT);
	reset(f);
	put_program(f, 0, UINT64_MAX - 7);
	assert_int_equal(run(f, SH_NOP), SHADER_PAGE_FAULT);
	/* over the end of the code */
	reset(f);
	guest_set64(f->mem, CODE_GPA + BLOCK - 8, SH_NOP);
	put_program(f, 0, CODE + BLOCK - 8);
	assert_int_equal(run(f, SH_NOP), SHADER_PAGE_FAULT);
	assert_int_equal(f->job.pc, CODE + BLOCK);
	drop_fixture(f);
}

static void test_unknown_words(void **state)
{
	static const uint64_t words[] = {
		0, ~0ull, OP(0xb2, 0xc0), SH_MOV(0, SPECIAL), SH_IADD(U32, 0, 0, 0) | B(1, 30),
		OP(0x125, 0xc0) | END,
	};
	struct fixture *f = make_fixture();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		/* twice: the decoder has a cache */
		assert_fault(f, run(f, SH_NOP, words[i]), 0x51, words[i]);
		assert_fault(f, run(f, SH_NOP, words[i]), 0x51, words[i]);
		assert_int_equal(f->job.pc, CODE + 8);
	}
	drop_fixture(f);
}

static void test_barrier(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	assert_int_equal(run(f, SH_BARRIER), SHADER_DONE);
	f->params.workgroup = WORKGROUP(1, 2, 1);
	assert_fault(f, run(f, SH_BARRIER), 0x55, SH_BARRIER);
	drop_fixture(f);
}

/*
 * Decoded words are cached. Words of the same shape displace each other, and each must have its own
 * effect.
 */
static void test_many_words(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	for (unsigned int i = 0; i < 4096; i++) {
		unsigned int reg = i % 55, imm = i % 2048 << i % 16;

		assert_int_equal(run(f, SH_MOV_IMM(reg, imm)), SHADER_DONE);
		assert_int_equal(f->job.reg[reg], imm);
	}
	drop_fixture(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_constants),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_wide_conditions),
		cmocka_unit_test(test_loads),
		cmocka_unit_test(test_stores),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_wild_addresses),
		cmocka_unit_test(test_atomics),
		cmocka_unit_test(test_atomics_with_1),
		cmocka_unit_test(test_compare_exchange),
		cmocka_unit_test(test_buffer_bounds),
		cmocka_unit_test(test_buffer_bounds_of_bytes),
		cmocka_unit_test(test_buffer_address),
		cmocka_unit_test(test_resource_memory),
		cmocka_unit_test(test_bad_handles),
		cmocka_unit_test(test_branches),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_code_positions),
		cmocka_unit_test(test_unknown_words),
		cmocka_unit_test(test_barrier),
		cmocka_unit_test(test_many_words),
	};

	return cmocka_run_group_tests_name("shader", tests, NULL, NULL);
}
