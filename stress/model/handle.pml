/* SPDX-License-Identifier: MIT */
/*
 * handle.pml - the protocol of threads/event_handle.h, step by step
 *
 * One slot, one inbox, and two loops that have them one behind the other.
 * Posters hold the handle of the first registration, or one that somebody
 * made up for the second. Each writes its bit of a payload and posts once. The
 * first owner either stays until all payloads were seen (STAY) or unregisters
 * whenever it likes; then it closes, and the second one takes what is free.
 *
 * A payload is a plain store: it waits in a buffer until the poster's next
 * read-modify-write, or until memory feels like it. All other words are read
 * and written by single steps.
 *
 * Verified: every process comes to its end; the node is linked once at a time;
 * the slot is used by nobody while it is free, is not given back twice, and is
 * free in the end; a wake is written to an open waker; no handler is called
 * for an event that is not registered.
 *
 * -DMUTANT_X breaks one sentence of event_handle.h's claims; each must fail.
 */
#ifndef POSTERS
#define POSTERS 3
#endif
#define ALL_BITS ((1 << POSTERS) - 1)

mtype = { NONE, NODE, SLEEPING, CLOSED };

/* The slot's word, and what is true of the slot. */
byte generation;
bool live, posted;
bool free = true;
bool linked;			/* the node is in the inbox or the queue */

/* The inbox. */
mtype head = CLOSED;
bool open;			/* its waker is */
byte written, noticed;

byte payload, buffered[POSTERS];
byte posters_left = POSTERS;

inline flush(p)
{
	payload = payload | buffered[p];
	buffered[p] = 0
}

inline give_back()
{
	atomic { assert(!free && !live && !posted); free = true }
}

/* H2 to H5 with a handle of generation g. */
proctype poster(byte me; byte g)
{
	byte seen_generation;
	bool seen_live, seen_posted;
	mtype h;

	buffered[me] = 1 << me;
claim:	atomic {
		seen_generation = generation;
		seen_live = live;
		seen_posted = posted
	}
	if
#ifdef MUTANT_NO_LIVE
	:: seen_generation != g -> goto nobody
#else
	:: seen_generation != g || !seen_live -> goto nobody
#endif
#ifdef MUTANT_H3_LOAD
	:: seen_posted && seen_generation == g && seen_live -> goto done
#endif
	:: else -> skip
	fi;
	atomic {			/* H3 */
		if
#ifdef MUTANT_H3_BLIND
		:: true -> flush(me); seen_posted = posted; posted = true
#else
		:: generation == seen_generation && live == seen_live &&
		   posted == seen_posted -> flush(me); posted = true
		:: else -> goto claim
#endif
		fi
	}
	if
	:: seen_posted -> goto done
	:: else -> skip
	fi;

	do				/* H4 */
	:: atomic { assert(!free); h = head }
	   if
#ifndef MUTANT_NO_CLOSED
	   :: h == CLOSED ->
	      atomic { assert(!live); posted = false }
	      give_back();
	      goto nobody
#endif
	   :: else -> skip
	   fi;
	   atomic {
		if
		:: head == h ->
		   assert(!linked && !free);
		   linked = true;
		   head = NODE;
		   break
		:: else -> skip
		fi
	   }
	od;
	if				/* H5 */
	:: h == SLEEPING -> atomic { assert(open); written++;
				     assert(written <= noticed + 1) }
	:: else -> skip
	fi;
done:
nobody:
	atomic { flush(me); posters_left-- }
}

/* Stores reach memory at any time. */
active proctype memory()
{
	byte p;

end:	do
	:: atomic { buffered[0] != 0 -> flush(0) }
	:: atomic { buffered[1] != 0 -> flush(1) }
#if POSTERS > 2
	:: atomic { buffered[2] != 0 -> flush(2) }
#endif
	od;
	p = 0
}

