/* SPDX-License-Identifier: MIT */
/*
 * loop_call_bed.h - loops in threads of their own, for others to call
 */
#ifndef LOOP_CALL_BED_H
#define LOOP_CALL_BED_H

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <iv_event.h>
#include <iv_loop.h>
#include "harness.h"

/* A loop in a thread of its own, that runs until it is told to stop. */
struct looper {
	pthread_t thread;
	iv_loop_id id;
	sem_t open;
	sem_t go; /* before iv_main(), when held */
	bool held;
	bool never_runs;
	struct iv_event stay;
};

static inline void *live(void *arg)
{
	struct looper *looper = arg;

	iv_init();
	looper->stay.handler = never_posted;
	if (iv_event_register(&looper->stay) != 0)
		abort();
	looper->id = iv_loop_self();
	sem_post(&looper->open);
	if (looper->held)
		await(&looper->go);
	if (!looper->never_runs)
		iv_main();
	iv_event_unregister(&looper->stay);
	iv_deinit();

	return NULL;
}

static inline void start(struct looper *looper)
{
	sem_init(&looper->open, 0, 0);
	sem_init(&looper->go, 0, 0);
	looper->thread = start_thread(live, looper);
	await(&looper->open);
}

static inline void stop(struct looper *looper)
{
	if (iv_loop_call(looper->id, quit, NULL, NULL) != 0)
		abort();
	join_thread(looper->thread);
}

static atomic_int num_dropped;

static inline void count_dropped(void *cookie)
{
	(void)cookie;
	atomic_fetch_add(&num_dropped, 1);
}

#endif
