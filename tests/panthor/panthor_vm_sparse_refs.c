// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_fail_nth.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "igt_teardown.h"
#include "ioctl_wrappers.h"
#include "sw_sync.h"

/**
 * TEST: References that panthor's VMs and requests hold
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: refs
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs
 * Failure mode: BOs and VMAs that stay after a request was refused or a mapping was replaced, until
 *	the next request, or until the file is closed.
 * Scenario: refs-refused
 * Description: Compare the BOs of the process in gems, with the number of references to each, and
 *	the VMAs of the VM in gpuvas before and after. The VM stays in use.
 *
 * SUBTEST: refs-refused
 * Run type: BAT, FULL
 * Description: Create VMs up to the limit of a file, and one more, which is refused. Soon after
 *	they are destroyed, gems and gpuvas are what they were. Request wrong operations of several
 *	kinds, most of which name a BO, in synchronous and in queued calls. Right after each
 *	refusal, gems and gpuvas are what they were. An operation that is accepted is undone first.
 *
 * SUBTEST: refs-batch
 * Scenario: refs-batch
 * Description: Queue batches whose first, middle or last operation has a wrong offset, an array of
 *	syncs that can't be read, or a wait without a fence. Right after each refusal, gems and
 *	gpuvas are what they were.
 *
 * SUBTEST: refs-wrong-sync
 * Scenario: refs-wrong-sync
 * Run type: BAT, FULL
 * Description: Queue batches and jobs with a sync for a syncobj that does not exist: a signal or a
 *	wait, of a binary syncobj or of a timeline point. Right after each refusal, gems and gpuvas
 *	are what they were.
 *
 * SUBTEST: refs-batch-at-once
 * Scenario: refs-batch
 * Description: Execute batches whose first, middle or last operation is wrong, synchronously.
 *	VM_BIND fails and returns the index of the wrong operation. Right after an unmap of what the
 *	operations before it mapped, gems and gpuvas are what they were.
 *
 * SUBTEST: refs-replaced
 * Scenario: refs-replaced
 * Run type: BAT, FULL
 * Description: Map a BO, close its handle, and unmap or replace the mapping, as a whole and in
 *	pieces. The BO is there until its last page is unmapped, and gone right after that.
 *
 * SUBTEST: refs-replaced-queued
 * Scenario: refs-replaced
 * Description: Map a BO, close its handle, and queue operations that unmap or replace the mapping,
 *	as a whole and in pieces. The BO is there until its last page is unmapped, and goes without
 *	another request.
 *
 * SUBTEST: refs-shared
 * Scenario: refs-replaced
 * Description: Map a BO in two VMs and export it as a dma-buf, and close its handle. The BO goes
 *	with the last of the mappings and the dma-buf, whichever of the three is the last one.
 *
 * SUBTEST: refs-failed
 * Scenario: refs-failed
 * Test requirement: panthor uAPI 1.9, debugfs, root, a kernel with CONFIG_FAILSLAB
 * Description: Map a BO, bind a sparse range, unmap, queue a map, and create a BO and a VM, with
 *	each allocation failing in turn. After each refusal gems and gpuvas are what they were.
 *
 * SUBTEST: refs-failed-group
 * Scenario: refs-failed-group
 * Test requirement: panthor uAPI 1.9, debugfs, root, a kernel with CONFIG_FAILSLAB
 * Description: Create a group, with each allocation failing in turn. After each refusal gems and
 *	gpuvas are what they were.
 *
 * SUBTEST: refs-destroyed
 * Scenario: refs-replaced
 * Description: Destroy a VM and its group in either order under a job that accesses a BO and a
 *	sparse range, with the handle of the BO closed before the VM is destroyed or after that.
 *	Right after the end of the VM, its VMAs are gone. Right after the end of the VM and of the
 *	handle, the BO is gone. Soon after the end of VM and group, gems and gpuvas are what they
 *	were.
 */

IGT_TEST_DESCRIPTION("Check which references requests to panthor leave");

/*
 * The scenarios, and the failures that each one finds:
 *
 * 1. refs-refused: a return without the put of the BO, in a check behind its lookup.
 * 2. refs-batch: a cleanup that leaves out the operations before or behind the wrong one.
 * 3. refs-wrong-sync: a cleanup that puts a syncobj that was not found.
 * 4. refs-replaced: a mapping whose reference goes only with the next request of the VM, or with a
 *    group of a destroyed VM, or never.
 * 5. refs-failed: a cleanup after a failed allocation that does not undo what came before it.
 * 6. refs-failed-group: a cleanup after a failed allocation that undoes what was not done.
 *
 * gems shows the number of references to each BO. A BO without a handle is in gems as long as
 * something refers to it.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE

/* A multiple of every CPU page size. */
#define PART_SIZE ((uint64_t)SZ_64K)
#define BO_VA (2 * IGT_PANTHOR_EXEC_VA_END)
#define SPARSE_VA (BO_VA + PART_SIZE)
#define SEAM_VA (SPARSE_VA - PART_SIZE / 2)
#define FREE_VA (BO_VA + SZ_64M)

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND

#define BO_LABEL "mapped, refs"
#define VICTIM_LABEL "victim of refs"
#define REPLACED_LABEL "replaced, refs"

