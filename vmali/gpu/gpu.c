// SPDX-License-Identifier: MIT
/* Copyright (C) 2026 The vmali authors */
#include "gpu/gpu_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "regs/gpu_regs.h"
#include "rules/rules.h"
#include "trace/trace.h"

/*
 * LATEST_FLUSH is the id of the last cache flush. A job that was built before that flush can skip
 * its own. The uAPI (drm_panthor_queue_submit.latest_flush) allows bits 23:0 and 31, and 0 means an
 * unconditional flush. The id therefore has 24 bits and is never 0.
 */
#define LATEST_FLUSH_FIRST 1
#define LATEST_FLUSH_LAST 0xffffffu

/* Pauses of the engine after MCU_RUN_SOON and MCU_RUN_LATER. */
#define ENGINE_SOON_NS 100000ull
#define ENGINE_POLL_NS 1000000ull

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

uint64_t gpu_timestamp(void *ctx)
{
	struct gpu *gpu = ctx;

	return gpu->now_ns();
}

uint64_t gpu_cycles(void *ctx)
{
	return gpu_timestamp(ctx) / GPU_NS_PER_CYCLE;
}

static void gpu_job_irq(void *ctx, uint32_t bits)
{
	struct gpu *gpu = ctx;

	gpu_irq_raise(&gpu->irq[BOARD_VECTOR_JOB], bits);
}

static void gpu_mmu_fault(void *ctx, unsigned int as)
{
	struct gpu *gpu = ctx;

	gpu_irq_raise(&gpu->irq[BOARD_VECTOR_MMU], 1u << as);
}

/* A reset of the GPU core: power, address spaces, MCU, pending interrupts. */
static void gpu_reset_core(struct gpu *gpu)
{
	mcu_reset(gpu->mcu);
	mmu_reset(gpu->mmu);
	memset(&gpu->power, 0, sizeof(gpu->power));
	memset(gpu->plain, 0, sizeof(gpu->plain));
	for (int i = 0; i < BOARD_VECTOR_COUNT; i++)
		gpu_irq_drop(&gpu->irq[i]);
}

static void gpu_init_irqs(struct gpu *gpu)
{
	static const char *const names[BOARD_VECTOR_COUNT] = {
		[BOARD_VECTOR_JOB] = "JOB",
		[BOARD_VECTOR_MMU] = "MMU",
		[BOARD_VECTOR_GPU] = "GPU",
	};

	for (int i = 0; i < BOARD_VECTOR_COUNT; i++)
		gpu_irq_init(&gpu->irq[i], &gpu->sink, i, names[i]);
}

/*
 * A soft reset keeps the interrupt masks: the driver waits for the interrupt without writing the
 * mask again (panthor_gpu_soft_reset(), panthor_gpu.c).
 */
static void gpu_command_reset(struct gpu *gpu, uint32_t payload)
{
	if (payload != GPU_RESET_SOFT && payload != GPU_RESET_HARD) {
		rules_broken(RULE_GPU_COMMAND_UNKNOWN, RULES_NO_AS, payload,
			     "reset of unknown kind 0x%x", payload);
		return;
	}
	trace("gpu", "%s reset", payload == GPU_RESET_SOFT ? "soft" : "hard");
	rules_note(RULES_NO_AS, "GPU reset", payload, payload);
	gpu_reset_core(gpu);
	if (payload == GPU_RESET_HARD)
		gpu_init_irqs(gpu);
	gpu_irq_raise(&gpu->irq[BOARD_VECTOR_GPU], GPU_IRQ_RESET_COMPLETED);
}

/* The model has no data caches: stores of a stream are in memory already. */
static void gpu_command_flush(struct gpu *gpu, uint32_t payload)
{
	gpu->latest_flush =
		gpu->latest_flush == LATEST_FLUSH_LAST ? LATEST_FLUSH_FIRST : gpu->latest_flush + 1;
	trace("gpu", "flush caches 0x%03x, flush id %u", payload, gpu->latest_flush);
	rules_note(RULES_NO_AS, "FLUSH_CACHES", payload, payload);
	if (field_get(payload, GPU_FLUSH_L2) == GPU_FLUSH_CLEAN_INVALIDATE)
		mmu_caches_flushed(gpu->mmu);
	gpu_irq_raise(&gpu->irq[BOARD_VECTOR_GPU], GPU_IRQ_CLEAN_CACHES_COMPLETED);
}

void gpu_command(struct gpu *gpu, uint32_t value)
{
	uint32_t payload = field_get(value, GPU_CMD_PAYLOAD);

	switch (field_get(value, GPU_CMD_TYPE)) {
	case GPU_CMD_NOP:
		break;
	case GPU_CMD_RESET:
		gpu_command_reset(gpu, payload);
		break;
	case GPU_CMD_FLUSH_CACHES:
		gpu_command_flush(gpu, payload);
		break;
	default:
		rules_broken(RULE_GPU_COMMAND_UNKNOWN, RULES_NO_AS, value, "GPU_CMD = 0x%08x",
			     value);
	}
}

