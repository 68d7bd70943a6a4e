/* SPDX-License-Identifier: MIT */
/*
 * loop_ender.h - an order to end, and one loop whose end is waited for
 *
 * E1 to E6 of loop_end.h, for those that end one loop and those that end all.
 */
#ifndef IV__LOOP_ENDER_H
#define IV__LOOP_ENDER_H

#include <stdbool.h>
#include <stdint.h>
#include <iv_loop.h>
#include "loop_end.h"

struct iv__end_order {
	bool cancel;
	int64_t deadline_ns; /* negative: none */
	void (*remains)(void *cookie, iv_loop_id id, const char *what);
	void *cookie;
	/* NULL, or called now and then while the wait goes on */
	void (*look)(const struct iv__end_order *order);
};

struct iv__ender {
	struct iv__ender *next; /* of a crowd: loop_end_all.c */
	iv_loop_id id;
	bool heard_of_nobody; /* it had no bell */
	struct iv__loop_waiter waiter;
	struct iv__remains remains;
	char name[IV_LOOP_NAME_SIZE]; /* the loop's goes before it has ended */
};

/* What the public calls are given, @look not set; -EINVAL: @how is no way. */
int iv__end_order_init(struct iv__end_order *order, int how, int64_t timeout_ns,
		       void (*remains)(void *cookie, iv_loop_id id,
				       const char *what),
		       void *cookie);

/* E1 and E2; @order: NULL for a join. 0, or -ESRCH. */
int iv__ender_enlist(struct iv__ender *ender, iv_loop_id id,
		     const struct iv__end_order *order);

/* E1 and E2 without the list. */
void iv__end_tell(iv_loop_id id, const struct iv__end_order *order);

/* E3 to E6: 0, -ETIMEDOUT, or -EDEADLK. */
int iv__ender_finish(struct iv__ender *ender,
		     const struct iv__end_order *order);

/* One line of E6. */
void iv__ender_name(const struct iv__ender *ender,
		    const struct iv__end_order *order, const char *what);

#endif
