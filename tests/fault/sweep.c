/* SPDX-License-Identifier: MIT */
/*
 * sweep.c - every object's life, with every fault at every place
 *
 * For each scenario, function and errno the first call fails, then the second
 * and so on, until the scenario no longer comes to it; and the same with all
 * later calls failing, too. Then with few descriptors left.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "run.h"

enum { MAX_ERRORS = 7, MAX_FREE_FDS = 4 };

/* How a function fails that works otherwise. */
struct failing {
	enum shim_function function;
	bool once; /* not again and again: that would be another fault */
	int errors[MAX_ERRORS];
};

static const struct failing failings[] = {
	{ SHIM_malloc, false, { ENOMEM } },
	{ SHIM_calloc, false, { ENOMEM } },
	{ SHIM_realloc, false, { ENOMEM } },
	{ SHIM_aligned_alloc, false, { ENOMEM } },
	{ SHIM_strdup, false, { ENOMEM } },
	{ SHIM_pthread_create, false, { EAGAIN } },
	{ SHIM_pthread_setspecific, false, { ENOMEM } },
	{ SHIM_sem_wait, true, { EINTR } },
	{ SHIM_sem_clockwait, true, { EINTR } },
	{ SHIM_epoll_create, false, { EMFILE, ENFILE, ENOMEM } },
	{ SHIM_epoll_create1, false, { EMFILE, ENFILE, ENOMEM, ENOSYS } },
	{ SHIM_epoll_ctl, false, { ENOMEM, ENOSPC } },
	{ SHIM_epoll_wait, true, { EINTR } },
	{ SHIM_epoll_pwait2, false, { ENOSYS, EPERM, EINVAL } },
	{ SHIM_epoll_pwait2, true, { EINTR } },
	{ SHIM_poll, true, { EINTR, ENOMEM, EAGAIN } },
	{ SHIM_ppoll, false, { ENOSYS, EPERM, EINVAL } },
	{ SHIM_ppoll, true, { EINTR, ENOMEM, EAGAIN } },
	{ SHIM_eventfd, false, { EMFILE, ENFILE, ENOMEM, ENOSYS, EPERM } },
	{ SHIM_timerfd_create, false, { EMFILE, ENFILE, ENOMEM, ENOSYS } },
	{ SHIM_timerfd_settime, false, { ENOSYS, EPERM, EINVAL } },
	{ SHIM_pipe, false, { EMFILE, ENFILE } },
	{ SHIM_pipe2, false, { EMFILE, ENFILE } },
	{ SHIM_read, true, { EINTR, EAGAIN } },
	{ SHIM_write, true, { EINTR } },
	{ SHIM_splice, false, { EINVAL, ENOSYS, EPERM, ENOMEM } },
	{ SHIM_splice, true, { EINTR, EAGAIN } },
	{ SHIM_ioctl, false, { ENOTTY, EINVAL } },
	{ SHIM_open, false, { EMFILE, ENFILE, ENOENT, EACCES } },
	{ SHIM_dup2, true, { EBUSY } },
	{ SHIM_dup3, false, { EBUSY, EMFILE } },
	{ SHIM_setrlimit, false, { EPERM } },
	{ SHIM_sched_getaffinity, false, { EINVAL, ENOSYS, EPERM } },
	{ SHIM_inotify_init, false, { EMFILE, ENFILE, ENOMEM, ENOSYS } },
	{ SHIM_inotify_init1, false, { EMFILE, ENFILE, ENOMEM, ENOSYS } },
	{ SHIM_inotify_add_watch, false, { ENOSPC, ENOMEM, ENOENT, EACCES } },
	{ SHIM_io_uring_queue_init_params, false, { ENOMEM, EMFILE, ENFILE } },
	{ SHIM_io_uring_queue_init_params, true, { EINVAL } },
	{ SHIM_io_uring_submit_and_get_events,
	  true,
	  { EINTR, EAGAIN, EBUSY, ENOMEM, EBADR } },
	{ SHIM_io_uring_submit_and_wait,
	  true,
	  { EINTR, EAGAIN, EBUSY, ENOMEM, EBADR } },
	{ SHIM_io_uring_submit_and_wait_timeout,
	  true,
	  { EINTR, EAGAIN, EBUSY, ENOMEM, EBADR } },
	{ SHIM_io_uring_register_ring_fd, false, { EINVAL, EBUSY } },
	{ SHIM_sigaction, false, { EINVAL } },
	{ SHIM_fork, false, { EAGAIN, ENOMEM } },
	{ SHIM_execvp, false, { ENOENT, EACCES, ENOMEM, E2BIG } },
	{ SHIM_wait4, false, { ECHILD } },
	{ SHIM_kill, false, { EPERM } },
	{ SHIM_pidfd_open, false, { ENOSYS, EMFILE, ENFILE, ENOMEM, EPERM } },
	{ SHIM_pidfd_send_signal, false, { ENOSYS, EPERM } },
};

