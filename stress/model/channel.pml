/* SPDX-License-Identifier: MIT */
/*
 * channel.pml - the protocol of threads/channel.h, step by step
 *
 * Two senders with two messages each, and one receiver whose rounds have one
 * message each. The receiver opens the second sender at any time, perhaps after
 * it was told that the first was the last; it ends when both are closed, or
 * earlier, at any time, also inside a handler, and then closes its loop.
 * -DSTAYS: not earlier, so that it shows if nobody comes for a message.
 * -DGOODBYE: a sender is closed by the handler of its last message.
 *
 * The inbox is a flag (inbox.pml has the rest): is the node in it? -DROOM: the
 * channel has one place, and senders that are refused want room.
 *
 * Verified: what was sent is delivered or dropped, once, in order of each
 * sender; the node is not linked twice; the slot is not touched once it is
 * given back, and is given back; closed is told when nothing is left; nobody
 * waits for ever, which Spin finds as an invalid end.
 *
 * -DMUTANT_X breaks one sentence of channel.h's claims; each must fail.
 */
#define BUSY 98
#define CLOSED 99
#define LAST 5			/* the channel's own message */
#define FROM(m) (((m) - 1) / 2)
#define FIRST(s) (2 * (s) + 1)
#define LIMIT 1

/* What threads share. */
byte head;			/* 0, a message, BUSY or CLOSED */
byte next[6];
bool queued;			/* the node is in the inbox */
bool inbox_closed;
byte senders = 1;
byte refs = 2;			/* receiver and first sender */
bool told;
bool opened;			/* the second sender */
#ifdef ROOM
byte count;
bool wanted;			/* one word with count */
bool locked;
bool wanting[2];
bool posted[2];
byte granted;			/* places; what count should be */
#endif

/* What must come out right. */
bool freed;
byte sent, delivered, dropped;	/* a bit for each message */
byte finished;

inline put()
{
	atomic {
		assert(!freed && refs > 0);
		refs--;
		freed = (refs == 0)
	}
}

/* S5, D5; a node that finds the inbox closed is N1. */
inline link()
{
	atomic {
		assert(!freed && !queued);
		if
		:: inbox_closed -> refs--; freed = (refs == 0)
		:: else -> queued = true
		fi
	}
}

/* S2 to S5 */
inline push(m)
{
	do
	:: atomic { assert(!freed); h = head; next[m] = (h == BUSY -> 0 : h) }
#ifndef MUTANT_S2_NO_LOOK
	   if
	   :: h == CLOSED -> break
	   :: else -> skip
	   fi;
#endif
	   atomic {
		assert(!freed);
		if
		:: head == h ->
		   head = m;
		   sent = (m == LAST -> sent : sent | (1 << m));
		   break
		:: else -> skip
		fi
	   }
	od;
	if
#ifdef MUTANT_LINK_ALWAYS
	:: h != CLOSED -> link()
#else
	:: h == 0 -> link()
#endif
	:: else -> skip
	fi
}

#ifdef ROOM
inline lock()
{
	atomic { !locked -> locked = true }
}

inline tell_locked()
{
	wanted = false;
	atomic {
		posted[0] = posted[0] || wanting[0];
		posted[1] = posted[1] || wanting[1];
		wanting[0] = false;
		wanting[1] = false
	}
}

/* S1 */
inline take_place()
{
#ifdef MUTANT_S1_ADD
	atomic { assert(!freed); got = (count < LIMIT); count++ }
	if
	:: !got -> assert(granted == LIMIT); count--
	:: else -> granted++
	fi
#else
	atomic {
		assert(!freed);
		got = (count < LIMIT);
		if
		:: got -> count++; granted++
		:: else -> assert(granted == LIMIT || head == CLOSED)
		fi
	}
#endif
}

/* Be told, or see that it is over. */
inline want_room(me)
{
	lock();
	if
	:: head == CLOSED -> locked = false
	:: else ->
	   wanting[me] = true;
#ifdef MUTANT_WANT_STORE
	   got = (count < LIMIT);
	   wanted = true;
#else
	   atomic { wanted = true; got = (count < LIMIT) }
#endif
	   if
#ifdef MUTANT_WANT_NO_LOOK
	   :: false -> skip
#else
	   :: got -> tell_locked()
#endif
	   :: else -> skip
	   fi;
	   locked = false;
	   posted[me] -> posted[me] = false
	fi
}
#endif

inline close()
{
#ifdef MUTANT_C2_FIRST
	put();
#endif
	atomic { assert(!freed); senders--; last = (senders == 0) }
#ifndef MUTANT_C1_SILENT
	if
	:: last ->
	   atomic { assert(!freed); last = !told; told = true }
	   if
	   :: last -> push(LAST)
	   :: else -> skip
	   fi
	:: else -> skip
	fi;
#endif
#ifndef MUTANT_C2_FIRST
	put();
#endif
	last = false
}

proctype sender(byte me)
{
	byte h, m;
	bool got, last;

	m = FIRST(me);
	do
	:: m < FIRST(me) + 2 ->
#ifdef ROOM
	   take_place();
	   if
	   :: !got ->
	      if
	      :: head == CLOSED -> break
	      :: else -> want_room(me)
	      fi
	   :: else ->
	      push(m);
	      if
	      :: h == CLOSED -> atomic { count--; granted--; break }
	      :: else -> m++
	      fi
	   fi
#else
	   push(m);
	   if
	   :: h == CLOSED -> break
	   :: else -> m++
	   fi
#endif
	:: else -> break
	od;

#ifdef GOODBYE
	if
	:: m < FIRST(me) + 2 -> close()
	:: else -> skip
	fi;
#else
	close();
#endif
	finished++
}

