/* SPDX-License-Identifier: MIT */
/*
 * pool_owner.c - what the owner's loop does for a pool
 *
 * Making it, running completions, helping out when no thread can be started,
 * and taking it down.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "annotate.h"
#include "pool.h"

static struct iv__worker *helper_of(struct iv__pool *pool)
{
	return &pool->worker[pool->num_workers];
}

/* The last one to leave; nobody is counted in any more. */
static void join_last(struct iv__pool *pool)
{
	if (pool->has_left) {
		pthread_join(pool->last_left, NULL);
		iv__hb_joined();
		pool->has_left = false;
	}
}

static void dismantle(struct iv__pool *pool)
{
	unsigned int i;

	join_last(pool);
	iv_event_unregister(&pool->got_done);
	iv_event_unregister(&pool->ended);
	iv_list_del(&pool->list);
	pthread_mutex_destroy(&pool->leave_lock);
	sem_destroy(&pool->all_out);
	for (i = 0; i <= pool->num_workers; i++) {
		sem_destroy(&pool->worker[i].call);
		iv__hb_forget(&pool->worker[i].slot);
		iv__hb_forget(&pool->worker[i].state);
	}
	iv__hb_forget(&pool->intake);
	iv__hb_forget(&pool->done);
	iv__hb_forget(&pool->alive);
	pool->dismantled = true;
}

static void append_done(struct iv__pool *pool)
{
	struct iv_work_item **lastp = &pool->batch;

	while (*lastp != NULL)
		lastp = &(*lastp)->next_;
	*lastp = iv__pool_take_done(pool);
}

/*
 * A completion may run a nested iv_main() that waits for the rest of the
 * batch, which `resume` continues there, or for the end of the pool.
 */
static void run_completions(struct iv__pool *pool)
{
	pool->completing++;
	append_done(pool);

	while (pool->batch != NULL) {
		struct iv_work_item *item = pool->batch;

		pool->batch = item->next_;
		if (pool->batch != NULL && !iv_task_registered(&pool->resume))
			iv_task_register(&pool->resume);
		item->completion(item->cookie);
	}
	if (iv_task_registered(&pool->resume))
		iv_task_unregister(&pool->resume);

	pool->completing--;
	if (pool->completing == 0 && pool->dismantled)
		free(pool);
}

static void resume(void *cookie)
{
	run_completions(cookie);
}

/* G5: counted in alive while it is registered or running. */
static void start_helping(struct iv__pool *pool)
{
	if (!iv_task_registered(&pool->help)) {
		atomic_fetch_add(&pool->alive, 1);
		iv_task_register(&pool->help);
	}
}

/* One item a round: the loop has other things to do. */
static void help(void *cookie)
{
	struct iv__pool *pool = cookie;
	struct iv_work_item *item;
	bool more = false;

	item = iv__pool_take(helper_of(pool), &more);
	if (item == NULL)
		item = iv__pool_steal(helper_of(pool), &more);
	if (item != NULL) {
		bool has_completion = item->completion != NULL;

		pool->helping++;
		iv__pool_run_as_worker(pool, item);
		iv_invalidate_now();
		if (has_completion)
			item->completion(item->cookie);
		pool->helping--;
	}

	/* Somebody may have become startable; if not, G5 has us again. */
	if (iv__pool_has_work(pool))
		iv__pool_wake_one(pool);
	iv__pool_count_out(pool);
}

static void got_done(void *cookie)
{
	struct iv__pool *pool = cookie;

	if (atomic_load_explicit(&pool->stranded, memory_order_relaxed)) {
		atomic_exchange(&pool->stranded, false);
		start_helping(pool);
	}

	run_completions(pool);
}

/* Once nobody is counted in, nobody but the owner can count in again. */
static void got_ended(void *cookie)
{
	struct iv__pool *pool = cookie;

	if (atomic_load(&pool->alive) > 0)
		return;

	if (iv__pool_has_work(pool)) {
		start_helping(pool);
		return;
	}

	/* Shut by the end of its loop, it may still be submitted to. */
	if (pool->put)
		dismantle(pool);
	else
		join_last(pool);
	run_completions(pool);
}

void iv__pool_count_out(struct iv__pool *pool)
{
	iv__hb_before(&pool->alive);
	if (atomic_fetch_sub(&pool->alive, 1) == 1) {
		iv__hb_after(&pool->alive);
		sem_post(&pool->all_out);
		iv_event_post(&pool->ended);
	}
}

static void init_worker(struct iv__pool *pool, unsigned int i)
{
	struct iv__worker *worker = &pool->worker[i];

	worker->pool = pool;
	atomic_init(&worker->state, IV__WORKER_DEAD);
	atomic_init(&worker->below, i + 1 < pool->num_workers ? i + 2 : 0);
	sem_init(&worker->call, 0, 0);
}

static struct iv__pool *allocate(const struct iv_work_pool *config)
{
	unsigned int num = (unsigned int)config->max_threads;
	struct iv__pool *pool;
	unsigned int i;
	size_t size;

