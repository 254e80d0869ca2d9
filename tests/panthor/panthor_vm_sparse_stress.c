// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_kernel_memory.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "igt_teardown.h"

/**
 * TEST: Concurrent operations on sparse mappings of panthor
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings, stress
 * Feature: race
 * Test category: stress test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap
 * Failure mode: Jobs that fault, and mappings that are wrong, lost or left behind, after binds,
 *	evictions and restores that did not exclude each other.
 * Scenario: race-vms
 * Description: Processes bind, unbind, submit and evict at the same time, until evictions
 *	have met binds and jobs. Then the mappings are checked.
 *
 * SUBTEST: race-evict-bind
 * Scenario: race-one-vm
 * Description: On one VM, a process binds and unbinds a BO and sparse ranges, another one submits
 *	jobs, and a third one evicts. No job fails. In the end, the bound ranges are readable and
 *	writable, BOs keep their contents, and both edges of the range that was unbound last fault.
 *
 * SUBTEST: race-restore-unmap
 * Run type: BAT, FULL
 * Scenario: race-restore
 * Description: Evict a large sparse range, and unmap it during its restore, a little later each
 *	time. The range can be bound again. In the end, one page of each 2 MiB of it, or 8192 of
 *	its pages, are readable and writable, and both edges fault after an unmap.
 *
 * SUBTEST: race-vms
 * Description: Three processes, each in a VM of its own, bind, use and unbind a sparse range.
 *	Another process evicts the dummy, which the VMs of the file share. No job fails. In the end,
 *	each range faults at its start. After a bind, and again after an eviction, every page of it
 *	is readable and writable, and the neighbours fault.
 *
 * SUBTEST: race-beside
 * Description: A process binds and unbinds a range in a busy VM. Another one runs the shrinker
 *	until at least 15 scans beside a VM_BIND leave the dummy, which an idle VM maps. No job of
 *	the idle VM faults. In the end, the sparse range of each VM is readable and writable, that
 *	of the busy VM again after an eviction, its neighbours fault, and both edges of the range
 *	that the busy VM unbound last fault.
 *
 * SUBTEST: race-files
 * Description: Three processes, each on a file of its own, bind, use and unbind a sparse range.
 *	Another process evicts the dummies of the files. No job fails. In the end, each range faults
 *	at its start. After a bind, and again after an eviction, every page of it is readable and
 *	writable, and the neighbours fault.
 *
 * SUBTEST: race-count
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap, no other GPU client, a kernel with
 *	CONFIG_SHRINKER_DEBUG
 * Scenario: race-count
 * Failure mode: A number of reclaimable pages that loses an update.
 * Description: Two processes bind and unbind BOs of different sizes at the same time.
 *	The number of pages that the shrinker reports is as before.
 */

IGT_TEST_DESCRIPTION("Check concurrent operations on sparse mappings of panthor");

/*
 * The scenarios, and the failures that each one finds:
 *
 * 1. race-one-vm: Binds, restores and evictions on one VM. An operation that does not
 *    take the VM's lock changes the locked region or the page table of another.
 * 2. race-restore: An unmap during the restore of the same range. What is restored
 *    after the unmap stays mapped without a VMA.
 * 3. race-vms: Operations on several VMs, of one file and of several. State that
 *    belongs to one VM is shared, or an eviction that stops at a busy VM is taken for
 *    one that did not happen in the others either.
 * 4. race-count: The sum that the shrinker reports. Two updates at the same time lose
 *    one. It comes last: a sum that is wrong stays wrong until the driver is loaded again,
 *    and reclaim depends on it.
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define GIB ((uint64_t)SZ_1G)

/* 1 GiB-aligned, and above what struct igt_panthor_exec maps. */
#define BASE_VA (2 * IGT_PANTHOR_EXEC_VA_END)

#define FIRST IGT_PANTHOR_FIRST
#define SECOND IGT_PANTHOR_SECOND
#define THIRD IGT_PANTHOR_THIRD

/*
 * How long a race lasts at least, how often each of what it is about has to happen, and when it is
 * given up. A scan evicts a BO only while no job runs, no VM_BIND pins the BO, and the lock of its
 * VM is free: most scans come at another time.
 */
#define RACE_MS 300
#define RACE_ENOUGH 3
#define RACE_DEADLINE_MS 40000

/* Between two rounds of a child. Without it, scans hardly ever evict something. */
#define RACE_PAUSE_US 5000

#define RACERS_MAX 3

/**
 * racer:
 * @calls: twice the number of VM_BINDs that ended, plus 1 during one
 * @restores: number of jobs that restored evicted mappings
 *
 * A child, which alone writes these counts.
 */
struct racer {
	volatile uint32_t calls;
	volatile uint32_t restores;
};

/**
 * race:
 * @parent: process that evicts; the children end with it
 * @stop: set when the children have to end
 * @since: start
 * @racer: children
 * @count: number of children
 * @execs: VMs, one of each file of the race
 * @files: number of @execs
 * @seen: evictions of all dummies of @execs, from their creation to the last scan
 * @evictions: number of evictions of a dummy
 * @overlaps: number of scans that evicted a dummy while a VM_BIND was in progress
 * @stopped: number of scans that evicted no dummy while a VM_BIND was in progress
 *
 * Memory that the processes of a race share.
 */
