// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * Unit tests of mmu/: address spaces, page-table walk, TLB, locked regions, faults.
 *
 *  1. walk: leaves of every size, and every descriptor that faults, each with its exact
 *     FAULTSTATUS. Hunts a wrong level, a permission read from the wrong bit, a store that is
 *     done although it faults.
 *  2. execute permission: by the walk, and by a fetch of shader code.
 *  3. registers: latched at UPDATE only, read back, read-only ones, address modes, 39-bit input.
 *  4. accesses over several leaves: all or nothing; limits of length and address; words.
 *  5. faults: the first is reported, the next only after it was cleared.
 *  6. LOCK: region of a LOCKADDR to the byte; accesses that stall; a second LOCK; UNLOCK without
 *     LOCK.
 *  7. TLB: entries that each command drops and keeps, in each mode. Hunts a TLB that drops too
 *     much (hides a missing flush of the driver) or too little (a correct driver would fail).
 *  8. random maps, unmaps, invalidations (some left out) and accesses, against a shadow that
 *     predicts the page of each access.
 *  9. hostile tables: random words, tables that contain themselves, addresses outside of RAM.
 *
 * RAM starts at 1 GiB, so that its first byte is the start of a block of any size.
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

#include "memory/guest_memory.h"
#include "mmu/mmu.h"
#include "mmu/tlb.h"
#include "mmu/walk.h"
#include "regs/as_regs.h"
#include "tests/pgtable_builder.h"
#include "tests/random.h"

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define PAGE (4 * KIB)
#define BLOCK (2 * MIB)

#define RAM GIB
#define RAM_SIZE (64 * MIB)
#define TABLES (RAM + 48 * MIB)
#define TABLES_SIZE (16 * MIB)
#define OUTSIDE (2 * GIB)		/* no RAM here */
#define TOO_HIGH (1ull << 40)		/* beyond the 40 bits of a physical address */

#define VA 0x7f8040200000ull		/* index 0 at the last level only */

/* With a distance of five, both use the same hash bucket of the tiny TLB. */
#define AS 1
#define OTHER_AS 6

struct fixture {
	struct guest_memory *mem;
	struct mmu *mmu;
	struct pgtable pt;
	unsigned int reported[MMU_AS_COUNT];
};

static void on_fault(void *ctx, unsigned int as)
{
	struct fixture *f = ctx;

	f->reported[as]++;
}

static struct mmu *make_mmu(struct fixture *f, enum mmu_tlb_mode mode, uint64_t seed)
{
	struct mmu_config config = {
		.tlb = mode, .seed = seed, .fault = on_fault, .ctx = f,
	};

	return mmu_create(f->mem, &config);
}

static struct fixture *make_fixture(enum mmu_tlb_mode mode)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->mem = guest_memory_create();
	assert_non_null(f->mem);
	assert_int_equal(guest_memory_map_private(f->mem, RAM, RAM_SIZE), 0);
	pgtable_init(&f->pt, f->mem, TABLES, TABLES_SIZE);
	f->mmu = make_mmu(f, mode, 1);
	assert_non_null(f->mmu);
	as_enable(f->mmu, AS, &f->pt);
	return f;
}

static void drop_fixture(struct fixture *f)
{
	mmu_destroy(f->mmu);
	guest_memory_destroy(f->mem);
	free(f);
}

static uint64_t ram64(struct fixture *f, uint64_t gpa)
{
	uint64_t value;

	assert_int_equal(guest_memory_read64(f->mem, gpa, &value), 0);
	return value;
}

static void set_ram64(struct fixture *f, uint64_t gpa, uint64_t value)
{
	assert_int_equal(guest_memory_write64(f->mem, gpa, value), 0);
}

static uint64_t gpu64(struct fixture *f, uint64_t va)
{
	uint64_t value;

	assert_int_equal(mmu_read64(f->mmu, AS, va, &value), 0);
	return value;
}

static struct mmu_stats stats_of(struct fixture *f)
{
	struct mmu_stats stats;

	mmu_get_stats(f->mmu, &stats);
	return stats;
}

static uint32_t faultstatus(struct fixture *f, unsigned int as)
{
	return mmu_reg_read(f->mmu, as * AS_BLOCK_SIZE + AS_REG_FAULTSTATUS);
}

/* 1. Walk */

#define READ 0x200		/* access types in FAULTSTATUS */
#define WRITE 0x300
#define DECODER 0x400

#define LEAF(level) (PTB_RW | ((level) == 3 ? PTB_TABLE : 0))
#define TABLE (PTB_VALID | PTB_TABLE)

/*
 * @pte: descriptor of VA at @level. @tables: if not 0, bits that are set in the table descriptor
 *	above
 * the leaf. @status: FAULTSTATUS, or 0 if the access must succeed at RAM + @offset.
 */
struct walk_case {
	const char *name;
	unsigned int level;
	uint64_t pte, tables;
	uint32_t access, status;
	uint64_t offset;
	uint64_t transcfg, memattr;
};

