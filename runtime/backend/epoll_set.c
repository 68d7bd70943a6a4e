/* SPDX-License-Identifier: MIT */
/*
 * epoll_set.c - making epoll's set, and another one in its place
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "epoll_host.h"
#include "epoll_state.h"

/* Watch one of the loop's own descriptors; @how: EPOLLET or 0. */
static int
watch_own(struct epoll_state *st, int fd, uint32_t number, uint32_t how)
{
	struct epoll_event ev = {
		.events = EPOLLIN | how,
		.data.u64 = number,
	};

	return epoll_ctl(st->epfd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

int iv__epoll_open_set(struct epoll_state *st)
{
	st->epfd = epoll_create1(EPOLL_CLOEXEC);

	return st->epfd < 0 ? -errno : 0;
}

int iv__epoll_open_timer(struct epoll_state *st)
{
	st->armed_ns = 0;
	st->timerfd =
		timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (st->timerfd < 0)
		return -errno;

	/* Each time that it goes off is an edge: it needs no reading. */
	return watch_own(st, st->timerfd, TIMER, EPOLLET);
}

void iv__epoll_close_own(struct epoll_state *st)
{
	if (st->epfd >= 0)
		close(st->epfd);
	if (st->timerfd >= 0)
		close(st->timerfd);
}

int iv__epoll_watch_waker(struct iv__loop *loop)
{
	bool eventfd = loop->waker.way == &iv__wake_by_eventfd;

	/* Each write is an edge, so an eventfd needs no reading; a pipe does. */
	return watch_own(loop->backend_state, loop->waker.rfd, WAKER,
			 eventfd ? EPOLLET : 0);
}

/*
 * Put all objects that are known into a set that has none. -errno: something
 * is short. An object that was closed, or has become something else, is no
 * error: there is nothing to watch.
 */
static int watch_all(struct epoll_state *st)
{
	int ret;
	int i;

	for (i = 0; i < st->num_slots; i++) {
		if (st->slots[i].fd == NULL)
			continue;
		ret = iv__epoll_control(st, EPOLL_CTL_ADD, st->slots[i].fd);
		if (ret == -ENOMEM || ret == -ENOSPC)
			return ret;
	}

	return 0;
}

/* The set has what is wanted, and nothing of nobody. */
static void note_all(struct epoll_state *st)
{
	int i;

	for (i = 0; i < st->num_slots; i++) {
		struct iv_fd *fd = st->slots[i].fd;

		if (fd != NULL)
			fd->watched_ = fd->wanted_;
	}
}

/* In a forked child: a set of its own, and a timer. */
int iv__epoll_reopen(struct iv__loop *loop)
{
	struct epoll_state *st = loop->backend_state;
	bool with_timer = st->timerfd >= 0;
	int ret;

	iv__epoll_host_close(&st->host);
	iv__epoll_close_own(st);
	st->timerfd = -1;
	ret = iv__epoll_open_set(st);
	if (ret == 0 && with_timer)
		ret = iv__epoll_open_timer(st);
	if (ret == 0)
		ret = watch_all(st);
	if (ret == 0)
		note_all(st);

	return ret;
}

/* Everything that the loop waits for, in a set that has nothing. */
static int fill(struct iv__loop *loop)
{
	struct epoll_state *st = loop->backend_state;
	int ret;

	ret = watch_all(st);
	if (ret == 0 && st->timerfd >= 0)
		ret = watch_own(st, st->timerfd, TIMER, EPOLLET);
	if (ret == 0 && loop->waker.way != NULL) {
		/* Edges of the old set, and none twice in the new one. */
		iv__waker_collect(&loop->waker);
		ret = iv__epoll_watch_waker(loop);
	}

	return ret;
}

/*
 * The set has entries of nobody, which can only be left behind. The new one is
 * complete before it takes the old one's place: as long as something is short
 * the old one does, and wakes too often.
 */
void iv__epoll_renew(struct iv__loop *loop)
{
	struct epoll_state *st = loop->backend_state;
	int number = st->epfd;
	int ret;

	st->stale = false;
	ret = iv__epoll_open_set(st);
	if (ret == 0) {
		ret = fill(loop);
		iv__epoll_host_leave(st->host, number);
		if (ret == 0 && dup3(st->epfd, number, O_CLOEXEC) >= 0)
			note_all(st);
		iv__epoll_host_enter(&st->host, number);
		close(st->epfd);
	}
	st->epfd = number;
}
