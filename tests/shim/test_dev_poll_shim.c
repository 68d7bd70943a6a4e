/* SPDX-License-Identifier: MIT */
/*
 * test_dev_poll_shim.c - /dev/poll as poll(7d) has it
 */
#include <sys/devpoll.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "dev_poll_bed.h"

static void is_opened_like_a_file(void **state)
{
	struct stat status;
	int set;

	(void)state;
	set = open_set();
	assert_int_equal(fcntl(set, F_GETFD), FD_CLOEXEC);
	assert_int_equal(close(set), 0);
	assert_int_equal(fstat(set, &status), -1);

	set = open("/dev/poll", O_RDWR);
	assert_int_equal(fcntl(set, F_GETFD), 0);
	close(set);
}

static void other_files_are_left_to_the_system(void **state)
{
	char byte;
	int fd;

	(void)state;
	fd = open("/dev/null", O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(fd, &byte, 1), 0);
	assert_int_equal(close(fd), 0);
	assert_int_equal(close(fd), -1);
	assert_int_equal(errno, EBADF);
}

static void tells_what_is_ready(void **state)
{
	int set;
	int pipe[2];

	(void)state;
	set = open_set();
	make_pipe(pipe);
	put(set, pipe[0], POLLIN);
	assert_idle(set);
	put_byte(pipe[1]);
	assert_ready(set, pipe[0], POLLIN);
	close_both(pipe);
	close(set);
}

static void tells_it_as_long_as_it_is_ready(void **state)
{
	int set;
	int pipe[2];

	(void)state;
	set = open_set();
	make_pipe(pipe);
	put(set, pipe[0], POLLIN);
	put_byte(pipe[1]);
	assert_ready(set, pipe[0], POLLIN);
	assert_ready(set, pipe[0], POLLIN);
	get_byte(pipe[0]);
	assert_idle(set);
	close_both(pipe);
	close(set);
}

static void tells_the_events_that_were_asked_for(void **state)
{
	struct pollfd found;
	int set;
	int sock[2];

	(void)state;
	set = open_set();
	make_socketpair(sock);
	put(set, sock[0], POLLIN | POLLOUT);
	assert_int_equal(look(set, &found, 1, 0), 1);
	assert_int_equal(found.events, POLLIN | POLLOUT);
	assert_int_equal(found.revents, POLLOUT);
	close_both(sock);
	close(set);
}

static void writing_again_adds_events(void **state)
{
	int set;
	int sock[2];

	(void)state;
	set = open_set();
	make_socketpair(sock);
	put_byte(sock[1]);
	put(set, sock[0], POLLIN);
	assert_ready(set, sock[0], POLLIN);
	put(set, sock[0], POLLOUT);
	assert_ready(set, sock[0], POLLIN | POLLOUT);
	close_both(sock);
	close(set);
}

static void removing_and_adding_in_one_write_takes_events_away(void **state)
{
	struct pollfd entries[2] = { { 0 } };
	int set;
	int sock[2];

	(void)state;
	set = open_set();
	make_socketpair(sock);
	put_byte(sock[1]);
	put(set, sock[0], POLLIN | POLLOUT);
	entries[0].fd = sock[0];
	entries[0].events = POLLREMOVE;
	entries[1].fd = sock[0];
	entries[1].events = POLLOUT;
	assert_int_equal(write(set, entries, sizeof(entries)), sizeof(entries));
	assert_ready(set, sock[0], POLLOUT);
	close_both(sock);
	close(set);
}

static void removing_leaves_the_others(void **state)
{
	struct pollfd found[4];
	int set;
	int a[2];
	int b[2];
	int c[2];

	(void)state;
	set = open_set();
	make_pipe(a);
	make_pipe(b);
	make_pipe(c);
	put(set, a[1], POLLOUT);
	put(set, b[1], POLLOUT);
	put(set, c[1], POLLOUT);
	assert_int_equal(look(set, found, 4, 0), 3);
	put(set, a[1], POLLREMOVE);
	put(set, b[1], POLLREMOVE);
	assert_ready(set, c[1], POLLOUT);
	close_both(a);
	close_both(b);
	close_both(c);
	close(set);
}

static void a_hangup_is_told_unasked(void **state)
{
	int set;
	int pipe[2];

	(void)state;
	set = open_set();
	make_pipe(pipe);
	put(set, pipe[0], 0);
	assert_idle(set);
	close(pipe[1]);
	assert_ready(set, pipe[0], POLLHUP);
	close(pipe[0]);
	close(set);
}

static void a_closed_descriptor_is_invalid(void **state)
{
	int set;
	int pipe[2];

	(void)state;
	set = open_set();
	make_pipe(pipe);
	put(set, pipe[0], POLLIN);
	close_both(pipe);
	assert_ready(set, pipe[0], POLLNVAL);
	put(set, pipe[0], POLLREMOVE);
	assert_idle(set);
	close(set);
}

