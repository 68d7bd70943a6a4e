/* SPDX-License-Identifier: MIT */
/*
 * test_port_timer_shim.c - timers that send to an event port, as
 * timer_create(3c) has them
 */
#include <port.h>
#include <errno.h>
#include <signal.h>
#include <time.h>
#include "port_bed.h"
#include "time_bed.h"

static const timespec_t short_time = { 0, 10000000 };
static const timespec_t longer_time = { 0, 20000000 };

static timer_t make_timer(int port, void *user)
{
	port_notify_t notify = { .portnfy_port = port, .portnfy_user = user };
	struct sigevent event = { .sigev_notify = SIGEV_PORT };
	timer_t timer;

	event.sigev_value.sival_ptr = &notify;
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);

	return timer;
}

static void set_timer(timer_t timer, int flags, struct timespec value)
{
	struct itimerspec at = { .it_value = value };

	assert_int_equal(timer_settime(timer, flags, &at, NULL), 0);
}

static void a_timer_sends_when_it_expires(void **state)
{
	struct timespec then;
	port_event_t event;
	timer_t timer;
	int port;

	(void)state;
	port = make_port();
	timer = make_timer(port, "timer");
	assert_nothing(port);
	then = clock_now();
	set_timer(timer, 0, short_time);
	assert_int_equal(port_get(port, &event, NULL), 0);
	assert_true(ns_since(then) >= 10000000);
	assert_int_equal(event.portev_source, PORT_SOURCE_TIMER);
	assert_int_equal(event.portev_object, (uintptr_t)timer);
	assert_int_equal(event.portev_events, 1);
	assert_string_equal(event.portev_user, "timer");
	assert_nothing(port);
	assert_int_equal(timer_delete(timer), 0);
	close(port);
}

static void an_absolute_time_that_has_passed_is_now(void **state)
{
	port_event_t event;
	timer_t timer;
	int port;

	(void)state;
	port = make_port();
	timer = make_timer(port, NULL);
	set_timer(timer, TIMER_ABSTIME, (struct timespec){ 0, 1 });
	assert_int_equal(port_get(port, &event, NULL), 0);
	set_timer(timer, TIMER_ABSTIME, (struct timespec){ 0, 1 });
	assert_int_equal(port_get(port, &event, NULL), 0);
	timer_delete(timer);
	close(port);
}

static void an_absolute_time_is_waited_for(void **state)
{
	struct timespec due = clock_now();
	port_event_t event;
	timer_t timer;
	int port;

	(void)state;
	port = make_port();
	timer = make_timer(port, NULL);
	due.tv_nsec += 10000000;
	if (due.tv_nsec >= 1000000000) {
		due.tv_sec++;
		due.tv_nsec -= 1000000000;
	}
	set_timer(timer, TIMER_ABSTIME, due);
	assert_int_equal(port_get(port, &event, NULL), 0);
	assert_true(ns_since(due) >= 0);
	timer_delete(timer);
	close(port);
}

static void a_timer_that_is_set_anew_expires_then(void **state)
{
	port_event_t event;
	timer_t timer;
	int port;

	(void)state;
	port = make_port();
	timer = make_timer(port, NULL);
	set_timer(timer, 0, (struct timespec){ 1000, 0 });
	set_timer(timer, 0, (struct timespec){ 0, 1 });
	assert_int_equal(port_get(port, &event, NULL), 0);
	set_timer(timer, 0, short_time);
	set_timer(timer, 0, (struct timespec){ 0, 0 });
	assert_error(port_get(port, &event, &longer_time), ETIME);
	timer_delete(timer);
	close(port);
}

static void a_timer_has_one_event_at_a_time(void **state)
{
	struct itimerspec often = { { 0, 1000 }, { 0, 1000 } };
	port_event_t event;
	struct timespec then;
	timer_t timer;
	uint_t num;
	int port;

	(void)state;
	port = make_port();
	timer = make_timer(port, NULL);
	assert_int_equal(timer_settime(timer, 0, &often, NULL), 0);
	then = clock_now();
	do {
		assert_int_equal(port_getn(port, NULL, 0, &num, NULL), 0);
	} while (num == 0 || ns_since(then) < 1000000);
	assert_int_equal(num, 1);
	set_timer(timer, 0, (struct timespec){ 0, 0 });
	assert_int_equal(port_get(port, &event, NULL), 0);
	assert_true(event.portev_events > 1);
	assert_nothing(port);
	timer_delete(timer);
	close(port);
}

static void a_deleted_timer_takes_its_event_along(void **state)
{
	struct itimerspec at = { { 0, 0 }, { 0, 1 } };
	timer_t timer;
	uint_t num;
	int port;

	(void)state;
	port = make_port();
	timer = make_timer(port, NULL);
	assert_int_equal(timer_settime(timer, 0, &at, NULL), 0);
	do {
		assert_int_equal(port_getn(port, NULL, 0, &num, NULL), 0);
	} while (num == 0);
	timer_delete(timer);
	assert_nothing(port);
	close(port);
}

static void a_timer_may_outlive_its_port(void **state)
{
	timer_t timer;
	int port;

	(void)state;
	port = make_port();
	timer = make_timer(port, NULL);
	close(port);
	set_timer(timer, 0, short_time);
	assert_int_equal(timer_delete(timer), 0);
}

static void other_timers_are_left_to_the_system(void **state)
{
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	struct itimerspec at = { { 0, 0 }, { 1000, 0 } };
	timer_t timer;

	(void)state;
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	assert_int_equal(timer_settime(timer, 0, &at, NULL), 0);
	assert_int_equal(timer_delete(timer), 0);
}

static int close_port(void *arg)
{
	return close(*(int *)arg);
}

/* What its parent has set goes off all the same. */
static void a_child_does_not_inherit_timers(void **state)
{
	const struct timespec later = { 0, 100000000 };
	port_event_t event;
	timer_t timer;
	int port;

	(void)state;
	port = make_port();
	timer = make_timer(port, NULL);
	set_timer(timer, 0, later);
	in_child(close_port, &port);
	assert_int_equal(port_get(port, &event, NULL), 0);
	assert_int_equal(event.portev_source, PORT_SOURCE_TIMER);
	timer_delete(timer);
	close(port);
}

static const struct test_case cases[] = {
	TEST(a_timer_sends_when_it_expires),
	TEST(an_absolute_time_that_has_passed_is_now),
	TEST(an_absolute_time_is_waited_for),
	TEST(a_timer_that_is_set_anew_expires_then),
	TEST(a_timer_has_one_event_at_a_time),
	TEST(a_deleted_timer_takes_its_event_along),
	TEST(a_timer_may_outlive_its_port),
	TEST(other_timers_are_left_to_the_system),
	TEST(a_child_does_not_inherit_timers),
};

TEST_MAIN(cases)
