// SPDX-License-Identifier: MIT
/* Copyright (C) 2026 The vmali authors */
/*
 * The GPU from its registers, through the in-process transport.
 *
 *  1. Identification: the registers read by panthor at probe; unknown ones read 0, ignore writes.
 *  2. Interrupts: exactly one edge whenever STAT turns from zero to non-zero.
 *  3. Power, resets, counters, flush id.
 *  4. An MMU fault reaches its interrupt, once until it is cleared.
 *  5. The engine's lock and bell; with the engine thread: a job from doorbell to interrupt,
 *     register accesses during an endless stream, and its suspend, start and stop.
 *  6. Random register writes neither crash nor hang it.
 *  7. What the referee sees of registers, power and interrupts.
 *
 * Deadlines allow for a loaded machine and a sanitizer. A slice takes less than a millisecond.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "front/in_process.h"
#include "gpu/gpu.h"
#include "gpu/turnstile.h"
#include "mcu/layout.h"
#include "regs/as_regs.h"
#include "regs/gpu_regs.h"
#include "tests/firmware_client.h"
#include "tests/random.h"
#include "tests/rule_counts.h"

#define STEPS_MAX 10000
#define DEADLINE_MS 5000
#define ACCESS_MAX_MS 50
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* @min <= @value <= @max, unsigned */
#define assert_within(value, min, max) \
	assert_true((uint64_t)(value) >= (min) && (uint64_t)(value) <= (max))

struct board {
	struct in_process front;
	struct gpu *gpu;
	struct client client;
};

/* The clock of the tests that step the GPU themselves. */
static uint64_t fake_now_ns;

static uint64_t fake_clock(void)
{
	return fake_now_ns;
}

static uint32_t rd(struct board *b, uint32_t offset)
{
	return in_process_read32(&b->front, offset);
}

static void wr(struct board *b, uint32_t offset, uint32_t value)
{
	in_process_write32(&b->front, offset, value);
}

static unsigned int edges(struct board *b, enum board_vector vector)
{
	return in_process_take_edges(&b->front, vector);
}

/* Step until the GPU is idle: no runnable or blocked stream, no running timer. */
static void run(struct board *b)
{
	for (unsigned int i = 0; i < STEPS_MAX && gpu_step(b->gpu); i++)
		fake_now_ns += 10000;
}

static int setup(void **state, uint64_t (*clock)(void))
{
	struct board *b = test_calloc(1, sizeof(*b));
	struct gpu_config config = { .now_ns = clock };

	fake_now_ns = 1000000;
	assert_int_equal(in_process_init(&b->front), 0);
	config.irq = in_process_sink(&b->front);
	b->gpu = gpu_create(b->front.mem, &config);
	assert_non_null(b->gpu);
	in_process_attach(&b->front, &gpu_board_ops, b->gpu);
	client_init(&b->client, b->front.mem);
	*state = b;
	return 0;
}

static int setup_stepped(void **state)
{
	return setup(state, fake_clock);
}

static int setup_threaded(void **state)
{
	struct board *b;

	setup(state, NULL);
	b = *state;
	return gpu_start(b->gpu);
}

static int teardown(void **state)
{
	struct board *b = *state;

	gpu_destroy(b->gpu);
	in_process_fini(&b->front);
	test_free(b);
	return 0;
}

static void enable_as(struct board *b, unsigned int as, const struct pgtable *pt)
{
	uint32_t base = REG_AS + AS_BLOCK_SIZE * as;

	in_process_write64(&b->front, base + AS_REG_TRANSTAB, pt->root);
	in_process_write64(&b->front, base + AS_REG_MEMATTR, PTB_MEMATTR);
	in_process_write64(&b->front, base + AS_REG_TRANSCFG, PTB_TRANSCFG);
	wr(b, base + AS_REG_COMMAND, AS_COMMAND_UPDATE);
}

static void unmask(struct board *b)
{
	wr(b, REG_JOB_INT + INT_MASK, ~0u);
	wr(b, REG_MMU_INT + INT_MASK, 0xff);
	wr(b, REG_GPU_INT + INT_MASK, GPU_IRQ_RESET_COMPLETED | GPU_IRQ_CLEAN_CACHES_COMPLETED);
}

