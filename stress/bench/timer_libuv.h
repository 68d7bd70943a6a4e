/* SPDX-License-Identifier: MIT */
/* Adapter of the timer cases: libuv, whose unit is the millisecond. */
#include <uv.h>

struct peer_timer {
	uv_timer_t uv;
	void *cookie;
	void (*handler)(void *);
};

static uv_loop_t loop;

static void timers_open(void)
{
	if (uv_loop_init(&loop))
		peer_die("uv_loop_init failed");
}

/* Delays count from here on. */
static void timers_base(void)
{
	uv_update_time(&loop);
}

static void timers_run(void)
{
	uv_run(&loop, UV_RUN_DEFAULT);
}

static void timers_stop(void)
{
	uv_stop(&loop);
}

static void call(uv_timer_t *uv)
{
	struct peer_timer *timer = uv->data;

	timer->handler(timer->cookie);
}

static void
timer_open(struct peer_timer *timer, void (*handler)(void *), void *cookie)
{
	timer->handler = handler;
	timer->cookie = cookie;
	uv_timer_init(&loop, &timer->uv);
	timer->uv.data = timer;
}

static inline void timer_insert(struct peer_timer *timer, uint64_t delay_ns)
{
	uv_timer_start(&timer->uv, call, delay_ns / 1000000, 0);
}

static inline void timer_cancel(struct peer_timer *timer)
{
	uv_timer_stop(&timer->uv);
}
