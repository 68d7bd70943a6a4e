/* SPDX-License-Identifier: MIT */
/*
 * semaphore.h - wait for a semaphore, but not for ever
 */
#ifndef IV__SEMAPHORE_H
#define IV__SEMAPHORE_H

#include <errno.h>
#include <semaphore.h>
#include <stdint.h>
#include <time.h>

#ifdef IV__HAVE_SEM_CLOCKWAIT
#define IV__SEM_CLOCK CLOCK_MONOTONIC
#define iv__sem_wait_until(sem, until) sem_clockwait(sem, IV__SEM_CLOCK, until)
#else
/* A clock that jumps ends a wait early or late, no more. */
#define IV__SEM_CLOCK CLOCK_REALTIME
#define iv__sem_wait_until(sem, until) sem_timedwait(sem, until)
#endif

/* Signals do not end it. 0 or -ETIMEDOUT. @timeout_ns: negative for none. */
static inline int iv__sem_wait(sem_t *sem, int64_t timeout_ns)
{
	struct timespec until;
	int ret;

	if (timeout_ns >= 0) {
		clock_gettime(IV__SEM_CLOCK, &until);
		until.tv_sec += timeout_ns / 1000000000;
		until.tv_nsec += timeout_ns % 1000000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
	}

	do {
		ret = timeout_ns < 0 ? sem_wait(sem)
				     : iv__sem_wait_until(sem, &until);
	} while (ret < 0 && errno == EINTR);

	return ret < 0 ? -errno : 0;
}

#endif
