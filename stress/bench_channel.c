/* SPDX-License-Identifier: MIT */
/*
 * bench_channel: messages from several threads to one loop, exactly once and
 * in order of each sender. The cases are in bench/channel_cases.c.
 */
#include "bench/driver.h"

static const struct bench_peer peers[] = {
	{ "ours", "build the target bench_programs" },
	{ "raw", "build the target bench_programs" },
	{ "stack", "build the target bench_programs" },
	{ "debian", "install libivykis-dev and configure again" },
	{ "libuv", "install libuv1-dev and configure again" },
	{ NULL, NULL },
};

static const struct bench_row rows[] = {
	{ "send-1", "send-1", "M/s", "messages of one sender", 1 },
	{ "send-1", "send-1-cpu", "ns", "CPU of such a message, all threads",
	  0 },
	{ "send-2", "send-2", "M/s", "messages of 2 senders", 1 },
	{ "send-2", "send-2-cpu", "ns", "CPU of such a message, all threads",
	  0 },
	{ "send-4", "send-4", "M/s", "messages of 4 senders", 1 },
	{ "send-4", "send-4-cpu", "ns", "CPU of such a message, all threads",
	  0 },
	{ NULL, NULL, NULL, NULL, 0 },
};

static const struct bench_target targets[] = {
	BENCH_AT_LEAST("send-1", "raw", 1.0),
	BENCH_AT_LEAST("send-2", "raw", 1.0),
	BENCH_AT_LEAST("send-4", "raw", 1.0),
	BENCH_AT_LEAST("send-1", "debian", 1.0),
	BENCH_AT_LEAST("send-2", "debian", 1.0),
	BENCH_AT_LEAST("send-4", "debian", 1.0),
	BENCH_AT_LEAST("send-1", "libuv", 1.0),
	BENCH_AT_LEAST("send-2", "libuv", 1.0),
	BENCH_AT_LEAST("send-4", "libuv", 1.0),
	BENCH_NO_MORE_TARGETS,
};

static const struct bench_count counts[] = {
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	static const struct bench_subject subject = {
		"channel", peers, rows, targets, counts,
	};

	return bench_main(&subject, argc, argv);
}
