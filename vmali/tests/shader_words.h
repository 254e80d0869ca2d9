/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_TESTS_SHADER_WORDS_H
#define VMALI_TESTS_SHADER_WORDS_H

#include <stdint.h>

#include "tests/random.h"

/*
 * Instructions of a shader core for tests, assembled by the bit positions of Mesa's ISA.xml and
 * valhall.py, independent of the decoder's table, so that a wrong entry there is detected.
 */
#define B(value, lsb) ((uint64_t)(value) << (lsb))

/* Sources. K_x: one of the constants of the instruction set. */
#define R(n) (n)			/* register */
#define LAST(n) (0x40 | (n))		/* register that is not read again */
#define U(n) (0x80 | (n))		/* uniform */
#define K_0 0xc0
#define K_ONES 0xc1
#define K_INT_MAX 0xc2
#define K_2_24 0xc4			/* 0x01000000: byte 3 is 1 */
#define K_3210 0xc8			/* 0x03020100 */
#define K_7654 0xc9
#define SPECIAL 0xe2

/* Destinations */
#define D(n) (0xc0 | (n))
#define D_H0(n) (0x40 | (n))
#define D_H1(n) (0x80 | (n))

/* Modifiers of any instruction */
#define PAGE(n) B(n, 57)
#define FLOW(n) B(n, 59)
#define END FLOW(15)
#define WAIT0 FLOW(1)

/* Swizzles of one source: 32 and 64 bits */
#define H0 2
#define H1 3
#define BYTE(n) (4 + (n))
#define W0 8

#define OP(code, dst) (B(code, 48) | B(dst, 40))
#define S0(src) B(src, 0)
#define S1(src) B(src, 8)
#define S2(src) B(src, 16)
#define S3(src) B(src, 24)
#define SWZ0(value) B(value, 36)
#define SWZ1(value) B(value, 26)

#define SH_NOP OP(0x00, 0xc0)
#define SH_BRANCHZ(src, offset) \
	(OP(0x1f, 0xc0) | S0(src) | B((uint32_t)(offset) & 0x7ffffff, 8) | FLOW(10))
#define IF_ZERO B(1, 36)		/* modifiers of BRANCHZ */
#define OF_H0 B(1, 37)
#define OF_H1 B(2, 37)
#define SH_BARRIER (OP(0x45, 0xc0) | B(7, 30) | FLOW(9))

/* Opcodes of a size and sign */
#define U32 0xa0
#define V2U16 0xa1
#define V4U8 0xa2
#define I32S 0xa8
#define V2S16 0xa9
#define V4S8 0xaa
#define U64 0x1a3
#define S64 0x1ab
#define IDENTITY16 (SWZ0(2) | SWZ1(2))	/* of the vectors of 16-bit elements */

#define SH_IADD(type, d, a, b) (OP(type, D(d)) | S0(a) | S1(b))
#define SH_ISUB(type, d, a, b) (OP(type, D(d)) | S0(a) | S1(b) | B(1, 16))
#define SH_IMUL(type, d, a, b) (OP(type, D(d)) | S0(a) | S1(b) | B(0xa, 16))
#define SH_IMULD(d, a, b) SH_IMUL(U64, d, a, b)
#define SH_SHADDX(type, d, a, b, shift) \
	(OP(type, D(d)) | S0(a) | S1(b) | B(7, 16) | B(shift, 20))
#define SH_IADD_IMM(d, a, imm) (OP(0x110, D(d)) | S0(a) | B((uint32_t)(imm), 8))
#define SH_IADD_IMM_V2(d, a, imm) (OP(0x111, D(d)) | S0(a) | B((uint32_t)(imm), 8))
#define SH_IADD_IMM_V4(d, a, imm) (OP(0x112, D(d)) | S0(a) | B((uint32_t)(imm), 8))
#define SH_MOV_IMM(d, imm) SH_IADD_IMM(d, K_0, imm)

