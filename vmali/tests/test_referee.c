// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * Unit tests of what the referee sees of address spaces (mmu/referee.c).
 *
 *  1. a driver that keeps the rules: binds, wider locks, faults, another VM. Hunts a false finding.
 *  2. each rule, broken once, is one finding of that rule and none of another.
 *  3. tables that change: before the LOCK, beside the region, in another address space, and what
 *     the referee cannot see. Hunts a finding about what is locked.
 *  4. a referee that is off sees nothing; one that is on changes no statistics of the TLB.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "memory/guest_memory.h"
#include "mmu/mmu.h"
#include "regs/as_regs.h"
#include "tests/pgtable_builder.h"
#include "tests/rule_counts.h"

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define PAGE (4 * KIB)
#define BLOCK (2 * MIB)

#define RAM GIB
#define RAM_SIZE (64 * MIB)
#define TABLES (RAM + 48 * MIB)
#define TABLES_SIZE (8 * MIB)
#define OTHER_TABLES (TABLES + TABLES_SIZE)

#define VA 0x200000000ull
#define AS 2
#define OTHER_AS 5
#define REGION_LG2 15
#define REGION (1ull << REGION_LG2) /* eight pages */

/* The mode UNMAPPED of TRANSCFG. */
#define TRANSCFG_UNMAPPED 1

struct fixture {
	struct guest_memory *mem;
	struct mmu *mmu;
	struct pgtable pt, other;
};

static int setup_with(void **state, enum mmu_tlb_mode mode)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	const struct mmu_config config = { .tlb = mode, .seed = 1 };

	f->mem = guest_memory_create();
	assert_non_null(f->mem);
	assert_int_equal(guest_memory_map_private(f->mem, RAM, RAM_SIZE), 0);
	pgtable_init(&f->pt, f->mem, TABLES, TABLES_SIZE);
	pgtable_init(&f->other, f->mem, OTHER_TABLES, TABLES_SIZE);
	f->mmu = mmu_create(f->mem, &config);
	assert_non_null(f->mmu);
	assert_int_equal(rules_open(NULL), 0);
	as_enable(f->mmu, AS, &f->pt);
	as_enable(f->mmu, OTHER_AS, &f->other);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, MMU_TLB_KEEP);
}

static int setup_off(void **state)
{
	return setup_with(state, MMU_TLB_OFF);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	rules_close();
	mmu_destroy(f->mmu);
	guest_memory_destroy(f->mem);
	test_free(f);
	return 0;
}

static void map_page(struct fixture *f, uint64_t va, uint64_t page)
{
	pgtable_map(&f->pt, va, 3, RAM + page * PAGE, PTB_RW);
}

/* Map the eight pages of the region at @va. */
static void map_region(struct fixture *f, uint64_t va)
{
	for (unsigned int i = 0; i < 8; i++)
		map_page(f, va + i * PAGE, i);
}

/* An access caches the translation. */
static void touch(struct fixture *f, unsigned int as, uint64_t va)
{
	uint64_t word;

	assert_int_equal(mmu_read64(f->mmu, as, va, &word), 0);
}

static void touch_region(struct fixture *f, uint64_t va)
{
	for (unsigned int i = 0; i < 8; i++)
		touch(f, AS, va + i * PAGE);
}

static void unlock(struct fixture *f, unsigned int as)
{
	mmu_caches_flushed(f->mmu);
	as_unlock(f->mmu, as);
}

/* panthor_mmu_as_disable() */
static void disable(struct fixture *f, unsigned int as)
{
	mmu_caches_flushed(f->mmu);
	as_write64(f->mmu, as, AS_REG_TRANSTAB, 0);
	as_write64(f->mmu, as, AS_REG_MEMATTR, 0);
	as_write64(f->mmu, as, AS_REG_TRANSCFG, TRANSCFG_UNMAPPED);
	as_command(f->mmu, as, AS_COMMAND_UPDATE);
}

/* ------------------------------------------------------------------------------------------- */

static void test_bind(void **state)
{
	struct fixture *f = *state;

	for (unsigned int round = 0; round < 4; round++) {
		as_lock(f->mmu, AS, VA, REGION_LG2);
		for (unsigned int i = 0; i < 8; i++)
			map_page(f, VA + i * PAGE, (round * 8 + i) * 3);
		unlock(f, AS);
		touch_region(f, VA);
	}
	/* a block in place of pages, under a lock that grows */
	as_lock(f->mmu, AS, VA, REGION_LG2);
	as_lock(f->mmu, AS, VA, 21);
	pgtable_map(&f->pt, VA, 2, RAM, PTB_RW);
	unlock(f, AS);
	touch_region(f, VA);
	assert_kept();
}

