/* SPDX-License-Identifier: MIT */
/*
 * io_uring.c - Linux's io_uring, by its poll requests
 *
 * Requests are collected and handed to the kernel by the call that waits. An
 * object has one multishot request, which reports each time its file becomes
 * ready, but not that it still is. So one that has reported is spent: before
 * the next wait poll() tells which of those are ready still.
 *
 *	          reports                       poll()
 *	  armed ----------> armed and spent ----------> armed: not ready
 *	                           ^ |
 *	                           `-' ready
 *
 * What is reported while the loop waits is true. What is reported while
 * handlers run may be out of date, for a handler may have read the file since:
 * it only makes the request a spent one, of which poll() tells more.
 *
 * Bands are switched off late: a request costs nothing until it reports what
 * nobody wants, and is narrowed or removed then.
 *
 * A request holds its file open, so that of an object that goes is removed at
 * once: closing the descriptor must have its effect. Reports name a slot and
 * its generation; those that no longer fit are dropped.
 */

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include "epoll_host.h"
#include "io_uring_state.h"

enum {
	SQ_ENTRIES = 128,
	CQ_ENTRIES = 512,	/* for FEW_SLOTS */
	MANY_CQ_ENTRIES = 4096, /* for all that are more */
};

/*
 * The best that the kernel offers. 0 or -errno. The kernel looks requests up
 * in a hash table whose size follows from that of the completion queue. Of a
 * hosted loop it must put off nothing.
 */
static int open_ring(struct io_uring *ring, int num_slots, bool hosted)
{
	static const unsigned int offers[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
			IORING_SETUP_SUBMIT_ALL,
		0,
	};
	const unsigned int needed = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG |
				    IORING_FEAT_CQE_SKIP;
	int ret = -EINVAL;
	size_t i;

	for (i = hosted ? 1 : 0;
	     ret == -EINVAL && i < sizeof(offers) / sizeof(*offers); i++) {
		struct io_uring_params params = {
			.flags = offers[i] | IORING_SETUP_CQSIZE,
			.cq_entries = num_slots > FEW_SLOTS ? MANY_CQ_ENTRIES
							    : CQ_ENTRIES,
		};

		ret = io_uring_queue_init_params(SQ_ENTRIES, ring, &params);
	}
	if (ret < 0)
		return ret;

	if ((ring->features & needed) != needed) {
		io_uring_queue_exit(ring);
		return -ENOSYS;
	}

	/* Saves looking it up in each call; there may be too many of them. */
	io_uring_register_ring_fd(ring);

	return 0;
}

static int uring_open(struct iv__loop *loop)
{
	struct uring_state *st;
	int ret;

	st = calloc(1, sizeof(*st));
	if (st == NULL)
		return -ENOMEM;

	ret = open_ring(&st->ring, 0, false);
	if (ret < 0) {
		free(st);
		return ret;
	}

	st->host = -1;
	st->first_free = NO_SLOT;
	loop->backend_state = st;

	return 0;
}

void iv__uring_nap(void)
{
	poll(NULL, 0, 1);
}

/* What a call that entered the kernel has returned. */
void iv__uring_check(struct uring_state *st, int ret)
{
	switch (-ret) {
	case EBADR:
		st->lossy = true;
		break;
	case EAGAIN:
	case ENOMEM:
		iv__uring_nap(); /* a kernel short of memory: do not press it */
		break;
	case EINTR:
	case ETIME:
	case EBUSY:
		break;
	default:
		if (ret < 0)
			iv_fatal("io_uring_enter: %s", strerror(-ret));
	}
}

/* Hand the kernel what was collected, and have it do what it has put off. */
void iv__uring_submit(struct uring_state *st)
{
	iv__uring_check(st, io_uring_submit_and_get_events(&st->ring));
}

/* The kernel takes its time to end a ring, but files must not wait for it. */
static void remove_all(struct uring_state *st)
{
	int i;

	for (i = 0; i < st->num_slots; i++) {
		if (st->slots[i].armed)
			iv__uring_push_remove(st, &st->slots[i]);
	}
	iv__uring_submit(st);
}

/* The ring is new: the next wait asks it for everything that is wanted. */
static void ask_anew(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;
	int i;

	st->waiting = false;
	st->lossy = false;
	st->narrow = false;
	st->waker_armed = false;
	for (i = 0; i < st->num_slots; i++) {
		struct slot *slot = &st->slots[i];

		slot->armed = false;
		if (slot->fd == NULL)
			continue;
		slot->fd->watched_ = slot->fd->wanted_;
		iv__uring_look_later(st, slot);
	}
}

static int replace(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;
	int ret;

	/* In a forked child this only unmaps and closes: nothing is sent. */
	io_uring_queue_exit(&st->ring);
	ret = open_ring(&st->ring, st->num_slots, st->hosted);
	if (ret == 0)
		ask_anew(loop);

	return ret;
}

/* Edges of the old ring. */
static void collect_lost_wakes(struct iv__loop *loop)
{
	if (loop->waker.way != NULL)
		iv__waker_collect(&loop->waker);
}

/* In a child, where a host has to ask again. */
static int uring_reopen(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;

	iv__epoll_host_close(&st->host);

	return replace(loop);
}

void iv__uring_renew(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;
	int ret;

	if (!st->waiting)
		remove_all(st);
	iv__epoll_host_leave(st->host, st->ring.ring_fd);
	ret = replace(loop);
	if (ret < 0)
		iv_fatal("io_uring_setup: %s", strerror(-ret));
	iv__epoll_host_enter(&st->host, st->ring.ring_fd);
	collect_lost_wakes(loop);
}

/*
 * Whoever sleeps in a poll() of a ring is not woken by work that the kernel
 * puts off until the loop's next call, and an eventfd of the ring only after
 * a while if what has become ready is an eventfd. So such a ring gives way to
 * one whose work is done at once. 0 or -errno.
 */
int iv__uring_stop_deferring(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;
	struct io_uring ring;
	int ret;

	iv__uring_renew_if_worn(loop);
	if (st->ring.flags & IORING_SETUP_DEFER_TASKRUN) {
		ret = open_ring(&ring, st->num_slots, true);
		if (ret < 0)
			return ret;
		remove_all(st);
		io_uring_queue_exit(&st->ring);
		st->ring = ring;
		ask_anew(loop);
		collect_lost_wakes(loop);
	}
	st->hosted = true;

	return 0;
}

static void uring_close(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;

	if (!loop->forked && !st->waiting)
		remove_all(st);

	iv__epoll_host_close(&st->host);
	io_uring_queue_exit(&st->ring);
	free(st->slots);
	free(st->changed.items);
	free(st->probed.items);
	free(st->probes);
	free(st);
}

const struct iv__backend iv__backend_io_uring = {
	.name = "io_uring",
	.on_request = true,
	.open = uring_open,
	.close = uring_close,
	.reopen = uring_reopen,
	.add = iv__uring_add,
	.change = iv__uring_change,
	.remove = iv__uring_remove,
	.watch_waker = iv__uring_watch_waker,
	.descriptor = iv__uring_descriptor,
	.wait = iv__uring_wait,
};
