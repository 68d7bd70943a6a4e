/* SPDX-License-Identifier: MIT */
/*
 * test_fallback.c - system calls that a kernel, or a filter of system calls,
 * does not know: ENOSYS, EPERM, EINVAL
 *
 * The C library's calls are stood in for by ones that answer so.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <iv_event.h>
#include <iv_event_raw.h>
#include "harness.h"

/* Of the calls that are finer than a millisecond. */
static int fine_error, fine_calls;

static int epoll_error, eventfd_error, timerfd_error;
static int wait_calls, eventfd_calls;

/* -1 with errno, or what the system call answers. */
#define ANSWER(error, ...) \
	((error) != 0 ? (errno = (error), -1) : (int)syscall(__VA_ARGS__))

int epoll_pwait2(int epfd, struct epoll_event *events, int num,
		 const struct timespec *timeout, const sigset_t *mask)
{
	fine_calls++;

	return ANSWER(fine_error, SYS_epoll_pwait2, epfd, events, num, timeout,
		      mask, (size_t)8);
}

int ppoll(struct pollfd *fds, nfds_t num, const struct timespec *timeout,
	  const sigset_t *mask)
{
	struct timespec left = { 0, 0 };

	if (timeout != NULL)
		left = *timeout;
	fine_calls++;

	return ANSWER(fine_error, SYS_ppoll, fds, num,
		      timeout != NULL ? &left : NULL, mask, (size_t)8);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *at,
		    struct itimerspec *old)
{
	fine_calls++;

	return ANSWER(fine_error, SYS_timerfd_settime, fd, flags, at, old);
}

int timerfd_create(clockid_t clock, int flags)
{
	return ANSWER(timerfd_error, SYS_timerfd_create, clock, flags);
}

int epoll_create1(int flags)
{
	return ANSWER(epoll_error, SYS_epoll_create1, flags);
}

int epoll_wait(int epfd, struct epoll_event *events, int num, int timeout_ms)
{
	wait_calls++;

	return (int)syscall(SYS_epoll_pwait, epfd, events, num, timeout_ms,
			    NULL, (size_t)8);
}

int poll(struct pollfd *fds, nfds_t num, int timeout_ms)
{
	struct timespec left = {
		.tv_sec = timeout_ms / 1000,
		.tv_nsec = timeout_ms % 1000 * 1000000L,
	};

	wait_calls++;

	return (int)syscall(SYS_ppoll, fds, num, timeout_ms < 0 ? NULL : &left,
			    NULL, (size_t)8);
}

int eventfd(unsigned int value, int flags)
{
	eventfd_calls++;

	return ANSWER(eventfd_error, SYS_eventfd2, value, flags);
}

static int rounds;
static struct iv_timer timer;

static void rearm(void *word)
{
	(void)word;
	iv_invalidate_now();
	assert_true(compare_times(&iv_now, &timer.expires) >= 0);
	if (++rounds == 10) {
		note("done");
		return;
	}
	timer.expires = after_ms(1);
	timer.expires.tv_nsec |= 1;
	iv_timer_register(&timer);
}

/* Timers of a millisecond and a bit: not early, and not by spinning. */
static void run_timers(void)
{
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(1);
	timer.handler = rearm;
	rounds = 0;
	iv_timer_register(&timer);
	fine_calls = 0;
	wait_calls = 0;
	iv_main();
	assert_noted("done");
	assert_in_range(fine_calls + wait_calls, 0, 60);
}

static void serve_fd(void)
{
	struct iv_fd fd;
	int pipefd[2];

	make_pipe(pipefd);
	put_byte(pipefd[1]);
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	fd.cookie = "fd";
	fd.handler_in = note_and_quit;
	iv_fd_register(&fd);
	run_until_quit("the descriptor");
	assert_noted("fd");
	iv_fd_unregister(&fd);
	close_both(pipefd);
}

static void wait_with(int error)
{
	fine_error = error;
	iv_init();
	run_timers();
	serve_fd();
	iv_deinit();
}

static void without_fine_timeouts_waits_are_right(void **state)
{
	(void)state;
	wait_with(ENOSYS);
}

static void with_fine_timeouts_forbidden_waits_are_right(void **state)
{
	(void)state;
	wait_with(EPERM);
}

static void with_fine_timeouts_refused_waits_are_right(void **state)
{
	(void)state;
	wait_with(EINVAL);
}

/* A kernel that lacks it lacks it for good: it is asked once a loop. */
static void a_call_that_is_missing_is_not_asked_again(void **state)
{
	static const int errors[] = { ENOSYS, EPERM };
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		wait_with(errors[i]);
		assert_in_range(fine_calls, 0, 1);
	}
}

