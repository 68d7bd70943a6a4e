/* SPDX-License-Identifier: MIT */
/*
 * stress.c - what the stress programs share: options, chance, watchdog
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include "stress.h"

enum { DEFAULT_TIMEOUT_S = 100 };

struct stress_options stress_options;

static const char *program;
static const char *stage = "starting";
static unsigned int fds_at_start;
static _Atomic(uint64_t) last_stream;

void stress_fail(const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "%s: FAILED with --seed %#llx: %s\n", program,
		(unsigned long long)stress_options.seed, text);
	_exit(1);
}

/* In a signal handler: no stdio. */
static void say(const char *text)
{
	ssize_t ignored = write(STDERR_FILENO, text, strlen(text));

	(void)ignored;
}

static char seed_text[40];

static void watchdog(int signum)
{
	(void)signum;
	say(program);
	say(": FAILED with --seed ");
	say(seed_text);
	say(": not done in time; it hangs while ");
	say(stage);
	say("\n");
	_exit(1);
}

/* The library found a misuse: ours, or its own mistake. */
static void got_fatal(const char *msg)
{
	stress_fail("the library gave up: %s", msg);
}

static void usage(const char *about)
{
	printf("usage: %s [OPTION]...\n%s\n\n"
	       "  --seed N     repeat the decisions of an earlier run\n"
	       "  --count N    how much to do (default %u)\n"
	       "  --threads N  how many threads do it (default %u, at most "
	       "%d)\n"
	       "  --timeout S  give up after so many seconds (default %d)\n"
	       "  --help       print this\n",
	       program, about, stress_options.count, stress_options.threads,
	       STRESS_MAX_THREADS, DEFAULT_TIMEOUT_S);
}

static uint64_t
number(const char *option, const char *text, uint64_t min, uint64_t max)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || *text == '-' ||
	    value < min || value > max) {
		fprintf(stderr,
			"%s: --%s wants a number from %llu to %llu, not '%s'\n",
			program, option, (unsigned long long)min,
			(unsigned long long)max, text);
		exit(2);
	}

	return value;
}

static void parse(int argc, char **argv, const char *about)
{
	static const struct option known[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "threads", required_argument, NULL, 't' },
		{ "timeout", required_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct stress_options *o = &stress_options;
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 's')
			o->seed = number("seed", optarg, 0, UINT64_MAX);
		else if (option == 'c')
			o->count = number("count", optarg, 1, 100000000);
		else if (option == 't')
			o->threads = number("threads", optarg, 1,
					    STRESS_MAX_THREADS);
		else if (option == 'w')
			o->timeout_s = number("timeout", optarg, 1, 86400);
		else if (option == 'h')
			usage(about);
		if (option == 'h' || option == '?')
			exit(option == 'h' ? 0 : 2);
	}
	if (optind < argc) {
		fprintf(stderr, "%s: '%s' is no option; see --help\n", program,
			argv[optind]);
		exit(2);
	}
}

static unsigned int count_fds(void)
{
	unsigned int num = 0;
	DIR *dir = opendir("/proc/self/fd");

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		num++;
	closedir(dir);

	return num;
}

void stress_begin(int argc, char **argv, const char *name, const char *about,
		  unsigned int count, unsigned int threads)
{
	uint64_t seed;

	program = name;
	stress_options = (struct stress_options){
		.count = count,
		.threads = threads,
		.timeout_s = DEFAULT_TIMEOUT_S,
	};
	if (getrandom(&seed, sizeof(seed), 0) == sizeof(seed))
		stress_options.seed = seed;
	parse(argc, argv, about);

	snprintf(seed_text, sizeof(seed_text), "%#llx",
		 (unsigned long long)stress_options.seed);
	printf("%s: --seed %s --count %u --threads %u\n", program, seed_text,
	       stress_options.count, stress_options.threads);
	fflush(stdout);

	fds_at_start = count_fds();
	iv_set_fatal_msg_handler(got_fatal);
	signal(SIGALRM, watchdog);
	alarm(stress_options.timeout_s);
}

