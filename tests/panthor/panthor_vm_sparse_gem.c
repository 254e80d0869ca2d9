// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_teardown.h"
#include "ioctl_wrappers.h"

/**
 * TEST: CPU mappings of BOs beside sparse mappings of panthor
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: buffer objects, CPU mappings, eviction
 * Feature: cpu
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs and swap for some
 * Failure mode: CPU mappings that show another page of a BO than the GPU has there, or a BO
 *	that must not be mapped.
 * Description: Loads and stores of the GPU and of the CPU see the same page of a BO at the
 *	same place, whatever became of the CPU's mapping.
 *
 * SUBTEST: cpu-unmap-head
 * Run type: BAT, FULL
 * Description: The head of a CPU mapping is unmapped before it was touched: the
 *	rest shows the pages of the BO that it showed before, to read and to write.
 *
 * SUBTEST: cpu-unmap-middle
 * Description: The same for what is behind a hole in a CPU mapping.
 *
 * SUBTEST: cpu-unmap-blocks
 * Description: The same for the blocks behind a first one that was unmapped.
 *
 * SUBTEST: cpu-move-tail
 * Description: The same for the tail of a CPU mapping that was moved elsewhere.
 *
 * SUBTEST: cpu-dmabuf-offset
 * Description: The same for a mapping of an exported dma-buf at an offset.
 *
 * SUBTEST: cpu-protect-evict
 * Description: A CPU mapping in use is split by mprotect() and its BO evicted: it
 *	shows the same pages of the BO as before.
 *
 * SUBTEST: cpu-dmabuf-evict
 * Description: The same for a mapping of an exported dma-buf at an offset.
 *
 * SUBTEST: cpu-no-mmap-offset
 * Description: A BO that is not to be mapped by the CPU has no place in the device
 *	file, and where debugfs shows one, mapping it is refused.
 *
 * SUBTEST: cpu-no-mmap-dmabuf
 * Description: Nor can it be mapped through a dma-buf, while the GPU uses it.
 */

/**
 * TEST: Opening panthor while others use it
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: buffer objects, CPU mappings, eviction
 * Feature: open
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9
 * Failure mode: Clients that keep others from opening the device.
 * Description: What one file does to all that clients of the device share does not keep
 *	another from working.
 *
 * SUBTEST: open-no-offsets
 * Run type: BAT, FULL
 * Description: One file uses up the offsets at which BOs can be mapped, without
 *	any memory: another one can be opened, and a sparse range works in it.
 */

/**
 * TEST: Restoring many mappings of panthor
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: buffer objects, CPU mappings, eviction
 * Feature: restore
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, swap
 * Failure mode: Restores that take out of all proportion, or stop half-way.
 * Description: A job after an eviction brings back many VMAs: the time that takes, and what
 *	the GPU finds afterwards.
 *
 * SUBTEST: restore-linear
 * Description: The job after an eviction takes no more than some eight times as long
 *	to submit when there are eight times as many ranges to restore, and reaches all
 *	of them.
 *
 * SUBTEST: restore-mixed
 * Run type: BAT, FULL
 * Description: An evicted range is split when a new one was bound beside it: the
 *	next job reaches both parts and the new one.
 *
 * SUBTEST: restore-signals
 * Description: Signals interrupt the submission of a job that restores many ranges,
 *	time and again: it goes on where it was, and the job reaches all of them.
 */

/**
 * TEST: The shrinker of panthor
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: buffer objects, CPU mappings, eviction
 * Feature: shrink
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, swap
 * Failure mode: Scans that wait for each BO, or forget who is idle.
 * Description: The shrinker is asked for pages while VMs are at work: how long it takes,
 *	and what it finds.
 *
 * SUBTEST: shrink-busy-private
 * Description: Scanning the BOs of a VM at work takes no longer with every BO.
 *
 * SUBTEST: shrink-busy-shareable
 * Description: The same for BOs that do not belong to the VM alone.
 *
 * SUBTEST: shrink-busy-shared
 * Description: The same for BOs that two VMs have mapped.
 *
 * SUBTEST: shrink-idle-beside-busy
 * Description: The BOs of an idle VM are evicted while another VM is at work.
 *
 * SUBTEST: shrink-wide
 * Run type: BAT, FULL
 * Description: Asking for more pages than 32 bits can tell evicts what there is.
 */

IGT_TEST_DESCRIPTION("Check buffer objects of panthor beside sparse mappings");

