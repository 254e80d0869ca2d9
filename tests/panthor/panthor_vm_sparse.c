// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <inttypes.h>

#include "drmtest.h"
#include "igt_core.h"
#include "igt_panthor.h"
#include "igt_panthor_debugfs.h"
#include "igt_panthor_exec.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"

/**
 * TEST: Sparse mappings of panthor, as the GPU sees them
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Run type: FULL
 * Description: Loads and stores of command streams through sparse mappings,
 *	checked page by page, at both edges and beyond them.
 *
 * SUBTEST: bind-unbind
 * Description: A range faults before it is bound sparse, takes accesses to every
 *	page while it is, faults again once it is unbound, and can be bound again.
 *
 * SUBTEST: uapi-noexec-missing
 * Description: A sparse bind that leaves the range executable is refused, and
 *	changes nothing of what was mapped.
 *
 * SUBTEST: uapi-with-handle
 * Description: A sparse bind that names a BO is refused, and changes nothing of
 *	what was mapped.
 *
 * SUBTEST: uapi-with-offset
 * Description: A sparse bind that has a BO offset is refused, and changes nothing
 *	of what was mapped.
 *
 * SUBTEST: uapi-unmap-sparse
 * Description: An unmap that has the sparse flag is refused, and changes nothing
 *	of what was mapped.
 *
 * SUBTEST: map-64m-odd
 * Description: Every page of 64 MiB at an odd 4 KiB alignment takes a store and
 *	brings it back; the page before it and the one behind it fault.
 *
 * SUBTEST: map-64m-odd-between-bos
 * Description: The same between two BOs that touch the range: no store through
 *	the range changes them, and the GPU still reaches them.
 *
 * SUBTEST: offset-bind
 * Description: Binds at sixteen alignments each start at the offset in the dummy
 *	object that their address has in its 2 MiB.
 *
 * SUBTEST: offset-split
 * Description: The same for both parts of ranges that had a page unmapped; the GPU
 *	still reaches every page of them.
 *
 * SUBTEST: evict-remap
 * Description: 64 MiB at an odd alignment, evicted: the next job reaches every
 *	page, finds what was stored there, and nothing more is mapped than before.
 *
 * SUBTEST: async-bind
 * Description: A queued sparse bind waits for the fence that it was given, and the
 *	range is within reach once its own is signalled; an unbind likewise.
 *
 * SUBTEST: rebind-bo-over-sparse
 * Description: While the VM keeps its address space, stores to a sparse range go
 *	to the BO that was just mapped over it, and no longer to the dummy object.
 *
 * SUBTEST: rebind-sparse-over-bo
 * Description: While the VM keeps its address space, stores no longer go to the BO
 *	over which a sparse range was just bound.
 *
 * SUBTEST: rebind-sparse-after-unmap
 * Description: The same when the BO was unmapped first.
 *
 * SUBTEST: rebind-bo-over-bo
 * Description: While the VM keeps its address space, stores go to the BO that was
 *	just mapped over another one.
 *
 * SUBTEST: unbind-sparse-active
 * Description: While the VM keeps its address space, a sparse range that was in
 *	use faults as soon as it is unbound.
 *
 * SUBTEST: unbind-bo-active
 * Description: While the VM keeps its address space, a BO that was in use is out
 *	of reach as soon as it is unmapped.
 */

IGT_TEST_DESCRIPTION("Check sparse mappings of panthor by GPU loads and stores");

/*
 * The scenarios, and the failure that each one hunts:
 *
 * 1. bind-unbind: VMAs without page-table entries, and entries without VMAs.
 * 2. uapi-*: checks of the ioctl that are missing, or come after the damage.
 * 3. map-*: pages that a bind forgets, at its edges above all, and pages that it
 *    maps beyond them.
 * 4. offset-*: wrong bookkeeping that shows only when a VMA is split or restored.
 * 5. evict-*: what is mapped again after eviction is not what was mapped before.
 * 6. async-*: binds that do not wait, or signal before they are done.
 * 7. rebind-*, unbind-*: translations that outlive their mapping in a TLB. One job
 *    makes the accesses before and after, and runs all the time in between, so
 *    that the VM does not lose its address space, which would flush the TLB.
 *
 * The uAPI leaves open what a load from a sparse range brings. Values are checked
 * where debugfs shows the driver's way: one 2 MiB object for each file, to which
 * the range is mapped over and over, the address modulo 2 MiB being the offset.
 * So a store at va must show at va + n * 2 MiB, which tells for each page whether
 * it is mapped to its own page of the object, not just to any.
 */

