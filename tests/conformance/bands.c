/* SPDX-License-Identifier: MIT */
/*
 * bands.c - handlers set and cleared, between callbacks and inside them
 */
#include <string.h>
#include "suite.h"

static struct probe probe;

static void open_ready(int bands)
{
	iv_init();
	probe_socket(&probe);
	put_byte(probe.far);
	probe_register(&probe, bands);
}

static void close_probe(void)
{
	probe_close(&probe);
	iv_deinit();
}

static void letters_of(int bands, char *letters)
{
	if (bands & IN)
		*letters++ = 'i';
	if (bands & OUT)
		*letters++ = 'o';
	*letters = '\0';
}

/* A socket that is ready but not in error: its third band stays silent. */
static void each_set_of_handlers(void **state)
{
	char letters[4];
	int bands;

	(void)state;
	iv_init();
	for (bands = 0; bands <= ALL; bands++) {
		probe_socket(&probe);
		put_byte(probe.far);
		probe_register(&probe, bands);
		letters_of(bands, letters);
		run_rounds(1);
		expect_order(&probe, letters);
		probe_close(&probe);
	}
	iv_deinit();
}

static void each_change_of_handlers(void **state)
{
	char letters[4];
	int from, to;

	(void)state;
	open_ready(0);
	for (from = 0; from <= ALL; from++) {
		for (to = 0; to <= ALL; to++) {
			probe_want(&probe, from);
			run_rounds(1);
			probe_reset(&probe);
			probe_want(&probe, to);
			letters_of(to, letters);
			run_rounds(1);
			expect_order(&probe, letters);
		}
	}
	close_probe();
}

static void changed_before_the_first_wait(void **state)
{
	(void)state;
	open_ready(IN);
	probe_want(&probe, OUT);
	run_rounds(1);
	expect_order(&probe, "o");
	close_probe();
}

static void flipped_a_thousand_times(void **state)
{
	int i;

	(void)state;
	open_ready(IN);
	for (i = 0; i < 1000; i++) {
		probe_want(&probe, 0);
		probe_want(&probe, OUT);
		probe_want(&probe, IN);
	}
	run_rounds(1);
	expect_order(&probe, "i");
	close_probe();
}

static void change_hands(struct probe *own, int band)
{
	probe_want(own, band == IN ? OUT : IN);
}

/* Set while its band is ready: called in the next round, or in this one. */
static void in_and_out_take_turns(void **state)
{
	(void)state;
	open_ready(IN);
	probe.then = change_hands;
	run_until_called(&probe, 50);
	assert_in_range(probe.in, 24, 26);
	assert_in_range(probe.out, 24, 26);
	close_probe();
}

static void clear_all(struct probe *own, int band)
{
	(void)band;
	probe_want(own, 0);
}

static void cleared_inside_it_is_not_called_again(void **state)
{
	(void)state;
	open_ready(ALL);
	probe.then = clear_all;
	run_rounds(3);
	expect_order(&probe, "i");
	expect_idle();
	expect_order(&probe, "");
	probe.then = NULL;
	probe_want(&probe, OUT);
	run_rounds(1);
	expect_order(&probe, "o");
	close_probe();
}

static void off_and_on(struct probe *own, int band)
{
	probe_want(own, 0);
	probe_want(own, band);
}

static void cleared_and_set_inside_it_is_called_again(void **state)
{
	(void)state;
	open_ready(IN);
	probe.then = off_and_on;
	run_rounds(5);
	expect_order(&probe, "iiiii");
	close_probe();
}

static void want_more(struct probe *own, int band)
{
	if (band == IN)
		probe_want(own, IN | OUT);
}

static void one_more_band_inside(void **state)
{
	(void)state;
	open_ready(IN);
	probe.then = want_more;
	run_rounds(3);
	assert_int_equal(probe.in, 3);
	assert_in_range(probe.out, 2, 3);
	close_probe();
}

/* Two that are ready together: whoever is called first changes the other. */
static struct probe pair[2];

