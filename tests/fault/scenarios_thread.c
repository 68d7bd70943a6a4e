/* SPDX-License-Identifier: MIT */
/*
 * scenarios_thread.c - what needs a second thread: events, threads, pools
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <iv_event.h>
#include <iv_thread.h>
#include <iv_work.h>
#include "bed.h"

/* A program built for ivykis 0.42 has no continuations. */
#pragma weak iv_work_pool_submit_continuation

enum { NUM_POSTS = 20, NUM_THREADS = 2, NUM_ITEMS = 24, MAX_THREADS = 3 };

static void prepare_nothing(void)
{
}

static void expect_count(const char *what, int num, int wanted)
{
	EXPECT(num == wanted, "%d of %d %s", num, wanted, what);
}

/* Events ******************************************************************/

struct events {
	struct iv_event ping; /* posted by the other thread */
	struct iv_event own;  /* posted by the loop's own */
	int num_pings;
	int num_owns;
};

static void got_own(void *cookie)
{
	struct events *events = cookie;

	events->num_owns++;
	iv_event_unregister(&events->own);
}

/* The poster waits for nothing: only its first post is sure to be seen. */
static void got_ping(void *cookie)
{
	struct events *events = cookie;

	if (events->num_pings == 0)
		iv_event_post(&events->own);
	events->num_pings++;
}

static void *post_often(void *arg)
{
	struct events *events = arg;
	int i;

	for (i = 0; i < NUM_POSTS; i++)
		iv_event_post(&events->ping);

	return NULL;
}

static bool
add_event(struct iv_event *event, void *cookie, void (*handler)(void *cookie))
{
	IV_EVENT_INIT(event);
	event->cookie = cookie;
	event->handler = handler;
	if (iv_event_register(event) == 0)
		return true;

	refused("iv_event_register");

	return false;
}

/* The loop ends once the poster has; it is joined in a handler. */
static void join_poster(void *cookie)
{
	pthread_join(*(pthread_t *)cookie, NULL);
}

struct last {
	struct iv_task task;
	struct events *events;
	pthread_t poster;
};

/* After its last post another handler run may still be to come. */
static void wait_for_ping(void *cookie)
{
	struct last *last = cookie;

	if (last->events->num_pings == 0) {
		iv_task_register(&last->task);
		return;
	}
	join_poster(&last->poster);
	iv_event_unregister(&last->events->ping);
}

static void use_events(struct events *events)
{
	static struct last last;

	last.events = events;
	IV_TASK_INIT(&last.task);
	last.task.cookie = &last;
	last.task.handler = wait_for_ping;
	EXPECT(pthread_create(&last.poster, NULL, post_often, events) == 0,
	       "the sweep has no thread");
	iv_task_register(&last.task);
	run_loop("a post by another thread and one by our own");
	EXPECT(events->num_pings > 0, "no post was handled");
	expect_count("own posts were handled", events->num_owns, 1);
}

static void run_event(void)
{
	static struct events events;

	events.num_pings = 0;
	events.num_owns = 0;
	open_loop();
	if (add_event(&events.own, &events, got_own)) {
		if (add_event(&events.ping, &events, got_ping))
			use_events(&events);
		else
			iv_event_unregister(&events.own);
	}
	close_loop();
}

static void got_last_post(void *cookie)
{
	struct events *events = cookie;

	events->num_pings++;
	iv_event_unregister(&events->ping);
}

static void *post_once(void *arg)
{
	struct events *events = arg;

	iv_event_post(&events->ping);

	return NULL;
}

/* Here the loop sleeps until it is woken. */
static void run_event_wake(void)
{
	static struct events events;
	pthread_t poster;

	events.num_pings = 0;
	open_loop();
	if (add_event(&events.ping, &events, got_last_post)) {
		EXPECT(pthread_create(&poster, NULL, post_once, &events) == 0,
		       "the sweep has no thread");
		run_loop("a post by another thread");
		expect_count("posts were handled", events.num_pings, 1);
		pthread_join(poster, NULL);
	}
	close_loop();
}

