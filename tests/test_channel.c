/* SPDX-License-Identifier: MIT */
/*
 * test_channel.c - messages from many threads to one loop
 */
#include <sched.h>
#include <stdatomic.h>
#include <signal.h>
#include "channel_bed.h"

static struct iv_channel channel;
static struct iv_channel_sender sender, second;
static struct letter letter[4];

static void close_both_ends(void)
{
	iv_channel_sender_close(&sender);
	iv_channel_unregister(&channel);
	iv_deinit();
}

static void open_here(void)
{
	iv_init();
	open_both(&channel, &sender);
}

/* Sending *****************************************************************/

static void messages_come_in_order_and_not_at_once(void **state)
{
	(void)state;
	open_here();
	assert_int_equal(send_word(&sender, &letter[0], "a"), 0);
	assert_int_equal(send_word(&sender, &letter[1], "b"), 0);
	assert_int_equal(send_word(&sender, &letter[2], "c"), 0);
	assert_noted("");
	run_to_the_end();
	assert_noted("a b c end");
	close_both_ends();
}

static void *send_three(void *arg)
{
	(void)arg;
	if (send_word(&sender, &letter[0], "a") != 0 ||
	    send_word(&sender, &letter[1], "b") != 0 ||
	    send_word(&sender, &letter[2], "c") != 0)
		return "refused";

	return NULL;
}

static void a_thread_without_a_loop_may_send(void **state)
{
	(void)state;
	open_here();
	assert_null(in_thread(send_three, NULL));
	run_to_the_end();
	assert_noted("a b c end");
	close_both_ends();
}

static pthread_t handler_thread;

static void see_thread(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	(void)message;
	handler_thread = pthread_self();
	iv_quit();
}

static void *send_one(void *arg)
{
	(void)arg;

	return send_word(&sender, &letter[0], "a") == 0 ? NULL : "refused";
}

/* The message comes before the loop sleeps or after: both in 200 rounds. */
static void a_message_wakes_the_receiver(void **state)
{
	int rounds = scaled(200);
	pthread_t thread;

	(void)state;
	iv_init();
	open_handling(&channel, &sender, see_thread, NULL);
	while (rounds-- > 0) {
		thread = start_thread(send_one, NULL);
		run_until_quit("the message");
		assert_true(pthread_equal(handler_thread, pthread_self()));
		assert_null(join_thread(thread));
	}
	close_both_ends();
}

static void send_on(void *cookie, struct iv_channel_message *message)
{
	int *left = cookie;

	note("a");
	if (--*left > 0)
		assert_int_equal(iv_channel_send(&sender, message), 0);
	else
		iv_quit();
}

static void a_handler_may_send_the_message_on(void **state)
{
	int left = 3;

	(void)state;
	iv_init();
	open_handling(&channel, &sender, send_on, &left);
	send_word(&sender, &letter[0], "a");
	run_until_quit("the third time");
	assert_noted("a a a");
	close_both_ends();
}

static void free_it(void *cookie, struct iv_channel_message *message)
{
	struct letter *own = letter_of(message);

	if (--*(int *)cookie == 0)
		iv_quit();
	memset(own, 0xa5, sizeof(*own));
	free(own);
}

static void *send_allocated(void *arg)
{
	int i;

	for (i = 0; i < 100; i++) {
		struct letter *own = malloc(sizeof(*own));

		if (own == NULL || send_word(&sender, own, "a") != 0)
			return arg;
	}

	return NULL;
}

static void a_handler_may_free_the_message(void **state)
{
	pthread_t thread;
	int left = 100;

	(void)state;
	iv_init();
	open_handling(&channel, &sender, free_it, &left);
	thread = start_thread(send_allocated, &left);
	run_until_quit("the last message");
	assert_null(join_thread(thread));
	close_both_ends();
}

static void on_signal(int signum)
{
	(void)signum;
	if (iv_channel_send(&second, &letter[3].message) != 0)
		abort();
}

static void a_signal_handler_may_send(void **state)
{
	struct sigaction action = { .sa_handler = on_signal };

	(void)state;
	open_here();
	iv_channel_sender_clone(&second, &sender);
	write_letter(&letter[3], "signal");
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	errno = ERANGE;
	raise(SIGUSR1);
	assert_int_equal(errno, ERANGE);
	run_to_the_end();
	assert_noted("signal end");
	iv_channel_sender_close(&second);
	close_both_ends();
}

static void *send_cancelled(void *arg)
{
	pthread_cancel(pthread_self());
	send_word(&sender, &letter[0], "a");
	pthread_testcancel();

	return arg;
}

static void a_cancelled_thread_finishes_its_send(void **state)
{
	pthread_t thread;

	(void)state;
	iv_init();
	open_handling(&channel, &sender, see_thread, NULL);
	thread = start_thread(send_cancelled, NULL);
	run_until_quit("the message of a cancelled thread");
	assert_ptr_equal(join_thread(thread), PTHREAD_CANCELED);
	close_both_ends();
}

