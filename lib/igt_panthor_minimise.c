// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <stdlib.h>
#include <string.h>

#include "igt_panthor_steps.h"

/* Room for the steps that rebuild what is mapped. */
#define REBUILD_MAX 4096

static size_t fails(struct igt_panthor_minimiser *m, const struct igt_panthor_step *steps,
		    size_t count)
{
	if (!count || !m->trials)
		return 0;
	m->trials--;

	return m->fails(m->data, steps, count);
}

static void remove_steps(struct igt_panthor_step *steps, size_t *count, size_t first, size_t number)
{
	memmove(&steps[first], &steps[first + number],
		(*count - first - number) * sizeof(*steps));
	*count -= number;
}

/* Removes steps, large pieces first, as long as the rest fails. Nothing behind a failure counts. */
static bool remove_pieces(struct igt_panthor_minimiser *m, struct igt_panthor_step *steps,
			  size_t *count, struct igt_panthor_step *trial)
{
	bool changed = false;

	for (size_t piece = *count / 2; piece; piece /= 2) {
		for (size_t end = *count; end >= piece && m->trials;) {
			size_t left = *count, failed;

			memcpy(trial, steps, *count * sizeof(*steps));
			remove_steps(trial, &left, end - piece, piece);
			end -= piece;
			failed = fails(m, trial, left);
			if (!failed)
				continue;
			memcpy(steps, trial, failed * sizeof(*steps));
			*count = failed;
			end = end < failed ? end : failed;
			changed = true;
		}
	}

	return changed;
}

static bool try_step(struct igt_panthor_minimiser *m, struct igt_panthor_step *steps, size_t count,
		     size_t at, struct igt_panthor_step step)
{
	const struct igt_panthor_step before = steps[at];

	if (!memcmp(&before, &step, sizeof(step)) || !igt_panthor_step_is_valid(&step))
		return false;

	steps[at] = step;
	if (fails(m, steps, count))
		return true;

	steps[at] = before;
	return false;
}

/* Ways to make a step simpler. What each way gives need not be a valid step. */
enum simpler {
	WITHOUT_HELD,
	WITHOUT_MORE,
	WITHOUT_ASYNC,
	WITHOUT_UNCACHED,
	WITHOUT_READONLY,
	SPARSE_FOR_BO,
	FIRST_BO,
	FIRST_OFFSET,
	SAME_OFFSET,
	ONE_PAGE,
	LAST_PAGE,
	FIRST_HALF,
	SECOND_HALF,
	TO_BLOCK,
	FROM_BLOCK,
	CUT_START,
	CUT_END,
	SIMPLER_COUNT,
};

static bool has_window(const struct igt_panthor_step *step)
{
	return igt_panthor_step_is_bind(step) || step->kind == STEP_STORE ||
	       step->kind == STEP_LOAD;
}

/* Leaves out the first @cut pages. What is left stays where it is, in the window and in the BO. */
static void cut_start(struct igt_panthor_step *step, unsigned int cut)
{
	if (has_window(step))
		step->page += cut;
	if (step->kind == STEP_BO || step->kind == STEP_CPU)
		step->offset += cut;
	if (has_window(step) || step->kind == STEP_CPU)
		step->pages -= cut;
}

static struct igt_panthor_step make_simpler(struct igt_panthor_step step, enum simpler how)
{
	const unsigned int end = step.page + step.pages;
	const unsigned int to_block = end / STEP_BLOCK_PAGES * STEP_BLOCK_PAGES;
	const unsigned int from_block = (step.page + STEP_BLOCK_PAGES - 1) / STEP_BLOCK_PAGES *
					STEP_BLOCK_PAGES;

	switch (how) {
	case WITHOUT_HELD:
		step.flags &= ~STEP_HELD;
		break;
	case WITHOUT_MORE:
		step.flags &= ~STEP_MORE;
		break;
	case WITHOUT_ASYNC:
		step.flags &= ~STEP_ASYNC;
		break;
	case WITHOUT_UNCACHED:
		step.flags &= ~STEP_UNCACHED;
		break;
	case WITHOUT_READONLY:
		step.flags &= ~STEP_READONLY;
		break;
	case SPARSE_FOR_BO:
		if (step.kind == STEP_BO) {
			step.kind = STEP_SPARSE;
			step.bo = step.offset = 0;
		}
		break;
	case FIRST_BO:
		step.bo = 0;
		break;
	case FIRST_OFFSET:
		step.offset = 0;
		break;
	case SAME_OFFSET:
		if (step.kind == STEP_BO && step.offset)
			step.offset = step.page % STEP_BLOCK_PAGES;
		break;
	case ONE_PAGE:
		if (step.pages)
			step.pages = step.kind == STEP_EVICT ? 0 : 1;
		break;
	case LAST_PAGE:
		if (step.pages)
			cut_start(&step, step.pages - 1);
		break;
	case FIRST_HALF:
		step.pages = (step.pages + 1) / 2;
		break;
	case SECOND_HALF:
		cut_start(&step, step.pages / 2);
		break;
	case TO_BLOCK:
		if (has_window(&step) && to_block > step.page)
			step.pages = to_block - step.page;
		break;
	case FROM_BLOCK:
		if (from_block < end)
			cut_start(&step, from_block - step.page);
		break;
	case CUT_START:
		cut_start(&step, (step.pages + 3) / 4);
		break;
	case CUT_END:
		step.pages -= (step.pages + 3) / 4;
		break;
	case SIMPLER_COUNT:
		break;
	}