/* Threads *****************************************************************/

static atomic_int num_ran;

static void do_nothing(void *cookie)
{
	(void)cookie;
}

static void be_thread(void *arg)
{
	struct iv_task task;

	(void)arg;
	iv_init();
	IV_TASK_INIT(&task);
	task.handler = do_nothing;
	iv_task_register(&task);
	iv_main();
	iv_deinit();
	atomic_fetch_add(&num_ran, 1);
}

static void run_thread(void)
{
	int num = 0;
	int i;

	atomic_store(&num_ran, 0);
	open_loop();
	for (i = 0; i < NUM_THREADS; i++) {
		if (iv_thread_create("sweep", be_thread, NULL) == 0)
			num++;
		else
			refused("iv_thread_create");
	}
	run_loop("threads to end");
	expect_count("threads have run", atomic_load(&num_ran), num);
	close_loop();
}

/* Pools *******************************************************************/

struct job {
	struct iv_work_item item;
	struct iv_work_item continuation;
	struct iv_timer timer;
};

static struct iv_work_pool pool;
static struct job jobs[NUM_ITEMS];
static atomic_int num_worked;
static atomic_int num_continued;
static atomic_int num_started;
static atomic_int num_stopped;
static int num_completed;
static int num_wanted;
static bool put_early;

static void count_start(void *cookie)
{
	(void)cookie;
	atomic_fetch_add(&num_started, 1);
}

static void count_stop(void *cookie)
{
	(void)cookie;
	atomic_fetch_add(&num_stopped, 1);
}

static void work(void *cookie)
{
	(void)cookie;
	atomic_fetch_add(&num_worked, 1);
}

static void complete(void *cookie)
{
	(void)cookie;
	num_completed++;
	if (num_completed == num_wanted && !put_early)
		iv_work_pool_put(&pool);
}

static void work_on(void *cookie)
{
	(void)cookie;
	atomic_fetch_add(&num_continued, 1);
}

static void work_in_two(void *cookie)
{
	struct job *job = cookie;

	atomic_fetch_add(&num_worked, 1);
	iv_work_pool_submit_continuation(&pool, &job->continuation);
}

static void set_up_item(struct iv_work_item *item, void *cookie,
			void (*work_function)(void *cookie))
{
	IV_WORK_ITEM_INIT(item);
	item->cookie = cookie;
	item->work = work_function;
	item->completion = complete;
}

static void reset(int wanted, bool early)
{
	atomic_store(&num_worked, 0);
	atomic_store(&num_continued, 0);
	atomic_store(&num_started, 0);
	atomic_store(&num_stopped, 0);
	num_completed = 0;
	num_wanted = wanted;
	put_early = early;
}

static bool make_pool(void)
{
	IV_WORK_POOL_INIT(&pool);
	pool.max_threads = MAX_THREADS;
	pool.cookie = NULL;
	pool.thread_start = count_start;
	pool.thread_stop = count_stop;
	if (iv_work_pool_create(&pool) == 0)
		return true;

	refused("iv_work_pool_create");

	return false;
}

static void expect_all_done(int num_items, int num_continuations)
{
	expect_count("items have run", atomic_load(&num_worked), num_items);
	expect_count("continuations have run", atomic_load(&num_continued),
		     num_continuations);
	expect_count("completions were called", num_completed,
		     num_items + num_continuations);
	expect_count("threads have stopped", atomic_load(&num_stopped),
		     atomic_load(&num_started));
}

static void use_pool(bool early)
{
	int i;

	reset(NUM_ITEMS, early);
	open_loop();
	if (make_pool()) {
		for (i = 0; i < NUM_ITEMS; i++) {
			set_up_item(&jobs[i].item, &jobs[i], work);
			iv_work_pool_submit_work(&pool, &jobs[i].item);
		}
		if (early)
			iv_work_pool_put(&pool);
		run_loop("work to complete and threads to end");
		expect_all_done(NUM_ITEMS, 0);
	}
	close_loop();
}

