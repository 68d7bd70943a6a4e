/* SPDX-License-Identifier: MIT */
/*
 * stream.c - connections: half-closed, urgent, being made
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "suite.h"

static struct probe probe, client;

static struct sockaddr_in addr;

static int tcp_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);

	return fd;
}

/* Listens on a free port, which addr then names. */
static int listener(int backlog)
{
	socklen_t len = sizeof(addr);
	int fd = tcp_socket();

	addr = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);

	return fd;
}

static int connect_to_addr(int fd)
{
	return connect(fd, (struct sockaddr *)&addr, sizeof(addr));
}

static void wait_until(int fd, short events)
{
	struct pollfd entry = { .fd = fd, .events = events };

	while (poll(&entry, 1, -1) < 0)
		;
}

/* The peer's kernel takes some more after a moment. */
static bool is_writable_soon(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLOUT };

	return poll(&entry, 1, 5) == 1;
}

/* A connection: probe at one end, its far end at the other. */
static void probe_tcp(void)
{
	int fd = listener(1), near = tcp_socket();

	assert_int_equal(connect_to_addr(near), 0);
	probe_on(&probe, near);
	probe.far = accept(fd, NULL, NULL);
	assert_true(probe.far >= 0);
	close(fd);
}

static int pending_error(int fd)
{
	int error = -1;
	socklen_t len = sizeof(error);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);

	return error;
}

/* Half-closed *************************************************************/

static void half_closed(void)
{
	shutdown(probe.far, SHUT_WR);
	wait_until(probe.fd.fd, POLLIN);
	probe_register(&probe, ALL);
	run_rounds(2);
	expect_order(&probe, "ioio");
	put_byte(probe.fd.fd);
	get_byte(probe.far);
	probe_want(&probe, ERR);
	run_rounds(2);
	expect_order(&probe, "");
	expect_idle();
	expect_order(&probe, "");
	probe_close(&probe);
}

/* Its end is read, and writing goes on; it is no hang-up. */
static void a_peer_that_only_reads_is_no_hangup(void **state)
{
	(void)state;
	iv_init();
	probe_socket(&probe);
	half_closed();
	probe_tcp();
	half_closed();
	iv_deinit();
}

static void without_handlers_a_half_close_sleeps(void **state)
{
	(void)state;
	iv_init();
	probe_tcp();
	probe_register(&probe, IN);
	run_rounds(1);
	probe_want(&probe, 0);
	shutdown(probe.far, SHUT_WR);
	expect_idle();
	expect_order(&probe, "");
	probe_close(&probe);
	iv_deinit();
}

static void half_closed_by_itself_it_still_reads(void **state)
{
	(void)state;
	iv_init();
	probe_tcp();
	shutdown(probe.fd.fd, SHUT_WR);
	probe_register(&probe, IN);
	run_rounds(2);
	expect_order(&probe, "");
	expect_idle();
	put_byte(probe.far);
	run_until_called(&probe, 2);
	expect_order(&probe, "ii");
	probe_close(&probe);
	iv_deinit();
}

/* Both have: nothing can come or go any more. */
static void closed_from_both_ends_it_hangs_up(void **state)
{
	(void)state;
	iv_init();
	probe_tcp();
	shutdown(probe.fd.fd, SHUT_WR);
	shutdown(probe.far, SHUT_WR);
	wait_until(probe.fd.fd, 0);
	probe_register(&probe, ALL);
	run_rounds(1);
	expect_order(&probe, "eio");
	probe_want(&probe, 0);
	expect_idle();
	probe_close(&probe);
	iv_deinit();
}

/* Urgent data *************************************************************/

static void read_one(struct probe *own, int band)
{
	char c = 0;

	(void)band;
	assert_int_equal(read(own->fd.fd, &c, 1), 1);
	*(char *)own->cookie = c;
}

static void urgent_data_is_read_in_line(void **state)
{
	char last = 0;

	(void)state;
	iv_init();
	probe_tcp();
	probe.then = read_one;
	probe.cookie = &last;
	probe_register(&probe, IN | ERR);
	run_rounds(1);
	assert_int_equal(send(probe.far, "a", 1, 0), 1);
	assert_int_equal(send(probe.far, "b", 1, MSG_OOB), 1);
	run_until_called(&probe, 2);
	expect_order(&probe, "ii");
	assert_int_equal(last, 'b');
	run_rounds(3);
	expect_order(&probe, "");
	expect_idle();
	expect_order(&probe, "");
	probe_close(&probe);
	iv_deinit();
}

/* Being made **************************************************************/

