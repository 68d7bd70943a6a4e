/* SPDX-License-Identifier: MIT */
/*
 * stats.h - counters, and histograms of times
 *
 * One set for each loop, touched by that loop's thread only: workers put
 * the times into the job that they hold, and the loop adds them up when
 * the job comes back. So nothing here is atomic, and nothing is locked.
 */
#ifndef SERVER_STATS_H
#define SERVER_STATS_H

#include <stddef.h>
#include <stdint.h>

/* Eight buckets for each power of two: an error of 12 % at most. */
#define HISTOGRAM_BUCKETS (64 * 8)

struct histogram {
	uint64_t count;
	uint64_t max_ns;
	uint32_t bucket[HISTOGRAM_BUCKETS];
};

struct counters {
	uint64_t accepted;
	uint64_t closed;
	uint64_t accept_pauses; /* no descriptor was left */
	uint64_t requests;
	uint64_t answers[6]; /* by the first digit of the status */
	uint64_t timeouts;
	uint64_t bytes_sent;
	uint64_t posts;	    /* events posted, jobs come back */
	uint64_t submitted; /* jobs given to the pool */
	uint64_t completed;
	uint64_t queued;       /* now; see on_report() of loop.c */
	uint64_t threads;      /* now */
	struct histogram wait; /* submitted until a worker began */
	struct histogram run;  /* in the worker */
};

void histogram_add(struct histogram *histogram, uint64_t value_ns);
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The upper bound of the bucket that holds this share (0 to 1). */
uint64_t histogram_share_ns(const struct histogram *histogram, double share);

void counters_merge(struct counters *into, const struct counters *from);

/*
 * The JSON text of /stats from the counters of all loops, in memory of
 * its own; NULL when there is none left. posts are those that belong to
 * no loop.
 */
char *counters_render(const struct counters *const *loops, size_t count,
		      uint64_t posts);

uint64_t monotonic_ns(void);

#endif
