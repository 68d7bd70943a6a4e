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
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "../backend.h"
#include "../loop.h"
#include "epoll_host.h"

enum {
	SQ_ENTRIES = 128,
	CQ_ENTRIES = 512,
	FEW_SLOTS = 512,	/* what a ring of that size is good for */
	MANY_CQ_ENTRIES = 4096, /* for all that are more */
	MIN_SLOTS = 64,
	MAX_NOISE = 4,	/* reports that nobody wants */
	MAX_CALLS = 32, /* for reports of one wait */
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
	dev_t device;  /* with inode: which file it was when it was added */
	ino_t inode;   /* 0: of a kind whose files cannot be told apart */
	uint8_t mask;  /* bands that the request has; 0: not known */
	uint8_t noise; /* reports while nothing was wanted */
	uint8_t spent; /* bands that it has reported; they may be so still */
	bool armed;    /* the kernel has the request */
	bool paused;   /* ... and nothing was wanted meanwhile */
	bool changed;  /* in uring_state.changed */
	bool probed;   /* in uring_state.probed */
};

/* Numbers of slots, each at most once. */
struct list {
	int num;
	int *items; /* room for all slots */
};

struct uring_state {
	struct io_uring ring;
	int host;     /* what a host polls; -1: none does */
	bool hosted;  /* there has been one */
	bool waiting; /* still set behind a wait: cancelled in it */
	bool lossy;   /* the kernel had no memory for a report */
	bool narrow;  /* too small for the slots that there are */
	bool waker_wanted;
	bool waker_armed;
	int num_slots;
	int first_free;
	struct slot *slots;    /* by iv_fd.index_ */
	struct list changed;   /* their requests may not fit what is wanted */
	struct list probed;    /* spent, and something is wanted */
	struct pollfd *probes; /* room for all slots */
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

static void nap(void)
{
	poll(NULL, 0, 1);
}

/* What a call that entered the kernel has returned. */
static void check(struct uring_state *st, int ret)
{
	switch (-ret) {
	case EBADR:
		st->lossy = true;
		break;
	case EAGAIN:
	case ENOMEM:
		nap(); /* a kernel short of memory: do not press it */
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
static void submit(struct uring_state *st)
{
	check(st, io_uring_submit_and_get_events(&st->ring));
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
}

static void push_remove(struct uring_state *st, struct slot *slot)
{
	struct io_uring_sqe *sqe = new_request(st);

	/* POLL_REMOVE would refuse a request that is about to report. */
	io_uring_prep_cancel64(sqe, name_of(st, slot), 0);
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
	if (slot->changed)
		return;

	slot->changed = true;
	st->changed.items[st->changed.num++] = (int)(slot - st->slots);
}

static void probe_later(struct uring_state *st, struct slot *slot)
{
	if (slot->probed)
		return;

	slot->probed = true;
	st->probed.items[st->probed.num++] = (int)(slot - st->slots);
}

/* Is it the file that it was at the last call? 1, 0 or -errno. */
static int identify(struct slot *slot)
{
	struct stat st;
	bool same;

	if (fstat(slot->fd->fd, &st) < 0)
		return -errno;

	if (!S_ISSOCK(st.st_mode) && !S_ISFIFO(st.st_mode))
		st.st_ino = 0;
	same = st.st_ino != 0 && slot->inode == st.st_ino &&
	       slot->device == st.st_dev;
	slot->device = st.st_dev;
	slot->inode = st.st_ino;

	return same;
}

/* Make the kernel's request fit what is wanted. */
static void settle(struct uring_state *st, struct slot *slot)
{
	slot->changed = false;
	if (slot->fd == NULL)
		return;

	if (slot->fd->wanted_ == 0) {
		if (slot->armed && slot->noise >= MAX_NOISE)
			push_remove(st, slot);
		return;
	}

	/* While it was off the descriptor may have become another file's. */
	if (slot->armed && slot->paused && identify(slot) <= 0)
		push_remove(st, slot);

	slot->noise = 0;
	slot->paused = false;
	if (!slot->armed)
		push_add(st, slot);
	else if (slot->fd->wanted_ & ~slot->mask)
		push_update(st, slot);
	if (slot->fd->wanted_ & slot->spent)
		probe_later(st, slot);
}

static void settle_all(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;
	int i;

	for (i = 0; i < st->changed.num; i++)
		settle(st, &st->slots[st->changed.items[i]]);
	st->changed.num = 0;

	if (st->waker_wanted && !st->waker_armed)
		push_waker(loop);
}

/* 0 or -ENOMEM, with the old memory still there. */
static int resize(void *pointer, int num, size_t size)
{
	void **memory = pointer;
	void *larger;

	larger = realloc(*memory, (size_t)num * size);
	if (larger == NULL)
		return -ENOMEM;
	*memory = larger;

	return 0;
}

static int grow(struct uring_state *st)
{
	int num = st->num_slots > 0 ? 2 * st->num_slots : MIN_SLOTS;
	int i;

	if (resize(&st->changed.items, num, sizeof(int)) < 0 ||
	    resize(&st->probed.items, num, sizeof(int)) < 0 ||
	    resize(&st->probes, num, sizeof(*st->probes)) < 0 ||
	    resize(&st->slots, num, sizeof(*st->slots)) < 0)
		return -ENOMEM;

	if (num > FEW_SLOTS && st->num_slots <= FEW_SLOTS)
		st->narrow = true;
	for (i = num - 1; i >= st->num_slots; i--) {
		st->slots[i] = (struct slot){ .next_free = st->first_free };
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

	if (st->first_free == NO_SLOT) {
		ret = grow(st);
		if (ret < 0)
			return ret;
	}

	/* All that is open can be polled; what is not would only tell later. */
	slot = &st->slots[st->first_free];
	slot->fd = fd;
	ret = identify(slot);
	if (ret < 0) {
		slot->fd = NULL;
		return ret;
	}

	fd->index_ = st->first_free;
	st->first_free = slot->next_free;
	look_later(st, slot);

	return 0;
}

static int uring_change(struct iv__loop *loop, struct iv_fd *fd)
{
	struct uring_state *st = loop->backend_state;
	struct slot *slot = &st->slots[fd->index_];

	if (fd->wanted_ == 0)
		slot->paused = true;
	look_later(st, slot);

	return 0;
}

static int uring_watch_waker(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;

	st->waker_wanted = true;

	return 0;
}

/* The kernel takes its time to end a ring, but files must not wait for it. */
static void remove_all(struct uring_state *st)
{
	int i;

	for (i = 0; i < st->num_slots; i++) {
		if (st->slots[i].armed)
			push_remove(st, &st->slots[i]);
	}
	submit(st);
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
		look_later(st, slot);
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

/*
 * Replace the ring of a thread that was cancelled in it, and one that has lost
 * reports or has become too small. True: wakes may have been found on the way.
 */
static bool renew_if_worn(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;
	int ret;

	if (!st->waiting && !st->lossy && !st->narrow)
		return false;

	if (!st->waiting)
		remove_all(st);
	iv__epoll_host_leave(st->host, st->ring.ring_fd);
	ret = replace(loop);
	if (ret < 0)
		iv_fatal("io_uring_setup: %s", strerror(-ret));
	iv__epoll_host_enter(&st->host, st->ring.ring_fd);
	collect_lost_wakes(loop);

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

	if (st->waiting)
		renew_if_worn(loop);
	if (slot->armed) {
		push_remove(st, slot);
		submit(st);
	}
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

/* A request that will not report again: there has to be another one. */
static void ended(struct uring_state *st, struct slot *slot, int result)
{
	slot->armed = false;

	/* Closed behind our back: nothing comes of it any more. */
	if (result == -EBADF)
		return;

	if (result == -EAGAIN || result == -ENOMEM)
		nap();
	else if (result < 0 && result != -ECANCELED)
		iv_fatal("io_uring: descriptor %d cannot be watched: %s",
			 slot->fd->fd, strerror(-result));
	look_later(st, slot);
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
		probe_later(st, slot);
	} else if (wanted == 0) {
		slot->noise++;
		look_later(st, slot);
	} else if (slot->mask != wanted) {
		slot->mask = 0;
		look_later(st, slot);
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
			push_remove(st, slot);
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
		check(st, -errno);
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
	check(st, ret);
}

/* The kernel makes only some twenty of the reports that it owes in a call. */
static bool collect_rest(struct iv__loop *loop, bool surely)
{
	struct uring_state *st = loop->backend_state;
	bool found = collect_all(loop, surely);
	int calls;

	for (calls = 0; calls < MAX_CALLS && owes_reports(st); calls++) {
		submit(st);
		found |= collect_all(loop, surely);
	}

	return found;
}

static void uring_wait(struct iv__loop *loop, int64_t timeout_ns)
{
	struct uring_state *st = loop->backend_state;
	bool found;

	found = renew_if_worn(loop);
	settle_all(loop);
	found |= collect_rest(loop, false);
	found |= probe(loop);

	if (!found && timeout_ns != 0)
		block(st, timeout_ns);
	else if (io_uring_sq_ready(&st->ring) > 0)
		submit(st);
	collect_rest(loop, true);
}

/* Is any of those ready still that have reported? The wait finds out which. */
static bool is_any_ready(struct uring_state *st)
{
	int num = prepare_probes(st);

	return num > 0 && poll(st->probes, (nfds_t)num, 0) != 0;
}

/*
 * Whoever sleeps in a poll() of a ring is not woken by work that the kernel
 * puts off until the loop's next call, and an eventfd of the ring only after
 * a while if what has become ready is an eventfd. So such a ring gives way to
 * one whose work is done at once. 0 or -errno.
 */
static int stop_deferring(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;
	struct io_uring ring;
	int ret;

	renew_if_worn(loop);
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

/* What is collected here is for the next wait to judge. */
static int uring_descriptor(struct iv__loop *loop, int64_t *timeout_ns)
{
	struct uring_state *st = loop->backend_state;
	bool found;
	int ret;

	ret = st->hosted ? 0 : stop_deferring(loop);
	if (ret < 0)
		return ret;

	found = renew_if_worn(loop);
	settle_all(loop);
	if (io_uring_sq_ready(&st->ring) > 0)
		submit(st);
	found |= collect_rest(loop, false);
	if (found || owes_reports(st) || is_any_ready(st))
		*timeout_ns = 0;

	return iv__epoll_host_open(&st->host, st->ring.ring_fd);
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
	.descriptor = uring_descriptor,
	.wait = uring_wait,
};
