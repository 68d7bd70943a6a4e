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
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <iv.h>
#include <iv_event.h>
#include <iv_work.h>
#include "stress.h"

enum { MAX_POOLS = 3, MAX_ITEMS = 40, MAX_BURST = 8 };

enum temper { CALM, BLOCKS, CONTINUES, EXITS, LEAVES_OBJECTS, NUM_TEMPERS };

struct ground {
	struct iv_work_pool pool;
	struct owner *owner;
	enum temper temper;
	bool patient; /* put when all is done, not before */
	bool is_put;
	unsigned int submitted;
	unsigned int completed;
	unsigned int to_complete;

	/* Changed by workers; read when the pool has ended. */
	atomic_uint continued;
	atomic_uint continued_to_complete;
	atomic_uint worked;
	atomic_uint started;
	atomic_uint stopped;
	atomic_uint objects;
	atomic_uint objects_served;
	atomic_uint released; /* the item that blocks may go on */

	pthread_mutex_t lock;
	struct item *silent; /* m: those without a completion */
};

struct item {
	struct iv_work_item work;
	struct ground *ground;
	struct item *next;
	struct left_event *left;
	struct stress_rng rng;
	unsigned int runs; /* worker's, then the owner's */
	unsigned int depth;
	bool blocks;
};

struct owner {
	pthread_t thread; /* main's */
	pthread_t self;
	struct stress_rng rng;
	unsigned int index;
	struct iv_task feeder;
	struct ground ground[MAX_POOLS];
	unsigned int num_pools;
	unsigned int items_left;
	uint64_t total;
	uint64_t total_silent;
	uint64_t total_objects;
	uint64_t total_pools;
};

static struct owner owners[STRESS_MAX_THREADS];

/* In some runs only: without threads a pool cannot stand an item that blocks. */
static bool refusing;

static void *allocate(size_t size)
{
	void *memory = calloc(1, size);

	STRESS_CHECK(memory != NULL, "out of memory");

	return memory;
}

/* What items leave in a worker's loop **********************************/

struct left_timer {
	struct iv_timer timer;
	struct iv_task task;
	struct ground *ground;
};

struct left_pipe {
	struct iv_fd fd;
	int write_fd;
	struct ground *ground;
};

/* Posted by the completion, handled by the worker that registered it. */
struct left_event {
	struct iv_event event;
	struct ground *ground;
	pthread_t home;
};

static void served(struct ground *ground)
{
	atomic_fetch_add(&ground->objects_served, 1);
}

static void got_task(void *cookie)
{
	struct left_timer *left = cookie;

	served(left->ground);
	free(left);
}

static void got_timer(void *cookie)
{
	struct left_timer *left = cookie;

	iv_task_register(&left->task);
}

static void leave_timer(struct item *item)
{
	struct left_timer *left = allocate(sizeof(*left));

	left->ground = item->ground;
	IV_TASK_INIT(&left->task);
	left->task.cookie = left;
	left->task.handler = got_task;
	IV_TIMER_INIT(&left->timer);
	left->timer.cookie = left;
	left->timer.handler = got_timer;
	left->timer.expires = iv_now;
	iv_timer_register(&left->timer);
}

static void got_byte(void *cookie)
{
	struct left_pipe *left = cookie;
	char byte = 0;

	STRESS_CHECK(read(left->fd.fd, &byte, 1) == 1 && byte == 'x',
		     "a worker's descriptor was called without being ready");
	iv_fd_unregister(&left->fd);
	close(left->fd.fd);
	close(left->write_fd);
	served(left->ground);
	free(left);
}

static void leave_pipe(struct item *item)
{
	struct left_pipe *left = allocate(sizeof(*left));
	int fds[2];

	STRESS_CHECK(pipe(fds) == 0, "pipe failed");
	left->ground = item->ground;
	left->write_fd = fds[1];
	IV_FD_INIT(&left->fd);
	left->fd.fd = fds[0];
	left->fd.cookie = left;
	left->fd.handler_in = got_byte;
	iv_fd_register(&left->fd);
	STRESS_CHECK(write(fds[1], "x", 1) == 1, "write to a pipe failed");
}

static void got_left_event(void *cookie)
{
	struct left_event *left = cookie;

	STRESS_CHECK(pthread_equal(left->home, pthread_self()),
		     "an event was handled in a foreign thread");
	iv_event_unregister(&left->event);
	served(left->ground);
	free(left);
}

static void leave_event(struct item *item)
{
	struct left_event *left = allocate(sizeof(*left));

	left->ground = item->ground;
	left->home = pthread_self();
	left->event.cookie = left;
	left->event.handler = got_left_event;
	STRESS_CHECK(iv_event_register(&left->event) == 0,
		     "a worker could not register an event");
	item->left = left;
}

