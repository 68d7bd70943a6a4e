/* SPDX-License-Identifier: MIT */
/*
 * storm.h - posts from everybody at once to a few events that stay
 *
 * Every poster posts to the shared events, the owner too, and takes back what
 * it has posted to another one; the last payload for each must be seen. How
 * an event is posted to is up to the program: by its address, or by a handle.
 */
#ifndef STORM_H
#define STORM_H

#include <iv_event_handle.h>
#include "stress.h"

enum { STORM_SHARED = 4 };

struct storm_event {
	struct iv_event event;
	iv_event_handle handle; /* the means' own */
};

/* None may fail; `post` is called by any thread, the others by the owner. */
struct storm_means {
	void (*open)(struct storm_event *event);
	void (*post)(struct storm_event *event);
	void (*close)(struct storm_event *event);

	/* NULL, or told which ones are shared, once they are open. */
	void (*share)(const struct storm_event *event, unsigned int index);
};

struct stress_tally storm_run(const struct storm_means *means);

#endif
