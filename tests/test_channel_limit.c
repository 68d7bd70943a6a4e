/* SPDX-License-Identifier: MIT */
/*
 * test_channel_limit.c - channels that are full
 */
#include <stdatomic.h>
#include "channel_bed.h"

static struct iv_channel channel;
static struct iv_channel_sender sender, second;
static struct iv_event room;
static struct letter letter[4];

static void open_limited(unsigned int limit)
{
	iv_init();
	init_channel(&channel);
	channel.limit = limit;
	assert_int_equal(iv_channel_register(&channel), 0);
	open_sender(&sender, &channel);
	room.cookie = "room";
	room.handler = note;
	assert_int_equal(iv_event_register(&room), 0);
}

static void close_all(void)
{
	iv_channel_sender_close(&sender);
	iv_channel_unregister(&channel);
	iv_event_unregister(&room);
	iv_deinit();
}

static void a_full_channel_refuses_until_a_handler_starts(void **state)
{
	(void)state;
	open_limited(2);
	assert_int_equal(send_word(&sender, &letter[0], "a"), 0);
	assert_int_equal(send_word(&sender, &letter[1], "b"), 0);
	assert_int_equal(send_word(&sender, &letter[2], "c"), -EAGAIN);
	assert_int_equal(send_word(&sender, &letter[2], "c"), -EAGAIN);
	run_to_the_end();
	assert_noted("a b end");
	assert_int_equal(send_word(&sender, &letter[2], "c"), 0);
	run_to_the_end();
	assert_noted("c end");
	close_all();
}

static void send_here(void *cookie, struct iv_channel_message *message)
{
	got(cookie, message);
	if (letter_of(message) == &letter[0])
		assert_int_equal(send_word(&sender, &letter[1], "b"), 0);
}

static void its_place_is_free_in_the_handler(void **state)
{
	(void)state;
	iv_init();
	init_channel(&channel);
	channel.handler = send_here;
	channel.limit = 1;
	assert_int_equal(iv_channel_register(&channel), 0);
	open_sender(&sender, &channel);
	send_word(&sender, &letter[0], "a");
	run_to_the_end();
	assert_noted("a b end");
	iv_channel_sender_close(&sender);
	iv_channel_unregister(&channel);
	iv_deinit();
}

static int want(struct iv_channel_sender *one)
{
	return iv_channel_sender_want_room(one, iv_event_handle_of(&room));
}

static void who_wants_room_is_told_once(void **state)
{
	(void)state;
	open_limited(1);
	send_word(&sender, &letter[0], "a");
	assert_int_equal(send_word(&sender, &letter[1], "b"), -EAGAIN);
	assert_int_equal(want(&sender), 0);
	assert_int_equal(want(&sender), 0);
	run_to_the_end();
	assert_noted("a room end");
	send_word(&sender, &letter[0], "a");
	run_to_the_end();
	assert_noted("a end");
	close_all();
}

static void and_at_once_when_there_is_some(void **state)
{
	(void)state;
	open_limited(1);
	assert_int_equal(want(&sender), 0);
	run_to_the_end();
	assert_noted("room end");
	close_all();

	open_limited(0);
	assert_int_equal(want(&sender), 0);
	run_to_the_end();
	assert_noted("room end");
	close_all();
}

static void everybody_is_told(void **state)
{
	static struct iv_event other;

	(void)state;
	open_limited(1);
	other.cookie = "other";
	other.handler = note;
	assert_int_equal(iv_event_register(&other), 0);
	iv_channel_sender_clone(&second, &sender);
	send_word(&sender, &letter[0], "a");
	want(&sender);
	iv_channel_sender_want_room(&second, iv_event_handle_of(&other));
	run_to_the_end();
	assert_noted("a room other end");
	iv_channel_sender_close(&second);
	iv_event_unregister(&other);
	close_all();
}