static void leave_object(struct item *item)
{
	unsigned int kind = stress_random(&item->rng, 4);

	if (kind == 3 && item->work.completion == NULL)
		kind = 0;
	if (kind == 0)
		return;

	atomic_fetch_add(&item->ground->objects, 1);
	if (kind == 1)
		leave_timer(item);
	else if (kind == 2)
		leave_pipe(item);
	else
		leave_event(item);
}

/* Items ****************************************************************/

static void work(void *cookie);
static void complete(void *cookie);

static struct item *make_item(struct ground *ground, struct stress_rng *rng)
{
	struct item *item = allocate(sizeof(*item));

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
	struct item *next = make_item(ground, &item->rng);

	next->depth = item->depth + 1;
	atomic_fetch_add(&ground->continued, 1);
	if (next->work.completion != NULL)
		atomic_fetch_add(&ground->continued_to_complete, 1);
	iv_work_pool_submit_continuation(&ground->pool, &next->work);
}

/* The owner helps when no thread can be started: it must not end. */
static bool is_owner(const struct ground *ground)
{
	return pthread_equal(pthread_self(), ground->owner->self);
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
		leave_object(item);
	} else if (ground->temper == EXITS && !is_owner(ground) &&
		   stress_chance(&item->rng, 20)) {
		pthread_exit(NULL);
	}
}

static unsigned int still_to_complete(struct ground *ground)
{
	return ground->to_complete +
	       atomic_load(&ground->continued_to_complete) - ground->completed;
}

/* A pool that is given up early is saved from being stuck by that. */
static void consider_putting(struct ground *ground, unsigned int percent)
{
	if (ground->is_put || ground->owner->items_left > 0)
		return;

	if (ground->temper == BLOCKS && still_to_complete(ground) <= 1)
		atomic_exchange(&ground->released, 1);
	if (ground->patient ? still_to_complete(ground) == 0
			    : stress_chance(&ground->owner->rng, percent)) {
		ground->is_put = true;
		iv_work_pool_put(&ground->pool);
	}
}

static void complete(void *cookie)
{
	struct item *item = cookie;
	struct ground *ground = item->ground;

	STRESS_CHECK(is_owner(ground), "a completion ran in a foreign thread");
	STRESS_CHECK(item->runs == 1, "an item completed after %u runs",
		     item->runs);
	ground->completed++;
	if (item->left != NULL)
		iv_event_post(&item->left->event);
	free(item);
	consider_putting(ground, 10);
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

static void submit_here(struct owner *owner)
{
	struct item *item = allocate(sizeof(*item));

	item->ground = &owner->ground[0];
	item->work.cookie = item;
	item->work.work = work_here;
	item->work.completion = complete_here;
	iv_work_pool_submit_work(NULL, &item->work);
}

/* Owners ***************************************************************/

static void submit(struct owner *owner)
{
	struct ground *ground =
		&owner->ground[stress_random(&owner->rng, owner->num_pools)];
	struct item *item;

	if (ground->is_put)
		return;

	item = make_item(ground, &owner->rng);
	item->blocks = ground->temper == BLOCKS && ground->submitted == 0;
	ground->submitted++;
	if (item->work.completion != NULL)
		ground->to_complete++;
	iv_work_pool_submit_work(&ground->pool, &item->work);
	if (stress_chance(&owner->rng, 5))
		submit_here(owner);
}

static void put_some(struct owner *owner, unsigned int percent)
{
	unsigned int i;

	for (i = 0; i < owner->num_pools; i++) {
		struct ground *ground = &owner->ground[i];

		if (!ground->is_put && !ground->patient &&
		    stress_chance(&owner->rng, percent)) {
			ground->is_put = true;
			iv_work_pool_put(&ground->pool);
		}
	}
}

static void put_last(struct owner *owner)
{
	unsigned int i;

	put_some(owner, 100);
	for (i = 0; i < owner->num_pools; i++)
		consider_putting(&owner->ground[i], 100);
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

static void open_ground(struct owner *owner, struct ground *ground)
{
	*ground = (struct ground){ .owner = owner };
	pthread_mutex_init(&ground->lock, NULL);
	ground->temper = stress_random(&owner->rng, NUM_TEMPERS);
	if (refusing && ground->temper == BLOCKS)
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

static void close_ground(struct ground *ground)
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

static void run_round(struct owner *owner)
{
	unsigned int i;

	iv_init();
	owner->num_pools = 1 + stress_random(&owner->rng, MAX_POOLS);
	owner->items_left = stress_random(&owner->rng, MAX_ITEMS + 1);
	for (i = 0; i < owner->num_pools; i++)
		open_ground(owner, &owner->ground[i]);

	IV_TASK_INIT(&owner->feeder);
	owner->feeder.cookie = owner;
	owner->feeder.handler = feed;
	iv_task_register(&owner->feeder);
	iv_main();
	iv_deinit();

	for (i = 0; i < owner->num_pools; i++)
		close_ground(&owner->ground[i]);
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
