/* SPDX-License-Identifier: MIT */
/*
 * loops.c - loops opened and closed again, and several at a time
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <iv_event.h>
#include "suite.h"

static struct probe probe;

/* A method short of descriptors gives way to another one; not here. */
static void the_method_is_the_one_asked_for(void **state)
{
	(void)state;
	iv_init();
	assert_string_equal(iv_poll_method_name(),
			    getenv("IV_SELECT_POLL_METHOD"));
	iv_deinit();
}

static struct iv_event event;

static void note_post(void *cookie)
{
	(void)cookie;
	iv_quit();
}

static void *post(void *arg)
{
	iv_event_post(&event);

	return arg;
}

static void use_a_loop(void)
{
	event.handler = note_post;
	iv_init();
	assert_int_equal(iv_event_register(&event), 0);
	probe_socket(&probe);
	put_byte(probe.far);
	probe_register(&probe, IN);
	run_until_called(&probe, 1);
	expect_order(&probe, "i");
	iv_fd_unregister(&probe.fd);
	in_thread(post, NULL);
	run_until_quit("a post");
	probe_close(&probe);
	iv_event_unregister(&event);
	iv_deinit();
}

static void opened_and_closed_a_thousand_times(void **state)
{
	int num = scaled(1000), before, i;

	(void)state;
	use_a_loop();
	before = num_open_fds();
	for (i = 0; i < num; i++)
		use_a_loop();
	assert_int_equal(num_open_fds(), before);
}

static void opened_and_closed_unused(void **state)
{
	int num = scaled(1000), before, i;

	(void)state;
	iv_init();
	iv_deinit();
	before = num_open_fds();
	for (i = 0; i < num; i++) {
		iv_init();
		iv_deinit();
	}
	assert_int_equal(num_open_fds(), before);
}

/* Closed over objects of every kind, which are let go. */
static void closed_with_objects_registered(void **state)
{
	struct iv_timer timer;
	int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		iv_init();
		probe_socket(&probe);
		put_byte(probe.far);
		probe_register(&probe, ALL);
		quit_after_ms(&timer, 3600 * 1000L);
		event.handler = note_post;
		assert_int_equal(iv_event_register(&event), 0);
		run_rounds(i % 3);
		iv_deinit();
		probe_forget(&probe);
		probe_close(&probe);
	}
}

/* What an old loop knew of a number is nothing to the next one. */
static void the_next_loop_knows_nothing_of_the_last(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		iv_init();
		probe_socket(&probe);
		put_byte(probe.far);
		probe_register(&probe, IN);
		run_rounds(1);
		iv_fd_unregister(&probe.fd);
		iv_deinit();

		iv_init();
		probe_reset(&probe);
		probe_register(&probe, OUT);
		run_rounds(2);
		expect_order(&probe, "oo");
		probe_close(&probe);
		iv_deinit();
	}
}

/* Several threads *********************************************************/

enum { NUM_THREADS = 4 };

struct worker {
	struct probe probe;
	struct iv_event event;
	struct iv_timer timer;
	pthread_t thread;
	bool inited;
	int posts, left;
	const char *method;
};

static struct worker workers[NUM_THREADS];
static pthread_barrier_t ready;

static void read_one(struct probe *own, int band)
{
	struct worker *worker = own->cookie;

	(void)band;
	get_byte(own->fd.fd);
	if (--worker->left == 0)
		iv_quit();
	else
		put_byte(own->far);
}

static void count_post(void *cookie)
{
	struct worker *worker = cookie;

	worker->posts++;
}

/* Bytes of its own, and posts from its neighbour. */
static void *work(void *arg)
{
	struct worker *worker = arg;
	struct worker *next = &workers[(worker - workers + 1) % NUM_THREADS];
	int i;

	iv_init();
	worker->method = iv_poll_method_name();
	worker->event.cookie = worker;
	worker->event.handler = count_post;
	if (iv_event_register(&worker->event) < 0)
		return NULL;
	worker->probe.then = read_one;
	worker->probe.cookie = worker;
	probe_register(&worker->probe, IN);
	pthread_barrier_wait(&ready);
	put_byte(worker->probe.far);
	for (i = 0; i < 100; i++)
		iv_event_post(&next->event);
	iv_main();
	pthread_barrier_wait(&ready);
	/* All posts have been made; what is left of them comes before this. */
	quit_after_ms(&worker->timer, 1);
	iv_main();
	iv_event_unregister(&worker->event);
	iv_fd_unregister(&worker->probe.fd);
	iv_deinit();

	return worker;
}

