// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_kernel_memory.h"
#include "igt_memcg.h"
#include "igt_panthor_replay.h"
#include "igt_panthor_sparse.h"
#include "igt_teardown.h"

/**
 * TEST: Random operations on sparse mappings of panthor
 * Category: Core
 * Mega feature: Memory Management
 * Sub-category: VM_BIND
 * Functionality: sparse mappings
 * Feature: random
 * Test category: stress test
 * Run type: FULL
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap
 * Scenario: random-walk
 * Failure mode: Mappings, contents or VMAs that are wrong only after a certain
 *	sequence of operations.
 * Description: Binds, unmaps, evictions and accesses are drawn at random. What
 *	the GPU loads is compared with a model of what each page maps. A failing
 *	sequence is made smaller and printed as rows of a table.
 *
 * SUBTEST: random-vm
 * Description: Random operations on one VM: sparse and BO binds, unmaps, batches, queued binds,
 *	evictions, CPU accesses, jobs, and a new VM or file now and then. Every word that the GPU or
 *	the CPU loads is that of the shadow model, and gpuvas shows what is mapped. Loads from a few
 *	drawn holes and stores to a few drawn READONLY pages fault.
 *
 * SUBTEST: random-vms
 * Description: Random operations on four VMs of two files, some on BOs that the VMs share. Every
 *	word that the GPU or the CPU loads is that of the shadow model, and gpuvas shows what is
 *	mapped. Loads from a few drawn holes and stores to a few drawn READONLY pages fault.
 *
 * SUBTEST: random-pressure
 * Test requirement: panthor uAPI 1.9, debugfs, root, swap, memory cgroups
 * Description: Random operations on four VMs of two files, with reclaims of the process's memory at
 *	random points. Every word that the GPU or the CPU loads is that of the shadow model, and
 *	gpuvas shows what is mapped. Loads from a few drawn holes and stores to a few drawn READONLY
 *	pages fault.
 *
 * SUBTEST: random-processes
 * Description: Three processes do random operations at the same time, each on two VMs of its own
 *	and with a shadow model of its own. Every word that the GPU or the CPU loads is that of the
 *	model of its process, and gpuvas shows what is mapped. Loads from a few drawn holes and
 *	stores to a few drawn READONLY pages fault.
 *
 * SUBTEST: random-rows
 * Description: Replay sequences of operations that are written down in a table,
 *	as a failing random walk prints them. Every word that the GPU loads is
 *	that of the shadow model, and gpuvas shows what is mapped.
 */

IGT_TEST_DESCRIPTION("Compare random operations on VMs of panthor with a shadow model");

/*
 * The scenario, and the failure that it looks for:
 *
 * 1. random-walk: Operations in an order that nobody thought of: what one of them leaves behind is
 *    wrong for a later one. Tests that somebody wrote have the orders that somebody thought of. The
 *    walks differ in what else goes on: several VMs and files map the same objects, the kernel
 *    reclaims memory in amounts that it chooses, or processes use the driver at the same time.
 *
 * A walk runs in a child process, which opens the device anew, and so does each replay of fewer
 * steps: no state passes from one to the next, and a failed assertion ends only the child.
 *
 * Equal seeds draw equal steps. The seed is that of libigt (IGT_SRANDOM), which libigt prints, or
 * that of --seed.
 */

/*
 * Steps of a walk on one VM, and of one on several, where each VM has a part of them. A walk has as
 * many as its planted defects need.
 */
#define OPERATIONS_VM 500
#define OPERATIONS_VMS 2000

/*
 * Deadline for the steps of a subtest if no number was asked for. A slow machine, or a kernel with
 * all of its checks, does fewer steps.
 */
#define WALK_DEADLINE_MS 20000

/*
 * Bounds of the minimisation: a replay takes some 30 ms, and more if the job faults. A run that asks
 * for a number of operations is about the random walks, and may take longer.
 */
#define MAX_TRIALS 3000
#define MINIMISE_DEADLINE_MS 8000
#define MINIMISE_LONG_DEADLINE_MS 240000

#define MAX_PROCESSES 3

/**
 * options:
 * @seed: seed of the walks
 * @operations: number of steps, 0: those of the subtest or those before WALK_DEADLINE_MS
 */
static struct {
	uint32_t seed;
	bool seeded;
	unsigned long operations;
} options;

/**
 * outcome:
 * @steps: number of steps begun
 * @done: the steps and the last check ended
 * @failed: a mismatch
 * @why: what was wrong
 *
 * What a child tells its parent, in shared memory.
 */
