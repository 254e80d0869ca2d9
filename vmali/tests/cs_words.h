/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_TESTS_CS_WORDS_H
#define VMALI_TESTS_CS_WORDS_H

#include <stdint.h>

#include "tests/random.h"

/*
 * Instructions for tests. The encodings are copied from Mesa's v10.xml, independent of the
 * decoder's table, so that a wrong entry there is detected.
 */
#define F(value, lsb) ((uint64_t)(value) << (lsb))
#define S16(value) ((uint64_t)(uint16_t)(value))
#define S32(value) ((uint64_t)(uint32_t)(value))

#define NOP 0ull
#define MOVE48(d, imm) (F(1, 56) | F(d, 48) | (imm))
#define MOVE32(r, imm) (F(2, 56) | F(r, 48) | (imm))
#define WAIT(mask) (F(3, 56) | F(mask, 16))
#define RUN_COMPUTE(axis, srt, spd, fau) \
	(F(4, 56) | F(fau, 46) | F(spd, 42) | F(srt, 40) | F(axis, 14) | 1)
#define RUN_COMPUTE_INDIRECT(srt, spd, fau) \
	(F(44, 56) | F(fau, 46) | F(spd, 42) | F(srt, 40) | 1)
#define SET_EXCEPTION_HANDLER(type, addr, length) \
	(F(25, 56) | F(addr, 40) | F(length, 32) | (type))
#define ADD_IMM32(d, s, imm) (F(16, 56) | F(d, 48) | F(s, 40) | S32(imm))
#define ADD_IMM64(d, s, imm) (F(17, 56) | F(d, 48) | F(s, 40) | S32(imm))
#define UMIN32(d, a, b) (F(18, 56) | F(d, 48) | F(a, 40) | F(b, 32))
#define LOAD(base, mask, addr, off) \
	(F(20, 56) | F(base, 48) | F(addr, 40) | F(mask, 16) | S16(off))
#define STORE(base, mask, addr, off) \
	(F(21, 56) | F(base, 48) | F(addr, 40) | F(mask, 16) | S16(off))
#define BRANCH(cond, value, off) (F(22, 56) | F(value, 40) | F(cond, 28) | S16(off))
#define SET_SB_ENTRY(endpoint, other) (F(23, 56) | F(other, 4) | (endpoint))
#define CALL(addr, length) (F(32, 56) | F(addr, 40) | F(length, 32))
#define JUMP(addr, length) (F(33, 56) | F(addr, 40) | F(length, 32))
#define REQ_RESOURCE(mask) (F(34, 56) | (mask))
#define FLUSH_CACHE2(l2, lsc, other, wait, id, signal) \
	(F(36, 56) | F(signal, 48) | F(id, 40) | F(wait, 16) | F(other, 8) | F(lsc, 4) | (l2))
#define SYNC_ADD32(addr, data, error) (F(37, 56) | F(addr, 40) | F(data, 32) | (error))
#define SYNC_SET32(addr, data, error) (F(38, 56) | F(addr, 40) | F(data, 32) | (error))
#define SYNC_WAIT32(cond, addr, data, error) \
	(F(39, 56) | F(addr, 40) | F(data, 32) | F(cond, 28) | (error))
#define STORE_STATE(state, addr, off) (F(40, 56) | F(addr, 40) | F(state, 32) | S16(off))
#define ERROR_BARRIER F(47, 56)
#define HEAP_SET(addr) (F(48, 56) | F(addr, 40))
#define HEAP_OPERATION(op) (F(49, 56) | F(op, 32))
#define SYNC_ADD64(addr, data, error) (F(51, 56) | F(addr, 40) | F(data, 32) | (error))
#define SYNC_SET64(addr, data, error) (F(52, 56) | F(addr, 40) | F(data, 32) | (error))
#define SYNC_WAIT64(cond, addr, data, error) \
	(F(53, 56) | F(addr, 40) | F(data, 32) | F(cond, 28) | (error))

enum { LEQUAL, GREATER, EQUAL, NEQUAL, LESS, GEQUAL, ALWAYS };

/* Mostly valid instructions on existing registers: a fully random word would end the stream. */
static inline uint64_t fuzz_word(struct random *random)
{
	static const uint8_t opcodes[] = {
		0, 1, 2, 3, 4, 16, 17, 18, 20, 21, 22, 23, 25, 32, 33, 34, 36, 37, 38, 39, 40, 44,
		47, 48, 51, 52, 53,
	};
	uint64_t word = random_next(random);
	unsigned int opcode = opcodes[random_below(random, sizeof(opcodes))];

	if (random_below(random, 16) == 0)
		return word;
	word &= 0x003e3e3effffffffull;
	if (random_below(random, 2))
		word &= ~F(0xc, 28);		/* makes conditions and masks valid more often */
	return word | F(opcode, 56);
}

#endif
