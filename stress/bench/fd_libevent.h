/* SPDX-License-Identifier: MIT */
/*
 * Adapter of the descriptor cases: libevent, one event a band, without its
 * locks. It tells the kernel of each change at once, and gives its user two
 * functions that make a descriptor ready for it.
 */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/util.h>
#include <unistd.h>

struct peer_fd {
	struct event in, out;
	void *cookie;
	void (*readable)(void *);
};

static struct event_base *base;

static void loop_open(void)
{
	base = event_base_new();
	if (!base)
		peer_die("event_base_new failed");
}

static void loop_run(void)
{
	event_base_loop(base, 0);
}

static void loop_stop(void)
{
	event_base_loopbreak(base);
}

static inline void fd_prepare(int fd)
{
	if (evutil_make_socket_nonblocking(fd) ||
	    evutil_make_socket_closeonexec(fd))
		peer_die("evutil_make_socket_nonblocking: %m");
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

static void call(evutil_socket_t fd, short what, void *cookie)
{
	struct peer_fd *p = cookie;

	(void)fd;
	(void)what;
	p->readable(p->cookie);
}

static void
fd_open(struct peer_fd *p, int fd, void (*readable)(void *), void *cookie)
{
	p->readable = readable;
	p->cookie = cookie;
	if (event_assign(&p->in, base, fd, EV_READ | EV_PERSIST, call, p) ||
	    event_assign(&p->out, base, fd, EV_WRITE | EV_PERSIST, call, p))
		peer_die("event_assign failed");
}

static inline int fd_number(const struct peer_fd *p)
{
	return event_get_fd(&p->in);
}

static inline void fd_register(struct peer_fd *p)
{
	event_add(&p->in, NULL);
}

static inline void fd_unregister(struct peer_fd *p)
{
	event_del(&p->in);
}

static inline void fd_finish(struct peer_fd *p)
{
	event_del(&p->in);
	close(event_get_fd(&p->in));
}

static inline void want_in(struct peer_fd *p, int on)
{
	if (on)
		event_add(&p->in, NULL);
	else
		event_del(&p->in);
}

static inline void want_out(struct peer_fd *p, int on)
{
	if (on)
		event_add(&p->out, NULL);
	else
		event_del(&p->out);
}