#define WALKS(n, l, p, a, o, ...) \
	{ .name = (n), .level = (l), .pte = (p), .access = (a), .offset = (o), ##__VA_ARGS__ }
#define FAULTS(n, l, p, a, s, ...) \
	{ .name = (n), .level = (l), .pte = (p), .access = (a), .status = (a) | (s), ##__VA_ARGS__ }

static const struct walk_case walk_cases[] = {
	WALKS("page, read", 3, LEAF(3) | RAM, READ, 0x18),
	WALKS("page, write", 3, LEAF(3) | RAM, WRITE, 0x18),
	WALKS("last page of RAM", 3, LEAF(3) | (RAM + RAM_SIZE - PAGE), READ,
	      RAM_SIZE - PAGE + 0x18),
	WALKS("2 MiB block, read", 2, LEAF(2) | RAM, READ, 0x18),
	WALKS("2 MiB block, write", 2, LEAF(2) | RAM, WRITE, 0x18),
	WALKS("2 MiB block, reserved address bits", 2, LEAF(2) | RAM | 0x1ff000, READ, 0x18),
	WALKS("1 GiB block, read", 1, LEAF(1) | RAM, READ, 0x200018),
	WALKS("1 GiB block, write", 1, LEAF(1) | RAM, WRITE, 0x200018),
	WALKS("read-only page, read", 3, LEAF(3) | RAM | PTB_READ_ONLY, READ, 0x18),
	WALKS("execute-never page, read", 3, LEAF(3) | RAM | PTB_XN, READ, 0x18),

	FAULTS("invalid at level 0", 0, 0, READ, 0xc0),
	FAULTS("invalid at level 1", 1, 0, READ, 0xc1),
	FAULTS("invalid at level 2", 2, 0, WRITE, 0xc2),
	FAULTS("invalid at level 3", 3, 0, READ, 0xc3),
	FAULTS("all but the valid bit, level 2", 2, ~PTB_VALID, READ, 0xc2),
	FAULTS("all but the valid bit, level 3", 3, ~PTB_VALID, READ, 0xc3),
	FAULTS("block at level 0", 0, PTB_RW, READ, 0xc0),
	FAULTS("block at level 3", 3, PTB_RW | RAM, READ, 0xc3),

	FAULTS("read-only at level 1", 1, LEAF(1) | RAM | PTB_READ_ONLY, WRITE, 0xc9),
	FAULTS("read-only at level 2", 2, LEAF(2) | RAM | PTB_READ_ONLY, WRITE, 0xca),
	FAULTS("read-only at level 3", 3, LEAF(3) | RAM | PTB_READ_ONLY, WRITE, 0xcb),
	FAULTS("no access, read", 3, (LEAF(3) | RAM) & ~PTB_USER, READ, 0xcb),
	FAULTS("no access, write", 3, (LEAF(3) | RAM) & ~PTB_USER, WRITE, 0xcb),
	FAULTS("no access, block", 2, (LEAF(2) | RAM) & ~PTB_USER, READ, 0xca),
	WALKS("read-only table, read", 3, LEAF(3) | RAM, READ, 0x18, .tables = PTB_TABLE_READ_ONLY),
	FAULTS("read-only table, write", 3, LEAF(3) | RAM, WRITE, 0xcb,
	       .tables = PTB_TABLE_READ_ONLY),
	FAULTS("read-only table above a block", 2, LEAF(2) | RAM, WRITE, 0xca,
	       .tables = PTB_TABLE_READ_ONLY),
	FAULTS("no-access table", 3, LEAF(3) | RAM, READ, 0xcb, .tables = PTB_TABLE_NO_USER),
	WALKS("read-only table, hierarchy off", 3, LEAF(3) | RAM, WRITE, 0x18,
	      .tables = PTB_TABLE_READ_ONLY, .transcfg = 1ull << 33),
	WALKS("no-access table, hierarchy off", 3, LEAF(3) | RAM, READ, 0x18,
	      .tables = PTB_TABLE_NO_USER, .transcfg = 1ull << 33),

	FAULTS("access flag at level 1", 1, (LEAF(1) | RAM) & ~PTB_AF, READ, 0xd9),
	FAULTS("access flag at level 2", 2, (LEAF(2) | RAM) & ~PTB_AF, WRITE, 0xda),
	FAULTS("access flag at level 3", 3, (LEAF(3) | RAM) & ~PTB_AF, READ, 0xdb),
	WALKS("access flag, faults off", 3, (LEAF(3) | RAM) & ~PTB_AF, READ, 0x18,
	      .transcfg = 1ull << 34),

	FAULTS("address size at level 1", 1, LEAF(1) | TOO_HIGH, READ, 0xe5),
	FAULTS("address size at level 2", 2, LEAF(2) | TOO_HIGH, READ, 0xe6),
	FAULTS("address size at level 3", 3, LEAF(3) | TOO_HIGH, READ, 0xe7),
	FAULTS("address size of a table, level 0", 0, TABLE | TOO_HIGH, READ, 0xe4),
	FAULTS("address size of a table, level 1", 1, TABLE | TOO_HIGH, READ, 0xe5),
	FAULTS("address size of a table, level 2", 2, TABLE | TOO_HIGH, READ, 0xe6),

	FAULTS("attribute fault at level 1", 1, LEAF(1) | RAM | PTB_ATTR(2), READ, 0xe9,
	       .memattr = 0xc00000),
	FAULTS("attribute fault at level 2", 2, LEAF(2) | RAM | PTB_ATTR(2), READ, 0xea,
	       .memattr = 0xc00000),
	FAULTS("attribute fault at level 3", 3, LEAF(3) | RAM | PTB_ATTR(7), READ, 0xeb,
	       .memattr = 0xc0ull << 56),
	WALKS("another attribute would fault", 3, LEAF(3) | RAM | PTB_ATTR(2), READ, 0x18,
	      .memattr = ~0xff0000ull),

	FAULTS("table outside of RAM, level 0", 0, TABLE | OUTSIDE, READ, DECODER | 0x80),
	FAULTS("table outside of RAM, level 2", 2, TABLE | OUTSIDE, WRITE, DECODER | 0x80),
	FAULTS("page outside of RAM, read", 3, LEAF(3) | OUTSIDE, READ, DECODER | 0x80),
	FAULTS("page outside of RAM, write", 3, LEAF(3) | OUTSIDE, WRITE, DECODER | 0x80),
	FAULTS("block that leaves RAM", 1, LEAF(1) | 3 * GIB, READ, DECODER | 0x80),
};

static void build_walk_case(struct fixture *f, const struct walk_case *c)
{
	uint64_t above;

	pgtable_set(&f->pt, VA, c->level, c->pte);
	if (c->tables) {
		above = pgtable_entry(&f->pt, VA, c->level - 1);
		set_ram64(f, above, ram64(f, above) | c->tables);
	}
	as_write64(f->mmu, AS, AS_REG_TRANSCFG, PTB_TRANSCFG | c->transcfg);
	as_write64(f->mmu, AS, AS_REG_MEMATTR, c->memattr ? c->memattr : PTB_MEMATTR);
	as_command(f->mmu, AS, AS_COMMAND_UPDATE);
}

static void expect_success(struct fixture *f, const struct walk_case *c)
{
	uint64_t value = 0x1122334455667788ull;

	set_ram64(f, RAM + c->offset, ~value);
	if (c->access == WRITE) {
		assert_int_equal(mmu_write(f->mmu, AS, VA + 0x18, &value, sizeof(value)), 0);
		assert_int_equal(ram64(f, RAM + c->offset), value);
	} else {
		assert_int_equal(gpu64(f, VA + 0x18), ~value);
	}
	assert_int_equal(f->reported[AS], 0);
}

static void expect_fault(struct fixture *f, const struct walk_case *c)
{
	uint64_t value = 0x1122334455667788ull;
	int error;

	if (c->access == WRITE)
		error = mmu_write64(f->mmu, AS, VA + 0x18, value);
	else
		error = mmu_read64(f->mmu, AS, VA + 0x18, &value);
	assert_int_equal(error, -EFAULT);
	assert_int_equal(faultstatus(f, AS), c->status);
	assert_int_equal(as_read64(f->mmu, AS, AS_REG_FAULTADDRESS), VA + 0x18);
	assert_int_equal(as_read64(f->mmu, AS, AS_REG_FAULTEXTRA), 0);
	assert_int_equal(f->reported[AS], 1);
	assert_int_equal(ram64(f, RAM + 0x18), 0);
	assert_int_equal(stats_of(f).faults, 1);
}

static void test_walk(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(walk_cases) / sizeof(walk_cases[0]); i++) {
		const struct walk_case *c = &walk_cases[i];

		for (int mode = MMU_TLB_KEEP; mode <= MMU_TLB_TINY; mode++) {
			struct fixture *f = make_fixture(mode);

			print_message("  %s\n", c->name);
			build_walk_case(f, c);
			if (c->status)
				expect_fault(f, c);
			else
				expect_success(f, c);
			drop_fixture(f);
		}
	}
}

/* Each bit of the input address selects another page: with a wrong index, two would be equal. */
static void test_walk_indices(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_OFF);
	unsigned int page = 1;

	(void)state;
	pgtable_map(&f->pt, 0, 3, RAM, PTB_RW);
	for (unsigned int bit = 12; bit < 48; bit++, page++) {
		set_ram64(f, RAM + page * PAGE, bit);
		pgtable_map(&f->pt, 1ull << bit, 3, RAM + page * PAGE, PTB_RW);
	}
	for (unsigned int bit = 12; bit < 48; bit++)
		assert_int_equal(gpu64(f, 1ull << bit), bit);
	assert_int_equal(gpu64(f, 0), 0);
	drop_fixture(f);
}

static void test_root(void **state)
{
	static const struct {
		uint64_t root;
		uint32_t status;
	} cases[] = {
		{ OUTSIDE, DECODER | READ | 0x80 },
		{ TOO_HIGH, READ | 0xe4 },
	};
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture *f = make_fixture(MMU_TLB_KEEP);

		as_write64(f->mmu, AS, AS_REG_TRANSTAB, cases[i].root);
		as_command(f->mmu, AS, AS_COMMAND_UPDATE);
		assert_int_equal(mmu_read64(f->mmu, AS, VA, &value), -EFAULT);
		assert_int_equal(faultstatus(f, AS), cases[i].status);
		drop_fixture(f);
	}
}

/* 2. Execute permission */

