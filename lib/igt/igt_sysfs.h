/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_SYSFS_H
#define IGT_SYSFS_H

#include <stdbool.h>

/* Attributes by the folder's file descriptor; they work below debugfs too. */
bool igt_sysfs_set(int dir, const char *attr, const char *value);

#endif /* IGT_SYSFS_H */
