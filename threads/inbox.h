/* SPDX-License-Identifier: MIT */
/*
 * inbox.h - the events posted to one loop, and waking it
 *
 * Few words carry everything: a loop's inbox->head, and of each event
 * pending_, owner_ and next_.
 *
 *	head:   NULL       nothing posted, the owner is awake
 *	        an event   posted ones, the latest first, chained by next_
 *	        SLEEPING   nothing posted, the owner sleeps or is about to
 *	        CLOSED     nobody's inbox
 *
 *	owner_: the inbox, and who posted it last (merge.h); while the event is
 *	        in the owner's queue, where no poster looks at it, perhaps the
 *	        event before it
 *
 *	poster, any thread                  owner
 *
 *	P1 swap pending_ for POSTED; was    O1 take the chain, leaving NULL, and
 *	   it posted: done, coalesced          append it to the queue in order
 *	P2 next_ = head of owner_           O2 for each: swap pending_ for 0,
 *	P3 CAS head from that to the        O3    then call the handler
 *	   event, else P2 again             O4 about to block: CAS head from NULL
 *	P4 was head SLEEPING: write to         to SLEEPING; fails: do not block
 *	   the owner's waker                O5 wait
 *	                                    O6 CAS head from SLEEPING to NULL;
 *	                                       fails: one more wake is owed to us
 *	                                    O7 while a wake is owed: no O4 and
 *	                                       O6; with head NULL, O5 at once
 *
 * Claims:
 *
 * - No lost wake-up. P3 and O4 are read-modify-writes of one word, so one
 *   comes first: P3 first makes O4 fail, O4 first makes P3 see SLEEPING.
 *   Were O4 a store, it would wipe out a chain pushed since O1.
 * - No lost payload. P1 is a read-modify-write even when it coalesces: it
 *   precedes the O2 that it coalesces into in the order of pending_, so what
 *   was written before P1 is seen at O3. Were P1 a load with the set behind
 *   it, the payload could still be in the poster's store buffer at O3. Were O2
 *   behind O3, a post made during the handler would be forgotten.
 * - No use after free. Behind P3 the event is not touched: its handler may
 *   already have freed it. Behind P4's write nothing is touched at all. Who
 *   takes SLEEPING away owes exactly one write, and O6 counts such debts, so
 *   before the waker and the inbox go away the owner waits until as many
 *   wakes have arrived (iv__inbox_close()). No lock, no reference count, no
 *   grace period; a post that found the owner awake owes nothing.
 * - One debt at most. Its wake is about to come and will end any wait, so the
 *   owner sleeps on that (O7) instead of letting SLEEPING be taken once more.
 *   A waker therefore need not be able to tell two wakes from one. Were O7
 *   done with nothing owed, nobody would end that wait.
 * - Between P1 and P3 the event is claimed but not in the chain yet.
 *   Unregistering it then waits for P3: the program has to order a post that
 *   triggers no handler before the end of its event, but if it does not, the
 *   poster never touches freed memory because of us.
 * - Fairness. One drain handles what was there when it began. Posts made
 *   meanwhile wait until the loop has looked at its descriptors.
 *
 * Model: stress/model/inbox.pml, with a mutant for each sentence above.
 *
 * Key: c constant once the inbox is known, o owner's thread only, a atomic.
 */
#ifndef IV__INBOX_H
#define IV__INBOX_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <iv.h>
#include <iv_event.h>
#include "../runtime/loop.h"
#include "annotate.h"
#include "backoff.h"
#include "slot_table.h"

struct iv__inbox {
	/* The posters' line. */
	_Alignas(64) struct iv__slot slot;   /* slot_table.h */
	_Atomic(uintptr_t) head;	     /* a */
	const struct iv__wake_way *wake_way; /* c, but for a fork */
	int wake_fd;			     /* c, but for a fork */

	_Alignas(64) struct iv__loop *loop; /* c */

	uint64_t wakes_owed;  /* o: since the waker was opened */
	bool asleep;	      /* o: between O4 and O6 */
	struct iv_task drain; /* o: posts by the owner */

	/*
	 * The queue, first to last by next_ as they come. Only a cancel needs
	 * to go back: then owner_.prev is set in those that have none yet.
	 */
	struct iv_list_head slots; /* o: of events that have a handle */
	unsigned long num_events;  /* o: registered */
	uint32_t place;		   /* c */

	struct iv_event *first;	 /* o: NULL when it is empty */
	struct iv_event *last;	 /* o: unless it is empty */
	struct iv_event *linked; /* o: the last that has owner_.prev, or NULL */
	struct iv_event *stop;	 /* o: the last of this drain, or NULL */
};

/* In head; not the address of an event, for these are aligned. */
#define IV__SLEEPING ((uintptr_t)1)
#define IV__CLOSED ((uintptr_t)2)

/*
 * Among the events of users stand nodes of our own in the shape of an event.
 * They have this in tag_, and their handler does O2 itself.
 */
#define IV__NODE_TAG UINT32_MAX

/* The calling thread's inbox, or NULL. */
extern _Thread_local struct iv__inbox *iv__inbox_self
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/*
 * One for the calling thread's loop, and back again when that closes. The
 * memory is never freed: posts by handle may come as late as they like.
 */
struct iv__inbox *iv__inbox_take(void);
void iv__inbox_give_back(struct iv__inbox *inbox);

void iv__inbox_open(struct iv__inbox *inbox, struct iv__loop *loop);

/* In a forked child, where the waker is a new one: nobody owes us any more. */
void iv__inbox_reopened(struct iv__inbox *inbox);

