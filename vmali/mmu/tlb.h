/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_TLB_H
#define VMALI_TLB_H

#include <stdbool.h>
#include <stdint.h>

#include "mmu/mmu.h"
#include "mmu/walk.h"

/*
 * The TLB, shared by all address spaces: one entry for each leaf found by a walk, of any size. It
 * does not access tables or registers, and does not cache faults.
 *
 * In MMU_TLB_KEEP an entry stays until it is invalidated, with one exception to bound memory: if
 * all TLB_KEEP_ENTRIES (256 MiB of single pages) are in use, a new entry replaces another in
 * round-robin order. Hardware with a finite TLB may replace entries at any time.
 */
#define TLB_KEEP_ENTRIES 65536
#define TLB_TINY_ENTRIES 6

struct tlb;

struct tlb *tlb_create(enum mmu_tlb_mode mode, uint64_t seed);
void tlb_destroy(struct tlb *tlb);

/**
 * tlb_find() - Look for a leaf that covers @va
 *
 * If leaves of several sizes cover @va (the tables have changed in between), the smallest is found.
 *
 * Return: true if a leaf was found; @out is then filled.
 */
bool tlb_find(const struct tlb *tlb, unsigned int as, uint64_t va, struct pt_translation *out);

/* tlb_find() for a leaf of @level alone. */
bool tlb_find_level(const struct tlb *tlb, unsigned int as, unsigned int level, uint64_t va,
		    struct pt_translation *out);

/* Number of leaves of @level in @as. */
unsigned int tlb_count(const struct tlb *tlb, unsigned int as, unsigned int level);

/* Set @reported of a leaf that tlb_find_level() finds. */
void tlb_set_reported(struct tlb *tlb, unsigned int as, uint64_t va, unsigned int level);

/**
 * tlb_next() - Look at the entries one by one
 * @turn: where to look; set to the next entry, or to the first behind the last.
 *
 * Return: false if there is no leaf in this entry. @as, @va and @leaf are filled otherwise.
 */
bool tlb_next(const struct tlb *tlb, uint32_t *turn, unsigned int *as, uint64_t *va,
	      struct pt_translation *leaf);

/* Insert @leaf, which maps @va. */
void tlb_insert(struct tlb *tlb, unsigned int as, uint64_t va, const struct pt_translation *leaf);

/* Drop every leaf of @as that intersects [@start, @last]. Return: the number of leaves. */
unsigned int tlb_drop_range(struct tlb *tlb, unsigned int as, uint64_t start, uint64_t last);

/* Drop all leaves of @as. Return: the number of leaves. */
unsigned int tlb_drop_as(struct tlb *tlb, unsigned int as);

/* Drop all leaves of all address spaces. */
void tlb_clear(struct tlb *tlb);

#endif
