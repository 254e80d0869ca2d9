// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <string.h>

#include "igt_panthor_steps.h"

/**
 * SECTION:igt_panthor_steps
 * @short_description: Steps of random walks, and their shadow model
 * @title: Steps
 * @include: igt_panthor_steps.h
 */

/*
 * One BO with whole blocks; one that ends in a block; one below a block, of whole CPU pages of 64
 * KiB; one that two files share; one that belongs to a VM.
 */
const struct igt_panthor_step_bo igt_panthor_step_bos[STEP_BOS] = {
	{ 1536, STEP_BO_OF_FILE },
	{ 528, STEP_BO_OF_FILE },
	{ 32, STEP_BO_OF_FILE },
	{ 512, STEP_BO_OF_ALL },
	{ 768, STEP_BO_OF_VM },
};

static const char * const kind_names[STEP_KINDS] = {
	[STEP_END] = "STEP_END",
	[STEP_SPARSE] = "STEP_SPARSE",
	[STEP_BO] = "STEP_BO",
	[STEP_UNMAP] = "STEP_UNMAP",
	[STEP_STORE] = "STEP_STORE",
	[STEP_LOAD] = "STEP_LOAD",
	[STEP_FAULT] = "STEP_FAULT",
	[STEP_CPU] = "STEP_CPU",
	[STEP_EVICT] = "STEP_EVICT",
	[STEP_RECLAIM] = "STEP_RECLAIM",
	[STEP_CHECK] = "STEP_CHECK",
	[STEP_NEW_VM] = "STEP_NEW_VM",
	[STEP_NEW_FILE] = "STEP_NEW_FILE",
};

static const char * const flag_names[] = {
	"STEP_READONLY", "STEP_UNCACHED", "STEP_ASYNC", "STEP_MORE", "STEP_HELD",
};

#define FLAG_COUNT (sizeof(flag_names) / sizeof(flag_names[0]))

static bool is_in_window(const struct igt_panthor_step *step)
{
	return step->pages && step->page < STEP_PAGES && step->pages <= STEP_PAGES - step->page;
}

static bool is_in_bo(const struct igt_panthor_step *step)
{
	const unsigned int pages = step->bo < STEP_BOS ? igt_panthor_step_bos[step->bo].pages : 0;

	return step->pages && step->offset < pages && step->pages <= pages - step->offset;
}

/**
 * igt_panthor_step_is_valid:
 * @step: step
 *
 * Returns: true if the step stays inside the window and inside its BO.
 */
bool igt_panthor_step_is_valid(const struct igt_panthor_step *step)
{
	if (step->vm >= STEP_VMS || step->flags >> FLAG_COUNT)
		return false;

	switch (step->kind) {
	case STEP_SPARSE:
	case STEP_UNMAP:
	case STEP_STORE:
	case STEP_LOAD:
		return is_in_window(step);
	case STEP_BO:
		return is_in_window(step) && is_in_bo(step);
	case STEP_CPU:
		return is_in_bo(step);
	case STEP_FAULT:
		return step->page < STEP_PAGES;
	default:
		return step->kind > STEP_END && step->kind < STEP_KINDS;
	}
}

/**
 * igt_panthor_step_continues:
 * @step: a bind
 * @next: the step behind it
 *
 * Returns: true if both are in one VM_BIND request.
 */
bool igt_panthor_step_continues(const struct igt_panthor_step *step,
				const struct igt_panthor_step *next)
{
	return step->flags & STEP_MORE && igt_panthor_step_is_bind(next) && next->vm == step->vm &&
	       !((next->flags ^ step->flags) & STEP_ASYNC);
}

/**
 * igt_panthor_step_object:
 * @vm: VM of a step
 * @bo: BO of the step
 *
 * Returns: the number of the object.
 */
