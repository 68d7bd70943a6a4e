/* SPDX-License-Identifier: MIT */
/*
 * test_inotify.c - watches and their events
 */
#include "inotify_bed.h"

static void events_reach_the_watch_with_their_names(void **state)
{
	(void)state;
	open_bed();
	watch_dir(&watch, "watch", IN_CREATE | IN_DELETE);
	make_file("a");
	remove_file("a");
	expect_events("watch:create:a watch:delete:a");
	close_bed();
}

static void only_what_the_mask_asks_for(void **state)
{
	(void)state;
	open_bed();
	watch_dir(&watch, "watch", IN_DELETE);
	make_file("a");
	remove_file("a");
	expect_events("watch:delete:a");
	close_bed();
}

static void events_come_in_order_and_to_their_watches(void **state)
{
	(void)state;
	open_bed();
	make_file("a");
	make_file("b");
	watch_dir(&watch, "dir", IN_DELETE);
	watch_file(&others[0], "a", "a", IN_ATTRIB);
	watch_file(&others[1], "b", "b", IN_ATTRIB);
	touch_file("b");
	touch_file("a");
	touch_file("b");
	expect_events("b:attrib a:attrib b:attrib");
	remove_file("a");
	remove_file("b");
	close_bed();
}

static void a_watch_that_is_unregistered_is_not_called(void **state)
{
	(void)state;
	open_bed();
	watch_dir(&watch, "watch", IN_CREATE);
	make_file("a");
	iv_inotify_watch_unregister(&watch);
	expect_events("");
	remove_file("a");
	close_bed();
}

static void it_may_be_registered_again(void **state)
{
	(void)state;
	open_bed();
	watch_dir(&watch, "first", IN_CREATE);
	make_file("a");
	iv_inotify_watch_unregister(&watch);
	watch_dir(&watch, "second", IN_DELETE);
	remove_file("a");
	expect_events("second:delete:a");
	close_bed();
}

static void oneshot_unregisters_itself(void **state)
{
	(void)state;
	open_bed();
	watch_dir(&watch, "watch", IN_CREATE | IN_DELETE | IN_ONESHOT);
	make_file("a");
	remove_file("a");
	expect_events("watch:create:a");
	watch_dir(&watch, "watch", IN_CREATE);
	make_file("b");
	expect_events("watch:create:b");
	remove_file("b");
	close_bed();
}

static void ignored_unregisters_it(void **state)
{
	(void)state;
	open_bed();
	make_file("a");
	watch_file(&watch, "a", "a", IN_DELETE_SELF);
	remove_file("a");
	expect_events("a:delete_self a:ignored");
	make_file("a");
	watch_file(&watch, "a", "again", IN_DELETE_SELF);
	remove_file("a");
	expect_events("again:delete_self again:ignored");
	close_bed();
}

/* Programs made for the old library do this. */
static void unregistering_it_again_has_no_effect(void **state)
{
	(void)state;
	open_bed();
	watch_dir(&watch, "watch", IN_CREATE | IN_ONESHOT);
	make_file("a");
	expect_events("watch:create:a");
	iv_inotify_watch_unregister(&watch);
	iv_inotify_watch_unregister(&watch);
	watch_dir(&others[0], "other", IN_DELETE);
	iv_inotify_watch_unregister(&watch);
	remove_file("a");
	expect_events("other:delete:a");
	close_bed();
}

static void nor_has_it_after_the_instance_is_unregistered(void **state)
{
	(void)state;
	open_bed();
	watch_dir(&watch, "watch", IN_CREATE);
	iv_inotify_unregister(inotify);
	iv_inotify_watch_unregister(&watch);
	assert_int_equal(iv_inotify_register(inotify), 0);
	iv_inotify_watch_unregister(&watch);
	watch_dir(&watch, "watch", IN_CREATE);
	make_file("a");
	expect_events("watch:create:a");
	remove_file("a");
	close_bed();
}

static void
register_again_from_oneshot(void *cookie, struct inotify_event *event)
{
	note_event(cookie, event);
	assert_int_equal(iv_inotify_watch_register(&watch), 0);
}

static void its_handler_may_register_it_again(void **state)
{
	(void)state;
	open_bed();
	set_up_watch(&watch, dir, "watch", IN_CREATE | IN_ONESHOT);
	watch.handler = register_again_from_oneshot;
	assert_int_equal(iv_inotify_watch_register(&watch), 0);
	make_file("a");
	expect_events("watch:create:a");
	make_file("b");
	expect_events("watch:create:b");
	remove_file("a");
	remove_file("b");
	close_bed();
}

static void a_second_watch_fails_and_the_first_is_as_it_was(void **state)
{
	(void)state;
	open_bed();
	watch_dir(&watch, "first", IN_CREATE);
	set_up_watch(&others[0], dir, "second", IN_DELETE);
	expect_refusal(&others[0], EEXIST);
	set_up_watch(&others[0], dir, "second", IN_DELETE | IN_MASK_ADD);
	expect_refusal(&others[0], EEXIST);
	make_file("a");
	remove_file("a");
	expect_events("first:create:a");
	close_bed();
}

/* Not even for a moment, in which events would be lost. */
static void nor_is_the_first_one_touched(void **state)
{
	(void)state;
	open_bed();
	watch_dir(&watch, "first", IN_CREATE);
	set_up_watch(&others[0], dir, "second", IN_DELETE);
	num_add_watch = 0;
	expect_refusal(&others[0], EEXIST);
	assert_int_equal(num_add_watch, 1);
	close_bed();
}

