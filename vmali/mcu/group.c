// SPDX-License-Identifier: MIT
/* Copyright (C) 2026 The vmali authors */
#include "mcu/mcu_private.h"

#include <errno.h>
#include <string.h>

#include "regs/gpu_regs.h"
#include "rules/rules.h"
#include "trace/trace.h"

void group_boot(struct mcu *mcu, unsigned int g)
{
	uint32_t control = CSG_CONTROL(g);

	mcu_put(mcu, control + CSG_C_FEATURES, 0);
	mcu_put(mcu, control + CSG_C_INPUT_VA, FIRMWARE_SHARED_VA + CSG_INPUT(g));
	mcu_put(mcu, control + CSG_C_OUTPUT_VA, FIRMWARE_SHARED_VA + CSG_OUTPUT(g));
	mcu_put(mcu, control + CSG_C_SUSPEND_SIZE, MCU_SUSPEND_SIZE);
	mcu_put(mcu, control + CSG_C_PROTM_SUSPEND_SIZE, MCU_PROTM_SUSPEND_SIZE);
	mcu_put(mcu, control + CSG_C_STREAM_NUM, MCU_CS_PER_CSG);
	mcu_put(mcu, control + CSG_C_STREAM_STRIDE, CS_STRIDE);
	for (unsigned int s = 0; s < MCU_CS_PER_CSG; s++)
		stream_boot(mcu, g, s);
}

void group_discard(struct mcu_group *group)
{
	memset(group, 0, sizeof(*group));
}

static struct mailbox group_box(const struct mcu *mcu, const struct mcu_group *group)
{
	unsigned int g = mcu_group_index(mcu, group);

	return (struct mailbox){
		.req = CSG_INPUT(g) + CSG_I_REQ,
		.ack = CSG_OUTPUT(g) + CSG_O_ACK,
		.irq_mask = CSG_INPUT(g) + CSG_I_ACK_IRQ_MASK,
		.job_bits = JOB_INT_CSG_IF(g),
	};
}

static void group_event(struct mcu *mcu, struct mcu_group *group, uint32_t event)
{
	struct mailbox box = group_box(mcu, group);

	mcu_event(mcu, &box, event);
}

/* Load a new group into the slot; drops a group that is still in it. */
static void group_occupy(struct mcu *mcu, struct mcu_group *group)
{
	uint32_t input = CSG_INPUT(mcu_group_index(mcu, group));

	group_discard(group);
	group->as = field_get(mcu_get(mcu, input + CSG_I_CONFIG), CSG_CONFIG_AS);
	group->suspend_buf = mcu_get64(mcu, input + CSG_I_SUSPEND_BUF);
	group->resident = true;
	if (group->as == MCU_AS || group->as >= MMU_AS_COUNT)
		rules_broken(RULE_GROUP_AS_INVALID, RULES_NO_AS,
			     FIRMWARE_SHARED_VA + input + CSG_I_CONFIG, "CSG%u: AS%u",
			     mcu_group_index(mcu, group), group->as);
	else
		mmu_as_used(mcu->mmu, group->as);
}

static void group_ack_streams(struct mcu *mcu, struct mcu_group *group)
{
	for (unsigned int s = 0; s < MCU_CS_PER_CSG; s++)
		stream_ack(mcu, group, s);
}

static int group_start(struct mcu *mcu, struct mcu_group *group)
{
	unsigned int g = mcu_group_index(mcu, group);

	group_occupy(mcu, group);
	for (unsigned int s = 0; s < MCU_CS_PER_CSG; s++) {
		uint32_t req = mcu_get(mcu, CS_INPUT(g, s) + CS_I_REQ);
		int ret = (req & CS_STATE) == CS_START ? stream_start(mcu, group, s, NULL) : 0;

		if (ret)
			return ret;
	}
	group_ack_streams(mcu, group);
	return 0;
}

static int group_resume(struct mcu *mcu, struct mcu_group *group)
{
	int ret;

	group_occupy(mcu, group);
	ret = suspend_restore(mcu, group);
	if (ret)
		return ret;
	group_ack_streams(mcu, group);
	return 0;
}

