// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "mmu/tlb.h"

#include <stdlib.h>
#include <string.h>

#include "mmu/pt_format.h"

/*
 * A hash table with chains through an array of entries. Links are indices of the array. Entry 0 is
 * not used: index 0 ends a chain, and zeroed heads are empty.
 */
struct tlb_entry {
	uint64_t va;			/* of the first byte of the leaf */
	struct pt_translation leaf;
	uint32_t next;			/* next in the chain or in the free list */
	uint8_t as;
	bool used;
};

struct tlb {
	enum mmu_tlb_mode mode;
	uint64_t random;
	uint32_t capacity, buckets_lg2;
	uint32_t free;			/* first of the free list */
	uint32_t fresh;			/* entries from here on were never used */
	uint32_t hand;			/* round-robin victim */
	uint32_t count[MMU_AS_COUNT][PT_LEVELS];
	uint32_t *head;
	struct tlb_entry *entry;
};

static uint32_t bucket_of(const struct tlb *tlb, unsigned int as, unsigned int level, uint64_t va)
{
	uint64_t key = (va >> pt_entry_lg2(level)) * PT_LEVELS * MMU_AS_COUNT +
		       level * MMU_AS_COUNT + as;

	/* Fibonacci hashing: the high bits of the product depend on all bits of the key. */
	return (key * 0x9e3779b97f4a7c15ull) >> (64 - tlb->buckets_lg2);
}

static uint64_t leaf_start(uint64_t va, unsigned int level)
{
	return va & ~((1ull << pt_entry_lg2(level)) - 1);
}

struct tlb *tlb_create(enum mmu_tlb_mode mode, uint64_t seed)
{
	struct tlb *tlb = calloc(1, sizeof(*tlb));

	if (!tlb)
		return NULL;
	tlb->mode = mode;
	/* 0 is the fixed point of xorshift. */
	tlb->random = seed ? seed : 1;
	tlb->capacity = mode == MMU_TLB_TINY ? TLB_TINY_ENTRIES : TLB_KEEP_ENTRIES;
	tlb->buckets_lg2 = mode == MMU_TLB_TINY ? 3 : 16;
	tlb->head = calloc(1u << tlb->buckets_lg2, sizeof(*tlb->head));
	tlb->entry = calloc(tlb->capacity + 1, sizeof(*tlb->entry));
	if (!tlb->head || !tlb->entry) {
		tlb_destroy(tlb);
		return NULL;
	}
	tlb_clear(tlb);
	return tlb;
}

void tlb_destroy(struct tlb *tlb)
{
	if (!tlb)
		return;
	free(tlb->head);
	free(tlb->entry);
	free(tlb);
}

void tlb_clear(struct tlb *tlb)
{
	memset(tlb->head, 0, sizeof(*tlb->head) << tlb->buckets_lg2);
	memset(tlb->entry, 0, sizeof(*tlb->entry) * (tlb->capacity + 1));
	memset(tlb->count, 0, sizeof(tlb->count));
	tlb->free = 0;
	tlb->fresh = 1;
	tlb->hand = 0;
}

/* The link to the leaf of @level that covers @va, or the link at the end of its chain. */
static uint32_t *find_link(const struct tlb *tlb, unsigned int as, unsigned int level, uint64_t va)
{
	uint32_t *link = &tlb->head[bucket_of(tlb, as, level, va)];
	uint64_t start = leaf_start(va, level);

	for (; *link; link = &tlb->entry[*link].next) {
		const struct tlb_entry *entry = &tlb->entry[*link];

		if (entry->va == start && entry->as == as && entry->leaf.level == level)
			break;
	}
	return link;
}

bool tlb_find(const struct tlb *tlb, unsigned int as, uint64_t va, struct pt_translation *out)
{
	for (int level = PT_LAST_LEVEL; level >= 0; level--) {
		uint32_t found;

		if (!tlb->count[as][level])
			continue;
		found = *find_link(tlb, as, level, va);
		if (found) {
			*out = tlb->entry[found].leaf;
			return true;
		}
	}
	return false;
}

bool tlb_find_level(const struct tlb *tlb, unsigned int as, unsigned int level, uint64_t va,
		    struct pt_translation *out)
{
	uint32_t found = *find_link(tlb, as, level, va);

	if (found)
		*out = tlb->entry[found].leaf;
	return found;
}

unsigned int tlb_count(const struct tlb *tlb, unsigned int as, unsigned int level)
{
	return tlb->count[as][level];
}

