/* SPDX-License-Identifier: MIT */
/*
 * event_handle.h - posts to events that may be gone
 *
 * An event with a handle has a slot (slot_table.h), which stays when it goes.
 * Not the event is queued then, but the slot's node. A handle is the slot's
 * place and generation; what the generation is now, whether a post is on its
 * way and whether the slot is anybody's stand in one word:
 *
 *	word:   generation << 32 | LIVE | POSTED
 *
 *	poster, any thread, any signal      owner
 *
 *	H1 find the slot of the place       R1 take a slot; fill in node, inbox,
 *	H2 generation differs, or not LIVE:    event; swap word for its
 *	   nobody                              generation and LIVE
 *	H3 CAS word, setting POSTED, else   D1 node taken from the inbox: clear
 *	   H2 again; it was set: done          POSTED; LIVE: call the event's
 *	H4 P2 and P3 of inbox.h with the       handler, else give the slot back
 *	   slot's inbox and node; CLOSED:   U1 add one generation, clear LIVE
 *	   D1, nobody                       U2 was POSTED clear: give the slot
 *	H5 P4                                  back; is the node in the queue:
 *	                                       take it out, give the slot back;
 *	                                       else leave it to H4 or a D1
 *
 * Inboxes are never freed either. That of a loop that has ended is CLOSED,
 * then perhaps another loop's.
 *
 * Claims:
 *
 * - -ENOENT once unregistered: behind U1 the generation is not the handle's,
 *   and no other registration ever has that one, since a slot whose
 *   generations are used up is not taken again.
 * - No use after free. Between H3 and D1 the slot is the poster's and then the
 *   queue's: U2 gives it back only when neither holds it. So inbox and node
 *   are what R1 made them however late the poster is. Were the slot given back
 *   whenever it is unregistered, a late H4 would link a node that another
 *   post is linking.
 * - Nobody waits. H3 fails only when somebody else's step on the word has
 *   succeeded. U2 does not wait for a poster that has come to H3 and not to
 *   H4: whoever meets the node later gives the slot back. That may be the
 *   poster itself, when the inbox is closed, or the loop that has the inbox
 *   then.
 * - No lost wake-up and no lost payload: as in inbox.h, with H3 and D1 in the
 *   place of P1 and O2. H3 is a read-modify-write also when it coalesces.
 * - A poster that dies between H3 and H4, by asynchronous cancellation or in a
 *   signal handler, has posted nothing, and what coalesces into its post is
 *   lost with it; the slot is not used again. After a fork the child's own
 *   slots are freed of such posters.
 *
 * Model: stress/model/handle.pml, with a mutant for each sentence above.
 *
 * Key: c constant from R1 to U1, o owner's thread only, a atomic.
 */
#ifndef IV__EVENT_HANDLE_H
#define IV__EVENT_HANDLE_H

#include <iv_event_handle.h>
#include "inbox.h"

struct iv__event_slot {
	_Alignas(64) struct iv__slot slot; /* slot_table.h */
	_Atomic(uint64_t) word;		   /* a */
	struct iv__inbox *inbox;	   /* c */
	struct iv_event node;		   /* as a posted event has */

	_Alignas(64) struct iv_event *event; /* o */
	struct iv_list_head list;	     /* o: in inbox->slots */
	uint32_t place;			     /* c */
};

/* In an event's tag_, above its slot's place. */
#define IV__TAG_HAS_HANDLE ((uint32_t)1 << 31)

/* The slot of a registered event of this thread; NULL: it has none. */
struct iv__event_slot *iv__event_slot_of(const struct iv_event *event);

/* U1 and U2. Owner. */
void iv__event_slot_end(struct iv__event_slot *slot);

/*
 * U1 for all that a closing loop still has. Their events may be gone, and the
 * queue with them, so what is posted is lost together with its slot.
 */
void iv__event_slots_let_go(struct iv__inbox *inbox);

/* In a forked child. */
void iv__event_slots_forked(void);

#endif
