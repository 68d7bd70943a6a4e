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
#include <stdlib.h>
#include <string.h>
#include "deadline.h"
#include "lock.h"
#include "registry.h"
#include "semaphore.h"

/* How long the ended loop has, behind the deadline, to say what remains. */
enum { MOMENT_NS = 50000000 };

/* While it waits for all, iv_loop_end_all() looks this often for new ones. */
enum { LOOK_NS = 20000000 };

/* Waiting *****************************************************************/

struct order {
	bool cancel;
	int64_t deadline_ns;
	void (*remains)(void *cookie, iv_loop_id id, const char *what);
	void *cookie;
};

/* One loop whose end is waited for. */
struct ender {
	struct ender *next; /* of a crowd */
	iv_loop_id id;
	bool heard_of_nobody; /* it had no bell */
	struct iv__loop_waiter waiter;
	struct iv__remains remains;
	char name[IV_LOOP_NAME_SIZE]; /* the loop's goes before it has ended */
};

/* Those that iv_loop_end_all() waits for; more come while it does. */
struct crowd {
	struct ender *first;
	struct ender **end;
};

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
tell_locked(struct iv__loop_slot *slot, const struct order *order)
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

/* E1 and E2; @order: NULL for a join. 0, or -ESRCH. */
static int enlist(struct ender *ender, iv_loop_id id, const struct order *order)
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

static void unlist_locked(struct ender *ender)
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
static bool waits_for_thread_locked(const struct ender *ender)
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
static int begin_wait(struct ender *ender)
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
static int end_wait(struct ender *ender)
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

static void enlist_new_ones(struct crowd *crowd, const struct order *order);

/* E4 */
static void await_end(struct ender *ender, int64_t deadline_ns,
		      const struct order *order, struct crowd *crowd)
{
	int64_t left_ns;
	int64_t wait_ns;
	int ret;

	do {
		left_ns = iv__time_left_ns(deadline_ns);
		wait_ns = left_ns;
		if (crowd != NULL && (left_ns < 0 || left_ns > LOOK_NS))
			wait_ns = LOOK_NS;
		ret = iv__sem_wait(&ender->waiter.end, wait_ns);
		if (ret < 0 && crowd != NULL && wait_ns != left_ns)
			enlist_new_ones(crowd, order);
	} while (ret < 0 && wait_ns != left_ns);
}

/* E3 to E5. No cancellation point, as the waiter may be on this stack. */
static int wait_for_end(struct ender *ender, int64_t deadline_ns,
			const struct order *order, struct crowd *crowd)
{
	int cancel_state;
	int ret;

	ret = begin_wait(ender);
	if (ret == 0) {
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
		await_end(ender, deadline_ns, order, crowd);
		pthread_setcancelstate(cancel_state, NULL);
		ret = end_wait(ender);
	}
	sem_destroy(&ender->waiter.end);

	return ret;
}

IV__PUBLIC int iv_loop_join(iv_loop_id id, int64_t timeout_ns)
{
	int64_t deadline_ns = iv__deadline_of(timeout_ns, MOMENT_NS);
	struct ender ender;
	int ret;

	ret = enlist(&ender, id, NULL);

	return ret == 0 ? wait_for_end(&ender, deadline_ns, NULL, NULL) : ret;
}

/* Ending ******************************************************************/

/* A moment behind the deadline: the loop has the same, and says more. */
static int64_t patience_of(const struct ender *ender, const struct order *order)
{
	return order->deadline_ns < 0 || ender->heard_of_nobody
		       ? order->deadline_ns
		       : order->deadline_ns + MOMENT_NS;
}

static void
name_one(const struct ender *ender, const struct order *order, const char *what)
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
static void name_remains(const struct ender *ender, const struct order *order)
{
	const char *line = ender->remains.text;

	if (order->remains == NULL)
		return;
	for (; line < ender->remains.text + ender->remains.len;
	     line += strlen(line) + 1)
		name_one(ender, order, line);
}

/* E3 to E6 */
static int
finish(struct ender *ender, const struct order *order, struct crowd *crowd)
{
	int ret;

	ret = wait_for_end(ender, patience_of(ender, order), order, crowd);
	if (ret == -ETIMEDOUT)
		name_remains(ender, order);

	return ret;
}

