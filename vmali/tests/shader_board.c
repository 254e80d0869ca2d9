// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/shader_board.h"

uint64_t desc_gpa(uint64_t va)
{
	return DESC_GPA + (va - DESC);
}

static const uint32_t uniforms[] = {
	(uint32_t)DATA, DATA >> 32, (uint32_t)READ_ONLY, READ_ONLY >> 32, (uint32_t)UNMAPPED,
	UNMAPPED >> 32, 0xfedcba98, 0x89abcdef, 0x80000000, 0x80ff7f01, 5, -5, 0xfffffffe, 33,
	0x3f1f2104,
};

static void put_uniforms(struct fixture *f)
{
	for (unsigned int i = 0; i < 2 * UNIFORM_COUNT; i++)
		guest_set32(f->mem, desc_gpa(FAU) + 4 * i, i < COUNT_OF(uniforms) ? uniforms[i] : 0x1000 + i);
}

uint64_t pattern(unsigned int index)
{
	return 0x8887868584838281ull + index * 0x0101010101010101ull;
}

static void put_data(struct fixture *f)
{
	for (unsigned int i = 0; i < PAGE_BYTES / 8; i++)
		guest_set64(f->mem, DATA_GPA + 8 * i, pattern(i % 64));
}

void put_program(struct fixture *f, uint16_t preload, uint64_t entry)
{
	guest_set64(f->mem, desc_gpa(SPD), 0x18 | B(preload, 32));
	guest_set64(f->mem, desc_gpa(SPD) + 8, entry);
}

void reset(struct fixture *f)
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

struct fixture *make_fixture(void)
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

void drop_fixture(struct fixture *f)
{
	mmu_destroy(f->mmu);
	guest_memory_destroy(f->mem);
	free(f);
}

void put_code(struct fixture *f, const uint64_t *word, size_t count)
{
	for (size_t i = 0; i < count; i++)
		guest_set64(f->mem, CODE_GPA + 8 * i, word[i]);
}

enum shader_outcome start(struct fixture *f)
{
	return shader_job_start(&f->job, f->mmu, AS, &f->params, &f->fault);
}

enum shader_outcome run_on(struct fixture *f, unsigned int budget)
{
	return shader_job_run(&f->job, f->mmu, AS, &budget, &f->fault);
}

enum shader_outcome run_words(struct fixture *f, const uint64_t *word, size_t count)
{
	enum shader_outcome outcome;

	put_code(f, word, count);
	guest_set64(f->mem, CODE_GPA + 8 * count, SH_NOP | END);
	outcome = start(f);
	return outcome == SHADER_SLICE_USED ? run_on(f, PLENTY) : outcome;
}

void assert_fault(struct fixture *f, enum shader_outcome outcome, uint32_t exception,
		  uint64_t info)
{
	assert_int_equal(outcome, SHADER_FAULT);
	assert_int_equal(f->fault.exception, exception);
	assert_int_equal(f->fault.info, info);
}

void put_resource(struct fixture *f, unsigned int n, uint64_t flags, uint64_t va, uint64_t size)
{
	guest_set64(f->mem, desc_gpa(SRT) + 16 * n, va | flags);
	guest_set64(f->mem, desc_gpa(SRT) + 16 * n + 8, size);
}

void put_buffer(struct fixture *f, unsigned int n, uint64_t type, uint64_t va, uint32_t size)
{
	guest_set64(f->mem, desc_gpa(BUFFERS) + 32 * n, type | B(size, 32));
	guest_set64(f->mem, desc_gpa(BUFFERS) + 32 * n + 8, va);
}

void put_resources(struct fixture *f)
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
