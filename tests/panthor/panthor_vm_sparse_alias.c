// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_kernel_memory.h"
#include "igt_memcg.h"
#include "igt_panthor_shadow.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "igt_teardown.h"

/**
 * TEST: Objects that panthor maps at several addresses
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings, buffer objects, eviction
 * Feature: alias
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap
 * Failure mode: An eviction that leaves one of several mappings of an object in place, a restore
 *	or an unmap that treats one mapping of an object like another.
 * Description: Map an object at several addresses, of one or two VMs, and operate on one mapping
 *	or on the object. A model of the pages says what the GPU must load through each of them.
 */

/**
 * SUBTEST: alias-gone-%s
 * Scenario: alias-evict
 * Description: Evict %arg[1] that is mapped at several addresses of one or two VMs. In each VM, a
 *	job that was submitted before the binds, and loads from one mapping after the eviction,
 *	faults, although another job used that mapping before the eviction. The job accesses each
 *	mapping in a round of its own. After the last round, the next jobs find all mappings
 *	restored. The rows differ in where the object is mapped.
 *
 * SUBTEST: alias-swap-%s
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap, memory cgroups
 * Scenario: alias-evict
 * Description: Evict %arg[1] that is mapped at several addresses, swap its pages out, and fill new
 *	BOs: every page shows through all mappings what was stored before. Each row has a set of
 *	addresses of its own.
 *
 * SUBTEST: alias-turns-%s
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap, memory cgroups
 * Scenario: alias-evict
 * Description: Evict %arg[1] that two VMs map, restore it in one of them, evict it again, swap its
 *	pages out, and fill new BOs: every page shows through all mappings what was stored last. The
 *	rows differ in the VM that restores.
 *
 * SUBTEST: alias-cut-%s
 * Scenario: alias-cut
 * Description: Map %arg[1] at several addresses of two VMs, and unmap or replace a part of one
 *	mapping: either before an eviction, or after one when the other VM has restored the object.
 *	Afterwards, every page of the replacement, of the rest of this mapping and of the other
 *	mappings shows its own contents, and an unmapped part faults. The rows differ in the part,
 *	in what replaces it, and in the time of the eviction.
 *
 * SUBTEST: alias-drop-%s
 * Scenario: alias-drop
 * Description: Evict %arg[1] that is mapped at several addresses of two VMs, and unmap or replace
 *	all of one mapping: the next jobs find the other mappings restored and the replacement at
 *	its address. Without a replacement, the first and the last page fault there. The rows differ
 *	in what replaces the mapping.
 *
 * arg[1]:
 *
 * @bo:		a BO
 * @sparse:	the dummy behind sparse ranges
 */

IGT_TEST_DESCRIPTION("Map an object of panthor at several addresses");

/*
 * The scenarios, and the failure that each one looks for:
 *
 * 1. alias-evict: an eviction that unmaps some mappings of an object, and gives the pages back. A
 *    job that waits since before the mappings were made does not restore them, and shows what is
 *    left of them: its fence is not in the object's reservation, so the object can be evicted
 *    meanwhile. The VM keeps its address space, and the TLB keeps what another job has used. As
 *    long as an evicted page stays in the page cache, a restore finds it again, and a stale mapping
 *    shows the right contents. Swapped out, it comes back elsewhere. In alias-turns, the object is
 *    restored in one VM and still evicted from the other one, and an eviction meets both.
 * 2. alias-cut: a part of one VMA that takes the object's offset from another VMA, or is taken for
 *    mapped because another VM maps the object.
 * 3. alias-drop: an unmap of one VMA that ends the eviction of the others.
 *
 * An object is a BO of one block and some pages, or the dummy, which is a block.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define DUMMY IGT_PANTHOR_SHADOW_DUMMY

#define GIB ((uint64_t)SZ_1G)
#define MIB ((uint64_t)SZ_1M)

/* 1 GiB-aligned. All patterns of a range of 16 GiB differ. */
#define A_VA IGT_PANTHOR_SHADOW_VA
#define B_VA (A_VA + 2 * GIB)
#define C_VA (A_VA + 4 * GIB)

