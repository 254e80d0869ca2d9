// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_fail_function.h"
#include "igt_kernel_memory.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "igt_teardown.h"
#include "sw_sync.h"

/**
 * TEST: Words that queues of panthor wait for
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: wait
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9
 * Scenario: wait-place
 * Failure mode: A blocked queue for which the driver reads another word than the GPU would.
 * Description: A queue waits for a word while other groups have all slots of the GPU. The
 *	driver has to evaluate the wait by the mapping of the word.
 *
 * SUBTEST: wait-bo-offset
 * Run type: BAT, FULL
 * Description: A queue waits for a word of a BO that is mapped from an offset, while other groups
 *	have all slots of the GPU. It stays blocked until the CPU stores that word alone, and then
 *	ends.
 *
 * SUBTEST: wait-bo-split
 * Description: A queue waits for a word of a BO behind a hole in its mapping, while other groups
 *	have all slots of the GPU. It stays blocked until the CPU stores that word alone, and then
 *	ends.
 *
 * SUBTEST: wait-bo-evicted
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap
 * Description: A BO is evicted. A job is submitted whose queue waits for a word of it, while other
 *	groups have all slots of the GPU. A run of the shrinker leaves the BO. The queue stays
 *	blocked until the CPU stores that word alone, and then ends.
 *
 * SUBTEST: wait-sparse
 * Test requirement: panthor uAPI 1.9, debugfs
 * Description: A queue waits for a word in the second block of a sparse range, while other groups
 *	have all slots of the GPU. It stays blocked until another VM stores to the page of the dummy
 *	that both VMs map, and then ends. Every page of the range is readable and writable.
 *
 * SUBTEST: wait-second
 * Scenario: wait-changed
 * Failure mode: A wait that is evaluated by what was mapped for an earlier one.
 * Description: The driver evaluates the wait of a queue without a slot in vain. The queue gets a
 *	slot, the GPU ends this wait, and the queue waits for a word of another BO. Without a slot
 *	again, it ends when the CPU has stored that word.
 *
 * SUBTEST: wait-bound-anew
 * Scenario: wait-changed
 * Failure mode: A wait that is evaluated by what was mapped for an earlier one.
 * Description: Another BO is bound at the address of a word after the driver found the wait for
 *	that word unsatisfied, while other groups have all slots of the GPU. The word of the new BO
 *	satisfies the wait, and the queue ends.
 *
 * SUBTEST: wait-unmapped-late
 * Scenario: wait-changed
 * Failure mode: A wait that is evaluated by what was mapped for an earlier one.
 * Description: A word is unmapped after the driver has evaluated the wait for it in vain, while
 *	other groups have all slots of the GPU. The queue faults long before the job would time out.
 *	A job of another group of the VM runs.
 */

/**
 * TEST: Sparse mappings of panthor and resets of the GPU
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: reset
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, no other GPU client, a kernel with
 *	CONFIG_FAIL_FUNCTION, a driver that allows error injection into panthor_gpu_flush_caches()
 * Scenario: reset-state
 * Failure mode: Jobs, binds and mappings that are lost when the driver resets the GPU.
 * Description: A VM_BIND whose cache flush fails makes the driver reset the GPU.
 *
 * SUBTEST: reset-jobs
 * Run type: BAT, FULL
 * Description: The cache flush of a VM_BIND fails, and the driver resets the GPU. Meanwhile, a job
 *	accesses the region that the VM_BIND left locked, and jobs of two other VMs are on the GPU.
 *	All jobs go on after the reset. Every page of each range is readable and writable, and the
 *	neighbours fault.
 *
 * SUBTEST: reset-queued-binds
 * Scenario: reset-binds
 * Failure mode: VM_BIND queues that stay stopped after a reset.
 * Description: VM_BINDs of two VMs wait for a job on the GPU when the GPU is reset, one of them in
 *	a VM that never had a job. A VM_BIND of a third VM is queued after the VM_BIND that causes
 *	the reset. It runs while the others wait, and these run after the job. Every page of what
 *	they bound is readable and writable, and the neighbours fault.
 *
 * SUBTEST: reset-idle-vms
 * Failure mode: Address spaces that stay recorded for a VM after a reset.
 * Description: The GPU is reset while VMs without a group on it have address spaces. Afterwards,
 *	their jobs, first that of the VM that was last, find every page of their ranges readable and
 *	writable. Holes that are made after the reset fault.
 *
 * SUBTEST: reset-binding
 * Failure mode: Address spaces that stay recorded for a VM after a reset, and regions that stay
 *	locked in them.
 * Description: The GPU is reset while a process binds a range anew in an idle VM, without a pause.
 *	Jobs of other VMs, one for each address space that is left, then store to the same
 *	addresses. None of them stalls. Afterwards, every page of the range of the idle VM is
 *	readable and writable, and the neighbours fault.
 *
 * SUBTEST: reset-evicted
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap, no other GPU client, a kernel with
 *	CONFIG_FAIL_FUNCTION, a driver that allows error injection into panthor_gpu_flush_caches()
 * Failure mode: Address spaces that stay recorded for a VM after a reset.
 * Description: The GPU is reset while the dummy and a BO of a VM are evicted. The next jobs of that
 *	VM find every page of the sparse range readable and writable, and the neighbours fault. The
 *	CPU finds the contents of the BO, and what the GPU stores to it after that.
 */

/**
 * TEST: Sparse mappings of panthor and jobs that time out
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: timeout
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9
 * Scenario: timeout-hang
 * Failure mode: Binds and jobs that are lost with a group that the driver ends.
 * Description: A job never ends. The driver ends its group after 5 s, without a reset.
 *
 * SUBTEST: timeout-hang
 * Description: A job hangs until the driver ends its group. The job of another VM goes on. A
 *	VM_BIND that waits for the hanging job is executed, and a VM_BIND of an idle VM. Every page
 *	of the range is readable and writable for a new group of the VM and for the other VMs, and
 *	the neighbours fault.
 */

IGT_TEST_DESCRIPTION("Check sparse mappings of panthor that queues wait in, resets and timeouts");

