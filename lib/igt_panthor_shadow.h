/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_PANTHOR_SHADOW_H
#define IGT_PANTHOR_SHADOW_H

#include <stdbool.h>
#include <stdint.h>

#include "igt_panthor.h"
#include "igt_panthor_exec.h"

/*
 * A model of what a few VMs map, computed from the operations alone: runs of pages of an object,
 * and the first word of each page of each object. igt_panthor_shadow_assert() compares it with what
 * the GPU, the CPU and debugfs show.
 */

/* User addresses that the model covers. The driver must map nothing else in them. */
#define IGT_PANTHOR_SHADOW_VA (2 * IGT_PANTHOR_EXEC_VA_END)
#define IGT_PANTHOR_SHADOW_VA_END IGT_PANTHOR_EXEC_TAG_VA

#define IGT_PANTHOR_SHADOW_VMS 2
#define IGT_PANTHOR_SHADOW_OBJECTS 3
#define IGT_PANTHOR_SHADOW_RUNS 64

/* Pages of the largest object: 8 MiB. */
#define IGT_PANTHOR_SHADOW_PAGES 2048

/* Object of the sparse ranges: the dummy of the first file. */
#define IGT_PANTHOR_SHADOW_DUMMY 0

/**
 * igt_panthor_shadow_object:
 * @label: label of the BO in gems
 * @bo: BO in the file of the first VM
 * @handle: GEM handle of the BO in the file of each VM
 * @size: bytes
 * @known: what the first word of each page is, is known; false for pages of the dummy until a store
 * @word: first word of each page
 */
struct igt_panthor_shadow_object {
	char label[IGT_PANTHOR_GEM_LABEL_LEN];
	struct panthor_bo bo;
	uint32_t handle[IGT_PANTHOR_SHADOW_VMS];
	uint64_t size;
	bool known[IGT_PANTHOR_SHADOW_PAGES];
	uint32_t word[IGT_PANTHOR_SHADOW_PAGES];
};

/**
 * igt_panthor_shadow_run:
 * @vm: index of the VM
 * @object: index of the object
 * @va: start
 * @size: bytes
 * @offset: offset of the first page in the object
 *
 * A VMA.
 */
struct igt_panthor_shadow_run {
	unsigned int vm;
	unsigned int object;
	uint64_t va;
	uint64_t size;
	uint64_t offset;
};

/**
 * igt_panthor_shadow:
 * @vm: VMs
 * @vms: number of VMs
 * @object: the dummy, and BOs
 * @objects: number of objects
 * @run: VMAs, in no order
 * @runs: number of VMAs
 * @seed: seed of the last stores
 */
struct igt_panthor_shadow {
	struct igt_panthor_exec vm[IGT_PANTHOR_SHADOW_VMS];
	unsigned int vms;
	struct igt_panthor_shadow_object object[IGT_PANTHOR_SHADOW_OBJECTS];
	unsigned int objects;
	struct igt_panthor_shadow_run run[IGT_PANTHOR_SHADOW_RUNS];
	unsigned int runs;
	uint32_t seed;
};

void igt_panthor_shadow_init(struct igt_panthor_shadow *shadow);
void igt_panthor_shadow_fini(struct igt_panthor_shadow *shadow);
unsigned int igt_panthor_shadow_add_vm(struct igt_panthor_shadow *shadow, int fd);
unsigned int igt_panthor_shadow_add_bo(struct igt_panthor_shadow *shadow, uint64_t size);

void igt_panthor_shadow_cut(struct igt_panthor_shadow *shadow, unsigned int vm, uint64_t va,
			    uint64_t size);
void igt_panthor_shadow_put(struct igt_panthor_shadow *shadow,
			    const struct igt_panthor_shadow_run *run);
struct drm_panthor_vm_bind_op igt_panthor_shadow_op(const struct igt_panthor_shadow *shadow,
						    const struct igt_panthor_shadow_run *run);
void igt_panthor_shadow_bind(struct igt_panthor_shadow *shadow,
			     const struct igt_panthor_shadow_run *run);
void igt_panthor_shadow_unbind(struct igt_panthor_shadow *shadow, unsigned int vm, uint64_t va,
			       uint64_t size);

uint64_t igt_panthor_shadow_evictions(const struct igt_panthor_shadow *shadow, unsigned int object);
void igt_panthor_shadow_evict(const struct igt_panthor_shadow *shadow, unsigned int object);

void igt_panthor_shadow_store(struct igt_panthor_shadow *shadow,
			      const struct igt_panthor_shadow_run *run);
void igt_panthor_shadow_cpu_store(struct igt_panthor_shadow *shadow, unsigned int object);
void igt_panthor_shadow_assert_vm(struct igt_panthor_shadow *shadow, unsigned int vm);
void igt_panthor_shadow_assert(struct igt_panthor_shadow *shadow);

#endif /* IGT_PANTHOR_SHADOW_H */
