// SPDX-License-Identifier: MIT
/* Copyright (C) 2026 The vmali authors */
/*
 * The firmware interface, as panthor uses it, on the board of tests/mcu_board.h.
 *
 *  1. Boot, halt, disable, fast and slow reset: words that are written and words that are kept.
 *  2. Each global request is acknowledged, and interrupts only if the mask has its bit.
 *  3. A job: result, extract, SYNC_UPDATE and CSG_IDLE once, GLB_IDLE after its timer.
 *  4. SYNC_WAIT: status for the driver, release by another group and by the CPU.
 *  5. Suspend in the middle of a call and resume in another slot: registers, call stack, position.
 *     Suspend in the middle of a compute job.
 *  6. Faults: CS_FATAL, page fault, progress timer, invalid rings.
 *  7. Locked regions: nothing is lost while the interface, a ring or a suspend buffer is locked.
 *  8. Endless streams: other streams get an equal share, requests are executed.
 *  9. Random words in the shared section neither crash nor hang the MCU.
 *
 * Slices are counted, not timed. What the referee sees: test_mcu_rules.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "csf/stream.h"
#include "mcu/layout.h"
#include "regs/as_regs.h"
#include "regs/gpu_regs.h"
#include "tests/mcu_board.h"
#include "tests/random.h"
#include "tests/shader_words.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* @min <= @value <= @max, unsigned */
#define assert_within(value, min, max) \
	assert_true((uint64_t)(value) >= (min) && (uint64_t)(value) <= (max))

/* Advance the clock by @ms, and run the MCU every millisecond like the engine. */
static void pass_ms(struct board *b, unsigned int ms)
{
	for (unsigned int i = 0; i < ms; i++) {
		b->now_ns += MS;
		run(b);
	}
}

/* Called code: a compute job of one thread, which does the work of put_sum(). */
static void put_shader_sum(struct board *b, unsigned int g, unsigned int s, uint32_t turns)
{
	const uint64_t shader[] = {
		SH_MOV_IMM(0, turns),
		SH_IADD_IMM(1, 1, 3),
		SH_IADD_IMM(0, 0, -1),
		SH_BRANCHZ(0, -3),
		SH_MOV_IMM(2, DATA_VA(g, s)),
		SH_STORE32(1, 2, 0) | END,
	};

	user_put64(&b->client, DATA_VA(g, s), 0);
	put_shader(b, g, s, shader, ARRAY_SIZE(shader));
}

static void put_endless(struct board *b, unsigned int g, unsigned int s)
{
	const uint64_t code[] = { ins_add32(0, 0, 1), ins_branch(COND_ALWAYS, 0, -2) };

	code_put(&b->client, CODE_VA(g, s), code, ARRAY_SIZE(code));
	put_job(b, g, s, ARRAY_SIZE(code));
}

/* In the ring: wait until the 64-bit object at @va is above @value, then set the data to 1. */
static void put_wait(struct board *b, unsigned int g, unsigned int s, uint64_t va, uint64_t value)
{
	const uint64_t ring[] = {
		ins_move48(64, va),
		ins_move48(66, value),
		ins_sync_wait64(64, 66, COND_GREATER),
		ins_move48(64, DATA_VA(g, s)),
		ins_move48(66, 1),
		ins_sync_set64(64, 66),
	};

	ring_put(&b->client, g, s, ring, ARRAY_SIZE(ring));
	ring_insert(&b->client, g, s);
}

/* 1. Boot */

static void test_boot_writes_control(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	assert_int_equal(section_get(c, 0), 0x01010000);
	assert_int_equal(section_get(c, GLB_C_GROUP_NUM), 8);
	for (unsigned int g = 0; g < GROUPS; g++) {
		uint32_t control = 0x1000 + g * section_get(c, GLB_C_GROUP_STRIDE);

		assert_int_equal(section_get(c, control + CSG_C_STREAM_NUM), 8);
		assert_within(section_get(c, control + CSG_C_SUSPEND_SIZE), 1, 0x10000);
		assert_int_not_equal(section_get(c, control + CSG_C_PROTM_SUSPEND_SIZE), 0);
		assert_true(csg_in(c, g) <= SECTION_SIZE - 0x58);
		assert_true(csg_out(c, g) <= SECTION_SIZE - 0x20);
		for (unsigned int s = 0; s < STREAMS; s++) {
			uint32_t stream =
				control + 0x40 + s * section_get(c, control + CSG_C_STREAM_STRIDE);

			assert_int_equal(section_get(c, stream + CS_C_FEATURES), 0x7085f);
			assert_true(cs_in(c, g, s) <= SECTION_SIZE - 0x58);
			assert_true(cs_out(c, g, s) <= SECTION_SIZE - 0xd8);
		}
	}
}

static void test_boot_interrupts_once(void **state)
{
	struct board *b = *state;

	as_enable(b->mmu, 0, &b->client.mcu_pt);
	assert_int_equal(mcu_status_read(b->mcu), MCU_STATUS_DISABLED);
	boot(b);
	assert_int_equal(mcu_control_read(b->mcu), MCU_CONTROL_AUTO);
	assert_int_equal(take_job_bits(b), JOB_INT_GLOBAL_IF);
	run(b);
	assert_int_equal(take_job_bits(b), 0);
}

static void test_boot_without_memory(void **state)
{
	struct board *b = *state;

	mcu_control_write(b->mcu, MCU_CONTROL_AUTO);
	run(b);
	assert_int_equal(mcu_status_read(b->mcu), MCU_STATUS_FATAL);
	assert_int_equal(take_job_bits(b), 0);
	as_enable(b->mmu, 0, &b->client.mcu_pt);
	mcu_control_write(b->mcu, MCU_CONTROL_DISABLE);
	boot(b);
	assert_int_equal(take_job_bits(b), JOB_INT_GLOBAL_IF);
}

static void test_boot_waits_for_lock(void **state)
{
	struct board *b = *state;

	as_enable(b->mmu, 0, &b->client.mcu_pt);
	as_lock(b->mmu, 0, SECTION_VA + 0x8000, LOCK_LG2);
	mcu_control_write(b->mcu, MCU_CONTROL_AUTO);
	run(b);
	assert_int_equal(mcu_status_read(b->mcu), MCU_STATUS_DISABLED);
	as_unlock(b->mmu, 0);
	mcu_kick(b->mcu);
	run(b);
	assert_int_equal(mcu_status_read(b->mcu), MCU_STATUS_ENABLED);
}

