/* SPDX-License-Identifier: MIT */
/* summary.c - the statistics of all loops, gathered by the supervisor */
#include "summary.h"

#include <stdlib.h>
#include <string.h>

#include "loop.h"
#include "supervisor.h"

/* One round at a time; who asks during a round waits for the next. */
void summary_begin(struct supervisor *supervisor)
{
	bool wanted = false;

	if (supervisor->awaited > 0 || supervisor->ready < supervisor->count)
		return;
	for (unsigned i = 0; i < supervisor->count; i++) {
		struct loop *loop = &supervisor->loops[i];

		if (loop->stats == STATS_WANTED) {
			loop->stats = STATS_COMING;
			wanted = true;
		}
	}
	if (!wanted)
		return;
	supervisor->awaited = supervisor->count;
	for (unsigned i = 0; i < supervisor->count; i++)
		supervisor_post(supervisor, &supervisor->loops[i].report);
}

static char *render(const struct supervisor *supervisor)
{
	const struct counters **list;
	char *text;

	list = calloc(supervisor->count, sizeof(const struct counters *));
	if (list == NULL)
		return NULL;
	for (unsigned i = 0; i < supervisor->count; i++)
		list[i] = &supervisor->loops[i].reported_counters;
	text = counters_render(list, supervisor->count, supervisor->posts);
	free(list);
	return text;
}

static void end_round(struct supervisor *supervisor)
{
	char *text = render(supervisor);

	for (unsigned i = 0; i < supervisor->count; i++) {
		struct loop *loop = &supervisor->loops[i];

		if (loop->stats != STATS_COMING)
			continue;
		loop->stats = STATS_NOT;
		loop->summary_text = text == NULL ? NULL : strdup(text);
		supervisor_post(supervisor, &loop->summary);
	}
	free(text);
	summary_begin(supervisor);
}

void summary_wanted(void *cookie)
{
	struct loop *loop = cookie;

	loop->stats = STATS_WANTED;
	summary_begin(loop->supervisor);
}

void summary_reported(void *cookie)
{
	struct loop *loop = cookie;

	if (--loop->supervisor->awaited == 0)
		end_round(loop->supervisor);
}
