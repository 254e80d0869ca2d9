// SPDX-License-Identifier: MIT
/* Copyright (C) 2026 The vmali authors */
#include "tests/firmware_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "mcu/layout.h"

/* Guest physical addresses. */
#define RAM_GPA 0x01000000ull
#define RAM_SIZE 0x02000000ull
#define MCU_TABLES_GPA 0x01000000ull
#define USER_TABLES_GPA 0x01400000ull
#define TABLES_SIZE 0x00400000ull
#define SECTION_GPA 0x01800000ull
#define MCU_GPA 0x02000000ull		/* MCU VA 0x05000000 .. */
#define MCU_SIZE 0x00800000ull
#define USER_GPA 0x02800000ull		/* user VA 0x10000000 .. */
#define USER_SIZE 0x00800000ull

#define PAGE 0x1000ull

static void map_range(struct pgtable *pt, uint64_t va, uint64_t gpa, uint64_t size)
{
	for (uint64_t at = 0; at < size; at += PAGE)
		pgtable_map(pt, va + at, 3, gpa + at, PTB_RW);
}

void client_init(struct client *c, struct guest_memory *mem)
{
	*c = (struct client){ .mem = mem };
	assert_int_equal(guest_memory_map_private(mem, RAM_GPA, RAM_SIZE), 0);
	pgtable_init(&c->mcu_pt, mem, MCU_TABLES_GPA, TABLES_SIZE);
	pgtable_init(&c->user_pt, mem, USER_TABLES_GPA, TABLES_SIZE);
	map_range(&c->mcu_pt, SECTION_VA, SECTION_GPA, SECTION_SIZE);
	map_range(&c->mcu_pt, RING_INPUT_VA(0, 0), MCU_GPA, MCU_SIZE);
	map_range(&c->user_pt, GROUP_VA(0), USER_GPA, USER_SIZE);
}

static uint32_t gpa_get(struct client *c, uint64_t gpa)
{
	uint32_t value;

	assert_int_equal(guest_memory_read32(c->mem, gpa, &value), 0);
	return value;
}

static uint64_t gpa_get64(struct client *c, uint64_t gpa)
{
	uint64_t value;

	assert_int_equal(guest_memory_read64(c->mem, gpa, &value), 0);
	return value;
}

static void gpa_put64(struct client *c, uint64_t gpa, uint64_t value)
{
	assert_int_equal(guest_memory_write64(c->mem, gpa, value), 0);
}

uint32_t section_get(struct client *c, uint32_t offset)
{
	return gpa_get(c, SECTION_GPA + offset);
}

uint64_t section_get64(struct client *c, uint32_t offset)
{
	return gpa_get64(c, SECTION_GPA + offset);
}

void section_put(struct client *c, uint32_t offset, uint32_t value)
{
	assert_int_equal(guest_memory_write32(c->mem, SECTION_GPA + offset, value), 0);
}

void section_put64(struct client *c, uint32_t offset, uint64_t value)
{
	gpa_put64(c, SECTION_GPA + offset, value);
}

void section_zero(struct client *c)
{
	for (uint32_t at = 0; at < SECTION_SIZE; at += 8)
		section_put64(c, at, 0);
}

static uint64_t mcu_gpa(uint64_t va)
{
	return va - RING_INPUT_VA(0, 0) + MCU_GPA;
}

static uint64_t user_gpa(uint64_t va)
{
	return va - GROUP_VA(0) + USER_GPA;
}

uint64_t mcu_get64_va(struct client *c, uint64_t va)
{
	return gpa_get64(c, mcu_gpa(va));
}

void mcu_put64_va(struct client *c, uint64_t va, uint64_t value)
{
	gpa_put64(c, mcu_gpa(va), value);
}

uint64_t user_get64(struct client *c, uint64_t va)
{
	return gpa_get64(c, user_gpa(va));
}

void user_put64(struct client *c, uint64_t va, uint64_t value)
{
	gpa_put64(c, user_gpa(va), value);
}

uint32_t glb_in(struct client *c)
{
	return section_get(c, GLB_C_INPUT_VA) - SECTION_VA;
}

uint32_t glb_out(struct client *c)
{
	return section_get(c, GLB_C_OUTPUT_VA) - SECTION_VA;
}

static uint32_t csg_control(struct client *c, unsigned int g)
{
	return 0x1000 + g * section_get(c, GLB_C_GROUP_STRIDE);
}

static uint32_t cs_control(struct client *c, unsigned int g, unsigned int s)
{
	uint32_t group = csg_control(c, g);

	return group + 0x40 + s * section_get(c, group + CSG_C_STREAM_STRIDE);
}

uint32_t csg_in(struct client *c, unsigned int g)
{
	return section_get(c, csg_control(c, g) + CSG_C_INPUT_VA) - SECTION_VA;
}

uint32_t csg_out(struct client *c, unsigned int g)
{
	return section_get(c, csg_control(c, g) + CSG_C_OUTPUT_VA) - SECTION_VA;
}

uint32_t cs_in(struct client *c, unsigned int g, unsigned int s)
{
	return section_get(c, cs_control(c, g, s) + CS_C_INPUT_VA) - SECTION_VA;
}

uint32_t cs_out(struct client *c, unsigned int g, unsigned int s)
{
	return section_get(c, cs_control(c, g, s) + CS_C_OUTPUT_VA) - SECTION_VA;
}

