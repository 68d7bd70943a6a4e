/* SPDX-License-Identifier: MIT */
/* Options and rounds of the benchmark driver; see driver.h. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver.h"
#include "peer.h"

static const char usage[] =
	"usage: bench_%s [OPTION]...\n"
	"\n"
	"Compares ivykis with its peers. Each peer is a program of its own;\n"
	"the peers run in turn, round after round, and medians are compared.\n"
	"\n"
	"  --rounds N       rounds (default 7)\n"
	"  --case A,B       only these cases\n"
	"  --peers A,B      only these peers\n"
	"  --quick          3 rounds of a quarter of the repetitions\n"
	"  --instructions   count the instructions of a post instead\n"
	"  --json           print JSON, with every sample\n"
	"  --help           this text\n"
	"\n"
	"Exit status: 0 the run is complete (missed targets are printed, not\n"
	"an error), 1 a peer failed or mapped the wrong library, 2 bad usage.\n"
	"\n";

/* What parse() returns: this, or the exit status. */
enum { GO_ON = -1, BAD_USAGE = 2 };

int bench_listed(const char *list, const char *name)
{
	size_t length = strlen(name);
	const char *at;

	for (at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, name, length) &&
		    (!at[length] || at[length] == ','))
			return 1;
	}
	return !list;
}

int bench_row_index(const struct bench_subject *subject, const char *metric)
{
	int i;

	for (i = 0; subject->rows[i].metric; i++)
		if (!strcmp(subject->rows[i].metric, metric))
			return i;
	return -1;
}

int bench_peer_index(const struct bench_subject *subject, const char *name)
{
	int i;

	for (i = 0; subject->peers[i].name; i++)
		if (!strcmp(subject->peers[i].name, name))
			return i;
	return -1;
}

static void list_names(const struct bench_subject *subject, FILE *stream)
{
	const struct bench_peer *peer;
	const struct bench_row *row;
	const char *last = "";

	fprintf(stream, "peers:");
	for (peer = subject->peers; peer->name; peer++)
		fprintf(stream, " %s", peer->name);
	fprintf(stream, "\ncases:");
	for (row = subject->rows; row->metric; row++) {
		if (strcmp(row->case_name, last) != 0)
			fprintf(stream, " %s", row->case_name);
		last = row->case_name;
	}
	fprintf(stream, "\n");
}

static int
refuse(const struct bench_subject *subject, const char *what, const char *name)
{
	fprintf(stderr, "bench_%s: %s '%s'; see --help\n", subject->name, what,
		name);
	list_names(subject, stderr);
	return BAD_USAGE;
}

static int is_case(const struct bench_subject *subject, const char *name)
{
	const struct bench_row *row;

	for (row = subject->rows; row->metric; row++)
		if (!strcmp(row->case_name, name))
			return 1;
	return 0;
}

static int
check_list(const struct bench_subject *subject, const char *list, int cases)
{
	char *copy = strdup(list ? list : ""), *state, *name;
	int result = GO_ON;

	for (name = strtok_r(copy, ",", &state); name && result == GO_ON;
	     name = strtok_r(NULL, ",", &state)) {
		if (cases && !is_case(subject, name))
			result = refuse(subject, "no case", name);
		if (!cases && bench_peer_index(subject, name) < 0)
			result = refuse(subject, "no peer", name);
	}
	free(copy);
	return result;
}

static int take_flag(struct bench_options *o, const char *flag)
{
	if (!strcmp(flag, "--quick")) {
		o->rounds = 3;
		o->scale_percent = 25;
	} else if (!strcmp(flag, "--instructions")) {
		o->instructions = 1;
	} else if (!strcmp(flag, "--json")) {
		o->json = 1;
	} else {
		return 0;
	}
	return 1;
}

static int
take_value(struct bench_run *run, const char *option, const char *value)
{
	char *end;
	long n;

	if (!value)
		return refuse(run->subject, "no such option, or no value after",
			      option);
	if (!strcmp(option, "--case")) {
		run->options.cases = value;
		return check_list(run->subject, value, 1);
	}
	if (!strcmp(option, "--peers")) {
		run->options.peers = value;
		return check_list(run->subject, value, 0);
	}
	if (strcmp(option, "--rounds") != 0)
		return refuse(run->subject, "unknown option", option);
	n = strtol(value, &end, 10);
	if (*end || n < 1 || n > 1000)
		return refuse(run->subject, "--rounds wants 1 to 1000, not",
			      value);
	run->options.rounds = (unsigned)n;
	return GO_ON;
}

static int parse(struct bench_run *run, char **argv)
{
	int i, result;

	for (i = 1; argv[i]; i++) {
		if (!strcmp(argv[i], "--help")) {
			printf(usage, run->subject->name);
			list_names(run->subject, stdout);
			return 0;
		}
		if (take_flag(&run->options, argv[i]))
			continue;
		result = take_value(run, argv[i], argv[i + 1]);
		if (result != GO_ON)
			return result;
		i++;
	}
	return GO_ON;
}

