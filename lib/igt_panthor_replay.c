// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_memcg.h"
#include "igt_panthor_replay.h"
#include "igt_sizes.h"
#include "igt_syncobj.h"
#include "ioctl_wrappers.h"

/**
 * SECTION:igt_panthor_replay
 * @short_description: Steps of random walks on a device
 * @title: Replay
 * @include: igt_panthor_replay.h
 */

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE

/* The window has a boundary of 1 GiB in its middle, and is free in every VM. */
#define WINDOW_VA (UINT64_C(10) * SZ_1G - STEP_PAGES / 2 * PAGE)
_Static_assert(STEP_PAGES / 2 % STEP_BLOCK_PAGES == 0, "the window begins with a block");
_Static_assert(WINDOW_VA > IGT_PANTHOR_EXEC_VA_END, "the window is free");
_Static_assert(STEP_PAGES <= IGT_PANTHOR_VISIT_MAX, "one job loads all pages");

static uint64_t page_va(unsigned int page)
{
	return WINDOW_VA + page * PAGE;
}

static bool __attribute__((format(printf, 2, 3)))
failed(struct igt_panthor_replay *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->why, sizeof(r->why), format, args);
	va_end(args);

	return false;
}

/**
 * igt_panthor_replay_create:
 *
 * Returns: a replay without any step, to be destroyed by igt_panthor_replay_destroy().
 */
struct igt_panthor_replay *igt_panthor_replay_create(void)
{
	struct igt_panthor_replay *r = calloc(1, sizeof(*r));

	igt_assert(r);
	for (unsigned int file = 0; file < STEP_FILES; file++)
		r->fd[file] = -1;
	for (unsigned int bo = 0; bo < STEP_BOS; bo++)
		r->dmabuf[bo] = -1;
	igt_panthor_ignore_fault_messages();

	return r;
}

static int file_of(struct igt_panthor_replay *r, unsigned int vm)
{
	int *fd = &r->fd[igt_panthor_step_file(vm)];

	if (*fd < 0)
		*fd = igt_panthor_open();

	return *fd;
}

static struct igt_panthor_exec *exec_of(struct igt_panthor_replay *r, unsigned int vm)
{
	struct igt_panthor_exec *exec = &r->exec[vm];

	if (r->live[vm])
		return exec;

	igt_panthor_exec_init(exec, file_of(r, vm));
	r->binds[vm] = syncobj_create(exec->fd, 0);
	r->point[vm] = 0;
	r->pending[vm] = false;
	r->live[vm] = true;

	return exec;
}

/* The BO has the words of the model from its start. */
static void fill_bo(struct igt_panthor_replay *r, unsigned int object)
{
	const struct panthor_bo *bo = &r->bo[object];

	for (uint64_t offset = 0; offset < bo->size; offset += PAGE)
		*(uint32_t *)((char *)bo->map + offset) = r->shadow.word[object][offset / PAGE];
	__sync_synchronize();
}

