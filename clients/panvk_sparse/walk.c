// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
#include "walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "world.h"

/*
 * Operations are likely at edges: of 2 MiB, which is what a block of the GPU's page table maps, of
 * the operation before, of the buffer, each one block more or less.
 */
struct random {
	uint32_t seed, n;
};

static uint32_t draw(struct random *random, uint32_t below)
{
	return model_hash(random->seed ^ model_hash(++random->n)) % below;
}

static bool one_of(struct random *random, uint32_t n)
{
	return !draw(random, n);
}

/* How a round ends. */
enum look {
	LOOK_NOT,	/* no look: the next operation follows at once */
	LOOK_EDGES,
	LOOK_WHOLE
};

struct round {
	struct op op;
	enum look look;
	uint32_t seed;		/* of the look */
};

struct walk {
	struct vk_instance *instance;
	const char *shrink;
	unsigned int count;
	struct round *round;
	uint32_t last_end;	/* of the last piece, in blocks */
};

static const struct {
	enum op_kind kind;
	unsigned int weight;
} kinds[] = {
	{ OP_BIND, 10 }, { OP_BIND_CHAIN, 4 }, { OP_FILL, 2 }, { OP_UPDATE, 1 }, { OP_COPY, 3 },
	{ OP_QUERIES, 1 }, { OP_SCATTER, 4 }, { OP_ADD, 3 }, { OP_RECREATE, 1 }
};

static enum op_kind draw_kind(struct random *random)
{
	unsigned int left, sum = 0;

	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		sum += kinds[i].weight;
	left = draw(random, sum);
	for (unsigned int i = 0;; i++) {
		if (left < kinds[i].weight)
			return kinds[i].kind;
		left -= kinds[i].weight;
	}
}

/* Blocks in 2 MiB, at least 1. */
static uint32_t large(const struct world *world)
{
	uint32_t blocks = (2u << 18) / world->model.block_words;

	return blocks ? blocks : 1;
}

static uint32_t draw_first(struct walk *walk, struct random *random, const struct world *world,
			   uint32_t blocks)
{
	uint32_t edge = draw(random, blocks / large(world) + 1) * large(world);

	switch (draw(random, 6)) {
	case 0:
		return walk->last_end % blocks;
	case 1:
		return (edge + blocks - 1) % blocks;
	case 2:
		return (edge + 1) % blocks;
	case 3:
		return draw(random, blocks);
	case 4:
		return 0;
	default:
		return edge % blocks;
	}
}

static uint32_t draw_count(struct random *random, const struct world *world, uint32_t first,
			   uint32_t most)
{
	uint32_t size = large(world), to_edge = size - first % size, count;

	switch (draw(random, 6)) {
	case 0:
		count = 1;
		break;
	case 1:
		count = 1 + draw(random, 8);
		break;
	case 2:
		count = to_edge + draw(random, 3) - 1;
		break;
	case 3:
		count = to_edge + size * draw(random, 3);
		break;
	case 4:
		count = size + draw(random, 5);
		break;
	default:
		count = most;
		break;
	}
	count = count ? count : 1;
	return count < most ? count : most;
}

static void draw_memory(struct random *random, const struct world *world, struct piece *piece)
{
	uint32_t blocks, size = large(world);

	piece->memory = one_of(random, 3) ? NO_MEMORY : (int)draw(random, MEMORIES);
	if (piece->memory == NO_MEMORY)
		return;
	blocks = world->model.memory_blocks[piece->memory];
	/* Blocks of the page table need equal offsets below 2 MiB. */
	piece->memory_first = one_of(random, 3) ? draw(random, blocks) :
			      draw(random, blocks / size + 1) * size + piece->first % size;
	piece->memory_first %= blocks;
	if (piece->count > blocks - piece->memory_first)
		piece->count = blocks - piece->memory_first;
}

static struct piece draw_piece(struct walk *walk, struct random *random, const struct world *world)
{
	struct piece piece = { .buffer = one_of(random, 2) ? 0 : draw(random, SPARSE_BUFFERS) };
	uint32_t blocks = world->model.buffer_blocks[piece.buffer];

	piece.first = draw_first(walk, random, world, blocks);
	piece.count = draw_count(random, world, piece.first, blocks - piece.first);
	draw_memory(random, world, &piece);
	walk->last_end = piece.first + piece.count;
	return piece;
}

static void draw_range(struct walk *walk, struct random *random, const struct world *world,
		       struct op *op)
{
	uint32_t size = world->model.block_words, blocks, words, most;

	op->buffer = one_of(random, 5) ? draw(random, BUFFERS) : draw(random, SPARSE_BUFFERS);
	if (op->kind == OP_COPY)
		op->source = one_of(random, 3) ? draw(random, BUFFERS) : draw(random, SPARSE_BUFFERS);
	blocks = world->model.buffer_blocks[op->buffer];
	words = blocks * size;
	op->first = (draw_first(walk, random, world, blocks) * size + words -
		     draw(random, 2) * draw(random, 20)) % words;
	most = words - op->first;
	op->count = 1 + (one_of(random, 4) ? draw(random, 8 * size) : draw(random, 600));
	if (op->kind == OP_SCATTER || op->kind == OP_ADD)
		op->count = one_of(random, 3) ? most : draw(random, 16 * size) + 1;
	if (op->kind == OP_QUERIES)
		op->count = 2 * (1 + draw(random, QUERIES_MAX));
	op->count = op->count < most ? op->count : most;
	words = world->model.buffer_blocks[op->source] * size;
	op->source_first = draw(random, words);
	if (op->kind == OP_COPY && op->count > words - op->source_first)
		op->count = words - op->source_first;
}

