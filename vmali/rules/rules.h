/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_RULES_H
#define VMALI_RULES_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The referee: rules that the driver must keep, and that a GPU may or may not punish. The other
 * rooms tell it what the guest does. It writes down each rule that was broken, and never changes
 * what the model does. rules/table.c has the words and the source of each rule.
 */
enum rule {
	/* Address spaces: commands and registers. */
	RULE_LOCK_MOVED,
	RULE_LOCK_BELOW_MINIMUM,
	RULE_UNLOCK_WITHOUT_LOCK,
	RULE_UNLOCK_UNFLUSHED,
	RULE_UPDATE_WHILE_LOCKED,
	RULE_AS_NOT_UPDATED,
	RULE_AS_REUSED_UNFLUSHED,
	RULE_AS_COMMAND_UNKNOWN,
	RULE_ADDRESS_MODE_UNKNOWN,
	/* Page tables. */
	RULE_CHANGED_BEFORE_LOCK,
	RULE_CHANGED_OUTSIDE_LOCK,
	RULE_TABLE_MALFORMED,
	/* Registers, power, interrupts. */
	RULE_REGISTER_READ_ONLY,
	RULE_REGISTER_UNKNOWN,
	RULE_GPU_COMMAND_UNKNOWN,
	RULE_L2_OFF_BUSY,
	RULE_IRQ_CLEARED_UNREAD,
	/* Microcontroller and firmware interface. */
	RULE_MCU_CONTROL_UNKNOWN,
	RULE_MCU_WITHOUT_L2,
	RULE_MCU_WITHOUT_TABLES,
	RULE_INTERFACE_UNREACHABLE,
	RULE_REQUEST_UNKNOWN,
	RULE_REQUEST_CHANGED,
	RULE_GROUP_AS_INVALID,
	RULE_DOORBELL_WITHOUT_GROUP,
	RULE_RING_INVALID,
	RULE_SUSPEND_BUFFER_LOST,
	/* Command streams and jobs, which a client writes. */
	RULE_STREAM_NOT_MODELLED,
	RULE_STREAM_UNDEFINED_BITS,
	RULE_STREAM_WAIT_CONDITION,
	RULE_JOB_NOT_MODELLED,
	RULE_JOB_RESOURCE,
	RULE_COUNT
};

/**
 * struct rule_text - What a rule says
 * @name: lower case, with minus signs.
 * @words: one sentence.
 * @source: where the rule comes from.
 * @by_client: broken by the stream or the job of a client, which is no error of the driver.
 */
struct rule_text {
	const char *name, *words, *source;
	bool by_client;
};

const struct rule_text *rule_text(enum rule rule);

/* No address space, in rules_broken() and rules_note(). */
#define RULES_NO_AS (-1)

/* Findings of one rule that are written. More are counted only, so that no guest fills the disk. */
#define RULES_FINDINGS_MAX 256

extern bool rules_enabled;

/**
 * rules_open() - Start to observe
 * @path: file for the findings, one JSON object a line, see docs/architecture.md; NULL: none. The
 *	first finding of each rule goes to standard error in any case.
 *
 * Return: 0 or a negative errno.
 */
int rules_open(const char *path);

/* Stop, and write the number of findings beyond RULES_FINDINGS_MAX. */
void rules_close(void);

/* Number of times that @rule was broken since rules_open(). */
uint64_t rules_count(enum rule rule);

/* Number of times that the driver broke a rule since rules_open(). */
uint64_t rules_count_of_driver(void);

/*
 * Write down that @rule was broken, in address space @as or RULES_NO_AS, at @address. The format
 * tells what was seen; it must not contain text of the guest. Callable from any thread.
 */
void rules_finding(enum rule rule, int as, uint64_t address, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Remember that the guest did @what, as @first..@last, for the findings to come: those of the same
 * address space, or of none, tell what led to them. @what: a string constant.
 */
void rules_remember(int as, const char *what, uint64_t first, uint64_t last);

static inline bool rules_on(void)
{
	return __atomic_load_n(&rules_enabled, __ATOMIC_RELAXED);
}

#define rules_broken(...) \
	do { \
		if (rules_on()) \
			rules_finding(__VA_ARGS__); \
	} while (0)

#define rules_note(...) \
	do { \
		if (rules_on()) \
			rules_remember(__VA_ARGS__); \
	} while (0)

#endif
