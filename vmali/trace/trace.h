/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_TRACE_H
#define VMALI_TRACE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A trace of the driver's and the GPU's actions, one line for each event:
 *
 *     [  731.234567] mmu: AS1 LOCK 0x80000000..0x801fffff
 *
 * The time is CLOCK_MONOTONIC of the host, in seconds. The timestamp registers of the GPU count the
 * same clock (gpu/gpu_private.h), so that a timestamp read by the guest can be found in the trace.
 * Without a file the trace is off, and trace() costs one test of a global variable. Lines are
 * buffered until trace_close(), except on standard error.
 */
extern bool trace_enabled;

/**
 * trace_open() - Start tracing to @path ("-" for standard error); an earlier trace is closed
 *
 * Return: 0 or a negative errno.
 */
int trace_open(const char *path);

/* Write the buffered lines and stop tracing. Logs a message if a line could not be written. */
void trace_close(void);

/* @room: module, such as "mmu", "csg", "cs", "irq", "pci". Callable from any thread. */
void trace_event(const char *room, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define trace(...) \
	do { \
		if (__atomic_load_n(&trace_enabled, __ATOMIC_RELAXED)) \
			trace_event(__VA_ARGS__); \
	} while (0)

/*
 * log_once() reports an error of the guest on standard error. Each call site reports its first
 * error only, so that no guest can fill the disk.
 */
void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define log_once(...) \
	do { \
		static bool logged_; \
		if (!__atomic_exchange_n(&logged_, true, __ATOMIC_RELAXED)) \
			log_line(__VA_ARGS__); \
	} while (0)

#endif
