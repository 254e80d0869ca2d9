// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <cairo-svg.h>
#include <cairo.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "panthor_vmas.h"

/* Lengths in units of the picture, pixels of a PNG. */
#define WIDTH 960
#define MARGIN 20
#define INNER (WIDTH - 2 * MARGIN)
#define LINE 17
#define BAR_HEIGHT 40
#define STRIP_HEIGHT 72
#define ACCESS_HEIGHT 14
#define GAP 14
#define HATCH 6

/* VMs and VMAs that are drawn. Beyond, a number tells how many are not. */
#define VMS_MAX 6
#define ROWS_MAX 24

/* Blocks of the part that is drawn larger, and of those in front of the mark. */
#define ZOOM_BLOCKS 34
#define ZOOM_BEFORE 6

/* A range with fewer pages has a line at the edge of each. */
#define PAGE_EDGES 40

struct colour {
	double red, green, blue;
};

static const struct colour ink = { 0.13, 0.15, 0.18 };
static const struct colour faint = { 0.45, 0.48, 0.52 };
static const struct colour paper = { 1, 1, 1 };
static const struct colour ground = { 0.94, 0.95, 0.96 };
static const struct colour red = { 0.80, 0.09, 0.11 };
static const struct colour pink = { 0.98, 0.85, 0.85 };
static const struct colour green = { 0.13, 0.58, 0.30 };
static const struct colour violet = { 0.48, 0.20, 0.65 };

static const struct colour kind_colour[] = {
	[VMAS_UNKNOWN] = { 0.70, 0.71, 0.73 },
	[VMAS_SPARSE] = { 0.98, 0.76, 0.33 },
	[VMAS_BO] = { 0.45, 0.66, 0.87 },
};

/**
 * sheet:
 * @cr: where it is drawn
 * @model: model
 * @input: marks
 * @y: upper edge of what comes next
 */
struct sheet {
	cairo_t *cr;
	const struct vmas_model *model;
	const struct vmas_input *input;
	double y;
};

static void use(cairo_t *cr, const struct colour *colour)
{
	cairo_set_source_rgb(cr, colour->red, colour->green, colour->blue);
}

/* ---------------------------------------------------------------------------------------------- */
/* Text and boxes */

static void use_font(cairo_t *cr, double size, bool bold)
{
	cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
			       bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(cr, size);
}

static double text_width(cairo_t *cr, const char *text)
{
	cairo_text_extents_t extents;

	cairo_text_extents(cr, text, &extents);
	return extents.x_advance;
}

/* Cuts what is wider than @width. All text is ASCII. */
static void put_text(cairo_t *cr, double x, double y, double width, const struct colour *colour,
		     const char *text)
{
	char fitting[512];
	size_t length;

	snprintf(fitting, sizeof(fitting), "%s", text);
	for (length = strlen(fitting); length && text_width(cr, fitting) > width; length--)
		strcpy(fitting + (length > 3 ? length - 3 : 0), length > 3 ? ".." : "");
	use(cr, colour);
	cairo_move_to(cr, x, y);
	cairo_show_text(cr, fitting);
}

static void put_centred(cairo_t *cr, double x, double y, const struct colour *colour,
			const char *text)
{
	const double half = text_width(cr, text) / 2;

	if (x - half < MARGIN)
		x = MARGIN + half;
	if (x + half > WIDTH - MARGIN)
		x = WIDTH - MARGIN - half;
	put_text(cr, x - half, y, WIDTH, colour, text);
}

static void line(struct sheet *sheet, double size, bool bold, const struct colour *colour,
		 const char *text)
{
	use_font(sheet->cr, size, bold);
	put_text(sheet->cr, MARGIN, sheet->y + LINE - 4, INNER, colour, text);
	sheet->y += LINE;
}