static void map_bo(struct panthor_bo *bo, int fd, uint64_t offset)
{
	bo->map = mmap(NULL, bo->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	igt_assert(bo->map != MAP_FAILED);
}

/* The step's BO has just been created in the model. */
static void create_bo(struct igt_panthor_replay *r, const struct igt_panthor_step *step)
{
	const struct igt_panthor_step_bo *kind = &igt_panthor_step_bos[step->bo];
	const unsigned int object = igt_panthor_step_object(step->vm, step->bo);
	const int fd = file_of(r, step->vm);
	struct drm_panthor_bo_create create = { .size = kind->pages * PAGE };
	struct panthor_bo *bo = &r->bo[object];

	if (kind->owner == STEP_BO_OF_VM)
		create.exclusive_vm_id = exec_of(r, step->vm)->vm_id;
	do_ioctl(fd, DRM_IOCTL_PANTHOR_BO_CREATE, &create);
	*bo = (struct panthor_bo){ .handle = create.handle, .size = create.size };
	igt_assert_eq_u64(bo->size, kind->pages * PAGE);
	igt_panthor_bo_set_label(fd, bo, "random walk");

	if (kind->owner == STEP_BO_OF_ALL) {
		r->dmabuf[step->bo] = igt_panthor_bo_export(fd, bo->handle);
		r->shared[igt_panthor_step_file(step->vm)][step->bo] = bo->handle;
		/* A CPU mapping of the device would keep one of the files open. */
		map_bo(bo, r->dmabuf[step->bo], 0);
	} else {
		map_bo(bo, fd, igt_panthor_bo_mmap_offset(fd, bo->handle, 0));
	}
	fill_bo(r, object);
}

/* Starts the job that holds binds of the file back, if it does not run already. */
static void close_gate(struct igt_panthor_replay *r, unsigned int file)
{
	if (!r->gated[file])
		igt_panthor_exec_init(&r->gate[file], r->fd[file]);
	r->gated[file] = true;
	if (!r->held[file])
		igt_panthor_exec_pause(&r->gate[file], NULL, NULL);
	r->held[file] = true;
	r->held_steps[file] = 0;
}

static void open_gate(struct igt_panthor_replay *r, unsigned int file)
{
	if (r->held[file])
		igt_panthor_exec_resume(&r->gate[file]);
	r->held[file] = false;
}

static uint32_t handle_of(struct igt_panthor_replay *r, const struct igt_panthor_step *step)
{
	uint32_t *shared = &r->shared[igt_panthor_step_file(step->vm)][step->bo];

	if (igt_panthor_step_bos[step->bo].owner != STEP_BO_OF_ALL)
		return r->bo[igt_panthor_step_object(step->vm, step->bo)].handle;
	if (!*shared)
		*shared = igt_panthor_bo_import(file_of(r, step->vm), r->dmabuf[step->bo]);

	return *shared;
}

static void unmap_bo(struct panthor_bo *bo)
{
	if (bo->map)
		igt_assert_eq(munmap(bo->map, bo->size), 0);
	*bo = (struct panthor_bo){};
}

static void forget_bos(struct igt_panthor_replay *r, unsigned int vm,
		       enum igt_panthor_step_owner owner)
{
	for (unsigned int bo = 0; bo < STEP_BOS; bo++)
		if (igt_panthor_step_bos[bo].owner == owner)
			unmap_bo(&r->bo[igt_panthor_step_object(vm, bo)]);
}

static void destroy_vm(struct igt_panthor_replay *r, unsigned int vm)
{
	if (!r->live[vm])
		return;

	for (unsigned int bo = 0; bo < STEP_BOS; bo++) {
		const struct panthor_bo *own = &r->bo[igt_panthor_step_object(vm, bo)];

		if (igt_panthor_step_bos[bo].owner == STEP_BO_OF_VM && own->handle)
			gem_close(r->exec[vm].fd, own->handle);
	}
	forget_bos(r, vm, STEP_BO_OF_VM);
	syncobj_destroy(r->exec[vm].fd, r->binds[vm]);
	igt_panthor_exec_fini(&r->exec[vm]);
	r->live[vm] = false;
}

static void unmap_exec(struct igt_panthor_exec *exec)
{
	igt_panthor_unmap_bo(&exec->tag);
	igt_panthor_unmap_bo(&exec->flag);
	igt_panthor_unmap_bo(&exec->out);
	igt_panthor_unmap_bo(&exec->cmd);
}

/* CPU mappings would keep the file open; everything else is left to the driver. */
static void close_file(struct igt_panthor_replay *r, unsigned int file)
{
	const unsigned int first = file * STEP_VMS_OF_FILE;

	if (r->fd[file] < 0)
		return;

	open_gate(r, file);
	if (r->gated[file])
		unmap_exec(&r->gate[file]);
	r->gated[file] = false;
	for (unsigned int vm = first; vm < first + STEP_VMS_OF_FILE; vm++) {
		forget_bos(r, vm, STEP_BO_OF_VM);
		if (!r->live[vm])
			continue;
		unmap_exec(&r->exec[vm]);
		r->live[vm] = false;
	}
	forget_bos(r, first, STEP_BO_OF_FILE);
	memset(r->shared[file], 0, sizeof(r->shared[file]));
	igt_panthor_close(r->fd[file]);
	r->fd[file] = -1;
}

static struct drm_panthor_vm_bind_op bind_op(struct igt_panthor_replay *r,
					     const struct igt_panthor_step *step)
{
	struct drm_panthor_vm_bind_op op = {
		.flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
		.va = page_va(step->page),
		.size = step->pages * PAGE,
	};

	if (step->kind == STEP_UNMAP)
		return op;

	op.flags = step->kind == STEP_BO ? IGT_PANTHOR_BO_MAP_FLAGS : IGT_PANTHOR_SPARSE_FLAGS;
	if (step->flags & STEP_READONLY)
		op.flags |= DRM_PANTHOR_VM_BIND_OP_MAP_READONLY;
	if (step->flags & STEP_UNCACHED)
		op.flags |= DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED;
	if (step->kind == STEP_BO) {
		op.bo_handle = handle_of(r, step);
		op.bo_offset = step->offset * PAGE;
	}

	return op;
}

static bool wait_for_binds(struct igt_panthor_replay *r, unsigned int vm)
{
	if (!r->pending[vm])
		return true;

	open_gate(r, igt_panthor_step_file(vm));
	r->pending[vm] = false;
	if (!syncobj_timeline_wait(r->exec[vm].fd, &r->binds[vm], &r->point[vm], 1,
				   igt_panthor_deadline(IGT_PANTHOR_JOB_DEADLINE_MS), 0, NULL))
		return failed(r, "VM %u: queued binds did not end within %d ms", vm,
			      IGT_PANTHOR_JOB_DEADLINE_MS);

	return true;
}

static int submit_queued(struct igt_panthor_replay *r, unsigned int vm)
{
	struct igt_panthor_exec *exec = &r->exec[vm];
	const unsigned int file = igt_panthor_step_file(vm);
	struct drm_panthor_sync_op syncs[2];
	struct drm_panthor_vm_bind_op *last = &r->batch[r->count - 1];

	/* The first operation waits, the last one signals. */
	if (r->batched[0].flags & STEP_HELD) {
		close_gate(r, file);
		syncs[0] = igt_panthor_sync_wait(r->gate[file].syncobj, 0);
		r->batch[0].syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, syncs);
	}
	syncs[1] = igt_panthor_sync_signal(r->binds[vm], ++r->point[vm]);
	if (last == r->batch && r->batched[0].flags & STEP_HELD)
		last->syncs.count = 2;
	else
		last->syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &syncs[1]);
	r->pending[vm] = true;

	return __igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, DRM_PANTHOR_VM_BIND_ASYNC, r->batch,
					 r->count);
}