#define PAGE IGT_PANTHOR_PAGE_SIZE

/* 2 MiB-aligned, and free of what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)

/*
 * Seven pages into a 2 MiB block: 64 MiB from there have a head of 505 pages, 31
 * whole blocks, and a tail of 7.
 */
#define ODD_VA (BASE_VA + 7 * PAGE)
#define ODD_SIZE SZ_64M

/* Somewhere else, with the same alignment to 2 MiB. */
#define CONTROL_VA (ODD_VA + IGT_PANTHOR_EXEC_VA_END)

/* Head, one block, tail: the least that has all of them. */
#define SMALL_SIZE SZ_4M

enum seed {
	FIRST = 0x11111111,
	SECOND = 0x22222222,
	THIRD = 0x33333333,
};

static struct igt_panthor_walk pages(enum igt_panthor_access access, uint64_t va, uint64_t size,
				     enum seed seed)
{
	return (struct igt_panthor_walk) {
		.access = access,
		.va = va,
		.count = size / PAGE,
		.stride = PAGE,
		.seed = seed,
	};
}

/* To be called with a sparse range bound, which gives the dummy object its pages. */
static void require_dummy(const struct igt_panthor_exec *exec)
{
	igt_panthor_require_debugfs(exec->fd);
	igt_require_f(exec->dummy && igt_panthor_dummy_resident(exec->fd, exec->dummy) ==
		      IGT_PANTHOR_DUMMY_SIZE,
		      "debugfs shows no 2 MiB object behind sparse ranges\n");
}

/* A store to every page, each loaded back at once: nothing else can have come between. */
static void store_load_every_page(struct igt_panthor_exec *exec, uint64_t va, uint64_t size,
				  enum seed seed)
{
	const struct igt_panthor_walk walk = pages(IGT_PANTHOR_STORE_LOAD, va, size, seed);

	if (exec->dummy)
		igt_panthor_exec_walk_verify(exec, &walk);
	else
		igt_panthor_exec_walk(exec, &walk);
}

static void store_every_page(struct igt_panthor_exec *exec, uint64_t va, uint64_t size,
			     enum seed seed)
{
	const struct igt_panthor_walk walk = pages(IGT_PANTHOR_STORE, va, size, seed);

	igt_panthor_exec_walk(exec, &walk);
}

/* Of the stores to one page of the dummy object, the one at the highest address remains. */
static uint64_t last_alias(uint64_t va, uint64_t end)
{
	return va + (end - 1 - va) / IGT_PANTHOR_DUMMY_SIZE * IGT_PANTHOR_DUMMY_SIZE;
}

/*
 * Loads every page of [va, va + size) and expects what store_every_page() left
 * behind in a range of the same size and the same alignment to 2 MiB at @stored.
 */
static void load_every_page(struct igt_panthor_exec *exec, uint64_t va, uint64_t size,
			    uint64_t stored, enum seed seed)
{
	const struct igt_panthor_walk walk = pages(IGT_PANTHOR_LOAD, va, size, seed);
	const uint32_t *loaded = igt_panthor_exec_walk(exec, &walk);

	if (!exec->dummy)
		return;

	for (uint32_t i = 0; i < walk.count; i++) {
		const uint64_t from = last_alias(stored + i * PAGE, stored + size);
		const uint32_t expected = igt_panthor_pattern(from, seed);

		igt_assert_f(loaded[i] == expected,
			     "GPU loaded %#x at %#" PRIx64 ", expected %#x as stored at %#" PRIx64
			     "\n", loaded[i], va + i * PAGE, expected, from);
	}
}

