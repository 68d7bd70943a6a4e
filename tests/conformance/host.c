/* SPDX-License-Identifier: MIT */
/*
 * host.c - a loop inside another one, which waits for both
 *
 * A method that has no descriptor for hosts must say so each time; the rest of
 * a case then runs by single rounds.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <iv_event.h>
#include <iv_loop.h>
#include "answers.h"
#include "suite.h"

enum {
	HANGING_MS = 40000,
	IDLE_MS = 25,
	/* Some methods have their descriptor readable for nothing at times. */
	MAX_IDLE_ROUNDS = 8,
	/* More than a small table takes. */
	NUM_MANY = 600,
};

static struct probe probe, second;
static struct iv_event event;
static struct iv_timer timer;
static bool is_over;
static int calls;

/* A host that keeps what it waits for in a set of its own; -1: it polls. */
static int host_set = -1;
static int in_host_set = -1;

static bool is_hosted(void)
{
	return answers()->hosted == WORKS;
}

/* How long to wait, and for what; -1: a method without one. */
static int prepare(int64_t *timeout_ns)
{
	int fd;

	*timeout_ns = 77;
	fd = iv_loop_prepare(timeout_ns);
	if (is_hosted()) {
		assert_true(fd >= 0);
		assert_true(*timeout_ns >= -1);
		return fd;
	}
	assert_int_equal(fd, -ENOTSUP);
	assert_int_equal(*timeout_ns, 77);

	return -1;
}

static int wait_in_set(int fd, int timeout_ms)
{
	struct epoll_event ev = { .events = EPOLLIN };

	/* Told once: it is to stay the same. */
	if (in_host_set < 0) {
		in_host_set = fd;
		assert_int_equal(epoll_ctl(host_set, EPOLL_CTL_ADD, fd, &ev),
				 0);
	}
	assert_int_equal(fd, in_host_set);

	return epoll_wait(host_set, &ev, 1, timeout_ms);
}

/* 1: the loop wants a round; 0: it does not, yet. */
static int wait_as_host(int fd, int64_t timeout_ns)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int timeout_ms = HANGING_MS;
	int ret;

	if (timeout_ns >= 0 && timeout_ns < INT64_C(1000000) * HANGING_MS)
		timeout_ms = (int)((timeout_ns + 999999) / 1000000);
	do {
		if (host_set >= 0)
			ret = wait_in_set(fd, timeout_ms);
		else
			ret = poll(&pfd, 1, timeout_ms);
	} while (ret < 0 && errno == EINTR);
	if (ret == 0 && timeout_ms == HANGING_MS)
		fail_msg("the host has waited in vain");

	return ret;
}

static int turn(void)
{
	int64_t timeout_ns;
	int fd = prepare(&timeout_ns);

	if (fd < 0)
		return iv_loop_run_once(-1);
	wait_as_host(fd, timeout_ns);

	return iv_loop_run_once(0);
}

static void end(void *cookie)
{
	(void)cookie;
	is_over = true;
}

static void start_timer(long ms)
{
	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(ms);
	timer.handler = end;
	is_over = false;
	iv_timer_register(&timer);
}

static void turn_until_called(struct probe *own, int num)
{
	num += probe_calls(own);
	while (probe_calls(own) < num)
		turn();
}

/* Nothing happens, and the host is not kept busy with it. */
static void expect_quiet(struct probe *own)
{
	int rounds = 0;

	probe_reset(own);
	start_timer(IDLE_MS);
	while (!is_over) {
		turn();
		if (++rounds > MAX_IDLE_ROUNDS)
			fail_msg("the host is kept busy");
	}
	expect_order(own, "");
}

static void open_probe(int bands)
{
	iv_init();
	probe_socket(&probe);
	probe_register(&probe, bands);
}

static void close_probe(void)
{
	probe_close(&probe);
	iv_deinit();
}

/* Descriptors *************************************************************/

static void told_as_long_as_it_is_ready(void **state)
{
	int i;

	(void)state;
	open_probe(IN);
	expect_quiet(&probe);
	for (i = 0; i < 20; i++) {
		put_byte(probe.far);
		turn_until_called(&probe, 3);
		expect_order(&probe, "iii");
		get_byte(probe.fd.fd);
		if (i % 10 == 0)
			expect_quiet(&probe);
	}
	close_probe();
}

static void *put_one(void *arg)
{
	put_byte(*(int *)arg);

	return NULL;
}

static void read_byte(struct probe *own, int band)
{
	(void)band;
	get_byte(own->fd.fd);
}

