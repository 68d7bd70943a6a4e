/* SPDX-License-Identifier: MIT */
/*
 * fork_bed.h - a loop whose thread forks while others use it
 */
#ifndef FORK_BED_H
#define FORK_BED_H

#include <sys/mman.h>
#include "meets_bed.h"

static struct meeting meeting;
static int num_rounds;

static struct iv_event own;
static iv_event_handle own_handle;
static atomic_int num_posted;
static int seen;

static inline void see_and_quit(void *cookie)
{
	(void)cookie;
	seen = atomic_load(&num_posted);
	iv_quit();
}

static inline void
open_own(unsigned int num_threads, int plain, int under_tools)
{
	iv_init();
	own_handle = open_handle(&own, see_and_quit, NULL);
	meeting.num = num_threads;
	num_rounds = rounds_of(plain, under_tools);
}

static inline void close_own(void)
{
	while (seen != atomic_load(&num_posted))
		run_until_quit("the last post");
	iv_event_unregister(&own);
	iv_deinit();
}

/* What was posted before the fork may come first. */
static inline void post_and_be_called(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		MUST(iv_event_handle_post(own_handle) == 0);
		run_until_quit("a post of the child");
	}
}

static inline int use_own_loop(void *arg)
{
	(void)arg;
	post_and_be_called();
	iv_event_unregister(&own);
	MUST(iv_event_handle_post(own_handle) == -ENOENT);
	iv_deinit();
	leave_child(0);
}

/* Forks beside @run, which meets us before each, and behind it. */
static inline void fork_beside(void *(*run)(void *arg), int (*child)(void *arg))
{
	pthread_t thread = start_thread(run, NULL);
	int i;

	for (i = 0; i < num_rounds; i++) {
		meet(&meeting);
		in_child(child, NULL);
		meet(&meeting);
	}
	join_thread(thread);
}

/* What a child says to its parent: where the burst was at the fork. */
static struct aim aim;
static atomic_int *seen_in_child;

static inline void aim_at_forks(void)
{
	seen_in_child = mmap(NULL, sizeof(*seen_in_child),
			     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			     -1, 0);
	MUST(seen_in_child != MAP_FAILED);
}

static inline void tell_parent(void)
{
	atomic_store(seen_in_child, atomic_load(&aim.num_done));
}

#endif