/*
 * The scenarios, and the failure that each one hunts:
 *
 * 1. cpu-unmap-*, cpu-move-tail, cpu-dmabuf-*, cpu-protect-evict: page faults that
 *    take the start of the CPU's VMA for the start of the BO. The GPU has stored to
 *    every page before; what the CPU stores in return must be on the right page,
 *    and on no other. Pages that were there before a mapping was split do not
 *    fault: for those it takes an eviction.
 * 2. cpu-no-mmap-*: the flag being a matter of not telling the offset.
 * 3. open-no-offsets: a client that uses up something that all others need.
 * 4. restore-linear: a search through all ranges for each one that is restored.
 *    restore-mixed: an order among ranges that a restore relies upon.
 *    restore-signals: a restore that is interrupted and taken for complete.
 * 5. shrink-busy-*: a wait for each BO. Ten jiffies are 10 to 100 ms.
 *    shrink-idle-beside-busy: one VM that keeps the others from being scanned.
 *    shrink-wide: a number that is cut off, and zero is left of it.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE

/* 1 GiB-aligned, and free of what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)
#define OTHER_VA (BASE_VA + IGT_PANTHOR_EXEC_VA_END)

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND
#define THIRD IGT_PANTHOR_THIRD

/* BOs of this process with that label that have no pages, having been evicted. */
static unsigned int count_evicted(int fd, const char *label)
{
	struct igt_panthor_gems gems;
	unsigned int count = 0;

	igt_panthor_read_gems(fd, &gems);
	for (size_t i = 0; i < gems.count; i++)
		count += gems.gem[i].pid == getpid() && !strcmp(gems.gem[i].label, label) &&
			 gems.gem[i].evictions && !gems.gem[i].resident;
	igt_panthor_free_gems(&gems);

	return count;
}

static unsigned int shrink_count(int fd, const char *label)
{
	igt_panthor_shrink(fd);
	return count_evicted(fd, label);
}

static void assert_evicts(int fd, const char *label, unsigned int count)
{
	igt_assert_f(igt_wait(shrink_count(fd, label) == count, IGT_PANTHOR_EVICT_DEADLINE_MS,
			      IGT_PANTHOR_EVICT_INTERVAL_MS),
		     "the shrinker left %u of %u BOs alone for %d ms\n",
		     count - count_evicted(fd, label), count, IGT_PANTHOR_EVICT_DEADLINE_MS);
}

/**
 * view:
 * @map: CPU mapping
 * @first: the byte of the BO that it has to start with
 * @size: its bytes
 * @before: bytes of the BO that stay mapped in front of it
 */
struct view {
	char *map;
	uint64_t first;
	uint64_t size;
	uint64_t before;
};

#define VIEW_LABEL "looked at"

/* What a view lacks of its BO: no power of two. */
#define HEAD (3 * PAGE)

/* A small BO, and one of blocks. */
#define VIEW_SIZE (16 * PAGE)
#define VIEW_BLOCKS_SIZE ((uint64_t)SZ_8M)

static char *map_whole(int fd, const struct panthor_bo *bo)
{
	const uint64_t offset = igt_panthor_bo_mmap_offset(fd, bo->handle, 0);
	char *map = igt_panthor_mmap_bo(fd, bo->handle, bo->size, PROT_READ | PROT_WRITE, offset);

	igt_assert(map);
	return map;
}

/* What is left of a mapping without [@first, @first + @size) and what is before. */
static struct view unmap_until(int fd, const struct panthor_bo *bo, uint64_t first, uint64_t size)
{
	char *map = map_whole(fd, bo);
	const uint64_t end = first + size;

	igt_assert_eq(munmap(map + first, size), 0);
	if (first)
		igt_assert_eq(munmap(map, first), 0);

	return (struct view){ .map = map + end, .first = end, .size = bo->size - end };
}

static struct view view_without_head(int fd, const struct panthor_bo *bo)
{
	return unmap_until(fd, bo, 0, HEAD);
}

static struct view view_behind_hole(int fd, const struct panthor_bo *bo)
{
	return unmap_until(fd, bo, HEAD, HEAD);
}

static struct view view_without_block(int fd, const struct panthor_bo *bo)
{
	return unmap_until(fd, bo, 0, SZ_2M);
}

static struct view view_moved(int fd, const struct panthor_bo *bo)
{
	const uint64_t size = bo->size - HEAD;
	char *map = map_whole(fd, bo);
	char *moved = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	igt_assert(moved != MAP_FAILED);
	igt_assert(mremap(map + HEAD, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, moved) == moved);
	igt_assert_eq(munmap(map, HEAD), 0);