unsigned int igt_panthor_step_object(unsigned int vm, unsigned int bo)
{
	unsigned int owner = 0;

	if (igt_panthor_step_bos[bo].owner == STEP_BO_OF_VM)
		owner = vm;
	else if (igt_panthor_step_bos[bo].owner == STEP_BO_OF_FILE)
		owner = igt_panthor_step_file(vm);

	return STEP_FILES + owner * STEP_BOS + bo;
}

static void append_name(char *text, size_t size, const char *before, const char *name)
{
	const size_t length = strlen(text);

	snprintf(text + length, size - length, "%s%s", before, name ? name : "?");
}

static void append_number(char *text, size_t size, const char *before, unsigned int number)
{
	const size_t length = strlen(text);

	if (number)
		snprintf(text + length, size - length, "%s%u", before, number);
}

/**
 * igt_panthor_step_print:
 * @step: step
 * @text: filled
 * @size: size of @text
 *
 * Writes the step as a row of a table in C, on two lines if it has flags. Members that are zero are
 * left out.
 */
void igt_panthor_step_print(const struct igt_panthor_step *step, char *text, size_t size)
{
	const char *before = ",\n\t  .flags = ";

	text[0] = '\0';
	append_name(text, size, "{ .kind = ",
		    step->kind < STEP_KINDS ? kind_names[step->kind] : NULL);
	append_number(text, size, ", .vm = ", step->vm);
	append_number(text, size, ", .bo = ", step->bo);
	append_number(text, size, ", .page = ", step->page);
	append_number(text, size, ", .pages = ", step->pages);
	append_number(text, size, ", .offset = ", step->offset);
	for (unsigned int i = 0; i < FLAG_COUNT; i++) {
		if (!(step->flags & 1u << i))
			continue;
		append_name(text, size, before, flag_names[i]);
		before = " | ";
	}
	append_name(text, size, " }", "");
}

/* Spreads the bits of a number (the finaliser of a common 64-bit hash). */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);

	return x ^ x >> 31;
}

/**
 * igt_panthor_shadow_value:
 * @shadow: model
 * @object: object
 * @page: page of the object
 *
 * Returns: the word that the next step stores to the page. It is not 0.
 */
uint32_t igt_panthor_shadow_value(const struct igt_panthor_shadow *shadow, unsigned int object,
				  unsigned int page)
{
	const uint64_t place = (uint64_t)object * SHADOW_OBJECT_PAGES + page;

	return (uint32_t)mix(((uint64_t)shadow->values + 1) << 32 | place) | 1;
}

static void overwrite(struct igt_panthor_shadow *shadow, unsigned int object, unsigned int first,
		      unsigned int pages)
{
	for (unsigned int i = first; i < first + pages; i++)
		shadow->word[object][i] = igt_panthor_shadow_value(shadow, object, i);
	shadow->values++;
}

/* A BO is created by the first step that uses it, with different words in all its pages. */
static void create_bo(struct igt_panthor_shadow *shadow, const struct igt_panthor_step *step)
{
	const unsigned int object = igt_panthor_step_object(step->vm, step->bo);

	if (shadow->exists[object])
		return;

	shadow->exists[object] = true;
	overwrite(shadow, object, 0, igt_panthor_step_bos[step->bo].pages);
}

static void bind(struct igt_panthor_shadow *shadow, const struct igt_panthor_step *step)
{
	struct igt_panthor_shadow_page page = {
		.bind = ++shadow->binds,
		.flags = step->flags & (STEP_READONLY | STEP_UNCACHED),
	};

	if (step->kind == STEP_BO)
		page.object = igt_panthor_step_object(step->vm, step->bo);
	else
		page.object = igt_panthor_step_file(step->vm);

	for (unsigned int i = 0; i < step->pages; i++) {
		page.offset = step->kind == STEP_BO ? step->offset + i :
						      (step->page + i) % STEP_BLOCK_PAGES;
		shadow->page[step->vm][step->page + i] = page;
	}
}

