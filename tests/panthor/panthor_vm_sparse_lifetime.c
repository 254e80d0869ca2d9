// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_debugfs.h"
#include "igt_kernel_memory.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "igt_teardown.h"
#include "ioctl_wrappers.h"

/**
 * TEST: VMs of panthor that end, and what was theirs
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings, eviction
 * Feature: lifetime
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs
 * Failure mode: Mappings and objects that outlive their VM, and kernel warnings that users
 *	can provoke.
 * Description: What becomes of mappings and queues when a VM or a mapping goes away under
 *	them.
 *
 * SUBTEST: lifetime-destroy-binding
 * Run type: BAT, FULL
 * Description: A VM is destroyed in the middle of a VM_BIND of thousands of
 *	sparse pages: what is left of them is refused, and nothing stays mapped.
 *
 * SUBTEST: lifetime-unmap-awaited
 * Description: What a queue waits for is unmapped: the queue faults on it, and the
 *	kernel does not warn.
 *
 * SUBTEST: lifetime-vms-listed
 * Description: While VMs come and go, the mappings of the others can be read from
 *	debugfs each time.
 */

/**
 * TEST: The order in which panthor gives memory back
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings, eviction
 * Feature: reclaim
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, swap
 * Failure mode: BOs that the shrinker looks for in the wrong place, or takes from those who
 *	use them.
 * Description: In which order VMs lose their BOs to the shrinker.
 *
 * SUBTEST: reclaim-moved-bo
 * Run type: BAT, FULL
 * Description: A BO comes back for one VM while the other that maps it gives it up:
 *	the shrinker counts it among the BOs of the former from then on.
 *
 * SUBTEST: reclaim-order-restored
 * Description: Two VMs are evicted and come back: the shrinker begins with the one
 *	that was used first.
 *
 * SUBTEST: reclaim-order-used
 * Description: Of two VMs that hold their places on the GPU the shrinker begins with
 *	the one that had its last job first.
 *
 * SUBTEST: reclaim-two-shrinkers
 * Description: A VM is used while one shrinker is busy with it, and a second one comes:
 *	when both are done, a third one still finds what is left of the VM.
 */

IGT_TEST_DESCRIPTION("Check what outlives VMs and mappings of panthor");

/*
 * The scenarios, and the failure that each one hunts:
 *
 * 1. lifetime-destroy-binding: operations that map into a VM that nobody will ever unmap.
 * 2. lifetime-unmap-awaited: kernel warnings that any user can cause.
 * 3. lifetime-vms-listed: a VM without a name, half made or half gone, that hides others.
 * 4. reclaim-moved-bo: a BO that stays on the list of a VM that does not map it any
 *    more. That VM may be freed, so the subtest keeps it until the BO is gone.
 * 5. reclaim-order-*: VMs that lose the BOs of their next job while others idle.
 * 6. reclaim-two-shrinkers: a VM that no shrinker looks at any more.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE

/* 1 GiB-aligned, and free of what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND

/* How long VMs and objects may stay after they were given up: groups go later. */
#define RELEASE_DEADLINE_MS 300

/* How often a subtest tries to be in the middle of something before it skips. */
#define ATTEMPTS 5

/**
 * beside:
 * @started: the call is about to be made
 * @done: the call has returned
 * @err: what it returned
 * @applied: how many operations were done before one was refused
 *
 * A VM_BIND by another process, which shares the file.
 */
struct beside {
	volatile bool started;
	volatile bool done;
	volatile int err;
	volatile uint32_t applied;
};

/* Far more than any VM_BIND here takes. */
#define BESIDE_DEADLINE_MS 30000

static struct beside *beside_start(int fd, uint32_t vm_id, struct drm_panthor_vm_bind_op *ops,
				   uint32_t count)
{
	struct beside *b = igt_map_shared(sizeof(*b));

	igt_fork(child, 1) {
		struct drm_panthor_vm_bind bind = {
			.vm_id = vm_id,
			.ops = DRM_PANTHOR_OBJ_ARRAY(count, ops),
		};

		b->started = true;
		b->err = igt_ioctl(fd, DRM_IOCTL_PANTHOR_VM_BIND, &bind) ? -errno : 0;
		b->applied = bind.ops.count;
		b->done = true;
	}
	igt_assert(igt_wait(b->started, BESIDE_DEADLINE_MS, 0));

	return b;
}

