/* SPDX-License-Identifier: MIT */
/*
 * event.c - call a function on another thread's loop
 *
 * The public face of an inbox; the protocol is in inbox.h.
 */
#include <errno.h>
#include "annotate.h"
#include "shared.h"

IV__PUBLIC int iv_event_register(struct iv_event *event)
{
	struct iv__loop *loop = iv__loop_self("iv_event_register");
	struct iv__shared *shared = iv__shared_get(loop);

	if (shared == NULL)
		return -1;

	event->next_ = NULL;
	event->prev_ = NULL;
	atomic_exchange_explicit(iv__event_owner(event),
				 (uintptr_t)&shared->inbox,
				 memory_order_relaxed);
	loop->numobjs++;

	return 0;
}

IV__PUBLIC void iv_event_unregister(struct iv_event *event)
{
	struct iv__inbox *inbox = iv__inbox_self;
	uintptr_t owner;

	owner = atomic_load_explicit(iv__event_owner(event),
				     memory_order_relaxed);
	iv__loop_self("iv_event_unregister");
	if ((owner & ~(uintptr_t)IV__EVENT_PENDING) == 0)
		iv_fatal("iv_event_unregister: the event is not registered; "
			 "register it first");
	if ((owner & ~(uintptr_t)IV__EVENT_PENDING) != (uintptr_t)inbox)
		iv_fatal("iv_event_unregister: the event belongs to another "
			 "thread's loop; make this call there");

	if (owner & IV__EVENT_PENDING)
		iv__inbox_cancel(inbox, event);

	iv__hb_before(event);
	atomic_exchange_explicit(iv__event_owner(event), 0,
				 memory_order_acq_rel);
	iv__hb_after(event);
	iv__hb_forget(event);
	iv__hb_forget(&event->next_);
	inbox->loop->numobjs--;
}

IV__PUBLIC void iv_event_post(struct iv_event *event)
{
	_Atomic(uintptr_t) *word = iv__event_owner(event);
	uintptr_t owner;

	/*
	 * P1. Release: with the acquire of O2, for the payload. Acquire: with
	 * the release of the O2 before, for next_.
	 */
	iv__hb_before(event);
	if (atomic_fetch_or_explicit(word, IV__EVENT_PENDING,
				     memory_order_acq_rel) &
	    IV__EVENT_PENDING)
		return;
	iv__hb_after(event);

	/* Claimed: until P3 nobody else changes it. */
	owner = atomic_load_explicit(word, memory_order_relaxed);
	owner &= ~(uintptr_t)IV__EVENT_PENDING;
	if (__builtin_expect(owner == 0, 0))
		iv_fatal("iv_event_post: the event is not registered; have its "
			 "owner call iv_event_register() first");

	iv__inbox_push((struct iv__inbox *)owner, event);
}
