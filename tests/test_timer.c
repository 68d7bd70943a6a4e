/* SPDX-License-Identifier: MIT */
/*
 * test_timer.c - timers
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "harness.h"

static void set_up(struct iv_timer *timer, struct timespec expires,
		   const char *word, void (*handler)(void *cookie))
{
	IV_TIMER_INIT(timer);
	timer->expires = expires;
	timer->cookie = (void *)(uintptr_t)word;
	timer->handler = handler;
	iv_timer_register(timer);
}

static void it_runs_once(void **state)
{
	struct iv_timer timer, later;

	(void)state;
	iv_init();
	set_up(&timer, after_ms(1), "timer", note);
	set_up(&later, after_ms(5), "later", note);
	iv_main();
	assert_noted("timer later");
	iv_deinit();
}

static void look_at_the_clock(void *cookie)
{
	struct timespec *seen = cookie;

	iv_invalidate_now();
	*seen = iv_now;
}

static void it_never_runs_early(void **state)
{
	static const long delays_ms[] = { 0, 1, 2, 5, 10, 20 };
	struct timespec seen;
	struct iv_timer timer;
	size_t i;

	(void)state;
	iv_init();
	for (i = 0; i < sizeof(delays_ms) / sizeof(delays_ms[0]); i++) {
		IV_TIMER_INIT(&timer);
		timer.expires = after_ms(delays_ms[i]);
		timer.expires.tv_nsec |= 1;
		timer.cookie = &seen;
		timer.handler = look_at_the_clock;
		iv_timer_register(&timer);
		iv_main();
		assert_true(compare_times(&seen, &timer.expires) >= 0);
	}
	iv_deinit();
}

static void it_never_runs_inside_register(void **state)
{
	struct iv_timer timer;

	(void)state;
	iv_init();
	set_up(&timer, (struct timespec){ 0, 0 }, "timer", note);
	assert_noted("");
	iv_main();
	assert_noted("timer");
	iv_deinit();
}

static void zero_negative_and_past_times_are_due(void **state)
{
	struct iv_timer zero, negative, past;

	(void)state;
	iv_init();
	set_up(&negative, (struct timespec){ -1000, 0 }, "negative", note);
	set_up(&zero, (struct timespec){ 0, 0 }, "zero", note);
	set_up(&past, after_ms(-1000), "past", note);
	iv_main();
	assert_noted("negative zero past");
	iv_deinit();
}

static struct iv_timer far[4];

static void drop_far(void *cookie)
{
	size_t i;

	note(cookie);
	for (i = 0; i < 4; i++) {
		assert_true(iv_timer_registered(&far[i]));
		iv_timer_unregister(&far[i]);
	}
}

static void times_far_away_do_not_fire(void **state)
{
	const time_t max = sizeof(time_t) == 8 ? INT64_MAX : INT32_MAX;
	struct iv_timer soon;

	(void)state;
	iv_init();
	set_up(&far[0], after_ms(30L * 366 * 86400 * 1000), "30 y", note);
	set_up(&far[1], after_ms(49L * 86400 * 1000), "49 days", note);
	set_up(&far[2], (struct timespec){ max, 999999999 }, "never", note);
	set_up(&far[3], (struct timespec){ max / 2, 0 }, "never", note);
	set_up(&soon, after_ms(5), "soon", drop_far);
	iv_main();
	assert_noted("soon");
	iv_deinit();
}

static void they_fire_in_order_of_time(void **state)
{
	struct iv_timer a, b, c;
	struct timespec now;

	(void)state;
	iv_init();
	now = after_ms(-1);
	set_up(&c, after_ms(3), "c", note);
	set_up(&b, now, "b", note);
	set_up(&a, (struct timespec){ 1, 0 }, "a", note);
	iv_main();
	assert_noted("a b c");
	iv_deinit();
}

enum { EQUALS = 1000 };

static struct iv_timer equals[EQUALS];
static int next_equal;

static void check_order(void *cookie)
{
	assert_ptr_equal(cookie, &equals[next_equal]);
	next_equal++;
}

/* Registered as 0, 1, 2... once every third has been taken out again. */
static void fire_equals(struct timespec expires)
{
	int i;

	next_equal = 0;
	for (i = 0; i < EQUALS; i++) {
		IV_TIMER_INIT(&equals[i]);
		equals[i].expires = expires;
		equals[i].cookie = &equals[i];
		equals[i].handler = check_order;
		if (i % 3 == 0)
			set_up(&far[0], expires, "cancelled", note);
		iv_timer_register(&equals[i]);
		if (i % 3 == 0)
			iv_timer_unregister(&far[0]);
	}
	iv_main();
	assert_int_equal(next_equal, EQUALS);
}

