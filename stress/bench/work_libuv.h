/* SPDX-License-Identifier: MIT */
/* Adapter of the work cases: libuv, uv_queue_work. */
#include <stdio.h>
#include <uv.h>

struct peer_pool {
	uv_loop_t uv;
	uv_timer_t timer;
	void (*tick)(void *);
	void *tick_cookie;
};

struct peer_item {
	uv_work_t uv;
	void (*work)(void *);
	void (*completion)(void *);
	void *cookie;
};

static void pool_open(struct peer_pool *pool, unsigned threads)
{
	char text[16];

	/* The pool is the process's own and takes its size from here. */
	snprintf(text, sizeof(text), "%u", threads);
	setenv("UV_THREADPOOL_SIZE", text, 1);
	if (uv_loop_init(&pool->uv))
		peer_die("uv_loop_init failed");
}

static void pool_run(struct peer_pool *pool)
{
	uv_run(&pool->uv, UV_RUN_DEFAULT);
}

/* The loop ends by itself when no request is left. */
static void pool_finish(struct peer_pool *pool)
{
	(void)pool;
}

static void pool_close(struct peer_pool *pool)
{
	if (uv_loop_close(&pool->uv))
		peer_die("uv_loop_close failed");
}

static void run_work(uv_work_t *request)
{
	struct peer_item *item = request->data;

	item->work(item->cookie);
}

static void run_completion(uv_work_t *request, int status)
{
	struct peer_item *item = request->data;

	(void)status;
	item->completion(item->cookie);
}

static void
item_open(struct peer_pool *pool, struct peer_item *item, void (*work)(void *),
	  void (*completion)(void *), void *cookie)
{
	(void)pool;
	item->work = work;
	item->completion = completion;
	item->cookie = cookie;
	item->uv.data = item;
}

static inline void item_submit(struct peer_pool *pool, struct peer_item *item)
{
	uv_queue_work(&pool->uv, &item->uv, run_work, run_completion);
}

static void run_tick(uv_timer_t *timer)
{
	struct peer_pool *pool = timer->data;

	pool->tick(pool->tick_cookie);
}

static void
tick_start(struct peer_pool *pool, void (*tick)(void *), void *cookie)
{
	pool->tick = tick;
	pool->tick_cookie = cookie;
	uv_timer_init(&pool->uv, &pool->timer);
	pool->timer.data = pool;
	uv_timer_start(&pool->timer, run_tick, 1, 1);
}

static void tick_stop(struct peer_pool *pool)
{
	uv_close((uv_handle_t *)&pool->timer, NULL);
}
