// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "mmu/mmu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mmu/internal.h"
#include "regs/as_regs.h"

static int parse_seed(const char *text, uint64_t *seed)
{
	char *end;

	/* Reject a sign and leading blanks, which strtoull() accepts. */
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*seed = strtoull(text, &end, 0);
	return errno || *end ? -EINVAL : 0;
}

int mmu_parse_tlb_mode(const char *text, struct mmu_config *config)
{
	static const char tiny[] = "tiny:";
	uint64_t seed = 0;

	if (!strcmp(text, "keep")) {
		config->tlb = MMU_TLB_KEEP;
	} else if (!strcmp(text, "off")) {
		config->tlb = MMU_TLB_OFF;
	} else if (!strncmp(text, tiny, strlen(tiny))) {
		if (parse_seed(text + strlen(tiny), &seed))
			return -EINVAL;
		config->tlb = MMU_TLB_TINY;
	} else {
		return -EINVAL;
	}
	config->seed = seed;
	return 0;
}

struct mmu *mmu_create(struct guest_memory *mem, const struct mmu_config *config)
{
	struct mmu *mmu = calloc(1, sizeof(*mmu));

	if (!mmu)
		return NULL;
	mmu->mem = mem;
	mmu->config = *config;
	mmu->tlb = tlb_create(config->tlb, config->seed);
	if (!mmu->tlb) {
		free(mmu);
		return NULL;
	}
	mmu_reset(mmu);
	return mmu;
}

void mmu_destroy(struct mmu *mmu)
{
	if (!mmu)
		return;
	tlb_destroy(mmu->tlb);
	free(mmu);
}

void mmu_reset(struct mmu *mmu)
{
	memset(mmu->as, 0, sizeof(mmu->as));
	for (unsigned int as = 0; as < MMU_AS_COUNT; as++)
		mmu->as[as].mode = AS_ADRMODE_UNMAPPED;
	tlb_clear(mmu->tlb);
}

void mmu_get_stats(const struct mmu *mmu, struct mmu_stats *stats)
{
	*stats = mmu->stats;
}