static int beside_finish(struct beside *b)
{
	int err;

	igt_assert_f(igt_wait(b->done, BESIDE_DEADLINE_MS, 1), "VM_BIND takes over %d ms\n",
		     BESIDE_DEADLINE_MS);
	igt_waitchildren();
	err = b->err;
	igt_assert_eq(munmap(b, sizeof(*b)), 0);

	return err;
}

/* Operations on single pages, one after the other of @pages side by side, @count in all. */
static struct drm_panthor_vm_bind_op *page_ops(uint64_t va, uint32_t pages, uint32_t count,
					       uint32_t flags, uint32_t bo_handle)
{
	struct drm_panthor_vm_bind_op *ops = calloc(count, sizeof(*ops));

	igt_assert(ops);
	for (uint32_t i = 0; i < count; i++)
		ops[i] = (struct drm_panthor_vm_bind_op){
			.flags = flags,
			.bo_handle = bo_handle,
			.va = va + i % pages * PAGE,
			.size = PAGE,
		};

	return ops;
}

#define BO_FLAGS (DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC)

/* No VM but those of these subtests has a page there. */
#define BINDING_VA (BASE_VA + UINT64_C(0x23400000))

/* Few: where they are left behind, each look at gpuvas has to pass them. */
#define BINDING_PAGES 16

/* Enough for 10 ms and more; doubled if it was not. */
#define BINDING_COUNT 2048

/* How far into the VM_BIND the VM is destroyed. */
#define BINDING_US 2000

static unsigned int count_vmas(int fd, uint64_t va, uint64_t size)
{
	struct igt_panthor_vmas vmas;
	unsigned int count = 0;

	igt_panthor_read_gpuvas(fd, &vmas);
	for (size_t i = 0; i < vmas.count; i++)
		count += vmas.vma[i].va >= va && vmas.vma[i].va - va < size;
	igt_panthor_free_vmas(&vmas);

	return count;
}

/* False if the VM_BIND was over too soon. */
static bool destroy_binding(int fd, struct drm_panthor_vm_bind_op *ops, uint32_t count)
{
	const unsigned int before = count_vmas(fd, BINDING_VA, BINDING_PAGES * PAGE);
	struct beside *b;
	uint32_t vm_id;
	bool in_time, begun;
	int err;

	igt_panthor_vm_create(fd, &vm_id, 0);
	b = beside_start(fd, vm_id, ops, count);
	usleep(BINDING_US);
	igt_panthor_vm_destroy(fd, vm_id, 0);
	in_time = !b->done;
	igt_wait(b->done, BESIDE_DEADLINE_MS, 1);
	begun = b->applied && b->applied < count;
	err = beside_finish(b);

	igt_assert_f(igt_wait(count_vmas(fd, BINDING_VA, BINDING_PAGES * PAGE) == before,
			      RELEASE_DEADLINE_MS, 5),
		     "gpuvas still has what was bound while the VM was destroyed\n");
	/*
	 * What is refused may return before this process has had its turn; what was refused
	 * from the first operation on came too late to find the VM at all.
	 */
	if (in_time)
		igt_assert_eq(err, -EINVAL);

	return err == -EINVAL && begun;
}

static void lifetime_destroy_binding(int fd)
{
	uint32_t count = BINDING_COUNT;
	bool in_time = false;

	igt_panthor_require_debugfs(fd);
	for (unsigned int i = 0; i < ATTEMPTS && !in_time; i++, count *= 2) {
		struct drm_panthor_vm_bind_op *ops =
			page_ops(BINDING_VA, BINDING_PAGES, count, IGT_PANTHOR_SPARSE_FLAGS, 0);

		in_time = destroy_binding(fd, ops, count);
		free(ops);
	}
	igt_require_f(in_time, "VM_BIND is too fast to have its VM destroyed meanwhile\n");
}

#define STREAM_VA BASE_VA
#define WORD_VA (BASE_VA + SZ_1M)
#define STREAM_SIZE SZ_4K

/* More slots for groups than any GPU has. */
#define MAX_SLOTS 16

/* Time for the driver to take a group off its slot that others are to have. */
#define OFF_SLOT_US 100000

enum {
	REG_ADDRESS = 0,
	REG_VALUE = 2,
	REG_SCRATCH = 4,
};

/**
 * looker:
 * @exec: VM
 * @stream: what its groups run
 * @word: what they look at, at %WORD_VA
 * @stream_size: bytes of @stream
 */
