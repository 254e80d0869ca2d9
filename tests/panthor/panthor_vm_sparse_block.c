// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_kernel_memory.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "igt_teardown.h"
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
 * Test requirement: panthor uAPI 1.9, debugfs, swap and udmabuf for some
 * Failure mode: Parts of a block that stay mapped after they were unmapped, memory that is
 *	given back while the GPU reaches it, a VM that runs on though its page
 *	table is known to be wrong.
 * Description: The driver maps memory by blocks of 2 MiB where it can, and has to
 *	take a block apart when a part of it is unmapped or replaced. Loads and
 *	stores of command streams check the parts, whatever memory the block was
 *	made of, and what happens to a VM that the driver gives up.
 *
 * SUBTEST: block-huge-unmap
 * Run type: BAT, FULL
 * Description: Holes at the head, within, across and at the tail of the blocks of
 *	an ordinary BO: each hole faults, all the rest keeps its content.
 *
 * SUBTEST: block-huge-map
 * Description: The same with another BO in the place of each hole: both BOs show
 *	their own content.
 *
 * SUBTEST: block-pages-unmap
 * Description: Holes in a BO that lies across the blocks of the VM, so that none
 *	of them can be mapped by one entry.
 *
 * SUBTEST: block-pages-map
 * Description: The same with another BO in the place of each hole.
 *
 * SUBTEST: block-small-unmap
 * Description: Holes in a BO whose huge pages were split while it was evicted: its
 *	small pages still lie next to each other, and make blocks.
 *
 * SUBTEST: block-small-map
 * Description: The same with another BO in the place of each hole.
 *
 * SUBTEST: block-dmabuf-unmap
 * Description: Holes in an imported udmabuf, whose pages the driver does not know.
 *	A process of its own makes them first.
 *
 * SUBTEST: block-dmabuf-map
 * Description: The same with another BO in the place of each hole.
 *
 * SUBTEST: block-unusable-reported
 * Description: A hole in such a block of small pages is there when VM_BIND says
 *	so, in a VM that is usable. If VM_BIND fails, the VM is unusable, takes no
 *	more maps, and can be taken down.
 *
 * SUBTEST: block-unusable-stops
 * Description: The same hole; then the device suspends. No job finds the page that
 *	was unmapped, and none runs in an unusable VM, as the uAPI says.
 *
 * SUBTEST: block-unusable-queued
 * Description: The same for a job that was submitted before, and waits for its
 *	fence while the hole is made.
 *
 * SUBTEST: block-unusable-running
 * Description: The same for a job that is running while the hole is made.
 *
 * SUBTEST: block-unusable-crowded
 * Description: The same for a job that waits for its turn while the hole is made,
 *	as groups of a higher priority have all slots of the GPU.
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
 * Failure mode: A fault that is charged to a VM that did not cause it.
 * Description: Which VM pays for a fault that was raised while nobody listened.
 *
 * SUBTEST: fault-stale
 * Run type: BAT, FULL
 * Description: Two streams of a VM fault, one of them when the driver has masked
 *	faults already. After the device has suspended, the job of another VM is
 *	not taken for the culprit.
 */
IGT_TEST_DESCRIPTION("2 MiB blocks of panthor's page tables, taken apart");

/*
 * What goes wrong in drivers, and the subtests that show it:
 *
 * 1. block-small-*: whether there is a block entry is guessed from something other
 *    than what made it. The page table then refuses to give up a part of the block.
 * 2. block-dmabuf-*: the guess looks at memory that imported BOs do not have, and the
 *    kernel dies of it with locks held. Thus the other process: it takes the blow,
 *    and nothing of it is needed by this one.
 * 3. block-huge-*, block-pages-*: a block is taken apart wrongly, or page tables run
 *    out because none was reserved for it.
 * 4. block-unusable-*: the driver knows that its page table is broken, and goes on.
 * 5. fault-stale: a fault outlives the VM that it happened in.
 *
 * The holes come in the order of the table, so that each is in a block that is still
 * whole.
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

/* How long the device may take to suspend: the driver waits for 50 ms of idleness. */
#define SUSPEND_DEADLINE_MS 2000