/*
 * The scenarios, and the failures that each one finds:
 *
 * 1. wait-place: A wait that the driver evaluates. It finds the BO behind an address, and the place
 *    in it, by the VMA: a sparse one, one with an offset, a part of one.
 * 2. wait-changed: What a queue waits for, or what is mapped there, changes between two evaluations
 *    of the driver.
 * 3. reset-state: A reset of the GPU under running jobs, and beside VMs that are idle or evicted.
 *    The groups are suspended, the address spaces and the firmware are set up anew, and the groups
 *    resume. An idle VM keeps its address space until another one needs it, or a reset takes it,
 *    even while it is being bound.
 * 4. reset-binds: VM_BINDs that are queued when the GPU is reset. The queues are stopped meanwhile.
 * 5. timeout-hang: A job that never ends. A command stream in an endless loop can be suspended and
 *    terminated, so a timeout ends its group and does not lead to a reset.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define BLOCK ((uint64_t)SZ_2M)

/* Above what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND
#define THIRD IGT_PANTHOR_THIRD

/*
 * wait-*
 */

#define STREAM_VA BASE_VA
#define FLAG_VA (BASE_VA + SZ_1M)
#define WORD_VA (BASE_VA + SZ_16M)
#define SECOND_VA (BASE_VA + 2 * SZ_16M)
#define SPARSE_VA (BASE_VA + SZ_64M)

/* Each group has a stream of its own. */
#define STREAM_STRIDE 512
#define STREAMS_SIZE ((IGT_PANTHOR_MAX_SLOTS + 1) * STREAM_STRIDE)

/* Pages of a BO with a word, that with the word, and its place in the page. */
#define WORD_PAGES 8
#define WORD_PAGE 5
#define WORD_PLACE 192

/* What is waited for: a word above 1 at first, above %SECOND_LEAST in the second wait. */
#define FIRST_LEAST 1
#define SECOND_LEAST 5

/* A job of the running groups would time out after 5 s: the queue must be awake long before. */
#define WAKE_DEADLINE_MS 3000

/* How long the test watches that a queue stays blocked. */
#define QUIET_MS 30

enum {
	REG_ADDRESS = 0,
	REG_VALUE = 2,
	REG_SCRATCH = 4,
};

/* Words at FLAG_VA: what running jobs poll, and what each job stores when it starts. */
enum {
	FLAG_STOP,
	FLAG_STARTED,
};

/**
 * streams:
 * @exec: VM, the group of which is the blocked one
 * @stream: streams of its groups
 * @flag: words at %FLAG_VA
 *
 * A VM with streams of its own.
 */
struct streams {
	struct igt_panthor_exec exec;
	struct panthor_bo stream;
	struct panthor_bo flag;
};

/**
 * wait_test:
 * @blocked: VM of the queue that waits
 * @running: VM of the groups that take all slots
 * @other: VM of jobs whose end makes the driver evaluate waits
 * @slots: slots for groups
 * @group: groups of @running
 * @syncobj: signalled by the job of each of @group
 */
struct wait_test {
	struct streams blocked;
	struct streams running;
	struct igt_panthor_exec other;
	uint32_t slots;
	uint32_t group[IGT_PANTHOR_MAX_SLOTS];
	uint32_t syncobj[IGT_PANTHOR_MAX_SLOTS];
};

static volatile uint32_t *flag(const struct streams *s, unsigned int i)
{
	return (volatile uint32_t *)s->flag.map + i;
}

static void streams_init(struct streams *s, int fd)
{
	igt_panthor_exec_init(&s->exec, fd);
	igt_panthor_exec_create_bo(&s->exec, &s->stream, STREAMS_SIZE);
	igt_panthor_exec_create_bo(&s->exec, &s->flag, PAGE);
	igt_panthor_vm_bind(fd, s->exec.vm_id, s->stream.handle, STREAM_VA, s->stream.size,
			    DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_READONLY,
			    0);
	igt_panthor_vm_bind(fd, s->exec.vm_id, s->flag.handle, FLAG_VA, PAGE,
			    IGT_PANTHOR_BO_MAP_FLAGS | DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED, 0);
}

static void streams_fini(struct streams *s)
{
	igt_panthor_exec_fini(&s->exec);
	igt_panthor_free_bo(s->exec.fd, &s->flag);
	igt_panthor_free_bo(s->exec.fd, &s->stream);
}

/* Begins stream @i. It tells that it has started. */
static void stream_begin(struct streams *s, struct igt_panthor_cs *cs, unsigned int i)
{
	*flag(s, FLAG_STARTED + i) = 0;
	igt_panthor_cs_init(cs, (char *)s->stream.map + i * STREAM_STRIDE, STREAM_STRIDE,
			    &s->exec.limits);
	igt_panthor_cs_mov48(cs, REG_ADDRESS, FLAG_VA);
	igt_panthor_cs_mov32(cs, REG_VALUE, 1);
	igt_panthor_cs_store(cs, REG_VALUE, 1, REG_ADDRESS, (FLAG_STARTED + i) * sizeof(uint32_t));
}

static void build_spin(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_spin_while(cs, CS_CONDITION_EQUAL, REG_VALUE, REG_ADDRESS,
				  FLAG_STOP * sizeof(uint32_t));
}

/* Blocks the queue until the word at @va is greater than @least. */
static void build_wait(struct igt_panthor_cs *cs, uint64_t va, uint32_t least)
{
	igt_panthor_cs_mov48(cs, REG_ADDRESS, va);
	igt_panthor_cs_mov32(cs, REG_VALUE, least);
	igt_panthor_cs_raw(cs, cs_sync_wait(CS_OPCODE_SYNC_WAIT32, REG_ADDRESS, REG_VALUE,
					    CS_CONDITION_GREATER, false));
}

static void stream_submit(struct streams *s, struct igt_panthor_cs *cs, unsigned int i,
			  uint32_t group, uint32_t syncobj)
{
	const int size = igt_panthor_cs_end(cs, REG_SCRATCH);

	igt_assert_lt(0, size);
	/* Drain the CPU's write-combining buffers, which may still hold the stream. */
	__sync_synchronize();
	igt_panthor_group_submit_simple(s->exec.fd, group, 0, STREAM_VA + i * STREAM_STRIDE, size,
					syncobj, 0);
}

static void assert_started(const struct streams *s, unsigned int i)
{
	igt_assert_f(igt_wait(*flag(s, FLAG_STARTED + i), IGT_PANTHOR_JOB_DEADLINE_MS, 1),
		     "job %u did not start within %d ms\n", i, IGT_PANTHOR_JOB_DEADLINE_MS);
}

