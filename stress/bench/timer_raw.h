/* SPDX-License-Identifier: MIT */
/* Adapter of the timer cases: the hand-written heap. */
#include "raw_heap.h"

struct peer_timer {
	struct raw_timer raw;
};

static struct raw_heap heap;
static uint64_t base_ns;

static void timers_open(void)
{
	base_ns = wall_ns();
}

/* Delays count from here on. */
static void timers_base(void)
{
	base_ns = wall_ns();
}

/* Runs what is due; all of it is, or it would return too early. */
static void timers_run(void)
{
	raw_heap_expire(&heap, wall_ns());
}

static void timers_stop(void)
{
}

static void
timer_open(struct peer_timer *timer, void (*handler)(void *), void *cookie)
{
	timer->raw.handler = handler;
	timer->raw.cookie = cookie;
}

static inline void timer_insert(struct peer_timer *timer, uint64_t delay_ns)
{
	timer->raw.expires_ns = base_ns + delay_ns;
	raw_heap_insert(&heap, &timer->raw);
}

static inline void timer_cancel(struct peer_timer *timer)
{
	raw_heap_remove(&heap, &timer->raw);
}
