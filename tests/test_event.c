/* SPDX-License-Identifier: MIT */
/*
 * test_event.c - posting to another thread's loop
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <iv_event.h>
#include "harness.h"

static struct iv_event event, second;

static void
set_up(struct iv_event *e, const char *word, void (*handler)(void *cookie))
{
	/* Programs built for old releases hand over uninitialised words. */
	memset(e, 0xa5, sizeof(*e));
	IV_EVENT_INIT(e);
	e->cookie = (void *)(uintptr_t)word;
	e->handler = handler;
	assert_int_equal(iv_event_register(e), 0);
}

static struct iv_timer end_timer;

/* A call that must not happen has had every chance when this one has. */
static void run_to_the_end(void)
{
	IV_TIMER_INIT(&end_timer);
	end_timer.expires = after_ms(5);
	end_timer.cookie = "end";
	end_timer.handler = note_and_quit;
	iv_timer_register(&end_timer);
	iv_main();
}

static void *post(void *e)
{
	iv_event_post(e);

	return NULL;
}

static void *post_often(void *e)
{
	int i;

	for (i = 0; i < 100; i++)
		iv_event_post(e);

	return NULL;
}

/* Posts *******************************************************************/

static void a_local_post_calls_the_handler(void **state)
{
	(void)state;
	iv_init();
	set_up(&event, "event", note_and_quit);
	iv_event_post(&event);
	assert_noted("");
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

static void the_handler_runs_in_the_registering_thread(void **state)
{
	pthread_t thread;

	(void)state;
	iv_init();
	set_up(&event, NULL, see_thread);
	thread = start_thread(post, &event);
	run_until_quit("the event");
	join_thread(thread);
	assert_true(pthread_equal(handler_thread, pthread_self()));
	iv_event_unregister(&event);
	iv_deinit();
}

static void posts_merge_until_the_handler_starts(void **state)
{
	(void)state;
	iv_init();
	set_up(&event, "event", note);
	in_thread(post_often, &event);
	post_often(&event);
	in_thread(post_often, &event);
	run_to_the_end();
	assert_noted("event end");
	iv_event_unregister(&event);
	iv_deinit();
}

static int calls;

static void post_here(void *word)
{
	note(word);
	if (++calls < 3)
		iv_event_post(&event);
	else
		iv_quit();
}

static void post_there(void *word)
{
	note(word);
	if (++calls < 3)
		in_thread(post, &event);
	else
		iv_quit();
}

static void a_post_after_the_handler_started_causes_another_call(void **state)
{
	(void)state;
	iv_init();
	set_up(&event, "event", post_here);
	iv_event_post(&event);
	run_until_quit("the event");
	assert_noted("event event event");
	iv_event_unregister(&event);

	calls = 0;
	set_up(&event, "event", post_there);
	iv_event_post(&event);
	run_until_quit("the event");
	assert_noted("event event event");
	iv_event_unregister(&event);
	iv_deinit();
}

static struct iv_event ordered[4];

static void *post_in_order(void *arg)
{
	(void)arg;
	iv_event_post(&ordered[2]);
	iv_event_post(&ordered[0]);
	iv_event_post(&ordered[3]);
	iv_event_post(&ordered[1]);
	iv_event_post(&ordered[2]);

	return NULL;
}

static void register_ordered(void)
{
	set_up(&ordered[0], "0", note);
	set_up(&ordered[1], "1", note);
	set_up(&ordered[2], "2", note);
	set_up(&ordered[3], "3", note);
}

static void handlers_run_in_order_of_posting(void **state)
{
	int i;

	(void)state;
	iv_init();
	register_ordered();
	post_in_order(NULL);
	run_to_the_end();
	assert_noted("2 0 3 1 end");
	in_thread(post_in_order, NULL);
	run_to_the_end();
	assert_noted("2 0 3 1 end");
	for (i = 0; i < 4; i++)
		iv_event_unregister(&ordered[i]);
	iv_deinit();
}

static int payload;

static void *post_with_payload(void *e)
{
	payload = 42;
	iv_event_post(e);

	return NULL;
}

static void see_payload(void *cookie)
{
	*(int *)cookie = payload;
	iv_quit();
}

static void what_was_written_before_a_post_is_seen(void **state)
{
	pthread_t thread;
	int seen = 0;

	(void)state;
	iv_init();
	set_up(&event, NULL, see_payload);
	event.cookie = &seen;
	thread = start_thread(post_with_payload, &event);
	run_until_quit("the event");
	assert_int_equal(seen, 42);
	join_thread(thread);
	iv_event_unregister(&event);
	iv_deinit();
}

static int fd_calls;
static struct iv_fd fd;

static void post_itself(void *e)
{
	calls++;
	iv_event_post(e);
}

static void post_the_other(void *e)
{
	calls++;
	iv_event_post(e == &event ? &second : &event);
}

static void quit_at_tenth(void *cookie)
{
	(void)cookie;
	if (++fd_calls == 10)
		iv_quit();
}

/* Called once an iteration, as is a descriptor that is always ready. */
static void serve_fd_beside(int calls_an_iteration)
{
	int pipefd[2];

	make_pipe(pipefd);
	put_byte(pipefd[1]);
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	fd.handler_in = quit_at_tenth;
	iv_fd_register(&fd);
	iv_event_post(&event);
	run_until_quit("the descriptor");
	assert_int_equal(fd_calls, 10);
	assert_in_range(calls, 9, 11 * calls_an_iteration);
	iv_fd_unregister(&fd);
	close_both(pipefd);
}

static void one_that_posts_itself_does_not_starve_descriptors(void **state)
{
	(void)state;
	iv_init();
	set_up(&event, NULL, post_itself);
	event.cookie = &event;
	serve_fd_beside(1);
	iv_event_unregister(&event);
	iv_deinit();
}

static void two_that_post_each_other_do_not_starve_descriptors(void **state)
{
	(void)state;
	iv_init();
	set_up(&event, NULL, post_the_other);
	event.cookie = &event;
	set_up(&second, NULL, post_the_other);
	second.cookie = &second;
	serve_fd_beside(2);
	iv_event_unregister(&event);
	iv_event_unregister(&second);
	iv_deinit();
}

/* Unregistering ***********************************************************/

static void a_pending_one_unregistered_is_not_called(void **state)
{
	(void)state;
	iv_init();
	set_up(&event, "event", note);
	iv_event_post(&event);
	iv_event_unregister(&event);
	run_to_the_end();
	assert_noted("end");
	set_up(&event, "event", note);
	in_thread(post, &event);
	iv_event_unregister(&event);
	run_to_the_end();
	assert_noted("end");
	iv_deinit();
}

static void a_pending_one_registered_again_is_not_called(void **state)
{
	(void)state;
	iv_init();
	set_up(&event, "event", note);
	in_thread(post, &event);
	iv_event_unregister(&event);
	set_up(&event, "event", note);
	run_to_the_end();
	assert_noted("end");
	in_thread(post, &event);
	run_to_the_end();
	assert_noted("event end");
	iv_event_unregister(&event);
	iv_deinit();
}

static void unregister_and_free(void *cookie)
{
	struct iv_event *own = cookie;

	note("event");
	iv_event_unregister(own);
	memset(own, 0xa5, sizeof(*own));
	free(own);
}

static void its_handler_may_unregister_and_free_it(void **state)
{
	struct iv_event *own = malloc(sizeof(*own));

	(void)state;
	iv_init();
	set_up(own, NULL, unregister_and_free);
	own->cookie = own;
	iv_event_post(own);
	iv_main();
	assert_noted("event");
	iv_deinit();
}

static void post_and_unregister(void *cookie)
{
	note("event");
	iv_event_post(cookie);
	iv_event_unregister(cookie);
}

static void its_handler_may_post_and_unregister_it(void **state)
{
	(void)state;
	iv_init();
	set_up(&event, NULL, post_and_unregister);
	event.cookie = &event;
	iv_event_post(&event);
	run_to_the_end();
	assert_noted("event end");
	iv_deinit();
}

static void register_again_and_quit(void *cookie)
{
	note("event");
	iv_event_unregister(cookie);
	if (++calls < 2) {
		assert_int_equal(iv_event_register(cookie), 0);
		iv_event_post(cookie);
	}
}

static void its_handler_may_register_it_again(void **state)
{
	(void)state;
	iv_init();
	set_up(&event, NULL, register_again_and_quit);
	event.cookie = &event;
	iv_event_post(&event);
	iv_main();
	assert_noted("event event");
	iv_deinit();
}

/* A loop's first event opens its waker: one descriptor, or a pipe's two. */
static void without_descriptors_register_fails_and_keeps_nothing(void **state)
{
	int before, num, worked = 0;

	(void)state;
	for (num = 0; num <= 2; num++) {
		iv_init();
		before = num_open_fds();
		event.cookie = "event";
		event.handler = note_and_quit;
		leave_descriptors(num);
		if (iv_event_register(&event) == 0) {
			worked++;
			in_thread(post, &event);
			run_until_quit("the event");
			assert_noted("event");
			iv_event_unregister(&event);
			give_descriptors_back();
		} else {
			assert_int_equal(errno, EMFILE);
			give_descriptors_back();
			assert_int_equal(num_open_fds(), before);
			set_up(&event, "event", note);
			iv_event_unregister(&event);
		}
		iv_deinit();
	}
	assert_in_range(worked, 1, 2);
}

/* Misuse *******************************************************************/

static void do_register(void *arg)
{
	(void)arg;
	iv_event_register(&event);
}

static void do_unregister(void *arg)
{
	(void)arg;
	iv_event_unregister(&event);
}

static void do_post(void *arg)
{
	(void)arg;
	iv_event_post(&event);
}

static void use_before_init_is_fatal(void **state)
{
	(void)state;
	expect_fatal(do_register, NULL, "iv_event_register", "iv_init");
	expect_fatal(do_unregister, NULL, "iv_event_unregister", "iv_init");
}

static void use_of_an_unregistered_one_is_fatal(void **state)
{
	(void)state;
	iv_init();
	set_up(&event, "event", note);
	iv_event_unregister(&event);
	expect_fatal(do_unregister, NULL, "iv_event_unregister",
		     "not registered");
	expect_fatal(do_post, NULL, "iv_event_post", "not registered");
	iv_deinit();
}

static void unregistering_elsewhere_is_fatal(void **state)
{
	(void)state;
	iv_init();
	set_up(&event, "event", note);
	expect_fatal_elsewhere(do_unregister, NULL, "iv_event_unregister",
			       "another thread");
	iv_event_unregister(&event);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(a_local_post_calls_the_handler),
	TEST(the_handler_runs_in_the_registering_thread),
	TEST(posts_merge_until_the_handler_starts),
	TEST(a_post_after_the_handler_started_causes_another_call),
	TEST(handlers_run_in_order_of_posting),
	TEST(what_was_written_before_a_post_is_seen),
	TEST(one_that_posts_itself_does_not_starve_descriptors),
	TEST(two_that_post_each_other_do_not_starve_descriptors),
	TEST(a_pending_one_unregistered_is_not_called),
	TEST(a_pending_one_registered_again_is_not_called),
	TEST(its_handler_may_unregister_and_free_it),
	TEST(its_handler_may_post_and_unregister_it),
	TEST(its_handler_may_register_it_again),
	TEST(without_descriptors_register_fails_and_keeps_nothing),
	TEST(use_before_init_is_fatal),
	TEST(use_of_an_unregistered_one_is_fatal),
	TEST(unregistering_elsewhere_is_fatal),
};

TEST_MAIN(cases)
