/* SPDX-License-Identifier: MIT */
/*
 * channel.c - the receiver's side of a channel
 *
 * The protocol, its claims and its step numbers are in channel.h.
 */
#include <errno.h>
#include <limits.h>
#include "annotate.h"
#include "channel.h"
#include "lock.h"

/* How many messages one round delivers. */
enum { MAX_ROUND = 256 };

static struct iv__slot_table table = {
	.slot_size = sizeof(struct iv__channel),
};

static struct iv__channel *slot_at(uint32_t place)
{
	return iv__slot_at(&table, sizeof(struct iv__channel), place, true);
}

void iv__channel_free(struct iv__channel *channel)
{
	iv__slot_give_back(&table, channel->place);
}

/* A chain in the order in which it was sent. */
static struct iv_channel_message *reverse(uintptr_t head)
{
	struct iv_channel_message *message = (void *)head;
	struct iv_channel_message *later = NULL;
	struct iv_channel_message *next;

	for (; message != NULL; message = next) {
		iv__hb_after(message);
		next = message->next_;
		message->next_ = later;
		later = message;
	}

	return later;
}

/* D2 and U1: what was sent, leaving @leave; *old: what head was. */
static struct iv_channel_message *
take(struct iv__channel *channel, uintptr_t leave, uintptr_t *old)
{
	/* Acquire: with the release of each S4, for next_ and the payload. */
	*old = atomic_exchange_explicit(&channel->head, leave,
					memory_order_acq_rel);

	return *old == IV__CHANNEL_BUSY ? NULL : reverse(*old);
}

/* The next one, which there is; from here on it is the user's. */
static struct iv_channel_message *pop(struct iv__channel *channel)
{
	struct iv_channel_message *message = channel->first;

	channel->first = message->next_;
	message->channel_ = NULL;

	return message;
}

/* The end of a channel ****************************************************/

static struct iv_channel_message **end_of_rest(struct iv__channel *channel)
{
	struct iv_channel_message **end = &channel->first;

	while (*end != NULL)
		end = &(*end)->next_;

	return end;
}

static void drop_all(struct iv__channel *channel)
{
	struct iv_channel_message *message;

	while (channel->first != NULL) {
		message = pop(channel);
		if (message != &channel->last && channel->dropped != NULL)
			channel->dropped(channel->cookie, message);
	}
}

/* U3 */
static void leave_node(struct iv__channel *channel, uintptr_t head)
{
	if (channel->has_node || head == 0)
		return;
	if (!iv__inbox_take_out(channel->inbox, &channel->node))
		iv__channel_get(channel);
}

/* U4, once no round uses the slot. */
static void release(struct iv__channel *channel)
{
	iv_list_del(&channel->list);
	iv__channel_put(channel);
}

/* One that is shut goes on by a task, for its node is not its own any more. */
static void have_task(struct iv__channel *channel, bool wanted)
{
	bool has = iv_task_registered(&channel->again);

	if (wanted && !has)
		iv_task_register(&channel->again);
	if (!wanted && has)
		iv_task_unregister(&channel->again);
}

/* U1 and U3, once. */
static void shut(struct iv__channel *channel)
{
	uintptr_t head;

	if (channel->shut)
		return;

	channel->shut = true;
	*end_of_rest(channel) = take(channel, IV__CHANNEL_CLOSED, &head);
	leave_node(channel, head);
	channel->has_node = false;
	iv__channel_tell_room(channel);
}

static void close_channel(struct iv__channel *channel)
{
	channel->channel = NULL;
	channel->inbox->loop->numobjs--;
	have_task(channel, false);
	shut(channel);
	/* U2; what it calls may wait, so it comes last. */
	drop_all(channel);

	if (channel->depth == 0)
		release(channel);
}

/* Frames that were inside a handler are gone. */
void iv__channels_let_go(struct iv__shared *shared)
{
	struct iv__channel *channel;

	while (!iv_list_empty(&shared->channels)) {
		channel = iv_container_of(shared->channels.next,
					  struct iv__channel, list);
		channel->depth = 0;
		if (channel->channel != NULL)
			close_channel(channel);
		else
			release(channel);
	}
}

/* Rounds ******************************************************************/

/* Is everything that was sent handled? */
static bool is_empty(struct iv__channel *channel)
{
	uintptr_t head =
		atomic_load_explicit(&channel->head, memory_order_relaxed);

	return channel->first == NULL &&
	       (head == 0 || head == IV__CHANNEL_BUSY || channel->shut);
}