static void a_connection_that_succeeds_is_writable(void **state)
{
	int fd = listener(1);

	(void)state;
	iv_init();
	probe_on(&client, tcp_socket());
	probe_register(&client, OUT | ERR);
	assert_true(connect_to_addr(client.fd.fd) == 0 || errno == EINPROGRESS);
	probe_reset(&client);
	run_until_called(&client, 1);
	assert_int_equal(pending_error(client.fd.fd), 0);
	probe_want(&client, IN);
	run_rounds(2);
	probe_close(&client);
	close(fd);
	iv_deinit();
}

/* The port of one that listened a moment ago. */
static void a_connection_that_fails_is_told_as_an_error(void **state)
{
	int fd = listener(1);

	(void)state;
	close(fd);
	iv_init();
	probe_on(&client, tcp_socket());
	assert_int_equal(fcntl(client.fd.fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(connect_to_addr(client.fd.fd), -1);
	if (errno == EINPROGRESS) {
		probe_register(&client, ALL);
		run_until_called(&client, 3);
		expect_order(&client, "eio");
		assert_int_equal(pending_error(client.fd.fd), ECONNREFUSED);
	} else {
		assert_int_equal(errno, ECONNREFUSED);
	}
	probe_close(&client);
	iv_deinit();
}

/* Until its peer reads. */
static void full_it_is_not_writable(void **state)
{
	char buf[65536] = "";

	(void)state;
	iv_init();
	probe_tcp();
	fcntl(probe.fd.fd, F_SETFL, O_NONBLOCK);
	do {
		while (write(probe.fd.fd, buf, sizeof(buf)) > 0)
			;
	} while (is_writable_soon(probe.fd.fd));
	probe_register(&probe, OUT);
	run_rounds(3);
	expect_order(&probe, "");
	expect_idle();
	fcntl(probe.far, F_SETFL, O_NONBLOCK);
	do
		drain(probe.far);
	while (!is_writable_soon(probe.fd.fd));
	run_until_called(&probe, 2);
	expect_order(&probe, "oo");
	probe_close(&probe);
	iv_deinit();
}

/* Listening ***************************************************************/

enum { NUM_CLIENTS = 5 };

static void accept_one(struct probe *own, int band)
{
	int fd = accept(own->fd.fd, NULL, NULL);

	(void)band;
	assert_true(fd >= 0);
	close(fd);
}

static void a_listener_is_readable_for_each_connection(void **state)
{
	int fds[NUM_CLIENTS], i;

	(void)state;
	iv_init();
	probe_on(&probe, listener(NUM_CLIENTS));
	probe.then = accept_one;
	probe_register(&probe, IN | ERR);
	run_rounds(2);
	expect_order(&probe, "");
	for (i = 0; i < NUM_CLIENTS; i++) {
		fds[i] = tcp_socket();
		assert_int_equal(connect_to_addr(fds[i]), 0);
	}
	run_until_called(&probe, NUM_CLIENTS);
	expect_order(&probe, "iiiii");
	run_rounds(2);
	expect_order(&probe, "");
	for (i = 0; i < NUM_CLIENTS; i++)
		close(fds[i]);
	probe_close(&probe);
	iv_deinit();
}

/* A stream echoed by its far end, whose loop this is as well. */
static void echo(struct probe *own, int band)
{
	char buf[512];
	ssize_t len = read(own->fd.fd, buf, sizeof(buf));

	(void)band;
	if (len > 0)
		assert_int_equal(write(own->fd.fd, buf, (size_t)len), len);
}

static void answered(struct probe *own, int band)
{
	(void)band;
	drain(own->fd.fd);
	if (own->in < 100)
		put_byte(own->fd.fd);
	else
		iv_quit();
}

static void a_hundred_round_trips(void **state)
{
	(void)state;
	iv_init();
	probe_tcp();
	probe_on(&client, probe.far);
	probe.far = -1;
	probe.then = answered;
	client.then = echo;
	probe_register(&probe, IN);
	probe_register(&client, IN);
	put_byte(probe.fd.fd);
	run_until_quit("the hundredth answer");
	assert_int_equal(probe.in, 100);
	probe_close(&probe);
	probe_close(&client);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(a_peer_that_only_reads_is_no_hangup),
	TEST(without_handlers_a_half_close_sleeps),
	TEST(half_closed_by_itself_it_still_reads),
	TEST(closed_from_both_ends_it_hangs_up),
	TEST(urgent_data_is_read_in_line),
	TEST(a_connection_that_succeeds_is_writable),
	TEST(a_connection_that_fails_is_told_as_an_error),
	TEST(full_it_is_not_writable),
	TEST(a_listener_is_readable_for_each_connection),
	TEST(a_hundred_round_trips),
};

GROUP(stream);
