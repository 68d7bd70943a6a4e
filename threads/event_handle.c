/* SPDX-License-Identifier: MIT */
/*
 * event_handle.c - posts to events that may be gone
 *
 * The protocol, its claims and its step numbers are in event_handle.h.
 */
#include <errno.h>
#include "annotate.h"
#include "event_handle.h"
#include "lock.h"

#define POSTED ((uint64_t)1)
#define LIVE ((uint64_t)2)
#define ONE_GENERATION ((uint64_t)1 << 32)

static struct iv__slot_table table = {
	.slot_size = sizeof(struct iv__event_slot),
};

static inline struct iv__event_slot *slot_at(uint32_t place, bool watched)
{
	return iv__slot_at(&table, sizeof(struct iv__event_slot), place,
			   watched);
}

static inline struct iv__event_slot *slot_find(uint32_t place)
{
	return iv__slot_find(&table, sizeof(struct iv__event_slot), place);
}

/* D1, of a node that the caller has taken out; what word was. */
static uint64_t clear_posted(struct iv__event_slot *slot)
{
	uint64_t word;

	/*
	 * Acquire: with the release of every H3 that coalesced. Release: with
	 * the acquire of the next one, for the node.
	 */
	iv__hb_before(slot);
	word = atomic_fetch_and_explicit(&slot->word, ~POSTED,
					 memory_order_acq_rel);
	iv__hb_after(slot);

	return word;
}

static void give_back(struct iv__event_slot *slot)
{
	iv__slot_give_back(&table, slot->place);
}

/* D1. The node's handler. */
static void deliver(void *cookie)
{
	struct iv__event_slot *slot = cookie;

	if (clear_posted(slot) & LIVE)
		slot->event->handler(slot->event->cookie);
	else
		give_back(slot);
}

/* R1 */
static void
fill_in(struct iv__event_slot *slot, struct iv_event *event, uint32_t place)
{
	slot->inbox = iv__inbox_self;
	slot->event = event;
	slot->place = place;
	slot->node.cookie = slot;
	slot->node.handler = deliver;
	slot->node.owner_.inbox = slot->inbox;
	slot->node.tag_ = IV__NODE_TAG;

	/* Release: with the acquire of H3. */
	iv__hb_before(slot);
	atomic_exchange_explicit(&slot->word,
				 slot->slot.generation * ONE_GENERATION | LIVE,
				 memory_order_acq_rel);
}

struct iv__event_slot *iv__event_slot_of(const struct iv_event *event)
{
	struct iv__event_slot *slot = NULL;

	if (event->tag_ & IV__TAG_HAS_HANDLE)
		slot = slot_find(event->tag_ & ~IV__TAG_HAS_HANDLE);

	if (slot == NULL || slot->inbox != iv__inbox_self ||
	    slot->event != event)
		return NULL;

	/* Left by a loop that ended: the owner's are alive. */
	return atomic_load_explicit(&slot->word, memory_order_relaxed) & LIVE
		       ? slot
		       : NULL;
}

static struct iv__event_slot *take(struct iv_event *event)
{
	struct iv__event_slot *slot;
	uint32_t place;

	iv__lock();
	place = iv__slot_take_locked(&table);
	iv__unlock();
	if (place == 0)
		return NULL;

	slot = slot_at(place, true);
	fill_in(slot, event, place);
	iv_list_add_tail(&slot->list, &iv__inbox_self->slots);
	event->tag_ = place | IV__TAG_HAS_HANDLE;

	return slot;
}

IV__PUBLIC iv_event_handle iv_event_handle_of(struct iv_event *event)
{
	struct iv__event_slot *slot;

	iv__event_inbox(event, "iv_event_handle_of");
	slot = iv__event_slot_of(event);
	if (slot == NULL)
		slot = take(event);
	if (slot == NULL) {
		errno = ENOMEM;
		return 0;
	}

	return slot->slot.generation * ONE_GENERATION | slot->place;
}

/* U1; true: was POSTED clear? Then the slot is given back. */
static bool end(struct iv__event_slot *slot)
{
	uint64_t word;

	iv_list_del(&slot->list);

	/*
	 * U1, of a word that has LIVE. Acquire: with the release of D1,
	 * for the node. Release: with the acquire of who gives the slot back.
	 */
	iv__hb_before(slot);
	word = atomic_fetch_add_explicit(&slot->word, ONE_GENERATION - LIVE,
					 memory_order_acq_rel);
	iv__hb_after(slot);

	if ((word & POSTED) == 0)
		give_back(slot);

	return (word & POSTED) == 0;
}

