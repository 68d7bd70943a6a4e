/* SPDX-License-Identifier: MIT */
/*
 * test_port_get_shim.c - event ports as port_get(3c) has them: how many
 * events, and how long to wait
 */
#include <port.h>
#include <errno.h>
#include "port_bed.h"
#include "time_bed.h"

static const timespec_t short_time = { 0, 10000000 };

static void send(int port, int num)
{
	int i;

	for (i = 1; i <= num; i++)
		assert_int_equal(port_send(port, i, NULL), 0);
}

static void all_that_are_there_are_retrieved(void **state)
{
	port_event_t events[4];
	uint_t num = 1;
	int port;

	(void)state;
	port = make_port();
	send(port, 3);
	assert_int_equal(port_getn(port, events, 4, &num, NULL), 0);
	assert_int_equal(num, 3);
	assert_int_equal(events[0].portev_events, 1);
	assert_int_equal(events[2].portev_events, 3);
	assert_nothing(port);
	close(port);
}

static void no_more_are_retrieved_than_have_room(void **state)
{
	port_event_t events[2];
	uint_t num = 1;
	int port;

	(void)state;
	port = make_port();
	send(port, 3);
	assert_int_equal(port_getn(port, events, 2, &num, NULL), 0);
	assert_int_equal(num, 2);
	assert_user(port, 3);
	close(port);
}

static void without_room_they_are_counted(void **state)
{
	uint_t num = 77;
	int port;
	int pipe[2];

	(void)state;
	port = make_port();
	make_pipe(pipe);
	assert_int_equal(port_getn(port, NULL, 0, &num, NULL), 0);
	assert_int_equal(num, 0);
	send(port, 2);
	associate(port, pipe[1], POLLOUT, NULL);
	assert_int_equal(port_getn(port, NULL, 0, &num, NULL), 0);
	assert_int_equal(num, 3);
	assert_user(port, 1);
	close_both(pipe);
	close(port);
}

static void when_time_is_up_the_few_are_retrieved(void **state)
{
	port_event_t events[4];
	uint_t num = 3;
	int port;

	(void)state;
	port = make_port();
	send(port, 2);
	assert_error(port_getn(port, events, 4, &num, &short_time), ETIME);
	assert_int_equal(num, 2);
	assert_int_equal(events[1].portev_events, 2);
	num = 3;
	assert_error(port_getn(port, events, 4, &num, &no_time), ETIME);
	assert_int_equal(num, 0);
	close(port);
}

static void a_timeout_is_waited_for(void **state)
{
	struct timespec then;
	port_event_t event;
	int port;

	(void)state;
	port = make_port();
	then = clock_now();
	assert_error(port_get(port, &event, &short_time), ETIME);
	assert_true(ns_since(then) >= 10000000);
	close(port);
}

static void a_signal_interrupts_a_wait(void **state)
{
	port_event_t events[3];
	uint_t num = 3;
	int port;

	(void)state;
	port = make_port();
	send(port, 2);
	start_alarms(ignore, 1000);
	assert_error(port_getn(port, events, 3, &num, NULL), EINTR);
	assert_int_equal(num, 2);
	assert_error(port_get(port, events, NULL), EINTR);
	stop_alarms();
	close(port);
}

static void nonsense_is_invalid(void **state)
{
	const timespec_t negative = { -1, 0 };
	const timespec_t below = { 0, -1 };
	const timespec_t above = { 0, 1000000001 };
	port_event_t event;
	uint_t num = 2;
	int port;

	(void)state;
	port = make_port();
	assert_error(port_getn(port, &event, 1, &num, NULL), EINVAL);
	num = 1;
	assert_error(port_getn(port, NULL, 1, &num, NULL), EINVAL);
	assert_error(port_getn(port, &event, 1, NULL, NULL), EINVAL);
	assert_error(port_get(port, &event, &negative), EINVAL);
	assert_error(port_get(port, &event, &below), EINVAL);
	assert_error(port_getn(port, &event, 1, &num, &above), EINVAL);
	close(port);
}

/* In another thread: what port_get() says, and the source of the event. */
struct wait {
	int port;
	uint_t wanted;
	int error;
	uint_t num;
	port_event_t events[4];
};

static void *wait_for_events(void *arg)
{
	struct wait *wait = arg;

	wait->num = wait->wanted;
	wait->error = 0;
	if (port_getn(wait->port, wait->events, 4, &wait->num, NULL) < 0)
		wait->error = errno;

	return NULL;
}

static void a_wait_ends_with_what_is_sent(void **state)
{
	struct wait wait = { .wanted = 2 };
	pthread_t thread;

	(void)state;
	wait.port = make_port();
	thread = start_thread(wait_for_events, &wait);
	send(wait.port, 2);
	join_thread(thread);
	assert_int_equal(wait.error, 0);
	assert_int_equal(wait.num, 2);
	close(wait.port);
}

