/* SPDX-License-Identifier: MIT */
/*
 * rcu.h - read-copy-update for ordinary threads
 *
 * The only file that includes liburcu: flavour bp, whose readers register by
 * themselves, may block, and survive a fork; its exported functions only.
 *
 *	reader, any thread                  updater, any thread
 *
 *	R1 enter                            U1 fill in an object
 *	R2 p = word                         U2 old = word, word = object
 *	R3 use *p                           U3 wait for a grace period
 *	R4 leave                            U4 free old
 *
 * Claims:
 *
 * - R3 sees what U1 wrote: U2 is a release and R2 an acquire.
 * - No use after free. U3 returns when each reader that was between R1 and R4
 *   as it began has come to R4. A reader whose R1 is later has its R2 behind
 *   U2 and does not find old. Were U3 ahead of U2, it would.
 * - Readers never wait. An updater waits for readers only, so it must not be
 *   one itself, nor hold a lock that a reader or a fork wants: no caller
 *   holds iv__lock().
 *
 * A thread's first R1 takes a mutex of liburcu and may map memory, so none of
 * this belongs in a signal handler; grace.h is for those.
 *
 * When a thread ends, liburcu's key destructor takes it from the list of
 * readers, before or behind other destructors. A later R1 on the same thread
 * puts it there again. U3 needs no place on that list.
 *
 * Race detectors are told of both edges: U2 to R2 by the object, R4 to U3 by
 * one key for all. liburcu's own two words they must not look at.
 */
#ifndef IV__RCU_H
#define IV__RCU_H

#include <stdatomic.h>
#include <urcu/urcu-bp.h>
#include "annotate.h"

/* Keys the edges from R4 to U3. */
extern char iv__rcu_domain __attribute__((visibility("hidden")));

/* Have race detectors disregard liburcu's words, this thread's included. */
void iv__rcu_untrack(void);

/* R1 and R4. They nest. No callback is called between them. */
static inline void iv__rcu_enter(void)
{
	if (__builtin_expect(iv__watch != 0, 0))
		iv__rcu_untrack();
	urcu_bp_read_lock();
}

static inline void iv__rcu_leave(void)
{
	iv__hb_before(&iv__rcu_domain);
	urcu_bp_read_unlock();
}

/* R2, of a word of type _Atomic(void *): what it points to, or NULL. */
static inline void *iv__rcu_read(_Atomic(void *) *word)
{
	/* Acquire: with the exchange of iv__rcu_swap(). */
	void *object = atomic_load_explicit(word, memory_order_acquire);

	if (object != NULL)
		iv__hb_after(object);

	return object;
}

/* U2; what the word pointed to. An exchange: a store looks like a race. */
static inline void *iv__rcu_swap(_Atomic(void *) *word, void *object)
{
	if (object != NULL)
		iv__hb_before(object);

	/* Release: with iv__rcu_read(). Acquire: who swaps it out may look. */
	return atomic_exchange_explicit(word, object, memory_order_acq_rel);
}

/* U3. Microseconds; as long as a reader that is inside is not scheduled. */
void iv__rcu_wait(void);

/* 0, or the error number because of which it would not survive a fork. */
int iv__rcu_error(void);

#endif
