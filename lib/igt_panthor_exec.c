// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_panthor_debugfs.h"
#include "igt_panthor_exec.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"

/* GPU virtual addresses of the BOs of each VM, below IGT_PANTHOR_EXEC_VA_END. */
#define CMD_VA UINT64_C(0x10000000)
#define FLAG_VA UINT64_C(0x20000000)
#define OUT_VA UINT64_C(0x40000000)

#define CMD_SIZE SZ_4K
#define OUT_SIZE (IGT_PANTHOR_WALK_MAX * sizeof(uint32_t))

#define POISON IGT_PANTHOR_EXEC_POISON

/* Deadline for a job to reach its pause; includes a boot of the MCU. */
#define PAUSE_DEADLINE_MS 4000

/*
 * Deadline for the message of a fault in the kernel log. Different threads handle the interrupts of
 * the MMU and of the job, so the job may end first.
 */
#define FAULT_LOG_DEADLINE_MS 1000

/*
 * Registers of the streams. These numbers are the lowest, which every GPU has.
 */
enum {
	REG_ADDRESS = 0,
	REG_OUT = 2,
	REG_VALUE = 4,
	REG_LOADED = 5,
	REG_LEFT = 6,
	REG_SCRATCH = 7,
	REG_ROUNDS = 8,
};

enum flag_word {
	FLAG_PAUSED,
	FLAG_RESUME,
	FLAG_ROUNDS,
};

/* Multiplication by an odd number maps 32-bit words one to one. */
#define PATTERN_FACTOR 0x9e3779b1u

/**
 * igt_panthor_pattern:
 * @va: address of a 32-bit word
 * @seed: seed of the walk
 *
 * The pattern differs between any two words of a range of 16 GiB. It grows by a constant from each
 * word to the next, so that a stream can compute it by additions.
 *
 * Returns: the value that a walk with @seed stores at @va.
 */
uint32_t igt_panthor_pattern(uint64_t va, uint32_t seed)
{
	return (uint32_t)(va / sizeof(uint32_t)) * PATTERN_FACTOR + seed;
}

/**
 * igt_panthor_pattern_va:
 * @value: a 32-bit word
 * @seed: seed of the walk
 *
 * Returns: the address below 16 GiB where igt_panthor_pattern() has this value.
 */
uint64_t igt_panthor_pattern_va(uint32_t value, uint32_t seed)
{
	uint32_t inverse = PATTERN_FACTOR;

	/* Each step doubles the number of correct low bits of the inverse, 3 at the start. */
	for (unsigned int i = 0; i < 4; i++)
		inverse *= 2 - PATTERN_FACTOR * inverse;

	return (uint64_t)((value - seed) * inverse) * sizeof(uint32_t);
}

static void create_bound(struct igt_panthor_exec *exec, struct panthor_bo *bo, uint64_t va,
			 uint64_t size, uint32_t flags, const char *label)
{
	igt_panthor_bo_create_mapped(exec->fd, bo, size, 0, 0);
	igt_panthor_bo_set_label(exec->fd, bo, label);
	igt_panthor_vm_bind(exec->fd, exec->vm_id, bo->handle, va, bo->size,
			    DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | flags, 0);
}

/*
 * Tag pages of a process. A driver may leak the VM of a subtest that failed: its tag must not be that
 * of a later VM of the process.
 */
#define TAGS 512

static uint64_t pick_tag_va(void)
{
	static unsigned int count;
	const uint64_t slots = (IGT_PANTHOR_EXEC_TAG_VA_END - IGT_PANTHOR_EXEC_TAG_VA) /
			       IGT_PANTHOR_GPU_PAGE_SIZE;
	const uint64_t slot = (uint64_t)getpid() * TAGS + count++ % TAGS;

	return IGT_PANTHOR_EXEC_TAG_VA + slot % slots * IGT_PANTHOR_GPU_PAGE_SIZE;
}

/**
 * igt_panthor_exec_require_range:
 * @exec: VM
 * @end: exclusive end of the highest range that a subtest binds
 *
 * Skips if the VM has too few user addresses.
 */
void igt_panthor_exec_require_range(const struct igt_panthor_exec *exec, uint64_t end)
{
	igt_require_f(exec->uva_range >= end, "needs user addresses up to %#" PRIx64 "\n", end);
}

/**
 * igt_panthor_exec_init:
 * @exec: filled
 * @fd: the file of the device that this process opened last
 *
 * Creates a VM, and the BOs, group and syncobj for walks in it. Skips if the range of user
 * addresses is too small.
 */
