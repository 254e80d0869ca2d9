// SPDX-License-Identifier: MIT
// Copyright (C) 2026 The vmali authors

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "drmtest.h"
#include "igt_aux.h"
#include "igt_core.h"
#include "igt_panthor_debugfs.h"
#include "igt_panthor_shadow.h"
#include "ioctl_wrappers.h"

#define PAGE IGT_PANTHOR_GPU_PAGE_SIZE
#define DUMMY IGT_PANTHOR_SHADOW_DUMMY

/* Odd, and no factor of what igt_panthor_pattern() adds from one word to the next. */
#define SEED_STEP 0x51d7348du

/* A sparse run starts where its address is in the dummy, and repeats the dummy. */
static uint64_t page_of(const struct igt_panthor_shadow *shadow,
			const struct igt_panthor_shadow_run *run, uint64_t page)
{
	const uint64_t first = run->object == DUMMY ? run->va : run->offset;

	return (first / PAGE + page) % (shadow->object[run->object].size / PAGE);
}

/**
 * igt_panthor_shadow_init:
 * @shadow: filled
 *
 * Starts a model without VMs. The only object is the dummy.
 */
void igt_panthor_shadow_init(struct igt_panthor_shadow *shadow)
{
	memset(shadow, 0, sizeof(*shadow));
	shadow->object[DUMMY].size = IGT_PANTHOR_DUMMY_SIZE;
	shadow->objects = 1;
}

/**
 * igt_panthor_shadow_fini:
 * @shadow: from igt_panthor_shadow_init()
 *
 * Destroys the VMs and frees the BOs. Handles that were imported end with their file.
 */
void igt_panthor_shadow_fini(struct igt_panthor_shadow *shadow)
{
	for (unsigned int i = shadow->vms; i-- > 0;)
		igt_panthor_exec_fini(&shadow->vm[i]);
	for (unsigned int i = DUMMY + 1; i < shadow->objects; i++)
		igt_panthor_free_bo(shadow->vm[0].fd, &shadow->object[i].bo);
}

/**
 * igt_panthor_shadow_add_vm:
 * @shadow: model
 * @fd: the file of the device that this process opened last
 *
 * Adds a VM. All VMs are added before the first BO. Sparse ranges of a second file are not part of
 * the model.
 *
 * Returns: the index of the VM.
 */
unsigned int igt_panthor_shadow_add_vm(struct igt_panthor_shadow *shadow, int fd)
{
	igt_assert(shadow->vms < IGT_PANTHOR_SHADOW_VMS && shadow->objects == 1);
	igt_panthor_exec_init(&shadow->vm[shadow->vms], fd);

	return shadow->vms++;
}

/* Returns the handle of a BO in another file. */
static uint32_t share(int from, uint32_t handle, int to)
{
	int dmabuf;

	if (from == to)
		return handle;

	dmabuf = igt_panthor_bo_export(from, handle);
	handle = igt_panthor_bo_import(to, dmabuf);
	igt_assert_eq(close(dmabuf), 0);

	return handle;
}

/**
 * igt_panthor_shadow_add_bo:
 * @shadow: model
 * @size: bytes; the kernel rounds them to CPU pages
 *
 * Creates a BO with a CPU mapping, and imports it into the files of all VMs. The CPU stores to each
 * page.
 *
 * Returns: the index of the object.
 */
unsigned int igt_panthor_shadow_add_bo(struct igt_panthor_shadow *shadow, uint64_t size)
{
	static unsigned int count;
	const unsigned int index = shadow->objects++;
	struct igt_panthor_shadow_object *object = &shadow->object[index];
	const int fd = shadow->vm[0].fd;

	igt_assert(index < IGT_PANTHOR_SHADOW_OBJECTS);
	igt_panthor_exec_create_bo(&shadow->vm[0], &object->bo, size);
	object->size = object->bo.size;
	igt_assert(object->size <= IGT_PANTHOR_SHADOW_PAGES * PAGE);

	/* A BO that is still being freed must not be taken for this one. */
	snprintf(object->label, sizeof(object->label), "shadow %u", count++);
	igt_panthor_bo_set_label(fd, &object->bo, object->label);

	for (unsigned int vm = 0; vm < shadow->vms; vm++)
		object->handle[vm] = share(fd, object->bo.handle, shadow->vm[vm].fd);
	igt_panthor_shadow_cpu_store(shadow, index);

	return index;
}

static void add_run(struct igt_panthor_shadow *shadow, struct igt_panthor_shadow_run run)
{
	if (!run.size)
		return;

	igt_assert(shadow->runs < IGT_PANTHOR_SHADOW_RUNS);
	shadow->run[shadow->runs++] = run;
}

