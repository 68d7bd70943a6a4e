/* SPDX-License-Identifier: MIT */
/*
 * handle_bed.h - what the tests of event handles share
 */
#ifndef HANDLE_BED_H
#define HANDLE_BED_H

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <iv_event_handle.h>
#include "harness.h"

/* Registered; the handle. Also in threads that cannot assert. */
static inline iv_event_handle
open_handle(struct iv_event *event, const char *word,
	    void (*handler)(void *cookie))
{
	iv_event_handle handle;

	/* Programs built for old releases hand over uninitialised words. */
	memset(event, 0xa5, sizeof(*event));
	event->cookie = (void *)(uintptr_t)word;
	event->handler = handler;
	if (iv_event_register(event) != 0)
		abort();
	handle = iv_event_handle_of(event);
	if (handle == 0)
		abort();

	return handle;
}

/* A call that must not happen has had every chance when this one has. */
static inline void run_to_the_end(void)
{
	struct iv_timer timer;

	IV_TIMER_INIT(&timer);
	timer.expires = after_ms(5);
	timer.cookie = "end";
	timer.handler = note_and_quit;
	iv_timer_register(&timer);
	iv_main();
}

/* For in_thread(): the answer comes back as an address. */
static inline void *post_there(void *handle)
{
	return (void *)(intptr_t)iv_event_handle_post(
		*(const iv_event_handle *)handle);
}

static inline int post_elsewhere(iv_event_handle handle)
{
	return (int)(intptr_t)in_thread(post_there, &handle);
}

#endif
