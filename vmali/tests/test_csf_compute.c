// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * Unit tests of csf/compute.c: compute jobs of command streams. (Their execution: test_shader_jobs.c.)
 *
 *  1. RUN_COMPUTE and RUN_COMPUTE_INDIRECT: each selection of registers, and the order of a job and
 *     the instructions around it.
 *  2. slices: a job of many slices, jobs of a few instructions that would exceed one, an endless
 *     shader. Hunts a slice without a bound.
 *  3. suspend: a stream stops in the middle of a job, and goes on from a copy of its state.
 *  4. stalls and faults of a job become those of the stream, at the RUN_COMPUTE.
 *  5. validity of the job in a state from a suspend buffer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "csf/stream.h"
#include "memory/guest_memory.h"
#include "mmu/mmu.h"
#include "tests/cs_words.h"
#include "tests/pgtable_builder.h"
#include "tests/shader_words.h"

#define BLOCK 0x200000ull
#define RAM 0x40000000ull
#define RAM_SIZE (8 * BLOCK)
#define DATA_GPA RAM
#define TABLES_GPA (RAM + 4 * BLOCK)

/* All in one writable block: words that shaders store, descriptors, code, and the ring. */
#define DATA 0x10000000ull
#define FAU(n) (DATA + 0x1000 + 0x100 * (n))
#define SPD(n) (DATA + 0x2000 + 0x100 * (n))
#define SRT(n) (DATA + 0x3000 + 0x100 * (n))
#define BUFFER(n) (DATA + 0x4000 + 0x100 * (n))
#define SHADER(n) (DATA + 0x10000 + 0x8000 * (n))
#define RING (DATA + 0x100000)
#define RING_SIZE 0x10000u
#define UNMAPPED (DATA + BLOCK)

#define AS 3
#define PLENTY 1000u

struct fixture {
	struct guest_memory *mem;
	struct mmu *mmu;
	struct pgtable pt;
	struct csf_host host;
	struct csf_stream cs;
};

static uint64_t host_time(void *ctx)
{
	(void)ctx;
	return 0;
}

static void host_sync_update(void *ctx)
{
	(void)ctx;
}

static void restart(struct fixture *f)
{
	const struct csf_stream_config config = {
		.as = AS, .ring_va = RING, .ring_size = RING_SIZE,
	};

	csf_stream_start(&f->cs, f->mmu, &f->host, &config, 0);
}

static void set64(struct fixture *f, uint64_t va, uint64_t value)
{
	assert_int_equal(guest_memory_write64(f->mem, DATA_GPA + (va - DATA), value), 0);
}

static uint32_t get32(struct fixture *f, uint64_t va)
{
	uint32_t value;

	assert_int_equal(guest_memory_read32(f->mem, DATA_GPA + (va - DATA), &value), 0);
	return value;
}

static void set_pair(struct fixture *f, unsigned int pair, uint64_t value)
{
	f->cs.state.reg[pair] = (uint32_t)value;
	f->cs.state.reg[pair + 1] = value >> 32;
}

static void put_words(struct fixture *f, uint64_t va, const uint64_t *word, size_t count)
{
	for (size_t i = 0; i < count; i++)
		set64(f, va + 8 * i, word[i]);
}

#define WORDS(...) (const uint64_t[]){ __VA_ARGS__ }
#define COUNT(...) (sizeof(WORDS(__VA_ARGS__)) / sizeof(uint64_t))
#define put_shader(f, n, ...) put_words(f, SHADER(n), WORDS(__VA_ARGS__), COUNT(__VA_ARGS__))

/* Set @n of the descriptors: uniforms 0 and 1 are DATA, 2 is @n; buffer 0 holds word @n. */
static void put_set(struct fixture *f, unsigned int n)
{
	set64(f, FAU(n), DATA);
	set64(f, FAU(n) + 8, n);
	set64(f, SPD(n), 0x18 | F(0x7f80, 32));
	set64(f, SPD(n) + 8, SHADER(n));
	set64(f, SRT(n), BUFFER(n) | F(1, 56));
	set64(f, SRT(n) + 8, 32);
	set64(f, BUFFER(n), 0x19 | F(64, 32));
	set64(f, BUFFER(n) + 8, BUFFER(n) + 0x40);
	set64(f, BUFFER(n) + 0x40, 0x100 * n);
}