/* Resume like panthor: L2, address spaces, MCU. */
static void power_up(struct board *b)
{
	in_process_write64(&b->front, REG_POWER_AT(POWER_ON, POWER_L2), 1);
	enable_as(b, 0, &b->client.mcu_pt);
	for (unsigned int as = 1; as < MMU_AS_COUNT; as++)
		enable_as(b, as, &b->client.user_pt);
	unmask(b);
	wr(b, REG_MCU_CONTROL, MCU_CONTROL_AUTO);
}

/* 1. Identification */

static void test_identification(void **state)
{
	static const struct {
		const char *name;
		uint32_t offset;
		uint32_t value;
	} cases[] = {
		{ "GPU_ID", 0x000, 0xa8670005 },
		{ "L2_FEATURES", 0x004, 0x07120306 },
		{ "TILER_FEATURES", 0x00c, 0x809 },
		{ "MEM_FEATURES", 0x010, 0x301 },
		{ "MMU_FEATURES: 48 bits VA, 40 bits PA", 0x014, 0x2830 },
		{ "AS_PRESENT", 0x018, 0xff },
		{ "GPU_FEATURES", 0x060, 0 },
		{ "THREAD_MAX_THREADS", 0x0a0, 0x800 },
		{ "THREAD_FEATURES", 0x0ac, 0x4010000 },
		{ "SHADER_PRESENT", 0x100, 0x50005 },
		{ "SHADER_PRESENT high", 0x104, 0 },
		{ "TILER_PRESENT", 0x110, 1 },
		{ "L2_PRESENT", 0x120, 1 },
		{ "REVID", 0x280, 0 },
		{ "COHERENCY_FEATURES", 0x300, 0 },
	};
	struct board *b = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(rd(b, cases[i].offset), cases[i].value);
		wr(b, cases[i].offset, ~cases[i].value);
		assert_int_equal(rd(b, cases[i].offset), cases[i].value);
	}
}

static void test_unknown_registers(void **state)
{
	static const uint32_t offsets[] = { 0x044,  0x2fc,  0x6fc,   0x708,   0x1010,
					    0x2010, 0x2600, 0x10004, 0x10ffc, 0x7fffc };
	struct board *b = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(offsets); i++) {
		wr(b, offsets[i], 0xdeadbeef);
		assert_int_equal(rd(b, offsets[i]), 0);
	}
	wr(b, REG_COHERENCY_PROTOCOL, 31);
	assert_int_equal(rd(b, REG_COHERENCY_PROTOCOL), 31);
}

/* 2. Interrupts */

enum irq_op {
	RAISE,
	CLEAR,
	MASK
};

/* The bit raised by RAISE, which flushes caches, and another bit. */
#define FLUSH GPU_IRQ_CLEAN_CACHES_COMPLETED
#define RESET GPU_IRQ_RESET_COMPLETED