/* One block and some pages. */
#define OBJECT_SIZE (2 * MIB + SZ_64K)

#define MAX_MAPS 4

/**
 * layout:
 * @name: name of the dynamic subtest
 * @files: number of files; VM 1 belongs to the second one
 * @map: ranges, up to the first of size 0; those of sparse ranges have no offset
 *
 * Several mappings of one object.
 */
struct layout {
	const char *name;
	unsigned int files;
	struct {
		unsigned int vm;
		uint64_t va;
		uint64_t size;
		uint64_t offset;
	} map[MAX_MAPS];
};

/* A block and a page table, other offsets modulo 2 MiB, a part. */
static const struct layout one_vm = {
	.name = "one-vm",
	.map = {
		{ .va = A_VA, .size = OBJECT_SIZE },
		{ .va = B_VA + 7 * PAGE, .size = MIB, .offset = SZ_64K + 3 * PAGE },
		{ .va = C_VA - MIB, .size = OBJECT_SIZE },
	},
};

static const struct layout two_vms = {
	.name = "two-vms",
	.map = {
		{ .vm = 0, .va = A_VA, .size = OBJECT_SIZE },
		{ .vm = 1, .va = A_VA + SZ_64K, .size = MIB, .offset = MIB },
		{ .vm = 0, .va = B_VA + MIB, .size = MIB, .offset = MIB },
		{ .vm = 1, .va = B_VA + 7 * PAGE, .size = OBJECT_SIZE },
	},
};

static const struct layout two_files = {
	.name = "two-files",
	.files = 2,
	.map = {
		{ .vm = 0, .va = A_VA, .size = OBJECT_SIZE },
		{ .vm = 1, .va = A_VA, .size = OBJECT_SIZE },
		{ .vm = 1, .va = C_VA - MIB, .size = 2 * MIB, .offset = PAGE },
	},
};

/* All but the start of an object. */
#define CUT_SIZE (OBJECT_SIZE - SZ_64K)

/* A block and a page table, pages of another offset, and a part in another VM. */
static const struct layout layout_to_cut = {
	.map = {
		{ .vm = 0, .va = A_VA, .size = OBJECT_SIZE },
		{ .vm = 0, .va = B_VA + 7 * PAGE, .size = CUT_SIZE, .offset = SZ_64K },
		{ .vm = 1, .va = A_VA + MIB, .size = MIB, .offset = 3 * PAGE },
	},
};

/* Free in each VM, and below IGT_PANTHOR_EXEC_VA_END. */
#define TOUCH_VA UINT64_C(0x60000000)

enum {
	REG_ADDRESS = 0,
	REG_LOADED = 2,
	REG_SCRATCH = 3,
};

/**
 * toucher:
 * @stream: BO for the stream
 * @group: second group of a VM
 * @syncobj: signalled by the end of its job
 *
 * Loads words while a job of the VM's first group waits. The translations stay in the TLB.
 */
struct toucher {
	struct panthor_bo stream;
	uint32_t group;
	uint32_t syncobj;
};

static void toucher_init(struct toucher *t, struct igt_panthor_exec *exec)
{
	igt_panthor_exec_create_bo(exec, &t->stream, PAGE);
	igt_panthor_vm_bind(exec->fd, exec->vm_id, t->stream.handle, TOUCH_VA, t->stream.size,
			    DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_READONLY,
			    0);
	t->group = igt_panthor_group_create_simple(exec->fd, exec->vm_id, 0);
	t->syncobj = syncobj_create(exec->fd, 0);
}

static void toucher_fini(struct toucher *t, const struct igt_panthor_exec *exec)
{
	syncobj_destroy(exec->fd, t->syncobj);
	igt_panthor_group_destroy(exec->fd, t->group, 0);
	igt_panthor_free_bo(exec->fd, &t->stream);
}

