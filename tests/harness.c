/* SPDX-License-Identifier: MIT */
/*
 * harness.c - run each case in a child, within a bound of time
 *
 * What a case prints is kept and shown only when it fails.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "harness.h"

enum {
	TIMEOUT_S = 60,
};

enum outcome { PASSED, FAILED, NOT_RUN, NUM_OUTCOMES };

struct options {
	const char *only; /* NULL: all */
	bool list;
	bool no_fork;
	int timeout_s;
};

static void die(const char *what)
{
	fprintf(stderr, "harness: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* Descriptors ***********************************************************/

enum { MAX_FDS = 4096 };

/* The numbers in use, in no order; for @num the count. */
static int *list_fds(int *num)
{
	int *fds = malloc(MAX_FDS * sizeof(*fds));
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	if (fds == NULL || dir == NULL)
		die("/proc/self/fd");

	*num = 0;
	while ((entry = readdir(dir)) != NULL && *num < MAX_FDS) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd != dirfd(dir))
			fds[(*num)++] = fd;
	}
	closedir(dir);

	return fds;
}

int num_open_fds(void)
{
	int num;

	free(list_fds(&num));

	return num;
}

static void name_fd(int fd)
{
	char link[64], target[PATH_MAX];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, target, sizeof(target) - 1);
	target[len < 0 ? 0 : len] = '\0';
	printf("leaked descriptor %d: %s\n", fd, target);
}

/* How many descriptors are open that are not in @before, naming them. */
static int report_leaks(const int *before, int num_before)
{
	int num, i, j, leaks = 0;
	int *after = list_fds(&num);

	for (i = 0; i < num; i++) {
		for (j = 0; j < num_before; j++)
			if (before[j] == after[i])
				break;
		if (j == num_before) {
			name_fd(after[i]);
			leaks++;
		}
	}
	free(after);

	return leaks;
}

/* Threads ***************************************************************/

static int num_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int num = 0;

	if (dir == NULL)
		die("/proc/self/task");
	while ((entry = readdir(dir)) != NULL)
		num += entry->d_name[0] != '.';
	closedir(dir);

	return num;
}

/*
 * Nobody joins the threads of a loop that was closed before they ended. One
 * that is on its way still has memory, which memcheck would report. A case that
 * leaves threads behind for good is not waited for.
 */
static void let_threads_end(int num_before)
{
	struct timespec now, start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		sched_yield();
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (num_threads() > num_before && now.tv_sec - start.tv_sec < 2);
}

/* The child *************************************************************/

static int run_group(const struct test_case *test)
{
	const struct CMUnitTest group[] = {
		{ .name = test->name, .test_func = test->run },
	};
	int num_before;
	int *before = list_fds(&num_before);
	int threads_before = num_threads();
	int failed = cmocka_run_group_tests(group, NULL, NULL);

	if (failed == 0 && on_valgrind())
		let_threads_end(threads_before);
	if (failed == 0)
		failed = report_leaks(before, num_before);
	free(before);

	return failed;
}

/* Returns normally only through exit(), so that leak checkers have a look. */
static void __attribute__((noreturn))
be_child(const struct test_case *test, int output, const sigset_t *mask)
{
	int failed;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, mask, NULL);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	close(output);

	/* What a nudge does for other threads: see harness.h. */
	if (under_tsan())
		raise(0);
	failed = run_group(test);
	fflush(NULL);
	if (failed)
		_exit(1);
	exit(0);
}

/* The parent ************************************************************/

static void show_output(int output)
{
	char buf[4096];
	ssize_t ret;

	lseek(output, 0, SEEK_SET);
	while ((ret = read(output, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)ret, stdout);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);

	return info.si_pid == pid;
}

/* False: it did not end in time and was killed. */
static bool wait_for_end(pid_t pid, int timeout_s)
{
	int64_t deadline_ms = now_ms() + (int64_t)timeout_s * 1000;
	int64_t left_ms = (int64_t)timeout_s * 1000;
	bool in_time;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (!(in_time = has_ended(pid)) && left_ms > 0) {
		struct timespec timeout = {
			.tv_sec = left_ms / 1000,
			.tv_nsec = left_ms % 1000 * 1000000,
		};

		sigtimedwait(&set, NULL, &timeout);
		left_ms = deadline_ms - now_ms();
	}

	/* Its group as well, before the number can become anyone else's. */
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);

	return in_time;
}