static void each_of_several_threads_has_its_own(void **state)
{
	int i;

	(void)state;
	pthread_barrier_init(&ready, NULL, NUM_THREADS);
	iv_init();
	for (i = 0; i < NUM_THREADS; i++) {
		probe_socket(&workers[i].probe);
		workers[i].left = scaled(1000);
		workers[i].thread = start_thread(work, &workers[i]);
	}
	for (i = 0; i < NUM_THREADS; i++) {
		assert_non_null(join_thread(workers[i].thread));
		assert_int_equal(workers[i].left, 0);
		assert_true(workers[i].posts > 0);
		assert_string_equal(workers[i].method, iv_poll_method_name());
		probe_close(&workers[i].probe);
	}
	iv_deinit();
	pthread_barrier_destroy(&ready);
}

/* One descriptor in all of them: each is told. */
static void *watch(void *arg)
{
	struct worker *worker = arg;

	iv_init();
	worker->probe.quit_at = 2;
	probe_register(&worker->probe, IN);
	pthread_barrier_wait(&ready);
	iv_main();
	iv_fd_unregister(&worker->probe.fd);
	iv_deinit();

	return NULL;
}

static void one_descriptor_in_several_threads(void **state)
{
	int ends[2], i;

	(void)state;
	make_socketpair(ends);
	pthread_barrier_init(&ready, NULL, NUM_THREADS + 1);
	for (i = 0; i < NUM_THREADS; i++) {
		probe_on(&workers[i].probe, ends[0]);
		workers[i].thread = start_thread(watch, &workers[i]);
	}
	pthread_barrier_wait(&ready);
	put_byte(ends[1]);
	for (i = 0; i < NUM_THREADS; i++) {
		join_thread(workers[i].thread);
		expect_order(&workers[i].probe, "ii");
	}
	pthread_barrier_destroy(&ready);
	close_both(ends);
}

/* Handed from one loop to the other and back. */
static void *take_and_give_back(void *arg)
{
	struct probe *own = arg;

	iv_init();
	own->quit_at = probe_calls(own) + 1;
	probe_register(own, IN);
	iv_main();
	iv_fd_unregister(&own->fd);
	iv_deinit();

	return NULL;
}

static void handed_from_loop_to_loop(void **state)
{
	int i;

	(void)state;
	iv_init();
	probe_socket(&probe);
	put_byte(probe.far);
	for (i = 0; i < 20; i++) {
		probe_register(&probe, IN);
		run_until_called(&probe, 1);
		iv_fd_unregister(&probe.fd);
		in_thread(take_and_give_back, &probe);
		assert_int_equal(probe.in, 2 * (i + 1));
		assert_int_equal(probe.out, 0);
	}
	probe_close(&probe);
	iv_deinit();
}

/* Its loop is closed for it. */
static void *leave_the_loop(void *arg)
{
	struct worker *worker = arg;

	iv_init();
	worker->event.handler = note_post;
	if (iv_event_register(&worker->event) < 0)
		return NULL;
	probe_register(&worker->probe, IN);
	worker->probe.quit_at = 1;
	iv_main();
	worker->inited = iv_inited();

	return worker;
}

static void a_thread_that_just_ends_leaves_nothing(void **state)
{
	struct worker *worker = &workers[0];
	int before = 0, i;

	(void)state;
	probe_socket(&worker->probe);
	put_byte(worker->probe.far);
	for (i = 0; i < 20; i++) {
		assert_non_null(in_thread(leave_the_loop, worker));
		assert_true(worker->inited);
		probe_forget(&worker->probe);
		probe_reset(&worker->probe);
		if (i == 0)
			before = num_open_fds();
	}
	assert_int_equal(num_open_fds(), before);
	probe_close(&worker->probe);
}

static const struct test_case cases[] = {
	TEST(the_method_is_the_one_asked_for),
	TEST(opened_and_closed_a_thousand_times),
	TEST(opened_and_closed_unused),
	TEST(closed_with_objects_registered),
	TEST(the_next_loop_knows_nothing_of_the_last),
	TEST(each_of_several_threads_has_its_own),
	TEST(one_descriptor_in_several_threads),
	TEST(handed_from_loop_to_loop),
	TEST(a_thread_that_just_ends_leaves_nothing),
};

GROUP(loops);
