// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

/*
 * How long sparse mappings of panthor take, and how much memory, as their range or
 * their number grows.
 *
 * Each point of a curve is measured on its own: one round that is not counted, then
 * rounds that are timed, then rounds in which a second thread samples the kernel's
 * memory. Sampling disturbs, so those rounds are not timed. A point has a budget of
 * time: it is not tried where the point before it says that three rounds would not
 * fit, or that the kernel would take more memory than half of what it has left; a
 * bind that has begun cannot be interrupted, and memory that runs out in it is
 * somebody else's end.
 *
 * What is measured:
 *
 * 1. bind and unbind of one sparse range in a VM of its own, from 2 MiB to 1 TiB, and
 *    of all user addresses. 1022 GiB is the largest for which the pointers to one
 *    page table for each 2 MiB fit into the largest block of the page allocator.
 * 2. punch: unmaps that make a small hole in each 2 MiB block of a range.
 * 3. restore-vmas: the submission of the first job after the dummy object of many
 *    small ranges was evicted; restore-range: the same for one large range. The
 *    device sleeps before each of them: a VM that has an address space flushes for
 *    each VMA, which on a virtual board is all that would be seen.
 *
 * Each restore is checked: the GPU stores and loads through what came back.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_os.h"
#include "igt_panthor_debugfs.h"
#include "igt_panthor_exec.h"
#include "igt_kernel_memory.h"
#include "igt_panthor_sparse.h"
#include "igt_sizes.h"
#include "ioctl_wrappers.h"

#include "bench_results.h"

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define GIB ((uint64_t)SZ_1G)
#define TIB (1024 * GIB)

/* Where ranges are, and how large they may be; GiB-aligned, above all of an exec's. */
#define RANGE_VA TIB
#define RANGE_MAX TIB

/* VMAs to restore: a page of each 64 KiB, 32 of them to a page table. */
#define VMA_SIZE PAGE
#define VMA_STRIDE ((uint64_t)SZ_64K)
#define VMAS_MAX 65536

/* Accesses to a range that was restored, at equal distances all over it. */
#define RANGE_ACCESSES 1024

/* Operations of one VM_BIND: what is bound before the measurement begins. */
#define BATCH 4096

/* Where in a 2 MiB block a hole is: the block is split on both sides of it. */
#define HOLE_OFFSET ((uint64_t)SZ_1M)

/*
 * Rounds in which memory is sampled: it varies less than time, but a short call may
 * pass between two looks at it. So there are more rounds of short ones.
 */
#define SAMPLED_MIN 3u
#define SAMPLED_MAX 15
#define SAMPLED_MS 50

/* How long the device may take to fall asleep, and the shrinker to take the dummy. */
#define SLEEP_DEADLINE_MS 2000
#define EVICT_DEADLINE_MS 2000

/* How long page tables of a VM may stay after its destruction. */
#define TABLES_DEADLINE_MS 500

/* What a round returns beside 0 and a negative errno: there was nothing to restore. */
#define NOT_EVICTED 1

enum {
	EXIT_USAGE = 2,
	EXIT_DEVICE = 3,
	EXIT_OUTPUT = 4,
};

/**
 * options:
 * @json: file for the results, "-" for standard output, or NULL
 * @device: render node, or NULL to look for one
 * @operation: the only one to measure, or NULL
 * @max_size: no larger range
 * @max_vmas: no more VMAs
 * @repeat: timed rounds
 * @budget_ms: time for a point
 * @brief: few and small points
 */
struct options {
	const char *json;
	const char *device;
	const char *operation;
	uint64_t max_size;
	uint64_t max_vmas;
	uint64_t repeat;
	uint64_t budget_ms;
	bool brief;
};

/**
 * bench:
 * @options: from the command line
 * @results: what was measured so far
 * @table: where its table goes
 * @json: where its JSON goes, or NULL
 * @fd: device
 * @sampled: whether memory is sampled in this round, instead of timed
 * @call_ms: milliseconds of the measured calls of this round
 */
