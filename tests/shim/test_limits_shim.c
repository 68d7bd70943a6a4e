/* SPDX-License-Identifier: MIT */
/*
 * test_limits_shim.c - the methods of Solaris at the system's limits, and
 * where its manual leaves open what happens
 *
 * Here the shims only set the limits; it is the backends that must live with
 * them.
 */
#include <port.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <iv_event.h>
#include <iv_loop.h>
#include "harness.h"

static void select_method(const char *name)
{
	setenv("IV_SELECT_POLL_METHOD", name, 1);
	unsetenv("IV_EXCLUDE_POLL_METHOD");
	unsetenv("IV_FORCE_PIPE");
}

/* A loop on a port that has room for @num. */
static void init_on_a_port(const char *name, unsigned int num)
{
	select_method(name);
	shim_port_set_max_events(num);
	iv_init();
	assert_string_equal(iv_poll_method_name(), name);
}

static void set_up(struct iv_fd *fd, int number, void (*handler)(void *))
{
	IV_FD_INIT(fd);
	fd->fd = number;
	fd->cookie = fd;
	fd->handler_in = handler;
}

static void get_and_quit(void *cookie)
{
	struct iv_fd *fd = cookie;

	get_byte(fd->fd);
	iv_quit();
}

/* A round that does not wait for long. */
static void run_once(void)
{
	struct iv_timer timer;

	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(1);
	timer.handler = quit;
	iv_timer_register(&timer);
	iv_main();
}

static void a_full_port_refuses_a_descriptor(void **state)
{
	struct iv_fd first;
	struct iv_fd second;
	int pipe[2];
	int other[2];

	(void)state;
	make_pipe(pipe);
	make_pipe(other);
	init_on_a_port("port", 1);
	set_up(&first, pipe[0], get_and_quit);
	set_up(&second, other[0], get_and_quit);
	assert_int_equal(iv_fd_register_try(&first), 0);
	assert_int_equal(iv_fd_register_try(&second), -1);
	assert_int_equal(errno, EAGAIN);

	iv_fd_unregister(&first);
	assert_int_equal(iv_fd_register_try(&second), 0);
	put_byte(other[1]);
	run_until_quit("the second descriptor");
	iv_fd_unregister(&second);
	iv_deinit();
	close_both(pipe);
	close_both(other);
}

static void *post(void *event)
{
	iv_event_post(event);

	return NULL;
}

static void wake_a_full_port(const char *name, unsigned int room)
{
	int rounds = scaled(100);
	struct iv_event event;
	struct iv_fd fd;
	int pipe[2];

	make_pipe(pipe);
	init_on_a_port(name, room);
	set_up(&fd, pipe[0], get_and_quit);
	assert_int_equal(iv_fd_register_try(&fd), 0);
	IV_EVENT_INIT(&event);
	event.handler = quit;
	assert_int_equal(iv_event_register(&event), 0);
	while (rounds-- > 0) {
		pthread_t thread = start_thread(post, &event);

		run_until_quit("the event");
		join_thread(thread);
	}

	put_byte(pipe[1]);
	run_until_quit("the descriptor");
	iv_event_unregister(&event);
	iv_fd_unregister(&fd);
	iv_deinit();
	close_both(pipe);
}

static void a_full_port_is_woken_all_the_same(void **state)
{
	(void)state;
	wake_a_full_port("port", 1);
}

static void a_full_port_with_a_timer_is_too(void **state)
{
	(void)state;
	wake_a_full_port("port-timer", 2);
}

/* A loop inside another one */

static bool is_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

static void a_port_tells_its_loops_host(void **state)
{
	int64_t timeout_ns;
	struct iv_fd fd;
	int pipe[2];
	int rounds;
	int port;

	(void)state;
	make_pipe(pipe);
	init_on_a_port("port", 16);
	set_up(&fd, pipe[0], get_and_quit);
	assert_int_equal(iv_fd_register_try(&fd), 0);
	for (rounds = 0; rounds < 3; rounds++) {
		port = iv_loop_prepare(&timeout_ns);
		assert_true(port >= 0);
		assert_true(timeout_ns < 0);
		assert_false(is_readable(port));
		put_byte(pipe[1]);
		assert_true(is_readable(port));
		iv_loop_run_once(0);
	}
	iv_fd_unregister(&fd);
	iv_deinit();
	close_both(pipe);
}

/* What the manual leaves open */

