/* SPDX-License-Identifier: MIT */
/*
 * event.c - call a function on another thread's loop
 *
 * The public face of an inbox; the protocol is in inbox.h.
 */
#include <errno.h>
#include "annotate.h"
#include "event_handle.h"
#include "merge.h"
#include "shared.h"

IV__PUBLIC int iv_event_register(struct iv_event *event)
{
	struct iv__loop *loop = iv__loop_self("iv_event_register");
	struct iv__shared *shared = iv__shared_get(loop);

	if (shared == NULL)
		return -1;

	event->owner_.inbox = shared->inbox;
	event->next_ = NULL;
	event->tag_ = loop->tag;
	atomic_exchange_explicit(iv__event_pending(event), 0,
				 memory_order_relaxed);
	shared->inbox->num_events++;
	loop->numobjs++;

	return 0;
}

static bool is_ours(const struct iv_event *event)
{
	const struct iv__inbox *inbox = iv__inbox_self;

	return inbox != NULL && (event->tag_ == inbox->loop->tag ||
				 iv__event_slot_of(event) != NULL);
}

struct iv__inbox *
iv__event_inbox(const struct iv_event *event, const char *call)
{
	iv__loop_self(call);
	if (event->tag_ == 0)
		iv_fatal("%s: the event is not registered; register it first",
			 call);
	if (!is_ours(event))
		iv_fatal("%s: the event belongs to another thread's loop; "
			 "make this call there",
			 call);

	return iv__inbox_self;
}

IV__PUBLIC void iv_event_unregister(struct iv_event *event)
{
	struct iv__inbox *inbox;

	inbox = iv__event_inbox(event, "iv_event_unregister");
	if (iv__event_is_posted(event))
		iv__inbox_cancel(inbox, event);
	if (event->tag_ & IV__TAG_HAS_HANDLE)
		iv__event_slot_end(iv__event_slot_of(event));

	/*
	 * A post that begins later finds no owner. Release: with the acquire
	 * of its P1. Acquire: with the release of those that are dropped here,
	 * whose posters may not touch what the caller is about to free.
	 */
	event->owner_.inbox = NULL;
	event->tag_ = 0;
	iv__hb_before(event);
	atomic_exchange_explicit(iv__event_pending(event), 0,
				 memory_order_acq_rel);
	iv__hb_after(event);
	iv__hb_forget(event);
	iv__hb_forget(&event->next_);
	inbox->num_events--;
	inbox->loop->numobjs--;
}

/* P1 has found nobody: until P3 nobody else changes owner_. */
static inline struct iv__inbox *owner_of(const struct iv_event *event)
{
	struct iv__inbox *inbox = iv__event_owner(event);

	if (__builtin_expect(inbox == NULL, 0))
		iv_fatal("iv_event_post: the event is not registered; have its "
			 "owner call iv_event_register() first");

	return inbox;
}

/*
 * P1; what pending_ was. Release: with the acquire of O2, for the payload.
 * Acquire: with the release of the O2 before, for next_ and owner_.
 * Sequentially consistent: what it writes, M3 of merge.h reads.
 */
static inline unsigned int claim(struct iv_event *event, unsigned int as)
{
	return atomic_exchange(iv__event_pending(event), as);
}

/* The event's inbox, or NULL when it has been posted already. */
static struct iv__inbox *claim_told(struct iv_event *event)
{
	iv__hb_before(event);
	if (claim(event, IV__POSTED) != 0)
		return NULL;
	iv__hb_after(event);

	return owner_of(event);
}

static void post_told(struct iv_event *event)
{
	struct iv__inbox *inbox = claim_told(event);

	if (inbox != NULL)
		iv__inbox_push(inbox, event, true);
}

/* P1 has found @was, which is not POSTED. */
__attribute__((noinline)) static void
post_claimed(struct iv_event *event, unsigned int was, bool looks_first)
{
	struct iv__inbox *inbox;

	if (was == IV__CROWDED) {
		iv__merge_found_crowded(event);
		return;
	}

	inbox = owner_of(event);
	iv__merge_claimed(event, iv__event_claimant(event), looks_first);
	iv__inbox_push(inbox, event, IV__IS_INSTRUMENTED);
}

__attribute__((noinline)) static void post_with_a_look(struct iv_event *event)
{
	bool looks_first = iv__merge_looks_first(event);
	unsigned int was;

	if (iv__is_told()) {
		post_told(event);
		return;
	}
	if (looks_first && iv__merge_by_look(event))
		return;

	was = claim(event, looks_first ? IV__CROWDED : IV__POSTED);
	if (was != IV__POSTED)
		post_claimed(event, was, looks_first);
}

/*
 * A function without a frame, and aligned: most posts merge, and a cycle shows
 * in them.
 */
__attribute__((aligned(64))) IV__PUBLIC void
iv_event_post(struct iv_event *event)
{
	unsigned int was;

	if (__builtin_expect(atomic_load_explicit(&iv__num_lookers,
						  memory_order_relaxed) != 0,
			     0)) {
		post_with_a_look(event);
		return;
	}

	was = claim(event, IV__POSTED);
	if (__builtin_expect(was != IV__POSTED, 0))
		post_claimed(event, was, false);
}

/*
 * The owner, when it is the thread that was interrupted and is awake, needs
 * no task to be told, which could not be registered here: O4 fails.
 */
void iv__event_post_in_signal(struct iv_event *event)
{
	struct iv__inbox *inbox = claim_told(event);

	if (inbox != NULL && iv__inbox_link(inbox, event, true) == IV__SLEEPING)
		iv__inbox_wake(inbox, true);
}
