/* SPDX-License-Identifier: MIT */
/* Copyright (C) 2026 The vmali authors */
#ifndef VMALI_GPU_TURNSTILE_H
#define VMALI_GPU_TURNSTILE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The GPU's lock, strictly first come, first served, and the bell that wakes the engine thread.
 *
 * A plain mutex is not enough: the engine unlocks it after a slice and locks it again before a
 * waiting thread has woken up, so that an endless stream would starve the register accesses of the
 * guest. Each call of turnstile_enter() therefore draws a ticket, and tickets are served in order.
 * A thread that draws one during a slice enters before the next slice.
 */
struct turnstile {
	pthread_mutex_t mutex;	/* guards the members below, never held for long */
	pthread_cond_t turn;	/* @serving has changed */
	pthread_cond_t bell;	/* @rung or @stop has changed */
	uint64_t next;		/* next ticket to draw */
	uint64_t serving;	/* ticket of the thread that holds the lock */
	uint64_t rung;		/* number of rings of the bell */
	bool stop;
};

int turnstile_init(struct turnstile *t);
void turnstile_destroy(struct turnstile *t);

/**
 * turnstile_enter() - Take the lock
 *
 * Return: the number of rings so far, for turnstile_wait().
 */
uint64_t turnstile_enter(struct turnstile *t);

/* Release the lock. @ring: ring the bell, since there is work for the engine. */
void turnstile_leave(struct turnstile *t, bool ring);

/**
 * turnstile_wait() - Wait, outside the lock, until the bell rings
 * @seen: return value of turnstile_enter() before the engine checked for work. Returns at once if
 *	the bell was rung since then, so that no ring is lost.
 * @timeout_ns: timeout; 0: do not wait; UINT64_MAX: no timeout.
 *
 * Return: false when turnstile_stop() was called.
 */
bool turnstile_wait(struct turnstile *t, uint64_t seen, uint64_t timeout_ns);

/* @stop: make turnstile_wait() return false at once; false undoes that. */
void turnstile_stop(struct turnstile *t, bool stop);

#endif
