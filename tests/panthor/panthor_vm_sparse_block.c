// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_fail_function.h"
#include "igt_kernel_memory.h"
#include "igt_knob.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "igt_teardown.h"
#include "igt_udmabuf.h"
#include "ioctl_wrappers.h"

/**
 * TEST: 2 MiB blocks in page tables of panthor
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: blocks
 * Feature: block
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9
 * Scenario: block-split
 * Failure mode: Parts of a block that stay mapped after an unmap, wrong memory beside the hole, a
 *	block that the page table refuses to split.
 * Description: Parts of 2 MiB blocks are unmapped or replaced. Loads and stores of command streams
 *	check the holes and the rest, for each kind of memory that makes a block.
 *
 * SUBTEST: block-%s-unmap
 * Description: Unmap pages at the head, inside, across the edge and at the tail of 2 MiB-aligned
 *	parts of %arg[1]: each hole faults at its first and its last page, the rest keeps its
 *	content, and the VM stays usable.
 *
 * SUBTEST: block-%s-map
 * Description: Map another BO over pages at the head, inside, across the edge and at the tail of
 *	2 MiB-aligned parts of %arg[1]: both BOs show their own content, and the VM stays usable.
 *	Map the first BO as a whole again: its pages that were covered keep their content.
 *
 * arg[1]:
 *
 * @pages:	a BO that lies one page off the blocks of the VM
 */

/**
 * SUBTEST: block-%s-unmap
 * Test requirement: panthor uAPI 1.9, slabinfo without merged caches, huge pages
 * Description: Unmap pages at the head, inside, across the edge and at the tail of 2 MiB-aligned
 *	parts of %arg[1]: each hole faults at its first and its last page, the rest keeps its
 *	content, and the VM stays usable.
 *
 * SUBTEST: block-%s-map
 * Test requirement: panthor uAPI 1.9, slabinfo without merged caches, huge pages
 * Description: Map another BO over pages at the head, inside, across the edge and at the tail of
 *	2 MiB-aligned parts of %arg[1]: both BOs show their own content, and the VM stays usable.
 *	Map the first BO as a whole again: its pages that were covered keep their content.
 *
 * arg[1]:
 *
 * @huge:	a BO that is mapped by blocks
 */

/**
 * SUBTEST: block-%s-unmap
 * Scenario: block-small
 * Test requirement: panthor uAPI 1.9, debugfs with split_huge_pages, slabinfo without merged
 *	caches, swap, huge pages
 * Description: Unmap pages at the head, inside, across the edge and at the tail of 2 MiB-aligned
 *	parts of %arg[1]: each hole faults at its first and its last page, the rest keeps its
 *	content, and the VM stays usable.
 *
 * SUBTEST: block-%s-map
 * Scenario: block-small
 * Test requirement: panthor uAPI 1.9, debugfs with split_huge_pages, slabinfo without merged
 *	caches, swap, huge pages
 * Description: Map another BO over pages at the head, inside, across the edge and at the tail of
 *	2 MiB-aligned parts of %arg[1]: both BOs show their own content, and the VM stays usable.
 *	Map the first BO as a whole again: its pages that were covered keep their content.
 *
 * arg[1]:
 *
 * @small:	a BO whose huge pages were split while it was evicted, and that is mapped by
 *		blocks again
 */

/**
 * SUBTEST: block-%s-unmap
 * Scenario: block-dmabuf
 * Test requirement: panthor uAPI 1.9, udmabuf
 * Description: Unmap pages at the head, inside, across the edge and at the tail of 2 MiB-aligned
 *	parts of %arg[1]: each hole faults at its first and its last page, the rest keeps its
 *	content, and the VM stays usable.
 *
 * SUBTEST: block-%s-map
 * Scenario: block-dmabuf
 * Test requirement: panthor uAPI 1.9, udmabuf
 * Description: Map another BO over pages at the head, inside, across the edge and at the tail of
 *	2 MiB-aligned parts of %arg[1]: both BOs show their own content, and the VM stays usable.
 *	Map the first BO as a whole again: its pages that were covered keep their content.
 *
 * arg[1]:
 *
 * @dmabuf:	an imported udmabuf
 */

/**
 * SUBTEST: block-%s-unmap
 * Scenario: block-dmabuf
 * Test requirement: panthor uAPI 1.9, udmabuf, slabinfo without merged caches, huge pages
 * Description: Unmap pages at the head, inside, across the edge and at the tail of 2 MiB-aligned
 *	parts of %arg[1]: each hole faults at its first and its last page, the rest keeps its
 *	content, and the VM stays usable.
 *
 * SUBTEST: block-%s-map
 * Scenario: block-dmabuf
 * Test requirement: panthor uAPI 1.9, udmabuf, slabinfo without merged caches, huge pages
 * Description: Map another BO over pages at the head, inside, across the edge and at the tail of
 *	2 MiB-aligned parts of %arg[1]: both BOs show their own content, and the VM stays usable.
 *	Map the first BO as a whole again: its pages that were covered keep their content.
 *
 * arg[1]:
 *
 * @dmabuf-huge:	an imported udmabuf that is mapped by blocks
 */

