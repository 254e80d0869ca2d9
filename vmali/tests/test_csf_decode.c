// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * Unit tests of csf/decode.c: words to instructions and to text.
 *
 *  1. each instruction as a literal word against its text.
 *  2. the golden words, which also check the encoder of the test library. Hunts differences between
 *     encoder and decoder.
 *  3. opcodes and operands that do not exist, each with its nearest valid neighbour.
 *  4. texts that do not fit.
 *  5. random words: operands within their limits, or refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/tests/golden_words.h"
#include "csf/decode.h"
#include "csf/stream.h"
#include "tests/cs_words.h"
#include "tests/random.h"

static const struct {
	uint64_t word;
	const char *text;
} texts[] = {
	{ 0x0000000000000000, "NOP" },
	{ 0x0144123456789abc, "MOVE48 dst d68, imm 0x123456789abc" },
	{ 0x025f0000deadbeef, "MOVE32 dst r95, imm 0xdeadbeef" },
	{ 0x0300000000ff0000, "WAIT wait 0xff, progress 0" },
	{ 0x0300000100010000, "WAIT wait 0x1, progress 1" },
	{ 0x04009c0100008102,
	  "RUN_COMPUTE increment 258, axis 2, progress 1, srt 0, spd 3, tsd 1, fau 2" },
	{ 0x0500000000000000, "RUN_TILING" },
	{ 0x0600000000000000, "RUN_IDVS" },
	{ 0x0700000000000000, "RUN_FRAGMENT" },
	{ 0x0800000000000000, "RUN_FULLSCREEN" },
	{ 0x0900000000000000, "FINISH_TILING" },
	{ 0x0b00000000000000, "FINISH_FRAGMENT" },
	{ 0x10010200ffffffff, "ADD_IMM32 dst r1, src r2, imm -1" },
	{ 0x1102040080000000, "ADD_IMM64 dst d2, src d4, imm -2147483648" },
	{ 0x1201020300000000, "UMIN32 dst r1, src r2, src1 r3" },
	{ 0x144046000007fffc, "LOAD_MULTIPLE base r64, mask 0x7, addr d70, offset -4" },
	{ 0x15404600ffff7fff, "STORE_MULTIPLE base r64, mask 0xffff, addr d70, offset 32767" },
	{ 0x160042003000fffe, "BRANCH offset -2, cond nequal, src r66" },
	{ 0x1600000060000003, "BRANCH offset 3, cond always, src r0" },
	{ 0x1700000000000021, "SET_SB_ENTRY endpoint 1, other 2" },
	{ 0x1900425600000062, "SET_EXCEPTION_HANDLER exception 98, length r86, addr d66" },
	{ 0x20005c5e00000000, "CALL addr d92, length r94" },
	{ 0x21005c5e00000000, "JUMP addr d92, length r94" },
	{ 0x220000000000000f, "REQ_RESOURCE resources 0xf" },
	{ 0x24015e0000030233,
	  "FLUSH_CACHE2 l2 3, lsc 3, caches 2, wait 0x3, src r94, signal 1" },
	{ 0x2500020400000001,
	  "SYNC_ADD32 addr d2, data r4, error 1, scope 0, wait 0x0, signal 0" },
	{ 0x2602020500040004,
	  "SYNC_SET32 addr d2, data r5, error 0, scope 2, wait 0x4, signal 2" },
	{ 0x2700020410000000, "SYNC_WAIT32 addr d2, data r4, cond greater, error 0" },
	{ 0x280f02010000fff8, "STORE_STATE addr d2, offset -8, state 1, wait 0x0, signal 15" },
	{ 0x2c0063000000ffff,
	  "RUN_COMPUTE_INDIRECT increment 65535, progress 0, srt 3, spd 0, tsd 2, fau 1" },
	{ 0x2f00000000000000, "ERROR_BARRIER" },
	{ 0x3000480000000000, "HEAP_SET addr d72" },
	{ 0x3102000300100000, "HEAP_OPERATION operation 3, wait 0x10, signal 2" },
	{ 0x33005c5e00000001,
	  "SYNC_ADD64 addr d92, data d94, error 1, scope 0, wait 0x0, signal 0" },
	{ 0x34005c5e00000000,
	  "SYNC_SET64 addr d92, data d94, error 0, scope 0, wait 0x0, signal 0" },
	{ 0x3500020400000001, "SYNC_WAIT64 addr d2, data d4, cond lequal, error 1" },
};

