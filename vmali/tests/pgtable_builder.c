// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "tests/pgtable_builder.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "memory/guest_memory.h"
#include "mmu/mmu.h"
#include "regs/as_regs.h"

#define TABLE_SIZE 4096
#define ADDRESS_MASK 0x0000fffffffff000ull

/* A table that cannot be built is an error of the test. */
static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "pgtable_builder: %s\n", what);
	abort();
}

static uint64_t new_table(struct pgtable *pt)
{
	static const char zeroes[TABLE_SIZE];
	uint64_t gpa = pt->next;

	must(gpa + TABLE_SIZE <= pt->end, "no room for another table");
	must(!guest_memory_write(pt->mem, gpa, zeroes, TABLE_SIZE), "table outside of RAM");
	pt->next += TABLE_SIZE;
	return gpa;
}

void pgtable_init(struct pgtable *pt, struct guest_memory *mem, uint64_t gpa, uint64_t size)
{
	*pt = (struct pgtable){ .mem = mem, .next = gpa, .end = gpa + size };
	pt->root = new_table(pt);
}

/* Bits 47:39, 38:30, 29:21, 20:12 of an address are its indices at levels 0, 1, 2, 3. */
static uint64_t index_at(uint64_t va, unsigned int level)
{
	static const unsigned int shift[] = { 39, 30, 21, 12 };

	return va >> shift[level] & 511;
}

uint64_t pgtable_entry(struct pgtable *pt, uint64_t va, unsigned int level)
{
	uint64_t table = pt->root;

	for (unsigned int above = 0; above < level; above++) {
		uint64_t gpa = table + index_at(va, above) * 8, pte;

		must(!guest_memory_read64(pt->mem, gpa, &pte), "entry outside of RAM");
		if ((pte & (PTB_VALID | PTB_TABLE)) != (PTB_VALID | PTB_TABLE)) {
			pte = new_table(pt) | PTB_VALID | PTB_TABLE;
			must(!guest_memory_write64(pt->mem, gpa, pte), "entry outside of RAM");
		}
		table = pte & ADDRESS_MASK;
	}
	return table + index_at(va, level) * 8;
}

void pgtable_set(struct pgtable *pt, uint64_t va, unsigned int level, uint64_t pte)
{
	must(!guest_memory_write64(pt->mem, pgtable_entry(pt, va, level), pte),
	     "entry outside of RAM");
}

void pgtable_map(struct pgtable *pt, uint64_t va, unsigned int level, uint64_t gpa, uint64_t bits)
{
	pgtable_set(pt, va, level, gpa | bits | (level == 3 ? PTB_TABLE : 0));
}

void as_write64(struct mmu *mmu, unsigned int as, uint32_t reg, uint64_t value)
{
	mmu_reg_write(mmu, as * AS_BLOCK_SIZE + reg, (uint32_t)value);
	mmu_reg_write(mmu, as * AS_BLOCK_SIZE + reg + 4, value >> 32);
}

uint64_t as_read64(struct mmu *mmu, unsigned int as, uint32_t reg)
{
	return mmu_reg_read(mmu, as * AS_BLOCK_SIZE + reg) |
	       (uint64_t)mmu_reg_read(mmu, as * AS_BLOCK_SIZE + reg + 4) << 32;
}

void as_command(struct mmu *mmu, unsigned int as, uint32_t command)
{
	mmu_reg_write(mmu, as * AS_BLOCK_SIZE + AS_REG_COMMAND, command);
}

void as_enable(struct mmu *mmu, unsigned int as, const struct pgtable *pt)
{
	as_write64(mmu, as, AS_REG_TRANSTAB, pt->root);
	as_write64(mmu, as, AS_REG_MEMATTR, PTB_MEMATTR);
	as_write64(mmu, as, AS_REG_TRANSCFG, PTB_TRANSCFG);
	as_command(mmu, as, AS_COMMAND_UPDATE);
}

void as_lock(struct mmu *mmu, unsigned int as, uint64_t start, unsigned int size_lg2)
{
	as_write64(mmu, as, AS_REG_LOCKADDR, start | (size_lg2 - 1));
	as_command(mmu, as, AS_COMMAND_LOCK);
}

void as_unlock(struct mmu *mmu, unsigned int as)
{
	as_command(mmu, as, AS_COMMAND_UNLOCK);
}
