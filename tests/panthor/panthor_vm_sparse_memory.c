// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_kernel_memory.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_teardown.h"
#include "ioctl_wrappers.h"

/**
 * TEST: Memory figures that panthor shows
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: buffer objects, eviction
 * Feature: fdinfo
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap
 * Failure mode: Figures of fdinfo and debugfs that do not add up.
 * Scenario: fdinfo-handles
 * Description: fdinfo and gems before an eviction, after it and after the restore.
 *
 * SUBTEST: fdinfo-resident
 * Description: Create, bind, touch, export, evict and close BOs. After each step, fdinfo's total,
 *	resident and shared memory follow from the BOs, and gems shows the same resident bytes.
 *
 * SUBTEST: fdinfo-gems
 * Scenario: fdinfo-totals
 * Description: Evict a BO and the dummy, and restore them by jobs. gems shows the size, the
 *	resident bytes, the number of evictions and the evicted state of both. Its totals of size
 *	and resident bytes are the sums of its columns. The reclaimable bytes do not exceed those of
 *	resident BOs that the firmware does not map, and fall by at least the size of both objects
 *	with the eviction. The BO has its contents afterwards.
 *
 * SUBTEST: fdinfo-heap
 * Scenario: fdinfo-internal
 * Description: Create a tiler heap, evict its chunks and destroy it. Create another heap and
 *	destroy it, create a third one and destroy the VM. After each step, fdinfo's internal
 *	resident memory has the pool of heap contexts and the resident chunks, and nothing else. It
 *	is 0 without the VM.
 */

/**
 * TEST: Tiler heaps of panthor beside evictions
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: tiler heaps, eviction
 * Feature: heap
 * Test category: functionality test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap
 * Failure mode: Chunks of a tiler heap that lose their mapping or contents by an eviction, and
 *	heaps that cannot be created or destroyed beside one.
 * Scenario: heap-chunks
 * Description: Create tiler heaps, evict their chunks, and look at them by loads of the GPU.
 *
 * SUBTEST: heap-evict
 * Description: Evict the chunks of a tiler heap twice. Each time, the next job finds the list of
 *	chunks, what earlier jobs stored there and the heap's context. When the heap is destroyed,
 *	gpuvas and gems show none of its chunks, and a load from the last chunk faults.
 *
 * SUBTEST: heap-destroy-evicted
 * Description: Destroy a tiler heap while its chunks are evicted. gpuvas and gems show none of its
 *	chunks, and a load from the last chunk faults. A new heap of the VM has a valid list of
 *	chunks, and holds what jobs store there.
 *
 * SUBTEST: heap-race
 * Description: Two processes create and destroy tiler heaps on a VM, one of them uses its heaps by
 *	the GPU, and a third process evicts. No heap in use loses a chunk or what was stored there.
 *	In the end, gpuvas shows as many VMAs of the VM as before and no chunk of the last heap in
 *	use, gems shows none of its process, and a load from its last chunk faults. A further heap
 *	keeps its contents through an eviction. Skips if evictions meet fewer than two heaps in
 *	use.
 */

IGT_TEST_DESCRIPTION("Check panthor's memory figures and tiler heaps beside evictions");

/*
 * The scenarios, and the failures that each one finds:
 *
 * 1. fdinfo-handles: Figures of the BOs of a file. A BO that was evicted, or has no pages yet, is
 *    counted as resident.
 * 2. fdinfo-totals: Figures of all BOs in debugfs: totals that miss or repeat a BO, and states that
 *    do not change with an eviction.
 * 3. fdinfo-internal: Figures of BOs without a handle, which users see nowhere else.
 * 4. heap-chunks: Kernel BOs that can be evicted. Others are pinned, since the kernel has mapped
 *    them itself: a restore or an unmap that treats kernel BOs differently goes unnoticed.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE

/* Above what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND

/*
 * fdinfo-*
 */

#define BOUND_LABEL "bound"
#define MAPPED_LABEL "mapped"

#define BOUND_SIZE ((uint64_t)SZ_1M)
#define MAPPED_SIZE ((uint64_t)SZ_512K)