void igt_panthor_exec_init(struct igt_panthor_exec *exec, int fd)
{
	memset(exec, 0, sizeof(*exec));
	exec->fd = fd;
	exec->dummy = igt_panthor_newest_dummy(fd);

	igt_panthor_cs_query_limits(fd, &exec->limits);

	igt_panthor_vm_create_userva_range(fd, &exec->vm_id, 0, &exec->uva_range);
	igt_panthor_exec_require_range(exec, IGT_PANTHOR_EXEC_TAG_VA_END);

	create_bound(exec, &exec->cmd, CMD_VA, CMD_SIZE, DRM_PANTHOR_VM_BIND_OP_MAP_READONLY,
		     "streams");
	create_bound(exec, &exec->out, OUT_VA, OUT_SIZE, DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC,
		     "loaded words");
	/* Uncached: a running job has to see stores of the CPU. */
	create_bound(exec, &exec->flag, FLAG_VA, IGT_PANTHOR_GPU_PAGE_SIZE,
		     DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC | DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED,
		     "flags");
	exec->tag_va = pick_tag_va();
	create_bound(exec, &exec->tag, exec->tag_va, IGT_PANTHOR_GPU_PAGE_SIZE,
		     DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC, "tag");

	exec->syncobj = syncobj_create(fd, 0);
	igt_panthor_exec_group(exec);
}

static void drop_group(struct igt_panthor_exec *exec)
{
	if (exec->group)
		igt_panthor_group_destroy(exec->fd, exec->group, 0);
	exec->group = 0;
}

static void drop_ended_groups(struct igt_panthor_exec *exec)
{
	for (unsigned int i = 0; i < exec->ended_count; i++)
		igt_panthor_group_destroy(exec->fd, exec->ended[i], 0);
	exec->ended_count = 0;
}

/*
 * A group that faulted has left the GPU. While jobs run, its BOs would be unmapped one by one, each
 * with a flush of the GPU's caches, and the next job would wait meanwhile. It is destroyed together
 * with the VM.
 */
static void set_group_aside(struct igt_panthor_exec *exec)
{
	if (exec->ended_count == ARRAY_SIZE(exec->ended))
		drop_ended_groups(exec);
	exec->ended[exec->ended_count++] = exec->group;
	exec->group = 0;
}

/**
 * igt_panthor_exec_fini:
 * @exec: from igt_panthor_exec_init()
 *
 * Releases everything, including the VM and its mappings.
 */
void igt_panthor_exec_fini(struct igt_panthor_exec *exec)
{
	drop_group(exec);
	drop_ended_groups(exec);
	syncobj_destroy(exec->fd, exec->syncobj);
	igt_panthor_vm_destroy(exec->fd, exec->vm_id, 0);
	igt_panthor_free_bo(exec->fd, &exec->tag);
	igt_panthor_free_bo(exec->fd, &exec->flag);
	igt_panthor_free_bo(exec->fd, &exec->out);
	igt_panthor_free_bo(exec->fd, &exec->cmd);
}

/**
 * igt_panthor_exec_new_group:
 * @exec: from igt_panthor_exec_init()
 *
 * Replaces the group: a group that faulted accepts no more jobs.
 */
void igt_panthor_exec_new_group(struct igt_panthor_exec *exec)
{
	drop_group(exec);
	igt_panthor_exec_group(exec);
}

/**
 * igt_panthor_exec_group:
 * @exec: from igt_panthor_exec_init()
 *
 * A fault ends the group, and the next job needs a new one. It is created when a job needs it: the
 * fault is often the last job of its VM.
 *
 * Returns: the group that takes jobs.
 */
uint32_t igt_panthor_exec_group(struct igt_panthor_exec *exec)
{
	if (!exec->group)
		exec->group = igt_panthor_group_create_simple(exec->fd, exec->vm_id, 0);

	return exec->group;
}

static void cs_start(struct igt_panthor_exec *exec, struct igt_panthor_cs *cs)
{
	igt_panthor_cs_init(cs, exec->cmd.map, CMD_SIZE, &exec->limits);
	igt_panthor_snapshot_job_begin(&exec->job, exec->tag_va);
}

static void cs_submit(struct igt_panthor_exec *exec, struct igt_panthor_cs *cs)
{
	const int size = igt_panthor_cs_end(cs, REG_SCRATCH);

	igt_assert_lt(0, size);
	/* Drain the CPU's write-combining buffers, which may still hold the stream. */
	__sync_synchronize();
	igt_panthor_group_submit_simple(exec->fd, igt_panthor_exec_group(exec), 0, CMD_VA, size,
					exec->syncobj, 0);
}

static struct igt_panthor_job_result cs_wait_end(struct igt_panthor_exec *exec)
{
	igt_panthor_snapshot_job_wait(&exec->job);
	return igt_panthor_job_wait(exec->fd, exec->group, exec->syncobj,
				    IGT_PANTHOR_JOB_DEADLINE_MS);
}

