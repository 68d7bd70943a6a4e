/* SPDX-License-Identifier: MIT */
/*
 * host_bed.h - a host: it waits for a loop, and lets it run
 *
 * A method that has no descriptor for hosts must say so each time; the rest of
 * a case then runs by single rounds.
 */
#ifndef CONFORMANCE_HOST_BED_H
#define CONFORMANCE_HOST_BED_H

#include "bed.h"

/* How long to wait, and for what; -1: a method without one. */
int host_prepare(int64_t *timeout_ns);

/* 1: the loop wants a round; 0: it does not, yet. */
int host_wait(int fd, int64_t timeout_ns);

/* Wait, and one round of the loop. */
int host_turn(void);

/* As often as it takes until @own was called @num times more. */
void host_turn_until_called(struct probe *own, int num);

/* Nothing happens, and the host is not kept busy with it. */
void host_expect_quiet(struct probe *own);

/* Between these it waits in a set of its own, where the loop is put once. */
void host_open_set(void);
void host_close_set(void);

#endif
