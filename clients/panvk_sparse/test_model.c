// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors
/*
 * Unit tests of the client's model: what an operation does, and which operations Vulkan defines.
 *
 *  1. binds: the words of a block are those of its memory; a hole has none; a later bind wins.
 *  2. commands write to memory and to all its places, and nothing where there is none.
 *  3. ranges outside, overlapping pieces, copies that meet themselves and aliases are refused.
 *  4. words of OP_SCATTER have different places, also where memory is bound twice.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define WORDS 16	/* of a block */
#define PLAIN SPARSE_BUFFERS

static unsigned int failures;

static void is(const char *what, bool good)
{
	printf("%s - %s\n", good ? "ok" : "not ok", what);
	failures += !good;
}

static void open_model(struct model *model)
{
	static const uint32_t buffers[] = { 20, 8, 4 }, memories[] = { 10, 6, 3 };

	model_open(model, WORDS, buffers, memories);
}

static struct op bind_of(unsigned int buffer, uint32_t first, uint32_t count, int memory,
			 uint32_t memory_first)
{
	return (struct op){ .kind = OP_BIND, .pieces = 1,
			    .piece = { { buffer, first, count, memory, memory_first } } };
}

static struct op command(enum op_kind kind, unsigned int buffer, uint32_t first, uint32_t count)
{
	return (struct op){ .kind = kind, .buffer = buffer, .first = first, .count = count, .seed = 77 };
}

static void apply(struct model *model, struct op op)
{
	model_apply(model, &op);
}

static bool allows(const struct model *model, struct op op, bool aliased)
{
	return model_allows(model, &op, aliased, false);
}

static void test_binds(struct model *model)
{
	apply(model, bind_of(0, 2, 3, 0, 5));
	is("a bound word", *model_word(model, 0, 3 * WORDS + 1) == model_initial(0, 6 * WORDS + 1));
	is("a hole in front", !model_word(model, 0, 2 * WORDS - 1));
	is("a hole behind", !model_word(model, 0, 5 * WORDS));
	apply(model, bind_of(0, 3, 1, 1, 0));
	is("a later bind", *model_word(model, 0, 3 * WORDS) == model_initial(1, 0));
	is("the neighbour", *model_word(model, 0, 4 * WORDS) == model_initial(0, 7 * WORDS));
	apply(model, bind_of(0, 4, 1, NO_MEMORY, 0));
	is("memory taken away", !model_word(model, 0, 4 * WORDS));
	apply(model, (struct op){ .kind = OP_RECREATE, .buffer = 0 });
	is("a new buffer", !model_word(model, 0, 2 * WORDS));
}

static void test_commands(struct model *model)
{
	struct op copy = command(OP_COPY, 1, 1, 2);

	apply(model, bind_of(0, 0, 1, 0, 0));
	apply(model, bind_of(1, 0, 1, 0, 0));
	apply(model, command(OP_FILL, 0, WORDS - 1, 3));
	is("a fill", *model_word(model, 0, WORDS - 1) == 77);
	is("... at another place", *model_word(model, 1, WORDS - 1) == 77);
	is("... and in the plain buffer", *model_word(model, PLAIN, WORDS - 1) == 77);
	is("... nothing in front", *model_word(model, 0, WORDS - 2) == model_initial(0, WORDS - 2));
	copy.source = PLAIN + 1;
	copy.source_first = 4;
	apply(model, copy);
	is("a copy", *model_word(model, 0, 2) == model_initial(1, 5));
	apply(model, command(OP_UPDATE, 0, 3, 1));
	copy = command(OP_UPDATE, 0, 3, 1);
	is("an update", *model_word(model, 1, 3) == model_update(&copy, 0));
}

static void test_refused(struct model *model)
{
	struct op copy = command(OP_COPY, 0, 0, WORDS), two = bind_of(0, 4, 2, 0, 4);

	is("a bind to the end", allows(model, bind_of(0, 19, 1, 0, 9), true));
	is("a bind beyond the buffer", !allows(model, bind_of(0, 19, 2, 0, 0), true));
	is("a bind beyond the memory", !allows(model, bind_of(0, 0, 2, 0, 9), true));
	is("a bind of a plain buffer", !allows(model, bind_of(PLAIN, 0, 1, 0, 0), true));
	is("a bind of nothing", !allows(model, bind_of(0, 0, 0, 0, 0), true));
	is("an alias", allows(model, bind_of(0, 5, 1, 0, 0), true));
	is("an alias where there are none", !allows(model, bind_of(0, 5, 1, 0, 0), false));
	is("memory in its place", allows(model, bind_of(0, 0, 1, 0, 0), true));
	is("a range beyond the end", !allows(model, command(OP_FILL, 2, 4 * WORDS - 1, 2), true));
	two.pieces = 2;
	two.piece[1] = (struct piece){ 0, 5, 2, 1, 0 };
	is("pieces that overlap", !allows(model, two, true));
	two.kind = OP_BIND_CHAIN;
	is("... one after the other", allows(model, two, true));
	copy.source = 1;
	is("a copy to an alias of its source", !allows(model, copy, true));
	copy.source = PLAIN + 1;
	is("a copy from other memory", allows(model, copy, true));
	copy.source = 2;
	is("a copy from a hole", !allows(model, copy, true));
	is("... that reads 0", model_allows(model, &copy, true, true));
	apply(model, bind_of(0, 1, 1, 0, 0));
	is("an update of two aliases", !allows(model, command(OP_UPDATE, 0, 0, 2 * WORDS), true));
	is("a fill of two aliases", allows(model, command(OP_FILL, 0, 0, 2 * WORDS), true));
}

/* Blocks 0 and 1 of buffer 0 have one block of memory. */
static void test_scatter(struct model *model)
{
	const struct op op = command(OP_SCATTER, 0, 0, 2 * WORDS);
	struct scatter scatter;
	bool good = true;

	model_scatter(model, &op, &scatter);
	for (unsigned int i = 0; i < scatter.count; i++) {
		for (unsigned int j = 0; j < i; j++)
			good &= scatter.word[i] % WORDS != scatter.word[j] % WORDS;
	}
	is("words of a scatter", scatter.count > WORDS / 2 && scatter.count <= WORDS);
	is("... have different places", good);
	is("... with the first word", scatter.word[0] == 0);
}

int main(void)
{
	struct model model;

	open_model(&model);
	test_binds(&model);
	test_commands(&model);
	test_refused(&model);
	test_scatter(&model);
	model_close(&model);
	return failures != 0;
}
