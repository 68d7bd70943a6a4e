/* SPDX-License-Identifier: MIT */
/*
 * inbox.pml - the protocol of threads/inbox.h, step by step
 *
 * Three posters and one owner. Each poster writes its bit of a payload, posts
 * the shared event 0, which may coalesce, and then an event of its own, whose
 * handler frees it. The owner posts event 0 itself once, may unregister an own
 * event that is claimed, wakes up for other reasons once, and closes its loop
 * when every payload was seen and every own event is gone.
 *
 * A payload is a plain store: it waits in a buffer until the poster's next
 * read-modify-write, or until memory feels like it. All other words are read
 * and written by single steps.
 *
 * Verified: every end has the loop closed (else something was lost: Spin finds
 * the invalid end state), no event is touched once freed, no inbox or waker
 * once closed, one drain runs an event once, and no two wakes are on their way.
 *
 * -DMUTANT_X breaks one sentence of inbox.h's claims; each must fail.
 */
#ifndef POSTERS
#define POSTERS 3
#endif

/* Smaller: only event 0, closed when the posters are done; or only own ones. */
#ifdef SHARED_ONLY
#define MAY_CLOSE (seen == ALL_BITS && posters_left == 0)
#define LOCAL_POST true
#endif
#ifdef OWN_ONLY
#define MAY_CLOSE OWN_FREED
#define LOCAL_POST false
#endif
#ifndef MAY_CLOSE
#define MAY_CLOSE (seen == ALL_BITS && OWN_FREED)
#define LOCAL_POST true
#endif

#define EVENTS (POSTERS + 1)
#define SLEEPING 99
#define ALL_BITS ((1 << EVENTS) - 1)
#define OWN_BIT (1 << POSTERS)
#if POSTERS > 2
#define OWN_FREED (freed[1] && freed[2] && freed[3])
#else
#define OWN_FREED (freed[1] && freed[2])
#endif

/* What threads share. */
byte posters_left = POSTERS;
byte head;			/* 0, an event + 1, or SLEEPING */
byte next[EVENTS];
bool pending[EVENTS];
byte written;			/* wakes written to the waker */
byte noticed;			/* by the owner, whose own this is */
byte payload;			/* of event 0, a bit for each poster */
byte buffered[POSTERS];

/* What must not be touched any more. */
bool freed[EVENTS];
bool closed;

inline flush(p)
{
	payload = payload | buffered[p];
	buffered[p] = 0
}

/* P1 */
inline claim(p, e, was)
{
#ifdef MUTANT_P1_LOAD
	atomic { assert(!freed[e]); was = pending[e] }
	if
	:: was -> skip
	:: else -> atomic { flush(p); was = pending[e]; pending[e] = true }
	fi
#else
#ifdef MUTANT_P1_STORE
	atomic { assert(!freed[e]); was = pending[e] }
	if
	:: was -> skip
	:: else -> atomic { flush(p); pending[e] = true }
	fi
#else
	atomic { assert(!freed[e]); flush(p); was = pending[e];
		 pending[e] = true }
#endif
#endif
}

/* P2 to P4 */
inline push(p, e, h)
{
	atomic { assert(!freed[e] && !closed); h = head }
	do
	:: atomic { assert(!freed[e]); next[e] = (h == SLEEPING -> 0 : h) }
#ifdef MUTANT_P3_STORE
	   atomic { assert(!closed); flush(p); h = head }
	   atomic { head = e + 1; break }
#else
	   atomic {
		assert(!closed);
		flush(p);
		if
		:: head == h -> head = e + 1; break
		:: else -> h = head
		fi
	   }
#endif
	od;
#ifdef MUTANT_TOUCH_BEHIND_P3
	assert(!freed[e]);
#endif
	if
#ifdef MUTANT_NO_WAKE
	:: false -> skip
#else
	:: h == SLEEPING ->
	   assert(!closed);			/* wake_fd is read */
	   atomic { assert(!closed); written++; assert(written <= noticed + 1) }
#ifdef MUTANT_TOUCH_BEHIND_P4
	   assert(!closed)
#endif
#endif
	:: else -> skip
	fi;
	h = 0
}

inline post(p, e)
{
	claim(p, e, was);
	if
	:: was -> was = false
	:: else -> push(p, e, h)
	fi
}

