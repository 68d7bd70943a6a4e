/* SPDX-License-Identifier: MIT */
/*
 * channel_send.c - the senders' side of a channel
 *
 * The protocol, its claims and its step numbers are in channel.h.
 */
#include <errno.h>
#include "annotate.h"
#include "channel.h"
#include "lock.h"

#define WANTED IV__CHANNEL_WANTED

/* S2 to S4; what head was. */
static inline uintptr_t push(struct iv__channel *channel,
			     struct iv_channel_message *message, bool watched)
{
	iv__backoff backoff = 0;
	uintptr_t head;

	for (;;) {
		head = atomic_load_explicit(&channel->head,
					    memory_order_relaxed);
		if (head == IV__CHANNEL_CLOSED)
			return head;
		message->next_ = head == IV__CHANNEL_BUSY ? NULL : (void *)head;
		if (watched)
			iv__hb_before(message);
		/*
		 * Release: with the acquire of D2 and U1, for next_ and the
		 * payload. Acquire: of D4, for the node.
		 */
		if (atomic_compare_exchange_weak_explicit(
			    &channel->head, &head, (uintptr_t)message,
			    memory_order_acq_rel, memory_order_relaxed))
			return head;
		iv__backoff_wait(&backoff);
	}
}

/* S5. Behind the link the handler may have closed this sender already. */
static inline void call_receiver(struct iv__channel *channel, bool watched)
{
	struct iv__inbox *inbox = channel->inbox;
	uintptr_t head;

	if (watched)
		iv__hb_after(&channel->node);
	head = iv__inbox_try_link(inbox, &channel->node, true, watched);
	if (head == IV__CLOSED)
		iv__channel_put(channel); /* N1 */
	else if (head == IV__SLEEPING)
		iv__inbox_wake(inbox, watched);
}

static inline int
push_and_call(struct iv__channel *channel, struct iv_channel_message *message,
	      bool watched)
{
	uintptr_t head = push(channel, message, watched);

	if (__builtin_expect(head == IV__CHANNEL_CLOSED, 0))
		return -EPIPE;
	if (head == 0)
		call_receiver(channel, watched);

	return 0;
}

int iv__channel_push(struct iv__channel *channel,
		     struct iv_channel_message *message)
{
	return push_and_call(channel, message, iv__watch != 0);
}

/* References **************************************************************/

void iv__channel_get(struct iv__channel *channel)
{
	atomic_fetch_add_explicit(&channel->refs, 1, memory_order_relaxed);
}

void iv__channel_put(struct iv__channel *channel)
{
	/* With each other: the last one comes behind all uses of the slot. */
	iv__hb_before(channel);
	if (atomic_fetch_sub_explicit(&channel->refs, 1,
				      memory_order_acq_rel) != 1)
		return;
	iv__hb_after(channel);
	iv__channel_free(channel);
}

/* The limit ***************************************************************/

/* S1 */
static bool take_place(struct iv__channel *channel)
{
	iv__backoff backoff = 0;
	unsigned int count;

	for (;;) {
		count = atomic_load_explicit(&channel->count,
					     memory_order_relaxed);
		if ((count & ~WANTED) >= channel->limit)
			return false;
		if (atomic_compare_exchange_weak_explicit(
			    &channel->count, &count, count + 1,
			    memory_order_relaxed, memory_order_relaxed))
			return true;
		iv__backoff_wait(&backoff);
	}
}

void iv__channel_give_place(struct iv__channel *channel)
{
	unsigned int count;

	/* What is behind WANTED is handed over under the lock. */
	count = atomic_fetch_sub_explicit(&channel->count, 1,
					  memory_order_relaxed);
	if (count & WANTED)
		iv__channel_tell_room(channel);
}

void iv__channel_tell_room_locked(struct iv__channel *channel)
{
	struct iv_channel_sender *sender;

	atomic_fetch_and_explicit(&channel->count, ~WANTED,
				  memory_order_relaxed);
	while (!iv_list_empty(&channel->wanting)) {
		sender = iv_container_of(channel->wanting.next,
					 struct iv_channel_sender, list_);
		iv_list_del_init(&sender->list_);
		iv_event_handle_post(sender->room_);
	}
}

void iv__channel_tell_room(struct iv__channel *channel)
{
	iv__lock();
	iv__channel_tell_room_locked(channel);
	iv__unlock();
}

static bool is_closed(struct iv__channel *channel)
{
	return atomic_load_explicit(&channel->head, memory_order_relaxed) ==
	       IV__CHANNEL_CLOSED;
}

