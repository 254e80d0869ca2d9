/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_KNOB_H
#define IGT_KNOB_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Settings of the kernel in files of procfs, sysfs, debugfs and cgroups. igt_teardown() restores
 * the files that igt_knob_set() changed.
 */

bool igt_knob_read(const char *path, char *text, size_t size);
bool igt_knob_write(const char *path, const char *text);
bool igt_knob_set(const char *path, const char *text);
void igt_knob_restore(const char *path);

#endif /* IGT_KNOB_H */
