// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "igt_panthor_cs.h"

/*
 * Scoreboard entries on architecture 10: loads and stores signal OTHER, work on endpoints signals
 * ENDPOINT. The numbers are arbitrary, since every WAIT covers all entries. Each stream selects
 * them to make traces comparable: a queue keeps the selection of the stream that ran before.
 */
#define SB_ENTRY_OTHER 0
#define SB_ENTRY_ENDPOINT 1

/* FLUSH_CACHE2 signals the same entry as the driver's own flush. */
#define SB_ENTRY_FLUSH 0

#define LDST_MAX_REGS CS_LDST_MASK_WIDTH

static bool fits_signed(int64_t value, unsigned int width)
{
	const int64_t limit = INT64_C(1) << (width - 1);

	return value >= -limit && value < limit;
}

static bool regs_overlap(const struct igt_panthor_cs_regs *regs, unsigned int first,
			 unsigned int count)
{
	for (unsigned int reg = first; reg < first + count; reg++)
		if (regs->bits[reg / 64] >> (reg % 64) & 1)
			return true;

	return false;
}

static void regs_add(struct igt_panthor_cs_regs *regs, unsigned int first, unsigned int count)
{
	for (unsigned int reg = first; reg < first + count; reg++)
		regs->bits[reg / 64] |= UINT64_C(1) << (reg % 64);
}

static void fail(struct igt_panthor_cs *cs, int err)
{
	if (!cs->err)
		cs->err = err;
}

static bool check(struct igt_panthor_cs *cs, bool good, int err)
{
	if (!good)
		fail(cs, err);

	return !cs->err;
}

static bool check_regs(struct igt_panthor_cs *cs, unsigned int first, unsigned int count)
{
	return check(cs, first < cs->limits.reg_count && count <= cs->limits.reg_count - first,
		     -EINVAL);
}

static bool check_pair(struct igt_panthor_cs *cs, unsigned int first)
{
	return check_regs(cs, first, 2) && check(cs, first % 2 == 0, -EINVAL);
}

static void emit(struct igt_panthor_cs *cs, uint64_t word)
{
	if (check(cs, cs->count < cs->capacity, -ENOSPC))
		cs->words[cs->count++] = word;
}

/* The mask of a WAIT has eight bits on architecture 10, sixteen on later ones. */
static uint16_t wait_mask(const struct igt_panthor_cs *cs)
{
	const unsigned int width = cs->limits.arch_major > 10 ? CS_WAIT_MASK_WIDTH : 8;
	const unsigned int count = cs->limits.scoreboard_count;

	return cs_field_mask(count < width ? count : width);
}

static void wait_all(struct igt_panthor_cs *cs)
{
	emit(cs, cs_wait(wait_mask(cs), false));
	memset(&cs->loading, 0, sizeof(cs->loading));
	memset(&cs->reading, 0, sizeof(cs->reading));
	cs->load_pending = false;
	cs->store_pending = false;
}

static void settle(struct igt_panthor_cs *cs)
{
	if (cs->load_pending || cs->store_pending)
		wait_all(cs);
}

static void before_read(struct igt_panthor_cs *cs, unsigned int first, unsigned int count)
{
	if (regs_overlap(&cs->loading, first, count))
		wait_all(cs);
}

static void before_write(struct igt_panthor_cs *cs, unsigned int first, unsigned int count)
{
	if (regs_overlap(&cs->loading, first, count) || regs_overlap(&cs->reading, first, count))
		wait_all(cs);
}

/**
 * igt_panthor_cs_init:
 * @cs: the stream
 * @words: memory for the instructions, 8-byte aligned
 * @size: size of @words in bytes
 * @limits: resources of a stream
 *
 * Starts a stream. On architecture 10 the stream selects its scoreboard entries by SET_SB_ENTRY.
 * Later architectures have another instruction for this. It is left out, because each WAIT of the
 * builder covers every entry.
 */
void igt_panthor_cs_init(struct igt_panthor_cs *cs, void *words, uint32_t size,
			 const struct igt_panthor_cs_limits *limits)
{
	memset(cs, 0, sizeof(*cs));
	cs->words = words;
	cs->capacity = size / sizeof(*cs->words);
	cs->limits = *limits;

	if (!check(cs, limits->reg_count <= IGT_PANTHOR_CS_MAX_REGS, -EINVAL) ||
	    !check(cs, limits->scoreboard_count > SB_ENTRY_ENDPOINT, -EINVAL))
		return;

	if (limits->arch_major == 10)
		emit(cs, cs_set_sb_entry(SB_ENTRY_ENDPOINT, SB_ENTRY_OTHER));
}

/**
 * igt_panthor_cs_mov32:
 * @cs: the stream
 * @dst: register
 * @imm: value
 */
void igt_panthor_cs_mov32(struct igt_panthor_cs *cs, unsigned int dst, uint32_t imm)
{
	if (!check_regs(cs, dst, 1))
		return;

	before_write(cs, dst, 1);
	emit(cs, cs_mov32(dst, imm));
}

