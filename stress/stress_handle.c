/* SPDX-License-Identifier: MIT */
/*
 * stress_handle.c - posts by handle to events that come and go
 *
 * Two acts, through both of which a profiling timer's signal handler posts, in
 * whichever thread it hits. `steady`: every poster posts to a few events that
 * stay; each one's last payload must be seen. `churn`: owners register, free
 * and unregister, and their loops open, sleep and end, with posts pending;
 * posters take what they find, alive or dead or made up: no handler may be
 * called for an event that is not registered, what is known to be dead must
 * be refused, and each call has a post that was not.
 *
 * Ten million posts to events that come and go:
 *
 *	build/stress/stress_handle --count 2500000 --threads 4 --timeout 3000
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include "storm.h"
#include "stress_handle.h"

/* Signals *****************************************************************/

static atomic_uint signals;
static _Atomic(uint64_t) signals_posted;

static void post_in_handler(int signum)
{
	unsigned int i = atomic_fetch_add(&signals, 1);

	(void)signum;
	if (iv_event_handle_post(handle_shown(i)) == 0)
		atomic_fetch_add(&signals_posted, 1);
}

/* Of the processor time of all threads: the busy ones are hit. */
static void send_signals(long interval_us)
{
	const struct itimerval interval = {
		.it_interval = { .tv_usec = interval_us },
		.it_value = { .tv_usec = interval_us },
	};
	struct sigaction action = {
		.sa_handler = post_in_handler,
		.sa_flags = SA_RESTART,
	};

	STRESS_CHECK(sigaction(SIGPROF, &action, NULL) == 0 &&
			     setitimer(ITIMER_PROF, &interval, NULL) == 0,
		     "setitimer: %s", strerror(errno));
}

/* Steady ******************************************************************/

static void open_event(struct storm_event *to)
{
	to->handle = handle_open(&to->event);
}

static void post(struct storm_event *to)
{
	handle_must_take(to->handle);
}

static void close_event(struct storm_event *to)
{
	iv_event_unregister(&to->event);
	handle_bury(to->handle);
}

static void show(const struct storm_event *shared, unsigned int index)
{
	handle_show(index, shared->handle);
}

static struct stress_tally run_steady(void)
{
	static const struct storm_means by_handle = {
		.open = open_event,
		.post = post,
		.close = close_event,
		.share = show,
	};
	struct stress_tally tally = storm_run(&by_handle);

	handle_clear_board();

	return tally;
}

int main(int argc, char **argv)
{
	struct stress_tally total;
	struct handle_churn churn;
	uint64_t by_signals;

	stress_begin(argc, argv, "stress_handle",
		     "Posts by handle to events that stay, go and are gone; "
		     "--count is posts a thread.",
		     5000, 4);
	send_signals(10000);
	total = run_steady();
	churn = handle_churn_run();
	send_signals(0);
	stress_end();

	by_signals = atomic_load(&signals_posted);
	stress_tally_add(&total, churn.tally);
	total.posted += by_signals;
	STRESS_CHECK(total.handled <= total.posted,
		     "%" PRIu64 " posts were handled %" PRIu64 " times",
		     total.posted, total.handled);
	printf("stress_handle: %" PRIu64 " posted, %" PRIu64
	       " of them by signals, %" PRIu64 " refused, %" PRIu64
	       " handled; %u registrations in %u loops\n",
	       total.posted, by_signals, churn.refused, total.handled,
	       churn.registered, churn.lives);

	return 0;
}
