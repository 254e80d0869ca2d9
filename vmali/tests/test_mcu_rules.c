// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * What the referee sees of the firmware interface, on the board of tests/mcu_board.h.
 *
 *  1. nothing of a driver that keeps the rules: a job, suspend and resume, a boot. Hunts a false
 *     finding.
 *  2. each rule, broken once, is one finding of that rule and none of another.
 *  3. what a stream does wrong is a finding about its client.
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

/* The registers of the AS are written, and the group starts without them. */
static void test_rule_group_not_updated(void **state)
{
	struct board *b = *state;

	as_write64(b->mmu, GROUP_AS(0), AS_REG_MEMATTR, 0);
	start_group(b, 0, 0);
	assert_broken(RULE_AS_NOT_UPDATED, 1);
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
	assert_int_equal(rules_count(RULE_INTERFACE_UNREACHABLE), 1);
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
	mcu_control_write(b->mcu, 7);
	assert_int_equal(rules_count(RULE_MCU_CONTROL_UNKNOWN), 1);
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

/* What a stream does wrong is the client's. */
static void test_rule_client(void **state)
{
	static const uint64_t ring[] = { 40ull << 56 };
	struct board *b = *state;

	start_group(b, 0, 1);
	ring_put(&b->client, 0, 0, ring, 1);
	ring_insert(&b->client, 0, 0);
	mcu_doorbell(b->mcu, 1);
	run(b);
	assert_int_equal(rules_count_of_driver(), 0);
}

#define RULES(test) cmocka_unit_test_setup_teardown(test, rules_setup, rules_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RULES(test_rules_kept),
		RULES(test_rule_doorbell),
		RULES(test_rule_request_changed),
		RULES(test_rule_group_as),
		RULES(test_rule_group_not_updated),
		RULES(test_rule_no_tables),
		RULES(test_rule_interface),
		RULES(test_rule_requests),
		RULES(test_rule_ring),
		RULES(test_rule_suspend_buffer),
		RULES(test_rule_suspend_buffer_changed),
		RULES(test_rule_client),
	};

	return cmocka_run_group_tests_name("mcu_rules", tests, NULL, NULL);
}