static void assert_neighbours_fault(struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	igt_panthor_exec_must_fault(exec, va - PAGE, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(exec, va + size, IGT_PANTHOR_STORE);
}

static void bind_sparse(struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	igt_panthor_vm_bind_sparse(exec->fd, exec->vm_id, va, size, 0);
}

static void unbind(struct igt_panthor_exec *exec, uint64_t va, uint64_t size)
{
	igt_panthor_vm_unbind(exec->fd, exec->vm_id, va, size, 0);
}

static void create_bo(struct igt_panthor_exec *exec, struct panthor_bo *bo, uint64_t size)
{
	igt_panthor_bo_create_mapped(exec->fd, bo, size, 0, 0);
	igt_panthor_bo_set_label(exec->fd, bo, "bystander");
}

static void bind_bo(struct igt_panthor_exec *exec, const struct panthor_bo *bo, uint64_t va)
{
	igt_panthor_vm_bind(exec->fd, exec->vm_id, bo->handle, va, bo->size,
			    DRM_PANTHOR_VM_BIND_OP_TYPE_MAP |
			    DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC, 0);
}

/* What the CPU finds in a BO must be what the GPU stored while it was mapped at @va. */
static void assert_bo_holds(const struct panthor_bo *bo, uint64_t va, enum seed seed)
{
	for (uint64_t offset = 0; offset < bo->size; offset += PAGE) {
		const uint32_t found = *(uint32_t *)((char *)bo->map + offset);
		const uint32_t expected = igt_panthor_pattern(va + offset, seed);

		igt_assert_f(found == expected,
			     "BO has %#x at %#" PRIx64 ", expected %#x\n", found, offset,
			     expected);
	}
}

static void bind_unbind(int fd)
{
	const uint64_t unbound[] = { ODD_VA, BASE_VA + SZ_2M, ODD_VA + SMALL_SIZE - PAGE };
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_must_fault(&exec, ODD_VA, IGT_PANTHOR_LOAD);

	bind_sparse(&exec, ODD_VA, SMALL_SIZE);
	store_load_every_page(&exec, ODD_VA, SMALL_SIZE, FIRST);

	unbind(&exec, ODD_VA, SMALL_SIZE);
	for (unsigned int i = 0; i < ARRAY_SIZE(unbound); i++) {
		igt_panthor_exec_must_fault(&exec, unbound[i], IGT_PANTHOR_LOAD);
		igt_panthor_exec_must_fault(&exec, unbound[i], IGT_PANTHOR_STORE);
	}

	bind_sparse(&exec, ODD_VA, SMALL_SIZE);
	store_load_every_page(&exec, ODD_VA, SMALL_SIZE, SECOND);

	igt_panthor_exec_fini(&exec);
}

struct uapi_case {
	const char *name;
	const char *describe;
	uint32_t flags;
	bool with_handle;
	uint64_t bo_offset;
	int err;
};

static const struct uapi_case uapi_cases[] = {
	{
		.name = "uapi-noexec-missing",
		.describe = "A sparse range may not be executable",
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE,
		.err = EINVAL,
	},
	{
		.name = "uapi-with-handle",
		.describe = "A sparse range has no BO of the user's",
		.flags = IGT_PANTHOR_SPARSE_FLAGS,
		.with_handle = true,
		.err = EINVAL,
	},
	{
		.name = "uapi-with-offset",
		.describe = "A sparse range has no BO offset",
		.flags = IGT_PANTHOR_SPARSE_FLAGS,
		.bo_offset = PAGE,
		.err = EINVAL,
	},
	{
		.name = "uapi-unmap-sparse",
		.describe = "An unmap does not ask what is mapped",
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP | DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE,
		.err = EINVAL,
	},
};

/* A BO, a sparse page, and a page with nothing: the bad request is for all of them. */
static void uapi(int fd, const void *row)
{
	const struct uapi_case *c = row;
	const uint64_t bo_va = ODD_VA, sparse_va = ODD_VA + PAGE, free_va = ODD_VA + 2 * PAGE;
	struct igt_panthor_exec exec;
	struct panthor_bo bo;

	igt_panthor_exec_init(&exec, fd);
	create_bo(&exec, &bo, PAGE);
	bind_bo(&exec, &bo, bo_va);
	bind_sparse(&exec, sparse_va, PAGE);

	igt_panthor_vm_bind_offset(fd, exec.vm_id, c->with_handle ? bo.handle : 0, bo_va, 3 * PAGE,
				   c->bo_offset, c->flags, c->err);

	store_every_page(&exec, bo_va, PAGE, FIRST);
	assert_bo_holds(&bo, bo_va, FIRST);
	store_load_every_page(&exec, sparse_va, PAGE, SECOND);
	assert_bo_holds(&bo, bo_va, FIRST);
	igt_panthor_exec_must_fault(&exec, free_va, IGT_PANTHOR_STORE);

	bind_sparse(&exec, bo_va, 3 * PAGE);
	store_load_every_page(&exec, bo_va, 3 * PAGE, THIRD);
	assert_bo_holds(&bo, bo_va, FIRST);

	igt_panthor_exec_fini(&exec);
	igt_panthor_free_bo(fd, &bo);
}

static void map_64m_odd(int fd)
{
	struct igt_panthor_exec exec;

	igt_panthor_exec_init(&exec, fd);
	bind_sparse(&exec, ODD_VA, ODD_SIZE);
	require_dummy(&exec);

	store_load_every_page(&exec, ODD_VA, ODD_SIZE, FIRST);
	load_every_page(&exec, ODD_VA, ODD_SIZE, ODD_VA, FIRST);
	assert_neighbours_fault(&exec, ODD_VA, ODD_SIZE);

	igt_panthor_exec_fini(&exec);
}

static void map_64m_odd_between_bos(int fd)
{
	const uint64_t va[] = { ODD_VA - PAGE, ODD_VA + ODD_SIZE };
	struct igt_panthor_exec exec;
	struct panthor_bo bo[2];

	igt_panthor_exec_init(&exec, fd);
	for (unsigned int i = 0; i < ARRAY_SIZE(bo); i++) {
		create_bo(&exec, &bo[i], PAGE);
		bind_bo(&exec, &bo[i], va[i]);
		store_every_page(&exec, va[i], PAGE, FIRST);
	}

	bind_sparse(&exec, ODD_VA, ODD_SIZE);
	require_dummy(&exec);
	store_load_every_page(&exec, ODD_VA, ODD_SIZE, SECOND);

	for (unsigned int i = 0; i < ARRAY_SIZE(bo); i++) {
		assert_bo_holds(&bo[i], va[i], FIRST);
		store_every_page(&exec, va[i], PAGE, THIRD);
		assert_bo_holds(&bo[i], va[i], THIRD);
	}
	load_every_page(&exec, ODD_VA, ODD_SIZE, ODD_VA, SECOND);

	igt_panthor_exec_fini(&exec);
	for (unsigned int i = 0; i < ARRAY_SIZE(bo); i++)
		igt_panthor_free_bo(fd, &bo[i]);
}

/* Pages into the 2 MiB block: its edges, powers of two and their neighbours. */
static const unsigned int alignments[] = {
	0, 1, 2, 7, 8, 15, 16, 31, 63, 64, 127, 255, 256, 257, 510, 511,
};

/* Each range has a head, a whole block and a tail unless it is aligned. */
#define OFFSET_SIZE (SZ_2M + 3 * PAGE)
#define OFFSET_STRIDE (2 * SZ_4M)

static uint64_t offset_va(unsigned int i)
{
	return BASE_VA + i * OFFSET_STRIDE + alignments[i] * PAGE;
}

static void bind_at_alignments(struct igt_panthor_exec *exec)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(alignments); i++)
		bind_sparse(exec, offset_va(i), OFFSET_SIZE);

	require_dummy(exec);
}

