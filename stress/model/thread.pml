/* SPDX-License-Identifier: MIT */
/*
 * thread.pml - who frees the record that a parent and its child share
 *
 * The protocol of threads/thread.c: C1 and C2 of the child, L1 and L2 of a
 * parent that closes its loop early, and the handler of `ended` on the usual
 * way. What iv_event_post() promises is taken for granted (see inbox.pml):
 * behind the step that makes the event pending, the record is not touched.
 *
 * Two children, so that the parent's list is walked. Each child may still
 * touch its record until it has posted. Verified: each record is freed exactly
 * once and never touched afterwards, nobody posts to an inbox that is closed,
 * and no thread is left that is neither joined nor detached.
 *
 * -DMUTANT_X breaks one sentence of thread.c; each must fail.
 */
#ifndef CHILDREN
#define CHILDREN 2
#endif
mtype = { RUNNING, ENDED, ORPHANED };

mtype state[CHILDREN] = RUNNING;
bool pending[CHILDREN];		/* `ended` was posted */
bool freed[CHILDREN];
bool gone[CHILDREN];		/* the thread, for who joins it */
bool joined[CHILDREN], detached[CHILDREN];
bool closed;			/* the parent's inbox */

inline release(c)
{
	atomic { assert(!freed[c]); freed[c] = true }
}

inline swap(c, new, old)
{
	atomic { assert(!freed[c]); old = state[c]; state[c] = new }
}

inline post(c)
{
	atomic { assert(!freed[c] && !closed); pending[c] = true }
}

proctype child(byte c)
{
	mtype old;

	assert(!freed[c]);			/* start, arg, name */
#ifdef MUTANT_POST_BEFORE_C1
	old = state[c];
	if
	:: old == RUNNING -> post(c)
	:: else -> skip
	fi;
	swap(c, ENDED, old);
	if
	:: old == ORPHANED -> release(c)
	:: else -> skip
	fi;
#else
#ifdef MUTANT_C1_NO_SWAP
	atomic { assert(!freed[c]); old = state[c] }
	state[c] = ENDED;
#else
	swap(c, ENDED, old);			/* C1 */
#endif
	if					/* C2 */
	:: old == RUNNING -> post(c)
	:: else ->
#ifdef MUTANT_ORPHAN_NOT_FREED
	   skip
#else
	   release(c)
#endif
	fi;
#endif
#ifdef MUTANT_TOUCH_BEHIND_C2
	assert(!freed[c]);
#endif
	gone[c] = true
}

inline bury(c)
{
#ifndef MUTANT_NO_JOIN
	atomic { gone[c] -> joined[c] = true }
#else
	joined[c] = gone[c];
#endif
	pending[c] = false;			/* unregistered, also if posted */
	release(c);
	in_list[c] = false
}

/* L1, L2 */
inline orphan(c)
{
	if
	:: in_list[c] ->
	   in_list[c] = false;
#ifdef MUTANT_L1_NO_SWAP
	   atomic { assert(!freed[c]); old = state[c] }
	   state[c] = ORPHANED;
#else
	   swap(c, ORPHANED, old);
#endif
	   if
	   :: old == RUNNING -> detached[c] = true
#ifdef MUTANT_L2_FREES
	      release(c)
#endif
	   :: else -> bury(c)
	   fi
	:: else -> skip
	fi
}

active proctype parent()
{
	bool in_list[CHILDREN];
	mtype old;

	atomic {
		in_list[0] = true;
		in_list[1] = true;
		run child(0);
		run child(1)
	}
	do
	:: pending[0] && in_list[0] -> pending[0] = false; bury(0)
	:: pending[1] && in_list[1] -> pending[1] = false; bury(1)
	:: !in_list[0] && !in_list[1] -> break
	:: true -> break			/* iv_quit, iv_deinit */
	od;
	orphan(0);
	orphan(1);
	closed = true;

	gone[0] && gone[1];
	assert(freed[0] && freed[1]);
	assert(joined[0] != detached[0] && joined[1] != detached[1])
}
