// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * Unit tests of shader/decode.c: words to instructions and to text.
 *
 *  1. golden words: each instruction as a literal word against its text, and against the assembler
 *     of the tests. Hunts a field at the wrong bits.
 *  2. words that are not known, each with its nearest valid neighbour: opcodes, operands, and every
 *     bit without a meaning. Hunts a wrong result where a fault is due.
 *  3. texts that do not fit.
 *  4. random words: operands within their limits, or refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shader/decode.h"
#include "tests/random.h"
#include "tests/shader_words.h"

#define TEXT_SIZE 256

static const struct {
	uint64_t word, assembled;
	const char *text;
} golden[] = {
	{ 0x7800c00000000000, SH_NOP | END, "NOP, end" },
	{ 0x4800c00000000000, SH_NOP | FLOW(9), "NOP, flow 9" },
	{ 0x501fc00000000305, SH_BRANCHZ(R(5), 3),
	  "BRANCHZ src0 r5, offset 3, hint 0, eq 0, half 0, flow 10" },
	{ 0x501fc057fffff845, SH_BRANCHZ(LAST(5), -8) | IF_ZERO | OF_H1,
	  "BRANCHZ src0 r5, offset -8, hint 0, eq 1, half 2, flow 10" },
	{ 0x4845c001c0000000, SH_BARRIER, "BARRIER slot 7, flow 9" },

	{ 0x0860828218000480, SH_LOAD32(2, U(0), 4) | WAIT0,
	  "LOAD.i32 staging r2, count 1, lane 0, unsigned 1, slot 0, hint 0, src0 u0, offset 4, "
	  "flow 1" },
	{ 0x0060847838fff840, SH_LOAD_LANE(I128, 7, 4, 4, LAST(0), -8),
	  "LOAD.i128 staging r4, count 4, lane 7, unsigned 0, slot 0, hint 0, src0 r0, offset -8" },
	{ 0x7861440838000040, SH_STORE(I128, 4, 4, LAST(0), 0) | END,
	  "STORE.i128 staging r4, count 4, slot 0, src0 r0, offset 0, hint 0, end" },
	{ 0x006140020080007e, SH_STORE(I8, 0, 1, LAST(62), INT16_MIN),
	  "STORE.i8 staging r0, count 1, slot 0, src0 r62, offset -32768, hint 0" },
	{ 0x006a82f428008182, SH_LD_PKA(I64, 7, 2, 2, U(2), U(1)),
	  "LD_PKA.i64 staging r2, count 2, lane 7, unsigned 1, slot 0, hint 0, src0 u2, src1 u1" },
	{ 0x006b860400008003, SH_LEA_PKA(6, R(3), U(0)),
	  "LEA_PKA staging r6, count 2, slot 0, src0 r3, src1 u0" },
	{ 0x00684c0218800832, SH_ATOM(I32, AADD, 12, 1, R(50), 8),
	  "ATOM.i32 staging r12, count 1, slot 0, src0 r50, offset 8, operation 2" },
	{ 0x0120cc021bf70030, SH_ATOM_RETURN(I32, AXCHG, 55, 1, 12, 1, R(48), 0),
	  "ATOM_RETURN.i32 staging r12, count 1, slot 0, src0 r48, offset 0, operation 15, "
	  "old r55, old-count 0, compare 0" },
	{ 0x0120cc182ff70030, SH_ATOM_RETURN(I64, AXCHG, 55, 2, 12, 4, R(48), 0) | COMPARE,
	  "ATOM_RETURN.i64 staging r12, count 4, slot 0, src0 r48, offset 0, operation 15, "
	  "old r55, old-count 1, compare 1" },
	{ 0x00698c0218c00032, SH_ATOM1(I32, ASMAX1, 12, 1, R(50), 0),
	  "ATOM1_RETURN.i32 staging r12, count 1, slot 0, src0 r50, offset 0, operation 3" },

	{ 0x0091c10000000002, SH_MOV(1, R(2)), "MOV.i32 dst r1, src0 r2" },
	{ 0x0291c10000000081, SH_MOV(1, U(1)) | PAGE(1), "MOV.i32 dst r1, src0 u65" },
	{ 0x0691c100000000bf, SH_MOV(1, U(63)) | PAGE(3), "MOV.i32 dst r1, src0 u255" },
	{ 0x0091410000000002, SH_MOV(1, R(2)) & ~B(0x80, 40), "MOV.i32 dst r1.h0, src0 r2" },
	{ 0x0091c1000004000b, SH_CLZ(1, R(11)), "CLZ.u32 dst r1, src0 r11" },
	{ 0x0091c1300008000b, SH_IABS(1, R(11)) | SWZ0(H1),
	  "IABS.s32 dst r1, src0 r11, swizzle0 3" },
	{ 0x0091fe00000c004a, SH_POPCOUNT(62, LAST(10)), "POPCOUNT.i32 dst r62, src0 r10" },
	{ 0x0091c000000d0000, SH_BITREV(0, R(0)), "BITREV.i32 dst r0, src0 r0" },
	{ 0x0091c000000e0000, SH_NOT(0, R(0)), "NOT_OLD.i32 dst r0, src0 r0" },
	{ 0x0191c200000e0004, SH_NOT64(2, R(4)), "NOT_OLD.i64 dst r2, src0 r4" },
	{ 0x0090c70030000000, SH_CONVERT(0x00, 7, R(0), 3), "S8_TO_S32 dst r7, src0 r0, lane0 3" },
	{ 0x0090c20010040077, SH_CONVERT(0x04, 2, LAST(55), 1),
	  "S16_TO_S32 dst r2, src0 r55, lane0 1" },
	{ 0x0090c70020100000, SH_CONVERT(0x10, 7, R(0), 2), "U8_TO_U32 dst r7, src0 r0, lane0 2" },
	{ 0x0090c20000140077, SH_CONVERT(0x14, 2, LAST(55), 0),
	  "U16_TO_U32 dst r2, src0 r55, lane0 0" },
	{ 0x0090c2e000020001, SH_CONVERT_PAIR(0x02, 2, R(1), 2, 3),
	  "V2S8_TO_V2S16 dst r2, src0 r1, lane0 14" },
	{ 0x0090c24000120001, SH_CONVERT_PAIR(0x12, 2, R(1), 0, 1),
	  "V2U8_TO_V2U16 dst r2, src0 r1, lane0 4" },

	{ 0x00a0c0700c000201, SH_IADD(U32, 0, R(1), R(2)) | SWZ0(BYTE(3)) | SWZ1(H1),
	  "IADD.u32 dst r0, src0 r1, src1 r2, swizzle0 7, swizzle1 3" },
	{ 0x00a1c02008000201, SH_IADD(V2U16, 0, R(1), R(2)) | IDENTITY16,
	  "IADD.v2u16 dst r0, src0 r1, src1 r2, swizzle0 2, swizzle1 2" },
	{ 0x00a2c00000000201, SH_IADD(V4U8, 0, R(1), R(2)),
	  "IADD.v4u8 dst r0, src0 r1, src1 r2, swizzle0 0, swizzle1 0" },
	{ 0x01a3c00000004082, SH_IADD(U64, 0, U(2), LAST(0)),
	  "IADD.u64 dst r0, src0 u2, src1 r0, swizzle0 0, swizzle1 0" },
	{ 0x01abc0800801c203, SH_ISUB(S64, 0, R(3), K_INT_MAX) | SWZ0(W0) | SWZ1(H0),
	  "ISUB.s64 dst r0, src0 r3, src1 0x7fffffff, swizzle0 8, swizzle1 2" },
	{ 0x00a8c00000010201, SH_ISUB(I32S, 0, R(1), R(2)),
	  "ISUB.s32 dst r0, src0 r1, src1 r2, swizzle0 0, swizzle1 0" },
	{ 0x00a0c000000a0201, SH_IMUL(U32, 0, R(1), R(2)),
	  "IMUL.u32 dst r0, src0 r1, src1 r2, swizzle0 0, swizzle1 0" },
	{ 0x01a3c000000a0402, SH_IMULD(0, R(2), R(4)),
	  "IMULD.u64 dst r0, src0 r2, src1 r4, swizzle0 0, swizzle1 0" },
	{ 0x01a3c00020273c82, SH_SHADDX(U64, 0, U(2), R(60), 2) | SWZ1(W0),
	  "SHADDX.u64 dst r0, src0 u2, src1 r60, swizzle1 8, shift 2" },
	{ 0x01abc00000770402, SH_SHADDX(S64, 0, R(2), R(4), 7),
	  "SHADDX.s64 dst r0, src0 r2, src1 r4, swizzle1 0, shift 7" },
	{ 0x0110c2ffffffff42, SH_IADD_IMM(2, LAST(2), -1),
	  "IADD_IMM.i32 dst r2, src0 r2, imm 0xffffffff" },
	{ 0x0111c20013001442, SH_IADD_IMM_V2(2, LAST(2), 0x130014),
	  "IADD_IMM.v2i16 dst r2, src0 r2, imm 0x130014" },
	{ 0x0112c2ad12131442, SH_IADD_IMM_V4(2, LAST(2), 0xad121314),
	  "IADD_IMM.v4i8 dst r2, src0 r2, imm 0xad121314" },
	{ 0x00a1c10014050100, SH_MKVEC16(1, R(0), 1, R(1), 1),
	  "MKVEC.v2i16 dst r1, src0 r0, src1 r1, lane0 1, lane1 1" },
	{ 0x00bdc7d000c0c000, SH_MKVEC8(7, R(0), 3, K_0, 1, K_0),
	  "MKVEC.v2i8 dst r7, src0 r0, src1 0x0, src2 0x0, lane0 3, lane1 1" },

	{ 0x00b4cb01104cc04b, SH_SHIFT(SHIFT32, 1, LOGIC_AND, 11, LAST(11), K_0, LAST(12)),
	  "LSHIFT_AND.i32 dst r11, src0 r11, swizzle0 0, src1 0x0, swizzle1 4, src2 r12, "
	  "not-src2 0, not 0" },
	{ 0x00b4cc0052c04c82, SH_SHIFT(SHIFT32, 0, LOGIC_XOR, 12, U(2), LAST(12), K_0) | NOT_RESULT,
	  "RSHIFT_XOR.i32 dst r12, src0 u2, swizzle0 0, src1 r12, swizzle1 4, src2 0x0, "
	  "not-src2 0, not 1, arithmetic 0" },
	{ 0x00b4c00c11c00100,
	  SH_SHIFT(SHIFT32, 0, LOGIC_OR, 0, R(0), R(1), K_0) | ARITHMETIC | NOT_B,
	  "RSHIFT_OR.i32 dst r0, src0 r0, swizzle0 0, src1 r1, swizzle1 4, src2 0x0, "
	  "not-src2 1, not 0, arithmetic 1" },
	{ 0x00b5c02101c00100,
	  (SH_SHIFT(SHIFT16, 1, LOGIC_OR, 0, R(0), R(1), K_0) | SWZ0(2)) & ~B(4, 26),
	  "LSHIFT_OR.v2i16 dst r0, src0 r0, swizzle0 2, src1 r1, swizzle1 0, src2 0x0, "
	  "not-src2 0, not 0" },
	{ 0x00b6c0711000c0c4, SH_SHIFT(SHIFT8, 1, LOGIC_AND, 0, K_2_24, K_0, R(0)) | SWZ0(7),
	  "LSHIFT_AND.v4i8 dst r0, src0 0x1000000, swizzle0 7, src1 0x0, swizzle1 4, src2 r0, "
	  "not-src2 0, not 0" },
	{ 0x01b7c20111060580, SH_SHIFT(SHIFT64, 1, LOGIC_OR, 2, U(0), R(5), R(6)),
	  "LSHIFT_OR.i64 dst r2, src0 u0, swizzle0 0, src1 r5, swizzle1 4, src2 r6, "
	  "not-src2 0, not 0" },

	{ 0x00b8c00100804440, SH_MUX(0xb8, 1, 0, LAST(0), LAST(4), U(0)),
	  "MUX.i32 dst r0, src0 r0, src1 r4, src2 u0, mode 1" },
	{ 0x00b8c00300804400, SH_MUX(0xb8, 3, 0, R(0), LAST(4), U(0)),
	  "MUX.i32 dst r0, src0 r0, src1 r4, src2 u0, mode 3" },
	{ 0x00b9c0012a020100, SH_MUX(0xb9, 1, 0, R(0), R(1), R(2)) | B(0x2a, 24),
	  "MUX.v2i16 dst r0, src0 r0, src1 r1, src2 r2, mode 1, swizzle0 2, swizzle1 2, swizzle2 "
	  "2" },
	{ 0x00bac00100020100, SH_MUX(0xba, 1, 0, R(0), R(1), R(2)),
	  "MUX.v4i8 dst r0, src0 r0, src1 r1, src2 r2, mode 1" },
	{ 0x00f0c1019cc0c440, SH_ICMP_U32(GT, M1, 1, LAST(0), K_2_24) | SWZ1(BYTE(3)),
	  "ICMP_OR.u32 dst r1, src0 r0, src1 0x1000000, src2 0x0, swizzle0 0, swizzle1 7, "
	  "cond gt, result 2" },
	{ 0x00f8c00101404342, SH_ICMP(0xf8, 1, GT, I1, 0, LAST(2), LAST(3), LAST(0)),
	  "ICMP_AND.s32 dst r0, src0 r2, src1 r3, src2 r0, swizzle0 0, swizzle1 0, cond gt, "
	  "result 0" },
	{ 0x00f0c003c2c0c042, SH_ICMP(0xf0, 2, NE, U1, 0, LAST(2), K_0, K_0),
	  "ICMP_MULTI.u32 dst r0, src0 r2, src1 0x0, src2 0x0, swizzle0 0, swizzle1 0, cond ne, "
	  "result 3" },
	{ 0x00f9c21184c04243,
	  SH_ICMP(0xf9, 0, GT, M1, 2, LAST(3), LAST(2), K_0) | SWZ0(1) | SWZ1(1),
	  "ICMP_OR.v2s16 dst r2, src0 r3, src1 r2, src2 0x0, swizzle0 1, swizzle1 1, cond gt, "
	  "result 2" },
	{ 0x0150c10485844342, SH_CSEL(0x150, LT, 1, LAST(2), LAST(3), U(4), U(5)),
	  "CSEL.u32 dst r1, src0 r2, src1 r3, src2 u4, src3 u5, cond lt" },
	{ 0x0158c10585844342, SH_CSEL(0x158, LE, 1, LAST(2), LAST(3), U(4), U(5)),
	  "CSEL.s32 dst r1, src0 r2, src1 r3, src2 u4, src3 u5, cond le" },
};

