/* SPDX-License-Identifier: MIT */
/*
 * loop_end.h - the orderly end of a loop, asked for by another thread
 *
 * The order is a mark in the loop's registry slot, heard by way of its bell
 * (loop_call.h). All of it but the waiting itself stands under iv__lock().
 *
 *	ender, any thread                   owner
 *
 *	E1 lock; told; CANCEL and the       B1 the bell's handler: lock; copy
 *	   earlier deadline win; into          the order; ENDING; unlock
 *	   the list of waiters; unlock      B2 shut channels and pools; CANCEL:
 *	E2 post the bell                       let go what has not begun
 *	E3 lock; is there a circle?         B3 quit |= IV__QUIT_END; a timer
 *	   waits_for = the loop; unlock        for the deadline
 *	E4 wait until told, at most until
 *	   a moment behind the deadline     L1 between rounds of the outermost
 *	E5 lock; ENDED: 0; LEFT: what the      iv_main(): B2, for what is new;
 *	   owner has copied remains; not       say what remains, when it is
 *	   told: leave the list, look          something else than before
 *	   what the slot says; waits_for    L2 nothing, or IV__QUIT: RETURNED;
 *	   = 0; unlock                         iv_main() returns
 *	E6 name what remains                L3 the deadline is over: lock;
 *	                                       RETURNED; tell who waits that
 *	                                       it is LEFT, and what; unlock;
 *	                                       iv_main() returns
 *	                                    L4 else one more round
 *
 *	                                    X1 iv_deinit(): CLOSING; today's
 *	                                       teardown; C3 of registry.h tells
 *	                                       who waits that it has ENDED
 *
 * Claims:
 *
 * - No order is lost. E2 is behind E1, so the B1 that it causes finds it; a
 *   loop that does not listen yet looks when it begins to. Were E2 ahead of
 *   E1, B1 could find nothing, and nothing would ring again.
 * - A waiter is told once, or leaves the list by itself. L3 and C3 take it out
 *   in the critical section in which they tell it; E5 leaves only when it was
 *   not told. Were it left in the list by L3, C3 would write to a stack that
 *   is somebody else's by then.
 * - The loop does not sleep over its own end. Whatever ends something that
 *   remains comes to this loop, and L1 is asked behind it: a pool's last
 *   thread posts `ended`, a created thread its end; what a channel still has
 *   to deliver is a task; the deadline is a timer.
 * - L1 finds nothing only if everything is done. A pool's items are completed
 *   by the owner, behind got_done or `ended`, and L1 looks at intake, slots
 *   and done when alive is 0: nobody but the owner moves them then.
 * - Orders get stricter only. Were a later one to replace an earlier one, its
 *   ender would wait beyond its deadline for L3.
 * - Ending one another is no deadlock: E3 finds the circle, as for calls, and
 *   the order stands all the same. So it does for threads that loops wait for:
 *   each thread knows the loop that has started it, each loop's slot that of
 *   its thread.
 * - A pool that was shut here stays until it is put, or X1: handlers may go on
 *   to submit to it, which starts a thread anew, and L1 finds that.
 *
 * Model: stress/model/loop_end.pml, with a mutant for each sentence above.
 *
 * Key: m under iv__lock(), o the loop's thread.
 */
#ifndef IV__LOOP_END_H
#define IV__LOOP_END_H

#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <iv.h>

struct iv__loop;
struct iv__loop_slot;

/* What has not ended, in words: lines, each with a zero behind it. */
struct iv__remains {
	size_t len;
	bool full;
	char text[512];
};

/* Add a line; what has no room is "and more". */
void iv__remains_add(struct iv__remains *remains, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

enum iv__end_stage {
	IV__END_UNHEARD,  /* its bell was not answered */
	IV__END_ENDING,	  /* inside its outermost iv_main() */
	IV__END_RETURNED, /* behind that */
	IV__END_CLOSING,  /* inside iv_deinit() */
};

/* What a registry slot has for the end of its loop. */
struct iv__loop_end {
	bool told;			   /* m: to end */
	bool cancel;			   /* m: let go what has not begun */
	int64_t deadline_ns;		   /* m: negative: none */
	enum iv__end_stage stage;	   /* m */
	const struct iv__remains *remains; /* m: in its shared part, or NULL */
};

struct iv__loop_waiter {
	struct iv__loop_waiter *next; /* m */
	enum {
		IV__END_UNTOLD,
		IV__END_ENDED,
		IV__END_LEFT,
		IV__END_REFUSED,
	} told;			     /* m */
	bool joins;		     /* wants the end only */
	uint64_t creator;	     /* of the thread that waits; 0: none */
	struct iv__remains *remains; /* m: for E5 */
	sem_t end;
};

/* What a loop has for its own end; part of its shared part. */
struct iv__ending {
	bool cancel;		 /* o */
	int64_t deadline_ns;	 /* o: negative: none */
	struct iv_timer timer;	 /* o: for the deadline */
	struct iv__remains said; /* m, written by o: what remained last */
};

/* loop_end.c */

/* For a loop that opens, with the lock held. */
void iv__loop_end_init(struct iv__loop_slot *slot);

/* In a forked child, for the slot of its loop: an end becomes a stop. */
void iv__loop_end_forked(struct iv__loop_slot *slot);

/* E5: what the slot says. */
void iv__loop_end_describe_locked(const struct iv__loop_slot *slot,
				  struct iv__remains *remains);

/* L3: tell who waits, and take them out of the list. */
void iv__loop_end_left(struct iv__loop_slot *slot);

/* C3 of registry.h, the first half. */
void iv__loop_ended(struct iv__loop_slot *slot);

/* loop_drain.c, for the calling thread's loop */

/* B1 to B3, and the same for a stop. */
void iv__loop_end_hear(struct iv__loop *loop);

/* L1 to L4; true: L4. */
bool iv__loop_end_goes_on(struct iv__loop *loop);

/* X1: the first and the last of its shared part. */
void iv__loop_end_closing(struct iv__loop *loop);
void iv__loop_end_closed(struct iv__loop *loop);

#endif
