/* SPDX-License-Identifier: MIT */
/*
 * kqueue.c - the BSDs' kqueue
 *
 * Changes of interest are gathered and passed with the next wait. Only to
 * start watching is a call of its own, for its errors are wanted at once.
 *
 * A band is a filter that reports as long as it is ready. There is none for
 * errors alone: who wants nothing else has both filters, EV_CLEAR, which then
 * come once for each change and are passed over, unless it is the end. EV_EOF
 * may be half a connection only; poll() knows.
 *
 * What kqueue will not repeat, the end found that way and a filter that it
 * refuses (EPIPE: nobody reads the pipe), goes on a list of ours, whose
 * objects are ready in each round until it is over.
 *
 * A change carries its descriptor's number and, as udata, a generation, by
 * which a report finds its object, or finds that it is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "kqueue_state.h"

/* The most changes that one object makes at once. */
enum { MAX_CHANGES = 4 };

/* Files are ready at their end too, where this can be said. */
#ifdef NOTE_FILE_POLL
enum { READ_FFLAGS = NOTE_FILE_POLL };
#else
enum { READ_FFLAGS = 0 };
#endif

#ifdef EVFILT_USER
#define OPEN_WAKER iv__kqueue_open_waker
#else
#define OPEN_WAKER NULL
#endif

static int open_queue(struct kqueue_state *st)
{
	st->kq = kqueue();
	if (st->kq < 0)
		return -errno;
	fcntl(st->kq, F_SETFD, FD_CLOEXEC);

	return 0;
}

static int kqueue_open(struct iv__loop *loop)
{
	struct kqueue_state *st;
	int ret;

	st = calloc(1, sizeof(*st));
	if (st == NULL)
		return -ENOMEM;

	ret = open_queue(st);
	if (ret < 0) {
		free(st);
		return ret;
	}
	loop->backend_state = st;

	return 0;
}

static void kqueue_close(struct iv__loop *loop)
{
	struct kqueue_state *st = loop->backend_state;

	/* A child has no such descriptor, or it is somebody else's by now. */
	if (!loop->forked)
		close(st->kq);
	free(st->slots);
	free(st->ended);
	free(st);
}

