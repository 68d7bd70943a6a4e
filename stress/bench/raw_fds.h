/* SPDX-License-Identifier: MIT */
/*
 * The reference of the descriptor cases: a loop over epoll as one writes it
 * for one program. Level-triggered, the object's address in the entry, each
 * change told to the kernel at once. No timers, no check of anything, and no
 * care for objects that go away inside a batch.
 */
#ifndef BENCH_RAW_FDS_H
#define BENCH_RAW_FDS_H

#include <stdint.h>

struct raw_fd {
	int fd;
	uint32_t events;
	void *cookie;
	void (*readable)(void *cookie);
	void (*writable)(void *cookie);
};

struct raw_fds {
	int epoll_fd;
	int quit;
};

void raw_fds_open(struct raw_fds *loop);
void raw_fds_run(struct raw_fds *loop);

/* EPOLL_CTL_ADD, _MOD or _DEL with fd->events. */
void raw_fds_control(struct raw_fds *loop, int op, struct raw_fd *fd);

#endif
