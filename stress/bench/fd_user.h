/* SPDX-License-Identifier: MIT */
/*
 * What a user of the descriptor cases does himself, where a library leaves it
 * to him. Part of fd_cases.c.
 */
#ifndef BENCH_FD_USER_H
#define BENCH_FD_USER_H

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "peer.h"

static inline void must_be(int ok, const char *what)
{
	if (!ok)
		peer_die("%s: %m", what);
}

/* As books have it ... */
static inline void make_nonblocking(int fd)
{
	must_be(!fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK),
		"fcntl(F_SETFL)");
}

static inline void make_close_on_exec(int fd)
{
	must_be(!fcntl(fd, F_SETFD, fcntl(fd, F_GETFD) | FD_CLOEXEC),
		"fcntl(F_SETFD)");
}

static inline void make_urgent_inline(int fd)
{
	int on = 1;

	must_be(!setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)),
		"setsockopt(SO_OOBINLINE)");
}

/* ... and in as few calls as can be. */
static inline void make_both(int fd)
{
	int on = 1;

	must_be(!ioctl(fd, FIONBIO, &on) && !ioctl(fd, FIOCLEX), "ioctl");
}

#endif
