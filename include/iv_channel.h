/* SPDX-License-Identifier: MIT */
/*
 * iv_channel.h - send messages to another thread's loop
 *
 * A channel belongs to the loop that receives. Any number of senders, each
 * with an end of its own, put messages into it; each message is delivered
 * exactly once, those of one sender in the order in which it sent them. A
 * message is a member of the sender's own structure: nothing is copied and
 * nothing allocated.
 */
#ifndef IV_CHANNEL_H
#define IV_CHANNEL_H

#include <stddef.h>
#include <iv_event_handle.h>
#include <iv_list.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What is sent: a member of the user's structure, which iv_container_of()
 * finds. Between a send that returned 0 and the call of handler or dropped the
 * channel has it; then it is the receiver's, to send on, reuse or free.
 */
struct iv_channel_message {
	/* The library's own. */
	struct iv_channel_message *next_;
	void *channel_;
};

/* Once, before its first send. Any thread. */
static inline void IV_CHANNEL_MESSAGE_INIT(struct iv_channel_message *message)
{
	message->next_ = NULL;
	message->channel_ = NULL;
}

/*
 * The receiver's end. All members are read when it is registered.
 *
 * @handler: gets the messages.
 * @dropped: gets those that nobody will handle, when the channel or its loop
 *           ends; NULL: they are forgotten.
 * @closed:  called when the last sender has been closed and everything that
 *           was sent has been handled, again whenever that comes true again;
 *           not for a sender that is closed once the channel is, by its loop's
 *           end (iv_loop_end()) for instance; NULL: not told.
 * @limit:   how many messages may wait for their handler; 0: no limit.
 */
struct iv_channel {
	void *cookie;
	void (*handler)(void *cookie, struct iv_channel_message *message);
	void (*dropped)(void *cookie, struct iv_channel_message *message);
	void (*closed)(void *cookie);
	unsigned int limit;

	/* The library's own. */
	struct iv__channel *channel_;
};

/* A sender's end, of one channel. */
struct iv_channel_sender {
	/* The library's own. */
	struct iv__channel *channel_;
	struct iv_list_head list_;
	iv_event_handle room_;
};

static inline void IV_CHANNEL_INIT(struct iv_channel *channel)
{
	channel->cookie = NULL;
	channel->handler = NULL;
	channel->dropped = NULL;
	channel->closed = NULL;
	channel->limit = 0;
	channel->channel_ = NULL;
}

static inline void IV_CHANNEL_SENDER_INIT(struct iv_channel_sender *sender)
{
	sender->channel_ = NULL;
	INIT_IV_LIST_HEAD(&sender->list_);
	sender->room_ = 0;
}

/*
 * iv_channel_register - open a channel to the calling thread's loop
 * @channel: initialised, with a handler, not registered; the caller's memory
 *
 * Returns 0, or -EINVAL (no handler; a limit above INT_MAX), -EMFILE, -ENFILE,
 * -ENOSPC (the user watches as much as epoll allows) or -ENOMEM; then nothing
 * is registered. A registered channel keeps its loop alive.
 *
 * Handlers are called on this thread, for up to 256 messages, and no more than
 * were there when the first is called; then the loop goes on, and looks at its
 * descriptors at least every 50 microseconds of this. A handler may do
 * anything: send to its own channel (delivered in a later batch), unregister
 * it, free it, run a nested iv_main().
 *
 * Errors:  registered already: iv_fatal().
 * Threads: one that called iv_init().
 * Signals: unsafe in a signal handler.
 */
int iv_channel_register(struct iv_channel *channel);

/*
 * iv_channel_unregister - close a channel from the receiver's side
 * @channel: registered; its memory may be freed when this returns
 *
 * From now on sends are refused with -EPIPE. What was not delivered is handed
 * to dropped, in order, before this returns; senders that want room are told.
 * The senders have to be closed all the same, whenever they like.
 *
 * iv_deinit() and the end of the thread do the same for each channel that is
 * still registered. They do not touch its memory, so IV_CHANNEL_INIT() it
 * before it is registered again.
 *
 * Errors:  not registered: iv_fatal().
 * Threads: the one that registered it, else iv_fatal().
 * Signals: unsafe in a signal handler.
 */
void iv_channel_unregister(struct iv_channel *channel);

/*
 * iv_channel_sender_open - a new sender of a registered channel
 * @sender: initialised or closed; the caller's memory, until it is closed
 * @channel: registered, which the caller sees to until this returns
 *
 * Errors:  open already, channel not registered: iv_fatal().
 * Threads: any, with a loop or without. The sender may be used by any thread,
 *          and by several at once for sending.
 * Signals: unsafe in a signal handler.
 */
void iv_channel_sender_open(struct iv_channel_sender *sender,
			    struct iv_channel *channel);

/*
 * iv_channel_sender_clone - one more sender of the channel of another sender
 * @to: initialised or closed
 * @from: open; its channel may have been unregistered
 *
 * Errors:  @to is open already, @from is not: iv_fatal().
 * Threads: any.
 * Signals: unsafe in a signal handler.
 */
void iv_channel_sender_clone(struct iv_channel_sender *to,
			     struct iv_channel_sender *from);

/*
 * iv_channel_sender_close - be done with sending
 * @sender: open, no longer used; its memory may be freed then
 *
 * What it sent is delivered all the same. Takes back a wish for room. The
 * handler of its last message may do this, while the thread that has sent that
 * is still inside iv_channel_send().
 *
 * Errors:  not open: iv_fatal().
 * Threads: any.
 * Signals: unsafe in a signal handler.
 */
void iv_channel_sender_close(struct iv_channel_sender *sender);

/*
 * iv_channel_send - hand a message over
 * @sender: open
 * @message: initialised, in no channel
 *
 * Returns 0: it will be given to handler, or to dropped, exactly once, and may
 * have been already. -EPIPE: the channel is closed for ever. -EAGAIN: its limit
 * was reached at this moment. With either the message is still the caller's.
 *
 * A place under the limit is taken by a send and free again when the handler
 * of the message starts: there are never more messages between the two.
 *
 * What was written before the send is seen by the handler. Takes no lock and
 * never waits; makes a system call only when the receiver sleeps. A thread that
 * is cancelled finishes its send first.
 *
 * Errors:  sender not open, message in a channel already: iv_fatal().
 * Threads: any, with a loop or without, several at once.
 * Signals: safe in a signal handler; keeps errno.
 */
int iv_channel_send(struct iv_channel_sender *sender,
		    struct iv_channel_message *message);

/*
 * iv_channel_sender_want_room - be told when it is worth trying again
 * @sender: open
 * @event: of whom to tell, as iv_event_handle_of() names it
 *
 * Returns 0: the event is posted once, as soon as the channel has a free place
 * or closes; at once when it has one now. Another sender may take that place
 * first: send, and ask again after -EAGAIN. Asking twice replaces the event.
 * -EPIPE: the channel is closed for ever, and nothing will be posted.
 *
 * Errors:  sender not open: iv_fatal(). An @event that is gone, or 0, is posted
 *          in vain.
 * Threads: any; one at a time for one sender.
 * Signals: unsafe in a signal handler.
 */
int iv_channel_sender_want_room(struct iv_channel_sender *sender,
				iv_event_handle event);

#ifdef __cplusplus
}
#endif

#endif
