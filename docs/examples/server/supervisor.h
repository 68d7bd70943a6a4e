/* SPDX-License-Identifier: MIT */
/* supervisor.h - the main thread: starts the loops, and ends them */
#ifndef SERVER_SUPERVISOR_H
#define SERVER_SUPERVISOR_H

#include <iv.h>
#include <iv_event.h>
#include <stdbool.h>
#include <stdint.h>

#include "options.h"

struct supervisor {
	const struct options *options;
	unsigned port;
	struct loop *loops;
	unsigned count; /* of loops */
	unsigned ready;
	unsigned drained;
	unsigned awaited; /* reports to come */
	bool stopping;
	uint64_t posts;
	struct iv_timer stuck;
};

/* Serves until a signal comes. Returns the process's exit status. */
int supervise(const struct options *options);

/* Sends an event to a loop, and counts it. */
void supervisor_post(struct supervisor *supervisor, struct iv_event *event);

#endif
