/* SPDX-License-Identifier: MIT */
/*
 * port_get.c - Solaris's event ports over epoll: retrieving events
 *
 * Who has to wait polls the epoll set, without taking anything from it, and
 * then looks again. What is queued already is told by the set's eventfd.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include "port_private.h"

enum { BATCH = 64 };

/* One call of port_get() or port_getn(). */
struct call {
	struct port *port;
	port_event_t *list;
	uint_t max;
	uint_t num; /* in: wanted; out: retrieved */
	const timespec_t *timeout;
	struct timespec deadline;
	struct waiter waiter;
};

static uint_t least_wanted(const struct port *port)
{
	struct iv_list_head *lh;
	uint_t least = UINT32_MAX;

	iv_list_for_each (lh, &port->waiters) {
		struct waiter *waiter =
			iv_container_of(lh, struct waiter, list);

		if (waiter->wanted < least)
			least = waiter->wanted;
	}

	/* Nobody waits, but somebody may be polling the port. */
	return least < UINT32_MAX ? least : 1;
}

void shim_port_kick_locked(struct port *port)
{
	bool wanted = port->closed || port->alert_events != 0 ||
		      port->num_queued >= least_wanted(port);
	eventfd_t count;

	/* A child has the parent's eventfd. */
	if (wanted == port->kicked || port->creator != getpid())
		return;
	port->kicked = wanted;

	/* Neither can fail: the count is 0 or 1. */
	if (wanted ? eventfd_write(port->kick, 1) < 0
		   : eventfd_read(port->kick, &count) < 0)
		abort();
}

static void harvest_one(struct port *port, const struct epoll_event *ev)
{
	uint32_t number = (uint32_t)ev->data.u64;
	struct item *item;

	if (number == SHIM_PORT_KICK)
		return;
	if (number & SHIM_PORT_TIMER) {
		shim_port_timer_fired_locked(port,
					     (int)(number & ~SHIM_PORT_TIMER));
		return;
	}

	/* An entry whose descriptor was closed, and perhaps opened again. */
	item = port->by_number[number];
	if (item == NULL || item->generation != ev->data.u64 >> 32)
		return;

	item->event.portev_events = (int)ev->events;
	shim_port_enqueue_locked(port, item);
}

void shim_port_harvest_locked(struct port *port)
{
	struct epoll_event batch[BATCH];
	int num;
	int i;

	do {
		num = epoll_wait(port->fd, batch, BATCH, 0);
		for (i = 0; i < num; i++)
			harvest_one(port, &batch[i]);
	} while (num == BATCH);
}

/* The first in the queue; what was associated no longer is. */
static void retrieve_one(struct port *port, port_event_t *event)
{
	struct item *item =
		iv_container_of(port->queue.next, struct item, queued);

	*event = item->event;
	shim_port_dequeue_locked(port, item);
	if (event->portev_source == PORT_SOURCE_TIMER)
		return;

	port->num_items--;
	if (event->portev_source == PORT_SOURCE_USER) {
		iv_list_add(&item->queued, &port->spare);
	} else {
		if (port->by_number[event->portev_object] == item)
			port->by_number[event->portev_object] = NULL;
		free(item);
	}
}

static void retrieve(struct call *call)
{
	struct port *port = call->port;

	for (call->num = 0; call->num < call->max; call->num++) {
		if (iv_list_empty(&port->queue))
			break;
		retrieve_one(port, &call->list[call->num]);
	}
	shim_port_kick_locked(port);
}

static void retrieve_alert(struct call *call)
{
	call->list[0] = (port_event_t){
		.portev_events = call->port->alert_events,
		.portev_source = PORT_SOURCE_ALERT,
		.portev_user = call->port->alert_user,
	};
	call->num = 1;
}

static struct timespec now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return ts;
}

static struct timespec sum(struct timespec a, const struct timespec *b)
{
	a.tv_sec += b->tv_sec;
	a.tv_nsec += b->tv_nsec;
	if (a.tv_nsec >= 1000000000) {
		a.tv_sec++;
		a.tv_nsec -= 1000000000;
	}

	return a;
}

/* Zero when @deadline has passed. */
static struct timespec time_until(struct timespec deadline)
{
	struct timespec ts = now();

	deadline.tv_sec -= ts.tv_sec;
	deadline.tv_nsec -= ts.tv_nsec;
	if (deadline.tv_nsec < 0) {
		deadline.tv_sec--;
		deadline.tv_nsec += 1000000000;
	}
	if (deadline.tv_sec < 0)
		deadline = (struct timespec){ 0, 0 };

