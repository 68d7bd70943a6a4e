/* SPDX-License-Identifier: MIT */
/*
 * timer_queue_bed.h - one queue, whose time is a number
 */
#ifndef TIMER_QUEUE_BED_H
#define TIMER_QUEUE_BED_H

#include <stdlib.h>
#include "harness.h"
#include "runtime/timer_queue.h"

#define SECOND UINT64_C(1000000000)
#define YEAR (365 * 24 * 3600 * SECOND)

enum { TAG = 0xa55a };

static struct iv__timer_queue queue;

static inline void set_time(struct iv_timer *timer, uint64_t ns)
{
	timer->expires.tv_sec = (time_t)(ns / SECOND);
	timer->expires.tv_nsec = (long)(ns % SECOND);
}

static inline void insert_at(struct iv_timer *timer, uint64_t ns)
{
	set_time(timer, ns);
	iv__timer_queue_insert(&queue, timer, TAG);
}

static inline struct iv_timer *new_timers(size_t num)
{
	struct iv_timer *timers = calloc(num, sizeof(*timers));

	assert_non_null(timers);

	return timers;
}

/* One pass at @now_ns must give these timers, in this order. */
static inline void
assert_pass(uint64_t now_ns, struct iv_timer *first, size_t num)
{
	iv__timer_queue_begin(&queue, now_ns);
	for (size_t i = 0; i < num; i++)
		assert_ptr_equal(iv__timer_queue_pop(&queue), first + i);
	assert_null(iv__timer_queue_pop(&queue));
}

static inline void assert_empty(void)
{
	uint64_t due_ns = 77;

	assert_false(iv__timer_queue_earliest(&queue, &due_ns));
	assert_int_equal(due_ns, 77);
	assert_pass(UINT64_MAX, NULL, 0);
}

static inline void close_queue(void)
{
	assert_empty();
	iv__timer_queue_destroy(&queue);
}

#endif
