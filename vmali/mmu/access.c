// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include <errno.h>

#include "memory/guest_memory.h"
#include "mmu/internal.h"
#include "mmu/pt_format.h"
#include "mmu/referee.h"
#include "regs/as_regs.h"
#include "rules/rules.h"
#include "trace/trace.h"

/* Part of an access that is mapped by one leaf. */
struct segment {
	uint64_t gpa;
	size_t len;
};

/* Number of pages of the longest access, if it is not page-aligned. */
#define MAX_SEGMENTS (MMU_ACCESS_MAX / (1u << PT_GRANULE_LG2) + 1)

static const struct {
	uint8_t type;
	const char *name;
} access_types[] = {
	[MMU_ACCESS_READ]	= { AS_ACCESS_READ,	"read" },
	[MMU_ACCESS_WRITE]	= { AS_ACCESS_WRITE,	"write" },
	[MMU_ACCESS_EXECUTE]	= { AS_ACCESS_EXECUTE,	"execute" },
};

/*
 * panthor prints bit 10 as "DECODER FAULT". It is set for bus faults: accesses, and fetches of page
 * table entries, outside of RAM, and stores to read-only RAM. The source ID is always 0 (assumed;
 * the driver only prints it).
 */
static uint32_t fault_status(unsigned int exception, enum mmu_access access)
{
	uint64_t status = field_set(0, AS_FAULTSTATUS_EXCEPTION, exception);

	status = field_set(status, AS_FAULTSTATUS_ACCESS, access_types[access].type);
	return field_set(status, AS_FAULTSTATUS_DECODER, exception == AS_EXC_GPU_BUS_FAULT);
}

static int raise_fault(struct mmu *mmu, unsigned int number, uint64_t va, enum mmu_access access,
		       unsigned int exception)
{
	struct mmu_as *as = &mmu->as[number];

	mmu->stats.faults++;
	trace("mmu", "AS%u fault 0x%02x at 0x%llx, %s%s", number, exception,
	      (unsigned long long)va, access_types[access].name,
	      as->fault_pending ? ", one is pending" : "");
	if (as->fault_pending)
		return -EFAULT;
	as->fault_pending = true;
	as->faultaddress = va;
	as->faultstatus = fault_status(exception, access);
	if (mmu->config.fault)
		mmu->config.fault(mmu->config.ctx, number);
	return -EFAULT;
}

void mmu_fault_cleared(struct mmu *mmu, unsigned int as)
{
	if (as < MMU_AS_COUNT)
		mmu->as[as].fault_pending = false;
}

static bool allowed(const struct pt_perms *perms, enum mmu_access access)
{
	switch (access) {
	case MMU_ACCESS_READ:
		return perms->read;
	case MMU_ACCESS_WRITE:
		return perms->write;
	case MMU_ACCESS_EXECUTE:
		return perms->execute;
	}
	return false;
}

static unsigned int find_leaf(struct mmu *mmu, unsigned int number, uint64_t va,
			      struct pt_translation *leaf)
{
	unsigned int exception;
	const char *malformed;

	mmu->as[number].used = true;
	if (tlb_find(mmu->tlb, number, va, leaf)) {
		mmu->stats.hits++;
		return AS_EXC_NONE;
	}
	mmu->stats.walks++;
	exception = pt_walk(mmu->mem, &mmu->as[number].regime, va, leaf, &malformed);
	if (malformed)
		referee_malformed(number, va, malformed);
	if (exception == AS_EXC_NONE)
		tlb_insert(mmu->tlb, number, va, leaf);
	return exception;
}

/* Translate by page tables. @out extends from @va to the end of its leaf. */
static unsigned int translate_4k(struct mmu *mmu, unsigned int number, uint64_t va,
				 enum mmu_access access, struct segment *out)
{
	struct pt_translation leaf;
	unsigned int exception = find_leaf(mmu, number, va, &leaf);
	uint64_t leaf_size, offset;

	if (exception != AS_EXC_NONE)
		return exception;
	if (!allowed(&leaf.perms, access))
		return AS_EXC_PERM_FAULT + leaf.level;
	leaf_size = 1ull << pt_entry_lg2(leaf.level);
	offset = va & (leaf_size - 1);
	*out = (struct segment){ leaf.pa + offset, leaf_size - offset };
	return AS_EXC_NONE;
}

static unsigned int translate_identity(uint64_t va, struct segment *out)
{
	uint64_t limit = 1ull << PT_PA_BITS;

	if (va >= limit)
		return AS_EXC_ADDR_SIZE_FAULT_OUT;
	*out = (struct segment){ va, limit - va };
	return AS_EXC_NONE;
}

static unsigned int translate(struct mmu *mmu, unsigned int number, uint64_t va,
			      enum mmu_access access, struct segment *out)
{
	switch (mmu->as[number].mode) {
	case AS_ADRMODE_AARCH64_4K:
		return translate_4k(mmu, number, va, access, out);
	case AS_ADRMODE_IDENTITY:
		return translate_identity(va, out);
	case AS_ADRMODE_UNMAPPED:
		return AS_EXC_TRANSLATION_FAULT;
	default:
		rules_broken(RULE_ADDRESS_MODE_UNKNOWN, number, va, "an access in address mode %u",
			     mmu->as[number].mode);
		return AS_EXC_TRANSLATION_FAULT;
	}
}

