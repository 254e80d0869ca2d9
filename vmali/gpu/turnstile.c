// SPDX-License-Identifier: MIT
/* Copyright (C) 2026 The vmali authors */
#include "gpu/turnstile.h"

#include <errno.h>
#include <time.h>

#define NSEC_PER_SEC 1000000000ull

/* Timeouts of the bell use CLOCK_MONOTONIC. */
static int bell_init(pthread_cond_t *bell)
{
	pthread_condattr_t attr;
	int ret = pthread_condattr_init(&attr);

	if (ret)
		return -ret;
	ret = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (!ret)
		ret = pthread_cond_init(bell, &attr);
	pthread_condattr_destroy(&attr);
	return -ret;
}

int turnstile_init(struct turnstile *t)
{
	int ret;

	t->next = 0;
	t->serving = 0;
	t->rung = 0;
	t->stop = false;
	ret = bell_init(&t->bell);
	if (ret)
		return ret;
	pthread_mutex_init(&t->mutex, NULL);
	pthread_cond_init(&t->turn, NULL);
	return 0;
}

void turnstile_destroy(struct turnstile *t)
{
	pthread_cond_destroy(&t->bell);
	pthread_cond_destroy(&t->turn);
	pthread_mutex_destroy(&t->mutex);
}

uint64_t turnstile_enter(struct turnstile *t)
{
	uint64_t ticket, rung;

	pthread_mutex_lock(&t->mutex);
	ticket = t->next++;
	while (t->serving != ticket)
		pthread_cond_wait(&t->turn, &t->mutex);
	rung = t->rung;
	pthread_mutex_unlock(&t->mutex);
	return rung;
}

/* Signals after the unlock, so that the woken thread finds the mutex free. */
void turnstile_leave(struct turnstile *t, bool ring)
{
	bool turn;

	pthread_mutex_lock(&t->mutex);
	t->serving++;
	turn = t->serving != t->next;
	t->rung += ring;
	pthread_mutex_unlock(&t->mutex);
	if (turn)
		pthread_cond_broadcast(&t->turn);
	if (ring)
		pthread_cond_signal(&t->bell);
}

static struct timespec deadline_in(uint64_t timeout_ns)
{
	struct timespec now;
	uint64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = now.tv_nsec + timeout_ns % NSEC_PER_SEC;
	return (struct timespec){
		.tv_sec = now.tv_sec + timeout_ns / NSEC_PER_SEC + ns / NSEC_PER_SEC,
		.tv_nsec = ns % NSEC_PER_SEC,
	};
}

bool turnstile_wait(struct turnstile *t, uint64_t seen, uint64_t timeout_ns)
{
	struct timespec deadline = { 0 };
	bool stop;
	int ret = 0;

	if (timeout_ns && timeout_ns != UINT64_MAX)
		deadline = deadline_in(timeout_ns);
	pthread_mutex_lock(&t->mutex);
	while (timeout_ns && t->rung == seen && !t->stop && ret != ETIMEDOUT) {
		if (timeout_ns == UINT64_MAX)
			pthread_cond_wait(&t->bell, &t->mutex);
		else
			ret = pthread_cond_timedwait(&t->bell, &t->mutex, &deadline);
	}
	stop = t->stop;
	pthread_mutex_unlock(&t->mutex);
	return !stop;
}

void turnstile_stop(struct turnstile *t, bool stop)
{
	pthread_mutex_lock(&t->mutex);
	t->stop = stop;
	pthread_cond_signal(&t->bell);
	pthread_mutex_unlock(&t->mutex);
}
