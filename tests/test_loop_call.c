/* SPDX-License-Identifier: MIT */
/*
 * test_loop_call.c - functions that other threads run on a loop
 */
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include <iv_event.h>
#include <iv_loop.h>
#include <iv_work.h>
#include "harness.h"

/* A loop in a thread of its own, that runs until it is told to stop. */
struct looper {
	pthread_t thread;
	iv_loop_id id;
	sem_t open;
	sem_t go; /* before iv_main(), when held */
	bool held;
	bool never_runs;
	struct iv_event stay;
	struct iv_event stay_in_child;
};

static void await(sem_t *sem)
{
	while (sem_wait(sem) != 0)
		continue;
}

static void never_posted(void *cookie)
{
	(void)cookie;
	abort();
}

static void *live(void *arg)
{
	struct looper *looper = arg;

	iv_init();
	looper->stay.handler = never_posted;
	if (iv_event_register(&looper->stay) != 0)
		abort();
	looper->id = iv_loop_self();
	sem_post(&looper->open);
	if (looper->held)
		await(&looper->go);
	if (!looper->never_runs)
		iv_main();
	iv_event_unregister(&looper->stay);
	iv_deinit();

	return NULL;
}

static void start(struct looper *looper)
{
	sem_init(&looper->open, 0, 0);
	sem_init(&looper->go, 0, 0);
	looper->thread = start_thread(live, looper);
	await(&looper->open);
}

static void quit(void *cookie)
{
	(void)cookie;
	iv_quit();
}

static void stop(struct looper *looper)
{
	if (iv_loop_call(looper->id, quit, NULL, NULL) != 0)
		abort();
	join_thread(looper->thread);
}

/* Without waiting *********************************************************/

static int order[4];
static int num_ordered;
static pthread_t ran_in;
static int payload;

static void add_to_order(void *cookie)
{
	order[num_ordered++] = *(int *)cookie;
	ran_in = pthread_self();
}

static void calls_run_in_order_on_the_loops_thread(void **state)
{
	static int numbers[] = { 1, 2, 3 };
	struct looper looper = { .held = false };
	int i;

	(void)state;
	start(&looper);
	for (i = 0; i < 3; i++) {
		assert_int_equal(iv_loop_call(looper.id, add_to_order,
					      &numbers[i], NULL),
				 0);
	}
	stop(&looper);

	assert_int_equal(num_ordered, 3);
	for (i = 0; i < 3; i++)
		assert_int_equal(order[i], i + 1);
	assert_true(pthread_equal(ran_in, looper.thread));
}

static void note_then_quit(void *word)
{
	note(word);
	iv_quit();
}

static void a_call_to_the_own_loop_is_a_callback(void **state)
{
	struct iv_event stay = { .handler = never_posted };

	(void)state;
	iv_init();
	assert_int_equal(iv_event_register(&stay), 0);
	assert_int_equal(
		iv_loop_call(iv_loop_self(), note_then_quit, "call", NULL), 0);
	assert_noted("");
	run_until_quit("the call");
	assert_noted("call");
	iv_event_unregister(&stay);
	iv_deinit();
}

static void listening_does_not_keep_a_loop_running(void **state)
{
	(void)state;
	iv_init();
	assert_int_equal(iv_loop_listen(), 0);
	assert_int_equal(iv_loop_listen(), 0);
	iv_main();
	iv_deinit();
}

static int call_again_left = 1000;

static void call_again(void *cookie)
{
	if (--call_again_left > 0 &&
	    iv_loop_call(iv_loop_self(), call_again, cookie, NULL) != 0)
		abort();
}

static int bytes_got;

static void got_byte(void *cookie)
{
	struct iv_fd *fd = cookie;

	get_byte(fd->fd);
	if (++bytes_got == 1 && call_again_left > 0)
		note("byte among calls");
	iv_quit();
}

static void calls_that_call_do_not_starve_descriptors(void **state)
{
	struct iv_fd fd;
	int ends[2];

	(void)state;
	iv_init();
	assert_int_equal(iv_loop_listen(), 0);
	make_pipe(ends);
	IV_FD_INIT(&fd);
	fd.fd = ends[0];
	fd.cookie = &fd;
	fd.handler_in = got_byte;
	iv_fd_register(&fd);
	put_byte(ends[1]);
	assert_int_equal(iv_loop_call(iv_loop_self(), call_again, NULL, NULL),
			 0);
	run_until_quit("a byte");
	assert_noted("byte among calls");

	iv_fd_unregister(&fd);
	iv_deinit();
	close_both(ends);
}

static void end_nested(void *cookie)
{
	(void)cookie;
	note("nested");
	iv_quit();
}

static void run_nested(void *cookie)
{
	(void)cookie;
	iv_main();
	note("outer");
}

