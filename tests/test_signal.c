/* SPDX-License-Identifier: MIT */
/*
 * test_signal.c - call a function on a loop when a signal arrives
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <iv_signal.h>
#include "harness.h"
#include "signal_bed.h"

static void expect(struct iv_signal *sig, int signum,
		   void (*handler)(void *cookie), void *cookie)
{
	expect_signal(sig, signum, 0, handler, cookie);
}

static void it_calls_the_handler_with_its_cookie(void **state)
{
	struct iv_signal sig;

	(void)state;
	iv_init();
	expect(&sig, SIGUSR1, note_and_quit, "called");
	raise(SIGUSR1);
	assert_noted("");
	run_until_quit("the signal");
	assert_noted("called");
	iv_signal_unregister(&sig);
	iv_deinit();
}

static void raise_usr1(void *cookie)
{
	(void)cookie;
	raise(SIGUSR1);
}

static void unregister_it(void *sig)
{
	note("called");
	iv_signal_unregister(sig);
}

static void a_registered_signal_keeps_its_loop_alive(void **state)
{
	struct iv_signal sig;
	struct iv_timer timer;

	(void)state;
	iv_init();
	expect(&sig, SIGUSR1, unregister_it, &sig);
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(2);
	timer.handler = raise_usr1;
	iv_timer_register(&timer);
	iv_main();
	assert_noted("called");
	iv_deinit();
}

static void arrivals_before_the_handler_are_one_call(void **state)
{
	struct iv_signal sig;
	int i;

	(void)state;
	iv_init();
	expect(&sig, SIGUSR1, note_and_quit, "called");
	for (i = 0; i < 10; i++)
		raise(SIGUSR1);
	run_until_quit("the signal");
	run_rounds();
	assert_noted("called");
	iv_signal_unregister(&sig);
	iv_deinit();
}

static int calls;

static void raise_inside(void *cookie)
{
	(void)cookie;
	if (++calls < 3)
		raise(SIGUSR1);
	else
		iv_quit();
}

static void a_signal_during_the_handler_causes_another_call(void **state)
{
	struct iv_signal sig;

	(void)state;
	iv_init();
	expect(&sig, SIGUSR1, raise_inside, NULL);
	raise(SIGUSR1);
	run_until_quit("three calls");
	run_rounds();
	assert_int_equal(calls, 3);
	iv_signal_unregister(&sig);
	iv_deinit();
}

static void an_awake_loop_sees_a_signal_to_itself(void **state)
{
	struct iv_signal sig;
	struct iv_timer timer;

	(void)state;
	iv_init();
	expect(&sig, SIGUSR1, note_and_quit, "called");
	IV_TIMER_INIT(&timer);
	timer.expires = iv_now;
	timer.handler = raise_usr1;
	iv_timer_register(&timer);
	run_until_quit("a signal to an awake loop");
	assert_noted("called");
	iv_signal_unregister(&sig);
	iv_deinit();
}

static void cookie_and_handler_may_change(void **state)
{
	struct iv_signal sig;

	(void)state;
	iv_init();
	expect(&sig, SIGUSR1, note, "old");
	raise(SIGUSR1);
	sig.cookie = "new";
	sig.handler = note_and_quit;
	run_until_quit("the signal");
	assert_noted("new");
	iv_signal_unregister(&sig);
	iv_deinit();
}

static void all_non_exclusive_ones_are_called(void **state)
{
	struct iv_signal sig[3];
	int i;

	(void)state;
	iv_init();
	for (i = 0; i < 3; i++)
		expect(&sig[i], SIGUSR1, note, "called");
	raise(SIGUSR1);
	run_rounds();
	assert_noted("called called called");
	for (i = 0; i < 3; i++)
		iv_signal_unregister(&sig[i]);
	iv_deinit();
}

static void each_number_has_its_own(void **state)
{
	struct iv_signal one, two, real_time;

	(void)state;
	iv_init();
	expect(&one, SIGUSR1, note, "usr1");
	expect(&two, SIGUSR2, note, "usr2");
	expect(&real_time, SIGRTMIN, note, "rtmin");
	raise(SIGUSR2);
	run_rounds();
	assert_noted("usr2");
	raise(SIGRTMIN);
	run_rounds();
	assert_noted("rtmin");
	iv_signal_unregister(&one);
	iv_signal_unregister(&two);
	iv_signal_unregister(&real_time);
	iv_deinit();
}

static void unregister_and_free(void *cookie)
{
	struct iv_signal **sig = cookie;

	iv_signal_unregister(*sig);
	memset(*sig, 0xff, sizeof(**sig));
	free(*sig);
	*sig = NULL;
	iv_quit();
}

static void unregister_and_free_from_its_own_handler(void **state)
{
	struct iv_signal *sig = malloc(sizeof(*sig));

	(void)state;
	iv_init();
	expect(sig, SIGUSR1, unregister_and_free, &sig);
	raise(SIGUSR1);
	run_until_quit("the signal");
	assert_null(sig);
	iv_deinit();
}

static void unregistered_while_pending_it_is_not_called(void **state)
{
	struct iv_signal sig, other;

	(void)state;
	iv_init();
	expect(&other, SIGUSR1, note, "other");
	expect(&sig, SIGUSR1, note, "called");
	raise(SIGUSR1);
	iv_signal_unregister(&sig);
	run_rounds();
	assert_noted("other");
	iv_signal_unregister(&other);
	iv_deinit();
}

static void unregister_the_other(void *other)
{
	note("called");
	iv_signal_unregister(other);
}

static void a_handler_may_unregister_its_sibling(void **state)
{
	struct iv_signal one, two;

	(void)state;
	iv_init();
	expect(&one, SIGUSR1, unregister_the_other, &two);
	expect(&two, SIGUSR1, unregister_the_other, &one);
	raise(SIGUSR1);
	run_rounds();
	assert_noted("called");
	raise(SIGUSR1);
	iv_deinit();
}

/* Dispositions ************************************************************/

