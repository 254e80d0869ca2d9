// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "mmu/walk.h"

#include "memory/guest_memory.h"
#include "mmu/pt_format.h"
#include "regs/as_regs.h"

/* Permissions removed by the table descriptors of levels 0..2. */
struct hierarchy {
	bool no_access, read_only, xn;
};

static unsigned int first_level(const struct pt_regime *regime)
{
	unsigned int level = 0;

	/* The walk skips levels whose index has no bit in the input address: Arm ARM, D8.2. */
	while (level < PT_LAST_LEVEL && pt_entry_lg2(level) >= regime->va_bits)
		level++;
	return level;
}

static bool pa_too_large(uint64_t pa)
{
	return pa >> PT_PA_BITS;
}

static void descend(struct hierarchy *limits, const struct pt_regime *regime, uint64_t pte)
{
	if (!regime->hierarchical_ap)
		return;
	limits->no_access |= field_get(pte, PTE_AP1_TABLE);
	limits->read_only |= field_get(pte, PTE_AP2_TABLE);
	limits->xn |= field_get(pte, PTE_XN_TABLE);
}

static struct pt_perms leaf_perms(const struct pt_regime *regime, const struct hierarchy *limits,
				  uint64_t pte)
{
	struct pt_perms perms;

	perms.read = field_get(pte, PTE_AP1) && !limits->no_access;
	perms.write = perms.read && !field_get(pte, PTE_AP2) && !limits->read_only;
	perms.execute = perms.read && !field_get(pte, PTE_XN) && !limits->xn &&
			!(regime->write_xn && perms.write);
	return perms;
}

static bool attribute_faults(const struct pt_regime *regime, uint64_t pte)
{
	unsigned int lsb = field_get(pte, PTE_ATTR_INDEX) * 8;
	uint64_t attr = field_get(regime->memattr, FIELD(lsb + 7, lsb));

	return field_get(attr, AS_MEMATTR_INNER_OUTER) == AS_MEMATTR_FAULT;
}

static unsigned int end_at_leaf(const struct pt_regime *regime, const struct hierarchy *limits,
				uint64_t pte, unsigned int level, struct pt_translation *out)
{
	uint64_t size_mask = (1ull << pt_entry_lg2(level)) - 1;

	out->reported = false;
	/* The low address bits of a block descriptor are reserved: clear them. */
	out->pa = (pte & field_mask(PTE_ADDRESS)) & ~size_mask;
	out->level = level;
	out->perms = leaf_perms(regime, limits, pte);
	if (pa_too_large(out->pa))
		return AS_EXC_ADDR_SIZE_FAULT_OUT + level;
	if (attribute_faults(regime, pte))
		return AS_EXC_MEM_ATTR_FAULT + level;
	if (regime->af_faults && !field_get(pte, PTE_AF))
		return AS_EXC_ACCESS_FLAG + level;
	return AS_EXC_NONE;
}

/* At levels 1 and 2 a leaf (block) has a clear table bit, at level 3 a leaf (page) a set one. */
static bool is_leaf(uint64_t pte, unsigned int level)
{
	return field_get(pte, PTE_TABLE) == (level == PT_LAST_LEVEL);
}

static bool is_translation_fault(uint64_t pte, unsigned int level)
{
	bool block_at_level_0 = level == 0 && !field_get(pte, PTE_TABLE);
	bool reserved_at_level_3 = level == PT_LAST_LEVEL && !field_get(pte, PTE_TABLE);

	return !field_get(pte, PTE_VALID) || block_at_level_0 || reserved_at_level_3;
}

static unsigned int bus_fault(const char **malformed)
{
	if (malformed && !*malformed)
		*malformed = "a table outside of RAM";
	return AS_EXC_GPU_BUS_FAULT;
}

/* What no descriptor of a table may be. Return: words, or NULL. */
static const char *find_malformed(uint64_t pte, unsigned int level, uint64_t table, uint64_t root)
{
	uint64_t pa = pte & field_mask(PTE_ADDRESS);

	if (!field_get(pte, PTE_VALID))
		return NULL;
	if (pa_too_large(pa))
		return "an address beyond 40 bits";
	if (!field_get(pte, PTE_TABLE) && (level == 0 || level == PT_LAST_LEVEL))
		return level ? "bits 1:0 of a page are 01" : "a block at level 0";
	if (is_leaf(pte, level))
		return pa & ((1ull << pt_entry_lg2(level)) - 1) ? "a block that is not aligned"
								: NULL;
	return pa == table || pa == root ? "a table that is linked to itself" : NULL;
}

unsigned int pt_walk(struct guest_memory *mem, const struct pt_regime *regime, uint64_t va,
		     struct pt_translation *out, const char **malformed)
{
	uint64_t table = regime->root, pte;
	struct hierarchy limits = { 0 };

	if (malformed)
		*malformed = NULL;
	if (va >> regime->va_bits)
		return AS_EXC_ADDR_SIZE_FAULT_IN;
	if (pa_too_large(table))
		return AS_EXC_ADDR_SIZE_FAULT_OUT;
	for (unsigned int level = first_level(regime); level < PT_LEVELS; level++) {
		if (guest_memory_read64(mem, table + pt_entry_offset(va, level), &pte))
			return bus_fault(malformed);
		if (malformed && !*malformed)
			*malformed = find_malformed(pte, level, table, regime->root);
		if (is_translation_fault(pte, level))
			return AS_EXC_TRANSLATION_FAULT + level;
		if (is_leaf(pte, level))
			return end_at_leaf(regime, &limits, pte, level, out);
		table = pte & field_mask(PTE_ADDRESS);
		if (pa_too_large(table))
			return AS_EXC_ADDR_SIZE_FAULT_OUT + level;
		descend(&limits, regime, pte);
	}
	/* Not reached: level 3 has no tables. */
	return AS_EXC_TRANSLATION_FAULT + PT_LAST_LEVEL;
}
