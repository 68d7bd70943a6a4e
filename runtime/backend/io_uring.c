/* SPDX-License-Identifier: MIT */
/*
 * io_uring.c - Linux's io_uring, by its poll requests
 *
 * Requests are collected and handed to the kernel by the call that waits. An
 * object has one multishot request, which reports each time its file becomes
 * ready, but not that it still is. So a request that has reported is spent:
 * the next wait renews it, and renewing looks at the file again.
 *
 *	         add                      reports           update
 *	  idle --------> armed, unspent ----------> spent ----------> unspent
 *
 * Less is switched off than is not wanted: an armed request costs nothing
 * until it reports what nobody wants, and is narrowed or removed then.
 *
 * A request holds its file open, so that of an object that goes is removed at
 * once: closing the descriptor must have its effect. Reports name a slot and
 * its generation; those that no longer fit are dropped.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "../backend.h"
#include "../loop.h"

enum {
	SQ_ENTRIES = 128,
	CQ_ENTRIES = 512,
	MIN_SLOTS = 64,
	NO_SLOT = -1,
};

/* What a report is about: a slot, with its generation in the upper half. */
#define OF_UPDATE (UINT32_C(1) << 31)
#define OF_WAKER UINT64_MAX
#define OF_REMOVAL (UINT64_MAX - 1)

struct slot {
	struct iv_fd *fd;    /* NULL: free */
	uint32_t generation; /* of the request made last */
	int next_free;
	uint8_t mask; /* bands that the request has; 0: not known */
	bool armed;   /* the kernel has the request */
	bool spent;   /* it has reported since it was made or renewed */
	bool noisy;   /* it reports, and nothing is wanted */
	bool listed;  /* in unsettled[] */
};

struct uring_state {
	struct io_uring ring;
	bool waiting; /* still set behind a wait: cancelled in it */
	bool lossy;   /* the kernel had no memory for a report */
	bool early;   /* reports were made ahead of this wait */
	bool waker_wanted;
	bool waker_armed;
	int num_slots;
	int num_unsettled;
	int first_free;
	struct slot *slots; /* by iv_fd.index_ */
	int *unsettled;	    /* slots that the next wait looks at */
};

/* The best that the kernel offers. 0 or -errno. */
static int open_ring(struct io_uring *ring)
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

	for (i = 0; ret == -EINVAL && i < sizeof(offers) / sizeof(*offers);
	     i++) {
		struct io_uring_params params = {
			.flags = offers[i] | IORING_SETUP_CQSIZE,
			.cq_entries = CQ_ENTRIES,
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

	ret = open_ring(&st->ring);
	if (ret < 0) {
		free(st);
		return ret;
	}

	st->first_free = NO_SLOT;
	loop->backend_state = st;

	return 0;
}

static void nap(void)
{
	poll(NULL, 0, 1);
}

/* Hand the kernel what was collected, and have it do what it has put off. */
static void submit(struct uring_state *st)
{
	int ret;

	ret = io_uring_submit_and_get_events(&st->ring);
	if (ret >= 0 || ret == -EINTR || ret == -EBUSY)
		return;

	if (ret == -EBADR)
		st->lossy = true;
	else if (ret == -EAGAIN || ret == -ENOMEM)
		nap();
	else
		iv_fatal("io_uring_enter: %s", strerror(-ret));
}

static struct io_uring_sqe *new_request(struct uring_state *st)
{
	struct io_uring_sqe *sqe;

	while ((sqe = io_uring_get_sqe(&st->ring)) == NULL)
		submit(st);

	return sqe;
}

static uint64_t name_of(const struct uring_state *st, const struct slot *slot)
{
	return (uint64_t)slot->generation << 32 | (uint32_t)(slot - st->slots);
}

static void push_add(struct uring_state *st, struct slot *slot)
{
	struct io_uring_sqe *sqe = new_request(st);
	const struct iv_fd *fd = slot->fd;

	slot->generation++;
	io_uring_prep_poll_multishot(
		sqe, fd->fd, (unsigned short)iv__poll_of_bands(fd->wanted_));
	io_uring_sqe_set_data64(sqe, name_of(st, slot));

	slot->mask = fd->wanted_;
	slot->armed = true;
	slot->spent = false;
}

/* Reports only its failure. */
static void push_update(struct uring_state *st, struct slot *slot)
{
	struct io_uring_sqe *sqe = new_request(st);
	const struct iv_fd *fd = slot->fd;

	io_uring_prep_poll_update(
		sqe, name_of(st, slot), 0,
		(unsigned short)iv__poll_of_bands(fd->wanted_),
		IORING_POLL_UPDATE_EVENTS | IORING_POLL_ADD_MULTI);
	io_uring_sqe_set_data64(sqe, name_of(st, slot) | OF_UPDATE);
	io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);

	slot->mask = fd->wanted_;
	slot->spent = false;
}

