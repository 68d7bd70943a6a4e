/* SPDX-License-Identifier: MIT */
/*
 * stress_event.c - posts under load: none lost, none doubled, none too late
 *
 * Three acts. `storm`: every poster posts to a few shared events, the owner
 * too; each event's last payload must be seen, and handled plus coalesced is
 * posted. `messages`: one event each, handled exactly once and freed in its
 * own handler, while the poster may still be inside the post. `churn`: loops
 * in threads of their own end by the last post to them and are closed at
 * once, while its poster may still be inside; descriptors that take their
 * numbers must stay untouched.
 */
#include <inttypes.h>
#include <stdio.h>
#include "storm.h"
#include "stress_event.h"

static void open_event(struct storm_event *to)
{
	stress_register(&to->event);
}

static void post(struct storm_event *to)
{
	iv_event_post(&to->event);
}

static void close_event(struct storm_event *to)
{
	iv_event_unregister(&to->event);
}

static struct stress_tally run_storm(void)
{
	static const struct storm_means by_address = {
		.open = open_event,
		.post = post,
		.close = close_event,
	};
	struct stress_tally tally = storm_run(&by_address);

	STRESS_CHECK(tally.handled <= tally.posted,
		     "%" PRIu64 " posts were handled %" PRIu64 " times",
		     tally.posted, tally.handled);

	return tally;
}

int main(int argc, char **argv)
{
	struct stress_tally total = { .posted = 0 };

	stress_begin(argc, argv, "stress_event",
		     "Posts events to busy, sleeping and ending loops; --count "
		     "is posts a thread.",
		     2000, 4);
	stress_tally_add(&total, run_storm());
	stress_tally_add(&total, event_messages_run());
	stress_tally_add(&total, event_churn_run());
	stress_end();

	printf("stress_event: %" PRIu64 " posted = %" PRIu64
	       " handled + %" PRIu64
	       " coalesced; %u loops ended under a post\n",
	       total.posted, total.handled, total.posted - total.handled,
	       event_churn_loops());

	return 0;
}