static void toucher_load(struct toucher *t, const struct igt_panthor_exec *exec, uint64_t va)
{
	struct igt_panthor_job_result result;
	struct igt_panthor_cs cs;
	int size;

	igt_panthor_cs_init(&cs, t->stream.map, PAGE, &exec->limits);
	igt_panthor_cs_mov48(&cs, REG_ADDRESS, va);
	igt_panthor_cs_load(&cs, REG_LOADED, 1, REG_ADDRESS, 0);
	size = igt_panthor_cs_end(&cs, REG_SCRATCH);
	igt_assert_lt(0, size);
	/* The stream has to leave the CPU's write-combining buffers. */
	__sync_synchronize();

	igt_panthor_group_submit_simple(exec->fd, t->group, 0, TOUCH_VA, size, t->syncobj, 0);
	result = igt_panthor_job_wait(exec->fd, t->group, t->syncobj, IGT_PANTHOR_JOB_DEADLINE_MS);
	igt_panthor_job_assert_done(&result);
}

/**
 * aliases:
 * @shadow: VMs and the object
 * @toucher: of each VM, in alias-gone
 * @layout: where the object is mapped
 * @object: index of the object
 * @other: second file, or -1
 */
struct aliases {
	struct igt_panthor_shadow shadow;
	struct toucher toucher[IGT_PANTHOR_SHADOW_VMS];
	const struct layout *layout;
	unsigned int object;
	int other;
};

static unsigned int count_vms(const struct layout *layout)
{
	unsigned int vms = 1;

	for (unsigned int i = 0; i < MAX_MAPS; i++)
		vms = max(vms, layout->map[i].vm + 1);

	return vms;
}

static struct aliases *aliases_create(int fd, const struct layout *layout, bool sparse)
{
	static struct aliases aliases;
	struct aliases *a = &aliases;
	const unsigned int vms = count_vms(layout);

	igt_panthor_require_shrink(fd);
	igt_clear_warn_once();
	a->layout = layout;
	a->other = -1;
	igt_panthor_shadow_init(&a->shadow);
	igt_panthor_shadow_add_vm(&a->shadow, fd);
	if (layout->files == 2)
		a->other = igt_panthor_open();
	for (unsigned int i = 1; i < vms; i++)
		igt_panthor_shadow_add_vm(&a->shadow, layout->files == 2 ? a->other : fd);
	a->object = sparse ? DUMMY : igt_panthor_shadow_add_bo(&a->shadow, OBJECT_SIZE);

	return a;
}

static void aliases_destroy(struct aliases *a)
{
	igt_panthor_shadow_fini(&a->shadow);
	if (a->other >= 0)
		igt_panthor_close(a->other);
}

static struct igt_panthor_shadow_run alias_run(const struct aliases *a, unsigned int i)
{
	return (struct igt_panthor_shadow_run){
		.vm = a->layout->map[i].vm,
		.object = a->object,
		.va = a->layout->map[i].va,
		.size = a->layout->map[i].size,
		.offset = a->layout->map[i].offset,
	};
}

static void aliases_bind(struct aliases *a)
{
	for (unsigned int i = 0; i < MAX_MAPS; i++) {
		const struct igt_panthor_shadow_run run = alias_run(a, i);

		if (run.size)
			igt_panthor_shadow_bind(&a->shadow, &run);
	}
	if (a->object == DUMMY)
		igt_panthor_sparse_require_dummy(&a->shadow.vm[0]);
}

static void aliases_unbind(struct aliases *a)
{
	while (a->shadow.runs) {
		const struct igt_panthor_shadow_run run = a->shadow.run[0];

		igt_panthor_shadow_unbind(&a->shadow, run.vm, run.va, run.size);
	}
}

static void aliases_evict(struct aliases *a)
{
	igt_panthor_shadow_evict(&a->shadow, a->object);
}

/* The n-th mapping of a VM, counted round. */
static struct igt_panthor_shadow_run nth_of_vm(const struct aliases *a, unsigned int vm,
					       unsigned int n)
{
	unsigned int of_vm[MAX_MAPS], count = 0;

	for (unsigned int i = 0; i < MAX_MAPS; i++)
		if (a->layout->map[i].size && a->layout->map[i].vm == vm)
			of_vm[count++] = i;
	igt_assert_lt(0, count);

	return alias_run(a, of_vm[n % count]);
}