/* Several senders *********************************************************/

static void each_sender_counts_until_it_is_closed(void **state)
{
	(void)state;
	open_here();
	iv_channel_sender_clone(&second, &sender);
	send_word(&sender, &letter[0], "a");
	send_word(&second, &letter[1], "b");
	iv_channel_sender_close(&sender);
	run_to_the_end();
	assert_noted("a b end");
	send_word(&second, &letter[1], "b");
	iv_channel_sender_close(&second);
	run_to_the_end();
	assert_noted("b closed end");
	iv_channel_unregister(&channel);
	iv_deinit();
}

/* The second closes while the word of the first is still on its way. */
static void closed_is_told_when_nothing_is_left(void **state)
{
	(void)state;
	open_here();
	iv_channel_sender_close(&sender);
	open_sender(&second, &channel);
	send_word(&second, &letter[0], "a");
	iv_channel_sender_close(&second);
	run_to_the_end();
	assert_noted("a closed end");
	open_sender(&second, &channel);
	run_to_the_end();
	assert_noted("end");
	iv_channel_sender_close(&second);
	run_to_the_end();
	assert_noted("closed end");
	iv_channel_unregister(&channel);
	iv_deinit();
}

static void *close_it(void *arg)
{
	iv_channel_sender_close(arg);

	return NULL;
}

static void close_and_quit(void *cookie)
{
	(void)cookie;
	iv_channel_unregister(&channel);
}

static void a_close_elsewhere_wakes_the_receiver(void **state)
{
	pthread_t thread;

	(void)state;
	iv_init();
	init_channel(&channel);
	channel.closed = close_and_quit;
	assert_int_equal(iv_channel_register(&channel), 0);
	open_sender(&sender, &channel);
	thread = start_thread(close_it, &sender);
	iv_main();
	join_thread(thread);
	iv_deinit();
}

static int written;
static int seen;
static atomic_int is_closed;

static void see_written(void *cookie)
{
	(void)cookie;
	seen = written;
	iv_channel_unregister(&channel);
}

/* Relaxed: only the channel says that it is there. */
static void *write_and_close(void *arg)
{
	written = 42;
	iv_channel_sender_close(arg);
	atomic_fetch_add_explicit(&is_closed, 1, memory_order_relaxed);

	return NULL;
}

static void *close_behind_it(void *arg)
{
	while (atomic_load_explicit(&is_closed, memory_order_relaxed) == 0)
		sched_yield();
	iv_channel_sender_close(arg);

	return NULL;
}

static void what_was_written_before_any_close_is_seen(void **state)
{
	pthread_t first, last;

	(void)state;
	iv_init();
	init_channel(&channel);
	channel.closed = see_written;
	assert_int_equal(iv_channel_register(&channel), 0);
	open_sender(&sender, &channel);
	open_sender(&second, &channel);
	last = start_thread(close_behind_it, &second);
	first = start_thread(write_and_close, &sender);
	iv_main();
	assert_int_equal(seen, 42);
	join_thread(first);
	join_thread(last);
	iv_deinit();
}

static void close_and_wipe(void *cookie, struct iv_channel_message *message)
{
	struct iv_channel_sender *own = cookie;

	got(NULL, message);
	iv_channel_sender_close(own);
	memset(own, 0xa5, sizeof(*own));
	free(own);
}

static void *send_last(void *own)
{
	return send_word(own, &letter[0], "a") == 0 ? NULL : "refused";
}

/* While its thread is still inside the send, in some of 200 rounds. */
static void a_sender_may_be_closed_by_its_last_message(void **state)
{
	int rounds = scaled(200);
	pthread_t thread;

	(void)state;
	iv_init();
	while (rounds-- > 0) {
		struct iv_channel_sender *own = malloc(sizeof(*own));

		init_channel(&channel);
		channel.handler = close_and_wipe;
		channel.cookie = own;
		channel.closed = close_and_quit;
		assert_int_equal(iv_channel_register(&channel), 0);
		open_sender(own, &channel);
		thread = start_thread(send_last, own);
		iv_main();
		assert_null(join_thread(thread));
		assert_noted("a");
	}
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(messages_come_in_order_and_not_at_once),
	TEST(a_thread_without_a_loop_may_send),
	TEST(a_message_wakes_the_receiver),
	TEST(a_handler_may_send_the_message_on),
	TEST(a_handler_may_free_the_message),
	TEST(a_signal_handler_may_send),
	TEST(a_cancelled_thread_finishes_its_send),
	TEST(each_sender_counts_until_it_is_closed),
	TEST(closed_is_told_when_nothing_is_left),
	TEST(a_close_elsewhere_wakes_the_receiver),
	TEST(what_was_written_before_any_close_is_seen),
	TEST(a_sender_may_be_closed_by_its_last_message),
};

TEST_MAIN(cases)
