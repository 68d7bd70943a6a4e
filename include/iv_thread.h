/* SPDX-License-Identifier: MIT */
/*
 * iv_thread.h - threads that keep the loop which created them alive
 */
#ifndef IV_THREAD_H
#define IV_THREAD_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * iv_thread_create - start a thread
 * @name:  shown in debug output and, cut to 15 bytes, as the system's name of
 *         the thread; copied
 * @start: runs in the new thread, which may or may not call iv_init()
 * @arg:   handed to @start
 *
 * The calling loop stays alive until the thread has ended, by returning or
 * by pthread_exit(); the library then joins it.
 *
 * Returns 0, or -1 with errno set (EAGAIN: no more threads; ENOMEM; EMFILE):
 * no thread was started and nothing was kept.
 *
 * Threads: one that called iv_init().
 * Signals: unsafe in a signal handler.
 * Source:  ivykis iv_thread(3)
 */
int iv_thread_create(const char *name, void (*start)(void *), void *arg);

/*
 * iv_thread_set_debug_state - say when threads start and end, on stderr
 * @state: non-zero to switch on; off at first
 *
 * Threads: any. Source: ivykis iv_thread(3)
 */
void iv_thread_set_debug_state(int state);

/*
 * iv_thread_list_children - print the calling loop's live threads on stderr
 *
 * Threads: one that called iv_init(). Source: ivykis iv_thread(3)
 */
void iv_thread_list_children(void);

/*
 * iv_get_thread_id - the kernel's number of the calling thread
 *
 * Unique among the threads that live at one time, never 0. The second name
 * is the older one and does the same.
 *
 * Threads: any. Signals: safe. Source: ivykis iv_thread(3)
 */
unsigned long iv_get_thread_id(void);
unsigned long iv_thread_get_id(void);

#ifdef __cplusplus
}
#endif

#endif
