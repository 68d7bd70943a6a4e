/* SPDX-License-Identifier: MIT */
/*
 * test_event_raw.c - posts from signal handlers and other processes
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <iv_event_raw.h>
#include "harness.h"

static struct iv_event_raw raw;

static void set_up(struct iv_event_raw *event, const char *word,
		   void (*handler)(void *cookie))
{
	/* Programs built for old releases hand over uninitialised words. */
	memset(event, 0xa5, sizeof(*event));
	IV_EVENT_RAW_INIT(event);
	event->cookie = (void *)(uintptr_t)word;
	event->handler = handler;
	assert_int_equal(iv_event_raw_register(event), 0);
}

static void posts_merge_until_the_handler_starts(void **state)
{
	struct iv_timer timer;
	int i;

	(void)state;
	iv_init();
	set_up(&raw, "event", note);
	for (i = 0; i < 100; i++)
		iv_event_raw_post(&raw);
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(5);
	timer.handler = note_and_quit;
	timer.cookie = "timer";
	iv_timer_register(&timer);
	iv_main();
	assert_noted("event timer");
	iv_event_raw_unregister(&raw);
	iv_deinit();
}

static int calls;

static void post_again(void *word)
{
	note(word);
	if (++calls < 3)
		iv_event_raw_post(&raw);
	else
		iv_quit();
}

static void a_post_after_the_handler_started_counts_again(void **state)
{
	(void)state;
	iv_init();
	set_up(&raw, "event", post_again);
	iv_event_raw_post(&raw);
	run_until_quit("the event");
	assert_noted("event event event");
	iv_event_raw_unregister(&raw);
	iv_deinit();
}

static void *post(void *event)
{
	iv_event_raw_post(event);

	return NULL;
}

static void any_thread_may_post(void **state)
{
	pthread_t thread;

	(void)state;
	iv_init();
	set_up(&raw, "event", note_and_quit);
	thread = start_thread(post, &raw);
	run_until_quit("the event");
	join_thread(thread);
	assert_noted("event");
	iv_event_raw_unregister(&raw);
	iv_deinit();
}

static void post_in_signal(int signum)
{
	(void)signum;
	iv_event_raw_post(&raw);
}

static void a_signal_handler_may_post(void **state)
{
	struct sigaction action = { .sa_handler = post_in_signal };

	(void)state;
	iv_init();
	set_up(&raw, "event", note_and_quit);
	sigaction(SIGUSR1, &action, NULL);
	errno = 12345;
	raise(SIGUSR1);
	assert_int_equal(errno, 12345);
	run_until_quit("the event");
	assert_noted("event");
	iv_event_raw_unregister(&raw);
	iv_deinit();
}

static int post_in_child(void *event)
{
	iv_event_raw_post(event);
	_exit(0);
}

static void a_forked_process_may_post(void **state)
{
	(void)state;
	iv_init();
	set_up(&raw, "event", note_and_quit);
	in_child(post_in_child, &raw);
	run_until_quit("the event");
	assert_noted("event");
	iv_event_raw_unregister(&raw);
	iv_deinit();
}

static void posting_never_blocks(void **state)
{
	int i;

	(void)state;
	iv_init();
	set_up(&raw, "event", note_and_quit);
	errno = 12345;
	for (i = 0; i < 200000; i++)
		iv_event_raw_post(&raw);
	assert_int_equal(errno, 12345);
	run_until_quit("the event");
	assert_noted("event");
	iv_event_raw_unregister(&raw);
	iv_deinit();
}

static void unregister_and_free(void *cookie)
{
	struct iv_event_raw *event = cookie;

	note("event");
	iv_event_raw_unregister(event);
	memset(event, 0xa5, sizeof(*event));
	free(event);
}

static void its_handler_may_unregister_and_free_it(void **state)
{
	struct iv_event_raw *event = malloc(sizeof(*event));

	(void)state;
	iv_init();
	set_up(event, NULL, unregister_and_free);
	event->cookie = event;
	iv_event_raw_post(event);
	iv_main();
	assert_noted("event");
	iv_deinit();
}

