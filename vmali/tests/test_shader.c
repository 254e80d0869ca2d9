// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * Unit tests of shader/: execution of compute jobs. (The decoder alone: test_shader_decode.c.)
 *
 *  1. programs: a few instructions with their expected registers, each instruction at its edges.
 *     Hunts a wrong sign, carry, lane or swizzle.
 *  2. comparisons: each condition, signed and unsigned, of 32 and of 64 bits.
 *  3. loads and stores of every size, with both neighbours; atomic operations; wild addresses.
 *  4. resources: bounds of buffers, handles of what is not there, descriptors of other types.
 *  5. jobs: IDs of all threads, uniforms, descriptors and sizes that are refused.
 *  6. flow: branches, endless loops, code that is nowhere or not executable.
 *  7. slices: the exact number of instructions; a job that stops at each of its instructions and
 *     goes on from a copy of its state; stalls; code and uniforms that change between slices.
 *  8. validity of a state from a suspend buffer.
 *  9. random words and random states: never a crash, never more than the budget, never a write
 *     outside of the pages that are mapped writable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/guest_memory.h"
#include "mmu/mmu.h"
#include "shader/job.h"
#include "tests/guest_words.h"
#include "tests/pgtable_builder.h"
#include "tests/random.h"
#include "tests/shader_words.h"
#include "trace/trace.h"

#define PAGE_BYTES 0x1000ull
#define BLOCK 0x200000ull

#define RAM 0x40000000ull
#define RAM_SIZE (16 * BLOCK)
#define DATA_GPA RAM
#define CODE_GPA (RAM + BLOCK)
#define DESC_GPA (RAM + 2 * BLOCK)
#define TABLES_GPA (RAM + 4 * BLOCK)

/* DATA is a writable block; behind it are a read-only page and an unmapped page. */
#define DATA 0x10000000ull
#define READ_ONLY (DATA + BLOCK)
#define UNMAPPED (READ_ONLY + PAGE_BYTES)
#define CODE 0x30000000ull
#define NOT_CODE (CODE + BLOCK)		/* the same memory, not executable */
#define DESC 0x20000000ull

#define FAU DESC
#define SPD (DESC + 0x1000)
#define SRT (DESC + 0x2000)
#define BUFFERS (DESC + 0x3000)

#define AS 3
#define PLENTY 1000u
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct fixture {
	struct guest_memory *mem;
	struct mmu *mmu;
	struct pgtable pt;
	struct shader_params params;
	struct shader_job job;
	struct shader_fault fault;
};

static uint64_t desc_gpa(uint64_t va)
{
	return DESC_GPA + (va - DESC);
}

/* Uniforms that the programs use, by name. */
#define U_DATA U(0)			/* pairs */
#define U_READ_ONLY U(2)
#define U_UNMAPPED U(4)
#define U_WIDE U(6)			/* 0x89abcdeffedcba98 */
#define U_INT_MIN U(8)
#define U_MIXED U(9)			/* 0x80ff7f01 */
#define U_FIVE U(10)
#define U_MINUS_5 U(11)
#define U_BIG U(12)			/* 0xfffffffe */
#define U_33 U(13)
#define U_AMOUNTS U(14)			/* 0x3f1f2104: bytes 4, 33, 31, 63 */
#define UNIFORM_COUNT 128		/* of 64 bits */

static const uint32_t uniforms[] = {
	(uint32_t)DATA, DATA >> 32, (uint32_t)READ_ONLY, READ_ONLY >> 32, (uint32_t)UNMAPPED,
	UNMAPPED >> 32, 0xfedcba98, 0x89abcdef, 0x80000000, 0x80ff7f01, 5, -5, 0xfffffffe, 33,
	0x3f1f2104,
};

#define WIDE 0x89abcdeffedcba98ull

static void put_uniforms(struct fixture *f)
{
	for (unsigned int i = 0; i < 2 * UNIFORM_COUNT; i++)
		guest_set32(f->mem, desc_gpa(FAU) + 4 * i, i < COUNT_OF(uniforms) ? uniforms[i] : 0x1000 + i);
}

static uint64_t pattern(unsigned int index)
{
	return 0x8887868584838281ull + index * 0x0101010101010101ull;
}

static void put_data(struct fixture *f)
{
	for (unsigned int i = 0; i < PAGE_BYTES / 8; i++)
		guest_set64(f->mem, DATA_GPA + 8 * i, pattern(i % 64));
}