static int gpu_create_rooms(struct gpu *gpu, struct guest_memory *mem,
			    const struct gpu_config *config)
{
	const struct mmu_config mmu_config = {
		.tlb = config->tlb,
		.seed = config->tlb_seed,
		.fault = gpu_mmu_fault,
		.ctx = gpu,
	};
	const struct mcu_config mcu_config = {
		.job_irq = gpu_job_irq,
		.timestamp = gpu_timestamp,
		.cycles = gpu_cycles,
		.timestamp_hz = GPU_TIMESTAMP_HZ,
		.ctx = gpu,
	};

	gpu->mmu = mmu_create(mem, &mmu_config);
	if (!gpu->mmu)
		return -ENOMEM;
	gpu->mcu = mcu_create(gpu->mmu, &mcu_config);
	if (!gpu->mcu) {
		mmu_destroy(gpu->mmu);
		return -ENOMEM;
	}
	return 0;
}

struct gpu *gpu_create(struct guest_memory *mem, const struct gpu_config *config)
{
	struct gpu *gpu = calloc(1, sizeof(*gpu));

	if (!gpu)
		return NULL;
	gpu->sink = config->irq;
	gpu->now_ns = config->now_ns ? config->now_ns : monotonic_ns;
	gpu->latest_flush = LATEST_FLUSH_FIRST;
	gpu_init_irqs(gpu);
	if (turnstile_init(&gpu->lock))
		goto err_free;
	if (gpu_create_rooms(gpu, mem, config))
		goto err_lock;
	return gpu;

err_lock:
	turnstile_destroy(&gpu->lock);
err_free:
	free(gpu);
	return NULL;
}

void gpu_destroy(struct gpu *gpu)
{
	if (!gpu)
		return;
	gpu_stop(gpu);
	mcu_destroy(gpu->mcu);
	mmu_destroy(gpu->mmu);
	turnstile_destroy(&gpu->lock);
	free(gpu);
}

static void *gpu_engine(void *ctx)
{
	static const uint64_t pause_ns[] = {
		[MCU_RUN_AGAIN] = 0,
		[MCU_RUN_SOON] = ENGINE_SOON_NS,
		[MCU_RUN_LATER] = ENGINE_POLL_NS,
		[MCU_IDLE] = UINT64_MAX,
	};
	struct gpu *gpu = ctx;
	enum mcu_next next;
	uint64_t rung;

	do {
		rung = turnstile_enter(&gpu->lock);
		next = mcu_run(gpu->mcu);
		turnstile_leave(&gpu->lock, false);
	} while (turnstile_wait(&gpu->lock, rung, pause_ns[next]));
	return NULL;
}

int gpu_start(struct gpu *gpu)
{
	int ret;

	if (gpu->engine_started)
		return -EALREADY;
	turnstile_stop(&gpu->lock, false);
	ret = pthread_create(&gpu->engine, NULL, gpu_engine, gpu);
	gpu->engine_started = !ret;
	return -ret;
}

void gpu_stop(struct gpu *gpu)
{
	if (!gpu->engine_started)
		return;
	turnstile_stop(&gpu->lock, true);
	pthread_join(gpu->engine, NULL);
	gpu->engine_started = false;
}

bool gpu_step(struct gpu *gpu)
{
	enum mcu_next next;

	turnstile_enter(&gpu->lock);
	next = mcu_run(gpu->mcu);
	turnstile_leave(&gpu->lock, false);
	return next != MCU_IDLE;
}

/*
 * Transports should reject accesses that are unaligned or outside of the window. An unaligned
 * access goes to the word that it begins in. Outside of the window there are no registers: loads
 * return 0, and stores break RULE_REGISTER_UNKNOWN.
 */
static uint32_t gpu_read32(void *ctx, uint32_t offset)
{
	struct gpu *gpu = ctx;
	uint32_t value;

	turnstile_enter(&gpu->lock);
	value = gpu_reg_read(gpu, offset & ~3u);
	turnstile_leave(&gpu->lock, false);
	return value;
}

static void gpu_write32(void *ctx, uint32_t offset, uint32_t value)
{
	struct gpu *gpu = ctx;
	bool ring;

	turnstile_enter(&gpu->lock);
	ring = gpu_reg_write(gpu, offset & ~3u, value);
	turnstile_leave(&gpu->lock, ring);
}

static void gpu_power_on_reset(void *ctx)
{
	struct gpu *gpu = ctx;

	turnstile_enter(&gpu->lock);
	trace("gpu", "power-on reset");
	gpu_reset_core(gpu);
	gpu_init_irqs(gpu);
	gpu->latest_flush = LATEST_FLUSH_FIRST;
	turnstile_leave(&gpu->lock, true);
}

const struct board_gpu_ops gpu_board_ops = {
	.read32 = gpu_read32,
	.write32 = gpu_write32,
	.reset = gpu_power_on_reset,
};
