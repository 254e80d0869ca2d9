// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include <stddef.h>

#include "mmu/internal.h"
#include "mmu/pt_format.h"
#include "mmu/referee.h"
#include "regs/as_regs.h"
#include "rules/rules.h"
#include "trace/trace.h"

/* A 64-bit register without effect on access: two 32-bit halves, the low one first. */
struct storage_reg {
	uint32_t offset;
	size_t member;
	bool writable;
};

static const struct storage_reg storage_regs[] = {
	{ AS_REG_TRANSTAB,	offsetof(struct mmu_as, transtab),	true },
	{ AS_REG_MEMATTR,	offsetof(struct mmu_as, memattr),	true },
	{ AS_REG_LOCKADDR,	offsetof(struct mmu_as, lockaddr),	true },
	{ AS_REG_TRANSCFG,	offsetof(struct mmu_as, transcfg),	true },
	{ AS_REG_FAULTADDRESS,	offsetof(struct mmu_as, faultaddress),	false },
};

static const struct storage_reg *find_storage(uint32_t offset)
{
	for (size_t i = 0; i < sizeof(storage_regs) / sizeof(storage_regs[0]); i++) {
		if (storage_regs[i].offset == (offset & ~4u))
			return &storage_regs[i];
	}
	return NULL;
}

static uint64_t *storage_of(struct mmu_as *as, const struct storage_reg *reg)
{
	return (uint64_t *)((char *)as + reg->member);
}

static struct field half_of(uint32_t offset)
{
	return offset & 4 ? FIELD(63, 32) : FIELD(31, 0);
}

uint32_t mmu_reg_read(struct mmu *mmu, uint32_t offset)
{
	uint32_t reg_offset = offset % AS_BLOCK_SIZE;
	const struct storage_reg *reg = find_storage(reg_offset);
	struct mmu_as *as;

	if (offset / AS_BLOCK_SIZE >= MMU_AS_COUNT)
		return 0;
	as = &mmu->as[offset / AS_BLOCK_SIZE];
	if (reg_offset == AS_REG_FAULTSTATUS)
		return as->faultstatus;
	/* 0: STATUS, since commands end before the write returns, and FAULTEXTRA. */
	return reg ? field_get(*storage_of(as, reg), half_of(offset)) : 0;
}

void mmu_reg_write(struct mmu *mmu, uint32_t offset, uint32_t value)
{
	uint32_t reg_offset = offset % AS_BLOCK_SIZE;
	const struct storage_reg *reg = find_storage(reg_offset);
	uint64_t *storage;

	if (offset / AS_BLOCK_SIZE >= MMU_AS_COUNT)
		return;
	if (reg_offset == AS_REG_COMMAND) {
		mmu_command(mmu, offset / AS_BLOCK_SIZE, value);
		return;
	}
	if (!reg || !reg->writable) {
		rules_broken(RULE_REGISTER_READ_ONLY, offset / AS_BLOCK_SIZE, reg_offset,
			     "0x%08x to AS register 0x%x", value, reg_offset);
		return;
	}
	storage = storage_of(&mmu->as[offset / AS_BLOCK_SIZE], reg);
	*storage = field_set(*storage, half_of(offset), value);
	if (reg->offset != AS_REG_LOCKADDR)
		mmu->as[offset / AS_BLOCK_SIZE].written = true;
}

static unsigned int input_address_bits(uint64_t transcfg)
{
	unsigned int bits = AS_INA_BITS_BASE - field_get(transcfg, AS_TRANSCFG_INA_BITS);

	return bits < PT_VA_BITS_MAX ? bits : PT_VA_BITS_MAX;
}

