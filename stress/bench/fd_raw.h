/* SPDX-License-Identifier: MIT */
/* Adapter of the descriptor cases: the hand-written loop over epoll. */
#include <sys/epoll.h>
#include <unistd.h>

#include "raw_fds.h"

struct peer_fd {
	struct raw_fd raw;
};

static struct raw_fds loop;

static void loop_open(void)
{
	raw_fds_open(&loop);
}

static void loop_run(void)
{
	raw_fds_run(&loop);
}

static void loop_stop(void)
{
	loop.quit = 1;
}

/* What is left to the user of a descriptor that blocks. */
static inline void fd_prepare(int fd)
{
	make_nonblocking(fd);
	make_close_on_exec(fd);
}

static inline void fd_prepare_socket(int fd)
{
	fd_prepare(fd);
	make_urgent_inline(fd);
}

static inline void fd_prepare_shortly(int fd)
{
	make_both(fd);
}

static void
fd_open(struct peer_fd *p, int fd, void (*readable)(void *), void *cookie)
{
	p->raw.fd = fd;
	p->raw.readable = readable;
	p->raw.writable = readable;
	p->raw.cookie = cookie;
}

static inline int fd_number(const struct peer_fd *p)
{
	return p->raw.fd;
}

static inline void fd_register(struct peer_fd *p)
{
	p->raw.events = EPOLLIN;
	raw_fds_control(&loop, EPOLL_CTL_ADD, &p->raw);
}

static inline void fd_unregister(struct peer_fd *p)
{
	raw_fds_control(&loop, EPOLL_CTL_DEL, &p->raw);
}

/* The kernel forgets what is closed. */
static inline void fd_finish(struct peer_fd *p)
{
	close(p->raw.fd);
}

static inline void want_in(struct peer_fd *p, int on)
{
	p->raw.events = on ? EPOLLIN : 0;
	raw_fds_control(&loop, EPOLL_CTL_MOD, &p->raw);
}

static inline void want_out(struct peer_fd *p, int on)
{
	p->raw.events = on ? EPOLLIN | EPOLLOUT : EPOLLIN;
	raw_fds_control(&loop, EPOLL_CTL_MOD, &p->raw);
}
