/* SPDX-License-Identifier: MIT */
/*
 * shim.h - make the n-th call of a function fail
 *
 * Only calls that the library makes pass through the shim: it is put into the
 * library's own table of imported functions (got.c), so the program, the C
 * library and the sanitizers go on calling the real ones. For the same reason
 * the blocks that the library has allocated and not freed can be counted.
 */
#ifndef SHIM_H
#define SHIM_H

#include <stdbool.h>

/* What can fail; where the library has it by syscall(2), that counts too. */
#define SHIM_FUNCTIONS(X)                   \
	X(malloc)                           \
	X(calloc)                           \
	X(realloc)                          \
	X(aligned_alloc)                    \
	X(strdup)                           \
	X(pthread_create)                   \
	X(pthread_setspecific)              \
	X(sem_wait)                         \
	X(sem_clockwait)                    \
	X(epoll_create)                     \
	X(epoll_create1)                    \
	X(epoll_ctl)                        \
	X(epoll_wait)                       \
	X(epoll_pwait2)                     \
	X(poll)                             \
	X(ppoll)                            \
	X(eventfd)                          \
	X(timerfd_create)                   \
	X(timerfd_settime)                  \
	X(pipe)                             \
	X(pipe2)                            \
	X(read)                             \
	X(write)                            \
	X(splice)                           \
	X(ioctl)                            \
	X(open)                             \
	X(dup2)                             \
	X(dup3)                             \
	X(setrlimit)                        \
	X(sched_getaffinity)                \
	X(inotify_init)                     \
	X(inotify_init1)                    \
	X(inotify_add_watch)                \
	X(io_uring_queue_init_params)       \
	X(io_uring_submit_and_get_events)   \
	X(io_uring_submit_and_wait)         \
	X(io_uring_submit_and_wait_timeout) \
	X(io_uring_register_ring_fd)        \
	X(sigaction)                        \
	X(fork)                             \
	X(execvp)                           \
	X(wait4)                            \
	X(kill)                             \
	X(pidfd_open)                       \
	X(pidfd_send_signal)

enum shim_function {
#define X(name) SHIM_##name,
	SHIM_FUNCTIONS(X)
#undef X
		SHIM_NUM_FUNCTIONS
};

struct shim_fault {
	enum shim_function function; /* SHIM_NUM_FUNCTIONS: none */
	int error;		     /* the errno that it fails with */
	unsigned int nth;	     /* the first to fail, from 1 */
	bool onward;		     /* and all after it */
};

const char *shim_name(enum shim_function function);

/* SHIM_NUM_FUNCTIONS when there is none of this name. */
enum shim_function shim_find(const char *name);

/* Once, before the first fork: stand between the library and the system. */
void shim_install(void);

/* Count from 1 again and let @fault happen, until disarmed. */
void shim_arm(const struct shim_fault *fault);
void shim_disarm(void);

/* The library cannot raise RLIMIT_NOFILE while this is set. */
void shim_keep_limit(bool keep);

/* Has the fault happened, here or in a process forked from this one? */
bool shim_reached(void);

/* Calls since shim_arm(), here and in processes forked from this one. */
unsigned int shim_calls(enum shim_function function);

/* Blocks that the library has allocated in this process and not freed. */
long shim_live_blocks(void);

/* got.c */

struct shim_import {
	const char *name;
	void (*function)(void);
};

/*
 * Have the object that defines @symbol call @imports, which ends with a NULL
 * name, in place of the functions of these names.
 */
void shim_replace_imports(const char *symbol,
			  const struct shim_import *imports);

#endif
