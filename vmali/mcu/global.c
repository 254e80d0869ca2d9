// SPDX-License-Identifier: MIT
/* Copyright (C) 2026 The vmali authors */
#include "mcu/mcu_private.h"

#include "regs/gpu_regs.h"
#include "rules/rules.h"
#include "trace/trace.h"

static const struct mailbox global_box = {
	.req = GLB_INPUT + GLB_I_REQ,
	.ack = GLB_OUTPUT + GLB_O_ACK,
	.irq_mask = GLB_INPUT + GLB_I_ACK_IRQ_MASK,
	.job_bits = JOB_INT_GLOBAL_IF,
};

void global_boot(struct mcu *mcu)
{
	mcu_put(mcu, GLB_CONTROL + GLB_C_VERSION, MCU_INTERFACE_VERSION);
	mcu_put(mcu, GLB_CONTROL + GLB_C_FEATURES, 0);
	mcu_put(mcu, GLB_CONTROL + GLB_C_INPUT_VA, FIRMWARE_SHARED_VA + GLB_INPUT);
	mcu_put(mcu, GLB_CONTROL + GLB_C_OUTPUT_VA, FIRMWARE_SHARED_VA + GLB_OUTPUT);
	mcu_put(mcu, GLB_CONTROL + GLB_C_GROUP_NUM, MCU_CSG_COUNT);
	mcu_put(mcu, GLB_CONTROL + GLB_C_GROUP_STRIDE, CSG_STRIDE);
	mcu_put(mcu, GLB_CONTROL + GLB_C_PERFCNT_SIZE, 0);
	mcu_put(mcu, GLB_CONTROL + GLB_C_INSTR_FEATURES, 0);
}

/* The register counts in units of 1024 core clocks (panthor_fw_init_global_iface()). */
static void global_progress_timer(struct mcu *mcu)
{
	mcu->progress_limit =
		(uint64_t)mcu_get(mcu, GLB_INPUT + GLB_I_PROGRESS_TIMER) * GLB_TIMER_SCALE;
	trace("glb", "progress timer %llu cycles", (unsigned long long)mcu->progress_limit);
}

static void global_not_there(struct mcu *mcu)
{
	rules_broken(RULE_REQUEST_UNKNOWN, MCU_AS, FIRMWARE_SHARED_VA + global_box.req,
		     "protected mode or performance counters: request word 0x%08x",
		     mcu_get(mcu, global_box.req));
}

/* Requests that are acknowledged at once, which excludes GLB_HALT. */
static const struct {
	uint32_t bit;
	const char *name;
	void (*act)(struct mcu *mcu);	/* NULL: nothing to do */
} requests[] = {
	{ GLB_PROGRESS_TIMER, "PROGRESS_TIMER", global_progress_timer },
	{ GLB_ALLOC_EN, "ALLOC_EN", NULL },		/* all cores are always available */
	{ GLB_POWEROFF_TIMER, "POWEROFF_TIMER", NULL },	/* power takes no time */
	{ GLB_PROTM_ENTER, "PROTM_ENTER", global_not_there },
	{ GLB_PERFCNT_EN, "PERFCNT_EN", global_not_there },
	{ GLB_PERFCNT_SAMPLE, "PERFCNT_SAMPLE", global_not_there },
	{ GLB_COUNTER_EN, "COUNTER_EN", NULL },		/* the counters never stop */
	{ GLB_PING, "PING", NULL },
	{ GLB_FWCFG_UPDATE, "FWCFG_UPDATE", NULL },	/* there is nothing to configure */
	{ GLB_IDLE_EN, "IDLE_EN", NULL },		/* a level, see global_idle_config() */
};

static void global_requests(struct mcu *mcu, uint32_t req, uint32_t pending)
{
	uint32_t done = 0;

	for (unsigned int i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (!(pending & requests[i].bit))
			continue;
		trace("glb", "%s", requests[i].name);
		if (requests[i].act)
			requests[i].act(mcu);
		done |= requests[i].bit;
	}
	mcu_ack(mcu, &global_box, req, done);
}

/* GLB_IDLE_EN is a level, not a toggle: the driver does not change it after a fast reset. */
static void global_idle_config(struct mcu *mcu, uint32_t req)
{
	uint32_t timer = mcu_get(mcu, GLB_INPUT + GLB_I_IDLE_TIMER);

	mcu->idle_enabled = req & GLB_IDLE_EN;
	mcu->idle_by_cycles = field_get(timer, GLB_TIMER_GPU_COUNTER);
	mcu->idle_limit = field_get(timer, GLB_TIMER_VALUE) * GLB_TIMER_SCALE;
}

static void global_ring_groups(struct mcu *mcu)
{
	uint32_t req = mcu_get(mcu, GLB_INPUT + GLB_I_DOORBELL_REQ);
	uint32_t rung = req ^ mcu_get(mcu, GLB_OUTPUT + GLB_O_DOORBELL_ACK);

	if (!rung)
		return;
	for (unsigned int g = 0; g < MCU_CSG_COUNT; g++) {
		if (rung & (1u << g))
			mcu->group[g].pending = true;
	}
	mcu_put(mcu, GLB_OUTPUT + GLB_O_DOORBELL_ACK, req);
}

/*
 * GLB_HALT is not acknowledged: the driver waits for MCU_STATUS (panthor_fw_mcu_halted()), and
 * clears the request before the next boot.
 */
static void global_halt(struct mcu *mcu)
{
	trace("glb", "HALT");
	mcu_put(mcu, GLB_OUTPUT + GLB_O_HALT_STATUS, 0);
	mcu->status = MCU_STATUS_HALT;
}

void global_look(struct mcu *mcu)
{
	uint32_t req = mcu_get(mcu, global_box.req);
	uint32_t pending = req ^ mcu_get(mcu, global_box.ack);

	global_requests(mcu, req, pending);
	global_idle_config(mcu, req);
	global_ring_groups(mcu);
	if (pending & GLB_HALT)
		global_halt(mcu);
}

/* True if there are resident groups and none of them has work. */
static bool global_idle(const struct mcu *mcu)
{
	unsigned int resident = 0;

	for (unsigned int g = 0; g < MCU_CSG_COUNT; g++) {
		if (!mcu->group[g].resident)
			continue;
		if (!mcu->group[g].idle)
			return false;
		resident++;
	}
	return resident > 0;
}

void global_idle_restart(struct mcu *mcu)
{
	mcu->idle_counting = false;
	mcu->idle_reported = false;
}

bool global_idle_timer(struct mcu *mcu)
{
	uint64_t now = mcu->idle_by_cycles ? mcu->config.cycles(mcu->config.ctx)
					   : mcu->config.timestamp(mcu->config.ctx);

	if (!global_idle(mcu)) {
		global_idle_restart(mcu);
		return false;
	}
	if (!mcu->idle_enabled || mcu->idle_reported)
		return false;
	if (!mcu->idle_counting)
		mcu->idle_since = now;
	mcu->idle_counting = true;
	if (now - mcu->idle_since < mcu->idle_limit)
		return true;
	trace("glb", "IDLE");
	mcu->idle_reported = true;
	mcu_event(mcu, &global_box, GLB_IDLE);
	return false;
}