/* A synchronous request does not wait for the queue: the order would be unknown. */
static bool flush_batch(struct igt_panthor_replay *r)
{
	const unsigned int vm = r->batched[0].vm;
	const bool async = r->batched[0].flags & STEP_ASYNC;
	int err;

	if (!r->count)
		return true;
	if (!async && !wait_for_binds(r, vm))
		return false;

	if (async)
		err = submit_queued(r, vm);
	else
		err = __igt_panthor_vm_bind_ops(r->exec[vm].fd, r->exec[vm].vm_id, 0, r->batch,
						r->count);
	r->count = 0;
	if (err)
		return failed(r, "VM %u: VM_BIND of pages %u to %u failed: %s", vm,
			      r->batched[0].page, r->batched[0].page + r->batched[0].pages - 1,
			      strerror(-err));

	return true;
}

/* Adds a bind to the batch, and submits the batch unless the step says that more follow. */
static bool replay_bind(struct igt_panthor_replay *r, const struct igt_panthor_step *step)
{
	const unsigned int object = igt_panthor_step_object(step->vm, step->bo);
	const bool is_new = step->kind == STEP_BO && !r->shadow.exists[object];

	exec_of(r, step->vm);
	igt_panthor_shadow_apply(&r->shadow, step);
	if (is_new)
		create_bo(r, step);

	r->batch[r->count] = bind_op(r, step);
	r->batched[r->count++] = *step;
	if (step->flags & STEP_MORE && r->count < IGT_PANTHOR_REPLAY_BATCH)
		return true;

	return flush_batch(r);
}

/* Where a word is in the model: tells what was mapped instead. */
static void find_word(const struct igt_panthor_shadow *shadow, uint32_t word, char *text,
		      size_t size)
{
	snprintf(text, size, "unknown");
	for (unsigned int object = 0; object < SHADOW_OBJECTS; object++)
		for (unsigned int i = 0; word && i < SHADOW_OBJECT_PAGES; i++)
			if (shadow->word[object][i] == word)
				snprintf(text, size, "object %u page %u", object, i);
}

static bool job_failed(struct igt_panthor_replay *r, unsigned int vm, unsigned int page)
{
	struct igt_panthor_exec *exec = &r->exec[vm];
	const struct igt_panthor_job_result result = igt_panthor_job_wait(
		exec->fd, exec->group, exec->syncobj, IGT_PANTHOR_JOB_DEADLINE_MS);

	return failed(r, "VM %u: no word loaded from page %u: fence %d, group state %#x", vm, page,
		      result.fence, result.group_state);
}

