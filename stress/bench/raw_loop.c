/* SPDX-License-Identifier: MIT */
/*
 * The hand-written loop; see raw_loop.h. It is a file of its own so that
 * a post is a call, as it is for every library.
 *
 *	post					loop
 *	1 exchange(pending, 1): was set, done	1 chain = exchange(head, NULL)
 *	2 CAS(head, old -> event)		2 exchange(pending, 0), handler
 *	3 old was SLEEPING: write(eventfd)	3 nothing ran:
 *						  CAS(head, NULL -> SLEEPING)
 *						4 epoll_wait
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "peer.h"
#include "raw_loop.h"

static struct raw_event sleeping;
#define SLEEPING (&sleeping)

static void add_fd(struct raw_loop *loop, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	if (fd < 0 || epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &e))
		peer_die("raw loop: cannot open a descriptor: %m");
}

void raw_loop_open(struct raw_loop *loop)
{
	atomic_init(&loop->head, NULL);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->timer_fd = -1;
	loop->quit = 0;
	loop->spins = 0;
	loop->tick = NULL;
	/* Edge-triggered and never read: every write is a new edge. */
	add_fd(loop, loop->event_fd, EPOLLIN | EPOLLET);
}

void raw_loop_close(struct raw_loop *loop)
{
	if (loop->timer_fd >= 0)
		close(loop->timer_fd);
	close(loop->event_fd);
	close(loop->epoll_fd);
}

void raw_loop_tick(struct raw_loop *loop, void (*tick)(void *), void *cookie)
{
	struct itimerspec each = { .it_interval.tv_nsec = 1000000,
				   .it_value.tv_nsec = 1000000 };

	loop->tick = tick;
	loop->tick_cookie = cookie;
	if (!tick)
		return;
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	add_fd(loop, loop->timer_fd, EPOLLIN);
	timerfd_settime(loop->timer_fd, 0, &each, NULL);
}

void raw_event_open(struct raw_loop *loop, struct raw_event *event,
		    void (*handler)(void *), void *cookie)
{
	event->cookie = cookie;
	event->handler = handler;
	event->loop = loop;
	event->next = NULL;
	atomic_init(&event->pending, 0);
}

static void wake(struct raw_loop *loop)
{
	uint64_t one = 1;

	if (write(loop->event_fd, &one, sizeof(one)) < 0)
		peer_die("raw loop: write: %m");
}

void raw_event_post(struct raw_event *event)
{
	struct raw_loop *loop = event->loop;
	struct raw_event *old;

	if (atomic_exchange_explicit(&event->pending, 1, memory_order_acq_rel))
		return;
	old = atomic_load_explicit(&loop->head, memory_order_relaxed);
	do {
		event->next = old;
	} while (!atomic_compare_exchange_weak_explicit(
		&loop->head, &old, event, memory_order_release,
		memory_order_relaxed));
	if (old == SLEEPING)
		wake(loop);
}

/* A chain ends with NULL, or with the sentinel its first event found. */
static struct raw_event *reverse(struct raw_event *chain)
{
	struct raw_event *reversed = NULL, *next;

	for (; chain && chain != SLEEPING; chain = next) {
		next = chain->next;
		chain->next = reversed;
		reversed = chain;
	}
	return reversed;
}

static int drain(struct raw_loop *loop)
{
	struct raw_event *e, *next;
	int ran = 0;

	e = atomic_exchange_explicit(&loop->head, NULL, memory_order_acquire);
	for (e = reverse(e); e; e = next) {
		next = e->next;
		ran = 1;
		atomic_exchange_explicit(&e->pending, 0, memory_order_acq_rel);
		e->handler(e->cookie);
	}
	return ran;
}

static void read_timer(struct raw_loop *loop)
{
	uint64_t expirations;

	if (read(loop->timer_fd, &expirations, sizeof(expirations)) > 0 &&
	    loop->tick)
		loop->tick(loop->tick_cookie);
}

static void sleep_once(struct raw_loop *loop)
{
	struct epoll_event ready[8];
	struct raw_event *empty = NULL;
	int timeout_ms = -1, count, i;

	if (!atomic_compare_exchange_strong_explicit(
		    &loop->head, &empty, SLEEPING, memory_order_acq_rel,
		    memory_order_acquire))
		timeout_ms = 0;
	count = epoll_wait(loop->epoll_fd, ready, 8, timeout_ms);
	for (i = 0; i < count; i++)
		if (ready[i].data.fd == loop->timer_fd)
			read_timer(loop);
}

static void spin_once(struct raw_loop *loop)
{
	while (!atomic_load_explicit(&loop->head, memory_order_relaxed))
		__builtin_ia32_pause();
}

void raw_loop_run(struct raw_loop *loop)
{
	while (!loop->quit) {
		if (drain(loop))
			continue;
		if (loop->spins)
			spin_once(loop);
		else
			sleep_once(loop);
	}
}
