/* SPDX-License-Identifier: MIT */
/*
 * test_channel_turns.c - messages take turns with all else, and with their own
 */
#include <sched.h>
#include <stdatomic.h>
#include "channel_bed.h"

static struct iv_channel channel;
static struct iv_channel_sender sender;
static struct letter letter[3];
static struct letter many[1000];

static void close_both_ends(void)
{
	iv_channel_sender_close(&sender);
	iv_channel_unregister(&channel);
	iv_deinit();
}

static unsigned int num_got, got_at_once, most_at_once;

static void count(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	(void)message;
	num_got++;
	if (++got_at_once > most_at_once)
		most_at_once = got_at_once;
}

static void *send_many(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 1000; i++)
		send_word(&sender, &many[i], "m");

	return NULL;
}

/* Tasks run once a round, and one that registers itself in each. */
static void begin_round(void *cookie)
{
	got_at_once = 0;
	if (num_got == 1000)
		iv_quit();
	else
		iv_task_register(cookie);
}

static void a_batch_has_256_at_most(void **state)
{
	struct iv_task task;

	(void)state;
	iv_init();
	open_handling(&channel, &sender, count, NULL);
	in_thread(send_many, NULL);
	IV_TASK_INIT(&task);
	task.handler = begin_round;
	task.cookie = &task;
	iv_task_register(&task);
	run_until_quit("a thousand messages");
	assert_int_equal(most_at_once, 256);
	close_both_ends();
}

enum { MORE_THAN_A_BATCH = 300 };

static atomic_int are_sent;
static atomic_int is_idle;

/* Relaxed: only the channel hands anything over. */
static void *send_then_one_more(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < MORE_THAN_A_BATCH; i++)
		send_word(&sender, &many[i], "m");
	atomic_fetch_add_explicit(&are_sent, 1, memory_order_relaxed);
	while (atomic_load_explicit(&is_idle, memory_order_relaxed) == 0)
		sched_yield();
	send_word(&sender, &many[i], "m");

	return NULL;
}

static void note_idle(void *cookie)
{
	(void)cookie;
	atomic_fetch_add_explicit(&is_idle, 1, memory_order_relaxed);
}

/* A task of its handler runs when the round is over. */
static void quit_at_one_more(void *cookie, struct iv_channel_message *message)
{
	(void)message;
	if (++num_got == MORE_THAN_A_BATCH)
		iv_task_register(cookie);
	else if (num_got > MORE_THAN_A_BATCH)
		iv_quit();
}

static void one_that_comes_behind_the_rest_calls_anew(void **state)
{
	struct iv_task task;
	pthread_t thread;

	(void)state;
	iv_init();
	IV_TASK_INIT(&task);
	task.handler = note_idle;
	open_handling(&channel, &sender, quit_at_one_more, &task);
	thread = start_thread(send_then_one_more, NULL);
	while (atomic_load_explicit(&are_sent, memory_order_relaxed) == 0)
		sched_yield();
	run_until_quit("one more");
	join_thread(thread);
	close_both_ends();
}

static int fd_calls;

static void quit_at_tenth(void *cookie)
{
	(void)cookie;
	if (++fd_calls == 10)
		iv_quit();
}

static void send_for_ever(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	num_got++;
	assert_int_equal(iv_channel_send(&sender, message), 0);
}

/* Messages that send themselves again, and a descriptor always ready. */
static void one_sent_from_its_handler_comes_in_a_later_batch(void **state)
{
	struct iv_fd fd;
	int pipefd[2];

	(void)state;
	iv_init();
	open_handling(&channel, &sender, send_for_ever, NULL);
	make_pipe(pipefd);
	put_byte(pipefd[1]);
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	fd.handler_in = quit_at_tenth;
	iv_fd_register(&fd);
	send_word(&sender, &letter[0], "a");
	run_until_quit("the descriptor");
	assert_int_equal(fd_calls, 10);
	assert_in_range(num_got, 1, 160);
	iv_fd_unregister(&fd);
	close_both(pipefd);
	close_both_ends();
}

static void wait_for_more(void *cookie, struct iv_channel_message *message)
{
	got(cookie, message);
	if (letter_of(message) == &letter[0]) {
		note("(");
		send_word(&sender, &letter[2], "c");
		run_until_quit("the message behind the next");
		note(")");
	}
	if (letter_of(message) == &letter[2])
		iv_quit();
}

static void a_handler_may_wait_for_the_next_messages(void **state)
{
	(void)state;
	iv_init();
	open_handling(&channel, &sender, wait_for_more, NULL);
	send_word(&sender, &letter[0], "a");
	send_word(&sender, &letter[1], "b");
	iv_main(); /* what ends the inner one ends both */
	assert_noted("a ( b c )");
	send_word(&sender, &letter[1], "b");
	run_to_the_end();
	assert_noted("b end");
	close_both_ends();
}

static void wait_and_send(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	num_got++;
	if (letter_of(message) == &letter[0]) {
		in_thread(send_many, NULL);
		run_until_quit("the last message of another thread");
	}
	if (letter_of(message) == &many[999])
		iv_quit();
}

static void and_for_those_that_come_meanwhile(void **state)
{
	(void)state;
	iv_init();
	open_handling(&channel, &sender, wait_and_send, NULL);
	send_word(&sender, &letter[0], "a");
	iv_main();
	assert_int_equal(num_got, 1001);
	close_both_ends();
}

static const struct test_case cases[] = {
	TEST(a_batch_has_256_at_most),
	TEST(one_that_comes_behind_the_rest_calls_anew),
	TEST(one_sent_from_its_handler_comes_in_a_later_batch),
	TEST(a_handler_may_wait_for_the_next_messages),
	TEST(and_for_those_that_come_meanwhile),
};

TEST_MAIN(cases)