static void test_words(void **state)
{
	struct csf_instr instr;
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		csf_disassemble(texts[i].word, text, sizeof(text));
		assert_string_equal(text, texts[i].text);
		assert_true(csf_decode(texts[i].word, &instr));
		assert_int_equal(instr.word, texts[i].word);
	}
}

/* Fields with different names in the golden words and in the decoder. */
static const struct {
	const char *golden, *ours;
} field_names[] = {
	{ "mask", "wait" }, { "mask", "resources" }, { "wait-mask", "wait" }, { "src0", "src" },
	{ "value", "src" }, { "flush-id", "src" }, { "condition", "cond" }, { "other", "caches" },
	{ "error-propagate", "error" }, { "error-reject", "error" },
};

static const char *const condition_texts[] = {
	"lequal", "greater", "equal", "nequal", "less", "gequal", "always",
};

static bool same_field(const char *golden, const char *ours)
{
	for (size_t i = 0; i < sizeof(field_names) / sizeof(field_names[0]); i++) {
		if (!strcmp(field_names[i].golden, golden) && !strcmp(field_names[i].ours, ours))
			return true;
	}
	return !strcmp(golden, ours);
}

/* "r5", "d4", "0x1f", "-8", "always" */
static long long operand_number(const char *text)
{
	for (size_t i = 0; i < sizeof(condition_texts) / sizeof(condition_texts[0]); i++) {
		if (!strcmp(text, condition_texts[i]))
			return i;
	}
	return strtoll(*text == 'r' || *text == 'd' ? text + 1 : text, NULL, 0);
}

/* Value of the decoder's field @ours in @golden; 0 if @golden does not have it. */
static long long golden_number(const char *golden, const char *ours)
{
	char copy[256], *rest = copy;

	snprintf(copy, sizeof(copy), "%s", golden);
	strtok_r(copy, " ", &rest);
	for (char *field = strtok_r(NULL, " ", &rest); field; field = strtok_r(NULL, " ", &rest)) {
		char *equals = strchr(field, '=');

		*equals = '\0';
		if (same_field(field, ours))
			return strtoll(equals + 1, NULL, 0);
	}
	return 0;
}

/* The name and each decoded operand must have the golden value. */
static void check_golden_word(const char *golden, uint64_t word)
{
	char text[128], *rest, *name, *value;
	size_t golden_name = strcspn(golden, " ");

	csf_disassemble(word, text, sizeof(text));
	print_message("  %s: %s\n", golden, text);
	name = strtok_r(text, " ", &rest);
	assert_int_equal(strlen(name), golden_name);
	assert_memory_equal(name, golden, golden_name);
	while ((name = strtok_r(NULL, " ", &rest))) {
		value = strtok_r(NULL, " ,", &rest);
		assert_int_equal(operand_number(value), golden_number(golden, name));
		if (*rest == ',')
			rest++;
	}
}

/* The decoder must have each field of the golden word. */
static void check_golden_fields(const char *golden, uint64_t word)
{
	char copy[256], text[128], *rest = copy;

	csf_disassemble(word, text, sizeof(text));
	snprintf(copy, sizeof(copy), "%s", golden);
	strtok_r(copy, " ", &rest);
	for (char *field; (field = strtok_r(NULL, "= ", &rest));) {
		char ours[128], *place = ours;
		bool found = false;

		snprintf(ours, sizeof(ours), "%s", text);
		for (char *word_of = strtok_r(ours, " ,", &place); word_of;
		     word_of = strtok_r(NULL, " ,", &place))
			found |= same_field(field, word_of);
		assert_true(found);
		strtok_r(NULL, "= ", &rest);
	}
}

