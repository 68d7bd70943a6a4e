/* SPDX-License-Identifier: MIT */
/*
 * test_loop_meets.c - calls, stops and joins that meet something else
 */
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <iv_event_handle.h>
#include <iv_loop.h>
#include "harness.h"

/* A loop in a thread of its own, that runs until it is stopped. */
struct looper {
	pthread_t thread;
	iv_loop_id id;
	sem_t open;
	sem_t go;
	bool just_ends; /* when it may go, without running */
	bool lingers;	/* behind iv_main(), until it may go */
	struct iv_event stay;
};

static void *live(void *arg)
{
	struct looper *looper = arg;

	iv_init();
	looper->stay.handler = never_posted;
	if (iv_event_register(&looper->stay) != 0)
		abort();
	looper->id = iv_loop_self();
	sem_post(&looper->open);
	if (!looper->just_ends)
		iv_main();
	if (looper->lingers || looper->just_ends)
		await(&looper->go);
	iv_event_unregister(&looper->stay);
	if (!looper->just_ends)
		iv_deinit();

	return NULL;
}

static void start(struct looper *looper)
{
	sem_init(&looper->open, 0, 0);
	sem_init(&looper->go, 0, 0);
	looper->thread = start_thread(live, looper);
	await(&looper->open);
}

static void stop(struct looper *looper)
{
	if (iv_loop_stop(looper->id) != 0)
		abort();
	join_thread(looper->thread);
}

static atomic_int num_ran;
static atomic_int num_dropped;

static void count_ran(void *cookie)
{
	(void)cookie;
	atomic_fetch_add(&num_ran, 1);
}

static void count_dropped(void *cookie)
{
	(void)cookie;
	atomic_fetch_add(&num_dropped, 1);
}

/* Somebody who waits for a function that waits for us. */
static struct waiter {
	struct looper looper;
	pthread_t thread;
	sem_t entered;
	sem_t leave;
	int result;
} waiter;

static int pass_gate(void *cookie)
{
	(void)cookie;
	sem_post(&waiter.entered);
	await(&waiter.leave);

	return 5;
}

static void *wait_for_gate(void *arg)
{
	return (void *)(intptr_t)iv_loop_call_wait(waiter.looper.id, pass_gate,
						   arg, -1, &waiter.result);
}

static void start_waiter(void)
{
	sem_init(&waiter.entered, 0, 0);
	sem_init(&waiter.leave, 0, 0);
	start(&waiter.looper);
	waiter.thread = start_thread(wait_for_gate, NULL);
	await(&waiter.entered);
}

static void expect_its_result(void)
{
	sem_post(&waiter.leave);
	assert_int_equal((intptr_t)join_thread(waiter.thread), 0);
	assert_int_equal(waiter.result, 5);
}

/* Stops *******************************************************************/

static void *call_until_it_has_ended(void *id)
{
	intptr_t num = 0;
	int ret;

	for (;;) {
		ret = iv_loop_call(*(iv_loop_id *)id, count_ran, NULL,
				   count_dropped);
		if (ret != 0)
			break;
		num++;
	}
	if (ret != -ESRCH)
		abort();

	return (void *)num;
}

static void calls_beside_a_stop_run_or_are_dropped(void **state)
{
	struct looper looper = { .lingers = false };
	pthread_t caller;
	int num;

	(void)state;
	start(&looper);
	caller = start_thread(call_until_it_has_ended, &looper.id);
	while (atomic_load(&num_ran) == 0)
		continue;
	assert_int_equal(iv_loop_stop(looper.id), 0);
	num = (int)(intptr_t)join_thread(caller);
	join_thread(looper.thread);
	assert_int_equal(num_ran + num_dropped, num);
}

static void a_stop_does_not_cut_a_call_short(void **state)
{
	(void)state;
	start_waiter();
	assert_int_equal(iv_loop_stop(waiter.looper.id), 0);
	assert_int_equal(iv_loop_stop(waiter.looper.id), 0);
	expect_its_result();
	join_thread(waiter.looper.thread);
}

static int ask_in_child(void *arg)
{
	(void)arg;
	leave_child(iv_loop_stopped() ? 0 : 1);
}

static void a_child_of_a_stopped_loop_is_stopped(void **state)
{
	(void)state;
	iv_init();
	assert_int_equal(iv_loop_listen(), 0);
	assert_int_equal(iv_loop_stop(iv_loop_self()), 0);
	in_child(ask_in_child, NULL);
	iv_deinit();
}

/* Joins *******************************************************************/

static void *join(void *id)
{
	return (void *)(intptr_t)iv_loop_join(*(iv_loop_id *)id, -1);
}

static void all_who_join_learn_of_the_end(void **state)
{
	struct looper looper = { .lingers = false };
	pthread_t joiners[3];
	intptr_t ret;
	int i;

	(void)state;
	start(&looper);
	for (i = 0; i < 3; i++)
		joiners[i] = start_thread(join, &looper.id);
	assert_int_equal(iv_loop_stop(looper.id), 0);
	for (i = 0; i < 3; i++) {
		ret = (intptr_t)join_thread(joiners[i]);
		assert_true(ret == 0 || ret == -ESRCH);
	}
	join_thread(looper.thread);
}

static void the_end_of_a_thread_answers_calls_and_joins(void **state)
{
	struct looper looper = { .just_ends = true };
	pthread_t joiner;
	intptr_t ret;

	(void)state;
	start(&looper);
	assert_int_equal(
		iv_loop_call(looper.id, count_ran, NULL, count_dropped), 0);
	assert_int_equal(iv_loop_stop(looper.id), 0);
	joiner = start_thread(join, &looper.id);
	sem_post(&looper.go);
	ret = (intptr_t)join_thread(joiner);
	assert_true(ret == 0 || ret == -ESRCH);
	join_thread(looper.thread);
	assert_int_equal(num_ran, 0);
	assert_int_equal(num_dropped, 1);
}