/* How long the binds of another process may take. */
#define ORPHAN_DEADLINE_MS 3000

/* A job that cannot succeed has to end long before the 5 s that the driver gives any other. */
#define DOOMED_DEADLINE_MS 500

/*
 * One is enough to find the GPU as it should be, if it comes in time. After a job that
 * hangs the device does not suspend, which otherwise takes it some 50 ms.
 */
#define STRANGERS 4
#define CALM_MS 200

/* Some ticks of the driver's scheduler, which come every 10 ms. */
#define CROWDED_US 50000

#define LABEL "blocks"

#define MAP_FLAGS (DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC)

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

/**
 * blocks:
 * @exec: VM
 * @bo: what is mapped at %BASE_VA; its CPU mapping is not used
 * @over: what takes the place of the holes, each at the sum of those before it
 *
 * A range of %BLOCKS blocks, and its holes.
 */
struct blocks {
	struct igt_panthor_exec exec;
	struct panthor_bo bo;
	struct panthor_bo over;
};

static void assert_state(const struct igt_panthor_exec *exec, uint32_t state)
{
	igt_assert_eq_u32(igt_panthor_vm_get_state(exec->fd, exec->vm_id), state);
}

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
	igt_panthor_vm_bind_offset(fd, vm_id, handle, BASE_VA, SIZE, offset, MAP_FLAGS, 0);
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
					   holes[i].size, offset, MAP_FLAGS, 0);
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
	bind_blocks(b->exec.fd, b->exec.vm_id, b->bo.handle, PAGE);
}

/* -1 if the kernel has no huge pages to split. */
static int open_split(void)
{
	int file = open("/sys/kernel/debug/split_huge_pages", O_WRONLY | O_CLOEXEC);

	igt_require_f(file >= 0 || errno == ENOENT, "huge pages cannot be split: %s\n",
		      strerror(errno));
	return file;
}

static void small_require(int fd)
{
	int file;

	igt_panthor_require_shrink(fd);
	file = open_split();
	if (file >= 0)
		close(file);
}

/* All huge pages of the system: those of the BO can be split while it is evicted. */
static void split_huge_pages(void)
{
	int file = open_split();

	if (file < 0)
		return;

	igt_assert_eq(write(file, "1", 1), 1);
	close(file);
}

/*
 * The next job finds the BO in pages of 4 KiB, which still lie where the huge pages
 * were, so the driver maps them by blocks again.
 */
static void small_split(struct blocks *b)
{
	igt_panthor_evict_gem(b->exec.fd, LABEL);
	split_huge_pages();
}

/* A subtest is at work that leaves faults unheard where it fails, see calm_down(). */
static bool faults_left;

static void small_create(struct blocks *b)
{
	faults_left = true;
	huge_create(b);
	store_pages(&b->exec, BASE_VA, SIZE, FIRST);
	small_split(b);
	load_pages(&b->exec, BASE_VA, SIZE, FIRST);
}

#define UDMABUF_PATH "/dev/udmabuf"

static void dmabuf_require(void)
{
	const int device = open(UDMABUF_PATH, O_RDWR | O_CLOEXEC);

	igt_require_f(device >= 0, UDMABUF_PATH ": %s\n", strerror(errno));
	close(device);
}

static int dmabuf_export(void)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = SIZE };
	const int device = open(UDMABUF_PATH, O_RDWR | O_CLOEXEC);
	int dmabuf;

	igt_assert_fd(device);
	create.memfd = memfd_create(LABEL, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	igt_assert_fd((int)create.memfd);
	igt_assert_eq(ftruncate(create.memfd, SIZE), 0);
	igt_assert_eq(fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	dmabuf = ioctl(device, UDMABUF_CREATE, &create);
	igt_assert_fd(dmabuf);
	close(create.memfd);
	close(device);

	return dmabuf;
}

static uint32_t dmabuf_import(int fd)
{
	struct drm_prime_handle prime = { .fd = dmabuf_export() };

	do_ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);
	close(prime.fd);

	return prime.handle;
}

