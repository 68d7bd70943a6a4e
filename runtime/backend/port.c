/* SPDX-License-Identifier: MIT */
/*
 * port.c - Solaris's event ports
 *
 * An association of a descriptor with the port ends when its event is
 * retrieved. That of an object which still wants something is made again
 * before the next wait, which keeps interest level-triggered. An object that
 * wants nothing has no association: a hang-up cannot keep the loop awake.
 *
 * An association carries a descriptor number and a generation, looked up in a
 * table by number, so that what is left in the port of an object that was
 * unregistered meets nobody.
 *
 * `port` hands its timeout to each wait. `port-timer` has a timer send to the
 * port, armed for a point of time. What is due later than that leaves it
 * alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <port.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "port_state.h"

enum { SHORTAGE_NS = 1000000 };

/* The port is set. 0 or -errno; EPERM: the clock is not for everybody. */
static int open_timer(struct port_state *st)
{
	port_notify_t notify = { .portnfy_port = st->port };
	struct sigevent event = {
		.sigev_notify = SIGEV_PORT,
		.sigev_value.sival_ptr = &notify,
	};

	st->armed_ns = 0;

	return timer_create(CLOCK_MONOTONIC, &event, &st->timer) < 0 ? -errno
								     : 0;
}

static int open_port(struct port_state *st)
{
	int ret = 0;

	st->waker = -1;
	st->port = port_create();
	if (st->port < 0)
		return -errno;

	if (fcntl(st->port, F_SETFD, FD_CLOEXEC) < 0)
		ret = -errno;
	if (ret == 0 && st->with_timer)
		ret = open_timer(st);
	if (ret < 0)
		close(st->port);

	return ret;
}

static int open_state(struct iv__loop *loop, bool with_timer)
{
	struct port_state *st;
	int ret;

	st = calloc(1, sizeof(*st));
	if (st == NULL)
		return -ENOMEM;

	st->with_timer = with_timer;
	ret = open_port(st);
	if (ret < 0)
		free(st);
	else
		loop->backend_state = st;

	return ret;
}

static int port_open(struct iv__loop *loop)
{
	return open_state(loop, false);
}

static int timer_open(struct iv__loop *loop)
{
	return open_state(loop, true);
}

static void port_close(struct iv__loop *loop)
{
	struct port_state *st = loop->backend_state;

	/* A child does not inherit timers. */
	if (st->with_timer && !loop->forked)
		timer_delete(st->timer);
	close(st->port);
	free(st->slots);
	free(st->ended);
	free(st);
}