#define MAP IGT_PANTHOR_BO_MAP_FLAGS
#define SPARSE IGT_PANTHOR_SPARSE_FLAGS
#define UNMAP DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP
#define ASYNC DRM_PANTHOR_VM_BIND_ASYNC

/* No handle that a file with a dozen objects gives out. */
#define WILD_HANDLE UINT32_C(0xffffffff)

/**
 * snapshot:
 * @gems: BOs of the process but those of the kernel, which come and go with groups
 * @vmas: VMAs of a VM at user addresses
 */
struct snapshot {
	struct igt_panthor_gems gems;
	struct igt_panthor_vmas vmas;
};

/**
 * refs:
 * @exec: VM with @bo at %BO_VA and a sparse range at %SPARSE_VA
 * @bo: BO of %PART_SIZE
 * @victim: BO of %PART_SIZE that is mapped nowhere
 * @other_vm: another VM
 * @private: BO that only @other_vm may map
 * @before: state before a request
 */
struct refs {
	struct igt_panthor_exec exec;
	struct panthor_bo bo;
	struct panthor_bo victim;
	uint32_t other_vm;
	uint32_t private;
	struct snapshot before;
};

static void take(const struct refs *r, struct snapshot *s)
{
	struct igt_panthor_gem own;
	size_t kept = 0;

	igt_assert(igt_panthor_find_gem(r->exec.fd, BO_LABEL, &own));
	igt_panthor_read_gems(r->exec.fd, &s->gems);
	for (size_t i = 0; i < s->gems.count; i++)
		if (s->gems.gem[i].pid == own.pid &&
		    !(s->gems.gem[i].usage & IGT_PANTHOR_GEM_USAGE_KERNEL))
			s->gems.gem[kept++] = s->gems.gem[i];
	s->gems.count = kept;

	kept = 0;
	igt_panthor_exec_read_vmas(&r->exec, &s->vmas);
	for (size_t i = 0; i < s->vmas.count; i++)
		if (s->vmas.vma[i].va < r->exec.uva_range)
			s->vmas.vma[kept++] = s->vmas.vma[i];
	s->vmas.count = kept;
}

static void drop(struct snapshot *s)
{
	igt_panthor_free_gems(&s->gems);
	igt_panthor_free_vmas(&s->vmas);
}

static bool is_same_gem(const struct igt_panthor_gem *a, const struct igt_panthor_gem *b)
{
	return a->size == b->size && a->references == b->references && !strcmp(a->label, b->label);
}

static bool is_same_vma(const struct igt_panthor_vma *a, const struct igt_panthor_vma *b)
{
	return a->va == b->va && a->size == b->size && a->object == b->object &&
	       a->offset == b->offset;
}

static bool is_same(const struct snapshot *a, const struct snapshot *b)
{
	bool same = a->gems.count == b->gems.count && a->vmas.count == b->vmas.count;

	for (size_t i = 0; same && i < a->gems.count; i++)
		same = is_same_gem(&a->gems.gem[i], &b->gems.gem[i]);
	for (size_t i = 0; same && i < a->vmas.count; i++)
		same = is_same_vma(&a->vmas.vma[i], &b->vmas.vma[i]);

	return same;
}

static void print(const char *when, const struct snapshot *s)
{
	for (size_t i = 0; i < s->gems.count; i++)
		igt_info("%s: BO of %#" PRIx64 " bytes, %" PRIu64 " references, \"%s\"\n", when,
			 s->gems.gem[i].size, s->gems.gem[i].references, s->gems.gem[i].label);
	for (size_t i = 0; i < s->vmas.count; i++)
		igt_info("%s: VMA of %#" PRIx64 " bytes at %#" PRIx64 "\n", when,
			 s->vmas.vma[i].size, s->vmas.vma[i].va);
}

static bool is_back(const struct refs *r)
{
	struct snapshot now;
	bool same;

	take(r, &now);
	same = is_same(&r->before, &now);
	drop(&now);

	return same;
}

/* What a caller does itself is done when it returns, what a queue does some time later. */
static void assert_back(const struct refs *r, bool queued)
{
	const unsigned int ms = queued ? IGT_PANTHOR_RELEASE_DEADLINE_MS : 0;
	struct snapshot now;

	if (is_back(r) || (ms && igt_wait(is_back(r), ms, 2)))
		return;

	take(r, &now);
	print("before", &r->before);
	print("now", &now);
	drop(&now);
	igt_assert_f(false, "gems or gpuvas differ from what they were, %u ms after the request\n",
		     ms);
}

static uint32_t create_private_bo(int fd, uint32_t vm_id)
{
	struct drm_panthor_bo_create create = { .size = PART_SIZE, .exclusive_vm_id = vm_id };

	do_ioctl(fd, DRM_IOCTL_PANTHOR_BO_CREATE, &create);
	return create.handle;
}