static uint32_t query_slots(int fd)
{
	struct drm_panthor_csif_info csif = {};

	igt_panthor_query(fd, DRM_PANTHOR_DEV_QUERY_CSIF_INFO, &csif, sizeof(csif), 0);
	igt_require_f(csif.csg_slot_count <= IGT_PANTHOR_MAX_SLOTS,
		      "the GPU has %u slots for groups\n", csif.csg_slot_count);

	return csif.csg_slot_count;
}

static void wait_init(struct wait_test *w, int fd)
{
	w->slots = query_slots(fd);
	streams_init(&w->blocked, fd);
	streams_init(&w->running, fd);
	igt_panthor_exec_init(&w->other, fd);
}

static void wait_fini(struct wait_test *w)
{
	igt_panthor_exec_fini(&w->other);
	streams_fini(&w->running);
	streams_fini(&w->blocked);
}

/* A blocked group loses its slot when as many others can run as there are slots. */
static void take_slots(struct wait_test *w)
{
	*flag(&w->running, FLAG_STOP) = 0;
	for (uint32_t i = 0; i < w->slots; i++) {
		struct igt_panthor_cs cs;

		w->group[i] =
			igt_panthor_group_create_simple(w->other.fd, w->running.exec.vm_id, 0);
		w->syncobj[i] = syncobj_create(w->other.fd, 0);
		stream_begin(&w->running, &cs, i);
		build_spin(&cs);
		stream_submit(&w->running, &cs, i, w->group[i], w->syncobj[i]);
	}
	for (uint32_t i = 0; i < w->slots; i++)
		assert_started(&w->running, i);
}

static void give_slots_back(struct wait_test *w)
{
	*flag(&w->running, FLAG_STOP) = 1;
	__sync_synchronize();
	for (uint32_t i = 0; i < w->slots; i++) {
		const struct igt_panthor_job_result result = igt_panthor_job_wait(
			w->other.fd, w->group[i], w->syncobj[i], IGT_PANTHOR_JOB_DEADLINE_MS);

		igt_panthor_job_assert_done(&result);
		syncobj_destroy(w->other.fd, w->syncobj[i]);
		igt_panthor_group_destroy(w->other.fd, w->group[i], 0);
	}
}

/* The end of a job has the driver evaluate the waits of all groups without a slot. */
static void end_some_job(struct wait_test *w)
{
	igt_panthor_exec_store_pages(&w->other, w->other.tag_va, PAGE, FIRST);
}

/* Submits a job that waits once, or twice if @second_va is not 0. */
static void block_queue(struct wait_test *w, uint64_t va, uint64_t second_va)
{
	struct igt_panthor_cs cs;

	stream_begin(&w->blocked, &cs, 0);
	build_wait(&cs, va, FIRST_LEAST);
	if (second_va) {
		igt_panthor_cs_mov48(&cs, REG_ADDRESS, FLAG_VA);
		igt_panthor_cs_mov32(&cs, REG_VALUE, 2);
		igt_panthor_cs_store(&cs, REG_VALUE, 1, REG_ADDRESS,
				     FLAG_STARTED * sizeof(uint32_t));
		build_wait(&cs, second_va, SECOND_LEAST);
	}
	stream_submit(&w->blocked, &cs, 0, w->blocked.exec.group, w->blocked.exec.syncobj);
	assert_started(&w->blocked, 0);
}

static bool queue_ended(struct wait_test *w, unsigned int ms)
{
	return syncobj_wait(w->other.fd, &w->blocked.exec.syncobj, 1, igt_panthor_deadline(ms), 0,
			    NULL);
}

static void assert_blocked(struct wait_test *w)
{
	igt_assert_f(!queue_ended(w, QUIET_MS), "the queue did not wait\n");
}

static struct igt_panthor_job_result queue_result(struct wait_test *w)
{
	igt_assert_f(queue_ended(w, WAKE_DEADLINE_MS), "the queue is still blocked after %d ms\n",
		     WAKE_DEADLINE_MS);
	return igt_panthor_job_wait(w->other.fd, w->blocked.exec.group, w->blocked.exec.syncobj,
				    IGT_PANTHOR_JOB_DEADLINE_MS);
}

/* Other jobs still have all slots: only the driver can tell that the queue may run again. */
static void assert_wakes(struct wait_test *w)
{
	struct igt_panthor_job_result result;

	end_some_job(w);
	result = queue_result(w);
	igt_panthor_job_assert_done(&result);
}

/* A BO with a word in page %WORD_PAGE. */
static void create_word(struct wait_test *w, struct panthor_bo *bo, const char *label)
{
	igt_panthor_exec_create_bo(&w->blocked.exec, bo, WORD_PAGES * PAGE);
	igt_panthor_bo_set_label(w->other.fd, bo, label);
}

static volatile uint32_t *bo_word(const struct panthor_bo *bo)
{
	return (volatile uint32_t *)((char *)bo->map + WORD_PAGE * PAGE + WORD_PLACE);
}

static void store_word(const struct panthor_bo *bo, uint32_t value)
{
	*bo_word(bo) = value;
	__sync_synchronize();
}

/* Uncached: a running job has to see stores of the CPU. */
#define WORD_FLAGS (IGT_PANTHOR_BO_MAP_FLAGS | DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED)

static void bind_word(struct wait_test *w, const struct panthor_bo *bo, uint64_t va,
		      uint64_t first_page)
{
	igt_panthor_vm_bind_offset(w->other.fd, w->blocked.exec.vm_id, bo->handle, va,
				   (WORD_PAGES - first_page) * PAGE, first_page * PAGE, WORD_FLAGS,
				   0);
}

/* The address of the word of a BO whose page @first_page is at @va. */
static uint64_t word_va(uint64_t va, uint64_t first_page)
{
	return va + (WORD_PAGE - first_page) * PAGE + WORD_PLACE;
}

/* A driver that looks at another word of the BO finds 0. */
static void wait_for_word(struct wait_test *w, const struct panthor_bo *bo, uint64_t va)
{
	block_queue(w, va, 0);
	take_slots(w);
	end_some_job(w);
	assert_blocked(w);
	store_word(bo, FIRST_LEAST + 1);
	assert_wakes(w);
	give_slots_back(w);
}

