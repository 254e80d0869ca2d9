/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_PANTHOR_REPLAY_H
#define IGT_PANTHOR_REPLAY_H

#include <stdbool.h>
#include <stddef.h>

#include "igt_panthor_debugfs.h"
#include "igt_panthor_exec.h"
#include "igt_panthor_steps.h"

/*
 * Steps of a random walk on a device. Each step is done by the driver and by the shadow model, and
 * what the GPU loads is compared with the model. A mismatch ends the replay without a failed
 * assertion: the caller may replay fewer steps.
 */

#define IGT_PANTHOR_REPLAY_BATCH 16

/**
 * igt_panthor_replay:
 * @shadow: what is mapped, and what it contains
 * @fd: files, -1 if not open
 * @exec: VMs
 * @live: the VM exists
 * @binds: timeline syncobj of each VM, signalled by its queued binds
 * @point: last point of @binds
 * @pending: queued binds may be unfinished
 * @gate: a VM of each file whose job holds binds back
 * @gated: @gate exists
 * @held: the job of @gate runs
 * @held_steps: number of steps since it runs
 * @bo: BOs by object, created by the first step that uses them
 * @shared: handles of the BO that the files share, by file and BO
 * @dmabuf: the BO that the files share, -1 if there is none
 * @batch: operations of the next VM_BIND request
 * @batched: steps of @batch
 * @count: number of @batch
 * @why: what went wrong
 */
struct igt_panthor_replay {
	struct igt_panthor_shadow shadow;
	int fd[STEP_FILES];
	struct igt_panthor_exec exec[STEP_VMS];
	bool live[STEP_VMS];
	uint32_t binds[STEP_VMS];
	uint64_t point[STEP_VMS];
	bool pending[STEP_VMS];
	struct igt_panthor_exec gate[STEP_FILES];
	bool gated[STEP_FILES];
	bool held[STEP_FILES];
	unsigned int held_steps[STEP_FILES];
	struct panthor_bo bo[SHADOW_OBJECTS];
	uint32_t shared[STEP_FILES][STEP_BOS];
	int dmabuf[STEP_BOS];
	struct drm_panthor_vm_bind_op batch[IGT_PANTHOR_REPLAY_BATCH];
	struct igt_panthor_step batched[IGT_PANTHOR_REPLAY_BATCH];
	unsigned int count;
	char why[256];
};

struct igt_panthor_replay *igt_panthor_replay_create(void);
bool igt_panthor_replay_step(struct igt_panthor_replay *r, const struct igt_panthor_step *step);
bool igt_panthor_replay_end(struct igt_panthor_replay *r);
void igt_panthor_replay_destroy(struct igt_panthor_replay *r);

#endif /* IGT_PANTHOR_REPLAY_H */
