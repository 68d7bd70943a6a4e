/* SPDX-License-Identifier: MIT */
/*
 * test_dev_poll_wait_shim.c - how long /dev/poll waits, and sets that threads
 * and processes have in common
 */
#include <errno.h>
#include <stdlib.h>
#include "dev_poll_bed.h"
#include "time_bed.h"

static void a_timeout_is_waited_for(void **state)
{
	struct timespec before;
	struct pollfd found;
	int set;

	(void)state;
	set = open_set();
	before = clock_now();
	assert_int_equal(look(set, &found, 1, 10), 0);
	assert_true(ns_since(before) >= 10000000);
	close(set);
}

static void *write_a_byte(void *fd)
{
	put_byte(*(int *)fd);

	return NULL;
}

static void a_wait_ends_when_something_is_ready(void **state)
{
	struct pollfd found;
	pthread_t thread;
	int set;
	int pipe[2];

	(void)state;
	set = open_set();
	make_pipe(pipe);
	put(set, pipe[0], POLLIN);
	thread = start_thread(write_a_byte, &pipe[1]);
	assert_int_equal(look(set, &found, 1, -1), 1);
	join_thread(thread);
	assert_int_equal(found.fd, pipe[0]);
	close_both(pipe);
	close(set);
}

static void a_signal_interrupts_a_wait(void **state)
{
	struct pollfd found;
	int set;

	(void)state;
	set = open_set();
	start_alarms(ignore, 1000);
	assert_int_equal(look(set, &found, 1, -1), -1);
	assert_int_equal(errno, EINTR);
	stop_alarms();
	close(set);
}

enum { NUM_THREADS = 3 };

struct change {
	pthread_t thread;
	int set;
	int pipe[2];
	bool right;
};

static void *change_a_set(void *arg)
{
	struct change *change = arg;
	struct pollfd entries[2] = { { 0 } };
	struct pollfd found;
	int num = scaled(2000);

	entries[0].fd = change->pipe[0];
	entries[0].events = POLLIN;
	entries[1].fd = change->pipe[0];
	entries[1].events = POLLREMOVE;
	for (change->right = true; change->right && num > 0; num--)
		change->right =
			write(change->set, &entries[0], sizeof(entries[0])) >
				0 &&
			look(change->set, &found, 1, 0) == 0 &&
			write(change->set, &entries[1], sizeof(entries[1])) > 0;

	return NULL;
}

/* They close nothing: a wait may still have what has left the set. */
static void threads_may_share_a_set(void **state)
{
	struct change changes[NUM_THREADS];
	int set;
	int i;

	(void)state;
	set = open_set();
	for (i = 0; i < NUM_THREADS; i++) {
		changes[i].set = set;
		make_pipe(changes[i].pipe);
		changes[i].thread = start_thread(change_a_set, &changes[i]);
	}
	for (i = 0; i < NUM_THREADS; i++)
		join_thread(changes[i].thread);
	for (i = 0; i < NUM_THREADS; i++) {
		assert_true(changes[i].right);
		close_both(changes[i].pipe);
	}
	assert_idle(set);
	close(set);
}

static int use_the_parents_set(void *arg)
{
	int set = *(int *)arg;
	struct pollfd entry = { 0 };
	bool right;

	right = write(set, &entry, sizeof(entry)) == -1 && errno == EACCES &&
		look(set, &entry, 1, 0) == -1 && errno == EACCES &&
		ioctl(set, DP_ISPOLLED, &entry) == -1 && errno == EACCES &&
		close(set) == 0;

	set = open_set();
	right = right && look(set, &entry, 1, 0) == 0;
	close(set);

	return !right;
}

static void a_child_may_not_use_its_parents_set(void **state)
{
	int set;
	int pipe[2];

	(void)state;
	set = open_set();
	make_pipe(pipe);
	put(set, pipe[1], POLLOUT);
	in_child(use_the_parents_set, &set);
	assert_ready(set, pipe[1], POLLOUT);
	close_both(pipe);
	close(set);
}

static const struct test_case cases[] = {
	TEST(a_timeout_is_waited_for),
	TEST(a_wait_ends_when_something_is_ready),
	TEST(a_signal_interrupts_a_wait),
	TEST(threads_may_share_a_set),
	TEST(a_child_may_not_use_its_parents_set),
};

TEST_MAIN(cases)
