/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_MCU_LAYOUT_H
#define VMALI_MCU_LAYOUT_H

#include "mcu/firmware_layout.h"
#include "mcu/mcu.h"
#include "regs/field.h"

/*
 * The shared section of the firmware: the interface between driver and MCU, version 1.1.0 (below
 * 4.0.0, so that endpoint requests are 32 bits wide and GLB_HALT is a request bit, panthor_fw.c).
 * Source of all offsets and bits: the structures of panthor_fw.h.
 *
 * The driver fixes the offsets of the global control block (0), the group control blocks (from
 * 0x1000), and the stream control blocks (0x40 into that of their group). The firmware chooses the
 * rest: each group (CSG) has a page with its control, input and output blocks and those of its
 * streams (CS). "Input" is written by the driver, "output" by the MCU.
 */
#define MCU_AS 0			/* the MCU's own address space */
#define MCU_INTERFACE_VERSION 0x01010000u

/* Offsets of the blocks, in bytes from the start of the section. */
#define GLB_CONTROL 0x000u
#define GLB_INPUT 0x100u
#define GLB_OUTPUT 0x200u
#define CSG_STRIDE 0x1000u
#define CSG_CONTROL(g) (0x1000u + CSG_STRIDE * (g))
#define CSG_INPUT(g) (CSG_CONTROL(g) + 0x200u)
#define CSG_OUTPUT(g) (CSG_CONTROL(g) + 0x300u)
#define CS_STRIDE 0x20u
#define CS_CONTROL(g, s) (CSG_CONTROL(g) + 0x40u + CS_STRIDE * (s))
#define CS_INPUT(g, s) (CSG_CONTROL(g) + 0x400u + 0x80u * (s))
#define CS_OUTPUT(g, s) (CSG_CONTROL(g) + 0x800u + 0x100u * (s))
#define MCU_INTERFACE_SIZE CSG_CONTROL(MCU_CSG_COUNT)

/* Offsets in the blocks. */
enum glb_control_offset {
	GLB_C_VERSION = 0x00,
	GLB_C_FEATURES = 0x04,
	GLB_C_INPUT_VA = 0x08,
	GLB_C_OUTPUT_VA = 0x0c,
	GLB_C_GROUP_NUM = 0x10,
	GLB_C_GROUP_STRIDE = 0x14,
	GLB_C_PERFCNT_SIZE = 0x18,
	GLB_C_INSTR_FEATURES = 0x1c,
	GLB_CONTROL_SIZE = 0x20
};

enum glb_input_offset {
	GLB_I_REQ = 0x00,
	GLB_I_ACK_IRQ_MASK = 0x04,
	GLB_I_DOORBELL_REQ = 0x08,
	GLB_I_PROGRESS_TIMER = 0x10,
	GLB_I_IDLE_TIMER = 0x80,
	GLB_INPUT_SIZE = 0x88
};

enum glb_output_offset {
	GLB_O_ACK = 0x00,
	GLB_O_DOORBELL_ACK = 0x08,
	GLB_O_HALT_STATUS = 0x10,
	GLB_OUTPUT_SIZE = 0x1c
};

enum csg_control_offset {
	CSG_C_FEATURES = 0x00,
	CSG_C_INPUT_VA = 0x04,
	CSG_C_OUTPUT_VA = 0x08,
	CSG_C_SUSPEND_SIZE = 0x0c,
	CSG_C_PROTM_SUSPEND_SIZE = 0x10,
	CSG_C_STREAM_NUM = 0x14,
	CSG_C_STREAM_STRIDE = 0x18,
	CSG_CONTROL_SIZE = 0x1c
};

enum csg_input_offset {
	CSG_I_REQ = 0x00,
	CSG_I_ACK_IRQ_MASK = 0x04,
	CSG_I_DOORBELL_REQ = 0x08,
	CSG_I_CS_IRQ_ACK = 0x0c,
	CSG_I_ENDPOINT_REQ = 0x34,
	CSG_I_SUSPEND_BUF = 0x40,
	CSG_I_CONFIG = 0x50,
	CSG_INPUT_SIZE = 0x58
};

