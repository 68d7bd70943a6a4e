/* SPDX-License-Identifier: MIT */
/*
 * Adapter of the descriptor cases: libev, one watcher a band as its manual
 * has it. It tells the kernel nothing when the last watcher of a descriptor
 * stops (4.33 calls EPOLL_CTL_DEL only when an event comes that nobody wants),
 * and leaves O_NONBLOCK and FD_CLOEXEC to its user.
 */
#include <ev.h>
#include <unistd.h>

struct peer_fd {
	ev_io in, out;
	void *cookie;
	void (*readable)(void *);
};

static struct ev_loop *loop;

static void loop_open(void)
{
	loop = ev_loop_new(EVBACKEND_EPOLL);
	if (!loop)
		peer_die("ev_loop_new failed");
}

static void loop_run(void)
{
	ev_run(loop, 0);
}

static void loop_stop(void)
{
	ev_break(loop, EVBREAK_ALL);
}

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

static void call(struct ev_loop *l, ev_io *io, int revents)
{
	struct peer_fd *p = io->data;

	(void)l;
	(void)revents;
	p->readable(p->cookie);
}

static void
fd_open(struct peer_fd *p, int fd, void (*readable)(void *), void *cookie)
{
	p->readable = readable;
	p->cookie = cookie;
	ev_io_init(&p->in, call, fd, EV_READ);
	ev_io_init(&p->out, call, fd, EV_WRITE);
	p->in.data = p;
	p->out.data = p;
}

static inline int fd_number(const struct peer_fd *p)
{
	return p->in.fd;
}

static inline void fd_register(struct peer_fd *p)
{
	ev_io_start(loop, &p->in);
}

static inline void fd_unregister(struct peer_fd *p)
{
	ev_io_stop(loop, &p->in);
}

static inline void fd_finish(struct peer_fd *p)
{
	ev_io_stop(loop, &p->in);
	close(p->in.fd);
}

static inline void want_in(struct peer_fd *p, int on)
{
	if (on)
		ev_io_start(loop, &p->in);
	else
		ev_io_stop(loop, &p->in);
}

static inline void want_out(struct peer_fd *p, int on)
{
	if (on)
		ev_io_start(loop, &p->out);
	else
		ev_io_stop(loop, &p->out);
}