/**
 * SUBTEST: block-unusable-reported
 * Scenario: block-unusable
 * Failure mode: Jobs that run, hang or are lost in a VM whose page table is known to be wrong, and
 *	unmaps whose failure is not reported.
 * Test requirement: panthor uAPI 1.9, error injection, or what block-small-unmap requires
 * Description: Unmap a page: the VM is usable if VM_BIND succeeds, and unusable if not. Inject an
 *	error into a synchronous unmap, where it locks the page and where it locks the block around
 *	it: VM_BIND returns it, the VM stays usable, and all other pages stay mapped. Inject it into
 *	a queued unmap: its fence has the error, and the VM is unusable. An unusable VM refuses a
 *	map, and an unmap of all pages removes every VMA.
 *
 * SUBTEST: block-unusable-%s
 * Scenario: block-unusable
 * Failure mode: Jobs that run, hang or are lost in a VM whose page table is known to be wrong, and
 *	unmaps whose failure is not reported.
 * Test requirement: panthor uAPI 1.9, error injection, or what block-small-unmap requires
 * Description: Make a VM unusable by an unmap that fails: %arg[1].
 *
 * arg[1]:
 *
 * @stops:	no later job of the VM runs, neither at once nor in another group after the device
 *		has suspended
 * @queued:	a job of the VM that waits for a fence ends with an error, and does not run
 * @running:	a running job of the VM ends with an error before its timeout
 * @crowded:	a job of the VM that waits for a slot of the GPU ends with an error, and does
 *		not run
 */

/**
 * TEST: Faults of panthor that outlive their VM
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: blocks
 * Feature: fault
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9
 * Scenario: fault-stale
 * Failure mode: A VM that is killed for another VM's stale fault.
 * Description: Faults are raised while the driver has masked them, and their address space goes to
 *	another VM.
 *
 * SUBTEST: fault-stale
 * Run type: BAT, FULL
 * Description: Let two streams of a VM fault, one of them after the driver has masked faults.
 *	Suspend the device: the next job of another VM ends well.
 */
IGT_TEST_DESCRIPTION("Splitting of 2 MiB blocks in panthor's page tables");

/*
 * The scenarios, and the failure that each one hunts:
 *
 * 1. block-split: a block is split wrongly, or page tables run out because none was reserved
 *    for the split. The memory is aligned to the block, or never is.
 * 2. block-small: the driver guesses from the size of a folio whether a block is mapped, and
 *    the page table refuses to give up a part of it. Small pages that lie where a huge page was
 *    make a block as well.
 * 3. block-dmabuf: the guess looks at pages, which imported BOs do not have, and the kernel
 *    dies with the VM's lock held. Another process makes the same binds of a udmabuf first, so
 *    that this one survives. Or the guess is that imported BOs make no blocks.
 * 4. block-unusable: jobs run, wait or hang in a VM whose page table is known to be wrong. Error
 *    injection into panthor_vm_lock_region() makes a queued unmap fail, which makes the VM
 *    unusable for certain. On drivers without it, a hole in a block of small pages may.
 * 5. fault-stale: a fault outlives the VM that it happened in.
 *
 * Holes are made in the order of the table, so that each is in a block that is still whole.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define BLOCK UINT64_C(0x200000)

/* Where the blocks are: a multiple of 1 GiB, away from what the VM has. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)
#define BLOCKS 5
#define SIZE (BLOCKS * BLOCK)

/* Streams of this test, and the words that they bring back. */
#define STREAM_VA (BASE_VA - SZ_2M)

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND

/* When the device must be suspended. The driver waits for 50 ms of idleness. */
#define SUSPEND_DEADLINE_MS 2000

/* When the binds of another process must have ended. */
#define ORPHAN_DEADLINE_MS 3000

/*
 * A job that cannot succeed must end before the driver's own timeout, which is half of
 * %IGT_PANTHOR_JOB_DEADLINE_MS, would end it.
 */
#define DOOMED_DEADLINE_MS (IGT_PANTHOR_JOB_DEADLINE_MS / 4)

/* One unrelated job consumes a stale fault, unless it comes too early. */
#define DRAIN_MAX 4
/* The device suspends after some 50 ms, and not at all after a job that hangs. */
#define DRAIN_SUSPEND_MS 200

/* Some ticks of the driver's scheduler, 10 ms each. */
#define CROWDED_US 50000

/*
 * Where errors are injected: an operation takes this lock before it changes anything. The error is
 * the only one that the function has: compilers know that, and callers may return no other.
 */
#define LOCK_REGION "panthor_vm_lock_region"
#define LOCK_REGION_ERROR ETIMEDOUT

#define LABEL "blocks"

/* Bytes of a page table. */
#define TABLE_SIZE 4096

/* A hole, from %BASE_VA. */
struct hole {
	uint64_t offset;
	uint64_t size;
};

static const struct hole holes[] = {
	{ 0, SZ_64K },
	{ BLOCK + PAGE, PAGE },
	{ 3 * BLOCK - SZ_64K, 2 * SZ_64K },
	{ 5 * BLOCK - PAGE, PAGE },
};

/* Sum of the sizes of the holes, rounded up. */
#define HOLES_SIZE SZ_256K

/* The hole of the subtests that make but one, a page within a block, and what follows. */
#define HOLE_VA (BASE_VA + BLOCK + PAGE)
#define REST_VA (HOLE_VA + PAGE)
#define REST_SIZE (BASE_VA + SIZE - REST_VA)

/* A hole in a block of its own. */
#define OTHER_HOLE_VA (BASE_VA + 3 * BLOCK + PAGE)

/**
 * blocks:
 * @exec: VM
 * @bo: what is mapped at %BASE_VA; its CPU mapping is not used
 * @bo_offset: where in @bo the mapping starts
 * @over: what takes the place of the holes, each at the sum of those before it
 *
 * A range of %BLOCKS blocks, and its holes.
 */
struct blocks {
	struct igt_panthor_exec exec;
	struct panthor_bo bo;
	uint64_t bo_offset;
	struct panthor_bo over;
};

static void store_pages(struct igt_panthor_exec *exec, uint64_t va, uint64_t size, uint32_t seed)
{
	if (size)
		igt_panthor_exec_store_pages(exec, va, size, seed);
}