/* gpuvas must have exactly [va, va + size), at its place in the one dummy object. */
static void assert_sparse_vma(const struct igt_panthor_vmas *vmas, int vm, uint64_t va,
			      uint64_t size, uint64_t *object)
{
	const struct igt_panthor_vma *vma = igt_panthor_find_vma(vmas, vm, va);

	igt_assert_f(vma && vma->va == va && vma->size == size,
		     "gpuvas has no VMA at %#" PRIx64 " of %#" PRIx64 " bytes\n", va, size);
	igt_assert_f(vma->offset == va % IGT_PANTHOR_DUMMY_SIZE,
		     "VMA at %#" PRIx64 " has offset %#" PRIx64 "\n", va, vma->offset);

	if (!*object)
		*object = vma->object;
	igt_assert_eq_u64(vma->object, *object);
}

static int own_vm(const struct igt_panthor_exec *exec, const struct igt_panthor_vmas *vmas)
{
	const int vm = igt_panthor_find_vm(vmas, exec->tag_va, exec->tag.size);

	igt_assert_f(vm >= 0, "gpuvas does not show the VM: %d\n", vm);
	return vm;
}

static void offset_bind(int fd)
{
	struct igt_panthor_exec exec;
	struct igt_panthor_vmas vmas;
	uint64_t object = 0;
	int vm;

	igt_panthor_exec_init(&exec, fd);
	bind_at_alignments(&exec);

	igt_panthor_read_gpuvas(fd, &vmas);
	vm = own_vm(&exec, &vmas);
	for (unsigned int i = 0; i < ARRAY_SIZE(alignments); i++)
		assert_sparse_vma(&vmas, vm, offset_va(i), OFFSET_SIZE, &object);
	igt_panthor_free_vmas(&vmas);

	igt_panthor_exec_fini(&exec);
}