static unsigned int max_per_vm(const struct layout *layout)
{
	unsigned int count[IGT_PANTHOR_SHADOW_VMS] = {}, most = 0;

	for (unsigned int i = 0; i < MAX_MAPS && layout->map[i].size; i++)
		most = max(most, ++count[layout->map[i].vm]);

	return most;
}

/* The first page of a mapping, or the last. */
static uint64_t target_va(const struct igt_panthor_shadow_run *run, unsigned int round)
{
	return round % 2 ? run->va + run->size - PAGE : run->va;
}

/* A job of each VM waits, which was submitted before the VM maps the object. */
static void pause_jobs(struct aliases *a, unsigned int round)
{
	for (unsigned int vm = 0; vm < a->shadow.vms; vm++) {
		const struct igt_panthor_shadow_run run = nth_of_vm(a, vm, round);
		const uint64_t va = target_va(&run, round);
		const struct igt_panthor_walk walk =
			igt_panthor_pages(IGT_PANTHOR_LOAD, va, PAGE, 0);

		igt_panthor_exec_pause(&a->shadow.vm[vm], NULL, &walk);
	}
}

static void touch_targets(struct aliases *a, unsigned int round)
{
	for (unsigned int vm = 0; vm < a->shadow.vms; vm++) {
		const struct igt_panthor_shadow_run run = nth_of_vm(a, vm, round);

		toucher_load(&a->toucher[vm], &a->shadow.vm[vm], target_va(&run, round));
	}
}

static void resume_jobs_must_fault(struct aliases *a, unsigned int round)
{
	for (unsigned int vm = 0; vm < a->shadow.vms; vm++) {
		const struct igt_panthor_shadow_run run = nth_of_vm(a, vm, round);

		igt_panthor_exec_resume_must_fault(&a->shadow.vm[vm], target_va(&run, round),
						   IGT_PANTHOR_LOAD);
	}
}

/* A fault ends all groups of the VM that are on the GPU: each round has groups of its own. */
static void gone_round(struct aliases *a, unsigned int round)
{
	for (unsigned int vm = 0; vm < a->shadow.vms; vm++)
		toucher_init(&a->toucher[vm], &a->shadow.vm[vm]);

	pause_jobs(a, round);
	aliases_bind(a);
	touch_targets(a, round);
	aliases_evict(a);
	resume_jobs_must_fault(a, round);

	for (unsigned int vm = 0; vm < a->shadow.vms; vm++)
		toucher_fini(&a->toucher[vm], &a->shadow.vm[vm]);
}

static void alias_gone(int fd, const struct layout *layout, bool sparse)
{
	struct aliases *a = aliases_create(fd, layout, sparse);
	const unsigned int rounds = max_per_vm(layout);

	for (unsigned int round = 0; round < rounds; round++) {
		aliases_unbind(a);
		gone_round(a, round);
	}
	igt_panthor_shadow_assert(&a->shadow);

	aliases_destroy(a);
}

/* More than the process has in its memory cgroup. */
#define RECLAIM_SIZE SZ_64M

/* When the kernel must have freed the pages that it was asked to reclaim, once they are in swap. */
#define RECLAIM_DEADLINE_MS 2000
#define RECLAIM_INTERVAL_MS 10

/*
 * BOs of the object's size, for the memory of the freed pages. Their pages come from where the
 * object's came from, and the kernel first uses the memory that was freed last. Otherwise a huge
 * page is swapped in where it was before.
 */
#define FILLERS 8
#define FILLER 0x5a5a5a5a

static bool is_reclaimed(int64_t before, uint64_t size)
{
	igt_memcg_reclaim(RECLAIM_SIZE);

	return before - igt_memcg_current() >= (int64_t)size;
}