struct bench {
	struct options options;
	struct bench_results results;
	FILE *table;
	FILE *json;
	int fd;
	bool sampled;
	unsigned int call_ms;
};

static void die(int status, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

static void die(int status, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "panthor_sparse_bind: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(status);
}

/*
 * Rounds of a point
 */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

static struct bench_memory used_since(const struct bench_memory *before,
				      const struct bench_memory *now)
{
	return (struct bench_memory){
		.kernel = now->kernel - before->kernel,
		.available = before->available - now->available,
		.tables = now->tables - before->tables,
	};
}

/* Calls @call, with the memory that it takes sampled for @point. */
static int sample_call(struct bench_point *point, int (*call)(void *data), void *data)
{
	struct bench_use *use = &point->use[point->uses];
	struct bench_memory before, after;
	struct bench_sampler sampler;
	int err;

	bench_memory_settle();
	bench_memory_read(&before);
	err = bench_sampler_start(&sampler);
	if (err)
		die(EXIT_OUTPUT, "no thread to sample memory: %s", strerror(-err));

	err = call(data);

	bench_sampler_stop(&sampler);
	bench_memory_settle();
	bench_memory_read(&after);
	use->peak = used_since(&before, &sampler.peak);
	use->kept = used_since(&before, &after);
	use->samples = sampler.samples;
	point->uses++;

	return err;
}

/* Calls @call as this round asks for it: timed, or sampled. Returns what it returns. */
static int measure(struct bench *b, struct bench_point *point, int (*call)(void *data), void *data)
{
	const uint64_t start = now_ns();
	int err;

	if (b->sampled)
		return sample_call(point, call, data);

	err = call(data);
	point->ns[point->times] = now_ns() - start;
	b->call_ms += point->ns[point->times] / 1000000;
	point->times++;

	return err;
}

/**
 * curve:
 * @point: what a round measures, side by side: up to two operations
 * @points: number of @point
 * @round: does one round; returns 0, a negative errno or %NOT_EVICTED
 * @data: for @round
 * @exponent: the time grows by no more than this power of @amount
 * @amount: size or number of this point
 * @last_amount: that of the last point that was measured, 0 if none was
 * @last_ms: duration of a round of it
 * @last_peak: bytes of kernel memory that it took
 *
 * A series of points at rising sizes or numbers.
 */
struct curve {
	struct bench_point *point[2];
	unsigned int points;
	int (*round)(struct bench *b, struct curve *curve);
	void *data;
	double exponent;
	uint64_t amount;
	uint64_t last_amount;
	unsigned int last_ms;
	int64_t last_peak;
};

static void save(struct bench *b);

static void curve_end(struct bench *b, struct curve *curve)
{
	for (unsigned int i = 0; i < curve->points; i++)
		bench_table_row(b->table, curve->point[i]);
	fflush(b->table);
	save(b);
}

static void __attribute__((format(printf, 3, 4)))
curve_give_up(struct curve *curve, enum bench_status status, const char *format, ...)
{
	va_list args;

	for (unsigned int i = 0; i < curve->points; i++) {
		struct bench_point *point = curve->point[i];

		point->status = status;
		va_start(args, format);
		vsnprintf(point->reason, sizeof(point->reason), format, args);
		va_end(args);
	}
}

/* What the last point says of this one: false, with the reason, if it is not to be tried. */
static bool curve_affordable(struct bench *b, struct curve *curve)
{
	const int64_t available = igt_meminfo_bytes("MemAvailable");
	double growth, ms, peak;

	if (!curve->last_amount)
		return true;

	growth = (double)curve->amount / curve->last_amount;
	peak = curve->last_peak * growth;
	ms = curve->last_ms * growth * (curve->exponent > 1 ? growth : 1);
	if (peak > available / 2) {
		curve_give_up(curve, BENCH_NOT_TRIED,
			      "would take some %.0f MiB of %" PRId64 " MiB of memory",
			      peak / SZ_1M, available / SZ_1M);
		return false;
	}
	if (3 * ms > b->options.budget_ms) {
		curve_give_up(curve, BENCH_NOT_TRIED,
			      "a round may take %.0f s: three exceed the budget of %" PRIu64 " s",
			      ms / 1000, b->options.budget_ms / 1000);
		return false;
	}

	return true;
}

static void curve_forget(struct curve *curve)
{
	for (unsigned int i = 0; i < curve->points; i++) {
		curve->point[i]->times = 0;
		curve->point[i]->uses = 0;
	}
}

/* One round. Returns what @round does; if that is not 0, it is then the point's reason. */
static int curve_round(struct bench *b, struct curve *curve, bool sampled)
{
	int err;

	b->sampled = sampled;
	b->call_ms = 0;
	err = curve->round(b, curve);
	if (err)
		curve_give_up(curve, BENCH_REFUSED, "%s",
			      err == NOT_EVICTED ? "the shrinker leaves the dummy object alone" :
						   strerror(-err));

	return err;
}

/* Rounds of one kind: one, and more while there are too few and time is left. */
static int curve_rounds(struct bench *b, struct curve *curve, bool sampled, uint64_t count,
			uint64_t end_ns)
{
	int err = 0;

	for (uint64_t i = 0; !err && i < count && (!i || now_ns() < end_ns); i++)
		err = curve_round(b, curve, sampled);

	return err;
}

static unsigned int sampled_rounds(unsigned int ms)
{
	const unsigned int rounds = min(SAMPLED_MAX, SAMPLED_MS / (int)(ms + 1));

	return max(rounds, SAMPLED_MIN);
}

static int curve_measure(struct bench *b, struct curve *curve)
{
	const uint64_t start = now_ns(), budget = b->options.budget_ms * 1000000;
	int err;

	err = curve_round(b, curve, false);
	if (err)
		return err;

	curve_forget(curve);
	err = curve_rounds(b, curve, false, b->options.repeat, start + budget / 2);
	curve->last_ms = b->call_ms;
	if (err)
		return err;

	return curve_rounds(b, curve, true, sampled_rounds(b->call_ms), start + budget);
}

/* Measures the next point of a curve, if that can be done. */
static void curve_point(struct bench *b, struct curve *curve)
{
	if (curve_affordable(b, curve) && !curve_measure(b, curve)) {
		curve->last_amount = curve->amount;
		curve->last_peak = 0;
		for (unsigned int i = 0; i < curve->points; i++)
			curve->last_peak = max(curve->last_peak, bench_point_peak(curve->point[i]));
	}
	curve_end(b, curve);
}

static void curve_skip(struct bench *b, struct curve *curve, const char *reason)
{
	curve_give_up(curve, BENCH_SKIPPED, "%s", reason);
	curve_end(b, curve);
}

/*
 * bind, unbind, punch
 */

/**
 * request:
 * @fd: device
 * @vm_id: VM
 * @op: a synchronous operation
 * @count: how often it is to be done
 * @stride: bytes from one address to the next
 */
struct request {
	int fd;
	uint32_t vm_id;
	struct drm_panthor_vm_bind_op op;
	uint64_t count;
	uint64_t stride;
};

/* Each operation is a call of its own. */
static int do_request(void *data)
{
	const struct request *request = data;
	int err = 0;

	for (uint64_t i = 0; !err && i < request->count; i++) {
		struct drm_panthor_vm_bind_op op = request->op;

		op.va += i * request->stride;
		err = __igt_panthor_vm_bind_ops(request->fd, request->vm_id, 0, &op, 1);
	}

	return err;
}

static struct request request_of(int fd, uint32_t vm_id, uint32_t flags, uint64_t va, uint64_t size)
{
	return (struct request){
		.fd = fd,
		.vm_id = vm_id,
		.op = { .flags = flags, .va = va, .size = size },
		.count = 1,
	};
}

/* A VM keeps tables until it is destroyed, and that takes a moment. */
static void wait_tables(int64_t tables)
{
	struct bench_memory now;

	igt_wait((bench_memory_settle(), bench_memory_read(&now), now.tables <= tables),
		 TABLES_DEADLINE_MS, 5);
}

static int bind_round(struct bench *b, struct curve *curve)
{
	struct request request;
	struct bench_memory before;
	uint32_t vm_id;
	int err;

	bench_memory_read(&before);
	igt_panthor_vm_create(b->fd, &vm_id, 0);
	request = request_of(b->fd, vm_id, IGT_PANTHOR_SPARSE_FLAGS,
			     curve->amount > RANGE_MAX ? 0 : RANGE_VA, curve->amount);
	err = measure(b, curve->point[0], do_request, &request);
	if (!err) {
		request.op.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP;
		err = measure(b, curve->point[1], do_request, &request);
	}
	igt_panthor_vm_destroy(b->fd, vm_id, 0);
	wait_tables(before.tables);

	return err;
}

/* User addresses of a VM are [0, this). */
static uint64_t user_range(int fd)
{
	uint64_t range = 0;
	uint32_t vm_id;

	igt_panthor_vm_create_userva_range(fd, &vm_id, 0, &range);
	igt_panthor_vm_destroy(fd, vm_id, 0);

	return range;
}

/* No size beyond what is asked for, nor what a VM has room for. */
static uint64_t largest_range(struct bench *b)
{
	const uint64_t range = user_range(b->fd);

	return min(b->options.max_size, range > RANGE_VA ? range - RANGE_VA : 0);
}

static void bind_point(struct bench *b, struct curve *curve, uint64_t size)
{
	curve->amount = size;
	curve->point[0] = bench_results_add(&b->results, "bind", size, 1);
	curve->point[1] = bench_results_add(&b->results, "unbind", size, 1);
	curve_point(b, curve);
}

static void run_bind(struct bench *b)
{
	static const uint64_t sizes[] = {
		SZ_2M, SZ_16M, SZ_128M, GIB, 8 * GIB, 64 * GIB, 256 * GIB, 512 * GIB, 1022 * GIB,
		TIB,
	};
	const uint64_t largest = min(largest_range(b), b->options.brief ? GIB : RANGE_MAX);
	const uint64_t whole = user_range(b->fd);
	struct curve curve = { .points = 2, .round = bind_round, .exponent = 1 };

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes) && sizes[i] <= largest; i++)
		bind_point(b, &curve, sizes[i]);
	if (whole > RANGE_MAX && whole <= b->options.max_size && !b->options.brief)
		bind_point(b, &curve, whole);
}