struct looker {
	struct igt_panthor_exec exec;
	struct panthor_bo stream;
	struct panthor_bo word;
	int stream_size;
};

static void looker_init(struct looker *l, int fd, void (*build)(struct igt_panthor_cs *cs))
{
	struct igt_panthor_cs cs;

	igt_panthor_exec_init(&l->exec, fd);
	igt_panthor_exec_create_bo(&l->exec, &l->stream, STREAM_SIZE);
	igt_panthor_exec_create_bo(&l->exec, &l->word, PAGE);
	igt_panthor_vm_bind(fd, l->exec.vm_id, l->stream.handle, STREAM_VA, STREAM_SIZE,
			    DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_READONLY,
			    0);
	igt_panthor_vm_bind(fd, l->exec.vm_id, l->word.handle, WORD_VA, PAGE,
			    BO_FLAGS | DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED, 0);

	igt_panthor_cs_init(&cs, l->stream.map, STREAM_SIZE, &l->exec.limits);
	igt_panthor_cs_mov48(&cs, REG_ADDRESS, WORD_VA);
	build(&cs);
	l->stream_size = igt_panthor_cs_end(&cs, REG_SCRATCH);
	igt_assert_lt(0, l->stream_size);
	__sync_synchronize();
}

static void looker_fini(struct looker *l)
{
	igt_panthor_exec_fini(&l->exec);
	igt_panthor_free_bo(l->exec.fd, &l->word);
	igt_panthor_free_bo(l->exec.fd, &l->stream);
}

static void looker_start(const struct looker *l, uint32_t group, uint32_t syncobj)
{
	igt_panthor_group_submit_simple(l->exec.fd, group, 0, STREAM_VA, l->stream_size, syncobj,
					0);
}

/* Its queue is blocked until the word is greater than 0. */
static void build_wait(struct igt_panthor_cs *cs)
{
	igt_panthor_cs_mov32(cs, REG_VALUE, 0);
	igt_panthor_cs_raw(cs, cs_sync_wait(CS_OPCODE_SYNC_WAIT32, REG_ADDRESS, REG_VALUE,
					    CS_CONDITION_GREATER, false));
}

/* Its queue runs until the word is not 0. */
static void build_spin(struct igt_panthor_cs *cs)
{
	const unsigned int loop = igt_panthor_cs_new_label(cs);

	igt_panthor_cs_set_label(cs, loop);
	igt_panthor_cs_load(cs, REG_VALUE, 1, REG_ADDRESS, 0);
	igt_panthor_cs_branch(cs, CS_CONDITION_EQUAL, REG_VALUE, loop);
}

static uint32_t query_slots(int fd)
{
	struct drm_panthor_csif_info csif = {};

	igt_panthor_query(fd, DRM_PANTHOR_DEV_QUERY_CSIF_INFO, &csif, sizeof(csif), 0);
	igt_require_f(csif.csg_slot_count <= MAX_SLOTS, "the GPU has %u slots for groups\n",
		      csif.csg_slot_count);

	return csif.csg_slot_count;
}

static void assert_ended(const struct looker *l, uint32_t group, uint32_t syncobj)
{
	const struct igt_panthor_job_result result =
		igt_panthor_job_wait(l->exec.fd, group, syncobj, IGT_PANTHOR_JOB_DEADLINE_MS);

	igt_panthor_job_assert_done(&result);
}

static void assert_faulted(const struct looker *l)
{
	const struct igt_panthor_job_result result = igt_panthor_job_wait(
		l->exec.fd, l->exec.group, l->exec.syncobj, IGT_PANTHOR_JOB_DEADLINE_MS);

	igt_assert_f(result.fence < 0 && result.fence != -ETIME &&
			     result.group_state == DRM_PANTHOR_GROUP_STATE_FATAL_FAULT,
		     "the queue did not fault: fence %d, group state %#x\n", result.fence,
		     result.group_state);
}

/*
 * The driver looks after a blocked queue only while its group has no slot, so others
 * take all of them; the end of the first has it look.
 */
