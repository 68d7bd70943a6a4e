/* SPDX-License-Identifier: MIT */
/*
 * test_channel_end.c - channels that end, forked ones, misused ones
 */
#include <limits.h>
#include <semaphore.h>
#include <unistd.h>
#include "channel_bed.h"

static struct iv_channel channel;
static struct iv_channel_sender sender;
static struct letter letter[4];

static void open_here(void)
{
	iv_init();
	open_both(&channel, &sender);
}

/* Closing *****************************************************************/

static void what_was_not_delivered_is_handed_back_in_order(void **state)
{
	(void)state;
	open_here();
	send_word(&sender, &letter[0], "a");
	send_word(&sender, &letter[1], "b");
	iv_channel_unregister(&channel);
	assert_noted("dropped a dropped b");
	assert_int_equal(send_word(&sender, &letter[2], "c"), -EPIPE);
	assert_int_equal(iv_channel_send(&sender, &letter[2].message), -EPIPE);
	iv_channel_sender_close(&sender);
	run_to_the_end();
	assert_noted("end");
	iv_deinit();
}

static void without_a_drop_callback_it_is_forgotten(void **state)
{
	(void)state;
	iv_init();
	init_channel(&channel);
	channel.dropped = NULL;
	channel.closed = NULL;
	assert_int_equal(iv_channel_register(&channel), 0);
	open_sender(&sender, &channel);
	send_word(&sender, &letter[0], "a");
	iv_channel_sender_close(&sender);
	iv_channel_unregister(&channel);
	run_to_the_end();
	assert_noted("end");
	iv_deinit();
}

static void it_may_be_registered_again(void **state)
{
	(void)state;
	open_here();
	send_word(&sender, &letter[0], "a");
	iv_channel_unregister(&channel);
	assert_noted("dropped a");
	assert_int_equal(iv_channel_register(&channel), 0);
	assert_int_equal(send_word(&sender, &letter[1], "b"), -EPIPE);
	iv_channel_sender_close(&sender);
	open_sender(&sender, &channel);
	assert_int_equal(send_word(&sender, &letter[1], "b"), 0);
	run_to_the_end();
	assert_noted("b end");
	iv_channel_unregister(&channel);
	iv_channel_sender_close(&sender);
	iv_deinit();
}

static void
unregister_and_free(void *cookie, struct iv_channel_message *message)
{
	struct iv_channel *own = cookie;

	got(NULL, message);
	iv_channel_unregister(own);
	memset(own, 0xa5, sizeof(*own));
	free(own);
}

static void drop_quietly(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	got_back(NULL, message);
}

static void its_handler_may_unregister_and_free_it(void **state)
{
	struct iv_channel *own = malloc(sizeof(*own));

	(void)state;
	iv_init();
	init_channel(own);
	own->cookie = own;
	own->handler = unregister_and_free;
	own->dropped = drop_quietly;
	assert_int_equal(iv_channel_register(own), 0);
	open_sender(&sender, own);
	send_word(&sender, &letter[0], "a");
	send_word(&sender, &letter[1], "b");
	iv_main();
	assert_noted("a dropped b");
	iv_channel_sender_close(&sender);
	iv_deinit();
}

/* All of one: the slot of the closed channel is free for the next. */
static void
unregister_and_open_another(void *cookie, struct iv_channel_message *message)
{
	got(cookie, message);
	iv_channel_unregister(&channel);
	iv_channel_sender_close(&sender);
	open_both(&channel, &sender);
	send_word(&sender, &letter[2], "c");
}

static void its_handler_may_replace_it(void **state)
{
	(void)state;
	iv_init();
	open_handling(&channel, &sender, unregister_and_open_another, NULL);
	send_word(&sender, &letter[0], "a");
	send_word(&sender, &letter[1], "b");
	run_to_the_end();
	assert_noted("a dropped b c end");
	iv_channel_unregister(&channel);
	iv_channel_sender_close(&sender);
	iv_deinit();
}

static void unregister_inside(void *cookie, struct iv_channel_message *message)
{
	got(cookie, message);
	if (letter_of(message) == &letter[0])
		run_until_quit("the end of the channel");
	if (letter_of(message) == &letter[1]) {
		iv_channel_unregister(&channel);
		iv_quit();
	}
}

static void and_so_may_a_handler_inside_its_handler(void **state)
{
	(void)state;
	iv_init();
	open_handling(&channel, &sender, unregister_inside, NULL);
	send_word(&sender, &letter[0], "a");
	send_word(&sender, &letter[1], "b");
	send_word(&sender, &letter[2], "c");
	iv_main();
	assert_noted("a b dropped c");
	iv_channel_sender_close(&sender);
	iv_deinit();
}

