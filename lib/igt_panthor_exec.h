/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_PANTHOR_EXEC_H
#define IGT_PANTHOR_EXEC_H

#include <stdbool.h>
#include <stdint.h>

#include "igt_panthor.h"
#include "igt_panthor_debugfs.h"

/*
 * Loads and stores by the GPU, for tests of its address spaces: a VM with a group in it, memory for
 * command streams and loaded words, and walks over ranges of addresses.
 *
 * Every store writes a value derived from its address and a seed (igt_panthor_pattern()), so that a
 * value in the wrong place is detected.
 */

/* User addresses in [0, IGT_PANTHOR_EXEC_VA_END) are reserved for struct igt_panthor_exec. */
#define IGT_PANTHOR_EXEC_VA_END (UINT64_C(1) << 32)

/* Maximum number of accesses of a walk: each load needs a 32-bit word in @out. */
#define IGT_PANTHOR_WALK_MAX (UINT32_C(1) << 18)

/*
 * Written by the CPU to words of @out that the GPU will overwrite. Equals a pattern only by chance.
 */
#define IGT_PANTHOR_EXEC_POISON UINT32_C(0xbad0bad0)

/* Maximum number of addresses of igt_panthor_exec_visit_start(). */
#define IGT_PANTHOR_VISIT_MAX (UINT32_C(1) << 14)

/**
 * igt_panthor_visit:
 * @va: addresses, 4-byte aligned
 * @value: words to store, or NULL
 * @count: number of addresses, 1 to %IGT_PANTHOR_VISIT_MAX
 *
 * Accesses of 32 bits to a list of addresses: all stores first, in any order, then all loads. No
 * two addresses of a list with stores may reach the same word.
 */
struct igt_panthor_visit {
	const uint64_t *va;
	const uint32_t *value;
	uint32_t count;
};

/**
 * igt_panthor_exec:
 * @fd: device
 * @vm_id: VM
 * @uva_range: user addresses of the VM are [0, @uva_range)
 * @group: group with one queue, which runs the walks; 0 after a fault, until
 *	igt_panthor_exec_group() creates the next one
 * @ended: groups that faulted, to be destroyed with the VM
 * @ended_count: number of @ended
 * @limits: resources of streams
 * @cmd: streams
 * @out: words that a walk loads
 * @flag: words shared by the CPU and a job (igt_panthor_exec_pause(), igt_panthor_exec_repeat())
 * @syncobj: signalled by the end of the last job
 * @dummy: id of the dummy of @fd (igt_panthor_newest_dummy()), 0 if debugfs does not show it
 * @tag_va: GPU virtual address of @tag, which no other VM uses
 * @tag: BO that identifies the VM in gpuvas
 * @job: what the last job accesses, for the picture of a failure
 * @told: the message that contents of sparse ranges are not compared was printed
 */
struct igt_panthor_exec {
	int fd;
	uint32_t vm_id;
	uint64_t uva_range;
	uint32_t group;
	uint32_t ended[16];
	unsigned int ended_count;
	struct igt_panthor_cs_limits limits;
	struct panthor_bo cmd;
	struct panthor_bo out;
	struct panthor_bo flag;
	uint32_t syncobj;
	uint64_t dummy;
	uint64_t tag_va;
	struct panthor_bo tag;
	struct igt_panthor_snapshot_job job;
	bool told;
};

enum igt_panthor_access {
	IGT_PANTHOR_STORE = 1 << 0,
	IGT_PANTHOR_LOAD = 1 << 1,
	IGT_PANTHOR_STORE_LOAD = IGT_PANTHOR_STORE | IGT_PANTHOR_LOAD,
};

/**
 * igt_panthor_walk:
 * @access: accesses to each address; STORE_LOAD loads each word right after its store
 * @va: first address, 4-byte aligned
 * @count: number of addresses, 1 to %IGT_PANTHOR_WALK_MAX
 * @stride: bytes from one address to the next, a multiple of 4 below 1 << 31
 * @seed: makes the values of one walk differ from another's
 *
 * Accesses of 32 bits, at rising addresses.
 */
struct igt_panthor_walk {
	enum igt_panthor_access access;
	uint64_t va;
	uint32_t count;
	uint32_t stride;
	uint32_t seed;
};

