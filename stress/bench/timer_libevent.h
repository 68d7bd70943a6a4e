/* SPDX-License-Identifier: MIT */
/* Adapter of the timer cases: libevent, without its locks. */
#include <event2/event.h>
#include <event2/event_struct.h>

struct peer_timer {
	struct event ev;
	void *cookie;
	void (*handler)(void *);
};

static struct event_base *base;

static void timers_open(void)
{
	base = event_base_new();
	if (!base)
		peer_die("event_base_new failed");
}

/* Delays count from here on: libevent reads the clock at each insertion. */
static void timers_base(void)
{
}

static void timers_run(void)
{
	event_base_loop(base, 0);
}

static void timers_stop(void)
{
	event_base_loopbreak(base);
}

static void call(evutil_socket_t fd, short what, void *cookie)
{
	struct peer_timer *timer = cookie;

	(void)fd;
	(void)what;
	timer->handler(timer->cookie);
}

static void
timer_open(struct peer_timer *timer, void (*handler)(void *), void *cookie)
{
	timer->handler = handler;
	timer->cookie = cookie;
	if (evtimer_assign(&timer->ev, base, call, timer))
		peer_die("evtimer_assign failed");
}

static inline void timer_insert(struct peer_timer *timer, uint64_t delay_ns)
{
	struct timeval delay = {
		.tv_sec = (time_t)(delay_ns / 1000000000u),
		.tv_usec = (suseconds_t)(delay_ns % 1000000000u / 1000),
	};

	evtimer_add(&timer->ev, &delay);
}

static inline void timer_cancel(struct peer_timer *timer)
{
	evtimer_del(&timer->ev);
}
