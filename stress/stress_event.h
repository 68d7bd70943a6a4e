/* SPDX-License-Identifier: MIT */
/*
 * stress_event.h - the acts of stress_event, besides the storm
 */
#ifndef STRESS_EVENT_H
#define STRESS_EVENT_H

#include "stress.h"

/* Events that are handled once and freed in their own handlers. */
struct stress_tally event_messages_run(void);

/* Loops that end by the last post to them, and how many of them. */
struct stress_tally event_churn_run(void);
unsigned int event_churn_loops(void);

#endif