static void refs_init(struct refs *r, int fd)
{
	memset(r, 0, sizeof(*r));
	igt_panthor_exec_init(&r->exec, fd);
	igt_panthor_exec_create_bo(&r->exec, &r->bo, PART_SIZE);
	igt_panthor_bo_set_label(fd, &r->bo, BO_LABEL);
	igt_panthor_exec_bind_bo(&r->exec, &r->bo, BO_VA);
	igt_panthor_exec_bind_sparse(&r->exec, SPARSE_VA, PART_SIZE);
	igt_panthor_exec_create_bo(&r->exec, &r->victim, PART_SIZE);
	igt_panthor_bo_set_label(fd, &r->victim, VICTIM_LABEL);
	igt_panthor_vm_create(fd, &r->other_vm, 0);
	r->private = create_private_bo(fd, r->other_vm);
	take(r, &r->before);
}

/* Rows share a file, until one of them fails. */
static struct refs rows;
static bool rows_intact;

static void start_rows(void)
{
	const int fd = igt_panthor_open();

	igt_panthor_require_debugfs(fd);
	igt_panthor_close(fd);
	rows_intact = false;
}

static struct refs *start_row(void)
{
	if (!rows_intact) {
		drop(&rows.before);
		igt_teardown();
		refs_init(&rows, igt_panthor_open());
	}
	rows_intact = false;

	return &rows;
}

static void end_row(struct refs *r)
{
	igt_panthor_vm_assert_usable(r->exec.fd, r->exec.vm_id);
	igt_panthor_sparse_store_load(&r->exec, BO_VA, 2 * PART_SIZE, FIRST);
	igt_panthor_bo_assert_holds(&r->bo, BO_VA, FIRST);
	rows_intact = true;
}

enum named {
	NOTHING,
	VICTIM,
	MAPPED,
	PRIVATE,
};

/**
 * refusal:
 * @name: name of the row
 * @flags: flags of the operation
 * @named: the BO that it names
 * @va: address
 * @size: size in bytes
 * @bo_offset: offset in the BO
 */
static const struct {
	const char *name;
	uint32_t flags;
	enum named named;
	uint64_t va;
	uint64_t size;
	uint64_t bo_offset;
} refusals[] = {
	{ "beyond-end", MAP, VICTIM, SEAM_VA, PART_SIZE, PAGE },
	{ "above-size", MAP, VICTIM, SEAM_VA, 2 * PART_SIZE, 0 },
	{ "offset-unaligned", MAP, VICTIM, SEAM_VA, PAGE, 8 },
	{ "va-unaligned", MAP, VICTIM, SEAM_VA + 8, PAGE, 0 },
	{ "wraps", MAP, VICTIM, -PAGE, 2 * PAGE, 0 },
	{ "unknown-flag", MAP | 1 << 27, VICTIM, SEAM_VA, PART_SIZE, 0 },
	{ "unknown-type", 15u << 28, VICTIM, SEAM_VA, PART_SIZE, 0 },
	{ "private", MAP, PRIVATE, SEAM_VA, PART_SIZE, 0 },
	{ "mapped-beyond-end", MAP, MAPPED, SEAM_VA, PART_SIZE, PAGE },
	{ "sparse-handle", SPARSE, VICTIM, SEAM_VA, PART_SIZE, 0 },
	{ "sparse-offset", SPARSE, NOTHING, SEAM_VA, PART_SIZE, PAGE },
	{ "sparse-exec", SPARSE & ~DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC, NOTHING, SEAM_VA, PART_SIZE,
	  0 },
	{ "unmap-handle", UNMAP, MAPPED, BO_VA, PART_SIZE, 0 },
};

static uint32_t named_handle(const struct refs *r, enum named named)
{
	switch (named) {
	case VICTIM:
		return r->victim.handle;
	case MAPPED:
		return r->bo.handle;
	case PRIVATE:
		return r->private;
	default:
		return 0;
	}
}

/* Executes an operation, in the queue or not, and waits for its end. */
static void execute(struct refs *r, uint32_t flags, uint64_t va, uint64_t size, bool queued)
{
	uint32_t done = syncobj_create(r->exec.fd, 0);
	struct drm_panthor_sync_op signal = igt_panthor_sync_signal(done, 0);
	struct drm_panthor_vm_bind_op op = {
		.flags = flags,
		.bo_handle = flags == MAP ? r->victim.handle : 0,
		.va = va,
		.size = size,
	};

	if (queued)
		op.syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &signal);
	igt_assert_eq(__igt_panthor_vm_bind_ops(r->exec.fd, r->exec.vm_id, queued ? ASYNC : 0, &op,
						1), 0);
	if (queued)
		igt_assert(syncobj_wait(r->exec.fd, &done, 1,
					igt_panthor_deadline(IGT_PANTHOR_JOB_DEADLINE_MS), 0,
					NULL));
	syncobj_destroy(r->exec.fd, done);
}

/* Comes behind a queued bind, and replaces what it mapped. */
static void undo_bind(struct refs *r)
{
	execute(r, UNMAP, BO_VA, 2 * PART_SIZE, true);
	igt_panthor_exec_bind_bo(&r->exec, &r->bo, BO_VA);
	igt_panthor_exec_bind_sparse(&r->exec, SPARSE_VA, PART_SIZE);
}

