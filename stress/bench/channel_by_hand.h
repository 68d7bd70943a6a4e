/* SPDX-License-Identifier: MIT */
/*
 * Adapter of the channel cases: a reference that is written by hand, known
 * here as struct reference and its reference_open(), _run(), _close() and
 * _send(), whatever those are called where they are.
 */

struct peer_message {
	struct raw_message raw;
};

struct peer_channel {
	void (*handler)(void *cookie, struct peer_message *message);
	void *cookie;
	struct peer_loop *loop;
};

struct peer_loop {
	struct reference reference;
	struct peer_channel *channel;
};

struct peer_sender {
	struct reference *reference;
};

static void deliver(void *cookie, struct raw_message *message)
{
	struct peer_channel *channel = cookie;

	channel->handler(channel->cookie, (struct peer_message *)message);
}

static void loop_open(struct peer_loop *loop)
{
	reference_open(&loop->reference);
}

static void loop_run(struct peer_loop *loop)
{
	reference_run(&loop->reference, deliver, loop->channel);
}

static void loop_stop(struct peer_loop *loop)
{
	loop->reference.quit = 1;
}

static void loop_close(struct peer_loop *loop)
{
	reference_close(&loop->reference);
}

static void message_init(struct peer_message *message)
{
	message->raw = (struct raw_message){ .next = NULL };
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
	sender->reference = &channel->loop->reference;
}

static void sender_close(struct peer_sender *sender)
{
	sender->reference = NULL;
}

static inline void
peer_send(struct peer_sender *sender, struct peer_message *message)
{
	reference_send(sender->reference, &message->raw);
}
