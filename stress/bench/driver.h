/* SPDX-License-Identifier: MIT */
/*
 * The benchmark driver: runs the peers of one subject in turn, round after
 * round, so that a noisy moment hits all of them, and compares medians.
 *
 * A subject (bench_event.c, ...) is four tables and a call of bench_main().
 */
#ifndef BENCH_DRIVER_H
#define BENCH_DRIVER_H

#include <stddef.h>

#define BENCH_MAX_PEERS 8
#define BENCH_MAX_ROWS 48

struct bench_peer {
	const char *name;    /* the executable is SUBJECT_NAME */
	const char *missing; /* what to do when it was not built */
};

/* One figure that a case reports. */
struct bench_row {
	const char *case_name;
	const char *metric;
	const char *unit;
	const char *what;
	int more_is_better;
};

/*
 * "ours" compared with another peer, or with another row of ours, all in one
 * run; or with a figure.
 */
struct bench_target {
	const char *metric;
	const char *peer; /* NULL: @factor is the figure */
	const char *than; /* that peer's row; NULL: the same */
	int at_least;	  /* else: at most */
	double factor;
};

#define BENCH_AT_MOST(metric, peer, factor)   \
	{                                     \
		metric, peer, NULL, 0, factor \
	}
#define BENCH_AT_LEAST(metric, peer, factor)  \
	{                                     \
		metric, peer, NULL, 1, factor \
	}
#define BENCH_AT_MOST_ROW(metric, than, factor) \
	{                                       \
		metric, "ours", than, 0, factor \
	}
#define BENCH_AT_MOST_FIGURE(metric, figure)  \
	{                                     \
		metric, NULL, NULL, 0, figure \
	}
#define BENCH_NO_MORE_TARGETS          \
	{                              \
		NULL, NULL, NULL, 0, 0 \
	}

/*
 * What --instructions counts: the case raises BENCH_MARK twice in a row,
 * and once more behind each burst of operations that this table names.
 */
struct bench_count {
	const char *case_name;
	const char *what;
};

struct bench_subject {
	const char *name;
	const struct bench_peer *peers; /* each table ends with NULL */
	const struct bench_row *rows;
	const struct bench_target *targets;
	const struct bench_count *counts;
};

struct bench_options {
	unsigned rounds;
	unsigned scale_percent;
	long spins_per_us;
	int json;
	int instructions;
	const char *cases; /* comma-separated, NULL: all */
	const char *peers;
};

/* What was measured: samples of each row by each peer. */
struct bench_run {
	const struct bench_subject *subject;
	struct bench_options options;
	char directory[4096]; /* of the peers' executables */
	int built[BENCH_MAX_PEERS];
	char library[BENCH_MAX_PEERS][4096];
	double *samples[BENCH_MAX_ROWS][BENCH_MAX_PEERS];
	unsigned count[BENCH_MAX_ROWS][BENCH_MAX_PEERS];
	int failures;
	double load; /* of the last minute, before the first round */
};

int bench_main(const struct bench_subject *subject, int argc, char **argv);

/* Median of the samples, or a negative number when there are none. */
double bench_median(const struct bench_run *run, size_t row, size_t peer);
int bench_row_index(const struct bench_subject *subject, const char *metric);
int bench_peer_index(const struct bench_subject *subject, const char *name);

/* Whether @name is in the comma-separated @list; a NULL list has all. */
int bench_listed(const char *list, const char *name);

/* The figure in a line "result METRIC FIGURE", or NULL. */
const char *bench_result(const char *text, const char *metric);

/* Start @argv and hand each line of its output to @line; 0: exited with 0. */
int bench_spawn(char *const argv[], void (*line)(void *cookie, char *text),
		void *cookie);

void bench_report_text(const struct bench_run *run);
void bench_report_json(const struct bench_run *run);
int bench_count_instructions(struct bench_run *run);

#endif