/* All four sets in their registers, and one workgroup of one thread. */
static void set_registers(struct fixture *f)
{
	for (unsigned int n = 0; n < 4; n++) {
		set_pair(f, 2 * n, SRT(n) | 1);
		set_pair(f, 8 + 2 * n, FAU(n) | F(2, 56));
		set_pair(f, 16 + 2 * n, SPD(n));
	}
	for (unsigned int i = 0; i < 3; i++)
		f->cs.state.reg[37 + i] = 1;
	set_pair(f, 60, DATA);
}

static struct fixture *make_fixture(void)
{
	struct mmu_config config = { .tlb = MMU_TLB_KEEP };
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->mem = guest_memory_create();
	assert_non_null(f->mem);
	assert_int_equal(guest_memory_map_private(f->mem, RAM, RAM_SIZE), 0);
	pgtable_init(&f->pt, f->mem, TABLES_GPA, 64 * 0x1000);
	pgtable_map(&f->pt, DATA, 2, DATA_GPA, PTB_RW);
	f->mmu = mmu_create(f->mem, &config);
	assert_non_null(f->mmu);
	as_enable(f->mmu, AS, &f->pt);
	f->host = (struct csf_host){ host_time, host_time, host_sync_update, f };
	for (unsigned int n = 0; n < 4; n++)
		put_set(f, n);
	restart(f);
	set_registers(f);
	return f;
}

static void drop_fixture(struct fixture *f)
{
	mmu_destroy(f->mmu);
	guest_memory_destroy(f->mem);
	free(f);
}

static enum csf_outcome run_words(struct fixture *f, const uint64_t *word, size_t count)
{
	put_words(f, RING, word, count);
	f->cs.state.extract = 0;
	return csf_stream_run(&f->cs, count * 8, PLENTY);
}

#define run(f, ...) run_words(f, WORDS(__VA_ARGS__), COUNT(__VA_ARGS__))

/* 1. The instructions */

/* A shader that stores its number, its set of uniforms and of resources. */
static void put_reporters(struct fixture *f)
{
	for (unsigned int n = 0; n < 4; n++)
		put_shader(f, n, SH_MOV_IMM(20, 0x10000 * (n + 1)), SH_IADD(U32, 20, 20, U(2)),
			   SH_LD_PKA32(21, K_0, K_0), SH_IADD(U32, 20, 20, 21),
			   SH_STORE32(20, U(0), 0) | END);
}

static void test_selections(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	put_reporters(f);
	for (unsigned int i = 0; i < 64; i++) {
		unsigned int srt = i % 4, fau = i / 4 % 4, spd = i / 16;
		uint32_t report = 0x10000 * (spd + 1) + 0x100 * srt + fau;

		assert_int_equal(run(f, RUN_COMPUTE(i % 3, srt, spd, fau)), CSF_RING_EMPTY);
		assert_int_equal(get32(f, DATA), report);
		set64(f, DATA, 0);
		assert_int_equal(run(f, RUN_COMPUTE_INDIRECT(srt, spd, fau)), CSF_RING_EMPTY);
		assert_int_equal(get32(f, DATA), report);
	}
	drop_fixture(f);
}

/* A job sees the stores before it, and is done before the instruction behind it. */
static void test_order(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	put_shader(f, 0, SH_ATOM1(I32, AINC, 20, 1, U(0), 0), SH_STORE32(20, U(0), 4) | END);
	assert_int_equal(run(f, MOVE32(50, 41), STORE(50, 1, 60, 0), RUN_COMPUTE(0, 0, 0, 0),
			     LOAD(51, 3, 60, 0), WAIT(1), MOVE32(50, 7)), CSF_RING_EMPTY);
	assert_int_equal(f->cs.state.reg[51], 42);
	assert_int_equal(f->cs.state.reg[52], 41);
	assert_int_equal(f->cs.state.reg[50], 7);
	drop_fixture(f);
}

/* A load without a WAIT does not change the registers of a job. */
static void test_load_in_flight(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	put_shader(f, 0, SH_ATOM1(I32, AINC, 20, 0, U(0), 0), SH_NOP | END);
	set64(f, DATA + 8, 5);
	assert_int_equal(run(f, LOAD(37, 1, 60, 8), RUN_COMPUTE(0, 0, 0, 0), WAIT(1),
			     RUN_COMPUTE(0, 0, 0, 0)), CSF_RING_EMPTY);
	assert_int_equal(get32(f, DATA), 6);
	drop_fixture(f);
}