static void test_fault_during_bind(void **state)
{
	struct fixture *f = *state;

	map_region(f, VA);
	touch_region(f, VA);
	as_lock(f->mmu, AS, VA, REGION_LG2);
	/* the fault of another queue: its handler unlocks and disables */
	unlock(f, AS);
	disable(f, AS);
	map_page(f, VA, 9);
	unlock(f, AS);
	as_enable(f->mmu, AS, &f->pt);
	touch_region(f, VA);
	assert_kept();
}

static void test_other_vm(void **state)
{
	struct fixture *f = *state;

	map_region(f, VA);
	pgtable_map(&f->other, VA, 3, RAM + 20 * PAGE, PTB_RW);
	touch_region(f, VA);
	mmu_caches_flushed(f->mmu);
	as_enable(f->mmu, AS, &f->other);
	touch(f, AS, VA);
	disable(f, AS);
	as_enable(f->mmu, AS, &f->pt);
	mmu_as_used(f->mmu, AS);
	assert_kept();
}

static void test_reset(void **state)
{
	struct fixture *f = *state;

	map_region(f, VA);
	touch_region(f, VA);
	as_lock(f->mmu, AS, VA, REGION_LG2);
	as_write64(f->mmu, AS, AS_REG_MEMATTR, 0);
	mmu_reset(f->mmu);
	map_page(f, VA, 9);
	as_enable(f->mmu, AS, &f->pt);
	touch_region(f, VA);
	assert_kept();
}

/* ------------------------------------------------------------------------------------------- */

static void test_lock_moved(void **state)
{
	struct fixture *f = *state;

	as_lock(f->mmu, AS, VA, REGION_LG2);
	as_lock(f->mmu, AS, VA + REGION, REGION_LG2);
	assert_broken(RULE_LOCK_MOVED, 1);
}

static void test_lock_below_minimum(void **state)
{
	struct fixture *f = *state;

	as_lock(f->mmu, AS, VA, 12);
	assert_broken(RULE_LOCK_BELOW_MINIMUM, 1);
}

static void test_unlock_without_lock(void **state)
{
	struct fixture *f = *state;

	as_lock(f->mmu, AS, VA, REGION_LG2);
	unlock(f, AS);
	assert_kept();
	unlock(f, AS);
	assert_broken(RULE_UNLOCK_WITHOUT_LOCK, 1);
	/* it translates nothing */
	disable(f, AS);
	unlock(f, AS);
	assert_broken(RULE_UNLOCK_WITHOUT_LOCK, 1);
}

static void test_unlock_unflushed(void **state)
{
	struct fixture *f = *state;

	mmu_caches_flushed(f->mmu);
	as_lock(f->mmu, AS, VA, REGION_LG2);
	as_unlock(f->mmu, AS);
	assert_broken(RULE_UNLOCK_UNFLUSHED, 1);
}

static void test_update_while_locked(void **state)
{
	struct fixture *f = *state;

	as_lock(f->mmu, AS, VA, REGION_LG2);
	disable(f, AS);
	assert_broken(RULE_UPDATE_WHILE_LOCKED, 1);
}

static void test_not_updated(void **state)
{
	static const uint32_t regs[] = { AS_REG_TRANSTAB, AS_REG_MEMATTR, AS_REG_TRANSCFG };
	struct fixture *f = *state;

	for (unsigned int i = 0; i < 3; i++) {
		as_enable(f->mmu, AS, &f->pt);
		mmu_reg_write(f->mmu, AS * AS_BLOCK_SIZE + regs[i] + 4, 0);
		mmu_as_used(f->mmu, OTHER_AS);
		assert_broken(RULE_AS_NOT_UPDATED, i);
		mmu_as_used(f->mmu, AS);
		assert_broken(RULE_AS_NOT_UPDATED, i + 1);
	}
	as_lock(f->mmu, AS, VA, REGION_LG2);
	assert_broken(RULE_AS_NOT_UPDATED, 4);
	unlock(f, AS);
	assert_broken(RULE_AS_NOT_UPDATED, 5);
	/* one that does not exist, as a guest may ask for */
	mmu_as_used(f->mmu, MMU_AS_COUNT);
	mmu_as_used(f->mmu, ~0u);
}

static void test_reused_unflushed(void **state)
{
	struct fixture *f = *state;

	map_region(f, VA);
	touch(f, AS, VA);
	mmu_caches_flushed(f->mmu);
	touch(f, AS, VA);
	as_enable(f->mmu, AS, &f->other);
	assert_broken(RULE_AS_REUSED_UNFLUSHED, 1);
}