struct outcome {
	volatile size_t steps;
	volatile bool done;
	volatile bool failed;
	char why[sizeof(((struct igt_panthor_replay *)NULL)->why)];
};

/**
 * walk:
 * @draw: source of each process's steps
 * @processes: number of processes
 * @operations: number of steps of each process
 * @deadline_ms: when to stop, 0: never
 * @reclaim: the process has a memory cgroup of its own
 * @outcome: of each process
 */
struct walk {
	struct igt_panthor_draw draw[MAX_PROCESSES];
	unsigned int processes;
	size_t operations;
	unsigned int deadline_ms;
	bool reclaim;
	struct outcome *outcome;
};

static bool is_late(const struct timespec *start, unsigned int deadline_ms)
{
	struct timespec now;

	if (!deadline_ms)
		return false;
	igt_assert_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);

	return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000 >=
	       deadline_ms;
}

static void fail(struct outcome *outcome, const struct igt_panthor_replay *r)
{
	memcpy(outcome->why, r->why, sizeof(outcome->why));
	outcome->failed = true;
}

/* The body of a child: all steps of a process. */
static void do_walk(const struct walk *w, unsigned int process)
{
	struct igt_panthor_replay *r = igt_panthor_replay_create();
	struct outcome *outcome = &w->outcome[process];
	struct igt_panthor_draw draw = w->draw[process];
	struct timespec start;
	bool good = true;

	if (w->reclaim)
		igt_assert(igt_memcg_enter());
	igt_assert_eq(clock_gettime(CLOCK_MONOTONIC, &start), 0);
	while (good && outcome->steps < w->operations && !is_late(&start, w->deadline_ms)) {
		const struct igt_panthor_step step = igt_panthor_draw_step(&draw, &r->shadow);

		outcome->steps++;
		good = igt_panthor_replay_step(r, &step);
	}
	if (!good || !igt_panthor_replay_end(r))
		fail(outcome, r);

	igt_panthor_replay_destroy(r);
	if (w->reclaim)
		igt_memcg_leave();
	outcome->done = true;
}

/* The body of a child: the steps of a table. */
static void do_rows(struct outcome *outcome, const struct igt_panthor_step *steps, size_t count)
{
	struct igt_panthor_replay *r = igt_panthor_replay_create();
	bool good = true;

	for (size_t i = 0; i < count && good; i++) {
		outcome->steps++;
		good = igt_panthor_replay_step(r, &steps[i]);
	}
	if (!good || !igt_panthor_replay_end(r))
		fail(outcome, r);
	igt_panthor_replay_destroy(r);
	outcome->done = true;
}

/**
 * trials:
 * @outcome: of the replay
 * @reclaim: replays have a memory cgroup of their own
 * @start: start of the minimisation
 * @deadline_ms: when to stop
 */
struct trials {
	struct outcome *outcome;
	bool reclaim;
	struct timespec start;
	unsigned int deadline_ms;
};

/* True if the steps end in a mismatch, or in the end of the process. */
static bool rows_fail(struct trials *t, const struct igt_panthor_step *steps, size_t count)
{
	memset(t->outcome, 0, sizeof(*t->outcome));
	igt_fork(child, 1) {
		if (t->reclaim)
			igt_assert(igt_memcg_enter());
		do_rows(t->outcome, steps, count);
		if (t->reclaim)
			igt_memcg_leave();
	}
	__igt_waitchildren();

	return t->outcome->failed || !t->outcome->done;
}

/* Steps that fail now and then would lead the minimiser astray: they have to fail twice. */
static size_t trial_fails(void *data, const struct igt_panthor_step *steps, size_t count)
{
	struct trials *t = data;
	size_t failed;

	if (is_late(&t->start, t->deadline_ms) || !rows_fail(t, steps, count))
		return 0;

	failed = t->outcome->steps;
	if (!rows_fail(t, steps, count))
		return 0;

	return max(failed, t->outcome->steps);
}

static void print_rows(const struct igt_panthor_step *steps, size_t count)
{
	char text[128];

	for (size_t i = 0; i < count; i++) {
		igt_panthor_step_print(&steps[i], text, sizeof(text));
		igt_info("\t%s,\n", text);
	}
}

