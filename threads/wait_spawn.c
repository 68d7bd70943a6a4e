/* SPDX-License-Identifier: MIT */
/*
 * wait_spawn.c - start a child process whose statuses are not lost
 *
 * The plan is in waits.h.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include "waits.h"

/*
 * Signals are blocked since before the fork: one that is sent to the child at
 * once must meet its default action, not our handler.
 */
static void __attribute__((noreturn))
be_child(void (*fn)(void *cookie), void *cookie, const sigset_t *mask)
{
	iv__signal_reset();
	pthread_sigmask(SIG_SETMASK, mask, NULL);
	fn(cookie);
	_exit(1);
}

/* The child's pid, or -1 with errno set. */
static pid_t spawn(void (*fn)(void *cookie), void *cookie)
{
	sigset_t all;
	sigset_t mask;
	pid_t pid;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &mask);
	pid = fork();
	if (pid == 0)
		be_child(fn, cookie, &mask);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);

	return pid;
}

IV__PUBLIC int
iv_wait_interest_register_spawn(struct iv_wait_interest *child,
				void (*fn)(void *cookie), void *cookie)
{
	struct iv__loop *loop =
		iv__loop_self("iv_wait_interest_register_spawn");
	struct iv__waits *waits;
	int saved_errno;

	/* Before the fork: an ignored SIGCHLD would take the status away. */
	waits = iv__wait_hold(loop);
	if (waits == NULL)
		return -1;

	iv__wait_begin(child);
	child->pid = spawn(fn, cookie);
	if (child->pid < 0) {
		saved_errno = errno;
		child->private_.child.process = 0;
		iv__wait_release(waits);
		errno = saved_errno;
		return -1;
	}
	iv__wait_attach(waits, child);

	return 0;
}