static void halt(struct board *b)
{
	section_update(&b->client, glb_in(&b->client), GLB_HALT, GLB_HALT);
	ring_global(b);
	assert_int_equal(mcu_status_read(b->mcu), MCU_STATUS_HALT);
	/* not acknowledged: the driver clears the request */
	assert_int_equal(section_get(&b->client, glb_out(&b->client)) & GLB_HALT, 0);
	section_update(&b->client, glb_in(&b->client), 0, GLB_HALT);
}

static void test_halt_stops_streams(void **state)
{
	struct board *b = *state;

	start_group(b, 0, 1);
	halt(b);
	put_sum(b, 0, 0, 1);
	mcu_doorbell(b->mcu, 1);
	assert_int_equal(run(b), MCU_IDLE);
	assert_int_equal(ring_extract(&b->client, 0, 0), 0);
}

static void test_fast_reset_keeps_words(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;
	uint32_t glb_ack, csg_ack;

	start_group(b, 2, 1);
	state_request(b, 2, CSG_SUSPEND);
	run(b);
	glb_ack = section_get(c, glb_out(c));
	csg_ack = section_get(c, csg_out(c, 2));
	halt(b);
	mcu_control_write(b->mcu, MCU_CONTROL_DISABLE);
	assert_int_equal(mcu_status_read(b->mcu), MCU_STATUS_DISABLED);
	take_job_bits(b);
	boot(b);
	assert_int_equal(take_job_bits(b), JOB_INT_GLOBAL_IF);
	assert_int_equal(section_get(c, glb_out(c)), glb_ack);
	assert_int_equal(section_get(c, csg_out(c, 2)), csg_ack);
	start_group(b, 3, 1);
}

static void test_slow_reset_starts_anew(void **state)
{
	struct board *b = *state;

	start_group(b, 0, 1);
	put_endless(b, 0, 0);
	mcu_doorbell(b->mcu, 1);
	mcu_run(b->mcu);
	mcu_reset(b->mcu);
	assert_int_equal(mcu_status_read(b->mcu), MCU_STATUS_DISABLED);
	assert_int_equal(run(b), MCU_IDLE);
	section_zero(&b->client);
	boot(b);
	test_boot_writes_control(state);
	/* the reset drops the group */
	assert_int_equal(run(b), MCU_IDLE);
}

/* 2. Global requests */

static void test_global_requests(void **state)
{
	static const uint32_t requests[] = {
		GLB_PROGRESS_TIMER, GLB_ALLOC_EN,	GLB_POWEROFF_TIMER, GLB_PROTM_ENTER,
		GLB_PERFCNT_EN,	    GLB_PERFCNT_SAMPLE, GLB_COUNTER_EN,	    GLB_PING,
		GLB_FWCFG_UPDATE,   GLB_IDLE_EN,
	};
	struct board *b = *state;
	struct client *c = &b->client;

	for (unsigned int i = 0; i < 2 * ARRAY_SIZE(requests); i++) {
		uint32_t bit = requests[i / 2];
		bool asked = i % 2;

		section_put(c, glb_in(c) + GLB_I_ACK_IRQ_MASK, asked ? bit : ~bit);
		section_toggle(c, glb_in(c), glb_out(c), bit);
		run(b);
		assert_int_equal(section_pending(c, glb_in(c), glb_out(c), ~0u), bit);
		ring_global(b);
		assert_int_equal(section_pending(c, glb_in(c), glb_out(c), ~0u), 0);
		assert_int_equal(take_job_bits(b), asked ? JOB_INT_GLOBAL_IF : 0);
	}
}

/* 3. Jobs and events */

static void test_job(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	put_sum(b, 0, 0, 1000);
	start_group(b, 0, 1);
	assert_int_equal(user_get64(c, DATA_VA(0, 0)), 3000);
	assert_int_equal(user_get64(c, SYNC_VA(0, 0)), 1);
	assert_int_equal(ring_extract(c, 0, 0), c->insert[0][0]);
	assert_int_equal(ring_active(c, 0, 0), 1);
	assert_int_equal(take_job_bits(b), JOB_INT_CSG_IF(0));
	assert_int_equal(client_take_events(c, 0), CSG_SYNC_UPDATE | CSG_IDLE);
}

/* A doorbell without work raises no event: else driver and firmware would loop for ever. */
static void test_idle_once(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	put_sum(b, 0, 0, 1);
	start_group(b, 0, 0x3);
	client_take_events(c, 0);
	pass_ms(b, 5);
	take_job_bits(b);
	client_ring_group(c, 0, 0xff);
	mcu_doorbell(b->mcu, 1);
	ring_global(b);
	assert_int_equal(take_job_bits(b), 0);
	assert_int_equal(client_take_events(c, 0), 0);

	put_sum(b, 0, 0, 1);
	mcu_doorbell(b->mcu, 1);
	run(b);
	assert_int_equal(take_job_bits(b), JOB_INT_CSG_IF(0));
	assert_int_equal(client_take_events(c, 0), CSG_SYNC_UPDATE | CSG_IDLE);
}

static void test_events_are_masked(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	client_program_group(c, 0, 1);
	section_put(c, csg_in(c, 0) + CSG_I_ACK_IRQ_MASK, CSG_SYNC_UPDATE);
	state_request(b, 0, CSG_START);
	run(b);
	assert_int_equal(take_job_bits(b), 0);
	assert_int_equal(client_take_events(c, 0), CSG_IDLE);
	put_sum(b, 0, 0, 1);
	mcu_doorbell(b->mcu, 1);
	run(b);
	assert_int_equal(take_job_bits(b), JOB_INT_CSG_IF(0));
}

static void test_global_idle(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;
	uint32_t in = glb_in(c), out = glb_out(c);

	start_group(b, 0, 1);
	start_group(b, 1, 1);
	assert_int_equal(section_pending(c, in, out, GLB_IDLE), 0);
	pass_ms(b, 1);
	assert_int_equal(section_pending(c, in, out, GLB_IDLE), GLB_IDLE);
	section_update(c, in, section_get(c, out), GLB_IDLE);
	pass_ms(b, 10);
	assert_int_equal(section_pending(c, in, out, GLB_IDLE), 0);
	assert_int_equal(run(b), MCU_IDLE);

	put_sum(b, 1, 0, 1);
	mcu_doorbell(b->mcu, 2);
	run(b);
	pass_ms(b, 2);
	assert_int_equal(section_pending(c, in, out, GLB_IDLE), GLB_IDLE);
}

