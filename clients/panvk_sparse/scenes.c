// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "scenes.h"

/*
 * Each scene compares the words at the edges of each operation with the model, and at its end those
 * of all blocks. It runs twice: with the driver's shrinker before each operation, and without.
 *
 * Numbers are blocks of 4 KiB: 512 are 2 MiB, which the GPU may map by one entry of its page table.
 * Where the driver's blocks are larger, what does not fit is left out.
 */
#define LARGE 512u

#define NOTHING(buffer, first, count) { buffer, first, count, NO_MEMORY, 0 }

/* An operation, if the device can do it, and a comparison. */
static bool step(struct world *world, bool evict, struct op op)
{
	op.evict = evict;
	if (!world_allows(world, &op))
		return true;
	return world_do(world, &op) && world_verify(world, &op, op.seed, false);
}

static bool bind(struct world *world, bool evict, struct piece piece)
{
	const struct op op = { .kind = OP_BIND, .order = ORDER_BINARY, .pieces = 1, .piece = { piece },
			       .seed = piece.first };

	return step(world, evict, op);
}

/* Stores to words of the whole buffer, and additions. */
static bool touch(struct world *world, bool evict, unsigned int buffer, uint32_t seed)
{
	struct op op = {
		.kind = OP_SCATTER, .order = ORDER_TIMELINE, .buffer = buffer, .seed = seed,
		.count = world->model.buffer_blocks[buffer] * world->model.block_words,
	};

	if (!step(world, evict, op))
		return false;
	op.kind = OP_ADD;
	return step(world, evict, op);
}

static bool command(struct world *world, bool evict, enum op_kind kind, unsigned int buffer,
		    uint32_t first, uint32_t count)
{
	const struct op op = {
		.kind = kind, .order = ORDER_BINARY, .buffer = buffer, .first = first, .count = count,
		.source = kind == OP_COPY ? SPARSE_BUFFERS : 0, .source_first = 5, .seed = first * 7 + count,
	};

	return step(world, evict, op);
}

static bool binds(struct world *world, bool evict, const struct piece *piece, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!bind(world, evict, piece[i]))
			return false;
	}
	return true;
}

/* Binds of one piece each. */
#define BIND(...) binds(world, evict, (const struct piece[]){ __VA_ARGS__ }, \
			sizeof((const struct piece[]){ __VA_ARGS__ }) / sizeof(struct piece))

static bool nothing(struct world *world, bool evict)
{
	return touch(world, evict, 0, 1) && touch(world, evict, 1, 2) && touch(world, evict, 2, 3) &&
	       command(world, evict, OP_FILL, 0, 1000, 4096) &&
	       command(world, evict, OP_UPDATE, 1, 3, 100) &&
	       command(world, evict, OP_COPY, 2, 900, 3000);
}

static bool whole(struct world *world, bool evict)
{
	if (!BIND({ 0, 0, 1024, 0, 0 }, { 1, 0, 515, 1, 0 }, { 2, 0, 24, 2, 0 }))
		return false;
	if (!touch(world, evict, 0, 1) || !touch(world, evict, 1, 2) || !touch(world, evict, 2, 3) ||
	    !command(world, evict, OP_QUERIES, 1, 1000, 2 * QUERIES_MAX))
		return false;
	if (!BIND(NOTHING(0, 0, 1024), NOTHING(1, 0, 515), NOTHING(2, 0, 24)))
		return false;
	return touch(world, evict, 0, 4);
}

static bool adjacent(struct world *world, bool evict)
{
	if (!BIND({ 0, 100, 10, 0, 50 }, { 0, 90, 10, 1, 30 }, { 0, 110, 3, 2, 0 },
			{ 0, 113, 1, 0, 900 }, { 0, LARGE - 1, 1, 0, 5 }, { 0, LARGE, 1, 0, 6 },
			{ 0, LARGE + 1, 2, 0, 7 }, { 2, 0, 1, 2, 10 }, { 2, 1, 1, 2, 9 }, { 2, 28, 1, 2, 8 }))
		return false;
	return touch(world, evict, 0, 1) && touch(world, evict, 2, 2) &&
	       command(world, evict, OP_FILL, 0, 88 * world->model.block_words + 3, 4096) &&
	       command(world, evict, OP_COPY, 0, (LARGE - 1) * world->model.block_words + 1000, 2000);
}

