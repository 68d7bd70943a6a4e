/* SPDX-License-Identifier: MIT */
/*
 * shim.c - make the n-th call of a function fail
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "shim.h"

/* In shared memory, so that forked processes count on. */
struct state {
	struct shim_fault fault;
	atomic_bool armed;
	atomic_bool keep_limit;
	atomic_uint reached;
	atomic_uint calls[SHIM_NUM_FUNCTIONS];
};

static struct state *state;

/* A forked process has its own blocks. */
static atomic_long live_blocks;

static const char *const names[] = {
#define X(name) #name,
	SHIM_FUNCTIONS(X)
#undef X
};

const char *shim_name(enum shim_function function)
{
	return names[function];
}

enum shim_function shim_find(const char *name)
{
	int i;

	for (i = 0; i < SHIM_NUM_FUNCTIONS; i++) {
		if (strcmp(names[i], name) == 0)
			break;
	}

	return (enum shim_function)i;
}

void shim_arm(const struct shim_fault *fault)
{
	int i;

	for (i = 0; i < SHIM_NUM_FUNCTIONS; i++)
		atomic_store(&state->calls[i], 0);
	atomic_store(&state->reached, 0);
	state->fault = *fault;
	atomic_store(&state->armed, true);
}

void shim_disarm(void)
{
	atomic_store(&state->armed, false);
}

void shim_keep_limit(bool keep)
{
	atomic_store(&state->keep_limit, keep);
}

bool shim_reached(void)
{
	return atomic_load(&state->reached) > 0;
}

unsigned int shim_calls(enum shim_function function)
{
	return atomic_load(&state->calls[function]);
}

long shim_live_blocks(void)
{
	return atomic_load(&live_blocks);
}

/* Count a call, and tell with errno set whether it is one that fails. */
static bool fails(enum shim_function function)
{
	unsigned int nth;

	if (!atomic_load(&state->armed))
		return false;

	nth = atomic_fetch_add(&state->calls[function], 1) + 1;
	if (function != state->fault.function || nth < state->fault.nth ||
	    (nth > state->fault.nth && !state->fault.onward))
		return false;

	atomic_fetch_add(&state->reached, 1);
	errno = state->fault.error;

	return true;
}

/* Memory ******************************************************************/

static void *allocated(void *block)
{
	if (block != NULL)
		atomic_fetch_add(&live_blocks, 1);

	return block;
}

static void *fail_malloc(size_t size)
{
	return fails(SHIM_malloc) ? NULL : allocated(malloc(size));
}

static void *fail_calloc(size_t num, size_t size)
{
	return fails(SHIM_calloc) ? NULL : allocated(calloc(num, size));
}

static void *fail_aligned_alloc(size_t alignment, size_t size)
{
	return fails(SHIM_aligned_alloc)
		       ? NULL
		       : allocated(aligned_alloc(alignment, size));
}

static char *fail_strdup(const char *string)
{
	return fails(SHIM_strdup) ? NULL : allocated(strdup(string));
}

static void *fail_realloc(void *block, size_t size)
{
	bool had_none = block == NULL;

	if (fails(SHIM_realloc))
		return NULL;
	block = realloc(block, size);

	return had_none ? allocated(block) : block;
}

static void count_free(void *block)
{
	if (block != NULL)
		atomic_fetch_sub(&live_blocks, 1);
	free(block);
}

/* Calls that return their error ******************************************/

static int fail_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			       void *(*run)(void *), void *arg)
{
	return fails(SHIM_pthread_create)
		       ? errno
		       : pthread_create(thread, attr, run, arg);
}

/* Setting NULL takes no memory. */
static int fail_pthread_setspecific(pthread_key_t key, const void *value)
{
	if (value != NULL && fails(SHIM_pthread_setspecific))
		return errno;

	return pthread_setspecific(key, value);
}

/* Calls that return -1 and set errno *************************************/

