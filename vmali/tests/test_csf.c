// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * Unit tests of csf/: execution of command streams. (The decoder alone: test_csf_decode.c.)
 *
 *  1. programs: a few instructions with their expected registers and memory. Hunts a wrong field,
 *     a sign that is not extended, a neighbour that is written, too.
 *  2. conditions: each one of BRANCH (signed) and SYNC_WAIT (unsigned) with less, equal, more.
 *  3. loads in flight: registers before and after the WAIT that covers the load.
 *  4. stalls and faults: an instruction that accesses a locked region is done once, after UNLOCK;
 *     an instruction that faults has no effect.
 *  5. flow: loops, CALL and JUMP, depth, ends of buffers, the wrap of the ring, bad positions.
 *  6. budget: the exact number of instructions; fetched instructions are not kept between slices.
 *  7. the driver's own job sequence, word by word.
 *  8. validity of a state from a suspend buffer.
 *  9. random words: never a crash, never more than the budget, never a write outside of the
 *     pages that are mapped writable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csf/decode.h"
#include "csf/stream.h"
#include "memory/guest_memory.h"
#include "mmu/mmu.h"
#include "tests/cs_words.h"
#include "tests/guest_words.h"
#include "tests/pgtable_builder.h"
#include "tests/random.h"
#include "trace/trace.h"

#define PAGE 0x1000ull
#define BLOCK 0x200000ull

#define RAM 0x40000000ull
#define RAM_SIZE (16 * BLOCK)
#define DATA_GPA RAM
#define CODE_GPA (RAM + BLOCK)
#define RING_GPA (RAM + 2 * BLOCK)
#define TABLES_GPA (RAM + 4 * BLOCK)

/* DATA is a writable block; behind it are a read-only page and an unmapped page. */
#define DATA 0x10000000ull
#define READ_ONLY (DATA + BLOCK)
#define UNMAPPED (READ_ONLY + PAGE)
#define CODE 0x30000000ull
#define RING 0x20000000ull
#define RING_SIZE 0x1000u

#define AS 3
#define PLENTY 1000u			/* more instructions than any program here has */

#define TIMESTAMP 0x1111222233334444ull
#define CYCLES 0x5555666677778888ull

struct fixture {
	struct guest_memory *mem;
	struct mmu *mmu;
	struct pgtable pt;
	struct csf_host host;
	struct csf_stream cs;
	unsigned int syncs;
};

static uint64_t host_timestamp(void *ctx)
{
	(void)ctx;
	return TIMESTAMP;
}

static uint64_t host_cycles(void *ctx)
{
	(void)ctx;
	return CYCLES;
}

static void host_sync_update(void *ctx)
{
	struct fixture *f = ctx;

	f->syncs++;
}

/* Start the stream at ring position @extract with all registers 0. */
static void restart(struct fixture *f, uint64_t extract)
{
	struct csf_stream_config config = {
		.as = AS, .ring_va = RING, .ring_size = RING_SIZE,
	};

	f->syncs = 0;
	csf_stream_start(&f->cs, f->mmu, &f->host, &config, extract);
}

static struct fixture *make_fixture(void)
{
	struct mmu_config config = { .tlb = MMU_TLB_KEEP };
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->mem = guest_memory_create();
	assert_non_null(f->mem);
	assert_int_equal(guest_memory_map_private(f->mem, RAM, RAM_SIZE), 0);
	pgtable_init(&f->pt, f->mem, TABLES_GPA, 64 * PAGE);
	pgtable_map(&f->pt, DATA, 2, DATA_GPA, PTB_RW);
	pgtable_map(&f->pt, READ_ONLY, 3, DATA_GPA, PTB_RO);
	pgtable_map(&f->pt, CODE, 2, CODE_GPA, PTB_RO);
	pgtable_map(&f->pt, RING, 3, RING_GPA, PTB_RO);
	f->mmu = mmu_create(f->mem, &config);
	assert_non_null(f->mmu);
	as_enable(f->mmu, AS, &f->pt);
	f->host = (struct csf_host){ host_timestamp, host_cycles, host_sync_update, f };
	restart(f, 0);
	return f;
}

static void drop_fixture(struct fixture *f)
{
	mmu_destroy(f->mmu);
	guest_memory_destroy(f->mem);
	free(f);
}

static void set_pair(struct fixture *f, unsigned int pair, uint64_t value)
{
	f->cs.state.reg[pair] = (uint32_t)value;
	f->cs.state.reg[pair + 1] = value >> 32;
}

static uint64_t get_pair(struct fixture *f, unsigned int pair)
{
	return f->cs.state.reg[pair] | (uint64_t)f->cs.state.reg[pair + 1] << 32;
}

/* Put @count words at @gpa. */
static void put_code(struct fixture *f, uint64_t gpa, const uint64_t *word, size_t count)
{
	for (size_t i = 0; i < count; i++)
		guest_set64(f->mem, gpa + i * CSF_INSTR_SIZE, word[i]);
}

#define WORDS(...) (const uint64_t[]){ __VA_ARGS__ }
#define COUNT(...) (sizeof(WORDS(__VA_ARGS__)) / sizeof(uint64_t))

/* Write instructions to the ring and run them from its start. */
static enum csf_outcome run_words(struct fixture *f, const uint64_t *word, size_t count)
{
	put_code(f, RING_GPA, word, count);
	return csf_stream_run(&f->cs, count * CSF_INSTR_SIZE, PLENTY);
}

#define run(f, ...) run_words(f, WORDS(__VA_ARGS__), COUNT(__VA_ARGS__))

/* Run from the start of the ring. Keeps registers and loads in flight of the last run. */
static enum csf_outcome run_words_on(struct fixture *f, const uint64_t *word, size_t count)
{
	f->cs.state.extract = 0;
	return run_words(f, word, count);
}

#define run_on(f, ...) run_words_on(f, WORDS(__VA_ARGS__), COUNT(__VA_ARGS__))

static void assert_fatal(struct fixture *f, enum csf_outcome outcome, uint32_t exception,
			 uint64_t info)
{
	assert_int_equal(outcome, CSF_FATAL);
	assert_int_equal(f->cs.exception, exception);
	assert_int_equal(f->cs.exception_info, info);
}

/* 1. Programs */

#define PROGRAM_MAX 8

/*
 * A program. Before it, pair 0 is DATA, pair 2 READ_ONLY, pair 4 UNMAPPED, and the words at DATA
 * are 0x1000000010, 0x1000000011, ... (pattern()). @outcome 0: the program runs to the end of the
 * ring.
 */
struct program {
	const char *name;
	uint64_t word[PROGRAM_MAX];
	size_t count;
	struct { unsigned int reg; uint32_t value; } reg[4];
	struct { uint64_t offset, value; } mem[4];
	enum csf_outcome outcome;
	uint32_t exception;
	uint64_t info;
	unsigned int syncs;
};

