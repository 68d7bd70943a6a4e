/* SPDX-License-Identifier: MIT */
/*
 * loop_end_all.c - have all loops end, those that open meanwhile too
 *
 * All are told before the first is waited for: they may wait for one another.
 */
#include <errno.h>
#include <stdlib.h>
#include <iv_list.h>
#include "deadline.h"
#include "loop_ender.h"
#include "registry.h"

/* Those that are waited for; more come while they are. */
struct crowd {
	struct iv__end_order order;
	struct iv__ender *first;
	struct iv__ender **end;
};

static bool is_among(const struct crowd *crowd, iv_loop_id id)
{
	const struct iv__ender *ender = crowd->first;

	while (ender != NULL && ender->id != id)
		ender = ender->next;

	return ender != NULL;
}

/* One for which there is no memory is told: others may wait for its end. */
static void join_crowd(struct crowd *crowd, iv_loop_id id)
{
	struct iv__ender *ender = malloc(sizeof(*ender));

	if (ender == NULL) {
		iv__end_tell(id, &crowd->order);
	} else if (iv__ender_enlist(ender, id, &crowd->order) < 0) {
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
static void enlist_new_ones(struct crowd *crowd)
{
	iv_loop_id self = iv__loop_own_id();
	iv_loop_id id;

	for (id = iv__loop_next_not_ended(0); id != 0;
	     id = iv__loop_next_not_ended(id)) {
		if (id != self && !is_among(crowd, id))
			join_crowd(crowd, id);
	}
}

static void look(const struct iv__end_order *order)
{
	enlist_new_ones(iv_container_of(order, struct crowd, order));
}

/* Does it, behind a wait for its end? */
static bool
does_remain(const struct crowd *crowd, const struct iv__ender *ender, int ret)
{
	if (ret == 0 || ret == -ESRCH)
		return false;
	if (ret == -EDEADLK && crowd->order.remains != NULL)
		iv__ender_name(ender, &crowd->order,
			       "it waits for this thread");

	return true;
}

/*
 * How many remain. There is one more look for new ones at the end, and not
 * another: who opens loops again and again would never let it return.
 */
static int finish_all(struct crowd *crowd)
{
	bool is_last_look = iv__time_left_ns(crowd->order.deadline_ns) == 0;
	struct iv__ender *ender;
	int num = 0;

	for (ender = crowd->first; ender != NULL; ender = ender->next) {
		int ret = iv__ender_finish(ender, &crowd->order);

		num += does_remain(crowd, ender, ret);
		if (ender->next == NULL && !is_last_look) {
			is_last_look = true;
			enlist_new_ones(crowd);
		}
	}

	return num;
}

/* Those for which there was no memory, one after the other. */
static int finish_rest(struct crowd *crowd)
{
	iv_loop_id self = iv__loop_own_id();
	struct iv__ender ender;
	iv_loop_id id;
	int num = 0;

	crowd->order.look = NULL;
	for (id = iv__loop_next_not_ended(0); id != 0;
	     id = iv__loop_next_not_ended(id)) {
		if (id == self || is_among(crowd, id) ||
		    iv__ender_enlist(&ender, id, &crowd->order) < 0)
			continue;
		num += does_remain(crowd, &ender,
				   iv__ender_finish(&ender, &crowd->order));
	}

	return num;
}

static void disperse(struct crowd *crowd)
{
	struct iv__ender *ender;

	while ((ender = crowd->first) != NULL) {
		crowd->first = ender->next;
		free(ender);
	}
}

static int end_all(struct crowd *crowd)
{
	int num;

	crowd->order.look = look;
	crowd->first = NULL;
	crowd->end = &crowd->first;
	enlist_new_ones(crowd);
	num = finish_all(crowd);
	num += finish_rest(crowd);
	disperse(crowd);

	return num;
}

IV__PUBLIC int
iv_loop_end_all(int how, int64_t timeout_ns,
		void (*remains)(void *cookie, iv_loop_id id, const char *what),
		void *cookie)
{
	struct crowd crowd;
	int ret;

	ret = iv__end_order_init(&crowd.order, how, timeout_ns, remains,
				 cookie);

	return ret == 0 ? end_all(&crowd) : ret;
}
