/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_PANTHOR_SPARSE_H
#define IGT_PANTHOR_SPARSE_H

#include <stdint.h>

#include "igt_panthor.h"
#include "igt_panthor_debugfs.h"
#include "igt_panthor_exec.h"

/*
 * Checks shared by the tests of sparse mappings. Each phase of a subtest stores with a seed of its
 * own, so that stale values of an earlier phase are found.
 */

enum igt_panthor_seed {
	IGT_PANTHOR_FIRST = 0x11111111,
	IGT_PANTHOR_SECOND = 0x22222222,
	IGT_PANTHOR_THIRD = 0x33333333,
};

/**
 * igt_panthor_case:
 * @name: name of the subtest
 * @describe: description of the subtest, below 512 characters
 * @run: body of the subtest
 *
 * A row of a table of subtests.
 */
struct igt_panthor_case {
	const char *name;
	const char *describe;
	void (*run)(int fd);
};

void igt_panthor_sparse_require(void);
void igt_panthor_sparse_require_dummy(const struct igt_panthor_exec *exec);
bool igt_panthor_sparse_dummy_is_huge(struct igt_panthor_exec *exec, uint64_t va);
void igt_panthor_sparse_walk(struct igt_panthor_exec *exec, const struct igt_panthor_walk *walk);
void igt_panthor_sparse_store_load(struct igt_panthor_exec *exec, uint64_t va, uint64_t size,
				   uint32_t seed);
void igt_panthor_sparse_load(struct igt_panthor_exec *exec, uint64_t va, uint64_t size,
			     uint64_t stored, uint32_t seed);
void igt_panthor_sparse_assert_vma(const struct igt_panthor_vmas *vmas, int vm, uint64_t va,
				   uint64_t size, uint64_t *object);

#endif /* IGT_PANTHOR_SPARSE_H */