#define GOLDEN_COUNT (sizeof(golden) / sizeof(golden[0]))

static void test_golden_words(void **state)
{
	struct shader_instr instr;
	char text[TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < GOLDEN_COUNT; i++) {
		shader_disassemble(golden[i].word, text, sizeof(text));
		print_message("  %s\n", text);
		assert_string_equal(text, golden[i].text);
		assert_int_equal(golden[i].assembled, golden[i].word);
		assert_true(shader_decode(golden[i].word, &instr));
		assert_int_equal(instr.word, golden[i].word);
	}
}

/* Words that are refused, each with its nearest valid neighbour. */
static const struct {
	uint64_t invalid, valid;
} limits[] = {
	/* a program of zeros is invalid */
	{ 0, SH_NOP },
	{ OP(0x20, 0xc0), SH_NOP },
	/* flow: reserved, of fragment shaders; a branch that ends the thread */
	{ SH_NOP | FLOW(11), SH_NOP | FLOW(10) },
	{ SH_NOP | FLOW(13), SH_NOP | FLOW(12) },
	{ SH_NOP | FLOW(14), SH_NOP | FLOW(15) },
	{ SH_NOP | B(1, 63), SH_NOP },
	{ SH_BRANCHZ(0, 0) | END, SH_BRANCHZ(0, 0) },
	{ SH_BRANCHZ(0, 0) | B(3, 37), SH_BRANCHZ(0, 0) | OF_H1 },
	{ SH_BRANCHZ(0, 0) | B(4, 37), SH_BRANCHZ(0, 0) | OF_H0 },
	{ SH_BARRIER ^ B(1, 31), SH_BARRIER },
	/* sources: special values, odd pairs */
	{ SH_MOV(0, SPECIAL), SH_MOV(0, K_INT_MAX) },
	{ SH_MOV(0, 0xe0), SH_MOV(0, 0xdf) },
	{ SH_IADD(U64, 0, R(1), R(2)), SH_IADD(U64, 0, R(1), R(2)) | SWZ0(W0) },
	{ SH_IADD(U64, 0, R(2), R(1)), SH_IADD(U64, 0, R(2), R(1)) | SWZ1(BYTE(2)) },
	{ SH_IADD(U64, 0, U(1), R(2)), SH_IADD(U64, 0, K_ONES, R(2)) },
	{ SH_IADD(U64, 1, R(0), R(2)), SH_IADD(U64, 2, R(0), R(2)) },
	{ SH_IADD(U64, 0, R(0), R(2)) & ~B(0x80, 40), SH_IADD(U64, 0, R(0), R(2)) },
	{ SH_SHADDX(U64, 0, R(1), R(2), 0), SH_SHADDX(U64, 0, R(0), R(2), 0) },
	{ SH_NOT64(0, R(1)), SH_NOT64(0, R(2)) },
	{ SH_LOAD32(0, R(3), 0), SH_LOAD32(0, R(4), 0) },
	{ SH_STORE32(0, U(3), 0), SH_STORE32(0, U(4), 0) },
	/* a destination that writes nothing */
	{ SH_MOV(1, R(0)) & ~B(0xc0, 40), SH_MOV(1, R(0)) & ~B(0x40, 40) },
	/* swizzles */
	{ SH_IADD(U32, 0, 0, 0) | SWZ0(1), SH_IADD(U32, 0, 0, 0) | SWZ0(2) },
	{ SH_IADD(U32, 0, 0, 0) | SWZ1(8), SH_IADD(U32, 0, 0, 0) | SWZ1(7) },
	{ SH_IADD(V2U16, 0, 0, 0) | SWZ0(4), SH_IADD(V2U16, 0, 0, 0) | SWZ0(3) },
	{ SH_IADD(V4U8, 0, 0, 0) | SWZ1(12), SH_IADD(V4U8, 0, 0, 0) | SWZ1(11) },
	{ SH_IADD(S64, 0, 0, 0) | SWZ1(9), SH_IADD(S64, 0, 0, 0) | SWZ1(8) },
	/* saturation, operations that are not modelled */
	{ SH_IADD(U32, 0, 0, 0) | B(1, 30), SH_IADD(U32, 0, 0, 0) },
	{ SH_IMUL(I32S, 0, 0, 0) | B(1, 30), SH_IMUL(I32S, 0, 0, 0) },
	{ SH_IADD(U32, 0, 0, 0) | B(0xb, 16), SH_IADD(U32, 0, 0, 0) | B(0xa, 16) },
	{ SH_IADD(U32, 0, 0, 0) | B(0xf, 16), SH_IADD(U32, 0, 0, 0) | B(1, 16) },
	{ SH_IADD(U64, 0, 0, 0) | B(6, 16), SH_IADD(U64, 0, 0, 0) | B(7, 16) },
	{ SH_CONVERT(0x19, 0, 0, 0), SH_CONVERT(0x14, 0, 0, 0) },
	{ SH_CONVERT(0x14, 0, 0, 2), SH_CONVERT(0x14, 0, 0, 1) },
	{ SH_UNARY(1, 0, 0), SH_UNARY(0, 0, 0) },
	/* shifts */
	{ SH_SHIFT(SHIFT32, 1, 3, 0, 0, 0, 0), SH_SHIFT(SHIFT32, 1, 2, 0, 0, 0, 0) },
	{ SH_LSHIFT_OR(0, 0, 0, 0) | ARITHMETIC, SH_RSHIFT_OR(0, 0, 0, 0) | ARITHMETIC },
	{ SH_LSHIFT_OR(0, 0, 0, 0) | B(1, 33), SH_LSHIFT_OR(0, 0, 0, 0) },
	{ SH_RSHIFT_OR(0, 0, 0, 0) | ARITHMETIC | SWZ0(H0), SH_RSHIFT_OR(0, 0, 0, 0) | SWZ0(H0) },
	{ SH_LSHIFT_OR(0, 0, 0, 0) ^ B(7, 26), SH_LSHIFT_OR(0, 0, 0, 0) ^ B(4, 26) },
	{ SH_LSHIFT_OR(0, 0, 0, 0) ^ B(12, 26), SH_LSHIFT_OR(0, 0, 0, 0) ^ B(3, 26) },
	{ SH_SHIFT(SHIFT8, 1, 0, 0, 0, 0, 0) ^ B(4, 26), SH_SHIFT(SHIFT8, 1, 0, 0, 0, 0, 0) },
	/* comparisons */
	{ SH_ICMP_U32(6, 0, 0, 0, 0), SH_ICMP_U32(LE, 0, 0, 0, 0) },
	{ SH_ICMP_U32(EQ, U1, 0, 0, 0), SH_ICMP(0xf0, 2, EQ, U1, 0, 0, 0, 0) },
	{ SH_ICMP(0xf2, 0, EQ, F1, 0, 0, 0, 0), SH_ICMP(0xf1, 0, EQ, F1, 0, 0, 0, 0) | IDENTITY16 },
	{ SH_ICMP(0xf1, 2, EQ, I1, 0, 0, 0, 0), SH_ICMP(0xf1, 1, EQ, I1, 0, 0, 0, 0) },
	{ SH_ICMP(0xf0, 3, EQ, I1, 0, 0, 0, 0), SH_ICMP(0xf0, 2, EQ, I1, 0, 0, 0, 0) },
	{ SH_CSEL(0x150, 7, 0, 0, 0, 0, 0), SH_CSEL(0x150, LE, 0, 0, 0, 0, 0) },
	{ SH_CSEL(0x154, EQ, 0, 0, 0, 0, 0), SH_CSEL(0x150, EQ, 0, 0, 0, 0, 0) },
	{ SH_MUX(0xb8, 2, 0, 0, 0, 0), SH_MUX(0xb8, 1, 0, 0, 0, 0) },
	/* accesses: lanes, number and place of the registers, flags, slots */
	{ SH_LOAD_LANE(I32, 2, 0, 2, 0, 0), SH_LOAD_LANE(I32, 1, 0, 2, 0, 0) },
	{ SH_LOAD_LANE(I128, 0, 0, 4, 0, 0), SH_LOAD_LANE(I128, 7, 0, 4, 0, 0) },
	{ SH_LOAD_LANE(I32, 0, 0, 2, 0, 0), SH_LOAD_LANE(I32, 0, 0, 1, 0, 0) },
	{ SH_LOAD_LANE(I8, 7, 0, 1, 0, 0), SH_LOAD_LANE(I8, 6, 0, 1, 0, 0) },
	{ SH_LOAD_LANE(I128, 7, 61, 4, 0, 0), SH_LOAD_LANE(I128, 7, 60, 4, 0, 0) },
	{ SH_LOAD32(0, 0, 0) ^ B(0xc0, 40), SH_LOAD32(0, 0, 0) },
	{ SH_LOAD32(0, 0, 0) | B(1, 26), SH_LOAD32(0, 0, 0) | B(3, 24) },
	{ SH_LOAD32(0, 0, 0) | B(3, 30), SH_LOAD32(0, 0, 0) | B(2, 30) },
	{ SH_LOAD32(0, 0, 0) | B(7, 30), SH_LOAD32(0, 0, 0) | B(1, 30) },
	{ SH_STORE(I96, 0, 4, 0, 0), SH_STORE(I96, 0, 3, 0, 0) },
	{ SH_STORE(I96, 62, 3, 0, 0), SH_STORE(I96, 61, 3, 0, 0) },
	{ SH_STORE32(0, 0, 0) | ZERO_EXTEND, SH_STORE32(0, 0, 0) },
	{ SH_STORE32(0, 0, 0) ^ B(0xc0, 40), SH_STORE32(0, 0, 0) },
	{ SH_LEA_PKA(63, 0, 0), SH_LEA_PKA(62, 0, 0) },
	{ SH_LEA_PKA(0, 0, 0) ^ B(3, 33), SH_LEA_PKA(0, 0, 0) },
	{ SH_LD_PKA32(0, 0, 0) | B(1, 16), SH_LD_PKA32(0, 0, 0) | B(3, 24) },
	/* atomic operations */
	{ SH_ATOM(I32, 3, 0, 1, 0, 0), SH_ATOM(I32, 2, 0, 1, 0, 0) },
	{ SH_ATOM(I32, 7, 0, 1, 0, 0), SH_ATOM(I32, 8, 0, 1, 0, 0) },
	{ SH_ATOM(I16, AADD, 0, 1, 0, 0), SH_ATOM(I32, AADD, 0, 1, 0, 0) },
	{ SH_ATOM(I64, AADD, 0, 1, 0, 0), SH_ATOM(I64, AADD, 0, 2, 0, 0) },
	{ SH_ATOM(I64, AADD, 63, 2, 0, 0), SH_ATOM(I64, AADD, 62, 2, 0, 0) },
	{ SH_ATOM_RETURN(I32, AADD, 0, 2, 0, 1, 0, 0),
	  SH_ATOM_RETURN(I32, AADD, 0, 1, 0, 1, 0, 0) },
	{ SH_ATOM_RETURN(I64, AADD, 63, 2, 0, 2, 0, 0),
	  SH_ATOM_RETURN(I64, AADD, 62, 2, 0, 2, 0, 0) },
	{ SH_ATOM_RETURN(I32, AADD, 0, 1, 0, 2, 0, 0) | COMPARE,
	  SH_ATOM_RETURN(I32, AXCHG, 0, 1, 0, 2, 0, 0) | COMPARE },
	{ SH_ATOM_RETURN(I32, AXCHG, 0, 1, 0, 1, 0, 0) | COMPARE,
	  SH_ATOM_RETURN(I32, AXCHG, 0, 1, 0, 1, 0, 0) },
	{ SH_ATOM1(I32, 5, 0, 1, 0, 0), SH_ATOM1(I32, AOR1, 0, 1, 0, 0) },
	{ SH_ATOM1(I32, AINC, 0, 2, 0, 0), SH_ATOM1(I32, AINC, 0, 1, 0, 0) },
	{ SH_ATOM1(I32, AINC, 0, 1, 0, 0) | B(0x40, 40),
	  SH_ATOM1(I32, AINC, 0, 0, 0, 0) | B(0x40, 40) },
};

