// SPDX-License-Identifier: MIT
/* Copyright (C) 2026 The vmali authors */
#include "gpu/gpu_private.h"

#include <stddef.h>

#include "regs/as_regs.h"
#include "regs/gpu_identity.h"
#include "rules/rules.h"
#include "trace/trace.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Properties of the write handler of a range, as flags. */
enum {
	RINGS = 1,		/* the write may give work to the engine */
	TELLS = 2		/* the write handler traces the write itself */
};

/*
 * A range of registers. @read and @write get the byte offset from @first. Without @read, registers
 * read 0; without @write, writes are ignored and logged. @words: names of the registers of a block,
 * one for each word (the range repeats the block); NULL: a single register.
 */
struct reg_range {
	uint32_t first, size;
	const char *name;
	const char *const *words;
	unsigned int word_count;
	uint32_t (*read)(struct gpu *gpu, uint32_t offset);
	void (*write)(struct gpu *gpu, uint32_t offset, uint32_t value);
	unsigned int flags;
};

static uint32_t read_half(uint64_t value, uint32_t offset)
{
	return offset ? value >> 32 : value;
}

static uint32_t read_timestamp(struct gpu *gpu, uint32_t offset)
{
	return read_half(gpu_timestamp(gpu), offset);
}

static uint32_t read_cycles(struct gpu *gpu, uint32_t offset)
{
	return read_half(gpu_cycles(gpu), offset);
}

static uint32_t read_status(struct gpu *gpu, uint32_t offset)
{
	uint64_t status = 0;

	(void)offset;
	status = field_set(status, GPU_STATUS_ACTIVE,
			   mcu_status_read(gpu->mcu) == MCU_STATUS_ENABLED);
	return field_set(status, GPU_STATUS_PWR_ACTIVE, gpu->power.ready[POWER_L2] != 0);
}

static void write_command(struct gpu *gpu, uint32_t offset, uint32_t value)
{
	(void)offset;
	gpu_command(gpu, value);
}

static uint32_t read_power(struct gpu *gpu, uint32_t offset)
{
	return gpu_power_read(&gpu->power, offset);
}

static void write_power(struct gpu *gpu, uint32_t offset, uint32_t value)
{
	bool was_on = gpu->power.ready[POWER_L2];
	uint32_t bits = gpu_power_write(&gpu->power, offset, value);

	if (was_on && !gpu->power.ready[POWER_L2] &&
	    mcu_status_read(gpu->mcu) == MCU_STATUS_ENABLED)
		rules_broken(RULE_L2_OFF_BUSY, RULES_NO_AS, REG_POWER + offset,
			     "the L2 is powered off, %u groups are resident",
			     mcu_resident_groups(gpu->mcu));
	gpu_irq_raise(&gpu->irq[BOARD_VECTOR_GPU], bits);
}

static uint32_t read_gpu_int(struct gpu *gpu, uint32_t offset)
{
	return gpu_irq_read(&gpu->irq[BOARD_VECTOR_GPU], offset);
}

static void write_gpu_int(struct gpu *gpu, uint32_t offset, uint32_t value)
{
	gpu_irq_write(&gpu->irq[BOARD_VECTOR_GPU], offset, value);
}

static uint32_t read_job_int(struct gpu *gpu, uint32_t offset)
{
	return gpu_irq_read(&gpu->irq[BOARD_VECTOR_JOB], offset);
}

static void write_job_int(struct gpu *gpu, uint32_t offset, uint32_t value)
{
	gpu_irq_write(&gpu->irq[BOARD_VECTOR_JOB], offset, value);
}

static uint32_t read_mmu_int(struct gpu *gpu, uint32_t offset)
{
	return gpu_irq_read(&gpu->irq[BOARD_VECTOR_MMU], offset);
}

static void write_mmu_int(struct gpu *gpu, uint32_t offset, uint32_t value)
{
	gpu_irq_write(&gpu->irq[BOARD_VECTOR_MMU], offset, value);
	for (unsigned int as = 0; offset == INT_CLEAR && as < MMU_AS_COUNT; as++) {
		if (value & (1u << as))
			mmu_fault_cleared(gpu->mmu, as);
	}
}

