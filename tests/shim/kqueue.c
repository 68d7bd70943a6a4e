/* SPDX-License-Identifier: MIT */
/*
 * kqueue.c - the calls of the kqueue shim, and waiting
 *
 * kqueue.h tells how it is built.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "kqueue.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct queue *queues;
static int marker = -1; /* always readable */

/* What a call has to put back when it gives the lock away. */
struct held {
	sigset_t signals;
	int cancel_state;
};

static void acquire(struct held *held)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &held->signals);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &held->cancel_state);
	pthread_mutex_lock(&lock);
}

static void release(const struct held *held)
{
	pthread_mutex_unlock(&lock);
	pthread_setcancelstate(held->cancel_state, NULL);
	pthread_sigmask(SIG_SETMASK, &held->signals, NULL);
}

/* A child has none of its parent's queues. */
static struct held held_by_fork;

static void before_fork(void)
{
	acquire(&held_by_fork);
}

static void after_fork(void)
{
	struct held held = held_by_fork;

	release(&held);
}

/* Let the set be readable while something is to be looked at. */
static bool set_marker(const struct queue *queue)
{
	bool on = queue->first != NULL || queue->nudged;
	struct epoll_event ev = { on ? EPOLLIN : 0, { .u64 = SHIM_MARKER } };

	return epoll_ctl(queue->fd, EPOLL_CTL_MOD, marker, &ev) == 0;
}

static void forget(struct queue *queue)
{
	struct queue **link = &queues;

	while (*link != queue)
		link = &(*link)->next;
	*link = queue->next;
	shim_free_queue(queue);
}

/* Nothing of the set may change: the parent has it as well. */
static bool has_marker(int fd)
{
	struct epoll_event ev = { 0, { .u64 = SHIM_MARKER } };

	if (epoll_ctl(fd, EPOLL_CTL_ADD, marker, &ev) < 0)
		return errno == EEXIST;

	epoll_ctl(fd, EPOLL_CTL_DEL, marker, &ev);

	return false;
}

static void in_child(void)
{
	while (queues != NULL) {
		/* Unless the number has become that of something else. */
		if (has_marker(queues->fd))
			close(queues->fd);
		forget(queues);
	}
	after_fork();
}

/* Ahead of constructors that open loops. */
__attribute__((constructor(101))) static void load(void)
{
	marker = eventfd(1, EFD_CLOEXEC);
	pthread_atfork(before_fork, after_fork, in_child);
}

/* Closing a queue is not seen: its memory stays until now. */
static struct queue *find(int fd)
{
	struct queue *queue;

	for (queue = queues; queue != NULL; queue = queue->next) {
		if (queue->fd == fd)
			break;
	}
	if (queue != NULL && !set_marker(queue)) {
		forget(queue);
		queue = NULL;
	}

	return queue;
}

static int open_set(void)
{
	struct epoll_event ev = { 0, { .u64 = SHIM_MARKER } };
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd >= 0 && epoll_ctl(fd, EPOLL_CTL_ADD, marker, &ev) < 0) {
		close(fd);
		fd = -1;
	}

	return fd;
}

int kqueue(void)
{
	static uint64_t last_serial;
	struct queue *queue = calloc(1, sizeof(*queue));
	struct queue *old;
	struct held held;
	int fd;

	if (queue == NULL)
		return -1;

	fd = open_set();
	if (fd < 0) {
		free(queue);
		return -1;
	}

	acquire(&held);
	for (old = queues; old != NULL && old->fd != fd; old = old->next)
		;
	if (old != NULL)
		forget(old);
	queue->fd = fd;
	queue->serial = ++last_serial;
	queue->next = queues;
	queues = queue;
	release(&held);

	return fd;
}

uint64_t shim_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* When a timer ends a wait that would end at @end_ns. */
static uint64_t earliest_ns(const struct queue *queue, uint64_t end_ns)
{
	const struct knote *knote;

	for (knote = queue->others; knote != NULL; knote = knote->next_other) {
		if (knote->kev.filter == EVFILT_TIMER && !knote->disabled &&
		    knote->due_ns < end_ns)
			end_ns = knote->due_ns;
	}

	return end_ns;
}

