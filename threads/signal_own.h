/* SPDX-License-Identifier: MIT */
/*
 * signal_own.h - what wait.c needs of signal.c
 */
#ifndef IV__SIGNAL_OWN_H
#define IV__SIGNAL_OWN_H

#include <iv_signal.h>

/*
 * Like iv_signal_register(), for the library's own use: always called, beside
 * whatever the program has registered, exclusive or not.
 */
int iv__signal_register_own(struct iv_signal *signal);

/* In a forked child: default actions for the signals that we have handled. */
void iv__signal_reset(void);

#endif