/* The words that it loads follow the first @words of exec->out. */
static void build_walk_behind(struct igt_panthor_exec *exec, struct igt_panthor_cs *cs,
			      const struct igt_panthor_walk *walk, uint32_t words)
{
	const uint32_t step = igt_panthor_pattern(walk->stride, 0);
	unsigned int loop;

	igt_assert(walk->count > 0 && walk->count <= IGT_PANTHOR_WALK_MAX - words);
	igt_panthor_snapshot_job_add(&exec->job, walk->va,
				     walk->count * (uint64_t)walk->stride,
				     walk->access & IGT_PANTHOR_STORE);

	igt_panthor_cs_mov48(cs, REG_ADDRESS, walk->va);
	igt_panthor_cs_mov48(cs, REG_OUT, OUT_VA + words * sizeof(uint32_t));
	igt_panthor_cs_mov32(cs, REG_VALUE, igt_panthor_pattern(walk->va, walk->seed));
	igt_panthor_cs_mov32(cs, REG_LEFT, walk->count);

	loop = igt_panthor_cs_new_label(cs);
	igt_panthor_cs_set_label(cs, loop);
	if (walk->access & IGT_PANTHOR_STORE)
		igt_panthor_cs_store(cs, REG_VALUE, 1, REG_ADDRESS, 0);
	if (walk->access & IGT_PANTHOR_LOAD) {
		igt_panthor_cs_load(cs, REG_LOADED, 1, REG_ADDRESS, 0);
		igt_panthor_cs_store(cs, REG_LOADED, 1, REG_OUT, 0);
	}
	igt_panthor_cs_add64(cs, REG_ADDRESS, REG_ADDRESS, walk->stride);
	igt_panthor_cs_add64(cs, REG_OUT, REG_OUT, sizeof(uint32_t));
	igt_panthor_cs_add32(cs, REG_VALUE, REG_VALUE, (int32_t)step);
	igt_panthor_cs_add32(cs, REG_LEFT, REG_LEFT, -1);
	igt_panthor_cs_branch(cs, CS_CONDITION_NEQUAL, REG_LEFT, loop);
}

static void build_walk(struct igt_panthor_exec *exec, struct igt_panthor_cs *cs,
		       const struct igt_panthor_walk *walk)
{
	build_walk_behind(exec, cs, walk, 0);
}

static void poison_out(struct igt_panthor_exec *exec, uint32_t count)
{
	uint32_t *out = exec->out.map;

	for (uint32_t i = 0; i < count; i++)
		out[i] = POISON;
}

/**
 * __igt_panthor_exec_walk:
 * @exec: from igt_panthor_exec_init()
 * @walk: accesses
 *
 * Runs a walk on the GPU and waits for its end. exec->out then has the loaded words.
 *
 * Returns: the result of the job.
 */
struct igt_panthor_job_result __igt_panthor_exec_walk(struct igt_panthor_exec *exec,
						      const struct igt_panthor_walk *walk)
{
	struct igt_panthor_cs cs;

	cs_start(exec, &cs);
	build_walk(exec, &cs, walk);
	poison_out(exec, walk->count);
	cs_submit(exec, &cs);

	return cs_wait_end(exec);
}

/**
 * igt_panthor_exec_walk:
 * @exec: from igt_panthor_exec_init()
 * @walk: accesses
 *
 * Runs a walk on the GPU and asserts that the job ended well.
 *
 * Returns: the loaded words, one for each address.
 */
const uint32_t *igt_panthor_exec_walk(struct igt_panthor_exec *exec,
				      const struct igt_panthor_walk *walk)
{
	const struct igt_panthor_job_result result = __igt_panthor_exec_walk(exec, walk);

	igt_panthor_job_assert_done(&result);

	return exec->out.map;
}

/**
 * igt_panthor_exec_walks:
 * @exec: from igt_panthor_exec_init()
 * @walk: walks, of %IGT_PANTHOR_WALK_MAX accesses at most together
 * @count: number of @walk, at most %IGT_PANTHOR_EXEC_MAX_WALKS
 *
 * Runs several walks on the GPU by one job, one after the other, and asserts that the job ended
 * well.
 *
 * Returns: a word for each address: those of the first walk, then those of the second one, and so
 * on. Words that were not loaded are %IGT_PANTHOR_EXEC_POISON.
 */
const uint32_t *igt_panthor_exec_walks(struct igt_panthor_exec *exec,
				       const struct igt_panthor_walk *walk, unsigned int count)
{
	struct igt_panthor_job_result result;
	struct igt_panthor_cs cs;
	uint32_t words = 0;

	igt_assert(count > 0 && count <= IGT_PANTHOR_EXEC_MAX_WALKS);
	cs_start(exec, &cs);
	for (unsigned int i = 0; i < count; i++) {
		build_walk_behind(exec, &cs, &walk[i], words);
		words += walk[i].count;
	}
	poison_out(exec, words);
	cs_submit(exec, &cs);
	result = cs_wait_end(exec);
	igt_panthor_job_assert_done(&result);

	return exec->out.map;
}

/**
 * igt_panthor_exec_walk_verify:
 * @exec: from igt_panthor_exec_init()
 * @walk: accesses, including loads
 *
 * Runs a walk on the GPU, and asserts that each loaded word is the one that a walk with this seed
 * stores at its address.
 */
