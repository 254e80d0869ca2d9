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
 * A plain mutex is not enough: an engine that unlocks it after a slice and locks it for the next
 * one wins nearly always over a thread that has to be woken up, so an endless stream would shut
 * the guest's register accesses out. Here everyone draws a ticket; whoever drew one while the
 * engine executed its slice comes before the engine's next slice.
 */
struct turnstile {
	pthread_mutex_t mutex;	/* guards the members below, held for moments only */
	pthread_cond_t turn;	/* @serving has moved on */
	pthread_cond_t bell;	/* @rung or @stop has changed */
	uint64_t next;		/* ticket that the next comer draws */
	uint64_t serving;	/* ticket that holds the lock */
	uint64_t rung;		/* how often the bell was rung */
	bool stop;
};

int turnstile_init(struct turnstile *t);
void turnstile_destroy(struct turnstile *t);

/**
 * turnstile_enter() - Take the lock
 *
 * Return: how often the bell has been rung so far, for turnstile_wait().
 */
uint64_t turnstile_enter(struct turnstile *t);

/* Release the lock; @ring: there is work for the engine. */
void turnstile_leave(struct turnstile *t, bool ring);

/**
 * turnstile_wait() - Wait, outside the lock, until the bell rings
 * @seen: what turnstile_enter() returned before the engine looked for work; a ring since then
 *	counts, so none is lost.
 * @timeout_ns: at most this long; 0: do not wait at all; UINT64_MAX: for ever.
 *
 * Return: false when turnstile_stop() was called.
 */
bool turnstile_wait(struct turnstile *t, uint64_t seen, uint64_t timeout_ns);

/* Make turnstile_wait() return false from now on, or (@stop false) no longer. */
void turnstile_stop(struct turnstile *t, bool stop);

#endif