static void put_program(struct fixture *f, uint16_t preload, uint64_t entry)
{
	guest_set64(f->mem, desc_gpa(SPD), 0x18 | B(preload, 32));
	guest_set64(f->mem, desc_gpa(SPD) + 8, entry);
}

#define WORKGROUP(x, y, z) (B((x) - 1, 0) | B((y) - 1, 10) | B((z) - 1, 20))

/* One thread with all registers that can be preloaded. */
static void reset(struct fixture *f)
{
	f->params = (struct shader_params){
		.srt = SRT | 2,
		.fau = FAU | B(UNIFORM_COUNT, 56),
		.spd = SPD,
		.workgroup = WORKGROUP(1, 1, 1),
		.size = { 1, 1, 1 },
	};
	memset(&f->job, 0, sizeof(f->job));
	put_program(f, 0x7f80, CODE);
	put_uniforms(f);
	put_data(f);
	mmu_fault_cleared(f->mmu, AS);
}

static struct fixture *make_fixture(void)
{
	struct mmu_config config = { .tlb = MMU_TLB_KEEP };
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->mem = guest_memory_create();
	assert_non_null(f->mem);
	assert_int_equal(guest_memory_map_private(f->mem, RAM, RAM_SIZE), 0);
	pgtable_init(&f->pt, f->mem, TABLES_GPA, 64 * PAGE_BYTES);
	pgtable_map(&f->pt, DATA, 2, DATA_GPA, PTB_RW | PTB_XN);
	pgtable_map(&f->pt, READ_ONLY, 3, DATA_GPA, PTB_RO);
	pgtable_map(&f->pt, CODE, 2, CODE_GPA, PTB_RO);
	pgtable_map(&f->pt, NOT_CODE, 2, CODE_GPA, PTB_RO | PTB_XN);
	pgtable_map(&f->pt, DESC, 2, DESC_GPA, PTB_RO | PTB_XN);
	f->mmu = mmu_create(f->mem, &config);
	assert_non_null(f->mmu);
	as_enable(f->mmu, AS, &f->pt);
	reset(f);
	return f;
}

static void drop_fixture(struct fixture *f)
{
	mmu_destroy(f->mmu);
	guest_memory_destroy(f->mem);
	free(f);
}

static void put_code(struct fixture *f, const uint64_t *word, size_t count)
{
	for (size_t i = 0; i < count; i++)
		guest_set64(f->mem, CODE_GPA + 8 * i, word[i]);
}

#define WORDS(...) (const uint64_t[]){ __VA_ARGS__ }
#define COUNT(...) (sizeof(WORDS(__VA_ARGS__)) / sizeof(uint64_t))

static enum shader_outcome start(struct fixture *f)
{
	return shader_job_start(&f->job, f->mmu, AS, &f->params, &f->fault);
}

static enum shader_outcome run_on(struct fixture *f, unsigned int budget)
{
	return shader_job_run(&f->job, f->mmu, AS, &budget, &f->fault);
}

/* Run @word as a shader, which a NOP ends. */
static enum shader_outcome run_words(struct fixture *f, const uint64_t *word, size_t count)
{
	enum shader_outcome outcome;

	put_code(f, word, count);
	guest_set64(f->mem, CODE_GPA + 8 * count, SH_NOP | END);
	outcome = start(f);
	return outcome == SHADER_SLICE_USED ? run_on(f, PLENTY) : outcome;
}

#define run(f, ...) run_words(f, WORDS(__VA_ARGS__), COUNT(__VA_ARGS__))

static void assert_fault(struct fixture *f, enum shader_outcome outcome, uint32_t exception,
			 uint64_t info)
{
	assert_int_equal(outcome, SHADER_FAULT);
	assert_int_equal(f->fault.exception, exception);
	assert_int_equal(f->fault.info, info);
}

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

#define HANDLE(table, index) ((table) << 24 | (index))

static void put_resource(struct fixture *f, unsigned int n, uint64_t flags, uint64_t va,
			 uint64_t size)
{
	guest_set64(f->mem, desc_gpa(SRT) + 16 * n, va | flags);
	guest_set64(f->mem, desc_gpa(SRT) + 16 * n + 8, size);
}