static void the_last_to_go_restores_the_default(void **state)
{
	struct iv_signal one, two;
	struct sigaction action;

	(void)state;
	iv_init();
	signal(SIGUSR1, SIG_IGN);
	expect(&one, SIGUSR1, note, "one");
	expect(&two, SIGUSR1, note, "two");
	iv_signal_unregister(&one);
	assert_false(is_default(SIGUSR1));
	raise(SIGUSR1);
	run_rounds();
	assert_noted("two");
	iv_signal_unregister(&two);
	assert_true(is_default(SIGUSR1));

	expect(&one, SIGUSR1, note, "one");
	assert_int_equal(sigaction(SIGUSR1, NULL, &action), 0);
	assert_true(action.sa_flags & SA_RESTART);
	assert_int_equal(sigismember(&action.sa_mask, SIGUSR2), 1);
	iv_signal_unregister(&one);
	iv_deinit();
}

static void bad_numbers_are_refused(void **state)
{
	static const int bad[] = {
		-1, INT_MIN, 0, SIGKILL, SIGSTOP, 32, 33, 65, 1000, INT_MAX,
	};
	struct iv_signal sig;
	size_t i;

	(void)state;
	iv_init();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fill_signal(&sig, bad[i], 0, note, "bad");
		errno = 0;
		assert_int_equal(iv_signal_register(&sig), -1);
		assert_int_equal(errno, EINVAL);
	}
	iv_main();
	iv_deinit();
}

static void deinit_lets_registered_ones_go(void **state)
{
	struct iv_signal sig;

	(void)state;
	iv_init();
	expect(&sig, SIGUSR1, note, "called");
	iv_deinit();
	assert_true(is_default(SIGUSR1));

	memset(&sig, 0xff, sizeof(sig));
	iv_init();
	expect(&sig, SIGUSR1, note, "again");
	raise(SIGUSR1);
	run_rounds();
	assert_noted("again");
	iv_signal_unregister(&sig);
	iv_deinit();
}

