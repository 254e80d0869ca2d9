/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_PANTHOR_STEPS_H
#define IGT_PANTHOR_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Random walks: operations on several VMs, drawn at random or written down as rows of a table, and
 * a shadow model that says what each page maps after them. The model is computed from the
 * operations alone. Nothing here needs libigt or a device.
 *
 * Words used below:
 *  step    one operation, a row
 *  window  the pages of a VM that steps map: STEP_PAGES pages, 2 MiB-aligned, in the middle a
 *	    boundary of 1 GiB
 *  object  what a page maps: one of the BOs, or the dummy of a file
 *  word    the first 32 bits of a page of an object: they identify the page
 */

#define STEP_FILES 2
#define STEP_VMS_OF_FILE 2
#define STEP_VMS (STEP_FILES * STEP_VMS_OF_FILE)

#define STEP_BLOCK_PAGES 512
#define STEP_PAGES (6 * STEP_BLOCK_PAGES)

/* BOs that a step can name, see igt_panthor_step_bos. */
#define STEP_BOS 5

enum igt_panthor_step_kind {
	STEP_END,
	STEP_SPARSE,
	STEP_BO,
	STEP_UNMAP,
	STEP_STORE,
	STEP_LOAD,
	STEP_FAULT,
	STEP_CPU,
	STEP_EVICT,
	STEP_RECLAIM,
	STEP_CHECK,
	STEP_NEW_VM,
	STEP_NEW_FILE,
	STEP_KINDS,
};

/*
 * Flags of STEP_SPARSE, STEP_BO and STEP_UNMAP. READONLY and UNCACHED are those of the mapping.
 * ASYNC puts the operation into the VM's queue. MORE: the next step, if it is a bind of the same
 * VM, is in the same VM_BIND request. HELD, with ASYNC: the request waits for a job of another VM,
 * which ends when something waits for the request, or STEP_HELD_MAX steps later.
 */
#define STEP_HELD_MAX 8

enum igt_panthor_step_flags {
	STEP_READONLY = 1 << 0,
	STEP_UNCACHED = 1 << 1,
	STEP_ASYNC = 1 << 2,
	STEP_MORE = 1 << 3,
	STEP_HELD = 1 << 4,
};

/**
 * igt_panthor_step:
 * @kind: operation
 * @vm: VM; VMs 0 and 1 belong to one open file, 2 and 3 to another
 * @bo: index of the BO
 * @flags: of enum igt_panthor_step_flags
 * @page: first page in the window
 * @pages: number of pages
 * @offset: first page in the BO
 *
 * What each kind does:
 *  SPARSE	binds pages sparse
 *  BO		binds pages to the BO
 *  UNMAP	unmaps pages
 *  STORE	the GPU stores to each writable page, and loads it
 *  LOAD	the GPU loads the pages: all of them if they are few, else those at edges and some others
 *  FAULT	the GPU accesses @page, which faults: by a load if nothing is mapped, by a store if the
 *		mapping is READONLY. Does nothing if neither is so.
 *  CPU		the CPU compares and overwrites @pages pages of the BO from @offset
 *  EVICT	runs the shrinker of the driver over @pages pages, 0: over all
 *  RECLAIM	reclaims @pages MiB of the process's memory cgroup
 *  CHECK	every mapped page of every VM is loaded, and gpuvas is compared
 *  NEW_VM	destroys the VM; the next step that uses it creates it again
 *  NEW_FILE	closes the file of the VM, with all its VMs and BOs
 */
struct igt_panthor_step {
	uint8_t kind;
	uint8_t vm;
	uint8_t bo;
	uint8_t flags;
	uint16_t page;
	uint16_t pages;
	uint16_t offset;
};

/* Who shares a BO: all VMs of a file, one VM, all files. */
enum igt_panthor_step_owner { STEP_BO_OF_FILE, STEP_BO_OF_VM, STEP_BO_OF_ALL };

/**
 * igt_panthor_step_bo:
 * @pages: size, a multiple of 16: BOs have whole CPU pages of up to 64 KiB
 * @owner: who shares the BO
 *
 * A BO that steps name by its index. A BO of a VM belongs to it exclusively, and shares its
 * reservation object. The BO of all files is exported by one and imported by the other.
 */
struct igt_panthor_step_bo {
	uint16_t pages;
	enum igt_panthor_step_owner owner;
};

extern const struct igt_panthor_step_bo igt_panthor_step_bos[STEP_BOS];

/* Objects by number: dummies, then BOs of files, of VMs, and of all. */
#define SHADOW_OBJECTS (STEP_FILES + STEP_BOS * STEP_VMS)
#define SHADOW_OBJECT_PAGES 1536

/**
 * igt_panthor_shadow_page:
 * @bind: number of the bind that mapped the page, 0 if nothing is mapped
 * @object: object
 * @flags: STEP_READONLY and STEP_UNCACHED
 * @offset: page of the object
 */
