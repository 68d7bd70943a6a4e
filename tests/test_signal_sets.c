/* SPDX-License-Identifier: MIT */
/*
 * test_signal_sets.c - whom a signal concerns: exclusive, this thread, threads
 */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <iv_signal.h>
#include "harness.h"
#include "signal_bed.h"

enum {
	ALL = 0,
	EXCLUSIVE = IV_SIGNAL_FLAG_EXCLUSIVE,
	HERE = IV_SIGNAL_FLAG_THIS_THREAD,
};

/* In the order of their addresses. */
static struct iv_signal sig[6];

static void expect(int i, unsigned int flags, void *word)
{
	expect_signal(&sig[i], SIGUSR1, flags, note, word);
}

static void raise_and_run(void)
{
	raise(SIGUSR1);
	run_rounds();
}

static void an_exclusive_one_is_called_alone(void **state)
{
	(void)state;
	iv_init();
	expect(0, ALL, "all0");
	expect(1, EXCLUSIVE, "one1");
	expect(2, ALL, "all2");
	raise_and_run();
	assert_noted("one1");
	iv_signal_unregister(&sig[1]);
	raise_and_run();
	assert_noted("all0 all2");
	iv_signal_unregister(&sig[0]);
	iv_signal_unregister(&sig[2]);
	iv_deinit();
}

static void of_exclusive_ones_the_lowest_address_wins(void **state)
{
	(void)state;
	iv_init();
	expect(3, EXCLUSIVE, "3");
	expect(1, EXCLUSIVE, "1");
	expect(2, EXCLUSIVE, "2");
	raise_and_run();
	assert_noted("1");
	iv_signal_unregister(&sig[1]);
	raise_and_run();
	assert_noted("2");
	expect(0, EXCLUSIVE, "0");
	raise_and_run();
	assert_noted("0");
	iv_signal_unregister(&sig[0]);
	iv_signal_unregister(&sig[2]);
	iv_signal_unregister(&sig[3]);
	iv_deinit();
}

static void an_active_exclusive_one_hands_over_to_the_next(void **state)
{
	(void)state;
	iv_init();
	expect(0, EXCLUSIVE, "0");
	expect(1, EXCLUSIVE, "1");
	expect(2, ALL, "2");
	expect(3, ALL, "3");
	raise(SIGUSR1);
	iv_signal_unregister(&sig[0]);
	run_rounds();
	assert_noted("1");
	raise(SIGUSR1);
	iv_signal_unregister(&sig[1]);
	run_rounds();
	assert_noted("2 3");
	iv_signal_unregister(&sig[2]);
	iv_signal_unregister(&sig[3]);
	iv_deinit();
}

static void an_inactive_one_hands_nothing_over(void **state)
{
	(void)state;
	iv_init();
	expect(0, EXCLUSIVE, "0");
	expect(1, EXCLUSIVE, "1");
	raise_and_run();
	assert_noted("0");
	iv_signal_unregister(&sig[0]);
	run_rounds();
	assert_noted("");
	iv_signal_unregister(&sig[1]);
	iv_deinit();
}

static void unregister_self(void *cookie)
{
	note("0");
	iv_signal_unregister(cookie);
}

static void in_its_handler_it_is_no_more_active(void **state)
{
	(void)state;
	iv_init();
	expect(0, EXCLUSIVE, &sig[0]);
	sig[0].handler = unregister_self;
	expect(1, EXCLUSIVE, "1");
	raise_and_run();
	run_rounds();
	assert_noted("0");
	iv_signal_unregister(&sig[1]);
	iv_deinit();
}

/* Another thread **********************************************************/

static void *raise_here(void *arg)
{
	pthread_kill(pthread_self(), SIGUSR1);

	return arg;
}

static void any_thread_may_receive_it(void **state)
{
	(void)state;
	iv_init();
	expect(0, ALL, "called");
	in_thread(raise_here, NULL);
	run_rounds();
	assert_noted("called");
	iv_signal_unregister(&sig[0]);
	iv_deinit();
}

static void this_thread_ignores_what_others_receive(void **state)
{
	(void)state;
	iv_init();
	expect(0, HERE, "here");
	expect(1, ALL, "all");
	in_thread(raise_here, NULL);
	run_rounds();
	assert_noted("all");
	iv_signal_unregister(&sig[0]);
	iv_signal_unregister(&sig[1]);
	iv_deinit();
}

static void this_thread_hides_those_of_the_process(void **state)
{
	(void)state;
	iv_init();
	expect(0, EXCLUSIVE, "process");
	expect(1, HERE, "here1");
	expect(2, HERE, "here2");
	raise_and_run();
	assert_noted("here1 here2");
	expect(3, HERE | EXCLUSIVE, "here3");
	raise_and_run();
	assert_noted("here3");
	iv_signal_unregister(&sig[3]);
	iv_signal_unregister(&sig[2]);
	iv_signal_unregister(&sig[1]);
	raise_and_run();
	assert_noted("process");
	iv_signal_unregister(&sig[0]);
	iv_deinit();
}

