/* SPDX-License-Identifier: MIT */
/*
 * bench_fd: what a ready descriptor costs among many, and what changes of
 * interest and registering cost. The cases are in bench/fd_cases.c.
 *
 * What each peer does for a registration, while the loop does not wait:
 *
 *	ours, debian	non-blocking, close-on-exec, urgent data in line;
 *			the kernel's set is told before the next wait
 *	libuv		non-blocking; added to the set and deleted again, to
 *			see whether it can be; the user does the rest
 *	libev		nothing; the user does all that he wants
 *	libevent, raw	added at once, deleted at once; the user does the rest
 *
 * In register-socket and register-pipe the descriptor blocks, as accept() and
 * pipe() give it, and ends up in one state with all: what a library does not
 * do its user does as books have it (get the flags, set the flags), and it
 * counts. In register-short the user takes the fewest calls, and none for
 * urgent data. In register-bare the socket comes ready from accept4() and
 * nobody but the library does anything; ours cannot see that, and does it all
 * again. In life a descriptor is watched for a turn and then closed; libev
 * and raw have the kernel clean up, the others delete first.
 *
 * In toggle and pause the band is never ready, and ours leaves it watched
 * while it is off, as libev does; in serve and write it is ready each time,
 * and in write each change is told.
 */
#include "bench/driver.h"

static const struct bench_peer peers[] = {
	{ "ours", "build the target bench_programs" },
	{ "raw", "build the target bench_programs" },
	{ "debian", "install libivykis-dev and configure again" },
	{ "libuv", "install libuv1-dev and configure again" },
	{ "libev", "install libev-dev and configure again" },
	{ "libevent", "install libevent-dev and configure again" },
	{ "uring",
	  "ours by io_uring: install liburing-dev and configure again" },
	{ NULL, NULL },
};

#define CROWD(n, of)                                                      \
	{ n, n "-1", "ns", "an event, 1 at a time among " of, 0 },        \
	{                                                                 \
		n, n "-100", "ns", "an event, 100 at a time among " of, 0 \
	}

static const struct bench_row rows[] = {
	CROWD("100", "100"),
	CROWD("1k", "1,000"),
	CROWD("10k", "10,000"),
	{ "idle", "idle", "x", "an event with 9,900 idle ones, and without",
	  0 },
	{ "register", "register-socket", "ns",
	  "register and unregister a socket from accept()", 0 },
	{ "register", "register-pipe", "ns", "the same with a pipe", 0 },
	{ "register", "register-short", "ns",
	  "a socket, prepared in the fewest calls", 0 },
	{ "register", "register-bare", "ns", "a socket from accept4()", 0 },
	{ "register", "life", "ns", "socketpair, register, wait, close", 0 },
	{ "interest", "turn", "ns", "a wait that finds one descriptor ready",
	  0 },
	{ "interest", "toggle", "ns",
	  "the same, and out on or off beside in, not ready", 0 },
	{ "interest", "pause", "ns", "the same, and in on or off, not ready",
	  0 },
	{ "interest", "serve", "ns",
	  "in on, its event, in off; a message each time", 0 },
	{ "interest", "write", "ns", "out on, its event, out off", 0 },
	{ "interest", "flip", "ns", "out on and off, ten times before a wait",
	  0 },
	{ "echo", "echo", "k/s",
	  "echoes, 64 connections, client on a CPU "
	  "of its own",
	  1 },
	{ "echo", "echo-cpu", "ns", "CPU of the server for one", 0 },
	{ "echo-1cpu", "echo-1cpu", "k/s",
	  "echoes in a second of one CPU, client's too", 1 },
	{ "echo-1cpu", "echo-1cpu-cpu", "ns", "CPU of the server for one", 0 },
	{ NULL, NULL, NULL, NULL, 0 },
};

#define AHEAD(metric)                                 \
	BENCH_AT_MOST(metric, "raw", 1.03),           \
		BENCH_AT_MOST(metric, "debian", 1.0), \
		BENCH_AT_MOST(metric, "libuv", 1.0),  \
		BENCH_AT_MOST(metric, "libev", 1.0),  \
		BENCH_AT_MOST(metric, "libevent", 1.0)

static const struct bench_target targets[] = {
	AHEAD("100-1"),
	AHEAD("100-100"),
	AHEAD("1k-1"),
	AHEAD("1k-100"),
	AHEAD("10k-1"),
	AHEAD("10k-100"),
	BENCH_AT_MOST("idle", "raw", 1.03),
	BENCH_AT_MOST("register-socket", "libev", 0.95),
	BENCH_AT_MOST("register-pipe", "libev", 0.95),
	BENCH_AT_MOST("toggle", "raw", 1.0),
	BENCH_AT_MOST("pause", "raw", 1.0),
	BENCH_AT_MOST("serve", "raw", 1.0),
	BENCH_AT_MOST("write", "raw", 1.0),
	BENCH_AT_MOST("flip", "debian", 0.95),
	BENCH_AT_LEAST("echo", "raw", 1.0),
	BENCH_AT_MOST("echo-cpu", "raw", 1.0),
	BENCH_AT_LEAST("echo-1cpu", "raw", 1.0),
	/* Ours by epoll behind ours by io_uring. */
	BENCH_AT_MOST("echo", "uring", 1.0),
	BENCH_AT_MOST("echo-1cpu", "uring", 1.0),
	BENCH_AT_LEAST("toggle", "uring", 1.0),
	BENCH_AT_LEAST("pause", "uring", 1.0),
	BENCH_NO_MORE_TARGETS,
};

static const struct bench_count counts[] = {
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	static const struct bench_subject subject = {
		"fd", peers, rows, targets, counts,
	};

	return bench_main(&subject, argc, argv);
}
