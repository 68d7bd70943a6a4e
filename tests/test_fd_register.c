/* SPDX-License-Identifier: MIT */
/*
 * test_fd_register.c - what may be registered as a descriptor, and misuse
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "harness.h"

static struct iv_fd fd;
static int pipefd[2];

/* One iteration: an error that is found at the next wait is found here. */
static void run_once(void)
{
	struct iv_timer timer;

	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(1);
	timer.handler = quit;
	iv_timer_register(&timer);
	iv_main();
}

static int open_file(int flags)
{
	char name[] = "/tmp/test_fd.XXXXXX";
	int file = mkostemp(name, O_CLOEXEC | flags);

	assert_true(file >= 0);
	unlink(name);

	return file;
}

static bool method_is(const char *name)
{
	return strncmp(iv_poll_method_name(), name, strlen(name)) == 0;
}

static void set_nothing(void *cookie)
{
	(void)cookie;
}

static void it_makes_it_nonblocking_and_close_on_exec(void **state)
{
	(void)state;
	iv_init();
	assert_int_equal(pipe(pipefd), 0);
	assert_false(fd_is_nonblocking(pipefd[0]));
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	iv_fd_register(&fd);
	assert_true(fd_is_nonblocking(pipefd[0]));
	assert_int_equal(fcntl(pipefd[0], F_GETFD), FD_CLOEXEC);
	assert_false(fd_is_nonblocking(pipefd[1]));
	iv_fd_unregister(&fd);
	close_both(pipefd);
	iv_deinit();
}

static void it_makes_sockets_deliver_urgent_data_in_line(void **state)
{
	int sock = socket(AF_INET, SOCK_STREAM, 0), value = 0;
	socklen_t len = sizeof(value);

	(void)state;
	assert_true(sock >= 0);
	iv_init();
	IV_FD_INIT(&fd);
	fd.fd = sock;
	iv_fd_register(&fd);
	assert_int_equal(
		getsockopt(sock, SOL_SOCKET, SO_OOBINLINE, &value, &len), 0);
	assert_int_not_equal(value, 0);
	iv_fd_unregister(&fd);
	close(sock);
	iv_deinit();
}

static void registered_tells_whether_it_is(void **state)
{
	(void)state;
	iv_init();
	make_pipe(pipefd);
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	assert_false(iv_fd_registered(&fd));
	iv_fd_register(&fd);
	assert_true(iv_fd_registered(&fd));
	iv_fd_unregister(&fd);
	assert_false(iv_fd_registered(&fd));
	assert_int_equal(iv_fd_register_try(&fd), 0);
	assert_true(iv_fd_registered(&fd));
	iv_fd_unregister(&fd);
	close_both(pipefd);
	iv_deinit();
}

/* iv_fd_register_try() *****************************************************/

static void try_a_pipe_succeeds(void **state)
{
	(void)state;
	iv_init();
	make_pipe(pipefd);
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	assert_int_equal(iv_fd_register_try(&fd), 0);
	assert_true(fd_is_nonblocking(pipefd[0]));
	iv_fd_unregister(&fd);
	close_both(pipefd);
	iv_deinit();
}

static void try_fails(int number)
{
	IV_FD_INIT(&fd);
	fd.fd = number;
	fd.handler_in = set_nothing;
	assert_int_not_equal(iv_fd_register_try(&fd), 0);
	assert_false(iv_fd_registered(&fd));
	fd.handler_in = NULL;
	assert_int_not_equal(iv_fd_register_try(&fd), 0);
	assert_false(iv_fd_registered(&fd));
}

static void try_a_bad_descriptor_fails(void **state)
{
	(void)state;
	iv_init();
	make_pipe(pipefd);
	close_both(pipefd);
	try_fails(-1);
	assert_int_equal(errno, EBADF);
	try_fails(pipefd[0]);
	assert_int_equal(errno, EBADF);
	run_once();
	iv_deinit();
}

static void try_a_regular_file_asks_the_method(void **state)
{
	int file = open_file(0);

	(void)state;
	iv_init();
	IV_FD_INIT(&fd);
	fd.fd = file;
	if (method_is("epoll")) {
		try_fails(file);
		assert_int_equal(errno, EPERM);
	} else {
		assert_int_equal(iv_fd_register_try(&fd), 0);
		iv_fd_unregister(&fd);
	}
	close(file);
	iv_deinit();
}

static void only_a_try_that_succeeds_sets_o_nonblock(void **state)
{
	int blocking = open_file(0), nonblocking = open_file(O_NONBLOCK);
	bool failed;

	(void)state;
	iv_init();
	IV_FD_INIT(&fd);
	fd.fd = blocking;
	failed = iv_fd_register_try(&fd) != 0;
	assert_int_equal(failed, method_is("epoll"));
	assert_int_equal(fd_is_nonblocking(blocking), !failed);
	if (!failed)
		iv_fd_unregister(&fd);

	fd.fd = nonblocking;
	failed = iv_fd_register_try(&fd) != 0;
	assert_true(fd_is_nonblocking(nonblocking));
	if (!failed)
		iv_fd_unregister(&fd);
	close(blocking);
	close(nonblocking);
	iv_deinit();
}

static void try_the_same_descriptor_twice_asks_the_method(void **state)
{
	struct iv_fd again;

	(void)state;
	iv_init();
	make_pipe(pipefd);
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	fd.handler_in = set_nothing;
	iv_fd_register(&fd);
	run_once();
	IV_FD_INIT(&again);
	again.fd = pipefd[0];
	if (method_is("epoll")) {
		assert_int_not_equal(iv_fd_register_try(&again), 0);
		assert_int_equal(errno, EEXIST);
		assert_false(iv_fd_registered(&again));
		assert_true(fd_is_nonblocking(pipefd[0]));
	} else if (iv_fd_register_try(&again) == 0) {
		iv_fd_unregister(&again);
	}
	run_once();
	iv_fd_unregister(&fd);
	close_both(pipefd);
	iv_deinit();
}