static void assert_bytes(int fd, const char *key, const char *step, uint64_t expected)
{
	const uint64_t bytes = igt_panthor_fdinfo_bytes(fd, key);

	igt_assert_f(bytes == expected, "%s: %s is %" PRIu64 " KiB, expected %" PRIu64 " KiB\n",
		     step, key, bytes / 1024, expected / 1024);
}

static void assert_gem_resident(int fd, const char *label, const char *step, uint64_t expected)
{
	struct igt_panthor_gem gem;

	igt_assert_f(igt_panthor_find_gem(fd, label, &gem), "gems has no BO \"%s\"\n", label);
	igt_assert_f(gem.resident == expected,
		     "%s: gems shows %" PRIu64 " KiB of \"%s\", expected %" PRIu64 " KiB\n", step,
		     gem.resident / 1024, label, expected / 1024);
}

/* @bound, @mapped: resident bytes of the two BOs, of which the file has handles. */
static void assert_figures(int fd, const char *step, uint64_t bound, uint64_t mapped,
			   uint64_t shared)
{
	assert_bytes(fd, "drm-total-memory", step, BOUND_SIZE + MAPPED_SIZE);
	assert_bytes(fd, "drm-resident-memory", step, bound + mapped);
	assert_bytes(fd, "drm-shared-memory", step, shared);
	assert_gem_resident(fd, BOUND_LABEL, step, bound);
	assert_gem_resident(fd, MAPPED_LABEL, step, mapped);
}

static void fdinfo_resident(int fd)
{
	struct panthor_bo bound, mapped;
	volatile uint32_t *word;
	uint32_t vm_id;
	int dmabuf;

	igt_panthor_require_shrink(fd);
	assert_bytes(fd, "drm-total-memory", "opened", 0);
	assert_bytes(fd, "drm-resident-memory", "opened", 0);

	igt_panthor_vm_create(fd, &vm_id, 0);
	igt_panthor_bo_create(fd, &bound, BOUND_SIZE, 0, 0);
	igt_panthor_bo_set_label(fd, &bound, BOUND_LABEL);
	igt_panthor_bo_create_mapped(fd, &mapped, MAPPED_SIZE, 0, 0);
	igt_panthor_bo_set_label(fd, &mapped, MAPPED_LABEL);
	word = mapped.map;
	assert_figures(fd, "created", 0, 0, 0);

	igt_panthor_vm_bind(fd, vm_id, bound.handle, BASE_VA, bound.size, IGT_PANTHOR_BO_MAP_FLAGS,
			    0);
	assert_figures(fd, "bound", BOUND_SIZE, 0, 0);
	*word = FIRST;
	assert_figures(fd, "touched", BOUND_SIZE, MAPPED_SIZE, 0);
	dmabuf = igt_panthor_bo_export(fd, bound.handle);
	assert_figures(fd, "exported", BOUND_SIZE, MAPPED_SIZE, BOUND_SIZE);

	igt_panthor_evict_gem(fd, BOUND_LABEL);
	igt_panthor_evict_gem(fd, MAPPED_LABEL);
	assert_figures(fd, "evicted", 0, 0, BOUND_SIZE);
	igt_assert_eq_u32(*word, FIRST);
	assert_figures(fd, "touched again", 0, MAPPED_SIZE, BOUND_SIZE);

	igt_assert_eq(close(dmabuf), 0);
	igt_panthor_free_bo(fd, &mapped);
	assert_bytes(fd, "drm-total-memory", "closed", BOUND_SIZE);
	assert_bytes(fd, "drm-resident-memory", "closed", 0);
	igt_panthor_free_bo(fd, &bound);
	igt_panthor_vm_destroy(fd, vm_id, 0);
	assert_bytes(fd, "drm-total-memory", "all closed", 0);
}

#define GEM_STATE_EVICTED 4

