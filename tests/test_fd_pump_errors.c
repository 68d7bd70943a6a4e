/* SPDX-License-Identifier: MIT */
/*
 * test_fd_pump_errors.c - descriptors that fail, and the end of a pump
 */
#include "pump_bed.h"

/* A step first, or the pump's own descriptors would get the number. */
static void a_closed_source_is_an_error(void **state)
{
	(void)state;
	open_pump(0);
	expect_step(1, "in");
	close(in[1]);
	expect_error(EBADF);
	expect_error(EBADF);
	dup2(in[0], in[1]);
	close_pump("none");
}

static void a_closed_target_is_an_error(void **state)
{
	(void)state;
	open_pump(0);
	expect_step(1, "in");
	send_text("hello");
	close(out[0]);
	expect_error(EBADF);
	expect_error(EBADF);
	dup2(out[1], out[0]);
	close_pump("none");
}

static void a_closed_target_cannot_be_shut_down(void **state)
{
	(void)state;
	open_pump(IV_FD_PUMP_FLAG_RELAY_EOF);
	expect_step(1, "in");
	shutdown(in[0], SHUT_WR);
	close(out[0]);
	expect_error(EBADF);
	dup2(out[1], out[0]);
	close_pump("none");
}

static void a_target_that_hung_up_is_an_error(void **state)
{
	(void)state;
	open_pump(0);
	expect_step(1, "in");
	send_text("hello");
	close(out[1]);
	expect_error(EPIPE);
	expect_error(EPIPE);
	dup2(out[0], out[1]);
	close_pump("none");
}

static void a_source_that_was_reset_is_an_error(void **state)
{
	(void)state;
	open_pump(0);
	expect_step(1, "in");
	assert_int_equal(write(in[1], "unread", 6), 6);
	close(in[0]);
	expect_error(ECONNRESET);
	dup2(in[1], in[0]);
	close_pump("none");
}

/* Debian's library hands such bytes to whoever pumps next. */
static void bytes_of_a_destroyed_pump_are_gone(void **state)
{
	int before;

	(void)state;
	open_pump(0);
	pump.set_bands = ignore_bands;
	before = num_open_fds();
	stuff_pump();
	iv_fd_pump_destroy(&pump);
	assert_int_equal(num_open_fds(), before);
	close_both(in);
	close_both(out);

	open_pump(0);
	send_text("new");
	expect_step(1, "in");
	expect_text("new");
	nothing_arrives();
	close_pump("none");
}

static void it_may_be_destroyed_at_once_and_twice(void **state)
{
	(void)state;
	open_pump(0);
	iv_fd_pump_destroy(&pump);
	assert_noted("none");
	close_pump("");
}

static void destroy_when_told_of_bands(void *cookie, int pollin, int pollout)
{
	struct iv_fd_pump *mine = cookie;

	(void)pollin;
	(void)pollout;
	mine->set_bands = ignore_bands;
	iv_fd_pump_destroy(mine);
	memset(mine, 0xa5, sizeof(*mine));
	free(mine);
}

static void set_bands_may_destroy_and_free_it(void **state)
{
	struct iv_fd_pump *mine = malloc(sizeof(*mine));

	(void)state;
	open_pump(0);
	*mine = pump;
	mine->cookie = mine;
	mine->set_bands = ignore_bands;
	iv_fd_pump_init(mine);
	mine->set_bands = destroy_when_told_of_bands;
	send_text("x");
	assert_int_equal(iv_fd_pump_pump(mine), 1);
	expect_text("x");
	close_pump("none");
}

static void init_without_set_bands(void *arg)
{
	(void)arg;
	pump.set_bands = NULL;
	iv_fd_pump_init(&pump);
}

static void without_set_bands_it_is_fatal(void **state)
{
	(void)state;
	expect_fatal(init_without_set_bands, NULL, "iv_fd_pump_init",
		     "set_bands");
}

BY_COPYING(a_closed_source_is_an_error)
BY_COPYING(a_closed_target_is_an_error)
BY_COPYING(a_target_that_hung_up_is_an_error)
BY_COPYING(a_source_that_was_reset_is_an_error)
BY_COPYING(bytes_of_a_destroyed_pump_are_gone)

static const struct test_case cases[] = {
	TEST_BOTH(a_closed_source_is_an_error),
	TEST_BOTH(a_closed_target_is_an_error),
	TEST(a_closed_target_cannot_be_shut_down),
	TEST_BOTH(a_target_that_hung_up_is_an_error),
	TEST_BOTH(a_source_that_was_reset_is_an_error),
	TEST_BOTH(bytes_of_a_destroyed_pump_are_gone),
	TEST(it_may_be_destroyed_at_once_and_twice),
	TEST(set_bands_may_destroy_and_free_it),
	TEST(without_set_bands_it_is_fatal),
};

TEST_MAIN(cases)