struct race {
	pid_t parent;
	volatile bool stop;
	struct timespec since;
	struct racer racer[RACERS_MAX];
	unsigned int count;
	const struct igt_panthor_exec *execs;
	unsigned int files;
	uint64_t seen;
	volatile uint32_t evictions;
	uint32_t overlaps;
	uint32_t stopped;
};

static uint64_t read_evictions(const struct race *race)
{
	struct igt_panthor_gems gems;
	uint64_t sum = 0;

	if (!race->files)
		return 0;

	igt_panthor_read_gems(race->execs->fd, &gems);
	for (size_t i = 0; i < gems.count; i++)
		for (unsigned int j = 0; j < race->files; j++)
			if (igt_panthor_gem_is_dummy(&gems.gem[i], race->execs[j].dummy))
				sum += gems.gem[i].evictions;
	igt_panthor_free_gems(&gems);

	return sum;
}

static void stop_race(void *data)
{
	struct race *race = data;

	race->stop = true;
	__igt_waitchildren();
}

static struct race *race_start(unsigned int racers, const struct igt_panthor_exec *execs,
			       unsigned int files)
{
	struct race *race = igt_map_shared(sizeof(*race));

	race->parent = getpid();
	race->count = racers;
	race->execs = execs;
	race->files = files;
	race->seen = read_evictions(race);
	igt_nsec_elapsed(&race->since);
	igt_teardown_add(stop_race, race);

	return race;
}

/* Asserts that all children ended well. */
static void race_end(struct race *race)
{
	race->stop = true;
	igt_waitchildren();
	igt_teardown_drop(stop_race, race);
	igt_info("%u evictions, %u during a VM_BIND, %u scans stopped by one\n", race->evictions,
		 race->overlaps, race->stopped);
}

/* True as long as a child has to go on. */
static bool race_runs(const struct race *race)
{
	return !race->stop && getppid() == race->parent;
}

/* A child that ended before the race did has failed. It is left for igt_waitchildren(). */
static bool has_child_ended(void)
{
	siginfo_t info = {};

	igt_assert_eq(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), 0);
	return info.si_pid;
}

static bool all_restored(const struct race *race)
{
	bool restored = true;

	for (unsigned int i = 0; i < race->count; i++)
		restored &= race->racer[i].restores >= RACE_ENOUGH;

	return restored;
}

/* True as long as the parent has to go on: until %RACE_MS are over and @enough holds. */
static bool race_goes_on(struct race *race, bool enough)
{
	const uint64_t ms = igt_nsec_elapsed(&race->since) / 1000000;

	igt_assert_f(ms < RACE_DEADLINE_MS || enough,
		     "too little happened in %d ms: %u evictions, %u of them during a VM_BIND, "
		     "%u scans stopped by one, %u, %u and %u restores, expected %d of each\n",
		     RACE_DEADLINE_MS, race->evictions, race->overlaps, race->stopped,
		     race->racer[0].restores, race->racer[1].restores, race->racer[2].restores,
		     RACE_ENOUGH);

	return (ms < RACE_MS || !enough) && !has_child_ended();
}

static void racer_bind_ops(struct racer *racer, struct igt_panthor_exec *exec,
			   struct drm_panthor_vm_bind_op *ops, uint32_t count)
{
	__sync_fetch_and_add(&racer->calls, 1);
	igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, ops, count, 0);
	__sync_fetch_and_add(&racer->calls, 1);
}

static void racer_bind_sparse(struct racer *racer, struct igt_panthor_exec *exec, uint64_t va,
			      uint64_t size)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = IGT_PANTHOR_SPARSE_FLAGS,
		.va = va,
		.size = size,
	};

	racer_bind_ops(racer, exec, &op, 1);
}

static void racer_bind_bo(struct racer *racer, struct igt_panthor_exec *exec,
			  const struct panthor_bo *bo, uint64_t va)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = IGT_PANTHOR_BO_MAP_FLAGS,
		.bo_handle = bo->handle,
		.va = va,
		.size = bo->size,
	};

	racer_bind_ops(racer, exec, &op, 1);
}

static void racer_unbind(struct racer *racer, struct igt_panthor_exec *exec, uint64_t va,
			 uint64_t size)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
		.va = va,
		.size = size,
	};

	racer_bind_ops(racer, exec, &op, 1);
}

static void read_calls(const struct race *race, uint32_t *calls)
{
	__sync_synchronize();
	for (unsigned int i = 0; i < race->count; i++)
		calls[i] = race->racer[i].calls;
}

/* A VM_BIND was in progress if a number is odd, or differs before and after. */
static bool was_call_in_progress(const struct race *race, const uint32_t *before,
				 const uint32_t *after)
{
	bool in_progress = false;

	for (unsigned int i = 0; i < race->count; i++)
		in_progress |= before[i] % 2 || before[i] != after[i];

	return in_progress;
}

