/* SPDX-License-Identifier: MIT */
/*
 * bench_work: what it costs to hand work to a pool and to hear that it is
 * done. The cases are in bench/work_cases.c.
 */
#include "bench/driver.h"

static const struct bench_peer peers[] = {
	{ "ours", "build the target bench_programs" },
	{ "raw", "build the target bench_programs" },
	{ "debian", "install libivykis-dev and configure again" },
	{ "libuv", "install libuv1-dev and configure again" },
	{ NULL, NULL },
};

static const struct bench_row rows[] = {
	{ "null", "null", "M/s", "null items, 2 workers, 1024 in flight", 1 },
	{ "null", "null-cpu", "ns", "CPU of an item, all threads", 0 },
	{ "submit-all", "submit-all", "M/s",
	  "null items, 50,000 submitted at once, 2 workers", 1 },
	{ "submit-all", "submit-all-cpu", "ns", "CPU of an item, all threads",
	  0 },
	{ "1us", "1us", "M/s", "items of 1 us, 2 workers, 1024 in flight", 1 },
	{ "1us", "1us-cpu", "ns", "CPU of an item, all threads", 0 },
	{ "20us", "20us", "k/s", "items of 20 us, 2 workers, 128 in flight",
	  1 },
	{ "20us", "20us-cpu", "ns", "CPU of an item, all threads", 0 },
	{ "latency-1cpu", "latency-1cpu-p50", "us",
	  "submission to completion, one CPU, median", 0 },
	{ "latency-1cpu", "latency-1cpu-p99", "us", "99th percentile", 0 },
	{ "latency-2cpu", "latency-2cpu-p50", "us",
	  "submission to completion, two CPUs, median", 0 },
	{ "latency-2cpu", "latency-2cpu-p99", "us", "99th percentile", 0 },
	{ "mix", "mix-p50", "us", "null items beside 5 ms ones, median", 0 },
	{ "mix", "mix-p99", "us", "99th percentile", 0 },
	{ NULL, NULL, NULL, NULL, 0 },
};

static const struct bench_target targets[] = {
	BENCH_AT_LEAST("null", "debian", 1.2),
	BENCH_AT_LEAST("submit-all", "debian", 1.8),
	BENCH_AT_LEAST("20us", "debian", 1.0),
	BENCH_AT_MOST("latency-1cpu-p50", "debian", 0.6),
	BENCH_NO_MORE_TARGETS,
};

static const struct bench_count counts[] = {
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	static const struct bench_subject subject = {
		"work", peers, rows, targets, counts,
	};

	return bench_main(&subject, argc, argv);
}
