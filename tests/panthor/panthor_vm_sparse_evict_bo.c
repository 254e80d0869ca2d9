// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <fcntl.h>
#include <inttypes.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_kernel_memory.h"
#include "igt_panthor_shadow.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "igt_teardown.h"
#include "ioctl_wrappers.h"

/**
 * TEST: Holes in evicted BOs of panthor
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: buffer objects, sparse mappings, eviction
 * Feature: hole
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap
 * Failure mode: Parts of a BO's mapping that are restored at another offset or size after the
 *	mapping was split while evicted.
 * Description: Evict a BO of several blocks, make a hole in its mapping, and let a job restore it.
 *	A model of the pages says what the GPU must load from each page.
 */

/**
 * SUBTEST: hole-%s
 * Scenario: hole-split
 * Description: Evict a BO of three blocks. Before the next job, a part of its mapping is %arg[1].
 *	The next jobs, and those after a second eviction, find the rest of the mapping restored, and
 *	the part changed. The rows differ in the part.
 *
 * arg[1]:
 *
 * @unmap:	unmapped
 * @bo:		replaced by another BO
 * @sparse:	replaced by a sparse range
 * @same:	replaced by other pages of the BO
 */

/**
 * TEST: Objects of panthor that are bound again while evicted
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: buffer objects, sparse mappings, eviction
 * Feature: rebound
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap
 * Failure mode: A mapping that was made while the object was evicted, and that the next eviction
 *	leaves in place. An object that is not evicted any more.
 * Description: Bind an object, evict it, bind it at a second address, and evict it again without a
 *	job in between.
 *
 * SUBTEST: rebound-%s
 * Scenario: rebound-evict
 * Description: Evict %arg[1], bind it at a second address, and evict it again without a job in
 *	between: in each VM, a job that was submitted before the first bind, and then loads from the
 *	VM's last mapping, faults. The next jobs find both mappings restored, and a third eviction
 *	and restore take place. The rows differ in the VM of the second address and in how it is
 *	bound.
 *
 * arg[1]:
 *
 * @bo:		a BO
 * @sparse:	the dummy behind sparse ranges
 */

/**
 * SUBTEST: rebound-touch
 * Scenario: rebound-evict
 * Description: Evict a BO, and access it by the CPU before or after a bind at a second address, or
 *	without that bind. A second eviction takes place. In each VM, a job that was submitted
 *	before the first bind, and then loads from the VM's last mapping, faults. The next jobs find
 *	the BO's contents through all mappings, and a third eviction and restore take place. The
 *	rows differ in the CPU's access, in its time, and in the VM of the second address.
 */

IGT_TEST_DESCRIPTION("Change the mappings of evicted objects of panthor");

/*
 * The scenarios, and the failure that each one looks for:
 *
 * 1. hole-split: parts of an evicted VMA that get the offset or the size of the VMA before the
 *    split. A sparse VMA has no such offset: its offset follows from its address.
 * 2. rebound-evict: an eviction that leaves out an object that has pages again without a restore:
 *    by a bind, after which an evicted VMA and a mapped one meet, in one VM or in two, or by a page
 *    fault of the CPU. The object may be on no LRU, or its new VMA may stay mapped.
 *
 * A job that waits since before the object was bound does not restore it, and its fence is not in
 * the object's reservation, so the object can be evicted meanwhile. The job then shows what the
 * eviction left mapped.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define DUMMY IGT_PANTHOR_SHADOW_DUMMY

#define GIB ((uint64_t)SZ_1G)
#define MIB ((uint64_t)SZ_1M)

/* 1 GiB-aligned. All patterns of a range of 16 GiB differ. */
#define A_VA IGT_PANTHOR_SHADOW_VA
#define B_VA (A_VA + 2 * GIB)

#define HOLED_SIZE (6 * MIB)

/**
 * place:
 * @name: name of the dynamic subtest
 * @va: start of the mapping
 * @offset: offset of the mapping in the BO
 * @size: bytes of the mapping
 * @hole: start of the hole, from the start of the mapping
 * @hole_size: bytes of the hole
 * @every_filling: the hole is filled by everything, else only unmapped
 *
 * A part of a mapping. In three of them, neither the address nor the offset is aligned to blocks.
 */
