/* SPDX-License-Identifier: MIT */
/*
 * iv_tls.h - state that each loop carries for a module
 */
#ifndef IV_TLS_H
#define IV_TLS_H

#include <stddef.h>
#include <iv_list.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iv_tls_user {
	size_t sizeof_state;		    /* bytes each loop carries */
	void (*init_thread)(void *state);   /* may be NULL */
	void (*deinit_thread)(void *state); /* may be NULL */

	/* The library's own. */
	struct iv_list_head list_;
	int offset_;
};

/*
 * iv_tls_user_register - give every later loop a piece of state
 * @user: filled in by the caller; kept by the library for ever, so usually
 *        static
 *
 * Each loop opened afterwards holds user->sizeof_state bytes, zeroed and
 * aligned for any object. init_thread runs at the end of iv_init(),
 * deinit_thread at the start of iv_deinit(), both on the loop's thread, where
 * the whole interface may be used; deinit_thread in the reverse order.
 *
 * Errors:  called after the process's first iv_init(): iv_fatal().
 * Threads: one at a time, before the first iv_init(); from a constructor.
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_tls(3)
 */
void iv_tls_user_register(struct iv_tls_user *user);

/*
 * iv_tls_user_ptr - the calling thread's state of a registered user
 *
 * Returns NULL on a thread that has no loop. The memory lives until the end
 * of the thread's iv_deinit().
 *
 * Threads: any. Signals: safe on a thread that is not inside iv_init() or
 * iv_deinit().
 * Source:  ivykis iv_tls(3)
 */
void *iv_tls_user_ptr(const struct iv_tls_user *user);

#ifdef __cplusplus
}
#endif

#endif