static void load_pages(struct igt_panthor_exec *exec, uint64_t va, uint64_t size, uint32_t seed)
{
	const struct igt_panthor_walk walk = igt_panthor_pages(IGT_PANTHOR_LOAD, va, size, seed);

	if (size)
		igt_panthor_exec_walk_verify(exec, &walk);
}

static void wait_suspended(int fd)
{
	igt_require_f(igt_panthor_wait_suspended(fd, SUSPEND_DEADLINE_MS),
		      "the device did not suspend within %d ms\n", SUSPEND_DEADLINE_MS);
}

static void bind_blocks(int fd, uint32_t vm_id, uint32_t handle, uint64_t offset)
{
	igt_panthor_vm_bind_offset(fd, vm_id, handle, BASE_VA, SIZE, offset,
				   IGT_PANTHOR_BO_MAP_FLAGS, 0);
}

static void make_holes(int fd, uint32_t vm_id)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++)
		igt_panthor_vm_unbind(fd, vm_id, BASE_VA + holes[i].offset, holes[i].size, 0);
}

static void fill_holes(int fd, uint32_t vm_id, uint32_t handle)
{
	uint64_t offset = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++) {
		igt_panthor_vm_bind_offset(fd, vm_id, handle, BASE_VA + holes[i].offset,
					   holes[i].size, offset, IGT_PANTHOR_BO_MAP_FLAGS, 0);
		offset += holes[i].size;
	}
	igt_assert(offset <= HOLES_SIZE);
}

/* Memory of the kinds that a block can be made of, or not. */

static void huge_create(struct blocks *b)
{
	igt_panthor_bo_create(b->exec.fd, &b->bo, SIZE, 0, 0);
	igt_panthor_bo_set_label(b->exec.fd, &b->bo, LABEL);
	bind_blocks(b->exec.fd, b->exec.vm_id, b->bo.handle, 0);
}

/* A page further in the BO: the address and the memory are never both aligned. */
static void pages_create(struct blocks *b)
{
	igt_panthor_bo_create(b->exec.fd, &b->bo, SIZE + PAGE, 0, 0);
	igt_panthor_bo_set_label(b->exec.fd, &b->bo, LABEL);
	b->bo_offset = PAGE;
	bind_blocks(b->exec.fd, b->exec.vm_id, b->bo.handle, b->bo_offset);
}

#define SPLIT_HUGE_PAGES "/sys/kernel/debug/split_huge_pages"

static void small_require(int fd)
{
	igt_panthor_require_shrink(fd);
	igt_panthor_page_tables_require();
	igt_require_f(access(SPLIT_HUGE_PAGES, W_OK) == 0, SPLIT_HUGE_PAGES ": %s\n",
		      strerror(errno));
}

/*
 * The next job finds the BO in pages of 4 KiB that still lie where the huge pages were, and the
 * driver maps them by blocks again. The kernel can only split all huge pages of the machine; it
 * makes new ones when it sees fit.
 */
static void small_split(struct blocks *b)
{
	igt_panthor_evict_gem(b->exec.fd, LABEL);
	igt_assert(igt_knob_write(SPLIT_HUGE_PAGES, "1"));
}

/* A subtest that fails may leave faults raised and masked, see drain_stale_faults(). */
static bool faults_left;

/* Blocks need no table of the last level; pages need one for each 2 MiB. */
static void require_blocks(int64_t tables_before)
{
	const int64_t tables = (igt_panthor_page_table_bytes() - tables_before) / TABLE_SIZE;

	igt_require_f(tables < BLOCKS, "%" PRId64 " page tables for %d blocks: the memory is not "
		      "contiguous, since there are no huge pages\n", tables, BLOCKS);
}

/* Skips without huge pages, since the driver then maps the BO by pages. */
static void blocks_create(struct blocks *b)
{
	int64_t before;

	igt_panthor_page_tables_require();
	before = igt_panthor_page_table_bytes();
	huge_create(b);
	require_blocks(before);
}

static void small_create(struct blocks *b)
{
	const int64_t before = igt_panthor_page_table_bytes();

	faults_left = true;
	huge_create(b);
	store_pages(&b->exec, BASE_VA, SIZE, FIRST);
	require_blocks(before);
	small_split(b);
	load_pages(&b->exec, BASE_VA, SIZE, FIRST);
	require_blocks(before);
}

static uint32_t dmabuf_import(int fd)
{
	const int dmabuf = igt_udmabuf_create(LABEL, SIZE);
	const uint32_t handle = igt_panthor_bo_import(fd, dmabuf);

	close(dmabuf);

	return handle;
}

static void dmabuf_create(struct blocks *b)
{
	b->bo.handle = dmabuf_import(b->exec.fd);
	b->bo.size = SIZE;
	bind_blocks(b->exec.fd, b->exec.vm_id, b->bo.handle, 0);
}

/* The kernel's setting of huge pages for memory files. */
#define SHMEM_ENABLED "/sys/kernel/mm/transparent_hugepage/shmem_enabled"

/* Without huge pages, the pages of a memory file are contiguous by chance only. */
static void dmabuf_huge_create(struct blocks *b)
{
	int64_t before;

	igt_panthor_page_tables_require();
	igt_require_f(igt_knob_set(SHMEM_ENABLED, "within_size"),
		      "cannot write to " SHMEM_ENABLED "\n");
	before = igt_panthor_page_table_bytes();
	dmabuf_create(b);
	igt_knob_restore(SHMEM_ENABLED);
	require_blocks(before);
}

