/* SPDX-License-Identifier: MIT */
/*
 * stress_channel.h - both ends of a channel, and the act of churn
 *
 * Each message is allocated, and freed by who has it last.
 */
#ifndef STRESS_CHANNEL_H
#define STRESS_CHANNEL_H

#include <iv_channel.h>
#include "stress.h"

struct letter {
	struct iv_channel_message message;
	unsigned int from;
	unsigned int number;
	unsigned int complement;
};

/* The receiver's end, and what has come out of it; its thread's only. */
struct outlet {
	struct iv_channel channel;
	unsigned int next[STRESS_MAX_THREADS];
	uint64_t delivered;
	uint64_t dropped;
	bool closed;
};

/* A sender's end, and what has gone into it. */
struct inlet {
	struct iv_channel_sender sender;
	unsigned int index;
	unsigned int sent;
};

/* A handler: the message is the next one of its sender, or all ends here. */
void channel_deliver(void *cookie, struct iv_channel_message *message);

/* It unregisters itself when its last sender has closed. */
void channel_open_outlet(struct outlet *outlet, unsigned int limit,
			 void (*handler)(void *, struct iv_channel_message *));

/* One message more, or what iv_channel_send() says. */
int channel_put_in(struct inlet *inlet);

/*
 * All is over: what went in must have come out. @inlet: of the first sender,
 * the others' are @stride bytes apart.
 */
void channel_account(const struct outlet *outlet, const struct inlet *inlet,
		     size_t stride);

struct channel_sums {
	uint64_t sent;
	uint64_t delivered;
	uint64_t dropped;
};

/* Of all channels that were accounted for. */
struct channel_sums channel_sum(void);

/* Receivers that close under their senders, and how many of them. */
void channel_churn_run(void);
unsigned int channel_churn_lives(void);

#endif