static void test_execute(void **state)
{
	static const struct {
		uint64_t pte, tables;
		bool write_xn, execute;
	} cases[] = {
		{ LEAF(3) | RAM, 0, false, true },
		{ LEAF(3) | RAM | PTB_XN, 0, false, false },
		{ LEAF(3) | RAM, PTB_TABLE_XN, false, false },
		{ LEAF(3) | RAM, 0, true, false },
		{ LEAF(3) | RAM | PTB_READ_ONLY, 0, true, true },
		{ (LEAF(3) | RAM) & ~PTB_USER, 0, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture *f = make_fixture(MMU_TLB_OFF);
		struct pt_regime regime = {
			.root = f->pt.root, .va_bits = 48, .hierarchical_ap = true,
			.af_faults = true, .write_xn = cases[i].write_xn,
		};
		struct pt_translation leaf;
		uint64_t above;

		pgtable_set(&f->pt, VA, 3, cases[i].pte);
		above = pgtable_entry(&f->pt, VA, 2);
		set_ram64(f, above, ram64(f, above) | cases[i].tables);
		assert_int_equal(pt_walk(f->mem, &regime, VA, &leaf, NULL), AS_EXC_NONE);
		assert_int_equal(leaf.perms.execute, cases[i].execute);
		drop_fixture(f);
	}
}

/* 3. Registers */

/* A fetch needs execute permission, a load does not. Both stall at a locked region. */
static void test_fetch(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_KEEP);
	uint64_t word = 0;

	(void)state;
	pgtable_map(&f->pt, VA, 3, RAM, PTB_RO);
	pgtable_map(&f->pt, VA + PAGE, 3, RAM, PTB_RO | PTB_XN);
	set_ram64(f, RAM, 77);
	assert_int_equal(mmu_fetch(f->mmu, AS, VA, &word, sizeof(word)), 0);
	assert_int_equal(word, 77);
	assert_int_equal(gpu64(f, VA + PAGE), 77);
	assert_int_equal(mmu_fetch(f->mmu, AS, VA + PAGE, &word, sizeof(word)), -EFAULT);
	assert_int_equal(faultstatus(f, AS), 0x1cb);
	assert_int_equal(as_read64(f->mmu, AS, AS_REG_FAULTADDRESS), VA + PAGE);
	as_lock(f->mmu, AS, VA, 15);
	assert_int_equal(mmu_fetch(f->mmu, AS, VA, &word, sizeof(word)), -EAGAIN);
	as_unlock(f->mmu, AS);
	assert_int_equal(mmu_fetch(f->mmu, AS, VA, &word, MMU_ACCESS_MAX + 1), -EINVAL);
	drop_fixture(f);
}

static void test_registers(void **state)
{
	static const uint32_t storage[] = {
		AS_REG_TRANSTAB, AS_REG_MEMATTR, AS_REG_LOCKADDR, AS_REG_TRANSCFG,
	};
	static const uint32_t read_only[] = {
		AS_REG_FAULTSTATUS, AS_REG_FAULTADDRESS, AS_REG_FAULTADDRESS + 4, AS_REG_STATUS,
		AS_REG_STATUS + 4, AS_REG_FAULTEXTRA, AS_REG_FAULTEXTRA + 4,
	};
	struct fixture *f = make_fixture(MMU_TLB_KEEP);

	(void)state;
	for (unsigned int as = 0; as < MMU_AS_COUNT; as++) {
		for (size_t i = 0; i < sizeof(storage) / sizeof(storage[0]); i++)
			as_write64(f->mmu, as, storage[i], 0x0123456789abcdefull + as + i);
	}
	for (unsigned int as = 0; as < MMU_AS_COUNT; as++) {
		for (size_t i = 0; i < sizeof(storage) / sizeof(storage[0]); i++)
			assert_int_equal(as_read64(f->mmu, as, storage[i]),
					 0x0123456789abcdefull + as + i);
	}
	for (size_t i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++) {
		mmu_reg_write(f->mmu, AS * AS_BLOCK_SIZE + read_only[i], ~0u);
		assert_int_equal(mmu_reg_read(f->mmu, AS * AS_BLOCK_SIZE + read_only[i]), 0);
	}
	/* one past the last block */
	mmu_reg_write(f->mmu, MMU_AS_COUNT * AS_BLOCK_SIZE, 1);
	assert_int_equal(mmu_reg_read(f->mmu, MMU_AS_COUNT * AS_BLOCK_SIZE), 0);
	as_command(f->mmu, AS, 77);
	drop_fixture(f);
}

static void test_latched_at_update(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_OFF);
	uint64_t value;

	(void)state;
	pgtable_map(&f->pt, VA, 3, RAM, PTB_RW);
	as_write64(f->mmu, AS, AS_REG_TRANSTAB, 0);
	as_write64(f->mmu, AS, AS_REG_MEMATTR, ~0ull);
	as_write64(f->mmu, AS, AS_REG_TRANSCFG, AS_ADRMODE_UNMAPPED);
	assert_int_equal(gpu64(f, VA), 0);
	as_command(f->mmu, AS, AS_COMMAND_NOP);
	assert_int_equal(gpu64(f, VA), 0);
	as_command(f->mmu, AS, AS_COMMAND_UPDATE);
	assert_int_equal(mmu_read64(f->mmu, AS, VA, &value), -EFAULT);
	assert_int_equal(faultstatus(f, AS), READ | 0xc0);
	drop_fixture(f);
}

static void test_modes(void **state)
{
	static const struct {
		uint64_t transcfg, va;
		uint32_t status;	/* 0: @va is also the guest physical address */
	} cases[] = {
		{ AS_ADRMODE_IDENTITY, RAM, 0 },
		{ AS_ADRMODE_IDENTITY, OUTSIDE, DECODER | READ | 0x80 },
		{ AS_ADRMODE_IDENTITY, TOO_HIGH, READ | 0xe4 },
		{ AS_ADRMODE_UNMAPPED, RAM, READ | 0xc0 },
		{ AS_ADRMODE_AARCH64_64K, RAM, READ | 0xc0 },
		{ 0, RAM, READ | 0xc0 },
		{ 15, RAM, READ | 0xc0 },
	};
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture *f = make_fixture(MMU_TLB_KEEP);

		set_ram64(f, RAM, 42);
		as_write64(f->mmu, AS, AS_REG_TRANSCFG, cases[i].transcfg);
		as_command(f->mmu, AS, AS_COMMAND_UPDATE);
		if (cases[i].status) {
			assert_int_equal(mmu_read64(f->mmu, AS, cases[i].va, &value), -EFAULT);
			assert_int_equal(faultstatus(f, AS), cases[i].status);
		} else {
			assert_int_equal(gpu64(f, cases[i].va), 42);
		}
		/* never enabled */
		assert_int_equal(mmu_read64(f->mmu, OTHER_AS, RAM, &value), -EFAULT);
		assert_int_equal(faultstatus(f, OTHER_AS), READ | 0xc0);
		drop_fixture(f);
	}
}

/* INA_BITS 16: 39 bits, so the walk starts at level 1. */
static void test_input_bits(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_OFF);
	uint64_t level_1, value;

	(void)state;
	pgtable_map(&f->pt, 0x40201000, 3, RAM + PAGE, PTB_RW);
	set_ram64(f, RAM + PAGE, 7);
	assert_int_equal(mmu_read64(f->mmu, AS, 1ull << 48, &value), -EFAULT);
	assert_int_equal(faultstatus(f, AS), READ | 0xe0);
	level_1 = ram64(f, pgtable_entry(&f->pt, 0x40201000, 0)) & ~0xfffull;
	as_write64(f->mmu, AS, AS_REG_TRANSTAB, level_1);
	as_write64(f->mmu, AS, AS_REG_TRANSCFG, AS_ADRMODE_AARCH64_4K | 16 << 6);
	as_command(f->mmu, AS, AS_COMMAND_UPDATE);
	assert_int_equal(gpu64(f, 0x40201000), 7);
	assert_int_equal(mmu_read64(f->mmu, AS, 1ull << 39, &value), -EFAULT);
	assert_int_equal(faultstatus(f, AS), READ | 0xe0);
	drop_fixture(f);
}