/* @data is the size of the holes, @amount the number of 2 MiB blocks. */
static int punch_round(struct bench *b, struct curve *curve)
{
	const uint64_t *hole = curve->data;
	struct request request;
	struct bench_memory before;
	uint32_t vm_id;
	int err;

	bench_memory_read(&before);
	igt_panthor_vm_create(b->fd, &vm_id, 0);
	igt_panthor_vm_bind_sparse(b->fd, vm_id, RANGE_VA, curve->amount * SZ_2M, 0);
	request = request_of(b->fd, vm_id, DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
			     RANGE_VA + HOLE_OFFSET, *hole);
	request.count = curve->amount;
	request.stride = SZ_2M;
	err = measure(b, curve->point[0], do_request, &request);
	igt_panthor_vm_destroy(b->fd, vm_id, 0);
	wait_tables(before.tables);

	return err;
}

static void run_punch(struct bench *b)
{
	static const uint64_t holes[] = { SZ_4K, SZ_64K };
	const uint64_t range = min(largest_range(b), b->options.brief ? (uint64_t)SZ_64M : GIB);
	uint64_t hole;

	if (range < SZ_2M)
		return;

	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++) {
		struct curve curve = {
			.points = 1, .round = punch_round, .data = &hole, .amount = range / SZ_2M,
		};

		hole = holes[i];
		curve.point[0] = bench_results_add(&b->results, "punch", hole, curve.amount);
		curve_point(b, &curve);
	}
}