static void hatch(cairo_t *cr, double x, double y, double width, double height)
{
	cairo_save(cr);
	cairo_rectangle(cr, x, y, width, height);
	cairo_clip(cr);
	cairo_set_line_width(cr, 1.2);
	for (double at = x - height; at < x + width; at += HATCH) {
		cairo_move_to(cr, at, y + height);
		cairo_line_to(cr, at + height, y);
	}
	cairo_stroke(cr);
	cairo_restore(cr);
}

/* Filled in the colour of the kind; hatched if the pages were evicted, white if there are none. */
static void object_box(cairo_t *cr, const struct vmas_object *object, double x, double y,
		       double width, double height)
{
	const bool has_pages = object->pages != VMAS_PAGES_NONE &&
			       object->pages != VMAS_PAGES_EVICTED;

	use(cr, has_pages ? &kind_colour[object->kind] : &paper);
	cairo_rectangle(cr, x, y, width, height);
	cairo_fill(cr);
	use(cr, &kind_colour[object->kind]);
	if (object->pages == VMAS_PAGES_EVICTED)
		hatch(cr, x, y, width, height);
}

static void frame(cairo_t *cr, const struct colour *colour, double thickness, double x, double y,
		  double width, double height)
{
	use(cr, colour);
	cairo_set_line_width(cr, thickness);
	cairo_rectangle(cr, x, y, width, height);
	cairo_stroke(cr);
}

static const struct colour *mark_colour(const struct vmas_mark *mark)
{
	switch (mark->kind) {
	case VMAS_MARK_FAULT:
		return &red;
	case VMAS_MARK_ACCESS:
		return &green;
	default:
		return &violet;
	}
}

/* ---------------------------------------------------------------------------------------------- */
/* All VMAs of a VM: boxes side by side, and a line for each */

/* The VMA of the first fault in it, or of the first mark; NULL if no VMA has a mark. */
static const struct vmas_vma *marked_vma(const struct sheet *sheet, const struct vmas_vm *vm)
{
	const struct vmas_vma *any = NULL;

	if (!vmas_has_marks(sheet->model, vm))
		return NULL;
	for (unsigned int i = 0; i < sheet->input->mark_count; i++) {
		const struct vmas_mark *mark = &sheet->input->mark[i];
		const struct vmas_vma *vma = vmas_find(sheet->model, vm, mark->va);

		if (vma && mark->kind == VMAS_MARK_FAULT)
			return vma;
		if (!any)
			any = vma;
	}
	return any;
}

/* The VMAs that are drawn: the first ones, or those around the one with the mark. */
static size_t first_row(const struct sheet *sheet, const struct vmas_vm *vm)
{
	const struct vmas_vma *marked = marked_vma(sheet, vm);
	size_t index = marked ? marked - &sheet->model->vma[vm->first] : 0;

	if (vm->count <= ROWS_MAX || index < ROWS_MAX / 2)
		return vm->first;
	if (index + ROWS_MAX / 2 > vm->count)
		return vm->first + vm->count - ROWS_MAX;
	return vm->first + index - ROWS_MAX / 2;
}

/* Boxes grow with the number of digits of a size: a page is as visible as 4 GiB. */
static double weight(const struct vmas_vma *vma)
{
	return 2 + log2((double)vma->size / VMAS_PAGE + 1);
}

static void bar_marks(struct sheet *sheet, const struct vmas_vm *vm, const struct vmas_vma *vma,
		      double x, double width)
{
	for (unsigned int i = 0; i < sheet->input->mark_count; i++) {
		const struct vmas_mark *mark = &sheet->input->mark[i];
		double at;

		if (mark->kind == VMAS_MARK_ACCESS || vmas_find(sheet->model, vm, mark->va) != vma)
			continue;
		at = x + width * ((double)(mark->va - vma->va) / vma->size);
		use(sheet->cr, mark_colour(mark));
		cairo_set_line_width(sheet->cr, 2);
		cairo_move_to(sheet->cr, at, sheet->y - 6);
		cairo_line_to(sheet->cr, at, sheet->y + BAR_HEIGHT + 4);
		cairo_stroke(sheet->cr);
	}
}