#define CODE_OF(...) .word = { __VA_ARGS__ }, .count = COUNT(__VA_ARGS__)
#define FATAL(e, i) .outcome = CSF_FATAL, .exception = (e), .info = (i)

static uint64_t pattern(unsigned int index)
{
	return 0x1000000010ull + index;
}

static const struct program programs[] = {
	{ .name = "NOP ignores its other bits", CODE_OF(NOP | 0xffffffffffffff) },
	{ .name = "MOVE48", CODE_OF(MOVE48(70, 0xfedcba987654)),
	  .reg = { { 70, 0xba987654 }, { 71, 0xfedc } } },
	{ .name = "MOVE48 clears the upper half", CODE_OF(MOVE48(0, 5)),
	  .reg = { { 0, 5 }, { 1, 0 } } },
	{ .name = "MOVE32", CODE_OF(MOVE32(95, 0xffffffff)),
	  .reg = { { 95, 0xffffffff }, { 94, 0 } } },
	{ .name = "ADD_IMM32", CODE_OF(MOVE32(6, 10), ADD_IMM32(7, 6, 5)),
	  .reg = { { 6, 10 }, { 7, 15 } } },
	{ .name = "ADD_IMM32 wraps", CODE_OF(MOVE32(6, 1), ADD_IMM32(6, 6, -2)),
	  .reg = { { 6, 0xffffffff }, { 7, 0 } } },
	{ .name = "ADD_IMM64 carries", CODE_OF(MOVE48(6, 0xffffffff), ADD_IMM64(8, 6, 1)),
	  .reg = { { 8, 0 }, { 9, 1 } } },
	{ .name = "ADD_IMM64 extends the sign", CODE_OF(MOVE48(6, 0), ADD_IMM64(6, 6, -1)),
	  .reg = { { 6, 0xffffffff }, { 7, 0xffffffff } } },
	{ .name = "UMIN32 is unsigned", CODE_OF(MOVE32(6, 0x80000000), MOVE32(7, 1),
						UMIN32(8, 6, 7), UMIN32(9, 7, 6)),
	  .reg = { { 8, 1 }, { 9, 1 } } },

	{ .name = "STORE_MULTIPLE", CODE_OF(MOVE48(6, 0x123456789), STORE(6, 3, 0, 8)),
	  .mem = { { 0, 0x1000000010 }, { 8, 0x123456789 }, { 16, 0x1000000012 } } },
	{ .name = "STORE_MULTIPLE, holes stay", CODE_OF(MOVE32(6, 1), MOVE32(8, 3), MOVE32(9, 4),
							STORE(6, 0xd, 0, 0)),
	  .mem = { { 0, 0x1000000001 }, { 8, 0x400000003 }, { 16, 0x1000000012 } } },
	{ .name = "STORE_MULTIPLE, negative offset",
	  CODE_OF(MOVE32(6, 7), ADD_IMM64(8, 0, 0x10), STORE(6, 1, 8, -0x10)),
	  .mem = { { 0, 0x1000000007 } } },
	{ .name = "STORE_MULTIPLE of nothing, anywhere", CODE_OF(STORE(6, 0, 4, 0)) },
	{ .name = "STORE_MULTIPLE, misaligned", CODE_OF(STORE(6, 1, 0, 2)),
	  FATAL(0x5a, DATA + 2) },
	{ .name = "STORE_MULTIPLE, read-only", CODE_OF(STORE(6, 1, 2, 0)),
	  .outcome = CSF_PAGE_FAULT, .mem = { { 0, 0x1000000010 } } },
	{ .name = "LOAD_MULTIPLE", CODE_OF(LOAD(6, 3, 0, 8), WAIT(1)),
	  .reg = { { 6, 0x11 }, { 7, 0x10 }, { 8, 0 } } },
	{ .name = "LOAD_MULTIPLE, read-only page", CODE_OF(LOAD(6, 3, 2, 8), WAIT(1)),
	  .reg = { { 6, 0x11 }, { 7, 0x10 } } },
	{ .name = "LOAD_MULTIPLE, holes stay",
	  CODE_OF(MOVE32(7, 77), LOAD(6, 0x15, 0, 0), WAIT(1)),
	  .reg = { { 6, 0x10 }, { 7, 77 }, { 8, 0x11 }, { 10, 0x12 } } },
	{ .name = "LOAD_MULTIPLE, a hole may be unmapped",
	  CODE_OF(LOAD(6, 1, 2, 0xff8), WAIT(1)), .reg = { { 6, 0xfe8 / 8 + 0x12 } } },
	{ .name = "LOAD_MULTIPLE, misaligned", CODE_OF(LOAD(6, 1, 0, 1)), FATAL(0x5a, DATA + 1) },
	{ .name = "LOAD_MULTIPLE, unmapped", CODE_OF(LOAD(6, 1, 4, 0)),
	  .outcome = CSF_PAGE_FAULT },

	{ .name = "STORE_STATE timestamp", CODE_OF(STORE_STATE(0, 0, 8)),
	  .mem = { { 0, 0x1000000010 }, { 8, TIMESTAMP }, { 16, 0x1000000012 } } },
	{ .name = "STORE_STATE cycle count", CODE_OF(STORE_STATE(1, 0, 8)),
	  .mem = { { 8, CYCLES } } },
	{ .name = "STORE_STATE disjoint count", CODE_OF(STORE_STATE(2, 0, 8)),
	  .mem = { { 8, 0 } } },
	{ .name = "STORE_STATE error status", CODE_OF(STORE_STATE(3, 0, 8)),
	  .mem = { { 8, 0 } } },
	{ .name = "STORE_STATE, misaligned", CODE_OF(STORE_STATE(0, 0, 4)),
	  FATAL(0x5a, DATA + 4) },
	{ .name = "STORE_STATE, read-only", CODE_OF(STORE_STATE(0, 2, 8)),
	  .outcome = CSF_PAGE_FAULT },

	{ .name = "SYNC_SET32", CODE_OF(MOVE32(6, 9), SYNC_SET32(0, 6, 0)),
	  .mem = { { 0, 0x1000000009 }, { 8, 0x1000000011 } }, .syncs = 1 },
	{ .name = "SYNC_SET32, status", CODE_OF(MOVE32(6, 9), SYNC_SET32(0, 6, 1)),
	  .mem = { { 0, 9 }, { 8, 0x1000000011 } }, .syncs = 1 },
	{ .name = "SYNC_ADD32 wraps", CODE_OF(MOVE32(6, 0xffffffff), SYNC_ADD32(0, 6, 0)),
	  .mem = { { 0, 0x100000000f } }, .syncs = 1 },
	{ .name = "SYNC_SET64", CODE_OF(MOVE48(6, 0x123456789), SYNC_SET64(0, 6, 0)),
	  .mem = { { 0, 0x123456789 }, { 8, 0x1000000011 } }, .syncs = 1 },
	{ .name = "SYNC_SET64, status", CODE_OF(MOVE48(6, 0x123456789), SYNC_SET64(0, 6, 1)),
	  .mem = { { 0, 0x123456789 }, { 8, 0x1000000000 }, { 16, 0x1000000012 } },
	  .syncs = 1 },
	{ .name = "SYNC_ADD64 carries", CODE_OF(MOVE48(6, 0xfffffff0), SYNC_ADD64(0, 6, 0),
						SYNC_ADD64(0, 6, 0)),
	  .mem = { { 0, 0x11fffffff0 } }, .syncs = 2 },
	{ .name = "SYNC_ADD64, misaligned", CODE_OF(ADD_IMM64(6, 0, 4), SYNC_ADD64(6, 8, 0)),
	  FATAL(0x5a, DATA + 4) },
	{ .name = "SYNC_SET32, misaligned", CODE_OF(ADD_IMM64(6, 0, 2), SYNC_SET32(6, 8, 0)),
	  FATAL(0x5a, DATA + 2) },
	{ .name = "SYNC_WAIT64, misaligned",
	  CODE_OF(ADD_IMM64(6, 0, 4), SYNC_WAIT64(EQUAL, 6, 8, 0)), FATAL(0x5a, DATA + 4) },
	{ .name = "SYNC_SET64, read-only", CODE_OF(SYNC_SET64(2, 6, 1)),
	  .outcome = CSF_PAGE_FAULT },
	{ .name = "SYNC_WAIT64, unmapped", CODE_OF(SYNC_WAIT64(ALWAYS, 4, 6, 0)),
	  .outcome = CSF_PAGE_FAULT },
	{ .name = "SYNC_WAIT32, error accepted", CODE_OF(SYNC_WAIT32(GREATER, 0, 6, 0)) },
	{ .name = "SYNC_WAIT32, error rejected", CODE_OF(SYNC_WAIT32(GREATER, 0, 6, 1)),
	  FATAL(0x4b, DATA) },
	{ .name = "SYNC_WAIT64, error rejected", CODE_OF(SYNC_WAIT64(GREATER, 0, 6, 1)),
	  FATAL(0x4b, DATA) },
	{ .name = "SYNC_WAIT64, no error",
	  CODE_OF(MOVE48(6, 1), SYNC_SET64(0, 6, 1), SYNC_WAIT64(GEQUAL, 0, 6, 1)), .syncs = 1 },

	{ .name = "FLUSH_CACHE2", CODE_OF(FLUSH_CACHE2(3, 3, 2, 1, 94, 0), WAIT(1)) },
	{ .name = "REQ_RESOURCE", CODE_OF(REQ_RESOURCE(0xf)) },
	{ .name = "ERROR_BARRIER", CODE_OF(ERROR_BARRIER) },
	{ .name = "HEAP_SET", CODE_OF(HEAP_SET(0)) },
	{ .name = "SET_EXCEPTION_HANDLER", CODE_OF(SET_EXCEPTION_HANDLER(0x62, 0, 6)) },
	{ .name = "RUN_TILING", CODE_OF(F(5, 56)), FATAL(0x44, F(5, 56)) },
	{ .name = "RUN_IDVS", CODE_OF(F(6, 56)), FATAL(0x44, F(6, 56)) },
	{ .name = "RUN_FRAGMENT", CODE_OF(F(7, 56)), FATAL(0x44, F(7, 56)) },
	{ .name = "RUN_FULLSCREEN", CODE_OF(F(8, 56)), FATAL(0x44, F(8, 56)) },
	{ .name = "FINISH_TILING", CODE_OF(F(9, 56)), FATAL(0x44, F(9, 56)) },
	{ .name = "FINISH_FRAGMENT", CODE_OF(F(11, 56)), FATAL(0x44, F(11, 56)) },
	{ .name = "HEAP_OPERATION", CODE_OF(HEAP_OPERATION(1)), FATAL(0x44, HEAP_OPERATION(1)) },
	{ .name = "unknown opcode", CODE_OF(F(63, 56)), FATAL(0x49, F(63, 56)) },
	{ .name = "malformed", CODE_OF(MOVE32(96, 1)), FATAL(0x49, MOVE32(96, 1)) },
};

