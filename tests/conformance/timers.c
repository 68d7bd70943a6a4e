/* SPDX-License-Identifier: MIT */
/*
 * timers.c - timers and what is ready, neither at the other's cost
 *
 * No case measures how late a timer is; none may ever be early.
 */
#include "suite.h"

static struct probe probe;
static struct iv_timer timer, other;
static int calls;

static void start(struct iv_timer *timer, long ms, void (*handler)(void *))
{
	IV_TIMER_INIT(timer);
	timer->expires = after_ms(ms);
	timer->cookie = timer;
	timer->handler = handler;
	iv_timer_register(timer);
}

static void check_not_early(const struct iv_timer *timer)
{
	iv_invalidate_now();
	if (compare_times(&iv_now, &timer->expires) < 0)
		fail_msg("a timer is early");
}

static void count(void *cookie)
{
	check_not_early(cookie);
	calls++;
}

static void open_ready_probe(void)
{
	iv_init();
	probe_socket(&probe);
	put_byte(probe.far);
	probe_register(&probe, IN);
}

static void close_probe(void)
{
	probe_close(&probe);
	iv_deinit();
}

/* Nothing ready ***********************************************************/

static void one_that_is_due_ends_the_wait(void **state)
{
	(void)state;
	iv_init();
	start(&timer, 20, count);
	iv_main();
	assert_int_equal(calls, 1);
	iv_deinit();
}

static void beside_a_silent_descriptor(void **state)
{
	(void)state;
	iv_init();
	probe_socket(&probe);
	probe_register(&probe, ALL & ~OUT);
	start(&timer, 10, count);
	start(&other, 20, quit);
	iv_main();
	assert_int_equal(calls, 1);
	expect_order(&probe, "");
	close_probe();
}

/* Times that are no whole milliseconds, some of them shorter than one. */
static void rearm_oddly(void *cookie)
{
	count(cookie);
	if (calls == 40)
		return;
	iv_invalidate_now();
	timer.expires = after_ms(0);
	timer.expires.tv_nsec += 37 * calls * calls * calls;
	if (timer.expires.tv_nsec >= 1000000000) {
		timer.expires.tv_nsec -= 1000000000;
		timer.expires.tv_sec++;
	}
	iv_timer_register(&timer);
}

static void never_early_and_not_by_spinning(void **state)
{
	int reads = num_clock_reads();

	(void)state;
	iv_init();
	start(&timer, 1, rearm_oddly);
	iv_main();
	assert_int_equal(calls, 40);
	/* 40 times: the round, the checks and the re-arming. */
	assert_in_range(num_clock_reads() - reads, 40, 40 * 12);
	iv_deinit();
}

/*
 * Have the method wait for a timer, and cancel that before it is due: a wait
 * that something ready ends.
 */
static void wait_for_and_cancel(long ms)
{
	probe_socket(&probe);
	put_byte(probe.far);
	probe_register(&probe, IN);
	do {
		start(&timer, ms, count);
		run_until_called(&probe, 2);
	} while (!iv_timer_registered(&timer));
	iv_timer_unregister(&timer);
	iv_fd_unregister(&probe.fd);
	calls = 0;
}

static void a_cancelled_one_does_not_end_the_wait(void **state)
{
	(void)state;
	iv_init();
	wait_for_and_cancel(10);
	expect_idle();
	assert_int_equal(calls, 0);
	close_probe();
}

/* The wait after that is for the later one, which is not early. */
static void a_later_one_takes_the_place_of_a_cancelled_one(void **state)
{
	(void)state;
	iv_init();
	wait_for_and_cancel(10);
	start(&other, 30, count);
	iv_main();
	assert_int_equal(calls, 1);
	close_probe();
}

enum { YEAR_S = 365 * 24 * 3600 };

static void thirty_years(void **state)
{
	(void)state;
	iv_init();
	start(&timer, 0, count);
	iv_timer_unregister(&timer);
	timer.expires.tv_sec += 30L * YEAR_S;
	iv_timer_register(&timer);
	expect_idle();
	probe_socket(&probe);
	probe_register(&probe, IN);
	put_byte(probe.far);
	run_rounds(2);
	expect_order(&probe, "ii");
	iv_fd_unregister(&probe.fd);
	expect_idle();
	assert_int_equal(calls, 0);
	iv_timer_unregister(&timer);
	close_probe();
}

/* Alone: the one time-out that the method ever sees. */
static void *put_byte_elsewhere(void *far)
{
	put_byte(*(int *)far);

	return NULL;
}

