// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * Unit tests of shader/: jobs of many threads, and the slices in which they run.
 *
 *  1. jobs: IDs of all threads, uniforms, descriptors and sizes that are refused.
 *  2. slices: the exact number of instructions; a job that stops at each of its instructions and
 *     goes on from a copy of its state; stalls; code and uniforms that change between slices.
 *  3. validity of a state from a suspend buffer.
 *  4. random words and random states: never a crash, never more than the budget, never a write
 *     outside of the pages that are mapped writable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/random.h"
#include "tests/shader_board.h"
#include "trace/trace.h"

/* 1. Jobs */

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

/* 2. Slices */

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

/* 3. Suspend */

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

/* 4. Random words */

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
		cmocka_unit_test(test_grid),
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_preload),
		cmocka_unit_test(test_refused_jobs),
		cmocka_unit_test(test_refused_programs),
		cmocka_unit_test(test_empty_jobs),
		cmocka_unit_test(test_largest_job),
		cmocka_unit_test(test_uniforms),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_resume_anywhere),
		cmocka_unit_test(test_stalls),
		cmocka_unit_test(test_slices_are_fresh),
		cmocka_unit_test(test_long_code),
		cmocka_unit_test(test_job_valid),
		cmocka_unit_test(test_fuzz_jobs),
	};

	return cmocka_run_group_tests_name("shader_jobs", tests, NULL, NULL);
}
