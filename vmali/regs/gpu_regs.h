/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_REGS_GPU_REGS_H
#define VMALI_REGS_GPU_REGS_H

#include "regs/field.h"

/*
 * Registers of an arch 10 CSF GPU, by byte offset in the register window. Source:
 * panthor_gpu_regs.h, panthor_fw_regs.h and panthor_mmu_regs.h of Linux 7.3; the registers of an
 * address space are in as_regs.h. A 64-bit register is two words, the low one first.
 */

/* GPU control */
#define REG_GPU_ID 0x000
#define REG_L2_FEATURES 0x004
#define REG_CORE_FEATURES 0x008
#define REG_TILER_FEATURES 0x00c
#define REG_MEM_FEATURES 0x010
#define REG_MMU_FEATURES 0x014
#define REG_AS_PRESENT 0x018
#define REG_CSF_ID 0x01c
#define REG_GPU_INT 0x020
#define REG_GPU_CMD 0x030
#define REG_GPU_STATUS 0x034
#define REG_GPU_FAULT_STATUS 0x03c
#define REG_GPU_FAULT_ADDR 0x040
#define REG_L2_CONFIG 0x048
#define REG_PWR_KEY 0x050
#define REG_PWR_OVERRIDE0 0x054
#define REG_PWR_OVERRIDE1 0x058
#define REG_GPU_FEATURES 0x060
#define REG_TIMESTAMP_OFFSET 0x088
#define REG_CYCLE_COUNT 0x090
#define REG_TIMESTAMP 0x098
#define REG_THREAD_MAX_THREADS 0x0a0
#define REG_THREAD_MAX_WORKGROUP_SIZE 0x0a4
#define REG_THREAD_MAX_BARRIER_SIZE 0x0a8
#define REG_THREAD_FEATURES 0x0ac
#define REG_TEXTURE_FEATURES(n) (0x0b0 + 4 * (n))
#define REG_REVID 0x280
#define REG_ASN_HASH(n) (0x2c0 + 4 * (n))
#define REG_COHERENCY_FEATURES 0x300
#define REG_COHERENCY_PROTOCOL 0x304

/*
 * Power control: for each of PRESENT, READY, PWRON, PWROFF, PWRTRANS and PWRACTIVE a window of
 * 0x40 bytes, in which each power domain has a 64-bit register, 0x10 bytes apart.
 */
#define REG_POWER 0x100
#define REG_POWER_SIZE 0x180
#define REG_POWER_KIND FIELD(8, 6)	/* field of the offset from REG_POWER: enum power_kind */
#define REG_POWER_DOMAIN FIELD(5, 4)	/* enum power_domain */
#define REG_POWER_HIGH FIELD(3, 2)	/* 0: low word, 1: high word */

enum power_kind {
	POWER_PRESENT,
	POWER_READY,
	POWER_ON,
	POWER_OFF,
	POWER_TRANSITION,
	POWER_ACTIVE,
	POWER_KIND_COUNT
};

enum power_domain {
	POWER_SHADER,
	POWER_TILER,
	POWER_L2,
	POWER_DOMAIN_COUNT
};

#define REG_POWER_AT(kind, domain) (REG_POWER + 0x40 * (kind) + 0x10 * (domain))

/* Bits of the GPU interrupt */
#define GPU_IRQ_RESET_COMPLETED (1u << 8)
#define GPU_IRQ_POWER_CHANGED (1u << 9)
#define GPU_IRQ_POWER_CHANGED_ALL (1u << 10)
#define GPU_IRQ_CLEAN_CACHES_COMPLETED (1u << 17)

/* GPU_CMD: a command and its payload */
#define GPU_CMD_TYPE FIELD(7, 0)
#define GPU_CMD_PAYLOAD FIELD(31, 8)

enum gpu_cmd_type {
	GPU_CMD_NOP = 0,
	GPU_CMD_RESET = 1,
	GPU_CMD_FLUSH_CACHES = 4
};

enum gpu_reset_payload {
	GPU_RESET_SOFT = 1,
	GPU_RESET_HARD = 2
};

/* Payload of a flush, for the L2 (GPU_FLUSH_CACHES() in panthor_gpu_regs.h) */
#define GPU_FLUSH_L2 FIELD(3, 0)
#define GPU_FLUSH_CLEAN_INVALIDATE 3

#define GPU_STATUS_ACTIVE FIELD(0, 0)
#define GPU_STATUS_PWR_ACTIVE FIELD(1, 1)

/* MCU control */
#define REG_MCU_CONTROL 0x700
#define REG_MCU_STATUS 0x704

enum mcu_control {
	MCU_CONTROL_DISABLE = 0,
	MCU_CONTROL_ENABLE = 1,
	MCU_CONTROL_AUTO = 2
};

enum mcu_status {
	MCU_STATUS_DISABLED = 0,
	MCU_STATUS_ENABLED = 1,
	MCU_STATUS_HALT = 2,
	MCU_STATUS_FATAL = 3
};

/* Interrupt blocks: four registers each */
#define REG_JOB_INT 0x1000
#define REG_MMU_INT 0x2000
#define REG_INT_SIZE 0x10

enum int_reg {
	INT_RAWSTAT = 0x0,
	INT_CLEAR = 0x4,
	INT_MASK = 0x8,
	INT_STAT = 0xc
};

#define JOB_INT_GLOBAL_IF (1u << 31)
#define JOB_INT_CSG_IF(csg) (1u << (csg))

/* Address-space blocks, one for each AS: regs/as_regs.h */
#define REG_AS 0x2400

/* Pages of the CSF */
#define REG_LATEST_FLUSH 0x10000
#define REG_DOORBELL(id) (0x80000 + 0x10000 * (id))
#define REG_DOORBELL_STRIDE 0x10000
#define DOORBELL_GLOBAL 0

#endif