static void wait_bo_offset(int fd)
{
	struct wait_test w;
	struct panthor_bo bo;

	wait_init(&w, fd);
	create_word(&w, &bo, "word");
	bind_word(&w, &bo, WORD_VA, 3);
	wait_for_word(&w, &bo, word_va(WORD_VA, 3));
	wait_fini(&w);
	igt_panthor_free_bo(fd, &bo);
}

static void wait_bo_split(int fd)
{
	struct wait_test w;
	struct panthor_bo bo;

	wait_init(&w, fd);
	create_word(&w, &bo, "word");
	bind_word(&w, &bo, WORD_VA, 0);
	igt_panthor_exec_unbind(&w.blocked.exec, WORD_VA + 2 * PAGE, PAGE);
	wait_for_word(&w, &bo, word_va(WORD_VA, 0));
	wait_fini(&w);
	igt_panthor_free_bo(fd, &bo);
}

static void wait_bo_evicted(int fd)
{
	struct wait_test w;
	struct panthor_bo bo;

	igt_panthor_require_shrink(fd);
	wait_init(&w, fd);
	create_word(&w, &bo, "evicted word");
	bind_word(&w, &bo, WORD_VA, 3);
	store_word(&bo, 1);
	igt_panthor_evict_gem(fd, "evicted word");

	block_queue(&w, word_va(WORD_VA, 3), 0);
	take_slots(&w);
	end_some_job(&w);
	igt_panthor_shrink(fd);
	igt_assert_f(igt_panthor_gem_resident(fd, "evicted word"),
		     "a BO was evicted while a job waited for a word of it\n");
	assert_blocked(&w);
	store_word(&bo, FIRST_LEAST + 1);
	assert_wakes(&w);
	give_slots_back(&w);
	wait_fini(&w);
	igt_panthor_free_bo(fd, &bo);
}

/* The other VM of the file reaches the page of the dummy at another multiple of 2 MiB. */
static void wait_sparse(int fd)
{
	const uint64_t place = 333 * PAGE + WORD_PLACE;
	const struct igt_panthor_walk store = {
		.access = IGT_PANTHOR_STORE,
		.va = SPARSE_VA + place,
		.count = 1,
		.stride = sizeof(uint32_t),
		.seed = FIRST,
	};
	struct igt_panthor_job_result result;
	struct wait_test w;

	wait_init(&w, fd);
	igt_panthor_exec_bind_sparse(&w.blocked.exec, SPARSE_VA + SZ_1M, 2 * BLOCK);
	igt_panthor_exec_bind_sparse(&w.other, SPARSE_VA, BLOCK);
	igt_panthor_sparse_require_dummy(&w.other);
	igt_assert_lt_u32(FIRST_LEAST, igt_panthor_pattern(store.va, FIRST));

	block_queue(&w, SPARSE_VA + BLOCK + place, 0);
	take_slots(&w);
	end_some_job(&w);
	assert_blocked(&w);
	igt_panthor_exec_walk(&w.other, &store);
	result = queue_result(&w);
	igt_panthor_job_assert_done(&result);
	give_slots_back(&w);

	igt_panthor_sparse_store_load(&w.blocked.exec, SPARSE_VA + SZ_1M, 2 * BLOCK, SECOND);
	wait_fini(&w);
}

/*
 * A blocked group gets its slot back when other groups are gone. On the GPU, its queue looks at the
 * word again when something is submitted to it, and no job has to end for that: the driver does not
 * evaluate the first wait once more.
 */
static void wait_second(int fd)
{
	const uint32_t behind = syncobj_create(fd, 0);
	struct igt_panthor_job_result result;
	struct igt_panthor_cs cs;
	struct panthor_bo bo[2];
	struct wait_test w;

	wait_init(&w, fd);
	for (unsigned int i = 0; i < ARRAY_SIZE(bo); i++)
		create_word(&w, &bo[i], "word");
	bind_word(&w, &bo[0], WORD_VA, 0);
	bind_word(&w, &bo[1], SECOND_VA, 3);

	block_queue(&w, word_va(WORD_VA, 0), word_va(SECOND_VA, 3));
	take_slots(&w);
	end_some_job(&w);
	assert_blocked(&w);
	give_slots_back(&w);
	end_some_job(&w);
	assert_blocked(&w);

	store_word(&bo[0], FIRST_LEAST + 1);
	stream_begin(&w.blocked, &cs, 1);
	stream_submit(&w.blocked, &cs, 1, w.blocked.exec.group, behind);
	igt_assert_f(igt_wait(*flag(&w.blocked, FLAG_STARTED) == 2, WAKE_DEADLINE_MS, 1),
		     "the queue did not come to its second wait\n");
	take_slots(&w);
	end_some_job(&w);
	assert_blocked(&w);
	store_word(&bo[1], SECOND_LEAST + 1);
	assert_wakes(&w);
	result =
		igt_panthor_job_wait(fd, w.blocked.exec.group, behind, IGT_PANTHOR_JOB_DEADLINE_MS);
	igt_panthor_job_assert_done(&result);
	give_slots_back(&w);

	wait_fini(&w);
	syncobj_destroy(fd, behind);
	for (unsigned int i = 0; i < ARRAY_SIZE(bo); i++)
		igt_panthor_free_bo(fd, &bo[i]);
}

static void wait_bound_anew(int fd)
{
	struct panthor_bo bo[2];
	struct wait_test w;

	wait_init(&w, fd);
	for (unsigned int i = 0; i < ARRAY_SIZE(bo); i++)
		create_word(&w, &bo[i], "word");
	bind_word(&w, &bo[0], WORD_VA, 3);

	block_queue(&w, word_va(WORD_VA, 3), 0);
	take_slots(&w);
	end_some_job(&w);
	assert_blocked(&w);
	store_word(&bo[1], FIRST_LEAST + 1);
	bind_word(&w, &bo[1], WORD_VA, 3);
	assert_wakes(&w);
	give_slots_back(&w);
	igt_assert_eq_u32(*bo_word(&bo[0]), 0);

	wait_fini(&w);
	for (unsigned int i = 0; i < ARRAY_SIZE(bo); i++)
		igt_panthor_free_bo(fd, &bo[i]);
}

