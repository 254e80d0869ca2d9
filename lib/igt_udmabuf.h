/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */

#ifndef IGT_UDMABUF_H
#define IGT_UDMABUF_H

#include <stdint.h>

void igt_udmabuf_require(void);
int igt_udmabuf_create(const char *name, uint64_t size);

#endif