	return (struct view){ .map = moved, .first = HEAD, .size = size };
}

/* The head stays mapped, but is no longer part of the same VMA. */
static struct view view_protected(int fd, const struct panthor_bo *bo)
{
	char *map = map_whole(fd, bo);

	for (uint64_t offset = 0; offset < bo->size; offset += PAGE)
		*(volatile char *)(map + offset);
	igt_assert_eq(mprotect(map, HEAD, PROT_READ), 0);

	return (struct view){
		.map = map + HEAD,
		.first = HEAD,
		.size = bo->size - HEAD,
		.before = HEAD,
	};
}

static int export_dmabuf(int fd, const struct panthor_bo *bo)
{
	struct drm_prime_handle prime = {
		.handle = bo->handle,
		.flags = DRM_CLOEXEC | DRM_RDWR,
	};

	do_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);
	return prime.fd;
}

static struct view view_dmabuf(int fd, const struct panthor_bo *bo)
{
	const uint64_t size = bo->size - HEAD;
	int dmabuf = export_dmabuf(fd, bo);
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, HEAD);

	igt_assert(map != MAP_FAILED);
	igt_assert_eq(close(dmabuf), 0);

	return (struct view){ .map = map, .first = HEAD, .size = size };
}

/* The GPU stored with the first seed. */
static void view_check(const struct view *view)
{
	for (uint64_t offset = 0; offset < view->size; offset += PAGE) {
		const uint32_t found = *(volatile uint32_t *)(view->map + offset);
		const uint64_t va = BASE_VA + view->first + offset;

		igt_assert_f(found == igt_panthor_pattern(va, FIRST),
			     "CPU read %#x in page %" PRIu64 " of the BO, expected %#x\n", found,
			     (view->first + offset) / PAGE, igt_panthor_pattern(va, FIRST));
	}
}

static void view_store(const struct view *view)
{
	for (uint64_t offset = 0; offset < view->size; offset += PAGE)
		*(volatile uint32_t *)(view->map + offset) =
			igt_panthor_pattern(BASE_VA + view->first + offset, SECOND);
	/* The stores have to leave the CPU's write-combining buffers. */
	__sync_synchronize();
}

/* The GPU finds the second seed in the view, and the first one in what is before. */
static void view_assert_stored(struct igt_panthor_exec *exec, const struct view *view)
{
	const struct igt_panthor_walk head =
		igt_panthor_pages(IGT_PANTHOR_LOAD, BASE_VA, view->first, FIRST);
	const struct igt_panthor_walk rest =
		igt_panthor_pages(IGT_PANTHOR_LOAD, BASE_VA + view->first, view->size, SECOND);

	igt_panthor_exec_walk_verify(exec, &head);
	igt_panthor_exec_walk_verify(exec, &rest);
}

/**
 * view_case:
 * @size: size of the BO
 * @open: makes a view of it that reaches to its end, but does not have its head
 * @evict: evict the BO once all of the view was read
 */
struct view_case {
	const char *name;
	const char *describe;
	uint64_t size;
	struct view (*open)(int fd, const struct panthor_bo *bo);
	bool evict;
};

static const struct view_case view_cases[] = {
	{
		.name = "cpu-unmap-head",
		.describe = "A mapping without its head shows the same pages as before",
		.size = VIEW_SIZE,
		.open = view_without_head,
	},
	{
		.name = "cpu-unmap-middle",
		.describe = "What is behind a hole in a mapping shows the same pages as before",
		.size = VIEW_SIZE,
		.open = view_behind_hole,
	},
	{
		.name = "cpu-unmap-blocks",
		.describe = "So do blocks behind one that was unmapped",
		.size = VIEW_BLOCKS_SIZE,
		.open = view_without_block,
	},
	{
		.name = "cpu-move-tail",
		.describe = "So does the tail of a mapping that was moved",
		.size = VIEW_SIZE,
		.open = view_moved,
	},
	{
		.name = "cpu-dmabuf-offset",
		.describe = "A mapping of a dma-buf starts at the offset that was asked for",
		.size = VIEW_SIZE,
		.open = view_dmabuf,
	},
	{
		.name = "cpu-protect-evict",
		.describe = "A mapping that was split shows the same pages after an eviction",
		.size = VIEW_SIZE,
		.open = view_protected,
		.evict = true,
	},
	{
		.name = "cpu-dmabuf-evict",
		.describe = "So does a mapping of a dma-buf at an offset",
		.size = VIEW_SIZE,
		.open = view_dmabuf,
		.evict = true,
	},
};

