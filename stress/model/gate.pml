/* SPDX-License-Identifier: MIT */
/*
 * gate.pml - the idle stack in the gate of threads/pool.h
 *
 * pool.pml takes a push and a pop of the stack for one step each. Here they
 * are what they are: a load of the gate, a read or write of below[], and a
 * compare-and-swap, by three processes that pop a worker, or two in a row, and
 * push what they hold back in any order. The tag goes round after TAGS
 * changes, of which there are fewer.
 *
 * Verified: a worker is on the stack or with one holder, never both or
 * neither. -DMUTANT_X breaks one sentence of pool.h; each must fail.
 */
#define WORKERS 3
#define PROCESSES 3
#ifndef ROUNDS
#define ROUNDS 1
#endif
#define TAGS 64

byte top = 1, tag;
byte below[WORKERS];
bool held[WORKERS];
byte left_over = PROCESSES;

#ifdef MUTANT_NO_TAG
#define RAISED(t) (t)
#else
#define RAISED(t) (((t) + 1) % TAGS)
#endif

inline load()
{
	atomic { l_top = top; l_tag = tag }
}

inline pop(v)
{
	load();
	do
	:: l_top == 0 -> v = 0; break
	:: else ->
	   b = below[l_top - 1];
	   atomic {
		if
		:: top == l_top && tag == l_tag ->
		   top = b;
		   tag = RAISED(tag);
		   v = l_top;
		   assert(!held[v - 1]);
		   held[v - 1] = true;
		   break
		:: else -> load()
		fi
	   }
	od;
	atomic { b = 0; l_top = 0; l_tag = 0 }
}

inline push(v)
{
	load();
#ifndef MUTANT_BELOW_ONCE
	do
	:: below[v - 1] = l_top;
#else
	below[v - 1] = l_top;
	do
	::
#endif
	   atomic {
		if
		:: top == l_top && tag == l_tag ->
		   held[v - 1] = false;
		   top = v;
		   tag = RAISED(tag);
		   break
		:: else -> load()
		fi
	   }
	od;
	atomic { v = 0; l_top = 0; l_tag = 0 }
}

proctype user()
{
	byte l_top, l_tag, b, v, u, n;

	do
	:: n < ROUNDS ->
	   n++;
	   pop(v);
	   if
	   :: v != 0 -> pop(u)
	   :: true -> skip
	   fi;
	   if
	   :: v != 0 -> push(v)
	   :: else -> skip
	   fi;
	   if
	   :: u != 0 -> push(u)
	   :: else -> skip
	   fi
	:: else -> break
	od;
	left_over--
}

active proctype check()
{
	byte i, n;

	atomic {
		below[0] = 2;
		below[1] = 3;
		run user();
		run user();
		run user()
	}
	left_over == 0;
	i = top;
	do
	:: i != 0 && n <= WORKERS -> n++; i = below[i - 1]
	:: else -> break
	od;
	assert(n == WORKERS)
}