static int calls;

static void count_and_quit(void *cookie)
{
	(void)cookie;
	calls++;
	iv_quit();
}

static void a_descriptor_that_was_tried_works(void **state)
{
	(void)state;
	iv_init();
	make_pipe(pipefd);
	put_byte(pipefd[1]);
	IV_FD_INIT(&fd);
	fd.fd = pipefd[0];
	assert_int_equal(iv_fd_register_try(&fd), 0);
	iv_fd_set_handler_in(&fd, count_and_quit);
	run_until_quit("the descriptor");
	assert_int_equal(calls, 1);
	iv_fd_unregister(&fd);
	close_both(pipefd);
	iv_deinit();
}

/* In several threads *******************************************************/

static pthread_barrier_t registered;

struct watcher {
	struct iv_fd fd;
	int calls;
};

static void saw_it(void *cookie)
{
	struct watcher *watcher = cookie;

	watcher->calls++;
	iv_quit();
}

static void *watch(void *arg)
{
	struct watcher *watcher = arg;

	iv_init();
	IV_FD_INIT(&watcher->fd);
	watcher->fd.fd = pipefd[0];
	watcher->fd.cookie = watcher;
	watcher->fd.handler_in = saw_it;
	iv_fd_register(&watcher->fd);
	pthread_barrier_wait(&registered);
	iv_main();
	iv_fd_unregister(&watcher->fd);
	iv_deinit();

	return NULL;
}

static void one_descriptor_may_be_registered_in_several_threads(void **state)
{
	struct watcher watchers[3] = { { .calls = 0 } };
	pthread_t threads[3];
	int i;

	(void)state;
	make_pipe(pipefd);
	pthread_barrier_init(&registered, NULL, 4);
	for (i = 0; i < 3; i++)
		threads[i] = start_thread(watch, &watchers[i]);
	pthread_barrier_wait(&registered);
	put_byte(pipefd[1]);
	for (i = 0; i < 3; i++) {
		join_thread(threads[i]);
		assert_int_equal(watchers[i].calls, 1);
	}
	pthread_barrier_destroy(&registered);
	close_both(pipefd);
}

/* Misuse *******************************************************************/

static void register_number(void *number)
{
	iv_init();
	IV_FD_INIT(&fd);
	fd.fd = *(int *)number;
	fd.handler_in = set_nothing;
	iv_fd_register(&fd);
	run_once();
}

static void registering_a_bad_descriptor_is_fatal(void **state)
{
	int none = -1, closed = 150;

	(void)state;
	expect_fatal(register_number, &none, "iv_fd_register", "descriptor");
	expect_fatal(register_number, &closed, "iv_fd_register", "descriptor");
}

/* Whether fn() is fatal must be known without a loop in this process. */
static int method_is_epoll(void *arg)
{
	bool yes;

	(void)arg;
	iv_init();
	yes = method_is("epoll");
	iv_deinit();

	return yes;
}

static int accepts_a_file(void *file)
{
	register_number(file);
	iv_fd_unregister(&fd);
	iv_deinit();

	return 0;
}

static void registering_a_regular_file_is_fatal_with_epoll(void **state)
{
	int file = open_file(0);

	(void)state;
	if (status_of_child(method_is_epoll, NULL) != 0)
		expect_fatal(register_number, &file, "iv_fd_register",
			     "iv_fd_register_try");
	else
		in_child(accepts_a_file, &file);
	close(file);
}

static void register_number_twice(void *number)
{
	struct iv_fd again;

	iv_init();
	IV_FD_INIT(&fd);
	fd.fd = *(int *)number;
	fd.handler_in = set_nothing;
	iv_fd_register(&fd);
	IV_FD_INIT(&again);
	again.fd = *(int *)number;
	again.handler_in = set_nothing;
	iv_fd_register(&again);
	run_once();
	iv_fd_unregister(&again);
	iv_fd_unregister(&fd);
	iv_deinit();
}

static int accepts_it_twice(void *number)
{
	register_number_twice(number);

	return 0;
}

static void the_same_descriptor_twice_is_fatal_with_epoll(void **state)
{
	(void)state;
	make_pipe(pipefd);
	if (status_of_child(method_is_epoll, NULL) != 0)
		expect_fatal(register_number_twice, &pipefd[0],
			     "iv_fd_register", "once");
	else
		in_child(accepts_it_twice, &pipefd[0]);
	close_both(pipefd);
}

static const struct test_case cases[] = {
	TEST(it_makes_it_nonblocking_and_close_on_exec),
	TEST(it_makes_sockets_deliver_urgent_data_in_line),
	TEST(registered_tells_whether_it_is),
	TEST(try_a_pipe_succeeds),
	TEST(try_a_bad_descriptor_fails),
	TEST(try_a_regular_file_asks_the_method),
	TEST(only_a_try_that_succeeds_sets_o_nonblock),
	TEST(try_the_same_descriptor_twice_asks_the_method),
	TEST(a_descriptor_that_was_tried_works),
	TEST(one_descriptor_may_be_registered_in_several_threads),
	TEST(registering_a_bad_descriptor_is_fatal),
	TEST(registering_a_regular_file_is_fatal_with_epoll),
	TEST(the_same_descriptor_twice_is_fatal_with_epoll),
};

TEST_MAIN(cases)
