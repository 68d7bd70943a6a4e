/* SPDX-License-Identifier: MIT */
/*
 * scenarios_host.c - loops that somebody else turns, and loops that spin
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <iv_event.h>
#include <iv_loop.h>
#include "bed.h"

enum { NUM_POSTS = 5, SPIN_US = 200 };

static int pair[2];
static int num_calls;
static bool has_event;
static struct iv_event event;
static struct iv_fd fd;
static sem_t handled;
static pthread_t poster;

static void prepare_pair(void)
{
	need_pair(pair);
}

static void prepare_nothing(void)
{
}

static bool add_event(void (*handler)(void *cookie))
{
	IV_EVENT_INIT(&event);
	event.handler = handler;
	if (iv_event_register(&event) == 0)
		return true;

	refused("iv_event_register");

	return false;
}

static void add_timer(struct iv_timer *timer, void (*handler)(void *cookie))
{
	IV_TIMER_INIT(timer);
	timer->expires = iv_now;
	timer->expires.tv_nsec += 1000000;
	if (timer->expires.tv_nsec >= 1000000000) {
		timer->expires.tv_nsec -= 1000000000;
		timer->expires.tv_sec++;
	}
	timer->handler = handler;
	iv_timer_register(timer);
}

/* Hosts *******************************************************************/

static void got_byte(void *cookie)
{
	(void)cookie;
	EXPECT(take_all(pair[0]) > 0, "handler_in without anything to read");
	num_calls++;
	iv_fd_unregister(&fd);
}

static void got_event(void *cookie)
{
	(void)cookie;
	num_calls++;
	iv_event_unregister(&event);
	need_write(pair[1], "x");
}

static void *post_event(void *arg)
{
	(void)arg;
	iv_event_post(&event);

	return NULL;
}

/* With nothing to post to, the byte comes from here. */
static void got_timer(void *cookie)
{
	(void)cookie;
	num_calls++;
	if (!has_event) {
		need_write(pair[1], "x");
		return;
	}
	EXPECT(pthread_create(&poster, NULL, post_event, NULL) == 0,
	       "the sweep has no thread");
}

/* As a host waits; false: it cannot. */
static bool wait_as_host(void)
{
	struct pollfd pollfd = { .events = POLLIN };
	int64_t timeout_ns = -2;
	int ms = -1;

	pollfd.fd = iv_loop_prepare(&timeout_ns);
	if (pollfd.fd < 0) {
		EXPECT(timeout_ns == -2, "refused, but an output was touched");
		if (pollfd.fd != -ENOTSUP)
			refused_with("iv_loop_prepare", pollfd.fd);
		return false;
	}

	if (timeout_ns >= 0)
		ms = (int)((timeout_ns + 999999) / 1000000);
	poll(&pollfd, 1, ms);

	return true;
}

static void use_host(void)
{
	static struct iv_timer timer;

	IV_FD_INIT(&fd);
	fd.fd = pair[0];
	fd.handler_in = got_byte;
	iv_fd_register(&fd);
	add_timer(&timer, got_timer);

	stage("a timer, a post and a byte in a loop that is turned");
	while (iv_loop_run_once(wait_as_host() ? 0 : -1))
		continue;
	EXPECT(num_calls == (has_event ? 3 : 2), "%d handlers were called",
	       num_calls);
	if (has_event)
		pthread_join(poster, NULL);
}

static void run_host(void)
{
	num_calls = 0;
	open_loop();
	has_event = add_event(got_event);
	use_host();
	close_loop();
}

/* Spinning ****************************************************************/

static void set_spin(void)
{
	int ret;

	ret = iv_loop_set_spin(SPIN_US);
	EXPECT(ret == 0 || ret == -ENOTSUP, "iv_loop_set_spin returns %d", ret);
	EXPECT(iv_loop_set_spin(-1) == -EINVAL, "a negative time is taken");
}

static void got_post(void *cookie)
{
	(void)cookie;
	num_calls++;
	sem_post(&handled);
	if (num_calls == NUM_POSTS)
		iv_event_unregister(&event);
}

static void *post_in_turn(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < NUM_POSTS; i++) {
		iv_event_post(&event);
		sem_wait(&handled);
	}

	return NULL;
}

static void count_timer(void *cookie)
{
	(void)cookie;
	num_calls++;
}

static void run_spin(void)
{
	static struct iv_timer timer;

	num_calls = 0;
	sem_init(&handled, 0, 0);
	open_loop();
	set_spin();
	if (add_event(got_post)) {
		EXPECT(pthread_create(&poster, NULL, post_in_turn, NULL) == 0,
		       "the sweep has no thread");
		run_loop("posts that are answered");
		pthread_join(poster, NULL);
		EXPECT(num_calls == NUM_POSTS, "%d of %d posts were handled",
		       num_calls, NUM_POSTS);
	}
	num_calls = 0;
	add_timer(&timer, count_timer);
	run_loop("a timer in a loop that spins");
	EXPECT(num_calls == 1, "the timer has not expired");
	EXPECT(iv_loop_set_spin(0) == 0, "spinning cannot be ended");
	close_loop();
}

const struct scenario host_scenarios[] = {
	{ "host", "a loop that is turned from outside", prepare_pair,
	  run_host },
	{ "spin", "a loop that looks for posts, and sleeps", prepare_nothing,
	  run_spin },
	{ 0 },
};