static void bar(struct sheet *sheet, const struct vmas_vm *vm, size_t first, size_t count)
{
	const struct vmas_vma *vma = &sheet->model->vma[first];
	double weights = 0, gaps = 0, x = MARGIN;
	char number[24];

	for (size_t i = 0; i < count; i++) {
		weights += weight(&vma[i]);
		gaps += i && vma[i].va != vma[i - 1].va + vma[i - 1].size ? GAP : 0;
	}
	sheet->y += 8;
	for (size_t i = 0; i < count; i++) {
		const double width = weight(&vma[i]) * (INNER - gaps) / weights;

		if (i && vma[i].va != vma[i - 1].va + vma[i - 1].size)
			x += GAP;
		object_box(sheet->cr, &sheet->model->object[vma[i].object], x, sheet->y, width,
			   BAR_HEIGHT);
		frame(sheet->cr, &ink, 1, x, sheet->y, width, BAR_HEIGHT);
		if (vmas_has_marks(sheet->model, vm))
			bar_marks(sheet, vm, &vma[i], x, width);
		snprintf(number, sizeof(number), "%zu", first + i - vm->first + 1);
		use_font(sheet->cr, 11, true);
		put_text(sheet->cr, x + 4, sheet->y + 15, width, &ink, number);
		x += width;
	}
	sheet->y += BAR_HEIGHT + 8;
}

/* Left edges of the columns of a row. */
static const double column[] = { 0, 28, 138, 248, 318, 378, 456, 610 };

static void row_text(struct sheet *sheet, unsigned int index, const char *text)
{
	const bool is_last = index + 1 == sizeof(column) / sizeof(column[0]);
	const double end = is_last ? INNER : column[index + 1];

	put_text(sheet->cr, MARGIN + column[index], sheet->y + LINE - 4, end - column[index] - 6,
		 index ? &ink : &faint, text);
}

