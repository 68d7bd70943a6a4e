/* SPDX-License-Identifier: MIT */
/*
 * test_work_pool.c - pools: their threads, their end, and misuse
 */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <iv_work.h>
#include "harness.h"

static struct iv_work_pool pool;
static int completions;

static void create_pool(int max_threads)
{
	IV_WORK_POOL_INIT(&pool);
	pool.max_threads = max_threads;
	assert_int_equal(iv_work_pool_create(&pool), 0);
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

static void set_up(struct iv_work_item *item, void (*work)(void *cookie),
		   void (*completion)(void *cookie))
{
	IV_WORK_ITEM_INIT(item);
	item->cookie = item;
	item->work = work;
	item->completion = completion;
}

static void submit(struct iv_work_item *item, void (*work)(void *cookie),
		   void (*completion)(void *cookie))
{
	set_up(item, work, completion);
	iv_work_pool_submit_work(&pool, item);
}

/* Creating ****************************************************************/

static void init_clears_the_thread_functions(void **state)
{
	struct iv_work_pool fresh;

	(void)state;
	memset(&fresh, 0xa5, sizeof(fresh));
	IV_WORK_POOL_INIT(&fresh);
	assert_null(fresh.thread_start);
	assert_null(fresh.thread_stop);
}

static void fewer_threads_than_one_are_refused(void **state)
{
	static const int wrong[] = { 0, -1, -1000 };
	size_t i;

	(void)state;
	iv_init();
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		IV_WORK_POOL_INIT(&pool);
		pool.max_threads = wrong[i];
		errno = 0;
		assert_int_equal(iv_work_pool_create(&pool), -1);
		assert_int_equal(errno, EINVAL);
	}
	iv_main();
	iv_deinit();
}

static void an_unused_pool_can_be_put(void **state)
{
	int i;

	(void)state;
	iv_init();
	for (i = 0; i < 100; i++) {
		create_pool(1 + i);
		iv_work_pool_put(&pool);
		iv_main();
	}
	iv_deinit();
}

static void note_and_put(void *word)
{
	note(word);
	iv_work_pool_put(&pool);
}

static void a_pool_keeps_the_loop_until_it_is_put(void **state)
{
	struct iv_timer timer;

	(void)state;
	iv_init();
	create_pool(1);
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(5);
	timer.cookie = "timer";
	timer.handler = note_and_put;
	iv_timer_register(&timer);
	iv_main();
	assert_noted("timer");
	iv_deinit();
}

/* How many run at a time **************************************************/

/* More than a word has bits; a tool's time grows with the square of them. */
static int many(void)
{
	return under_a_tool() ? 25 : 100;
}

static pthread_barrier_t barrier;
static atomic_int running, most;

static void wait_for_the_others(void *cookie)
{
	(void)cookie;
	pthread_barrier_wait(&barrier);
}

/* As many items as threads, none of which ends before all have started. */
static void wait_together(int num)
{
	struct iv_work_item *items = calloc((size_t)num, sizeof(*items));
	int i;

	pthread_barrier_init(&barrier, NULL, (unsigned int)num);
	iv_init();
	completions = 0;
	create_pool(num);
	for (i = 0; i < num; i++)
		submit(&items[i], wait_for_the_others, count_completion);
	iv_work_pool_put(&pool);
	iv_main();
	assert_int_equal(completions, num);
	iv_deinit();
	pthread_barrier_destroy(&barrier);
	free(items);
}

static void as_many_as_max_threads_run_at_a_time(void **state)
{
	int num, step = under_a_tool() ? 8 : 1;

	(void)state;
	for (num = 1; num <= many(); num += step)
		wait_together(num);
}

/* The first item is alone at first: the others must still get threads. */
static void submit_the_others(void *cookie)
{
	struct iv_work_item *items = cookie;
	int i;

	completions++;
	for (i = 1; i <= many(); i++)
		submit(&items[i], wait_for_the_others, count_completion);
	iv_work_pool_put(&pool);
}

