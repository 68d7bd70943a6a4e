/* SPDX-License-Identifier: MIT */
/*
 * test_fd_pump_loop.c - pumps that a loop drives, as programs use them
 *
 *	client  near[0] ---- near[1]  relay  far[0] ---- far[1]  server
 */
#include "pump_bed.h"

enum { READ_SIZE = 5000 };

/* One direction of the relay. */
struct direction {
	struct iv_fd_pump pump;
	struct iv_fd *from;
	struct iv_fd *to;
	bool done;
	int calls;
};

/* One end of the connection: sends @to_send bytes, reads as many. */
struct end {
	struct iv_fd fd;
	size_t sent, received;
	bool closed;
};

static struct direction forth, back;
static struct iv_fd near_fd, far_fd;
static struct end client, server;
static size_t to_send;

/* The relay *************************************************************/

static void run_forth(void *cookie);
static void run_back(void *cookie);

static void quit_when_all_is_over(void)
{
	if (forth.done && back.done && client.closed && server.closed)
		iv_quit();
}

static void watch(void *cookie, int pollin, int pollout)
{
	struct direction *way = cookie;
	void (*run)(void *) = way == &forth ? run_forth : run_back;

	iv_fd_set_handler_in(way->from, pollin ? run : NULL);
	iv_fd_set_handler_out(way->to, pollout ? run : NULL);
}

static void run(struct direction *way)
{
	int ret = iv_fd_pump_pump(&way->pump);

	way->calls++;
	assert_true(ret >= 0);
	if (ret == 0) {
		way->done = true;
		quit_when_all_is_over();
	}
}

static void run_forth(void *cookie)
{
	(void)cookie;
	run(&forth);
}

static void run_back(void *cookie)
{
	(void)cookie;
	run(&back);
}

static void
open_direction(struct direction *way, struct iv_fd *from, struct iv_fd *to)
{
	memset(way, 0, sizeof(*way));
	way->from = from;
	way->to = to;
	IV_FD_PUMP_INIT(&way->pump);
	way->pump.from_fd = from->fd;
	way->pump.to_fd = to->fd;
	way->pump.cookie = way;
	way->pump.set_bands = watch;
	way->pump.flags = IV_FD_PUMP_FLAG_RELAY_EOF;
	iv_fd_pump_init(&way->pump);
}

/* The ends **************************************************************/

static void end_sends(void *cookie)
{
	struct end *end = cookie;
	unsigned char buf[3 * READ_SIZE];
	size_t i, len = sizeof(buf);
	ssize_t ret;

	if (len > to_send - end->sent)
		len = to_send - end->sent;
	for (i = 0; i < len; i++)
		buf[i] = pattern(end->sent + i);
	ret = write(end->fd.fd, buf, len);
	if (ret > 0)
		end->sent += (size_t)ret;
	if (end->sent == to_send) {
		iv_fd_set_handler_out(&end->fd, NULL);
		shutdown(end->fd.fd, SHUT_WR);
	}
}

static void end_receives(void *cookie)
{
	struct end *end = cookie;
	unsigned char buf[READ_SIZE];
	ssize_t i, ret = read(end->fd.fd, buf, sizeof(buf));

	assert_true(ret >= 0);
	for (i = 0; i < ret; i++)
		assert_int_equal(buf[i], pattern(end->received + (size_t)i));
	end->received += (size_t)ret;
	if (ret == 0) {
		end->closed = true;
		iv_fd_set_handler_in(&end->fd, NULL);
		quit_when_all_is_over();
	}
}

static void open_fd(struct iv_fd *fd, int number, void *cookie)
{
	IV_FD_INIT(fd);
	fd->fd = number;
	fd->cookie = cookie;
	iv_fd_register(fd);
}

static void open_end(struct end *end, int number)
{
	memset(end, 0, sizeof(*end));
	open_fd(&end->fd, number, end);
	iv_fd_set_handler_in(&end->fd, end_receives);
	iv_fd_set_handler_out(&end->fd, end_sends);
}

static void relay(size_t bytes)
{
	int near[2], far[2];

	iv_init();
	to_send = bytes;
	make_socketpair(near);
	make_socketpair(far);
	open_end(&client, near[0]);
	open_fd(&near_fd, near[1], NULL);
	open_fd(&far_fd, far[0], NULL);
	open_end(&server, far[1]);
	open_direction(&forth, &near_fd, &far_fd);
	open_direction(&back, &far_fd, &near_fd);

	run_until_quit("the end of both directions");
	assert_int_equal(client.received, bytes);
	assert_int_equal(server.received, bytes);

	iv_fd_pump_destroy(&forth.pump);
	iv_fd_pump_destroy(&back.pump);
	iv_fd_unregister(&client.fd);
	iv_fd_unregister(&near_fd);
	iv_fd_unregister(&far_fd);
	iv_fd_unregister(&server.fd);
	close_both(near);
	close_both(far);
	iv_deinit();
}

static void both_directions_at_once(void **state)
{
	(void)state;
	relay((size_t)scaled(8000000));
}

static void a_connection_without_a_byte(void **state)
{
	(void)state;
	relay(0);
}

static void one_byte(void **state)
{
	(void)state;
	relay(1);
}

/* Stalling **************************************************************/

static void run_for_5_ms(void)
{
	struct iv_timer timer;

	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(5);
	timer.handler = quit;
	iv_timer_register(&timer);
	iv_main();
}

/* Send pieces of @size, more than there is room for, to a deaf server. */
static void stall(size_t size, bool end)
{
	int i;

	iv_init();
	signal(SIGPIPE, SIG_IGN);
	open_sockets(in);
	open_sockets(out);
	open_fd(&near_fd, in[1], NULL);
	open_fd(&far_fd, out[0], NULL);
	open_direction(&forth, &near_fd, &far_fd);
	for (i = 0; i < 2000; i++) {
		send_pattern(0, size);
		assert_int_equal(iv_fd_pump_pump(&forth.pump), 1);
	}
	if (end)
		shutdown(in[0], SHUT_WR);

	/* Seeing the end may take one. */
	run_for_5_ms();
	assert_in_range(forth.calls, 0, end ? 1 : 0);
	assert_false(forth.done);

	iv_fd_pump_destroy(&forth.pump);
	iv_fd_unregister(&near_fd);
	iv_fd_unregister(&far_fd);
	close_both(in);
	close_both(out);
	iv_deinit();
}

static void a_server_that_never_reads_causes_no_spinning(void **state)
{
	(void)state;
	stall(CHUNK, false);
	stall(CHUNK, true);
}

static void nor_does_it_with_small_pieces(void **state)
{
	(void)state;
	stall(1, false);
	stall(1, true);
}

BY_COPYING(both_directions_at_once)
BY_COPYING(a_connection_without_a_byte)
BY_COPYING(a_server_that_never_reads_causes_no_spinning)
BY_COPYING(nor_does_it_with_small_pieces)

static const struct test_case cases[] = {
	TEST_BOTH(both_directions_at_once),
	TEST_BOTH(a_connection_without_a_byte),
	TEST(one_byte),
	TEST_BOTH(a_server_that_never_reads_causes_no_spinning),
	TEST_BOTH(nor_does_it_with_small_pieces),
};

TEST_MAIN(cases)