/* Other subtests check that the request is refused. If it is accepted, it is undone. */
static void refuse(struct refs *r, size_t row, uint32_t flags)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = refusals[row].flags,
		.bo_handle = named_handle(r, refusals[row].named),
		.bo_offset = refusals[row].bo_offset,
		.va = refusals[row].va,
		.size = refusals[row].size,
	};

	if (!__igt_panthor_vm_bind_ops(r->exec.fd, r->exec.vm_id, flags, &op, 1)) {
		igt_info("accepted\n");
		undo_bind(r);
	}
	assert_back(r, false);
}

/* More VMs than a file can have (PANTHOR_MAX_VMS_PER_FILE in panthor_mmu.c). */
#define MANY_VMS 64

static int create_vm(int fd, uint32_t *vm_id)
{
	struct drm_panthor_vm_create create = {};
	const int err = igt_ioctl(fd, DRM_IOCTL_PANTHOR_VM_CREATE, &create) ? -errno : 0;

	*vm_id = create.id;
	return err;
}

static void refuse_vms(struct refs *r)
{
	uint32_t vm_id[MANY_VMS], refused;
	unsigned int count = 0;

	while (count < MANY_VMS && !create_vm(r->exec.fd, &vm_id[count]))
		count++;
	igt_assert_lt_u32(count, MANY_VMS);
	igt_assert_lt(create_vm(r->exec.fd, &refused), 0);
	while (count--)
		igt_panthor_vm_destroy(r->exec.fd, vm_id[count], 0);
	assert_back(r, true);
}

static void refs_refused(void)
{
	igt_dynamic("vm") {
		struct refs *r = start_row();

		refuse_vms(r);
		end_row(r);
	}
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		igt_dynamic(refusals[i].name) {
			struct refs *r = start_row();

			refuse(r, i, 0);
			refuse(r, i, ASYNC);
			end_row(r);
		}
}

/* What is wrong with an operation of a batch. */
enum wrong {
	WRONG_OFFSET,
	WRONG_ARRAY,
	WRONG_WAIT,
	WRONGS,
};

static const char * const wrong_names[WRONGS] = {
	[WRONG_OFFSET] = "offset",
	[WRONG_ARRAY] = "array",
	[WRONG_WAIT] = "wait",
};

static const int wrong_errs[WRONGS] = {
	[WRONG_OFFSET] = -EINVAL,
	[WRONG_ARRAY] = -EFAULT,
	[WRONG_WAIT] = -EINVAL,
};

#define BATCH 5

static const struct {
	const char *name;
	unsigned int place;
} places[] = {
	{ "first", 0 },
	{ "middle", BATCH / 2 },
	{ "last", BATCH - 1 },
};

/* Maps two parts of a BO, another BO and two sparse ranges, all at unmapped addresses. */
static void fill_batch(const struct refs *r, struct drm_panthor_vm_bind_op *ops)
{
	const uint32_t handle[BATCH] = { r->victim.handle, 0, r->bo.handle, 0, r->victim.handle };

	for (unsigned int i = 0; i < BATCH; i++)
		ops[i] = (struct drm_panthor_vm_bind_op){
			.flags = handle[i] ? MAP : SPARSE,
			.bo_handle = handle[i],
			.va = FREE_VA + i * PART_SIZE,
			.size = PART_SIZE,
		};
}

static void spoil(struct drm_panthor_vm_bind_op *op, enum wrong wrong,
		  struct drm_panthor_sync_op *sync, uint32_t unsignalled)
{
	switch (wrong) {
	case WRONG_OFFSET:
		op->bo_offset = op->bo_handle ? PART_SIZE : PAGE;
		return;
	case WRONG_WAIT:
		*sync = igt_panthor_sync_wait(unsignalled, 0);
		break;
	default:
		/* The first page of a process is never mapped. */
		sync = (struct drm_panthor_sync_op *)sizeof(uint64_t);
		break;
	}
	op->syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, sync);
}

static void refuse_batch(struct refs *r, unsigned int place, enum wrong wrong)
{
	uint32_t unsignalled = syncobj_create(r->exec.fd, 0);
	struct drm_panthor_vm_bind_op ops[BATCH];
	struct drm_panthor_sync_op sync;

	fill_batch(r, ops);
	spoil(&ops[place], wrong, &sync, unsignalled);
	igt_assert_eq(__igt_panthor_vm_bind_ops(r->exec.fd, r->exec.vm_id, ASYNC, ops, BATCH),
		      wrong_errs[wrong]);
	assert_back(r, false);
	syncobj_destroy(r->exec.fd, unsignalled);
}

static void refs_batch(void)
{
	for (enum wrong wrong = 0; wrong < WRONGS; wrong++)
		for (size_t i = 0; i < ARRAY_SIZE(places); i++)
			igt_dynamic_f("%s-%s", wrong_names[wrong], places[i].name) {
				struct refs *r = start_row();

				refuse_batch(r, places[i].place, wrong);
				end_row(r);
			}
}

static const struct {
	const char *name;
	uint32_t flags;
	uint64_t point;
	int err;
} wrong_syncs[] = {
	{ "signal", DRM_PANTHOR_SYNC_OP_SIGNAL, 0, -EINVAL },
	{ "signal-timeline",
	  DRM_PANTHOR_SYNC_OP_SIGNAL | DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ, 1,
	  -EINVAL },
	{ "wait", DRM_PANTHOR_SYNC_OP_WAIT, 0, -ENOENT },
	{ "wait-timeline",
	  DRM_PANTHOR_SYNC_OP_WAIT | DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ, 1, -ENOENT },
};