/**
 * igt_panthor_cs_mov48:
 * @cs: the stream
 * @dst: register pair
 * @imm: value, below 1 << 48; -ERANGE otherwise
 */
void igt_panthor_cs_mov48(struct igt_panthor_cs *cs, unsigned int dst, uint64_t imm)
{
	if (!check_pair(cs, dst) || !check(cs, imm >> CS_MOVE48_IMM_WIDTH == 0, -ERANGE))
		return;

	before_write(cs, dst, 2);
	emit(cs, cs_mov48(dst, imm));
}

/**
 * igt_panthor_cs_add32:
 * @cs: the stream
 * @dst: register
 * @src: register
 * @imm: addend in 32 bits, signed; -ERANGE otherwise
 *
 * @dst = @src + @imm, modulo 1 << 32.
 */
void igt_panthor_cs_add32(struct igt_panthor_cs *cs, unsigned int dst, unsigned int src,
			  int64_t imm)
{
	if (!check_regs(cs, dst, 1) || !check_regs(cs, src, 1) ||
	    !check(cs, fits_signed(imm, CS_ADD_IMM_IMM_WIDTH), -ERANGE))
		return;

	before_read(cs, src, 1);
	before_write(cs, dst, 1);
	emit(cs, cs_add_imm32(dst, src, imm));
}

/**
 * igt_panthor_cs_add64:
 * @cs: the stream
 * @dst: register pair
 * @src: register pair
 * @imm: addend in 32 bits, signed; -ERANGE otherwise
 *
 * @dst = @src + @imm, modulo 1 << 64.
 */
void igt_panthor_cs_add64(struct igt_panthor_cs *cs, unsigned int dst, unsigned int src,
			  int64_t imm)
{
	if (!check_pair(cs, dst) || !check_pair(cs, src) ||
	    !check(cs, fits_signed(imm, CS_ADD_IMM_IMM_WIDTH), -ERANGE))
		return;

	before_read(cs, src, 2);
	before_write(cs, dst, 2);
	emit(cs, cs_add_imm64(dst, src, imm));
}

static bool check_ldst(struct igt_panthor_cs *cs, unsigned int first, unsigned int count,
		       unsigned int address, int32_t offset)
{
	return check(cs, count >= 1 && count <= LDST_MAX_REGS, -EINVAL) &&
	       check_regs(cs, first, count) && check_pair(cs, address) &&
	       check(cs, fits_signed(offset, CS_LDST_OFFSET_WIDTH) && offset % 4 == 0, -ERANGE);
}

/**
 * igt_panthor_cs_load:
 * @cs: the stream
 * @dst: first of the registers
 * @count: how many, 1 to 16
 * @address: register pair
 * @offset: bytes to add to the address, a multiple of 4 in 16 bits, signed
 *
 * Loads @count words. Errors: -EINVAL for registers or a count out of range, -ERANGE for an offset
 * out of range.
 */
void igt_panthor_cs_load(struct igt_panthor_cs *cs, unsigned int dst, unsigned int count,
			 unsigned int address, int32_t offset)
{
	if (!check_ldst(cs, dst, count, address, offset))
		return;

	if (cs->store_pending)
		wait_all(cs);
	before_read(cs, address, 2);
	before_write(cs, dst, count);
	emit(cs, cs_ldm(address, dst, cs_field_mask(count), offset));

	regs_add(&cs->loading, dst, count);
	regs_add(&cs->reading, address, 2);
	cs->load_pending = true;
}

/**
 * igt_panthor_cs_store:
 * @cs: the stream
 * @src: first of the registers
 * @count: how many, 1 to 16
 * @address: register pair
 * @offset: bytes to add to the address, a multiple of 4 in 16 bits, signed
 *
 * Stores @count words. Errors: -EINVAL for registers or a count out of range, -ERANGE for an offset
 * out of range.
 */
void igt_panthor_cs_store(struct igt_panthor_cs *cs, unsigned int src, unsigned int count,
			  unsigned int address, int32_t offset)
{
	if (!check_ldst(cs, src, count, address, offset))
		return;

	if (cs->load_pending)
		wait_all(cs);
	emit(cs, cs_stm(address, src, cs_field_mask(count), offset));

	regs_add(&cs->reading, src, count);
	regs_add(&cs->reading, address, 2);
	cs->store_pending = true;
}

/**
 * igt_panthor_cs_wait:
 * @cs: the stream
 *
 * Waits for all unfinished loads and stores. Only needed between two stores that must stay in
 * order; the builder inserts all other WAITs.
 */
void igt_panthor_cs_wait(struct igt_panthor_cs *cs)
{
	if (!cs->err)
		wait_all(cs);
}

/**
 * igt_panthor_cs_new_label:
 * @cs: the stream
 *
 * Returns: a label that has no place yet.
 */
unsigned int igt_panthor_cs_new_label(struct igt_panthor_cs *cs)
{
	if (!check(cs, cs->label_count < IGT_PANTHOR_CS_MAX_LABELS, -ENOSPC))
		return 0;

	cs->labels[cs->label_count] = -1;
	return cs->label_count++;
}