/* The message of C1. */
static void got_last(struct iv__channel *channel)
{
	/* With the exchange of a C1 that found it on its way, either way. */
	iv__hb_before(&channel->told);
	atomic_exchange_explicit(&channel->told, 0, memory_order_acq_rel);
	iv__hb_after(&channel->told);

	/* Acquire: with the release of each C1, for what came before it. */
	if (atomic_load_explicit(&channel->senders, memory_order_acquire) != 0)
		return;
	iv__hb_after(&channel->senders);
	if (is_empty(channel)) {
		if (channel->closed != NULL)
			channel->closed(channel->cookie);
		return;
	}
	/* With a C1 that was there meanwhile: either we send it, or that. */
	if (atomic_exchange_explicit(&channel->told, 1, memory_order_acq_rel) !=
	    0)
		return;
	if (!channel->shut) {
		iv__channel_push(channel, &channel->last);
	} else {
		channel->last.next_ = NULL;
		*end_of_rest(channel) = &channel->last;
	}
}

/* D3 */
static void deliver(struct iv__channel *channel)
{
	struct iv_channel_message *message = pop(channel);

	if (__builtin_expect(message == &channel->last, 0)) {
		got_last(channel);
		return;
	}
	if (channel->limit != 0)
		iv__channel_give_place(channel);
	channel->handler(channel->cookie, message);
}

/* D4; false: there are more. */
static bool become_idle(struct iv__channel *channel)
{
	uintptr_t busy = IV__CHANNEL_BUSY;

	if (channel->first != NULL)
		return false;

	/* Release: with the acquire of the next S4, for the node. */
	iv__hb_before(&channel->node);
	return atomic_compare_exchange_strong_explicit(&channel->head, &busy, 0,
						       memory_order_acq_rel,
						       memory_order_relaxed);
}

static void end_batch(struct iv__channel *channel)
{
	have_task(channel, channel->shut && channel->first != NULL);
	if (!channel->shut && !become_idle(channel))
		iv__inbox_link(channel->inbox, &channel->node, iv__watch != 0);
}

/* D4 or D5, unless a round inside a handler has done that already. */
static void end_round(struct iv__channel *channel)
{
	if (channel->channel != NULL && (channel->has_node || channel->shut)) {
		channel->has_node = false;
		end_batch(channel);
	}

	if (--channel->depth == 0 && channel->channel == NULL)
		release(channel);
}

static void run_round(struct iv__channel *channel)
{
	unsigned int left = MAX_ROUND;
	uintptr_t head;

	channel->depth++;
	iv_task_register(&channel->again);
	if (channel->first == NULL && !channel->shut)
		channel->first = take(channel, IV__CHANNEL_BUSY, &head);

	while (left-- > 0 && channel->first != NULL)
		deliver(channel);
	end_round(channel);
}

/* D1, or N1 for a channel that is closed. */
static void got_node(void *cookie)
{
	struct iv__channel *channel = cookie;

	if (atomic_load_explicit(&channel->head, memory_order_relaxed) ==
	    IV__CHANNEL_CLOSED) {
		iv__channel_put(channel);
		return;
	}

	channel->has_node = true;
	run_round(channel);
}

/* A handler runs a nested iv_main(). */
static void run_again(void *cookie)
{
	run_round(cookie);
}

/* The beginning of a channel **********************************************/

static void fill_in_node(struct iv__channel *channel)
{
	channel->node.cookie = channel;
	channel->node.handler = got_node;
	channel->node.owner_.inbox = channel->inbox;
	channel->node.tag_ = IV__NODE_TAG;

	IV_TASK_INIT(&channel->again);
	channel->again.cookie = channel;
	channel->again.handler = run_again;
}

/* The words that others know from an earlier channel are exchanged. */
static void fill_in(struct iv__channel *channel, struct iv_channel *user)
{
	channel->inbox = iv__inbox_self;
	channel->limit = user->limit;
	channel->cookie = user->cookie;
	channel->handler = user->handler;
	channel->dropped = user->dropped;
	channel->closed = user->closed;
	channel->channel = user;
	channel->first = NULL;
	channel->depth = 0;
	channel->has_node = false;
	channel->shut = false;
	INIT_IV_LIST_HEAD(&channel->wanting);
	IV_CHANNEL_MESSAGE_INIT(&channel->last);
	fill_in_node(channel);

	atomic_exchange(&channel->count, 0);
	atomic_exchange(&channel->senders, 0);
	atomic_exchange(&channel->told, 0);
	atomic_exchange(&channel->refs, 1);
	iv__hb_before(&channel->node);
	atomic_exchange(&channel->head, 0);
}