static void test_user_doorbell_is_its_groups(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	start_group(b, 0, 1);
	start_group(b, 1, 1);
	put_sum(b, 0, 0, 1);
	put_sum(b, 1, 0, 1);
	mcu_doorbell(b->mcu, 2);
	run(b);
	assert_int_equal(ring_extract(c, 0, 0), 0);
	assert_int_equal(ring_extract(c, 1, 0), c->insert[1][0]);
	mcu_doorbell(b->mcu, 1);
	run(b);
	assert_int_equal(ring_extract(c, 0, 0), c->insert[0][0]);
}

static void test_stream_stop_and_start(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	start_group(b, 0, 0x1);
	section_update(c, cs_in(c, 0, 0), CS_STOP, CS_STATE);
	client_ring_group(c, 0, 0x1);
	ring_global(b);
	assert_int_equal(section_pending(c, cs_in(c, 0, 0), cs_out(c, 0, 0), CS_STATE), 0);
	assert_int_equal(ring_active(c, 0, 0), 0);
	put_sum(b, 0, 0, 7);
	mcu_doorbell(b->mcu, 1);
	run(b);
	assert_int_equal(ring_extract(c, 0, 0), 0);

	section_update(c, cs_in(c, 0, 0), CS_START, CS_STATE);
	client_ring_group(c, 0, 0x1);
	ring_global(b);
	assert_int_equal(section_pending(c, cs_in(c, 0, 0), cs_out(c, 0, 0), CS_STATE), 0);
	assert_int_equal(user_get64(c, DATA_VA(0, 0)), 21);
}

static void test_ring_wraps(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	start_group(b, 0, 1);
	for (unsigned int i = 1; i <= 300; i++) {
		put_sum(b, 0, 0, i);
		mcu_doorbell(b->mcu, 1);
		run(b);
		assert_int_equal(user_get64(c, DATA_VA(0, 0)), 3 * i);
	}
	assert_true(c->insert[0][0] > 3 * RING_SIZE);
	assert_int_equal(ring_extract(c, 0, 0), c->insert[0][0]);
}

static void test_all_groups_and_streams(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	for (unsigned int g = 0; g < GROUPS; g++) {
		for (unsigned int s = 0; s < STREAMS; s++)
			put_sum(b, g, s, 100 * g + s + 1);
		start_group(b, g, 0xff);
	}
	for (unsigned int g = 0; g < GROUPS; g++) {
		for (unsigned int s = 0; s < STREAMS; s++)
			assert_int_equal(user_get64(c, DATA_VA(g, s)), 3 * (100 * g + s + 1));
		assert_int_equal(client_take_events(c, g), CSG_SYNC_UPDATE | CSG_IDLE);
	}
	assert_int_equal(take_job_bits(b), 0xff);
}

/* 4. SYNC_WAIT */

static void test_wait_status(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;
	uint32_t out;

	put_wait(b, 0, 1, SYNC_VA(5, 5), 0x1234567890ull);
	start_group(b, 0, 0x2);
	assert_int_equal(client_take_events(c, 0), CSG_IDLE);
	section_toggle(c, csg_in(c, 0), csg_out(c, 0), CSG_STATUS_UPDATE);
	client_ring_group(c, 0, 0);
	ring_global(b);
	assert_int_equal(section_pending(c, csg_in(c, 0), csg_out(c, 0), CSG_STATUS_UPDATE), 0);
	out = cs_out(c, 0, 1);
	assert_int_equal(section_get(c, out + CS_O_STATUS_BLOCKED_REASON), 3);
	assert_int_equal(section_get64(c, out + CS_O_STATUS_WAIT_SYNC_PTR), SYNC_VA(5, 5));
	assert_int_equal(section_get(c, out + CS_O_STATUS_WAIT_SYNC_VALUE), 0x34567890);
	assert_int_equal(section_get(c, out + CS_O_STATUS_WAIT_SYNC_VALUE_HI), 0x12);
	assert_int_equal(section_get(c, out + CS_O_STATUS_SCOREBOARDS), 0);
	/* a sync object, 64 bits, greater */
	assert_int_equal(section_get(c, out + CS_O_STATUS_WAIT), 0xc1000000);
	assert_int_equal(section_get64(c, out + CS_O_STATUS_CMD_PTR), RING_VA(0, 1) + 16);
}

static void test_wait_released_by_group(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;
	const uint64_t set[] = {
		ins_move48(64, SYNC_VA(5, 5)),
		ins_move48(66, 42),
		ins_sync_set64(64, 66),
	};

	put_wait(b, 0, 0, SYNC_VA(5, 5), 41);
	start_group(b, 0, 1);
	assert_int_equal(user_get64(c, DATA_VA(0, 0)), 0);
	ring_put(c, 3, 2, set, ARRAY_SIZE(set));
	ring_insert(c, 3, 2);
	/* the clock stands still: no check by time */
	start_group(b, 3, 0x4);
	assert_int_equal(user_get64(c, DATA_VA(0, 0)), 1);
}

static void test_wait_released_by_cpu(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	put_wait(b, 0, 0, SYNC_VA(5, 5), 41);
	start_group(b, 0, 1);
	pass_ms(b, 3);
	client_take_events(c, 0);
	take_job_bits(b);
	pass_ms(b, 3);
	/* a check without a change raises no event */
	assert_int_equal(take_job_bits(b), 0);
	user_put64(c, SYNC_VA(5, 5), 42);
	pass_ms(b, 2);
	assert_int_equal(user_get64(c, DATA_VA(0, 0)), 1);
	assert_int_equal(client_take_events(c, 0), CSG_SYNC_UPDATE | CSG_IDLE);
}

/* 5. Suspend and resume */

/*
 * Program slot @to with the rings, the suspend buffer and the AS of slot @from, like a driver that
 * binds a suspended group to another slot.
 */
