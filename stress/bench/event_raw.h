/* SPDX-License-Identifier: MIT */
/* Adapter of the event cases: the hand-written loop. */
#include "raw_loop.h"

struct peer_loop {
	struct raw_loop raw;
};

struct peer_event {
	struct raw_event raw;
};

static void peer_setup(void)
{
}

static void loop_open(struct peer_loop *loop)
{
	raw_loop_open(&loop->raw);
}

static void loop_run(struct peer_loop *loop)
{
	raw_loop_run(&loop->raw);
}

static void loop_stop(struct peer_loop *loop)
{
	loop->raw.quit = 1;
}

static void loop_close(struct peer_loop *loop)
{
	raw_loop_close(&loop->raw);
}

static void event_open(struct peer_loop *loop, struct peer_event *event,
		       void (*handler)(void *), void *cookie)
{
	raw_event_open(&loop->raw, &event->raw, handler, cookie);
}

static inline void event_post(struct peer_event *event)
{
	raw_event_post(&event->raw);
}

static void event_close(struct peer_event *event)
{
	(void)event;
}

#define PEER_HAS_SPIN

static void loop_spin(struct peer_loop *loop)
{
	loop->raw.spins = 1;
}
