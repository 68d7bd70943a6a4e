/* SPDX-License-Identifier: MIT */
/*
 * iv_loop.h - the loops of the process, known to every thread
 *
 * Each loop is listed from iv_init() to iv_deinit() or the end of its thread,
 * whoever opened it: the program, or a pool for a worker.
 */
#ifndef IV_LOOP_H
#define IV_LOOP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Names a loop, for as long as the process lives: no two loops ever have the
 * same. 0 names none. Any other number may be given to the calls below.
 */
typedef uint64_t iv_loop_id;

/* The bytes of the longest name, its final zero included. */
enum { IV_LOOP_NAME_SIZE = 64 };

/*
 * iv_loop_self - the calling thread's loop; 0 when it has none
 *
 * Threads: any.
 * Signals: safe in a signal handler.
 */
iv_loop_id iv_loop_self(void);

/*
 * iv_loop_count - how many loops the process has at this moment
 *
 * Threads: any, with a loop or without. Never waits.
 * Signals: safe in a signal handler.
 */
size_t iv_loop_count(void);

/*
 * iv_loop_next - go through the loops of the process
 * @after: 0 to begin, then what the last call returned; that loop may have
 *         ended meanwhile
 *
 *	for (id = iv_loop_next(0); id != 0; id = iv_loop_next(id))
 *		...
 *
 * Returns 0 when there are no more. A loop that is open from the first call
 * to the last is returned once; one that opens or ends between is returned
 * once or not at all. When the call returned it, it was open; when the caller
 * looks at the number, it may have ended. The order means nothing.
 *
 * Threads: any, with a loop or without. Never waits.
 * Signals: safe in a signal handler.
 */
iv_loop_id iv_loop_next(iv_loop_id after);

/*
 * iv_loop_find - look a loop up by its name
 * @name: as given to iv_loop_set_name(), up to its last byte
 * @id: receives the loop; untouched on errors
 *
 * Of several with the same name, it is one. Takes time in proportion to the
 * loops of the process. The loop may have ended when the call returns.
 *
 * Errors:  -ESRCH no loop has that name, or it is empty; -EINVAL a pointer is
 *          NULL.
 * Threads: any, with a loop or without. Never waits for another.
 * Signals: unsafe in a signal handler.
 */
int iv_loop_find(const char *name, iv_loop_id *id);

/*
 * iv_loop_set_name - name the calling thread's loop
 * @name: copied; up to IV_LOOP_NAME_SIZE - 1 bytes; empty: none any more
 *
 * The thread gets the name too, as pthread_setname_np() would give it, cut to
 * the 15 bytes that the system allows; an empty name leaves the thread's. A
 * loop has no name at first. Several loops may have the same.
 *
 * Replacing a name waits for readers that are inside iv_loop_find() or
 * iv_loop_get_name(), which takes microseconds.
 *
 * Errors:  -ENAMETOOLONG; -ENOMEM; -EINVAL @name is NULL; -ESRCH the thread
 *          has no loop. Nothing has changed then.
 * Threads: one that called iv_init().
 * Signals: unsafe in a signal handler.
 */
int iv_loop_set_name(const char *name);

/*
 * iv_loop_get_name - copy a loop's name
 * @buf: receives it with a final zero; untouched on errors
 * @size: of @buf; IV_LOOP_NAME_SIZE is always enough
 *
 * A loop without a name has an empty one.
 *
 * Errors:  -ESRCH the loop has ended, or never was; -ERANGE @size is too
 *          small; -EINVAL @buf is NULL.
 * Threads: any, with a loop or without. Never waits for another.
 * Signals: unsafe in a signal handler.
 */
int iv_loop_get_name(iv_loop_id id, char *buf, size_t size);

/*
 * iv_loop_listen - let other threads call the calling thread's loop
 *
 * Opens what wakes the loop from outside, if it has none yet. Registering an
 * event, a channel, a signal or a child, creating a thread or a pool does the
 * same; only a loop that does nothing of this needs the call. It does not keep
 * iv_main() running.
 *
 * Errors:  -ENOMEM, -EMFILE, -ENFILE, -ENOSPC; -ESRCH the thread has no loop;
 *          -ENOTSUP it is a pool's worker, which waits for items and not for
 *          calls.
 * Threads: one that called iv_init().
 * Signals: unsafe in a signal handler.
 */
int iv_loop_listen(void);