static struct iv_timer end_timer;

static void end_soon(void)
{
	IV_TIMER_INIT(&end_timer);
	end_timer.expires = after_ms(5);
	end_timer.cookie = "end";
	end_timer.handler = note_and_quit;
	iv_timer_register(&end_timer);
}

static void a_pending_one_unregistered_is_not_called(void **state)
{
	(void)state;
	iv_init();
	set_up(&raw, "event", note);
	iv_event_raw_post(&raw);
	iv_event_raw_unregister(&raw);
	end_soon();
	iv_main();
	assert_noted("end");
	iv_deinit();
}

static void a_pending_one_registered_again_is_not_called(void **state)
{
	(void)state;
	iv_init();
	set_up(&raw, "event", note);
	iv_event_raw_post(&raw);
	iv_event_raw_unregister(&raw);
	set_up(&raw, "event", note);
	end_soon();
	iv_main();
	assert_noted("end");
	iv_event_raw_unregister(&raw);
	iv_deinit();
}

static void unregister(void *word)
{
	note(word);
	iv_event_raw_unregister(&raw);
}

static void it_keeps_the_loop(void **state)
{
	struct iv_timer timer;

	(void)state;
	iv_init();
	set_up(&raw, "event", note);
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(5);
	timer.cookie = "timer";
	timer.handler = unregister;
	iv_timer_register(&timer);
	iv_main();
	assert_noted("timer");
	iv_deinit();
}

static int register_and_unregister(void)
{
	int ret = iv_event_raw_register(&raw);

	if (ret == 0)
		iv_event_raw_unregister(&raw);
	else
		assert_int_equal(errno, EMFILE);

	return ret;
}

/* An eventfd needs one number, a pipe two. */
static void without_descriptors_register_fails_and_keeps_nothing(void **state)
{
	int before, num, worked = 0;

	(void)state;
	iv_init();
	raw.handler = note;
	for (num = 0; num <= 2; num++) {
		before = num_open_fds();
		leave_descriptors(num);
		if (register_and_unregister() == 0)
			worked++;
		give_descriptors_back();
		assert_int_equal(num_open_fds(), before);
	}
	assert_in_range(worked, 1, 2);
	iv_deinit();
}

/* Misuse *******************************************************************/

static void do_register(void *arg)
{
	(void)arg;
	iv_event_raw_register(&raw);
}

static void do_unregister(void *arg)
{
	(void)arg;
	iv_event_raw_unregister(&raw);
}

static void use_before_init_is_fatal(void **state)
{
	(void)state;
	expect_fatal(do_register, NULL, "iv_event_raw_register", "iv_init");
}

static void unregistering_elsewhere_is_fatal(void **state)
{
	(void)state;
	iv_init();
	set_up(&raw, "event", note);
	expect_fatal_elsewhere(do_unregister, NULL, "iv_event_raw_unregister",
			       "another thread");
	iv_event_raw_unregister(&raw);
	iv_deinit();
}

static void unregistering_again_is_fatal(void **state)
{
	(void)state;
	iv_init();
	set_up(&raw, "event", note);
	iv_event_raw_unregister(&raw);
	expect_fatal(do_unregister, NULL, "iv_event_raw_unregister",
		     "not registered");
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(posts_merge_until_the_handler_starts),
	TEST(a_post_after_the_handler_started_counts_again),
	TEST(any_thread_may_post),
	TEST(a_signal_handler_may_post),
	TEST(a_forked_process_may_post),
	TEST(posting_never_blocks),
	TEST(its_handler_may_unregister_and_free_it),
	TEST(a_pending_one_unregistered_is_not_called),
	TEST(a_pending_one_registered_again_is_not_called),
	TEST(it_keeps_the_loop),
	TEST(without_descriptors_register_fails_and_keeps_nothing),
	TEST(use_before_init_is_fatal),
	TEST(unregistering_elsewhere_is_fatal),
	TEST(unregistering_again_is_fatal),
};

TEST_MAIN(cases)