static void lifetime_unmap_awaited(int fd)
{
	const uint32_t slots = query_slots(fd);
	uint32_t group[MAX_SLOTS], syncobj[MAX_SLOTS];
	struct looker waiter, spinner;

	looker_init(&waiter, fd, build_wait);
	looker_init(&spinner, fd, build_spin);
	looker_start(&waiter, waiter.exec.group, waiter.exec.syncobj);
	for (uint32_t i = 0; i < slots; i++) {
		group[i] = igt_panthor_group_create_simple(fd, spinner.exec.vm_id, 0);
		syncobj[i] = syncobj_create(fd, 0);
		looker_start(&spinner, group[i], syncobj[i]);
	}
	usleep(OFF_SLOT_US);

	igt_panthor_ignore_fault_messages();
	igt_panthor_exec_unbind(&waiter.exec, WORD_VA, PAGE);
	*(volatile uint32_t *)spinner.word.map = 1;
	for (uint32_t i = 0; i < slots; i++) {
		assert_ended(&spinner, group[i], syncobj[i]);
		syncobj_destroy(fd, syncobj[i]);
		igt_panthor_group_destroy(fd, group[i], 0);
	}
	assert_faulted(&waiter);

	igt_panthor_exec_new_group(&waiter.exec);
	igt_panthor_exec_store_pages(&waiter.exec, waiter.exec.tag_va, PAGE, FIRST);
	looker_fini(&spinner);
	looker_fini(&waiter);
}

/* As long as the VMs of a second process come and go. */
#define LISTED_MS 250

static void make_vms(int fd)
{
	struct timespec since = {};

	while (igt_nsec_elapsed(&since) / 1000000 < LISTED_MS) {
		uint32_t vm_id;

		igt_panthor_vm_create(fd, &vm_id, 0);
		igt_panthor_vm_destroy(fd, vm_id, 0);
	}
}

/* Reads gpuvas once, where igt_panthor_read_gpuvas() would try again; 0 or an errno. */
static int read_gpuvas_once(int fd)
{
	char text[4096];
	int dir = igt_debugfs_dir(fd);
	int file, err;
	ssize_t got;

	igt_assert_fd(dir);
	file = openat(dir, "gpuvas", O_RDONLY);
	igt_assert_fd(file);
	while ((got = read(file, text, sizeof(text))) > 0)
		;
	err = got ? errno : 0;
	close(file);
	close(dir);

	return err;
}

static void lifetime_vms_listed(int fd)
{
	unsigned int reads = 0, failed = 0;
	struct timespec since = {};
	uint32_t vm_id;

	igt_panthor_require_debugfs(fd);
	igt_panthor_vm_create(fd, &vm_id, 0);
	igt_fork(child, 1)
		make_vms(fd);
	for (; igt_nsec_elapsed(&since) / 1000000 < LISTED_MS; reads++)
		failed += read_gpuvas_once(fd) != 0;
	igt_waitchildren();
	igt_assert_f(!failed, "gpuvas could not be read %u times of %u\n", failed, reads);
	igt_panthor_vm_destroy(fd, vm_id, 0);
}

/**
 * marked:
 * @bo: BO
 * @label: makes it known in gems
 *
 * A BO that the shrinker's doings are read from.
 */
struct marked {
	struct panthor_bo bo;
	const char *label;
};

#define MARKED_VA BASE_VA
#define MARKED_SIZE SZ_64K

/* Where a VM has others. */
#define BESIDES_VA (BASE_VA - SZ_1M)

static void marked_init(struct marked *m, int fd, const char *label)
{
	m->label = label;
	igt_panthor_bo_create(fd, &m->bo, MARKED_SIZE, 0, 0);
	igt_panthor_bo_set_label(fd, &m->bo, label);
}

static void marked_bind(const struct marked *m, struct igt_panthor_exec *exec, uint64_t va)
{
	igt_panthor_exec_bind_bo(exec, &m->bo, va);
}

static void marked_use(struct igt_panthor_exec *exec)
{
	igt_panthor_exec_store_pages(exec, MARKED_VA, MARKED_SIZE, FIRST);
}

static void marked_evict(int fd, const struct marked *m)
{
	igt_assert(igt_panthor_gem_resident(fd, m->label));
	igt_panthor_evict_gem(fd, m->label);
}

/* More BOs than the shrinker finds before it has come to all that are marked. */
#define MAX_SHRINKS 256

/*
 * Has the shrinker take a BO at a time until it has taken all of @marked, and asserts that
 * they went in this order. Not before they have: a BO that is on the wrong list is off it
 * then, and none is left there for the end of the process to fall over.
 */
