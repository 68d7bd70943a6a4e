/* SPDX-License-Identifier: MIT */
/*
 * test_event_handle.c - posts to events that may be gone
 */
#include <semaphore.h>
#include "handle_bed.h"

static struct iv_event event, second;
static iv_event_handle handle;

/* Posts *******************************************************************/

static void a_post_calls_the_handler(void **state)
{
	(void)state;
	iv_init();
	handle = open_handle(&event, "event", note_and_quit);
	assert_int_equal(iv_event_handle_post(handle), 0);
	assert_noted("");
	run_until_quit("the event");
	assert_noted("event");
	assert_int_equal(post_elsewhere(handle), 0);
	run_until_quit("the event");
	assert_noted("event");
	iv_event_unregister(&event);
	iv_deinit();
}

static void *post_with_a_loop(void *arg)
{
	struct iv_event own;

	iv_init();
	open_handle(&own, NULL, note);
	if (iv_event_handle_post(handle) != 0)
		abort();
	iv_event_unregister(&own);
	iv_deinit();

	return arg;
}

static void a_thread_with_a_loop_may_post(void **state)
{
	(void)state;
	iv_init();
	handle = open_handle(&event, "event", note_and_quit);
	in_thread(post_with_a_loop, NULL);
	run_until_quit("the event");
	assert_noted("event");
	iv_event_unregister(&event);
	iv_deinit();
}

static pthread_t handler_thread;

static void see_thread(void *cookie)
{
	(void)cookie;
	handler_thread = pthread_self();
	iv_quit();
}

/* The post comes before the loop sleeps or after it: both in 200 rounds. */
static void a_post_wakes_the_owner(void **state)
{
	int rounds = scaled(200);
	pthread_t thread;

	(void)state;
	iv_init();
	handle = open_handle(&event, NULL, see_thread);
	while (rounds-- > 0) {
		thread = start_thread(post_there, &handle);
		run_until_quit("the event");
		assert_true(pthread_equal(handler_thread, pthread_self()));
		assert_null(join_thread(thread));
	}
	iv_event_unregister(&event);
	iv_deinit();
}

static void *post_often(void *arg)
{
	int i;

	for (i = 0; i < 100; i++)
		if (iv_event_handle_post(handle) != 0)
			abort();

	return arg;
}

static void posts_merge_until_the_handler_starts(void **state)
{
	(void)state;
	iv_init();
	handle = open_handle(&event, "event", note);
	in_thread(post_often, NULL);
	post_often(NULL);
	in_thread(post_often, NULL);
	run_to_the_end();
	assert_noted("event end");
	iv_event_unregister(&event);
	iv_deinit();
}

static int calls;

static void post_again(void *word)
{
	note(word);
	if (++calls == 3)
		iv_quit();
	else
		assert_int_equal(calls == 1 ? iv_event_handle_post(handle)
					    : post_elsewhere(handle),
				 0);
}

static void a_post_after_the_handler_started_causes_another_call(void **state)
{
	(void)state;
	iv_init();
	handle = open_handle(&event, "event", post_again);
	assert_int_equal(iv_event_handle_post(handle), 0);
	run_until_quit("the event");
	assert_noted("event event event");
	iv_event_unregister(&event);
	iv_deinit();
}

enum { NUM_WRITERS = 3 };

static atomic_int payload[NUM_WRITERS];
static int seen[NUM_WRITERS];

/* Relaxed: only the post says that it is there. */
static void *write_and_post(void *arg)
{
	atomic_int *own = arg;
	int i, last = scaled(20000);

	for (i = 1; i <= last; i++) {
		atomic_store_explicit(own, i, memory_order_relaxed);
		if (iv_event_handle_post(handle) != 0)
			abort();
	}

	return NULL;
}

static void see_payloads(void *cookie)
{
	int i, whole = 0;

	(void)cookie;
	for (i = 0; i < NUM_WRITERS; i++) {
		seen[i] =
			atomic_load_explicit(&payload[i], memory_order_relaxed);
		whole += seen[i] == scaled(20000);
	}
	if (whole == NUM_WRITERS)
		iv_quit();
}

