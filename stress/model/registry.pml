/* SPDX-License-Identifier: MIT */
/*
 * registry.pml - the protocol of threads/registry.h, step by step
 *
 * One slot, which two loops have one after the other, each with a name that it
 * may replace; readers that ask for the name of either, again and again, also
 * ahead of its time, for a number may be made up. O1 and C3 need no steps of their own: the next loop has
 * the slot when the one before has come to the end. A grace period is what
 * rcu.h promises: it ends when each reader that was inside has left.
 *
 * Verified: no name is looked at once freed; none is reported of another loop,
 * or of one that had ended before the question; a loop that had a name by then
 * and has it still is not said to have none.
 *
 * -DMUTANT_X breaks one sentence of registry.h's claims; each must fail.
 */
#ifndef READERS
#define READERS 2
#endif
#define LOOPS 2
#define NAMES 4

byte id;			/* the slot's: a loop, or 0 */
byte name;			/* the slot's: a name, or 0 */
bool freed[NAMES + 1];
bool named[LOOPS + 1];
bool ended[LOOPS + 1];
bool inside[READERS];
bit section[READERS];

#define owner_of(n) ((n + 1) / 2)

inline use(n)
{
	assert(!freed[n]);
	assert(owner_of(n) == mine)
}

active [READERS] proctype reader()
{
	byte mine;
	byte n;
	byte i;
	bool was_named;
	bool had_ended;

	do
	:: atomic {
		if
		:: mine = 1
		:: mine = 2
		fi;
		was_named = named[mine];
		had_ended = ended[mine];
		section[_pid] = 1 - section[_pid];
		inside[_pid] = true			/* R1 */
	   }
#ifdef MUTANT_R3_FIRST
	   i = id;
	   n = name;
#else
	   n = name;					/* R2 */
	   i = id;					/* R3 */
#endif
	   if
	   :: i != mine -> skip
	   :: i == mine ->
		assert(!had_ended);
		if					/* R4 */
		:: n == 0 -> assert(!was_named)
		:: else -> use(n)			/* R5 */
		fi
	   fi;
	   atomic {					/* R6 */
		inside[_pid] = false;
		mine = 0; n = 0; i = 0;
		was_named = false; had_ended = false
	   }
	od
}

inline wait_for_readers()
{
	r = 0;
	do
	:: r == READERS -> break
	:: else ->
		s = section[r];
		(!inside[r] || section[r] != s);
		r++
	od;
	r = 0;
	s = 0
}

inline replace(new)
{
#ifdef MUTANT_GRACE_FIRST
	wait_for_readers();
#endif
	atomic { old = name; name = new };		/* N2 */
#ifdef MUTANT_SLOT_BACK_FIRST
	if
	:: new == 0 && loop < LOOPS -> id = loop + 1
	:: else
	fi;
#endif
	if						/* N3 */
	:: old != 0 ->
#if !defined(MUTANT_NO_GRACE) && !defined(MUTANT_GRACE_FIRST)
		wait_for_readers();
#endif
		freed[old] = true
	:: else
	fi;
	old = 0
}

inline number_dies()
{
	atomic { id = 0; ended[loop] = true }
}

active proctype owner()
{
	byte loop = 1;
	byte old;
	byte r;
	bit s;

	do
	:: loop > LOOPS -> break
	:: else ->
		id = loop;				/* O2 */
		replace(2 * loop - 1);
		named[loop] = true;
		if
		:: replace(2 * loop)
		:: skip
		fi;
#ifdef MUTANT_C1_LATE
		replace(0);
		number_dies();
#else
		number_dies();				/* C1 */
		replace(0);				/* C2 */
#endif
		loop++
	od
}