static void fill(const struct igt_panthor_exec *exec, struct panthor_bo *bo)
{
	igt_panthor_bo_create_mapped(exec->fd, bo, OBJECT_SIZE, 0, 0);
	igt_panthor_bo_set_label(exec->fd, bo, "filler");
	for (uint64_t offset = 0; offset < bo->size; offset += PAGE)
		*(volatile uint32_t *)((char *)bo->map + offset) = FILLER;
}

/* Swaps the pages of an evicted object out, which frees them, and reuses the memory. */
static void replace_pages(struct aliases *a, struct panthor_bo *fillers)
{
	const uint64_t size = a->shadow.object[a->object].size;
	const int64_t before = igt_memcg_current();

	igt_require_f(
		igt_wait(is_reclaimed(before, size), RECLAIM_DEADLINE_MS, RECLAIM_INTERVAL_MS),
		"memory.reclaim left evicted pages in memory for %d ms\n", RECLAIM_DEADLINE_MS);
	for (unsigned int i = 0; i < FILLERS; i++)
		fill(&a->shadow.vm[0], &fillers[i]);
	__sync_synchronize();
}

static void enter_memcg(void)
{
	igt_require_f(igt_memcg_enter(), "no memory cgroup can be created\n");
}

/* Loads come first: a store through a stale mapping would change other memory. */
static void assert_replaced(struct aliases *a)
{
	struct panthor_bo fillers[FILLERS];

	replace_pages(a, fillers);
	igt_panthor_shadow_assert(&a->shadow);
	for (unsigned int i = 0; i < FILLERS; i++)
		igt_panthor_free_bo(a->shadow.vm[0].fd, &fillers[i]);
}

static void store_through_all(struct aliases *a)
{
	for (unsigned int i = 0; i < a->shadow.runs; i++)
		igt_panthor_shadow_store(&a->shadow, &a->shadow.run[i]);
}

static void alias_swap(int fd, const struct layout *layout, bool sparse)
{
	struct aliases *a;

	igt_panthor_require_shrink(fd);
	enter_memcg();
	a = aliases_create(fd, layout, sparse);
	aliases_bind(a);
	store_through_all(a);

	aliases_evict(a);
	assert_replaced(a);

	aliases_destroy(a);
	igt_memcg_leave();
}

static void alias_turns(int fd, unsigned int vm, bool sparse)
{
	struct aliases *a;

	igt_panthor_require_shrink(fd);
	enter_memcg();
	a = aliases_create(fd, &two_vms, sparse);
	aliases_bind(a);
	store_through_all(a);

	aliases_evict(a);
	igt_panthor_shadow_assert_vm(&a->shadow, vm);
	aliases_evict(a);
	assert_replaced(a);

	aliases_destroy(a);
	igt_memcg_leave();
}

enum filling {
	NOTHING,
	OTHER_BO,
	SPARSE,
	SAME,
};

/**
 * cut_case:
 * @name: name of the dynamic subtest
 * @map: index of the mapping that is cut
 * @start: start of the part, from the start of the mapping
 * @size: bytes of the part
 * @filling: what replaces it
 */
static const struct cut_case {
	const char *name;
	unsigned int map;
	uint64_t start;
	uint64_t size;
	enum filling filling;
} cut_cases[] = {
	{ "unmap-page", 0, 5 * PAGE, PAGE, NOTHING },
	{ "bo-over-middle", 1, MIB, 2 * SZ_64K, OTHER_BO },
	{ "sparse-over-head", 1, 0, PAGE, SPARSE },
	{ "same-over-tail", 0, MIB, OBJECT_SIZE - MIB, SAME },
}, drop_cases[] = {
	{ "unmap", 1, 0, CUT_SIZE, NOTHING },
	{ "bo-over", 1, 0, CUT_SIZE, OTHER_BO },
	{ "same-over", 0, 0, OBJECT_SIZE, SAME },
};

/*
 * What replaces a part of a mapping: an object from its start. The dummy over itself, and all of a
 * mapping over itself, leave the pages as they were: such a row is about the VMAs.
 */