static void test_golden_words(void **state)
{
	static const struct {
		const char *text;
		uint64_t word;
	} golden[] = {
#define GOLDEN_WORD(text, word) { text, word },
		GOLDEN_WORDS(GOLDEN_WORD)
#undef GOLDEN_WORD
	};

	(void)state;
	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
		check_golden_word(golden[i].text, golden[i].word);
		check_golden_fields(golden[i].text, golden[i].word);
	}
}

static bool is_instruction(unsigned int opcode)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].word >> 56 == opcode)
			return true;
	}
	return false;
}

static void test_unknown_opcodes(void **state)
{
	struct csf_instr instr;
	char text[32];

	(void)state;
	for (unsigned int opcode = 0; opcode < 256; opcode++) {
		uint64_t word = F(opcode, 56) | 0x123;

		if (is_instruction(opcode))
			continue;
		assert_false(csf_decode(word, &instr));
		csf_disassemble(word, text, sizeof(text));
		assert_memory_equal(text, "UNKNOWN 0x", 10);
	}
}

/* Words with an invalid operand, each with its nearest valid neighbour. */
static const struct {
	uint64_t invalid, valid;
} operand_limits[] = {
	{ MOVE48(96, 0), MOVE48(94, 0) },
	{ MOVE48(93, 0), MOVE48(92, 0) },
	{ MOVE32(96, 0), MOVE32(95, 0) },
	{ MOVE32(255, 0), MOVE32(95, 0) },
	{ ADD_IMM32(0, 96, 0), ADD_IMM32(0, 95, 0) },
	{ ADD_IMM32(96, 0, 0), ADD_IMM32(95, 0, 0) },
	{ ADD_IMM64(0, 1, 0), ADD_IMM64(0, 2, 0) },
	{ ADD_IMM64(1, 0, 0), ADD_IMM64(2, 0, 0) },
	{ ADD_IMM64(96, 0, 0), ADD_IMM64(94, 0, 0) },
	{ UMIN32(0, 0, 96), UMIN32(0, 0, 95) },
	{ UMIN32(0, 96, 0), UMIN32(0, 95, 0) },
	{ LOAD(80, 1, 81, 0), LOAD(80, 1, 82, 0) },
	{ LOAD(81, 0xffff, 0, 0), LOAD(80, 0xffff, 0, 0) },
	{ STORE(95, 2, 0, 0), STORE(95, 1, 0, 0) },
	{ STORE(96, 0, 0, 0), STORE(95, 0, 0, 0) },
	{ BRANCH(7, 0, 0), BRANCH(6, 0, 0) },
	{ BRANCH(0, 96, 0), BRANCH(0, 95, 0) },
	{ SET_SB_ENTRY(8, 0), SET_SB_ENTRY(7, 0) },
	{ SET_SB_ENTRY(0, 8), SET_SB_ENTRY(0, 7) },
	{ RUN_COMPUTE(3, 0, 0, 0), RUN_COMPUTE(2, 0, 0, 0) },
	{ SET_EXCEPTION_HANDLER(0, 1, 0), SET_EXCEPTION_HANDLER(0, 2, 0) },
	{ SET_EXCEPTION_HANDLER(0, 0, 96), SET_EXCEPTION_HANDLER(0, 0, 95) },
	{ CALL(1, 0), CALL(2, 0) },
	{ CALL(0, 96), CALL(0, 95) },
	{ JUMP(96, 0), JUMP(94, 0) },
	{ FLUSH_CACHE2(4, 0, 0, 0, 0, 0), FLUSH_CACHE2(3, 0, 0, 0, 0, 0) },
	{ FLUSH_CACHE2(0, 4, 0, 0, 0, 0), FLUSH_CACHE2(0, 3, 0, 0, 0, 0) },
	{ FLUSH_CACHE2(0, 0, 4, 0, 0, 0), FLUSH_CACHE2(0, 0, 3, 0, 0, 0) },
	{ FLUSH_CACHE2(0, 0, 0, 0, 0, 8), FLUSH_CACHE2(0, 0, 0, 0, 0, 7) },
	{ SYNC_WAIT32(7, 0, 0, 0), SYNC_WAIT32(6, 0, 0, 0) },
	{ SYNC_WAIT64(8, 0, 0, 0), SYNC_WAIT64(0, 0, 0, 0) },
	{ SYNC_WAIT64(15, 0, 0, 0), SYNC_WAIT64(6, 0, 0, 0) },
	{ SYNC_ADD64(0, 1, 0), SYNC_ADD32(0, 1, 0) },
	{ SYNC_ADD32(1, 0, 0), SYNC_ADD32(2, 0, 0) },
	/* an invalid signal slot is an error only with a wait mask */
	{ SYNC_SET64(0, 0, 0) | F(15, 48) | F(1, 16), SYNC_SET64(0, 0, 0) | F(15, 48) },
	{ STORE_STATE(0, 0, 0) | F(8, 48) | F(1, 16), STORE_STATE(0, 0, 0) | F(7, 48) | F(1, 16) },
	{ HEAP_SET(3), HEAP_SET(2) },
};

