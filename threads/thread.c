/* SPDX-License-Identifier: MIT */
/*
 * thread.c - threads that keep the loop which created them alive
 *
 * Parent and child share one record. Who frees it is settled by one word:
 *
 *	child, at its end                   parent, closing its loop early
 *
 *	C1 swap state for ENDED             L1 swap state for ORPHANED
 *	C2 was it RUNNING: post `ended`     L2 was it RUNNING: detach the thread
 *	   was it ORPHANED: free               was it ENDED: join it, then free
 *
 * One of the swaps comes first, so exactly one side frees. On the usual way
 * there is no L1: the handler of `ended` joins the thread and frees. The
 * child touches the record no more once its post has triggered the handler,
 * which iv_event_post() allows; joining it makes sure of the rest. Were C2
 * to post before C1, L1 could see RUNNING and leave the record to a child
 * that is already past it.
 *
 * Key: c constant once the thread runs, p parent's thread only, a atomic.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <iv_thread.h>
#include <unistd.h>
#include "annotate.h"
#include "registry.h"
#include "shared.h"

enum { RUNNING, ENDED, ORPHANED };

struct child {
	struct iv_list_head list; /* p: in shared->children */
	struct iv_event ended;	  /* its own protocol */
	pthread_t thread;	  /* p */
	atomic_int state;	  /* a: C1, L1 */
	atomic_ulong id;	  /* a: 0 until the thread runs */
	void (*start)(void *);	  /* c */
	iv_loop_id creator;	  /* c */
	void *arg;		  /* c */
	char name[];		  /* c */
};

static atomic_int debug_state;

IV__PUBLIC void iv_thread_set_debug_state(int state)
{
	atomic_exchange_explicit(&debug_state, state != 0,
				 memory_order_relaxed);
}

static void say(const struct child *child, const char *what)
{
	if (atomic_load_explicit(&debug_state, memory_order_relaxed))
		fprintf(stderr, "iv_thread: %s: thread %s\n", child->name,
			what);
}

static void release(struct child *child)
{
	iv__hb_forget(&child->state);
	free(child);
}

/* C1 and C2; also when the thread ends by pthread_exit(). */
static void end(void *arg)
{
	struct child *child = arg;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	say(child, "ended");

	iv__hb_before(&child->state);
	if (atomic_exchange(&child->state, ENDED) == RUNNING) {
		iv_event_post(&child->ended);
	} else {
		iv__hb_after(&child->state);
		release(child);
	}
}

/* The system refuses names of more than 15 bytes. */
static void set_system_name(const char *name)
{
	char cut[16];

	snprintf(cut, sizeof(cut), "%s", name);
	pthread_setname_np(pthread_self(), cut);
}

static void *run(void *arg)
{
	struct child *child = arg;

	pthread_cleanup_push(end, child);
	atomic_exchange_explicit(&child->id, iv_get_thread_id(),
				 memory_order_relaxed);
	set_system_name(child->name);
	iv__loop_set_creator(child->creator, false);
	say(child, "started");
	child->start(child->arg);
	pthread_cleanup_pop(1);

	return NULL;
}

static void bury(struct child *child)
{
	pthread_join(child->thread, NULL);
	iv__hb_joined();
	iv_event_unregister(&child->ended);
	iv_list_del_init(&child->list);
	release(child);
}

static void got_ended(void *cookie)
{
	bury(cookie);
}

/* L1 and L2 */
void iv__thread_orphan_children(struct iv__shared *shared)
{
	while (!iv_list_empty(&shared->children)) {
		struct child *child = iv_container_of(shared->children.next,
						      struct child, list);
		pthread_t thread = child->thread;

		iv_list_del_init(&child->list);
		iv__hb_before(&child->state);
		if (atomic_exchange(&child->state, ORPHANED) == RUNNING) {
			pthread_detach(thread);
		} else {
			iv__hb_after(&child->state);
			bury(child);
		}
	}
}

void iv__thread_describe_children(struct iv__shared *shared,
				  struct iv__remains *remains)
{
	struct iv_list_head *lh;

	iv_list_for_each (lh, &shared->children) {
		struct child *child = iv_container_of(lh, struct child, list);

		iv__remains_add(remains, "the thread '%.64s' runs",
				child->name);
	}
}

static struct child *make(const char *name)
{
	size_t size = strlen(name) + 1;
	struct child *child;

	child = calloc(1, sizeof(*child) + size);
	if (child != NULL)
		memcpy(child->name, name, size);

	return child;
}

/* 0, or -1 with errno set. */
static int start(struct iv__shared *shared, struct child *child)
{
	int ret;

	child->ended.cookie = child;
	child->ended.handler = got_ended;
	if (iv_event_register(&child->ended) < 0)
		return -1;

	iv__hb_creating();
	ret = pthread_create(&child->thread, NULL, run, child);
	if (ret != 0) {
		iv_event_unregister(&child->ended);
		errno = ret;
		return -1;
	}

	iv_list_add_tail(&child->list, &shared->children);

	return 0;
}

IV__PUBLIC int
iv_thread_create(const char *name, void (*start_routine)(void *), void *arg)
{
	struct iv__loop *loop = iv__loop_self("iv_thread_create");
	struct iv__shared *shared = iv__shared_get(loop);
	struct child *child;

	if (shared == NULL)
		return -1;

	child = make(name);
	if (child == NULL)
		return -1;

	child->start = start_routine;
	child->creator = loop->last_id;
	child->arg = arg;
	if (start(shared, child) < 0) {
		free(child);
		return -1;
	}

	return 0;
}

IV__PUBLIC void iv_thread_list_children(void)
{
	struct iv__loop *loop = iv__loop_self("iv_thread_list_children");
	struct iv__shared *shared = loop->shared;
	struct iv_list_head *lh;

	fprintf(stderr, "iv_thread: children of thread %lu:\n",
		iv_get_thread_id());
	if (shared == NULL)
		return;

	iv_list_for_each (lh, &shared->children) {
		struct child *child = iv_container_of(lh, struct child, list);

		fprintf(stderr, "iv_thread:   %lu %s\n",
			atomic_load_explicit(&child->id, memory_order_relaxed),
			child->name);
	}
}

IV__PUBLIC unsigned long iv_get_thread_id(void)
{
	return (unsigned long)gettid();
}

IV__PUBLIC unsigned long iv_thread_get_id(void)
{
	return iv_get_thread_id();
}