static const struct place {
	const char *name;
	uint64_t va;
	uint64_t offset;
	uint64_t size;
	uint64_t hole;
	uint64_t hole_size;
	bool every_filling;
} places[] = {
	{
		.name = "page-in-block",
		.va = A_VA,
		.size = HOLED_SIZE,
		.hole = 2 * MIB + 5 * PAGE,
		.hole_size = PAGE,
		.every_filling = true,
	},
	{
		.name = "first-page",
		.va = A_VA + 7 * PAGE,
		.offset = 3 * PAGE,
		.size = HOLED_SIZE - SZ_64K,
		.hole = 0,
		.hole_size = PAGE,
	},
	{
		.name = "last-page",
		.va = A_VA + 7 * PAGE,
		.offset = 3 * PAGE,
		.size = HOLED_SIZE - SZ_64K,
		.hole = HOLED_SIZE - SZ_64K - PAGE,
		.hole_size = PAGE,
	},
	{
		.name = "across-blocks",
		.va = A_VA + 7 * PAGE,
		.offset = 3 * PAGE,
		.size = HOLED_SIZE - SZ_64K,
		.hole = 2 * MIB - SZ_64K,
		.hole_size = 2 * SZ_64K,
		.every_filling = true,
	},
	{
		.name = "block",
		.va = A_VA,
		.size = HOLED_SIZE,
		.hole = 2 * MIB,
		.hole_size = 2 * MIB,
	},
};

enum filling {
	NOTHING,
	OTHER_BO,
	SPARSE,
	SAME,
};

/**
 * hole_case:
 * @name: name of the subtest
 * @what: words of its description
 * @filling: what the hole is filled by
 */
static const struct hole_case {
	const char *name;
	const char *what;
	enum filling filling;
} hole_cases[] = {
	{ "hole-unmap", "unmapped", NOTHING },
	{ "hole-bo", "replaced by another BO", OTHER_BO },
	{ "hole-sparse", "replaced by a sparse range", SPARSE },
	{ "hole-same", "replaced by other pages of the BO", SAME },
};

#define HOLE_DESCRIBE \
	"Evict a BO of three blocks. Before the next job, a part of its mapping is %s. The " \
	"next jobs, and those after a second eviction, find the rest of the mapping restored, " \
	"and the part changed. The rows differ in the part."

static void start(struct igt_panthor_shadow *shadow, int fd)
{
	igt_panthor_require_shrink(fd);
	/* The driver warns once when it restores a VMA at a wrong offset of the dummy. */
	igt_clear_warn_once();
	igt_panthor_shadow_init(shadow);
	igt_panthor_shadow_add_vm(shadow, fd);
}

static void make_hole(struct igt_panthor_shadow *shadow, const struct place *p,
		      enum filling filling, unsigned int holed, unsigned int other)
{
	struct igt_panthor_shadow_run run = {
		.va = p->va + p->hole,
		.size = p->hole_size,
		/* Other pages than those of the hole. */
		.offset = p->hole > MIB ? 0 : 3 * MIB,
	};

	switch (filling) {
	case NOTHING:
		igt_panthor_shadow_unbind(shadow, 0, run.va, run.size);
		return;
	case OTHER_BO:
		run.object = other;
		run.offset = 0;
		break;
	case SPARSE:
		run.object = DUMMY;
		break;
	case SAME:
		run.object = holed;
		break;
	}
	igt_panthor_shadow_bind(shadow, &run);
}

static void hole_must_fault(struct igt_panthor_shadow *shadow, const struct place *p)
{
	const uint64_t va = p->va + p->hole;

	igt_panthor_exec_must_fault(&shadow->vm[0], va, IGT_PANTHOR_LOAD);
	if (p->hole_size > PAGE)
		igt_panthor_exec_must_fault(&shadow->vm[0], va + p->hole_size - PAGE,
					    IGT_PANTHOR_STORE);
}

static void hole(int fd, const struct place *p, enum filling filling)
{
	static struct igt_panthor_shadow shadow;
	struct igt_panthor_shadow_run run = { .va = p->va, .size = p->size, .offset = p->offset };
	unsigned int other;

	start(&shadow, fd);
	run.object = igt_panthor_shadow_add_bo(&shadow, HOLED_SIZE);
	other = igt_panthor_shadow_add_bo(&shadow, 2 * MIB + SZ_64K);
	igt_panthor_shadow_bind(&shadow, &run);
	igt_panthor_shadow_store(&shadow, &run);

	igt_panthor_shadow_evict(&shadow, run.object);
	make_hole(&shadow, p, filling, run.object, other);
	igt_panthor_shadow_assert(&shadow);
	if (filling == NOTHING)
		hole_must_fault(&shadow, p);
	igt_panthor_shadow_evict(&shadow, run.object);
	igt_panthor_shadow_assert_vm(&shadow, 0);
	if (filling == NOTHING)
		hole_must_fault(&shadow, p);

	igt_panthor_shadow_unbind(&shadow, 0, p->va, p->size);
	igt_panthor_vm_assert_usable(fd, shadow.vm[0].vm_id);
	igt_panthor_shadow_fini(&shadow);
}

