/* SPDX-License-Identifier: MIT */
/*
 * test_fd_interest.c - bands switched off and on, with waits between
 *
 * A library may leave the kernel in the dark about a band that is off, for it
 * may be on again soon. Nobody may notice.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include "harness.h"

static struct iv_fd fd, ticker;
static int sock[2], ticks[2];

/* The near end of a socket pair, watched for input. */
static void open_fd(void)
{
	iv_init();
	make_socketpair(sock);
	make_pipe(ticks);
	put_byte(ticks[1]);
	IV_FD_INIT(&ticker);
	ticker.fd = ticks[0];
	ticker.handler_in = quit;
	iv_fd_register(&ticker);
	IV_FD_INIT(&fd);
	fd.fd = sock[0];
	fd.cookie = "in";
	fd.handler_in = note;
	iv_fd_register(&fd);
}

static void close_fd(void)
{
	iv_fd_unregister(&fd);
	iv_fd_unregister(&ticker);
	close_both(sock);
	close_both(ticks);
	iv_deinit();
}

/* Each wait finds the ticker ready, and whatever else is. */
static void wait_times(int num)
{
	while (num-- > 0)
		run_until_quit("the ticker");
}

static void fill(int to)
{
	static const char block[4096];

	while (send(to, block, sizeof(block), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(errno, EAGAIN);
}

static void drain(int from)
{
	char block[4096];

	while (recv(from, block, sizeof(block), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(errno, EAGAIN);
}

static void off_is_not_called_and_on_again_is(void **state)
{
	(void)state;
	open_fd();
	wait_times(1);
	iv_fd_set_handler_in(&fd, NULL);
	wait_times(2);
	iv_fd_set_handler_in(&fd, note);
	wait_times(1);
	assert_noted("");
	put_byte(sock[1]);
	wait_times(1);
	assert_noted("in");
	close_fd();
}

static void what_came_while_it_was_off_is_found_when_on(void **state)
{
	(void)state;
	open_fd();
	wait_times(1);
	iv_fd_set_handler_in(&fd, NULL);
	put_byte(sock[1]);
	wait_times(3);
	assert_noted("");
	iv_fd_set_handler_in(&fd, note);
	wait_times(1);
	assert_noted("in");
	close_fd();
}

static void read_one_and_pause(void *cookie)
{
	note(cookie);
	get_byte(sock[0]);
	iv_fd_set_handler_in(&fd, NULL);
}

static void a_reader_may_pause_with_more_to_read(void **state)
{
	int i;

	(void)state;
	open_fd();
	for (i = 0; i < 3; i++)
		put_byte(sock[1]);
	for (i = 0; i < 3; i++) {
		iv_fd_set_handler_in(&fd, read_one_and_pause);
		wait_times(3);
	}
	assert_noted("in in in");
	iv_fd_set_handler_in(&fd, read_one_and_pause);
	wait_times(2);
	assert_noted("");
	close_fd();
}

static void out_comes_and_goes_beside_in(void **state)
{
	(void)state;
	open_fd();
	fill(sock[0]);
	iv_fd_set_handler_out(&fd, note);
	wait_times(1);
	iv_fd_set_handler_out(&fd, NULL);
	wait_times(1);
	drain(sock[1]);
	wait_times(2);
	assert_noted("");
	fd.cookie = "out";
	iv_fd_set_handler_out(&fd, note);
	wait_times(1);
	assert_noted("out");
	iv_fd_set_handler_out(&fd, NULL);
	wait_times(2);
	fd.cookie = "in";
	put_byte(sock[1]);
	wait_times(1);
	assert_noted("in");
	close_fd();
}

static void a_hangup_while_off_is_found_when_on(void **state)
{
	(void)state;
	open_fd();
	wait_times(1);
	iv_fd_set_handler_in(&fd, NULL);
	wait_times(1);
	shutdown(sock[1], SHUT_RDWR);
	wait_times(3);
	assert_noted("");
	fd.cookie = "err";
	iv_fd_set_handler_err(&fd, note);
	wait_times(1);
	assert_noted("err");
	close_fd();
}

static void another_file_while_off_is_watched_when_on(void **state)
{
	int other[2];

	(void)state;
	open_fd();
	wait_times(1);
	iv_fd_set_handler_in(&fd, NULL);
	wait_times(1);
	make_socketpair(other);
	assert_int_equal(dup2(other[0], fd.fd), fd.fd);
	iv_fd_set_handler_in(&fd, note);
	wait_times(1);
	assert_noted("");
	put_byte(other[1]);
	wait_times(1);
	assert_noted("in");
	close_both(other);
	close_fd();
}

static void off_while_ready_and_unregistered_is_no_more(void **state)
{
	(void)state;
	open_fd();
	wait_times(1);
	iv_fd_set_handler_in(&fd, NULL);
	put_byte(sock[1]);
	wait_times(1);
	iv_fd_unregister(&fd);
	wait_times(2);
	assert_noted("");
	fd.handler_in = note;
	iv_fd_register(&fd);
	wait_times(1);
	assert_noted("in");
	close_fd();
}

static const struct test_case cases[] = {
	TEST(off_is_not_called_and_on_again_is),
	TEST(what_came_while_it_was_off_is_found_when_on),
	TEST(a_reader_may_pause_with_more_to_read),
	TEST(out_comes_and_goes_beside_in),
	TEST(a_hangup_while_off_is_found_when_on),
	TEST(another_file_while_off_is_watched_when_on),
	TEST(off_while_ready_and_unregistered_is_no_more),
};

TEST_MAIN(cases)
