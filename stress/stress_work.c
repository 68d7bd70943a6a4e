/* SPDX-License-Identifier: MIT */
/*
 * stress_work.c - pools under load: no item lost, doubled or stuck
 *
 * Each owner is a thread that opens a loop, makes a few pools, feeds them,
 * gives them up with work still queued, and checks the books once iv_main()
 * has returned, --count times. What the items of a pool do is up to chance:
 * submit continuations, block until all others are done, end their thread, or
 * leave objects in the worker's loop. With an odd seed threads are refused now
 * and then; with an even one no item may wait behind one that blocks.
 */
#include <inttypes.h>
#include <stdio.h>
#include "stress_work.h"

enum { MAX_ITEMS = 40, MAX_BURST = 8 };

static struct owner owners[STRESS_MAX_THREADS];

/* In some runs only: without threads a pool cannot stand an item that blocks. */
static bool refusing;

static void submit(struct owner *owner)
{
	struct ground *ground =
		&owner->ground[stress_random(&owner->rng, owner->num_pools)];
	struct item *item;

	if (ground->is_put)
		return;

	item = work_item_make(ground, &owner->rng);
	item->blocks = ground->temper == BLOCKS && ground->submitted == 0;
	ground->submitted++;
	if (item->work.completion != NULL)
		ground->to_complete++;
	iv_work_pool_submit_work(&ground->pool, &item->work);
	if (stress_chance(&owner->rng, 5))
		work_item_submit_here(owner);
}

static void put_some(struct owner *owner, unsigned int percent)
{
	unsigned int i;

	for (i = 0; i < owner->num_pools; i++) {
		struct ground *ground = &owner->ground[i];

		if (!ground->is_put && !ground->patient &&
		    stress_chance(&owner->rng, percent))
			work_ground_put(ground);
	}
}

static void put_last(struct owner *owner)
{
	unsigned int i;

	put_some(owner, 100);
	for (i = 0; i < owner->num_pools; i++)
		work_ground_consider_putting(&owner->ground[i], 100);
}

/* A burst a round; in the end all pools are put, full or not. */
static void feed(void *cookie)
{
	struct owner *owner = cookie;
	unsigned int burst = stress_random(&owner->rng, MAX_BURST + 1);

	stress_jitter(&owner->rng);
	while (burst-- > 0 && owner->items_left > 0) {
		owner->items_left--;
		submit(owner);
	}

	put_some(owner, 3);
	if (owner->items_left > 0)
		iv_task_register(&owner->feeder);
	else
		put_last(owner);
}

static void run_round(struct owner *owner)
{
	unsigned int i;

	iv_init();
	owner->num_pools = 1 + stress_random(&owner->rng, MAX_POOLS);
	owner->items_left = stress_random(&owner->rng, MAX_ITEMS + 1);
	for (i = 0; i < owner->num_pools; i++)
		work_ground_open(&owner->ground[i], owner, !refusing);

	IV_TASK_INIT(&owner->feeder);
	owner->feeder.cookie = owner;
	owner->feeder.handler = feed;
	iv_task_register(&owner->feeder);
	iv_main();
	iv_deinit();

	for (i = 0; i < owner->num_pools; i++)
		work_ground_close(&owner->ground[i]);
}

static void *run_owner(void *arg)
{
	struct owner *owner = arg;
	unsigned int left = stress_options.count;

	owner->self = pthread_self();
	stress_rng_init(&owner->rng, owner->index);
	while (left-- > 0) {
		if (owner->index == 0 && refusing)
			stress_refuse_threads(
				stress_chance(&owner->rng, 50)
					? stress_random(&owner->rng, 101)
					: 0);
		run_round(owner);
	}

	return NULL;
}

int main(int argc, char **argv)
{
	struct owner sum = { .total = 0 };
	unsigned int i;

	stress_begin(argc, argv, "stress_work",
		     "Makes, feeds and gives up work pools; --count is rounds "
		     "an owner.",
		     60, 3);
	refusing = stress_options.seed % 2 != 0;
	stress_stage("waiting for the pools of a loop to end");
	for (i = 0; i < stress_options.threads; i++) {
		owners[i].index = i;
		owners[i].thread = stress_spawn(run_owner, &owners[i]);
	}
	for (i = 0; i < stress_options.threads; i++) {
		stress_join(owners[i].thread);
		sum.total += owners[i].total;
		sum.total_silent += owners[i].total_silent;
		sum.total_objects += owners[i].total_objects;
		sum.total_pools += owners[i].total_pools;
	}
	stress_end();

	printf("stress_work: %" PRIu64 " pools: %" PRIu64
	       " items worked once, %" PRIu64 " without a completion; %" PRIu64
	       " objects served by workers; %u threads refused\n",
	       sum.total_pools, sum.total, sum.total_silent, sum.total_objects,
	       stress_threads_refused());

	return 0;
}