static void wait_unmapped_late(int fd)
{
	struct igt_panthor_job_result result;
	struct panthor_bo bo;
	struct wait_test w;

	wait_init(&w, fd);
	create_word(&w, &bo, "word");
	bind_word(&w, &bo, WORD_VA, 3);

	block_queue(&w, word_va(WORD_VA, 3), 0);
	take_slots(&w);
	end_some_job(&w);
	assert_blocked(&w);
	igt_panthor_ignore_fault_messages();
	igt_panthor_exec_unbind(&w.blocked.exec, WORD_VA, (WORD_PAGES - 3) * PAGE);
	end_some_job(&w);
	result = queue_result(&w);
	igt_assert_f(result.fence < 0 && result.group_state & DRM_PANTHOR_GROUP_STATE_FATAL_FAULT,
		     "the queue did not fault: fence %d, group state %#x\n", result.fence,
		     result.group_state);
	give_slots_back(&w);

	igt_panthor_exec_new_group(&w.blocked.exec);
	igt_panthor_exec_store_pages(&w.blocked.exec, w.blocked.exec.tag_va, PAGE, FIRST);
	igt_panthor_vm_assert_usable(fd, w.blocked.exec.vm_id);
	wait_fini(&w);
	igt_panthor_free_bo(fd, &bo);
}

/*
 * reset-*
 *
 * What resets the GPU: a cache flush, an AS command or a request to the firmware that times out,
 * and a fault that the firmware calls unrecoverable. Neither a job that never ends nor a fault of
 * the MMU does, so the flush of a VM_BIND fails on demand. The region of that VM_BIND stays locked
 * until the reset: a job that goes on in it shows that the reset is over.
 */

#define FLUSH_CACHES "panthor_gpu_flush_caches"

/* Includes a boot of the MCU. */
#define RESET_DEADLINE_MS 3000

/* Longer than a worker takes from one BO of a group to the next. */
#define RELEASED_US 50000

#define VICTIM_SIZE ((uint64_t)SZ_64K)
#define RANGE_VA (BASE_VA + SZ_1M)
#define RANGE_SIZE (2 * BLOCK)

/**
 * victim:
 * @exec: VM, with a job that stores to @bo round after round
 * @bo: BO at %BASE_VA
 *
 * A VM with a VM_BIND that resets the GPU. Without a sparse range of its own, the dummy can be
 * evicted.
 */
struct victim {
	struct igt_panthor_exec exec;
	struct panthor_bo bo;
};

static void require_reset(int fd)
{
	igt_require_f(
		igt_fail_function_has(FLUSH_CACHES),
		"nothing makes the driver reset the GPU: no error injection into " FLUSH_CACHES
		"()\n");
	igt_panthor_require_alone(fd);
}

static void repeat_stores(struct igt_panthor_exec *exec, uint64_t va, uint64_t size, uint32_t seed)
{
	const struct igt_panthor_walk walk = igt_panthor_pages(IGT_PANTHOR_STORE, va, size, seed);

	igt_panthor_exec_repeat(exec, &walk);
}

/* Two rounds: the first one may have ended before the caller looked. */
static void assert_goes_on(const struct igt_panthor_exec *exec)
{
	const uint32_t before = igt_panthor_exec_repeat_rounds(exec);

	igt_assert_f(
		igt_wait(igt_panthor_exec_repeat_rounds(exec) - before >= 2, RESET_DEADLINE_MS, 1),
		"a job does not go on within %d ms\n", RESET_DEADLINE_MS);
}

static void victim_init(struct victim *v, int fd)
{
	igt_panthor_exec_init(&v->exec, fd);
	igt_panthor_exec_create_bo(&v->exec, &v->bo, VICTIM_SIZE);
	igt_panthor_exec_bind_bo(&v->exec, &v->bo, BASE_VA);
	repeat_stores(&v->exec, BASE_VA, VICTIM_SIZE, FIRST);
}

/* Ends the job, and checks what it stored. */
static void victim_fini(struct victim *v)
{
	igt_panthor_exec_repeat_end(&v->exec);
	igt_panthor_bo_assert_holds(&v->bo, BASE_VA, FIRST);
	igt_panthor_exec_store_pages(&v->exec, BASE_VA, VICTIM_SIZE, SECOND);
	igt_panthor_bo_assert_holds(&v->bo, BASE_VA, SECOND);
	igt_panthor_exec_neighbours_fault(&v->exec, BASE_VA, VICTIM_SIZE);
	igt_panthor_exec_fini(&v->exec);
	igt_panthor_free_bo(v->exec.fd, &v->bo);
}

/*
 * A worker releases the BOs of destroyed groups, with flushes. If one of those failed, the address
 * space of the firmware would stay locked, and no group could be suspended.
 */
static bool stays_at(int fd, unsigned int gems)
{
	usleep(RELEASED_US);

	return igt_panthor_count_own_gems(fd) == gems;
}

static void wait_released(int fd, unsigned int gems)
{
	igt_assert_f(
		igt_wait(igt_panthor_count_own_gems(fd) < gems, IGT_PANTHOR_RELEASE_DEADLINE_MS, 5),
		"gems still shows the BOs of a destroyed group\n");
	igt_assert_f(
		igt_wait(stays_at(fd, igt_panthor_count_own_gems(fd)),
			 IGT_PANTHOR_RELEASE_DEADLINE_MS, 0),
		"gems still loses BOs %d ms after a group was destroyed\n",
		IGT_PANTHOR_RELEASE_DEADLINE_MS);
}

static void begin_reset(struct victim *v)
{
	igt_fail_function_start(FLUSH_CACHES, ETIMEDOUT, 0, 1);
	igt_panthor_exec_bind_bo(&v->exec, &v->bo, BASE_VA);
	igt_assert_f(igt_fail_function_left() == 0, "no call of " FLUSH_CACHES "() failed\n");
	igt_fail_function_stop();
}

static void reset_gpu(struct victim *v)
{
	begin_reset(v);
	assert_goes_on(&v->exec);
}

static void assert_whole(struct igt_panthor_exec *exec)
{
	igt_panthor_sparse_store_load(exec, RANGE_VA, RANGE_SIZE, THIRD);
	igt_panthor_exec_neighbours_fault(exec, RANGE_VA, RANGE_SIZE);
	igt_panthor_vm_assert_usable(exec->fd, exec->vm_id);
}