static void put_buffer(struct fixture *f, unsigned int n, uint64_t type, uint64_t va, uint32_t size)
{
	guest_set64(f->mem, desc_gpa(BUFFERS) + 32 * n, type | B(size, 32));
	guest_set64(f->mem, desc_gpa(BUFFERS) + 32 * n + 8, va);
}

#define DESCRIPTORS B(1, 56)
#define SIMPLE 0x19			/* type and buffer type */

/* Table 1: a buffer of 20 bytes at DATA, a null descriptor, others that are no simple buffers. */
static void put_resources(struct fixture *f)
{
	put_resource(f, 0, 0, BUFFERS, 32);
	put_resource(f, 1, DESCRIPTORS, BUFFERS, 5 * 32 + 31);
	put_buffer(f, 0, SIMPLE, DATA + 8, 20);
	put_buffer(f, 1, 0, 0, 0);
	put_buffer(f, 2, 0x39, DATA, 64);
	put_buffer(f, 3, 0x12, DATA, 64);
	put_buffer(f, 4, SIMPLE, UNMAPPED, 64);
	put_buffer(f, 5, SIMPLE, DATA, 64);
}

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

/* 5. Jobs */

/*
 * Each thread increments the word at DATA + 4 * its number, and stores its IDs (registers 55 to 62)
 * at DATA + 0x10000 + 32 * its number. The number is computed from the global IDs.
 */
static const uint64_t grid_shader[] = {
	/* r1 = x + 8 * y + 48 * z, which are below 8, 6, 6 */
	SH_MOV_IMM(2, 3), SH_LSHIFT_OR(1, 61, 2, K_0), SH_MOV_IMM(3, 48),
	SH_IMUL(U32, 3, 62, 3), SH_IADD(U32, 1, 1, 60), SH_IADD(U32, 1, 1, 3),
	SH_SHADDX(U64, 4, U_DATA, 1, 2) | SWZ1(W0), SH_ATOM1(I32, AINC, 0, 0, 4, 0),
	SH_SHADDX(U64, 4, U_DATA, 1, 5) | SWZ1(W0), SH_MOV_IMM(6, 0x10000),
	SH_IADD(U64, 4, 4, 6) | SWZ1(W0), SH_STORE(I128, 55, 4, 4, 0),
	SH_STORE(I128, 59, 4, 4, 16) | END,
};

static void check_thread(struct fixture *f, const uint32_t *id)
{
	uint64_t number = id[0] + 8 * id[1] + 48 * id[2];
	uint64_t stored = DATA_GPA + 0x10000 + 32 * number;
	uint32_t local[] = { id[0] % 2, id[1] % 3, id[2] % 2 };

	assert_int_equal(guest_get32(f->mem, DATA_GPA + 4 * number), 1);
	assert_int_equal(guest_get32(f->mem, stored), local[0] | local[1] << 16);
	assert_int_equal(guest_get32(f->mem, stored + 4), local[2]);
	assert_int_equal(guest_get32(f->mem, stored + 8), id[0] / 2);
	assert_int_equal(guest_get32(f->mem, stored + 12), id[1] / 3);
	assert_int_equal(guest_get32(f->mem, stored + 16), id[2] / 2);
	assert_int_equal(guest_get32(f->mem, stored + 20), id[0]);
	assert_int_equal(guest_get32(f->mem, stored + 24), id[1]);
	assert_int_equal(guest_get32(f->mem, stored + 28), id[2]);
}

/* 4 x 2 x 3 workgroups of 2 x 3 x 2 threads. */
static void start_grid(struct fixture *f)
{
	put_code(f, grid_shader, COUNT_OF(grid_shader));
	for (unsigned int i = 0; i < PAGE_BYTES / 8; i++)
		guest_set64(f->mem, DATA_GPA + 8 * i, 0);
	f->params.workgroup = WORKGROUP(2, 3, 2) | B(1, 31);
	memcpy(f->params.size, (uint32_t[]){ 4, 2, 3 }, sizeof(f->params.size));
	assert_int_equal(start(f), SHADER_SLICE_USED);
}

static void check_grid(struct fixture *f)
{
	for (uint32_t i = 0; i < 8 * 6 * 6; i++)
		check_thread(f, (uint32_t[]){ i % 8, i / 8 % 6, i / 48 });
	assert_int_equal(guest_get32(f->mem, DATA_GPA + 4 * 8 * 6 * 6), 0);
}

static void test_grid(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	start_grid(f);
	assert_int_equal(run_on(f, 100000), SHADER_DONE);
	check_grid(f);
	drop_fixture(f);
}