void section_toggle(struct client *c, uint32_t in, uint32_t out, uint32_t mask)
{
	section_update(c, in, ~section_get(c, out), mask);
}

void section_update(struct client *c, uint32_t in, uint32_t value, uint32_t mask)
{
	section_put(c, in, (section_get(c, in) & ~mask) | (value & mask));
}

uint32_t section_pending(struct client *c, uint32_t in, uint32_t out, uint32_t mask)
{
	return (section_get(c, in) ^ section_get(c, out)) & mask;
}

void client_init_global(struct client *c)
{
	uint32_t in = glb_in(c), out = glb_out(c);

	section_put(c, in + GLB_I_PROGRESS_TIMER, 2621440000u / 1024);
	section_put(c, in + GLB_I_IDLE_TIMER, 1u << 31 | 391);
	section_put(c, in + GLB_I_ACK_IRQ_MASK,
		    GLB_ALLOC_EN | GLB_PING | GLB_PROGRESS_TIMER | GLB_POWEROFF_TIMER |
			    GLB_IDLE_EN | GLB_IDLE);
	section_update(c, in, GLB_IDLE_EN | GLB_COUNTER_EN, GLB_IDLE_EN | GLB_COUNTER_EN);
	section_toggle(c, in, out, GLB_ALLOC_EN | GLB_POWEROFF_TIMER | GLB_PROGRESS_TIMER);
}

static void program_stream(struct client *c, unsigned int g, unsigned int s)
{
	uint32_t in = cs_in(c, g, s);

	mcu_put64_va(c, RING_INPUT_VA(g, s) + RING_I_EXTRACT, ring_extract(c, g, s));
	section_put64(c, in + CS_I_RING_BASE, RING_VA(g, s));
	section_put(c, in + CS_I_RING_SIZE, RING_SIZE);
	section_put64(c, in + CS_I_RING_INPUT, RING_INPUT_VA(g, s));
	section_put64(c, in + CS_I_RING_OUTPUT, RING_OUTPUT_VA(g, s));
	section_put(c, in + CS_I_CONFIG, (g + 1) << 8);
	section_put(c, in + CS_I_ACK_IRQ_MASK, ~0u);
	section_update(c, in, CS_IDLE_SYNC_WAIT | CS_IDLE_EMPTY | CS_START,
		       CS_IDLE_SYNC_WAIT | CS_IDLE_EMPTY | CS_STATE);
}

void client_program_group(struct client *c, unsigned int g, uint32_t streams)
{
	uint32_t in = csg_in(c, g);

	for (unsigned int s = 0; s < STREAMS; s++) {
		if (streams & (1u << s))
			program_stream(c, g, s);
	}
	section_put(c, in + CSG_I_CONFIG, GROUP_AS(g));
	section_put64(c, in + CSG_I_SUSPEND_BUF, SUSPEND_VA(g));
	section_put(c, in + CSG_I_ENDPOINT_REQ, 15u << 28);
	section_put(c, in + CSG_I_ACK_IRQ_MASK, ~0u);
	section_toggle(c, in + CSG_I_DOORBELL_REQ, csg_out(c, g) + CSG_O_DOORBELL_ACK, streams);
}

void client_ring_group(struct client *c, unsigned int g, uint32_t streams)
{
	section_toggle(c, csg_in(c, g) + CSG_I_DOORBELL_REQ, csg_out(c, g) + CSG_O_DOORBELL_ACK,
		       streams);
	section_toggle(c, glb_in(c) + GLB_I_DOORBELL_REQ, glb_out(c) + GLB_O_DOORBELL_ACK, 1u << g);
}

void client_request_state(struct client *c, unsigned int g, uint32_t state)
{
	section_update(c, csg_in(c, g), state, CSG_STATE);
	section_toggle(c, csg_in(c, g), csg_out(c, g), CSG_ENDPOINT_CONFIG);
	client_ring_group(c, g, 0);
}

uint32_t client_take_events(struct client *c, unsigned int g)
{
	const uint32_t all = CSG_SYNC_UPDATE | CSG_IDLE | CSG_PROGRESS_TIMER_EVENT;
	uint32_t events = section_pending(c, csg_in(c, g), csg_out(c, g), all);

	section_put(c, csg_in(c, g) + CSG_I_CS_IRQ_ACK,
		    section_get(c, csg_out(c, g) + CSG_O_CS_IRQ_REQ));
	section_update(c, csg_in(c, g), section_get(c, csg_out(c, g)), all);
	return events;
}

void ring_put(struct client *c, unsigned int g, unsigned int s, const uint64_t *words,
	      unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		user_put64(c, RING_VA(g, s) + c->insert[g][s] % RING_SIZE, words[i]);
		c->insert[g][s] += 8;
	}
}

void ring_insert(struct client *c, unsigned int g, unsigned int s)
{
	mcu_put64_va(c, RING_INPUT_VA(g, s) + RING_I_INSERT, c->insert[g][s]);
}

uint64_t ring_extract(struct client *c, unsigned int g, unsigned int s)
{
	return mcu_get64_va(c, RING_OUTPUT_VA(g, s) + RING_O_EXTRACT);
}

uint32_t ring_active(struct client *c, unsigned int g, unsigned int s)
{
	return mcu_get64_va(c, RING_OUTPUT_VA(g, s) + RING_O_ACTIVE);
}

void code_put(struct client *c, uint64_t va, const uint64_t *words, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		user_put64(c, va + 8 * i, words[i]);
}