static bool blocks(struct world *world, bool evict)
{
	if (!BIND({ 0, LARGE, 2 * LARGE, 0, 0 }))
		return false;
	if (!touch(world, evict, 0, 1))
		return false;
	/* A hole in the second block of the memory; in the first one; at the edge; a whole block. */
	if (!BIND(NOTHING(0, 2 * LARGE + 100, 1), NOTHING(0, LARGE + 7, 3),
			NOTHING(0, 2 * LARGE - 1, 2), { 0, 2 * LARGE + 100, 1, 2, 3 },
			NOTHING(0, LARGE, LARGE), { 0, LARGE, LARGE, 0, LARGE }))
		return false;
	return touch(world, evict, 0, 2);
}

static bool overlapping(struct world *world, bool evict)
{
	if (!BIND({ 0, 0, 1024, 0, 0 }, { 0, 500, 24, 2, 0 }, { 0, LARGE - 6, 12, 1, 100 },
			{ 0, 300, LARGE, 1, 3 }, { 0, LARGE, LARGE, 1, 0 }, { 0, LARGE + 1, 1, 2, 20 },
			{ 0, 0, 1, 2, 21 }, { 0, 1023, 2, 2, 22 }))
		return false;
	return touch(world, evict, 0, 1);
}

static bool holes(struct world *world, bool evict)
{
	if (!BIND({ 0, 0, 1024, 0, 0 }, { 1, 0, 515, 1, 0 }))
		return false;
	if (!BIND(NOTHING(0, 3, 1), NOTHING(0, 100, 50), NOTHING(0, LARGE - 1, 1),
			NOTHING(0, LARGE, 1), NOTHING(0, LARGE + 200, 400), NOTHING(1, 0, 1),
			NOTHING(1, 514, 1), NOTHING(1, LARGE - 2, 4)))
		return false;
	if (!touch(world, evict, 0, 1) || !touch(world, evict, 1, 2))
		return false;
	if (!BIND({ 0, 100, 20, 0, 100 }, { 0, LARGE, 1, 0, LARGE }, { 1, LARGE - 1, 2, 1, LARGE - 1 }))
		return false;
	return touch(world, evict, 0, 3) && touch(world, evict, 1, 4);
}

static bool aliases(struct world *world, bool evict)
{
	if (!BIND({ 0, 10, 20, 0, 0 }, { 0, 40, 20, 0, 0 }, { 0, LARGE - 5, 20, 0, 10 },
			{ 1, 0, 20, 0, 5 }, { 2, 3, 20, 0, 0 }, { 0, 2 * LARGE, LARGE, 0, 0 }))
		return false;
	if (!command(world, evict, OP_ADD, 0, 0, 100 * world->model.block_words) ||
	    !touch(world, evict, 1, 2) || !touch(world, evict, 2, 3))
		return false;
	if (!BIND(NOTHING(0, 10, 20), NOTHING(1, 3, 4)))
		return false;
	return touch(world, evict, 0, 4) && touch(world, evict, SPARSE_BUFFERS, 5);
}

static bool tail(struct world *world, bool evict)
{
	uint32_t words = world->model.block_words, blocks = world->model.buffer_blocks[0];

	/* The last part of the buffer, behind its last 2 MiB, without memory, with it, and again without. */
	if (!command(world, evict, OP_SCATTER, 0, (blocks - 37) * words, 37 * words) ||
	    !command(world, evict, OP_FILL, 0, (blocks - 38) * words, 38 * words))
		return false;
	if (!BIND({ 0, blocks - 1, 1, 0, 3 }, { 0, blocks - 37, 2, 1, 5 }, NOTHING(0, blocks - 1, 1),
			NOTHING(0, blocks - 39, 5), { 0, blocks - 37, 24, 2, 0 }))
		return false;
	return command(world, evict, OP_SCATTER, 0, (blocks - 37) * words, 37 * words);
}