/* The receiver's own. */
byte rest[6];
byte num_rest, seen[2];
bool has_node;
#ifdef STAYS
bool closing = true;
#else
bool closing;
#endif

/* Append the chain that begins with t. */
inline append()
{
	d_step {
		n = 0;
		i = t;
		do
		:: i != 0 -> n++; i = next[i]
		:: else -> break
		od;
		assert(num_rest + n <= 5);
		num_rest = num_rest + n;
		i = num_rest;
		do
		:: t != 0 -> i--; rest[i] = t; t = next[t]
		:: else -> break
		od;
		i = 0; n = 0; t = 0
	}
}

inline pop()
{
	d_step {
		e = rest[0];
		num_rest--;
		do
		:: i < num_rest -> rest[i] = rest[i + 1]; i++
		:: else -> break
		od;
		rest[num_rest] = 0;
		i = 0
	}
}

/* Delivered or dropped: the next of its sender, for the first time. */
inline check(m)
{
	assert(((delivered | dropped) & (1 << m)) == 0);
	assert(m == FIRST(FROM(m)) + seen[FROM(m)]);
	seen[FROM(m)]++
}

inline open_second()
{
	atomic { opened = true; senders++; refs++; run sender(1) }
}

/* U1 to U4, inside a round or outside. */
inline unregister()
{
#ifdef MUTANT_U1_STORE
	t = head;
	head = CLOSED;
#else
	atomic { t = head; head = CLOSED }
#endif
	if
	:: !has_node && t != 0 ->
	   atomic {
		if
		:: queued -> queued = false
#ifdef MUTANT_U3_NO_REFERENCE
		:: else -> skip
#else
		:: else -> refs++
#endif
		fi
	   }
	:: else -> skip
	fi;
#ifdef ROOM
	lock();
	tell_locked();
	locked = false;
#endif
	t = (t == BUSY -> 0 : t);
	append();
	do
	:: num_rest > 0 ->
	   d_step {
		pop();
		if
		:: e != LAST -> check(e); dropped = dropped | (1 << e)
		:: else -> skip
		fi
	   }
#ifdef GOODBYE
	   if
	   :: e != LAST && e == FIRST(FROM(e)) + 1 -> senders--; put()
	   :: else -> skip
	   fi;
#endif
	   e = 0
	:: else -> break
	od;
	put();
	closing = true
}

active proctype receiver()
{
	byte e, i, n, t, h;
	bool got, last;

	run sender(0);

round:	if
	:: atomic { queued -> queued = false }
	:: atomic { !opened -> open_second(); goto round }
	:: !closing -> unregister(); goto end
	fi;
	has_node = true;			/* D1 */

	if					/* D2 */
	:: num_rest == 0 ->
#ifdef MUTANT_D2_LEAVES_NULL
	   atomic { t = head; head = 0 }
#else
	   atomic { t = head; head = BUSY }
#endif
	   t = (t == BUSY -> 0 : t);
	   append()
	:: else -> skip
	fi;

	if					/* D3 */
	:: num_rest > 0 ->
	   pop();
	   if
	   :: e != LAST ->
#ifdef ROOM
	      atomic { count--; granted--; got = wanted }
	      if
	      :: got -> lock(); tell_locked(); locked = false
	      :: else -> skip
	      fi;
#endif
	      d_step { check(e); delivered = delivered | (1 << e) }
#ifdef GOODBYE
	      if
	      :: e == FIRST(FROM(e)) + 1 -> close()
	      :: else -> skip
	      fi
#endif
	   :: else ->
	      told = false;
	      if
	      :: senders != 0 -> skip
#ifndef MUTANT_TOLD_AT_ONCE
	      :: senders == 0 && (num_rest > 0 || head != BUSY) ->
		 atomic { got = !told; told = true }
		 if
		 :: got -> push(LAST)
		 :: else -> skip
		 fi
	      :: senders == 0 && num_rest == 0 && head == BUSY ->
#else
	      :: senders == 0 ->
#endif
		 assert(sent == delivered);
		 if
		 :: opened -> unregister(); goto end
		 :: !opened -> open_second()
		 fi
	      fi
	   fi;
	   e = 0;
	   if					/* in a handler */
	   :: !closing -> unregister(); goto end
	   :: true -> skip
	   fi
	:: else -> skip
	fi;

	has_node = false;			/* D4 */
#ifdef MUTANT_D4_STORE
	if
	:: num_rest == 0 -> head = 0; goto round
#else
#ifdef MUTANT_D4_NO_LOOK
	if
	:: num_rest == 0 -> goto round
#else
	atomic {
		got = (num_rest == 0 && head == BUSY);
		head = (got -> 0 : head)
	}
	if
	:: got -> goto round
#endif
#endif
	:: else -> link(); goto round		/* D5 */
	fi;

end:	if					/* N1, and the inbox's end */
	:: atomic { queued -> queued = false } put(); goto end
	:: atomic {
		!queued -> inbox_closed = true
	   }
	fi;

	/* No sender is left: the slot was given back. */
	finished == 1 + opened;
	assert(sent == (delivered | dropped));
	assert(freed)
}
