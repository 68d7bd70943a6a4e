/* SPDX-License-Identifier: MIT */
/*
 * dev_poll_bed.h - what the tests of the /dev/poll shim share
 */
#ifndef DEV_POLL_BED_H
#define DEV_POLL_BED_H

#include <sys/devpoll.h>
#include <fcntl.h>
#include "harness.h"

static inline int open_set(void)
{
	int set = open("/dev/poll", O_RDWR | O_CLOEXEC);

	assert_true(set >= 0);

	return set;
}

static inline void put(int set, int fd, short events)
{
	struct pollfd entry = { .fd = fd, .events = events };

	assert_int_equal(write(set, &entry, sizeof(entry)), sizeof(entry));
}

static inline int look(int set, struct pollfd *found, int room, int timeout_ms)
{
	struct dvpoll request = {
		.dp_fds = found,
		.dp_nfds = room,
		.dp_timeout = timeout_ms,
	};

	return ioctl(set, DP_POLL, &request);
}

/* One descriptor is ready, with these events and no others. */
static inline void assert_ready(int set, int fd, short revents)
{
	struct pollfd found[4];

	assert_int_equal(look(set, found, 4, 0), 1);
	assert_int_equal(found[0].fd, fd);
	assert_int_equal(found[0].revents, revents);
}

static inline void assert_idle(int set)
{
	struct pollfd found[4];

	assert_int_equal(look(set, found, 4, 0), 0);
}

#endif