static void offset_split(int fd)
{
	const uint64_t hole = SZ_1M;
	const uint64_t right = hole + PAGE;
	struct igt_panthor_exec exec;
	struct igt_panthor_vmas vmas;
	uint64_t object = 0;
	int vm;

	igt_panthor_exec_init(&exec, fd);
	bind_at_alignments(&exec);
	for (unsigned int i = 0; i < ARRAY_SIZE(alignments); i++)
		unbind(&exec, offset_va(i) + hole, PAGE);

	igt_panthor_read_gpuvas(fd, &vmas);
	vm = own_vm(&exec, &vmas);
	for (unsigned int i = 0; i < ARRAY_SIZE(alignments); i++) {
		const uint64_t va = offset_va(i);

		assert_sparse_vma(&vmas, vm, va, hole, &object);
		igt_assert(!igt_panthor_find_vma(&vmas, vm, va + hole));
		assert_sparse_vma(&vmas, vm, va + right, OFFSET_SIZE - right, &object);
	}
	igt_panthor_free_vmas(&vmas);

	for (unsigned int i = 0; i < ARRAY_SIZE(alignments); i++) {
		store_load_every_page(&exec, offset_va(i), hole, FIRST);
		store_load_every_page(&exec, offset_va(i) + right, OFFSET_SIZE - right, SECOND);
	}

	igt_panthor_exec_fini(&exec);
}

static void evict_remap(int fd)
{
	struct igt_panthor_exec exec;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	bind_sparse(&exec, ODD_VA, ODD_SIZE);
	require_dummy(&exec);
	store_every_page(&exec, ODD_VA, ODD_SIZE, FIRST);

	igt_panthor_evict_dummy(fd, exec.dummy);

	load_every_page(&exec, ODD_VA, ODD_SIZE, ODD_VA, FIRST);
	igt_assert_eq_u64(igt_panthor_dummy_resident(fd, exec.dummy), IGT_PANTHOR_DUMMY_SIZE);
	store_load_every_page(&exec, ODD_VA, ODD_SIZE, SECOND);
	assert_neighbours_fault(&exec, ODD_VA, ODD_SIZE);

	igt_panthor_exec_fini(&exec);
}

enum backing {
	NOTHING,
	SPARSE,
	OLD_BO,
	NEW_BO,
};

struct rebind_case {
	const char *name;
	const char *describe;
	enum backing before;
	bool unmap_first;
	enum backing after;
};

