/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_MCU_MCU_PRIVATE_H
#define VMALI_MCU_MCU_PRIVATE_H

#include "csf/stream.h"
#include "mcu/layout.h"
#include "mcu/mcu.h"
#include "mmu/mmu.h"

/*
 * State of the firmware while it waits for a lock. The driver locks a region of an address space
 * while it changes its page tables; accesses there get -EAGAIN. Locks come and go with register
 * writes only, never within mcu_run(), hence:
 *
 * - mcu_run() looks once whether the interface is reachable and otherwise does nothing; all notes
 *   (doorbells, pending requests) stay. Behind that check mcu_get() and mcu_put() do not fail,
 *   but for a guest that pulls the tables from under its own firmware.
 * - A ring's pages or a suspend buffer may be locked on their own. A stream then stalls, and a
 *   request stays unacknowledged, until mcu_kick().
 */

/* Exceptions that the firmware itself reports (panthor_device.h, drm_panthor_exception_type). */
#define EXC_CS_CONFIG_FAULT 0x40
#define EXC_CS_UNRECOVERABLE 0x41	/* the driver resets the GPU */
#define EXC_CS_BUS_FAULT 0x48

/* State of a stream (CS). */
enum stream_run {
	STREAM_OFF,		/* not started */
	STREAM_READY,		/* may have instructions to execute */
	STREAM_EMPTY,		/* its ring is empty; looks again at a doorbell */
	STREAM_BLOCKED,		/* in a SYNC_WAIT; looks again now and then */
	STREAM_STALLED,		/* met a locked region; mcu_kick() makes it ready */
	STREAM_HALTED		/* faulted; until it is stopped or its group terminated */
};

struct mcu_stream {
	enum stream_run run;
	bool again;			/* empty or blocked, but shall look again */
	uint8_t doorbell;		/* page that belongs to it, 0: none */
	uint32_t idle_mask;		/* CS_IDLE_*: what counts as idle */
	uint64_t ring_input, ring_output;
	bool extract_owed;		/* the output page does not yet show what was executed */
	uint64_t progress_cycles;	/* cycle count when it last got on */
	struct csf_stream cs;
};

struct mcu_group {
	bool pending;			/* its interface is to be looked at */
	bool resident;			/* started or resumed */
	bool request_waits;		/* a state request waits for a lock: do not run streams */
	bool idle;			/* CSG_IDLE was reported */
	bool timed_out;			/* CSG_PROGRESS_TIMER_EVENT was reported */
	bool sync_update;		/* CSG_SYNC_UPDATE is due */
	unsigned int as;
	uint64_t suspend_buf;
	struct mcu_stream stream[MCU_CS_PER_CSG];
};

struct mcu {
	struct mmu *mmu;
	struct mcu_config config;
	struct csf_host host;

	uint32_t control, status;
	bool boot_wanted;
	uint64_t doorbells;		/* pages that were written, one bit each */

	uint64_t progress_limit;	/* cycles, 0: no progress timer */
	uint64_t idle_limit;		/* ticks of the timer chosen by idle_by_cycles */
	bool idle_by_cycles, idle_enabled;
	bool idle_reported;		/* GLB_IDLE was reported, or nothing ran since boot */
	bool idle_counting;		/* all groups have been idle since idle_since */
	uint64_t idle_since;

	uint64_t polled_at;		/* timestamp of the last look of blocked streams */
	bool sync_update;		/* a sync object was written: blocked streams look again */
	unsigned int turn;		/* stream that ran last, counted through all groups */
	struct mcu_group *running;	/* group whose stream executes, for the host callbacks */
	struct mcu_group group[MCU_CSG_COUNT];
};

/* A request/acknowledge pair in the interface: section offsets, and the interrupt it raises. */
struct mailbox {
	uint32_t req, ack, irq_mask;
	uint32_t job_bits;
};

/* mcu.c */
uint32_t mcu_get(struct mcu *mcu, uint32_t offset);
uint64_t mcu_get64(struct mcu *mcu, uint32_t offset);
void mcu_put(struct mcu *mcu, uint32_t offset, uint32_t value);
void mcu_put64(struct mcu *mcu, uint32_t offset, uint64_t value);
/* Requests in @mask as the driver last wrote them, here @req, are done. */
void mcu_ack(struct mcu *mcu, const struct mailbox *box, uint32_t req, uint32_t mask);
/* Tell the driver of @event, unless it has not yet taken note of the last one. */
void mcu_event(struct mcu *mcu, const struct mailbox *box, uint32_t event);
unsigned int mcu_group_index(const struct mcu *mcu, const struct mcu_group *group);

/* global.c */
void global_boot(struct mcu *mcu);
void global_look(struct mcu *mcu);
/* A group was busy until now: GLB_IDLE is due again, its timer starts anew. */
void global_idle_restart(struct mcu *mcu);
/* Raise GLB_IDLE when it is time. Return: whether its timer is running. */
bool global_idle_timer(struct mcu *mcu);

/* group.c */
void group_boot(struct mcu *mcu, unsigned int g);
void group_look(struct mcu *mcu, struct mcu_group *group);
/* Events that are due after one of the streams ran or changed. */
void group_report(struct mcu *mcu, struct mcu_group *group);
/* Check the progress timer. Return: whether it is running. */
bool group_progress_timer(struct mcu *mcu, struct mcu_group *group);
void group_discard(struct mcu_group *group);

/* stream.c */
void stream_boot(struct mcu *mcu, unsigned int g, unsigned int s);
/*
 * Start with the fields of CS_INPUT, at the ring's extract index, or where it was suspended (@saved).
 * Return: 0, or -EAGAIN when the ring's page is locked. A ring that makes no sense starts too,
 * and reports CS_FATAL at once.
 */
int stream_start(struct mcu *mcu, struct mcu_group *group, unsigned int s,
		 const struct csf_state *saved);
/* The driver rang for this stream: requests in its interface, new instructions. 0 or -EAGAIN. */
int stream_look(struct mcu *mcu, struct mcu_group *group, unsigned int s);
/* Copy the requests in CS_INPUT to the acknowledge word. */
void stream_ack(struct mcu *mcu, struct mcu_group *group, unsigned int s);
void stream_wake(struct mcu_stream *stream);
bool stream_runnable(const struct mcu_stream *stream);
void stream_run(struct mcu *mcu, struct mcu_group *group, unsigned int s);
/* Halt it and report CS_FATAL: @type is the exception, @info goes to FATAL_INFO. */
void stream_fatal(struct mcu *mcu, struct mcu_group *group, unsigned int s, uint32_t type,
		  uint64_t info);
void stream_write_status(struct mcu *mcu, struct mcu_group *group, unsigned int s);
/*
 * Bring the ring's output page up to date; @active: whether the stream is on the hardware from
 * now on. Return: 0, -EAGAIN or -EFAULT.
 */
int stream_publish(struct mcu *mcu, struct mcu_stream *stream, bool active);
bool stream_idle(const struct mcu_stream *stream);

/* suspend.c */
#define MCU_SUSPEND_SIZE 0x2000u		/* bytes of a group's suspend buffer */
#define MCU_PROTM_SUSPEND_SIZE 0x1000u		/* not used, but must not be 0 for the driver */
/* Write a group to its suspend buffer: 0, -EAGAIN or -EFAULT. */
int suspend_save(struct mcu *mcu, struct mcu_group *group);
/* Start its streams from there: 0, -EAGAIN or -EFAULT. */
int suspend_restore(struct mcu *mcu, struct mcu_group *group);

#endif
