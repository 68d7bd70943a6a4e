/* SPDX-License-Identifier: MIT */
/*
 * iv_event_raw.h - wake a loop from a signal handler or another process
 *
 * A raw event is one descriptor (an eventfd, or a pipe where there is none)
 * and one system call a post. Prefer struct iv_event between threads.
 */
#ifndef IV_EVENT_RAW_H
#define IV_EVENT_RAW_H

#include <iv.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iv_event_raw {
	void *cookie;
	void (*handler)(void *cookie);

	/* The library's own. */
	struct iv_fd event_rfd;
	int event_wfd;
};

/* Nothing to initialise: kept because programs call it. */
static inline void IV_EVENT_RAW_INIT(struct iv_event_raw *raw)
{
	(void)raw;
}

/*
 * iv_event_raw_register - start receiving posts on the calling loop
 * @raw: cookie and handler set; the caller's memory, kept until
 *       iv_event_raw_unregister() returns
 *
 * Returns 0, or -1 with errno set (EMFILE, ENFILE, ENOMEM): then nothing is
 * registered and nothing was kept. A registered raw event keeps its loop
 * alive.
 *
 * Threads: one that called iv_init().
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_event_raw(3)
 */
int iv_event_raw_register(struct iv_event_raw *raw);

/*
 * iv_event_raw_unregister - stop receiving posts and close the descriptors
 *
 * May be called from any callback of the thread, the event's own included;
 * the handler is not called afterwards and the memory may be reused. The
 * program sees to it that nobody is still posting.
 *
 * Threads: the one that registered it, else iv_fatal().
 * Source:  ivykis iv_event_raw(3)
 */
void iv_event_raw_unregister(struct iv_event_raw *raw);

/*
 * iv_event_raw_post - have the handler called on the owner's thread
 *
 * Posts made before the handler starts are merged into one call; a post made
 * after that causes another one. Never blocks, and keeps errno.
 *
 * Threads: any, also of a process forked after the registration.
 * Signals: safe in a signal handler.
 * Source:  ivykis iv_event_raw(3)
 */
void iv_event_raw_post(const struct iv_event_raw *raw);

#ifdef __cplusplus
}
#endif

#endif
