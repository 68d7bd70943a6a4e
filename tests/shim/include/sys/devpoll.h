/* SPDX-License-Identifier: MIT */
/*
 * devpoll.h - Solaris's /dev/poll, as its manual has it: poll(7d)
 *
 * A file that includes this has its open, write, ioctl and close looked at
 * first, whether they mean a set of /dev/poll. A file includes this or
 * <port.h>, not both.
 */
#ifndef SHIM_DEVPOLL_H
#define SHIM_DEVPOLL_H

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <unistd.h>

/* In events, for write: have the descriptor leave the set. */
#ifndef POLLREMOVE
#define POLLREMOVE 0x1000
#endif

enum { DP_POLL = 0xd001, DP_ISPOLLED = 0xd002 };

struct dvpoll {
	struct pollfd *dp_fds; /* where to put what is ready */
	int dp_nfds;	       /* how many have room there */
	int dp_timeout;	       /* milliseconds; -1: for ever */
};

int shim_dev_poll_open(const char *path, int flags, ...);
ssize_t shim_dev_poll_write(int fd, const void *buf, size_t size);
int shim_dev_poll_ioctl(int fd, unsigned long request, void *arg);
int shim_dev_poll_close(int fd);

#define open(...) shim_dev_poll_open(__VA_ARGS__)
#define write(fd, buf, size) shim_dev_poll_write(fd, buf, size)
#define ioctl(fd, request, arg) shim_dev_poll_ioctl(fd, request, arg)
#define close(fd) shim_dev_poll_close(fd)

#endif
