/* SPDX-License-Identifier: MIT */
/*
 * inbox.c - the events posted to one loop, and waking it
 *
 * The protocol, its claims and its step numbers are in inbox.h.
 */
#include <sched.h>
#include "inbox.h"
#include "lock.h"
#include "merge.h"

_Thread_local struct iv__inbox *iv__inbox_self;

static struct iv__slot_table table = {
	.slot_size = sizeof(struct iv__inbox),
};

static struct iv__inbox *inbox_at(uint32_t place)
{
	return iv__slot_at(&table, sizeof(struct iv__inbox), place, true);
}

/* Behind the last; inner next_ are set. */
static void
append(struct iv__inbox *inbox, struct iv_event *first, struct iv_event *last)
{
	if (inbox->first == NULL)
		inbox->first = first;
	else
		inbox->last->next_ = first;
	inbox->last = last;
}

/* The first one, which there is. */
static struct iv_event *pop(struct iv__inbox *inbox)
{
	struct iv_event *event = inbox->first;

	inbox->first = event->next_;
	if (event == inbox->stop)
		inbox->stop = NULL;
	if (inbox->linked != NULL)
		event->owner_.inbox = inbox;
	if (event == inbox->linked)
		inbox->linked = NULL;

	return event;
}

/* Set the owner_.prev of those that have come since the last time. */
static void link_back(struct iv__inbox *inbox)
{
	struct iv_event *prev = inbox->linked;
	struct iv_event *event = prev != NULL ? prev->next_ : inbox->first;

	for (; event != NULL; event = event->next_) {
		event->owner_.prev = prev;
		prev = event;
	}
	inbox->linked = prev;
}

/* Any of them, when all are linked back. */
static void unlink_any(struct iv__inbox *inbox, struct iv_event *event)
{
	bool is_first = event == inbox->first;
	struct iv_event *prev = is_first ? NULL : event->owner_.prev;

	if (is_first)
		inbox->first = event->next_;
	else
		prev->next_ = event->next_;
	if (event == inbox->last)
		inbox->last = prev;
	else
		event->next_->owner_.prev = prev;
	if (event == inbox->stop)
		inbox->stop = prev;
	if (event == inbox->linked)
		inbox->linked = prev;
	event->owner_.inbox = inbox;
}

/*
 * O1, leaving NULL or CLOSED. The chain comes latest first; the queue is in
 * order of posting.
 */
static void take(struct iv__inbox *inbox, uintptr_t leave)
{
	struct iv_event *event;
	struct iv_event *later = NULL;
	struct iv_event *next;
	struct iv_event *last;

	if (atomic_load_explicit(&inbox->head, memory_order_relaxed) == leave)
		return;

	/* Acquire: with the release of each P3, for next_. */
	event = (struct iv_event *)atomic_exchange_explicit(
		&inbox->head, leave, memory_order_acq_rel);
	if (event == NULL)
		return;
	last = event;

	for (; event != NULL; event = next) {
		iv__hb_after(&event->next_);
		next = event->next_;
		event->next_ = later;
		later = event;
	}

	append(inbox, later, last);
}

/* One drain, O1 to O3: up to what was there when it began. */
static void drain(struct iv__inbox *inbox)
{
	struct iv_event *event;

	take(inbox, 0);
	inbox->stop = inbox->first != NULL ? inbox->last : NULL;

	while (inbox->stop != NULL) {
		event = pop(inbox);
		if (event->tag_ == IV__NODE_TAG) {
			event->handler(event->cookie);
			continue;
		}

		/*
		 * O2. Acquire: with the release of every coalesced P1.
		 * Release: with the acquire of the next P1, for next_ and
		 * owner_. Sequentially consistent: with M3 of merge.h.
		 */
		iv__hb_before(event);
		atomic_exchange(iv__event_pending(event), 0);
		iv__hb_after(event);
		iv__merge_collect();

		event->handler(event->cookie);
	}
}

static void drain_own_posts(void *cookie)
{
	drain(cookie);
}

struct iv__inbox *iv__inbox_take(void)
{
	uint32_t place;

	iv__lock();
	place = iv__slot_take_locked(&table);
	iv__unlock();
	if (place == 0)
		return NULL;

	inbox_at(place)->place = place;

	return inbox_at(place);
}

void iv__inbox_give_back(struct iv__inbox *inbox)
{
	iv__slot_give_back(&table, inbox->place);
}

void iv__inboxes_forked(void)
{
	uint32_t place;

	/* None is reused: a node may be linked there that is still ours. */
	iv__slot_table_forked(&table);
	for (place = iv__slot_table_num(&table); place > 0; place--) {
		if (inbox_at(place) != iv__inbox_self)
			atomic_exchange(&inbox_at(place)->head, IV__CLOSED);
	}
}

