// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "panthor_vmas.h"

/* ---------------------------------------------------------------------------------------------- */
/* VMAs and VMs */

static int compare_vma(const void *a, const void *b)
{
	const struct igt_panthor_vma *left = a, *right = b;

	if (left->vm != right->vm)
		return left->vm < right->vm ? -1 : 1;
	if (left->va != right->va)
		return left->va < right->va ? -1 : 1;
	return 0;
}

static int compare_u64(const void *a, const void *b)
{
	const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

/* The driver has no empty VMA, and none whose end or last offset needs more than 64 bits. */
static bool is_possible(const struct igt_panthor_vma *vma)
{
	return vma->size && vma->va <= UINT64_MAX - vma->size &&
	       vma->offset <= UINT64_MAX - vma->size;
}

static void drop_impossible(struct igt_panthor_vmas *vmas, struct vmas_model *model)
{
	size_t kept = 0;

	for (size_t i = 0; i < vmas->count; i++)
		if (is_possible(&vmas->vma[i]))
			vmas->vma[kept++] = vmas->vma[i];
	model->ignored = vmas->count - kept;
	vmas->count = kept;
}

/**
 * vmas_zeroed:
 * @count: number of elements, 0 too
 * @size: bytes of an element
 *
 * Returns: a zeroed array, NULL only if there is no memory.
 */
void *vmas_zeroed(size_t count, size_t size)
{
	return calloc(count + 1, size);
}

static int fill_objects(struct vmas_model *model, const struct igt_panthor_vmas *vmas)
{
	uint64_t *address = vmas_zeroed(vmas->count, sizeof(*address));

	if (!address)
		return -ENOMEM;
	for (size_t i = 0; i < vmas->count; i++)
		address[i] = vmas->vma[i].object;
	qsort(address, vmas->count, sizeof(*address), compare_u64);
	for (size_t i = 0; i < vmas->count; i++)
		if (!i || address[i] != address[i - 1])
			model->object[model->object_count++].address = address[i];
	free(address);
	return 0;
}

static size_t object_index(const struct vmas_model *model, uint64_t address)
{
	const struct vmas_object *found = bsearch(&address, model->object, model->object_count,
						  sizeof(*model->object), compare_u64);

	return found - model->object;
}

_Static_assert(offsetof(struct vmas_object, address) == 0, "compare_u64() compares objects");

/* VMs without VMAs have a place of their own, too. @vmas is sorted. */
static void fill_vmas(struct vmas_model *model, const struct igt_panthor_vmas *vmas)
{
	for (size_t i = 0; i < model->vm_count; i++)
		model->vm[i].number = i;
	for (size_t i = 0; i < vmas->count; i++) {
		const struct igt_panthor_vma *from = &vmas->vma[i];
		struct vmas_vm *vm = &model->vm[from->vm];

		if (!vm->count++)
			vm->first = i;
		model->vma[i] = (struct vmas_vma) {
			.va = from->va,
			.size = from->size,
			.offset = from->offset,
			.object = object_index(model, from->object),
		};
	}
	model->vma_count = vmas->count;
}

static int build(struct vmas_model *model, struct igt_panthor_vmas *vmas)
{
	drop_impossible(vmas, model);
	if (vmas->count)
		qsort(vmas->vma, vmas->count, sizeof(*vmas->vma), compare_vma);
	model->vma = vmas_zeroed(vmas->count, sizeof(*model->vma));
	model->object = vmas_zeroed(vmas->count, sizeof(*model->object));
	model->vm = vmas_zeroed(vmas->vms, sizeof(*model->vm));
	model->vm_count = vmas->vms;
	if (!model->vma || !model->object || !model->vm || fill_objects(model, vmas))
		return -ENOMEM;
	fill_vmas(model, vmas);
	return 0;
}

/* ---------------------------------------------------------------------------------------------- */
/* The model */

/* The VM that maps @vm_va; without that, the only one that maps a marked address. */
static void find_marked(struct vmas_model *model, const struct vmas_input *input)
{
	struct vmas_vm *found = NULL;
	unsigned int count = 0;

	for (size_t i = 0; i < model->vm_count; i++) {
		struct vmas_vm *vm = &model->vm[i];
		bool maps = input->has_vm_va && vmas_find(model, vm, input->vm_va);

		for (unsigned int k = 0; !input->has_vm_va && k < input->mark_count; k++)
			maps |= vmas_find(model, vm, input->mark[k].va) != NULL;
		if (maps && !count++)
			found = vm;
	}
	if (!input->has_vm_va && !count && model->vm_count == 1 && input->mark_count)
		found = model->vm;
	if (found && count <= 1)
		found->is_marked = true;
}

/**
 * vmas_model_init:
 * @model: filled; to be freed by vmas_model_fini()
 * @input: text and marks
 * @error: %VMAS_ERROR_LEN bytes, filled on failure
 *
 * Returns: 0, -EPROTO if a text is none of the driver's, -ENOMEM.
 */
int vmas_model_init(struct vmas_model *model, const struct vmas_input *input, char *error)
{
	struct igt_panthor_vmas vmas;
	int err;

	*model = (struct vmas_model) {};
	err = igt_panthor_parse_gpuvas(input->gpuvas, &vmas);
	if (err == -EPROTO) {
		VMAS_ERROR(error, "gpuvas has no table of VMAs: name a copy of the driver's file");
	} else if (!err && input->gems) {
		err = igt_panthor_parse_gems(input->gems, &model->gems);
		if (err == -EPROTO)
			VMAS_ERROR(error,
				   "gems has no table of BOs: name a copy of the driver's file");
	}
	if (!err)
		err = build(model, &vmas);
	igt_panthor_free_vmas(&vmas);
	if (!err)
		err = vmas_match(model);
	if (err == -ENOMEM)
		VMAS_ERROR(error, "no memory for the address spaces");
	if (err)
		vmas_model_fini(model);
	else
		find_marked(model, input);
	return err;
}

/**
 * vmas_model_select:
 * @model: model
 * @vm: number of the only VM to keep, or -1
 * @pid: process whose VMs are kept, or 0
 * @error: %VMAS_ERROR_LEN bytes, filled on failure
 *
 * Returns: 0, or -ENOENT if no VM is left.
 */
int vmas_model_select(struct vmas_model *model, int64_t vm, pid_t pid, char *error)
{
	const size_t all = model->vm_count;
	size_t kept = 0;

	for (size_t i = 0; i < all; i++)
		if ((vm < 0 || model->vm[i].number == vm) && (!pid || model->vm[i].pid == pid))
			model->vm[kept++] = model->vm[i];
	model->vm_count = kept;
	if (kept || (vm < 0 && !pid))
		return 0;
	if (vm >= 0 && !pid)
		VMAS_ERROR(error, "--vm %" PRId64 ": gpuvas has the VMs 0 to %zu", vm, all - 1);
	else
		VMAS_ERROR(error, "--pid %d: no VM is known to be of this process: leave --pid out "
			   "to see all of them", pid);
	return -ENOENT;
}

/**
 * vmas_model_fini:
 * @model: from vmas_model_init()
 */
void vmas_model_fini(struct vmas_model *model)
{
	free(model->vma);
	free(model->object);
	free(model->vm);
	igt_panthor_free_gems(&model->gems);
	*model = (struct vmas_model) {};
}

/**
 * vmas_split_blocks:
 * @va: start of a range
 * @size: its bytes, not beyond 64 bits
 *
 * Returns: how the edges of blocks divide it.
 */
struct vmas_blocks vmas_split_blocks(uint64_t va, uint64_t size)
{
	const uint64_t to_edge = (VMAS_BLOCK - va % VMAS_BLOCK) % VMAS_BLOCK;
	struct vmas_blocks blocks = {};

	if (size < to_edge) {
		blocks.head = size;
		return blocks;
	}
	blocks.head = to_edge;
	blocks.whole = (size - to_edge) / VMAS_BLOCK;
	blocks.tail = (size - to_edge) % VMAS_BLOCK;
	return blocks;
}

/**
 * vmas_find:
 * @model: model
 * @vm: VM of it
 * @va: GPU virtual address
 *
 * Returns: the VMA that holds @va, or NULL.
 */
const struct vmas_vma *vmas_find(const struct vmas_model *model, const struct vmas_vm *vm,
				 uint64_t va)
{
	for (size_t i = vm->first; i < vm->first + vm->count; i++)
		if (va >= model->vma[i].va && va - model->vma[i].va < model->vma[i].size)
			return &model->vma[i];
	return NULL;
}

/**
 * vmas_has_marks:
 * @model: model
 * @vm: VM of it
 *
 * Returns: false if the marks are known to be about another VM.
 */
bool vmas_has_marks(const struct vmas_model *model, const struct vmas_vm *vm)
{
	for (size_t i = 0; i < model->vm_count; i++)
		if (model->vm[i].is_marked)
			return vm->is_marked;
	return true;
}

/**
 * vmas_accessed_end:
 * @input: marks
 * @access: one of them, a range of accesses
 *
 * A job accesses the range at rising addresses and ends at its first fault.
 *
 * Returns: the address behind the last access that is known to have worked.
 */
uint64_t vmas_accessed_end(const struct vmas_input *input, const struct vmas_mark *access)
{
	uint64_t end = access->va + access->size;

	for (unsigned int i = 0; i < input->mark_count; i++) {
		const struct vmas_mark *mark = &input->mark[i];

		if (mark->kind == VMAS_MARK_FAULT && mark->va >= access->va && mark->va < end)
			end = mark->va;
	}
	return end;
}

/**
 * vmas_is_odd_sparse:
 * @vma: VMA
 * @object: its object
 *
 * Returns: true if the VMA is sparse and at another offset in the
 * dummy than its address has in the block.
 */
bool vmas_is_odd_sparse(const struct vmas_vma *vma, const struct vmas_object *object)
{
	return object->kind == VMAS_SPARSE && vma->offset != vma->va % VMAS_BLOCK;
}