/* Makes the binds of the subtest in a VM that no group uses. */
static void orphan_binds(int fd, bool fill)
{
	struct panthor_bo over;
	uint32_t vm_id;

	igt_panthor_vm_create(fd, &vm_id, 0);
	bind_blocks(fd, vm_id, dmabuf_import(fd), 0);
	if (fill) {
		igt_panthor_bo_create(fd, &over, HOLES_SIZE, 0, 0);
		fill_holes(fd, vm_id, over.handle);
	} else {
		make_holes(fd, vm_id);
	}
	igt_panthor_vm_destroy(fd, vm_id, 0);
}

/*
 * A driver that dies of the binds leaves a process that cannot even be killed. The process must
 * not be a child of the test, and must not hold files open that another process waits for: the
 * log, and the files of its parent.
 */
static void orphan_run(int fd, bool fill, volatile bool *done)
{
	char path[32];
	int file;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	file = open(path, O_RDWR | O_CLOEXEC);
	igt_assert_fd(file);
	close_range(0, file - 1, 0);
	close_range(file + 1, ~0U, 0);

	orphan_binds(file, fill);
	*done = true;
}

static bool orphan_survives(int fd, bool fill)
{
	volatile bool *done = igt_map_shared(sizeof(*done));
	bool survived;

	igt_fork(child, 1)
		if (fork() == 0)
			orphan_run(fd, fill, done);
	igt_waitchildren();

	survived = igt_wait(*done, ORPHAN_DEADLINE_MS, 1);
	igt_unmap_shared((void *)done, sizeof(*done));

	return survived;
}

/**
 * kind:
 * @name: part of the subtests' names
 * @of: memory that the blocks are made of; part of the descriptions
 * @create: maps the blocks
 * @splits: @create evicts the BO and splits huge pages
 * @imports: @create imports a udmabuf
 */
struct kind {
	const char *name;
	const char *of;
	void (*create)(struct blocks *b);
	bool splits;
	bool imports;
};

static const struct kind kinds[] = {
	{
		.name = "huge",
		.of = "a BO that is mapped by blocks",
		.create = blocks_create,
	},
	{
		.name = "pages",
		.of = "a BO that lies one page off the blocks of the VM",
		.create = pages_create,
	},
	{
		.name = "small",
		.of = "a BO whose huge pages were split while it was evicted, and that is mapped "
		      "by blocks again",
		.create = small_create,
		.splits = true,
	},
	{
		.name = "dmabuf",
		.of = "an imported udmabuf",
		.create = dmabuf_create,
		.imports = true,
	},
	{
		.name = "dmabuf-huge",
		.of = "an imported udmabuf that is mapped by blocks",
		.create = dmabuf_huge_create,
		.imports = true,
	},
	{}
};

/* Every page between the holes. */
static void load_rest(struct blocks *b)
{
	uint64_t offset = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++) {
		load_pages(&b->exec, BASE_VA + offset, holes[i].offset - offset, FIRST);
		offset = holes[i].offset + holes[i].size;
	}
	load_pages(&b->exec, BASE_VA + offset, SIZE - offset, FIRST);
}

static void holes_fault(struct blocks *b)
{
	make_holes(b->exec.fd, b->exec.vm_id);
	igt_panthor_vm_assert_usable(b->exec.fd, b->exec.vm_id);
	load_rest(b);
	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++) {
		const uint64_t va = BASE_VA + holes[i].offset;

		igt_panthor_exec_must_fault(&b->exec, va, IGT_PANTHOR_LOAD);
		igt_panthor_exec_must_fault(&b->exec, va + holes[i].size - PAGE, IGT_PANTHOR_STORE);
	}
	load_rest(b);
}

static void holes_filled(struct blocks *b)
{
	igt_panthor_bo_create(b->exec.fd, &b->over, HOLES_SIZE, 0, 0);
	fill_holes(b->exec.fd, b->exec.vm_id, b->over.handle);
	igt_panthor_vm_assert_usable(b->exec.fd, b->exec.vm_id);

	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++)
		store_pages(&b->exec, BASE_VA + holes[i].offset, holes[i].size, SECOND);
	load_rest(b);
	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++)
		load_pages(&b->exec, BASE_VA + holes[i].offset, holes[i].size, SECOND);

	bind_blocks(b->exec.fd, b->exec.vm_id, b->bo.handle, b->bo_offset);
	load_pages(&b->exec, BASE_VA, SIZE, FIRST);
	igt_panthor_free_bo(b->exec.fd, &b->over);
}

static void blocks_fini(struct blocks *b)
{
	igt_panthor_exec_fini(&b->exec);
	igt_panthor_free_bo(b->exec.fd, &b->bo);
	faults_left = false;
}

/* Skips, or fails before this process has a VM that the failure would lock. */
static void split_prepare(int fd, const struct kind *kind, bool fill)
{
	if (kind->splits)
		small_require(fd);

	if (kind->imports) {
		igt_udmabuf_require();
		igt_assert_f(orphan_survives(fd, fill),
			     "binds of another process did not end within %d ms\n",
			     ORPHAN_DEADLINE_MS);
	}
}

static void split(int fd, const struct kind *kind, bool fill)
{
	struct blocks b = {};

	split_prepare(fd, kind, fill);
	igt_panthor_exec_init(&b.exec, fd);
	kind->create(&b);
	store_pages(&b.exec, BASE_VA, SIZE, FIRST);
	if (fill)
		holes_filled(&b);
	else
		holes_fault(&b);
	igt_panthor_exec_neighbours_fault(&b.exec, BASE_VA, SIZE);

	blocks_fini(&b);
}

/*
 * block-unusable-*
 */

static int make_hole_at(const struct igt_panthor_exec *exec, uint64_t va)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
		.va = va,
		.size = PAGE,
	};

	return __igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, 0, &op, 1);
}

static int make_hole(const struct igt_panthor_exec *exec)
{
	return make_hole_at(exec, HOLE_VA);
}