static void assert_evict_order(int fd, const struct marked *const *marked, unsigned int count)
{
	unsigned int gone_at[3] = {};
	unsigned int left = count;

	igt_assert(count <= ARRAY_SIZE(gone_at));
	for (unsigned int shrinks = 1; shrinks <= MAX_SHRINKS && left; shrinks++) {
		igt_panthor_shrink_pages(fd, 1);
		for (unsigned int i = 0; i < count; i++) {
			if (gone_at[i] || igt_panthor_gem_resident(fd, marked[i]->label))
				continue;
			gone_at[i] = shrinks;
			left--;
		}
	}
	igt_assert_f(!left, "the shrinker left %u BOs alone\n", left);
	for (unsigned int i = 1; i < count; i++)
		igt_assert_f(gone_at[i - 1] < gone_at[i],
			     "the shrinker took \"%s\" before \"%s\"\n", marked[i]->label,
			     marked[i - 1]->label);
}

/*
 * Where the VM that gives up the BO has more to unmap behind it, one VMA a page. Binding
 * them takes several times as long as unmapping.
 */
#define MORE_VA (MARKED_VA + SZ_1M)
#define MORE_BATCH 1024
#define MORE_MS 120

static uint64_t bind_more(struct igt_panthor_exec *exec, const struct panthor_bo *bo,
			  unsigned int ms)
{
	struct timespec since = {};
	uint64_t end = MORE_VA;

	igt_nsec_elapsed(&since);
	while (igt_nsec_elapsed(&since) / 1000000 < ms) {
		struct drm_panthor_vm_bind_op *ops =
			page_ops(end, MORE_BATCH, MORE_BATCH, BO_FLAGS, bo->handle);

		igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, ops, MORE_BATCH, 0);
		free(ops);
		end += MORE_BATCH * PAGE;
	}

	return end;
}

/* How long it takes to unmap what bind_more() binds. */
static unsigned int unbind_more_us(struct igt_panthor_exec *exec, const struct panthor_bo *bo,
				   unsigned int ms)
{
	const uint64_t end = bind_more(exec, bo, ms);
	struct timespec since = {};

	igt_nsec_elapsed(&since);
	igt_panthor_exec_unbind(exec, MORE_VA, end - MORE_VA);

	return igt_nsec_elapsed(&since) / 1000;
}

/*
 * @to uses the BO while @from, which has it, unmaps it and more: half way through, when
 * the BO is unmapped already. False if the unmap was over too soon.
 */
static bool move_bo(struct igt_panthor_exec *from, struct igt_panthor_exec *to,
		    const struct panthor_bo *more, unsigned int ms)
{
	const struct igt_panthor_walk use =
		igt_panthor_pages(IGT_PANTHOR_STORE, MARKED_VA, MARKED_SIZE, SECOND);
	struct drm_panthor_vm_bind_op unmap = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
		.va = MARKED_VA,
	};
	const unsigned int us = unbind_more_us(from, more, ms);
	struct beside *b;
	bool in_time;

	unmap.size = bind_more(from, more, ms) - MARKED_VA;
	b = beside_start(from->fd, from->vm_id, &unmap, 1);
	usleep(us / 2);
	igt_panthor_exec_start(to, &use, NULL, 0);
	in_time = !b->done;
	igt_panthor_exec_finish(to);
	igt_assert_eq(beside_finish(b), 0);

	return in_time;
}

/**
 * moved:
 * @from: VM that has the BO first
 * @to: VM that has it in the end
 * @before: BO of @to only, which it had for longer
 * @bo: the BO
 * @after: BO of @to only, which it got later
 */
struct moved {
	struct igt_panthor_exec from;
	struct igt_panthor_exec to;
	struct marked before;
	struct marked bo;
	struct marked after;
};

static void moved_init(struct moved *m, int fd)
{
	igt_panthor_exec_init(&m->from, fd);
	igt_panthor_exec_init(&m->to, fd);
	marked_init(&m->before, fd, "before");
	marked_init(&m->bo, fd, "moved");
	marked_init(&m->after, fd, "after");

	marked_bind(&m->bo, &m->from, MARKED_VA);
	marked_bind(&m->bo, &m->to, MARKED_VA);
	marked_evict(fd, &m->bo);
	marked_use(&m->from);
}

static void moved_fini(struct moved *m, int fd)
{
	igt_panthor_exec_fini(&m->to);
	igt_panthor_exec_fini(&m->from);
	igt_panthor_free_bo(fd, &m->after.bo);
	igt_panthor_free_bo(fd, &m->bo.bo);
	igt_panthor_free_bo(fd, &m->before.bo);
}

