/* SPDX-License-Identifier: MIT */
/*
 * The cases of bench_event, written once for every peer. The adapter is
 * the header named by BENCH_ADAPTER: a loop, an event, and eight small
 * functions, inlined so that only the library's own call is measured.
 *
 * Every case checks conservation (nothing lost, nothing delivered twice)
 * before it reports a figure.
 */
#include <semaphore.h>
#include <stdlib.h>

#include "peer.h"
#include BENCH_ADAPTER
#include "event_bed.h"
#include "event_rally.h"

/*
 * One producer, posts that each find the event idle (fresh) or already
 * posted (again), while the loop is held at the gate. All on one CPU, so
 * that the events stay in its cache and the figure is the post's own; the
 * median of short bursts is unmoved by a neighbour on the machine.
 */
struct bursts {
	unsigned long count, num;
	double *fresh, *again;
};

static struct bursts bursts_open(void)
{
	struct bursts bursts = { .count = peer_scaled(1000) };

	bursts.fresh = calloc(bursts.count, sizeof(double));
	bursts.again = calloc(bursts.count, sizeof(double));
	if (!bursts.fresh || !bursts.again)
		peer_die("out of memory");
	return bursts;
}

static void bursts_close(struct bursts *bursts, const char *fresh_metric,
			 const char *again_metric)
{
	peer_report(fresh_metric,
		    peer_percentile(bursts->fresh, bursts->count, 50));
	peer_report(again_metric,
		    peer_percentile(bursts->again, bursts->count, 50));
	free(bursts->fresh);
	free(bursts->again);
}

static inline void burst(struct bursts *bursts, struct bed *bed,
			 void (*post)(struct target *, unsigned long))
{
	uint64_t t0, t1, t2;

	shut_gate(bed);
	t0 = wall_ns();
	post(bed->targets, bed->count);
	t1 = wall_ns();
	post(bed->targets, bed->count);
	t2 = wall_ns();
	open_gate(bed);
	bursts->fresh[bursts->num] = (double)(t1 - t0) / (double)bed->count;
	bursts->again[bursts->num++] = (double)(t2 - t1) / (double)bed->count;
}

#ifdef PEER_HAS_HANDLES
static void post_each_by_handle(struct target *t, unsigned long n)
{
	for (; n; n--)
		if (event_post_by_handle(&t++->event))
			peer_die("an event that is registered took no post");
}

static void post_each_gone(struct target *t, unsigned long n)
{
	for (; n; n--)
		if (!event_post_by_handle(&t++->event))
			peer_die("an event that is gone took a post");
}

/* In turn, so that both ways meet the same machine. */
static void post_1p_gate(void)
{
	struct bursts plain = bursts_open(), handle = bursts_open();
	struct bed *bed = bed_start(256, PIN_ONE);
	double *gone = calloc(plain.count, sizeof(double));
	unsigned long i;
	uint64_t start;

	peer_pin_one();
	for (i = 0; i < plain.count; i++) {
		burst(&plain, bed, post_each);
		burst(&handle, bed, post_each_by_handle);
	}
	check_calls(bed, 2 * plain.count);
	looper_stop(&bed->looper);
	for (i = 0; i < plain.count; i++) {
		start = wall_ns();
		post_each_gone(bed->targets, bed->count);
		gone[i] = (double)(wall_ns() - start) / (double)bed->count;
	}
	peer_report("handle-gone", peer_percentile(gone, plain.count, 50));
	bursts_close(&plain, "post-1p-fresh", "post-1p-again");
	bursts_close(&handle, "handle-fresh", "handle-again");
	bed_free(bed);
	free(gone);
}
#else
static void post_1p_gate(void)
{
	struct bursts plain = bursts_open();
	struct bed *bed = bed_start(256, PIN_ONE);
	unsigned long i;

	peer_pin_one();
	for (i = 0; i < plain.count; i++)
		burst(&plain, bed, post_each);
	check_calls(bed, plain.count);
	bursts_close(&plain, "post-1p-fresh", "post-1p-again");
	bed_stop(bed);
}
#endif

