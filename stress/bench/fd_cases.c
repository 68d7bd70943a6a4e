/* SPDX-License-Identifier: MIT */
/*
 * The cases of bench_fd, written once for every peer. The adapter is the
 * header named by BENCH_ADAPTER. All figures are CPU time of the thread that
 * runs the loop, but for those of the echo server.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"
#include "fd_user.h"
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
