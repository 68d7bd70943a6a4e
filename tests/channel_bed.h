/* SPDX-License-Identifier: MIT */
/*
 * channel_bed.h - what the tests of channels share: letters with a word
 */
#ifndef CHANNEL_BED_H
#define CHANNEL_BED_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <iv_channel.h>
#include "harness.h"

struct letter {
	struct iv_channel_message message;
	const char *word;
};

static inline struct letter *letter_of(struct iv_channel_message *message)
{
	return iv_container_of(message, struct letter, message);
}

static inline void write_letter(struct letter *letter, const char *word)
{
	memset(letter, 0xa5, sizeof(*letter));
	IV_CHANNEL_MESSAGE_INIT(&letter->message);
	letter->word = word;
}

/* A channel's handlers: note the word, or what happened to it. */
static inline void got(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	note((void *)(uintptr_t)letter_of(message)->word);
}

static inline void got_back(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	note("dropped");
	note((void *)(uintptr_t)letter_of(message)->word);
}

static inline void got_closed(void *cookie)
{
	(void)cookie;
	note("closed");
}

static inline void init_channel(struct iv_channel *channel)
{
	memset(channel, 0xa5, sizeof(*channel));
	IV_CHANNEL_INIT(channel);
	channel->handler = got;
	channel->dropped = got_back;
	channel->closed = got_closed;
}

static inline void
open_sender(struct iv_channel_sender *sender, struct iv_channel *channel)
{
	memset(sender, 0xa5, sizeof(*sender));
	IV_CHANNEL_SENDER_INIT(sender);
	iv_channel_sender_open(sender, channel);
}

/* Both ends, on this thread's loop. */
static inline void
open_handling(struct iv_channel *channel, struct iv_channel_sender *sender,
	      void (*handler)(void *cookie, struct iv_channel_message *message),
	      void *cookie)
{
	init_channel(channel);
	channel->handler = handler;
	channel->cookie = cookie;
	assert_int_equal(iv_channel_register(channel), 0);
	open_sender(sender, channel);
}

static inline void
open_both(struct iv_channel *channel, struct iv_channel_sender *sender)
{
	open_handling(channel, sender, got, NULL);
}

static inline int send_word(struct iv_channel_sender *sender,
			    struct letter *letter, const char *word)
{
	write_letter(letter, word);

	return iv_channel_send(sender, &letter->message);
}

/* Twenty rounds: what has to come, or must not, has had every chance. */
struct rounds {
	struct iv_timer timer;
	int left;
};

static inline void next_round(void *cookie)
{
	struct rounds *rounds = cookie;

	if (--rounds->left > 0)
		iv_timer_register(&rounds->timer);
	else
		note_and_quit("end");
}

static inline void run_to_the_end(void)
{
	struct rounds rounds = { .left = 20 };

	IV_TIMER_INIT(&rounds.timer);
	rounds.timer.cookie = &rounds;
	rounds.timer.handler = next_round;
	iv_timer_register(&rounds.timer);
	iv_main();
}

#endif
