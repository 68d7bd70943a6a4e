/* SPDX-License-Identifier: MIT */
/*
 * run.c - one run of a scenario, in a process of its own
 *
 * The process goes through the scenario with the fault and then once more
 * without it, and looks after both what the library has kept: descriptors,
 * memory, threads, children. Its parent judges how it has ended, and in time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "run.h"

/* What the library does not prefer to anything, and may be forbidden. */
#define ON_REQUEST "io_uring"

enum { MAX_FDS = 1024, END_BROKEN = 3 };

/* Written by the run's process, read by its parent. */
struct report {
	atomic_bool finished;
	long kept; /* blocks, by a run from which this is learnt */
	char stage[64];
	char refused[128];
	char broken[256];
	char fatal[256];
};

static const struct {
	const char *beginning;
	const char *reason;
} allowed_fatals[] = {
	{ "iv_init: no loop can be opened: Cannot allocate memory",
	  "iv_init() returns nothing: without memory it is fatal (iv.h)" },
	{ "iv_fd_register: descriptor ",
	  "iv_fd_register() returns nothing: a descriptor that cannot be "
	  "watched is fatal, iv_fd_register_try() returns an error (iv.h)" },
};

enum { NUM_FATALS = sizeof(allowed_fatals) / sizeof(allowed_fatals[0]) };

const char *const run_methods[] = {
	"epoll", "epoll-timerfd", "ppoll", "poll", ON_REQUEST, NULL,
};

unsigned int run_timeout_s = 5;
int bed_round;

/* Blocks that a process keeps for its life; -1: not known yet. */
static long may_keep;

static struct report *report;
static const struct run *current;
static struct rlimit real_limit;

/* What scenarios call ****************************************************/

void stage(const char *what)
{
	snprintf(report->stage, sizeof(report->stage), "%s", what);
}

void refused(const char *call)
{
	const char *name = strerrorname_np(errno);

	if (report->refused[0] == '\0')
		snprintf(report->refused, sizeof(report->refused), "%s: %s",
			 call, name != NULL ? name : "no errno");
}

static bool is_shortage(int error)
{
	return error == ENOMEM || error == EMFILE || error == ENFILE ||
	       error == ENOSPC || error == EAGAIN;
}

/* ENOTCONN: a loop does not listen, for which something was short. */
void refused_with(const char *call, int ret)
{
	EXPECT(is_shortage(-ret) || ret == -ENOTCONN, "%s returns %d", call,
	       ret);
	errno = -ret;
	refused(call);
}

void broken(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(report->broken, sizeof(report->broken), fmt, ap);
	va_end(ap);
	_exit(END_BROKEN);
}

/* Leave only so many free numbers below the limit. */
static void limit_descriptors(int free_fds)
{
	struct rlimit limit = real_limit;
	int fd;

	for (fd = 0; fd < MAX_FDS; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (free_fds-- == 0)
			break;
	}
	limit.rlim_cur = (rlim_t)fd;
	setrlimit(RLIMIT_NOFILE, &limit);
	shim_keep_limit(true);
}

void open_loop(void)
{
	stage("iv_init");
	iv_init();
	if (bed_round == 0 && current->late)
		limit_descriptors(current->free_fds);
}

void close_loop(void)
{
	stage("iv_deinit");
	iv_deinit();
}

void run_loop(const char *waiting_for)
{
	stage(waiting_for);
	iv_main();
}

/* In the process of the run **********************************************/

static void note_fatal(const char *text)
{
	snprintf(report->fatal, sizeof(report->fatal), "%s", text);
}

static int num_entries(const char *path)
{
	DIR *dir = opendir(path);
	int num = 0;

	if (dir == NULL)
		broken("the sweep cannot read %s", path);
	while (readdir(dir) != NULL)
		num++;
	closedir(dir);

	return num - 2;
}