/* Runs the shrinker once, and counts what it did to the dummies. */
static void race_scan(struct race *race)
{
	uint32_t before[RACERS_MAX], after[RACERS_MAX];
	uint64_t evictions;

	read_calls(race, before);
	igt_panthor_shrink(race->execs->fd);
	read_calls(race, after);

	evictions = read_evictions(race);
	if (was_call_in_progress(race, before, after)) {
		race->overlaps += evictions != race->seen;
		race->stopped += evictions == race->seen;
	}
	race->evictions += evictions - race->seen;
	race->seen = evictions;
}

/* Evicts until each child restored mappings, and evictions met VM_BINDs. */
static void race_evict(struct race *race)
{
	while (race_goes_on(race, race->overlaps >= RACE_ENOUGH && all_restored(race)))
		race_scan(race);
}

/* Ranges and BOs, each at the start of its stride. */
#define RACE_RANGES 64
#define RACE_BOS 16
#define RACE_STRIDE ((uint64_t)SZ_4M)
#define RACE_BOS_VA (BASE_VA + GIB)
#define RACE_BO_SIZE SZ_64K

/* A range that the binder replaces in part by a BO. */
#define RACE_HOLE_VA (BASE_VA + 2 * GIB)

/* Many blocks: an operation that takes long enough for evictions to meet it. */
#define RACE_BLOCKS_VA (64 * GIB)
#define RACE_BLOCKS_SIZE GIB

static void race_blocks_assert_gone(struct igt_panthor_exec *exec)
{
	igt_panthor_exec_neighbours_fault(exec, RACE_BLOCKS_VA + PAGE, RACE_BLOCKS_SIZE - 2 * PAGE);
}

/* From a page to more than a block. */
static uint64_t race_range_size(unsigned int i)
{
	return (i % 8) * (SZ_64K * 5) + PAGE;
}

/**
 * race_vm:
 * @exec: VM
 * @bo: BOs at %RACE_BOS_VA
 * @hole_bo: BO that is mapped over a part of the range at %RACE_HOLE_VA
 */
struct race_vm {
	struct igt_panthor_exec exec;
	struct panthor_bo bo[RACE_BOS];
	struct panthor_bo hole_bo;
};

static void race_vm_init(struct race_vm *vm, int fd)
{
	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&vm->exec, fd);
	igt_panthor_exec_require_range(&vm->exec, RACE_BLOCKS_VA + RACE_BLOCKS_SIZE);
	for (unsigned int i = 0; i < RACE_RANGES; i++)
		igt_panthor_exec_bind_sparse(&vm->exec, BASE_VA + i * RACE_STRIDE,
					     race_range_size(i));
	igt_panthor_sparse_require_dummy(&vm->exec);
	for (unsigned int i = 0; i < RACE_BOS; i++) {
		igt_panthor_exec_create_bo(&vm->exec, &vm->bo[i], RACE_BO_SIZE);
		igt_panthor_exec_bind_bo(&vm->exec, &vm->bo[i], RACE_BOS_VA + i * RACE_STRIDE);
		igt_panthor_exec_store_pages(&vm->exec, RACE_BOS_VA + i * RACE_STRIDE, RACE_BO_SIZE,
					     FIRST);
	}
	igt_panthor_exec_create_bo(&vm->exec, &vm->hole_bo, RACE_BO_SIZE);
	igt_panthor_exec_bind_sparse(&vm->exec, RACE_HOLE_VA, SZ_4M);
}

static void race_vm_fini(struct race_vm *vm)
{
	igt_panthor_exec_fini(&vm->exec);
	for (unsigned int i = 0; i < RACE_BOS; i++)
		igt_panthor_free_bo(vm->exec.fd, &vm->bo[i]);
	igt_panthor_free_bo(vm->exec.fd, &vm->hole_bo);
}

/* A job that uses each range and each BO: whatever was evicted is restored before it runs. */
static void race_job(struct igt_panthor_exec *exec)
{
	const struct igt_panthor_walk ranges = {
		.access = IGT_PANTHOR_STORE,
		.va = BASE_VA,
		.count = RACE_RANGES,
		.stride = RACE_STRIDE,
		.seed = SECOND,
	};
	const struct igt_panthor_walk bos = {
		.access = IGT_PANTHOR_LOAD,
		.va = RACE_BOS_VA,
		.count = RACE_BOS,
		.stride = RACE_STRIDE,
		.seed = FIRST,
	};

	igt_panthor_exec_walk(exec, &ranges);
	igt_panthor_exec_walk_verify(exec, &bos);
}

static void race_submit(struct race *race, struct racer *racer, struct igt_panthor_exec *exec)
{
	uint32_t seen = 0;

	while (race_runs(race)) {
		const uint32_t evictions = race->evictions;

		race_job(exec);
		racer->restores += evictions != seen;
		seen = evictions;
		usleep(RACE_PAUSE_US);
	}
}

