// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include <endian.h>
#include <string.h>

#include "mmu/mmu.h"
#include "shader/internal.h"

/*
 * Loads, stores and atomic operations, through the MMU. An access that stalls or faults has changed
 * neither memory nor registers. Registers hold memory in little-endian order: byte n of an access
 * is byte n % 4 of register n / 4.
 */
#define ACCESS_MAX 16

/*
 * Words of 32 and 64 bits are aligned to 4 bytes (components of a vector), smaller ones to their
 * size. Hardware's limits are not known: a misaligned access faults.
 */
static unsigned int alignment(unsigned int bytes)
{
	if (bytes % 4 == 0)
		return 4;
	return bytes % 2 ? 1 : 2;
}

/* Accesses of a naturally aligned word are single-copy atomic. */
static int read_memory(struct shader_core *core, uint64_t va, uint8_t *buf, unsigned int bytes)
{
	uint32_t word;
	uint64_t pair;
	int error;

	if (bytes == sizeof(word)) {
		error = mmu_read32(core->mmu, core->as, va, &word);
		word = htole32(error ? 0 : word);
		memcpy(buf, &word, sizeof(word));
		return error;
	}
	if (bytes == sizeof(pair) && va % sizeof(pair) == 0) {
		error = mmu_read64(core->mmu, core->as, va, &pair);
		pair = htole64(error ? 0 : pair);
		memcpy(buf, &pair, sizeof(pair));
		return error;
	}
	return mmu_read(core->mmu, core->as, va, buf, bytes);
}

static int write_memory(struct shader_core *core, uint64_t va, const uint8_t *buf,
			unsigned int bytes)
{
	uint32_t word;
	uint64_t pair;

	if (bytes == sizeof(word)) {
		memcpy(&word, buf, sizeof(word));
		return mmu_write32(core->mmu, core->as, va, le32toh(word));
	}
	if (bytes == sizeof(pair) && va % sizeof(pair) == 0) {
		memcpy(&pair, buf, sizeof(pair));
		return mmu_write64(core->mmu, core->as, va, le64toh(pair));
	}
	return mmu_write(core->mmu, core->as, va, buf, bytes);
}

static uint32_t *staging(struct shader_core *core, const struct shader_instr *instr)
{
	return &core->job->reg[field_get(instr->arg[SHADER_ARG_STAGING], SHADER_DST_REG)];
}

/* Write @count bytes to registers, from byte @offset of the first one; other bytes stay. */
static void set_bytes(uint32_t *reg, unsigned int offset, const uint8_t *buf, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		unsigned int at = offset + i;
		struct field byte = { .lsb = at % 4 * 8, .width = 8 };

		reg[at / 4] = field_set(reg[at / 4], byte, buf[i]);
	}
}

static void get_bytes(const uint32_t *reg, uint8_t *buf, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		buf[i] = reg[i / 4] >> i % 4 * 8;
}

/* Extend the @bytes in @buf to @width bytes, with the sign if there is one. */
static void extend(const struct shader_instr *instr, uint8_t *buf, unsigned int bytes,
		   unsigned int width)
{
	bool negative = !instr->arg[SHADER_ARG_UNSIGNED] && buf[bytes - 1] & 0x80;

	for (unsigned int i = bytes; i < width; i++)
		buf[i] = negative ? 0xff : 0;
}

static void set_loaded(struct shader_core *core, const struct shader_instr *instr, uint8_t *buf)
{
	unsigned int bytes = instr->op->variant;
	struct shader_lane lane = shader_load_lane(bytes, instr->arg[SHADER_ARG_LOAD_LANE]);

	extend(instr, buf, bytes, lane.width);
	set_bytes(staging(core, instr), lane.offset, buf, lane.width);
}

static uint64_t address(const struct shader_core *core, const struct shader_instr *instr)
{
	return shader_src64(core, instr, SHADER_ARG_SRC0) +
	       (uint64_t)(int64_t)instr->arg[SHADER_ARG_OFFSET];
}

enum shader_step shader_exec_load(struct shader_core *core, const struct shader_instr *instr)
{
	unsigned int bytes = instr->op->variant;
	uint64_t va = address(core, instr);
	uint8_t buf[ACCESS_MAX];
	int error;

