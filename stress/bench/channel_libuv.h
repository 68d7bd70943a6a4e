/* SPDX-License-Identifier: MIT */
/*
 * Adapter of the channel cases: libuv, a list under a mutex and uv_async_send.
 */
#include <uv.h>
#include "channel_queue.h"

struct peer_loop {
	uv_loop_t uv;
};

struct peer_channel {
	struct queue queue;
	uv_async_t uv;
};

struct peer_sender {
	struct peer_channel *channel;
};

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

static void drain(uv_async_t *async)
{
	queue_drain(&((struct peer_channel *)async->data)->queue);
}

static void
channel_open(struct peer_loop *loop, struct peer_channel *channel,
	     void (*handler)(void *, struct peer_message *), void *cookie)
{
	queue_open(&channel->queue, handler, cookie);
	if (uv_async_init(&loop->uv, &channel->uv, drain))
		peer_die("uv_async_init failed");
	channel->uv.data = channel;
}

static void channel_close(struct peer_channel *channel)
{
	uv_close((uv_handle_t *)&channel->uv, NULL);
	queue_close(&channel->queue);
}

static void
sender_open(struct peer_sender *sender, struct peer_channel *channel)
{
	sender->channel = channel;
}

static void sender_close(struct peer_sender *sender)
{
	sender->channel = NULL;
}

static inline void
peer_send(struct peer_sender *sender, struct peer_message *message)
{
	if (queue_put(&sender->channel->queue, message))
		uv_async_send(&sender->channel->uv);
}