static void unmap(struct igt_panthor_shadow *shadow, const struct igt_panthor_step *step)
{
	memset(&shadow->page[step->vm][step->page], 0,
	       step->pages * sizeof(struct igt_panthor_shadow_page));
}

static void store(struct igt_panthor_shadow *shadow, const struct igt_panthor_step *step)
{
	uint16_t pages[STEP_PAGES];
	const size_t count = igt_panthor_shadow_stores(shadow, step, pages);

	for (size_t i = 0; i < count; i++) {
		const struct igt_panthor_shadow_page *page = &shadow->page[step->vm][pages[i]];

		shadow->word[page->object][page->offset] =
			igt_panthor_shadow_value(shadow, page->object, page->offset);
	}
	shadow->values++;
}

static void forget_vm(struct igt_panthor_shadow *shadow, unsigned int vm)
{
	memset(shadow->page[vm], 0, sizeof(shadow->page[vm]));
	for (unsigned int bo = 0; bo < STEP_BOS; bo++)
		if (igt_panthor_step_bos[bo].owner == STEP_BO_OF_VM)
			shadow->exists[igt_panthor_step_object(vm, bo)] = false;
}

static void forget_file(struct igt_panthor_shadow *shadow, unsigned int file)
{
	const unsigned int vm = file * STEP_VMS_OF_FILE;

	for (unsigned int i = 0; i < STEP_VMS_OF_FILE; i++)
		forget_vm(shadow, vm + i);
	for (unsigned int bo = 0; bo < STEP_BOS; bo++)
		if (igt_panthor_step_bos[bo].owner == STEP_BO_OF_FILE)
			shadow->exists[igt_panthor_step_object(vm, bo)] = false;
	memset(shadow->word[file], 0, sizeof(shadow->word[file]));
}

/**
 * igt_panthor_shadow_apply:
 * @shadow: model
 * @step: valid step
 *
 * Does to the model what the step does to the driver.
 */
void igt_panthor_shadow_apply(struct igt_panthor_shadow *shadow,
			      const struct igt_panthor_step *step)
{
	switch (step->kind) {
	case STEP_SPARSE:
		bind(shadow, step);
		break;
	case STEP_BO:
		create_bo(shadow, step);
		bind(shadow, step);
		break;
	case STEP_UNMAP:
		unmap(shadow, step);
		break;
	case STEP_STORE:
		store(shadow, step);
		break;
	case STEP_CPU:
		create_bo(shadow, step);
		overwrite(shadow, igt_panthor_step_object(step->vm, step->bo), step->offset,
			  step->pages);
		break;
	case STEP_NEW_VM:
		forget_vm(shadow, step->vm);
		break;
	case STEP_NEW_FILE:
		forget_file(shadow, igt_panthor_step_file(step->vm));
		break;
	}
}

/* The driver may merge VMAs that follow each other in an object, or leave them apart. */
static bool follows(const struct igt_panthor_shadow_page *a,
		    const struct igt_panthor_shadow_page *b, bool by_bind)
{
	if (!a->bind || !b->bind || (by_bind && a->bind != b->bind) || a->object != b->object)
		return false;

	return igt_panthor_shadow_is_dummy(a->object) || b->offset == a->offset + 1;
}

/**
 * igt_panthor_shadow_next_run:
 * @shadow: model
 * @vm: VM
 * @by_bind: pages of different binds are in different runs
 * @run: the run before; { } for the first
 *
 * Returns: false if there is no further run.
 */
bool igt_panthor_shadow_next_run(const struct igt_panthor_shadow *shadow, unsigned int vm,
				 bool by_bind, struct igt_panthor_shadow_run *run)
{
	const struct igt_panthor_shadow_page *page = shadow->page[vm];
	unsigned int first = run->page + run->pages, end;

	while (first < STEP_PAGES && !page[first].bind)
		first++;
	if (first == STEP_PAGES)
		return false;

	for (end = first + 1; end < STEP_PAGES; end++)
		if (!follows(&page[end - 1], &page[end], by_bind))
			break;

	*run = (struct igt_panthor_shadow_run){
		.page = first,
		.pages = end - first,
		.object = page[first].object,
		.flags = page[first].flags,
		.offset = page[first].offset,
	};
	return true;
}