const char *bench_result(const char *text, const char *metric)
{
	size_t length = strlen(metric);

	if (strncmp(text, "result ", 7) != 0)
		return NULL;
	text += 7;
	if (strncmp(text, metric, length) != 0 || text[length] != ' ')
		return NULL;
	return text + length + 1;
}

static void find_peers(struct bench_run *run)
{
	const struct bench_peer *peer = run->subject->peers;
	char self[4096] = "", path[8192];
	int i;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		perror("/proc/self/exe");
	snprintf(run->directory, sizeof(run->directory), "%.4000s/bench",
		 dirname(self));
	for (i = 0; peer[i].name; i++) {
		snprintf(path, sizeof(path), "%s/%s_%s", run->directory,
			 run->subject->name, peer[i].name);
		run->built[i] = !access(path, X_OK);
		if (!run->built[i] &&
		    bench_listed(run->options.peers, peer[i].name))
			fprintf(stderr, "peer %s not built: %s\n", peer[i].name,
				peer[i].missing);
	}
}

/* Every peer gets the same spin, whatever the CPU does meanwhile. */
static long calibrate_spin(void)
{
	uint64_t best = UINT64_MAX, start, took;
	int i;

	for (i = 0; i < 50; i++) {
		start = wall_ns();
		spin(100000);
		took = wall_ns() - start;
		if (took < best)
			best = took;
	}
	return (long)(100000.0 * 1000 / (double)best) + 1;
}

struct reading {
	struct bench_run *run;
	size_t peer;
};

static void read_line(void *cookie, char *text)
{
	struct reading *reading = cookie;
	struct bench_run *run = reading->run;
	const char *figure;
	int row;

	text[strcspn(text, "\n")] = '\0';
	if (!strncmp(text, "library ", 8))
		snprintf(run->library[reading->peer],
			 sizeof(run->library[reading->peer]), "%.4000s",
			 text + 8);
	for (row = 0; run->subject->rows[row].metric; row++) {
		figure = bench_result(text, run->subject->rows[row].metric);
		if (figure &&
		    run->count[row][reading->peer] < run->options.rounds)
			run->samples[row][reading->peer]
				    [run->count[row][reading->peer]++] =
				strtod(figure, NULL);
	}
}

static void run_case(struct bench_run *run, const char *name, size_t peer)
{
	struct reading reading = { run, peer };
	char path[8192], scale[16], spins[32];
	char *argv[] = { path,	"--case",	  (char *)name, "--scale",
			 scale, "--spins-per-us", spins,	NULL };

	snprintf(path, sizeof(path), "%s/%s_%s", run->directory,
		 run->subject->name, run->subject->peers[peer].name);
	snprintf(scale, sizeof(scale), "%u", run->options.scale_percent);
	snprintf(spins, sizeof(spins), "%ld", run->options.spins_per_us);
	if (bench_spawn(argv, read_line, &reading)) {
		run->failures++;
		run->built[peer] = 0; /* its figures are worth nothing */
	}
}

static void run_round(struct bench_run *run)
{
	const struct bench_subject *subject = run->subject;
	const struct bench_row *row;
	const char *last = "";
	size_t peer;

	for (row = subject->rows; row->metric; row++) {
		if (!strcmp(row->case_name, last) ||
		    !bench_listed(run->options.cases, row->case_name))
			continue;
		last = row->case_name;
		for (peer = 0; subject->peers[peer].name; peer++)
			if (run->built[peer] &&
			    bench_listed(run->options.peers,
					 subject->peers[peer].name))
				run_case(run, last, peer);
	}
}

static void allocate(struct bench_run *run)
{
	size_t row, peer;

	for (row = 0; run->subject->rows[row].metric; row++)
		for (peer = 0; run->subject->peers[peer].name; peer++)
			run->samples[row][peer] =
				calloc(run->options.rounds, sizeof(double));
}

static void run_rounds(struct bench_run *run)
{
	int tell = isatty(STDERR_FILENO);
	unsigned round;

	for (round = 0; round < run->options.rounds; round++) {
		if (tell)
			fprintf(stderr, "\rround %u of %u ", round + 1,
				run->options.rounds);
		run_round(run);
	}
	if (tell)
		fprintf(stderr, "\r%20s\r", "");
}

int bench_main(const struct bench_subject *subject, int argc, char **argv)
{
	static struct bench_run run;
	int result;

	(void)argc;
	run.subject = subject;
	run.options.rounds = 7;
	run.options.scale_percent = 100;
	result = parse(&run, argv);
	if (result != GO_ON)
		return result;
	find_peers(&run);
	if (run.options.instructions)
		return bench_count_instructions(&run) ? 1 : 0;
	run.options.spins_per_us = calibrate_spin();
	allocate(&run);
	if (getloadavg(&run.load, 1) < 1)
		run.load = 0;
	run_rounds(&run);
	if (run.options.json)
		bench_report_json(&run);
	else
		bench_report_text(&run);
	return run.failures ? 1 : 0;
}