void igt_panthor_exec_walk_verify(struct igt_panthor_exec *exec,
				  const struct igt_panthor_walk *walk)
{
	const uint32_t *loaded = igt_panthor_exec_walk(exec, walk);

	igt_assert(walk->access & IGT_PANTHOR_LOAD);
	for (uint32_t i = 0; i < walk->count; i++) {
		const uint64_t va = walk->va + (uint64_t)i * walk->stride;
		const uint32_t expected = igt_panthor_pattern(va, walk->seed);

		if (loaded[i] != expected)
			igt_panthor_snapshot_mark(va, "another word than expected");
		igt_assert_f(loaded[i] == expected, "GPU loaded %#x at %#llx, expected %#x\n",
			     loaded[i], (unsigned long long)va, expected);
	}
}

/* Reads the log up to a fault in the page of @va. Other clients cause faults at other addresses. */
static bool find_fault(int log, uint64_t va, struct igt_panthor_fault *last)
{
	while (igt_panthor_fault_log_next(log, last))
		if (last->va / IGT_PANTHOR_GPU_PAGE_SIZE == va / IGT_PANTHOR_GPU_PAGE_SIZE)
			return true;

	return false;
}

static void assert_fault_logged(int log, uint64_t va)
{
	struct igt_panthor_fault last = {};

	igt_assert_f(igt_wait(find_fault(log, va, &last), FAULT_LOG_DEADLINE_MS, 1),
		     "no fault logged at %#llx within %d ms; the last one was at %#llx\n",
		     (unsigned long long)va, FAULT_LOG_DEADLINE_MS, (unsigned long long)last.va);
}

/*
 * The state of a group is a set of flags. FATAL_FAULT may come with TIMEDOUT, or with INNOCENT
 * after a GPU reset. Only FATAL_FAULT is required.
 */
static void assert_faulted(struct igt_panthor_exec *exec,
			   const struct igt_panthor_job_result *result, uint64_t va,
			   enum igt_panthor_access access)
{
	igt_panthor_snapshot_mark(va, "has to fault");
	igt_assert_f(result->fence < 0 && result->fence != -ETIME &&
			     result->group_state & DRM_PANTHOR_GROUP_STATE_FATAL_FAULT,
		     "%s at %#llx did not fault: fence %d, group state %#x\n",
		     access & IGT_PANTHOR_STORE ? "store" : "load", (unsigned long long)va,
		     result->fence, result->group_state);
	if (result->group_state & ~DRM_PANTHOR_GROUP_STATE_FATAL_FAULT)
		igt_info("fault at %#llx: group state %#x\n", (unsigned long long)va,
			 result->group_state);
	igt_assert_eq_u32(*(uint32_t *)exec->out.map, POISON);
	igt_panthor_vm_assert_usable(exec->fd, exec->vm_id);
}

/* Without root the log cannot be read, and the address of the fault is not checked. */
static void end_fault(struct igt_panthor_exec *exec, int log, uint64_t va)
{
	if (log >= 0) {
		assert_fault_logged(log, va);
		close(log);
	}

	igt_panthor_snapshot_mark_clear();
	set_group_aside(exec);
}

/**
 * igt_panthor_exec_must_fault:
 * @exec: from igt_panthor_exec_init()
 * @va: address
 * @access: STORE or LOAD
 *
 * Asserts that an access faults: the job fails, its group has a fatal fault, the kernel log (if
 * readable) shows a fault in the page of @va, a load returns no value, and the VM stays usable.
 * The group takes no more jobs: igt_panthor_exec_group() creates the next one.
 */
void igt_panthor_exec_must_fault(struct igt_panthor_exec *exec, uint64_t va,
				 enum igt_panthor_access access)
{
	const struct igt_panthor_walk walk = {
		.access = access, .va = va, .count = 1, .stride = sizeof(uint32_t),
	};
	struct igt_panthor_job_result result;
	int log;

	igt_panthor_ignore_fault_messages();
	log = igt_panthor_fault_log_open();
	result = __igt_panthor_exec_walk(exec, &walk);
	assert_faulted(exec, &result, va, access);
	end_fault(exec, log, va);
}

static void build_pause(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_mov48(cs, REG_ADDRESS, FLAG_VA);
	igt_panthor_cs_mov32(cs, REG_VALUE, 1);
	igt_panthor_cs_wait(cs);
	igt_panthor_cs_store(cs, REG_VALUE, 1, REG_ADDRESS, FLAG_PAUSED * sizeof(uint32_t));
	igt_panthor_cs_spin_while(cs, CS_CONDITION_EQUAL, REG_LOADED, REG_ADDRESS,
				  FLAG_RESUME * sizeof(uint32_t));
}

/**
 * igt_panthor_exec_pause:
 * @exec: from igt_panthor_exec_init()
 * @first: walk of the job before its pause, or NULL
 * @second: walk of the job after its pause, or NULL
 *
 * Starts a job, and waits until @first is done. The job polls a flag during its pause: the VM keeps
 * its address space, and the GPU keeps cached translations. Words that @second loads overwrite
 * those of @first.
 *
 * The caller ends the pause by igt_panthor_exec_resume() or igt_panthor_exec_resume_must_fault(),
 * within the 5 s after which the driver ends a job.
 */