static struct probe *other(struct probe *own)
{
	return own == &pair[0] ? &pair[1] : &pair[0];
}

static void open_pair(void (*then)(struct probe *own, int band))
{
	int i;

	iv_init();
	for (i = 0; i < 2; i++) {
		probe_socket(&pair[i]);
		put_byte(pair[i].far);
		pair[i].then = then;
		probe_register(&pair[i], IN);
	}
}

static void close_pair(void)
{
	probe_close(&pair[0]);
	probe_close(&pair[1]);
	iv_deinit();
}

static void clear_other(struct probe *own, int band)
{
	(void)band;
	probe_want(other(own), 0);
}

static void a_sibling_cleared_is_not_called(void **state)
{
	(void)state;
	open_pair(clear_other);
	run_rounds(3);
	assert_true(probe_calls(&pair[0]) == 0 || probe_calls(&pair[1]) == 0);
	assert_int_equal(probe_calls(&pair[0]) + probe_calls(&pair[1]), 3);
	close_pair();
}

static void turn_other(struct probe *own, int band)
{
	(void)band;
	own->then = NULL;
	probe_want(own, 0);
	other(own)->then = NULL;
	probe_want(other(own), OUT);
}

/* It was collected as readable and wants to write by now. */
static void a_sibling_turned_is_called_for_its_new_band(void **state)
{
	struct probe *turned;

	(void)state;
	open_pair(turn_other);
	run_rounds(3);
	turned = pair[0].in > 0 ? &pair[1] : &pair[0];
	assert_int_equal(turned->in, 0);
	assert_in_range(turned->out, 2, 3);
	assert_string_equal(other(turned)->order, "i");
	close_pair();
}

static void want_out(void *cookie)
{
	(void)cookie;
	probe_want(&probe, OUT);
}

/* From a timer, and from a task, which run before the wait. */
static void changed_by_a_timer_or_a_task(void **state)
{
	struct iv_timer timer;
	struct iv_task task;

	(void)state;
	open_ready(0);
	IV_TIMER_INIT(&timer);
	timer.expires = iv_now;
	timer.handler = want_out;
	iv_timer_register(&timer);
	run_until_called(&probe, 1);
	expect_order(&probe, "o");

	probe_want(&probe, 0);
	run_rounds(1);
	IV_TASK_INIT(&task);
	task.handler = want_out;
	iv_task_register(&task);
	run_until_called(&probe, 1);
	expect_order(&probe, "o");
	close_probe();
}

static void registered_and_unregistered_unwaited(void **state)
{
	int i;

	(void)state;
	open_ready(IN);
	for (i = 0; i < 100; i++) {
		iv_fd_unregister(&probe.fd);
		iv_fd_register(&probe.fd);
	}
	run_rounds(2);
	expect_order(&probe, "ii");
	iv_fd_unregister(&probe.fd);
	run_rounds(2);
	expect_order(&probe, "");
	close_probe();
}

static void register_anew(struct probe *own, int band)
{
	iv_fd_unregister(&own->fd);
	probe_register(own, band == IN ? OUT : IN);
}

static void registered_anew_inside(void **state)
{
	(void)state;
	open_ready(IN);
	probe.then = register_anew;
	run_rounds(6);
	expect_order(&probe, "ioioio");
	close_probe();
}

static const struct test_case cases[] = {
	TEST(each_set_of_handlers),
	TEST(each_change_of_handlers),
	TEST(changed_before_the_first_wait),
	TEST(flipped_a_thousand_times),
	TEST(in_and_out_take_turns),
	TEST(cleared_inside_it_is_not_called_again),
	TEST(cleared_and_set_inside_it_is_called_again),
	TEST(one_more_band_inside),
	TEST(a_sibling_cleared_is_not_called),
	TEST(a_sibling_turned_is_called_for_its_new_band),
	TEST(changed_by_a_timer_or_a_task),
	TEST(registered_and_unregistered_unwaited),
	TEST(registered_anew_inside),
};

GROUP(bands);
