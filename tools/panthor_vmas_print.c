// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <inttypes.h>
#include <string.h>

#include "panthor_vmas.h"

/* ---------------------------------------------------------------------------------------------- */
/* Table */

static void print_head(FILE *out, const struct vmas_vm *vm)
{
	fprintf(out, "VM %u", vm->number);
	if (vm->pid)
		fprintf(out, ", process %d (%s)", vm->pid, vm->comm);
	else if (vm->comm[0])
		fprintf(out, ", %s", vm->comm);
	fprintf(out, ", %zu VMA%s\n", vm->count, vm->count == 1 ? "" : "s");
	if (vm->count)
		fprintf(out, "  %-18s %-18s %10s  %-7s %-8s %-18s %9s  %-20s %s\n", "start", "end",
			"size", "kind", "pages", "offset", "in block", "blocks", "object");
}

/* HEAD + WHOLE + TAIL: bytes in front of the first edge, whole blocks, bytes behind the last one. */
static void format_blocks(const struct vmas_vma *vma, char *text, size_t size)
{
	const struct vmas_blocks blocks = vmas_split_blocks(vma->va, vma->size);
	char head[32], tail[32];

	vmas_format_size(blocks.head, head, sizeof(head));
	vmas_format_size(blocks.tail, tail, sizeof(tail));
	snprintf(text, size, "%s%s%" PRIu64 "%s%s", blocks.head ? head : "",
		 blocks.head ? " + " : "", blocks.whole, blocks.tail ? " + " : "",
		 blocks.tail ? tail : "");
}

static void print_vma(FILE *out, const struct vmas_model *model, const struct vmas_vma *vma)
{
	const struct vmas_object *object = &model->object[vma->object];
	char size[32], blocks[80];

	vmas_format_size(vma->size, size, sizeof(size));
	format_blocks(vma, blocks, sizeof(blocks));
	fprintf(out, "  0x%016" PRIx64 " 0x%016" PRIx64 " %10s  %-7s %-8s 0x%016" PRIx64
		" 0x%07" PRIx64 "%s %-20s %s\n",
		vma->va, vma->va + vma->size, size, vmas_kind_name(object->kind),
		vmas_pages_name(object->pages), vma->offset, vma->offset % VMAS_BLOCK,
		vmas_is_odd_sparse(vma, object) ? "!" : " ", blocks, object->label);
}

static void print_mark(FILE *out, const struct vmas_model *model, const struct vmas_vm *vm,
		       const struct vmas_input *input, const struct vmas_mark *mark)
{
	char text[512];

	vmas_describe_mark(model, vm, input, mark, text, sizeof(text));
	fprintf(out, "> %s\n", text);
}

/* A mark stands behind its VMA, or behind all of them. */
static void print_vm(FILE *out, const struct vmas_model *model, const struct vmas_vm *vm,
		     const struct vmas_input *input)
{
	const unsigned int marks = vmas_has_marks(model, vm) ? input->mark_count : 0;
	const struct vmas_vma *marked[VMAS_MARKS_MAX];

	for (unsigned int k = 0; k < marks; k++)
		marked[k] = vmas_find(model, vm, input->mark[k].va);

	print_head(out, vm);
	for (size_t i = vm->first; i < vm->first + vm->count; i++) {
		print_vma(out, model, &model->vma[i]);
		for (unsigned int k = 0; k < marks; k++)
			if (marked[k] == &model->vma[i])
				print_mark(out, model, vm, input, &input->mark[k]);
	}
	for (unsigned int k = 0; k < marks; k++)
		if (!marked[k])
			print_mark(out, model, vm, input, &input->mark[k]);
}

static void print_left(FILE *out, const char *what, uint64_t count)
{
	if (count)
		fprintf(out, "%" PRIu64 " lines of %s are left out of the log\n", count, what);
}

/**
 * vmas_print_table:
 * @out: stream
 * @model: model
 * @input: marks
 *
 * Prints a table of the VMAs of each VM. A VMA with a mark has a line about it behind its own.
 */
void vmas_print_table(FILE *out, const struct vmas_model *model, const struct vmas_input *input)
{
	for (size_t i = 0; i < model->vm_count; i++) {
		if (i)
			fputc('\n', out);
		print_vm(out, model, &model->vm[i], input);
	}
	print_left(out, "gpuvas", input->left_vmas);
	print_left(out, "gems", input->left_gems);
	if (model->ignored)
		fprintf(out, "%zu lines of gpuvas are ignored: empty, or beyond 64 bits\n",
			model->ignored);
}

/* ---------------------------------------------------------------------------------------------- */
/* JSON */

