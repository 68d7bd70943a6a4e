/* SPDX-License-Identifier: MIT */
/*
 * The cases of bench_work, written once for every peer. The adapter is
 * the header named by BENCH_ADAPTER: a pool with the loop that owns it, an
 * item, and a millisecond tick.
 *
 * Each case checks that every item ran and completed exactly once.
 */
#include <stdlib.h>
#include <time.h>

#include "peer.h"
#include BENCH_ADAPTER

#define WORKERS 2

enum kind { KIND_NULL, KIND_1US, KIND_20US, KIND_LONG };

struct item {
	struct peer_item peer;
	struct job *job;
	enum kind kind;
	unsigned runs; /* the worker's, read after completion */
	unsigned long submissions;
	uint64_t submitted_ns;
};

/* A number of items to be passed through a pool. */
struct job {
	struct peer_pool pool;
	enum kind kind;
	int apart;	      /* the workers, on the second CPU */
	unsigned long count;  /* submissions in all */
	unsigned long window; /* items; the most in flight */
	struct item *items;
	unsigned long submitted, completed;
	double *latency_us; /* of each completion, or NULL */
	unsigned long latencies;
	unsigned long chunk; /* completions a sample, or 0 */
	double *rate, *cpu;
	unsigned long samples;
	uint64_t wall_mark, cpu_mark;
};

/* A worker takes its CPU with its first item. */
static void place_worker(const struct job *job)
{
	static _Thread_local int placed;

	if (placed || !job->apart)
		return;
	placed = 1;
	peer_pin(1);
}

static void work(void *cookie)
{
	struct item *item = cookie;
	struct timespec long_time = { .tv_nsec = 5000000 };

	place_worker(item->job);
	item->runs++;
	if (item->kind == KIND_1US)
		spin(peer_options.spins_per_us);
	else if (item->kind == KIND_20US)
		spin(peer_options.spins_per_us * 20);
	else if (item->kind == KIND_LONG)
		nanosleep(&long_time, NULL); /* stands for a slow disk */
}

static void submit(struct item *item)
{
	struct job *job = item->job;

	job->submitted++;
	item->submissions++;
	if (job->latency_us)
		item->submitted_ns = wall_ns();
	item_submit(&job->pool, &item->peer);
}

static void submit_all(struct job *job)
{
	unsigned long i;

	for (i = 0; i < job->window; i++)
		submit(&job->items[i]);
}

/* Rate and cost of the chunk that ends here; the first one warms up. */
static void sample(struct job *job)
{
	uint64_t wall = wall_ns(), cpu = process_cpu_ns();
	double n = (double)job->chunk;

	if (job->wall_mark) {
		job->rate[job->samples] =
			n * 1e9 / (double)(wall - job->wall_mark);
		job->cpu[job->samples++] = (double)(cpu - job->cpu_mark) / n;
	}
	job->wall_mark = wall;
	job->cpu_mark = cpu;
}

static void measure(struct job *job, const struct item *item)
{
	if (item->runs != item->submissions)
		peer_die("an item ran %u times for %lu submissions", item->runs,
			 item->submissions);
	if (job->latency_us && item->kind != KIND_LONG)
		job->latency_us[job->latencies++] =
			(double)(wall_ns() - item->submitted_ns) / 1e3;
	job->completed++;
	if (job->chunk && job->completed % job->chunk == 0)
		sample(job);
}

static void complete(void *cookie)
{
	struct item *item = cookie;
	struct job *job = item->job;

	measure(job, item);
	if (job->completed == job->count)
		pool_finish(&job->pool);
	else if (job->window == job->chunk && job->completed == job->submitted)
		submit_all(job);
	else if (job->window < job->chunk && job->submitted < job->count)
		submit(item);
	else if (!job->chunk && job->window == 1)
		submit(item);
}

static void job_open(struct job *job)
{
	unsigned long i;

	pool_open(&job->pool, WORKERS);
	job->items = calloc(job->window, sizeof(*job->items));
	if (!job->items)
		peer_die("out of memory");
	for (i = 0; i < job->window; i++) {
		job->items[i].job = job;
		job->items[i].kind = job->kind;
		item_open(&job->pool, &job->items[i].peer, work, complete,
			  &job->items[i]);
	}
}

