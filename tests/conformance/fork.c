/* SPDX-License-Identifier: MIT */
/*
 * fork.c - a child with a copy of its parent's loop
 *
 * What the child does to the loop must be nothing to the parent: it goes on
 * with the same objects, and wakes as before.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <iv_event.h>
#include <iv_event_raw.h>
#include "suite.h"

static struct probe probe, silent;
static struct iv_event event;
static struct iv_timer timer;
static int posts;

static void count_post(void *cookie)
{
	(void)cookie;
	posts++;
	iv_quit();
}

static void *post(void *arg)
{
	iv_event_post(&event);

	return arg;
}

/* A loop with two descriptors, an event and a timer, all known to it. */
static void open_loop(void)
{
	iv_init();
	probe_socket(&probe);
	probe_register(&probe, IN);
	probe_socket(&silent);
	probe_register(&silent, IN | ERR);
	event.handler = count_post;
	assert_int_equal(iv_event_register(&event), 0);
	quit_after_ms(&timer, 24 * 3600 * 1000L);
	run_rounds(1);
	in_thread(post, NULL);
	run_until_quit("the first post");
	posts = 0;
}

static void close_loop(void)
{
	iv_timer_unregister(&timer);
	iv_event_unregister(&event);
	probe_close(&probe);
	probe_close(&silent);
	iv_deinit();
}

/* Does the loop serve each of its objects, and sleep between? */
static void expect_all_served(void)
{
	pthread_t thread;

	run_rounds(2);
	probe_reset(&probe);
	put_byte(probe.far);
	run_until_called(&probe, 2);
	expect_order(&probe, "ii");
	get_byte(probe.fd.fd);
	run_rounds(2);
	expect_order(&probe, "");
	posts = 0;
	thread = start_thread(post, NULL);
	run_until_quit("a post");
	join_thread(thread);
	assert_int_equal(posts, 1);
	expect_order(&silent, "");
	expect_idle();
}

/* Runs @fn in a child; the loop must serve all before and after. */
static void parent_is_left_alone_by(int (*fn)(void *arg))
{
	open_loop();
	in_child(fn, NULL);
	expect_all_served();
	in_child(fn, NULL);
	expect_all_served();
	close_loop();
}

static int end_at_once(void *arg)
{
	(void)arg;
	_exit(0);
}

static void a_child_that_ends(void **state)
{
	(void)state;
	parent_is_left_alone_by(end_at_once);
}

static int deinit(void *arg)
{
	(void)arg;
	iv_deinit();
	leave_child(iv_inited());
}

static void a_child_that_closes_its_loop(void **state)
{
	(void)state;
	parent_is_left_alone_by(deinit);
}

static int unregister_all(void *arg)
{
	(void)arg;
	close_loop();
	leave_child(0);
}

static void a_child_that_unregisters_all(void **state)
{
	(void)state;
	parent_is_left_alone_by(unregister_all);
}

static int open_anew(void *arg)
{
	(void)arg;
	iv_deinit();
	open_loop();
	expect_all_served();
	close_loop();
	leave_child(0);
}

static void a_child_that_opens_its_own(void **state)
{
	(void)state;
	parent_is_left_alone_by(open_anew);
}

/* The same sockets: what it writes and reads is its own until it ends. */
static int use_inherited(void *arg)
{
	(void)arg;
	expect_all_served();
	expect_all_served();
	close_loop();
	leave_child(0);
}

static void a_child_that_uses_its_copy(void **state)
{
	(void)state;
	parent_is_left_alone_by(use_inherited);
}

static int change_inherited(void *arg)
{
	struct probe more;

	(void)arg;
	probe_want(&probe, OUT);
	probe_socket(&more);
	probe_register(&more, IN);
	run_rounds(2);
	expect_order(&probe, "oo");
	put_byte(more.far);
	run_rounds(2);
	expect_order(&more, "ii");
	probe_close(&more);
	close_loop();
	leave_child(0);
}

static void a_child_that_changes_its_copy(void **state)
{
	(void)state;
	parent_is_left_alone_by(change_inherited);
}

static int fork_again(void *arg)
{
	(void)arg;
	in_child(use_inherited, NULL);
	expect_all_served();
	close_loop();
	leave_child(0);
}

static void a_child_that_forks(void **state)
{
	(void)state;
	parent_is_left_alone_by(fork_again);
}

/* It is left running while the parent goes on: two loops at once. */
static int turn[2];

static int wait_for_turn(void *arg)
{
	(void)arg;
	iv_fd_unregister(&silent.fd);
	run_rounds(1);
	get_byte(turn[0]);
	probe_want(&probe, 0);
	expect_idle();
	leave_child(0);
}

static void both_at_the_same_time(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	open_loop();
	make_pipe(turn);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		wait_for_turn(NULL);
	expect_all_served();
	put_byte(silent.far);
	run_until_called(&silent, 2);
	expect_order(&silent, "ii");
	get_byte(silent.fd.fd);
	put_byte(turn[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	expect_all_served();
	close_both(turn);
	close_loop();
}

static void wake_often(void)
{
	int num = scaled(3000), i;

	posts = 0;
	for (i = 0; i < num; i++) {
		pthread_t thread = start_thread(post, NULL);

		run_until_quit("a post");
		join_thread(thread);
	}
	assert_int_equal(posts, num);
}

/* Neither may take the other's wake-ups. */
static void both_woken_at_the_same_time(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	open_loop();
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	wake_often();
	if (pid == 0) {
		close_loop();
		leave_child(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	expect_all_served();
	close_loop();
}

/* In a callback, from where the child returns into its copy. */
static pid_t child;

static void fork_inside(struct probe *own, int band)
{
	(void)band;
	own->then = NULL;
	fflush(NULL);
	child = fork();
}

static void forked_in_a_callback(void **state)
{
	int status;

	(void)state;
	open_loop();
	put_byte(probe.far);
	probe.then = fork_inside;
	run_until_called(&probe, 3);
	expect_order(&probe, "iii");
	if (child == 0) {
		close_loop();
		leave_child(0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	get_byte(probe.fd.fd);
	expect_all_served();
	close_loop();
}

/* Raw events are the ones that other processes may post. */
static struct iv_event_raw raw;

static int post_raw(void *arg)
{
	(void)arg;
	iv_event_raw_post(&raw);
	_exit(0);
}

static void a_child_wakes_its_parent(void **state)
{
	int i;

	(void)state;
	open_loop();
	raw.handler = count_post;
	assert_int_equal(iv_event_raw_register(&raw), 0);
	run_rounds(1);
	for (i = 0; i < 3; i++) {
		in_child(post_raw, NULL);
		run_until_quit("a post of the child");
		assert_int_equal(posts, i + 1);
	}
	iv_event_raw_unregister(&raw);
	close_loop();
}

static const struct test_case cases[] = {
	TEST(a_child_that_ends),
	TEST(a_child_that_closes_its_loop),
	TEST(a_child_that_unregisters_all),
	TEST(a_child_that_opens_its_own),
	TEST(a_child_that_uses_its_copy),
	TEST(a_child_that_changes_its_copy),
	TEST(a_child_that_forks),
	TEST(both_at_the_same_time),
	TEST(both_woken_at_the_same_time),
	TEST(forked_in_a_callback),
	TEST(a_child_wakes_its_parent),
};

GROUP(fork);
