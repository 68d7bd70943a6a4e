/* SPDX-License-Identifier: MIT */
/*
 * port_waker.c - ending a wait for an event port from outside
 */
#include <errno.h>
#include <port.h>
#include <string.h>
#include "port_state.h"

int iv__port_watch_waker(struct iv__loop *loop)
{
	struct port_state *st = loop->backend_state;
	int ret;

	ret = iv__port_reserve(st, loop->waker.rfd);
	if (ret < 0)
		return ret;

	st->waker = loop->waker.rfd;

	return iv__port_associate(st, st->waker, IV__BAND_IN);
}

/*
 * A port that is full takes no event, but can be set in alert mode, which is
 * nothing that takes room.
 */
static void wake_by_event(int port)
{
	int saved_errno = errno;

	if (port_send(port, 1, NULL) < 0)
		port_alert(port, PORT_ALERT_SET, 1, NULL);
	errno = saved_errno;
}

/* Each wait counts those that it finds; the last may be needed without one. */
static void collect_events(struct iv__waker *waker, bool block)
{
	port_event_t event = { 0 };

	while (block && event.portev_source != PORT_SOURCE_USER &&
	       event.portev_source != PORT_SOURCE_ALERT) {
		if (port_get(waker->rfd, &event, NULL) < 0 && errno != EINTR)
			iv_fatal("port_get: %s", strerror(errno));
	}
	if (block)
		waker->arrived++;
}

static void close_nothing(struct iv__waker *waker)
{
	(void)waker;
}

static const struct iv__wake_way wake_by_port = {
	.wake = wake_by_event,
	.collect = collect_events,
	.close = close_nothing,
};

int iv__port_open_waker(struct iv__loop *loop)
{
	const struct port_state *st = loop->backend_state;

	loop->waker = (struct iv__waker){
		.way = &wake_by_port,
		.rfd = st->port,
		.wfd = st->port,
	};

	return 0;
}