/* What the firmware maps is pinned. */
static uint64_t assert_totals(int fd)
{
	uint64_t size = 0, resident = 0, pinned = 0, reclaimable;
	struct igt_panthor_gems gems;

	igt_panthor_read_gems(fd, &gems);
	for (size_t i = 0; i < gems.count; i++) {
		size += gems.gem[i].size;
		resident += gems.gem[i].resident;
		if (gems.gem[i].usage & IGT_PANTHOR_GEM_USAGE_FW_MAPPED)
			pinned += gems.gem[i].resident;
	}
	igt_assert_eq_u64(gems.size, size);
	igt_assert_eq_u64(gems.resident, resident);
	reclaimable = gems.reclaimable;
	igt_assert_f(reclaimable + pinned <= resident,
		     "%" PRIu64 " KiB are reclaimable, %" PRIu64 " KiB resident, of which the "
		     "firmware maps %" PRIu64 " KiB\n",
		     reclaimable / 1024, resident / 1024, pinned / 1024);
	igt_panthor_free_gems(&gems);

	return reclaimable;
}

/* @evicted: whether the BO is evicted, as often as @evictions says. */
static void assert_gem(const struct igt_panthor_gem *gem, uint64_t size, bool evicted,
		       uint64_t evictions)
{
	igt_assert_eq_u64(gem->size, size);
	igt_assert_eq_u64(gem->resident, evicted ? 0 : size);
	igt_assert_eq_u64(gem->evictions, evictions);
	igt_assert_eq_u32(gem->state, evicted ? GEM_STATE_EVICTED : 0);
}

static void assert_gems(const struct igt_panthor_exec *exec, bool evicted, uint64_t evictions)
{
	struct igt_panthor_gem gem;

	igt_assert(igt_panthor_find_gem(exec->fd, BOUND_LABEL, &gem));
	assert_gem(&gem, BOUND_SIZE, evicted, evictions);
	igt_assert(igt_panthor_read_dummy(exec->fd, exec->dummy, &gem));
	assert_gem(&gem, IGT_PANTHOR_DUMMY_SIZE, evicted, evictions);
}

static void fdinfo_gems(int fd)
{
	const uint64_t size = BOUND_SIZE + IGT_PANTHOR_DUMMY_SIZE, sparse_va = BASE_VA + SZ_1G;
	const struct igt_panthor_walk load =
		igt_panthor_pages(IGT_PANTHOR_LOAD, BASE_VA, BOUND_SIZE, FIRST);
	struct igt_panthor_exec exec;
	uint64_t before, after;
	struct panthor_bo bo;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	igt_panthor_bo_create(fd, &bo, BOUND_SIZE, 0, 0);
	igt_panthor_bo_set_label(fd, &bo, BOUND_LABEL);
	igt_panthor_exec_bind_bo(&exec, &bo, BASE_VA);
	igt_panthor_exec_bind_sparse(&exec, sparse_va, SZ_4M);
	igt_panthor_sparse_require_dummy(&exec);
	igt_panthor_exec_store_pages(&exec, BASE_VA, BOUND_SIZE, FIRST);
	assert_gems(&exec, false, 0);
	before = assert_totals(fd);

	igt_panthor_evict_dummy(fd, exec.dummy);
	igt_panthor_evict_gem(fd, BOUND_LABEL);
	assert_gems(&exec, true, 1);
	after = assert_totals(fd);
	if (after + size > before)
		igt_panthor_require_alone(fd);
	igt_assert_f(after + size <= before,
		     "%" PRIu64 " KiB are reclaimable, and %" PRIu64 " KiB after %" PRIu64
		     " KiB were evicted\n",
		     before / 1024, after / 1024, size / 1024);

	igt_panthor_exec_walk_verify(&exec, &load);
	igt_panthor_sparse_store_load(&exec, sparse_va, SZ_4M, SECOND);
	assert_gems(&exec, false, 1);
	assert_totals(fd);

	igt_panthor_exec_fini(&exec);
	igt_panthor_free_bo(fd, &bo);
}

/*
 * heap-*
 */

#define HEAP_CHUNKS 3
#define HEAP_CHUNK_SIZE ((uint64_t)SZ_256K)
#define HEAP_CHUNK_LABEL "Tiler heap chunk"
#define HEAP_POOL_LABEL "Heap pool"

/* Size of a context in words (HEAP_CONTEXT_SIZE in panthor_heap.c). */
#define HEAP_CONTEXT_WORDS 8

