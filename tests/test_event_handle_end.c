/* SPDX-License-Identifier: MIT */
/*
 * test_event_handle_end.c - handles of events whose loops have ended, or are
 * another process's
 */
#include <sched.h>
#include <semaphore.h>
#include "handle_bed.h"

/* Loops that end *********************************************************/

enum { NUM_LEFT = 20 };

struct ended {
	struct iv_event event[NUM_LEFT];
	iv_event_handle handle[NUM_LEFT];
	bool just_ends;	 /* without iv_deinit() */
	bool with_posts; /* every second one is pending */
};

static void must_not_be_called(void *cookie)
{
	(void)cookie;
	abort();
}

/* The events stay registered, in memory that the test takes away. */
static void *end_with_events(void *arg)
{
	struct ended *ended = arg;
	int i;

	iv_init();
	for (i = 0; i < NUM_LEFT; i++)
		ended->handle[i] =
			open_handle(&ended->event[i], NULL, must_not_be_called);
	for (i = 0; ended->with_posts && i < NUM_LEFT; i += 2)
		if (iv_event_handle_post(ended->handle[i]) != 0)
			abort();
	if (!ended->just_ends)
		iv_deinit();

	return NULL;
}

/* @handles: what they were. */
static void
end_a_loop(bool just_ends, bool with_posts, iv_event_handle handles[NUM_LEFT])
{
	struct ended *ended = calloc(1, sizeof(*ended));
	int i;

	assert_non_null(ended);
	ended->just_ends = just_ends;
	ended->with_posts = with_posts;
	in_thread(end_with_events, ended);
	memcpy(handles, ended->handle, sizeof(ended->handle));
	memset(ended, 0xa5, sizeof(*ended));
	free(ended);
	for (i = 0; i < NUM_LEFT; i++)
		assert_int_equal(iv_event_handle_post(handles[i]), -ENOENT);
}

static void with_its_loop_an_event_ends(void **state)
{
	iv_event_handle handles[NUM_LEFT];

	(void)state;
	end_a_loop(false, false, handles);
	end_a_loop(true, false, handles);
	end_a_loop(false, true, handles);
	end_a_loop(true, true, handles);
}

/* It may well have what the ended one had. */
static void the_next_loop_has_nothing_of_it(void **state)
{
	iv_event_handle handles[NUM_LEFT], own[NUM_LEFT];
	struct iv_event event[NUM_LEFT];
	int i, round;

	(void)state;
	for (round = 0; round < 4; round++) {
		end_a_loop(round % 2 != 0, round / 2 != 0, handles);
		iv_init();
		for (i = 0; i < NUM_LEFT; i++)
			own[i] = open_handle(&event[i], "event", note);
		for (i = 0; i < NUM_LEFT; i++)
			assert_int_equal(iv_event_handle_post(handles[i]),
					 -ENOENT);
		run_to_the_end();
		assert_noted("end");
		assert_int_equal(iv_event_handle_post(own[7]), 0);
		run_to_the_end();
		assert_noted("event end");
		for (i = 0; i < NUM_LEFT; i++)
			iv_event_unregister(&event[i]);
		iv_deinit();
	}
}

static struct iv_event left, second;

static void unregister(void *event)
{
	iv_event_unregister(event);
}

static void ask(void *event)
{
	iv_event_handle_of(event);
}

/* Whichever slots the next loop takes itself, some are as they were left. */
static void a_left_one_is_not_the_next_loops_of_its_thread(void **state)
{
	static struct iv_event event[NUM_LEFT];
	iv_event_handle handle[NUM_LEFT];
	int i;

	(void)state;
	iv_init();
	for (i = 0; i < NUM_LEFT; i++)
		handle[i] = open_handle(&event[i], "left", note);
	iv_deinit();

	iv_init();
	assert_int_equal(iv_event_register(&second), 0);
	for (i = 0; i < NUM_LEFT; i += NUM_LEFT / 4) {
		expect_fatal(unregister, &event[i], "iv_event_unregister",
			     "another thread");
		expect_fatal(ask, &event[i], "iv_event_handle_of",
			     "another thread");
		assert_int_equal(iv_event_handle_post(handle[i]), -ENOENT);
	}
	iv_event_unregister(&second);
	iv_deinit();
}

static void a_left_one_may_be_registered_again(void **state)
{
	iv_event_handle before, handle;

	(void)state;
	iv_init();
	before = open_handle(&left, "left", note);
	iv_deinit();
	iv_init();
	assert_int_equal(iv_event_register(&left), 0);
	handle = iv_event_handle_of(&left);
	assert_true(handle != before);
	assert_int_equal(iv_event_handle_post(before), -ENOENT);
	assert_int_equal(iv_event_handle_post(handle), 0);
	run_to_the_end();
	assert_noted("left end");
	iv_event_unregister(&left);
	iv_deinit();
}

static atomic_uint_fast64_t latest;
static atomic_bool stop;

static void *post_to_the_latest(void *arg)
{
	int ret;

	while (!atomic_load(&stop)) {
		ret = iv_event_handle_post(atomic_load(&latest));
		if (ret != 0 && ret != -ENOENT)
			abort();
		sched_yield();
	}

	return arg;
}