static void test_limits(void **state)
{
	struct shader_instr instr;

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		print_message("  0x%016llx, 0x%016llx\n", (unsigned long long)limits[i].invalid,
			      (unsigned long long)limits[i].valid);
		assert_false(shader_decode(limits[i].invalid, &instr));
		assert_true(shader_decode(limits[i].valid, &instr));
	}
}

static void test_unknown_opcodes(void **state)
{
	bool known[512] = { false };
	struct shader_instr instr;
	char text[TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < GOLDEN_COUNT; i++)
		known[golden[i].word >> 48 & 0x1ff] = true;
	for (unsigned int opcode = 0; opcode < 512; opcode++) {
		if (known[opcode])
			continue;
		/* the second opcodes and sizes that instructions have */
		for (unsigned int second = 0; second < 32; second++) {
			uint64_t word = OP(opcode, 0xc0) | B(second, 16) | B(second & 7, 27);

			/* no golden word, since they are like their neighbours */
			if ((opcode >= 0xa8 && opcode <= 0xaa) || opcode == 0x151 ||
			    opcode == 0x159 || opcode == 0xf1 || opcode == 0xf2 || opcode == 0xfa)
				continue;
			assert_false(shader_decode(word, &instr));
			shader_disassemble(word, text, sizeof(text));
			assert_memory_equal(text, "UNKNOWN 0x", 10);
		}
	}
}