#define SH_UNARY(second, d, a) (OP(0x91, D(d)) | S0(a) | B(second, 16))
#define SH_MOV(d, a) SH_UNARY(0, d, a)
#define SH_CLZ(d, a) SH_UNARY(4, d, a)
#define SH_IABS(d, a) SH_UNARY(8, d, a)
#define SH_POPCOUNT(d, a) SH_UNARY(0xc, d, a)
#define SH_BITREV(d, a) SH_UNARY(0xd, d, a)
#define SH_NOT(d, a) SH_UNARY(0xe, d, a)
#define SH_NOT64(d, a) (OP(0x191, D(d)) | S0(a) | B(0xe, 16))

#define SH_CONVERT(second, d, a, lane) (OP(0x90, D(d)) | S0(a) | B(second, 16) | B(lane, 28))
#define SH_CONVERT_PAIR(second, d, a, low, high) \
	(OP(0x90, D(d)) | S0(a) | B(second, 16) | B((low) | (high) << 2, 36))
#define SH_MKVEC16(d, a, la, b, lb) \
	(OP(0xa1, D(d)) | S0(a) | S1(b) | B(5, 16) | B(la, 28) | B(lb, 26))
#define SH_MKVEC8(d, a, la, b, lb, upper) \
	(OP(0xbd, D(d)) | S0(a) | S1(b) | S2(upper) | B(la, 38) | B(lb, 36))

/* Shifts: @size is the opcode, @amount a source, of which byte 0 is taken. */
#define SHIFT32 0xb4
#define SHIFT16 0xb5
#define SHIFT8 0xb6
#define SHIFT64 0x1b7
#define LOGIC_AND 0
#define LOGIC_OR 1
#define LOGIC_XOR 2
#define SH_SHIFT(size, left, logic, d, a, amount, b) \
	(OP(size, D(d)) | S0(a) | S1(amount) | S2(b) | B(logic, 24) | B(4, 26) | B(left, 32))
#define SH_LSHIFT_OR(d, a, amount, b) SH_SHIFT(SHIFT32, 1, LOGIC_OR, d, a, amount, b)
#define SH_RSHIFT_OR(d, a, amount, b) SH_SHIFT(SHIFT32, 0, LOGIC_OR, d, a, amount, b)
#define AMOUNT_BYTE(n) B(n, 26)		/* added to byte 0 */
#define ARITHMETIC B(1, 34)
#define NOT_B B(1, 35)
#define NOT_RESULT B(1, 30)

enum { EQ, GT, GE, NE, LT, LE };
enum { I1, F1, M1, U1 };

#define SH_ICMP(code, chain, cond, result, d, a, b, c) \
	(OP(code, D(d)) | S0(a) | S1(b) | S2(c) | B(chain, 24) | B(result, 30) | B(cond, 32))
#define SH_ICMP_U32(cond, result, d, a, b) SH_ICMP(0xf0, 0, cond, result, d, a, b, K_0)
#define SH_ICMP_S32(cond, result, d, a, b) SH_ICMP(0xf8, 0, cond, result, d, a, b, K_0)
#define SH_CSEL(code, cond, d, a, b, yes, no) \
	(OP(code, D(d)) | S0(a) | S1(b) | S2(yes) | S3(no) | B(cond, 32))
#define SH_MUX(code, mode, d, a, b, mask) \
	(OP(code, D(d)) | S0(a) | S1(b) | S2(mask) | B(mode, 32))

/* Accesses to memory: @size is the field, 0 (8 bits) to 7 (128 bits). */
#define I8 0
#define I16 1
#define I24 2
#define I32 3
#define I48 4
#define I64 5
#define I96 6
#define I128 7
#define ZERO_EXTEND B(1, 39)
#define SH_LOAD_LANE(size, lane, reg, count, addr, off) \
	(OP(0x60, 0x80 | (reg)) | S0(addr) | B((uint16_t)(off), 8) | B(size, 27) | \
	 B(count, 33) | B(lane, 36))
#define SH_LOAD32(reg, addr, off) (SH_LOAD_LANE(I32, 0, reg, 1, addr, off) | ZERO_EXTEND)
#define SH_LOAD64(reg, addr, off) (SH_LOAD_LANE(I64, 7, reg, 2, addr, off) | ZERO_EXTEND)
#define SH_STORE(size, reg, count, addr, off) \
	(OP(0x61, 0x40 | (reg)) | S0(addr) | B((uint16_t)(off), 8) | B(size, 27) | B(count, 33))
