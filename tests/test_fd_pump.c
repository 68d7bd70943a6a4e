/* SPDX-License-Identifier: MIT */
/*
 * test_fd_pump.c - moving bytes, step by step
 *
 * No case here has a loop: a pump needs none.
 */
#include "pump_bed.h"

static void it_moves_what_arrives(void **state)
{
	(void)state;
	open_pump(0);
	send_text("hello");
	expect_step(1, "in");
	expect_text("hello");
	send_text("world");
	expect_step(1, "in");
	expect_text("world");
	close_pump("none");
}

static void nothing_to_read_is_no_error(void **state)
{
	(void)state;
	open_pump(0);
	expect_step(1, "in");
	expect_step(1, "in");
	nothing_arrives();
	close_pump("none");
}

static void without_room_it_waits_for_room(void **state)
{
	size_t sent, received = 0;
	int i;

	(void)state;
	open_pump(0);
	pump.set_bands = keep_bands;
	sent = stuff_pump();
	assert_false(last_pollin);
	assert_true(last_pollout);

	for (i = 0; i < 1000 && received < sent; i++) {
		received += receive_pattern(received);
		assert_int_equal(iv_fd_pump_pump(&pump), 1);
	}
	assert_int_equal(received, sent);
	assert_true(last_pollin);
	assert_false(last_pollout);
	pump.set_bands = note_bands;
	close_pump("none");
}

static void with_room_left_it_waits_for_both(void **state)
{
	(void)state;
	open_pump(0);
	while (write(out[0], "x", 1) == 1)
		;
	send_text("hello");
	expect_step(1, "both");
	send_text("world");
	expect_step(1, "both");
	expect_step(1, "both");
	close_pump("none");
}

/* As much as fits through two sockets and the pump, and not more. */
static void it_does_not_take_more_than_it_can_hold(void **state)
{
	size_t sent, direct = 0;
	int pair[2];
	char buf[CHUNK] = "";
	ssize_t ret;

	(void)state;
	open_pump(0);
	pump.set_bands = ignore_bands;
	sent = stuff_pump();

	open_sockets(pair);
	while ((ret = write(pair[0], buf, sizeof(buf))) > 0)
		direct += (size_t)ret;
	assert_in_range(sent, direct, 2 * direct + 2 * 65536);
	close_both(pair);
	pump.set_bands = note_bands;
	close_pump("none");
}

static void the_end_is_told_once_all_is_delivered(void **state)
{
	size_t sent, received = 0;
	int ret = 1;

	(void)state;
	open_pump(0);
	pump.set_bands = keep_bands;
	sent = stuff_pump();
	shutdown(in[0], SHUT_WR);
	while (ret == 1) {
		assert_false(iv_fd_pump_is_done(&pump));
		received += receive_pattern(received);
		ret = iv_fd_pump_pump(&pump);
	}
	assert_int_equal(ret, 0);
	assert_true(iv_fd_pump_is_done(&pump));
	assert_false(last_pollin);
	assert_false(last_pollout);
	while (received < sent)
		received += receive_pattern(received);
	nothing_arrives();
	close_pump("");
}

static void at_the_end_it_wants_nothing(void **state)
{
	(void)state;
	open_pump(0);
	send_text("bye");
	shutdown(in[0], SHUT_WR);
	expect_step(1, "in");
	expect_step(0, "none");
	expect_text("bye");
	assert_true(iv_fd_pump_is_done(&pump));
	expect_step(0, "none");
	close_pump("");
}

static void an_empty_stream_ends_at_once(void **state)
{
	(void)state;
	open_pump(0);
	shutdown(in[0], SHUT_WR);
	expect_step(0, "none");
	close_pump("");
}

static void the_far_side_stays_open_unless_asked(void **state)
{
	(void)state;
	open_pump(0);
	shutdown(in[0], SHUT_WR);
	expect_step(0, "none");
	nothing_arrives();
	assert_int_equal(write(out[0], "x", 1), 1);
	close_pump("");
}

