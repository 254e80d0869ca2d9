// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

/*
 * The encoders against words made by hand, and the builder's waits, branches and
 * refusals.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden_words.h"
#include "igt_panthor_cs.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct word {
	const char *text;
	uint64_t word;
};

#define GOLDEN_WORD(text, word) { text, word },
static const struct word golden[] = { GOLDEN_WORDS(GOLDEN_WORD) };
#undef GOLDEN_WORD

static const uint64_t *golden_word(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(golden); i++)
		if (!strcmp(golden[i].text, text))
			return &golden[i].word;

	return NULL;
}

/* In the order of the golden words: a word without its encoding is an error too. */
static void test_encoders(void **state)
{
	const uint64_t encoded[] = {
		cs_nop(),
		cs_mov48(0, 0),
		cs_mov48(68, 0x123456789abc),
		cs_mov48(254, 0xffffffffffff),
		cs_mov32(70, 0xdeadbeef),
		cs_mov32(255, 1),
		cs_wait(0x1, false),
		cs_wait(0xff, false),
		cs_wait(0xffff, true),
		cs_add_imm32(4, 5, 1),
		cs_add_imm32(6, 6, -1),
		cs_add_imm64(2, 4, 4096),
		cs_add_imm64(254, 252, INT32_MIN),
		cs_umin32(1, 2, 3),
		cs_ldm(2, 8, 0xffff, 0),
		cs_ldm32(0, 5, -4),
		cs_stm32(68, 70, 0),
		cs_stm64(6, 4, 32764),
		cs_stm(254, 255, 0x8000, -32768),
		cs_branch(CS_CONDITION_NEQUAL, 6, -5),
		cs_branch(CS_CONDITION_ALWAYS, 255, 32767),
		cs_branch(CS_CONDITION_LEQUAL, 1, -32768),
		cs_branch(CS_CONDITION_GEQUAL, 0, 0),
		cs_set_sb_entry(1, 0),
		cs_set_sb_entry(2, 7),
		cs_call(92, 94),
		cs_jump(10, 12),
		cs_req_resource(0x5),
		cs_flush(CS_FLUSH_MODE_CLEAN_AND_INVALIDATE, CS_FLUSH_MODE_CLEAN_AND_INVALIDATE,
			 CS_FLUSH_MODE_INVALIDATE, 0, 94, 0),
		cs_flush(CS_FLUSH_MODE_INVALIDATE, CS_FLUSH_MODE_CLEAN, CS_FLUSH_MODE_NONE,
			 0x80ff, 7, 15),
		cs_sync(CS_OPCODE_SYNC_ADD32, 2, 4, CS_SYNC_SCOPE_SYSTEM, false, 0, 0),
		cs_sync(CS_OPCODE_SYNC_SET32, 2, 5, CS_SYNC_SCOPE_GROUP, true, 0xff, 3),
		cs_sync_wait(CS_OPCODE_SYNC_WAIT32, 8, 10, CS_CONDITION_GREATER, true),
		cs_store_state(92, 0, CS_STATE_CYCLE_COUNT, 0, 0),
		cs_store_state(94, -8, CS_STATE_ERROR_STATUS, 0xf, 1),
		cs_error_barrier(),
		cs_heap_set(16),
		cs_heap_operation(1, 0x10, 2),
		cs_sync(CS_OPCODE_SYNC_ADD64, 92, 94, CS_SYNC_SCOPE_SYSTEM, true, 0, 0),
		cs_sync(CS_OPCODE_SYNC_SET64, 20, 22, CS_SYNC_SCOPE_GROUP, false, 0, 1),
		cs_sync_wait(CS_OPCODE_SYNC_WAIT64, 30, 32, CS_CONDITION_LEQUAL, false),
	};

	(void)state;
	assert_int_equal(ARRAY_SIZE(encoded), ARRAY_SIZE(golden));
	for (size_t i = 0; i < ARRAY_SIZE(golden); i++)
		if (encoded[i] != golden[i].word)
			fail_msg("%s is %#llx, encoded as %#llx", golden[i].text,
				 (unsigned long long)golden[i].word,
				 (unsigned long long)encoded[i]);
}

struct field {
	const char *layout;
	const char *name;
	unsigned int lsb;
	unsigned int width;
};

#define FIELD(layout, name, lsb, width) { #layout, #name, lsb, width },
static const struct field fields[] = { CS_FIELDS(FIELD) };
#undef FIELD