static void test_irq_edges(void **state)
{
	static const struct {
		const char *what;
		enum irq_op op;
		uint32_t value;
		uint32_t raw, stat;
		unsigned int edges;
	} steps[] = {
		{ "masked: no edge", RAISE, FLUSH, FLUSH, 0, 0 },
		{ "another bit unmasked: no edge", MASK, RESET, FLUSH, 0, 0 },
		{ "unmasked while pending: an edge", MASK, FLUSH, FLUSH, FLUSH, 1 },
		{ "raised again while pending: no edge", RAISE, FLUSH, FLUSH, FLUSH, 0 },
		{ "same mask again: no edge", MASK, FLUSH, FLUSH, FLUSH, 0 },
		{ "more unmasked while pending: no edge", MASK, FLUSH | RESET, FLUSH, FLUSH, 0 },
		{ "masked, as the first handler does", MASK, 0, FLUSH, 0, 0 },
		{ "raised while masked: no edge", RAISE, FLUSH, FLUSH, 0, 0 },
		{ "unmasked at the handler's end: an edge", MASK, FLUSH | RESET, FLUSH, FLUSH, 1 },
		{ "another bit cleared: nothing", CLEAR, RESET, FLUSH, FLUSH, 0 },
		{ "cleared: no edge", CLEAR, FLUSH, 0, 0, 0 },
		{ "raised again: an edge", RAISE, FLUSH, FLUSH, FLUSH, 1 },
		{ "all cleared: no edge", CLEAR, ~0u, 0, 0, 0 },
		{ "unmasked with nothing pending: no edge", MASK, ~0u, 0, 0, 0 },
		{ "raised: an edge", RAISE, FLUSH, FLUSH, FLUSH, 1 },
	};
	struct board *b = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(steps); i++) {
		print_message("%s\n", steps[i].what);
		if (steps[i].op == RAISE)
			wr(b, REG_GPU_CMD, 0x23304);
		else
			wr(b, REG_GPU_INT + (steps[i].op == CLEAR ? INT_CLEAR : INT_MASK),
			   steps[i].value);
		assert_int_equal(rd(b, REG_GPU_INT + INT_RAWSTAT), steps[i].raw);
		assert_int_equal(rd(b, REG_GPU_INT + INT_STAT), steps[i].stat);
		assert_int_equal(rd(b, REG_GPU_INT + INT_CLEAR), 0);
		assert_int_equal(edges(b, BOARD_VECTOR_GPU), steps[i].edges);
	}
	assert_int_equal(edges(b, BOARD_VECTOR_JOB), 0);
	assert_int_equal(edges(b, BOARD_VECTOR_MMU), 0);
}

static void test_irq_read_only(void **state)
{
	static const uint32_t blocks[] = { REG_GPU_INT, REG_JOB_INT, REG_MMU_INT };
	struct board *b = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(blocks); i++) {
		wr(b, blocks[i] + INT_MASK, ~0u);
		wr(b, blocks[i] + INT_RAWSTAT, ~0u);
		wr(b, blocks[i] + INT_STAT, ~0u);
		assert_int_equal(rd(b, blocks[i] + INT_RAWSTAT), 0);
		assert_int_equal(rd(b, blocks[i] + INT_MASK), ~0u);
		assert_int_equal(edges(b, i), 0);
	}
}

/* 3. Power, resets, counters */

static void test_power(void **state)
{
	static const struct {
		enum power_domain domain;
		uint64_t present;
	} cases[] = { { POWER_SHADER, 0x50005 }, { POWER_TILER, 1 }, { POWER_L2, 1 } };
	struct board *b = *state;
	const uint32_t both = GPU_IRQ_POWER_CHANGED | GPU_IRQ_POWER_CHANGED_ALL;

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		enum power_domain domain = cases[i].domain;

		in_process_write64(&b->front, REG_POWER_AT(POWER_ON, domain), ~0ull);
		assert_int_equal(in_process_read64(&b->front, REG_POWER_AT(POWER_READY, domain)),
				 cases[i].present);
		assert_int_equal(in_process_read64(&b->front, REG_POWER_AT(POWER_ACTIVE, domain)),
				 cases[i].present);
		assert_int_equal(rd(b, REG_POWER_AT(POWER_TRANSITION, domain)), 0);
		assert_int_equal(rd(b, REG_GPU_INT + INT_RAWSTAT), both);
		wr(b, REG_GPU_INT + INT_CLEAR, both);
		/* on already: nothing changes */
		wr(b, REG_POWER_AT(POWER_ON, domain), 1);
		assert_int_equal(rd(b, REG_GPU_INT + INT_RAWSTAT), 0);
		wr(b, REG_POWER_AT(POWER_OFF, domain), 1);
		assert_int_equal(in_process_read64(&b->front, REG_POWER_AT(POWER_READY, domain)),
				 cases[i].present & ~1ull);
		wr(b, REG_GPU_INT + INT_CLEAR, both);
	}
}

static void assert_reset_state(struct board *b)
{
	assert_int_equal(rd(b, REG_POWER_AT(POWER_READY, POWER_L2)), 0);
	assert_int_equal(rd(b, REG_MCU_STATUS), MCU_STATUS_DISABLED);
	assert_int_equal(rd(b, REG_MCU_CONTROL), MCU_CONTROL_DISABLE);
	assert_int_equal(rd(b, REG_AS + AS_REG_TRANSCFG), 0);
	assert_int_equal(rd(b, REG_JOB_INT + INT_RAWSTAT), 0);
}

