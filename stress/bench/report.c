/* SPDX-License-Identifier: MIT */
/* Tables, targets and JSON of the benchmark driver; see driver.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "driver.h"

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(const struct bench_run *run, size_t row, size_t peer)
{
	unsigned n = run->count[row][peer];
	double *sorted, median;

	if (!n)
		return -1;
	sorted = malloc(n * sizeof(*sorted));
	memcpy(sorted, run->samples[row][peer], n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	median = n % 2 ? sorted[n / 2]
		       : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
	free(sorted);
	return median;
}

static int row_measured(const struct bench_run *run, size_t row)
{
	size_t peer;

	for (peer = 0; run->subject->peers[peer].name; peer++)
		if (run->count[row][peer])
			return 1;
	return 0;
}

static int peer_measured(const struct bench_run *run, size_t peer)
{
	size_t row;

	for (row = 0; run->subject->rows[row].metric; row++)
		if (run->count[row][peer])
			return 1;
	return 0;
}

static void print_machine(const struct bench_run *run)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct utsname name;

	uname(&name);
	printf("bench_%s: %u rounds at %u%%, %ld CPUs, %s %s, load %.2f\n",
	       run->subject->name, run->options.rounds,
	       run->options.scale_percent, cpus, name.sysname, name.release,
	       run->load);
	if (run->load > 0.5 * (double)cpus)
		printf("  others were using this machine: cases of several "
		       "threads ran on fewer CPUs\n  at times, with less "
		       "contention than they are meant to show\n");
}

static void warn_unoptimised(void)
{
	if (!BENCH_BUILD_TYPE[0] || !strcmp(BENCH_BUILD_TYPE, "Debug"))
		printf("  our library was built without optimisation: "
		       "configure "
		       "with\n  -DCMAKE_BUILD_TYPE=RelWithDebInfo for figures "
		       "that mean something\n");
}

static void print_libraries(const struct bench_run *run)
{
	size_t peer;

	for (peer = 0; run->subject->peers[peer].name; peer++)
		if (peer_measured(run, peer))
			printf("  %-9s %s\n", run->subject->peers[peer].name,
			       run->library[peer]);
}

static void print_figure(double figure)
{
	if (figure < 0)
		printf("%10s", "-");
	else
		printf("%10.*f",
		       figure < 10     ? 2
		       : figure < 1000 ? 1
				       : 0,
		       figure);
}

/* Figures of every peer, and under them ours divided by each. */
static void print_row(const struct bench_run *run, size_t row)
{
	const struct bench_subject *subject = run->subject;
	int ours_index = bench_peer_index(subject, "ours");
	double ours = -1, figure;
	size_t peer;

	if (ours_index >= 0)
		ours = bench_median(run, row, (size_t)ours_index);
	printf("%-19s%-8s", subject->rows[row].metric, subject->rows[row].unit);
	for (peer = 0; subject->peers[peer].name; peer++)
		if (peer_measured(run, peer))
			print_figure(bench_median(run, row, peer));
	printf("   %s\n", subject->rows[row].what);
	if (ours < 0)
		return;
	printf("%-19s%-8s", "", "ours /");
	for (peer = 0; subject->peers[peer].name; peer++) {
		if (!peer_measured(run, peer))
			continue;
		figure = bench_median(run, row, peer);
		if (figure > 0)
			printf("%10.2f", ours / figure);
		else
			printf("%10s", "-");
	}
	printf("   %s is better\n",
	       subject->rows[row].more_is_better ? "more" : "less");
}

/* The median of a row by a peer, or a negative number when there is none. */
static double
figure_of(const struct bench_run *run, const char *metric, const char *name)
{
	int row = bench_row_index(run->subject, metric);
	int peer = bench_peer_index(run->subject, name);

	return row < 0 || peer < 0
		       ? -1
		       : bench_median(run, (size_t)row, (size_t)peer);
}

static double
target_ratio(const struct bench_run *run, const struct bench_target *target)
{
	double a = figure_of(run, target->metric, "ours"), b;

	if (!target->peer)
		return a;
	b = figure_of(run, target->than ? target->than : target->metric,
		      target->peer);
	return a < 0 || b <= 0 ? -1 : a / b;
}

static int target_met(const struct bench_target *target, double ratio)
{
	return target->at_least ? ratio >= target->factor
				: ratio <= target->factor;
}

static int
target_selected(const struct bench_run *run, const struct bench_target *target)
{
	int row = bench_row_index(run->subject, target->metric);

	return row >= 0 && bench_listed(run->options.cases,
					run->subject->rows[row].case_name);
}