static void items_submitted_later_run_at_a_time_too(void **state)
{
	int num = many();
	struct iv_work_item *items = calloc((size_t)num + 1, sizeof(*items));

	(void)state;
	pthread_barrier_init(&barrier, NULL, (unsigned int)num);
	iv_init();
	create_pool(num);
	submit(&items[0], do_nothing, submit_the_others);
	iv_main();
	assert_int_equal(completions, num + 1);
	iv_deinit();
	pthread_barrier_destroy(&barrier);
	free(items);
}

static void count_running(void *cookie)
{
	int now = atomic_fetch_add(&running, 1) + 1;
	int max = atomic_load(&most);

	(void)cookie;
	while (now > max && !atomic_compare_exchange_weak(&most, &max, now))
		;
	sched_yield();
	atomic_fetch_sub(&running, 1);
}

static void never_more_than_max_threads_run_at_a_time(void **state)
{
	int num = scaled(10000), max, i;
	struct iv_work_item *items = calloc((size_t)num, sizeof(*items));

	(void)state;
	iv_init();
	for (max = 1; max <= 3; max++) {
		atomic_store(&most, 0);
		create_pool(max);
		for (i = 0; i < num; i++)
			submit(&items[i], count_running, NULL);
		iv_work_pool_put(&pool);
		iv_main();
		assert_in_range(atomic_load(&most), 1, max);
	}
	iv_deinit();
	free(items);
}

/* Putting *****************************************************************/

static void work_queued_at_put_still_runs_and_completes(void **state)
{
	int num = scaled(10000), i;
	struct iv_work_item *items = calloc((size_t)num, sizeof(*items));

	(void)state;
	iv_init();
	create_pool(2);
	for (i = 0; i < num; i++)
		submit(&items[i], do_nothing, count_completion);
	iv_work_pool_put(&pool);
	iv_main();
	assert_int_equal(completions, num);
	iv_deinit();
	free(items);
}

static void the_memory_of_a_pool_that_was_put_may_be_freed(void **state)
{
	struct iv_work_pool *own = malloc(sizeof(*own));
	struct iv_work_item items[10];
	int i;

	(void)state;
	iv_init();
	IV_WORK_POOL_INIT(own);
	own->max_threads = 2;
	assert_int_equal(iv_work_pool_create(own), 0);
	for (i = 0; i < 10; i++) {
		set_up(&items[i], do_nothing, count_completion);
		iv_work_pool_submit_work(own, &items[i]);
	}
	iv_work_pool_put(own);
	memset(own, 0xa5, sizeof(*own));
	free(own);
	iv_main();
	assert_int_equal(completions, 10);
	iv_deinit();
}

static void put_at_first(void *cookie)
{
	(void)cookie;
	if (completions++ == 0)
		iv_work_pool_put(&pool);
}

static void a_completion_may_put_with_work_queued(void **state)
{
	struct iv_work_item items[100];
	int i;

	(void)state;
	iv_init();
	create_pool(3);
	for (i = 0; i < 100; i++)
		submit(&items[i], count_running, put_at_first);
	iv_main();
	assert_int_equal(completions, 100);
	iv_deinit();
}

static void a_handler_may_put_with_work_queued(void **state)
{
	struct iv_work_item items[100];
	struct iv_task task;
	int i;

	(void)state;
	iv_init();
	create_pool(3);
	for (i = 0; i < 100; i++)
		submit(&items[i], count_running, count_completion);
	IV_TASK_INIT(&task);
	task.cookie = "task";
	task.handler = note_and_put;
	iv_task_register(&task);
	iv_main();
	assert_noted("task");
	assert_int_equal(completions, 100);
	iv_deinit();
}

/* A continuation comes from a worker when the owner has put long ago. */
static struct iv_work_item continued;

static void continue_after_put(void *copy)
{
	pthread_barrier_wait(&barrier);
	set_up(&continued, do_nothing, count_completion);
	iv_work_pool_submit_continuation(copy, &continued);
}

static void wait_at_barrier(void *cookie)
{
	(void)cookie;
	pthread_barrier_wait(&barrier);
}

