/* SPDX-License-Identifier: MIT */
/*
 * waker.h - how others end a loop's wait
 *
 * An eventfd, or a pipe where there is none or IV_FORCE_PIPE is set in the
 * environment, or what a backend has of its own. Wakes are counted: whoever
 * reads a waker adds up what has come.
 */
#ifndef IV__WAKER_H
#define IV__WAKER_H

#include <stdbool.h>
#include <stdint.h>

struct iv__waker;

/* One kind of waker. */
struct iv__wake_way {
	/*
	 * One wake through descriptor @fd, a waker's wfd. Any thread, also a
	 * signal handler; keeps errno; never blocks.
	 */
	void (*wake)(int fd);

	/* Count those that have come; @block: wait for one if none has. */
	void (*collect)(struct iv__waker *waker, bool block);

	void (*close)(struct iv__waker *waker);
};

struct iv__waker {
	const struct iv__wake_way *way; /* NULL: not open */
	int rfd;			/* readable once a wake has come */
	int wfd;			/* what way->wake() wants */
	uint64_t arrived;		/* wakes since it was opened */
	uint64_t unread; /* of these: seen by their edge, not read */
};

/*
 * Open an eventfd or a pipe. 0 or -errno. Both descriptors are non-blocking
 * and close-on-exec.
 */
int iv__waker_open(struct iv__waker *waker);
void iv__waker_close(struct iv__waker *waker);

/* Does the environment want a pipe? */
bool iv__waker_wants_pipe(void);

/* A full pipe swallows a wake: its reader has plenty to wake for. */
extern const struct iv__wake_way iv__wake_by_eventfd;
extern const struct iv__wake_way iv__wake_by_pipe;

/* One whose numbers are kept elsewhere. */
static inline const struct iv__wake_way *iv__wake_way_of(int rfd, int wfd)
{
	return rfd == wfd ? &iv__wake_by_eventfd : &iv__wake_by_pipe;
}

/*
 * The kernel reports each write once, at its edge. An eventfd is not read
 * then, for it cannot fill up.
 */
static inline void iv__waker_edge(struct iv__waker *waker)
{
	if (waker->way == &iv__wake_by_eventfd) {
		waker->arrived++;
		waker->unread++;
	} else {
		waker->way->collect(waker, false);
	}
}

/* The reports are lost: read what they would have said. */
static inline void iv__waker_collect(struct iv__waker *waker)
{
	waker->way->collect(waker, false);
}

#endif
