/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_MCU_H
#define VMALI_MCU_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The microcontroller and its firmware, as seen by the driver: boot and halt, the global, group
 * (CSG) and stream (CS) interfaces in shared memory, the scheduling of resident groups. mcu_run()
 * does all work, in slices; register writes only set flags for it. Not thread-safe: the caller
 * holds the GPU's lock.
 */
struct mmu;
struct mcu;

#define MCU_CSG_COUNT 8
#define MCU_CS_PER_CSG 8

/**
 * struct mcu_config - Callbacks of the MCU
 * @job_irq: raises @bits of JOB_INT_RAWSTAT.
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

/* GPU reset: disable the MCU and drop all groups. */
void mcu_reset(struct mcu *mcu);

void mcu_control_write(struct mcu *mcu, uint32_t value);
uint32_t mcu_control_read(const struct mcu *mcu);
uint32_t mcu_status_read(const struct mcu *mcu);

/* Ring doorbell @id: 0 is the global doorbell, others are user doorbells of streams. */
void mcu_doorbell(struct mcu *mcu, unsigned int id);

/* Number of groups that have a slot. */
unsigned int mcu_resident_groups(const struct mcu *mcu);

/* Let stalled streams repeat their access, after a command to an AS. */
void mcu_kick(struct mcu *mcu);

/* Time of the next call of mcu_run(), unless a register write comes before. */
enum mcu_next {
	MCU_RUN_AGAIN,		/* at once: streams are runnable */
	MCU_RUN_SOON,		/* in a tenth of a millisecond: all runnable streams poll memory */
	MCU_RUN_LATER,		/* in a millisecond: streams are blocked, or timers run */
	MCU_IDLE		/* at the next register write */
};

/* Do one bounded slice of work. */
enum mcu_next mcu_run(struct mcu *mcu);

#endif
