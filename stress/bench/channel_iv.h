/* SPDX-License-Identifier: MIT */
/*
 * Adapter of the channel cases: ivykis. Compiled twice. This project's header
 * has channels; with the system's, a program does it by hand: a list under a
 * mutex, and an event that is posted.
 */
#include <iv.h>
#if __has_include(<iv_channel.h>)
#include <iv_channel.h>
#define HAS_CHANNELS
#else
#include <iv_event.h>
#include "channel_queue.h"
#endif

struct peer_loop {
	int unused; /* a loop belongs to its thread and has no name */
};

static void loop_open(struct peer_loop *loop)
{
	(void)loop;
	iv_init();
}

static void loop_run(struct peer_loop *loop)
{
	(void)loop;
	iv_main();
}

static void loop_stop(struct peer_loop *loop)
{
	(void)loop;
	iv_quit();
}

static void loop_close(struct peer_loop *loop)
{
	(void)loop;
	iv_deinit();
}

#ifdef HAS_CHANNELS

struct peer_message {
	struct iv_channel_message iv;
};

struct peer_channel {
	struct iv_channel iv;
	void (*handler)(void *cookie, struct peer_message *message);
	void *cookie;
};

struct peer_sender {
	struct iv_channel_sender iv;
};

static void message_init(struct peer_message *message)
{
	IV_CHANNEL_MESSAGE_INIT(&message->iv);
}

static void deliver(void *cookie, struct iv_channel_message *message)
{
	struct peer_channel *channel = cookie;

	channel->handler(channel->cookie, (struct peer_message *)message);
}

static void
channel_open(struct peer_loop *loop, struct peer_channel *channel,
	     void (*handler)(void *, struct peer_message *), void *cookie)
{
	(void)loop;
	channel->handler = handler;
	channel->cookie = cookie;
	IV_CHANNEL_INIT(&channel->iv);
	channel->iv.handler = deliver;
	channel->iv.cookie = channel;
	if (iv_channel_register(&channel->iv))
		peer_die("iv_channel_register failed");
}

static void channel_close(struct peer_channel *channel)
{
	iv_channel_unregister(&channel->iv);
}

static void
sender_open(struct peer_sender *sender, struct peer_channel *channel)
{
	IV_CHANNEL_SENDER_INIT(&sender->iv);
	iv_channel_sender_open(&sender->iv, &channel->iv);
}

static void sender_close(struct peer_sender *sender)
{
	iv_channel_sender_close(&sender->iv);
}

static inline void
peer_send(struct peer_sender *sender, struct peer_message *message)
{
	if (iv_channel_send(&sender->iv, &message->iv))
		peer_die("iv_channel_send failed");
}

#else

struct peer_channel {
	struct queue queue;
	struct iv_event event;
};

struct peer_sender {
	struct peer_channel *channel;
};

static void drain(void *channel)
{
	queue_drain(&((struct peer_channel *)channel)->queue);
}

static void
channel_open(struct peer_loop *loop, struct peer_channel *channel,
	     void (*handler)(void *, struct peer_message *), void *cookie)
{
	(void)loop;
	queue_open(&channel->queue, handler, cookie);
	IV_EVENT_INIT(&channel->event);
	channel->event.handler = drain;
	channel->event.cookie = channel;
	if (iv_event_register(&channel->event))
		peer_die("iv_event_register failed");
}

static void channel_close(struct peer_channel *channel)
{
	iv_event_unregister(&channel->event);
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
		iv_event_post(&sender->channel->event);
}

#endif
