/* SPDX-License-Identifier: MIT */
/*
 * epoll_host.c - a descriptor for hosts that outlives what is behind it
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "epoll_host.h"

void iv__epoll_host_close(int *host)
{
	if (*host >= 0)
		close(*host);
	*host = -1;
}

static int watch(int host, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };

	return epoll_ctl(host, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

/* A forked child may keep the file open: closing @fd would not do. */
void iv__epoll_host_leave(int host, int fd)
{
	struct epoll_event unused;

	if (host >= 0)
		epoll_ctl(host, EPOLL_CTL_DEL, fd, &unused);
}

void iv__epoll_host_enter(int *host, int fd)
{
	if (*host >= 0 && watch(*host, fd) < 0)
		iv__epoll_host_close(host);
}

int iv__epoll_host_open(int *host, int fd)
{
	int ret;

	if (*host >= 0)
		return *host;

	*host = epoll_create1(EPOLL_CLOEXEC);
	/* Rings do without epoll, which a filter may forbid. */
	if (*host < 0)
		return errno == ENOSYS ? -ENOTSUP : -errno;
	ret = watch(*host, fd);
	if (ret < 0) {
		iv__epoll_host_close(host);
		return ret;
	}

	return *host;
}
