/* SPDX-License-Identifier: MIT */
/*
 * loop.h - one event loop: a thread, a listener, a pool, its connections
 *
 * A loop and the supervisor (the main thread) talk by events only. What
 * an event is about lies in a slot that belongs to one side until the
 * post, and to the other from its handler on; there is never a second
 * post before the first was answered. So there is no lock.
 *
 *   supervisor            loop
 *       |---- stop -------->|   no more accepts; finish what runs
 *       |<--- drained ------|   no connection is left
 *       |---- finish ------>|   all are drained: unregister, end
 *
 *       |<--- wants_stats --|   a client asks for them
 *       |---- report ------>|   to each loop: fill in your slot
 *       |<--- reported -----|   (slot: reported_counters)
 *       |---- summary ----->|   to who wanted it (slot: summary_text)
 */
#ifndef SERVER_LOOP_H
#define SERVER_LOOP_H

#include <iv.h>
#include <iv_event.h>
#include <iv_list.h>
#include <iv_work.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "options.h"
#include "stats.h"

struct connection;
struct supervisor;

/* A letter says who touches it: c constant, l loop, s supervisor, h who
 * was handed it by the last event, a anybody (atomic). */
struct loop {
	const struct options *options; /* c */
	struct supervisor *supervisor; /* c */
	int listen_fd;		       /* c, then l */

	struct iv_fd listener;		 /* l */
	struct iv_timer accept_again;	 /* l */
	bool accept_paused;		 /* l */
	struct iv_list_head connections; /* l */
	struct iv_work_pool pool;	 /* l */
	struct counters counters;	 /* l */
	atomic_uint threads;		 /* a: workers alive */

	bool draining;		    /* l */
	bool said_drained;	    /* l */
	struct iv_timer drain_over; /* l */

	bool asked;			 /* l: a summary will come */
	struct iv_list_head asking;	 /* l: who gets that one */
	struct iv_list_head asking_next; /* l: who came too late */

	struct iv_event stop; /* l; supervisor posts */
	struct iv_event report;
	struct iv_event summary;
	struct iv_event finish;

	struct iv_event ready; /* s; loop posts */
	struct iv_event wants_stats;
	struct iv_event reported;
	struct iv_event drained;

	struct counters reported_counters; /* h */
	char *summary_text;		   /* h: NULL or malloc */
	bool failed;			   /* h, with ready */

	enum { STATS_NOT, STATS_WANTED, STATS_COMING } stats; /* s */
};

/* The thread: cookie is a struct loop with its constants filled in. */
void loop_thread(void *cookie);

/* Sends an event to the supervisor, and counts it. */
void loop_post(struct loop *loop, struct iv_event *event);

/* Answers connection with the statistics of all loops. */
void loop_ask_stats(struct connection *connection);

void loop_connection_closed(struct loop *loop);

struct timespec time_after_ms(unsigned ms);

#endif