/* Mostly while it waits, at times before it does. */
static void expect_bytes(struct probe *own, int num)
{
	int i;

	probe_reset(own);
	own->then = read_byte;
	for (i = 0; i < num; i++) {
		pthread_t thread = start_thread(put_one, &own->far);

		turn_until_called(own, 1);
		join_thread(thread);
	}
	assert_int_equal(own->in, num);
	expect_quiet(own);
	own->then = NULL;
}

static void ready_while_the_host_waits(void **state)
{
	(void)state;
	open_probe(IN);
	expect_bytes(&probe, 50);
	close_probe();
}

static void bands_change_between_rounds(void **state)
{
	(void)state;
	open_probe(IN);
	put_byte(probe.far);
	turn_until_called(&probe, 1);
	probe_want(&probe, 0);
	expect_quiet(&probe);
	probe_want(&probe, OUT);
	probe_reset(&probe);
	turn_until_called(&probe, 2);
	expect_order(&probe, "oo");
	probe_want(&probe, ERR);
	expect_quiet(&probe);
	probe_want(&probe, IN | OUT);
	turn_until_called(&probe, 2);
	expect_order(&probe, "io");
	get_byte(probe.fd.fd);
	probe_want(&probe, IN);
	expect_quiet(&probe);
	close_probe();
}

static void unregistered_between_rounds(void **state)
{
	(void)state;
	open_probe(IN);
	probe_socket(&second);
	probe_register(&second, IN);
	put_byte(probe.far);
	put_byte(second.far);
	turn_until_called(&probe, 1);
	probe_close(&probe);
	probe_reset(&second);
	turn_until_called(&second, 2);
	iv_fd_unregister(&second.fd);
	expect_quiet(&second);
	probe_register(&second, IN);
	turn_until_called(&second, 1);
	probe_close(&second);
	iv_deinit();
}

static void a_hang_up_is_told_while_it_is_wanted(void **state)
{
	(void)state;
	open_probe(ERR);
	expect_quiet(&probe);
	probe_close_far(&probe);
	turn_until_called(&probe, 2);
	expect_order(&probe, "ee");
	probe_want(&probe, 0);
	expect_quiet(&probe);
	close_probe();
}

/* Time, posts and tasks ***************************************************/

static void a_timer_ends_the_hosts_wait(void **state)
{
	int i;

	(void)state;
	open_probe(IN);
	for (i = 0; i < 5; i++) {
		start_timer(i);
		while (!is_over)
			turn();
		iv_validate_now();
		assert_true(compare_times(&timer.expires, &iv_now) <= 0);
	}
	close_probe();
}

static void a_task_lets_the_host_not_wait(void **state)
{
	struct iv_task task;
	int64_t timeout_ns;

	(void)state;
	open_probe(IN);
	IV_TASK_INIT(&task);
	task.handler = end;
	is_over = false;
	iv_task_register(&task);
	if (prepare(&timeout_ns) >= 0)
		assert_int_equal(timeout_ns, 0);
	assert_int_equal(turn(), 1);
	assert_true(is_over);
	expect_quiet(&probe);
	close_probe();
}

static void count(void *cookie)
{
	(void)cookie;
	calls++;
}

static void *post(void *arg)
{
	iv_event_post(&event);

	return arg;
}

static void open_event(void)
{
	event.handler = count;
	calls = 0;
	assert_int_equal(iv_event_register(&event), 0);
}

static void expect_posts(int num)
{
	int i;

	calls = 0;
	for (i = 0; i < num; i++) {
		pthread_t thread = start_thread(post, NULL);

		while (calls == i)
			turn();
		join_thread(thread);
	}
	assert_int_equal(calls, num);
}

static void a_post_ends_the_hosts_wait(void **state)
{
	(void)state;
	open_probe(IN);
	open_event();
	expect_posts(50);
	expect_quiet(&probe);
	iv_event_unregister(&event);
	close_probe();
}

/* Nothing is lost by asking again, nor by running otherwise meanwhile. */
static void asked_again_and_again(void **state)
{
	int64_t timeout_ns;
	int i;

	(void)state;
	open_probe(IN);
	open_event();
	for (i = 0; i < 20; i++) {
		prepare(&timeout_ns);
		put_byte(probe.far);
		prepare(&timeout_ns);
		prepare(&timeout_ns);
		turn_until_called(&probe, 1);
		get_byte(probe.fd.fd);
		prepare(&timeout_ns);
		in_thread(post, NULL);
		prepare(&timeout_ns);
		prepare(&timeout_ns);
		while (calls == i)
			turn();
		prepare(&timeout_ns);
		run_rounds(2);
	}
	assert_int_equal(calls, 20);
	expect_quiet(&probe);
	iv_event_unregister(&event);
	close_probe();
}