/*
 * restore-vmas, restore-range
 */

/**
 * restore:
 * @exec: VM and group
 * @dummy: the object behind the ranges
 * @walk: the job that is the first to need them again
 * @bound: number of VMAs
 */
struct restore {
	struct igt_panthor_exec exec;
	uint64_t dummy;
	struct igt_panthor_walk walk;
	uint64_t bound;
};

static bool is_asleep(const char *path)
{
	char status[32] = "";
	FILE *file = fopen(path, "r");

	/* Without power management there is nothing to wait for. */
	if (!file)
		return true;
	if (!fgets(status, sizeof(status), file))
		status[0] = '\0';
	fclose(file);

	return !strncmp(status, "suspended", strlen("suspended")) ||
	       !strncmp(status, "unsupported", strlen("unsupported"));
}

static void wait_asleep(int fd)
{
	struct stat node;
	char path[96];

	igt_assert_eq(fstat(fd, &node), 0);
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device/power/runtime_status",
		 major(node.st_rdev), minor(node.st_rdev));
	igt_wait(is_asleep(path), SLEEP_DEADLINE_MS, 10);
}

static bool evict(const struct restore *restore)
{
	igt_panthor_shrink(restore->exec.fd);

	return igt_panthor_dummy_resident(restore->exec.fd, restore->dummy) == 0;
}

