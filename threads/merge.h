/* SPDX-License-Identifier: MIT */
/*
 * merge.h - posts that find their event posted already
 *
 * All that such a post has to do is to hand its payload over, and the swap at
 * P1 does that. When several threads post one event, though, its cache line
 * goes from each to the next and back for it. A thread that keeps meeting
 * others at an event therefore only looks at pending_ there, and hands its
 * payload over in a word that it has nearly to itself: its lane.
 *
 *	poster, any thread                  owner
 *
 *	M0 once: take a lane that is        C1 swap pending_ for 0 (O2 of
 *	   counted, or count it                inbox.h)
 *	M1 look: not posted: P1 of inbox.h  C2 read how many lanes are taken,
 *	M2 count the lane up                   and each of these
 *	M3 look again: not posted: P1;      C3 the handler (O3)
 *	   it is: done
 *
 * All but M1 are sequentially consistent, P1 too.
 *
 * Claims:
 *
 * - No lost post. What M3 saw is overwritten by a C1 that is still to come,
 *   and with it its C3. Were there no M3, both could be between M1 and M2.
 * - No lost payload. What M3 saw is overwritten by C1, so M3 precedes C1 in
 *   the one order of all sequentially consistent operations; M0 and M2 precede
 *   M3 in it, and C1 precedes C2. So C2 reads the poster's lane, and in it what
 *   M2 wrote or what was counted up from that: M2 synchronises with C2, and C3
 *   sees what the poster wrote before. This is C11's own order: it leans on no
 *   processor, no fence and no race. Were M2 behind M3, or C2 ahead of C1, C2
 *   could come first. Were M0 behind M3, C2 could leave the lane out.
 * - Lanes may be shared, and taken over from threads that ended. They are counted up by read-modify-writes, which go
 *   on with what others have released. Were they stored to, one poster could
 *   hide what another has handed over.
 * - The event is touched up to M3 and not behind it: as with P1, as long as
 *   the call lasts.
 *
 * Model: stress/model/merge.pml, with a mutant for each sentence above.
 *
 * Who meets others? The one that claims the event, at P1, finds out who did so
 * before: that stands in the low bits of owner_.inbox, which is the claimant's
 * alone. At an event where it has met others it claims with CROWDED, so that
 * those who only ever merge learn of it as well. That is advice: with any of
 * it lost or wrong, posts come to P1.
 *
 * A race detector that does not see our atomics is told of P1, and so every
 * post comes there.
 *
 * Key: t the thread's own, a atomic.
 */
#ifndef IV__MERGE_H
#define IV__MERGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <iv_event.h>

/* In pending_; 0: nobody has posted it. */
enum { IV__POSTED = 1, IV__CROWDED = 2 };

/* Numbers of posters; more threads than these share them. */
enum { IV__NUM_POSTERS = 63 };

struct iv__poster {
	unsigned int number;		/* t: from 1; 0: it has none yet */
	const struct iv_event *met_at;	/* t: where it met others last, */
	unsigned int num_met;		/* t: so many times in a row */
	const struct iv_event *crowded; /* t: it looks first there; or NULL */
	unsigned int num_alone;		/* t: own claims there in a row */
	unsigned int num_elsewhere;	/* t: posts to others in a row */
	atomic_uint *lane;		/* t: or NULL */
};

extern _Thread_local struct iv__poster iv__poster
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/*
 * How many threads look first, anywhere, and one more when a race detector is
 * told: 0 where nobody needs to know.
 */
extern atomic_uint iv__num_lookers __attribute__((visibility("hidden")));

/* a: that were ever taken; each by one thread until there is no other */
extern atomic_uint iv__num_lanes __attribute__((visibility("hidden")));

/* Is the thread to look first here? */
bool iv__merge_looks_first(const struct iv_event *event);

/* M1 to M3, by a thread that is. Done? */
bool iv__merge_by_look(struct iv_event *event);

/* P1 has found CROWDED. */
void iv__merge_found_crowded(const struct iv_event *event);

/* For iv__merge_claimed(): somebody else had it, or nobody. */
void iv__merge_met(struct iv_event *event, unsigned int last);

/* For iv__merge_claimed(): the thread had it before, and looks first there. */
void iv__merge_alone(void);

/* P1 has found nobody; @last: the number that stands in owner_. */
static inline void
iv__merge_claimed(struct iv_event *event, unsigned int last, bool looks_first)
{
	if (last == 0 || last != iv__poster.number)
		iv__merge_met(event, last);
	else if (looks_first)
		iv__merge_alone();
}

void iv__merge_read_lanes(void);

/* C2 */
static inline void iv__merge_collect(void)
{
	if (atomic_load(&iv__num_lanes) > 0)
		iv__merge_read_lanes();
}

/* In a forked child, which has no other thread. */
void iv__merge_forked(void);

#endif
