/* SPDX-License-Identifier: MIT */
/*
 * timer.c - the timers of a loop
 *
 * A timer is registered when pprev_ is set. A loop's tag in its seq_ tells it
 * from those of other loops.
 */
#include "loop.h"

IV__PUBLIC void IV_TIMER_INIT(struct iv_timer *timer)
{
	timer->next_ = NULL;
	timer->pprev_ = NULL;
	timer->child_ = NULL;
	timer->seq_ = 0;
}

IV__PUBLIC void iv_timer_register(struct iv_timer *timer)
{
	struct iv__loop *loop = iv__loop_self("iv_timer_register");

	if (timer->pprev_ != NULL)
		iv_fatal("iv_timer_register: the timer is registered already; "
			 "wait for its handler or unregister it first (and "
			 "IV_TIMER_INIT() it before its first use)");

	loop->numobjs++;
	iv__timer_queue_insert(&loop->timers, timer, (uint16_t)loop->tag);
}

IV__PUBLIC void iv_timer_unregister(struct iv_timer *timer)
{
	struct iv__loop *loop = iv__loop_self("iv_timer_unregister");

	if (timer->pprev_ == NULL)
		iv_fatal("iv_timer_unregister: the timer is not registered; "
			 "ask iv_timer_registered() when in doubt (a timer "
			 "whose handler has started is not)");
	if ((timer->seq_ & ~IV__TIMER_SEQ_MASK) != IV__TIMER_TAG(loop->tag))
		iv_fatal("iv_timer_unregister: the timer belongs to another "
			 "thread's loop; make this call there");

	loop->numobjs--;
	iv__timer_queue_remove(&loop->timers, timer);
}

IV__PUBLIC int iv_timer_registered(const struct iv_timer *timer)
{
	return timer->pprev_ != NULL;
}

/*
 * Run what is due. A handler may run a loop inside, which comes back here and
 * may take what is left of this pass.
 */
void iv__timers_run(struct iv__loop *loop)
{
	const struct timespec *now;
	struct iv_timer *timer;
	uint64_t due_ns;

	if (!iv__timer_queue_earliest(&loop->timers, &due_ns))
		return;

	now = iv__loop_now(loop);
	iv__timer_queue_begin(&loop->timers,
			      (uint64_t)now->tv_sec * 1000000000 +
				      (uint64_t)now->tv_nsec);
	while ((timer = iv__timer_queue_pop(&loop->timers)) != NULL) {
		loop->numobjs--;
		timer->handler(timer->cookie);
	}
}
