/* SPDX-License-Identifier: MIT */
/*
 * bench_event: what it costs to post an event to another thread's loop.
 * The cases are in bench/event_cases.c.
 */
#include "bench/driver.h"

static const struct bench_peer peers[] = {
	{ "ours", "build the target bench_programs" },
	{ "static", "build the target bench_programs" },
	{ "raw", "build the target bench_programs" },
	{ "debian", "install libivykis-dev and configure again" },
	{ "libuv", "install libuv1-dev and configure again" },
	{ "libev", "install libev-dev and configure again" },
	{ "libevent", "install libevent-dev and configure again" },
	{ NULL, NULL },
};

static const struct bench_row rows[] = {
	{ "post-1p", "post-1p", "ns", "CPU of a post, one producer, one event",
	  0 },
	{ "post-1p-gate", "post-1p-fresh", "ns",
	  "a post to an idle event, loop awake, one CPU", 0 },
	{ "post-1p-gate", "post-1p-again", "ns",
	  "a post to an event already posted", 0 },
	{ "post-1p-gate", "handle-fresh", "ns",
	  "the same by handle: a post to an idle event", 0 },
	{ "post-1p-gate", "handle-again", "ns",
	  "the same by handle: to an event already posted", 0 },
	{ "post-1p-gate", "handle-gone", "ns",
	  "a post by handle to an event that is gone", 0 },
	{ "post-4p", "post-4p", "ns",
	  "CPU of a post, 4 producers, each its own event", 0 },
	{ "post-4p-one", "post-4p-one", "ns",
	  "CPU of a post, 4 producers, one event", 0 },
	{ "message-4p", "message-4p", "M/s",
	  "one event a message, exactly once, 4 producers", 1 },
	{ "message-4p", "message-4p-cpu", "ns",
	  "CPU of such a message, all threads", 0 },
	{ "pingpong-1cpu", "pingpong-1cpu", "us",
	  "round trip of two loops on one CPU, CPU time", 0 },
	{ "pingpong-1cpu", "pingpong-1cpu-wall", "us", "the same, wall time",
	  0 },
	{ "pingpong-2cpu", "pingpong-2cpu", "us",
	  "round trip of two loops on two CPUs, wall time", 0 },
	{ "pingpong-spin", "pingpong-spin", "us",
	  "the same with loops that spin, wall time", 0 },
	{ "call-1cpu", "call-1cpu", "us",
	  "call to a loop and its result, one CPU, CPU time", 0 },
	{ "call-1cpu", "call-1cpu-wall", "us", "the same, wall time", 0 },
	{ NULL, NULL, NULL, NULL, 0 },
};

static const struct bench_target targets[] = {
	BENCH_AT_MOST("post-1p", "raw", 1.1),
	BENCH_AT_MOST("post-1p", "debian", 0.4),
	BENCH_AT_MOST_ROW("handle-fresh", "post-1p-fresh", 1.1),
	BENCH_AT_MOST_ROW("handle-again", "post-1p-again", 1.1),
	BENCH_AT_MOST_FIGURE("handle-gone", 5),
	BENCH_AT_MOST("post-4p", "debian", 0.3),
	BENCH_AT_MOST("pingpong-1cpu", "raw", 1.05),
	BENCH_AT_MOST("post-4p-one", "debian", 0.4),
	BENCH_AT_LEAST("message-4p", "debian", 3.0),
	BENCH_AT_MOST("pingpong-spin", "raw", 1.2),
	BENCH_AT_MOST_ROW("call-1cpu", "pingpong-1cpu", 1.1),
	BENCH_NO_MORE_TARGETS,
};

static const struct bench_count counts[] = {
	{ "count", "a post to an idle event" },
	{ "count", "a post to an event already posted" },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	static const struct bench_subject subject = {
		"event", peers, rows, targets, counts,
	};

	return bench_main(&subject, argc, argv);
}
