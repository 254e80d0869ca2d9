/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef PANVK_SPARSE_MODEL_H
#define PANVK_SPARSE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the buffers must hold, computed from the operations alone.
 *
 * A buffer is a list of blocks: of the size that the driver aligns binds to, or of a multiple of
 * it. Each block has a block of a memory, or nothing: then it reads 0 and what is written to it is
 * lost. Besides the sparse buffers there is a plain buffer over each memory, which shows the same
 * words at another address. Ranges are in words of 32 bits, or in blocks where the name says so.
 */
#define MEMORIES 3
#define SPARSE_BUFFERS 3
#define BUFFERS (SPARSE_BUFFERS + MEMORIES)
#define NO_MEMORY (-1)

struct model_block {
	int memory;		/* or NO_MEMORY */
	uint32_t block;		/* of that memory */
};

struct model {
	uint32_t block_words;
	uint32_t memory_blocks[MEMORIES];
	uint32_t buffer_blocks[BUFFERS];	/* the last ones are the plain buffers */
	uint32_t *content[MEMORIES];
	struct model_block *map[BUFFERS];
};

#define PIECES_MAX 4

/* Part of a bind: blocks of a sparse buffer that get blocks of a memory, or lose theirs. */
struct piece {
	unsigned int buffer;
	uint32_t first, count;
	int memory;		/* or NO_MEMORY */
	uint32_t memory_first;
};

enum op_kind {
	OP_BIND,	/* pieces, in one call, without overlaps among them */
	OP_BIND_CHAIN,	/* pieces that may overlap, in one call, in an order set by semaphores */
	OP_FILL,	/* vkCmdFillBuffer(): words first, count of buffer; the value is the seed */
	OP_UPDATE,	/* vkCmdUpdateBuffer() */
	OP_COPY,	/* vkCmdCopyBuffer(): from source, source_first */
	OP_QUERIES,	/* vkCmdCopyQueryPoolResults() of queries that are reset: pairs of 0 */
	OP_SCATTER,	/* stores of a shader to words at random, all in different places */
	OP_ADD,		/* atomic additions of a shader to words at random */
	OP_RECREATE,	/* destroys a sparse buffer, which may be bound, and creates it anew */
	OP_COUNT
};

/* How an operation waits for the one before it. */
enum op_order {
	ORDER_BINARY,	/* binary semaphore */
	ORDER_TIMELINE,
	ORDER_CPU,	/* the CPU waits for a fence */
	ORDER_COUNT
};

struct op {
	enum op_kind kind;
	enum op_order order;
	bool evict;		/* run the driver's shrinker before it */
	unsigned int queue;	/* the first queue from this one on that can do it */
	unsigned int pieces;
	struct piece piece[PIECES_MAX];
	unsigned int buffer, source;
	uint32_t first, count, source_first;
	uint32_t seed;
};

#define QUERIES_MAX 64

/* Words that a shader accesses, with values; of OP_SCATTER and OP_ADD. */
#define SCATTER_MAX 256

struct scatter {
	unsigned int count;
	uint32_t word[SCATTER_MAX], value[SCATTER_MAX];
};

/* A bijective hash. */
uint32_t model_hash(uint32_t value);

/* Word @word of memory @memory before the first operation. */
uint32_t model_initial(unsigned int memory, uint32_t word);

void model_open(struct model *model, uint32_t block_words, const uint32_t *buffer_blocks,
		const uint32_t *memory_blocks);
void model_close(struct model *model);

/* The word behind a word of a buffer, NULL if there is no memory. */
uint32_t *model_word(const struct model *model, unsigned int buffer, uint32_t word);

/*
 * Whether Vulkan defines what @op does. Ranges must be inside. Where @aliased is false, no block of
 * memory may be bound twice, and commands do not use the plain buffers. Where @strict is false, what has no memory must not be read. Words
 * that one command writes with different values must be different.
 */
bool model_allows(const struct model *model, const struct op *op, bool aliased, bool strict);

/* The words and values of OP_SCATTER and OP_ADD. Those of OP_SCATTER have different places. */
void model_scatter(const struct model *model, const struct op *op, struct scatter *scatter);

/* The word @i of the data of OP_UPDATE. */
uint32_t model_update(const struct op *op, uint32_t i);

/* Does what @op does. */
void model_apply(struct model *model, const struct op *op);

/* The operation in words, as "bind buffer 1 blocks 3+2 to memory 0 block 7". */
void model_describe(const struct op *op, char *text, size_t size);

#endif
