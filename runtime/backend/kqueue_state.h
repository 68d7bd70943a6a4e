/* SPDX-License-Identifier: MIT */
/*
 * kqueue_state.h - what the files of the kqueue backend share
 *
 *	kqueue.c        objects, and passing what changes
 *	kqueue_wait.c   waiting, and what comes of it
 *	kqueue_waker.c  ending a wait from outside
 */
#ifndef IV__KQUEUE_STATE_H
#define IV__KQUEUE_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/event.h>
#include "../backend.h"
#include "../loop.h"

enum { BATCH = 256 };

/* udata: whose it is, or a generation. */
enum { NOBODY, WAKER, FIRST_GENERATION };

struct slot {
	struct iv_fd *fd; /* NULL: not watched */
	uint32_t generation;
};

struct kqueue_state {
	int kq;
	int num_changes;
	int num_slots;
	struct slot *slots; /* by descriptor number */
	int num_ended;
	struct iv_fd **ended; /* room for all; an object's index_ */
	struct kevent changes[BATCH];
	struct kevent batch[BATCH]; /* room for an error of each change */
};

/* What became of changes that were passed by a call of their own. */
struct outcome {
	uint32_t udata; /* theirs */
	int num_errors;
	int error;
	bool ended; /* refused, since there is nobody at the other end */
};

/* The object that an event is about, or NULL. */
static inline struct iv_fd *
iv__kqueue_find(const struct kqueue_state *st, const struct kevent *ev)
{
	const struct slot *slot;

	if (ev->ident >= (uintptr_t)st->num_slots)
		return NULL;

	slot = &st->slots[ev->ident];

	return slot->generation == (uintptr_t)ev->udata ? slot->fd : NULL;
}

static inline void
iv__kqueue_add_to_ended(struct kqueue_state *st, struct iv_fd *fd)
{
	if (fd->index_ >= 0)
		return;

	fd->index_ = st->num_ended;
	st->ended[st->num_ended++] = fd;
}

/* The last one takes its place. */
static inline void
iv__kqueue_take_off_ended(struct kqueue_state *st, struct iv_fd *fd)
{
	if (fd->index_ < 0)
		return;

	st->ended[fd->index_] = st->ended[--st->num_ended];
	st->ended[fd->index_]->index_ = fd->index_;
	fd->index_ = -1;
}

/* All that is wanted is to hear of the end. */
static inline bool iv__kqueue_waits_for_end(unsigned int bands)
{
	return bands == IV__BAND_ERR;
}

/* kqueue.c */

/* Pass what was gathered now. Receipts keep what is ready where it is. */
void iv__kqueue_apply(struct kqueue_state *st, struct outcome *own);

/* Before the changes of one object. */
void iv__kqueue_make_room(struct kqueue_state *st);
void iv__kqueue_gather(struct kqueue_state *st, int fd, int filter,
		       unsigned int flags, uint32_t udata);

/* Gather what leads from bands to bands. */
void iv__kqueue_set_filters(struct kqueue_state *st, const struct iv_fd *fd,
			    unsigned int from, unsigned int to);

/* kqueue_wait.c */
void iv__kqueue_wait(struct iv__loop *loop, int64_t timeout_ns);
int iv__kqueue_descriptor(struct iv__loop *loop, int64_t *timeout_ns);

/* kqueue_waker.c */
int iv__kqueue_watch_waker(struct iv__loop *loop);

/* Not called where there is no EVFILT_USER. */
int iv__kqueue_open_waker(struct iv__loop *loop);

/* An event of the waker, whichever it is. */
void iv__kqueue_collect_wake(struct iv__loop *loop, const struct kevent *ev);

#endif
