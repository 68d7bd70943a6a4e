/* SPDX-License-Identifier: MIT */
/* Adapter of the channel cases: the hand-written chain of raw_stack.h. */
#include "raw_stack.h"

struct peer_message {
	struct raw_message raw;
};

struct peer_channel {
	void (*handler)(void *cookie, struct peer_message *message);
	void *cookie;
	struct peer_loop *loop;
};

struct peer_loop {
	struct raw_stack stack;
	struct peer_channel *channel;
};

struct peer_sender {
	struct raw_stack *stack;
};

static void deliver(void *cookie, struct raw_message *message)
{
	struct peer_channel *channel = cookie;

	channel->handler(channel->cookie, (struct peer_message *)message);
}

static void loop_open(struct peer_loop *loop)
{
	raw_stack_open(&loop->stack);
}

static void loop_run(struct peer_loop *loop)
{
	raw_stack_run(&loop->stack, deliver, loop->channel);
}

static void loop_stop(struct peer_loop *loop)
{
	loop->stack.quit = 1;
}

static void loop_close(struct peer_loop *loop)
{
	raw_stack_close(&loop->stack);
}

static void message_init(struct peer_message *message)
{
	message->raw.next = NULL;
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
	sender->stack = &channel->loop->stack;
}

static void sender_close(struct peer_sender *sender)
{
	sender->stack = NULL;
}

static inline void
peer_send(struct peer_sender *sender, struct peer_message *message)
{
	raw_stack_send(sender->stack, &message->raw);
}
