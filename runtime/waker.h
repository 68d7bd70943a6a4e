/* SPDX-License-Identifier: MIT */
/*
 * waker.h - a descriptor that others write to and a loop waits for
 *
 * An eventfd, or a pipe where there is none or IV_FORCE_PIPE is set in the
 * environment. Each iv__waker_wake() adds one to a count that the reading
 * side collects: an eventfd adds up by itself, a pipe holds one byte each.
 */
#ifndef IV__WAKER_H
#define IV__WAKER_H

#include <stdbool.h>
#include <stdint.h>

struct iv__waker {
	int rfd;	    /* -1: not open */
	int wfd;	    /* the same number for an eventfd */
	uint64_t collected; /* wakes read so far */
};

/* 0 or -errno. Both descriptors are non-blocking and close-on-exec. */
int iv__waker_open(struct iv__waker *waker);
void iv__waker_close(struct iv__waker *waker);

static inline bool iv__waker_is_pipe(const struct iv__waker *waker)
{
	return waker->rfd != waker->wfd;
}

/*
 * One wake through descriptor @wfd. Any thread or process, also a signal
 * handler; keeps errno; never blocks. A full pipe swallows it, which loses
 * nothing: the reader has plenty to wake for.
 */
void iv__waker_wake(int wfd, bool pipe);

/* Read what there is and add it to waker->collected. Never blocks. */
void iv__waker_collect(struct iv__waker *waker);

/* Block until @count wakes were collected since the waker was opened. */
void iv__waker_collect_until(struct iv__waker *waker, uint64_t count);

#endif
