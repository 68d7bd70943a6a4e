/* SPDX-License-Identifier: MIT */
/*
 * test_loop_end_odd.c - ends from where one would not expect them
 */
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <iv_event.h>
#include <iv_loop.h>
#include <iv_thread.h>
#include <iv_work.h>
#include "loop_end_bed.h"

static iv_loop_id loop_id;
static int result = 1;

/* From threads that the loop waits for ************************************/

static void end_creator(void *cookie)
{
	(void)cookie;
	result = iv_loop_end(loop_id, IV_LOOP_DRAIN, -1, NULL, NULL);
}

static void a_created_thread_may_end_its_creator(void **state)
{
	(void)state;
	iv_init();
	loop_id = iv_loop_self();
	assert_int_equal(iv_thread_create("ender", end_creator, NULL), 0);
	run_until_ended();
	assert_int_equal(result, -EDEADLK);
	assert_int_equal(iv_loop_stopped(), 1);
	iv_deinit();
}

static void create_ender(void *cookie)
{
	(void)cookie;
	iv_init();
	if (iv_thread_create("ender", end_creator, NULL) != 0)
		abort();
	iv_main();
	iv_deinit();
}

static void and_the_creator_of_its_creator(void **state)
{
	(void)state;
	iv_init();
	loop_id = iv_loop_self();
	assert_int_equal(iv_thread_create("between", create_ender, NULL), 0);
	run_until_ended();
	assert_int_equal(result, -EDEADLK);
	iv_deinit();
}

static void a_work_function_may_end_its_pools_owner(void **state)
{
	struct iv_work_pool pool = { .max_threads = 1 };
	struct iv_work_item item = { .work = end_creator };

	(void)state;
	iv_init();
	loop_id = iv_loop_self();
	assert_int_equal(iv_work_pool_create(&pool), 0);
	iv_work_pool_submit_work(&pool, &item);
	run_until_ended();
	assert_int_equal(result, -EDEADLK);
	iv_deinit();
}

static sem_t created;

static void join_owner(void *cookie)
{
	(void)cookie;
	sem_post(&created);
	result = iv_loop_join(loop_id, -1);
}

static void it_may_not_join_it(void **state)
{
	struct iv_work_pool pool = { .max_threads = 1 };
	struct iv_work_item item = { .work = join_owner };

	(void)state;
	sem_init(&created, 0, 0);
	iv_init();
	loop_id = iv_loop_self();
	assert_int_equal(iv_work_pool_create(&pool), 0);
	iv_work_pool_submit_work(&pool, &item);
	await(&created);
	iv_deinit();
	assert_int_equal(result, -EDEADLK);
}

static void join_creator(void *cookie)
{
	(void)cookie;
	sem_post(&created);
	result = iv_loop_join(loop_id, -1);
}

static void *end_at_once(void *arg)
{
	*(int *)arg = iv_loop_end(loop_id, IV_LOOP_DRAIN, -1, NULL, NULL);

	return NULL;
}

/* The join is begun, or about to; either way it is refused. */
static void nor_may_a_created_thread_join_one_that_ends(void **state)
{
	pthread_t ender;
	int ret = 1;

	(void)state;
	sem_init(&created, 0, 0);
	iv_init();
	loop_id = iv_loop_self();
	assert_int_equal(iv_thread_create("joiner", join_creator, NULL), 0);
	await(&created);
	ender = start_thread(end_at_once, &ret);
	run_until_ended();
	assert_int_equal(result, -EDEADLK);
	iv_deinit();
	join_thread(ender);
	assert_int_equal(ret, 0);
}

static int num_remaining;

static void count(void *cookie, iv_loop_id id, const char *what)
{
	(void)cookie;
	(void)what;
	num_remaining += id == loop_id;
}

static void end_all_from_inside(void *cookie)
{
	(void)cookie;
	result = iv_loop_end_all(IV_LOOP_DRAIN, -1, count, NULL);
}

static void a_created_thread_may_end_all(void **state)
{
	(void)state;
	iv_init();
	loop_id = iv_loop_self();
	assert_int_equal(iv_thread_create("ender", end_all_from_inside, NULL),
			 0);
	run_until_ended();
	assert_int_equal(result, 1);
	assert_int_equal(num_remaining, 1);
	iv_deinit();
}

/* From inside of iv_deinit() **********************************************/

static void end_myself(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	(void)message;
	result = iv_loop_end(loop_id, IV_LOOP_DRAIN, -1, NULL, NULL);
	num_remaining = iv_loop_end_all(IV_LOOP_DRAIN, -1, NULL, NULL);
}