static void move_group(struct board *b, unsigned int from, unsigned int to)
{
	struct client *c = &b->client;

	client_program_group(c, to, 0x1);
	section_put(c, csg_in(c, to) + CSG_I_CONFIG, GROUP_AS(from));
	section_put64(c, csg_in(c, to) + CSG_I_SUSPEND_BUF, SUSPEND_VA(from));
	section_put64(c, cs_in(c, to, 0) + CS_I_RING_BASE, RING_VA(from, 0));
	section_put64(c, cs_in(c, to, 0) + CS_I_RING_INPUT, RING_INPUT_VA(from, 0));
	section_put64(c, cs_in(c, to, 0) + CS_I_RING_OUTPUT, RING_OUTPUT_VA(from, 0));
}

static void test_suspend_in_call(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;
	uint64_t pc;

	start_group(b, 0, 0x1);
	put_sum(b, 0, 0, 1000);
	mcu_doorbell(b->mcu, 1);
	mcu_run(b->mcu);
	suspend_group(b, 0);
	assert_int_equal(ring_active(c, 0, 0), 0);
	/* in the loop, far from its end */
	pc = section_get64(c, cs_out(c, 0, 0) + CS_O_STATUS_CMD_PTR);
	assert_within(pc, CODE_VA(0, 0) + 16, CODE_VA(0, 0) + 40);
	assert_int_equal(user_get64(c, DATA_VA(0, 0)), 0);

	/* another group uses the slot in between */
	put_sum(b, 1, 0, 5);
	move_group(b, 1, 0);
	state_request(b, 0, CSG_START);
	run(b);
	assert_int_equal(user_get64(c, DATA_VA(1, 0)), 15);
	state_request(b, 0, CSG_TERMINATE);
	run(b);

	move_group(b, 0, 6);
	state_request(b, 6, CSG_RESUME);
	run(b);
	assert_true(state_acked(b, 6));
	assert_int_equal(user_get64(c, DATA_VA(0, 0)), 3000);
	assert_int_equal(user_get64(c, SYNC_VA(0, 0)), 1);
	assert_int_equal(ring_extract(c, 0, 0), c->insert[0][0]);
	assert_int_equal(client_take_events(c, 6), CSG_SYNC_UPDATE | CSG_IDLE);
}

/* Runs stream 0 of group 0 to its end, suspended after each slice. */
static void run_suspended(struct board *b)
{
	struct client *c = &b->client;
	unsigned int suspends = 0;

	mcu_doorbell(b->mcu, 1);
	for (; suspends < 100 && !user_get64(c, SYNC_VA(0, 0)); suspends++) {
		mcu_run(b->mcu);
		suspend_group(b, 0);
		client_program_group(c, 0, 0x1);
		state_request(b, 0, CSG_RESUME);
		mcu_run(b->mcu);
		assert_true(state_acked(b, 0));
	}
	assert_within(suspends, 10, 99);
}

static void test_suspend_every_slice(void **state)
{
	struct board *b = *state;

	start_group(b, 0, 0x1);
	put_sum(b, 0, 0, 2000);
	run_suspended(b);
	assert_int_equal(user_get64(&b->client, DATA_VA(0, 0)), 6000);
}

/* In the middle of a compute job. */
static void test_suspend_in_shader(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	start_group(b, 0, 0x1);
	put_shader_sum(b, 0, 0, 20000);
	run_suspended(b);
	assert_int_equal(user_get64(c, DATA_VA(0, 0)), 60000);
	assert_int_equal(ring_extract(c, 0, 0), c->insert[0][0]);
}

/* An endless shader delays neither other streams nor requests of the driver. */
static void test_endless_shader(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	/* a counter that starts at 0 takes 2^32 turns */
	put_shader_sum(b, 0, 0, 0);
	put_sum(b, 1, 0, 100);
	for (unsigned int g = 0; g < 2; g++) {
		client_program_group(c, g, 1);
		state_request(b, g, CSG_START);
	}
	for (unsigned int i = 0; i < 100 && !user_get64(c, SYNC_VA(1, 0)); i++)
		mcu_run(b->mcu);
	assert_int_equal(user_get64(c, DATA_VA(1, 0)), 300);
	suspend_group(b, 0);
	assert_int_equal(user_get64(c, DATA_VA(0, 0)), 0);
}

static void test_suspend_blocked(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	put_wait(b, 0, 0, SYNC_VA(5, 5), 41);
	start_group(b, 0, 1);
	suspend_group(b, 0);
	assert_int_equal(section_get(c, cs_out(c, 0, 0) + CS_O_STATUS_BLOCKED_REASON), 3);
	user_put64(c, SYNC_VA(5, 5), 42);
	client_program_group(c, 0, 0x1);
	state_request(b, 0, CSG_RESUME);
	run(b);
	assert_int_equal(user_get64(c, DATA_VA(0, 0)), 1);
}

static void test_terminate(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	put_endless(b, 0, 0);
	client_program_group(c, 0, 1);
	state_request(b, 0, CSG_START);
	mcu_run(b->mcu);
	mcu_run(b->mcu);
	state_request(b, 0, CSG_TERMINATE);
	assert_int_equal(run(b), MCU_IDLE);
	assert_true(state_acked(b, 0));
	assert_int_equal(ring_active(c, 0, 0), 0);
}

/* 6. Faults */

static void assert_fatal(struct board *b, unsigned int g, unsigned int s, uint32_t type)
{
	struct client *c = &b->client;

	assert_int_equal(take_job_bits(b) & JOB_INT_CSG_IF(g), JOB_INT_CSG_IF(g));
	assert_int_equal(section_pending(c, cs_in(c, g, s), cs_out(c, g, s), CS_FATAL), CS_FATAL);
	assert_int_equal(section_get(c, cs_out(c, g, s) + CS_O_FATAL) & 0xff, type);
	assert_int_equal(section_get(c, csg_out(c, g) + CSG_O_CS_IRQ_REQ) ^
				 section_get(c, csg_in(c, g) + CSG_I_CS_IRQ_ACK),
			 1u << s);
}