/*
 * The BOs of a VM are evicted in the order in which they came, so what is on the list of
 * another VM is evicted before them all or behind them all.
 */
static bool reclaim_moved(int fd, unsigned int ms)
{
	struct panthor_bo more;
	struct moved m;
	bool in_time;

	moved_init(&m, fd);
	igt_panthor_bo_create(fd, &more, PAGE, 0, 0);
	marked_bind(&m.before, &m.to, BESIDES_VA);
	in_time = move_bo(&m.from, &m.to, &more, ms);
	marked_bind(&m.after, &m.to, BESIDES_VA + MARKED_SIZE);
	if (in_time) {
		assert_evict_order(fd, (const struct marked *[]){ &m.before, &m.bo, &m.after }, 3);
		marked_use(&m.to);
	}
	moved_fini(&m, fd);
	igt_panthor_free_bo(fd, &more);

	return in_time;
}

static void reclaim_moved_bo(int fd)
{
	unsigned int ms = MORE_MS;
	bool in_time = false;

	igt_panthor_require_shrink(fd);
	for (unsigned int i = 0; i < ATTEMPTS && !in_time; i++, ms *= 2)
		in_time = reclaim_moved(fd, ms);
	igt_require_f(in_time, "unmapping is too fast to have a job submitted meanwhile\n");
}

/**
 * pair:
 * @a: a VM
 * @b: another one
 * @of_a: BO that only @a maps
 * @of_b: BO that only @b maps
 */
struct pair {
	struct igt_panthor_exec a;
	struct igt_panthor_exec b;
	struct marked of_a;
	struct marked of_b;
};

static void pair_init(struct pair *p, int fd)
{
	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&p->a, fd);
	igt_panthor_exec_init(&p->b, fd);
	marked_init(&p->of_a, fd, "of a");
	marked_init(&p->of_b, fd, "of b");
	marked_bind(&p->of_a, &p->a, MARKED_VA);
	marked_bind(&p->of_b, &p->b, MARKED_VA);
	marked_use(&p->a);
	marked_use(&p->b);
}

static void pair_fini(struct pair *p, int fd)
{
	igt_panthor_exec_fini(&p->b);
	igt_panthor_exec_fini(&p->a);
	igt_panthor_free_bo(fd, &p->of_b.bo);
	igt_panthor_free_bo(fd, &p->of_a.bo);
}

static void reclaim_order_restored(int fd)
{
	struct pair p;

	pair_init(&p, fd);
	marked_evict(fd, &p.of_a);
	igt_assert(!igt_panthor_gem_resident(fd, p.of_b.label));
	marked_use(&p.a);
	marked_use(&p.b);
	assert_evict_order(fd, (const struct marked *[]){ &p.of_a, &p.of_b }, 2);
	pair_fini(&p, fd);
}

static void reclaim_order_used(int fd)
{
	struct pair p;

	pair_init(&p, fd);
	marked_use(&p.a);
	assert_evict_order(fd, (const struct marked *[]){ &p.of_b, &p.of_a }, 2);
	pair_fini(&p, fd);
}

/*
 * The VM of reclaim-two-shrinkers has two BOs that the shrinker could take. One is busy as
 * long as a job runs, so the first shrinker keeps it aside while it looks at the other one.
 * That is a page in many places, each of which takes a flush of the GPU's caches to unmap:
 * there is time for a second shrinker to come.
 */
#define BUSY_VA BASE_VA
#define BUSY_SIZE SZ_64K
#define SLOW_VA (BASE_VA + SZ_1G)
#define SLOW_STRIDE (2 * PAGE)
#define SLOW_COUNT 128

/* Where in the busy BO is what. */
#define SPIN_OFFSET (0 * PAGE)
#define BRIEF_OFFSET (1 * PAGE)
#define WORDS_OFFSET (2 * PAGE)

enum busy_word {
	BUSY_STARTED,
	BUSY_END,
};

/*
 * Time for a shrinker that has begun to come to the VM, less than it waits there for the job
 * that runs: ten jiffies. A different one in each round.
 */
#define SCAN_US 3000
#define SCAN_ROUNDS 3