enum { NUM_FAILINGS = sizeof(failings) / sizeof(failings[0]) };

static const struct scenario *const groups[] = {
	loop_scenarios,	   thread_scenarios, process_scenarios, file_scenarios,
	channel_scenarios, call_scenarios,   end_scenarios,	host_scenarios,
};

enum { NUM_GROUPS = sizeof(groups) / sizeof(groups[0]) };

static struct {
	const char *scenario; /* NULL: all */
	const char *method;   /* NULL: all */
	unsigned int most;    /* the n-th call at most */
	bool verbose;
	bool one; /* one run, as told */
	struct run run;
} options = {
	.most = 100,
	.run = { .fault = { .function = SHIM_NUM_FUNCTIONS }, .free_fds = -1 },
};

static const char *const verdict_names[] = {
	"works",
	"error returned",
	"allowed fatal error",
	"DEFECT",
};

static unsigned int counts[NUM_VERDICTS];
static unsigned int totals[NUM_VERDICTS];
static unsigned int num_unreached;

/* Showing *****************************************************************/

static void print_reproducer(const struct run *run)
{
	const struct shim_fault *fault = &run->fault;

	printf("sweep --scenario %s --method %s", run->scenario->name,
	       run->method);
	if (fault->function != SHIM_NUM_FUNCTIONS)
		printf(" --fail %s=%s:%u%s", shim_name(fault->function),
		       strerrorname_np(fault->error), fault->nth,
		       fault->onward ? "+" : "");
	if (run->free_fds >= 0)
		printf(" --%s %d", run->late ? "free-late" : "free",
		       run->free_fds);
}

static void show(const struct run *run, const struct outcome *outcome)
{
	if (outcome->verdict != DEFECT && !options.verbose)
		return;

	print_reproducer(run);
	printf("\n\t%s%s: %s\n", verdict_names[outcome->verdict],
	       outcome->reached ? "" : " (fault not reached)", outcome->text);
}

static void
print_row(const char *name, const char *method, const unsigned int *row)
{
	printf("%-17s %-13s %6u %6u %6u %6u %7u\n", name, method,
	       row[WORKED] + row[REFUSED] + row[ALLOWED_FATAL] + row[DEFECT],
	       row[WORKED], row[REFUSED], row[ALLOWED_FATAL], row[DEFECT]);
}

/* Sweeping ****************************************************************/

static void count(const struct run *run, struct outcome *outcome)
{
	run_scenario(run, outcome);
	show(run, outcome);
	if (outcome->reached || outcome->verdict == DEFECT)
		counts[outcome->verdict]++;
	else
		num_unreached++;
}

static void sweep_places(struct run run, bool onward)
{
	struct outcome outcome;

	run.fault.onward = onward;
	for (run.fault.nth = 1; run.fault.nth <= options.most;
	     run.fault.nth++) {
		count(&run, &outcome);
		if (!outcome.reached)
			break;
	}
}