static void race_bind(struct race *race, struct racer *racer, struct race_vm *vm)
{
	struct igt_panthor_exec *exec = &vm->exec;

	while (race_runs(race)) {
		racer_bind_sparse(racer, exec, RACE_BLOCKS_VA, RACE_BLOCKS_SIZE);
		racer_bind_bo(racer, exec, &vm->hole_bo, RACE_HOLE_VA + SZ_1M);
		racer_unbind(racer, exec, RACE_HOLE_VA + SZ_1M, RACE_BO_SIZE);
		racer_bind_sparse(racer, exec, RACE_HOLE_VA + SZ_1M, RACE_BO_SIZE);
		racer_unbind(racer, exec, RACE_HOLE_VA + 3 * SZ_1M, RACE_BO_SIZE);
		racer_bind_sparse(racer, exec, RACE_HOLE_VA, SZ_4M);
		racer_unbind(racer, exec, RACE_BLOCKS_VA, RACE_BLOCKS_SIZE);
		usleep(RACE_PAUSE_US);
	}
}

/* After one more run of the shrinker, with nothing beside it. */
static void race_vm_assert(struct race_vm *vm)
{
	igt_panthor_shrink(vm->exec.fd);
	for (unsigned int i = 0; i < RACE_RANGES; i++)
		igt_panthor_sparse_store_load(&vm->exec, BASE_VA + i * RACE_STRIDE,
					      race_range_size(i), THIRD);
	for (unsigned int i = 0; i < RACE_BOS; i++) {
		const uint64_t va = RACE_BOS_VA + i * RACE_STRIDE;
		const struct igt_panthor_walk load =
			igt_panthor_pages(IGT_PANTHOR_LOAD, va, RACE_BO_SIZE, FIRST);

		igt_panthor_exec_walk_verify(&vm->exec, &load);
		igt_panthor_bo_assert_holds(&vm->bo[i], va, FIRST);
	}
	igt_panthor_sparse_store_load(&vm->exec, RACE_HOLE_VA, SZ_4M, THIRD);
	igt_panthor_exec_neighbours_fault(&vm->exec, RACE_HOLE_VA, SZ_4M);
	igt_panthor_exec_must_fault(&vm->exec, BASE_VA + SZ_2M, IGT_PANTHOR_LOAD);
	race_blocks_assert_gone(&vm->exec);
	igt_panthor_vm_assert_usable(vm->exec.fd, vm->exec.vm_id);
}

/* The parent evicts: only the process that made the dummy can read its evictions. */
static void race_evict_bind(int fd)
{
	struct race_vm vm;
	struct race *race;

	race_vm_init(&vm, fd);
	race = race_start(2, &vm.exec, 1);
	igt_fork(child, 2)
	{
		if (child)
			race_submit(race, &race->racer[1], &vm.exec);
		else
			race_bind(race, &race->racer[0], &vm);
	}
	while (race_goes_on(race, race->overlaps >= RACE_ENOUGH &&
					  race->racer[1].restores >= RACE_ENOUGH))
		race_scan(race);
	race_end(race);

	race_vm_assert(&vm);
	race_vm_fini(&vm);
}

/*
 * Large, so that its restore takes long: it grows until a bind takes %RACE_LARGE_US. Where no
 * huge page backs the dummy, each page is mapped by itself, and fewer bytes take as long.
 */
#define RACE_LARGE_VA (1024 * GIB)
#define RACE_LARGE_SIZE (16 * GIB)
#define RACE_LARGE_SIZE_MAX (256 * GIB)
#define RACE_LARGE_SIZE_PAGES (256 * SZ_1M)
#define RACE_LARGE_US 3000

/* Maximum number of pages of the range that a walk accesses. */
#define RACE_LARGE_WALK 8192

/* In each round, the range is unmapped a little later: from before its restore to after it. */
#define RACE_ROUNDS 20

/* How often the restore is measured. The least counts: whatever else runs only adds to it. */
#define RACE_MEASUREMENTS 3

/**
 * race_unmapper:
 * @size: bytes of the range
 * @told: pipe that says when to unmap the range, in us from now
 * @done: pipe that says that the range is unmapped, and when that started, in ns of CLOCK_MONOTONIC
 */
struct race_unmapper {
	uint64_t size;
	int told[2];
	int done[2];
};