/**
 * scanned:
 * @fd: device
 * @vm_id: VM that two shrinkers look at
 * @busy: BO with the streams and words of its jobs
 * @slow: BO that takes long to unmap
 * @spinner: group whose job runs until it is told to end
 * @brief: group whose job ends at once
 * @spun: signalled by the end of the job of @spinner
 * @spin_size: bytes of its stream
 * @brief_size: bytes of the other one
 */
struct scanned {
	int fd;
	uint32_t vm_id;
	struct marked busy;
	struct marked slow;
	uint32_t spinner;
	uint32_t brief;
	uint32_t spun;
	int spin_size;
	int brief_size;
};

static volatile uint32_t *busy_words(const struct scanned *s)
{
	return (volatile uint32_t *)((char *)s->busy.bo.map + WORDS_OFFSET);
}

static void build_streams(struct scanned *s)
{
	struct igt_panthor_cs_limits limits;
	struct igt_panthor_cs cs;
	char *map = s->busy.bo.map;

	igt_panthor_cs_query_limits(s->fd, &limits);
	igt_panthor_cs_init(&cs, map + SPIN_OFFSET, PAGE, &limits);
	igt_panthor_cs_mov48(&cs, REG_ADDRESS, BUSY_VA + WORDS_OFFSET);
	igt_panthor_cs_mov32(&cs, REG_VALUE, 1);
	igt_panthor_cs_store(&cs, REG_VALUE, 1, REG_ADDRESS, BUSY_STARTED * sizeof(uint32_t));
	igt_panthor_cs_mov48(&cs, REG_ADDRESS,
			     BUSY_VA + WORDS_OFFSET + BUSY_END * sizeof(uint32_t));
	build_spin(&cs);
	s->spin_size = igt_panthor_cs_end(&cs, REG_SCRATCH);
	igt_assert_lt(0, s->spin_size);

	igt_panthor_cs_init(&cs, map + BRIEF_OFFSET, PAGE, &limits);
	igt_panthor_cs_mov32(&cs, REG_VALUE, 0);
	s->brief_size = igt_panthor_cs_end(&cs, REG_SCRATCH);
	igt_assert_lt(0, s->brief_size);
	__sync_synchronize();
}

static void scanned_init(struct scanned *s, int fd)
{
	s->fd = fd;
	s->busy.label = "busy";
	igt_panthor_vm_create(fd, &s->vm_id, 0);
	igt_panthor_bo_create_mapped(fd, &s->busy.bo, BUSY_SIZE, 0, 0);
	igt_panthor_bo_set_label(fd, &s->busy.bo, s->busy.label);
	marked_init(&s->slow, fd, "slow");
	igt_panthor_vm_bind(fd, s->vm_id, s->busy.bo.handle, BUSY_VA, BUSY_SIZE,
			    DRM_PANTHOR_VM_BIND_OP_TYPE_MAP |
				    DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED, 0);
	build_streams(s);
	s->spun = syncobj_create(fd, 0);
	s->spinner = igt_panthor_group_create_simple(fd, s->vm_id, 0);
	s->brief = igt_panthor_group_create_simple(fd, s->vm_id, 0);
}

static void scanned_fini(struct scanned *s)
{
	igt_panthor_group_destroy(s->fd, s->brief, 0);
	igt_panthor_group_destroy(s->fd, s->spinner, 0);
	syncobj_destroy(s->fd, s->spun);
	igt_panthor_vm_destroy(s->fd, s->vm_id, 0);
	igt_panthor_free_bo(s->fd, &s->slow.bo);
	igt_panthor_free_bo(s->fd, &s->busy.bo);
}

static void assert_scanned_job_done(const struct scanned *s, uint32_t group, uint32_t syncobj)
{
	const struct igt_panthor_job_result result =
		igt_panthor_job_wait(s->fd, group, syncobj, IGT_PANTHOR_JOB_DEADLINE_MS);

	igt_panthor_job_assert_done(&result);
}

static void spin_start(struct scanned *s)
{
	busy_words(s)[BUSY_STARTED] = 0;
	busy_words(s)[BUSY_END] = 0;
	__sync_synchronize();
	igt_panthor_group_submit_simple(s->fd, s->spinner, 0, BUSY_VA + SPIN_OFFSET, s->spin_size,
					s->spun, 0);
	igt_assert_f(igt_wait(busy_words(s)[BUSY_STARTED], IGT_PANTHOR_JOB_DEADLINE_MS, 1),
		     "a job did not start\n");
}

