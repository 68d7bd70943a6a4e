/* SPDX-License-Identifier: MIT */
/*
 * test_loop_host.c - loops that somebody else turns, and loops that spin
 */
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <iv_event.h>
#include <iv_loop.h>
#include "harness.h"

/* Once ********************************************************************/

static void with_nothing_registered_nothing_is_waited_for(void **state)
{
	(void)state;
	iv_init();
	assert_int_equal(iv_loop_run_once(-1), 0);
	iv_deinit();
}

static void a_round_runs_what_is_due(void **state)
{
	struct iv_timer timer;
	struct iv_task task;

	(void)state;
	iv_init();
	IV_TASK_INIT(&task);
	task.cookie = "task";
	task.handler = note;
	iv_task_register(&task);
	assert_int_equal(iv_loop_run_once(-1), 0);
	assert_noted("task");

	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(60000);
	timer.cookie = "timer";
	timer.handler = note;
	iv_timer_register(&timer);
	assert_int_equal(iv_loop_run_once(0), 1);
	assert_noted("");
	iv_timer_unregister(&timer);
	timer.expires = after_ms(2);
	iv_timer_register(&timer);
	while (iv_loop_run_once(-1) != 0)
		continue;
	assert_noted("timer");
	iv_deinit();
}

static void got_byte(void *cookie)
{
	struct iv_fd *fd = cookie;

	get_byte(fd->fd);
	note("byte");
}

static void a_round_looks_at_descriptors(void **state)
{
	struct iv_fd fd;
	int ends[2];

	(void)state;
	iv_init();
	make_pipe(ends);
	IV_FD_INIT(&fd);
	fd.fd = ends[0];
	fd.cookie = &fd;
	fd.handler_in = got_byte;
	iv_fd_register(&fd);
	assert_int_equal(iv_loop_run_once(0), 1);
	assert_noted("");
	put_byte(ends[1]);
	assert_int_equal(iv_loop_run_once(-1), 1);
	assert_noted("byte");
	assert_int_equal(iv_loop_run_once(1000), 1);
	assert_noted("");
	iv_fd_unregister(&fd);
	iv_deinit();
	close_both(ends);
}

static void a_round_ends_at_its_timeout(void **state)
{
	struct iv_event event = { .handler = quit };
	struct timespec before;
	struct timespec after;

	(void)state;
	iv_init();
	assert_int_equal(iv_event_register(&event), 0);
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(iv_loop_run_once(3000000), 1);
	clock_gettime(CLOCK_MONOTONIC, &after);
	before.tv_nsec += 3000000;
	if (before.tv_nsec >= 1000000000) {
		before.tv_sec++;
		before.tv_nsec -= 1000000000;
	}
	assert_true(compare_times(&after, &before) >= 0);

	iv_event_post(&event);
	assert_int_equal(iv_loop_run_once(-1), 0);
	assert_int_equal(iv_loop_run_once(0), 1);
	iv_event_unregister(&event);
	iv_deinit();
}

/* Embedded ****************************************************************/

/* All have one but poll and its relatives. */
static bool has_descriptor(void)
{
	const char *name = iv_poll_method_name();

	return strstr(name, "poll") == NULL || strncmp(name, "epoll", 5) == 0;
}

/* The host's wait: does the loop want a round? */
static bool poll_as_host(int fd, int64_t timeout_ns)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int timeout_ms = timeout_ns < 0 ? -1 : (int)(timeout_ns / 1000000) + 1;

	return poll(&pfd, 1, timeout_ms) == 1;
}

static void a_method_without_a_descriptor_says_so(void **state)
{
	int64_t timeout_ns = 77;

	(void)state;
	iv_init();
	if (has_descriptor()) {
		assert_true(iv_loop_prepare(&timeout_ns) >= 0);
		assert_int_equal(timeout_ns, -1);
	} else {
		assert_int_equal(iv_loop_prepare(&timeout_ns), -ENOTSUP);
		assert_int_equal(timeout_ns, 77);
	}
	assert_int_equal(iv_loop_prepare(NULL), -EINVAL);
	iv_deinit();
}

struct poster {
	struct iv_event *event;
	sem_t go;
};

static void *post_when_told(void *arg)
{
	struct poster *poster = arg;

	await(&poster->go);
	iv_event_post(poster->event);

	return NULL;
}

static void round_with_event(void)
{
	iv_loop_run_once(0);
	assert_noted("event");
}

static void expect_no_wait(void)
{
	int64_t timeout_ns;

	iv_loop_prepare(&timeout_ns);
	assert_int_equal(timeout_ns, 0);
	round_with_event();
}