/*
 * Kernels in the shape of the driver's: a fill of 16 bytes a thread, and a copy of a word a thread
 * that leaves out the threads behind the end.
 */
static void test_fill(void **state)
{
	static const uint64_t fill_kernel[] = {
		SH_LSHIFT_OR(4, U_MIXED, K_0, K_0), SH_MOV(5, 4), SH_MOV(6, 4) | WAIT0,
		SH_MOV(7, LAST(4)), SH_RSHIFT_OR(7, LAST(7), K_0, K_0), SH_MOV(4, 5),
		SH_SHADDX(S64, 0, U_DATA, LAST(60), 4) | SWZ1(W0),
		SH_STORE(I128, 4, 4, LAST(0), 16) | END,
	};
	struct fixture *f = make_fixture();

	(void)state;
	put_code(f, fill_kernel, COUNT_OF(fill_kernel));
	f->params.workgroup = WORKGROUP(32, 1, 1);
	f->params.size[0] = 3;
	assert_int_equal(start(f), SHADER_SLICE_USED);
	assert_int_equal(run_on(f, 10000), SHADER_DONE);
	assert_int_equal(guest_get64(f->mem, DATA_GPA + 8), pattern(1));
	for (unsigned int at = 16; at < 16 + 32 * 3 * 16; at += 4)
		assert_int_equal(guest_get32(f->mem, DATA_GPA + at), 0x80ff7f01);
	assert_int_equal(guest_get64(f->mem, DATA_GPA + 16 + 32 * 3 * 16), pattern((2 + 32 * 3 * 2) % 64));
	drop_fixture(f);
}

static void test_copy(void **state)
{
	const unsigned int words = 70;
	const uint64_t copy_kernel[] = {
		SH_IADD_IMM(1, 60, 0),
		SH_MOV_IMM(2, words),
		SH_ICMP_U32(LT, M1, 2, 1, LAST(2)),
		SH_BRANCHZ(LAST(2), 4) | IF_ZERO | OF_H0,
		SH_SHADDX(U64, 4, U_DATA, 1, 2) | SWZ1(W0),
		SH_LOAD32(6, 4, 0),
		SH_IADD_IMM(4, 4, 0x2000) | WAIT0,
		SH_STORE32(6, LAST(4), 0) | FLOW(10),
		SH_NOP | END,
	};
	struct fixture *f = make_fixture();

	(void)state;
	put_code(f, copy_kernel, COUNT_OF(copy_kernel));
	f->params.workgroup = WORKGROUP(64, 1, 1);
	f->params.size[0] = 2;
	assert_int_equal(start(f), SHADER_SLICE_USED);
	assert_int_equal(run_on(f, 10000), SHADER_DONE);
	for (unsigned int i = 0; i < words; i++)
		assert_int_equal(guest_get32(f->mem, DATA_GPA + 0x2000 + 4 * i), guest_get32(f->mem, DATA_GPA + 4 * i));
	assert_int_equal(guest_get32(f->mem, DATA_GPA + 0x2000 + 4 * words), 0);
	drop_fixture(f);
}

/* Registers that the program does not ask for are 0, and each thread starts anew. */
static void test_preload(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	put_program(f, 1u << 12, CODE);
	f->params.workgroup = WORKGROUP(3, 1, 1);
	f->params.size[1] = 2;
	/* r0 would be 6 if registers were kept */
	assert_int_equal(run(f, SH_IADD_IMM(0, 0, 1)), SHADER_DONE);
	assert_int_equal(f->job.reg[0], 1);
	for (unsigned int reg = 1; reg < 64; reg++)
		assert_int_equal(f->job.reg[reg], reg == 60 ? 2 : 0);
	drop_fixture(f);
}

static void test_refused_jobs(void **state)
{
	static const struct {
		struct shader_params params;
		uint64_t info;
	} cases[] = {
		{ { .workgroup = WORKGROUP(1024, 2, 1) }, WORKGROUP(1024, 2, 1) },
		{ { .workgroup = WORKGROUP(1024, 1024, 1024) }, WORKGROUP(1024, 1024, 1024) },
		{ { .offset = { 0, 0, 7 } }, 7 },
		{ { .fau = FAU | B(129, 56) }, FAU | B(129, 56) },
	};
	struct fixture *f = make_fixture();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		reset(f);
		f->params.workgroup = cases[i].params.workgroup;
		memcpy(f->params.offset, cases[i].params.offset, sizeof(f->params.offset));
		if (cases[i].params.fau)
			f->params.fau = cases[i].params.fau;
		assert_fault(f, run(f, SH_NOP), 0x58, cases[i].info);
		assert_false(f->job.active);
	}
	drop_fixture(f);
}

