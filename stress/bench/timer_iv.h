/* SPDX-License-Identifier: MIT */
/*
 * Adapter of the timer cases: ivykis. Compiled twice, once against this
 * project's header and library and once against the system's.
 */
#include <iv.h>

struct peer_timer {
	struct iv_timer iv;
};

static struct timespec base;

/* Delays count from here on. */
static void timers_base(void)
{
	iv_invalidate_now();
	base = iv_now;
}

static void timers_open(void)
{
	iv_init();
	timers_base();
}

static void timers_run(void)
{
	iv_invalidate_now();
	iv_main();
}

static void timers_stop(void)
{
	iv_quit();
}

static void
timer_open(struct peer_timer *timer, void (*handler)(void *), void *cookie)
{
	IV_TIMER_INIT(&timer->iv);
	timer->iv.handler = handler;
	timer->iv.cookie = cookie;
}

static inline void timer_insert(struct peer_timer *timer, uint64_t delay_ns)
{
	uint64_t ns = (uint64_t)base.tv_nsec + delay_ns;

	timer->iv.expires.tv_sec = base.tv_sec + (time_t)(ns / 1000000000u);
	timer->iv.expires.tv_nsec = (long)(ns % 1000000000u);
	iv_timer_register(&timer->iv);
}

static inline void timer_cancel(struct peer_timer *timer)
{
	iv_timer_unregister(&timer->iv);
}