static void wake_from_elsewhere(struct poster *poster)
{
	int64_t timeout_ns;
	pthread_t thread;
	int fd;

	thread = start_thread(post_when_told, poster);
	fd = iv_loop_prepare(&timeout_ns);
	assert_int_equal(timeout_ns, -1);
	assert_false(poll_as_host(fd, 0));
	sem_post(&poster->go);
	assert_true(poll_as_host(fd, timeout_ns));
	assert_int_equal(iv_loop_run_once(0), 1);
	assert_noted("event");
	join_thread(thread);

	/* Nor does it wait for what another thread has posted. */
	sem_post(&poster->go);
	in_thread(post_when_told, poster);
	expect_no_wait();
}

/* Its own thread's posts do so too, and what came before. */
static void wake_from_here(struct iv_event *event)
{
	int64_t timeout_ns;
	int fd;

	fd = iv_loop_prepare(&timeout_ns);
	iv_event_post(event);
	assert_true(poll_as_host(fd, timeout_ns));
	round_with_event();
	iv_event_post(event);
	expect_no_wait();
}

static void a_post_wakes_the_host(void **state)
{
	struct iv_event event = { .cookie = "event", .handler = note };
	struct poster poster = { .event = &event };

	(void)state;
	iv_init();
	if (has_descriptor()) {
		assert_int_equal(iv_event_register(&event), 0);
		sem_init(&poster.go, 0, 0);
		wake_from_elsewhere(&poster);
		wake_from_here(&event);
		iv_event_unregister(&event);
	}
	iv_deinit();
}

static void a_hosted_loop_hears_calls_with_nothing_registered(void **state)
{
	int64_t timeout_ns;
	int fd;

	(void)state;
	iv_init();
	if (has_descriptor()) {
		assert_int_equal(iv_loop_listen(), 0);
		fd = iv_loop_prepare(&timeout_ns);
		assert_int_equal(
			iv_loop_call(iv_loop_self(), note, "call", NULL), 0);
		assert_true(poll_as_host(fd, timeout_ns));
		assert_int_equal(iv_loop_run_once(0), 0);
		assert_noted("call");
		fd = iv_loop_prepare(&timeout_ns);
		assert_int_equal(timeout_ns, -1);
		assert_false(poll_as_host(fd, 0));
	}
	iv_deinit();
}

static void wake_by_descriptor(int near, int far)
{
	struct iv_fd fd;
	int64_t timeout_ns;
	int host;

	IV_FD_INIT(&fd);
	fd.fd = near;
	fd.cookie = &fd;
	fd.handler_in = got_byte;
	iv_fd_register(&fd);
	host = iv_loop_prepare(&timeout_ns);
	assert_int_equal(timeout_ns, -1);
	put_byte(far);
	assert_true(poll_as_host(host, timeout_ns));
	iv_loop_run_once(0);
	assert_noted("byte");
	iv_fd_unregister(&fd);
}

static void wake_by_timer(void)
{
	struct iv_timer timer;
	int64_t timeout_ns;
	int host;

	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(4);
	timer.cookie = "timer";
	timer.handler = note;
	iv_timer_register(&timer);
	host = iv_loop_prepare(&timeout_ns);
	assert_true(timeout_ns >= 0 && timeout_ns <= 4000000);
	while (iv_timer_registered(&timer)) {
		poll_as_host(host, timeout_ns);
		iv_loop_run_once(0);
		host = iv_loop_prepare(&timeout_ns);
	}
	assert_noted("timer");
}

static void descriptors_and_timers_wake_the_host(void **state)
{
	int ends[2];

	(void)state;
	iv_init();
	make_pipe(ends);
	if (has_descriptor()) {
		wake_by_descriptor(ends[0], ends[1]);
		wake_by_timer();
	}
	iv_deinit();
	close_both(ends);
}

static void a_prepared_loop_may_run_or_end(void **state)
{
	struct iv_event event = { .handler = quit };
	int64_t timeout_ns;

	(void)state;
	iv_init();
	assert_int_equal(iv_event_register(&event), 0);
	iv_loop_prepare(&timeout_ns);
	iv_loop_prepare(&timeout_ns);
	iv_event_post(&event);
	run_until_quit("an event posted while prepared");
	iv_loop_prepare(&timeout_ns);
	iv_event_unregister(&event);
	iv_deinit();
}

static void a_prepared_loop_with_nothing_left_does_not_wait(void **state)
{
	int64_t timeout_ns;

	(void)state;
	iv_init();
	assert_int_equal(iv_loop_listen(), 0);
	iv_loop_prepare(&timeout_ns);
	assert_int_equal(iv_loop_run_once(-1), 0);
	iv_deinit();
}

