/* SPDX-License-Identifier: MIT */
/*
 * loop_end.c - stop loops from outside, and wait for their end
 *
 * Everything stands under iv__lock(): a loop has not ended while not_ended of
 * its registry slot is its number, and who waits for that is in the list
 * beside it, which iv__loop_ended() empties in the same critical section.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include "lock.h"
#include "registry.h"
#include "semaphore.h"

struct iv__loop_waiter {
	struct iv__loop_waiter *next; /* m */
	bool told;		      /* m */
	sem_t ended;
};

void iv__loop_ended(struct iv__loop_slot *slot)
{
	struct iv__loop_waiter *waiter;
	struct iv__loop_waiter *next;

	iv__lock();
	slot->not_ended = 0;
	/* A waiter is gone once the lock is free and it is told. */
	for (waiter = slot->waiters; waiter != NULL; waiter = next) {
		next = waiter->next;
		waiter->told = true;
		sem_post(&waiter->ended);
	}
	slot->waiters = NULL;
	iv__unlock();
}

/* Stopping ****************************************************************/

IV__PUBLIC int iv_loop_stop(iv_loop_id id)
{
	iv_event_handle bell = 0;
	int ret;

	iv__lock();
	ret = iv__calls_check_locked(id);
	if (ret == 0 || ret == -ENOTCONN) {
		struct iv__calls *calls = &iv__loop_slot_of(id)->calls;

		calls->stop = true;
		bell = calls->bell;
	}
	iv__unlock();

	if (ret == 0)
		iv_event_handle_post(bell);

	return ret;
}

IV__PUBLIC int iv_loop_stopped(void)
{
	const struct iv__loop *loop = iv__loop_self("iv_loop_stopped");
	struct iv__loop_slot *slot = iv__loop_slot_of(loop->last_id);
	int stop;

	iv__lock();
	stop = slot->calls.stop;
	iv__unlock();

	return stop;
}

/* Waiting *****************************************************************/

/* 0: in the list; else what iv_loop_join() returns. */
static int begin_wait_locked(iv_loop_id id, struct iv__loop_waiter *waiter)
{
	struct iv__loop_slot *slot = iv__loop_slot_of(id);
	iv_loop_id self = iv_loop_self();

	if (slot == NULL || slot->not_ended != id)
		return -ESRCH;
	if (self != 0) {
		if (iv__calls_circle_locked(id, self))
			return -EDEADLK;
		iv__loop_slot_of(self)->calls.waits_for = id;
	}

	waiter->next = slot->waiters;
	slot->waiters = waiter;

	return 0;
}

/* 0, or -ETIMEDOUT. */
static int end_wait_locked(iv_loop_id id, struct iv__loop_waiter *waiter)
{
	struct iv__loop_waiter **link = &iv__loop_slot_of(id)->waiters;
	iv_loop_id self = iv_loop_self();

	if (self != 0)
		iv__loop_slot_of(self)->calls.waits_for = 0;
	if (waiter->told)
		return 0;

	while (*link != waiter)
		link = &(*link)->next;
	*link = waiter->next;

	return -ETIMEDOUT;
}

/* No cancellation point, as the waiter is on this stack. */
static int wait_for_end(iv_loop_id id, int64_t timeout_ns)
{
	struct iv__loop_waiter waiter = { .told = false };
	int cancel_state;
	int ret;

	if (sem_init(&waiter.ended, 0, 0) < 0)
		return -errno;

	iv__lock();
	ret = begin_wait_locked(id, &waiter);
	iv__unlock();
	if (ret == 0) {
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
		iv__sem_wait(&waiter.ended, timeout_ns);
		pthread_setcancelstate(cancel_state, NULL);
		iv__lock();
		ret = end_wait_locked(id, &waiter);
		iv__unlock();
	}
	sem_destroy(&waiter.ended);

	return ret;
}

IV__PUBLIC int iv_loop_join(iv_loop_id id, int64_t timeout_ns)
{
	return wait_for_end(id, timeout_ns);
}

/* All *********************************************************************/

static int64_t now_ns(void)
{
	return (int64_t)iv__clock_ns();
}

/* Negative: for ever, or as good as that. */
static int64_t deadline_of(int64_t timeout_ns)
{
	int64_t now = now_ns();

	return timeout_ns < 0 || timeout_ns > INT64_MAX - now
		       ? -1
		       : now + timeout_ns;
}

/* What is left until @deadline_ns; negative, for ever, stays so. */
static int64_t time_left_ns(int64_t deadline_ns)
{
	int64_t left_ns;

	if (deadline_ns < 0)
		return -1;

	left_ns = deadline_ns - now_ns();

	return left_ns > 0 ? left_ns : 0;
}

IV__PUBLIC int
iv_loop_stop_all(int64_t timeout_ns,
		 void (*remains)(void *cookie, iv_loop_id id), void *cookie)
{
	int64_t deadline_ns = deadline_of(timeout_ns);
	iv_loop_id self = iv_loop_self();
	iv_loop_id id;
	int num = 0;

	for (id = iv__loop_next_not_ended(0); id != 0;
	     id = iv__loop_next_not_ended(id)) {
		if (id != self)
			iv_loop_stop(id);
	}

	for (id = iv__loop_next_not_ended(0); id != 0;
	     id = iv__loop_next_not_ended(id)) {
		int ret;

		if (id == self)
			continue;
		/* It may have opened behind the first round. */
		iv_loop_stop(id);
		ret = wait_for_end(id, time_left_ns(deadline_ns));
		if (ret == 0 || ret == -ESRCH)
			continue;
		num++;
		if (remains != NULL)
			remains(cookie, id);
	}

	return num;
}