static void prepare_data(struct fixture *f)
{
	for (unsigned int i = 0; i < PAGE / 8; i++)
		guest_set64(f->mem, DATA_GPA + i * 8, pattern(i));
	set_pair(f, 0, DATA);
	set_pair(f, 2, READ_ONLY);
	set_pair(f, 4, UNMAPPED);
}

static void check_program(struct fixture *f, const struct program *p)
{
	enum csf_outcome outcome = run_words(f, p->word, p->count);

	if (p->outcome == CSF_FATAL)
		assert_fatal(f, outcome, p->exception, p->info);
	else
		assert_int_equal(outcome, p->outcome ? p->outcome : CSF_RING_EMPTY);
	/* the position is that of the instruction that stopped the stream, the last one */
	assert_int_equal(f->cs.state.extract,
			 (p->count - (outcome != CSF_RING_EMPTY)) * CSF_INSTR_SIZE);
	for (size_t i = 0; i < 4 && (p->reg[i].reg || p->reg[i].value); i++)
		assert_int_equal(f->cs.state.reg[p->reg[i].reg], p->reg[i].value);
	for (size_t i = 0; i < 4 && (p->mem[i].offset || p->mem[i].value); i++)
		assert_int_equal(guest_get64(f->mem, DATA_GPA + p->mem[i].offset), p->mem[i].value);
	assert_int_equal(f->syncs, p->syncs);
}

static void test_programs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		struct fixture *f = make_fixture();

		print_message("  %s\n", programs[i].name);
		prepare_data(f);
		check_program(f, &programs[i]);
		drop_fixture(f);
	}
}

/* 2. Conditions */

/* For each condition: true if it holds for less, equal, greater. */
static const bool holds[][3] = {
	[LEQUAL] = { true, true, false },
	[GREATER] = { false, false, true },
	[EQUAL] = { false, true, false },
	[NEQUAL] = { true, false, true },
	[LESS] = { true, false, false },
	[GEQUAL] = { false, true, true },
	[ALWAYS] = { true, true, true },
};

static void test_branch_conditions(void **state)
{
	static const uint32_t values[] = { 0x80000000, 0, 0x7fffffff };
	struct fixture *f = make_fixture();

	(void)state;
	for (unsigned int cond = LEQUAL; cond <= ALWAYS; cond++) {
		for (unsigned int order = 0; order < 3; order++) {
			restart(f, 0);
			assert_int_equal(run(f, MOVE32(10, values[order]), BRANCH(cond, 10, 1),
					     MOVE32(11, 1), NOP), CSF_RING_EMPTY);
			assert_int_equal(f->cs.state.reg[11], !holds[cond][order]);
		}
	}
	drop_fixture(f);
}

