/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_TESTS_SHADER_BOARD_H
#define VMALI_TESTS_SHADER_BOARD_H

#include <stddef.h>
#include <stdint.h>

#include "memory/guest_memory.h"
#include "mmu/mmu.h"
#include "shader/job.h"
#include "tests/guest_words.h"
#include "tests/pgtable_builder.h"
#include "tests/shader_words.h"

/*
 * The shader core with guest memory and an MMU, for tests of instructions and of jobs: no command
 * stream, no thread. Needs cmocka.h.
 */

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

#define WIDE 0x89abcdeffedcba98ull

#define WORKGROUP(x, y, z) (B((x) - 1, 0) | B((y) - 1, 10) | B((z) - 1, 20))

#define HANDLE(table, index) ((table) << 24 | (index))

#define DESCRIPTORS B(1, 56)
#define SIMPLE 0x19			/* type and buffer type */

#define WORDS(...) (const uint64_t[]){ __VA_ARGS__ }
#define COUNT(...) (sizeof(WORDS(__VA_ARGS__)) / sizeof(uint64_t))

struct fixture *make_fixture(void);
void drop_fixture(struct fixture *f);

/* One thread with all registers that can be preloaded. */
void reset(struct fixture *f);

/* Guest-physical address of a descriptor. */
uint64_t desc_gpa(uint64_t va);

/* The @index-th word of 64 bits at DATA. */
uint64_t pattern(unsigned int index);

void put_program(struct fixture *f, uint16_t preload, uint64_t entry);
void put_code(struct fixture *f, const uint64_t *word, size_t count);

/* Entry @n of the resource tables. */
void put_resource(struct fixture *f, unsigned int n, uint64_t flags, uint64_t va, uint64_t size);

/* Descriptor @n of table 1. */
void put_buffer(struct fixture *f, unsigned int n, uint64_t type, uint64_t va, uint32_t size);

/* Table 1: a buffer of 20 bytes at DATA, a null descriptor, others that are no simple buffers. */
void put_resources(struct fixture *f);

enum shader_outcome start(struct fixture *f);
enum shader_outcome run_on(struct fixture *f, unsigned int budget);

/* Run @word as a shader, which a NOP ends. */
enum shader_outcome run_words(struct fixture *f, const uint64_t *word, size_t count);

#define run(f, ...) run_words(f, WORDS(__VA_ARGS__), COUNT(__VA_ARGS__))

void assert_fault(struct fixture *f, enum shader_outcome outcome, uint32_t exception,
		  uint64_t info);

#endif
