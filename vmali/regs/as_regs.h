/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_AS_REGS_H
#define VMALI_AS_REGS_H

#include "regs/field.h"

/*
 * Registers of an address space (AS), as byte offsets in its 64-byte block.
 * Source: Linux drivers/gpu/drm/panthor/panthor_mmu_regs.h, unless noted otherwise.
 */
#define AS_BLOCK_SIZE 64

enum as_reg {
	AS_REG_TRANSTAB		= 0x00,		/* 64 bits: address of the first table */
	AS_REG_MEMATTR		= 0x08,		/* 64 bits: eight attribute bytes */
	AS_REG_LOCKADDR		= 0x10,		/* 64 bits */
	AS_REG_COMMAND		= 0x18,
	AS_REG_FAULTSTATUS	= 0x1c,
	AS_REG_FAULTADDRESS	= 0x20,		/* 64 bits */
	AS_REG_STATUS		= 0x28,
	AS_REG_TRANSCFG		= 0x30,		/* 64 bits */
	AS_REG_FAULTEXTRA	= 0x38		/* 64 bits */
};

enum as_command {
	AS_COMMAND_NOP		= 0,
	AS_COMMAND_UPDATE	= 1,
	AS_COMMAND_LOCK		= 2,
	AS_COMMAND_UNLOCK	= 3,
	AS_COMMAND_FLUSH_PT	= 4,
	AS_COMMAND_FLUSH_MEM	= 5
};

/* TRANSTAB: bits 47:12 are the address. */
#define AS_TRANSTAB_BASE		FIELD(47, 12)

#define AS_TRANSCFG_ADRMODE		FIELD(3, 0)
#define AS_TRANSCFG_INA_BITS		FIELD(10, 6)	/* 55 - bits of the input address */
#define AS_TRANSCFG_DISABLE_HIER_AP	FIELD(33, 33)
#define AS_TRANSCFG_DISABLE_AF_FAULT	FIELD(34, 34)
#define AS_TRANSCFG_WXN			FIELD(35, 35)

enum as_adrmode {
	AS_ADRMODE_UNMAPPED	= 1,
	AS_ADRMODE_IDENTITY	= 2,
	AS_ADRMODE_AARCH64_4K	= 6,
	AS_ADRMODE_AARCH64_64K	= 8
};

/* panthor_mmu_as_enable(): INA_BITS = AS_INA_BITS_BASE - bits of the input address. */
#define AS_INA_BITS_BASE		55

/* MEMATTR byte n: memory attributes of descriptors with attribute index n. */
#define AS_MEMATTR_INNER_OUTER		FIELD(7, 6)
#define AS_MEMATTR_FAULT		3

/* LOCKADDR: a naturally aligned region of 2^n bytes (panthor_mmu.c, pack_region_range()). */
#define AS_LOCKADDR_SIZE_LG2_MINUS_1	FIELD(5, 0)
#define AS_LOCKADDR_START		FIELD(63, 12)
#define AS_LOCK_REGION_MIN_LG2		15

/* FAULTSTATUS: panthor_mmu.c, panthor_mmu_irq_handler(). */
#define AS_FAULTSTATUS_EXCEPTION	FIELD(7, 0)
#define AS_FAULTSTATUS_ACCESS		FIELD(9, 8)
#define AS_FAULTSTATUS_DECODER		FIELD(10, 10)
#define AS_FAULTSTATUS_SOURCE_ID	FIELD(31, 16)

enum as_access {
	AS_ACCESS_ATOMIC	= 0,
	AS_ACCESS_EXECUTE	= 1,
	AS_ACCESS_READ		= 2,
	AS_ACCESS_WRITE		= 3
};

/*
 * Exception types of the MMU. The table level, 0..3, is added to those of a walk.
 * Source: panthor_device.h, enum drm_panthor_exception_type.
 */
enum as_exception {
	AS_EXC_NONE			= 0x00,
	AS_EXC_GPU_BUS_FAULT		= 0x80,
	AS_EXC_TRANSLATION_FAULT	= 0xc0,
	AS_EXC_PERM_FAULT		= 0xc8,
	AS_EXC_ACCESS_FLAG		= 0xd8,
	AS_EXC_ADDR_SIZE_FAULT_IN	= 0xe0,
	AS_EXC_ADDR_SIZE_FAULT_OUT	= 0xe4,
	AS_EXC_MEM_ATTR_FAULT		= 0xe8
};

#endif
