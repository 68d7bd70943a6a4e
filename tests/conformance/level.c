/* SPDX-License-Identifier: MIT */
/*
 * level.c - a handler is called as long as its band is ready
 */
#include <fcntl.h>
#include <unistd.h>
#include "suite.h"

static struct probe probe;

static void unread_data_calls_again(void **state)
{
	(void)state;
	iv_init();
	probe_socket(&probe);
	put_byte(probe.far);
	probe_register(&probe, IN);
	run_until_called(&probe, 5);
	expect_order(&probe, "iiiii");
	probe_close(&probe);
	iv_deinit();
}

static void room_to_write_calls_again(void **state)
{
	(void)state;
	iv_init();
	probe_writer(&probe);
	probe_register(&probe, OUT);
	run_until_called(&probe, 5);
	expect_order(&probe, "ooooo");
	probe_close(&probe);
	iv_deinit();
}

static void both_bands_call_again(void **state)
{
	(void)state;
	iv_init();
	probe_socket(&probe);
	put_byte(probe.far);
	probe_register(&probe, ALL);
	run_until_called(&probe, 6);
	expect_order(&probe, "ioioio");
	probe_close(&probe);
	iv_deinit();
}

/* Neither twice a round nor every other round. */
static void once_in_every_round(void **state)
{
	(void)state;
	iv_init();
	probe_socket(&probe);
	put_byte(probe.far);
	probe_register(&probe, IN | OUT);
	run_rounds(20);
	assert_int_equal(probe.in, 20);
	assert_int_equal(probe.out, 20);
	probe_close(&probe);
	iv_deinit();
}

static void ready_at_registration(void **state)
{
	(void)state;
	iv_init();
	probe_reader(&probe);
	put_byte(probe.far);
	probe_register(&probe, IN);
	expect_order(&probe, "");
	run_rounds(1);
	expect_order(&probe, "i");
	probe_close(&probe);
	iv_deinit();
}

static void ready_after_registration(void **state)
{
	(void)state;
	iv_init();
	probe_reader(&probe);
	probe_register(&probe, IN);
	run_rounds(3);
	expect_order(&probe, "");
	put_byte(probe.far);
	run_rounds(1);
	expect_order(&probe, "i");
	probe_close(&probe);
	iv_deinit();
}

static void handler_set_from_null_while_ready(void **state)
{
	(void)state;
	iv_init();
	probe_socket(&probe);
	put_byte(probe.far);
	probe_register(&probe, 0);
	run_rounds(3);
	expect_order(&probe, "");
	probe_want(&probe, IN);
	run_rounds(1);
	expect_order(&probe, "i");
	probe_want(&probe, OUT);
	run_rounds(1);
	expect_order(&probe, "o");
	probe_close(&probe);
	iv_deinit();
}

/* It became ready while nobody asked, and was paused when it was. */
static void handler_set_again_while_ready(void **state)
{
	int i;

	(void)state;
	iv_init();
	probe_socket(&probe);
	probe_register(&probe, IN);
	run_rounds(1);
	probe_want(&probe, 0);
	run_rounds(1);
	put_byte(probe.far);
	run_rounds(1);
	expect_order(&probe, "");
	for (i = 0; i < 10; i++) {
		probe_want(&probe, IN);
		run_rounds(2);
		expect_order(&probe, "ii");
		probe_want(&probe, 0);
		run_rounds(2);
		expect_order(&probe, "");
	}
	probe_close(&probe);
	iv_deinit();
}

static void read_one(struct probe *own, int band)
{
	(void)band;
	get_byte(own->fd.fd);
}

static void half_read_data_calls_again(void **state)
{
	(void)state;
	iv_init();
	probe_socket(&probe);
	probe.then = read_one;
	put_bytes(probe.far, 4);
	probe_register(&probe, IN);
	run_rounds(8);
	expect_order(&probe, "iiii");
	probe_close(&probe);
	iv_deinit();
}

static void read_to_the_end_it_falls_silent(void **state)
{
	int i;

	(void)state;
	iv_init();
	probe_reader(&probe);
	probe.then = read_one;
	probe_register(&probe, IN);
	for (i = 0; i < 20; i++) {
		put_byte(probe.far);
		run_until_called(&probe, 1);
		run_rounds(2);
		expect_order(&probe, "i");
	}
	expect_idle();
	expect_order(&probe, "");
	probe_close(&probe);
	iv_deinit();
}

/* A pipe's writer waits for a page of room, so all is read. */
static void full_it_waits_for_room(void **state)
{
	char page[4096] = "";

	(void)state;
	iv_init();
	probe_writer(&probe);
	probe_register(&probe, OUT);
	while (write(probe.fd.fd, page, sizeof(page)) > 0)
		;
	run_rounds(3);
	expect_order(&probe, "");
	expect_idle();
	expect_order(&probe, "");
	assert_int_equal(fcntl(probe.far, F_SETFL, O_NONBLOCK), 0);
	drain(probe.far);
	run_rounds(1);
	expect_order(&probe, "o");
	probe_close(&probe);
	iv_deinit();
}

static void *put_byte_elsewhere(void *far)
{
	put_byte(*(int *)far);

	return NULL;
}

static void ready_while_waiting(void **state)
{
	int i;

	(void)state;
	iv_init();
	probe_socket(&probe);
	probe.then = read_one;
	probe_register(&probe, IN);
	for (i = 0; i < 20; i++) {
		pthread_t thread = start_thread(put_byte_elsewhere, &probe.far);

		run_until_called(&probe, 1);
		join_thread(thread);
		expect_order(&probe, "i");
	}
	probe_close(&probe);
	iv_deinit();
}

static void nothing_ready_it_sleeps(void **state)
{
	(void)state;
	iv_init();
	probe_socket(&probe);
	probe_register(&probe, IN | ERR);
	expect_idle();
	expect_order(&probe, "");
	probe_close(&probe);
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(unread_data_calls_again),
	TEST(room_to_write_calls_again),
	TEST(both_bands_call_again),
	TEST(once_in_every_round),
	TEST(ready_at_registration),
	TEST(ready_after_registration),
	TEST(handler_set_from_null_while_ready),
	TEST(handler_set_again_while_ready),
	TEST(half_read_data_calls_again),
	TEST(read_to_the_end_it_falls_silent),
	TEST(full_it_waits_for_room),
	TEST(ready_while_waiting),
	TEST(nothing_ready_it_sleeps),
};

GROUP(level);