static void minimise(const struct walk *w, unsigned int process)
{
	struct trials trials = {
		.outcome = igt_map_shared(sizeof(struct outcome)), .reclaim = w->reclaim,
		.deadline_ms = options.operations ? MINIMISE_LONG_DEADLINE_MS :
						    MINIMISE_DEADLINE_MS,
	};
	struct igt_panthor_minimiser m = {
		.fails = trial_fails, .data = &trials, .trials = MAX_TRIALS,
	};
	struct igt_panthor_step *steps;
	size_t count;

	igt_assert_eq(clock_gettime(CLOCK_MONOTONIC, &trials.start), 0);
	count = igt_panthor_minimise_walk(&m, &w->draw[process], w->outcome[process].steps, &steps);
	if (!count) {
		igt_info("not minimised: the steps do not fail again in a new process\n");
	} else {
		const bool fails = rows_fail(&trials, steps, count);

		igt_info("minimised to %zu rows by %u replays: %s\n", count, MAX_TRIALS - m.trials,
			 trials.outcome->failed ? trials.outcome->why :
			 fails ? "the process ended" : "but they passed in the last one");
		print_rows(steps, count);
		igt_info("\t{}\n");
	}
	free(steps);
	igt_unmap_shared(trials.outcome, sizeof(struct outcome));
}

static void run_walk(struct walk *w)
{
	w->outcome = igt_map_shared(MAX_PROCESSES * sizeof(*w->outcome));
	igt_fork(child, (int)w->processes)
		do_walk(w, child);
	__igt_waitchildren();

	for (unsigned int i = 0; i < w->processes; i++) {
		const struct outcome *outcome = &w->outcome[i];

		igt_info("process %u: %zu operations\n", i, outcome->steps);
		if (outcome->done && !outcome->failed)
			continue;
		igt_info("process %u failed at operation %zu: %s\n", i, outcome->steps,
			 outcome->failed ? outcome->why : "the process ended");
		minimise(w, i);
		igt_assert_f(false, "seed %u: %s\n", options.seed,
			     outcome->failed ? outcome->why : "a process ended");
	}
	igt_unmap_shared(w->outcome, MAX_PROCESSES * sizeof(*w->outcome));
}

static void random_walk(int fd, unsigned int vms, unsigned int processes, bool reclaim)
{
	struct walk w = {
		.processes = processes,
		.operations = options.operations ?: vms == 1 ? OPERATIONS_VM : OPERATIONS_VMS,
		.deadline_ms = options.operations ? 0 : WALK_DEADLINE_MS,
		.reclaim = reclaim,
	};

	igt_panthor_require_shrink(fd);
	if (reclaim) {
		igt_require_f(igt_memcg_enter(), "needs memory cgroups\n");
		igt_memcg_leave();
	}

	igt_info("seed %u\n", options.seed);
	w.operations = DIV_ROUND_UP(w.operations, processes);
	for (unsigned int i = 0; i < processes; i++)
		igt_panthor_draw_init(&w.draw[i], options.seed * MAX_PROCESSES + i, vms, reclaim);
	run_walk(&w);
}

static void random_vm(int fd)
{
	random_walk(fd, 1, 1, false);
}

static void random_vms(int fd)
{
	random_walk(fd, STEP_VMS, 1, false);
}

static void random_pressure(int fd)
{
	random_walk(fd, STEP_VMS, 1, true);
}

static void random_processes(int fd)
{
	random_walk(fd, STEP_VMS_OF_FILE, MAX_PROCESSES, false);
}

static const struct igt_panthor_case cases[] = {
	{
		.name = "random-vm",
		.describe = "Random operations on one VM: sparse and BO binds, unmaps, batches, "
			    "queued binds, evictions, CPU accesses, jobs, and a new VM or file now "
			    "and then. Every word that the GPU or the CPU loads is that of the "
			    "shadow model, and gpuvas shows what is mapped. Loads from a few drawn "
			    "holes and stores to a few drawn READONLY pages fault.",
		.run = random_vm,
	},
	{
		.name = "random-vms",
		.describe = "Random operations on four VMs of two files, some on BOs that the VMs "
			    "share. Every word that the GPU or the CPU loads is that of the shadow "
			    "model, and gpuvas shows what is mapped. Loads from a few drawn holes "
			    "and stores to a few drawn READONLY pages fault.",
		.run = random_vms,
	},
	{
		.name = "random-pressure",
		.describe = "Random operations on four VMs of two files, with reclaims of the "
			    "process's memory at random points. Every word that the GPU or the CPU "
			    "loads is that of the shadow model, and gpuvas shows what is mapped. "
			    "Loads from a few drawn holes and stores to a few drawn READONLY pages "
			    "fault.",
		.run = random_pressure,
	},
	{
		.name = "random-processes",
		.describe = "Three processes do random operations at the same time, each on two "
			    "VMs of its own and with a shadow model of its own. Every word that "
			    "the GPU or the CPU loads is that of the model of its process, and "
			    "gpuvas shows what is mapped. Loads from a few drawn holes and stores "
			    "to a few drawn READONLY pages fault.",
		.run = random_processes,
	},
	{}
};