/**
 * igt_panthor_cs_set_label:
 * @cs: the stream
 * @label: a label without a place; -EINVAL otherwise
 *
 * Puts @label in front of the next instruction.
 */
void igt_panthor_cs_set_label(struct igt_panthor_cs *cs, unsigned int label)
{
	if (!check(cs, label < cs->label_count && cs->labels[label] < 0, -EINVAL))
		return;

	settle(cs);
	cs->labels[label] = cs->count;
}

/**
 * igt_panthor_cs_branch:
 * @cs: the stream
 * @condition: comparison of @value, a signed number, with zero
 * @value: register
 * @label: target, from igt_panthor_cs_new_label(), with or without a place yet
 *
 * Branches to @label if @condition holds. Errors: -EINVAL for a bad register or label, -ENOSPC for
 * too many branches.
 */
void igt_panthor_cs_branch(struct igt_panthor_cs *cs, enum cs_condition condition,
			   unsigned int value, unsigned int label)
{
	if (!check_regs(cs, value, 1) || !check(cs, label < cs->label_count, -EINVAL) ||
	    !check(cs, cs->branch_count < IGT_PANTHOR_CS_MAX_BRANCHES, -ENOSPC))
		return;

	settle(cs);
	cs->branches[cs->branch_count++] =
		(struct igt_panthor_cs_branch_site) { .at = cs->count, .label = label };
	emit(cs, cs_branch(condition, value, 0));
}

/**
 * igt_panthor_cs_spin_while:
 * @cs: the stream
 * @condition: compares the loaded word with 0
 * @value: register that the word is loaded to
 * @address: register pair with an address
 * @offset: added to the address, in bytes
 *
 * Loads a word in a loop while @condition holds. Each round reports progress (WAIT with
 * PROGRESS_INC), so that the firmware's progress timer does not end the job. The driver's job
 * timeout still does.
 */
void igt_panthor_cs_spin_while(struct igt_panthor_cs *cs, enum cs_condition condition,
			       unsigned int value, unsigned int address, int32_t offset)
{
	const unsigned int loop = igt_panthor_cs_new_label(cs);

	igt_panthor_cs_set_label(cs, loop);
	igt_panthor_cs_load(cs, value, 1, address, offset);
	igt_panthor_cs_raw(cs, cs_wait(0, true));
	igt_panthor_cs_branch(cs, condition, value, loop);
}

/**
 * igt_panthor_cs_raw:
 * @cs: the stream
 * @word: an instruction made by one of the encoders
 *
 * Adds an instruction that the builder has no function for, behind a WAIT for unfinished loads and
 * stores. The builder does not track asynchronous operations of @word itself.
 */
void igt_panthor_cs_raw(struct igt_panthor_cs *cs, uint64_t word)
{
	if (cs->err)
		return;

	settle(cs);
	emit(cs, word);
}

/**
 * igt_panthor_cs_flush_caches:
 * @cs: the stream
 * @scratch: register to overwrite
 *
 * Cleans and invalidates the GPU's caches, so that the CPU sees stores of the GPU, and the GPU sees
 * stores of the CPU.
 */
void igt_panthor_cs_flush_caches(struct igt_panthor_cs *cs, unsigned int scratch)
{
	settle(cs);
	igt_panthor_cs_mov32(cs, scratch, 0);
	igt_panthor_cs_raw(cs, cs_flush(CS_FLUSH_MODE_CLEAN_AND_INVALIDATE,
					CS_FLUSH_MODE_CLEAN_AND_INVALIDATE,
					CS_FLUSH_MODE_INVALIDATE,
					0, scratch, SB_ENTRY_FLUSH));
	igt_panthor_cs_wait(cs);
}

static void resolve_branch(struct igt_panthor_cs *cs,
			   const struct igt_panthor_cs_branch_site *site)
{
	const int64_t target = cs->labels[site->label];
	const int64_t offset = target - (int64_t)site->at - 1;

	if (!check(cs, target >= 0, -EINVAL) ||
	    !check(cs, fits_signed(offset, CS_BRANCH_OFFSET_WIDTH), -ERANGE))
		return;

	cs->words[site->at] |= CS_PUT(BRANCH, OFFSET, offset);
}

/**
 * igt_panthor_cs_end:
 * @cs: the stream
 * @scratch: register to overwrite
 *
 * Ends the stream: flushes the caches and gives each branch its offset.
 *
 * Returns: the size of the stream in bytes, or the first error: -EINVAL for a
 * bad register, count or label and for a branch to a label without a place,
 * -ERANGE for a number that its field cannot hold, -ENOSPC when the memory,
 * the labels or the branches ran out.
 */
int igt_panthor_cs_end(struct igt_panthor_cs *cs, unsigned int scratch)
{
	igt_panthor_cs_flush_caches(cs, scratch);

	for (unsigned int i = 0; i < cs->branch_count && !cs->err; i++)
		resolve_branch(cs, &cs->branches[i]);

	return cs->err ? cs->err : (int)(cs->count * sizeof(*cs->words));
}