static void update(struct mmu *mmu, unsigned int number)
{
	struct mmu_as *as = &mmu->as[number];

	referee_update(mmu, number);
	as->written = false;
	as->mode = field_get(as->transcfg, AS_TRANSCFG_ADRMODE);
	as->regime = (struct pt_regime){
		.root = as->transtab & field_mask(AS_TRANSTAB_BASE),
		.memattr = as->memattr,
		.va_bits = input_address_bits(as->transcfg),
		.hierarchical_ap = !field_get(as->transcfg, AS_TRANSCFG_DISABLE_HIER_AP),
		.af_faults = !field_get(as->transcfg, AS_TRANSCFG_DISABLE_AF_FAULT),
		.write_xn = field_get(as->transcfg, AS_TRANSCFG_WXN),
	};
	as->fault_pending = false;
	mmu->stats.invalidated += tlb_drop_as(mmu->tlb, number);
	trace("mmu", "AS%u UPDATE transtab 0x%llx transcfg 0x%llx", number,
	      (unsigned long long)as->transtab, (unsigned long long)as->transcfg);
}

static struct mmu_lock decode_lockaddr(unsigned int number, uint64_t lockaddr)
{
	unsigned int size_lg2 = field_get(lockaddr, AS_LOCKADDR_SIZE_LG2_MINUS_1) + 1;
	uint64_t start = lockaddr & field_mask(AS_LOCKADDR_START), low_bits;

	if (size_lg2 < AS_LOCK_REGION_MIN_LG2) {
		rules_broken(RULE_LOCK_BELOW_MINIMUM, number, start, "LOCKADDR 0x%llx",
			     (unsigned long long)lockaddr);
		size_lg2 = AS_LOCK_REGION_MIN_LG2;
	}
	low_bits = size_lg2 == 64 ? UINT64_MAX : (1ull << size_lg2) - 1;
	return (struct mmu_lock){
		.held = true,
		.start = start & ~low_bits,
		.last = start | low_bits,
	};
}

/*
 * A second LOCK replaces the locked region by that in LOCKADDR (assumed, since an AS has only one
 * LOCKADDR). panthor_vm_lock_region() locks the union when it extends a region, so it loses
 * nothing. If a driver moves the region, the old one ends without an UNLOCK and its invalidation.
 */
static void lock(struct mmu *mmu, unsigned int number)
{
	struct mmu_as *as = &mmu->as[number];
	struct mmu_lock region = decode_lockaddr(number, as->lockaddr);

	referee_lock(mmu, number, &region);
	as->lock = region;
	trace("mmu", "AS%u LOCK 0x%llx..0x%llx", number, (unsigned long long)region.start,
	      (unsigned long long)region.last);
}

/*
 * UNLOCK of an AS without a locked region has no effect. panthor_vm_unlock_region() issues it after
 * a fault has disabled the AS.
 */
static void unlock(struct mmu *mmu, unsigned int number, const char *command)
{
	struct mmu_lock *region = &mmu->as[number].lock;

	referee_unlock(mmu, number, command);
	if (!region->held) {
		trace("mmu", "AS%u %s, nothing locked", number, command);
		return;
	}
	mmu->stats.invalidated += tlb_drop_range(mmu->tlb, number, region->start, region->last);
	region->held = false;
	trace("mmu", "AS%u %s 0x%llx..0x%llx", number, command,
	      (unsigned long long)region->start, (unsigned long long)region->last);
}

/*
 * FLUSH_PT and FLUSH_MEM also unlock the region: panfrost sends no UNLOCK after FLUSH_MEM
 * (panfrost_mmu.c, mmu_hw_do_operation_locked()). panthor uses neither. Their flush of data caches
 * is not modelled.
 */
void mmu_command(struct mmu *mmu, unsigned int as, uint32_t command)
{
	switch (command) {
	case AS_COMMAND_NOP:
		break;
	case AS_COMMAND_UPDATE:
		update(mmu, as);
		break;
	case AS_COMMAND_LOCK:
		lock(mmu, as);
		break;
	case AS_COMMAND_UNLOCK:
		unlock(mmu, as, "UNLOCK");
		break;
	case AS_COMMAND_FLUSH_PT:
		unlock(mmu, as, "FLUSH_PT");
		break;
	case AS_COMMAND_FLUSH_MEM:
		unlock(mmu, as, "FLUSH_MEM");
		break;
	default:
		rules_broken(RULE_AS_COMMAND_UNKNOWN, as, command, "command 0x%x", command);
	}
}