void igt_panthor_exec_pause(struct igt_panthor_exec *exec, const struct igt_panthor_walk *first,
			    const struct igt_panthor_walk *second)
{
	volatile uint32_t *flag = exec->flag.map;
	struct igt_panthor_cs cs;

	flag[FLAG_PAUSED] = 0;
	flag[FLAG_RESUME] = 0;
	poison_out(exec, 1);

	cs_start(exec, &cs);
	if (first)
		build_walk(exec, &cs, first);
	build_pause(&cs);
	if (second)
		build_walk(exec, &cs, second);
	cs_submit(exec, &cs);

	igt_assert_f(igt_wait(flag[FLAG_PAUSED] == 1, PAUSE_DEADLINE_MS, 1),
		     "the job did not come to its pause within %d ms\n", PAUSE_DEADLINE_MS);
}

static struct igt_panthor_job_result resume(struct igt_panthor_exec *exec)
{
	volatile uint32_t *flag = exec->flag.map;

	flag[FLAG_RESUME] = 1;
	__sync_synchronize();

	return cs_wait_end(exec);
}

/**
 * igt_panthor_exec_resume:
 * @exec: from igt_panthor_exec_init()
 *
 * Ends the pause of igt_panthor_exec_pause(), and asserts that the job ends well.
 */
void igt_panthor_exec_resume(struct igt_panthor_exec *exec)
{
	const struct igt_panthor_job_result result = resume(exec);

	igt_panthor_job_assert_done(&result);
}

/**
 * igt_panthor_exec_resume_must_fault:
 * @exec: from igt_panthor_exec_init()
 * @va: first address of the second walk
 * @access: access of the second walk
 *
 * Ends the pause of igt_panthor_exec_pause(), and asserts that the first access of the second walk
 * faults, with the checks of igt_panthor_exec_must_fault(). The group takes no more jobs.
 */
void igt_panthor_exec_resume_must_fault(struct igt_panthor_exec *exec, uint64_t va,
					enum igt_panthor_access access)
{
	struct igt_panthor_job_result result;
	int log;

	igt_panthor_ignore_fault_messages();
	log = igt_panthor_fault_log_open();
	result = resume(exec);
	assert_faulted(exec, &result, va, access);
	end_fault(exec, log, va);
}

static void build_repeat(struct igt_panthor_exec *exec, struct igt_panthor_cs *cs,
			 const struct igt_panthor_walk *walk)
{
	unsigned int loop;

	igt_panthor_cs_mov32(cs, REG_ROUNDS, 0);
	loop = igt_panthor_cs_new_label(cs);
	igt_panthor_cs_set_label(cs, loop);

	build_walk(exec, cs, walk);
	igt_panthor_cs_add32(cs, REG_ROUNDS, REG_ROUNDS, 1);
	igt_panthor_cs_mov48(cs, REG_ADDRESS, FLAG_VA);
	igt_panthor_cs_store(cs, REG_ROUNDS, 1, REG_ADDRESS, FLAG_ROUNDS * sizeof(uint32_t));
	igt_panthor_cs_load(cs, REG_LOADED, 1, REG_ADDRESS, FLAG_RESUME * sizeof(uint32_t));
	/* Reports progress, so that the firmware's progress timer does not end the job. */
	igt_panthor_cs_raw(cs, cs_wait(0, true));
	igt_panthor_cs_branch(cs, CS_CONDITION_EQUAL, REG_LOADED, loop);
}

/**
 * igt_panthor_exec_repeat:
 * @exec: from igt_panthor_exec_init()
 * @walk: accesses of each round
 *
 * Starts a job that repeats a walk, and waits for the end of its first round. The caller ends the
 * job by igt_panthor_exec_repeat_end(), within the 5 s after which the driver ends a job.
 */
void igt_panthor_exec_repeat(struct igt_panthor_exec *exec, const struct igt_panthor_walk *walk)
{
	volatile uint32_t *flag = exec->flag.map;
	struct igt_panthor_cs cs;

	flag[FLAG_ROUNDS] = 0;
	flag[FLAG_RESUME] = 0;

	cs_start(exec, &cs);
	build_repeat(exec, &cs, walk);
	cs_submit(exec, &cs);

	igt_assert_f(igt_wait(flag[FLAG_ROUNDS], PAUSE_DEADLINE_MS, 1),
		     "the job did not end its first round within %d ms\n", PAUSE_DEADLINE_MS);
}

/**
 * igt_panthor_exec_repeat_rounds:
 * @exec: from igt_panthor_exec_init()
 *
 * Returns: the number of finished rounds of the job of igt_panthor_exec_repeat().
 */
uint32_t igt_panthor_exec_repeat_rounds(const struct igt_panthor_exec *exec)
{
	const volatile uint32_t *flag = exec->flag.map;

	return flag[FLAG_ROUNDS];
}

