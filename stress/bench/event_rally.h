/* SPDX-License-Identifier: MIT */
/*
 * Round trips between two threads: loops that post to each other, and a
 * thread that calls a loop. Only event_cases.c includes it, behind the bed.
 */
#ifndef BENCH_EVENT_RALLY_H
#define BENCH_EVENT_RALLY_H

#include <stdbool.h>

/* Two loops that post to each other. */
struct side {
	struct looper looper;
	struct peer_event event;
	struct side *other;
};

struct rally {
	struct side side[2];
	unsigned long count, chunk, done, samples;
	double *wall, *cpu;
	uint64_t wall_mark, cpu_mark;
	sem_t over;
	bool spins;
};

static void sample_rally(struct rally *rally)
{
	uint64_t wall = wall_ns(), cpu = process_cpu_ns();
	double n = (double)rally->chunk;

	/* The first chunk warms up: it has no start mark. */
	if (rally->wall_mark) {
		rally->wall[rally->samples] =
			(double)(wall - rally->wall_mark) / n;
		rally->cpu[rally->samples++] =
			(double)(cpu - rally->cpu_mark) / n;
	}
	rally->wall_mark = wall;
	rally->cpu_mark = cpu;
}

static void return_ball(void *cookie)
{
	struct side *side = cookie;

	event_post(&side->other->event);
}

static void serve_ball(void *cookie)
{
	struct rally *rally = cookie;

	if (rally->done % rally->chunk == 0)
		sample_rally(rally);
	if (rally->done++ == rally->count)
		sem_post(&rally->over);
	else
		event_post(&rally->side[1].event);
}

static void open_side(struct looper *looper, const struct rally *rally)
{
	(void)looper;
	(void)rally;
#ifdef PEER_HAS_SPIN
	if (rally->spins)
		loop_spin(&looper->loop);
#endif
}

static void open_first(struct looper *looper, void *cookie)
{
	struct rally *rally = cookie;

	open_side(looper, rally);
	event_open(&looper->loop, &rally->side[0].event, serve_ball, rally);
}

static void open_second(struct looper *looper, void *cookie)
{
	struct rally *rally = cookie;

	open_side(looper, rally);
	event_open(&looper->loop, &rally->side[1].event, return_ball,
		   &rally->side[1]);
}

static void close_side(struct looper *looper, void *cookie)
{
	struct side *side = (struct side *)looper;

	(void)cookie;
	event_close(&side->event);
}

static void start_rally(struct rally *rally, int first_cpu, int second_cpu)
{
	int i;

	peer_setup();
	for (i = 0; i < 2; i++) {
		rally->side[i].other = &rally->side[!i];
		rally->side[i].looper.open = i ? open_second : open_first;
		rally->side[i].looper.close = close_side;
		rally->side[i].looper.bed = rally;
		rally->side[i].looper.pin = i ? second_cpu : first_cpu;
		looper_start(&rally->side[i].looper);
	}
}

/* Room for @chunks samples of @chunk round trips each, and one to warm up. */
static void open_rally(struct rally *rally, unsigned long chunks)
{
	rally->chunk = 200;
	rally->count = (chunks + 1) * rally->chunk;
	rally->wall = calloc(chunks + 2, sizeof(double));
	rally->cpu = calloc(chunks + 2, sizeof(double));
	if (!rally->wall || !rally->cpu)
		peer_die("out of memory");
}

static void close_rally(struct rally *rally, const char *wall, const char *cpu)
{
	peer_report(wall,
		    peer_percentile(rally->wall, rally->samples, 50) / 1e3);
	peer_report(cpu, peer_percentile(rally->cpu, rally->samples, 50) / 1e3);
	free(rally->wall);
	free(rally->cpu);
}

static void
play(const char *wall, const char *cpu, int first, int second, bool spins)
{
	static struct rally rally;

	open_rally(&rally, peer_scaled(100));
	rally.spins = spins;
	sem_init(&rally.over, 0, 0);
	start_rally(&rally, first, second);
	event_post(&rally.side[0].event);
	sem_wait(&rally.over);
	looper_stop(&rally.side[0].looper);
	looper_stop(&rally.side[1].looper);
	close_rally(&rally, wall, cpu);
}

#ifdef PEER_HAS_CALLS
static int add_one(void *cookie)
{
	return (int)++*(unsigned long *)cookie;
}

static void open_nothing(struct looper *looper, void *cookie)
{
	(void)cookie;
	loop_listen(&looper->loop);
}

static void close_nothing(struct looper *looper, void *cookie)
{
	(void)looper;
	(void)cookie;
}

static void play_calls(const char *wall, const char *cpu, int where)
{
	static struct rally rally;
	struct looper looper = { .open = open_nothing,
				 .close = close_nothing,
				 .pin = where };
	unsigned long called = 0;

	open_rally(&rally, peer_scaled(100));
	peer_setup();
	looper_start(&looper);
	pin(where);
	for (; rally.done < rally.count; rally.done++) {
		if (rally.done % rally.chunk == 0)
			sample_rally(&rally);
		loop_call_wait(&looper.loop, add_one, &called);
	}
	looper_stop(&looper);
	if (called != rally.count)
		peer_die("%lu calls of %lu were run", called, rally.count);
	close_rally(&rally, wall, cpu);
}
#endif

#endif
