/* SPDX-License-Identifier: MIT */
/*
 * epoll_state.h - what the files of the epoll backend share
 *
 *	epoll.c      objects, waiting, and what comes of it
 *	epoll_set.c  making the set, and another one in its place
 */
#ifndef IV__EPOLL_STATE_H
#define IV__EPOLL_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include "../backend.h"
#include "../loop.h"

enum { BATCH = 256 };

/* Numbers in entries that no descriptor has. */
#define WAKER UINT32_MAX
#define TIMER (UINT32_MAX - 1)

struct slot {
	struct iv_fd *fd;    /* NULL: no entry of ours */
	uint32_t generation; /* of the entry made last */
};

struct epoll_state {
	int epfd;
	int host;	   /* what a host polls; -1: none does */
	int timerfd;	   /* -1: none, timeouts go with the wait */
	uint64_t armed_ns; /* when the timer goes off; 0: not at all */
	bool milliseconds; /* the kernel has nothing finer */
	bool stale;	   /* the set has entries of nobody */
	int num_slots;
	struct slot *slots; /* by descriptor number */
	struct epoll_event batch[BATCH];
};

/* epoll.c */

/* epoll_ctl() with what an object wants. 0 or -errno. */
int iv__epoll_control(struct epoll_state *st, int op, const struct iv_fd *fd);

/* epoll_set.c */

/* 0 or -errno; a timer wants the set. */
int iv__epoll_open_set(struct epoll_state *st);
int iv__epoll_open_timer(struct epoll_state *st);
void iv__epoll_close_own(struct epoll_state *st);

int iv__epoll_watch_waker(struct iv__loop *loop);
int iv__epoll_reopen(struct iv__loop *loop);

/* The set has entries of nobody: have another one, if there is room. */
void iv__epoll_renew(struct iv__loop *loop);

#endif