static void test_tlb_option(void **state)
{
	static const struct {
		const char *text;
		int result;
		enum mmu_tlb_mode mode;
		uint64_t seed;
	} cases[] = {
		{ "keep", 0, MMU_TLB_KEEP, 0 },
		{ "off", 0, MMU_TLB_OFF, 0 },
		{ "tiny:5", 0, MMU_TLB_TINY, 5 },
		{ "tiny:0xffffffffffffffff", 0, MMU_TLB_TINY, UINT64_MAX },
		{ "tiny", -EINVAL, 0, 0 },
		{ "tiny:", -EINVAL, 0, 0 },
		{ "tiny:-1", -EINVAL, 0, 0 },
		{ "tiny: 1", -EINVAL, 0, 0 },
		{ "tiny:1x", -EINVAL, 0, 0 },
		{ "tiny:0x10000000000000000", -EINVAL, 0, 0 },
		{ "", -EINVAL, 0, 0 },
		{ "keep ", -EINVAL, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mmu_config config = { 0 };

		assert_int_equal(mmu_parse_tlb_mode(cases[i].text, &config), cases[i].result);
		if (cases[i].result)
			continue;
		assert_int_equal(config.tlb, cases[i].mode);
		assert_int_equal(config.seed, cases[i].seed);
	}
}

/* 4. Accesses over several leaves */

/* A 2 MiB block, then pages in falling order: neighbours in VA are not neighbours in RAM. */
static void map_mixed(struct fixture *f)
{
	pgtable_map(&f->pt, VA, 2, RAM, PTB_RW);
	for (unsigned int i = 0; i < 20; i++)
		pgtable_map(&f->pt, VA + BLOCK + i * PAGE, 3, RAM + 8 * MIB - i * PAGE, PTB_RW);
}

static void test_crossing(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_KEEP);
	static uint8_t out[MMU_ACCESS_MAX], in[MMU_ACCESS_MAX];
	uint64_t va = VA + BLOCK - 0x123;

	(void)state;
	map_mixed(f);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + (i >> 8));
	assert_int_equal(mmu_write(f->mmu, AS, va, out, sizeof(out)), 0);
	assert_int_equal(mmu_read(f->mmu, AS, va, in, sizeof(in)), 0);
	assert_memory_equal(out, in, sizeof(out));
	/* the end of the block, and the second page */
	assert_int_equal(guest_memory_read(f->mem, RAM + BLOCK - 0x123, in, 0x123), 0);
	assert_memory_equal(out, in, 0x123);
	assert_int_equal(guest_memory_read(f->mem, RAM + 8 * MIB - PAGE, in, PAGE), 0);
	assert_memory_equal(out + 0x123 + PAGE, in, PAGE);
	drop_fixture(f);
}

static void test_all_or_nothing(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_KEEP);
	uint64_t pair[2] = { 1, 2 };

	(void)state;
	pgtable_map(&f->pt, VA, 3, RAM, PTB_RW);
	pgtable_map(&f->pt, VA + PAGE, 3, RAM + PAGE, PTB_RO);
	assert_int_equal(mmu_write(f->mmu, AS, VA + PAGE - 8, pair, 16), -EFAULT);
	assert_int_equal(faultstatus(f, AS), WRITE | 0xcb);
	assert_int_equal(as_read64(f->mmu, AS, AS_REG_FAULTADDRESS), VA + PAGE);
	assert_int_equal(ram64(f, RAM + PAGE - 8), 0);
	assert_int_equal(mmu_read(f->mmu, AS, VA + PAGE - 8, pair, 16), 0);
	assert_int_equal(mmu_read(f->mmu, AS, VA + 2 * PAGE - 8, pair, 16), -EFAULT);
	drop_fixture(f);
}

static void test_limits(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_KEEP);
	static uint8_t buf[MMU_ACCESS_MAX + 1];
	uint64_t value;
	uint32_t word;

	(void)state;
	map_mixed(f);
	assert_int_equal(mmu_read(f->mmu, AS, VA, buf, 0), 0);
	assert_int_equal(mmu_read(f->mmu, AS, 0, buf, 0), 0);
	assert_int_equal(mmu_read(f->mmu, AS, VA, buf, MMU_ACCESS_MAX + 1), -EINVAL);
	assert_int_equal(mmu_write(f->mmu, AS, VA, buf, MMU_ACCESS_MAX + 1), -EINVAL);
	assert_int_equal(mmu_read(f->mmu, MMU_AS_COUNT, VA, buf, 1), -EINVAL);
	assert_int_equal(mmu_read64(f->mmu, AS, VA + 4, &value), -EINVAL);
	assert_int_equal(mmu_write64(f->mmu, AS, VA + 4, 0), -EINVAL);
	assert_int_equal(mmu_read32(f->mmu, AS, VA + 2, &word), -EINVAL);
	assert_int_equal(mmu_write32(f->mmu, AS, VA + 2, 0), -EINVAL);
	assert_int_equal(f->reported[AS], 0);
	assert_int_equal(mmu_read(f->mmu, AS, UINT64_MAX - 7, buf, 16), -EFAULT);
	assert_int_equal(faultstatus(f, AS), READ | 0xe0);
	drop_fixture(f);
}

static void test_words(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_KEEP);
	uint64_t value;
	uint32_t word;

	(void)state;
	pgtable_map(&f->pt, VA, 3, RAM, PTB_RW);
	assert_int_equal(mmu_write64(f->mmu, AS, VA + PAGE - 8, 0x0102030405060708ull), 0);
	assert_int_equal(mmu_read32(f->mmu, AS, VA + PAGE - 8, &word), 0);
	assert_int_equal(word, 0x05060708);
	assert_int_equal(mmu_write32(f->mmu, AS, VA + PAGE - 4, 0xaabbccdd), 0);
	assert_int_equal(mmu_read64(f->mmu, AS, VA + PAGE - 8, &value), 0);
	assert_int_equal(value, 0xaabbccdd05060708ull);
	drop_fixture(f);
}

/* 5. Faults */

static void test_first_fault_only(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_KEEP);
	uint64_t value;

	(void)state;
	pgtable_map(&f->pt, VA, 3, RAM, PTB_RO);
	assert_int_equal(mmu_read64(f->mmu, AS, VA + PAGE, &value), -EFAULT);
	assert_int_equal(mmu_write64(f->mmu, AS, VA, 1), -EFAULT);
	assert_int_equal(f->reported[AS], 1);
	assert_int_equal(as_read64(f->mmu, AS, AS_REG_FAULTADDRESS), VA + PAGE);
	/* mapped addresses still work, and other address spaces report their own faults */
	assert_int_equal(gpu64(f, VA), 0);
	assert_int_equal(mmu_read64(f->mmu, OTHER_AS, VA, &value), -EFAULT);
	assert_int_equal(f->reported[OTHER_AS], 1);

	mmu_fault_cleared(f->mmu, AS);
	assert_int_equal(mmu_write64(f->mmu, AS, VA, 1), -EFAULT);
	assert_int_equal(f->reported[AS], 2);
	assert_int_equal(faultstatus(f, AS), WRITE | 0xcb);
	as_command(f->mmu, AS, AS_COMMAND_UPDATE);
	assert_int_equal(mmu_read64(f->mmu, AS, VA + PAGE, &value), -EFAULT);
	assert_int_equal(f->reported[AS], 3);
	assert_int_equal(stats_of(f).faults, 5);
	drop_fixture(f);
}

