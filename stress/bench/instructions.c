/* SPDX-License-Identifier: MIT */
/*
 * --instructions: what one post executes, counted by stepping the producer
 * through it. A count does not move with the neighbours of a shared
 * machine; and unlike an emulator, which a library can recognise and behave
 * otherwise, this runs the code that a program runs. The harness's own loop
 * (about four instructions a post, the same for every peer) is included.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver.h"
#include "peer.h"

#define MAX_MARKS 8

struct tracee {
	pid_t pid;
	int output;
	unsigned marks, marks_wanted;
	long steps[MAX_MARKS]; /* behind each mark, up to the next */
	double operations;
};

static void become(const struct bench_run *run, size_t peer, int output)
{
	char path[8192];

	snprintf(path, sizeof(path), "%s/%s_%s", run->directory,
		 run->subject->name, run->subject->peers[peer].name);
	alarm(60); /* outlives the exec */
	if (dup2(output, STDOUT_FILENO) < 0 ||
	    ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(127);
	execl(path, path, "--case", run->subject->counts[0].case_name, NULL);
	_exit(127);
}

static int start(struct tracee *t, const struct bench_run *run, size_t peer)
{
	int fds[2];

	if (pipe(fds))
		return -1;
	t->pid = fork();
	if (!t->pid)
		become(run, peer, fds[1]);
	close(fds[1]);
	t->output = fds[0];
	return t->pid < 0 ? -1 : 0;
}

/* Account for one stop; the signal that the tracee shall get, if any. */
static int stopped(struct tracee *t, int signal)
{
	if (signal == BENCH_MARK) {
		t->marks++;
		return 0;
	}
	if (signal != SIGTRAP)
		return signal;
	if (t->marks && t->marks < t->marks_wanted)
		t->steps[t->marks]++;
	return 0;
}

/* Run the tracee to its end; 0: it exited with 0. */
static int step_through(struct tracee *t)
{
	int status, signal, stepping;

	while (waitpid(t->pid, &status, 0) == t->pid) {
		if (!WIFSTOPPED(status))
			return status;
		signal = stopped(t, WSTOPSIG(status));
		stepping = t->marks && t->marks < t->marks_wanted;
		ptrace(stepping ? PTRACE_SINGLESTEP : PTRACE_CONT, t->pid, NULL,
		       signal);
	}
	return -1;
}

static void read_operations(struct tracee *t)
{
	FILE *output = fdopen(t->output, "r");
	char *line = NULL;
	const char *figure;
	size_t size = 0;

	while (output && getline(&line, &size, output) > 0) {
		figure = bench_result(line, "operations");
		if (figure)
			t->operations = strtod(figure, NULL);
	}
	free(line);
	if (output)
		fclose(output);
}

static int count_peer(const struct bench_run *run, size_t peer, unsigned counts)
{
	const char *name = run->subject->peers[peer].name;
	struct tracee t = { .marks_wanted = counts + 2 };
	unsigned i;

	fflush(stdout);
	if (start(&t, run, peer) || step_through(&t)) {
		printf("%-10s failed\n", name);
		return -1;
	}
	read_operations(&t);
	if (t.marks != t.marks_wanted || t.operations <= 0) {
		printf("%-10s gave %u marks, not %u\n", name, t.marks,
		       t.marks_wanted);
		return -1;
	}
	/* Between the first two marks is what a mark itself costs. */
	printf("%-10s", name);
	for (i = 0; i < counts; i++)
		printf("%10.1f",
		       (double)(t.steps[i + 2] - t.steps[1]) / t.operations);
	printf("\n");
	return 0;
}

int bench_count_instructions(struct bench_run *run)
{
	const struct bench_subject *subject = run->subject;
	unsigned counts = 0;
	size_t peer;
	int failed = 0;

	if (!subject->counts[0].case_name) {
		fprintf(stderr,
			"bench_%s has nothing to count instructions of; "
			"bench_event has\n",
			subject->name);
		return -1;
	}
	printf("instructions of\n");
	for (; subject->counts[counts].case_name; counts++)
		printf("  %u: %s\n", counts + 1, subject->counts[counts].what);
	for (peer = 0; subject->peers[peer].name; peer++)
		if (run->built[peer] &&
		    bench_listed(run->options.peers, subject->peers[peer].name))
			failed |= count_peer(run, peer, counts);
	return failed;
}