/* A signed comparison would order these values differently. */
static void check_sync_wait(struct fixture *f, unsigned int cond, unsigned int order, bool is_64bit)
{
	static const uint64_t values[] = { 0x7fffffff, 0x80000000, 0x80000001 };
	uint64_t wait = is_64bit ? SYNC_WAIT64(cond, 0, 6, 0) : SYNC_WAIT32(cond, 0, 6, 0);
	unsigned int shift = is_64bit ? 32 : 0;
	enum csf_outcome outcome;

	restart(f, 0);
	set_pair(f, 0, DATA);
	set_pair(f, 6, values[1] << shift);
	/* the status next to a 32-bit value must not change the result */
	guest_set64(f->mem, DATA_GPA, values[order] << shift | (is_64bit ? 0 : F(0xbad, 32)));
	outcome = run(f, wait);
	assert_int_equal(outcome, holds[cond][order] ? CSF_RING_EMPTY : CSF_BLOCKED_SYNC);
	if (outcome != CSF_BLOCKED_SYNC)
		return;
	assert_int_equal(f->cs.wait.sync_va, DATA);
	assert_int_equal(f->cs.wait.value, values[1] << shift);
	assert_int_equal(f->cs.wait.condition, cond);
	assert_int_equal(f->cs.wait.is_64bit, is_64bit);
}

static void test_sync_wait_conditions(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	for (unsigned int cond = LEQUAL; cond <= ALWAYS; cond++) {
		for (unsigned int order = 0; order < 3; order++) {
			check_sync_wait(f, cond, order, false);
			check_sync_wait(f, cond, order, true);
		}
	}
	drop_fixture(f);
}

static void test_sync_wait_released(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	set_pair(f, 0, DATA);
	assert_int_equal(run(f, MOVE48(6, 4), SYNC_WAIT64(GREATER, 0, 6, 0), MOVE32(8, 1)),
			 CSF_BLOCKED_SYNC);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(csf_stream_run(&f->cs, 24, PLENTY), CSF_BLOCKED_SYNC);
	assert_int_equal(f->cs.state.extract, 8);
	assert_int_equal(f->cs.state.reg[8], 0);
	guest_set64(f->mem, DATA_GPA, 5);
	assert_int_equal(csf_stream_run(&f->cs, 24, PLENTY), CSF_RING_EMPTY);
	assert_int_equal(f->cs.state.reg[8], 1);
	drop_fixture(f);
}

/* 3. Loads in flight */

static void test_load_needs_wait(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	prepare_data(f);
	assert_int_equal(run(f, MOVE32(6, 1), LOAD(6, 1, 0, 0), ADD_IMM32(8, 6, 0),
			     STORE(6, 1, 0, 0x40), WAIT(1), ADD_IMM32(9, 6, 0)), CSF_RING_EMPTY);
	assert_int_equal(f->cs.state.reg[8], 1);
	assert_int_equal(f->cs.state.reg[9], 0x10);
	assert_int_equal(guest_get32(f->mem, DATA_GPA + 0x40), 1);
	drop_fixture(f);
}

static void test_load_other_scoreboard(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	prepare_data(f);
	assert_int_equal(run(f, SET_SB_ENTRY(1, 3), LOAD(6, 1, 0, 0), WAIT(0xf7),
			     ADD_IMM32(8, 6, 0), WAIT(0x08), ADD_IMM32(9, 6, 0)), CSF_RING_EMPTY);
	assert_int_equal(f->cs.state.reg[8], 0);
	assert_int_equal(f->cs.state.reg[9], 0x10);
	drop_fixture(f);
}

/* A load uses the scoreboard entry and the contents of memory at its issue. */
static void test_load_is_issued_once(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	prepare_data(f);
	assert_int_equal(run(f, LOAD(6, 1, 0, 0), SET_SB_ENTRY(0, 5), MOVE32(8, 99),
			     STORE(8, 1, 0, 0), WAIT(1)), CSF_RING_EMPTY);
	assert_int_equal(f->cs.state.reg[6], 0x10);
	drop_fixture(f);
}

static void test_load_overwrites(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	prepare_data(f);
	/* the MOVE32 is lost when the load arrives; the second load replaces the first */
	assert_int_equal(run(f, LOAD(6, 1, 0, 0), MOVE32(6, 5), WAIT(1), LOAD(7, 1, 0, 0),
			     SET_SB_ENTRY(0, 2), LOAD(7, 1, 0, 8), WAIT(1)), CSF_RING_EMPTY);
	assert_int_equal(f->cs.state.reg[6], 0x10);
	assert_int_equal(f->cs.state.reg[7], 0);
	restart(f, 0);
	set_pair(f, 0, DATA);
	assert_int_equal(run(f, LOAD(7, 1, 0, 0), LOAD(7, 1, 0, 8), WAIT(1)), CSF_RING_EMPTY);
	assert_int_equal(f->cs.state.reg[7], 0x11);
	drop_fixture(f);
}

/* A load writes its registers once, not again at a later WAIT for its entry. */
static void test_load_arrives_once(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	prepare_data(f);
	assert_int_equal(run(f, LOAD(6, 1, 0, 0), WAIT(1), MOVE32(6, 5), WAIT(1)),
			 CSF_RING_EMPTY);
	assert_int_equal(f->cs.state.reg[6], 5);
	drop_fixture(f);
}

static void test_drain(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	prepare_data(f);
	assert_int_equal(run(f, LOAD(6, 1, 0, 0), SET_SB_ENTRY(0, 7), LOAD(7, 1, 0, 8)),
			 CSF_RING_EMPTY);
	assert_int_equal(f->cs.state.reg[6], 0);
	csf_stream_drain(&f->cs);
	assert_int_equal(f->cs.state.reg[6], 0x10);
	assert_int_equal(f->cs.state.reg[7], 0x11);
	drop_fixture(f);
}

/* Loads to the first and last registers. The first WAIT covers every second load. */
static void test_loads_everywhere(void **state)
{
	static const unsigned int base[] = { 6, 16, 31, 32, 47, 63, 64, 80, 95 };
	const unsigned int count = sizeof(base) / sizeof(base[0]);
	struct fixture *f = make_fixture();

	(void)state;
	prepare_data(f);
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(run_on(f, SET_SB_ENTRY(0, i % 2), LOAD(base[i], 1, 0, 8 * i)),
				 CSF_RING_EMPTY);
	assert_int_equal(run_on(f, WAIT(2)), CSF_RING_EMPTY);
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(f->cs.state.reg[base[i]], i % 2 ? (uint32_t)pattern(i) : 0);
	assert_int_equal(run_on(f, WAIT(1)), CSF_RING_EMPTY);
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(f->cs.state.reg[base[i]], (uint32_t)pattern(i));
	drop_fixture(f);
}