/* 6. LOCK */

static void test_lock_region(void **state)
{
	static const struct {
		uint64_t lockaddr, first, last;
	} cases[] = {
		{ VA | 14, VA, VA + 32 * KIB - 1 },
		{ VA | 20, VA, VA + 2 * MIB - 1 },
		/* smaller than the minimum */
		{ VA | 0, VA, VA + 32 * KIB - 1 },
		{ VA | 13, VA, VA + 32 * KIB - 1 },
		/* the start is not aligned to the size: pack_region_range() leaves it so */
		{ (VA + 16 * KIB) | 14, VA, VA + 32 * KIB - 1 },
		{ (VA + 5 * PAGE) | 15, VA, VA + 64 * KIB - 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture *f = make_fixture(MMU_TLB_KEEP);
		uint8_t byte;

		/* a block on either side, so that nothing here faults */
		for (int n = -1; n <= 1; n++)
			pgtable_map(&f->pt, VA + n * (int64_t)BLOCK, 2, RAM, PTB_RW);
		as_write64(f->mmu, AS, AS_REG_LOCKADDR, cases[i].lockaddr);
		as_command(f->mmu, AS, AS_COMMAND_LOCK);
		assert_int_equal(mmu_read(f->mmu, AS, cases[i].first - 1, &byte, 1), 0);
		assert_int_equal(mmu_read(f->mmu, AS, cases[i].first, &byte, 1), -EAGAIN);
		assert_int_equal(mmu_read(f->mmu, AS, cases[i].last, &byte, 1), -EAGAIN);
		assert_int_equal(mmu_read(f->mmu, AS, cases[i].last + 1, &byte, 1), 0);
		as_unlock(f->mmu, AS);
		assert_int_equal(mmu_read(f->mmu, AS, cases[i].first, &byte, 1), 0);
		assert_int_equal(f->reported[AS], 0);
		drop_fixture(f);
	}
}

static void test_lock_everything(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_KEEP);
	uint64_t value;

	(void)state;
	as_lock(f->mmu, AS, 0, 64);
	assert_int_equal(mmu_read64(f->mmu, AS, 0, &value), -EAGAIN);
	assert_int_equal(mmu_read64(f->mmu, AS, UINT64_MAX - 7, &value), -EAGAIN);
	assert_int_equal(f->reported[AS], 0);
	as_unlock(f->mmu, AS);
	assert_int_equal(mmu_read64(f->mmu, AS, 0, &value), -EFAULT);
	drop_fixture(f);
}

static void test_lock_stalls(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_KEEP);
	uint64_t pair[2] = { 1, 2 };

	(void)state;
	pgtable_map(&f->pt, VA, 2, RAM, PTB_RW);
	pgtable_map(&f->pt, VA + BLOCK, 2, RAM + BLOCK, PTB_RW);
	as_enable(f->mmu, OTHER_AS, &f->pt);
	as_lock(f->mmu, AS, VA + BLOCK, 15);
	/* an access up to the start of the region succeeds, an access into it stalls */
	assert_int_equal(mmu_write(f->mmu, AS, VA + BLOCK - 16, pair, 16), 0);
	assert_int_equal(mmu_write(f->mmu, AS, VA + BLOCK - 8, pair, 16), -EAGAIN);
	assert_int_equal(ram64(f, RAM + BLOCK - 8), 2);
	assert_int_equal(mmu_write64(f->mmu, AS, VA + BLOCK, 3), -EAGAIN);
	assert_int_equal(mmu_write64(f->mmu, OTHER_AS, VA + BLOCK, 3), 0);
	/* UNLOCK of another AS has no effect */
	as_unlock(f->mmu, OTHER_AS);
	assert_int_equal(mmu_write64(f->mmu, AS, VA + BLOCK, 4), -EAGAIN);
	as_unlock(f->mmu, AS);
	assert_int_equal(mmu_write64(f->mmu, AS, VA + BLOCK, 4), 0);
	assert_int_equal(ram64(f, RAM + BLOCK), 4);
	drop_fixture(f);
}

static void test_second_lock(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_KEEP);

	(void)state;
	pgtable_map(&f->pt, VA, 2, RAM, PTB_RW);
	as_lock(f->mmu, AS, VA, 15);
	as_lock(f->mmu, AS, VA, 20);
	assert_int_equal(mmu_write64(f->mmu, AS, VA, 1), -EAGAIN);
	assert_int_equal(mmu_write64(f->mmu, AS, VA + MIB - 8, 1), -EAGAIN);
	as_lock(f->mmu, AS, VA + MIB, 15);
	assert_int_equal(mmu_write64(f->mmu, AS, VA, 1), 0);
	assert_int_equal(mmu_write64(f->mmu, AS, VA + MIB, 1), -EAGAIN);
	mmu_reset(f->mmu);
	as_enable(f->mmu, AS, &f->pt);
	assert_int_equal(mmu_write64(f->mmu, AS, VA + MIB, 1), 0);
	drop_fixture(f);
}

/* 7. TLB */

/* Ways to drop the translation of VA between a change of the tables and the next access. */
enum tlb_action {
	DO_NOTHING,
	UNLOCK_EXACT,
	UNLOCK_AROUND,
	UNLOCK_BEFORE,
	UNLOCK_AFTER,
	LOCK_ONLY,
	UNLOCK_WITHOUT_LOCK,
	UNLOCK_OTHER_AS,
	FLUSH_PT_LOCKED,
	FLUSH_MEM_LOCKED,
	FLUSH_MEM_UNLOCKED,
	UPDATE_OWN,
	UPDATE_OTHER,
	RESET
};

static const struct {
	const char *name;
	enum tlb_action action;
	bool drops;
} tlb_cases[] = {
	{ "nothing", DO_NOTHING, false },
	{ "LOCK, UNLOCK of exactly the region", UNLOCK_EXACT, true },
	{ "LOCK, UNLOCK of a larger region", UNLOCK_AROUND, true },
	{ "LOCK, UNLOCK of the region before", UNLOCK_BEFORE, false },
	{ "LOCK, UNLOCK of the region after", UNLOCK_AFTER, false },
	{ "LOCK elsewhere, no UNLOCK", LOCK_ONLY, false },
	{ "UNLOCK without LOCK", UNLOCK_WITHOUT_LOCK, false },
	{ "LOCK, UNLOCK in another AS", UNLOCK_OTHER_AS, false },
	{ "LOCK, FLUSH_PT", FLUSH_PT_LOCKED, true },
	{ "LOCK, FLUSH_MEM", FLUSH_MEM_LOCKED, true },
	{ "FLUSH_MEM without LOCK", FLUSH_MEM_UNLOCKED, false },
	{ "UPDATE", UPDATE_OWN, true },
	{ "UPDATE of another AS", UPDATE_OTHER, false },
	{ "reset", RESET, true },
};

static void lock_unlock(struct fixture *f, unsigned int as, uint64_t start, unsigned int size_lg2)
{
	as_lock(f->mmu, as, start, size_lg2);
	as_unlock(f->mmu, as);
}