static void relay_eof_shuts_the_far_side_down(void **state)
{
	(void)state;
	open_pump(IV_FD_PUMP_FLAG_RELAY_EOF);
	send_text("bye");
	shutdown(in[0], SHUT_WR);
	expect_step(1, "in");
	expect_step(0, "none");
	expect_text("bye");
	end_arrives();
	close_pump("");
}

static void relay_eof_leaves_the_other_direction_open(void **state)
{
	(void)state;
	open_pump(IV_FD_PUMP_FLAG_RELAY_EOF);
	shutdown(in[0], SHUT_WR);
	expect_step(0, "none");
	end_arrives();
	put_byte(out[1]);
	get_byte(out[0]);
	close_pump("");
}

static void relay_eof_waits_until_all_is_delivered(void **state)
{
	size_t sent, received = 0;

	(void)state;
	open_pump(IV_FD_PUMP_FLAG_RELAY_EOF);
	pump.set_bands = ignore_bands;
	sent = stuff_pump();
	shutdown(in[0], SHUT_WR);
	while (iv_fd_pump_pump(&pump) == 1)
		received += receive_pattern(received);
	while (received < sent)
		received += receive_pattern(received);
	end_arrives();
	close_pump("");
}

static void relay_eof_to_a_pipe_does_no_harm(void **state)
{
	int fd[2];

	(void)state;
	open_pump(0);
	iv_fd_pump_destroy(&pump);
	assert_noted("none");
	make_pipe(fd);
	set_up_pump(in[1], fd[1], IV_FD_PUMP_FLAG_RELAY_EOF);
	send_text("x");
	shutdown(in[0], SHUT_WR);
	expect_step(1, "in");
	expect_step(0, "none");
	get_byte(fd[0]);
	close_both(fd);
	close_pump("");
}

/*
 * Small pieces use up a pipe's slots long before its bytes. Whoever takes the
 * full pipe for an empty source waits for a source that is always readable.
 */
static void small_pieces_never_make_it_spin(void **state)
{
	int i;

	(void)state;
	open_pump(0);
	pump.set_bands = keep_bands;
	while (write(out[0], "x", 1) == 1)
		;
	assert_int_equal(errno, EAGAIN);
	for (i = 0; i < 100; i++) {
		send_text("y");
		iv_fd_pump_pump(&pump);
	}
	shutdown(in[0], SHUT_WR);
	for (i = 0; i < 3; i++)
		assert_int_equal(iv_fd_pump_pump(&pump), 1);

	/* Either it has seen the end, or has no room to see it. */
	assert_false(last_pollin);
	assert_true(last_pollout);
	pump.set_bands = note_bands;
	close_pump("none");
}

BY_COPYING(it_moves_what_arrives)
BY_COPYING(nothing_to_read_is_no_error)
BY_COPYING(without_room_it_waits_for_room)
BY_COPYING(with_room_left_it_waits_for_both)
BY_COPYING(it_does_not_take_more_than_it_can_hold)
BY_COPYING(the_end_is_told_once_all_is_delivered)
BY_COPYING(at_the_end_it_wants_nothing)
BY_COPYING(relay_eof_shuts_the_far_side_down)
BY_COPYING(relay_eof_waits_until_all_is_delivered)
BY_COPYING(small_pieces_never_make_it_spin)

static const struct test_case cases[] = {
	TEST_BOTH(it_moves_what_arrives),
	TEST_BOTH(nothing_to_read_is_no_error),
	TEST_BOTH(without_room_it_waits_for_room),
	TEST_BOTH(with_room_left_it_waits_for_both),
	TEST_BOTH(it_does_not_take_more_than_it_can_hold),
	TEST_BOTH(the_end_is_told_once_all_is_delivered),
	TEST_BOTH(at_the_end_it_wants_nothing),
	TEST(an_empty_stream_ends_at_once),
	TEST(the_far_side_stays_open_unless_asked),
	TEST_BOTH(relay_eof_shuts_the_far_side_down),
	TEST(relay_eof_leaves_the_other_direction_open),
	TEST_BOTH(relay_eof_waits_until_all_is_delivered),
	TEST(relay_eof_to_a_pipe_does_no_harm),
	TEST_BOTH(small_pieces_never_make_it_spin),
};

TEST_MAIN(cases)
