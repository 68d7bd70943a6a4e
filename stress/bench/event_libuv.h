/* SPDX-License-Identifier: MIT */
/* Adapter of the event cases: libuv, uv_async_t. */
#include <uv.h>

struct peer_loop {
	uv_loop_t uv;
};

struct peer_event {
	uv_async_t uv;
	void *cookie;
	void (*handler)(void *);
};

static void peer_setup(void)
{
}

static void loop_open(struct peer_loop *loop)
{
	if (uv_loop_init(&loop->uv))
		peer_die("uv_loop_init failed");
}

static void loop_run(struct peer_loop *loop)
{
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

static void loop_stop(struct peer_loop *loop)
{
	uv_stop(&loop->uv);
}

static void loop_close(struct peer_loop *loop)
{
	uv_run(&loop->uv, UV_RUN_DEFAULT); /* finishes the closes */
	if (uv_loop_close(&loop->uv))
		peer_die("uv_loop_close failed");
}

static void call(uv_async_t *async)
{
	struct peer_event *event = async->data;

	event->handler(event->cookie);
}

static void event_open(struct peer_loop *loop, struct peer_event *event,
		       void (*handler)(void *), void *cookie)
{
	event->handler = handler;
	event->cookie = cookie;
	if (uv_async_init(&loop->uv, &event->uv, call))
		peer_die("uv_async_init failed");
	event->uv.data = event;
}

static inline void event_post(struct peer_event *event)
{
	uv_async_send(&event->uv);
}

static void event_close(struct peer_event *event)
{
	uv_close((uv_handle_t *)&event->uv, NULL);
}
