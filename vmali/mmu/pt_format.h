/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_PT_FORMAT_H
#define VMALI_PT_FORMAT_H

#include <stdint.h>

#include "regs/field.h"

/*
 * The page tables: Arm LPAE (VMSAv8-64), stage 1, 4 KiB granule. Vocabulary:
 *
 *  - level: 0 (512 GiB an entry), 1 (1 GiB), 2 (2 MiB), 3 (4 KiB);
 *  - leaf: a descriptor that ends a walk, a *block* at level 1 or 2, a *page* at level 3;
 *  - VA: input address, PA: output address, a guest physical address.
 *
 * Source: Arm ARM (DDI 0487), D8.3 "Translation table descriptor formats".
 */
#define PT_LEVELS 4
#define PT_LAST_LEVEL 3
#define PT_GRANULE_LG2 12
#define PT_INDEX_LG2 9
#define PT_ENTRY_SIZE 8
#define PT_VA_BITS_MAX 48

/* 40 bits of physical address, as in MMU_FEATURES (regs/gpu_identity.h). */
#define PT_PA_BITS 40

#define PTE_VALID	FIELD(0, 0)
#define PTE_TABLE	FIELD(1, 1)	/* levels 0..2: table, not block; level 3: set in a page */
#define PTE_ADDRESS	FIELD(47, 12)

/* Leaves. */
#define PTE_ATTR_INDEX	FIELD(4, 2)
#define PTE_AP1		FIELD(6, 6)	/* unprivileged access, that of the GPU, is allowed */
#define PTE_AP2		FIELD(7, 7)	/* read-only */
#define PTE_SH		FIELD(9, 8)
#define PTE_AF		FIELD(10, 10)
#define PTE_XN		FIELD(54, 54)	/* unprivileged execute never, applies to the GPU */

/* Tables: limits for all entries below (DISABLE_HIER_AP switches them off). */
#define PTE_XN_TABLE	FIELD(60, 60)
#define PTE_AP1_TABLE	FIELD(61, 61)	/* no unprivileged access */
#define PTE_AP2_TABLE	FIELD(62, 62)	/* read-only */

/* log2 of the bytes that an entry of @level maps. */
static inline unsigned int pt_entry_lg2(unsigned int level)
{
	return PT_GRANULE_LG2 + (PT_LAST_LEVEL - level) * PT_INDEX_LG2;
}

/* Byte offset, in its table, of the entry of @level that maps @va. */
static inline uint64_t pt_entry_offset(uint64_t va, unsigned int level)
{
	return ((va >> pt_entry_lg2(level)) & ((1u << PT_INDEX_LG2) - 1)) * PT_ENTRY_SIZE;
}

#endif