static void test_uniforms(void **state)
{
	static const struct {
		uint64_t word;
		unsigned int uniforms;
	} cases[] = {
		{ SH_MOV(0, R(5)), 0 },
		{ SH_MOV(0, K_ONES), 0 },
		{ SH_MOV(0, U(0)), 1 },
		{ SH_MOV(0, U(63)) | PAGE(3), 256 },
		{ SH_IADD(U32, 0, U(7), U(3)), 8 },
		{ SH_IADD(U64, 0, U(6), R(0)), 8 },
		{ SH_IADD(U64, 0, U(6), R(0)) | SWZ0(W0), 7 },
		{ SH_IADD(U64, 0, R(0), U(62)) | PAGE(3), 256 },
		{ SH_CSEL(0x150, EQ, 0, 0, 0, 0, U(9)), 10 },
		{ SH_LOAD32(0, U(4), 0), 6 },
	};
	struct shader_instr instr;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(shader_decode(cases[i].word, &instr));
		assert_int_equal(instr.uniforms, cases[i].uniforms);
	}
}

static void test_text_is_bounded(void **state)
{
	char text[TEXT_SIZE], shorter[TEXT_SIZE + 1];

	(void)state;
	shader_disassemble(golden[5].word, text, sizeof(text));
	for (size_t size = 1; size < TEXT_SIZE; size++) {
		memset(shorter, '#', sizeof(shorter));
		shader_disassemble(golden[5].word, shorter, size);
		assert_memory_equal(shorter, text, strnlen(text, size - 1));
		assert_int_equal(shorter[strnlen(text, size - 1)], '\0');
		assert_int_equal(shorter[size], '#');
	}
	shorter[0] = '#';
	shader_disassemble(golden[5].word, shorter, 0);
	assert_int_equal(shorter[0], '#');
}