struct igt_panthor_shadow_page {
	uint32_t bind;
	uint8_t object;
	uint8_t flags;
	uint16_t offset;
};

/**
 * igt_panthor_shadow:
 * @page: the window of each VM
 * @word: first word of each page of each object; 0: not known
 * @exists: the BO has been created
 * @binds: number of binds so far
 * @values: number of values drawn so far
 *
 * What is mapped, and what it contains.
 */
struct igt_panthor_shadow {
	struct igt_panthor_shadow_page page[STEP_VMS][STEP_PAGES];
	uint32_t word[SHADOW_OBJECTS][SHADOW_OBJECT_PAGES];
	bool exists[SHADOW_OBJECTS];
	uint32_t binds;
	uint32_t values;
};

/**
 * igt_panthor_shadow_run:
 * @page: first page in the window
 * @pages: number of pages
 * @object: object
 * @flags: STEP_READONLY and STEP_UNCACHED
 * @offset: first page in the object
 *
 * Neighbouring pages that one bind mapped, or that follow each other in an object.
 */
struct igt_panthor_shadow_run {
	uint16_t page;
	uint16_t pages;
	uint8_t object;
	uint8_t flags;
	uint16_t offset;
};

static inline unsigned int igt_panthor_step_file(unsigned int vm)
{
	return vm / STEP_VMS_OF_FILE;
}

static inline bool igt_panthor_step_is_bind(const struct igt_panthor_step *step)
{
	return step->kind == STEP_SPARSE || step->kind == STEP_BO || step->kind == STEP_UNMAP;
}

static inline bool igt_panthor_shadow_is_dummy(unsigned int object)
{
	return object < STEP_FILES;
}

bool igt_panthor_step_is_valid(const struct igt_panthor_step *step);
bool igt_panthor_step_continues(const struct igt_panthor_step *step,
				const struct igt_panthor_step *next);
unsigned int igt_panthor_step_object(unsigned int vm, unsigned int bo);
void igt_panthor_step_print(const struct igt_panthor_step *step, char *text, size_t size);

void igt_panthor_shadow_apply(struct igt_panthor_shadow *shadow,
			      const struct igt_panthor_step *step);
bool igt_panthor_shadow_next_run(const struct igt_panthor_shadow *shadow, unsigned int vm,
				 bool by_bind, struct igt_panthor_shadow_run *run);
uint32_t igt_panthor_shadow_value(const struct igt_panthor_shadow *shadow, unsigned int object,
				  unsigned int page);
size_t igt_panthor_shadow_stores(const struct igt_panthor_shadow *shadow,
				 const struct igt_panthor_step *step, uint16_t *pages);
size_t igt_panthor_shadow_loads(const struct igt_panthor_shadow *shadow,
				const struct igt_panthor_step *step, uint16_t *pages);
size_t igt_panthor_shadow_rebuild(const struct igt_panthor_shadow *shadow,
				  struct igt_panthor_step *steps, size_t capacity);

/**
 * igt_panthor_draw:
 * @state: state of the random numbers; igt_panthor_draw_init() sets it from a seed
 * @vms: number of VMs that the walk uses
 * @reclaim: the walk reclaims memory of its cgroup
 * @since_check: number of steps since the last STEP_CHECK
 * @burst: number of steps without a job that follow
 * @last: the last step
 * @last_bind: the last bind
 *
 * Source of random steps. Equal seeds and settings draw equal steps.
 */
struct igt_panthor_draw {
	uint64_t state;
	unsigned int vms;
	bool reclaim;
	unsigned int since_check;
	unsigned int burst;
	struct igt_panthor_step last;
	struct igt_panthor_step last_bind;
};

void igt_panthor_draw_init(struct igt_panthor_draw *draw, uint32_t seed, unsigned int vms,
			   bool reclaim);
struct igt_panthor_step igt_panthor_draw_step(struct igt_panthor_draw *draw,
					      const struct igt_panthor_shadow *shadow);

/**
 * igt_panthor_minimiser:
 * @fails: replays steps; returns the number of steps up to the one that failed, and with it, 0 if
 *	none did
 * @data: argument of @fails
 * @trials: maximum number of replays; counted down
 *
 * How to make a failing sequence of steps smaller.
 */
struct igt_panthor_minimiser {
	size_t (*fails)(void *data, const struct igt_panthor_step *steps, size_t count);
	void *data;
	unsigned int trials;
};

size_t igt_panthor_minimise(struct igt_panthor_minimiser *m, struct igt_panthor_step *steps,
			    size_t count);
size_t igt_panthor_minimise_walk(struct igt_panthor_minimiser *m,
				 const struct igt_panthor_draw *draw, size_t failed,
				 struct igt_panthor_step **steps);

#endif /* IGT_PANTHOR_STEPS_H */