static void test_refused_programs(void **state)
{
	static const struct {
		uint64_t header, entry;
		uint32_t exception;
		uint64_t info;
	} cases[] = {
		{ 0x19, CODE, 0x58, SPD },	/* not a shader */
		{ 0, CODE, 0x58, SPD },
		{ 0x28, CODE, 0x58, SPD },	/* a fragment shader */
		{ 0x18 | B(0x8000, 32), CODE, 0x58, 0x8000 },
		{ 0x18 | B(0x0040, 32), CODE, 0x58, 0x0040 },
		{ 0x18, CODE + 4, 0x50, CODE + 4 },
	};
	struct fixture *f = make_fixture();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		guest_set64(f->mem, desc_gpa(SPD), cases[i].header);
		guest_set64(f->mem, desc_gpa(SPD) + 8, cases[i].entry);
		assert_fault(f, run(f, SH_NOP), cases[i].exception, cases[i].info);
		assert_false(f->job.active);
	}
	f->params.spd = UNMAPPED;
	assert_int_equal(run(f, SH_NOP), SHADER_PAGE_FAULT);
	assert_false(f->job.active);
	drop_fixture(f);
}

static void test_empty_jobs(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		reset(f);
		f->params.size[i] = 0;
		f->params.size[(i + 1) % 3] = UINT32_MAX;
		/* not even the program is looked at */
		f->params.spd = UNMAPPED;
		assert_int_equal(start(f), SHADER_DONE);
		assert_false(f->job.active);
	}
	drop_fixture(f);
}

/* The largest workgroup and the largest job: its threads are not counted beforehand. */
static void test_largest_job(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	put_code(f, WORDS(SH_NOP | END), 1);
	f->params.workgroup = WORKGROUP(1024, 1, 1);
	for (unsigned int i = 0; i < 3; i++)
		f->params.size[i] = UINT32_MAX;
	assert_int_equal(start(f), SHADER_SLICE_USED);
	assert_int_equal(run_on(f, 3 * 1024 + 5), SHADER_SLICE_USED);
	assert_int_equal(f->job.group[0], 3);
	assert_int_equal(f->job.local[0], 5);
	f->job.group[0] = f->job.group[1] = f->job.group[2] = UINT32_MAX - 1;
	f->job.local[0] = 1023;
	assert_int_equal(run_on(f, 1), SHADER_DONE);
	drop_fixture(f);
}

static void test_uniforms(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	f->params.fau = FAU | B(2, 56);
	assert_int_equal(run(f, SH_MOV(1, U(3))), SHADER_DONE);
	assert_int_equal(f->job.reg[1], READ_ONLY >> 32);
	assert_fault(f, run(f, SH_MOV(1, U(4))), 0x58, SH_MOV(1, U(4)));
	assert_fault(f, run(f, SH_IADD(U64, 2, K_0, U(4))), 0x58, SH_IADD(U64, 2, K_0, U(4)));
	f->params.fau = 0;
	assert_int_equal(run(f, SH_MOV(1, K_ONES)), SHADER_DONE);
	assert_fault(f, run(f, SH_MOV(1, U(0))), 0x58, SH_MOV(1, U(0)));
	f->params.fau = UNMAPPED | B(1, 56);
	assert_int_equal(run(f, SH_MOV(1, U(0))), SHADER_PAGE_FAULT);
	assert_int_equal(run(f, SH_MOV(1, K_ONES)), SHADER_DONE);
	drop_fixture(f);
}

/* 6. Flow */

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

/* 7. Slices */