static void test_bad_instruction(void **state)
{
	static const uint64_t words[] = { INS_NOP, INS_INVALID };
	struct board *b = *state;
	struct client *c = &b->client;

	ring_put(c, 4, 5, words, ARRAY_SIZE(words));
	ring_insert(c, 4, 5);
	start_group(b, 4, 0x20);
	assert_fatal(b, 4, 5, CSF_EXC_CS_INSTR_INVALID);
	assert_int_equal(section_get64(c, cs_out(c, 4, 5) + CS_O_FATAL_INFO), INS_INVALID);
	/* halted: a doorbell does not restart the stream, and no event is repeated */
	mcu_doorbell(b->mcu, 5);
	run(b);
	assert_int_equal(take_job_bits(b), 0);
	state_request(b, 4, CSG_TERMINATE);
	run(b);
	assert_true(state_acked(b, 4));
	/* the slot is usable again */
	client_take_events(c, 4);
	section_update(c, cs_in(c, 4, 5), section_get(c, cs_out(c, 4, 5)), CS_FATAL);
	put_sum(b, 4, 0, 2);
	start_group(b, 4, 1);
	assert_int_equal(user_get64(c, DATA_VA(4, 0)), 6);
}

/*
 * A stream fails again before the driver has acknowledged the first CS_FATAL: the bit stays
 * pending. A second toggle would clear it.
 */
static void test_fatal_twice(void **state)
{
	const uint64_t words[] = { INS_INVALID };
	struct board *b = *state;
	struct client *c = &b->client;

	ring_put(c, 0, 2, words, ARRAY_SIZE(words));
	ring_insert(c, 0, 2);
	start_group(b, 0, 0x4);
	assert_fatal(b, 0, 2, CSF_EXC_CS_INSTR_INVALID);
	for (unsigned int i = 0; i < 2; i++) {
		section_update(c, cs_in(c, 0, 2), i ? CS_START : CS_STOP, CS_STATE);
		client_ring_group(c, 0, 0x4);
		ring_global(b);
	}
	assert_fatal(b, 0, 2, CSF_EXC_CS_INSTR_INVALID);
}

static void test_page_fault(void **state)
{
	const uint64_t words[] = { ins_move48(0, UNMAPPED_VA), ins_store(2, 1, 0), INS_NOP };
	struct board *b = *state;
	struct client *c = &b->client;
	uint32_t fatal_before;

	ring_put(c, 1, 0, words, ARRAY_SIZE(words));
	ring_insert(c, 1, 0);
	fatal_before = section_pending(c, cs_in(c, 1, 0), cs_out(c, 1, 0), CS_FATAL);
	start_group(b, 1, 1);
	assert_int_equal(b->faults, 1);
	pass_ms(b, 100);
	assert_int_equal(b->faults, 1);
	assert_int_equal(section_pending(c, cs_in(c, 1, 0), cs_out(c, 1, 0), CS_FATAL),
			 fatal_before);
	assert_true(ring_extract(c, 1, 0) < c->insert[1][0]);
	assert_int_equal(client_take_events(c, 1), 0);
}

static void test_progress_timer(void **state)
{
	const uint64_t words[] = { ins_move48(0, UNMAPPED_VA), ins_store(2, 1, 0) };
	struct board *b = *state;
	struct client *c = &b->client;

	ring_put(c, 1, 0, words, ARRAY_SIZE(words));
	ring_insert(c, 1, 0);
	put_wait(b, 2, 0, SYNC_VA(5, 5), 41);
	start_group(b, 1, 1);
	start_group(b, 2, 1);
	client_take_events(c, 2);
	/* 2621440000 cycles of 2 ns are 5242.88 ms */
	pass_ms(b, 5242);
	assert_int_equal(client_take_events(c, 1), 0);
	pass_ms(b, 2);
	assert_int_equal(client_take_events(c, 1), CSG_PROGRESS_TIMER_EVENT);
	pass_ms(b, 6000);
	assert_int_equal(client_take_events(c, 1), 0);
	/* a stream in a SYNC_WAIT is not stuck */
	assert_int_equal(client_take_events(c, 2), 0);
}

/* Time out at a locked region, make progress, time out again: two events. */
static void test_progress_timer_again(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	start_group(b, 0, 1);
	client_take_events(c, 0);
	for (unsigned int i = 1; i <= 2; i++) {
		as_lock(b->mmu, GROUP_AS(0), CODE_VA(0, 0), LOCK_LG2);
		put_sum(b, 0, 0, i);
		mcu_doorbell(b->mcu, 1);
		pass_ms(b, 5300);
		assert_int_equal(client_take_events(c, 0), CSG_PROGRESS_TIMER_EVENT);
		as_unlock(b->mmu, GROUP_AS(0));
		mcu_kick(b->mcu);
		run(b);
		assert_int_equal(client_take_events(c, 0), CSG_SYNC_UPDATE | CSG_IDLE);
		assert_int_equal(user_get64(c, DATA_VA(0, 0)), 3 * i);
	}
}

static void test_bad_rings(void **state)
{
	static const struct {
		const char *what;
		uint64_t base;
		uint32_t size, config;
		uint64_t input, output;
		uint32_t type;
	} cases[] = {
		{ "size 0", RING_VA(0, 0), 0, 1, RING_INPUT_VA(0, 0), RING_OUTPUT_VA(0, 0), 0x40 },
		{ "size 1", RING_VA(0, 0), 1, 1, RING_INPUT_VA(0, 0), RING_OUTPUT_VA(0, 0), 0x40 },
		{ "size 3 pages", RING_VA(0, 0), 0x3000, 1, RING_INPUT_VA(0, 0),
		  RING_OUTPUT_VA(0, 0), 0x40 },
		{ "beyond 48 bits", 0xfffffffff000, 0x2000, 1, RING_INPUT_VA(0, 0),
		  RING_OUTPUT_VA(0, 0), 0x40 },
		{ "unaligned", RING_VA(0, 0) + 8, 0x1000, 1, RING_INPUT_VA(0, 0),
		  RING_OUTPUT_VA(0, 0), 0x40 },
		{ "the MCU's AS", RING_VA(0, 0), 0x1000, 0, RING_INPUT_VA(0, 0),
		  RING_OUTPUT_VA(0, 0), 0x40 },
		{ "no such AS", RING_VA(0, 0), 0x1000, 8, RING_INPUT_VA(0, 0), RING_OUTPUT_VA(0, 0),
		  0x40 },
		{ "input not mapped", RING_VA(0, 0), 0x1000, 1, 0x70000000, RING_OUTPUT_VA(0, 0),
		  0x48 },
		{ "output not mapped", RING_VA(0, 0), 0x1000, 1, RING_INPUT_VA(0, 0), 0x70000000,
		  0x48 },
		{ "input beyond all", RING_VA(0, 0), 0x1000, 1, ~0ull, RING_OUTPUT_VA(0, 0), 0x48 },
	};
	struct board *b = *state;
	struct client *c = &b->client;

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].what);
		client_program_group(c, 0, 1);
		section_put64(c, cs_in(c, 0, 0) + CS_I_RING_BASE, cases[i].base);
		section_put(c, cs_in(c, 0, 0) + CS_I_RING_SIZE, cases[i].size);
		section_put64(c, cs_in(c, 0, 0) + CS_I_RING_INPUT, cases[i].input);
		section_put64(c, cs_in(c, 0, 0) + CS_I_RING_OUTPUT, cases[i].output);
		section_put(c, csg_in(c, 0) + CSG_I_CONFIG, cases[i].config);
		state_request(b, 0, CSG_START);
		run(b);
		assert_true(state_acked(b, 0));
		assert_fatal(b, 0, 0, cases[i].type);
		state_request(b, 0, CSG_TERMINATE);
		run(b);
		client_take_events(c, 0);
		section_update(c, cs_in(c, 0, 0), section_get(c, cs_out(c, 0, 0)), CS_FATAL);
		take_job_bits(b);
	}
}

