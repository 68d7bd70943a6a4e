/* SPDX-License-Identifier: MIT */
/*
 * channel.h - messages from many threads to one loop
 *
 * What senders and receiver share has a slot (slot_table.h), which stays when
 * the channel goes. Two of its words carry the messages: head, and next_ of
 * each message.
 *
 *	head:   NULL       idle: nothing sent, nobody will come
 *	        BUSY       nothing sent, the receiver will look again
 *	        a message  sent ones, the latest first, chained by next_
 *	        CLOSED     no channel any more
 *
 * The receiver is called by a node in its inbox (inbox.h). The node belongs to
 * whoever made head something else than NULL, until the receiver gets it from
 * the inbox; then to the receiver, until that makes head NULL again.
 *
 *	sender, any thread, any signal      receiver
 *
 *	S1 under a limit: count up, unless  D1 got the node
 *	   it is reached                    D2 swap head for BUSY, unless a rest
 *	S2 head is CLOSED: count down,         of an earlier round is left
 *	   -EPIPE                           D3 for up to 256: count down, then
 *	S3 next_ = head, or NULL for BUSY      call the handler
 *	S4 CAS head from that to the        D4 none is left: CAS head from BUSY
 *	   message, else S2 again              to NULL; done
 *	S5 was head NULL: P2 to P4 of       D5 else link the node
 *	   inbox.h with the node
 *	                                    U1 swap head for CLOSED
 *	open, clone: refs and senders + 1   U2 drop the rest and what head had
 *	close:                              U3 node neither ours nor idle: take
 *	C1 senders - 1; was it the last:       it out of the inbox; not there:
 *	   S2 to S5 with the channel's own     refs + 1, for the node
 *	   message                          U4 refs - 1
 *	C2 refs - 1
 *	                                    N1 a node of a closed channel comes,
 *	   who makes refs 0: slot back         or finds the inbox closed at S5:
 *	                                       refs - 1
 *
 * Claims:
 *
 * - Exactly once, in order. Messages leave head by D2 and U1 only, which are
 *   exchanges, and come by S4, which fails when they were beside it. Were U1 a
 *   load and a store, a message between them would be lost.
 * - No lost wake-up. D4 is a compare-and-swap: a message that came since D2
 *   makes it fail, and D5 brings the receiver back. Were D4 a store, it
 *   would wipe that message out; were it done without a look, nobody would
 *   come for it.
 * - The node is linked once at a time. Only S4 from NULL leads to S5, and head
 *   is not NULL again before D4. Were D2 to leave NULL, a sender could link
 *   the node that D5 is linking.
 * - No use after free. A sender's own reference covers S2 to S4. The
 *   handler of its message may drop that one; but who is to do S5 has the
 *   node, so the receiver comes only when it is linked, and behind the
 *   link S5 touches nothing but the inbox, which inbox.h allows. Behind
 *   U1 the node may still be with a sender between S4 and S5, or in the
 *   inbox where that one has put it meanwhile: U3 leaves it a reference,
 *   which N1 drops. Without it the slot could be another channel's, its
 *   node linked twice.
 * - Nobody waits for the other side: U3 does not wait for S5. Such a sender
 *   costs its slot if it never gets there, as in a forked child.
 * - closed is called with no sender open and nothing undelivered: C1's message
 *   comes behind those of all closed senders. D3 finds out whether it is true
 *   (senders = 0, no rest, head BUSY), else it sends it once more, unless
 *   there are senders again: then their C1 does.
 * - The limit is never exceeded, and -EAGAIN is never wrong: S1 is a
 *   compare-and-swap of the count. Not an addition that is taken back, which
 *   would refuse others meanwhile.
 * - No lost word of room. Bit WANTED is in the word of the count. Its setting
 *   and the countdown of D3 are read-modify-writes, so one comes first:
 *   either D3 sees the bit, or who sets it sees the place. Without that
 *   second look a full channel that was emptied just now would tell nobody.
 *
 * The end of a loop (loop_end.h) does U1 and U3 alone: nothing comes in any
 * more, and what is left is delivered by a task, batch by batch. U2 and U4
 * follow when the channel is unregistered, or with the loop.
 *
 * A handler may run a nested iv_main() that waits for more messages: while the
 * receiver has the node, a task brings it back in there.
 *
 * Model: stress/model/channel.pml, with a mutant for each sentence above.
 *
 * Key: c constant from registering to the last reference, o receiver's thread
 * only, a atomic, m under iv__lock().
 */
#ifndef IV__CHANNEL_H
#define IV__CHANNEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <iv_channel.h>
#include "inbox.h"
#include "shared.h"
#include "slot_table.h"

struct iv__channel {
	_Alignas(64) struct iv__slot slot; /* slot_table.h */
	struct iv__inbox *inbox;	   /* c */
	unsigned int limit;		   /* c */
	uint32_t place;			   /* c */
	struct iv_event node;		   /* as a posted event has */
	struct iv_list_head wanting;	   /* m: senders that want room */

	_Alignas(64) _Atomic(uintptr_t) head; /* a */
	atomic_uint count;   /* a: sent, not handled; WANTED. 0 without limit */
	atomic_uint senders; /* a: open */
	atomic_uint refs;    /* a: senders, receiver, perhaps node */
	atomic_uint told;    /* a: is last on its way? */
	struct iv_channel_message last; /* C1 */

	_Alignas(64) struct iv_channel_message *first; /* o: the rest */
	struct iv_channel *channel;		       /* o: NULL behind U1 */
	struct iv_list_head list; /* o: in shared->channels */
	struct iv_task again;	  /* o: for a nested iv_main() */
	unsigned int depth;	  /* o: rounds inside each other */
	bool has_node;		  /* o: between D1 and D4 or D5 */
	bool shut;		  /* o: U1 has been */

	/* c: what the user wants called */
	void *cookie;
	void (*handler)(void *cookie, struct iv_channel_message *message);
	void (*dropped)(void *cookie, struct iv_channel_message *message);
	void (*closed)(void *cookie);
};

/* In head; not the address of a message, for these are aligned. */
#define IV__CHANNEL_BUSY ((uintptr_t)1)
#define IV__CHANNEL_CLOSED ((uintptr_t)2)

/* In count, above the number. */
#define IV__CHANNEL_WANTED ((unsigned int)1 << 31)

/* channel_send.c */

/* S2 to S5, with S1 done. 0 or -EPIPE. */
int iv__channel_push(struct iv__channel *channel,
		     struct iv_channel_message *message);

/* A reference, up and down. */
void iv__channel_get(struct iv__channel *channel);
void iv__channel_put(struct iv__channel *channel);

/* D3's count down; tells those who want room. */
void iv__channel_give_place(struct iv__channel *channel);

/* Tell all who want room. */
void iv__channel_tell_room(struct iv__channel *channel);
void iv__channel_tell_room_locked(struct iv__channel *channel);

/* channel.c */

/* refs is 0: nobody knows the slot any more. */
void iv__channel_free(struct iv__channel *channel);

/*
 * In a forked child, with the lock held: channels of other threads are closed,
 * and a sender that is not there any more may have left a node unlinked.
 */
void iv__channels_forked(void);

#endif