/* 4. Stalls and faults */

/* Instructions that access the first words of DATA. @value: the first word after one execution. */
static const struct {
	uint64_t word, value;
	unsigned int syncs;
} stalling[] = {
	{ LOAD(8, 1, 0, 0), 0, 0 },
	{ STORE(6, 1, 0, 0), 1, 0 },
	{ STORE_STATE(0, 0, 0), TIMESTAMP, 0 },
	{ SYNC_ADD32(0, 6, 1), 1, 1 },
	{ SYNC_ADD64(0, 6, 1), 1, 1 },
	{ SYNC_SET32(0, 6, 1), 1, 1 },
	{ SYNC_SET64(0, 6, 1), 1, 1 },
	{ SYNC_WAIT32(GEQUAL, 0, 8, 1), 0, 0 },
	{ SYNC_WAIT64(GEQUAL, 0, 8, 1), 0, 0 },
};

static void test_stalls(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	for (size_t i = 0; i < sizeof(stalling) / sizeof(stalling[0]); i++) {
		restart(f, 0);
		guest_set64(f->mem, DATA_GPA, 0);
		set_pair(f, 0, DATA);
		set_pair(f, 6, 1);
		as_lock(f->mmu, AS, DATA, 15);
		assert_int_equal(run(f, stalling[i].word), CSF_STALLED);
		assert_int_equal(csf_stream_run(&f->cs, 8, PLENTY), CSF_STALLED);
		assert_int_equal(guest_get64(f->mem, DATA_GPA), 0);
		assert_int_equal(f->syncs, 0);
		assert_int_equal(f->cs.state.extract, 0);
		as_unlock(f->mmu, AS);
		assert_int_equal(csf_stream_run(&f->cs, 8, PLENTY), CSF_RING_EMPTY);
		assert_int_equal(guest_get64(f->mem, DATA_GPA), stalling[i].value);
		assert_int_equal(f->syncs, stalling[i].syncs);
	}
	drop_fixture(f);
}

/* The value lies before the locked region, the status word inside it. */
static void test_stall_in_the_middle(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	set_pair(f, 0, DATA + 0x8000 - 8);
	set_pair(f, 6, 1);
	as_lock(f->mmu, AS, DATA + 0x8000, 15);
	assert_int_equal(run(f, SYNC_ADD64(0, 6, 1)), CSF_STALLED);
	assert_int_equal(guest_get64(f->mem, DATA_GPA + 0x8000 - 8), 0);
	as_unlock(f->mmu, AS);
	assert_int_equal(csf_stream_run(&f->cs, 8, PLENTY), CSF_RING_EMPTY);
	assert_int_equal(guest_get64(f->mem, DATA_GPA + 0x8000 - 8), 1);
	assert_int_equal(f->syncs, 1);
	drop_fixture(f);
}

static void test_fetch_stalls_and_faults(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	as_lock(f->mmu, AS, RING, 15);
	assert_int_equal(run(f, MOVE32(6, 1)), CSF_STALLED);
	as_unlock(f->mmu, AS);
	assert_int_equal(csf_stream_run(&f->cs, 8, PLENTY), CSF_RING_EMPTY);
	assert_int_equal(f->cs.state.reg[6], 1);
	restart(f, 0);
	set_pair(f, 0, UNMAPPED);
	f->cs.state.reg[2] = 8;
	assert_int_equal(run(f, CALL(0, 2)), CSF_PAGE_FAULT);
	assert_int_equal(f->cs.state.depth, 1);
	drop_fixture(f);
}

/* A store across the end of the mapped pages has no effect. */
static void test_fault_leaves_memory(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	pgtable_map(&f->pt, UNMAPPED + PAGE, 3, DATA_GPA + PAGE, PTB_RW);
	set_pair(f, 0, UNMAPPED + 2 * PAGE - 4);
	set_pair(f, 6, ~0ull);
	assert_int_equal(run(f, STORE(6, 3, 0, 0)), CSF_PAGE_FAULT);
	assert_int_equal(guest_get32(f->mem, DATA_GPA + 2 * PAGE - 4), 0);
	assert_int_equal(f->cs.state.extract, 0);
	drop_fixture(f);
}

/* 5. Flow */

/* Call @word at CODE from the ring. */
static enum csf_outcome call_words(struct fixture *f, const uint64_t *word, size_t count)
{
	put_code(f, CODE_GPA, word, count);
	set_pair(f, 90, CODE);
	f->cs.state.reg[92] = count * CSF_INSTR_SIZE;
	return run(f, CALL(90, 92));
}

#define call(f, ...) call_words(f, WORDS(__VA_ARGS__), COUNT(__VA_ARGS__))

/* 1 + 2 + ... + 100, by two nested loops of additions of 1. */
static void test_loop(void **state)
{
	struct fixture *f = make_fixture();
	enum csf_outcome outcome;

	(void)state;
	outcome = call(f, MOVE32(6, 100),
		       /* outer: */ ADD_IMM32(7, 6, 0),
		       /* inner: */ ADD_IMM64(8, 8, 1), ADD_IMM32(7, 7, -1),
		       BRANCH(GREATER, 7, -3), ADD_IMM32(6, 6, -1), BRANCH(NEQUAL, 6, -6));
	while (outcome == CSF_SLICE_USED)
		outcome = csf_stream_run(&f->cs, 8, PLENTY);
	assert_int_equal(outcome, CSF_RING_EMPTY);
	assert_int_equal(get_pair(f, 8), 5050);
	assert_int_equal(f->cs.state.depth, 0);
	drop_fixture(f);
}

/*
 * Decoded words are cached. The effect of a word must not depend on the words before it: each word
 * of the first round is displaced by others of the same shape, and is executed once more.
 */
static void test_many_words(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	for (unsigned int i = 0; i < 2 * 512; i++) {
		unsigned int reg = 6 + i % 80, imm = i % 512 << i % 16;

		assert_int_equal(run_on(f, MOVE32(reg, imm)), CSF_RING_EMPTY);
		assert_int_equal(f->cs.state.reg[reg], imm);
	}
	/* an invalid word is also invalid the second time */
	for (unsigned int i = 0; i < 2; i++) {
		restart(f, 0);
		assert_fatal(f, run(f, MOVE32(96, 1)), CSF_EXC_CS_INSTR_INVALID, MOVE32(96, 1));
	}
	drop_fixture(f);
}

