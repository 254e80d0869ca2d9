// SPDX-License-Identifier: MIT
/* Copyright (C) 2026 The vmali authors */
#include "mcu/mcu_private.h"

#include <errno.h>
#include <string.h>

#include "rules/rules.h"
#include "trace/trace.h"

#define SLICE_INSTRUCTIONS 256
#define RING_SIZE_MIN 0x1000u	/* the driver makes rings of 4 to 64 KiB (group_create_queue()) */
#define RING_ALIGN 0x1000u
#define GPU_VA_END (1ull << 48)

void stream_boot(struct mcu *mcu, unsigned int g, unsigned int s)
{
	uint32_t control = CS_CONTROL(g, s);
	uint64_t features = field_set(0, CS_FEATURES_LAST_REG, CSF_REG_COUNT - 1);

	features = field_set(features, CS_FEATURES_SCOREBOARDS, CSF_SB_COUNT);
	features = field_set(features, CS_FEATURES_ENDPOINTS, 0x7);
	mcu_put(mcu, control + CS_C_FEATURES, features);
	mcu_put(mcu, control + CS_C_INPUT_VA, FIRMWARE_SHARED_VA + CS_INPUT(g, s));
	mcu_put(mcu, control + CS_C_OUTPUT_VA, FIRMWARE_SHARED_VA + CS_OUTPUT(g, s));
}

/* .job_bits is 0: stream_irq() raises the interrupt of the group. */
static struct mailbox stream_box(unsigned int g, unsigned int s)
{
	return (struct mailbox){
		.req = CS_INPUT(g, s) + CS_I_REQ,
		.ack = CS_OUTPUT(g, s) + CS_O_ACK,
		.irq_mask = CS_INPUT(g, s) + CS_I_ACK_IRQ_MASK,
	};
}

/* Make the bit of the stream in CS_IRQ_REQ of its group pending, and raise the interrupt. */
static void stream_irq(struct mcu *mcu, unsigned int g, unsigned int s)
{
	uint32_t req = mcu_get(mcu, CSG_OUTPUT(g) + CSG_O_CS_IRQ_REQ);
	uint32_t ack = mcu_get(mcu, CSG_INPUT(g) + CSG_I_CS_IRQ_ACK);

	if (!((req ^ ack) & (1u << s)))
		mcu_put(mcu, CSG_OUTPUT(g) + CSG_O_CS_IRQ_REQ, req ^ (1u << s));
	mcu->config.job_irq(mcu->config.ctx, 1u << g);
}

void stream_fatal(struct mcu *mcu, struct mcu_group *group, unsigned int s, uint32_t type,
		  uint64_t info)
{
	unsigned int g = mcu_group_index(mcu, group);
	struct mailbox box = stream_box(g, s);

	trace("cs", "CSG%u CS%u FATAL 0x%02x info 0x%llx", g, s, type, (unsigned long long)info);
	group->stream[s].run = STREAM_HALTED;
	mcu_put(mcu, CS_OUTPUT(g, s) + CS_O_FATAL, field_set(0, CS_EXCEPTION_TYPE, type));
	mcu_put64(mcu, CS_OUTPUT(g, s) + CS_O_FATAL_INFO, info);
	mcu_event(mcu, &box, CS_FATAL);
	if (mcu_get(mcu, box.irq_mask) & CS_FATAL)
		stream_irq(mcu, g, s);
}

static bool ring_valid(uint64_t base, uint32_t size)
{
	return size >= RING_SIZE_MIN && !(size & (size - 1)) && base % RING_ALIGN == 0 &&
	       base < GPU_VA_END && size <= GPU_VA_END - base;
}

/* The AS of the group is read from guest memory. AS0 is reserved for the MCU. */
static bool stream_config_valid(const struct csf_stream_config *config)
{
	return ring_valid(config->ring_va, config->ring_size) && config->as != MCU_AS &&
	       config->as < MMU_AS_COUNT;
}