static bool compare(struct igt_panthor_replay *r, unsigned int vm, const uint16_t *pages,
		    size_t count)
{
	const uint32_t *loaded = igt_panthor_exec_visit_words(&r->exec[vm]);
	char instead[64];

	for (size_t i = 0; i < count; i++) {
		const struct igt_panthor_shadow_page *page = &r->shadow.page[vm][pages[i]];
		const uint32_t expected = r->shadow.word[page->object][page->offset];
		const uint32_t found = loaded[i];

		if (found == IGT_PANTHOR_EXEC_POISON)
			return job_failed(r, vm, pages[i]);
		if (found == expected || !expected ||
		    (igt_panthor_shadow_is_dummy(page->object) && !r->exec[vm].dummy))
			continue;
		find_word(&r->shadow, found, instead, sizeof(instead));
		return failed(r, "VM %u: GPU loaded %#x (%s) from page %u, expected %#x (object %u page %u)",
			      vm, found, instead, pages[i], expected, page->object, page->offset);
	}

	return true;
}

/* Submits a job that stores @values, if given, and loads @pages, and waits for it. */
static bool run_visit(struct igt_panthor_replay *r, unsigned int vm, const uint16_t *pages,
		      size_t count, const uint32_t *values)
{
	struct igt_panthor_exec *exec = &r->exec[vm];
	const struct drm_panthor_sync_op wait = igt_panthor_sync_wait(r->binds[vm], r->point[vm]);
	uint64_t va[STEP_PAGES];
	const struct igt_panthor_visit visit = { .va = va, .value = values, .count = count };
	int err;

	for (size_t i = 0; i < count; i++)
		va[i] = page_va(pages[i]);

	err = igt_panthor_exec_visit_start(exec, &visit, &wait, r->pending[vm] ? 1 : 0);
	if (err)
		return failed(r, "VM %u: GROUP_SUBMIT failed: %s", vm, strerror(-err));
	if (r->pending[vm])
		open_gate(r, igt_panthor_step_file(vm));
	if (!syncobj_wait(exec->fd, &exec->syncobj, 1,
			  igt_panthor_deadline(IGT_PANTHOR_JOB_DEADLINE_MS), 0, NULL))
		return failed(r, "VM %u: a job did not end within %d ms", vm,
			      IGT_PANTHOR_JOB_DEADLINE_MS);
	r->pending[vm] = false;

	return true;
}

static bool replay_load(struct igt_panthor_replay *r, const struct igt_panthor_step *step)
{
	uint16_t pages[STEP_PAGES];
	const size_t count = igt_panthor_shadow_loads(&r->shadow, step, pages);

	if (!count)
		return true;

	return run_visit(r, step->vm, pages, count, NULL) && compare(r, step->vm, pages, count);
}

static bool replay_store(struct igt_panthor_replay *r, const struct igt_panthor_step *step)
{
	uint16_t pages[STEP_PAGES];
	uint32_t values[STEP_PAGES];
	const size_t count = igt_panthor_shadow_stores(&r->shadow, step, pages);

	for (size_t i = 0; i < count; i++) {
		const struct igt_panthor_shadow_page *page = &r->shadow.page[step->vm][pages[i]];

		values[i] = igt_panthor_shadow_value(&r->shadow, page->object, page->offset);
	}
	igt_panthor_shadow_apply(&r->shadow, step);
	if (!count)
		return true;

	return run_visit(r, step->vm, pages, count, values) && compare(r, step->vm, pages, count);
}

static bool replay_fault(struct igt_panthor_replay *r, const struct igt_panthor_step *step)
{
	const struct igt_panthor_shadow_page *page = &r->shadow.page[step->vm][step->page];
	struct igt_panthor_exec *exec = exec_of(r, step->vm);
	const uint16_t pages[] = { step->page };
	const uint32_t value = IGT_PANTHOR_EXEC_POISON;
	struct igt_panthor_job_result result;

	if (page->bind && !(page->flags & STEP_READONLY))
		return true;
	if (!run_visit(r, step->vm, pages, 1, page->bind ? &value : NULL))
		return false;

	result = igt_panthor_job_wait(exec->fd, exec->group, exec->syncobj,
				      IGT_PANTHOR_JOB_DEADLINE_MS);
	if (result.fence >= 0 || !(result.group_state & DRM_PANTHOR_GROUP_STATE_FATAL_FAULT))
		return failed(r, "VM %u: a %s page %u did not fault: fence %d, group state %#x",
			      step->vm, page->bind ? "store to READONLY" : "load from unmapped",
			      step->page, result.fence, result.group_state);
	igt_panthor_exec_new_group(exec);

	return true;
}