static void the_end_of_the_loop_closes_it(void **state)
{
	(void)state;
	open_here();
	send_word(&sender, &letter[0], "a");
	iv_deinit();
	assert_noted("dropped a");
	assert_int_equal(send_word(&sender, &letter[1], "b"), -EPIPE);
	iv_channel_sender_close(&sender);
	iv_init();
	open_both(&channel, &sender);
	send_word(&sender, &letter[0], "a");
	run_to_the_end();
	assert_noted("a end");
	iv_channel_sender_close(&sender);
	iv_channel_unregister(&channel);
	iv_deinit();
}

/* Threads that end ********************************************************/

static int num_dropped;

static void count_dropped(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	(void)message;
	num_dropped++;
}

static void end_thread(void *cookie, struct iv_channel_message *message)
{
	(void)cookie;
	(void)message;
	pthread_exit(NULL);
}

static sem_t opened;

static void *receive(void *leave)
{
	iv_init();
	init_channel(&channel);
	channel.handler = end_thread;
	channel.dropped = count_dropped;
	if (iv_channel_register(&channel) != 0)
		abort();
	open_sender(&sender, &channel);
	sem_post(&opened);
	if (leave == NULL)
		iv_main();

	return NULL;
}

static void a_thread_may_end_with_its_channel(void **state)
{
	(void)state;
	sem_init(&opened, 0, 0);
	in_thread(receive, "leave");
	assert_int_equal(send_word(&sender, &letter[0], "a"), -EPIPE);
	iv_channel_sender_close(&sender);
	sem_destroy(&opened);
}

static void and_inside_a_handler(void **state)
{
	pthread_t thread;
	int ret;

	(void)state;
	sem_init(&opened, 0, 0);
	thread = start_thread(receive, NULL);
	sem_wait(&opened);
	assert_int_equal(send_word(&sender, &letter[0], "a"), 0);
	ret = send_word(&sender, &letter[1], "b");
	join_thread(thread);
	assert_int_equal(num_dropped, ret == 0 ? 1 : 0);
	assert_int_equal(send_word(&sender, &letter[2], "c"), -EPIPE);
	iv_channel_sender_close(&sender);
	sem_destroy(&opened);
}

/* Forks *******************************************************************/

static int use_own_in_child(void *arg)
{
	(void)arg;
	send_word(&sender, &letter[1], "b");
	run_to_the_end();
	assert_noted("a b end");
	iv_channel_sender_close(&sender);
	iv_channel_unregister(&channel);
	iv_deinit();

	return 0;
}

static void a_child_has_the_channels_of_the_thread_that_forked(void **state)
{
	(void)state;
	open_here();
	send_word(&sender, &letter[0], "a");
	in_child(use_own_in_child, NULL);
	run_to_the_end();
	assert_noted("a end");
	iv_channel_sender_close(&sender);
	iv_channel_unregister(&channel);
	iv_deinit();
}

static sem_t leave;

static void *hold_channel(void *arg)
{
	iv_init();
	init_channel(&channel);
	channel.dropped = count_dropped;
	if (iv_channel_register(&channel) != 0)
		abort();
	open_sender(&sender, &channel);
	sem_post(&opened);
	sem_wait(&leave);
	iv_channel_unregister(&channel);
	iv_deinit();

	return arg;
}

static int send_in_child(void *arg)
{
	(void)arg;
	if (send_word(&sender, &letter[0], "a") != -EPIPE)
		leave_child(1);
	iv_channel_sender_close(&sender);
	iv_init();
	open_both(&channel, &sender);
	send_word(&sender, &letter[0], "a");
	run_to_the_end();
	assert_noted("a end");
	leave_child(0);
}

static void and_those_of_other_threads_are_closed(void **state)
{
	pthread_t thread;

	(void)state;
	sem_init(&opened, 0, 0);
	sem_init(&leave, 0, 0);
	thread = start_thread(hold_channel, NULL);
	sem_wait(&opened);
	assert_int_equal(send_word(&sender, &letter[1], "b"), 0);
	in_child(send_in_child, NULL);
	assert_int_equal(send_word(&sender, &letter[0], "a"), 0);
	sem_post(&leave);
	join_thread(thread);
	assert_int_equal(num_dropped, 2);
	iv_channel_sender_close(&sender);
	sem_destroy(&opened);
	sem_destroy(&leave);
}

/* Bad input ***************************************************************/

static void a_bad_channel_is_refused(void **state)
{
	(void)state;
	iv_init();
	init_channel(&channel);
	channel.handler = NULL;
	assert_int_equal(iv_channel_register(&channel), -EINVAL);
	channel.handler = got;
	channel.limit = (unsigned int)INT_MAX + 1;
	assert_int_equal(iv_channel_register(&channel), -EINVAL);
	channel.limit = INT_MAX;
	assert_int_equal(iv_channel_register(&channel), 0);
	iv_channel_unregister(&channel);
	iv_deinit();
}

