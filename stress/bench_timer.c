/* SPDX-License-Identifier: MIT */
/*
 * bench_timer: what a timer costs among a thousand, a hundred thousand and
 * a million. The cases are in bench/timer_cases.c.
 */
#include "bench/driver.h"

static const struct bench_peer peers[] = {
	{ "ours", "build the target bench_programs" },
	{ "raw", "build the target bench_programs" },
	{ "debian", "install libivykis-dev and configure again" },
	{ "libuv", "install libuv1-dev and configure again" },
	{ "libev", "install libev-dev and configure again" },
	{ "libevent", "install libevent-dev and configure again" },
	{ NULL, NULL },
};

#define ROWS(n, of)                                                          \
	{ n, "insert-" n, "ns", "insert one of " of, 0 },                    \
		{ n, "cancel-" n, "ns", "cancel, in random order", 0 },      \
		{ n, "expire-" n, "ns", "expire, all due at once", 0 },      \
	{                                                                    \
		n, "churn-" n, "ns", "cancel at random, insert elsewhere", 0 \
	}

static const struct bench_row rows[] = {
	ROWS("1k", "1,000"),
	ROWS("100k", "100,000"),
	ROWS("1m", "1,000,000"),
	{ NULL, NULL, NULL, NULL, 0 },
};

static const struct bench_target targets[] = {
	BENCH_NO_MORE_TARGETS,
};

static const struct bench_count counts[] = {
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	static const struct bench_subject subject = {
		"timer", peers, rows, targets, counts,
	};

	return bench_main(&subject, argc, argv);
}
