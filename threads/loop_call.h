/* SPDX-License-Identifier: MIT */
/*
 * loop_call.h - functions that other threads run on a loop
 *
 * A call is a record in the list of its loop's registry slot. Everything about
 * it stands under iv__lock() but for the function itself: it is no hot path,
 * and its price is that of two wakes.
 *
 *	caller, any thread                  owner
 *
 *	C1 lock; slot is the loop's and     S1 the bell's handler: lock; take
 *	   listens; waiting: is there a        the first record, RUNNING;
 *	   circle? waits_for = the loop;       unlock
 *	   append the record; unlock        S2 run the function
 *	C2 post the loop's bell, by         S3 lock; DONE; unlock; tell who
 *	   handle                              waits
 *	C3 wait                             S4 more that was there at S1: S1;
 *	C4 lock; QUEUED still: take it         more that came later: post the
 *	   out, timed out; RUNNING: leave      bell
 *	   it, in progress; waits_for = 0;  E1 closing: lock; listen no more;
 *	   unlock                              unlock; drop what is there and
 *	                                       what runs
 *
 * Claims:
 *
 * - Each record is run, dropped or taken back, once: who moves it out of
 *   QUEUED does so under the lock.
 * - No call is left behind. C1 finds the loop listening, hence before E1,
 *   which drops it; or S1 finds it, since the bell is rung behind C1 and its
 *   handler runs behind that. A bell that is gone (C2) has E1 behind it.
 * - No circle. waits_for of all loops stand under the lock, so of the calls
 *   that would close one the last one to come to C1 sees the others. A loop
 *   counts until it has ended: callbacks of its closing may wait, too.
 * - A record is freed by the last of caller and owner: refs.
 *
 * Model: stress/model/loop.pml, with a mutant for each sentence above.
 *
 * Key: c constant, m under iv__lock(), o the loop's thread.
 */
#ifndef IV__LOOP_CALL_H
#define IV__LOOP_CALL_H

#include <stdbool.h>
#include <iv_event_handle.h>
#include <iv_loop.h>

struct iv__call;
struct iv__loop;
struct iv__loop_slot;

/* What a registry slot has for calls to its loop. */
struct iv__calls {
	iv_event_handle bell;	  /* m: 0: does not listen */
	struct iv__call *first;	  /* m */
	struct iv__call *last;	  /* m: unless there is none */
	unsigned int num;	  /* m */
	bool stop;		  /* m: asked to; see loop_end.h */
	iv_loop_id waits_for;	  /* m: 0: for nobody */
	struct iv__call *running; /* m, written by o: the innermost */
};

/* What listens on a loop; part of its shared part. */
struct iv__bell {
	struct iv_event event;
	bool registered;
};

/* Let @loop, the calling thread's, listen. 0 or -errno. */
int iv__calls_listen(struct iv__loop *loop, struct iv__bell *bell);

/* The bell goes with the loop's shared part. */
void iv__calls_unlisten(struct iv__loop *loop, struct iv__bell *bell);

/* C1: is there a loop, and does it listen? 0, -ESRCH or -ENOTCONN. */
int iv__calls_check_locked(iv_loop_id id);

/* Would @self, perhaps 0, that waits for @id wait for itself? */
bool iv__calls_circle_locked(iv_loop_id id, iv_loop_id self);

/* In a forked child: none of what the parent's threads want. */
void iv__calls_forked(struct iv__calls *calls, bool own);

/* E1, for the loop whose slot this is, the calling thread's. */
void iv__calls_end(struct iv__loop_slot *slot);

#endif