static void a_wait_ends_with_what_happens(void **state)
{
	struct wait wait = { .wanted = 1 };
	pthread_t thread;
	int pipe[2];

	(void)state;
	wait.port = make_port();
	make_pipe(pipe);
	thread = start_thread(wait_for_events, &wait);
	associate(wait.port, pipe[0], POLLIN, NULL);
	put_byte(pipe[1]);
	join_thread(thread);
	assert_int_equal(wait.error, 0);
	assert_int_equal(wait.events[0].portev_object, pipe[0]);
	close_both(pipe);
	close(wait.port);
}

static void an_alert_ends_every_wait(void **state)
{
	struct wait waits[2] = { { .wanted = 1 }, { .wanted = 4 } };
	pthread_t threads[2];
	int port;
	int i;

	(void)state;
	port = make_port();
	for (i = 0; i < 2; i++) {
		waits[i].port = port;
		threads[i] = start_thread(wait_for_events, &waits[i]);
	}
	assert_int_equal(port_alert(port, PORT_ALERT_SET, 1, NULL), 0);
	for (i = 0; i < 2; i++) {
		join_thread(threads[i]);
		assert_int_equal(waits[i].error, 0);
		assert_int_equal(waits[i].num, 1);
		assert_int_equal(waits[i].events[0].portev_source,
				 PORT_SOURCE_ALERT);
	}
	close(port);
}

static void serve_two(void)
{
	struct wait waits[2] = { { .wanted = 3 }, { .wanted = 1 } };
	pthread_t threads[2];
	int port;
	int i;

	port = make_port();
	for (i = 0; i < 2; i++) {
		waits[i].port = port;
		threads[i] = start_thread(wait_for_events, &waits[i]);
	}
	send(port, 1);
	join_thread(threads[1]);
	assert_int_equal(waits[1].num, 1);
	send(port, 3);
	join_thread(threads[0]);
	assert_int_equal(waits[0].num, 3);
	close(port);
}

/* Now and then both are waiting by then. */
static void one_that_wants_less_is_served_first(void **state)
{
	int rounds = scaled(500);

	(void)state;
	while (rounds-- > 0)
		serve_two();
}

static void closing_a_port_ends_every_wait(void **state)
{
	struct wait wait = { .wanted = 1 };
	pthread_t thread;

	(void)state;
	wait.port = make_port();
	thread = start_thread(wait_for_events, &wait);
	close(wait.port);
	join_thread(thread);
	assert_int_equal(wait.error, EBADF);
	assert_int_equal(wait.num, 0);
}

static int handler_port;

static void send_in_handler(int signum)
{
	int saved_errno = errno;

	port_send(handler_port, signum, NULL);
	errno = saved_errno;
}

static void a_signal_handler_may_send(void **state)
{
	port_event_t event;
	int num = scaled(1000);

	(void)state;
	handler_port = make_port();
	start_alarms(send_in_handler, 100);
	while (num > 0) {
		if (port_get(handler_port, &event, NULL) == 0)
			num--;
		else
			assert_int_equal(errno, EINTR);
	}
	stop_alarms();
	close(handler_port);
}

enum { NUM_THREADS = 3 };

static void *send_many(void *arg)
{
	int num = scaled(2000);

	while (num-- > 0) {
		if (port_send(*(int *)arg, 1, NULL) < 0)
			return NULL;
	}

	return arg;
}

static void threads_may_send_at_once(void **state)
{
	pthread_t threads[NUM_THREADS];
	port_event_t event;
	int port;
	int i;

	(void)state;
	port = make_port();
	for (i = 0; i < NUM_THREADS; i++)
		threads[i] = start_thread(send_many, &port);
	for (i = 0; i < NUM_THREADS * scaled(2000); i++)
		assert_int_equal(port_get(port, &event, NULL), 0);
	for (i = 0; i < NUM_THREADS; i++)
		assert_non_null(join_thread(threads[i]));
	assert_nothing(port);
	close(port);
}

static void a_port_can_be_polled(void **state)
{
	struct pollfd pfd = { .events = POLLIN };
	int port;

	(void)state;
	port = make_port();
	pfd.fd = port;
	assert_int_equal(poll(&pfd, 1, 0), 0);
	send(port, 1);
	assert_int_equal(poll(&pfd, 1, 0), 1);
	assert_user(port, 1);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	close(port);
}

static const struct test_case cases[] = {
	TEST(all_that_are_there_are_retrieved),
	TEST(no_more_are_retrieved_than_have_room),
	TEST(without_room_they_are_counted),
	TEST(when_time_is_up_the_few_are_retrieved),
	TEST(a_timeout_is_waited_for),
	TEST(a_signal_interrupts_a_wait),
	TEST(nonsense_is_invalid),
	TEST(a_wait_ends_with_what_is_sent),
	TEST(a_wait_ends_with_what_happens),
	TEST(an_alert_ends_every_wait),
	TEST(one_that_wants_less_is_served_first),
	TEST(closing_a_port_ends_every_wait),
	TEST(a_signal_handler_may_send),
	TEST(threads_may_send_at_once),
	TEST(a_port_can_be_polled),
};

TEST_MAIN(cases)