	return deadline;
}

static void stop_waiting_locked(struct call *call)
{
	iv_list_del(&call->waiter.list);
	shim_port_kick_locked(call->port);
	shim_port_waiter_left_locked();
}

static void stop_waiting(void *data)
{
	shim_port_lock();
	stop_waiting_locked(data);
	shim_port_unlock();
}

/* ppoll(), from which a thread may be cancelled. 0 or an error. */
static int wait_readable(struct call *call, const struct timespec *timeout)
{
	struct pollfd pfd = { .fd = call->port->fd, .events = POLLIN };
	int num;

	pthread_cleanup_push(stop_waiting, call);
	num = ppoll(&pfd, 1, timeout, NULL);
	pthread_cleanup_pop(0);

	return num < 0 ? errno : 0;
}

/* Called with the mutex held, and returns so. 0 or an error. */
static int wait_for_more(struct call *call)
{
	struct timespec left;
	int error;

	if (call->timeout != NULL) {
		left = time_until(call->deadline);
		if (left.tv_sec == 0 && left.tv_nsec == 0)
			return ETIME;
	}

	call->waiter.wanted = call->num;
	iv_list_add_tail(&call->waiter.list, &call->port->waiters);
	shim_port_kick_locked(call->port);
	shim_port_unlock();

	error = wait_readable(call, call->timeout != NULL ? &left : NULL);

	shim_port_lock();
	stop_waiting_locked(call);

	return error;
}

/* 0 or an error, with which events may have been retrieved all the same. */
static int get_locked(struct call *call)
{
	struct port *port = call->port;
	int error;

	for (;;) {
		if (port->alert_events != 0) {
			retrieve_alert(call);
			return 0;
		}

		shim_port_harvest_locked(port);
		if (port->num_queued >= call->num) {
			retrieve(call);
			return 0;
		}

		error = wait_for_more(call);
		if (port->closed) {
			call->num = 0;
			return EBADF;
		}

		shim_port_harvest_locked(port);
		if (error != 0 && port->alert_events == 0 &&
		    port->num_queued < call->num) {
			retrieve(call);
			return error;
		}
	}
}

static int get(int fd, struct call *call)
{
	int error;

	if (call->timeout != NULL)
		call->deadline = sum(now(), call->timeout);

	shim_port_lock();
	call->port = shim_port_find_locked(fd);
	if (call->port == NULL) {
		call->num = 0;
		error = errno;
	} else if (call->max == 0) {
		shim_port_harvest_locked(call->port);
		shim_port_kick_locked(call->port);
		call->num = call->port->num_queued;
		error = 0;
	} else {
		error = get_locked(call);
	}
	shim_port_unlock();
	if (error == 0)
		return 0;

	errno = error;

	return -1;
}

static bool is_reasonable(const timespec_t *timeout)
{
	return timeout == NULL ||
	       (timeout->tv_sec >= 0 && timeout->tv_nsec >= 0 &&
		timeout->tv_nsec <= 1000000000);
}

int port_get(int fd, port_event_t *pe, const timespec_t *timeout)
{
	struct call call = {
		.list = pe,
		.max = 1,
		.num = 1,
		.timeout = timeout,
	};

	if (!is_reasonable(timeout)) {
		errno = EINVAL;
		return -1;
	}

	return get(fd, &call);
}

static bool finds_nothing(void)
{
	static atomic_uint num_calls;

	return (shim_port_quirks & SHIM_PORT_EMPTY) &&
	       atomic_fetch_add(&num_calls, 1) % 3 == 2;
}

int port_getn(int fd, port_event_t list[], uint_t max, uint_t *nget,
	      const timespec_t *timeout)
{
	struct call call = {
		.list = list,
		.max = max,
		.timeout = timeout,
	};
	int ret;

	if (nget == NULL || (max > 0 && (list == NULL || *nget > max)) ||
	    !is_reasonable(timeout)) {
		errno = EINVAL;
		return -1;
	}

	if (finds_nothing()) {
		*nget = 0;
		return 0;
	}

	call.num = *nget;
	ret = get(fd, &call);
	if (ret == 0 || call.num > 0 || !(shim_port_quirks & SHIM_PORT_NGET))
		*nget = call.num;

	return ret;
}