static uint32_t read_mcu(struct gpu *gpu, uint32_t offset)
{
	return offset ? mcu_status_read(gpu->mcu) : mcu_control_read(gpu->mcu);
}

static void write_mcu(struct gpu *gpu, uint32_t offset, uint32_t value)
{
	if (offset)
		return;		/* MCU_STATUS is read-only */
	rules_note(RULES_NO_AS, "MCU_CONTROL", value, value);
	if (value != MCU_CONTROL_DISABLE && !gpu->power.ready[POWER_L2])
		rules_broken(RULE_MCU_WITHOUT_L2, RULES_NO_AS, REG_MCU_CONTROL,
			     "MCU_CONTROL = %u while the L2 is off", value);
	mcu_control_write(gpu->mcu, value);
}

static uint32_t read_as(struct gpu *gpu, uint32_t offset)
{
	return mmu_reg_read(gpu->mmu, offset);
}

static void write_as(struct gpu *gpu, uint32_t offset, uint32_t value)
{
	mmu_reg_write(gpu->mmu, offset, value);
	if (offset % AS_BLOCK_SIZE == AS_REG_COMMAND)
		mcu_kick(gpu->mcu);
}

static uint32_t read_latest_flush(struct gpu *gpu, uint32_t offset)
{
	(void)offset;
	return gpu->latest_flush;
}

static void write_doorbell(struct gpu *gpu, uint32_t offset, uint32_t value)
{
	/* The doorbell is the first word of its page. Any value rings it. */
	(void)value;
	if (offset % REG_DOORBELL_STRIDE == 0)
		mcu_doorbell(gpu->mcu, offset / REG_DOORBELL_STRIDE);
}

static const char *const int_words[REG_INT_SIZE / 4] = { "RAWSTAT", "CLEAR", "MASK", "STAT" };

/* clang-format off */
static const char *const as_words[AS_BLOCK_SIZE / 4] = {
	[AS_REG_TRANSTAB / 4] = "TRANSTAB",	      "TRANSTAB_HI",
	[AS_REG_MEMATTR / 4] = "MEMATTR",	      "MEMATTR_HI",
	[AS_REG_LOCKADDR / 4] = "LOCKADDR",	      "LOCKADDR_HI",
	[AS_REG_COMMAND / 4] = "COMMAND",
	[AS_REG_FAULTSTATUS / 4] = "FAULTSTATUS",
	[AS_REG_FAULTADDRESS / 4] = "FAULTADDRESS", "FAULTADDRESS_HI",
	[AS_REG_STATUS / 4] = "STATUS",		      "+0x2c",
	[AS_REG_TRANSCFG / 4] = "TRANSCFG",	      "TRANSCFG_HI",
	[AS_REG_FAULTEXTRA / 4] = "FAULTEXTRA",	      "FAULTEXTRA_HI",
};

#define WORDS(table) (table), ARRAY_SIZE(table)
#define ONE_WORD NULL, 0

static const struct reg_range ranges[] = {
	{ REG_GPU_INT, REG_INT_SIZE, "GPU_INT", WORDS(int_words), read_gpu_int, write_gpu_int, 0 },
	{ REG_GPU_CMD, 4, "GPU_CMD", ONE_WORD, NULL, write_command, RINGS | TELLS },
	{ REG_GPU_STATUS, 4, "GPU_STATUS", ONE_WORD, read_status, NULL, 0 },
	{ REG_CYCLE_COUNT, 8, "CYCLE_COUNT", ONE_WORD, read_cycles, NULL, 0 },
	{ REG_TIMESTAMP, 8, "TIMESTAMP", ONE_WORD, read_timestamp, NULL, 0 },
	{ REG_POWER, REG_POWER_SIZE, "POWER", ONE_WORD, read_power, write_power, TELLS },
	{ REG_MCU_CONTROL, 8, "MCU_CONTROL", ONE_WORD, read_mcu, write_mcu, RINGS },
	{ REG_JOB_INT, REG_INT_SIZE, "JOB_INT", WORDS(int_words), read_job_int, write_job_int, 0 },
	{ REG_MMU_INT, REG_INT_SIZE, "MMU_INT", WORDS(int_words), read_mmu_int, write_mmu_int, 0 },
	{ REG_AS, AS_BLOCK_SIZE * MMU_AS_COUNT, "AS", WORDS(as_words), read_as, write_as, RINGS },
	{ REG_LATEST_FLUSH, 4, "LATEST_FLUSH", ONE_WORD, read_latest_flush, NULL, 0 },
	{ REG_DOORBELL(0), BOARD_REGS_SIZE - REG_DOORBELL(0), "DOORBELL", ONE_WORD,
	  NULL, write_doorbell, RINGS | TELLS },
};