static void stream_load_config(struct mcu *mcu, struct mcu_group *group, unsigned int s,
			       struct csf_stream_config *config)
{
	uint32_t input = CS_INPUT(mcu_group_index(mcu, group), s);
	struct mcu_stream *stream = &group->stream[s];

	*stream = (struct mcu_stream){
		.run = STREAM_READY,
		.doorbell = field_get(mcu_get(mcu, input + CS_I_CONFIG), CS_CONFIG_DOORBELL),
		.idle_mask = mcu_get(mcu, input + CS_I_REQ),
		.ring_input = mcu_get64(mcu, input + CS_I_RING_INPUT),
		.ring_output = mcu_get64(mcu, input + CS_I_RING_OUTPUT),
		.progress_cycles = mcu->config.cycles(mcu->config.ctx),
	};
	*config = (struct csf_stream_config){
		.as = group->as,
		.ring_va = mcu_get64(mcu, input + CS_I_RING_BASE),
		.ring_size = mcu_get(mcu, input + CS_I_RING_SIZE),
	};
}

int stream_start(struct mcu *mcu, struct mcu_group *group, unsigned int s,
		 const struct csf_state *saved)
{
	struct mcu_stream *stream = &group->stream[s];
	struct csf_stream_config config;
	uint64_t extract = 0;
	int ret = 0;

	stream_load_config(mcu, group, s, &config);
	if (!saved)
		ret = mmu_read64(mcu->mmu, MCU_AS, stream->ring_input + RING_I_EXTRACT, &extract);
	if (ret == -EAGAIN) {
		stream->run = STREAM_OFF;
		return ret;
	}
	csf_stream_start(&stream->cs, mcu->mmu, &mcu->host, &config, extract);
	if (saved)
		stream->cs.state = *saved;
	trace("cs", "CSG%u CS%u %s ring 0x%llx size 0x%x at 0x%llx", mcu_group_index(mcu, group), s,
	      saved ? "resume" : "start", (unsigned long long)config.ring_va, config.ring_size,
	      (unsigned long long)stream->cs.state.extract);
	if (!stream_config_valid(&config))
		stream_fatal(mcu, group, s, EXC_CS_CONFIG_FAULT, config.ring_va);
	else if (ret || stream_publish(mcu, stream, true) == -EFAULT)
		stream_fatal(mcu, group, s, EXC_CS_BUS_FAULT, stream->ring_input);
	return 0;
}

void stream_ack(struct mcu *mcu, struct mcu_group *group, unsigned int s)
{
	struct mailbox box = stream_box(mcu_group_index(mcu, group), s);

	mcu_ack(mcu, &box, mcu_get(mcu, box.req), CS_STATE | CS_CONFIG_BITS);
}

static int stream_stop(struct mcu *mcu, struct mcu_stream *stream)
{
	if (stream->run == STREAM_OFF)
		return 0;
	if (stream_publish(mcu, stream, false) == -EAGAIN)
		return -EAGAIN;
	stream->run = STREAM_OFF;
	return 0;
}

int stream_look(struct mcu *mcu, struct mcu_group *group, unsigned int s)
{
	struct mailbox box = stream_box(mcu_group_index(mcu, group), s);
	struct mcu_stream *stream = &group->stream[s];
	uint32_t req = mcu_get(mcu, box.req);
	int ret = 0;

	if (!group->resident)
		return 0;
	if (req & CS_STATE & ~CS_START) {
		rules_broken(RULE_REQUEST_UNKNOWN, MCU_AS, FIRMWARE_SHARED_VA + box.req,
			     "CSG%u CS%u: state %u", mcu_group_index(mcu, group), s,
			     req & CS_STATE);
		return 0;
	}
	if ((req & CS_STATE) == CS_STOP)
		ret = stream_stop(mcu, stream);
	else if (stream->run == STREAM_OFF)
		ret = stream_start(mcu, group, s, NULL);
	if (ret)
		return ret;
	stream->idle_mask = req;
	stream_wake(stream);
	mcu_ack(mcu, &box, req, CS_STATE | CS_CONFIG_BITS);
	return 0;
}