enum csg_output_offset {
	CSG_O_ACK = 0x00,
	CSG_O_DOORBELL_ACK = 0x08,
	CSG_O_CS_IRQ_REQ = 0x0c,
	CSG_O_STATUS_ENDPOINT_CURRENT = 0x10,
	CSG_O_STATUS_ENDPOINT_REQ = 0x14,
	CSG_O_STATUS_STATE = 0x18,
	CSG_OUTPUT_SIZE = 0x20
};

enum cs_control_offset {
	CS_C_FEATURES = 0x00,
	CS_C_INPUT_VA = 0x04,
	CS_C_OUTPUT_VA = 0x08,
	CS_CONTROL_SIZE = 0x0c
};

enum cs_input_offset {
	CS_I_REQ = 0x00,
	CS_I_CONFIG = 0x04,
	CS_I_ACK_IRQ_MASK = 0x0c,
	CS_I_RING_BASE = 0x10,
	CS_I_RING_SIZE = 0x18,
	CS_I_RING_INPUT = 0x30,
	CS_I_RING_OUTPUT = 0x38,
	CS_INPUT_SIZE = 0x58
};

enum cs_output_offset {
	CS_O_ACK = 0x00,
	CS_O_STATUS_CMD_PTR = 0x40,
	CS_O_STATUS_WAIT = 0x48,
	CS_O_STATUS_REQ_RESOURCE = 0x4c,
	CS_O_STATUS_WAIT_SYNC_PTR = 0x50,
	CS_O_STATUS_WAIT_SYNC_VALUE = 0x58,
	CS_O_STATUS_SCOREBOARDS = 0x5c,
	CS_O_STATUS_BLOCKED_REASON = 0x60,
	CS_O_STATUS_WAIT_SYNC_VALUE_HI = 0x64,
	CS_O_FAULT = 0x80,
	CS_O_FATAL = 0x84,
	CS_O_FAULT_INFO = 0x88,
	CS_O_FATAL_INFO = 0x90,
	CS_OUTPUT_SIZE = 0xd8
};

/* Offsets in a ring's input and output page (struct panthor_fw_ringbuf_{input,output}_iface). */
enum ring_offset {
	RING_I_INSERT = 0x0,
	RING_I_EXTRACT = 0x8,
	RING_O_EXTRACT = 0x0,
	RING_O_ACTIVE = 0x8
};

_Static_assert(GLB_INPUT >= GLB_CONTROL + GLB_CONTROL_SIZE, "blocks overlap");
_Static_assert(GLB_OUTPUT >= GLB_INPUT + GLB_INPUT_SIZE, "blocks overlap");
_Static_assert(CSG_CONTROL(0) >= GLB_OUTPUT + GLB_OUTPUT_SIZE, "blocks overlap");
_Static_assert(CSG_CONTROL(0) == 0x1000, "the driver looks for the first group here");
_Static_assert(CS_CONTROL(0, 0) == CSG_CONTROL(0) + 0x40, "and for its first stream here");
_Static_assert(CS_STRIDE >= CS_CONTROL_SIZE, "blocks overlap");
_Static_assert(CSG_INPUT(0) >= CS_CONTROL(0, MCU_CS_PER_CSG), "blocks overlap");
_Static_assert(CSG_OUTPUT(0) >= CSG_INPUT(0) + CSG_INPUT_SIZE, "blocks overlap");
_Static_assert(CS_INPUT(0, 0) >= CSG_OUTPUT(0) + CSG_OUTPUT_SIZE, "blocks overlap");
_Static_assert(CS_INPUT(0, 1) - CS_INPUT(0, 0) >= CS_INPUT_SIZE, "blocks overlap");
_Static_assert(CS_OUTPUT(0, 0) >= CS_INPUT(0, MCU_CS_PER_CSG), "blocks overlap");
_Static_assert(CS_OUTPUT(0, 1) - CS_OUTPUT(0, 0) >= CS_OUTPUT_SIZE, "blocks overlap");
_Static_assert(CSG_CONTROL(1) >= CS_OUTPUT(0, MCU_CS_PER_CSG), "blocks overlap");
_Static_assert(MCU_INTERFACE_SIZE <= FIRMWARE_SHARED_SIZE, "the section is too small");