	return step;
}

static bool simplify_steps(struct igt_panthor_minimiser *m, struct igt_panthor_step *steps,
			   size_t count)
{
	bool changed = false;

	for (size_t i = 0; i < count; i++) {
		for (int how = 0; how < SIMPLER_COUNT && m->trials; how++) {
			const bool again = how == FIRST_HALF || how == SECOND_HALF ||
					   how == CUT_START || how == CUT_END;
			bool smaller;

			do {
				smaller = try_step(m, steps, count, i, make_simpler(steps[i], how));
				changed |= smaller;
			} while (smaller && again);
		}
	}

	return changed;
}

/* All steps of a VM in the first VM. */
static bool merge_vms(struct igt_panthor_minimiser *m, struct igt_panthor_step *steps, size_t count,
		      struct igt_panthor_step *trial)
{
	bool changed = false;

	for (unsigned int vm = STEP_VMS - 1; vm; vm--) {
		bool found = false;

		memcpy(trial, steps, count * sizeof(*steps));
		for (size_t i = 0; i < count; i++) {
			if (trial[i].vm != vm)
				continue;
			trial[i].vm = 0;
			found = true;
		}
		if (found && fails(m, trial, count)) {
			memcpy(steps, trial, count * sizeof(*steps));
			changed = true;
		}
	}

	return changed;
}

/**
 * igt_panthor_minimise:
 * @m: how to replay steps
 * @steps: steps that fail; made fewer and smaller
 * @count: number of @steps
 *
 * Removes and simplifies steps as long as the rest fails. Stops when nothing more can be left out,
 * or after m->trials replays.
 *
 * Returns: the number of steps that are left.
 */
size_t igt_panthor_minimise(struct igt_panthor_minimiser *m, struct igt_panthor_step *steps,
			    size_t count)
{
	struct igt_panthor_step *trial = malloc((count + 1) * sizeof(*trial));
	bool changed = trial;

	while (changed) {
		changed = remove_pieces(m, steps, &count, trial);
		changed |= merge_vms(m, steps, count, trial);
		changed |= simplify_steps(m, steps, count);
	}
	free(trial);

	return count;
}

/* Draws the steps [0, @to) of a walk, from [@from, @to) into @steps. */
static void draw_again(struct igt_panthor_draw draw, struct igt_panthor_shadow *shadow,
		       size_t from, size_t to, struct igt_panthor_step *steps, size_t *count)
{
	memset(shadow, 0, sizeof(*shadow));
	*count = 0;
	for (size_t i = 0; i < to; i++) {
		const struct igt_panthor_step step = igt_panthor_draw_step(&draw, shadow);

		if (i == from)
			*count = igt_panthor_shadow_rebuild(shadow, steps, REBUILD_MAX);
		if (i >= from)
			steps[(*count)++] = step;
		igt_panthor_shadow_apply(shadow, &step);
	}
}

/**
 * igt_panthor_minimise_walk:
 * @m: how to replay steps
 * @draw: source of the walk, as igt_panthor_draw_init() left it
 * @failed: number of steps up to the one that failed, and with it
 * @steps: set to the steps, to be freed
 *
 * Makes a failing walk smaller. The last steps of the walk, behind steps that map what was mapped
 * before them, may be enough; if not, more of the last steps are taken.
 *
 * Returns: the number of steps that are left, 0 if no replay failed.
 */
size_t igt_panthor_minimise_walk(struct igt_panthor_minimiser *m,
				 const struct igt_panthor_draw *draw, size_t failed,
				 struct igt_panthor_step **steps)
{
	struct igt_panthor_shadow *shadow = malloc(sizeof(*shadow));
	size_t count = 0, last = 16;

	*steps = malloc((REBUILD_MAX + failed) * sizeof(**steps));
	while (shadow && *steps) {
		draw_again(*draw, shadow, last < failed ? failed - last : 0, failed, *steps, &count);
		count = fails(m, *steps, count);
		if (count)
			break;
		if (last >= failed)
			break;
		last *= 4;
	}
	free(shadow);

	return count ? igt_panthor_minimise(m, *steps, count) : 0;
}

_Static_assert(sizeof(struct igt_panthor_step) == 10, "steps are compared as bytes");