/**
 * igt_panthor_shadow_stores:
 * @shadow: model before the step
 * @step: STEP_STORE
 * @pages: filled; room for STEP_PAGES
 *
 * Pages that the step stores to: writable ones, and no page of an object twice, since the GPU does
 * not keep the order of stores.
 *
 * Returns: the number of @pages.
 */
size_t igt_panthor_shadow_stores(const struct igt_panthor_shadow *shadow,
				 const struct igt_panthor_step *step, uint16_t *pages)
{
	bool stored[SHADOW_OBJECTS][SHADOW_OBJECT_PAGES] = {};
	size_t count = 0;

	for (unsigned int i = step->page; i < step->page + step->pages; i++) {
		const struct igt_panthor_shadow_page *page = &shadow->page[step->vm][i];

		if (!page->bind || page->flags & STEP_READONLY ||
		    stored[page->object][page->offset])
			continue;
		stored[page->object][page->offset] = true;
		pages[count++] = i;
	}

	return count;
}

/* A STEP_LOAD of more pages takes those at edges, and one of SAMPLE others. */
#define FEW_PAGES 64
#define SAMPLE 16

static bool is_sampled(const struct igt_panthor_shadow *shadow,
		       const struct igt_panthor_step *step, unsigned int i)
{
	const struct igt_panthor_shadow_page *page = shadow->page[step->vm];

	return step->kind == STEP_CHECK || step->pages <= FEW_PAGES ||
	       i == 0 || page[i - 1].bind != page[i].bind ||
	       i + 1 == STEP_PAGES || page[i + 1].bind != page[i].bind ||
	       mix((uint64_t)shadow->binds << 32 | i) % SAMPLE == 0;
}

/**
 * igt_panthor_shadow_loads:
 * @shadow: model
 * @step: STEP_LOAD, or STEP_CHECK with a range
 * @pages: filled; room for STEP_PAGES
 *
 * Returns: the number of @pages that the step loads.
 */
size_t igt_panthor_shadow_loads(const struct igt_panthor_shadow *shadow,
				const struct igt_panthor_step *step, uint16_t *pages)
{
	size_t count = 0;

	for (unsigned int i = step->page; i < step->page + step->pages; i++)
		if (shadow->page[step->vm][i].bind && is_sampled(shadow, step, i))
			pages[count++] = i;

	return count;
}

/* The index of the BO, or STEP_BOS for a dummy. */
static unsigned int bo_of_object(unsigned int object)
{
	if (igt_panthor_shadow_is_dummy(object))
		return STEP_BOS;

	return (object - STEP_FILES) % STEP_BOS;
}

static struct igt_panthor_step bind_of_run(unsigned int vm,
					   const struct igt_panthor_shadow_run *run)
{
	const unsigned int bo = bo_of_object(run->object);
	struct igt_panthor_step step = {
		.kind = STEP_SPARSE,
		.vm = vm,
		.flags = run->flags,
		.page = run->page,
		.pages = run->pages,
	};

	if (bo < STEP_BOS) {
		step.kind = STEP_BO;
		step.bo = bo;
		step.offset = run->offset;
	}

	return step;
}

/**
 * igt_panthor_shadow_rebuild:
 * @shadow: model
 * @steps: filled
 * @capacity: room in @steps
 *
 * Writes steps that map what is mapped in the model, by a bind for each run, and store to each
 * page.
 *
 * Returns: the number of @steps, 0 if there is not enough room.
 */
size_t igt_panthor_shadow_rebuild(const struct igt_panthor_shadow *shadow,
				  struct igt_panthor_step *steps, size_t capacity)
{
	size_t count = 0;