static void test_soft_reset_keeps_masks(void **state)
{
	struct board *b = *state;

	power_up(b);
	run(b);
	assert_int_equal(rd(b, REG_MCU_STATUS), MCU_STATUS_ENABLED);
	edges(b, BOARD_VECTOR_GPU);
	wr(b, REG_GPU_CMD, 0x101);
	assert_int_equal(edges(b, BOARD_VECTOR_GPU), 1);
	assert_int_equal(rd(b, REG_GPU_INT + INT_STAT), GPU_IRQ_RESET_COMPLETED);
	assert_int_equal(rd(b, REG_JOB_INT + INT_MASK), ~0u);
	assert_reset_state(b);
	section_zero(&b->client);
	power_up(b);
	run(b);
	assert_int_equal(rd(b, REG_MCU_STATUS), MCU_STATUS_ENABLED);
}

static void test_hard_reset(void **state)
{
	struct board *b = *state;

	power_up(b);
	run(b);
	edges(b, BOARD_VECTOR_GPU);
	wr(b, REG_GPU_CMD, 0x201);
	assert_int_equal(edges(b, BOARD_VECTOR_GPU), 0);
	assert_int_equal(rd(b, REG_GPU_INT + INT_RAWSTAT), GPU_IRQ_RESET_COMPLETED);
	assert_int_equal(rd(b, REG_JOB_INT + INT_MASK), 0);
	assert_reset_state(b);
}

static void test_function_reset(void **state)
{
	struct board *b = *state;

	power_up(b);
	run(b);
	in_process_reset(&b->front);
	assert_reset_state(b);
	for (unsigned int i = 0; i < 3; i++) {
		static const uint32_t blocks[] = { REG_GPU_INT, REG_JOB_INT, REG_MMU_INT };

		assert_int_equal(rd(b, blocks[i] + INT_RAWSTAT), 0);
		assert_int_equal(rd(b, blocks[i] + INT_MASK), 0);
	}
}

static void test_unknown_commands(void **state)
{
	static const uint32_t commands[] = { 0, 0x001, 0x301, 2, 3, 5, 0xff, ~0u };
	struct board *b = *state;

	unmask(b);
	for (unsigned int i = 0; i < ARRAY_SIZE(commands); i++)
		wr(b, REG_GPU_CMD, commands[i]);
	assert_int_equal(rd(b, REG_GPU_INT + INT_RAWSTAT), 0);
}

static void test_counters(void **state)
{
	struct board *b = *state;

	fake_now_ns = 0x1fffffffe;
	assert_int_equal(in_process_read64(&b->front, REG_TIMESTAMP), 0x1fffffffe);
	assert_int_equal(in_process_read64(&b->front, REG_CYCLE_COUNT), 0xffffffff);
	fake_now_ns += 2;
	assert_int_equal(in_process_read64(&b->front, REG_TIMESTAMP), 0x200000000);
	assert_int_equal(in_process_read64(&b->front, REG_CYCLE_COUNT), 0x100000000);
	wr(b, REG_GPU_CMD, 0x101);
	assert_int_equal(in_process_read64(&b->front, REG_TIMESTAMP), 0x200000000);
}

/* GROUP_SUBMIT allows bits 23:0 and 31 of a flush id; 0 is no id. */
static void test_latest_flush(void **state)
{
	struct board *b = *state;
	uint32_t first = rd(b, REG_LATEST_FLUSH), id = first;

	assert_int_not_equal(first, 0);
	for (uint32_t i = 1; i < 0x1000000; i++) {
		uint32_t last = id;

		wr(b, REG_GPU_CMD, 0x23304);
		id = rd(b, REG_LATEST_FLUSH);
		if (id == last || !id || id & 0x7f000000)
			fail_msg("flush id 0x%x after 0x%x", id, last);
	}
	assert_int_equal(id, first);
}

/* 4. MMU faults */