static void a_call_may_wait_for_the_next_in_a_nested_loop(void **state)
{
	struct iv_event stay = { .handler = never_posted };

	(void)state;
	iv_init();
	assert_int_equal(iv_event_register(&stay), 0);
	assert_int_equal(iv_loop_call(iv_loop_self(), run_nested, NULL, NULL),
			 0);
	assert_int_equal(iv_loop_call(iv_loop_self(), end_nested, NULL, NULL),
			 0);
	run_until_quit("the nested call");
	assert_noted("nested outer");
	iv_event_unregister(&stay);
	iv_deinit();
}

/* Waiting *****************************************************************/

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

static void one_that_nothing_wakes_is_told(void **state)
{
	iv_loop_id id;

	(void)state;
	iv_init();
	id = iv_loop_self();
	assert_int_equal(iv_loop_call(id, quit, NULL, NULL), -ENOTCONN);
	assert_int_equal(iv_loop_listen(), 0);
	assert_int_equal(iv_loop_call(id, quit, NULL, NULL), 0);
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

static atomic_int num_dropped;

static void count_dropped(void *cookie)
{
	(void)cookie;
	atomic_fetch_add(&num_dropped, 1);
}

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

static void free_and_end_thread(void *cookie)
{
	free(cookie);
	pthread_exit(NULL);
}

static void what_had_its_turn_is_not_dropped(void **state)
{
	struct looper looper = { .held = false };
	void *memory = malloc(1);

	(void)state;
	start(&looper);
	assert_int_equal(iv_loop_call(looper.id, free_and_end_thread, memory,
				      count_dropped),
			 0);
	join_thread(looper.thread);
	assert_int_equal(num_dropped, 0);
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

/* Workers, and children ***************************************************/

static int worker_listens;
static int call_to_worker;

static void ask_as_worker(void *cookie)
{
	(void)cookie;
	worker_listens = iv_loop_listen();
	call_to_worker = iv_loop_call(iv_loop_self(), quit, NULL, NULL);
}

static void workers_wait_for_items_only(void **state)
{
	struct iv_work_pool pool = { .max_threads = 1 };
	struct iv_work_item item = { .work = ask_as_worker };

	(void)state;
	iv_init();
	assert_int_equal(iv_work_pool_create(&pool), 0);
	iv_work_pool_submit_work(&pool, &item);
	iv_work_pool_put(&pool);
	iv_main();
	iv_deinit();
	assert_int_equal(worker_listens, -ENOTSUP);
	assert_int_equal(call_to_worker, -ENOTCONN);
}

static int call_in_child(void *arg)
{
	struct looper *looper = arg;

	if (iv_loop_call(looper->id, quit, NULL, NULL) != -ESRCH)
		leave_child(1);
	/* What was called before the fork is the parent's. */
	if (iv_loop_call(iv_loop_self(), quit, NULL, NULL) != 0)
		leave_child(3);
	if (iv_event_register(&looper->stay_in_child) != 0)
		leave_child(4);
	iv_main();
	leave_child(payload == 0 ? 0 : 2);
}

static void add_to_payload(void *cookie)
{
	payload += *(int *)cookie;
}

static void a_forked_child_has_calls_of_its_own(void **state)
{
	struct looper looper = { .held = false };
	int add = 1;

	(void)state;
	start(&looper);
	iv_init();
	assert_int_equal(iv_loop_listen(), 0);
	assert_int_equal(
		iv_loop_call(iv_loop_self(), add_to_payload, &add, NULL), 0);
	in_child(call_in_child, &looper);
	iv_deinit();
	stop(&looper);
}

static const struct test_case cases[] = {
	TEST(calls_run_in_order_on_the_loops_thread),
	TEST(a_call_to_the_own_loop_is_a_callback),
	TEST(listening_does_not_keep_a_loop_running),
	TEST(calls_that_call_do_not_starve_descriptors),
	TEST(a_call_may_wait_for_the_next_in_a_nested_loop),
	TEST(loops_that_are_not_there_are_told),
	TEST(who_waits_has_the_result),
	TEST(a_loop_may_wait_for_another),
	TEST(waiting_for_oneself_runs_in_place),
	TEST(one_that_nothing_wakes_is_told),
	TEST(what_has_not_begun_in_time_never_does),
	TEST(what_has_begun_goes_on_behind_the_timeout),
	TEST(the_end_of_a_loop_answers_all),
	TEST(what_had_its_turn_is_not_dropped),
	TEST(a_function_that_ends_its_thread_is_answered),
	TEST(a_cancelled_thread_waits_on),
	TEST(one_may_wait_behind_the_other),
	TEST(a_circle_of_waits_is_refused),
	TEST(two_that_want_the_other_do_not_hang),
	TEST(workers_wait_for_items_only),
	TEST(a_forked_child_has_calls_of_its_own),
};

TEST_MAIN(cases)