/* Fields of one layout share no bit, with each other or with the opcode. */
static void test_fields_apart(void **state)
{
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const uint64_t mask = cs_field_mask(fields[i].width) << fields[i].lsb;

		assert_true(fields[i].lsb + fields[i].width <= 64);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(fields[i].layout, fields[j].layout) &&
			    strcmp(fields[j].layout, "ANY"))
				continue;
			if (mask & cs_field_mask(fields[j].width) << fields[j].lsb)
				fail_msg("%s: %s and %s overlap", fields[i].layout,
					 fields[i].name, fields[j].name);
		}
	}
}

static const struct igt_panthor_cs_limits arch10 = {
	.arch_major = 10, .reg_count = 92, .scoreboard_count = 8,
};

static const struct igt_panthor_cs_limits arch12 = {
	.arch_major = 12, .reg_count = 124, .scoreboard_count = 16,
};

#define SCRATCH 91

static uint64_t words[70000];

static void start(struct igt_panthor_cs *cs)
{
	memset(words, 0xff, sizeof(words));
	igt_panthor_cs_init(cs, words, sizeof(words), &arch10);
}

static void assert_words(const char * const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const uint64_t *word = golden_word(texts[i]);

		assert_non_null(word);
		if (words[i] != *word)
			fail_msg("word %zu is %#llx, expected %s", i,
				 (unsigned long long)words[i], texts[i]);
	}
}

/* A stream starts with the choice of scoreboard entries, and ends with a flush. */
static void test_frame(void **state)
{
	const uint64_t expected[] = {
		0x1700000000000001, 0x025b000000000000, 0x24005b0000000233, 0x0300000000ff0000,
	};
	struct igt_panthor_cs cs;

	(void)state;
	start(&cs);
	assert_int_equal(igt_panthor_cs_end(&cs, SCRATCH), sizeof(expected));
	assert_memory_equal(words, expected, sizeof(expected));
}

/* Later architectures choose entries otherwise, and have more of them to wait for. */
static void test_frame_of_later_architectures(void **state)
{
	struct igt_panthor_cs cs;

	(void)state;
	igt_panthor_cs_init(&cs, words, sizeof(words), &arch12);
	igt_panthor_cs_wait(&cs);
	assert_int_equal(cs.count, 1);
	assert_int_equal(words[0], 0x03000000ffff0000);
}

static void test_load_waits_before_use(void **state)
{
	static const char * const expected[] = {
		"SET_SB_ENTRY other=0 endpoint=1",
		"LOAD_MULTIPLE base=5 addr=0 mask=0x1 offset=-4",
		"WAIT mask=0xff",
		"ADD_IMM32 dst=4 src=5 imm=1",
	};
	struct igt_panthor_cs cs;

	(void)state;
	start(&cs);
	igt_panthor_cs_load(&cs, 5, 1, 0, -4);
	igt_panthor_cs_add32(&cs, 4, 5, 1);
	assert_int_equal(cs.count, ARRAY_SIZE(expected));
	assert_words(expected, ARRAY_SIZE(expected));
}

/* An asynchronous store still reads its registers: they may not change under it. */
static void test_store_waits_before_overwrite(void **state)
{
	static const char * const expected[] = {
		"SET_SB_ENTRY other=0 endpoint=1",
		"STORE_MULTIPLE base=70 addr=68 mask=0x1 offset=0",
		"ADD_IMM32 dst=4 src=5 imm=1",
		"WAIT mask=0xff",
		"MOVE48 dst=68 imm=0x123456789abc",
	};
	struct igt_panthor_cs cs;

	(void)state;
	start(&cs);
	igt_panthor_cs_store(&cs, 70, 1, 68, 0);
	igt_panthor_cs_add32(&cs, 4, 5, 1);
	igt_panthor_cs_mov48(&cs, 68, 0x123456789abc);
	assert_int_equal(cs.count, ARRAY_SIZE(expected));
	assert_words(expected, ARRAY_SIZE(expected));
}