/*
 * iv_loop_call - run a function on another thread's loop, without waiting
 * @id: the loop; also the calling thread's own
 * @function: run there once, as a callback, in the order of calls to @id
 * @cookie: its argument
 * @dropped: called with @cookie if the loop ends before its turn comes; on
 *           the loop's thread, which must not use the loop. NULL: nothing
 *
 * The loop has to run: what is called waits while it is outside of iv_main().
 * What was written before the call is seen by @function.
 *
 * Errors:  -ESRCH the loop has ended, or never was; -ENOTCONN nothing wakes
 *          it, see iv_loop_listen(); -ENOMEM; -EINVAL @function is NULL.
 *          Neither function is called then.
 * Threads: any, with a loop or without. Takes a lock for a moment.
 * Signals: unsafe in a signal handler.
 */
int iv_loop_call(iv_loop_id id, void (*function)(void *cookie), void *cookie,
		 void (*dropped)(void *cookie));

/*
 * iv_loop_call_wait - run a function on another thread's loop, and wait
 * @function: run there as with iv_loop_call(); in place if @id is the calling
 *            thread's own loop
 * @timeout_ns: how long to wait; 0: not at all; negative: for ever
 * @result: receives what @function returned; untouched on errors; may be NULL
 *
 * Meanwhile the calling thread is blocked: its own loop, if it has one, serves
 * nobody, and who waits for it waits for this too. What @function wrote is
 * seen behind the call. No cancellation point.
 *
 * Errors:  -ESRCH the loop has ended, or did so before @function returned;
 *          -ENOTCONN, -ENOMEM, -EINVAL as for iv_loop_call(); -EDEADLK the
 *          loop waits for this thread's, perhaps by way of others, whatever
 *          the timeouts; -ETIMEDOUT the function has not begun and never
 *          will; -EINPROGRESS it has begun and was not done in time: it goes
 *          on, and @cookie must last until then.
 * Threads: any, with a loop or without.
 * Signals: unsafe in a signal handler.
 */
int iv_loop_call_wait(iv_loop_id id, int (*function)(void *cookie),
		      void *cookie, int64_t timeout_ns, int *result);

/*
 * iv_loop_stop - have a loop's iv_main() return, from any thread
 * @id: also the calling thread's own
 *
 * Handlers that run are finished, and what is collected with them, as behind
 * iv_quit(). Unlike that it lasts: an iv_main() that is called later returns
 * after one round, nested ones too. What then ends pools, channels and children is the
 * thread's own iv_deinit(), which it is expected to call. See iv_loop_end() for
 * an end that lets them finish.
 *
 * Errors:  -ESRCH the loop has ended, or never was; -ENOTCONN nothing wakes
 *          it: it stops when it begins to listen, see iv_loop_listen().
 * Threads: any, with a loop or without. Does not wait for the loop.
 * Signals: unsafe in a signal handler.
 */
int iv_loop_stop(iv_loop_id id);

/*
 * iv_loop_stopped - was the calling thread's loop told to stop, or to end?
 *
 * Errors:  no loop: iv_fatal().
 * Threads: one that called iv_init().
 * Signals: unsafe in a signal handler.
 */
int iv_loop_stopped(void);

/*
 * iv_loop_join - wait until a loop has ended
 * @timeout_ns: how long; 0: only look; negative: for ever
 *
 * Returns 0 when iv_deinit() of the loop, or the clean-up of its thread, has
 * come to its end beside this call: pools, channels and objects of its thread
 * are done with. The thread itself may go on. No cancellation point.
 *
 * Errors:  -ESRCH it had ended before, or never was; -ETIMEDOUT; -EDEADLK it
 *          is the calling thread's, or waits for that; or it is to end in
 *          order, perhaps since then, and has created this thread.
 * Threads: any, with a loop or without. The caller's loop serves nobody
 *          meanwhile.
 * Signals: unsafe in a signal handler.
 */
int iv_loop_join(iv_loop_id id, int64_t timeout_ns);

/* What is to become of work and messages that are waiting when a loop ends. */
enum {
	IV_LOOP_CANCEL = 0, /* let go */
	IV_LOOP_DRAIN = 1,  /* run and delivered first */
};

