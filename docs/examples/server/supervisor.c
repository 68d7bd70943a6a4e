/* SPDX-License-Identifier: MIT */
/* supervisor.c - the main thread: starts the loops, and ends them */
#include "supervisor.h"

#include <iv.h>
#include <iv_event.h>
#include <iv_event_raw.h>
#include <iv_thread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "listener.h"
#include "loop.h"
#include "summary.h"

/* How long after the drain deadline a worker may still be stuck. */
#define STUCK_MS 2000

/* For the signal handler. The second signal ends the process. */
static struct iv_event_raw signalled;
static atomic_int signals_seen;

static void on_signal(int number)
{
	if (atomic_fetch_add(&signals_seen, 1) == 0) {
		iv_event_raw_post(&signalled);
		return;
	}
	signal(number, SIG_DFL);
	raise(number);
}

void supervisor_post(struct supervisor *supervisor, struct iv_event *event)
{
	supervisor->posts++;
	iv_event_post(event);
}

static void announce(const struct supervisor *supervisor)
{
	const char *address = supervisor->options->address;
	bool ipv6 = strchr(address, ':') != NULL;

	printf("listening on http://%s%s%s:%u\n", ipv6 ? "[" : "", address,
	       ipv6 ? "]" : "", supervisor->port);
	fflush(stdout);
}

static void stop_loops(struct supervisor *supervisor)
{
	for (unsigned i = 0; i < supervisor->count; i++)
		supervisor_post(supervisor, &supervisor->loops[i].stop);
	supervisor->stuck.expires =
		time_after_ms(supervisor->options->drain_ms + STUCK_MS);
	iv_timer_register(&supervisor->stuck);
}

/*
 * The deadline is over and the connections are shut, but some system call
 * does not come back: waiting longer would help nobody.
 */
static void on_stuck(void *cookie)
{
	(void)cookie;
	fprintf(stderr, "server: some work does not end; leaving it\n");
	_exit(0);
}

static void on_signalled(void *cookie)
{
	struct supervisor *supervisor = cookie;

	supervisor->stopping = true;
	if (supervisor->ready == supervisor->count)
		stop_loops(supervisor);
}

static void on_ready(void *cookie)
{
	struct loop *loop = cookie;
	struct supervisor *supervisor = loop->supervisor;

	if (loop->failed) {
		fprintf(stderr, "server: a loop has no descriptors or memory "
				"to begin with\n");
		_exit(1);
	}
	if (++supervisor->ready < supervisor->count)
		return;
	announce(supervisor);
	if (supervisor->stopping)
		stop_loops(supervisor);
	else
		summary_begin(supervisor);
}

/* Nothing stays registered here either, but for the loops' threads. */
static void on_drained(void *cookie)
{
	struct loop *loop = cookie;
	struct supervisor *supervisor = loop->supervisor;

	if (++supervisor->drained < supervisor->count)
		return;
	for (unsigned i = 0; i < supervisor->count; i++) {
		struct loop *each = &supervisor->loops[i];

		supervisor_post(supervisor, &each->finish);
		iv_event_unregister(&each->ready);
		iv_event_unregister(&each->wants_stats);
		iv_event_unregister(&each->reported);
		iv_event_unregister(&each->drained);
	}
	iv_event_raw_unregister(&signalled);
	iv_timer_unregister(&supervisor->stuck);
}

static int listen_to(struct iv_event *event, struct loop *loop,
		     void (*handler)(void *cookie))
{
	IV_EVENT_INIT(event);
	event->cookie = loop;
	event->handler = handler;
	return iv_event_register(event);
}

static int fail(const char *sentence)
{
	fprintf(stderr, "server: %s\n", sentence);
	return -1;
}

static int prepare_loop(struct supervisor *supervisor, struct loop *loop)
{
	char why[256];

	loop->options = supervisor->options;
	loop->supervisor = supervisor;
	loop->listen_fd =
		listener_bind(supervisor->options->address, &supervisor->port,
			      loop == supervisor->loops, why, sizeof(why));
	if (loop->listen_fd == -1)
		return fail(why);
	if (listen_to(&loop->ready, loop, on_ready) != 0 ||
	    listen_to(&loop->wants_stats, loop, summary_wanted) != 0 ||
	    listen_to(&loop->reported, loop, summary_reported) != 0 ||
	    listen_to(&loop->drained, loop, on_drained) != 0)
		return fail("there are too few descriptors or memory");
	return 0;
}

static int watch_signals(struct supervisor *supervisor)
{
	struct sigaction action = {
		.sa_handler = on_signal,
		.sa_flags = SA_RESTART,
	};

	IV_EVENT_RAW_INIT(&signalled);
	signalled.cookie = supervisor;
	signalled.handler = on_signalled;
	if (iv_event_raw_register(&signalled) != 0)
		return fail("there is no descriptor left for signals");
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return 0;
}

/*
 * All sockets listen before the first thread runs, so that an address in
 * use is told before anything is served.
 */
static int start(struct supervisor *supervisor)
{
	for (unsigned i = 0; i < supervisor->count; i++)
		if (prepare_loop(supervisor, &supervisor->loops[i]) != 0)
			return -1;
	if (watch_signals(supervisor) != 0)
		return -1;
	IV_TIMER_INIT(&supervisor->stuck);
	supervisor->stuck.cookie = supervisor;
	supervisor->stuck.handler = on_stuck;
	for (unsigned i = 0; i < supervisor->count; i++)
		if (iv_thread_create("loop", loop_thread,
				     &supervisor->loops[i]) != 0)
			return fail("a thread could not be started");
	return 0;
}

/* Behind iv_init(), which raises the limit. */
static void limit_files(unsigned max)
{
	struct rlimit limit;

	if (max == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (max < limit.rlim_max)
		limit.rlim_cur = max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		fail("the number of descriptors cannot be limited");
}

int supervise(const struct options *options)
{
	struct supervisor supervisor = {
		.options = options,
		.port = options->port,
		.count = options->loops,
	};

	supervisor.loops = calloc(options->loops, sizeof(struct loop));
	if (supervisor.loops == NULL) {
		fail("there is no memory for that many loops");
		return 1;
	}
	iv_init();
	limit_files(options->max_files);
	if (start(&supervisor) != 0)
		_exit(1);
	iv_main();
	iv_deinit();
	free(supervisor.loops);
	return 0;
}