static void test_branch_targets(void **state)
{
	static const struct {
		int offset;
		bool leaves;
	} cases[] = { { 0, false }, { 1, false }, { 2, true }, { 32767, true } };
	struct fixture *f = make_fixture();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum csf_outcome outcome;

		/* offset 1 is the end of the buffer: the branch returns */
		restart(f, 0);
		outcome = call(f, BRANCH(ALWAYS, 0, cases[i].offset), NOP);
		if (cases[i].leaves)
			assert_fatal(f, outcome, 0x50, CODE + 8 + cases[i].offset * 8);
		else
			assert_int_equal(outcome, CSF_RING_EMPTY);
	}
	drop_fixture(f);
}

static void test_branch_in_ring(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	assert_int_equal(run(f, ADD_IMM32(6, 6, 1), ADD_IMM32(7, 6, -3), BRANCH(LESS, 7, -3)),
			 CSF_RING_EMPTY);
	assert_int_equal(f->cs.state.reg[6], 3);
	restart(f, 0);
	assert_fatal(f, run(f, BRANCH(ALWAYS, 0, 1)), 0x50, RING + 16);
	restart(f, 0);
	assert_fatal(f, run(f, BRANCH(ALWAYS, 0, -(int)RING_SIZE / 8 - 1)), 0x50, RING);
	drop_fixture(f);
}

/* Buffer i calls buffer i + 1 and counts after its return. */
static void build_call_chain(struct fixture *f, unsigned int depth)
{
	for (unsigned int i = 0; i < depth; i++) {
		uint64_t next = CODE + (i + 1) * 0x100;

		put_code(f, CODE_GPA + i * 0x100,
			 WORDS(MOVE48(90, next), CALL(90, 92), ADD_IMM32(6, 6, 1)), 3);
	}
	put_code(f, CODE_GPA + depth * 0x100, WORDS(NOP, NOP, ADD_IMM32(7, 7, 1)), 3);
}

static void test_call_depth(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	set_pair(f, 90, CODE);
	f->cs.state.reg[92] = 24;
	build_call_chain(f, CSF_CALL_DEPTH - 1);
	assert_int_equal(run(f, CALL(90, 92)), CSF_RING_EMPTY);
	assert_int_equal(f->cs.state.reg[6], CSF_CALL_DEPTH - 1);
	assert_int_equal(f->cs.state.reg[7], 1);

	restart(f, 0);
	set_pair(f, 90, CODE);
	f->cs.state.reg[92] = 24;
	build_call_chain(f, CSF_CALL_DEPTH);
	assert_fatal(f, run(f, CALL(90, 92)), 0x4a, CODE + CSF_CALL_DEPTH * 0x100);
	assert_int_equal(f->cs.state.depth, CSF_CALL_DEPTH);
	drop_fixture(f);
}

static void test_call_targets(void **state)
{
	static const struct {
		uint64_t va;
		uint32_t length;
		bool valid;
	} cases[] = {
		{ CODE, 8, true },
		{ CODE, 0, true },
		{ 1, 0, false },
		{ CODE + 4, 8, false },
		{ CODE, 12, false },
		{ CODE, 4, false },
		{ UINT64_MAX - 7, 16, false },
		{ UINT64_MAX - 15, 16, false },
	};
	struct fixture *f = make_fixture();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (unsigned int jump = 0; jump < 2; jump++) {
			uint64_t word = jump ? JUMP(90, 92) : CALL(90, 92);

			restart(f, 0);
			set_pair(f, 90, cases[i].va);
			f->cs.state.reg[92] = cases[i].length;
			guest_set64(f->mem, CODE_GPA, MOVE32(6, 1));
			if (cases[i].valid) {
				assert_int_equal(run(f, word, MOVE32(7, 1)), CSF_RING_EMPTY);
				assert_int_equal(f->cs.state.reg[6], cases[i].length != 0);
				assert_int_equal(f->cs.state.reg[7], 1);
			} else {
				assert_fatal(f, run(f, word), 0x50, cases[i].va);
				assert_int_equal(f->cs.state.depth, 0);
			}
		}
	}
	drop_fixture(f);
}

/* The buffer of a JUMP returns to the caller of the first buffer, after any number of JUMPs. */
static void test_jump(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	/* 20 jumps from one buffer to the next: more than there are frames */
	for (unsigned int i = 0; i < 20; i++)
		put_code(f, CODE_GPA + i * 0x100,
			 WORDS(MOVE48(90, CODE + (i + 1) * 0x100), JUMP(90, 92),
			       MOVE32(6, 1)), 3);
	put_code(f, CODE_GPA + 20 * 0x100, WORDS(NOP, NOP, MOVE32(7, 1)), 3);
	set_pair(f, 90, CODE);
	f->cs.state.reg[92] = 24;
	assert_int_equal(run(f, CALL(90, 92), MOVE32(8, 1)), CSF_RING_EMPTY);
	assert_int_equal(f->cs.state.reg[6], 0);
	assert_int_equal(f->cs.state.reg[7], 1);
	assert_int_equal(f->cs.state.reg[8], 1);
	drop_fixture(f);
}

/* The position does not wrap; the address does. */
static void test_ring_wrap(void **state)
{
	struct fixture *f = make_fixture();
	uint64_t start = 5 * RING_SIZE - 3 * CSF_INSTR_SIZE;

	(void)state;
	put_code(f, RING_GPA + RING_SIZE - 24,
		 WORDS(ADD_IMM32(6, 6, 1), ADD_IMM32(6, 6, 2), ADD_IMM32(6, 6, 4)), 3);
	put_code(f, RING_GPA, WORDS(ADD_IMM32(6, 6, 8), ADD_IMM32(6, 6, 16), MOVE32(6, 0)), 3);
	restart(f, start);
	assert_int_equal(csf_stream_run(&f->cs, start + 40, PLENTY), CSF_RING_EMPTY);
	assert_int_equal(f->cs.state.reg[6], 31);
	assert_int_equal(f->cs.state.extract, start + 40);
	/* a full ring: each word is executed once */
	for (unsigned int i = 0; i < RING_SIZE / 8; i++)
		guest_set64(f->mem, RING_GPA + i * 8, ADD_IMM32(6, 6, 1));
	restart(f, 24);
	assert_int_equal(csf_stream_run(&f->cs, 24 + RING_SIZE, PLENTY), CSF_RING_EMPTY);
	assert_int_equal(f->cs.state.reg[6], RING_SIZE / 8);
	drop_fixture(f);
}