static void spin_finish(struct scanned *s)
{
	busy_words(s)[BUSY_END] = 1;
	__sync_synchronize();
	assert_scanned_job_done(s, s->spinner, s->spun);
}

static void run_brief(const struct scanned *s)
{
	const uint32_t syncobj = syncobj_create(s->fd, 0);

	igt_panthor_group_submit_simple(s->fd, s->brief, 0, BUSY_VA + BRIEF_OFFSET, s->brief_size,
					syncobj, 0);
	assert_scanned_job_done(s, s->brief, syncobj);
	syncobj_destroy(s->fd, syncobj);
}

/* After the job that spins was submitted: it does not use this BO. */
static void bind_slow(const struct scanned *s)
{
	struct drm_panthor_vm_bind_op *ops = calloc(SLOW_COUNT, sizeof(*ops));

	igt_assert(ops);
	for (unsigned int i = 0; i < SLOW_COUNT; i++)
		ops[i] = (struct drm_panthor_vm_bind_op){
			.flags = BO_FLAGS,
			.bo_handle = s->slow.bo.handle,
			.va = SLOW_VA + i * SLOW_STRIDE,
			.size = PAGE,
		};
	igt_panthor_vm_bind_ops(s->fd, s->vm_id, ops, SLOW_COUNT, 0);
	free(ops);
}

/**
 * first_shrinker:
 * @begun: it is about to scan
 * @done: it has
 */
struct first_shrinker {
	bool begun;
	bool done;
};

/*
 * A job is submitted to the VM while the first shrinker is at it, so that it is there for the
 * second one, and ends. False if the second one did not come in time.
 */
static bool two_shrinkers(struct scanned *s, unsigned int us)
{
	volatile struct first_shrinker *first = igt_map_shared(PAGE);
	bool in_time;

	spin_start(s);
	bind_slow(s);

	igt_fork(child, 1) {
		first->begun = true;
		igt_panthor_shrink(s->fd);
		first->done = true;
	}
	igt_assert_f(igt_wait(first->begun, IGT_PANTHOR_JOB_DEADLINE_MS, 0),
		     "a process did not start\n");
	usleep(us);
	run_brief(s);
	igt_panthor_shrink(s->fd);
	in_time = !first->done;
	igt_waitchildren();
	spin_finish(s);

	marked_evict(s->fd, &s->busy);
	igt_panthor_vm_unbind(s->fd, s->vm_id, SLOW_VA, SLOW_COUNT * SLOW_STRIDE, 0);
	igt_assert_eq(munmap((void *)first, PAGE), 0);

	return in_time;
}

static void reclaim_two_shrinkers(int fd)
{
	unsigned int in_time = 0;
	struct scanned s;

	igt_panthor_require_shrink(fd);
	scanned_init(&s, fd);
	for (unsigned int i = 1; i <= SCAN_ROUNDS; i++)
		in_time += two_shrinkers(&s, i * SCAN_US);
	scanned_fini(&s);
	igt_require_f(in_time, "no shrinker comes to a VM while another one is at it\n");
}

static const struct igt_panthor_case cases[] = {
	{
		.name = "lifetime-destroy-binding",
		.describe = "Nothing is bound to a VM that is destroyed meanwhile",
		.run = lifetime_destroy_binding,
	},
	{
		.name = "lifetime-unmap-awaited",
		.describe = "A queue faults on what was unmapped while it waited for it",
		.run = lifetime_unmap_awaited,
	},
	{
		.name = "lifetime-vms-listed",
		.describe = "VMs that come and go hide none that stays",
		.run = lifetime_vms_listed,
	},
	{
		.name = "reclaim-moved-bo",
		.describe = "A BO counts among those of the VM that still maps it",
		.run = reclaim_moved_bo,
	},
	{
		.name = "reclaim-order-restored",
		.describe = "Of two VMs that were restored the first one is evicted first",
		.run = reclaim_order_restored,
	},
	{
		.name = "reclaim-order-used",
		.describe = "The VM that had the last job is evicted last",
		.run = reclaim_order_used,
	},
	{
		.name = "reclaim-two-shrinkers",
		.describe = "Two shrinkers that come across a VM leave it to a third one",
		.run = reclaim_two_shrinkers,
	},
	{}
};

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();
	for (const struct igt_panthor_case *c = cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest(c->name) {
			int fd = igt_panthor_open();

			c->run(fd);
			igt_panthor_close(fd);
		}
		igt_fixture()
			igt_teardown();
	}
}