void iv__inbox_reopened(struct iv__inbox *inbox)
{
	inbox->wake_way = inbox->loop->waker.way;
	inbox->wake_fd = inbox->loop->waker.wfd;
	inbox->wakes_owed = 0;
}

void iv__inbox_open(struct iv__inbox *inbox, struct iv__loop *loop)
{
	atomic_exchange(&inbox->head, 0);
	inbox->loop = loop;
	inbox->asleep = false;
	iv__inbox_reopened(inbox);
	INIT_IV_LIST_HEAD(&inbox->slots);
	inbox->num_events = 0;
	inbox->first = NULL;
	inbox->linked = NULL;
	inbox->stop = NULL;

	IV_TASK_INIT(&inbox->drain);
	inbox->drain.cookie = inbox;
	inbox->drain.handler = drain_own_posts;

	iv__inbox_self = inbox;
}

static bool wake_is_owed(const struct iv__inbox *inbox)
{
	return inbox->loop->waker.arrived < inbox->wakes_owed;
}

/*
 * Behind the last post. Events that are left here may be gone with the
 * thread's stack, and with them what is linked behind them: the slots of such
 * nodes are not used again.
 */
static void close_head(struct iv__inbox *inbox)
{
	struct iv_event *node;

	if (inbox->num_events > 0) {
		atomic_exchange(&inbox->head, IV__CLOSED);
		return;
	}

	take(inbox, IV__CLOSED);
	while (inbox->first != NULL) {
		node = pop(inbox);
		node->handler(node->cookie);
	}
}

void iv__inbox_close(struct iv__inbox *inbox)
{
	struct iv__waker *waker = &inbox->loop->waker;

	close_head(inbox);
	/*
	 * Race detectors take the order of a poster's write and the end of the
	 * descriptor from a read: of the others they know little.
	 */
	if (inbox->wakes_owed > 0)
		waker->way->collect(waker, false);
	while (wake_is_owed(inbox))
		waker->way->collect(waker, true);

	/* With the before of P4: its poster has read wake_fd. */
	iv__hb_after(inbox);
	iv__hb_forget(inbox);
	iv__inbox_self = NULL;
}

void iv__inbox_wake(struct iv__inbox *inbox, bool watched)
{
	const struct iv__wake_way *way;
	int fd;

	/* With the before of O4: the inbox may have changed hands. */
	if (watched)
		iv__hb_after(&inbox->wake_fd);
	way = inbox->wake_way;
	fd = inbox->wake_fd;

	/* From here on the inbox may go: it was read for the last time. */
	if (watched)
		iv__hb_before(inbox);
	way->wake(fd);
}

void iv__inbox_drain_later(struct iv__inbox *inbox)
{
	if (!iv_task_registered(&inbox->drain))
		iv_task_register(&inbox->drain);
}

bool iv__inbox_has(struct iv__inbox *inbox, const struct iv_event *event)
{
	take(inbox, 0);
	link_back(inbox);

	return iv__event_owner(event) != inbox;
}

bool iv__inbox_take_out(struct iv__inbox *inbox, struct iv_event *event)
{
	if (!iv__inbox_has(inbox, event))
		return false;

	unlink_any(inbox, event);

	return true;
}

/* Until P3 of a poster that has only come to P1, there is nothing to find. */
void iv__inbox_cancel(struct iv__inbox *inbox, struct iv_event *event)
{
	while (!iv__inbox_take_out(inbox, event))
		sched_yield();
}

bool iv__inbox_before_sleep(struct iv__inbox *inbox)
{
	uintptr_t nothing = 0;

	/* A handler that runs a nested iv_main() has left some waiting. */
	if (inbox->first != NULL)
		return false;

	/* O7. What comes behind this look is found when the wake has come. */
	if (wake_is_owed(inbox))
		return atomic_load_explicit(&inbox->head,
					    memory_order_relaxed) == 0;

	/* O4: totally ordered with P3 by being of the same word. */
	iv__hb_before(&inbox->wake_fd);
	inbox->asleep = atomic_compare_exchange_strong_explicit(
		&inbox->head, &nothing, IV__SLEEPING, memory_order_acq_rel,
		memory_order_relaxed);

	return inbox->asleep;
}

void iv__inbox_after_sleep(struct iv__inbox *inbox)
{
	uintptr_t sleeping = IV__SLEEPING;

	if (!inbox->asleep)
		return;
	inbox->asleep = false;

	/* O6. Relaxed: nothing is handed over here; what was posted, O1 gets. */
	if (!atomic_compare_exchange_strong_explicit(&inbox->head, &sleeping, 0,
						     memory_order_relaxed,
						     memory_order_relaxed))
		inbox->wakes_owed++;
}

/* What the owner posted itself waits for its place among the tasks. */
void iv__inbox_dispatch(struct iv__inbox *inbox)
{
	if (!iv_task_registered(&inbox->drain))
		drain(inbox);
}