static void must_not_run(void *cookie)
{
	(void)cookie;
	fail_msg("an event of an object that is gone");
}

/*
 * The port has an event of the first, which is gone, and then one of another
 * that has its number.
 */
static void an_event_of_the_past_meets_nobody(void **state)
{
	struct iv_fd first;
	struct iv_fd second;
	int pipe[2];
	int other[2];

	(void)state;
	make_pipe(pipe);
	make_pipe(other);
	put_byte(pipe[1]);
	shim_port_set_quirks(SHIM_PORT_STALE);
	init_on_a_port("port", 16);
	set_up(&first, pipe[0], must_not_run);
	assert_int_equal(iv_fd_register_try(&first), 0);
	iv_fd_unregister(&first);

	assert_int_equal(dup2(other[0], pipe[0]), pipe[0]);
	set_up(&second, pipe[0], get_and_quit);
	assert_int_equal(iv_fd_register_try(&second), 0);
	run_once();
	put_byte(other[1]);
	run_until_quit("the second descriptor");
	iv_fd_unregister(&second);
	iv_deinit();
	close_both(pipe);
	close_both(other);
}

static void use_a_port_with(unsigned int quirks)
{
	struct iv_fd fd;
	int pipe[2];
	int rounds;

	make_pipe(pipe);
	shim_port_set_quirks(quirks);
	init_on_a_port("port", 16);
	set_up(&fd, pipe[0], get_and_quit);
	assert_int_equal(iv_fd_register_try(&fd), 0);
	for (rounds = 0; rounds < 10; rounds++) {
		put_byte(pipe[1]);
		run_until_quit("the descriptor");
		run_once();
	}
	iv_fd_unregister(&fd);
	iv_deinit();
	close_both(pipe);
}

static void an_error_may_leave_the_number_as_it_was(void **state)
{
	(void)state;
	use_a_port_with(SHIM_PORT_NGET);
}

static void an_answer_may_be_empty(void **state)
{
	(void)state;
	use_a_port_with(SHIM_PORT_EMPTY);
}

/* More changes than /dev/poll takes in one write. */
enum { NUM_PAIRS = 22, MAX_FILES = 64 };

static int num_got;

static void only_in(void *cookie)
{
	iv_fd_set_handler_out(cookie, NULL);
}

static void count_in(void *cookie)
{
	struct iv_fd *fd = cookie;

	get_byte(fd->fd);
	if (++num_got == 2 * NUM_PAIRS)
		iv_quit();
}

/* Those who wanted both by then only want to read. */
static void put_all(void *cookie)
{
	int(*pairs)[2] = cookie;
	int i;

	for (i = 0; i < NUM_PAIRS; i++) {
		put_byte(pairs[i][0]);
		put_byte(pairs[i][1]);
	}
}

static void allow_files(rlim_t num)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = num;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void many_changes_are_written_by_and_by(void **state)
{
	struct iv_fd fds[2 * NUM_PAIRS];
	int pairs[NUM_PAIRS][2];
	struct iv_timer timer;
	int i;

	(void)state;
	select_method("dev_poll");
	iv_init();
	allow_files(MAX_FILES);
	for (i = 0; i < 2 * NUM_PAIRS; i++) {
		if (i % 2 == 0)
			make_socketpair(pairs[i / 2]);
		set_up(&fds[i], pairs[i / 2][i % 2], count_in);
		fds[i].handler_out = only_in;
		iv_fd_register(&fds[i]);
	}

	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(20);
	timer.cookie = pairs;
	timer.handler = put_all;
	iv_timer_register(&timer);
	run_until_quit("a byte from everybody");
	for (i = 0; i < 2 * NUM_PAIRS; i++)
		iv_fd_unregister(&fds[i]);
	iv_deinit();
	for (i = 0; i < NUM_PAIRS; i++)
		close_both(pairs[i]);
}

static const struct test_case cases[] = {
	TEST(a_full_port_refuses_a_descriptor),
	TEST(a_full_port_is_woken_all_the_same),
	TEST(a_full_port_with_a_timer_is_too),
	TEST(a_port_tells_its_loops_host),
	TEST(an_event_of_the_past_meets_nobody),
	TEST(an_error_may_leave_the_number_as_it_was),
	TEST(an_answer_may_be_empty),
	TEST(many_changes_are_written_by_and_by),
};

TEST_MAIN(cases)
