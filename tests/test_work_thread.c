/* SPDX-License-Identifier: MIT */
/*
 * test_work_thread.c - what a pool's threads may do: the whole interface,
 * in thread_start, in work functions and in thread_stop
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <iv_event.h>
#include <iv_event_raw.h>
#include <iv_thread.h>
#include <iv_work.h>
#include "harness.h"

static struct iv_work_pool pool;
static atomic_int starts, stops;
static int completions;
static pthread_t owner;

static void create_pool(int max_threads, void (*start)(void *cookie),
			void (*stop)(void *cookie))
{
	IV_WORK_POOL_INIT(&pool);
	pool.max_threads = max_threads;
	pool.cookie = &pool;
	pool.thread_start = start;
	pool.thread_stop = stop;
	assert_int_equal(iv_work_pool_create(&pool), 0);
}

static void submit(struct iv_work_item *item, void (*work)(void *cookie),
		   void (*completion)(void *cookie))
{
	IV_WORK_ITEM_INIT(item);
	item->cookie = item;
	item->work = work;
	item->completion = completion;
	iv_work_pool_submit_work(&pool, item);
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

/* Starting and stopping ***************************************************/

static _Thread_local int started_here;
static atomic_int wrong;

static void count_start(void *cookie)
{
	if (cookie != &pool || !iv_inited() || started_here++ != 0 ||
	    pthread_equal(pthread_self(), owner))
		atomic_fetch_add(&wrong, 1);
	atomic_fetch_add(&starts, 1);
}

static void count_stop(void *cookie)
{
	if (cookie != &pool || !iv_inited() || started_here-- != 1)
		atomic_fetch_add(&wrong, 1);
	atomic_fetch_add(&stops, 1);
}

static void need_start(void *cookie)
{
	(void)cookie;
	if (started_here != 1)
		atomic_fetch_add(&wrong, 1);
}

static void each_thread_starts_before_its_work_and_stops_after(void **state)
{
	int num = scaled(1000), i;
	struct iv_work_item *items = calloc((size_t)num, sizeof(*items));

	(void)state;
	owner = pthread_self();
	iv_init();
	create_pool(4, count_start, count_stop);
	for (i = 0; i < num; i++)
		submit(&items[i], need_start, count_completion);
	iv_work_pool_put(&pool);
	iv_main();
	assert_int_equal(completions, num);
	assert_int_equal(atomic_load(&wrong), 0);
	assert_true(atomic_load(&starts) >= 1);
	assert_int_equal(atomic_load(&stops), atomic_load(&starts));
	iv_deinit();
	free(items);
}

static void no_thread_is_started_without_work(void **state)
{
	(void)state;
	iv_init();
	create_pool(4, count_start, count_stop);
	iv_work_pool_put(&pool);
	iv_main();
	assert_int_equal(atomic_load(&starts), 0);
	iv_deinit();
}

static void end_thread(void *cookie)
{
	pthread_exit(cookie);
}

static void one_ended_by_its_work_is_started_anew(void **state)
{
	struct iv_work_item items[10];
	int i;

	(void)state;
	iv_init();
	create_pool(1, count_start, NULL);
	for (i = 0; i < 10; i++)
		submit(&items[i], end_thread, count_completion);
	iv_work_pool_put(&pool);
	iv_main();
	assert_int_equal(completions, 10);
	assert_true(atomic_load(&starts) >= 10);
	iv_deinit();
}

static sem_t is_called, is_submitted;

/* While the owner calls its worker. */
static void end_when_called(void *cookie)
{
	sem_post(&is_called);
	await(&is_submitted);
	pthread_exit(cookie);
}

static void end_later(void *cookie)
{
	static struct iv_timer timer;

	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(5);
	timer.cookie = cookie;
	timer.handler = end_when_called;
	iv_timer_register(&timer);
}

/* Not before: an owner that puts its pool looks after what is left. */
static void put_at_completion(void *cookie)
{
	count_completion(cookie);
	iv_work_pool_put(&pool);
}

