/* SPDX-License-Identifier: MIT */
/*
 * kinds.c - iv_fd_register_try() and every kind of descriptor
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <unistd.h>
#include "answers.h"
#include "suite.h"

static struct probe probe;

/* What can be waited for **************************************************/

/* The far end must cope with what put_byte() does. */
static void open_pipe(void)
{
	probe_reader(&probe);
}

static void open_socket(void)
{
	probe_socket(&probe);
}

static void open_datagrams(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);

	probe_on(&probe, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	probe.far = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(probe.fd.fd, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(
		getsockname(probe.fd.fd, (struct sockaddr *)&addr, &len), 0);
	assert_int_equal(connect(probe.far, (struct sockaddr *)&addr, len), 0);
}

static void open_fifo(void)
{
	char dir[] = "/tmp/conformance.XXXXXX", name[64];

	assert_non_null(mkdtemp(dir));
	snprintf(name, sizeof(name), "%s/fifo", dir);
	assert_int_equal(mkfifo(name, 0600), 0);
	probe_on(&probe, open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	probe.far = open(name, O_WRONLY | O_CLOEXEC);
	fcntl(probe.fd.fd, F_SETFL, 0);
	unlink(name);
	rmdir(dir);
}

static void open_terminal(void)
{
	int far = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios raw;

	if (far < 0 || grantpt(far) < 0 || unlockpt(far) < 0)
		cannot_try("no pseudo-terminals");
	probe_on(&probe, open(ptsname(far), O_RDWR | O_NOCTTY | O_CLOEXEC));
	probe.far = far;
	assert_int_equal(tcgetattr(probe.fd.fd, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(probe.fd.fd, TCSANOW, &raw), 0);
}

static void (*const pollable[])(void) = {
	open_pipe, open_socket, open_datagrams, open_fifo, open_terminal,
};

static void try_works(void)
{
	assert_int_equal(fcntl(probe.fd.fd, F_SETFD, 0), 0);
	assert_int_equal(iv_fd_register_try(&probe.fd), 0);
	assert_true(iv_fd_registered(&probe.fd));
	assert_true(fd_is_nonblocking(probe.fd.fd));
	assert_int_equal(fcntl(probe.fd.fd, F_GETFD), FD_CLOEXEC);
}

static void what_can_be_waited_for(size_t i)
{
	pollable[i]();
	try_works();
	probe_want(&probe, IN);
	run_rounds(1);
	expect_order(&probe, "");
	put_byte(probe.far);
	run_until_called(&probe, 2);
	expect_order(&probe, "ii");
	iv_fd_unregister(&probe.fd);
	run_rounds(2);
	expect_order(&probe, "");
	probe_close(&probe);
}

static void try_a_pipe(void **state)
{
	(void)state;
	iv_init();
	what_can_be_waited_for(0);
	iv_deinit();
}

static void try_a_socket(void **state)
{
	(void)state;
	iv_init();
	what_can_be_waited_for(1);
	iv_deinit();
}

static void try_a_datagram_socket(void **state)
{
	(void)state;
	iv_init();
	what_can_be_waited_for(2);
	iv_deinit();
}

static void try_a_fifo(void **state)
{
	(void)state;
	iv_init();
	what_can_be_waited_for(3);
	iv_deinit();
}

static void try_a_terminal(void **state)
{
	(void)state;
	iv_init();
	what_can_be_waited_for(4);
	iv_deinit();
}

static void try_an_eventfd(void **state)
{
	uint64_t count = 1;

	(void)state;
	iv_init();
	probe_on(&probe, eventfd(0, EFD_CLOEXEC));
	try_works();
	probe_want(&probe, IN);
	run_rounds(1);
	expect_order(&probe, "");
	assert_int_equal(write(probe.fd.fd, &count, sizeof(count)), 8);
	run_rounds(2);
	expect_order(&probe, "ii");
	assert_int_equal(read(probe.fd.fd, &count, sizeof(count)), 8);
	run_rounds(2);
	expect_order(&probe, "");
	probe_close(&probe);
	iv_deinit();
}

static void try_a_timerfd(void **state)
{
	const struct itimerspec soon = { .it_value.tv_nsec = 1000000 };

	(void)state;
	iv_init();
	probe_on(&probe, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
	try_works();
	probe_want(&probe, IN);
	assert_int_equal(timerfd_settime(probe.fd.fd, 0, &soon, NULL), 0);
	run_until_called(&probe, 2);
	expect_order(&probe, "ii");
	probe_close(&probe);
	iv_deinit();
}

/* What is always ready ****************************************************/

static void try_refuses(void)
{
	bool before = fd_is_nonblocking(probe.fd.fd);

	errno = 0;
	assert_int_equal(iv_fd_register_try(&probe.fd), -1);
	assert_int_equal(errno, EPERM);
	assert_false(iv_fd_registered(&probe.fd));
	assert_int_equal(fd_is_nonblocking(probe.fd.fd), before);
	run_rounds(2);
}

static void try_what_is_always_ready(int fd)
{
	assert_true(fd >= 0);
	iv_init();
	probe_on(&probe, fd);
	if (answers()->always_ready == REFUSED) {
		try_refuses();
	} else {
		try_works();
		probe_want(&probe, IN);
		run_rounds(3);
		expect_order(&probe, "iii");
	}
	probe_close(&probe);
	iv_deinit();
}

static int open_file(void)
{
	char name[] = "/tmp/conformance.XXXXXX";
	int file = mkostemp(name, O_CLOEXEC);

	assert_true(file >= 0);
	unlink(name);
	put_byte(file);
	assert_int_equal(lseek(file, 0, SEEK_SET), 0);

	return file;
}

static void try_a_regular_file(void **state)
{
	(void)state;
	try_what_is_always_ready(open_file());
}

static void try_a_directory(void **state)
{
	(void)state;
	try_what_is_always_ready(open("/", O_RDONLY | O_CLOEXEC));
}

static void try_the_null_device(void **state)
{
	(void)state;
	try_what_is_always_ready(open("/dev/null", O_RDWR | O_CLOEXEC));
}

/* Which method it is must be known without a loop in this process. */
static int is_refused(void *arg)
{
	int refused;

	(void)arg;
	iv_init();
	refused = answers()->always_ready == REFUSED;
	iv_deinit();

	return refused;
}

static void register_probe(void *arg)
{
	(void)arg;
	iv_init();
	probe_register(&probe, IN);
	run_rounds(2);
	iv_fd_unregister(&probe.fd);
	iv_deinit();
}

static int register_in_child(void *arg)
{
	register_probe(arg);

	return probe.in != 2;
}

static void register_a_regular_file(void **state)
{
	(void)state;
	probe_on(&probe, open_file());
	if (status_of_child(is_refused, NULL) != 0)
		expect_fatal(register_probe, NULL, "iv_fd_register",
			     "iv_fd_register_try");
	else
		in_child(register_in_child, NULL);
	probe_close(&probe);
}

/* What is no descriptor ***************************************************/

static void try_a_number(int number)
{
	int bands;

	for (bands = 0; bands < 2; bands++) {
		probe_on(&probe, number);
		probe.fd.handler_in = bands ? quit : NULL;
		errno = 0;
		assert_int_equal(iv_fd_register_try(&probe.fd), -1);
		assert_int_equal(errno, EBADF);
		assert_false(iv_fd_registered(&probe.fd));
	}
	run_rounds(2);
}

static void try_no_descriptor(void **state)
{
	int closed;

	(void)state;
	iv_init();
	probe_reader(&probe);
	closed = probe.fd.fd;
	probe_close(&probe);
	try_a_number(-1);
	try_a_number(closed);
	try_a_number(100000);
	iv_deinit();
}

static void register_no_descriptor(void **state)
{
	static const int numbers[] = { -1, 150, 100000 };
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		probe_on(&probe, numbers[i]);
		expect_fatal(register_probe, NULL, "iv_fd_register",
			     "descriptor");
	}
}

/* Twice *******************************************************************/

static struct probe again;

static void try_one_number_twice(void **state)
{
	(void)state;
	iv_init();
	probe_socket(&probe);
	probe_register(&probe, OUT);
	run_rounds(1);
	probe_reset(&probe);
	probe_on(&again, probe.fd.fd);
	if (answers()->twice == REFUSED) {
		assert_int_equal(iv_fd_register_try(&again.fd), -1);
		assert_int_equal(errno, EEXIST);
		assert_false(iv_fd_registered(&again.fd));
		assert_true(fd_is_nonblocking(probe.fd.fd));
	} else {
		assert_int_equal(iv_fd_register_try(&again.fd), 0);
		probe_want(&again, IN);
		put_byte(probe.far);
		run_rounds(2);
		expect_order(&again, "ii");
		expect_order(&probe, "oo");
		iv_fd_unregister(&again.fd);
	}
	run_rounds(2);
	expect_order(&probe, "oo");
	probe_close(&probe);
	iv_deinit();
}

static int is_refused_twice(void *arg)
{
	int refused;

	(void)arg;
	iv_init();
	refused = answers()->twice == REFUSED;
	iv_deinit();

	return refused;
}

static void register_both(void *arg)
{
	(void)arg;
	iv_init();
	probe_register(&probe, IN);
	probe_register(&again, OUT);
	run_rounds(2);
	iv_fd_unregister(&again.fd);
	iv_fd_unregister(&probe.fd);
	iv_deinit();
}

static int register_both_in_child(void *arg)
{
	register_both(arg);

	return probe.in != 2 || again.out != 2;
}

static void register_one_number_twice(void **state)
{
	(void)state;
	probe_socket(&probe);
	put_byte(probe.far);
	probe_on(&again, probe.fd.fd);
	if (status_of_child(is_refused_twice, NULL) != 0)
		expect_fatal(register_both, NULL, "iv_fd_register", "once");
	else
		in_child(register_both_in_child, NULL);
	probe_close(&probe);
}

static const struct test_case cases[] = {
	TEST(try_a_pipe),
	TEST(try_a_socket),
	TEST(try_a_datagram_socket),
	TEST(try_a_fifo),
	TEST(try_a_terminal),
	TEST(try_an_eventfd),
	TEST(try_a_timerfd),
	TEST(try_a_regular_file),
	TEST(try_a_directory),
	TEST(try_the_null_device),
	TEST(register_a_regular_file),
	TEST(try_no_descriptor),
	TEST(register_no_descriptor),
	TEST(try_one_number_twice),
	TEST(register_one_number_twice),
};

GROUP(kinds);