static uint64_t now_ns(void)
{
	struct timespec now;

	igt_assert_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

/* Each process keeps its own ends only, so that it sees when the other one has ended. */
static void race_unmap_large(struct igt_panthor_exec *exec, const struct race_unmapper *unmapper)
{
	unsigned int delay_us;
	uint64_t start_ns;

	close(unmapper->told[1]);
	close(unmapper->done[0]);
	while (read(unmapper->told[0], &delay_us, sizeof(delay_us)) == sizeof(delay_us)) {
		usleep(delay_us);
		start_ns = now_ns();
		igt_panthor_exec_unbind(exec, RACE_LARGE_VA, unmapper->size);
		igt_assert_eq(write(unmapper->done[1], &start_ns, sizeof(start_ns)),
			      sizeof(start_ns));
	}
}

/**
 * span:
 * @start_ns: start, of CLOCK_MONOTONIC
 * @end_ns: end
 */
struct span {
	uint64_t start_ns;
	uint64_t end_ns;
};

/* Evicted mappings are restored while a job is submitted. Returns when that was. */
static struct span race_restore(struct igt_panthor_exec *exec)
{
	const struct igt_panthor_walk walk =
		igt_panthor_pages(IGT_PANTHOR_STORE, BASE_VA, SZ_64K, FIRST);
	struct span submit;

	submit.start_ns = now_ns();
	igt_panthor_exec_start(exec, &walk, NULL, 0);
	submit.end_ns = now_ns();
	igt_panthor_exec_finish(exec);

	return submit;
}

static unsigned int race_measure_restore(struct igt_panthor_exec *exec)
{
	uint64_t least = UINT64_MAX;

	for (unsigned int i = 0; i < RACE_MEASUREMENTS; i++) {
		struct span submit;

		igt_panthor_evict_dummy(exec->fd, exec->dummy);
		submit = race_restore(exec);
		least = min(least, submit.end_ns - submit.start_ns);
	}

	return least / 1000;
}

/* False if the process that unmaps has ended. */
static bool race_wait_unmapped(const struct race_unmapper *unmapper, uint64_t *start_ns)
{
	struct pollfd done = { .fd = unmapper->done[0], .events = POLLIN };

	igt_assert_f(poll(&done, 1, IGT_PANTHOR_JOB_DEADLINE_MS) == 1,
		     "the range was not unmapped in time\n");
	return read(unmapper->done[0], start_ns, sizeof(*start_ns)) == sizeof(*start_ns);
}

/*
 * Restores the range and unmaps it after @delay_us. Sets @met to whether the unmap started during
 * the restore. False if the process that unmaps has ended.
 */
static bool race_restore_while_unmapped(struct igt_panthor_exec *exec,
					const struct race_unmapper *unmapper, unsigned int delay_us,
					bool *met)
{
	struct span submit;
	uint64_t unmap_ns;

	igt_panthor_evict_dummy(exec->fd, exec->dummy);
	igt_assert_eq(write(unmapper->told[1], &delay_us, sizeof(delay_us)), sizeof(delay_us));
	submit = race_restore(exec);
	if (!race_wait_unmapped(unmapper, &unmap_ns))
		return false;

	*met = unmap_ns > submit.start_ns && unmap_ns < submit.end_ns;
	return true;
}

static void close_ends(void *data)
{
	struct race_unmapper *unmapper = data;

	close(unmapper->told[1]);
	close(unmapper->done[0]);
	__igt_waitchildren();
}

static unsigned int race_measure_bind(struct igt_panthor_exec *exec, uint64_t size)
{
	const uint64_t start_ns = now_ns();
	uint64_t end_ns;

	igt_panthor_exec_bind_sparse(exec, RACE_LARGE_VA, size);
	end_ns = now_ns();
	igt_panthor_exec_unbind(exec, RACE_LARGE_VA, size);

	return (end_ns - start_ns) / 1000;
}

static uint64_t race_large_size(struct igt_panthor_exec *exec)
{
	uint64_t size = RACE_LARGE_SIZE;

	if (!igt_panthor_sparse_dummy_is_huge(exec, BASE_VA))
		return RACE_LARGE_SIZE_PAGES;

	while (size < RACE_LARGE_SIZE_MAX && RACE_LARGE_VA + 2 * size <= exec->uva_range &&
	       race_measure_bind(exec, size) < RACE_LARGE_US)
		size *= 2;
	igt_info("the range has %" PRIu64 " GiB\n", size / GIB);

	return size;
}

/* The delays start over after RACE_ROUNDS, until enough unmaps met a restore. */
static void race_restore_unmap_rounds(struct igt_panthor_exec *exec, uint64_t size)
{
	static struct race_unmapper unmapper;
	const unsigned int restore_us = race_measure_restore(exec);
	struct timespec since = {};
	unsigned int met = 0;
	bool goes_on = true;

	unmapper.size = size;
	igt_assert_eq(pipe(unmapper.told), 0);
	igt_assert_eq(pipe(unmapper.done), 0);
	igt_fork(child, 1) race_unmap_large(exec, &unmapper);
	close(unmapper.told[0]);
	close(unmapper.done[1]);
	igt_teardown_add(close_ends, &unmapper);

	igt_nsec_elapsed(&since);
	for (unsigned int i = 0; goes_on && (i < RACE_ROUNDS || met < RACE_ENOUGH); i++) {
		bool now = false;

		igt_assert_f(igt_nsec_elapsed(&since) / 1000000 < RACE_DEADLINE_MS,
			     "%u of %u unmaps met a restore in %d ms, expected %d\n", met, i,
			     RACE_DEADLINE_MS, RACE_ENOUGH);
		goes_on = race_restore_while_unmapped(
			exec, &unmapper, i % RACE_ROUNDS * restore_us / RACE_ROUNDS, &now);
		met += now;
		if (goes_on)
			igt_panthor_exec_bind_sparse(exec, RACE_LARGE_VA, size);
	}
	igt_info("%u unmaps met a restore, which takes %u us\n", met, restore_us);

	igt_teardown_drop(close_ends, &unmapper);
	close(unmapper.told[1]);
	close(unmapper.done[0]);
	igt_waitchildren();
}

static void race_restore_unmap(int fd)
{
	struct igt_panthor_walk blocks = {
		.access = IGT_PANTHOR_STORE_LOAD,
		.va = RACE_LARGE_VA,
		.seed = THIRD,
	};
	struct igt_panthor_exec exec;
	uint64_t size;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&exec, fd);
	igt_panthor_exec_require_range(&exec, RACE_LARGE_VA + RACE_LARGE_SIZE);
	size = race_large_size(&exec);
	blocks.stride = max((uint64_t)SZ_2M, size / RACE_LARGE_WALK);
	blocks.count = size / blocks.stride;
	igt_panthor_exec_bind_sparse(&exec, BASE_VA, SZ_4M);
	igt_panthor_sparse_require_dummy(&exec);
	igt_panthor_exec_bind_sparse(&exec, RACE_LARGE_VA, size);

	race_restore_unmap_rounds(&exec, size);

	igt_panthor_exec_walk_verify(&exec, &blocks);
	igt_panthor_exec_unbind(&exec, RACE_LARGE_VA, size);
	igt_panthor_exec_neighbours_fault(&exec, RACE_LARGE_VA + PAGE, size - 2 * PAGE);
	igt_panthor_exec_bind_sparse(&exec, RACE_LARGE_VA, size);
	igt_panthor_exec_walk_verify(&exec, &blocks);
	igt_panthor_sparse_store_load(&exec, BASE_VA, SZ_4M, SECOND);
	igt_panthor_vm_assert_usable(fd, exec.vm_id);
	igt_panthor_exec_fini(&exec);
}

