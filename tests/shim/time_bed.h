/* SPDX-License-Identifier: MIT */
/*
 * time_bed.h - how long a wait took, and signals that end it
 */
#ifndef TIME_BED_H
#define TIME_BED_H

#include <signal.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

static inline struct timespec clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return now;
}

static inline int64_t ns_since(struct timespec then)
{
	struct timespec now = clock_now();

	return (int64_t)(now.tv_sec - then.tv_sec) * 1000000000 + now.tv_nsec -
	       then.tv_nsec;
}

static inline void ignore(int signum)
{
	(void)signum;
}

/* Again and again, for the first one may come ahead of the wait. */
static inline void start_alarms(void (*handler)(int signum), long every_us)
{
	struct itimerval often = { { 0, every_us }, { 0, every_us } };
	struct sigaction action = { .sa_handler = handler };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static inline void stop_alarms(void)
{
	struct itimerval never = { { 0, 0 }, { 0, 0 } };

	setitimer(ITIMER_REAL, &never, NULL);
}

#endif
