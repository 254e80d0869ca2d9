/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef PANTHOR_VMAS_SAMPLES_H
#define PANTHOR_VMAS_SAMPLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "panthor_vmas.h"

/*
 * Saved files in the driver's formats: the VMs of the firmware, of a subtest and of another process,
 * and what the subtest has printed at its failure.
 */

#define SAMPLE_SPARSE UINT64_C(0x100145000)
#define SAMPLE_FAULT UINT64_C(0x100200000)

static inline char *sample(const char *name)
{
	char error[VMAS_ERROR_LEN] = "", path[512], *text;

	snprintf(path, sizeof(path), SAMPLES "/%s", name);
	assert_int_equal(vmas_read_file(path, &text, error), 0);
	return text;
}

static inline struct vmas_input sample_copies(void)
{
	return (struct vmas_input) { .gpuvas = sample("gpuvas"), .gems = sample("gems") };
}

/* Random numbers: xorshift64*. The seed is fixed, so that a failure repeats. */
static inline uint64_t sample_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

/* Damages some bytes of a text, and cuts it. Digits and blanks make it more than nonsense. */
static inline void sample_damage(char *text, uint64_t *state)
{
	static const char bytes[] = "0123456789abcdefx |\n/\t\x80\xff-:";
	const size_t length = strlen(text);

	for (unsigned int i = 0; length && i < 1 + sample_random(state) % 16; i++)
		text[sample_random(state) % length] =
			bytes[sample_random(state) % (sizeof(bytes) - 1)];
	if (length && sample_random(state) % 2)
		text[sample_random(state) % length] = '\0';
}

#endif /* PANTHOR_VMAS_SAMPLES_H */