/* O1: whoever has the inbox. */
inline take(leave)
{
	atomic {
		if
		:: head == NODE -> queued = true
		:: else -> skip
		fi;
		head = leave
	}
}

/* D1 of the node in the queue. */
inline run_node()
{
	if
	:: queued ->
	   queued = false;
#ifdef MUTANT_D1_LATE
	   if
	   :: live -> seen = payload
	   :: else -> skip
	   fi;
#endif
	   atomic {
		assert(linked && posted && !free);
		linked = false;
		posted = false;
		was_live = live
	   }
	   if
	   :: was_live ->
	      assert(registered);
#ifndef MUTANT_D1_LATE
	      seen = payload
#else
	      skip
#endif
	   :: else -> give_back()
	   fi
	:: else -> skip
	fi
}

/* R1, if there is a free slot. */
inline register_event(g)
{
	atomic {
		if
		:: free && generation == g - 1 + (g > 1) ->
		   free = false;
		   assert(!linked);
		   generation = g;
		   live = true;
		   posted = false;
		   registered = true
		:: else -> skip
		fi
	}
}

/* U1, U2 */
inline unregister_event()
{
	registered = false;
	atomic { was_posted = posted; live = false; generation++ }
	if
	:: !was_posted -> give_back()
	:: else ->
#ifdef MUTANT_GIVE_BACK_ALWAYS
	   take(NONE);
	   queued = false;
	   atomic { linked = false; posted = false }
	   give_back()
#else
	   take(NONE);
	   if
	   :: queued ->
	      queued = false;
	      atomic { linked = false; posted = false }
	      give_back()
	   :: else -> skip	/* whoever meets the node gives it back */
	   fi
#endif
	fi
}

#ifdef STAY
#define MAY_LEAVE(n) (n > 1 || seen == ALL_BITS)
#define LAST_HANDLE 1
#else
#define MAY_LEAVE(n) true
#define LAST_HANDLE 2
#endif

inline run_posters()
{
	atomic {
		run poster(0, 1);
		run poster(1, 1);
#if POSTERS > 2
		run poster(2, LAST_HANDLE)
#endif
	}
}

/* The life of one loop; @n: the first or the second. */
inline live_one_life(n)
{
	atomic { assert(head == CLOSED); open = true; written = 0;
		 noticed = 0; owed = 0; head = NONE }
	seen = 0;
	register_event(n);
#ifdef STAY
	if				/* they learn of the handle */
	:: n == 1 -> run_posters()
	:: else -> skip
	fi;
#endif
	do
	:: MAY_LEAVE(n) -> break
	:: true ->
	   if				/* O7, O4 */
	   :: owed > noticed -> asleep = false; waiting = (head == NONE)
	   :: else ->
	      waiting = false;
	      atomic {
		if
		:: head == NONE -> head = SLEEPING; asleep = true
		:: else -> asleep = false
		fi
	      }
	   fi;
	   if				/* O5 */
	   :: waiting -> atomic { written > noticed -> noticed = written }
	   :: asleep ->
	      if
	      :: atomic { written > noticed -> noticed = written }
	      :: MAY_LEAVE(n)	/* woken by something else */
	      fi
	   :: else -> noticed = written
	   fi;
	   atomic {			/* O6 */
		if
		:: asleep && head == SLEEPING -> head = NONE
		:: asleep && head != SLEEPING -> owed++
		:: else -> skip
		fi;
		asleep = false;
		waiting = false
	   }
	   take(NONE);
	   run_node()
	od;
	if
	:: registered -> unregister_event()
	:: else -> skip
	fi;
	take(CLOSED);
	run_node();
	written >= owed;
	atomic { open = false; written = 0; noticed = 0; owed = 0 }
}

active proctype owner()
{
	byte seen, owed;
	bool registered, queued, was_live, was_posted, asleep, waiting;

#ifndef STAY
	run_posters();
#endif
	live_one_life(1);
	live_one_life(2);
	posters_left == 0;
	assert(free && !linked)
}
