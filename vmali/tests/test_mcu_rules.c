// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * What the referee sees of the firmware interface, on the board of tests/mcu_board.h.
 *
 *  1. nothing of a driver that keeps the rules: a job, suspend and resume, a boot. Hunts a false
 *     finding.
 *  2. each rule, broken once, is one finding of that rule and none of another.
 *  3. what a stream or a job does wrong is a finding about the client. Hunts a verdict on the driver.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "mcu/layout.h"
#include "regs/as_regs.h"
#include "regs/gpu_regs.h"
#include "tests/mcu_board.h"
#include "tests/rule_counts.h"
#include "tests/shader_words.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static int rules_setup(void **state)
{
	return rules_open(NULL) ? -1 : board_setup(state);
}

static int rules_teardown(void **state)
{
	rules_close();
	return board_teardown(state);
}

static void test_rules_kept(void **state)
{
	struct board *b = *state;

	start_group(b, 0, 0x3);
	put_sum(b, 0, 0, 1000);
	mcu_doorbell(b->mcu, 1);
	mcu_run(b->mcu);
	suspend_group(b, 0);
	client_program_group(&b->client, 0, 1);
	as_lock(b->mmu, 0, SUSPEND_VA(0), LOCK_LG2);
	state_request(b, 0, CSG_RESUME);
	run(b);
	mmu_caches_flushed(b->mmu);
	as_unlock(b->mmu, 0);
	mcu_kick(b->mcu);
	run(b);
	assert_true(state_acked(b, 0));
	mcu_doorbell(b->mcu, 1);
	run(b);
	mcu_control_write(b->mcu, MCU_CONTROL_DISABLE);
	mcu_doorbell(b->mcu, 1);
	assert_kept();
}

static void test_rule_doorbell(void **state)
{
	struct board *b = *state;

	start_group(b, 0, 1);
	start_group(b, 1, 1);
	mcu_doorbell(b->mcu, 3);
	assert_broken(RULE_DOORBELL_WITHOUT_GROUP, 1);
	suspend_group(b, 0);
	mcu_doorbell(b->mcu, 2);
	assert_broken(RULE_DOORBELL_WITHOUT_GROUP, 1);
	mcu_doorbell(b->mcu, 1);
	assert_broken(RULE_DOORBELL_WITHOUT_GROUP, 2);
}

static void test_rule_request_changed(void **state)
{
	struct board *b = *state;

	start_group(b, 0, 1);
	as_lock(b->mmu, 0, SUSPEND_VA(0), LOCK_LG2);
	state_request(b, 0, CSG_SUSPEND);
	run(b);
	state_request(b, 0, CSG_SUSPEND);
	run(b);
	assert_kept();
	state_request(b, 0, CSG_TERMINATE);
	run(b);
	assert_broken(RULE_REQUEST_CHANGED, 1);
}

static void test_rule_group_as(void **state)
{
	static const uint32_t invalid[] = { 0, MMU_AS_COUNT, 15 };
	struct board *b = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(invalid); i++) {
		client_program_group(&b->client, 0, 0);
		section_put(&b->client, csg_in(&b->client, 0) + CSG_I_CONFIG, invalid[i]);
		state_request(b, 0, CSG_START);
		run(b);
		assert_broken(RULE_GROUP_AS_INVALID, i + 1);
		state_request(b, 0, CSG_TERMINATE);
		run(b);
	}
}

/* The registers of an AS are written, and a group or the MCU starts without them. */
static void test_rule_not_updated(void **state)
{
	struct board *b = *state;

	as_write64(b->mmu, GROUP_AS(0), AS_REG_MEMATTR, 0);
	start_group(b, 0, 0);
	assert_broken(RULE_AS_NOT_UPDATED, 1);
	mcu_control_write(b->mcu, MCU_CONTROL_DISABLE);
	as_write64(b->mmu, 0, AS_REG_MEMATTR, 0);
	mcu_control_write(b->mcu, MCU_CONTROL_AUTO);
	assert_broken(RULE_AS_NOT_UPDATED, 2);
}

static void test_rule_no_tables(void **state)
{
	struct board *b = *state;

	mcu_control_write(b->mcu, MCU_CONTROL_DISABLE);
	as_write64(b->mmu, 0, AS_REG_TRANSCFG, 1);
	as_command(b->mmu, 0, AS_COMMAND_UPDATE);
	mcu_control_write(b->mcu, MCU_CONTROL_AUTO);
	run(b);
	assert_broken(RULE_MCU_WITHOUT_TABLES, 1);
}

static void test_rule_interface(void **state)
{
	struct board *b = *state;

	pgtable_set(&b->client.mcu_pt, SECTION_VA + GLB_OUTPUT, 3, 0);
	as_enable(b->mmu, 0, &b->client.mcu_pt);
	assert_int_equal(mcu_run(b->mcu), MCU_IDLE);
	assert_broken(RULE_INTERFACE_UNREACHABLE, 1);
}

