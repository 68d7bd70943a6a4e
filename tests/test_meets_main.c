/* SPDX-License-Identifier: MIT */
/*
 * test_meets_main.c - what others do while a loop quits, is turned by a host,
 * spins, waits for another, or registers what they post to
 */
#include <poll.h>
#include <signal.h>
#include <iv_channel.h>
#include <iv_loop.h>
#include "meets_bed.h"

static struct meeting meeting;
static int num_rounds;

static void begin(unsigned int num_threads, int plain, int under_tools)
{
	iv_init();
	meeting.num = num_threads;
	num_rounds = rounds_of(plain, under_tools);
}

/* Registering *************************************************************/

static struct iv_event *known;
static sem_t is_known;
static int num_left;

static void next_event(void *cookie);

static void make_known(void)
{
	known = malloc(sizeof(*known));
	assert_non_null(known);
	open_event(known, next_event, known);
	sem_post(&is_known);
}

/* Its poster may still be inside. */
static void next_event(void *cookie)
{
	iv_event_unregister(cookie);
	free(cookie);
	if (--num_left > 0)
		make_known();
	else
		iv_quit();
}

static void *post_what_is_known(void *arg)
{
	int i;

	for (i = 0; i < num_rounds; i++) {
		await(&is_known);
		iv_event_post(known);
	}

	return arg;
}

static void an_event_may_be_posted_once_it_is_known(void **state)
{
	pthread_t poster;

	(void)state;
	begin(1, 10000, 50);
	num_left = num_rounds;
	sem_init(&is_known, 0, 0);
	poster = start_thread(post_what_is_known, NULL);
	make_known();
	run_until_quit("the last event");
	join_thread(poster);
	sem_destroy(&is_known);
	iv_deinit();
}

static void do_post(void *arg)
{
	iv_event_post(arg);
}

static void and_not_before(void **state)
{
	struct iv_event event = { .handler = never_called };

	(void)state;
	iv_init();
	expect_fatal(do_post, &event, "iv_event_post", "not registered");
	iv_deinit();
}

static pthread_barrier_t is_cancelled;

/* A wake is a write(), which is where a thread may be cancelled. */
static void *post_when_cancelled(void *event)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_barrier_wait(&is_cancelled);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	iv_event_post(event);
	for (;;)
		pthread_testcancel();

	return NULL;
}

static void a_cancelled_thread_finishes_its_post(void **state)
{
	struct iv_event event;
	pthread_t thread;
	int i;

	(void)state;
	begin(1, 300, 10);
	pthread_barrier_init(&is_cancelled, NULL, 2);
	open_event(&event, quit, NULL);
	for (i = 0; i < num_rounds; i++) {
		thread = start_thread(post_when_cancelled, &event);
		pthread_cancel(thread);
		pthread_barrier_wait(&is_cancelled);
		run_until_quit("the post");
		assert_ptr_equal(join_thread(thread), PTHREAD_CANCELED);
	}
	pthread_barrier_destroy(&is_cancelled);
	iv_event_unregister(&event);
	iv_deinit();
}

/* Quits *******************************************************************/

static sem_t has_quit;
static iv_loop_id main_id;
static int num_mains;

static void quit_and_tell(void *cookie)
{
	(void)cookie;
	iv_quit();
	sem_post(&has_quit);
}

static int count_mains(void *cookie)
{
	(void)cookie;
	iv_quit();

	return num_mains;
}

static void *call_behind_the_quit(void *arg)
{
	int result = -1;

	(void)arg;
	await(&has_quit);
	MUST(iv_loop_call_wait(main_id, count_mains, NULL, -1, &result) == 0);

	return (void *)(intptr_t)result;
}

