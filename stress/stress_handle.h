/* SPDX-License-Identifier: MIT */
/*
 * stress_handle.h - handles for everybody, alive and dead; the act of churn
 *
 * What is put on the board was alive at that time, what is buried was dead,
 * and must stay so.
 */
#ifndef STRESS_HANDLE_H
#define STRESS_HANDLE_H

#include <iv_event_handle.h>
#include "stress.h"

enum { HANDLE_PLACES = 32 };

/* Register the event; neither that nor its handle may be refused. */
iv_event_handle handle_open(struct iv_event *event);

/* False: there is no such event. */
bool handle_post(iv_event_handle handle);
void handle_must_take(iv_event_handle handle);
void handle_must_be_dead(iv_event_handle handle);

/* @place: any number. What was at that place is forgotten. */
void handle_show(unsigned int place, iv_event_handle handle);
iv_event_handle handle_shown(unsigned int place);
void handle_clear_board(void);

/* Check that it is dead, now and whenever a poster finds it. */
void handle_bury(iv_event_handle handle);
iv_event_handle handle_buried(unsigned int place);

/* What has come and gone in the churn. */
struct handle_churn {
	struct stress_tally tally;
	uint64_t refused;
	unsigned int lives;
	unsigned int registered;
};

struct handle_churn handle_churn_run(void);

#endif
