/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_TESTS_FIRMWARE_CLIENT_H
#define VMALI_TESTS_FIRMWARE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/guest_memory.h"
#include "tests/pgtable_builder.h"

/*
 * The driver's side of the firmware interface, for tests: guest memory with page tables for the MCU
 * and for one user address space, eight groups of eight rings in them, and panthor's accesses to
 * the shared section. All accesses use guest physical addresses, like the CPU's mappings, so that
 * they work while the GPU's address spaces are locked or off.
 */

/* The shared section. The test reads the offsets of its blocks from it, like the driver. */
#define SECTION_VA 0x04000000u
#define SECTION_SIZE 0x80000u

/*
 * MCU VAs for group @g, stream @s. Each ring page and suspend buffer has a block of 32 KiB, the
 * smallest region that can be locked.
 */
#define LOCK_LG2 15
#define RING_INPUT_VA(g, s) (0x05000000u + 0x100000u * (g) + 0x10000u * (s))
#define RING_OUTPUT_VA(g, s) (RING_INPUT_VA(g, s) + 0x8000u)
#define SUSPEND_VA(g) (0x05080000u + 0x100000u * (g))

/* User VAs for group @g, stream @s. */
#define RING_SIZE 0x1000u
#define GROUP_VA(g) (0x10000000ull + 0x100000ull * (g))
#define RING_VA(g, s) (GROUP_VA(g) + 0x1000ull * (s))
#define CODE_VA(g, s) (GROUP_VA(g) + 0x20000ull + 0x1000ull * (s))
#define DATA_VA(g, s) (GROUP_VA(g) + 0x40000ull + 0x1000ull * (s))
#define SYNC_VA(g, s) (DATA_VA(g, s) + 0x800)
#define UNMAPPED_VA 0x70000000ull

#define GROUPS 8
#define STREAMS 8

/* AS of group @g: eight groups share seven address spaces. */
#define GROUP_AS(g) (1 + (g) % 7)

struct client {
	struct guest_memory *mem;
	struct pgtable mcu_pt, user_pt;
	uint64_t insert[GROUPS][STREAMS];
};

/* Fill @mem; everything is mapped, nothing is enabled. */
void client_init(struct client *c, struct guest_memory *mem);

/* Words of the shared section, by offset. */
uint32_t section_get(struct client *c, uint32_t offset);
uint64_t section_get64(struct client *c, uint32_t offset);
void section_put(struct client *c, uint32_t offset, uint32_t value);
void section_put64(struct client *c, uint32_t offset, uint64_t value);
void section_zero(struct client *c);

/* Access words in the MCU's address space outside of the section, and in the user's. */
uint64_t mcu_get64_va(struct client *c, uint64_t va);
void mcu_put64_va(struct client *c, uint64_t va, uint64_t value);
uint64_t user_get64(struct client *c, uint64_t va);
void user_put64(struct client *c, uint64_t va, uint64_t value);

/* Offsets of blocks, read from the control structures that the firmware wrote at boot. */
uint32_t glb_in(struct client *c);
uint32_t glb_out(struct client *c);
uint32_t csg_in(struct client *c, unsigned int g);
uint32_t csg_out(struct client *c, unsigned int g);
uint32_t cs_in(struct client *c, unsigned int g, unsigned int s);
uint32_t cs_out(struct client *c, unsigned int g, unsigned int s);

/* Make @mask pending: @in differs from @out there (panthor_fw_toggle_reqs()). */
void section_toggle(struct client *c, uint32_t in, uint32_t out, uint32_t mask);
/* Set the bits of @mask to those of @value (panthor_fw_update_reqs()). */
void section_update(struct client *c, uint32_t in, uint32_t value, uint32_t mask);
/* Bits of @mask that are pending. */
uint32_t section_pending(struct client *c, uint32_t in, uint32_t out, uint32_t mask);

/* Set timers and masks like panthor_fw_init_global_iface(). The caller rings doorbell 0. */
void client_init_global(struct client *c);
/* Program the slot and its @streams (a mask) like csg_slot_prog_locked(). */
void client_program_group(struct client *c, unsigned int g, uint32_t streams);
/* Request @state and ring the group. The caller rings doorbell 0. */
void client_request_state(struct client *c, unsigned int g, uint32_t state);
/* Ring the group's doorbell in the interface, and those of @streams. */
void client_ring_group(struct client *c, unsigned int g, uint32_t streams);
/* Acknowledge all events of the group, like sched_process_csg_irq_locked(). Return: events. */
uint32_t client_take_events(struct client *c, unsigned int g);

/* ring_put() appends instructions to a ring; ring_insert() writes its insert index. */
void ring_put(struct client *c, unsigned int g, unsigned int s, const uint64_t *words,
	      unsigned int count);
void ring_insert(struct client *c, unsigned int g, unsigned int s);
/* Words of the ring's output page. */
uint64_t ring_extract(struct client *c, unsigned int g, unsigned int s);
uint32_t ring_active(struct client *c, unsigned int g, unsigned int s);

/* Write @count instructions to user memory at @va. */
void code_put(struct client *c, uint64_t va, const uint64_t *words, unsigned int count);

/* Instructions, encoded independent of csf/. A pair is named by its low register. */
static inline uint64_t ins_move48(unsigned int dst, uint64_t imm)
{
	return 1ull << 56 | (uint64_t)dst << 48 | imm;
}

static inline uint64_t ins_move32(unsigned int dst, uint32_t imm)
{
	return 2ull << 56 | (uint64_t)dst << 48 | imm;
}

static inline uint64_t ins_add32(unsigned int dst, unsigned int src, int32_t imm)
{
	return 16ull << 56 | (uint64_t)dst << 48 | (uint64_t)src << 40 | (uint32_t)imm;
}

static inline uint64_t ins_store(unsigned int base, uint16_t mask, unsigned int addr)
{
	return 21ull << 56 | (uint64_t)base << 48 | (uint64_t)addr << 40 | (uint64_t)mask << 16;
}

static inline uint64_t ins_branch(unsigned int condition, unsigned int value, int16_t offset)
{
	return 22ull << 56 | (uint64_t)value << 40 | (uint64_t)condition << 28 | (uint16_t)offset;
}

static inline uint64_t ins_call(unsigned int addr, unsigned int length)
{
	return 32ull << 56 | (uint64_t)addr << 40 | (uint64_t)length << 32;
}

static inline uint64_t ins_sync_add64(unsigned int addr, unsigned int data)
{
	return 51ull << 56 | (uint64_t)addr << 40 | (uint64_t)data << 32;
}

static inline uint64_t ins_sync_set64(unsigned int addr, unsigned int data)
{
	return 52ull << 56 | (uint64_t)addr << 40 | (uint64_t)data << 32;
}

static inline uint64_t ins_sync_wait64(unsigned int addr, unsigned int data, unsigned int condition)
{
	return 53ull << 56 | (uint64_t)addr << 40 | (uint64_t)data << 32 |
	       (uint64_t)condition << 28;
}

enum {
	COND_LEQUAL = 0,
	COND_GREATER = 1,
	COND_EQUAL = 2,
	COND_ALWAYS = 6
};

#define INS_NOP 0ull
#define INS_RUN_COMPUTE (4ull << 56 | 1)
#define INS_INVALID (0xffull << 56 | 0xbadc0de)

#endif