/**
 * heap:
 * @exec: VM
 * @handle: handle
 * @context: GPU virtual address of its context
 * @chunk: GPU virtual addresses of its chunks, in the order of its list
 */
struct heap {
	struct igt_panthor_exec *exec;
	uint32_t handle;
	uint64_t context;
	uint64_t chunk[HEAP_CHUNKS];
};

static struct drm_panthor_tiler_heap_create heap_create(int fd, uint32_t vm_id)
{
	struct drm_panthor_tiler_heap_create create = {
		.vm_id = vm_id,
		.initial_chunk_count = HEAP_CHUNKS,
		.chunk_size = HEAP_CHUNK_SIZE,
		.max_chunks = 2 * HEAP_CHUNKS,
		.target_in_flight = 1,
	};

	do_ioctl(fd, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &create);
	return create;
}

static void heap_destroy(int fd, uint32_t handle)
{
	struct drm_panthor_tiler_heap_destroy destroy = { .handle = handle };

	do_ioctl(fd, DRM_IOCTL_PANTHOR_TILER_HEAP_DESTROY, &destroy);
}

/*
 * A chunk begins with the address of the next one, which has the chunk's size in pages in the lower
 * 12 bits, and 14 words of zeros.
 */
static uint64_t heap_next(struct igt_panthor_exec *exec, uint64_t va)
{
	const struct igt_panthor_walk load = {
		.access = IGT_PANTHOR_LOAD,
		.va = va,
		.count = 16,
		.stride = sizeof(uint32_t),
	};
	const uint32_t *word = igt_panthor_exec_walk(exec, &load);
	const uint64_t next = word[0] | (uint64_t)word[1] << 32;

	for (unsigned int i = 2; i < load.count; i++)
		igt_assert_eq_u32(word[i], 0);

	return next;
}

static void heap_assert_list(struct heap *heap)
{
	for (unsigned int i = 0; i < HEAP_CHUNKS; i++) {
		const bool last = i + 1 == HEAP_CHUNKS;

		igt_assert_eq_u64(heap_next(heap->exec, heap->chunk[i]),
				  last ? 0 : heap->chunk[i + 1] | HEAP_CHUNK_SIZE / PAGE);
	}
}

static void heap_assert_context(struct heap *heap)
{
	const struct igt_panthor_walk load = {
		.access = IGT_PANTHOR_LOAD,
		.va = heap->context,
		.count = HEAP_CONTEXT_WORDS,
		.stride = sizeof(uint32_t),
	};
	const uint32_t *word = igt_panthor_exec_walk(heap->exec, &load);

	for (unsigned int i = 0; i < load.count; i++)
		igt_assert_eq_u32(word[i], 0);
}

/* Follows the list of chunks, and stores to all pages but the first of each. */
static void heap_init(struct heap *heap, struct igt_panthor_exec *exec)
{
	const struct drm_panthor_tiler_heap_create create = heap_create(exec->fd, exec->vm_id);

	heap->exec = exec;
	heap->handle = create.handle;
	heap->context = create.tiler_heap_ctx_gpu_va;
	heap->chunk[0] = create.first_heap_chunk_gpu_va;
	for (unsigned int i = 1; i < HEAP_CHUNKS; i++)
		heap->chunk[i] = heap_next(exec, heap->chunk[i - 1]) & ~(PAGE - 1);
	heap_assert_list(heap);
	heap_assert_context(heap);
	for (unsigned int i = 0; i < HEAP_CHUNKS; i++)
		igt_panthor_exec_store_pages(exec, heap->chunk[i] + PAGE, HEAP_CHUNK_SIZE - PAGE,
					     FIRST);
}

static void heap_assert_contents(struct heap *heap)
{
	for (unsigned int i = 0; i < HEAP_CHUNKS; i++) {
		const struct igt_panthor_walk load = igt_panthor_pages(
			IGT_PANTHOR_LOAD, heap->chunk[i] + PAGE, HEAP_CHUNK_SIZE - PAGE, FIRST);

		igt_panthor_exec_walk_verify(heap->exec, &load);
	}
	heap_assert_list(heap);
	heap_assert_context(heap);
}

