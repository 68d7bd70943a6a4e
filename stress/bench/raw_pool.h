/* SPDX-License-Identifier: MIT */
/*
 * The reference for the work cases: the pool that everybody writes first.
 * One mutex, one condition variable, a list; a finished item is posted to
 * the raw loop.
 */
#ifndef BENCH_RAW_POOL_H
#define BENCH_RAW_POOL_H

#include <pthread.h>

#include "raw_loop.h"

#define RAW_POOL_THREADS 64

struct raw_item {
	struct raw_event event;
	struct raw_item *next;
	void (*work)(void *cookie);
	void *cookie;
};

struct raw_pool {
	struct raw_loop loop;
	pthread_mutex_t mutex;
	pthread_cond_t filled;
	struct raw_item *first, **last;
	int stopping;
	unsigned sleeping;
	unsigned threads;
	pthread_t thread[RAW_POOL_THREADS];
};

void raw_pool_open(struct raw_pool *pool, unsigned threads);
void raw_pool_close(struct raw_pool *pool);
void raw_item_open(struct raw_pool *pool, struct raw_item *item,
		   void (*work)(void *), void (*completion)(void *),
		   void *cookie);
void raw_item_submit(struct raw_pool *pool, struct raw_item *item);

#endif
