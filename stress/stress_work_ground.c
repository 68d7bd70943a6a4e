/* SPDX-License-Identifier: MIT */
/*
 * stress_work_ground.c - a pool of some temper, its end and its books
 */
#include <stdlib.h>
#include "stress_work.h"

static void got_start(void *cookie)
{
	struct ground *ground = cookie;

	atomic_fetch_add(&ground->started, 1);
}

static void got_stop(void *cookie)
{
	struct ground *ground = cookie;

	atomic_fetch_add(&ground->stopped, 1);
}

void work_ground_open(struct ground *ground, struct owner *owner,
		      bool may_block)
{
	*ground = (struct ground){ .owner = owner };
	pthread_mutex_init(&ground->lock, NULL);
	ground->temper = stress_random(&owner->rng, NUM_TEMPERS);
	if (!may_block && ground->temper == BLOCKS)
		ground->temper = CALM;
	ground->patient = ground->temper == BLOCKS ||
			  stress_chance(&owner->rng, 40);
	IV_WORK_POOL_INIT(&ground->pool);
	ground->pool.max_threads = (ground->temper == BLOCKS ? 2 : 1) +
				   (int)stress_random(&owner->rng, 3);
	ground->pool.cookie = ground;
	ground->pool.thread_start = got_start;
	ground->pool.thread_stop = got_stop;
	STRESS_CHECK(iv_work_pool_create(&ground->pool) == 0,
		     "iv_work_pool_create was refused");
}

bool work_is_owner(const struct ground *ground)
{
	return pthread_equal(pthread_self(), ground->owner->self);
}

/* Putting **************************************************************/

void work_ground_put(struct ground *ground)
{
	ground->is_put = true;
	iv_work_pool_put(&ground->pool);
}

static unsigned int still_to_complete(struct ground *ground)
{
	return ground->to_complete +
	       atomic_load(&ground->continued_to_complete) - ground->completed;
}

/* A pool that is given up early is saved from being stuck by that. */
void work_ground_consider_putting(struct ground *ground, unsigned int percent)
{
	if (ground->is_put || ground->owner->items_left > 0)
		return;

	if (ground->temper == BLOCKS && still_to_complete(ground) <= 1)
		atomic_exchange(&ground->released, 1);
	if (ground->patient ? still_to_complete(ground) == 0
			    : stress_chance(&ground->owner->rng, percent))
		work_ground_put(ground);
}

/* The books ************************************************************/

static unsigned int free_silent(struct ground *ground)
{
	unsigned int num = 0;

	while (ground->silent != NULL) {
		struct item *item = ground->silent;

		ground->silent = item->next;
		STRESS_CHECK(item->runs == 1,
			     "an item without completion ran %u times",
			     item->runs);
		num++;
		free(item);
	}

	return num;
}

static void check_equal(const char *what, unsigned int a, unsigned int b)
{
	STRESS_CHECK(a == b, "%s: %u and %u should be the same", what, a, b);
}

void work_ground_close(struct ground *ground)
{
	struct owner *owner = ground->owner;
	unsigned int submitted = ground->submitted + ground->continued;
	unsigned int to_complete =
		ground->to_complete + ground->continued_to_complete;
	unsigned int silent = free_silent(ground);

	check_equal("submitted and worked", submitted, ground->worked);
	check_equal("completions due and run", to_complete, ground->completed);
	check_equal("items and their kinds", submitted, to_complete + silent);
	check_equal("workers started and stopped", ground->started,
		    ground->stopped);
	check_equal("objects left in workers and served", ground->objects,
		    ground->objects_served);
	pthread_mutex_destroy(&ground->lock);

	owner->total += submitted;
	owner->total_silent += silent;
	owner->total_objects += ground->objects;
	owner->total_pools++;
}