static void test_rule_requests(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	section_toggle(c, glb_in(c), glb_out(c), GLB_PROTM_ENTER);
	ring_global(b);
	assert_broken(RULE_REQUEST_UNKNOWN, 1);
	state_request(b, 0, 5);
	run(b);
	assert_broken(RULE_REQUEST_UNKNOWN, 2);
	start_group(b, 0, 1);
	section_update(c, cs_in(c, 0, 0), 2, CS_STATE);
	client_ring_group(c, 0, 1);
	ring_global(b);
	assert_broken(RULE_REQUEST_UNKNOWN, 3);
}

static void test_rule_control(void **state)
{
	struct board *b = *state;

	mcu_control_write(b->mcu, 7);
	assert_broken(RULE_MCU_CONTROL_UNKNOWN, 1);
}

static void test_rule_ring(void **state)
{
	struct board *b = *state;

	start_group(b, 0, 1);
	mcu_put64_va(&b->client, RING_INPUT_VA(0, 0) + RING_I_INSERT, 4);
	mcu_doorbell(b->mcu, 1);
	run(b);
	assert_broken(RULE_RING_INVALID, 1);
}

static void test_rule_suspend_buffer(void **state)
{
	struct board *b = *state;

	suspend_without_buffer(b);
	assert_broken(RULE_SUSPEND_BUFFER_LOST, 1);
}

static void test_rule_suspend_buffer_changed(void **state)
{
	struct board *b = *state;
	struct client *c = &b->client;

	start_group(b, 0, 1);
	suspend_group(b, 0);
	mcu_put64_va(c, SUSPEND_VA(0), 0);
	client_program_group(c, 0, 1);
	state_request(b, 0, CSG_RESUME);
	run(b);
	assert_broken(RULE_SUSPEND_BUFFER_LOST, 1);
}

/* What a stream or a job does wrong is the client's. */

static void assert_client_broke(struct board *b, enum rule rule)
{
	start_group(b, 0, 1);
	assert_broken(rule, 1);
	assert_int_equal(rules_count_of_driver(), 0);
}

static void put_ring(struct board *b, const uint64_t *words, unsigned int count)
{
	ring_put(&b->client, 0, 0, words, count);
	ring_insert(&b->client, 0, 0);
}

static void test_client_instruction(void **state)
{
	static const uint64_t run_fragment[] = { 7ull << 56 };

	put_ring(*state, run_fragment, ARRAY_SIZE(run_fragment));
	assert_client_broke(*state, RULE_STREAM_NOT_MODELLED);
}

static void test_client_undefined_bits(void **state)
{
	const uint64_t words[] = { ins_add32(0, 0, 1) | 1ull << 32 };

	put_ring(*state, words, ARRAY_SIZE(words));
	assert_client_broke(*state, RULE_STREAM_UNDEFINED_BITS);
}

/* The object is 0, and the stream waits until it is 1. */
static void test_client_wait(void **state)
{
	const uint64_t words[] = {
		ins_move48(64, SYNC_VA(0, 0)),
		ins_move48(66, 1),
		ins_sync_wait64(64, 66, COND_EQUAL),
	};

	put_ring(*state, words, ARRAY_SIZE(words));
	assert_client_broke(*state, RULE_STREAM_WAIT_CONDITION);
}

static void test_client_shader(void **state)
{
	static const uint64_t unknown[] = { 0 };

	put_shader(*state, 0, 0, unknown, ARRAY_SIZE(unknown));
	assert_client_broke(*state, RULE_JOB_NOT_MODELLED);
}

/* A uniform of a job that has none. */
static void test_client_resource(void **state)
{
	static const uint64_t shader[] = { SH_IADD(U32, 0, 0, U(20)) | END };

	put_shader(*state, 0, 0, shader, ARRAY_SIZE(shader));
	assert_client_broke(*state, RULE_JOB_RESOURCE);
}

#define RULES(test) cmocka_unit_test_setup_teardown(test, rules_setup, rules_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RULES(test_rules_kept),
		RULES(test_rule_doorbell),
		RULES(test_rule_request_changed),
		RULES(test_rule_group_as),
		RULES(test_rule_not_updated),
		RULES(test_rule_no_tables),
		RULES(test_rule_interface),
		RULES(test_rule_requests),
		RULES(test_rule_control),
		RULES(test_rule_ring),
		RULES(test_rule_suspend_buffer),
		RULES(test_rule_suspend_buffer_changed),
		RULES(test_client_instruction),
		RULES(test_client_undefined_bits),
		RULES(test_client_wait),
		RULES(test_client_shader),
		RULES(test_client_resource),
	};

	return cmocka_run_group_tests_name("mcu_rules", tests, NULL, NULL);
}
