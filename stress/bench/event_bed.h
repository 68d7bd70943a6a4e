/* SPDX-License-Identifier: MIT */
/*
 * The scaffold of the event cases: loops in threads, a bed of events that
 * count, and crews of producers. Only event_cases.c includes it, behind
 * the adapter's functions.
 */
#ifndef BENCH_EVENT_BED_H
#define BENCH_EVENT_BED_H

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#define MAX_PRODUCERS 4

/* A loop in a thread of its own, with an event that stops it. */
struct looper {
	struct peer_loop loop;
	struct peer_event stop;
	pthread_t thread;
	sem_t ready;
	void (*open)(struct looper *, void *bed);
	void (*close)(struct looper *, void *bed);
	void *bed;
	int pin; /* on the one CPU, on CPU pin - 1, or 0: nowhere */
};

#define PIN_ONE (-1)

static void pin(int where)
{
	if (where == PIN_ONE)
		peer_pin_one();
	else if (where > 0)
		peer_pin((unsigned)where - 1);
}

static void stop(void *cookie)
{
	struct looper *looper = cookie;

	loop_stop(&looper->loop);
}

static void *looper_main(void *cookie)
{
	struct looper *looper = cookie;

	pin(looper->pin);
	loop_open(&looper->loop);
	event_open(&looper->loop, &looper->stop, stop, looper);
	looper->open(looper, looper->bed);
	sem_post(&looper->ready);
	loop_run(&looper->loop);
	looper->close(looper, looper->bed);
	event_close(&looper->stop);
	loop_close(&looper->loop);
	return NULL;
}

static void looper_start(struct looper *looper)
{
	sem_init(&looper->ready, 0, 0);
	if (pthread_create(&looper->thread, NULL, looper_main, looper))
		peer_die("pthread_create failed");
	sem_wait(&looper->ready);
}

static void looper_stop(struct looper *looper)
{
	event_post(&looper->stop);
	pthread_join(looper->thread, NULL);
	sem_destroy(&looper->ready);
}

/*
 * A bed: events that count their handler runs, and a gate. While the gate
 * is shut the loop is awake inside the gate's handler, so what is posted
 * meanwhile costs the post alone: no wake-up, no drain beside it.
 */
struct target {
	struct peer_event event;
	struct bed *bed;
	unsigned long calls;
};

struct bed {
	struct looper looper;
	struct target *targets;
	unsigned long count;
	unsigned long handled; /* of this burst; the loop's own */
	int live;	       /* posts coalesce: no burst to complete */
	struct peer_event gate;
	sem_t entered, leave, all_handled;
};

static void count_call(void *cookie)
{
	struct target *target = cookie;
	struct bed *bed = target->bed;

	target->calls++;
	if (!bed->live && ++bed->handled == bed->count) {
		bed->handled = 0;
		sem_post(&bed->all_handled);
	}
}

static void hold_gate(void *cookie)
{
	struct bed *bed = cookie;

	sem_post(&bed->entered);
	sem_wait(&bed->leave);
}

static void open_bed(struct looper *looper, void *cookie)
{
	struct bed *bed = cookie;
	unsigned long i;

	for (i = 0; i < bed->count; i++) {
		bed->targets[i].bed = bed;
		event_open(&looper->loop, &bed->targets[i].event, count_call,
			   &bed->targets[i]);
	}
	event_open(&looper->loop, &bed->gate, hold_gate, bed);
}

static void close_bed(struct looper *looper, void *cookie)
{
	struct bed *bed = cookie;
	unsigned long i;

	(void)looper;
	for (i = 0; i < bed->count; i++)
		event_close(&bed->targets[i].event);
	event_close(&bed->gate);
}

static struct bed *bed_start(unsigned long count, int where)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	peer_setup();
	if (!bed || !(bed->targets = calloc(count, sizeof(*bed->targets))))
		peer_die("out of memory");
	bed->count = count;
	bed->looper.open = open_bed;
	bed->looper.close = close_bed;
	bed->looper.bed = bed;
	bed->looper.pin = where;
	sem_init(&bed->entered, 0, 0);
	sem_init(&bed->leave, 0, 0);
	sem_init(&bed->all_handled, 0, 0);
	looper_start(&bed->looper);
	return bed;
}

