/* SPDX-License-Identifier: MIT */
/*
 * pump_bed.h - a pump between two pairs of sockets, for the tests of the pump
 *
 *	in[0] ----> in[1]  pump  out[0] ----> out[1]
 *
 * Functions are inline because no file uses all of them.
 */
#ifndef PUMP_BED_H
#define PUMP_BED_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <iv_fd_pump.h>
#include "harness.h"

enum { CHUNK = 100000 };

static struct iv_fd_pump pump;
static int in[2];
static int out[2];
static int last_pollin __attribute__((unused));
static int last_pollout __attribute__((unused));
static int splice_errno; /* what splice(2) shall fail with, or 0 */

/* The library's call comes here: linked before the system's. */
ssize_t splice(int from, off64_t *from_off, int to, off64_t *to_off, size_t len,
	       unsigned int flags);

ssize_t splice(int from, off64_t *from_off, int to, off64_t *to_off, size_t len,
	       unsigned int flags)
{
	if (splice_errno != 0) {
		errno = splice_errno;
		return -1;
	}

	return syscall(SYS_splice, from, from_off, to, to_off, len, flags);
}

static inline void note_bands(void *cookie, int pollin, int pollout)
{
	static char *const words[] = { "none", "out", "in", "both" };

	assert_ptr_equal(cookie, &pump);
	note(words[!!pollin * 2 + !!pollout]);
}

static inline void set_up_pump(int from_fd, int to_fd, unsigned int flags)
{
	/* Programs built for old releases hand over uninitialised words. */
	memset(&pump, 0xa5, sizeof(pump));
	IV_FD_PUMP_INIT(&pump);
	pump.from_fd = from_fd;
	pump.to_fd = to_fd;
	pump.cookie = &pump;
	pump.set_bands = note_bands;
	pump.flags = flags;
	iv_fd_pump_init(&pump);
	assert_noted("in");
}

static inline void open_sockets(int fd[2])
{
	make_socketpair(fd);
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	fcntl(fd[1], F_SETFL, O_NONBLOCK);
}

static inline void open_pump(unsigned int flags)
{
	signal(SIGPIPE, SIG_IGN);
	open_sockets(in);
	open_sockets(out);
	set_up_pump(in[1], out[0], flags);
}

static inline void close_pump(const char *bands)
{
	iv_fd_pump_destroy(&pump);
	assert_noted(bands);
	close_both(in);
	close_both(out);
}

static inline void expect_step(int ret, const char *bands)
{
	assert_int_equal(iv_fd_pump_pump(&pump), ret);
	assert_noted(bands);
}

static inline void expect_error(int error)
{
	errno = 0;
	assert_int_equal(iv_fd_pump_pump(&pump), -1);
	assert_int_equal(errno, error);
	assert_noted("");
	assert_false(iv_fd_pump_is_done(&pump));
}

static inline void send_text(const char *text)
{
	assert_int_equal(write(in[0], text, strlen(text)), strlen(text));
}

static inline void expect_text(const char *text)
{
	char buf[64] = "";

	assert_int_equal(read(out[1], buf, sizeof(buf) - 1), strlen(text));
	assert_string_equal(buf, text);
}

static inline void nothing_arrives(void)
{
	char c;

	assert_int_equal(read(out[1], &c, 1), -1);
	assert_int_equal(errno, EAGAIN);
}

static inline void end_arrives(void)
{
	char c;

	assert_int_equal(read(out[1], &c, 1), 0);
}

/* A stream whose bytes tell their place. */
static inline unsigned char pattern(size_t at)
{
	return (unsigned char)(at * 7 + (at >> 8) * 13);
}

static inline size_t send_pattern(size_t at, size_t len)
{
	unsigned char buf[CHUNK];
	ssize_t ret;
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = pattern(at + i);
	ret = write(in[0], buf, len);

	return ret < 0 ? 0 : (size_t)ret;
}

static inline size_t receive_pattern(size_t at)
{
	unsigned char buf[CHUNK];
	ssize_t ret = read(out[1], buf, sizeof(buf));
	ssize_t i;

	for (i = 0; i < ret; i++)
		assert_int_equal(buf[i], pattern(at + (size_t)i));

	return ret < 0 ? 0 : (size_t)ret;
}

/* Bytes sent until the pump asks for room and for nothing else. */
static inline size_t stuff_pump(void)
{
	size_t sent = 0;
	int i;

	for (i = 0; i < 20; i++) {
		sent += send_pattern(sent, CHUNK);
		assert_int_equal(iv_fd_pump_pump(&pump), 1);
	}

	return sent;
}

static inline void ignore_bands(void *cookie, int pollin, int pollout)
{
	(void)cookie;
	(void)pollin;
	(void)pollout;
}

static inline void keep_bands(void *cookie, int pollin, int pollout)
{
	(void)cookie;
	last_pollin = pollin;
	last_pollout = pollout;
}

/* The same case once more, on a system without splice(2). */
#define BY_COPYING(function)                            \
	static void function##_by_copying(void **state) \
	{                                               \
		splice_errno = ENOSYS;                  \
		function(state);                        \
	}

#define TEST_BOTH(function) TEST(function), TEST(function##_by_copying)

#endif