/*
 * iv_loop_end - have a loop end in order, and wait for that
 * @id: also the calling thread's own, which is told and not waited for
 * @how: IV_LOOP_DRAIN or IV_LOOP_CANCEL
 * @timeout_ns: how long all of it may take; 0: no time; negative: for ever
 * @remains: called on the calling thread for each thing that has not ended
 *           then, with a text in words, in front of which stands the loop's
 *           name, if it has one; NULL: not
 *
 * The loop closes its channels for senders and its pools for their threads.
 * DRAIN: what was sent is delivered, what was submitted is run and completed.
 * CANCEL: messages are given to dropped, and items that have not begun are let
 * go, as by iv_deinit(): neither work nor completion is called. Either way
 * work that runs is completed. Descriptors, timers, posts and calls are served
 * meanwhile. When nothing of this is left and the threads that the loop has
 * created have been joined, or the time is over, its iv_main() returns, and
 * iv_deinit() is expected. iv_loop_stopped() says so from the beginning;
 * nested iv_main()s return at once.
 *
 * When told more than once, CANCEL and the earlier time are what counts.
 * iv_loop_stop(), or iv_quit() in a handler, cuts it short.
 *
 * Returns 0 when the loop has ended, as iv_loop_join(). No cancellation point.
 * One that does not listen is waited for as well: it is told when it begins
 * to. The own one begins to listen here.
 *
 * Errors:  -ESRCH it had ended before, or never was; -EDEADLK it is the
 *          calling thread's, or waits for that, as who has created it does:
 *          it was told, and ends; -ETIMEDOUT, 50 ms later than asked when the
 *          loop does not say in time what remains; -EINVAL @how; of the own
 *          loop also those of iv_loop_listen(), then it was not told.
 * Threads: any, with a loop or without. The caller's loop serves nobody
 *          meanwhile.
 * Signals: unsafe in a signal handler.
 */
int iv_loop_end(iv_loop_id id, int how, int64_t timeout_ns,
		void (*remains)(void *cookie, iv_loop_id id, const char *what),
		void *cookie);

/*
 * iv_loop_end_all - the same for all loops but the caller's, at once
 * @timeout_ns: one for all of them
 *
 * Pools' workers are left out: they end when their pool's owner does. Returns
 * how many loops remain, each of them named to @remains, or -EINVAL.
 *
 * Threads, Signals: as iv_loop_end().
 */
int iv_loop_end_all(int how, int64_t timeout_ns,
		    void (*remains)(void *cookie, iv_loop_id id,
				    const char *what),
		    void *cookie);

/*
 * iv_loop_run_once - one round of the calling thread's loop
 * @timeout_ns: how long to wait for something to happen; 0: not at all;
 *              negative: for ever
 *
 * Waits until a descriptor is ready, a timer is due or something was posted,
 * handles it, and runs the timers and tasks that are due then; with tasks
 * registered there is no wait. Returns 1 while iv_main() would go on, else 0:
 * nothing is registered, then nothing was waited for, or a handler has called
 * iv_quit(). May be called inside a callback.
 *
 * Errors:  no loop: iv_fatal().
 * Threads: one that called iv_init().
 * Signals: unsafe in a signal handler.
 */
int iv_loop_run_once(int64_t timeout_ns);

/*
 * iv_loop_prepare - let another loop wait for this one
 * @timeout_ns: receives how long the host may wait; 0: not at all; -1: until
 *              the descriptor is readable; untouched on errors
 *
 *	fd = iv_loop_prepare(&timeout_ns);
 *	wait until fd is readable, or timeout_ns are over, or what you like;
 *	iv_loop_run_once(0);
 *
 * Returns a descriptor that stays the loop's and the same while it is open
 * (in a forked child it is another one), to be polled for reading only. Each
 * wait of the host needs a call of its own, behind everything that registers
 * or unregisters. Between the two calls the loop counts as asleep: a post
 * makes the descriptor readable. Of a loop that is told to end it may call
 * what iv_loop_end() says.
 *
 * Errors:  -ENOTSUP the poll method cannot: poll, ppoll and dev_poll;
 *          -EMFILE, -ENFILE, -ENOMEM, which a later call may not meet;
 *          -EINVAL @timeout_ns is NULL; no loop: iv_fatal().
 * Threads: one that called iv_init().
 * Signals: unsafe in a signal handler.
 */
int iv_loop_prepare(int64_t *timeout_ns);

/* A spin longer than this would keep descriptors waiting. */
enum { IV_LOOP_MAX_SPIN_US = 1000 };

/*
 * iv_loop_set_spin - look for posts for a while before going to sleep
 * @us: microseconds at most, from 0 to IV_LOOP_MAX_SPIN_US; 0: sleep at once,
 *      as loops do unless IV_SPIN_US in the environment says another number
 *
 * For loops on different CPUs that answer each other within microseconds: it
 * saves the wake-up, and costs the CPU meanwhile, on which another thread
 * could run. How long it looks follows what has paid lately. Descriptors and
 * timers wait until it is over.
 *
 * Errors:  -EINVAL; -ENOTSUP the process was started with one CPU and still
 *          has one, so nobody could post meanwhile (IV_SPIN_US is ignored
 *          then); no loop: iv_fatal(). A thread bound to a CPU may spin there.
 * Threads: one that called iv_init().
 * Signals: unsafe in a signal handler.
 */
int iv_loop_set_spin(int us);

#ifdef __cplusplus
}
#endif

#endif
