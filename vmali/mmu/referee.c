// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "mmu/referee.h"

#include <stdio.h>

#include "mmu/internal.h"
#include "mmu/pt_format.h"
#include "regs/as_regs.h"
#include "rules/rules.h"

/* Translations that are compared at a command: at each edge of the region, and others in turn. */
#define EDGE_LEAVES 16
#define TURN_LEAVES 16

static bool in_lock(const struct mmu_lock *lock, uint64_t va)
{
	return lock->held && va >= lock->start && va <= lock->last;
}

static void describe(char *buf, size_t size, unsigned int exception,
		     const struct pt_translation *leaf)
{
	if (exception != AS_EXC_NONE)
		snprintf(buf, size, "fault 0x%02x", exception);
	else
		snprintf(buf, size, "0x%llx level %u %s%s%s", (unsigned long long)leaf->pa,
			 leaf->level, leaf->perms.read ? "r" : "-", leaf->perms.write ? "w" : "-",
			 leaf->perms.execute ? "x" : "-");
}

static bool leaves_equal(const struct pt_translation *a, const struct pt_translation *b)
{
	return a->pa == b->pa && a->level == b->level && a->perms.read == b->perms.read &&
	       a->perms.write == b->perms.write && a->perms.execute == b->perms.execute;
}

/* Compare the cached translation of @va with the tables. Each is reported once. */
static void compare(struct mmu *mmu, unsigned int as, uint64_t va,
		    const struct pt_translation *cached, enum rule rule)
{
	char before[64], now[64];
	struct pt_translation leaf;
	unsigned int exception;

	if (cached->reported || mmu->as[as].mode != AS_ADRMODE_AARCH64_4K)
		return;
	exception = pt_walk(mmu->mem, &mmu->as[as].regime, va, &leaf, NULL);
	if (exception == AS_EXC_NONE && leaves_equal(cached, &leaf))
		return;
	tlb_set_reported(mmu->tlb, as, va, cached->level);
	describe(before, sizeof(before), AS_EXC_NONE, cached);
	describe(now, sizeof(now), exception, &leaf);
	rules_finding(rule, as, va, "0x%llx: %s is cached, the tables say %s",
		      (unsigned long long)va, before, now);
}

/* Compare what is cached for @count leaves of @level from @va on, outside of the locked region. */
static void compare_leaves(struct mmu *mmu, unsigned int as, unsigned int level, uint64_t va,
			   uint64_t count, enum rule rule)
{
	uint64_t size = 1ull << pt_entry_lg2(level);
	struct pt_translation leaf;

	for (uint64_t i = 0; i < count; i++, va += size) {
		if (!in_lock(&mmu->as[as].lock, va) &&
		    tlb_find_level(mmu->tlb, as, level, va, &leaf))
			compare(mmu, as, va, &leaf, rule);
	}
}

/* Compare at both ends of a region, from inside. */
static void compare_region(struct mmu *mmu, unsigned int as, const struct mmu_lock *region)
{
	for (unsigned int level = 0; level < PT_LEVELS; level++) {
		unsigned int lg2 = pt_entry_lg2(level);
		uint64_t first = region->start >> lg2, last = region->last >> lg2;
		uint64_t count = last - first + 1;

		if (!tlb_count(mmu->tlb, as, level))
			continue;
		if (count <= 2 * EDGE_LEAVES) {
			compare_leaves(mmu, as, level, first << lg2, count,
				       RULE_CHANGED_BEFORE_LOCK);
			continue;
		}
		compare_leaves(mmu, as, level, first << lg2, EDGE_LEAVES, RULE_CHANGED_BEFORE_LOCK);
		compare_leaves(mmu, as, level, (last - EDGE_LEAVES + 1) << lg2, EDGE_LEAVES,
			       RULE_CHANGED_BEFORE_LOCK);
	}
}

/* Compare on both sides of a region, from outside. */
static void compare_beside(struct mmu *mmu, unsigned int as, const struct mmu_lock *region)
{
	for (unsigned int level = 0; level < PT_LEVELS; level++) {
		unsigned int lg2 = pt_entry_lg2(level);
		uint64_t first = region->start >> lg2, last = region->last >> lg2;
		uint64_t before = first < EDGE_LEAVES ? first : EDGE_LEAVES;

		if (!tlb_count(mmu->tlb, as, level))
			continue;
		compare_leaves(mmu, as, level, (first - before) << lg2, before,
			       RULE_CHANGED_OUTSIDE_LOCK);
		compare_leaves(mmu, as, level, (last + 1) << lg2, EDGE_LEAVES,
			       RULE_CHANGED_OUTSIDE_LOCK);
	}
}

