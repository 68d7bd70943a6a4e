/* SPDX-License-Identifier: MIT */
/*
 * The cases of bench_timer, written once for every peer. The adapter is
 * the header named by BENCH_ADAPTER. One case is one number of timers, and
 * reports CPU nanoseconds of an insertion, a cancellation in random order,
 * a churn (cancel one at random, insert it elsewhere) and an expiry.
 *
 * Expiry is that of a batch: the loop is entered when all are due, so that
 * the figure is the queue's and not that of as many wake-ups.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "peer.h"
#include BENCH_ADAPTER

#define SECOND 1000000000u

struct entry {
	struct peer_timer timer;
	struct field *field;
	unsigned calls;
};

struct field {
	size_t count;
	const char *suffix;
	struct entry *entries;
	size_t *order;	    /* a random permutation */
	uint64_t *delay_ns; /* drawn beforehand: not to be measured */
	size_t expired;
	double insert, cancel, churn, expire;
};

/* xorshift: the same numbers for every peer and run. */
static uint64_t draw(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void draw_delays(struct field *f, uint64_t from_ns, uint64_t span_ns)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		f->delay_ns[i] = from_ns + draw() % span_ns;
}

static void expired(void *cookie)
{
	struct entry *entry = cookie;

	entry->calls++;
	if (++entry->field->expired == entry->field->count)
		timers_stop();
}

static void field_open(struct field *f)
{
	size_t i, j;

	f->entries = calloc(f->count, sizeof(*f->entries));
	f->order = calloc(f->count, sizeof(*f->order));
	f->delay_ns = calloc(f->count, sizeof(*f->delay_ns));
	if (!f->entries || !f->order || !f->delay_ns)
		peer_die("out of memory");
	for (i = 0; i < f->count; i++) {
		f->entries[i].field = f;
		timer_open(&f->entries[i].timer, expired, &f->entries[i]);
		j = draw() % (i + 1);
		f->order[i] = f->order[j];
		f->order[j] = i;
	}
}

static void field_close(struct field *f)
{
	free(f->entries);
	free(f->order);
	free(f->delay_ns);
}

static double insert_all(struct field *f)
{
	uint64_t start = thread_cpu_ns();
	size_t i;

	for (i = 0; i < f->count; i++)
		timer_insert(&f->entries[i].timer, f->delay_ns[i]);
	return (double)(thread_cpu_ns() - start);
}

static double cancel_all(struct field *f)
{
	uint64_t start = thread_cpu_ns();
	size_t i;

	for (i = 0; i < f->count; i++)
		timer_cancel(&f->entries[f->order[i]].timer);
	return (double)(thread_cpu_ns() - start);
}

static double churn_all(struct field *f)
{
	uint64_t start = thread_cpu_ns();
	struct peer_timer *timer;
	size_t i;

	for (i = 0; i < f->count; i++) {
		timer = &f->entries[f->order[i]].timer;
		timer_cancel(timer);
		timer_insert(timer, f->delay_ns[i]);
	}
	return (double)(thread_cpu_ns() - start);
}

static void sleep_until(uint64_t deadline_ns)
{
	struct timespec t = {
		.tv_sec = (time_t)(deadline_ns / SECOND),
		.tv_nsec = (long)(deadline_ns % SECOND),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL))
		;
}

static double expire_all(struct field *f, uint64_t span_ns)
{
	uint64_t start;
	double took;
	size_t i;

	draw_delays(f, SECOND / 1000, span_ns);
	timers_base();
	insert_all(f);
	/* A bit more, for clocks that are coarse or counted from later. */
	sleep_until(wall_ns() + span_ns + SECOND / 200);
	f->expired = 0;
	start = thread_cpu_ns();
	timers_run();
	took = (double)(thread_cpu_ns() - start);
	for (i = 0; i < f->count; i++) {
		if (f->entries[i].calls != 1)
			peer_die("timer %zu fired %u times", i,
				 f->entries[i].calls);
		f->entries[i].calls = 0;
	}
	return took;
}

static void report(const struct field *f, const char *what, double ns)
{
	char metric[64];

	snprintf(metric, sizeof(metric), "%s-%s", what, f->suffix);
	peer_report(metric, ns / (double)f->count);
}

static void repeat(struct field *f, unsigned long times)
{
	double *insert = calloc(times, sizeof(double));
	double *cancel = calloc(times, sizeof(double));
	double *churn = calloc(times, sizeof(double));
	double *expire = calloc(times, sizeof(double));
	unsigned long i;

	for (i = 0; i < times; i++) {
		timers_base();
		draw_delays(f, 10ull * SECOND, 100ull * SECOND);
		insert[i] = insert_all(f);
		draw_delays(f, 10ull * SECOND, 100ull * SECOND);
		churn[i] = churn_all(f);
		cancel[i] = cancel_all(f);
		expire[i] = expire_all(f, 1000 + f->count * 100);
	}
	report(f, "insert", peer_percentile(insert, times, 50));
	report(f, "churn", peer_percentile(churn, times, 50));
	report(f, "cancel", peer_percentile(cancel, times, 50));
	report(f, "expire", peer_percentile(expire, times, 50));
	free(insert);
	free(cancel);
	free(churn);
	free(expire);
}

static void run(size_t count, const char *suffix, unsigned long times)
{
	struct field f = { .count = count, .suffix = suffix };

	timers_open();
	field_open(&f);
	repeat(&f, times);
	field_close(&f);
}

static void timers_1k(void)
{
	run(1000, "1k", peer_scaled(20));
}

static void timers_100k(void)
{
	run(100000, "100k", peer_scaled(4));
}

static void timers_1m(void)
{
	run(1000000, "1m", 1);
}

const struct peer_case peer_cases[] = {
	{ "1k", timers_1k },
	{ "100k", timers_100k },
	{ "1m", timers_1m },
	{ NULL, NULL },
};