static void refuse_wrong_sync(struct refs *r, size_t row)
{
	struct drm_panthor_sync_op sync = {
		.flags = wrong_syncs[row].flags,
		.handle = WILD_HANDLE,
		.timeline_value = wrong_syncs[row].point,
	};
	struct drm_panthor_queue_submit job = { .syncs = DRM_PANTHOR_OBJ_ARRAY(1, &sync) };
	struct drm_panthor_group_submit submit = {
		.group_handle = r->exec.group,
		.queue_submits = DRM_PANTHOR_OBJ_ARRAY(1, &job),
	};
	struct drm_panthor_vm_bind_op ops[BATCH];

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		fill_batch(r, ops);
		ops[places[i].place].syncs = job.syncs;
		igt_assert_eq(__igt_panthor_vm_bind_ops(r->exec.fd, r->exec.vm_id, ASYNC, ops,
							BATCH), wrong_syncs[row].err);
		assert_back(r, false);
	}
	igt_assert_eq(__igt_panthor_group_submit(r->exec.fd, &submit), wrong_syncs[row].err);
	assert_back(r, false);
}

static void refs_wrong_sync(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong_syncs); i++)
		igt_dynamic(wrong_syncs[i].name) {
			struct refs *r = start_row();

			refuse_wrong_sync(r, i);
			end_row(r);
		}
}

static void refuse_batch_at_once(struct refs *r, unsigned int place)
{
	struct drm_panthor_vm_bind_op ops[BATCH];
	struct drm_panthor_vm_bind bind = {
		.vm_id = r->exec.vm_id,
		.ops = DRM_PANTHOR_OBJ_ARRAY(BATCH, ops),
	};

	fill_batch(r, ops);
	spoil(&ops[place], WRONG_OFFSET, NULL, 0);
	igt_assert_eq(___igt_panthor_vm_bind(r->exec.fd, &bind), -EINVAL);
	igt_assert_eq_u32(bind.ops.count, place);
	igt_panthor_exec_unbind(&r->exec, FREE_VA, BATCH * PART_SIZE);
	assert_back(r, false);
}

static void refs_batch_at_once(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		igt_dynamic(places[i].name) {
			struct refs *r = start_row();

			refuse_batch_at_once(r, places[i].place);
			end_row(r);
		}
}

#define MAX_STEPS 3

/**
 * replacement:
 * @name: name of the row
 * @step: operations that unmap the mapping: flags, and the range from its start
 *
 * The last operation unmaps the last page.
 */
static const struct {
	const char *name;
	struct {
		uint32_t flags;
		uint64_t start;
		uint64_t size;
	} step[MAX_STEPS];
} replacements[] = {
	{ "unmap", { { UNMAP, 0, PART_SIZE } } },
	{ "sparse", { { SPARSE, 0, PART_SIZE } } },
	{ "bo", { { MAP, 0, PART_SIZE } } },
	{ "sparse-around", { { SPARSE, -PART_SIZE, 3 * PART_SIZE } } },
	{ "unmap-halves", { { UNMAP, 0, PART_SIZE / 2 }, { UNMAP, PART_SIZE / 2, PART_SIZE / 2 } } },
	{ "bo-halves", { { MAP, PART_SIZE / 2, PART_SIZE / 2 }, { MAP, 0, PART_SIZE / 2 } } },
	{ "sparse-middle-first",
	  { { SPARSE, PAGE, PART_SIZE - 2 * PAGE }, { UNMAP, PART_SIZE - PAGE, PAGE },
	    { UNMAP, 0, PAGE } } },
	{ "unmap-middle-first",
	  { { UNMAP, PAGE, PART_SIZE - 2 * PAGE }, { MAP, 0, PAGE },
	    { SPARSE, PART_SIZE - PAGE, PAGE } } },
};

static bool has_gem(int fd, const char *label)
{
	struct igt_panthor_gem gem;

	return igt_panthor_find_gem(fd, label, &gem);
}

/* Creates a BO, maps it at %FREE_VA and closes its handle. */
static void map_and_close(struct refs *r)
{
	struct panthor_bo bo;

	igt_panthor_bo_create(r->exec.fd, &bo, PART_SIZE, 0, 0);
	igt_panthor_bo_set_label(r->exec.fd, &bo, REPLACED_LABEL);
	igt_panthor_exec_bind_bo(&r->exec, &bo, FREE_VA);
	igt_panthor_exec_store_pages(&r->exec, FREE_VA, PART_SIZE, SECOND);
	igt_panthor_free_bo(r->exec.fd, &bo);
	igt_assert_f(has_gem(r->exec.fd, REPLACED_LABEL), "a mapped BO went with its handle\n");
}

static void assert_gone(struct refs *r, const char *label, bool queued)
{
	const unsigned int ms = queued ? IGT_PANTHOR_RELEASE_DEADLINE_MS : 0;

	igt_assert_f(!has_gem(r->exec.fd, label) ||
			     (ms && igt_wait(!has_gem(r->exec.fd, label), ms, 2)),
		     "gems has the BO %u ms after the end of its last mapping\n", ms);
}

