/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_SHADER_DESCRIPTOR_H
#define VMALI_SHADER_DESCRIPTOR_H

#include "regs/field.h"

/*
 * Layouts of registers and descriptors of a compute job, as 64-bit words of memory. Source: Mesa,
 * src/panfrost/genxml/v10.xml, structs "Shader Program", "Resource", "Buffer" and "Compute size
 * workgroup".
 */

/* Register pair FAU: pandecode_run_compute() in decode_csf.c. */
#define FAU_ADDRESS		FIELD(47, 0)
#define FAU_COUNT		FIELD(63, 56)	/* 64-bit uniforms */

/* Register pair SRT: pandecode_resource_tables() in decode.c. */
#define SRT_COUNT		FIELD(5, 0)	/* resources; the other bits are the address */

/* Register WG_SIZE: threads minus one. */
#define WORKGROUP_X		FIELD(9, 0)
#define WORKGROUP_Y		FIELD(19, 10)
#define WORKGROUP_Z		FIELD(29, 20)

/* Type of a descriptor, in the lowest bits of its first word. */
#define DESCRIPTOR_TYPE		FIELD(3, 0)

enum descriptor_type {
	DESCRIPTOR_NULL		= 0,
	DESCRIPTOR_SHADER	= 8,
	DESCRIPTOR_BUFFER	= 9
};

/* Shader program: words 0 and 1 of four. */
#define SHADER_PROGRAM_STAGE	FIELD(7, 4)
#define SHADER_PROGRAM_PRELOAD	FIELD(47, 32)
#define SHADER_STAGE_COMPUTE	1

/* Resource: word 0 is address and flags, word 1 the size in bytes. */
#define RESOURCE_SIZE		16u
#define RESOURCE_ADDRESS	FIELD(55, 0)
#define RESOURCE_DESCRIPTORS	FIELD(56, 56)

/* Buffer: word 0 of four; word 1 is its address. */
#define BUFFER_SIZE		32u
#define BUFFER_TYPE		FIELD(7, 4)
#define BUFFER_TYPE_SIMPLE	1
#define BUFFER_BYTES		FIELD(63, 32)

/*
 * A resource handle: pan_res_handle() in Mesa. The resource tables themselves are table 62
 * (VALHALL_RESOURCE_TABLE_IDX in panvk_vX_nir_lower_descriptors.c): its buffer n is what resource
 * n points to.
 */
#define HANDLE_TABLE		FIELD(31, 24)
#define HANDLE_INDEX		FIELD(23, 0)
#define HANDLE_TABLE_RESOURCES	62

#endif
