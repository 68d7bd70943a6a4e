/* SPDX-License-Identifier: MIT */
/*
 * The cases of bench_fd, written once for every peer. The adapter is the
 * header named by BENCH_ADAPTER. All figures are CPU time of the thread that
 * runs the loop, but for those of the echo server.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

static void must_be(int ok, const char *what)
{
	if (!ok)
		peer_die("%s: %m", what);
}

/* What a user does for a library that leaves it to him, as books have it ... */
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

#include BENCH_ADAPTER

static void *must(void *memory)
{
	if (!memory)
		peer_die("out of memory");
	return memory;
}

static void open_pair(int fds[2], int flags)
{
	must_be(!socketpair(AF_UNIX, SOCK_STREAM | flags, 0, fds),
		"socketpair");
}

#include "fd_crowd.h"
#include "fd_turns.h"
#include "fd_echo.h"

static void crowd_100(void)
{
	crowd_case(100, "100");
}

static void crowd_1k(void)
{
	crowd_case(1000, "1k");
}

static void crowd_10k(void)
{
	crowd_case(10000, "10k");
}

const struct peer_case peer_cases[] = {
	{ "100", crowd_100 },
	{ "1k", crowd_1k },
	{ "10k", crowd_10k },
	{ "idle", idle_case },
	{ "register", register_case },
	{ "interest", interest_case },
	{ "echo", echo_case },
	{ "echo-1cpu", echo_one_cpu_case },
	{ NULL, NULL },
};
