/* SPDX-License-Identifier: MIT */
/*
 * stress.h - what the stress programs share
 *
 * A program takes --seed, --count, --threads and --timeout, prints the seed,
 * and ends with one line of counts; a broken promise or a hang ends it with
 * exit status 1 and a sentence that carries the seed. A seed repeats the
 * decisions of the program, not those of the scheduler.
 *
 * What two threads share here is handed over by the library's calls or by
 * pthreads; counters are changed by read-modify-writes only, which every race
 * detector accepts.
 */
#ifndef STRESS_H
#define STRESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <iv.h>
#include <iv_event.h>

/* What was asked for, or the program's own wishes. */
struct stress_options {
	uint64_t seed;
	unsigned int count;
	unsigned int threads;
	unsigned int timeout_s;
};

extern struct stress_options stress_options;

/* No more --threads than this. */
enum { STRESS_MAX_THREADS = 64 };

/*
 * Read the arguments, print the seed, start the watchdog. @name is the
 * program's, @about a sentence for --help; @count and @threads: unless told.
 */
void stress_begin(int argc, char **argv, const char *name, const char *about,
		  unsigned int count, unsigned int threads);

/* What the program is doing, for the watchdog's message. */
void stress_stage(const char *stage);

/* The only thread left: nothing may be open that was not open at first. */
void stress_end(void);

void stress_fail(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

#define STRESS_CHECK(condition, ...)              \
	do {                                      \
		if (!(condition))                 \
			stress_fail(__VA_ARGS__); \
	} while (0)

/* Posts, and the calls of handlers for them: one may be for several posts. */
struct stress_tally {
	uint64_t posted;
	uint64_t handled;
};

void stress_tally_add(struct stress_tally *sum, struct stress_tally more);

/* Random numbers of one thread. @stream tells threads of one seed apart. */
struct stress_rng {
	uint64_t state;
};

void stress_rng_init(struct stress_rng *rng, uint64_t stream);

/* 0 to @below - 1. */
unsigned int stress_random(struct stress_rng *rng, unsigned int below);

/* True in @percent of a hundred calls. */
bool stress_chance(struct stress_rng *rng, unsigned int percent);

/* Perhaps give the processor away, or move to others. */
void stress_jitter(struct stress_rng *rng);

/* A number that no thread of the process had before. */
uint64_t stress_next_stream(void);

/* Zeroed memory, for free(), and a registration: neither is ever refused. */
void *stress_allocate(size_t size);
void stress_register(struct iv_event *event);

/* Start a timer that has its handler. @delay_ns: less than a second. */
void stress_start_timer(struct iv_timer *timer, unsigned int delay_ns);

/* pthread_create that is never refused, and pthread_join. */
pthread_t stress_spawn(void *(*run)(void *), void *arg);
void stress_join(pthread_t thread);

/* From now on refuse @percent of all other thread creations with EAGAIN. */
void stress_refuse_threads(unsigned int percent);
unsigned int stress_threads_refused(void);

/*
 * Descriptors that take the numbers of those just closed. Whoever writes to
 * one of these by mistake is found by stress_canary_check(), which also
 * closes them.
 */
struct stress_canary {
	int fds[4];
	bool open;
};

void stress_canary_open(struct stress_canary *canary);
void stress_canary_check(struct stress_canary *canary);

#endif
