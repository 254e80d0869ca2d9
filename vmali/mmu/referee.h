/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_MMU_REFEREE_H
#define VMALI_MMU_REFEREE_H

#include <stdint.h>

/*
 * What the referee (rules/) sees of the address spaces: each function is called before the model
 * does what its name says. None changes a translation.
 *
 * A change of a table is seen where the TLB has the translation from before. A few translations are
 * compared with the tables at each LOCK and UNLOCK, so that accesses cost nothing: those at the
 * edges of the region of a LOCK, those beside the region of an UNLOCK, and some others in turn. It
 * is not seen where no translation was cached, where the change was undone before the comparison,
 * and with MMU_TLB_OFF.
 */
struct mmu;
struct mmu_lock;

void referee_lock(struct mmu *mmu, unsigned int as, const struct mmu_lock *region);
void referee_unlock(struct mmu *mmu, unsigned int as, const char *command);
void referee_update(struct mmu *mmu, unsigned int as);
/* A walk for @va found a descriptor that no table may have. */
void referee_malformed(unsigned int as, uint64_t va, const char *what);

#endif
