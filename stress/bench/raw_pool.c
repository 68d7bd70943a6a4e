/* SPDX-License-Identifier: MIT */
/* The hand-written pool; see raw_pool.h. */
#include "peer.h"
#include "raw_pool.h"

static struct raw_item *take_locked(struct raw_pool *pool)
{
	struct raw_item *item = pool->first;

	if (item) {
		pool->first = item->next;
		if (!pool->first)
			pool->last = &pool->first;
	}
	return item;
}

static struct raw_item *await(struct raw_pool *pool)
{
	struct raw_item *item;

	pthread_mutex_lock(&pool->mutex);
	while (!(item = take_locked(pool)) && !pool->stopping) {
		pool->sleeping++;
		pthread_cond_wait(&pool->filled, &pool->mutex);
		pool->sleeping--;
	}
	pthread_mutex_unlock(&pool->mutex);
	return item;
}

static void *worker(void *cookie)
{
	struct raw_pool *pool = cookie;
	struct raw_item *item;

	while ((item = await(pool))) {
		item->work(item->cookie);
		raw_event_post(&item->event);
	}
	return NULL;
}

void raw_item_submit(struct raw_pool *pool, struct raw_item *item)
{
	unsigned sleeping;

	item->next = NULL;
	pthread_mutex_lock(&pool->mutex);
	*pool->last = item;
	pool->last = &item->next;
	sleeping = pool->sleeping;
	pthread_mutex_unlock(&pool->mutex);
	/* Outside the lock: the woken worker would only run into it. */
	if (sleeping)
		pthread_cond_signal(&pool->filled);
}

void raw_item_open(struct raw_pool *pool, struct raw_item *item,
		   void (*work)(void *), void (*completion)(void *),
		   void *cookie)
{
	raw_event_open(&pool->loop, &item->event, completion, cookie);
	item->work = work;
	item->cookie = cookie;
}

void raw_pool_open(struct raw_pool *pool, unsigned threads)
{
	unsigned i;

	if (threads > RAW_POOL_THREADS)
		peer_die("raw pool: at most %d threads", RAW_POOL_THREADS);
	raw_loop_open(&pool->loop);
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->filled, NULL);
	pool->first = NULL;
	pool->last = &pool->first;
	pool->stopping = 0;
	pool->sleeping = 0;
	pool->threads = threads;
	for (i = 0; i < threads; i++)
		if (pthread_create(&pool->thread[i], NULL, worker, pool))
			peer_die("pthread_create failed");
}

void raw_pool_close(struct raw_pool *pool)
{
	unsigned i;

	pthread_mutex_lock(&pool->mutex);
	pool->stopping = 1;
	pthread_cond_broadcast(&pool->filled);
	pthread_mutex_unlock(&pool->mutex);
	for (i = 0; i < pool->threads; i++)
		pthread_join(pool->thread[i], NULL);
	pthread_cond_destroy(&pool->filled);
	pthread_mutex_destroy(&pool->mutex);
	raw_loop_close(&pool->loop);
}
