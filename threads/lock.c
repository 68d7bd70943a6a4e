/* SPDX-License-Identifier: MIT */
/*
 * lock.c - the mutex of what is rare
 */
#include <pthread.h>
#include "lock.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int error;

void iv__lock(void)
{
	pthread_mutex_lock(&mutex);
}

void iv__unlock(void)
{
	pthread_mutex_unlock(&mutex);
}

static void unlock_in_child(void)
{
	iv__signal_forked();
	iv__unlock();
}

static void watch_forks(void)
{
	error = pthread_atfork(iv__lock, iv__unlock, unlock_in_child);
}

int iv__lock_prepare(void)
{
	pthread_once(&once, watch_forks);

	return error;
}