/* Binds and stores one after the other, none of which the CPU waits for. */
static bool flight(struct world *world, bool evict)
{
	for (unsigned int i = 0; i < 48; i++) {
		const struct op bind = {
			.kind = i % 4 ? OP_BIND : OP_BIND_CHAIN, .order = i % 2, .queue = i,
			.pieces = 1, .piece = { { 0, i % 5 * 8, 20, i % 3 ? 2 : NO_MEMORY, i % 4 } },
			.evict = evict && i % 8 == 0,
		};
		const struct op store = {
			.kind = OP_ADD, .order = i / 2 % 2, .queue = i / 3, .seed = i + 1,
			.count = 64 * world->model.block_words,
		};

		if (world_allows(world, &bind) && !world_do(world, &bind))
			return false;
		if (world_allows(world, &store) && !world_do(world, &store))
			return false;
	}
	return true;
}

static bool chain(struct world *world, bool evict)
{
	const struct op op = {
		.kind = OP_BIND_CHAIN, .pieces = 4, .seed = 1,
		.piece = { { 0, 0, 1024, 0, 0 }, { 0, LARGE - 3, 6, 1, 9 }, NOTHING(0, LARGE - 1, 2),
			   { 0, LARGE, 24, 2, 0 } },
	};
	const struct op several = {
		.kind = OP_BIND, .order = ORDER_TIMELINE, .pieces = 4, .seed = 2,
		.piece = { { 0, 7, 6, 1, 40 }, NOTHING(0, 13, 2), { 1, 0, 5, 1, 100 },
			   { 2, 4, 3, 1, 200 } },
	};

	return step(world, evict, op) && touch(world, evict, 0, 1) && step(world, evict, several) &&
	       touch(world, evict, 0, 2) && touch(world, evict, 1, 3);
}

static bool recreate(struct world *world, bool evict)
{
	for (unsigned int i = 0; i < 3; i++) {
		const struct op op = { .kind = OP_RECREATE, .buffer = i % 2 };

		if (!BIND({ 0, 0, 1024, 0, 0 }, { 1, 2, 500, 1, 2 }))
			return false;
		if (!touch(world, evict, 0, i) || !step(world, evict, op) ||
		    !touch(world, evict, 0, i + 8) || !touch(world, evict, 1, i + 16))
			return false;
	}
	return true;
}

/* Memory far apart in a buffer of 128 MiB. */
static bool far(struct world *world, bool evict)
{
	uint32_t blocks = world->model.buffer_blocks[0];

	if (!BIND({ 0, 0, LARGE, 0, 0 }, { 0, blocks - LARGE, LARGE, 0, LARGE },
			{ 0, blocks / 2 - 12, 24, 2, 0 }, { 0, 40 * LARGE, LARGE + 11, 1, 0 },
			NOTHING(0, 40 * LARGE + 3, LARGE), NOTHING(0, 1, blocks - 2)))
		return false;
	return touch(world, evict, 0, 1);
}

const struct scene scenes[] = {
	{ "nothing", "Stores, fills and copies to buffers without memory are lost; they read 0.",
	  &geometry_small, nothing },
	{ "whole", "Bind all of three buffers, and take all memory away.", &geometry_small, whole },
	{ "adjacent", "Bind adjacent pieces of several memories, forwards and backwards.",
	  &geometry_small, adjacent },
	{ "blocks", "Punch holes into aligned pieces of 2 MiB and bind whole blocks again.",
	  &geometry_small, blocks },
	{ "overlapping", "Bind over parts of what is bound, over edges of 2 MiB.", &geometry_small,
	  overlapping },
	{ "holes", "Take memory away from the middle and the ends of what is bound.",
	  &geometry_small, holes },
	{ "aliases", "Bind one memory at several places of one and of several buffers.",
	  &geometry_small, aliases },
	{ "tail", "The last part of a buffer whose size is no multiple of 2 MiB.", &geometry_small,
	  tail },
	{ "flight", "Binds and stores follow each other, while the CPU waits for none.",
	  &geometry_small, flight },
	{ "chain", "Several overlapping binds in one call; several buffers in one bind.",
	  &geometry_small, chain },
	{ "recreate", "Destroy buffers that are bound: new ones have no memory.", &geometry_small,
	  recreate },
	{ "far", "Pieces far apart in a buffer of 128 MiB.", &geometry_large, far },
	{ 0 }
};