static void reset_jobs(int fd)
{
	const struct igt_panthor_walk walk =
		igt_panthor_pages(IGT_PANTHOR_STORE_LOAD, RANGE_VA, RANGE_SIZE, SECOND);
	struct igt_panthor_exec paused, repeated;
	struct victim v;

	require_reset(fd);
	igt_panthor_exec_init(&paused, fd);
	igt_panthor_exec_init(&repeated, fd);
	igt_panthor_exec_bind_sparse(&paused, RANGE_VA, RANGE_SIZE);
	igt_panthor_exec_bind_sparse(&repeated, RANGE_VA, RANGE_SIZE);
	victim_init(&v, fd);
	igt_panthor_exec_pause(&paused, &walk, &walk);
	repeat_stores(&repeated, RANGE_VA, RANGE_SIZE, FIRST);

	reset_gpu(&v);
	assert_goes_on(&repeated);
	igt_panthor_exec_resume(&paused);
	igt_panthor_exec_repeat_end(&repeated);

	victim_fini(&v);
	assert_whole(&paused);
	assert_whole(&repeated);
	igt_panthor_exec_fini(&repeated);
	igt_panthor_exec_fini(&paused);
}

static uint32_t bind_queued(struct igt_panthor_exec *exec, uint32_t wait)
{
	const uint32_t done = syncobj_create(exec->fd, 0);
	struct drm_panthor_sync_op syncs[] = {
		igt_panthor_sync_signal(done, 0),
		igt_panthor_sync_wait(wait, 0),
	};
	struct drm_panthor_vm_bind_op op = {
		.flags = IGT_PANTHOR_SPARSE_FLAGS,
		.va = RANGE_VA,
		.size = RANGE_SIZE,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(wait ? 2 : 1, syncs),
	};

	igt_panthor_vm_bind_ops_async(exec->fd, exec->vm_id, &op, 1, 0);
	return done;
}

/* 1 if the fence is signalled, a negative errno if it is signalled with an error. */
static int fence_status(int fd, uint32_t syncobj)
{
	const int file =
		syncobj_handle_to_fd(fd, syncobj, DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE);
	const int status = sync_fence_status(file);

	igt_assert_eq(close(file), 0);
	return status;
}

static void assert_bound(int fd, uint32_t done)
{
	uint32_t handle = done;

	igt_assert_f(syncobj_wait(fd, &handle, 1, igt_panthor_deadline(RESET_DEADLINE_MS), 0, NULL),
		     "VM_BIND was not done within %d ms\n", RESET_DEADLINE_MS);
	igt_assert_eq(fence_status(fd, done), 1);
	syncobj_destroy(fd, done);
}

/* The last VM binds after the reset has begun: before, meanwhile or after, as it comes. */
static void reset_queued_binds(int fd)
{
	struct igt_panthor_exec gate, execs[3];
	uint32_t done[ARRAY_SIZE(execs)];
	struct victim v;

	require_reset(fd);
	igt_panthor_exec_init(&gate, fd);
	for (unsigned int i = 0; i < ARRAY_SIZE(execs); i++)
		igt_panthor_exec_init(&execs[i], fd);
	igt_panthor_exec_store_pages(&execs[0], execs[0].tag_va, PAGE, FIRST);
	victim_init(&v, fd);
	igt_panthor_exec_pause(&gate, NULL, NULL);

	for (unsigned int i = 0; i < 2; i++)
		done[i] = bind_queued(&execs[i], gate.syncobj);
	begin_reset(&v);
	done[2] = bind_queued(&execs[2], 0);
	assert_goes_on(&v.exec);
	assert_bound(fd, done[2]);
	for (unsigned int i = 0; i < 2; i++)
		igt_assert(!syncobj_wait(fd, &done[i], 1, 0, 0, NULL));
	igt_panthor_exec_resume(&gate);
	for (unsigned int i = 0; i < 2; i++)
		assert_bound(fd, done[i]);

	victim_fini(&v);
	for (unsigned int i = 0; i < ARRAY_SIZE(execs); i++) {
		assert_whole(&execs[i]);
		igt_panthor_exec_fini(&execs[i]);
	}
	igt_panthor_exec_fini(&gate);
}

#define IDLE_VMS 3

/*
 * A destroyed group is taken off the GPU by the tick that puts another one on it. Its VM keeps the
 * address space.
 */
static void reset_idle_vms(int fd)
{
	struct igt_panthor_exec execs[IDLE_VMS], other;
	unsigned int gems;
	struct victim v;

	require_reset(fd);
	igt_panthor_exec_init(&other, fd);
	victim_init(&v, fd);
	for (unsigned int i = 0; i < IDLE_VMS; i++) {
		igt_panthor_exec_init(&execs[i], fd);
		igt_panthor_exec_bind_sparse(&execs[i], RANGE_VA, RANGE_SIZE);
		igt_panthor_exec_store_pages(&execs[i], RANGE_VA, RANGE_SIZE, FIRST);
	}
	gems = igt_panthor_count_own_gems(fd);
	for (unsigned int i = 0; i < IDLE_VMS; i++)
		igt_panthor_group_destroy(fd, execs[i].group, 0);
	igt_panthor_exec_store_pages(&other, other.tag_va, PAGE, FIRST);
	wait_released(fd, gems);

	reset_gpu(&v);
	for (unsigned int i = 0; i < IDLE_VMS; i++)
		execs[i].group = igt_panthor_group_create_simple(fd, execs[i].vm_id, 0);
	for (unsigned int i = IDLE_VMS; i-- > 0;) {
		igt_panthor_sparse_store_load(&execs[i], RANGE_VA, RANGE_SIZE, THIRD);
		igt_panthor_exec_unbind(&execs[i], RANGE_VA + BLOCK, PAGE);
		igt_panthor_exec_must_fault(&execs[i], RANGE_VA + BLOCK, IGT_PANTHOR_LOAD);
	}

	victim_fini(&v);
	for (unsigned int i = 0; i < IDLE_VMS; i++)
		igt_panthor_exec_fini(&execs[i]);
	igt_panthor_exec_fini(&other);
}

/**
 * binder:
 * @go: set by the parent while the child has to bind
 * @waiting: set by the child while it does not bind
 * @stop: set by the parent
 * @binds: number of VM_BINDs
 * @err: errno of the first VM_BIND that failed
 *
 * A child process that binds a range anew.
 */
struct binder {
	volatile bool go;
	volatile bool waiting;
	volatile bool stop;
	volatile uint32_t binds;
	volatile int err;
};