static void hole_rows(enum filling filling)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
		if (filling != NOTHING && !places[i].every_filling)
			continue;

		igt_dynamic(places[i].name) {
			int fd = igt_panthor_open();

			hole(fd, &places[i], filling);
			igt_panthor_close(fd);
		}
	}
}

/* One block and some pages. */
#define REBOUND_SIZE (2 * MIB + SZ_64K)

enum touch {
	NO_TOUCH,
	TOUCH_MMAP,
	TOUCH_DMABUF,
};

/**
 * rebound_case:
 * @name: name of the dynamic subtest
 * @vm: VM of the second address
 * @files: number of files; VM 1 belongs to the second one
 * @async: the second address is bound by a queued operation
 * @unbound: there is no second address
 * @before: what the CPU does before the second address is bound
 * @after: what it does after that
 */
struct rebound_case {
	const char *name;
	unsigned int vm;
	unsigned int files;
	bool async;
	bool unbound;
	enum touch before;
	enum touch after;
};

static const struct rebound_case rebound_cases[] = {
	{ .name = "same-vm" },
	{ .name = "other-vm-queued", .vm = 1, .async = true },
	{ .name = "other-file", .vm = 1, .files = 2 },
};

static const struct rebound_case touch_cases[] = {
	{ .name = "mmap-before-bind", .before = TOUCH_MMAP },
	{ .name = "mmap-after-bind", .vm = 1, .after = TOUCH_MMAP },
	{ .name = "dmabuf-before-bind", .vm = 1, .before = TOUCH_DMABUF },
	{ .name = "mmap-unbound", .unbound = true, .before = TOUCH_MMAP },
};

/**
 * rebound:
 * @shadow: VMs and the object
 * @first: mapping before the first eviction
 * @second: mapping after it
 * @other: second file, or -1
 */
struct rebound {
	struct igt_panthor_shadow shadow;
	struct igt_panthor_shadow_run first;
	struct igt_panthor_shadow_run second;
	int other;
};

static struct rebound *rebound_create(int fd, const struct rebound_case *c, bool sparse)
{
	static struct rebound rebound;
	struct rebound *r = &rebound;

	start(&r->shadow, fd);
	r->other = c->files == 2 ? igt_panthor_open() : -1;
	if (c->vm)
		igt_panthor_shadow_add_vm(&r->shadow, c->files == 2 ? r->other : fd);

	r->first = (struct igt_panthor_shadow_run){
		.object = sparse ? DUMMY : igt_panthor_shadow_add_bo(&r->shadow, REBOUND_SIZE),
		.va = A_VA,
		.size = REBOUND_SIZE,
	};
	r->second = (struct igt_panthor_shadow_run){
		.vm = c->vm,
		.object = r->first.object,
		.va = B_VA + 5 * PAGE,
		.size = MIB,
		.offset = SZ_64K + PAGE,
	};
	if (c->unbound)
		r->second = r->first;

	return r;
}

static void rebound_destroy(struct rebound *r)
{
	igt_panthor_shadow_fini(&r->shadow);
	if (r->other >= 0)
		igt_panthor_close(r->other);
}

static void bind_queued(struct igt_panthor_shadow *shadow, const struct igt_panthor_shadow_run *run)
{
	const struct igt_panthor_exec *exec = &shadow->vm[run->vm];
	struct drm_panthor_vm_bind_op op = igt_panthor_shadow_op(shadow, run);
	uint32_t done = syncobj_create(exec->fd, 0);
	struct drm_panthor_sync_op signal = igt_panthor_sync_signal(done, 0);

	op.syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &signal);
	igt_panthor_vm_bind_ops_async(exec->fd, exec->vm_id, &op, 1, 0);
	igt_assert_f(syncobj_wait(exec->fd, &done, 1,
				  igt_panthor_deadline(IGT_PANTHOR_JOB_DEADLINE_MS), 0, NULL),
		     "VM_BIND was not done within %d ms\n", IGT_PANTHOR_JOB_DEADLINE_MS);
	syncobj_destroy(exec->fd, done);
	igt_panthor_shadow_put(shadow, run);
}

static void assert_dmabuf(const struct igt_panthor_shadow *shadow,
			  const struct igt_panthor_shadow_object *object)
{
	const int dmabuf = igt_panthor_bo_export(shadow->vm[0].fd, object->bo.handle);
	char *map = mmap(NULL, object->size, PROT_READ, MAP_SHARED, dmabuf, 0);

	igt_assert(map != MAP_FAILED);
	for (uint64_t page = 0; page < object->size / PAGE; page++)
		igt_assert_eq_u32(*(volatile uint32_t *)(map + page * PAGE), object->word[page]);
	igt_assert_eq(munmap(map, object->size), 0);
	igt_assert_eq(close(dmabuf), 0);
}

