/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef SW_SYNC_H
#define SW_SYNC_H

/* Of a sync file: 1 signalled, 0 not yet, or the negative errno it was signalled with. */
int sync_fence_status(int fence);

#endif /* SW_SYNC_H */
