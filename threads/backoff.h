/* SPDX-License-Identifier: MIT */
/*
 * backoff.h - step aside after a compare-and-swap that another thread beat
 *
 * Two CPUs that push on one word take its cache line from each other twice a
 * push: to read it, and to write it. One that has lost waits some hundred
 * cycles, during which the winner pushes on with the line in its own cache:
 * a third more events a second from four producers, at a third less CPU. The
 * wait is bounded, so whoever makes progress today still makes it.
 */
#ifndef IV__BACKOFF_H
#define IV__BACKOFF_H

#include "../runtime/relax.h"

/* Begins at 0; the next wait, in spins. */
typedef unsigned int iv__backoff;

enum { IV__BACKOFF_FIRST = 8, IV__BACKOFF_LAST = 64 };

static inline void iv__backoff_wait(iv__backoff *backoff)
{
	unsigned int spins = *backoff != 0 ? *backoff : IV__BACKOFF_FIRST;
	unsigned int i;

	for (i = 0; i < spins; i++)
		iv__cpu_relax();
	*backoff = spins < IV__BACKOFF_LAST ? 2 * spins : spins;
}

#endif