static void replace(struct refs *r, size_t row, bool queued)
{
	map_and_close(r);
	for (unsigned int i = 0; i < MAX_STEPS && replacements[row].step[i].size; i++) {
		igt_assert_f(has_gem(r->exec.fd, REPLACED_LABEL),
			     "the BO is gone before operation %u\n", i);
		execute(r, replacements[row].step[i].flags,
			FREE_VA + replacements[row].step[i].start,
			replacements[row].step[i].size, queued);
	}
	assert_gone(r, REPLACED_LABEL, queued);
	execute(r, UNMAP, FREE_VA - PART_SIZE, 3 * PART_SIZE, queued);
	assert_back(r, queued);
}

static void run_replacements(bool queued)
{
	for (size_t i = 0; i < ARRAY_SIZE(replacements); i++)
		igt_dynamic(replacements[i].name) {
			struct refs *r = start_row();

			replace(r, i, queued);
			end_row(r);
		}
}

static void refs_replaced(void)
{
	run_replacements(false);
}

static void refs_replaced_queued(void)
{
	run_replacements(true);
}

enum holder {
	THIS_VM,
	OTHER_VM,
	DMABUF,
	HOLDERS,
};

static const struct {
	const char *name;
	enum holder order[HOLDERS];
} orders[] = {
	{ "dmabuf-last", { THIS_VM, OTHER_VM, DMABUF } },
	{ "dmabuf-first", { DMABUF, THIS_VM, OTHER_VM } },
	{ "other-vm-first", { OTHER_VM, DMABUF, THIS_VM } },
};

static void release_holders(struct refs *r, const enum holder *order)
{
	const int fd = r->exec.fd;
	struct panthor_bo bo;
	int dmabuf;

	igt_panthor_bo_create(fd, &bo, PART_SIZE, 0, 0);
	igt_panthor_bo_set_label(fd, &bo, REPLACED_LABEL);
	igt_panthor_exec_bind_bo(&r->exec, &bo, FREE_VA);
	igt_panthor_vm_bind(fd, r->other_vm, bo.handle, FREE_VA, PART_SIZE, MAP, 0);
	dmabuf = igt_panthor_bo_export(fd, bo.handle);
	igt_panthor_free_bo(fd, &bo);

	for (unsigned int i = 0; i < HOLDERS; i++) {
		igt_assert_f(has_gem(fd, REPLACED_LABEL), "the BO is gone before its holder %u\n",
			     i);
		if (order[i] == THIS_VM)
			igt_panthor_exec_unbind(&r->exec, FREE_VA, PART_SIZE);
		else if (order[i] == OTHER_VM)
			igt_panthor_vm_unbind(fd, r->other_vm, FREE_VA, PART_SIZE, 0);
		else
			igt_assert_eq(close(dmabuf), 0);
	}
	/* The end of a dma-buf is a task work of the process that closes it. */
	assert_gone(r, REPLACED_LABEL, true);
	assert_back(r, false);
}

static void refs_shared(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
		igt_dynamic(orders[i].name) {
			struct refs *r = start_row();

			release_holders(r, orders[i].order);
			end_row(r);
		}
}

/* More allocations than any request here makes. */
#define MAX_ALLOCATIONS 400

static int bind_one(struct refs *r, uint32_t bind_flags, uint32_t flags, uint32_t handle)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = flags,
		.bo_handle = handle,
		.va = SEAM_VA,
		.size = PART_SIZE,
	};

	return __igt_panthor_vm_bind_ops(r->exec.fd, r->exec.vm_id, bind_flags, &op, 1);
}

static int request_map(struct refs *r)
{
	return bind_one(r, 0, MAP, r->victim.handle);
}

static int request_map_queued(struct refs *r)
{
	return bind_one(r, ASYNC, MAP, r->victim.handle);
}

static int request_sparse(struct refs *r)
{
	return bind_one(r, 0, SPARSE, 0);
}

static int request_unmap(struct refs *r)
{
	return bind_one(r, 0, UNMAP, 0);
}

static uint32_t created;

static int request_bo(struct refs *r)
{
	struct drm_panthor_bo_create create = { .size = PART_SIZE };
	const int err = igt_ioctl(r->exec.fd, DRM_IOCTL_PANTHOR_BO_CREATE, &create) ? -errno : 0;

	created = create.handle;
	return err;
}

static void undo_bo(struct refs *r)
{
	gem_close(r->exec.fd, created);
}

static int request_vm(struct refs *r)
{
	return create_vm(r->exec.fd, &created);
}

static void undo_vm(struct refs *r)
{
	igt_panthor_vm_destroy(r->exec.fd, created, 0);
}

static int request_group(struct refs *r)
{
	const struct drm_panthor_queue_create queue = { .ringbuf_size = SZ_4K };
	struct drm_panthor_group_create create = {
		.queues = DRM_PANTHOR_OBJ_ARRAY(1, &queue),
		.priority = PANTHOR_GROUP_PRIORITY_MEDIUM,
		.vm_id = r->exec.vm_id,
	};
	const int err = igt_ioctl(r->exec.fd, DRM_IOCTL_PANTHOR_GROUP_CREATE, &create) ? -errno : 0;

	created = create.group_handle;
	return err;
}

