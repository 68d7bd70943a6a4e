/* SPDX-License-Identifier: MIT */
/*
 * grace.c - when has every signal handler let go of what was unlinked?
 *
 * The protocol, its claims and its step numbers are in grace.h. All atomics
 * are sequentially consistent: the proof needs one order of U1, U3, R2, R3.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>
#include "annotate.h"
#include "grace.h"

enum { YIELDS = 100, NAP_NS = 50000 };

static atomic_uint phase;
static atomic_uint readers[2];

unsigned int iv__grace_enter(void)
{
	unsigned int p = atomic_load(&phase) & 1;

	atomic_fetch_add(&readers[p], 1);

	return p;
}

void iv__grace_leave(unsigned int entered)
{
	iv__hb_before(&readers[entered]);
	atomic_fetch_sub(&readers[entered], 1);
}

/*
 * U3. A reader that was descheduled for good by a thread of a higher priority,
 * perhaps ours, only gets on when we sleep.
 */
static void wait_until_left(unsigned int p)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };
	int num;

	for (num = 0; atomic_load(&readers[p]) != 0; num++) {
		if (num < YIELDS)
			sched_yield();
		else
			nanosleep(&nap, NULL);
	}
	iv__hb_after(&readers[p]);
}

void iv__grace_wait(void)
{
	int cancel_state;

	/* nanosleep() is where a thread may be cancelled; here it may not. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	wait_until_left(atomic_fetch_add(&phase, 1) & 1);
	wait_until_left(atomic_fetch_add(&phase, 1) & 1);
	pthread_setcancelstate(cancel_state, NULL);
}

void iv__grace_forked(void)
{
	atomic_exchange(&readers[0], 0);
	atomic_exchange(&readers[1], 0);
}