/* Queues the hole; returns the error of its fence, 0 if there is none. */
static int make_hole_queued(const struct igt_panthor_exec *exec)
{
	const uint32_t done = syncobj_create(exec->fd, 0);
	struct drm_panthor_sync_op signal = igt_panthor_sync_signal(done, 0);
	struct drm_panthor_vm_bind_op op = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
		.va = HOLE_VA,
		.size = PAGE,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &signal),
	};
	struct igt_panthor_job_result result;

	igt_panthor_vm_bind_ops_async(exec->fd, exec->vm_id, &op, 1, 0);
	result = igt_panthor_job_wait(exec->fd, exec->group, done, IGT_PANTHOR_JOB_DEADLINE_MS);
	igt_assert_neq(result.fence, -ETIME);
	syncobj_destroy(exec->fd, done);

	return result.fence;
}

static bool is_usable(const struct igt_panthor_exec *exec)
{
	return igt_panthor_vm_get_state(exec->fd, exec->vm_id) == DRM_PANTHOR_VM_STATE_USABLE;
}

/* Asserts that an operation met the error that was injected. */
static void stop_injecting(void)
{
	igt_assert_f(igt_fail_function_left() == 0, "no call of " LOCK_REGION "() failed\n");
	igt_fail_function_stop();
}

/**
 * unusable:
 * @b: VM with the blocks that are to get a hole
 * @injects: errors are injected; else the hole is in a block of small pages
 */
struct unusable {
	struct blocks b;
	bool injects;
};

static void unusable_init(struct unusable *u, int fd)
{
	u->injects = igt_fail_function_has(LOCK_REGION);
	if (!u->injects)
		small_require(fd);
	igt_panthor_exec_init(&u->b.exec, fd);
}

/* Once the group is the one that the subtest wants: the small pages take jobs. */
static void unusable_map(struct unusable *u)
{
	if (!u->injects) {
		small_create(&u->b);
		return;
	}

	faults_left = true;
	huge_create(&u->b);
	store_pages(&u->b.exec, BASE_VA, SIZE, FIRST);
}

static void make_unusable(struct unusable *u)
{
	if (!u->injects) {
		make_hole(&u->b.exec);
		igt_require_f(!is_usable(&u->b.exec),
			      "the VM stays usable, and no errors can be injected\n");
		return;
	}

	igt_fail_function_start(LOCK_REGION, LOCK_REGION_ERROR, 0, 1);
	igt_assert_eq(make_hole_queued(&u->b.exec), -LOCK_REGION_ERROR);
	stop_injecting();
	igt_assert_f(!is_usable(&u->b.exec), "a queued unmap failed, and the VM is usable\n");
}

/*
 * A synchronous unmap that fails has no effect. It locks the page first, and then the block around
 * it, which it splits.
 */
static void refuse_hole(struct unusable *u, unsigned int locks_before)
{
	igt_fail_function_start(LOCK_REGION, LOCK_REGION_ERROR, locks_before, 1);
	igt_assert_eq(make_hole(&u->b.exec), -LOCK_REGION_ERROR);
	stop_injecting();
	igt_panthor_vm_assert_usable(u->b.exec.fd, u->b.exec.vm_id);
	load_pages(&u->b.exec, BASE_VA, OTHER_HOLE_VA - BASE_VA, FIRST);
	load_pages(&u->b.exec, OTHER_HOLE_VA + PAGE, BASE_VA + SIZE - OTHER_HOLE_VA - PAGE, FIRST);
}

/* The page table may refuse another hole. VM_BIND and the state of the VM must agree about it. */
static bool other_hole_is_refused(struct unusable *u)
{
	const int err = make_hole_at(&u->b.exec, OTHER_HOLE_VA);

	igt_assert_f(is_usable(&u->b.exec) == !err, "VM_BIND: %d, but the VM is %susable\n", err,
		     err ? "" : "un");

	return err;
}

/* debugfs is there: each way to make a VM unusable needs it. */
static void assert_no_vmas(const struct igt_panthor_exec *exec)
{
	struct igt_panthor_vmas vmas;

	igt_panthor_exec_read_vmas(exec, &vmas);
	for (size_t i = 0; i < vmas.count; i++)
		igt_assert_f(vmas.vma[i].va + vmas.vma[i].size <= BASE_VA ||
				     vmas.vma[i].va >= BASE_VA + SIZE,
			     "a VMA at %#" PRIx64 " is left by the unmap of all pages\n",
			     vmas.vma[i].va);
	igt_panthor_free_vmas(&vmas);
}

static void unusable_reported(int fd)
{
	struct unusable u = {};

	unusable_init(&u, fd);
	unusable_map(&u);
	if (!other_hole_is_refused(&u)) {
		igt_require_f(u.injects, "the VM stays usable, and no errors can be injected\n");
		refuse_hole(&u, 0);
		refuse_hole(&u, 1);
		make_unusable(&u);
	}
	igt_panthor_vm_bind(fd, u.b.exec.vm_id, u.b.bo.handle, BASE_VA, PAGE,
			    IGT_PANTHOR_BO_MAP_FLAGS, EINVAL);
	igt_panthor_exec_unbind(&u.b.exec, BASE_VA, SIZE);
	assert_no_vmas(&u.b.exec);

	blocks_fini(&u.b);
}

/* A page of streams, and a page of the words that they store. */
enum stream {
	STREAM_LOAD,
	STREAM_SPIN,
	STREAMS,
};

#define STREAM_SIZE (PAGE / STREAMS)
#define RING_SIZE SZ_4K
#define WORDS_VA (STREAM_VA + PAGE)
#define UNTOUCHED 0xbad0bad0

