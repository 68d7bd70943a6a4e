/* SPDX-License-Identifier: MIT */
/*
 * io_uring_state.h - what the files of the io_uring backend share
 *
 *	io_uring.c          rings: opening, replacing, closing them
 *	io_uring_request.c  objects, and requests that fit what they want
 *	io_uring_wait.c     waiting, and what comes of it
 */
#ifndef IV__IO_URING_STATE_H
#define IV__IO_URING_STATE_H

#include <liburing.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "../backend.h"
#include "../loop.h"

enum {
	NO_SLOT = -1,
	FEW_SLOTS = 512, /* what a small ring is good for */
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

/* Its request may not fit what is wanted. */
static inline void
iv__uring_look_later(struct uring_state *st, struct slot *slot)
{
	if (slot->changed)
		return;

	slot->changed = true;
	st->changed.items[st->changed.num++] = (int)(slot - st->slots);
}

/* It has reported; poll() may tell more. */
static inline void
iv__uring_probe_later(struct uring_state *st, struct slot *slot)
{
	if (slot->probed)
		return;

	slot->probed = true;
	st->probed.items[st->probed.num++] = (int)(slot - st->slots);
}

/* io_uring.c */

/* A kernel short of memory: do not press it. */
void iv__uring_nap(void);

/* What a call that entered the kernel has returned. */
void iv__uring_check(struct uring_state *st, int ret);

/* Hand the kernel what was collected, and have it do what it has put off. */
void iv__uring_submit(struct uring_state *st);

/* Replace the ring. */
void iv__uring_renew(struct iv__loop *loop);

/* From now on somebody polls the ring. 0 or -errno. */
int iv__uring_stop_deferring(struct iv__loop *loop);

/*
 * Replace the ring of a thread that was cancelled in it, and one that has lost
 * reports or has become too small. True: wakes may have been found on the way.
 */
static inline bool iv__uring_renew_if_worn(struct iv__loop *loop)
{
	const struct uring_state *st = loop->backend_state;

	if (!st->waiting && !st->lossy && !st->narrow)
		return false;

	iv__uring_renew(loop);

	return true;
}

/* io_uring_request.c */
int iv__uring_add(struct iv__loop *loop, struct iv_fd *fd);
int iv__uring_change(struct iv__loop *loop, struct iv_fd *fd);
void iv__uring_remove(struct iv__loop *loop, struct iv_fd *fd);
int iv__uring_watch_waker(struct iv__loop *loop);

/* Make the kernel's requests fit what is wanted. */
void iv__uring_settle_all(struct iv__loop *loop);

/* Cancel the request of a slot. */
void iv__uring_push_remove(struct uring_state *st, struct slot *slot);

/* io_uring_wait.c */
void iv__uring_wait(struct iv__loop *loop, int64_t timeout_ns);
int iv__uring_descriptor(struct iv__loop *loop, int64_t *timeout_ns);

#endif
