/* SPDX-License-Identifier: MIT */
/*
 * iv_event.h - call a function on another thread's loop
 */
#ifndef IV_EVENT_H
#define IV_EVENT_H

#ifdef __cplusplus
extern "C" {
#endif

struct iv_event {
	void *cookie;
	void (*handler)(void *cookie);

	/* The library's own. */
	union {
		struct iv__inbox *inbox;
		struct iv_event *prev;
	} owner_;
	struct iv_event *next_;
	unsigned int pending_;
	unsigned int tag_;
};

/* A post is so short that one jump less on the way to it shows. */
#define IV_EVENT_DIRECT_
#ifdef __has_attribute
#if __has_attribute(noplt)
#undef IV_EVENT_DIRECT_
#define IV_EVENT_DIRECT_ __attribute__((noplt))
#endif
#endif

/* Nothing to initialise: kept because programs call it. */
static inline void IV_EVENT_INIT(struct iv_event *event)
{
	(void)event;
}

/*
 * iv_event_register - start receiving posts on the calling thread's loop
 * @event: cookie and handler set, not registered; the caller's memory
 *
 * Returns 0, or -1 with errno set (EMFILE, ENFILE, ENOSPC, ENOMEM: a loop's
 * first event opens the descriptor that wakes it); nothing is registered then.
 * A registered event keeps its loop alive.
 *
 * Threads: one that called iv_init(); other threads may post once they have
 *          learnt of the event by a properly synchronised way.
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_event(3)
 */
int iv_event_register(struct iv_event *event);

/*
 * iv_event_unregister - stop receiving posts
 *
 * May be called from any callback of the thread, the event's own included.
 * A pending call is dropped. When it returns the handler is not called any
 * more and the memory may be freed at once, even while the poster whose post
 * triggered the running handler is still inside iv_event_post(). Takes
 * constant time, amortised, however many events are pending.
 *
 * A post that begins before this call returns and has not triggered a
 * handler is the program's error.
 *
 * Errors:  not registered: iv_fatal().
 * Threads: the one that registered it, else iv_fatal().
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_event(3)
 */
void iv_event_unregister(struct iv_event *event);

/*
 * iv_event_post - have the handler called on the owner's thread
 * @event: registered
 *
 * Posts made before the handler starts are merged into one call; a post made
 * after it started causes another one. What the poster wrote before the post
 * is seen by the handler. Takes no lock and never waits; makes a system call
 * only when the owner sleeps.
 *
 * Errors:  not registered: iv_fatal().
 * Threads: any of the process, with a loop or without.
 * Signals: unsafe in a signal handler; use iv_event_handle_post() there, or
 *          iv_event_raw_post().
 * Source:  ivykis iv_event(3)
 */
IV_EVENT_DIRECT_ void iv_event_post(struct iv_event *event);

#ifdef __cplusplus
}
#endif

#endif
