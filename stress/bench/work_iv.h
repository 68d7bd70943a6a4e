/* SPDX-License-Identifier: MIT */
/*
 * Adapter of the work cases: ivykis. Compiled twice, once against this
 * project's header and library and once against the system's.
 */
#include <iv.h>
#include <iv_work.h>

struct peer_pool {
	struct iv_work_pool iv;
	struct iv_timer timer;
	int ticking;
	void (*tick)(void *);
	void *tick_cookie;
};

struct peer_item {
	struct iv_work_item iv;
};

static void pool_open(struct peer_pool *pool, unsigned threads)
{
	iv_init();
	IV_WORK_POOL_INIT(&pool->iv);
	pool->iv.max_threads = (int)threads;
	pool->iv.cookie = NULL;
	pool->iv.thread_start = NULL;
	pool->iv.thread_stop = NULL;
	if (iv_work_pool_create(&pool->iv))
		peer_die("iv_work_pool_create failed");
}

static void pool_run(struct peer_pool *pool)
{
	(void)pool;
	iv_main();
}

/* The loop ends by itself once the workers have. */
static void pool_finish(struct peer_pool *pool)
{
	iv_work_pool_put(&pool->iv);
}

static void pool_close(struct peer_pool *pool)
{
	(void)pool;
	iv_deinit();
}

static void
item_open(struct peer_pool *pool, struct peer_item *item, void (*work)(void *),
	  void (*completion)(void *), void *cookie)
{
	(void)pool;
	IV_WORK_ITEM_INIT(&item->iv);
	item->iv.cookie = cookie;
	item->iv.work = work;
	item->iv.completion = completion;
}

static inline void item_submit(struct peer_pool *pool, struct peer_item *item)
{
	iv_work_pool_submit_work(&pool->iv, &item->iv);
}

static void arm_tick(struct peer_pool *pool)
{
	pool->timer.expires.tv_nsec += 1000000;
	if (pool->timer.expires.tv_nsec >= 1000000000) {
		pool->timer.expires.tv_nsec -= 1000000000;
		pool->timer.expires.tv_sec++;
	}
	iv_timer_register(&pool->timer);
}

static void tick(void *cookie)
{
	struct peer_pool *pool = cookie;

	pool->tick(pool->tick_cookie);
	if (pool->ticking)
		arm_tick(pool);
}

static void
tick_start(struct peer_pool *pool, void (*each)(void *), void *cookie)
{
	pool->ticking = 1;
	pool->tick = each;
	pool->tick_cookie = cookie;
	IV_TIMER_INIT(&pool->timer);
	pool->timer.cookie = pool;
	pool->timer.handler = tick;
	iv_validate_now();
	pool->timer.expires = iv_now;
	arm_tick(pool);
}

/* From the tick only. */
static void tick_stop(struct peer_pool *pool)
{
	pool->ticking = 0;
}