/* A loop's first channel opens its waker: one descriptor, or a pipe's two. */
static void without_descriptors_register_is_refused(void **state)
{
	int before;

	(void)state;
	iv_init();
	init_channel(&channel);
	before = num_open_fds();
	leave_descriptors(0);
	assert_int_equal(iv_channel_register(&channel), -EMFILE);
	give_descriptors_back();
	assert_int_equal(num_open_fds(), before);
	assert_int_equal(iv_channel_register(&channel), 0);
	iv_channel_unregister(&channel);
	iv_deinit();
}

static void do_register(void *arg)
{
	(void)arg;
	iv_channel_register(&channel);
}

static void do_unregister(void *arg)
{
	(void)arg;
	iv_channel_unregister(&channel);
}

static void do_open(void *arg)
{
	(void)arg;
	iv_channel_sender_open(&sender, &channel);
}

static void do_clone(void *arg)
{
	iv_channel_sender_clone(arg, &sender);
}

static void do_close(void *arg)
{
	(void)arg;
	iv_channel_sender_close(&sender);
}

static void do_send(void *arg)
{
	(void)arg;
	iv_channel_send(&sender, &letter[0].message);
}

static void do_want_room(void *arg)
{
	(void)arg;
	iv_channel_sender_want_room(&sender, 1);
}

static void use_before_init_is_fatal(void **state)
{
	(void)state;
	init_channel(&channel);
	expect_fatal(do_register, NULL, "iv_channel_register", "iv_init");
	expect_fatal(do_unregister, NULL, "iv_channel_unregister", "iv_init");
}

static void use_of_what_is_not_open_is_fatal(void **state)
{
	struct iv_channel_sender other;

	(void)state;
	iv_init();
	init_channel(&channel);
	IV_CHANNEL_SENDER_INIT(&sender);
	IV_CHANNEL_SENDER_INIT(&other);
	write_letter(&letter[0], "a");
	expect_fatal(do_unregister, NULL, "iv_channel_unregister",
		     "register it first");
	expect_fatal(do_open, NULL, "iv_channel_sender_open",
		     "register it first");
	expect_fatal(do_clone, &other, "iv_channel_sender_clone",
		     "open it first");
	expect_fatal(do_close, NULL, "iv_channel_sender_close",
		     "open it first");
	expect_fatal(do_send, NULL, "iv_channel_send", "open it first");
	expect_fatal(do_want_room, NULL, "iv_channel_sender_want_room",
		     "open it first");
	iv_deinit();
}

static void opening_twice_is_fatal(void **state)
{
	(void)state;
	open_here();
	expect_fatal(do_register, NULL, "iv_channel_register",
		     "unregister it first");
	expect_fatal(do_open, NULL, "iv_channel_sender_open", "close it first");
	expect_fatal(do_clone, &sender, "iv_channel_sender_clone",
		     "close it first");
	iv_channel_sender_close(&sender);
	iv_channel_unregister(&channel);
	iv_deinit();
}

static void unregistering_elsewhere_is_fatal(void **state)
{
	(void)state;
	open_here();
	expect_fatal_elsewhere(do_unregister, NULL, "iv_channel_unregister",
			       "another thread");
	iv_channel_sender_close(&sender);
	iv_channel_unregister(&channel);
	iv_deinit();
}

static void sending_twice_is_fatal(void **state)
{
	(void)state;
	open_here();
	send_word(&sender, &letter[0], "a");
	expect_fatal(do_send, NULL, "iv_channel_send", "in a channel already");
	run_to_the_end();
	assert_noted("a end");
	assert_int_equal(iv_channel_send(&sender, &letter[0].message), 0);
	iv_channel_unregister(&channel);
	assert_noted("dropped a");
	iv_channel_sender_close(&sender);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(what_was_not_delivered_is_handed_back_in_order),
	TEST(without_a_drop_callback_it_is_forgotten),
	TEST(it_may_be_registered_again),
	TEST(its_handler_may_unregister_and_free_it),
	TEST(its_handler_may_replace_it),
	TEST(and_so_may_a_handler_inside_its_handler),
	TEST(the_end_of_the_loop_closes_it),
	TEST(a_thread_may_end_with_its_channel),
	TEST(and_inside_a_handler),
	TEST(a_child_has_the_channels_of_the_thread_that_forked),
	TEST(and_those_of_other_threads_are_closed),
	TEST(a_bad_channel_is_refused),
	TEST(without_descriptors_register_is_refused),
	TEST(use_before_init_is_fatal),
	TEST(use_of_what_is_not_open_is_fatal),
	TEST(opening_twice_is_fatal),
	TEST(unregistering_elsewhere_is_fatal),
	TEST(sending_twice_is_fatal),
};

TEST_MAIN(cases)