static void make_cut(struct aliases *a, const struct cut_case *c, unsigned int other_bo)
{
	struct igt_panthor_shadow_run run = alias_run(a, c->map);

	run.va += c->start;
	run.size = c->size;
	run.offset = 0;
	switch (c->filling) {
	case NOTHING:
		igt_panthor_shadow_unbind(&a->shadow, run.vm, run.va, run.size);
		return;
	case OTHER_BO:
		run.object = other_bo;
		break;
	case SPARSE:
		run.object = DUMMY;
		break;
	case SAME:
		break;
	}
	igt_panthor_shadow_bind(&a->shadow, &run);
}

static void cut_must_fault(struct aliases *a, const struct cut_case *c)
{
	const struct igt_panthor_shadow_run run = alias_run(a, c->map);
	struct igt_panthor_exec *exec = &a->shadow.vm[run.vm];
	const uint64_t va = run.va + c->start;

	if (c->filling != NOTHING)
		return;

	igt_panthor_exec_must_fault(exec, va, IGT_PANTHOR_LOAD);
	if (c->size > PAGE)
		igt_panthor_exec_must_fault(exec, va + c->size - PAGE, IGT_PANTHOR_STORE);
}

/* Where the object is mapped at the time of a cut. All cuts are made in VM 0. */
enum residence {
	EVERYWHERE,
	NOWHERE,
	OTHER_VM,
};

static void alias_cut(int fd, const struct cut_case *c, enum residence residence, bool sparse)
{
	struct aliases *a = aliases_create(fd, &layout_to_cut, sparse);
	const unsigned int other = igt_panthor_shadow_add_bo(&a->shadow, OBJECT_SIZE);

	aliases_bind(a);
	store_through_all(a);

	if (residence != EVERYWHERE)
		aliases_evict(a);
	if (residence == OTHER_VM)
		igt_panthor_shadow_assert_vm(&a->shadow, 1);
	make_cut(a, c, other);
	igt_panthor_shadow_assert(&a->shadow);
	cut_must_fault(a, c);
	if (residence == EVERYWHERE)
		aliases_evict(a);
	igt_panthor_shadow_assert(&a->shadow);

	aliases_unbind(a);
	igt_panthor_vm_assert_usable(fd, a->shadow.vm[0].vm_id);
	aliases_destroy(a);
}

#define GONE_DESCRIBE(object) \
	"Evict " object " that is mapped at several addresses of one or two VMs. In each VM, a " \
	"job that was submitted before the binds, and loads from one mapping after the eviction, " \
	"faults, although another job used that mapping before the eviction. The job accesses " \
	"each mapping in a round of its own. After the last round, the next jobs find all " \
	"mappings restored. The rows differ in where the object is mapped."
#define SWAP_DESCRIBE(object) \
	"Evict " object " that is mapped at several addresses, swap its pages out, and fill new " \
	"BOs: every page shows through all mappings what was stored before. Each row has a set " \
	"of addresses of its own."
#define TURNS_DESCRIBE(object) \
	"Evict " object " that two VMs map, restore it in one of them, evict it again, swap its " \
	"pages out, and fill new BOs: every page shows through all mappings what was stored " \
	"last. The rows differ in the VM that restores."
#define CUT_DESCRIBE(object) \
	"Map " object " at several addresses of two VMs, and unmap or replace a part of one " \
	"mapping: either before an eviction, or after one when the other VM has restored the " \
	"object. Afterwards, every page of the replacement, of the rest of this mapping and of " \
	"the other mappings shows its own contents, and an unmapped part faults. The rows differ " \
	"in the part, in what replaces it, and in the time of the eviction."
#define DROP_DESCRIBE(object) \
	"Evict " object " that is mapped at several addresses of two VMs, and unmap or replace " \
	"all of one mapping: the next jobs find the other mappings restored and the replacement " \
	"at its address. Without a replacement, the first and the last page fault there. The " \
	"rows differ in what replaces the mapping."

