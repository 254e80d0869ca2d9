// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "front/in_process.h"

#include <errno.h>
#include <string.h>

#include "memory/guest_memory.h"

static void count_edge(void *ctx, enum board_vector vector)
{
	struct in_process *front = ctx;

	__atomic_fetch_add(&front->edges[vector], 1, __ATOMIC_RELEASE);
}

int in_process_init(struct in_process *front)
{
	memset(front, 0, sizeof(*front));
	front->mem = guest_memory_create();
	return front->mem ? 0 : -ENOMEM;
}

void in_process_fini(struct in_process *front)
{
	guest_memory_destroy(front->mem);
	memset(front, 0, sizeof(*front));
}

struct board_irq_sink in_process_sink(struct in_process *front)
{
	return (struct board_irq_sink){ .raise = count_edge, .ctx = front };
}

void in_process_attach(struct in_process *front, const struct board_gpu_ops *ops, void *gpu)
{
	front->ops = ops;
	front->gpu = gpu;
}

uint32_t in_process_read32(struct in_process *front, uint32_t offset)
{
	return front->ops->read32(front->gpu, offset);
}

void in_process_write32(struct in_process *front, uint32_t offset, uint32_t value)
{
	front->ops->write32(front->gpu, offset, value);
}

uint64_t in_process_read64(struct in_process *front, uint32_t offset)
{
	uint64_t low = in_process_read32(front, offset);

	return low | (uint64_t)in_process_read32(front, offset + 4) << 32;
}

void in_process_write64(struct in_process *front, uint32_t offset, uint64_t value)
{
	in_process_write32(front, offset, (uint32_t)value);
	in_process_write32(front, offset + 4, (uint32_t)(value >> 32));
}

void in_process_reset(struct in_process *front)
{
	front->ops->reset(front->gpu);
}

unsigned int in_process_take_edges(struct in_process *front, enum board_vector vector)
{
	return __atomic_exchange_n(&front->edges[vector], 0, __ATOMIC_ACQUIRE);
}