/**
 * igt_panthor_exec_repeat_end:
 * @exec: from igt_panthor_exec_init()
 *
 * Ends the job of igt_panthor_exec_repeat() after its current round, and asserts that no access
 * faulted.
 */
void igt_panthor_exec_repeat_end(struct igt_panthor_exec *exec)
{
	igt_panthor_exec_resume(exec);
}

/* Submits a finished stream with @syncs. Returns 0 or a negative errno. */
static int submit_syncs(struct igt_panthor_exec *exec, struct igt_panthor_cs *cs,
			struct drm_panthor_sync_op *syncs, uint32_t count)
{
	struct drm_panthor_queue_submit job = { .stream_addr = CMD_VA };
	struct drm_panthor_group_submit submit = { .group_handle = igt_panthor_exec_group(exec) };
	const int size = igt_panthor_cs_end(cs, REG_SCRATCH);

	igt_assert_lt(0, size);
	__sync_synchronize();

	job.stream_size = size;
	job.syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(count, syncs);
	submit.queue_submits = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &job);

	return __igt_panthor_group_submit(exec->fd, &submit);
}

/* Writes the stream of a walk and submits it with @syncs. Returns 0 or a negative errno. */
static int submit_walk(struct igt_panthor_exec *exec, const struct igt_panthor_walk *walk,
		       struct drm_panthor_sync_op *syncs, uint32_t count)
{
	struct igt_panthor_cs cs;

	cs_start(exec, &cs);
	build_walk(exec, &cs, walk);
	poison_out(exec, walk->count);

	return submit_syncs(exec, &cs, syncs, count);
}

/**
 * igt_panthor_exec_start:
 * @exec: from igt_panthor_exec_init()
 * @walk: accesses
 * @waits: syncs that the job waits for, or NULL
 * @count: number of @waits, at most %IGT_PANTHOR_EXEC_MAX_WAITS
 *
 * Submits a walk without waiting for its end. igt_panthor_exec_finish() waits for it.
 */
void igt_panthor_exec_start(struct igt_panthor_exec *exec, const struct igt_panthor_walk *walk,
			    const struct drm_panthor_sync_op *waits, uint32_t count)
{
	/* The signal comes before the waits: the driver must accept any order. */
	struct drm_panthor_sync_op syncs[1 + IGT_PANTHOR_EXEC_MAX_WAITS] = {
		igt_panthor_sync_signal(exec->syncobj, 0),
	};

	igt_assert(count <= IGT_PANTHOR_EXEC_MAX_WAITS);
	for (uint32_t i = 0; i < count; i++)
		syncs[1 + i] = waits[i];

	igt_assert_eq(submit_walk(exec, walk, syncs, 1 + count), 0);
}

/**
 * __igt_panthor_exec_start:
 * @exec: from igt_panthor_exec_init()
 * @walk: accesses
 *
 * Submits a walk without waiting for its end. The only system call is GROUP_SUBMIT, if
 * igt_panthor_exec_group() was called since the last fault.
 *
 * Returns: 0 (the caller then calls igt_panthor_exec_finish()) or a negative errno.
 */
int __igt_panthor_exec_start(struct igt_panthor_exec *exec, const struct igt_panthor_walk *walk)
{
	struct drm_panthor_sync_op signal = igt_panthor_sync_signal(exec->syncobj, 0);

	return submit_walk(exec, walk, &signal, 1);
}

/**
 * igt_panthor_exec_finish:
 * @exec: from igt_panthor_exec_init()
 *
 * Waits for the job of igt_panthor_exec_start(), and asserts that it ended well.
 *
 * Returns: the loaded words, one for each address.
 */
const uint32_t *igt_panthor_exec_finish(struct igt_panthor_exec *exec)
{
	const struct igt_panthor_job_result result = cs_wait_end(exec);

	igt_panthor_job_assert_done(&result);

	return exec->out.map;
}

/* Accesses of a visit in each round of a loop. The list is filled up by its last address. */
#define VISIT_ROUND 4

/* Parts of @out: loaded words, and the lists of a visit. */
#define VISIT_ADDRESSES (IGT_PANTHOR_VISIT_MAX * sizeof(uint32_t))
#define VISIT_VALUES (VISIT_ADDRESSES + IGT_PANTHOR_VISIT_MAX * sizeof(uint64_t))
_Static_assert(VISIT_VALUES + IGT_PANTHOR_VISIT_MAX * sizeof(uint32_t) <= OUT_SIZE, "lists in out");

/* Registers of a visit, besides those of a walk. */
enum {
	REG_LIST = 10,
	REG_WORDS = 12,
	REG_ADDRESSES = 16,
};