#define FUZZ_WORDS 300000

static void check_limits(const struct shader_instr *instr)
{
	assert_true(instr->uniforms <= SHADER_UNIFORM_COUNT);
	assert_true(instr->arg[SHADER_ARG_COND] < SHADER_COND_COUNT);
	assert_true(instr->arg[SHADER_ARG_SWIZZLE0] <= 11);
	assert_true(instr->arg[SHADER_ARG_SWIZZLE1] <= 11);
	assert_true((instr->arg[SHADER_ARG_STAGING] & 0x3f) + instr->arg[SHADER_ARG_COUNT_READ] <=
		    SHADER_REG_COUNT);
	assert_true(instr->arg[SHADER_ARG_STAGING_DST] < SHADER_REG_COUNT);
	assert_true(instr->op->exec < SHADER_EXEC_COUNT);
}

/* Every word is decoded to operands within their limits, or refused, and every word has a text. */
static void test_fuzz_decode(void **state)
{
	struct random random = random_start("fuzz_shader_decode");
	struct shader_instr instr;
	unsigned int valid = 0;
	char text[TEXT_SIZE];

	(void)state;
	for (unsigned int i = 0; i < FUZZ_WORDS; i++) {
		uint64_t word = i % 2 ? fuzz_shader_word(&random) : random_next(&random);

		shader_disassemble(word, text, sizeof(text));
		assert_true(strlen(text) < sizeof(text) - 1);
		if (!shader_decode(word, &instr))
			continue;
		valid++;
		check_limits(&instr);
	}
	assert_true(valid > FUZZ_WORDS / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_words),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_unknown_opcodes),
		cmocka_unit_test(test_uniforms),
		cmocka_unit_test(test_text_is_bounded),
		cmocka_unit_test(test_fuzz_decode),
	};

	return cmocka_run_group_tests_name("shader_decode", tests, NULL, NULL);
}