#define SH_STORE32(reg, addr, off) SH_STORE(I32, reg, 1, addr, off)
#define SH_LD_PKA(size, lane, reg, count, offset, handle) \
	(OP(0x6a, 0x80 | (reg)) | S0(offset) | S1(handle) | B(size, 27) | B(count, 33) | \
	 B(lane, 36) | ZERO_EXTEND)
#define SH_LD_PKA32(reg, offset, handle) SH_LD_PKA(I32, 0, reg, 1, offset, handle)
#define SH_LEA_PKA(reg, offset, handle) \
	(OP(0x6b, 0x80 | (reg)) | S0(offset) | S1(handle) | B(2, 33))

enum { AADD = 2, ASMIN = 8, ASMAX, AUMIN, AUMAX, AAND, AOR, AXOR, AXCHG };
enum { AINC, ADEC, AUMAX1, ASMAX1, AOR1 };

#define SH_ATOM(size, op, reg, count, addr, off) \
	(OP(0x68, 0x40 | (reg)) | S0(addr) | B(off, 8) | B(op, 22) | B(size, 27) | B(count, 33))
#define SH_ATOM_RETURN(size, op, old, old_count, reg, count, addr, off) \
	(OP(0x120, 0xc0 | (reg)) | S0(addr) | B(off, 8) | B(old, 16) | B(op, 22) | B(size, 27) | \
	 B(count, 33) | B((old_count) - 1, 36))
#define COMPARE B(1, 26)
#define SH_ATOM1(size, op, reg, count, addr, off) \
	(OP(0x69, 0x80 | (reg)) | S0(addr) | B(off, 8) | B(op, 22) | B(size, 27) | B(count, 33))

/* Mostly valid instructions on existing registers: a fully random word would end the job. */
static inline uint64_t fuzz_shader_word(struct random *random)
{
	static const uint64_t words[] = {
		SH_NOP, SH_BRANCHZ(0, 0), SH_IADD(U32, 0, 0, 0), SH_IADD(V2U16, 0, 0, 0),
		SH_IADD(S64, 0, 0, 0), SH_ISUB(V4S8, 0, 0, 0), SH_IMUL(I32S, 0, 0, 0),
		SH_IMULD(0, 0, 0), SH_SHADDX(S64, 0, 0, 0, 0), SH_IADD_IMM(0, 0, 0), SH_MOV(0, 0),
		SH_CLZ(0, 0), SH_IABS(0, 0), SH_NOT64(0, 0), SH_CONVERT(0x14, 0, 0, 0),
		SH_MKVEC8(0, 0, 0, 0, 0, 0), SH_LSHIFT_OR(0, 0, 0, 0), SH_RSHIFT_OR(0, 0, 0, 0),
		SH_SHIFT(SHIFT64, 1, 0, 0, 0, 0, 0), SH_ICMP_U32(0, 0, 0, 0, 0),
		SH_CSEL(0x158, 0, 0, 0, 0, 0, 0), SH_MUX(0xb8, 1, 0, 0, 0, 0),
		SH_LOAD32(0, 0, 0), SH_LOAD64(0, 0, 0), SH_STORE(I128, 0, 4, 0, 0),
		SH_STORE32(0, 0, 0), SH_LD_PKA32(0, 0, 0), SH_LEA_PKA(0, 0, 0),
		SH_ATOM(I32, AADD, 0, 1, 0, 0), SH_ATOM1(I64, AINC, 0, 2, 0, 0),
		SH_ATOM_RETURN(I32, AXCHG, 0, 1, 0, 1, 0, 0),
	};
	uint64_t word = words[random_below(random, sizeof(words) / sizeof(words[0]))];
	uint64_t noise = random_next(random);

	if (random_below(random, 16) == 0)
		return noise;
	/* even registers and uniforms, and now and then another field */
	word |= noise & B(0x3e, 40);
	word |= noise & 0xbe;
	if (random_below(random, 2))
		word |= noise & 0xbe00;
	if (random_below(random, 8) == 0)
		word |= B(1, random_below(random, 64));
	return random_below(random, 32) ? word : word | END;
}

#endif