static void work_may_continue_after_put(void **state)
{
	struct iv_work_item item;

	(void)state;
	pthread_barrier_init(&barrier, NULL, 2);
	iv_init();
	create_pool(1);
	set_up(&item, continue_after_put, count_completion);
	item.cookie = &pool;
	iv_work_pool_submit_work(&pool, &item);
	iv_work_pool_put(&pool);
	wait_at_barrier(NULL);
	iv_main();
	assert_int_equal(completions, 2);
	iv_deinit();
	pthread_barrier_destroy(&barrier);
}

/* Several pools ***********************************************************/

static void *use_a_pool(void *arg)
{
	struct iv_work_item items[10];
	struct iv_work_pool own;
	int i;

	iv_init();
	IV_WORK_POOL_INIT(&own);
	own.max_threads = 2;
	if (iv_work_pool_create(&own) != 0)
		return (void *)1;
	for (i = 0; i < 10; i++) {
		set_up(&items[i], do_nothing, NULL);
		iv_work_pool_submit_work(&own, &items[i]);
	}
	iv_work_pool_put(&own);
	iv_main();
	iv_deinit();

	return arg;
}

static void each_thread_may_have_pools_of_its_own(void **state)
{
	pthread_t threads[4];
	int i;

	(void)state;
	for (i = 0; i < 4; i++)
		threads[i] = start_thread(use_a_pool, NULL);
	for (i = 0; i < 4; i++)
		assert_null(join_thread(threads[i]));
}

/* Misuse *******************************************************************/

static void do_create(void *arg)
{
	(void)arg;
	pool.max_threads = 1;
	iv_work_pool_create(&pool);
}

static void do_submit(void *item)
{
	iv_work_pool_submit_work(&pool, item);
}

static void do_submit_nowhere(void *item)
{
	iv_work_pool_submit_work(NULL, item);
}

static void do_put(void *arg)
{
	(void)arg;
	iv_work_pool_put(&pool);
}

static void use_before_init_is_fatal(void **state)
{
	struct iv_work_item item;

	(void)state;
	set_up(&item, do_nothing, NULL);
	expect_fatal(do_create, NULL, "iv_work_pool_create", "iv_init");
	expect_fatal(do_submit_nowhere, &item, "iv_work_pool_submit_work",
		     "iv_init");
}

static void use_of_a_pool_that_was_put_is_fatal(void **state)
{
	struct iv_work_item item;

	(void)state;
	iv_init();
	set_up(&item, do_nothing, NULL);
	create_pool(1);
	iv_work_pool_put(&pool);
	iv_main();
	expect_fatal(do_put, NULL, "iv_work_pool_put", "iv_work_pool_create");
	expect_fatal(do_submit, &item, "iv_work_pool_submit_work",
		     "iv_work_pool_create");
	iv_deinit();
}

static void use_from_another_thread_is_fatal(void **state)
{
	struct iv_work_item item;

	(void)state;
	iv_init();
	set_up(&item, do_nothing, NULL);
	create_pool(1);
	expect_fatal_elsewhere(do_submit, &item, "iv_work_pool_submit_work",
			       "another thread");
	expect_fatal_elsewhere(do_put, NULL, "iv_work_pool_put",
			       "another thread");
	iv_work_pool_put(&pool);
	iv_main();
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(init_clears_the_thread_functions),
	TEST(fewer_threads_than_one_are_refused),
	TEST(an_unused_pool_can_be_put),
	TEST(a_pool_keeps_the_loop_until_it_is_put),
	TEST(as_many_as_max_threads_run_at_a_time),
	TEST(items_submitted_later_run_at_a_time_too),
	TEST(never_more_than_max_threads_run_at_a_time),
	TEST(work_queued_at_put_still_runs_and_completes),
	TEST(the_memory_of_a_pool_that_was_put_may_be_freed),
	TEST(a_completion_may_put_with_work_queued),
	TEST(a_handler_may_put_with_work_queued),
	TEST(work_may_continue_after_put),
	TEST(each_thread_may_have_pools_of_its_own),
	TEST(use_before_init_is_fatal),
	TEST(use_of_a_pool_that_was_put_is_fatal),
	TEST(use_from_another_thread_is_fatal),
};

TEST_MAIN(cases)