static int submit(void *data)
{
	struct restore *restore = data;

	igt_panthor_exec_start(&restore->exec, &restore->walk, NULL, 0);

	return 0;
}

static void assert_restored(struct restore *restore)
{
	const struct igt_panthor_walk *walk = &restore->walk;
	const uint32_t *loaded = igt_panthor_exec_finish(&restore->exec);

	for (uint32_t i = 0; i < walk->count; i++)
		igt_assert_eq_u32(loaded[i], igt_panthor_pattern(walk->va +
								 (uint64_t)i * walk->stride,
								 walk->seed));
}

static int restore_round(struct bench *b, struct curve *curve)
{
	struct restore *restore = curve->data;
	int err;

	wait_asleep(b->fd);
	if (!igt_wait(evict(restore), EVICT_DEADLINE_MS, 50))
		return NOT_EVICTED;

	wait_asleep(b->fd);
	err = measure(b, curve->point[0], submit, restore);
	assert_restored(restore);

	return err;
}

/* Binds VMAs until there are @count. */
static void bind_vmas(struct restore *restore, uint64_t count)
{
	static struct drm_panthor_vm_bind_op ops[BATCH];

	while (restore->bound < count) {
		const uint64_t batch = min((uint64_t)BATCH, count - restore->bound);

		for (uint64_t i = 0; i < batch; i++)
			ops[i] = (struct drm_panthor_vm_bind_op){
				.flags = IGT_PANTHOR_SPARSE_FLAGS,
				.va = RANGE_VA + (restore->bound + i) * VMA_STRIDE,
				.size = VMA_SIZE,
			};
		igt_panthor_vm_bind_ops(restore->exec.fd, restore->exec.vm_id, ops, batch, 0);
		restore->bound += batch;
	}
}

/* @count accesses from the first page on. */
static struct igt_panthor_walk walk_of(uint32_t count, uint32_t stride)
{
	return (struct igt_panthor_walk){
		.access = IGT_PANTHOR_STORE_LOAD,
		.va = RANGE_VA,
		.count = count,
		.stride = stride,
		.seed = IGT_PANTHOR_FIRST,
	};
}

static void restore_vmas(struct bench *b, struct curve *curve)
{
	struct restore *restore = curve->data;

	bind_vmas(restore, curve->amount);
	restore->dummy = igt_panthor_newest_dummy(b->fd);
	restore->walk = walk_of(curve->amount, VMA_STRIDE);
	curve_point(b, curve);
}

/* NULL if eviction can be had. */
static const char *no_eviction(int fd)
{
	if (!igt_panthor_has_debugfs(fd))
		return "needs root and debugfs";
	if (!igt_get_total_swap_mb())
		return "needs free swap space";

	return NULL;
}

