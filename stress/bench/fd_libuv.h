/* SPDX-License-Identifier: MIT */
/*
 * Adapter of the descriptor cases: libuv's uv_poll_t, its way of watching a
 * descriptor that is the user's. uv_poll_init() makes it non-blocking and has
 * the kernel add and delete it to see whether it can; FD_CLOEXEC is left to
 * the user. A handle is free again one round after uv_close().
 */
#include <unistd.h>
#include <uv.h>

struct peer_fd {
	uv_poll_t uv;
	int fd;
	int events;
	void *cookie;
	void (*readable)(void *);
};

static uv_loop_t loop;

static void loop_open(void)
{
	if (uv_loop_init(&loop))
		peer_die("uv_loop_init failed");
}

static void loop_run(void)
{
	uv_run(&loop, UV_RUN_DEFAULT);
}

static void loop_stop(void)
{
	uv_stop(&loop);
}

static inline void fd_prepare(int fd)
{
	make_close_on_exec(fd);
}

static inline void fd_prepare_socket(int fd)
{
	fd_prepare(fd);
	make_urgent_inline(fd);
}

static inline void fd_prepare_shortly(int fd)
{
	must_be(!ioctl(fd, FIOCLEX), "ioctl");
}

static void
fd_open(struct peer_fd *p, int fd, void (*readable)(void *), void *cookie)
{
	p->fd = fd;
	p->readable = readable;
	p->cookie = cookie;
}

static void call(uv_poll_t *uv, int status, int events)
{
	struct peer_fd *p = uv->data;

	(void)status;
	(void)events;
	p->readable(p->cookie);
}

static void watch(struct peer_fd *p)
{
	if (p->events)
		uv_poll_start(&p->uv, p->events, call);
	else
		uv_poll_stop(&p->uv);
}

static inline int fd_number(const struct peer_fd *p)
{
	return p->fd;
}

static inline void fd_register(struct peer_fd *p)
{
	if (uv_poll_init(&loop, &p->uv, p->fd))
		peer_die("uv_poll_init failed");
	p->uv.data = p;
	p->events = UV_READABLE;
	watch(p);
}

static inline void fd_unregister(struct peer_fd *p)
{
	uv_close((uv_handle_t *)&p->uv, NULL);
}

static inline void fd_finish(struct peer_fd *p)
{
	fd_unregister(p);
	close(p->fd);
}

static inline void want_in(struct peer_fd *p, int on)
{
	p->events = on ? p->events | UV_READABLE : p->events & ~UV_READABLE;
	watch(p);
}

static inline void want_out(struct peer_fd *p, int on)
{
	p->events = on ? p->events | UV_WRITABLE : p->events & ~UV_WRITABLE;
	watch(p);
}
