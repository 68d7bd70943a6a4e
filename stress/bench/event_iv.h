/* SPDX-License-Identifier: MIT */
/*
 * Adapter of the event cases: ivykis. Compiled twice, once against this
 * project's header and library and once against the system's.
 */
#include <iv.h>
#include <iv_event.h>
#if __has_include(<iv_event_handle.h>)
#include <iv_event_handle.h>
#define PEER_HAS_HANDLES
#endif
#if __has_include(<iv_loop.h>)
#include <iv_loop.h>
#define PEER_HAS_SPIN
#define PEER_HAS_CALLS
#endif

/* A loop belongs to its thread; other threads know it by a number. */
struct peer_loop {
#ifdef PEER_HAS_CALLS
	iv_loop_id id;
#else
	int unused;
#endif
};

struct peer_event {
	struct iv_event iv;
#ifdef PEER_HAS_HANDLES
	iv_event_handle handle;
#endif
};

static void peer_setup(void)
{
	/*
	 * The first iv_init of a process must finish before any other
	 * thread calls it, so the loops of the cases are never the first.
	 */
	iv_init();
}

static void loop_open(struct peer_loop *loop)
{
	(void)loop;
	iv_init();
}

static void loop_run(struct peer_loop *loop)
{
	(void)loop;
	iv_main();
}

static void loop_stop(struct peer_loop *loop)
{
	(void)loop;
	iv_quit();
}

static void loop_close(struct peer_loop *loop)
{
	(void)loop;
	iv_deinit();
}

static void event_open(struct peer_loop *loop, struct peer_event *event,
		       void (*handler)(void *), void *cookie)
{
	(void)loop;
	IV_EVENT_INIT(&event->iv);
	event->iv.handler = handler;
	event->iv.cookie = cookie;
	if (iv_event_register(&event->iv))
		peer_die("iv_event_register failed");
#ifdef PEER_HAS_HANDLES
	event->handle = iv_event_handle_of(&event->iv);
	if (!event->handle)
		peer_die("iv_event_handle_of failed");
#endif
}

static inline void event_post(struct peer_event *event)
{
	iv_event_post(&event->iv);
}

static void event_close(struct peer_event *event)
{
	iv_event_unregister(&event->iv);
}

#ifdef PEER_HAS_HANDLES
/* 0, or not: the event is gone. */
static inline int event_post_by_handle(struct peer_event *event)
{
	return iv_event_handle_post(event->handle);
}
#endif

#ifdef PEER_HAS_SPIN
/* As long as a loop may. */
static void loop_spin(struct peer_loop *loop)
{
	(void)loop;
	if (iv_loop_set_spin(IV_LOOP_MAX_SPIN_US))
		peer_die("iv_loop_set_spin failed");
}
#endif

#ifdef PEER_HAS_CALLS
static void loop_listen(struct peer_loop *loop)
{
	loop->id = iv_loop_self();
	if (iv_loop_listen())
		peer_die("iv_loop_listen failed");
}

static inline void
loop_call_wait(struct peer_loop *loop, int (*function)(void *), void *cookie)
{
	if (iv_loop_call_wait(loop->id, function, cookie, -1, NULL))
		peer_die("iv_loop_call_wait failed");
}
#endif
