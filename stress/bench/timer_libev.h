/* SPDX-License-Identifier: MIT */
/* Adapter of the timer cases: libev. */
#include <ev.h>

struct peer_timer {
	ev_timer ev;
	void *cookie;
	void (*handler)(void *);
};

static struct ev_loop *loop;

static void timers_open(void)
{
	loop = ev_loop_new(EVBACKEND_EPOLL);
	if (!loop)
		peer_die("ev_loop_new failed");
}

/* Delays count from here on. */
static void timers_base(void)
{
	ev_now_update(loop);
}

static void timers_run(void)
{
	ev_now_update(loop);
	ev_run(loop, 0);
}

static void timers_stop(void)
{
	ev_break(loop, EVBREAK_ALL);
}

static void call(struct ev_loop *l, ev_timer *ev, int revents)
{
	struct peer_timer *timer = ev->data;

	(void)l;
	(void)revents;
	timer->handler(timer->cookie);
}

static void
timer_open(struct peer_timer *timer, void (*handler)(void *), void *cookie)
{
	timer->handler = handler;
	timer->cookie = cookie;
	ev_init(&timer->ev, call);
	timer->ev.data = timer;
}

static inline void timer_insert(struct peer_timer *timer, uint64_t delay_ns)
{
	ev_timer_set(&timer->ev, (double)delay_ns * 1e-9, 0.);
	ev_timer_start(loop, &timer->ev);
}

static inline void timer_cancel(struct peer_timer *timer)
{
	ev_timer_stop(loop, &timer->ev);
}