static void a_call_behind_a_quit_waits_for_the_next_main(void **state)
{
	struct iv_event event;
	pthread_t caller;
	int i;

	(void)state;
	begin(1, 500, 20);
	main_id = iv_loop_self();
	sem_init(&has_quit, 0, 0);
	open_event(&event, quit_and_tell, NULL);
	for (i = 0; i < num_rounds; i++) {
		caller = start_thread(call_behind_the_quit, NULL);
		iv_event_post(&event);
		num_mains = 1;
		run_until_quit("the quit");
		num_mains = 2;
		run_until_quit("the call");
		assert_int_equal((intptr_t)join_thread(caller), 2);
	}
	sem_destroy(&has_quit);
	iv_event_unregister(&event);
	iv_deinit();
}

static void *join_each_round(void *arg)
{
	int i;

	for (i = 0; i < num_rounds; i++) {
		meet(&meeting);
		MUST(iv_loop_join(main_id, i * 100) == -ETIMEDOUT);
	}

	return arg;
}

static void a_quit_ends_no_join(void **state)
{
	struct iv_event event;
	pthread_t joiner;
	int i;

	(void)state;
	begin(2, 500, 20);
	main_id = iv_loop_self();
	open_event(&event, quit, NULL);
	joiner = start_thread(join_each_round, NULL);
	for (i = 0; i < num_rounds; i++) {
		iv_event_post(&event);
		meet(&meeting);
		run_until_quit("its quit");
	}
	join_thread(joiner);
	iv_event_unregister(&event);
	iv_deinit();
}

static struct iv_event counted;
static iv_event_handle counted_handle;
static atomic_int num_posted;
static int num_seen;

static void see(void *cookie)
{
	(void)cookie;
	num_seen = atomic_load(&num_posted);
}

static void post_counted(void)
{
	atomic_fetch_add(&num_posted, 1);
	MUST(iv_event_handle_post(counted_handle) == 0);
}

static void post_in_handler(int signum)
{
	(void)signum;
	post_counted();
}

static void *send_signals(void *main_thread)
{
	int i;
	int j;

	for (i = 0; i < num_rounds; i++) {
		meet(&meeting);
		for (j = 0; j < 4; j++)
			pthread_kill(*(pthread_t *)main_thread, SIGUSR1);
	}

	return NULL;
}

static void quits_meet_signals(void **state)
{
	struct sigaction action = { .sa_handler = post_in_handler,
				    .sa_flags = SA_RESTART };
	pthread_t self = pthread_self();
	struct iv_event event;
	pthread_t sender;
	int i;

	(void)state;
	begin(2, 1000, 20);
	counted_handle = open_handle(&counted, see, NULL);
	open_event(&event, quit, NULL);
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	sender = start_thread(send_signals, &self);
	for (i = 0; i < num_rounds; i++) {
		iv_event_post(&event);
		meet(&meeting);
		run_until_quit("its quit");
	}
	join_thread(sender);
	iv_event_post(&event);
	run_until_quit("its quit");
	assert_int_equal(num_seen, atomic_load(&num_posted));
	iv_event_unregister(&event);
	iv_event_unregister(&counted);
	iv_deinit();
}

/* Rounds, hosts and spins *************************************************/

static void *post_each_round(void *arg)
{
	int i;

	for (i = 0; i < num_rounds; i++) {
		meet(&meeting);
		post_counted();
	}

	return arg;
}

/* Each post must end the wait that is before it or behind it. */
static void be_posted(void (*turn)(void))
{
	pthread_t posters[2];
	int i;

	counted_handle = open_handle(&counted, see, NULL);
	for (i = 0; i < 2; i++)
		posters[i] = start_thread(post_each_round, NULL);
	for (i = 0; i < num_rounds; i++) {
		meet(&meeting);
		while (num_seen < 2 * (i + 1))
			turn();
	}
	for (i = 0; i < 2; i++)
		join_thread(posters[i]);
	iv_event_unregister(&counted);
	iv_deinit();
}

static void turn_once(void)
{
	struct guard guard;

	guard_start(&guard, "a post that ends the wait");
	assert_int_equal(iv_loop_run_once(-1), 1);
	guard_stop(&guard);
}