void tlb_set_reported(struct tlb *tlb, unsigned int as, uint64_t va, unsigned int level)
{
	uint32_t found = *find_link(tlb, as, level, va);

	if (found)
		tlb->entry[found].leaf.reported = true;
}

bool tlb_next(const struct tlb *tlb, uint32_t *turn, unsigned int *as, uint64_t *va,
	      struct pt_translation *leaf)
{
	const struct tlb_entry *entry;

	/* entry 0 is not used, and behind @fresh none was */
	if (!*turn || *turn >= tlb->fresh)
		*turn = 1;
	if (*turn >= tlb->fresh)
		return false;
	entry = &tlb->entry[(*turn)++];
	*as = entry->as;
	*va = entry->va;
	*leaf = entry->leaf;
	return entry->used;
}

static void drop_link(struct tlb *tlb, uint32_t *link)
{
	uint32_t number = *link;
	struct tlb_entry *entry = &tlb->entry[number];

	*link = entry->next;
	tlb->count[entry->as][entry->leaf.level]--;
	entry->used = false;
	entry->next = tlb->free;
	tlb->free = number;
}

static void drop_entry(struct tlb *tlb, const struct tlb_entry *entry)
{
	drop_link(tlb, find_link(tlb, entry->as, entry->leaf.level, entry->va));
}

static uint64_t xorshift64(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static uint32_t pick_victim(struct tlb *tlb)
{
	if (tlb->mode == MMU_TLB_TINY)
		return 1 + xorshift64(&tlb->random) % tlb->capacity;
	tlb->hand = tlb->hand % tlb->capacity + 1;
	return tlb->hand;
}

static uint32_t take_entry(struct tlb *tlb)
{
	uint32_t number;

	if (!tlb->free && tlb->fresh <= tlb->capacity)
		return tlb->fresh++;
	if (!tlb->free)
		drop_entry(tlb, &tlb->entry[pick_victim(tlb)]);
	number = tlb->free;
	tlb->free = tlb->entry[number].next;
	return number;
}

void tlb_insert(struct tlb *tlb, unsigned int as, uint64_t va, const struct pt_translation *leaf)
{
	uint32_t *link, number;

	if (tlb->mode == MMU_TLB_OFF)
		return;
	number = take_entry(tlb);
	link = &tlb->head[bucket_of(tlb, as, leaf->level, va)];
	tlb->entry[number] = (struct tlb_entry){
		.va = leaf_start(va, leaf->level),
		.leaf = *leaf,
		.next = *link,
		.as = as,
		.used = true,
	};
	*link = number;
	tlb->count[as][leaf->level]++;
}

/* For a small range: look up each possible leaf. */
static unsigned int drop_by_address(struct tlb *tlb, unsigned int as, unsigned int level,
				    uint64_t start, uint64_t leaves)
{
	unsigned int dropped = 0;

	for (uint64_t i = 0; i < leaves; i++) {
		uint32_t *link = find_link(tlb, as, level, start + (i << pt_entry_lg2(level)));

		if (*link) {
			drop_link(tlb, link);
			dropped++;
		}
	}
	return dropped;
}

/* For a large range: check every entry. */
static unsigned int drop_by_scan(struct tlb *tlb, unsigned int as, unsigned int level,
				 uint64_t start, uint64_t last)
{
	unsigned int dropped = 0;

	for (uint32_t number = 1; number < tlb->fresh; number++) {
		const struct tlb_entry *entry = &tlb->entry[number];

		if (entry->used && entry->as == as && entry->leaf.level == level &&
		    entry->va >= start && entry->va <= last) {
			drop_entry(tlb, entry);
			dropped++;
		}
	}
	return dropped;
}

unsigned int tlb_drop_range(struct tlb *tlb, unsigned int as, uint64_t start, uint64_t last)
{
	unsigned int dropped = 0;

	for (unsigned int level = 0; level < PT_LEVELS; level++) {
		uint64_t first = leaf_start(start, level);
		uint64_t leaves = ((last - first) >> pt_entry_lg2(level)) + 1;

		if (!tlb->count[as][level])
			continue;
		if (leaves <= tlb->count[as][level])
			dropped += drop_by_address(tlb, as, level, first, leaves);
		else
			dropped += drop_by_scan(tlb, as, level, first, last);
	}
	return dropped;
}

unsigned int tlb_drop_as(struct tlb *tlb, unsigned int as)
{
	return tlb_drop_range(tlb, as, 0, UINT64_MAX);
}