static void touch(struct rebound *r, enum touch touch)
{
	switch (touch) {
	case NO_TOUCH:
		break;
	case TOUCH_MMAP:
		igt_panthor_shadow_cpu_store(&r->shadow, r->first.object);
		break;
	case TOUCH_DMABUF:
		assert_dmabuf(&r->shadow, &r->shadow.object[r->first.object]);
		break;
	}
}

static uint64_t last_va(const struct rebound *r, unsigned int vm)
{
	return vm == r->second.vm ? r->second.va : r->first.va;
}

/* In each VM, a job waits that will access the VM's last mapping. */
static void pause_jobs(struct rebound *r)
{
	for (unsigned int vm = 0; vm < r->shadow.vms; vm++) {
		const struct igt_panthor_walk walk =
			igt_panthor_pages(IGT_PANTHOR_LOAD, last_va(r, vm), PAGE, 0);

		igt_panthor_exec_pause(&r->shadow.vm[vm], NULL, &walk);
	}
}

static void resume_jobs_must_fault(struct rebound *r)
{
	for (unsigned int vm = 0; vm < r->shadow.vms; vm++)
		igt_panthor_exec_resume_must_fault(&r->shadow.vm[vm], last_va(r, vm),
						   IGT_PANTHOR_LOAD);
}

static void bind_second(struct rebound *r, const struct rebound_case *c)
{
	if (c->unbound)
		return;
	if (c->async)
		bind_queued(&r->shadow, &r->second);
	else
		igt_panthor_shadow_bind(&r->shadow, &r->second);
}

static void rebound(int fd, const struct rebound_case *c, bool sparse)
{
	struct rebound *r = rebound_create(fd, c, sparse);

	pause_jobs(r);
	igt_panthor_shadow_bind(&r->shadow, &r->first);
	igt_panthor_shadow_evict(&r->shadow, r->first.object);

	touch(r, c->before);
	bind_second(r, c);
	touch(r, c->after);
	igt_panthor_shadow_evict(&r->shadow, r->first.object);
	resume_jobs_must_fault(r);

	igt_panthor_shadow_assert(&r->shadow);
	igt_panthor_exec_neighbours_fault(&r->shadow.vm[c->vm], r->second.va, r->second.size);
	igt_panthor_shadow_evict(&r->shadow, r->first.object);
	igt_panthor_shadow_assert_vm(&r->shadow, c->vm);

	rebound_destroy(r);
}

static void rebound_rows(const struct rebound_case *cases, unsigned int count, bool sparse)
{
	for (unsigned int i = 0; i < count; i++) {
		/* Each file has a dummy of its own. */
		if (sparse && cases[i].files == 2)
			continue;

		igt_dynamic(cases[i].name) {
			int fd = igt_panthor_open();

			rebound(fd, &cases[i], sparse);
			igt_panthor_close(fd);
		}
	}
}

#define REBOUND_DESCRIBE \
	"Evict %s, bind it at a second address, and evict it again without a job in between: " \
	"in each VM, a job that was submitted before the first bind, and then loads from the " \
	"VM's last mapping, faults. The next jobs find both mappings restored, and a third " \
	"eviction and restore take place. The rows differ in the VM of the second address and " \
	"in how it is bound."

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();

	for (unsigned int i = 0; i < ARRAY_SIZE(hole_cases); i++) {
		igt_describe_f(HOLE_DESCRIBE, hole_cases[i].what);
		igt_subtest_with_dynamic(hole_cases[i].name)
			hole_rows(hole_cases[i].filling);
		igt_fixture()
			igt_teardown();
	}

	igt_describe_f(REBOUND_DESCRIBE, "a BO");
	igt_subtest_with_dynamic("rebound-bo")
		rebound_rows(rebound_cases, ARRAY_SIZE(rebound_cases), false);
	igt_fixture()
		igt_teardown();

	igt_describe_f(REBOUND_DESCRIBE, "the dummy behind sparse ranges");
	igt_subtest_with_dynamic("rebound-sparse")
		rebound_rows(rebound_cases, ARRAY_SIZE(rebound_cases), true);
	igt_fixture()
		igt_teardown();

	igt_describe("Evict a BO, and access it by the CPU before or after a bind at a second "
		     "address, or without that bind. A second eviction takes place. In each VM, "
		     "a job that was submitted before the first bind, and then loads from the "
		     "VM's last mapping, faults. The next jobs find the BO's contents through "
		     "all mappings, and a third eviction and restore take place. The rows differ "
		     "in the CPU's access, in its time, and in the VM of the second address.");
	igt_subtest_with_dynamic("rebound-touch")
		rebound_rows(touch_cases, ARRAY_SIZE(touch_cases), false);
	igt_fixture()
		igt_teardown();
}