static void another_name_of_the_file_is_no_other_file(void **state)
{
	(void)state;
	open_bed();
	make_file("a");
	assert_int_equal(linkat(dir_fd, "a", dir_fd, "b", 0), 0);
	watch_file(&watch, "a", "first", IN_ATTRIB);
	set_up_watch(&others[0], path_of("b"), "second", IN_MODIFY);
	expect_refusal(&others[0], EEXIST);
	touch_file("b");
	expect_events("first:attrib");
	remove_file("a");
	remove_file("b");
	close_bed();
}

static void kernels_without_mask_create_do_the_same(void **state)
{
	no_mask_create = true;
	a_second_watch_fails_and_the_first_is_as_it_was(state);
	another_name_of_the_file_is_no_other_file(state);
}

static void another_instance_may_watch_the_same(void **state)
{
	struct iv_inotify second;

	(void)state;
	open_bed();
	memset(&second, 0xa5, sizeof(second));
	IV_INOTIFY_INIT(&second);
	assert_int_equal(iv_inotify_register(&second), 0);
	watch_dir(&watch, "first", IN_CREATE);
	set_up_watch(&others[0], dir, "second", IN_DELETE);
	others[0].inotify = &second;
	assert_int_equal(iv_inotify_watch_register(&others[0]), 0);
	make_file("a");
	expect_events("first:create:a");
	remove_file("a");
	expect_events("second:delete:a");
	iv_inotify_unregister(&second);
	close_bed();
}

static void overflow(const char *path)
{
	int max = read_number("/proc/sys/fs/inotify/max_queued_events");
	int i;

	/* Two kinds in turn, or the kernel would merge them. */
	for (i = 0; i <= max / 2; i++) {
		assert_int_equal(chmod(path, 0600), 0);
		assert_int_equal(truncate(path, 1), 0);
	}
}

static int num_overflows;

static void count_overflow(void *cookie, struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW) {
		assert_int_equal(event->wd, -1);
		note(cookie);
		num_overflows++;
	}
}

static void an_overflow_reaches_every_watch(void **state)
{
	(void)state;
	open_bed();
	make_file("a");
	set_up_watch(&watch, path_of("a"), "a", IN_ATTRIB | IN_MODIFY);
	watch.handler = count_overflow;
	assert_int_equal(iv_inotify_watch_register(&watch), 0);
	set_up_watch(&others[0], dir, "dir", IN_CREATE | IN_ONESHOT);
	others[0].handler = count_overflow;
	assert_int_equal(iv_inotify_watch_register(&others[0]), 0);
	overflow(path_of("a"));
	expect_events("a dir");
	assert_int_equal(num_overflows, 2);

	/* And it is not the end of the watches, not even of a ONESHOT one. */
	watch.handler = note_event;
	others[0].handler = note_event;
	touch_file("a");
	make_file("b");
	expect_events("a:attrib dir:create:b");
	remove_file("a");
	remove_file("b");
	close_bed();
}

static void
unregister_all_on_overflow(void *cookie, struct inotify_event *event)
{
	if (!(event->mask & IN_Q_OVERFLOW))
		return;
	note(cookie);
	iv_inotify_watch_unregister(&watch);
	iv_inotify_watch_unregister(&others[0]);
}

static void an_overflow_handler_may_unregister_every_watch(void **state)
{
	(void)state;
	open_bed();
	make_file("a");
	set_up_watch(&watch, path_of("a"), "a", IN_ATTRIB | IN_MODIFY);
	watch.handler = unregister_all_on_overflow;
	assert_int_equal(iv_inotify_watch_register(&watch), 0);
	set_up_watch(&others[0], dir, "dir", IN_DELETE);
	others[0].handler = unregister_all_on_overflow;
	assert_int_equal(iv_inotify_watch_register(&others[0]), 0);
	overflow(path_of("a"));
	expect_events("a");
	remove_file("a");
	close_bed();
}

static void end_all_on_overflow(void *cookie, struct inotify_event *event)
{
	if (!(event->mask & IN_Q_OVERFLOW))
		return;
	note(cookie);
	iv_inotify_unregister(inotify);
	free(inotify);
	inotify = NULL;
}

static void an_overflow_handler_may_free_the_instance(void **state)
{
	(void)state;
	open_bed();
	make_file("a");
	set_up_watch(&watch, path_of("a"), "a", IN_ATTRIB | IN_MODIFY);
	watch.handler = end_all_on_overflow;
	assert_int_equal(iv_inotify_watch_register(&watch), 0);
	watch_dir(&others[0], "dir", IN_DELETE);
	overflow(path_of("a"));
	expect_events("a");
	remove_file("a");
	close_bed();
}

static const struct test_case cases[] = {
	TEST(events_reach_the_watch_with_their_names),
	TEST(only_what_the_mask_asks_for),
	TEST(events_come_in_order_and_to_their_watches),
	TEST(a_watch_that_is_unregistered_is_not_called),
	TEST(it_may_be_registered_again),
	TEST(oneshot_unregisters_itself),
	TEST(ignored_unregisters_it),
	TEST(unregistering_it_again_has_no_effect),
	TEST(nor_has_it_after_the_instance_is_unregistered),
	TEST(its_handler_may_register_it_again),
	TEST(a_second_watch_fails_and_the_first_is_as_it_was),
	TEST(nor_is_the_first_one_touched),
	TEST(another_name_of_the_file_is_no_other_file),
	TEST(kernels_without_mask_create_do_the_same),
	TEST(another_instance_may_watch_the_same),
	TEST(an_overflow_reaches_every_watch),
	TEST(an_overflow_handler_may_unregister_every_watch),
	TEST(an_overflow_handler_may_free_the_instance),
};

TEST_MAIN(cases)
