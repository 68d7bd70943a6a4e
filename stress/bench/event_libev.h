/* SPDX-License-Identifier: MIT */
/* Adapter of the event cases: libev, ev_async. */
#include <ev.h>

struct peer_loop {
	struct ev_loop *ev;
};

struct peer_event {
	ev_async ev;
	struct ev_loop *loop;
	void *cookie;
	void (*handler)(void *);
};

static void peer_setup(void)
{
}

static void loop_open(struct peer_loop *loop)
{
	loop->ev = ev_loop_new(EVBACKEND_EPOLL);
	if (!loop->ev)
		peer_die("ev_loop_new failed");
}

static void loop_run(struct peer_loop *loop)
{
	ev_run(loop->ev, 0);
}

static void loop_stop(struct peer_loop *loop)
{
	ev_break(loop->ev, EVBREAK_ALL);
}

static void loop_close(struct peer_loop *loop)
{
	ev_loop_destroy(loop->ev);
}

static void call(struct ev_loop *loop, ev_async *async, int revents)
{
	struct peer_event *event = async->data;

	(void)loop;
	(void)revents;
	event->handler(event->cookie);
}

static void event_open(struct peer_loop *loop, struct peer_event *event,
		       void (*handler)(void *), void *cookie)
{
	event->handler = handler;
	event->cookie = cookie;
	event->loop = loop->ev;
	ev_init(&event->ev, call);
	event->ev.data = event;
	ev_async_start(loop->ev, &event->ev);
}

static inline void event_post(struct peer_event *event)
{
	ev_async_send(event->loop, &event->ev);
}

static void event_close(struct peer_event *event)
{
	ev_async_stop(event->loop, &event->ev);
}