/* Bits of GLB_I_REQ and GLB_O_ACK. */
#define GLB_HALT (1u << 0)
#define GLB_PROGRESS_TIMER (1u << 1)
#define GLB_ALLOC_EN (1u << 2)
#define GLB_POWEROFF_TIMER (1u << 3)
#define GLB_PROTM_ENTER (1u << 4)
#define GLB_PERFCNT_EN (1u << 5)
#define GLB_PERFCNT_SAMPLE (1u << 6)
#define GLB_COUNTER_EN (1u << 7)
#define GLB_PING (1u << 8)
#define GLB_FWCFG_UPDATE (1u << 9)
#define GLB_IDLE_EN (1u << 10)
#define GLB_IDLE (1u << 26)		/* event */

/* Timers count units of 1024 ticks of the system counter or 1024 core clocks (IDLE_TIMER). */
#define GLB_TIMER_VALUE FIELD(30, 0)
#define GLB_TIMER_GPU_COUNTER FIELD(31, 31)
#define GLB_TIMER_SCALE 1024

/* Bits of CSG_I_REQ and CSG_O_ACK. */
#define CSG_STATE 0x7u
#define CSG_ENDPOINT_CONFIG (1u << 4)
#define CSG_STATUS_UPDATE (1u << 5)
#define CSG_SYNC_UPDATE (1u << 28)	/* events */
#define CSG_IDLE (1u << 29)
#define CSG_PROGRESS_TIMER_EVENT (1u << 31)

enum csg_state {
	CSG_TERMINATE = 0,
	CSG_START = 1,
	CSG_SUSPEND = 2,
	CSG_RESUME = 3,
	CSG_STATE_COUNT
};

#define CSG_CONFIG_AS FIELD(3, 0)
#define CSG_ENDPOINT_PRIORITY FIELD(31, 28)
#define CSG_STATUS_IS_IDLE (1u << 0)

/* Bits of CS_I_REQ and CS_O_ACK. */
#define CS_STATE 0x7u
#define CS_STOP 0u
#define CS_START 1u
#define CS_EXTRACT_EVENT (1u << 4)
#define CS_IDLE_SYNC_WAIT (1u << 8)
#define CS_IDLE_PROTM_PENDING (1u << 9)
#define CS_IDLE_EMPTY (1u << 10)
#define CS_IDLE_RESOURCE_REQ (1u << 11)
#define CS_CONFIG_BITS \
	(CS_EXTRACT_EVENT | CS_IDLE_SYNC_WAIT | CS_IDLE_PROTM_PENDING | CS_IDLE_EMPTY | \
	 CS_IDLE_RESOURCE_REQ)
#define CS_FATAL (1u << 30)		/* event */

#define CS_CONFIG_DOORBELL FIELD(15, 8)

#define CS_FEATURES_LAST_REG FIELD(7, 0)
#define CS_FEATURES_SCOREBOARDS FIELD(15, 8)
#define CS_FEATURES_ENDPOINTS FIELD(18, 16)

#define CS_WAIT_CONDITION FIELD(27, 24)
#define CS_WAIT_SYNC_64B FIELD(30, 30)
#define CS_WAIT_SYNC FIELD(31, 31)

#define CS_BLOCKED_NONE 0u
#define CS_BLOCKED_SYNC_WAIT 3u

#define CS_EXCEPTION_TYPE FIELD(7, 0)

#endif
