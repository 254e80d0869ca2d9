/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_REGS_GPU_IDENTITY_H
#define VMALI_REGS_GPU_IDENTITY_H

#include "mmu/mmu.h"
#include "regs/gpu_regs.h"

/*
 * Identification registers: a Mali-G610 of arch 10.8 as in an RK3588 (four shader cores, one L2
 * slice), without coherency. Registers that are not listed read 0, which means "none" in all of
 * them (TEXTURE_FEATURES: formats for shaders only; GPU_FEATURES: arch 11; ...).
 */
#define GPU_SHADER_PRESENT 0x50005ull
#define GPU_TILER_PRESENT 0x1ull
#define GPU_L2_PRESENT 0x1ull

struct gpu_identity {
	uint32_t offset;
	uint32_t value;
	const char *name;
};

static const struct gpu_identity gpu_identity[] = {
	/* arch 10.8.6, product 7, r0p0 status 5: firmware directory arch10.8, "Mali-G610" */
	{ REG_GPU_ID, 0xa8670005, "GPU_ID" },
	/* lines of 64 bytes, 8 ways, 512 KiB */
	{ REG_L2_FEATURES, 0x07120306, "L2_FEATURES" },
	{ REG_TILER_FEATURES, 0x00000809, "TILER_FEATURES" },
	{ REG_MEM_FEATURES, 0x00000301, "MEM_FEATURES" },
	/* 48 bits of VA, 40 bits of PA */
	{ REG_MMU_FEATURES, 0x00002830, "MMU_FEATURES" },
	{ REG_AS_PRESENT, (1u << MMU_AS_COUNT) - 1, "AS_PRESENT" },
	{ REG_THREAD_MAX_THREADS, 0x00000800, "THREAD_MAX_THREADS" },
	{ REG_THREAD_MAX_WORKGROUP_SIZE, 0x00000400, "THREAD_MAX_WORKGROUP_SIZE" },
	{ REG_THREAD_MAX_BARRIER_SIZE, 0x00000400, "THREAD_MAX_BARRIER_SIZE" },
	{ REG_THREAD_FEATURES, 0x04010000, "THREAD_FEATURES" },
	{ REG_COHERENCY_FEATURES, 0x00000000, "COHERENCY_FEATURES" },
	{ REG_REVID, 0x00000000, "REVID" },
};

#endif