void stream_wake(struct mcu_stream *stream)
{
	if (stream->run == STREAM_EMPTY || stream->run == STREAM_BLOCKED)
		stream->again = true;
}

bool stream_runnable(const struct mcu_stream *stream)
{
	return stream->run == STREAM_READY || stream->again;
}

bool stream_idle(const struct mcu_stream *stream)
{
	switch (stream->run) {
	case STREAM_OFF:
		return true;
	case STREAM_EMPTY:
		return stream->idle_mask & CS_IDLE_EMPTY;
	case STREAM_BLOCKED:
		return stream->idle_mask & CS_IDLE_SYNC_WAIT;
	default:
		return false;
	}
}

int stream_publish(struct mcu *mcu, struct mcu_stream *stream, bool active)
{
	int ret;

	stream->extract_owed = true;
	ret = mmu_write32(mcu->mmu, MCU_AS, stream->ring_output + RING_O_ACTIVE, active);
	if (!ret)
		ret = mmu_write64(mcu->mmu, MCU_AS, stream->ring_output + RING_O_EXTRACT,
				  stream->cs.state.extract);
	if (ret != -EAGAIN)
		stream->extract_owed = false;
	return ret;
}

/* Address of the next instruction. */
static uint64_t stream_pc(const struct csf_stream *cs)
{
	if (cs->state.depth)
		return cs->state.frame[cs->state.depth - 1].pc;
	return cs->config.ring_va + (cs->state.extract & (cs->config.ring_size - 1));
}

void stream_write_status(struct mcu *mcu, struct mcu_group *group, unsigned int s)
{
	struct mcu_stream *stream = &group->stream[s];
	uint32_t output = CS_OUTPUT(mcu_group_index(mcu, group), s);
	bool blocked = stream->run == STREAM_BLOCKED;
	uint64_t wait = 0;

	if (stream->run == STREAM_OFF)
		return;
	if (blocked) {
		wait = field_set(wait, CS_WAIT_SYNC, 1);
		wait = field_set(wait, CS_WAIT_SYNC_64B, stream->cs.wait.is_64bit);
		wait = field_set(wait, CS_WAIT_CONDITION, stream->cs.wait.condition);
	}
	mcu_put64(mcu, output + CS_O_STATUS_CMD_PTR, stream_pc(&stream->cs));
	mcu_put(mcu, output + CS_O_STATUS_WAIT, wait);
	mcu_put(mcu, output + CS_O_STATUS_REQ_RESOURCE, 0);
	mcu_put64(mcu, output + CS_O_STATUS_WAIT_SYNC_PTR, blocked ? stream->cs.wait.sync_va : 0);
	mcu_put(mcu, output + CS_O_STATUS_WAIT_SYNC_VALUE, blocked ? stream->cs.wait.value : 0);
	mcu_put(mcu, output + CS_O_STATUS_WAIT_SYNC_VALUE_HI,
		blocked ? stream->cs.wait.value >> 32 : 0);
	mcu_put(mcu, output + CS_O_STATUS_SCOREBOARDS, 0);
	mcu_put(mcu, output + CS_O_STATUS_BLOCKED_REASON,
		blocked ? CS_BLOCKED_SYNC_WAIT : CS_BLOCKED_NONE);
}

/* True if [extract, insert) is aligned and fits into the ring. */
static bool insert_valid(const struct csf_stream *cs, uint64_t insert)
{
	uint64_t extract = cs->state.extract;

	return insert % CSF_INSTR_SIZE == 0 && extract % CSF_INSTR_SIZE == 0 && insert >= extract &&
	       insert - extract <= cs->config.ring_size;
}

/*
 * Read the insert index of the ring.
 *
 * Return: true if the stream can run; if not, it is stalled or halted.
 */