/* In a handler, while another one has not been called yet. */
static void ask_inside(struct probe *own, int band)
{
	struct probe *other = own == &probe ? &second : &probe;
	int64_t timeout_ns;
	int fd;

	(void)band;
	if (probe_calls(other) > 0)
		return;
	fd = prepare(&timeout_ns);
	if (fd >= 0 && timeout_ns != 0)
		assert_int_equal(wait_as_host(fd, 0), 1);
}

static void asked_inside_a_handler(void **state)
{
	(void)state;
	open_probe(IN);
	probe_socket(&second);
	probe_register(&second, IN);
	probe.then = ask_inside;
	second.then = ask_inside;
	put_byte(probe.far);
	put_byte(second.far);
	turn_until_called(&probe, 1);
	turn_until_called(&second, 1);
	probe_close(&second);
	close_probe();
}

/* The same descriptor for ever *********************************************/

static void open_host_set(void)
{
	host_set = epoll_create1(EPOLL_CLOEXEC);
	assert_true(host_set >= 0);
	in_host_set = -1;
}

static void close_host_set(void)
{
	close(host_set);
	host_set = -1;
}

/* What grows in a loop is made anew at times, and so is what has worn out. */
static void many_descriptors_leave_it_the_same(void **state)
{
	static struct probe many[NUM_MANY];
	int i;

	(void)state;
	open_host_set();
	open_probe(IN);
	expect_quiet(&probe);
	for (i = 0; i < NUM_MANY; i++) {
		int fd = eventfd(1, EFD_CLOEXEC);

		assert_true(fd >= 0);
		probe_on(&many[i], fd);
		probe_register(&many[i], IN);
	}
	for (i = 0; i < NUM_MANY; i++) {
		while (many[i].in == 0)
			turn();
	}
	for (i = 0; i < NUM_MANY; i++)
		probe_close(&many[i]);
	expect_bytes(&probe, 10);
	close_probe();
	close_host_set();
}

static void a_file_closed_elsewhere_leaves_it_the_same(void **state)
{
	int copy;

	(void)state;
	open_host_set();
	open_probe(IN);
	open_event();
	probe_socket(&second);
	expect_quiet(&probe);
	copy = fcntl(probe.fd.fd, F_DUPFD_CLOEXEC, 0);
	assert_true(copy >= 0);
	close(probe.fd.fd);
	iv_fd_unregister(&probe.fd);
	probe.fd.fd = -1;
	put_byte(probe.far);
	expect_quiet(&probe);

	probe_register(&second, IN);
	expect_bytes(&second, 10);
	expect_posts(5);
	probe_close(&second);
	expect_quiet(&probe);
	iv_event_unregister(&event);
	close(copy);
	close_probe();
	close_host_set();
}

/* Children ****************************************************************/

static void be_hosted(void)
{
	put_byte(probe.far);
	turn_until_called(&probe, 2);
	get_byte(probe.fd.fd);
	expect_posts(5);
	expect_quiet(&probe);
	iv_event_unregister(&event);
	close_probe();
}

static int be_hosted_in_child(void *arg)
{
	(void)arg;
	be_hosted();
	leave_child(0);
}

static void a_child_has_its_own(void **state)
{
	int64_t timeout_ns;
	int fd;

	(void)state;
	open_probe(IN);
	open_event();
	expect_posts(5);
	fd = prepare(&timeout_ns);
	in_child(be_hosted_in_child, NULL);
	if (fd >= 0)
		assert_int_equal(prepare(&timeout_ns), fd);
	expect_posts(5);
	in_child(be_hosted_in_child, NULL);
	be_hosted();
}

static const struct test_case cases[] = {
	TEST(told_as_long_as_it_is_ready),
	TEST(ready_while_the_host_waits),
	TEST(bands_change_between_rounds),
	TEST(unregistered_between_rounds),
	TEST(a_hang_up_is_told_while_it_is_wanted),
	TEST(a_timer_ends_the_hosts_wait),
	TEST(a_task_lets_the_host_not_wait),
	TEST(a_post_ends_the_hosts_wait),
	TEST(asked_again_and_again),
	TEST(asked_inside_a_handler),
	TEST(many_descriptors_leave_it_the_same),
	TEST(a_file_closed_elsewhere_leaves_it_the_same),
	TEST(a_child_has_its_own),
};

GROUP(host);
