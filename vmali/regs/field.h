/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_REGS_FIELD_H
#define VMALI_REGS_FIELD_H

#include <stdint.h>

/*
 * A bit field of a register or instruction word, @lsb its lowest bit, @width its bits (1..64).
 * Layouts are tables of fields, so that no code shifts by hand.
 */
struct field {
	uint8_t lsb, width;
};

#define FIELD(hi, lo) ((struct field){ .lsb = (lo), .width = (hi) - (lo) + 1 })

static inline uint64_t field_mask(struct field f)
{
	return (f.width == 64 ? ~0ull : (1ull << f.width) - 1) << f.lsb;
}

/* Value of @f in @word, zero-extended. */
static inline uint64_t field_get(uint64_t word, struct field f)
{
	return (word & field_mask(f)) >> f.lsb;
}

/* Value of @f in @word, sign-extended. */
static inline int64_t field_get_signed(uint64_t word, struct field f)
{
	uint64_t sign = 1ull << (f.width - 1);

	return (int64_t)((field_get(word, f) ^ sign) - sign);
}

/* @word with @f set to @value; bits of @value beyond the field are dropped. */
static inline uint64_t field_set(uint64_t word, struct field f, uint64_t value)
{
	return (word & ~field_mask(f)) | ((value << f.lsb) & field_mask(f));
}

#endif