/* The same posts for the driver's instruction counter. */
static void count(void)
{
	struct bed *bed = bed_start(256, PIN_ONE);
	int burst;

	peer_report("operations", (double)bed->count);
	/* The first burst binds the library's symbols. */
	for (burst = 0; burst < 2; burst++) {
		shut_gate(bed);
		if (burst) {
			raise(BENCH_MARK);
			raise(BENCH_MARK);
		}
		post_each(bed->targets, bed->count);
		if (burst)
			raise(BENCH_MARK);
		post_each(bed->targets, bed->count);
		if (burst)
			raise(BENCH_MARK);
		open_gate(bed);
	}
	check_calls(bed, 2);
	bed_stop(bed);
}

/*
 * Producers beside a loop that runs, posting as fast as they can: a part
 * of the posts coalesces, and both sides work on the same cache lines.
 */
static void post_live(const char *metric, unsigned producers, unsigned events)
{
	struct crew crew = { .producers = producers,
			     .bursts = peer_scaled(10),
			     .count = 1,
			     .rounds = 200000 };
	/* One producer and the loop: a CPU for each, in every run. */
	struct bed *bed = bed_start(events, producers == 1 ? 1 : 0);
	unsigned long i, calls = 0;

	bed->live = 1;
	crew.first_cpu = 1;
	crew_start(&crew, bed);
	for (i = 0; i < crew.bursts; i++)
		crew_burst(&crew);
	peer_report(metric, crew_end(&crew));
	looper_stop(&bed->looper);
	for (i = 0; i < events; i++) {
		calls += bed->targets[i].calls;
		if (!bed->targets[i].calls)
			peer_die("event %lu was posted and never handled", i);
	}
	if (calls > crew.bursts * crew.rounds * producers)
		peer_die("%lu calls are more than the posts", calls);
	bed_free(bed);
}

static void post_1p(void)
{
	post_live("post-1p", 1, 1);
}

static void post_4p(void)
{
	post_live("post-4p", 4, 4);
}

static void post_4p_one(void)
{
	post_live("post-4p-one", 4, 1);
}

/*
 * One event a message, posted once and handled once in each burst, from
 * four producers to a loop that sleeps at first, then keeps up as it can.
 */
static void message_4p(void)
{
	struct crew crew = { .producers = 4,
			     .bursts = peer_scaled(20),
			     .count = 8192,
			     .rounds = 1 };
	struct bed *bed = bed_start(crew.producers * crew.count, 0);
	double *rate = calloc(crew.bursts, sizeof(double));
	double *cpu = calloc(crew.bursts, sizeof(double));
	double n = (double)bed->count;
	uint64_t wall_start, cpu_start;
	unsigned long i;

	crew_start(&crew, bed);
	for (i = 0; i < crew.bursts; i++) {
		wall_start = wall_ns();
		cpu_start = process_cpu_ns();
		crew_burst(&crew);
		sem_wait(&bed->all_handled);
		rate[i] = n * 1e3 / (double)(wall_ns() - wall_start);
		cpu[i] = (double)(process_cpu_ns() - cpu_start) / n;
	}
	crew_end(&crew);
	check_calls(bed, crew.bursts);
	peer_report("message-4p", peer_percentile(rate, crew.bursts, 50));
	peer_report("message-4p-cpu", peer_percentile(cpu, crew.bursts, 50));
	bed_stop(bed);
	free(rate);
	free(cpu);
}

static void pingpong_1cpu(void)
{
	play("pingpong-1cpu-wall", "pingpong-1cpu", PIN_ONE, PIN_ONE, false);
}

static void pingpong_2cpu(void)
{
	play("pingpong-2cpu", "pingpong-2cpu-cpu", 1, 2, false);
}

/* Loops that look for posts before they sleep, as long as they may. */
static void pingpong_spin(void)
{
#ifdef PEER_HAS_SPIN
	play("pingpong-spin", "pingpong-spin-cpu", 1, 2, true);
#endif
}

/* A thread that has a function run on a loop, and waits for its result. */
static void call_1cpu(void)
{
#ifdef PEER_HAS_CALLS
	play_calls("call-1cpu-wall", "call-1cpu", PIN_ONE);
#endif
}

const struct peer_case peer_cases[] = {
	{ "post-1p", post_1p },
	{ "post-1p-gate", post_1p_gate },
	{ "post-4p", post_4p },
	{ "post-4p-one", post_4p_one },
	{ "message-4p", message_4p },
	{ "pingpong-1cpu", pingpong_1cpu },
	{ "pingpong-2cpu", pingpong_2cpu },
	{ "pingpong-spin", pingpong_spin },
	{ "call-1cpu", call_1cpu },
	{ "count", count },
	{ NULL, NULL },
};