#define FAIL(type, name, parameters, arguments)                        \
	static type fail_##name parameters                             \
	{                                                              \
		return fails(SHIM_##name) ? (type)-1 : name arguments; \
	}

FAIL(int, sem_wait, (sem_t * sem), (sem))
FAIL(int, sem_clockwait,
     (sem_t * sem, clockid_t clock, const struct timespec *until),
     (sem, clock, until))
FAIL(int, epoll_create, (int size), (size))
FAIL(int, epoll_create1, (int flags), (flags))
FAIL(int, epoll_wait, (int fd, struct epoll_event *events, int num, int ms),
     (fd, events, num, ms))
FAIL(int, epoll_pwait2,
     (int fd, struct epoll_event *events, int num,
      const struct timespec *timeout, const sigset_t *mask),
     (fd, events, num, timeout, mask))
FAIL(int, poll, (struct pollfd * fds, nfds_t num, int ms), (fds, num, ms))
FAIL(int, ppoll,
     (struct pollfd * fds, nfds_t num, const struct timespec *timeout,
      const sigset_t *mask),
     (fds, num, timeout, mask))
FAIL(int, eventfd, (unsigned int count, int flags), (count, flags))
FAIL(int, timerfd_create, (clockid_t clock, int flags), (clock, flags))
FAIL(int, timerfd_settime,
     (int fd, int flags, const struct itimerspec *at, struct itimerspec *old),
     (fd, flags, at, old))
FAIL(int, pipe, (int fds[2]), (fds))
FAIL(int, pipe2, (int fds[2], int flags), (fds, flags))
FAIL(ssize_t, read, (int fd, void *buf, size_t size), (fd, buf, size))
FAIL(ssize_t, write, (int fd, const void *buf, size_t size), (fd, buf, size))
FAIL(ssize_t, splice,
     (int from, off64_t *from_at, int to, off64_t *to_at, size_t size,
      unsigned int flags),
     (from, from_at, to, to_at, size, flags))
FAIL(int, sched_getaffinity, (pid_t pid, size_t size, cpu_set_t *cpus),
     (pid, size, cpus))
FAIL(int, dup2, (int from, int to), (from, to))
FAIL(int, dup3, (int from, int to, int flags), (from, to, flags))
FAIL(int, inotify_init, (void), ())
FAIL(int, inotify_init1, (int flags), (flags))
FAIL(int, inotify_add_watch, (int fd, const char *path, uint32_t mask),
     (fd, path, mask))
FAIL(pid_t, fork, (void), ())
FAIL(int, execvp, (const char *file, char *const argv[]), (file, argv))
FAIL(int, kill, (pid_t pid, int signum), (pid, signum))

/* Changing or removing an entry takes nothing that could be missing. */
static int fail_epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev)
{
	if (op == EPOLL_CTL_ADD && fails(SHIM_epoll_ctl))
		return -1;

	return epoll_ctl(epfd, op, fd, ev);
}

/* Going back to the default action always succeeds. */
static int fail_sigaction(int signum, const struct sigaction *action,
			  struct sigaction *old)
{
	bool to_default = action != NULL && action->sa_handler == SIG_DFL;

	if (!to_default && fails(SHIM_sigaction))
		return -1;

	return sigaction(signum, action, old);
}

/* Somebody else has waited for the child, which is possible once it ended. */
static pid_t fail_wait4(pid_t pid, int *status, int how, struct rusage *rusage)
{
	pid_t ret = wait4(pid, status, how, rusage);

	if (ret > 0 && (WIFEXITED(*status) || WIFSIGNALED(*status)) &&
	    fails(SHIM_wait4))
		return -1;

	return ret;
}

static int fail_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);

	return fails(SHIM_ioctl) ? -1 : ioctl(fd, request, arg);
}

/* Without a mode: the library creates no files. */
static int fail_open(const char *path, int flags, ...)
{
	return fails(SHIM_open) ? -1 : open(path, flags);
}

static int fail_setrlimit(int resource, const struct rlimit *limit)
{
	if (atomic_load(&state->keep_limit)) {
		errno = EPERM;
		return -1;
	}

	return fails(SHIM_setrlimit) ? -1 : setrlimit(resource, limit);
}