static void a_closed_sender_is_not_told(void **state)
{
	(void)state;
	open_limited(1);
	IV_CHANNEL_SENDER_INIT(&second);
	iv_channel_sender_clone(&second, &sender);
	send_word(&sender, &letter[0], "a");
	assert_int_equal(want(&second), 0);
	iv_channel_sender_close(&second);
	memset(&second, 0xa5, sizeof(second));
	run_to_the_end();
	assert_noted("a end");
	close_all();
}

static void the_end_of_the_channel_is_told(void **state)
{
	(void)state;
	open_limited(1);
	send_word(&sender, &letter[0], "a");
	assert_int_equal(want(&sender), 0);
	iv_channel_unregister(&channel);
	assert_noted("dropped a");
	run_to_the_end();
	assert_noted("room end");
	assert_int_equal(send_word(&sender, &letter[0], "a"), -EPIPE);
	assert_int_equal(want(&sender), -EPIPE);
	iv_channel_sender_close(&sender);
	iv_event_unregister(&room);
	iv_deinit();
}

static void a_full_one_that_is_closed_says_so(void **state)
{
	(void)state;
	open_limited(1);
	send_word(&sender, &letter[0], "a");
	iv_channel_unregister(&channel);
	assert_noted("dropped a");
	assert_int_equal(send_word(&sender, &letter[1], "b"), -EPIPE);
	iv_channel_sender_close(&sender);
	iv_event_unregister(&room);
	iv_deinit();
}

/* A sender with a loop of its own sends all it has through a narrow channel. */
enum { NUM_LETTERS = 200 };
static struct letter letters[NUM_LETTERS];
static int num_got;

struct pump {
	struct iv_event room;
	int next;
	int error;
};

static void pump(void *cookie)
{
	struct pump *self = cookie;
	int ret = 0;

	while (ret == 0 && self->next < NUM_LETTERS) {
		ret = send_word(&sender, &letters[self->next], "a");
		if (ret == 0)
			self->next++;
	}
	if (ret == -EAGAIN)
		ret = iv_channel_sender_want_room(
			&sender, iv_event_handle_of(&self->room));
	if (ret != 0)
		self->error = ret;
	if (ret != 0 || self->next == NUM_LETTERS)
		iv_event_unregister(&self->room);
}

static void *run_pump(void *arg)
{
	struct pump self = { .next = 0 };

	iv_init();
	self.room.cookie = &self;
	self.room.handler = pump;
	if (iv_event_register(&self.room) != 0)
		return "refused";
	iv_event_post(&self.room);
	iv_main();
	iv_deinit();
	iv_channel_sender_close(&sender);

	return self.error == 0 ? arg : "error";
}

static void got_in_order(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	assert_ptr_equal(letter_of(message), &letters[num_got]);
	num_got++;
}

static void end_channel(void *cookie)
{
	(void)cookie;
	iv_channel_unregister(&channel);
}

static void a_narrow_channel_lets_everything_through(void **state)
{
	pthread_t thread;

	(void)state;
	iv_init();
	init_channel(&channel);
	channel.limit = 3;
	channel.handler = got_in_order;
	channel.closed = end_channel;
	assert_int_equal(iv_channel_register(&channel), 0);
	open_sender(&sender, &channel);
	thread = start_thread(run_pump, NULL);
	iv_main();
	assert_null(join_thread(thread));
	assert_int_equal(num_got, NUM_LETTERS);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(a_full_channel_refuses_until_a_handler_starts),
	TEST(its_place_is_free_in_the_handler),
	TEST(who_wants_room_is_told_once),
	TEST(and_at_once_when_there_is_some),
	TEST(everybody_is_told),
	TEST(a_closed_sender_is_not_told),
	TEST(the_end_of_the_channel_is_told),
	TEST(a_full_one_that_is_closed_says_so),
	TEST(a_narrow_channel_lets_everything_through),
};

TEST_MAIN(cases)