static void what_was_written_before_a_merged_post_is_seen(void **state)
{
	pthread_t thread[NUM_WRITERS];
	int i;

	(void)state;
	iv_init();
	handle = open_handle(&event, NULL, see_payloads);
	for (i = 0; i < NUM_WRITERS; i++)
		thread[i] = start_thread(write_and_post, &payload[i]);
	run_until_quit("the last payload of each thread");
	for (i = 0; i < NUM_WRITERS; i++)
		join_thread(thread[i]);
	iv_event_unregister(&event);
	iv_deinit();
}

static void handlers_run_in_order_of_posting(void **state)
{
	iv_event_handle other;

	(void)state;
	iv_init();
	handle = open_handle(&event, "first", note);
	other = open_handle(&second, "second", note);
	iv_event_handle_post(other);
	iv_event_handle_post(handle);
	iv_event_handle_post(other);
	run_to_the_end();
	assert_noted("second first end");
	iv_event_unregister(&event);
	iv_event_unregister(&second);
	iv_deinit();
}

/* Two ways to post are not merged with each other; nothing is lost. */
static void a_plain_post_beside_it_costs_one_more_call_at_most(void **state)
{
	(void)state;
	iv_init();
	handle = open_handle(&event, NULL, note);
	event.cookie = "event";
	iv_event_post(&event);
	assert_int_equal(iv_event_handle_post(handle), 0);
	iv_event_post(&event);
	assert_int_equal(iv_event_handle_post(handle), 0);
	run_to_the_end();
	assert_noted("event event end");
	iv_event_unregister(&event);
	iv_deinit();
}

static int num_turns;

static void post_itself(void *cookie)
{
	(void)cookie;
	calls++;
	assert_int_equal(iv_event_handle_post(handle), 0);
}

static void quit_at_tenth(void *cookie)
{
	(void)cookie;
	if (++num_turns == 10)
		iv_quit();
}

static void one_that_posts_itself_does_not_starve_descriptors(void **state)
{
	struct iv_fd fd;
	int pipefd[2];

	(void)state;
	iv_init();
	make_pipe(pipefd);
	put_byte(pipefd[1]);
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	fd.handler_in = quit_at_tenth;
	iv_fd_register(&fd);
	handle = open_handle(&event, NULL, post_itself);
	assert_int_equal(iv_event_handle_post(handle), 0);
	run_until_quit("the descriptor");
	/* As many rounds as the loop does without a look, at most. */
	assert_in_range(calls, 9, 11 * 16);
	iv_event_unregister(&event);
	iv_fd_unregister(&fd);
	close_both(pipefd);
	iv_deinit();
}

static sem_t is_cancelled;

/* A wake is a write(), which is where a thread may be cancelled. */
static void *post_when_cancelled(void *arg)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	await(&is_cancelled);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	iv_event_handle_post(handle);
	for (;;)
		pthread_testcancel();

	return arg;
}

static void a_thread_that_is_cancelled_ends_behind_its_post(void **state)
{
	int rounds = scaled(100);
	pthread_t thread;

	(void)state;
	iv_init();
	handle = open_handle(&event, "event", note_and_quit);
	sem_init(&is_cancelled, 0, 0);
	while (rounds-- > 0) {
		thread = start_thread(post_when_cancelled, NULL);
		pthread_cancel(thread);
		sem_post(&is_cancelled);
		run_until_quit("the event");
		assert_noted("event");
		assert_ptr_equal(join_thread(thread), PTHREAD_CANCELED);
	}
	sem_destroy(&is_cancelled);
	iv_event_unregister(&event);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(a_post_calls_the_handler),
	TEST(a_thread_with_a_loop_may_post),
	TEST(a_post_wakes_the_owner),
	TEST(posts_merge_until_the_handler_starts),
	TEST(a_post_after_the_handler_started_causes_another_call),
	TEST(what_was_written_before_a_merged_post_is_seen),
	TEST(handlers_run_in_order_of_posting),
	TEST(a_plain_post_beside_it_costs_one_more_call_at_most),
	TEST(one_that_posts_itself_does_not_starve_descriptors),
	TEST(a_thread_that_is_cancelled_ends_behind_its_post),
};

TEST_MAIN(cases)
