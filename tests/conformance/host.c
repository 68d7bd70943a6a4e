/* SPDX-License-Identifier: MIT */
/*
 * host.c - a loop inside another one, which waits for both
 */
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <iv_event.h>
#include "host_bed.h"
#include "suite.h"

enum { NUM_MANY = 600 }; /* more than a small table takes */

static struct probe probe, second;
static struct iv_event event;
static struct iv_timer timer;
static bool is_over;
static int calls;

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
	host_expect_quiet(&probe);
	for (i = 0; i < 20; i++) {
		put_byte(probe.far);
		host_turn_until_called(&probe, 3);
		expect_order(&probe, "iii");
		get_byte(probe.fd.fd);
		if (i % 10 == 0)
			host_expect_quiet(&probe);
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

		host_turn_until_called(own, 1);
		join_thread(thread);
	}
	assert_int_equal(own->in, num);
	host_expect_quiet(own);
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
	host_turn_until_called(&probe, 1);
	probe_want(&probe, 0);
	host_expect_quiet(&probe);
	probe_want(&probe, OUT);
	probe_reset(&probe);
	host_turn_until_called(&probe, 2);
	expect_order(&probe, "oo");
	probe_want(&probe, ERR);
	host_expect_quiet(&probe);
	probe_want(&probe, IN | OUT);
	host_turn_until_called(&probe, 2);
	expect_order(&probe, "io");
	get_byte(probe.fd.fd);
	probe_want(&probe, IN);
	host_expect_quiet(&probe);
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
	host_turn_until_called(&probe, 1);
	probe_close(&probe);
	probe_reset(&second);
	host_turn_until_called(&second, 2);
	iv_fd_unregister(&second.fd);
	host_expect_quiet(&second);
	probe_register(&second, IN);
	host_turn_until_called(&second, 1);
	probe_close(&second);
	iv_deinit();
}

static void a_hang_up_is_told_while_it_is_wanted(void **state)
{
	(void)state;
	open_probe(ERR);
	host_expect_quiet(&probe);
	probe_close_far(&probe);
	host_turn_until_called(&probe, 2);
	expect_order(&probe, "ee");
	probe_want(&probe, 0);
	host_expect_quiet(&probe);
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
			host_turn();
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
	if (host_prepare(&timeout_ns) >= 0)
		assert_int_equal(timeout_ns, 0);
	assert_int_equal(host_turn(), 1);
	assert_true(is_over);
	host_expect_quiet(&probe);
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
			host_turn();
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
	host_expect_quiet(&probe);
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
		host_prepare(&timeout_ns);
		put_byte(probe.far);
		host_prepare(&timeout_ns);
		host_prepare(&timeout_ns);
		host_turn_until_called(&probe, 1);
		get_byte(probe.fd.fd);
		host_prepare(&timeout_ns);
		in_thread(post, NULL);
		host_prepare(&timeout_ns);
		host_prepare(&timeout_ns);
		while (calls == i)
			host_turn();
		host_prepare(&timeout_ns);
		run_rounds(2);
	}
	assert_int_equal(calls, 20);
	host_expect_quiet(&probe);
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
	fd = host_prepare(&timeout_ns);
	if (fd >= 0 && timeout_ns != 0)
		assert_int_equal(host_wait(fd, 0), 1);
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
	host_turn_until_called(&probe, 1);
	host_turn_until_called(&second, 1);
	probe_close(&second);
	close_probe();
}

/* The same descriptor for ever *********************************************/

/* What grows in a loop is made anew at times, and so is what has worn out. */
static void many_descriptors_leave_it_the_same(void **state)
{
	static struct probe many[NUM_MANY];
	int i;

	(void)state;
	host_open_set();
	open_probe(IN);
	host_expect_quiet(&probe);
	for (i = 0; i < NUM_MANY; i++) {
		int fd = eventfd(1, EFD_CLOEXEC);

		assert_true(fd >= 0);
		probe_on(&many[i], fd);
		probe_register(&many[i], IN);
	}
	for (i = 0; i < NUM_MANY; i++) {
		while (many[i].in == 0)
			host_turn();
	}
	for (i = 0; i < NUM_MANY; i++)
		probe_close(&many[i]);
	expect_bytes(&probe, 10);
	close_probe();
	host_close_set();
}

static void a_file_closed_elsewhere_leaves_it_the_same(void **state)
{
	int copy;

	(void)state;
	host_open_set();
	open_probe(IN);
	open_event();
	probe_socket(&second);
	host_expect_quiet(&probe);
	copy = fcntl(probe.fd.fd, F_DUPFD_CLOEXEC, 0);
	assert_true(copy >= 0);
	close(probe.fd.fd);
	iv_fd_unregister(&probe.fd);
	probe.fd.fd = -1;
	put_byte(probe.far);
	host_expect_quiet(&probe);

	probe_register(&second, IN);
	expect_bytes(&second, 10);
	expect_posts(5);
	probe_close(&second);
	host_expect_quiet(&probe);
	iv_event_unregister(&event);
	close(copy);
	close_probe();
	host_close_set();
}

/* Children ****************************************************************/

static void be_hosted(void)
{
	put_byte(probe.far);
	host_turn_until_called(&probe, 2);
	get_byte(probe.fd.fd);
	expect_posts(5);
	host_expect_quiet(&probe);
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
	fd = host_prepare(&timeout_ns);
	in_child(be_hosted_in_child, NULL);
	if (fd >= 0)
		assert_int_equal(host_prepare(&timeout_ns), fd);
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