static void equal_times_fire_in_order_of_registration(void **state)
{
	(void)state;
	iv_init();
	fire_equals((struct timespec){ 0, 0 });
	fire_equals(iv_now);
	fire_equals(after_ms(2));
	fire_equals(after_ms(20));
	iv_deinit();
}

static void note_registered(void *cookie)
{
	note(iv_timer_registered(cookie) ? "registered" : "unregistered");
}

static void it_is_unregistered_before_its_handler(void **state)
{
	struct iv_timer timer;

	(void)state;
	iv_init();
	IV_TIMER_INIT(&timer);
	assert_false(iv_timer_registered(&timer));
	timer.expires = iv_now;
	timer.cookie = &timer;
	timer.handler = note_registered;
	iv_timer_register(&timer);
	assert_true(iv_timer_registered(&timer));
	iv_main();
	assert_noted("unregistered");
	iv_deinit();
}

static int times;

static void register_again(void *cookie)
{
	struct iv_timer *timer = cookie;

	note("timer");
	if (++times < 3) {
		timer->expires = after_ms(1);
		iv_timer_register(timer);
	}
}

static void its_handler_may_register_it_again(void **state)
{
	struct iv_timer timer;

	(void)state;
	iv_init();
	IV_TIMER_INIT(&timer);
	timer.expires = iv_now;
	timer.cookie = &timer;
	timer.handler = register_again;
	iv_timer_register(&timer);
	iv_main();
	assert_noted("timer timer timer");
	iv_deinit();
}

static void free_it(void *cookie)
{
	note("timer");
	memset(cookie, 0xa5, sizeof(struct iv_timer));
	free(cookie);
}

static void its_handler_may_free_it(void **state)
{
	struct timespec now;
	int i;

	(void)state;
	iv_init();
	now = iv_now;
	for (i = 0; i < 3; i++) {
		struct iv_timer *timer = malloc(sizeof(*timer));

		IV_TIMER_INIT(timer);
		timer->expires = now;
		timer->cookie = timer;
		timer->handler = free_it;
		iv_timer_register(timer);
	}
	iv_main();
	assert_noted("timer timer timer");
	iv_deinit();
}

static void cookie_and_handler_may_change_while_registered(void **state)
{
	struct iv_timer timer;

	(void)state;
	iv_init();
	set_up(&timer, after_ms(1), "before", NULL);
	timer.cookie = "after";
	timer.handler = note;
	iv_main();
	assert_noted("after");
	iv_deinit();
}

static struct iv_timer batch[3];

static void cancel_the_others(void *word)
{
	int i;

	note(word);
	for (i = 0; i < 3; i++) {
		if (iv_timer_registered(&batch[i])) {
			iv_timer_unregister(&batch[i]);
			memset(&batch[i], 0xa5, sizeof(batch[i]));
		}
	}
}

static void one_due_in_the_same_batch_can_be_cancelled(void **state)
{
	struct timespec now;
	int i;

	(void)state;
	iv_init();
	now = iv_now;
	for (i = 0; i < 3; i++)
		set_up(&batch[i], now, "first", cancel_the_others);
	iv_main();
	assert_noted("first");
	iv_deinit();
}

static void an_unregistered_one_does_not_fire(void **state)
{
	struct iv_timer timer, soon;

	(void)state;
	iv_init();
	set_up(&timer, after_ms(1), "never", note);
	iv_timer_unregister(&timer);
	assert_false(iv_timer_registered(&timer));
	set_up(&soon, after_ms(2), "soon", note);
	iv_main();
	assert_noted("soon");
	iv_deinit();
}

static struct iv_timer again;
static struct iv_fd fd;
static int passes;

static void rearm_for_the_past(void *cookie)
{
	passes++;
	again.expires = *(struct timespec *)cookie;
	iv_timer_register(&again);
}

static void end_rearming(void *cookie)
{
	(void)cookie;
	note(passes > 0 ? "fd" : "fd first");
	if (passes >= 10)
		iv_quit();
}

