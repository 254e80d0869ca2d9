// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t model_hash(uint32_t value)
{
	value ^= value >> 16;
	value *= 0x7feb352d;
	value ^= value >> 15;
	value *= 0x846ca68b;
	return value ^ value >> 16;
}

/* Never 0, which is what an unbound word reads. */
uint32_t model_initial(unsigned int memory, uint32_t word)
{
	return model_hash((memory + 1) << 28 ^ word) | 1;
}

static struct model_block *map_of(uint32_t blocks, int memory)
{
	struct model_block *map = malloc(blocks * sizeof(*map));

	for (uint32_t i = 0; i < blocks; i++)
		map[i] = (struct model_block){ memory, memory == NO_MEMORY ? 0 : i };
	return map;
}

void model_open(struct model *model, uint32_t block_words, const uint32_t *buffer_blocks,
		const uint32_t *memory_blocks)
{
	model->block_words = block_words;
	for (unsigned int i = 0; i < SPARSE_BUFFERS; i++) {
		model->buffer_blocks[i] = buffer_blocks[i];
		model->map[i] = map_of(buffer_blocks[i], NO_MEMORY);
	}
	for (unsigned int i = 0; i < MEMORIES; i++) {
		uint32_t words = memory_blocks[i] * block_words;

		model->memory_blocks[i] = memory_blocks[i];
		model->buffer_blocks[SPARSE_BUFFERS + i] = memory_blocks[i];
		model->map[SPARSE_BUFFERS + i] = map_of(memory_blocks[i], i);
		model->content[i] = malloc(words * sizeof(uint32_t));
		for (uint32_t word = 0; word < words; word++)
			model->content[i][word] = model_initial(i, word);
	}
}

void model_close(struct model *model)
{
	for (unsigned int i = 0; i < BUFFERS; i++)
		free(model->map[i]);
	for (unsigned int i = 0; i < MEMORIES; i++)
		free(model->content[i]);
}

uint32_t *model_word(const struct model *model, unsigned int buffer, uint32_t word)
{
	const struct model_block *block = &model->map[buffer][word / model->block_words];

	if (block->memory == NO_MEMORY)
		return NULL;
	return &model->content[block->memory][block->block * model->block_words +
					      word % model->block_words];
}

/* What is allowed */

static bool inside(uint32_t first, uint32_t count, uint32_t size)
{
	return count && first < size && count <= size - first;
}

static bool range_inside(const struct model *model, unsigned int buffer, uint32_t first,
			 uint32_t count)
{
	return buffer < BUFFERS &&
	       inside(first, count, model->buffer_blocks[buffer] * model->block_words);
}

static bool overlap(uint32_t a, uint32_t b, uint32_t a_count, uint32_t b_count)
{
	return a < b + b_count && b < a + a_count;
}

static bool piece_allowed(const struct model *model, const struct piece *piece)
{
	if (piece->buffer >= SPARSE_BUFFERS ||
	    !inside(piece->first, piece->count, model->buffer_blocks[piece->buffer]))
		return false;
	return piece->memory == NO_MEMORY ||
	       inside(piece->memory_first, piece->count, model->memory_blocks[piece->memory]);
}

static bool pieces_overlap(const struct op *op)
{
	for (unsigned int i = 0; i < op->pieces; i++) {
		for (unsigned int j = 0; j < i; j++) {
			const struct piece *a = &op->piece[i], *b = &op->piece[j];

			if (a->buffer == b->buffer && overlap(a->first, b->first, a->count, b->count))
				return true;
		}
	}
	return false;
}

/* Whether a block of memory of @piece is bound elsewhere than where the piece goes. */
static bool piece_aliases(const struct model *model, const struct piece *piece)
{
	for (unsigned int buffer = 0; buffer < SPARSE_BUFFERS; buffer++) {
		for (uint32_t i = 0; i < model->buffer_blocks[buffer]; i++) {
			const struct model_block *block = &model->map[buffer][i];

			if (block->memory == piece->memory && block->memory != NO_MEMORY &&
			    block->block - piece->memory_first < piece->count &&
			    (buffer != piece->buffer || i - piece->first >= piece->count))
				return true;
		}
	}
	return false;
}

