/* SPDX-License-Identifier: MIT */
/*
 * epoll_host.h - a descriptor for hosts that outlives what is behind it
 *
 * epoll sets and rings are replaced when they are worn, but a host may keep
 * what iv_loop_prepare() gave it in a set of its own, which would not notice.
 * So it is given an epoll set that has nothing in it but ours, whichever that
 * is at the time. Made when it is first asked for: most loops have no host.
 */
#ifndef IV__EPOLL_HOST_H
#define IV__EPOLL_HOST_H

/* The host's set, -1 at first, with @fd in it: its descriptor or -errno. */
int iv__epoll_host_open(int *host, int fd);
void iv__epoll_host_close(int *host);

/*
 * @fd is about to be closed; another one has come. Without room for it the
 * host's set is closed, so that the host is given another one or an error.
 */
void iv__epoll_host_leave(int host, int fd);
void iv__epoll_host_enter(int *host, int fd);

#endif