/* Threads that were let go may take a moment to end. */
static void wait_for_threads(void)
{
	stage("threads to end after iv_deinit");
	while (num_entries("/proc/self/task") > 1)
		sched_yield();
}

static void check_children(void)
{
	pid_t pid = waitpid(-1, NULL, WNOHANG);

	if (pid >= 0)
		broken("keeps a child process%s", pid > 0 ? ", a zombie" : "");
}

/*
 * Tables whose slots are used again are never freed: what a process has once
 * it must not have twice, nor more than without the fault.
 */
static void check_blocks(long kept)
{
	if (may_keep < 0) {
		may_keep = kept;
		report->kept = kept;
	}
	if (kept < 0 || kept > may_keep)
		broken("keeps %ld blocks of memory", kept - may_keep);
}

static void go_through(int num_fds)
{
	int num;

	current->scenario->run();
	shim_disarm();
	shim_keep_limit(false);
	setrlimit(RLIMIT_NOFILE, &real_limit);

	wait_for_threads();
	check_children();
	num = num_entries("/proc/self/fd") - num_fds;
	if (num != 0)
		broken("keeps %d descriptors", num);
	check_blocks(shim_live_blocks());
}

bool run_on_request(const char *method)
{
	return strcmp(method, ON_REQUEST) == 0;
}

/* Those that the library prefers are excluded; what comes behind is not. */
static void choose_method(const char *method)
{
	char others[128] = "";
	size_t len = 0;
	int i;

	if (run_on_request(method)) {
		unsetenv("IV_EXCLUDE_POLL_METHOD");
		setenv("IV_SELECT_POLL_METHOD", method, 1);
		return;
	}

	for (i = 0; strcmp(run_methods[i], method) != 0; i++)
		len += (size_t)snprintf(others + len, sizeof(others) - len,
					" %s", run_methods[i]);
	setenv("IV_EXCLUDE_POLL_METHOD", others, 1);
	unsetenv("IV_SELECT_POLL_METHOD");
}

static _Noreturn void be_run(void)
{
	struct rlimit no_core = { 0, 0 };
	char first_refusal[sizeof(report->refused)];
	int num_fds;

	setpgid(0, 0);
	setrlimit(RLIMIT_CORE, &no_core);
	getrlimit(RLIMIT_NOFILE, &real_limit);
	choose_method(current->method);
	iv_set_fatal_msg_handler(note_fatal);
	current->scenario->prepare();
	num_fds = num_entries("/proc/self/fd");

	shim_arm(&current->fault);
	if (current->free_fds >= 0 && !current->late)
		limit_descriptors(current->free_fds);
	go_through(num_fds);

	memcpy(first_refusal, report->refused, sizeof(first_refusal));
	report->refused[0] = '\0';
	bed_round = 1;
	go_through(num_fds);
	if (report->refused[0] != '\0')
		broken("still refuses afterwards: %s", report->refused);

	memcpy(report->refused, first_refusal, sizeof(first_refusal));
	atomic_store(&report->finished, true);
	/* Sanitizers look for leaks here. */
	exit(0);
}

/* In the parent **********************************************************/

/* False: it has not ended in time. */
static bool wait_for(pid_t pid, int *status)
{
	const struct timespec timeout = { .tv_sec = run_timeout_s };
	sigset_t sigchld;

	sigemptyset(&sigchld);
	sigaddset(&sigchld, SIGCHLD);
	while (waitpid(pid, status, WNOHANG) == 0) {
		if (sigtimedwait(&sigchld, NULL, &timeout) < 0 &&
		    errno == EAGAIN)
			return waitpid(pid, status, WNOHANG) != 0;
	}

	return true;
}

static bool fatal_is_allowed(void)
{
	int i;

	for (i = 0; i < NUM_FATALS; i++) {
		const char *beginning = allowed_fatals[i].beginning;

		if (strncmp(report->fatal, beginning, strlen(beginning)) == 0)
			return true;
	}

	return false;
}

