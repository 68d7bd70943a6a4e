/* SPDX-License-Identifier: MIT */
/*
 * test_loop_call_wait.c - functions on another loop that somebody waits for
 */
#include "loop_call_bed.h"

static pthread_t ran_in;
static int payload;

static int answer(void *cookie)
{
	ran_in = pthread_self();
	payload += *(int *)cookie;

	return payload;
}

static void loops_that_are_not_there_are_told(void **state)
{
	struct looper looper = { .held = false };
	int result = 77;

	(void)state;
	start(&looper);
	stop(&looper);
	assert_int_equal(iv_loop_call(looper.id, quit, NULL, NULL), -ESRCH);
	assert_int_equal(iv_loop_call(0, quit, NULL, NULL), -ESRCH);
	assert_int_equal(iv_loop_call(UINT64_MAX, quit, NULL, NULL), -ESRCH);
	assert_int_equal(iv_loop_call_wait(looper.id, answer, NULL, -1,
					   &result),
			 -ESRCH);
	assert_int_equal(iv_loop_call_wait(0, answer, NULL, -1, &result),
			 -ESRCH);
	assert_int_equal(iv_loop_call_wait(looper.id, answer, NULL, 0, &result),
			 -ESRCH);
	assert_int_equal(result, 77);
	assert_int_equal(iv_loop_call(looper.id, NULL, NULL, NULL), -EINVAL);
	assert_int_equal(iv_loop_call_wait(looper.id, NULL, NULL, -1, NULL),
			 -EINVAL);
	assert_int_equal(iv_loop_listen(), -ESRCH);
}

static void who_waits_has_the_result(void **state)
{
	struct looper looper = { .held = false };
	int result = 0;
	int add = 5;

	(void)state;
	start(&looper);
	payload = 10;
	assert_int_equal(
		iv_loop_call_wait(looper.id, answer, &add, -1, &result), 0);
	assert_int_equal(result, 15);
	assert_int_equal(payload, 15);
	assert_true(pthread_equal(ran_in, looper.thread));
	assert_int_equal(iv_loop_call_wait(looper.id, answer, &add, 60000000000,
					   NULL),
			 0);
	assert_int_equal(payload, 20);
	stop(&looper);
}

static void a_loop_may_wait_for_another(void **state)
{
	struct looper looper = { .held = false };
	int result = 0;
	int add = 7;

	(void)state;
	start(&looper);
	iv_init();
	assert_int_equal(
		iv_loop_call_wait(looper.id, answer, &add, -1, &result), 0);
	assert_int_equal(result, 7);
	iv_deinit();
	stop(&looper);
}

static void waiting_for_oneself_runs_in_place(void **state)
{
	int result = 0;
	int add = 3;

	(void)state;
	iv_init();
	assert_int_equal(
		iv_loop_call_wait(iv_loop_self(), answer, &add, 0, &result), 0);
	assert_int_equal(result, 3);
	assert_true(pthread_equal(ran_in, pthread_self()));
	iv_deinit();
}

/* Timeouts ****************************************************************/

static void what_has_not_begun_in_time_never_does(void **state)
{
	struct looper looper = { .held = true };
	int result = 77;
	int add = 1;

	(void)state;
	start(&looper);
	assert_int_equal(iv_loop_call_wait(looper.id, answer, &add, 0, &result),
			 -ETIMEDOUT);
	assert_int_equal(iv_loop_call_wait(looper.id, answer, &add, 1000000,
					   &result),
			 -ETIMEDOUT);
	sem_post(&looper.go);
	stop(&looper);
	assert_int_equal(payload, 0);
	assert_int_equal(result, 77);
}

struct gate {
	sem_t entered;
	sem_t leave;
	bool left;
};

static int pass_gate(void *cookie)
{
	struct gate *gate = cookie;

	sem_post(&gate->entered);
	await(&gate->leave);
	gate->left = true;

	return 1;
}

static void what_has_begun_goes_on_behind_the_timeout(void **state)
{
	struct looper looper = { .held = false };
	struct gate gate = { .left = false };
	int result = 77;

	(void)state;
	sem_init(&gate.entered, 0, 0);
	sem_init(&gate.leave, 0, 0);
	start(&looper);

	/* It may not have begun in time on a busy machine: then once more. */
	while (iv_loop_call_wait(looper.id, pass_gate, &gate, 50000000,
				 &result) == -ETIMEDOUT)
		continue;
	await(&gate.entered);
	assert_int_equal(result, 77);
	sem_post(&gate.leave);
	stop(&looper);
	assert_true(gate.left);
}

/* Ends ********************************************************************/

static void *wait_for_answer(void *id)
{
	int add = 1;
	int result;

	return (void *)(intptr_t)iv_loop_call_wait(*(iv_loop_id *)id, answer,
						   &add, -1, &result);
}