static void run_restore_vmas(struct bench *b)
{
	const uint64_t most = min(b->options.max_vmas, (uint64_t)(b->options.brief ? 512 : VMAS_MAX));
	const char *missing = no_eviction(b->fd);
	struct restore restore = {};
	struct curve curve = {
		.points = 1, .round = restore_round, .data = &restore, .exponent = 2,
	};

	igt_panthor_exec_init(&restore.exec, b->fd);
	for (uint64_t count = b->options.brief ? 256 : 1024; count <= most; count *= 2) {
		curve.amount = count;
		curve.point[0] = bench_results_add(&b->results, "restore-vmas", VMA_SIZE, count);
		if (missing)
			curve_skip(b, &curve, missing);
		else
			restore_vmas(b, &curve);
	}
	igt_panthor_exec_fini(&restore.exec);
}

static void restore_range(struct bench *b, struct curve *curve)
{
	struct restore *restore = curve->data;

	igt_panthor_exec_init(&restore->exec, b->fd);
	igt_panthor_vm_bind_sparse(b->fd, restore->exec.vm_id, RANGE_VA, curve->amount, 0);
	restore->dummy = igt_panthor_newest_dummy(b->fd);
	restore->walk = walk_of(RANGE_ACCESSES, curve->amount / RANGE_ACCESSES);
	curve_point(b, curve);
	igt_panthor_exec_fini(&restore->exec);
}

static void run_restore_range(struct bench *b)
{
	static const uint64_t sizes[] = { SZ_64M, GIB, 8 * GIB, 64 * GIB };
	const uint64_t largest = min(largest_range(b),
				     b->options.brief ? (uint64_t)SZ_64M : RANGE_MAX);
	const char *missing = no_eviction(b->fd);
	struct restore restore = {};
	struct curve curve = {
		.points = 1, .round = restore_round, .data = &restore, .exponent = 1,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes) && sizes[i] <= largest; i++) {
		curve.amount = sizes[i];
		curve.point[0] = bench_results_add(&b->results, "restore-range", sizes[i], 1);
		if (missing)
			curve_skip(b, &curve, missing);
		else
			restore_range(b, &curve);
	}
}

static const struct {
	const char *name;
	const char *describe;
	void (*run)(struct bench *b);
} operations[] = {
	{ "bind", "bind and unbind one sparse range, of 2 MiB and more", run_bind },
	{ "punch", "unmap 4 KiB, and 64 KiB, of each 2 MiB of a range", run_punch },
	{ "restore-vmas", "the first job after an eviction, 1024 to 65536 VMAs", run_restore_vmas },
	{ "restore-range", "the same, one range of 64 MiB to 64 GiB", run_restore_range },
};

/*
 * Results
 */

/* Anew after each point: what was measured before a kernel died is worth having. */
static void save(struct bench *b)
{
	if (!b->json || (b->json == stdout && !b->results.complete))
		return;
	if (b->json != stdout)
		rewind(b->json);
	bench_write_json(b->json, &b->results);
	if (fflush(b->json) || ferror(b->json))
		die(EXIT_OUTPUT, "%s: %s", b->options.json, strerror(errno));
	/* All that is not a regular file is written once, at the end. */
	if (b->json != stdout && ftruncate(fileno(b->json), ftell(b->json)))
		die(EXIT_OUTPUT, "%s: %s", b->options.json, strerror(errno));
}

static void open_outputs(struct bench *b)
{
	struct stat info;

	b->table = stdout;
	if (!b->options.json)
		return;

	if (!strcmp(b->options.json, "-")) {
		b->json = stdout;
		b->table = stderr;
		return;
	}
	b->json = fopen(b->options.json, "w");
	if (!b->json)
		die(EXIT_OUTPUT, "--json %s: %s", b->options.json, strerror(errno));
	if (fstat(fileno(b->json), &info) || !S_ISREG(info.st_mode))
		die(EXIT_OUTPUT, "--json %s: not a regular file", b->options.json);
}

/*
 * Device
 */