static bool replay_cpu(struct igt_panthor_replay *r, const struct igt_panthor_step *step)
{
	const unsigned int object = igt_panthor_step_object(step->vm, step->bo);
	const bool is_new = !r->shadow.exists[object];
	const unsigned int end = step->offset + step->pages;
	volatile uint32_t *word;

	for (unsigned int i = step->offset; !is_new && i < end; i++) {
		const uint32_t expected = r->shadow.word[object][i];

		word = (uint32_t *)((char *)r->bo[object].map + i * PAGE);
		if (*word != expected)
			return failed(r, "CPU loaded %#x from page %u of object %u, expected %#x",
				      *word, i, object, expected);
	}

	igt_panthor_shadow_apply(&r->shadow, step);
	if (is_new)
		create_bo(r, step);
	for (unsigned int i = step->offset; i < end; i++) {
		word = (uint32_t *)((char *)r->bo[object].map + i * PAGE);
		*word = r->shadow.word[object][i];
	}
	__sync_synchronize();

	return true;
}

static bool is_in_window(const struct igt_panthor_vma *vma)
{
	return vma->va < page_va(STEP_PAGES) && vma->va + vma->size > page_va(0);
}

/* Compares a VMA with the pages of a run from @page. */
static bool compare_vma(struct igt_panthor_replay *r, unsigned int vm,
			const struct igt_panthor_vma *vma,
			const struct igt_panthor_shadow_run *run, unsigned int page,
			uint64_t objects[SHADOW_OBJECTS])
{
	uint64_t *object = &objects[run->object];
	uint64_t offset = (run->offset + page - run->page) * PAGE;

	if (igt_panthor_shadow_is_dummy(run->object))
		offset %= IGT_PANTHOR_DUMMY_SIZE;
	if (!*object)
		*object = vma->object;
	if (vma->va == page_va(page) && vma->va + vma->size <= page_va(run->page + run->pages) &&
	    *object == vma->object && vma->offset == offset)
		return true;

	return failed(r, "VM %u: gpuvas has [%#" PRIx64 ", %#" PRIx64
		      ") at offset %#" PRIx64 ", expected pages %u to %u of object %u at %#" PRIx64,
		      vm, vma->va, vma->va + vma->size, vma->offset, page,
		      run->page + run->pages - 1, run->object, offset);
}

/* VMAs may be split anywhere inside a run. gpuvas is in the order of addresses. */
static bool compare_gpuvas(struct igt_panthor_replay *r, unsigned int vm,
			   const struct igt_panthor_vmas *vmas, uint64_t objects[SHADOW_OBJECTS])
{
	const struct igt_panthor_exec *exec = &r->exec[vm];
	const int number = igt_panthor_find_vm(vmas, exec->tag_va, exec->tag.size);
	struct igt_panthor_shadow_run run = {};
	unsigned int page = 0;

	if (number < 0)
		return failed(r, "VM %u: gpuvas does not show the VM", vm);

	for (size_t i = 0; i < vmas->count; i++) {
		const struct igt_panthor_vma *vma = &vmas->vma[i];

		if (vma->vm != (unsigned int)number || !is_in_window(vma))
			continue;
		if (page == run.page + run.pages) {
			if (!igt_panthor_shadow_next_run(&r->shadow, vm, false, &run))
				return failed(r, "VM %u: gpuvas has [%#" PRIx64 ", %#" PRIx64
					      "), expected nothing", vm, vma->va,
					      vma->va + vma->size);
			page = run.page;
		}
		if (!compare_vma(r, vm, vma, &run, page, objects))
			return false;
		page += vma->size / PAGE;
	}

	if (page != run.page + run.pages || igt_panthor_shadow_next_run(&r->shadow, vm, false, &run))
		return failed(r, "VM %u: gpuvas lacks pages from %u", vm,
			      page > run.page ? page : run.page);

	return true;
}