proctype poster(byte me)
{
	byte h;
	bool was;

	buffered[me] = 1 << me;
#ifndef OWN_ONLY
	post(me, 0);
#endif
#ifndef SHARED_ONLY
	post(me, me + 1);
#endif
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

/* The owner's own: q[0] to q[num_running - 1] run in this drain. */
byte q[EVENTS + 1];
byte num_queued, num_running;
byte chain, i, n, t, e;

/* O1 */
inline take()
{
	atomic {
		chain = (head == SLEEPING -> 0 : head);
		if
		:: head != 0 -> head = 0
		:: else -> skip
		fi
	}
	d_step {
		n = 0;
		t = chain;
		do
		:: t != 0 && n <= EVENTS -> n++; t = next[t - 1]
		:: else -> break
		od;
		assert(num_queued + n <= EVENTS);
		i = num_queued + n;
		num_queued = i;
		t = chain;
		do
		:: t != 0 -> i--; q[i] = t - 1; t = next[t - 1]
		:: else -> break
		od;
		chain = 0; n = 0; i = 0
	}
}

/* Take q[i] out. */
inline remove()
{
	d_step {
		if
		:: i < num_running -> num_running--
		:: else -> skip
		fi;
		num_queued--;
		do
		:: i < num_queued -> q[i] = q[i + 1]; i++
		:: else -> break
		od;
		q[num_queued] = 0;
		i = 0
	}
}

/* i: where v is in q, or num_queued. */
inline find(v)
{
	d_step {
		i = 0;
		do
		:: i < num_queued && q[i] != v -> i++
		:: else -> break
		od
	}
}

inline unregister(v)
{
	if
	:: pending[v] ->
#ifdef MUTANT_UNREGISTER_AT_ONCE
	   take(); find(v);
#else
	   do
	   :: take();
	      find(v);
	      if
	      :: i < num_queued -> break
	      :: else -> i = 0
	      fi
	   od;
#endif
	   if
	   :: i < num_queued -> remove()
	   :: else -> i = 0
	   fi
	:: else -> skip
	fi;
	freed[v] = true
}

active proctype owner()
{
	byte h, owed, seen, ran, v;
	bool was, asleep, waiting, drain_later, posted, others_woke, over;

	atomic {
		run poster(0);
		run poster(1);
#if POSTERS > 2
		run poster(2)
#endif
	}

round:	if
	:: drain_later -> drain_later = false; goto drain
	:: else -> skip
	fi;
	if
	:: over -> goto close
#ifdef MUTANT_FORGET_QUEUE
	:: drain_later -> asleep = false
#else
	:: drain_later || num_queued > 0 -> asleep = false
#endif
#ifdef MUTANT_O7_ALWAYS
	:: else ->
	   asleep = false;
	   waiting = (head == 0)
#else
#ifndef MUTANT_NO_O7
	:: !over && !drain_later && num_queued == 0 && owed > noticed ->
	   asleep = false;			/* O7 */
	   waiting = (head == 0)
#endif
	:: else ->
#ifdef MUTANT_O4_STORE
	   atomic { head = SLEEPING; asleep = true }
#else
	   atomic {
		if
		:: head == 0 -> head = SLEEPING; asleep = true
		:: else -> asleep = false
		fi
	   }
#endif
#endif
	fi;
	if
	:: waiting ->				/* O5, for O7 */
	   atomic { written > noticed -> noticed = written; waiting = false }
	:: else -> skip
	fi;
	if
	:: asleep ->
	   if					/* O5 */
	   :: atomic { written > noticed -> noticed = written }
	   :: atomic { !others_woke -> others_woke = true }
#ifdef SHARED_ONLY
	   :: MAY_CLOSE -> over = true		/* the posters were joined */
#endif
	   fi;
	   atomic {				/* O6 */
		asleep = false;
		if
#ifdef MUTANT_O6_STORE
		:: head == SLEEPING -> head = 0
		:: else -> owed++; head = 0
#else
		:: head == SLEEPING -> head = 0
#ifdef MUTANT_NO_DEBT
		:: else -> skip
#else
		:: else -> owed++
#endif
#endif
		fi
	   }
	:: else -> noticed = written
	fi;
	if
	:: drain_later -> goto round
	:: else -> skip
	fi;

drain:	take();
	num_running = num_queued;
	ran = 0;
	do
	:: num_running > 0 ->
	   e = q[0];
	   i = 0;
	   remove();
	   assert((ran & (1 << e)) == 0);
	   ran = ran | (1 << e);
#ifndef MUTANT_O2_LATE
	   pending[e] = false;			/* O2 */
#endif
	   assert(!freed[e]);			/* O3 */
	   if
	   :: e == 0 -> seen = payload
	   :: else -> freed[e] = true
	   fi;
	   if					/* a local post */
	   :: !posted && LOCAL_POST ->
	      posted = true;
	      payload = payload | OWN_BIT;
	      atomic { was = pending[0]; pending[0] = true }
	      if
	      :: was -> was = false
	      :: else ->
		 h = head;
		 do
		 :: next[0] = h;
		    atomic {
			if
			:: head == h -> head = 1; break
			:: else -> h = head
			fi
		    }
		 od;
		 assert(h != SLEEPING);
		 h = 0;
		 drain_later = true
	      fi
	   :: e != 0 -> skip
	   :: posted || !LOCAL_POST -> skip
	   fi;
#ifdef MUTANT_O2_LATE
	   pending[e] = false;
#endif
	   if					/* claimed, not yet pushed */
	   :: e != 0 && pending[1] && !freed[1] -> unregister(1)
	   :: e != 0 && pending[2] && !freed[2] -> unregister(2)
	   :: true -> skip
	   fi;
	   if
	   :: !freed[0] && MAY_CLOSE ->
	      unregister(0);
	      over = true
	   :: else -> skip
	   fi;
	   e = 0;
#ifdef MUTANT_DRAIN_ALL
	   if
	   :: num_running == 0 -> take(); num_running = num_queued
	   :: else -> skip
	   fi
#endif
	:: else -> break
	od;
	ran = 0;
	if
	:: over -> goto close
	:: else -> goto round
	fi;

close:
#ifndef MUTANT_CLOSE_AT_ONCE
	written >= owed;
#endif
	closed = true;
	v = 0
}
