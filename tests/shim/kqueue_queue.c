/* SPDX-License-Identifier: MIT */
/*
 * kqueue_queue.c - what is active in the kqueue shim, and returning it
 */
#include <sys/epoll.h>
#include "kqueue.h"

static void enqueue(struct queue *queue, struct knote *knote)
{
	knote->queued = true;
	knote->prev = queue->last;
	knote->next = NULL;
	if (queue->last != NULL)
		queue->last->next = knote;
	else
		queue->first = knote;
	queue->last = knote;
}

void shim_dequeue(struct queue *queue, struct knote *knote)
{
	if (!knote->queued)
		return;

	knote->queued = false;
	if (knote->prev != NULL)
		knote->prev->next = knote->next;
	else
		queue->first = knote->next;
	if (knote->next != NULL)
		knote->next->prev = knote->prev;
	else
		queue->last = knote->prev;
}

void shim_activate(struct queue *queue, struct knote *knote)
{
	knote->active = true;
	if (!knote->queued && !knote->disabled)
		enqueue(queue, knote);
}

static void take_report(struct queue *queue, const struct epoll_event *ev)
{
	struct source *source = shim_source(queue, (uint32_t)ev->data.u64);

	if (ev->data.u64 == SHIM_MARKER || source == NULL)
		return;
	/* Of a file that a duplicate keeps in the set. */
	if (source->generation != ev->data.u64 >> 32)
		return;

	if (source->knotes[SIDE_READ] != NULL && ev->events & ~EPOLLOUT)
		shim_activate(queue, source->knotes[SIDE_READ]);
	if (source->knotes[SIDE_WRITE] != NULL &&
	    ev->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		shim_activate(queue, source->knotes[SIDE_WRITE]);
}

/* What has come of the descriptors since the last time. */
void shim_harvest(struct queue *queue)
{
	struct epoll_event events[64];
	int num;
	int i;

	do {
		num = epoll_wait(queue->fd, events, 64, 0);
		for (i = 0; i < num; i++)
			take_report(queue, &events[i]);
	} while (num == 64);
}

/* The set tells nothing of files and of timers. */
void shim_look_at_others(struct queue *queue)
{
	struct knote *knote;
	int i;
	int side;

	for (i = 0; queue->num_unwatched > 0 && i < queue->num_sources; i++) {
		struct source *source = &queue->sources[i];

		for (side = 0; side < NUM_SIDES; side++) {
			if (source->is_unwatched &&
			    source->knotes[side] != NULL)
				shim_activate(queue, source->knotes[side]);
		}
	}
	for (knote = queue->others; knote != NULL; knote = knote->next_other) {
		if (knote->kev.filter == EVFILT_TIMER)
			shim_activate(queue, knote);
	}
}

/* Has the descriptor been closed, or become another one? Then no knote is. */
static bool is_gone(struct queue *queue, const struct knote *knote)
{
	short filter = knote->kev.filter;

	return (filter == EVFILT_READ || filter == EVFILT_WRITE) &&
	       shim_source(queue, knote->kev.ident) == NULL;
}

/* One that is off the queue. Returns how many events it makes. */
static int
deliver_one(struct queue *queue, struct knote *knote, struct kevent *out)
{
	unsigned short flags = knote->kev.flags;

	knote->active = false;
	if (is_gone(queue, knote) ||
	    !shim_is_ready(shim_source(queue, knote->kev.ident), knote, out))
		return 0;

	shim_returned(knote, out);
	if (flags & EV_ONESHOT) {
		shim_drop(queue, knote);
		return 1;
	}

	knote->disabled = flags & EV_DISPATCH;
	if (!(flags & (EV_CLEAR | EV_DISPATCH)))
		shim_activate(queue, knote);

	return 1;
}

/* Each of those that are queued now at most once. */
int shim_deliver(struct queue *queue, struct kevent *events, int room)
{
	struct knote *knote;
	int queued = 0;
	int num = 0;

	for (knote = queue->first; knote != NULL; knote = knote->next)
		queued++;

	/* Less are left when a descriptor is found to be closed. */
	for (; queued > 0 && queue->first != NULL && num < room; queued--) {
		knote = queue->first;
		shim_dequeue(queue, knote);
		num += deliver_one(queue, knote, &events[num]);
	}

	return num;
}
