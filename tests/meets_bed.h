/* SPDX-License-Identifier: MIT */
/*
 * meets_bed.h - threads whose operations meet
 *
 * They begin each round at the same moment. A round under a tool is a hundred
 * times as slow, so there are fewer.
 */
#ifndef MEETS_BED_H
#define MEETS_BED_H

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <iv_event.h>
#include <iv_event_handle.h>
#include "harness.h"

#define MUST(condition)           \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static inline int rounds_of(int plain, int under_tools)
{
	return under_a_tool() ? under_tools : plain;
}

/* Where a number of threads meet, again and again. */
struct meeting {
	unsigned int num;
	atomic_uint arrived;
};

/* Each thread of the meeting comes out of its call together with the others. */
static inline void meet(struct meeting *meeting)
{
	unsigned int before = atomic_fetch_add(&meeting->arrived, 1);
	unsigned int all = (before / meeting->num + 1) * meeting->num;
	unsigned int looks = 0;

	while (atomic_load(&meeting->arrived) < all)
		if (++looks % 256 == 0 || under_a_tool())
			sched_yield();
}

/*
 * To have something of one thread, in a round, fall amid a burst of another:
 * how long the burst waits follows from where it was hit in the last round.
 */
struct aim {
	atomic_int delay;
	atomic_int num_done; /* of the burst */
	int num_hits;
};

static inline void aim_wait(struct aim *aim)
{
	volatile int left = atomic_load(&aim->delay);

	while (left > 0)
		left--;
}

static inline void aim_correct(struct aim *aim, int num_done, int num_all)
{
	int delay = atomic_load(&aim->delay);

	if (num_done == 0)
		delay -= delay / 4;
	else if (num_done >= num_all)
		delay += delay / 4 + 16;
	else
		aim->num_hits++;
	atomic_store(&aim->delay, delay);
	atomic_store(&aim->num_done, 0);
}

/* Registered, with rubbish in the words that the library owns. */
static inline void
open_event(struct iv_event *event, void (*handler)(void *cookie), void *cookie)
{
	memset(event, 0xa5, sizeof(*event));
	event->cookie = cookie;
	event->handler = handler;
	MUST(iv_event_register(event) == 0);
}

static inline iv_event_handle
open_handle(struct iv_event *event, void (*handler)(void *cookie), void *cookie)
{
	iv_event_handle handle;

	open_event(event, handler, cookie);
	handle = iv_event_handle_of(event);
	MUST(handle != 0);

	return handle;
}

static inline void never_called(void *cookie)
{
	(void)cookie;
	abort();
}

#endif