static bool is_locked(const struct mmu_as *as, uint64_t va, size_t len)
{
	return as->lock.held && va <= as->lock.last && va + (len - 1) >= as->lock.start;
}

/*
 * Translate the whole access before the first byte is copied, so that a fault in the last page
 * leaves the first one unchanged. Return: the number of segments, or a negative errno.
 */
static int prepare(struct mmu *mmu, unsigned int number, uint64_t va, size_t len,
		   enum mmu_access access, struct segment *segment)
{
	int count = 0;

	if (number >= MMU_AS_COUNT || len > MMU_ACCESS_MAX)
		return -EINVAL;
	if (len && va + (len - 1) < va)
		return raise_fault(mmu, number, va, access, AS_EXC_ADDR_SIZE_FAULT_IN);
	if (len && is_locked(&mmu->as[number], va, len))
		return -EAGAIN;
	while (len) {
		struct segment *s = &segment[count++];
		unsigned int exception = translate(mmu, number, va, access, s);

		if (exception != AS_EXC_NONE)
			return raise_fault(mmu, number, va, access, exception);
		if (s->len > len)
			s->len = len;
		va += s->len;
		len -= s->len;
	}
	return count;
}

static int bus_fault(struct mmu *mmu, unsigned int as, uint64_t va, enum mmu_access access)
{
	return raise_fault(mmu, as, va, access, AS_EXC_GPU_BUS_FAULT);
}

/* @access: MMU_ACCESS_READ or MMU_ACCESS_EXECUTE */
static int read_range(struct mmu *mmu, unsigned int as, uint64_t va, void *buf, size_t len,
		      enum mmu_access access)
{
	struct segment segment[MAX_SEGMENTS];
	int count = prepare(mmu, as, va, len, access, segment);
	char *to = buf;

	for (int i = 0; i < count; i++) {
		if (guest_memory_read(mmu->mem, segment[i].gpa, to, segment[i].len))
			return bus_fault(mmu, as, va, access);
		to += segment[i].len;
		va += segment[i].len;
	}
	return count < 0 ? count : 0;
}

int mmu_read(struct mmu *mmu, unsigned int as, uint64_t va, void *buf, size_t len)
{
	return read_range(mmu, as, va, buf, len, MMU_ACCESS_READ);
}

int mmu_fetch(struct mmu *mmu, unsigned int as, uint64_t va, void *buf, size_t len)
{
	return read_range(mmu, as, va, buf, len, MMU_ACCESS_EXECUTE);
}

int mmu_write(struct mmu *mmu, unsigned int as, uint64_t va, const void *buf, size_t len)
{
	struct segment segment[MAX_SEGMENTS];
	int count = prepare(mmu, as, va, len, MMU_ACCESS_WRITE, segment);
	const char *from = buf;

	for (int i = 0; i < count; i++) {
		if (guest_memory_write(mmu->mem, segment[i].gpa, from, segment[i].len))
			return bus_fault(mmu, as, va, MMU_ACCESS_WRITE);
		from += segment[i].len;
		va += segment[i].len;
	}
	return count < 0 ? count : 0;
}

/* Translate a naturally aligned word, which never crosses a page. */
static int prepare_word(struct mmu *mmu, unsigned int as, uint64_t va, size_t size,
			enum mmu_access access, uint64_t *gpa)
{
	struct segment segment;
	int count;

	if (va % size)
		return -EINVAL;
	count = prepare(mmu, as, va, size, access, &segment);
	if (count < 0)
		return count;
	*gpa = segment.gpa;
	return 0;
}

int mmu_read32(struct mmu *mmu, unsigned int as, uint64_t va, uint32_t *value)
{
	uint64_t gpa;
	int ret = prepare_word(mmu, as, va, sizeof(*value), MMU_ACCESS_READ, &gpa);

	if (ret)
		return ret;
	if (guest_memory_read32(mmu->mem, gpa, value))
		return bus_fault(mmu, as, va, MMU_ACCESS_READ);
	return 0;
}

int mmu_read64(struct mmu *mmu, unsigned int as, uint64_t va, uint64_t *value)
{
	uint64_t gpa;
	int ret = prepare_word(mmu, as, va, sizeof(*value), MMU_ACCESS_READ, &gpa);

	if (ret)
		return ret;
	if (guest_memory_read64(mmu->mem, gpa, value))
		return bus_fault(mmu, as, va, MMU_ACCESS_READ);
	return 0;
}

int mmu_write32(struct mmu *mmu, unsigned int as, uint64_t va, uint32_t value)
{
	uint64_t gpa;
	int ret = prepare_word(mmu, as, va, sizeof(value), MMU_ACCESS_WRITE, &gpa);

	if (ret)
		return ret;
	if (guest_memory_write32(mmu->mem, gpa, value))
		return bus_fault(mmu, as, va, MMU_ACCESS_WRITE);
	return 0;
}

int mmu_write64(struct mmu *mmu, unsigned int as, uint64_t va, uint64_t value)
{
	uint64_t gpa;
	int ret = prepare_word(mmu, as, va, sizeof(value), MMU_ACCESS_WRITE, &gpa);

	if (ret)
		return ret;
	if (guest_memory_write64(mmu->mem, gpa, value))
		return bus_fault(mmu, as, va, MMU_ACCESS_WRITE);
	return 0;
}
