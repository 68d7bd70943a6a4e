/* SPDX-License-Identifier: MIT */
/*
 * test_meets_fork_channel.c - forks that meet what channels do
 */
#include <iv_channel.h>
#include "fork_bed.h"

static struct iv_channel channel;
static struct iv_channel_sender sender;
static struct iv_channel_message *last_got;
static int num_got;

static void got_and_quit(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	last_got = message;
	num_got++;
	iv_quit();
}

enum { NUM_BURST = 500, MAX_ROUNDS = 200 };

static struct iv_channel_message messages[NUM_BURST * MAX_ROUNDS];
static int num_burst;
static int num_sent;

static void *send_and_close(void *arg)
{
	struct iv_channel_sender brief;
	int i;
	int j;

	IV_CHANNEL_SENDER_INIT(&brief);
	for (i = 0; i < num_rounds; i++) {
		meet(&meeting);
		aim_wait(&aim);
		iv_channel_sender_clone(&brief, &sender);
		for (j = 0; j < num_burst; j++) {
			MUST(iv_channel_send(&brief, &messages[num_sent++]) ==
			     0);
			atomic_store(&aim.num_done, j + 1);
		}
		iv_channel_sender_close(&brief);
		meet(&meeting);
	}

	return arg;
}

/* What the parent has been sent comes ahead of it, or does not. */
static int send_and_get_own(void *arg)
{
	struct iv_channel_message message;
	int i;

	(void)arg;
	tell_parent();
	for (i = 0; i < 3; i++) {
		IV_CHANNEL_MESSAGE_INIT(&message);
		last_got = NULL;
		MUST(iv_channel_send(&sender, &message) == 0);
		while (last_got != &message)
			run_until_quit("a message of the child");
	}
	leave_child(0);
}

static void open_channel(unsigned int limit)
{
	size_t i;

	for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		IV_CHANNEL_MESSAGE_INIT(&messages[i]);
	IV_CHANNEL_INIT(&channel);
	channel.handler = got_and_quit;
	channel.limit = limit;
	assert_int_equal(iv_channel_register(&channel), 0);
	IV_CHANNEL_SENDER_INIT(&sender);
	iv_channel_sender_open(&sender, &channel);
}

static void close_channel(void)
{
	iv_channel_sender_close(&sender);
	iv_channel_unregister(&channel);
}

static void take_all(int num_all)
{
	while (num_got < num_all)
		run_until_quit("the last message");
	assert_int_equal(num_got, num_all);
}

static void sends_meet_forks(void **state)
{
	pthread_t thread;
	int i;

	(void)state;
	open_own(2, MAX_ROUNDS, 4);
	open_channel(0);
	aim_at_forks();
	num_burst = rounds_of(NUM_BURST, 20);
	thread = start_thread(send_and_close, NULL);
	for (i = 0; i < num_rounds; i++) {
		meet(&meeting);
		in_child(send_and_get_own, NULL);
		meet(&meeting);
		aim_correct(&aim, atomic_load(seen_in_child), num_burst);
		take_all((i + 1) * num_burst);
	}
	join_thread(thread);
	close_channel();
	close_own();
}

static bool told;

static void see_room(void *cookie)
{
	*(bool *)cookie = true;
	iv_quit();
}

static void take_message_and_be_told(void)
{
	while (num_got == 0 || !told)
		run_until_quit("a message, and room behind it");
}

static int be_told_in_child(void *arg)
{
	(void)arg;
	take_message_and_be_told();
	leave_child(0);
}

static void who_wants_room_is_told_in_both(void **state)
{
	iv_event_handle handle;
	struct iv_event room;

	(void)state;
	open_own(1, 1, 1);
	open_channel(1);
	handle = open_handle(&room, see_room, &told);
	assert_int_equal(iv_channel_send(&sender, &messages[0]), 0);
	assert_int_equal(iv_channel_sender_want_room(&sender, handle), 0);
	in_child(be_told_in_child, NULL);
	assert_false(told);
	take_message_and_be_told();
	close_channel();
	iv_event_unregister(&room);
	close_own();
}

static const struct test_case cases[] = {
	TEST(sends_meet_forks),
	TEST(who_wants_room_is_told_in_both),
};

TEST_MAIN(cases)
