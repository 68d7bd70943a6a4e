/* SPDX-License-Identifier: MIT */
/*
 * test_clock.c - iv_now
 */
#include <time.h>
#include "harness.h"

/* The functions behind the macros, as programs built long ago call them. */
static void (*const old_validate_now)(void) = iv_validate_now;

static struct timespec monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return now;
}

/* Until the clock shows another time than @t. */
static void pass(struct timespec t)
{
	struct timespec now;

	do {
		now = monotonic();
	} while (compare_times(&now, &t) <= 0);
}

static void
assert_between(struct timespec low, struct timespec t, struct timespec high)
{
	assert_true(compare_times(&low, &t) <= 0);
	assert_true(compare_times(&t, &high) <= 0);
}

static void it_is_the_monotonic_clock(void **state)
{
	struct timespec before, now;

	(void)state;
	iv_init();
	before = monotonic();
	iv_invalidate_now();
	now = iv_now;
	assert_between(before, now, monotonic());
	iv_deinit();
}

static void it_is_cached(void **state)
{
	struct timespec first, second;

	(void)state;
	iv_init();
	first = iv_now;
	pass(first);
	second = iv_now;
	assert_int_equal(compare_times(&first, &second), 0);
	iv_deinit();
}

static void invalidating_has_the_next_use_read_it(void **state)
{
	struct timespec first, second, before;

	(void)state;
	iv_init();
	first = iv_now;
	pass(first);
	iv_invalidate_now();
	before = monotonic();
	second = iv_now;
	assert_between(before, second, monotonic());
	iv_deinit();
}

static void the_old_function_and_location_agree_with_iv_now(void **state)
{
	struct timespec now, old;

	(void)state;
	iv_init();
	iv_validate_now();
	old_validate_now();
	old = *__iv_now_location();
	now = iv_now;
	assert_int_equal(compare_times(&old, &now), 0);
	assert_ptr_equal(__iv_now_location(), &iv_now);
	iv_deinit();
}

static struct timespec in_task, in_fd, before_wait;
static struct iv_fd fd;

static void see_task(void *cookie)
{
	(void)cookie;
	in_task = iv_now;
	pass(in_task);
	before_wait = monotonic();
}

static void see_fd(void *cookie)
{
	(void)cookie;
	in_fd = iv_now;
	iv_quit();
}

static void it_is_refreshed_after_each_poll(void **state)
{
	struct iv_task task;
	int pipefd[2];

	(void)state;
	iv_init();
	make_pipe(pipefd);
	put_byte(pipefd[1]);
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	fd.handler_in = see_fd;
	iv_fd_register(&fd);
	IV_TASK_INIT(&task);
	task.handler = see_task;
	iv_task_register(&task);
	run_until_quit("the descriptor");
	assert_between(before_wait, in_fd, monotonic());
	iv_fd_unregister(&fd);
	close_both(pipefd);
	iv_deinit();
}

/* Lazily: a first use long after the poll shows the time of that use. */
static void use_late(void *cookie)
{
	struct timespec before = monotonic();

	(void)cookie;
	pass(before);
	before = monotonic();
	in_fd = iv_now;
	before_wait = before;
	iv_quit();
}

static void it_is_read_at_its_first_use_after_a_poll(void **state)
{
	int pipefd[2];

	(void)state;
	iv_init();
	make_pipe(pipefd);
	put_byte(pipefd[1]);
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	fd.handler_in = use_late;
	iv_fd_register(&fd);
	iv_main();
	assert_between(before_wait, in_fd, monotonic());
	iv_fd_unregister(&fd);
	close_both(pipefd);
	iv_deinit();
}

static void *look_elsewhere(void *arg)
{
	const struct timespec *location;
	bool apart;

	iv_init();
	location = &iv_now;
	apart = location != arg;
	iv_invalidate_now();
	iv_deinit();

	return (void *)(uintptr_t)apart;
}

static void each_thread_has_its_own(void **state)
{
	struct timespec first, second;

	(void)state;
	iv_init();
	first = iv_now;
	pass(first);
	assert_true(in_thread(look_elsewhere, (void *)(uintptr_t)&iv_now));
	second = iv_now;
	assert_int_equal(compare_times(&first, &second), 0);
	iv_deinit();
}

static void use_now(void *arg)
{
	*(struct timespec *)arg = iv_now;
}

static void invalidate(void *arg)
{
	(void)arg;
	iv_invalidate_now();
}

static void use_before_init_is_fatal(void **state)
{
	struct timespec now = { 0, 0 };

	(void)state;
	expect_fatal(use_now, &now, "iv_now", "iv_init");
	expect_fatal(invalidate, NULL, "iv_invalidate_now", "iv_init");
}

static const struct test_case cases[] = {
	TEST(it_is_the_monotonic_clock),
	TEST(it_is_cached),
	TEST(invalidating_has_the_next_use_read_it),
	TEST(the_old_function_and_location_agree_with_iv_now),
	TEST(it_is_refreshed_after_each_poll),
	TEST(it_is_read_at_its_first_use_after_a_poll),
	TEST(each_thread_has_its_own),
	TEST(use_before_init_is_fatal),
};

TEST_MAIN(cases)