static void the_end_of_a_loop_answers_all(void **state)
{
	struct looper looper = { .held = true, .never_runs = true };
	pthread_t waiter;

	(void)state;
	start(&looper);
	assert_int_equal(iv_loop_call(looper.id, quit, NULL, count_dropped), 0);
	assert_int_equal(iv_loop_call(looper.id, quit, NULL, NULL), 0);
	waiter = start_thread(wait_for_answer, &looper.id);
	sem_post(&looper.go);
	join_thread(looper.thread);

	assert_int_equal((intptr_t)join_thread(waiter), -ESRCH);
	assert_int_equal(num_dropped, 1);
	assert_int_equal(payload, 0);
}

static int end_thread(void *cookie)
{
	(void)cookie;
	pthread_exit(NULL);
}

static void a_function_that_ends_its_thread_is_answered(void **state)
{
	struct looper looper = { .held = false };

	(void)state;
	start(&looper);
	assert_int_equal(iv_loop_call_wait(looper.id, end_thread, NULL, -1,
					   NULL),
			 -ESRCH);
	join_thread(looper.thread);
	assert_int_equal(iv_loop_call(looper.id, quit, NULL, NULL), -ESRCH);
}

/* Cancelled before it waits, which no other call here would notice. */
static void *wait_cancelled(void *id)
{
	int add = 1;
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	pthread_cancel(pthread_self());
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	if (iv_loop_call_wait(*(iv_loop_id *)id, answer, &add, -1, NULL) != 0)
		abort();
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);

	return id;
}

static void a_cancelled_thread_waits_on(void **state)
{
	struct looper looper = { .held = true };
	pthread_t waiter;

	(void)state;
	start(&looper);
	waiter = start_thread(wait_cancelled, &looper.id);
	sem_post(&looper.go);
	assert_true(join_thread(waiter) == &looper.id);
	stop(&looper);
	assert_int_equal(payload, 1);
}

/* Circles *****************************************************************/

enum { CIRCLE = 3 };

static struct looper circle[CIRCLE];
static int last_answer;

/* Each waits for the next one; the last one would close the circle. */
static int wait_for_next(void *cookie)
{
	int next = *(int *)cookie + 1;
	int ret;

	ret = iv_loop_call_wait(circle[next % CIRCLE].id, wait_for_next, &next,
				-1, NULL);
	if (ret == -EDEADLK)
		last_answer = next;

	return ret;
}

static int want_the_other(void *cookie)
{
	struct looper *other = cookie;
	int add = 1;

	return iv_loop_call_wait(other->id, answer, &add, -1, NULL);
}

static void one_may_wait_behind_the_other(void **state)
{
	int result = 77;
	int i;

	(void)state;
	start(&circle[0]);
	start(&circle[1]);
	for (i = 0; i < 4; i++) {
		assert_int_equal(
			iv_loop_call_wait(circle[i % 2].id, want_the_other,
					  &circle[1 - i % 2], -1, &result),
			0);
		assert_int_equal(result, 0);
	}
	stop(&circle[0]);
	stop(&circle[1]);
}

static void a_circle_of_waits_is_refused(void **state)
{
	int first = 0;
	int result;
	int i;

	(void)state;
	for (i = 0; i < CIRCLE; i++)
		start(&circle[i]);
	assert_int_equal(iv_loop_call_wait(circle[0].id, wait_for_next, &first,
					   -1, &result),
			 0);
	assert_int_equal(result, 0);
	assert_int_equal(last_answer, CIRCLE);
	for (i = 0; i < CIRCLE; i++)
		stop(&circle[i]);
}

/* Both want the other at the same time: one at least has its way. */
static void *ask_first(void *arg)
{
	int result = 0;

	(void)arg;
	if (iv_loop_call_wait(circle[0].id, want_the_other, &circle[1], -1,
			      &result) != 0)
		abort();

	return (void *)(intptr_t)result;
}

static void two_that_want_the_other_do_not_hang(void **state)
{
	int rounds = scaled(300);
	int result;
	int other;

	(void)state;
	start(&circle[0]);
	start(&circle[1]);
	while (rounds-- > 0) {
		pthread_t thread = start_thread(ask_first, NULL);

		assert_int_equal(iv_loop_call_wait(circle[1].id, want_the_other,
						   &circle[0], -1, &result),
				 0);
		other = (int)(intptr_t)join_thread(thread);
		assert_true(result == 0 || result == -EDEADLK);
		assert_true(other == 0 || other == -EDEADLK);
		assert_true(result == 0 || other == 0);
	}
	stop(&circle[0]);
	stop(&circle[1]);
}

static const struct test_case cases[] = {
	TEST(loops_that_are_not_there_are_told),
	TEST(who_waits_has_the_result),
	TEST(a_loop_may_wait_for_another),
	TEST(waiting_for_oneself_runs_in_place),
	TEST(what_has_not_begun_in_time_never_does),
	TEST(what_has_begun_goes_on_behind_the_timeout),
	TEST(the_end_of_a_loop_answers_all),
	TEST(a_function_that_ends_its_thread_is_answered),
	TEST(a_cancelled_thread_waits_on),
	TEST(one_may_wait_behind_the_other),
	TEST(a_circle_of_waits_is_refused),
	TEST(two_that_want_the_other_do_not_hang),
};

TEST_MAIN(cases)