/* Run a ring in AS1 with a load from an unmapped address. Returns after the fault. */
static void cause_fault(struct board *b, unsigned int g)
{
	const uint64_t words[] = { ins_move48(0, UNMAPPED_VA), ins_store(2, 1, 0) };

	ring_put(&b->client, g, 0, words, ARRAY_SIZE(words));
	ring_insert(&b->client, g, 0);
	client_program_group(&b->client, g, 1);
	section_put(&b->client, csg_in(&b->client, g) + CSG_I_CONFIG, 1);
	client_request_state(&b->client, g, CSG_START);
	wr(b, REG_DOORBELL(0), 1);
	run(b);
}

static void test_mmu_fault(void **state)
{
	struct board *b = *state;

	power_up(b);
	run(b);
	cause_fault(b, 0);
	assert_int_equal(edges(b, BOARD_VECTOR_MMU), 1);
	assert_int_equal(rd(b, REG_MMU_INT + INT_STAT), 0x2);
	/* a translation fault, write access */
	assert_int_equal(rd(b, REG_AS + AS_BLOCK_SIZE + AS_REG_FAULTSTATUS) & 0x3f8, 0x3c0);
	assert_int_equal(in_process_read64(&b->front,
					   REG_AS + AS_BLOCK_SIZE + AS_REG_FAULTADDRESS),
			 UNMAPPED_VA);
	cause_fault(b, 1);
	assert_int_equal(edges(b, BOARD_VECTOR_MMU), 0);
	wr(b, REG_MMU_INT + INT_CLEAR, 0x2);
	assert_int_equal(rd(b, REG_MMU_INT + INT_STAT), 0);
	cause_fault(b, 2);
	assert_int_equal(edges(b, BOARD_VECTOR_MMU), 1);
}

/* 5. The engine thread */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
}

/* Poll @holds until it is true or the deadline passed. */
static bool within_deadline(struct board *b, bool (*holds)(struct board *b))
{
	uint64_t end = now_ms() + DEADLINE_MS;

	while (!holds(b) && now_ms() < end)
		nap();
	return holds(b);
}

static bool mcu_is_up(struct board *b)
{
	return rd(b, REG_MCU_STATUS) == MCU_STATUS_ENABLED;
}

static bool state_is_acked(struct board *b)
{
	return !section_pending(&b->client, csg_in(&b->client, 0), csg_out(&b->client, 0),
				CSG_STATE);
}

static bool ring_is_done(struct board *b)
{
	return ring_extract(&b->client, 0, 0) == b->client.insert[0][0];
}

static void request(struct board *b, uint32_t state)
{
	client_request_state(&b->client, 0, state);
	wr(b, REG_DOORBELL(0), 1);
	assert_true(within_deadline(b, state_is_acked));
}

static void boot_thread(struct board *b)
{
	power_up(b);
	assert_true(within_deadline(b, mcu_is_up));
	assert_int_equal(edges(b, BOARD_VECTOR_JOB), 1);
	wr(b, REG_JOB_INT + INT_CLEAR, ~0u);
	client_init_global(&b->client);
	client_program_group(&b->client, 0, 1);
}

static void test_thread_job(void **state)
{
	struct board *b = *state;
	const uint64_t words[] = {
		ins_move48(64, SYNC_VA(0, 0)),
		ins_move48(66, 1),
		ins_sync_add64(64, 66),
	};

	boot_thread(b);
	request(b, CSG_START);
	for (unsigned int i = 1; i <= 1000; i++) {
		wr(b, REG_JOB_INT + INT_CLEAR, ~0u);
		client_take_events(&b->client, 0);
		ring_put(&b->client, 0, 0, words, ARRAY_SIZE(words));
		ring_insert(&b->client, 0, 0);
		wr(b, REG_DOORBELL(1), 1);
		assert_true(within_deadline(b, ring_is_done));
		assert_int_equal(user_get64(&b->client, SYNC_VA(0, 0)), i);
	}
	assert_true(edges(b, BOARD_VECTOR_JOB) > 0);
}

