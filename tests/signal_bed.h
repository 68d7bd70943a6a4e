/* SPDX-License-Identifier: MIT */
/*
 * signal_bed.h - what the tests of signals share
 */
#ifndef SIGNAL_BED_H
#define SIGNAL_BED_H

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <iv.h>
#include <iv_signal.h>

/* Filled with rubbish first, as binaries built long ago hand it over. */
static inline void
fill_signal(struct iv_signal *sig, int signum, unsigned int flags,
	    void (*handler)(void *cookie), void *cookie)
{
	memset(sig, 0xa5, sizeof(*sig));
	IV_SIGNAL_INIT(sig);
	sig->signum = signum;
	sig->flags = flags;
	sig->handler = handler;
	sig->cookie = cookie;
}

/* Also in threads and children that cannot assert. */
static inline void
expect_signal(struct iv_signal *sig, int signum, unsigned int flags,
	      void (*handler)(void *cookie), void *cookie)
{
	fill_signal(sig, signum, flags, handler, cookie);
	if (iv_signal_register(sig) != 0)
		abort();
}

static inline bool is_default(int signum)
{
	struct sigaction action;

	return sigaction(signum, NULL, &action) == 0 &&
	       action.sa_handler == SIG_DFL;
}

struct rounds {
	struct iv_timer timer;
	int left;
};

static inline void next_round(void *cookie)
{
	struct rounds *rounds = cookie;

	if (rounds->left-- == 0)
		iv_quit();
	else
		iv_timer_register(&rounds->timer);
}

/* What has been delivered so far runs, and what follows from it. */
static inline void run_rounds(void)
{
	struct rounds rounds = { .left = 3 };

	IV_TIMER_INIT(&rounds.timer);
	rounds.timer.expires = iv_now;
	rounds.timer.cookie = &rounds;
	rounds.timer.handler = next_round;
	iv_timer_register(&rounds.timer);
	iv_main();
}

#endif