/* Registers that store the written value and have no effect. */
static const struct {
	uint32_t offset;
	const char *name;
} plain[] = {
	{ REG_L2_CONFIG, "L2_CONFIG" },
	{ REG_PWR_KEY, "PWR_KEY" },
	{ REG_PWR_OVERRIDE0, "PWR_OVERRIDE0" },
	{ REG_PWR_OVERRIDE1, "PWR_OVERRIDE1" },
	{ REG_ASN_HASH(0), "ASN_HASH0" },
	{ REG_ASN_HASH(1), "ASN_HASH1" },
	{ REG_ASN_HASH(2), "ASN_HASH2" },
	{ REG_COHERENCY_PROTOCOL, "COHERENCY_PROTOCOL" },
};
/* clang-format on */

_Static_assert(ARRAY_SIZE(plain) == GPU_PLAIN_COUNT, "one word for each plain register");

static const struct reg_range *range_find(uint32_t offset)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		if (offset - ranges[i].first < ranges[i].size)
			return &ranges[i];
	}
	return NULL;
}

static int plain_find(uint32_t offset)
{
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		if (plain[i].offset == offset)
			return i;
	}
	return -1;
}

static const struct gpu_identity *identity_find(uint32_t offset)
{
	for (size_t i = 0; i < ARRAY_SIZE(gpu_identity); i++) {
		if (gpu_identity[i].offset == offset)
			return &gpu_identity[i];
	}
	return NULL;
}

uint32_t gpu_reg_read(struct gpu *gpu, uint32_t offset)
{
	const struct reg_range *range = range_find(offset);
	const struct gpu_identity *id;
	int i;

	if (range)
		return range->read ? range->read(gpu, offset - range->first) : 0;
	id = identity_find(offset);
	if (id) {
		trace("reg", "%s reads 0x%08x", id->name, id->value);
		return id->value;
	}
	i = plain_find(offset);
	return i < 0 ? 0 : gpu->plain[i];
}

static void plain_write(struct gpu *gpu, uint32_t offset, uint32_t value)
{
	int i = plain_find(offset);

	if (identity_find(offset)) {
		rules_broken(RULE_REGISTER_READ_ONLY, RULES_NO_AS, offset, "0x%08x to %s", value,
			     identity_find(offset)->name);
		return;
	}
	if (i < 0) {
		rules_broken(RULE_REGISTER_UNKNOWN, RULES_NO_AS, offset, "0x%08x to 0x%05x", value,
			     offset);
		return;
	}
	trace("reg", "%s = 0x%08x", plain[i].name, value);
	gpu->plain[i] = value;
}

static void trace_write(const struct reg_range *range, uint32_t word, uint32_t value)
{
	if (!range->words)
		trace("reg", "%s = 0x%08x", range->name, value);
	else if (range->size / 4 == range->word_count)
		trace("reg", "%s %s = 0x%08x", range->name, range->words[word], value);
	else
		trace("reg", "%s%u %s = 0x%08x", range->name, word / range->word_count,
		      range->words[word % range->word_count], value);
}

bool gpu_reg_write(struct gpu *gpu, uint32_t offset, uint32_t value)
{
	const struct reg_range *range = range_find(offset);

	if (!range) {
		plain_write(gpu, offset, value);
		return false;
	}
	if (!range->write) {
		rules_broken(RULE_REGISTER_READ_ONLY, RULES_NO_AS, offset, "0x%08x to %s", value,
			     range->name);
		return false;
	}
	if (!(range->flags & TELLS))
		trace_write(range, (offset - range->first) / 4, value);
	range->write(gpu, offset - range->first, value);
	return range->flags & RINGS;
}