/**
 * rows:
 * @name: name of the dynamic subtest
 * @steps: steps, as a failing walk prints them; { } ends them
 *
 * A sequence of steps that failed once.
 */
struct rows {
	const char *name;
	struct igt_panthor_step steps[32];
};

static const struct rows rows[] = {
	{
		/* Each mapping of an evicted BO is restored with its own flags. */
		.name = "evicted-with-two-flags",
		.steps = {
			{ .kind = STEP_BO, .pages = 1, .flags = STEP_READONLY },
			{ .kind = STEP_BO, .page = 512, .pages = 1 },
			{ .kind = STEP_EVICT },
			{ .kind = STEP_STORE, .page = 512, .pages = 1 },
			{}
		},
	},
	{}
};

/* Without free swap, STEP_EVICT evicts nothing. */
static void rows_require(void)
{
	const int fd = igt_panthor_open();

	igt_panthor_require_shrink(fd);
	igt_panthor_close(fd);
}

static void replay_rows(const struct rows *row)
{
	struct trials trials = { .outcome = igt_map_shared(sizeof(struct outcome)) };
	size_t count = 0;
	bool failed;

	while (row->steps[count].kind != STEP_END)
		count++;
	failed = rows_fail(&trials, row->steps, count);
	igt_assert_f(!failed, "step %zu: %s\n", trials.outcome->steps,
		     trials.outcome->failed ? trials.outcome->why : "the process ended");
	igt_unmap_shared(trials.outcome, sizeof(struct outcome));
}

static void __attribute__((noreturn)) bad_value(const char *option, const char *value,
						const char *expected)
{
	fprintf(stderr, "--%s %s: not %s\n", option, value, expected);
	exit(2);
}

static unsigned long parse_number(const char *option, const char *text, unsigned long least,
				  unsigned long most, const char *expected)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9' || value < least || value > most)
		bad_value(option, text, expected);

	return value;
}

static void set_seed(const char *text)
{
	options.seed = parse_number("seed", text, 0, INT_MAX, "a number below 2147483648");
	options.seeded = true;
}

static void set_operations(const char *text)
{
	options.operations = parse_number("operations", text, 1, 1000000000,
					  "a number from 1 to 1000000000");
}

static int parse_option(int option, __attribute__((unused)) int index,
			__attribute__((unused)) void *data)
{
	if (option == 's')
		set_seed(optarg);
	else
		set_operations(optarg);

	return 0;
}

static const struct option long_options[] = {
	{ "seed", required_argument, NULL, 's' },
	{ "operations", required_argument, NULL, 'o' },
	{}
};

static const char help[] =
	"  --seed N\t\tseed of the random operations; IGT_SRANDOM has the default\n"
	"  --operations N\tnumber of random operations of each subtest; the environment\n"
	"\t\t\tvariable IGT_PANTHOR_OPERATIONS has the default\n";

/* libigt seeds random() from IGT_SRANDOM or from the clock, and prints that. */
static void set_defaults(void)
{
	const char *seed = getenv("IGT_SRANDOM");
	const char *operations = getenv("IGT_PANTHOR_OPERATIONS");

	if (!options.seeded && seed)
		set_seed(seed);
	else if (!options.seeded)
		options.seed = random();
	if (!options.operations && operations)
		set_operations(operations);
}

int igt_main_args("", long_options, help, parse_option, NULL)
{
	igt_fixture() {
		set_defaults();
		igt_panthor_sparse_require();
	}

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

	igt_describe("Replay sequences of operations that are written down in a table, as a "
		     "failing random walk prints them. Every word that the GPU loads is that of "
		     "the shadow model, and gpuvas shows what is mapped.");
	igt_subtest_with_dynamic("random-rows") {
		rows_require();
		for (const struct rows *row = rows; row->name; row++)
			igt_dynamic(row->name)
				replay_rows(row);
	}
	igt_fixture()
		igt_teardown();
}
