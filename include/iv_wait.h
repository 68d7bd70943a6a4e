/* SPDX-License-Identifier: MIT */
/*
 * iv_wait.h - learn how child processes stop, continue and end
 */
#ifndef IV_WAIT_H
#define IV_WAIT_H

#include <sys/resource.h>
#include <sys/types.h>
#include <iv.h>
#include <iv_avl.h>
#include <iv_event.h>
#include <iv_list.h>

#ifdef __cplusplus
extern "C" {
#endif

struct iv__pidfd;
struct iv__waits;

struct iv_wait_interest {
	pid_t pid;
	void *cookie;
	void (*handler)(void *cookie, int status, const struct rusage *rusage);

	/* The library's own. */
	union {
		struct {
			struct iv_list_head list;
			struct iv__pidfd *pidfd;
			union {
				struct iv__waits *waits;
				struct iv_timer retry;
			} by;
			pid_t process;
			int state;
		} child;
		struct {
			struct iv_avl_node node;
			struct iv_event event;
			struct iv_list_head list;
			void *pointer;
			unsigned int flags;
		} room;
	} private_;
};

/* Nothing to initialise: kept because programs call it. */
static inline void IV_WAIT_INTEREST_INIT(struct iv_wait_interest *interest)
{
	(void)interest;
}

/*
 * iv_wait_interest_register - be told what happens to a child process
 * @interest: pid, cookie and handler set, not registered; the caller's
 *            memory, kept until iv_wait_interest_unregister() returns
 *
 * Each status that wait4(2) has for this child (exit, kill, stop, continue)
 * is handed to the handler, in the calling thread, with the child's resource
 * usage at that time. This includes a child that has ended already, as long
 * as nobody else has waited for it. No other child is ever waited for. After
 * the status that ends the child no other follows; the object stays
 * registered and keeps its loop alive until it is unregistered.
 *
 * The first registration of a loop installs the library's SIGCHLD handler;
 * docs/wait.md says what a program can expect that ignores, blocks or takes
 * over SIGCHLD. Without memory or descriptors for this the loop looks at the
 * child 50 times a second instead.
 *
 * Somebody else waited for the child, or the system did because the program
 * ignores SIGCHLD: then its status is lost, and the handler is told an exit
 * with status 255 and no resource usage.
 *
 * Errors:  a pid below 1: iv_fatal(). One object for a pid, else undefined.
 * Threads: one that called iv_init().
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_wait(3)
 */
void iv_wait_interest_register(struct iv_wait_interest *interest);

/*
 * iv_wait_interest_register_spawn - start a child process and register
 * @interest: cookie and handler set; pid is set by this call
 * @fn:       what the child runs; when it returns, the child exits with 1
 * @cookie:   handed to @fn
 *
 * No status of the child is lost, however soon it ends. The child has the
 * caller's signal mask; signals that the library handles have their default
 * action in it. Where other threads hold locks it should do no more than
 * what is safe in a signal handler, up to exec.
 *
 * Returns 0, or -1 with errno set (EAGAIN, ENOMEM, EMFILE, ENFILE): there is
 * no child then and nothing is registered.
 *
 * Threads: one that called iv_init().
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_wait(3)
 */
int iv_wait_interest_register_spawn(struct iv_wait_interest *interest,
				    void (*fn)(void *cookie), void *cookie);

/*
 * iv_wait_interest_unregister - take no more interest in a child
 *
 * May be called from any callback of the thread, the object's own included;
 * the handler is not called afterwards and the memory may be freed at once.
 * The child is left alone: it is neither killed nor waited for.
 *
 * Errors:  not registered, or with another thread's loop: iv_fatal().
 * Threads: the one that registered it.
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_wait(3)
 */
void iv_wait_interest_unregister(struct iv_wait_interest *interest);

/*
 * iv_wait_interest_kill - send a signal to a child
 * @interest: registered
 * @sig:      the signal; 0 only tests whether it could be sent
 *
 * Never hits another process that was given the pid of a child that ended.
 *
 * Returns 0; -ESRCH with errno set to ESRCH when the child has ended and was
 * waited for; else -1 with errno set (EINVAL, EPERM).
 *
 * Threads: any of the process that registered it, while it stays registered.
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_wait(3)
 */
int iv_wait_interest_kill(const struct iv_wait_interest *interest, int sig);

#ifdef __cplusplus
}
#endif

#endif