static int reserve(struct kqueue_state *st, int fd)
{
	int num = fd + fd / 2 + 16;
	struct slot *slots;
	struct iv_fd **ended;

	if (fd < st->num_slots)
		return 0;

	ended = realloc(st->ended, (size_t)num * sizeof(struct iv_fd *));
	if (ended == NULL)
		return -ENOMEM;
	st->ended = ended;

	slots = realloc(st->slots, (size_t)num * sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	memset(slots + st->num_slots, 0,
	       (size_t)(num - st->num_slots) * sizeof(*slots));
	st->slots = slots;
	st->num_slots = num;

	return 0;
}

/* Has it nobody at the other end? For some systems a pipe is bad then. */
static bool is_end(const struct kevent *ev)
{
	return ev->data == EPIPE ||
	       (ev->data == EBADF && fcntl((int)ev->ident, F_GETFD) >= 0);
}

static void
judge(struct kqueue_state *st, const struct kevent *ev, struct outcome *own)
{
	struct iv_fd *fd;

	if (own != NULL && (uintptr_t)ev->udata == own->udata) {
		if (is_end(ev)) {
			own->ended = true;
		} else {
			own->num_errors++;
			own->error = (int)ev->data;
		}
		return;
	}

	fd = iv__kqueue_find(st, ev);
	if (fd != NULL)
		iv__kqueue_add_to_ended(st, fd);
}

/* Pass what was gathered now. Receipts keep what is ready where it is. */
void iv__kqueue_apply(struct kqueue_state *st, struct outcome *own)
{
	const struct timespec no_time = { 0, 0 };
	int num = st->num_changes;
	int i;

	for (i = 0; i < num; i++)
		st->changes[i].flags |= EV_RECEIPT;
	do {
		num = kevent(st->kq, st->changes, st->num_changes, st->batch,
			     BATCH, &no_time);
	} while (num < 0 && errno == EINTR);
	if (num < 0)
		iv_fatal("kevent: %s", strerror(errno));

	st->num_changes = 0;
	for (i = 0; i < num; i++) {
		if ((st->batch[i].flags & EV_ERROR) && st->batch[i].data != 0)
			judge(st, &st->batch[i], own);
	}
}

/* Before up to MAX_CHANGES times iv__kqueue_gather(). */
void iv__kqueue_make_room(struct kqueue_state *st)
{
	if (st->num_changes > BATCH - MAX_CHANGES)
		iv__kqueue_apply(st, NULL);
}

void iv__kqueue_gather(struct kqueue_state *st, int fd, int filter,
		       unsigned int flags, uint32_t udata)
{
	unsigned int fflags = filter == EVFILT_READ ? READ_FFLAGS : 0;

	EV_SET(&st->changes[st->num_changes], (uintptr_t)fd, filter, flags,
	       fflags, 0, (void *)(uintptr_t)udata);
	st->num_changes++;
}

/* How @filter is added for these bands; 0: not at all. */
static unsigned int how(unsigned int bands, int filter)
{
	unsigned int band = filter == EVFILT_READ ? IV__BAND_IN : IV__BAND_OUT;

	if (iv__kqueue_waits_for_end(bands))
		return EV_ADD | EV_CLEAR;

	return bands & band ? EV_ADD : 0;
}

static void set_filter(struct kqueue_state *st, const struct iv_fd *fd,
		       int filter, unsigned int from, unsigned int to)
{
	unsigned int before = how(from, filter);
	unsigned int after = how(to, filter);

	if (before == after)
		return;

	/* It may have vanished: that is nobody's error. */
	if (before != 0)
		iv__kqueue_gather(st, fd->fd, filter, EV_DELETE, NOBODY);
	if (after != 0)
		iv__kqueue_gather(st, fd->fd, filter, after,
				  st->slots[fd->fd].generation);
}

/* Gather what leads from bands to bands. */
void iv__kqueue_set_filters(struct kqueue_state *st, const struct iv_fd *fd,
			    unsigned int from, unsigned int to)
{
	iv__kqueue_make_room(st);
	set_filter(st, fd, EVFILT_READ, from, to);
	set_filter(st, fd, EVFILT_WRITE, from, to);
}

/* Gather what shows whether there is a filter for it. */
static void try_filter(struct kqueue_state *st, int fd, int filter)
{
	iv__kqueue_gather(st, fd, filter, EV_ADD | EV_DISABLE,
			  st->slots[fd].generation);
	iv__kqueue_gather(st, fd, filter, EV_DELETE, NOBODY);
}

static uint32_t next_generation(uint32_t generation)
{
	generation++;

	return generation < FIRST_GENERATION ? FIRST_GENERATION : generation;
}

static int kqueue_add(struct iv__loop *loop, struct iv_fd *fd)
{
	struct kqueue_state *st = loop->backend_state;
	struct outcome own = { 0, 0, 0, false };
	struct slot *slot;
	int ret;

	ret = reserve(st, fd->fd);
	if (ret < 0)
		return ret;
	slot = &st->slots[fd->fd];
	if (slot->fd != NULL)
		return -EEXIST;

	slot->generation = next_generation(slot->generation);
	own.udata = slot->generation;
	iv__kqueue_set_filters(st, fd, 0, fd->wanted_);
	if (fd->wanted_ == 0) {
		try_filter(st, fd->fd, EVFILT_READ);
		try_filter(st, fd->fd, EVFILT_WRITE);
	}
	iv__kqueue_apply(st, &own);

	/* A band needs its filter; without one either of them will do. */
	if (own.num_errors > !(fd->wanted_ & (IV__BAND_IN | IV__BAND_OUT))) {
		iv__kqueue_set_filters(st, fd, fd->wanted_, 0);
		return -own.error;
	}
	slot->fd = fd;
	fd->index_ = -1;
	if (own.ended && fd->wanted_ != 0)
		iv__kqueue_add_to_ended(st, fd);

	return 0;
}

static int kqueue_change(struct iv__loop *loop, struct iv_fd *fd)
{
	struct kqueue_state *st = loop->backend_state;

	iv__kqueue_take_off_ended(st, fd);
	iv__kqueue_set_filters(st, fd, fd->watched_, fd->wanted_);

	return 0;
}

static void kqueue_remove(struct iv__loop *loop, struct iv_fd *fd)
{
	struct kqueue_state *st = loop->backend_state;

	iv__kqueue_take_off_ended(st, fd);
	st->slots[fd->fd].fd = NULL;
	iv__kqueue_set_filters(st, fd, fd->watched_, 0);
}

/* A new queue with all objects that are known. */
static int kqueue_reopen(struct iv__loop *loop)
{
	struct kqueue_state *st = loop->backend_state;
	int ret;
	int i;

	ret = open_queue(st);
	if (ret < 0)
		return ret;

	st->num_changes = 0;
	for (i = 0; i < st->num_slots; i++) {
		struct iv_fd *fd = st->slots[i].fd;

		if (fd == NULL)
			continue;
		iv__kqueue_set_filters(st, fd, 0, fd->wanted_);
		fd->watched_ = fd->wanted_;
	}

	return 0;
}

const struct iv__backend iv__backend_kqueue = {
	.name = "kqueue",
	.open = kqueue_open,
	.close = kqueue_close,
	.reopen = kqueue_reopen,
	.add = kqueue_add,
	.change = kqueue_change,
	.remove = kqueue_remove,
	.watch_waker = iv__kqueue_watch_waker,
	.open_waker = OPEN_WAKER,
	.descriptor = iv__kqueue_descriptor,
	.wait = iv__kqueue_wait,
};