static void build_visit_part(struct igt_panthor_cs *cs, uint32_t count, bool store)
{
	unsigned int loop;

	igt_panthor_cs_mov48(cs, REG_LIST, OUT_VA + VISIT_ADDRESSES);
	igt_panthor_cs_mov48(cs, REG_OUT, OUT_VA + (store ? VISIT_VALUES : 0));
	igt_panthor_cs_mov32(cs, REG_LEFT, DIV_ROUND_UP(count, VISIT_ROUND));

	loop = igt_panthor_cs_new_label(cs);
	igt_panthor_cs_set_label(cs, loop);
	igt_panthor_cs_load(cs, REG_ADDRESSES, 2 * VISIT_ROUND, REG_LIST, 0);
	if (store)
		igt_panthor_cs_load(cs, REG_WORDS, VISIT_ROUND, REG_OUT, 0);
	for (unsigned int i = 0; i < VISIT_ROUND; i++) {
		if (store)
			igt_panthor_cs_store(cs, REG_WORDS + i, 1, REG_ADDRESSES + 2 * i, 0);
		else
			igt_panthor_cs_load(cs, REG_WORDS + i, 1, REG_ADDRESSES + 2 * i, 0);
	}
	if (!store)
		igt_panthor_cs_store(cs, REG_WORDS, VISIT_ROUND, REG_OUT, 0);
	igt_panthor_cs_add64(cs, REG_LIST, REG_LIST, VISIT_ROUND * sizeof(uint64_t));
	igt_panthor_cs_add64(cs, REG_OUT, REG_OUT, VISIT_ROUND * sizeof(uint32_t));
	igt_panthor_cs_add32(cs, REG_LEFT, REG_LEFT, -1);
	igt_panthor_cs_branch(cs, CS_CONDITION_NEQUAL, REG_LEFT, loop);
}

static void write_visit(struct igt_panthor_exec *exec, const struct igt_panthor_visit *visit)
{
	char *out = exec->out.map;
	uint64_t *addresses = (uint64_t *)(out + VISIT_ADDRESSES);
	uint32_t *values = (uint32_t *)(out + VISIT_VALUES);
	const uint32_t last = visit->count - 1;

	for (uint32_t i = 0; i < ALIGN(visit->count, VISIT_ROUND); i++) {
		addresses[i] = visit->va[min(i, last)];
		if (visit->value)
			values[i] = visit->value[min(i, last)];
	}
	poison_out(exec, visit->count);
}

/**
 * igt_panthor_exec_visit_start:
 * @exec: from igt_panthor_exec_init()
 * @visit: accesses
 * @waits: syncs that the job waits for, or NULL
 * @count: number of @waits, at most %IGT_PANTHOR_EXEC_MAX_WAITS
 *
 * Submits a job that stores to a list of addresses, if there are values to store, and then loads
 * from each of them. exec->syncobj is signalled by its end. igt_panthor_exec_visit_words() has the
 * loaded words.
 *
 * Returns: 0 or a negative errno.
 */
int igt_panthor_exec_visit_start(struct igt_panthor_exec *exec,
				 const struct igt_panthor_visit *visit,
				 const struct drm_panthor_sync_op *waits, uint32_t count)
{
	struct drm_panthor_sync_op syncs[1 + IGT_PANTHOR_EXEC_MAX_WAITS] = {
		igt_panthor_sync_signal(exec->syncobj, 0),
	};
	struct igt_panthor_cs cs;

	igt_assert(count <= IGT_PANTHOR_EXEC_MAX_WAITS);
	igt_assert(visit->count > 0 && visit->count <= IGT_PANTHOR_VISIT_MAX);
	for (uint32_t i = 0; i < count; i++)
		syncs[1 + i] = waits[i];

	write_visit(exec, visit);
	cs_start(exec, &cs);
	if (visit->value)
		build_visit_part(&cs, visit->count, true);
	build_visit_part(&cs, visit->count, false);

	return submit_syncs(exec, &cs, syncs, 1 + count);
}

/**
 * igt_panthor_exec_visit_words:
 * @exec: from igt_panthor_exec_init()
 *
 * Returns: the words that the last visit loaded, one for each address. A word that was not loaded
 * is %IGT_PANTHOR_EXEC_POISON.
 */
const uint32_t *igt_panthor_exec_visit_words(const struct igt_panthor_exec *exec)
{
	return exec->out.map;
}

/**
 * igt_panthor_pages:
 * @access: access to each page
 * @va: first page
 * @size: bytes, a multiple of the page size
 * @seed: seed of the values
 *
 * Returns: a walk with one access at the start of every page of [@va, @va + @size).
 */
struct igt_panthor_walk igt_panthor_pages(enum igt_panthor_access access, uint64_t va,
					  uint64_t size, uint32_t seed)
{
	return (struct igt_panthor_walk){
		.access = access,
		.va = va,
		.count = size / IGT_PANTHOR_GPU_PAGE_SIZE,
		.stride = IGT_PANTHOR_GPU_PAGE_SIZE,
		.seed = seed,
	};
}

/**
 * igt_panthor_exec_store_pages:
 * @exec: VM
 * @va: first page
 * @size: bytes, a multiple of the page size
 * @seed: seed of the values
 *
 * Stores to every page, and asserts that no store faults.
 */
