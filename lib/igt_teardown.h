/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_TEARDOWN_H
#define IGT_TEARDOWN_H

/*
 * Undo functions for the files, mappings and settings that a subtest opens or changes. A failed
 * assertion ends the body of a subtest at once; igt_teardown() in a fixture behind the subtest
 * calls the undo functions that the body did not reach.
 */

void igt_teardown_add(void (*undo)(void *data), void *data);
void igt_teardown_drop(void (*undo)(void *data), void *data);
void igt_teardown(void);

#endif /* IGT_TEARDOWN_H */