/*
 * A fault ends the group, and the memory of the next one takes the place of the chunks: only one
 * can be tried.
 */
static void heap_assert_gone(struct heap *heap)
{
	const int fd = heap->exec->fd;
	struct igt_panthor_vmas vmas;

	igt_panthor_exec_read_vmas(heap->exec, &vmas);
	for (unsigned int i = 0; i < HEAP_CHUNKS; i++)
		igt_assert_f(!igt_panthor_find_vma(&vmas, 0, heap->chunk[i]),
			     "gpuvas still shows the chunk at %#" PRIx64 "\n", heap->chunk[i]);
	igt_panthor_free_vmas(&vmas);
	igt_assert(
		igt_panthor_wait_gem_gone(fd, HEAP_CHUNK_LABEL, IGT_PANTHOR_RELEASE_DEADLINE_MS));
	igt_panthor_exec_must_fault(heap->exec, heap->chunk[HEAP_CHUNKS - 1] + PAGE,
				    IGT_PANTHOR_LOAD);
}

/* The number of chunks with pages, or of all. The pool of contexts is from the same process. */
static unsigned int count_chunks(int fd, bool resident)
{
	struct igt_panthor_gems gems;
	struct igt_panthor_gem pool;
	unsigned int count = 0;

	igt_assert(igt_panthor_find_gem(fd, HEAP_POOL_LABEL, &pool));
	igt_panthor_read_gems(fd, &gems);
	for (size_t i = 0; i < gems.count; i++)
		count += gems.gem[i].pid == pool.pid &&
			 !strcmp(gems.gem[i].label, HEAP_CHUNK_LABEL) &&
			 (gems.gem[i].resident || !resident);
	igt_panthor_free_gems(&gems);

	return count;
}

static bool try_evict_chunks(int fd)
{
	igt_panthor_shrink(fd);

	return count_chunks(fd, true) == 0;
}

/* Whether a chunk of the process has been evicted. */
static bool chunk_was_evicted(int fd)
{
	struct igt_panthor_gems gems;
	struct igt_panthor_gem pool;
	bool evicted = false;

	igt_assert(igt_panthor_find_gem(fd, HEAP_POOL_LABEL, &pool));
	igt_panthor_read_gems(fd, &gems);
	for (size_t i = 0; i < gems.count; i++)
		evicted |= gems.gem[i].pid == pool.pid && gems.gem[i].evictions &&
			   !strcmp(gems.gem[i].label, HEAP_CHUNK_LABEL);
	igt_panthor_free_gems(&gems);

	return evicted;
}

/* The driver has the pool of contexts mapped: it is pinned. */
static void evict_chunks(int fd)
{
	struct igt_panthor_gem pool;

	igt_assert_eq(count_chunks(fd, false), HEAP_CHUNKS);
	igt_assert_f(igt_wait(try_evict_chunks(fd), IGT_PANTHOR_EVICT_DEADLINE_MS,
			      IGT_PANTHOR_EVICT_INTERVAL_MS),
		     "the shrinker left %u chunks alone for %d ms\n", count_chunks(fd, true),
		     IGT_PANTHOR_EVICT_DEADLINE_MS);
	igt_assert(igt_panthor_find_gem(fd, HEAP_POOL_LABEL, &pool));
	igt_assert_eq_u64(pool.evictions, 0);
	igt_assert_eq_u64(pool.resident, pool.size);
}