static void test_unknown(void **state)
{
	struct fixture *f = *state;
	uint32_t word;

	as_command(f->mmu, AS, 17);
	assert_broken(RULE_AS_COMMAND_UNKNOWN, 1);
	rules_open(NULL);
	mmu_reg_write(f->mmu, AS * AS_BLOCK_SIZE + AS_REG_FAULTSTATUS, 1);
	assert_broken(RULE_REGISTER_READ_ONLY, 1);
	rules_open(NULL);
	as_write64(f->mmu, AS, AS_REG_TRANSCFG, AS_ADRMODE_AARCH64_64K);
	as_command(f->mmu, AS, AS_COMMAND_UPDATE);
	assert_int_equal(mmu_read32(f->mmu, AS, VA, &word), -EFAULT);
	assert_broken(RULE_ADDRESS_MODE_UNKNOWN, 1);
}

/* ------------------------------------------------------------------------------------------- */

static void test_changed_before_lock(void **state)
{
	struct fixture *f = *state;

	map_region(f, VA);
	touch_region(f, VA);
	map_page(f, VA + 7 * PAGE, 9);
	as_lock(f->mmu, AS, VA, REGION_LG2);
	assert_broken(RULE_CHANGED_BEFORE_LOCK, 1);
	/* told once, and what is locked may change */
	map_region(f, VA);
	as_lock(f->mmu, AS, VA, 21);
	unlock(f, AS);
	assert_broken(RULE_CHANGED_BEFORE_LOCK, 1);
}

/* Both edges of a large region are looked at, and its middle is not. */
static void test_changed_at_edges(void **state)
{
	static const unsigned int pages[] = { 0, 256, 511 };
	struct fixture *f = *state;

	for (unsigned int i = 0; i < 3; i++) {
		map_page(f, VA + pages[i] * PAGE, i);
		touch(f, AS, VA + pages[i] * PAGE);
		map_page(f, VA + pages[i] * PAGE, 9);
	}
	as_lock(f->mmu, AS, VA, 21);
	assert_broken(RULE_CHANGED_BEFORE_LOCK, 2);
}

/* Each difference counts: permissions, a size with the address of before, an entry that is gone. */
static void test_what_changes(void **state)
{
	struct fixture *f = *state;

	for (unsigned int kind = 0; kind < 3; kind++) {
		rules_open(NULL);
		as_lock(f->mmu, AS, VA, 21);
		pgtable_set(&f->pt, VA, 2, 0);
		map_region(f, VA);
		unlock(f, AS);
		touch(f, AS, VA);
		if (kind == 0)
			pgtable_map(&f->pt, VA, 3, RAM, PTB_RO);
		else if (kind == 1)
			pgtable_map(&f->pt, VA, 2, RAM, PTB_RW);
		else
			pgtable_set(&f->pt, VA, 3, 0);
		assert_kept();
		as_lock(f->mmu, AS, VA, 21);
		assert_broken(RULE_CHANGED_BEFORE_LOCK, 1);
		unlock(f, AS);
	}
}

/*
 * The pages beside the region are changed with it, and their translations stay. More translations
 * than are looked at in turn were cached before, so that these are found for their place.
 */
static void test_changed_beside(void **state)
{
	const uint64_t far = VA + GIB;
	struct fixture *f = *state;

	for (uint64_t va = far; va < far + 8 * REGION; va += REGION) {
		map_region(f, va);
		touch_region(f, va);
	}
	for (uint64_t va = VA; va < VA + 3 * REGION; va += REGION) {
		map_region(f, va);
		touch_region(f, va);
	}
	as_lock(f->mmu, AS, VA + REGION, REGION_LG2);
	for (uint64_t page = 7; page <= 16; page++)
		map_page(f, VA + page * PAGE, 30 + page);
	assert_kept();
	unlock(f, AS);
	assert_broken(RULE_CHANGED_OUTSIDE_LOCK, 2);
}

/*
 * An address space in which nothing is locked, seen at commands of another one: LOCK looks at the
 * first 16 translations, UNLOCK at the next ones.
 */
static void test_changed_elsewhere(void **state)
{
	struct fixture *f = *state;

	for (uint64_t va = VA; va < VA + 3 * REGION; va += REGION) {
		map_region(f, va);
		touch_region(f, va);
	}
	map_page(f, VA + 3 * PAGE, 9);
	map_page(f, VA + 20 * PAGE, 9);
	as_lock(f->mmu, OTHER_AS, 64 * VA, REGION_LG2);
	assert_broken(RULE_CHANGED_OUTSIDE_LOCK, 1);
	unlock(f, OTHER_AS);
	assert_broken(RULE_CHANGED_OUTSIDE_LOCK, 2);
}

static void test_locked_elsewhere(void **state)
{
	struct fixture *f = *state;

	map_region(f, VA);
	touch_region(f, VA);
	as_lock(f->mmu, AS, VA, REGION_LG2);
	map_page(f, VA + 3 * PAGE, 9);
	for (unsigned int i = 0; i < 10; i++) {
		as_lock(f->mmu, OTHER_AS, VA, REGION_LG2);
		unlock(f, OTHER_AS);
	}
	unlock(f, AS);
	assert_kept();
}

