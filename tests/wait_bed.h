/* SPDX-License-Identifier: MIT */
/*
 * wait_bed.h - children that end when told, and a record of how they did
 */
#ifndef WAIT_BED_H
#define WAIT_BED_H

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <iv_wait.h>
#include "harness.h"

/* Whoever stops the tests for a while stops their children, too. */
static inline bool is_end(int status)
{
	return WIFEXITED(status) || WIFSIGNALED(status);
}

/* Ends, and after how many the loop is to end. */
struct record {
	int num;
	int wanted;
	int status[8];
	long maxrss;
};

static inline void record(void *cookie, int status, const struct rusage *rusage)
{
	struct record *rec = cookie;

	if (!is_end(status))
		return;
	assert_true(rec->num < 8);
	rec->status[rec->num++] = status;
	rec->maxrss = rusage->ru_maxrss;
	if (rec->num == rec->wanted)
		iv_quit();
}

/* Uninitialised, as old binaries hand it over. */
static inline void
fill(struct iv_wait_interest *child, struct record *rec, int wanted)
{
	memset(child, 0xa5, sizeof(*child));
	IV_WAIT_INTEREST_INIT(child);
	child->cookie = rec;
	child->handler = record;
	memset(rec, 0, sizeof(*rec));
	rec->wanted = wanted;
}

/* A child that waits until fd[1] is closed, and then exits with 3. */
static inline pid_t fork_waiting(int fd[2])
{
	pid_t pid;
	char c;

	make_pipe(fd);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fd[1]);
		leave_child(read(fd[0], &c, 1) == 0 ? 3 : 4);
	}
	close(fd[0]);

	return pid;
}

static inline pid_t fork_exiting(int status)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		leave_child(status);

	return pid;
}

static inline void wait_until_dead(pid_t pid)
{
	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static inline void assert_exited(int status, int code)
{
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
}

#endif
