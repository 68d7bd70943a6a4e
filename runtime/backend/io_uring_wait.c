/* SPDX-License-Identifier: MIT */
/*
 * io_uring_wait.c - waiting for reports, and what they say
 *
 * io_uring.c tells which of them are true.
 */
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include "epoll_host.h"
#include "io_uring_state.h"

/* For reports of one wait. */
enum { MAX_CALLS = 32 };

/* A request that will not report again: there has to be another one. */
static void ended(struct uring_state *st, struct slot *slot, int result)
{
	slot->armed = false;

	/* Closed behind our back: nothing comes of it any more. */
	if (result == -EBADF)
		return;

	if (result == -EAGAIN || result == -ENOMEM)
		iv__uring_nap();
	else if (result < 0 && result != -ECANCELED)
		iv_fatal("io_uring: descriptor %d cannot be watched: %s",
			 slot->fd->fd, strerror(-result));
	iv__uring_look_later(st, slot);
}

static void reported(struct iv__loop *loop, struct slot *slot,
		     unsigned int revents, bool surely)
{
	struct uring_state *st = loop->backend_state;
	unsigned int wanted = slot->fd->wanted_;
	unsigned int bands = iv__bands_of_poll(revents);

	slot->spent |= (uint8_t)bands;
	if (bands & wanted) {
		if (surely)
			iv__fd_ready(loop, slot->fd, bands);
		iv__uring_probe_later(st, slot);
	} else if (wanted == 0) {
		slot->noise++;
		iv__uring_look_later(st, slot);
	} else if (slot->mask != wanted) {
		slot->mask = 0;
		iv__uring_look_later(st, slot);
	}
	/* Else the POLLRDHUP that the kernel adds by itself, once. */
}

/* It was reporting just then (its mask is as before), or has ended. */
static void update_failed(struct uring_state *st, struct slot *slot, int error)
{
	if (error == -EALREADY)
		slot->mask = 0;
	else
		slot->armed = false;
	iv__uring_look_later(st, slot);
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

static void
collect(struct iv__loop *loop, const struct io_uring_cqe *cqe, bool surely)
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
		ended(st, slot, cqe->res);
	if (cqe->res > 0)
		reported(loop, slot, (unsigned int)cqe->res, surely);
}

/* @surely: no handler ran since what they say was so. Were there any? */
static bool collect_all(struct iv__loop *loop, bool surely)
{
	struct uring_state *st = loop->backend_state;
	struct io_uring_cqe *cqe;
	unsigned int num = 0;
	unsigned int head;

	io_uring_for_each_cqe(&st->ring, head, cqe)
	{
		collect(loop, cqe, surely);
		num++;
	}
	io_uring_cq_advance(&st->ring, num);

	return num > 0;
}

/* What poll() is to look at: those of the list that still want to know. */
static int prepare_probes(struct uring_state *st)
{
	int num = 0;
	int i;

	for (i = 0; i < st->probed.num; i++) {
		struct slot *slot = &st->slots[st->probed.items[i]];
		const struct iv_fd *fd = slot->fd;

		slot->probed = fd != NULL && (fd->wanted_ & slot->spent);
		if (!slot->probed)
			continue;
		st->probed.items[num] = st->probed.items[i];
		st->probes[num].fd = fd->fd;
		st->probes[num].events = iv__poll_of_bands(fd->wanted_);
		num++;
	}
	st->probed.num = num;

	return num;
}

/* True: something is ready. */
static bool
heed_probe(struct iv__loop *loop, struct slot *slot, unsigned int revents)
{
	struct uring_state *st = loop->backend_state;
	unsigned int wanted = slot->fd->wanted_;
	unsigned int bands = iv__bands_of_poll(revents);

	slot->spent &= (uint8_t)(bands | ~wanted);
	if (revents & POLLNVAL) {
		/* Closed behind our back: nothing comes of it any more. */
		if (slot->armed)
			iv__uring_push_remove(st, slot);
		return false;
	}
	if (!(bands & wanted))
		return false;

	iv__fd_ready(loop, slot->fd, bands);

	return true;
}

/* Are those ready still that have reported? True: some, or it is not known. */
static bool probe(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;
	int num = prepare_probes(st);
	bool found = false;
	int i;

	if (num == 0)
		return false;

	if (poll(st->probes, (nfds_t)num, 0) < 0) {
		iv__uring_check(st, -errno);
		return true;
	}
	for (i = 0; i < num; i++)
		found |= heed_probe(loop, &st->slots[st->probed.items[i]],
				    (unsigned int)st->probes[i].revents);

	return found;
}

/* Does the kernel have something that it has not told? */
static bool owes_reports(const struct uring_state *st)
{
	const unsigned int something = IORING_SQ_TASKRUN |
				       IORING_SQ_CQ_OVERFLOW;

	return IO_URING_READ_ONCE(*st->ring.sq.kflags) & something;
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
	/* As the C library does around its own waits. */
	/* NOLINTNEXTLINE(cert-pos47-c,concurrency-*) */
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &cancel_type);
	ret = enter(&st->ring, timeout_ns);
	pthread_setcanceltype(cancel_type, NULL);
	st->waiting = false;
	iv__uring_check(st, ret);
}

/* The kernel makes only some twenty of the reports that it owes in a call. */
static bool collect_rest(struct iv__loop *loop, bool surely)
{
	struct uring_state *st = loop->backend_state;
	bool found = collect_all(loop, surely);
	int calls;

	for (calls = 0; calls < MAX_CALLS && owes_reports(st); calls++) {
		iv__uring_submit(st);
		found |= collect_all(loop, surely);
	}

	return found;
}

/* A round that has changed nothing does not look further. */
static void settle_if_changed(struct iv__loop *loop)
{
	const struct uring_state *st = loop->backend_state;

	if (st->changed.num > 0 || st->waker_wanted != st->waker_armed)
		iv__uring_settle_all(loop);
}

void iv__uring_wait(struct iv__loop *loop, int64_t timeout_ns)
{
	struct uring_state *st = loop->backend_state;
	bool found;

	found = iv__uring_renew_if_worn(loop);
	settle_if_changed(loop);
	found |= collect_rest(loop, false);
	found |= probe(loop);

	if (!found && timeout_ns != 0)
		block(st, timeout_ns);
	else if (io_uring_sq_ready(&st->ring) > 0)
		iv__uring_submit(st);
	collect_rest(loop, true);
}

/* Is any of those ready still that have reported? The wait finds out which. */
static bool is_any_ready(struct uring_state *st)
{
	int num = prepare_probes(st);

	return num > 0 && poll(st->probes, (nfds_t)num, 0) != 0;
}

/* What is collected here is for the next wait to judge. */
int iv__uring_descriptor(struct iv__loop *loop, int64_t *timeout_ns)
{
	struct uring_state *st = loop->backend_state;
	bool found;
	int ret;

	ret = st->hosted ? 0 : iv__uring_stop_deferring(loop);
	if (ret < 0)
		return ret;

	found = iv__uring_renew_if_worn(loop);
	settle_if_changed(loop);
	if (io_uring_sq_ready(&st->ring) > 0)
		iv__uring_submit(st);
	found |= collect_rest(loop, false);
	if (found || owes_reports(st) || is_any_ready(st))
		*timeout_ns = 0;

	return iv__epoll_host_open(&st->host, st->ring.ring_fd);
}
