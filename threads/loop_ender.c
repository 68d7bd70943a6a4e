/* SPDX-License-Identifier: MIT */
/*
 * loop_ender.c - have loops end, and wait for that
 *
 * E1 to E6 of loop_end.h. A join is an ender without an order: E1 without its
 * first half, then E3 to E5.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "deadline.h"
#include "lock.h"
#include "loop_ender.h"
#include "registry.h"
#include "semaphore.h"

/* How long the ended loop has, behind the deadline, to say what remains. */
enum { MOMENT_NS = 50000000 };

/* How often an order that is given to all looks for new ones. */
enum { LOOK_NS = 20000000 };

/* Waiting *****************************************************************/

static bool has_ended_locked(const struct iv__loop_slot *slot, iv_loop_id id)
{
	return slot == NULL || slot->not_ended != id;
}

/* Does one that is only joined, or told so now, wait for its threads? */
static bool waits_for_threads(const struct iv__loop_slot *slot, bool told_now)
{
	/* When it stops or closes it lets them go. */
	return (told_now || slot->end.told) && !slot->calls.stop &&
	       slot->end.stage != IV__END_CLOSING;
}

/* Threads of the loop itself that join it: it will wait for them now. */
static void refuse_own_threads_locked(struct iv__loop_slot *slot)
{
	struct iv__loop_waiter **link = &slot->waiters;
	struct iv__loop_waiter *waiter;

	if (!waits_for_threads(slot, true))
		return;

	while ((waiter = *link) != NULL) {
		if (!waiter->joins || waiter->creator != slot->not_ended) {
			link = &waiter->next;
			continue;
		}
		*link = waiter->next;
		waiter->told = IV__END_REFUSED;
		sem_post(&waiter->end);
	}
}

/* The first half of E1; what is to be posted. */
static iv_event_handle
tell_locked(struct iv__loop_slot *slot, const struct iv__end_order *order)
{
	struct iv__loop_end *end = &slot->end;

	if (order->cancel)
		end->cancel = true;
	if (order->deadline_ns >= 0 &&
	    (end->deadline_ns < 0 || order->deadline_ns < end->deadline_ns))
		end->deadline_ns = order->deadline_ns;
	end->told = true;
	refuse_own_threads_locked(slot);

	return slot->calls.bell;
}

int iv__ender_enlist(struct iv__ender *ender, iv_loop_id id,
		     const struct iv__end_order *order)
{
	struct iv__loop_slot *slot = iv__loop_slot_of(id);
	struct iv__loop_waiter *waiter = &ender->waiter;
	iv_event_handle bell = 0;

	ender->id = id;
	ender->next = NULL;
	if (order == NULL ||
	    iv_loop_get_name(id, ender->name, sizeof(ender->name)) < 0)
		ender->name[0] = 0;
	ender->remains.len = 0;
	ender->remains.full = false;
	waiter->told = IV__END_UNTOLD;
	waiter->joins = order == NULL;
	waiter->creator = iv__loop_creator()->id;
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

	ender->heard_of_nobody = bell == 0;
	if (bell != 0)
		iv_event_handle_post(bell);

	return 0;
}

void iv__end_tell(iv_loop_id id, const struct iv__end_order *order)
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

static void unlist_locked(struct iv__ender *ender)
{
	struct iv__loop_waiter **link = &iv__loop_slot_of(ender->id)->waiters;

	while (*link != &ender->waiter)
		link = &(*link)->next;
	*link = ender->waiter.next;
}

/*
 * A loop that created this thread, or one that created that of such a loop,
 * waits for its end when it is told to end; a pool's owner always does.
 */
static bool waits_for_thread_locked(const struct iv__ender *ender)
{
	const struct iv__creator *self = iv__loop_creator();
	bool of_pool = self->of_pool;
	iv_loop_id creator = self->id;

	while (creator != 0) {
		struct iv__loop_slot *slot = iv__loop_slot_of(creator);

		if (has_ended_locked(slot, creator))
			break;
		if (!of_pool && !waits_for_threads(slot, !ender->waiter.joins))
			break;
		if (iv__calls_circle_locked(ender->id, creator))
			return true;
		of_pool = slot->of_worker;
		creator = slot->creator;
	}

	return false;
}

/* E3: 0, or -EDEADLK, not in the list any more. */
static int begin_wait(struct iv__ender *ender)
{
	iv_loop_id self = iv__loop_own_id();
	int ret = 0;

	iv__lock();
	if (ender->waiter.told == IV__END_UNTOLD) {
		if ((self != 0 && iv__calls_circle_locked(ender->id, self)) ||
		    waits_for_thread_locked(ender)) {
			unlist_locked(ender);
			ret = -EDEADLK;
		} else if (self != 0) {
			iv__loop_slot_of(self)->calls.waits_for = ender->id;
		}
	}
	iv__unlock();

	return ret;
}