/* Bytes that are no ASCII are replaced: a label may have any, and JSON is UTF-8. */
static void json_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		const unsigned char byte = *text;

		if (byte == '"' || byte == '\\')
			fprintf(out, "\\%c", byte);
		else if (byte < 0x20 || byte >= 0x7f)
			fprintf(out, "\\u%04x", byte < 0x20 ? byte : 0xfffd);
		else
			fputc(byte, out);
	}
	fputc('"', out);
}

static void json_text(FILE *out, const char *name, const char *text)
{
	fprintf(out, "\"%s\": ", name);
	json_string(out, text);
}

/* As strings: numbers of JSON need not have 64 bits. */
static void json_address(FILE *out, const char *name, uint64_t value)
{
	fprintf(out, "\"%s\": \"0x%" PRIx64 "\"", name, value);
}

static void json_object(FILE *out, const struct vmas_object *object)
{
	fprintf(out, "{");
	json_address(out, "address", object->address);
	fprintf(out, ", ");
	json_text(out, "label", object->label);
	fprintf(out, ", \"candidates\": %u, \"pages\": \"%s\"", object->candidates,
		vmas_pages_name(object->pages));
	if (object->evictions >= 0)
		fprintf(out, ", \"evictions\": %" PRId64, object->evictions);
	if (object->pid)
		fprintf(out, ", \"pid\": %d", object->pid);
	if (object->gem)
		fprintf(out, ", \"size\": %" PRIu64 ", \"resident\": %" PRIu64,
			object->gem->size, object->gem->resident);
	fprintf(out, "}");
}

static void json_vma(FILE *out, const struct vmas_model *model, const struct vmas_vma *vma)
{
	const struct vmas_object *object = &model->object[vma->object];
	const struct vmas_blocks blocks = vmas_split_blocks(vma->va, vma->size);

	fprintf(out, "        {");
	json_address(out, "start", vma->va);
	fprintf(out, ", ");
	json_address(out, "end", vma->va + vma->size);
	fprintf(out, ", \"size\": %" PRIu64 ", \"kind\": \"%s\", ", vma->size,
		vmas_kind_name(object->kind));
	json_address(out, "offset", vma->offset);
	fprintf(out, ", ");
	json_address(out, "offset_in_block", vma->offset % VMAS_BLOCK);
	fprintf(out, ", \"blocks\": {\"head\": %" PRIu64 ", \"whole\": %" PRIu64 ", \"tail\": %"
		PRIu64 "}, \"object\": ", blocks.head, blocks.whole, blocks.tail);
	json_object(out, object);
	fprintf(out, "}");
}

static void json_vm(FILE *out, const struct vmas_model *model, const struct vmas_vm *vm)
{
	fprintf(out, "    {\"vm\": %u, ", vm->number);
	if (vm->pid)
		fprintf(out, "\"pid\": %d, ", vm->pid);
	json_text(out, "comm", vm->comm);
	fprintf(out, ", \"marked\": %s, \"vmas\": [", vm->is_marked ? "true" : "false");
	for (size_t i = vm->first; i < vm->first + vm->count; i++) {
		fprintf(out, i > vm->first ? ",\n" : "\n");
		json_vma(out, model, &model->vma[i]);
	}
	fprintf(out, "]}");
}

static void json_mark(FILE *out, const struct vmas_mark *mark)
{
	static const char * const kind[] = {
		[VMAS_MARK_PLAIN] = "mark", [VMAS_MARK_FAULT] = "fault",
		[VMAS_MARK_ACCESS] = "access",
	};

	fprintf(out, "    {\"kind\": \"%s\", ", kind[mark->kind]);
	json_address(out, "address", mark->va);
	fprintf(out, ", \"size\": %" PRIu64 ", ", mark->size);
	json_text(out, "text", mark->text);
	fprintf(out, "}");
}

/**
 * vmas_print_json:
 * @out: stream
 * @model: model
 * @input: marks
 *
 * Prints one JSON object: VMs with their VMAs, and marks. Addresses and offsets are strings of
 * hexadecimal digits with 0x; sizes are numbers, in bytes.
 */
void vmas_print_json(FILE *out, const struct vmas_model *model, const struct vmas_input *input)
{
	fprintf(out, "{\n  ");
	json_text(out, "subtest", input->subtest);
	fprintf(out, ",\n  \"vms\": [");
	for (size_t i = 0; i < model->vm_count; i++) {
		fprintf(out, i ? ",\n" : "\n");
		json_vm(out, model, &model->vm[i]);
	}
	fprintf(out, "\n  ],\n  \"marks\": [");
	for (unsigned int i = 0; i < input->mark_count; i++) {
		fprintf(out, i ? ",\n" : "\n");
		json_mark(out, &input->mark[i]);
	}
	fprintf(out, "\n  ],\n  \"left_out\": {\"gpuvas\": %" PRIu64 ", \"gems\": %" PRIu64
		"},\n  \"ignored\": %zu\n}\n", input->left_vmas, input->left_gems, model->ignored);
}