/* A load behind a store may be of the same word, and the other way round. */
static void test_loads_and_stores_take_turns(void **state)
{
	static const char * const expected[] = {
		"SET_SB_ENTRY other=0 endpoint=1",
		"STORE_MULTIPLE base=70 addr=68 mask=0x1 offset=0",
		"STORE_MULTIPLE base=4 addr=6 mask=0x3 offset=32764",
		"WAIT mask=0xff",
		"LOAD_MULTIPLE base=5 addr=0 mask=0x1 offset=-4",
		"WAIT mask=0xff",
		"STORE_MULTIPLE base=70 addr=68 mask=0x1 offset=0",
	};
	struct igt_panthor_cs cs;

	(void)state;
	start(&cs);
	igt_panthor_cs_store(&cs, 70, 1, 68, 0);
	igt_panthor_cs_store(&cs, 4, 2, 6, 32764);
	igt_panthor_cs_load(&cs, 5, 1, 0, -4);
	igt_panthor_cs_store(&cs, 70, 1, 68, 0);
	assert_int_equal(cs.count, ARRAY_SIZE(expected));
	assert_words(expected, ARRAY_SIZE(expected));
}

static void test_loop(void **state)
{
	struct igt_panthor_cs cs;
	unsigned int loop;

	(void)state;
	start(&cs);
	loop = igt_panthor_cs_new_label(&cs);
	igt_panthor_cs_set_label(&cs, loop);
	igt_panthor_cs_store(&cs, 70, 1, 68, 0);
	igt_panthor_cs_add64(&cs, 2, 4, 4096);
	igt_panthor_cs_add32(&cs, 6, 6, -1);
	igt_panthor_cs_branch(&cs, CS_CONDITION_NEQUAL, 6, loop);
	assert_true(igt_panthor_cs_end(&cs, SCRATCH) > 0);

	/* Behind the store and the additions: a wait, then the branch over all five. */
	assert_int_equal(words[4], 0x0300000000ff0000);
	assert_int_equal(words[5], 0x160006003000fffb);
}

static void test_forward_branch(void **state)
{
	struct igt_panthor_cs cs;
	unsigned int out;

	(void)state;
	start(&cs);
	out = igt_panthor_cs_new_label(&cs);
	igt_panthor_cs_branch(&cs, CS_CONDITION_EQUAL, 6, out);
	igt_panthor_cs_mov32(&cs, 1, 2);
	igt_panthor_cs_mov32(&cs, 1, 3);
	igt_panthor_cs_set_label(&cs, out);
	assert_true(igt_panthor_cs_end(&cs, SCRATCH) > 0);
	assert_int_equal(words[1], 0x1600060020000002);
}

/* Over @count instructions, forwards or backwards: the size of the stream, or why not. */
static int branch_over(unsigned int count, bool backwards)
{
	struct igt_panthor_cs cs;
	unsigned int label;

	start(&cs);
	label = igt_panthor_cs_new_label(&cs);
	if (backwards)
		igt_panthor_cs_set_label(&cs, label);
	else
		igt_panthor_cs_branch(&cs, CS_CONDITION_ALWAYS, 0, label);
	for (unsigned int i = 0; i < count; i++)
		igt_panthor_cs_raw(&cs, cs_nop());
	if (backwards)
		igt_panthor_cs_branch(&cs, CS_CONDITION_ALWAYS, 0, label);
	else
		igt_panthor_cs_set_label(&cs, label);

	return igt_panthor_cs_end(&cs, SCRATCH);
}

static void test_branch_limits(void **state)
{
	(void)state;

	assert_true(branch_over(32767, false) > 0);
	assert_int_equal(words[1] & 0xffff, 0x7fff);
	assert_int_equal(branch_over(32768, false), -ERANGE);

	assert_true(branch_over(32767, true) > 0);
	assert_int_equal(words[1 + 32767] & 0xffff, 0x8000);
	assert_int_equal(branch_over(32768, true), -ERANGE);
}

static void bad_register(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_mov32(cs, 92, 0);
}

static void bad_pair_beyond(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_mov48(cs, 92, 0);
}

static void bad_pair_odd(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_mov48(cs, 3, 0);
}

static void bad_imm48(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_mov48(cs, 2, UINT64_C(1) << 48);
}

static void bad_addend_high(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_add32(cs, 2, 2, INT64_C(1) << 31);
}

static void bad_addend_low(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_add64(cs, 2, 2, -(INT64_C(1) << 31) - 1);
}

static void bad_address_odd(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_load(cs, 4, 1, 3, 0);
}

static void bad_count_none(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_load(cs, 4, 0, 2, 0);
}

static void bad_count_many(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_store(cs, 4, 17, 2, 0);
}

static void bad_count_beyond(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_store(cs, 90, 3, 2, 0);
}

static void bad_offset_high(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_store(cs, 4, 1, 2, 32768);
}

static void bad_offset_low(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_load(cs, 4, 1, 2, -32772);
}

static void bad_offset_unaligned(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_load(cs, 4, 1, 2, 2);
}

