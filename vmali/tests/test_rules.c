// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * Unit tests of rules/.
 *
 *  1. table: each rule has a name of its own, a sentence and a source, and none of them needs an
 *     escape in JSON.
 *  2. findings: a line each, with what led to it; those of another address space do not.
 *  3. limits: a rule that is broken without end leaves a bounded file, and the number.
 *  4. off: nothing is counted. A file that cannot be made is an error.
 *
 * What breaks each rule is tested where the rule is looked at: test_referee.c, test_mcu_rules.c
 * and test_gpu.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rules/rules.h"
#include "tests/rule_counts.h"

static char path[] = "/tmp/vmali-rules.XXXXXX";
static char content[1 << 20];

static int setup(void **state)
{
	int fd;

	(void)state;
	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	rules_close();
	return unlink(path);
}

/* Read the file of findings. Return: its number of lines. */
static unsigned int read_lines(void)
{
	FILE *file = fopen(path, "re");
	unsigned int lines = 0;
	size_t size;

	assert_non_null(file);
	size = fread(content, 1, sizeof(content) - 1, file);
	fclose(file);
	content[size] = '\0';
	for (const char *at = content; *at; at++)
		lines += *at == '\n';
	return lines;
}

static void assert_plain(const char *text)
{
	assert_non_null(text);
	assert_true(strlen(text) > 0);
	for (; *text; text++)
		assert_true(*text >= ' ' && *text <= '~' && *text != '"' && *text != '\\');
}

static void test_table(void **state)
{
	(void)state;
	for (int rule = 0; rule < RULE_COUNT; rule++) {
		const struct rule_text *text = rule_text(rule);

		assert_plain(text->name);
		assert_plain(text->words);
		assert_plain(text->source);
		assert_int_equal(strspn(text->name, "abcdefghijklmnopqrstuvwxyz0123456789-"),
				 strlen(text->name));
		assert_int_equal(text->words[strlen(text->words) - 1], '.');
		for (int other = 0; other < rule; other++)
			assert_string_not_equal(text->name, rule_text(other)->name);
	}
}

static void test_finding(void **state)
{
	(void)state;
	assert_int_equal(rules_open(path), 0);
	rules_note(1, "LOCK", 0x1000, 0x1fff);
	rules_note(2, "LOCK", 0x5000, 0x5fff);
	rules_note(RULES_NO_AS, "FLUSH_CACHES", 0x33, 0x33);
	rules_broken(RULE_LOCK_MOVED, 1, 0x2000, "seen \"%s\"\n", "here");
	assert_broken(RULE_LOCK_MOVED, 1);
	assert_int_equal(rules_count_of_driver(), 1);
	/* before it is closed: the model may die */
	assert_int_equal(read_lines(), 1);
	assert_non_null(strstr(content, "{\"rule\":\"lock-moved\",\"by\":\"driver\",\"time\":"));
	assert_non_null(strstr(content, "\"as\":1,\"address\":\"0x2000\""));
	assert_non_null(strstr(content, "\"seen\":\"seen ?here??\""));
	assert_non_null(strstr(content, "] AS1 LOCK 0x1000..0x1fff\",\"["));
	assert_non_null(strstr(content, "] FLUSH_CACHES 0x33\"]}"));
	assert_null(strstr(content, "AS2"));
}

/* The oldest events are forgotten, a client's finding is none of the driver's. */
static void test_history(void **state)
{
	(void)state;
	assert_int_equal(rules_open(path), 0);
	for (unsigned int i = 0; i < 1000; i++)
		rules_note(3, "UNLOCK", i, i);
	rules_broken(RULE_STREAM_NOT_MODELLED, 3, 0, "x");
	assert_int_equal(rules_count_of_driver(), 0);
	assert_int_equal(read_lines(), 1);
	assert_non_null(strstr(content, "\"by\":\"client\""));
	assert_null(strstr(content, "UNLOCK 0x3df\""));
	assert_non_null(strstr(content, "[\"["));
	assert_non_null(strstr(content, "UNLOCK 0x3e0\",\"["));
	assert_non_null(strstr(content, "UNLOCK 0x3e7\"]"));
}

static void test_limit(void **state)
{
	(void)state;
	assert_int_equal(rules_open(path), 0);
	for (unsigned int i = 0; i < 100000; i++)
		rules_broken(RULE_RING_INVALID, 0, i, "%0500u", i);
	rules_broken(RULE_LOCK_MOVED, 1, 0, "once");
	assert_int_equal(rules_count(RULE_RING_INVALID), 100000);
	rules_close();
	assert_int_equal(read_lines(), RULES_FINDINGS_MAX + 2);
	assert_non_null(
		strstr(content, "{\"rule\":\"ring-invalid\",\"by\":\"driver\",\"lost\":99744}\n"));
	assert_null(strstr(content, "\"rule\":\"lock-moved\",\"by\":\"driver\",\"lost\""));
}

static void test_off(void **state)
{
	(void)state;
	assert_false(rules_on());
	rules_note(1, "LOCK", 0, 0);
	rules_broken(RULE_LOCK_MOVED, 1, 0, "off");
	assert_int_equal(rules_open(path), 0);
	assert_kept();
	assert_int_equal(rules_open("/nowhere/at/all"), -ENOENT);
	assert_false(rules_on());
	assert_int_equal(rules_open(NULL), 0);
	rules_broken(RULE_LOCK_MOVED, 1, 0, "without a file");
	assert_broken(RULE_LOCK_MOVED, 1);
}

#define RULES_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table), RULES_TEST(test_finding), RULES_TEST(test_history),
		RULES_TEST(test_limit),	      RULES_TEST(test_off),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
