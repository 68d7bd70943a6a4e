/* SPDX-License-Identifier: MIT */
/*
 * test_loop_end.c - loops stopped from outside, and waiting for their end
 */
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <iv_event.h>
#include <iv_loop.h>
#include <iv_work.h>
#include "harness.h"

struct looper {
	pthread_t thread;
	iv_loop_id id;
	sem_t open;
	sem_t go;  /* before iv_main(), when held */
	sem_t end; /* before iv_deinit(), when it lingers */
	bool held, lingers;
	bool deaf;   /* nothing wakes it */
	bool nested; /* runs in a handler */
	int times;   /* iv_main() was called */
	bool stopped;
	struct iv_event stay;
	struct iv_timer timer;
};

static void run_nested(void *cookie)
{
	struct looper *looper = cookie;

	looper->times++;
	sem_post(&looper->open);
	iv_main();
}

static void begin_nested(struct looper *looper)
{
	IV_TIMER_INIT(&looper->timer);
	looper->timer.expires = after_ms(0);
	looper->timer.cookie = looper;
	looper->timer.handler = run_nested;
	iv_timer_register(&looper->timer);
}

static void run_until_stopped(struct looper *looper)
{
	looper->stay.handler = never_posted;
	if (iv_event_register(&looper->stay) != 0)
		abort();
	if (looper->nested)
		begin_nested(looper);
	else
		sem_post(&looper->open);
	if (looper->held)
		await(&looper->go);
	do {
		looper->times++;
		iv_main();
	} while (!iv_loop_stopped());
	iv_main();
	looper->stopped = true;
	iv_event_unregister(&looper->stay);
}

static void *live(void *arg)
{
	struct looper *looper = arg;

	iv_init();
	looper->id = iv_loop_self();
	if (looper->deaf)
		sem_post(&looper->open);
	else
		run_until_stopped(looper);
	if (looper->lingers)
		await(&looper->end);
	iv_deinit();

	return NULL;
}

static void start(struct looper *looper)
{
	sem_init(&looper->open, 0, 0);
	sem_init(&looper->go, 0, 0);
	sem_init(&looper->end, 0, 0);
	looper->thread = start_thread(live, looper);
	await(&looper->open);
}

static void a_sleeping_loop_stops(void **state)
{
	struct looper looper = { .held = false };
	int ret;

	(void)state;
	start(&looper);
	assert_int_equal(iv_loop_stop(looper.id), 0);
	ret = iv_loop_join(looper.id, -1);
	assert_true(ret == 0 || ret == -ESRCH);
	join_thread(looper.thread);
	assert_true(looper.stopped);
	assert_int_equal(looper.times, 1);
}

static void one_that_does_not_run_yet_stops_when_it_does(void **state)
{
	struct looper looper = { .held = true };

	(void)state;
	start(&looper);
	assert_int_equal(iv_loop_stop(looper.id), 0);
	assert_int_equal(iv_loop_join(looper.id, 0), -ETIMEDOUT);
	sem_post(&looper.go);
	join_thread(looper.thread);
	assert_true(looper.stopped);
}

static void nested_ones_stop(void **state)
{
	struct looper looper = { .nested = true };

	(void)state;
	start(&looper);
	assert_int_equal(iv_loop_stop(looper.id), 0);
	join_thread(looper.thread);
	assert_int_equal(looper.times, 2);
}

static void a_loop_may_stop_itself(void **state)
{
	struct iv_event stay = { .handler = never_posted };

	(void)state;
	iv_init();
	assert_int_equal(iv_event_register(&stay), 0);
	assert_int_equal(iv_loop_stopped(), 0);
	assert_int_equal(iv_loop_stop(iv_loop_self()), 0);
	assert_int_equal(iv_loop_stopped(), 1);
	run_until_quit("its own stop");
	iv_main();
	assert_int_equal(iv_loop_run_once(-1), 0);
	iv_event_unregister(&stay);
	iv_deinit();

	/* The thread's next loop is another one. */
	iv_init();
	assert_int_equal(iv_loop_stopped(), 0);
	iv_deinit();
}

