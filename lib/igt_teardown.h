/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_TEARDOWN_H
#define IGT_TEARDOWN_H

/*
 * What a subtest opens or changes, and how to undo it. A failed assertion leaves a subtest's body at
 * once; igt_teardown() in a fixture behind the subtest undoes what the body did not.
 */

void igt_teardown_add(void (*undo)(void *data), void *data);
void igt_teardown_drop(void (*undo)(void *data), void *data);
void igt_teardown(void);

#endif /* IGT_TEARDOWN_H */