static void test_empty_job(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	f->cs.state.reg[38] = 0;
	set_pair(f, 16, UNMAPPED);
	assert_int_equal(run(f, RUN_COMPUTE(0, 0, 0, 0), MOVE32(50, 1)), CSF_RING_EMPTY);
	assert_int_equal(f->cs.state.reg[50], 1);
	drop_fixture(f);
}

/* 2. Slices */

/* Three instructions a turn, and three besides. */
static void put_counter(struct fixture *f, unsigned int turns)
{
	put_shader(f, 0, SH_MOV_IMM(1, turns), SH_ATOM1(I32, AINC, 0, 0, U(0), 0),
		   SH_IADD_IMM(1, 1, -1), SH_BRANCHZ(1, -3), SH_NOP, SH_NOP | END);
}

static void test_long_job(void **state)
{
	enum csf_outcome outcome = CSF_SLICE_USED;
	const unsigned int turns = 10 * CSF_JOB_INSTRUCTIONS / 3;
	struct fixture *f = make_fixture();
	unsigned int slices = 0;

	(void)state;
	put_counter(f, turns);
	put_words(f, RING, WORDS(RUN_COMPUTE(0, 0, 0, 0), MOVE32(50, 1)), 2);
	for (; outcome == CSF_SLICE_USED; slices++) {
		assert_int_equal(f->cs.state.extract, 0);
		outcome = csf_stream_run(&f->cs, 16, PLENTY);
	}
	assert_int_equal(outcome, CSF_RING_EMPTY);
	assert_int_equal(slices, (3 * turns + 3) / CSF_JOB_INSTRUCTIONS + 1);
	assert_int_equal(get32(f, DATA), turns);
	assert_int_equal(f->cs.state.reg[50], 1);
	drop_fixture(f);
}

/* The jobs of a slice have one budget, however many they are. */
static void test_many_jobs(void **state)
{
	const unsigned int jobs = RING_SIZE / 8, turns = 100, instructions = 3 * turns + 3;
	enum csf_outcome outcome = CSF_SLICE_USED;
	struct fixture *f = make_fixture();
	unsigned int slices = 0;

	(void)state;
	put_counter(f, turns);
	for (unsigned int i = 0; i < jobs; i++)
		set64(f, RING + 8 * i, RUN_COMPUTE(0, 0, 0, 0));
	for (; outcome == CSF_SLICE_USED; slices++) {
		uint32_t before = get32(f, DATA);

		outcome = csf_stream_run(&f->cs, RING_SIZE, PLENTY);
		assert_true((get32(f, DATA) - before) * 3 <= CSF_JOB_INSTRUCTIONS + 3);
	}
	assert_int_equal(outcome, CSF_RING_EMPTY);
	assert_int_equal(get32(f, DATA), jobs * turns);
	assert_int_equal(slices, (jobs * instructions + CSF_JOB_INSTRUCTIONS - 1) /
					 CSF_JOB_INSTRUCTIONS);
	drop_fixture(f);
}

static void test_endless_shader(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	put_shader(f, 0, SH_IADD_IMM(0, 0, 1), SH_BRANCHZ(K_ONES, -2));
	put_words(f, RING, WORDS(RUN_COMPUTE(0, 0, 0, 0)), 1);
	for (unsigned int i = 1; i <= 20; i++) {
		assert_int_equal(csf_stream_run(&f->cs, 8, PLENTY), CSF_SLICE_USED);
		assert_int_equal(f->cs.state.job.reg[0], i * CSF_JOB_INSTRUCTIONS / 2);
	}
	assert_int_equal(f->cs.state.extract, 0);
	drop_fixture(f);
}

/* 3. Suspend */

/* The registers of the stream may change meanwhile, by loads that arrive. */
static void test_resume(void **state)
{
	enum csf_outcome outcome = CSF_SLICE_USED;
	struct fixture *f = make_fixture();
	unsigned int suspends = 0;
	struct csf_state saved;

	(void)state;
	put_counter(f, 5000);
	set64(f, DATA + 8, 0x1234);
	put_words(f, RING, WORDS(LOAD(8, 1, 60, 8), RUN_COMPUTE(0, 0, 0, 0), MOVE32(50, 1)), 3);
	for (; outcome == CSF_SLICE_USED; suspends++) {
		outcome = csf_stream_run(&f->cs, 24, PLENTY);
		csf_stream_drain(&f->cs);
		assert_true(csf_state_valid(&f->cs.state));
		saved = f->cs.state;
		memset(&f->cs, 0xee, sizeof(f->cs));
		restart(f);
		f->cs.state = saved;
	}
	assert_int_equal(outcome, CSF_RING_EMPTY);
	assert_int_equal(suspends, 15003 / CSF_JOB_INSTRUCTIONS + 1);
	assert_int_equal(get32(f, DATA), 5000);
	assert_int_equal(f->cs.state.reg[8], 0x1234);
	assert_int_equal(f->cs.state.reg[50], 1);
	drop_fixture(f);
}

