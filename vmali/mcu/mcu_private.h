/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_MCU_MCU_PRIVATE_H
#define VMALI_MCU_MCU_PRIVATE_H

#include "csf/stream.h"
#include "mcu/layout.h"
#include "mcu/mcu.h"
#include "mmu/mmu.h"

/*
 * Locked regions. The driver locks a region of an address space while it changes its page tables.
 * Accesses to the region get -EAGAIN. Only register writes lock and unlock, so no lock changes
 * during mcu_run():
 *
 * - mcu_run() checks once that the interface is accessible. If not, it does nothing and keeps all
 *   doorbells and pending requests. After the check, mcu_get() and mcu_put() only fail if the guest
 *   corrupts the page tables of the MCU.
 * - A ring's pages or a suspend buffer may be locked while the interface is not. A stream then
 *   stalls, and a request stays unacknowledged, until mcu_kick().
 */

/* Exceptions that the firmware itself reports (panthor_device.h, drm_panthor_exception_type). */
#define EXC_CS_CONFIG_FAULT 0x40
#define EXC_CS_UNRECOVERABLE 0x41	/* the driver resets the GPU */
#define EXC_CS_BUS_FAULT 0x48

/* State of a stream (CS). */
enum stream_run {
	STREAM_OFF,		/* not started */
	STREAM_READY,		/* may have instructions to execute */
	STREAM_EMPTY,		/* the ring is empty; checked again after a doorbell */
	STREAM_BLOCKED,		/* in a SYNC_WAIT; checked again by mcu_poll() */
	STREAM_STALLED,		/* stopped at a locked region; mcu_kick() makes it ready */
	STREAM_HALTED		/* faulted, until the stream is stopped or the group terminated */
};

struct mcu_stream {
	enum stream_run run;
	bool again;			/* empty or blocked, but to be checked again */
	bool polls;			/* ready, and its last slice changed nothing */
	uint8_t doorbell;		/* doorbell page, 0: none */
	uint32_t idle_mask;		/* CS_IDLE_*: states that are idle */
	uint64_t ring_input, ring_output;
	bool extract_owed;		/* the output page has to be written */
	uint64_t progress_cycles;	/* cycle count at the last progress */
	struct csf_stream cs;
};

struct mcu_group {
	bool pending;			/* group_look() has to be called */
	bool resident;			/* started or resumed */
	bool request_waits;		/* a state request waits for UNLOCK: streams do not run */
	uint8_t requested;		/* enum csg_state: the last state request */
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
	uint64_t doorbells;		/* doorbell pages that were written, one bit for each */

	uint64_t progress_limit;	/* cycles, 0: no progress timer */
	uint64_t idle_limit;		/* ticks of the timer chosen by idle_by_cycles */
	bool idle_by_cycles, idle_enabled;
	bool idle_reported;		/* GLB_IDLE was reported, and no group was busy since */
	bool idle_counting;		/* all groups have been idle since idle_since */
	uint64_t idle_since;

	uint64_t polled_at;		/* timestamp of the last check of blocked streams */
	bool sync_update;		/* a sync object was written: check blocked streams */
	unsigned int turn;		/* stream that ran last, counted through all groups */
	unsigned int passed;		/* slices since a stream that polls had a turn */
	struct mcu_group *running;	/* group whose stream executes, for the host callbacks */
	struct mcu_group group[MCU_CSG_COUNT];
};

/* A request/acknowledge pair: its offsets in the section, and the interrupt for acknowledges. */
struct mailbox {
	uint32_t req, ack, irq_mask;
	uint32_t job_bits;
};

/* mcu.c */
uint32_t mcu_get(struct mcu *mcu, uint32_t offset);
uint64_t mcu_get64(struct mcu *mcu, uint32_t offset);
void mcu_put(struct mcu *mcu, uint32_t offset, uint32_t value);
void mcu_put64(struct mcu *mcu, uint32_t offset, uint64_t value);
/* Acknowledge the requests in @mask. @req: the request word that was executed. */
void mcu_ack(struct mcu *mcu, const struct mailbox *box, uint32_t req, uint32_t mask);
/* Send @event to the driver, unless the last one is still pending. */
void mcu_event(struct mcu *mcu, const struct mailbox *box, uint32_t event);
unsigned int mcu_group_index(const struct mcu *mcu, const struct mcu_group *group);

/* global.c */
void global_boot(struct mcu *mcu);
void global_look(struct mcu *mcu);
/* A group was busy: restart the timer of GLB_IDLE, and report GLB_IDLE again. */
void global_idle_restart(struct mcu *mcu);
/* Raise GLB_IDLE when its timer has expired. Return: true if the timer is running. */
bool global_idle_timer(struct mcu *mcu);

/* group.c */
void group_boot(struct mcu *mcu, unsigned int g);
void group_look(struct mcu *mcu, struct mcu_group *group);
/* Send the events that are due after a stream ran or changed its state. */
void group_report(struct mcu *mcu, struct mcu_group *group);
/* Check the progress timer. Return: true if it is running. */
bool group_progress_timer(struct mcu *mcu, struct mcu_group *group);
void group_discard(struct mcu_group *group);

/* stream.c */
void stream_boot(struct mcu *mcu, unsigned int g, unsigned int s);
/*
 * Start with the configuration in CS_INPUT, at the extract index of the ring, or from the suspended
 * state @saved. Return: 0, or -EAGAIN if the ring's page is locked. With an invalid ring, report
 * CS_FATAL and return 0.
 */
int stream_start(struct mcu *mcu, struct mcu_group *group, unsigned int s,
		 const struct csf_state *saved);
/* Execute the requests in CS_INPUT after a doorbell, and check the ring. Return: 0 or -EAGAIN. */
int stream_look(struct mcu *mcu, struct mcu_group *group, unsigned int s);
/* Copy the requests in CS_INPUT to the acknowledge word. */
void stream_ack(struct mcu *mcu, struct mcu_group *group, unsigned int s);
void stream_wake(struct mcu_stream *stream);
bool stream_runnable(const struct mcu_stream *stream);
void stream_run(struct mcu *mcu, struct mcu_group *group, unsigned int s);
/* Halt a stream and report CS_FATAL with exception @type. @info is written to FATAL_INFO. */
void stream_fatal(struct mcu *mcu, struct mcu_group *group, unsigned int s, uint32_t type,
		  uint64_t info);
void stream_write_status(struct mcu *mcu, struct mcu_group *group, unsigned int s);
/*
 * Write the ring's output page. @active: true if the stream stays on the hardware. Return: 0,
 * -EAGAIN or -EFAULT.
 */
int stream_publish(struct mcu *mcu, struct mcu_stream *stream, bool active);
bool stream_idle(const struct mcu_stream *stream);

/* suspend.c */
#define MCU_SUSPEND_SIZE 0x2000u		/* bytes of a group's suspend buffer */
#define MCU_PROTM_SUSPEND_SIZE 0x1000u		/* not used; the driver rejects 0 */
/* Write the streams of a group to its suspend buffer. Return: 0, -EAGAIN or -EFAULT. */
int suspend_save(struct mcu *mcu, struct mcu_group *group);
/* Start the streams of a group from its suspend buffer. Return: 0, -EAGAIN or -EFAULT. */
int suspend_restore(struct mcu *mcu, struct mcu_group *group);

#endif