static void cpu_view(int fd, const void *row)
{
	const struct view_case *c = row;
	struct igt_panthor_exec exec;
	struct panthor_bo bo;
	struct view view;

	if (c->evict)
		igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	igt_panthor_bo_create(fd, &bo, c->size, 0, 0);
	igt_panthor_bo_set_label(fd, &bo, VIEW_LABEL);
	igt_panthor_exec_bind_bo(&exec, &bo, BASE_VA);
	igt_panthor_exec_store_pages(&exec, BASE_VA, bo.size, FIRST);

	view = c->open(fd, &bo);
	if (c->evict)
		assert_evicts(fd, VIEW_LABEL, 1);
	view_check(&view);
	view_store(&view);
	view_assert_stored(&exec, &view);

	igt_assert_eq(munmap(view.map - view.before, view.before + view.size), 0);
	igt_panthor_exec_fini(&exec);
	igt_panthor_free_bo(fd, &bo);
}

#define NO_MMAP_LABEL "not to be mapped"
#define NO_MMAP_SIZE ((uint64_t)SZ_64K)

static void create_no_mmap(int fd, struct panthor_bo *bo)
{
	igt_panthor_bo_create(fd, bo, NO_MMAP_SIZE, DRM_PANTHOR_BO_NO_MMAP, 0);
	igt_panthor_bo_set_label(fd, bo, NO_MMAP_LABEL);
}

static void assert_cannot_map(int file, uint64_t offset)
{
	void *map = mmap(NULL, NO_MMAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, offset);

	igt_assert_f(map == MAP_FAILED, "the CPU maps a BO that is not to be mapped\n");
}

static void cpu_no_mmap_offset(int fd)
{
	struct igt_panthor_gem gem;
	struct panthor_bo bo;

	create_no_mmap(fd, &bo);
	igt_panthor_bo_mmap_offset(fd, bo.handle, EPERM);

	igt_panthor_require_debugfs(fd);
	igt_assert(igt_panthor_find_gem(fd, NO_MMAP_LABEL, &gem));
	if (gem.file_offset)
		assert_cannot_map(fd, gem.file_offset * sysconf(_SC_PAGESIZE));
	igt_panthor_free_bo(fd, &bo);
}

static void cpu_no_mmap_dmabuf(int fd)
{
	const struct igt_panthor_walk load =
		igt_panthor_pages(IGT_PANTHOR_LOAD, BASE_VA, NO_MMAP_SIZE, FIRST);
	struct igt_panthor_exec exec;
	struct panthor_bo bo;
	int dmabuf;

	igt_panthor_exec_init(&exec, fd);
	create_no_mmap(fd, &bo);
	igt_panthor_exec_bind_bo(&exec, &bo, BASE_VA);
	igt_panthor_exec_store_pages(&exec, BASE_VA, bo.size, FIRST);

	dmabuf = export_dmabuf(fd, &bo);
	assert_cannot_map(dmabuf, 0);
	igt_assert_eq(close(dmabuf), 0);

	igt_panthor_exec_walk_verify(&exec, &load);
	igt_panthor_exec_fini(&exec);
	igt_panthor_free_bo(fd, &bo);
}

/* More than all offsets of the device, 1 TiB. */
#define OFFSETS_MAX (UINT64_C(1) << 41)

/*
 * Enough for what struct igt_panthor_exec maps, and too little for an object of
 * IGT_PANTHOR_DUMMY_SIZE.
 */
#define ROOM_SIZE ((uint64_t)(SZ_1M + SZ_512K))

static bool take_offsets(int fd, uint64_t size)
{
	struct drm_panthor_bo_create create = { .size = size };
	const bool taken = !igt_ioctl(fd, DRM_IOCTL_PANTHOR_BO_CREATE, &create);

	igt_assert(taken || errno == ENOSPC);
	return taken;
}

/* BOs without pages take every offset there is; closing the file gives them back. */
static int use_up_offsets(void)
{
	int hog = igt_panthor_open();
	struct panthor_bo room;

	igt_panthor_bo_create(hog, &room, ROOM_SIZE, 0, 0);
	for (uint64_t size = OFFSETS_MAX; size >= PAGE; size /= 2)
		while (take_offsets(hog, size))
			;
	igt_panthor_free_bo(hog, &room);

	return hog;
}

