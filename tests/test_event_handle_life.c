/* SPDX-License-Identifier: MIT */
/*
 * test_event_handle_life.c - from when on a handle is good, and until when
 */
#include "handle_bed.h"

static struct iv_event event, second;
static iv_event_handle handle;

static void it_is_the_same_until_unregistered(void **state)
{
	iv_event_handle other;

	(void)state;
	iv_init();
	handle = open_handle(&event, NULL, note_and_quit);
	event.cookie = "event";
	other = open_handle(&second, "second", note);
	assert_int_not_equal(handle, other);
	assert_int_equal(iv_event_handle_post(handle), 0);
	assert_int_equal(iv_event_handle_of(&event), handle);
	run_until_quit("the event");
	assert_noted("event");
	assert_int_equal(iv_event_handle_of(&event), handle);
	iv_event_unregister(&event);
	iv_event_unregister(&second);
	iv_deinit();
}

static void it_dies_when_unregistered(void **state)
{
	(void)state;
	iv_init();
	handle = open_handle(&event, "event", note);
	iv_event_unregister(&event);
	assert_int_equal(iv_event_handle_post(handle), -ENOENT);
	assert_int_equal(post_elsewhere(handle), -ENOENT);
	run_to_the_end();
	assert_noted("end");
	iv_deinit();
	assert_int_equal(iv_event_handle_post(handle), -ENOENT);
}

static void registered_again_the_event_gets_another_one(void **state)
{
	iv_event_handle again;

	(void)state;
	iv_init();
	handle = open_handle(&event, "event", note);
	iv_event_unregister(&event);
	again = open_handle(&event, "event", note);
	assert_int_not_equal(again, handle);
	assert_int_equal(iv_event_handle_post(handle), -ENOENT);
	run_to_the_end();
	assert_noted("end");
	assert_int_equal(iv_event_handle_post(again), 0);
	run_to_the_end();
	assert_noted("event end");
	iv_event_unregister(&event);
	iv_deinit();
}

static void an_event_without_one_lives_as_before(void **state)
{
	(void)state;
	iv_init();
	handle = open_handle(&event, "event", note);
	iv_event_unregister(&event);
	assert_int_equal(iv_event_register(&event), 0);
	assert_int_equal(iv_event_handle_post(handle), -ENOENT);
	iv_event_post(&event);
	run_to_the_end();
	assert_noted("event end");
	iv_event_unregister(&event);
	iv_deinit();
}

static void a_pending_one_unregistered_is_not_called(void **state)
{
	(void)state;
	iv_init();
	handle = open_handle(&event, "event", note);
	assert_int_equal(iv_event_handle_post(handle), 0);
	iv_event_unregister(&event);
	run_to_the_end();
	assert_noted("end");

	handle = open_handle(&event, "event", note);
	assert_int_equal(post_elsewhere(handle), 0);
	iv_event_post(&event);
	iv_event_unregister(&event);
	handle = open_handle(&event, "event", note);
	run_to_the_end();
	assert_noted("end");
	assert_int_equal(iv_event_handle_post(handle), 0);
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
	assert_int_equal(iv_event_handle_post(handle), -ENOENT);
	memset(own, 0xa5, sizeof(*own));
	free(own);
}

static void its_handler_may_unregister_and_free_it(void **state)
{
	struct iv_event *own = malloc(sizeof(*own));

	(void)state;
	iv_init();
	handle = open_handle(own, NULL, unregister_and_free);
	own->cookie = own;
	assert_int_equal(iv_event_handle_post(handle), 0);
	iv_main();
	assert_noted("event");
	assert_int_equal(post_elsewhere(handle), -ENOENT);
	iv_deinit();
}

static void post_and_unregister(void *cookie)
{
	note("event");
	assert_int_equal(iv_event_handle_post(handle), 0);
	iv_event_unregister(cookie);
}