static void a_hand_over_stays_inside_its_set(void **state)
{
	(void)state;
	iv_init();
	expect(0, HERE | EXCLUSIVE, "here0");
	expect(1, EXCLUSIVE, "process1");
	expect(2, HERE, "here2");
	raise(SIGUSR1);
	iv_signal_unregister(&sig[0]);
	run_rounds();
	assert_noted("here2");

	iv_signal_unregister(&sig[2]);
	expect(0, HERE | EXCLUSIVE, "here0");
	raise(SIGUSR1);
	iv_signal_unregister(&sig[0]);
	run_rounds();
	assert_noted("");

	expect(2, HERE, "here2");
	in_thread(raise_here, NULL);
	expect(3, EXCLUSIVE, "process3");
	iv_signal_unregister(&sig[1]);
	run_rounds();
	assert_noted("process3");
	iv_signal_unregister(&sig[2]);
	iv_signal_unregister(&sig[3]);
	iv_deinit();
}

/* Several loops ***********************************************************/

struct looper {
	pthread_t thread;
	struct iv_signal signal;
	sem_t *ready;
	unsigned int flags;
	int calls;
};

static void count_call(void *cookie)
{
	struct looper *looper = cookie;

	looper->calls++;
	iv_quit();
}

static void *run_looper(void *cookie)
{
	struct looper *looper = cookie;
	struct nudge nudge;

	iv_init();
	nudge_start(&nudge);
	expect_signal(&looper->signal, SIGUSR1, looper->flags, count_call,
		      looper);
	sem_post(looper->ready);
	iv_main();
	nudge_stop(&nudge);
	iv_signal_unregister(&looper->signal);
	iv_deinit();

	return NULL;
}

enum { LOOPERS = 4 };

static struct looper loopers[LOOPERS];
static sem_t ready;

static void start_loopers(unsigned int flags)
{
	int i;

	sem_init(&ready, 0, 0);
	for (i = 0; i < LOOPERS; i++) {
		loopers[i].flags = flags;
		loopers[i].ready = &ready;
		loopers[i].thread = start_thread(run_looper, &loopers[i]);
	}
	for (i = 0; i < LOOPERS; i++)
		sem_wait(&ready);
}

static void join_loopers(void)
{
	int i;

	for (i = 0; i < LOOPERS; i++)
		join_thread(loopers[i].thread);
	sem_destroy(&ready);
}

static void a_signal_reaches_every_registering_thread(void **state)
{
	int i;

	(void)state;
	start_loopers(ALL);
	raise(SIGUSR1);
	join_loopers();
	for (i = 0; i < LOOPERS; i++)
		assert_int_equal(loopers[i].calls, 1);
}

static void each_thread_gets_its_own_this_thread_signal(void **state)
{
	int i;

	(void)state;
	start_loopers(HERE);
	for (i = 0; i < LOOPERS; i++)
		pthread_kill(loopers[i].thread, SIGUSR1);
	join_loopers();
	for (i = 0; i < LOOPERS; i++)
		assert_int_equal(loopers[i].calls, 1);
}

static void among_threads_the_lowest_exclusive_one_wins(void **state)
{
	int i;

	(void)state;
	start_loopers(EXCLUSIVE);
	/* The one that was called unregisters and ends; then the next one. */
	for (i = 0; i < LOOPERS; i++) {
		raise(SIGUSR1);
		join_thread(loopers[i].thread);
		assert_int_equal(loopers[i].calls, 1);
	}
	sem_destroy(&ready);
}

/* Its signal arrives while it is busy in a callback; it never handles it. */
static sem_t taken, go_on;

static void be_busy(void *cookie)
{
	struct looper *looper = cookie;

	sem_post(&taken);
	await(&go_on);
	iv_signal_unregister(&looper->signal);
	iv_quit();
}

static void *run_busy_looper(void *cookie)
{
	struct looper *looper = cookie;
	struct iv_task task;

	iv_init();
	expect_signal(&looper->signal, SIGUSR1, EXCLUSIVE, count_call, looper);
	IV_TASK_INIT(&task);
	task.cookie = looper;
	task.handler = be_busy;
	iv_task_register(&task);
	iv_main();
	iv_deinit();

	return NULL;
}

static void a_busy_thread_hands_over_what_it_has_taken(void **state)
{
	static struct looper looper;

	(void)state;
	sem_init(&taken, 0, 0);
	sem_init(&go_on, 0, 0);
	iv_init();
	looper.thread = start_thread(run_busy_looper, &looper);
	sem_wait(&taken);
	raise(SIGUSR1);
	expect(0, ALL, "next");
	sem_post(&go_on);
	join_thread(looper.thread);
	run_rounds();
	assert_noted("next");
	assert_int_equal(looper.calls, 0);
	iv_signal_unregister(&sig[0]);
	iv_deinit();
	sem_destroy(&taken);
	sem_destroy(&go_on);
}

static const struct test_case cases[] = {
	TEST(an_exclusive_one_is_called_alone),
	TEST(of_exclusive_ones_the_lowest_address_wins),
	TEST(an_active_exclusive_one_hands_over_to_the_next),
	TEST(an_inactive_one_hands_nothing_over),
	TEST(in_its_handler_it_is_no_more_active),
	TEST(any_thread_may_receive_it),
	TEST(this_thread_ignores_what_others_receive),
	TEST(this_thread_hides_those_of_the_process),
	TEST(a_hand_over_stays_inside_its_set),
	TEST(a_signal_reaches_every_registering_thread),
	TEST(each_thread_gets_its_own_this_thread_signal),
	TEST(among_threads_the_lowest_exclusive_one_wins),
	TEST(a_busy_thread_hands_over_what_it_has_taken),
};

TEST_MAIN(cases)
