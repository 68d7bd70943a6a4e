/* SPDX-License-Identifier: MIT */
/* Adapter of the channel cases: the hand-written reference of raw_queue.h. */
#include "raw_queue.h"

struct peer_message {
	struct raw_message raw;
};

struct peer_channel {
	void (*handler)(void *cookie, struct peer_message *message);
	void *cookie;
	struct peer_loop *loop;
};

struct peer_loop {
	struct raw_queue queue;
	struct peer_channel *channel;
};

struct peer_sender {
	struct raw_queue *queue;
};

static void deliver(void *cookie, struct raw_message *message)
{
	struct peer_channel *channel = cookie;

	channel->handler(channel->cookie, (struct peer_message *)message);
}

static void loop_open(struct peer_loop *loop)
{
	raw_queue_open(&loop->queue);
}

static void loop_run(struct peer_loop *loop)
{
	raw_queue_run(&loop->queue, deliver, loop->channel);
}

static void loop_stop(struct peer_loop *loop)
{
	loop->queue.quit = 1;
}

static void loop_close(struct peer_loop *loop)
{
	raw_queue_close(&loop->queue);
}

static void message_init(struct peer_message *message)
{
	atomic_init(&message->raw.next, NULL);
}

static void
channel_open(struct peer_loop *loop, struct peer_channel *channel,
	     void (*handler)(void *, struct peer_message *), void *cookie)
{
	channel->handler = handler;
	channel->cookie = cookie;
	channel->loop = loop;
	loop->channel = channel;
}

static void channel_close(struct peer_channel *channel)
{
	channel->loop->channel = NULL;
}

static void
sender_open(struct peer_sender *sender, struct peer_channel *channel)
{
	sender->queue = &channel->loop->queue;
}

static void sender_close(struct peer_sender *sender)
{
	sender->queue = NULL;
}

static inline void
peer_send(struct peer_sender *sender, struct peer_message *message)
{
	raw_queue_send(sender->queue, &message->raw);
}
