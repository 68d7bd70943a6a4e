/* SPDX-License-Identifier: MIT */
/*
 * stress_channel_ends.c - both ends of a channel, and what went through
 */
#include <inttypes.h>
#include <stdlib.h>
#include "stress_channel.h"

static _Atomic(uint64_t) total_sent;
static _Atomic(uint64_t) total_delivered;
static _Atomic(uint64_t) total_dropped;

static void take_out(struct outlet *outlet, struct iv_channel_message *message)
{
	struct letter *letter =
		iv_container_of(message, struct letter, message);

	STRESS_CHECK(letter->number == ~letter->complement,
		     "a message was delivered before it was written");
	STRESS_CHECK(letter->number == outlet->next[letter->from],
		     "message %u of sender %u came in the place of %u",
		     letter->number, letter->from, outlet->next[letter->from]);
	outlet->next[letter->from]++;
	free(letter);
}

void channel_deliver(void *cookie, struct iv_channel_message *message)
{
	struct outlet *outlet = cookie;

	take_out(outlet, message);
	outlet->delivered++;
}

static void hand_back(void *cookie, struct iv_channel_message *message)
{
	struct outlet *outlet = cookie;

	take_out(outlet, message);
	outlet->dropped++;
}

/* The last sender has closed: there is nothing to hand back any more. */
static void end(void *cookie)
{
	struct outlet *outlet = cookie;

	STRESS_CHECK(!outlet->closed, "a channel was closed twice");
	outlet->closed = true;
	iv_channel_unregister(&outlet->channel);
}

void channel_open_outlet(struct outlet *outlet, unsigned int limit,
			 void (*handler)(void *, struct iv_channel_message *))
{
	IV_CHANNEL_INIT(&outlet->channel);
	outlet->channel.cookie = outlet;
	outlet->channel.handler = handler;
	outlet->channel.dropped = hand_back;
	outlet->channel.closed = end;
	outlet->channel.limit = limit;
	STRESS_CHECK(iv_channel_register(&outlet->channel) == 0,
		     "iv_channel_register was refused");
}

int channel_put_in(struct inlet *inlet)
{
	struct letter *letter = malloc(sizeof(*letter));
	int ret;

	STRESS_CHECK(letter != NULL, "out of memory");
	IV_CHANNEL_MESSAGE_INIT(&letter->message);
	letter->from = inlet->index;
	letter->number = inlet->sent;
	letter->complement = ~letter->number;
	ret = iv_channel_send(&inlet->sender, &letter->message);
	if (ret == 0)
		inlet->sent++;
	else
		free(letter);

	return ret;
}

void channel_account(const struct outlet *outlet, const struct inlet *inlet,
		     size_t stride)
{
	uint64_t sent = 0;
	unsigned int i;

	for (i = 0; i < stress_options.threads; i++) {
		sent += inlet->sent;
		inlet = (const void *)((const char *)inlet + stride);
	}
	STRESS_CHECK(sent == outlet->delivered + outlet->dropped,
		     "%" PRIu64 " messages were sent, %" PRIu64
		     " delivered and %" PRIu64 " dropped",
		     sent, outlet->delivered, outlet->dropped);
	atomic_fetch_add(&total_sent, sent);
	atomic_fetch_add(&total_delivered, outlet->delivered);
	atomic_fetch_add(&total_dropped, outlet->dropped);
}

struct channel_sums channel_sum(void)
{
	return (struct channel_sums){
		.sent = atomic_load(&total_sent),
		.delivered = atomic_load(&total_delivered),
		.dropped = atomic_load(&total_dropped),
	};
}
