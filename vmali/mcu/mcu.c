// SPDX-License-Identifier: MIT
/* Copyright (C) 2026 The vmali authors */
#include "mcu/mcu_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "regs/gpu_regs.h"
#include "rules/rules.h"
#include "trace/trace.h"

#define PAGE_SIZE 4096u
#define STREAM_COUNT (MCU_CSG_COUNT * MCU_CS_PER_CSG)
#define POLLS_PER_SEC 1000

static void unreachable(const char *how, uint32_t offset)
{
	rules_broken(RULE_INTERFACE_UNREACHABLE, MCU_AS, FIRMWARE_SHARED_VA + offset,
		     "+0x%x of the section cannot be %s", offset, how);
}

uint32_t mcu_get(struct mcu *mcu, uint32_t offset)
{
	uint32_t value;

	if (!mmu_read32(mcu->mmu, MCU_AS, FIRMWARE_SHARED_VA + offset, &value))
		return value;
	unreachable("read", offset);
	return 0;
}

uint64_t mcu_get64(struct mcu *mcu, uint32_t offset)
{
	uint64_t value;

	if (!mmu_read64(mcu->mmu, MCU_AS, FIRMWARE_SHARED_VA + offset, &value))
		return value;
	unreachable("read", offset);
	return 0;
}

void mcu_put(struct mcu *mcu, uint32_t offset, uint32_t value)
{
	if (mmu_write32(mcu->mmu, MCU_AS, FIRMWARE_SHARED_VA + offset, value))
		unreachable("written", offset);
}

void mcu_put64(struct mcu *mcu, uint32_t offset, uint64_t value)
{
	if (mmu_write64(mcu->mmu, MCU_AS, FIRMWARE_SHARED_VA + offset, value))
		unreachable("written", offset);
}

/*
 * Request bits are toggles: a bit that differs from its acknowledge is pending. @req is the value
 * that was executed. The request word may have changed since.
 */
void mcu_ack(struct mcu *mcu, const struct mailbox *box, uint32_t req, uint32_t mask)
{
	uint32_t before = mcu_get(mcu, box->ack);
	uint32_t after = (before & ~mask) | (req & mask);

	if (after == before)
		return;
	mcu_put(mcu, box->ack, after);
	if ((before ^ after) & mcu_get(mcu, box->irq_mask))
		mcu->config.job_irq(mcu->config.ctx, box->job_bits);
}

/*
 * Events are toggled by the MCU and acknowledged by the driver. An event is not toggled again while
 * it is pending: the driver reads the state only after it has acknowledged the event.
 */
void mcu_event(struct mcu *mcu, const struct mailbox *box, uint32_t event)
{
	uint32_t ack = mcu_get(mcu, box->ack);

	if ((ack ^ mcu_get(mcu, box->req)) & event)
		return;
	mcu_put(mcu, box->ack, ack ^ event);
	if (event & mcu_get(mcu, box->irq_mask))
		mcu->config.job_irq(mcu->config.ctx, box->job_bits);
}

unsigned int mcu_group_index(const struct mcu *mcu, const struct mcu_group *group)
{
	return group - mcu->group;
}

static uint64_t host_timestamp(void *ctx)
{
	struct mcu *mcu = ctx;

	return mcu->config.timestamp(mcu->config.ctx);
}

static uint64_t host_cycles(void *ctx)
{
	struct mcu *mcu = ctx;

	return mcu->config.cycles(mcu->config.ctx);
}

static void host_sync_update(void *ctx)
{
	struct mcu *mcu = ctx;

	mcu->sync_update = true;
	mcu->running->sync_update = true;
}

struct mcu *mcu_create(struct mmu *mmu, const struct mcu_config *config)
{
	struct mcu *mcu = calloc(1, sizeof(*mcu));

	if (!mcu)
		return NULL;
	mcu->mmu = mmu;
	mcu->config = *config;
	mcu->host = (struct csf_host){
		.timestamp = host_timestamp,
		.cycles = host_cycles,
		.sync_update = host_sync_update,
		.ctx = mcu,
	};
	return mcu;
}

void mcu_destroy(struct mcu *mcu)
{
	free(mcu);
}

/* Disable the MCU: its internal state is lost, the shared section stays. */
static void mcu_disable(struct mcu *mcu)
{
	mcu->status = MCU_STATUS_DISABLED;
	mcu->boot_wanted = false;
	mcu->doorbells = 0;
	mcu->progress_limit = 0;
	mcu->idle_enabled = false;
	mcu->idle_counting = false;
	mcu->idle_reported = false;
	mcu->sync_update = false;
	for (unsigned int g = 0; g < MCU_CSG_COUNT; g++)
		group_discard(&mcu->group[g]);
}

void mcu_reset(struct mcu *mcu)
{
	mcu->control = MCU_CONTROL_DISABLE;
	mcu_disable(mcu);
}