/* Where each process has its range: head, blocks and tail, split and whole again. */
#define RACER_VA (BASE_VA + SZ_1M)
#define RACER_SIZE SZ_8M

/* A page that stays bound, so that there is something to evict all the time. */
#define RACER_PAGE_VA (RACER_VA + GIB)

/*
 * Binds, uses, splits, uses and unbinds a range, over and over. Loaded values are not compared: the
 * VMs of a file store to the same dummy.
 */
static void race_cycle(struct race *race, struct racer *racer, struct igt_panthor_exec *exec)
{
	uint32_t seen = 0;

	while (race_runs(race)) {
		const uint32_t evictions = race->evictions;

		racer_bind_sparse(racer, exec, RACER_VA, RACER_SIZE);
		igt_panthor_exec_store_pages(exec, RACER_VA, RACER_SIZE, FIRST);
		racer_unbind(racer, exec, RACER_VA + 3 * SZ_1M, SZ_64K);
		igt_panthor_exec_store_pages(exec, RACER_VA, 3 * SZ_1M, FIRST);
		igt_panthor_exec_store_pages(exec, RACER_VA + 3 * SZ_1M + SZ_64K, SZ_4M, FIRST);
		igt_panthor_exec_store_pages(exec, RACER_PAGE_VA, PAGE, FIRST);
		racer_unbind(racer, exec, RACER_VA, RACER_SIZE);
		racer->restores += evictions != seen;
		seen = evictions;
		usleep(RACE_PAUSE_US);
	}
}

static void racer_init(struct igt_panthor_exec *exec, int fd)
{
	igt_panthor_exec_init(exec, fd);
	igt_panthor_exec_bind_sparse(exec, RACER_PAGE_VA, PAGE);
	igt_panthor_sparse_require_dummy(exec);
}

static void racer_assert(struct igt_panthor_exec *exec)
{
	igt_panthor_exec_must_fault(exec, RACER_VA, IGT_PANTHOR_LOAD);
	igt_panthor_exec_bind_sparse(exec, RACER_VA, RACER_SIZE);
	igt_panthor_sparse_store_load(exec, RACER_VA, RACER_SIZE, FIRST);
	igt_panthor_evict_dummy(exec->fd, exec->dummy);
	igt_panthor_sparse_store_load(exec, RACER_VA, RACER_SIZE, SECOND);
	igt_panthor_exec_neighbours_fault(exec, RACER_VA, RACER_SIZE);
	igt_panthor_vm_assert_usable(exec->fd, exec->vm_id);
}

#define RACERS RACERS_MAX

/* @execs: a VM for each child, of which the first @files are on different files. */
static void race_cycles(struct igt_panthor_exec *execs, unsigned int files)
{
	struct race *race = race_start(RACERS, execs, files);

	igt_fork(child, RACERS) race_cycle(race, &race->racer[child], &execs[child]);
	race_evict(race);
	race_end(race);

	for (unsigned int i = 0; i < RACERS; i++) {
		racer_assert(&execs[i]);
		igt_panthor_exec_fini(&execs[i]);
	}
}

static void race_vms(int fd)
{
	struct igt_panthor_exec execs[RACERS];

	igt_panthor_require_shrink(fd);
	for (unsigned int i = 0; i < RACERS; i++)
		racer_init(&execs[i], fd);
	race_cycles(execs, 1);
}

static void race_files(int fd)
{
	struct igt_panthor_exec execs[RACERS];

	igt_panthor_require_shrink(fd);
	for (unsigned int i = 0; i < RACERS; i++)
		racer_init(&execs[i], igt_panthor_open());
	race_cycles(execs, RACERS);
	for (unsigned int i = 0; i < RACERS; i++)
		igt_panthor_close(execs[i].fd);
}