static void one_that_ends_while_it_is_called_leaves_nothing(void **state)
{
	struct iv_work_item first, next;

	(void)state;
	iv_init();
	sem_init(&is_called, 0, 0);
	sem_init(&is_submitted, 0, 0);
	create_pool(1, count_start, count_stop);
	submit(&first, end_later, count_completion);
	await(&is_called);
	submit(&next, do_nothing, put_at_completion);
	sem_post(&is_submitted);
	iv_main();
	assert_int_equal(completions, 2);
	assert_int_equal(atomic_load(&stops), atomic_load(&starts));
	iv_deinit();
}

/* Served while the worker has nothing else to do **************************/

/*
 * Set up in the worker by thread_start or by a work function; when the worker
 * has served it, it tells the owner by an event, which puts the pool.
 */
static struct iv_event served;
static struct iv_timer timer;
static struct iv_task task;
static struct iv_fd fd;
static struct iv_event event;
static struct iv_event_raw raw;
static int pipefd[2];
static pthread_t worker;

static void tell_owner(void)
{
	if (!pthread_equal(pthread_self(), worker))
		atomic_fetch_add(&wrong, 1);
	iv_event_post(&served);
}

static void put_when_served(void *cookie)
{
	(void)cookie;
	iv_event_unregister(&served);
	iv_work_pool_put(&pool);
}

static void fired(void *cookie)
{
	(void)cookie;
	tell_owner();
}

static void register_timer(void *cookie)
{
	(void)cookie;
	worker = pthread_self();
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(5);
	timer.handler = fired;
	iv_timer_register(&timer);
}

static void register_task(void *cookie)
{
	(void)cookie;
	worker = pthread_self();
	IV_TASK_INIT(&task);
	task.handler = fired;
	iv_task_register(&task);
}

static void called_fd(void *cookie)
{
	(void)cookie;
	iv_fd_unregister(&fd);
	tell_owner();
}

static void register_fd(void *cookie)
{
	(void)cookie;
	worker = pthread_self();
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	fd.handler_in = called_fd;
	iv_fd_register(&fd);
}

static void called_event(void *cookie)
{
	(void)cookie;
	iv_event_unregister(&event);
	tell_owner();
}

static void register_event(void *cookie)
{
	(void)cookie;
	worker = pthread_self();
	event.handler = called_event;
	if (iv_event_register(&event) != 0)
		abort();
}

static void called_raw(void *cookie)
{
	(void)cookie;
	iv_event_raw_unregister(&raw);
	tell_owner();
}

static void register_raw(void *cookie)
{
	(void)cookie;
	worker = pthread_self();
	raw.handler = called_raw;
	if (iv_event_raw_register(&raw) != 0)
		abort();
}

/* @completion runs when the worker has, or is about to have, no work left. */
static void serve(void (*start)(void *cookie), void (*work)(void *cookie),
		  void (*completion)(void *cookie))
{
	struct iv_work_item item;

	make_pipe(pipefd);
	iv_init();
	served.handler = put_when_served;
	assert_int_equal(iv_event_register(&served), 0);
	create_pool(1, start, count_stop);
	submit(&item, work, completion);
	iv_main();
	assert_int_equal(atomic_load(&stops), 1);
	iv_deinit();
	close_both(pipefd);
	atomic_store(&stops, 0);
}

static void make_ready(void *cookie)
{
	(void)cookie;
	put_byte(pipefd[1]);
}

static void post_event(void *cookie)
{
	(void)cookie;
	iv_event_post(&event);
}

static void post_raw(void *cookie)
{
	(void)cookie;
	iv_event_raw_post(&raw);
}

static void served_if_registered_by(bool in_start, void (*reg)(void *cookie),
				    void (*completion)(void *cookie))
{
	if (in_start)
		serve(reg, do_nothing, completion);
	else
		serve(NULL, reg, completion);
}

static void serve_each(bool in_start)
{
	served_if_registered_by(in_start, register_timer, NULL);
	served_if_registered_by(in_start, register_task, NULL);
	served_if_registered_by(in_start, register_fd, make_ready);
	served_if_registered_by(in_start, register_event, post_event);
	served_if_registered_by(in_start, register_raw, post_raw);
}