static void row_head(struct sheet *sheet)
{
	static const char * const name[] = { "", "start", "end", "size", "kind", "pages",
					     "offset, in block", "object" };

	use_font(sheet->cr, 11, true);
	for (unsigned int i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		row_text(sheet, i, name[i]);
	sheet->y += LINE;
}

static void row(struct sheet *sheet, const struct vmas_vm *vm, const struct vmas_vma *vma)
{
	const struct vmas_object *object = &sheet->model->object[vma->object];
	char text[8][192];

	snprintf(text[0], sizeof(text[0]), "%zu",
		 (size_t)(vma - sheet->model->vma) - vm->first + 1);
	snprintf(text[1], sizeof(text[1]), "0x%" PRIx64, vma->va);
	snprintf(text[2], sizeof(text[2]), "0x%" PRIx64, vma->va + vma->size);
	vmas_format_size(vma->size, text[3], sizeof(text[3]));
	snprintf(text[4], sizeof(text[4]), "%s", vmas_kind_name(object->kind));
	snprintf(text[5], sizeof(text[5]), "%s", vmas_pages_name(object->pages));
	snprintf(text[6], sizeof(text[6]), "0x%" PRIx64 ", 0x%" PRIx64 "%s", vma->offset,
		 vma->offset % VMAS_BLOCK,
		 vmas_is_odd_sparse(vma, object) ? " (not its address's)" : "");
	snprintf(text[7], sizeof(text[7]), "%s", object->label);
	if (object->evictions > 0)
		snprintf(text[7] + strlen(text[7]), sizeof(text[7]) - strlen(text[7]),
			 "%s%" PRId64 " eviction%s", object->label[0] ? ", " : "",
			 object->evictions, object->evictions == 1 ? "" : "s");
	if (vma == marked_vma(sheet, vm)) {
		use(sheet->cr, &pink);
		cairo_rectangle(sheet->cr, MARGIN - 4, sheet->y, INNER + 8, LINE);
		cairo_fill(sheet->cr);
	}
	use_font(sheet->cr, 11, false);
	for (unsigned int i = 0; i < 8; i++)
		row_text(sheet, i, text[i]);
	sheet->y += LINE;
}

static void overview(struct sheet *sheet, const struct vmas_vm *vm)
{
	const size_t first = first_row(sheet, vm);
	const size_t count = vm->count < ROWS_MAX ? vm->count : ROWS_MAX;
	char text[96];

	if (!count)
		return;
	bar(sheet, vm, first, count);
	row_head(sheet);
	for (size_t i = 0; i < count; i++)
		row(sheet, vm, &sheet->model->vma[first + i]);
	if (count == vm->count)
		return;
	snprintf(text, sizeof(text), "%zu more VMAs are not drawn", vm->count - count);
	line(sheet, 11, false, &faint, text);
}

/* ---------------------------------------------------------------------------------------------- */
/* Blocks around the mark, to scale */

/* Addresses [start, end), which are drawn from the left margin to the right one. */
struct zoom {
	uint64_t start, end;
};

static double x_of(const struct zoom *zoom, uint64_t va)
{
	if (va <= zoom->start)
		return MARGIN;
	if (va >= zoom->end)
		return WIDTH - MARGIN;
	return MARGIN + INNER * ((double)(va - zoom->start) / (zoom->end - zoom->start));
}

static uint64_t less(uint64_t va, uint64_t size)
{
	return va < size ? 0 : va - size;
}

static uint64_t more(uint64_t va, uint64_t size)
{
	return va > UINT64_MAX - size ? UINT64_MAX : va + size;
}

/* The mark that the larger part shows: the first fault, or the first mark. */
static const struct vmas_mark *main_mark(const struct vmas_input *input)
{
	for (unsigned int i = 0; i < input->mark_count; i++)
		if (input->mark[i].kind == VMAS_MARK_FAULT)
			return &input->mark[i];
	return input->mark_count ? input->mark : NULL;
}

/*
 * The VMA with the mark and the edges of its neighbours; of a large VMA, the blocks around the mark;
 * without a VMA, a few blocks around the mark.
 */
static struct zoom choose_zoom(const struct vmas_vma *vma, uint64_t va)
{
	const uint64_t most = ZOOM_BLOCKS * VMAS_BLOCK;
	struct zoom zoom = { less(va, 2 * VMAS_BLOCK), more(va, 2 * VMAS_BLOCK) };
	uint64_t around;

	if (vma) {
		around = vma->size / 8;
		if (around < VMAS_PAGE)
			around = VMAS_PAGE;
		if (around > VMAS_BLOCK)
			around = VMAS_BLOCK;
		zoom.start = less(vma->va, around);
		zoom.end = more(vma->va + vma->size, around);
	}
	if (zoom.end - zoom.start <= most)
		return zoom;
	if (va - zoom.start > ZOOM_BEFORE * VMAS_BLOCK)
		zoom.start = less(va / VMAS_BLOCK * VMAS_BLOCK, ZOOM_BEFORE * VMAS_BLOCK);
	if (zoom.end - zoom.start > most)
		zoom.end = zoom.start + most;
	return zoom;
}

/* The offset in the block of the object rises in each part: a sparse range repeats its block. */
static void teeth(struct sheet *sheet, const struct zoom *zoom, const struct vmas_vma *vma)
{
	uint64_t at = vma->va > zoom->start ? vma->va : zoom->start;
	const uint64_t last = vma->va + vma->size < zoom->end ? vma->va + vma->size : zoom->end;
	cairo_t *cr = sheet->cr;

	if (x_of(zoom, last) - x_of(zoom, at) < 4)
		return;
	use(cr, &ink);
	cairo_set_line_width(cr, 0.8);
	while (at < last) {
		const uint64_t offset = (vma->offset + (at - vma->va)) % VMAS_BLOCK;
		const uint64_t next = last - at < VMAS_BLOCK - offset ? last :
				      at + VMAS_BLOCK - offset;
		const double bottom = sheet->y + STRIP_HEIGHT;
		const double unit = -(double)STRIP_HEIGHT / VMAS_BLOCK;

		cairo_move_to(cr, x_of(zoom, at), bottom + unit * offset);
		cairo_line_to(cr, x_of(zoom, next), bottom + unit * (offset + (next - at)));
		at = next;
	}
	cairo_stroke(cr);
}

/* VMAs too small to be told apart are drawn as one. */
static void strip_vmas(struct sheet *sheet, const struct vmas_vm *vm, const struct zoom *zoom)
{
	double drawn = 0;

	for (size_t i = vm->first; i < vm->first + vm->count; i++) {
		const struct vmas_vma *vma = &sheet->model->vma[i];
		const double left = x_of(zoom, vma->va), right = x_of(zoom, vma->va + vma->size);
		const double width = right - left > 1 ? right - left : 1;

		if (vma->va >= zoom->end || vma->va + vma->size <= zoom->start ||
		    (drawn && right - drawn < 0.5))
			continue;
		object_box(sheet->cr, &sheet->model->object[vma->object], left, sheet->y, width,
			   STRIP_HEIGHT);
		teeth(sheet, zoom, vma);
		if (width > 3)
			frame(sheet->cr, &ink, 1.5, left, sheet->y, width, STRIP_HEIGHT);
		drawn = right;
	}
}

static void edge(struct sheet *sheet, const struct zoom *zoom, uint64_t va, double length)
{
	const double x = x_of(zoom, va);

	cairo_move_to(sheet->cr, x, sheet->y - length);
	cairo_line_to(sheet->cr, x, sheet->y + STRIP_HEIGHT + length);
	cairo_stroke(sheet->cr);
}

/* Dashed lines at the edges of blocks, fine ones at those of pages. */
static void edges(struct sheet *sheet, const struct zoom *zoom)
{
	const uint64_t size = zoom->end - zoom->start;
	const double dashes[] = { 3, 2 };

	use(sheet->cr, &faint);
	cairo_set_line_width(sheet->cr, 0.3);
	for (uint64_t i = 0; size / VMAS_PAGE < PAGE_EDGES && i < PAGE_EDGES; i++) {
		const uint64_t va = (zoom->start / VMAS_PAGE + 1 + i) * VMAS_PAGE;

		if (va < zoom->end && va > zoom->start)
			edge(sheet, zoom, va, 0);
	}
	cairo_set_line_width(sheet->cr, 1);
	cairo_set_dash(sheet->cr, dashes, 2, 0);
	for (uint64_t i = 0; i <= ZOOM_BLOCKS; i++) {
		const uint64_t va = (zoom->start / VMAS_BLOCK + 1 + i) * VMAS_BLOCK;

		if (va < zoom->end && va > zoom->start)
			edge(sheet, zoom, va, 5);
	}
	cairo_set_dash(sheet->cr, NULL, 0, 0);
}

/* Green as far as accesses worked, red and hatched from the fault on. */
static void access_bar(struct sheet *sheet, const struct zoom *zoom, const struct vmas_mark *mark)
{
	const uint64_t end = mark->va + mark->size, done = vmas_accessed_end(sheet->input, mark);
	const double left = x_of(zoom, mark->va), right = x_of(zoom, end);
	const double middle = x_of(zoom, done);
	const double y = sheet->y;

	if (mark->va >= zoom->end || end <= zoom->start)
		return;
	use(sheet->cr, &green);
	cairo_rectangle(sheet->cr, left, y, middle - left, ACCESS_HEIGHT);
	cairo_fill(sheet->cr);
	if (done < end) {
		use(sheet->cr, &pink);
		cairo_rectangle(sheet->cr, middle, y, right - middle, ACCESS_HEIGHT);
		cairo_fill(sheet->cr);
		use(sheet->cr, &red);
		hatch(sheet->cr, middle, y, right - middle, ACCESS_HEIGHT);
	}
	frame(sheet->cr, &ink, 1, left, y, right - left, ACCESS_HEIGHT);
}

/* What a job would have reached without the fault is pale. */
static void fade_unreached(struct sheet *sheet, const struct zoom *zoom,
			   const struct vmas_mark *mark)
{
	const uint64_t end = mark->va + mark->size;
	const double left = x_of(zoom, vmas_accessed_end(sheet->input, mark));

	cairo_set_source_rgba(sheet->cr, 1, 1, 1, 0.65);
	cairo_rectangle(sheet->cr, left, sheet->y + 1, x_of(zoom, end) - left, STRIP_HEIGHT - 2);
	cairo_fill(sheet->cr);
}

/* Room for the text above the strip comes from the caller. */
static void pointer(struct sheet *sheet, const struct zoom *zoom, const struct vmas_mark *mark,
		    double below)
{
	const double x = x_of(zoom, mark->va);
	cairo_t *cr = sheet->cr;
	char text[128];

	use(cr, mark_colour(mark));
	cairo_set_line_width(cr, 2);
	cairo_move_to(cr, x, sheet->y - 8);
	cairo_line_to(cr, x, sheet->y + STRIP_HEIGHT + below);
	cairo_stroke(cr);
	cairo_move_to(cr, x, sheet->y);
	cairo_line_to(cr, x - 6, sheet->y - 11);
	cairo_line_to(cr, x + 6, sheet->y - 11);
	cairo_close_path(cr);
	cairo_fill(cr);
	snprintf(text, sizeof(text), "%s0x%" PRIx64 "%s%s",
		 mark->kind == VMAS_MARK_FAULT ? "fault " : "", mark->va, mark->text[0] ? " " : "",
		 mark->text);
	use_font(cr, 11, true);
	put_centred(cr, x, sheet->y - 15, mark_colour(mark), text);
}

static void ends(struct sheet *sheet, const struct zoom *zoom)
{
	char text[64];

	use_font(sheet->cr, 11, false);
	snprintf(text, sizeof(text), "0x%" PRIx64, zoom->start);
	put_text(sheet->cr, MARGIN, sheet->y + 10, INNER, &faint, text);
	snprintf(text, sizeof(text), "0x%" PRIx64, zoom->end);
	put_text(sheet->cr, WIDTH - MARGIN - text_width(sheet->cr, text), sheet->y + 10, INNER,
		 &faint, text);
	put_centred(sheet->cr, WIDTH / 2.0, sheet->y + 10, &faint,
		    zoom->end - zoom->start > VMAS_BLOCK ?
			    "dashed: edges of 2 MiB blocks; rising lines: offset in the block of the object" :
			    "fine lines: edges of pages; rising lines: offset in the block of the object");
	sheet->y += LINE;
}

static void zoomed(struct sheet *sheet, const struct vmas_vm *vm, const struct vmas_mark *mark)
{
	const struct vmas_vma *vma = vmas_find(sheet->model, vm, mark->va);
	const struct zoom zoom = choose_zoom(vma, mark->va);
	unsigned int bars = 0;
	double top;

	for (unsigned int i = 0; i < sheet->input->mark_count; i++)
		bars += sheet->input->mark[i].kind == VMAS_MARK_ACCESS;
	sheet->y += 34;
	top = sheet->y;
	use(sheet->cr, &ground);
	cairo_rectangle(sheet->cr, MARGIN, top, INNER, STRIP_HEIGHT);
	cairo_fill(sheet->cr);
	strip_vmas(sheet, vm, &zoom);
	for (unsigned int i = 0; i < sheet->input->mark_count; i++)
		if (sheet->input->mark[i].kind == VMAS_MARK_ACCESS)
			fade_unreached(sheet, &zoom, &sheet->input->mark[i]);
	edges(sheet, &zoom);
	for (unsigned int i = 0; i < sheet->input->mark_count; i++)
		if (sheet->input->mark[i].kind != VMAS_MARK_ACCESS &&
		    sheet->input->mark[i].va >= zoom.start && sheet->input->mark[i].va < zoom.end)
			pointer(sheet, &zoom, &sheet->input->mark[i],
				bars ? ACCESS_HEIGHT + 10 : 4);
	sheet->y = top + STRIP_HEIGHT + 8;
	for (unsigned int i = 0; i < sheet->input->mark_count; i++) {
		if (sheet->input->mark[i].kind != VMAS_MARK_ACCESS)
			continue;
		access_bar(sheet, &zoom, &sheet->input->mark[i]);
		sheet->y += ACCESS_HEIGHT + 2;
	}
	ends(sheet, &zoom);
	sheet->y += 4;
}

static void captions(struct sheet *sheet, const struct vmas_vm *vm)
{
	char text[512];

	for (unsigned int i = 0; i < sheet->input->mark_count; i++) {
		const struct vmas_mark *mark = &sheet->input->mark[i];

		vmas_describe_mark(sheet->model, vm, sheet->input, mark, text, sizeof(text));
		line(sheet, 11, true, mark_colour(mark), text);
	}
}

/* ---------------------------------------------------------------------------------------------- */
/* The sheet */

static double legend_item(struct sheet *sheet, double x, const struct vmas_object *object,
			  const char *text)
{
	object_box(sheet->cr, object, x, sheet->y + 3, 18, 11);
	frame(sheet->cr, &ink, 0.8, x, sheet->y + 3, 18, 11);
	use_font(sheet->cr, 11, false);
	put_text(sheet->cr, x + 23, sheet->y + 13, INNER, &ink, text);
	return x + 23 + text_width(sheet->cr, text) + 18;
}

static void legend(struct sheet *sheet)
{
	static const struct {
		struct vmas_object object;
		const char *text;
	} item[] = {
		{ { .kind = VMAS_SPARSE, .pages = VMAS_PAGES_RESIDENT }, "sparse" },
		{ { .kind = VMAS_BO, .pages = VMAS_PAGES_RESIDENT }, "BO" },
		{ { .kind = VMAS_UNKNOWN, .pages = VMAS_PAGES_RESIDENT },
		  "sparse or BO: not known from gems" },
		{ { .kind = VMAS_BO, .pages = VMAS_PAGES_EVICTED }, "evicted" },
		{ { .kind = VMAS_BO, .pages = VMAS_PAGES_NONE }, "no pages" },
	};
	double x = MARGIN;
	bool accesses = false;

	for (unsigned int i = 0; i < sizeof(item) / sizeof(item[0]); i++)
		x = legend_item(sheet, x, &item[i].object, item[i].text);
	for (unsigned int i = 0; i < sheet->input->mark_count; i++)
		accesses |= sheet->input->mark[i].kind == VMAS_MARK_ACCESS;
	if (accesses) {
		use(sheet->cr, &green);
		cairo_rectangle(sheet->cr, x, sheet->y + 3, 18, 11);
		cairo_fill(sheet->cr);
		put_text(sheet->cr, x + 23, sheet->y + 13, INNER, &ink, "accesses that worked");
		x += 23 + text_width(sheet->cr, "accesses that worked") + 18;
		use(sheet->cr, &pink);
		cairo_rectangle(sheet->cr, x, sheet->y + 3, 18, 11);
		cairo_fill(sheet->cr);
		use(sheet->cr, &red);
		hatch(sheet->cr, x, sheet->y + 3, 18, 11);
		put_text(sheet->cr, x + 23, sheet->y + 13, INNER, &ink, "from the fault on");
	}
	sheet->y += LINE;
}

static void title(struct sheet *sheet, const struct vmas_vm *vm)
{
	char text[256], process[64] = "", number[24] = "";

	if (vm->pid)
		snprintf(process, sizeof(process), " of process %d (%s)", vm->pid, vm->comm);
	else if (vm->comm[0])
		snprintf(process, sizeof(process), " of the %s", vm->comm);
	/* A log has a part of gpuvas: a position in it says nothing. */
	if (!sheet->input->subtest[0] || sheet->model->vm_count > 1)
		snprintf(number, sizeof(number), " %u", vm->number);
	snprintf(text, sizeof(text), "VM%s%s, %zu VMA%s%s%s", number, process, vm->count,
		 vm->count == 1 ? "" : "s", sheet->input->subtest[0] ? ", at the failure of " : "",
		 sheet->input->subtest);
	line(sheet, 14, true, &ink, text);
	sheet->y += 4;
}

static void draw_vm(struct sheet *sheet, const struct vmas_vm *vm)
{
	const struct vmas_mark *mark = main_mark(sheet->input);

	title(sheet, vm);
	if (mark && vmas_has_marks(sheet->model, vm)) {
		captions(sheet, vm);
		zoomed(sheet, vm, mark);
	}
	overview(sheet, vm);
	sheet->y += 10;
}

/* The VM that the marks are about comes first. */
static void draw_vms(struct sheet *sheet)
{
	const struct vmas_model *model = sheet->model;
	unsigned int drawn = 0;
	char text[96];

	for (unsigned int turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < model->vm_count && drawn < VMS_MAX; i++) {
			if (model->vm[i].is_marked != !turn)
				continue;
			draw_vm(sheet, &model->vm[i]);
			drawn++;
		}
	}
	if (drawn < model->vm_count) {
		snprintf(text, sizeof(text), "%zu more VMs are not drawn: choose one by --vm or --pid",
			 model->vm_count - drawn);
		line(sheet, 11, false, &faint, text);
	}
}

