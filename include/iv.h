/* SPDX-License-Identifier: MIT */
/*
 * iv.h - loops, descriptors, timers, tasks and the clock
 *
 * Each thread that calls iv_init() has a loop of its own. Objects belong to
 * the loop of the thread that registered them, their memory to the caller;
 * callbacks of one thread never overlap.
 *
 * Where a call names no threads it may be made by the object's own thread
 * only; where it names no errors, misuse (a thread without a loop, an object
 * of another thread, registered twice or not at all) ends in iv_fatal() with
 * a text that says what to do. Unless a call says otherwise it is unsafe in
 * a signal handler.
 */
#ifndef IV_H
#define IV_H

#include <stdint.h>
#include <time.h>
#include <iv_list.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The loop *************************************************************/

/*
 * iv_init - open a loop for the calling thread
 *
 * The first call of the process also ignores SIGPIPE and SIGURG and raises
 * the soft limit of open descriptors (to at most 131072). Several threads
 * may make it at the same time. A method that cannot be had (no descriptor
 * left) is replaced by the next best; poll needs none.
 *
 * Errors:  the thread has a loop already, IV_SELECT_POLL_METHOD names no
 *          available method, no method or no memory is left: iv_fatal().
 * Threads: any that has no loop.
 * Source:  ivykis iv_init(3)
 */
void iv_init(void);

/*
 * iv_inited - non-zero when the calling thread has a loop
 *
 * Threads: any. Signals: safe. Source: ivykis iv_init(3)
 */
int iv_inited(void);

/*
 * iv_main - run the loop
 *
 * Returns after iv_quit(), or when no object is registered any more. May be
 * called again, and from a callback (iv_quit() then ends every level).
 *
 * Source: ivykis iv_main(3)
 */
void iv_main(void);

/*
 * iv_quit - have iv_main return
 *
 * What the current round has collected still runs. Without a running
 * iv_main() the call has no effect.
 *
 * Threads: the loop's own; to stop another, iv_loop_stop() it.
 * Source:  ivykis iv_main(3)
 */
void iv_quit(void);

/*
 * iv_deinit - close the calling thread's loop
 *
 * Objects still registered are let go without a call. A thread that ends
 * without this has its loop closed all the same. Pools of the loop end: work
 * that runs is waited for, work not begun is let go, and no completion is
 * called. Legal as soon as iv_main() has returned, also while the poster that
 * ended the loop is still inside its post: that poster's last step is waited
 * for.
 *
 * Errors: inside a callback: iv_fatal().
 * Source: ivykis iv_init(3)
 */
void iv_deinit(void);

/*
 * iv_poll_method_name - how loops of this process wait for the kernel
 *
 * Returns the name of the calling thread's method, without a loop that of
 * the process's first loop, NULL when there was none. A constant string.
 *
 * Threads: any. Source: ivykis iv_poll_method_name(3)
 */
const char *iv_poll_method_name(void);

/* Fatal errors *********************************************************/

/*
 * iv_fatal - report an error that cannot be returned, and abort
 * @fmt: printf format; the text is cut at 1023 bytes
 *
 * The text goes to the handler set below, else to syslog (LOG_CRIT) and, when
 * that is a terminal, to standard error. Does not return.
 *
 * Threads: any. Source: ivykis iv_fatal(3)
 */
void iv_fatal(const char *fmt, ...)
#if defined(__GNUC__)
	__attribute__((noreturn, format(printf, 1, 2)))
#endif
	;

/*
 * iv_set_fatal_msg_handler - be given the texts of iv_fatal()
 * @handler: called with one line without a newline; NULL for the default. When
 *           it returns the process aborts.
 *
 * Threads: any, one at a time. Source: ivykis iv_fatal(3)
 */
void iv_set_fatal_msg_handler(void (*handler)(const char *msg));

/* Time *****************************************************************/

/*
 * iv_now - the loop's time, a struct timespec of CLOCK_MONOTONIC
 *
 * Read once after each wait (on first use) and cached, so that it stands
 * still within a callback. The pointers stay valid until iv_deinit().
 *
 * Source: ivykis iv_time(3)
 */
#define iv_now (*__iv_now_location_valid())

const struct timespec *__iv_now_location(void);
const struct timespec *__iv_now_location_valid(void);

/* iv_invalidate_now - have the next use of iv_now read the clock again */
void iv_invalidate_now(void);

/*
 * iv_validate_now - nothing to do: iv_now is always valid
 *
 * The function behind the macro serves programs built for old releases.
 */
void iv_validate_now(void);
#define iv_validate_now()

/* Descriptors **********************************************************/

struct iv_fd {
	int fd;	      /* frozen while registered */
	void *cookie; /* may change at any time */
	void (*handler_in)(void *cookie);
	void (*handler_out)(void *cookie);
	void (*handler_err)(void *cookie);