static void what_thread_start_registers_is_served(void **state)
{
	(void)state;
	serve_each(true);
}

static void what_a_work_function_registers_is_served(void **state)
{
	(void)state;
	serve_each(false);
}

/* A work function may even run its loop by itself. */
static void quit_loop(void *cookie)
{
	(void)cookie;
	atomic_fetch_add(&starts, 1);
	iv_quit();
}

static void run_own_loop(void *cookie)
{
	(void)cookie;
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(1);
	timer.handler = quit_loop;
	iv_timer_register(&timer);
	iv_main();
}

static void a_work_function_may_run_iv_main(void **state)
{
	struct iv_work_item items[2];

	(void)state;
	iv_init();
	create_pool(1, NULL, NULL);
	submit(&items[0], run_own_loop, count_completion);
	submit(&items[1], do_nothing, count_completion);
	iv_work_pool_put(&pool);
	iv_main();
	assert_int_equal(completions, 2);
	assert_int_equal(atomic_load(&starts), 1);
	iv_deinit();
}

static void count_run(void *cookie)
{
	(void)cookie;
	atomic_fetch_add(&starts, 1);
}

static void create_thread(void *cookie)
{
	if (iv_thread_create("inner", count_run, cookie) != 0)
		abort();
}

static void a_work_function_may_create_threads(void **state)
{
	struct iv_work_item item;

	(void)state;
	iv_init();
	create_pool(1, NULL, NULL);
	submit(&item, create_thread, count_completion);
	iv_work_pool_put(&pool);
	iv_main();
	assert_int_equal(completions, 1);
	assert_int_equal(atomic_load(&starts), 1);
	iv_deinit();
}

static struct iv_work_pool inner_pool;
static struct iv_work_item inner_item;

static void end_inner(void *cookie)
{
	(void)cookie;
	iv_work_pool_put(&inner_pool);
	iv_event_post(&served);
}

static void use_inner_pool(void *cookie)
{
	(void)cookie;
	IV_WORK_POOL_INIT(&inner_pool);
	inner_pool.max_threads = 1;
	if (iv_work_pool_create(&inner_pool) != 0)
		abort();
	inner_item.work = count_run;
	inner_item.completion = end_inner;
	iv_work_pool_submit_work(&inner_pool, &inner_item);
}

static void a_work_function_may_have_a_pool(void **state)
{
	struct iv_work_item item;

	(void)state;
	iv_init();
	served.handler = put_when_served;
	assert_int_equal(iv_event_register(&served), 0);
	create_pool(1, NULL, NULL);
	submit(&item, use_inner_pool, count_completion);
	iv_main();
	assert_int_equal(completions, 1);
	assert_int_equal(atomic_load(&starts), 1);
	iv_deinit();
}

/* thread_stop drops what thread_start took. */
static void unregister_event(void *cookie)
{
	(void)cookie;
	iv_event_unregister(&event);
	atomic_fetch_add(&stops, 1);
}

static void thread_stop_may_unregister_what_start_registered(void **state)
{
	struct iv_work_item item;

	(void)state;
	iv_init();
	create_pool(1, register_event, unregister_event);
	submit(&item, do_nothing, count_completion);
	iv_work_pool_put(&pool);
	iv_main();
	assert_int_equal(completions, 1);
	assert_int_equal(atomic_load(&stops), 1);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(each_thread_starts_before_its_work_and_stops_after),
	TEST(no_thread_is_started_without_work),
	TEST(one_ended_by_its_work_is_started_anew),
	TEST(one_that_ends_while_it_is_called_leaves_nothing),
	TEST(what_thread_start_registers_is_served),
	TEST(what_a_work_function_registers_is_served),
	TEST(a_work_function_may_run_iv_main),
	TEST(a_work_function_may_create_threads),
	TEST(a_work_function_may_have_a_pool),
	TEST(thread_stop_may_unregister_what_start_registered),
};

TEST_MAIN(cases)
