/* SPDX-License-Identifier: MIT */
/*
 * waker.c - eventfds and pipes that end a loop's wait
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include "loop.h"
#include "waker.h"
#ifdef IV__HAVE_EVENTFD
#include <sys/eventfd.h>
#endif

bool iv__waker_wants_pipe(void)
{
	return secure_getenv("IV_FORCE_PIPE") != NULL;
}

static int open_eventfd(struct iv__waker *waker)
{
#ifdef IV__HAVE_EVENTFD
	int fd;

	if (iv__waker_wants_pipe())
		return -ENOSYS;

	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0)
		return -errno;

	waker->rfd = fd;
	waker->wfd = fd;

	return 0;
#else
	(void)waker;
	return -ENOSYS;
#endif
}

static int open_pipe(struct iv__waker *waker)
{
	int fds[2];

	if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
		return -errno;

	waker->rfd = fds[0];
	waker->wfd = fds[1];

	return 0;
}

int iv__waker_open(struct iv__waker *waker)
{
	int ret;

	ret = open_eventfd(waker);
	if (ret == -ENOSYS || ret == -EPERM || ret == -EINVAL)
		ret = open_pipe(waker);
	if (ret < 0)
		return ret;

	waker->way = iv__wake_way_of(waker->rfd, waker->wfd);
	waker->arrived = 0;
	waker->unread = 0;

	return 0;
}

void iv__waker_close(struct iv__waker *waker)
{
	waker->way->close(waker);
	waker->way = NULL;
}

/* A poster that is cancelled here would leave its reader asleep for ever. */
static void write_whole(int fd, const void *bytes, size_t num)
{
	int saved_errno = errno;
	int cancel_state;
	ssize_t ret;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	do {
		ret = write(fd, bytes, num);
	} while (ret < 0 && errno == EINTR);

	pthread_setcancelstate(cancel_state, NULL);
	errno = saved_errno;
}

static void eventfd_wake(int fd)
{
	const uint64_t one = 1;

	write_whole(fd, &one, sizeof(one));
}

static void pipe_wake(int fd)
{
	write_whole(fd, "", 1);
}

static void wait_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	poll(&pfd, 1, -1);
}

/* Those whose edge was seen are in the counter too. */
static void eventfd_collect(struct iv__waker *waker, bool block)
{
	uint64_t count;
	ssize_t ret;

	if (block && waker->unread == 0)
		wait_readable(waker->rfd);

	do {
		ret = read(waker->rfd, &count, sizeof(count));
	} while (ret < 0 && errno == EINTR);

	if (ret > 0) {
		waker->arrived += count - waker->unread;
		waker->unread = 0;
	}
}

static void pipe_collect(struct iv__waker *waker, bool block)
{
	char bytes[512];
	ssize_t ret;

	if (block)
		wait_readable(waker->rfd);

	do {
		ret = read(waker->rfd, bytes, sizeof(bytes));
		if (ret > 0)
			waker->arrived += (uint64_t)ret;
	} while (ret == sizeof(bytes) || (ret < 0 && errno == EINTR));
}

static void eventfd_close(struct iv__waker *waker)
{
	close(waker->rfd);
}

static void pipe_close(struct iv__waker *waker)
{
	close(waker->rfd);
	close(waker->wfd);
}

const struct iv__wake_way iv__wake_by_eventfd = {
	.wake = eventfd_wake,
	.collect = eventfd_collect,
	.close = eventfd_close,
};

const struct iv__wake_way iv__wake_by_pipe = {
	.wake = pipe_wake,
	.collect = pipe_collect,
	.close = pipe_close,
};