static void fdinfo_heap(int fd)
{
	const uint64_t chunks = HEAP_CHUNKS * HEAP_CHUNK_SIZE;
	struct drm_panthor_tiler_heap_create heap;
	struct igt_panthor_gem pool;
	uint32_t vm_id;

	igt_panthor_require_shrink(fd);
	igt_panthor_vm_create(fd, &vm_id, 0);
	assert_bytes(fd, "panthor-resident-memory", "without heap", 0);
	heap = heap_create(fd, vm_id);
	igt_assert(igt_panthor_find_gem(fd, HEAP_POOL_LABEL, &pool));
	assert_bytes(fd, "panthor-resident-memory", "with heap", pool.size + chunks);
	assert_bytes(fd, "drm-total-memory", "with heap", 0);

	evict_chunks(fd);
	assert_bytes(fd, "panthor-resident-memory", "with evicted chunks", pool.size);

	heap_destroy(fd, heap.handle);
	assert_bytes(fd, "panthor-resident-memory", "after destruction", pool.size);
	heap = heap_create(fd, vm_id);
	assert_bytes(fd, "panthor-resident-memory", "with another heap", pool.size + chunks);
	heap_destroy(fd, heap.handle);
	assert_bytes(fd, "panthor-resident-memory", "after its destruction", pool.size);
	heap_create(fd, vm_id);
	assert_bytes(fd, "panthor-resident-memory", "with a third heap", pool.size + chunks);
	igt_panthor_vm_destroy(fd, vm_id, 0);
	assert_bytes(fd, "panthor-resident-memory", "without VM", 0);
}

static void heap_evict(int fd)
{
	struct igt_panthor_exec exec;
	struct heap heap;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	heap_init(&heap, &exec);
	for (unsigned int round = 0; round < 2; round++) {
		evict_chunks(fd);
		heap_assert_contents(&heap);
	}
	heap_destroy(fd, heap.handle);
	heap_assert_gone(&heap);
	igt_panthor_exec_fini(&exec);
}

static void heap_destroy_evicted(int fd)
{
	struct igt_panthor_exec exec;
	struct heap heap;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	heap_init(&heap, &exec);
	evict_chunks(fd);
	heap_destroy(fd, heap.handle);
	heap_assert_gone(&heap);

	heap_init(&heap, &exec);
	heap_assert_contents(&heap);
	igt_panthor_exec_fini(&exec);
}

/*
 * The race goes on until so many heaps were used, so many created beside them, and so many scans
 * made, and for %HEAP_MET_MS at most until evictions have met so many heaps in use.
 */
#define HEAP_ROUNDS 2
#define HEAP_EVICTIONS 4
#define HEAP_DEADLINE_MS 20000
#define HEAP_MET_MS 3000

/**
 * heap_race:
 * @stop: set by the parent
 * @scans: number of scans
 * @heaps: number of heaps that the other process created and destroyed
 */
struct heap_race {
	volatile bool stop;
	volatile unsigned int scans;
	volatile unsigned int heaps;
};

static void stop_race(void *data)
{
	((struct heap_race *)data)->stop = true;
}

static void race_scan(struct heap_race *race, int fd, pid_t parent)
{
	while (!race->stop && getppid() == parent) {
		igt_panthor_shrink(fd);
		race->scans++;
	}
}

static void race_heaps(struct heap_race *race, const struct igt_panthor_exec *exec, pid_t parent)
{
	while (!race->stop && getppid() == parent) {
		heap_destroy(exec->fd, heap_create(exec->fd, exec->vm_id).handle);
		race->heaps++;
	}
}

static bool race_goes_on(const struct heap_race *race, unsigned int round)
{
	return round < HEAP_ROUNDS || race->scans < HEAP_EVICTIONS || race->heaps < HEAP_ROUNDS;
}

static unsigned int count_vmas(const struct igt_panthor_exec *exec)
{
	struct igt_panthor_vmas vmas;
	unsigned int count;

	igt_panthor_exec_read_vmas(exec, &vmas);
	count = vmas.count;
	igt_panthor_free_vmas(&vmas);

	return count;
}

