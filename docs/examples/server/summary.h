/* SPDX-License-Identifier: MIT */
/*
 * summary.h - the statistics of all loops, gathered by the supervisor
 *
 * In rounds, see loop.h. All of it runs on the main thread.
 */
#ifndef SERVER_SUMMARY_H
#define SERVER_SUMMARY_H

struct supervisor;

/* Begins a round if a loop wants one and none is going on. */
void summary_begin(struct supervisor *supervisor);

/* Handlers of a loop's events, with that loop as the cookie. */
void summary_wanted(void *cookie);
void summary_reported(void *cookie);

#endif