static int end_one(iv_loop_id id, const struct order *order)
{
	struct ender ender;
	int ret;

	ret = enlist(&ender, id, order);

	return ret == 0 ? finish(&ender, order, NULL) : ret;
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
		.deadline_ns = iv__deadline_of(timeout_ns, MOMENT_NS),
		.remains = remains,
		.cookie = cookie,
	};

	if (!is_way(how))
		return -EINVAL;
	/* It may have nothing by which it could hear of its own order. */
	if (id != 0 && id == iv_loop_self()) {
		int ret = iv_loop_listen();

		if (ret < 0)
			return ret;
	}

	return end_one(id, &order);
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

static bool is_among(const struct crowd *crowd, iv_loop_id id)
{
	const struct ender *ender = crowd->first;

	while (ender != NULL && ender->id != id)
		ender = ender->next;

	return ender != NULL;
}

/* One for which there is no memory is told: others may wait for its end. */
static void
join_crowd(struct crowd *crowd, iv_loop_id id, const struct order *order)
{
	struct ender *ender = malloc(sizeof(*ender));

	if (ender == NULL) {
		tell(id, order);
	} else if (enlist(ender, id, order) < 0) {
		free(ender);
	} else {
		*crowd->end = ender;
		crowd->end = &ender->next;
	}
}

/*
 * Those that are there, and later those that have opened since: one of the
 * first may wait for a thread that has opened one of the last.
 */
static void enlist_new_ones(struct crowd *crowd, const struct order *order)
{
	iv_loop_id self = iv__loop_own_id();
	iv_loop_id id;

	for (id = iv__loop_next_not_ended(0); id != 0;
	     id = iv__loop_next_not_ended(id)) {
		if (id != self && !is_among(crowd, id))
			join_crowd(crowd, id, order);
	}
}

static bool
does_remain(const struct ender *ender, int ret, const struct order *order)
{
	if (ret == 0 || ret == -ESRCH)
		return false;
	if (ret == -EDEADLK && order->remains != NULL)
		name_one(ender, order, "it waits for this thread");

	return true;
}

/*
 * How many remain. There is one more look for new ones at the end, and not
 * another: who opens loops again and again would never let it return.
 */
static int finish_all(struct crowd *crowd, const struct order *order)
{
	bool is_last_look = iv__time_left_ns(order->deadline_ns) == 0;
	struct ender *ender;
	int num = 0;

	for (ender = crowd->first; ender != NULL; ender = ender->next) {
		num += does_remain(ender, finish(ender, order, crowd), order);
		if (ender->next == NULL && !is_last_look) {
			is_last_look = true;
			enlist_new_ones(crowd, order);
		}
	}

	return num;
}

/* Those for which there was no memory, one after the other. */
static int finish_rest(struct crowd *crowd, const struct order *order)
{
	iv_loop_id self = iv__loop_own_id();
	struct ender ender;
	iv_loop_id id;
	int num = 0;

	for (id = iv__loop_next_not_ended(0); id != 0;
	     id = iv__loop_next_not_ended(id)) {
		if (id == self || is_among(crowd, id) ||
		    enlist(&ender, id, order) < 0)
			continue;
		num += does_remain(&ender, finish(&ender, order, NULL), order);
	}

	return num;
}

static void disperse(struct crowd *crowd)
{
	struct ender *ender;

	while ((ender = crowd->first) != NULL) {
		crowd->first = ender->next;
		free(ender);
	}
}

static int end_all(const struct order *order)
{
	struct crowd crowd = { .first = NULL };
	int num;

	crowd.end = &crowd.first;
	enlist_new_ones(&crowd, order);
	num = finish_all(&crowd, order);
	num += finish_rest(&crowd, order);
	disperse(&crowd);

	return num;
}

IV__PUBLIC int
iv_loop_end_all(int how, int64_t timeout_ns,
		void (*remains)(void *cookie, iv_loop_id id, const char *what),
		void *cookie)
{
	struct order order = {
		.cancel = how == IV_LOOP_CANCEL,
		.deadline_ns = iv__deadline_of(timeout_ns, MOMENT_NS),
		.remains = remains,
		.cookie = cookie,
	};

	return is_way(how) ? end_all(&order) : -EINVAL;
}