/* Quits, and what comes and goes ******************************************/

static void note_call_and_quit(void *cookie)
{
	iv_loop_call(iv_loop_self(), note_and_quit, cookie, NULL);
	note("first");
	iv_quit();
}

static void behind_a_quit_calls_wait_for_the_next_main(void **state)
{
	struct iv_event stay = { .handler = never_posted };

	(void)state;
	iv_init();
	assert_int_equal(iv_event_register(&stay), 0);
	assert_int_equal(iv_loop_call(iv_loop_self(), note_call_and_quit,
				      "second", NULL),
			 0);
	run_until_quit("the first call");
	assert_noted("first");
	run_until_quit("the second call");
	assert_noted("second");
	iv_event_unregister(&stay);
	iv_deinit();
}

/* On the called loop: an event comes and goes. */
static int register_and_unregister(void *cookie)
{
	struct iv_event brief = { .handler = never_posted };

	(void)cookie;
	if (iv_event_register(&brief) != 0)
		return -1;
	iv_event_unregister(&brief);

	return 0;
}

static void what_comes_and_goes_leaves_calls_alone(void **state)
{
	struct looper looper = { .lingers = false };
	int rounds = scaled(1000);
	int result = -1;
	int num = 0;

	(void)state;
	start(&looper);
	while (num++ < rounds) {
		assert_int_equal(iv_loop_call(looper.id, count_ran, NULL, NULL),
				 0);
		assert_int_equal(iv_loop_call_wait(looper.id,
						   register_and_unregister,
						   NULL, -1, &result),
				 0);
		assert_int_equal(result, 0);
		assert_int_equal(num_ran, num);
	}
	stop(&looper);
}

/* Posts, signals and forks ************************************************/

static iv_event_handle handle;
static iv_event_handle other_handle;

static int post_to_caller(void *cookie)
{
	iv_event_post(cookie);

	return iv_event_handle_post(other_handle);
}

static void who_waits_handles_posts_afterwards(void **state)
{
	struct iv_event event = { .cookie = "event", .handler = note };
	struct iv_event last = { .cookie = "last", .handler = note_and_quit };
	struct looper looper = { .lingers = false };
	int result = -1;

	(void)state;
	start(&looper);
	iv_init();
	assert_int_equal(iv_event_register(&event), 0);
	assert_int_equal(iv_event_register(&last), 0);
	other_handle = iv_event_handle_of(&last);
	assert_int_equal(iv_loop_call_wait(looper.id, post_to_caller, &event,
					   -1, &result),
			 0);
	assert_int_equal(result, 0);
	assert_noted("");
	run_until_quit("what was posted");
	assert_noted("event last");
	iv_event_unregister(&event);
	iv_event_unregister(&last);
	iv_deinit();
	stop(&looper);
}

static void post_in_signal(int number)
{
	(void)number;
	iv_event_handle_post(handle);
}

/* Until it has posted, which the event's handler tells us. */
static void interrupt(pthread_t thread)
{
	assert_int_equal(pthread_kill(thread, SIGUSR1), 0);
	run_until_quit("a post of the signal handler");
	assert_noted("signal");
}

static void signals_end_neither_calls_nor_joins(void **state)
{
	struct iv_event event = { .cookie = "signal",
				  .handler = note_and_quit };
	struct sigaction action = { .sa_handler = post_in_signal };
	struct looper looper = { .lingers = true };
	pthread_t joiner;
	intptr_t ret;

	(void)state;
	if (under_tsan())
		cannot_try("TSan holds signals back from a thread that waits");
	/* helgrind reports each wait that a signal interrupts. */
	if (under_a_tool())
		action.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &action, NULL);
	iv_init();
	assert_int_equal(iv_event_register(&event), 0);
	handle = iv_event_handle_of(&event);

	start_waiter();
	interrupt(waiter.thread);
	expect_its_result();
	stop(&waiter.looper);

	start(&looper);
	joiner = start_thread(join, &looper.id);
	interrupt(joiner);
	assert_int_equal(iv_loop_stop(looper.id), 0);
	interrupt(joiner);
	sem_post(&looper.go);
	ret = (intptr_t)join_thread(joiner);
	assert_true(ret == 0 || ret == -ESRCH);
	join_thread(looper.thread);

	iv_event_unregister(&event);
	iv_deinit();
}

static int look_in_child(void *arg)
{
	(void)arg;
	if (iv_loop_join(waiter.looper.id, -1) != -ESRCH)
		leave_child(1);
	if (iv_loop_stop(waiter.looper.id) != -ESRCH)
		leave_child(2);
	if (iv_loop_count() != 0)
		leave_child(3);
	leave_child(0);
}

static void a_fork_leaves_waits_alone(void **state)
{
	(void)state;
	start_waiter();
	in_child(look_in_child, NULL);
	expect_its_result();
	stop(&waiter.looper);
}

static const struct test_case cases[] = {
	TEST(calls_beside_a_stop_run_or_are_dropped),
	TEST(a_stop_does_not_cut_a_call_short),
	TEST(a_child_of_a_stopped_loop_is_stopped),
	TEST(all_who_join_learn_of_the_end),
	TEST(the_end_of_a_thread_answers_calls_and_joins),
	TEST(behind_a_quit_calls_wait_for_the_next_main),
	TEST(what_comes_and_goes_leaves_calls_alone),
	TEST(who_waits_handles_posts_afterwards),
	TEST(signals_end_neither_calls_nor_joins),
	TEST(a_fork_leaves_waits_alone),
};

TEST_MAIN(cases)