/* The smallest ring, which wraps in the middle of a fetch line. */
static void test_ring_across_lines(void **state)
{
	struct csf_stream_config config = { .as = AS, .ring_va = CODE + 40, .ring_size = 64 };
	struct fixture *f = make_fixture();

	(void)state;
	for (unsigned int i = 0; i < 8; i++)
		guest_set64(f->mem, CODE_GPA + 40 + i * 8, ADD_IMM32(6, 6, 1 << i));
	guest_set64(f->mem, CODE_GPA + 32, MOVE32(6, 0));
	guest_set64(f->mem, CODE_GPA + 104, MOVE32(6, 0));
	csf_stream_start(&f->cs, f->mmu, &f->host, &config, 56);
	assert_int_equal(csf_stream_run(&f->cs, 56 + 64, PLENTY), CSF_RING_EMPTY);
	assert_int_equal(f->cs.state.reg[6], 255);
	drop_fixture(f);
}

static void test_ring_positions(void **state)
{
	static const struct {
		uint64_t extract, insert;
		enum csf_outcome outcome;
	} cases[] = {
		{ 0, 0, CSF_RING_EMPTY },
		{ 64, 64, CSF_RING_EMPTY },
		{ 0, 7, CSF_RING_EMPTY },
		{ 0, 15, CSF_RING_EMPTY },
		{ 0, RING_SIZE, CSF_RING_EMPTY },
		{ 0, RING_SIZE + 8, CSF_FATAL },
		{ 64, 56, CSF_FATAL },
		{ 4, 64, CSF_FATAL },
		{ 0, UINT64_MAX, CSF_FATAL },
		{ UINT64_MAX - 7, 8, CSF_RING_EMPTY },
	};
	struct fixture *f = make_fixture();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		restart(f, cases[i].extract);
		assert_int_equal(csf_stream_run(&f->cs, cases[i].insert, PLENTY), cases[i].outcome);
		if (cases[i].outcome == CSF_FATAL)
			assert_int_equal(f->cs.exception, 0x50);
	}
	drop_fixture(f);
}

/* 6. Budget */

static void test_budget(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	put_code(f, RING_GPA, WORDS(ADD_IMM32(6, 6, 1), BRANCH(ALWAYS, 0, -2)), 2);
	for (unsigned int slice = 1; slice <= 10; slice++) {
		assert_int_equal(csf_stream_run(&f->cs, 16, 200), CSF_SLICE_USED);
		assert_int_equal(f->cs.state.reg[6], slice * 100);
	}
	assert_int_equal(csf_stream_run(&f->cs, 16, 1), CSF_SLICE_USED);
	assert_int_equal(f->cs.state.reg[6], 1001);
	assert_int_equal(csf_stream_run(&f->cs, 16, 0), CSF_SLICE_USED);
	assert_int_equal(f->cs.state.extract, 8);
	drop_fixture(f);
}

/* The next slice executes new code, and code in a new page at the old address. */
static void test_fetch_is_fresh(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	put_code(f, RING_GPA, WORDS(ADD_IMM32(6, 6, 1), BRANCH(ALWAYS, 0, -2)), 2);
	assert_int_equal(csf_stream_run(&f->cs, 16, 2), CSF_SLICE_USED);
	guest_set64(f->mem, RING_GPA, ADD_IMM32(6, 6, 10));
	assert_int_equal(csf_stream_run(&f->cs, 16, 2), CSF_SLICE_USED);
	assert_int_equal(f->cs.state.reg[6], 11);
	put_code(f, CODE_GPA, WORDS(ADD_IMM32(6, 6, 100), BRANCH(ALWAYS, 0, -2)), 2);
	as_lock(f->mmu, AS, RING, 15);
	pgtable_map(&f->pt, RING, 3, CODE_GPA, PTB_RO);
	as_unlock(f->mmu, AS);
	assert_int_equal(csf_stream_run(&f->cs, 16, 2), CSF_SLICE_USED);
	assert_int_equal(f->cs.state.reg[6], 111);
	drop_fixture(f);
}

/* 7. The driver's job */

#define SYNC_OBJECT (DATA + 0x100)
#define TIMES (DATA + 0x200)

/* panthor_sched.c, prepare_job_instrs(), with both kinds of profiling; WAIT is for 8 entries. */
static void test_driver_job(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	guest_set64(f->mem, CODE_GPA, MOVE32(6, 42));
	guest_set64(f->mem, DATA_GPA + 0x100, 7);
	guest_set64(f->mem, DATA_GPA + 0x108, UINT32_MAX);
	assert_int_equal(run(f, 0x025e000000000001,		/* MOV32 r94, latest flush */
			     0x24005e0000000233,		/* FLUSH_CACHE2 */
			     0x015c000000000000 | TIMES,
			     0x28005c0100000000,		/* STORE_STATE cycles */
			     0x015c000000000000 | (TIMES + 16),
			     0x28005c0000000000,		/* STORE_STATE timer */
			     0x015c000000000000 | CODE,
			     0x025e000000000008,		/* MOV32 r94, size */
			     0x0300000000010000,		/* WAIT(0) */
			     0x20005c5e00000000,		/* CALL */
			     0x015c000000000000 | SYNC_OBJECT,
			     0x015e000000000001,		/* MOV48 d94, 1 */
			     0x0300000000ff0000,		/* WAIT(all) */
			     0x33005c5e00000001,		/* SYNC_ADD64, propagate */
			     0x2f00000000000000,		/* ERROR_BARRIER */
			     0), CSF_RING_EMPTY);
	assert_int_equal(f->cs.state.reg[6], 42);
	assert_int_equal(guest_get64(f->mem, DATA_GPA + 0x100), 8);
	assert_int_equal(guest_get64(f->mem, DATA_GPA + 0x108), 0);
	assert_int_equal(guest_get64(f->mem, DATA_GPA + 0x200), CYCLES);
	assert_int_equal(guest_get64(f->mem, DATA_GPA + 0x210), TIMESTAMP);
	assert_int_equal(f->syncs, 1);
	drop_fixture(f);
}

/* 8. Suspend */

static void test_state_valid(void **state)
{
	struct csf_state good = { .extract = 64, .depth = 2, .sb_other = 7 };
	struct csf_state bad;

	(void)state;
	good.frame[0] = (struct csf_frame){ CODE + 8, CODE + 16 };
	/* beyond its end: the stream faults when it fetches there */
	good.frame[1] = (struct csf_frame){ CODE + 16, CODE + 8 };
	/* unused frames may hold any value */
	good.frame[2] = (struct csf_frame){ 1, 2 };
	assert_true(csf_state_valid(&good));
	bad = good;
	bad.depth = CSF_CALL_DEPTH + 1;
	assert_false(csf_state_valid(&bad));
	bad = good;
	bad.extract = 4;
	assert_false(csf_state_valid(&bad));
	bad = good;
	bad.frame[1].pc++;
	assert_false(csf_state_valid(&bad));
	bad = good;
	bad.frame[0].end++;
	assert_false(csf_state_valid(&bad));
	bad = good;
	bad.sb_endpoint = CSF_SB_COUNT;
	assert_false(csf_state_valid(&bad));
	bad = good;
	bad.sb_other = CSF_SB_COUNT;
	assert_false(csf_state_valid(&bad));
}

