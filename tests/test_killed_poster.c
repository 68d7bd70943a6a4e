/* SPDX-License-Identifier: MIT */
/*
 * test_killed_poster.c - a thread that is killed amid a post by handle
 *
 * Not under TSan, whose own locks such a thread takes with it.
 */
#include <iv_loop.h>
#include "meets_bed.h"

static struct meeting meeting;

enum { NUM_MANY = 100 };

static struct iv_event many[NUM_MANY];
static iv_event_handle handles[NUM_MANY];

static struct aim aim;

static void count(void *num)
{
	++*(int *)num;
}

static void *post_to_many(void *arg)
{
	int i;

	/* What nobody should do, and what it costs. */
	/* NOLINTNEXTLINE(cert-pos47-c,concurrency-*) */
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	meet(&meeting);
	aim_wait(&aim);
	for (i = 0; i < NUM_MANY; i++) {
		iv_event_handle_post(handles[i]);
		atomic_store(&aim.num_done, i + 1);
	}

	return arg;
}

static void open_many(int *num_called)
{
	int i;

	for (i = 0; i < NUM_MANY; i++)
		handles[i] = open_handle(&many[i], count, num_called);
}

/* All of them are posted to; how many handlers are called? */
static void expect_calls(int *num_called, int at_least)
{
	int i;

	*num_called = 0;
	for (i = 0; i < NUM_MANY; i++)
		assert_int_equal(iv_event_handle_post(handles[i]), 0);
	for (i = 0; i < 3; i++)
		iv_loop_run_once(0);
	assert_in_range(*num_called, at_least, NUM_MANY);
}

static void close_many(void)
{
	int i;

	for (i = 0; i < NUM_MANY; i++) {
		iv_event_unregister(&many[i]);
		assert_int_equal(iv_event_handle_post(handles[i]), -ENOENT);
	}
}

/* One that it has claimed and not queued is lost until it is unregistered. */
static void a_thread_killed_amid_a_post_costs_one_event(void **state)
{
	pthread_t thread;
	int num_rounds = rounds_of(200, 10);
	int num_called;
	int i;

	(void)state;
	meeting.num = 2;
	for (i = 0; i < num_rounds; i++) {
		iv_init();
		open_many(&num_called);
		thread = start_thread(post_to_many, NULL);
		meet(&meeting);
		pthread_cancel(thread);
		join_thread(thread);
		aim_correct(&aim, atomic_load(&aim.num_done), NUM_MANY);
		expect_calls(&num_called, NUM_MANY - 1);
		close_many();
		open_many(&num_called);
		expect_calls(&num_called, NUM_MANY);
		close_many();
		iv_deinit();
	}
}

static const struct test_case cases[] = {
	TEST(a_thread_killed_amid_a_post_costs_one_event),
};

TEST_MAIN(cases)
