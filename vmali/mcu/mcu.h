/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_MCU_H
#define VMALI_MCU_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The microcontroller and its firmware, as the driver sees them: boot and halt, the global, group
 * (CSG) and stream (CS) interfaces in shared memory, the scheduling of resident groups. All
 * work is done in mcu_run(), in slices; register writes only leave a note. Not thread-safe: the
 * caller holds the GPU's lock.
 */
struct mmu;
struct mcu;

#define MCU_CSG_COUNT 8
#define MCU_CS_PER_CSG 8

/**
 * struct mcu_config - What the MCU needs from around it
 * @job_irq: raise these bits of JOB_INT_RAWSTAT.
 * @timestamp: GPU timestamp counter, in ticks of 1 / @timestamp_hz seconds.
 */
struct mcu_config {
	void (*job_irq)(void *ctx, uint32_t bits);
	uint64_t (*timestamp)(void *ctx);
	uint64_t (*cycles)(void *ctx);
	uint64_t timestamp_hz;
	void *ctx;
};

struct mcu *mcu_create(struct mmu *mmu, const struct mcu_config *config);
void mcu_destroy(struct mcu *mcu);

/* GPU reset: MCU disabled, groups gone. */
void mcu_reset(struct mcu *mcu);

void mcu_control_write(struct mcu *mcu, uint32_t value);
uint32_t mcu_control_read(const struct mcu *mcu);
uint32_t mcu_status_read(const struct mcu *mcu);

/* A doorbell page was written: 0 is the global one, others belong to groups. */
void mcu_doorbell(struct mcu *mcu, unsigned int id);

/* An AS was unlocked or updated: stalled streams look again. */
void mcu_kick(struct mcu *mcu);

/* Latest time for the next call of mcu_run(), if nothing else happens before. */
enum mcu_next {
	MCU_RUN_AGAIN,		/* at once: there are runnable streams */
	MCU_RUN_LATER,		/* in about a millisecond: streams wait for memory to change */
	MCU_IDLE		/* at the next register write */
};

/* One bounded slice of work. */
enum mcu_next mcu_run(struct mcu *mcu);

#endif