enum {
	REG_ADDRESS = 0,
	REG_WORDS = 2,
	REG_VALUE = 4,
	REG_SCRATCH = 5,
};

/* The word that a stream stores when it has loaded, or has begun to spin. */
static volatile uint32_t *stream_word(const struct panthor_bo *bo, enum stream stream)
{
	return (volatile uint32_t *)((char *)bo->map + PAGE) + stream;
}

static void streams_create(const struct igt_panthor_exec *exec, struct panthor_bo *bo)
{
	igt_panthor_bo_create_mapped(exec->fd, bo, 2 * PAGE, 0, 0);
	igt_panthor_bo_set_label(exec->fd, bo, "streams");
	igt_panthor_vm_bind(exec->fd, exec->vm_id, bo->handle, STREAM_VA, bo->size,
			    DRM_PANTHOR_VM_BIND_OP_TYPE_MAP |
			    DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED, 0);
	for (enum stream stream = 0; stream < STREAMS; stream++)
		*stream_word(bo, stream) = UNTOUCHED;
}

static void stream_start(const struct igt_panthor_exec *exec, const struct panthor_bo *bo,
			 enum stream stream, struct igt_panthor_cs *cs)
{
	igt_panthor_cs_init(cs, (char *)bo->map + stream * STREAM_SIZE, STREAM_SIZE, &exec->limits);
	igt_panthor_cs_mov48(cs, REG_WORDS, WORDS_VA);
}

static int stream_submit(const struct igt_panthor_exec *exec, enum stream stream, int size,
			 uint32_t syncobj)
{
	struct drm_panthor_sync_op signal = igt_panthor_sync_signal(syncobj, 0);
	struct drm_panthor_queue_submit job = {
		.queue_index = stream,
		.stream_size = size,
		.stream_addr = STREAM_VA + stream * STREAM_SIZE,
		.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &signal),
	};
	struct drm_panthor_group_submit submit = {
		.group_handle = exec->group,
		.queue_submits = DRM_PANTHOR_OBJ_ARRAY(1, &job),
	};

	igt_assert_lt(0, size);
	__sync_synchronize();
	return __igt_panthor_group_submit(exec->fd, &submit);
}

/* Loads the word at @va and stores it to the word of the stream. */
static int build_load(const struct igt_panthor_exec *exec, const struct panthor_bo *bo, uint64_t va)
{
	struct igt_panthor_cs cs;

	stream_start(exec, bo, STREAM_LOAD, &cs);
	igt_panthor_cs_mov48(&cs, REG_ADDRESS, va);
	igt_panthor_cs_load(&cs, REG_VALUE, 1, REG_ADDRESS, 0);
	igt_panthor_cs_store(&cs, REG_VALUE, 1, REG_WORDS, STREAM_LOAD * sizeof(uint32_t));
	return igt_panthor_cs_end(&cs, REG_SCRATCH);
}

/* Runs until its word becomes 0, or the group is ended. */
static int build_spin(const struct igt_panthor_exec *exec, const struct panthor_bo *bo)
{
	struct igt_panthor_cs cs;

	stream_start(exec, bo, STREAM_SPIN, &cs);
	igt_panthor_cs_mov32(&cs, REG_VALUE, 1);
	igt_panthor_cs_store(&cs, REG_VALUE, 1, REG_WORDS, STREAM_SPIN * sizeof(uint32_t));
	igt_panthor_cs_wait(&cs);
	igt_panthor_cs_spin_while(&cs, CS_CONDITION_NEQUAL, REG_VALUE, REG_WORDS,
				  STREAM_SPIN * sizeof(uint32_t));
	return igt_panthor_cs_end(&cs, REG_SCRATCH);
}

static void spin_submit(const struct igt_panthor_exec *exec, const struct panthor_bo *bo,
			uint32_t syncobj)
{
	const int size = build_spin(exec, bo);

	igt_assert_eq(stream_submit(exec, STREAM_SPIN, size, syncobj), 0);
}

static void spin_wait(const struct panthor_bo *bo)
{
	igt_assert_f(igt_wait(*stream_word(bo, STREAM_SPIN) == 1, IGT_PANTHOR_JOB_DEADLINE_MS, 1),
		     "the job did not start\n");
}

static void job_must_fail(const struct igt_panthor_exec *exec, uint32_t syncobj)
{
	const struct igt_panthor_job_result result =
		igt_panthor_job_wait(exec->fd, exec->group, syncobj, DOOMED_DEADLINE_MS);

	igt_assert_f(result.fence < 0 && result.fence != -ETIME, "the job ended with %d\n",
		     result.fence);
}

/* Neither GROUP_SUBMIT nor the job succeeds, and the word of the stream stays as it was. */
static void load_must_fail(const struct igt_panthor_exec *exec, const struct panthor_bo *bo,
			   uint64_t va)
{
	const int size = build_load(exec, bo, va);
	const int err = stream_submit(exec, STREAM_LOAD, size, exec->syncobj);

	igt_info("load at %#" PRIx64 ": GROUP_SUBMIT %d\n", va, err);
	if (!err)
		job_must_fail(exec, exec->syncobj);
	igt_assert_eq_u32(*stream_word(bo, STREAM_LOAD), UNTOUCHED);
}

static void unusable_stops(int fd)
{
	struct unusable u = {};
	struct panthor_bo streams;
	uint32_t later;

	unusable_init(&u, fd);
	streams_create(&u.b.exec, &streams);
	unusable_map(&u);
	later = igt_panthor_group_create_simple(fd, u.b.exec.vm_id, 0);

	make_unusable(&u);
	igt_panthor_ignore_fault_messages();
	load_must_fail(&u.b.exec, &streams, REST_VA);
	wait_suspended(fd);
	/* The first job may have ended its group, which then takes no more jobs. */
	igt_panthor_group_destroy(fd, u.b.exec.group, 0);
	u.b.exec.group = later;
	load_must_fail(&u.b.exec, &streams, REST_VA);
	load_must_fail(&u.b.exec, &streams, HOLE_VA);

	igt_panthor_free_bo(fd, &streams);
	blocks_fini(&u.b);
}