int iv__port_reserve(struct port_state *st, int fd)
{
	int num = st->num_slots;
	struct slot *slots;
	int *ended;

	if (fd < num)
		return 0;

	num = num > fd / 2 ? 2 * num : fd + 16;
	slots = realloc(st->slots, (size_t)num * sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	st->slots = slots;

	ended = realloc(st->ended, (size_t)num * sizeof(*ended));
	if (ended == NULL)
		return -ENOMEM;
	st->ended = ended;

	memset(slots + st->num_slots, 0,
	       (size_t)(num - st->num_slots) * sizeof(*slots));
	st->num_slots = num;

	return 0;
}

/*
 * New, or with other bands than before. 0 or -errno. The generation stays when
 * there is an association: an event of it may be in the port already, and ends
 * this one too.
 */
int iv__port_associate(struct port_state *st, int number, unsigned int bands)
{
	struct slot *slot = &st->slots[number];

	if (!slot->associated)
		slot->generation++;
	if (port_associate(st->port, PORT_SOURCE_FD, (uintptr_t)number,
			   iv__poll_of_bands(bands),
			   (void *)(uintptr_t)slot->generation) < 0)
		return errno == EBADFD ? -EBADF : -errno;
	slot->associated = true;

	return 0;
}

/* Fails when the descriptor was closed: its association went with it. */
static void dissociate(struct port_state *st, int number)
{
	struct slot *slot = &st->slots[number];

	if (slot->associated)
		port_dissociate(st->port, PORT_SOURCE_FD, (uintptr_t)number);
	slot->associated = false;
}

static int port_add(struct iv__loop *loop, struct iv_fd *fd)
{
	struct port_state *st = loop->backend_state;
	struct slot *slot;
	int ret;

	if (fd->fd < 0)
		return -EBADF;
	ret = iv__port_reserve(st, fd->fd);
	if (ret < 0)
		return ret;
	slot = &st->slots[fd->fd];
	if (slot->fd != NULL)
		return -EEXIST;

	ret = iv__port_associate(st, fd->fd, fd->wanted_);
	if (ret < 0)
		return ret;

	slot->fd = fd;
	if (fd->wanted_ == 0)
		dissociate(st, fd->fd);

	return 0;
}

static int port_change(struct iv__loop *loop, struct iv_fd *fd)
{
	struct port_state *st = loop->backend_state;

	if (fd->wanted_ != 0)
		return iv__port_associate(st, fd->fd, fd->wanted_);
	dissociate(st, fd->fd);

	return 0;
}

static void port_remove(struct iv__loop *loop, struct iv_fd *fd)
{
	struct port_state *st = loop->backend_state;

	dissociate(st, fd->fd);
	st->slots[fd->fd].fd = NULL;
}

/* A child shares the parent's port: it only closes it. */
static int port_reopen(struct iv__loop *loop)
{
	struct port_state *st = loop->backend_state;
	int ret;
	int i;

	close(st->port);
	ret = open_port(st);
	if (ret < 0)
		return ret;

	for (i = 0; i < st->num_slots; i++) {
		struct slot *slot = &st->slots[i];

		slot->associated = false;
		if (slot->fd == NULL)
			continue;
		/* Fails on what was closed: nothing to watch there. */
		if (slot->fd->wanted_ != 0)
			iv__port_associate(st, i, slot->fd->wanted_);
		slot->fd->watched_ = slot->fd->wanted_;
	}

	return 0;
}

static unsigned int bands_wanted(const struct port_state *st, int number)
{
	const struct slot *slot = &st->slots[number];

	if (slot->fd != NULL)
		return slot->fd->wanted_;

	return number == st->waker ? IV__BAND_IN : 0;
}

static void note_end(struct port_state *st, int number)
{
	struct slot *slot = &st->slots[number];

	slot->associated = false;
	if (slot->noted)
		return;
	slot->noted = true;
	st->ended[st->num_ended++] = number;
}

/* Associate again what is still wanted. False: no room, some are left. */
static bool renew(struct port_state *st)
{
	int num = st->num_ended;
	int i;

	st->num_ended = 0;
	for (i = 0; i < num; i++) {
		int number = st->ended[i];
		unsigned int bands = bands_wanted(st, number);
		int ret = 0;

		st->slots[number].noted = false;
		if (bands != 0 && !st->slots[number].associated)
			ret = iv__port_associate(st, number, bands);
		/* Other errors: closed behind our back, nothing comes of it. */
		if (ret == -EAGAIN || ret == -ENOMEM)
			note_end(st, number);
	}

	return st->num_ended == 0;
}

static void collect_descriptor(struct iv__loop *loop, const port_event_t *event)
{
	struct port_state *st = loop->backend_state;
	uintptr_t number = event->portev_object;
	unsigned int bands;
	struct slot *slot;

	if (number >= (uintptr_t)st->num_slots)
		return;
	slot = &st->slots[number];
	if (slot->generation != (uintptr_t)event->portev_user ||
	    bands_wanted(st, (int)number) == 0)
		return;

	note_end(st, (int)number);
	bands = iv__bands_of_poll((unsigned int)event->portev_events);
	if (slot->fd == NULL)
		iv__waker_collect(&loop->waker);
	else if (bands != 0)
		iv__fd_ready(loop, slot->fd, bands);
}

static void collect(struct iv__loop *loop, const port_event_t *event)
{
	struct port_state *st = loop->backend_state;

	switch (event->portev_source) {
	case PORT_SOURCE_FD:
		collect_descriptor(loop, event);
		break;
	case PORT_SOURCE_ALERT:
		port_alert(st->port, PORT_ALERT_SET, 0, NULL);
		loop->waker.arrived++;
		break;
	case PORT_SOURCE_USER:
		loop->waker.arrived++;
		break;
	case PORT_SOURCE_TIMER:
		st->armed_ns = 0;
		break;
	}
}

/* How many are in the batch. */
static unsigned int get_events(struct port_state *st, int64_t timeout_ns)
{
	uint64_t ns = timeout_ns > 0 ? (uint64_t)timeout_ns : 0;
	struct timespec timeout = iv__timespec_of_ns(ns);
	unsigned int num = 1;
	int ret;

	st->batch[0].portev_source = 0;
	ret = port_getn(st->port, st->batch, BATCH, &num,
			timeout_ns < 0 ? NULL : &timeout);
	if (ret < 0 && errno != EINTR && errno != ETIME)
		iv_fatal("port_getn: %s", strerror(errno));

	/* With an error come events, or num is as it was: one of no source. */
	return num;
}

/* Readable while it has events; without room it is tried again soon. */
static int port_descriptor(struct iv__loop *loop, int64_t *timeout_ns)
{
	struct port_state *st = loop->backend_state;

	if (!renew(st))
		*timeout_ns = SHORTAGE_NS;

	return st->port;
}

static void port_wait(struct iv__loop *loop, int64_t timeout_ns)
{
	struct port_state *st = loop->backend_state;
	unsigned int num;
	unsigned int i;

	/* Try again soon, but do not press. */
	if (!renew(st) && (timeout_ns < 0 || timeout_ns > SHORTAGE_NS))
		timeout_ns = SHORTAGE_NS;

	num = get_events(st, timeout_ns);
	for (i = 0; i < num; i++)
		collect(loop, &st->batch[i]);
}

const struct iv__backend iv__backend_port = {
	.name = "port",
	.open = port_open,
	.close = port_close,
	.reopen = port_reopen,
	.add = port_add,
	.change = port_change,
	.remove = port_remove,
	.watch_waker = iv__port_watch_waker,
	.open_waker = iv__port_open_waker,
	.descriptor = port_descriptor,
	.wait = port_wait,
};

/* Will the timer go off in time? */
static bool arm(struct iv__loop *loop)
{
	struct port_state *st = loop->backend_state;
	struct itimerspec at = { { 0 }, { 0 } };
	uint64_t due_ns;

	if (!iv__timer_queue_earliest(&loop->timers, &due_ns))
		return false;
	if (st->armed_ns != 0 && st->armed_ns <= due_ns)
		return true;

	at.it_value = iv__timespec_of_ns(due_ns);
	if (timer_settime(st->timer, TIMER_ABSTIME, &at, NULL) < 0)
		return false;
	st->armed_ns = due_ns;

	return true;
}

static void timer_wait(struct iv__loop *loop, int64_t timeout_ns)
{
	if (timeout_ns > 0 && arm(loop))
		timeout_ns = -1;
	port_wait(loop, timeout_ns);
}

const struct iv__backend iv__backend_port_timer = {
	.name = "port-timer",
	.open = timer_open,
	.close = port_close,
	.reopen = port_reopen,
	.add = port_add,
	.change = port_change,
	.remove = port_remove,
	.watch_waker = iv__port_watch_waker,
	.open_waker = iv__port_open_waker,
	.descriptor = port_descriptor,
	.wait = timer_wait,
};