static void bind_anew(const struct igt_panthor_exec *exec, struct binder *b, pid_t parent)
{
	while (!b->stop && !b->err && getppid() == parent) {
		struct drm_panthor_vm_bind_op op = {
			.flags = IGT_PANTHOR_SPARSE_FLAGS,
			.va = RANGE_VA,
			.size = RANGE_SIZE,
		};

		b->waiting = !b->go;
		if (b->waiting) {
			usleep(200);
			continue;
		}
		b->err = -__igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, 0, &op, 1);
		b->binds++;
	}
}

static void stop_binder(void *data)
{
	struct binder *b = data;

	b->stop = true;
	igt_waitchildren();
}

static struct binder *start_binder(const struct igt_panthor_exec *exec)
{
	struct binder *b = igt_map_shared(sizeof(*b));
	const pid_t parent = getpid();

	b->waiting = true;
	igt_fork(child, 1) bind_anew(exec, b, parent);
	igt_teardown_add(stop_binder, b);

	return b;
}

static void resume_binder(struct binder *b)
{
	const uint32_t before = b->binds;

	b->go = true;
	igt_assert_f(igt_wait(b->binds != before, RESET_DEADLINE_MS, 0),
		     "the child does not bind\n");
}

static void pause_binder(struct binder *b)
{
	b->go = false;
	igt_assert_f(igt_wait(b->waiting, RESET_DEADLINE_MS, 1),
		     "VM_BIND did not end within %d ms\n", RESET_DEADLINE_MS);
}

static void end_binder(struct binder *b)
{
	igt_teardown_drop(stop_binder, b);
	stop_binder(b);
	igt_assert_eq(b->err, 0);
}

#define VMS_MAX 16

/* User address spaces of the GPU: the first one is the MCU's. */
static unsigned int query_address_spaces(int fd)
{
	struct drm_panthor_gpu_info info;

	igt_panthor_query(fd, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &info, sizeof(info), 0);
	return __builtin_popcount(info.as_present) - 1;
}

/*
 * The idle VM loses its address space in the reset. That of @v is always in use, so the others
 * get all that are left. The child begins when the flush of @v has failed: its own must not.
 */
static void reset_binding(int fd)
{
	const unsigned int others = query_address_spaces(fd) - 1;
	struct igt_panthor_exec idle, execs[VMS_MAX];
	unsigned int gems;
	struct binder *b;
	struct victim v;

	require_reset(fd);
	igt_require_f(others >= 1 && others <= VMS_MAX, "the GPU has %u address spaces\n",
		      others + 1);
	igt_panthor_exec_init(&idle, fd);
	igt_panthor_exec_bind_sparse(&idle, RANGE_VA, RANGE_SIZE);
	for (unsigned int i = 0; i < others; i++) {
		igt_panthor_exec_init(&execs[i], fd);
		igt_panthor_exec_bind_sparse(&execs[i], RANGE_VA, RANGE_SIZE);
	}
	b = start_binder(&idle);

	victim_init(&v, fd);
	igt_panthor_exec_store_pages(&idle, RANGE_VA, PAGE, FIRST);
	gems = igt_panthor_count_own_gems(fd);
	igt_panthor_group_destroy(fd, idle.group, 0);
	igt_panthor_exec_store_pages(&execs[0], RANGE_VA, PAGE, FIRST);
	wait_released(fd, gems);
	begin_reset(&v);
	resume_binder(b);
	assert_goes_on(&v.exec);
	pause_binder(b);
	idle.group = igt_panthor_group_create_simple(fd, idle.vm_id, 0);
	for (unsigned int vm = 0; vm < others; vm++)
		igt_panthor_exec_store_pages(&execs[vm], RANGE_VA, RANGE_SIZE, SECOND);
	victim_fini(&v);
	end_binder(b);
	igt_info("%u VM_BINDs\n", b->binds);

	assert_whole(&idle);
	for (unsigned int i = 0; i < others; i++)
		igt_panthor_exec_fini(&execs[i]);
	igt_panthor_exec_fini(&idle);
}

#define KEPT_VA (RANGE_VA + SZ_16M)

static void reset_evicted(int fd)
{
	struct igt_panthor_exec exec;
	struct panthor_bo bo;
	struct victim v;

	require_reset(fd);
	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_bind_sparse(&exec, RANGE_VA, RANGE_SIZE);
	igt_panthor_sparse_require_dummy(&exec);
	igt_panthor_exec_create_bo(&exec, &bo, VICTIM_SIZE);
	igt_panthor_bo_set_label(fd, &bo, "evicted");
	igt_panthor_exec_bind_bo(&exec, &bo, KEPT_VA);
	igt_panthor_exec_store_pages(&exec, RANGE_VA, RANGE_SIZE, FIRST);
	igt_panthor_exec_store_pages(&exec, KEPT_VA, VICTIM_SIZE, SECOND);
	victim_init(&v, fd);

	igt_panthor_evict_dummy(fd, exec.dummy);
	igt_panthor_evict_gem(fd, "evicted");
	reset_gpu(&v);
	assert_whole(&exec);
	igt_panthor_bo_assert_holds(&bo, KEPT_VA, SECOND);
	igt_panthor_exec_store_pages(&exec, KEPT_VA, VICTIM_SIZE, THIRD);
	igt_panthor_bo_assert_holds(&bo, KEPT_VA, THIRD);

	victim_fini(&v);
	igt_panthor_exec_fini(&exec);
	igt_panthor_free_bo(fd, &bo);
}

/*
 * timeout-*
 */

/* Before the driver ends the job that hangs, and within the time that another one may take. */
#define LATE_MS 3500

static void ignore_timeout_messages(void)
{
	igt_emit_ignore_dmesg_regex("job timeout: pid=[0-9]+, comm=|"
				    "Unhandled Page fault in AS[0-9]+ at VA 0x|"
				    "CS_(FATAL|FAULT): pid=[0-9]+, comm=|"
				    "CSG slot [0-9]+ (CS slot: [0-9]+|progress timeout)|"
				    "CSG_PROGRESS_TIMER_EVENT: pid=[0-9]+, comm=");
}