static bool stream_fetch(struct mcu *mcu, struct mcu_group *group, unsigned int s, uint64_t *insert)
{
	struct mcu_stream *stream = &group->stream[s];
	int ret = stream->extract_owed ? stream_publish(mcu, stream, true) : 0;

	if (!ret)
		ret = mmu_read64(mcu->mmu, MCU_AS, stream->ring_input + RING_I_INSERT, insert);
	if (ret == -EAGAIN) {
		stream->run = STREAM_STALLED;
		return false;
	}
	if (ret) {
		stream_fatal(mcu, group, s, EXC_CS_BUS_FAULT, stream->ring_input);
		return false;
	}
	if (insert_valid(&stream->cs, *insert))
		return true;
	rules_broken(RULE_RING_INVALID, MCU_AS, stream->ring_input, "insert 0x%llx, extract 0x%llx",
		     (unsigned long long)*insert, (unsigned long long)stream->cs.state.extract);
	stream_fatal(mcu, group, s, EXC_CS_CONFIG_FAULT, *insert);
	return false;
}

/* Position of a stream. A change during a slice is progress. */
struct position {
	uint64_t extract, pc;
	uint32_t depth;
};

static struct position stream_position(const struct csf_stream *cs)
{
	return (struct position){ cs->state.extract, stream_pc(cs), cs->state.depth };
}

static bool position_equal(struct position a, struct position b)
{
	return a.extract == b.extract && a.pc == b.pc && a.depth == b.depth;
}

/*
 * True if a slice has changed neither memory nor registers, wherever in its loop the stream stands:
 * it waits for a word that another one, or a CPU, has to store.
 */
static bool slice_polls(const struct csf_stream *cs, uint64_t writes,
			const struct csf_state *before)
{
	return cs->writes == writes && cs->state.extract == before->extract &&
	       cs->state.depth == before->depth &&
	       !memcmp(cs->state.reg, before->reg, sizeof(before->reg));
}

static void stream_outcome(struct mcu *mcu, struct mcu_group *group, unsigned int s,
			   enum csf_outcome outcome)
{
	static const struct {
		enum stream_run run;
		const char *name;	/* NULL: not traced */
	} next[] = {
		[CSF_SLICE_USED] = { STREAM_READY, NULL },
		[CSF_RING_EMPTY] = { STREAM_EMPTY, "ring empty" },
		[CSF_BLOCKED_SYNC] = { STREAM_BLOCKED, "blocked" },
		[CSF_STALLED] = { STREAM_STALLED, "stalled" },
		[CSF_PAGE_FAULT] = { STREAM_HALTED, "halted by a page fault" },
		[CSF_FATAL] = { STREAM_HALTED, "halted" },
	};
	struct mcu_stream *stream = &group->stream[s];

	if (next[outcome].name && next[outcome].run != stream->run)
		trace("cs", "CSG%u CS%u %s at 0x%llx", mcu_group_index(mcu, group), s,
		      next[outcome].name, (unsigned long long)stream_pc(&stream->cs));
	stream->run = next[outcome].run;
	if (outcome == CSF_FATAL)
		stream_fatal(mcu, group, s, stream->cs.exception, stream->cs.exception_info);
}

void stream_run(struct mcu *mcu, struct mcu_group *group, unsigned int s)
{
	struct mcu_stream *stream = &group->stream[s];
	struct position before = stream_position(&stream->cs);
	const struct csf_state state = stream->cs.state;
	const uint64_t writes = stream->cs.writes;
	enum csf_outcome outcome;
	uint64_t insert;

	stream->again = false;
	stream->polls = false;
	if (!stream_fetch(mcu, group, s, &insert))
		return;
	outcome = csf_stream_run(&stream->cs, insert, SLICE_INSTRUCTIONS);
	stream->polls = outcome == CSF_SLICE_USED && slice_polls(&stream->cs, writes, &state);
	if (outcome == CSF_SLICE_USED || !position_equal(before, stream_position(&stream->cs))) {
		stream->progress_cycles = mcu->config.cycles(mcu->config.ctx);
		group->idle = false;
	}
	stream_outcome(mcu, group, s, outcome);
	if (stream->cs.state.extract == before.extract)
		return;
	if (stream_publish(mcu, stream, true) == -EAGAIN && stream->run != STREAM_HALTED)
		stream->run = STREAM_STALLED;
}