void stress_stage(const char *what)
{
	stage = what;
}

void stress_end(void)
{
	unsigned int num = count_fds();

	STRESS_CHECK(num <= fds_at_start,
		     "%u descriptors are open, there were %u at first", num,
		     fds_at_start);
	alarm(0);
}

void stress_tally_add(struct stress_tally *sum, struct stress_tally more)
{
	sum->posted += more.posted;
	sum->handled += more.handled;
}

/* Chance ***************************************************************/

uint64_t stress_next_stream(void)
{
	return atomic_fetch_add(&last_stream, 1) + 1;
}

void stress_rng_init(struct stress_rng *rng, uint64_t stream)
{
	rng->state = stress_options.seed + stream * 0xd1342543de82ef95u;
}

/* splitmix64 */
static uint64_t next(struct stress_rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;

	return z ^ (z >> 31);
}

unsigned int stress_random(struct stress_rng *rng, unsigned int below)
{
	return (unsigned int)((next(rng) >> 32) * below >> 32);
}

bool stress_chance(struct stress_rng *rng, unsigned int percent)
{
	return stress_random(rng, 100) < percent;
}

/* To one processor, so that threads cut each other short, or to all. */
static void move(struct stress_rng *rng)
{
	static atomic_int refused;
	cpu_set_t cpus;
	int cpu;

	CPU_ZERO(&cpus);
	if (stress_chance(rng, 50)) {
		for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
			CPU_SET(cpu, &cpus);
	} else {
		CPU_SET(stress_random(rng, 2), &cpus);
	}

	/* A processor that is not ours to use is no failure. */
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		atomic_fetch_add(&refused, 1);
}

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Not for longer than that helps: each may cost a round of the run queue. */
static void yield_often(void)
{
	int64_t end = now_us() + 1000;
	int i;

	for (i = 0; i < 200 && now_us() < end; i++)
		sched_yield();
}

void stress_jitter(struct stress_rng *rng)
{
	unsigned int choice = stress_random(rng, 64);
	unsigned int yields = choice < 12 ? 12 - choice : 0;

	if (choice == 0)
		move(rng);
	if (choice == 1)
		yield_often();
	while (yields-- > 0)
		sched_yield();
}

/* What the programs ask for ********************************************/

void *stress_allocate(size_t size)
{
	void *memory = calloc(1, size);

	STRESS_CHECK(memory != NULL, "out of memory");

	return memory;
}

void stress_register(struct iv_event *event)
{
	STRESS_CHECK(iv_event_register(event) == 0,
		     "iv_event_register was refused");
}

void stress_start_timer(struct iv_timer *timer, unsigned int delay_ns)
{
	timer->expires = iv_now;
	timer->expires.tv_nsec += delay_ns;
	if (timer->expires.tv_nsec >= 1000000000L) {
		timer->expires.tv_nsec -= 1000000000L;
		timer->expires.tv_sec++;
	}
	iv_timer_register(timer);
}

/* Threads and descriptors **********************************************/

void stress_join(pthread_t thread)
{
	int ret = pthread_join(thread, NULL);

	STRESS_CHECK(ret == 0, "pthread_join: %s", strerror(ret));
}

void stress_canary_open(struct stress_canary *canary)
{
	STRESS_CHECK(pipe(canary->fds) == 0 && pipe(canary->fds + 2) == 0,
		     "pipe: %s", strerror(errno));
	canary->open = true;
}

void stress_canary_check(struct stress_canary *canary)
{
	struct pollfd pfds[2] = {
		{ .fd = canary->fds[0], .events = POLLIN },
		{ .fd = canary->fds[2], .events = POLLIN },
	};
	int i;

	if (!canary->open)
		return;

	STRESS_CHECK(poll(pfds, 2, 0) == 0,
		     "somebody wrote to descriptor %d or %d after the loop "
		     "that had that number was closed",
		     canary->fds[1], canary->fds[3]);
	for (i = 0; i < 4; i++)
		close(canary->fds[i]);
	canary->open = false;
}
