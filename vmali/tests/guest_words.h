/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_GUEST_WORDS_H
#define VMALI_GUEST_WORDS_H

#include "memory/guest_memory.h"

/* Words of guest memory that exist, by guest-physical address. Needs cmocka.h. */

static inline void guest_set32(struct guest_memory *mem, uint64_t gpa, uint32_t value)
{
	assert_int_equal(guest_memory_write32(mem, gpa, value), 0);
}

static inline uint32_t guest_get32(struct guest_memory *mem, uint64_t gpa)
{
	uint32_t value;

	assert_int_equal(guest_memory_read32(mem, gpa, &value), 0);
	return value;
}

static inline void guest_set64(struct guest_memory *mem, uint64_t gpa, uint64_t value)
{
	assert_int_equal(guest_memory_write64(mem, gpa, value), 0);
}

static inline uint64_t guest_get64(struct guest_memory *mem, uint64_t gpa)
{
	uint64_t value;

	assert_int_equal(guest_memory_read64(mem, gpa, &value), 0);
	return value;
}

#endif
