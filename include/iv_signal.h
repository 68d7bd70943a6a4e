/* SPDX-License-Identifier: MIT */
/*
 * iv_signal.h - call a function on a loop when a signal arrives
 */
#ifndef IV_SIGNAL_H
#define IV_SIGNAL_H

#include <stdint.h>
#include <iv_avl.h>
#include <iv_event_raw.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * While an object with this flag is registered for a signal, it alone is
 * called for it; of several, the one with the lowest address.
 */
#define IV_SIGNAL_FLAG_EXCLUSIVE 1

/*
 * Only signals that the registering thread itself received count: those sent
 * to the thread, and those sent to the process that happened to interrupt it.
 * They are then served by the thread's own objects of this kind alone.
 */
#define IV_SIGNAL_FLAG_THIS_THREAD 2

struct iv_signal {
	int signum;
	unsigned int flags;
	void *cookie;
	void (*handler)(void *cookie);

	/* Nothing: the library keeps its own record of what is registered. */
	struct {
		struct iv_avl_node node;
		uint8_t active;
		struct iv_event_raw raw;
	} unused_;
};

/* Nothing to initialise: kept because programs call it. */
static inline void IV_SIGNAL_INIT(struct iv_signal *signal)
{
	(void)signal;
}

/*
 * iv_signal_register - have a function called when a signal arrives
 * @signal: signum, flags, cookie and handler set, not registered; the
 *          caller's memory, kept until iv_signal_unregister() returns
 *
 * The handler runs in the calling thread, from its loop, whichever thread of
 * the process received the signal. Arrivals before the handler starts are
 * merged into one call; one after that causes another. signum and flags are
 * read here and only here; cookie and handler may change at any time.
 *
 * The first registration for a number installs the library's handler, with
 * SA_RESTART. A registered signal keeps its loop alive. A process forked from
 * this one never causes a call here, nor is a registration of this process
 * served in it: it makes its own.
 *
 * Returns 0, or -1 with errno set, and then nothing is registered: EINVAL (not
 * a signal, or one that cannot be caught: SIGKILL, SIGSTOP, the C library's
 * own), EMFILE, ENFILE, ENOMEM.
 *
 * Threads: one that called iv_init().
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_signal(3)
 */
int iv_signal_register(struct iv_signal *signal);

/*
 * iv_signal_unregister - stop receiving a signal
 *
 * May be called from any callback of the thread, the signal's own included;
 * the handler is not called afterwards and the memory may be freed at once.
 * When a signal has arrived for an exclusive object and its handler has not
 * been started yet, those that are next in line get it. The last one to go
 * of a number sets the signal's default action, whatever it was before.
 *
 * Waits until no signal handler of the library that is running in another
 * thread can refer to the object: microseconds.
 *
 * Errors:  not registered with the calling thread's loop: iv_fatal().
 * Threads: the one that registered it.
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_signal(3)
 */
void iv_signal_unregister(struct iv_signal *signal);

#ifdef __cplusplus
}
#endif

#endif