static bool is_panthor(int fd, struct bench_results *results)
{
	char name[16] = "";
	struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };

	if (igt_ioctl(fd, DRM_IOCTL_VERSION, &version) || strcmp(name, "panthor"))
		return false;

	if (results)
		snprintf(results->driver, sizeof(results->driver), "%d.%d.%d",
			 version.version_major, version.version_minor, version.version_patchlevel);
	return true;
}

static int find_device(void)
{
	glob_t nodes;
	int fd = -1;

	if (glob("/dev/dri/renderD*", 0, NULL, &nodes))
		return -1;
	for (size_t i = 0; i < nodes.gl_pathc && fd < 0; i++) {
		fd = open(nodes.gl_pathv[i], O_RDWR | O_CLOEXEC);
		if (fd >= 0 && !is_panthor(fd, NULL)) {
			close(fd);
			fd = -1;
		}
	}
	globfree(&nodes);

	return fd;
}

static void open_device(struct bench *b)
{
	b->fd = b->options.device ? open(b->options.device, O_RDWR | O_CLOEXEC) : find_device();
	if (b->fd < 0 && b->options.device)
		die(EXIT_DEVICE, "--device %s: %s", b->options.device, strerror(errno));
	if (b->fd < 0)
		die(EXIT_DEVICE, "no device of panthor that may be opened is in /dev/dri");
	if (!is_panthor(b->fd, &b->results))
		die(EXIT_DEVICE, "--device %s: not a device of panthor", b->options.device);
	if (!igt_panthor_has_uapi(b->fd, IGT_PANTHOR_SPARSE_MAJOR, IGT_PANTHOR_SPARSE_MINOR))
		die(EXIT_DEVICE, "panthor %s has no sparse mappings: %d.%d is needed",
		    b->results.driver, IGT_PANTHOR_SPARSE_MAJOR, IGT_PANTHOR_SPARSE_MINOR);
}

/* What the results are of. Binds a page, for the dummy object to have its memory. */
static void describe_machine(struct bench *b)
{
	const uint64_t huge = igt_meminfo_bytes("ShmemHugePages");
	struct bench_memory memory;
	struct utsname system;
	uint32_t vm_id;

	uname(&system);
	snprintf(b->results.kernel, sizeof(b->results.kernel), "%s", system.release);
	snprintf(b->results.machine, sizeof(b->results.machine), "%s", system.machine);
	b->results.memory = igt_meminfo_bytes("MemTotal");
	bench_memory_read(&memory);
	b->results.tables_counted = memory.tables >= 0;

	igt_panthor_vm_create(b->fd, &vm_id, 0);
	igt_panthor_vm_bind_sparse(b->fd, vm_id, RANGE_VA, PAGE, 0);
	b->results.dummy = igt_meminfo_bytes("ShmemHugePages") > huge ? "huge" : "pages";
	igt_panthor_vm_destroy(b->fd, vm_id, 0);
}

/*
 * Command line
 */

enum {
	OPTION_HELP,
	OPTION_JSON,
	OPTION_DEVICE,
	OPTION_OPERATION,
	OPTION_MAX_SIZE,
	OPTION_MAX_VMAS,
	OPTION_REPEAT,
	OPTION_BUDGET,
	OPTION_BRIEF,
};

static const struct option long_options[] = {
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "json", required_argument, NULL, OPTION_JSON },
	{ "device", required_argument, NULL, OPTION_DEVICE },
	{ "operation", required_argument, NULL, OPTION_OPERATION },
	{ "max-size", required_argument, NULL, OPTION_MAX_SIZE },
	{ "max-vmas", required_argument, NULL, OPTION_MAX_VMAS },
	{ "repeat", required_argument, NULL, OPTION_REPEAT },
	{ "budget", required_argument, NULL, OPTION_BUDGET },
	{ "short", no_argument, NULL, OPTION_BRIEF },
	{}
};