static void timeout_hang(int fd)
{
	struct igt_panthor_exec hung, other, idle;
	struct igt_panthor_job_result result;
	uint32_t behind, done;

	igt_panthor_exec_init(&idle, fd);
	igt_panthor_exec_init(&hung, fd);
	igt_panthor_exec_init(&other, fd);
	igt_panthor_exec_bind_sparse(&idle, RANGE_VA, RANGE_SIZE);
	igt_panthor_exec_bind_sparse(&other, RANGE_VA, RANGE_SIZE);
	igt_panthor_exec_store_pages(&idle, RANGE_VA, RANGE_SIZE, FIRST);

	ignore_timeout_messages();
	repeat_stores(&hung, hung.tag_va, PAGE, FIRST);
	behind = bind_queued(&hung, hung.syncobj);
	igt_for_milliseconds(LATE_MS)
		igt_panthor_sparse_store_load(&other, RANGE_VA, RANGE_SIZE, SECOND);
	repeat_stores(&other, RANGE_VA, RANGE_SIZE, FIRST);

	result = igt_panthor_job_wait(fd, hung.group, hung.syncobj, IGT_PANTHOR_JOB_DEADLINE_MS);
	igt_info("the job that hung ended: fence %d, group state %#x\n", result.fence,
		 result.group_state);
	igt_assert_eq(result.fence, -ETIMEDOUT);
	igt_assert(result.group_state & DRM_PANTHOR_GROUP_STATE_TIMEDOUT);
	assert_bound(fd, behind);
	done = bind_queued(&idle, 0);
	assert_goes_on(&other);
	igt_panthor_exec_repeat_end(&other);
	assert_bound(fd, done);

	igt_panthor_exec_new_group(&hung);
	assert_whole(&hung);
	assert_whole(&other);
	assert_whole(&idle);
	igt_panthor_exec_fini(&other);
	igt_panthor_exec_fini(&hung);
	igt_panthor_exec_fini(&idle);
}

static const struct igt_panthor_case cases[] = {
	{
		.name = "wait-bo-offset",
		.describe = "A queue waits for a word of a BO that is mapped from an offset, while "
			    "other groups have all slots of the GPU. It stays blocked until the "
			    "CPU stores that word alone, and then ends.",
		.run = wait_bo_offset,
	},
	{
		.name = "wait-bo-split",
		.describe = "A queue waits for a word of a BO behind a hole in its mapping, while "
			    "other groups have all slots of the GPU. It stays blocked until the "
			    "CPU stores that word alone, and then ends.",
		.run = wait_bo_split,
	},
	{
		.name = "wait-bo-evicted",
		.describe = "A BO is evicted. A job is submitted whose queue waits for a word of "
			    "it, while other groups have all slots of the GPU. A run of the "
			    "shrinker leaves the BO. The queue stays blocked until the CPU stores "
			    "that word alone, and then ends.",
		.run = wait_bo_evicted,
	},
	{
		.name = "wait-sparse",
		.describe = "A queue waits for a word in the second block of a sparse range, while "
			    "other groups have all slots of the GPU. It stays blocked until "
			    "another VM stores to the page of the dummy that both VMs map, and "
			    "then ends. Every page of the range is readable and writable.",
		.run = wait_sparse,
	},
	{
		.name = "wait-second",
		.describe = "The driver evaluates the wait of a queue without a slot in vain. The "
			    "queue gets a slot, the GPU ends this wait, and the queue waits for a "
			    "word of another BO. Without a slot again, it ends when the CPU has "
			    "stored that word.",
		.run = wait_second,
	},
	{
		.name = "wait-bound-anew",
		.describe = "Another BO is bound at the address of a word after the driver found "
			    "the wait for that word unsatisfied, while other groups have all slots "
			    "of the GPU. The word of the new BO satisfies the wait, and the queue "
			    "ends.",
		.run = wait_bound_anew,
	},
	{
		.name = "wait-unmapped-late",
		.describe = "A word is unmapped after the driver has evaluated the wait for it in "
			    "vain, while other groups have all slots of the GPU. The queue faults "
			    "long before the job would time out. A job of another group of the VM "
			    "runs.",
		.run = wait_unmapped_late,
	},
	{
		.name = "reset-jobs",
		.describe = "The cache flush of a VM_BIND fails, and the driver resets the GPU. "
			    "Meanwhile, a job accesses the region that the VM_BIND left locked, "
			    "and jobs of two other VMs are on the GPU. All jobs go on after the "
			    "reset. Every page of each range is readable and writable, and the "
			    "neighbours fault.",
		.run = reset_jobs,
	},
	{
		.name = "reset-queued-binds",
		.describe = "VM_BINDs of two VMs wait for a job on the GPU when the GPU is reset, "
			    "one of them in a VM that never had a job. A VM_BIND of a third VM is "
			    "queued after the VM_BIND that causes the reset. It runs while the "
			    "others wait, and these run after the job. Every page of what they "
			    "bound is readable and writable, and the neighbours fault.",
		.run = reset_queued_binds,
	},
	{
		.name = "reset-idle-vms",
		.describe = "The GPU is reset while VMs without a group on it have address spaces. "
			    "Afterwards, their jobs, first that of the VM that was last, find "
			    "every page of their ranges readable and writable. Holes that are made "
			    "after the reset fault.",
		.run = reset_idle_vms,
	},
	{
		.name = "reset-binding",
		.describe = "The GPU is reset while a process binds a range anew in an idle VM, "
			    "without a pause. Jobs of other VMs, one for each address space that "
			    "is left, then store to the same addresses. None of them stalls. "
			    "Afterwards, every page of the range of the idle VM is readable and "
			    "writable, and the neighbours fault.",
		.run = reset_binding,
	},
	{
		.name = "reset-evicted",
		.describe = "The GPU is reset while the dummy and a BO of a VM are evicted. The "
			    "next jobs of that VM find every page of the sparse range readable and "
			    "writable, and the neighbours fault. The CPU finds the contents of the "
			    "BO, and what the GPU stores to it after that.",
		.run = reset_evicted,
	},
	{
		.name = "timeout-hang",
		.describe = "A job hangs until the driver ends its group. The job of another VM "
			    "goes on. A VM_BIND that waits for the hanging job is executed, and a "
			    "VM_BIND of an idle VM. Every page of the range is readable and "
			    "writable for a new group of the VM and for the other VMs, and the "
			    "neighbours fault.",
		.run = timeout_hang,
	},
	{}
};

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();

	for (const struct igt_panthor_case *c = cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest(c->name)
			igt_panthor_with_device(fd)
				c->run(fd);
		igt_fixture()
			igt_teardown();
	}
}