/* liburing's, which return -errno; the program itself does not need it. */
#define FAIL_URING(name, parameters, arguments)               \
	static int fail_##name parameters                     \
	{                                                     \
		__typeof__(fail_##name) *real;                \
                                                              \
		if (fails(SHIM_##name))                       \
			return -errno;                        \
		*(void **)&real = dlsym(RTLD_DEFAULT, #name); \
                                                              \
		return real arguments;                        \
	}

FAIL_URING(io_uring_queue_init_params,
	   (unsigned int num, void *ring, void *params), (num, ring, params))
FAIL_URING(io_uring_submit_and_get_events, (void *ring), (ring))
FAIL_URING(io_uring_submit_and_wait, (void *ring, unsigned int num),
	   (ring, num))
FAIL_URING(io_uring_submit_and_wait_timeout,
	   (void *ring, void *cqe, unsigned int num, void *timeout, void *mask),
	   (ring, cqe, num, timeout, mask))
FAIL_URING(io_uring_register_ring_fd, (void *ring), (ring))

static enum shim_function function_of(long number)
{
	switch (number) {
	case SYS_pidfd_open:
		return SHIM_pidfd_open;
	case SYS_pidfd_send_signal:
		return SHIM_pidfd_send_signal;
#ifdef SYS_eventfd
	case SYS_eventfd:
#endif
	case SYS_eventfd2:
		return SHIM_eventfd;
	case SYS_epoll_create1:
		return SHIM_epoll_create1;
	case SYS_epoll_pwait2:
		return SHIM_epoll_pwait2;
	case SYS_timerfd_create:
		return SHIM_timerfd_create;
	default:
		return SHIM_NUM_FUNCTIONS;
	}
}

/* As many arguments as a system call can have. */
static long fail_syscall(long number, ...)
{
	enum shim_function function = function_of(number);
	long args[6];
	va_list ap;
	int i;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		args[i] = va_arg(ap, long);
	va_end(ap);

	if (function != SHIM_NUM_FUNCTIONS && fails(function))
		return -1;

	return syscall(number, args[0], args[1], args[2], args[3], args[4],
		       args[5]);
}

/* Installing **************************************************************/

/* clang-format off */
#define IMPORT(name) { #name, (void (*)(void))fail_##name }
/* clang-format on */

static const struct shim_import imports[] = {
	IMPORT(malloc),
	IMPORT(calloc),
	IMPORT(realloc),
	IMPORT(aligned_alloc),
	IMPORT(strdup),
	IMPORT(pthread_create),
	IMPORT(pthread_setspecific),
	IMPORT(sem_wait),
	IMPORT(sem_clockwait),
	IMPORT(epoll_create),
	IMPORT(epoll_create1),
	IMPORT(epoll_ctl),
	IMPORT(epoll_wait),
	IMPORT(epoll_pwait2),
	IMPORT(poll),
	IMPORT(ppoll),
	IMPORT(eventfd),
	IMPORT(timerfd_create),
	IMPORT(timerfd_settime),
	IMPORT(pipe),
	IMPORT(pipe2),
	IMPORT(read),
	IMPORT(write),
	IMPORT(splice),
	IMPORT(ioctl),
	IMPORT(open),
	IMPORT(dup2),
	IMPORT(dup3),
	IMPORT(setrlimit),
	IMPORT(sched_getaffinity),
	IMPORT(inotify_init),
	IMPORT(inotify_init1),
	IMPORT(inotify_add_watch),
	IMPORT(io_uring_queue_init_params),
	IMPORT(io_uring_submit_and_get_events),
	IMPORT(io_uring_submit_and_wait),
	IMPORT(io_uring_submit_and_wait_timeout),
	IMPORT(io_uring_register_ring_fd),
	IMPORT(sigaction),
	IMPORT(fork),
	IMPORT(execvp),
	IMPORT(wait4),
	IMPORT(kill),
	IMPORT(syscall),
	{ "free", (void (*)(void))count_free },
	{ NULL, NULL },
};

void shim_install(void)
{
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (state == MAP_FAILED) {
		perror("shim: mmap");
		exit(2);
	}
	shim_replace_imports("iv_init", imports);
}