/*
 * A VM keeps its address space after a job, and each operation on it waits for the GPU's caches.
 * That is long enough for evictions to meet one.
 */
static void race_activate(struct igt_panthor_exec *exec)
{
	igt_panthor_exec_bind_sparse(exec, RACER_VA, RACER_SIZE);
	igt_panthor_exec_store_pages(exec, RACER_VA, SZ_64K, FIRST);
}

/* In one call, so that the VM's lock is free only between two operations. */
#define REBIND_OPS 16

static void race_rebind(struct race *race, struct racer *racer, struct igt_panthor_exec *exec)
{
	struct drm_panthor_vm_bind_op ops[REBIND_OPS] = {};

	for (unsigned int i = 0; i < REBIND_OPS; i++) {
		ops[i].va = RACE_BLOCKS_VA;
		ops[i].size = RACE_BLOCKS_SIZE;
		ops[i].flags = i % 2 ? DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP : IGT_PANTHOR_SPARSE_FLAGS;
	}
	while (race_runs(race))
		racer_bind_ops(racer, exec, ops, REBIND_OPS);
}

/*
 * Scans that have to be stopped. Some are stopped before they come to the busy VM, since its
 * VM_BIND pins the dummy.
 */
#define RACE_BESIDE_STOPPED 15

/* The idle VM is made first: it is evicted before the scan comes to the busy one. */
static void race_beside(int fd)
{
	struct igt_panthor_exec idle, busy;
	struct race *race;

	igt_panthor_require_shrink(fd);
	igt_panthor_exec_init(&idle, fd);
	igt_panthor_exec_require_range(&idle, RACE_BLOCKS_VA + RACE_BLOCKS_SIZE);
	igt_panthor_exec_bind_sparse(&idle, RACER_VA, RACER_SIZE);
	igt_panthor_sparse_require_dummy(&idle);
	igt_panthor_exec_init(&busy, fd);
	race_activate(&busy);

	race = race_start(1, &idle, 1);
	igt_fork(child, 1) race_rebind(race, &race->racer[0], &busy);
	while (race_goes_on(race, race->stopped >= RACE_BESIDE_STOPPED)) {
		race_scan(race);
		igt_panthor_exec_store_pages(&idle, RACER_VA, SZ_64K, FIRST);
	}
	race_end(race);

	igt_panthor_sparse_store_load(&idle, RACER_VA, RACER_SIZE, SECOND);
	igt_panthor_exec_neighbours_fault(&idle, RACER_VA, RACER_SIZE);
	race_blocks_assert_gone(&busy);
	igt_panthor_exec_unbind(&busy, RACER_VA, RACER_SIZE);
	racer_assert(&busy);
	igt_panthor_exec_fini(&busy);
	igt_panthor_exec_fini(&idle);
}

/* The number of reclaimable pages that the shrinker reports, with CONFIG_SHRINKER_DEBUG. */
#define COUNT_FILES "/sys/kernel/debug/shrinker/drm-panthor-gem-*/count"

/*
 * Rounds of two processes that bind and unbind, in batches of so many operations, and how long each
 * round lasts. Updates are lost in both directions, and may even out in a round.
 */
#define COUNT_ROUNDS 4
#define COUNT_MS 100
#define COUNT_OPS 64
#define COUNT_RACERS 2

/*
 * When released BOs must be gone from the count, and how long it has to stay the same before
 * anything is compared with it: files of an earlier subtest may just have been closed.
 */
#define COUNT_SETTLE_MS IGT_PANTHOR_RELEASE_DEADLINE_MS
#define COUNT_STILL_US 50000

/*
 * Reads the number of pages. The file is empty where there are none. A negative sum reads as a huge
 * number. False without such a file, or with one for each of several devices.
 */
static bool read_shrinker_count(int64_t *count)
{
	char text[64] = "";
	uint64_t pages = 0;
	glob_t found;
	int file = -1;

	if (glob(COUNT_FILES, 0, NULL, &found))
		return false;

	if (found.gl_pathc == 1)
		file = open(found.gl_pathv[0], O_RDONLY | O_CLOEXEC);
	globfree(&found);
	if (file < 0)
		return false;

	igt_assert_lte(0, (int)read(file, text, sizeof(text) - 1));
	close(file);
	igt_assert(!text[0] || sscanf(text, "%*u %" SCNu64, &pages) == 1);
	*count = pages;

	return true;
}

static bool count_is(int64_t expected, int64_t *count)
{
	igt_assert(read_shrinker_count(count));

	return *count == expected;
}

/* Whether the count stays what it was. */
static bool count_stays(int64_t *count)
{
	const int64_t last = *count;

	usleep(COUNT_STILL_US);
	return count_is(last, count);
}