/* 4. Stalls and faults */

static void test_stall(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	put_shader(f, 0, SH_ATOM1(I32, AINC, 0, 0, U(0), 0), SH_NOP | END);
	f->cs.state.reg[37] = 3;
	as_lock(f->mmu, AS, DATA, 12);
	/* the smallest region has 32 KiB: the descriptors are locked, too */
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(run(f, RUN_COMPUTE(0, 0, 0, 0)), CSF_STALLED);
	assert_int_equal(f->cs.state.extract, 0);
	as_unlock(f->mmu, AS);
	assert_int_equal(csf_stream_run(&f->cs, 8, PLENTY), CSF_RING_EMPTY);
	assert_int_equal(get32(f, DATA), 3);
	drop_fixture(f);
}

static void assert_fatal(struct fixture *f, enum csf_outcome outcome, uint32_t exception,
			 uint64_t info)
{
	assert_int_equal(outcome, CSF_FATAL);
	assert_int_equal(f->cs.exception, exception);
	assert_int_equal(f->cs.exception_info, info);
	assert_int_equal(f->cs.state.extract, 8);
	assert_true(csf_state_valid(&f->cs.state));
}

static void test_faults(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	put_shader(f, 0, SH_NOP, 0);
	assert_fatal(f, run(f, NOP, RUN_COMPUTE(0, 0, 0, 0)), 0x51, 0);
	restart(f);
	set_registers(f);
	put_shader(f, 0, SH_LD_PKA32(0, K_0, K_2_24));
	assert_fatal(f, run(f, NOP, RUN_COMPUTE(0, 0, 0, 0)), 0x58, 0x01000000);
	restart(f);
	set_registers(f);
	put_shader(f, 0, SH_STORE32(0, U(0), 2));
	assert_fatal(f, run(f, NOP, RUN_COMPUTE(0, 0, 0, 0)), 0x5a, DATA + 2);
	restart(f);
	set_registers(f);
	f->cs.state.reg[33] = ~0u;
	assert_fatal(f, run(f, NOP, RUN_COMPUTE(0, 0, 0, 0)), 0x58, ~0u);
	restart(f);
	set_registers(f);
	assert_fatal(f, run(f, NOP, RUN_COMPUTE(3, 0, 0, 0)), 0x49, RUN_COMPUTE(3, 0, 0, 0));
	drop_fixture(f);
}

static void test_page_faults(void **state)
{
	struct fixture *f = make_fixture();

	(void)state;
	set64(f, FAU(0), UNMAPPED);
	put_shader(f, 0, SH_STORE32(0, U(0), 0));
	assert_int_equal(run(f, NOP, RUN_COMPUTE(0, 0, 0, 0)), CSF_PAGE_FAULT);
	assert_int_equal(f->cs.state.extract, 8);
	restart(f);
	set_registers(f);
	set_pair(f, 16, UNMAPPED);
	assert_int_equal(run(f, RUN_COMPUTE(0, 0, 0, 0)), CSF_PAGE_FAULT);
	restart(f);
	set_registers(f);
	set64(f, SPD(0) + 8, UNMAPPED);
	assert_int_equal(run(f, RUN_COMPUTE(0, 0, 0, 0)), CSF_PAGE_FAULT);
	drop_fixture(f);
}

/* 5. Validity */

static void test_state_valid(void **state)
{
	struct csf_state s = { .extract = 8 };

	(void)state;
	assert_true(csf_state_valid(&s));
	s.job = (struct shader_job){
		.active = 1, .size = { 1, 1, 1 }, .local_size = { 1, 1, 1 },
	};
	assert_true(csf_state_valid(&s));
	s.job.local[2] = 1;
	assert_false(csf_state_valid(&s));
	s.job.active = 0;
	assert_true(csf_state_valid(&s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_selections),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_load_in_flight),
		cmocka_unit_test(test_empty_job),
		cmocka_unit_test(test_long_job),
		cmocka_unit_test(test_many_jobs),
		cmocka_unit_test(test_endless_shader),
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_page_faults),
		cmocka_unit_test(test_state_valid),
	};

	return cmocka_run_group_tests_name("csf_compute", tests, NULL, NULL);
}
