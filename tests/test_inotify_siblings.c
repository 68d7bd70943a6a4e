/* SPDX-License-Identifier: MIT */
/*
 * test_inotify_siblings.c - what a handler may do to others of its batch
 *
 * The events of a case are all in the queue before the loop looks at it, so
 * one read brings them together.
 */
#include "inotify_bed.h"

static void free_watch(struct iv_inotify_watch *w)
{
	memset(w, 0xa5, sizeof(*w));
	free(w);
}

static struct iv_inotify_watch *
allocate_watch(const char *path, const char *cookie, uint32_t mask)
{
	struct iv_inotify_watch *w = malloc(sizeof(*w));

	assert_non_null(w);
	set_up_watch(w, path, cookie, mask);

	return w;
}

static struct iv_inotify_watch *one, *two;

static void free_one(void *cookie, struct inotify_event *event)
{
	note_event(cookie, event);
	iv_inotify_watch_unregister(one);
	free_watch(one);
}

static void free_two(void *cookie, struct inotify_event *event)
{
	note_event(cookie, event);
	iv_inotify_watch_unregister(two);
	free_watch(two);
}

/* On "a" and on "b", with an event for one, two and one again. */
static void
queue_three(void (*handler)(void *, struct inotify_event *), uint32_t flags)
{
	open_bed();
	make_file("a");
	make_file("b");
	one = allocate_watch(path_of("a"), "one", IN_ATTRIB | flags);
	two = allocate_watch(path_of("b"), "two", IN_ATTRIB | flags);
	one->handler = handler;
	assert_int_equal(iv_inotify_watch_register(one), 0);
	assert_int_equal(iv_inotify_watch_register(two), 0);
	touch_file("a");
	touch_file("b");
	touch_file("a");
}

static void remove_files(void)
{
	remove_file("a");
	remove_file("b");
	close_bed();
}

static void a_handler_may_free_its_own_watch(void **state)
{
	(void)state;
	queue_three(free_one, 0);
	expect_events("one:attrib two:attrib");
	iv_inotify_watch_unregister(two);
	free_watch(two);
	remove_files();
}

static void a_handler_may_free_another_watch(void **state)
{
	(void)state;
	queue_three(free_two, 0);
	one->handler = free_two;
	iv_inotify_watch_unregister(one);
	one->mask = IN_ATTRIB | IN_ONESHOT;
	assert_int_equal(iv_inotify_watch_register(one), 0);
	touch_file("b");
	touch_file("a");
	touch_file("b");
	expect_events("two:attrib two:attrib one:attrib");
	free_watch(one);
	remove_files();
}

static void a_oneshot_watch_may_be_freed_without_unregistering(void **state)
{
	(void)state;
	queue_three(note_event, IN_ONESHOT);
	expect_events("one:attrib two:attrib");
	free_watch(one);
	free_watch(two);
	remove_files();
}

static void free_as_it_is(void *cookie, struct inotify_event *event)
{
	note_event(cookie, event);
	if (event->mask & IN_IGNORED)
		free_watch(one);
}

static void so_may_one_that_is_ignored(void **state)
{
	(void)state;
	open_bed();
	make_file("a");
	one = allocate_watch(path_of("a"), "one", IN_DELETE_SELF);
	one->handler = free_as_it_is;
	assert_int_equal(iv_inotify_watch_register(one), 0);
	remove_file("a");
	expect_events("one:delete_self one:ignored");
	close_bed();
}

static void free_instance(void *cookie, struct inotify_event *event)
{
	note_event(cookie, event);
	iv_inotify_unregister(inotify);
	memset(inotify, 0xa5, sizeof(*inotify));
	free(inotify);
	inotify = NULL;
	free_watch(one);
	free_watch(two);
}

static void a_handler_may_free_everything(void **state)
{
	(void)state;
	queue_three(free_instance, 0);
	expect_events("one:attrib");
	remove_files();
}

static void a_oneshot_handler_may_free_everything(void **state)
{
	(void)state;
	queue_three(free_instance, IN_ONESHOT);
	expect_events("one:attrib");
	remove_files();
}

static void reopen_instance(void *cookie, struct inotify_event *event)
{
	note_event(cookie, event);
	iv_inotify_unregister(inotify);
	assert_int_equal(iv_inotify_register(inotify), 0);
	one->handler = note_event;
	assert_int_equal(iv_inotify_watch_register(one), 0);
	assert_int_equal(iv_inotify_watch_register(two), 0);
}

/* The new watches have the numbers of the old ones, and must not be called. */
static void events_of_an_old_instance_never_reach_a_new_one(void **state)
{
	(void)state;
	queue_three(reopen_instance, 0);
	expect_events("one:attrib");
	touch_file("b");
	touch_file("a");
	expect_events("two:attrib one:attrib");
	close_instance();
	free_watch(one);
	free_watch(two);
	remove_files();
}

static void add_watch(void *cookie, struct inotify_event *event)
{
	note_event(cookie, event);
	watch_dir(&watch, "dir", IN_CREATE);
}

static void a_handler_may_register_a_watch(void **state)
{
	(void)state;
	queue_three(add_watch, IN_ONESHOT);
	expect_events("one:attrib two:attrib");
	make_file("c");
	expect_events("dir:create:c");
	remove_file("c");
	free_watch(one);
	free_watch(two);
	remove_files();
}

static void run_nested(void *cookie, struct inotify_event *event)
{
	note_event(cookie, event);
	one->handler = note_event;
	touch_file("b");
	expect_events("one:attrib two:attrib");
	note("back");
}

/* What the outer loop has read already comes when it goes on. */
static void a_handler_may_run_a_loop(void **state)
{
	(void)state;
	queue_three(run_nested, 0);
	expect_events("back two:attrib one:attrib");
	close_instance();
	free_watch(one);
	free_watch(two);
	remove_files();
}

static void free_instance_nested(void *cookie, struct inotify_event *event)
{
	note_event(cookie, event);
	one->handler = free_instance;
	touch_file("a");
	expect_events("one:attrib one:attrib");
	note("back");
}

static void a_nested_loop_may_free_everything(void **state)
{
	(void)state;
	queue_three(free_instance_nested, 0);
	expect_events("back");
	remove_files();
}

static const struct test_case cases[] = {
	TEST(a_handler_may_free_its_own_watch),
	TEST(a_handler_may_free_another_watch),
	TEST(a_oneshot_watch_may_be_freed_without_unregistering),
	TEST(so_may_one_that_is_ignored),
	TEST(a_handler_may_free_everything),
	TEST(a_oneshot_handler_may_free_everything),
	TEST(events_of_an_old_instance_never_reach_a_new_one),
	TEST(a_handler_may_register_a_watch),
	TEST(a_handler_may_run_a_loop),
	TEST(a_nested_loop_may_free_everything),
};

TEST_MAIN(cases)
