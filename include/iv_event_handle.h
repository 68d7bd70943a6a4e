/* SPDX-License-Identifier: MIT */
/*
 * iv_event_handle.h - post to an event that may be gone
 *
 * iv_event_post() needs an event that is registered. A handle is a number
 * that names one registration of an event for ever: a post by it calls the
 * handler, or says that there is nobody, whatever the owner does meanwhile.
 */
#ifndef IV_EVENT_HANDLE_H
#define IV_EVENT_HANDLE_H

#include <stdint.h>
#include <iv_event.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Any number may be given to the calls below; 0 names no event. */
typedef uint64_t iv_event_handle;

/*
 * iv_event_handle_of - the handle of an event
 * @event: registered
 *
 * The same one each time, until the event is unregistered; then it is dead
 * for as long as the process lives, also if the event is registered again,
 * which gives another one. Nothing has to be released.
 *
 * Returns 0 with errno set to ENOMEM when there is no memory for another one.
 *
 * Errors:  not registered: iv_fatal().
 * Threads: the one that registered the event, else iv_fatal(). The number may
 *          be handed to any thread in any way.
 * Signals: unsafe in a signal handler.
 */
iv_event_handle iv_event_handle_of(struct iv_event *event);

/*
 * iv_event_handle_post - have the handler called, if there is one
 * @handle: of an event, alive or not, or any number
 *
 * Returns 0, or -ENOENT when the event is unregistered, or its loop has ended,
 * or the number never named one. Once iv_event_unregister() has returned every
 * post that begins gives -ENOENT; one that runs beside it may give either, and
 * calls no handler. Never touches the event's memory, takes no lock and waits
 * for nobody, as often as others post or the owner unregisters.
 *
 * Posts by handle are merged with each other until the handler starts, and
 * what was written before each is seen by it. With those of iv_event_post()
 * they are not merged: one of each may cause two calls. A post from the
 * owner's thread is handled in the next round of its loop.
 *
 * A thread that ends inside the call, by asynchronous cancellation or in a
 * signal handler, may take later posts by this handle with it.
 *
 * Threads: any, with a loop or without. In a forked child only events of the
 *          thread that forked are alive.
 * Signals: safe in a signal handler; keeps errno.
 */
int iv_event_handle_post(iv_event_handle handle);

#ifdef __cplusplus
}
#endif

#endif