static void test_budget(void **state)
{
	struct fixture *f = make_fixture();
	unsigned int budget = 200;

	(void)state;
	put_code(f, WORDS(SH_IADD_IMM(0, 0, 1), SH_BRANCHZ(K_ONES, -2)), 2);
	assert_int_equal(start(f), SHADER_SLICE_USED);
	for (unsigned int slice = 1; slice <= 10; slice++) {
		budget = 200;
		assert_int_equal(shader_job_run(&f->job, f->mmu, AS, &budget, &f->fault),
				 SHADER_SLICE_USED);
		assert_int_equal(budget, 0);
		assert_int_equal(f->job.reg[0], slice * 100);
	}
	assert_int_equal(run_on(f, 0), SHADER_SLICE_USED);
	assert_int_equal(f->job.reg[0], 1000);
	/* a job that ends counts what it has executed */
	put_code(f, WORDS(SH_NOP, SH_NOP | END), 2);
	f->params.size[0] = 3;
	budget = 100;
	assert_int_equal(start(f), SHADER_SLICE_USED);
	assert_int_equal(shader_job_run(&f->job, f->mmu, AS, &budget, &f->fault), SHADER_DONE);
	assert_int_equal(budget, 94);
	drop_fixture(f);
}

/* Stop at each instruction, and go on from a copy, as after a suspend. */
static void test_resume_anywhere(void **state)
{
	enum shader_outcome outcome = SHADER_SLICE_USED;
	struct fixture *f = make_fixture();
	unsigned int steps = 0;
	struct shader_job saved;

	(void)state;
	start_grid(f);
	for (; outcome == SHADER_SLICE_USED; steps++) {
		outcome = run_on(f, 1);
		assert_true(shader_job_valid(&f->job));
		saved = f->job;
		memset(&f->job, 0xee, sizeof(f->job));
		f->job = saved;
	}
	assert_int_equal(outcome, SHADER_DONE);
	assert_int_equal(steps, 8 * 6 * 6 * COUNT_OF(grid_shader));
	check_grid(f);
	drop_fixture(f);
}

/* Each kind of access stalls at a locked region, and is done once after UNLOCK. */
static const struct {
	const char *name;
	uint64_t locked;
	uint64_t word;
	uint64_t value;			/* of the word at DATA + 64 after one execution */
	bool at_start;
} stalls[] = {
	{ "store", DATA, SH_STORE32(60, U_DATA, 64), 0, false },
	{ "load", DATA, SH_LOAD32(20, U_DATA, 64), 7, false },
	{ "atomic", DATA, SH_ATOM1(I32, AINC, 20, 1, U_DATA, 64), 8, false },
	{ "code", CODE, SH_NOP, 7, false },
	{ "uniforms", FAU, SH_STORE32(60, U_DATA, 64), 0, false },
	{ "resource tables", DESC, SH_LD_PKA32(20, K_0, K_2_24), 7, false },
	{ "program", DESC, SH_NOP, 7, true },
};

static void test_stalls(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(stalls); i++) {
		print_message("  %s\n", stalls[i].name);
		reset(f);
		put_resources(f);
		guest_set64(f->mem, DATA_GPA + 64, 7);
		put_code(f, WORDS(stalls[i].word, SH_NOP | END), 2);
		if (!stalls[i].at_start)
			assert_int_equal(start(f), SHADER_SLICE_USED);
		as_lock(f->mmu, AS, stalls[i].locked, 15);
		for (unsigned int n = 0; n < 2; n++)
			assert_int_equal(stalls[i].at_start ? start(f) : run_on(f, PLENTY),
					 SHADER_STALLED);
		assert_int_equal(guest_get64(f->mem, DATA_GPA + 64), 7);
		as_unlock(f->mmu, AS);
		if (stalls[i].at_start)
			assert_int_equal(start(f), SHADER_SLICE_USED);
		assert_int_equal(run_on(f, PLENTY), SHADER_DONE);
		assert_int_equal(guest_get64(f->mem, DATA_GPA + 64), stalls[i].value);
	}
	drop_fixture(f);
}

/* The next slice sees new code, new uniforms, and new pages at the old address. */
static void test_slices_are_fresh(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	put_code(f, WORDS(SH_IADD(U32, 0, 0, U(20)), SH_BRANCHZ(K_ONES, -2)), 2);
	guest_set32(f->mem, desc_gpa(FAU) + 80, 1);
	assert_int_equal(start(f), SHADER_SLICE_USED);
	assert_int_equal(run_on(f, 4), SHADER_SLICE_USED);
	assert_int_equal(f->job.reg[0], 2);
	guest_set32(f->mem, desc_gpa(FAU) + 80, 10);
	assert_int_equal(run_on(f, 2), SHADER_SLICE_USED);
	assert_int_equal(f->job.reg[0], 12);
	guest_set64(f->mem, CODE_GPA, SH_IADD_IMM(0, 0, 100));
	assert_int_equal(run_on(f, 2), SHADER_SLICE_USED);
	assert_int_equal(f->job.reg[0], 112);
	as_lock(f->mmu, AS, CODE, 21);
	pgtable_map(&f->pt, CODE, 2, DATA_GPA, PTB_RO);
	as_unlock(f->mmu, AS);
	guest_set64(f->mem, DATA_GPA, SH_IADD_IMM(0, 0, 1000));
	assert_int_equal(run_on(f, 1), SHADER_SLICE_USED);
	assert_int_equal(f->job.reg[0], 1112);
	drop_fixture(f);
}

