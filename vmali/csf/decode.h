/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_CSF_DECODE_H
#define VMALI_CSF_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "csf/isa.h"

/**
 * struct csf_instr - A decoded instruction
 * @arg: operands, by enum csf_operand; 0 where the instruction has none. Registers are valid
 *	numbers, pairs and register lists end within the register file, conditions and scoreboard
 *	entries exist.
 */
struct csf_instr {
	uint64_t word;
	const struct csf_op *op;
	int64_t arg[CSF_ARG_COUNT];
};

/**
 * csf_decode() - Decode an instruction word
 *
 * Undefined bits of the instruction are ignored (assumed) and logged once.
 *
 * Return: false if the opcode does not exist or an operand is out of range.
 */
bool csf_decode(uint64_t word, struct csf_instr *instr);

/**
 * csf_disassemble() - Write @word as text, "ADD_IMM64 dst d68, src d66, imm -8"
 *
 * Instructions that csf_decode() rejects are printed too. @buf holds @size bytes and is always
 * terminated.
 */
void csf_disassemble(uint64_t word, char *buf, size_t size);

#endif
