/* SPDX-License-Identifier: MIT */
/*
 * kqueue_bed.h - what the tests of the kqueue shim share
 */
#ifndef KQUEUE_BED_H
#define KQUEUE_BED_H

#include <sys/event.h>
#include <errno.h>
#include <unistd.h>
#include "harness.h"

static const struct timespec no_time = { 0, 0 };

/* udata that tells things apart. */
static char tags[4];

static inline int make_queue(void)
{
	int kq = kqueue();

	assert_true(kq >= 0);

	return kq;
}

/* One change that has no receipt; -1 and errno. */
static inline int
change(int kq, uintptr_t ident, int filter, unsigned int flags,
       unsigned int fflags, intptr_t data, void *udata)
{
	struct kevent kev;

	EV_SET(&kev, ident, filter, flags, fflags, data, udata);

	return kevent(kq, &kev, 1, NULL, 0, NULL);
}

static inline void watch(int kq, int fd, int filter, unsigned int flags)
{
	assert_int_equal(change(kq, (uintptr_t)fd, filter, EV_ADD | flags, 0, 0,
				&tags[0]),
			 0);
}

static inline void assert_error(int ret, int error)
{
	int got = errno;

	assert_int_equal(ret, -1);
	assert_int_equal(got, error);
}

/* What is there now. */
static inline int look(int kq, struct kevent *events, int room)
{
	return kevent(kq, NULL, 0, events, room, &no_time);
}

static inline void assert_nothing(int kq)
{
	struct kevent events[4];

	assert_int_equal(look(kq, events, 4), 0);
}

/* One event and no other. */
static inline struct kevent take_one(int kq)
{
	struct kevent events[4];

	assert_int_equal(look(kq, events, 4), 1);

	return events[0];
}

static inline void assert_one(int kq, int fd, int filter)
{
	struct kevent event = take_one(kq);

	assert_int_equal(event.ident, fd);
	assert_int_equal(event.filter, filter);
}

#endif
