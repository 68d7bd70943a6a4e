/* SPDX-License-Identifier: MIT */
/*
 * test_loop_end_channel.c - channels of a loop that was told to end in order
 */
#include "loop_end_bed.h"

static void fill_channel(void)
{
	open_full_channel(number_got, number_dropped);
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
	open_full_channel(unregister_near_the_end, number_dropped);
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

static void cancel_and_drain(void *cookie)
{
	(void)cookie;
	end_self(IV_LOOP_CANCEL, -1);
	end_self(IV_LOOP_DRAIN, -1);
}

static void the_stricter_way_counts(void **state)
{
	(void)state;
	fill_channel();
	end_self(IV_LOOP_DRAIN, -1);
	when_heard(cancel_and_drain, NULL);
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

static bool handled_late;

static void count_handled(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	(void)message;
	handled_late = handled_late || num_dropped > 0;
	num_got++;
}

static void drop_nested(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	(void)message;
	if (num_dropped++ == 0)
		iv_main();
}

static void cancel_own(void *cookie)
{
	(void)cookie;
	end_self(IV_LOOP_CANCEL, -1);
}

static void what_is_cancelled_late_is_not_delivered_inside(void **state)
{
	(void)state;
	open_full_channel(count_handled, drop_nested);
	end_self(IV_LOOP_DRAIN, -1);
	when_heard(cancel_own, NULL);
	run_until_ended();
	assert_true(num_dropped > 0);
	assert_int_equal(num_got + num_dropped, MANY);
	assert_false(handled_late);
	iv_channel_sender_close(&sender);
	iv_deinit();
}

/* Forks *******************************************************************/

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
	TEST(what_was_sent_is_delivered_and_no_more_taken),
	TEST(cancelled_messages_are_dropped),
	TEST(who_has_left_before_is_told_of),
	TEST(a_handler_may_unregister_meanwhile),
	TEST(nested_ones_return_at_once),
	TEST(the_stricter_way_counts),
	TEST(a_channel_that_opens_meanwhile_is_shut),
	TEST(what_is_cancelled_late_is_not_delivered_inside),
	TEST(a_forked_child_is_stopped),
	TEST(so_is_one_that_is_forked_meanwhile),
};

TEST_MAIN(cases)