void mcu_control_write(struct mcu *mcu, uint32_t value)
{
	switch (value) {
	case MCU_CONTROL_DISABLE:
		trace("mcu", "disabled");
		mcu_disable(mcu);
		break;
	case MCU_CONTROL_ENABLE:
	case MCU_CONTROL_AUTO:
		mmu_as_used(mcu->mmu, MCU_AS);
		mcu->boot_wanted = mcu->status != MCU_STATUS_ENABLED;
		break;
	default:
		rules_broken(RULE_MCU_CONTROL_UNKNOWN, RULES_NO_AS, REG_MCU_CONTROL,
			     "MCU_CONTROL = 0x%x", value);
		return;
	}
	mcu->control = value;
}

uint32_t mcu_control_read(const struct mcu *mcu)
{
	return mcu->control;
}

uint32_t mcu_status_read(const struct mcu *mcu)
{
	return mcu->status;
}

unsigned int mcu_resident_groups(const struct mcu *mcu)
{
	unsigned int count = 0;

	for (unsigned int g = 0; g < MCU_CSG_COUNT; g++)
		count += mcu->group[g].resident;
	return count;
}

static bool doorbell_is_used(const struct mcu *mcu, unsigned int id)
{
	for (unsigned int i = 0; i < STREAM_COUNT; i++) {
		const struct mcu_group *group = &mcu->group[i / MCU_CS_PER_CSG];
		const struct mcu_stream *stream = &group->stream[i % MCU_CS_PER_CSG];

		if (group->resident && stream->run != STREAM_OFF && stream->doorbell == id)
			return true;
	}
	return false;
}

/*
 * A write rings a doorbell at once, while the requests of the driver wait for mcu_run(). The driver
 * rings none before START or RESUME are acknowledged, nor after it has asked for SUSPEND.
 */
static void check_doorbell(const struct mcu *mcu, unsigned int id)
{
	if (rules_on() && id != DOORBELL_GLOBAL && mcu->status == MCU_STATUS_ENABLED &&
	    !doorbell_is_used(mcu, id))
		rules_broken(RULE_DOORBELL_WITHOUT_GROUP, RULES_NO_AS, REG_DOORBELL(id),
			     "doorbell %u, %u groups are resident", id, mcu_resident_groups(mcu));
}

void mcu_doorbell(struct mcu *mcu, unsigned int id)
{
	trace("mcu", "doorbell %u", id);
	check_doorbell(mcu, id);
	if (id < 64)
		mcu->doorbells |= 1ull << id;
}

/* Calls @fn for each stream of each resident group. */
static void mcu_for_each_stream(struct mcu *mcu, void (*fn)(struct mcu_stream *stream))
{
	for (unsigned int g = 0; g < MCU_CSG_COUNT; g++) {
		for (unsigned int s = 0; mcu->group[g].resident && s < MCU_CS_PER_CSG; s++)
			fn(&mcu->group[g].stream[s]);
	}
}

static void unstall(struct mcu_stream *stream)
{
	if (stream->run == STREAM_STALLED)
		stream->run = STREAM_READY;
}

static void unblock(struct mcu_stream *stream)
{
	if (stream->run == STREAM_BLOCKED)
		stream->again = true;
}

void mcu_kick(struct mcu *mcu)
{
	mcu_for_each_stream(mcu, unstall);
}

/* Read each page of the interface. Return: 0 if all are accessible, -EAGAIN or -EFAULT. */
static int mcu_reach(struct mcu *mcu)
{
	uint32_t word;
	int ret = 0;

	for (uint32_t at = 0; !ret && at < MCU_INTERFACE_SIZE; at += PAGE_SIZE) {
		ret = mmu_read32(mcu->mmu, MCU_AS, FIRMWARE_SHARED_VA + at, &word);
		if (ret == -EFAULT && mcu->status == MCU_STATUS_ENABLED)
			unreachable("read", at);
	}
	return ret;
}

/*
 * Every boot writes the control blocks, because the driver zeroes the section before a slow boot. A
 * boot keeps the request and acknowledge words, because they stay valid across a fast boot.
 */
static void mcu_boot(struct mcu *mcu)
{
	int ret = mcu_reach(mcu);

	if (ret == -EAGAIN)
		return;
	mcu_disable(mcu);
	if (ret) {
		rules_broken(RULE_MCU_WITHOUT_TABLES, MCU_AS, FIRMWARE_SHARED_VA,
			     "no shared section at 0x%x", FIRMWARE_SHARED_VA);
		trace("mcu", "boot failed");
		mcu->status = MCU_STATUS_FATAL;
		return;
	}
	global_boot(mcu);
	for (unsigned int g = 0; g < MCU_CSG_COUNT; g++)
		group_boot(mcu, g);
	trace("mcu", "booted");
	mcu->status = MCU_STATUS_ENABLED;
	mcu->config.job_irq(mcu->config.ctx, JOB_INT_GLOBAL_IF);
}