static void its_handler_may_post_and_unregister_it(void **state)
{
	(void)state;
	iv_init();
	handle = open_handle(&event, NULL, post_and_unregister);
	event.cookie = &event;
	assert_int_equal(iv_event_handle_post(handle), 0);
	run_to_the_end();
	assert_noted("event end");
	iv_deinit();
}

static void unregister_the_other(void *cookie)
{
	note("event");
	iv_event_unregister(cookie == &event ? &second : &event);
	iv_event_unregister(cookie);
}

static void another_handler_may_unregister_it_while_pending(void **state)
{
	iv_event_handle other;

	(void)state;
	iv_init();
	handle = open_handle(&event, NULL, unregister_the_other);
	event.cookie = &event;
	other = open_handle(&second, NULL, unregister_the_other);
	second.cookie = &second;
	iv_event_handle_post(other);
	iv_event_handle_post(handle);
	iv_main();
	assert_noted("event");
	assert_int_equal(iv_event_handle_post(handle), -ENOENT);
	assert_int_equal(iv_event_handle_post(other), -ENOENT);
	iv_deinit();
}

/* Misuse *******************************************************************/

static void ask(void *arg)
{
	iv_event_handle_of(arg);
}

/* For a thread that has events of its own. */
static void ask_beside(void *arg)
{
	struct iv_event own;

	open_handle(&own, "own", note);
	ask(arg);
}

static void asking_without_a_loop_is_fatal(void **state)
{
	(void)state;
	expect_fatal(ask, &event, "iv_event_handle_of", "iv_init");
}

static void asking_for_an_unregistered_one_is_fatal(void **state)
{
	(void)state;
	iv_init();
	open_handle(&event, "event", note);
	iv_event_unregister(&event);
	expect_fatal(ask, &event, "iv_event_handle_of", "not registered");
	iv_deinit();
}

static void asking_elsewhere_is_fatal(void **state)
{
	(void)state;
	iv_init();
	open_handle(&event, "event", note);
	assert_int_equal(iv_event_register(&second), 0);
	expect_fatal_elsewhere(ask, &event, "iv_event_handle_of",
			       "another thread");
	expect_fatal_elsewhere(ask, &second, "iv_event_handle_of",
			       "another thread");
	expect_fatal_elsewhere(ask_beside, &event, "iv_event_handle_of",
			       "another thread");
	expect_fatal_elsewhere(ask_beside, &second, "iv_event_handle_of",
			       "another thread");
	iv_event_unregister(&event);
	iv_event_unregister(&second);
	iv_deinit();
}

static void unregister(void *arg)
{
	iv_event_unregister(arg);
}

static void unregister_beside(void *arg)
{
	struct iv_event own;

	open_handle(&own, "own", note);
	unregister(arg);
}

static void unregistering_elsewhere_is_fatal(void **state)
{
	(void)state;
	iv_init();
	open_handle(&event, "event", note);
	expect_fatal_elsewhere(unregister, &event, "iv_event_unregister",
			       "another thread");
	expect_fatal_elsewhere(unregister_beside, &event, "iv_event_unregister",
			       "another thread");
	iv_event_unregister(&event);
	expect_fatal(unregister, &event, "iv_event_unregister",
		     "not registered");
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(it_is_the_same_until_unregistered),
	TEST(it_dies_when_unregistered),
	TEST(registered_again_the_event_gets_another_one),
	TEST(an_event_without_one_lives_as_before),
	TEST(a_pending_one_unregistered_is_not_called),
	TEST(its_handler_may_unregister_and_free_it),
	TEST(its_handler_may_post_and_unregister_it),
	TEST(another_handler_may_unregister_it_while_pending),
	TEST(asking_without_a_loop_is_fatal),
	TEST(asking_for_an_unregistered_one_is_fatal),
	TEST(asking_elsewhere_is_fatal),
	TEST(unregistering_elsewhere_is_fatal),
};

TEST_MAIN(cases)