static void test_bad_indices(void **state)
{
	static const struct {
		const char *what;
		uint64_t extract, insert;
	} cases[] = {
		{ "insert before extract", 64, 56 },
		{ "insert unaligned", 0, 12 },
		{ "extract unaligned", 4, 8 },
		{ "more than the ring holds", 0, RING_SIZE + 8 },
		{ "insert huge", 0, ~7ull },
		{ "extract huge", ~7ull, 0 },
	};
	struct board *b = *state;
	struct client *c = &b->client;

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].what);
		client_program_group(c, 0, 1);
		mcu_put64_va(c, RING_INPUT_VA(0, 0) + RING_I_EXTRACT, cases[i].extract);
		mcu_put64_va(c, RING_INPUT_VA(0, 0) + RING_I_INSERT, cases[i].insert);
		state_request(b, 0, CSG_START);
		run(b);
		assert_fatal(b, 0, 0, 0x40);
		state_request(b, 0, CSG_TERMINATE);
		run(b);
		client_take_events(c, 0);
		section_update(c, cs_in(c, 0, 0), section_get(c, cs_out(c, 0, 0)), CS_FATAL);
		take_job_bits(b);
	}
}

static void test_changed_suspend_buffer(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	start_group(b, 0, 1);
	put_sum(b, 0, 0, 1000);
	mcu_doorbell(b->mcu, 1);
	mcu_run(b->mcu);
	suspend_group(b, 0);
	for (unsigned int at = 0; at < 0x1000; at += 8)
		mcu_put64_va(c, SUSPEND_VA(0) + at, ~0ull);
	take_job_bits(b);
	client_program_group(c, 0, 1);
	state_request(b, 0, CSG_RESUME);
	run(b);
	assert_true(state_acked(b, 0));
	/* CS_UNRECOVERABLE: the driver resets the GPU */
	assert_fatal(b, 0, 0, 0x41);
}

/* No acknowledge: the driver's wait times out, and it resets the GPU. */
static void test_suspend_buffer_not_there(void **state)
{
	struct board *b = *state;

	suspend_without_buffer(b);
	assert_false(state_acked(b, 0));
	assert_int_equal(b->faults, 1);
	state_request(b, 0, CSG_TERMINATE);
	run(b);
	assert_true(state_acked(b, 0));
}

static void test_unknown_states(void **state)
{
	struct board *b = *state;

	for (uint32_t request = 4; request < 8; request++) {
		state_request(b, 0, request);
		run(b);
		assert_false(state_acked(b, 0));
	}
	start_group(b, 0, 1);
}

/* 7. Locks */

static void unlock(struct board *b)
{
	as_unlock(b->mmu, 0);
	mcu_kick(b->mcu);
}

static void test_locked_interface(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	start_group(b, 0, 1);
	put_sum(b, 0, 0, 2);
	as_lock(b->mmu, 0, SECTION_VA, LOCK_LG2);
	section_toggle(c, glb_in(c), glb_out(c), GLB_PING);
	client_ring_group(c, 0, 0x1);
	mcu_doorbell(b->mcu, 0);
	mcu_doorbell(b->mcu, 1);
	assert_int_equal(run(b), MCU_IDLE);
	assert_int_equal(ring_extract(c, 0, 0), 0);
	unlock(b);
	run(b);
	assert_int_equal(section_pending(c, glb_in(c), glb_out(c), GLB_PING), 0);
	assert_int_equal(user_get64(c, DATA_VA(0, 0)), 6);
}

static void test_locked_ring_pages(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;
	const uint64_t pages[] = { RING_INPUT_VA(0, 0), RING_OUTPUT_VA(0, 0) };

	start_group(b, 0, 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++) {
		uint64_t extract = ring_extract(c, 0, 0);

		put_sum(b, 0, 0, 11 + i);
		client_take_events(c, 0);
		as_lock(b->mmu, 0, pages[i], LOCK_LG2);
		mcu_doorbell(b->mcu, 1);
		run(b);
		assert_int_equal(ring_extract(c, 0, 0), extract);
		/* not idle until the output page shows the last extract index */
		assert_int_equal(client_take_events(c, 0) & CSG_IDLE, 0);
		unlock(b);
		run(b);
		assert_int_equal(user_get64(c, DATA_VA(0, 0)), 3 * (11 + i));
		assert_int_equal(ring_extract(c, 0, 0), c->insert[0][0]);
		assert_int_equal(client_take_events(c, 0) & CSG_IDLE, CSG_IDLE);
	}
}

static void test_locked_start(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	put_sum(b, 0, 1, 4);
	client_program_group(c, 0, 0x3);
	as_lock(b->mmu, 0, RING_INPUT_VA(0, 1), LOCK_LG2);
	state_request(b, 0, CSG_START);
	assert_int_equal(run(b), MCU_IDLE);
	assert_false(state_acked(b, 0));
	unlock(b);
	run(b);
	assert_true(state_acked(b, 0));
	assert_int_equal(user_get64(c, DATA_VA(0, 1)), 12);
}