/* A region that has no end, at both ends of the address space. */
static void test_whole_space(void **state)
{
	struct fixture *f = *state;

	map_region(f, 0);
	touch_region(f, 0);
	as_lock(f->mmu, AS, 0, 64);
	map_region(f, 8 * PAGE);
	unlock(f, AS);
	map_region(f, 0);
	touch_region(f, 0);
	as_lock(f->mmu, AS, 1ull << 47, 47);
	unlock(f, AS);
	as_lock(f->mmu, AS, ~0ull << REGION_LG2, REGION_LG2);
	unlock(f, AS);
	assert_kept();
}

/* Not seen: no translation was cached, or nothing differs when the referee looks. */
static void test_not_seen(void **state)
{
	struct fixture *f = *state;

	map_region(f, VA);
	map_page(f, VA, 9);
	touch_region(f, VA);
	map_page(f, VA, 10);
	map_page(f, VA, 9);
	as_lock(f->mmu, AS, VA, REGION_LG2);
	unlock(f, AS);
	assert_kept();
}

static void test_not_seen_without_tlb(void **state)
{
	struct fixture *f = *state;

	map_region(f, VA);
	touch_region(f, VA);
	map_page(f, VA, 9);
	as_lock(f->mmu, AS, VA, REGION_LG2);
	unlock(f, AS);
	assert_kept();
}

static void test_malformed(void **state)
{
	static const struct {
		unsigned int level;
		uint64_t pte;
	} cases[] = {
		{ 0, RAM | PTB_RW }, /* a block */
		{ 3, RAM | PTB_RW }, /* bits 1:0 are 01 */
		{ 2, (RAM + PAGE) | PTB_RW }, /* not aligned */
		{ 2, 1ull << 41 | PTB_VALID | PTB_TABLE }, /* beyond 40 bits */
		{ 1, 2 * GIB | PTB_VALID | PTB_TABLE }, /* no RAM */
		{ 1, TABLES | PTB_VALID | PTB_TABLE }, /* the root */
	};
	struct fixture *f = *state;
	uint64_t word;

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t va = VA + ((uint64_t)i << 39);

		rules_open(NULL);
		pgtable_set(&f->pt, va, cases[i].level, cases[i].pte);
		mmu_read64(f->mmu, AS, va, &word);
		assert_broken(RULE_TABLE_MALFORMED, 1);
	}
	/* an entry that is not valid may hold anything */
	rules_open(NULL);
	pgtable_set(&f->pt, VA, 2, ~0ull << 1);
	assert_int_equal(mmu_read64(f->mmu, AS, VA, &word), -EFAULT);
	assert_kept();
}

static void test_off(void **state)
{
	struct mmu_stats on, off;

	for (unsigned int i = 0; i < 2; i++) {
		struct fixture *f;

		setup(state);
		f = *state;
		if (i)
			rules_close();
		map_region(f, VA);
		touch_region(f, VA);
		map_page(f, VA, 9);
		as_lock(f->mmu, AS, VA + REGION, REGION_LG2);
		as_lock(f->mmu, AS, VA, REGION_LG2);
		as_unlock(f->mmu, AS);
		touch_region(f, VA);
		mmu_get_stats(f->mmu, i ? &off : &on);
		if (i)
			assert_kept();
		teardown(state);
	}
	assert_memory_equal(&on, &off, sizeof(on));
}

#define REFEREE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		REFEREE_TEST(test_bind),
		REFEREE_TEST(test_fault_during_bind),
		REFEREE_TEST(test_other_vm),
		REFEREE_TEST(test_reset),
		REFEREE_TEST(test_lock_moved),
		REFEREE_TEST(test_lock_below_minimum),
		REFEREE_TEST(test_unlock_without_lock),
		REFEREE_TEST(test_unlock_unflushed),
		REFEREE_TEST(test_update_while_locked),
		REFEREE_TEST(test_not_updated),
		REFEREE_TEST(test_reused_unflushed),
		REFEREE_TEST(test_unknown),
		REFEREE_TEST(test_changed_before_lock),
		REFEREE_TEST(test_changed_at_edges),
		REFEREE_TEST(test_what_changes),
		REFEREE_TEST(test_changed_beside),
		REFEREE_TEST(test_changed_elsewhere),
		REFEREE_TEST(test_locked_elsewhere),
		REFEREE_TEST(test_whole_space),
		REFEREE_TEST(test_not_seen),
		cmocka_unit_test_setup_teardown(test_not_seen_without_tlb, setup_off, teardown),
		REFEREE_TEST(test_malformed),
		cmocka_unit_test(test_off),
	};
	/* clang-format on */

	return cmocka_run_group_tests_name("referee", tests, NULL, NULL);
}