/* Stop at every instruction of a loop with a call, and resume in another stream. */
static void test_resume_anywhere(void **state)
{
	struct fixture *f = make_fixture();
	enum csf_outcome outcome = CSF_SLICE_USED;
	struct csf_state saved;

	(void)state;
	prepare_data(f);
	put_code(f, CODE_GPA, WORDS(LOAD(8, 1, 0, 0), WAIT(1), ADD_IMM32(8, 8, 1),
				    STORE(8, 1, 0, 0)), 4);
	put_code(f, RING_GPA, WORDS(MOVE32(6, 10), MOVE48(90, CODE), MOVE32(92, 32),
				    CALL(90, 92), ADD_IMM32(6, 6, -1), BRANCH(GREATER, 6, -3)), 6);
	while (outcome == CSF_SLICE_USED) {
		outcome = csf_stream_run(&f->cs, 48, 1);
		csf_stream_drain(&f->cs);
		assert_true(csf_state_valid(&f->cs.state));
		saved = f->cs.state;
		restart(f, 0);
		f->cs.state = saved;
	}
	assert_int_equal(outcome, CSF_RING_EMPTY);
	assert_int_equal(guest_get32(f->mem, DATA_GPA), 0x10 + 10);
	drop_fixture(f);
}

/* 9. Random words */

#define FUZZ_INSTRUCTIONS 1000000
#define FUZZ_ROUND 2000			/* instructions run from the same random words */
#define FUZZ_WORDS (RING_SIZE / CSF_INSTR_SIZE)

struct fuzz_code {
	uint64_t ring[FUZZ_WORDS], code[FUZZ_WORDS];
};

static void fuzz_registers(struct fixture *f, struct random *random)
{
	static const uint64_t places[] = { DATA, READ_ONLY, CODE, RING, UNMAPPED };

	for (unsigned int reg = 0; reg < CSF_REG_COUNT; reg += 2) {
		uint64_t value = random_next(random) >> random_below(random, 64);

		if (random_below(random, 4))
			value = places[random_below(random, 5)] + random_below(random, 512) * 8;
		set_pair(f, reg, value);
	}
}

static void fuzz_code(struct fixture *f, struct random *random, struct fuzz_code *code)
{
	char text[128];

	for (unsigned int i = 0; i < FUZZ_WORDS; i++) {
		code->ring[i] = fuzz_word(random);
		code->code[i] = fuzz_word(random);
		csf_disassemble(code->ring[i], text, sizeof(text));
	}
	put_code(f, RING_GPA, code->ring, FUZZ_WORDS);
	put_code(f, CODE_GPA, code->code, FUZZ_WORDS);
}

/* Skip the instruction that stopped the stream, or leave its buffer for the ring. */
static void fuzz_skip(struct fixture *f, struct random *random)
{
	struct csf_state *s = &f->cs.state;

	mmu_fault_cleared(f->mmu, AS);
	if (s->depth && random_below(random, 4))
		s->frame[s->depth - 1].pc += CSF_INSTR_SIZE;
	else if (s->depth)
		s->depth = 0;
	else
		s->extract += CSF_INSTR_SIZE;
}

/* Pages that are read-only for the stream are unchanged. */
static void fuzz_check(struct fixture *f, const struct fuzz_code *code)
{
	static uint64_t now[FUZZ_WORDS];

	assert_true(csf_state_valid(&f->cs.state));
	for (unsigned int i = 0; i < FUZZ_WORDS; i++) {
		now[i] = guest_get64(f->mem, RING_GPA + i * CSF_INSTR_SIZE);
		assert_int_equal(guest_get64(f->mem, CODE_GPA + i * CSF_INSTR_SIZE), code->code[i]);
	}
	assert_memory_equal(now, code->ring, sizeof(now));
}

/* Return: number of executed instructions. */
static unsigned int fuzz_round(struct fixture *f, struct random *random)
{
	static struct fuzz_code code;
	unsigned int done = 0;

	restart(f, random_below(random, FUZZ_WORDS) * CSF_INSTR_SIZE);
	fuzz_registers(f, random);
	fuzz_code(f, random, &code);
	for (unsigned int step = 0; step < FUZZ_ROUND; step++) {
		uint64_t insert = f->cs.state.extract + RING_SIZE / 2;

		if (csf_stream_run(&f->cs, insert, 1) == CSF_SLICE_USED)
			done++;
		else
			fuzz_skip(f, random);
	}
	fuzz_check(f, &code);
	return done;
}

static void test_fuzz_stream(void **state)
{
	struct random random = random_start("fuzz_stream");
	struct fixture *f = make_fixture();
	static uint8_t before[64 * PAGE], after[64 * PAGE];

	(void)state;
	/* also disassemble every word, for the trace */
	assert_int_equal(trace_open("/dev/null"), 0);
	assert_int_equal(guest_memory_read(f->mem, TABLES_GPA, before, sizeof(before)), 0);
	for (unsigned int done = 0; done < FUZZ_INSTRUCTIONS;)
		done += fuzz_round(f, &random);
	assert_int_equal(guest_memory_read(f->mem, TABLES_GPA, after, sizeof(after)), 0);
	assert_memory_equal(before, after, sizeof(before));
	trace_close();
	drop_fixture(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_branch_conditions),
		cmocka_unit_test(test_sync_wait_conditions),
		cmocka_unit_test(test_sync_wait_released),
		cmocka_unit_test(test_load_needs_wait),
		cmocka_unit_test(test_load_other_scoreboard),
		cmocka_unit_test(test_load_is_issued_once),
		cmocka_unit_test(test_load_overwrites),
		cmocka_unit_test(test_load_arrives_once),
		cmocka_unit_test(test_loads_everywhere),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_stalls),
		cmocka_unit_test(test_stall_in_the_middle),
		cmocka_unit_test(test_fetch_stalls_and_faults),
		cmocka_unit_test(test_fault_leaves_memory),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_many_words),
		cmocka_unit_test(test_branch_targets),
		cmocka_unit_test(test_branch_in_ring),
		cmocka_unit_test(test_call_depth),
		cmocka_unit_test(test_call_targets),
		cmocka_unit_test(test_jump),
		cmocka_unit_test(test_ring_wrap),
		cmocka_unit_test(test_ring_across_lines),
		cmocka_unit_test(test_ring_positions),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_fetch_is_fresh),
		cmocka_unit_test(test_driver_job),
		cmocka_unit_test(test_state_valid),
		cmocka_unit_test(test_resume_anywhere),
		cmocka_unit_test(test_fuzz_stream),
	};

	return cmocka_run_group_tests_name("csf", tests, NULL, NULL);
}
