/* SPDX-License-Identifier: MIT */
/*
 * test_inotify_errors.c - paths, limits and misuse
 */
#include "inotify_bed.h"

static void end(void *word)
{
	note(word);
	close_instance();
}

static void it_keeps_the_loop(void **state)
{
	struct iv_timer timer;

	(void)state;
	open_bed();
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(5);
	timer.cookie = "timer";
	timer.handler = end;
	iv_timer_register(&timer);
	iv_main();
	assert_noted("timer");
	close_bed();
}

static void a_missing_path_is_refused(void **state)
{
	(void)state;
	open_bed();
	set_up_watch(&watch, path_of("none"), "watch", IN_CREATE);
	expect_refusal(&watch, ENOENT);
	close_bed();
}

static void a_mask_that_the_kernel_refuses_is_refused(void **state)
{
	(void)state;
	open_bed();
	set_up_watch(&watch, dir, "watch", 0);
	expect_refusal(&watch, EINVAL);
	set_up_watch(&watch, dir, "watch", IN_MASK_ADD);
	expect_refusal(&watch, EINVAL);
	make_file("a");
	set_up_watch(&watch, path_of("a"), "watch", IN_CREATE | IN_ONLYDIR);
	expect_refusal(&watch, ENOTDIR);
	remove_file("a");
	close_bed();
}

static void reaching_the_limit_of_watches_is_told(void **state)
{
	(void)state;
	open_bed();
	set_up_watch(&watch, dir, "watch", IN_CREATE);
	add_watch_errno = ENOSPC;
	expect_refusal(&watch, ENOSPC);
	add_watch_errno = 0;
	assert_int_equal(iv_inotify_watch_register(&watch), 0);
	make_file("a");
	expect_events("watch:create:a");
	remove_file("a");
	close_bed();
}

static void a_watch_refused_is_not_called(void **state)
{
	(void)state;
	open_bed();
	set_up_watch(&watch, path_of("none"), "watch", IN_CREATE);
	expect_refusal(&watch, ENOENT);
	iv_inotify_watch_unregister(&watch);
	make_file("none");
	expect_events("");
	remove_file("none");
	close_bed();
}

static void without_descriptors_it_fails_and_keeps_nothing(void **state)
{
	struct iv_inotify second;
	int before, ret, error;

	(void)state;
	open_bed();
	before = num_open_fds();
	leave_descriptors(0);
	ret = iv_inotify_register(&second);
	error = errno;
	give_descriptors_back();
	assert_int_equal(ret, -1);
	assert_int_equal(error, EMFILE);
	assert_int_equal(num_open_fds(), before);
	close_bed();
}

/* Misuse ****************************************************************/

static void do_register(void *arg)
{
	(void)arg;
	iv_inotify_register(inotify);
}

static void do_unregister(void *arg)
{
	(void)arg;
	iv_inotify_unregister(inotify);
}

static void do_watch(void *arg)
{
	(void)arg;
	iv_inotify_watch_register(&watch);
}

static void do_unwatch(void *arg)
{
	(void)arg;
	iv_inotify_watch_unregister(&watch);
}

static void use_before_init_is_fatal(void **state)
{
	(void)state;
	expect_fatal(do_register, NULL, "iv_inotify_register", "iv_init");
}

static void use_elsewhere_is_fatal(void **state)
{
	(void)state;
	open_bed();
	watch_dir(&watch, "watch", IN_CREATE);
	expect_fatal_elsewhere(do_unregister, NULL, "iv_inotify_unregister",
			       "another thread");
	expect_fatal_elsewhere(do_watch, NULL, "iv_inotify_watch_register",
			       "another thread");
	expect_fatal_elsewhere(do_unwatch, NULL, "iv_inotify_watch_unregister",
			       "another thread");
	close_bed();
}

static void use_of_one_that_is_not_registered_is_fatal(void **state)
{
	(void)state;
	open_bed();
	iv_inotify_unregister(inotify);
	set_up_watch(&watch, dir, "watch", IN_CREATE);
	expect_fatal(do_unregister, NULL, "iv_inotify_unregister",
		     "not registered");
	expect_fatal(do_watch, NULL, "iv_inotify_watch_register",
		     "not registered");
	assert_int_equal(iv_inotify_register(inotify), 0);
	close_bed();
}

static const struct test_case cases[] = {
	TEST(a_missing_path_is_refused),
	TEST(a_mask_that_the_kernel_refuses_is_refused),
	TEST(reaching_the_limit_of_watches_is_told),
	TEST(a_watch_refused_is_not_called),
	TEST(it_keeps_the_loop),
	TEST(without_descriptors_it_fails_and_keeps_nothing),
	TEST(use_before_init_is_fatal),
	TEST(use_elsewhere_is_fatal),
	TEST(use_of_one_that_is_not_registered_is_fatal),
};

TEST_MAIN(cases)