static void start_endless(struct board *b)
{
	const uint64_t words[] = { INS_NOP, ins_branch(COND_ALWAYS, 0, -2) };
	const uint64_t call[] = {
		ins_move48(64, CODE_VA(0, 0)),
		ins_move32(66, sizeof(words)),
		ins_call(64, 66),
	};

	code_put(&b->client, CODE_VA(0, 0), words, ARRAY_SIZE(words));
	ring_put(&b->client, 0, 0, call, ARRAY_SIZE(call));
	ring_insert(&b->client, 0, 0);
	request(b, CSG_START);
}

static void test_thread_endless(void **state)
{
	struct board *b = *state;
	uint64_t worst = 0;

	boot_thread(b);
	start_endless(b);
	for (unsigned int i = 0; i < 2000; i++) {
		uint64_t start = now_ms();

		rd(b, REG_GPU_ID);
		wr(b, REG_GPU_INT + INT_CLEAR, 0);
		if (now_ms() - start > worst)
			worst = now_ms() - start;
	}
	print_message("slowest register access: %llu ms\n", (unsigned long long)worst);
	assert_true(worst <= ACCESS_MAX_MS);
	request(b, CSG_SUSPEND);
	/* it did run */
	assert_within(section_get64(&b->client, cs_out(&b->client, 0, 0) + CS_O_STATUS_CMD_PTR),
		      CODE_VA(0, 0), CODE_VA(0, 0) + 8);
}

/* Several threads read registers in a loop, like vCPUs. No thread is starved, nor the engine. */
static void *hammer(void *ctx)
{
	struct board *b = ctx;

	for (unsigned int i = 0; i < 2000; i++)
		rd(b, REG_TIMESTAMP);
	return NULL;
}

static void test_thread_hammered(void **state)
{
	struct board *b = *state;
	pthread_t threads[4];
	uint64_t end;

	boot_thread(b);
	start_endless(b);
	end = now_ms() + DEADLINE_MS * 2;
	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, b), 0);
	request(b, CSG_TERMINATE);
	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_true(now_ms() < end);
}

/* The lock alone: threads yield in the middle of a read-modify-write, and no update is lost. */
struct shared {
	struct turnstile lock;
	unsigned int count;
};

static void *count_up(void *ctx)
{
	struct shared *shared = ctx;

	for (unsigned int i = 0; i < 1000; i++) {
		unsigned int before;

		turnstile_enter(&shared->lock);
		before = shared->count;
		sched_yield();
		shared->count = before + 1;
		turnstile_leave(&shared->lock, i % 2);
	}
	return NULL;
}

static void test_turnstile_excludes(void **state)
{
	struct shared shared = { .count = 0 };
	pthread_t threads[4];

	(void)state;
	assert_int_equal(turnstile_init(&shared.lock), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_up, &shared), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(shared.count, 4000);
	turnstile_destroy(&shared.lock);
}

/* A ring before turnstile_wait() is not lost. A wait without a ring times out. */
static void test_turnstile_bell(void **state)
{
	struct turnstile lock;
	uint64_t seen, start;

	(void)state;
	assert_int_equal(turnstile_init(&lock), 0);
	seen = turnstile_enter(&lock);
	turnstile_leave(&lock, true);
	assert_true(turnstile_wait(&lock, seen, UINT64_MAX));
	start = now_ms();
	assert_true(turnstile_wait(&lock, seen + 1, 20000000));
	assert_true(now_ms() - start >= 19);
	turnstile_stop(&lock, true);
	assert_false(turnstile_wait(&lock, seen + 1, UINT64_MAX));
	turnstile_destroy(&lock);
}

static void test_thread_start_stop(void **state)
{
	struct board *b = *state;

	boot_thread(b);
	start_endless(b);
	for (unsigned int i = 0; i < 20; i++) {
		gpu_stop(b->gpu);
		gpu_stop(b->gpu);
		assert_int_equal(gpu_start(b->gpu), 0);
		assert_int_not_equal(gpu_start(b->gpu), 0);
		nap();
	}
	request(b, CSG_TERMINATE);
	in_process_reset(&b->front);
	assert_reset_state(b);
}

/* 6. Random writes */

