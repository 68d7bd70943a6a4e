/* SPDX-License-Identifier: MIT */
/*
 * dup.c - files that live on under another number
 *
 * The file behind a descriptor that was closed may be ready for ever. Nobody
 * is called for it, and nobody wakes for it more than a few times.
 */
#include <fcntl.h>
#include <unistd.h>
#include "suite.h"

static struct probe probe, second;
static int copy;

static int duplicate(int fd)
{
	int number = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	assert_true(number >= 0);

	return number;
}

static void open_copied(int bands)
{
	iv_init();
	probe_socket(&probe);
	copy = duplicate(probe.fd.fd);
	probe_register(&probe, bands);
	run_rounds(1);
}

static void close_near(void)
{
	assert_int_equal(close(probe.fd.fd), 0);
	probe.fd.fd = -1;
}

static void close_rest(void)
{
	close(copy);
	probe_close(&probe);
	iv_deinit();
}

static void unregistered_then_closed(void **state)
{
	(void)state;
	open_copied(IN | ERR);
	iv_fd_unregister(&probe.fd);
	close_near();
	put_byte(probe.far);
	expect_idle();
	expect_order(&probe, "");
	close_rest();
}

/* Against the rule, yet it happens: in a library that closes by itself. */
static void closed_then_unregistered(void **state)
{
	int number;

	(void)state;
	open_copied(IN | ERR);
	number = probe.fd.fd;
	assert_int_equal(close(number), 0);
	iv_fd_unregister(&probe.fd);
	probe.fd.fd = -1;
	put_byte(probe.far);
	expect_idle();
	expect_order(&probe, "");
	close_rest();
}

static void give_up(struct probe *own, int band)
{
	(void)band;
	iv_fd_unregister(&own->fd);
	own->fd.fd = -1;
}

/* Some methods still report the file, others see that the number is free. */
static void closed_while_registered(void **state)
{
	(void)state;
	open_copied(IN);
	probe.then = give_up;
	assert_int_equal(close(probe.fd.fd), 0);
	put_byte(probe.far);
	run_rounds(3);
	expect_idle();
	assert_in_range(probe_calls(&probe), 0, 1);
	if (iv_fd_registered(&probe.fd))
		iv_fd_unregister(&probe.fd);
	probe.fd.fd = -1;
	expect_idle();
	close_rest();
}

static void closed_for_good_while_registered(void **state)
{
	(void)state;
	open_copied(IN);
	close(copy);
	assert_int_equal(close(probe.fd.fd), 0);
	expect_idle();
	assert_in_range(probe_calls(&probe), 0, 1);
	iv_fd_unregister(&probe.fd);
	probe.fd.fd = -1;
	expect_idle();
	probe_close(&probe);
	iv_deinit();
}

/* Its number then belongs to another file, the old one being ready still. */
static void closed_and_the_number_taken(void **state)
{
	int number;

	(void)state;
	open_copied(IN);
	number = probe.fd.fd;
	put_byte(probe.far);
	assert_int_equal(close(number), 0);
	iv_fd_unregister(&probe.fd);
	probe.fd.fd = -1;

	probe_socket(&second);
	assert_int_equal(second.fd.fd, number);
	probe_register(&second, IN | ERR);
	run_rounds(3);
	expect_idle();
	expect_order(&second, "");
	put_byte(second.far);
	run_rounds(2);
	expect_order(&second, "ii");
	probe_close(&second);
	close_rest();
}

static void two_numbers_of_one_file(void **state)
{
	(void)state;
	open_copied(IN);
	probe_on(&second, copy);
	probe_register(&second, IN);
	put_byte(probe.far);
	run_rounds(2);
	expect_order(&probe, "ii");
	expect_order(&second, "ii");
	iv_fd_unregister(&probe.fd);
	close_near();
	run_rounds(2);
	expect_order(&probe, "");
	expect_order(&second, "ii");
	iv_fd_unregister(&second.fd);
	expect_idle();
	close_rest();
}

/* One number asks for what the other one does not. */
static void two_numbers_with_different_bands(void **state)
{
	(void)state;
	open_copied(OUT);
	probe_on(&second, copy);
	probe_register(&second, IN);
	probe_reset(&probe);
	run_rounds(2);
	expect_order(&probe, "oo");
	expect_order(&second, "");
	probe_want(&probe, 0);
	put_byte(probe.far);
	run_rounds(2);
	expect_order(&probe, "");
	expect_order(&second, "ii");
	iv_fd_unregister(&second.fd);
	probe_want(&probe, IN);
	run_rounds(2);
	expect_order(&probe, "ii");
	close_rest();
}

static const struct test_case cases[] = {
	TEST(unregistered_then_closed),
	TEST(closed_then_unregistered),
	TEST(closed_while_registered),
	TEST(closed_for_good_while_registered),
	TEST(closed_and_the_number_taken),
	TEST(two_numbers_of_one_file),
	TEST(two_numbers_with_different_bands),
};

GROUP(dup);