static void *end_with_it_registered(void *arg)
{
	struct iv_signal sig;

	(void)arg;
	iv_init();
	expect(&sig, SIGUSR1, note, "lost");

	return NULL;
}

static void *overwrite_stack(void *arg)
{
	char volatile stack[65536];
	size_t i;

	for (i = 0; i < sizeof(stack); i++)
		stack[i] = (char)0xff;

	return arg;
}

static void a_thread_may_end_with_its_stack_and_signals(void **state)
{
	struct iv_signal sig;

	(void)state;
	iv_init();
	in_thread(end_with_it_registered, NULL);
	assert_true(is_default(SIGUSR1));
	in_thread(overwrite_stack, NULL);
	expect(&sig, SIGUSR1, note, "called");
	raise(SIGUSR1);
	run_rounds();
	assert_noted("called");
	iv_signal_unregister(&sig);
	iv_deinit();
}

static void without_descriptors_it_works_or_refuses(void **state)
{
	struct iv_signal sig;
	int num, ret, worked = 0;

	(void)state;
	for (num = 0; num <= 3; num++) {
		iv_init();
		fill_signal(&sig, SIGUSR1, 0, note_and_quit, "called");
		leave_descriptors(num);
		ret = iv_signal_register(&sig);
		if (ret < 0) {
			assert_int_equal(ret, -1);
			assert_int_equal(errno, EMFILE);
			assert_true(is_default(SIGUSR1));
			iv_main();
		} else {
			raise(SIGUSR1);
			run_until_quit("the signal");
			assert_noted("called");
			iv_signal_unregister(&sig);
			worked++;
		}
		give_descriptors_back();
		iv_deinit();
	}
	assert_in_range(worked, 1, 4);
}

/* Errors ******************************************************************/

static void register_usr1(void *sig)
{
	fill_signal(sig, SIGUSR1, 0, note, "called");
	iv_signal_register(sig);
}

static void unregister(void *sig)
{
	iv_signal_unregister(sig);
}

static void misuse_is_fatal(void **state)
{
	struct iv_signal sig, never;

	(void)state;
	expect_fatal(register_usr1, &sig, "iv_signal_register", "iv_init");
	expect_fatal(unregister, &sig, "iv_signal_unregister", "iv_init");
	iv_init();
	fill_signal(&never, SIGUSR1, 0, note, "never");
	expect_fatal(unregister, &never, "iv_signal_unregister",
		     "not registered");
	expect(&sig, SIGUSR1, note, "called");
	expect_fatal_elsewhere(unregister, &sig, "iv_signal_unregister",
			       "in the thread that registered it");
	iv_signal_unregister(&sig);
	expect_fatal(unregister, &sig, "iv_signal_unregister",
		     "not registered");
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(it_calls_the_handler_with_its_cookie),
	TEST(a_registered_signal_keeps_its_loop_alive),
	TEST(arrivals_before_the_handler_are_one_call),
	TEST(a_signal_during_the_handler_causes_another_call),
	TEST(an_awake_loop_sees_a_signal_to_itself),
	TEST(cookie_and_handler_may_change),
	TEST(all_non_exclusive_ones_are_called),
	TEST(each_number_has_its_own),
	TEST(unregister_and_free_from_its_own_handler),
	TEST(unregistered_while_pending_it_is_not_called),
	TEST(a_handler_may_unregister_its_sibling),
	TEST(the_last_to_go_restores_the_default),
	TEST(bad_numbers_are_refused),
	TEST(deinit_lets_registered_ones_go),
	TEST(a_thread_may_end_with_its_stack_and_signals),
	TEST(without_descriptors_it_works_or_refuses),
	TEST(misuse_is_fatal),
};

TEST_MAIN(cases)
