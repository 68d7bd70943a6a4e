/* SPDX-License-Identifier: MIT */
/*
 * event_raw.c - wake a loop from a signal handler or another process
 *
 * A waker whose reading side is an ordinary descriptor of the loop. Only the
 * numbers are kept in the object: a post must work from a forked process, and
 * the writing side tells by itself whether it is an eventfd.
 */
#include <errno.h>
#include <iv_event_raw.h>
#include "loop.h"

static struct iv__waker waker_of(const struct iv_event_raw *raw)
{
	return (struct iv__waker){
		.way = iv__wake_way_of(raw->event_rfd.fd, raw->event_wfd),
		.rfd = raw->event_rfd.fd,
		.wfd = raw->event_wfd,
	};
}

/* Read first: a post made after the handler started must count again. */
static void got_post(void *cookie)
{
	struct iv_event_raw *raw = cookie;
	struct iv__waker waker = waker_of(raw);

	iv__waker_collect(&waker);
	if (waker.arrived > 0)
		raw->handler(raw->cookie);
}

IV__PUBLIC int iv_event_raw_register(struct iv_event_raw *raw)
{
	struct iv__waker waker;
	int ret;

	iv__loop_self("iv_event_raw_register");

	ret = iv__waker_open(&waker);
	if (ret < 0) {
		errno = -ret;
		return -1;
	}

	raw->event_wfd = waker.wfd;
	IV_FD_INIT(&raw->event_rfd);
	raw->event_rfd.fd = waker.rfd;
	raw->event_rfd.cookie = raw;
	raw->event_rfd.handler_in = got_post;
	ret = iv__fd_register_own(&raw->event_rfd);
	if (ret < 0) {
		iv__waker_close(&waker);
		errno = -ret;
		return -1;
	}

	return 0;
}

IV__PUBLIC void iv_event_raw_unregister(struct iv_event_raw *raw)
{
	struct iv__waker waker = waker_of(raw);

	iv__loop_of(raw->event_rfd.loop_, "iv_event_raw_unregister");
	iv_fd_unregister(&raw->event_rfd);
	iv__waker_close(&waker);
}

IV__PUBLIC void iv_event_raw_post(const struct iv_event_raw *raw)
{
	struct iv__waker waker = waker_of(raw);

	waker.way->wake(waker.wfd);
}
