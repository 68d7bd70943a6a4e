/* SPDX-License-Identifier: MIT */
/*
 * loop_ender.c - have loops end, and wait for that
 *
 * E1 to E6 of loop_end.h. A join is an ender without an order: E1 without its
 * first half, then E3 to E5.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "lock.h"
#include "registry.h"
#include "semaphore.h"

/* How long the ended loop has, behind the deadline, to say what remains. */
enum { MOMENT_NS = 50000000 };

/* Time ********************************************************************/

static int64_t now_ns(void)
{
	return (int64_t)iv__clock_ns();
}

/* Negative: for ever, or as good as that. */
static int64_t deadline_of(int64_t timeout_ns)
{
	int64_t now = now_ns();

	return timeout_ns < 0 || timeout_ns > INT64_MAX - MOMENT_NS - now
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

/* Waiting *****************************************************************/

struct order {
	bool cancel;
	int64_t deadline_ns;
	void (*remains)(void *cookie, iv_loop_id id, const char *what);
	void *cookie;
};

/* One loop whose end is waited for. */
struct ender {
	struct ender *next; /* iv_loop_end_all()'s */
	iv_loop_id id;
	struct iv__loop_waiter waiter;
	struct iv__remains remains;
};

static bool has_ended_locked(const struct iv__loop_slot *slot, iv_loop_id id)
{
	return slot == NULL || slot->not_ended != id;
}

/* The first half of E1; what is to be posted. */
static iv_event_handle
tell_locked(struct iv__loop_slot *slot, const struct order *order)
{
	struct iv__loop_end *end = &slot->end;

	if (order->cancel)
		end->cancel = true;
	if (order->deadline_ns >= 0 &&
	    (end->deadline_ns < 0 || order->deadline_ns < end->deadline_ns))
		end->deadline_ns = order->deadline_ns;
	end->told = true;

	return slot->calls.bell;
}

/* E1 and E2; @order: NULL for a join. 0, or -ESRCH. */
static int enlist(struct ender *ender, iv_loop_id id, const struct order *order)
{
	struct iv__loop_slot *slot = iv__loop_slot_of(id);
	struct iv__loop_waiter *waiter = &ender->waiter;
	iv_event_handle bell = 0;

	ender->id = id;
	ender->remains.len = 0;
	ender->remains.full = false;
	waiter->told = IV__END_UNTOLD;
	waiter->joins = order == NULL;
	waiter->remains = &ender->remains;

	iv__lock();
	if (has_ended_locked(slot, id)) {
		iv__unlock();
		return -ESRCH;
	}
	if (order != NULL)
		bell = tell_locked(slot, order);
	sem_init(&waiter->end, 0, 0);
	waiter->next = slot->waiters;
	slot->waiters = waiter;
	iv__unlock();

	if (bell != 0)
		iv_event_handle_post(bell);

	return 0;
}

static void unlist_locked(struct ender *ender)
{
	struct iv__loop_waiter **link = &iv__loop_slot_of(ender->id)->waiters;

	while (*link != &ender->waiter)
		link = &(*link)->next;
	*link = ender->waiter.next;
}

/* E3: 0, or -EDEADLK, not in the list any more. */
static int begin_wait(struct ender *ender)
{
	iv_loop_id self = iv_loop_self();
	int ret = 0;

	if (self == 0)
		return 0;

	iv__lock();
	if (ender->waiter.told == IV__END_UNTOLD) {
		if (iv__calls_circle_locked(ender->id, self)) {
			unlist_locked(ender);
			ret = -EDEADLK;
		} else {
			iv__loop_slot_of(self)->calls.waits_for = ender->id;
		}
	}
	iv__unlock();

	return ret;
}

/* E5: 0, or -ETIMEDOUT. */
static int end_wait(struct ender *ender)
{
	iv_loop_id self = iv_loop_self();
	int ret = 0;

	iv__lock();
	if (self != 0)
		iv__loop_slot_of(self)->calls.waits_for = 0;
	if (ender->waiter.told == IV__END_UNTOLD) {
		unlist_locked(ender);
		iv__loop_end_describe_locked(iv__loop_slot_of(ender->id),
					     &ender->remains);
	}
	if (ender->waiter.told != IV__END_ENDED)
		ret = -ETIMEDOUT;
	iv__unlock();

	return ret;
}

/* E3 to E5. No cancellation point, as the waiter may be on this stack. */
static int wait_for_end(struct ender *ender, int64_t deadline_ns)
{
	int cancel_state;
	int ret;

	ret = begin_wait(ender);
	if (ret == 0) {
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
		iv__sem_wait(&ender->waiter.end, time_left_ns(deadline_ns));
		pthread_setcancelstate(cancel_state, NULL);
		ret = end_wait(ender);
	}
	sem_destroy(&ender->waiter.end);

	return ret;
}

IV__PUBLIC int iv_loop_join(iv_loop_id id, int64_t timeout_ns)
{
	int64_t deadline_ns = deadline_of(timeout_ns);
	struct ender ender;
	int ret;

	ret = enlist(&ender, id, NULL);

	return ret == 0 ? wait_for_end(&ender, deadline_ns) : ret;
}

/* Ending ******************************************************************/

/* A moment behind the deadline: the loop has the same, and says more. */
static int64_t patience_of(const struct order *order)
{
	return order->deadline_ns < 0 ? -1 : order->deadline_ns + MOMENT_NS;
}

/* E6 */
static void name_remains(const struct ender *ender, const struct order *order)
{
	const char *line = ender->remains.text;

	if (order->remains == NULL)
		return;
	for (; line < ender->remains.text + ender->remains.len;
	     line += strlen(line) + 1)
		order->remains(order->cookie, ender->id, line);
}

/* E3 to E6 */
static int finish(struct ender *ender, const struct order *order)
{
	int ret;

	ret = wait_for_end(ender, patience_of(order));
	if (ret == -ETIMEDOUT)
		name_remains(ender, order);

	return ret;
}

static int end_one(iv_loop_id id, const struct order *order)
{
	struct ender ender;
	int ret;

	ret = enlist(&ender, id, order);

	return ret == 0 ? finish(&ender, order) : ret;
}

static bool is_way(int how)
{
	return how == IV_LOOP_CANCEL || how == IV_LOOP_DRAIN;
}

IV__PUBLIC int
iv_loop_end(iv_loop_id id, int how, int64_t timeout_ns,
	    void (*remains)(void *cookie, iv_loop_id id, const char *what),
	    void *cookie)
{
	struct order order = {
		.cancel = how == IV_LOOP_CANCEL,
		.deadline_ns = deadline_of(timeout_ns),
		.remains = remains,
		.cookie = cookie,
	};

	return is_way(how) ? end_one(id, &order) : -EINVAL;
}

/* All *********************************************************************/

/* E1 and E2 without the list. */
static void tell(iv_loop_id id, const struct order *order)
{
	struct iv__loop_slot *slot = iv__loop_slot_of(id);
	iv_event_handle bell = 0;

	iv__lock();
	if (!has_ended_locked(slot, id))
		bell = tell_locked(slot, order);
	iv__unlock();

	if (bell != 0)
		iv_event_handle_post(bell);
}

/*
 * Those that are there. One for which there is no memory is told, for others
 * may wait for it, and waited for later.
 */
static struct ender *enlist_all(const struct order *order)
{
	iv_loop_id self = iv_loop_self();
	struct ender *enders = NULL;
	struct ender *ender;
	iv_loop_id id;

	for (id = iv__loop_next_not_ended(0); id != 0;
	     id = iv__loop_next_not_ended(id)) {
		if (id == self)
			continue;
		ender = malloc(sizeof(*ender));
		if (ender == NULL) {
			tell(id, order);
			continue;
		}
		if (enlist(ender, id, order) < 0) {
			free(ender);
			continue;
		}
		ender->next = enders;
		enders = ender;
	}

	return enders;
}

static bool does_remain(iv_loop_id id, int ret, const struct order *order)
{
	if (ret == 0 || ret == -ESRCH)
		return false;
	if (ret == -EDEADLK && order->remains != NULL)
		order->remains(order->cookie, id,
			       "it waits for the loop of this thread");

	return true;
}

static bool is_among(const struct ender *enders, iv_loop_id id)
{
	while (enders != NULL && enders->id != id)
		enders = enders->next;

	return enders != NULL;
}

/* And those that have opened since. */
static int finish_all(struct ender *enders, const struct order *order)
{
	iv_loop_id self = iv_loop_self();
	struct ender *ender;
	iv_loop_id id;
	int num = 0;

	for (ender = enders; ender != NULL; ender = ender->next)
		num += does_remain(ender->id, finish(ender, order), order);
	for (id = iv__loop_next_not_ended(0); id != 0;
	     id = iv__loop_next_not_ended(id)) {
		if (id != self && !is_among(enders, id))
			num += does_remain(id, end_one(id, order), order);
	}
	while ((ender = enders) != NULL) {
		enders = ender->next;
		free(ender);
	}

	return num;
}

IV__PUBLIC int
iv_loop_end_all(int how, int64_t timeout_ns,
		void (*remains)(void *cookie, iv_loop_id id, const char *what),
		void *cookie)
{
	struct order order = {
		.cancel = how == IV_LOOP_CANCEL,
		.deadline_ns = deadline_of(timeout_ns),
		.remains = remains,
		.cookie = cookie,
	};

	return is_way(how) ? finish_all(enlist_all(&order), &order) : -EINVAL;
}