static struct op draw_op(struct walk *walk, struct random *random, const struct world *world)
{
	struct op op = {
		.kind = draw_kind(random),
		.order = draw(random, ORDER_COUNT),
		.evict = world->shrink && one_of(random, 8),
		.queue = draw(random, VK_QUEUES_MAX),
		.seed = draw(random, ~0u) | 1,
	};

	if (op.kind == OP_BIND || op.kind == OP_BIND_CHAIN) {
		op.pieces = one_of(random, 2) ? 1 : 1 + draw(random, PIECES_MAX);
		for (unsigned int i = 0; i < op.pieces; i++)
			op.piece[i] = draw_piece(walk, random, world);
	} else {
		draw_range(walk, random, world, &op);
	}
	return op;
}

static void draw_round(struct walk *walk, struct random *random, const struct world *world,
		       struct round *round)
{
	unsigned int tries = 0;

	do {
		round->op = draw_op(walk, random, world);
		if (++tries > 30)
			round->op = (struct op){ .kind = OP_RECREATE };
	} while (!world_allows(world, &round->op));
	round->look = one_of(random, 32) ? LOOK_WHOLE : one_of(random, 3) ? LOOK_NOT : LOOK_EDGES;
	round->seed = draw(random, ~0u);
}

/* Does a round, if it is allowed: others may have been left out in front of it. */
static bool do_round(struct world *world, const struct round *round)
{
	if (!world_allows(world, &round->op))
		return true;
	if (!world_do(world, &round->op))
		return false;
	return round->look == LOOK_NOT ||
	       world_verify(world, &round->op, round->seed, round->look == LOOK_WHOLE);
}

/* A list of rounds that fails */

/* Prints the reason if @print. */
static bool fails(struct walk *walk, const struct round *round, unsigned int count, bool print)
{
	struct world *world = calloc(1, sizeof(*world));
	bool good = world_open(world, walk->instance, &geometry_small, walk->shrink);

	for (unsigned int i = 0; good && i < count; i++)
		good = do_round(world, &round[i]);
	good = good && world_verify(world, NULL, 0, true);
	if (print)
		vk_complain("%s", good ? "no failure this time" : world->message);
	world_close(world);
	free(world);
	return !good;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

/* Leaves out the rounds from @at on, @part of them, if the rest fails, too. */
static bool leave_out(struct walk *walk, unsigned int *count, unsigned int at, unsigned int part)
{
	struct round *rest = malloc(*count * sizeof(*rest));
	unsigned int end = at + part < *count ? at + part : *count;
	bool failed;

	memcpy(rest, walk->round, at * sizeof(*rest));
	memcpy(rest + at, walk->round + end, (*count - end) * sizeof(*rest));
	failed = fails(walk, rest, *count - (end - at), false);
	if (failed) {
		*count -= end - at;
		memcpy(walk->round, rest, *count * sizeof(*rest));
	}
	free(rest);
	return failed;
}

static void minimise(struct walk *walk, unsigned int *count, unsigned int seconds)
{
	double end = now() + seconds;

	for (unsigned int part = *count / 2; part && now() < end;) {
		bool shorter = false;

		for (unsigned int at = 0; at < *count && now() < end;) {
			bool left_out = leave_out(walk, count, at, part);

			at += left_out ? 0 : part;
			shorter |= left_out;
		}
		if (!shorter || part > *count / 2)
			part = part > 1 ? part / 2 : shorter;
	}
}

static void print_rounds(const struct walk *walk, unsigned int count)
{
	char text[512];

	for (unsigned int i = 0; i < count; i++) {
		model_describe(&walk->round[i].op, text, sizeof(text));
		vk_complain("%u. %s", i + 1, text);
	}
}

static void explain(struct walk *walk, unsigned int count, unsigned int minimise_s)
{
	unsigned int validation_errors = vk_validation_errors;

	if (minimise_s)
		minimise(walk, &count, minimise_s);
	vk_complain("%u operations that fail:", count);
	print_rounds(walk, count);
	fails(walk, walk->round, count, true);
	vk_validation_errors = validation_errors;
}

bool walk_run(struct vk_instance *instance, const char *shrink, uint32_t seed, unsigned int rounds,
	      unsigned int minimise_s)
{
	struct walk walk = { .instance = instance, .shrink = shrink };
	struct random random = { .seed = model_hash(seed) };
	struct world *world = calloc(1, sizeof(*world));
	bool good = world_open(world, instance, &geometry_small, shrink);

	walk.round = calloc(rounds, sizeof(*walk.round));
	while (good && walk.count < rounds) {
		struct round *round = &walk.round[walk.count++];

		draw_round(&walk, &random, world, round);
		good = do_round(world, round);
	}
	good = good && world_verify(world, NULL, seed, true);
	printf("seed %u: %u rounds\n", seed, walk.count);
	if (!good)
		vk_complain("round %u: %s", walk.count, world->message);
	world_close(world);
	free(world);
	if (!good && minimise_s && !instance->hangs)
		explain(&walk, walk.count, minimise_s);
	free(walk.round);
	return good;
}