static void do_tlb_action(struct fixture *f, enum tlb_action action, uint64_t va,
			  unsigned int size_lg2)
{
	uint64_t size = 1ull << size_lg2;

	switch (action) {
	case DO_NOTHING:
		break;
	case UNLOCK_EXACT:
		lock_unlock(f, AS, va, size_lg2);
		break;
	case UNLOCK_AROUND:
		lock_unlock(f, AS, va, size_lg2 + 4);
		break;
	case UNLOCK_BEFORE:
		lock_unlock(f, AS, va - size, size_lg2);
		break;
	case UNLOCK_AFTER:
		lock_unlock(f, AS, va + size, size_lg2);
		break;
	case LOCK_ONLY:
		as_lock(f->mmu, AS, va + size, size_lg2);
		break;
	case UNLOCK_WITHOUT_LOCK:
		as_write64(f->mmu, AS, AS_REG_LOCKADDR, va | (size_lg2 - 1));
		as_unlock(f->mmu, AS);
		break;
	case UNLOCK_OTHER_AS:
		lock_unlock(f, OTHER_AS, va, size_lg2);
		break;
	case FLUSH_PT_LOCKED:
		as_lock(f->mmu, AS, va, size_lg2);
		as_command(f->mmu, AS, AS_COMMAND_FLUSH_PT);
		break;
	case FLUSH_MEM_LOCKED:
		as_lock(f->mmu, AS, va, size_lg2);
		as_command(f->mmu, AS, AS_COMMAND_FLUSH_MEM);
		break;
	case FLUSH_MEM_UNLOCKED:
		as_command(f->mmu, AS, AS_COMMAND_FLUSH_MEM);
		break;
	case UPDATE_OWN:
		as_command(f->mmu, AS, AS_COMMAND_UPDATE);
		break;
	case UPDATE_OTHER:
		as_command(f->mmu, OTHER_AS, AS_COMMAND_UPDATE);
		break;
	case RESET:
		mmu_reset(f->mmu);
		as_enable(f->mmu, AS, &f->pt);
		break;
	}
}

/* Leaves of all three sizes, and the smallest region that covers one. */
static const struct {
	unsigned int level, region_lg2;
	uint64_t va;
} tlb_leaves[] = {
	{ 3, 15, VA },
	{ 2, 21, VA },
	{ 1, 30, 0x7f8040000000ull },
};

/* Map two pages of RAM one after the other, and check which one the GPU reads. */
static void check_tlb_case(enum mmu_tlb_mode mode, size_t leaf, size_t action)
{
	struct fixture *f = make_fixture(mode);
	uint64_t va = tlb_leaves[leaf].va, from = RAM, to = RAM + 2 * MIB, first = 1, second = 2;
	bool fresh = mode == MMU_TLB_OFF || tlb_cases[action].drops;

	print_message("  %s, level %u\n", tlb_cases[action].name, tlb_leaves[leaf].level);
	if (tlb_leaves[leaf].level == 1)
		to = 0;
	assert_int_equal(guest_memory_map_private(f->mem, 0, PAGE), 0);
	set_ram64(f, from, first);
	set_ram64(f, to, second);
	as_enable(f->mmu, OTHER_AS, &f->pt);
	pgtable_map(&f->pt, va, tlb_leaves[leaf].level, from, PTB_RW);
	/* a region that was unlocked before has no effect */
	lock_unlock(f, AS, va, tlb_leaves[leaf].region_lg2);
	assert_int_equal(gpu64(f, va), first);
	pgtable_map(&f->pt, va, tlb_leaves[leaf].level, to, PTB_RW);
	do_tlb_action(f, tlb_cases[action].action, va, tlb_leaves[leaf].region_lg2);
	assert_int_equal(gpu64(f, va), fresh ? second : first);
	drop_fixture(f);
}

static void test_tlb_invalidation(void **state)
{
	(void)state;
	for (size_t action = 0; action < sizeof(tlb_cases) / sizeof(tlb_cases[0]); action++) {
		for (size_t leaf = 0; leaf < sizeof(tlb_leaves) / sizeof(tlb_leaves[0]); leaf++) {
			check_tlb_case(MMU_TLB_KEEP, leaf, action);
			check_tlb_case(MMU_TLB_OFF, leaf, action);
			check_tlb_case(MMU_TLB_TINY, leaf, action);
		}
	}
}

/* The translations of one address in two address spaces are dropped separately. */
static void check_tlb_address_spaces(enum mmu_tlb_mode mode)
{
	struct fixture *f = make_fixture(mode);
	struct pgtable other;
	uint64_t value;

	pgtable_init(&other, f->mem, TABLES + TABLES_SIZE / 2, TABLES_SIZE / 2);
	as_enable(f->mmu, OTHER_AS, &other);
	for (unsigned int i = 0; i < 64; i++) {
		set_ram64(f, RAM + i * PAGE, i);
		pgtable_map(&f->pt, VA + i * PAGE, 3, RAM + i * PAGE, PTB_RW);
		pgtable_map(&other, VA + i * PAGE, 3, RAM + (63 - i) * PAGE, PTB_RW);
	}
	for (unsigned int i = 0; i < 64; i++) {
		assert_int_equal(gpu64(f, VA + i * PAGE), i);
		assert_int_equal(mmu_read64(f->mmu, OTHER_AS, VA + i * PAGE, &value), 0);
		assert_int_equal(value, 63 - i);
	}
	/* drop all entries of the other AS, none of this one */
	pgtable_map(&f->pt, VA + 63 * PAGE, 3, RAM, PTB_RW);
	pgtable_map(&other, VA + 63 * PAGE, 3, RAM + PAGE, PTB_RW);
	lock_unlock(f, OTHER_AS, 0, 64);
	assert_int_equal(mmu_read64(f->mmu, OTHER_AS, VA + 63 * PAGE, &value), 0);
	assert_int_equal(value, 1);
	if (mode == MMU_TLB_KEEP)
		assert_int_equal(gpu64(f, VA + 63 * PAGE), 63);
	drop_fixture(f);
}

static void test_tlb_address_spaces(void **state)
{
	(void)state;
	check_tlb_address_spaces(MMU_TLB_KEEP);
	check_tlb_address_spaces(MMU_TLB_TINY);
}

/* A region smaller than the block it touches drops the whole block. */
static void test_tlb_part_of_block(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_KEEP);

	(void)state;
	set_ram64(f, RAM, 1);
	set_ram64(f, RAM + BLOCK, 2);
	pgtable_map(&f->pt, VA, 2, RAM, PTB_RW);
	assert_int_equal(gpu64(f, VA), 1);
	pgtable_map(&f->pt, VA, 2, RAM + BLOCK, PTB_RW);
	lock_unlock(f, AS, VA + MIB, 15);
	assert_int_equal(gpu64(f, VA), 2);
	drop_fixture(f);
}

/* Split a block into pages and remap one: the stale block entry hides the new mapping. */
static void test_tlb_split_block(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_KEEP);

	(void)state;
	set_ram64(f, RAM + PAGE, 1);
	set_ram64(f, RAM + BLOCK, 2);
	pgtable_map(&f->pt, VA, 2, RAM, PTB_RW);
	assert_int_equal(gpu64(f, VA), 0);
	pgtable_map(&f->pt, VA + PAGE, 3, RAM + BLOCK, PTB_RW);
	assert_int_equal(gpu64(f, VA + PAGE), 1);
	lock_unlock(f, AS, VA, 21);
	assert_int_equal(gpu64(f, VA + PAGE), 2);
	drop_fixture(f);
}

static void test_tlb_permissions(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_KEEP);

	(void)state;
	pgtable_map(&f->pt, VA, 3, RAM, PTB_RO);
	assert_int_equal(gpu64(f, VA), 0);
	pgtable_map(&f->pt, VA, 3, RAM, PTB_RW);
	assert_int_equal(mmu_write64(f->mmu, AS, VA, 1), -EFAULT);
	lock_unlock(f, AS, VA, 15);
	assert_int_equal(mmu_write64(f->mmu, AS, VA, 1), 0);
	pgtable_map(&f->pt, VA, 3, RAM, PTB_RO);
	assert_int_equal(mmu_write64(f->mmu, AS, VA, 2), 0);
	lock_unlock(f, AS, VA, 15);
	assert_int_equal(mmu_write64(f->mmu, AS, VA, 3), -EFAULT);
	assert_int_equal(ram64(f, RAM), 2);
	drop_fixture(f);
}