static const struct rebind_case rebind_cases[] = {
	{
		.name = "rebind-bo-over-sparse",
		.describe = "A BO mapped over a sparse range in use gets the next stores",
		.before = SPARSE,
		.after = NEW_BO,
	},
	{
		.name = "rebind-sparse-over-bo",
		.describe = "A BO in use gets no store once a sparse range is bound over it",
		.before = OLD_BO,
		.after = SPARSE,
	},
	{
		.name = "rebind-sparse-after-unmap",
		.describe = "A BO in use gets no store once it gave way to a sparse range",
		.before = OLD_BO,
		.unmap_first = true,
		.after = SPARSE,
	},
	{
		.name = "rebind-bo-over-bo",
		.describe = "A BO mapped over another in use gets the next stores",
		.before = OLD_BO,
		.after = NEW_BO,
	},
	{
		.name = "unbind-sparse-active",
		.describe = "A sparse range in use is out of reach once it is unbound",
		.before = SPARSE,
		.unmap_first = true,
		.after = NOTHING,
	},
	{
		.name = "unbind-bo-active",
		.describe = "A BO in use is out of reach once it is unmapped",
		.before = OLD_BO,
		.unmap_first = true,
		.after = NOTHING,
	},
};

struct rebind {
	struct igt_panthor_exec exec;
	struct panthor_bo old_bo;
	struct panthor_bo new_bo;
};

static void rebind_bind(struct rebind *r, enum backing backing)
{
	switch (backing) {
	case NOTHING:
		break;
	case SPARSE:
		bind_sparse(&r->exec, ODD_VA, SMALL_SIZE);
		break;
	case OLD_BO:
		bind_bo(&r->exec, &r->old_bo, ODD_VA);
		break;
	case NEW_BO:
		bind_bo(&r->exec, &r->new_bo, ODD_VA);
		break;
	}
}

/* The second walk must have gone to what is mapped now ... */
static void rebind_assert_arrived(struct rebind *r, enum backing after)
{
	if (after == NEW_BO)
		assert_bo_holds(&r->new_bo, ODD_VA, SECOND);
	if (after == SPARSE)
		load_every_page(&r->exec, CONTROL_VA, SMALL_SIZE, ODD_VA, SECOND);
}

/* ... and must not have gone to what was mapped before. */
static void rebind_assert_spared(struct rebind *r, enum backing before)
{
	if (before == OLD_BO)
		assert_bo_holds(&r->old_bo, ODD_VA, FIRST);
	if (before == SPARSE)
		load_every_page(&r->exec, CONTROL_VA, SMALL_SIZE, ODD_VA, FIRST);
}

/*
 * A second sparse range, the control, has the same alignment to 2 MiB. It shows
 * the content of the dummy object without the range that is being rebound.
 */
static void rebind(int fd, const void *row)
{
	const struct igt_panthor_walk first = pages(IGT_PANTHOR_STORE, ODD_VA, SMALL_SIZE, FIRST);
	const struct igt_panthor_walk second = pages(IGT_PANTHOR_STORE, ODD_VA, SMALL_SIZE, SECOND);
	const struct rebind_case *c = row;
	struct rebind r;

	igt_panthor_exec_init(&r.exec, fd);
	create_bo(&r.exec, &r.old_bo, SMALL_SIZE);
	create_bo(&r.exec, &r.new_bo, SMALL_SIZE);
	bind_sparse(&r.exec, CONTROL_VA, SMALL_SIZE);
	rebind_bind(&r, c->before);

	igt_panthor_exec_pause(&r.exec, &first, &second);
	if (c->unmap_first)
		unbind(&r.exec, ODD_VA, SMALL_SIZE);
	rebind_bind(&r, c->after);
	if (c->after == NOTHING)
		igt_panthor_exec_resume_must_fault(&r.exec, ODD_VA, IGT_PANTHOR_STORE);
	else
		igt_panthor_exec_resume(&r.exec);

	rebind_assert_arrived(&r, c->after);
	rebind_assert_spared(&r, c->before);

	igt_panthor_exec_fini(&r.exec);
	igt_panthor_free_bo(fd, &r.old_bo);
	igt_panthor_free_bo(fd, &r.new_bo);
}

static void async_op(struct igt_panthor_exec *exec, uint32_t flags, uint32_t wait,
		     uint32_t signal)
{
	struct drm_panthor_sync_op syncs[2] = { igt_panthor_sync_signal(signal, 0) };
	struct drm_panthor_vm_bind_op op = {
		.flags = flags,
		.va = ODD_VA,
		.size = SMALL_SIZE,
	};
	uint32_t count = 1;

	if (wait)
		syncs[count++] = igt_panthor_sync_wait(wait, 0);
	op.syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(count, syncs);

	igt_panthor_vm_bind_ops_async(exec->fd, exec->vm_id, &op, 1, 0);
}

