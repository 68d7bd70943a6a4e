/* SPDX-License-Identifier: MIT */
/*
 * Adapter of the descriptor cases: ivykis. Compiled against this project's
 * header and library and against the system's, and once more for the method
 * that BENCH_METHOD names.
 */
#include <iv.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct peer_fd {
	struct iv_fd iv;
	void (*readable)(void *);
};

static void loop_open(void)
{
#ifdef BENCH_METHOD
	setenv("IV_SELECT_POLL_METHOD", BENCH_METHOD, 1);
#endif
	iv_init();
}

static void loop_run(void)
{
	iv_main();
}

static void loop_stop(void)
{
	iv_quit();
}

/* Registering does it. */
static inline void fd_prepare(int fd)
{
	(void)fd;
}

static inline void fd_prepare_socket(int fd)
{
	(void)fd;
}

static inline void fd_prepare_shortly(int fd)
{
	(void)fd;
}

static void
fd_open(struct peer_fd *p, int fd, void (*readable)(void *), void *cookie)
{
	IV_FD_INIT(&p->iv);
	p->iv.fd = fd;
	p->iv.cookie = cookie;
	p->readable = readable;
}

static inline int fd_number(const struct peer_fd *p)
{
	return p->iv.fd;
}

static inline void fd_register(struct peer_fd *p)
{
	p->iv.handler_in = p->readable;
	iv_fd_register(&p->iv);
}

static inline void fd_unregister(struct peer_fd *p)
{
	iv_fd_unregister(&p->iv);
}

static inline void fd_finish(struct peer_fd *p)
{
	iv_fd_unregister(&p->iv);
	close(p->iv.fd);
}

static inline void want_in(struct peer_fd *p, int on)
{
	iv_fd_set_handler_in(&p->iv, on ? p->readable : NULL);
}

static inline void want_out(struct peer_fd *p, int on)
{
	iv_fd_set_handler_out(&p->iv, on ? p->readable : NULL);
}
