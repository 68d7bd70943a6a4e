/* SPDX-License-Identifier: MIT */
/*
 * clock.c - the monotonic clock and each loop's cached reading of it
 */
#include <limits.h>
#include "loop.h"

static struct timespec read_clock(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		iv_fatal("clock_gettime: the system has no monotonic clock");

	return now;
}

uint64_t iv__clock_ns(void)
{
	struct timespec now = read_clock();

	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int iv__clock_to_ms(int64_t timeout_ns)
{
	int64_t ms;

	if (timeout_ns <= 0)
		return timeout_ns < 0 ? -1 : 0;

	ms = (timeout_ns - 1) / 1000000 + 1;

	return ms < INT_MAX ? (int)ms : INT_MAX;
}

const struct timespec *iv__loop_now(struct iv__loop *loop)
{
	if (!loop->now_valid) {
		loop->now = read_clock();
		loop->now_valid = true;
	}

	return &loop->now;
}

IV__PUBLIC const struct timespec *__iv_now_location_valid(void)
{
	return iv__loop_now(iv__loop_self("iv_now"));
}

/* Programs built for old releases call iv_validate_now() and then this. */
IV__PUBLIC const struct timespec *__iv_now_location(void)
{
	return iv__loop_now(iv__loop_self("iv_now"));
}

IV__PUBLIC void iv_invalidate_now(void)
{
	iv__loop_self("iv_invalidate_now")->now_valid = false;
}

#undef iv_validate_now
IV__PUBLIC void iv_validate_now(void)
{
	iv__loop_now(iv__loop_self("iv_validate_now"));
}