/* Whether two pieces have memory in common. */
static bool pieces_alias(const struct op *op)
{
	for (unsigned int i = 0; i < op->pieces; i++) {
		for (unsigned int j = 0; j < i; j++) {
			const struct piece *a = &op->piece[i], *b = &op->piece[j];

			if (a->memory == b->memory && a->memory != NO_MEMORY &&
			    overlap(a->memory_first, b->memory_first, a->count, b->count))
				return true;
		}
	}
	return false;
}

static bool bind_allowed(const struct model *model, const struct op *op, bool aliased)
{
	for (unsigned int i = 0; i < op->pieces; i++) {
		if (!piece_allowed(model, &op->piece[i]))
			return false;
		if (!aliased && piece_aliases(model, &op->piece[i]))
			return false;
	}
	if (!aliased && pieces_alias(op))
		return false;
	return op->pieces && (op->kind == OP_BIND_CHAIN || !pieces_overlap(op));
}

/* Whether the blocks of memory behind two ranges have one in common, other than in one place. */
static bool shares(const struct model *model, unsigned int a, uint32_t a_first, uint32_t a_count,
		   unsigned int b, uint32_t b_first, uint32_t b_count)
{
	uint32_t words = model->block_words;

	for (uint32_t i = a_first / words; i <= (a_first + a_count - 1) / words; i++) {
		const struct model_block *one = &model->map[a][i];

		for (uint32_t j = b_first / words; j <= (b_first + b_count - 1) / words; j++) {
			const struct model_block *other = &model->map[b][j];

			if (one->memory != NO_MEMORY && one != other &&
			    one->memory == other->memory && one->block == other->block)
				return true;
		}
	}
	return false;
}

static bool has_holes(const struct model *model, unsigned int buffer, uint32_t first,
		      uint32_t count)
{
	uint32_t words = model->block_words;

	for (uint32_t i = first / words; i <= (first + count - 1) / words; i++) {
		if (model->map[buffer][i].memory == NO_MEMORY)
			return true;
	}
	return false;
}

static bool copy_allowed(const struct model *model, const struct op *op, bool strict)
{
	if (!range_inside(model, op->source, op->source_first, op->count) ||
	    (!strict && has_holes(model, op->source, op->source_first, op->count)))
		return false;
	if (op->source == op->buffer &&
	    overlap(op->source_first, op->first, op->count, op->count))
		return false;
	/* A block that both ranges have a part of is in the two ranges at one place. */
	return !shares(model, op->buffer, op->first, op->count, op->source, op->source_first,
		       op->count);
}

bool model_allows(const struct model *model, const struct op *op, bool aliased, bool strict)
{
	if (op->kind == OP_BIND || op->kind == OP_BIND_CHAIN)
		return bind_allowed(model, op, aliased);
	if (op->kind == OP_RECREATE)
		return op->buffer < SPARSE_BUFFERS;
	if (!range_inside(model, op->buffer, op->first, op->count))
		return false;
	if (!aliased && (op->buffer >= SPARSE_BUFFERS || op->source >= SPARSE_BUFFERS))
		return false;
	if (op->kind == OP_QUERIES && (op->count % 2 || op->count > 2 * QUERIES_MAX))
		return false;
	if (op->kind == OP_COPY && !copy_allowed(model, op, strict))
		return false;
	if (op->kind == OP_COPY || op->kind == OP_UPDATE)
		return !shares(model, op->buffer, op->first, op->count, op->buffer, op->first,
			       op->count);
	return true;
}

/* Effects */

static bool has_place(const struct model *model, unsigned int buffer,
		      const struct scatter *scatter, uint32_t word)
{
	const uint32_t *place = model_word(model, buffer, word);

	for (unsigned int i = 0; i < scatter->count; i++) {
		if (scatter->word[i] == word ||
		    (place && model_word(model, buffer, scatter->word[i]) == place))
			return true;
	}
	return false;
}

/* The first and the last word of the range, words around each end of a block, and others at random. */
static uint32_t scatter_word(const struct model *model, const struct op *op, unsigned int i,
			     uint32_t random)
{
	uint32_t block = op->first / model->block_words + 1 + i / 4;
	uint32_t edge = block * model->block_words - i % 2;

	if (i < 2)
		return i ? op->first + op->count - 1 : op->first;
	if (i % 4 < 2 && edge > op->first && edge < op->first + op->count)
		return edge;
	return op->first + random % op->count;
}

