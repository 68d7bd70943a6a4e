/* SPDX-License-Identifier: MIT */
/*
 * test_pool_idle.c - threads of a pool end when they were idle for long
 *
 * About ten seconds of waiting: apart from the other cases of pools, which
 * take none.
 */
#include <stdatomic.h>
#include <iv_event.h>
#include <iv_work.h>
#include "harness.h"

static struct iv_work_pool pool;
static struct iv_event stopped;
static struct iv_work_item item;
static atomic_int starts;
static int completions;

static void count_start(void *cookie)
{
	(void)cookie;
	atomic_fetch_add(&starts, 1);
}

static void tell_owner(void *cookie)
{
	iv_event_post(cookie);
}

static void do_nothing(void *cookie)
{
	(void)cookie;
}

static void count_completion(void *cookie)
{
	(void)cookie;
	completions++;
}

static void put_pool(void *cookie)
{
	(void)cookie;
	completions++;
	iv_work_pool_put(&pool);
}

static void ignore(void *cookie)
{
	(void)cookie;
	iv_event_unregister(&stopped);
}

/* The pool is as good as new: another item gets a thread again. */
static void submit_another(void *cookie)
{
	(void)cookie;
	assert_int_equal(completions, 1);
	assert_int_equal(atomic_load(&starts), 1);
	stopped.handler = ignore;
	item.completion = put_pool;
	iv_work_pool_submit_work(&pool, &item);
}

static void an_idle_thread_ends_and_is_started_again(void **state)
{
	(void)state;
	iv_init();
	stopped.handler = submit_another;
	assert_int_equal(iv_event_register(&stopped), 0);
	IV_WORK_POOL_INIT(&pool);
	pool.max_threads = 1;
	pool.cookie = &stopped;
	pool.thread_start = count_start;
	pool.thread_stop = tell_owner;
	assert_int_equal(iv_work_pool_create(&pool), 0);
	item.work = do_nothing;
	item.completion = count_completion;
	iv_work_pool_submit_work(&pool, &item);
	iv_main();
	assert_int_equal(completions, 2);
	assert_int_equal(atomic_load(&starts), 2);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(an_idle_thread_ends_and_is_started_again),
};

TEST_MAIN(cases)
