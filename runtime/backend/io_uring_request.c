/* SPDX-License-Identifier: MIT */
/*
 * io_uring_request.c - objects, and the requests that fit what they want
 *
 * A request is only collected here. The call that waits hands it over, but for
 * the end of one that goes.
 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "io_uring_state.h"

enum {
	MIN_SLOTS = 64,
	MAX_NOISE = 4, /* reports that nobody wants */
};

static struct io_uring_sqe *new_request(struct uring_state *st)
{
	struct io_uring_sqe *sqe;

	while ((sqe = io_uring_get_sqe(&st->ring)) == NULL)
		iv__uring_submit(st);

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

void iv__uring_push_remove(struct uring_state *st, struct slot *slot)
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
			iv__uring_push_remove(st, slot);
		return;
	}

	/* While it was off the descriptor may have become another file's. */
	if (slot->armed && slot->paused && identify(slot) <= 0)
		iv__uring_push_remove(st, slot);

	slot->noise = 0;
	slot->paused = false;
	if (!slot->armed)
		push_add(st, slot);
	else if (slot->fd->wanted_ & ~slot->mask)
		push_update(st, slot);
	if (slot->fd->wanted_ & slot->spent)
		iv__uring_probe_later(st, slot);
}

void iv__uring_settle_all(struct iv__loop *loop)
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

int iv__uring_add(struct iv__loop *loop, struct iv_fd *fd)
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
	iv__uring_look_later(st, slot);

	return 0;
}

int iv__uring_change(struct iv__loop *loop, struct iv_fd *fd)
{
	struct uring_state *st = loop->backend_state;
	struct slot *slot = &st->slots[fd->index_];

	if (fd->wanted_ == 0)
		slot->paused = true;
	iv__uring_look_later(st, slot);

	return 0;
}

void iv__uring_remove(struct iv__loop *loop, struct iv_fd *fd)
{
	struct uring_state *st = loop->backend_state;
	struct slot *slot = &st->slots[fd->index_];

	slot->fd = NULL;
	slot->next_free = st->first_free;
	st->first_free = fd->index_;
	fd->index_ = NO_SLOT;

	if (st->waiting)
		iv__uring_renew_if_worn(loop);
	if (slot->armed) {
		iv__uring_push_remove(st, slot);
		iv__uring_submit(st);
	}
}

int iv__uring_watch_waker(struct iv__loop *loop)
{
	struct uring_state *st = loop->backend_state;

	st->waker_wanted = true;

	return 0;
}