/**
 * igt_panthor_shadow_cut:
 * @shadow: model
 * @vm: index of the VM
 * @va: start
 * @size: bytes
 *
 * Removes a range from the model. What is left of a run on either side of it becomes a run.
 */
void igt_panthor_shadow_cut(struct igt_panthor_shadow *shadow, unsigned int vm, uint64_t va,
			    uint64_t size)
{
	const uint64_t end = va + size;

	for (unsigned int i = 0; i < shadow->runs;) {
		struct igt_panthor_shadow_run head = shadow->run[i], tail = head;
		const uint64_t run_end = head.va + head.size;

		if (head.vm != vm || head.va >= end || run_end <= va) {
			i++;
			continue;
		}

		head.size = va > head.va ? va - head.va : 0;
		tail.size = run_end > end ? run_end - end : 0;
		tail.offset += end - tail.va;
		tail.va = end;
		shadow->run[i] = shadow->run[--shadow->runs];
		add_run(shadow, head);
		add_run(shadow, tail);
	}
}

/**
 * igt_panthor_shadow_put:
 * @shadow: model
 * @run: run to add
 *
 * Replaces what the model has in the range of a run by the run.
 */
void igt_panthor_shadow_put(struct igt_panthor_shadow *shadow,
			    const struct igt_panthor_shadow_run *run)
{
	const struct igt_panthor_shadow_run added = *run;

	igt_assert(run->va >= IGT_PANTHOR_SHADOW_VA &&
		   run->va + run->size <= IGT_PANTHOR_SHADOW_VA_END);
	igt_panthor_shadow_cut(shadow, added.vm, added.va, added.size);
	add_run(shadow, added);
}

/**
 * igt_panthor_shadow_op:
 * @shadow: model
 * @run: run to map
 *
 * Returns: the operation of VM_BIND that maps the run.
 */
struct drm_panthor_vm_bind_op igt_panthor_shadow_op(const struct igt_panthor_shadow *shadow,
						    const struct igt_panthor_shadow_run *run)
{
	const bool sparse = run->object == DUMMY;

	return (struct drm_panthor_vm_bind_op){
		.flags = sparse ? IGT_PANTHOR_SPARSE_FLAGS : IGT_PANTHOR_BO_MAP_FLAGS,
		.bo_handle = sparse ? 0 : shadow->object[run->object].handle[run->vm],
		.bo_offset = sparse ? 0 : run->offset,
		.va = run->va,
		.size = run->size,
	};
}

/**
 * igt_panthor_shadow_bind:
 * @shadow: model
 * @run: run to map
 *
 * Maps a run synchronously, in the VM and in the model.
 */
void igt_panthor_shadow_bind(struct igt_panthor_shadow *shadow,
			     const struct igt_panthor_shadow_run *run)
{
	const struct igt_panthor_exec *exec = &shadow->vm[run->vm];
	struct drm_panthor_vm_bind_op op = igt_panthor_shadow_op(shadow, run);

	igt_panthor_vm_bind_ops(exec->fd, exec->vm_id, &op, 1, 0);
	igt_panthor_shadow_put(shadow, run);
}

/**
 * igt_panthor_shadow_unbind:
 * @shadow: model
 * @vm: index of the VM
 * @va: start
 * @size: bytes
 *
 * Unmaps a range synchronously, in the VM and in the model.
 */
void igt_panthor_shadow_unbind(struct igt_panthor_shadow *shadow, unsigned int vm, uint64_t va,
			       uint64_t size)
{
	igt_panthor_exec_unbind(&shadow->vm[vm], va, size);
	igt_panthor_shadow_cut(shadow, vm, va, size);
}

static struct igt_panthor_gem read_gem(const struct igt_panthor_shadow *shadow, unsigned int object)
{
	const struct igt_panthor_exec *exec = &shadow->vm[0];
	const char *label = shadow->object[object].label;
	struct igt_panthor_gem gem;

	if (object == DUMMY)
		igt_assert(igt_panthor_read_dummy(exec->fd, exec->dummy, &gem));
	else
		igt_assert_f(igt_panthor_find_gem(exec->fd, label, &gem), "gems has no BO \"%s\"\n",
			     label);

	return gem;
}

/**
 * igt_panthor_shadow_evictions:
 * @shadow: model
 * @object: index of the object
 *
 * Returns: the number of evictions of the object so far, from gems.
 */
uint64_t igt_panthor_shadow_evictions(const struct igt_panthor_shadow *shadow, unsigned int object)
{
	return read_gem(shadow, object).evictions;
}

/**
 * igt_panthor_shadow_evict:
 * @shadow: model
 * @object: index of an object that has pages
 *
 * Runs the shrinker until the object is evicted. Asserts that gems shows one more eviction.
 */