static void undo_group(struct refs *r)
{
	igt_panthor_group_destroy(r->exec.fd, created, 0);
}

/**
 * failure:
 * @name: name of the row
 * @request: makes one system call; returns 0 or a negative errno
 * @undo: undoes it
 * @queued: workers release what the request created
 */
struct failure {
	const char *name;
	int (*request)(struct refs *r);
	void (*undo)(struct refs *r);
	bool queued;
};

static const struct failure failures[] = {
	{ "map", request_map, undo_bind, false },
	{ "map-queued", request_map_queued, undo_bind, true },
	{ "sparse", request_sparse, undo_bind, false },
	{ "unmap", request_unmap, undo_bind, false },
	{ "bo", request_bo, undo_bo, false },
	{ "vm", request_vm, undo_vm, true },
};

static const struct failure group_failure = { "group", request_group, undo_group, true };

/* Returns false if the request made fewer than @nth allocations. */
static bool attempt(struct refs *r, const struct failure *failure, unsigned int nth,
		    unsigned int bos)
{
	bool failed;
	int err;

	igt_fail_nth_start(nth);
	err = failure->request(r);
	failed = igt_fail_nth_stop();

	igt_debug("allocation %u %s, request: %s\n", nth, failed ? "failed" : "was not made",
		  strerror(-err));
	if (!err)
		failure->undo(r);
	else
		igt_assert_f(failed, "refused: %s\n", strerror(-err));
	assert_back(r, failure->queued || !err);
	igt_assert_f(igt_panthor_wait_own_gems(r->exec.fd, bos, IGT_PANTHOR_RELEASE_DEADLINE_MS),
		     "gems has %u BOs of the process, %u before\n",
		     igt_panthor_count_own_gems(r->exec.fd), bos);

	return failed;
}

static void fail_each(struct refs *r, const struct failure *failure)
{
	const unsigned int bos = igt_panthor_count_own_gems(r->exec.fd);
	unsigned int nth = 1;

	igt_fail_nth_require();
	/* Messages of the scheduler of queues, and of the driver about labels of kernel BOs. */
	igt_emit_ignore_dmesg_regex("out of memory|Not enough memory to allocate BO label");
	while (nth <= MAX_ALLOCATIONS && attempt(r, failure, nth, bos))
		nth++;
	igt_assert(nth > 1 && nth <= MAX_ALLOCATIONS);
	igt_info("%u allocations failed, one by one\n", nth - 1);
}

static void refs_failed(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
		igt_dynamic(failures[i].name) {
			struct refs *r = start_row();

			fail_each(r, &failures[i]);
			end_row(r);
		}
}

static void refs_failed_group(void)
{
	igt_dynamic(group_failure.name) {
		struct refs *r = start_row();

		fail_each(r, &group_failure);
		end_row(r);
	}
}

/* No other subtest of this process maps anything there. */
#define TORN_VA (BO_VA + UINT64_C(0x34560000))

/**
 * destruction:
 * @name: name of the row
 * @group_first: the group is destroyed before the VM
 * @closed: the handle of the BO is closed before both
 */
static const struct {
	const char *name;
	bool group_first;
	bool closed;
} destructions[] = {
	{ "vm-group", false, false },
	{ "vm-group-closed", false, true },
	{ "group-vm", true, false },
	{ "group-vm-closed", true, true },
};

static unsigned int count_torn_vmas(int fd)
{
	struct igt_panthor_vmas vmas;
	unsigned int count = 0;

	igt_panthor_read_gpuvas(fd, &vmas);
	for (size_t i = 0; i < vmas.count; i++)
		count += vmas.vma[i].va >= TORN_VA && vmas.vma[i].va < TORN_VA + 2 * PART_SIZE;
	igt_panthor_free_vmas(&vmas);

	return count;
}

/* A VM whose job accesses a BO and a sparse range behind it. */
static void start_torn(struct igt_panthor_exec *exec, struct panthor_bo *bo, int fd)
{
	const struct igt_panthor_walk walk =
		igt_panthor_pages(IGT_PANTHOR_STORE_LOAD, TORN_VA, 2 * PART_SIZE, SECOND);

	igt_panthor_exec_init(exec, fd);
	igt_panthor_bo_create(fd, bo, PART_SIZE, 0, 0);
	igt_panthor_bo_set_label(fd, bo, REPLACED_LABEL);
	igt_panthor_exec_bind_bo(exec, bo, TORN_VA);
	igt_panthor_exec_bind_sparse(exec, TORN_VA + PART_SIZE, PART_SIZE);
	igt_panthor_exec_repeat(exec, &walk);
	igt_assert_eq_u32(count_torn_vmas(fd), 2);
}

static void free_exec_bos(struct igt_panthor_exec *exec)
{
	syncobj_destroy(exec->fd, exec->syncobj);
	igt_panthor_free_bo(exec->fd, &exec->tag);
	igt_panthor_free_bo(exec->fd, &exec->flag);
	igt_panthor_free_bo(exec->fd, &exec->out);
	igt_panthor_free_bo(exec->fd, &exec->cmd);
}