static void unusable_queued(int fd)
{
	const struct igt_panthor_walk walk =
		igt_panthor_pages(IGT_PANTHOR_LOAD, BASE_VA, BLOCK, FIRST);
	struct drm_panthor_sync_op wait;
	struct igt_panthor_exec gate;
	struct unusable u = {};

	unusable_init(&u, fd);
	igt_panthor_exec_init(&gate, fd);
	unusable_map(&u);

	igt_panthor_exec_pause(&gate, NULL, NULL);
	wait = igt_panthor_sync_wait(gate.syncobj, 0);
	igt_panthor_exec_start(&u.b.exec, &walk, &wait, 1);
	make_unusable(&u);
	igt_panthor_exec_resume(&gate);

	job_must_fail(&u.b.exec, u.b.exec.syncobj);
	igt_assert_eq_u32(*(uint32_t *)u.b.exec.out.map, IGT_PANTHOR_EXEC_POISON);

	blocks_fini(&u.b);
	igt_panthor_exec_fini(&gate);
}

/* Replaces the group by one that has a queue for each stream. */
static void group_create_streams(struct igt_panthor_exec *exec)
{
	igt_panthor_group_destroy(exec->fd, exec->group, 0);
	exec->group = igt_panthor_group_create_queues(exec->fd, exec->vm_id, STREAMS, 0);
}

/* A group that gets no slot while groups of medium priority want them all. */
static void group_create_low(struct igt_panthor_exec *exec)
{
	struct drm_panthor_queue_create queues[STREAMS] = {};
	struct drm_panthor_group_create create = {
		.queues = DRM_PANTHOR_OBJ_ARRAY(STREAMS, queues),
		.priority = PANTHOR_GROUP_PRIORITY_LOW,
		.vm_id = exec->vm_id,
	};

	for (unsigned int i = 0; i < STREAMS; i++)
		queues[i].ringbuf_size = RING_SIZE;

	igt_panthor_group_destroy(exec->fd, exec->group, 0);
	igt_panthor_group_create(exec->fd, &create, 0);
	exec->group = create.group_handle;
}

/*
 * Groups that spin, one for each slot of the GPU. Each has its slot before the next is submitted:
 * the kernel's workers may hand jobs to the scheduler in another order than that of their
 * submission.
 */
static unsigned int crowd_create(struct igt_panthor_exec *crowd, struct panthor_bo *bo,
				 uint32_t *groups)
{
	const uint32_t own = crowd->group;
	struct drm_panthor_csif_info csif;
	int size;

	igt_panthor_query(crowd->fd, DRM_PANTHOR_DEV_QUERY_CSIF_INFO, &csif, sizeof(csif), 0);
	igt_assert_lte_u32(csif.csg_slot_count, IGT_PANTHOR_MAX_SLOTS);
	streams_create(crowd, bo);
	size = build_spin(crowd, bo);

	for (unsigned int i = 0; i < csif.csg_slot_count; i++) {
		groups[i] = igt_panthor_group_create_queues(crowd->fd, crowd->vm_id, STREAMS, 0);
		crowd->group = groups[i];
		*stream_word(bo, STREAM_SPIN) = UNTOUCHED;
		igt_assert_eq(stream_submit(crowd, STREAM_SPIN, size, crowd->syncobj), 0);
		spin_wait(bo);
	}
	crowd->group = own;

	return csif.csg_slot_count;
}

static void unusable_running(int fd)
{
	struct unusable u = {};
	struct panthor_bo streams;

	unusable_init(&u, fd);
	group_create_streams(&u.b.exec);
	streams_create(&u.b.exec, &streams);
	unusable_map(&u);

	spin_submit(&u.b.exec, &streams, u.b.exec.syncobj);
	spin_wait(&streams);
	make_unusable(&u);
	job_must_fail(&u.b.exec, u.b.exec.syncobj);

	igt_panthor_free_bo(fd, &streams);
	blocks_fini(&u.b);
}

static void unusable_crowded(int fd)
{
	struct panthor_bo crowd_streams, streams;
	struct igt_panthor_exec crowd;
	uint32_t groups[IGT_PANTHOR_MAX_SLOTS];
	struct unusable u = {};
	unsigned int count;

	unusable_init(&u, fd);
	igt_panthor_exec_init(&crowd, fd);
	streams_create(&u.b.exec, &streams);
	unusable_map(&u);
	group_create_low(&u.b.exec);

	count = crowd_create(&crowd, &crowd_streams, groups);
	spin_submit(&u.b.exec, &streams, u.b.exec.syncobj);
	usleep(CROWDED_US);
	igt_assert_eq_u32(*stream_word(&streams, STREAM_SPIN), UNTOUCHED);
	make_unusable(&u);

	*stream_word(&crowd_streams, STREAM_SPIN) = 0;
	for (unsigned int i = 0; i < count; i++)
		igt_panthor_group_destroy(fd, groups[i], 0);
	job_must_fail(&u.b.exec, u.b.exec.syncobj);
	igt_assert_eq_u32(*stream_word(&streams, STREAM_SPIN), UNTOUCHED);

	igt_panthor_free_bo(fd, &streams);
	igt_panthor_free_bo(fd, &crowd_streams);
	blocks_fini(&u.b);
	igt_panthor_exec_fini(&crowd);
}

