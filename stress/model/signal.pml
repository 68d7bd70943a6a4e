/* SPDX-License-Identifier: MIT */
/*
 * signal.pml - the protocol of threads/grace.h, step by step
 *
 * Two readers, which are signal handlers on two threads and look at the list
 * again and again for ever; one updater, which links an object, unlinks it and
 * frees it, three times over, each time a new one. A handler on the updater's
 * own thread needs no model: it runs from R1 to R4 between two of its steps.
 *
 * Verified: no object is looked at once freed (the assertion), and under weak
 * fairness the updater gets through, however the readers go on (the formula).
 *
 * -DMUTANT_X breaks one sentence of grace.h's claims; each must fail:
 * MUTANT_NO_FLIP breaks the formula, the others the assertion.
 */
#ifndef READERS
#define READERS 2
#endif
#define OBJECTS 3

byte head;			/* 0, or an object's number */
bool freed[OBJECTS + 1];
bit phase;
byte readers[2];
bool through;			/* the updater is */

inline count(p)
{
	readers[p] = readers[p] + 1
}

inline look(o)
{
	o = head
}

inline leave(p)
{
	readers[p] = readers[p] - 1
}

active [READERS] proctype handler()
{
	bit p;
	byte o;

	do
	:: true ->
#ifdef MUTANT_R3_EARLY
		look(o);
#endif
		p = phase;				/* R1 */
		count(p);				/* R2 */
#ifndef MUTANT_R3_EARLY
		look(o);				/* R3 */
#endif
#ifdef MUTANT_R4_EARLY
		leave(p);
#endif
		assert(!freed[o]);			/* R3, the use */
#ifndef MUTANT_R4_EARLY
		leave(p);				/* R4 */
#endif
		p = 0;
		o = 0
	od
}

inline wait_for_old(p)
{
	p = phase;
#ifndef MUTANT_NO_FLIP
	phase = 1 - p;					/* U2 */
#endif
	do						/* U3 */
	:: readers[p] == 0 -> break
	:: else
	od
}

active proctype updater()
{
	byte object = 1;
	bit p;

	do
	:: object > OBJECTS -> break
	:: else ->
		head = object;
#ifndef MUTANT_U1_LATE
		head = 0;				/* U1 */
#endif
		wait_for_old(p);			/* U2 and U3 */
#ifndef MUTANT_NO_U4
#ifdef MUTANT_NO_FLIP
		p = 1 - phase;
		(readers[p] == 0);
#else
		wait_for_old(p);			/* U4 */
#endif
#endif
#ifdef MUTANT_U1_LATE
		head = 0;
#endif
		freed[object] = true;			/* U5 */
		object++
	od;
	through = true
}

ltl gets_through { <> through }