/* More code than the lines that are kept, with branches back and forth. */
static void test_long_code(void **state)
{
	struct fixture *f = make_fixture();
	uint32_t sum = 0;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		guest_set64(f->mem, CODE_GPA + 8 * i, SH_IADD_IMM(0, 0, i));
		sum += i;
	}
	guest_set64(f->mem, CODE_GPA + 8000, SH_IADD_IMM(1, 1, 1));
	guest_set64(f->mem, CODE_GPA + 8008, SH_ICMP_U32(LT, I1, 2, 1, U_FIVE));
	guest_set64(f->mem, CODE_GPA + 8016, SH_BRANCHZ(2, -1003));
	guest_set64(f->mem, CODE_GPA + 8024, SH_NOP | END);
	assert_int_equal(start(f), SHADER_SLICE_USED);
	assert_int_equal(run_on(f, 100000), SHADER_DONE);
	assert_int_equal(f->job.reg[0], 5 * sum);
	drop_fixture(f);
}

/* 8. Suspend */

static void test_job_valid(void **state)
{
	const struct shader_job good = {
		.pc = 8, .entry = 16, .fau = B(128, 56), .size = { 3, 1, 1 }, .group = { 2, 0, 0 },
		.local_size = { 4, 256, 1 }, .local = { 3, 255, 0 }, .active = 1,
	};
	struct shader_job bad;

	(void)state;
	assert_true(shader_job_valid(&good));
	bad = good;
	bad.active = 2;
	assert_false(shader_job_valid(&bad));
	bad = good;
	bad.group[0] = 3;
	assert_false(shader_job_valid(&bad));
	bad = good;
	bad.local[1] = 256;
	assert_false(shader_job_valid(&bad));
	bad = good;
	bad.local_size[2] = 2;
	assert_false(shader_job_valid(&bad));
	bad = good;
	bad.local_size[2] = bad.local_size[0] = bad.local_size[1] = 0xffff;
	assert_false(shader_job_valid(&bad));
	bad = good;
	bad.size[2] = 0;
	assert_false(shader_job_valid(&bad));
	bad = good;
	bad.pc = 4;
	assert_false(shader_job_valid(&bad));
	bad = good;
	bad.entry = 1;
	assert_false(shader_job_valid(&bad));
	bad = good;
	bad.fau = B(129, 56);
	assert_false(shader_job_valid(&bad));
	/* what is not active may hold anything */
	memset(&bad, 0xff, sizeof(bad));
	bad.active = 0;
	assert_true(shader_job_valid(&bad));
}

/* 9. Random words */

#define FUZZ_WORDS 512
#define FUZZ_INSTRUCTIONS 400000
#define FUZZ_ROUND 4000

static void fuzz_code(struct fixture *f, struct random *random, uint64_t *code)
{
	for (unsigned int i = 0; i < FUZZ_WORDS; i++)
		code[i] = fuzz_shader_word(random);
	put_code(f, code, FUZZ_WORDS);
}

/* Half of the pairs of registers and uniforms are addresses, others are handles or small. */
static uint64_t fuzz_value(struct random *random)
{
	static const uint64_t places[] = { DATA, DATA, READ_ONLY, CODE, DESC, UNMAPPED };

	switch (random_below(random, 4)) {
	case 0:
		return random_next(random) >> random_below(random, 64);
	case 1:
		return HANDLE(random_below(random, 3), random_below(random, 8)) |
		       random_below(random, 512) << 32;
	default:
		return places[random_below(random, 6)] + random_below(random, 512) * 8;
	}
}