static void print_help(void)
{
	printf("Usage: panthor_sparse_bind [OPTION...]\n\n"
	       "Measures time and kernel memory of sparse mappings of panthor.\n\n"
	       "  --json FILE       write the results as JSON too; -: to standard output, and the\n"
	       "                    table to standard error\n"
	       "  --operation NAME  only this one:\n");
	for (unsigned int i = 0; i < ARRAY_SIZE(operations); i++)
		printf("                      %-14s %s\n", operations[i].name,
		       operations[i].describe);
	printf("  --max-size SIZE   no larger range; 64G, 1T (default: all user addresses)\n"
	       "  --max-vmas N      restore no more VMAs, 1 to 65536 (default: 65536)\n"
	       "  --repeat N        timed repetitions of each, 1 to 100 (default: 5)\n"
	       "  --budget SECONDS  for each point, 1 to 3600 (default: 30): no more repetitions\n"
	       "                    when it is used up, no point that would not fit in\n"
	       "  --device NODE     render node (default: the first one of panthor)\n"
	       "  --short           few and small points\n"
	       "  --help            this text\n\n"
	       "Restoring needs root, debugfs and free swap. For counts of page tables boot with\n"
	       "slab_nomerge.\n\n"
	       "Exit status: 0 measured, 2 usage, 3 no usable device, 4 output failed, 98 the\n"
	       "driver did not do what it was asked for.\n");
}

static uint64_t number_of(const char *option, const char *text, uint64_t from, uint64_t to)
{
	const bool digits = *text && strspn(text, "0123456789") == strlen(text);
	uint64_t value;

	errno = 0;
	value = strtoull(text, NULL, 10);
	if (!digits || errno || value < from || value > to)
		die(EXIT_USAGE, "--%s %s: not a number from %" PRIu64 " to %" PRIu64, option, text,
		    from, to);

	return value;
}

static const char *operation_of(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(operations); i++)
		if (!strcmp(name, operations[i].name))
			return operations[i].name;

	die(EXIT_USAGE, "--operation %s: no such operation; see --help", name);
}

static uint64_t size_of(const char *text)
{
	uint64_t size;

	if (!bench_parse_size(text, &size) || size < SZ_2M)
		die(EXIT_USAGE, "--max-size %s: not a size of 2M or more", text);

	return size;
}

static void parse_option(struct options *options, int option, const char *value)
{
	switch (option) {
	case OPTION_JSON:
		options->json = value;
		break;
	case OPTION_DEVICE:
		options->device = value;
		break;
	case OPTION_OPERATION:
		options->operation = operation_of(value);
		break;
	case OPTION_MAX_SIZE:
		options->max_size = size_of(value);
		break;
	case OPTION_MAX_VMAS:
		options->max_vmas = number_of("max-vmas", value, 1, VMAS_MAX);
		break;
	case OPTION_REPEAT:
		options->repeat = number_of("repeat", value, 1, BENCH_REPEAT_MAX);
		break;
	case OPTION_BUDGET:
		options->budget_ms = number_of("budget", value, 1, 3600) * 1000;
		break;
	case OPTION_BRIEF:
		options->brief = true;
		break;
	case OPTION_HELP:
		print_help();
		exit(0);
	default:
		die(EXIT_USAGE, "bad option, or one without its value; see --help");
	}
}

static void parse_options(struct options *options, int argc, char **argv)
{
	int option;

	*options = (struct options){
		.max_size = UINT64_MAX,
		.max_vmas = VMAS_MAX,
		.repeat = 5,
		.budget_ms = 30000,
	};
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		parse_option(options, option, optarg);
	if (optind < argc)
		die(EXIT_USAGE, "%s: no arguments are taken; see --help", argv[optind]);
}

int main(int argc, char **argv)
{
	static struct bench b;

	parse_options(&b.options, argc, argv);
	open_device(&b);
	open_outputs(&b);
	describe_machine(&b);

	bench_table_head(b.table);
	for (unsigned int i = 0; i < ARRAY_SIZE(operations); i++)
		if (!b.options.operation || !strcmp(b.options.operation, operations[i].name))
			operations[i].run(&b);
	b.results.complete = true;
	save(&b);
	close(b.fd);

	return 0;
}
