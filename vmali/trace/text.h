/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_TEXT_H
#define VMALI_TEXT_H

#include <stddef.h>

/**
 * text_append() - Append formatted text to a string
 * @buf: string, which may fill its buffer already
 * @size: size of the buffer in bytes
 * @fmt: format of printf()
 *
 * Text that does not fit is cut.
 */
void text_append(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