static void draw_all(struct sheet *sheet)
{
	char text[128];

	sheet->y = MARGIN / 2.0;
	draw_vms(sheet);
	if (sheet->input->left_vmas || sheet->input->left_gems) {
		snprintf(text, sizeof(text), "the log leaves out %" PRIu64 " lines of gpuvas, %" PRIu64
			 " of gems", sheet->input->left_vmas, sheet->input->left_gems);
		line(sheet, 11, false, &faint, text);
	}
	legend(sheet);
	sheet->y += MARGIN / 2.0;
}

static cairo_status_t write_bytes(void *closure, const unsigned char *data, unsigned int length)
{
	return fwrite(data, 1, length, closure) == length ? CAIRO_STATUS_SUCCESS :
							    CAIRO_STATUS_WRITE_ERROR;
}

/* The height of the sheet is known only after drawing it. */
static double measure(struct sheet *sheet)
{
	cairo_surface_t *surface = cairo_recording_surface_create(CAIRO_CONTENT_COLOR, NULL);

	sheet->cr = cairo_create(surface);
	draw_all(sheet);
	cairo_destroy(sheet->cr);
	cairo_surface_destroy(surface);
	return ceil(sheet->y);
}

/**
 * vmas_draw:
 * @out: stream
 * @form: SVG or PNG
 * @model: model
 * @input: marks
 * @error: %VMAS_ERROR_LEN bytes, filled on failure
 *
 * Draws each VM: its VMAs in the order of their addresses and, to scale, the blocks around the first
 * fault, or around the first mark.
 *
 * Returns: 0, or -EIO.
 */
int vmas_draw(FILE *out, enum vmas_picture form, const struct vmas_model *model,
	      const struct vmas_input *input, char *error)
{
	struct sheet sheet = { .model = model, .input = input };
	const double height = measure(&sheet);
	cairo_surface_t *surface;
	cairo_status_t status;

	if (form == VMAS_SVG)
		surface = cairo_svg_surface_create_for_stream(write_bytes, out, WIDTH, height);
	else
		surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, height);
	sheet.cr = cairo_create(surface);
	use(sheet.cr, &paper);
	cairo_paint(sheet.cr);
	draw_all(&sheet);
	status = cairo_status(sheet.cr);
	if (!status && form == VMAS_PNG)
		status = cairo_surface_write_to_png_stream(surface, write_bytes, out);
	cairo_destroy(sheet.cr);
	cairo_surface_finish(surface);
	if (!status)
		status = cairo_surface_status(surface);
	cairo_surface_destroy(surface);
	if (!status)
		return 0;
	VMAS_ERROR(error, "the picture cannot be drawn: %s", cairo_status_to_string(status));
	return -EIO;
}