static void joining_waits_for_the_end_and_no_less(void **state)
{
	struct looper looper = { .lingers = true };

	(void)state;
	start(&looper);
	assert_int_equal(iv_loop_stop(looper.id), 0);
	assert_int_equal(iv_loop_join(looper.id, 2000000), -ETIMEDOUT);
	sem_post(&looper.end);
	assert_int_not_equal(iv_loop_join(looper.id, -1), -ETIMEDOUT);
	join_thread(looper.thread);
	assert_int_equal(iv_loop_join(looper.id, -1), -ESRCH);
	assert_int_equal(iv_loop_stop(looper.id), -ESRCH);
}

/* A loop that is in iv_deinit(): its pool is at work. */
struct closing {
	iv_loop_id id;
	sem_t at_work, is_dead, go;
};

static void work_until_told(void *cookie)
{
	struct closing *closing = cookie;
	char name[1];

	sem_post(&closing->at_work);
	while (iv_loop_get_name(closing->id, name, sizeof(name)) != -ESRCH)
		sched_yield();
	sem_post(&closing->is_dead);
	await(&closing->go);
}

static void *close_over_work(void *arg)
{
	struct closing *closing = arg;
	struct iv_work_pool pool = { .max_threads = 1 };
	struct iv_work_item item = { .cookie = closing,
				     .work = work_until_told };

	iv_init();
	closing->id = iv_loop_self();
	if (iv_work_pool_create(&pool) != 0)
		abort();
	iv_work_pool_submit_work(&pool, &item);
	await(&closing->at_work);
	iv_deinit();

	return NULL;
}

static void one_that_closes_has_not_ended(void **state)
{
	struct closing closing = { .id = 0 };
	pthread_t thread;

	(void)state;
	sem_init(&closing.at_work, 0, 0);
	sem_init(&closing.is_dead, 0, 0);
	sem_init(&closing.go, 0, 0);
	thread = start_thread(close_over_work, &closing);
	await(&closing.is_dead);
	assert_int_equal(iv_loop_stop(closing.id), -ESRCH);
	assert_int_equal(iv_loop_join(closing.id, 0), -ETIMEDOUT);
	sem_post(&closing.go);
	assert_int_not_equal(iv_loop_join(closing.id, -1), -ETIMEDOUT);
	join_thread(thread);
}

struct joined {
	iv_loop_id joiner, id;
	sem_t open;
};

static void *end_when_joined(void *arg)
{
	struct joined *joined = arg;

	iv_init();
	joined->id = iv_loop_self();
	sem_post(&joined->open);
	while (iv_loop_join(joined->joiner, 0) != -EDEADLK)
		sched_yield();
	iv_deinit();

	return NULL;
}

/* All have one place in the registry. Each asks whether we wait for it. */
static void who_joins_one_after_the_other_is_told_each_time(void **state)
{
	struct joined joined;
	pthread_t thread;
	int ret, i;

	(void)state;
	iv_init();
	joined.joiner = iv_loop_self();
	sem_init(&joined.open, 0, 0);
	for (i = 0; i < 3; i++) {
		thread = start_thread(end_when_joined, &joined);
		await(&joined.open);
		do {
			ret = iv_loop_join(joined.id, -1);
		} while (ret == -EDEADLK);
		assert_int_equal(ret, 0);
		join_thread(thread);
	}
	iv_deinit();
}

static void what_cannot_be_waited_for_is_refused(void **state)
{
	struct looper deaf = { .deaf = true, .lingers = true };

	(void)state;
	assert_int_equal(iv_loop_join(0, -1), -ESRCH);
	assert_int_equal(iv_loop_join(UINT64_MAX, -1), -ESRCH);
	assert_int_equal(iv_loop_stop(0), -ESRCH);
	iv_init();
	assert_int_equal(iv_loop_join(iv_loop_self(), -1), -EDEADLK);
	iv_deinit();

	start(&deaf);
	assert_int_equal(iv_loop_stop(deaf.id), -ENOTCONN);
	sem_post(&deaf.end);
	join_thread(deaf.thread);
}

static void *listen_late(void *arg)
{
	struct looper *looper = arg;

	iv_init();
	looper->id = iv_loop_self();
	sem_post(&looper->open);
	await(&looper->go);
	looper->stay.handler = never_posted;
	if (iv_event_register(&looper->stay) != 0)
		abort();
	iv_main();
	iv_event_unregister(&looper->stay);
	iv_deinit();

	return NULL;
}