	if (num > IV__POOL_MAX_WORKERS)
		num = IV__POOL_MAX_WORKERS;

	size = sizeof(*pool) + (num + 1) * sizeof(pool->worker[0]);
	pool = aligned_alloc(_Alignof(struct iv__pool), size);
	if (pool == NULL)
		return NULL;

	memset(pool, 0, size);
	pool->num_workers = num;
	pool->cookie = config->cookie;
	pool->thread_start = config->thread_start;
	pool->thread_stop = config->thread_stop;
	pthread_mutex_init(&pool->leave_lock, NULL);
	sem_init(&pool->all_out, 0, 0);
	atomic_init(&pool->alive, 1);
	atomic_init(&pool->gate, 1);
	for (i = 0; i <= num; i++)
		init_worker(pool, i);

	return pool;
}

static int register_events(struct iv__pool *pool)
{
	pool->got_done.cookie = pool;
	pool->got_done.handler = got_done;
	if (iv_event_register(&pool->got_done) < 0)
		return -errno;

	pool->ended.cookie = pool;
	pool->ended.handler = got_ended;
	if (iv_event_register(&pool->ended) < 0) {
		int ret = -errno;

		iv_event_unregister(&pool->got_done);
		return ret;
	}

	IV_TASK_INIT(&pool->help);
	pool->help.cookie = pool;
	pool->help.handler = help;

	IV_TASK_INIT(&pool->resume);
	pool->resume.cookie = pool;
	pool->resume.handler = resume;

	return 0;
}

int iv__pool_open(struct iv__pool **poolp, const struct iv_work_pool *config)
{
	struct iv__shared *shared;
	struct iv__pool *pool;
	int ret;

	if (config->max_threads < 1)
		return -EINVAL;

	pool = allocate(config);
	if (pool == NULL)
		return -ENOMEM;

	pool->owner = iv__self;
	pool->address = config;
	ret = register_events(pool);
	if (ret < 0) {
		free(pool);
		return ret;
	}

	shared = pool->owner->shared;
	iv_list_add_tail(&pool->list, &shared->pools);
	*poolp = pool;

	return 0;
}

static void shut(struct iv__pool *pool)
{
	pool->shut = true;
	iv__pool_shut(pool);
	iv__pool_count_out(pool);
}

void iv__pool_close(struct iv__pool *pool)
{
	pool->put = true;
	if (pool->shut)
		iv_event_post(&pool->ended);
	else
		shut(pool);
}

/* Items not begun yet are let go; nobody will run their completions. */
static void end(struct iv__pool *pool)
{
	iv__pool_discard(pool);
	if (iv_task_registered(&pool->help)) {
		iv_task_unregister(&pool->help);
		iv__pool_count_out(pool);
	}
	/* Help that was left by pthread_exit(). */
	for (; pool->helping > 0; pool->helping--)
		iv__pool_count_out(pool);
	if (!pool->shut)
		shut(pool);

	/* Posted once for each time that alive came to 0. */
	do {
		while (sem_wait(&pool->all_out) < 0)
			continue;
	} while (atomic_load(&pool->alive) > 0);

	dismantle(pool);
	free(pool);
}

void iv__pool_end_all(struct iv__shared *shared)
{
	while (!iv_list_empty(&shared->pools))
		end(iv_container_of(shared->pools.next, struct iv__pool, list));
}

/* The orderly end of a loop ************************************************/

void iv__pool_shut_all(struct iv__shared *shared, bool cancel)
{
	struct iv_list_head *lh;

	iv_list_for_each (lh, &shared->pools) {
		struct iv__pool *pool =
			iv_container_of(lh, struct iv__pool, list);

		if (cancel)
			iv__pool_discard(pool);
		if (!pool->shut)
			shut(pool);
	}
}

/*
 * Nobody is counted in, so nobody but the owner moves items. What is done and
 * not completed has got_done or `ended` on its way.
 */
static bool is_finished(struct iv__pool *pool)
{
	return pool->shut && atomic_load(&pool->alive) == 0 &&
	       !iv__pool_has_work(pool) && atomic_load(&pool->done) == NULL &&
	       pool->batch == NULL;
}

static void describe(struct iv__pool *pool, struct iv__remains *remains)
{
	unsigned int alive = atomic_load(&pool->alive);

	/* The owner counts while it has not shut it. */
	iv__remains_add(remains, "a pool: threads: %u, of them at work: %u%s",
			pool->shut ? alive : alive - 1,
			iv__pool_num_running(pool),
			iv__pool_has_work(pool) ? "; items wait" : "");
}

void iv__pool_describe_all(struct iv__shared *shared,
			   struct iv__remains *remains)
{
	struct iv_list_head *lh;

	iv_list_for_each (lh, &shared->pools) {
		struct iv__pool *pool =
			iv_container_of(lh, struct iv__pool, list);

		if (is_finished(pool))
			continue;
		describe(pool, remains);
	}
}