	if (va % alignment(bytes))
		return shader_fault(core, SHADER_EXC_ADDR_RANGE_FAULT, va);
	error = read_memory(core, va, buf, bytes);
	if (error)
		return shader_access_step(core, error, va);
	set_loaded(core, instr, buf);
	return SHADER_STEP_NEXT;
}

enum shader_step shader_exec_store(struct shader_core *core, const struct shader_instr *instr)
{
	unsigned int bytes = instr->op->variant;
	uint64_t va = address(core, instr);
	uint8_t buf[ACCESS_MAX];
	int error;

	if (va % alignment(bytes))
		return shader_fault(core, SHADER_EXC_ADDR_RANGE_FAULT, va);
	get_bytes(staging(core, instr), buf, bytes);
	error = write_memory(core, va, buf, bytes);
	return error ? shader_access_step(core, error, va) : SHADER_STEP_NEXT;
}

/*
 * Bytes of an access at @offset that are inside of @buffer. Whole components only: words, or the
 * access if it is smaller than a word (assumed; robustBufferAccess2, which the driver offers on the
 * strength of this check, wants it so).
 */
static unsigned int bytes_inside(const struct shader_buffer *buffer, uint32_t offset,
				 unsigned int bytes)
{
	uint64_t left = offset < buffer->size ? buffer->size - offset : 0;

	if (left >= bytes)
		return bytes;
	return bytes % 4 ? 0 : left & ~3ull;
}

/* A load from a buffer. What is outside of it reads 0. */
enum shader_step shader_exec_ld_pka(struct shader_core *core, const struct shader_instr *instr)
{
	uint32_t offset = shader_src(core, instr, SHADER_ARG_SRC0);
	uint32_t handle = shader_src(core, instr, SHADER_ARG_SRC1);
	unsigned int bytes = instr->op->variant, inside;
	uint8_t buf[ACCESS_MAX] = { 0 };
	struct shader_buffer buffer;
	enum shader_step step = shader_find_buffer(core, handle, &buffer);
	int error = 0;

	if (step != SHADER_STEP_NEXT)
		return step;
	if ((buffer.va + offset) % alignment(bytes))
		return shader_fault(core, SHADER_EXC_ADDR_RANGE_FAULT, buffer.va + offset);
	inside = bytes_inside(&buffer, offset, bytes);
	if (inside)
		error = read_memory(core, buffer.va + offset, buf, inside);
	if (error)
		return shader_access_step(core, error, buffer.va + offset);
	set_loaded(core, instr, buf);
	return SHADER_STEP_NEXT;
}

/*
 * The address of a byte of a buffer. Outside of the buffer it is 0, so that an access faults where
 * nothing is mapped (assumed: hardware's result is not known, and the driver checks bounds itself
 * where they matter).
 */
enum shader_step shader_exec_lea_pka(struct shader_core *core, const struct shader_instr *instr)
{
	uint32_t offset = shader_src(core, instr, SHADER_ARG_SRC0);
	uint32_t handle = shader_src(core, instr, SHADER_ARG_SRC1);
	struct shader_buffer buffer;
	enum shader_step step = shader_find_buffer(core, handle, &buffer);
	uint32_t *reg = staging(core, instr);
	uint64_t va;

	if (step != SHADER_STEP_NEXT)
		return step;
	va = offset < buffer.size ? buffer.va + offset : 0;
	reg[0] = va;
	reg[1] = va >> 32;
	return SHADER_STEP_NEXT;
}

/* Operand and result of an atomic operation, of 32 or 64 bits. */
struct atomic {
	struct field field;	/* of a 64-bit value: all of it, or its lower half */
	uint64_t memory, operand, compare;
};

static uint64_t get_value(const uint32_t *reg, unsigned int bytes)
{
	return bytes == 4 ? reg[0] : reg[0] | (uint64_t)reg[1] << 32;
}

static void set_value(uint32_t *reg, unsigned int bytes, uint64_t value)
{
	reg[0] = value;
	if (bytes == 8)
		reg[1] = value >> 32;
}

static uint64_t smaller(const struct atomic *a, bool is_signed, bool want)
{
	bool less = is_signed ? field_get_signed(a->memory, a->field) <
				field_get_signed(a->operand, a->field) : a->memory < a->operand;

	return less == want ? a->memory : a->operand;
}