void igt_panthor_shadow_evict(const struct igt_panthor_shadow *shadow, unsigned int object)
{
	const struct igt_panthor_gem before = read_gem(shadow, object);

	igt_assert_eq_u64(before.resident, before.size);
	if (object == DUMMY)
		igt_panthor_evict_dummy(shadow->vm[0].fd, shadow->vm[0].dummy);
	else
		igt_panthor_evict_gem(shadow->vm[0].fd, shadow->object[object].label);
	igt_assert_eq_u64(igt_panthor_shadow_evictions(shadow, object), before.evictions + 1);
}

/* At rising addresses: the last store to a page of the dummy stays. */
static void run_stored(struct igt_panthor_shadow *shadow, const struct igt_panthor_shadow_run *run,
		       uint64_t first, uint64_t step)
{
	struct igt_panthor_shadow_object *object = &shadow->object[run->object];

	for (uint64_t i = first; i < run->size / PAGE; i += step) {
		const uint64_t page = page_of(shadow, run, i);

		object->word[page] = igt_panthor_pattern(run->va + i * PAGE, shadow->seed);
		object->known[page] = true;
	}
}

/* The GPU stores to every n-th page of a run. */
static void run_store(struct igt_panthor_shadow *shadow, const struct igt_panthor_shadow_run *run,
		      uint64_t first, uint64_t step)
{
	struct igt_panthor_walk walk = {
		.access = IGT_PANTHOR_STORE,
		.va = run->va + first * PAGE,
		.stride = step * PAGE,
	};

	if (first >= run->size / PAGE)
		return;

	shadow->seed += SEED_STEP;
	walk.seed = shadow->seed;
	walk.count = DIV_ROUND_UP(run->size / PAGE - first, step);
	igt_panthor_exec_walk(&shadow->vm[run->vm], &walk);
	run_stored(shadow, run, first, step);
}

/**
 * igt_panthor_shadow_store:
 * @shadow: model
 * @run: a run of the model
 *
 * The GPU stores to each page of a run.
 */
void igt_panthor_shadow_store(struct igt_panthor_shadow *shadow,
			      const struct igt_panthor_shadow_run *run)
{
	run_store(shadow, run, 0, 1);
}

static void cpu_store(struct igt_panthor_shadow *shadow, unsigned int object, uint64_t first,
		      uint64_t step)
{
	struct igt_panthor_shadow_object *o = &shadow->object[object];

	shadow->seed += SEED_STEP;
	for (uint64_t page = first; page < o->size / PAGE; page += step) {
		o->word[page] = igt_panthor_pattern(page * PAGE, shadow->seed);
		o->known[page] = true;
		*(volatile uint32_t *)((char *)o->bo.map + page * PAGE) = o->word[page];
	}
	/* The stores have to leave the CPU's write-combining buffers. */
	__sync_synchronize();
}

/**
 * igt_panthor_shadow_cpu_store:
 * @shadow: model
 * @object: index of a BO
 *
 * The CPU stores to each page of a BO.
 */
void igt_panthor_shadow_cpu_store(struct igt_panthor_shadow *shadow, unsigned int object)
{
	cpu_store(shadow, object, 0, 1);
}

static void cpu_assert(const struct igt_panthor_shadow *shadow, unsigned int object)
{
	const struct igt_panthor_shadow_object *o = &shadow->object[object];

	for (uint64_t page = 0; page < o->size / PAGE; page++) {
		const uint32_t found = *(volatile uint32_t *)((char *)o->bo.map + page * PAGE);

		igt_assert_f(found == o->word[page],
			     "CPU read %#x in page %" PRIu64 " of BO \"%s\", expected %#x\n", found,
			     page, o->label, o->word[page]);
	}
}

static void run_assert(struct igt_panthor_shadow *shadow, const struct igt_panthor_shadow_run *run)
{
	const struct igt_panthor_shadow_object *object = &shadow->object[run->object];
	const struct igt_panthor_walk walk =
		igt_panthor_pages(IGT_PANTHOR_LOAD, run->va, run->size, 0);
	const uint32_t *loaded = igt_panthor_exec_walk(&shadow->vm[run->vm], &walk);

	for (uint64_t i = 0; i < walk.count; i++) {
		const uint64_t page = page_of(shadow, run, i);

		igt_assert_f(loaded[i] == object->word[page] || !object->known[page],
			     "VM %u: GPU loaded %#x at %#" PRIx64 ", expected %#x of page %" PRIu64
			     " of object %u\n",
			     run->vm, loaded[i], run->va + i * PAGE, object->word[page], page,
			     run->object);
	}
}

static unsigned int count_runs(const struct igt_panthor_shadow *shadow, unsigned int object)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < shadow->runs; i++)
		count += shadow->run[i].object == object;

	return count;
}