static void test_locked_stop_and_start(void **state)
{
	static const struct {
		uint32_t state;
		uint64_t page;
	} steps[] = {
		{ CS_STOP, RING_OUTPUT_VA(0, 0) },
		{ CS_START, RING_INPUT_VA(0, 0) },
	};
	struct board *b = *state;
	struct client *c = &b->client;

	start_group(b, 0, 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(steps); i++) {
		section_update(c, cs_in(c, 0, 0), steps[i].state, CS_STATE);
		client_ring_group(c, 0, 0x1);
		as_lock(b->mmu, 0, steps[i].page, LOCK_LG2);
		ring_global(b);
		assert_int_not_equal(
			section_pending(c, cs_in(c, 0, 0), cs_out(c, 0, 0), CS_STATE), 0);
		unlock(b);
		run(b);
		assert_int_equal(section_pending(c, cs_in(c, 0, 0), cs_out(c, 0, 0), CS_STATE), 0);
		assert_int_equal(ring_active(c, 0, 0), steps[i].state == CS_START);
	}
}

static void test_locked_suspend_buffer(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	start_group(b, 0, 1);
	put_sum(b, 0, 0, 1000);
	mcu_doorbell(b->mcu, 1);
	mcu_run(b->mcu);
	as_lock(b->mmu, 0, SUSPEND_VA(0), LOCK_LG2);
	state_request(b, 0, CSG_SUSPEND);
	run(b);
	assert_false(state_acked(b, 0));
	/* the streams of the group do not run until the UNLOCK */
	assert_int_equal(user_get64(c, SYNC_VA(0, 0)), 0);
	unlock(b);
	run(b);
	assert_true(state_acked(b, 0));

	as_lock(b->mmu, 0, SUSPEND_VA(0), LOCK_LG2);
	client_program_group(c, 0, 1);
	state_request(b, 0, CSG_RESUME);
	run(b);
	assert_false(state_acked(b, 0));
	unlock(b);
	run(b);
	assert_true(state_acked(b, 0));
	assert_int_equal(user_get64(c, DATA_VA(0, 0)), 3000);
}

static void test_locked_user_memory(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	start_group(b, 0, 1);
	as_lock(b->mmu, GROUP_AS(0), CODE_VA(0, 0), LOCK_LG2);
	put_sum(b, 0, 0, 9);
	mcu_doorbell(b->mcu, 1);
	assert_int_not_equal(run(b), MCU_RUN_AGAIN);
	assert_int_equal(user_get64(c, DATA_VA(0, 0)), 0);
	as_unlock(b->mmu, GROUP_AS(0));
	mcu_kick(b->mcu);
	run(b);
	assert_int_equal(user_get64(c, DATA_VA(0, 0)), 27);
}

/* 8. Endless streams */

static void test_endless_streams_share(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;
	unsigned int runs = 0;

	for (unsigned int g = 0; g < GROUPS; g++) {
		for (unsigned int s = 0; s < STREAMS; s++) {
			if (g == 7 && s == 7)
				put_sum(b, g, s, 1000);
			else
				put_endless(b, g, s);
		}
		client_program_group(c, g, 0xff);
		state_request(b, g, CSG_START);
		mcu_run(b->mcu);
		assert_true(state_acked(b, g));
	}
	/* 3000 instructions are about twelve slices, one in each round of 64 */
	while (!user_get64(c, SYNC_VA(7, 7)) && runs < 64 * 14) {
		assert_int_equal(mcu_run(b->mcu), MCU_RUN_AGAIN);
		runs++;
	}
	assert_int_equal(user_get64(c, DATA_VA(7, 7)), 3000);
}

/* A stream that changes nothing has a turn now and then, and leaves the rest to the others. */
static void test_polling_stream_gives_way(void **state)
{
	const uint64_t code[] = { ins_branch(COND_ALWAYS, 0, -1) };
	struct board *b = *state;
	struct client *c = &b->client;
	unsigned int runs = 0;

	code_put(c, CODE_VA(0, 0), code, ARRAY_SIZE(code));
	put_job(b, 0, 0, ARRAY_SIZE(code));
	put_sum(b, 1, 0, 1000);
	client_program_group(c, 0, 1);
	client_program_group(c, 1, 1);
	state_request(b, 0, CSG_START);
	assert_int_equal(run(b), MCU_RUN_SOON);

	/* 3000 instructions are about twelve slices, and one is that of the other stream */
	state_request(b, 1, CSG_START);
	while (!user_get64(c, SYNC_VA(1, 0)) && runs < 15) {
		assert_int_equal(mcu_run(b->mcu), MCU_RUN_AGAIN);
		runs++;
	}
	assert_int_equal(user_get64(c, DATA_VA(1, 0)), 3000);
	assert_int_equal(run(b), MCU_RUN_SOON);
	state_request(b, 0, CSG_SUSPEND);
	mcu_run(b->mcu);
	assert_true(state_acked(b, 0));
}

static void test_endless_stream_is_suspended(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	put_endless(b, 0, 0);
	client_program_group(c, 0, 1);
	state_request(b, 0, CSG_START);
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(mcu_run(b->mcu), MCU_RUN_AGAIN);
	section_toggle(c, glb_in(c), glb_out(c), GLB_PING);
	mcu_doorbell(b->mcu, 0);
	mcu_run(b->mcu);
	assert_int_equal(section_pending(c, glb_in(c), glb_out(c), GLB_PING), 0);
	state_request(b, 0, CSG_SUSPEND);
	mcu_run(b->mcu);
	assert_true(state_acked(b, 0));
	assert_int_equal(run(b), MCU_IDLE);
}

/* 9. Hostile guests */

/*
 * The control blocks. The test reads the offsets of the other blocks from them; the MCU does not
 * read them, but may overwrite them: random words can place a ring's output page there.
 */
#define CONTROL_WORDS (0x9000 / 4)

static bool is_control(uint32_t offset)
{
	return offset < 0x100 || (offset >= 0x1000 && offset % 0x1000 < 0x200);
}

