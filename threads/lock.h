/* SPDX-License-Identifier: MIT */
/*
 * lock.h - the mutex of what is rare
 *
 * Who changes a registry that threads share, and who kills or buries a child.
 * Never taken by a post, in a signal handler or around a callback. A forked
 * child finds it free, whatever other threads were doing.
 */
#ifndef IV__LOCK_H
#define IV__LOCK_H

void iv__lock(void);
void iv__unlock(void);

/* 0, or the error number because of which it would not survive a fork. */
int iv__lock_error(void);

/* signal.c: in a forked child, with the lock held. */
void iv__signal_forked(void);

#endif
