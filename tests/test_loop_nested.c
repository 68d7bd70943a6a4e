/* SPDX-License-Identifier: MIT */
/*
 * test_loop_nested.c - iv_main() inside a callback
 */
#include <sched.h>
#include <stdatomic.h>
#include <iv_work.h>
#include "loop_bed.h"

static struct iv_timer inner_timer;

static void run_nested(void *word)
{
	note(word);
	noted_timer(&inner_timer, "inner", note_and_quit);
	iv_main();
	note("back");
}

static void quit_of_a_nested_main_ends_the_outer_one_too(void **state)
{
	struct iv_task task;
	struct ready_fd fd;

	(void)state;
	iv_init();
	noted_fd(&fd, "fd", NULL);
	noted_task(&task, "outer", run_nested);
	run_until_quit("the nested loop");
	assert_noted("outer inner back");
	drop_fd(&fd);
	iv_deinit();
}

static void quit_and_nest(void *word)
{
	note(word);
	IV_TIMER_INIT(&inner_timer);
	inner_timer.expires = after_ms(5);
	inner_timer.cookie = "inner";
	inner_timer.handler = note;
	iv_timer_register(&inner_timer);
	iv_quit();
	iv_main();
	note("back");
}

static void a_quit_before_a_nested_main_is_lost_too(void **state)
{
	struct iv_task task;

	(void)state;
	iv_init();
	noted_task(&task, "outer", quit_and_nest);
	iv_main();
	assert_noted("outer inner back");
	iv_deinit();
}

static void nest_without_quit(void *word)
{
	note(word);
	noted_timer(&inner_timer, "inner", note);
	iv_main();
	note("back");
}

static void a_nested_main_returns_when_nothing_is_left(void **state)
{
	struct iv_task task;

	(void)state;
	iv_init();
	noted_task(&task, "outer", nest_without_quit);
	iv_main();
	assert_noted("outer inner back");
	iv_deinit();
}

static struct ready_fd nesting;

static void nest_in_fd(void *word)
{
	note(word);
	iv_fd_set_handler_in(&nesting.fd, NULL);
	noted_timer(&inner_timer, "inner", note_and_quit);
	iv_main();
	note("back");
}

static void a_nested_main_in_a_descriptor_serves_the_others(void **state)
{
	struct iv_timer outer;
	struct ready_fd fd;

	(void)state;
	iv_init();
	noted_fd(&nesting, "fd", nest_in_fd);
	noted_fd(&fd, "idle", NULL);
	noted_timer(&outer, "outer", note);
	run_until_quit("the nested loop");
	assert_noted("outer fd inner back");
	drop_fd(&fd);
	drop_fd(&nesting);
	iv_deinit();
}

/* Completions *************************************************************/

static struct iv_work_pool pool;
static int completions;
static atomic_int runs;

static void count_run(void *cookie)
{
	(void)cookie;
	atomic_fetch_add(&runs, 1);
}

static struct iv_work_item nested_items[3];
static struct iv_work_pool *nested_pool;

/* The first completion waits for the others, which may be of its batch. */
static void wait_for_the_others(void *cookie)
{
	(void)cookie;
	if (++completions == 1)
		run_until_quit("the other completions");
	else if (completions == 3)
		iv_quit();
}

static void submit_nested(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		nested_items[i].work = count_run;
		nested_items[i].completion = wait_for_the_others;
		iv_work_pool_submit_work(nested_pool, &nested_items[i]);
	}
	/* Have all three done before the owner looks. */
	while (nested_pool != NULL && atomic_load(&runs) < 3)
		sched_yield();
}

static void run_items(struct iv_work_pool *with)
{
	iv_init();
	nested_pool = with;
	if (with != NULL) {
		IV_WORK_POOL_INIT(with);
		with->max_threads = 1;
		assert_int_equal(iv_work_pool_create(with), 0);
	}
	submit_nested();
	iv_main();
	assert_int_equal(completions, 3);
	if (with != NULL)
		iv_work_pool_put(with);
	iv_main();
	iv_deinit();
}

static void a_completion_may_wait_for_others_in_a_nested_main(void **state)
{
	(void)state;
	run_items(&pool);
}

static void without_a_pool_it_may_wait_for_others_too(void **state)
{
	(void)state;
	run_items(NULL);
}

static const struct test_case cases[] = {
	TEST(quit_of_a_nested_main_ends_the_outer_one_too),
	TEST(a_quit_before_a_nested_main_is_lost_too),
	TEST(a_nested_main_returns_when_nothing_is_left),
	TEST(a_nested_main_in_a_descriptor_serves_the_others),
	TEST(a_completion_may_wait_for_others_in_a_nested_main),
	TEST(without_a_pool_it_may_wait_for_others_too),
};

TEST_MAIN(cases)