void igt_panthor_exec_store_pages(struct igt_panthor_exec *exec, uint64_t va, uint64_t size,
				  uint32_t seed)
{
	const struct igt_panthor_walk walk = igt_panthor_pages(IGT_PANTHOR_STORE, va, size, seed);

	igt_panthor_exec_walk(exec, &walk);
}

/**
 * igt_panthor_exec_neighbours_fault:
 * @exec: VM
 * @va: start of a range
 * @size: its bytes
 *
 * Asserts that the page before the range and the page behind it are unmapped.
 */
void igt_panthor_exec_neighbours_fault(struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	igt_panthor_exec_must_fault(exec, va - IGT_PANTHOR_GPU_PAGE_SIZE, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(exec, va + size, IGT_PANTHOR_STORE);
}

/**
 * igt_panthor_exec_bind_sparse:
 * @exec: VM
 * @va: start of the range
 * @size: its bytes
 *
 * Binds a sparse range.
 */
void igt_panthor_exec_bind_sparse(struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	igt_panthor_vm_bind_sparse(exec->fd, exec->vm_id, va, size, 0);
}

/**
 * igt_panthor_exec_unbind:
 * @exec: VM
 * @va: start of the range
 * @size: its bytes
 *
 * Unmaps all mappings in the range.
 */
void igt_panthor_exec_unbind(struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	igt_panthor_vm_unbind(exec->fd, exec->vm_id, va, size, 0);
}

/**
 * igt_panthor_exec_create_bo:
 * @exec: VM
 * @bo: filled in; to be released with igt_panthor_free_bo()
 * @size: bytes
 *
 * Creates a BO with a CPU mapping. Its label distinguishes it from dummies in gems.
 */
void igt_panthor_exec_create_bo(struct igt_panthor_exec *exec, struct panthor_bo *bo, uint64_t size)
{
	igt_panthor_bo_create_mapped(exec->fd, bo, size, 0, 0);
	igt_panthor_bo_set_label(exec->fd, bo, "bystander");
}

/**
 * igt_panthor_exec_bind_bo:
 * @exec: VM
 * @bo: BO
 * @va: GPU virtual address
 *
 * Maps the whole BO.
 */
void igt_panthor_exec_bind_bo(struct igt_panthor_exec *exec, const struct panthor_bo *bo,
			      uint64_t va)
{
	igt_panthor_vm_bind(exec->fd, exec->vm_id, bo->handle, va, bo->size,
			    DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC, 0);
}

/**
 * igt_panthor_bo_assert_holds:
 * @bo: BO with a CPU mapping
 * @va: GPU virtual address of the BO during the stores
 * @seed: seed of the stores
 *
 * Asserts, by its CPU mapping, that the first word of every page of the BO has the value that the
 * GPU stored.
 */
void igt_panthor_bo_assert_holds(const struct panthor_bo *bo, uint64_t va, uint32_t seed)
{
	for (uint64_t offset = 0; offset < bo->size; offset += IGT_PANTHOR_GPU_PAGE_SIZE) {
		const uint32_t found = *(uint32_t *)((char *)bo->map + offset);
		const uint32_t expected = igt_panthor_pattern(va + offset, seed);

		if (found != expected)
			igt_panthor_snapshot_mark(va + offset, "another word in the BO");
		igt_assert_f(found == expected, "BO has %#x at %#" PRIx64 ", expected %#x\n", found,
			     offset, expected);
	}
}

/**
 * igt_panthor_exec_find_vm:
 * @exec: VM
 * @vmas: contents of gpuvas
 *
 * Returns: the number of the VM in gpuvas.
 */
int igt_panthor_exec_find_vm(const struct igt_panthor_exec *exec,
			     const struct igt_panthor_vmas *vmas)
{
	const int vm = igt_panthor_find_vm(vmas, exec->tag_va, exec->tag.size);

	igt_assert_f(vm >= 0, "gpuvas does not show the VM: %d\n", vm);
	return vm;
}

/**
 * igt_panthor_exec_read_vmas:
 * @exec: VM
 * @vmas: filled; to be freed by igt_panthor_free_vmas()
 *
 * Reads the VMAs of this VM from gpuvas and sets their VM number to 0: the number in gpuvas changes
 * whenever other VMs are created or destroyed. Needs igt_panthor_has_debugfs().
 */
void igt_panthor_exec_read_vmas(const struct igt_panthor_exec *exec,
				struct igt_panthor_vmas *vmas)
{
	size_t kept = 0;
	int vm;

	igt_panthor_read_gpuvas(exec->fd, vmas);
	vm = igt_panthor_exec_find_vm(exec, vmas);
	for (size_t i = 0; i < vmas->count; i++) {
		if (vmas->vma[i].vm != (unsigned int)vm)
			continue;
		vmas->vma[kept] = vmas->vma[i];
		vmas->vma[kept++].vm = 0;
	}
	vmas->count = kept;
}
