/* SPDX-License-Identifier: MIT */
/*
 * stress_work_item.c - items, and what they do as their pool's temper wants
 */
#include <sched.h>
#include <stdlib.h>
#include "stress_work.h"

static void work(void *cookie);
static void complete(void *cookie);

struct item *work_item_make(struct ground *ground, struct stress_rng *rng)
{
	struct item *item = stress_allocate(sizeof(*item));

	IV_WORK_ITEM_INIT(&item->work);
	item->ground = ground;
	stress_rng_init(&item->rng, stress_random(rng, UINT32_MAX));
	item->work.cookie = item;
	item->work.work = work;
	if (ground->patient || stress_chance(rng, 80)) {
		item->work.completion = complete;
		return item;
	}

	pthread_mutex_lock(&ground->lock);
	item->next = ground->silent;
	ground->silent = item;
	pthread_mutex_unlock(&ground->lock);

	return item;
}

static void submit_continuation(struct item *item)
{
	struct ground *ground = item->ground;
	struct item *next = work_item_make(ground, &item->rng);

	next->depth = item->depth + 1;
	atomic_fetch_add(&ground->continued, 1);
	if (next->work.completion != NULL)
		atomic_fetch_add(&ground->continued_to_complete, 1);
	iv_work_pool_submit_continuation(&ground->pool, &next->work);
}

static void work(void *cookie)
{
	struct item *item = cookie;
	struct ground *ground = item->ground;

	item->runs++;
	atomic_fetch_add(&ground->worked, 1);
	stress_jitter(&item->rng);

	while (item->blocks && !atomic_load(&ground->released))
		sched_yield();
	if (ground->temper == CONTINUES && item->depth < 3) {
		unsigned int num = stress_random(&item->rng, 3);

		while (num-- > 0)
			submit_continuation(item);
	} else if (ground->temper == LEAVES_OBJECTS) {
		work_leave_object(item);
	} else if (ground->temper == EXITS && !work_is_owner(ground) &&
		   stress_chance(&item->rng, 20)) {
		pthread_exit(NULL);
	}
}

static void complete(void *cookie)
{
	struct item *item = cookie;
	struct ground *ground = item->ground;

	STRESS_CHECK(work_is_owner(ground),
		     "a completion ran in a foreign thread");
	STRESS_CHECK(item->runs == 1, "an item completed after %u runs",
		     item->runs);
	ground->completed++;
	work_post_left_event(item);
	free(item);
	work_ground_consider_putting(ground, 10);
}

/* Items without a pool run in the owner's loop, one after the other. */
static void work_here(void *cookie)
{
	struct item *item = cookie;

	item->runs++;
}

static void complete_here(void *cookie)
{
	struct item *item = cookie;

	STRESS_CHECK(item->runs == 1, "an item completed before it had run");
	item->ground->owner->total++;
	free(item);
}

void work_item_submit_here(struct owner *owner)
{
	struct item *item = stress_allocate(sizeof(*item));

	item->ground = &owner->ground[0];
	item->work.cookie = item;
	item->work.work = work_here;
	item->work.completion = complete_here;
	iv_work_pool_submit_work(NULL, &item->work);
}
