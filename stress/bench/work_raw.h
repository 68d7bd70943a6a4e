/* SPDX-License-Identifier: MIT */
/* Adapter of the work cases: the hand-written pool and loop. */
#include "raw_pool.h"

struct peer_pool {
	struct raw_pool raw;
};

struct peer_item {
	struct raw_item raw;
};

static void pool_open(struct peer_pool *pool, unsigned threads)
{
	raw_pool_open(&pool->raw, threads);
}

static void pool_run(struct peer_pool *pool)
{
	raw_loop_run(&pool->raw.loop);
}

static void pool_finish(struct peer_pool *pool)
{
	pool->raw.loop.quit = 1;
}

static void pool_close(struct peer_pool *pool)
{
	raw_pool_close(&pool->raw);
}

static void
item_open(struct peer_pool *pool, struct peer_item *item, void (*work)(void *),
	  void (*completion)(void *), void *cookie)
{
	raw_item_open(&pool->raw, &item->raw, work, completion, cookie);
}

static inline void item_submit(struct peer_pool *pool, struct peer_item *item)
{
	raw_item_submit(&pool->raw, &item->raw);
}

static void
tick_start(struct peer_pool *pool, void (*tick)(void *), void *cookie)
{
	raw_loop_tick(&pool->raw.loop, tick, cookie);
}

static void tick_stop(struct peer_pool *pool)
{
	raw_loop_tick(&pool->raw.loop, NULL, NULL);
}