	for (unsigned int vm = 0; vm < STEP_VMS; vm++) {
		const size_t before = count;

		for (struct igt_panthor_shadow_run run = {};
		     igt_panthor_shadow_next_run(shadow, vm, true, &run);) {
			if (count + 2 > capacity)
				return 0;
			steps[count++] = bind_of_run(vm, &run);
		}
		if (count > before)
			steps[count++] = (struct igt_panthor_step){
				.kind = STEP_STORE, .vm = vm, .pages = STEP_PAGES,
			};
	}

	return count;
}

/**
 * igt_panthor_draw_init:
 * @draw: filled
 * @seed: seed
 * @vms: number of VMs that the walk uses, 1 to STEP_VMS
 * @reclaim: the walk has steps of STEP_RECLAIM
 */
void igt_panthor_draw_init(struct igt_panthor_draw *draw, uint32_t seed, unsigned int vms,
			   bool reclaim)
{
	*draw = (struct igt_panthor_draw){
		.state = mix(seed + UINT64_C(1)),
		.vms = vms,
		.reclaim = reclaim,
	};
}

static unsigned int draw_below(struct igt_panthor_draw *draw, unsigned int limit)
{
	draw->state += UINT64_C(0x9e3779b97f4a7c15);

	return mix(draw->state) % limit;
}

static bool draw_percent(struct igt_panthor_draw *draw, unsigned int percent)
{
	return draw_below(draw, 100) < percent;
}

/* First page of the run, or hole, that @page is in; or the page behind it. */
static int edge_at(const struct igt_panthor_shadow_page *pages, int page, bool end)
{
	const uint32_t bind = pages[page].bind;

	if (end) {
		while (page < STEP_PAGES && pages[page].bind == bind)
			page++;
		return page;
	}
	while (page > 0 && pages[page - 1].bind == bind)
		page--;

	return page;
}

/* Pages near edges of blocks and of what is mapped are where mistakes are. */
static unsigned int draw_page(struct igt_panthor_draw *draw,
			      const struct igt_panthor_shadow_page *pages)
{
	int page = draw_below(draw, STEP_PAGES);

	switch (draw_below(draw, 4)) {
	case 0:
		page = page / STEP_BLOCK_PAGES * STEP_BLOCK_PAGES;
		break;
	case 1:
		page = page / STEP_BLOCK_PAGES * STEP_BLOCK_PAGES + draw_below(draw, 5) - 2;
		break;
	case 2:
		page = edge_at(pages, page, draw_below(draw, 2)) + draw_below(draw, 3) - 1;
		break;
	}

	return page < 0 ? 0 : page >= STEP_PAGES ? STEP_PAGES - 1 : page;
}

static unsigned int draw_pages(struct igt_panthor_draw *draw, unsigned int page,
			       const struct igt_panthor_shadow_page *pages)
{
	const unsigned int to_block = STEP_BLOCK_PAGES - page % STEP_BLOCK_PAGES;
	unsigned int count;

	switch (draw_below(draw, 6)) {
	case 0:
		count = 1 + draw_below(draw, 4);
		break;
	case 1:
		count = 16;
		break;
	case 2:
		count = to_block + STEP_BLOCK_PAGES * draw_below(draw, 3);
		break;
	case 3:
		count = STEP_BLOCK_PAGES * (1 + draw_below(draw, 2));
		break;
	case 4:
		count = edge_at(pages, page, true) - page;
		break;
	default:
		count = 1 + draw_below(draw, 2 * STEP_BLOCK_PAGES);
		break;
	}

	return count < STEP_PAGES - page ? count : STEP_PAGES - page;
}

/*
 * Half of the offsets equal their page modulo the block, so that blocks can be mapped. The others
 * leave room for all pages, if the BO has as many: blocks of the VM that are no blocks of the BO.
 */