static int
close_with_message(void (*dropped)(void *cookie, struct iv_channel_message *))
{
	struct iv_channel_sender sender;
	struct iv_channel channel;
	struct letter letter;

	iv_init();
	loop_id = iv_loop_self();
	IV_CHANNEL_INIT(&channel);
	channel.handler = got;
	channel.dropped = dropped;
	if (iv_channel_register(&channel) != 0)
		abort();
	open_sender(&sender, &channel);
	if (send_word(&sender, &letter, "left") != 0)
		abort();
	iv_deinit();
	iv_channel_sender_close(&sender);

	return result;
}

static void a_closing_loop_does_not_wait_for_itself(void **state)
{
	(void)state;
	assert_int_equal(close_with_message(end_myself), -EDEADLK);
	assert_int_equal(num_remaining, 0);
}

static sem_t closing, joined;
static iv_loop_id other_id;

static void let_join_and_join(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	(void)message;
	sem_post(&closing);
	result = iv_loop_join(other_id, -1);
}

static void *close_and_join(void *arg)
{
	(void)arg;
	close_with_message(let_join_and_join);
	sem_post(&joined);

	return NULL;
}

static void nor_for_one_that_waits_for_it(void **state)
{
	pthread_t thread;
	int ret;

	(void)state;
	sem_init(&closing, 0, 0);
	sem_init(&joined, 0, 0);
	iv_init();
	other_id = iv_loop_self();
	thread = start_thread(close_and_join, NULL);
	await(&closing);
	ret = iv_loop_join(loop_id, -1);
	if (ret == -EDEADLK) {
		iv_deinit();
		await(&joined);
		assert_true(result == 0 || result == -ESRCH);
	} else {
		assert_int_equal(ret, 0);
		await(&joined);
		assert_int_equal(result, -EDEADLK);
		iv_deinit();
	}
	join_thread(thread);
}

/* Hosts, and loops that do not listen **************************************/

static void a_host_does_not_sleep_over_the_end(void **state)
{
	struct iv_event stay = { .handler = never_posted };
	int64_t timeout_ns = -1;

	(void)state;
	open_full_channel(number_got, number_dropped);
	assert_int_equal(iv_event_register(&stay), 0);
	end_self(IV_LOOP_DRAIN, -1);
	assert_int_equal(iv_loop_run_once(0), 1);
	assert_true(num_got > 0 && num_got < MANY);

	/* What it waited for is gone, outside of its rounds. */
	iv_channel_unregister(&channel);
	if (iv_loop_prepare(&timeout_ns) >= 0)
		assert_int_equal(timeout_ns, 0);
	assert_int_equal(iv_loop_run_once(-1), 0);
	iv_channel_sender_close(&sender);
	iv_event_unregister(&stay);
	iv_deinit();
}

static void zero(void *cookie)
{
	*(int *)cookie = 0;
}

static int run_timer(void *arg)
{
	struct iv_timer timer;

	(void)arg;
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(0);
	timer.cookie = &result;
	timer.handler = zero;
	iv_timer_register(&timer);
	iv_main();
	iv_deinit();

	return result;
}

static void *tell(void *arg)
{
	(void)arg;
	iv_loop_end(loop_id, IV_LOOP_DRAIN, 0, NULL, NULL);

	return NULL;
}

/* It has not heard, nor has its child. */
static void a_child_of_a_deaf_loop_runs(void **state)
{
	(void)state;
	iv_init();
	loop_id = iv_loop_self();
	in_thread(tell, NULL);
	assert_int_equal(iv_loop_stopped(), 1);
	in_child(run_timer, NULL);
	assert_int_equal(iv_loop_listen(), 0);
	run_until_ended();
	iv_deinit();
}

static void end_own(void *cookie)
{
	(void)cookie;
	result = iv_loop_end(iv_loop_self(), IV_LOOP_DRAIN, -1, NULL, NULL);
}

static void a_deaf_loop_may_end_itself(void **state)
{
	struct iv_timer timer, later;

	(void)state;
	iv_init();
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(0);
	timer.handler = end_own;
	iv_timer_register(&timer);
	IV_TIMER_INIT(&later);
	later.expires = after_ms(100000);
	later.handler = never_posted;
	iv_timer_register(&later);
	run_until_ended();
	assert_int_equal(result, -EDEADLK);
	iv_timer_unregister(&later);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(a_created_thread_may_end_its_creator),
	TEST(and_the_creator_of_its_creator),
	TEST(a_work_function_may_end_its_pools_owner),
	TEST(it_may_not_join_it),
	TEST(nor_may_a_created_thread_join_one_that_ends),
	TEST(a_created_thread_may_end_all),
	TEST(a_closing_loop_does_not_wait_for_itself),
	TEST(nor_for_one_that_waits_for_it),
	TEST(a_host_does_not_sleep_over_the_end),
	TEST(a_child_of_a_deaf_loop_runs),
	TEST(a_deaf_loop_may_end_itself),
};

TEST_MAIN(cases)
