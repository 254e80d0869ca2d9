// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <inttypes.h>

#include "panthor_vmas.h"

/* The place in the VMA: its block, counted from 1, and how far behind the edge. */
static void describe_place(const struct vmas_vma *vma, uint64_t va, char *text, size_t size)
{
	const uint64_t first = vma->va / VMAS_BLOCK, last = (vma->va + vma->size - 1) / VMAS_BLOCK;
	char behind[32];

	vmas_format_size(va % VMAS_BLOCK, behind, sizeof(behind));
	if (va % VMAS_BLOCK)
		snprintf(text, size, "block %" PRIu64 " of %" PRIu64 ", %s behind its edge",
			 va / VMAS_BLOCK - first + 1, last - first + 1, behind);
	else
		snprintf(text, size, "block %" PRIu64 " of %" PRIu64 ", at its edge",
			 va / VMAS_BLOCK - first + 1, last - first + 1);
}

static void describe_hole(const struct vmas_model *model, const struct vmas_vm *vm, uint64_t va,
			  char *text, size_t size)
{
	const struct vmas_vma *before = NULL, *behind = NULL;
	char distance[2][32] = { "", "" };

	for (size_t i = vm->first; i < vm->first + vm->count; i++) {
		const struct vmas_vma *vma = &model->vma[i];

		if (vma->va <= va)
			before = vma;
		else if (!behind)
			behind = vma;
	}
	if (before)
		vmas_format_size(va - (before->va + before->size), distance[0],
				 sizeof(distance[0]));
	if (behind)
		vmas_format_size(behind->va - va, distance[1], sizeof(distance[1]));
	snprintf(text, size, "no VMA%s%s%s%s%s%s", before ? ", " : "", distance[0],
		 before ? " behind one" : "", behind ? ", " : "", distance[1],
		 behind ? " in front of the next" : "");
}

static void describe_access(const struct vmas_input *input, const struct vmas_mark *access,
			    char *text, size_t size)
{
	const uint64_t done = vmas_accessed_end(input, access) - access->va;
	char all[32], worked[32];

	vmas_format_size(access->size, all, sizeof(all));
	vmas_format_size(done, worked, sizeof(worked));
	snprintf(text, size, "accesses 0x%" PRIx64 " to 0x%" PRIx64 ", %s%s%s: %s%s", access->va,
		 access->va + access->size, all, access->text[0] ? ", " : "", access->text,
		 done < access->size ? worked : "no fault in them",
		 done < access->size ? " of it worked" : "");
}

/**
 * vmas_describe_mark:
 * @model: model
 * @vm: VM
 * @input: marks
 * @mark: one of them
 * @text: filled
 * @size: bytes of @text
 *
 * What is at the mark, in words.
 */
void vmas_describe_mark(const struct vmas_model *model, const struct vmas_vm *vm,
			const struct vmas_input *input, const struct vmas_mark *mark, char *text,
			size_t size)
{
	const char *word = mark->kind == VMAS_MARK_FAULT ? "fault" : "mark";
	const struct vmas_vma *vma = vmas_find(model, vm, mark->va);
	char place[128];

	if (mark->kind == VMAS_MARK_ACCESS) {
		describe_access(input, mark, text, size);
		return;
	}
	if (!vma) {
		describe_hole(model, vm, mark->va, place, sizeof(place));
		snprintf(text, size, "%s 0x%" PRIx64 "%s%s: %s", word, mark->va,
			 mark->text[0] ? " " : "", mark->text, place);
		return;
	}
	describe_place(vma, mark->va, place, sizeof(place));
	snprintf(text, size, "%s 0x%" PRIx64 "%s%s: in the %s VMA of 0x%" PRIx64 ", %s; object %s",
		 word, mark->va, mark->text[0] ? " " : "", mark->text,
		 vmas_kind_name(model->object[vma->object].kind), vma->va, place,
		 vmas_pages_name(model->object[vma->object].pages));
}

/**
 * vmas_format_size:
 * @size: bytes
 * @text: filled
 * @length: bytes of @text
 *
 * Writes the size in the largest unit that needs no more than two decimals: sizes are exact.
 */
void vmas_format_size(uint64_t size, char *text, size_t length)
{
	static const char * const name[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	unsigned int unit = sizeof(name) / sizeof(name[0]) - 1;
	uint64_t rest;

	while (unit && (size < UINT64_C(1) << 10 * unit ||
			size % (UINT64_C(1) << 10 * unit) * 100 % (UINT64_C(1) << 10 * unit)))
		unit--;
	rest = size % (UINT64_C(1) << 10 * unit) * 100 / (UINT64_C(1) << 10 * unit);
	if (rest)
		snprintf(text, length, "%" PRIu64 ".%02" PRIu64 " %s", size >> 10 * unit, rest,
			 name[unit]);
	else
		snprintf(text, length, "%" PRIu64 " %s", size >> 10 * unit, name[unit]);
}

/**
 * vmas_kind_name:
 * @kind: kind
 *
 * Returns: its name.
 */
const char *vmas_kind_name(enum vmas_kind kind)
{
	static const char * const name[] = {
		[VMAS_UNKNOWN] = "unknown", [VMAS_SPARSE] = "sparse", [VMAS_BO] = "BO",
	};

	return name[kind];
}

/**
 * vmas_pages_name:
 * @pages: state of an object's pages
 *
 * Returns: its name.
 */
const char *vmas_pages_name(enum vmas_pages pages)
{
	static const char * const name[] = {
		[VMAS_PAGES_UNKNOWN] = "unknown", [VMAS_PAGES_RESIDENT] = "resident",
		[VMAS_PAGES_EVICTED] = "evicted", [VMAS_PAGES_NONE] = "no pages",
	};

	return name[pages];
}