/* A thread that is cancelled while it waits has not got the lock. */
static void end_wait(void *arg)
{
	struct held held;
	struct queue *queue;

	acquire(&held);
	queue = find(*(const int *)arg);
	if (queue != NULL)
		queue->num_waiting--;
	release(&held);
}

/* Without the lock, until the set is readable. 0 or an errno. */
static int
sleep_until(int fd, uint64_t end_ns, uint64_t now_ns, struct held *held)
{
	uint64_t left_ns = end_ns > now_ns ? end_ns - now_ns : 0;
	struct timespec timeout = { (time_t)(left_ns / 1000000000),
				    (long)(left_ns % 1000000000) };
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int ret;

	release(held);
	pthread_cleanup_push(end_wait, &fd);
	ret = ppoll(&pfd, 1, end_ns == UINT64_MAX ? NULL : &timeout, NULL);
	ret = ret < 0 ? errno : 0;
	pthread_cleanup_pop(0);
	acquire(held);

	return ret;
}

/* The number of events, or -errno. */
static int wait_for(struct queue *queue, struct kevent *events, int room,
		    uint64_t end_ns, struct held *held)
{
	uint64_t serial = queue->serial;
	int fd = queue->fd;
	int num;
	int error;

	for (;;) {
		uint64_t now_ns;

		queue->nudged = false;
		shim_harvest(queue);
		shim_look_at_others(queue);
		num = shim_deliver(queue, events, room);
		set_marker(queue);
		now_ns = shim_now_ns();
		if (num > 0 || now_ns >= end_ns)
			return num;

		queue->num_waiting++;
		error = sleep_until(fd, earliest_ns(queue, end_ns), now_ns,
				    held);
		queue = find(fd);
		if (queue == NULL || queue->serial != serial)
			return -EBADF;
		queue->num_waiting--;
		if (error != 0)
			return -error;
	}
}

/* The number of errors and receipts in @events, or -errno. */
static int apply(struct queue *queue, const struct kevent *changes, int num,
		 struct kevent *events, int room)
{
	int told = 0;
	int i;

	for (i = 0; i < num; i++) {
		/* A copy: both lists may be one. */
		struct kevent change = changes[i];
		int error = shim_change(queue, &change);

		if (error == 0 && !(change.flags & EV_RECEIPT))
			continue;
		if (told < room) {
			events[told] = change;
			events[told].flags = EV_ERROR;
			events[told].data = error;
			told++;
		} else if (error != 0) {
			set_marker(queue);
			return -error;
		}
	}
	set_marker(queue);

	return told;
}

static uint64_t end_of(const struct timespec *timeout)
{
	if (timeout == NULL)
		return UINT64_MAX;

	return shim_now_ns() + (uint64_t)timeout->tv_sec * 1000000000 +
	       (uint64_t)timeout->tv_nsec;
}

static bool is_timeout(const struct timespec *timeout)
{
	return timeout == NULL ||
	       (timeout->tv_sec >= 0 && timeout->tv_sec <= INT32_MAX &&
		timeout->tv_nsec >= 0 && timeout->tv_nsec < 1000000000);
}

int kevent(int kq, const struct kevent *changelist, int nchanges,
	   struct kevent *eventlist, int nevents,
	   const struct timespec *timeout)
{
	struct queue *queue;
	struct held held;
	int num;

	if (nchanges < 0 || nevents < 0 || !is_timeout(timeout)) {
		errno = EINVAL;
		return -1;
	}

	acquire(&held);
	queue = find(kq);
	num = queue != NULL ? 0 : -EBADF;
	if (num == 0)
		num = apply(queue, changelist, nchanges, eventlist, nevents);
	if (num == 0 && nevents > 0)
		num = wait_for(queue, eventlist, nevents, end_of(timeout),
			       &held);
	release(&held);

	if (num < 0) {
		errno = -num;
		return -1;
	}

	return num;
}
