/* SPDX-License-Identifier: MIT */
/* The main program of every benchmark peer; see peer.h. */
#include <errno.h>
#include <link.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peer.h"

struct peer_options peer_options = { .scale_percent = 100,
				     .spins_per_us = 300 };

void peer_die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	_exit(1); /* other threads are still running */
}

void peer_report(const char *metric, double value)
{
	printf("result %s %.9g\n", metric, value);
}

unsigned long peer_scaled(unsigned long full)
{
	unsigned long n = full * peer_options.scale_percent / 100;

	return n ? n : 1;
}

static int nth_cpu(const cpu_set_t *set, unsigned n)
{
	int cpu;

	n %= (unsigned)CPU_COUNT(set);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, set) && n-- == 0)
			return cpu;
	return 0;
}

/* The set we were started with: pinning must not shrink what follows. */
static cpu_set_t cpus_at_start;

void peer_pin(unsigned n)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(nth_cpu(&cpus_at_start, n), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		peer_die("sched_setaffinity: %m");
}

void peer_pin_one(void)
{
	/* The last one: the first gets most interrupts. */
	peer_pin((unsigned)CPU_COUNT(&cpus_at_start) - 1);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double peer_percentile(double *samples, size_t count, double percent)
{
	qsort(samples, count, sizeof(*samples), compare);
	return samples[(size_t)((double)(count - 1) * percent / 100)];
}

/*
 * Several peers share a soname and header names, so a wrong search path
 * would silently compare a library with itself. Every library that is a
 * peer of some benchmark is looked for: exactly the expected file may be
 * mapped, and for the hand-written peer none.
 */
static const char *const peer_libraries[] = {
	"/libivykis.so",
	"/libuv.so",
	"/libev.so",
	"/libevent",
};

struct mapped {
	unsigned wrong;
	char path[4096];
};

static int is_peer_library(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(peer_libraries) / sizeof(*peer_libraries); i++)
		if (strstr(name, peer_libraries[i]))
			return 1;
	return 0;
}

static int look_at(struct dl_phdr_info *info, size_t size, void *cookie)
{
	struct mapped *mapped = cookie;
	char real[4096];

	(void)size;
	if (!is_peer_library(info->dlpi_name))
		return 0;
	if (!realpath(info->dlpi_name, real))
		peer_die("cannot resolve the mapped library %s: %m",
			 info->dlpi_name);
	/* libevent is two objects: the core, and its pthreads glue. */
	if (strstr(real, "/libevent_pthreads"))
		return 0;
	if (mapped->path[0])
		mapped->wrong++;
	memcpy(mapped->path, real, sizeof(real));
	return 0;
}

static void check_library(void)
{
	struct mapped mapped = { 0 };
	char expected[4096] = "";

	if (BENCH_LIBRARY[0] && !realpath(BENCH_LIBRARY, expected))
		peer_die("the library this was built for, %s, is gone",
			 BENCH_LIBRARY);
	dl_iterate_phdr(look_at, &mapped);
	if (mapped.wrong || strcmp(mapped.path, expected) != 0)
		peer_die("wrong library: mapped %s, expected %s",
			 mapped.path[0] ? mapped.path : "none",
			 expected[0] ? expected : "none");
	printf("library %s\n", expected[0] ? expected : "none, hand-written");
}

static long number(const char *option, const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || n < 1)
		peer_die("%s: '%s' is not a positive number", option, text);
	return n;
}

static const char *parse(int argc, char **argv)
{
	const char *name = NULL;
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--case"))
			name = argv[i + 1];
		else if (!strcmp(argv[i], "--scale"))
			peer_options.scale_percent =
				(unsigned)number(argv[i], argv[i + 1]);
		else if (!strcmp(argv[i], "--spins-per-us"))
			peer_options.spins_per_us =
				number(argv[i], argv[i + 1]);
		else
			peer_die("unknown option '%s'", argv[i]);
	}
	if (i < argc)
		peer_die("option '%s' needs a value", argv[i]);
	return name;
}

int main(int argc, char **argv)
{
	const char *name = parse(argc, argv);
	const struct peer_case *c;

	if (sched_getaffinity(0, sizeof(cpus_at_start), &cpus_at_start))
		peer_die("sched_getaffinity: %m");
	check_library();
	signal(BENCH_MARK, SIG_IGN);
	if (!name)
		peer_die("say which case: --case NAME [--scale PERCENT] "
			 "[--spins-per-us N]");
	for (c = peer_cases; c->name; c++)
		if (strcmp(c->name, name) == 0)
			break;
	if (!c->name)
		peer_die("no case '%s'", name);
	c->run();
	return fflush(stdout) ? 1 : 0;
}