static uint32_t random_register(struct random *random)
{
	static const struct {
		uint32_t first, size;
	} blocks[] = {
		{ 0x0, 0x400 },	   { 0x700, 0x20 },	{ 0x1000, 0x20 },      { 0x2000, 0x20 },
		{ 0x2400, 0x220 }, { 0x10000, 0x1000 }, { 0x80000, 0x380000 },
	};
	unsigned int i = random_below(random, ARRAY_SIZE(blocks));

	return blocks[i].first + random_below(random, blocks[i].size);
}

static void test_hostile_registers(void **state)
{
	struct random random = random_start("test_hostile_registers");
	struct board *b = *state;

	for (unsigned int i = 0; i < 200000; i++) {
		uint32_t offset = random_register(&random);

		if (random_below(&random, 4))
			wr(b, offset & ~3u, random_next(&random) >> random_below(&random, 64));
		else
			rd(b, offset & ~3u);
		if (random_below(&random, 2))
			gpu_step(b->gpu);
		if (!random_below(&random, 1000))
			power_up(b);
		fake_now_ns += random_below(&random, 100000);
	}
	in_process_reset(&b->front);
	section_zero(&b->client);
	power_up(b);
	run(b);
	assert_int_equal(rd(b, REG_MCU_STATUS), MCU_STATUS_ENABLED);
}

/* 7. The referee */

static int rules_setup(void **state)
{
	return rules_open(NULL) ? -1 : setup_stepped(state);
}

static int rules_teardown(void **state)
{
	rules_close();
	return teardown(state);
}

/* The interrupt handler of panthor, but for what it does: PANTHOR_IRQ_HANDLER(). */
static void handle_irq(struct board *b, uint32_t block, uint32_t mask)
{
	uint32_t status;

	assert_int_not_equal(rd(b, block + INT_STAT), 0);
	wr(b, block + INT_MASK, 0);
	while ((status = rd(b, block + INT_RAWSTAT) & mask))
		wr(b, block + INT_CLEAR, status);
	wr(b, block + INT_MASK, mask);
}

/* Power-up, a cache flush, suspend, resume, reset. */
static void test_rules_kept(void **state)
{
	struct board *b = *state;

	power_up(b);
	run(b);
	handle_irq(b, REG_JOB_INT, ~0u);
	wr(b, REG_GPU_CMD, 0x33304);
	handle_irq(b, REG_GPU_INT, GPU_IRQ_CLEAN_CACHES_COMPLETED);
	/* a suspended driver reads nothing, and clears all when it resumes */
	wr(b, REG_GPU_INT + INT_MASK, 0);
	wr(b, REG_GPU_CMD, 0x33304);
	wr(b, REG_GPU_INT + INT_CLEAR, GPU_IRQ_CLEAN_CACHES_COMPLETED);
	wr(b, REG_GPU_INT + INT_MASK, GPU_IRQ_CLEAN_CACHES_COMPLETED);
	wr(b, REG_MCU_CONTROL, MCU_CONTROL_DISABLE);
	in_process_write64(&b->front, REG_POWER_AT(POWER_OFF, POWER_L2), 1);
	wr(b, REG_GPU_CMD, 0x101);
	power_up(b);
	run(b);
	assert_int_equal(rd(b, REG_MCU_STATUS), MCU_STATUS_ENABLED);
	assert_kept();
}

/* An interrupt that comes while the handler works is cleared with the others. */
static void test_rule_cleared_unread(void **state)
{
	struct board *b = *state;

	unmask(b);
	wr(b, REG_GPU_CMD, 0x33304);
	rd(b, REG_GPU_INT + INT_STAT);
	wr(b, REG_GPU_INT + INT_MASK, 0);
	rd(b, REG_GPU_INT + INT_RAWSTAT);
	wr(b, REG_GPU_CMD, 0x101);
	wr(b, REG_GPU_INT + INT_CLEAR, ~0u);
	assert_broken(RULE_IRQ_CLEARED_UNREAD, 1);
	/* raised again before it is cleared, and once more after that */
	wr(b, REG_GPU_INT + INT_MASK, GPU_IRQ_CLEAN_CACHES_COMPLETED);
	wr(b, REG_GPU_CMD, 0x33304);
	rd(b, REG_GPU_INT + INT_RAWSTAT);
	wr(b, REG_GPU_CMD, 0x33304);
	wr(b, REG_GPU_INT + INT_CLEAR, GPU_IRQ_CLEAN_CACHES_COMPLETED);
	assert_broken(RULE_IRQ_CLEARED_UNREAD, 1);
	wr(b, REG_GPU_CMD, 0x33304);
	wr(b, REG_GPU_INT + INT_CLEAR, GPU_IRQ_CLEAN_CACHES_COMPLETED);
	assert_broken(RULE_IRQ_CLEARED_UNREAD, 2);
}