IV__PUBLIC int iv_channel_register(struct iv_channel *user)
{
	struct iv__loop *loop = iv__loop_self("iv_channel_register");
	struct iv__shared *shared;
	uint32_t place;

	if (user->channel_ != NULL)
		iv_fatal("iv_channel_register: the channel is registered "
			 "already; unregister it first, or call "
			 "IV_CHANNEL_INIT() if its loop has ended");
	if (user->handler == NULL || user->limit > INT_MAX)
		return -EINVAL;
	shared = iv__shared_get(loop);
	if (shared == NULL)
		return -errno;

	iv__lock();
	place = iv__slot_take_locked(&table);
	iv__unlock();
	if (place == 0)
		return -ENOMEM;

	user->channel_ = slot_at(place);
	user->channel_->place = place;
	fill_in(user->channel_, user);
	iv_list_add_tail(&user->channel_->list, &shared->channels);
	loop->numobjs++;

	return 0;
}

IV__PUBLIC void iv_channel_unregister(struct iv_channel *user)
{
	struct iv__channel *channel = user->channel_;

	iv__loop_self("iv_channel_unregister");
	if (channel == NULL)
		iv_fatal("iv_channel_unregister: the channel is not "
			 "registered; register it first");
	if (channel->inbox != iv__inbox_self || channel->channel != user)
		iv_fatal("iv_channel_unregister: the channel belongs to "
			 "another thread's loop, or one that has ended; make "
			 "this call in its thread");

	user->channel_ = NULL;
	close_channel(channel);
}

/* The orderly end of a loop ***********************************************/

/* A handler of the round may have unregistered it. */
static void drop_rest(struct iv__channel *channel)
{
	have_task(channel, false);
	channel->depth++;
	drop_all(channel);
	if (--channel->depth == 0 && channel->channel == NULL)
		release(channel);
}

/* One that still has something for the loop; what it calls may end others. */
static struct iv__channel *first_with_rest(struct iv__shared *shared)
{
	struct iv_list_head *lh;

	iv_list_for_each (lh, &shared->channels) {
		struct iv__channel *channel =
			iv_container_of(lh, struct iv__channel, list);

		if (channel->channel != NULL && channel->shut &&
		    channel->first != NULL)
			return channel;
	}

	return NULL;
}

void iv__channels_shut(struct iv__shared *shared, bool cancel)
{
	struct iv__channel *channel;
	struct iv_list_head *lh;

	iv_list_for_each (lh, &shared->channels) {
		channel = iv_container_of(lh, struct iv__channel, list);
		if (channel->channel == NULL || channel->shut)
			continue;
		shut(channel);
		have_task(channel, !cancel && channel->first != NULL);
	}

	while (cancel && (channel = first_with_rest(shared)) != NULL)
		drop_rest(channel);
}

void iv__channels_describe(struct iv__shared *shared,
			   struct iv__remains *remains)
{
	if (first_with_rest(shared) != NULL)
		iv__remains_add(remains, "a channel has messages to deliver");
}

/* Forks *******************************************************************/

/* A node that a sender had is linked by nobody any more. */
static void link_again(struct iv__channel *channel)
{
	uintptr_t head = atomic_load(&channel->head);

	if (channel->has_node || channel->shut || head == 0)
		return;
	iv__inbox_take_out(channel->inbox, &channel->node);
	iv__inbox_link(channel->inbox, &channel->node, iv__watch != 0);
}

void iv__channels_forked(void)
{
	struct iv__channel *channel;
	uint32_t place;

	iv__slot_table_forked(&table);
	for (place = iv__slot_table_num(&table); place > 0; place--) {
		channel = slot_at(place);
		if (atomic_load(&channel->refs) == 0) {
			channel->place = place;
			iv__channel_free(channel);
		} else if (channel->inbox != iv__inbox_self) {
			atomic_exchange(&channel->head, IV__CHANNEL_CLOSED);
			iv__channel_tell_room_locked(channel);
		} else if (channel->channel != NULL) {
			link_again(channel);
			iv__channel_tell_room_locked(channel);
		}
	}
}
