/* SPDX-License-Identifier: MIT */
/* Adapter of the event cases: libevent, event_active on its threads build. */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/thread.h>

struct peer_loop {
	struct event_base *base;
};

struct peer_event {
	struct event ev;
	void *cookie;
	void (*handler)(void *);
};

static void peer_setup(void)
{
	if (evthread_use_pthreads())
		peer_die("evthread_use_pthreads failed");
}

static void loop_open(struct peer_loop *loop)
{
	loop->base = event_base_new();
	if (!loop->base)
		peer_die("event_base_new failed");
}

static void loop_run(struct peer_loop *loop)
{
	event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

static void loop_stop(struct peer_loop *loop)
{
	event_base_loopbreak(loop->base);
}

static void loop_close(struct peer_loop *loop)
{
	event_base_free(loop->base);
}

static void call(evutil_socket_t fd, short what, void *cookie)
{
	struct peer_event *event = cookie;

	(void)fd;
	(void)what;
	event->handler(event->cookie);
}

static void event_open(struct peer_loop *loop, struct peer_event *event,
		       void (*handler)(void *), void *cookie)
{
	event->handler = handler;
	event->cookie = cookie;
	if (event_assign(&event->ev, loop->base, -1, EV_PERSIST, call, event))
		peer_die("event_assign failed");
}

static inline void event_post(struct peer_event *event)
{
	event_active(&event->ev, EV_READ, 0);
}

static void event_close(struct peer_event *event)
{
	event_del(&event->ev);
}
