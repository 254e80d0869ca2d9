/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_WALK_H
#define VMALI_WALK_H

#include <stdbool.h>
#include <stdint.h>

struct guest_memory;

/**
 * struct pt_regime - Translation registers of an AS, latched by the last UPDATE
 * @root: PA of the first table.
 * @memattr: value of MEMATTR.
 * @va_bits: bits of the input address, 1..48.
 * @hierarchical_ap: permissions in table descriptors apply.
 * @af_faults: a leaf with a clear access flag faults.
 * @write_xn: writable pages are not executable.
 */
struct pt_regime {
	uint64_t root;
	uint64_t memattr;
	uint8_t va_bits;
	bool hierarchical_ap, af_faults, write_xn;
};

/* Permissions of a leaf. */
struct pt_perms {
	bool read, write, execute;
};

/**
 * struct pt_translation - A leaf, as found by a walk
 * @pa: address that the first byte of the leaf maps to.
 * @level: level of the leaf, which determines its size.
 * @reported: set in the TLB by the referee, which tells of a change once.
 */
struct pt_translation {
	uint64_t pa;
	uint8_t level;
	struct pt_perms perms;
	bool reported;
};

/**
 * pt_walk() - Walk the tables for @va
 *
 * Reads at most four descriptors. Permissions are reported, not checked. Unless @malformed is NULL,
 * it is set to words for a descriptor that no table may have, or to NULL.
 *
 * Return: AS_EXC_NONE with @out filled, or an exception type of enum as_exception plus the level.
 */
unsigned int pt_walk(struct guest_memory *mem, const struct pt_regime *regime, uint64_t va,
		     struct pt_translation *out, const char **malformed);

#endif
