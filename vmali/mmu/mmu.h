/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_MMU_H
#define VMALI_MMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The GPU's MMU: address spaces (AS) with their registers, the page-table walk, the TLB, locked
 * regions and faults. Knows guest memory and nothing else of the board. Not thread-safe: the
 * caller holds the GPU's lock.
 */
struct guest_memory;
struct mmu;

#define MMU_AS_COUNT 8

/* Longest range of one mmu_read() or mmu_write(), in bytes. */
#define MMU_ACCESS_MAX 0x10000

enum mmu_access {
	MMU_ACCESS_READ,
	MMU_ACCESS_WRITE,
	MMU_ACCESS_EXECUTE	/* instruction fetch of a command stream is a READ, not this */
};

enum mmu_tlb_mode {
	MMU_TLB_KEEP,		/* a translation lives until it is invalidated */
	MMU_TLB_OFF,		/* every access walks the tables */
	MMU_TLB_TINY		/* a few entries, replaced at random */
};

/**
 * struct mmu_config - How the MMU behaves
 * @tlb: TLB mode.
 * @seed: seed of the replacement in MMU_TLB_TINY.
 * @fault: called when an AS reports a fault: the MMU interrupt's bit for @as is to be raised.
 * @ctx: first argument of @fault.
 */
struct mmu_config {
	enum mmu_tlb_mode tlb;
	uint64_t seed;
	void (*fault)(void *ctx, unsigned int as);
	void *ctx;
};

/**
 * mmu_parse_tlb_mode() - Parse "keep", "off" or "tiny:SEED" into @config
 *
 * Return: 0 or -EINVAL.
 */
int mmu_parse_tlb_mode(const char *text, struct mmu_config *config);

struct mmu *mmu_create(struct guest_memory *mem, const struct mmu_config *config);
void mmu_destroy(struct mmu *mmu);

/* Power-on state of all address spaces; drops the TLB. */
void mmu_reset(struct mmu *mmu);

/**
 * mmu_reg_read() - Read a register of the AS blocks
 * @offset: byte offset from the first AS block (GPU register 0x2400), below 64 * MMU_AS_COUNT
 */
uint32_t mmu_reg_read(struct mmu *mmu, uint32_t offset);
void mmu_reg_write(struct mmu *mmu, uint32_t offset, uint32_t value);

/**
 * mmu_read() - Read @len bytes at GPU virtual address @va through address space @as
 *
 * @len is at most MMU_ACCESS_MAX. An AS with a fault that the driver has not cleared yet still
 * translates what its tables map.
 *
 * Return: 0; -EINVAL: @len is too large; -EFAULT: the access faulted, the AS's fault registers
 * say why and the fault callback was called (only the first fault of an AS is reported until the
 * driver has cleared it by mmu_fault_cleared() or an UPDATE); -EAGAIN: the range is, in part, in
 * a locked region: nothing was done, try again after the AS was unlocked.
 */
int mmu_read(struct mmu *mmu, unsigned int as, uint64_t va, void *buf, size_t len);

/*
 * As mmu_read(); on -EFAULT and -EAGAIN nothing was written, save that a range of several pages
 * is written up to the first page whose address is not writable RAM.
 */
int mmu_write(struct mmu *mmu, unsigned int as, uint64_t va, const void *buf, size_t len);

/*
 * Naturally aligned, single-copy-atomic forms, for sync objects and queue indices; -EINVAL when
 * @va is not aligned.
 */
int mmu_read32(struct mmu *mmu, unsigned int as, uint64_t va, uint32_t *value);
int mmu_read64(struct mmu *mmu, unsigned int as, uint64_t va, uint64_t *value);
int mmu_write32(struct mmu *mmu, unsigned int as, uint64_t va, uint32_t value);
int mmu_write64(struct mmu *mmu, unsigned int as, uint64_t va, uint64_t value);

/* The driver cleared the MMU interrupt's bit of @as: its next fault is reported again. */
void mmu_fault_cleared(struct mmu *mmu, unsigned int as);

/* Counters for tests and the trace's summary. */
struct mmu_stats {
	uint64_t hits, walks, invalidated, faults;
};
void mmu_get_stats(const struct mmu *mmu, struct mmu_stats *stats);

#endif