static void push_remove(struct uring_state *st, struct slot *slot)
{
	struct io_uring_sqe *sqe = new_request(st);

	io_uring_prep_poll_remove(sqe, name_of(st, slot));
	io_uring_sqe_set_data64(sqe, OF_REMOVAL);
	io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);

	slot->armed = false;
}

static void push_waker(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;
	struct io_uring_sqe *sqe = new_request(st);

	io_uring_prep_poll_multishot(sqe, loop->waker.rfd, POLLIN);
	io_uring_sqe_set_data64(sqe, OF_WAKER);
	st->waker_armed = true;
}

static void look_later(struct uring_state *st, struct slot *slot)
{
	if (slot->listed)
		return;

	slot->listed = true;
	st->unsettled[st->num_unsettled++] = (int)(slot - st->slots);
}

/* Make the kernel's request fit what is wanted. */
static void settle(struct uring_state *st, struct slot *slot)
{
	bool noisy = slot->noisy;

	slot->listed = false;
	slot->noisy = false;
	if (slot->fd == NULL)
		return;

	if (slot->fd->wanted_ == 0) {
		if (slot->armed && noisy)
			push_remove(st, slot);
	} else if (!slot->armed) {
		push_add(st, slot);
	} else if (slot->spent || (slot->fd->wanted_ & ~slot->mask)) {
		push_update(st, slot);
	}
}

static void settle_all(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;
	int i;

	for (i = 0; i < st->num_unsettled; i++)
		settle(st, &st->slots[st->unsettled[i]]);
	st->num_unsettled = 0;

	if (st->waker_wanted && !st->waker_armed)
		push_waker(loop);
}