/* panthor does not invalidate when it maps a range that was not mapped before. */
static void test_tlb_keeps_no_faults(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_KEEP);
	uint64_t value;

	(void)state;
	for (unsigned int level = 1; level <= 3; level++) {
		assert_int_equal(mmu_read64(f->mmu, AS, VA, &value), -EFAULT);
		pgtable_map(&f->pt, VA, level, RAM, PTB_RW);
		assert_int_equal(gpu64(f, VA), 0);
		pgtable_set(&f->pt, VA, level, 0);
		lock_unlock(f, AS, VA & ~(GIB - 1), 30);
	}
	drop_fixture(f);
}

/* More pages than the TLB holds: all translations are right, and its memory is bounded. */
static void test_tlb_full(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_KEEP);
	unsigned int pages = TLB_KEEP_ENTRIES + 5000;
	struct mmu_stats before, after;

	(void)state;
	set_ram64(f, RAM, 1);
	set_ram64(f, RAM + PAGE, 2);
	for (unsigned int i = 0; i < pages; i++)
		pgtable_map(&f->pt, VA + i * PAGE, 3, RAM + i % 2 * PAGE, PTB_RW);
	for (unsigned int i = 0; i < pages; i++)
		assert_int_equal(gpu64(f, VA + i * PAGE), 1 + i % 2);
	assert_int_equal(stats_of(f).walks, pages);
	/* the newest are kept, the oldest were replaced */
	before = stats_of(f);
	assert_int_equal(gpu64(f, VA + (pages - 1) * PAGE), 1 + (pages - 1) % 2);
	assert_int_equal(gpu64(f, VA), 1);
	after = stats_of(f);
	assert_int_equal(after.hits - before.hits, 1);
	assert_int_equal(after.walks - before.walks, 1);
	/* the large region is dropped by a scan, which drops exactly the entries in it */
	as_lock(f->mmu, AS, 0, 64);
	as_unlock(f->mmu, AS);
	assert_int_equal(stats_of(f).invalidated - before.invalidated, TLB_KEEP_ENTRIES);
	drop_fixture(f);
}

static void touch_pages(struct fixture *f, unsigned int rounds)
{
	for (unsigned int i = 0; i < rounds; i++)
		gpu64(f, VA + i * 7 % 13 * PAGE);
}

static void test_tlb_tiny(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_TINY), *same = make_fixture(MMU_TLB_TINY);

	(void)state;
	for (unsigned int i = 0; i < 13; i++) {
		pgtable_map(&f->pt, VA + i * PAGE, 3, RAM + i * PAGE, PTB_RW);
		pgtable_map(&same->pt, VA + i * PAGE, 3, RAM + i * PAGE, PTB_RW);
	}
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < TLB_TINY_ENTRIES; i++)
			gpu64(f, VA + i * PAGE);
	}
	assert_int_equal(stats_of(f).walks, TLB_TINY_ENTRIES);
	assert_int_equal(stats_of(f).hits, TLB_TINY_ENTRIES);
	/* too many pages: the seed determines the pages that are replaced */
	mmu_reset(f->mmu);
	mmu_destroy(f->mmu);
	f->mmu = make_mmu(f, MMU_TLB_TINY, 1);
	as_enable(f->mmu, AS, &f->pt);
	touch_pages(f, 1000);
	touch_pages(same, 1000);
	assert_true(stats_of(f).hits > 0 && stats_of(f).hits < 1000);
	assert_int_equal(stats_of(f).hits, stats_of(same).hits);
	drop_fixture(f);
	drop_fixture(same);
}

/* 8. Random */

#define WINDOW_BLOCKS 4
#define BLOCK_PAGES 32			/* pages used at the start of each 2 MiB */
#define WINDOW_PAGES (WINDOW_BLOCKS * BLOCK_PAGES)
#define RANDOM_PAGES 64			/* pages of RAM, each marked with its number */
#define RANDOM_STEPS 200000

/* A leaf in the shadow. @page: number of its first page in RAM, or -1 for none. */
struct shadow_leaf {
	int page;
	bool writable;
};

/* Expected tables and TLB. If @block[b].page < 0, the pages of block b are in @table. */
struct shadow {
	struct shadow_leaf block[WINDOW_BLOCKS], table[WINDOW_PAGES];
	struct shadow_leaf cached_block[WINDOW_BLOCKS], cached_page[WINDOW_PAGES];
};

static const struct shadow_leaf absent = { .page = -1 };

static uint64_t window_va(unsigned int page)
{
	return VA + page / BLOCK_PAGES * BLOCK + page % BLOCK_PAGES * PAGE;
}

static void forget_block(struct shadow *s, unsigned int block)
{
	s->cached_block[block] = absent;
	for (unsigned int i = 0; i < BLOCK_PAGES; i++)
		s->cached_page[block * BLOCK_PAGES + i] = absent;
}

static struct shadow_leaf lookup(const struct shadow_leaf *page, const struct shadow_leaf *block,
				 unsigned int number)
{
	struct shadow_leaf leaf = *page;

	if (leaf.page < 0 && block->page >= 0)
		leaf = (struct shadow_leaf){ block->page + number % BLOCK_PAGES, block->writable };
	return leaf;
}

/* The target of an access of window page @number, and its entry in the TLB. */
static struct shadow_leaf predict(struct shadow *s, unsigned int number, bool keep)
{
	unsigned int block = number / BLOCK_PAGES;
	struct shadow_leaf hit = lookup(&s->cached_page[number], &s->cached_block[block], number);

	if (keep && hit.page >= 0)
		return hit;
	if (s->block[block].page >= 0) {
		s->cached_block[block] = s->block[block];
		return lookup(&absent, &s->block[block], number);
	}
	if (s->table[number].page >= 0)
		s->cached_page[number] = s->table[number];
	return s->table[number];
}

static void random_map(struct fixture *f, struct shadow *s, struct random *random)
{
	unsigned int number = random_below(random, WINDOW_PAGES), block = number / BLOCK_PAGES;
	struct shadow_leaf leaf = {
		.page = random_below(random, RANDOM_PAGES), .writable = random_below(random, 2),
	};

	if (random_below(random, 8) == 0) {
		/* a block maps to an aligned block of RAM */
		leaf.page = 0;
		pgtable_map(&f->pt, window_va(number), 2, RAM, leaf.writable ? PTB_RW : PTB_RO);
		s->block[block] = leaf;
		for (unsigned int i = 0; i < BLOCK_PAGES; i++)
			s->table[block * BLOCK_PAGES + i] = absent;
		return;
	}
	pgtable_map(&f->pt, window_va(number), 3, RAM + leaf.page * PAGE,
		    leaf.writable ? PTB_RW : PTB_RO);
	s->block[block] = absent;
	s->table[number] = leaf;
}

static void random_unmap(struct fixture *f, struct shadow *s, struct random *random)
{
	unsigned int number = random_below(random, WINDOW_PAGES);

	if (s->block[number / BLOCK_PAGES].page >= 0)
		return;
	pgtable_set(&f->pt, window_va(number), 3, 0);
	s->table[number] = absent;
}

static void random_invalidate(struct fixture *f, struct shadow *s, struct random *random)
{
	unsigned int number = random_below(random, WINDOW_PAGES), block = number / BLOCK_PAGES;

	if (random_below(random, 16) == 0) {
		as_command(f->mmu, AS, AS_COMMAND_UPDATE);
		for (unsigned int i = 0; i < WINDOW_BLOCKS; i++)
			forget_block(s, i);
	} else if (random_below(random, 2)) {
		lock_unlock(f, AS, window_va(number) & ~(BLOCK - 1), 21);
		forget_block(s, block);
	} else {
		/* eight pages, and the block around them */
		lock_unlock(f, AS, window_va(number) & ~(32 * KIB - 1), 15);
		s->cached_block[block] = absent;
		for (unsigned int i = 0; i < 8; i++)
			s->cached_page[(number & ~7u) + i] = absent;
	}
}

