/* SPDX-License-Identifier: MIT */
/*
 * grace.h - when has every signal handler let go of what was unlinked?
 *
 * Read-copy-update for readers that are signal handlers: on any thread, known
 * to the library or not, they enter and leave with one read-modify-write each
 * and never wait. liburcu's readers have to register their thread, under a
 * mutex, before their first read; a handler cannot (decision 10).
 *
 *	reader, in a signal handler         updater, one at a time
 *
 *	R1 p = phase & 1                    U1 unlink the object
 *	R2 readers[p] += 1                  U2 p = phase & 1, phase += 1
 *	R3 look at the list, use objects    U3 wait until readers[p] is 0
 *	R4 readers[p] -= 1                  U4 U2 and U3 once more
 *	                                    U5 free the object
 *
 * Claims:
 *
 * - No use after free. U1 to U4 see each of the two counters at 0 once, after
 *   U1. All of it is sequentially consistent, so a reader's R2 comes either
 *   before the load that saw its counter at 0, and then so does its R4; or
 *   behind it, and then its R3 is behind U1 and cannot find the object. It
 *   does not matter how old the p of R1 is. Were U4 left out, a reader that
 *   was held up between R1 and R2 would count where nobody looks; were U1
 *   behind U4, or R3 ahead of R2 or behind R4, an object in use would be
 *   freed.
 * - The updater gets through however many signals arrive: behind U2 readers
 *   count in the other counter, apart from those between R1 and R2, of which
 *   each thread has at most one.
 * - No deadlock with a handler that interrupts the updater: it never waits,
 *   so it has left again when the updater goes on. No handler is interrupted
 *   by other code that could fork or jump out of it: all signals are blocked.
 *
 * Model: stress/model/signal.pml, with a mutant for each sentence above.
 */
#ifndef IV__GRACE_H
#define IV__GRACE_H

/* R1 and R2; what to hand to R4. Async-signal-safe, as are all but the wait. */
unsigned int iv__grace_enter(void);
void iv__grace_leave(unsigned int entered);

/* U2 to U4. The caller makes sure that there is one updater at a time. */
void iv__grace_wait(void);

/* In a forked child, whose only thread is in no handler. */
void iv__grace_forked(void);

#endif