static void layout_rows(const struct layout *const *layouts, bool sparse,
			void (*run)(int fd, const struct layout *layout, bool sparse))
{
	for (unsigned int i = 0; layouts[i]; i++) {
		/* Each file has a dummy of its own. */
		if (sparse && layouts[i]->files == 2)
			continue;

		igt_dynamic(layouts[i]->name) {
			int fd = igt_panthor_open();

			run(fd, layouts[i], sparse);
			igt_panthor_close(fd);
		}
	}
}

static void gone_rows(bool sparse)
{
	static const struct layout *const layouts[] = { &one_vm, &two_vms, &two_files, NULL };

	layout_rows(layouts, sparse, alias_gone);
}

/* Two VMs take turns in turns_rows(). */
static void swap_rows(bool sparse)
{
	static const struct layout *const layouts[] = { &one_vm, &two_files, NULL };

	layout_rows(layouts, sparse, alias_swap);
}

static void turns_rows(bool sparse)
{
	for (unsigned int vm = 0; vm < 2; vm++)
		igt_dynamic(vm ? "second-restores" : "first-restores") {
			int fd = igt_panthor_open();

			alias_turns(fd, vm, sparse);
			igt_panthor_close(fd);
		}
}

static void any_cut_rows(const struct cut_case *cases, unsigned int count, const char *prefix,
			 enum residence residence, bool sparse)
{
	for (unsigned int i = 0; i < count; i++) {
		/* Another row does the same. */
		if (sparse && cases[i].filling == SPARSE)
			continue;

		igt_dynamic_f("%s%s", prefix, cases[i].name) {
			int fd = igt_panthor_open();

			alias_cut(fd, &cases[i], residence, sparse);
			igt_panthor_close(fd);
		}
	}
}

static void cut_rows(bool sparse)
{
	any_cut_rows(cut_cases, ARRAY_SIZE(cut_cases), "", EVERYWHERE, sparse);
	any_cut_rows(cut_cases, ARRAY_SIZE(cut_cases), "evicted-", OTHER_VM, sparse);
}

static void drop_rows(bool sparse)
{
	any_cut_rows(drop_cases, ARRAY_SIZE(drop_cases), "", NOWHERE, sparse);
}

#define OF_BO "a BO"
#define OF_DUMMY "the dummy behind sparse ranges"

/**
 * alias_case:
 * @name: name of the subtest
 * @describe: description of the subtest
 * @sparse: the object is the dummy, else a BO
 * @rows: runs the dynamic subtests
 */
static const struct alias_case {
	const char *name;
	const char *describe;
	bool sparse;
	void (*rows)(bool sparse);
} alias_cases[] = {
	{ "alias-gone-bo", GONE_DESCRIBE(OF_BO), false, gone_rows },
	{ "alias-gone-sparse", GONE_DESCRIBE(OF_DUMMY), true, gone_rows },
	{ "alias-swap-bo", SWAP_DESCRIBE(OF_BO), false, swap_rows },
	{ "alias-swap-sparse", SWAP_DESCRIBE(OF_DUMMY), true, swap_rows },
	{ "alias-turns-bo", TURNS_DESCRIBE(OF_BO), false, turns_rows },
	{ "alias-turns-sparse", TURNS_DESCRIBE(OF_DUMMY), true, turns_rows },
	{ "alias-cut-bo", CUT_DESCRIBE(OF_BO), false, cut_rows },
	{ "alias-cut-sparse", CUT_DESCRIBE(OF_DUMMY), true, cut_rows },
	{ "alias-drop-bo", DROP_DESCRIBE(OF_BO), false, drop_rows },
	{ "alias-drop-sparse", DROP_DESCRIBE(OF_DUMMY), true, drop_rows },
};

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();

	for (unsigned int i = 0; i < ARRAY_SIZE(alias_cases); i++) {
		const struct alias_case *c = &alias_cases[i];

		igt_describe(c->describe);
		igt_subtest_with_dynamic(c->name)
			c->rows(c->sparse);
		igt_fixture()
			igt_teardown();
	}
}