static void bad_label(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_branch(cs, CS_CONDITION_ALWAYS, 0, 0);
}

static void bad_label_without_place(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_branch(cs, CS_CONDITION_ALWAYS, 0, igt_panthor_cs_new_label(cs));
}

static void bad_label_twice(struct igt_panthor_cs *cs)
{
	const unsigned int label = igt_panthor_cs_new_label(cs);

	igt_panthor_cs_set_label(cs, label);
	igt_panthor_cs_set_label(cs, label);
}

static void bad_labels_many(struct igt_panthor_cs *cs)
{
	for (unsigned int i = 0; i <= IGT_PANTHOR_CS_MAX_LABELS; i++)
		igt_panthor_cs_new_label(cs);
}

static void bad_branches_many(struct igt_panthor_cs *cs)
{
	const unsigned int label = igt_panthor_cs_new_label(cs);

	igt_panthor_cs_set_label(cs, label);
	for (unsigned int i = 0; i <= IGT_PANTHOR_CS_MAX_BRANCHES; i++)
		igt_panthor_cs_branch(cs, CS_CONDITION_ALWAYS, 0, label);
}

static void bad_length(struct igt_panthor_cs *cs)
{
	for (size_t i = 0; i <= ARRAY_SIZE(words); i++)
		igt_panthor_cs_raw(cs, cs_nop());
}

static const struct {
	const char *name;
	void (*build)(struct igt_panthor_cs *cs);
	int err;
} refusals[] = {
	{ "register beyond the last", bad_register, -EINVAL },
	{ "pair beyond the last", bad_pair_beyond, -EINVAL },
	{ "odd pair", bad_pair_odd, -EINVAL },
	{ "49 bits", bad_imm48, -ERANGE },
	{ "addend of 1 << 31", bad_addend_high, -ERANGE },
	{ "addend below -(1 << 31)", bad_addend_low, -ERANGE },
	{ "odd address pair", bad_address_odd, -EINVAL },
	{ "load of nothing", bad_count_none, -EINVAL },
	{ "store of 17", bad_count_many, -EINVAL },
	{ "store beyond the last register", bad_count_beyond, -EINVAL },
	{ "offset of 1 << 15", bad_offset_high, -ERANGE },
	{ "offset below -(1 << 15)", bad_offset_low, -ERANGE },
	{ "unaligned offset", bad_offset_unaligned, -ERANGE },
	{ "label that was never made", bad_label, -EINVAL },
	{ "label without a place", bad_label_without_place, -EINVAL },
	{ "label with two places", bad_label_twice, -EINVAL },
	{ "too many labels", bad_labels_many, -ENOSPC },
	{ "too many branches", bad_branches_many, -ENOSPC },
	{ "too long", bad_length, -ENOSPC },
};

/* What is refused stays refused, whatever good comes behind it. */
static void test_refusals(void **state)
{
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct igt_panthor_cs cs;
		int err;

		start(&cs);
		refusals[i].build(&cs);
		igt_panthor_cs_mov32(&cs, 1, 1);
		err = igt_panthor_cs_end(&cs, SCRATCH);
		if (err != refusals[i].err)
			fail_msg("%s: %d, expected %d", refusals[i].name, err, refusals[i].err);
	}
}

/* The numbers next to those of test_refusals(). */
static void test_extremes(void **state)
{
	struct igt_panthor_cs cs;

	(void)state;
	start(&cs);
	igt_panthor_cs_mov32(&cs, 91, UINT32_MAX);
	igt_panthor_cs_mov48(&cs, 90, (UINT64_C(1) << 48) - 1);
	igt_panthor_cs_add32(&cs, 2, 2, INT32_MAX);
	igt_panthor_cs_add64(&cs, 2, 2, INT32_MIN);
	igt_panthor_cs_store(&cs, 76, 16, 2, 32764);
	igt_panthor_cs_load(&cs, 4, 16, 90, -32768);
	assert_true(igt_panthor_cs_end(&cs, SCRATCH) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encoders),
		cmocka_unit_test(test_fields_apart),
		cmocka_unit_test(test_frame),
		cmocka_unit_test(test_frame_of_later_architectures),
		cmocka_unit_test(test_load_waits_before_use),
		cmocka_unit_test(test_store_waits_before_overwrite),
		cmocka_unit_test(test_loads_and_stores_take_turns),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_forward_branch),
		cmocka_unit_test(test_branch_limits),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests_name("command streams", tests, NULL, NULL);
}