static void draw_offset(struct igt_panthor_draw *draw, struct igt_panthor_step *step)
{
	const unsigned int pages = igt_panthor_step_bos[step->bo].pages;
	const unsigned int room = pages > step->pages ? pages - step->pages : 0;
	unsigned int offset = draw_below(draw, room + 1);

	if (draw_percent(draw, 50))
		offset = offset / STEP_BLOCK_PAGES * STEP_BLOCK_PAGES +
			 step->page % STEP_BLOCK_PAGES;
	if (offset >= pages)
		offset = step->page % pages;

	step->offset = offset;
	if (step->pages > pages - offset)
		step->pages = pages - offset;
}

/* Binds again what is mapped, from the same place in the BO. */
static bool draw_again(struct igt_panthor_draw *draw, const struct igt_panthor_shadow *shadow,
		       struct igt_panthor_step *step)
{
	const struct igt_panthor_shadow_page *page = &shadow->page[step->vm][step->page];
	unsigned int left;

	if (!page->bind || igt_panthor_shadow_is_dummy(page->object) || draw_percent(draw, 75))
		return false;

	step->bo = bo_of_object(page->object);
	step->offset = page->offset;
	left = igt_panthor_step_bos[step->bo].pages - step->offset;
	if (step->pages > left)
		step->pages = left;

	return true;
}

static void draw_range(struct igt_panthor_draw *draw, const struct igt_panthor_shadow *shadow,
		       struct igt_panthor_step *step)
{
	step->page = draw_page(draw, shadow->page[step->vm]);
	step->pages = draw_pages(draw, step->page, shadow->page[step->vm]);
}

static void draw_bind(struct igt_panthor_draw *draw, const struct igt_panthor_shadow *shadow,
		      struct igt_panthor_step *step)
{
	const unsigned int what = draw_below(draw, 100);
	const struct igt_panthor_step *last = &draw->last;
	const bool more = igt_panthor_step_is_bind(last) && last->flags & STEP_MORE;

	step->kind = what < 32 ? STEP_SPARSE : what < 71 ? STEP_BO : STEP_UNMAP;
	if (more)
		step->vm = last->vm;
	draw_range(draw, shadow, step);

	if (step->kind == STEP_BO && !draw_again(draw, shadow, step)) {
		step->bo = draw_below(draw, STEP_BOS);
		draw_offset(draw, step);
	}
	if (step->kind != STEP_UNMAP) {
		step->flags |= draw_percent(draw, 20) ? STEP_READONLY : 0;
		step->flags |= draw_percent(draw, 6) ? STEP_UNCACHED : 0;
	}
	step->flags |= draw_percent(draw, 30) ? STEP_MORE : 0;
	if (more)
		step->flags |= last->flags & STEP_ASYNC;
	else
		step->flags |= draw_percent(draw, 25) ? STEP_ASYNC : 0;
	if (step->flags & STEP_ASYNC && !more)
		step->flags |= draw_percent(draw, 5) ? STEP_HELD : 0;
}

/* Around the last bind, or the whole window. */
static void draw_look(struct igt_panthor_draw *draw, struct igt_panthor_step *step)
{
	const struct igt_panthor_step *last = &draw->last_bind;

	if (!last->pages || draw_percent(draw, 30)) {
		step->pages = STEP_PAGES;
		return;
	}

	step->vm = last->vm;
	step->page = last->page < 2 ? 0 : last->page - 2;
	step->pages = last->page + last->pages + 2 < STEP_PAGES ?
			      last->page + last->pages + 2 - step->page : STEP_PAGES - step->page;
}

/* A hole, or a READONLY page; most at an edge. */
static void draw_fault(struct igt_panthor_draw *draw, const struct igt_panthor_shadow *shadow,
		       struct igt_panthor_step *step)
{
	const struct igt_panthor_shadow_page *pages = shadow->page[step->vm];
	unsigned int page = draw_page(draw, pages);