uint32_t igt_panthor_pattern(uint64_t va, uint32_t seed);
uint64_t igt_panthor_pattern_va(uint32_t value, uint32_t seed);

void igt_panthor_exec_init(struct igt_panthor_exec *exec, int fd);
void igt_panthor_exec_fini(struct igt_panthor_exec *exec);
void igt_panthor_exec_require_range(const struct igt_panthor_exec *exec, uint64_t end);
void igt_panthor_exec_new_group(struct igt_panthor_exec *exec);
uint32_t igt_panthor_exec_group(struct igt_panthor_exec *exec);

struct igt_panthor_job_result __igt_panthor_exec_walk(struct igt_panthor_exec *exec,
						      const struct igt_panthor_walk *walk);
const uint32_t *igt_panthor_exec_walk(struct igt_panthor_exec *exec,
				      const struct igt_panthor_walk *walk);

/* Maximum number of walks of one job. */
#define IGT_PANTHOR_EXEC_MAX_WALKS 16

const uint32_t *igt_panthor_exec_walks(struct igt_panthor_exec *exec,
				       const struct igt_panthor_walk *walk, unsigned int count);
void igt_panthor_exec_walk_verify(struct igt_panthor_exec *exec,
				  const struct igt_panthor_walk *walk);
void igt_panthor_exec_must_fault(struct igt_panthor_exec *exec, uint64_t va,
				 enum igt_panthor_access access);

void igt_panthor_exec_pause(struct igt_panthor_exec *exec, const struct igt_panthor_walk *first,
			    const struct igt_panthor_walk *second);
void igt_panthor_exec_resume(struct igt_panthor_exec *exec);
void igt_panthor_exec_resume_must_fault(struct igt_panthor_exec *exec, uint64_t va,
					enum igt_panthor_access access);

void igt_panthor_exec_repeat(struct igt_panthor_exec *exec, const struct igt_panthor_walk *walk);
uint32_t igt_panthor_exec_repeat_rounds(const struct igt_panthor_exec *exec);
void igt_panthor_exec_repeat_end(struct igt_panthor_exec *exec);

/* Maximum number of syncs that a job of igt_panthor_exec_start() waits for. */
#define IGT_PANTHOR_EXEC_MAX_WAITS 3

void igt_panthor_exec_start(struct igt_panthor_exec *exec, const struct igt_panthor_walk *walk,
			    const struct drm_panthor_sync_op *waits, uint32_t count);
int __igt_panthor_exec_start(struct igt_panthor_exec *exec, const struct igt_panthor_walk *walk);
const uint32_t *igt_panthor_exec_finish(struct igt_panthor_exec *exec);

int igt_panthor_exec_visit_start(struct igt_panthor_exec *exec,
				 const struct igt_panthor_visit *visit,
				 const struct drm_panthor_sync_op *waits, uint32_t count);
const uint32_t *igt_panthor_exec_visit_words(const struct igt_panthor_exec *exec);

struct igt_panthor_walk igt_panthor_pages(enum igt_panthor_access access, uint64_t va,
					  uint64_t size, uint32_t seed);
void igt_panthor_exec_store_pages(struct igt_panthor_exec *exec, uint64_t va, uint64_t size,
				  uint32_t seed);
void igt_panthor_exec_neighbours_fault(struct igt_panthor_exec *exec, uint64_t va, uint64_t size);

void igt_panthor_exec_bind_sparse(struct igt_panthor_exec *exec, uint64_t va, uint64_t size);
void igt_panthor_exec_unbind(struct igt_panthor_exec *exec, uint64_t va, uint64_t size);
void igt_panthor_exec_create_bo(struct igt_panthor_exec *exec, struct panthor_bo *bo,
				uint64_t size);
void igt_panthor_exec_bind_bo(struct igt_panthor_exec *exec, const struct panthor_bo *bo,
			      uint64_t va);
void igt_panthor_bo_assert_holds(const struct panthor_bo *bo, uint64_t va, uint32_t seed);

int igt_panthor_exec_find_vm(const struct igt_panthor_exec *exec,
			     const struct igt_panthor_vmas *vmas);
void igt_panthor_exec_read_vmas(const struct igt_panthor_exec *exec,
				struct igt_panthor_vmas *vmas);

#endif /* IGT_PANTHOR_EXEC_H */
