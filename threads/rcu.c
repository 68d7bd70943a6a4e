/* SPDX-License-Identifier: MIT */
/*
 * rcu.c - read-copy-update: grace periods, forks, race detectors
 */
#include <pthread.h>
#include "rcu.h"
#ifdef IV__HAVE_VALGRIND
#include <valgrind/drd.h>
#include <valgrind/helgrind.h>
#endif

char iv__rcu_domain;

static int error;

#ifdef IV__HAVE_VALGRIND
/*
 * What readers and updaters of liburcu look at without a lock: the phase, and
 * of each thread its copy, which is what the second variable points to. Both
 * are exported, both begin with that word.
 */
extern unsigned long urcu_bp_gp;
extern _Thread_local unsigned long *urcu_bp_reader;

static void disregard(const unsigned long *word)
{
	VALGRIND_HG_DISABLE_CHECKING(word, sizeof(*word));
	VALGRIND_DO_CLIENT_REQUEST_STMT(VG_USERREQ__DRD_START_SUPPRESSION, word,
					sizeof(*word), 0, 0, 0);
}

/* The word of this thread that was disregarded last; it may get another. */
static _Thread_local const unsigned long *disregarded;

void iv__rcu_untrack(void)
{
	if (iv__watch != IV__WATCH_VALGRIND)
		return;

	/* Makes the word of a thread that has none. */
	urcu_bp_register_thread();
	if (disregarded == urcu_bp_reader)
		return;
	disregarded = urcu_bp_reader;
	disregard(&urcu_bp_gp);
	disregard(urcu_bp_reader);
}
#else
void iv__rcu_untrack(void)
{
}
#endif

/* liburcu's wait may sleep in poll(), with its mutex held. */
void iv__rcu_wait(void)
{
	int cancel_state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	urcu_bp_synchronize_rcu();
	iv__hb_after(&iv__rcu_domain);
	pthread_setcancelstate(cancel_state, NULL);
}

/* Ahead of the program's constructors, which may fork. */
__attribute__((constructor(101))) static void watch_forks(void)
{
	error = pthread_atfork(urcu_bp_before_fork, urcu_bp_after_fork_parent,
			       urcu_bp_after_fork_child);
}

int iv__rcu_error(void)
{
	return error;
}