static uint64_t atomic_result(const struct atomic *a, enum shader_atomic operation, bool compare)
{
	switch (operation) {
	case SHADER_ATOM_ADD:
		return a->memory + a->operand;
	case SHADER_ATOM_SMIN:
		return smaller(a, true, true);
	case SHADER_ATOM_SMAX:
		return smaller(a, true, false);
	case SHADER_ATOM_UMIN:
		return smaller(a, false, true);
	case SHADER_ATOM_UMAX:
		return smaller(a, false, false);
	case SHADER_ATOM_AND:
		return a->memory & a->operand;
	case SHADER_ATOM_OR:
		return a->memory | a->operand;
	case SHADER_ATOM_XOR:
		return a->memory ^ a->operand;
	case SHADER_ATOM_EXCHANGE:
		return compare && a->memory != a->compare ? a->memory : a->operand;
	}
	return a->memory;
}

/* The operations whose operand is an implicit 1. */
static enum shader_atomic set_implicit(struct atomic *a, enum shader_atomic1 operation)
{
	static const enum shader_atomic operations[SHADER_ATOM1_COUNT] = {
		[SHADER_ATOM1_INC]	= SHADER_ATOM_ADD,
		[SHADER_ATOM1_DEC]	= SHADER_ATOM_ADD,
		[SHADER_ATOM1_UMAX]	= SHADER_ATOM_UMAX,
		[SHADER_ATOM1_SMAX]	= SHADER_ATOM_SMAX,
		[SHADER_ATOM1_OR]	= SHADER_ATOM_OR,
	};

	a->operand = operation == SHADER_ATOM1_DEC ? field_get(~0ull, a->field) : 1;
	return operations[operation];
}

static int read_value(struct shader_core *core, uint64_t va, unsigned int bytes, uint64_t *value)
{
	uint32_t word = 0;
	int error;

	if (bytes == sizeof(*value))
		return mmu_read64(core->mmu, core->as, va, value);
	error = mmu_read32(core->mmu, core->as, va, &word);
	*value = word;
	return error;
}

static int write_value(struct shader_core *core, uint64_t va, unsigned int bytes, uint64_t value)
{
	if (bytes == sizeof(value))
		return mmu_write64(core->mmu, core->as, va, value);
	return mmu_write32(core->mmu, core->as, va, value);
}

/* Write the old value to the registers that want it. */
static void return_value(struct shader_core *core, const struct shader_instr *instr, uint64_t value)
{
	unsigned int bytes = instr->op->variant;

	if (instr->op->exec == SHADER_EXEC_ATOM1 && instr->arg[SHADER_ARG_COUNT_READ])
		set_value(staging(core, instr), bytes, value);
	else if (instr->op->exec == SHADER_EXEC_ATOM &&
		 field_get(instr->arg[SHADER_ARG_STAGING], SHADER_STAGING_WRITE))
		set_value(&core->job->reg[instr->arg[SHADER_ARG_STAGING_DST]], bytes, value);
}

/*
 * Read, change, write: no other access of the GPU comes between, since threads and streams run one
 * by one. An exchange that compares has the new value in the first staging registers and the
 * expected one behind it (bi_emit_acmpxchg_to() in Mesa's bifrost_compile.c).
 */
enum shader_step shader_exec_atom(struct shader_core *core, const struct shader_instr *instr)
{
	unsigned int bytes = instr->op->variant;
	struct atomic a = { .field = { .lsb = 0, .width = bytes * 8 } };
	enum shader_atomic operation = instr->arg[SHADER_ARG_ATOMIC];
	const uint32_t *reg = staging(core, instr);
	uint64_t va = address(core, instr);
	int error;

	if (va % bytes)
		return shader_fault(core, SHADER_EXC_ADDR_RANGE_FAULT, va);
	error = read_value(core, va, bytes, &a.memory);
	if (instr->op->exec == SHADER_EXEC_ATOM1)
		operation = set_implicit(&a, instr->arg[SHADER_ARG_ATOMIC]);
	else
		a.operand = get_value(reg, bytes);
	if (instr->arg[SHADER_ARG_COMPARE])
		a.compare = get_value(reg + bytes / sizeof(*reg), bytes);
	if (!error)
		error = write_value(core, va, bytes,
				    atomic_result(&a, operation, instr->arg[SHADER_ARG_COMPARE]));
	if (error)
		return shader_access_step(core, error, va);
	return_value(core, instr, a.memory);
	return SHADER_STEP_NEXT;
}