static void a_number_that_is_used_again_is_the_new_file(void **state)
{
	int set;
	int pipe[2];
	int other[2];

	(void)state;
	set = open_set();
	make_pipe(pipe);
	make_pipe(other);
	put(set, pipe[0], POLLIN);
	put_byte(other[1]);
	assert_int_equal(dup2(other[0], pipe[0]), pipe[0]);
	assert_ready(set, pipe[0], POLLIN);
	close_both(pipe);
	close_both(other);
	close(set);
}

static void as_many_as_have_room_are_told(void **state)
{
	struct pollfd found[2];
	int set;
	int pipes[3][2];
	int i;

	(void)state;
	set = open_set();
	for (i = 0; i < 3; i++) {
		make_pipe(pipes[i]);
		put(set, pipes[i][1], POLLOUT);
	}
	assert_int_equal(look(set, found, 2, 0), 2);
	assert_int_not_equal(found[0].fd, found[1].fd);
	for (i = 0; i < 3; i++)
		close_both(pipes[i]);
	close(set);
}

static void nothing_is_touched_when_nothing_is_ready(void **state)
{
	struct pollfd found = { .fd = 77, .events = 7, .revents = 9 };
	int set;

	(void)state;
	set = open_set();
	assert_int_equal(look(set, &found, 1, 1), 0);
	assert_int_equal(found.fd, 77);
	assert_int_equal(found.events, 7);
	assert_int_equal(found.revents, 9);
	close(set);
}

static void asking_tells_what_is_in_the_set(void **state)
{
	struct pollfd asked = { .events = 7, .revents = 9 };
	int set;
	int pipe[2];

	(void)state;
	set = open_set();
	make_pipe(pipe);
	asked.fd = pipe[0];
	assert_int_equal(ioctl(set, DP_ISPOLLED, &asked), 0);
	assert_int_equal(asked.events, 7);
	assert_int_equal(asked.revents, 9);

	put(set, pipe[0], POLLIN | POLLPRI);
	assert_int_equal(ioctl(set, DP_ISPOLLED, &asked), 1);
	assert_int_equal(asked.fd, pipe[0]);
	assert_int_equal(asked.events, 0);
	assert_int_equal(asked.revents, POLLIN | POLLPRI);
	close_both(pipe);
	close(set);
}

static void sets_do_not_know_each_other(void **state)
{
	int set;
	int other;
	int pipe[2];

	(void)state;
	set = open_set();
	other = open_set();
	make_pipe(pipe);
	put(set, pipe[1], POLLOUT);
	assert_ready(set, pipe[1], POLLOUT);
	assert_idle(other);
	close_both(pipe);
	close(set);
	close(other);
}

static void nonsense_is_invalid(void **state)
{
	struct pollfd entry = { 0 };
	int set;

	(void)state;
	set = open_set();
	assert_int_equal(write(set, &entry, sizeof(entry) - 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(ioctl(set, DP_POLL + 77, &entry), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(look(set, &entry, (int)sysconf(_SC_OPEN_MAX), 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(ioctl(set, DP_POLL, NULL), -1);
	assert_int_equal(errno, EFAULT);
	close(set);
}

static void one_write_takes_as_many_as_there_may_be_files(void **state)
{
	struct rlimit limit;
	struct pollfd entries[65] = { { 0 } };
	int set;
	int i;

	(void)state;
	set = open_set();
	for (i = 0; i < 65; i++) {
		entries[i].fd = set;
		entries[i].events = POLLREMOVE;
	}
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(write(set, entries, sizeof(entries)), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(write(set, entries, 64 * sizeof(entries[0])),
			 64 * sizeof(entries[0]));
	close(set);
}

static void a_set_cannot_be_polled(void **state)
{
	struct pollfd pfd = { .events = POLLIN };
	int set;

	(void)state;
	set = open_set();
	pfd.fd = set;
	assert_int_equal(poll(&pfd, 1, 0), 1);
	assert_int_equal(pfd.revents, POLLERR);
	close(set);
}

static const struct test_case cases[] = {
	TEST(is_opened_like_a_file),
	TEST(other_files_are_left_to_the_system),
	TEST(tells_what_is_ready),
	TEST(tells_it_as_long_as_it_is_ready),
	TEST(tells_the_events_that_were_asked_for),
	TEST(writing_again_adds_events),
	TEST(removing_and_adding_in_one_write_takes_events_away),
	TEST(removing_leaves_the_others),
	TEST(a_hangup_is_told_unasked),
	TEST(a_closed_descriptor_is_invalid),
	TEST(a_number_that_is_used_again_is_the_new_file),
	TEST(as_many_as_have_room_are_told),
	TEST(nothing_is_touched_when_nothing_is_ready),
	TEST(asking_tells_what_is_in_the_set),
	TEST(sets_do_not_know_each_other),
	TEST(nonsense_is_invalid),
	TEST(one_write_takes_as_many_as_there_may_be_files),
	TEST(a_set_cannot_be_polled),
};

TEST_MAIN(cases)