static void tear(struct refs *r, bool group_first, bool closed)
{
	const int fd = r->exec.fd;
	const unsigned int bos = igt_panthor_count_own_gems(fd);
	struct igt_panthor_exec exec;
	struct panthor_bo bo;

	igt_panthor_ignore_fault_messages();
	start_torn(&exec, &bo, fd);
	if (closed)
		igt_panthor_free_bo(fd, &bo);
	if (group_first)
		igt_panthor_group_destroy(fd, exec.group, 0);
	igt_panthor_vm_destroy(fd, exec.vm_id, 0);

	igt_assert_f(!count_torn_vmas(fd), "gpuvas has VMAs of a destroyed VM\n");
	if (!closed)
		igt_panthor_free_bo(fd, &bo);
	assert_gone(r, REPLACED_LABEL, false);

	if (!group_first)
		igt_panthor_group_destroy(fd, exec.group, 0);
	free_exec_bos(&exec);
	assert_back(r, true);
	igt_assert_f(igt_panthor_wait_own_gems(fd, bos, IGT_PANTHOR_RELEASE_DEADLINE_MS),
		     "gems has %u BOs of the process, %u before\n", igt_panthor_count_own_gems(fd),
		     bos);
}

static void refs_destroyed(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(destructions); i++)
		igt_dynamic(destructions[i].name) {
			struct refs *r = start_row();

			tear(r, destructions[i].group_first, destructions[i].closed);
			end_row(r);
		}
}

static const struct {
	const char *name;
	const char *describe;
	void (*run)(void);
} refs_cases[] = {
	{
		.name = "refs-refused",
		.describe = "Create VMs up to the limit of a file, and one more, which is refused. "
			    "Soon after they are destroyed, gems and gpuvas are what they were. "
			    "Request wrong operations of several kinds, most of which name a BO, "
			    "in synchronous and in queued calls. Right after each refusal, gems "
			    "and gpuvas are what they were. An operation that is accepted is "
			    "undone first.",
		.run = refs_refused,
	},
	{
		.name = "refs-batch",
		.describe = "Queue batches whose first, middle or last operation has a wrong "
			    "offset, an array of syncs that can't be read, or a wait without a "
			    "fence. Right after each refusal, gems and gpuvas are what they were.",
		.run = refs_batch,
	},
	{
		.name = "refs-wrong-sync",
		.describe = "Queue batches and jobs with a sync for a syncobj that does not "
			    "exist: a signal or a wait, of a binary syncobj or of a timeline "
			    "point. Right after each refusal, gems and gpuvas are what they were.",
		.run = refs_wrong_sync,
	},
	{
		.name = "refs-batch-at-once",
		.describe = "Execute batches whose first, middle or last operation is wrong, "
			    "synchronously. VM_BIND fails and returns the index of the wrong "
			    "operation. Right after an unmap of what the operations before it "
			    "mapped, gems and gpuvas are what they were.",
		.run = refs_batch_at_once,
	},
	{
		.name = "refs-replaced",
		.describe = "Map a BO, close its handle, and unmap or replace the mapping, as a "
			    "whole and in pieces. The BO is there until its last page is unmapped, "
			    "and gone right after that.",
		.run = refs_replaced,
	},
	{
		.name = "refs-replaced-queued",
		.describe = "Map a BO, close its handle, and queue operations that unmap or replace "
			    "the mapping, as a whole and in pieces. The BO is there until its last "
			    "page is unmapped, and goes without another request.",
		.run = refs_replaced_queued,
	},
	{
		.name = "refs-shared",
		.describe = "Map a BO in two VMs and export it as a dma-buf, and close its handle. "
			    "The BO goes with the last of the mappings and the dma-buf, whichever "
			    "of the three is the last one.",
		.run = refs_shared,
	},
	{
		.name = "refs-failed",
		.describe = "Map a BO, bind a sparse range, unmap, queue a map, and create a BO and "
			    "a VM, with each allocation failing in turn. After each refusal gems "
			    "and gpuvas are what they were.",
		.run = refs_failed,
	},
	{
		.name = "refs-failed-group",
		.describe = "Create a group, with each allocation failing in turn. After each "
			    "refusal gems and gpuvas are what they were.",
		.run = refs_failed_group,
	},
	{
		.name = "refs-destroyed",
		.describe = "Destroy a VM and its group in either order under a job that accesses "
			    "a BO and a sparse range, with the handle of the BO closed before the "
			    "VM is destroyed or after that. Right after the end of the VM, its "
			    "VMAs are gone. Right after the end of the VM and of the handle, the "
			    "BO is gone. Soon after the end of VM and group, gems and gpuvas are "
			    "what they were.",
		.run = refs_destroyed,
	},
};

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();

	for (size_t i = 0; i < ARRAY_SIZE(refs_cases); i++) {
		igt_describe(refs_cases[i].describe);
		igt_subtest_with_dynamic(refs_cases[i].name) {
			start_rows();
			refs_cases[i].run();
		}
		igt_fixture()
			igt_teardown();
	}
}