static void print_target(const struct bench_run *run,
			 const struct bench_target *target, double ratio)
{
	int row = bench_row_index(run->subject, target->metric);
	const char *unit =
		target->peer || row < 0 ? "x" : run->subject->rows[row].unit;
	const char *with = target->than	  ? target->than
			   : target->peer ? target->peer
					  : "";

	printf("  %-19s %s %.2f %-2s %-13s", target->metric,
	       target->at_least ? ">=" : "<=", target->factor, unit, with);
	if (ratio < 0)
		printf("  not measured\n");
	else
		printf("  %6.2f %-2s  %s\n", ratio, unit,
		       target_met(target, ratio) ? "met" : "MISSED");
}

static void print_targets(const struct bench_run *run)
{
	const struct bench_target *target;

	printf("\ntargets: ours compared with a peer of the same run\n");
	for (target = run->subject->targets; target->metric; target++) {
		if (!target_selected(run, target))
			continue;
		print_target(run, target, target_ratio(run, target));
	}
}

void bench_report_text(const struct bench_run *run)
{
	const struct bench_subject *subject = run->subject;
	size_t row, peer;

	print_machine(run);
	print_libraries(run);
	warn_unoptimised();
	printf("\n%-27s", "median");
	for (peer = 0; subject->peers[peer].name; peer++)
		if (peer_measured(run, peer))
			printf("%10s", subject->peers[peer].name);
	printf("\n");
	for (row = 0; subject->rows[row].metric; row++)
		if (row_measured(run, row))
			print_row(run, row);
	if (subject->targets[0].metric)
		print_targets(run);
}

static void json_samples(const struct bench_run *run, size_t row, size_t peer)
{
	unsigned i;

	for (i = 0; i < run->count[row][peer]; i++)
		printf("%s%.9g", i ? "," : "", run->samples[row][peer][i]);
}

static void json_row(const struct bench_run *run, size_t row)
{
	const struct bench_row *r = &run->subject->rows[row];
	const char *comma = "";
	size_t peer;

	printf("{\"metric\":\"%s\",\"unit\":\"%s\",\"more_is_better\":%s,"
	       "\"peers\":{",
	       r->metric, r->unit, r->more_is_better ? "true" : "false");
	for (peer = 0; run->subject->peers[peer].name; peer++) {
		if (!run->count[row][peer])
			continue;
		printf("%s\"%s\":{\"median\":%.9g,\"samples\":[", comma,
		       run->subject->peers[peer].name,
		       bench_median(run, row, peer));
		json_samples(run, row, peer);
		printf("]}");
		comma = ",";
	}
	printf("}}");
}

static void json_targets(const struct bench_run *run)
{
	const struct bench_target *t;
	const char *comma = "";
	double ratio;

	for (t = run->subject->targets; t->metric; t++) {
		if (!target_selected(run, t))
			continue;
		ratio = target_ratio(run, t);
		printf("%s{\"metric\":\"%s\",\"peer\":\"%s\","
		       "\"row\":\"%s\",\"%s\":%.9g,",
		       comma, t->metric, t->peer ? t->peer : "",
		       t->than ? t->than : t->metric,
		       t->at_least ? "at_least" : "at_most", t->factor);
		if (ratio < 0)
			printf("\"ratio\":null,\"met\":null}");
		else
			printf("\"ratio\":%.9g,\"met\":%s}", ratio,
			       target_met(t, ratio) ? "true" : "false");
		comma = ",\n";
	}
}

void bench_report_json(const struct bench_run *run)
{
	const char *comma = "";
	size_t row, peer;

	printf("{\"bench\":\"%s\",\"rounds\":%u,\"scale_percent\":%u,"
	       "\"cpus\":%ld,\n\"libraries\":{",
	       run->subject->name, run->options.rounds,
	       run->options.scale_percent, sysconf(_SC_NPROCESSORS_ONLN));
	for (peer = 0; run->subject->peers[peer].name; peer++) {
		if (!peer_measured(run, peer))
			continue;
		printf("%s\"%s\":\"%s\"", comma, run->subject->peers[peer].name,
		       run->library[peer]);
		comma = ",";
	}
	printf("},\n\"rows\":[\n");
	comma = "";
	for (row = 0; run->subject->rows[row].metric; row++) {
		if (!row_measured(run, row))
			continue;
		printf("%s", comma);
		json_row(run, row);
		comma = ",\n";
	}
	printf("],\n\"targets\":[\n");
	json_targets(run);
	printf("]}\n");
}