static int
want_room_locked(struct iv_channel_sender *sender, iv_event_handle event)
{
	struct iv__channel *channel = sender->channel_;
	unsigned int count;

	/* U1 comes ahead of its telling, which is under the lock. */
	if (is_closed(channel))
		return -EPIPE;

	sender->room_ = event;
	if (iv_list_empty(&sender->list_))
		iv_list_add_tail(&sender->list_, &channel->wanting);
	count = atomic_fetch_or_explicit(&channel->count, WANTED,
					 memory_order_relaxed);
	if (channel->limit == 0 || (count & ~WANTED) < channel->limit)
		iv__channel_tell_room_locked(channel);

	return 0;
}

/* The interface ***********************************************************/

static inline struct iv__channel *
channel_of(const struct iv_channel_sender *sender, const char *call)
{
	if (__builtin_expect(sender->channel_ == NULL, 0))
		iv_fatal("%s: the sender is not open; open it first", call);

	return sender->channel_;
}

static void open_sender(struct iv_channel_sender *sender,
			struct iv__channel *channel, const char *call)
{
	if (sender->channel_ != NULL)
		iv_fatal("%s: the sender is open already; close it first",
			 call);

	iv__channel_get(channel);
	atomic_fetch_add_explicit(&channel->senders, 1, memory_order_relaxed);
	INIT_IV_LIST_HEAD(&sender->list_);
	sender->channel_ = channel;
}

IV__PUBLIC void iv_channel_sender_open(struct iv_channel_sender *sender,
				       struct iv_channel *channel)
{
	if (channel->channel_ == NULL)
		iv_fatal("iv_channel_sender_open: the channel is not "
			 "registered; register it first");

	open_sender(sender, channel->channel_, "iv_channel_sender_open");
}

IV__PUBLIC void iv_channel_sender_clone(struct iv_channel_sender *to,
					struct iv_channel_sender *from)
{
	open_sender(to, channel_of(from, "iv_channel_sender_clone"),
		    "iv_channel_sender_clone");
}

/* C1 */
static void leave(struct iv__channel *channel)
{
	/* Release: with the acquire of got_last(), for what was sent. */
	iv__hb_before(&channel->senders);
	if (atomic_fetch_sub_explicit(&channel->senders, 1,
				      memory_order_acq_rel) != 1)
		return;

	/* With that of got_last(), either way: it looks behind this, or we. */
	iv__hb_before(&channel->told);
	if (atomic_exchange_explicit(&channel->told, 1, memory_order_acq_rel) !=
	    0)
		return;
	iv__hb_after(&channel->told);
	iv__channel_push(channel, &channel->last);
}

IV__PUBLIC void iv_channel_sender_close(struct iv_channel_sender *sender)
{
	struct iv__channel *channel;

	channel = channel_of(sender, "iv_channel_sender_close");
	if (channel->limit != 0) {
		iv__lock();
		iv_list_del_init(&sender->list_);
		iv__unlock();
	}

	sender->channel_ = NULL;
	leave(channel);
	iv__channel_put(channel);
}

IV__PUBLIC int iv_channel_sender_want_room(struct iv_channel_sender *sender,
					   iv_event_handle event)
{
	int ret;

	channel_of(sender, "iv_channel_sender_want_room");
	iv__lock();
	ret = want_room_locked(sender, event);
	iv__unlock();

	return ret;
}

/* Twice in the object code, so that bare metal pays for no watch. */
static inline int send(struct iv__channel *channel,
		       struct iv_channel_message *message, bool watched)
{
	int ret;

	if (channel->limit != 0 && !take_place(channel))
		return is_closed(channel) ? -EPIPE : -EAGAIN;

	message->channel_ = channel;
	ret = push_and_call(channel, message, watched);
	if (__builtin_expect(ret < 0, 0)) {
		/* Nobody is told: who closed it tells everybody. */
		message->channel_ = NULL;
		if (channel->limit != 0)
			atomic_fetch_sub_explicit(&channel->count, 1,
						  memory_order_relaxed);
	}

	return ret;
}

__attribute__((noinline)) static int
send_watched(struct iv__channel *channel, struct iv_channel_message *message)
{
	return send(channel, message, true);
}

IV__PUBLIC int iv_channel_send(struct iv_channel_sender *sender,
			       struct iv_channel_message *message)
{
	struct iv__channel *channel = channel_of(sender, "iv_channel_send");

	if (__builtin_expect(message->channel_ != NULL, 0))
		iv_fatal("iv_channel_send: the message is in a channel "
			 "already; wait until it is handled or dropped");
	if (__builtin_expect(iv__watch != 0, 0))
		return send_watched(channel, message);

	return send(channel, message, false);
}
