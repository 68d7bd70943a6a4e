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
#include "channel_bed.h"

enum { MANY = 600 }; /* messages: more than two batches */

static void open_gate(void *gate)
{
	sem_post(gate);
}

static void end_self(int how, int64_t timeout_ns)
{
	assert_int_equal(iv_loop_end(iv_loop_self(), how, timeout_ns, NULL,
				     NULL),
			 -EDEADLK);
	assert_int_equal(iv_loop_stopped(), 1);
}

static void when_heard(void (*function)(void *cookie), void *cookie)
{
	assert_int_equal(iv_loop_call(iv_loop_self(), function, cookie, NULL),
			 0);
}

/* iv_main(), which has to return by itself. */
static void run_until_ended(void)
{
	struct guard guard;

	guard_start(&guard, "the end of the loop");
	iv_main();
	guard_stop(&guard);
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

/* Channels ****************************************************************/

static struct iv_channel channel;
static struct iv_channel_sender sender;
static struct iv_channel_message messages[MANY];
static int num_got, num_dropped, num_closed;
static bool in_order = true;

static void number_got(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	in_order = in_order && message == &messages[num_got + num_dropped];
	num_got++;
}

static void number_dropped(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	in_order = in_order && message == &messages[num_got + num_dropped];
	num_dropped++;
}

static void count_closed(void *cookie)
{
	(void)cookie;
	num_closed++;
}

static void fill_channel_of(void (*handler)(void *cookie,
					    struct iv_channel_message *message))
{
	int i;

	iv_init();
	IV_CHANNEL_INIT(&channel);
	channel.handler = handler;
	channel.dropped = number_dropped;
	channel.closed = count_closed;
	assert_int_equal(iv_channel_register(&channel), 0);
	open_sender(&sender, &channel);
	for (i = 0; i < MANY; i++) {
		IV_CHANNEL_MESSAGE_INIT(&messages[i]);
		assert_int_equal(iv_channel_send(&sender, &messages[i]), 0);
	}
}

static void fill_channel(void)
{
	fill_channel_of(number_got);
}

static int sent_late = 1;

static void send_late(void *cookie)
{
	static struct iv_channel_message late;

	(void)cookie;
	IV_CHANNEL_MESSAGE_INIT(&late);
	sent_late = iv_channel_send(&sender, &late);
}

static void what_was_sent_is_delivered_and_no_more_taken(void **state)
{
	(void)state;
	fill_channel();
	end_self(IV_LOOP_DRAIN, -1);
	when_heard(send_late, NULL);
	run_until_ended();
	assert_int_equal(sent_late, -EPIPE);
	assert_int_equal(num_got, MANY);
	assert_int_equal(num_dropped, 0);
	assert_true(in_order);
	assert_int_equal(num_closed, 0);
	iv_channel_sender_close(&sender);
	iv_channel_unregister(&channel);
	iv_deinit();
}

static void cancelled_messages_are_dropped(void **state)
{
	(void)state;
	fill_channel();
	end_self(IV_LOOP_CANCEL, -1);
	when_heard(send_late, NULL);
	run_until_ended();
	assert_int_equal(sent_late, -EPIPE);
	assert_int_equal(num_got + num_dropped, MANY);
	assert_true(num_dropped > 0);
	assert_true(in_order);
	iv_channel_sender_close(&sender);
	iv_deinit();
}

static void who_has_left_before_is_told_of(void **state)
{
	(void)state;
	fill_channel();
	iv_channel_sender_close(&sender);
	end_self(IV_LOOP_DRAIN, -1);
	run_until_ended();
	assert_int_equal(num_got, MANY);
	assert_int_equal(num_closed, 1);
	iv_deinit();
}

static void
unregister_near_the_end(void *cookie, struct iv_channel_message *message)
{
	number_got(cookie, message);
	if (num_got == MANY - 2)
		iv_channel_unregister(&channel);
}

static void a_handler_may_unregister_meanwhile(void **state)
{
	(void)state;
	fill_channel_of(unregister_near_the_end);
	end_self(IV_LOOP_DRAIN, -1);
	run_until_ended();
	assert_int_equal(num_got, MANY - 2);
	assert_int_equal(num_dropped, 2);
	assert_true(in_order);
	iv_channel_sender_close(&sender);
	iv_deinit();
}

static void run_nested(void *cookie)
{
	int *got_inside = cookie;

	iv_main();
	*got_inside = num_got;
}

static void nested_ones_return_at_once(void **state)
{
	int got_inside = 0;

	(void)state;
	fill_channel();
	end_self(IV_LOOP_DRAIN, -1);
	when_heard(run_nested, &got_inside);
	run_until_ended();
	assert_true(got_inside < MANY);
	assert_int_equal(num_got, MANY);
	assert_true(in_order);
	iv_channel_sender_close(&sender);
	iv_deinit();
}

static void cancel_too(void *cookie)
{
	(void)cookie;
	assert_int_equal(iv_loop_end(iv_loop_self(), IV_LOOP_CANCEL, -1, NULL,
				     NULL),
			 -EDEADLK);
	assert_int_equal(iv_loop_end(iv_loop_self(), IV_LOOP_DRAIN, -1, NULL,
				     NULL),
			 -EDEADLK);
}

static void the_stricter_way_counts(void **state)
{
	(void)state;
	fill_channel();
	end_self(IV_LOOP_DRAIN, -1);
	when_heard(cancel_too, NULL);
	run_until_ended();
	assert_int_equal(num_got + num_dropped, MANY);
	assert_true(num_dropped > 0);
	assert_true(in_order);
	iv_channel_sender_close(&sender);
	iv_deinit();
}

static void open_late(void *cookie)
{
	(void)cookie;
	IV_CHANNEL_INIT(&channel);
	channel.handler = number_got;
	assert_int_equal(iv_channel_register(&channel), 0);
	open_sender(&sender, &channel);
	IV_CHANNEL_MESSAGE_INIT(&messages[0]);
	assert_int_equal(iv_channel_send(&sender, &messages[0]), 0);
}

static void a_channel_that_opens_meanwhile_is_shut(void **state)
{
	(void)state;
	iv_init();
	assert_int_equal(iv_loop_listen(), 0);
	end_self(IV_LOOP_DRAIN, -1);
	when_heard(open_late, NULL);
	run_until_ended();
	send_late(NULL);
	assert_int_equal(sent_late, -EPIPE);
	assert_int_equal(num_got, 1);
	iv_channel_sender_close(&sender);
	iv_deinit();
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

static int stopped_in_child(void *arg)
{
	(void)arg;
	if (!iv_loop_stopped())
		return 1;
	iv_main();
	iv_deinit();

	return num_got == 0 && num_dropped == MANY ? 0 : 2;
}

static void a_forked_child_is_stopped(void **state)
{
	(void)state;
	fill_channel();
	end_self(IV_LOOP_DRAIN, -1);
	in_child(stopped_in_child, NULL);
	run_until_ended();
	assert_int_equal(num_got, MANY);
	iv_channel_sender_close(&sender);
	iv_deinit();
}

/* The end has been heard, and the channel is half delivered. */
static int go_on_in_child(void *arg)
{
	(void)arg;
	iv_main();

	return iv_loop_stopped() && num_got < MANY ? 0 : 1;
}

static void fork_child(void *cookie)
{
	(void)cookie;
	in_child(go_on_in_child, NULL);
}

static void so_is_one_that_is_forked_meanwhile(void **state)
{
	(void)state;
	fill_channel();
	end_self(IV_LOOP_DRAIN, -1);
	when_heard(fork_child, NULL);
	run_until_ended();
	assert_int_equal(num_got, MANY);
	assert_true(in_order);
	iv_channel_sender_close(&sender);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(what_was_submitted_is_run_and_completed),
	TEST(cancelled_items_are_let_go),
	TEST(work_without_a_pool_is_done),
	TEST(completions_may_submit_meanwhile),
	TEST(created_threads_are_joined),
	TEST(a_pool_that_was_shut_still_works),
	TEST(what_was_sent_is_delivered_and_no_more_taken),
	TEST(cancelled_messages_are_dropped),
	TEST(who_has_left_before_is_told_of),
	TEST(a_handler_may_unregister_meanwhile),
	TEST(nested_ones_return_at_once),
	TEST(the_stricter_way_counts),
	TEST(a_channel_that_opens_meanwhile_is_shut),
	TEST(descriptors_are_served_meanwhile),
	TEST(a_stop_cuts_it_short),
	TEST(a_quit_puts_it_off),
	TEST(the_end_of_its_time_ends_it),
	TEST(the_earlier_time_counts),
	TEST(a_host_turns_it_to_its_end),
	TEST(a_forked_child_is_stopped),
	TEST(so_is_one_that_is_forked_meanwhile),
};

TEST_MAIN(cases)