static void bed_free(struct bed *bed)
{
	sem_destroy(&bed->entered);
	sem_destroy(&bed->leave);
	sem_destroy(&bed->all_handled);
	free(bed->targets);
	free(bed);
}

static void bed_stop(struct bed *bed)
{
	looper_stop(&bed->looper);
	bed_free(bed);
}

static void shut_gate(struct bed *bed)
{
	event_post(&bed->gate);
	sem_wait(&bed->entered);
}

static void open_gate(struct bed *bed)
{
	sem_post(&bed->leave);
	sem_wait(&bed->all_handled);
}

static void check_calls(const struct bed *bed, unsigned long expected)
{
	unsigned long i;

	for (i = 0; i < bed->count; i++)
		if (bed->targets[i].calls != expected)
			peer_die("event %lu: handler ran %lu times, not %lu", i,
				 bed->targets[i].calls, expected);
}

static void post_each(struct target *t, unsigned long n)
{
	for (; n; n--)
		event_post(&t++->event);
}

/*
 * Producers that start each burst together and report their CPU time. They
 * are spread over the CPUs by hand: left alone, a busy machine may run them
 * one after the other, and the figure would be that of one producer.
 */
struct crew {
	struct bed *bed;
	struct producer {
		struct crew *crew;
		struct target *targets;
		double *cpu_ns; /* of each burst */
		pthread_t thread;
	} producer[MAX_PRODUCERS];
	unsigned producers;
	unsigned first_cpu;   /* of the producers, which take turns */
	unsigned long bursts; /* each between two barriers */
	unsigned long count;  /* events of each, posted in turn */
	unsigned long rounds; /* times over all of them, a burst */
	pthread_barrier_t barrier;
};

static void *produce(void *cookie)
{
	struct producer *p = cookie;
	struct crew *crew = p->crew;
	unsigned long burst, round;
	uint64_t start;

	peer_pin(crew->first_cpu + (unsigned)(p - crew->producer));
	for (burst = 0; burst < crew->bursts; burst++) {
		pthread_barrier_wait(&crew->barrier);
		start = thread_cpu_ns();
		for (round = 0; round < crew->rounds; round++)
			post_each(p->targets, crew->count);
		p->cpu_ns[burst] = (double)(thread_cpu_ns() - start);
		pthread_barrier_wait(&crew->barrier);
	}
	return NULL;
}

/* The producers share the bed's events out; with one event, all have it. */
static void crew_start(struct crew *crew, struct bed *bed)
{
	struct producer *p;
	unsigned i;

	crew->bed = bed;
	if (pthread_barrier_init(&crew->barrier, NULL, crew->producers + 1))
		peer_die("pthread_barrier_init failed");
	for (i = 0; i < crew->producers; i++) {
		p = &crew->producer[i];
		p->crew = crew;
		p->targets = bed->targets + i * crew->count % bed->count;
		p->cpu_ns = calloc(crew->bursts, sizeof(double));
		if (pthread_create(&p->thread, NULL, produce, p))
			peer_die("pthread_create failed");
	}
}

static void crew_burst(struct crew *crew)
{
	pthread_barrier_wait(&crew->barrier);
	pthread_barrier_wait(&crew->barrier);
}

/* Joins; the median over the bursts of the CPU time of one post, in ns. */
static double crew_end(struct crew *crew)
{
	double *sum = crew->producer[0].cpu_ns, median;
	unsigned long b;
	unsigned i;

	for (i = 0; i < crew->producers; i++)
		pthread_join(crew->producer[i].thread, NULL);
	for (i = 1; i < crew->producers; i++) {
		for (b = 0; b < crew->bursts; b++)
			sum[b] += crew->producer[i].cpu_ns[b];
		free(crew->producer[i].cpu_ns);
	}
	median = peer_percentile(sum, crew->bursts, 50);
	free(sum);
	pthread_barrier_destroy(&crew->barrier);
	return median / (double)(crew->producers * crew->count * crew->rounds);
}

#endif