static void open_no_offsets(int fd)
{
	int hog = use_up_offsets();
	int other = __igt_panthor_reopen(fd);
	struct igt_panthor_exec exec;

	if (other < 0)
		igt_panthor_close(hog);
	igt_assert_f(other >= 0, "open() of the device fails: %s\n", strerror(-other));

	igt_panthor_exec_init(&exec, other);
	igt_panthor_exec_bind_sparse(&exec, BASE_VA, SZ_4M);
	igt_panthor_sparse_store_load(&exec, BASE_VA, SZ_4M, FIRST);
	igt_panthor_exec_neighbours_fault(&exec, BASE_VA, SZ_4M);
	igt_panthor_exec_fini(&exec);

	igt_assert_eq(close(other), 0);
	igt_panthor_close(hog);
}

/* One-page ranges with a page between them. */
#define RESTORE_STRIDE (2 * PAGE)
#define RESTORE_FEW 1024
#define RESTORE_MANY (4 * RESTORE_FEW)

/*
 * Eight times as many: eight is linear, 64 is quadratic, and both are less by what a restore
 * takes that does not depend on their number.
 */
#define RESTORE_MORE (8 * RESTORE_FEW)
#define RESTORE_RATIO_MAX 14

/* Of some measurements, the smallest is the one that nothing disturbed. */
#define RESTORE_ROUNDS 3

/* Far more than the 50 ms of idleness after which the driver suspends the device. */
#define SUSPENDED_MS 200

static void bind_pages(struct igt_panthor_exec *exec, unsigned int from, unsigned int to)
{
	struct drm_panthor_vm_bind_op *ops = calloc(to - from, sizeof(*ops));

	igt_assert(ops);
	for (unsigned int i = from; i < to; i++)
		ops[i - from] = (struct drm_panthor_vm_bind_op){
			.flags = IGT_PANTHOR_SPARSE_FLAGS,
			.va = BASE_VA + i * RESTORE_STRIDE,
			.size = PAGE,
		};
	igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, ops, to - from, 0);
	free(ops);
}

/*
 * Evicts, and submits a job that reaches all ranges. The device is suspended, so
 * that there are no caches of it to be flushed for each range.
 */
static uint64_t restore_ns(struct igt_panthor_exec *exec, unsigned int count)
{
	const struct igt_panthor_walk walk = {
		.access = IGT_PANTHOR_STORE_LOAD,
		.va = BASE_VA,
		.count = count,
		.stride = RESTORE_STRIDE,
		.seed = SECOND,
	};
	struct timespec since = {};
	const uint32_t *loaded;
	uint64_t ns;

	igt_panthor_wait_suspended(exec->fd, SUSPENDED_MS);
	igt_panthor_evict_dummy(exec->fd, exec->dummy);
	igt_nsec_elapsed(&since);
	igt_panthor_exec_start(exec, &walk, NULL, 0);
	ns = igt_nsec_elapsed(&since);

	loaded = igt_panthor_exec_finish(exec);
	for (unsigned int i = 0; i < count; i++)
		igt_assert_eq_u32(loaded[i],
				  igt_panthor_pattern(BASE_VA + i * RESTORE_STRIDE, SECOND));
	return ns;
}

/* Ends with the first measurement below @enough. */
static uint64_t best_restore_ns(struct igt_panthor_exec *exec, unsigned int count, uint64_t enough)
{
	uint64_t best = UINT64_MAX;

	for (unsigned int i = 0; i < RESTORE_ROUNDS && best >= enough; i++)
		best = min(best, restore_ns(exec, count));

	igt_info("%u ranges restored within %" PRIu64 " us\n", count, best / 1000);
	return best;
}

static void restore_linear(int fd)
{
	struct igt_panthor_exec exec;
	uint64_t few, many;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);

	bind_pages(&exec, 0, RESTORE_FEW);
	igt_panthor_sparse_require_dummy(&exec);
	few = best_restore_ns(&exec, RESTORE_FEW, 0);
	bind_pages(&exec, RESTORE_FEW, RESTORE_MORE);
	many = best_restore_ns(&exec, RESTORE_MORE, RESTORE_RATIO_MAX * few);

	igt_panthor_exec_must_fault(&exec, BASE_VA - PAGE, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(&exec, BASE_VA + PAGE, IGT_PANTHOR_STORE);
	igt_panthor_exec_must_fault(&exec, BASE_VA + RESTORE_MORE * RESTORE_STRIDE - PAGE,
				    IGT_PANTHOR_LOAD);
	igt_assert_f(many < RESTORE_RATIO_MAX * few,
		     "restoring %u ranges takes %" PRIu64 " times as long as %u\n", RESTORE_MORE,
		     many / few, RESTORE_FEW);
	igt_panthor_exec_fini(&exec);
}