/*
 * Who hears of edges takes a waker's word: a pipe that has become readable is
 * not empty. Who hears of levels is told once more.
 */
static bool is_possible(const struct run *run)
{
	return !run_on_request(run->method) ||
	       run->fault.function != SHIM_read || run->fault.error != EAGAIN;
}

static void sweep_errors(struct run run, const struct failing *failing)
{
	int i;

	run.fault.function = failing->function;
	for (i = 0; i < MAX_ERRORS && failing->errors[i] != 0; i++) {
		run.fault.error = failing->errors[i];
		if (!is_possible(&run))
			continue;
		sweep_places(run, false);
		if (!failing->once)
			sweep_places(run, true);
	}
}

/* What comes in the place of something missing can be missing, too. */
static void sweep_descriptors(struct run run)
{
	struct outcome outcome;

	for (run.free_fds = 0; run.free_fds <= MAX_FREE_FDS; run.free_fds++) {
		run.late = false;
		count(&run, &outcome);
		run.late = true;
		count(&run, &outcome);
	}
}

static void sweep(const struct scenario *scenario, const char *method)
{
	struct run run = options.run;
	struct outcome clean;
	int i;

	memset(counts, 0, sizeof(counts));
	run.scenario = scenario;
	run.method = method;
	run_scenario(&run, &clean);
	if (clean.verdict != WORKED) {
		clean.verdict = DEFECT;
		clean.reached = true;
		show(&run, &clean);
		counts[DEFECT]++;
	} else {
		for (i = 0; i < NUM_FAILINGS; i++) {
			if (clean.calls[failings[i].function] > 0)
				sweep_errors(run, &failings[i]);
		}
		sweep_descriptors(run);
	}

	print_row(scenario->name, method, counts);
	for (i = 0; i < NUM_VERDICTS; i++)
		totals[i] += counts[i];
}

static bool is_wanted(const char *method)
{
	if (options.method == NULL)
		return !run_on_request(method);

	return strcmp(options.method, method) == 0;
}

/* Call @visit for each scenario and method that is asked for. */
static bool
for_each(void (*visit)(const struct scenario *scenario, const char *method))
{
	const struct scenario *scenario;
	bool any = false;
	int i;
	int j;

	for (i = 0; i < NUM_GROUPS; i++) {
		for (scenario = groups[i]; scenario->name != NULL; scenario++) {
			if (options.scenario != NULL &&
			    strcmp(options.scenario, scenario->name) != 0)
				continue;
			for (j = 0; run_methods[j] != NULL; j++) {
				if (!is_wanted(run_methods[j]))
					continue;
				any = true;
				visit(scenario, run_methods[j]);
			}
		}
	}

	return any;
}

static void run_one(const struct scenario *scenario, const char *method)
{
	struct run run = options.run;
	struct outcome outcome;

	run.scenario = scenario;
	run.method = method;
	count(&run, &outcome);
	totals[outcome.verdict]++;
}

/* Options *****************************************************************/

static void usage(void)
{
	printf("usage: sweep [OPTION]...\n"
	       "\n"
	       "Takes each object through its life while calls of the library "
	       "fail, and checks\n"
	       "that it works, or that an error is returned and nothing is "
	       "kept. Exits with 1\n"
	       "when there is a defect, each shown with what repeats it.\n"
	       "\n"
	       "  --scenario NAME     only this one\n"
	       "  --method NAME       only with this poll method: epoll, "
	       "epoll-timerfd, ppoll,\n"
	       "                      poll, or io_uring (default: all others)\n"
	       "  --most N            let the N-th call fail at most "
	       "(default 100)\n"
	       "  --timeout SECONDS   a run that takes longer hangs "
	       "(default 5)\n"
	       "  --verbose           show each run\n"
	       "  --list              show the scenarios\n"
	       "  --help              show this\n"
	       "\n"
	       "One run instead of all:\n"
	       "  --fail FUNCTION=ERRNO:N[+]\n"
	       "                      the N-th call fails; with + all later "
	       "ones, too\n"
	       "  --free N            only N descriptors are left\n"
	       "  --free-late N       the same, but only once the loop is "
	       "open\n"
	       "\n"
	       "Fatal errors that are no defect:\n");
	run_list_fatals();
}