static void
end_with(struct outcome *outcome, enum verdict verdict, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void
end_with(struct outcome *outcome, enum verdict verdict, const char *fmt, ...)
{
	va_list ap;

	outcome->verdict = verdict;
	va_start(ap, fmt);
	vsnprintf(outcome->text, sizeof(outcome->text), fmt, ap);
	va_end(ap);
}

static void judge_signal(struct outcome *outcome, int signum)
{
	if (signum == SIGABRT && report->fatal[0] != '\0')
		end_with(outcome, fatal_is_allowed() ? ALLOWED_FATAL : DEFECT,
			 "iv_fatal: %s", report->fatal);
	else
		end_with(outcome, DEFECT,
			 "killed by SIG%s while waiting for: %s",
			 sigabbrev_np(signum), report->stage);
}

static void judge(struct outcome *outcome, int status)
{
	if (WIFSIGNALED(status))
		judge_signal(outcome, WTERMSIG(status));
	else if (report->broken[0] != '\0')
		end_with(outcome, DEFECT, "%s (%s)", report->broken,
			 report->refused[0] != '\0' ? report->refused
						    : "no call was refused");
	else if (!atomic_load(&report->finished))
		end_with(outcome, DEFECT,
			 "exited with %d while waiting for: %s",
			 WEXITSTATUS(status), report->stage);
	else if (WEXITSTATUS(status) != 0)
		end_with(outcome, DEFECT,
			 "a tool has reported (exit status %d)",
			 WEXITSTATUS(status));
	else if (report->refused[0] != '\0')
		end_with(outcome, REFUSED, "%s", report->refused);
	else
		end_with(outcome, WORKED, "works");
}

void run_begin(void)
{
	sigset_t sigchld;

	/* For sigtimedwait(); the runs' processes unblock it. */
	sigemptyset(&sigchld);
	sigaddset(&sigchld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &sigchld, NULL);

	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED) {
		perror("sweep: mmap");
		exit(2);
	}
	shim_install();
}

static pid_t start(const struct run *run)
{
	sigset_t none;
	pid_t pid;

	memset(report, 0, sizeof(*report));
	current = run;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		be_run();
	}
	if (pid < 0) {
		perror("sweep: fork");
		exit(2);
	}

	return pid;
}

static void carry_out(const struct run *run, struct outcome *outcome)
{
	pid_t pid = start(run);
	int status = 0;
	int i;

	if (wait_for(pid, &status)) {
		judge(outcome, status);
	} else {
		end_with(outcome, DEFECT, "hangs; waits for: %s (%s)",
			 report->stage,
			 report->refused[0] != '\0' ? report->refused
						    : "no call was refused");
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	/* What it has left running is in its process group. */
	kill(-pid, SIGKILL);

	outcome->reached = run->free_fds >= 0 || shim_reached();
	for (i = 0; i < SHIM_NUM_FUNCTIONS; i++)
		outcome->calls[i] = shim_calls((enum shim_function)i);
	shim_keep_limit(false);
	shim_disarm();
}

static void learn_what_is_kept(const struct run *run)
{
	static const struct scenario *scenario;
	static const char *method;
	struct run clean = *run;
	struct outcome outcome;

	if (scenario == run->scenario && method == run->method)
		return;

	scenario = run->scenario;
	method = run->method;
	clean.fault.function = SHIM_NUM_FUNCTIONS;
	clean.free_fds = -1;
	may_keep = -1;
	carry_out(&clean, &outcome);
	may_keep = report->kept;
}

void run_scenario(const struct run *run, struct outcome *outcome)
{
	learn_what_is_kept(run);
	carry_out(run, outcome);
}

void run_list_fatals(void)
{
	int i;

	for (i = 0; i < NUM_FATALS; i++)
		printf("  \"%s...\"\n      %s\n", allowed_fatals[i].beginning,
		       allowed_fatals[i].reason);
}
