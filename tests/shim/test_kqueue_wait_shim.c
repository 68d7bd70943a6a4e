/* SPDX-License-Identifier: MIT */
/*
 * test_kqueue_wait_shim.c - how long kevent(2) waits, and queues that threads
 * have in common
 */
#include <fcntl.h>
#include <poll.h>
#include "kqueue_bed.h"
#include "time_bed.h"

static int fds[2];
static int kq;

static void begin(void)
{
	kq = make_queue();
	make_pipe(fds);
}

static void end(void)
{
	close(kq);
	close_both(fds);
}

static void without_room_nothing_is_waited_for(void **state)
{
	(void)state;
	begin();
	assert_int_equal(kevent(kq, NULL, 0, NULL, 0, NULL), 0);
	end();
}

static void changes_are_made_before_the_wait(void **state)
{
	struct kevent kev;

	(void)state;
	begin();
	put_byte(fds[1]);
	EV_SET(&kev, fds[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	assert_int_equal(kevent(kq, &kev, 1, &kev, 1, NULL), 1);
	assert_int_equal(kev.ident, fds[0]);
	end();
}

static void a_wait_ends_with_its_time(void **state)
{
	const struct timespec time = { 0, 2500000 };
	struct kevent event;
	struct timespec before;

	(void)state;
	begin();
	before = clock_now();
	assert_int_equal(kevent(kq, NULL, 0, &event, 1, &time), 0);
	assert_true(ns_since(before) >= time.tv_nsec);
	end();
}

static void signals_end_a_wait(void **state)
{
	struct kevent kev;
	int ret, error;

	(void)state;
	begin();
	start_alarms(ignore, 1000);
	EV_SET(&kev, fds[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	ret = kevent(kq, &kev, 1, &kev, 1, NULL);
	error = errno;
	stop_alarms();
	assert_int_equal(ret, -1);
	assert_int_equal(error, EINTR);

	/* The change was made. */
	put_byte(fds[1]);
	assert_one(kq, fds[0], EVFILT_READ);
	end();
}

static void *wait_for_one(void *arg)
{
	static const uintptr_t none = 0;
	struct kevent event;

	(void)arg;
	if (kevent(kq, NULL, 0, &event, 1, NULL) != 1)
		return (void *)none;

	return (void *)event.ident;
}

static void *add_and_fill(void *arg)
{
	(void)arg;
	change(kq, (uintptr_t)fds[0], EVFILT_READ, EV_ADD | EV_ONESHOT, 0, 0,
	       NULL);

	return (void *)(uintptr_t)(write(fds[1], "", 1) == 1);
}

static void other_threads_may_change_what_is_waited_for(void **state)
{
	struct kevent event;
	pthread_t thread;

	(void)state;
	begin();
	thread = start_thread(add_and_fill, NULL);
	assert_int_equal(kevent(kq, NULL, 0, &event, 1, NULL), 1);
	assert_int_equal(event.ident, fds[0]);
	assert_non_null(join_thread(thread));
	assert_nothing(kq);
	end();
}

static void several_threads_share_what_comes(void **state)
{
	pthread_t threads[2];
	uintptr_t got = 0;
	uintptr_t i;

	(void)state;
	begin();
	for (i = 0; i < 2; i++)
		threads[i] = start_thread(wait_for_one, NULL);
	for (i = 1; i <= 2; i++)
		change(kq, i, EVFILT_USER, EV_ADD | EV_CLEAR, NOTE_TRIGGER, 0,
		       NULL);
	for (i = 0; i < 2; i++)
		got += (uintptr_t)join_thread(threads[i]);
	assert_int_equal(got, 1 + 2);
	assert_nothing(kq);
	end();
}

static void a_queue_can_be_polled(void **state)
{
	struct pollfd pfd = { .events = POLLIN };
	int outer;

	(void)state;
	begin();
	outer = make_queue();
	pfd.fd = kq;
	watch(kq, fds[0], EVFILT_READ, 0);
	watch(outer, kq, EVFILT_READ, 0);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	assert_nothing(outer);
	put_byte(fds[1]);
	assert_int_equal(poll(&pfd, 1, 0), 1);
	assert_one(outer, kq, EVFILT_READ);
	assert_one(kq, fds[0], EVFILT_READ);
	assert_int_equal(poll(&pfd, 1, 0), 1);
	get_byte(fds[0]);
	assert_nothing(kq);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	close(outer);
	end();
}

static int look_in_child(void *arg)
{
	struct kevent event;

	(void)arg;
	if (look(kq, &event, 1) != -1 || errno != EBADF)
		return 1;

	return fcntl(kq, F_GETFD) != -1;
}

static void a_child_has_no_queue(void **state)
{
	(void)state;
	begin();
	watch(kq, fds[0], EVFILT_READ, 0);
	in_child(look_in_child, NULL);
	put_byte(fds[1]);
	assert_one(kq, fds[0], EVFILT_READ);
	end();
}

static const struct test_case cases[] = {
	TEST(without_room_nothing_is_waited_for),
	TEST(changes_are_made_before_the_wait),
	TEST(a_wait_ends_with_its_time),
	TEST(signals_end_a_wait),
	TEST(other_threads_may_change_what_is_waited_for),
	TEST(several_threads_share_what_comes),
	TEST(a_queue_can_be_polled),
	TEST(a_child_has_no_queue),
};

TEST_MAIN(cases)
