/* SPDX-License-Identifier: MIT */
/*
 * test_loop_end_drain.c - what a loop does that was told to end in order
 *
 * The loop tells itself, and calls itself behind that: such a call is run once
 * the loop has heard of its end and has shut what it has.
 */
#include <semaphore.h>
#include <iv_event.h>
#include <iv_loop.h>
#include <iv_thread.h>
#include <iv_work.h>
#include "loop_end_bed.h"

static void open_gate(void *gate)
{
	sem_post(gate);
}

/* Pools *******************************************************************/

static sem_t gate;
static sem_t begun;
static int num_completed;

static void pass_gate(void *cookie)
{
	(void)cookie;
	sem_post(&begun);
	await(&gate);
	sem_post(&gate);
}

static void count_completed(void *cookie)
{
	(void)cookie;
	num_completed++;
}

static void open_pool(struct iv_work_pool *pool, int max_threads)
{
	IV_WORK_POOL_INIT(pool);
	pool->max_threads = max_threads;
	assert_int_equal(iv_work_pool_create(pool), 0);
}

static void
submit(struct iv_work_pool *pool, struct iv_work_item *items, int num)
{
	int i;

	for (i = 0; i < num; i++) {
		items[i].work = pass_gate;
		items[i].completion = count_completed;
		iv_work_pool_submit_work(pool, &items[i]);
	}
}

static void begin_case(void)
{
	sem_init(&gate, 0, 0);
	sem_init(&begun, 0, 0);
	iv_init();
}

static void what_was_submitted_is_run_and_completed(void **state)
{
	struct iv_work_item items[50];
	struct iv_work_pool pool;

	(void)state;
	begin_case();
	open_pool(&pool, 2);
	submit(&pool, items, 50);
	end_self(IV_LOOP_DRAIN, -1);
	when_heard(open_gate, &gate);
	run_until_ended();
	assert_int_equal(num_completed, 50);
	iv_deinit();
}

static void cancelled_items_are_let_go(void **state)
{
	struct iv_work_item items[50];
	struct iv_work_pool pool;
	int num_begun;

	(void)state;
	begin_case();
	open_pool(&pool, 1);
	submit(&pool, items, 50);
	await(&begun);
	end_self(IV_LOOP_CANCEL, -1);
	when_heard(open_gate, &gate);
	run_until_ended();
	sem_getvalue(&begun, &num_begun);
	assert_int_equal(num_begun, 0);
	assert_int_equal(num_completed, 1);
	iv_deinit();
}

struct chain {
	struct iv_work_pool pool;
	struct iv_work_item item;
	int left;
};

static void resubmit(void *cookie)
{
	struct chain *chain = cookie;

	num_completed++;
	if (--chain->left > 0)
		iv_work_pool_submit_work(&chain->pool, &chain->item);
	else
		iv_work_pool_put(&chain->pool);
}

static void resubmit_here(void *cookie)
{
	struct chain *chain = cookie;

	num_completed++;
	if (--chain->left > 0)
		iv_work_pool_submit_work(NULL, &chain->item);
}

static void do_nothing(void *cookie)
{
	(void)cookie;
}

static void work_without_a_pool_is_done(void **state)
{
	struct chain chain = { .left = 20 };

	(void)state;
	begin_case();
	assert_int_equal(iv_loop_listen(), 0);
	end_self(IV_LOOP_DRAIN, -1);
	chain.item.cookie = &chain;
	chain.item.work = do_nothing;
	chain.item.completion = resubmit_here;
	iv_work_pool_submit_work(NULL, &chain.item);
	run_until_ended();
	assert_int_equal(num_completed, 20);
	iv_deinit();
}

static void completions_may_submit_meanwhile(void **state)
{
	struct chain chain = { .left = 20 };

	(void)state;
	begin_case();
	open_pool(&chain.pool, 2);
	chain.item.cookie = &chain;
	chain.item.work = pass_gate;
	chain.item.completion = resubmit;
	iv_work_pool_submit_work(&chain.pool, &chain.item);
	end_self(IV_LOOP_DRAIN, -1);
	when_heard(open_gate, &gate);
	run_until_ended();
	assert_int_equal(num_completed, 20);
	iv_deinit();
}

/* Threads *****************************************************************/

static bool thread_done;

static void wait_at_gate(void *cookie)
{
	(void)cookie;
	await(&gate);
	thread_done = true;
	sem_post(&begun);
}

static void created_threads_are_joined(void **state)
{
	(void)state;
	begin_case();
	assert_int_equal(iv_thread_create("slow", wait_at_gate, NULL), 0);
	end_self(IV_LOOP_DRAIN, -1);
	when_heard(open_gate, &gate);
	run_until_ended();
	/* Joined, so this is no race. */
	assert_true(thread_done);
	iv_deinit();
}

struct later {
	struct iv_work_pool pool;
	struct iv_work_item item;
	struct iv_timer timer;
	bool worker_gone;
};

static pthread_key_t at_exit;
static sem_t worker_gone;

static void worker_ends(void *value)
{
	(void)value;
	sem_post(&worker_gone);
}

static void worker_starts(void *cookie)
{
	if (pthread_setspecific(at_exit, cookie) != 0)
		abort();
}

static void put_and_open_gate(void *cookie)
{
	struct later *later = cookie;

	num_completed++;
	iv_work_pool_put(&later->pool);
	sem_post(&gate);
}

/*
 * When the loop has had its turn since the pool's thread was gone; that has
 * posted all that it posts by then.
 */