static void job_close(struct job *job)
{
	if (job->completed != job->count)
		peer_die("%lu of %lu items completed", job->completed,
			 job->count);
	pool_close(&job->pool);
	free(job->items);
}

/*
 * Items of one kind. With a window smaller than the chunk each completion
 * submits again; with one of its size all are submitted, then awaited, and
 * then submitted again. Returns the median rate of a chunk, a second.
 */
static double throughput(const char *cpu, enum kind kind, unsigned long window,
			 unsigned long chunk)
{
	unsigned long chunks = peer_scaled(20) + 1;
	static struct job job;
	double rate;

	job.kind = kind;
	job.window = window;
	job.chunk = chunk;
	job.count = chunk * chunks;
	job.rate = calloc(chunks, sizeof(double));
	job.cpu = calloc(chunks, sizeof(double));
	job_open(&job);
	submit_all(&job);
	pool_run(&job.pool);
	rate = peer_percentile(job.rate, job.samples, 50);
	peer_report(cpu, peer_percentile(job.cpu, job.samples, 50));
	job_close(&job);
	free(job.rate);
	free(job.cpu);
	return rate;
}

static void null_window(void)
{
	peer_report("null",
		    throughput("null-cpu", KIND_NULL, 1024, 50000) / 1e6);
}

static void null_all(void)
{
	peer_report("submit-all",
		    throughput("submit-all-cpu", KIND_NULL, 50000, 50000) /
			    1e6);
}

static void items_1us(void)
{
	peer_report("1us", throughput("1us-cpu", KIND_1US, 1024, 10000) / 1e6);
}

static void items_20us(void)
{
	peer_report("20us", throughput("20us-cpu", KIND_20US, 128, 1000) / 1e3);
}

/* One item at a time: submitted, run, completed, submitted again. */
static void latency(const char *p50, const char *p99, int apart)
{
	static struct job job;

	job.kind = KIND_NULL;
	job.apart = apart;
	job.count = peer_scaled(20000) + 2;
	job.window = 1;
	job.latency_us = calloc(job.count, sizeof(double));
	job_open(&job);
	submit(&job.items[0]);
	pool_run(&job.pool);
	peer_report(p50, peer_percentile(job.latency_us, job.latencies, 50));
	peer_report(p99, peer_percentile(job.latency_us, job.latencies, 99));
	job_close(&job);
	free(job.latency_us);
}

static void latency_1cpu(void)
{
	peer_pin_one(); /* before the workers, which inherit it */
	latency("latency-1cpu-p50", "latency-1cpu-p99", 0);
}

static void latency_2cpu(void)
{
	peer_pin(0);
	latency("latency-2cpu-p50", "latency-2cpu-p99", 1);
}

#define TICK_ITEMS 10

/* Ten items a millisecond; in each tenth tick one of them is long. */
static void mix_tick(void *cookie)
{
	struct job *job = cookie;
	unsigned long tick = job->submitted / TICK_ITEMS;
	struct item *item;
	int i;

	for (i = 0; i < TICK_ITEMS; i++) {
		item = &job->items[job->submitted];
		if (i == 2 && tick % 10 == 0)
			item->kind = KIND_LONG;
		submit(item);
	}
	if (job->submitted == job->count)
		tick_stop(&job->pool);
}

static void mix(void)
{
	static struct job job;

	job.kind = KIND_NULL;
	job.count = (peer_scaled(400) + 10) * TICK_ITEMS;
	job.window = job.count;
	job.latency_us = calloc(job.count, sizeof(double));
	job_open(&job);
	tick_start(&job.pool, mix_tick, &job);
	pool_run(&job.pool);
	peer_report("mix-p50",
		    peer_percentile(job.latency_us, job.latencies, 50));
	peer_report("mix-p99",
		    peer_percentile(job.latency_us, job.latencies, 99));
	job_close(&job);
	free(job.latency_us);
}

const struct peer_case peer_cases[] = {
	{ "null", null_window },
	{ "submit-all", null_all },
	{ "1us", items_1us },
	{ "20us", items_20us },
	{ "latency-1cpu", latency_1cpu },
	{ "latency-2cpu", latency_2cpu },
	{ "mix", mix },
	{ NULL, NULL },
};
