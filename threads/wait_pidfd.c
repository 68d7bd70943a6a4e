/* SPDX-License-Identifier: MIT */
/*
 * wait_pidfd.c - a descriptor that knows of one process, whatever its pid
 *
 * Here, too, stands the kill, with or without one. The plan is in waits.h.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "../runtime/valgrind.h"
#include "lock.h"
#include "waits.h"

/* -1 with errno set; not asked of valgrind, which would complain. */
static int open_pidfd(pid_t pid)
{
#ifdef SYS_pidfd_open
	if (!iv__on_valgrind())
		return (int)syscall(SYS_pidfd_open, pid, 0);
#endif
	(void)pid;
	errno = ENOSYS;

	return -1;
}

/* As kill(2). */
static int signal_pidfd(int fd, int sig)
{
#ifdef SYS_pidfd_send_signal
	return (int)syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
#else
	(void)fd;
	(void)sig;
	errno = ENOSYS;

	return -1;
#endif
}

static void got_exit(void *cookie)
{
	const struct iv__pidfd *pidfd = cookie;

	iv__wait_look(pidfd->child);
}

void iv__pidfd_open(struct iv__waits *waits, struct iv_wait_interest *child)
{
	struct iv__pidfd *pidfd;
	int fd = open_pidfd(child->pid);

	if (fd < 0)
		return;
	pidfd = calloc(1, sizeof(*pidfd));
	if (pidfd == NULL)
		goto err_fd;

	IV_FD_INIT(&pidfd->fd);
	pidfd->fd.fd = fd;
	pidfd->fd.cookie = pidfd;
	pidfd->fd.handler_in = got_exit;
	if (iv__fd_register_own(&pidfd->fd) < 0)
		goto err_pidfd;

	pidfd->child = child;
	iv_list_add_tail(&pidfd->list, &waits->pidfds);
	iv__lock();
	child->private_.child.pidfd = pidfd;
	iv__unlock();

	return;

err_pidfd:
	free(pidfd);
err_fd:
	close(fd);
}

static void close_and_free(struct iv__pidfd *pidfd)
{
	iv_list_del_init(&pidfd->list);
	iv_fd_unregister(&pidfd->fd);
	close(pidfd->fd.fd);
	free(pidfd);
}

void iv__pidfd_close(struct iv_wait_interest *child)
{
	if (child->private_.child.pidfd != NULL)
		close_and_free(child->private_.child.pidfd);
	child->private_.child.pidfd = NULL;
}

void iv__pidfds_let_go(struct iv__waits *waits)
{
	while (!iv_list_empty(&waits->pidfds))
		close_and_free(iv_container_of(waits->pidfds.next,
					       struct iv__pidfd, list));
}

/*
 * Under the lock, so that neither the pid nor the pidfd can go meanwhile. A
 * forked child has no business with its parent's children: it would not know
 * when their pids are used again.
 */
static int kill_locked(const struct iv_wait_interest *child, int sig)
{
	int ret = -1;

	errno = ESRCH;
	if ((child->private_.child.state & IV__WAIT_ENDED) ||
	    child->private_.child.process != getpid())
		return -1;

	errno = ENOSYS;
	if (child->private_.child.pidfd != NULL)
		ret = signal_pidfd(child->private_.child.pidfd->fd.fd, sig);
	/* EPERM may come of a filter; if it is meant, kill() says so, too. */
	if (ret < 0 && (errno == ENOSYS || errno == EPERM))
		ret = kill(child->pid, sig);

	return ret;
}

IV__PUBLIC int
iv_wait_interest_kill(const struct iv_wait_interest *child, int sig)
{
	int ret;

	iv__lock();
	ret = kill_locked(child, sig);
	iv__unlock();

	return ret < 0 && errno == ESRCH ? -ESRCH : ret;
}
