/* SPDX-License-Identifier: MIT */
/*
 * many.c - ten thousand descriptors in one loop
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include "suite.h"

enum { MANY = 10000, SPARE = 100 };

static struct probe *probes;
static int num;
static int calls;

/* iv_init() has raised the limit as far as it could. */
static void need_descriptors(int needed)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < (rlim_t)needed + SPARE)
		cannot_try("the limit of open descriptors is too low");
}

/* Both ends of each pair are registered. */
static void open_many(int bands)
{
	int pair[2], i;

	num = scaled(MANY);
	iv_init();
	need_descriptors(num);
	probes = calloc((size_t)num, sizeof(*probes));
	assert_non_null(probes);
	for (i = 0; i < num; i += 2) {
		make_socketpair(pair);
		probe_on(&probes[i], pair[0]);
		probe_on(&probes[i + 1], pair[1]);
		probe_register(&probes[i], bands);
		probe_register(&probes[i + 1], bands);
	}
}

static void close_many(void)
{
	int i;

	for (i = 0; i < num; i++)
		probe_close(&probes[i]);
	free(probes);
	iv_deinit();
}

static void read_one(struct probe *own, int band)
{
	(void)band;
	get_byte(own->fd.fd);
	if (++calls == num)
		iv_quit();
}

static int end_of(int i)
{
	return probes[i % num].fd.fd;
}

static void all_ready_at_once(void **state)
{
	int i;

	(void)state;
	open_many(IN);
	run_rounds(1);
	for (i = 0; i < num; i++) {
		probes[i].then = read_one;
		put_byte(end_of(i));
	}
	run_until_quit("the last descriptor");
	for (i = 0; i < num; i++)
		assert_int_equal(probes[i].in, 1);
	run_rounds(2);
	assert_int_equal(calls, num);
	expect_idle();
	close_many();
}

static bool all_called(int first, int step)
{
	int i;

	for (i = first; i < num; i += step) {
		if (probe_calls(&probes[i]) == 0)
			return false;
	}

	return true;
}

/* However few of them the kernel names at a time. */
static void run_until_all_called(int first, int step)
{
	int rounds;

	for (rounds = 0; !all_called(first, step); rounds++) {
		assert_true(rounds < 200);
		run_rounds(1);
	}
}

/* More than fit into one answer of the kernel: nobody waits for ever. */
static void all_ready_all_the_time(void **state)
{
	int i, least = 1000;

	(void)state;
	open_many(OUT);
	run_rounds(100);
	for (i = 0; i < num; i++) {
		if (probes[i].out < least)
			least = probes[i].out;
	}
	assert_in_range(least, 1, 100);
	close_many();
}

/* 7919 is prime and does not divide the number of descriptors. */
static void one_ready_at_a_time(void **state)
{
	int i;

	(void)state;
	open_many(IN);
	run_rounds(1);
	for (i = 0; i < 200; i++) {
		struct probe *one = &probes[(int)((long)i * 7919 % num)];
		struct probe *peer = &probes[(one - probes) ^ 1];

		put_byte(peer->fd.fd);
		run_until_called(one, 1);
		expect_order(one, "i");
		get_byte(one->fd.fd);
	}
	run_rounds(2);
	for (i = 0; i < num; i++)
		expect_order(&probes[i], "");
	close_many();
}

static void all_change_their_bands(void **state)
{
	int i, round;

	(void)state;
	open_many(IN);
	run_rounds(1);
	for (round = 0; round < 4; round++) {
		for (i = 0; i < num; i++) {
			probe_reset(&probes[i]);
			probe_want(&probes[i], i % 4 == round ? OUT : 0);
		}
		run_until_all_called(round, 4);
		for (i = 0; i < num; i++)
			assert_int_equal(probes[i].out > 0, i % 4 == round);
	}
	close_many();
}

/* Every third goes, the others stay; then new ones come in their place. */
static void some_go_and_others_come(void **state)
{
	int i;

	(void)state;
	open_many(IN);
	run_rounds(1);
	for (i = 0; i < num; i += 3)
		iv_fd_unregister(&probes[i].fd);
	for (i = 0; i < num; i++)
		put_byte(end_of(i));
	run_until_all_called(1, 3);
	run_until_all_called(2, 3);
	for (i = 0; i < num; i += 3)
		expect_order(&probes[i], "");
	for (i = 0; i < num; i += 3)
		probe_register(&probes[i], IN);
	run_until_all_called(0, 3);
	close_many();
}

static const struct test_case cases[] = {
	TEST(all_ready_at_once),       TEST(all_ready_all_the_time),
	TEST(one_ready_at_a_time),     TEST(all_change_their_bands),
	TEST(some_go_and_others_come),
};

GROUP(many);