static void fuzz_state(struct fixture *f, struct random *random)
{
	uint8_t bytes[sizeof(f->job)];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = random_next(random);
	memcpy(&f->job, bytes, sizeof(f->job));
	for (unsigned int reg = 0; reg < 64; reg += 2) {
		uint64_t value = fuzz_value(random);

		f->job.reg[reg] = value;
		f->job.reg[reg + 1] = value >> 32;
	}
	f->job.active = 1;
	f->job.pc = CODE + random_below(random, FUZZ_WORDS) * 8;
	f->job.entry = CODE + random_below(random, FUZZ_WORDS) * 8;
	f->job.srt = SRT | random_below(random, 64);
	f->job.fau = FAU | random_below(random, 129) << 56;
	for (unsigned int i = 0; i < 3; i++) {
		f->job.local_size[i] = 1 + random_below(random, 10);
		f->job.local[i] = random_below(random, f->job.local_size[i]);
		f->job.size[i] = f->job.group[i] + 1 ? f->job.group[i] + 1 : (f->job.group[i] = 1);
	}
}

/* Return: number of executed instructions. */
static unsigned int fuzz_round(struct fixture *f, struct random *random)
{
	static uint64_t code[FUZZ_WORDS];
	unsigned int done = 0;

	fuzz_code(f, random, code);
	fuzz_state(f, random);
	assert_true(shader_job_valid(&f->job));
	for (unsigned int step = 0; step < FUZZ_ROUND && f->job.active; step++) {
		unsigned int budget = 1 + random_below(random, 4), before = budget;
		enum shader_outcome outcome =
			shader_job_run(&f->job, f->mmu, AS, &budget, &f->fault);

		assert_true(budget <= before);
		done += before - budget;
		assert_true(shader_job_valid(&f->job));
		/* skip the instruction that stopped the job */
		if (outcome > SHADER_SLICE_USED)
			f->job.pc += 8;
		mmu_fault_cleared(f->mmu, AS);
		if (f->job.pc >= CODE + FUZZ_WORDS * 8 || f->job.pc < CODE)
			f->job.pc = CODE + random_below(random, FUZZ_WORDS) * 8;
	}
	for (unsigned int i = 0; i < FUZZ_WORDS; i++)
		assert_int_equal(guest_get64(f->mem, CODE_GPA + 8 * i), code[i]);
	return done;
}

static void test_fuzz_jobs(void **state)
{
	struct random random = random_start("fuzz_jobs");
	static uint8_t before[64 * PAGE_BYTES], after[64 * PAGE_BYTES];
	static uint8_t desc[4 * PAGE_BYTES], desc_after[4 * PAGE_BYTES];
	struct fixture *f = make_fixture();
	unsigned int done = 0;

	(void)state;
	put_resources(f);
	for (unsigned int i = 64; i < 256; i += 2) {
		uint64_t value = fuzz_value(&random);

		guest_set64(f->mem, desc_gpa(FAU) + 4 * i, value);
	}
	assert_int_equal(trace_open("/dev/null"), 0);
	assert_int_equal(guest_memory_read(f->mem, TABLES_GPA, before, sizeof(before)), 0);
	assert_int_equal(guest_memory_read(f->mem, DESC_GPA, desc, sizeof(desc)), 0);
	while (done < FUZZ_INSTRUCTIONS)
		done += fuzz_round(f, &random);
	assert_int_equal(guest_memory_read(f->mem, TABLES_GPA, after, sizeof(after)), 0);
	assert_int_equal(guest_memory_read(f->mem, DESC_GPA, desc_after, sizeof(desc)), 0);
	assert_memory_equal(before, after, sizeof(before));
	assert_memory_equal(desc, desc_after, sizeof(desc));
	trace_close();
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
		cmocka_unit_test(test_grid),
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_preload),
		cmocka_unit_test(test_refused_jobs),
		cmocka_unit_test(test_refused_programs),
		cmocka_unit_test(test_empty_jobs),
		cmocka_unit_test(test_largest_job),
		cmocka_unit_test(test_uniforms),
		cmocka_unit_test(test_branches),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_code_positions),
		cmocka_unit_test(test_unknown_words),
		cmocka_unit_test(test_barrier),
		cmocka_unit_test(test_many_words),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_resume_anywhere),
		cmocka_unit_test(test_stalls),
		cmocka_unit_test(test_slices_are_fresh),
		cmocka_unit_test(test_long_code),
		cmocka_unit_test(test_job_valid),
		cmocka_unit_test(test_fuzz_jobs),
	};

	return cmocka_run_group_tests_name("shader", tests, NULL, NULL);
}