static void dmabuf_create(struct blocks *b)
{
	b->bo.handle = dmabuf_import(b->exec.fd);
	b->bo.size = SIZE;
	bind_blocks(b->exec.fd, b->exec.vm_id, b->bo.handle, 0);
}

/* The same binds as of the subtest itself, in a VM that no group uses. */
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
 * A driver that dies of the binds leaves a process that cannot end, not even be
 * killed. It must be nobody's child, and have nothing open that another one waits
 * for: neither the log nor the files of its parent.
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
	munmap((void *)done, sizeof(*done));

	return survived;
}

/**
 * row:
 * @name: name of the subtest
 * @describe: what it is for
 * @create: maps the blocks
 * @splits: @create has the BO evicted, and huge pages split
 * @imports: @create imports a udmabuf
 * @fill: the holes are filled by another BO
 */
struct row {
	const char *name;
	const char *describe;
	void (*create)(struct blocks *b);
	bool splits;
	bool imports;
	bool fill;
};

static const struct row rows[] = {
	{
		.name = "block-huge-unmap",
		.describe = "Holes in the blocks of a BO fault, the rest stays",
		.create = huge_create,
	},
	{
		.name = "block-huge-map",
		.describe = "BOs in the place of parts of blocks show their content, the rest stays",
		.create = huge_create,
		.fill = true,
	},
	{
		.name = "block-pages-unmap",
		.describe = "Holes in blocks of pages fault, the rest stays",
		.create = pages_create,
	},
	{
		.name = "block-pages-map",
		.describe = "BOs in the place of parts of such a BO show their content",
		.create = pages_create,
		.fill = true,
	},
	{
		.name = "block-small-unmap",
		.describe = "Holes in blocks that are made of small pages fault, the rest stays",
		.create = small_create,
		.splits = true,
	},
	{
		.name = "block-small-map",
		.describe = "BOs in the place of parts of such blocks show their content",
		.create = small_create,
		.splits = true,
		.fill = true,
	},
	{
		.name = "block-dmabuf-unmap",
		.describe = "Holes in an imported buffer fault, the rest stays",
		.create = dmabuf_create,
		.imports = true,
	},
	{
		.name = "block-dmabuf-map",
		.describe = "BOs in the place of parts of an imported buffer show their content",
		.create = dmabuf_create,
		.imports = true,
		.fill = true,
	},
};

/* What is left between the holes. */
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
	assert_state(&b->exec, DRM_PANTHOR_VM_STATE_USABLE);
	load_rest(b);
	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++) {
		const uint64_t va = BASE_VA + holes[i].offset;

		igt_panthor_exec_must_fault(&b->exec, va, IGT_PANTHOR_LOAD);
		igt_panthor_exec_must_fault(&b->exec, va + holes[i].size - PAGE, IGT_PANTHOR_STORE);
	}
}

static void holes_filled(struct blocks *b)
{
	igt_panthor_bo_create(b->exec.fd, &b->over, HOLES_SIZE, 0, 0);
	fill_holes(b->exec.fd, b->exec.vm_id, b->over.handle);
	assert_state(&b->exec, DRM_PANTHOR_VM_STATE_USABLE);

	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++)
		store_pages(&b->exec, BASE_VA + holes[i].offset, holes[i].size, SECOND);
	load_rest(b);
	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++)
		load_pages(&b->exec, BASE_VA + holes[i].offset, holes[i].size, SECOND);
	igt_panthor_free_bo(b->exec.fd, &b->over);
}

static void blocks_fini(struct blocks *b)
{
	igt_panthor_exec_fini(&b->exec);
	igt_panthor_free_bo(b->exec.fd, &b->bo);
	faults_left = false;
}

