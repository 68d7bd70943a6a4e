/* SPDX-License-Identifier: MIT */
/*
 * timer_order.h - which of two timers is earlier
 *
 * By time of expiry as one number of nanoseconds, then by registration.
 */
#ifndef IV__TIMER_ORDER_H
#define IV__TIMER_ORDER_H

#include <stdbool.h>
#include <stdint.h>
#include <iv.h>
#include "timer_queue.h"

enum { IV__NSEC_PER_SEC = 1000000000 };

/* Times from here on are one time, some 544 years after the clock's start. */
#define IV__SEC_NEVER ((int64_t)1 << 34)

/* Negative times, nanoseconds of more than a second, the far future. */
static inline uint64_t iv__timer_odd_key(const struct timespec *expires)
{
	int64_t sec = expires->tv_sec;
	int64_t nsec = expires->tv_nsec % IV__NSEC_PER_SEC;

	if (sec > IV__SEC_NEVER)
		sec = IV__SEC_NEVER;
	if (sec < -IV__SEC_NEVER)
		sec = -IV__SEC_NEVER;
	sec += expires->tv_nsec / IV__NSEC_PER_SEC;
	if (nsec < 0) {
		nsec += IV__NSEC_PER_SEC;
		sec--;
	}

	if (sec < 0)
		return 0;
	if (sec >= IV__SEC_NEVER)
		return (uint64_t)IV__SEC_NEVER * IV__NSEC_PER_SEC;

	return (uint64_t)sec * IV__NSEC_PER_SEC + (uint64_t)nsec;
}

static inline uint64_t iv__timer_key(const struct iv_timer *timer)
{
	uint64_t sec = (uint64_t)timer->expires.tv_sec;
	uint64_t nsec = (uint64_t)timer->expires.tv_nsec;

	if (__builtin_expect(sec >= (uint64_t)IV__SEC_NEVER ||
				     nsec >= IV__NSEC_PER_SEC,
			     0))
		return iv__timer_odd_key(&timer->expires);

	return sec * IV__NSEC_PER_SEC + nsec;
}

/* Shifting the tag out leaves a difference that may wrap round. */
static inline bool
iv__timer_is_before(const struct iv_timer *a, const struct iv_timer *b)
{
	uint64_t a_ns = iv__timer_key(a);
	uint64_t b_ns = iv__timer_key(b);

	if (a_ns != b_ns)
		return a_ns < b_ns;

	return (intptr_t)((a->seq_ - b->seq_) << IV__TIMER_TAG_BITS) < 0;
}

#endif
