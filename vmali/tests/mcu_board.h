/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_TESTS_MCU_BOARD_H
#define VMALI_TESTS_MCU_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "mcu/mcu.h"
#include "mmu/mmu.h"
#include "tests/firmware_client.h"

/*
 * The MCU with its MMU and streams, and the driver's side of its interface, for tests: no
 * registers, no thread, a clock that stands still until a test moves it.
 */

#define MS 1000000ull

struct board {
	struct guest_memory *mem;
	struct mmu *mmu;
	struct mcu *mcu;
	struct client client;
	uint64_t now_ns;
	uint32_t job_bits;	/* raised since last taken */
	unsigned int faults;	/* MMU faults reported */
};

/* A driver that has not started the MCU, and one that has: initialised, no interrupt pending. */
int board_setup_off(void **state);
int board_setup(void **state);
int board_teardown(void **state);

/* Bits of the job interrupt that were raised since the last call. */
uint32_t take_job_bits(struct board *b);

/* Run until there is nothing to do at once. The bound is far more slices than a test needs. */
enum mcu_next run(struct board *b);

/* Ring the global doorbell, and run. */
void ring_global(struct board *b);

void boot(struct board *b);

/* Request a state of group @g and ring the global doorbell, without a run. */
void state_request(struct board *b, unsigned int g, uint32_t state);
bool state_acked(struct board *b, unsigned int g);

void start_group(struct board *b, unsigned int g, uint32_t streams);
/* A stream of the group may be in the middle of its work. */
void suspend_group(struct board *b, unsigned int g);
/* Start group 0 with a suspend buffer that is not mapped, and request SUSPEND. */
void suspend_without_buffer(struct board *b);

/* Jobs. Called code uses registers 0..15, the ring uses registers from 64. */

/* In the ring: call @count instructions at CODE_VA, then add 1 to the stream's sync object. */
void put_job(struct board *b, unsigned int g, unsigned int s, unsigned int count);
/* Called code: add 3 @turns times, and store the sum at DATA_VA. */
void put_sum(struct board *b, unsigned int g, unsigned int s, uint32_t turns);
/* Called code: a compute job of one thread with the @count instructions of @shader. */
void put_shader(struct board *b, unsigned int g, unsigned int s, const uint64_t *shader,
		unsigned int count);

#endif
