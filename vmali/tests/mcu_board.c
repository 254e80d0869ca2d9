// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/mcu_board.h"

#include "mcu/layout.h"
#include "regs/gpu_regs.h"

#define RUNS_MAX 10000
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static void board_job_irq(void *ctx, uint32_t bits)
{
	((struct board *)ctx)->job_bits |= bits;
}

static uint64_t board_timestamp(void *ctx)
{
	return ((struct board *)ctx)->now_ns;
}

static uint64_t board_cycles(void *ctx)
{
	return ((struct board *)ctx)->now_ns / 2;
}

static void board_fault(void *ctx, unsigned int as)
{
	(void)as;
	((struct board *)ctx)->faults++;
}

uint32_t take_job_bits(struct board *b)
{
	uint32_t bits = b->job_bits;

	b->job_bits = 0;
	return bits;
}

enum mcu_next run(struct board *b)
{
	for (unsigned int i = 0; i < RUNS_MAX; i++) {
		enum mcu_next next = mcu_run(b->mcu);

		if (next != MCU_RUN_AGAIN)
			return next;
	}
	fail_msg("still busy after %u slices", RUNS_MAX);
	return MCU_RUN_AGAIN;
}

void ring_global(struct board *b)
{
	mcu_doorbell(b->mcu, 0);
	run(b);
}

void boot(struct board *b)
{
	mcu_control_write(b->mcu, MCU_CONTROL_AUTO);
	run(b);
	assert_int_equal(mcu_status_read(b->mcu), MCU_STATUS_ENABLED);
}

int board_setup_off(void **state)
{
	struct board *b = test_calloc(1, sizeof(*b));
	const struct mmu_config mmu_config = { .fault = board_fault, .ctx = b };
	const struct mcu_config mcu_config = {
		.job_irq = board_job_irq,
		.timestamp = board_timestamp,
		.cycles = board_cycles,
		.timestamp_hz = 1000000000,
		.ctx = b,
	};

	b->now_ns = 5000 * MS;
	b->mem = guest_memory_create();
	assert_non_null(b->mem);
	client_init(&b->client, b->mem);
	b->mmu = mmu_create(b->mem, &mmu_config);
	assert_non_null(b->mmu);
	b->mcu = mcu_create(b->mmu, &mcu_config);
	assert_non_null(b->mcu);
	*state = b;
	return 0;
}

int board_setup(void **state)
{
	struct board *b;

	board_setup_off(state);
	b = *state;
	as_enable(b->mmu, 0, &b->client.mcu_pt);
	for (unsigned int as = 1; as < MMU_AS_COUNT; as++)
		as_enable(b->mmu, as, &b->client.user_pt);
	boot(b);
	client_init_global(&b->client);
	ring_global(b);
	take_job_bits(b);
	return 0;
}

int board_teardown(void **state)
{
	struct board *b = *state;

	mcu_destroy(b->mcu);
	mmu_destroy(b->mmu);
	guest_memory_destroy(b->mem);
	test_free(b);
	return 0;
}

void state_request(struct board *b, unsigned int g, uint32_t state)
{
	client_request_state(&b->client, g, state);
	mcu_doorbell(b->mcu, 0);
}

bool state_acked(struct board *b, unsigned int g)
{
	return !section_pending(&b->client, csg_in(&b->client, g), csg_out(&b->client, g),
				CSG_STATE | CSG_ENDPOINT_CONFIG);
}

void start_group(struct board *b, unsigned int g, uint32_t streams)
{
	client_program_group(&b->client, g, streams);
	state_request(b, g, CSG_START);
	run(b);
	assert_true(state_acked(b, g));
}

void put_job(struct board *b, unsigned int g, unsigned int s, unsigned int count)
{
	const uint64_t ring[] = {
		ins_move48(64, CODE_VA(g, s)), ins_move32(66, count * 8), ins_call(64, 66),
		ins_move48(64, SYNC_VA(g, s)), ins_move48(66, 1),	  ins_sync_add64(64, 66),
	};

	ring_put(&b->client, g, s, ring, ARRAY_SIZE(ring));
	ring_insert(&b->client, g, s);
}

void put_sum(struct board *b, unsigned int g, unsigned int s, uint32_t turns)
{
	const uint64_t code[] = {
		ins_move32(0, turns),
		ins_move32(1, 0),
		ins_add32(1, 1, 3),
		ins_add32(0, 0, -1),
		ins_branch(COND_GREATER, 0, -3),
		ins_move48(2, DATA_VA(g, s)),
		ins_store(1, 1, 2),
	};

	code_put(&b->client, CODE_VA(g, s), code, ARRAY_SIZE(code));
	user_put64(&b->client, DATA_VA(g, s), 0);
	put_job(b, g, s, ARRAY_SIZE(code));
}

void put_shader(struct board *b, unsigned int g, unsigned int s, const uint64_t *shader,
		unsigned int count)
{
	const uint64_t spd = DATA_VA(g, s) + 0x200, entry = DATA_VA(g, s) + 0x400;
	const uint64_t code[] = {
		ins_move48(16, spd),
		ins_move32(37, 1),
		ins_move32(38, 1),
		ins_move32(39, 1),
		INS_RUN_COMPUTE,
	};

	code_put(&b->client, CODE_VA(g, s), code, ARRAY_SIZE(code));
	code_put(&b->client, entry, shader, count);
	user_put64(&b->client, spd, 0x18);
	user_put64(&b->client, spd + 8, entry);
	put_job(b, g, s, ARRAY_SIZE(code));
}

void suspend_group(struct board *b, unsigned int g)
{
	state_request(b, g, CSG_SUSPEND);
	for (unsigned int i = 0; i < RUNS_MAX && !state_acked(b, g); i++)
		mcu_run(b->mcu);
	assert_true(state_acked(b, g));
}

void suspend_without_buffer(struct board *b)
{
	struct client *c = &b->client;

	client_program_group(c, 0, 1);
	section_put64(c, csg_in(c, 0) + CSG_I_SUSPEND_BUF, UNMAPPED_VA);
	state_request(b, 0, CSG_START);
	run(b);
	state_request(b, 0, CSG_SUSPEND);
	run(b);
}