void model_scatter(const struct model *model, const struct op *op, struct scatter *scatter)
{
	unsigned int wanted = op->count < SCATTER_MAX ? op->count : SCATTER_MAX;
	uint32_t random = op->seed;

	scatter->count = 0;
	for (unsigned int i = 0; i < wanted; i++) {
		uint32_t word;

		random = model_hash(random + i + 1);
		word = scatter_word(model, op, i, random);
		if (op->kind == OP_SCATTER && has_place(model, op->buffer, scatter, word))
			continue;
		scatter->word[scatter->count] = word;
		scatter->value[scatter->count++] = model_hash(random ^ op->seed) | 1;
	}
}

uint32_t model_update(const struct op *op, uint32_t i)
{
	return model_hash(op->seed + i) | 1;
}

static void apply_piece(struct model *model, const struct piece *piece)
{
	for (uint32_t i = 0; i < piece->count; i++) {
		struct model_block *block = &model->map[piece->buffer][piece->first + i];

		block->memory = piece->memory;
		block->block = piece->memory == NO_MEMORY ? 0 : piece->memory_first + i;
	}
}

static void apply_scatter(struct model *model, const struct op *op)
{
	struct scatter scatter;

	model_scatter(model, op, &scatter);
	for (unsigned int i = 0; i < scatter.count; i++) {
		uint32_t *word = model_word(model, op->buffer, scatter.word[i]);

		if (word)
			*word = scatter.value[i] + (op->kind == OP_ADD ? *word : 0);
	}
}

static uint32_t value_of(const struct model *model, const struct op *op, uint32_t i)
{
	const uint32_t *source;

	if (op->kind == OP_FILL)
		return op->seed;
	if (op->kind == OP_UPDATE)
		return model_update(op, i);
	if (op->kind == OP_QUERIES)
		return 0;
	source = model_word(model, op->source, op->source_first + i);
	return source ? *source : 0;
}

static void apply_range(struct model *model, const struct op *op)
{
	for (uint32_t i = 0; i < op->count; i++) {
		uint32_t *word = model_word(model, op->buffer, op->first + i);

		if (word)
			*word = value_of(model, op, i);
	}
}

static void unbind_all(struct model *model, unsigned int buffer)
{
	for (uint32_t i = 0; i < model->buffer_blocks[buffer]; i++)
		model->map[buffer][i] = (struct model_block){ NO_MEMORY, 0 };
}

void model_apply(struct model *model, const struct op *op)
{
	switch (op->kind) {
	case OP_BIND:
	case OP_BIND_CHAIN:
		for (unsigned int i = 0; i < op->pieces; i++)
			apply_piece(model, &op->piece[i]);
		break;
	case OP_SCATTER:
	case OP_ADD:
		apply_scatter(model, op);
		break;
	case OP_RECREATE:
		unbind_all(model, op->buffer);
		break;
	default:
		apply_range(model, op);
		break;
	}
}

/* Text */

static const char *const kind_name[OP_COUNT] = {
	"bind", "bind in turn", "fill", "update", "copy", "queries", "scatter", "add",
	"recreate"
};
static const char *const order_name[ORDER_COUNT] = { "binary", "timeline", "fence" };

static size_t describe_piece(const struct piece *piece, char *text, size_t size)
{
	if (piece->memory == NO_MEMORY)
		return snprintf(text, size, " [buffer %u blocks %u+%u: nothing]", piece->buffer,
				piece->first, piece->count);
	return snprintf(text, size, " [buffer %u blocks %u+%u: memory %d block %u]", piece->buffer,
			piece->first, piece->count, piece->memory, piece->memory_first);
}

void model_describe(const struct op *op, char *text, size_t size)
{
	size_t at = snprintf(text, size, "%s%s", op->evict ? "evict, " : "", kind_name[op->kind]);

	for (unsigned int i = 0; i < op->pieces && at < size; i++)
		at += describe_piece(&op->piece[i], text + at, size - at);
	if (!op->pieces && at < size)
		at += snprintf(text + at, size - at, " buffer %u words 0x%x+0x%x, seed 0x%x",
			       op->buffer, op->first, op->count, op->seed);
	if (op->kind == OP_COPY && at < size)
		at += snprintf(text + at, size - at, ", from buffer %u word 0x%x", op->source,
			       op->source_first);
	if (at < size)
		snprintf(text + at, size - at, " (queue %u, %s)", op->queue, order_name[op->order]);
}