static void object_assert_runs(struct igt_panthor_shadow *shadow, unsigned int object)
{
	for (unsigned int i = 0; i < shadow->runs; i++)
		if (shadow->run[i].object == object)
			run_assert(shadow, &shadow->run[i]);
}

/*
 * Each run stores to pages of its own and to its edges, the CPU to other pages of a BO.
 */
static void object_store(struct igt_panthor_shadow *shadow, unsigned int object)
{
	const uint64_t step = count_runs(shadow, object) + 1;
	uint64_t first = 0;

	for (unsigned int i = 0; i < shadow->runs; i++) {
		const struct igt_panthor_shadow_run *run = &shadow->run[i];

		if (run->object != object)
			continue;

		run_store(shadow, run, first++, step);
		run_store(shadow, run, 0, max(run->size / PAGE - 1, UINT64_C(1)));
	}
	if (object != DUMMY)
		cpu_store(shadow, object, first, step);
}

static void object_assert(struct igt_panthor_shadow *shadow, unsigned int object)
{
	if (!count_runs(shadow, object))
		return;

	object_assert_runs(shadow, object);
	object_store(shadow, object);
	object_assert_runs(shadow, object);
	if (object != DUMMY)
		cpu_assert(shadow, object);
}

static void vma_assert(const struct igt_panthor_shadow *shadow, const struct igt_panthor_vmas *vmas,
		       const struct igt_panthor_shadow_run *run, uint64_t *object)
{
	const int vm = igt_panthor_exec_find_vm(&shadow->vm[run->vm], vmas);
	const struct igt_panthor_vma *vma = igt_panthor_find_vma(vmas, vm, run->va);

	igt_assert_f(vma && vma->va == run->va && vma->size == run->size,
		     "VM %u: gpuvas has no VMA at %#" PRIx64 " of %#" PRIx64 " bytes\n", run->vm,
		     run->va, run->size);
	igt_assert_f(vma->offset == page_of(shadow, run, 0) * PAGE,
		     "VM %u: VMA at %#" PRIx64 " has offset %#" PRIx64 "\n", run->vm, run->va,
		     vma->offset);
	if (!*object)
		*object = vma->object;
	igt_assert_eq_u64(vma->object, *object);
}

static unsigned int count_vmas(const struct igt_panthor_shadow *shadow,
			       const struct igt_panthor_vmas *vmas)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < shadow->vms; i++) {
		const unsigned int vm = igt_panthor_exec_find_vm(&shadow->vm[i], vmas);

		for (size_t j = 0; j < vmas->count; j++)
			count += vmas->vma[j].vm == vm &&
				 vmas->vma[j].va >= IGT_PANTHOR_SHADOW_VA &&
				 vmas->vma[j].va < IGT_PANTHOR_SHADOW_VA_END;
	}

	return count;
}

static void vmas_assert(const struct igt_panthor_shadow *shadow)
{
	uint64_t object[IGT_PANTHOR_SHADOW_OBJECTS] = {};
	struct igt_panthor_vmas vmas;

	igt_panthor_read_gpuvas(shadow->vm[0].fd, &vmas);
	for (unsigned int i = 0; i < shadow->runs; i++)
		vma_assert(shadow, &vmas, &shadow->run[i], &object[shadow->run[i].object]);
	igt_assert_eq_u32(count_vmas(shadow, &vmas), shadow->runs);
	igt_panthor_free_vmas(&vmas);
}

/**
 * igt_panthor_shadow_assert_vm:
 * @shadow: model
 * @vm: index of the VM
 *
 * Asserts that the GPU loads from each page of a VM what the model has there, and stores to each.
 * Runs no job in another VM.
 */
void igt_panthor_shadow_assert_vm(struct igt_panthor_shadow *shadow, unsigned int vm)
{
	for (unsigned int i = 0; i < shadow->runs; i++)
		if (shadow->run[i].vm == vm)
			run_assert(shadow, &shadow->run[i]);
	for (unsigned int i = 0; i < shadow->runs; i++)
		if (shadow->run[i].vm == vm)
			igt_panthor_shadow_store(shadow, &shadow->run[i]);
	for (unsigned int i = 0; i < shadow->runs; i++)
		if (shadow->run[i].vm == vm)
			run_assert(shadow, &shadow->run[i]);
}

/**
 * igt_panthor_shadow_assert:
 * @shadow: model
 *
 * Asserts that the GPU loads from each page of each run what the model has there. Then each run and
 * the CPU store to pages of their own, and the GPU loads all pages through all runs, the CPU those
 * of BOs. Last, gpuvas must show the runs of the model and no others.
 */
void igt_panthor_shadow_assert(struct igt_panthor_shadow *shadow)
{
	for (unsigned int i = 0; i < shadow->objects; i++)
		object_assert(shadow, i);
	vmas_assert(shadow);
}
