/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_TESTS_RULE_COUNTS_H
#define VMALI_TESTS_RULE_COUNTS_H

#include "rules/rules.h"

/*
 * What the referee saw since rules_open(): @count findings of @rule, and none of another rule. With
 * RULE_COUNT and 0: nothing at all.
 */
#define assert_broken(rule, count) \
	do { \
		for (int rule_ = 0; rule_ < RULE_COUNT; rule_++) { \
			uint64_t wanted_ = rule_ == (int)(rule) ? (count) : 0; \
			if (rules_count(rule_) != wanted_) \
				fail_msg("%s: %u findings, not %u", rule_text(rule_)->name, \
					 (unsigned int)rules_count(rule_), (unsigned int)wanted_); \
		} \
	} while (0)

#define assert_kept() assert_broken(RULE_COUNT, 0)

#endif