/* In a forked child: nobody is behind the inboxes of other threads. */
void iv__inboxes_forked(void);

/*
 * Let nothing more in, and wait for the wakes that are owed, so that the waker
 * may be closed.
 */
void iv__inbox_close(struct iv__inbox *inbox);

/* P4, and its like for an event that the owner has posted itself. */
void iv__inbox_wake(struct iv__inbox *inbox, bool watched);
void iv__inbox_drain_later(struct iv__inbox *inbox);

/*
 * P2 and P3, for an event that the caller has claimed; what head was. CLOSED,
 * for those that may come late: it is not linked. Any thread, also in a signal
 * handler. Inline, and with @watched (is a race detector to be told?) settled
 * by the caller, so that a post is one function without a frame.
 */
static inline uintptr_t
iv__inbox_try_link(struct iv__inbox *inbox, struct iv_event *event,
		   bool may_be_late, bool watched)
{
	iv__backoff backoff = 0;
	uintptr_t head;

	for (;;) {
		head = atomic_load_explicit(&inbox->head, memory_order_relaxed);
		if (may_be_late && head == IV__CLOSED)
			return head;
		event->next_ = head == IV__SLEEPING ? NULL
						    : (struct iv_event *)head;
		if (watched)
			iv__hb_before(&event->next_);
		/* Release: with the acquire of O1; acquire: of O4. */
		if (atomic_compare_exchange_weak_explicit(
			    &inbox->head, &head, (uintptr_t)event,
			    memory_order_acq_rel, memory_order_relaxed))
			break;
		iv__backoff_wait(&backoff);
	}

	return head;
}

static inline uintptr_t
iv__inbox_link(struct iv__inbox *inbox, struct iv_event *event, bool watched)
{
	return iv__inbox_try_link(inbox, event, false, watched);
}

/* P2 to P4. Any thread, but not in a signal handler. */
static inline void
iv__inbox_push(struct iv__inbox *inbox, struct iv_event *event, bool watched)
{
	if (iv__inbox_link(inbox, event, watched) == IV__SLEEPING)
		iv__inbox_wake(inbox, watched);
	else if (inbox == iv__inbox_self)
		iv__inbox_drain_later(inbox);
}

/* Is an event or a node in the queue: has its P3 been there? Owner. */
bool iv__inbox_has(struct iv__inbox *inbox, const struct iv_event *event);

/* Take it out, if so. Owner. */
bool iv__inbox_take_out(struct iv__inbox *inbox, struct iv_event *event);

/* The same for a claimed event, after its P3; no handler is called. Owner. */
void iv__inbox_cancel(struct iv__inbox *inbox, struct iv_event *event);

/* O4, O6 and O1 to O3. Owner. */
bool iv__inbox_before_sleep(struct iv__inbox *inbox);
void iv__inbox_after_sleep(struct iv__inbox *inbox);
void iv__inbox_dispatch(struct iv__inbox *inbox);

/* Would O1 find anything? Owner. */
static inline bool iv__inbox_has_posts(struct iv__inbox *inbox)
{
	return atomic_load_explicit(&inbox->head, memory_order_relaxed) != 0;
}

static inline atomic_uint *iv__event_pending(struct iv_event *event)
{
	return (atomic_uint *)&event->pending_;
}

/*
 * owner_, unless the event is in the queue: the inbox, NULL when the event is
 * not registered, and below it the number of who claimed it last (merge.h), or
 * 0. An owner that looks for an event in the queue may meet its claimant here,
 * hence the atomics. Relaxed: the inbox is the same whoever comes first.
 */
#define IV__CLAIMANT ((uintptr_t)63)

static_assert(_Alignof(struct iv__inbox) > IV__CLAIMANT,
	      "a number finds room below an inbox's address");

static inline _Atomic(struct iv__inbox *) *
iv__event_owner_word(const struct iv_event *event)
{
	return (_Atomic(struct iv__inbox *) *)&event->owner_.inbox;
}

static inline uintptr_t iv__event_owner_bits(const struct iv_event *event)
{
	return (uintptr_t)atomic_load_explicit(iv__event_owner_word(event),
					       memory_order_relaxed);
}

static inline struct iv__inbox *iv__event_owner(const struct iv_event *event)
{
	return (struct iv__inbox *)(iv__event_owner_bits(event) &
				    ~IV__CLAIMANT);
}

static inline unsigned int iv__event_claimant(const struct iv_event *event)
{
	return iv__event_owner_bits(event) & IV__CLAIMANT;
}

static inline void
iv__event_set_claimant(struct iv_event *event, unsigned int number)
{
	uintptr_t owner = (uintptr_t)iv__event_owner(event);

	atomic_store_explicit(iv__event_owner_word(event),
			      (struct iv__inbox *)(owner | number),
			      memory_order_relaxed);
}

/* Has a post come to P1 that has not been handled? */
static inline bool iv__event_is_posted(struct iv_event *event)
{
	return atomic_load_explicit(iv__event_pending(event),
				    memory_order_relaxed) != 0;
}

/*
 * event.c: iv_event_post() for a signal handler, on any thread, whose caller
 * keeps the event registered meanwhile.
 */
void iv__event_post_in_signal(struct iv_event *event);

/*
 * event.c: the inbox of a registered event, which must be the calling
 * thread's; iv_fatal() in the name of @call if it is not.
 */
struct iv__inbox *
iv__event_inbox(const struct iv_event *event, const char *call);

#endif