static void list(void)
{
	const struct scenario *scenario;
	int i;

	for (i = 0; i < NUM_GROUPS; i++) {
		for (scenario = groups[i]; scenario->name != NULL; scenario++)
			printf("%-17s %s\n", scenario->name, scenario->about);
	}
}

static _Noreturn void wrong(const char *what, const char *value)
{
	fprintf(stderr, "sweep: %s '%s'; see --help\n", what, value);
	exit(2);
}

static unsigned int number(const char *text, const char *what)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (end == text || *end != '\0' || value < 0 || value > 1000000)
		wrong(what, text);

	return (unsigned int)value;
}

static int find_error(const char *name)
{
	int error;

	for (error = 1; error < 200; error++) {
		const char *other = strerrorname_np(error);

		if (other != NULL && strcmp(other, name) == 0)
			return error;
	}

	return 0;
}

static void parse_fault(const char *text)
{
	struct shim_fault *fault = &options.run.fault;
	char function[32];
	char error[32];
	char plus[2] = "";
	int len = 0;

	if (sscanf(text, "%31[^=]=%31[^:]:%u%n%1[+]%n", function, error,
		   &fault->nth, &len, plus, &len) < 3 ||
	    text[len] != '\0' || fault->nth == 0)
		wrong("--fail takes FUNCTION=ERRNO:N or FUNCTION=ERRNO:N+, not",
		      text);

	fault->onward = plus[0] == '+';
	fault->function = shim_find(function);
	if (fault->function == SHIM_NUM_FUNCTIONS)
		wrong("--fail knows no function", function);
	fault->error = find_error(error);
	if (fault->error == 0)
		wrong("--fail knows no errno", error);
}

static void parse_descriptors(const char *text, bool late)
{
	options.run.free_fds = (int)number(text, "no number of descriptors");
	options.run.late = late;
}

static const struct option long_options[] = {
	{ "scenario", required_argument, NULL, 's' },
	{ "method", required_argument, NULL, 'm' },
	{ "fail", required_argument, NULL, 'f' },
	{ "free", required_argument, NULL, 'd' },
	{ "free-late", required_argument, NULL, 'D' },
	{ "most", required_argument, NULL, 'n' },
	{ "timeout", required_argument, NULL, 't' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "list", no_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void parse_option(int option)
{
	switch (option) {
	case 's':
		options.scenario = optarg;
		break;
	case 'm':
		options.method = optarg;
		break;
	case 'f':
		parse_fault(optarg);
		break;
	case 'd':
	case 'D':
		parse_descriptors(optarg, option == 'D');
		break;
	case 'n':
		options.most = number(optarg, "no number of calls");
		break;
	case 't':
		run_timeout_s = number(optarg, "no number of seconds");
		break;
	case 'v':
		options.verbose = true;
		break;
	case 'l':
		list();
		exit(0);
	case 'h':
		usage();
		exit(0);
	default:
		exit(2);
	}
	options.one |= option == 'f' || option == 'd' || option == 'D';
}

static void parse(int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		parse_option(option);
	if (optind < argc)
		wrong("unexpected", argv[optind]);
	options.verbose |= options.one;
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	run_begin();
	if (!options.one)
		printf("%-17s %-13s %6s %6s %6s %6s %7s\n", "scenario",
		       "method", "runs", "works", "errors", "fatals",
		       "defects");
	if (!for_each(options.one ? run_one : sweep))
		wrong("no scenario with method", options.scenario != NULL
							 ? options.scenario
							 : options.method);
	if (!options.one) {
		print_row("all", "", totals);
		printf("(and %u runs that did not come to the fault)\n",
		       num_unreached);
	}

	return totals[DEFECT] > 0;
}
