/* SPDX-License-Identifier: MIT */
/*
 * The hand-written loop over epoll; see raw_fds.h. It is a file of its own so
 * that what a library does in a call is a call here as well.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "peer.h"
#include "raw_fds.h"

enum { BATCH = 256 };

void raw_fds_open(struct raw_fds *loop)
{
	loop->quit = 0;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		peer_die("epoll_create1: %m");
}

void raw_fds_control(struct raw_fds *loop, int op, struct raw_fd *fd)
{
	struct epoll_event ev = { .events = fd->events, .data.ptr = fd };

	if (epoll_ctl(loop->epoll_fd, op, fd->fd, &ev))
		peer_die("epoll_ctl: %m");
}

void raw_fds_run(struct raw_fds *loop)
{
	struct epoll_event batch[BATCH];
	int count, i;

	for (loop->quit = 0; !loop->quit;) {
		count = epoll_wait(loop->epoll_fd, batch, BATCH, -1);
		if (count < 0 && errno != EINTR)
			peer_die("epoll_wait: %m");
		for (i = 0; i < count; i++) {
			struct raw_fd *fd = batch[i].data.ptr;

			if (batch[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
				fd->readable(fd->cookie);
			if (batch[i].events & EPOLLOUT)
				fd->writable(fd->cookie);
		}
	}
}
