/* SPDX-License-Identifier: MIT */
/*
 * interpose.c - stand between the library and two calls of the C library
 *
 * write() is how a poster wakes a loop: time let pass ahead of it opens the
 * window in which that loop may end. pthread_create() is refused at random
 * where the program asked for it, and never given a stack that another thread
 * had: the C library recycles them under a lock that helgrind does not see.
 * The dynamic linker prefers the program's definitions to those of the
 * libraries that it uses.
 */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "stress.h"

typedef int create_function(pthread_t *thread, const pthread_attr_t *attr,
			    void *(*run)(void *), void *arg);

/* clang links its sanitizers' own pthread_create under this name. */
extern create_function __interceptor_pthread_create __attribute__((weak));

/* Each stack is a page larger than all before, so that no old one fits. */
enum { STACK_SIZE = 256 * 1024, PAGE_SIZE = 4096 };

static create_function *real_create;
static atomic_uint num_stacks;
static atomic_uint refuse_percent;
static atomic_uint num_refused;

static _Thread_local struct stress_rng rng;
static _Thread_local bool rng_ready;

static struct stress_rng *own_rng(void)
{
	if (!rng_ready) {
		rng_ready = true;
		stress_rng_init(&rng, stress_next_stream() + (1ull << 32));
	}

	return &rng;
}

__attribute__((constructor)) static void find_real(void)
{
	void *symbol = dlsym(RTLD_NEXT, "pthread_create");

	memcpy(&real_create, &symbol, sizeof(symbol));
	if (__interceptor_pthread_create != NULL)
		real_create = __interceptor_pthread_create;
}

ssize_t write(int fd, const void *buf, size_t count)
{
	if (fd > STDERR_FILENO)
		stress_jitter(own_rng());

	return syscall(SYS_write, fd, buf, count);
}

static int create(pthread_t *thread, void *(*run)(void *), void *arg)
{
	size_t extra = (size_t)atomic_fetch_add(&num_stacks, 1) * PAGE_SIZE;
	pthread_attr_t attr;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE + extra);
	ret = real_create(thread, &attr, run, arg);
	pthread_attr_destroy(&attr);

	return ret;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr,
		   void *(*run)(void *), void *arg)
{
	unsigned int percent = atomic_load(&refuse_percent);

	if (percent > 0 && stress_chance(own_rng(), percent)) {
		atomic_fetch_add(&num_refused, 1);
		return EAGAIN;
	}

	if (attr != NULL)
		return real_create(thread, attr, run, arg);

	return create(thread, run, arg);
}

pthread_t stress_spawn(void *(*run)(void *), void *arg)
{
	pthread_t thread;
	int ret = create(&thread, run, arg);

	STRESS_CHECK(ret == 0, "pthread_create: %s", strerror(ret));

	return thread;
}

void stress_refuse_threads(unsigned int percent)
{
	atomic_exchange(&refuse_percent, percent);
}

unsigned int stress_threads_refused(void)
{
	return atomic_load(&num_refused);
}