static void submit_later(void *cookie)
{
	struct later *later = cookie;

	if (!later->worker_gone) {
		later->worker_gone = sem_trywait(&worker_gone) == 0;
		later->timer.expires = after_ms(1);
		iv_timer_register(&later->timer);
		return;
	}
	iv_work_pool_submit_work(&later->pool, &later->item);
}

static void open_pool_for_later(struct later *later)
{
	assert_int_equal(pthread_key_create(&at_exit, worker_ends), 0);
	sem_init(&worker_gone, 0, 0);
	IV_WORK_POOL_INIT(&later->pool);
	later->pool.max_threads = 1;
	later->pool.cookie = later;
	later->pool.thread_start = worker_starts;
	assert_int_equal(iv_work_pool_create(&later->pool), 0);
	later->item.cookie = later;
	later->item.work = do_nothing;
	later->item.completion = put_and_open_gate;
	IV_TIMER_INIT(&later->timer);
	later->timer.cookie = later;
	later->timer.handler = submit_later;
}

static void a_pool_that_was_shut_still_works(void **state)
{
	struct later later = { .worker_gone = false };
	struct iv_work_item first;

	(void)state;
	begin_case();
	assert_int_equal(iv_thread_create("slow", wait_at_gate, NULL), 0);
	open_pool_for_later(&later);
	first.work = do_nothing;
	first.completion = count_completed;
	iv_work_pool_submit_work(&later.pool, &first);
	end_self(IV_LOOP_DRAIN, -1);
	when_heard(submit_later, &later);
	run_until_ended();
	assert_int_equal(num_completed, 2);
	iv_deinit();
	pthread_key_delete(at_exit);
}

/* Meanwhile, and cut short ************************************************/

static void read_and_open_gate(void *cookie)
{
	struct iv_fd *fd = cookie;

	get_byte(fd->fd);
	iv_fd_unregister(fd);
	sem_post(&gate);
}

static void write_byte(void *cookie)
{
	put_byte(*(int *)cookie);
}

static void descriptors_are_served_meanwhile(void **state)
{
	struct iv_fd reader;
	int ends[2];

	(void)state;
	begin_case();
	make_pipe(ends);
	IV_FD_INIT(&reader);
	reader.fd = ends[0];
	reader.cookie = &reader;
	reader.handler_in = read_and_open_gate;
	iv_fd_register(&reader);
	assert_int_equal(iv_thread_create("slow", wait_at_gate, NULL), 0);
	end_self(IV_LOOP_DRAIN, -1);
	when_heard(write_byte, &ends[1]);
	run_until_ended();
	assert_true(thread_done);
	iv_deinit();
	close_both(ends);
}

static void stop_self(void *cookie)
{
	(void)cookie;
	assert_int_equal(iv_loop_stop(iv_loop_self()), 0);
}

static void a_stop_cuts_it_short(void **state)
{
	(void)state;
	begin_case();
	assert_int_equal(iv_thread_create("slow", wait_at_gate, NULL), 0);
	end_self(IV_LOOP_DRAIN, -1);
	when_heard(stop_self, NULL);
	run_until_ended();
	run_until_ended();
	iv_deinit();
	sem_post(&gate);
	await(&begun);
}

static void a_quit_puts_it_off(void **state)
{
	(void)state;
	begin_case();
	assert_int_equal(iv_thread_create("slow", wait_at_gate, NULL), 0);
	end_self(IV_LOOP_DRAIN, -1);
	when_heard(quit, NULL);
	run_until_ended();
	sem_post(&gate);
	run_until_ended();
	assert_true(thread_done);
	iv_deinit();
}

static void the_end_of_its_time_ends_it(void **state)
{
	(void)state;
	begin_case();
	assert_int_equal(iv_thread_create("slow", wait_at_gate, NULL), 0);
	end_self(IV_LOOP_DRAIN, 20000000);
	run_until_ended();
	run_until_ended();
	iv_deinit();
	sem_post(&gate);
	await(&begun);
}

static void the_earlier_time_counts(void **state)
{
	(void)state;
	begin_case();
	assert_int_equal(iv_thread_create("slow", wait_at_gate, NULL), 0);
	end_self(IV_LOOP_DRAIN, -1);
	end_self(IV_LOOP_DRAIN, 0);
	end_self(IV_LOOP_DRAIN, INT64_MAX);
	run_until_ended();
	iv_deinit();
	sem_post(&gate);
	await(&begun);
}

static void a_host_turns_it_to_its_end(void **state)
{
	struct iv_work_item items[20];
	struct iv_work_pool pool;

	(void)state;
	begin_case();
	open_pool(&pool, 2);
	submit(&pool, items, 20);
	end_self(IV_LOOP_DRAIN, -1);
	when_heard(open_gate, &gate);
	while (iv_loop_run_once(-1))
		continue;
	assert_int_equal(num_completed, 20);
	assert_int_equal(iv_loop_run_once(-1), 0);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(what_was_submitted_is_run_and_completed),
	TEST(cancelled_items_are_let_go),
	TEST(work_without_a_pool_is_done),
	TEST(completions_may_submit_meanwhile),
	TEST(created_threads_are_joined),
	TEST(a_pool_that_was_shut_still_works),
	TEST(descriptors_are_served_meanwhile),
	TEST(a_stop_cuts_it_short),
	TEST(a_quit_puts_it_off),
	TEST(the_end_of_its_time_ends_it),
	TEST(the_earlier_time_counts),
	TEST(a_host_turns_it_to_its_end),
};

TEST_MAIN(cases)