static void test_operand_limits(void **state)
{
	struct csf_instr instr;

	(void)state;
	for (size_t i = 0; i < sizeof(operand_limits) / sizeof(operand_limits[0]); i++) {
		assert_false(csf_decode(operand_limits[i].invalid, &instr));
		assert_true(csf_decode(operand_limits[i].valid, &instr));
	}
}

static void test_text_is_bounded(void **state)
{
	char text[128], shorter[128];

	(void)state;
	csf_disassemble(texts[5].word, text, sizeof(text));
	for (size_t size = 1; size < sizeof(shorter); size++) {
		memset(shorter, '#', sizeof(shorter));
		csf_disassemble(texts[5].word, shorter, size);
		assert_memory_equal(shorter, text, strnlen(text, size - 1));
		assert_int_equal(shorter[strnlen(text, size - 1)], '\0');
		assert_int_equal(shorter[size], '#');
	}
	shorter[0] = '#';
	csf_disassemble(texts[5].word, shorter, 0);
	assert_int_equal(shorter[0], '#');
}

/* Every word is decoded to operands within their limits, or refused. */
static void test_fuzz_decode(void **state)
{
	struct random random = random_start("fuzz_decode");
	struct csf_instr instr;

	(void)state;
	for (unsigned int i = 0; i < 1000000; i++) {
		if (!csf_decode(i % 2 ? fuzz_word(&random) : random_next(&random), &instr))
			continue;
		assert_true(instr.arg[CSF_ARG_DST] <= CSF_REG_COUNT - 1);
		assert_true(instr.arg[CSF_ARG_SRC] <= CSF_REG_COUNT - 1);
		assert_true(instr.arg[CSF_ARG_SRC1] <= CSF_REG_COUNT - 1);
		assert_true(instr.arg[CSF_ARG_ADDR] <= CSF_REG_COUNT - 2);
		assert_true(instr.arg[CSF_ARG_DATA] <= CSF_REG_COUNT - 1);
		assert_true(instr.arg[CSF_ARG_LENGTH] <= CSF_REG_COUNT - 1);
		assert_true(instr.arg[CSF_ARG_BASE] <= CSF_REG_COUNT - 1);
		assert_true(instr.arg[CSF_ARG_COND] <= CSF_COND_COUNT - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_golden_words),
		cmocka_unit_test(test_unknown_opcodes),
		cmocka_unit_test(test_operand_limits),
		cmocka_unit_test(test_text_is_bounded),
		cmocka_unit_test(test_fuzz_decode),
	};

	return cmocka_run_group_tests_name("csf_decode", tests, NULL, NULL);
}