static int run_in_child(void *arg)
{
	int64_t timeout_ns;
	int fd;

	iv_event_post(arg);
	fd = iv_loop_prepare(&timeout_ns);
	if (fd < 0 || (timeout_ns != 0 && !poll_as_host(fd, timeout_ns)))
		leave_child(1);
	iv_loop_run_once(0);
	assert_noted("event");
	leave_child(0);
}

static void a_forked_child_has_a_descriptor_of_its_own(void **state)
{
	struct iv_event event = { .cookie = "event", .handler = note };
	int64_t timeout_ns;
	int fd;

	(void)state;
	iv_init();
	if (has_descriptor()) {
		assert_int_equal(iv_event_register(&event), 0);
		fd = iv_loop_prepare(&timeout_ns);
		in_child(run_in_child, &event);
		assert_false(poll_as_host(fd, 0));
		iv_loop_run_once(0);
		assert_noted("");
		iv_event_unregister(&event);
	}
	iv_deinit();
}

/* Spinning ****************************************************************/

enum { ROUNDS = 2000 };

struct side {
	struct iv_event event;
	struct side *other;
	sem_t open;
	bool is_second;
	int calls;
};

static void return_ball(void *cookie)
{
	struct side *side = cookie;

	/* The second one has the last ball, and its post is the last. */
	if (++side->calls == ROUNDS)
		iv_quit();
	if (side->calls < ROUNDS || side->is_second)
		iv_event_post(&side->other->event);
}

static void play(struct side *side)
{
	side->event.cookie = side;
	side->event.handler = return_ball;
	if (iv_event_register(&side->event) != 0)
		abort();
}

static void *play_there(void *arg)
{
	struct side *side = arg;

	iv_init();
	iv_loop_set_spin(100);
	play(side);
	sem_post(&side->open);
	iv_main();
	iv_event_unregister(&side->event);
	iv_deinit();

	return NULL;
}

static void spinning_loops_answer_each_other(void **state)
{
	struct side sides[2] = { { .other = &sides[1] },
				 { .other = &sides[0], .is_second = true } };
	pthread_t thread;
	int ret;

	(void)state;
	iv_init();
	assert_int_equal(iv_loop_set_spin(-1), -EINVAL);
	assert_int_equal(iv_loop_set_spin(IV_LOOP_MAX_SPIN_US + 1), -EINVAL);
	ret = iv_loop_set_spin(IV_LOOP_MAX_SPIN_US);
	assert_true(ret == 0 || ret == -ENOTSUP);
	assert_int_equal(iv_loop_set_spin(0), 0);
	iv_loop_set_spin(100);

	play(&sides[0]);
	sem_init(&sides[1].open, 0, 0);
	thread = start_thread(play_there, &sides[1]);
	await(&sides[1].open);
	iv_event_post(&sides[1].event);
	run_until_quit("the last ball");
	join_thread(thread);
	assert_int_equal(sides[0].calls, ROUNDS);
	assert_int_equal(sides[1].calls, ROUNDS);
	iv_event_unregister(&sides[0].event);
	iv_deinit();
}

static void a_spinning_loop_serves_timers(void **state)
{
	struct iv_event event = { .handler = quit };
	struct iv_timer timer;

	(void)state;
	iv_init();
	iv_loop_set_spin(200);
	assert_int_equal(iv_event_register(&event), 0);
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(1);
	timer.handler = quit;
	iv_timer_register(&timer);
	run_until_quit("a timer");
	iv_event_unregister(&event);
	iv_deinit();
}

static void init_with_nonsense(void *arg)
{
	setenv("IV_SPIN_US", arg, 1);
	iv_init();
}

static void the_environment_is_checked(void **state)
{
	(void)state;
	expect_fatal(init_with_nonsense, "12x", "iv_init", "IV_SPIN_US");
	expect_fatal(init_with_nonsense, "-1", "iv_init", "microseconds");
	expect_fatal(init_with_nonsense, "1001", "iv_init", "1000");
	setenv("IV_SPIN_US", "20", 1);
	iv_init();
	iv_deinit();
}

static const struct test_case cases[] = {
	TEST(with_nothing_registered_nothing_is_waited_for),
	TEST(a_round_runs_what_is_due),
	TEST(a_round_looks_at_descriptors),
	TEST(a_round_ends_at_its_timeout),
	TEST(a_method_without_a_descriptor_says_so),
	TEST(a_post_wakes_the_host),
	TEST(a_hosted_loop_hears_calls_with_nothing_registered),
	TEST(descriptors_and_timers_wake_the_host),
	TEST(a_prepared_loop_may_run_or_end),
	TEST(a_prepared_loop_with_nothing_left_does_not_wait),
	TEST(a_forked_child_has_a_descriptor_of_its_own),
	TEST(spinning_loops_answer_each_other),
	TEST(a_spinning_loop_serves_timers),
	TEST(the_environment_is_checked),
};

TEST_MAIN(cases)