/* A BO comes and goes, in a VM that no group makes active. */
static void bind_and_unbind(struct race *race, struct racer *racer, uint64_t size)
{
	struct drm_panthor_vm_bind_op ops[COUNT_OPS] = {};
	struct igt_panthor_exec exec = { .fd = igt_panthor_open() };
	struct panthor_bo bo;

	igt_panthor_vm_create(exec.fd, &exec.vm_id, 0);
	igt_panthor_bo_create(exec.fd, &bo, size, 0, 0);
	for (unsigned int i = 0; i < COUNT_OPS; i++) {
		ops[i].va = BASE_VA;
		ops[i].size = bo.size;
		ops[i].flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP;
		if (i % 2 == 0) {
			ops[i].flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP;
			ops[i].bo_handle = bo.handle;
		}
	}
	while (race_runs(race))
		racer_bind_ops(racer, &exec, ops, COUNT_OPS);
	igt_panthor_free_bo(exec.fd, &bo);
	igt_panthor_vm_destroy(exec.fd, exec.vm_id, 0);
	igt_panthor_close(exec.fd);
}

/* Lets the processes run until both made calls in the same time. */
static void race_count_round(void)
{
	const uint64_t page = igt_panthor_cpu_page_size();
	struct race *race = race_start(COUNT_RACERS, NULL, 0);
	struct timespec since = {};

	igt_fork(child, COUNT_RACERS)
		bind_and_unbind(race, &race->racer[child], child ? 16 * page : page);
	igt_assert_f(igt_wait((race->racer[0].calls && race->racer[1].calls) || has_child_ended(),
			      RACE_DEADLINE_MS, 1),
		     "no process binds within %d ms\n", RACE_DEADLINE_MS);
	igt_nsec_elapsed(&since);
	while (igt_nsec_elapsed(&since) / 1000000 < COUNT_MS ||
	       min(race->racer[0].calls, race->racer[1].calls) < RACE_ENOUGH) {
		igt_assert(igt_nsec_elapsed(&since) / 1000000 < RACE_DEADLINE_MS);
		if (has_child_ended())
			break;
		usleep(1000);
	}
	race->stop = true;
	igt_waitchildren();
	igt_teardown_drop(stop_race, race);
}

/* The sum has the BOs of all processes. */
static void race_count(int fd)
{
	int64_t before, after;

	igt_panthor_require_shrink(fd);
	igt_require_f(read_shrinker_count(&before),
		      "the kernel has no " COUNT_FILES " (CONFIG_SHRINKER_DEBUG), or several\n");
	igt_panthor_require_alone(fd);
	igt_require_f(igt_wait(count_stays(&before), COUNT_SETTLE_MS, 0),
		      "the number of reclaimable pages changes all the time\n");

	for (unsigned int i = 0; i < COUNT_ROUNDS; i++) {
		race_count_round();
		if (igt_wait(count_is(before, &after), COUNT_SETTLE_MS, 10))
			continue;
		igt_panthor_require_alone(fd);
		igt_assert_f(after == before,
			     "the shrinker reports %" PRId64 " pages, and %" PRId64 " before\n",
			     after, before);
	}
}

static const struct igt_panthor_case cases[] = {
	{
		.name = "race-evict-bind",
		.describe = "On one VM, a process binds and unbinds a BO and sparse ranges, "
			    "another one submits jobs, and a third one evicts. No job fails. In "
			    "the end, the bound ranges are readable and writable, BOs keep their "
			    "contents, and both edges of the range that was unbound last fault.",
		.run = race_evict_bind,
	},
	{
		.name = "race-restore-unmap",
		.describe = "Evict a large sparse range, and unmap it during its restore, a "
			    "little later each time. The range can be bound again. In the end, "
			    "one page of each 2 MiB of it, or 8192 of its pages, are readable "
			    "and writable, and both edges fault after an unmap.",
		.run = race_restore_unmap,
	},
	{
		.name = "race-vms",
		.describe = "Three processes, each in a VM of its own, bind, use and unbind a "
			    "sparse range. Another process evicts the dummy, which the VMs of the "
			    "file share. No job fails. In the end, each range faults at its start. "
			    "After a bind, and again after an eviction, every page of it is "
			    "readable and writable, and the neighbours fault.",
		.run = race_vms,
	},
	{
		.name = "race-beside",
		.describe = "A process binds and unbinds a range in a busy VM. Another one runs "
			    "the shrinker until at least 15 scans beside a VM_BIND leave the "
			    "dummy, which an idle VM maps. No job of the idle VM faults. In the "
			    "end, the sparse range of each VM is readable and writable, that of "
			    "the busy VM again after an eviction, its neighbours fault, and both "
			    "edges of the range that the busy VM unbound last fault.",
		.run = race_beside,
	},
	{
		.name = "race-files",
		.describe = "Three processes, each on a file of its own, bind, use and unbind a "
			    "sparse range. Another process evicts the dummies of the files. No job "
			    "fails. In the end, each range faults at its start. After a bind, and "
			    "again after an eviction, every page of it is readable and writable, "
			    "and the neighbours fault.",
		.run = race_files,
	},
	{
		.name = "race-count",
		.describe = "Two processes bind and unbind BOs of different sizes at the same "
			    "time. The number of pages that the shrinker reports is as before.",
		.run = race_count,
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