static enum outcome
judge(const char *name, int status, bool in_time, const struct options *opts)
{
	if (!in_time)
		printf("FAILED %s: timed out after %d s\n", name,
		       opts->timeout_s);
	else if (WIFSIGNALED(status))
		printf("FAILED %s: killed by signal %d (%s)\n", name,
		       WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == STATUS_CANNOT_TRY)
		printf("not run %s\n", name);
	else if (WEXITSTATUS(status) != 0)
		printf("FAILED %s: exit status %d\n", name,
		       WEXITSTATUS(status));
	else
		printf("ok %s\n", name);

	if (!in_time || WIFSIGNALED(status))
		return FAILED;
	if (WEXITSTATUS(status) == STATUS_CANNOT_TRY)
		return NOT_RUN;

	return WEXITSTATUS(status) == 0 ? PASSED : FAILED;
}

static enum outcome
run_forked(const struct test_case *test, const struct options *opts)
{
	enum outcome outcome;
	sigset_t set, old;
	bool in_time;
	int output, status;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &old);
	output = memfd_create("output", MFD_CLOEXEC);
	if (output < 0)
		die("memfd_create");

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		be_child(test, output, &old);
	setpgid(pid, pid);

	in_time = wait_for_end(pid, opts->timeout_s);
	waitpid(pid, &status, 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	outcome = judge(test->name, status, in_time, opts);
	if (outcome != PASSED)
		show_output(output);
	close(output);

	return outcome;
}

static enum outcome
run_case(const struct test_case *test, const struct options *opts)
{
	if (!opts->no_fork)
		return run_forked(test, opts);

	return run_group(test) == 0 ? PASSED : FAILED;
}

static void usage(FILE *out, const char *program)
{
	fprintf(out,
		"usage: %s [OPTION]... [CASE]\n"
		"Runs every case, or the one named, each in a process.\n"
		"  --list             name the cases and run none\n"
		"  --no-fork          run in this process, for a debugger\n"
		"  --timeout SECONDS  bound for a case (default %d)\n"
		"  --help             this text\n",
		program, TIMEOUT_S);
}

static void parse_options(int argc, char **argv, struct options *opts)
{
	static const struct option table[] = {
		{ "list", no_argument, NULL, 'l' },
		{ "no-fork", no_argument, NULL, 'n' },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 'l') {
			opts->list = true;
		} else if (c == 'n') {
			opts->no_fork = true;
		} else if (c == 't') {
			opts->timeout_s = atoi(optarg);
		} else {
			usage(c == 'h' ? stdout : stderr, argv[0]);
			exit(c == 'h' ? 0 : 2);
		}
	}

	if (opts->timeout_s < 1 || argc - optind > 1) {
		usage(stderr, argv[0]);
		exit(2);
	}
	opts->only = argv[optind];
}

int harness_main(int argc, char **argv, const struct test_case *cases,
		 size_t num)
{
	struct options opts = { .timeout_s = TIMEOUT_S };
	int count[NUM_OUTCOMES] = { 0 };
	size_t i;

	parse_options(argc, argv, &opts);
	setvbuf(stdout, NULL, _IOLBF, 0);

	for (i = 0; i < num; i++) {
		if (opts.only != NULL && strcmp(opts.only, cases[i].name) != 0)
			continue;
		if (opts.list) {
			puts(cases[i].name);
			count[PASSED]++;
		} else {
			count[run_case(&cases[i], &opts)]++;
		}
	}

	if (opts.list)
		return 0;
	if (count[PASSED] + count[FAILED] + count[NOT_RUN] == 0) {
		fprintf(stderr, "%s: no case of this name; try --list\n",
			argv[0]);
		return 2;
	}
	printf("%d passed, %d failed", count[PASSED], count[FAILED]);
	if (count[NOT_RUN] > 0)
		printf(", %d not run", count[NOT_RUN]);
	putchar('\n');

	return count[FAILED] > 0;
}
