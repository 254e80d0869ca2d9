/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_MMU_INTERNAL_H
#define VMALI_MMU_INTERNAL_H

#include "mmu/mmu.h"
#include "mmu/tlb.h"
#include "mmu/walk.h"

/* Shared by the files of mmu/ only. */

/* A region locked by LOCK: accesses get -EAGAIN. @last is inclusive. */
struct mmu_lock {
	bool held;
	uint64_t start, last;
};

struct mmu_as {
	/* Written by the driver; without effect until a command. */
	uint64_t transtab, memattr, lockaddr, transcfg;
	/* Set by the last reported fault. */
	uint64_t faultaddress;
	uint32_t faultstatus;
	bool fault_pending;
	/* Set by the last UPDATE. */
	unsigned int mode;		/* enum as_adrmode; accesses in other modes fault */
	struct pt_regime regime;
	struct mmu_lock lock;
	/* For the referee. */
	bool written;			/* TRANSTAB, MEMATTR or TRANSCFG, since UPDATE */
	bool used;			/* accessed since the caches were flushed */
	bool flushed;			/* the caches were flushed since LOCK */
};

struct mmu {
	struct guest_memory *mem;
	struct mmu_config config;
	struct tlb *tlb;
	struct mmu_stats stats;
	struct mmu_as as[MMU_AS_COUNT];
	uint32_t turn;			/* for the referee: entry of the TLB that is next */
};

/* Perform @command (enum as_command) on address space @as. */
void mmu_command(struct mmu *mmu, unsigned int as, uint32_t command);

#endif
