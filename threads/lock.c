/* SPDX-License-Identifier: MIT */
/*
 * lock.c - the mutex of what is rare
 */
#include <pthread.h>
#include "channel.h"
#include "event_handle.h"
#include "lock.h"
#include "merge.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
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
	iv__inboxes_forked();
	iv__merge_forked();
	iv__event_slots_forked();
	iv__channels_forked();
	iv__unlock();
}

/* What every thread reads is made before there is a second one. */
__attribute__((constructor)) static void watch_forks(void)
{
	error = pthread_atfork(iv__lock, iv__unlock, unlock_in_child);
}

int iv__lock_error(void)
{
	return error;
}
