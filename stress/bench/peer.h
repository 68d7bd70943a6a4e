/* SPDX-License-Identifier: MIT */
/*
 * What every benchmark peer shares: clocks, pinning, the check of the
 * mapped library, and the lines it prints for the driver.
 *
 * A peer is one executable for one library. Called with --case NAME it
 * runs that case once and prints
 *
 *	library PATH		the library it really mapped
 *	result METRIC VALUE	one line for each figure
 *
 * Anything else is an error: a sentence on stderr and exit status 1.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct peer_case {
	const char *name;
	void (*run)(void);
};

/* Defined by the harness of the subject; ends with a NULL name. */
extern const struct peer_case peer_cases[];

struct peer_options {
	unsigned scale_percent; /* of the full number of repetitions */
	long spins_per_us;	/* iterations of spin() in a microsecond */
};
extern struct peer_options peer_options;

void peer_die(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));
void peer_report(const char *metric, double value);

/* Scale a number of repetitions, never below 1. */
unsigned long peer_scaled(unsigned long full);

/* Bind the calling thread, and those it creates, to one CPU of ours. */
void peer_pin_one(void);

/* Bind the calling thread to the n-th CPU of ours (modulo their number). */
void peer_pin(unsigned n);

/* Sorts in place; @percent 50 is the median. */
double peer_percentile(double *samples, size_t count, double percent);

/*
 * Where the driver starts and ends counting instructions; it is the tracer
 * then. Without one the signal is ignored.
 */
#define BENCH_MARK SIGUSR1

static inline uint64_t peer_clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t wall_ns(void)
{
	return peer_clock_ns(CLOCK_MONOTONIC);
}

static inline uint64_t thread_cpu_ns(void)
{
	return peer_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static inline uint64_t process_cpu_ns(void)
{
	return peer_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* Busy work of a known length: see peer_options.spins_per_us. */
static inline void spin(long iterations)
{
	while (iterations-- > 0)
		__asm__ volatile("");
}

#endif