static void posts_meet_single_rounds(void **state)
{
	(void)state;
	begin(3, 1000, 40);
	be_posted(turn_once);
}

enum { HANGING_MS = 40000 };

static void turn_as_host(void)
{
	struct pollfd pollfd = { .events = POLLIN };
	int64_t timeout_ns;

	pollfd.fd = iv_loop_prepare(&timeout_ns);
	if (pollfd.fd == -ENOTSUP) {
		turn_once();
		return;
	}
	assert_true(pollfd.fd >= 0);
	if (timeout_ns != 0) {
		assert_int_equal(timeout_ns, -1);
		assert_int_equal(poll(&pollfd, 1, HANGING_MS), 1);
	}
	assert_int_equal(iv_loop_run_once(0), 1);
}

static void posts_meet_a_host(void **state)
{
	(void)state;
	begin(3, 1000, 40);
	be_posted(turn_as_host);
}

static void turn_and_spin(void)
{
	static int us;
	int ret = iv_loop_set_spin(us);

	us = (us + 7) % 50;
	assert_true(ret == 0 || ret == -ENOTSUP);
	turn_once();
}

static void posts_meet_changes_of_the_spin(void **state)
{
	(void)state;
	begin(3, 1000, 40);
	be_posted(turn_and_spin);
}

/* Waiting for another loop ************************************************/

static struct iv_channel channel;
static struct iv_channel_sender sender;
static struct iv_channel_message message;

static void got_message(void *cookie, struct iv_channel_message *got)
{
	(void)cookie;
	(void)got;
	note("message");
}

static void got_closed(void *cookie)
{
	(void)cookie;
	note("closed");
	iv_quit();
}

static int send_to_the_caller(void *cookie)
{
	int ret;

	(void)cookie;
	IV_CHANNEL_MESSAGE_INIT(&message);
	ret = iv_channel_send(&sender, &message);
	iv_channel_sender_close(&sender);

	return ret;
}

struct looper {
	pthread_t thread;
	struct iv_event stay;
	iv_loop_id id;
	sem_t open;
};

static void *live(void *arg)
{
	struct looper *looper = arg;

	iv_init();
	open_event(&looper->stay, never_called, NULL);
	looper->id = iv_loop_self();
	sem_post(&looper->open);
	iv_main();
	iv_event_unregister(&looper->stay);
	iv_deinit();

	return NULL;
}

static void what_is_sent_to_one_that_waits_comes_later(void **state)
{
	struct looper looper;
	int result = -1;
	int i;

	(void)state;
	begin(1, 300, 10);
	sem_init(&looper.open, 0, 0);
	looper.thread = start_thread(live, &looper);
	await(&looper.open);
	IV_CHANNEL_INIT(&channel);
	IV_CHANNEL_SENDER_INIT(&sender);
	channel.handler = got_message;
	channel.closed = got_closed;
	assert_int_equal(iv_channel_register(&channel), 0);
	for (i = 0; i < num_rounds; i++) {
		iv_channel_sender_open(&sender, &channel);
		assert_int_equal(iv_loop_call_wait(looper.id,
						   send_to_the_caller, NULL, -1,
						   &result),
				 0);
		assert_int_equal(result, 0);
		assert_noted("");
		run_until_quit("the end of the sender");
		assert_noted("message closed");
	}
	iv_channel_unregister(&channel);
	assert_int_equal(iv_loop_stop(looper.id), 0);
	join_thread(looper.thread);
	sem_destroy(&looper.open);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(an_event_may_be_posted_once_it_is_known),
	TEST(and_not_before),
	TEST(a_cancelled_thread_finishes_its_post),
	TEST(a_call_behind_a_quit_waits_for_the_next_main),
	TEST(a_quit_ends_no_join),
	TEST(quits_meet_signals),
	TEST(posts_meet_single_rounds),
	TEST(posts_meet_a_host),
	TEST(posts_meet_changes_of_the_spin),
	TEST(what_is_sent_to_one_that_waits_comes_later),
};

TEST_MAIN(cases)