static bool on_method(const char *name)
{
	bool same;

	iv_init();
	same = strcmp(iv_poll_method_name(), name) == 0;
	if (!same)
		print_message("the method is %s, not %s\n",
			      iv_poll_method_name(), name);
	serve_fd();
	iv_deinit();

	return same;
}

/* Of all that a call may answer. */
static const int refusals[] = {
	ENOSYS, EPERM, EINVAL, EMFILE, ENFILE, ENOMEM,
};

enum { NUM_REFUSALS = sizeof(refusals) / sizeof(refusals[0]), MISSING = 3 };

static void without_timerfds_the_next_method_does(void **state)
{
	int i;

	(void)state;
	unsetenv("IV_SELECT_POLL_METHOD");
	setenv("IV_EXCLUDE_POLL_METHOD", "epoll", 1);
	assert_true(on_method("epoll-timerfd"));
	for (i = 0; i < NUM_REFUSALS; i++) {
		timerfd_error = refusals[i];
		assert_true(on_method("ppoll"));
	}
}

static void without_epoll_the_next_method_does(void **state)
{
	int i;

	(void)state;
	unsetenv("IV_SELECT_POLL_METHOD");
	unsetenv("IV_EXCLUDE_POLL_METHOD");
	assert_true(on_method("epoll"));
	for (i = 0; i < NUM_REFUSALS; i++) {
		epoll_error = refusals[i];
		assert_true(on_method("ppoll"));
	}
}

static void init(void *unused)
{
	(void)unused;
	iv_init();
}

/* The first three say that it is not there, the others that much else is. */
static void a_selected_method_that_is_missing_is_told(void **state)
{
	int i;

	(void)state;
	unsetenv("IV_EXCLUDE_POLL_METHOD");
	setenv("IV_SELECT_POLL_METHOD", "epoll-timerfd", 1);
	for (i = 0; i < MISSING; i++) {
		timerfd_error = refusals[i];
		expect_fatal(init, NULL, "epoll-timerfd", " epoll ppoll poll");
	}
	for (i = MISSING; i < NUM_REFUSALS; i++) {
		timerfd_error = refusals[i];
		assert_true(on_method("epoll"));
	}
}

static void *post(void *event)
{
	iv_event_post(event);

	return NULL;
}

static void post_with(int error)
{
	struct iv_event event = { .cookie = "event" };
	struct iv_event_raw raw = { .cookie = "raw" };

	eventfd_error = error;
	iv_init();
	event.handler = note_and_quit;
	assert_int_equal(iv_event_register(&event), 0);
	in_thread(post, &event);
	run_until_quit("the event");
	assert_noted("event");
	raw.handler = note_and_quit;
	assert_int_equal(iv_event_raw_register(&raw), 0);
	iv_event_raw_post(&raw);
	run_until_quit("the raw event");
	assert_noted("raw");
	iv_event_raw_unregister(&raw);
	iv_event_unregister(&event);
	iv_deinit();
}

static void without_eventfd_a_pipe_does(void **state)
{
	static const int errors[] = { ENOSYS, EPERM, EINVAL };
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		post_with(errors[i]);
}

/* Unlike a missing call this is told: a pipe would not fare better. */
static void an_eventfd_refused_for_want_of_numbers_is_told(void **state)
{
	struct iv_event event = { .cookie = "event", .handler = note };
	struct iv_event_raw raw = { .cookie = "raw", .handler = note };

	(void)state;
	iv_init();
	eventfd_error = ENFILE;
	if (iv_event_register(&event) == 0) {
		assert_int_equal(eventfd_calls, 0);
		iv_event_unregister(&event);
	} else {
		assert_int_equal(errno, ENFILE);
	}
	eventfd_calls = 0;
	if (iv_event_raw_register(&raw) == 0) {
		assert_int_equal(eventfd_calls, 0);
		iv_event_raw_unregister(&raw);
	} else {
		assert_int_equal(errno, ENFILE);
	}
	iv_main();
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(without_fine_timeouts_waits_are_right),
	TEST(with_fine_timeouts_forbidden_waits_are_right),
	TEST(with_fine_timeouts_refused_waits_are_right),
	TEST(a_call_that_is_missing_is_not_asked_again),
	TEST(without_timerfds_the_next_method_does),
	TEST(without_epoll_the_next_method_does),
	TEST(a_selected_method_that_is_missing_is_told),
	TEST(without_eventfd_a_pipe_does),
	TEST(an_eventfd_refused_for_want_of_numbers_is_told),
};

TEST_MAIN(cases)
