/* SPDX-License-Identifier: MIT */
/*
 * numbers.c - a descriptor's number, in use again
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "suite.h"

/* A file of @spare's, under @number, which is free. */
static void open_as(int number, int spare)
{
	assert_int_equal(dup3(spare, number, O_CLOEXEC), number);
}

static struct probe near[2], later;
static int idle_end[2];

static struct probe *other(struct probe *own)
{
	return own == &near[0] ? &near[1] : &near[0];
}

static void open_ready_pair(void (*then)(struct probe *own, int band))
{
	int i;

	iv_init();
	make_pipe(idle_end);
	for (i = 0; i < 2; i++) {
		probe_socket(&near[i]);
		put_byte(near[i].far);
		near[i].then = then;
		probe_register(&near[i], IN);
	}
}

static void close_pair(void)
{
	probe_close(&near[0]);
	probe_close(&near[1]);
	close_both(idle_end);
	iv_deinit();
}

/* A's handler closes B, and opens what is idle under B's number. */
static void replace_other(struct probe *own, int band)
{
	int number = other(own)->fd.fd;

	(void)band;
	own->then = NULL;
	probe_want(own, 0);
	probe_close(other(own));
	open_as(number, idle_end[0]);
	probe_on(&later, number);
	probe_register(&later, IN | ERR);
}

static void of_a_sibling_in_the_same_batch(void **state)
{
	(void)state;
	open_ready_pair(replace_other);
	run_rounds(3);
	assert_int_equal(near[0].in + near[1].in, 1);
	expect_order(&later, "");
	put_byte(idle_end[1]);
	run_rounds(2);
	expect_order(&later, "ii");
	probe_close(&later);
	close_pair();
}

/* The same, where the new one is ready as well: for itself. */
static void replace_other_by_ready(struct probe *own, int band)
{
	put_byte(idle_end[1]);
	replace_other(own, band);
}

static void of_a_sibling_by_one_that_is_ready(void **state)
{
	(void)state;
	open_ready_pair(replace_other_by_ready);
	run_rounds(4);
	assert_in_range(later.in, 3, 4);
	assert_int_equal(later.err, 0);
	probe_close(&later);
	close_pair();
}

static void replace_own(struct probe *own, int band)
{
	int number = own->fd.fd;

	(void)band;
	probe_close(own);
	open_as(number, idle_end[0]);
	probe_on(&later, number);
	probe_register(&later, IN | ERR);
}

static void of_its_own(void **state)
{
	(void)state;
	open_ready_pair(NULL);
	near[0].then = replace_own;
	run_rounds(3);
	expect_order(&later, "");
	put_byte(idle_end[1]);
	run_rounds(1);
	expect_order(&later, "i");
	probe_close(&later);
	close_pair();
}

/* Before the method has been told of either. */
static void before_the_first_wait(void **state)
{
	int number;

	(void)state;
	open_ready_pair(NULL);
	number = near[0].fd.fd;
	probe_close(&near[0]);
	open_as(number, idle_end[0]);
	probe_on(&later, number);
	probe_register(&later, IN);
	run_rounds(3);
	expect_order(&later, "");
	assert_int_equal(near[1].in, 3);
	probe_close(&later);
	close_pair();
}

/* Each round another file under one number; each gets its own byte. */
static void again_and_again(void **state)
{
	int num = scaled(1000), number = -1, i;
	struct probe one;

	(void)state;
	iv_init();
	for (i = 0; i < num; i++) {
		probe_socket(&one);
		assert_true(number < 0 || one.fd.fd == number);
		number = one.fd.fd;
		probe_register(&one, IN);
		run_rounds(1);
		expect_order(&one, "");
		put_byte(one.far);
		run_rounds(1);
		expect_order(&one, "i");
		probe_close(&one);
	}
	iv_deinit();
}

static int open_kind(int kind)
{
	int pair[2];

	if (kind == 0)
		return eventfd(0, EFD_CLOEXEC);
	if (kind == 1)
		make_socketpair(pair);
	else
		make_pipe(pair);
	later.far = pair[1];

	return pair[0];
}

/* An eventfd, a socket and a pipe, which become ready by different writes. */
static void by_another_kind_of_file(void **state)
{
	uint64_t one = 1;
	int number = -1, i;

	(void)state;
	iv_init();
	for (i = 0; i < 30; i++) {
		int fd = open_kind(i % 3), far = later.far;

		assert_true(number < 0 || fd == number);
		number = fd;
		probe_on(&later, fd);
		probe_register(&later, IN);
		run_rounds(1);
		expect_order(&later, "");
		if (i % 3 == 0)
			assert_int_equal(write(fd, &one, sizeof(one)), 8);
		else
			put_byte(far);
		run_rounds(1);
		expect_order(&later, "i");
		probe_close(&later);
		if (i % 3 != 0)
			close(far);
	}
	iv_deinit();
}

/* Two objects swap their numbers within a batch. */
static int swapped;

static void swap(struct probe *own, int band)
{
	struct probe *peer = other(own);
	int number = own->fd.fd;

	(void)band;
	own->then = NULL;
	peer->then = NULL;
	swapped++;
	iv_fd_unregister(&own->fd);
	iv_fd_unregister(&peer->fd);
	own->fd.fd = peer->fd.fd;
	peer->fd.fd = number;
	probe_register(own, IN);
	probe_register(peer, OUT);
	probe_reset(own);
	probe_reset(peer);
}

static void swapped_within_a_batch(void **state)
{
	struct probe *reader;

	(void)state;
	open_ready_pair(swap);
	run_rounds(1);
	reader = near[0].fd.handler_in != NULL ? &near[0] : &near[1];
	probe_reset(reader);
	probe_reset(other(reader));
	run_rounds(3);
	assert_int_equal(swapped, 1);
	expect_order(reader, "iii");
	expect_order(other(reader), "ooo");
	close_pair();
}

static const struct test_case cases[] = {
	TEST(of_a_sibling_in_the_same_batch),
	TEST(of_a_sibling_by_one_that_is_ready),
	TEST(of_its_own),
	TEST(before_the_first_wait),
	TEST(again_and_again),
	TEST(by_another_kind_of_file),
	TEST(swapped_within_a_batch),
};

GROUP(numbers);