static bool check_vm(struct igt_panthor_replay *r, unsigned int vm)
{
	const struct igt_panthor_step all = {
		.kind = STEP_CHECK, .vm = vm, .pages = STEP_PAGES,
	};

	if (!replay_load(r, &all) || !wait_for_binds(r, vm))
		return false;
	if (igt_panthor_vm_get_state(r->exec[vm].fd, r->exec[vm].vm_id) !=
	    DRM_PANTHOR_VM_STATE_USABLE)
		return failed(r, "VM %u: unusable", vm);

	return true;
}

static bool replay_check(struct igt_panthor_replay *r)
{
	uint64_t objects[SHADOW_OBJECTS] = {};
	struct igt_panthor_vmas vmas = {};
	bool good = true, any = false;

	for (unsigned int vm = 0; vm < STEP_VMS && good; vm++) {
		if (!r->live[vm])
			continue;
		good = check_vm(r, vm);
		any = true;
	}
	if (!good || !any || !igt_panthor_has_debugfs(file_of(r, 0)))
		return good;

	igt_panthor_read_gpuvas(file_of(r, 0), &vmas);
	for (unsigned int vm = 0; vm < STEP_VMS && good; vm++)
		good = !r->live[vm] || compare_gpuvas(r, vm, &vmas, objects);
	igt_panthor_free_vmas(&vmas);

	return good;
}

static bool replay_other(struct igt_panthor_replay *r, const struct igt_panthor_step *step)
{
	switch (step->kind) {
	case STEP_STORE:
		exec_of(r, step->vm);
		return replay_store(r, step);
	case STEP_LOAD:
		exec_of(r, step->vm);
		return replay_load(r, step);
	case STEP_FAULT:
		return replay_fault(r, step);
	case STEP_CPU:
		return replay_cpu(r, step);
	case STEP_EVICT:
		if (step->pages)
			igt_panthor_shrink_pages(file_of(r, 0), step->pages);
		else
			igt_panthor_shrink(file_of(r, 0));
		return true;
	case STEP_RECLAIM:
		igt_memcg_reclaim((uint64_t)step->pages * SZ_1M);
		return true;
	case STEP_CHECK:
		return replay_check(r);
	case STEP_NEW_VM:
		destroy_vm(r, step->vm);
		igt_panthor_shadow_apply(&r->shadow, step);
		return true;
	case STEP_NEW_FILE:
		close_file(r, igt_panthor_step_file(step->vm));
		igt_panthor_shadow_apply(&r->shadow, step);
		return true;
	}

	return failed(r, "no such step");
}

/**
 * igt_panthor_replay_step:
 * @r: from igt_panthor_replay_create()
 * @step: valid step
 *
 * Does one step, and the comparisons that it asks for. Binds that are followed by others of their
 * request wait for these.
 *
 * Returns: false on a mismatch, or if the driver refuses the step; @r->why tells. The replay has
 * then ended.
 */
bool igt_panthor_replay_step(struct igt_panthor_replay *r, const struct igt_panthor_step *step)
{
	igt_assert(igt_panthor_step_is_valid(step));

	for (unsigned int file = 0; file < STEP_FILES; file++)
		if (r->held[file] && ++r->held_steps[file] > STEP_HELD_MAX)
			open_gate(r, file);
	if (r->count && !igt_panthor_step_continues(&r->batched[r->count - 1], step) &&
	    !flush_batch(r))
		return false;
	if (igt_panthor_step_is_bind(step))
		return replay_bind(r, step);

	return replay_other(r, step);
}

/**
 * igt_panthor_replay_end:
 * @r: from igt_panthor_replay_create()
 *
 * Ends a replay by a check of everything.
 *
 * Returns: as igt_panthor_replay_step().
 */
bool igt_panthor_replay_end(struct igt_panthor_replay *r)
{
	return flush_batch(r) && replay_check(r);
}

/**
 * igt_panthor_replay_destroy:
 * @r: from igt_panthor_replay_create()
 *
 * Closes all files.
 */
void igt_panthor_replay_destroy(struct igt_panthor_replay *r)
{
	for (unsigned int file = 0; file < STEP_FILES; file++)
		close_file(r, file);
	for (unsigned int bo = 0; bo < STEP_BOS; bo++) {
		if (r->dmabuf[bo] < 0)
			continue;
		unmap_bo(&r->bo[igt_panthor_step_object(0, bo)]);
		close(r->dmabuf[bo]);
	}
	free(r);
}
