/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_TESTS_RANDOM_H
#define VMALI_TESTS_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/*
 * Random numbers for tests: xorshift64*, so that a seed gives the same numbers on every machine.
 * Each run has a new seed and prints it. VMALI_TEST_SEED sets the seed.
 */
struct random {
	uint64_t state;
};

static inline struct random random_start(const char *test)
{
	const char *given = getenv("VMALI_TEST_SEED");
	struct timespec now;
	uint64_t seed;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = given ? strtoull(given, NULL, 0)
		     : (uint64_t)now.tv_sec << 20 ^ (uint64_t)now.tv_nsec;
	printf("%s: VMALI_TEST_SEED=0x%llx\n", test, (unsigned long long)seed);
	fflush(stdout);
	/* 0 is the fixed point of the generator */
	return (struct random){ .state = seed ? seed : 1 };
}

static inline uint64_t random_next(struct random *random)
{
	random->state ^= random->state >> 12;
	random->state ^= random->state << 25;
	random->state ^= random->state >> 27;
	return random->state * 0x2545f4914f6cdd1dull;
}

/* 0 .. @bound - 1 */
static inline uint64_t random_below(struct random *random, uint64_t bound)
{
	return random_next(random) % bound;
}

#endif
