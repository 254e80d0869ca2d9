/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_TLB_H
#define VMALI_TLB_H

#include <stdbool.h>
#include <stdint.h>

#include "mmu/mmu.h"
#include "mmu/walk.h"

/*
 * The TLB: leaves of walks, one entry a leaf whatever its size, shared by all address spaces. It
 * knows no tables and no registers. Faults are never put in.
 *
 * In MMU_TLB_KEEP an entry stays until it is invalidated. Memory is bounded all the same: when
 * all TLB_KEEP_ENTRIES (256 MiB of single pages) are in use, the next one replaces another in
 * round-robin order, as hardware with a finite TLB may at any time.
 */
#define TLB_KEEP_ENTRIES 65536
#define TLB_TINY_ENTRIES 6

struct tlb;

struct tlb *tlb_create(enum mmu_tlb_mode mode, uint64_t seed);
void tlb_destroy(struct tlb *tlb);

/**
 * tlb_find() - Look for a leaf that covers @va
 *
 * When leaves of several sizes cover it (the tables changed in between), the smallest is found.
 *
 * Return: whether there was one; then @out is filled.
 */
bool tlb_find(const struct tlb *tlb, unsigned int as, uint64_t va, struct pt_translation *out);

/* Keep @leaf, which was found for @va. */
void tlb_insert(struct tlb *tlb, unsigned int as, uint64_t va, const struct pt_translation *leaf);

/* Drop every leaf of @as that intersects [@start, @last]. Return: how many. */
unsigned int tlb_drop_range(struct tlb *tlb, unsigned int as, uint64_t start, uint64_t last);

/* Drop all of @as. Return: how many. */
unsigned int tlb_drop_as(struct tlb *tlb, unsigned int as);

/* Drop everything. */
void tlb_clear(struct tlb *tlb);

#endif
