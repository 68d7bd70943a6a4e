/* SPDX-License-Identifier: MIT */
/*
 * kqueue.h - the inside of the kqueue shim
 *
 * A queue is an epoll set with a table in memory. The set, edge-triggered,
 * only tells that something may have become of a descriptor: this activates
 * its knotes, and what is active is asked for its state when kevent() wants
 * to return it. A knote that is not EV_CLEAR stays active until it is found
 * not to be ready any more.
 *
 *	kqueue.c         the calls, waiting, fork
 *	kqueue_queue.c   what is active, and returning it
 *	kqueue_change.c  one entry of a changelist
 *	kqueue_filter.c  the state of what a knote watches
 *
 * The set holds one descriptor of the shim's own, the marker, which lets it
 * be readable while knotes are active: so a thread that waits notices what
 * another one changes, and a kqueue can be polled. It is one for the process,
 * made when the program starts: a kqueue is a single descriptor.
 *
 * One lock guards everything, with all signals blocked, for the real calls
 * may be made in signal handlers. kevent() waits without it.
 */
#ifndef IV__SHIM_KQUEUE_H
#define IV__SHIM_KQUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/event.h>
#include <sys/types.h>

struct knote {
	struct kevent kev; /* flags: as added; fflags, data: what is wanted */
	bool disabled;
	bool active; /* to be looked at, once it is not disabled */
	bool queued;
	struct knote *prev; /* in the queue */
	struct knote *next;

	/* EVFILT_USER */
	bool triggered;
	unsigned int user_fflags;

	/* EVFILT_TIMER */
	uint64_t due_ns;
	uint64_t period_ns;

	struct knote *next_other; /* neither READ nor WRITE */
};

enum { SIDE_READ, SIDE_WRITE, NUM_SIDES };

/* What a descriptor was when its first knote was added. */
struct source {
	struct knote *knotes[NUM_SIDES];
	mode_t mode;
	dev_t dev;
	ino_t ino;
	bool is_unwatched;   /* the set cannot: asked each time */
	uint32_t generation; /* tells whether a report is about it */
};

struct queue {
	int fd;
	uint64_t serial;
	int num_sources;
	struct source *sources; /* by descriptor number */
	int num_unwatched;
	struct knote *others;
	struct knote *first; /* of those to be looked at */
	struct knote *last;
	int num_waiting; /* threads inside kevent() */
	bool nudged;	 /* they have to look at the timers anew */
	struct queue *next;
};

/* Of the set's entries; a source has generation << 32 | number. */
#define SHIM_MARKER UINT64_MAX

/* kqueue.c */
uint64_t shim_now_ns(void);

/* kqueue_queue.c */

/* It may be ready: to be asked, once it is not disabled. */
void shim_activate(struct queue *queue, struct knote *knote);
void shim_dequeue(struct queue *queue, struct knote *knote);

/* Activate what has come of descriptors, and what the set cannot tell of. */
void shim_harvest(struct queue *queue);
void shim_look_at_others(struct queue *queue);

/* Return what is ready. How many events that makes. */
int shim_deliver(struct queue *queue, struct kevent *events, int room);

/* kqueue_change.c: 0 or an errno */
int shim_change(struct queue *queue, const struct kevent *change);
void shim_drop(struct queue *queue, struct knote *knote);
void shim_free_queue(struct queue *queue);
struct source *shim_source(struct queue *queue, uintptr_t fd);

/* kqueue_filter.c */

/* Is there something to return? Then in @out what there is. */
bool shim_is_ready(const struct source *source, const struct knote *knote,
		   struct kevent *out);

/* Can it be watched? 0 or an errno. */
int shim_may_attach(const struct source *source, const struct kevent *change);

/* EVFILT_USER and EVFILT_TIMER: what a change says. 0 or an errno. */
void shim_touch_user(struct knote *knote, const struct kevent *change);
int shim_start_timer(struct knote *knote, const struct kevent *change);

/* It has been returned. */
void shim_returned(struct knote *knote, const struct kevent *out);

#endif