/* Wake the streams of the user doorbells @rung. */
static void mcu_user_doorbells(struct mcu *mcu, uint64_t rung)
{
	for (unsigned int i = 0; i < STREAM_COUNT; i++) {
		struct mcu_group *group = &mcu->group[i / MCU_CS_PER_CSG];
		struct mcu_stream *stream = &group->stream[i % MCU_CS_PER_CSG];

		if (group->resident && stream->doorbell < 64 && (rung & (1ull << stream->doorbell)))
			stream_wake(stream);
	}
}

/* Execute all requests of the driver. */
static void mcu_interfaces(struct mcu *mcu)
{
	uint64_t rung = mcu->doorbells;

	mcu->doorbells = 0;
	if (rung & (1ull << DOORBELL_GLOBAL))
		global_look(mcu);
	for (unsigned int g = 0; g < MCU_CSG_COUNT && mcu->status == MCU_STATUS_ENABLED; g++) {
		if (mcu->group[g].pending)
			group_look(mcu, &mcu->group[g]);
	}
	if (rung & ~(1ull << DOORBELL_GLOBAL))
		mcu_user_doorbells(mcu, rung & ~(1ull << DOORBELL_GLOBAL));
}

/*
 * Blocked streams check their condition again after a stream has written a sync object, and every
 * millisecond, because the guest's CPUs may have written it.
 */
static void mcu_poll(struct mcu *mcu)
{
	uint64_t now = host_timestamp(mcu);

	if (!mcu->sync_update && now - mcu->polled_at < mcu->config.timestamp_hz / POLLS_PER_SEC)
		return;
	mcu->polled_at = now;
	mcu->sync_update = false;
	mcu_for_each_stream(mcu, unblock);
}

/* Index of the next stream that can run, among those that poll or the others; -1: there is none. */
static int mcu_next_stream(const struct mcu *mcu, bool polls)
{
	for (unsigned int i = 1; i <= STREAM_COUNT; i++) {
		unsigned int n = (mcu->turn + i) % STREAM_COUNT;
		const struct mcu_group *group = &mcu->group[n / MCU_CS_PER_CSG];
		const struct mcu_stream *stream = &group->stream[n % MCU_CS_PER_CSG];

		if (group->resident && !group->request_waits && stream_runnable(stream) &&
		    stream->polls == polls)
			return n;
	}
	return -1;
}

/* Streams that poll get each 16th slice, and all if no other stream can run. */
#define POLL_TURN 16

static int mcu_choose_stream(struct mcu *mcu)
{
	int working = mcu_next_stream(mcu, false), polling;

	if (working >= 0 && ++mcu->passed < POLL_TURN)
		return working;
	mcu->passed = 0;
	polling = mcu_next_stream(mcu, true);
	return polling >= 0 ? polling : working;
}

/*
 * Run one slice of one stream, round-robin. Real firmware prefers groups of higher priority between
 * the ticks of the driver.
 */
static void mcu_run_stream(struct mcu *mcu)
{
	int n = mcu_choose_stream(mcu);
	struct mcu_group *group;

	if (n < 0)
		return;
	mcu->turn = n;
	group = &mcu->group[n / MCU_CS_PER_CSG];
	mcu->running = group;
	stream_run(mcu, group, n % MCU_CS_PER_CSG);
	mcu->running = NULL;
	group_report(mcu, group);
}

static bool mcu_any_blocked(const struct mcu *mcu)
{
	for (unsigned int i = 0; i < STREAM_COUNT; i++) {
		const struct mcu_group *group = &mcu->group[i / MCU_CS_PER_CSG];

		if (group->resident && group->stream[i % MCU_CS_PER_CSG].run == STREAM_BLOCKED)
			return true;
	}
	return false;
}

/* Check all timers. Return: true if one is running. */
static bool mcu_timers(struct mcu *mcu)
{
	bool running = global_idle_timer(mcu);

	for (unsigned int g = 0; g < MCU_CSG_COUNT; g++)
		running |= group_progress_timer(mcu, &mcu->group[g]);
	return running;
}

enum mcu_next mcu_run(struct mcu *mcu)
{
	bool timers;

	if (mcu->boot_wanted)
		mcu_boot(mcu);
	/* Idle without the interface: the register write that unlocks it leads to the next call. */
	if (mcu->status != MCU_STATUS_ENABLED || mcu_reach(mcu))
		return MCU_IDLE;
	mcu_interfaces(mcu);
	if (mcu->status != MCU_STATUS_ENABLED)
		return MCU_IDLE;
	mcu_poll(mcu);
	mcu_run_stream(mcu);
	timers = mcu_timers(mcu);
	if (mcu->sync_update || mcu_next_stream(mcu, false) >= 0)
		return MCU_RUN_AGAIN;
	if (mcu_next_stream(mcu, true) >= 0)
		return MCU_RUN_SOON;
	return timers || mcu_any_blocked(mcu) ? MCU_RUN_LATER : MCU_IDLE;
}