/* Skips, or fails before anything that this process needs is at stake. */
static void taken_apart_prepare(int fd, const struct row *row)
{
	if (row->splits)
		small_require(fd);

	if (row->imports) {
		dmabuf_require();
		igt_assert_f(orphan_survives(fd, row->fill),
			     "binds of another process did not end within %d ms\n",
			     ORPHAN_DEADLINE_MS);
	}
}

static void taken_apart(int fd, const void *data)
{
	const struct row *row = data;
	struct blocks b = {};

	taken_apart_prepare(fd, row);
	igt_panthor_exec_init(&b.exec, fd);
	row->create(&b);
	store_pages(&b.exec, BASE_VA, SIZE, FIRST);
	if (row->fill)
		holes_filled(&b);
	else
		holes_fault(&b);
	load_rest(&b);
	igt_panthor_exec_neighbours_fault(&b.exec, BASE_VA, SIZE);

	blocks_fini(&b);
}

/*
 * block-unusable-*
 */

static int make_hole(const struct igt_panthor_exec *exec)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
		.va = HOLE_VA,
		.size = PAGE,
	};

	return __igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, 0, &op, 1);
}

static bool is_usable(const struct igt_panthor_exec *exec)
{
	return igt_panthor_vm_get_state(exec->fd, exec->vm_id) == DRM_PANTHOR_VM_STATE_USABLE;
}

static void unusable_reported(int fd)
{
	struct blocks b = {};
	int err;

	small_require(fd);
	igt_panthor_exec_init(&b.exec, fd);
	small_create(&b);

	err = make_hole(&b.exec);
	igt_info("VM_BIND: %d\n", err);
	assert_state(&b.exec, err ? DRM_PANTHOR_VM_STATE_UNUSABLE : DRM_PANTHOR_VM_STATE_USABLE);
	if (err)
		igt_panthor_vm_bind(fd, b.exec.vm_id, b.bo.handle, BASE_VA, PAGE, MAP_FLAGS,
				    EINVAL);
	else
		igt_panthor_exec_must_fault(&b.exec, HOLE_VA, IGT_PANTHOR_LOAD);
	igt_panthor_exec_unbind(&b.exec, BASE_VA, SIZE);

	blocks_fini(&b);
}

/* A page of streams, and one of the words that they bring back. */
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

/* What a stream stores to once it has loaded, or has begun to spin. */
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

/* Loads the word at @va and brings it back. */
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
	unsigned int loop;

	stream_start(exec, bo, STREAM_SPIN, &cs);
	igt_panthor_cs_mov32(&cs, REG_VALUE, 1);
	igt_panthor_cs_store(&cs, REG_VALUE, 1, REG_WORDS, STREAM_SPIN * sizeof(uint32_t));
	igt_panthor_cs_wait(&cs);
	loop = igt_panthor_cs_new_label(&cs);
	igt_panthor_cs_set_label(&cs, loop);
	igt_panthor_cs_load(&cs, REG_VALUE, 1, REG_WORDS, STREAM_SPIN * sizeof(uint32_t));
	igt_panthor_cs_branch(&cs, CS_CONDITION_NEQUAL, REG_VALUE, loop);
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

/*
 * Ends the job. A group that is destroyed is taken off the GPU some time later, and what it
 * runs would fault if its VM went first.
 */
static void spin_end(const struct igt_panthor_exec *exec, const struct panthor_bo *bo,
		     uint32_t syncobj)
{
	struct igt_panthor_job_result result;

	*stream_word(bo, STREAM_SPIN) = 0;
	result = igt_panthor_job_wait(exec->fd, exec->group, syncobj, IGT_PANTHOR_JOB_DEADLINE_MS);
	igt_panthor_job_assert_done(&result);
}

static void job_must_fail(const struct igt_panthor_exec *exec, uint32_t syncobj)
{
	const struct igt_panthor_job_result result =
		igt_panthor_job_wait(exec->fd, exec->group, syncobj, DOOMED_DEADLINE_MS);

	igt_assert_f(result.fence < 0 && result.fence != -ETIME, "the job ended with %d\n",
		     result.fence);
}