/* E5: 0, -ETIMEDOUT, or -EDEADLK. */
static int end_wait(struct iv__ender *ender)
{
	iv_loop_id self = iv__loop_own_id();
	int ret = 0;

	iv__lock();
	if (self != 0)
		iv__loop_slot_of(self)->calls.waits_for = 0;
	if (ender->waiter.told == IV__END_UNTOLD) {
		unlist_locked(ender);
		iv__loop_end_describe_locked(iv__loop_slot_of(ender->id),
					     &ender->remains);
	}
	if (ender->waiter.told == IV__END_REFUSED)
		ret = -EDEADLK;
	else if (ender->waiter.told != IV__END_ENDED)
		ret = -ETIMEDOUT;
	iv__unlock();

	return ret;
}

/* E4 */
static void await_end(struct iv__ender *ender, int64_t deadline_ns,
		      const struct iv__end_order *order)
{
	bool looks = order != NULL && order->look != NULL;
	int64_t left_ns;
	int64_t wait_ns;
	int ret;

	do {
		left_ns = iv__time_left_ns(deadline_ns);
		wait_ns = left_ns;
		if (looks && (left_ns < 0 || left_ns > LOOK_NS))
			wait_ns = LOOK_NS;
		ret = iv__sem_wait(&ender->waiter.end, wait_ns);
		if (ret < 0 && looks && wait_ns != left_ns)
			order->look(order);
	} while (ret < 0 && wait_ns != left_ns);
}

/* E3 to E5. No cancellation point, as the waiter may be on this stack. */
static int wait_for_end(struct iv__ender *ender, int64_t deadline_ns,
			const struct iv__end_order *order)
{
	int cancel_state;
	int ret;

	ret = begin_wait(ender);
	if (ret == 0) {
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
		await_end(ender, deadline_ns, order);
		pthread_setcancelstate(cancel_state, NULL);
		ret = end_wait(ender);
	}
	sem_destroy(&ender->waiter.end);

	return ret;
}

IV__PUBLIC int iv_loop_join(iv_loop_id id, int64_t timeout_ns)
{
	int64_t deadline_ns = iv__deadline_of(timeout_ns, MOMENT_NS);
	struct iv__ender ender;
	int ret;

	ret = iv__ender_enlist(&ender, id, NULL);

	return ret == 0 ? wait_for_end(&ender, deadline_ns, NULL) : ret;
}

/* Ending ******************************************************************/

/* A moment behind the deadline: the loop has the same, and says more. */
static int64_t
patience_of(const struct iv__ender *ender, const struct iv__end_order *order)
{
	return order->deadline_ns < 0 || ender->heard_of_nobody
		       ? order->deadline_ns
		       : order->deadline_ns + MOMENT_NS;
}

void iv__ender_name(const struct iv__ender *ender,
		    const struct iv__end_order *order, const char *what)
{
	char text[sizeof(ender->name) + sizeof(ender->remains.text) + 8];

	if (ender->name[0] == 0) {
		order->remains(order->cookie, ender->id, what);
		return;
	}
	snprintf(text, sizeof(text), "'%s': %s", ender->name, what);
	order->remains(order->cookie, ender->id, text);
}

/* E6 */
static void
name_remains(const struct iv__ender *ender, const struct iv__end_order *order)
{
	const char *line = ender->remains.text;

	if (order->remains == NULL)
		return;
	for (; line < ender->remains.text + ender->remains.len;
	     line += strlen(line) + 1)
		iv__ender_name(ender, order, line);
}

int iv__ender_finish(struct iv__ender *ender, const struct iv__end_order *order)
{
	int ret;

	ret = wait_for_end(ender, patience_of(ender, order), order);
	if (ret == -ETIMEDOUT)
		name_remains(ender, order);

	return ret;
}

static int end_one(iv_loop_id id, const struct iv__end_order *order)
{
	struct iv__ender ender;
	int ret;

	ret = iv__ender_enlist(&ender, id, order);

	return ret == 0 ? iv__ender_finish(&ender, order) : ret;
}

int iv__end_order_init(struct iv__end_order *order, int how, int64_t timeout_ns,
		       void (*remains)(void *cookie, iv_loop_id id,
				       const char *what),
		       void *cookie)
{
	if (how != IV_LOOP_CANCEL && how != IV_LOOP_DRAIN)
		return -EINVAL;

	order->cancel = how == IV_LOOP_CANCEL;
	order->deadline_ns = iv__deadline_of(timeout_ns, MOMENT_NS);
	order->remains = remains;
	order->cookie = cookie;
	order->look = NULL;

	return 0;
}

IV__PUBLIC int
iv_loop_end(iv_loop_id id, int how, int64_t timeout_ns,
	    void (*remains)(void *cookie, iv_loop_id id, const char *what),
	    void *cookie)
{
	struct iv__end_order order;
	int ret;

	ret = iv__end_order_init(&order, how, timeout_ns, remains, cookie);
	/* It may have nothing by which it could hear of its own order. */
	if (ret == 0 && id != 0 && id == iv_loop_self())
		ret = iv_loop_listen();

	return ret == 0 ? end_one(id, &order) : ret;
}
