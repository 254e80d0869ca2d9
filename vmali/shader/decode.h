/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_SHADER_DECODE_H
#define VMALI_SHADER_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shader/isa.h"

/**
 * struct shader_instr - A decoded instruction
 * @flow: enum shader_flow.
 * @page: page of the uniforms that sources name.
 * @sources: number of sources.
 * @uniforms: number of 32-bit uniforms that must exist: one more than the last that is read.
 * @arg: operands, by enum shader_arg; 0 where the instruction has none. Registers, pairs and
 *	staging registers are inside the register file, all other values are known.
 */
struct shader_instr {
	uint64_t word;
	const struct shader_op *op;
	uint8_t flow, page, sources;
	uint16_t uniforms;
	int32_t arg[SHADER_ARG_COUNT];
};

/**
 * shader_decode() - Decode an instruction word
 *
 * Return: false if the instruction, one of its operands, or any other bit is not known.
 */
bool shader_decode(uint64_t word, struct shader_instr *instr);

/**
 * shader_disassemble() - Write @word as text, "IADD_IMM.i32 dst r1, src0 r2, imm 0x10"
 *
 * Instructions with operands that shader_decode() rejects are printed, too. @buf holds @size bytes
 * and is always terminated.
 */
void shader_disassemble(uint64_t word, char *buf, size_t size);

/* Place of a load in its staging registers, which depends on the size and the lane. */
struct shader_lane {
	uint8_t offset, width;	/* in bytes; width 0: no such lane */
};

/* @bytes: size of the access. */
struct shader_lane shader_load_lane(unsigned int bytes, unsigned int lane);

#endif
