/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_MMU_H
#define VMALI_MMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The GPU's MMU: address spaces (AS) with their registers, the page-table walk, the TLB, locked
 * regions and faults. Uses guest memory and no other part of the board. Not thread-safe: the caller
 * holds the GPU's lock.
 */
struct guest_memory;
struct mmu;

#define MMU_AS_COUNT 8

/* Longest range of one mmu_read() or mmu_write(), in bytes. */
#define MMU_ACCESS_MAX 0x10000

enum mmu_access {
	MMU_ACCESS_READ,
	MMU_ACCESS_WRITE,
	MMU_ACCESS_EXECUTE	/* by mmu_fetch(): a command stream is fetched by READ */
};

enum mmu_tlb_mode {
	MMU_TLB_KEEP,		/* translations stay until they are invalidated */
	MMU_TLB_OFF,		/* every access walks the tables */
	MMU_TLB_TINY		/* a few entries, replaced at random */
};

/**
 * struct mmu_config - Configuration of the MMU
 * @tlb: TLB mode.
 * @seed: seed of the replacement in MMU_TLB_TINY.
 * @fault: called when an AS reports a fault; raises the bit of @as in the MMU interrupt.
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
 * @len is at most MMU_ACCESS_MAX. A fault that the driver has not cleared does not stop the AS from
 * translating mapped addresses.
 *
 * Return: 0; -EINVAL: @len is too large; -EFAULT: the access faulted; -EAGAIN: the range overlaps a
 * locked region: nothing was done, the caller repeats the access after UNLOCK.
 *
 * A fault sets the fault registers of the AS and calls the fault callback. Until the driver clears
 * it (mmu_fault_cleared() or UPDATE), further faults of the AS are not reported.
 */
int mmu_read(struct mmu *mmu, unsigned int as, uint64_t va, void *buf, size_t len);

/* Read @len bytes of shader code, with the limits and errors of mmu_read(). */
int mmu_fetch(struct mmu *mmu, unsigned int as, uint64_t va, void *buf, size_t len);

/*
 * Write @len bytes at @va, with the limits and errors of mmu_read(). On -EFAULT and -EAGAIN nothing
 * was written, with one exception: a range of several pages is written up to the first page that is
 * mapped to an address without writable RAM.
 */
int mmu_write(struct mmu *mmu, unsigned int as, uint64_t va, const void *buf, size_t len);

/*
 * Single-copy-atomic accesses to naturally aligned words, for sync objects and queue indices;
 * -EINVAL if @va is not aligned.
 */
int mmu_read32(struct mmu *mmu, unsigned int as, uint64_t va, uint32_t *value);
int mmu_read64(struct mmu *mmu, unsigned int as, uint64_t va, uint64_t *value);
int mmu_write32(struct mmu *mmu, unsigned int as, uint64_t va, uint32_t value);
int mmu_write64(struct mmu *mmu, unsigned int as, uint64_t va, uint64_t value);

/* For the referee: the GPU's caches were flushed. */
void mmu_caches_flushed(struct mmu *mmu);

/* For the referee: a group, or the MCU, starts in @as. */
void mmu_as_used(struct mmu *mmu, unsigned int as);

/* The driver cleared the bit of @as in the MMU interrupt: report the next fault again. */
void mmu_fault_cleared(struct mmu *mmu, unsigned int as);

/* Counters for tests and the trace's summary. */
struct mmu_stats {
	uint64_t hits, walks, invalidated, faults;
};
void mmu_get_stats(const struct mmu *mmu, struct mmu_stats *stats);

#endif