void iv__event_slot_end(struct iv__event_slot *slot)
{
	struct iv__inbox *inbox = slot->inbox;

	if (!end(slot) && iv__inbox_take_out(inbox, &slot->node)) {
		clear_posted(slot);
		give_back(slot);
	}
}

void iv__event_slots_let_go(struct iv__inbox *inbox)
{
	while (!iv_list_empty(&inbox->slots))
		end(iv_container_of(inbox->slots.next, struct iv__event_slot,
				    list));
}

/* H2 and H3. False: there is nobody. *coalesced: nothing is left to do. */
static inline __attribute__((always_inline)) bool
claim(struct iv__event_slot *slot, iv_event_handle handle, bool *coalesced,
      bool watched)
{
	uint64_t live = (handle >> 32) * ONE_GENERATION | LIVE;
	uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);

	if (watched)
		iv__hb_before(slot);
	do {
		if ((word & ~POSTED) != live)
			return false;
		/*
		 * Release: with the acquire of D1, for the payload. Acquire:
		 * with the release of R1, for inbox, and of D1, for the node.
		 */
	} while (!atomic_compare_exchange_weak_explicit(
		&slot->word, &word, word | POSTED, memory_order_acq_rel,
		memory_order_relaxed));
	if (watched)
		iv__hb_after(slot);
	*coalesced = (word & POSTED) != 0;

	return true;
}

/* H4 has found @head: nobody, or somebody who sleeps. */
__attribute__((noinline, cold)) static int
end_post(struct iv__event_slot *slot, struct iv__inbox *inbox, uintptr_t head)
{
	if (head == IV__SLEEPING) {
		iv__inbox_wake(inbox, iv__watch != 0);
		return 0;
	}

	clear_posted(slot);
	give_back(slot);

	return -ENOENT;
}

/*
 * Twice in the object code, so that bare metal pays for no watch, and without
 * a frame, which a rare call would want.
 */
static inline __attribute__((always_inline)) int
post(iv_event_handle handle, bool watched)
{
	struct iv__event_slot *slot;
	struct iv__inbox *inbox;
	uintptr_t head;
	bool coalesced;

	if (!iv__slot_is_there(&table, (uint32_t)handle))
		return -ENOENT;
	slot = slot_at((uint32_t)handle, watched);
	if (!claim(slot, handle, &coalesced, watched))
		return -ENOENT;
	if (coalesced)
		return 0;

	/* H4. Behind it the slot is touched only if it was in vain. */
	inbox = slot->inbox;
	head = iv__inbox_try_link(inbox, &slot->node, true, watched);
	if (__builtin_expect(head == IV__SLEEPING || head == IV__CLOSED, 0))
		return end_post(slot, inbox, head);

	return 0;
}

__attribute__((noinline)) static int post_watched(iv_event_handle handle)
{
	return post(handle, true);
}

IV__PUBLIC int iv_event_handle_post(iv_event_handle handle)
{
	if (__builtin_expect(iv__watch != 0, 0))
		return post_watched(handle);

	return post(handle, false);
}

/* Of a poster that has come to H3 there is no trace but POSTED. */
static void forget_poster(struct iv__event_slot *slot, uint64_t word)
{
	if ((word & POSTED) && !iv__inbox_has(slot->inbox, &slot->node))
		clear_posted(slot);
}

/*
 * In a forked child, which has no other thread: only the slots of this one
 * are alive. What was on its way, perhaps linked somewhere, is not reused.
 */
void iv__event_slots_forked(void)
{
	uint32_t place;

	iv__slot_table_forked(&table);
	for (place = iv__slot_table_num(&table); place > 0; place--) {
		struct iv__event_slot *slot = slot_at(place, true);
		uint64_t word = atomic_load(&slot->word);

		/* R1, and the rest of what threads did that are not here. */
		iv__hb_after(slot);
		iv__hb_inherit(slot, sizeof(*slot));
		if ((word & LIVE) && slot->inbox == iv__inbox_self) {
			forget_poster(slot, word);
			continue;
		}
		if (word & LIVE)
			atomic_fetch_add(&slot->word, ONE_GENERATION - LIVE);
		if ((word & POSTED) == 0)
			iv__slot_give_back(&table, place);
	}
}