static int grow(struct uring_state *st)
{
	int num = st->num_slots > 0 ? 2 * st->num_slots : MIN_SLOTS;
	struct slot *slots;
	int *unsettled;
	int i;

	unsettled = realloc(st->unsettled, (size_t)num * sizeof(*unsettled));
	if (unsettled == NULL)
		return -ENOMEM;
	st->unsettled = unsettled;

	slots = realloc(st->slots, (size_t)num * sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	st->slots = slots;

	memset(slots + st->num_slots, 0,
	       (size_t)(num - st->num_slots) * sizeof(*slots));
	for (i = num - 1; i >= st->num_slots; i--) {
		slots[i].next_free = st->first_free;
		st->first_free = i;
	}
	st->num_slots = num;

	return 0;
}

static int uring_add(struct iv__loop *loop, struct iv_fd *fd)
{
	struct uring_state *st = loop->backend_state;
	struct slot *slot;
	int ret;

	/* All that is open can be polled; what is not would only tell later. */
	if (fcntl(fd->fd, F_GETFD) < 0)
		return -errno;
	if (st->first_free == NO_SLOT) {
		ret = grow(st);
		if (ret < 0)
			return ret;
	}

	fd->index_ = st->first_free;
	slot = &st->slots[fd->index_];
	st->first_free = slot->next_free;
	slot->fd = fd;
	look_later(st, slot);

	return 0;
}

static int uring_change(struct iv__loop *loop, struct iv_fd *fd)
{
	struct uring_state *st = loop->backend_state;

	look_later(st, &st->slots[fd->index_]);

	return 0;
}

static int uring_watch_waker(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;

	st->waker_wanted = true;

	return 0;
}

/* A new ring, in which the next wait asks for everything that is wanted. */
static int uring_reopen(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;
	int ret;
	int i;

	/* In a forked child this only unmaps and closes: nothing is sent. */
	io_uring_queue_exit(&st->ring);
	ret = open_ring(&st->ring);
	if (ret < 0)
		return ret;

	st->waiting = false;
	st->lossy = false;
	st->waker_armed = false;
	for (i = 0; i < st->num_slots; i++) {
		struct slot *slot = &st->slots[i];

		slot->armed = false;
		if (slot->fd == NULL)
			continue;
		slot->fd->watched_ = slot->fd->wanted_;
		look_later(st, slot);
	}

	return 0;
}

/*
 * The ring of a thread that was cancelled in it, or one that has lost reports,
 * is replaced. True: it was, and wakes may have been found on the way.
 */
static bool renew_if_broken(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;
	int ret;

	if (!st->waiting && !st->lossy)
		return false;

	ret = uring_reopen(loop);
	if (ret < 0)
		iv_fatal("io_uring_setup: %s", strerror(-ret));
	if (loop->waker.way != NULL)
		iv__waker_collect(&loop->waker);

	return true;
}

static void uring_remove(struct iv__loop *loop, struct iv_fd *fd)
{
	struct uring_state *st = loop->backend_state;
	struct slot *slot = &st->slots[fd->index_];

	slot->fd = NULL;
	slot->next_free = st->first_free;
	st->first_free = fd->index_;
	fd->index_ = NO_SLOT;

	renew_if_broken(loop);
	if (slot->armed) {
		push_remove(st, slot);
		submit(st);
	}
}

/* The kernel takes its time to end a ring, but files must not wait for it. */
static void uring_close(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;
	bool ours = !loop->forked && !st->waiting;
	int i;

	for (i = 0; ours && i < st->num_slots; i++) {
		if (st->slots[i].armed)
			push_remove(st, &st->slots[i]);
	}
	if (ours)
		submit(st);

	io_uring_queue_exit(&st->ring);
	free(st->slots);
	free(st->unsettled);
	free(st);
}

/* A request that failed, or could not be renewed. */
static void failed(struct uring_state *st, struct slot *slot, int error)
{
	/* Closed behind our back: nothing comes of it any more. */
	if (error == -EBADF)
		return;

	if (error != -ECANCELED && error != -EAGAIN && error != -ENOMEM)
		iv_fatal("io_uring: descriptor %d cannot be watched: %s",
			 slot->fd->fd, strerror(-error));
	if (error != -ECANCELED)
		nap();
	look_later(st, slot);
}

static void
reported(struct iv__loop *loop, struct slot *slot, unsigned int revents)
{
	struct uring_state *st = loop->backend_state;
	unsigned int wanted = slot->fd->wanted_;
	unsigned int bands = iv__bands_of_poll(revents);

	if (bands & wanted) {
		/* It may be out of date: the update that follows tells. */
		if (!slot->spent && !st->early)
			iv__fd_ready(loop, slot->fd, bands);
	} else if (wanted != 0 && slot->mask == wanted) {
		/* The kernel adds POLLRDHUP by itself, once. */
		return;
	} else {
		slot->noisy = true;
	}

	slot->spent = true;
	look_later(st, slot);
}

/* It was reporting just then (its mask is as before), or has ended. */
static void update_failed(struct uring_state *st, struct slot *slot, int error)
{
	if (error == -EALREADY)
		slot->mask = 0;
	else
		slot->armed = false;
	look_later(st, slot);
}

static void collect_waker(struct iv__loop *loop, const struct io_uring_cqe *cqe)
{
	struct uring_state *st = loop->backend_state;

	if (cqe->flags & IORING_CQE_F_MORE) {
		iv__waker_edge(&loop->waker);
	} else {
		/* The next request must not report again what was seen. */
		iv__waker_collect(&loop->waker);
		st->waker_armed = false;
	}
}

static void collect(struct iv__loop *loop, const struct io_uring_cqe *cqe)
{
	struct uring_state *st = loop->backend_state;
	uint32_t index = (uint32_t)cqe->user_data & ~OF_UPDATE;
	struct slot *slot;

	if (cqe->user_data == OF_WAKER) {
		collect_waker(loop, cqe);
		return;
	}
	if (index >= (uint32_t)st->num_slots)
		return;

	slot = &st->slots[index];
	if (!slot->armed || slot->generation != cqe->user_data >> 32)
		return;

	if (cqe->user_data & OF_UPDATE) {
		update_failed(st, slot, cqe->res);
		return;
	}

	if (!(cqe->flags & IORING_CQE_F_MORE))
		slot->armed = false;
	if (cqe->res < 0)
		failed(st, slot, cqe->res);
	else
		reported(loop, slot, (unsigned int)cqe->res);
}

/* How many reports there were. */
static unsigned int collect_all(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;
	struct io_uring_cqe *cqe;
	unsigned int num = 0;
	unsigned int head;

	io_uring_for_each_cqe(&st->ring, head, cqe)
	{
		collect(loop, cqe);
		num++;
	}
	io_uring_cq_advance(&st->ring, num);

	return num;
}

/* Without a system call when the kernel says that it has nothing. */
static void look(struct uring_state *st)
{
	const unsigned int something = IORING_SQ_TASKRUN |
				       IORING_SQ_CQ_OVERFLOW;

	if (io_uring_sq_ready(&st->ring) == 0 &&
	    (st->ring.flags & IORING_SETUP_TASKRUN_FLAG) &&
	    !(IO_URING_READ_ONCE(*st->ring.sq.kflags) & something))
		return;

	submit(st);
}

static int enter(struct io_uring *ring, int64_t timeout_ns)
{
	struct __kernel_timespec timeout = {
		.tv_sec = timeout_ns / 1000000000,
		.tv_nsec = timeout_ns % 1000000000,
	};
	struct io_uring_cqe *cqe;

	if (timeout_ns < 0)
		return io_uring_submit_and_wait(ring, 1);

	return io_uring_submit_and_wait_timeout(ring, &cqe, 1, &timeout, NULL);
}

/*
 * liburing's calls are no cancellation points, but a wait is to be one. A ring
 * that was left in the middle of a call is not used again.
 */
static void block(struct uring_state *st, int64_t timeout_ns)
{
	int cancel_type;
	int ret;

	st->waiting = true;
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &cancel_type);
	ret = enter(&st->ring, timeout_ns);
	pthread_setcanceltype(cancel_type, NULL);
	st->waiting = false;

	if (ret >= 0 || ret == -ETIME || ret == -EINTR || ret == -EBUSY)
		return;

	if (ret == -EBADR)
		st->lossy = true;
	else if (ret == -EAGAIN || ret == -ENOMEM)
		nap();
	else
		iv_fatal("io_uring_enter: %s", strerror(-ret));
}

static void uring_wait(struct iv__loop *loop, int64_t timeout_ns)
{
	struct uring_state *st = loop->backend_state;

	if (renew_if_broken(loop))
		timeout_ns = 0;

	st->early = true;
	if (collect_all(loop) > 0)
		timeout_ns = 0;
	st->early = false;

	settle_all(loop);
	if (timeout_ns == 0)
		look(st);
	else
		block(st, timeout_ns);
	collect_all(loop);
}

const struct iv__backend iv__backend_io_uring = {
	.name = "io_uring",
	.on_request = true,
	.open = uring_open,
	.close = uring_close,
	.reopen = uring_reopen,
	.add = uring_add,
	.change = uring_change,
	.remove = uring_remove,
	.watch_waker = uring_watch_waker,
	.wait = uring_wait,
};