static void run_pool(void)
{
	use_pool(false);
}

static void run_pool_put(void)
{
	use_pool(true);
}

static void run_pool_continue(void)
{
	int i;

	if (iv_work_pool_submit_continuation == NULL)
		return;

	reset(2 * NUM_ITEMS, false);
	open_loop();
	if (make_pool()) {
		for (i = 0; i < NUM_ITEMS; i++) {
			set_up_item(&jobs[i].item, &jobs[i], work_in_two);
			set_up_item(&jobs[i].continuation, &jobs[i], work_on);
			iv_work_pool_submit_work(&pool, &jobs[i].item);
		}
		run_loop("continuations to complete");
		expect_all_done(NUM_ITEMS, NUM_ITEMS);
	}
	close_loop();
}

static struct iv_event timers_done;

static void got_timers_done(void *cookie)
{
	(void)cookie;
	iv_event_unregister(&timers_done);
	iv_work_pool_put(&pool);
}

static void got_timer(void *cookie)
{
	(void)cookie;
	if (atomic_fetch_add(&num_continued, 1) + 1 == MAX_THREADS)
		iv_event_post(&timers_done);
}

/* The timer is served by the loop of whoever runs the item. */
static void work_with_timer(void *cookie)
{
	struct job *job = cookie;

	atomic_fetch_add(&num_worked, 1);
	IV_TIMER_INIT(&job->timer);
	job->timer.expires = iv_now;
	job->timer.handler = got_timer;
	iv_timer_register(&job->timer);
}

static void use_worker_loops(void)
{
	int i;

	for (i = 0; i < MAX_THREADS; i++) {
		set_up_item(&jobs[i].item, &jobs[i], work_with_timer);
		iv_work_pool_submit_work(&pool, &jobs[i].item);
	}
	run_loop("timers in workers' loops");
	expect_count("timers have expired", atomic_load(&num_continued),
		     MAX_THREADS);
	expect_count("completions were called", num_completed, MAX_THREADS);
}

static void run_pool_loop(void)
{
	reset(MAX_THREADS, true);
	open_loop();
	if (add_event(&timers_done, NULL, got_timers_done)) {
		if (make_pool())
			use_worker_loops();
		else
			iv_event_unregister(&timers_done);
	}
	close_loop();
}

static void run_pool_empty(void)
{
	reset(0, true);
	open_loop();
	if (make_pool()) {
		iv_work_pool_put(&pool);
		run_loop("a pool without work to end");
	}
	close_loop();
}

static void run_pool_null(void)
{
	int i;

	reset(NUM_ITEMS, true);
	open_loop();
	for (i = 0; i < NUM_ITEMS; i++) {
		set_up_item(&jobs[i].item, &jobs[i], work);
		iv_work_pool_submit_work(NULL, &jobs[i].item);
	}
	run_loop("work without a pool");
	expect_all_done(NUM_ITEMS, 0);
	close_loop();
}

const struct scenario thread_scenarios[] = {
	{ "event", "many posts by a thread, one by the loop's own",
	  prepare_nothing, run_event },
	{ "event_wake", "one post to a loop that sleeps", prepare_nothing,
	  run_event_wake },
	{ "thread", "two threads with loops", prepare_nothing, run_thread },
	{ "pool", "items, then put in the last completion", prepare_nothing,
	  run_pool },
	{ "pool_put", "items, put at once", prepare_nothing, run_pool_put },
	{ "pool_continue", "items that submit continuations", prepare_nothing,
	  run_pool_continue },
	{ "pool_loop", "items that use their worker's loop", prepare_nothing,
	  run_pool_loop },
	{ "pool_empty", "no item at all", prepare_nothing, run_pool_empty },
	{ "pool_null", "items without a pool", prepare_nothing, run_pool_null },
	{ 0 },
};