static void a_stop_waits_for_one_that_does_not_listen_yet(void **state)
{
	struct looper looper = { .held = false };

	(void)state;
	sem_init(&looper.open, 0, 0);
	sem_init(&looper.go, 0, 0);
	looper.thread = start_thread(listen_late, &looper);
	await(&looper.open);
	assert_int_equal(iv_loop_stop(looper.id), -ENOTCONN);
	sem_post(&looper.go);
	join_thread(looper.thread);
}

static int join_caller(void *id)
{
	return iv_loop_join(*(iv_loop_id *)id, -1);
}

static void joining_who_waits_for_us_is_refused(void **state)
{
	struct looper looper = { .held = false };
	iv_loop_id self;
	int result = 0;

	(void)state;
	start(&looper);
	iv_init();
	self = iv_loop_self();
	assert_int_equal(iv_loop_call_wait(looper.id, join_caller, &self, -1,
					   &result),
			 0);
	assert_int_equal(result, -EDEADLK);
	iv_deinit();
	iv_loop_stop(looper.id);
	join_thread(looper.thread);
}

/* All *********************************************************************/

enum { NUM = 5 };

static iv_loop_id remaining[NUM];
static int num_remaining;

static void note_remaining(void *cookie, iv_loop_id id, const char *what)
{
	(void)cookie;
	(void)what;
	if (num_remaining < NUM)
		remaining[num_remaining++] = id;
}

static void ending_all_waits_for_all(void **state)
{
	struct looper loopers[NUM] = { { .nested = true } };
	int i;

	(void)state;
	for (i = 0; i < NUM; i++)
		start(&loopers[i]);
	assert_int_equal(
		iv_loop_end_all(IV_LOOP_DRAIN, -1, note_remaining, NULL), 0);
	assert_int_equal(iv_loop_count(), 0);
	assert_int_equal(num_remaining, 0);
	for (i = 0; i < NUM; i++) {
		assert_true(loopers[i].stopped);
		join_thread(loopers[i].thread);
	}
}

static void what_did_not_end_in_time_is_named(void **state)
{
	struct looper ends = { .held = false };
	struct looper lingers = { .lingers = true };
	int num;

	(void)state;
	start(&ends);
	start(&lingers);
	iv_init();
	num = iv_loop_end_all(IV_LOOP_CANCEL, 50000000, note_remaining, NULL);
	assert_int_equal(num, num_remaining);
	assert_true(num_remaining >= 1);
	assert_true(remaining[num_remaining - 1] == lingers.id ||
		    remaining[0] == lingers.id);
	assert_int_equal(iv_loop_stopped(), 0);
	iv_deinit();
	sem_post(&lingers.end);
	join_thread(ends.thread);
	join_thread(lingers.thread);
}

static sem_t worked;

static void work(void *cookie)
{
	(void)cookie;
	sem_post(&worked);
}

static void workers_end_with_their_pool(void **state)
{
	struct iv_work_pool pool = { .max_threads = 1 };
	struct iv_work_item item = { .work = work };

	(void)state;
	sem_init(&worked, 0, 0);
	iv_init();
	assert_int_equal(iv_work_pool_create(&pool), 0);
	iv_work_pool_submit_work(&pool, &item);
	await(&worked);
	assert_int_equal(
		iv_loop_end_all(IV_LOOP_DRAIN, -1, note_remaining, NULL), 0);
	iv_work_pool_put(&pool);
	iv_main();
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(a_sleeping_loop_stops),
	TEST(one_that_does_not_run_yet_stops_when_it_does),
	TEST(nested_ones_stop),
	TEST(a_loop_may_stop_itself),
	TEST(joining_waits_for_the_end_and_no_less),
	TEST(one_that_closes_has_not_ended),
	TEST(who_joins_one_after_the_other_is_told_each_time),
	TEST(what_cannot_be_waited_for_is_refused),
	TEST(a_stop_waits_for_one_that_does_not_listen_yet),
	TEST(joining_who_waits_for_us_is_refused),
	TEST(ending_all_waits_for_all),
	TEST(what_did_not_end_in_time_is_named),
	TEST(workers_end_with_their_pool),
};

TEST_MAIN(cases)
