/* SPDX-License-Identifier: MIT */
/*
 * test_loop.c - iv_main, iv_quit and the order of an iteration
 */
#include "loop_bed.h"

/* What keeps iv_main() running *********************************************/

static void main_returns_when_nothing_is_registered(void **state)
{
	(void)state;
	iv_init();
	iv_main();
	iv_main();
	iv_deinit();
}

static struct ready_fd idle;

static void drop_idle(void *word)
{
	note(word);
	drop_fd(&idle);
}

static void a_descriptor_without_handlers_keeps_the_loop(void **state)
{
	struct iv_timer timer;

	(void)state;
	iv_init();
	noted_fd(&idle, "never", NULL);
	noted_timer(&timer, "timer", drop_idle);
	iv_main();
	assert_noted("timer");
	iv_deinit();
}

static void a_timer_keeps_the_loop(void **state)
{
	struct iv_timer timer;

	(void)state;
	iv_init();
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(5);
	timer.cookie = "timer";
	timer.handler = note;
	iv_timer_register(&timer);
	iv_main();
	assert_noted("timer");
	iv_deinit();
}

static void a_task_keeps_the_loop(void **state)
{
	struct iv_task task;

	(void)state;
	iv_init();
	noted_task(&task, "task", note);
	iv_main();
	assert_noted("task");
	iv_deinit();
}

static struct iv_event kept;

static void drop_event(void *word)
{
	note(word);
	iv_event_unregister(&kept);
}

static void an_event_keeps_the_loop(void **state)
{
	struct iv_timer timer;

	(void)state;
	iv_init();
	noted_event(&kept, "never", note);
	noted_timer(&timer, "timer", drop_event);
	iv_main();
	assert_noted("timer");
	iv_deinit();
}

/* The order of an iteration ************************************************/

static void order_is_timers_then_tasks_then_descriptors(void **state)
{
	struct iv_timer timer;
	struct iv_task task;
	struct ready_fd fd;

	(void)state;
	iv_init();
	noted_fd(&fd, "fd", note_and_quit);
	noted_task(&task, "task", note);
	noted_timer(&timer, "timer", note);
	run_until_quit("the descriptor");
	assert_noted("timer task fd");
	drop_fd(&fd);
	iv_deinit();
}

static struct iv_event first, second;

static void local_posts_run_in_order_at_the_place_of_the_first(void **state)
{
	struct iv_task before, after;
	struct ready_fd fd;

	(void)state;
	iv_init();
	noted_fd(&fd, "fd", note_and_quit);
	noted_event(&first, "first", note);
	noted_event(&second, "second", note);
	noted_task(&before, "before", note);
	iv_event_post(&second);
	noted_task(&after, "after", note);
	iv_event_post(&first);
	run_until_quit("the descriptor");
	assert_noted("before second first after fd");
	drop_fd(&fd);
	iv_event_unregister(&first);
	iv_event_unregister(&second);
	iv_deinit();
}

static bool inside;

static void post_and_return(void *word)
{
	inside = true;
	iv_event_post(&first);
	note(word);
	inside = false;
}

static void note_not_inside(void *word)
{
	assert_false(inside);
	note_and_quit(word);
}

static void a_callback_is_not_interrupted_by_what_it_posts(void **state)
{
	struct iv_task task;

	(void)state;
	iv_init();
	noted_event(&first, "event", note_not_inside);
	noted_task(&task, "task", post_and_return);
	run_until_quit("the event");
	assert_noted("task event");
	iv_event_unregister(&first);
	iv_deinit();
}

/* iv_quit() ****************************************************************/

static void quit_before_main_is_lost(void **state)
{
	struct iv_timer timer;

	(void)state;
	iv_init();
	noted_timer(&timer, "timer", note);
	iv_quit();
	iv_main();
	assert_noted("timer");
	iv_deinit();
}

static void main_can_be_called_again_after_quit(void **state)
{
	struct iv_task task;
	struct ready_fd fd;

	(void)state;
	iv_init();
	noted_fd(&fd, "fd", note_and_quit);
	noted_task(&task, "task", note_and_quit);
	run_until_quit("the task");
	assert_noted("task");
	run_until_quit("the descriptor");
	assert_noted("fd");
	drop_fd(&fd);
	iv_deinit();
}

