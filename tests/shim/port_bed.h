/* SPDX-License-Identifier: MIT */
/*
 * port_bed.h - what the tests of the event port shim share
 */
#ifndef PORT_BED_H
#define PORT_BED_H

#include <port.h>
#include <errno.h>
#include "harness.h"

static const timespec_t no_time = { 0, 0 };

static inline int make_port(void)
{
	int port = port_create();

	assert_true(port >= 0);

	return port;
}

static inline void assert_error(int ret, int error)
{
	int got = errno;

	assert_int_equal(ret, -1);
	assert_int_equal(got, error);
}

static inline void associate(int port, int fd, int events, void *user)
{
	assert_int_equal(port_associate(port, PORT_SOURCE_FD, (uintptr_t)fd,
					events, user),
			 0);
}

/* Nothing is there to be retrieved. */
static inline void assert_nothing(int port)
{
	port_event_t event;

	assert_error(port_get(port, &event, &no_time), ETIME);
}

/* The next event is of this descriptor. */
static inline void assert_descriptor(int port, int fd, int events)
{
	port_event_t event;

	assert_int_equal(port_get(port, &event, &no_time), 0);
	assert_int_equal(event.portev_source, PORT_SOURCE_FD);
	assert_int_equal(event.portev_object, fd);
	assert_int_equal(event.portev_events, events);
}

/* The next event was sent, with these events. */
static inline void assert_user(int port, int events)
{
	port_event_t event;

	assert_int_equal(port_get(port, &event, &no_time), 0);
	assert_int_equal(event.portev_source, PORT_SOURCE_USER);
	assert_int_equal(event.portev_events, events);
}

#endif