static void test_rule_l2(void **state)
{
	struct board *b = *state;

	power_up(b);
	run(b);
	in_process_write64(&b->front, REG_POWER_AT(POWER_OFF, POWER_TILER), 1);
	assert_kept();
	in_process_write64(&b->front, REG_POWER_AT(POWER_OFF, POWER_L2), 1);
	assert_broken(RULE_L2_OFF_BUSY, 1);
	rules_open(NULL);
	wr(b, REG_MCU_CONTROL, MCU_CONTROL_DISABLE);
	wr(b, REG_MCU_CONTROL, MCU_CONTROL_AUTO);
	assert_broken(RULE_MCU_WITHOUT_L2, 1);
}

static void test_rule_registers(void **state)
{
	static const uint32_t read_only[] = {
		REG_GPU_ID, REG_GPU_STATUS, REG_LATEST_FLUSH, REG_JOB_INT + INT_RAWSTAT,
	};
	struct board *b = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(read_only); i++) {
		wr(b, read_only[i], 0);
		assert_broken(RULE_REGISTER_READ_ONLY, i + 1);
	}
	rules_open(NULL);
	wr(b, 0x7fc, 1);
	assert_broken(RULE_REGISTER_UNKNOWN, 1);
	rules_open(NULL);
	wr(b, REG_GPU_CMD, 0x301);
	wr(b, REG_GPU_CMD, 9);
	assert_broken(RULE_GPU_COMMAND_UNKNOWN, 2);
}

/* A flush that leaves the L2 as it is does not count. */
static void test_rule_unflushed(void **state)
{
	static const uint32_t flushes[] = { 0x33004, 0x33104, 0x33204, 0x33304 };
	const uint32_t base = REG_AS + AS_BLOCK_SIZE;
	struct board *b = *state;

	power_up(b);
	for (unsigned int i = 0; i < ARRAY_SIZE(flushes); i++) {
		in_process_write64(&b->front, base + AS_REG_LOCKADDR, 0x8000000 | 14);
		wr(b, base + AS_REG_COMMAND, AS_COMMAND_LOCK);
		wr(b, REG_GPU_CMD, flushes[i]);
		wr(b, base + AS_REG_COMMAND, AS_COMMAND_UNLOCK);
	}
	assert_broken(RULE_UNLOCK_UNFLUSHED, 3);
}

#define RULES(test) cmocka_unit_test_setup_teardown(test, rules_setup, rules_teardown)
#define STEPPED(test) cmocka_unit_test_setup_teardown(test, setup_stepped, teardown)
#define THREADED(test) cmocka_unit_test_setup_teardown(test, setup_threaded, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STEPPED(test_identification),
		STEPPED(test_unknown_registers),
		STEPPED(test_irq_edges),
		STEPPED(test_irq_read_only),
		STEPPED(test_power),
		STEPPED(test_soft_reset_keeps_masks),
		STEPPED(test_hard_reset),
		STEPPED(test_function_reset),
		STEPPED(test_unknown_commands),
		STEPPED(test_counters),
		STEPPED(test_latest_flush),
		STEPPED(test_mmu_fault),
		cmocka_unit_test(test_turnstile_excludes),
		cmocka_unit_test(test_turnstile_bell),
		THREADED(test_thread_job),
		THREADED(test_thread_endless),
		THREADED(test_thread_hammered),
		THREADED(test_thread_start_stop),
		STEPPED(test_hostile_registers),
		RULES(test_rules_kept),
		RULES(test_rule_cleared_unread),
		RULES(test_rule_l2),
		RULES(test_rule_registers),
		RULES(test_rule_unflushed),
	};

	return cmocka_run_group_tests_name("gpu", tests, NULL, NULL);
}
