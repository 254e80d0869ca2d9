// SPDX-License-Identifier: MIT
/* Copyright (C) 2026 The vmali authors */
#include "mcu/mcu_private.h"

#include <errno.h>

#include "rules/rules.h"

/*
 * When a group leaves its slot, the state of its streams is saved to its suspend buffer, in the
 * MCU's address space. Only the firmware defines the layout of the buffer, and the driver does not
 * write it. Since it is guest memory, the state is checked before it is resumed.
 */
#define SAVED_MAGIC 0x44535356u		/* "VSSD" */

struct saved_stream {
	uint32_t run;			/* STREAM_OFF, STREAM_READY or STREAM_HALTED */
	uint32_t pad;
	struct csf_state state;
};

struct saved_group {
	uint32_t magic;
	uint32_t pad;
	struct saved_stream stream[MCU_CS_PER_CSG];
};

_Static_assert(sizeof(struct saved_group) <= MCU_SUSPEND_SIZE, "the driver allocates too little");

/* Streams that are not off or halted are resumed as runnable. */
static enum stream_run saved_run(enum stream_run run)
{
	return run == STREAM_OFF || run == STREAM_HALTED ? run : STREAM_READY;
}

int suspend_save(struct mcu *mcu, struct mcu_group *group)
{
	struct saved_group saved = { .magic = SAVED_MAGIC };

	for (unsigned int s = 0; s < MCU_CS_PER_CSG; s++) {
		saved.stream[s].run = saved_run(group->stream[s].run);
		if (saved.stream[s].run != STREAM_OFF)
			saved.stream[s].state = group->stream[s].cs.state;
	}
	return mmu_write(mcu->mmu, MCU_AS, group->suspend_buf, &saved, sizeof(saved));
}

/*
 * An invalid buffer means that firmware memory was overwritten. The stream reports
 * CS_UNRECOVERABLE, on which the driver resets the GPU.
 */
static int restore_stream(struct mcu *mcu, struct mcu_group *group, unsigned int s,
			  const struct saved_stream *saved, bool valid)
{
	int ret;

	if (valid && saved->run == STREAM_OFF)
		return 0;
	valid = valid && (saved->run == STREAM_READY || saved->run == STREAM_HALTED) &&
		csf_state_valid(&saved->state);
	ret = stream_start(mcu, group, s, valid ? &saved->state : NULL);
	if (ret)
		return ret;
	if (!valid) {
		rules_broken(RULE_SUSPEND_BUFFER_LOST, MCU_AS, group->suspend_buf,
			     "CSG%u CS%u: the buffer was changed while the group was suspended",
			     mcu_group_index(mcu, group), s);
		stream_fatal(mcu, group, s, EXC_CS_UNRECOVERABLE, group->suspend_buf);
	} else if (saved->run == STREAM_HALTED) {
		group->stream[s].run = STREAM_HALTED;
	}
	return 0;
}

int suspend_restore(struct mcu *mcu, struct mcu_group *group)
{
	unsigned int g = mcu_group_index(mcu, group);
	struct saved_group saved;
	int ret = mmu_read(mcu->mmu, MCU_AS, group->suspend_buf, &saved, sizeof(saved));

	for (unsigned int s = 0; !ret && s < MCU_CS_PER_CSG; s++) {
		uint32_t req = mcu_get(mcu, CS_INPUT(g, s) + CS_I_REQ);

		if ((req & CS_STATE) == CS_START)
			ret = restore_stream(mcu, group, s, &saved.stream[s],
					     saved.magic == SAVED_MAGIC);
	}
	return ret;
}