static void heap_race(int fd)
{
	struct heap_race *race = igt_map_shared(sizeof(*race));
	struct igt_panthor_exec exec;
	struct timespec since = {};
	const pid_t parent = getpid();
	unsigned int vmas, round, met = 0;
	struct heap heap;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	/* The first heap makes the pool, which gems has to show as one of this process. */
	heap_destroy(fd, heap_create(fd, exec.vm_id).handle);
	vmas = count_vmas(&exec);
	igt_teardown_add(stop_race, race);
	igt_fork(child, 1) race_scan(race, fd, parent);
	igt_fork(child, 1) race_heaps(race, &exec, parent);

	igt_nsec_elapsed(&since);
	for (round = 0;
	     race_goes_on(race, round) ||
	     (met < HEAP_ROUNDS && igt_nsec_elapsed(&since) / 1000000 < HEAP_MET_MS);
	     round++) {
		igt_assert_f(igt_nsec_elapsed(&since) / 1000000 < HEAP_DEADLINE_MS,
			     "%u heaps used, %u created beside and %u scans within %d ms\n", round,
			     race->heaps, race->scans, HEAP_DEADLINE_MS);
		heap_init(&heap, &exec);
		heap_assert_contents(&heap);
		met += chunk_was_evicted(fd);
		heap_destroy(fd, heap.handle);
	}
	igt_info("%u scans and %u heaps beside %u heaps in use, %u of which were evicted\n",
		 race->scans, race->heaps, round, met);

	race->stop = true;
	igt_waitchildren();
	igt_teardown_drop(stop_race, race);
	igt_unmap_shared(race, sizeof(*race));

	igt_assert_f(igt_wait(count_vmas(&exec) == vmas, IGT_PANTHOR_RELEASE_DEADLINE_MS, 5),
		     "gpuvas shows %u VMAs of the VM, %u before\n", count_vmas(&exec), vmas);
	heap_assert_gone(&heap);
	igt_panthor_vm_assert_usable(fd, exec.vm_id);
	heap_init(&heap, &exec);
	evict_chunks(fd);
	heap_assert_contents(&heap);
	igt_panthor_exec_fini(&exec);
	igt_require_f(met >= HEAP_ROUNDS, "the evictions met %u heaps in use\n", met);
}

static const struct igt_panthor_case cases[] = {
	{
		.name = "fdinfo-resident",
		.describe = "Create, bind, touch, export, evict and close BOs. After each step, "
			    "fdinfo's total, resident and shared memory follow from the BOs, and "
			    "gems shows the same resident bytes.",
		.run = fdinfo_resident,
	},
	{
		.name = "fdinfo-gems",
		.describe = "Evict a BO and the dummy, and restore them by jobs. gems shows the "
			    "size, the resident bytes, the number of evictions and the evicted "
			    "state of both. Its totals of size and resident bytes are the sums of "
			    "its columns. The reclaimable bytes do not exceed those of resident "
			    "BOs that the firmware does not map, and fall by at least the size of "
			    "both objects with the eviction. The BO has its contents afterwards.",
		.run = fdinfo_gems,
	},
	{
		.name = "fdinfo-heap",
		.describe = "Create a tiler heap, evict its chunks and destroy it. Create another "
			    "heap and destroy it, create a third one and destroy the VM. After "
			    "each step, fdinfo's internal resident memory has the pool of heap "
			    "contexts and the resident chunks, and nothing else. It is 0 without "
			    "the VM.",
		.run = fdinfo_heap,
	},
	{
		.name = "heap-evict",
		.describe = "Evict the chunks of a tiler heap twice. Each time, the next job finds "
			    "the list of chunks, what earlier jobs stored there and the heap's "
			    "context. When the heap is destroyed, gpuvas and gems show none of its "
			    "chunks, and a load from the last chunk faults.",
		.run = heap_evict,
	},
	{
		.name = "heap-destroy-evicted",
		.describe = "Destroy a tiler heap while its chunks are evicted. gpuvas and gems "
			    "show none of its chunks, and a load from the last chunk faults. A new "
			    "heap of the VM has a valid list of chunks, and holds what jobs store "
			    "there.",
		.run = heap_destroy_evicted,
	},
	{
		.name = "heap-race",
		.describe = "Two processes create and destroy tiler heaps on a VM, one of them "
			    "uses its heaps by the GPU, and a third process evicts. No heap in "
			    "use loses a chunk or what was stored there. In the end, gpuvas shows "
			    "as many VMAs of the VM as before and no chunk of the last heap in "
			    "use, gems shows none of its process, and a load from its last chunk "
			    "faults. A further heap keeps its contents through an eviction. Skips "
			    "if evictions meet fewer than two heaps in use.",
		.run = heap_race,
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