/* Write the output pages of all rings, with the streams off the hardware. */
static int group_publish(struct mcu *mcu, struct mcu_group *group)
{
	for (unsigned int s = 0; s < MCU_CS_PER_CSG; s++) {
		int ret = 0;

		if (group->stream[s].run != STREAM_OFF)
			ret = stream_publish(mcu, &group->stream[s], false);
		if (ret == -EAGAIN)
			return ret;
	}
	return 0;
}

static void group_write_status(struct mcu *mcu, struct mcu_group *group)
{
	uint32_t output = CSG_OUTPUT(mcu_group_index(mcu, group));

	for (unsigned int s = 0; s < MCU_CS_PER_CSG; s++)
		stream_write_status(mcu, group, s);
	mcu_put(mcu, output + CSG_O_STATUS_STATE, group->idle ? CSG_STATUS_IS_IDLE : 0);
}

static int group_suspend(struct mcu *mcu, struct mcu_group *group)
{
	int ret;

	if (!group->resident)
		return 0;
	for (unsigned int s = 0; s < MCU_CS_PER_CSG; s++)
		csf_stream_drain(&group->stream[s].cs);
	ret = group_publish(mcu, group);
	if (!ret)
		ret = suspend_save(mcu, group);
	if (ret)
		return ret;
	group_write_status(mcu, group);
	group_discard(group);
	return 0;
}

/* Does not wait for locked output pages: the driver does not use the rings any more. */
static int group_terminate(struct mcu *mcu, struct mcu_group *group)
{
	group_publish(mcu, group);
	group_discard(group);
	return 0;
}

static const struct {
	const char *name;
	int (*enter)(struct mcu *mcu, struct mcu_group *group);
} states[CSG_STATE_COUNT] = {
	[CSG_TERMINATE] = { "TERMINATE", group_terminate },
	[CSG_START] = { "START", group_start },
	[CSG_SUSPEND] = { "SUSPEND", group_suspend },
	[CSG_RESUME] = { "RESUME", group_resume },
};

/*
 * Return: the request bits that are done. If the change of state faults, the request is not
 * acknowledged: the driver then terminates the group or resets the GPU.
 */
static uint32_t group_state_request(struct mcu *mcu, struct mcu_group *group, uint32_t req)
{
	unsigned int g = mcu_group_index(mcu, group);
	uint32_t state = req & CSG_STATE;
	unsigned int before = group->as;
	int ret;

	if (state >= CSG_STATE_COUNT) {
		rules_broken(RULE_REQUEST_UNKNOWN, MCU_AS,
			     FIRMWARE_SHARED_VA + CSG_INPUT(g) + CSG_I_REQ, "CSG%u: state %u", g,
			     state);
		return 0;
	}
	rules_note(group->as ? (int)group->as : RULES_NO_AS, states[state].name, g, g);
	if (group->request_waits && group->requested != state)
		rules_broken(RULE_REQUEST_CHANGED, MCU_AS,
			     FIRMWARE_SHARED_VA + CSG_INPUT(g) + CSG_I_REQ, "CSG%u: %s, then %s", g,
			     states[group->requested].name, states[state].name);
	ret = states[state].enter(mcu, group);
	group->request_waits = ret == -EAGAIN;
	group->requested = state;
	if (ret == -EAGAIN)
		return 0;
	if (ret) {
		rules_broken(RULE_SUSPEND_BUFFER_LOST, MCU_AS, group->suspend_buf,
			     "CSG%u: %s failed, the buffer is not accessible", g,
			     states[state].name);
		group_discard(group);
		return 0;
	}
	trace("csg", "CSG%u %s as=%u", g, states[state].name, group->resident ? group->as : before);
	return CSG_STATE;
}

/*
 * The endpoint configuration is copied to the status words. The priority is not used
 * (mcu_run_stream()), and the model has no cores to configure.
 */