static void after_quit_from_a_timer_timers_and_tasks_still_run(void **state)
{
	struct iv_timer one, two;
	struct iv_task task;
	struct ready_fd fd;

	(void)state;
	iv_init();
	noted_fd(&fd, "fd", note);
	noted_timer(&one, "one", note_and_quit);
	noted_timer(&two, "two", note);
	noted_task(&task, "task", note);
	run_until_quit("the timer");
	assert_noted("one two task");
	drop_fd(&fd);
	iv_deinit();
}

static void after_quit_from_a_task_tasks_still_run_but_no_poll(void **state)
{
	struct iv_task one, two;
	struct ready_fd fd;

	(void)state;
	iv_init();
	noted_fd(&fd, "fd", note);
	noted_task(&one, "one", note_and_quit);
	noted_task(&two, "two", note);
	run_until_quit("the task");
	assert_noted("one two");
	drop_fd(&fd);
	iv_deinit();
}

static struct iv_timer due;
static struct iv_task late_task;

static void quit_with_more_to_do(void *word)
{
	note(word);
	noted_timer(&due, "timer", note);
	noted_task(&late_task, "task", note);
	iv_quit();
}

/* Both descriptors quit: whichever is first, the other one still runs. */
static void after_quit_from_a_descriptor_what_was_collected_runs(void **state)
{
	struct ready_fd one, two;

	(void)state;
	iv_init();
	noted_fd(&one, "fd", quit_with_more_to_do);
	noted_fd(&two, "fd", note);
	run_until_quit("the descriptor");
	assert_noted("fd fd timer task");
	drop_fd(&one);
	drop_fd(&two);
	iv_deinit();
}

static void after_quit_from_an_event_the_other_events_run(void **state)
{
	struct ready_fd fd;

	(void)state;
	iv_init();
	noted_fd(&fd, "fd", note);
	noted_event(&first, "first", note_and_quit);
	noted_event(&second, "second", note);
	iv_event_post(&first);
	iv_event_post(&second);
	run_until_quit("the event");
	assert_noted("first second");
	iv_event_unregister(&first);
	iv_event_unregister(&second);
	drop_fd(&fd);
	iv_deinit();
}

static void *post_both(void *arg)
{
	(void)arg;
	iv_event_post(&first);
	iv_event_post(&second);

	return NULL;
}

static void post_both_remotely(void *word)
{
	note(word);
	in_thread(post_both, NULL);
}

static void after_quit_from_a_remote_event_the_others_run(void **state)
{
	struct iv_task task;

	(void)state;
	iv_init();
	noted_event(&first, "first", note_and_quit);
	noted_event(&second, "second", note);
	noted_task(&task, "task", post_both_remotely);
	run_until_quit("the event");
	assert_noted("task first second");
	iv_event_unregister(&first);
	iv_event_unregister(&second);
	iv_deinit();
}

/* Misuse *******************************************************************/

static void call_main(void *arg)
{
	(void)arg;
	iv_main();
}

static void call_quit(void *arg)
{
	(void)arg;
	iv_quit();
}

static void main_and_quit_before_init_are_fatal(void **state)
{
	(void)state;
	expect_fatal(call_main, NULL, "iv_main", "iv_init");
	expect_fatal(call_quit, NULL, "iv_quit", "iv_init");
}

static const struct test_case cases[] = {
	TEST(main_returns_when_nothing_is_registered),
	TEST(a_descriptor_without_handlers_keeps_the_loop),
	TEST(a_timer_keeps_the_loop),
	TEST(a_task_keeps_the_loop),
	TEST(an_event_keeps_the_loop),
	TEST(order_is_timers_then_tasks_then_descriptors),
	TEST(local_posts_run_in_order_at_the_place_of_the_first),
	TEST(a_callback_is_not_interrupted_by_what_it_posts),
	TEST(quit_before_main_is_lost),
	TEST(main_can_be_called_again_after_quit),
	TEST(after_quit_from_a_timer_timers_and_tasks_still_run),
	TEST(after_quit_from_a_task_tasks_still_run_but_no_poll),
	TEST(after_quit_from_a_descriptor_what_was_collected_runs),
	TEST(after_quit_from_an_event_the_other_events_run),
	TEST(after_quit_from_a_remote_event_the_others_run),
	TEST(main_and_quit_before_init_are_fatal),
};

TEST_MAIN(cases)