	for (unsigned int i = 0; i < STEP_PAGES; i++, page = (page + 1) % STEP_PAGES)
		if (!pages[page].bind || pages[page].flags & STEP_READONLY)
			break;
	step->page = page;
}

static void draw_cpu(struct igt_panthor_draw *draw, struct igt_panthor_step *step)
{
	step->bo = draw_below(draw, STEP_BOS);
	step->pages = 1 + draw_below(draw, 32);
	draw_offset(draw, step);
}

/* Steps between two checks of everything. */
#define CHECK_INTERVAL 256

/* How often each kind is drawn, besides binds, in 2000 steps. */
static const struct {
	enum igt_panthor_step_kind kind;
	unsigned int weight;
} kinds[] = {
	{ STEP_LOAD, 240 },
	{ STEP_STORE, 180 },
	{ STEP_CPU, 40 },
	{ STEP_EVICT, 60 },
	{ STEP_RECLAIM, 10 },
	{ STEP_FAULT, 10 },
	{ STEP_NEW_VM, 4 },
	{ STEP_NEW_FILE, 1 },
};

/*
 * Half of the steps are in bursts without jobs: evicted VMAs stay evicted, and the device is
 * suspended, where binds take a tenth of the time.
 */
#define BURST_INTERVAL 128
#define BURST_MAX 256

static bool is_in_burst(struct igt_panthor_draw *draw)
{
	if (draw->burst)
		return draw->burst--;
	if (!draw_below(draw, BURST_INTERVAL))
		draw->burst = draw_below(draw, BURST_MAX);

	return false;
}

static bool needs_job(enum igt_panthor_step_kind kind)
{
	return kind == STEP_LOAD || kind == STEP_STORE || kind == STEP_FAULT;
}

/* STEP_UNMAP stands for all binds. */
static enum igt_panthor_step_kind draw_kind(struct igt_panthor_draw *draw)
{
	enum igt_panthor_step_kind kind = STEP_UNMAP;
	const bool burst = is_in_burst(draw);
	unsigned int what = draw_below(draw, 2000);

	if (draw->since_check >= CHECK_INTERVAL && !burst)
		return STEP_CHECK;
	if (igt_panthor_step_is_bind(&draw->last) && draw->last.flags & STEP_MORE &&
	    draw_percent(draw, 90))
		return STEP_UNMAP;

	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (what < kinds[i].weight) {
			kind = kinds[i].kind;
			break;
		}
		what -= kinds[i].weight;
	}
	if (burst && needs_job(kind))
		return STEP_UNMAP;
	if (kind == STEP_RECLAIM && !draw->reclaim)
		return STEP_EVICT;

	return kind;
}

/**
 * igt_panthor_draw_step:
 * @draw: source
 * @shadow: model before the step
 *
 * Returns: a valid step.
 */
struct igt_panthor_step igt_panthor_draw_step(struct igt_panthor_draw *draw,
					      const struct igt_panthor_shadow *shadow)
{
	struct igt_panthor_step step = {
		.kind = draw_kind(draw),
		.vm = draw_below(draw, draw->vms),
	};

	switch (step.kind) {
	case STEP_UNMAP:
		draw_bind(draw, shadow, &step);
		draw->last_bind = step;
		break;
	case STEP_STORE:
	case STEP_LOAD:
		draw_look(draw, &step);
		break;
	case STEP_FAULT:
		draw_fault(draw, shadow, &step);
		break;
	case STEP_CPU:
		draw_cpu(draw, &step);
		break;
	case STEP_EVICT:
		step.pages = draw_percent(draw, 50) ? 0 : 1 + draw_below(draw, 1024);
		break;
	case STEP_RECLAIM:
		step.pages = 1 + draw_below(draw, 8);
		break;
	}

	draw->since_check = step.kind == STEP_CHECK ? 0 : draw->since_check + 1;
	draw->last = step;

	return step;
}
