/* SPDX-License-Identifier: MIT */
/*
 * deadline.h - one time by which several waits have to be over
 *
 * Nanoseconds of the monotonic clock; negative: never.
 */
#ifndef IV__DEADLINE_H
#define IV__DEADLINE_H

#include <stdint.h>
#include "../runtime/loop.h"

/* Never, too, when it would leave no room for @spare_ns behind it. */
static inline int64_t iv__deadline_of(int64_t timeout_ns, int64_t spare_ns)
{
	int64_t now_ns = (int64_t)iv__clock_ns();

	return timeout_ns < 0 || timeout_ns > INT64_MAX - spare_ns - now_ns
		       ? -1
		       : now_ns + timeout_ns;
}

/* What is left until @deadline_ns; negative, for ever, stays so. */
static inline int64_t iv__time_left_ns(int64_t deadline_ns)
{
	int64_t left_ns;

	if (deadline_ns < 0)
		return -1;

	left_ns = deadline_ns - (int64_t)iv__clock_ns();

	return left_ns > 0 ? left_ns : 0;
}

#endif