static void random_access(struct fixture *f, struct shadow *s, struct random *random, bool keep)
{
	unsigned int number = random_below(random, WINDOW_PAGES);
	struct shadow_leaf leaf = predict(s, number, keep);
	uint64_t va = window_va(number), mark = random_next(random), value;

	mmu_fault_cleared(f->mmu, AS);
	if (leaf.page < 0) {
		assert_int_equal(mmu_read64(f->mmu, AS, va, &value), -EFAULT);
		assert_int_equal(faultstatus(f, AS), READ | 0xc3);
		return;
	}
	assert_int_equal(gpu64(f, va), leaf.page);
	assert_int_equal(mmu_write64(f->mmu, AS, va + 8, mark), leaf.writable ? 0 : -EFAULT);
	if (leaf.writable)
		assert_int_equal(ram64(f, RAM + leaf.page * PAGE + 8), mark);
}

/* Create all tables: a missing table would fault at another level. */
static void random_prepare(struct fixture *f, struct shadow *s)
{
	for (unsigned int i = 0; i < RANDOM_PAGES; i++)
		set_ram64(f, RAM + i * PAGE, i);
	for (unsigned int i = 0; i < WINDOW_PAGES; i++) {
		pgtable_set(&f->pt, window_va(i), 3, 0);
		s->table[i] = absent;
	}
	for (unsigned int i = 0; i < WINDOW_BLOCKS; i++) {
		s->block[i] = absent;
		forget_block(s, i);
	}
}

/* Invalidate all, like a driver without defects. */
static void forget_all(struct fixture *f, struct shadow *s)
{
	lock_unlock(f, AS, 0, 64);
	for (unsigned int i = 0; i < WINDOW_BLOCKS; i++)
		forget_block(s, i);
}

static void random_step(struct fixture *f, struct shadow *s, struct random *random,
			enum mmu_tlb_mode mode)
{
	unsigned int choice = random_below(random, 8);

	switch (choice) {
	case 0:
		random_map(f, s, random);
		break;
	case 1:
		random_unmap(f, s, random);
		break;
	case 2:
		random_invalidate(f, s, random);
		break;
	default:
		random_access(f, s, random, mode == MMU_TLB_KEEP);
	}
	/* the contents of a TLB with random replacement cannot be predicted */
	if (choice < 2 && mode == MMU_TLB_TINY)
		forget_all(f, s);
}

static void run_random(enum mmu_tlb_mode mode, const char *name)
{
	struct fixture *f = make_fixture(mode);
	struct random random = random_start(name);
	struct shadow s;

	random_prepare(f, &s);
	for (unsigned int step = 0; step < RANDOM_STEPS; step++)
		random_step(f, &s, &random, mode);
	drop_fixture(f);
}

static void test_random_keep(void **state)
{
	(void)state;
	run_random(MMU_TLB_KEEP, "random_keep");
}

static void test_random_off(void **state)
{
	(void)state;
	run_random(MMU_TLB_OFF, "random_off");
}

static void test_random_tiny(void **state)
{
	(void)state;
	run_random(MMU_TLB_TINY, "random_tiny");
}

/* 9. Hostile tables */

/* Random words, with more valid descriptors into RAM than by chance. */
static uint64_t hostile_word(struct random *random)
{
	uint64_t word = random_next(random);

	switch (random_below(random, 6)) {
	case 0:
		return word;
	case 1:
		return UINT64_MAX;
	case 2:
		return (word & ~0x0000fffffffff000ull) | TABLE | OUTSIDE;
	case 3:
		return TABLES | TABLE | PTB_RW;
	default:
		return (word & ~0x0000fffffffff000ull) | PTB_VALID | PTB_USER | PTB_AF |
		       (RAM + (word & (RAM_SIZE - PAGE)));
	}
}

static void hostile_access(struct fixture *f, struct random *random)
{
	uint64_t va = random_next(random) >> random_below(random, 32);
	size_t len = random_below(random, 9000);
	static uint8_t buf[9000];
	int error;

	if (random_below(random, 2))
		error = mmu_read(f->mmu, AS, va, buf, len);
	else
		error = mmu_write(f->mmu, AS, va, buf, len);
	assert_true(!error || error == -EFAULT || error == -EAGAIN);
	mmu_fault_cleared(f->mmu, AS);
}

static void test_hostile_tables(void **state)
{
	struct random random = random_start("hostile_tables");
	struct fixture *f = make_fixture(MMU_TLB_KEEP);

	(void)state;
	for (unsigned int round = 0; round < 100; round++) {
		for (uint64_t gpa = TABLES; gpa < TABLES + 16 * PAGE; gpa += 8)
			set_ram64(f, gpa, hostile_word(&random));
		for (unsigned int i = 0; i < 1000; i++)
			hostile_access(f, &random);
		for (uint32_t reg = 0; reg < AS_BLOCK_SIZE; reg += 4) {
			if (reg != AS_REG_TRANSTAB && reg != AS_REG_TRANSTAB + 4)
				mmu_reg_write(f->mmu, AS * AS_BLOCK_SIZE + reg,
					      (uint32_t)random_next(&random) % 16);
		}
	}
	drop_fixture(f);
}

/* All entries of a table point to the table: each address is mapped, to the table. */
static void test_self_reference(void **state)
{
	struct fixture *f = make_fixture(MMU_TLB_KEEP);

	(void)state;
	for (unsigned int i = 0; i < 512; i++)
		set_ram64(f, TABLES + i * 8, TABLES | TABLE | PTB_USER | PTB_AF);
	assert_int_equal(gpu64(f, 0), TABLES | TABLE | PTB_USER | PTB_AF);
	assert_int_equal(gpu64(f, VA + 0xff8), TABLES | TABLE | PTB_USER | PTB_AF);
	/* the GPU overwrites the table: the old translation stays, the next walk faults */
	assert_int_equal(mmu_write64(f->mmu, AS, 0, 0), 0);
	assert_int_equal(gpu64(f, 0), 0);
	lock_unlock(f, AS, 0, 15);
	assert_int_equal(mmu_write64(f->mmu, AS, 0, 0), -EFAULT);
	assert_int_equal(faultstatus(f, AS), WRITE | 0xc0);
	drop_fixture(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_walk_indices),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_execute),
		cmocka_unit_test(test_fetch),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_latched_at_update),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_input_bits),
		cmocka_unit_test(test_tlb_option),
		cmocka_unit_test(test_crossing),
		cmocka_unit_test(test_all_or_nothing),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_first_fault_only),
		cmocka_unit_test(test_lock_region),
		cmocka_unit_test(test_lock_everything),
		cmocka_unit_test(test_lock_stalls),
		cmocka_unit_test(test_second_lock),
		cmocka_unit_test(test_tlb_invalidation),
		cmocka_unit_test(test_tlb_address_spaces),
		cmocka_unit_test(test_tlb_part_of_block),
		cmocka_unit_test(test_tlb_split_block),
		cmocka_unit_test(test_tlb_permissions),
		cmocka_unit_test(test_tlb_keeps_no_faults),
		cmocka_unit_test(test_tlb_full),
		cmocka_unit_test(test_tlb_tiny),
		cmocka_unit_test(test_random_keep),
		cmocka_unit_test(test_random_off),
		cmocka_unit_test(test_random_tiny),
		cmocka_unit_test(test_self_reference),
		cmocka_unit_test(test_hostile_tables),
	};

	return cmocka_run_group_tests_name("mmu", tests, NULL, NULL);
}
