/* SPDX-License-Identifier: MIT */
/*
 * loop_end_bed.h - a loop that tells itself to end, with a channel to empty
 *
 * What it calls itself behind the order is run once it has heard of its end
 * and has shut what it has.
 */
#ifndef LOOP_END_BED_H
#define LOOP_END_BED_H

#include <iv_loop.h>
#include "channel_bed.h"

static inline void end_self(int how, int64_t timeout_ns)
{
	assert_int_equal(iv_loop_end(iv_loop_self(), how, timeout_ns, NULL,
				     NULL),
			 -EDEADLK);
	assert_int_equal(iv_loop_stopped(), 1);
}

static inline void when_heard(void (*function)(void *cookie), void *cookie)
{
	assert_int_equal(iv_loop_call(iv_loop_self(), function, cookie, NULL),
			 0);
}

/* iv_main(), which has to return by itself. */
static inline void run_until_ended(void)
{
	struct guard guard;

	guard_start(&guard, "the end of the loop");
	iv_main();
	guard_stop(&guard);
}

/* A channel with more messages than two batches ***************************/

enum { MANY = 600 };

static struct iv_channel channel;
static struct iv_channel_sender sender;
static struct iv_channel_message messages[MANY];
static int num_got, num_dropped, num_closed;
static bool in_order = true;

static inline void number_got(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	in_order = in_order && message == &messages[num_got + num_dropped];
	num_got++;
}

static inline void
number_dropped(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	in_order = in_order && message == &messages[num_got + num_dropped];
	num_dropped++;
}

static inline void count_closed(void *cookie)
{
	(void)cookie;
	num_closed++;
}

/* On a loop of this thread, which begins here. */
static inline void open_full_channel(
	void (*handler)(void *cookie, struct iv_channel_message *message),
	void (*dropped)(void *cookie, struct iv_channel_message *message))
{
	int i;

	iv_init();
	IV_CHANNEL_INIT(&channel);
	channel.handler = handler;
	channel.dropped = dropped;
	channel.closed = count_closed;
	assert_int_equal(iv_channel_register(&channel), 0);
	open_sender(&sender, &channel);
	for (i = 0; i < MANY; i++) {
		IV_CHANNEL_MESSAGE_INIT(&messages[i]);
		assert_int_equal(iv_channel_send(&sender, &messages[i]), 0);
	}
}

#endif
