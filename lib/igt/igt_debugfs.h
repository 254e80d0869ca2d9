/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_DEBUGFS_H
#define IGT_DEBUGFS_H

/* Mounts debugfs if need be; the folder of the device's DRM minor, or -1. */
int igt_debugfs_dir(int device);

#endif /* IGT_DEBUGFS_H */
