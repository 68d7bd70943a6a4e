/* SPDX-License-Identifier: MIT */
/*
 * iv_work.h - run functions that block or compute on a pool of threads
 */
#ifndef IV_WORK_H
#define IV_WORK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iv_work_item {
	void *cookie;
	void (*work)(void *cookie);	  /* runs in a worker */
	void (*completion)(void *cookie); /* back home; may be NULL */

	/* The library's own. */
	struct iv_work_item *next_;
	uintptr_t home_;
};

struct iv_work_pool {
	int max_threads;		    /* at least 1 */
	void *cookie;			    /* for the two below */
	void (*thread_start)(void *cookie); /* first in each worker */
	void (*thread_stop)(void *cookie);  /* last in each worker */

	/* The library's own. */
	struct iv__pool *pool_;
};

/* Nothing to initialise: kept because programs call it. */
static inline void IV_WORK_ITEM_INIT(struct iv_work_item *item)
{
	(void)item;
}

static inline void IV_WORK_POOL_INIT(struct iv_work_pool *pool)
{
	pool->thread_start = NULL;
	pool->thread_stop = NULL;
}

/*
 * iv_work_pool_create - make a pool that belongs to the calling loop
 * @pool: IV_WORK_POOL_INIT() called, then max_threads and as wanted cookie,
 *        thread_start and thread_stop set; copied here
 *
 * Threads are started when there is work for them; at most max_threads, and
 * never more than 16384, work at one time. They end after about ten seconds
 * without any. Each has a loop of its own, so thread_start, work functions and
 * thread_stop may register objects; these are served between work functions,
 * and a thread that has any does not end. The pool keeps the calling loop alive
 * until iv_work_pool_put() and until all its work is done.
 *
 * Returns 0, or -1 with errno set: EINVAL for a max_threads below 1, ENOMEM,
 * EMFILE, ENFILE, ENOSPC. Nothing was kept then.
 *
 * Threads: one that called iv_init(); it is the pool's owner.
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_work(3)
 */
int iv_work_pool_create(struct iv_work_pool *pool);

/*
 * iv_work_pool_put - give the pool up
 *
 * Items already submitted still run and complete; then the threads end and
 * the owner's loop is let go. The structure may be freed at once.
 *
 * Errors:  not created, or put twice: iv_fatal() where it can be told.
 * Threads: the owner, else iv_fatal(); from any callback.
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_work(3)
 */
void iv_work_pool_put(struct iv_work_pool *pool);

/*
 * iv_work_pool_submit_work - have an item's work function run by a worker
 * @pool: created; or NULL: the item and then its completion run on the
 *        calling thread, from a task
 * @item: cookie, work and completion set; the caller's memory, kept until its
 *        completion starts (without a completion: until work has returned)
 *
 * Items run in no particular order. The completion runs on the owner's
 * thread. When no thread can be started and none is running, the owner's
 * loop runs the item itself: an item is never lost and a pool never stuck.
 *
 * Threads: the owner, else iv_fatal(); with a NULL pool any with a loop.
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_work(3)
 */
void iv_work_pool_submit_work(struct iv_work_pool *pool,
			      struct iv_work_item *item);

/*
 * iv_work_pool_submit_continuation - the same from inside a work function
 *
 * The item is another one than the item whose work function is running.
 *
 * Threads: the owner and the pool's own workers, until the pool has ended.
 *          The completion runs on the owner's thread. With a NULL pool: any
 *          thread with a loop.
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_work(3), since 0.43
 */
void iv_work_pool_submit_continuation(struct iv_work_pool *pool,
				      struct iv_work_item *item);

#ifdef __cplusplus
}
#endif

#endif