/* Compare translations of any address space, in turn. @but: region that is looked at elsewhere. */
static void compare_in_turn(struct mmu *mmu, unsigned int but_as, const struct mmu_lock *but)
{
	for (unsigned int i = 0; i < TURN_LEAVES; i++) {
		struct pt_translation leaf;
		unsigned int as;
		uint64_t va;

		if (!tlb_next(mmu->tlb, &mmu->turn, &as, &va, &leaf))
			continue;
		if (in_lock(&mmu->as[as].lock, va) || (as == but_as && in_lock(but, va)))
			continue;
		compare(mmu, as, va, &leaf, RULE_CHANGED_OUTSIDE_LOCK);
	}
}

static void check_updated(const struct mmu *mmu, unsigned int as, const char *before)
{
	if (mmu->as[as].written)
		rules_finding(RULE_AS_NOT_UPDATED, as, mmu->as[as].transtab,
			      "registers were written, and %s comes before UPDATE", before);
}

void referee_lock(struct mmu *mmu, unsigned int number, const struct mmu_lock *region)
{
	struct mmu_as *as = &mmu->as[number];

	if (!rules_on())
		return;
	check_updated(mmu, number, "LOCK");
	if (as->lock.held && (as->lock.start < region->start || as->lock.last > region->last))
		rules_finding(RULE_LOCK_MOVED, number, region->start,
			      "0x%llx..0x%llx is locked, then 0x%llx..0x%llx",
			      (unsigned long long)as->lock.start, (unsigned long long)as->lock.last,
			      (unsigned long long)region->start, (unsigned long long)region->last);
	compare_region(mmu, number, region);
	compare_in_turn(mmu, number, region);
	/* a wider region does not end what the first one began */
	if (!as->lock.held)
		as->flushed = false;
	rules_remember(number, "LOCK", region->start, region->last);
}

void referee_unlock(struct mmu *mmu, unsigned int number, const char *command)
{
	const struct mmu_as *as = &mmu->as[number];

	if (!rules_on())
		return;
	check_updated(mmu, number, command);
	if (!as->lock.held) {
		rules_remember(number, "UNLOCK", 0, 0);
		/*
		 * After a fault, panthor_mmu_as_disable() unlocks the region of an operation that goes
		 * on, and unlocks it again at its end. The address space translates nothing then.
		 */
		if (as->mode != AS_ADRMODE_UNMAPPED)
			rules_finding(RULE_UNLOCK_WITHOUT_LOCK, number, 0, "%s, nothing is locked",
				      command);
		return;
	}
	if (!as->flushed)
		rules_finding(RULE_UNLOCK_UNFLUSHED, number, as->lock.start,
			      "%s of 0x%llx..0x%llx, no cache was flushed since LOCK", command,
			      (unsigned long long)as->lock.start,
			      (unsigned long long)as->lock.last);
	compare_beside(mmu, number, &as->lock);
	compare_in_turn(mmu, number, &as->lock);
	rules_remember(number, command, as->lock.start, as->lock.last);
}

void referee_update(struct mmu *mmu, unsigned int number)
{
	struct mmu_as *as = &mmu->as[number];
	unsigned int mode = field_get(as->transcfg, AS_TRANSCFG_ADRMODE);
	uint64_t root = as->transtab & field_mask(AS_TRANSTAB_BASE);

	if (!rules_on())
		return;
	if (as->lock.held)
		rules_finding(RULE_UPDATE_WHILE_LOCKED, number, as->lock.start,
			      "0x%llx..0x%llx is locked", (unsigned long long)as->lock.start,
			      (unsigned long long)as->lock.last);
	if (as->used && mode == AS_ADRMODE_AARCH64_4K && as->mode == mode &&
	    root != as->regime.root)
		rules_finding(
			RULE_AS_REUSED_UNFLUSHED, number, root,
			"tables 0x%llx replace 0x%llx, no cache was flushed since the last access",
			(unsigned long long)root, (unsigned long long)as->regime.root);
	rules_remember(number, "UPDATE", as->transtab, as->transtab);
}

void referee_malformed(unsigned int as, uint64_t va, const char *what)
{
	rules_broken(RULE_TABLE_MALFORMED, as, va, "0x%llx: %s", (unsigned long long)va, what);
}

void mmu_caches_flushed(struct mmu *mmu)
{
	for (unsigned int as = 0; as < MMU_AS_COUNT; as++) {
		mmu->as[as].used = false;
		mmu->as[as].flushed = true;
	}
}

void mmu_as_used(struct mmu *mmu, unsigned int as)
{
	if (rules_on() && as < MMU_AS_COUNT)
		check_updated(mmu, as, "its use");
}