static void *open_and_end(void *arg)
{
	struct iv_event *event = malloc(sizeof(*event));

	iv_init();
	if (event == NULL)
		abort();
	atomic_store(&latest, open_handle(event, NULL, must_not_be_called));
	iv_deinit();
	memset(event, 0xa5, sizeof(*event));
	free(event);

	return arg;
}

/* Posters go on all the while; their answer does not matter. */
static void loops_end_under_posts(void **state)
{
	int i, rounds = scaled(2000);
	pthread_t thread[2];

	(void)state;
	for (i = 0; i < 2; i++)
		thread[i] = start_thread(post_to_the_latest, NULL);
	for (i = 0; i < rounds; i++) {
		in_thread(open_and_end, NULL);
		assert_int_equal(iv_event_handle_post(atomic_load(&latest)),
				 -ENOENT);
	}
	atomic_store(&stop, true);
	for (i = 0; i < 2; i++)
		join_thread(thread[i]);
}

/* Forks ******************************************************************/

struct other {
	pthread_t thread;
	struct iv_event event;
	iv_event_handle handle;
	sem_t open;
	int calls;
};

static void count(void *cookie)
{
	struct other *other = cookie;

	other->calls++;
	iv_quit();
}

static void *live(void *arg)
{
	struct other *other = arg;

	iv_init();
	other->handle = open_handle(&other->event, NULL, count);
	other->event.cookie = other;
	sem_post(&other->open);
	iv_main();
	iv_event_unregister(&other->event);
	iv_deinit();

	return NULL;
}

static void start_other(struct other *other)
{
	memset(other, 0, sizeof(*other));
	sem_init(&other->open, 0, 0);
	other->thread = start_thread(live, other);
	await(&other->open);
}

static void end_other(struct other *other)
{
	assert_int_equal(iv_event_handle_post(other->handle), 0);
	join_thread(other->thread);
	assert_int_equal(other->calls, 1);
	assert_int_equal(iv_event_handle_post(other->handle), -ENOENT);
	sem_destroy(&other->open);
}

static iv_event_handle own_handle;
static struct iv_event own;

static int use_both(void *arg)
{
	struct other *other = arg;
	struct iv_event event[NUM_LEFT];
	int i;

	if (iv_event_handle_post(other->handle) != -ENOENT)
		leave_child(1);
	if (iv_event_handle_post(own_handle) != 0)
		leave_child(2);
	run_to_the_end();
	assert_noted("own end");

	/* What the other had is not given to the new ones. */
	for (i = 0; i < NUM_LEFT; i++)
		if (iv_event_handle_post(open_handle(&event[i], "new", note)))
			leave_child(3);
	run_to_the_end();
	for (i = 0; i < NUM_LEFT; i++)
		iv_event_unregister(&event[i]);
	if (iv_event_handle_post(other->handle) != -ENOENT)
		leave_child(4);
	iv_event_unregister(&own);
	if (iv_event_handle_post(own_handle) != -ENOENT)
		leave_child(5);
	iv_deinit();
	leave_child(0);
}

static void in_a_child_those_of_the_forking_thread_are_alive(void **state)
{
	struct other other;

	(void)state;
	iv_init();
	own_handle = open_handle(&own, "own", note);
	start_other(&other);
	in_child(use_both, &other);
	in_child(use_both, &other);

	run_to_the_end();
	assert_noted("end");
	assert_int_equal(other.calls, 0);
	end_other(&other);
	assert_int_equal(iv_event_handle_post(own_handle), 0);
	run_to_the_end();
	assert_noted("own end");
	iv_event_unregister(&own);
	iv_deinit();
}

static int run_what_is_pending(void *arg)
{
	(void)arg;
	run_to_the_end();
	assert_noted("own end");
	iv_event_unregister(&own);
	iv_deinit();

	return 0;
}

static void what_is_pending_at_a_fork_is_handled_in_both(void **state)
{
	(void)state;
	iv_init();
	own_handle = open_handle(&own, "own", note);
	assert_int_equal(post_elsewhere(own_handle), 0);
	in_child(run_what_is_pending, NULL);
	run_to_the_end();
	assert_noted("own end");
	iv_event_unregister(&own);
	iv_deinit();
}

/* The forking thread has no loop. */
static int open_one(void *arg)
{
	struct other *other = arg;

	if (iv_event_handle_post(other->handle) != -ENOENT)
		leave_child(1);
	iv_init();
	own_handle = open_handle(&own, "own", note);
	if (own_handle == other->handle)
		leave_child(2);
	if (iv_event_handle_post(own_handle) != 0)
		leave_child(3);
	run_to_the_end();
	assert_noted("own end");
	iv_event_unregister(&own);
	iv_deinit();
	leave_child(0);
}

static void a_child_may_have_loops_and_handles_of_its_own(void **state)
{
	struct other other;

	(void)state;
	start_other(&other);
	in_child(open_one, &other);
	end_other(&other);
}

static const struct test_case cases[] = {
	TEST(with_its_loop_an_event_ends),
	TEST(the_next_loop_has_nothing_of_it),
	TEST(a_left_one_is_not_the_next_loops_of_its_thread),
	TEST(a_left_one_may_be_registered_again),
	TEST(loops_end_under_posts),
	TEST(in_a_child_those_of_the_forking_thread_are_alive),
	TEST(what_is_pending_at_a_fork_is_handled_in_both),
	TEST(a_child_may_have_loops_and_handles_of_its_own),
};

TEST_MAIN(cases)
