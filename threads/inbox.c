/* SPDX-License-Identifier: MIT */
/*
 * inbox.c - the events posted to one loop, and waking it
 *
 * The protocol, its claims and its step numbers are in inbox.h.
 */
#include <sched.h>
#include "inbox.h"

_Thread_local struct iv__inbox *iv__inbox_self;

static void ring_init(struct iv_event *ring)
{
	ring->next_ = ring;
	ring->owner_.prev = ring;
}

static bool ring_empty(const struct iv_event *ring)
{
	return ring->next_ == ring;
}

/* Link the chain @first .. @last, whose inner next_ are set, at the end. */
static void ring_append(struct iv_event *ring, struct iv_event *first,
			struct iv_event *last)
{
	first->owner_.prev = ring->owner_.prev;
	ring->owner_.prev->next_ = first;
	last->next_ = ring;
	ring->owner_.prev = last;
}

static void ring_remove(struct iv__inbox *inbox, struct iv_event *event)
{
	event->next_->owner_.prev = event->owner_.prev;
	event->owner_.prev->next_ = event->next_;
	event->owner_.inbox = inbox;
}

/* O1: the chain comes latest first; the queue is in order of posting. */
static void take(struct iv__inbox *inbox)
{
	struct iv_event *event;
	struct iv_event *later = NULL;
	struct iv_event *next;
	struct iv_event *last;

	if (atomic_load_explicit(&inbox->head, memory_order_relaxed) == 0)
		return;

	/* Acquire: with the release of each P3, for next_. */
	event = (struct iv_event *)atomic_exchange_explicit(
		&inbox->head, 0, memory_order_acq_rel);
	last = event;

	for (; event != NULL; event = next) {
		iv__hb_after(&event->next_);
		next = event->next_;
		event->next_ = later;
		event->owner_.prev = next;
		later = event;
	}

	ring_append(&inbox->queue, later, last);
}

/* One drain, O1 to O3. */
static void drain(struct iv__inbox *inbox)
{
	struct iv_event *event;

	take(inbox);
	if (!ring_empty(&inbox->queue)) {
		ring_append(&inbox->running, inbox->queue.next_,
			    inbox->queue.owner_.prev);
		ring_init(&inbox->queue);
	}

	while (!ring_empty(&inbox->running)) {
		event = inbox->running.next_;
		ring_remove(inbox, event);

		/*
		 * O2. Acquire: with the release of every coalesced P1.
		 * Release: with the acquire of the next P1, for next_ and
		 * owner_.
		 */
		iv__hb_before(event);
		atomic_exchange_explicit(iv__event_pending(event), 0,
					 memory_order_acq_rel);
		iv__hb_after(event);

		event->handler(event->cookie);
	}
}

static void drain_own_posts(void *cookie)
{
	drain(cookie);
}

void iv__inbox_reopened(struct iv__inbox *inbox)
{
	inbox->wake_fd = inbox->loop->waker.wfd;
	inbox->wake_is_pipe = iv__waker_is_pipe(&inbox->loop->waker);
	inbox->wakes_owed = 0;
}

void iv__inbox_open(struct iv__inbox *inbox, struct iv__loop *loop)
{
	atomic_init(&inbox->head, 0);
	inbox->loop = loop;
	iv__inbox_reopened(inbox);
	ring_init(&inbox->queue);
	ring_init(&inbox->running);

	IV_TASK_INIT(&inbox->drain);
	inbox->drain.cookie = inbox;
	inbox->drain.handler = drain_own_posts;

	iv__inbox_self = inbox;
}

void iv__inbox_close(struct iv__inbox *inbox)
{
	struct iv__waker *waker = &inbox->loop->waker;

	iv__waker_collect_until(waker, inbox->wakes_owed);

	/* With the before of P4: its poster has read wake_fd. */
	iv__hb_after(inbox);
	iv__hb_forget(inbox);
	iv__inbox_self = NULL;
}

void iv__inbox_wake(struct iv__inbox *inbox, bool watched)
{
	int fd = inbox->wake_fd;
	bool is_pipe = inbox->wake_is_pipe;

	/* From here on the inbox may go: it was read for the last time. */
	if (watched)
		iv__hb_before(inbox);
	iv__waker_wake(fd, is_pipe);
}

void iv__inbox_drain_later(struct iv__inbox *inbox)
{
	if (!iv_task_registered(&inbox->drain))
		iv_task_register(&inbox->drain);
}

/* Until P3 of a poster that has only come to P1, there is nothing to find. */
void iv__inbox_cancel(struct iv__inbox *inbox, struct iv_event *event)
{
	for (;;) {
		take(inbox);
		if (event->owner_.inbox != inbox)
			break;
		sched_yield();
	}

	ring_remove(inbox, event);
}

bool iv__inbox_before_sleep(struct iv__inbox *inbox)
{
	uintptr_t nothing = 0;

	/* A handler that runs a nested iv_main() has left some waiting. */
	if (!ring_empty(&inbox->queue) || !ring_empty(&inbox->running))
		return false;

	/* O4: totally ordered with P3 by being of the same word. */
	return atomic_compare_exchange_strong_explicit(&inbox->head, &nothing,
						       IV__SLEEPING,
						       memory_order_acq_rel,
						       memory_order_relaxed);
}

void iv__inbox_after_sleep(struct iv__inbox *inbox)
{
	uintptr_t sleeping = IV__SLEEPING;

	/* O6 */
	if (!atomic_compare_exchange_strong_explicit(&inbox->head, &sleeping, 0,
						     memory_order_acq_rel,
						     memory_order_relaxed))
		inbox->wakes_owed++;
}

/* What the owner posted itself waits for its place among the tasks. */
void iv__inbox_dispatch(struct iv__inbox *inbox)
{
	if (!iv_task_registered(&inbox->drain))
		drain(inbox);
}