/* Whether the job of a new VM ends well. */
static bool unrelated_job_works(int fd)
{
	const struct igt_panthor_walk walk =
		igt_panthor_pages(IGT_PANTHOR_STORE_LOAD, BASE_VA, BLOCK, FIRST);
	struct igt_panthor_job_result result;
	struct igt_panthor_exec exec;
	bool works;

	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_bind_sparse(&exec, BASE_VA, BLOCK);
	result = __igt_panthor_exec_walk(&exec, &walk);
	works = !result.fence && !result.group_state && !result.fatal_queues;
	if (works)
		igt_panthor_exec_walk_verify(&exec, &walk);
	igt_panthor_exec_fini(&exec);

	return works;
}

/*
 * A driver with stale faults ends the job of an unrelated VM, whose own fault is stale in turn. The
 * chain ends with a job that comes before the device suspends, since the driver still knows of the
 * fault then. Without this, the subtests that follow would fail for it.
 */
static void drain_stale_faults(void)
{
	const int fd = igt_panthor_open();
	bool drained = false;

	for (unsigned int i = 0; i < DRAIN_MAX && !drained; i++) {
		unrelated_job_works(fd);
		igt_panthor_wait_suspended(fd, DRAIN_SUSPEND_MS);
		drained = unrelated_job_works(fd);
	}
	igt_panthor_close(fd);
	faults_left = false;
}

/*
 * The driver answers the fault of the load: it masks the faults of the address space, and disables
 * the address space. The next load of the spinning stream faults for that, and its fault stays
 * raised. An address space goes to the first VM that needs one after the device has suspended: to
 * the VM of the two streams, and later to the unrelated VM.
 */
static void fault_stale(int fd)
{
	struct igt_panthor_exec exec;
	struct panthor_bo streams;
	uint32_t spin;

	faults_left = true;

	igt_panthor_exec_init(&exec, fd);
	group_create_streams(&exec);
	streams_create(&exec, &streams);
	spin = syncobj_create(fd, 0);
	wait_suspended(fd);

	igt_panthor_ignore_fault_messages();
	spin_submit(&exec, &streams, spin);
	spin_wait(&streams);
	load_must_fail(&exec, &streams, BASE_VA);
	job_must_fail(&exec, spin);
	wait_suspended(fd);

	igt_assert_f(unrelated_job_works(fd), "a VM is killed for another VM's stale fault\n");
	faults_left = false;

	syncobj_destroy(fd, spin);
	igt_panthor_exec_fini(&exec);
	igt_panthor_free_bo(fd, &streams);
}

static const char * const fault_stale_describe =
	"Let two streams of a VM fault, one of them after the driver has masked faults. Suspend "
	"the device: the next job of another VM ends well.";

static const char * const unusable_reported_describe =
	"Unmap a page: the VM is usable if VM_BIND succeeds, and unusable if not. Inject an error "
	"into a synchronous unmap, where it locks the page and where it locks the block around it: "
	"VM_BIND returns it, the VM stays usable, and all other pages stay mapped. Inject it into a "
	"queued unmap: its fence has the error, and the VM is unusable. An unusable VM refuses a "
	"map, and an unmap of all pages removes every VMA.";

/* Described as "Make a VM unusable by an unmap that fails: ...". */
static const struct igt_panthor_case unusable_cases[] = {
	{
		.name = "crowded",
		.describe = "a job of the VM that waits for a slot of the GPU ends with an "
			    "error, and does not run",
		.run = unusable_crowded,
	},
	{
		.name = "running",
		.describe = "a running job of the VM ends with an error before its timeout",
		.run = unusable_running,
	},
	{
		.name = "queued",
		.describe = "a job of the VM that waits for a fence ends with an error, and does "
			    "not run",
		.run = unusable_queued,
	},
	{
		.name = "stops",
		.describe = "no later job of the VM runs, neither at once nor in another group "
			    "after the device has suspended",
		.run = unusable_stops,
	},
	{}
};

static void tear_down(void)
{
	igt_teardown();
	if (faults_left)
		drain_stale_faults();
}

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();

	igt_describe(fault_stale_describe);
	igt_subtest("fault-stale")
		igt_panthor_with_device(fd)
			fault_stale(fd);
	igt_fixture()
		tear_down();

	for (const struct kind *kind = kinds; kind->name; kind++) {
		igt_describe_f("Unmap pages at the head, inside, across the edge and at the tail "
			       "of 2 MiB-aligned parts of %s: each hole faults at its first and "
			       "its last page, the rest keeps its content, and the VM stays "
			       "usable.",
			       kind->of);
		igt_subtest_f("block-%s-unmap", kind->name)
			igt_panthor_with_device(fd)
				split(fd, kind, false);
		igt_fixture()
			tear_down();

		igt_describe_f("Map another BO over pages at the head, inside, across the edge "
			       "and at the tail of 2 MiB-aligned parts of %s: both BOs show their "
			       "own content, and the VM stays usable. Map the first BO as a whole "
			       "again: its pages that were covered keep their content.",
			       kind->of);
		igt_subtest_f("block-%s-map", kind->name)
			igt_panthor_with_device(fd)
				split(fd, kind, true);
		igt_fixture()
			tear_down();
	}

	for (const struct igt_panthor_case *c = unusable_cases; c->name; c++) {
		igt_describe_f("Make a VM unusable by an unmap that fails: %s.", c->describe);
		igt_subtest_f("block-unusable-%s", c->name)
			igt_panthor_with_device(fd)
				c->run(fd);
		igt_fixture()
			tear_down();
	}

	igt_describe(unusable_reported_describe);
	igt_subtest("block-unusable-reported")
		igt_panthor_with_device(fd)
			unusable_reported(fd);
	igt_fixture()
		tear_down();
}