	/* The library's own; first what each report touches. */
	struct iv_list_head ready_;
	uint8_t wanted_, watched_, fired_, flags_;
	int index_;
	struct iv__loop *loop_;
	struct iv_list_head dirty_;
	void *backend_[5];
};

/*
 * IV_FD_INIT - make @fd unregistered, without handlers
 *
 * Threads: any, also without iv_init(). Source: ivykis iv_fd(3)
 */
void IV_FD_INIT(struct iv_fd *fd);

/*
 * iv_fd_register - watch a descriptor
 * @fd: initialised; fd and as wanted cookie and handlers set
 *
 * Level-triggered: a handler is called in each round in which its band is
 * ready. An error or hang-up makes all three bands ready. Order: error, in,
 * out. Makes the descriptor non-blocking and close-on-exec, and has sockets
 * deliver urgent data in line.
 *
 * May be unregistered, and its memory freed, from any callback of the
 * thread, its own included. Unregister before closing the descriptor.
 *
 * Errors: a descriptor that is invalid, cannot be polled, or (except with poll)
 *         is registered in this thread already: iv_fatal(), here or at the
 *         next wait.
 * Source: ivykis iv_fd(3)
 */
void iv_fd_register(struct iv_fd *fd);

/*
 * iv_fd_register_try - the same, for a descriptor that may not be pollable
 *
 * Returns 0, or -1 with errno set (EBADF, EPERM, EEXIST, ENOMEM, ENOSPC):
 * then it is not registered and the descriptor is as it was.
 *
 * Source: ivykis iv_fd(3)
 */
int iv_fd_register_try(struct iv_fd *fd);

/* iv_fd_unregister - stop watching; no handler is called afterwards */
void iv_fd_unregister(struct iv_fd *fd);

/*
 * iv_fd_registered - non-zero when registered
 *
 * Threads: the object's own; before registration any.
 */
int iv_fd_registered(const struct iv_fd *fd);

/*
 * iv_fd_set_handler_in, _out, _err - change a handler; NULL: not interested
 *
 * Only while registered; costs no system call of its own. A handler set while
 * its band is ready is called in the next round.
 *
 * Source: ivykis iv_fd(3)
 */
void iv_fd_set_handler_in(struct iv_fd *fd, void (*handler)(void *cookie));
void iv_fd_set_handler_out(struct iv_fd *fd, void (*handler)(void *cookie));
void iv_fd_set_handler_err(struct iv_fd *fd, void (*handler)(void *cookie));

/* Tasks ****************************************************************/

struct iv_task {
	void *cookie;
	void (*handler)(void *cookie);

	/* The library's own. */
	struct iv_list_head list_;
	struct iv__loop *loop_;
	uintptr_t round_;
	void *reserved_[2];
};

/* IV_TASK_INIT - make @task unregistered; from any thread */
void IV_TASK_INIT(struct iv_task *task);

/*
 * iv_task_register - run a handler once, before the loop sleeps
 * @task: initialised, not registered; cookie and handler set
 *
 * It is unregistered before the handler runs, so the handler may register or
 * free it. One that registers itself again waits for the next round, with a
 * look at the descriptors between; another one runs in this round.
 *
 * Source: ivykis iv_task(3)
 */
void iv_task_register(struct iv_task *task);
void iv_task_unregister(struct iv_task *task);
int iv_task_registered(const struct iv_task *task);

/* Timers ***************************************************************/

struct iv_timer {
	struct timespec expires; /* frozen while registered */
	void *cookie;		 /* this and the handler may change */
	void (*handler)(void *cookie);

	/* The library's own. */
	struct iv_timer *next_;
	struct iv_timer **pprev_;
	struct iv_timer *child_;
	uintptr_t seq_;
};

/* IV_TIMER_INIT - make @timer unregistered; from any thread */
void IV_TIMER_INIT(struct iv_timer *timer);

/*
 * iv_timer_register - start a timer on the calling thread's loop
 * @timer: initialised, not registered; the caller's memory, kept alive
 *         until the handler starts or iv_timer_unregister() returns
 *
 * timer->expires is an absolute CLOCK_MONOTONIC time, in seconds and
 * nanoseconds; usually iv_now plus a delay. A past time is due at once,
 * but the handler never runs inside this call, and one registered by a timer
 * handler waits for the next round. Equal times run in order of registration.
 * It runs once, on this thread, with the timer already unregistered, so it
 * may register again or free it. No limit on their number.
 *
 * Source: ivykis iv_timer(3)
 */
void iv_timer_register(struct iv_timer *timer);

/* iv_timer_unregister - cancel; also one that is due in this very batch */
void iv_timer_unregister(struct iv_timer *timer);
int iv_timer_registered(const struct iv_timer *timer);

#ifdef __cplusplus
}
#endif

#endif