static void group_endpoint_config(struct mcu *mcu, struct mcu_group *group)
{
	unsigned int g = mcu_group_index(mcu, group);
	uint32_t endpoints = mcu_get(mcu, CSG_INPUT(g) + CSG_I_ENDPOINT_REQ);

	trace("csg", "CSG%u ENDPOINT_CONFIG priority %u", g,
	      (unsigned int)field_get(endpoints, CSG_ENDPOINT_PRIORITY));
	mcu_put(mcu, CSG_OUTPUT(g) + CSG_O_STATUS_ENDPOINT_CURRENT, endpoints);
	mcu_put(mcu, CSG_OUTPUT(g) + CSG_O_STATUS_ENDPOINT_REQ, endpoints);
}

static void group_requests(struct mcu *mcu, struct mcu_group *group)
{
	struct mailbox box = group_box(mcu, group);
	uint32_t req = mcu_get(mcu, box.req);
	uint32_t pending = req ^ mcu_get(mcu, box.ack);
	uint32_t done = pending & (CSG_ENDPOINT_CONFIG | CSG_STATUS_UPDATE);

	if (pending & CSG_STATE)
		done |= group_state_request(mcu, group, req);
	if (pending & CSG_ENDPOINT_CONFIG)
		group_endpoint_config(mcu, group);
	if (pending & CSG_STATUS_UPDATE && group->resident)
		group_write_status(mcu, group);
	mcu_ack(mcu, &box, req, done);
}

static int group_ring_streams(struct mcu *mcu, struct mcu_group *group)
{
	unsigned int g = mcu_group_index(mcu, group);
	uint32_t req = mcu_get(mcu, CSG_INPUT(g) + CSG_I_DOORBELL_REQ);
	uint32_t rung = req ^ mcu_get(mcu, CSG_OUTPUT(g) + CSG_O_DOORBELL_ACK);
	int ret = 0;

	for (unsigned int s = 0; s < MCU_CS_PER_CSG; s++) {
		if (rung & (1u << s) && stream_look(mcu, group, s))
			ret = -EAGAIN;
	}
	if (rung && !ret)
		mcu_put(mcu, CSG_OUTPUT(g) + CSG_O_DOORBELL_ACK, req);
	return ret;
}

void group_look(struct mcu *mcu, struct mcu_group *group)
{
	int ret;

	group_requests(mcu, group);
	if (group->request_waits) {
		group->pending = true;
		return;
	}
	ret = group_ring_streams(mcu, group);
	group->pending = ret != 0;
	if (group->resident)
		group_report(mcu, group);
}

static bool group_is_idle(const struct mcu_group *group)
{
	for (unsigned int s = 0; s < MCU_CS_PER_CSG; s++) {
		if (!stream_idle(&group->stream[s]))
			return false;
	}
	return true;
}

void group_report(struct mcu *mcu, struct mcu_group *group)
{
	bool idle = group_is_idle(group);

	if (group->sync_update)
		group_event(mcu, group, CSG_SYNC_UPDATE);
	group->sync_update = false;
	if (idle && !group->idle) {
		trace("csg", "CSG%u IDLE", mcu_group_index(mcu, group));
		group_event(mcu, group, CSG_IDLE);
		global_idle_restart(mcu);
	}
	group->idle = idle;
}

/* Set @since to the cycle count of the earliest stuck stream. Return: false if none is stuck. */
static bool group_stuck_since(const struct mcu_group *group, uint64_t *since)
{
	bool stuck = false;

	for (unsigned int s = 0; s < MCU_CS_PER_CSG; s++) {
		const struct mcu_stream *stream = &group->stream[s];

		if (stream->run != STREAM_STALLED && stream->run != STREAM_HALTED)
			continue;
		if (!stuck || stream->progress_cycles < *since)
			*since = stream->progress_cycles;
		stuck = true;
	}
	return stuck;
}

bool group_progress_timer(struct mcu *mcu, struct mcu_group *group)
{
	uint64_t since = 0;

	if (!group->resident || !mcu->progress_limit)
		return false;
	if (!group_stuck_since(group, &since)) {
		group->timed_out = false;
		return false;
	}
	if (group->timed_out)
		return false;
	if (mcu->config.cycles(mcu->config.ctx) - since < mcu->progress_limit)
		return true;
	trace("csg", "CSG%u PROGRESS_TIMER_EVENT", mcu_group_index(mcu, group));
	group->timed_out = true;
	group_event(mcu, group, CSG_PROGRESS_TIMER_EVENT);
	return false;
}
