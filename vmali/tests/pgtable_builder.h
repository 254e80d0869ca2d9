/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_PGTABLE_BUILDER_H
#define VMALI_PGTABLE_BUILDER_H

#include <stdint.h>

/*
 * Page tables for tests, written to guest memory like a driver does. The bits are copied from the
 * Arm ARM, independent of mmu/pt_format.h, so that a wrong bit there is detected.
 */
struct guest_memory;
struct mmu;

#define PTB_VALID		0x1ull
#define PTB_TABLE		0x2ull
#define PTB_ATTR(index)		((uint64_t)(index) << 2)
#define PTB_USER		0x40ull
#define PTB_READ_ONLY		0x80ull
#define PTB_AF			0x400ull
#define PTB_XN			(1ull << 54)
#define PTB_TABLE_XN		(1ull << 60)
#define PTB_TABLE_NO_USER	(1ull << 61)
#define PTB_TABLE_READ_ONLY	(1ull << 62)

/* A readable and writable leaf, without its address and its bit 1. */
#define PTB_RW			(PTB_VALID | PTB_USER | PTB_AF)
#define PTB_RO			(PTB_RW | PTB_READ_ONLY)

/* TRANSCFG as panthor writes it for 48-bit addresses, and its MEMATTR. */
#define PTB_TRANSCFG		0x420001c6ull
#define PTB_MEMATTR		0x8f8f8f8f8c4c8f4cull

/**
 * struct pgtable - Tables under construction
 * @next: GPA of the next table, @end: first GPA that is not for tables.
 */
struct pgtable {
	struct guest_memory *mem;
	uint64_t root, next, end;
};

/* Start with an empty level 0 table in [@gpa, @gpa + @size). */
void pgtable_init(struct pgtable *pt, struct guest_memory *mem, uint64_t gpa, uint64_t size);

/* GPA of the descriptor of @va at @level. Creates missing tables above. */
uint64_t pgtable_entry(struct pgtable *pt, uint64_t va, unsigned int level);

/* Write @pte as the descriptor of @va at @level. */
void pgtable_set(struct pgtable *pt, uint64_t va, unsigned int level, uint64_t pte);

/* Map the leaf of @level at @va to @gpa with @bits, such as PTB_RW. */
void pgtable_map(struct pgtable *pt, uint64_t va, unsigned int level, uint64_t gpa, uint64_t bits);

/* Write a 64-bit AS register as two halves. */
void as_write64(struct mmu *mmu, unsigned int as, uint32_t reg, uint64_t value);
uint64_t as_read64(struct mmu *mmu, unsigned int as, uint32_t reg);
void as_command(struct mmu *mmu, unsigned int as, uint32_t command);

/* Enable @as with the tables of @pt, like panthor_mmu_as_enable(). */
void as_enable(struct mmu *mmu, unsigned int as, const struct pgtable *pt);

/* LOCK and UNLOCK of the @size_lg2 region at @start. */
void as_lock(struct mmu *mmu, unsigned int as, uint64_t start, unsigned int size_lg2);
void as_unlock(struct mmu *mmu, unsigned int as);

#endif
