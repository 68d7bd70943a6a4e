/* SPDX-License-Identifier: MIT */
/*
 * hangup.c - hang-ups and errors, with handlers and without
 *
 * They make every band ready, errors first; where nobody listens the loop
 * sleeps all the same.
 */
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "suite.h"

static struct probe probe;

static void hung_up_socket(void)
{
	probe_socket(&probe);
	probe_close_far(&probe);
}

static void hung_up_reader(void)
{
	probe_reader(&probe);
	probe_close_far(&probe);
}

/* Its reader has gone: an error. */
static void broken_writer(void)
{
	probe_writer(&probe);
	probe_close_far(&probe);
}

/* What crosses the network may take its time. */
static void wait_for_hangup(int fd)
{
	struct pollfd entry = { .fd = fd };

	while (poll(&entry, 1, -1) < 0)
		;
}

/* Reset by its peer, with data on the way. */
static void reset_connection(void)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int server;

	assert_int_equal(bind(listener, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &len),
			 0);
	assert_int_equal(connect(client, (struct sockaddr *)&addr, len), 0);
	server = accept(listener, NULL, NULL);
	assert_true(server >= 0);
	close(listener);
	put_byte(client);
	setsockopt(server, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(server);
	wait_for_hangup(client);
	probe_on(&probe, client);
}

static void (*const ways[])(void) = {
	hung_up_socket,
	hung_up_reader,
	broken_writer,
	reset_connection,
};

enum { NUM_WAYS = sizeof(ways) / sizeof(ways[0]) };

/* "eio" without what nobody listens to. */
static void letters_of(int bands, char *letters)
{
	if (bands & ERR)
		*letters++ = 'e';
	if (bands & IN)
		*letters++ = 'i';
	if (bands & OUT)
		*letters++ = 'o';
	*letters = '\0';
}

static void every_way_with_each_set_of_handlers(void **state)
{
	char letters[4];
	int way, bands;

	(void)state;
	iv_init();
	for (way = 0; way < NUM_WAYS; way++) {
		for (bands = 1; bands <= ALL; bands++) {
			ways[way]();
			probe_register(&probe, bands);
			letters_of(bands, letters);
			run_rounds(1);
			expect_order(&probe, letters);
			probe_close(&probe);
		}
	}
	iv_deinit();
}

static void with_no_handlers_it_sleeps(void **state)
{
	int way;

	(void)state;
	iv_init();
	for (way = 0; way < NUM_WAYS; way++) {
		ways[way]();
		probe_register(&probe, 0);
		expect_idle();
		probe_close(&probe);
	}
	iv_deinit();
}

/* Registered and known to the kernel when the peer goes. */
static void later_with_each_set_of_handlers(void **state)
{
	char letters[4];
	int bands;

	(void)state;
	iv_init();
	for (bands = 1; bands <= ALL; bands++) {
		probe_socket(&probe);
		probe_register(&probe, bands);
		run_rounds(1);
		probe_reset(&probe);
		probe_close_far(&probe);
		letters_of(bands, letters);
		run_rounds(1);
		expect_order(&probe, letters);
		probe_close(&probe);
	}
	iv_deinit();
}

static void later_with_no_handlers_it_sleeps(void **state)
{
	(void)state;
	iv_init();
	probe_socket(&probe);
	probe_register(&probe, 0);
	run_rounds(1);
	probe_close_far(&probe);
	expect_idle();
	probe_want(&probe, IN);
	run_rounds(1);
	expect_order(&probe, "i");
	probe_want(&probe, 0);
	expect_idle();
	probe_want(&probe, ERR);
	run_rounds(1);
	expect_order(&probe, "e");
	probe_close(&probe);
	iv_deinit();
}

static void clear_all(struct probe *own, int band)
{
	(void)band;
	probe_want(own, 0);
}

static void handlers_cleared_inside_it_sleeps(void **state)
{
	int way;

	(void)state;
	iv_init();
	for (way = 0; way < NUM_WAYS; way++) {
		ways[way]();
		probe.then = clear_all;
		probe_register(&probe, ALL);
		run_rounds(2);
		expect_order(&probe, "e");
		expect_idle();
		expect_order(&probe, "");
		probe_close(&probe);
	}
	iv_deinit();
}

static void want_the_others(struct probe *own, int band)
{
	if (band == ERR)
		probe_want(own, IN | OUT);
}

static void a_later_band_set_by_an_earlier_is_called_at_once(void **state)
{
	(void)state;
	iv_init();
	hung_up_socket();
	probe.then = want_the_others;
	probe_register(&probe, ERR);
	run_rounds(1);
	expect_order(&probe, "eio");
	probe_close(&probe);
	iv_deinit();
}

static void it_is_told_again_and_again(void **state)
{
	(void)state;
	iv_init();
	hung_up_socket();
	probe_register(&probe, ERR);
	run_until_called(&probe, 5);
	expect_order(&probe, "eeeee");
	probe_close(&probe);
	iv_deinit();
}

enum { NUM_DEAF = 20 };

/* Many that nobody listens to, beside one that works. */
static void many_deaf_ones_beside_a_live_one(void **state)
{
	static struct probe deaf[NUM_DEAF];
	int i;

	(void)state;
	iv_init();
	for (i = 0; i < NUM_DEAF; i++) {
		probe_socket(&deaf[i]);
		probe_register(&deaf[i], i % 2 == 0 ? 0 : IN);
	}
	run_rounds(1);
	for (i = 0; i < NUM_DEAF; i++) {
		probe_close_far(&deaf[i]);
		probe_want(&deaf[i], 0);
	}
	probe_socket(&probe);
	probe_register(&probe, IN);
	expect_idle();
	put_byte(probe.far);
	run_rounds(2);
	expect_order(&probe, "ii");
	probe_want(&probe, 0);
	expect_idle();
	for (i = 0; i < NUM_DEAF; i++) {
		expect_order(&deaf[i], "");
		probe_close(&deaf[i]);
	}
	probe_close(&probe);
	iv_deinit();
}

static void data_is_read_before_the_end(void **state)
{
	(void)state;
	iv_init();
	probe_reader(&probe);
	put_bytes(probe.far, 3);
	probe_close_far(&probe);
	probe_register(&probe, IN);
	run_rounds(1);
	expect_order(&probe, "i");
	drain(probe.fd.fd);
	run_rounds(1);
	expect_order(&probe, "i");
	probe_close(&probe);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(every_way_with_each_set_of_handlers),
	TEST(with_no_handlers_it_sleeps),
	TEST(later_with_each_set_of_handlers),
	TEST(later_with_no_handlers_it_sleeps),
	TEST(handlers_cleared_inside_it_sleeps),
	TEST(a_later_band_set_by_an_earlier_is_called_at_once),
	TEST(it_is_told_again_and_again),
	TEST(many_deaf_ones_beside_a_live_one),
	TEST(data_is_read_before_the_end),
};

GROUP(hangup);