/* Several in the time that it takes. */
#define SIGNALS_US 500

static void ignore_signal(int signal)
{
	(void)signal;
}

static void send_signals(suseconds_t interval_us)
{
	const struct itimerval timer = {
		.it_interval.tv_usec = interval_us,
		.it_value.tv_usec = interval_us,
	};
	/* Without SA_RESTART, so that it is the caller who repeats the ioctl. */
	const struct sigaction action = { .sa_handler = ignore_signal };

	igt_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
	igt_assert_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void restore_signals(int fd)
{
	const struct igt_panthor_walk walk = {
		.access = IGT_PANTHOR_STORE_LOAD,
		.va = BASE_VA,
		.count = RESTORE_MANY,
		.stride = RESTORE_STRIDE,
		.seed = SECOND,
	};
	struct igt_panthor_exec exec;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	bind_pages(&exec, 0, RESTORE_MANY);
	igt_panthor_sparse_require_dummy(&exec);

	igt_panthor_wait_suspended(fd, SUSPENDED_MS);
	igt_panthor_evict_dummy(fd, exec.dummy);
	send_signals(SIGNALS_US);
	igt_panthor_exec_start(&exec, &walk, NULL, 0);
	send_signals(0);
	igt_panthor_exec_finish(&exec);

	igt_panthor_exec_walk_verify(&exec, &walk);
	igt_panthor_exec_must_fault(&exec, BASE_VA - PAGE, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(&exec, BASE_VA + PAGE, IGT_PANTHOR_STORE);
	igt_panthor_exec_fini(&exec);
}

static void restore_mixed(int fd)
{
	const uint64_t hole = 5 * SZ_1M, behind = hole + SZ_64K;
	struct igt_panthor_exec exec;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_bind_sparse(&exec, BASE_VA, SZ_8M);
	igt_panthor_sparse_require_dummy(&exec);
	igt_panthor_sparse_store_load(&exec, BASE_VA, SZ_8M, FIRST);

	igt_panthor_evict_dummy(fd, exec.dummy);
	igt_panthor_exec_bind_sparse(&exec, OTHER_VA, SZ_4M);
	igt_panthor_exec_unbind(&exec, BASE_VA + hole, SZ_64K);

	igt_panthor_sparse_store_load(&exec, OTHER_VA, SZ_4M, SECOND);
	igt_panthor_sparse_store_load(&exec, BASE_VA, hole, SECOND);
	igt_panthor_sparse_store_load(&exec, BASE_VA + behind, SZ_8M - behind, THIRD);
	igt_panthor_exec_must_fault(&exec, BASE_VA + hole, IGT_PANTHOR_LOAD);
	igt_panthor_exec_must_fault(&exec, BASE_VA + behind - PAGE, IGT_PANTHOR_STORE);
	igt_panthor_exec_neighbours_fault(&exec, BASE_VA, SZ_8M);
	igt_panthor_exec_fini(&exec);
}

#define SHRINK_LABEL "in use"
#define SHRINK_FEW 1
#define SHRINK_MANY 5

/* Where it is not how many that matters. */
#define SHRINK_SOME 4

/*
 * Below the 10 ms that ten jiffies are at least, well above what it takes to find out
 * that a BO is in use.
 */
#define SHRINK_US_MAX 8000

/* How often a scan is measured if it takes long without having slept for it. */
#define SHRINK_ROUNDS 3

/**
 * shrink_case:
 * @exclusive: the BOs belong to the VM alone, and share its reservation object
 * @two_vms: another VM has them mapped too
 */
struct shrink_case {
	const char *name;
	const char *describe;
	bool exclusive;
	bool two_vms;
};

static const struct shrink_case shrink_cases[] = {
	{
		.name = "shrink-busy-private",
		.describe = "A scan does not wait for each BO of a VM at work",
		.exclusive = true,
	},
	{
		.name = "shrink-busy-shareable",
		.describe = "Nor for each one that does not belong to the VM alone",
	},
	{
		.name = "shrink-busy-shared",
		.describe = "Nor for each one that two VMs have mapped",
		.two_vms = true,
	},
};

static uint64_t shrink_va(unsigned int i)
{
	return BASE_VA + i * RESTORE_STRIDE;
}

/* BOs [@from, @to), a page each; mapped in @other too unless it is NULL. */
static void create_in_use(struct igt_panthor_exec *exec, const struct shrink_case *c,
			  struct igt_panthor_exec *other, unsigned int from, unsigned int to)
{
	for (unsigned int i = from; i < to; i++) {
		struct drm_panthor_bo_create create = {
			.size = PAGE,
			.exclusive_vm_id = c->exclusive ? exec->vm_id : 0,
		};
		struct panthor_bo bo = { .size = PAGE };

		do_ioctl(exec->fd, DRM_IOCTL_PANTHOR_BO_CREATE, &create);
		bo.handle = create.handle;
		igt_panthor_bo_set_label(exec->fd, &bo, SHRINK_LABEL);
		igt_panthor_exec_bind_bo(exec, &bo, shrink_va(i));
		if (other)
			igt_panthor_exec_bind_bo(other, &bo, shrink_va(i));
	}
}

/**
 * scan:
 * @us: how long it took
 * @sleeps: how often this process gave up its processor meanwhile
 */
struct scan {
	int64_t us;
	long sleeps;
};

static long count_sleeps(void)
{
	struct rusage usage;

	igt_assert_eq(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_nvcsw;
}

static struct scan busy_shrink(struct igt_panthor_exec *exec)
{
	struct timespec since = {};
	struct scan scan;

	igt_panthor_exec_pause(exec, NULL, NULL);
	scan.sleeps = -count_sleeps();
	igt_nsec_elapsed(&since);
	igt_panthor_shrink(exec->fd);
	scan.us = igt_nsec_elapsed(&since) / 1000;
	scan.sleeps += count_sleeps();
	igt_assert_eq(count_evicted(exec->fd, SHRINK_LABEL), 0);
	igt_panthor_exec_resume(exec);
	igt_info("a scan takes %" PRId64 " us, and %ld sleeps\n", scan.us, scan.sleeps);

	return scan;
}

static bool shrink_is_slow(const struct scan *few, const struct scan *many)
{
	return many->us - few->us >= (SHRINK_MANY - SHRINK_FEW) * SHRINK_US_MAX;
}

/* A scan that sleeps for each BO needs no second look; others may just have been disturbed. */
static struct scan busy_shrink_many(struct igt_panthor_exec *exec, const struct scan *few)
{
	struct scan many;

	for (unsigned int i = 0; i < SHRINK_ROUNDS; i++) {
		many = busy_shrink(exec);
		if (!shrink_is_slow(few, &many) ||
		    many.sleeps - few->sleeps >= SHRINK_MANY - SHRINK_FEW)
			break;
	}

	return many;
}

/* One page each in the reach of @exec, stored to by the GPU. */
static struct igt_panthor_walk walk_in_use(enum igt_panthor_access access, unsigned int count)
{
	return (struct igt_panthor_walk){
		.access = access,
		.va = shrink_va(0),
		.count = count,
		.stride = RESTORE_STRIDE,
		.seed = FIRST,
	};
}

static void shrink_busy(int fd, const void *row)
{
	const struct igt_panthor_walk store = walk_in_use(IGT_PANTHOR_STORE, SHRINK_MANY);
	const struct igt_panthor_walk load = walk_in_use(IGT_PANTHOR_LOAD, SHRINK_MANY);
	const struct shrink_case *c = row;
	struct igt_panthor_exec exec, other;
	struct scan few, many;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_init(&other, fd);
	/* The first scan of a process sleeps for other reasons, too. */
	igt_panthor_shrink(fd);

	create_in_use(&exec, c, c->two_vms ? &other : NULL, 0, SHRINK_FEW);
	few = busy_shrink(&exec);
	create_in_use(&exec, c, c->two_vms ? &other : NULL, SHRINK_FEW, SHRINK_MANY);
	igt_panthor_exec_walk(&exec, &store);
	many = busy_shrink_many(&exec, &few);
	igt_assert_f(!shrink_is_slow(&few, &many),
		     "a scan takes %" PRId64 " us longer with each BO in use\n",
		     (many.us - few.us) / (SHRINK_MANY - SHRINK_FEW));

	assert_evicts(fd, SHRINK_LABEL, SHRINK_MANY);
	igt_panthor_exec_walk_verify(&exec, &load);
	if (c->two_vms)
		igt_panthor_exec_walk_verify(&other, &load);

	igt_panthor_exec_fini(&other);
	igt_panthor_exec_fini(&exec);
}

static void shrink_idle_beside_busy(int fd)
{
	const struct igt_panthor_walk store = walk_in_use(IGT_PANTHOR_STORE, SHRINK_SOME);
	const struct igt_panthor_walk load = walk_in_use(IGT_PANTHOR_LOAD, SHRINK_SOME);
	const struct shrink_case exclusive = { .exclusive = true };
	struct igt_panthor_exec busy, idle;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&idle, fd);
	igt_panthor_exec_init(&busy, fd);
	create_in_use(&idle, &exclusive, NULL, 0, SHRINK_SOME);

	/* The one that got its address space first is the first to be looked at. */
	igt_panthor_exec_pause(&busy, NULL, NULL);
	igt_panthor_exec_walk(&idle, &store);
	assert_evicts(fd, SHRINK_LABEL, SHRINK_SOME);
	igt_panthor_exec_resume(&busy);

	igt_panthor_exec_walk_verify(&idle, &load);
	igt_panthor_exec_fini(&busy);
	igt_panthor_exec_fini(&idle);
}

/* The lower 32 bits are zero. */
#define WIDE_PAGES (UINT64_C(1) << 32)

/* One scan may leave a BO alone: it tries locks only. */
#define WIDE_SCANS 10

static void shrink_wide(int fd)
{
	const struct igt_panthor_walk store = walk_in_use(IGT_PANTHOR_STORE, SHRINK_SOME);
	const struct igt_panthor_walk load = walk_in_use(IGT_PANTHOR_LOAD, SHRINK_SOME);
	const struct shrink_case shareable = {};
	struct igt_panthor_exec exec;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	create_in_use(&exec, &shareable, NULL, 0, SHRINK_SOME);
	igt_panthor_exec_walk(&exec, &store);

	for (unsigned int i = 0; i < WIDE_SCANS; i++)
		igt_panthor_shrink_pages(fd, WIDE_PAGES);
	igt_assert_eq(count_evicted(fd, SHRINK_LABEL), SHRINK_SOME);

	igt_panthor_exec_walk_verify(&exec, &load);
	igt_panthor_exec_fini(&exec);
}

static const struct igt_panthor_case plain_cases[] = {
	{
		.name = "cpu-no-mmap-offset",
		.describe = "A BO that is not to be mapped cannot be found in the device file",
		.run = cpu_no_mmap_offset,
	},
	{
		.name = "cpu-no-mmap-dmabuf",
		.describe = "A BO that is not to be mapped cannot be mapped through a dma-buf",
		.run = cpu_no_mmap_dmabuf,
	},
	{
		.name = "open-no-offsets",
		.describe = "The device can be opened when no BO can be mapped any more",
		.run = open_no_offsets,
	},
	{
		.name = "restore-linear",
		.describe = "Restoring takes time in proportion to the number of ranges",
		.run = restore_linear,
	},
	{
		.name = "restore-mixed",
		.describe = "Parts of an evicted range come back beside a range that was not",
		.run = restore_mixed,
	},
	{
		.name = "restore-signals",
		.describe = "A restore that is interrupted by signals goes on where it was",
		.run = restore_signals,
	},
	{
		.name = "shrink-idle-beside-busy",
		.describe = "The BOs of an idle VM are evicted while another is at work",
		.run = shrink_idle_beside_busy,
	},
	{
		.name = "shrink-wide",
		.describe = "A number of pages that takes more than 32 bits is not cut off",
		.run = shrink_wide,
	},
	{}
};

int igt_main()
{
	igt_fixture()
		igt_panthor_sparse_require();

	for (unsigned int i = 0; i < ARRAY_SIZE(view_cases); i++) {
		igt_describe(view_cases[i].describe);
		igt_subtest(view_cases[i].name) {
			int fd = igt_panthor_open();

			cpu_view(fd, &view_cases[i]);
			igt_panthor_close(fd);
		}
		igt_fixture()
			igt_teardown();
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(shrink_cases); i++) {
		igt_describe(shrink_cases[i].describe);
		igt_subtest(shrink_cases[i].name) {
			int fd = igt_panthor_open();

			shrink_busy(fd, &shrink_cases[i]);
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
}