static void copy_control(struct client *c, uint32_t words[CONTROL_WORDS], bool restore)
{
	for (unsigned int i = 0; i < CONTROL_WORDS; i++) {
		if (!is_control(4 * i))
			continue;
		if (restore)
			section_put(c, 4 * i, words[i]);
		else
			words[i] = section_get(c, 4 * i);
	}
}

/* Write random words to the section, most of them with a meaning for the firmware. */
static void scribble(struct client *c, struct random *random, uint32_t offset)
{
	static const uint64_t words[] = {
		0,
		1,
		2,
		3,
		0x1000,
		RING_VA(0, 0),
		RING_INPUT_VA(0, 0),
		RING_OUTPUT_VA(0, 0),
		SUSPEND_VA(0),
		SUSPEND_VA(0) + 0x7f00,
		UNMAPPED_VA,
		0xffffffffffff,
		~0ull,
		SECTION_VA,
		SECTION_VA + 0x1000,
		CODE_VA(0, 0),
		8,
		1u << 31,
	};
	uint64_t value = random_next(random);

	if (random_below(random, 4))
		value = words[random_below(random, ARRAY_SIZE(words))];
	section_put(c, offset, value);
}

static void hostile_step(struct board *b, struct random *random, uint32_t *control)
{
	struct client *c = &b->client;
	unsigned int g = random_below(random, GROUPS), s = random_below(random, STREAMS);

	switch (random_below(random, 10)) {
	case 0:
		scribble(c, random, 4 * random_below(random, 0x9000 / 4));
		break;
	case 1:
		scribble(c, random, CS_INPUT(g, s) + 4 * random_below(random, 22));
		break;
	case 2:
		scribble(c, random, CSG_INPUT(g) + 4 * random_below(random, 22));
		break;
	case 3:
		copy_control(c, control, true);
		client_program_group(c, g, random_next(random) & 0xff);
		break;
	case 4:
		section_put(c, CSG_INPUT(g), random_next(random));
		section_put(c, GLB_INPUT + GLB_I_DOORBELL_REQ, random_next(random));
		section_put(c, CSG_INPUT(g) + CSG_I_DOORBELL_REQ, random_next(random));
		break;
	case 5:
		mcu_put64_va(c, RING_INPUT_VA(g, s), random_below(random, 0x1000) & ~7ull);
		user_put64(c, RING_VA(g, s) + 8 * random_below(random, 512), random_next(random));
		break;
	case 6:
		mcu_put64_va(c, SUSPEND_VA(g) + 8 * random_below(random, 560), random_next(random));
		break;
	case 7:
		as_lock(b->mmu, random_below(random, MMU_AS_COUNT),
			random_below(random, 2) ? RING_INPUT_VA(g, s) : SECTION_VA, LOCK_LG2);
		break;
	case 8:
		as_unlock(b->mmu, random_below(random, MMU_AS_COUNT));
		mcu_kick(b->mcu);
		break;
	default:
		mcu_doorbell(b->mcu, random_below(random, 3) ? 0 : random_below(random, 70));
		b->now_ns += random_below(random, 10 * MS);
	}
}

static void test_hostile_section(void **state)
{
	struct random random = random_start("test_hostile_section");
	struct board *b = *state;
	uint32_t control[CONTROL_WORDS];

	copy_control(&b->client, control, false);
	for (unsigned int i = 0; i < 100000; i++) {
		hostile_step(b, &random, control);
		mcu_run(b->mcu);
		if (mcu_status_read(b->mcu) == MCU_STATUS_ENABLED)
			continue;
		/* a random request has halted the MCU: boot it again */
		for (unsigned int as = 0; as < MMU_AS_COUNT; as++)
			as_unlock(b->mmu, as);
		section_put(&b->client, GLB_INPUT, 0);
		section_put(&b->client, GLB_OUTPUT, 0);
		mcu_control_write(b->mcu, MCU_CONTROL_DISABLE);
		boot(b);
	}
	/* afterwards the MCU works for a correct guest */
	for (unsigned int as = 0; as < MMU_AS_COUNT; as++)
		as_unlock(b->mmu, as);
	mcu_reset(b->mcu);
	section_zero(&b->client);
	boot(b);
	client_init_global(&b->client);
	mcu_put64_va(&b->client, RING_OUTPUT_VA(0, 0), 0);
	put_sum(b, 0, 0, 5);
	start_group(b, 0, 1);
	assert_int_equal(user_get64(&b->client, DATA_VA(0, 0)), 15);
}

#define ON(test) cmocka_unit_test_setup_teardown(test, board_setup, board_teardown)
#define OFF(test) cmocka_unit_test_setup_teardown(test, board_setup_off, board_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON(test_boot_writes_control),
		OFF(test_boot_interrupts_once),
		OFF(test_boot_without_memory),
		OFF(test_boot_waits_for_lock),
		ON(test_halt_stops_streams),
		ON(test_fast_reset_keeps_words),
		ON(test_slow_reset_starts_anew),
		ON(test_global_requests),
		ON(test_job),
		ON(test_idle_once),
		ON(test_events_are_masked),
		ON(test_global_idle),
		ON(test_user_doorbell_is_its_groups),
		ON(test_stream_stop_and_start),
		ON(test_ring_wraps),
		ON(test_all_groups_and_streams),
		ON(test_wait_status),
		ON(test_wait_released_by_group),
		ON(test_wait_released_by_cpu),
		ON(test_suspend_in_call),
		ON(test_suspend_every_slice),
		ON(test_suspend_in_shader),
		ON(test_endless_shader),
		ON(test_suspend_blocked),
		ON(test_terminate),
		ON(test_bad_instruction),
		ON(test_fatal_twice),
		ON(test_page_fault),
		ON(test_progress_timer),
		ON(test_progress_timer_again),
		ON(test_bad_rings),
		ON(test_bad_indices),
		ON(test_changed_suspend_buffer),
		ON(test_suspend_buffer_not_there),
		ON(test_unknown_states),
		ON(test_locked_interface),
		ON(test_locked_ring_pages),
		ON(test_locked_start),
		ON(test_locked_stop_and_start),
		ON(test_locked_suspend_buffer),
		ON(test_locked_user_memory),
		ON(test_endless_streams_share),
		ON(test_polling_stream_gives_way),
		ON(test_endless_stream_is_suspended),
		ON(test_hostile_section),
	};

	return cmocka_run_group_tests_name("mcu", tests, NULL, NULL);
}