static void thirty_years_cut_short_by_a_descriptor(void **state)
{
	pthread_t thread;

	(void)state;
	iv_init();
	start(&timer, 0, count);
	iv_timer_unregister(&timer);
	timer.expires.tv_sec += 30L * YEAR_S;
	iv_timer_register(&timer);
	probe_socket(&probe);
	probe.quit_at = 1;
	probe_register(&probe, IN);
	thread = start_thread(put_byte_elsewhere, &probe.far);
	iv_main();
	join_thread(thread);
	expect_order(&probe, "i");
	assert_int_equal(calls, 0);
	iv_timer_unregister(&timer);
	close_probe();
}

static void at_time_zero(void **state)
{
	(void)state;
	iv_init();
	IV_TIMER_INIT(&timer);
	timer.cookie = &timer;
	timer.handler = count;
	iv_timer_register(&timer);
	probe_socket(&probe);
	probe_register(&probe, IN);
	run_rounds(1);
	assert_int_equal(calls, 1);
	close_probe();
}

/* With something ready ****************************************************/

static void rearm_at_once(void *cookie)
{
	count(cookie);
	iv_timer_register(cookie);
}

static void rearming_for_the_past_does_not_starve(void **state)
{
	(void)state;
	open_ready_probe();
	start(&timer, 0, rearm_at_once);
	run_until_called(&probe, 20);
	assert_true(calls >= 10);
	iv_timer_unregister(&timer);
	close_probe();
}

/* The same with a descriptor that is not ready yet when it begins. */
static void put_byte_late(void *cookie)
{
	rearm_at_once(cookie);
	if (calls == 10)
		put_byte(probe.far);
}

static void rearming_for_the_past_sees_what_becomes_ready(void **state)
{
	(void)state;
	iv_init();
	probe_reader(&probe);
	probe_register(&probe, IN);
	start(&timer, 0, put_byte_late);
	run_until_called(&probe, 3);
	expect_order(&probe, "iii");
	iv_timer_unregister(&timer);
	close_probe();
}

static void count_and_quit(void *cookie)
{
	count(cookie);
	iv_quit();
}

/* A descriptor that is always ready leaves timers their turn. */
static void always_ready_does_not_starve(void **state)
{
	(void)state;
	open_ready_probe();
	start(&timer, 10, count);
	start(&other, 20, count_and_quit);
	run_until_quit("the second timer");
	assert_int_equal(calls, 2);
	assert_true(probe.in > 0);
	close_probe();
}

static void both_are_served_in_each_round(void **state)
{
	(void)state;
	open_ready_probe();
	start(&timer, 0, rearm_at_once);
	run_rounds(50);
	assert_in_range(calls, 50, 51);
	assert_int_equal(probe.in, 50);
	iv_timer_unregister(&timer);
	close_probe();
}

static void start_shorter(struct probe *own, int band)
{
	(void)band;
	probe_want(own, 0);
	start(&other, 5, count_and_quit);
}

/* Set while the method is set for a later one. */
static void a_shorter_one_set_by_a_descriptor(void **state)
{
	(void)state;
	open_ready_probe();
	start(&timer, 3600 * 1000L, count);
	probe.then = start_shorter;
	run_until_quit("the shorter timer");
	assert_int_equal(calls, 1);
	iv_timer_unregister(&timer);
	close_probe();
}

static void cancel(struct probe *own, int band)
{
	(void)own;
	(void)band;
	if (iv_timer_registered(&timer))
		iv_timer_unregister(&timer);
	probe_want(own, 0);
}

static void cancelled_by_a_descriptor_it_is_not_called(void **state)
{
	(void)state;
	open_ready_probe();
	start(&timer, 15, count);
	probe.then = cancel;
	run_until_called(&probe, 1);
	expect_idle();
	assert_int_equal(calls, 0);
	close_probe();
}

static const struct test_case cases[] = {
	TEST(one_that_is_due_ends_the_wait),
	TEST(beside_a_silent_descriptor),
	TEST(never_early_and_not_by_spinning),
	TEST(a_cancelled_one_does_not_end_the_wait),
	TEST(a_later_one_takes_the_place_of_a_cancelled_one),
	TEST(thirty_years),
	TEST(thirty_years_cut_short_by_a_descriptor),
	TEST(at_time_zero),
	TEST(rearming_for_the_past_does_not_starve),
	TEST(rearming_for_the_past_sees_what_becomes_ready),
	TEST(always_ready_does_not_starve),
	TEST(both_are_served_in_each_round),
	TEST(a_shorter_one_set_by_a_descriptor),
	TEST(cancelled_by_a_descriptor_it_is_not_called),
};

GROUP(timers);