static void assert_op_done(int fd, uint32_t syncobj)
{
	igt_assert_f(syncobj_wait(fd, &syncobj, 1,
				  igt_panthor_deadline(IGT_PANTHOR_JOB_DEADLINE_MS), 0, NULL),
		     "VM_BIND was not done within %d ms\n", IGT_PANTHOR_JOB_DEADLINE_MS);
}

static void async_bind(int fd)
{
	struct igt_panthor_exec exec;
	uint32_t done;

	igt_panthor_exec_init(&exec, fd);
	done = syncobj_create(fd, 0);

	/* A job that runs until it is told to go on is a fence that is not signalled. */
	igt_panthor_exec_pause(&exec, NULL, NULL);
	async_op(&exec, IGT_PANTHOR_SPARSE_FLAGS, exec.syncobj, done);
	igt_assert(!syncobj_wait(fd, &done, 1, 0, 0, NULL));
	igt_panthor_exec_resume(&exec);
	assert_op_done(fd, done);
	store_load_every_page(&exec, ODD_VA, SMALL_SIZE, FIRST);

	async_op(&exec, DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP, 0, done);
	assert_op_done(fd, done);
	igt_panthor_exec_must_fault(&exec, ODD_VA, IGT_PANTHOR_LOAD);

	syncobj_destroy(fd, done);
	igt_panthor_exec_fini(&exec);
}

struct plain_case {
	const char *name;
	const char *describe;
	void (*run)(int fd);
};

static const struct plain_case plain_cases[] = {
	{
		.name = "bind-unbind",
		.describe = "A range is within reach of the GPU while it is bound, no longer",
		.run = bind_unbind,
	},
	{
		.name = "map-64m-odd",
		.describe = "Every page of a large unaligned range can be stored to and loaded",
		.run = map_64m_odd,
	},
	{
		.name = "map-64m-odd-between-bos",
		.describe = "A large unaligned range leaves the BOs beside it alone",
		.run = map_64m_odd_between_bos,
	},
	{
		.name = "offset-bind",
		.describe = "Ranges are mapped at their own place in the dummy object",
		.run = offset_bind,
	},
	{
		.name = "offset-split",
		.describe = "Both parts of a split range stay at their place in the dummy object",
		.run = offset_split,
	},
	{
		.name = "evict-remap",
		.describe = "The job after an eviction finds the whole range mapped again",
		.run = evict_remap,
	},
	{
		.name = "async-bind",
		.describe = "A queued bind waits for its fence, and signals when the range is mapped",
		.run = async_bind,
	},
};

static void plain(int fd, const void *row)
{
	const struct plain_case *c = row;

	c->run(fd);
}

/* A file has its own dummy object, so each subtest opens one of its own. */
static void add_subtest(const char *name, const char *describe,
			void (*run)(int fd, const void *row), const void *row)
{
	igt_describe(describe);
	igt_subtest(name) {
		int fd = drm_open_driver(DRIVER_PANTHOR);

		run(fd, row);
		drm_close_driver(fd);
	}
}

int igt_main()
{
	igt_fixture() {
		int fd;

		igt_panthor_skip_on_big_endian();
		fd = drm_open_driver(DRIVER_PANTHOR);
		igt_panthor_require_sparse(fd);
		drm_close_driver(fd);
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(plain_cases); i++)
		add_subtest(plain_cases[i].name, plain_cases[i].describe, plain, &plain_cases[i]);

	for (unsigned int i = 0; i < ARRAY_SIZE(uapi_cases); i++)
		add_subtest(uapi_cases[i].name, uapi_cases[i].describe, uapi, &uapi_cases[i]);

	for (unsigned int i = 0; i < ARRAY_SIZE(rebind_cases); i++)
		add_subtest(rebind_cases[i].name, rebind_cases[i].describe, rebind,
			    &rebind_cases[i]);
}