/* A descriptor that is called between any two passes is never starved. */
static void one_for_the_past_from_a_handler_waits_for_the_next(void **state)
{
	struct timespec past = { 0, 0 };
	int pipefd[2];

	(void)state;
	iv_init();
	make_pipe(pipefd);
	put_byte(pipefd[1]);
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	fd.handler_in = end_rearming;
	iv_fd_register(&fd);
	IV_TIMER_INIT(&again);
	again.cookie = &past;
	again.handler = rearm_for_the_past;
	iv_timer_register(&again);
	run_until_quit("the descriptor");
	assert_in_range(passes, 10, 11);
	assert_noted("fd fd fd fd fd fd fd fd fd fd");
	iv_timer_unregister(&again);
	iv_fd_unregister(&fd);
	close_both(pipefd);
	iv_deinit();
}

static int fired;
static struct timespec last;

static void count_in_order(void *cookie)
{
	struct iv_timer *timer = cookie;

	assert_true(compare_times(&last, &timer->expires) <= 0);
	last = timer->expires;
	fired++;
}

/* Spread over 50 ms and the past, a third of them cancelled. */
static void a_hundred_thousand_fire_in_order(void **state)
{
	int num = scaled(100000), i, cancelled = 0;
	struct iv_timer *many = malloc((size_t)num * sizeof(*many));

	(void)state;
	assert_non_null(many);
	iv_init();
	for (i = 0; i < num; i++) {
		IV_TIMER_INIT(&many[i]);
		many[i].expires = after_ms(i * 7919L % 60 - 10);
		many[i].expires.tv_nsec += i * 104729L % 1000;
		if (many[i].expires.tv_nsec > 999999999)
			many[i].expires.tv_nsec = 999999999;
		many[i].cookie = &many[i];
		many[i].handler = count_in_order;
		iv_timer_register(&many[i]);
	}
	for (i = 0; i < num; i += 3, cancelled++)
		iv_timer_unregister(&many[i]);
	iv_main();
	assert_int_equal(fired + cancelled, num);
	free(many);
	iv_deinit();
}

/* Misuse *******************************************************************/

static struct iv_timer misused;

static void do_register(void *arg)
{
	(void)arg;
	iv_timer_register(&misused);
}

static void do_unregister(void *arg)
{
	(void)arg;
	iv_timer_unregister(&misused);
}

static void registering_twice_is_fatal(void **state)
{
	(void)state;
	iv_init();
	set_up(&misused, after_ms(1000000), "never", note);
	expect_fatal(do_register, NULL, "iv_timer_register", "already");
	iv_timer_unregister(&misused);
	iv_deinit();
}

static void unregistering_an_unregistered_one_is_fatal(void **state)
{
	(void)state;
	iv_init();
	IV_TIMER_INIT(&misused);
	expect_fatal(do_unregister, NULL, "iv_timer_unregister",
		     "not registered");
	iv_deinit();
}

static void use_from_another_thread_is_fatal(void **state)
{
	(void)state;
	iv_init();
	set_up(&misused, after_ms(1000000), "never", note);
	expect_fatal_elsewhere(do_unregister, NULL, "iv_timer_unregister",
			       "another thread");
	expect_fatal_elsewhere(do_register, NULL, "iv_timer_register",
			       "already");
	iv_timer_unregister(&misused);
	iv_deinit();
}

static void use_before_init_is_fatal(void **state)
{
	(void)state;
	IV_TIMER_INIT(&misused);
	expect_fatal(do_register, NULL, "iv_timer_register", "iv_init");
	expect_fatal(do_unregister, NULL, "iv_timer_unregister", "iv_init");
}

static const struct test_case cases[] = {
	TEST(it_runs_once),
	TEST(it_never_runs_early),
	TEST(it_never_runs_inside_register),
	TEST(zero_negative_and_past_times_are_due),
	TEST(times_far_away_do_not_fire),
	TEST(they_fire_in_order_of_time),
	TEST(equal_times_fire_in_order_of_registration),
	TEST(it_is_unregistered_before_its_handler),
	TEST(its_handler_may_register_it_again),
	TEST(its_handler_may_free_it),
	TEST(cookie_and_handler_may_change_while_registered),
	TEST(one_due_in_the_same_batch_can_be_cancelled),
	TEST(an_unregistered_one_does_not_fire),
	TEST(one_for_the_past_from_a_handler_waits_for_the_next),
	TEST(a_hundred_thousand_fire_in_order),
	TEST(registering_twice_is_fatal),
	TEST(unregistering_an_unregistered_one_is_fatal),
	TEST(use_from_another_thread_is_fatal),
	TEST(use_before_init_is_fatal),
};

TEST_MAIN(cases)