/* Neither GROUP_SUBMIT nor the job succeeds, and nothing is brought back. */
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
	struct panthor_bo streams;
	struct blocks b = {};

	small_require(fd);
	igt_panthor_exec_init(&b.exec, fd);
	streams_create(&b.exec, &streams);
	small_create(&b);

	make_hole(&b.exec);
	wait_suspended(fd);
	if (is_usable(&b.exec))
		load_pages(&b.exec, REST_VA, REST_SIZE, FIRST);
	else
		load_must_fail(&b.exec, &streams, REST_VA);
	igt_panthor_ignore_fault_messages();
	load_must_fail(&b.exec, &streams, HOLE_VA);

	igt_panthor_free_bo(fd, &streams);
	blocks_fini(&b);
}

static void unusable_queued(int fd)
{
	const struct igt_panthor_walk walk =
		igt_panthor_pages(IGT_PANTHOR_LOAD, BASE_VA, BLOCK, FIRST);
	struct drm_panthor_sync_op wait;
	struct igt_panthor_exec gate;
	struct blocks b = {};

	small_require(fd);
	igt_panthor_exec_init(&gate, fd);
	igt_panthor_exec_init(&b.exec, fd);
	small_create(&b);

	igt_panthor_exec_pause(&gate, NULL, NULL);
	wait = igt_panthor_sync_wait(gate.syncobj, 0);
	igt_panthor_exec_start(&b.exec, &walk, &wait, 1);
	make_hole(&b.exec);
	igt_panthor_exec_resume(&gate);

	if (is_usable(&b.exec))
		igt_panthor_exec_finish(&b.exec);
	else
		job_must_fail(&b.exec, b.exec.syncobj);

	blocks_fini(&b);
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

/* The most groups that can be on a GPU (MAX_CSGS in panthor_fw.h). */
#define CROWD_MAX 31

/*
 * Groups that spin, one for each slot of the GPU. Each has its slot before the next comes: what is
 * queued to the kernel's workers in one order may reach the scheduler in another.
 */
static unsigned int crowd_create(struct igt_panthor_exec *crowd, struct panthor_bo *bo,
				 uint32_t *groups)
{
	const uint32_t own = crowd->group;
	struct drm_panthor_csif_info csif;
	int size;

	igt_panthor_query(crowd->fd, DRM_PANTHOR_DEV_QUERY_CSIF_INFO, &csif, sizeof(csif), 0);
	igt_assert_lte_u32(csif.csg_slot_count, CROWD_MAX);
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
	struct panthor_bo streams;
	struct blocks b = {};

	small_require(fd);
	igt_panthor_exec_init(&b.exec, fd);
	group_create_streams(&b.exec);
	streams_create(&b.exec, &streams);
	small_create(&b);

	spin_submit(&b.exec, &streams, b.exec.syncobj);
	spin_wait(&streams);
	make_hole(&b.exec);
	if (is_usable(&b.exec))
		spin_end(&b.exec, &streams, b.exec.syncobj);
	else
		job_must_fail(&b.exec, b.exec.syncobj);

	igt_panthor_free_bo(fd, &streams);
	blocks_fini(&b);
}

static void unusable_crowded(int fd)
{
	struct panthor_bo crowd_streams, streams;
	struct igt_panthor_exec crowd;
	uint32_t groups[CROWD_MAX];
	struct blocks b = {};
	unsigned int count;

	small_require(fd);
	igt_panthor_exec_init(&crowd, fd);
	igt_panthor_exec_init(&b.exec, fd);
	streams_create(&b.exec, &streams);
	small_create(&b);
	group_create_low(&b.exec);

	count = crowd_create(&crowd, &crowd_streams, groups);
	spin_submit(&b.exec, &streams, b.exec.syncobj);
	usleep(CROWDED_US);
	igt_assert_eq_u32(*stream_word(&streams, STREAM_SPIN), UNTOUCHED);
	make_hole(&b.exec);

	*stream_word(&crowd_streams, STREAM_SPIN) = 0;
	for (unsigned int i = 0; i < count; i++)
		igt_panthor_group_destroy(fd, groups[i], 0);
	if (is_usable(&b.exec)) {
		spin_wait(&streams);
		spin_end(&b.exec, &streams, b.exec.syncobj);
	} else {
		job_must_fail(&b.exec, b.exec.syncobj);
		igt_assert_eq_u32(*stream_word(&streams, STREAM_SPIN), UNTOUCHED);
	}

	igt_panthor_free_bo(fd, &streams);
	igt_panthor_free_bo(fd, &crowd_streams);
	blocks_fini(&b);
	igt_panthor_exec_fini(&crowd);
}

/* Whether the job of a VM that has done nothing is left alone. */
static bool stranger_works(int fd)
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
 * A VM that pays for faults of others faults in turn when nobody listens, and so would
 * those after it, in other subtests. That ends with one that comes before the device
 * suspends: the driver still knows of the fault. It may come too early for that, so
 * another one looks whether it has ended.
 */
static void calm_down(void)
{
	const int fd = igt_panthor_open();
	bool calm = false;

	for (unsigned int i = 0; i < STRANGERS && !calm; i++) {
		stranger_works(fd);
		igt_panthor_wait_suspended(fd, CALM_MS);
		calm = stranger_works(fd);
	}
	igt_panthor_close(fd);
}

/*
 * An address space goes to the first VM that needs one after the device has suspended:
 * to the VM of the two streams, and later to the stranger's.
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

	igt_assert_f(stranger_works(fd), "a VM is made to pay for a fault of another\n");
	faults_left = false;

	syncobj_destroy(fd, spin);
	igt_panthor_exec_fini(&exec);
	igt_panthor_free_bo(fd, &streams);
}

/* Before those that leave a VM unusable where they fail, and the GPU in a state of its own. */
static const struct igt_panthor_case first_cases[] = {
	{
		.name = "fault-stale",
		.describe = "A fault that nobody asked for is not the next VM's",
		.run = fault_stale,
	},
	{}
};

/* Where they fail, the first ones disturb the next ones most. */
static const struct igt_panthor_case plain_cases[] = {
	{
		.name = "block-unusable-crowded",
		.describe = "A job that waits for its turn in an unusable VM ends, and does not get it",
		.run = unusable_crowded,
	},
	{
		.name = "block-unusable-running",
		.describe = "A job that runs in a VM that becomes unusable ends at once",
		.run = unusable_running,
	},
	{
		.name = "block-unusable-queued",
		.describe = "No job runs that was submitted before its VM became unusable",
		.run = unusable_queued,
	},
	{
		.name = "block-unusable-stops",
		.describe = "No job runs in a VM that is unusable",
		.run = unusable_stops,
	},
	{
		.name = "block-unusable-reported",
		.describe = "A hole that VM_BIND could not make is reported, and the VM ends well",
		.run = unusable_reported,
	},
	{}
};

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();

	for (const struct igt_panthor_case *c = first_cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest(c->name) {
			int fd = igt_panthor_open();

			c->run(fd);
			igt_panthor_close(fd);
		}
		igt_fixture()
			igt_teardown();
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		igt_describe(rows[i].describe);
		igt_subtest(rows[i].name) {
			int fd = igt_panthor_open();

			taken_apart(fd, &rows[i]);
			igt_panthor_close(fd);
		}
		igt_fixture()
			igt_teardown();
	}

	for (const struct igt_panthor_case *c = plain_cases; c->name; c++) {
		igt_describe(c->describe);
		igt_subtest(c->name) {
			int fd = igt_panthor_open();

			c->run(fd);
			igt_panthor_close(fd);
		}
		igt_fixture()
			igt_teardown();
	}

	igt_fixture() {
		if (faults_left)
			calm_down();
	}
}
